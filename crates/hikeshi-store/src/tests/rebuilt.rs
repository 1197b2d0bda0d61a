//! The tables are projections: the ledger alone makes them again, and the comparison finds no difference.

use hikeshi_domain::effect::{Effect, EffectKey, InvitationOrder, Work};
use hikeshi_domain::event::Event;
use hikeshi_domain::ids::Digest;

use super::world::{Act, World, acknowledged, adopted, at, opened, person, resolved, silenced};
use crate::testing::{Scratch, execute};
use crate::{Deviation, Difference, Location, Span, Store, on_both};

fn link(secret: &str) -> Act {
    let event = Event::LinkIssued { person: person("tanaka"), secret: Digest::of(secret.as_bytes()), expires_at: at(3_600) };
    Act { key: format!("invite-{secret}"), events: vec![event], ..Act::default() }
}

/// A world with something in most tables.
pub fn full(scratch: &Scratch) -> World {
    let mut world = World::with_incidents(scratch, 9);
    world.now = at(90);
    world.commit(vec![acknowledged(1), link("first"), resolved(2)]);
    let mut queues = opened(10);
    queues.effects = vec![effect("obl_1/invitation/1"), effect("obl_1/invitation/2")];
    world.commit(vec![queues]);
    let mut settles = acknowledged(10);
    settles.settles = Some(EffectKey("obl_1/invitation/1".to_owned()));
    world.commit(vec![settles, adopted("renamed"), silenced(1, "prometheus/a")]);
    world
}

pub fn effect(key: &str) -> Effect {
    let incident = serde_json::json!({
        "id": "inc_1", "title": "t", "summary": "", "service": "s", "environment": "e",
        "triage": { "impact": "all_users", "business": "lost_sales", "urgency": "now" },
        "priority": "P1", "stage": "reported", "opened_by": { "who": "startup" },
        "detected_at": at(0), "opened_at": at(0),
    });
    let target = serde_json::json!({ "target": "t", "executor": "tanaka", "summary": "", "steps": [], "scope": [], "verification": {} });
    let condition = serde_json::json!({ "statement": "", "evidence": "" });
    let emergency = serde_json::json!({
        "id": "emg_1", "incident": "inc_1", "requester": "tanaka",
        "conditions": { "serious_failure": condition, "normal_flow_cannot": condition, "cannot_wait": condition, "judged_by": {} },
        "plan": target, "revision": 1, "digest": Digest::of(b"plan"), "status": "closed",
        "requirement": { "every_role": false, "because": [] }, "approvals": [], "witnesses": {}, "steps": [], "attempts": [],
        "requested_at": at(0),
    });
    let order = serde_json::json!({
        "obligation": "obl_1", "documents_root": "docs", "starts_at": at(0), "lasts_min": 60, "sequence": 0, "invited": [],
        "facts": {
            "workspace": "w", "time_zone": "Asia/Tokyo", "language": "ja", "incident": incident, "emergency": emergency,
            "names": {}, "roles": {}, "scheme": "four_priorities", "service_name": "s", "environment_name": "e",
        },
    });
    let order: InvitationOrder = serde_json::from_value(order).unwrap();
    Effect { key: EffectKey(key.to_owned()), work: Work::WriteInvitation(Box::new(order)) }
}

fn the_ledger_alone_makes_the_tables(scratch: &Scratch) {
    let world = full(scratch);
    let comparison = world.store.read(|reader| reader.compare()).unwrap();
    assert_eq!(comparison.differences, []);
    assert_eq!((comparison.fault, comparison.entries), (None, 17));
    assert!(comparison.rows > 30, "{} rows were compared", comparison.rows);
}

fn what_differs_is_named_and_put_right(scratch: &Scratch) {
    drop(full(scratch));
    let wrong = "UPDATE incidents SET open = 0 WHERE id = 3; DELETE FROM incidents WHERE id = 4; UPDATE incidents SET doc = '{}' WHERE id = 5; \
         DELETE FROM posts WHERE seq = 2; UPDATE timers SET due_at_ns = 1 WHERE owner = 'inc_6'; \
         INSERT INTO timers (owner, due_at_ns, doc) VALUES ('inc_77', 5, '[]'); DELETE FROM outbox; DELETE FROM credentials; \
         UPDATE entries SET case_id = 99 WHERE seq = 8; UPDATE ledger_head SET counters = '{\"incident\":0,\"emergency\":0,\"obligation\":0,\"token\":0}'; \
         UPDATE workspace SET policy = NULL";
    match scratch.location() {
        Location::Sqlite(path) => rusqlite::Connection::open(path).unwrap().execute_batch(wrong).unwrap(),
        Location::Postgres(url) => execute(url, wrong).unwrap(),
    }
    let store = Store::open(scratch.location()).unwrap();
    let found = store.rebuild().unwrap();
    let named = |table, row: &str, is| Difference { table, row: row.to_owned(), is };
    let link = Digest::of(b"first").to_string();
    assert_eq!(
        found.differences,
        [
            named("entries", "8", Deviation::Differs { column: "case_id" }),
            named("incidents", "3", Deviation::Differs { column: "open" }),
            named("incidents", "4", Deviation::Missing),
            named("incidents", "5", Deviation::Differs { column: "doc" }),
            named("credentials", &link, Deviation::Missing),
            named("posts", "incidents/2/0", Deviation::Missing),
            named("timers", "inc_6", Deviation::Differs { column: "due_at_ns" }),
            named("timers", "inc_77", Deviation::Unexpected),
            named("outbox", "obl_1/invitation/2", Deviation::Missing),
            named("workspace", "1", Deviation::Differs { column: "counters" }),
            named("workspace", "1", Deviation::Differs { column: "policy" }),
        ]
    );
    assert!(store.read(|reader| reader.compare()).unwrap().agrees(), "after the rebuild nothing differs");
    assert_eq!(store.read(|reader| reader.verify([])).unwrap().fault, None);
    // An effect whose row was lost may have been begun: whoever claims it must look first.
    let claims = store.claim("node", 10, 60).unwrap();
    assert!(claims.iter().all(|claim| claim.taken_over) && claims.len() == 1, "{claims:?}");
    // And the writer goes on with the policy and the numbers of the ledger.
    let mut writer = store.writer().unwrap();
    let head = writer.begin().unwrap().head().clone();
    assert_eq!(head.workspace.policy.map(|policy| policy.workspace.name.clone()).as_deref(), Some("renamed"));
    assert_eq!(head.workspace.counters.incident, 10);
}

fn nothing_is_rebuilt_from_a_wrong_ledger(scratch: &Scratch) {
    drop(full(scratch));
    let wrong = "DELETE FROM entries WHERE seq = 5; UPDATE incidents SET open = 0 WHERE id = 3";
    match scratch.location() {
        Location::Sqlite(path) => rusqlite::Connection::open(path).unwrap().execute_batch(wrong).unwrap(),
        Location::Postgres(url) => execute(url, wrong).unwrap(),
    }
    let store = Store::open(scratch.location()).unwrap();
    assert_eq!(store.rebuild().unwrap().fault.map(|fault| fault.earliest), Some(5));
    let open = store.read(|reader| reader.incidents(true, Span { before: None, limit: 50 })).unwrap();
    assert!(!open.iter().any(|incident| incident.id.0 == 3), "the tables were left as they are");
}

on_both!(the_ledger_alone_makes_the_tables, what_differs_is_named_and_put_right, nothing_is_rebuilt_from_a_wrong_ledger);
