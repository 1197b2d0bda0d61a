//! What the door promises: once per key, in one order, recorded before it is answered, masked before it is recorded.

use std::collections::BTreeSet;

use hikeshi_domain::command::{Command, Envelope, PolicyCommand};
use hikeshi_domain::emergency;
use hikeshi_domain::ids::{Digest, IncidentId, RequestKey};
use hikeshi_domain::incident;
use hikeshi_domain::ledger::{EntryResult, leaf_hash};
use hikeshi_domain::offline::Announced;
use hikeshi_domain::people::{Actor, Via};
use hikeshi_domain::refusal::Refusal;
use hikeshi_engine::door::{Answer, Fault};
use hikeshi_store::testing::Scratch;
use jiff::SignedDuration;
use tokio::task::JoinSet;

use crate::kit::*;

hikeshi_store::on_both!(
    a_key_is_one_request,
    a_key_is_its_owners,
    many_writers_share_commits_and_each_is_done_once,
    commands_of_one_batch_see_each_other,
    a_refusal_is_recorded_with_what_was_asked,
    a_secret_is_masked_before_it_is_written,
    what_is_unchanged_leaves_no_entry,
    a_ledger_elsewhere_is_told_of_whatever_was_said_before,
    a_rehearsal_writes_nothing,
    the_time_of_the_ledger_never_goes_back,
    a_stopped_door_answers_what_it_took,
);

fn a_key_is_one_request(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.open().await;
        let door = engine.door();
        let envelope = by("tanaka", opening("一度だけ"));
        let Answer::Done(first) = door.submit(envelope.clone()).await.expect("answered") else { panic!("not done") };
        assert_eq!(first.made.as_deref(), Some("inc_1"));
        assert_eq!(door.submit(envelope.clone()).await.expect("answered"), Answer::Already(first.clone()));
        engine.stop().await;

        let engine = town.start("two").await;
        assert_eq!(engine.door().submit(envelope).await.expect("answered"), Answer::Already(first));
        assert_eq!(town.count("incident.open"), 1);

        // A refused request stays refused, also after what was missing has come about.
        let incident = IncidentId(1);
        let closing =
            by("tanaka", Command::Incident(incident::Command::Move { incident, stage: incident::Stage::Closed, reason: String::new() }));
        let Answer::Refused { refusal, seq } = engine.door().submit(closing.clone()).await.expect("answered") else {
            panic!("not refused")
        };
        assert_eq!((refusal.code(), seq.is_some()), ("incident.not_resolved", true));
        done(&engine.door(), "tanaka", Command::Incident(incident::Command::Resolve { incident, what: "直した".to_owned() })).await;
        assert_eq!(engine.door().submit(closing).await.expect("answered"), Answer::Refused { refusal, seq });
        engine.stop().await;
    });
}

fn a_key_is_its_owners(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.open().await;
        let door = engine.door();
        let mine = by("tanaka", opening("田中の報告"));
        door.submit(mine.clone()).await.expect("answered");
        let theirs = Envelope { actor: who("sato"), ..mine };
        assert_eq!(door.submit(theirs).await.expect("answered"), Answer::Refused { refusal: Refusal::NotYours, seq: None });

        // A person who takes a key of the program's own form does not make a deadline look answered.
        let due = town.now().checked_add(SignedDuration::from_mins(15)).expect("a time").as_millisecond();
        let taken = RequestKey::new(format!("inside:wake:escalate:inc_1:{due}")).expect("a key");
        let envelope = Envelope { key: taken, ..by("tanaka", note(IncidentId(1), "先回り")) };
        assert!(matches!(door.submit(envelope.clone()).await.expect("answered"), Answer::Done(_)));
        assert!(matches!(door.submit(envelope).await.expect("answered"), Answer::Already(_)));
        town.pass(15);
        town.until("the escalation fires", |town| town.incident(IncidentId(1)).escalated_steps == 2).await;
        engine.stop().await;
    });
}

