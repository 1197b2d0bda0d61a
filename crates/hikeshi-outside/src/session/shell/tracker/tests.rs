//! Records from marks, without a shell: what real shells seldom do.

use jiff::ToSpan;

use super::super::{Marks, Nonce};
use super::*;

const NONCE: &str = "07070707070707070707070707070707";

/// `own` marks are written as `{1;1;P}`, other sequences as `[133;C]`, the rest is output. A second goes by with each piece.
fn play(pieces: &[&str]) -> (Vec<Told>, String) {
    let (mut marks, mut tracker) = (Marks::new(Nonce::new([7; 16]), 1000), CommandTracker::new(Timestamp::UNIX_EPOCH));
    let (mut told, mut seen, mut stream, mut now) = (Vec::new(), Vec::new(), String::new(), Timestamp::UNIX_EPOCH);
    for piece in pieces {
        now = now.checked_add(1.second()).unwrap();
        let bytes = piece
            .replace('{', &format!("\x1b]8119;{NONCE};"))
            .replace('[', "\x1b]")
            .replace(['}', ']'], "\x07")
            .replace("\x1b\x07", "\x1b]");
        marks.feed(bytes.as_bytes(), &mut seen);
        stream.push_str(&bytes);
        for one in seen.drain(..) {
            tracker.take(one, now, &mut told);
        }
    }
    tracker.finish(marks.offset(), now, &mut told);
    (told, stream)
}

fn records(told: &[Told]) -> Vec<&Record> {
    told.iter().filter_map(|one| if let Told::Finished(record) = one { Some(record) } else { None }).collect()
}

const START: &str = "{1;1;S;bash;5.2;1;/}{1;2;P}";

#[test]
fn times_and_offsets_are_those_of_the_marks() {
    let (told, stream) = play(&[START, "$ ls", "{1;4;B;r;2;1;/ls}", "a b", "{1;5;E;0;0;n;/x}", "$ "]);
    let record = records(&told)[0];
    let (at, bytes) = (|offset: u64| usize::try_from(offset).unwrap(), stream.as_bytes());
    assert_eq!(&bytes[at(record.output_from)..at(record.output_to)], b"a b");
    assert!(bytes[at(record.started)..].starts_with(format!("\x1b]8119;{NONCE};1;4;B").as_bytes()));
    assert_eq!((record.started_at.as_second(), record.ended_at.as_second()), (3, 5));
    assert_eq!((record.number, record.exit, record.cwd_after.as_deref()), (1, Some(0), Some(b"/x".as_slice())));
}

#[test]
fn an_end_that_never_came_is_inferred() {
    let (told, _) = play(&[START, "{1;4;B;r;1;1;/a}", "{1;6;B;r;1;1;/b}", "{1;7;E;2;2;n;/}"]);
    let found: Vec<_> = records(&told).iter().map(|record| (record.ended, record.exit)).collect();
    assert_eq!(found, [(Ended::Inferred, None), (Ended::Told, Some(2))]);
}

#[test]
fn an_inner_shell_that_was_killed_ends_when_the_outer_speaks() {
    let (told, _) = play(&[START, "{1;4;B;r;4;1;/bash}", "{2;1;S;bash;5.2;2;/}", "{2;3;B;r;1;1;/a}", "{1;5;E;137;137;n;/}"]);
    let found: Vec<_> =
        records(&told).iter().map(|record| (record.number, record.within, record.ended, record.exit, record.inner)).collect();
    assert_eq!(found, [(2, Some(1), Ended::Inferred, None, Inner::Unseen), (1, None, Ended::Told, Some(137), Inner::Integrated)]);
}

#[test]
fn hints_inside_a_command_are_records_that_say_so() {
    let pieces =
        ["{1;4;B;r;8;1;/ssh\\ far}", "hello ", "[133;A]$ ", "[633;E;ls -l]", "[133;C]", "out", "[133;D;4]", "bye", "{1;5;E;0;0;n;/}"];
    let (told, _) = play(&[&[START], pieces.as_slice()].concat());
    let found = records(&told);
    assert_eq!((found[0].known, found[0].within, found[0].exit, found[0].depth), (Known::Hint, Some(1), Some(4), None));
    assert_eq!((found[0].text.bytes.as_slice(), found[0].output_to - found[0].output_from), (b"ls -l".as_slice(), 3));
    assert_eq!((found[1].known, found[1].inner, found[1].exit), (Known::Integrated, Inner::Hinted, Some(0)));
}

#[test]
fn a_prompt_decorated_by_somebody_else_is_no_second_command() {
    let (told, _) = play(&[START, "[133;B]", "{1;4;B;r;1;1;/a}[133;C]", "out", "{1;5;E;0;0;n;/}[133;D;0][133;A]"]);
    assert_eq!(records(&told).len(), 1);
    assert_eq!(records(&told)[0].inner, Inner::Unseen);
}

#[test]
fn a_forged_mark_changes_nothing_and_is_counted() {
    let (told, _) = play(&[START, "{1;4;B;r;1;1;/a}", "[8119;00;1;9;E;0;0;n;/]", "{1;4;P}", "{1;5;E;1;1;n;/}"]);
    let found = records(&told);
    assert_eq!((found.len(), found[0].exit, found[0].forged), (1, Some(1), 2));
    let forged: Vec<_> = told.iter().filter_map(|one| if let Told::Forged { forged, .. } = one { Some(*forged) } else { None }).collect();
    assert_eq!(forged, [Forged::Nonce, Forged::Replayed]);
}

#[test]
fn a_terminal_in_which_nobody_speaks_is_one_unknown_record() {
    let (told, stream) = play(&["$ ls\r\n", "a\r\n"]);
    let found = records(&told);
    assert_eq!((found.len(), found[0].known, found[0].ended, found[0].output_from), (1, Known::Unknown, Ended::StreamEnded, 0));
    assert_eq!(found[0].output_to, stream.len() as u64);
    assert!(records(&play(&[]).0).is_empty());
}

#[test]
fn shells_without_end_are_followed_to_a_depth() {
    let starts: Vec<String> = (1..200).map(|id| format!("{{{id};1;S;bash;5.2;{id};/}}{{{id};2;B;r;4;1;/bash}}")).collect();
    let starts: Vec<&str> = starts.iter().map(String::as_str).collect();
    let (told, _) = play(&starts);
    assert_eq!(records(&told).len(), SHELLS_MAX);
}

#[test]
fn a_shell_that_was_stopped_and_comes_back_is_followed_again() {
    let (told, _) = play(&[
        START,
        "{1;4;B;r;4;1;/bash}",
        "{2;1;S;bash;5.2;2;/}",
        "{1;5;E;147;147;n;/}",
        "{1;7;B;r;2;1;/fg}",
        "{2;3;B;r;1;1;/a}",
        "{2;4;E;3;3;n;/}",
    ]);
    let found: Vec<_> = records(&told).iter().map(|record| (record.number, record.within, record.depth, record.exit)).collect();
    assert_eq!(found, [(1, None, Some(1), Some(147)), (3, Some(2), Some(2), Some(3)), (2, None, Some(1), None)]);
}
