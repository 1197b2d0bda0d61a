//! What is seen: every view, by whom, what is offered in it, and that it is one state.

mod monitors;
mod slow;

use hikeshi_domain::account;
use hikeshi_domain::alert::{self, Phase, Signal};
use hikeshi_domain::command::{Command, Envelope, PolicyCommand};
use hikeshi_domain::emergency::{self, Status};
use hikeshi_domain::ids::{Digest, EmergencyId, IncidentId, RoleName, SourceName};
use hikeshi_domain::incident;
use hikeshi_domain::people::{Actor, Via};
use hikeshi_domain::refusal::Refusal;
use hikeshi_engine::door::{Answer, Credential};
use hikeshi_engine::look::{LookError, Offer, Which};
use hikeshi_store::testing::Scratch;
use jiff::SignedDuration;

use crate::kit::*;

hikeshi_store::on_both!(
    the_first_page_shows_what_burns_and_what_is_owed,
    a_case_is_seen_with_its_measures_and_its_timeline,
    what_was_merged_is_seen_in_the_one_that_goes_on,
    what_is_offered_is_what_the_door_would_answer,
    lists_go_back_page_by_page,
    only_people_of_the_policy_see,
    a_secret_authenticates_while_it_is_valid,
    the_tip_moves_with_commits_of_any_node,
    a_waiting_policy_is_shown_with_who_may_agree,
);

fn offered<'a>(offers: &'a [Offer], kind: &str) -> &'a Offer {
    offers.iter().find(|offer| offer.kind == kind).unwrap_or_else(|| panic!("{kind} is not among {offers:?}"))
}

fn the_first_page_shows_what_burns_and_what_is_owed(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.open().await;
        let door = engine.door();
        let id = town.executing(&door).await;
        crate::effects::step(&door, id, 1).await;
        town.until("the step ends", |town| crate::effects::ended(town, id, 1)).await;
        town.pass(25 * 60);
        let viewer = who("kansa");
        let now = door.look(&viewer).now().await.expect("seen");
        assert_eq!((now.burning.len(), now.burning_total), (1, 1));
        assert_eq!(now.exceptions.iter().map(|emergency| emergency.id).collect::<Vec<_>>(), vec![id]);
        assert_eq!((now.owed_total, now.overdue_total), (3, 2), "request and report are overdue after a day");
        assert_eq!((now.exceptions_this_month, now.exceptions_last_month), (1, 0));
        assert_eq!(now.at, town.now());
        assert!(now.size >= 8);
        let effects = door.look(&viewer).effects().await.expect("seen");
        assert!(effects.is_empty(), "{effects:?}");
        engine.stop().await;
    });
}

fn a_case_is_seen_with_its_measures_and_its_timeline(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.open().await;
        let door = engine.door();
        let id = town.requested(&door).await;
        let incident = IncidentId(1);
        town.clock.move_by(SignedDuration::from_secs(90));
        done(&door, "ito", Command::Incident(incident::Command::Acknowledge { incident })).await;
        let viewer = who("kansa");
        let view = door.look(&viewer).incident(incident).await.expect("seen");
        assert_eq!(
            (view.measures.acknowledged_s, view.measures.acknowledged_in_time, view.measures.resolved_s),
            (Some(90), Some(true), None)
        );
        assert_eq!(view.emergencies.iter().map(|emergency| emergency.id).collect::<Vec<_>>(), vec![id]);
        town.pass(61);
        let view = door.look(&viewer).incident(incident).await.expect("seen");
        assert_eq!(view.measures.resolved_in_time, Some(false), "the hour for a P1 has passed");

        let timeline = door.look(&viewer).timeline(incident, None, 100).await.expect("seen");
        let kinds: Vec<_> = timeline.rows.iter().map(|entry| entry.kind.as_str()).filter(|kind| !kind.starts_with("wake.")).collect();
        assert_eq!(kinds, vec!["incident.acknowledge", "emergency.request", "incident.open"]);
        assert!(timeline.rows.iter().all(|entry| entry.case == Some(incident) && !entry.events.is_empty()));
        let (entry, bytes) = door.look(&viewer).entry(timeline.rows[0].seq).await.expect("seen");
        assert_eq!(hikeshi_domain::ledger::leaf_hash(&bytes), entry.hash);

        let seen = door.look(&viewer).emergency(id).await.expect("seen");
        assert_eq!(seen.emergency.digest, Digest::of(seen.plan_document.as_bytes()), "the shown document is what the digest is of");
        assert_eq!(seen.target.expect("a target").root, "/srv/app");
        assert!(!seen.quorum.met);
        assert!(matches!(door.look(&viewer).incident(IncidentId(9)).await, Err(LookError::NotFound { what: "incident", .. })));
        let posts = door.look(&viewer).channel(&"emergency-deploy".parse().expect("a name"), None, 10).await.expect("seen");
        assert_eq!(posts.posts.rows.len(), 1);
        engine.stop().await;
    });
}

