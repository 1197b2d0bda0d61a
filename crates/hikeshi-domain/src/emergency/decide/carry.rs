//! Carrying out: start with the backup, then the approved steps one by one, then the checks (rules E4, E6, E7, E9).

use jiff::{SignedDuration, Timestamp};

use super::Case;
use super::agree::missing;
use super::confirm::{attempt, confirmed};
use super::request::requirement;
use crate::channel::Notice;
use crate::decide::Decision;
use crate::effect::{Effect, EffectKey, Work};
use crate::emergency::{Aspect, Attested, Status, Step, StepEnd, StepState, Verdict, Verified};
use crate::event::Event;
use crate::ids::{ObligationId, PersonId};
use crate::input::{self, TEXT_CHARS_MAX};
use crate::obligation::{self, Obligation};
use crate::permit::Permit;
use crate::refusal::Refusal;
use crate::session::CommandRef;
use crate::session::decide::look;

/// The gates of the start, then the backup. Nothing can run before it has been read back.
pub(super) fn start(permit: &Permit, case: &Case<'_>) -> Result<Decision, Refusal> {
    let by = case.executor(permit)?;
    case.status(&[Status::Approved])?;
    case.agreed()?;
    if let Some(expired) = case.state.approvals.iter().map(|approval| approval.expires_at).min().filter(|at| *at <= case.now) {
        return Err(Refusal::ApprovalExpired { at: expired });
    }
    let requirement = requirement(case.facts, case.state.id, case.now);
    let missing = missing(&requirement, &case.policy.emergency.approver_roles, &case.state.approvals);
    if !missing.is_empty() {
        return Err(Refusal::ApprovalMissing { missing, every_role: requirement.every_role, because: requirement.because });
    }
    case.watched()?;
    let key = EffectKey::of_emergency(case.state.id, "backup", 0, case.state.tries + 1);
    let host = case.host()?;
    let name = backup_name(&host.target.root, &case.policy.workspace.time_zone, case.now);
    let work = Work::TakeBackup { emergency: case.state.id, host, scope: case.state.plan.scope.clone(), name };
    let started = Event::EmergencyStarted { emergency: case.state.id, by: by.clone(), effect: key.clone() };
    let mut decision = case.decision(vec![started, case.post(Notice::SessionStarted { executor: by }, &[])]);
    decision.effects.push(Effect { key, work });
    Ok(decision)
}

/// `<dir>_YYYYMMDD_HHMMSS` in the workspace's time zone (rule E7).
fn backup_name(root: &str, time_zone: &str, now: Timestamp) -> String {
    let dir = root.trim_end_matches('/').rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("root");
    let zone = jiff::tz::TimeZone::get(time_zone).unwrap_or(jiff::tz::TimeZone::UTC);
    format!("{dir}_{}", now.to_zoned(zone).strftime("%Y%m%d_%H%M%S"))
}

pub(super) fn step(permit: &Permit, case: &Case<'_>, number: u32, confirm: &str) -> Result<Decision, Refusal> {
    let by = case.executor(permit)?;
    case.status(&[Status::Executing])?;
    if case.is_restored() {
        return Err(Refusal::AlreadyRestored);
    }
    if case.state.backup.is_none() {
        return Err(Refusal::BackupMissing);
    }
    let step = planned(case, number)?;
    in_order(case, number)?;
    case.agreed()?;
    case.nobody_types()?;
    if step.dangerous && confirm != step.title {
        return Err(Refusal::ConfirmationDiffers { expected: step.title.clone() });
    }
    let quorum = case.watched()?;
    let confirmed_by = step.dangerous.then(|| confirmed(case, number, &step.title, &quorum.present)).transpose()?;
    let attempt = attempt(case, number);
    let key = EffectKey::of_emergency(case.state.id, "step", number, attempt);
    let mut events = vec![Event::StepStarted {
        emergency: case.state.id,
        step: number,
        attempt,
        effect: key.clone(),
        by,
        digest: case.state.digest,
        witnesses: quorum.present,
        confirmed_by,
    }];
    if case.state.obligations.is_empty() {
        events.extend(owe(case));
    }
    let mut decision = case.decision(events);
    let work = Work::RunStep {
        emergency: case.state.id,
        host: case.host()?,
        scope: case.state.plan.scope.clone(),
        step: number,
        title: step.title.clone(),
        run: step.run.clone(),
        timeout_s: step.timeout_s,
    };
    decision.effects.push(Effect { key, work });
    Ok(decision)
}

