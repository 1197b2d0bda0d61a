//! Which orders follow from which events, and what becomes of them.

use super::*;
use crate::command::{Command, OutcomeCommand};
use crate::decide::Decision;
use crate::effect::Outcome;
use crate::emergency;
use crate::ids::PersonId;
use crate::policy::Policy;
use crate::testing::{World, policy, who};

fn with_slack() -> Policy {
    let mut policy = policy();
    let slack = serde_json::json!({"channels": {"emergency-deploy": "C0EMERGENCY"}, "groups": {"cto": "@cto", "dev-lead": "S0LEAD"}});
    policy.slack = Some(serde_json::from_value(slack).expect("settings"));
    for (id, user) in [("sato", "U0SATO"), ("tanaka", "tanaka.ichiro")] {
        policy.people.get_mut(&PersonId::new(id).expect("a name")).expect("somebody").chat = Some(user.to_owned());
    }
    assert_eq!(policy.check(), Vec::new());
    policy
}

fn town() -> World {
    let mut world = World::new();
    world.all.workspace.policy = Some(std::sync::Arc::new(with_slack()));
    world
}

fn orders(world: &World, decision: &Decision, actor: &str) -> Vec<(String, ChatOrder)> {
    let seal = || Some(Seal { size: 42, root: Digest::of(b"root") });
    let effects = deliveries(&world.all, &decision.events, &who(actor), 7, world.now, seal);
    effects
        .into_iter()
        .map(|effect| {
            let Work::Chat(order) = effect.work else { panic!("{}", effect.work.kind()) };
            (effect.key.0, *order)
        })
        .collect()
}

fn requested(world: &mut World) -> Decision {
    let incident = world.open("tanaka");
    let (conditions, plan) = (crate::testing::conditions(), crate::testing::plan());
    world.give("tanaka", emergency::Command::Request { incident, conditions, plan }).expect("requested")
}

#[test]
fn without_a_chat_nothing_is_ordered() {
    let mut world = World::new();
    let decision = requested(&mut world);
    assert!(orders(&world, &decision, "tanaka").is_empty());
}

#[test]
fn a_request_opens_a_thread_with_a_card_and_calls_the_groups_of_its_approvers() {
    let mut world = town();
    let decision = requested(&mut world);
    let orders = orders(&world, &decision, "tanaka");
    let (key, order) = orders.first().expect("an order");
    assert_eq!((key.as_str(), orders.len()), ("post/000000000007/0000", 1));
    assert_eq!((order.channel.as_str(), order.lane), ("C0EMERGENCY", Lane::Emergency));
    assert!(matches!(&order.act, Act::Post { opens: true, .. }));
    assert_eq!(order.thread.as_deref(), Some("emg_1"));
    let card = order.card.as_ref().expect("a card");
    assert_eq!((card.service.as_str(), card.environment.as_str()), ("予約", "本番"));
    let groups: Vec<&str> = order.words.groups.values().map(String::as_str).collect();
    assert_eq!(groups, ["@cto", "S0LEAD"]);
    // Names of those who occur; a handle that can change is nobody's user.
    assert!(order.words.people.keys().any(|id| id.as_str() == "tanaka") && order.words.users.is_empty());
}

#[test]
fn an_approval_goes_under_the_announcement_and_the_card_is_shown_anew_after_it() {
    let mut world = town();
    requested(&mut world);
    let digest = world.emergency(crate::ids::EmergencyId(1)).digest;
    let approve = emergency::Command::Approve { emergency: crate::ids::EmergencyId(1), digest, judgement: "全面停止".to_owned() };
    let decision = world.give("sato", approve).expect("approved");
    let orders = orders(&world, &decision, "sato");
    let keys: Vec<&str> = orders.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["post/000000000007/0000", "post/000000000007/9999"], "the keys sort in the order of the work");
    let (_, post) = &orders[0];
    assert!(matches!(&post.act, Act::Post { opens: false, .. }) && post.card.is_none() && post.thread.as_deref() == Some("emg_1"));
    let (_, card) = &orders[1];
    assert!(matches!(card.act, Act::Restate { .. }));
    let card = card.card.as_ref().expect("a card");
    assert_eq!((card.status, card.approvals.len()), (emergency::Status::Approved, 1));
}

#[test]
fn the_start_carries_how_far_the_ledger_had_come_and_a_persons_words_their_name() {
    let mut world = town();
    let id = world.executing();
    let is_start = |event: &Event| {
        let Event::Posted { post } = event else { return false };
        matches!(&post.body, Body::Notice { notice: Notice::SessionStarted { .. } })
    };
    let started = world.log.iter().map(|(_, _, event)| event).find(|event| is_start(event)).cloned();
    let decision = Decision { events: vec![started.expect("the start is announced")], ..Decision::default() };
    assert_eq!(orders(&world, &decision, "tanaka")[0].1.seal.map(|seal| seal.size), Some(42), "{id}");
    let say =
        crate::channel::Command::Post { channel: ChannelName::known("incidents"), text: "向かいます".to_owned(), incident: None };
    let decision = world.submit(&who("sato"), &Command::Channel(say)).expect("posted");
    let (_, order) = &orders(&world, &decision, "sato")[0];
    assert_eq!((order.lane, order.by.as_ref().map(PersonId::as_str), order.seal), (Lane::Other, Some("sato"), None));
    assert_eq!(order.words.users.values().next().map(String::as_str), Some("U0SATO"));
}

