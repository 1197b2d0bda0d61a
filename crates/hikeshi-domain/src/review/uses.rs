//! The fold of ledger entries into uses of the last resort: one [`Use`] per exception, with what a report and a search want to know of it.
//!
//! It takes all entries of the cases in question, in their order: from the store, from an exported bundle, or from a whole ledger.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AsOf, FindingName, Standing, guards, standing};
use crate::apply::apply;
use crate::emergency::{Emergency, Ending, Status};
use crate::event::Event;
use crate::facts::Facts;
use crate::ids::{EmergencyId, EnvironmentName, IncidentId, ObligationId, PersonId, ServiceName};
use crate::incident::Priority;
use crate::ledger::{Entry, EntryResult};
use crate::obligation::{Kind, Obligation};
use crate::offline::OfflineEvent;
use crate::people::Actor;
use crate::refusal::Refusal;
use crate::session::SessionEnd;

/// More entries than this are not named for one sign.
const NAMED_MAX: usize = 50;

/// A ledger entry, and when it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Mark {
    pub seq: u64,
    pub at: Timestamp,
}

/// One exception, as its entries tell it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Use {
    pub emergency: EmergencyId,
    pub incident: IncidentId,
    pub incident_title: String,
    pub service: ServiceName,
    pub environment: EnvironmentName,
    pub priority: Priority,
    pub summary: String,
    /// Why the normal flow could not do it, as the request says.
    pub reason: String,
    /// The cause, as the report says; not known before it is written.
    pub cause: Option<String>,
    pub requester: PersonId,
    pub executor: PersonId,
    pub approvers: Vec<PersonId>,
    pub witnesses: Vec<PersonId>,
    pub status: Status,
    pub ending: Option<Ending>,
    /// Whether both approver roles had to agree, because follow-up was overdue (rule E14).
    pub hardened: bool,
    pub requested: Mark,
    pub approved: Option<Mark>,
    pub started: Option<Mark>,
    /// Closed, declined, cancelled or expired.
    pub ended: Option<Mark>,
    pub changes: u64,
    /// Changes outside the scope that were accepted.
    pub accepted: u32,
    pub restored: bool,
    pub verifications_failed: u32,
    pub witnesses_lost: u32,
    /// Times that a witness stopped the execution.
    pub holds: u32,
    pub sessions: u32,
    pub commands: u64,
    /// Times that keys did not pass, and for how long together.
    pub keys_held: u32,
    pub keys_held_s: i64,
    pub refused: u32,
    pub signs: Signs,
    pub follow_up: Vec<FollowUp>,
}

impl Use {
    pub fn is_use(&self) -> bool {
        self.status.is_use()
    }
    /// From the request to the approval that completed it.
    pub fn approval_s(&self) -> Option<i64> {
        self.approved.map(|approved| seconds(self.requested.at, approved.at))
    }
    /// From the request to the close.
    pub fn close_s(&self) -> Option<i64> {
        self.ended.filter(|_| self.status == Status::Closed).map(|ended| seconds(self.requested.at, ended.at))
    }
}

