//! What comes next in the rehearsal, as a pure function of what is seen. A killed rehearsal is continued by looking again:
//! no act remembers that it was done, the ledger does.

use std::collections::BTreeSet;

use hikeshi_domain::emergency::{Confirmation, Emergency, Status, StepState};
use hikeshi_domain::incident::{Incident, Stage};
use hikeshi_domain::obligation::{Kind, Obligation, Status as Owed};
use hikeshi_domain::page::{AttemptEnd, HowEnded};
use hikeshi_domain::session::{Session, Watched};
use hikeshi_engine::look::{EmergencyView, IncidentView};

use super::workspace::{APPROVER, LEAD, OPERATOR, REQUESTER, SENIOR_WITNESS, WITNESS};

/// Everything that the next act depends on.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Number of ledger entries.
    pub size: u64,
    pub incident: Option<IncidentView>,
    pub emergency: Option<EmergencyView>,
    pub obligations: Vec<Obligation>,
    /// Codes of refusals that are in the ledger.
    pub refused: BTreeSet<String>,
    /// The service's settings are those of the bad release.
    pub broken: bool,
    /// The request that is owed is merged in the repository.
    pub merged: bool,
}

/// One thing to do, or to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Release,
    AwaitIncident,
    /// The telephone of whoever is called first.
    AwaitPage,
    Acknowledge,
    Move(Stage),
    Update,
    RequestIncomplete,
    Request,
    ApproveOwn,
    Approve,
    Join(&'static str),
    Start,
    AwaitBackup,
    /// A witness confirms a dangerous step.
    Confirm(u32),
    Step(u32),
    AwaitStep(u32),
    Settle(u32),
    /// The last part is done by hand, in company.
    Terminal,
    Verify,
    AwaitChecks,
    Close,
    AwaitObligations,
    AwaitRecovery,
    Resolve,
    AwaitRequest,
    Propose,
    Merge,
    Compare,
    AwaitComparison,
    Report,
    AwaitReport,
    AwaitInvitation,
    HoldMeeting,
    WritePostmortem,
    AwaitPostmortem,
    Done,
    /// The rehearsal cannot go on: what it was about ended otherwise.
    Stuck,
}

impl Act {
    /// Whose act it is; `None`: the world's, or the program's.
    pub fn who(self) -> Option<&'static str> {
        match self {
            Self::Acknowledge | Self::Move(_) | Self::Update | Self::Resolve | Self::WritePostmortem => Some(OPERATOR),
            Self::RequestIncomplete
            | Self::Request
            | Self::ApproveOwn
            | Self::Start
            | Self::Step(_)
            | Self::Settle(_)
            | Self::Terminal
            | Self::Verify
            | Self::Close
            | Self::Report => Some(REQUESTER),
            Self::Approve => Some(APPROVER),
            Self::Join(person) => Some(person),
            Self::Merge => Some(WITNESS),
            Self::Compare | Self::Propose | Self::Confirm(_) => Some(SENIOR_WITNESS),
            Self::HoldMeeting => Some(LEAD),
            Self::Release
            | Self::AwaitIncident
            | Self::AwaitPage
            | Self::AwaitBackup
            | Self::AwaitStep(_)
            | Self::AwaitChecks
            | Self::AwaitObligations
            | Self::AwaitRecovery
            | Self::AwaitRequest
            | Self::AwaitComparison
            | Self::AwaitReport
            | Self::AwaitInvitation
            | Self::AwaitPostmortem
            | Self::Done
            | Self::Stuck => None,
        }
    }

    /// Waiting needs no key and leaves no trace.
    pub fn waits(self) -> bool {
        match self {
            Self::AwaitIncident
            | Self::AwaitPage
            | Self::AwaitBackup
            | Self::AwaitStep(_)
            | Self::AwaitChecks
            | Self::AwaitObligations
            | Self::AwaitRecovery
            | Self::AwaitRequest
            | Self::AwaitComparison
            | Self::AwaitReport
            | Self::AwaitInvitation
            | Self::AwaitPostmortem => true,
            Self::Release
            | Self::Acknowledge
            | Self::Move(_)
            | Self::Update
            | Self::RequestIncomplete
            | Self::Request
            | Self::ApproveOwn
            | Self::Approve
            | Self::Join(_)
            | Self::Start
            | Self::Confirm(_)
            | Self::Step(_)
            | Self::Settle(_)
            | Self::Terminal
            | Self::Verify
            | Self::Close
            | Self::Resolve
            | Self::Propose
            | Self::Merge
            | Self::Compare
            | Self::Report
            | Self::HoldMeeting
            | Self::WritePostmortem
            | Self::Done
            | Self::Stuck => false,
        }
    }
}

