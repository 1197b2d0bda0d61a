//! A recording in the forms that others read: asciicast for players, the bytes of the output, the frames themselves.
//!
//! Made piece by piece while it is read. A recording that turns out to be damaged ends there with the error, never as if it were whole.

use encoding_rs::Decoder;
use hikeshi_domain::session::Encoding;
use hikeshi_domain::session::SessionEnd;
use hikeshi_domain::session::record::{Block, Frame, Word};

use super::{Recording, RecordingError};

const US_PER_S: u64 = 1_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// asciicast v3: what players of today read.
    Cast,
    /// asciicast v2, for players of yesterday.
    Cast2,
    /// The output, byte for byte, in whatever encoding it was.
    Raw,
    /// The frames as they were recorded and hashed, block after block.
    Frames,
}

impl Form {
    pub const ALL: [Self; 4] = [Self::Cast, Self::Cast2, Self::Raw, Self::Frames];

    /// `recording.cast` and so on: the name under which it is asked for.
    pub fn file(self) -> &'static str {
        match self {
            Self::Cast => "recording.cast",
            Self::Cast2 => "recording.v2.cast",
            Self::Raw => "recording.raw",
            Self::Frames => "recording.frames",
        }
    }

    pub fn media_type(self) -> &'static str {
        match self {
            Self::Cast | Self::Cast2 => "application/x-asciicast",
            Self::Raw | Self::Frames => "application/octet-stream",
        }
    }
}

/// A recording on its way out.
pub struct Export {
    recording: Recording,
    form: Form,
    cast: Option<Cast>,
    over: bool,
}

impl Export {
    pub(super) fn new(recording: Recording, form: Form) -> Self {
        Self { recording, form, cast: None, over: false }
    }

    /// The next piece; `None` after the last, and after an error.
    pub async fn piece(&mut self) -> Option<Result<Vec<u8>, RecordingError>> {
        while !self.over {
            let piece = match self.recording.next().await {
                Ok(Some((block, frames))) => self.of_block(&block, frames),
                Ok(None) => {
                    self.over = true;
                    self.ending()
                }
                Err(error) => {
                    self.over = true;
                    return Some(Err(error));
                }
            };
            if !piece.is_empty() {
                return Some(Ok(piece));
            }
        }
        None
    }

    fn of_block(&mut self, block: &Block, frames: Vec<u8>) -> Vec<u8> {
        match self.form {
            Form::Frames => frames,
            Form::Raw => block.frames.iter().filter_map(|(_, frame)| output(frame)).collect::<Vec<_>>().concat(),
            Form::Cast | Form::Cast2 => {
                let mut out = Vec::new();
                let cast = match &mut self.cast {
                    Some(cast) => cast,
                    None => self.cast.insert(Cast::begin(&self.recording, self.form == Form::Cast2, block, &mut out)),
                };
                for (at_us, frame) in &block.frames {
                    cast.frame(&self.recording, *at_us, frame, &mut out);
                }
                out
            }
        }
    }

    fn ending(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        if let Some(cast) = &mut self.cast {
            cast.end(&mut out);
        }
        out
    }
}

fn output(frame: &Frame) -> Option<&[u8]> {
    match frame {
        Frame::Output(bytes) => Some(bytes),
        Frame::Input(_) | Frame::Hidden(_) | Frame::Resize { .. } | Frame::Word(_) | Frame::Salt(_) => None,
    }
}

/// An asciicast under way: one JSON array on each line.
struct Cast {
    absolute: bool,
    decoder: Decoder,
    input: Decoder,
    size: (u16, u16),
    last_us: u64,
    exit: Option<i32>,
}