/// What a search looks at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Signs {
    /// Refusals of rules of four eyes, by person and code.
    pub refusals: Vec<Refusals>,
    /// Sessions whose recorder was lost, with the entry that says so.
    pub lost: Vec<(u32, u64)>,
    pub gaps: Vec<Gaps>,
    pub forged: Vec<Times>,
    /// Dangerous lines that ran without a witness's confirmation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unconfirmed: Vec<Times>,
    /// The retrospective's word that the normal flow would have done.
    pub avoidable: Option<Avoidable>,
    pub reported: Option<Mark>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Refusals {
    pub person: PersonId,
    pub rule: String,
    pub code: String,
    pub times: u32,
    pub entries: Vec<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Gaps {
    pub session: u32,
    pub gaps: u32,
    pub seconds: i64,
    pub bytes: u64,
    pub entries: Vec<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Times {
    pub session: u32,
    pub times: u32,
    pub entries: Vec<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Avoidable {
    pub by: PersonId,
    pub reason: String,
    pub entry: u64,
}

/// What is or was owed after an exception.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FollowUp {
    pub obligation: ObligationId,
    pub kind: Kind,
    pub owner: PersonId,
    pub text: String,
    pub due_at: Timestamp,
    pub done_at: Option<Timestamp>,
    pub standing: Standing,
    pub escalated: u32,
    /// Of a corrective action: what it corrects.
    pub corrects: Option<FindingName>,
}

/// Folds entries; asked for the uses when all are in.
#[derive(Debug, Default)]
pub struct Uses {
    facts: Facts,
    notes: BTreeMap<EmergencyId, Notes>,
    /// Refused requests: they belong to the exception that was then asked for in the same incident.
    unborn: BTreeMap<IncidentId, Vec<Refusals>>,
}

/// What entries tell of the course of one exception. It comes home with one that was carried out while the server was away, since the
/// entries themselves stay in a ledger of their own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Course {
    pub requested: Option<Mark>,
    pub approved: Option<Mark>,
    pub started: Option<Mark>,
    pub ended: Option<Mark>,
    pub accepted: u32,
    pub verifications_failed: u32,
    pub witnesses_lost: u32,
    pub holds: u32,
    pub commands: u64,
    pub keys_held: u32,
    pub keys_held_s: i64,
    pub refused: u32,
    pub signs: Signs,
}

#[derive(Debug, Default)]
struct Notes {
    course: Course,
    keys_since: BTreeMap<u32, Timestamp>,
    commands: BTreeMap<(u32, u32), u32>,
}

impl Course {
    /// As this one entry tells of it: what it is made of stands there.
    fn told_in(&self, seq: u64) -> Self {
        let here = |mark: Option<Mark>| mark.map(|mark| Mark { seq, at: mark.at });
        let mut signs = self.signs.clone();
        signs.reported = None;
        signs.avoidable = None;
        signs.lost.iter_mut().for_each(|(_, entry)| *entry = seq);
        signs.refusals.iter_mut().for_each(|refused| refused.entries = vec![seq]);
        signs.gaps.iter_mut().for_each(|gap| gap.entries = vec![seq]);
        signs.forged.iter_mut().chain(&mut signs.unconfirmed).for_each(|times| times.entries = vec![seq]);
        Self {
            requested: here(self.requested),
            approved: here(self.approved),
            started: here(self.started),
            ended: here(self.ended),
            signs,
            ..self.clone()
        }
    }
}

fn seconds(from: Timestamp, to: Timestamp) -> i64 {
    to.duration_since(from).as_secs().max(0)
}

fn name(entries: &mut Vec<u64>, seq: u64) {
    if entries.len() < NAMED_MAX && entries.last() != Some(&seq) {
        entries.push(seq);
    }
}

fn count(list: &mut Vec<Times>, session: u32, mark: Mark, times: u32) {
    if list.iter().all(|known| known.session != session) {
        list.push(Times { session, times: 0, entries: Vec::new() });
    }
    for known in list.iter_mut().filter(|known| known.session == session) {
        known.times = known.times.saturating_add(times);
        name(&mut known.entries, mark.seq);
    }
}

impl Uses {
    pub fn add(&mut self, entry: &Entry) {
        let mark = Mark { seq: entry.seq, at: entry.at };
        match &entry.result {
            EntryResult::Done { events, .. } => {
                for event in events {
                    self.note(mark, &entry.actor, event);
                    apply(&mut self.facts, event, &entry.actor, entry.at);
                }
            }
            EntryResult::Refused { rule, code, refusal, asked } => self.refused(mark, &entry.actor, rule, code, refusal, asked),
        }
    }

    fn refused(&mut self, mark: Mark, actor: &Actor, rule: &str, code: &str, refusal: &Refusal, asked: &serde_json::Value) {
        let Some(person) = actor.as_person() else { return };
        let named = |field: &str| asked.get(field).and_then(serde_json::Value::as_str);
        let owed = named("obligation").and_then(|id| id.parse::<ObligationId>().ok());
        let owed = owed.and_then(|id| self.facts.obligation(id)).and_then(|owed| owed.emergency);
        let emergency = named("emergency").and_then(|id| id.parse::<EmergencyId>().ok()).or(owed);
        let incident = named("incident").and_then(|id| id.parse::<IncidentId>().ok());
        let list = match (emergency.and_then(|id| self.notes.get_mut(&id)), incident) {
            (Some(notes), _) => {
                notes.course.refused = notes.course.refused.saturating_add(1);
                &mut notes.course.signs.refusals
            }
            (None, Some(incident)) => self.unborn.entry(incident).or_default(),
            (None, None) => return,
        };
        if !guards(refusal) {
            return;
        }
        if !list.iter().any(|known| known.person == *person && known.code == code) {
            let (rule, code) = (rule.to_owned(), code.to_owned());
            list.push(Refusals { person: person.clone(), rule, code, times: 0, entries: Vec::new() });
        }
        for known in list.iter_mut().filter(|known| known.person == *person && known.code == code) {
            known.times = known.times.saturating_add(1);
            name(&mut known.entries, mark.seq);
        }
    }

    fn note(&mut self, mark: Mark, actor: &Actor, event: &Event) {
        if let Event::EmergencyRequested { emergency, incident, .. } = event {
            let notes = self.notes.entry(*emergency).or_default();
            notes.course.requested = Some(mark);
            notes.course.signs.refusals = self.unborn.remove(incident).unwrap_or_default();
        }
        if let Event::Offline(OfflineEvent::Reconciled { emergencies, .. }) = event {
            for (id, offline) in emergencies.iter().filter_map(|state| Some((state.id, state.offline.as_ref()?))) {
                self.notes.insert(id, Notes { course: offline.course.told_in(mark.seq), ..Notes::default() });
            }
        }
        if let Event::ReportGiven { obligation, .. } | Event::MeetingHeld { obligation, .. } = event {
            let emergency = self.facts.obligation(*obligation).and_then(|owed| owed.emergency);
            if let Some(notes) = emergency.and_then(|id| self.notes.get_mut(&id)) {
                notes.looked_back(mark, actor, event);
            }
        }
        if let Some(notes) = subject(event).and_then(|id| self.notes.get_mut(&id)) {
            notes.course(mark, event);
            notes.session(mark, event);
        }
    }

    /// What the entries tell of the course of each exception.
    pub fn courses(&self) -> BTreeMap<EmergencyId, Course> {
        self.notes.iter().map(|(id, notes)| (*id, notes.told())).collect()
    }

    /// Every exception that was asked for, by its number.
    pub fn list(&self, as_of: AsOf) -> Vec<Use> {
        self.facts.emergencies.values().flatten().filter_map(|state| self.one(state, as_of)).collect()
    }

    fn one(&self, state: &Emergency, as_of: AsOf) -> Option<Use> {
        let notes = self.notes.get(&state.id)?;
        let course = notes.told();
        let incident = self.facts.incident(state.incident)?;
        let owed: Vec<&Obligation> = state.obligations.iter().filter_map(|id| self.facts.obligation(*id)).collect();
        let open = notes.keys_since.values().map(|since| seconds(*since, as_of.at)).sum::<i64>();
        Some(Use {
            emergency: state.id,
            incident: state.incident,
            incident_title: incident.title.clone(),
            service: incident.service.clone(),
            environment: incident.environment.clone(),
            priority: incident.priority,
            summary: state.plan.summary.clone(),
            reason: state.conditions.normal_flow_cannot.statement.clone(),
            cause: owed.iter().find_map(|owed| owed.report.as_ref()).map(|report| report.judgement.cause.clone()),
            requester: state.requester.clone(),
            executor: state.plan.executor.clone(),
            approvers: state.approvals.iter().map(|approval| approval.by.clone()).collect(),
            witnesses: state.witnesses.keys().cloned().collect(),
            status: state.status,
            ending: state.ending,
            hardened: state.requirement.every_role,
            requested: course.requested?,
            approved: course.approved,
            started: course.started,
            ended: course.ended,
            changes: u64::try_from(state.changes.len()).unwrap_or(u64::MAX).saturating_add(state.changes_unlisted),
            accepted: course.accepted,
            restored: state.restored.as_ref().is_some_and(|restored| restored.finished_at.is_some()),
            verifications_failed: course.verifications_failed,
            witnesses_lost: course.witnesses_lost,
            holds: course.holds,
            sessions: u32::try_from(state.sessions.len()).unwrap_or(u32::MAX),
            commands: course.commands,
            keys_held: course.keys_held,
            keys_held_s: course.keys_held_s.saturating_add(open),
            refused: course.refused,
            signs: course.signs,
            follow_up: owed.into_iter().map(|owed| follow_up(owed, as_of.at)).collect(),
        })
    }
}

impl Notes {
    fn told(&self) -> Course {
        let typed = u64::try_from(self.commands.len()).unwrap_or(u64::MAX);
        Course { commands: self.course.commands.saturating_add(typed), ..self.course.clone() }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "a fold takes the events that it counts")]
    fn course(&mut self, mark: Mark, event: &Event) {
        match event {
            Event::EmergencyApproved { complete, .. } => self.course.approved = complete.then_some(mark).or(self.course.approved),
            // What was approved is no longer what is planned, or no longer enough.
            Event::PlanRevised { .. } | Event::RequirementRaised { .. } => self.course.approved = None,
            Event::EmergencyStarted { .. } => self.course.started = self.course.started.or(Some(mark)),
            Event::EmergencyClosed { .. }
            | Event::EmergencyDeclined { .. }
            | Event::EmergencyCancelled { .. }
            | Event::ApprovalExpired { .. } => self.course.ended = Some(mark),
            Event::ChangeAccepted { .. } => self.course.accepted += 1,
            Event::VerificationRecorded { verified, .. } if !verified.passed => self.course.verifications_failed += 1,
            Event::WitnessLeft { lost: true, .. } => self.course.witnesses_lost += 1,
            Event::EmergencyHeld { .. } => self.course.holds += 1,
            _ => {}
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "a fold takes the events that it counts")]
    fn session(&mut self, mark: Mark, event: &Event) {
        match event {
            Event::KeysHeld { session, .. } if !self.keys_since.contains_key(session) => {
                self.course.keys_held += 1;
                self.keys_since.insert(*session, mark.at);
            }
            Event::KeysReleased { session, .. } => self.released(*session, mark.at),
            Event::BlocksSealed { session, commands, gaps, .. } => {
                self.gaps(*session, mark, gaps);
                for command in commands {
                    self.commands.insert((*session, command.number), command.forged);
                    if command.forged > 0 && command.ended_at.is_some() {
                        count(&mut self.course.signs.forged, *session, mark, command.forged);
                    }
                }
            }
            Event::LineUnconfirmed { session, .. } => count(&mut self.course.signs.unconfirmed, *session, mark, 1),
            Event::TerminalEnded { session, end, .. } => {
                self.released(*session, mark.at);
                if *end == SessionEnd::Lost {
                    self.course.signs.lost.push((*session, mark.seq));
                }
            }
            _ => {}
        }
    }

    fn released(&mut self, session: u32, at: Timestamp) {
        if let Some(since) = self.keys_since.remove(&session) {
            self.course.keys_held_s = self.course.keys_held_s.saturating_add(seconds(since, at));
        }
    }

    fn gaps(&mut self, session: u32, mark: Mark, gaps: &[crate::session::Gap]) {
        if gaps.is_empty() {
            return;
        }
        if self.course.signs.gaps.iter().all(|known| known.session != session) {
            self.course.signs.gaps.push(Gaps { session, gaps: 0, seconds: 0, bytes: 0, entries: Vec::new() });
        }
        for known in self.course.signs.gaps.iter_mut().filter(|known| known.session == session) {
            for gap in gaps {
                known.gaps = known.gaps.saturating_add(1);
                known.seconds = known.seconds.saturating_add(seconds(gap.from, gap.to));
                known.bytes = known.bytes.saturating_add(gap.bytes);
            }
            name(&mut known.entries, mark.seq);
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "a fold takes the events that it counts")]
    fn looked_back(&mut self, mark: Mark, actor: &Actor, event: &Event) {
        match event {
            Event::ReportGiven { .. } => self.course.signs.reported = Some(mark),
            Event::MeetingHeld { held, .. } => {
                let reason = held.avoidable.clone();
                self.course.signs.avoidable =
                    reason.zip(actor.as_person()).map(|(reason, by)| Avoidable { by: by.clone(), reason, entry: mark.seq });
            }
            _ => {}
        }
    }
}

