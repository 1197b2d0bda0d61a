//! The part of the rehearsal that is done by hand: the requester types into a real `hikeshi emergency shell` in a pty, while the witnesses
//! watch it with devices of their own. Nothing passes while they do not.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hikeshi_domain::ids::EmergencyId;
use hikeshi_text::terminal;

use super::acts::Cast;
use super::workspace::REQUESTER;
use crate::cli::emergency::witness::{Over, Witness};
use crate::fail::{Failure, Result};
use crate::reach::Reach;

/// A human who watches may need a while to open the page.
const OPEN_WITHIN: Duration = Duration::from_secs(1_800);
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// As a witness at their own terminal: shows it to nobody, checks and signs like any other device.
pub(super) async fn watch(reach: &Reach, id: EmergencyId) -> Result<()> {
    let Reach::Remote(remote) = reach else { return Ok(()) };
    let emergency = reach.emergency(id).await?.emergency;
    let Some(session) = emergency.sessions.iter().find(|session| session.is_open()).map(|session| session.number) else {
        return Ok(());
    };
    let person = reach.me().await?;
    match (Witness { id, session, person: Some(person), reach, shown: None, device: None }).follow(remote).await? {
        Over::Session | Over::Cut => Ok(()),
    }
}

/// Opens the terminal, or comes back to it after a crash, types what is not done yet, and leaves.
pub(super) async fn type_it(cast: &Cast<'_>, id: EmergencyId) -> Result<()> {
    let done = std::fs::read_to_string(cast.workspace.changes_file())?.lines().count() > 1;
    let (url, token, dir, lang) = (cast.workspace.url(), cast.workspace.token(REQUESTER), cast.workspace.dir.clone(), cast.lang);
    let typed = tokio::task::spawn_blocking(move || -> Result<()> {
        let (pty, pts) = pty_process::blocking::open().map_err(|error| Failure::Failed(error.to_string()))?;
        pty.resize(pty_process::Size::new(30, 100)).map_err(|error| Failure::Failed(error.to_string()))?;
        let mut child = pty_process::blocking::Command::new(std::env::current_exe()?)
            .args(["emergency", "shell", &id.to_string()])
            .current_dir(&dir)
            .env("HOME", &dir)
            .env("XDG_STATE_HOME", dir.join("state"))
            .env("TERM", "xterm-256color")
            .env("HIKESHI_URL", url)
            .env("HIKESHI_TOKEN", token)
            .env("HIKESHI_LANG", lang.tag())
            .spawn(pts)
            .map_err(|error| Failure::Failed(error.to_string()))?;
        let mut hand = Hand::at(File::from(pty.as_fd().try_clone_to_owned()?))?;
        let typed = hand.play(done, lang).and_then(|()| hand.leaves(&mut child, lang));
        if typed.is_err() {
            child.kill()?;
            child.wait()?;
        }
        // A terminal that was over before anything could be typed: what is there now is looked at again.
        if hand.is_closed() { Ok(()) } else { typed }
    });
    typed.await.map_err(|error| Failure::Failed(error.to_string()))?
}

/// Fingers and eyes at the terminal.
struct Hand {
    pty: File,
    screen: Arc<Mutex<String>>,
    read: usize,
    eyes: std::thread::JoinHandle<()>,
}

impl Hand {
    fn at(pty: File) -> Result<Self> {
        let screen = Arc::new(Mutex::new(String::new()));
        let (mut from, shown) = (pty.try_clone()?, Arc::clone(&screen));
        let eyes = std::thread::Builder::new().name("eyes".to_owned()).spawn(move || {
            let mut buffer = vec![0; 16 * 1024];
            while let Ok(count @ 1..) = from.read(&mut buffer) {
                let text = String::from_utf8_lossy(buffer.get(..count).unwrap_or_default()).into_owned();
                shown.lock().unwrap_or_else(PoisonError::into_inner).push_str(&text);
            }
        })?;
        Ok(Self { pty, screen, read: 0, eyes })
    }

    fn play(&mut self, done: bool, lang: hikeshi_text::Lang) -> Result<()> {
        self.sees(&terminal::keys_pass(lang), OPEN_WITHIN)?;
        if !done {
            self.types("echo 'rooms_file: data/rooms.csv' >> config/CHANGES.log; tail -n 3 config/CHANGES.log; echo \"written:$?\"\n")?;
            self.sees("written:0", ANSWER_WITHIN)?;
        } else {
            self.types("tail -n 3 config/CHANGES.log; echo \"shown:$?\"\n")?;
            self.sees("shown:0", ANSWER_WITHIN)?;
        }
        Ok(())
    }

    /// Keys that are held go nowhere: what was not taken is typed again when they pass.
    fn leaves(&mut self, child: &mut std::process::Child, lang: hikeshi_text::Lang) -> Result<()> {
        let began = Instant::now();
        self.types("exit\n")?;
        while child.try_wait()?.is_none() {
            if began.elapsed() > OPEN_WITHIN {
                return Err(Failure::TimedOut("exit".to_owned()));
            }
            if self.has_seen(&terminal::keys_pass(lang)) {
                self.types("exit\n")?;
            }
            std::thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }

    /// The terminal shows no more.
    fn is_closed(&self) -> bool {
        self.eyes.is_finished()
    }

    fn has_seen(&mut self, words: &str) -> bool {
        let screen = self.screen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(at) = screen.get(self.read..).unwrap_or_default().find(words) else { return false };
        self.read += at + words.len();
        true
    }

    fn types(&mut self, keys: &str) -> Result<()> {
        Ok(self.pty.write_all(keys.as_bytes())?)
    }

    fn sees(&mut self, words: &str, within: Duration) -> Result<()> {
        let began = Instant::now();
        while !self.has_seen(words) {
            if began.elapsed() > within || self.is_closed() {
                let screen = self.screen.lock().unwrap_or_else(PoisonError::into_inner).clone();
                return Err(Failure::TimedOut(format!("{words}: {}", screen.get(self.read..).unwrap_or_default())));
            }
            std::thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }
}
