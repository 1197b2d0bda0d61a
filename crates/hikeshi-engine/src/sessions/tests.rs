//! Which signed words reach the ledger when pages are hidden and closed, and the screen that is drawn again.

use super::feed::FeedError;
use super::live::Live;
use hikeshi_domain::Timestamp;
use hikeshi_domain::ids::{Digest, EmergencyId, PersonId};
use hikeshi_domain::session::record::{Frame, Header, Word};
use hikeshi_domain::session::{Ack, Command, DeviceKey, Encoding, Gap, GapReason, HeldBecause, SealedBlock, Session};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use std::sync::Arc;
use std::time::Duration;

const ID: EmergencyId = EmergencyId(1);

fn session(blocks: u64, head: Option<Digest>) -> Session {
    let by = PersonId::new("sato").expect("a handle");
    serde_json::from_value(serde_json::json!({
        "number": 1, "by": by, "place": "app-1", "opened_at": "2026-11-20T17:58:00Z", "blocks": blocks, "head": head,
    }))
    .expect("a session")
}

fn now() -> Timestamp {
    "2026-11-20T18:00:00Z".parse().expect("a time")
}

struct Device(EcdsaKeyPair);

impl Device {
    fn new() -> Self {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
        Self(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random).expect("a key"))
    }
    fn key(&self) -> DeviceKey {
        DeviceKey::of(self.0.public_key().as_ref())
    }
    fn ack(&self, person: &PersonId, from: u64, block: u64, head: Digest) -> Ack {
        let message = Ack::message(ID, 1, person, from..=block, &head, now());
        let signature = self.0.sign(&SystemRandom::new(), &message).expect("signed");
        let signature = signature.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        Ack { person: person.clone(), from, block, head, shown_at: now(), signature }
    }
}

/// Sends one frame with this output over the connection; the header of its block.
fn sent(live: &Live, connection: u64, number: u64, prev: Option<Digest>, frame: &Frame) -> Header {
    let mut frames = Vec::new();
    frame.write(0, &mut frames);
    live.frames(connection, &frames).expect("frames");
    Header {
        format: Header::FORMAT.to_owned(),
        emergency: ID,
        session: 1,
        block: number,
        prev,
        from_us: 0,
        to_us: 0,
        bytes: frames.len() as u64,
        frames: Digest::of(&frames),
    }
}

/// Stores one block with this output; its head.
fn block(live: &Live, number: u64, prev: Option<Digest>, text: &str) -> Digest {
    let header = sent(live, 1, number, prev, &Frame::Output(text.as_bytes().to_vec()));
    let file = live.block_file(1, &header.bytes()).expect("a block");
    live.stored(1, &header.bytes(), Digest::of(&file), now()).expect("stored");
    header.head()
}

#[test]
fn a_stretch_that_ended_is_told_beside_the_one_that_began_after_it() {
    let live = Live::new(ID, &session(0, None), Encoding::Utf8, now());
    live.connect(1);
    let (device, person) = (Device::new(), PersonId::new("ito").expect("a handle"));
    live.bind(&person, 7, device.key());
    let first = block(&live, 0, None, "a");
    assert!(live.looked(&person, 7, true, Some(device.ack(&person, 0, 0, first))));
    let second = block(&live, 1, Some(first), "b");
    // Hidden while block 1 came: shown on return, as the beginning of another stretch.
    assert!(live.looked(&person, 7, false, None));
    assert!(live.looked(&person, 7, true, Some(device.ack(&person, 1, 1, second))));
    let third = block(&live, 2, Some(second), "c");
    assert!(live.looked(&person, 7, true, Some(device.ack(&person, 1, 2, third))));
    // Closed before the ledger has heard of it.
    live.unbind(&person, 7);
    let told = live.take_acks(3, Duration::ZERO).expect("something to tell");
    let stretches: Vec<(u64, u64)> = told.iter().map(|ack| (ack.from, ack.block)).collect();
    assert_eq!(stretches, [(0, 0), (1, 2)]);
    assert!(live.take_acks(3, Duration::ZERO).is_none(), "each word is told once");
}

#[test]
fn a_word_about_blocks_that_the_ledger_does_not_name_waits() {
    let live = Live::new(ID, &session(0, None), Encoding::Utf8, now());
    live.connect(1);
    let (device, person) = (Device::new(), PersonId::new("ito").expect("a handle"));
    live.bind(&person, 7, device.key());
    let first = block(&live, 0, None, "a");
    live.looked(&person, 7, true, Some(device.ack(&person, 0, 0, first)));
    live.unbind(&person, 7);
    assert!(live.take_acks(0, Duration::ZERO).is_none());
    let acks = live.take_acks(1, Duration::ZERO).expect("something to tell");
    assert!(live.take_acks(1, Duration::ZERO).is_none());
    live.owe_again(acks.clone());
    assert_eq!(live.take_acks(1, Duration::ZERO), Some(acks), "what did not reach the door is said again");
}

