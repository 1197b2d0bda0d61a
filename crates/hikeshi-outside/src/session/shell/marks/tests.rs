//! Marks in pieces, marks that are not ours, and marks without end.

use proptest::prelude::*;

use super::*;

const NONCE: &str = "07070707070707070707070707070707";

fn own(rest: &str) -> Vec<u8> {
    format!("\x1b]8119;{NONCE};{rest}\x1b\\").into_bytes()
}

fn fresh() -> Marks {
    Marks::new(Nonce::new([7; 16]), 1000)
}

fn whole(bytes: &[u8]) -> Vec<Seen> {
    let mut seen = Vec::new();
    fresh().feed(bytes, &mut seen);
    seen
}

fn only(bytes: &[u8]) -> Mark {
    let mut seen = whole(bytes);
    assert_eq!(seen.len(), 1, "{seen:?}");
    seen.remove(0).mark
}

#[test]
fn a_command_in_one_mark_and_in_many() {
    let mut stream = b"prompt$ ".to_vec();
    stream.extend(own("1.2.3;1;B;r;5;2;/aecho\\ "));
    let long = [own("1.2.3;2;T;0;$'ab\\34"), own("1.2.3;2;T;1;6\\227\\245'"), own("1.2.3;2;B;h;5;2;/a")].concat();
    let from = stream.len() as u64;
    stream.extend(&long);
    let seen = whole(&stream);
    assert_eq!(seen.len(), 2);
    assert_eq!((seen[1].from, seen[1].to), (from, stream.len() as u64));
    let Mark::Own { what: What::Begin { text, cwd }, .. } = &seen[1].mark else { panic!("{seen:?}") };
    assert_eq!(
        (text.bytes.as_slice(), text.source, cwd.as_slice(), text.is_cut()),
        ("ab日".as_bytes(), TextSource::History, b"/a".as_slice(), false)
    );
}

#[test]
fn codes_that_cannot_have_given_the_exit_code_are_left_out() {
    for (told, pipeline) in [("0;1,0", vec![1, 0]), ("1;1,0", vec![1, 0]), ("0;1", vec![0]), ("148;0", vec![148])] {
        let Mark::Own { what: What::End { pipeline: got, .. }, .. } = only(&own(&format!("1;1;E;{told};n;/"))) else { panic!("{told}") };
        assert_eq!(got, pipeline, "{told}");
    }
}

#[test]
fn what_is_not_ours_says_why() {
    let twice = [own("1.1.1;5;P"), own("1.1.1;5;P")].concat();
    assert_eq!(whole(&twice)[1].mark, Mark::Forged(Forged::Replayed));
    let endless = [b"\x1b]8119;".as_slice(), &vec![b'x'; 100_000], b"\x07"].concat();
    for (bytes, forged) in [
        (b"\x1b]8119;\x07".to_vec(), Forged::Nonce),
        (b"\x1b]8119;07;1;1;P\x07".to_vec(), Forged::Nonce),
        (own(""), Forged::Malformed),
        (own("x;1;P"), Forged::Malformed),
        (own("1;1;Z"), Forged::Malformed),
        (own("1;-1;P"), Forged::Malformed),
        (own("1;1;E;0;;n;/"), Forged::Malformed),
        (own("1;1;B;r;3;99;/abc"), Forged::Malformed),
        (own("1;1;T;1;abc"), Forged::Malformed),
        (endless, Forged::TooLong),
    ] {
        assert_eq!(only(&bytes), Mark::Forged(forged), "{}", String::from_utf8_lossy(&bytes[..bytes.len().min(80)]));
    }
}

#[test]
fn too_many_shells_are_not_believed() {
    let mut marks = fresh();
    let mut seen = Vec::new();
    for shell in 0..=SHELLS_MAX {
        marks.feed(&own(&format!("1.{shell};1;P")), &mut seen);
    }
    assert_eq!(seen.last().unwrap().mark, Mark::Forged(Forged::TooManyShells));
    assert_eq!(marks.counters.len(), SHELLS_MAX);
}

