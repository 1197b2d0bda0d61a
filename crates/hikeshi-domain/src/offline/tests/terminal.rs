//! An exception that was carried out in a witnessed terminal: what of it rests on the executor's machine alone.

use super::*;
use crate::review::{AsOf, FindingName, Use, Uses, find};
use crate::session::record::{Frame, Header, Word};
use crate::session::{
    Ack, Command as Type, DangerousLine, Gap, GapReason, HeldBecause, LineAsk, SealedBlock, SessionEnd, Terminal, TypedCommand,
};

pub(super) const LINE: &str = "psql -c 'drop table rooms'";

/// How it was watched and recorded.
#[derive(Clone, Copy, Default)]
pub(super) struct Watch {
    /// One watches with a device that their key does not name.
    pub(super) browser: bool,
    /// Nobody signs to have seen anything.
    pub(super) unsigned: bool,
    pub(super) gap: bool,
    /// A witness confirms a dangerous line.
    pub(super) dangerous: bool,
}

pub(super) fn plan_of_a_terminal() -> emergency::Plan {
    let dangerous = vec![DangerousLine { words: "drop table".to_owned(), why: "戻せない".to_owned() }];
    emergency::Plan { terminal: Some(Terminal { dangerous, ..Terminal::default() }), steps: Vec::new(), ..plan() }
}

impl Night {
    /// A whole exception in a terminal.
    pub(super) fn typed(watch: Watch) -> (Self, EmergencyId) {
        let (mut night, id) = Self::begun_with(plan_of_a_terminal());
        night.in_terminal(id, watch);
        night.finished(id);
        (night, id)
    }

    fn session(&mut self, actor: &Actor, command: Type) -> crate::decide::Decision {
        self.give(actor, Command::Session(command)).expect("taken")
    }

    fn in_terminal(&mut self, emergency: EmergencyId, watch: Watch) {
        if watch.browser {
            self.devices.insert("takahashi".to_owned(), Device::new());
        }
        self.session(&who("tanaka"), Type::Open { emergency, place: "app-1".to_owned() });
        for name in ["suzuki", "takahashi"] {
            let key = self.devices[name].key();
            self.session(&who(name), Type::Bind { emergency, session: 1, key });
        }
        self.session(&Actor::Recorder, Type::Gate { emergency, session: 1, held: vec![HeldBecause::NotCounted] });
        self.session(&Actor::Recorder, Type::Gate { emergency, session: 1, held: Vec::new() });
        let text = if watch.dangerous { LINE } else { "vi app.conf" };
        if watch.dangerous {
            let asked_at = self.world.now;
            self.session(&Actor::Recorder, Type::Ask { emergency, session: 1, line: text.to_owned(), rule: 0, asked_at });
            let LineAsk { digest, words, .. } = self.world.emergency(emergency).sessions[0].asked.clone().expect("asked");
            self.session(&who("suzuki"), Type::Confirm { emergency, session: 1, digest, confirm: words });
        }
        let command = crate::testing::typed(1, text, (self.world.now, self.world.now));
        let block = self.block(emergency, &command);
        let gap = Gap { why: GapReason::NotStored, from: self.world.now, to: self.world.now, bytes: 7 };
        let gaps = if watch.gap { vec![gap] } else { Vec::new() };
        let head = block.head;
        self.session(&Actor::Recorder, Type::Seal { emergency, session: 1, first: 0, blocks: vec![block], commands: vec![command], gaps });
        if !watch.unsigned {
            let ack = |name: &str| self.devices[name].ack(emergency, 1, name, 0, head, self.world.now);
            let acks: Vec<Ack> = ["suzuki", "takahashi"].map(ack).into();
            self.session(&Actor::Recorder, Type::Acknowledge { emergency, session: 1, acks });
        }
        self.session(&Actor::Recorder, Type::End { emergency, session: 1, end: SessionEnd::Exited { code: Some(0) } });
        while self.world.emergency(emergency).looking.is_some() {
            let seen = crate::effect::Outcome::FilesSeen { looked: crate::emergency::Looked::default(), captured: Vec::new() };
            self.ended(seen);
        }
    }

