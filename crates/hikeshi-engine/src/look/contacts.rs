//! Whether the people whom an incident would call can be reached: by what, and when that was last proven (rules I5, M2).

use hikeshi_domain::Timestamp;
use hikeshi_domain::account::Account;
use hikeshi_domain::contact::{Browser, Contact, called, unproven};
use hikeshi_domain::ids::PersonId;
use hikeshi_domain::oncall::Roster;
use hikeshi_domain::page::{Means, reach};
use hikeshi_domain::permit::{holds, roles_for};
use hikeshi_domain::policy::EscalationStep;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Look, LookError, Sight};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ContactsView {
    pub size: u64,
    pub at: Timestamp,
    /// Whether the policy calls anybody at all.
    pub paging: bool,
    /// Whom an incident that opens now would call, step by step.
    pub steps: Vec<CalledStep>,
    /// Told beside the first step when it is serious.
    pub at_once: Vec<PersonId>,
    /// Those whom an incident may call come first.
    pub people: Vec<PersonContacts>,
    pub may_test: bool,
    /// Browsers of whoever asks; `null`: the policy sends nothing to browsers.
    pub browsers: Option<Vec<Browser>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CalledStep {
    /// Counted from 1.
    pub step: u32,
    /// Minutes since the incident opened.
    pub after_min: u32,
    pub people: Vec<PersonId>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PersonContacts {
    pub person: PersonId,
    /// An incident may call them.
    pub called: bool,
    /// Empty: no page would reach them.
    pub ways: Vec<Way>,
}

/// One way to reach somebody.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Way {
    pub means: Means,
    /// The last test; `None`: it was never tried.
    pub contact: Option<Contact>,
    /// When its owner last confirmed a test at the address that the policy has now.
    pub proven_at: Option<Timestamp>,
}

impl Look<'_> {
    pub async fn contacts(&self) -> Result<ContactsView, LookError> {
        self.see(|sight| {
            let accounts = sight.reader.accounts()?;
            let policy = &*sight.policy;
            let called = called(policy);
            let of = |person: &PersonId| {
                let ways = reach(policy, person).into_iter().map(|means| {
                    let known = known(&accounts, person, means);
                    let proven = known.and_then(|known| known.proven);
                    let stands = |at: Timestamp| {
                        !unproven(policy, [person], |person, means| self::known(&accounts, person, means), at)
                            .iter()
                            .any(|(_, way)| *way == Some(means))
                    };
                    Way { means, contact: known.cloned(), proven_at: proven.map(|proven| proven.at).filter(|at| stands(*at)) }
                });
                PersonContacts { person: person.clone(), called: called.contains(person), ways: ways.collect() }
            };
            let mut people: Vec<PersonContacts> = policy.people.keys().map(of).collect();
            people.sort_by_key(|person| !person.called);
            let may_test = roles_for(policy, "contact.test").is_none_or(|roles| holds(policy, &sight.actor, &roles));
            Ok(ContactsView {
                size: sight.head.size,
                at: sight.now,
                paging: policy.paging.is_some(),
                steps: steps(sight),
                at_once: policy.people_with(&policy.incident.serious_at_once),
                people,
                may_test,
                browsers: browsers(sight),
            })
        })
        .await
    }
}

fn browsers(sight: &Sight<'_, '_>) -> Option<Vec<Browser>> {
    sight.policy.paging.as_ref()?.web_push.as_ref()?;
    let person = sight.actor.as_person()?;
    Some(sight.policy.browsers.get(person).cloned().unwrap_or_default())
}

fn known<'a>(accounts: &'a [Account], person: &PersonId, means: Means) -> Option<&'a Contact> {
    accounts.iter().find(|account| account.person == *person)?.contacts.get(&means)
}

fn steps(sight: &Sight<'_, '_>) -> Vec<CalledStep> {
    let policy = &*sight.policy;
    let roster = Roster { policy, overrides: &sight.head.workspace.overrides };
    let of = |(index, step): (usize, &EscalationStep)| {
        let mut people = policy.people_with(&step.roles);
        let on_call = step.schedules.iter().filter_map(|schedule| roster.on_call(schedule, sight.now));
        for person in step.people.iter().cloned().chain(on_call) {
            if !people.contains(&person) {
                people.push(person);
            }
        }
        CalledStep { step: u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1), after_min: step.after_min, people }
    };
    policy.incident.escalation.iter().enumerate().map(of).collect()
}