pub(super) fn at<T>(list: &[T], number: u32) -> Option<&T> {
    number.checked_sub(1).and_then(|index| usize::try_from(index).ok()).and_then(|index| list.get(index))
}

pub(super) fn planned<'a>(case: &'a Case<'_>, number: u32) -> Result<&'a Step, Refusal> {
    let steps = u32::try_from(case.state.plan.steps.len()).unwrap_or(u32::MAX);
    at(&case.state.plan.steps, number).ok_or(Refusal::NoSuchStep { step: number, steps })
}

/// Steps run in the approved order. A failed one may be tried again, and nothing runs past it.
pub(super) fn in_order(case: &Case<'_>, number: u32) -> Result<(), Refusal> {
    case.settled()?;
    for (earlier, state) in (1_u32..).zip(&case.state.steps) {
        let done = matches!(state, StepState::Ended(end) if end.succeeded());
        if earlier == number {
            return if done { Err(Refusal::StepAlreadyDone { step: number }) } else { Ok(()) };
        }
        if !done {
            return match state {
                StepState::Ended(_) => Err(Refusal::EarlierStepFailed { step: earlier }),
                StepState::Waiting | StepState::Running { .. } | StepState::InDoubt { .. } => {
                    Err(Refusal::StepOutOfOrder { step: number, next: earlier })
                }
            };
        }
    }
    Ok(())
}

/// From the first step on, the follow-up is owed (rules E10 to E12): leaving the exception open does not put it off.
pub(crate) fn owe(case: &Case<'_>) -> Vec<Event> {
    let rules = &case.policy.obligations;
    let state = case.state;
    let rows = [
        (obligation::Kind::ChangeRequest, rules.change_request_within_h, &state.plan.executor),
        (obligation::Kind::Report, rules.report_within_h, &state.requester),
        (obligation::Kind::Retrospective, rules.retrospective_within_h, &state.requester),
    ];
    let mut next = case.facts.workspace.counters.obligation;
    let raised: Vec<Obligation> = rows
        .into_iter()
        .map(|(kind, within_h, owner)| {
            next += 1;
            let due_at = case.now.checked_add(SignedDuration::from_hours(i64::from(within_h))).unwrap_or(Timestamp::MAX);
            new_obligation(ObligationId(next), kind, case, owner, due_at)
        })
        .collect();
    let notice = Notice::ObligationsRaised { obligations: raised.iter().map(|obligation| obligation.id).collect() };
    raised.into_iter().map(|obligation| Event::ObligationRaised { obligation }).chain([case.post(notice, &[])]).collect()
}

fn new_obligation(id: ObligationId, kind: obligation::Kind, case: &Case<'_>, owner: &PersonId, due_at: Timestamp) -> Obligation {
    Obligation::new(id, kind, Some((case.state.id, case.state.incident)), owner.clone(), case.now, due_at)
}

