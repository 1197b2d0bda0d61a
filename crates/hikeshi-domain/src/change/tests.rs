//! Changes, one rule after the other (rule I7).

use super::*;
use crate::command;
use crate::decide::Decision;
use crate::effect::{Outcome, Work};
use crate::emergency;
use crate::ids::{IncidentId, SourceName};
use crate::refusal::Refusal;
use crate::testing::{World, who};

fn record(title: &str, at: Option<Timestamp>) -> Command {
    Command::Record {
        title: title.to_owned(),
        details: String::new(),
        service: Some(ServiceName::known("reservation")),
        environment: Some(EnvironmentName::known("production")),
        link: Some("https://ci.test/142".to_owned()),
        at,
    }
}

fn tell(world: &mut World, by: &Actor, command: Command) -> Result<Decision, Refusal> {
    world.submit(by, &command::Command::Change(command))
}

fn source() -> Actor {
    Actor::Source { source: SourceName::known("prometheus") }
}

fn told(world: &World) -> Vec<Change> {
    let all = world.all.changes.values().flatten();
    all.filter(|change| matches!(change.what, What::Told { .. })).cloned().collect()
}

fn kinds(world: &World) -> Vec<String> {
    let mut all: Vec<&Change> = world.all.changes.values().flatten().collect();
    all.sort_by_key(|change| change.at);
    let name = |change: &&Change| format!("{} {:?}", change.key, change.what).chars().take_while(|c| *c != '{').collect::<String>();
    all.iter().map(name).map(|text| text.trim().to_owned()).filter(|text| !text.starts_with("policy")).collect()
}

#[test]
fn i7_told_twice_is_one_change() {
    let mut world = World::new();
    let at = Some(world.now);
    world.pass(600);
    let first = tell(&mut world, &who("kansa"), record("v1.4.2", at)).expect("anybody may tell");
    assert_eq!((first.events.len(), first.case), (1, None));
    assert_eq!(tell(&mut world, &who("kansa"), record(" v1.4.2 ", at)).expect("taken").events, []);
    assert_eq!(told(&world).len(), 1);
    // Another teller, another time, another title: another change.
    tell(&mut world, &who("tanaka"), record("v1.4.2", at)).expect("taken");
    tell(&mut world, &who("kansa"), record("v1.4.3", at)).expect("taken");
    let now = Some(world.now);
    tell(&mut world, &who("kansa"), record("v1.4.2", now)).expect("taken");
    assert_eq!(told(&world).len(), 4);
    // Without its time it happens now; whether a request is repeated, the door knows by its key.
    assert_eq!(tell(&mut world, &who("kansa"), record("v1.4.4", None)).expect("taken").events.len(), 1);
    world.pass(1);
    assert_eq!(tell(&mut world, &who("kansa"), record("v1.4.4", None)).expect("taken").events.len(), 1);
    // Two in one moment that only their details or their links tell apart are two.
    let before = told(&world).len();
    let Command::Record { title, service, environment, at, .. } = record("flag", None);
    for (details, link) in [("on: a", None), ("on: b", None), ("on: a", Some("https://ci.test/1".to_owned()))] {
        let (title, service, environment) = (title.clone(), service.clone(), environment.clone());
        let command = Command::Record { title, details: details.to_owned(), service, environment, link, at };
        tell(&mut world, &source(), command.clone()).expect("taken");
        tell(&mut world, &who("kansa"), command).expect("taken");
    }
    assert_eq!(told(&world).len(), before + 6);
    assert_eq!(world.rebuilt().changes, world.all.changes);
}

