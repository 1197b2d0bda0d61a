//! Closing: only when verified or undone, with nothing unaccepted; then the follow-up begins (rules E8 to E12).

use jiff::{SignedDuration, Timestamp};

use super::Case;
use crate::apply::apply;
use crate::channel::Notice;
use crate::decide::Decision;
use crate::effect::{Effect, EffectKey};
use crate::emergency::{Ending, Status, StepState, unaccepted};
use crate::event::Event;
use crate::obligation::{self, Meeting, Obligation, Waiver};
use crate::permit::Permit;
use crate::refusal::Refusal;

/// Paths named in one refusal; the page lists them all.
const PATHS_NAMED_MAX: usize = 20;

pub(super) fn close(permit: &Permit, case: &Case<'_>) -> Result<Decision, Refusal> {
    let who = [vec![case.state.plan.executor.clone(), case.state.requester.clone()], case.approvers()].concat();
    case.involved(permit, who)?;
    case.status(&[Status::Executing])?;
    case.nobody_types()?;
    case.settled()?;
    if case.state.files_unseen {
        return Err(Refusal::FilesNotSeen);
    }
    let ending = ending(case)?;
    let unaccepted: Vec<String> = unaccepted(case.state).map(|change| change.path.clone()).take(PATHS_NAMED_MAX).collect();
    let unlisted = case.state.outside_unlisted;
    if !unaccepted.is_empty() || unlisted > 0 {
        return Err(Refusal::ChangesUnaccepted { paths: unaccepted, unlisted });
    }
    let closed = Event::EmergencyClosed { emergency: case.state.id, ending };
    // The documents tell of the closed exception, so what follows sees it as the close leaves it.
    let mut after = case.facts.clone();
    apply(&mut after, &closed, permit.actor(), case.now);
    let after = Case::of(&after, case.state.id, case.now).ok_or(Refusal::Stale)?;
    let mut decision = case.decision(vec![closed, case.post(Notice::EmergencyClosed { ending }, &[])]);
    for owed in
        case.state.obligations.iter().filter_map(|id| case.facts.obligation(*id)).filter(|owed| owed.status == obligation::Status::Owed)
    {
        follow_up(&after, ending, owed, &mut decision);
    }
    Ok(decision)
}

fn ending(case: &Case<'_>) -> Result<Ending, Refusal> {
    // What was still running may have written again: then production is not as before.
    if case.is_restored() && !case.state.changes.iter().any(|change| change.in_scope) {
        return Ok(Ending::Undone);
    }
    let typed = case.state.sessions.iter().any(|session| !session.commands.is_empty() || session.blocks > 0);
    let untouched = !typed && case.state.steps.iter().all(|step| matches!(step, StepState::Waiting));
    if untouched && case.state.changes.is_empty() {
        return Ok(Ending::NothingDone);
    }
    let passed = |verified: &Option<crate::emergency::Verified>| verified.as_ref().is_some_and(|verified| verified.passed);
    let (solved, unaffected) = (passed(&case.state.solved), passed(&case.state.unaffected));
    if solved && unaffected { Ok(Ending::Solved) } else { Err(Refusal::VerificationMissing { solved: !solved, unaffected: !unaffected }) }
}

/// What the program can do for each obligation, it starts at once: open the request, draft the report, invite to the meeting.
pub(crate) fn follow_up(case: &Case<'_>, ending: Ending, owed: &Obligation, decision: &mut Decision) {
    match owed.kind {
        obligation::Kind::ChangeRequest => {
            let nothing = ending != Ending::Solved || (case.state.changes.is_empty() && case.state.changes_unlisted == 0);
            if nothing {
                decision.events.push(Event::ObligationWaived { obligation: owed.id, waiver: Waiver::NothingChanged });
            } else if let Some(effect) = obligation::decide::change_request(case.facts, case.state, owed, case.now) {
                begin(owed, effect, decision);
            }
        }
        obligation::Kind::Report => {
            if let Some(effect) = obligation::decide::report(case.facts, case.state, owed, None) {
                begin(owed, effect, decision);
            }
        }
        obligation::Kind::Retrospective => {
            let meeting = meeting(case, owed);
            decision.events.push(Event::MeetingScheduled { obligation: owed.id, meeting: meeting.clone() });
            if let Some(effect) = obligation::decide::invitation(case.facts, case.state, owed, &meeting) {
                begin(owed, effect, decision);
            }
        }
        obligation::Kind::Prevention
        | obligation::Kind::MonthlyReport
        | obligation::Kind::QuarterlyReport
        | obligation::Kind::Corrective
        | obligation::Kind::Postmortem
        | obligation::Kind::Review
        | obligation::Kind::ContactTest => {}
    }
}

fn begin(owed: &Obligation, effect: Effect, decision: &mut Decision) {
    decision.events.push(Event::ObligationStarted { obligation: owed.id, effect: EffectKey(effect.key.0.clone()) });
    decision.effects.push(effect);
}

/// Everyone who took part, some hours later, never after the due time (rule E12).
fn meeting(case: &Case<'_>, owed: &Obligation) -> Meeting {
    let rules = &case.policy.obligations;
    let lasts = SignedDuration::from_mins(i64::from(rules.retrospective_lasts_min));
    let wished = case.now.checked_add(SignedDuration::from_hours(i64::from(rules.retrospective_after_h))).unwrap_or(Timestamp::MAX);
    let latest = owed.due_at.checked_sub(lasts).unwrap_or(owed.due_at);
    let mut invited = vec![case.state.requester.clone(), case.state.plan.executor.clone()];
    invited.extend(case.approvers());
    invited.extend(case.state.witnesses.keys().cloned());
    invited.sort();
    invited.dedup();
    Meeting {
        starts_at: wished.min(latest).max(case.now),
        lasts_min: rules.retrospective_lasts_min,
        invited,
        file: None,
        sequence: 0,
        held: None,
    }
}
