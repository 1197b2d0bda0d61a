//! Who is called, by what, and when again (rules I4, I5).

use std::sync::Arc;

use super::*;
use crate::command::Command;
use crate::effect::{Effect, Outcome, Work};
use crate::incident;
use crate::people::Actor;
use crate::policy::{Bundling, MailSecurity, MailServer, Paging, PagingRule, Twilio, Webhook};
use crate::refusal::Refusal;
use crate::testing::{World, who};
use crate::timer::{Wake, of_incident};

fn rule(after_min: u32, by: &[Means]) -> PagingRule {
    PagingRule { after_min, by: by.to_vec() }
}

/// Everybody has a webhook and mail, but for abe, who has neither. Step 1: tanaka (operator); at once: abe (manager); step 2: ito (lead).
fn world(rules: Vec<PagingRule>) -> World {
    let mut world = World::new();
    let mut policy = (**world.all.workspace.policy.as_ref().expect("a policy")).clone();
    for (id, person) in policy.people.iter_mut().filter(|(id, _)| id.as_str() != "abe") {
        person.email = Some(format!("{id}@example.test"));
        person.webhook = Some(Webhook { url: format!("http://127.0.0.1:1/{id}"), secret_env: None });
    }
    let mail = MailServer {
        host: "127.0.0.1".to_owned(),
        port: 25,
        security: MailSecurity::None,
        from: "hikeshi@example.test".to_owned(),
        user_env: None,
        password_env: None,
    };
    policy.paging = Some(Paging { rules, mail: Some(mail), twilio: None, web_push: None, timeout_s: 10, bundle: Bundling::default() });
    assert_eq!(policy.check(), Vec::new());
    world.all.workspace.policy = Some(Arc::new(policy));
    world
}

fn usual() -> World {
    world(vec![rule(0, &[Means::Webhook, Means::Mail])])
}

fn keys(world: &World) -> Vec<String> {
    world.queued.iter().filter(|effect| matches!(effect.work, Work::Page(_))).map(|effect| effect.key.0.clone()).collect()
}

fn order(world: &World, key: &str) -> Effect {
    world.queued.iter().find(|effect| effect.key.0 == key).expect("it is queued").clone()
}

fn sent() -> Outcome {
    Outcome::Paged { reference: "250 queued".to_owned(), repeated: false, bundle: Vec::new() }
}

fn failed() -> Outcome {
    Outcome::Failed { detail: "HTTP 503".to_owned() }
}

fn end(world: &mut World, key: &str, outcome: Outcome) {
    world.end(&EffectKey(key.to_owned()), outcome).expect("it is recorded");
}

fn wake(world: &mut World, wake: Wake) -> Result<(), Refusal> {
    world.submit(&Actor::Timer, &Command::Wake(wake)).map(drop)
}

fn next(world: &World, incident: IncidentId) -> Option<i64> {
    let policy = world.all.workspace.policy.clone().expect("a policy");
    let timers = of_incident(world.all.incident(incident).expect("open"), &policy);
    let timer = timers.into_iter().find(|timer| timer.wake == Wake::PageAgain { incident });
    timer.map(|timer| timer.due_at.duration_since(world.now).as_secs())
}

#[test]
fn i4_each_step_calls_each_of_its_people_once_by_the_first_means() {
    let mut world = usual();
    let incident = world.open("ito");
    assert_eq!(keys(&world), ["page/inc_1/1/tanaka/webhook/1"]);
    let state = world.all.incident(incident).expect("open");
    assert_eq!(state.pages.len(), 2, "abe, who is told at once, cannot be reached, and that is on the record");
    assert!(state.pages.iter().any(|page| page.person.as_str() == "abe" && page.attempts.is_empty() && page.step == 0));
    let Work::Page(page) = order(&world, "page/inc_1/1/tanaka/webhook/1").work else { panic!("a page") };
    let About::Incident { serious, service, .. } = &page.about else { panic!("a real page") };
    assert!(*serious && !page.repeated && page.name == "田中 一郎" && service == "予約");
    world.pass(15 * 60);
    wake(&mut world, Wake::Escalate { incident }).expect("the second step");
    assert_eq!(keys(&world), ["page/inc_1/1/tanaka/webhook/1", "page/inc_1/2/ito/webhook/1"]);
    assert_eq!(wake(&mut world, Wake::Escalate { incident }), Err(Refusal::Stale), "not twice");
    assert_eq!(world.all.incidents, world.rebuilt().incidents);
}

