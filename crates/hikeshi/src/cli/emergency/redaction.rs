//! `hikeshi emergency redact`, `agree-redaction`, `decline-redaction`: a secret that masking did not catch leaves a recording.
//!
//! The secret itself is looked for here, in the output as it is read, and goes nowhere: the server is told places.

use std::io::{BufRead as _, IsTerminal as _, Write};

use hikeshi_domain::command::Command;
use hikeshi_domain::ids::EmergencyId;
use hikeshi_domain::session::{self, Redaction, Session};
use hikeshi_engine::recording::Form;
use hikeshi_text::{page, terminal};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use crate::cli::Caller;
use crate::fail::{Failure, Result};

/// Places that one search proposes; more of them mean that the text is too short to be a secret.
const PLACES_MAX: usize = 20;
/// Shorter than this is found everywhere.
const SECRET_BYTES_MIN: usize = 4;
const SECRET_BYTES_MAX: usize = 16 * 1024;

#[derive(Debug, clap::Args)]
pub struct RedactArgs {
    id: EmergencyId,
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    session: Option<u32>,
    #[arg(long, requires = "to", required_unless_present = "find")]
    from: Option<u64>,
    #[arg(long, requires = "from")]
    to: Option<u64>,
    #[arg(long, conflicts_with_all = ["from", "to"])]
    find: bool,
    #[arg(long)]
    reason: String,
}

#[derive(Debug, clap::Args)]
pub struct AnswerArgs {
    id: EmergencyId,
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    session: Option<u32>,
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    redaction: Option<u32>,
}

pub async fn propose(args: RedactArgs, caller: &Caller<'_>) -> Result<()> {
    let RedactArgs { id, session, from, to, find: _, reason } = args;
    let session = of_number(id, session, caller).await?.number;
    let places = match (from, to) {
        (Some(from), Some(to)) => vec![(from, to)],
        _ => find(id, session, caller).await?,
    };
    for (from, to) in places {
        let redact = session::Command::Redact { emergency: id, session, from, to, reason: reason.clone() };
        let next = format!("hikeshi emergency agree-redaction {id} --session {session}");
        caller.submit_and_tell(Command::Session(redact), Some(next)).await?;
    }
    Ok(())
}

pub async fn agree(args: AnswerArgs, caller: &Caller<'_>) -> Result<()> {
    let (session, redaction) = waiting(&args, caller).await?;
    let (id, number, name) = (args.id, session.number, format!("{}/{}", args.id, session.number));
    let by = caller.names().await?.person(caller.lang, &redaction.proposed_by);
    let printed = session.commands.iter().find(|command| command.output_from < redaction.to && redaction.from < command.output_to);
    let range = page::redaction_range(caller.lang, redaction.from, redaction.to);
    let command = printed.map(|command| (command.number, command.text.as_str()));
    let question = terminal::redaction_question(caller.lang, &name, &range, &redaction.reason, &by, command);
    let confirm = caller.confirmation(&question, &redaction.to_type()).await?;
    let agree = session::Command::AgreeRedaction { emergency: id, session: number, redaction: redaction.number, confirm };
    caller.submit_and_tell(Command::Session(agree), Some(format!("hikeshi emergency show {id}"))).await.map(drop)
}

pub async fn decline(args: AnswerArgs, reason: String, caller: &Caller<'_>) -> Result<()> {
    let (session, redaction) = waiting(&args, caller).await?;
    let (session, redaction) = (session.number, redaction.number);
    let decline = session::Command::DeclineRedaction { emergency: args.id, session, redaction, reason };
    caller.submit_and_tell(Command::Session(decline), None).await.map(drop)
}

async fn of_number(id: EmergencyId, session: Option<u32>, caller: &Caller<'_>) -> Result<Session> {
    let mut sessions = caller.reach.emergency(id).await?.emergency.sessions;
    let found = match session {
        Some(number) => sessions.into_iter().find(|session| session.number == number),
        None => sessions.pop(),
    };
    found.ok_or_else(|| Failure::NotFound(terminal::no_session(caller.lang, &id.to_string())))
}

/// The proposal that is answered: the one that is named, or the first that waits.
async fn waiting(args: &AnswerArgs, caller: &Caller<'_>) -> Result<(Session, Redaction)> {
    let session = of_number(args.id, args.session, caller).await?;
    let found = session.redactions.iter().find(|redaction| match args.redaction {
        // The door says why one that does not wait is not answered.
        Some(number) => redaction.number == number,
        None => redaction.is_proposed(),
    });
    let name = format!("{}/{}", args.id, session.number);
    let found = found.cloned().ok_or_else(|| Failure::NotFound(terminal::no_redaction(caller.lang, &name)))?;
    Ok((session, found))
}

