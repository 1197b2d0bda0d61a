//! The outbox: an effect is claimed by one node at a time, and every word about it carries the fence.

use hikeshi_domain::effect::EffectKey;

use super::rebuilt::effect;
use super::world::{World, acknowledged, at, opened, person};
use crate::testing::Scratch;
use crate::{Store, Writes, on_both};

fn queued(scratch: &Scratch, keys: &[&str]) -> World {
    let mut world = World::with_incidents(scratch, 1);
    let mut act = opened(2);
    act.effects = keys.iter().map(|key| effect(key)).collect();
    world.commit(vec![act]);
    world
}

fn an_effect_is_claimed_once(scratch: &Scratch) {
    let world = queued(scratch, &["obl_1/invitation/1", "obl_1/invitation/2", "obl_1/invitation/3"]);
    let first = world.store.claim("one", 2, 60).unwrap();
    let second = world.store.claim("two", 9, 60).unwrap();
    let keys = |claims: &[crate::Claim]| claims.iter().map(|claim| claim.effect.key.0.clone()).collect::<Vec<_>>();
    assert_eq!(keys(&first), ["obl_1/invitation/1", "obl_1/invitation/2"]);
    assert_eq!(keys(&second), ["obl_1/invitation/3"]);
    assert!(first.iter().chain(&second).all(|claim| !claim.taken_over && claim.attempts == 1));
    assert_eq!(first[0].effect, effect("obl_1/invitation/1"));
    assert!(world.store.claim("three", 9, 60).unwrap().is_empty());
    let rows = world.store.read(|reader| reader.outbox()).unwrap();
    assert!(rows.iter().all(|row| row.started && row.kind == "write_invitation") && rows.len() == 3);
}

fn a_claim_that_was_given_back_is_taken_over_with_another_fence(scratch: &Scratch) {
    let world = queued(scratch, &["obl_1/invitation/1"]);
    let claim = world.store.claim("one", 1, 60).unwrap().remove(0);
    assert!(world.store.extend(&claim.effect.key, claim.fence, 60).unwrap());
    assert!(!world.store.extend(&claim.effect.key, claim.fence + 1, 60).unwrap(), "a fence that was never given");
    assert!(world.store.release(&claim.effect.key, claim.fence, 0).unwrap());
    let again = world.store.claim("two", 1, 60).unwrap().remove(0);
    assert!(again.taken_over && again.fence > claim.fence && again.attempts == 2);
    assert!(!world.store.extend(&claim.effect.key, claim.fence, 60).unwrap(), "the fence of the first claim is over");
    assert!(!world.store.release(&claim.effect.key, claim.fence, 0).unwrap());
    assert!(world.store.release(&again.effect.key, again.fence, 60).unwrap());
    assert!(world.store.claim("three", 1, 60).unwrap().is_empty(), "it waits as long as was asked");
}

fn a_settled_effect_is_gone_with_the_same_commit(scratch: &Scratch) {
    let mut world = queued(scratch, &["obl_1/invitation/1", "obl_1/invitation/2"]);
    let mut act = acknowledged(2);
    act.settles = Some(EffectKey("obl_1/invitation/1".to_owned()));
    world.commit(vec![act]);
    let left: Vec<String> = world.store.read(|reader| reader.outbox()).unwrap().into_iter().map(|row| row.key.0).collect();
    assert_eq!(left, ["obl_1/invitation/2"]);
}

/// On SQLite a new process is alone, so earlier claims are over; on PostgreSQL another node may be at work.
fn after_a_restart_claims_are_over_where_nobody_else_can_be(scratch: &Scratch) {
    let world = queued(scratch, &["obl_1/invitation/1"]);
    assert_eq!(world.store.claim("one", 1, 600).unwrap().len(), 1);
    drop(world);
    let store = Store::open(scratch.location()).unwrap();
    let taken = store.claim("one", 1, 60).unwrap();
    match scratch.location() {
        crate::Location::Sqlite(_) => assert!(taken.len() == 1 && taken[0].taken_over),
        crate::Location::Postgres(_) => assert!(taken.is_empty()),
    }
}

fn a_duty_is_one_nodes_at_a_time(scratch: &Scratch) {
    let store = Store::open(scratch.location()).unwrap();
    assert!(store.lease("probes", "one", 60).unwrap());
    assert!(!store.lease("probes", "two", 60).unwrap());
    assert!(store.lease("probes", "one", 60).unwrap(), "extending is taking again");
    assert!(store.lease("reports", "two", 60).unwrap());
    assert!(store.lease("probes", "one", 0).is_err() && store.lease("probes", "one", 601).is_err(), "a lease has bounds");
}

