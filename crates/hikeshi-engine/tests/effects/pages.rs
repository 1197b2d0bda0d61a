//! Many people are called at once.

use hikeshi_domain::page::HowEnded;
use hikeshi_domain::policy::Policy;
use hikeshi_store::testing::Scratch;

use crate::kit::*;

hikeshi_store::on_both!(hundreds_of_pages_are_claimed_together, pages_that_wait_are_not_sent_once_their_incident_is_merged);

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
