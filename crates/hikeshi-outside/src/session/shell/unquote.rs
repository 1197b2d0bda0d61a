//! Reads back what the shells' own quoting wrote (`printf %q` in bash, `${(qqqq)…}` in zsh, both in the C locale), piece by piece and
//! within a bound. Anything that these two do not write is an error.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Begin,
    /// After a `$` or `'` at the very beginning.
    Dollar,
    EmptyQuotes,
    /// Backslashes before single characters.
    Plain,
    PlainEscape,
    /// `$'…'`
    Ansi,
    AnsiEscape,
    Octal {
        value: u16,
        digits: u8,
    },
    End,
    Broken,
}

#[derive(Debug, Clone)]
pub(super) struct Unquote {
    state: State,
    out: Vec<u8>,
    bytes_max: usize,
    bytes_total: u64,
}

impl Unquote {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { state: State::Begin, out: Vec::new(), bytes_max, bytes_total: 0 }
    }

    pub(super) fn push(&mut self, quoted: &[u8]) {
        for byte in quoted {
            self.state = self.step(*byte);
        }
    }

    /// The bytes, at most as many as wanted, and how many there were. Nothing when it was no quoting of a shell.
    pub(super) fn finish(self) -> Option<(Vec<u8>, u64)> {
        match self.state {
            State::Begin | State::Plain | State::End => Some((self.out, self.bytes_total)),
            State::Dollar
            | State::EmptyQuotes
            | State::PlainEscape
            | State::Ansi
            | State::AnsiEscape
            | State::Octal { .. }
            | State::Broken => None,
        }
    }

    fn put(&mut self, byte: u8) {
        self.bytes_total += 1;
        if self.out.len() < self.bytes_max {
            self.out.push(byte);
        }
    }

    fn step(&mut self, byte: u8) -> State {
        match self.state {
            State::Begin => match byte {
                b'$' => State::Dollar,
                b'\'' => State::EmptyQuotes,
                _ => self.plain(byte),
            },
            State::Dollar if byte == b'\'' => State::Ansi,
            State::EmptyQuotes if byte == b'\'' => State::End,
            State::Dollar | State::EmptyQuotes | State::End | State::Broken => State::Broken,
            State::Plain => self.plain(byte),
            State::PlainEscape => {
                self.put(byte);
                State::Plain
            }
            State::Ansi => self.ansi(byte),
            State::AnsiEscape => self.escape(byte),
            State::Octal { value, digits } => self.octal(value, digits, byte),
        }
    }

    fn plain(&mut self, byte: u8) -> State {
        if byte == b'\\' {
            return State::PlainEscape;
        }
        self.put(byte);
        State::Plain
    }

    fn ansi(&mut self, byte: u8) -> State {
        match byte {
            b'\\' => State::AnsiEscape,
            b'\'' => State::End,
            _ => {
                self.put(byte);
                State::Ansi
            }
        }
    }

    fn escape(&mut self, byte: u8) -> State {
        let meant = match byte {
            b'0'..=b'3' => return State::Octal { value: u16::from(byte - b'0'), digits: 1 },
            b'a' => 7,
            b'b' => 8,
            b't' => b'\t',
            b'n' => b'\n',
            b'v' => 11,
            b'f' => 12,
            b'r' => b'\r',
            b'e' | b'E' => 0x1b,
            _ if byte.is_ascii_punctuation() => byte,
            _ => return State::Broken,
        };
        self.put(meant);
        State::Ansi
    }

    fn octal(&mut self, value: u16, digits: u8, byte: u8) -> State {
        if digits < 3 && (b'0'..=b'7').contains(&byte) {
            return State::Octal { value: value * 8 + u16::from(byte - b'0'), digits: digits + 1 };
        }
        let Ok(meant) = u8::try_from(value) else { return State::Broken };
        self.put(meant);
        self.ansi(byte)
    }
}

/// A short text, whole.
pub(super) fn unquote(quoted: &[u8], bytes_max: usize) -> Option<Vec<u8>> {
    let mut reader = Unquote::new(bytes_max);
    reader.push(quoted);
    reader.finish().map(|(bytes, _)| bytes)
}

#[cfg(test)]
mod tests;
