//! Whether keys pass, as a session's node counts it; and who may tell the ledger of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use hikeshi_domain::Timestamp;
use hikeshi_domain::ids::PersonId;
use hikeshi_domain::session::{HeldBecause, Looking};

use super::Live;
use crate::sessions::news::News;

/// How long a count of those who look holds. It is made several times a second.
const GATE_HOLDS: Duration = Duration::from_secs(1);
/// A recorder that says nothing for this long shows nobody what happens: it speaks every second.
const RECORDER_SPEAKS_WITHIN: Duration = Duration::from_millis(2_500);

/// The right to tell the ledger of a session; given back when it is dropped.
pub(in crate::sessions) struct Turn(Arc<Live>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.turn.store(false, Ordering::Release);
    }
}

impl Live {
    /// Silence is measured by a clock that nobody sets.
    pub(in crate::sessions) fn looking(&self, now: Timestamp) -> BTreeMap<PersonId, Looking> {
        let heard_at = |at: Instant| now.checked_sub(at.elapsed()).unwrap_or(Timestamp::MIN);
        let state = self.lock();
        let behind = |shown: u64| state.heads.iter().find(|sealed| sealed.number >= shown).map(|sealed| sealed.at);
        state
            .watchers
            .iter()
            .filter(|(_, watching)| watching.key.is_some())
            .map(|(person, watching)| {
                let looking =
                    Looking { visible: watching.visible, heard_at: heard_at(watching.heard_at), behind_since: behind(watching.shown) };
                (person.clone(), looking)
            })
            .collect()
    }

    /// Takes the gate over; gives it back when the ledger has to hear of it.
    pub(in crate::sessions) fn set_gate(&self, held: Vec<HeldBecause>) -> Option<Vec<HeldBecause>> {
        let mut state = self.lock();
        state.gate_at = Instant::now();
        if *state.gate != held {
            state.gate = Arc::new(held);
            state.gate_told = false;
            self.gate.send_replace(Arc::clone(&state.gate));
            self.tell(News::Gate);
        }
        (!state.gate_told).then(|| (*state.gate).clone())
    }

    /// Why keys are held, as of now: a word that nobody has renewed holds them.
    pub(in crate::sessions) fn held(&self) -> Vec<HeldBecause> {
        let state = self.lock();
        if state.gate_at.elapsed() > GATE_HOLDS { vec![HeldBecause::NotCounted] } else { (*state.gate).clone() }
    }

    /// The same for those who watch: a terminal that is not heard of takes no keys either, and what they see of it is old.
    pub(in crate::sessions) fn held_for_watchers(&self) -> Vec<HeldBecause> {
        let mut held = self.held();
        let state = self.lock();
        if state.recorder.is_none() || state.heard_at.elapsed() > RECORDER_SPEAKS_WITHIN {
            held.push(HeldBecause::Detached);
        }
        held
    }

    /// The ledger has heard of this gate; it may have changed meanwhile.
    pub(in crate::sessions) fn gate_is_told(&self, held: &[HeldBecause]) {
        let mut state = self.lock();
        if *state.gate == held {
            state.gate_told = true;
        }
    }

    /// `None`: somebody has it.
    pub(in crate::sessions) fn take_turn(self: Arc<Self>) -> Option<Turn> {
        (!self.turn.swap(true, Ordering::AcqRel)).then_some(Turn(self))
    }
}
