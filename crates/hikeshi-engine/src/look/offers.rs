//! What may I do here? Candidate commands are tried against the very rules that will decide them, with placeholders where a person would write.
//!
//! Pure: facts are loaded as for a decision, nothing is written. One table per view; a new command is one new line.

use hikeshi_domain::Timestamp;
use hikeshi_domain::alert;
use hikeshi_domain::channel;
use hikeshi_domain::command::{Command, Envelope, PolicyCommand};
use hikeshi_domain::emergency::{self, Aspect, Condition, Conditions, Emergency, Judgement, Plan, Step, StepState, Verdict, Verification};
use hikeshi_domain::ids::{Digest, PersonId, RequestKey, TargetName};
use hikeshi_domain::incident::{self, Incident, Stage};
use hikeshi_domain::obligation::{self, Kind, Obligation, PreventionItem};
use hikeshi_domain::people::Via;
use hikeshi_domain::policy::Policy;
use hikeshi_domain::postmortem;
use hikeshi_domain::session;
use hikeshi_domain::status::{Health, PublicState, PublicText};
use jiff::SignedDuration;

use super::{LookError, Offer, Sight};
use crate::door::{Answer, fill_all, rehearsed};

/// Stands for what a person would write: long enough for every rule that wants words.
const WORDS: &str = "(to be written)";

pub(super) fn of_policy(sight: &mut Sight<'_, '_>, digest: Digest) -> Result<Vec<Offer>, LookError> {
    let candidates =
        vec![Command::Policy(PolicyCommand::Approve { digest }), Command::Policy(PolicyCommand::Reject { digest, reason: words() })];
    try_all(sight, candidates)
}

pub(super) fn of_alerts(sight: &mut Sight<'_, '_>) -> Result<Vec<Offer>, LookError> {
    use alert::Command as Do;
    let service = sight.policy.services.keys().next().cloned();
    let covers = alert::silence::Covers { service, ..alert::silence::Covers::default() };
    let mut candidates = vec![Command::Alert(Do::Silence { covers, from: None, minutes: 1, reason: words(), public: None })];
    let known = sight.head.workspace.silences.values().find(|silence| silence.looked_at.is_none() && silence.lifted_by.is_none());
    candidates.extend(known.map(|silence| Command::Alert(Do::Unsilence { silence: silence.id })));
    try_all(sight, candidates)
}

pub(super) fn of_incident(sight: &mut Sight<'_, '_>, incident: &Incident) -> Result<Vec<Offer>, LookError> {
    use incident::Command as Do;
    let id = incident.id;
    let of_page =
        sight.policy.status.iter().flat_map(|page| page.components.keys().cloned().map(|name| (name, Health::Operational))).collect();
    let public = || PublicText { ja: Some(words()), en: None };
    let of_incident = [
        Do::Acknowledge { incident: id },
        Do::Triage { incident: id, triage: incident.triage.clone() },
        Do::Move { incident: id, stage: next_stage(incident.stage), reason: words() },
        Do::Update { incident: id, text: words() },
        Do::Publish { incident: id, state: PublicState::Resolved, text: public(), components: of_page },
        Do::Note { incident: id, text: words() },
        Do::Resolve { incident: id, what: words() },
    ];

    let mut candidates: Vec<Command> = of_incident.into_iter().map(Command::Incident).collect();
    candidates.extend(postmortem(incident, sight).map(Command::Postmortem));
    candidates.extend(request(incident, &sight.policy, sight.actor.as_person()).map(Command::Emergency));
    let channel = sight.policy.channels.incidents.clone();
    candidates.push(Command::Channel(channel::Command::Post { channel, text: words(), incident: Some(id) }));
    try_all(sight, candidates)
}

/// Once the incident is over: to be written, or written anew.
fn postmortem(incident: &Incident, sight: &Sight<'_, '_>) -> Option<postmortem::Command> {
    let (id, now) = (incident.id, sight.now);
    let owner = sight.actor.as_person().cloned().filter(|_| incident.resolved.is_some())?;
    let content = postmortem::Content { impact: words(), whys: vec![words()], cause: words(), response: words(), lessons: words() };
    let items = vec![PreventionItem { text: words(), owner, due_at: later(now, SignedDuration::from_hours(24 * 7)) }];
    let written = incident.postmortem.as_ref().is_some_and(|known| known.written.is_some());
    Some(if written {
        postmortem::Command::Amend { incident: id, content, items, reason: words() }
    } else {
        postmortem::Command::Write { incident: id, content, items }
    })
}

