//! A page as mail, through an SMTP server.

use hikeshi_domain::effect::Effect;
use hikeshi_domain::page::{About, PageOrder};
use hikeshi_domain::policy::{MailSecurity, MailServer};
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use super::{Trouble, secret};
use crate::Options;

pub(super) async fn send(
    options: &Options,
    effect: &Effect,
    order: &PageOrder,
    to: &str,
    server: &MailServer,
    url: &str,
) -> Result<String, Trouble> {
    let message = message(options, effect, order, to, server, url)?;
    // A page that a mail server refuses may be taken a minute later: only its own means decide.
    deliver(options, server, message).await.map_err(|trouble| match trouble {
        Trouble::Passing(detail) | Trouble::Lasting(detail) => Trouble::Passing(detail),
    })
}

/// Hands one message to the server. What it refuses for good is refused for good.
pub(crate) async fn deliver(options: &Options, server: &MailServer, message: Message) -> Result<String, Trouble> {
    let host = server.host.as_str();
    let builder = match server.security {
        MailSecurity::Starttls => AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(host).map_err(|error| error.to_string())?,
        MailSecurity::Tls => AsyncSmtpTransport::<Tokio1Executor>::relay(host).map_err(|error| error.to_string())?,
        MailSecurity::None => AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host),
    };
    let mut builder = builder.port(server.port);
    if let (Some(user), Some(password)) = (&server.user_env, &server.password_env) {
        builder = builder.credentials(Credentials::new(secret(options, user)?, secret(options, password)?));
    }
    let answer = builder
        .build()
        .send(message)
        .await
        .map_err(|error| if error.is_permanent() { Trouble::Lasting(said(&error)) } else { Trouble::Passing(said(&error)) })?;
    Ok(answer.message().collect::<Vec<_>>().join(" "))
}

fn message(options: &Options, effect: &Effect, order: &PageOrder, to: &str, server: &MailServer, url: &str) -> Result<Message, String> {
    let text = hikeshi_text::page_text(order, url);
    let from: Mailbox = server.from.parse().map_err(|error| format!("the sender {} is no mail address: {error}", server.from))?;
    let address = to.parse().map_err(|error| format!("{to} is no mail address: {error}"))?;
    // One page has one id, whenever it is sent: mail programs show the second copy of it as the same message.
    let id = format!("<{}@{}.hikeshi>", effect.key.0.replace('/', "."), options.ledger);
    let mut message = Message::builder()
        .from(from)
        .to(Mailbox::new(Some(order.name.clone()), address))
        .subject(text.subject)
        .message_id(Some(id))
        .header(ContentType::TEXT_PLAIN)
        .body(text.body)
        .map_err(|error| error.to_string())?;
    let thread = match &order.about {
        About::Incident { incident, .. } => Some(format!("<{incident}@{}.hikeshi>", options.ledger)),
        About::Test { .. } => None,
    };
    let thread = thread.as_deref().map(|thread| ("References", thread));
    for (name, value) in thread.into_iter().chain([("Auto-Submitted", "auto-generated"), ("X-Priority", "1")]) {
        let name = HeaderName::new_from_ascii(name.to_owned()).map_err(|error| error.to_string())?;
        message.headers_mut().insert_raw(HeaderValue::new(name, value.to_owned()));
    }
    Ok(message)
}

/// The error with its cause: "permanent error" alone says nothing.
fn said(error: &lettre::transport::smtp::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let words = inner.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        cause = inner.source();
    }
    text
}
