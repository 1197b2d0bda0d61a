//! What outsiders are told, and what they never learn (rule I6).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::order::Telling;
use super::picture::{PlannedWork, PublicIncident, healths, worst};
use super::*;
use crate::alert::silence::Covers;
use crate::command::Command;
use crate::effect::{Effect, Outcome, Work};
use crate::ids::{ComponentName, EnvironmentName, ServiceName};
use crate::incident;
use crate::people::Actor;
use crate::policy::{Component, PageName, Policy, StatusPage, Visibility, Webhook};
use crate::refusal::Refusal;
use crate::testing::{World, who};

fn name(text: &str) -> PageName {
    PageName { ja: format!("{text}（日）"), en: text.to_owned() }
}

fn component(id: &str) -> ComponentName {
    ComponentName::new(id).expect("a name")
}

fn page(policy: &Policy) -> StatusPage {
    let part = |text: &str, services: Vec<ServiceName>| Component {
        name: name(text),
        services,
        environment: EnvironmentName::new("production").expect("a name"),
    };
    let services: Vec<ServiceName> = policy.services.keys().cloned().collect();
    StatusPage {
        title: name("Shop"),
        components: [
            (component("booking"), part("Booking", services.iter().take(1).cloned().collect())),
            (component("everything"), part("Everything", services)),
        ]
        .into(),
        visibility: Visibility::Public,
        directory: None,
        url: "https://status.example.test".to_owned(),
        mail: None,
        mails_per_min: 300,
        webhooks: BTreeMap::new(),
    }
}

fn world(change: impl FnOnce(&mut StatusPage)) -> World {
    let mut world = World::new();
    let mut policy = (**world.all.workspace.policy.as_ref().expect("a policy")).clone();
    let mut page = page(&policy);
    change(&mut page);
    policy.status = Some(Box::new(page));
    assert_eq!(policy.check(), Vec::new());
    world.all.workspace.policy = Some(Arc::new(policy));
    world
}

fn with_webhook() -> World {
    let webhook = Webhook { url: "http://127.0.0.1:1/".to_owned(), secret_env: None };
    world(|page| page.webhooks = [("partner".parse().expect("a name"), webhook)].into())
}

fn ja(text: &str) -> PublicText {
    PublicText { ja: Some(text.to_owned()), en: None }
}

fn publish(incident: IncidentId, state: PublicState, text: PublicText, components: &[(&str, Health)]) -> Command {
    let components = components.iter().map(|(id, health)| (component(id), *health)).collect();
    Command::Incident(incident::Command::Publish { incident, state, text, components })
}

fn resolve(world: &mut World, incident: IncidentId) {
    let command = incident::Command::Resolve { incident, what: "接続数を 20 に戻した".to_owned() };
    world.submit(&who("tanaka"), &Command::Incident(command)).expect("resolved");
}

fn posts(world: &World, incident: IncidentId) -> Vec<PublicPost> {
    world.all.incident(incident).expect("it is there").public.clone()
}

#[test]
fn i6_nothing_is_public_before_somebody_publishes_it_and_then_only_their_words() {
    let mut world = with_webhook();
    let incident = world.open("ito");
    assert_eq!(PublicIncident::of(world.all.incident(incident).expect("open")), None);
    let wordless = publish(incident, PublicState::Investigating, ja("  "), &[("booking", Health::Degraded)]);
    assert_eq!(world.submit(&who("tanaka"), &wordless), Err(Refusal::TextMissing { field: "message".to_owned() }));
    let of_nothing = publish(incident, PublicState::Investigating, ja("調べています"), &[]);
    assert_eq!(world.submit(&who("tanaka"), &of_nothing), Err(Refusal::TextMissing { field: "components".to_owned() }));
    let unknown = publish(incident, PublicState::Investigating, ja("調べています"), &[("bocking", Health::Degraded)]);
    let refused = world.submit(&who("tanaka"), &unknown).expect_err("no such component");
    assert!(matches!(refused, Refusal::NotInPolicy { nearest: Some(nearest), .. } if nearest == "booking"));
    assert!(posts(&world, incident).is_empty());

    let first = publish(incident, PublicState::Investigating, ja(" 調べています "), &[("booking", Health::MajorOutage)]);
    world.submit(&who("tanaka"), &first).expect("published");
    let state = world.all.incident(incident).expect("open").clone();
    let shown = serde_json::to_string(&PublicIncident::of(&state).expect("public")).expect("JSON");
    assert!(shown.contains("調べています") && !shown.contains(&state.title), "{shown}");
    let Some(Effect { work: Work::Tell(order), key }) = world.queued.iter().find(|effect| effect.key.0.starts_with("status/")) else {
        panic!("an order")
    };
    assert_eq!(key.0, "status/inc_1/1");
    let told = serde_json::to_string(order).expect("JSON");
    assert!(!told.contains(&state.title), "{told}");
    assert!(matches!(&order.what, Telling::Post { components, .. } if *components == [(name("Booking"), Health::MajorOutage)]));
    assert_eq!(state.last_update_at, Some(world.now), "those who wait have heard something");
    assert_eq!(world.all.incidents, world.rebuilt().incidents);
}