    fn block(&mut self, emergency: EmergencyId, command: &TypedCommand) -> SealedBlock {
        let end = SessionEnd::Exited { code: Some(0) };
        let mut frames = Vec::new();
        for frame in [Word::Released, Word::CommandEnded { command: command.clone() }, Word::Ended { end }] {
            Frame::Word(frame).write(1, &mut frames);
        }
        let header = Header {
            format: Header::FORMAT.to_owned(),
            emergency,
            session: 1,
            block: 0,
            prev: None,
            from_us: 0,
            to_us: 3,
            bytes: u64::try_from(frames.len()).expect("small"),
            frames: Digest::of(&frames),
        };
        let file = [header.bytes(), b"\n".to_vec(), frames].concat();
        let sealed = SealedBlock { head: header.head(), file: Digest::of(&file) };
        self.contents.insert(sealed.file, file);
        sealed
    }
}

fn degraded(watch: Watch) -> Vec<Degraded> {
    Night::typed(watch).0.examined().expect("comes home").degraded
}

#[test]
fn what_was_typed_in_company_comes_home_without_a_word_and_what_was_not_is_named() {
    let emergency = EmergencyId(1);
    assert_eq!(degraded(Watch::default()), []);
    let takahashi = person("takahashi");
    assert_eq!(
        degraded(Watch { browser: true, ..Watch::default() }),
        [Degraded::DeviceUnsigned { emergency, session: 1, person: takahashi }]
    );
    assert_eq!(degraded(Watch { unsigned: true, ..Watch::default() }), [Degraded::WatchedShort { emergency, session: 1, blocks: 1 }]);
    let word = Degraded::WordTold { emergency, person: person("suzuki") };
    assert_eq!(degraded(Watch { dangerous: true, ..Watch::default() }), [word]);
    assert_eq!(degraded(Watch { gap: true, ..Watch::default() }), [Degraded::RecordingGap { emergency, session: 1, gaps: 1 }]);
}

/// An honest night has found something in its own record, and a month has ended in it: an older program's did so.
#[test]
fn what_was_looked_back_on_there_is_no_reason_to_stay_outside() {
    let (mut night, id) = Night::typed(Watch { gap: true, ..Watch::default() });
    let size = u64::try_from(night.lines.len()).expect("small");
    let kind = crate::review::FindingKind::RecordGap { session: 1, gaps: 1, seconds: 0, bytes: 7 };
    let findings = vec![crate::review::Finding { kind, entries: vec![1] }];
    let told = night.world.emergency(id).told;
    night.give(&Actor::Timer, Command::Review(crate::review::Command::Examine { emergency: id, size, told, findings })).expect("examined");
    night.world.now = hours(night.world.now, 24 * 9);
    night.give(&Actor::Timer, Command::Wake(Wake::MonthEnds)).expect("a month is over");
    let home = night.examined().expect("comes home");
    assert_eq!(home.obligations.len(), 3, "the server looks back itself, and has its own reports");
}

#[test]
fn a_local_ledger_neither_searches_itself_nor_reports_a_month() {
    let (night, id) = Night::typed(Watch::default());
    let policy = night.world.all.policy().expect("a policy");
    assert_eq!(crate::timer::of_workspace(&night.world.all.workspace), Vec::new());
    assert_eq!(crate::timer::of_emergency(night.world.emergency(id), policy), Vec::new());
}