fn what_was_merged_is_seen_in_the_one_that_goes_on(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.open().await;
        let door = engine.door();
        let (first, second) = (open_incident(&door, "tanaka").await, open_incident(&door, "tanaka").await);
        let source = SourceName::new("prometheus").expect("a name");
        let signal = Signal::new("m", Phase::Firing, "m is down");
        let report = Command::Alert(alert::Command::Report { source: source.clone(), signals: vec![signal] });
        let envelope = Envelope { key: key(), actor: Actor::Source { source }, via: Via::Api, command: report };
        assert!(matches!(door.submit(envelope).await, Ok(Answer::Done(_))));
        done(&door, "tanaka", note(second, "先に見たこと")).await;
        let viewer = who("kansa");
        let alerts = door.look(&viewer).alerts().await.expect("seen");
        assert_eq!(alerts.firing[0].incident, Some(second));
        let merge = incident::Command::Merge { incident: second, into: first, reason: "同じ".to_owned() };
        done(&door, "tanaka", Command::Incident(merge)).await;
        done(&door, "tanaka", note(first, "あとで見たこと")).await;

        let of = async |before, limit| {
            let page = door.look(&viewer).timeline(first, before, limit).await.expect("seen");
            (page.rows.iter().map(|row| (row.kind.clone(), row.case.expect("a case").0)).collect::<Vec<_>>(), page.older)
        };
        let (all, _) = of(None, 100).await;
        let all: Vec<(&str, u64)> =
            all.iter().map(|(kind, case)| (kind.as_str(), *case)).filter(|(kind, _)| !kind.starts_with("wake.")).collect();
        let told = [
            ("incident.note", 1),
            ("incident.merge", 1),
            ("incident.note", 2),
            ("alert.report", 2),
            ("incident.open", 2),
            ("incident.open", 1),
        ];
        assert_eq!(all, told);
        let (newest, older) = of(None, 2).await;
        let (next, _) = of(older, 2).await;
        let kinds = |rows: &[(String, u64)]| rows.iter().map(|(kind, case)| format!("{kind} {case}")).collect::<Vec<_>>();
        assert_eq!(
            (kinds(&newest), kinds(&next)),
            (
                vec!["incident.note 1".to_owned(), "incident.merge 1".to_owned()],
                vec!["incident.note 2".to_owned(), "alert.report 2".to_owned()]
            )
        );

        // What still fires leads to where it is worked on.
        let alerts = door.look(&viewer).alerts().await.expect("seen");
        assert_eq!(alerts.firing[0].incident, Some(first));
        engine.stop().await;
    });
}

