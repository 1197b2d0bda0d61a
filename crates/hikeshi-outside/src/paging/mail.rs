//! A page as mail, through an SMTP server.

use std::time::Duration;

use hikeshi_domain::effect::Effect;
use hikeshi_domain::page::{About, PageOrder};
use hikeshi_domain::policy::{MailSecurity, MailServer};
use lettre::Address;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};

use super::{Trouble, secret};
use crate::Options;

/// How long the server may take to end the conversation.
const GOOD_BYE: Duration = Duration::from_secs(1);

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
    deliver(options, server, message).await.map_err(|trouble| Trouble::Passing(trouble.into_detail()))
}

/// Hands one message to the server. Each step is taken here, since one number means something else in each: only what is said to the recipient
/// is about the recipient, and a wrong password is nobody's fault but ours.
pub(crate) async fn deliver(options: &Options, server: &MailServer, message: Message) -> Result<String, Trouble> {
    let credentials = match (&server.user_env, &server.password_env) {
        (Some(user), Some(password)) => Some(Credentials::new(secret(options, user)?, secret(options, password)?)),
        _ => None,
    };
    let mut connection = connect(server).await.map_err(ours)?;
    let handed = hand_over(&mut connection, credentials.as_ref(), &message).await;
    // It is taken or not by now, however the good-bye goes.
    if tokio::time::timeout(GOOD_BYE, connection.abort()).await.is_err() {
        tracing::debug!("the mail server does not say good-bye");
    }
    handed
}

async fn connect(server: &MailServer) -> Result<AsyncSmtpConnection, Error> {
    let (host, hello) = (server.host.as_str(), ClientId::default());
    let wrapper = match server.security {
        MailSecurity::Tls => Some(TlsParameters::new(host.to_owned())?),
        MailSecurity::Starttls | MailSecurity::None => None,
    };
    // How long it may take in all is the caller's to say.
    let mut connection = AsyncSmtpConnection::connect_tokio1((host, server.port), None, &hello, wrapper, None).await?;
    if server.security == MailSecurity::Starttls {
        connection.starttls(TlsParameters::new(host.to_owned())?, &hello).await?;
    }
    Ok(connection)
}

async fn hand_over(connection: &mut AsyncSmtpConnection, credentials: Option<&Credentials>, message: &Message) -> Result<String, Trouble> {
    if let Some(credentials) = credentials {
        connection.auth(DEFAULT_MECHANISMS, credentials).await.map_err(ours)?;
    }
    let (envelope, bytes) = (message.envelope(), message.formatted());
    let mut parameters = Vec::new();
    let addresses: Vec<&Address> = envelope.from().into_iter().chain(envelope.to()).collect();
    if addresses.iter().any(|address| !AsRef::<str>::as_ref(address).is_ascii()) {
        if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
            return Err(Trouble::Recipient("the mail server takes no addresses like this one (SMTPUTF8)".to_owned()));
        }
        parameters.push(MailParameter::SmtpUtfEight);
    }
    if !bytes.is_ascii() {
        if !connection.server_info().supports_feature(Extension::EightBitMime) {
            return Err(Trouble::Passing("the mail server takes no 8BITMIME".to_owned()));
        }
        parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    connection.command(Mail::new(envelope.from().cloned(), parameters)).await.map_err(ours)?;
    for to in envelope.to() {
        connection.command(Rcpt::new(to.clone(), Vec::new())).await.map_err(theirs)?;
    }
    connection.command(Data).await.map_err(ours)?;
    let answer = connection.message(&bytes).await.map_err(ours)?;
    Ok(answer.message().collect::<Vec<_>>().join(" "))
}

/// Trouble between the server and us: every other mail has it, too, and somebody mends it.
#[expect(clippy::needless_pass_by_value, reason = "it is what map_err hands on")]
fn ours(error: Error) -> Trouble {
    Trouble::Passing(said(&error))
}

/// What was answered when the recipient was named. RFC 3463: 5.7 is about who may send what, which is ours to mend, too.
fn theirs(error: Error) -> Trouble {
    let Some(code) = error.status().map(u16::from) else { return ours(error) };
    let detail = said(&error);
    match code {
        550 | 551 | 553 if !detail.contains("5.7.") => Trouble::Lasting(detail),
        _ => Trouble::Recipient(detail),
    }
}

fn message(options: &Options, effect: &Effect, order: &PageOrder, to: &str, server: &MailServer, url: &str) -> Result<Message, String> {
    let text = hikeshi_text::page_text(order, url);
    let from: Mailbox = server.from.parse().map_err(|error| format!("the sender {} is no mail address: {error}", server.from))?;
    let address = to.parse().map_err(|error| format!("{to} is no mail address: {error}"))?;
    // One page has one id, whenever it is sent: mail programs show the second copy of it as the same message.
    let id = format!("<{}@{}.hikeshi>", order.message_key(&effect.key).0.replace('/', "."), options.ledger);
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
fn said(error: &Error) -> String {
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
