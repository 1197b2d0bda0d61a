//! A witnessed session as a test plays it: a recorder that sends what it is told, and eyes that sign what they have been shown.
//!
//! The chain, the store, the ledger and the signatures are real; only the shell is not there.

use anyhow::{Context as _, ensure};
use hikeshi_domain::Timestamp;
use hikeshi_domain::command::Command;
use hikeshi_domain::ids::{Digest, EmergencyId, PersonId};
use hikeshi_domain::people::Actor;
use hikeshi_domain::session::record::{Frame, Header, Word};
use hikeshi_domain::session::stream::Asking;
use hikeshi_domain::session::{self, Ack, DeviceKey, Known, LineAsk, SessionEnd, TypedCommand};
use hikeshi_engine::sessions::{Recorder, Seen, Watcher};
use jiff::SignedDuration;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};

use crate::people::person;
use crate::world::World;

/// Microseconds between two frames of a tape.
const STEP_US: u64 = 250_000;

/// A witness's device with its own key.
pub struct Eyes {
    pub person: PersonId,
    emergency: EmergencyId,
    session: u32,
    pair: EcdsaKeyPair,
    watcher: Watcher,
    at: Timestamp,
}

impl Eyes {
    pub async fn open(world: &World, who: &str, emergency: EmergencyId, session: u32) -> anyhow::Result<Self> {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).ok().context("a key")?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random).ok().context("a key")?;
        let key = DeviceKey::of(pair.public_key().as_ref());
        world.does(who, Command::Session(session::Command::Bind { emergency, session, key: key.clone() })).await?;
        let watcher = world.door()?.watch(emergency, session).await?;
        watcher.bind(person(who)?, key);
        ensure!(watcher.seen(Seen { visible: true, ack: None }), "this device does not count");
        Ok(Self { person: person(who)?, emergency, session, pair, watcher, at: world.now() })
    }

    /// The signed word that these eyes have seen the blocks.
    pub fn word(&self, from: u64, block: u64, head: Digest) -> anyhow::Result<Ack> {
        let message = Ack::message(self.emergency, self.session, &self.person, from..=block, &head, self.at);
        let signature = self.pair.sign(&SystemRandom::new(), &message).ok().context("a signature")?;
        let signature = signature.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Ack { person: self.person.clone(), from, block, head, shown_at: self.at, signature })
    }

    pub fn see(&self, from: u64, block: u64, head: Digest) -> anyhow::Result<()> {
        ensure!(self.watcher.seen(Seen { visible: true, ack: Some(self.word(from, block, head)?) }), "this device does not count");
        Ok(())
    }

    pub fn hide(&self) {
        self.watcher.seen(Seen { visible: false, ack: None });
    }
}

/// A recorder of a session that is open.
pub struct Tape {
    pub emergency: EmergencyId,
    pub session: u32,
    recorder: Recorder,
    frames: Vec<u8>,
    pub block: u64,
    pub head: Option<Digest>,
    from_us: u64,
    at_us: u64,
    /// Bytes of output so far.
    pub output: u64,
    at: Timestamp,
}

impl Tape {
    /// The executor opens a terminal.
    pub async fn begin(world: &World, executor: &str, emergency: EmergencyId) -> anyhow::Result<Self> {
        let open = session::Command::Open { emergency, place: "app-1".to_owned() };
        let made = world.does(executor, Command::Session(open)).await?.made.context("a session")?;
        let session = made.rsplit('/').next().context("a number")?.parse()?;
        let recorder = world.door()?.record(&Actor::person(person(executor)?), emergency, session).await?;
        let at = world.now();
        let mut tape = Self { emergency, session, recorder, frames: Vec::new(), block: 0, head: None, from_us: 0, at_us: 0, output: 0, at };
        tape.word(Word::Began { place: "app-1".to_owned(), shell: "bash".to_owned(), encoding: "utf-8".to_owned() })?;
        tape.frame(&Frame::Resize { columns: 100, rows: 30 })?;
        Ok(tape)
    }

