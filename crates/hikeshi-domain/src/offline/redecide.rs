//! The rules, asked again: a local ledger is folded entry by entry, and every entry must be what the same rules say now.
//!
//! What was asked is read out of what followed ([`super::asked`]). What the machine reports of itself (a backup, an exit code) is its word
//! here as it is the server's word there; that it was waited for, and who may report it, is asked again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::LocalFlaw;
use super::asked::{Asked, Asking, asked};
use crate::apply::apply;
use crate::command::Command;
use crate::decide::decide;
use crate::event::Event;
use crate::facts::Facts;
use crate::ids::PersonId;
use crate::ledger::{Entry, EntryResult};
use crate::permit::permit;
use crate::policy::Policy;

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
        // The first entry is compared with the trust bundle itself. One without events is an outcome for which nobody waited any more.
        if entry.seq > 0 && !events.is_empty() {
            let rewritten = LocalFlaw::Rewritten { seq: entry.seq };
            match asked(&Asking { facts: &self.facts, actor: &entry.actor, events }) {
                Some(Asked::Command(command)) => self.decided(entry, events, &command)?,
                Some(Asked::Aside) => {}
                Some(Asked::Follows) | None => return Err(rewritten),
            }
        }
        for event in events {
            apply(&mut self.facts, event, &entry.actor, entry.at);
            if let Event::EnteredBySsh { person, .. } = event {
                self.entered.insert(person.clone());
            }
        }
        // Whatever was folded, these are the terms.
        self.facts.workspace.policy = Some(Arc::clone(&self.policy));
        Ok(())
    }

    fn decided(&mut self, entry: &Entry, events: &[Event], command: &Command) -> Result<(), LocalFlaw> {
        let seq = entry.seq;
        self.prepare(events, entry.at);
        let broken = |refusal| LocalFlaw::RuleBroken { seq, refusal: Box::new(refusal) };
        let permit = permit(&self.facts, &entry.actor, command).map_err(broken)?;
        let decision = decide(permit, &self.facts, command, entry.at).map_err(broken)?;
        // An entry that names another case, or none, would be left out of what is verified of this one.
        if decision.events != *events || decision.case != entry.case {
            return Err(LocalFlaw::Rewritten { seq });
        }
        Ok(())
    }

    /// What the door had in hand then, as far as the ledger tells. Who was heard of is not in it: those whom the entry names were, whoever
    /// it says was not heard of was not, and everyone else who had joined and not left.
    fn prepare(&mut self, events: &[Event], at: Timestamp) {
        let named = events.iter().find_map(|event| if let Event::StepStarted { witnesses, .. } = event { Some(witnesses) } else { None });
        let silent = |person: &PersonId| {
            events.iter().any(|event| matches!(event, Event::WitnessLeft { person: gone, lost: true, .. } if gone == person))
        };
        let mut presence = BTreeMap::new();
        for (id, state) in &self.facts.emergencies {
            let joined =
                state.iter().flat_map(|state| state.witnesses.iter()).filter(|(_, witness)| witness.present).map(|(person, _)| person);
            let heard = joined.filter(|person| named.is_none_or(|named| named.contains(person)) && !silent(person));
            presence.insert(*id, heard.map(|person| (person.clone(), at)).collect());
        }
        self.facts.presence = presence;
        let overdue =
            self.facts.obligations.values().flatten().filter(|obligation| obligation.is_overdue(at)).map(|obligation| obligation.id);
        self.facts.overdue = Some(overdue.collect());
    }
}
