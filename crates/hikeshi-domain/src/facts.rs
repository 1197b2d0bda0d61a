//! What a decision may know. The engine fetches what [`crate::decide::needs`] names; what is not here does not exist.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::alert::silence::Silence;
use crate::alert::{Alert, AlertRef, Group, GroupKey};
use crate::change::{Change, ChangeKey};
use crate::emergency::Emergency;
use crate::ids::{Digest, EmergencyId, IncidentId, MonitorName, ObligationId, OverrideId, PersonId, SilenceId};
use crate::incident::Incident;
use crate::incident::escalation::Calling;
use crate::monitor::MonitorState;
use crate::obligation::Obligation;
use crate::oncall::{Override, Roster};
use crate::policy::{Policy, Weakening};
use crate::review::Month;
use crate::similar::Past;

/// The one row beside the ledger head: policy in force, policy waiting, silences, and the counters of case numbers.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct WorkspaceState {
    /// `None` before the first policy was adopted.
    pub policy: Option<Arc<Policy>>,
    pub pending: Option<PendingPolicy>,
    /// Those that wait for their time, hold, or are being ended.
    pub silences: Arc<BTreeMap<SilenceId, Silence>>,
    pub counters: Counters,
    /// Agreed changes of the schedules: those to come, and those of the last weeks.
    pub overrides: Arc<BTreeMap<OverrideId, Override>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PendingPolicy {
    pub policy: Arc<Policy>,
    pub digest: Digest,
    pub proposed_at: Timestamp,
    pub proposed_by: Option<PersonId>,
    pub weakenings: Vec<Weakening>,
    pub approved_by: Vec<PersonId>,
}

/// The last number given out of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counters {
    pub incident: u64,
    pub emergency: u64,
    pub obligation: u64,
    pub token: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub silence: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub overrides: u64,
    /// The last month whose report is owed or given (rule E13); `None` before the first policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub month: Option<Month>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Names of what a decision wants to know.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Needs {
    pub incidents: BTreeSet<IncidentId>,
    pub emergencies: BTreeSet<EmergencyId>,
    pub obligations: BTreeSet<ObligationId>,
    pub accounts: BTreeSet<PersonId>,
    pub monitors: BTreeSet<MonitorName>,
    /// Alerts, and until when their senders have promised them to fire.
    pub alerts: BTreeSet<AlertRef>,
    pub groups: BTreeSet<GroupKey>,
    /// Alerts that wait for these to end, at most [`crate::alert::silence::HELD_MAX`] of each.
    pub silenced: BTreeSet<SilenceId>,
    /// Of these incidents: their alerts, one more than a split may take.
    pub alerts_of: BTreeSet<IncidentId>,
    /// Changes that may have been told before.
    pub changes: BTreeSet<ChangeKey>,
    /// Postmortems that were written elsewhere, by the digest of their files.
    pub imports: BTreeSet<Digest>,
    /// When each witness of these exceptions was last heard of.
    pub presence: BTreeSet<EmergencyId>,
    /// Everything owed and overdue, at most 100 (rule E14).
    pub overdue: bool,
}

impl Needs {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub fn add(&mut self, other: Self) {
        self.incidents.extend(other.incidents);
        self.emergencies.extend(other.emergencies);
        self.obligations.extend(other.obligations);
        self.accounts.extend(other.accounts);
        self.monitors.extend(other.monitors);
        self.alerts.extend(other.alerts);
        self.groups.extend(other.groups);
        self.silenced.extend(other.silenced);
        self.alerts_of.extend(other.alerts_of);
        self.changes.extend(other.changes);
        self.imports.extend(other.imports);
        self.presence.extend(other.presence);
        self.overdue |= other.overdue;
    }

    /// What of this is not loaded yet. "Looked for and not there" counts as loaded.
    pub fn missing(&self, facts: &Facts) -> Self {
        Self {
            incidents: self.incidents.iter().filter(|id| !facts.incidents.contains_key(id)).copied().collect(),
            emergencies: self.emergencies.iter().filter(|id| !facts.emergencies.contains_key(id)).copied().collect(),
            obligations: self.obligations.iter().filter(|id| !facts.obligations.contains_key(id)).copied().collect(),
            accounts: self.accounts.iter().filter(|id| !facts.accounts.contains_key(id)).cloned().collect(),
            monitors: self.monitors.iter().filter(|id| !facts.monitors.contains_key(id)).cloned().collect(),
            alerts: self.alerts.iter().filter(|id| !facts.alerts.contains_key(id)).cloned().collect(),
            groups: self.groups.iter().filter(|id| !facts.groups.contains_key(id)).cloned().collect(),
            silenced: self.silenced.iter().filter(|id| !facts.silenced.contains_key(id)).copied().collect(),
            alerts_of: self.alerts_of.iter().filter(|id| !facts.alerts_of.contains_key(id)).copied().collect(),
            changes: self.changes.iter().filter(|key| !facts.changes.contains_key(key)).cloned().collect(),
            imports: self.imports.iter().filter(|digest| !facts.imports.contains_key(digest)).copied().collect(),
            presence: self.presence.iter().filter(|id| !facts.presence.contains_key(id)).copied().collect(),
            overdue: self.overdue && facts.overdue.is_none(),
        }
    }
}