#[test]
fn without_paging_nobody_is_called_and_nothing_waits() {
    let mut world = World::new();
    let incident = world.open("ito");
    assert_eq!(keys(&world), [""; 0]);
    assert_eq!(next(&world, incident), None);
    assert!(world.all.incident(incident).expect("open").pages.is_empty());
}

#[test]
fn what_fails_falls_over_to_the_next_means_at_once() {
    let mut world = usual();
    let incident = world.open("ito");
    end(&mut world, "page/inc_1/1/tanaka/webhook/1", failed());
    assert_eq!(keys(&world), ["page/inc_1/1/tanaka/mail/1"]);
    end(&mut world, "page/inc_1/1/tanaka/mail/1", sent());
    assert_eq!(keys(&world), [""; 0]);
    assert_eq!(next(&world, incident), None, "it is with its receiver; only the escalation goes on");
    let key = EffectKey("page/inc_1/1/tanaka/mail/1".to_owned());
    assert_eq!(world.end(&key, failed()), Err(Refusal::Stale), "an attempt ends once");
}

#[test]
fn when_every_means_fails_the_next_step_comes_at_once_and_the_same_is_tried_again() {
    let mut world = usual();
    let incident = world.open("ito");
    end(&mut world, "page/inc_1/1/tanaka/webhook/1", failed());
    world.pass(5);
    end(&mut world, "page/inc_1/1/tanaka/mail/1", failed());
    assert_eq!(keys(&world), ["page/inc_1/2/ito/webhook/1"], "15 minutes are not waited out for a step that reached nobody");
    assert_eq!(world.all.incident(incident).expect("open").escalated_steps, 2);
    assert_eq!(next(&world, incident), Some(55), "a minute after the first failure");
    assert_eq!(wake(&mut world, Wake::PageAgain { incident }), Err(Refusal::Stale));
    world.pass(55);
    wake(&mut world, Wake::PageAgain { incident }).expect("again");
    assert_eq!(keys(&world), ["page/inc_1/2/ito/webhook/1", "page/inc_1/1/tanaka/webhook/2"]);
    let said_again = |key: &str| matches!(order(&world, key).work, Work::Page(page) if page.repeated);
    assert_eq!(
        ["page/inc_1/2/ito/webhook/1", "page/inc_1/1/tanaka/webhook/2"].map(said_again),
        [false, true],
        "it says that it may come twice"
    );
    end(&mut world, "page/inc_1/1/tanaka/webhook/2", sent());
    assert_eq!(next(&world, incident), None, "reached, so the mail is not tried again");
    assert_eq!(world.all.incidents, world.rebuilt().incidents);
}

#[test]
fn attempts_by_one_means_are_bounded_and_ever_further_apart() {
    let mut world = world(vec![rule(0, &[Means::Webhook])]);
    let mut policy = (**world.all.workspace.policy.as_ref().expect("a policy")).clone();
    policy.people.values_mut().for_each(|person| person.email = None);
    policy.incident.escalation.truncate(1);
    world.all.workspace.policy = Some(Arc::new(policy));
    let incident = world.open("ito");
    let mut waits = Vec::new();
    for number in 1..=5 {
        end(&mut world, &format!("page/inc_1/1/tanaka/webhook/{number}"), failed());
        let Some(wait) = next(&world, incident) else { break };
        waits.push(wait);
        world.pass(wait);
        wake(&mut world, Wake::PageAgain { incident }).expect("again");
    }
    assert_eq!(waits, [60, 120, 240, 480]);
    assert_eq!(next(&world, incident), None);
}

#[test]
fn a_later_rule_calls_by_another_means_while_nobody_has_it() {
    let mut world = world(vec![rule(0, &[Means::Mail]), rule(5, &[Means::Webhook])]);
    let incident = world.open("ito");
    end(&mut world, "page/inc_1/1/tanaka/mail/1", sent());
    assert_eq!(next(&world, incident), Some(300));
    world.pass(300);
    wake(&mut world, Wake::PageAgain { incident }).expect("five minutes later");
    assert_eq!(keys(&world), ["page/inc_1/1/tanaka/webhook/1"]);
    assert_eq!(wake(&mut world, Wake::PageAgain { incident }), Err(Refusal::Stale));
}

