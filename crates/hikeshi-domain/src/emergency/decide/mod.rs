//! What follows from a command on an emergency exception. One file per part of its life.

mod agree;
pub(crate) mod carry;
pub(crate) mod close;
mod confirm;
pub(crate) mod outcome;
mod request;
mod signed;
mod undo;
mod watch;

use jiff::Timestamp;

pub use outcome::{ended, in_doubt};
pub use watch::witness_silent;

use super::{Command, Emergency, PlanDocument, Quorum, Status, StepState};
use crate::channel::{Body, Notice, Post};
use crate::decide::Decision;
use crate::effect::HostSpec;
use crate::event::Event;
use crate::facts::{Facts, Needs};
use crate::ids::{Digest, EmergencyId, PersonId, RoleName};
use crate::permit::Permit;
use crate::policy::Policy;
use crate::refusal::Refusal;

pub fn needs(command: &Command, facts: &Facts) -> Needs {
    match command {
        Command::Request { incident, .. } => Needs { incidents: [*incident].into(), overdue: true, ..Needs::default() },
        Command::Revise { emergency, .. }
        | Command::Approve { emergency, .. }
        | Command::ApprovePasskey { emergency, .. }
        | Command::ApproveSigned { emergency, .. }
        | Command::Start { emergency } => Needs { overdue: true, ..needs_of(*emergency, facts) },
        Command::Decline { emergency, .. }
        | Command::Cancel { emergency, .. }
        | Command::Join { emergency }
        | Command::Watch { emergency }
        | Command::Leave { emergency }
        | Command::Hold { emergency, .. }
        | Command::Resume { emergency }
        | Command::Confirm { emergency, .. }
        | Command::Step { emergency, .. }
        | Command::Settle { emergency, .. }
        | Command::Verify { emergency }
        | Command::Attest { emergency, .. }
        | Command::Accept { emergency, .. }
        | Command::Revert { emergency, .. }
        | Command::Restore { emergency, .. }
        | Command::Close { emergency } => needs_of(*emergency, facts),
    }
}

/// The exception, and once it is there, its incident, its obligations and who was heard of.
pub fn needs_of(id: EmergencyId, facts: &Facts) -> Needs {
    let mut needs = Needs { emergencies: [id].into(), presence: [id].into(), ..Needs::default() };
    if let Some(state) = facts.emergency(id) {
        needs.incidents.insert(state.incident);
        needs.obligations.extend(state.obligations.iter().copied());
    }
    needs
}

pub fn decide(permit: Permit, facts: &Facts, command: &Command, now: Timestamp) -> Result<Decision, Refusal> {
    if let Command::Request { incident, conditions, plan } = command {
        return request::request(&permit, facts, *incident, conditions, plan, now);
    }
    let case = Case::find(facts, command, now)?;
    match command {
        Command::Request { .. } => Err(Refusal::Stale),
        Command::Revise { plan, .. } => request::revise(&permit, &case, plan),
        Command::Approve { digest, judgement, .. } => agree::approve(&permit, &case, *digest, judgement),
        Command::ApprovePasskey { digest, judgement, assertion, .. } => signed::by_passkey(&permit, &case, *digest, judgement, assertion),
        Command::ApproveSigned { signature, judgement, .. } => signed::by_ssh(&permit, &case, signature, judgement),
        Command::Decline { reason, .. } => agree::decline(&permit, &case, reason),
        Command::Cancel { reason, .. } => agree::cancel(&permit, &case, reason),
        Command::Join { .. } => watch::join(&permit, &case),
        Command::Watch { .. } => watch::watch(&permit, &case),
        Command::Leave { .. } => watch::leave(&permit, &case),
        Command::Hold { reason, .. } => watch::hold(&permit, &case, reason),
        Command::Resume { .. } => watch::resume(&permit, &case),
        Command::Start { .. } => carry::start(&permit, &case),
        Command::Confirm { step, digest, confirm, .. } => confirm::confirm(&permit, &case, *step, *digest, confirm),
        Command::Step { step, confirm, .. } => carry::step(&permit, &case, *step, confirm),
        Command::Settle { step, verdict, reason, .. } => carry::settle(&permit, &case, *step, *verdict, reason),
        Command::Verify { .. } => carry::verify(&permit, &case),
        Command::Attest { aspect, passed, note, .. } => carry::attest(&permit, &case, *aspect, *passed, note),
        Command::Accept { path, reason, .. } => undo::accept(&permit, &case, path, reason),
        Command::Revert { paths, reason, confirm, .. } => undo::revert(&permit, &case, paths, reason, confirm),
        Command::Restore { reason, confirm, .. } => undo::restore(&permit, &case, reason, confirm),
        Command::Close { .. } => close::close(&permit, &case),
    }
}

