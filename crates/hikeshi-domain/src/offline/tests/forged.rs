//! What whoever holds the machine and its key could write between the entries: each is asked of the rules again, so none comes in.

use super::terminal::{Watch, plan_of_a_terminal};
use super::*;
use crate::effect::EffectKey;
use crate::emergency::{Aspect, Attested, Doing, Looked, Replaced, Trouble, Verified};
use crate::obligation::Waiver;
use crate::offline::OfflineEvent;
use crate::offline::redecide::Again;
use crate::session::{Command as Type, CommandRef, LineAsk, SealedBlock, SessionEnd};

const CASE: Option<IncidentId> = Some(IncidentId(1));
const ID: EmergencyId = EmergencyId(1);
const CHECKS: &str = "\"event\":\"verification_started\"";
const CLOSED: &str = "\"event\":\"emergency_closed\"";
const SEALED: &str = "\"event\":\"blocks_sealed\"";

fn code(flaw: &LocalFlaw) -> String {
    if let LocalFlaw::RuleBroken { refusal, .. } = flaw {
        return refusal.code().to_owned();
    }
    serde_json::to_value(flaw).expect("data")["flaw"].as_str().expect("a code").to_owned()
}

impl Night {
    /// What the rules say, whatever else is examined: `holds`, or the first no.
    fn asked_again(&self) -> String {
        let mut again = Again::new(self.world.all.policy().expect("a policy").clone());
        let mut entries = self.lines.iter().map(|line| serde_json::from_slice::<Entry>(line).expect("an entry"));
        entries.find_map(|entry| again.entry(&entry).err()).map_or_else(|| "holds".to_owned(), |flaw| code(&flaw))
    }

    /// The same after a change, which is undone.
    fn if_it_was(&mut self, change: impl FnOnce(&mut Self)) -> String {
        let (lines, prev) = (self.lines.clone(), self.prev);
        change(self);
        let said = self.asked_again();
        (self.lines, self.prev) = (lines, prev);
        said
    }

    /// With an entry of these events before the first that holds this text.
    fn with(&mut self, before: &str, actor: &Actor, events: Vec<Event>) -> String {
        self.if_it_was(|night| night.forged(before, actor, CASE, events))
    }
}

fn whole() -> Night {
    let mut night = Night::new();
    night.whole();
    assert_eq!(night.asked_again(), "holds");
    night
}

