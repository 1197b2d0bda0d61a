//! The executor's screen as far as it tells what Enter would send: the line on which the cursor stands. Watchers' screens are the engine's.

use std::time::Instant;

use encoding_rs::Decoder;
use hikeshi_domain::session::Encoding;

use super::super::shell::{Mark, Marks, Nonce, Seen, What};
use super::decoder;

const SIDE_MAX: u16 = 1_000;
/// Of the text of commands nothing is needed here.
const TEXT_BYTES_MAX: usize = 64;

pub(super) struct Screen {
    model: vt100::Parser,
    /// `None`: the bytes are UTF-8 already.
    decoder: Option<Decoder>,
    marks: Marks,
    seen: Vec<Seen>,
    /// Prompts and beginnings of commands that the shell has told.
    prompts: u64,
    changed_at: Option<Instant>,
}

fn side(given: u16) -> std::num::NonZeroU16 {
    std::num::NonZeroU16::new(given.min(SIDE_MAX)).unwrap_or(std::num::NonZeroU16::MIN)
}

impl Screen {
    pub(super) fn new(encoding: Encoding, nonce: Nonce, (columns, rows): (u16, u16)) -> Self {
        Self {
            model: vt100::Parser::new(side(rows), side(columns), 0),
            decoder: decoder(encoding),
            marks: Marks::new(nonce, TEXT_BYTES_MAX),
            seen: Vec::new(),
            prompts: 0,
            changed_at: None,
        }
    }

    pub(super) fn show(&mut self, bytes: &[u8]) {
        self.marks.feed(bytes, &mut self.seen);
        let began = |seen: &Seen| matches!(seen.mark, Mark::Own { what: What::Prompt | What::Begin { .. }, .. });
        let prompts = self.seen.drain(..).filter(began).count();
        self.prompts = self.prompts.saturating_add(u64::try_from(prompts).unwrap_or(u64::MAX));
        match &mut self.decoder {
            None => self.model.process(bytes),
            Some(decoder) => {
                let mut text = String::with_capacity(decoder.max_utf8_buffer_length(bytes.len()).unwrap_or(bytes.len()));
                let (_result, _read, _replaced) = decoder.decode_to_string(bytes, &mut text, false);
                self.model.process(text.as_bytes());
            }
        }
        self.changed_at = Some(Instant::now());
    }

    pub(super) fn resize(&mut self, columns: u16, rows: u16) {
        self.model.screen_mut().set_size(side(rows), side(columns));
    }

    pub(super) fn prompts(&self) -> u64 {
        self.prompts
    }

    pub(super) fn changed_at(&self) -> Option<Instant> {
        self.changed_at
    }

    /// A full-screen program has the other screen: an editor, a pager.
    pub(super) fn is_other(&self) -> bool {
        self.model.screen().alternate_screen()
    }

    /// The whole line, over all rows that it fills: those that are wrapped, and where `lead`, what stood before the first key, is further
    /// up, all from there. An entry of the history may have several lines.
    pub(super) fn line(&self, lead: &str) -> String {
        let screen = self.model.screen();
        let (rows, columns): (u16, u16) = {
            let (rows, columns) = screen.size();
            (rows.into(), columns.into())
        };
        let (top, mut bottom) = (self.led_by(lead), screen.cursor_position().0);
        while bottom.saturating_add(1) < rows && screen.row_wrapped(bottom) {
            bottom = bottom.saturating_add(1);
        }
        screen.contents_between(top, 0, bottom, columns)
    }

    /// The part of that line before the cursor: the prompt, when nothing was typed yet.
    pub(super) fn before_cursor(&self) -> String {
        let screen = self.model.screen();
        let (row, column) = screen.cursor_position();
        screen.contents_between(self.top(), 0, row, column)
    }

    fn led_by(&self, lead: &str) -> u16 {
        let screen = self.model.screen();
        let (top, columns) = (self.top(), u16::from(screen.size().1));
        let leads = |row: &u16| screen.contents_between(*row, 0, *row, columns).starts_with(lead);
        let above = (0..=top).rev().find(leads).filter(|_| !lead.trim().is_empty());
        above.unwrap_or(top)
    }

    fn top(&self) -> u16 {
        let screen = self.model.screen();
        let mut top = screen.cursor_position().0;
        while let Some(above) = top.checked_sub(1).filter(|above| screen.row_wrapped(*above)) {
            top = above;
        }
        top
    }
}
