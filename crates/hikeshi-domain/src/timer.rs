//! Stored deadlines. A timer is a row, never a sleep: a restart fires what is overdue, once.
//!
//! Which timers an incident, an exception or an obligation has is a function of its state ([`of_incident`] and its siblings),
//! so timers can be rebuilt from the ledger like every other table.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::alert::{Alert, AlertRef, Waits};
use crate::emergency::{self, Emergency};
use crate::facts::WorkspaceState;
use crate::ids::{EmergencyId, IncidentId, ObligationId, PersonId, SilenceId};
use crate::incident::{Incident, escalation};
use crate::obligation::{self, Obligation};
use crate::page;
use crate::policy::{ForgeKind, Policy};
use crate::review::Month;

/// What a deadline asks the door to look at. It carries no data: the door looks at the tables.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "wake", rename_all = "snake_case")]
pub enum Wake {
    Escalate {
        incident: IncidentId,
    },
    /// Nobody has it yet: people are called by their next means, or again (rule I4).
    PageAgain {
        incident: IncidentId,
    },
    UpdateDue {
        incident: IncidentId,
    },
    ApprovalExpires {
        emergency: EmergencyId,
    },
    SessionLong {
        emergency: EmergencyId,
    },
    WitnessSilent {
        emergency: EmergencyId,
        person: PersonId,
    },
    Remind {
        obligation: ObligationId,
    },
    Overdue {
        obligation: ObligationId,
    },
    /// It is still overdue: the next role is told (rule E12).
    EscalateOwed {
        obligation: ObligationId,
    },
    /// Time to ask the forge whether the change request was merged.
    Compare {
        obligation: ObligationId,
    },
    /// Time to search the record of an exception for abuse (rule E13). Whoever fires it searches; this alone changes nothing.
    Examine {
        emergency: EmergencyId,
    },
    /// A month is over: its report is owed (rule E13).
    MonthEnds,
    /// An exception that was carried out while the server was away has not come home in time.
    Unreconciled {
        incident: IncidentId,
    },
    /// A flapping alert has gone on firing (rule I10).
    AlertSettles {
        alert: AlertRef,
    },
    /// What a silence has held back is looked at.
    SilenceEnds {
        silence: SilenceId,
    },
    /// The sender of an alert has fallen silent. Has no row among the deadlines: senders move it every minute.
    AlertLapses {
        alert: AlertRef,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timer {
    pub wake: Wake,
    pub due_at: Timestamp,
}

fn after(at: Timestamp, minutes: u32) -> Timestamp {
    at.checked_add(SignedDuration::from_mins(i64::from(minutes))).unwrap_or(Timestamp::MAX)
}

fn before(at: Timestamp, minutes: u32) -> Timestamp {
    at.checked_sub(SignedDuration::from_mins(i64::from(minutes))).unwrap_or(Timestamp::MIN)
}

pub fn of_incident(incident: &Incident, policy: &Policy) -> Vec<Timer> {
    let mut timers = Vec::new();
    if let Some(away) = incident.away.as_ref().filter(|away| away.reconciled.is_none()) {
        // It is worked on where it is kept; here it is only waited for.
        if !away.late_announced {
            timers.push(Timer { wake: Wake::Unreconciled { incident: incident.id }, due_at: away.due_at(policy) });
        }
        return timers;
    }
    if incident.resolved.is_some() || incident.closed_at.is_some() {
        return timers;
    }
    if let Some((due_at, _)) = escalation::next(incident, policy) {
        timers.push(Timer { wake: Wake::Escalate { incident: incident.id }, due_at });
    }
    if let Some(due_at) = page::decide::due_at(incident, policy) {
        timers.push(Timer { wake: Wake::PageAgain { incident: incident.id }, due_at });
    }
    if let Some(row) = policy.incident.priorities.get(&incident.priority).filter(|row| row.update_every_min > 0) {
        let since = [incident.last_update_at, incident.update_reminded_at].into_iter().flatten().max().unwrap_or(incident.opened_at);
        timers.push(Timer { wake: Wake::UpdateDue { incident: incident.id }, due_at: after(since, row.update_every_min) });
    }
    timers
}

pub fn of_emergency(emergency: &Emergency, policy: &Policy) -> Vec<Timer> {
    let mut timers = Vec::new();
    let waiting = matches!(emergency.status, emergency::Status::Requested | emergency::Status::Approved);
    if let Some(due_at) = emergency.approvals.iter().map(|approval| approval.expires_at).min().filter(|_| waiting) {
        timers.push(Timer { wake: Wake::ApprovalExpires { emergency: emergency.id }, due_at });
    }
    if let (Some(started_at), true, false) = (emergency.started_at, emergency.status.is_running(), emergency.long_announced) {
        timers.push(Timer {
            wake: Wake::SessionLong { emergency: emergency.id },
            due_at: after(started_at, policy.emergency.session_max_min),
        });
    }
    timers.extend(examining(emergency, policy));
    timers
}

/// Once it is over, and again when report or retrospective have told more; or when it stays open for too long.
fn examining(emergency: &Emergency, policy: &Policy) -> Option<Timer> {
    // What was carried out while the server is away is searched there, once it has come home.
    if emergency.examined.is_some() || policy.local.is_some() {
        return None;
    }
    let left_open = || {
        let started_at = emergency.started_at.filter(|_| emergency.status.is_running())?;
        Some(after(started_at, policy.reviews.cannot_wait_h.saturating_mul(60)))
    };
    let due_at = emergency.closed_at.filter(|_| emergency.status.is_over()).or_else(left_open)?;
    Some(Timer { wake: Wake::Examine { emergency: emergency.id }, due_at })
}

/// Only an alert that waits has a deadline of its own.
pub fn of_alert(alert: &Alert, policy: &Policy) -> Vec<Timer> {
    let waits = alert.firing && alert.waits == Some(Waits::Flapping);
    let due_at = after(alert.fired_at, policy.alerts.flapping.settle_min);
    waits.then(|| Timer { wake: Wake::AlertSettles { alert: alert.alert.clone() }, due_at }).into_iter().collect()
}

/// The end of the month whose report is owed next, and the ends of silences; by the server alone.
pub fn of_workspace(workspace: &WorkspaceState) -> Vec<Timer> {
    let Some(policy) = workspace.policy.as_deref().filter(|policy| policy.local.is_none()) else { return Vec::new() };
    let next = workspace.counters.month.map(Month::next);
    let month = next.map(|month| Timer { wake: Wake::MonthEnds, due_at: month.next().begins(&policy.zone()) });
    let silences =
        workspace.silences.values().map(|silence| Timer { wake: Wake::SilenceEnds { silence: silence.id }, due_at: silence.due_at() });
    month.into_iter().chain(silences).collect()
}

pub fn of_obligation(obligation: &Obligation, policy: &Policy) -> Vec<Timer> {
    let mut timers = Vec::new();
    if obligation.status != obligation::Status::Owed {
        return timers;
    }
    // After a long night only the nearest reminder fires; those that it overtook count as given.
    let next = policy
        .obligations
        .remind_before_min
        .iter()
        .copied()
        .filter(|minutes| obligation.reminded.iter().all(|given| minutes < given))
        .max();
    if let Some(minutes) = next {
        timers.push(Timer { wake: Wake::Remind { obligation: obligation.id }, due_at: before(obligation.due_at, minutes) });
    }
    if !obligation.overdue_announced {
        timers.push(Timer { wake: Wake::Overdue { obligation: obligation.id }, due_at: obligation.due_at });
    } else if let Some(step) = usize::try_from(obligation.escalated_steps).ok().and_then(|next| policy.obligations.escalation.get(next)) {
        let due_at = after(obligation.due_at, step.after_h.saturating_mul(60));
        timers.push(Timer { wake: Wake::EscalateOwed { obligation: obligation.id }, due_at });
    }
    timers.extend(comparing(obligation, policy));
    timers
}

/// The next look at a request that is open on GitHub. The longer it is open, the longer the wait; a webhook does not wait at all.
fn comparing(obligation: &Obligation, policy: &Policy) -> Option<Timer> {
    const SOONEST_MIN: i64 = 10;
    const LATEST_MIN: i64 = 4 * 60;
    policy.forge.as_ref().filter(|forge| forge.kind == ForgeKind::Github)?;
    let request = obligation.request.as_ref().filter(|_| obligation.running.is_none())?;
    let compared = request.compared.as_ref().map(|compared| compared.at);
    let tried = obligation.trouble.as_ref().map(|trouble| trouble.at);
    let last = [compared, tried].into_iter().flatten().max().map_or(request.opened_at, |at| at.max(request.opened_at));
    let open_min = last.duration_since(request.opened_at).as_secs() / 60;
    let wait = SignedDuration::from_mins((open_min / 4).clamp(SOONEST_MIN, LATEST_MIN));
    Some(Timer { wake: Wake::Compare { obligation: obligation.id }, due_at: last.checked_add(wait).unwrap_or(Timestamp::MAX) })
}