fn follow_up(owed: &Obligation, at: Timestamp) -> FollowUp {
    FollowUp {
        obligation: owed.id,
        kind: owed.kind,
        owner: owed.owner.clone(),
        text: owed.text.clone(),
        due_at: owed.due_at,
        done_at: owed.done_at,
        standing: standing(owed, at),
        escalated: owed.escalated_steps,
        corrects: owed.finding.as_ref().map(|finding| finding.kind.name()),
    }
}

/// The exception that an event of its course or of its terminals is about.
#[expect(clippy::wildcard_enum_match_arm, reason = "a fold takes the events that it counts")]
fn subject(event: &Event) -> Option<EmergencyId> {
    match event {
        Event::EmergencyApproved { emergency, .. }
        | Event::PlanRevised { emergency, .. }
        | Event::RequirementRaised { emergency, .. }
        | Event::EmergencyStarted { emergency, .. }
        | Event::EmergencyClosed { emergency, .. }
        | Event::EmergencyDeclined { emergency, .. }
        | Event::EmergencyCancelled { emergency, .. }
        | Event::ApprovalExpired { emergency }
        | Event::ChangeAccepted { emergency, .. }
        | Event::VerificationRecorded { emergency, .. }
        | Event::WitnessLeft { emergency, .. }
        | Event::EmergencyHeld { emergency, .. }
        | Event::KeysHeld { emergency, .. }
        | Event::KeysReleased { emergency, .. }
        | Event::BlocksSealed { emergency, .. }
        | Event::LineUnconfirmed { emergency, .. }
        | Event::TerminalEnded { emergency, .. } => Some(*emergency),
        _ => None,
    }
}