#[test]
fn whoever_has_their_own_rules_is_called_by_these() {
    let mut world = usual();
    let mut policy = (**world.all.workspace.policy.as_ref().expect("a policy")).clone();
    policy.people.get_mut(&PersonId::known("tanaka")).expect("tanaka").page_by = vec![rule(0, &[Means::Mail])];
    world.all.workspace.policy = Some(Arc::new(policy));
    world.open("ito");
    assert_eq!(keys(&world), ["page/inc_1/1/tanaka/mail/1"]);
    end(&mut world, "page/inc_1/1/tanaka/mail/1", failed());
    assert_eq!(keys(&world), ["page/inc_1/1/tanaka/webhook/1"], "better by a means that they did not name than not at all");
}

#[test]
fn an_acknowledgement_ends_it() {
    let mut world = world(vec![rule(0, &[Means::Mail]), rule(5, &[Means::Webhook])]);
    let incident = world.open("ito");
    let acknowledge = Command::Incident(incident::Command::Acknowledge { incident });
    world.submit(&who("tanaka"), &acknowledge).expect("acknowledged");
    end(&mut world, "page/inc_1/1/tanaka/mail/1", failed());
    assert_eq!(keys(&world), [""; 0], "what was on its way is recorded, and nothing follows from it");
    assert_eq!(next(&world, incident), None);
    world.pass(300);
    assert_eq!(wake(&mut world, Wake::PageAgain { incident }), Err(Refusal::Stale));
}

fn key(means: &str, number: u32) -> EffectKey {
    EffectKey(format!("page/inc_1/1/tanaka/{means}/{number}"))
}

/// By a call, then a message; tanaka and ito have nothing but telephones.
fn telephones() -> World {
    let mut world = usual();
    let mut policy = (**world.all.workspace.policy.as_ref().expect("a policy")).clone();
    for (id, number) in [("tanaka", "+819011110001"), ("ito", "+819011110002")] {
        let person = policy.people.get_mut(&PersonId::known(id)).expect("a person");
        (person.phone, person.webhook, person.email) = (Some(number.to_owned()), None, None);
    }
    let twilio = Twilio {
        account_sid_env: "SID".to_owned(),
        auth_token_env: "TOKEN".to_owned(),
        sms_from: Some("+815011110000".to_owned()),
        voice_from: Some("+815011110000".to_owned()),
        api: "https://api.example.test".to_owned(),
        public_url: "https://hikeshi.example.test".to_owned(),
        report_within_s: 90,
    };
    let paging = policy.paging.as_mut().expect("paging");
    (paging.twilio, paging.rules) = (Some(Box::new(twilio)), vec![rule(0, &[Means::Voice, Means::Sms])]);
    assert_eq!(policy.check(), Vec::new());
    world.all.workspace.policy = Some(Arc::new(policy));
    world
}

fn hear(world: &mut World, effect: EffectKey, reported: Reported) -> Result<(), Refusal> {
    world.submit(&Actor::Runner, &Command::Page(super::Command::Report { effect, reported })).map(drop)
}

fn undelivered(why: Unreached) -> Reported {
    Reported::Undelivered { why, code: String::new() }
}

#[test]
fn i5_what_the_telephone_reports_counts_more_than_that_it_was_taken() {
    let mut world = telephones();
    let incident = world.open("ito");
    end(&mut world, "page/inc_1/1/tanaka/voice/1", sent());
    assert_eq!(next(&world, incident), Some(90), "until then something is heard");
    hear(&mut world, key("voice", 1), Reported::Delivered).expect("answered");
    assert_eq!(next(&world, incident), None);
    hear(&mut world, key("voice", 1), undelivered(Unreached::NotTaken)).expect("and hung up");
    assert_eq!(keys(&world), ["page/inc_1/1/tanaka/sms/1"]);
    end(&mut world, "page/inc_1/1/tanaka/sms/1", sent());
    hear(&mut world, key("sms", 1), Reported::Delivered).expect("arrived");
    assert_eq!(next(&world, incident), None, "reached; only the escalation goes on");
    for (means, late) in [("sms", undelivered(Unreached::Failed)), ("sms", Reported::Delivered), ("voice", Reported::Delivered)] {
        assert_eq!(hear(&mut world, key(means, 1), late), Err(Refusal::Stale), "late words and doubled ones change nothing");
    }
    for nothing in [key("mail", 1), key("sms", 2), EffectKey("page/inc_1/1/tanaka/sms/1/more".to_owned())] {
        assert_eq!(hear(&mut world, nothing, Reported::Delivered), Err(Refusal::Stale));
    }
    hear(&mut world, key("voice", 1), Reported::Acknowledged).expect("taken all the same");
    assert_eq!(hear(&mut world, key("voice", 1), undelivered(Unreached::NotTaken)), Err(Refusal::Stale));
    assert_eq!(world.all.incidents, world.rebuilt().incidents);
}