fn many_writers_share_commits_and_each_is_done_once(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.open().await;
        let mut writers = JoinSet::new();
        for writer in 0..64 {
            let door = engine.door();
            writers.spawn(async move {
                let mut made = Vec::new();
                for turn in 0..5 {
                    made.push(done(&door, "tanaka", opening(&format!("{writer}の{turn}"))).await.made.expect("an id"));
                }
                made
            });
        }
        let made: Vec<String> = writers.join_all().await.into_iter().flatten().collect();
        assert_eq!(made.iter().collect::<BTreeSet<_>>().len(), 320, "every number is given once");
        let figures = engine.door().figures();
        assert!(figures.batch_largest > 8, "{figures:?}");
        assert!(figures.batches < figures.commands / 2, "{figures:?}");
        engine.stop().await;

        let mut prev = Digest([0; 32]);
        let mut numbers = Vec::new();
        for kept in town.kept() {
            let entry: hikeshi_domain::ledger::Entry = serde_json::from_slice(&kept.bytes).expect("an entry");
            assert_eq!((entry.seq, entry.prev), (kept.seq, prev));
            prev = leaf_hash(&kept.bytes);
            if let EntryResult::Done { made: Some(made), .. } = entry.result {
                numbers.push(made);
            }
        }
        assert_eq!(
            numbers,
            (1..=320).map(|number| format!("inc_{number}")).collect::<Vec<_>>(),
            "in the order of the ledger, without gaps"
        );
    });
}

fn commands_of_one_batch_see_each_other(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.open().await;
        let door = engine.door();
        let incident = IncidentId(1);
        let twice = by("suzuki", note(incident, "同じ鍵で二度"));
        let acknowledge = |name| by(name, Command::Incident(incident::Command::Acknowledge { incident }));
        let (opened, noted, first, second, one, other) = tokio::join!(
            door.submit(by("tanaka", opening("まとめて"))),
            door.submit(by("suzuki", note(incident, "すぐ後"))),
            door.submit(acknowledge("tanaka")),
            door.submit(acknowledge("ito")),
            door.submit(twice.clone()),
            door.submit(twice),
        );
        assert!(matches!(opened, Ok(Answer::Done(_))), "{opened:?}");
        assert!(matches!(noted, Ok(Answer::Done(_))), "{noted:?}");
        assert!(matches!(first, Ok(Answer::Done(_))), "{first:?}");
        let Ok(Answer::Refused { refusal, .. }) = second else { panic!("{second:?}") };
        assert_eq!(refusal, Refusal::AlreadyAcknowledged { incident, by: person("tanaka") });
        let (Ok(Answer::Done(one)), Ok(Answer::Already(other))) = (one, other) else { panic!("not once") };
        assert_eq!(one, other);
        assert_eq!(town.count("incident.note"), 2);
        engine.stop().await;
    });
}