/// What was fetched. `Some(None)` style: a key with `None` was looked for and is not there.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Facts {
    pub workspace: WorkspaceState,
    pub incidents: BTreeMap<IncidentId, Option<Incident>>,
    pub emergencies: BTreeMap<EmergencyId, Option<Emergency>>,
    pub obligations: BTreeMap<ObligationId, Option<Obligation>>,
    pub accounts: BTreeMap<PersonId, Option<Account>>,
    pub monitors: BTreeMap<MonitorName, Option<MonitorState>>,
    pub alerts: BTreeMap<AlertRef, Option<Alert>>,
    pub groups: BTreeMap<GroupKey, Option<Group>>,
    /// Each of them is also in `alerts`.
    pub silenced: BTreeMap<SilenceId, BTreeSet<AlertRef>>,
    pub alerts_of: BTreeMap<IncidentId, BTreeSet<AlertRef>>,
    pub changes: BTreeMap<ChangeKey, Option<Change>>,
    pub imports: BTreeMap<Digest, Option<Past>>,
    /// Of those in `alerts` whose sender repeats itself: until when.
    pub leases: BTreeMap<AlertRef, Timestamp>,
    pub presence: BTreeMap<EmergencyId, BTreeMap<PersonId, Timestamp>>,
    /// Ids of obligations that were owed and past due when loaded. Each is also in `obligations`.
    pub overdue: Option<BTreeSet<ObligationId>>,
    /// What [`crate::apply::apply`] has changed since the facts were loaded: what the store must write.
    pub touched: Touched,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Touched {
    pub workspace: bool,
    pub incidents: BTreeSet<IncidentId>,
    pub emergencies: BTreeSet<EmergencyId>,
    pub obligations: BTreeSet<ObligationId>,
    pub accounts: BTreeSet<PersonId>,
    pub monitors: BTreeSet<MonitorName>,
    pub alerts: BTreeSet<AlertRef>,
    pub groups: BTreeSet<GroupKey>,
    pub changes: BTreeSet<ChangeKey>,
    pub imports: BTreeSet<Digest>,
    pub presence: BTreeSet<(EmergencyId, PersonId)>,
}

impl Facts {
    pub fn incident(&self, id: IncidentId) -> Option<&Incident> {
        self.incidents.get(&id).and_then(Option::as_ref)
    }
    pub fn emergency(&self, id: EmergencyId) -> Option<&Emergency> {
        self.emergencies.get(&id).and_then(Option::as_ref)
    }
    pub fn obligation(&self, id: ObligationId) -> Option<&Obligation> {
        self.obligations.get(&id).and_then(Option::as_ref)
    }
    pub fn account(&self, id: &PersonId) -> Option<&Account> {
        self.accounts.get(id).and_then(Option::as_ref)
    }
    pub fn monitor(&self, id: &MonitorName) -> Option<&MonitorState> {
        self.monitors.get(id).and_then(Option::as_ref)
    }
    pub fn alert(&self, id: &AlertRef) -> Option<&Alert> {
        self.alerts.get(id).and_then(Option::as_ref)
    }
    pub fn group(&self, key: &GroupKey) -> Option<&Group> {
        self.groups.get(key).and_then(Option::as_ref)
    }
    pub fn change(&self, key: &ChangeKey) -> Option<&Change> {
        self.changes.get(key).and_then(Option::as_ref)
    }
    /// Who is called when a step is taken now.
    pub(crate) fn calling<'a>(&'a self, policy: &'a Policy, now: Timestamp) -> Calling<'a> {
        Calling { policy, roster: self.roster(policy), now }
    }
    /// Who is on call.
    pub fn roster<'a>(&'a self, policy: &'a Policy) -> Roster<'a> {
        Roster { policy, overrides: &self.workspace.overrides }
    }
    pub fn policy(&self) -> Option<&Policy> {
        self.workspace.policy.as_deref()
    }
}
