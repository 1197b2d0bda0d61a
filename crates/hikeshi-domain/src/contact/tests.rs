//! Test pages: who is called, what counts as proof, and when the quarterly test is done (rule M2).

use std::sync::Arc;

use super::*;
use crate::effect::{Effect, Outcome, Work};
use crate::event::Event;
use crate::obligation::{self, Kind, Obligation};
use crate::page::{self, About};
use crate::people::Actor;
use crate::policy::{Bundling, Paging, PagingRule, Webhook};
use crate::refusal::Refusal;
use crate::testing::{World, who};

fn person(name: &str) -> PersonId {
    PersonId::new(name).expect("a handle")
}

/// Everybody has a webhook.
fn world() -> World {
    let mut world = World::new();
    let mut policy = (**world.all.workspace.policy.as_ref().expect("a policy")).clone();
    for (id, person) in &mut policy.people {
        person.webhook = Some(Webhook { url: format!("http://127.0.0.1:1/{id}"), secret_env: None });
    }
    policy.paging = Some(Paging {
        rules: vec![PagingRule { after_min: 0, by: vec![Means::Webhook] }],
        mail: None,
        twilio: None,
        web_push: None,
        timeout_s: 10,
        bundle: Bundling::default(),
    });
    assert_eq!(policy.check(), Vec::new());
    world.all.workspace.policy = Some(Arc::new(policy));
    world
}

fn change(world: &mut World, change: impl FnOnce(&mut crate::policy::Policy)) {
    let mut policy = (**world.all.workspace.policy.as_ref().expect("a policy")).clone();
    change(&mut policy);
    world.all.workspace.policy = Some(Arc::new(policy));
}

fn test(world: &mut World, people: &[&str]) -> Result<usize, Refusal> {
    let people = people.iter().map(|name| person(name)).collect();
    let command = crate::command::Command::Contact(Command::Test { people, means: None });
    world.submit(&who("tanaka"), &command).map(|decision| decision.effects.len())
}

fn confirm(world: &mut World, name: &str) -> Result<(), Refusal> {
    world.submit(&who(name), &crate::command::Command::Contact(Command::Confirm { means: Means::Webhook, number: None })).map(drop)
}

fn ends(world: &mut World, key: &str, outcome: Outcome) -> Result<(), Refusal> {
    let ended = crate::command::OutcomeCommand::Ended { effect: EffectKey(key.to_owned()), outcome: Box::new(outcome) };
    world.submit(&Actor::Runner, &crate::command::Command::Outcome(ended)).map(drop)
}

fn sent() -> Outcome {
    Outcome::Paged { reference: String::new(), repeated: false, bundle: Vec::new() }
}

fn known(world: &World, name: &str) -> Contact {
    world.all.account(&person(name)).and_then(|account| account.contacts.get(&Means::Webhook)).expect("it was tested").clone()
}

#[test]
fn without_names_everybody_whom_an_incident_may_call_is_tested_once() {
    let mut world = world();
    let policy = world.all.workspace.policy.clone().expect("a policy");
    let called = called(&policy);
    assert!(called.len() > 2 && called.len() < policy.people.len(), "{called:?}");
    assert_eq!(test(&mut world, &[]), Ok(called.len()));
    for effect in &world.queued {
        let Effect { key, work: Work::Page(order) } = effect else { panic!("a page") };
        assert_eq!(test_of(key).map(|(person, _, number)| (person, number)), Some((order.person.clone(), 1)));
        assert!(
            matches!(&order.about, About::Test { .. }) && effect.work.kind() == "page_other",
            "it never waits before a real page: {order:?}"
        );
    }
    assert_eq!(test(&mut world, &["tanaka"]), Err(Refusal::TestedJustNow { minutes: 5 }));
    world.pass(5 * 60);
    assert_eq!(test(&mut world, &["tanaka"]), Ok(1));
    assert_eq!(known(&world, "tanaka").number, 2);
}

