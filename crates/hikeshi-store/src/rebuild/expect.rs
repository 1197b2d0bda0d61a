//! The fold of the whole ledger: what every table should hold.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use hikeshi_domain::Timestamp;
use hikeshi_domain::apply::apply;
use hikeshi_domain::effect::{Effect, EffectKey};
use hikeshi_domain::event::Event;
use hikeshi_domain::facts::Facts;
use hikeshi_domain::ids::{Digest, IncidentId, RequestKey};
use hikeshi_domain::ledger::{Entry, EntryResult, Frontier, leaf_hash};
use hikeshi_domain::people::Actor;
use hikeshi_domain::timer::{Timer, of_alert, of_emergency, of_incident, of_obligation, of_workspace};

use crate::PostRecord;
use crate::error::{Result, StoreError};
use crate::ledger::KEPT_LEVEL;
use crate::sql::{EntryRow, Session};

#[derive(Default)]
pub(super) struct Expected {
    pub facts: Facts,
    pub posts: Vec<PostRecord>,
    pub outbox: BTreeMap<EffectKey, (Effect, Timestamp)>,
    /// Complete subtrees: level, index, hash.
    pub nodes: Vec<(u32, u64, Digest)>,
    /// Columns beside the entries.
    pub columns: Vec<(u64, RequestKey, Option<IncidentId>)>,
    frontier: Frontier,
}

impl Expected {
    pub fn fold(session: &mut dyn Session) -> Result<Self> {
        let mut expected = Self::default();
        let mut wrong = None;
        session.walk(0, &mut |row| match expected.add(row) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                wrong = Some(error);
                ControlFlow::Break(())
            }
        })?;
        wrong.map_or(Ok(expected), Err)
    }

    fn add(&mut self, row: EntryRow<'_>) -> Result<()> {
        let entry: Entry = serde_json::from_slice(row.bytes)
            .map_err(|error| StoreError::damaged(format!("entry {} holds something that this program does not know: {error}", row.seq)))?;
        let nodes = &mut self.nodes;
        self.frontier.append_noting(leaf_hash(row.bytes), |level, index, hash| {
            if level >= KEPT_LEVEL {
                nodes.push((level, index, *hash));
            }
        });
        self.columns.push((entry.seq, entry.key, entry.case));
        let EntryResult::Done { events, effects, settles, .. } = entry.result else { return Ok(()) };
        for event in &events {
            apply(&mut self.facts, event, &entry.actor, entry.at);
        }
        self.posts.extend(posts_of(entry.seq, entry.at, &entry.actor, &events));
        for effect in effects {
            self.outbox.insert(effect.key.clone(), (effect, entry.at));
        }
        if let Some(key) = settles {
            self.outbox.remove(&key);
        }
        Ok(())
    }

    pub fn timers(&self) -> Vec<Timer> {
        let Some(policy) = self.facts.policy() else { return Vec::new() };
        let incidents = self.facts.incidents.values().flatten().flat_map(|incident| of_incident(incident, policy));
        let emergencies = self.facts.emergencies.values().flatten().flat_map(|emergency| of_emergency(emergency, policy));
        let obligations = self.facts.obligations.values().flatten().flat_map(|obligation| of_obligation(obligation, policy));
        let alerts = self.facts.alerts.values().flatten().flat_map(|alert| of_alert(alert, policy));
        incidents.chain(alerts).chain(emergencies).chain(obligations).chain(of_workspace(&self.facts.workspace)).collect()
    }
}

/// The posts of one entry, numbered from 0.
pub(crate) fn posts_of(seq: u64, at: Timestamp, actor: &Actor, events: &[Event]) -> Vec<PostRecord> {
    let posts = events.iter().filter_map(|event| if let Event::Posted { post } = event { Some(post) } else { None });
    (0..).zip(posts).map(|(part, post)| PostRecord { seq, part, at, actor: actor.clone(), post: post.clone() }).collect()
}
