//! Browsers that take pages: subscribed by their owner, at a push service that delivers to them.
//!
//! Whoever knows the address that a push service gave can send there, so it lies beside the ledger; here is its digest.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ContactEvent, ContactStep};
use crate::decide::Decision;
use crate::event::Event;
use crate::facts::Facts;
use crate::ids::{Digest, PersonId};
use crate::input;
use crate::page::Means;
use crate::policy::Policy;
use crate::refusal::Refusal;

/// Browsers of one person.
pub const BROWSERS_MAX: u32 = 5;
const LABEL_CHARS_MAX: u32 = 60;

pub type Browsers = BTreeMap<PersonId, Vec<Browser>>;

/// One browser of somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Browser {
    /// Digest of its address at the push service.
    pub id: Digest,
    /// The push service: scheme, host and port.
    pub service: String,
    /// What its owner calls it.
    pub label: String,
    pub added_at: Timestamp,
}

/// Where a browser is reached, and with which keys (RFC 8030, RFC 8291). Whoever has it can send there.
#[derive(Clone, PartialEq, Eq)]
pub struct Subscription {
    pub endpoint: String,
    /// base64url, as the browser gives them.
    pub p256dh: String,
    pub auth: String,
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subscription(…)")
    }
}

impl Subscription {
    pub fn id(&self) -> Digest {
        Digest::of(self.endpoint.as_bytes())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "browser_is", rename_all = "snake_case")]
pub enum BrowserChange {
    Added {
        service: String,
        label: String,
    },
    Removed {
        label: String,
        /// The push service does not know it any more; otherwise its owner removed it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        gone: bool,
    },
}

fn of<'a>(policy: &'a Policy, person: &PersonId) -> &'a [Browser] {
    policy.browsers.get(person).map(Vec::as_slice).unwrap_or_default()
}

fn event(person: &PersonId, browser: Digest, change: BrowserChange) -> Decision {
    let step = ContactStep::Browser { browser, change };
    let event = ContactEvent { person: person.clone(), means: Means::WebPush, number: 0, step };
    Decision { events: vec![Event::Contact(event)], ..Decision::default() }
}

pub(super) fn add(policy: &Policy, by: &PersonId, browser: Digest, service: &str, label: &str) -> Result<Decision, Refusal> {
    let push = policy.paging.as_ref().and_then(|paging| paging.web_push.as_ref()).ok_or(Refusal::NoWebPush)?;
    if !push.accepts(service) {
        return Err(Refusal::PushServiceUnknown { service: service.chars().take(200).collect() });
    }
    input::required("label", label, LABEL_CHARS_MAX)?;
    let own = of(policy, by);
    if own.iter().any(|known| known.id == browser) {
        return Ok(Decision::default());
    }
    input::at_most("browsers", own.len() + 1, BROWSERS_MAX)?;
    Ok(event(by, browser, BrowserChange::Added { service: service.to_owned(), label: label.trim().to_owned() }))
}

pub(super) fn remove(policy: &Policy, person: &PersonId, browser: Digest, gone: bool) -> Result<Decision, Refusal> {
    let known = of(policy, person).iter().find(|known| known.id == browser).ok_or(Refusal::BrowserUnknown)?;
    Ok(event(person, browser, BrowserChange::Removed { label: known.label.clone(), gone }))
}

pub(super) fn apply(facts: &mut Facts, person: &PersonId, id: Digest, change: &BrowserChange, at: Timestamp) {
    let Some(policy) = &mut facts.workspace.policy else { return };
    let browsers = Arc::make_mut(&mut Arc::make_mut(policy).browsers);
    // Whoever subscribes last has it: a browser that two share calls one of them.
    browsers.values_mut().for_each(|known| known.retain(|known| known.id != id));
    if let BrowserChange::Added { service, label } = change {
        let added = Browser { id, service: service.clone(), label: label.clone(), added_at: at };
        browsers.entry(person.clone()).or_default().push(added);
    }
    browsers.retain(|_, known| !known.is_empty());
    facts.touched.workspace = true;
}

/// Browsers stay when another policy is adopted, but for those of people whom it does not name.
pub(crate) fn keep(before: Option<&Policy>, next: &mut Policy) {
    let Some(before) = before else { return };
    let mut browsers = (*before.browsers).clone();
    browsers.retain(|person, _| next.people.contains_key(person));
    next.browsers = Arc::new(browsers);
}