impl Cast {
    /// Writes the header. Its size is that of the first window, which stands at the beginning of the first block.
    fn begin(recording: &Recording, v2: bool, first: &Block, out: &mut Vec<u8>) -> Self {
        let size = first.frames.iter().find_map(|(_, frame)| match frame {
            Frame::Resize { columns, rows } => Some((*columns, *rows)),
            Frame::Output(_) | Frame::Input(_) | Frame::Hidden(_) | Frame::Word(_) | Frame::Salt(_) => None,
        });
        let (columns, rows) = size.unwrap_or((80, 24));
        let timestamp = recording.told.opened.as_ref().map_or(0, |(at, ..)| at.as_second());
        let header = if v2 {
            serde_json::json!({"version": 2, "width": columns, "height": rows, "timestamp": timestamp, "title": recording.title})
        } else {
            serde_json::json!({"version": 3, "term": {"cols": columns, "rows": rows}, "timestamp": timestamp, "title": recording.title})
        };
        out.extend_from_slice(header.to_string().as_bytes());
        out.push(b'\n');
        let decoder = || text_of(recording.encoding).new_decoder_without_bom_handling();
        Self { absolute: v2, decoder: decoder(), input: decoder(), size: (columns, rows), last_us: 0, exit: None }
    }

    fn frame(&mut self, recording: &Recording, at_us: u64, frame: &Frame, out: &mut Vec<u8>) {
        match frame {
            Frame::Output(bytes) => {
                let text = decoded(&mut self.decoder, bytes, false);
                self.event(at_us, "o", &text, out);
            }
            Frame::Input(bytes) => {
                let text = decoded(&mut self.input, bytes, false);
                self.event(at_us, "i", &text, out);
            }
            Frame::Resize { columns, rows } if self.size != (*columns, *rows) => {
                self.size = (*columns, *rows);
                self.event(at_us, "r", &format!("{columns}x{rows}"), out);
            }
            Frame::Word(Word::CommandBegan { number, text, .. }) => {
                // How it ended is known by now: the ledger has it.
                let exit = recording.told.commands.get(number).and_then(|command| command.exit_code);
                let exit = exit.map(|code| format!(" → {code}")).unwrap_or_default();
                self.event(at_us, "m", &format!("{number}: {text}{exit}"), out);
            }
            Frame::Word(Word::Ended { end: SessionEnd::Exited { code } }) => {
                self.last_text(at_us, out);
                self.exit = *code;
                if let Some(code) = self.exit.filter(|_| !self.absolute) {
                    self.event(at_us, "x", &code.to_string(), out);
                }
            }
            Frame::Hidden(_) | Frame::Resize { .. } | Frame::Word(_) | Frame::Salt(_) => {}
        }
    }

    /// A character that the output ends in the middle of.
    fn last_text(&mut self, at_us: u64, out: &mut Vec<u8>) {
        let text = decoded(&mut self.decoder, &[], true);
        self.decoder = self.decoder.encoding().new_decoder_without_bom_handling();
        self.event(at_us, "o", &text, out);
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        if self.exit.is_none() {
            self.last_text(self.last_us, out);
        }
    }

    /// The time of an event without text goes to the next one.
    fn event(&mut self, at_us: u64, code: &str, data: &str, out: &mut Vec<u8>) {
        if data.is_empty() {
            return;
        }
        let us = if self.absolute { at_us } else { at_us.saturating_sub(self.last_us) };
        self.last_us = at_us;
        let data = serde_json::Value::from(data);
        out.extend_from_slice(format!("[{}.{:06}, \"{code}\", {data}]\n", us / US_PER_S, us % US_PER_S).as_bytes());
    }
}

fn text_of(encoding: Encoding) -> &'static encoding_rs::Encoding {
    match encoding {
        Encoding::Utf8 => encoding_rs::UTF_8,
        Encoding::ShiftJis => encoding_rs::SHIFT_JIS,
        Encoding::EucJp => encoding_rs::EUC_JP,
    }
}

/// What cannot be read becomes U+FFFD; the bytes themselves are in [`Form::Raw`].
fn decoded(decoder: &mut Decoder, bytes: &[u8], last: bool) -> String {
    let mut text = String::with_capacity(decoder.max_utf8_buffer_length(bytes.len()).unwrap_or(bytes.len()));
    let (_result, _read, _replaced) = decoder.decode_to_string(bytes, &mut text, last);
    text
}
