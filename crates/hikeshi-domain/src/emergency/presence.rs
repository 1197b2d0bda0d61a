//! Who is really there (rule E4).

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Emergency;
use crate::ids::PersonId;
use crate::policy::Policy;

/// The witnesses who count now, and whether they suffice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Quorum {
    pub present: Vec<PersonId>,
    pub needed: u32,
    /// Of those present: senior, and not an approver of this plan.
    pub seniors: Vec<PersonId>,
    pub seniors_needed: u32,
    pub met: bool,
}

/// Counts distinct people who joined, were heard of within the timeout, and still hold a witness role. The executor never counts.
pub fn quorum(emergency: &Emergency, policy: &Policy, heard: Option<&BTreeMap<PersonId, Timestamp>>, now: Timestamp) -> Quorum {
    let oldest = now.checked_sub(SignedDuration::from_secs(i64::from(policy.emergency.presence_timeout_s))).unwrap_or(Timestamp::MIN);
    quorum_of(emergency, policy, |person| heard.and_then(|heard| heard.get(person)).is_some_and(|at| *at >= oldest))
}

/// The count of rule E4, wherever it is asked: `there` says who of those who may count is there now.
pub(crate) fn quorum_of(emergency: &Emergency, policy: &Policy, mut there: impl FnMut(&PersonId) -> bool) -> Quorum {
    let rules = &policy.emergency;
    let present: Vec<PersonId> = emergency
        .witnesses
        .iter()
        .filter(|(person, witness)| {
            witness.present && **person != emergency.plan.executor && policy.has_any_role(person, &rules.witness_roles) && there(person)
        })
        .map(|(person, _)| person.clone())
        .collect();
    let seniors: Vec<PersonId> = present
        .iter()
        .filter(|person| {
            policy.has_any_role(person, &rules.senior_roles) && !emergency.approvals.iter().any(|approval| approval.by == **person)
        })
        .cloned()
        .collect();
    let enough = |have: &Vec<PersonId>, needed: u32| u32::try_from(have.len()).unwrap_or(u32::MAX) >= needed;
    let met = enough(&present, rules.witnesses_min) && enough(&seniors, rules.seniors_min);
    Quorum { present, needed: rules.witnesses_min, seniors, seniors_needed: rules.seniors_min, met }
}