#[test]
fn i5_when_nothing_is_heard_in_time_it_goes_on_as_after_a_failure() {
    let mut world = telephones();
    let incident = world.open("ito");
    end(&mut world, "page/inc_1/1/tanaka/voice/1", sent());
    world.pass(89);
    assert_eq!(wake(&mut world, Wake::PageAgain { incident }), Err(Refusal::Stale));
    world.pass(1);
    wake(&mut world, Wake::PageAgain { incident }).expect("silence");
    assert_eq!(keys(&world), ["page/inc_1/1/tanaka/sms/1"]);
    end(&mut world, "page/inc_1/1/tanaka/sms/1", sent());
    world.pass(90);
    wake(&mut world, Wake::PageAgain { incident }).expect("silence again");
    assert_eq!(keys(&world), ["page/inc_1/2/ito/voice/1"], "nobody was reached, so the next step comes");
    hear(&mut world, key("sms", 1), undelivered(Unreached::Failed)).expect("late, but more than nothing");
    assert_eq!(keys(&world), ["page/inc_1/2/ito/voice/1"], "and nothing follows from it twice");
    hear(&mut world, key("voice", 1), Reported::Delivered).expect("heard after all");
    assert_eq!(world.all.incidents, world.rebuilt().incidents);
}

#[test]
fn i5_a_report_may_come_before_the_answer_to_the_order() {
    let mut world = telephones();
    let incident = world.open("ito");
    hear(&mut world, key("voice", 1), undelivered(Unreached::Busy)).expect("at once");
    assert_eq!(keys(&world), ["page/inc_1/1/tanaka/voice/1", "page/inc_1/1/tanaka/sms/1"]);
    end(&mut world, "page/inc_1/1/tanaka/voice/1", sent());
    hear(&mut world, key("sms", 1), Reported::Delivered).expect("at once");
    end(&mut world, "page/inc_1/1/tanaka/sms/1", failed());
    assert_eq!(keys(&world), [""; 0], "an answer that did not come back is no failure when it has arrived");
    assert_eq!(next(&world, incident), None);
}

#[test]
fn i5_what_would_be_refused_again_is_not_tried_again() {
    let mut world = telephones();
    let incident = world.open("ito");
    end(&mut world, "page/inc_1/1/tanaka/voice/1", Outcome::PageRefused { detail: "HTTP 400: 21211".to_owned() });
    assert_eq!(keys(&world), ["page/inc_1/1/tanaka/sms/1"]);
    end(&mut world, "page/inc_1/1/tanaka/sms/1", failed());
    assert_eq!(keys(&world), ["page/inc_1/2/ito/voice/1"]);
    assert_eq!(next(&world, incident), Some(60));
    world.pass(60);
    wake(&mut world, Wake::PageAgain { incident }).expect("again");
    assert_eq!(keys(&world), ["page/inc_1/2/ito/voice/1", "page/inc_1/1/tanaka/sms/2"], "the message, and not the call");
}

#[test]
fn only_the_runner_says_what_became_of_a_page() {
    let mut world = telephones();
    world.open("ito");
    let command = Command::Page(super::Command::Report { effect: key("voice", 1), reported: Reported::Acknowledged });
    for actor in [who("tanaka"), Actor::Timer, Actor::Startup] {
        assert_eq!(world.submit(&actor, &command).map(drop), Err(Refusal::UnknownActor), "{actor:?}");
    }
}

