//! Alerts that other programs send: who the sender is, its words turned into signals, and handed in at the door. 2xx only when they are durable.
//!
//! Not here: how each sender speaks (`hikeshi_outside::alerts`), and what becomes of an alert (`hikeshi_domain::alert`).

use std::ffi::OsString;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join_all;
use hikeshi_domain::alert::{Command as Alert, Signal, route};
use hikeshi_domain::change;
use hikeshi_domain::command::{Command, Envelope};
use hikeshi_domain::ids::{Digest, MonitorName, RequestKey, SourceName};
use hikeshi_domain::people::{Actor, Via};
use hikeshi_domain::policy::{Format, MailRules, Policy, Source};
use hikeshi_engine::door::Answer;
use hikeshi_outside::alerts::{self, Refused};
use hikeshi_web::{Inbound, Received};
use serde_json::{Value, json};

use super::inbound::Ears;

/// Behind a source's own address: where Prometheus sends to an Alertmanager.
const API_OF_ALERTMANAGER: &str = "api/v2/alerts";
/// What a mail is answered that is taken and changes nothing.
const NOTHING_NEW: &str =
    "no alert of this name fires, a mail that was written later has come before, the same was said already, or no route wants it";

impl Ears {
    /// `alerts/<source>`, and `alerts/<source>/api/v2/alerts`.
    pub(super) async fn of_alerts(&self, policy: &Policy, inbound: &Inbound) -> Received {
        let address = inbound.to.strip_prefix("alerts/").unwrap_or_default();
        let (name, below) = address.split_once('/').unwrap_or((address, ""));
        let found = SourceName::new(name).ok().and_then(|name| Some((policy.alerts.sources.get(&name)?, name)));
        let Some((source, name)) = found else { return Received::empty(404) };
        if !self.is_sender(&name, source, inbound) {
            return said(401, "the secret of this source is missing or wrong; send it as `Authorization: Bearer <secret>`");
        }
        let read = match (source.format, below) {
            (Format::Alertmanager, API_OF_ALERTMANAGER) => alerts::read_alertmanager_api(&inbound.body),
            (Format::Pagerduty, "") => Err(Refused::new(404, "events in PagerDuty's format go to /inbound/pagerduty/v2/enqueue")),
            (Format::Mail, "") => {
                let usual = MailRules::default();
                alerts::read_mail(source.mail.as_ref().unwrap_or(&usual), &inbound.body)
            }
            (format, "") => alerts::read(format, source.fields.as_ref(), &|header| inbound.header(header).to_owned(), &inbound.body),
            _ => return Received::empty(404),
        };
        let (signals, refused) = match read {
            Ok(signals) => (signals, None),
            Err(refused) => (refused.understood.clone(), Some(refused)),
        };
        let mail = signals.first().filter(|_| source.format == Format::Mail).map(|signal| (signal.phase, signal.key.clone()));
        let recorded = match self.hand_in(policy, &name, source, signals).await {
            Ok(recorded) => recorded,
            Err(trouble) => return trouble,
        };
        if let Some(refused) = refused {
            tracing::warn!(source = %name, status = refused.status, why = refused.why, "a message of an alert source is not understood");
            return said(refused.status, &refused.why);
        }
        let Some((phase, key)) = mail.filter(|_| !recorded) else { return Received::json(200, &json!({"status": "success"})) };
        tracing::warn!(source = %name, %key, ?phase, "a mail has changed nothing: {NOTHING_NEW}");
        Received::json(200, &json!({"status": "success", "note": NOTHING_NEW}))
    }

    /// PagerDuty's Events API v2: whose event it is says the routing key within the body.
    pub(super) async fn of_pagerduty(&self, policy: &Policy, inbound: &Inbound) -> Received {
        let Ok(made_up) = crate::secret::fresh() else { return Received::empty(503) };
        let event = match alerts::read_pagerduty(&inbound.body, &made_up) {
            Ok(event) => event,
            Err(refused) => return Received::json(refused.status, &alerts::pagerduty_refused(&refused)),
        };
        let Some((name, source)) = self.sender_of(policy, &event.routing_key) else { return no_such_key() };
        match self.hand_in(policy, name, source, event.signals).await {
            Ok(_) => Received::json(202, &alerts::pagerduty_accepted(&event.dedup_key)),
            Err(trouble) => trouble,
        }
    }

    /// PagerDuty's change events: what a deploy tells.
    pub(super) async fn of_pagerduty_change(&self, policy: &Policy, inbound: &Inbound) -> Received {
        let told = match alerts::read_pagerduty_change(&inbound.body) {
            Ok(told) => told,
            Err(refused) => return Received::json(refused.status, &alerts::pagerduty_refused(&refused)),
        };
        let Some((name, _)) = self.sender_of(policy, &told.routing_key) else { return no_such_key() };
        let Ok(fresh) = crate::secret::fresh() else { return Received::empty(503) };
        let body = Digest::of(&inbound.body).to_string();
        // With its time it is known again by the door. Without, the same words within a minute are one that was sent again.
        let minute = (crate::settings::now().as_second() / 60).to_string();
        let again: &str = if told.at.is_some() { &fresh } else { &minute };
        let (title, details, link, at) = (told.title, told.details, told.link, told.at);
        let envelope = Envelope {
            // A digest, since a key has its bounds and these words have none.
            key: RequestKey::of(&["change", &Digest::of([name.as_str(), again, &body].join("/").as_bytes()).to_string()]),
            actor: Actor::Source { source: name.clone() },
            via: Via::Api,
            command: Command::Change(change::Command::Record { title, details, service: None, environment: None, link, at }),
        };
        let trouble = match self.door.submit(envelope).await {
            Ok(Answer::Done(_) | Answer::Already(_)) => return Received::json(202, &alerts::pagerduty_change_accepted()),
            Ok(Answer::Refused { refusal, .. }) => refusal.code().to_owned(),
            Err(fault) => fault.to_string(),
        };
        tracing::warn!(source = %name, trouble, "a change is not recorded; its sender is asked to try again");
        said(503, "not recorded; try again")
    }

