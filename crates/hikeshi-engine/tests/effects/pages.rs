//! Many people are called at once.

use hikeshi_domain::page::HowEnded;
use hikeshi_domain::policy::Policy;
use hikeshi_store::testing::Scratch;

use crate::kit::*;

hikeshi_store::on_both!(
    hundreds_of_pages_are_claimed_together,
    pages_that_wait_are_not_sent_once_their_incident_is_merged,
    slight_pages_that_follow_come_in_one_message,
    a_crash_between_joining_and_sending_loses_no_page,
    what_is_over_before_the_window_ends_calls_nobody,
);

const PEOPLE: u64 = 300;

/// The policy of the town, in which everybody of the first step has a webhook.
fn crowded() -> Policy {
    let mut policy = serde_json::to_value(policy()).expect("a policy");
    for number in 0..PEOPLE {
        policy["people"][format!("oncall-{number}")] =
            serde_json::json!({ "name": format!("当番 {number}"), "roles": ["operator"], "webhook": { "url": "http://127.0.0.1:1/" } });
    }
    policy["paging"] = serde_json::json!({ "timeout_s": 5, "rules": [{ "after_min": 0, "by": ["webhook"] }] });
    serde_json::from_value(policy).expect("it is a policy still")
}

fn hundreds_of_pages_are_claimed_together(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.start("one").await;
        let door = engine.door();
        adopt(&door, crowded()).await;
        let before = door.figures();
        let incident = open_incident(&door, "tanaka").await;
        town.settled().await;
        let pages = town.incident(incident).pages;
        let sent = pages
            .iter()
            .flat_map(|page| &page.attempts)
            .filter(|attempt| matches!(&attempt.end, Some(end) if matches!(end.how, HowEnded::Sent { .. })));
        assert_eq!(sent.count() as u64, PEOPLE, "each once");
        assert_eq!(town.hands.performed().len() as u64, PEOPLE);
        let claims = door.figures().claims - before.claims;
        assert!(claims < PEOPLE / 4, "{claims} claims: each is a commit, and people wait behind it");
        engine.stop().await;
    });
}

/// Those that are on their way cannot be called back; whoever waits behind them is not called any more.
fn pages_that_wait_are_not_sent_once_their_incident_is_merged(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.start("one").await;
        let door = engine.door();
        adopt(&door, crowded()).await;
        let into = open_incident(&door, "tanaka").await;
        town.settled().await;
        for kind in hikeshi_domain::effect::PAGES {
            town.hands.will(kind, Act::FailLater);
        }
        let incident = open_incident(&door, "tanaka").await;
        let of_it = || town.hands.performed().iter().filter(|key| key.0.starts_with(&format!("page/{incident}/"))).count();
        while of_it() < 10 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        let command = hikeshi_domain::incident::Command::Merge { incident, into, reason: "同じ障害".to_owned() };
        done(&door, "tanaka", hikeshi_domain::command::Command::Incident(command)).await;
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        let begun = of_it();
        assert!((begun as u64) < PEOPLE, "some still wait");
        let open = || town.incident(incident).pages.iter().flat_map(|page| &page.attempts).filter(|attempt| attempt.end.is_none()).count();
        while open() > 0 {
            town.hands.fail_now();
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
        town.settled().await;
        assert_eq!(of_it(), begun, "nobody else was called");
        engine.stop().await;
    });
}

/// One person with a webhook, and a window that a test can wait for.
fn bundling(window_s: u32) -> Policy {
    let mut policy = serde_json::to_value(policy()).expect("a policy");
    policy["people"]["tanaka"]["webhook"] = serde_json::json!({ "url": "http://127.0.0.1:1/" });
    policy["people"]["tanaka"]["page_by"] = serde_json::json!([]);
    policy["paging"] = serde_json::json!({
        "timeout_s": 5, "rules": [{ "after_min": 0, "by": ["webhook"] }], "bundle": { "window_s": window_s },
    });
    policy["incident"] = serde_json::json!({ "escalation": [{ "after_min": 0, "people": ["tanaka"] }], "serious_at_once": [] });
    serde_json::from_value(policy).expect("it is a policy still")
}

async fn opened(door: &hikeshi_engine::door::Door, priority: hikeshi_domain::incident::Priority) -> hikeshi_domain::ids::IncidentId {
    let mut asked = opening("遅い");
    if let hikeshi_domain::command::Command::Incident(hikeshi_domain::incident::Command::Open { triage, .. }) = &mut asked {
        triage.priority_override = Some(hikeshi_domain::incident::Override { priority, reason: "軽い".to_owned() });
    }
    done(door, "takahashi", asked).await.case.expect("a case")
}

