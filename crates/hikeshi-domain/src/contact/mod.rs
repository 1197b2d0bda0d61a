//! Test pages (rules I5, M2): whether what stands in the policy still reaches its owner, before a night needs it.
//!
//! A test is sent by the same hands as a real page. That it was sent proves nothing, and neither does a receiver that took it: only its owner
//! does, who says that it has arrived.

mod browser;
pub mod decide;
pub(crate) mod state;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::effect::EffectKey;
use crate::ids::{Digest, PersonId};
use crate::page::{AttemptEnd, HowEnded, Means, Report, Reported, reach};
use crate::policy::Policy;

pub(crate) use browser::keep;
pub use browser::{BROWSERS_MAX, Browser, BrowserChange, Browsers, Subscription};

/// People of one command.
pub const PEOPLE_MAX: u32 = 100;
/// Nobody is called twice by the same means within this time: a test that was only slow would look like an emergency.
pub const APART_MIN: i64 = 5;

/// Everything that can be asked of the ways to reach people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// Sends a test page by every means that leads to these people, or by one of them. Without people: to everybody whom an incident may call.
    Test {
        #[serde(default)]
        people: Vec<PersonId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        means: Option<Means>,
    },
    /// Its owner says that the last test by this means has arrived.
    Confirm {
        means: Means,
        /// Which test, where that is known, such as by the call in which a key was pressed; without it, the last one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        number: Option<u32>,
    },
    /// A browser of whoever asks takes pages from now on. Given by the face, which has kept where it is reached.
    AddBrowser {
        browser: Digest,
        /// The push service: scheme, host and port.
        service: String,
        label: String,
    },
    /// It takes none any more. Only its owner can say so.
    RemoveBrowser { browser: Digest },
    /// The push service does not know it any more.
    LoseBrowser { person: PersonId, browser: Digest },
}

/// What is known of one way to reach somebody: the last test, and when one last arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Contact {
    /// Counted for each person and means, from 1.
    pub number: u32,
    pub tested_at: Timestamp,
    pub tested_by: PersonId,
    /// Digest of the address that was tested: a new number has to prove itself anew.
    pub address: Digest,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<AttemptEnd>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<Report>,
    /// When the last test was confirmed; `None`: it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_at: Option<Timestamp>,
    /// When a test by this means last was confirmed, at which address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proven: Option<Proven>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Proven {
    pub at: Timestamp,
    pub address: Digest,
}

impl Contact {
    /// Its owner can still say that the last test has arrived.
    pub fn waits(&self) -> bool {
        let failed = matches!(&self.end, Some(AttemptEnd { how: HowEnded::Failed { .. }, .. }));
        let undelivered = matches!(&self.report, Some(Report { what: Reported::Undelivered { .. }, .. }));
        self.confirmed_at.is_none() && !failed && !undelivered
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactEvent {
    pub person: PersonId,
    pub means: Means,
    pub number: u32,
    #[serde(flatten)]
    pub step: ContactStep,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "contact", rename_all = "snake_case")]
pub enum ContactStep {
    Tested {
        by: PersonId,
        address: Digest,
        effect: EffectKey,
    },
    Ended {
        #[serde(flatten)]
        how: HowEnded,
    },
    Reported {
        #[serde(flatten)]
        what: Reported,
    },
    Confirmed,
    /// About a browser, and no test: its number is 0.
    Browser {
        browser: Digest,
        #[serde(flatten)]
        change: BrowserChange,
    },
}

/// `page/test/tanaka/sms/3`
pub fn key_of(person: &PersonId, means: Means, number: u32) -> EffectKey {
    EffectKey(format!("page/test/{person}/{}/{number}", means.code()))
}

/// Which test an effect is: person, means, number.
pub fn test_of(key: &EffectKey) -> Option<(PersonId, Means, u32)> {
    let mut parts = key.0.strip_prefix("page/test/")?.split('/');
    let (person, code, number) = (parts.next()?, parts.next()?, parts.next()?);
    let means = Means::ALL.into_iter().find(|means| means.code() == code)?;
    let read = (PersonId::new(person).ok()?, means, number.parse().ok()?);
    parts.next().is_none().then_some(read)
}

/// Everybody whom an incident may call: by a step, by a schedule, or at once because it is serious.
pub fn called(policy: &Policy) -> BTreeSet<PersonId> {
    let incident = &policy.incident;
    let steps = incident.escalation.iter();
    let roles = steps.clone().flat_map(|step| policy.people_with(&step.roles)).chain(policy.people_with(&incident.serious_at_once));
    let schedules = steps.clone().flat_map(|step| &step.schedules).filter_map(|schedule| policy.schedules.get(schedule));
    let layers = schedules.flat_map(|schedule| &schedule.layers).flat_map(|layer| layer.people.iter().cloned());
    let named = steps.flat_map(|step| step.people.iter().cloned());
    roles.chain(layers).chain(named).filter(|person| policy.person(person).is_some()).collect()
}

/// Ways to these people that are not proven since that moment, at the address that the policy has now. Who has none at all stands there too.
pub fn unproven<'a>(
    policy: &Policy,
    people: impl IntoIterator<Item = &'a PersonId>,
    contact: impl Fn(&PersonId, Means) -> Option<&'a Contact>,
    since: Timestamp,
) -> Vec<(PersonId, Option<Means>)> {
    let mut missing = Vec::new();
    for person in people {
        let ways = reach(policy, person);
        if ways.is_empty() {
            missing.push((person.clone(), None));
        }
        for means in ways {
            let proven = contact(person, means).and_then(|contact| contact.proven);
            let now = decide::address_digest(policy, person, means);
            if !proven.is_some_and(|proven| proven.at >= since && Some(proven.address) == now) {
                missing.push((person.clone(), Some(means)));
            }
        }
    }
    missing
}