    pub fn frame(&mut self, frame: &Frame) -> anyhow::Result<()> {
        let mut bytes = Vec::new();
        frame.write(STEP_US, &mut bytes);
        self.recorder.frames(&bytes)?;
        self.frames.extend(bytes);
        self.at_us += STEP_US;
        if let Frame::Output(output) = frame {
            self.output += u64::try_from(output.len())?;
        }
        Ok(())
    }

    pub fn word(&mut self, word: Word) -> anyhow::Result<()> {
        self.frame(&Frame::Word(word))
    }

    pub fn prints(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.frame(&Frame::Output(bytes.to_vec()))
    }

    /// A command with its output, as an integrated shell tells of it.
    pub fn runs(&mut self, number: u32, text: &str, output: &[u8], exit_code: i32) -> anyhow::Result<()> {
        let (cwd, from) = ("/srv/reservation".to_owned(), self.output);
        let at = self.at.checked_add(SignedDuration::from_secs(i64::from(number)))?;
        self.word(Word::CommandBegan { number, text: text.to_owned(), cwd: cwd.clone() })?;
        self.prints(output)?;
        let command = TypedCommand {
            number,
            text: text.to_owned(),
            cut: false,
            cwd,
            exit_code: Some(exit_code),
            pipeline: Vec::new(),
            known: Known::Integrated,
            within: None,
            inner: hikeshi_domain::session::Inner::Unseen,
            forged: 0,
            started_at: at,
            ended_at: Some(at),
            output_from: from,
            output_to: self.output,
        };
        self.word(Word::CommandEnded { command })
    }

    /// Enter is held at a dangerous line, just before command `number`; the question as the ledger has it.
    pub async fn asks(&self, world: &World, line: &str, rule: u32, number: u32) -> anyhow::Result<LineAsk> {
        let asked_at = self.at.checked_add(SignedDuration::from_millis(i64::from(number) * 1_000 - 500))?;
        self.recorder.ask(Asking { line: line.to_owned(), rule, asked_at }).await?;
        let emergency = world.emergency(self.emergency).await?.emergency;
        let asked = emergency.sessions.into_iter().find(|session| session.number == self.session).and_then(|session| session.asked);
        asked.filter(|asked| asked.asked_at == asked_at).context("a question")
    }

    /// Ends the block under way; its head.
    pub async fn seal(&mut self) -> anyhow::Result<Digest> {
        let frames = std::mem::take(&mut self.frames);
        let header = Header {
            format: Header::FORMAT.to_owned(),
            emergency: self.emergency,
            session: self.session,
            block: self.block,
            prev: self.head,
            from_us: self.from_us,
            to_us: self.at_us,
            bytes: u64::try_from(frames.len())?,
            frames: Digest::of(&frames),
        };
        self.recorder.sealed(header.bytes()).await?;
        (self.block, self.head, self.from_us) = (self.block + 1, Some(header.head()), self.at_us);
        Ok(header.head())
    }

    /// The shell ends; waits until the ledger has it. `eyes` see the last block.
    pub async fn ends(mut self, world: &World, code: i32, eyes: &[(&Eyes, u64)]) -> anyhow::Result<()> {
        let end = SessionEnd::Exited { code: Some(code) };
        self.word(Word::Ended { end: end.clone() })?;
        let (last, head) = (self.block, self.seal().await?);
        for (eyes, from) in eyes {
            eyes.see(*from, last, head)?;
        }
        self.recorder.end(end)?;
        let (id, number) = (self.emergency, self.session);
        let is_over = || async move {
            let emergency = world.emergency(id).await?.emergency;
            Ok(emergency.sessions.iter().any(|session| session.number == number && !session.is_open()))
        };
        world.until("the session is over", is_over).await?;
        world.idle().await
    }
}