    /// Whose routing key it is.
    fn sender_of<'a>(&self, policy: &'a Policy, routing_key: &str) -> Option<(&'a SourceName, &'a Source)> {
        let mut senders = policy.alerts.sources.iter().filter(|(_, source)| source.format == Format::Pagerduty);
        senders.find(|(name, source)| alerts::token_matches(&self.secret(name, source), routing_key))
    }

    /// `heartbeats/<monitor>`: somebody who is missed when they do not report.
    pub(super) async fn of_heartbeat(&self, policy: &Policy, inbound: &Inbound) -> Received {
        let name = MonitorName::new(inbound.to.strip_prefix("heartbeats/").unwrap_or_default()).ok();
        let found = name.and_then(|name| Some((policy.monitors.get(&name)?.heartbeat.as_ref()?, name)));
        let Some((heartbeat, name)) = found else { return Received::empty(404) };
        let secret = self.secret_in(&heartbeat.token_env, name.as_str());
        if !given_secret(inbound.header("authorization")).is_some_and(|given| alerts::token_matches(&secret, &given)) {
            return said(401, "the secret of this heartbeat is missing or wrong; send it as `Authorization: Bearer <secret>`");
        }
        match self.door.beat(name).await {
            Ok(()) => Received::json(200, &json!({"status": "success"})),
            Err(fault) => {
                tracing::warn!(%fault, "a heartbeat is not recorded; whoever sent it is asked to try again");
                said(503, "not recorded; try again")
            }
        }
    }

    fn secret(&self, name: &SourceName, source: &Source) -> String {
        self.secret_in(&source.token_env, name.as_str())
    }

    /// Empty when the server has none, which matches nothing.
    fn secret_in(&self, variable: &str, sender: &str) -> String {
        let secret = self.env.get(&OsString::from(variable)).and_then(|value| value.to_str()).unwrap_or_default().trim();
        if secret.is_empty() {
            tracing::warn!(sender, variable, "the secret of a sender is not set, so nothing of it is taken");
        }
        secret.to_owned()
    }

    fn is_sender(&self, name: &SourceName, source: &Source, inbound: &Inbound) -> bool {
        let secret = self.secret(name, source);
        if source.format == Format::Sentry {
            return alerts::sentry_signature_holds(&secret, inbound.header("sentry-hook-signature"), &inbound.body);
        }
        given_secret(inbound.header("authorization")).is_some_and(|given| alerts::token_matches(&secret, &given))
    }

    /// All parts at once, so that they share a commit. Durable: whether anything was to be recorded. Otherwise what the sender is answered, so
    /// that it tries again.
    async fn hand_in(&self, policy: &Policy, name: &SourceName, source: &Source, signals: Vec<Signal>) -> Result<bool, Received> {
        let Ok(batch) = crate::secret::fresh() else { return Err(Received::empty(503)) };
        let envelope = |(part, signals): (usize, Vec<Signal>)| Envelope {
            // What is repeated is known by its sender's key, not by this one: the same words may be said twice and mean two things.
            key: RequestKey::of(&["alert", &batch, &part.to_string()]),
            actor: Actor::Source { source: name.clone() },
            via: Via::Api,
            command: Command::Alert(Alert::Report { source: name.clone(), signals }),
        };
        let parts = route::split(policy, name, source, signals).into_iter().enumerate();
        let answers = join_all(parts.map(|part| self.door.submit(envelope(part)))).await;
        let mut recorded = false;
        for answer in answers {
            let trouble = match answer {
                Ok(Answer::Done(receipt) | Answer::Already(receipt)) => {
                    recorded |= receipt.seq.is_some();
                    continue;
                }
                Ok(Answer::Refused { refusal, .. }) => refusal.code().to_owned(),
                Err(fault) => fault.to_string(),
            };
            tracing::warn!(source = %name, trouble, "alerts are not recorded; their sender is asked to try again");
            return Err(said(503, "not recorded; try again"));
        }
        Ok(recorded)
    }
}

/// The secret of a bearer token, or the password of basic authentication: senders can do one or the other.
fn given_secret(authorization: &str) -> Option<String> {
    let (scheme, given) = authorization.split_once(' ')?;
    let given = given.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(given.to_owned());
    }
    let pair = scheme.eq_ignore_ascii_case("basic").then(|| STANDARD.decode(given).ok()).flatten()?;
    String::from_utf8(pair).ok()?.split_once(':').map(|(_, password)| password.to_owned())
}

fn no_such_key() -> Received {
    let refused = Refused::new(400, "'routing_key' is that of no source of the policy");
    Received::json(400, &alerts::pagerduty_refused(&refused))
}

fn said(status: u16, why: &str) -> Received {
    let body: Value = json!({"status": "error", "error": why});
    Received::json(status, &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_comes_as_a_token_or_as_a_password() {
        assert_eq!(given_secret("Bearer abc"), Some("abc".to_owned()));
        assert_eq!(given_secret("bearer  abc "), Some("abc".to_owned()));
        assert_eq!(given_secret(&format!("Basic {}", STANDARD.encode("hikeshi:a:b"))), Some("a:b".to_owned()));
        for given in ["", "abc", "Digest abc", "Basic !!!", "Basic YWJj"] {
            assert_eq!(given_secret(given), None, "{given}");
        }
    }
}