#[test]
fn only_its_owner_proves_a_contact() {
    let mut world = world();
    assert_eq!(confirm(&mut world, "ito"), Err(Refusal::NoTestToConfirm { means: Means::Webhook }));
    test(&mut world, &["ito"]).expect("tested");
    ends(&mut world, "page/test/ito/webhook/1", sent()).expect("sent");
    assert_eq!(known(&world, "ito").proven, None, "that it was taken says nothing of a person");
    assert_eq!(confirm(&mut world, "tanaka"), Err(Refusal::NoTestToConfirm { means: Means::Webhook }), "for oneself only");
    confirm(&mut world, "ito").expect("confirmed");
    assert_eq!(known(&world, "ito").proven.map(|proven| proven.at), Some(world.now));
    assert_eq!(confirm(&mut world, "ito"), Err(Refusal::NoTestToConfirm { means: Means::Webhook }), "once");
}

#[test]
fn a_test_that_failed_cannot_be_confirmed_and_is_not_tried_again() {
    let mut world = world();
    test(&mut world, &["ito"]).expect("tested");
    let ordered = world.ordered.len();
    ends(&mut world, "page/test/ito/webhook/1", Outcome::Failed { detail: "HTTP 503".to_owned() }).expect("recorded");
    assert_eq!(world.ordered.len(), ordered);
    assert_eq!(confirm(&mut world, "ito"), Err(Refusal::NoTestToConfirm { means: Means::Webhook }));
    assert_eq!(ends(&mut world, "page/test/ito/webhook/1", sent()), Err(Refusal::Stale));
    world.pass(600);
    test(&mut world, &["ito"]).expect("tested again");
    assert_eq!(ends(&mut world, "page/test/ito/webhook/1", sent()), Err(Refusal::Stale), "the one before is over");
}

#[test]
fn a_new_address_has_to_prove_itself_anew_and_an_old_proof_stays_through_a_failure() {
    let mut world = world();
    let since = world.now;
    test(&mut world, &["ito"]).expect("tested");
    confirm(&mut world, "ito").expect("confirmed");
    let missing = |world: &World| {
        let policy = world.all.workspace.policy.clone().expect("a policy");
        let contact = |person: &PersonId, means| world.all.account(person)?.contacts.get(&means);
        unproven(&policy, &[person("ito")], contact, since)
    };
    assert_eq!(missing(&world), vec![]);
    world.pass(600);
    test(&mut world, &["ito"]).expect("tested again");
    ends(&mut world, "page/test/ito/webhook/2", Outcome::Failed { detail: "refused".to_owned() }).expect("recorded");
    assert_eq!(missing(&world), vec![], "it did reach them since then");
    let moved = Webhook { url: "http://127.0.0.1:1/elsewhere".to_owned(), secret_env: None };
    change(&mut world, |policy| policy.people.get_mut(&person("ito")).expect("ito").webhook = Some(moved));
    assert_eq!(missing(&world), vec![(person("ito"), Some(Means::Webhook))]);
    change(&mut world, |policy| policy.people.get_mut(&person("ito")).expect("ito").webhook = None);
    assert_eq!(missing(&world), vec![(person("ito"), None)], "no way at all is worse");
}

#[test]
fn what_a_telephone_reports_is_kept_once_and_proves_nothing() {
    let mut world = world();
    change(&mut world, |policy| {
        let twilio = r#"{"account_sid_env": "SID", "auth_token_env": "TOKEN", "sms_from": "+815011112222", "public_url": "https://hikeshi.example.test"}"#;
        policy.paging.as_mut().expect("paging").twilio = Some(serde_json::from_str(twilio).expect("twilio"));
        policy.people.get_mut(&person("ito")).expect("ito").phone = Some("+819012345678".to_owned());
    });
    assert_eq!(test(&mut world, &["ito"]), Ok(2));
    let mut report = |reported| {
        let effect = EffectKey("page/test/ito/sms/1".to_owned());
        let command = crate::command::Command::Page(page::Command::Report { effect, reported });
        world.submit(&Actor::Runner, &command).map(|decision| decision.events.len())
    };
    assert_eq!(report(Reported::Delivered), Ok(1));
    assert_eq!(report(Reported::Delivered), Err(Refusal::Stale));
    assert_eq!(report(Reported::Acknowledged), Err(Refusal::Stale), "who presses a key confirms, and is recorded as a person");
    let contacts = &world.all.account(&person("ito")).expect("ito").contacts;
    assert!(contacts.get(&Means::Sms).is_some_and(|sms| sms.report.is_some() && sms.proven.is_none() && sms.waits()));
}