fn told(world: &mut World, key: &str, outcome: Outcome) -> Decision {
    let effect = EffectKey(key.to_owned());
    world.submit(&Actor::Runner, &Command::Outcome(OutcomeCommand::Ended { effect, outcome: Box::new(outcome) })).expect("taken")
}

#[test]
fn what_the_chat_does_not_take_is_told_on_the_page_and_not_in_the_chat() {
    let mut world = town();
    let place = Place { channel: ChannelName::known("emergency-deploy"), incident: None, emergency: None };
    let trouble = ChatTrouble { code: "not_in_channel".to_owned(), channel: "C0EMERGENCY".to_owned() };
    let unsaid = Outcome::Unsaid { place: place.clone(), trouble };
    let decision = told(&mut world, "post/000000000007/0000", unsaid.clone());
    assert!(decision.settles.is_some());
    assert!(matches!(decision.events.as_slice(), [Event::PostUndelivered { .. }, Event::Posted { .. }]));
    assert!(orders(&world, &decision, "sato").is_empty(), "or it would go on for ever");
    let card = told(&mut world, "post/000000000007/9999", unsaid);
    assert!(matches!(card.events.as_slice(), [Event::PostUndelivered { .. }]), "an older card is no emergency");
    let said = told(&mut world, "post/000000000008/0000", Outcome::Said { place, message: "1.1".to_owned() });
    assert!(matches!(said.events.as_slice(), [Event::PostDelivered { .. }]));
}

/// Calls tanaka by Slack, and the message stands.
fn called_by_slack() -> (World, IncidentId) {
    let mut world = World::new();
    let mut policy = with_slack();
    policy.people.get_mut(&PersonId::new("tanaka").expect("a name")).expect("somebody").chat = Some("U0TANAKA".to_owned());
    policy.people.get_mut(&PersonId::new("tanaka").expect("a name")).expect("somebody").language = Some(Language::En);
    let paging = serde_json::json!({"rules": [{"after_min": 0, "by": ["slack"]}]});
    policy.paging = Some(serde_json::from_value(paging).expect("settings"));
    assert_eq!(policy.check(), Vec::new());
    world.all.workspace.policy = Some(std::sync::Arc::new(policy));
    let incident = world.open("ito");
    (world, incident)
}

fn ended(world: &mut World, incident: IncidentId, outcome: Outcome) -> Decision {
    told(world, &format!("page/{incident}/1/tanaka/slack/1"), outcome)
}

fn sent() -> Outcome {
    Outcome::Paged { reference: "D0TANAKA 17.25".to_owned(), repeated: false, bundle: Vec::new() }
}

fn settled(orders: &[(String, ChatOrder)]) -> Vec<(&str, &str, &Over)> {
    let read = orders.iter().filter_map(|(key, order)| match &order.act {
        Act::Settle { settled } => Some((key.as_str(), order.channel.as_str(), &settled.over)),
        Act::Post { .. } | Act::Restate { .. } => None,
    });
    read.collect()
}

#[test]
fn a_page_by_slack_is_shown_anew_when_somebody_takes_it() {
    let (mut world, incident) = called_by_slack();
    let done = ended(&mut world, incident, sent());
    assert_eq!(settled(&orders(&world, &done, "tanaka")), [], "it still calls");
    let taken = world.submit(&who("ito"), &Command::Incident(crate::incident::Command::Acknowledge { incident })).expect("taken");
    let all = orders(&world, &taken, "ito");
    let Some((key, order)) = all.iter().find(|(_, order)| matches!(order.act, Act::Settle { .. })) else { panic!("{all:?}") };
    assert_eq!((key.as_str(), order.channel.as_str(), order.words.language), ("post/000000000007/9000", "D0TANAKA", Language::En));
    assert!(order.words.people.keys().any(|person| person.as_str() == "ito"), "whoever has it is named");
    assert!(matches!(settled(&all).as_slice(), [(_, _, Over::Taken { by, .. })] if by.as_str() == "ito"));
}

#[test]
fn a_page_that_is_sent_after_somebody_took_it_is_shown_anew_at_once_and_one_that_failed_is_not() {
    let (mut world, incident) = called_by_slack();
    let taken = world.submit(&who("ito"), &Command::Incident(crate::incident::Command::Acknowledge { incident })).expect("taken");
    assert_eq!(settled(&orders(&world, &taken, "ito")), [], "nothing stands there yet");
    let late = ended(&mut world, incident, sent());
    assert!(matches!(settled(&orders(&world, &late, "ito")).as_slice(), [(_, "D0TANAKA", Over::Taken { .. })]));
    let (mut world, incident) = called_by_slack();
    world.submit(&who("ito"), &Command::Incident(crate::incident::Command::Acknowledge { incident })).expect("taken");
    let failed = ended(&mut world, incident, Outcome::PageRefused { detail: "Slack says user_disabled".to_owned() });
    assert_eq!(settled(&orders(&world, &failed, "ito")), []);
}

#[test]
fn a_page_that_could_not_be_shown_anew_is_recorded_and_not_announced() {
    let mut world = town();
    let place = Place { channel: ChannelName::known("incidents"), incident: None, emergency: None };
    let trouble = ChatTrouble { code: "message_not_found".to_owned(), channel: "D0TANAKA".to_owned() };
    let page = told(&mut world, "post/000000000007/9003", Outcome::Unsaid { place, trouble });
    assert!(matches!(page.events.as_slice(), [Event::PostUndelivered { .. }]));
}
