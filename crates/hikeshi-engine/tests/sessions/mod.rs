//! A witnessed session through the door: what the recorder sends is stored, chained, named in the ledger; who looks opens the gate; a late
//! joiner sees the screen; a restart loses nothing that was told.

use std::time::Duration;

use hikeshi_domain::command::Command;
use hikeshi_domain::ids::{Digest, EmergencyId};
use hikeshi_domain::session::record::{Frame, Header, Word};
use hikeshi_domain::session::stream::Asking;
use hikeshi_domain::session::{
    self, Ack, DangerousLine, DeviceKey, HeldBecause, Inner, Known, LineAnswer, SessionEnd, Terminal, TypedCommand,
};
use hikeshi_engine::door::Door;
use hikeshi_engine::sessions::{FeedError, News, Recorder, Seen, Watcher};
use hikeshi_store::testing::Scratch;
use jiff::SignedDuration;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};

use crate::kit::{Town, done, person, plan, town, who};

hikeshi_store::on_both!(
    what_is_sent_is_stored_chained_and_named_in_the_ledger,
    the_gate_opens_for_those_who_look_and_closes_when_one_does_not,
    a_late_joiner_sees_the_screen_and_every_byte_after_it_once,
    a_block_that_does_not_fit_is_not_taken,
    after_a_restart_the_session_goes_on_behind_what_the_ledger_names,
    a_dangerous_line_is_asked_in_the_ledger_and_the_answer_goes_back_once,
);

/// A recorder's side of the chain.
struct Tape {
    emergency: EmergencyId,
    block: u64,
    prev: Option<Digest>,
    frames: Vec<u8>,
}

impl Tape {
    fn new(emergency: EmergencyId) -> Self {
        Self { emergency, block: 0, prev: None, frames: Vec::new() }
    }

    fn send(&mut self, to: &Recorder, frame: &Frame) {
        let mut bytes = Vec::new();
        frame.write(1_000, &mut bytes);
        to.frames(&bytes).expect("taken");
        self.frames.extend(bytes);
    }

    fn header(&mut self) -> Vec<u8> {
        let frames = std::mem::take(&mut self.frames);
        let header = Header {
            format: Header::FORMAT.to_owned(),
            emergency: self.emergency,
            session: 1,
            block: self.block,
            prev: self.prev,
            from_us: 0,
            to_us: 1_000,
            bytes: u64::try_from(frames.len()).expect("a length"),
            frames: Digest::of(&frames),
        };
        self.block += 1;
        self.prev = Some(header.head());
        header.bytes()
    }

    async fn seal(&mut self, to: &Recorder) -> Result<u64, FeedError> {
        let header = self.header();
        to.sealed(header).await
    }
}

struct Device {
    pair: EcdsaKeyPair,
    name: &'static str,
    watcher: Watcher,
    /// The first block that it was shown.
    from: u64,
}

impl Device {
    async fn bound(door: &Door, emergency: EmergencyId, name: &'static str) -> Self {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random).expect("a key");
        let key = DeviceKey::of(pair.public_key().as_ref());
        done(door, name, Command::Session(session::Command::Bind { emergency, session: 1, key: key.clone() })).await;
        let watcher = door.watch(emergency, 1).await.expect("a watcher");
        watcher.bind(person(name), key);
        let from = watcher.join().0.block;
        Self { pair, name, watcher, from }
    }

    fn signed(&self, tape: &Tape, town: &Town) -> Ack {
        let (block, head) = (tape.block - 1, tape.prev.expect("a head"));
        let person = person(self.name);
        let message = Ack::message(tape.emergency, 1, &person, self.from..=block, &head, town.now());
        let signature = self.pair.sign(&SystemRandom::new(), &message).expect("signed");
        let signature = signature.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        Ack { person, from: self.from, block, head, shown_at: town.now(), signature }
    }
}

/// An exception whose terminal is open.
async fn opened(town: &Town, door: &Door) -> EmergencyId {
    let plan = hikeshi_domain::emergency::Plan { terminal: Some(Terminal::default()), ..plan() };
    let id = town.executing_with(door, plan).await;
    done(door, "tanaka", Command::Session(session::Command::Open { emergency: id, place: "app-1".to_owned() })).await;
    id
}

