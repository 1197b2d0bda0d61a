//! Passing over must change nothing: every stream is drawn both ways, in pieces of any size, and compared.

use hikeshi_domain::session::Encoding;
use hikeshi_domain::session::record::Frame;

use super::super::ScreenModel;
use super::*;

struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(below).expect("small")).expect("small")
    }
}

const PIECES: &[&str] = &[
    "予約を受け付けました ",
    "\x1b[32mINFO\x1b[0m ",
    "\x1b[1;31m",
    "\x1b[m",
    "\x1b[38;5;200m",
    "a line that is longer than the screen is wide, and goes on for a while until it wraps around at the edge of it ",
    "\r\n",
    "\r\n",
    "\n",
    "\t",
    "👨\u{200d}👩\u{200d}👧",
    "0123456789",
];
/// What no flood is made of, and what must not be passed over.
const OTHER: &[&str] = &[
    "\x1b[2J",
    "\x1b[H",
    "\x1b[5;10r",
    "\x1b[r",
    "\x1b[?1049h",
    "\x1b[?1049l",
    "\x1b]0;a title\nwith a line end\x07",
    "\x1bP+q544e\n\x1b\\",
    "\x1b(0",
    "\x1b(B",
    "\x1b7",
    "\x1b8",
    "\x1b[?7l",
    "\x1b[?7h",
    "\x1b[4h",
    "\x08\x08",
    "\x0e",
    "\x1b[10A",
    "\x1b[3",
    "\x1b]unfinished",
    "\x1bc",
];

fn stream(dice: &mut Dice, others: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.len() < 60_000 {
        let pieces = if others > 0 && dice.roll(2_000) < others { OTHER } else { PIECES };
        bytes.extend_from_slice(pieces[dice.roll(pieces.len())].as_bytes());
    }
    bytes
}

/// Both screens after the same stream, in these pieces.
fn drawn(bytes: &[u8], size: usize) -> (String, String, bool) {
    let resize = Frame::Resize { columns: 100, rows: 30 };
    let mut model = ScreenModel::new(Encoding::Utf8);
    model.show(&resize);
    let mut whole = vt100::Parser::new(30_u16.try_into().expect("rows"), 100_u16.try_into().expect("columns"), 0);
    let mut passed = false;
    let mut scan = Scan::default();
    for piece in bytes.chunks(size) {
        passed |= scan.passes_over(piece, 30).is_some();
        model.show(&Frame::Output(piece.to_vec()));
        whole.process(piece);
    }
    (model.state(), whole.screen().state_formatted(), passed)
}

#[test]
fn a_plain_flood_is_passed_over_and_the_screen_is_the_same() {
    let (mut dice, mut passed_over) = (Dice(7), 0);
    for _ in 0..40 {
        let bytes = stream(&mut dice, 0);
        for size in [9_000, 20_000, 60_000] {
            let (model, whole, passed) = drawn(&bytes, size);
            assert_eq!(model, whole);
            passed_over += usize::from(passed);
        }
    }
    // Pieces that begin or end within a sequence are drawn whole.
    assert!(passed_over > 90, "it was worth nothing: {passed_over} of 120");
}

#[test]
fn whatever_else_stands_in_it_the_screen_is_the_same() {
    let mut dice = Dice(11);
    for round in 0..120 {
        let bytes = stream(&mut dice, 1 + round % 20);
        let size = 8_192 + dice.roll(30_000);
        let (model, whole, _) = drawn(&bytes, size);
        assert_eq!(model, whole, "round {round}");
    }
}

#[test]
fn nothing_is_passed_over_within_a_sequence_or_with_a_scroll_region() {
    let lines = "a line\r\n".repeat(4_000);
    let passes = |before: &str| {
        let mut scan = Scan::default();
        scan.passes_over(before.as_bytes(), 30);
        scan.passes_over(lines.as_bytes(), 30).is_some()
    };
    assert!(passes("") && passes("\x1b[?2004h$ ls\r\n\x1b]0;title\x07"));
    for before in ["\x1b]0;title", "\x1b[3", "\x1b", "\x1bPq", "\x1b[5;20r", "\x1b("] {
        assert!(!passes(before), "{before:?}");
    }
}
