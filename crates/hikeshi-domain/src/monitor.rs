//! What a monitor reports: changes only. Counting failures in a row is the probe's work; opening an incident is decided here.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decide::Decision;
use crate::event::Event;
use crate::facts::{Facts, Needs};
use crate::ids::{IncidentId, MonitorName};
use crate::incident::decide::NewIncident;
use crate::incident::{self, Triage};
use crate::input::{self, TEXT_CHARS_MAX};
use crate::people::Actor;
use crate::permit::Permit;
use crate::refusal::Refusal;

/// What the door remembers of one monitor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MonitorState {
    pub monitor: MonitorName,
    pub healthy: bool,
    pub since: Timestamp,
    /// The incident that its failure opened or joined.
    #[serde(default)]
    pub incident: Option<IncidentId>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// The threshold of failures in a row was reached.
    Fire { monitor: MonitorName, first_seen_at: Timestamp, seen: String },
    /// The threshold of successes in a row was reached.
    Recover { monitor: MonitorName, seen: String },
}

pub fn needs(command: &Command, facts: &Facts) -> Needs {
    let (Command::Fire { monitor, .. } | Command::Recover { monitor, .. }) = command;
    let mut needs = Needs { monitors: [monitor.clone()].into(), ..Needs::default() };
    needs.incidents.extend(facts.monitor(monitor).and_then(|state| state.incident));
    needs
}

/// A monitor speaks only for itself. Its failure opens an incident, or joins the one that it opened and that still burns (rule I10).
pub fn decide(permit: &Permit, facts: &Facts, command: &Command, now: Timestamp) -> Result<Decision, Refusal> {
    let policy = facts.policy().ok_or(Refusal::UnknownActor)?;
    let (Command::Fire { monitor, .. } | Command::Recover { monitor, .. }) = command;
    if !matches!(permit.actor(), Actor::Monitor { monitor: own } if own == monitor) {
        return Err(Refusal::UnknownActor);
    }
    let Some(declared) = policy.monitors.get(monitor) else { return Err(Refusal::Stale) };
    let state = facts.monitor(monitor);
    match command {
        Command::Fire { first_seen_at, seen, .. } => {
            if state.is_some_and(|state| !state.healthy) {
                return Err(Refusal::Stale);
            }
            input::bounded("seen", seen, TEXT_CHARS_MAX)?;
            let known =
                state.and_then(|state| state.incident).and_then(|id| facts.incident(id)).filter(|incident| incident.resolved.is_none());
            if let Some(incident) = known {
                return Ok(Decision::of(
                    incident.id,
                    vec![Event::MonitorFired { monitor: monitor.clone(), incident: incident.id, seen: seen.clone() }],
                ));
            }
            let service = policy.services.get(&declared.service).map_or(declared.service.as_str(), |service| service.name.as_str());
            let title: String = format!("{service}: {seen}").chars().take(200).collect();
            let triage =
                Triage { impact: declared.impact, business: declared.business, urgency: declared.urgency, priority_override: None };
            let new = NewIncident {
                title: &title,
                summary: seen,
                service: &declared.service,
                environment: &declared.environment,
                triage: &triage,
                detected_at: (*first_seen_at).min(now),
            };
            let mut decision = incident::decide::open(facts, policy, permit.actor(), &new, now);
            if let Some(id) = decision.case {
                decision.events.push(Event::MonitorFired { monitor: monitor.clone(), incident: id, seen: seen.clone() });
            }
            Ok(decision)
        }
        Command::Recover { seen, .. } => {
            let Some(state) = state.filter(|state| !state.healthy) else { return Err(Refusal::Stale) };
            input::bounded("seen", seen, TEXT_CHARS_MAX)?;
            let event = Event::MonitorRecovered { monitor: monitor.clone(), incident: state.incident, seen: seen.clone() };
            Ok(Decision { events: vec![event], case: state.incident, ..Decision::default() })
        }
    }
}