async fn gate_is(recorder: &Recorder, what: &str, so: impl Fn(&[HeldBecause]) -> bool) {
    let mut gate = recorder.gate();
    let reached = async {
        while !so(&gate.borrow_and_update().clone()) {
            gate.changed().await.expect("the session lives");
        }
    };
    tokio::time::timeout(Duration::from_secs(10), reached).await.unwrap_or_else(|_| panic!("the gate is never {what}"));
}

fn typed(town: &Town) -> TypedCommand {
    TypedCommand {
        number: 1,
        text: "vi app.conf".to_owned(),
        cut: false,
        cwd: "/srv/app".to_owned(),
        exit_code: Some(0),
        pipeline: Vec::new(),
        known: Known::Integrated,
        within: None,
        inner: Inner::Unseen,
        forged: 0,
        started_at: town.now(),
        ended_at: Some(town.now()),
        output_from: 0,
        output_to: 4,
    }
}

fn what_is_sent_is_stored_chained_and_named_in_the_ledger(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.open().await;
        let door = engine.door();
        let id = opened(&town, &door).await;
        assert!(matches!(door.record(&who("suzuki"), id, 1).await, Err(FeedError::NotTheExecutor)));
        let recorder = door.record(&who("tanaka"), id, 1).await.expect("a recorder");
        assert_eq!((recorder.blocks, recorder.head), (0, None));
        let mut tape = Tape::new(id);
        tape.send(&recorder, &Frame::Output(b"\x93\xfa\x96\x7b\r\n".to_vec()));
        assert_eq!(tape.seal(&recorder).await.expect("stored"), 0);
        tape.send(&recorder, &Frame::Word(Word::CommandEnded { command: typed(&town) }));
        tape.seal(&recorder).await.expect("stored");
        town.until("both blocks are named, and the command with them", |town| {
            let state = &town.emergency(id).sessions[0];
            state.blocks == 2 && state.head == tape.prev && state.commands.len() == 1
        })
        .await;
        town.until("the files were looked at after the command", |town| {
            town.emergency(id).looking.is_none() && town.count("session.seal") == 1 && town.emergency(id).looks == 1
        })
        .await;
        recorder.end(SessionEnd::Exited { code: Some(0) }).expect("ended");
        town.until("the end is in the ledger", |town| !town.emergency(id).sessions[0].is_open()).await;
        town.settled().await;
        engine.stop().await;
    });
}

fn the_gate_opens_for_those_who_look_and_closes_when_one_does_not(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.open().await;
        let door = engine.door();
        let id = opened(&town, &door).await;
        let recorder = door.record(&who("tanaka"), id, 1).await.expect("a recorder");
        assert!(!recorder.held().is_empty() && !recorder.gate().borrow().is_empty(), "before anybody was counted nothing passes");
        let too_few = |held: &[HeldBecause]| matches!(held, [HeldBecause::Witnesses { .. }]);
        gate_is(&recorder, "held", too_few).await;
        let first = Device::bound(&door, id, "suzuki").await;
        gate_is(&recorder, "held", too_few).await;
        let second = Device::bound(&door, id, "takahashi").await;
        // A key says nothing about what is in front.
        gate_is(&recorder, "held", |held| format!("{held:?}").matches("Hidden").count() == 2).await;
        for device in [&first, &second] {
            assert!(device.watcher.seen(Seen { visible: true, ack: None }));
        }
        gate_is(&recorder, "open", <[HeldBecause]>::is_empty).await;
        let mut tape = Tape::new(id);
        tape.send(&recorder, &Frame::Output(b"one".to_vec()));
        tape.seal(&recorder).await.expect("stored");
        // Hidden: at once, whatever it signs.
        assert!(first.watcher.seen(Seen { visible: false, ack: Some(first.signed(&tape, &town)) }));
        gate_is(&recorder, "held", too_few).await;
        assert!(first.watcher.seen(Seen { visible: true, ack: Some(first.signed(&tape, &town)) }));
        gate_is(&recorder, "open", <[HeldBecause]>::is_empty).await;
        // The other one has shown nothing of the block for more than ten seconds, although it speaks.
        town.clock.move_by(SignedDuration::from_secs(11));
        assert!(first.watcher.seen(Seen { visible: true, ack: None }));
        assert!(second.watcher.seen(Seen { visible: true, ack: None }));
        gate_is(&recorder, "held", |held| format!("{held:?}").contains("Behind")).await;
        // A signature of somebody else's key, or of another head, shows nothing.
        let forged = Ack { person: person("takahashi"), ..first.signed(&tape, &town) };
        second.watcher.seen(Seen { visible: true, ack: Some(forged) });
        let other = Ack { head: Digest::of(b"another"), ..second.signed(&tape, &town) };
        second.watcher.seen(Seen { visible: true, ack: Some(other) });
        tokio::time::sleep(Duration::from_millis(500)).await;
        gate_is(&recorder, "held", too_few).await;
        second.watcher.seen(Seen { visible: true, ack: Some(second.signed(&tape, &town)) });
        gate_is(&recorder, "open", <[HeldBecause]>::is_empty).await;
        // Gone: at once.
        drop(second);
        gate_is(&recorder, "held", too_few).await;
        town.until("the ledger has heard of it", |town| town.count("session.gate") >= 4).await;
        engine.stop().await;
    });
}

