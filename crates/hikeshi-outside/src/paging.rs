//! Calling one person once: by mail, by telephone, by Slack, in a browser, or through a program of theirs. When and whom is decided in `hikeshi_domain::page`.
//!
//! A receiver that does not take the page within its time has failed; nothing is tried twice here, since the next means is better than the
//! same one. Webhook and mail carry the attempt's key, so that a receiver can tell a repeated page from another one.

pub(crate) mod mail;
pub mod push;
mod telephone;
#[cfg(test)]
mod tests;
pub(crate) mod webhook;

use std::time::Duration;

use hikeshi_domain::effect::{Effect, Outcome, Performed};
use hikeshi_domain::ids::IncidentId;
use hikeshi_domain::page::{About, Address, PageOrder};

use self::telephone::Line;
use crate::{Options, slack};

/// What a receiver answered is kept this far.
const ANSWER_CHARS_MAX: usize = 300;

pub(crate) async fn perform(options: &Options, memory: &slack::Memory, effect: &Effect, order: &PageOrder) -> Performed {
    let url = match &order.about {
        About::Incident { incident, .. } => place(options, *incident),
        About::Test { .. } => format!("{}/contacts", options.public_url.trim_end_matches('/')),
    };
    let within = Duration::from_secs(u64::from(order.timeout_s.max(1)));
    let sending = async {
        match &order.address {
            Address::Webhook { webhook } => Ok(webhook::send(options, effect, order, webhook, &url, within).await?),
            Address::Mail { to, server } => mail::send(options, effect, order, to, server, &url).await,
            Address::Sms { to, from, twilio } | Address::Voice { to, from, twilio } => {
                let line = Line { means: order.address.means(), to, from, twilio };
                telephone::send(options, effect, order, &line, &url, within).await
            }
            Address::Slack { user, slack } => {
                let voice = slack::Voice::new(slack, &options.env, &options.public_url);
                slack::page::send(&voice, memory, effect, order, user, &url, within).await
            }
            Address::WebPush { push, subscription, .. } => push::send(options, order, push, subscription.as_deref(), within).await,
        }
    };
    let late = || Err(Trouble::Passing(format!("no answer within {} s", order.timeout_s)));
    let outcome = match tokio::time::timeout(within, sending).await.unwrap_or_else(|_| late()) {
        Ok(reference) => Outcome::Paged { reference: bounded(&reference), repeated: order.repeated, bundle: Vec::new() },
        Err(Trouble::Passing(detail) | Trouble::Recipient(detail)) => Outcome::Failed { detail: bounded(&detail) },
        Err(Trouble::Gone(detail)) => Outcome::Unsubscribed { detail: bounded(&detail) },
        Err(Trouble::Lasting(detail)) => Outcome::PageRefused { detail: bounded(&detail) },
    };
    Performed { outcome, contents: Vec::new() }
}

/// Where an incident is shown and acknowledged.
fn place(options: &Options, incident: IncidentId) -> String {
    format!("{}/incidents/{incident}", options.public_url.trim_end_matches('/'))
}

/// Why a page was not taken, or a mail of the status page.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Whatever is sent to anybody by this means has it.
    Passing(String),
    /// This recipient is not served now; others may be.
    Recipient(String),
    /// It would be refused again.
    Lasting(String),
    /// Whoever was to get it is there no more.
    Gone(String),
}

impl Trouble {
    fn into_detail(self) -> String {
        match self {
            Self::Passing(detail) | Self::Recipient(detail) | Self::Lasting(detail) | Self::Gone(detail) => detail,
        }
    }
}

impl From<String> for Trouble {
    fn from(detail: String) -> Self {
        Self::Passing(detail)
    }
}

pub(crate) fn bounded(text: &str) -> String {
    text.trim().chars().filter(|c| !c.is_control()).take(ANSWER_CHARS_MAX).collect()
}

/// A value that the server's environment holds.
fn secret(options: &Options, variable: &str) -> Result<String, String> {
    let value = options.env.get(&std::ffi::OsString::from(variable)).and_then(|value| value.to_str()).map(str::trim).unwrap_or_default();
    if value.is_empty() { Err(format!("the environment variable {variable} is not set")) } else { Ok(value.to_owned()) }
}