#[test]
fn the_quarterly_test_is_owed_and_done_only_when_everybody_has_confirmed() {
    let mut world = world();
    let mut owed: Option<Obligation> = None;
    for _ in 0..4 {
        world.pass(32 * 24 * 3600);
        let decision = world.submit(&Actor::Timer, &crate::command::Command::Wake(crate::timer::Wake::MonthEnds)).expect("a month ends");
        let raised = decision.events.iter().rev().find_map(|event| {
            let Event::ObligationRaised { obligation } = event else { return None };
            (obligation.kind == Kind::ContactTest).then(|| obligation.clone())
        });
        owed = owed.or(raised);
    }
    let owed = owed.expect("a quarter has ended");
    let finish = |world: &mut World| {
        let command = obligation::Command::Finish { obligation: owed.id, evidence: "全員に届いた".to_owned() };
        world.submit(&who("sato"), &crate::command::Command::Obligation(command)).map(drop)
    };
    test(&mut world, &[]).expect("tested");
    let policy = world.all.workspace.policy.clone().expect("a policy");
    let called: Vec<PersonId> = called(&policy).into_iter().collect();
    for one in called.iter().skip(1) {
        confirm(&mut world, one.as_str()).expect("confirmed");
    }
    let last = called.first().expect("somebody").clone();
    let missing = vec![(last.clone(), Some(Means::Webhook))];
    assert_eq!(finish(&mut world), Err(Refusal::ContactsUnproven { missing }));
    confirm(&mut world, last.as_str()).expect("confirmed");
    finish(&mut world).expect("done");
}

#[test]
fn a_key_is_read_as_it_was_made_and_nothing_else_is() {
    let key = key_of(&person("ito"), Means::Voice, 12);
    assert_eq!(test_of(&key), Some((person("ito"), Means::Voice, 12)));
    assert_eq!(page::decide::incident_of(&key), None);
    for other in [
        "page/inc_1/1/ito/sms/1",
        "page/test/ito/fax/1",
        "page/test/ito/sms/x",
        "page/test/ito/sms/1/2",
        "page/test//sms/1",
        "test/ito/sms/1",
    ] {
        assert_eq!(test_of(&EffectKey(other.to_owned())), None, "{other}");
    }
}

/// Pages go to browsers, too.
fn with_push() -> World {
    let mut world = world();
    change(&mut world, |policy| {
        let push = serde_json::json!({"contact": "mailto:ops@example.jp", "allow": ["https://push.example.jp"]});
        policy.paging.as_mut().expect("paging").web_push = Some(serde_json::from_value(push).expect("settings"));
        assert_eq!(policy.check(), Vec::new());
    });
    world
}

fn subscribe(world: &mut World, name: &str, number: u32) -> Result<usize, Refusal> {
    let (browser, service) = (Digest::of(&number.to_be_bytes()), "https://push.example.jp".to_owned());
    let command = Command::AddBrowser { browser, service, label: format!("端末{number}") };
    world.submit(&who(name), &crate::command::Command::Contact(command)).map(|decision| decision.events.len())
}

fn remove(world: &mut World, actor: &Actor, command: Command) -> Result<(), Refusal> {
    world.submit(actor, &crate::command::Command::Contact(command)).map(drop)
}

