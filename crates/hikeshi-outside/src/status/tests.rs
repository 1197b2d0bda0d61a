//! What a mail server says, and whose trouble it is.

#![expect(clippy::disallowed_methods, reason = "a server lives as long as its test")]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use hikeshi_domain::effect::{EffectKey, Work};
use hikeshi_domain::policy::{MailSecurity, PageName};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

use super::*;

fn options() -> Options {
    Options {
        spool: PathBuf::from("/nowhere"),
        program: PathBuf::from("/nowhere"),
        program_args: Vec::new(),
        base: PathBuf::from("/nowhere"),
        env: BTreeMap::from([
            (OsString::from("MAIL_USER"), OsString::from("us")),
            (OsString::from("MAIL_PASSWORD"), OsString::from("wrong")),
        ]),
        public_url: "https://hikeshi.test/".to_owned(),
        ledger: "l1".to_owned(),
        push_key: None,
    }
}

/// Takes one mail; what begins with the first of the pair is answered with the second. `""` is the greeting, `.` the end of the mail.
async fn server(answer: (&'static str, &'static str)) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let port = listener.local_addr().expect("address").port();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a caller");
        let mut stream = BufReader::new(stream);
        let greeting = if answer.0.is_empty() { answer.1 } else { "220 ready" };
        stream.write_all(format!("{greeting}\r\n").as_bytes()).await.expect("a greeting");
        let (mut line, mut in_mail) = (String::new(), false);
        while stream.read_line(&mut line).await.is_ok_and(|count| count > 0) {
            let said = std::mem::take(&mut line);
            if in_mail && said != ".\r\n" {
                continue;
            }
            let usual = match said.split_whitespace().next().unwrap_or_default() {
                "EHLO" => "250-mail.test\r\n250 AUTH PLAIN LOGIN",
                "AUTH" => "235 welcome",
                "DATA" => "354 go on",
                _ => "250 fine",
            };
            let answer = if !answer.0.is_empty() && said.starts_with(answer.0) { answer.1 } else { usual };
            in_mail = answer.starts_with("354");
            if stream.write_all(format!("{answer}\r\n").as_bytes()).await.is_err() {
                return;
            }
        }
    });
    port
}

async fn told(port: u16) -> Outcome {
    let server = MailServer {
        host: "127.0.0.1".to_owned(),
        port,
        security: MailSecurity::None,
        from: "状況 <status@example.test>".to_owned(),
        user_env: Some("MAIL_USER".to_owned()),
        password_env: Some("MAIL_PASSWORD".to_owned()),
    };
    let order = TellOrder {
        title: PageName { ja: "状況".to_owned(), en: "Status".to_owned() },
        url: "https://status.example.test".to_owned(),
        time_zone: "Asia/Tokyo".to_owned(),
        mail: Some(Box::new(server)),
        mails_per_min: 300,
        webhooks: Vec::new(),
        what: Telling::Confirm { secret: "1.secret".to_owned() },
        to: Some(Recipient::Mail { address: "a@example.test".to_owned(), language: Language::Ja, leave: "1.leave".to_owned() }),
    };
    let effect = Effect { key: EffectKey("status/confirm/1/abc".to_owned()), work: Work::Tell(Box::new(order.clone())) };
    perform(&options(), &effect, &order).await.outcome
}

#[tokio::test]
async fn only_what_a_status_mail_server_says_of_the_recipient_is_the_recipients_trouble() {
    let taken = told(server(("XXXX", "")).await).await;
    assert!(matches!(&taken, Outcome::Paged { reference, .. } if reference == "fine"), "{taken:?}");
    for (when, answer) in [
        ("", "554 5.7.1 you are on a list"),
        ("AUTH", "535 5.7.8 authentication failed"),
        ("MAIL", "550 5.7.1 sender rejected"),
        ("MAIL", "553 5.1.8 sender unknown"),
        ("DATA", "554 5.5.1 no"),
        (".", "550 5.7.1 this looks like spam"),
        (".", "451 4.3.0 try later"),
    ] {
        let outcome = told(server((when, answer)).await).await;
        assert!(matches!(outcome, Outcome::Failed { .. }), "{when} {answer}: {outcome:?}");
    }
    for answer in ["550 5.1.1 no such user", "551 5.1.6 moved", "553 5.1.3 what is that"] {
        let outcome = told(server(("RCPT", answer)).await).await;
        assert!(matches!(&outcome, Outcome::PageRefused { detail } if detail.contains("5.1.")), "{answer}: {outcome:?}");
    }
    for answer in ["450 4.2.1 greylisted", "452 4.2.2 mailbox full", "550 5.7.54 unable to relay", "554 5.7.1 relay access denied"] {
        let outcome = told(server(("RCPT", answer)).await).await;
        assert!(matches!(outcome, Outcome::Postponed { .. }), "{answer}: {outcome:?}");
    }
    assert!(matches!(told(1).await, Outcome::Failed { .. }), "nobody listens there");
}
