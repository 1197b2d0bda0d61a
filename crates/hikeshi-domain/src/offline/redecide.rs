//! The rules, asked again: a local ledger is folded entry by entry, and whatever a rule guards must be what the same rule says now.
//!
//! The ledger keeps what followed, not what was asked; but what was asked can be read out of what followed. What the machine reports of
//! itself (a backup, an exit code) is its word here as it is the server's word there.

#![expect(clippy::wildcard_enum_match_arm, reason = "the events that a rule guards are named; the rest are reports")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::LocalFlaw;
use crate::account;
use crate::apply::apply;
use crate::command::Command;
use crate::decide::decide;
use crate::emergency::{self, Signed};
use crate::event::Event;
use crate::facts::Facts;
use crate::ids::{EmergencyId, PersonId};
use crate::incident;
use crate::ledger::{Entry, EntryResult};
use crate::obligation::Kind;
use crate::permit::permit;
use crate::policy::Policy;
use crate::session;

pub(super) struct Again {
    facts: Facts,
    policy: Arc<Policy>,
    entered: BTreeSet<PersonId>,
}

impl Again {
    pub(super) fn new(policy: Policy) -> Self {
        Self { facts: Facts::default(), policy: Arc::new(policy), entered: BTreeSet::new() }
    }

    pub(super) fn has_entered(&self, person: &PersonId) -> bool {
        self.entered.contains(person)
    }

    pub(super) fn into_facts(self) -> Facts {
        self.facts
    }

    pub(super) fn entry(&mut self, entry: &Entry) -> Result<(), LocalFlaw> {
        let EntryResult::Done { events, .. } = &entry.result else { return Ok(()) };
        let seq = entry.seq;
        if seq > 0 && events.iter().any(|event| is_guarded(event, &entry.kind)) {
            let command = self.asked(events).ok_or(LocalFlaw::Rewritten { seq })?;
            self.prepare(events, entry.at);
            let broken = |refusal| LocalFlaw::RuleBroken { seq, refusal: Box::new(refusal) };
            let permit = permit(&self.facts, &entry.actor, &command).map_err(broken)?;
            let decision = decide(permit, &self.facts, &command, entry.at).map_err(broken)?;
            if decision.events != *events {
                return Err(LocalFlaw::Rewritten { seq });
            }
        }
        for event in events {
            if seq > 0 && matches!(event, Event::PolicyAdopted { .. } | Event::PolicyProposed { .. }) {
                return Err(LocalFlaw::Rewritten { seq });
            }
            apply(&mut self.facts, event, &entry.actor, entry.at);
            if let Event::EnteredBySsh { person, .. } = event {
                self.entered.insert(person.clone());
            }
        }
        // Whatever was folded, these are the terms.
        self.facts.workspace.policy = Some(Arc::clone(&self.policy));
        Ok(())
    }

    /// What the door had in hand then, as far as the ledger tells. Who was heard of is not in it: those whom the entry names were, or else
    /// everyone who had joined and not left.
    fn prepare(&mut self, events: &[Event], at: Timestamp) {
        let named = events.iter().find_map(|event| match event {
            Event::StepStarted { witnesses, .. } => Some(witnesses.clone()),
            _ => None,
        });
        let mut presence = BTreeMap::new();
        for (id, state) in &self.facts.emergencies {
            let joined =
                state.iter().flat_map(|state| state.witnesses.iter()).filter(|(_, witness)| witness.present).map(|(person, _)| person);
            let heard = joined.filter(|person| named.as_ref().is_none_or(|named| named.contains(person)));
            presence.insert(*id, heard.map(|person| (person.clone(), at)).collect());
        }
        self.facts.presence = presence;
        let overdue =
            self.facts.obligations.values().flatten().filter(|obligation| obligation.is_overdue(at)).map(|obligation| obligation.id);
        self.facts.overdue = Some(overdue.collect());
    }

