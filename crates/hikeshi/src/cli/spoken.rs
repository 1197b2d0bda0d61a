//! How a command of the domain is given on the command line. That each of these words exists is checked where the table of commands is made.

use hikeshi_domain::permit::{Row, row};

/// The words on the command line. `Err`: why there are none.
pub fn spoken(kind: &str) -> Result<String, &'static str> {
    if row(kind) == Row::Inside {
        return Err("only the program");
    }
    Ok(match kind {
        "account.add_passkey" | "account.remove_passkey" | "account.sign_out" | "contact.add_browser" | "contact.remove_browser" => {
            return Err("only in the browser that it is about");
        }
        "emergency.approve_passkey" => return Err("only in a browser, which asks the authenticator"),
        "account.sign_in" | "account.enter" => "login".to_owned(),
        "account.invite" => "people invite".to_owned(),
        "account.issue_token" => "token issue".to_owned(),
        "account.revoke_token" => "token revoke".to_owned(),
        "emergency.approve_signed" => "emergency approve".to_owned(),
        "emergency.watch" => "emergency watch".to_owned(),
        "session.confirm" => "emergency confirm".to_owned(),
        "session.deny" => "emergency deny".to_owned(),
        "session.open" => "emergency shell".to_owned(),
        "session.bind" => "emergency watch".to_owned(),
        "session.note" => "emergency note".to_owned(),
        "session.stop" => "emergency end-session".to_owned(),
        "session.redact" => "emergency redact".to_owned(),
        "session.agree_redaction" => "emergency agree-redaction".to_owned(),
        "session.decline_redaction" => "emergency decline-redaction".to_owned(),
        "session.abandon" => return Err("by `emergency shell` itself, when it cannot begin"),
        "incident.acknowledge" => "incident ack".to_owned(),
        "postmortem.write" | "postmortem.amend" => "incident postmortem".to_owned(),
        "postmortem.import" => "incident import".to_owned(),
        "policy.adopt" => "policy reload".to_owned(),
        _ => kind.replace('.', " ").replace('_', "-"),
    })
}
