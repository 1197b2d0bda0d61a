//! The team's Slack: says there what the workspace's own channel says, keeps the cards up to date, and hears who pressed a button.
//!
//! [`say`] carries one order out, [`mod@page`] calls one person; [`find`] asks Slack whether it was carried out before; [`socket`] and [`signature`] are the two ways
//! in which a press arrives, [`press`] what it means, [`check`] what is missing in the setup. Whether a press may do anything is decided at the door.

mod api;
mod blocks;
pub mod check;
mod find;
pub(crate) mod page;
mod payload;
pub mod press;
mod say;
pub mod signature;
pub mod socket;

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hikeshi_domain::policy::Slack;

pub(crate) use find::look;
pub(crate) use say::perform;

pub use payload::{Form, form_refused};

/// The type under which our messages carry their key, so that they are found again.
pub(crate) const EVENT_TYPE: &str = "hikeshi_post";

/// What is remembered of Slack while the program runs. All of it can be asked for again.
#[derive(Debug, Default, Clone)]
pub(crate) struct Memory(Arc<Mutex<Remembered>>);

#[derive(Debug, Default)]
struct Remembered {
    /// Ids of channels by how the policy calls them.
    channels: HashMap<String, String>,
    /// Messages that open a thread, by channel and subject.
    roots: HashMap<(String, String), Root>,
    groups: HashMap<String, String>,
    /// When something was last posted in a channel.
    posted: HashMap<String, Instant>,
    /// Calls in a row that did not come through.
    failures: u32,
    /// Slack wants no page before.
    pages_from: Option<Instant>,
}

/// A message that opens a thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Root {
    pub(crate) ts: String,
    pub(crate) key: String,
}

/// Threads that are remembered; more are looked up again.
const ROOTS_MAX: usize = 1_000;

impl Memory {
    fn lock(&self) -> MutexGuard<'_, Remembered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long Slack still wants no page.
    fn page_wait(&self) -> Duration {
        self.lock().pages_from.map(|from| from.saturating_duration_since(Instant::now())).unwrap_or_default()
    }

    fn wait_with_pages(&self, wait: Duration) {
        self.lock().pages_from = Instant::now().checked_add(wait);
    }

    fn keep_root(&self, channel: &str, subject: &str, root: Root) {
        let mut known = self.lock();
        if known.roots.len() >= ROOTS_MAX {
            known.roots.clear();
        }
        known.roots.insert((channel.to_owned(), subject.to_owned()), root);
    }
}

/// A Slack that can be spoken to: settings of the policy and the secrets that they name.
#[derive(Debug, Clone)]
pub struct Voice {
    pub(crate) slack: Slack,
    pub(crate) bot_token: Option<String>,
    pub(crate) app_token: Option<String>,
    pub(crate) signing_secret: Option<String>,
    /// The address of our own pages, without a slash at the end.
    pub(crate) public_url: String,
}

impl Voice {
    pub fn new(slack: &Slack, env: &BTreeMap<OsString, OsString>, public_url: &str) -> Self {
        let secret = |name: &str| {
            env.get(&OsString::from(name))
                .and_then(|value| value.to_str())
                .map(|value| value.trim().to_owned())
                .filter(|value| !value.is_empty())
        };
        Self {
            slack: slack.clone(),
            bot_token: secret(&slack.bot_token_env),
            app_token: secret(&slack.app_token_env),
            signing_secret: secret(&slack.signing_secret_env),
            public_url: public_url.trim_end_matches('/').to_owned(),
        }
    }

    pub fn settings(&self) -> &Slack {
        &self.slack
    }

    /// Checks a signed request of Slack's. Without a secret none is accepted.
    pub fn accepts(&self, timestamp: &str, signature: &str, body: &[u8], now_s: i64) -> bool {
        self.signing_secret.as_deref().is_some_and(|secret| signature::holds(secret, timestamp, signature, body, now_s))
    }
}