#[test]
fn without_a_page_or_a_role_nothing_is_published() {
    let mut world = World::new();
    let incident = world.open("ito");
    let post = publish(incident, PublicState::Investigating, ja("調べています"), &[]);
    assert_eq!(world.submit(&who("tanaka"), &post), Err(Refusal::NoStatusPage));
    assert_eq!(world.submit(&Actor::Timer, &post), Err(Refusal::UnknownActor));
}

#[test]
fn i6_whoever_was_told_of_trouble_is_told_that_it_is_over() {
    let mut world = world(|_| {});
    let incident = world.open("ito");
    world.submit(&who("tanaka"), &publish(incident, PublicState::Identified, ja("原因"), &[("booking", Health::Degraded)])).expect("out");
    resolve(&mut world, incident);
    let all = posts(&world, incident);
    assert_eq!(
        all.iter().map(|post| (post.number, post.state, post.by.is_some())).collect::<Vec<_>>(),
        [(1, PublicState::Identified, true), (2, PublicState::Resolved, false)]
    );
    assert!(all[1].text.is_empty(), "no internal word: what was resolved how is not said");
    assert!(world.queued.iter().all(|effect| !effect.key.0.starts_with("status/")), "nobody can have subscribed");
    let again = publish(incident, PublicState::Investigating, ja("また"), &[]);
    assert_eq!(world.submit(&who("tanaka"), &again), Err(Refusal::IncidentOver { incident }));
    world.submit(&who("tanaka"), &publish(incident, PublicState::Resolved, ja("訂正します"), &[])).expect("a correction");
    assert_eq!(posts(&world, incident).len(), 3);
    assert_eq!(world.all.incidents, world.rebuilt().incidents);
}

#[test]
fn what_was_closed_by_hand_or_never_published_gets_no_last_word() {
    let mut world = world(|_| {});
    let quiet = world.open("ito");
    resolve(&mut world, quiet);
    assert!(posts(&world, quiet).is_empty());
    let told = world.open("ito");
    world
        .submit(&who("tanaka"), &publish(told, PublicState::Resolved, ja("戻りました"), &[("booking", Health::Operational)]))
        .expect("out");
    resolve(&mut world, told);
    assert_eq!(posts(&world, told).len(), 1);
}

#[test]
fn subscribers_are_counted_once_and_never_named() {
    let mut world = with_webhook();
    let incident = world.open("ito");
    world
        .submit(&who("tanaka"), &publish(incident, PublicState::Monitoring, ja("様子を見ます"), &[("booking", Health::Degraded)]))
        .expect("out");
    let key = effect_key(incident, 1);
    world.end(&key, Outcome::Told { sent: 3, failed: 1 }).expect("counted");
    assert_eq!(posts(&world, incident)[0].told, Some(Told { at: world.now, sent: 3, failed: 1 }));
    assert_eq!(world.end(&key, Outcome::Told { sent: 9, failed: 0 }).unwrap_err(), Refusal::Stale);
}

#[test]
fn a_component_is_as_bad_as_the_worst_that_is_said_of_it() {
    let mut world = world(|_| {});
    let (one, two) = (world.open("ito"), world.open("ito"));
    let at = world.now;
    world.submit(&who("tanaka"), &publish(one, PublicState::Identified, ja("遅い"), &[("booking", Health::Degraded)])).expect("out");
    world.submit(&who("tanaka"), &publish(two, PublicState::Identified, ja("止"), &[("booking", Health::PartialOutage)])).expect("out");
    let policy = world.all.workspace.policy.clone().expect("a policy");
    let page = policy.status.as_deref().expect("a page");
    let seen = |world: &World, works: &[PlannedWork]| {
        let public: Vec<_> = world.all.incidents.values().flatten().filter_map(PublicIncident::of).collect();
        healths(page, &public, works, at).into_values().collect::<Vec<_>>()
    };
    assert_eq!(seen(&world, &[]), [Health::PartialOutage, Health::Operational]);
    let covers = Covers { service: policy.services.keys().last().cloned(), ..Covers::default() };
    let planned = crate::alert::Command::Silence { covers, from: None, minutes: 30, reason: "DB".to_owned(), public: Some(ja("点検")) };
    world.submit(&who("tanaka"), &Command::Alert(planned)).expect("planned");
    let silence = world.all.workspace.silences.values().next().expect("one").clone();
    let work = PlannedWork::of(&policy, page, &silence, at).expect("announced");
    assert!(work.is_under_way(at) && PlannedWork::of(&policy, page, &silence, silence.until).is_none());
    assert_eq!(seen(&world, std::slice::from_ref(&work)), [Health::PartialOutage, Health::Maintenance]);
    world.submit(&who("tanaka"), &publish(two, PublicState::Resolved, ja("直った"), &[])).expect("out");
    assert_eq!(seen(&world, &[]), [Health::Degraded, Health::Operational]);
    let secret = crate::alert::silence::Silence { public: None, ..silence };
    assert_eq!(PlannedWork::of(&policy, page, &secret, at), None, "not announced");
}

