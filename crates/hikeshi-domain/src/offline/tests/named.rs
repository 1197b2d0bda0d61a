//! What is said when a ledger comes home: that it is late, what nobody has signed, whose keys and terms do not count any more.

use super::*;
use crate::channel::{Body, Notice};
use crate::offline::OfflineEvent;
use crate::timer::of_incident;

#[test]
fn what_does_not_come_home_in_time_alarms_once() {
    let mut night = Night::new();
    night.whole();
    let home = night.examined().expect("holds");
    night.server.now = hours(home.requested_at, 2);
    let incident = night.told(home.announced());
    let policy = night.server.all.policy().expect("a policy").clone();
    let state = || night.server.all.incident(incident).expect("there").clone();
    let timers = of_incident(&state(), &policy);
    assert_eq!(timers.len(), 1, "nobody is called for what is worked on elsewhere");
    assert_eq!((&timers[0].wake, timers[0].due_at), (&Wake::Unreconciled { incident }, hours(home.requested_at, 24)));
    let wake = Command::Wake(Wake::Unreconciled { incident });
    assert_eq!(night.server.submit(&Actor::Timer, &wake).map(|_| ()), Err(Refusal::Stale), "not yet");
    night.server.now = hours(home.requested_at, 24);
    let decision = night.server.submit(&Actor::Timer, &wake).expect("late");
    let called = decision.events.iter().find_map(|event| {
        let Event::Posted { post } = event else { return None };
        matches!(post.body, Body::Notice { notice: Notice::OfflineLate { .. } }).then(|| post.clone())
    });
    let called = called.expect("an alarm in the channel");
    assert_eq!((called.roles.len(), called.people.as_slice()), (2, &[person("tanaka")][..]));
    assert_eq!(night.server.submit(&Actor::Timer, &wake).map(|_| ()), Err(Refusal::Stale), "once");
    assert_eq!(of_incident(night.server.all.incident(incident).expect("there"), &policy), Vec::new());
    night.brought(incident, home).expect("late is better than never");
    let away = night.server.all.incident(incident).and_then(|incident| incident.away.clone()).expect("away");
    assert!(away.reconciled.is_some() && away.late_announced);
}

#[test]
fn whoever_comes_home_late_without_a_word_before_alarms_then() {
    let mut night = Night::new();
    night.whole();
    let home = night.examined().expect("holds");
    night.server.now = hours(home.requested_at, 25);
    let incident = night.told(home.announced());
    let decision = night.brought(incident, home).expect("comes in");
    let alarm =
        |event: &Event| matches!(event, Event::Posted { post } if matches!(post.body, Body::Notice { notice: Notice::OfflineLate { .. } }));
    assert!(
        decision.events.contains(&Event::Offline(OfflineEvent::Late { incident })) && decision.events.iter().any(alarm),
        "{:?}",
        decision.events
    );
    let away = night.server.all.incident(incident).and_then(|incident| incident.away.clone()).expect("away");
    assert!(away.reconciled.is_some() && away.late_announced);
}

#[test]
fn keys_and_terms_that_have_moved_are_named_whenever_that_was() {
    let mut night = Night::new();
    night.whole();
    let named = |night: &Night| night.examined().expect("comes in").degraded;
    let key = |person: &PersonId| Degraded::KeyRevoked { person: person.clone() };
    let sato = person("sato");
    assert!(!named(&night).contains(&key(&sato)));
    let terms = night.server.all.policy().expect("a policy").clone();
    let mut policy = terms.clone();
    let revoked = |policy: &mut crate::policy::Policy, at| {
        policy.people.get_mut(&person("sato")).expect("known").ssh_keys[0].revoked_at = Some(at);
    };
    // After it signed, as the executor's clock says: nobody else says so.
    revoked(&mut policy, night.world.now);
    night.server.all.workspace.policy = Some(std::sync::Arc::new(policy.clone()));
    let degraded = named(&night);
    assert!(degraded.contains(&key(&sato)) && degraded.contains(&Degraded::TermsMoved { policy: terms.digest() }), "{degraded:?}");
    revoked(&mut policy, hours(night.world.now, 2));
    night.server.all.workspace.policy = Some(std::sync::Arc::new(policy.clone()));
    assert!(!named(&night).contains(&key(&sato)), "it will end later");
    policy.people.get_mut(&sato).expect("known").ssh_keys.clear();
    night.server.all.workspace.policy = Some(std::sync::Arc::new(policy));
    assert!(named(&night).contains(&key(&sato)), "it is gone");
}

#[test]
fn what_nobody_has_signed_is_named_with_whoever_is_said_to_have_said_it() {
    use emergency::Command as Do;
    let mut dangerous = plan();
    dangerous.steps[1].dangerous = true;
    dangerous.verification.unaffected.clear();
    let (mut night, id) = Night::begun_with(dangerous);
    night.contents.insert(Digest::of(b"else.conf"), b"else.conf".to_vec());
    let step = |night: &mut Night, step: u32, confirm: &str| {
        night.emergency("tanaka", Do::Step { emergency: id, step, confirm: confirm.to_owned() }).expect("a step");
        let change = crate::testing::changed("else.conf", false);
        night.ended(crate::effect::Outcome::StepEnded {
            end: step_end(night.world.now, 0),
            looked: Ok(crate::emergency::Looked::of(vec![change])),
        });
    };
    step(&mut night, 1, "");
    let digest = night.world.emergency(id).digest;
    night.emergency("takahashi", Do::Confirm { emergency: id, step: 2, digest, confirm: "再読み込み".to_owned() }).expect("confirmed");
    step(&mut night, 2, "再読み込み");
    night.enter("sato").expect("entered");
    night.emergency("sato", Do::Accept { emergency: id, path: "else.conf".to_owned(), reason: "可".to_owned() }).expect("accepted");
    night.emergency("tanaka", Do::Verify { emergency: id }).expect("checks");
    let mut solved = crate::testing::checks(true);
    solved.truncate(1);
    night.ended(crate::effect::Outcome::ChecksEnded { results: solved });
    let attest = Do::Attest { emergency: id, aspect: emergency::Aspect::Unaffected, passed: true, note: "見た".to_owned() };
    night.emergency("suzuki", attest).expect("attested");
    night.emergency("tanaka", Do::Close { emergency: id }).expect("closed");
    let word = |by: &str| Degraded::WordTold { emergency: id, person: person(by) };
    let presence = Degraded::PresenceTold { emergency: id };
    assert_eq!(night.examined().expect("comes in").degraded, [presence, word("sato"), word("suzuki"), word("takahashi")]);
}

#[test]
fn what_was_verified_comes_in_whoever_has_told_of_its_name_before() {
    let mut night = Night::new();
    night.whole();
    let home = night.examined().expect("holds");
    let mut first = home.announced();
    (first.key, first.host) = ("example.jp/hikeshi/local/app-1-0a1b2c3d+00000000+AAAA".to_owned(), "elsewhere".to_owned());
    let incident = night.told(first);
    night.brought(incident, home.clone()).expect("comes in");
    let away = night.server.all.incident(incident).and_then(|incident| incident.away.clone()).expect("away");
    assert_eq!((away.key, away.host), (home.key, home.host));
    let other = Degraded::OtherAnnounced { by: person("tanaka") };
    assert!(away.reconciled.expect("home").degraded.contains(&other));
    assert!(night.server.emergency(EmergencyId(1)).offline.as_ref().expect("offline").degraded.contains(&other));
}