fn labels(world: &World, name: &str) -> Vec<String> {
    let policy = world.all.workspace.policy.as_ref().expect("a policy");
    policy.browsers.get(&person(name)).map(|known| known.iter().map(|one| one.label.clone()).collect()).unwrap_or_default()
}

#[test]
fn i5_a_browser_is_a_way_to_its_owner_from_its_subscription_to_its_end() {
    let mut world = with_push();
    let ways = |world: &World| reach(world.all.workspace.policy.as_ref().expect("a policy"), &person("tanaka"));
    assert_eq!(ways(&world), [Means::Webhook]);
    let before = world.all.workspace.policy.as_ref().expect("a policy").digest();
    assert_eq!(subscribe(&mut world, "tanaka", 1), Ok(1));
    assert_eq!(subscribe(&mut world, "tanaka", 1), Ok(0), "the same one again is nothing new");
    assert_eq!(ways(&world), [Means::Webhook, Means::WebPush]);
    assert_eq!(world.all.workspace.policy.as_ref().expect("a policy").digest(), before, "it is no change of the policy");
    assert_eq!(test(&mut world, &["tanaka"]), Ok(2));
    let push = world.queued.iter().find(|effect| effect.key.0 == "page/test/tanaka/web_push/1").expect("a test").clone();
    let queued = serde_json::to_string(&push).expect("JSON");
    assert!(queued.contains(&Digest::of(&1_u32.to_be_bytes()).to_string()), "by its digest: {queued}");

    // Nobody removes another one's, and only the runner says that one is gone.
    let id = Digest::of(&1_u32.to_be_bytes());
    assert_eq!(remove(&mut world, &who("ito"), Command::RemoveBrowser { browser: id }), Err(Refusal::BrowserUnknown));
    let lose = || Command::LoseBrowser { person: person("tanaka"), browser: id };
    assert_eq!(remove(&mut world, &who("tanaka"), lose()), Err(Refusal::UnknownActor));
    assert_eq!(remove(&mut world, &Actor::Runner, lose()), Ok(()));
    assert_eq!(remove(&mut world, &Actor::Runner, lose()), Err(Refusal::BrowserUnknown), "once");
    assert_eq!(ways(&world), [Means::Webhook]);
    assert_eq!(world.rebuilt().workspace.policy.map(|policy| policy.browsers.len()), Some(0), "the log says the same");
}

#[test]
fn i5_browsers_are_few_their_services_known_and_a_shared_one_calls_one_person() {
    let mut world = with_push();
    for number in 1..=BROWSERS_MAX {
        assert_eq!(subscribe(&mut world, "tanaka", number), Ok(1));
    }
    assert!(matches!(subscribe(&mut world, "tanaka", 99), Err(Refusal::TooMany { .. })));
    assert_eq!(subscribe(&mut world, "ito", 1), Ok(1));
    assert_eq!((labels(&world, "ito"), labels(&world, "tanaka").len()), (vec!["端末1".to_owned()], 4));
    let elsewhere = |service: &str| Command::AddBrowser { browser: Digest::of(b"x"), service: service.to_owned(), label: "x".to_owned() };
    for service in ["http://127.0.0.1", "https://push.example.jp:8443", "https://localhost"] {
        let refused = remove(&mut world, &who("ito"), elsewhere(service));
        assert!(matches!(refused, Err(Refusal::PushServiceUnknown { .. })), "{service}: {refused:?}");
    }
    assert_eq!(remove(&mut world, &who("ito"), elsewhere("https://fcm.googleapis.com")), Ok(()));
    change(&mut world, |policy| policy.paging.as_mut().expect("paging").web_push = None);
    assert_eq!(subscribe(&mut world, "tanaka", 7), Err(Refusal::NoWebPush));
    assert_eq!(
        reach(world.all.workspace.policy.as_ref().expect("a policy"), &person("ito")),
        [Means::Webhook],
        "without the section nothing is sent"
    );
}
