//! What is said about lines to a server that may have missed it.

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a time")
}

fn backlog(asking: Option<&'static [u8]>, withdrawn: Option<Timestamp>) -> Backlog {
    Backlog { pending: Vec::new(), sealed: 0, head: None, stored: 0, no_more: None, asking: asking.map(Bytes::from_static), withdrawn }
}

#[test]
fn what_was_taken_back_while_there_was_no_server_is_said_when_there_is_one() {
    let question = Bytes::from_static(b"{}");
    let mut backlog = backlog(None, None);
    assert_eq!(backlog.lines(), [withdraw(None)], "nothing waits, whatever a recorder that died has asked");
    take(&ToSink::Ask(question.clone()), &mut backlog);
    assert_eq!(backlog.lines(), [message(ASK, &question)]);
    take(&ToSink::Withdraw(Some(at(1))), &mut backlog);
    assert_eq!(backlog.lines(), [withdraw(Some(at(1))), withdraw(None)]);
    take(&ToSink::Ask(question.clone()), &mut backlog);
    assert_eq!(backlog.lines(), [withdraw(Some(at(1))), message(ASK, &question)], "in their order");
    take(&ToSink::Withdraw(None), &mut backlog);
    assert_eq!(backlog.lines(), [withdraw(Some(at(1))), withdraw(None)], "what has run takes nothing back");
}

#[test]
fn a_recording_of_which_the_ledger_lacks_anything_is_not_delivered() {
    let head = |text: &str| Some(Digest::of(text.as_bytes()));
    let whole = || Backlog { sealed: 3, head: head("third"), stored: 3, no_more: Some(Instant::now()), ..backlog(None, None) };
    assert!(whole().is_delivered(3, head("third")));
    assert!(!whole().is_delivered(2, head("second")), "a block that is stored is not named");
    assert!(!whole().is_delivered(3, head("another")), "the ledger has another third block");
    assert!(!whole().is_delivered(4, head("fourth")), "somebody else has recorded, too");
    assert!(!Backlog { pending: vec![1], ..whole() }.is_delivered(3, head("third")), "the block under way");
    assert!(!Backlog { no_more: None, ..whole() }.is_delivered(3, head("third")), "more may be recorded");
}

fn take(news: &ToSink, backlog: &mut Backlog) {
    match news {
        ToSink::Ask(json) => backlog.asks(json),
        ToSink::Withdraw(asked_at) => backlog.withdraws(*asked_at),
        ToSink::Frames(_) | ToSink::Sealed { .. } | ToSink::NoMore => {}
    }
}
