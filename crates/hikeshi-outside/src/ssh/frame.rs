//! What goes between the server and its hands on another host: frames of a length and that many bytes. A word is JSON; the contents that it
//! announces follow, each in a frame of its own. Everything is bounded: neither side makes room for what the other merely claims.

use std::collections::BTreeMap;
use std::io;

use hikeshi_domain::effect::{Effect, Outcome, Performed};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// Longest word, longest content, and most of all contents of one answer.
const WORD_BYTES_MAX: usize = 64 << 20;
const CONTENT_BYTES_MAX: usize = 128 << 20;
const CONTENTS_BYTES_MAX: usize = 1 << 30;
const CONTENTS_MAX: u32 = 1_000_000;
/// Read at a time, so that a length alone takes no memory.
const PIECE_BYTES: u64 = 1 << 20;

/// The form of the words; with the version it must be the same on both sides.
pub(super) const FORMAT: &str = "hikeshi-hands-v1";

/// Where the hands begin to speak. What a shell's start-up files print before that is passed over, up to a bound.
const BEGINNING: &[u8] = b"\nhikeshi-hands\0";
const NOISE_BYTES_MAX: usize = 64 * 1024;

/// The first word of the hands, before they are asked anything.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Hello {
    pub(super) format: String,
    pub(super) version: String,
}

/// What the hands are asked: one thing per connection.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub(super) enum Ask {
    /// Carry it out, or wait for the supervisor that is at it. `env` are the values that the policy names, never written there.
    Perform { effect: Box<Effect>, env: BTreeMap<String, String> },
    /// What the spool says.
    Look { effect: Box<Effect> },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "told", rename_all = "snake_case")]
pub(super) enum Told {
    /// The end of what a running step has printed; one content follows.
    Tail,
    /// The outcome; that many contents follow.
    Performed {
        outcome: Box<Outcome>,
        contents: u32,
    },
    /// It happened; the outcome follows as `Performed`.
    Happened,
    NotHappened,
    Running,
    Unknown,
}

fn broken(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.to_owned())
}

async fn put(to: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).map_err(|_| broken("a frame is too long"))?;
    to.write_all(&length.to_be_bytes()).await?;
    to.write_all(bytes).await
}

/// `None`: the other side has ended between two frames.
async fn get(from: &mut (impl AsyncRead + Unpin), bytes_max: usize) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0_u8; 4];
    if from.read(length.get_mut(..1).unwrap_or_default()).await? == 0 {
        return Ok(None);
    }
    from.read_exact(length.get_mut(1..).unwrap_or_default()).await?;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > bytes_max {
        return Err(broken("a frame is longer than allowed: perhaps something else than hikeshi answers"));
    }
    let mut bytes = Vec::new();
    while bytes.len() < length {
        let left = u64::try_from(length - bytes.len()).unwrap_or(u64::MAX);
        if (&mut *from).take(left.min(PIECE_BYTES)).read_to_end(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(Some(bytes))
}

/// The first word, and where it begins.
pub(super) async fn greet(to: &mut (impl AsyncWrite + Unpin), hello: &Hello) -> io::Result<()> {
    to.write_all(BEGINNING).await?;
    say(to, hello).await
}

/// `None`: whoever spoke there was not the hands.
pub(super) async fn greeting(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Hello>> {
    let (mut heard, mut byte) = (Vec::new(), [0_u8; 1]);
    while !heard.ends_with(BEGINNING) {
        if heard.len() > NOISE_BYTES_MAX {
            return Err(broken("too much is printed there before the hands begin: look at the start-up files of the shell"));
        }
        if from.read(&mut byte).await? == 0 {
            return Ok(None);
        }
        heard.extend_from_slice(&byte);
    }
    hear(from).await
}

pub(super) async fn say(to: &mut (impl AsyncWrite + Unpin), word: &impl Serialize) -> io::Result<()> {
    put(to, &serde_json::to_vec(word)?).await?;
    to.flush().await
}

pub(super) async fn hear<T: DeserializeOwned>(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<T>> {
    let Some(bytes) = get(from, WORD_BYTES_MAX).await? else { return Ok(None) };
    Ok(Some(serde_json::from_slice(&bytes)?))
}

pub(super) async fn give(to: &mut (impl AsyncWrite + Unpin), content: &[u8]) -> io::Result<()> {
    put(to, content).await?;
    to.flush().await
}

pub(super) async fn take(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    get(from, CONTENT_BYTES_MAX).await?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

pub(super) async fn say_performed(to: &mut (impl AsyncWrite + Unpin), performed: Performed) -> io::Result<()> {
    let contents = u32::try_from(performed.contents.len()).map_err(|_| broken("too many contents"))?;
    say(to, &Told::Performed { outcome: Box::new(performed.outcome), contents }).await?;
    for content in &performed.contents {
        put(to, content).await?;
    }
    to.flush().await
}

/// The contents behind an outcome.
pub(super) async fn take_performed(from: &mut (impl AsyncRead + Unpin), outcome: Outcome, count: u32) -> io::Result<Performed> {
    if count > CONTENTS_MAX {
        return Err(broken("too many contents"));
    }
    let (mut contents, mut bytes) = (Vec::new(), 0_usize);
    for _ in 0..count {
        let content = take(from).await?;
        bytes = bytes.saturating_add(content.len());
        if bytes > CONTENTS_BYTES_MAX {
            return Err(broken("too many bytes of contents"));
        }
        contents.push(content);
    }
    Ok(Performed { outcome, contents })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(work)
    }

    #[test]
    fn an_answer_comes_back_as_it_was_with_its_contents() {
        run(async {
            let contents = vec![Vec::new(), vec![7; 3 << 20], b"text".to_vec()];
            let performed = Performed { outcome: Outcome::Failed { detail: "満杯".to_owned() }, contents };
            let mut wire = Vec::new();
            say_performed(&mut wire, performed.clone()).await.expect("said");
            let mut from = wire.as_slice();
            let Some(Told::Performed { outcome, contents }) = hear(&mut from).await.expect("heard") else { panic!("another word") };
            assert_eq!(take_performed(&mut from, *outcome, contents).await.expect("taken"), performed);
            assert!(hear::<Told>(&mut from).await.expect("the end").is_none());
        });
    }

    #[test]
    fn what_start_up_files_print_is_passed_over() {
        run(async {
            let mut wire = b"Welcome!\nhikeshi-hands is not here yet\n".to_vec();
            greet(&mut wire, &Hello { format: FORMAT.to_owned(), version: "1".to_owned() }).await.expect("said");
            assert_eq!(greeting(&mut wire.as_slice()).await.expect("heard").expect("a greeting").version, "1");
            assert!(greeting(&mut b"Welcome!\n".as_slice()).await.expect("heard").is_none());
            assert!(greeting(&mut vec![b'x'; NOISE_BYTES_MAX * 2].as_slice()).await.is_err(), "it is not listened to for ever");
        });
    }

    #[test]
    fn a_cut_frame_and_a_claimed_length_are_errors() {
        run(async {
            let mut wire = Vec::new();
            give(&mut wire, b"0123456789").await.expect("given");
            for cut in 1..wire.len() {
                assert!(take(&mut wire.get(..cut).expect("a piece")).await.is_err(), "cut at {cut}");
            }
            let mut claimed: &[u8] = b"SSH-2.0 banner";
            assert!(take(&mut claimed).await.is_err(), "no room is made for what is only claimed");
        });
    }
}