#[test]
fn a_sequence_or_a_text_without_end_takes_no_more_memory() {
    let mut marks = fresh();
    let mut seen = Vec::new();
    marks.feed(b"\x1b]8119;", &mut seen);
    for _ in 0..100 {
        marks.feed(&[b'a'; 10_000], &mut seen);
    }
    assert!(marks.sequence.capacity() < 3 * SEQUENCE_MAX);
    for index in 0..2000 {
        marks.feed(&own(&format!("1;1;T;{index};{}", "a".repeat(900))), &mut seen);
    }
    marks.feed(&own("1;1;B;r;1800000;1;/"), &mut seen);
    let Mark::Own { what: What::Begin { text, .. }, .. } = &seen.last().unwrap().mark else { panic!("{seen:?}") };
    assert_eq!((text.bytes.len(), text.bytes_total, text.is_cut()), (1000, 1_800_000, true));
}

#[test]
fn an_unfinished_sequence_swallows_no_mark() {
    for start in ["\x1b]0;title", "\x1b]8119;x", "\x1b", "\x1b]", "\x1b]133;C\x18", "\x1bP"] {
        let stream = [start.as_bytes(), &own("1;1;P")].concat();
        let seen = whole(&stream);
        let last = seen.last().unwrap();
        assert!(matches!(last.mark, Mark::Own { what: What::Prompt, .. }), "{start:?} {seen:?}");
        assert_eq!((last.from, last.to), (start.len() as u64, stream.len() as u64), "{start:?}");
    }
}

#[test]
fn marks_of_others_are_hints() {
    for (sequence, family, hint) in [
        ("133;A", HintFamily::Osc133, Hint::Prompt),
        ("133;C", HintFamily::Osc133, Hint::Begin),
        ("133;D;7;aid=1", HintFamily::Osc133, Hint::End { exit: Some(7) }),
        ("133;D", HintFamily::Osc133, Hint::End { exit: None }),
        ("633;E;a\\x3bb\\\\c;nonce", HintFamily::Osc633, Hint::Text(b"a;b\\c".to_vec())),
        ("3008;start=1;type=command;cwd=/", HintFamily::Osc3008, Hint::Begin),
        ("3008;start=1;type=shell", HintFamily::Osc3008, Hint::Other),
        ("3008;end=1;exit=failure;status=3", HintFamily::Osc3008, Hint::End { exit: Some(3) }),
        ("3008;end=1;exit=success", HintFamily::Osc3008, Hint::End { exit: Some(0) }),
    ] {
        assert_eq!(only(format!("\x1b]{sequence}\x07").as_bytes()), Mark::Hint { family, hint }, "{sequence}");
    }
    assert!(whole(b"\x1b]1337;x\x07\x1b]7;file://h/\x07\x1b]81190;x\x07").is_empty());
}

fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..12),
        Just(b"\x1b]".to_vec()),
        Just(b"\x1b]8119;".to_vec()),
        Just(b"\x1b\\".to_vec()),
        Just(b"\x1b]133;D;1\x07".to_vec()),
        (1_u64..9).prop_map(|number| own(&format!("1;{number};P"))),
        (1_u64..9).prop_map(|number| own(&format!("1;{number};T;0;abc"))),
        (1_u64..9).prop_map(|number| own(&format!("1;{number};B;r;3;1;/"))),
        (1_u64..9).prop_map(|number| own(&format!("1;{number};E;3;0,3;n;/"))),
    ]
}

proptest! {
    #[test]
    fn any_cuts_give_the_same_marks(pieces in proptest::collection::vec(piece(), 0..20), cuts in proptest::collection::vec(1_usize..9, 1..80)) {
        let stream = pieces.concat();
        let (mut marks, mut seen, mut rest) = (fresh(), Vec::new(), stream.as_slice());
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (head, tail) = rest.split_at((*cut).min(rest.len()));
            marks.feed(head, &mut seen);
            rest = tail;
        }
        prop_assert_eq!(marks.offset(), stream.len() as u64);
        let ordered = seen.iter().all(|one| one.from < one.to && one.to <= stream.len() as u64);
        prop_assert!(ordered);
        prop_assert_eq!(seen, whole(&stream));
    }
}