async fn find(id: EmergencyId, session: u32, caller: &Caller<'_>) -> Result<Vec<(u64, u64)>> {
    let secret = ask_unseen(&terminal::redaction_secret(caller.lang)).await?;
    if !(SECRET_BYTES_MIN..=SECRET_BYTES_MAX).contains(&secret.len()) {
        return Err(Failure::Usage(terminal::redaction_length(caller.lang, SECRET_BYTES_MIN, SECRET_BYTES_MAX)));
    }
    let mut finder = Finder::new(secret.into_bytes());
    caller.reach.recording(id, session, Form::Raw, &mut finder).await?;
    if finder.too_many {
        return Err(Failure::Usage(terminal::redaction_too_many(caller.lang, PLACES_MAX)));
    }
    if finder.places.is_empty() {
        return Err(Failure::NotFound(terminal::redaction_none_found(caller.lang, &format!("{id}/{session}"))));
    }
    Ok(finder.places)
}

/// A line that does not stand on the screen, or the first of standard input.
async fn ask_unseen(question: &str) -> Result<String> {
    let question = question.to_owned();
    let read = tokio::task::spawn_blocking(move || -> std::io::Result<String> {
        let stdin = std::io::stdin();
        let before = if stdin.is_terminal() { tcgetattr(&stdin).ok() } else { None };
        if let Some(before) = &before {
            anstream::eprint!("{question}");
            let mut unseen = before.clone();
            unseen.local_modes.remove(LocalModes::ECHO);
            tcsetattr(&stdin, OptionalActions::Flush, &unseen)?;
        }
        let mut line = String::new();
        let read = stdin.lock().read_line(&mut line);
        if let Some(before) = &before {
            tcsetattr(&stdin, OptionalActions::Flush, before)?;
            anstream::eprintln!();
        }
        read.map(|_| line.trim_end_matches(['\r', '\n']).to_owned())
    });
    Ok(read.await.map_err(|error| Failure::Failed(error.to_string()))??)
}

/// Looks for one text in a stream, and remembers no more of it than the text is long.
struct Finder {
    secret: Vec<u8>,
    kept: Vec<u8>,
    /// Where `kept` begins.
    at: u64,
    places: Vec<(u64, u64)>,
    too_many: bool,
}

impl Finder {
    fn new(secret: Vec<u8>) -> Self {
        Self { secret, kept: Vec::new(), at: 0, places: Vec::new(), too_many: false }
    }

    fn look(&mut self) {
        let length = self.secret.len();
        let mut from = 0;
        while let Some(found) = self.kept.get(from..).and_then(|rest| rest.windows(length).position(|window| window == self.secret)) {
            let place = self.at + count(from + found);
            if self.places.len() == PLACES_MAX {
                self.too_many = true;
                break;
            }
            self.places.push((place, place + count(length)));
            from += found + length;
        }
        let done = from.max((self.kept.len() + 1).saturating_sub(length));
        self.at += count(done);
        self.kept.drain(..done);
    }
}

impl Write for Finder {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if !self.too_many {
            self.kept.extend_from_slice(bytes);
            self.look();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(secret: &str, pieces: &[&str]) -> Vec<(u64, u64)> {
        let mut finder = Finder::new(secret.as_bytes().to_vec());
        for piece in pieces {
            finder.write_all(piece.as_bytes()).expect("a finder takes everything");
        }
        assert!(!finder.too_many);
        finder.places
    }

    #[test]
    fn a_text_is_found_wherever_the_stream_is_cut() {
        assert_eq!(found("swordfish", &["key=swordfish\r\n"]), [(4, 13)]);
        assert_eq!(found("swordfish", &["key=sword", "fish\r\n", "s", "w", "o", "r", "d", "f", "i", "s", "h"]), [(4, 13), (15, 24)]);
        assert_eq!(found("aaaa", &["aaa", "aaaaa"]), [(0, 4), (4, 8)]);
        assert_eq!(found("swordfish", &["swordfis", "swordfis"]), []);
    }

    #[test]
    fn what_is_found_everywhere_is_no_secret() {
        let mut finder = Finder::new(b"aaaa".to_vec());
        finder.write_all(&[b'a'; 4_000]).expect("a finder takes everything");
        assert!(finder.too_many && finder.places.len() == PLACES_MAX);
    }
}
