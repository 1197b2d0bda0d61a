//! One batch on its way: commands are decided one after the other on the same facts, and what follows is collected for one commit.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use hikeshi_domain::Timestamp;
use hikeshi_domain::alert::AlertRef;
use hikeshi_domain::apply::apply;
use hikeshi_domain::chat::{Seal, deliveries};
use hikeshi_domain::command::{Command, Envelope, OutcomeCommand};
use hikeshi_domain::decide::{Decision, decide};
use hikeshi_domain::effect::Work;
use hikeshi_domain::event::Event;
use hikeshi_domain::facts::{Facts, Touched};
use hikeshi_domain::ids::{Digest, RequestKey};
use hikeshi_domain::ledger::Frontier;
use hikeshi_domain::offline::OfflineEvent;
use hikeshi_domain::people::Actor;
use hikeshi_domain::permit::permit;
use hikeshi_domain::refusal::Refusal;
use hikeshi_domain::timer::{self, Timer, Wake};
use hikeshi_store::{Head, KeptEntry, Lease, NewEntry, PostRecord, StoreError, Writes};

use super::entry::{self, Place};
use super::intake::Taken;
use super::{Answer, Fault, Receipt};

/// What stops a batch.
pub(super) enum Stop {
    Store(StoreError),
    /// Taking over the events of the command at this position broke half-way: the facts are spoilt.
    Spoilt(usize),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// What a batch has so far.
pub(super) struct Draft {
    pub(super) facts: Facts,
    pub(super) writes: Writes,
    /// Entries that carried a request key of this batch before it, and those that it adds itself.
    kept: HashMap<RequestKey, KeptEntry>,
    /// Keys whose entry is of this very batch: repeated, they are `Already`, but nothing is written twice.
    next_seq: u64,
    /// The ledger as it was before this batch.
    frontier: Option<Frontier>,
    prev: Digest,
    now: Timestamp,
    /// A checkpoint is due right after the commit.
    pub(super) sealing: bool,
    pub(super) policy_changed: bool,
}

/// The ledger counts milliseconds: more would only be noise that every copy must repeat.
pub(crate) fn milliseconds(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}

impl Draft {
    pub(super) fn new(head: &Head, kept: HashMap<RequestKey, KeptEntry>, now: Timestamp) -> Self {
        Self {
            facts: Facts { workspace: head.workspace.clone(), ..Facts::default() },
            writes: Writes::default(),
            kept,
            next_seq: head.size,
            frontier: Frontier::from_parts(head.size, head.frontier.clone()),
            prev: head.last_leaf,
            now,
            sealing: false,
            policy_changed: false,
        }
    }

    /// Whether this key needs no decision any more.
    pub(super) fn is_answered(&self, key: &RequestKey) -> bool {
        self.kept.contains_key(key)
    }

    /// Decides one command, whose needs are loaded, and takes over what follows.
    pub(super) fn decide(&mut self, position: usize, taken: &Taken) -> Result<Result<Answer, Fault>, Stop> {
        let envelope = &taken.envelope;
        if let Some(kept) = self.kept.get(&envelope.key) {
            return Ok(Ok(entry::again(envelope, kept)?));
        }
        let kind = envelope.command.kind();
        let Ok(decided) = catch_unwind(AssertUnwindSafe(|| ruled(&self.facts, envelope, self.now))) else {
            tracing::error!(kind, key = %envelope.key, "deciding broke; nothing of this command is written");
            return Ok(Err(Fault::Broken { kind: kind.to_owned() }));
        };
        match decided {
            Ok(decision) => self.take(position, envelope, decision).map(Ok),
            Err(refusal) => self.refuse(position, taken, refusal).map(Ok),
        }
    }