fn what_is_offered_is_what_the_door_would_answer(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.open().await;
        let door = engine.door();
        let id = town.requested(&door).await;
        let offers = async |name: &str| door.look(&who(name)).emergency(id).await.expect("seen").offers;
        assert!(offered(&offers("sato").await, "emergency.approve").allowed);
        assert_eq!(offered(&offers("tanaka").await, "emergency.approve").refusal, Some(Refusal::SelfApproval { person: person("tanaka") }));
        assert!(matches!(offered(&offers("suzuki").await, "emergency.approve").refusal, Some(Refusal::ApproverNotEntitled { .. })));
        town.approved(&door, id).await;
        assert!(matches!(offered(&offers("tanaka").await, "emergency.start").refusal, Some(Refusal::QuorumMissing { .. })));
        for witness in ["suzuki", "takahashi"] {
            assert!(offered(&offers(witness).await, "emergency.join").allowed);
            give(&door, witness, emergency::Command::Join { emergency: id }).await;
        }
        assert!(offered(&offers("tanaka").await, "emergency.start").allowed);
        give(&door, "tanaka", emergency::Command::Start { emergency: id }).await;
        town.until("the backup is taken", |town| town.emergency(id).status == Status::Executing).await;
        assert!(offered(&offers("tanaka").await, "emergency.step").allowed);
        assert!(offered(&offers("suzuki").await, "emergency.hold").allowed);
        assert!(!offered(&offers("kansa").await, "emergency.hold").allowed);

        let incident = door.look(&who("tanaka")).incident(IncidentId(1)).await.expect("seen").offers;
        assert!(offered(&incident, "incident.acknowledge").allowed);
        assert!(offered(&incident, "emergency.request").allowed, "{incident:?}");
        let auditor = door.look(&who("kansa")).incident(IncidentId(1)).await.expect("seen").offers;
        assert!(matches!(offered(&auditor, "incident.acknowledge").refusal, Some(Refusal::RoleMissing { .. })));
        // A narrowed token is offered only what it carries.
        let narrowed = Actor::Person { person: person("tanaka"), only: Some(Vec::new()) };
        let narrow = door.look(&narrowed).incident(IncidentId(1)).await.expect("seen").offers;
        assert!(!offered(&narrow, "incident.acknowledge").allowed);
        let before = town.entries().len();
        door.look(&who("tanaka")).emergency(id).await.expect("seen");
        assert_eq!(town.entries().len(), before, "looking writes nothing");
        let owed = town.read(|reader| reader.obligations_of(EmergencyId(1)));
        assert!(owed.is_empty(), "nothing is owed before the first step");
        crate::effects::step(&door, id, 1).await;
        town.until("the step ends", |town| crate::effects::ended(town, id, 1)).await;
        for owed in town.read(|reader| reader.obligations_of(id)) {
            let view = door.look(&who("tanaka")).obligation(owed.id).await.expect("seen");
            assert!(!view.offers.is_empty() && view.emergency.is_some_and(|emergency| emergency.id == id));
        }
        engine.stop().await;
    });
}

fn lists_go_back_page_by_page(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.open().await;
        let door = engine.door();
        for turn in 1..=25 {
            done(&door, "tanaka", opening(&format!("{turn}"))).await;
        }
        for id in [3, 17] {
            let command = incident::Command::Resolve { incident: IncidentId(id), what: "直した".to_owned() };
            done(&door, "tanaka", Command::Incident(command)).await;
        }
        let viewer = who("kansa");
        let look = door.look(&viewer);
        let (mut before, mut seen) = (None, Vec::new());
        loop {
            let page = look.incidents(true, before, 7).await.expect("seen");
            assert!(page.rows.len() <= 7);
            seen.extend(page.rows.iter().map(|row| row.id.0));
            before = page.older;
            if before.is_none() {
                break;
            }
        }
        assert_eq!(seen, (1..=25).rev().filter(|id| ![3, 17].contains(id)).collect::<Vec<_>>());
        let all = look.incidents(false, None, 25).await.expect("seen");
        assert_eq!((all.rows.len(), all.older), (25, None), "exactly one page");
        let ledger = look.ledger(Some(10), 4).await.expect("seen");
        assert_eq!(ledger.entries.rows.iter().map(|entry| entry.seq).collect::<Vec<_>>(), vec![9, 8, 7, 6]);
        assert!(look.emergencies(false, None, 1_000_000).await.expect("bounded").rows.is_empty());
        assert_eq!(look.obligations(Which::All, None, 0).await.expect("bounded").rows.len(), 1, "of two postmortems");
        engine.stop().await;
    });
}

