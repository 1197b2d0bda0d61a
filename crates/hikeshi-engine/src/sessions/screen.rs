//! What the terminal shows, modelled on the server, so that whoever joins late sees the screen at once.

mod flood;

use std::num::NonZeroU16;

use encoding_rs::Decoder;
use hikeshi_domain::session::Encoding;
use hikeshi_domain::session::record::Frame;

use self::flood::Scan;

pub(super) struct ScreenModel {
    parser: vt100::Parser,
    scan: Scan,
    /// `None`: the bytes are UTF-8 already.
    decoder: Option<Decoder>,
}

fn side(given: u16) -> NonZeroU16 {
    NonZeroU16::new(given.min(SIDE_MAX)).unwrap_or(NonZeroU16::MIN)
}

/// Larger windows than this are drawn as if they had this size.
const SIDE_MAX: u16 = 1_000;

impl ScreenModel {
    pub(super) fn new(encoding: Encoding) -> Self {
        let decoder = match encoding {
            Encoding::Utf8 => None,
            Encoding::ShiftJis | Encoding::EucJp => {
                encoding_rs::Encoding::for_label(encoding.label().as_bytes()).map(encoding_rs::Encoding::new_decoder_without_bom_handling)
            }
        };
        Self { parser: vt100::Parser::new(side(24), side(80), 0), scan: Scan::default(), decoder }
    }

    pub(super) fn show(&mut self, frame: &Frame) {
        match frame {
            Frame::Output(bytes) => match &mut self.decoder {
                None => self.draw(bytes),
                Some(decoder) => {
                    let mut text = String::with_capacity(decoder.max_utf8_buffer_length(bytes.len()).unwrap_or(bytes.len()));
                    let (_result, _read, _replaced) = decoder.decode_to_string(bytes, &mut text, false);
                    self.draw(text.as_bytes());
                }
            },
            Frame::Resize { columns, rows } => self.parser.screen_mut().set_size(side(*rows), side(*columns)),
            Frame::Input(_) | Frame::Hidden(_) | Frame::Word(_) | Frame::Salt(_) => {}
        }
    }

    fn draw(&mut self, bytes: &[u8]) {
        let rows = usize::from(u16::from(self.parser.screen().size().0));
        match self.scan.passes_over(bytes, rows) {
            None => self.parser.process(bytes),
            Some(rest) => {
                // The lines that are passed over would have ended at the bottom, at the beginning of a line.
                self.parser.process(&rest.colours);
                self.parser.process(b"\r");
                self.parser.process(&b"\n".repeat(rows));
                self.parser.process(rest.lines);
            }
        }
    }

    /// Columns and rows.
    pub(super) fn size(&self) -> (u16, u16) {
        let (rows, columns) = self.parser.screen().size();
        (columns.into(), rows.into())
    }

    /// What a fresh terminal of this size must be sent to look the same.
    pub(super) fn state(&self) -> String {
        self.parser.screen().state_formatted()
    }

    /// The lines as text, for a page without scripts.
    pub(super) fn text(&self) -> String {
        self.parser.screen().contents()
    }
}