fn a_late_joiner_sees_the_screen_and_every_byte_after_it_once(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.open().await;
        let door = engine.door();
        let id = opened(&town, &door).await;
        let recorder = door.record(&who("tanaka"), id, 1).await.expect("a recorder");
        let mut tape = Tape::new(id);
        tape.send(&recorder, &Frame::Resize { columns: 40, rows: 10 });
        tape.send(&recorder, &Frame::Output("\x1b[31m予約\x1b[0m は止まっています\r\n".as_bytes().to_vec()));
        tape.seal(&recorder).await.expect("stored");
        tape.send(&recorder, &Frame::Output(b"under way".to_vec()));
        let (screen, mut news) = door.watch(id, 1).await.expect("a watcher").join();
        assert_eq!((screen.columns, screen.rows, screen.block, screen.prev), (40, 10, 1, tape.prev));
        assert!(screen.state.contains("予約"), "{:?}", screen.state);
        assert_eq!(&*screen.frames, tape.frames.as_slice(), "the block under way from its beginning");
        tape.send(&recorder, &Frame::Output(b"after".to_vec()));
        let header = tape.header();
        recorder.sealed(header.clone()).await.expect("stored");
        assert!(matches!(news.recv().await.expect("news"), News::Frames(frames) if frames.ends_with(b"after")));
        assert!(matches!(news.recv().await.expect("news"), News::Sealed(sealed) if *sealed == *header));
        assert!(door.screen_text(id, 1).expect("a screen").contains("予約 は止まっています\nunder wayafter"));
        engine.stop().await;
    });
}

fn a_block_that_does_not_fit_is_not_taken(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.open().await;
        let door = engine.door();
        let id = opened(&town, &door).await;
        let recorder = door.record(&who("tanaka"), id, 1).await.expect("a recorder");
        let mut tape = Tape::new(id);
        tape.send(&recorder, &Frame::Output(b"seen".to_vec()));
        tape.frames = b"told".to_vec();
        assert!(matches!(tape.seal(&recorder).await, Err(FeedError::Record(_))), "what was shown is not what is recorded");
        assert!(matches!(recorder.frames(b"\x00"), Err(FeedError::Record(_))), "no frames");
        // A second recorder takes over; the first is told so.
        let second = door.record(&who("tanaka"), id, 1).await.expect("a recorder");
        assert!(matches!(recorder.beat(), Err(FeedError::Replaced)));
        let mut tape = Tape::new(id);
        tape.send(&second, &Frame::Output(b"again".to_vec()));
        assert_eq!(tape.seal(&second).await.expect("stored"), 0);
        engine.stop().await;
    });
}

