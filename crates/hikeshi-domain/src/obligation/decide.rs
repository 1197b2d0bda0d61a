//! What follows from a command on an obligation (rules E10 to E12), and the orders that the program carries out for it.

mod duty;
mod orders;
mod outcome;

use jiff::{SignedDuration, Timestamp};

pub use duty::escalate;
pub use orders::{change_request, invitation, report};
pub use outcome::ended;

use super::{Command, Held, Judgement, Kind, Meeting, Obligation, PreventionItem, Report, Status};
use crate::channel::{Body, Notice, Post};
use crate::contact;
use crate::decide::Decision;
use crate::effect::Effect;
use crate::emergency::{self, Emergency};
use crate::event::Event;
use crate::facts::{Facts, Needs};
use crate::ids::{EmergencyId, IncidentId, ObligationId, PersonId, RoleName};
use crate::input::{self, TEXT_CHARS_MAX, TITLE_CHARS_MAX};
use crate::permit::Permit;
use crate::policy::Policy;
use crate::refusal::Refusal;
use crate::review::Presented;
use crate::timer::Wake;

const ITEMS_MAX: u32 = 50;
const PEOPLE_MAX: u32 = 50;
const MEETING_LASTS_MIN_MAX: u32 = 8 * 60;

pub fn needs(command: &Command, facts: &Facts) -> Needs {
    let (Command::Propose { obligation }
    | Command::Compare { obligation }
    | Command::AcceptDrift { obligation, .. }
    | Command::Report { obligation, .. }
    | Command::Schedule { obligation, .. }
    | Command::Hold { obligation, .. }
    | Command::Finish { obligation, .. }
    | Command::Present { obligation, .. }) = command;
    needs_of(*obligation, facts)
}

/// The obligation, its exception and incident, and its siblings: the report names the change request.
pub fn needs_of(id: ObligationId, facts: &Facts) -> Needs {
    let mut needs = Needs { obligations: [id].into(), ..Needs::default() };
    if let Some(state) = facts.obligation(id) {
        if state.kind == Kind::ContactTest {
            needs.accounts.extend(facts.policy().map(contact::called).unwrap_or_default());
        }
        needs.incidents.extend(state.incident);
        needs.emergencies.extend(state.emergency);
        let emergency = state.emergency.and_then(|id| facts.emergency(id));
        needs.obligations.extend(emergency.iter().flat_map(|emergency| emergency.obligations.iter().copied()));
    }
    needs
}

/// An obligation with the exception it comes from.
struct Owed<'a> {
    facts: &'a Facts,
    policy: &'a Policy,
    state: &'a Obligation,
    /// None for a report of a month or quarter.
    emergency: Option<&'a Emergency>,
    now: Timestamp,
}

impl<'a> Owed<'a> {
    fn of(facts: &'a Facts, id: ObligationId, now: Timestamp) -> Option<Self> {
        let state = facts.obligation(id)?;
        let emergency = state.emergency.map(|id| facts.emergency(id));
        if emergency.is_some_and(|found| found.is_none()) {
            return None;
        }
        Some(Self { facts, policy: facts.policy()?, state, emergency: emergency.flatten(), now })
    }

    fn open(&self, kind: Kind) -> Result<(), Refusal> {
        if self.state.kind != kind {
            return Err(Refusal::WrongKind { obligation: self.state.id, kind: self.state.kind });
        }
        if self.state.status != Status::Owed {
            return Err(Refusal::ObligationOver { obligation: self.state.id });
        }
        Ok(())
    }

    fn idle(&self) -> Result<(), Refusal> {
        if self.state.running.is_some() { Err(Refusal::ObligationBusy { obligation: self.state.id }) } else { Ok(()) }
    }