/// Each page of an incident: whether it was sent, whether it says that it may come twice, and with how many others.
fn sent(town: &Town, incident: hikeshi_domain::ids::IncidentId) -> Vec<(bool, usize)> {
    let pages = town.incident(incident).pages;
    let ends = pages.iter().flat_map(|page| &page.attempts).map(|attempt| attempt.end.as_ref().map(|end| end.how.clone()));
    ends.map(|how| match how {
        Some(HowEnded::Sent { repeated, bundle, .. }) => (repeated, bundle.len()),
        other => panic!("not sent: {other:?}"),
    })
    .collect()
}

fn slight_pages_that_follow_come_in_one_message(scratch: &Scratch) {
    use hikeshi_domain::incident::Priority;
    town(scratch, async |town| {
        let engine = town.start("one").await;
        let door = engine.door();
        adopt(&door, bundling(3)).await;
        let first = opened(&door, Priority::P3).await;
        town.settled().await;
        assert_eq!(sent(&town, first), [(false, 0)], "the first of a service waits for nobody");
        let (second, third, fourth) =
            (opened(&door, Priority::P4).await, opened(&door, Priority::P3).await, opened(&door, Priority::P3).await);
        let worse = opened(&door, Priority::P2).await;
        let worst = opened(&door, Priority::P1).await;
        town.until("what is more serious is sent", |town| {
            [worse, worst]
                .iter()
                .all(|id| town.incident(*id).pages.iter().flat_map(|page| &page.attempts).all(|attempt| attempt.end.is_some()))
        })
        .await;
        assert!(town.incident(second).pages.iter().flat_map(|page| &page.attempts).all(|attempt| attempt.end.is_none()), "they wait");
        town.settled().await;
        for id in [worse, worst] {
            assert_eq!(sent(&town, id), [(false, 0)], "{id} went at once and alone");
        }
        for id in [second, third, fourth] {
            assert_eq!(sent(&town, id), [(false, 3)], "{id}");
        }
        let head = format!("page/{third}/1/tanaka/webhook/1");
        let performed: Vec<String> = town.hands.performed().into_iter().map(|key| key.0).collect();
        assert_eq!(performed.iter().filter(|key| **key == head).count(), 1, "one message, about the most serious first");
        assert_eq!(performed.len(), 4, "{performed:?}");
        engine.stop().await;
    });
}

fn a_crash_between_joining_and_sending_loses_no_page(scratch: &Scratch) {
    use hikeshi_domain::incident::Priority;
    town(scratch, async |town| {
        let engine = town.start("one").await;
        adopt(&engine.door(), bundling(2)).await;
        let first = opened(&engine.door(), Priority::P3).await;
        town.settled().await;
        let mut others = Vec::new();
        for _ in 0..3 {
            others.push(opened(&engine.door(), Priority::P3).await);
        }
        // Some wait while the program dies, and some are on their way.
        drop(engine);
        let engine = town.start("two").await;
        for kind in hikeshi_domain::effect::PAGES {
            town.hands.will(kind, Act::HappenAndHang);
        }
        let head = hikeshi_domain::effect::EffectKey(format!("page/{}/1/tanaka/webhook/1", others[0]));
        town.until("they are being sent", |town| town.hands.performed().contains(&head)).await;
        drop(engine);
        for kind in hikeshi_domain::effect::PAGES {
            town.hands.will(kind, Act::Well);
        }
        let engine = town.start("three").await;
        town.settled().await;
        assert_eq!(sent(&town, first), [(false, 0)]);
        for id in &others {
            assert_eq!(sent(&town, *id), [(true, 3)], "{id}: sent again with the others, and says so");
        }
        assert_eq!(town.hands.happened(&head), 2);
        engine.stop().await;
    });
}

fn what_is_over_before_the_window_ends_calls_nobody(scratch: &Scratch) {
    use hikeshi_domain::incident::{Command, Priority};
    town(scratch, async |town| {
        let engine = town.start("one").await;
        let door = engine.door();
        adopt(&door, bundling(2)).await;
        opened(&door, Priority::P4).await;
        town.settled().await;
        let (over, other, last) = (opened(&door, Priority::P4).await, opened(&door, Priority::P4).await, opened(&door, Priority::P4).await);
        let resolve = Command::Resolve { incident: over, what: "再起動で戻った".to_owned() };
        done(&door, "tanaka", hikeshi_domain::command::Command::Incident(Command::Acknowledge { incident: over })).await;
        done(&door, "tanaka", hikeshi_domain::command::Command::Incident(resolve)).await;
        town.settled().await;
        let end = town.incident(over).pages[0].attempts[0].end.clone();
        assert!(matches!(end.map(|end| end.how), Some(HowEnded::Failed { permanent: true, .. })), "the timeline says why it was not sent");
        for id in [other, last] {
            assert_eq!(sent(&town, id), [(false, 2)], "{id}");
        }
        engine.stop().await;
    });
}