fn a_heartbeat_is_remembered_and_moves_no_head(scratch: &Scratch) {
    use hikeshi_domain::facts::{Facts, Needs};
    use hikeshi_domain::ids::EmergencyId;
    let mut world = World::with_incidents(scratch, 1);
    let before = world.store.read(|reader| reader.head()).unwrap();
    for second in [5, 3] {
        let batch = world.writer.begin().unwrap();
        let writes = Writes { heard: vec![(EmergencyId(1), person("suzuki"), at(second))], ..Writes::default() };
        assert_eq!(batch.commit(writes).unwrap(), before);
    }
    let mut facts = Facts::default();
    let mut needs = Needs::default();
    needs.presence.insert(EmergencyId(1));
    world.store.read(|reader| reader.load(&needs, at(0), &mut facts)).unwrap();
    assert_eq!(facts.presence[&EmergencyId(1)], [(person("suzuki"), at(3))].into());
}

fn contents_are_found_by_their_digest(scratch: &Scratch) {
    let store = Store::open(scratch.location()).unwrap();
    let output = b"\x82\xa0\x00\xff shift_jis and more".to_vec();
    let digest = store.put_content(&output).unwrap();
    assert_eq!(store.put_content(&output).unwrap(), digest, "twice is once");
    assert_eq!(store.read(|reader| reader.content(&digest)).unwrap(), Some(output));
    assert_eq!(store.read(|reader| reader.content(&hikeshi_domain::ids::Digest::of(b"?"))).unwrap(), None);
    store.put_checkpoint(3, "three", at(0)).unwrap();
    store.put_checkpoint(9, "nine", at(1)).unwrap();
    store.put_checkpoint(3, "another three", at(2)).unwrap();
    let (last, all) = store.read(|reader| Ok((reader.checkpoint()?, reader.checkpoints()?))).unwrap();
    assert_eq!(last, Some((9, "nine".to_owned())));
    assert_eq!(all, [(3, "three".to_owned()), (9, "nine".to_owned())], "a checkpoint is never replaced");
}

/// An order for the chat, as small as one can be.
fn said(key: &str, lane: &str) -> hikeshi_domain::effect::Effect {
    let order = serde_json::json!({
        "slack": {}, "channel": "emergency-deploy", "lane": lane, "at": at(0), "act": { "act": "restate", "emergency": "emg_1" },
        "place": { "channel": "emergency-deploy" },
        "words": { "language": "ja", "time_zone": "Asia/Tokyo", "scheme": "four_priorities", "people": {}, "roles": {}, "users": {}, "groups": {} },
    });
    let order = serde_json::from_value(order).unwrap();
    hikeshi_domain::effect::Effect { key: EffectKey(key.to_owned()), work: hikeshi_domain::effect::Work::Chat(Box::new(order)) }
}

fn a_kind_whose_order_is_kept_has_one_claim_at_a_time_and_nothing_overtakes(scratch: &Scratch) {
    let mut world = queued(scratch, &["obl_1/invitation/1"]);
    let mut act = opened(3);
    act.effects = vec![
        said("post/000000000009/0001", "emergency"),
        said("post/000000000009/0000", "emergency"),
        said("post/000000000009/0002", "other"),
    ];
    world.commit(vec![act]);
    let [emergency, other, _] = hikeshi_domain::effect::IN_ORDER;
    let first = |kind| world.store.claim_first("one", kind, 60).unwrap().map(|claim| claim.effect.key.0);
    let others = world.store.claim("one", 9, 60).unwrap();
    assert_eq!(others.len(), 1, "those whose order is kept are not given out with the others");
    let claim = world.store.claim_first("one", emergency, 60).unwrap().unwrap();
    assert_eq!((claim.effect.key.0.as_str(), claim.taken_over), ("post/000000000009/0000", false));
    assert_eq!(first(emergency), None, "the second waits for the first");
    assert_eq!(first(other).as_deref(), Some("post/000000000009/0002"), "another kind does not");
    assert!(world.store.release(&claim.effect.key, claim.fence, 60).unwrap());
    assert_eq!(first(emergency), None, "what is put off is not overtaken");
    let mut act = acknowledged(3);
    act.settles = Some(claim.effect.key);
    world.commit(vec![act]);
    assert_eq!(world.store.claim_first("one", emergency, 60).unwrap().unwrap().effect.key.0, "post/000000000009/0001");
}

on_both!(
    an_effect_is_claimed_once,
    a_kind_whose_order_is_kept_has_one_claim_at_a_time_and_nothing_overtakes,
    a_claim_that_was_given_back_is_taken_over_with_another_fence,
    a_settled_effect_is_gone_with_the_same_commit,
    after_a_restart_claims_are_over_where_nobody_else_can_be,
    a_duty_is_one_nodes_at_a_time,
    a_heartbeat_is_remembered_and_moves_no_head,
    contents_are_found_by_their_digest,
);
