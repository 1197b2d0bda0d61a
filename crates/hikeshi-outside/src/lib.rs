//! The hands: what the world is told to do, done. Implements [`hikeshi_domain::effect::Outside`] and knows neither the door nor the store.
//!
//! [`host`] runs steps, backup, restore and checks on this machine, each in a supervisor process that outlives the server;
//! or on a target's own host over [`ssh`]; [`forge`] brings changes back to a git repository, [`merge`] asks one what a merge would do, [`mod@github`] to GitHub; [`mod@slack`] speaks with the team's chat; [`documents`] writes reports and
//! invitations; [`paging`] calls people; [`probe()`] looks at a service, [`monitor`] at everything that a monitor is told to look at; [`session`] records a witnessed terminal; [`alerts`] reads what other programs report.
//!
//! A step that certainly did not run is told as failed; one whose supervisor was killed, as ended by a signal, and what is left of it
//! is stopped. After the death of the server itself [`look`](hikeshi_domain::effect::Outside::look) says whether it can be told.

pub mod alerts;
mod clock;
mod documents;
mod forge;
mod git;
pub mod github;
mod host;
pub mod import;
mod invitation;
pub mod merge;
mod monitor;
mod paging;
mod probe;
pub mod session;
pub mod slack;
pub mod ssh;
pub mod status;
pub mod twilio;
#[cfg(test)]
mod unreliable;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hikeshi_domain::effect::{Contents, Doing, Effect, EffectKey, HostSpec, Outside, Performed, Seen, Work};
use hikeshi_domain::policy::SshPlace;

pub use host::step_runner;
pub use monitor::Measurer;
pub use paging::push::PushKey;
pub use probe::{connect, probe};

/// What the hands need to know about where they are.
#[derive(Debug, Clone)]
pub struct Options {
    /// Directory of the spools. Private, absolute, on a local disk, outside every target's root.
    pub spool: PathBuf,
    /// The program that becomes a supervisor, and its arguments before the spool directory: `hikeshi` and `step-runner`.
    pub program: PathBuf,
    pub program_args: Vec<OsString>,
    /// What relative paths of documents and requests are relative to.
    pub base: PathBuf,
    /// The server's own environment, from which `pass_env` and `mask_env` take their values.
    pub env: BTreeMap<OsString, OsString>,
    /// The address of our own pages, for links.
    pub public_url: String,
    /// A name of the ledger, letters and digits: on a host that several servers reach, each has spools of its own.
    pub ledger: String,
    /// Who we are to push services; `None`: nothing is sent to browsers from here.
    pub push_key: Option<Arc<PushKey>>,
}

/// The real world.
#[derive(Debug, Clone)]
pub struct Hands {
    options: Options,
    memory: slack::Memory,
    far: ssh::Memory,
}

impl Hands {
    pub fn new(options: Options) -> Self {
        Self { options, memory: slack::Memory::default(), far: ssh::Memory::default() }
    }
}

impl Hands {
    fn voice(&self, order: &hikeshi_domain::chat::ChatOrder) -> slack::Voice {
        slack::Voice::new(&order.slack, &self.options.env, &self.options.public_url)
    }
}

/// The target of host work, when it is not on this host. Whatever has one is carried out there or not at all.
fn on_another_host(work: &Work) -> Option<(&HostSpec, &SshPlace)> {
    let (_, host) = host::ground_of(work)?;
    Some((host, host.target.ssh.as_ref()?))
}

/// A path of the policy: absolute, or relative to the policy's directory.
fn resolve(base: &Path, path: &str) -> PathBuf {
    base.join(path)
}

impl Outside for Hands {
    fn perform<'a>(&'a self, effect: &'a Effect, contents: &'a dyn Contents) -> Doing<'a, Performed> {
        Box::pin(async move {
            match &effect.work {
                Work::TakeBackup { .. }
                | Work::RunStep { .. }
                | Work::RunChecks { .. }
                | Work::LookAtFiles { .. }
                | Work::Restore { .. }
                | Work::RevertFile { .. } => match on_another_host(&effect.work) {
                    Some((host, place)) => ssh::perform(&self.options, &self.far, effect, host, place).await,
                    None => host::perform(&self.options, effect).await,
                },
                Work::OpenChangeRequest(order) => match &order.github {
                    Some(github) => github::open(&self.options, github, order, contents).await,
                    None => forge::open(&self.options, order, contents).await,
                },
                Work::CompareMerged { obligation, repository, base, branch, expect, github } => {
                    let order = forge::Compare { obligation: *obligation, repository, base, branch, expect };
                    match github {
                        Some(github) => github::compare(&self.options, github, &order).await,
                        None => forge::compare(&self.options, &order).await,
                    }
                }
                // The recording lies in the store, and the hands do not know the store.
                Work::Redact { .. } => host::could_not("this is work of the engine, not of the hands"),
                Work::Chat(order) => slack::perform(effect, order, &self.voice(order), &self.memory).await,
                Work::Tell(order) => status::perform(&self.options, effect, order).await,
                Work::Page(order) => paging::perform(&self.options, &self.memory, effect, order).await,
                Work::WriteReport(order) => documents::report(&self.options, order),
                Work::WriteInvitation(order) => documents::invitation(&self.options, order),
                Work::WritePostmortem(order) => documents::postmortem(&self.options, order),
            }
        })
    }

    fn look<'a>(&'a self, effect: &'a Effect) -> Doing<'a, Seen> {
        Box::pin(async move {
            match &effect.work {
                Work::TakeBackup { .. }
                | Work::RunStep { .. }
                | Work::RunChecks { .. }
                | Work::LookAtFiles { .. }
                | Work::Restore { .. }
                | Work::RevertFile { .. } => match on_another_host(&effect.work) {
                    Some((_, place)) => ssh::look(&self.options, &self.far, effect, place).await,
                    None => host::look(&self.options, effect),
                },
                Work::OpenChangeRequest(order) => match &order.github {
                    Some(github) => github::look(&self.options, github, order).await,
                    None => forge::look(&self.options, order).await,
                },
                Work::Chat(order) => slack::look(effect, order, &self.voice(order), &self.memory).await,
                // Doing these again is as good as once.
                Work::Redact { .. }
                | Work::CompareMerged { .. }
                | Work::WriteReport(_)
                | Work::WriteInvitation(_)
                | Work::WritePostmortem(_)
                | Work::Tell(_)
                | Work::Page(_) => Seen::NotHappened,
            }
        })
    }

    fn tail(&self, key: &EffectKey, bytes_max: usize) -> Option<Vec<u8>> {
        host::tail(&self.options, key, bytes_max).or_else(|| ssh::tail(&self.far, key, bytes_max))
    }
}
