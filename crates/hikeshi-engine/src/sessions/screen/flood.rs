//! What of a flood of output need not be drawn: lines that will have scrolled off the screen before anybody could see them.
//!
//! Only plain lines are passed over (text, colours, line ends), only from between two sequences, and only while nothing has ever set a scroll
//! region. The screen afterwards is the same, bit by bit, as if every line had been drawn.

const ESCAPE: u8 = 0x1b;
/// Smaller pieces are drawn as they are.
const FLOOD_BYTES: usize = 8 * 1024;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Ground,
    Escape,
    /// A sequence that ends with its first byte from `@` to `~`.
    Control,
    /// After an escape and something between: one more byte.
    Charset,
    /// A string that ends with BEL, or with an escape and a backslash.
    Text,
    /// One that ends only with those two.
    Device,
}

/// Reads along with everything that is drawn.
#[derive(Debug, Default)]
pub(super) struct Scan {
    state: State,
    /// Something has set a scroll region; whether it was taken back is not followed.
    region: bool,
    /// The parameters of the sequence under way begin here, counted from the beginning of this piece.
    from: usize,
}

/// What is drawn instead of a piece of a flood: colours as they are at its last lines, and those lines.
pub(super) struct Rest<'a> {
    pub(super) colours: Vec<u8>,
    pub(super) lines: &'a [u8],
}

impl Scan {
    /// `None`: the piece has to be drawn whole.
    pub(super) fn passes_over<'a>(&mut self, bytes: &'a [u8], rows: usize) -> Option<Rest<'a>> {
        let plain_before = self.state == State::Ground && !self.region;
        let colours = self.read(bytes);
        let plain = plain_before && self.state == State::Ground && !self.region;
        let colours = colours.filter(|_| plain && bytes.len() >= FLOOD_BYTES)?;
        // Each line end at the bottom scrolls: so many of them leave nothing of what was there before.
        let ends = bytes.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
        let cut = ends.skip(rows).find(|end| bytes.get(..*end).is_some_and(|before| before.ends_with(b"\r\n")))?;
        let before: Vec<&[u8]> = colours.into_iter().filter(|(at, _)| *at < cut).map(|(_, sequence)| sequence).collect();
        let since = before.iter().rposition(|sequence| matches!(*sequence, b"\x1b[m" | b"\x1b[0m")).unwrap_or(0);
        Some(Rest { colours: before.get(since..).unwrap_or_default().concat(), lines: bytes.get(cut..)? })
    }

    /// Follows the sequences. `None`: there was something besides text, line ends and colours; else the colours, and where they stand.
    fn read<'a>(&mut self, bytes: &'a [u8]) -> Option<Vec<(usize, &'a [u8])>> {
        let mut colours = Vec::new();
        let mut plain = true;
        let mut at = 0;
        self.from = 0;
        while let Some(byte) = bytes.get(at).copied() {
            if self.state == State::Ground {
                let text = bytes.get(at..).unwrap_or_default();
                let length = text.iter().position(|byte| *byte < b' ').unwrap_or(text.len());
                if length > 0 {
                    at += length;
                    continue;
                }
                plain &= matches!(byte, b'\n' | b'\r' | b'\t' | ESCAPE);
            }
            let before = self.state;
            self.step(byte, at);
            if before == State::Control && self.state == State::Ground {
                let sequence = bytes.get(self.from.saturating_sub(2)..=at).unwrap_or_default();
                let inside = sequence.strip_prefix(b"\x1b[").and_then(|rest| rest.strip_suffix(b"m"));
                let colour = inside.is_some_and(|inside| inside.iter().all(|byte| matches!(byte, b'0'..=b'9' | b';' | b':')));
                plain &= colour;
                if colour {
                    colours.push((at, sequence));
                }
                self.region |= byte == b'r';
            } else {
                plain &= matches!((before, self.state), (State::Ground | State::Control, _) | (State::Escape, State::Control));
            }
            at += 1;
        }
        plain.then_some(colours)
    }

    fn step(&mut self, byte: u8, at: usize) {
        self.state = match (self.state, byte) {
            // Cancelled, wherever it was.
            (_, 0x18 | 0x1a) | (State::Text, 0x07) => State::Ground,
            // It also ends a string; the backslash behind it is then a sequence of its own.
            (_, ESCAPE) => State::Escape,
            (State::Ground | State::Text | State::Device, _) => self.state,
            (State::Escape, b'[') => {
                self.from = at + 1;
                State::Control
            }
            (State::Escape, b']') => State::Text,
            (State::Escape, b'P' | b'X' | b'^' | b'_') => State::Device,
            (State::Escape | State::Charset, b' '..=b'/') => State::Charset,
            // An ordinary control is carried out in the middle of a sequence.
            (State::Escape | State::Charset, 0..=0x1f) => self.state,
            (State::Escape | State::Charset, _) | (State::Control, b'@'..=b'~') => State::Ground,
            (State::Control, _) => State::Control,
        };
    }
}

#[cfg(test)]
mod tests;