    fn take(&mut self, position: usize, envelope: &Envelope, decision: Decision) -> Result<Answer, Stop> {
        if let Some((emergency, person)) = &decision.heard {
            self.facts.presence.entry(*emergency).or_default().insert(person.clone(), self.now);
            self.writes.heard.push((*emergency, person.clone(), self.now));
        }
        let lease = |(alert, until): &(AlertRef, Timestamp)| Lease { alert: alert.clone(), heard_at: self.now, until: *until };
        self.writes.leased.extend(decision.leased.iter().map(lease));
        self.facts.leases.extend(decision.leased.iter().cloned());
        let kind = envelope.command.kind().to_owned();
        if decision.events.is_empty() && decision.effects.is_empty() && decision.settles.is_none() {
            return Ok(Answer::Done(Receipt { seq: None, kind, case: decision.case, made: decision.made }));
        }
        let applied = catch_unwind(AssertUnwindSafe(|| {
            for event in &decision.events {
                #[cfg(test)]
                super::tests::break_at("apply", &envelope.key);
                apply(&mut self.facts, event, &envelope.actor, self.now);
            }
        }));
        if applied.is_err() {
            tracing::error!(kind, key = %envelope.key, "taking over the events broke; the batch starts again without this command");
            return Err(Stop::Spoilt(position));
        }
        let decision = self.outward(envelope, decision);
        let (entry, decision) = entry::done(&self.place(), envelope, decision)?;
        self.collect(envelope, &entry, &decision);
        let receipt = Receipt { seq: Some(entry.seq), kind, case: entry.case, made: decision.made };
        self.push(entry);
        Ok(Answer::Done(receipt))
    }

    /// What goes out beside the decision itself: the posts for the team's chat, and how far the ledger had come before this entry's batch.
    fn outward(&self, envelope: &Envelope, mut decision: Decision) -> Decision {
        let seal = || self.frontier.as_ref().map(|frontier| Seal { size: frontier.size(), root: frontier.root() });
        for effect in &mut decision.effects {
            if let Work::OpenChangeRequest(order) = &mut effect.work {
                order.seal = seal();
            }
        }
        decision.effects.extend(deliveries(&self.facts, &decision.events, &envelope.actor, self.next_seq, self.now, seal));
        decision
    }

    fn collect(&mut self, envelope: &Envelope, entry: &NewEntry, decision: &Decision) {
        let posts = decision.events.iter().filter_map(|event| match event {
            Event::Posted { post } => Some(post),
            _ => None,
        });
        for (part, post) in (0..).zip(posts) {
            self.writes.posts.push(PostRecord { seq: entry.seq, part, at: entry.at, actor: envelope.actor.clone(), post: post.clone() });
        }
        self.writes.queued.extend(decision.effects.iter().map(|effect| (effect.clone(), self.now)));
        self.writes.settled.extend(decision.settles.clone());
        for event in &decision.events {
            match event {
                Event::PolicyAdopted { .. } => {
                    self.policy_changed = true;
                    self.sealing = true;
                }
                Event::PolicyProposed { .. }
                | Event::PolicyApproved { .. }
                | Event::PolicyRejected { .. }
                | Event::EmergencyApproved { .. }
                | Event::EmergencyStarted { .. }
                | Event::EmergencyClosed { .. }
                | Event::Offline(OfflineEvent::Reconciled { .. }) => self.sealing = true,
                Event::Redaction(_) => {
                    self.writes.deleted.extend(event.deletes());
                    self.sealing = true;
                }
                _ => {}
            }
        }
    }

    fn refuse(&mut self, position: usize, taken: &Taken, refusal: Refusal) -> Result<Answer, Stop> {
        let envelope = &taken.envelope;
        if let (Actor::Runner, Command::Outcome(OutcomeCommand::Ended { effect, .. } | OutcomeCommand::InDoubt { effect })) =
            (&envelope.actor, &envelope.command)
        {
            // Nobody waits for this outcome any more. The effect is settled all the same, with an entry that says so:
            // left in the outbox it would be claimed again for ever.
            tracing::warn!(%effect, code = refusal.code(), "an outcome changed nothing; the effect is settled");
            let decision = Decision { settles: Some(effect.clone()), ..Decision::default() };
            let answer = self.take(position, envelope, decision)?;
            let Answer::Done(receipt) = answer else { return Ok(answer) };
            return Ok(Answer::Refused { refusal, seq: receipt.seq });
        }
        if refusal == Refusal::Stale {
            if let Command::Wake(wake) = &envelope.command {
                // Its row is there although nothing is due: the timers of that case are made anew.
                self.touch(wake);
            }
            return Ok(Answer::Refused { refusal, seq: None });
        }
        let case = entry::case_of(&taken.asked, &self.facts);
        let entry = entry::refused(&self.place(), envelope, &refusal, case, &taken.asked)?;
        let seq = Some(entry.seq);
        self.push(entry);
        Ok(Answer::Refused { refusal, seq })
    }

