//! Telling those who read the status page, while a mail server or a program is away.

use hikeshi_domain::command::Command;
use hikeshi_domain::effect::EffectKey;
use hikeshi_domain::ids::IncidentId;
use hikeshi_domain::incident;
use hikeshi_domain::policy::{Language, Policy};
use hikeshi_domain::status::{Health, PublicState, PublicText};
use hikeshi_engine::door::Door;
use hikeshi_engine::status::Asking;
use hikeshi_store::Store;
use hikeshi_store::testing::Scratch;

use crate::kit::*;

hikeshi_store::on_both!(
    a_status_mail_server_that_is_away_costs_nobody_a_post,
    a_status_mail_server_that_stays_away_is_given_up,
    a_status_webhook_that_hangs_holds_up_no_mail,
    a_full_status_mailbox_holds_up_no_later_post,
    a_refused_status_confirmation_is_not_the_end_of_it,
    status_addresses_are_forgotten_also_when_the_page_takes_none,
);

fn with_page(mail: bool) -> Policy {
    let mut policy = serde_json::to_value(policy()).expect("a policy");
    let name = serde_json::json!({ "ja": "予約", "en": "Booking" });
    policy["status"] = serde_json::json!({
        "title": name, "url": "https://status.example.test", "mails_per_min": 6_000,
        "components": { "booking": { "name": name, "services": ["reservation"], "environment": "production" } },
        "webhooks": { "partner": { "url": "http://127.0.0.1:1/" } },
    });
    if mail {
        policy["status"]["mail"] = serde_json::json!({ "host": "127.0.0.1", "from": "status@example.test" });
    }
    serde_json::from_value(policy).expect("it is a policy still")
}

fn asking(id: u64) -> Asking {
    let (address, secret, leave) = (format!("{id}@example.test"), format!("secret-{id}"), format!("leave-{id}"));
    Asking { id, address, language: Language::Ja, secret, leave }
}

/// The store blocks, which a thread of the runtime must not.
fn on_store<T: Send>(town: &Town, work: impl FnOnce(&Store) -> T + Send) -> T {
    std::thread::scope(|scope| scope.spawn(|| work(&town.store)).join()).expect("it ends")
}

fn subscribed(town: &Town, readers: u64) {
    let now = town.now();
    on_store(town, |store| {
        for id in 1..=readers {
            assert!(store.ask(&asking(id), now).expect("asked") && store.confirm(id, &format!("secret-{id}"), now).expect("confirmed"));
        }
    });
}

async fn publish(door: &Door, incident: IncidentId) {
    let text = PublicText { ja: Some("調べています".to_owned()), en: None };
    let components = [("booking".parse().expect("a name"), Health::Degraded)].into();
    let publish = incident::Command::Publish { incident, state: PublicState::Investigating, text, components };
    done(door, "tanaka", Command::Incident(publish)).await;
}

/// Sent and failed, once all were tried.
fn told(town: &Town, incident: IncidentId, post: usize) -> Option<(u32, u32)> {
    let public = town.incident(incident).public;
    public.get(post - 1).and_then(|post| post.told.as_ref()).map(|told| (told.sent, told.failed))
}

fn tries(town: &Town, part: &str) -> usize {
    town.hands.performed().iter().filter(|key| key.0.contains(part)).count()
}

fn a_status_mail_server_that_is_away_costs_nobody_a_post(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.start("one").await;
        let door = engine.door();
        adopt(&door, with_page(true)).await;
        subscribed(&town, 8);
        town.hands.will_to("/mail/", Act::Fail);
        let incident = open_incident(&door, "tanaka").await;
        publish(&door, incident).await;
        town.until("it is noticed", |town| tries(town, "/mail/") == 5).await;
        tokio::time::sleep(std::time::Duration::from_secs(7)).await;
        assert_eq!(tries(&town, "/mail/"), 5, "a server that hangs would cost each of the others its whole time");
        assert_eq!(tries(&town, "/webhook/"), 1, "whoever can be reached is");
        assert_eq!(told(&town, incident, 1), None, "and the others are waited for");
        town.hands.will_to("/mail/", Act::Well);
        town.until("all are told", |town| told(town, incident, 1) == Some((9, 0))).await;
        assert_eq!(tries(&town, "/webhook/"), 1, "once");
        engine.stop().await;
    });
}

