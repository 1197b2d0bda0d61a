//! Masking of a stream: what a script prints is masked before it is written (rule A4), although it arrives in arbitrary pieces.
//!
//! Bytes are let through at the ends of lines only (for a terminal, [`MaskedStream::live`], at once), and only when no secret can
//! continue behind the end. The rest waits, up to a bound. What is a secret is decided by [`Masker`]; this file only decides where a stream may be cut.

use hikeshi_domain::mask::Masker;

/// Longest unfinished text that is held back. A secret longer than this in one line could be cut.
const HELD_BYTES_MAX: usize = 16 * 1024;
/// How far around a cut it is checked that cutting changes nothing.
const WINDOW_BYTES: usize = 4 * 1024;
/// How much of what went out is looked at again for a secret that began in it.
const CONTEXT_BYTES: usize = 512;
/// Would any secret still be open at the end, this continuation is masked too, which shows it.
const PROBE: &[u8] = b"Probe0Probe1Probe2Probe3Probe4";

/// The same for every alphabet that a pattern of secrets asks for: one of them completes what has begun.
const LIVE_PROBES: [&[u8]; 3] = [PROBE, b"A1B2C3D4E5F6G7H8J9K0L1M2N3P4Q5R6", b"0123456789abcdef0123456789abcdef0123456789abcdef"];

pub(crate) struct MaskedStream {
    masker: Masker,
    /// Length of the longest secret value: no cut may fall inside one.
    longest: usize,
    multi_line: bool,
    /// Known secrets, when bytes go out as soon as none of them can have begun.
    live: Option<Vec<Vec<u8>>>,
    /// What went out last, when bytes go out as they come: a secret may have begun in it.
    context: Vec<u8>,
    held: Vec<u8>,
}

impl MaskedStream {
    pub(crate) fn new(masker: Masker, values: &[String]) -> Self {
        let longest = values.iter().map(String::len).max().unwrap_or(0);
        let multi_line = values.iter().any(|value| value.trim().contains(['\n', '\r']));
        Self { masker, longest, multi_line, live: None, context: Vec::new(), held: Vec::new() }
    }

    /// For what people watch while it is typed: a key is shown at once, not at the end of its line, unless a secret may have begun
    /// with it. It is then held until the secret is whole, or turns out to be something else.
    pub(crate) fn live(masker: Masker, values: &[String]) -> Self {
        let known = values.iter().map(|value| value.trim().as_bytes().to_vec()).filter(|value| !value.is_empty()).collect();
        Self { live: Some(known), ..Self::new(masker, values) }
    }

