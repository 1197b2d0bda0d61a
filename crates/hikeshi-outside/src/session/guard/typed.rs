//! The keys since the last Enter, as text: right as long as only signs were typed, deleted at the end, and pasted. What else a key does to the
//! line only the screen tells.

use hikeshi_domain::session::Encoding;

use super::decoder;

const BYTES_MAX: usize = 64 * 1024;
const ESCAPE: u8 = 0x1b;

#[derive(Debug, Default)]
pub(super) struct Typed {
    bytes: Vec<u8>,
    /// A key has edited the line in a way that is not followed here.
    unsure: bool,
    /// An escape sequence that is not whole yet, without its first byte.
    escape: Option<Vec<u8>>,
}

impl Typed {
    pub(super) fn unsure(&mut self) {
        self.unsure = true;
    }

    /// Signs only, and at least one: an empty line may hold what a program has put there.
    pub(super) fn is_sure(&self) -> bool {
        !self.unsure && self.escape.is_none() && !self.bytes.is_empty()
    }

    pub(super) fn text(&self, encoding: Encoding) -> String {
        match decoder(encoding) {
            None => String::from_utf8_lossy(&self.bytes).into_owned(),
            Some(mut decoder) => {
                let mut text = String::with_capacity(decoder.max_utf8_buffer_length(self.bytes.len()).unwrap_or(self.bytes.len()));
                let (_result, _read, _replaced) = decoder.decode_to_string(&self.bytes, &mut text, true);
                text
            }
        }
    }

    pub(super) fn take(&mut self, keys: &[u8]) {
        for key in keys {
            self.key(*key);
        }
    }

    fn key(&mut self, key: u8) {
        if self.escape.is_some() {
            self.escaped(key);
            return;
        }
        match key {
            ESCAPE => self.escape = Some(Vec::new()),
            0x08 | 0x7f => self.delete(),
            // Kills the line; interrupts it.
            0x15 | 0x03 => *self = Self { unsure: self.unsure && key == 0x15, ..Self::default() },
            0x00..=0x1f => self.unsure = true,
            sign if self.bytes.len() < BYTES_MAX => self.bytes.push(sign),
            _ => self.unsure = true,
        }
    }

    /// One sign of UTF-8; in other encodings the screen is asked.
    fn delete(&mut self) {
        while let Some(byte) = self.bytes.pop() {
            if !(0x80..0xc0).contains(&byte) {
                break;
            }
        }
        self.unsure |= self.bytes.iter().any(|byte| *byte >= 0x80);
    }

    /// Only the marks around a paste change nothing.
    fn escaped(&mut self, key: u8) {
        let Some(sequence) = &mut self.escape else { return };
        sequence.push(key);
        let whole = match sequence.as_slice() {
            [b'[' | b'O'] => false,
            [b'[', .., last] => (0x40..=0x7e).contains(last) || sequence.len() > 32,
            _ => true,
        };
        if whole {
            self.unsure |= !matches!(sequence.as_slice(), b"[200~" | b"[201~");
            self.escape = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &[u8]) -> (String, bool) {
        let mut typed = Typed::default();
        typed.take(keys);
        (typed.text(Encoding::Utf8), typed.is_sure())
    }

    #[test]
    fn signs_are_followed_and_everything_else_is_left_to_the_screen() {
        assert_eq!(typed(b"drop table"), ("drop table".to_owned(), true));
        assert_eq!(typed(b"drop tabel\x7f\x7fle"), ("drop table".to_owned(), true));
        assert_eq!(typed("消し\u{7f}す".as_bytes()).0, "消す");
        assert_eq!(typed(b"abc\x15drop"), ("drop".to_owned(), true));
        assert_eq!(typed(b"\x12abc\x03drop"), ("drop".to_owned(), true));
        assert_eq!(typed(b"\x1b[200~drop table\x1b[201~"), ("drop table".to_owned(), true));
        for keys in [&b"\x12drop"[..], b"\x1b[A", b"dr\t", b"\x1bb", b"a\x1b[", b""] {
            assert!(!typed(keys).1, "{keys:?}");
        }
    }

    #[test]
    fn another_encoding_is_read_as_such() {
        let (bytes, ..) = encoding_rs::SHIFT_JIS.encode("停止");
        let mut typed = Typed::default();
        typed.take(&bytes);
        assert_eq!(typed.text(Encoding::ShiftJis), "停止");
    }
}