    fn touch(&mut self, wake: &Wake) {
        match wake {
            Wake::Escalate { incident } | Wake::UpdateDue { incident } | Wake::PageAgain { incident } | Wake::Unreconciled { incident } => {
                if self.facts.incident(*incident).is_some() {
                    self.facts.touched.incidents.insert(*incident);
                }
            }
            Wake::ApprovalExpires { emergency } | Wake::SessionLong { emergency } | Wake::Examine { emergency } => {
                if self.facts.emergency(*emergency).is_some() {
                    self.facts.touched.emergencies.insert(*emergency);
                }
            }
            Wake::Remind { obligation }
            | Wake::Overdue { obligation }
            | Wake::EscalateOwed { obligation }
            | Wake::Compare { obligation } => {
                if self.facts.obligation(*obligation).is_some() {
                    self.facts.touched.obligations.insert(*obligation);
                }
            }
            Wake::MonthEnds | Wake::SilenceEnds { .. } => self.facts.touched.workspace = true,
            Wake::AlertSettles { alert } => {
                if self.facts.alert(alert).is_some() {
                    self.facts.touched.alerts.insert(alert.clone());
                }
            }
            // Presence and leases have no timer rows.
            Wake::WitnessSilent { .. } | Wake::AlertLapses { .. } => {}
        }
    }

    fn place(&self) -> Place {
        Place { seq: self.next_seq, prev: self.prev, at: self.now }
    }

    fn push(&mut self, entry: NewEntry) {
        self.prev = entry.leaf();
        self.next_seq += 1;
        self.kept.insert(entry.key.clone(), KeptEntry { seq: entry.seq, bytes: entry.bytes().to_vec() });
        self.writes.entries.push(entry);
    }

    /// Everything to commit; `None` when the batch changed nothing.
    pub(super) fn finish(mut self) -> Option<Finished> {
        self.writes.timers = timers_of(&self.facts);
        let nothing = self.writes.entries.is_empty()
            && self.writes.heard.is_empty()
            && self.writes.leased.is_empty()
            && self.facts.touched == Touched::default();
        let last_at = self.writes.entries.last().map(|entry| entry.at);
        self.writes.facts = self.facts;
        (!nothing).then_some(Finished { writes: self.writes, last_at, sealing: self.sealing, policy_changed: self.policy_changed })
    }
}

/// A batch ready to be committed.
pub(super) struct Finished {
    pub(super) writes: Writes,
    pub(super) last_at: Option<Timestamp>,
    pub(super) sealing: bool,
    pub(super) policy_changed: bool,
}

fn ruled(facts: &Facts, envelope: &Envelope, now: Timestamp) -> Result<Decision, Refusal> {
    #[cfg(test)]
    super::tests::break_at("decide", &envelope.key);
    let permit = permit(facts, &envelope.actor, &envelope.command)?;
    decide(permit, facts, &envelope.command, now)
}

/// The answer that a command would get now; nothing follows from it.
pub(crate) fn rehearsed(facts: &Facts, envelope: &Envelope, now: Timestamp) -> Result<Answer, Fault> {
    let kind = envelope.command.kind().to_owned();
    match catch_unwind(AssertUnwindSafe(|| ruled(facts, envelope, now))) {
        Ok(Ok(decision)) => Ok(Answer::Done(Receipt { seq: None, kind, case: decision.case, made: decision.made })),
        Ok(Err(refusal)) => Ok(Answer::Refused { refusal, seq: None }),
        Err(_) => {
            tracing::error!(kind, "deciding broke in a rehearsal");
            Err(Fault::Broken { kind })
        }
    }
}

/// The timers of everything that was touched, under the policy as it is after the batch.
pub(super) fn timers_of(facts: &Facts) -> Vec<Timer> {
    let Some(policy) = facts.policy() else { return Vec::new() };
    let incidents =
        facts.touched.incidents.iter().filter_map(|id| facts.incident(*id)).flat_map(|incident| timer::of_incident(incident, policy));
    let emergencies =
        facts.touched.emergencies.iter().filter_map(|id| facts.emergency(*id)).flat_map(|emergency| timer::of_emergency(emergency, policy));
    let obligations = facts
        .touched
        .obligations
        .iter()
        .filter_map(|id| facts.obligation(*id))
        .flat_map(|obligation| timer::of_obligation(obligation, policy));
    let alerts = facts.touched.alerts.iter().filter_map(|id| facts.alert(id)).flat_map(|alert| timer::of_alert(alert, policy));
    let workspace = facts.touched.workspace.then(|| timer::of_workspace(&facts.workspace)).into_iter().flatten();
    incidents.chain(alerts).chain(emergencies).chain(obligations).chain(workspace).collect()
}