/// `acting`: the person whose acts are left to a human; the two deliberate mistakes are skipped when they would be theirs.
pub fn next(seen: &Seen, acting: Option<&str>) -> Act {
    let Some(incident) = &seen.incident else {
        return if seen.broken { Act::AwaitIncident } else { Act::Release };
    };
    if incident.incident.acknowledged.is_none() {
        return if rings(&incident.incident) { Act::Acknowledge } else { Act::AwaitPage };
    }
    let Some(view) = &seen.emergency else { return before_request(seen, incident, acting) };
    let emergency = &view.emergency;
    match emergency.status {
        Status::Requested => {
            if acting != Some(REQUESTER) && !seen.refused.contains("emergency.self_approval") {
                return Act::ApproveOwn;
            }
            Act::Approve
        }
        Status::Approved => join_missing(view).unwrap_or(Act::Start),
        Status::BackingUp => Act::AwaitBackup,
        Status::Executing => executing(view),
        Status::Verifying => Act::AwaitChecks,
        Status::Restoring => Act::AwaitBackup,
        Status::Declined | Status::Cancelled | Status::Expired => Act::Stuck,
        Status::Closed => after_close(seen, incident, emergency),
    }
}

fn before_request(seen: &Seen, incident: &IncidentView, acting: Option<&str>) -> Act {
    match incident.incident.stage {
        Stage::Reported => return Act::Move(Stage::Impact),
        Stage::Impact => return Act::Move(Stage::Mitigation),
        Stage::Mitigation | Stage::Cause | Stage::PermanentFix | Stage::Postmortem | Stage::Closed => {}
    }
    if incident.incident.last_update_at.is_none() {
        return Act::Update;
    }
    if acting != Some(REQUESTER) && !seen.refused.contains("emergency.condition_missing") {
        return Act::RequestIncomplete;
    }
    Act::Request
}

/// A witness whom the quorum does not count yet, or not any more.
fn join_missing(view: &EmergencyView) -> Option<Act> {
    let present = |person: &str| view.quorum.present.iter().any(|one| one.as_str() == person);
    [SENIOR_WITNESS, WITNESS].into_iter().find(|person| !present(person)).map(Act::Join)
}

fn executing(view: &EmergencyView) -> Act {
    let emergency = &view.emergency;
    if emergency.looking.is_some() && !emergency.sessions.iter().any(|session| session.is_open()) {
        return Act::AwaitChecks;
    }
    for (index, step) in emergency.steps.iter().enumerate() {
        let number = u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1);
        match step {
            StepState::Ended(end) if end.succeeded() => {}
            StepState::Running { .. } => return Act::AwaitStep(number),
            StepState::InDoubt { .. } => return Act::Settle(number),
            StepState::Waiting | StepState::Ended(_) => {
                let next = if unconfirmed(view, index, number) { Act::Confirm(number) } else { Act::Step(number) };
                return join_missing(view).unwrap_or(next);
            }
        }
    }
    // What nobody signed as seen, because everything was killed in that moment, is shown once more.
    let by_hand = emergency.sessions.iter().any(|session| !session.is_open() && seen_by(session).len() >= 2);
    if !by_hand {
        return join_missing(view).unwrap_or(Act::Terminal);
    }
    let passed = |verified: &Option<hikeshi_domain::emergency::Verified>| verified.as_ref().is_some_and(|verified| verified.passed);
    let verified = passed(&emergency.solved) && passed(&emergency.unaffected) && !emergency.must_be_looked_at();
    if verified { Act::Close } else { Act::Verify }
}