fn a_refusal_is_recorded_with_what_was_asked(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.open().await;
        let door = engine.door();
        let id = town.requested(&door).await;
        let digest = town.emergency(id).digest;
        let own = emergency::Command::Approve { emergency: id, digest, judgement: "自分で".to_owned() };
        let (refusal, seq) = refused(&door, "tanaka", Command::Emergency(own)).await;
        assert_eq!(refusal, Refusal::SelfApproval { person: person("tanaka") });
        let entry = town.entries().pop().expect("an entry");
        assert_eq!((Some(entry.seq), entry.kind.as_str(), entry.case), (seq, "emergency.approve", Some(IncidentId(1))));
        let EntryResult::Refused { rule, code, asked, .. } = entry.result else { panic!("not recorded as refused") };
        assert_eq!((rule.as_str(), code.as_str(), asked["judgement"].as_str()), ("E3", "emergency.self_approval", Some("自分で")));

        // What is too large to keep is named by its size and digest.
        let (_, seq) = refused(&door, "tanaka", note(IncidentId(1), &"長".repeat(20_000))).await;
        assert!(seq.is_some());
        let EntryResult::Refused { asked, .. } = town.entries().pop().expect("an entry").result else { panic!("not refused") };
        assert!(asked["not_kept"]["bytes"].as_u64().is_some_and(|bytes| bytes > 60_000), "{asked}");
        assert_eq!((asked["do"].as_str(), asked["incident"].as_str()), (Some("note"), Some("inc_1")), "it still says what it was about");

        // Somebody whom the policy does not name is refused, and that is recorded too.
        let stranger = Envelope { actor: Actor::person(person("dareka")), ..by("tanaka", opening("知らない人")) };
        assert!(matches!(door.submit(stranger).await, Ok(Answer::Refused { refusal: Refusal::UnknownActor, seq: Some(_) })));
        // A person cannot speak as the program, and settles nothing by trying.
        let posing =
            hikeshi_domain::command::OutcomeCommand::InDoubt { effect: hikeshi_domain::effect::EffectKey("emg_1/step/1/1".to_owned()) };
        assert_eq!(refused(&door, "tanaka", Command::Outcome(posing)).await.0, Refusal::UnknownActor);
        engine.stop().await;
    });
}

fn a_secret_is_masked_before_it_is_written(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.open().await;
        let door = engine.door();
        let incident = open_incident(&door, "tanaka").await;
        done(&door, "tanaka", note(incident, "鍵は hunter2-correct-horse でした")).await;
        let mut hardened = policy();
        hardened.secrets.patterns.push("KAGI-[0-9]+".to_owned());
        adopt(&door, hardened.clone()).await;
        done(&door, "tanaka", note(incident, "新しい鍵は KAGI-4711")).await;
        let mut looser = hardened;
        looser.emergency.witnesses_min = 1;
        adopt(&door, looser.clone()).await;
        let reject = PolicyCommand::Reject { digest: looser.digest(), reason: "KAGI-77 が見えていた".to_owned() };
        done(&door, "sato", Command::Policy(reject)).await;
        refused(&door, "kansa", Command::Incident(incident::Command::Update { incident, text: "PASSWORD=swordfish99 KAGI-42".to_owned() }))
            .await;
        engine.stop().await;
        let everything =
            town.entries().iter().map(|entry| String::from_utf8(entry.bytes().expect("bytes")).expect("text")).collect::<String>();
        for secret in ["hunter2-correct-horse", "swordfish99", "KAGI-42", "KAGI-77", "KAGI-4711"] {
            assert!(!everything.contains(secret), "{secret} was written");
        }
        assert_eq!(everything.matches("[masked]").count(), 5);
    });
}

/// A refusal that stood would keep the ledger itself outside for ever.
fn a_ledger_elsewhere_is_told_of_whatever_was_said_before(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.open().await;
        let door = engine.door();
        let case = |title: &str| Announced {
            ledger: "test.example/ledger/local/app-1-0a1b2c3d".to_owned(),
            key: "test.example/ledger/local/app-1-0a1b2c3d+00000000+AAAA".to_owned(),
            host: "app-1".to_owned(),
            // That clock is ahead, and its terms name what the policy does not have any more.
            requested_at: town.now().checked_add(SignedDuration::from_hours(2)).expect("a time"),
            title: title.to_owned(),
            service: "gone".parse().expect("a name"),
            environment: "gone".parse().expect("a name"),
            triage: serious(),
        };
        let refused = door.announce_offline(person("tanaka"), case("")).await;
        assert!(matches!(refused, Ok(Answer::Refused { seq: None, .. })), "{refused:?}");
        let told = door.announce_offline(person("tanaka"), case("鍵は hunter2-correct-horse")).await.expect("answered");
        let Answer::Done(told) = told else { panic!("not told: {told:?}") };
        let incident = town.incident(told.case.expect("a case"));
        let away = incident.away.expect("away");
        assert!(!incident.title.contains("hunter2") && incident.title.contains("[masked]"), "{}", incident.title);
        assert_eq!(away.requested_at, away.announced_at);
        let again = door.announce_offline(person("tanaka"), case("別の題")).await;
        assert!(matches!(again, Ok(Answer::Already(_))), "{again:?}");
        engine.stop().await;
    });
}

