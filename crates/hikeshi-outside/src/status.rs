//! Telling one subscriber of the status page: by mail, or through a program of theirs. Who they are and who is left is the engine's affair.

mod folder;
#[cfg(test)]
mod tests;

use std::time::Duration;

use hikeshi_domain::effect::{Effect, Outcome, Performed};
use hikeshi_domain::policy::{Language, MailServer};
use hikeshi_domain::status::order::{Recipient, TellOrder, Telling};
use hikeshi_text::Lang;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use serde_json::json;

pub use folder::Folder;

use crate::Options;
use crate::paging::{Trouble, bounded, mail, webhook};

/// For one mail or call.
const WITHIN: Duration = Duration::from_secs(15);
/// A mail server that takes no mail for one recipient now may take it this much later.
const AGAIN_S: u32 = 20;

/// `Failed`: nobody can be reached by this means now. `Postponed`: this one cannot. `PageRefused`: this one never.
pub(crate) async fn perform(options: &Options, effect: &Effect, order: &TellOrder) -> Performed {
    let sending = async {
        match (&order.to, &order.mail) {
            (Some(Recipient::Mail { address, language, leave }), Some(server)) => {
                let message = message(options, effect, order, &Letter { address, language: *language, leave, server })?;
                mail::deliver(options, server, message).await
            }
            (Some(Recipient::Webhook { webhook, .. }), _) => {
                let body = body(effect, order).to_string();
                Ok(webhook::deliver(options, webhook, &effect.key, body, WITHIN).await?)
            }
            (Some(Recipient::Mail { .. }), None) | (None, _) => Err(Trouble::Lasting("nobody to tell".to_owned())),
        }
    };
    let late = || Err(Trouble::Passing(format!("no answer within {} s", WITHIN.as_secs())));
    let outcome = match tokio::time::timeout(WITHIN, sending).await.unwrap_or_else(|_| late()) {
        Ok(reference) => Outcome::Paged { reference: bounded(&reference), repeated: false, bundle: Vec::new() },
        Err(Trouble::Passing(detail)) => Outcome::Failed { detail: bounded(&detail) },
        Err(Trouble::Recipient(detail)) => Outcome::Postponed { after_s: AGAIN_S, detail: bounded(&detail) },
        Err(Trouble::Lasting(detail) | Trouble::Gone(detail)) => Outcome::PageRefused { detail: bounded(&detail) },
    };
    Performed { outcome, contents: Vec::new() }
}

struct Letter<'a> {
    address: &'a str,
    language: Language,
    leave: &'a str,
    server: &'a MailServer,
}

fn message(options: &Options, effect: &Effect, order: &TellOrder, letter: &Letter<'_>) -> Result<Message, Trouble> {
    let at = |what: &str, secret: &str| format!("{}/status/{what}/{secret}", options.public_url.trim_end_matches('/'));
    let (link, leave) = match &order.what {
        Telling::Confirm { secret } => (at("confirm", secret), None),
        Telling::Post { .. } => {
            let leave = at("leave", letter.leave);
            (leave.clone(), Some(leave))
        }
    };
    let text = hikeshi_text::status::mail(Lang::from(letter.language), order, &link);
    let from: Mailbox =
        letter.server.from.parse().map_err(|error| format!("the sender {} is no mail address: {error}", letter.server.from))?;
    let to = letter.address.parse().map_err(|error| Trouble::Lasting(format!("this is no mail address: {error}")))?;
    // One post has one id for one reader, whenever it is sent: mail programs show the second copy of it as the same message.
    let id = format!("<{}@{}.hikeshi>", effect.key.0.replace('/', "."), options.ledger);
    let mut message = Message::builder()
        .from(from)
        .to(Mailbox::new(None, to))
        .subject(text.subject)
        .message_id(Some(id))
        .header(ContentType::TEXT_PLAIN)
        .body(text.body)
        .map_err(|error| error.to_string())?;
    let mut headers = vec![("Auto-Submitted", "auto-generated".to_owned())];
    if let Telling::Post { incident, .. } = &order.what {
        headers.push(("References", format!("<status.{incident}@{}.hikeshi>", options.ledger)));
    }
    if let Some(leave) = leave {
        // RFC 8058: mail programs leave with one press, without opening the page.
        headers.push(("List-Unsubscribe", format!("<{leave}>")));
        headers.push(("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned()));
    }
    for (name, value) in headers {
        let name = HeaderName::new_from_ascii(name.to_owned()).map_err(|error| error.to_string())?;
        message.headers_mut().insert_raw(HeaderValue::new(name, value));
    }
    Ok(message)
}

/// What a program is told; the same names as in `status.json`.
fn body(effect: &Effect, order: &TellOrder) -> serde_json::Value {
    let Telling::Post { incident, number, at, state, text, components } = &order.what else { return json!({}) };
    let (said_ja, said_en) = (hikeshi_text::status::words(Lang::Ja, text, *state).0, hikeshi_text::status::words(Lang::En, text, *state).0);
    let components: Vec<_> = components.iter().map(|(name, health)| json!({"name": name, "health": health})).collect();
    json!({
        "key": effect.key,
        "page": order.title,
        "incident": incident,
        "post": number,
        "at": at,
        "state": state,
        "text": {"ja": said_ja, "en": said_en},
        "components": components,
        "url": order.url,
    })
}