pub(super) fn of_emergency(sight: &mut Sight<'_, '_>, emergency: &Emergency) -> Result<Vec<Offer>, LookError> {
    use emergency::Command as Do;
    let id = emergency.id;
    let step = next_step(emergency);
    let confirm = emergency
        .plan
        .steps
        .get(usize::try_from(step.saturating_sub(1)).unwrap_or(usize::MAX))
        .map(|step| step.title.clone())
        .unwrap_or_default();
    let revised = Plan { summary: format!("{} {WORDS}", emergency.plan.summary), ..emergency.plan.clone() };
    let candidates = [
        Do::Revise { emergency: id, plan: revised },
        Do::Approve { emergency: id, digest: emergency.digest, judgement: words() },
        Do::Decline { emergency: id, reason: words() },
        Do::Cancel { emergency: id, reason: words() },
        Do::Join { emergency: id },
        Do::Leave { emergency: id },
        Do::Hold { emergency: id, reason: words() },
        Do::Resume { emergency: id },
        Do::Start { emergency: id },
        Do::Confirm { emergency: id, step, digest: emergency.digest, confirm: confirm.clone() },
        Do::Step { emergency: id, step, confirm },
        Do::Settle { emergency: id, step: doubtful_step(emergency).unwrap_or(step), verdict: Verdict::DidNotRun, reason: words() },
        Do::Verify { emergency: id },
        Do::Attest { emergency: id, aspect: open_aspect(emergency), passed: true, note: words() },
        Do::Accept { emergency: id, path: open_path(emergency), reason: words() },
        Do::Revert { emergency: id, paths: vec![open_path(emergency)], reason: words(), confirm: id.to_string() },
        Do::Restore { emergency: id, reason: words(), confirm: id.to_string() },
        Do::Close { emergency: id },
    ];
    let mut candidates: Vec<Command> = candidates.into_iter().map(Command::Emergency).collect();
    if let Some(open) = emergency.sessions.iter().find(|session| session.is_open()) {
        let session = open.number;
        candidates.push(Command::Session(session::Command::Note { emergency: id, session, text: words() }));
        candidates.push(Command::Session(session::Command::Stop { emergency: id, session, reason: words() }));
        if let Some(asked) = &open.asked {
            let (digest, confirm) = (asked.digest, asked.words.clone());
            candidates.push(Command::Session(session::Command::Confirm { emergency: id, session, digest, confirm }));
            candidates.push(Command::Session(session::Command::Deny { emergency: id, session, digest, reason: words() }));
        }
    }
    candidates.extend(redactions(emergency).into_iter().map(Command::Session));
    try_all(sight, candidates)
}

/// What may be proposed about the last recording, and answered about the first proposal that waits.
fn redactions(emergency: &Emergency) -> Vec<session::Command> {
    use session::Command as Do;
    let (id, mut found) = (emergency.id, Vec::new());
    let over = || emergency.sessions.iter().filter(|session| !session.is_open());
    if let Some(last) = over().next_back() {
        found.push(Do::Redact { emergency: id, session: last.number, from: 0, to: 1, reason: words() });
    }
    let waits = over().find_map(|session| Some((session.number, session.redactions.iter().find(|redaction| redaction.is_proposed())?)));
    if let Some((session, redaction)) = waits {
        let number = redaction.number;
        found.push(Do::AgreeRedaction { emergency: id, session, redaction: number, confirm: redaction.to_type() });
        found.push(Do::DeclineRedaction { emergency: id, session, redaction: number, reason: words() });
    }
    found
}

pub(super) fn of_obligation(sight: &mut Sight<'_, '_>, owed: &Obligation) -> Result<Vec<Offer>, LookError> {
    use obligation::Command as Do;
    let id = owed.id;
    let now = sight.now;
    let viewer = sight.actor.as_person().cloned().unwrap_or_else(|| owed.owner.clone());
    let candidates = match owed.kind {
        Kind::ChangeRequest => {
            vec![Do::Propose { obligation: id }, Do::Compare { obligation: id }, Do::AcceptDrift { obligation: id, reason: words() }]
        }
        Kind::Report => vec![Do::Report { obligation: id, judgement: judgement() }],
        Kind::Retrospective => {
            let starts_at = later(now, SignedDuration::from_mins(1));
            let item = PreventionItem { text: words(), owner: viewer.clone(), due_at: later(now, SignedDuration::from_hours(24 * 7)) };
            vec![
                Do::Schedule { obligation: id, starts_at, lasts_min: 60, invited: vec![viewer.clone()] },
                Do::Hold { obligation: id, held_at: now, attended: vec![viewer], lessons: words(), avoidable: None, items: vec![item] },
            ]
        }
        Kind::Prevention | Kind::Corrective | Kind::Review | Kind::ContactTest => vec![Do::Finish { obligation: id, evidence: words() }],
        // Written where the incident is.
        Kind::Postmortem => Vec::new(),
        Kind::MonthlyReport | Kind::QuarterlyReport => {
            let digest = Digest::of(b"");
            vec![Do::Present { obligation: id, held_at: now, size: sight.head.size, at: now, digest, note: words() }]
        }
    };
    try_all(sight, candidates.into_iter().map(Command::Obligation).collect())
}