#[test]
fn a_block_that_is_sent_again_while_it_is_stored_counts_once() {
    let live = Live::new(ID, &session(0, None), Encoding::Utf8, now());
    let gap = Gap { why: GapReason::RecorderLost, from: now(), to: now(), bytes: 0 };
    let frame = Frame::Word(Word::Gap { gap });
    live.connect(1);
    let first = sent(&live, 1, 0, None, &frame).bytes();
    let file = live.block_file(1, &first).expect("a block");
    // The store takes so long that the recorder gives the connection up, and sends everything once more.
    live.connect(2);
    assert!(matches!(live.stored(1, &first, Digest::of(&file), now()), Err(FeedError::Replaced)), "its frames are gone");
    let again = sent(&live, 2, 0, None, &frame).bytes();
    assert_eq!(first, again);
    let second = live.block_file(2, &again).expect("a block");
    assert!(matches!(live.stored(1, &first, Digest::of(&file), now()), Err(FeedError::Replaced)), "of a connection that is over");
    assert_eq!(live.stored(2, &again, Digest::of(&second), now()).expect("stored"), 0);
    assert!(matches!(live.stored(2, &again, Digest::of(&second), now()), Err(FeedError::Record(_))), "once");
    assert!(matches!(live.frames(1, &[]), Err(FeedError::Replaced)));
    let batch = live.take_sealed(0, Duration::ZERO).expect("something to tell");
    let Command::Seal { blocks, gaps, .. } = batch.command(ID, 1) else { panic!("no seal") };
    assert_eq!((blocks.len(), gaps.len()), (1, 1), "nothing of it is lost, nothing is twice");
}

#[test]
fn what_is_told_twice_at_once_takes_nothing_of_what_came_since() {
    let live = Live::new(ID, &session(0, None), Encoding::Utf8, now());
    live.connect(1);
    let first = block(&live, 0, None, "a");
    let told = live.take_sealed(0, Duration::ZERO).expect("something to tell");
    let again = live.take_sealed(0, Duration::ZERO).expect("nobody has told it yet");
    block(&live, 1, Some(first), "b");
    live.sealed_told(&told, true);
    live.sealed_told(&again, true);
    // Read before the ledger named the first block.
    let next = live.take_sealed(0, Duration::ZERO).expect("the block that came since");
    let Command::Seal { first, blocks, .. } = next.command(ID, 1) else { panic!("no seal") };
    assert_eq!((first, blocks.len(), live.named()), (1, 1, 1));
}

#[test]
fn a_screen_that_is_drawn_again_is_taken_only_when_it_shows_all_blocks() {
    let before = SealedBlock { head: Digest::of(b"0"), file: Digest::of(b"file") };
    let live = Live::new(ID, &session(1, Some(before.head)), Encoding::Utf8, now());
    live.connect(1);
    assert!(live.wants_its_screen() && !live.wants_its_screen(), "once");
    block(&live, 1, Some(before.head), "later");
    let mut drawn = super::screen::ScreenModel::new(Encoding::Utf8);
    drawn.show(&Frame::Output(b"earlier ".to_vec()));
    let (mut drawn, more) = live.take_screen(drawn, 1).expect_err("a block came since");
    assert_eq!(more.len(), 1);
    drawn.show(&Frame::Output(b"later".to_vec()));
    assert!(live.take_screen(*drawn, 2).is_ok());
    assert_eq!(live.text(), "earlier later");
    // A session that begins here has nothing to draw again.
    assert!(!Live::new(ID, &session(0, None), Encoding::Utf8, now()).wants_its_screen());
}

#[test]
fn who_watches_a_terminal_that_is_gone_is_not_told_that_keys_pass() {
    let live = Live::new(ID, &session(0, None), Encoding::Utf8, now());
    live.connect(1);
    assert_eq!(live.set_gate(Vec::new()), Some(Vec::new()), "the ledger has to hear that they pass");
    assert_eq!((live.held(), live.held_for_watchers()), (Vec::new(), Vec::new()));
    live.disconnect(1);
    assert_eq!((live.held(), live.held_for_watchers()), (Vec::new(), vec![HeldBecause::Detached]));
    live.connect(2);
    assert_eq!(live.held_for_watchers(), Vec::new());
    std::thread::sleep(Duration::from_millis(1_050));
    assert_eq!(live.held_for_watchers(), vec![HeldBecause::NotCounted], "an old count is nobody's word");
}

#[test]
fn one_at_a_time_tells_the_ledger_and_a_gate_that_changed_meanwhile_is_told_again() {
    let live = Arc::new(Live::new(ID, &session(0, None), Encoding::Utf8, now()));
    let turn = Arc::clone(&live).take_turn().expect("nobody has it");
    assert!(Arc::clone(&live).take_turn().is_none());
    drop(turn);
    assert!(Arc::clone(&live).take_turn().is_some());
    let first = live.set_gate(Vec::new()).expect("to be told");
    let ending = vec![HeldBecause::Ending];
    live.set_gate(ending.clone());
    live.gate_is_told(&first);
    assert_eq!(live.set_gate(ending.clone()), Some(ending.clone()), "what was told is old by now");
    live.gate_is_told(&ending);
    assert_eq!(live.set_gate(ending), None);
}