    /// The exception, for what only an exception can owe.
    fn exception(&self) -> Result<&'a Emergency, Refusal> {
        self.emergency.ok_or(Refusal::WrongKind { obligation: self.state.id, kind: self.state.kind })
    }

    fn closed(&self) -> Result<(), Refusal> {
        let emergency = self.exception()?;
        if emergency.status == emergency::Status::Closed { Ok(()) } else { Err(Refusal::EmergencyNotClosed { emergency: emergency.id }) }
    }

    fn decision(&self, events: Vec<Event>) -> Decision {
        Decision { events, case: self.state.incident, ..Decision::default() }
    }

    fn begin(&self, mut events: Vec<Event>, effect: Effect) -> Decision {
        events.push(Event::ObligationStarted { obligation: self.state.id, effect: effect.key.clone() });
        let mut decision = self.decision(events);
        decision.effects.push(effect);
        decision
    }

    fn done(&self, by: Option<PersonId>, evidence: String) -> [Event; 2] {
        let notice = Notice::ObligationDone { obligation: self.state.id, kind: self.state.kind };
        [Event::ObligationDone { obligation: self.state.id, by, evidence }, self.post(notice, Vec::new())]
    }

    fn post(&self, notice: Notice, people: Vec<PersonId>) -> Event {
        self.call(notice, Vec::new(), people)
    }

    fn call(&self, notice: Notice, roles: Vec<RoleName>, people: Vec<PersonId>) -> Event {
        let channel = self.policy.channels.emergency.clone();
        let (incident, emergency) = (self.state.incident, self.state.emergency);
        Event::Posted { post: Post { channel, body: Body::Notice { notice }, roles, people, incident, emergency } }
    }
}

pub fn decide(permit: Permit, facts: &Facts, command: &Command, now: Timestamp) -> Result<Decision, Refusal> {
    let id = needs(command, &Facts::default()).obligations.first().copied().ok_or(Refusal::Stale)?;
    let owed = Owed::of(facts, id, now).ok_or_else(|| Refusal::NotFound { what: "obligation".to_owned(), given: id.to_string() })?;
    match command {
        Command::Propose { .. } => {
            owed.open(Kind::ChangeRequest)?;
            owed.idle()?;
            owed.closed()?;
            let effect = change_request(facts, owed.exception()?, owed.state, now).ok_or(Refusal::ForgeMissing)?;
            Ok(owed.begin(Vec::new(), effect))
        }
        Command::Compare { .. } => {
            owed.open(Kind::ChangeRequest)?;
            owed.idle()?;
            let effect = orders::compare(facts, owed.exception()?, owed.state).ok_or(Refusal::RequestNotOpen { obligation: id })?;
            Ok(owed.begin(Vec::new(), effect))
        }
        Command::AcceptDrift { reason, .. } => accept_drift(&permit, &owed, reason),
        Command::Report { judgement, .. } => give_report(&permit, &owed, judgement),
        Command::Schedule { starts_at, lasts_min, invited, .. } => schedule(&owed, *starts_at, *lasts_min, invited),
        Command::Hold { held_at, attended, lessons, avoidable, items, .. } => {
            let avoidable = avoidable.clone().filter(|reason| !reason.trim().is_empty());
            hold(&permit, &owed, Held { at: *held_at, attended: attended.clone(), lessons: lessons.clone(), avoidable }, items)
        }
        Command::Finish { evidence, .. } => finish(&permit, &owed, evidence),
        Command::Present { held_at, size, at, digest, note, .. } => duty::present(
            &permit,
            &owed,
            Presented { held_at: *held_at, by: permit.person()?.clone(), size: *size, at: *at, digest: *digest, note: note.clone() },
        ),
    }
}

fn finish(permit: &Permit, owed: &Owed<'_>, evidence: &str) -> Result<Decision, Refusal> {
    let by = permit.person()?;
    match owed.state.kind {
        // Without a repository that the program can reach, a person brings the change back and says where.
        Kind::ChangeRequest if owed.policy.forge.is_none() => {
            owed.open(Kind::ChangeRequest)?;
            owed.closed()?;
        }
        Kind::Corrective => {
            owed.open(Kind::Corrective)?;
            let exception = owed.exception()?;
            // Whoever asked or acted does not say that it is corrected.
            if [&exception.requester, &exception.plan.executor].contains(&by) {
                return Err(Refusal::CorrectionSelfFinished { person: by.clone() });
            }
        }
        Kind::Review => {
            owed.open(Kind::Review)?;
            let exception = owed.exception()?;
            if [&exception.requester, &exception.plan.executor].contains(&by) {
                return Err(Refusal::SelfReview { person: by.clone() });
            }
        }
        Kind::ContactTest => {
            owed.open(Kind::ContactTest)?;
            let contact = |person: &PersonId, means| owed.facts.account(person)?.contacts.get(&means);
            let missing = contact::unproven(owed.policy, &contact::called(owed.policy), contact, owed.state.raised_at);
            if !missing.is_empty() {
                return Err(Refusal::ContactsUnproven { missing });
            }
        }
        Kind::ChangeRequest
        | Kind::Report
        | Kind::Retrospective
        | Kind::Prevention
        | Kind::MonthlyReport
        | Kind::QuarterlyReport
        | Kind::Postmortem => {
            owed.open(Kind::Prevention)?;
        }
    }
    input::required("evidence", evidence, TEXT_CHARS_MAX)?;
    Ok(owed.decision(owed.done(Some(by.clone()), evidence.to_owned()).to_vec()))
}