/// The manifest and what the policy is said to have been are signed by the machine whose word is in question.
#[test]
fn the_executors_own_signature_does_not_say_what_is_verified() {
    let (night, _) = Night::typed(Watch { unsigned: true, ..Watch::default() });
    let code = |files: &Files| {
        let flaw = night.examine(files).expect_err("turned away");
        let LocalFlaw::BundleFlawed { first, .. } = &flaw else { return serde_json::to_value(&flaw).expect("data")["part"].clone() };
        first.clone().into()
    };
    let left_out = |text: &str| {
        let seqs: Vec<u64> =
            (0..).zip(&night.lines).filter(|(_, line)| String::from_utf8_lossy(line).contains(text)).map(|(seq, _)| seq).collect();
        assert!(!seqs.is_empty(), "{text}");
        night.files_with(&local_key(), |parts| parts.entries.retain(|entry| !seqs.contains(&entry.seq)))
    };
    assert_eq!(code(&left_out("keys_released")), "entry_removed");
    assert_eq!(code(&left_out("\"kind\":\"session.")), "entry_removed", "the whole terminal");
    assert_eq!(code(&night.files_with(&local_key(), |parts| parts.entries.truncate(1))), "entry_removed");
    let said = |change: &dyn Fn(&mut Declared)| {
        night.files_with(&local_key(), |parts| {
            let mut declared: Declared = serde_json::from_slice(&parts.documents[DECLARED_FILE]).expect("declared");
            change(&mut declared);
            parts.documents.insert(DECLARED_FILE.to_owned(), declared.bytes());
        })
    };
    assert!(night.examine(&said(&|_| ())).is_ok());
    assert_eq!(code(&said(&|declared| (declared.witnesses_min, declared.seniors_min) = (0, 0))), "declared");
    assert_eq!(code(&said(&|declared| declared.seniors.extend([person("tanaka")]))), "declared");
    assert_eq!(code(&said(&|declared| declared.targets.clear())), "declared");
    let without = night.files_with(&local_key(), |parts| {
        parts.documents.remove(DECLARED_FILE);
    });
    assert_eq!(code(&without), "declared");
}

/// The server's own entries, folded as its reports and its search do.
fn uses(world: &World) -> Vec<Use> {
    let mut fold = Uses::default();
    for (seq, (at, actor, event)) in (0..).zip(&world.log) {
        let result = EntryResult::Done { events: vec![event.clone()], effects: Vec::new(), settles: None, made: None };
        let key = RequestKey::of(&[&seq.to_string()]);
        let (at, actor, prev) = (*at, actor.clone(), Digest([0; 32]));
        fold.add(&Entry { v: 1, seq, at, actor, via: Via::Inside, key, kind: String::new(), case: None, prev, result });
    }
    fold.list(AsOf { size: u64::try_from(world.log.len()).expect("small"), at: world.now })
}

#[test]
fn e13_what_came_home_is_counted_and_searched_for_abuse_at_the_server() {
    let (mut night, id) = Night::begun_with(plan_of_a_terminal());
    let digest = night.world.emergency(id).digest;
    for _ in 0..3 {
        let accept = emergency::Command::Accept { emergency: id, path: "etc".to_owned(), reason: "可".to_owned() };
        night.emergency("tanaka", accept).expect_err("not by the executor");
    }
    night.in_terminal(id, Watch { gap: true, ..Watch::default() });
    night.finished(id);
    let there = uses(&night.world).remove(0);
    let home = night.examined().expect("comes home");
    let incident = night.told(home.announced());
    night.brought(incident, home).expect("comes in");
    let state = night.server.emergency(EmergencyId(1));
    assert_eq!((state.digest, state.examined), (digest, None));
    let searched = crate::timer::of_emergency(state, night.server.all.policy().expect("a policy"));
    assert!(searched.iter().any(|timer| timer.wake == Wake::Examine { emergency: EmergencyId(1) }), "{searched:?}");
    let all = uses(&night.server);
    let came = all.first().expect("it is a use");
    let times = |found: &Use| [found.requested.at, found.approved.expect("").at, found.started.expect("").at, found.ended.expect("").at];
    assert_eq!((times(came), came.commands, came.keys_held), (times(&there), 1, 1));
    assert_eq!((came.refused, came.follow_up.len()), (3, 4), "what was refused there; and what is owed here");
    let rules = crate::policy::Reviews::default();
    let findings = find(came, &all, &rules, AsOf { size: 0, at: night.server.now });
    let names: Vec<FindingName> = findings.iter().map(|finding| finding.kind.name()).collect();
    assert_eq!(names, [FindingName::Insisted, FindingName::RecordGap]);
    assert!(findings.iter().all(|finding| finding.entries == [came.requested.seq]), "{findings:?}");
}
