//! A recorder that is gone, or cannot reach the server: what runs goes on, no key is executed, and the record says so.

use std::time::Duration;

use hikeshi_domain::session::record::{Frame, Word};
use hikeshi_domain::session::{Gap, HeldBecause};
use serde_json::Value;

use super::harness::until;
use super::session::{HELD, Night, RELEASED, nothing_is_executed};
use super::way::Way;

#[test]
fn without_the_server_keys_are_held_output_drains_and_nothing_of_it_is_lost() {
    let mut night = Night::new("server-lost");
    let (_a, _b) = (night.watch("takahashi"), night.watch("ito"));
    let mut terminal = night.shell();
    terminal.sees(RELEASED);
    terminal.keys("for i in $(seq 12); do echo tick-$i; sleep 0.5; done; touch config/drained\n");
    terminal.sees("tick-1");
    night.workspace.kill();
    let took = terminal.sees(HELD);
    assert!(took < Duration::from_secs(2), "held after {took:?}");
    nothing_is_executed(&night, &mut terminal, "no-server");
    night.workspace.start();
    terminal.sees(RELEASED);
    until("what ran went on all the time", || night.root("config/drained").exists());
    terminal.keys("echo AF''TER\n");
    terminal.sees("AFTER");
    let kept = night.order().with_file_name("blocks");
    assert!(kept.exists(), "the recording is on the executor's disk, too");
    terminal.exit();
    let session = night.session();
    assert_eq!(session["gaps"], Value::Array(Vec::new()), "{session}");
    until("what the ledger has is not kept a second time", || !kept.exists());
}

#[test]
fn a_killed_recorder_is_replaced_the_shell_goes_on_and_the_gap_is_told() {
    let night = Night::new("recorder-lost");
    let (_a, _b) = (night.watch("takahashi"), night.watch("ito"));
    let mut terminal = night.shell();
    terminal.sees(RELEASED);
    terminal.keys("for i in $(seq 8); do echo tock-$i; sleep 0.5; done; echo LOOP''END > config/survived\n");
    terminal.sees("tock-1");
    // So that none takes its place for a while.
    let (order, away) = (night.order(), night.workspace.path("order.away"));
    std::fs::rename(&order, &away).expect("moved");
    night.kill_recorder();
    let took = terminal.sees("The recorder is gone");
    assert!(took < Duration::from_secs(2), "told after {took:?}");
    for attempt in 0..4 {
        terminal.keys(&format!("touch config/alone-{attempt}\n"));
        std::thread::sleep(Duration::from_millis(700));
    }
    std::fs::rename(&away, &order).expect("moved");
    terminal.sees("Recording goes on");
    terminal.sees(RELEASED);
    until("the loop has ended", || night.root("config/survived").exists());
    terminal.keys("echo AF''TER\n");
    terminal.sees("AFTER");
    terminal.exit();
    let session = night.session();
    assert_eq!(session["gaps"][0]["why"], "recorder_lost", "{session}");
    for attempt in 0..4 {
        assert!(!night.root(&format!("config/alone-{attempt}")).exists(), "{attempt} was executed without a recorder");
    }
    let gaps: Vec<Gap> = night.frames().into_iter().filter_map(|frame| gap(&frame)).collect();
    let long = gaps.iter().any(|gap| gap.to.duration_since(gap.from) > jiff::SignedDuration::from_secs(2));
    assert!(long, "the time without a recorder is in the record: {gaps:?}");
}

#[test]
fn a_witness_whose_network_is_gone_holds_the_keys_whether_it_says_goodbye_or_not() {
    let night = Night::new("network-lost");
    let way = Way::to(night.workspace.port);
    let (_a, _b) = (night.watch("takahashi"), night.watch_by("ito", way.port));
    let mut terminal = night.shell();
    for (name, goodbye) in [("closed", true), ("silent", false)] {
        terminal.sees(RELEASED);
        way.cut(goodbye);
        let took = terminal.sees(HELD);
        assert!(took < Duration::from_secs(2), "{name}: held after {took:?}");
        until("it is in the record who is missing", || is_missing(&night.session(), "ito"));
        nothing_is_executed(&night, &mut terminal, name);
        way.mend();
    }
    terminal.sees(RELEASED);
    terminal.exit();
}

fn is_missing(session: &Value, person: &str) -> bool {
    let held = session["held"].as_array().into_iter().flatten();
    held.flat_map(|because| because["absent"].as_array().into_iter().flatten()).any(|absent| absent["person"] == person)
}

fn gap(frame: &Frame) -> Option<Gap> {
    match frame {
        Frame::Word(Word::Gap { gap }) => Some(gap.clone()),
        _ => None,
    }
}

#[test]
fn a_recorder_that_cannot_reach_a_server_that_lives_holds_the_keys() {
    let night = Night::new("sink-lost");
    let way = Way::to(night.workspace.port);
    let (_a, _b) = (night.watch("takahashi"), night.watch("ito"));
    let mut terminal = night.shell_with(&[("HIKESHI_URL", &format!("http://localhost:{}", way.port))]);
    for (name, goodbye) in [("closed", true), ("silent", false)] {
        terminal.sees(RELEASED);
        terminal.keys(&format!("for i in $(seq 8); do echo {name}-$i; sleep 0.5; done; touch config/drained-{name}\n"));
        terminal.sees(&format!("{name}-1"));
        way.cut(goodbye);
        let took = terminal.sees(HELD);
        assert!(took < Duration::from_secs(2), "{name}: held after {took:?}");
        nothing_is_executed(&night, &mut terminal, name);
        until("what runs goes on", || night.root(&format!("config/drained-{name}")).exists());
        way.mend();
    }
    terminal.sees(RELEASED);
    terminal.exit();
    let session = night.session();
    assert_eq!(session["gaps"], Value::Array(Vec::new()), "{session}");
    let (mut lost, mut refused) = (0, 0);
    for frame in night.frames() {
        match frame {
            Frame::Word(Word::Held { held }) if held.contains(&HeldBecause::ServerLost) => lost += 1,
            Frame::Word(Word::Refused { keys }) => refused += keys,
            _ => {}
        }
    }
    let typed = "touch config/closed\ntouch config/silent\n".len() as u64;
    assert!(lost >= 2 && refused == typed, "held and refused, both are in the record: {lost}, {refused} of {typed}");
}