    fn asked(&self, events: &[Event]) -> Option<Command> {
        events.iter().find_map(|event| self.asked_by(event, events))
    }

    fn asked_by(&self, event: &Event, events: &[Event]) -> Option<Command> {
        Some(match event.clone() {
            Event::EnteredBySsh { statement, signature, .. } => {
                let label = events.iter().find_map(|event| match event {
                    Event::TokenIssued { record, .. } => Some(record.label.clone()),
                    _ => None,
                })?;
                Command::Account(account::Command::Enter { statement, signature, label })
            }
            Event::IncidentOpened { title, summary, service, environment, triage, detected_at, .. } => {
                let detected_at = Some(detected_at);
                Command::Incident(incident::Command::Open { title, summary, service, environment, triage, detected_at })
            }
            Event::DeviceBound { emergency, session, key, .. } => Command::Session(session::Command::Bind { emergency, session, key }),
            Event::TerminalOpened { emergency, place, .. } => Command::Session(session::Command::Open { emergency, place }),
            event => Command::Emergency(self.asked_of_exception(event)?),
        })
    }

    fn asked_of_exception(&self, event: Event) -> Option<emergency::Command> {
        use emergency::Command as Asked;
        Some(match event {
            Event::EmergencyRequested { incident, conditions, plan, .. } => Asked::Request { incident, conditions, plan },
            Event::PlanRevised { emergency, plan, .. } => Asked::Revise { emergency, plan },
            Event::EmergencyApproved { emergency, approval, evidence, .. } => {
                let Signed::Ssh { signature, .. } = evidence?.signed else { return None };
                Asked::ApproveSigned { emergency, signature, judgement: approval.judgement }
            }
            Event::WitnessJoined { emergency, .. } => Asked::Join { emergency },
            Event::EmergencyStarted { emergency, .. } => Asked::Start { emergency },
            Event::StepConfirmed { emergency, step, digest, .. } => {
                Asked::Confirm { emergency, step, digest, confirm: self.title_to_type(emergency, step)? }
            }
            Event::StepStarted { emergency, step, .. } => Asked::Step { emergency, step, confirm: self.title_to_type(emergency, step)? },
            Event::ChangeAccepted { emergency, path, reason, .. } => Asked::Accept { emergency, path, reason },
            Event::EmergencyClosed { emergency, .. } => Asked::Close { emergency },
            _ => return None,
        })
    }

    /// What is typed to run a dangerous step, and to confirm it.
    fn title_to_type(&self, emergency: EmergencyId, step: u32) -> Option<String> {
        let planned = &self.facts.emergency(emergency)?.plan.steps;
        let index = usize::try_from(step).ok()?.checked_sub(1)?;
        Some(planned.get(index).filter(|step| step.dangerous).map(|step| step.title.clone()).unwrap_or_default())
    }
}

/// What only follows when a rule agrees. A report of the machine is none of these.
fn is_guarded(event: &Event, kind: &str) -> bool {
    match event {
        Event::EnteredBySsh { .. }
        | Event::IncidentOpened { .. }
        | Event::EmergencyRequested { .. }
        | Event::PlanRevised { .. }
        | Event::EmergencyApproved { .. }
        | Event::RequirementRaised { .. }
        | Event::WitnessJoined { .. }
        | Event::EmergencyStarted { .. }
        | Event::StepConfirmed { .. }
        | Event::StepStarted { .. }
        | Event::TerminalOpened { .. }
        | Event::DeviceBound { .. }
        | Event::ChangeAccepted { .. }
        | Event::EmergencyClosed { .. }
        | Event::OfflineAnnounced { .. }
        | Event::OfflineReconciled { .. } => true,
        Event::ObligationRaised { obligation } => kind != "obligation.hold" || obligation.kind != Kind::Prevention,
        Event::ObligationWaived { .. } => kind != "emergency.close",
        _ => false,
    }
}