fn after_a_restart_the_session_goes_on_behind_what_the_ledger_names(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.open().await;
        let door = engine.door();
        let id = opened(&town, &door).await;
        let recorder = door.record(&who("tanaka"), id, 1).await.expect("a recorder");
        let mut tape = Tape::new(id);
        tape.send(&recorder, &Frame::Word(Word::CommandEnded { command: typed(&town) }));
        tape.seal(&recorder).await.expect("stored");
        town.until("the block is named", |town| town.emergency(id).sessions[0].blocks == 1).await;
        drop(recorder);
        engine.stop().await;
        let engine = town.start("two").await;
        let door = engine.door();
        let recorder = door.record(&who("tanaka"), id, 1).await.expect("a recorder");
        assert_eq!((recorder.blocks, recorder.head), (1, tape.prev));
        tape.send(&recorder, &Frame::Output(b"on".to_vec()));
        assert_eq!(tape.seal(&recorder).await.expect("stored"), 1);
        recorder.end(SessionEnd::Exited { code: None }).expect("ended");
        town.until("it ends", |town| !town.emergency(id).sessions[0].is_open()).await;
        assert_eq!(town.emergency(id).sessions[0].blocks, 2);
        town.settled().await;
        engine.stop().await;
    });
}

async fn answer_of(recorder: &Recorder, asked_at: jiff::Timestamp) -> LineAnswer {
    let mut asked = recorder.asked();
    let reached = async {
        loop {
            let ask = asked.borrow_and_update().clone();
            if let Some(answer) = ask.filter(|ask| ask.asked_at == asked_at).and_then(|ask| ask.answer.clone()) {
                return answer;
            }
            asked.changed().await.expect("the session lives");
        }
    };
    tokio::time::timeout(Duration::from_secs(10), reached).await.expect("an answer")
}

fn a_dangerous_line_is_asked_in_the_ledger_and_the_answer_goes_back_once(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.open().await;
        let door = engine.door();
        let dangerous = vec![DangerousLine { words: "drop table".to_owned(), why: "戻せない".to_owned() }];
        let terminal = Terminal { dangerous, ..Terminal::default() };
        let plan = hikeshi_domain::emergency::Plan { terminal: Some(terminal), ..plan() };
        let id = town.executing_with(&door, plan).await;
        done(&door, "tanaka", Command::Session(session::Command::Open { emergency: id, place: "app-1".to_owned() })).await;
        let recorder = door.record(&who("tanaka"), id, 1).await.expect("a recorder");
        let watcher = door.watch(id, 1).await.expect("a watcher");
        let (_, mut news) = watcher.join();
        let asked_at = town.now();
        let line = "drop table rooms".to_owned();
        recorder.ask(Asking { line: line.clone(), rule: 0, asked_at }).await.expect("asked");
        let told = async {
            loop {
                if let News::Asked(ask) = news.recv().await.expect("news") {
                    return ask;
                }
            }
        };
        let ask = tokio::time::timeout(Duration::from_secs(10), told).await.expect("watchers are told");
        assert_eq!((ask.line.as_str(), ask.why.as_str(), ask.answer.is_none()), ("drop table rooms", "戻せない", true));
        assert_eq!(watcher.asked().map(|ask| ask.digest), Some(ask.digest), "who joins later sees it too");
        let confirm = session::Command::Confirm { emergency: id, session: 1, digest: ask.digest, confirm: "drop table".to_owned() };
        done(&door, "suzuki", Command::Session(confirm)).await;
        assert_eq!(answer_of(&recorder, asked_at).await, LineAnswer::Confirmed { by: person("suzuki") });
        assert!(watcher.asked().is_none(), "nothing waits any more");
        // Edited: given up, and whoever answers late answers nothing.
        let later = town.now().checked_add(SignedDuration::from_secs(1)).expect("a time");
        recorder.ask(Asking { line, rule: 0, asked_at: later }).await.expect("asked");
        recorder.withdraw(later).await.expect("withdrawn");
        assert_eq!(answer_of(&recorder, later).await, LineAnswer::Withdrawn);
        // A recorder that took over from a dead one does not know what that one waited for.
        let last = town.now().checked_add(SignedDuration::from_secs(2)).expect("a time");
        recorder.ask(Asking { line: "drop table halls".to_owned(), rule: 0, asked_at: last }).await.expect("asked");
        recorder.nothing_waits().await.expect("said");
        assert_eq!(answer_of(&recorder, last).await, LineAnswer::Withdrawn);
        recorder.nothing_waits().await.expect("said");
        assert_eq!(town.count("session.withdraw"), 2, "once");
        engine.stop().await;
    });
}