/// Accepting a difference between production and repository is not for the one who made the change.
fn accept_drift(permit: &Permit, owed: &Owed<'_>, reason: &str) -> Result<Decision, Refusal> {
    owed.open(Kind::ChangeRequest)?;
    owed.idle()?;
    let by = permit.person()?.clone();
    let compared = owed.state.request.as_ref().and_then(|request| request.compared.as_ref());
    if !compared.is_some_and(|compared| compared.merged || !compared.drift.is_empty()) {
        return Err(Refusal::NoDrift { obligation: owed.state.id });
    }
    if by == owed.exception()?.plan.executor {
        return Err(Refusal::DriftSelfAccepted { person: by });
    }
    input::required("reason", reason, TEXT_CHARS_MAX)?;
    Ok(owed.decision(owed.done(Some(by), reason.to_owned()).to_vec()))
}

fn give_report(permit: &Permit, owed: &Owed<'_>, judgement: &Judgement) -> Result<Decision, Refusal> {
    owed.open(Kind::Report)?;
    owed.idle()?;
    owed.closed()?;
    for (field, text) in
        [("problem", &judgement.problem), ("impact", &judgement.impact), ("cause", &judgement.cause), ("response", &judgement.response)]
    {
        input::required(field, text, TEXT_CHARS_MAX)?;
    }
    if judgement.prevention.is_empty() {
        return Err(Refusal::PreventionMissing);
    }
    input::at_most("prevention", judgement.prevention.len(), ITEMS_MAX)?;
    for item in &judgement.prevention {
        input::required("prevention", item, TEXT_CHARS_MAX)?;
    }
    let given = Report { judgement: judgement.clone(), by: permit.person()?.clone(), at: owed.now, file: None, digest: None };
    let effect = report(owed.facts, owed.exception()?, owed.state, Some(judgement)).ok_or(Refusal::Stale)?;
    Ok(owed.begin(vec![Event::ReportGiven { obligation: owed.state.id, report: given }], effect))
}

fn schedule(owed: &Owed<'_>, starts_at: Timestamp, lasts_min: u32, invited: &[PersonId]) -> Result<Decision, Refusal> {
    owed.open(Kind::Retrospective)?;
    owed.idle()?;
    owed.closed()?;
    if starts_at < owed.now {
        return Err(Refusal::TimeInPast { field: "starts_at".to_owned() });
    }
    // An overdue retrospective is still better held than not: then only the past is refused.
    if starts_at > owed.state.due_at && owed.now <= owed.state.due_at {
        return Err(Refusal::MeetingAfterDue { due_at: owed.state.due_at });
    }
    if lasts_min == 0 || lasts_min > MEETING_LASTS_MIN_MAX {
        return Err(Refusal::TooMany { field: "lasts_min".to_owned(), max: MEETING_LASTS_MIN_MAX, given: lasts_min });
    }
    known_people(owed.policy, "invited", invited)?;
    let sequence = owed.state.meeting.as_ref().map_or(0, |meeting| meeting.sequence + 1);
    let meeting = Meeting { starts_at, lasts_min, invited: invited.to_vec(), file: None, sequence, held: None };
    let effect = invitation(owed.facts, owed.exception()?, owed.state, &meeting).ok_or(Refusal::Stale)?;
    Ok(owed.begin(vec![Event::MeetingScheduled { obligation: owed.state.id, meeting }], effect))
}

fn hold(permit: &Permit, owed: &Owed<'_>, held: Held, items: &[PreventionItem]) -> Result<Decision, Refusal> {
    owed.open(Kind::Retrospective)?;
    owed.closed()?;
    let exception = owed.exception()?;
    if held.at > owed.now {
        return Err(Refusal::TimeInFuture { field: "held_at".to_owned() });
    }
    if exception.closed_at.is_some_and(|closed_at| held.at < closed_at) {
        return Err(Refusal::TimeInPast { field: "held_at".to_owned() });
    }
    known_people(owed.policy, "attended", &held.attended)?;
    input::required("lessons", &held.lessons, TEXT_CHARS_MAX)?;
    if let Some(reason) = &held.avoidable {
        input::required("avoidable", reason, TEXT_CHARS_MAX)?;
    }
    if items.is_empty() {
        return Err(Refusal::PreventionMissing);
    }
    let lessons = held.lessons.clone();
    let mut events = vec![Event::MeetingHeld { obligation: owed.state.id, held }];
    let raised = self::items(owed.facts, Some(exception.id), exception.incident, items, owed.now)?;
    events.extend(raised.into_iter().map(|obligation| Event::ObligationRaised { obligation }));
    events.extend(owed.done(Some(permit.person()?.clone()), lessons));
    Ok(owed.decision(events))
}