fn try_all(sight: &mut Sight<'_, '_>, candidates: Vec<Command>) -> Result<Vec<Offer>, LookError> {
    let mut facts = sight.facts();
    let key = RequestKey::of(&["offered"]);
    let envelope = |command| Envelope { key: key.clone(), actor: sight.actor.clone(), via: Via::Inside, command };
    let envelopes: Vec<Envelope> = candidates.into_iter().map(envelope).collect();
    fill_all(sight.reader, envelopes.iter(), sight.now, &mut facts)?;
    let mut offers = Vec::with_capacity(envelopes.len());
    for envelope in envelopes {
        let kind = envelope.command.kind().to_owned();
        // A fault in one decision is logged there; the others are still offered.
        match rehearsed(&facts, &envelope, sight.now) {
            Ok(Answer::Refused { refusal, .. }) => offers.push(Offer { kind, allowed: false, refusal: Some(refusal) }),
            Ok(Answer::Done(_) | Answer::Already(_)) => offers.push(Offer { kind, allowed: true, refusal: None }),
            Err(_) => {}
        }
    }
    Ok(offers)
}

fn words() -> String {
    WORDS.to_owned()
}

fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.saturating_add(by).unwrap_or(Timestamp::MAX)
}

/// Any other stage; going back would want its reason, which is there.
fn next_stage(stage: Stage) -> Stage {
    let mut following = Stage::ALL.into_iter().skip_while(|other| *other != stage).skip(1);
    following.next().unwrap_or(Stage::Postmortem)
}

/// The first step that has not ended well; one past the last when all have. Counted from 1.
fn next_step(emergency: &Emergency) -> u32 {
    let well = |step: &StepState| match step {
        StepState::Ended(end) => end.succeeded(),
        StepState::Waiting | StepState::Running { .. } | StepState::InDoubt { .. } => false,
    };
    count(emergency.steps.iter().take_while(|step| well(step)).count()).saturating_add(1)
}

fn doubtful_step(emergency: &Emergency) -> Option<u32> {
    let at = emergency.steps.iter().position(|step| matches!(step, StepState::InDoubt { .. }))?;
    Some(count(at).saturating_add(1))
}

fn count(steps: usize) -> u32 {
    u32::try_from(steps).unwrap_or(u32::MAX)
}

/// The verification that is still open and that a person, not a check, has to give.
fn open_aspect(emergency: &Emergency) -> Aspect {
    let solved_by_eye = emergency.plan.verification.solved.is_empty();
    let solved_is_open = !emergency.solved.as_ref().is_some_and(|verified| verified.passed);
    let unaffected_by_check = !emergency.plan.verification.unaffected.is_empty();
    if solved_by_eye && (solved_is_open || unaffected_by_check) { Aspect::Solved } else { Aspect::Unaffected }
}

/// The change that waits for somebody to accept or revert it; else any change.
fn open_path(emergency: &Emergency) -> String {
    let open = emergency.changes.iter().find(|change| !change.in_scope && change.accepted_by.is_none());
    open.or(emergency.changes.first()).map(|change| change.path.clone()).unwrap_or_default()
}

fn judgement() -> obligation::Judgement {
    obligation::Judgement { problem: words(), impact: words(), cause: words(), response: words(), prevention: vec![words()] }
}

/// A request as this viewer might make it: the first target of the service, one harmless step, a possible executor and judge.
fn request(incident: &Incident, policy: &Policy, viewer: Option<&PersonId>) -> Option<emergency::Command> {
    let target = policy.targets.iter().find(|(_, target)| target.service == incident.service && target.environment == incident.environment);
    let target = target.or(policy.targets.iter().next()).map(|(name, _)| name.clone()).or_else(|| TargetName::new("none").ok());
    let judge = policy.people_with(&policy.emergency.approver_roles).into_iter().find(|person| Some(person) != viewer);
    let executors = || policy.people.keys().find(|person| Some(*person) != judge.as_ref());
    let executor = viewer.or_else(executors).cloned();
    let condition = || Condition { statement: words(), evidence: words() };
    let conditions = Conditions {
        serious_failure: condition(),
        normal_flow_cannot: condition(),
        cannot_wait: condition(),
        judged_by: Judgement { person: judge, evidence: words() },
    };
    let (target, executor) = (target?, executor?);
    let step = Step { title: words(), run: "true".to_owned(), timeout_s: 60, dangerous: false };
    let plan = Plan {
        target,
        executor,
        summary: words(),
        steps: vec![step],
        terminal: None,
        scope: vec![".".to_owned()],
        verification: Verification::default(),
        witnesses: Vec::new(),
    };
    Some(emergency::Command::Request { incident: incident.id, conditions, plan })
}
