//! Who does what while an incident burns (rules I4, I6): roles, and the handover from one hand to the next.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::decide::post;
use super::{Acknowledged, Incident};
use crate::channel::Notice;
use crate::decide::Decision;
use crate::event::Event;
use crate::facts::Facts;
use crate::ids::{IncidentId, PersonId};
use crate::input::{self, TEXT_CHARS_MAX};
use crate::permit::Permit;
use crate::policy::Policy;
use crate::refusal::Refusal;

/// One person may have several; nobody must have one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Duty {
    /// Decides, and sees to it that somebody does each thing.
    Commander,
    /// Tells those who wait.
    Communications,
    /// Writes down what no program sees.
    Scribe,
    /// Works on the system.
    Operations,
}

impl Duty {
    pub const ALL: [Self; 4] = [Self::Commander, Self::Communications, Self::Scribe, Self::Operations];
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomEvent {
    pub incident: IncidentId,
    #[serde(flatten)]
    pub what: RoomStep,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "room", rename_all = "snake_case")]
pub enum RoomStep {
    /// `None`: nobody has it any more.
    Assigned {
        duty: Duty,
        person: Option<PersonId>,
        by: PersonId,
    },
    HandedOver {
        from: PersonId,
        to: PersonId,
        note: String,
    },
}

pub(super) fn assign(
    permit: &Permit,
    policy: &Policy,
    state: &Incident,
    duty: Duty,
    person: Option<&PersonId>,
) -> Result<Decision, Refusal> {
    if let Some(person) = person {
        input::declared("person", person.as_str(), policy.people.keys().map(PersonId::as_str))?;
    }
    if state.duties.get(&duty) == person {
        return Err(Refusal::SameDuty { incident: state.id, duty });
    }
    let by = permit.person()?.clone();
    let people = person.iter().filter(|person| ***person != by).map(|person| (*person).clone()).collect();
    let notice = Notice::DutyAssigned { duty, person: person.cloned() };
    let what = RoomStep::Assigned { duty, person: person.cloned(), by };
    Ok(Decision::of(state.id, vec![Event::Room(RoomEvent { incident: state.id, what }), post(policy, state.id, notice, &[], people)]))
}

/// Whoever has it gives it to somebody else, with what they need to know. Anyone who may act can do it for a hand that has fallen asleep.
pub(super) fn hand_over(policy: &Policy, state: &Incident, to: &PersonId, note: &str) -> Result<Decision, Refusal> {
    let from = state.acknowledged.as_ref().map(|acknowledged| acknowledged.by.clone());
    let from = from.ok_or(Refusal::NobodyHasIt { incident: state.id })?;
    input::declared("to", to.as_str(), policy.people.keys().map(PersonId::as_str))?;
    if from == *to {
        return Err(Refusal::AlreadyAcknowledged { incident: state.id, by: from });
    }
    input::required("note", note, TEXT_CHARS_MAX)?;
    let notice = Notice::HandedOver { from: from.clone(), to: to.clone(), note: note.to_owned() };
    let what = RoomStep::HandedOver { from, to: to.clone(), note: note.to_owned() };
    let posted = post(policy, state.id, notice, &[], vec![to.clone()]);
    Ok(Decision::of(state.id, vec![Event::Room(RoomEvent { incident: state.id, what }), posted]))
}

/// Who is reminded that those who wait have heard nothing.
pub(super) fn speakers(state: &Incident) -> Vec<PersonId> {
    let duty = |duty| state.duties.get(&duty).cloned();
    let hand = || state.acknowledged.as_ref().map(|acknowledged| acknowledged.by.clone());
    duty(Duty::Communications).or_else(|| duty(Duty::Commander)).or_else(hand).into_iter().collect()
}

pub(crate) fn apply(facts: &mut Facts, event: &Event, at: Timestamp) {
    let Event::Room(RoomEvent { incident, what }) = event else { return };
    let Some(Some(state)) = facts.incidents.get_mut(incident) else { return };
    facts.touched.incidents.insert(*incident);
    match what {
        RoomStep::Assigned { duty, person: Some(person), by: _ } => {
            state.duties.insert(*duty, person.clone());
        }
        RoomStep::Assigned { duty, person: None, by: _ } => {
            state.duties.remove(duty);
        }
        RoomStep::HandedOver { from: _, to, note: _ } => {
            let taken = Acknowledged::by(state.acknowledged.as_ref(), to.clone(), at, state.escalated_steps);
            state.acknowledged = Some(taken);
        }
    }
}