/// The exception under decision with what every part of its life asks about.
pub(crate) struct Case<'a> {
    pub(crate) facts: &'a Facts,
    pub(crate) policy: &'a Policy,
    pub(crate) state: &'a Emergency,
    pub(crate) now: Timestamp,
}

impl<'a> Case<'a> {
    fn find(facts: &'a Facts, command: &Command, now: Timestamp) -> Result<Self, Refusal> {
        let needs = needs(command, facts);
        let id = needs.emergencies.first().copied().ok_or(Refusal::Stale)?;
        Self::of(facts, id, now).ok_or_else(|| Refusal::NotFound { what: "emergency".to_owned(), given: id.to_string() })
    }

    pub(crate) fn of(facts: &'a Facts, id: EmergencyId, now: Timestamp) -> Option<Self> {
        Some(Self { facts, policy: facts.policy()?, state: facts.emergency(id)?, now })
    }

    fn quorum(&self) -> Quorum {
        super::quorum(self.state, self.policy, self.facts.presence.get(&self.state.id), self.now)
    }

    /// The digest of the plan as it would be carried out now: a target that the policy has moved since gives another one.
    fn digest_now(&self) -> Digest {
        PlanDocument::of(self.state, self.policy.targets.get(&self.state.plan.target)).digest()
    }

    pub(crate) fn status(&self, allowed: &[Status]) -> Result<(), Refusal> {
        if allowed.contains(&self.state.status) { Ok(()) } else { Err(self.wrong_status()) }
    }

    fn wrong_status(&self) -> Refusal {
        Refusal::WrongStatus { emergency: self.state.id, status: self.state.status }
    }

    pub(crate) fn executor(&self, permit: &Permit) -> Result<PersonId, Refusal> {
        let person = permit.person()?;
        if *person == self.state.plan.executor {
            Ok(person.clone())
        } else {
            Err(Refusal::NotExecutor { executor: self.state.plan.executor.clone() })
        }
    }

    fn approvers(&self) -> Vec<PersonId> {
        self.state.approvals.iter().map(|approval| approval.by.clone()).collect()
    }

    fn involved(&self, permit: &Permit, who: Vec<PersonId>) -> Result<PersonId, Refusal> {
        let person = permit.person()?;
        if who.contains(person) { Ok(person.clone()) } else { Err(Refusal::NotInvolved { who }) }
    }

    pub(crate) fn is_present(&self, person: &PersonId) -> bool {
        self.state.witnesses.get(person).is_some_and(|witness| witness.present)
    }

    /// A witness who counts at this moment: joined, heard of, entitled, and not the executor.
    pub(crate) fn witness_here(&self, permit: &Permit) -> Result<PersonId, Refusal> {
        let person = permit.person()?;
        if self.quorum().present.contains(person) { Ok(person.clone()) } else { Err(Refusal::NotAWitness { person: person.clone() }) }
    }

    /// Every approval is of the plan as it would run now.
    pub(crate) fn agreed(&self) -> Result<(), Refusal> {
        let current = self.digest_now();
        match self.state.approvals.iter().find(|approval| approval.digest != current) {
            Some(approval) => Err(Refusal::DigestDiffers { given: approval.digest, current }),
            None if self.state.approvals.is_empty() => {
                let missing = self.policy.emergency.approver_roles.clone();
                Err(Refusal::ApprovalMissing { missing, every_role: false, because: Vec::new() })
            }
            None => Ok(()),
        }
    }