/// A person says what became of a step that nobody could tell (design: never guess in an emergency).
pub(super) fn settle(permit: &Permit, case: &Case<'_>, number: u32, verdict: Verdict, reason: &str) -> Result<Decision, Refusal> {
    let who = [vec![case.state.plan.executor.clone()], case.approvers()].concat();
    let by = case.involved(permit, who)?;
    planned(case, number)?;
    let Some(StepState::InDoubt { since, .. }) = at(&case.state.steps, number) else { return Err(Refusal::NotInDoubt { step: number }) };
    input::required("reason", reason, TEXT_CHARS_MAX)?;
    case.watched()?;
    let (emergency, reason) = (case.state.id, reason.to_owned());
    let ran = matches!(verdict, Verdict::Ran { .. });
    let mut events = vec![match verdict {
        Verdict::DidNotRun => Event::StepSettledNotRun { emergency, step: number, by, reason },
        Verdict::Ran { exit_code } => {
            let end = StepEnd {
                exit_code: Some(exit_code),
                killed: None,
                started_at: *since,
                ended_at: case.now,
                output: None,
                output_bytes: 0,
                output_bytes_cut: 0,
                settled_by: Some(by.clone()),
            };
            Event::StepSettledRan { emergency, step: number, by, reason, end }
        }
    }];
    let mut decision = case.decision(Vec::new());
    // What it changed, nobody has seen. After "did not run" the next step or the verification looks.
    if ran {
        look(case, CommandRef::NONE, false, &mut events, &mut decision)?;
    }
    decision.events = events;
    Ok(decision)
}

/// The checks of the plan; and where nobody has seen what changed, a look at the files.
pub(super) fn verify(permit: &Permit, case: &Case<'_>) -> Result<Decision, Refusal> {
    let present = case.state.witnesses.iter().filter(|(_, witness)| witness.present).map(|(person, _)| person.clone());
    let who = [case.state.plan.executor.clone(), case.state.requester.clone()].into_iter().chain(present).collect();
    case.involved(permit, who)?;
    case.status(&[Status::Executing])?;
    case.nobody_types()?;
    case.settled()?;
    let (mut events, mut decision) = (Vec::new(), case.decision(Vec::new()));
    if case.state.must_be_looked_at() {
        look(case, CommandRef::NONE, false, &mut events, &mut decision)?;
    }
    let plan = &case.state.plan;
    let declared = !plan.verification.solved.is_empty() || !plan.verification.unaffected.is_empty();
    if case.has_run() && declared {
        let key = EffectKey::of_emergency(case.state.id, "checks", 0, case.state.tries + 1);
        events.push(Event::VerificationStarted { emergency: case.state.id, effect: key.clone() });
        let work = Work::RunChecks { emergency: case.state.id, host: case.host()?, plan: Box::new(plan.clone()) };
        decision.effects.push(Effect { key, work });
    }
    if !events.is_empty() {
        decision.events = events;
        Ok(decision)
    } else if case.has_run() {
        Err(Refusal::PlanEmpty { part: "verification".to_owned() })
    } else {
        Err(Refusal::NothingRun)
    }
}

/// A verification by eye, where the plan declares no check. Not by the one whose work it is.
pub(super) fn attest(permit: &Permit, case: &Case<'_>, aspect: Aspect, passed: bool, note: &str) -> Result<Decision, Refusal> {
    let by = permit.person()?.clone();
    let verification = &case.state.plan.verification;
    let (checks, name) = match aspect {
        Aspect::Solved => (&verification.solved, "solved"),
        Aspect::Unaffected => (&verification.unaffected, "unaffected"),
    };
    if !checks.is_empty() {
        return Err(Refusal::ChecksDeclared { aspect: name.to_owned() });
    }
    let entitled = by != case.state.plan.executor && (case.is_present(&by) || by == case.state.requester || case.approvers().contains(&by));
    if !entitled {
        return Err(Refusal::NotAttestable { person: by });
    }
    case.status(&[Status::Executing])?;
    case.settled()?;
    if !case.has_run() {
        return Err(Refusal::NothingRun);
    }
    input::required("note", note, TEXT_CHARS_MAX)?;
    let verified = Verified { passed, at: case.now, checks: Vec::new(), attested: Some(Attested { by, note: note.to_owned() }) };
    let mut events = vec![Event::VerificationRecorded { emergency: case.state.id, aspect, verified }];
    if !passed {
        events.push(case.post(Notice::VerificationFailed, &[]));
    }
    Ok(case.decision(events))
}