/// A dangerous step whose next run no witness has confirmed, or not for long enough.
fn unconfirmed(view: &EmergencyView, index: usize, number: u32) -> bool {
    let emergency = &view.emergency;
    let attempt = emergency.attempts.get(index).copied().unwrap_or(0).saturating_add(1);
    let good = |one: &Confirmation| one.step == number && one.attempt == attempt && one.used_at.is_none() && view.at < one.expires_at;
    emergency.plan.steps.get(index).is_some_and(|step| step.dangerous) && !emergency.confirmations.iter().any(good)
}

/// Who has signed that they watched all of a session in which something was typed.
pub fn seen_by(session: &Session) -> Vec<&str> {
    let all = |watched: &Watched| watched.from_block == 0 && watched.to_block + 1 >= session.blocks;
    let people = session.watched.iter().filter(|(_, watched)| all(watched)).map(|(person, _)| person.as_str());
    if session.commands.is_empty() { Vec::new() } else { people.collect() }
}

fn after_close(seen: &Seen, incident: &IncidentView, emergency: &Emergency) -> Act {
    if incident.incident.resolved.is_none() {
        return if incident.incident.firing.is_empty() { Act::Resolve } else { Act::AwaitRecovery };
    }
    let of = |kind: Kind| seen.obligations.iter().find(|owed| owed.kind == kind && owed.emergency == Some(emergency.id));
    let (Some(request), Some(report), Some(meeting)) = (of(Kind::ChangeRequest), of(Kind::Report), of(Kind::Retrospective)) else {
        return Act::AwaitObligations;
    };
    if request.status == Owed::Owed {
        return change_request(request, seen.merged);
    }
    if report.status == Owed::Owed {
        return if report.running.is_some() || report.report.is_some() && report.trouble.is_none() {
            Act::AwaitReport
        } else {
            Act::Report
        };
    }
    if meeting.status == Owed::Owed {
        let invited = meeting.meeting.as_ref().is_some_and(|meeting| meeting.file.is_some());
        return if invited || meeting.trouble.is_some() && meeting.running.is_none() { Act::HoldMeeting } else { Act::AwaitInvitation };
    }
    match incident.incident.stage {
        Stage::Reported | Stage::Impact | Stage::Mitigation => Act::Move(Stage::Cause),
        Stage::Cause => Act::Move(Stage::PermanentFix),
        Stage::PermanentFix => Act::Move(Stage::Postmortem),
        Stage::Postmortem => postmortem(&incident.incident),
        Stage::Closed => Act::Done,
    }
}

/// Whoever is called first has been called.
fn rings(incident: &Incident) -> bool {
    let theirs = incident.pages.iter().filter(|page| page.person.as_str() == OPERATOR);
    theirs.flat_map(|page| &page.attempts).any(|attempt| matches!(&attempt.end, Some(AttemptEnd { how: HowEnded::Sent { .. }, .. })))
}

fn postmortem(incident: &Incident) -> Act {
    match incident.postmortem.as_deref() {
        Some(postmortem) if postmortem.written.is_some() => {
            if postmortem.filed.is_some() {
                Act::Move(Stage::Closed)
            } else {
                Act::AwaitPostmortem
            }
        }
        Some(_) | None => Act::WritePostmortem,
    }
}

fn change_request(owed: &Obligation, merged: bool) -> Act {
    match (&owed.request, owed.running.is_some()) {
        (None, true) => Act::AwaitRequest,
        (None, false) if owed.trouble.is_some() => Act::Propose,
        (None, false) => Act::AwaitRequest,
        (Some(_), true) => Act::AwaitComparison,
        (Some(_), false) if merged => Act::Compare,
        (Some(_), false) => Act::Merge,
    }
}