    /// Takes what was read, gives what may be written.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.held.extend_from_slice(bytes);
        let at = self.cut();
        if at > 0 {
            let rest = self.held.split_off(at);
            let ready = std::mem::replace(&mut self.held, rest);
            return self.release(&ready);
        }
        if self.held.len() > HELD_BYTES_MAX {
            return self.forced();
        }
        Vec::new()
    }

    /// Masks what goes out, together with what went out before it where a secret may reach over both.
    fn release(&mut self, ready: &[u8]) -> Vec<u8> {
        if self.live.is_none() {
            return self.masker.bytes(ready);
        }
        let before = self.masker.bytes(&self.context);
        let joined = [self.context.as_slice(), ready].concat();
        let masked = self.masker.bytes(&joined);
        let common = before.iter().zip(&masked).take_while(|(a, b)| a == b).count();
        self.context = joined.get(joined.len().saturating_sub(CONTEXT_BYTES)..).unwrap_or_default().to_vec();
        masked.get(common..).unwrap_or_default().to_vec()
    }

    /// The rest, at the end of the stream.
    pub(crate) fn finish(&mut self) -> Vec<u8> {
        let rest = std::mem::take(&mut self.held);
        let out = self.release(&rest);
        self.context.clear();
        out
    }

    /// The furthest place where the held bytes may be cut; 0 for nowhere.
    fn cut(&self) -> usize {
        if self.live.as_ref().is_some_and(|known| self.free_at_end(known)) {
            return self.held.len();
        }
        let mut limit = self.held.len();
        if self.multi_line {
            limit = limit.saturating_sub(self.longest);
        }
        if let Some(open) = open_key(&self.held) {
            limit = limit.min(open);
        }
        // A few line ends are tried from the back: one of them is nearly always free.
        for _ in 0..4 {
            let Some(end) = self.held.get(..limit).and_then(|head| head.iter().rposition(|byte| matches!(byte, b'\n' | b'\r'))) else {
                return 0;
            };
            if self.free_at(end + 1) {
                return end + 1;
            }
            limit = end;
        }
        0
    }

    /// Whether no secret can have begun in what is held.
    fn free_at_end(&self, known: &[Vec<u8>]) -> bool {
        let joined = [self.context.as_slice(), self.held.as_slice()].concat();
        if open_key(&joined).is_some() {
            return false;
        }
        let tail = joined.get(joined.len().saturating_sub(WINDOW_BYTES)..).unwrap_or_default();
        let begun =
            known.iter().any(|value| (1..value.len()).any(|length| value.get(..length).is_some_and(|prefix| tail.ends_with(prefix))));
        let masked = self.masker.bytes(tail);
        !begun && LIVE_PROBES.iter().all(|probe| self.masker.bytes(&[tail, *probe].concat()) == [masked.as_slice(), *probe].concat())
    }

    /// Whether cutting here changes nothing, neither with what follows now nor with what may still come.
    fn free_at(&self, at: usize) -> bool {
        let from = at.saturating_sub(WINDOW_BYTES);
        let to = self.held.len().min(at.saturating_add(WINDOW_BYTES));
        let (Some(left), Some(right)) = (self.held.get(from..at), self.held.get(at..to)) else { return false };
        let left_masked = self.masker.bytes(left);
        let together =
            |tail: &[u8]| self.masker.bytes(&[left, tail].concat()) == [left_masked.as_slice(), &self.masker.bytes(tail)].concat();
        together(right) && self.masker.bytes(&[left, PROBE].concat()) == [left_masked.as_slice(), PROBE].concat()
    }

    /// A very long line: everything but the end goes out, cut where no known secret is split.
    fn forced(&mut self) -> Vec<u8> {
        let keep = self.longest.clamp(WINDOW_BYTES, HELD_BYTES_MAX / 2);
        let mut at = self.held.len().saturating_sub(keep);
        for _ in 0..8 {
            let (left, right) = self.held.split_at_checked(at).unwrap_or((&[], &[]));
            let (left, right) =
                (left.get(left.len().saturating_sub(WINDOW_BYTES)..).unwrap_or(left), right.get(..WINDOW_BYTES).unwrap_or(right));
            if self.masker.bytes(&[left, right].concat()) == [self.masker.bytes(left), self.masker.bytes(right)].concat() {
                break;
            }
            at = at.saturating_sub(keep / 2).max(1);
        }
        let rest = self.held.split_off(at.min(self.held.len()));
        let ready = std::mem::replace(&mut self.held, rest);
        self.release(&ready)
    }
}