#[test]
fn a_status_page_is_not_well_while_something_public_is_open() {
    let mut world = world(|_| {});
    let incident = world.open("ito");
    let at = world.now;
    world.submit(&who("tanaka"), &publish(incident, PublicState::Identified, ja("遅い"), &[("booking", Health::Degraded)])).expect("out");
    let policy = world.all.workspace.policy.clone().expect("a policy");
    // The policy is changed meanwhile: the component has another name now.
    let mut page = policy.status.as_deref().expect("a page").clone();
    let part = page.components.remove(&component("booking")).expect("one");
    page.components.insert(component("reservations"), part);
    let seen = |world: &World| {
        let public: Vec<_> = world.all.incidents.values().flatten().filter_map(PublicIncident::of).collect();
        worst(&healths(&page, &public, &[], at), &public)
    };
    assert_eq!(seen(&world), Health::Degraded);
    world.submit(&who("tanaka"), &publish(incident, PublicState::Resolved, ja("直った"), &[])).expect("out");
    assert_eq!(seen(&world), Health::Operational);
}

#[test]
fn announced_work_is_shown_on_what_is_worked_on_and_on_nothing_else() {
    let mut world = world(|page| {
        let mut test = page.components.get(&component("everything")).expect("one").clone();
        test.environment = EnvironmentName::new("test").expect("a name");
        page.components.insert(component("trial"), test);
    });
    let policy = world.all.workspace.policy.clone().expect("a policy");
    let page = policy.status.as_deref().expect("a page");
    let shown = |world: &mut World, covers: Covers| {
        let (reason, public) = ("DB".to_owned(), Some(ja("点検")));
        let planned = crate::alert::Command::Silence { covers, from: None, minutes: 30, reason, public };
        world.submit(&who("tanaka"), &Command::Alert(planned)).expect("planned");
        let silence = world.all.workspace.silences.values().next_back().expect("one");
        let work = PlannedWork::of(&policy, page, silence, world.now).expect("announced");
        work.components.into_iter().map(|name| name.to_string()).collect::<Vec<_>>()
    };
    let (service, environment) = ("mail".parse().ok(), "production".parse().ok());
    let (monitor, source) = ("reservation-http".parse().ok(), "prometheus".parse().ok());
    let labels: BTreeMap<_, _> = [("host".to_owned(), crate::policy::OneOf::One("db1".to_owned()))].into();
    let covers = Covers::default();
    assert_eq!(shown(&mut world, Covers { service: service.clone(), ..covers.clone() }), ["booking", "everything", "trial"]);
    assert_eq!(shown(&mut world, Covers { environment, ..covers.clone() }), ["booking", "everything"]);
    assert_eq!(shown(&mut world, Covers { monitor: monitor.clone(), ..covers.clone() }), ["everything"], "what the monitor watches");
    assert_eq!(shown(&mut world, Covers { monitor, service: service.clone(), ..covers.clone() }), ["everything"]);
    assert_eq!(shown(&mut world, Covers { source: source.clone(), ..covers.clone() }), [""; 0], "a sender is no part of the page");
    assert_eq!(shown(&mut world, Covers { labels: labels.clone(), ..covers.clone() }), [""; 0], "nor is a host");
    assert_eq!(shown(&mut world, Covers { labels, service, ..covers }), ["booking", "everything", "trial"]);
}

#[test]
fn a_page_that_could_not_work_is_named() {
    let mut policy = crate::testing::policy();
    let mut page = page(&policy);
    page.title.en = String::new();
    page.directory = Some("status".to_owned());
    page.url = "status.example.test".to_owned();
    page.mails_per_min = 0;
    let part = page.components.get_mut(&component("booking")).expect("one");
    part.services = vec![ServiceName::new("bookings").expect("a name")];
    part.environment = EnvironmentName::new("prodction").expect("a name");
    policy.status = Some(Box::new(page));
    let at: Vec<String> = policy.check().into_iter().map(|flaw| flaw.at.join(".")).collect();
    assert_eq!(
        at,
        [
            "status.title.en",
            "status.components.booking.services.0",
            "status.components.booking.environment",
            "status.url",
            "status.directory",
            "status.mails_per_min"
        ]
    );
}