    /// Witnesses enough, and none of them has said stop.
    pub(crate) fn watched(&self) -> Result<Quorum, Refusal> {
        if let Some(hold) = &self.state.hold {
            return Err(Refusal::Held { by: hold.by.clone(), reason: hold.reason.clone() });
        }
        let quorum = self.quorum();
        if quorum.met { Ok(quorum) } else { Err(Refusal::QuorumMissing { quorum }) }
    }

    /// No terminal is open: what is typed there could undo what is looked at or put back now.
    fn nobody_types(&self) -> Result<(), Refusal> {
        match self.state.sessions.iter().find(|session| session.is_open()) {
            Some(session) => Err(Refusal::SessionOpen { session: session.number }),
            // What the last command changed is not known yet.
            None if self.state.looking.is_some() => Err(Refusal::FilesNotSeen),
            None => Ok(()),
        }
    }

    /// No step is running, and of none it is unknown whether it ran.
    pub(crate) fn settled(&self) -> Result<(), Refusal> {
        for (number, state) in (1_u32..).zip(&self.state.steps) {
            match state {
                StepState::Running { .. } => return Err(Refusal::StepRunning { step: number }),
                StepState::InDoubt { .. } => return Err(Refusal::StepUnsettled { step: number }),
                StepState::Waiting | StepState::Ended(_) => {}
            }
        }
        Ok(())
    }

    fn has_run(&self) -> bool {
        !self.state.sessions.is_empty() || self.state.steps.iter().any(|step| matches!(step, StepState::Ended(_)))
    }

    pub(crate) fn is_restored(&self) -> bool {
        self.state.restored.as_ref().is_some_and(|restored| restored.finished_at.is_some())
    }

    pub(crate) fn host(&self) -> Result<HostSpec, Refusal> {
        let name = &self.state.plan.target;
        let target = self.policy.targets.get(name).ok_or_else(|| Refusal::NotInPolicy {
            what: "target".to_owned(),
            given: name.to_string(),
            nearest: None,
        })?;
        Ok(HostSpec {
            name: name.clone(),
            target: target.clone(),
            output_bytes_max: self.policy.emergency.output_bytes_max,
            file_bytes_max: self.policy.emergency.file_bytes_max,
            mask_env: self.policy.secrets.env.clone(),
            mask_patterns: self.policy.secrets.patterns.clone(),
        })
    }

    pub(crate) fn decision(&self, events: Vec<Event>) -> Decision {
        Decision::of(self.state.incident, events)
    }

    pub(crate) fn post(&self, notice: Notice, roles: &[RoleName]) -> Event {
        announce(self.policy, self.state.id, self.state.incident, notice, roles)
    }
}

fn announce(policy: &Policy, emergency: EmergencyId, incident: crate::ids::IncidentId, notice: Notice, roles: &[RoleName]) -> Event {
    Event::Posted {
        post: Post {
            channel: policy.channels.emergency.clone(),
            body: Body::Notice { notice },
            roles: roles.to_vec(),
            people: Vec::new(),
            incident: Some(incident),
            emergency: Some(emergency),
        },
    }
}

/// The approval ran out before the start (rule E3).
pub fn approval_expires(facts: &Facts, id: EmergencyId, now: Timestamp) -> Result<Decision, Refusal> {
    let case = Case::of(facts, id, now).ok_or(Refusal::Stale)?;
    case.status(&[Status::Requested, Status::Approved]).map_err(|_| Refusal::Stale)?;
    if !case.state.approvals.iter().any(|approval| approval.expires_at <= now) {
        return Err(Refusal::Stale);
    }
    Ok(case.decision(vec![Event::ApprovalExpired { emergency: id }, case.post(Notice::ApprovalExpired, &[])]))
}

/// Production has been open for longer than the policy wants.
pub fn session_long(facts: &Facts, id: EmergencyId, now: Timestamp) -> Result<Decision, Refusal> {
    let case = Case::of(facts, id, now).ok_or(Refusal::Stale)?;
    if !case.state.status.is_running() || case.state.long_announced {
        return Err(Refusal::Stale);
    }
    let notice = Notice::SessionLong { minutes: case.policy.emergency.session_max_min };
    Ok(case.decision(vec![Event::SessionRanLong { emergency: id }, case.post(notice, &case.policy.emergency.approver_roles)]))
}