/// Where a private key begins whose end has not come yet.
fn open_key(bytes: &[u8]) -> Option<usize> {
    let find =
        |from: usize, needle: &[u8]| bytes.get(from..)?.windows(needle.len()).position(|window| window == needle).map(|at| from + at);
    let mut from = 0;
    while let Some(begin) = find(from, b"-----BEGIN ") {
        match find(begin, b"-----END ") {
            Some(end) => from = end + 9,
            None => return Some(begin),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "correct-horse-battery";

    fn through(pieces: &[&[u8]]) -> Vec<u8> {
        let values = vec![SECRET.to_owned()];
        let mut stream = MaskedStream::new(Masker::new(&[], &values).expect("built-in patterns compile"), &values);
        let mut out = Vec::new();
        for piece in pieces {
            out.extend(stream.feed(piece));
        }
        out.extend(stream.finish());
        out
    }

    #[test]
    fn a_secret_is_masked_wherever_the_reads_cut_it() {
        let text = format!("before {SECRET} after\nDB_PASSWORD=swordfish99\nend");
        for at in 0..text.len() {
            let (left, right) = text.as_bytes().split_at(at);
            assert_eq!(through(&[left, right]), b"before [masked] after\nDB_PASSWORD=[masked]\nend", "cut at {at}");
        }
    }

    #[test]
    fn a_key_over_many_lines_and_reads_is_masked() {
        let begin = b"x\n-----BEGIN OPENSSH PRIVATE KEY-----\n";
        let out = through(&[begin, b"c2VjcmV0\nc2VjcmV0\n", b"c2VjcmV0\n-----END OPENSSH PRIVATE KEY-----\ny\n"]);
        let text = String::from_utf8_lossy(&out);
        assert!(!text.contains("c2VjcmV0"), "{text}");
        assert!(text.starts_with("x\n") && text.ends_with("\ny\n"), "{text}");
    }

    #[test]
    fn a_value_on_the_line_after_its_name_is_masked() {
        assert_eq!(through(&[b"password:\n", b"swordfish99\n"]), b"password:\n[masked]\n");
    }

    #[test]
    fn lines_are_let_through_as_they_come_and_foreign_bytes_stay() {
        let values = vec![SECRET.to_owned()];
        let mut stream = MaskedStream::new(Masker::new(&[], &values).expect("built-in patterns compile"), &values);
        assert_eq!(stream.feed(b"\x93\xfa\x96\x7b\n"), b"\x93\xfa\x96\x7b\n");
        assert_eq!(stream.feed(b"part"), b"");
        assert_eq!(stream.feed(b"ial\n"), b"partial\n");
    }

    #[test]
    fn a_line_without_end_is_bounded_and_still_masked() {
        let long = vec![b'x'; HELD_BYTES_MAX - 5];
        let mut out = through(&[&long, SECRET.as_bytes(), &long, b" end"]);
        let text = String::from_utf8_lossy(&std::mem::take(&mut out)).into_owned();
        assert!(!text.contains(SECRET));
        assert!(text.contains("[masked]"));
        assert_eq!(text.len(), long.len() * 2 + "[masked]".len() + 4);
    }

    fn live() -> MaskedStream {
        let values = vec![SECRET.to_owned()];
        MaskedStream::live(Masker::new(&[], &values).expect("built-in patterns compile"), &values)
    }

    /// Fed byte by byte, as keys are typed: what is out after each of them.
    fn typed(text: &str) -> (Vec<Vec<u8>>, Vec<u8>) {
        let mut stream = live();
        let mut all = Vec::new();
        let mut after = Vec::new();
        for byte in text.as_bytes() {
            all.extend(stream.feed(&[*byte]));
            after.push(all.clone());
        }
        all.extend(stream.finish());
        (after, all)
    }

    #[test]
    fn a_key_is_shown_at_once_while_it_is_typed() {
        let text = "vi app.toml # 予約サービス";
        let (after, all) = typed(text);
        for (count, shown) in (1..).zip(&after) {
            assert_eq!(shown, &text.as_bytes()[..count], "after {count} keys");
        }
        assert_eq!(all, text.as_bytes());
    }

    #[test]
    fn a_secret_that_is_typed_key_by_key_never_stands_in_the_record() {
        for text in [
            format!("echo {SECRET} x\n"),
            "mysql --password=swordfish99 db\n".to_owned(),
            "TOKEN=ghp_0123456789abcdefghijABCDEFGHIJ012345 x\n".to_owned(),
        ] {
            let (_, all) = typed(&text);
            let out = String::from_utf8_lossy(&all).into_owned();
            assert!(out.contains("[masked]"), "{out}");
            for secret in [SECRET, "swordfish", "ghp_0123"] {
                assert!(!out.contains(secret), "{out}");
            }
        }
    }

    #[test]
    fn live_or_not_the_record_of_a_whole_stream_is_the_same() {
        let text = format!("before {SECRET} after\nDB_PASSWORD=swordfish99\n\x1b[31mend\x1b[0m");
        for at in 0..text.len() {
            let (left, right) = text.as_bytes().split_at(at);
            let mut stream = live();
            let mut out = stream.feed(left);
            out.extend(stream.feed(right));
            out.extend(stream.finish());
            assert_eq!(out, b"before [masked] after\nDB_PASSWORD=[masked]\n\x1b[31mend\x1b[0m", "cut at {at}");
        }
    }
}
