//! A terminal that keeps up, one that is slow, and one that stands still.

use std::sync::Arc;

use hikeshi_domain::session::SessionEnd;

use super::*;

/// Takes everything until the end; what was shown, and how much was said to be left out.
fn taken(outlet: &Outlet, pause: Duration) -> (Vec<u8>, u64) {
    let (mut shown, mut left_out) = (Vec::new(), 0);
    while let Some(Next::News(news)) = outlet.next() {
        match news {
            ToTerminal::Output(bytes) => shown.extend(bytes),
            ToTerminal::Skipped { bytes } => left_out += bytes,
            ToTerminal::Ended(_) => break,
            ToTerminal::Gate(_) | ToTerminal::Outside(_) | ToTerminal::Line(_) | ToTerminal::Refused { .. } => {}
        }
        std::thread::sleep(pause);
    }
    (shown, left_out)
}

fn printed(outlet: &Outlet, pieces: u32) -> Vec<u8> {
    let mut all = Vec::new();
    for number in 0..pieces {
        let piece = format!("{number:09}\n").repeat(400).into_bytes();
        outlet.output(&piece);
        all.extend(piece);
    }
    all
}

#[test]
fn a_slow_terminal_misses_nothing() {
    let outlet = Arc::new(Outlet::default());
    let from = Arc::clone(&outlet);
    let terminal = std::thread::spawn(move || taken(&from, Duration::from_millis(5)));
    let all = printed(&outlet, 2_000);
    assert!(all.len() > 4 * WAITS_BYTES_MAX);
    outlet.tell(ToTerminal::Ended(SessionEnd::Exited { code: Some(0) }));
    let (shown, left_out) = terminal.join().expect("shown");
    assert!(shown == all, "{} of {} bytes", shown.len(), all.len());
    assert_eq!(left_out, 0);
}

#[test]
fn one_that_stands_still_holds_nothing_up_and_is_shown_the_last_when_it_goes_on() {
    let outlet = Outlet::default();
    let began = Instant::now();
    let all = printed(&outlet, 2_000);
    assert!(began.elapsed() < STANDS_STILL_AFTER + Duration::from_secs(2), "it was waited for once: {:?}", began.elapsed());
    outlet.tell(ToTerminal::Ended(SessionEnd::Exited { code: Some(0) }));
    let (shown, left_out) = taken(&outlet, Duration::ZERO);
    assert_eq!(shown.len() as u64 + left_out, all.len() as u64);
    assert!(left_out > 0);
    assert!(shown.ends_with(&all[all.len() - LAST_BYTES_MAX..]), "the last of it is there, without waiting for more");
}

#[test]
fn the_end_is_said_however_much_waits() {
    let outlet = Outlet::default();
    for _ in 0..NEWS_MAX + 10 {
        outlet.tell(ToTerminal::Refused { keys: 1 });
    }
    outlet.tell(ToTerminal::Ended(SessionEnd::Exited { code: Some(0) }));
    let said = std::iter::from_fn(|| outlet.next()).take_while(|next| !matches!(next, Next::News(ToTerminal::Ended(_)))).count();
    assert_eq!(said, NEWS_MAX);
}

#[test]
fn a_terminal_that_is_gone_is_not_waited_for() {
    let outlet = Outlet::default();
    outlet.close();
    let began = Instant::now();
    printed(&outlet, 1_000);
    assert!(began.elapsed() < STANDS_STILL_AFTER, "{:?}", began.elapsed());
    assert_eq!(outlet.next(), None);
}

/// What arrives at the other end until the shell has ended.
fn received(from: UnixStream, pause: Duration) -> Vec<u8> {
    let (mut from, mut shown) = (io::BufReader::new(from), Vec::new());
    while let Some(news) = ToTerminal::receive(&mut from).expect("received") {
        match news {
            ToTerminal::Output(bytes) => shown.extend(bytes),
            ToTerminal::Ended(_) => break,
            other => panic!("{other:?}"),
        }
        std::thread::sleep(pause);
    }
    shown
}

#[test]
fn what_goes_at_once_and_what_has_waited_arrive_in_order() {
    let (here, there) = UnixStream::pair().expect("a pair");
    let outlet = Arc::new(Outlet::to(here.try_clone().expect("a handle")));
    let (next, mut to) = (Arc::clone(&outlet), here);
    std::thread::spawn(move || {
        while let Some(said) = next.next() {
            said.send(&mut to).expect("sent");
        }
    });
    let reading = std::thread::spawn(move || received(there, Duration::from_micros(300)));
    let mut all = Vec::new();
    for number in 0..3_000 {
        // Small ones go at once; large ones fill the way, so that what follows waits.
        let piece = format!("{number:09}\n").repeat(if number % 7 == 0 { 6_000 } else { 1 }).into_bytes();
        outlet.output(&piece);
        all.extend(piece);
    }
    outlet.tell(ToTerminal::Ended(SessionEnd::Exited { code: Some(0) }));
    let shown = reading.join().expect("read");
    assert!(shown == all, "{} of {} bytes, or in another order", shown.len(), all.len());
}

#[test]
fn what_a_terminal_has_room_for_needs_nobody_else() {
    let (here, there) = UnixStream::pair().expect("a pair");
    let outlet = Outlet::to(here);
    outlet.output(b"echo");
    outlet.close();
    assert_eq!(ToTerminal::receive(&mut io::BufReader::new(there)).expect("received"), Some(ToTerminal::Output(b"echo".to_vec())));
}
