//! What an event changes. The same fold runs in the door and when tables are rebuilt, so a table is always what the ledger says.

#![expect(clippy::wildcard_enum_match_arm, reason = "a fold takes the events of its own area; the rest are other areas'")]

use std::sync::Arc;

use jiff::Timestamp;

use crate::event::Event;
use crate::facts::{Facts, PendingPolicy};
use crate::people::Actor;
use crate::{
    account, alert, change, contact, emergency, incident, monitor, obligation, offline, oncall, page, postmortem, review, session, status,
};

/// Folds one event into the facts and marks what it touched. `actor` is whoever gave the command.
pub fn apply(facts: &mut Facts, event: &Event, actor: &Actor, at: Timestamp) {
    policy(facts, event, actor, at);
    account::state::apply(facts, event, at);
    contact::state::apply(facts, event, at);
    incident::state::apply(facts, event, at);
    // After the incidents: they ask to which of them it belonged before.
    monitor::apply(facts, event, at);
    incident::room::apply(facts, event, at);
    alert::state::apply(facts, event, at);
    incident::merge::apply(facts, event, at);
    page::state::apply(facts, event, at);
    oncall::state::apply(facts, event, at);
    emergency::state::apply(facts, event, at);
    session::state::apply(facts, event, at);
    obligation::state::apply(facts, event, at);
    postmortem::state::apply(facts, event, at);
    status::state::apply(facts, event, at);
    review::state::apply(facts, event, at);
    offline::state::apply(facts, event);
    change::state::apply(facts, event, actor, at);
}

fn policy(facts: &mut Facts, event: &Event, actor: &Actor, at: Timestamp) {
    let workspace = &mut facts.workspace;
    match event {
        Event::PolicyAdopted { policy, .. } => {
            let mut next = (**policy).clone();
            crate::contact::keep(workspace.policy.as_deref(), &mut next);
            workspace.policy = Some(Arc::new(next));
            workspace.pending = None;
        }
        Event::PolicyProposed { digest, policy, weakenings } => {
            workspace.pending = Some(PendingPolicy {
                policy: Arc::new((**policy).clone()),
                digest: *digest,
                proposed_at: at,
                proposed_by: actor.as_person().cloned(),
                weakenings: weakenings.clone(),
                approved_by: Vec::new(),
            });
        }
        Event::PolicyApproved { by, .. } => {
            if let Some(pending) = &mut workspace.pending {
                pending.approved_by.push(by.clone());
            }
        }
        Event::PolicyRejected { .. } => workspace.pending = None,
        _ => return,
    }
    facts.touched.workspace = true;
}