#[test]
fn a_telephone_that_cannot_be_called_is_a_mistake_of_the_policy() {
    let flaws = |change: &dyn Fn(&mut crate::policy::Policy)| {
        let mut policy = (**telephones().all.workspace.policy.as_ref().expect("a policy")).clone();
        change(&mut policy);
        policy.check().into_iter().map(|flaw| flaw.at.join(".")).collect::<Vec<_>>()
    };
    let twilio =
        |change: fn(&mut Twilio)| flaws(&|policy| change(policy.paging.as_mut().expect("paging").twilio.as_mut().expect("twilio")));
    let phone =
        |number: &str| flaws(&|policy| policy.people.get_mut(&PersonId::known("tanaka")).expect("tanaka").phone = Some(number.to_owned()));
    for number in ["090-1111-0001", "09011110001", "+81 90", "+0123456789", "+8190111100011111", "+81９０11110001", ""] {
        assert_eq!(phone(number), ["people.tanaka.phone"], "{number}");
    }
    assert_eq!(phone("+819011110002"), ["people.tanaka.phone"], "ito has that number");
    assert_eq!(twilio(|twilio| twilio.voice_from = None), ["paging.twilio.voice_from"], "a rule counts on calls");
    assert_eq!(twilio(|twilio| twilio.sms_from = Some("hikeshi".to_owned())), ["paging.twilio.sms_from"]);
    assert_eq!(twilio(|twilio| twilio.public_url = "hikeshi.example.test".to_owned()), ["paging.twilio.public_url"]);
    assert_eq!(twilio(|twilio| twilio.public_url = "https://a.test/?b=1".to_owned()), ["paging.twilio.public_url"]);
    assert_eq!(twilio(|twilio| twilio.api = String::new()), ["paging.twilio.api"]);
    assert_eq!(twilio(|twilio| twilio.report_within_s = 1), ["paging.twilio.report_within_s"]);
    assert_eq!(twilio(|twilio| twilio.auth_token_env = " ".to_owned()), ["paging.twilio.auth_token_env"]);
    let without = flaws(&|policy| policy.paging.as_mut().expect("paging").twilio = None);
    assert_eq!(without, ["paging.twilio.sms_from", "paging.twilio.voice_from"]);
}

#[test]
fn while_a_provider_is_away_neither_the_rounds_are_spent_nor_is_anybody_called_many_times() {
    let mut world = world(vec![rule(0, &[Means::Webhook])]);
    let mut policy = (**world.all.workspace.policy.as_ref().expect("a policy")).clone();
    policy.people.values_mut().for_each(|person| person.email = None);
    let first = policy.incident.escalation.first().expect("a step").clone();
    policy.incident.escalation = vec![first.clone(), crate::policy::EscalationStep { after_min: 15, ..first }];
    world.all.workspace.policy = Some(Arc::new(policy));
    let incident = world.open("ito");
    end(&mut world, "page/inc_1/1/tanaka/webhook/1", failed());
    assert_eq!(keys(&world), ["page/inc_1/2/tanaka/webhook/1"], "the second step, at once");
    end(&mut world, "page/inc_1/2/tanaka/webhook/1", failed());
    assert_eq!(keys(&world), [""; 0]);
    assert_eq!(world.all.incident(incident).expect("open").escalated_steps, 2, "the second round has its time");
    world.pass(60);
    wake(&mut world, Wake::PageAgain { incident }).expect("again");
    assert_eq!(keys(&world), ["page/inc_1/2/tanaka/webhook/2"], "once, and not for each step");
    end(&mut world, "page/inc_1/2/tanaka/webhook/2", sent());
    assert_eq!(next(&world, incident), None);
}