fn what_is_unchanged_leaves_no_entry(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.open().await;
        let door = engine.door();
        let id = town.watched(&door).await;
        let before = town.entries().len();
        let receipt = give(&door, "suzuki", emergency::Command::Watch { emergency: id }).await;
        assert_eq!(receipt.seq, None, "a heartbeat leaves no entry");
        let wake = Envelope {
            key: key(),
            actor: Actor::Timer,
            via: Via::Inside,
            command: Command::Wake(hikeshi_domain::timer::Wake::Escalate { incident: IncidentId(1) }),
        };
        let answer = door.submit(wake).await.expect("answered");
        assert_eq!(answer, Answer::Refused { refusal: Refusal::Stale, seq: None }, "a deadline that no longer applies leaves none");
        assert_eq!(town.entries().len(), before);
        engine.stop().await;
    });
}

fn a_rehearsal_writes_nothing(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.open().await;
        let door = engine.door();
        let before = town.entries().len();
        let Ok(Answer::Done(receipt)) = door.rehearse(by("tanaka", opening("試しに"))).await else { panic!("not allowed") };
        assert_eq!((receipt.made.as_deref(), receipt.seq), (Some("inc_1"), None));
        let refused = door.rehearse(by("kansa", Command::Incident(incident::Command::Acknowledge { incident: IncidentId(1) }))).await;
        assert!(matches!(refused, Ok(Answer::Refused { refusal: Refusal::RoleMissing { .. }, seq: None })), "{refused:?}");
        assert_eq!(town.entries().len(), before);
        assert_eq!(done(&door, "tanaka", opening("本番")).await.made, receipt.made);
        engine.stop().await;
    });
}

fn the_time_of_the_ledger_never_goes_back(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.open().await;
        let door = engine.door();
        let incident = open_incident(&door, "tanaka").await;
        town.clock.move_by(SignedDuration::from_nanos(1_500_700_000));
        done(&door, "tanaka", note(incident, "一")).await;
        let late = town.entries().pop().expect("an entry").at;
        assert_eq!(late.to_string(), "2026-11-22T03:00:01.5Z", "milliseconds are kept, nothing finer");
        town.pass(-60);
        done(&door, "tanaka", note(incident, "二")).await;
        engine.stop().await;
        let engine = town.start("two").await;
        done(&engine.door(), "tanaka", note(incident, "三")).await;
        let ats: Vec<_> = town.entries().into_iter().map(|entry| entry.at).collect();
        assert!(ats.is_sorted(), "{ats:?}");
        assert_eq!(ats.last(), Some(&late));
        engine.stop().await;
    });
}

fn a_stopped_door_answers_what_it_took(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.open().await;
        let door = engine.door();
        let mut writers = JoinSet::new();
        for turn in 0..200 {
            let door = door.clone();
            writers.spawn(async move { submit(&door, "tanaka", opening(&format!("{turn}"))).await });
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        engine.stop().await;
        let answers = writers.join_all().await;
        let recorded = answers.iter().filter(|answer| matches!(answer, Ok(Answer::Done(_)))).count();
        let stopped = answers.iter().filter(|answer| matches!(answer, Err(Fault::Stopping))).count();
        assert_eq!(recorded + stopped, 200, "{answers:?}");
        assert_eq!(town.count("incident.open"), recorded, "what was answered is what was recorded");
        assert!(matches!(submit(&door, "tanaka", opening("遅すぎた")).await, Err(Fault::Stopping)));
    });
}