#[test]
fn a_person_puts_right_what_does_not_fit() {
    let mut world = World::new();
    let with = |change: &dyn Fn(&mut Command)| {
        let mut command = record("v1.4.2", None);
        change(&mut command);
        command
    };
    let later = world.now.checked_add(SignedDuration::from_secs(60)).ok();
    let wrong = [
        (record(" ", None), "input.text_missing"),
        (record(&"長".repeat(201), None), "input.text_too_long"),
        (with(&|Command::Record { details, .. }| *details = "x".repeat(2_001)), "input.text_too_long"),
        (with(&|Command::Record { service, .. }| *service = Some(ServiceName::known("nowhere"))), "input.not_in_policy"),
        (with(&|Command::Record { environment, .. }| *environment = Some(EnvironmentName::known("nowhere"))), "input.not_in_policy"),
        (with(&|Command::Record { link, .. }| *link = Some("javascript:alert(1)".to_owned())), "change.link"),
        (with(&|Command::Record { link, .. }| *link = Some("https://a b".to_owned())), "change.link"),
        (with(&|Command::Record { link, .. }| *link = Some(format!("https://{}", "x".repeat(1_000)))), "input.text_too_long"),
        (record("v1.4.2", later), "input.time_in_future"),
    ];
    for (command, code) in wrong {
        assert_eq!(tell(&mut world, &who("tanaka"), command).map_err(|refusal| refusal.code()), Err(code));
    }
    assert_eq!(told(&world), []);
}

#[test]
fn a_program_is_taken_as_it_speaks_and_is_of_its_own_place() {
    let mut world = World::new();
    let later = world.now.checked_add(SignedDuration::from_secs(60)).ok();
    let words = Command::Record {
        title: "長".repeat(300),
        details: "x".repeat(3_000),
        service: Some(ServiceName::known("mail")),
        environment: None,
        link: Some("javascript:alert(1)".to_owned()),
        at: later,
    };
    tell(&mut world, &source(), words.clone()).expect("taken");
    let [change] = told(&world).try_into().expect("one");
    assert_eq!((change.service.as_ref().map(ServiceName::as_str), change.at), (Some("reservation"), world.now));
    let What::Told { title, details, link } = &change.what else { panic!("{change:?}") };
    assert_eq!((title.chars().count(), details.chars().count(), link), (200, 2_000, &None));
    assert_eq!(tell(&mut world, &source(), words).expect("taken").events, [], "a clock ahead of ours does not make it two");
    let stranger = Actor::Source { source: SourceName::known("stranger") };
    tell(&mut world, &stranger, record("v2", None)).expect("what the policy does not know is of no place");
    assert!(told(&world).iter().any(|change| change.service.is_none()));
    assert!(tell(&mut world, &Actor::Runner, record("v2", None)).is_err());
}

#[test]
fn what_happens_while_it_burns_stands_in_the_timeline() {
    let mut world = World::new();
    let before = Some(world.now);
    world.pass(60);
    let incident = world.open("tanaka");
    world.pass(60);
    let during = Some(world.now);
    let case = |world: &mut World, title: &str, at| tell(world, &source(), record(title, at)).expect("taken").case;
    assert_eq!(case(&mut world, "before", before), None, "told late, it happened before");
    assert_eq!(case(&mut world, "during", during), Some(incident));
    assert_eq!(case(&mut world, "now", None), Some(incident));
    let resolve = crate::incident::Command::Resolve { incident, what: "戻した".to_owned() };
    world.submit(&who("tanaka"), &command::Command::Incident(resolve)).expect("resolved");
    world.pass(60);
    assert_eq!(
        case(&mut world, "late", during.and_then(|at| at.checked_add(SignedDuration::from_secs(1)).ok())),
        None,
        "after the recovery"
    );
    assert_eq!(case(&mut world, "after", None), None);
    let mut elsewhere = record("elsewhere", None);
    let Command::Record { environment, .. } = &mut elsewhere;
    *environment = Some(EnvironmentName::known("test"));
    world.open("tanaka");
    assert_eq!(tell(&mut world, &who("tanaka"), elsewhere).expect("taken").case, None);
}

