//! Who asks, through which way, and how the answer is wanted: what every area's `run` gets.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use hikeshi_domain::command::Command;
use hikeshi_domain::ids::RequestKey;
use hikeshi_engine::door::Receipt;
use hikeshi_text::{Lang, Names, terminal};
use serde::Serialize;

use super::Global;
use crate::fail::{Failure, Result};
use crate::reach::Reach;
use crate::show::Out;

pub struct Caller<'a> {
    pub global: &'a Global,
    pub lang: Lang,
    pub out: &'a Out,
    pub reach: Reach,
    /// Where the key of the device lies for which this person's SSH key answers, in a local ledger.
    pub device: Option<PathBuf>,
}

/// What came of a changing command.
#[derive(Debug, Clone, Serialize)]
pub struct Done {
    /// The request key was answered before; nothing was done again.
    pub already: bool,
    /// Nothing was written: `--dry-run`.
    pub dry_run: bool,
    pub receipt: Receipt,
}

impl<'a> Caller<'a> {
    pub async fn new(global: &'a Global, lang: Lang, out: &'a Out) -> Result<Self> {
        if global.local && !global.config.exists() {
            // No data of the server here: the ledger that is kept while it is away, through its own server.
            let url = crate::away::url(global, lang)?;
            let (token, device) = token(global, &url, true)?;
            return Ok(Self { global, lang, out, reach: Reach::remote(&url, token, lang)?, device });
        }
        let (token, device) = token(global, &global.url, false)?;
        let reach = if global.local { Reach::local(&global.config, token, lang).await? } else { Reach::remote(&global.url, token, lang)? };
        Ok(Self { global, lang, out, reach, device })
    }

    /// Gives back what was opened. A door opened in-process stops cleanly here.
    pub async fn finish(self) {
        self.reach.close().await;
    }

    /// Submits a command, or rehearses it with `--dry-run`.
    pub async fn submit(&self, command: Command) -> Result<Done> {
        let key = match &self.global.key {
            Some(given) => RequestKey::new(given)?,
            None => crate::secret::request_key()?,
        };
        self.submit_as(command, key).await
    }

    pub async fn submit_as(&self, command: Command, key: RequestKey) -> Result<Done> {
        let (already, receipt) = self.reach.submit(command, key, self.global.dry_run).await?;
        Ok(Done { already, dry_run: self.global.dry_run, receipt })
    }

    /// Submits, and tells what was recorded and what comes next.
    pub async fn submit_and_tell(&self, command: Command, next: Option<String>) -> Result<Done> {
        let done = self.submit(command).await?;
        self.tell(&done, next);
        Ok(done)
    }

    pub fn tell(&self, done: &Done, next: Option<String>) {
        self.out.data(done, || {
            let what = hikeshi_text::label::command(self.lang, &done.receipt.kind);
            terminal::recorded(self.lang, what, done.receipt.made.as_deref(), done.receipt.seq, done.already, done.dry_run)
        });
        if let (Some(next), false) = (next, done.dry_run) {
            self.out.hint(&self.next_step(&next));
        }
    }

    /// What to type next, on the way on which this was typed.
    pub fn next_step(&self, next: &str) -> String {
        let typed = match next.strip_prefix("hikeshi ") {
            Some(rest) if self.global.local => format!("hikeshi --local {rest}"),
            Some(_) | None => next.to_owned(),
        };
        terminal::next_step(self.lang, &typed)
    }

    /// Names of people and roles, for tables.
    pub async fn names(&self) -> Result<Names> {
        Ok(Names::of(&*self.reach.policy().await?))
    }

    /// Whether a person sits at both ends, so that a question can be asked.
    pub fn can_ask(&self) -> bool {
        !self.global.json && std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }

    /// The typed word that a dangerous act wants: `--confirm`, or asked for on a terminal. Never guessed.
    pub async fn confirmation(&self, question: &str, expected: &str) -> Result<String> {
        if let Some(word) = &self.global.confirm {
            return Ok(word.clone());
        }
        if !self.can_ask() {
            return Err(Failure::Usage(terminal::confirm_needed(self.lang, expected)));
        }
        self.ask(&format!("{question}\n{}", terminal::type_this(self.lang, expected))).await
    }

    /// A line typed by the person at the terminal.
    pub async fn ask(&self, question: &str) -> Result<String> {
        anstream::eprint!("{question}\n> ");
        let line = tokio::task::spawn_blocking(|| {
            let mut line = String::new();
            std::io::stdin().read_line(&mut line).map(|_| line)
        });
        let line = line.await.map_err(|error| Failure::Failed(error.to_string()))??;
        Ok(line.trim().to_owned())
    }
}

/// `--token-file`, then for a local ledger the file that `hikeshi login --ssh-key` wrote, `HIKESHI_TOKEN`, `HIKESHI_TOKEN_FILE`, then what
/// `hikeshi login` wrote. Beside a file may lie the key of a device.
pub fn token(global: &Global, url: &str, local: bool) -> Result<(Option<String>, Option<PathBuf>)> {
    let with_device = |file: &Path| Some(crate::secret::device_file(file)).filter(|device| device.exists());
    if let Some(file) = &global.token_file {
        let token = crate::secret::read_private(file)?.ok_or_else(|| Failure::NotFound(file.display().to_string()))?;
        return Ok((Some(token), with_device(file)));
    }
    let entered = crate::secret::token_file_of(url).filter(|file| file.exists());
    let of_env = || crate::settings::text("HIKESHI_TOKEN");
    if let (false, Some(token)) = (local && entered.is_some(), of_env()) {
        return Ok((Some(token), None));
    }
    let file = entered.or_else(|| crate::settings::text("HIKESHI_TOKEN_FILE").map(PathBuf::from)).or_else(crate::secret::token_file);
    match file {
        Some(file) => Ok((crate::secret::read_private(&file)?, with_device(&file))),
        None => Ok((None, None)),
    }
}