/// Prevention items that somebody decided, each with its owner and due time: they are owed from now on.
pub(crate) fn items(
    facts: &Facts,
    emergency: Option<EmergencyId>,
    incident: IncidentId,
    items: &[PreventionItem],
    now: Timestamp,
) -> Result<Vec<Obligation>, Refusal> {
    let policy = facts.policy().ok_or(Refusal::Stale)?;
    input::at_most("items", items.len(), ITEMS_MAX)?;
    let mut raised = Vec::with_capacity(items.len());
    for (number, item) in (facts.workspace.counters.obligation + 1..).zip(items) {
        input::required("text", &item.text, TITLE_CHARS_MAX * 5)?;
        known_people(policy, "owner", std::slice::from_ref(&item.owner))?;
        if item.due_at <= now {
            return Err(Refusal::TimeInPast { field: "due_at".to_owned() });
        }
        let mut owed = Obligation::new(ObligationId(number), Kind::Prevention, None, item.owner.clone(), now, item.due_at);
        owed.emergency = emergency;
        owed.incident = Some(incident);
        owed.text.clone_from(&item.text);
        raised.push(owed);
    }
    Ok(raised)
}

fn known_people(policy: &Policy, field: &str, people: &[PersonId]) -> Result<(), Refusal> {
    if people.is_empty() {
        return Err(Refusal::TextMissing { field: field.to_owned() });
    }
    input::at_most(field, people.len(), PEOPLE_MAX)?;
    for person in people {
        input::declared("person", person.as_str(), policy.people.keys().map(PersonId::as_str))?;
    }
    Ok(())
}

/// The forge is asked whether the request was merged: the wait is over, or the forge said so itself.
pub fn compare_due(facts: &Facts, id: ObligationId, now: Timestamp) -> Result<Decision, Refusal> {
    let owed = Owed::of(facts, id, now).ok_or(Refusal::Stale)?;
    if owed.state.status != Status::Owed || owed.state.running.is_some() {
        return Err(Refusal::Stale);
    }
    let effect = orders::compare(facts, owed.exception()?, owed.state).ok_or(Refusal::Stale)?;
    Ok(owed.begin(Vec::new(), effect))
}

/// A reminder that is due; those that it overtook count as given.
pub fn remind(facts: &Facts, id: ObligationId, now: Timestamp) -> Result<Decision, Refusal> {
    let owed = Owed::of(facts, id, now).ok_or(Refusal::Stale)?;
    if owed.state.status != Status::Owed || owed.state.is_overdue(now) {
        return Err(Refusal::Stale);
    }
    let passed = |minutes: &u32| owed.state.due_at.checked_sub(SignedDuration::from_mins(i64::from(*minutes))).is_ok_and(|at| at <= now);
    let unsaid = |minutes: &u32| owed.state.reminded.iter().all(|given| minutes < given);
    let rows = owed.policy.obligations.remind_before_min.iter().copied();
    let before_min = rows.filter(passed).filter(unsaid).min().ok_or(Refusal::Stale)?;
    let notice = Notice::ObligationReminder { obligation: id, kind: owed.state.kind, due_at: owed.state.due_at };
    let post = owed.post(notice, vec![owed.state.owner.clone()]);
    Ok(owed.decision(vec![Event::ObligationReminded { obligation: id, before_min }, post]))
}

pub fn overdue(facts: &Facts, id: ObligationId, now: Timestamp) -> Result<Decision, Refusal> {
    let owed = Owed::of(facts, id, now).ok_or(Refusal::Stale)?;
    let due = Wake::Overdue { obligation: id };
    let fires = crate::timer::of_obligation(owed.state, owed.policy).iter().any(|timer| timer.wake == due && timer.due_at <= now);
    if !fires {
        return Err(Refusal::Stale);
    }
    let notice = Notice::ObligationOverdue { obligation: id, kind: owed.state.kind };
    let post = owed.post(notice, vec![owed.state.owner.clone()]);
    Ok(owed.decision(vec![Event::ObligationOverdue { obligation: id }, post]))
}
