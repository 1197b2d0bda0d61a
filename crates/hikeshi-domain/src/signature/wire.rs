//! Length-prefixed pieces, as the SSH protocol writes them (RFC 4251, section 5).

/// Reads piece by piece; `None` as soon as the bytes end too early.
pub(super) struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (piece, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(piece)
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    pub(super) fn number(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    pub(super) fn string(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        self.take(length)
    }

    pub(super) fn text(&mut self) -> Option<&'a str> {
        str::from_utf8(self.string()?).ok()
    }

    /// A positive integer without its leading zero. A negative one means nothing in a key or a signature.
    pub(super) fn positive(&mut self) -> Option<&'a [u8]> {
        let bytes = self.string()?;
        match bytes.first() {
            Some(0) => Some(bytes.iter().position(|byte| *byte != 0).and_then(|at| bytes.get(at..)).unwrap_or_default()),
            Some(first) if first & 0x80 == 0 => Some(bytes),
            Some(_) | None => None,
        }
    }

    /// Whether everything was read: what follows a key or a signature was put there by nobody honest.
    pub(super) fn is_done(&self) -> bool {
        self.0.is_empty()
    }
}

/// Pieces above 4 GiB do not come here: inputs are bounded.
pub(super) fn put(out: &mut Vec<u8>, piece: &[u8]) {
    out.extend_from_slice(&u32::try_from(piece.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(piece);
}