fn a_status_mail_server_that_stays_away_is_given_up(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.start("one").await;
        let door = engine.door();
        adopt(&door, with_page(true)).await;
        subscribed(&town, 20);
        town.hands.will_to("/mail/", Act::Fail);
        let incident = open_incident(&door, "tanaka").await;
        publish(&door, incident).await;
        town.until("it is noticed", |town| tries(town, "/mail/") == 5).await;
        town.pass(31);
        town.until("it is counted", |town| told(town, incident, 1) == Some((1, 20))).await;
        assert!(tries(&town, "/mail/") <= 10, "those whom nobody has tried are counted, and not tried");
        engine.stop().await;
    });
}

fn a_status_webhook_that_hangs_holds_up_no_mail(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.start("one").await;
        let door = engine.door();
        adopt(&door, with_page(true)).await;
        subscribed(&town, 3);
        town.hands.will_to("/webhook/", Act::Hang);
        let incident = open_incident(&door, "tanaka").await;
        publish(&door, incident).await;
        town.until("all mails are out", |town| tries(town, "/mail/") == 3).await;
        engine.stop().await;
    });
}

fn a_full_status_mailbox_holds_up_no_later_post(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.start("one").await;
        let door = engine.door();
        adopt(&door, with_page(true)).await;
        subscribed(&town, 8);
        for reader in 1..=6 {
            town.hands.will_to(&format!("/mail/{reader}"), Act::Later);
        }
        let incident = open_incident(&door, "tanaka").await;
        publish(&door, incident).await;
        town.until("the others are told", |town| tries(town, "/mail/8") == 1).await;
        publish(&door, incident).await;
        town.until("the first is over", |town| told(town, incident, 1) == Some((3, 6))).await;
        town.until("the second is told", |town| tries(town, "/2/mail/8") == 1).await;
        engine.stop().await;
    });
}

fn a_refused_status_confirmation_is_not_the_end_of_it(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.start("one").await;
        let door = engine.door();
        adopt(&door, with_page(true)).await;
        town.hands.will_to("/confirm/", Act::Refuse);
        assert!(door.subscribe(asking(1)).await.expect("asked"));
        town.until("it is refused", |town| tries(town, "/confirm/") == 1).await;
        town.pass(3);
        town.hands.will_to("/confirm/", Act::Well);
        town.until("it is out", |town| tries(town, "/confirm/") == 2).await;
        town.pass(11);
        assert!(door.subscribe(Asking { secret: "another".to_owned(), ..asking(1) }).await.expect("asked"));
        town.until("it is out again", |town| tries(town, "/confirm/") == 3).await;
        let keys: Vec<EffectKey> = town.hands.performed().into_iter().filter(|key| key.0.contains("/confirm/")).collect();
        assert!(keys[0] == keys[1] && keys[1] != keys[2], "one message, and another one: {keys:?}");
        assert!(door.confirm_subscriber(1, "another".to_owned()).await.expect("an answer"));
        engine.stop().await;
    });
}

fn status_addresses_are_forgotten_also_when_the_page_takes_none(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.start("one").await;
        adopt(&engine.door(), with_page(false)).await;
        let began = town.now();
        let waiting = |town: &Town| on_store(town, |store| store.unasked(began, 10).expect("an answer").len());
        assert!(on_store(&town, |store| store.ask(&asking(1), began).expect("asked")));
        town.pass(23 * 60);
        tokio::time::sleep(std::time::Duration::from_secs(6)).await;
        assert_eq!(waiting(&town), 1, "there is time left");
        town.pass(2 * 60);
        town.until("it is forgotten", |town| waiting(town) == 0).await;
        engine.stop().await;
    });
}