/// Each row: what was tried, what was said, what is to be said.
fn table(rows: &[(&str, String, &str)]) {
    let wrong: Vec<_> = rows.iter().filter(|(_, said, expected)| said != expected).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn why() -> String {
    "理由".to_owned()
}

#[test]
fn nobody_ends_it_in_another_way() {
    let mut night = whole();
    let (tanaka, suzuki) = (who("tanaka"), who("suzuki"));
    let cancelled = || vec![Event::EmergencyCancelled { emergency: ID, by: person("tanaka"), reason: why() }];
    let declined = || vec![Event::EmergencyDeclined { emergency: ID, by: person("sato"), reason: why() }];
    let resolved = || vec![Event::IncidentResolved { incident: IncidentId(1), by: tanaka.clone(), what: why() }];
    let adopted = vec![Event::PolicyAdopted { digest: Digest::of(b""), policy: Box::new(crate::testing::policy()) }];
    let moved = vec![Event::Offline(OfflineEvent::Late { incident: IncidentId(1) })];
    table(&[
        ("cancelled by the timer", night.with(CHECKS, &Actor::Timer, cancelled()), "actor.unknown"),
        ("cancelled after steps ran", night.with(CHECKS, &tanaka, cancelled()), "emergency.wrong_status"),
        ("declined by a witness", night.with(CHECKS, &suzuki, declined()), "emergency.approver_not_entitled"),
        ("expired after the start", night.with(CHECKS, &Actor::Timer, vec![Event::ApprovalExpired { emergency: ID }]), "inside.stale"),
        ("long, and nobody was told", night.with(CHECKS, &Actor::Timer, vec![Event::SessionRanLong { emergency: ID }]), "rewritten"),
        ("resolved meanwhile", night.with(CHECKS, &tanaka, resolved()), "incident.emergency_still_open"),
        ("other terms", night.with(CHECKS, &Actor::Startup, adopted), "rewritten"),
        ("what only a server does", night.with(CHECKS, &Actor::Timer, moved), "rewritten"),
    ]);
}

#[test]
fn nothing_is_put_back_without_the_order_and_its_outcome() {
    let mut night = whole();
    let tanaka = who("tanaka");
    let restored = |manifest: &[u8]| {
        let (manifest, replaced, looked) = (Digest::of(manifest), Replaced::default(), Looked::default());
        vec![Event::BackupRestored { emergency: ID, files: 2, manifest, replaced, looked }]
    };
    let effect = |what: &str| EffectKey::of_emergency(ID, what, 0, 2);
    let started = || vec![Event::RestoreStarted { emergency: ID, by: person("tanaka"), reason: why(), effect: effect("restore") }];
    let order = |files| vec![Event::RevertStarted { emergency: ID, files, by: person("tanaka"), reason: why(), effect: effect("revert") }];
    let reverted = vec![Event::FilesReverted { emergency: ID, files: Vec::new(), looked: Looked::default() }];
    let other = night.if_it_was(|night| {
        night.forged(CHECKS, &who("tanaka"), CASE, started());
        night.forged(CHECKS, &Actor::Runner, CASE, restored(b"another"));
    });
    let both = [started(), restored(b"manifest")].concat();
    table(&[
        ("restored without an order", night.with(CHECKS, &Actor::Runner, restored(b"manifest")), "inside.stale"),
        ("order and outcome in one", night.with(CHECKS, &tanaka, both), "rewritten"),
        ("ordered by a witness", night.with(CHECKS, &who("takahashi"), started()), "emergency.not_involved"),
        ("ordered by the executor", night.with(CHECKS, &tanaka, started()), "emergency.wrong_status"),
        ("another backup was put back", other, "rewritten"),
        ("reverted without an order", night.with(CHECKS, &Actor::Runner, reverted), "inside.stale"),
        ("nothing to revert", night.with(CHECKS, &tanaka, order(Vec::new())), "input.text_missing"),
    ]);
    for doing in [Doing::Backup, Doing::Verify, Doing::Restore, Doing::Revert, Doing::Look] {
        let trouble = Trouble { doing, detail: "disk".to_owned(), at: night.world.now };
        let said = night.with(CHECKS, &Actor::Runner, vec![Event::EmergencyTroubled { emergency: ID, trouble }]);
        assert_eq!(said, if doing == Doing::Look { "rewritten" } else { "inside.stale" }, "{doing:?}");
    }
}

#[test]
fn a_report_comes_from_the_one_who_makes_it_and_only_when_it_is_waited_for() {
    let mut night = whole();
    let tanaka = who("tanaka");
    let end = step_end(night.world.now, 0);
    let backup = vec![Event::BackupTaken { emergency: ID, backup: crate::testing::backup() }];
    let by_another = night.if_it_was(|night| night.rewritten("\"actor\":{\"who\":\"runner\"}", "\"actor\":{\"who\":\"timer\"}"));
    let ended = vec![Event::StepEnded { emergency: ID, step: 1, end: end.clone(), looked: Looked::default() }];
    let ran = vec![Event::StepSettledRan { emergency: ID, step: 1, by: person("tanaka"), reason: why(), end }];
    let not_run = vec![Event::StepSettledNotRun { emergency: ID, step: 1, by: person("tanaka"), reason: why() }];
    let doubt = vec![Event::StepInDoubt { emergency: ID, step: 1, effect: EffectKey::of_emergency(ID, "step", 1, 1) }];
    table(&[
        ("a second backup", night.with(CHECKS, &Actor::Runner, backup), "inside.stale"),
        ("by the timer", by_another, "actor.unknown"),
        ("it had ended before", night.with(CHECKS, &Actor::Runner, ended), "rewritten"),
        ("settled without doubt", night.with(CHECKS, &tanaka, ran), "emergency.not_in_doubt"),
        ("settled as not run", night.with(CHECKS, &tanaka, not_run), "emergency.not_in_doubt"),
        ("doubted afterwards", night.with(CHECKS, &Actor::Runner, doubt), "inside.stale"),
    ]);
}

#[test]
fn a_verification_is_the_checks_or_somebody_elses_eye() {
    let mut night = whole();
    let at = night.world.now;
    let verified = |attested: Option<&str>| {
        let attested = attested.map(|by| Attested { by: person(by), note: why() });
        let verified = Verified { passed: true, at, checks: Vec::new(), attested };
        vec![Event::VerificationRecorded { emergency: ID, aspect: Aspect::Unaffected, verified }]
    };
    let failed = "\"checks\":[{\"title\":\"応答\",\"passed\":false";
    let not_passed = night.if_it_was(|night| night.rewritten("\"checks\":[{\"title\":\"応答\",\"passed\":true", failed));
    table(&[
        ("nothing was checked", night.with(CHECKS, &Actor::Runner, verified(None)), "inside.stale"),
        ("what has not passed is said to have", not_passed, "rewritten"),
        ("by eye although there are checks", night.with(CHECKS, &who("suzuki"), verified(Some("suzuki"))), "emergency.checks_declared"),
    ]);
    let mut blind = plan();
    blind.verification.unaffected.clear();
    let (mut night, id) = Night::begun_with(blind);
    night.emergency("tanaka", emergency::Command::Step { emergency: id, step: 1, confirm: String::new() }).expect("a step");
    night.ended(crate::effect::Outcome::StepEnded { end: step_end(night.world.now, 0), looked: Ok(Looked::default()) });
    let attest = emergency::Command::Attest { emergency: id, aspect: Aspect::Unaffected, passed: true, note: why() };
    night.emergency("suzuki", attest).expect("attested");
    assert_eq!(night.asked_again(), "holds");
    let line = night.lines.pop().expect("the word");
    let mut entry: Entry = serde_json::from_slice(&line).expect("an entry");
    entry.actor = who("tanaka");
    night.lines.push(entry.bytes().expect("bytes"));
    assert_eq!(night.asked_again(), "emergency.not_attestable", "not by the one whose work it is");
}

#[test]
fn a_hold_is_lifted_and_a_witness_leaves_by_themselves() {
    let (mut night, id) = Night::begun_with(plan());
    night.emergency("suzuki", emergency::Command::Hold { emergency: id, reason: why() }).expect("held");
    night.emergency("suzuki", emergency::Command::Resume { emergency: id }).expect("lifted");
    night.emergency("takahashi", emergency::Command::Leave { emergency: id }).expect("left");
    night.world.pass(1_000);
    let silent = Wake::WitnessSilent { emergency: id, person: person("suzuki") };
    night.give(&Actor::Timer, Command::Wake(silent)).expect("lost");
    assert_eq!(night.asked_again(), "holds");
    let lifted = "\"event\":\"emergency_resumed\"";
    let resumed = vec![Event::EmergencyResumed { emergency: ID, by: person("tanaka") }];
    let held = vec![Event::EmergencyHeld { emergency: ID, by: person("suzuki"), reason: why() }];
    let left = |lost| vec![Event::WitnessLeft { emergency: ID, person: person("suzuki"), lost }];
    table(&[
        ("lifted by the executor", night.with(lifted, &who("tanaka"), resumed), "emergency.only_witness_resumes"),
        ("held in another's name", night.with("\"event\":\"emergency_held\"", &who("tanaka"), held), "emergency.not_a_witness"),
        ("somebody else has left", night.with(lifted, &who("takahashi"), left(false)), "rewritten"),
        ("lost, and nobody was told", night.with(lifted, &Actor::Timer, left(true)), "rewritten"),
    ]);
}

#[test]
fn a_verification_that_only_looks_at_the_files_is_asked_again() {
    let mut blind = plan();
    blind.verification.solved.clear();
    blind.verification.unaffected.clear();
    let (mut night, id) = Night::begun_with(blind);
    night.emergency("tanaka", emergency::Command::Step { emergency: id, step: 1, confirm: String::new() }).expect("a step");
    night.ended(crate::effect::Outcome::StepEnded { end: step_end(night.world.now, 0), looked: Err("away".to_owned()) });
    night.emergency("tanaka", emergency::Command::Verify { emergency: id }).expect("looks");
    assert_eq!(night.asked_again(), "holds");
}

#[test]
fn nothing_of_a_terminal_is_made_up() {
    let (mut night, _) = Night::typed(Watch { dangerous: true, ..Watch::default() });
    assert_eq!(night.asked_again(), "holds");
    let (tanaka, suzuki, takahashi) = (who("tanaka"), who("suzuki"), who("takahashi"));
    let asked = night.world.emergency(ID).sessions[0].asked.clone().expect("asked");
    let asked = LineAsk { answer: None, ..asked };
    let digest = asked.digest;
    let confirmed = |by: &str| vec![Event::LineConfirmed { emergency: ID, session: 1, ask: 1, digest, by: person(by) }];
    let denied = |by: &str| vec![Event::LineDenied { emergency: ID, session: 1, ask: 1, digest, by: person(by), reason: why() }];
    let ask = |ask: LineAsk| vec![Event::LineAsked { emergency: ID, session: 1, ask }];
    let other = LineAsk { words: "rm".to_owned(), ..asked.clone() };
    let ended = || vec![Event::TerminalEnded { emergency: ID, session: 1, end: SessionEnd::Abandoned }];
    let stopped = vec![Event::TerminalStopped { emergency: ID, session: 1, by: person("suzuki"), reason: why() }];
    let after = CommandRef { session: 1, command: 0 };
    let looked = vec![Event::FilesLookedAt { emergency: ID, effect: EffectKey::of_emergency(ID, "look", 0, 1), after }];
    let seen = vec![Event::FilesSeen { emergency: ID, after, looked: Looked::default(), captured: Vec::new() }];
    let block = || vec![SealedBlock { head: Digest::of(b"h"), file: Digest::of(b"f") }];
    let sealed = |session, first| {
        let (blocks, commands, gaps) = (block(), Vec::new(), Vec::new());
        vec![Event::BlocksSealed { emergency: ID, session, first, blocks, commands, gaps }]
    };
    let unconfirmed = Event::LineUnconfirmed { emergency: ID, session: 1, command: 1, words: "drop table".to_owned(), why: why() };
    table(&[
        ("confirmed by the recorder", night.with(SEALED, &Actor::Recorder, confirmed("ito")), "actor.unknown"),
        ("confirmed a second time", night.with(SEALED, &takahashi, confirmed("takahashi")), "session.nothing_asked"),
        ("confirmed by the executor", night.with(SEALED, &tanaka, confirmed("tanaka")), "emergency.not_a_witness"),
        ("denied afterwards", night.with(SEALED, &takahashi, denied("takahashi")), "session.nothing_asked"),
        ("asked a second time", night.with(SEALED, &Actor::Recorder, ask(asked.clone())), "inside.stale"),
        ("asked by the executor", night.with(SEALED, &tanaka, ask(asked)), "actor.unknown"),
        ("asked about other words", night.with(SEALED, &Actor::Recorder, ask(other)), "rewritten"),
        ("a block is missing", night.with(SEALED, &Actor::Recorder, sealed(1, 1)), "inside.stale"),
        ("sealed by the executor", night.with(SEALED, &tanaka, sealed(1, 0)), "actor.unknown"),
        ("sealed where nothing is open", night.with(SEALED, &Actor::Recorder, sealed(2, 0)), "session.no_such"),
        ("unconfirmed by itself", night.with(SEALED, &Actor::Recorder, vec![unconfirmed]), "rewritten"),
        ("ended, and nobody was told", night.with(SEALED, &Actor::Recorder, ended()), "rewritten"),
        ("given up by a witness", night.with(SEALED, &suzuki, ended()), "emergency.not_executor"),
        ("stopped in another's name", night.with(SEALED, &tanaka, stopped), "emergency.not_a_witness"),
        ("looked at by itself", night.with(CHECKS, &Actor::Runner, looked), "actor.unknown"),
        ("seen although nobody looked", night.with(CHECKS, &Actor::Runner, seen), "rewritten"),
    ]);
    let released = vec![Event::KeysReleased { emergency: ID, session: 1 }];
    assert_eq!(night.with(SEALED, &Actor::Recorder, released), "inside.stale", "they passed before");
    let (mut night, id) = Night::begun_with(plan_of_a_terminal());
    night.give(&tanaka, Command::Session(Type::Open { emergency: id, place: "app-1".to_owned() })).expect("opened");
    night.give(&suzuki, Command::Session(Type::Note { emergency: id, session: 1, text: why() })).expect("noted");
    night.give(&suzuki, Command::Session(Type::Stop { emergency: id, session: 1, reason: why() })).expect("stopped");
    night.give(&Actor::Recorder, Command::Session(Type::End { emergency: id, session: 1, end: SessionEnd::Lost })).expect("ended");
    assert_eq!(night.asked_again(), "holds");
}

#[test]
fn nothing_that_is_owed_goes_away_or_comes_by_itself() {
    let mut night = whole();
    let tanaka = who("tanaka");
    let waived = vec![Event::ObligationWaived { obligation: ObligationId(1), waiver: Waiver::NothingChanged }];
    let done = vec![Event::ObligationDone { obligation: ObligationId(2), by: None, evidence: why() }];
    let obligation = night.world.all.obligation(ObligationId(2)).expect("the report").clone();
    table(&[
        // It is called as the entry before which it stands: a close.
        ("waived", night.with(CLOSED, &tanaka, waived), "rewritten"),
        ("done", night.with(CLOSED, &tanaka, done), "obligation.wrong_kind"),
        ("raised", night.with(CLOSED, &tanaka, vec![Event::ObligationRaised { obligation }]), "rewritten"),
    ]);
}

/// What is not of the case would not be verified with it; and behind a credential nothing else goes unseen.
#[test]
fn nothing_hides_where_nobody_looks() {
    let (mut night, id) = Night::begun_with(plan());
    night.emergency("suzuki", emergency::Command::Hold { emergency: id, reason: why() }).expect("held");
    let of_the_case = "\"kind\":\"emergency.hold\",\"case\":\"inc_1\"";
    assert_eq!(night.if_it_was(|night| night.rewritten(of_the_case, "\"kind\":\"emergency.hold\"")), "rewritten");
    let revoked = || Event::TokenRevoked { person: person("suzuki"), token: crate::ids::TokenId(2) };
    let lifted = || Event::EmergencyResumed { emergency: ID, by: person("suzuki") };
    night.emergency("suzuki", emergency::Command::Resume { emergency: id }).expect("lifted");
    let before = "\"event\":\"emergency_resumed\"";
    table(&[
        ("a credential", night.with(before, &who("suzuki"), vec![revoked()]), "holds"),
        ("a credential and more", night.with(before, &who("suzuki"), vec![revoked(), lifted()]), "rewritten"),
    ]);
}