fn only_people_of_the_policy_see(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.start("one").await;
        let door = engine.door();
        assert!(matches!(door.look(&who("tanaka")).now().await, Err(LookError::Unknown)), "no policy, nobody");
        adopt(&door, policy()).await;
        assert!(door.look(&who("tanaka")).now().await.is_ok());
        assert!(matches!(door.look(&who("dareka")).now().await, Err(LookError::Unknown)));
        assert_eq!(door.look(&who("kansa")).people().await.expect("seen").len(), 8);
        assert_eq!(door.look(&who("kansa")).policy().await.expect("seen").workspace.name, "ゆのや");
        engine.stop().await;
    });
}

fn a_secret_authenticates_while_it_is_valid(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.open().await;
        let door = engine.door();
        let (link, session, token) = (Digest::of(b"link"), Digest::of(b"session"), Digest::of(b"token"));
        let invite = Command::Account(account::Command::Invite { person: person("mori"), secret: link, valid_min: 30 });
        door.submit(Envelope { key: key(), actor: Actor::Startup, via: Via::Inside, command: invite }).await.expect("answered");
        assert_eq!(door.authenticate(link).await.expect("asked"), Some((who("mori"), Credential::Link)));
        let proof = account::Proof::Link { secret: link };
        done(&door, "mori", Command::Account(account::Command::SignIn { person: person("mori"), proof, session, valid_min: 60 })).await;
        assert_eq!(door.authenticate(session).await.expect("asked"), Some((who("mori"), Credential::Session)));
        assert_eq!(door.authenticate(link).await.expect("asked"), None, "used up");
        let only = Some(vec![RoleName::new("dev-lead").expect("a role")]);
        let issue =
            account::Command::IssueToken { label: "夜間".to_owned(), secret: token, only: only.clone(), calendar: false, valid_days: 1 };
        done(&door, "mori", Command::Account(issue)).await;
        let narrowed = Actor::Person { person: person("mori"), only };
        assert_eq!(door.authenticate(token).await.expect("asked"), Some((narrowed, Credential::Token)));
        let view = door.look(&who("mori")).person(&person("mori")).await.expect("seen");
        assert_eq!((view.sessions, view.tokens.len()), (1, 1));
        town.pass(61);
        assert_eq!(door.authenticate(session).await.expect("asked"), None, "it has run out");
        town.pass(24 * 60);
        assert_eq!(door.authenticate(token).await.expect("asked"), None, "it has run out");
        assert_eq!(door.authenticate(Digest::of(b"guessed")).await.expect("asked"), None);
        engine.stop().await;
    });
}

fn the_tip_moves_with_commits_of_any_node(scratch: &Scratch) {
    town(scratch, async |town| {
        let (one, two) = (town.open().await, town.start("two").await);
        let mut tip = two.door().tip();
        let seq = done(&one.door(), "tanaka", opening("他のノードで")).await.seq.expect("recorded");
        tokio::time::timeout(std::time::Duration::from_secs(5), tip.wait_for(|size| *size > seq))
            .await
            .expect("in time")
            .expect("it moves");
        one.stop().await;
        two.stop().await;
    });
}

fn a_waiting_policy_is_shown_with_who_may_agree(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.open().await;
        let door = engine.door();
        let mut looser = policy();
        looser.emergency.witnesses_min = 1;
        adopt(&door, looser.clone()).await;
        let pending = door.look(&who("sato")).now().await.expect("seen").pending_policy.expect("it waits");
        assert_eq!((pending.digest, pending.weakenings.len()), (looser.digest(), 1));
        assert!(offered(&pending.offers, "policy.approve").allowed);
        let auditor = door.look(&who("kansa")).now().await.expect("seen").pending_policy.expect("it waits");
        assert!(!offered(&auditor.offers, "policy.approve").allowed);
        for name in ["sato", "suzuki"] {
            done(&door, name, Command::Policy(PolicyCommand::Approve { digest: pending.digest })).await;
        }
        let view = door.look(&who("sato")).now().await.expect("seen");
        assert!(view.pending_policy.is_none());
        assert_eq!(door.look(&who("sato")).policy().await.expect("seen").emergency.witnesses_min, 1);
        engine.stop().await;
    });
}