#[test]
fn what_an_exception_does_is_known_without_being_told() {
    let mut world = World::new();
    let id = world.executing();
    assert_eq!(kinds(&world), Vec::<String>::new(), "a backup alters nothing");
    world.pass(5);
    world.run_step(id, 1, 0, Vec::new());
    world.pass(5);
    world.give("tanaka", emergency::Command::Step { emergency: id, step: 2, confirm: String::new() }).expect("started");
    let stands = |world: &World, key: &str| {
        let what = &world.all.change(&key.parse().expect("a key")).expect("known").what;
        let What::Step { stands, .. } = what else { panic!("{what:?}") };
        *stands
    };
    assert_eq!((stands(&world, "emg_1/step/1/1"), stands(&world, "emg_1/step/2/1")), (Stands::Succeeded, Stands::Running));
    let change = world.all.change(&"emg_1/step/1/1".parse().expect("a key")).expect("known");
    assert_eq!((&change.by, change.service.as_ref().map(ServiceName::as_str)), (&who("tanaka"), Some("reservation")));
    let key = world.queued.iter().find(|effect| matches!(effect.work, Work::RunStep { .. })).expect("ordered").key.clone();
    let doubt = command::OutcomeCommand::InDoubt { effect: key };
    world.submit(&Actor::Runner, &command::Command::Outcome(doubt)).expect("taken");
    assert_eq!(stands(&world, "emg_1/step/2/1"), Stands::InDoubt);
    let settle = emergency::Command::Settle { emergency: id, step: 2, verdict: emergency::Verdict::DidNotRun, reason: "無い".to_owned() };
    world.give("tanaka", settle).expect("settled");
    assert_eq!(stands(&world, "emg_1/step/2/1"), Stands::DidNotRun);
    world.run_step(id, 2, 1, Vec::new());
    assert_eq!(stands(&world, "emg_1/step/2/2"), Stands::Failed, "another attempt is another change");
    let restore = emergency::Command::Restore { emergency: id, reason: "戻す".to_owned(), confirm: id.to_string() };
    world.give("tanaka", restore).expect("restores");
    let key = world.queued.iter().find(|effect| matches!(effect.work, Work::Restore { .. })).expect("ordered").key.clone();
    world.end(&key, Outcome::Failed { detail: "no space".to_owned() }).expect("taken");
    assert!(kinds(&world).iter().any(|kind| kind.ends_with("Restored")), "{:?}", kinds(&world));
    assert_eq!(world.rebuilt().changes, world.all.changes);
}

#[test]
fn a_silence_and_a_policy_are_changes() {
    let mut world = World::new();
    let adopted = world.all.changes.values().flatten().filter(|change| matches!(change.what, What::Policy { .. }));
    assert_eq!(adopted.map(|change| change.by.clone()).collect::<Vec<_>>(), [Actor::Startup]);
    let covers = Covers { service: Some(ServiceName::known("mail")), ..Covers::default() };
    let silence = crate::alert::Command::Silence { covers, from: None, minutes: 60, reason: "移行".to_owned(), public: None };
    world.submit(&who("tanaka"), &command::Command::Alert(silence)).expect("silenced");
    let change = world.all.change(&"sil_1".parse().expect("a key")).expect("known");
    assert_eq!((&change.by, change.service.as_ref().map(ServiceName::as_str)), (&who("tanaka"), Some("mail")));
}

#[test]
fn the_time_that_matters_begins_a_day_before_it_was_noticed() {
    let mut world = World::new();
    let id: IncidentId = world.open("tanaka");
    world.pass(3_600);
    let span = |world: &World| span_of(world.all.incident(id).expect("open"), world.now);
    let opened = world.all.incident(id).expect("open").opened_at;
    assert_eq!(span(&world), (opened.checked_sub(SignedDuration::from_hours(24)).expect("a time"), world.now));
    let resolve = crate::incident::Command::Resolve { incident: id, what: "戻した".to_owned() };
    world.submit(&who("tanaka"), &command::Command::Incident(resolve)).expect("resolved");
    let resolved = world.now;
    world.pass(3_600);
    assert_eq!(span(&world).1, resolved);
}