#[test]
fn i4_what_answers_a_failure_waits_for_nothing_and_p1_never_does() {
    let window = |world: &World, key: &str| {
        let Work::Page(page) = order(world, key).work else { return None };
        page.window
    };
    let mut world = usual();
    world.open("ito");
    let first = window(&world, "page/inc_1/1/tanaka/webhook/1").expect("pages after it wait");
    assert_eq!((first.place.as_str(), first.seconds, first.rank), ("reservation/production", 60, 1));
    assert!(!first.may_wait, "P1");
    end(&mut world, "page/inc_1/1/tanaka/webhook/1", failed());
    assert!(!window(&world, "page/inc_1/1/tanaka/mail/1").expect("one").may_wait);

    let mut slight = usual();
    let id = slight.open("ito");
    let state = slight.all.incident(id).expect("open").clone();
    let policy = slight.all.workspace.policy.clone().expect("a policy");
    let subject = |priority| decide::Subject { priority, ..decide::Subject::of(&state) };
    let of = |policy: &crate::policy::Policy, priority, haste| bundle::Window::of(policy, &subject(priority), haste);
    for priority in [Priority::P2, Priority::P3, Priority::P4] {
        assert!(of(&policy, priority, bundle::Haste::None).is_some_and(|window| window.may_wait), "{priority:?}");
        assert!(of(&policy, priority, bundle::Haste::AtOnce).is_some_and(|window| !window.may_wait), "{priority:?}");
    }
    let mut off = (*policy).clone();
    off.paging.as_mut().expect("paging").bundle.window_s = 0;
    assert_eq!(off.check(), Vec::new());
    assert_eq!(of(&off, Priority::P4, bundle::Haste::None), None, "off is off");
}

#[test]
fn i4_nobody_waits_longer_than_a_quarter_of_the_time_to_acknowledge() {
    let world = usual();
    let mut policy = (**world.all.workspace.policy.as_ref().expect("a policy")).clone();
    let flaws = |policy: &crate::policy::Policy| policy.check().into_iter().map(|flaw| flaw.at.join(".")).collect::<Vec<_>>();
    policy.paging.as_mut().expect("paging").bundle.window_s = 301;
    assert_eq!(flaws(&policy), ["paging.bundle.window_s"]);
    policy.paging.as_mut().expect("paging").bundle.window_s = 120;
    assert_eq!(flaws(&policy), [""; 0]);
    policy.incident.priorities.get_mut(&Priority::P2).expect("P2").act_within_min = 5;
    assert_eq!(flaws(&policy), ["paging.bundle.window_s"], "75 s at most");
    policy.paging.as_mut().expect("paging").bundle.priorities.remove(&Priority::P2);
    assert_eq!(flaws(&policy), [""; 0], "what does not wait has no say");
    policy.paging.as_mut().expect("paging").bundle.priorities.insert(Priority::P1);
    assert!(flaws(&policy).contains(&"paging.bundle.priorities".to_owned()));
}

#[test]
fn slack_calls_whoever_has_an_id_there_and_falls_over_like_any_means() {
    let mut world = usual();
    let mut policy = (**world.all.workspace.policy.as_ref().expect("a policy")).clone();
    policy.paging.as_mut().expect("paging").rules = vec![rule(0, &[Means::Slack, Means::Webhook])];
    let tanaka = PersonId::new("tanaka").expect("a handle");
    policy.people.get_mut(&tanaka).expect("somebody").chat = Some("U0TANAKA".to_owned());
    assert_eq!(policy.check().len(), 1, "who counts on Slack needs a Slack");
    assert_eq!(reach(&policy, &tanaka), [Means::Webhook, Means::Mail]);
    policy.slack = Some(crate::policy::Slack::default());
    assert_eq!(policy.check(), Vec::new());
    assert_eq!(reach(&policy, &tanaka), [Means::Webhook, Means::Mail, Means::Slack]);
    world.all.workspace.policy = Some(Arc::new(policy));
    world.open("ito");
    assert_eq!(keys(&world), ["page/inc_1/1/tanaka/slack/1"]);
    let Work::Page(page) = order(&world, "page/inc_1/1/tanaka/slack/1").work else { panic!("a page") };
    assert!(matches!(&page.address, Address::Slack { user, .. } if user == "U0TANAKA"));
    end(&mut world, "page/inc_1/1/tanaka/slack/1", failed());
    assert_eq!(keys(&world), ["page/inc_1/1/tanaka/webhook/1"]);
    let taken = Command::Page(crate::page::Command::Report {
        effect: EffectKey("page/inc_1/1/tanaka/slack/1".to_owned()),
        reported: Reported::Acknowledged,
    });
    world.submit(&Actor::Runner, &taken).expect("a message that was thought lost was answered");
    let silent = Command::Page(crate::page::Command::Report {
        effect: EffectKey("page/inc_1/1/tanaka/webhook/1".to_owned()),
        reported: Reported::Acknowledged,
    });
    assert_eq!(world.submit(&Actor::Runner, &silent).map(drop), Err(Refusal::Stale), "a webhook has no button");
}
