//! `hikeshi serve`: joins store, engine, hands and pages, adopts the policy of the file, and stops cleanly.
//!
//! [`Running`] is the joined whole, also for `--local` (without pages) and for the rehearsal. [`key`] keeps the ledger's signing key.

mod adopt;
mod alerts;
mod hands;
mod inbound;
mod key;
mod masked;
mod pressed;
mod status;
mod telephone;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context as _;
use clap::Args;
use hikeshi_domain::ids::Digest;
use hikeshi_domain::ledger::LedgerKey;
use hikeshi_engine::clock::SystemClock;
use hikeshi_engine::door::Door;
use hikeshi_engine::{Engine, Options, Probe};
use hikeshi_outside::{Hands, Measurer};
use hikeshi_store::{Location, Store};
use hikeshi_text::{Lang, terminal};
use hikeshi_web::WebOptions;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::cli::Global;
use crate::config::Config;
use crate::fail::{Failure, Result};
use crate::show::Out;

pub use adopt::Adopted;
pub use key::{key as ledger_key, verifier};

/// A claim on an effect that nobody extends for this long is looked at by whoever is left.
const LEASE_S: u32 = 15;
/// How long after the start the first administrator's link is good.
const FIRST_LINK_MIN: u32 = 60;

#[derive(Debug, Args)]
pub struct ServeArgs {
    #[arg(long, value_name = "SECONDS", default_value_t = 2)]
    pub watch_file: u64,
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,
}

/// What to join.
pub struct Setup {
    pub config: Config,
    pub lang: Lang,
    /// Whether pages and API are served, and monitors measured. Without: only the door, for `--local`.
    pub face: bool,
    /// Whether effects are carried out and deadlines fire. Without, the ledger stands still but for what is asked.
    pub background: bool,
}

/// The joined whole, running.
pub struct Running {
    engine: Engine,
    door: Door,
    store: Store,
    face: Option<(JoinHandle<()>, oneshot::Sender<()>)>,
    /// Listens to the team's chat.
    ears: Option<JoinHandle<()>>,
    /// Keeps the status page.
    keeper: Option<JoinHandle<()>>,
    data_dir: PathBuf,
    /// What became of the file's policy at the start; nothing was asked without pages.
    adopted: Adopted,
    /// Released when the process ends, however it ends.
    _lock: File,
}

impl Running {
    pub async fn start(setup: Setup) -> Result<Self> {
        let Setup { config, lang, face, background } = setup;
        let data_dir = config.data_dir();
        crate::secret::make_private_dir(&data_dir)?;
        let lock = lock(&data_dir, config.policy.local.is_some(), lang)?;
        let location = config.location()?;
        let store = blocking(move || Ok(Store::open(&location)?)).await?;
        let signer = key::key(&data_dir, &config.ledger_name())?;
        let push_key = key::push_key(&data_dir)?;
        let push_public = push_key.public_text();
        let world = hands::options(&config, &data_dir, ledger_id(&config, &signer)?, push_key)?;
        let looker = hands::Looker(Measurer::new(world.clone()));
        let options = Options {
            store: store.clone(),
            outside: Arc::new(Hands::new(world)),
            clock: Arc::new(SystemClock),
            probe: face.then(|| Arc::new(looker) as Arc<dyn Probe>),
            signer,
            node: node(&data_dir)?,
            lease_s: LEASE_S,
            checkpoint_file: Some(data_dir.join("checkpoints.txt")),
            masked: masked::masked(&config),
            background,
        };
        let engine = Engine::start(options).await.map_err(|error| Failure::Failed(chain(&error)))?;
        let door = engine.door();
        let mut running = Self { engine, door, store, face: None, ears: None, keeper: None, data_dir, adopted: Adopted::Same, _lock: lock };
        if face {
            running.adopted = adopt::adopt(&running, &config, lang).await?;
            let ears = inbound::Ears::new(running.door.clone(), &config.public_url());
            let shelf = hikeshi_web::status::Shelf::default();
            let options = WebOptions {
                inbound: Some(ears.clone().receive()),
                status: shelf.clone(),
                push_key: Some(push_public),
                ..WebOptions::new(running.door.clone(), url::Url::parse(&config.public_url()).with_context(|| config.public_url())?)
            };
            running.face = Some(serve_face(&config, options).await?);
            running.keeper = Some(spawn(status::Keeper::new(running.door.clone(), shelf, &config.public_url()).keep()));
            running.ears = Some(spawn(ears.listen()));
        }
        Ok(running)
    }

    pub fn door(&self) -> &Door {
        &self.door
    }
    pub fn store(&self) -> &Store {
        &self.store
    }
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Pages first, so that nobody waits for an answer; then the engine, which answers what it has taken.
    pub async fn stop(self) {
        for task in [self.ears, self.keeper].into_iter().flatten() {
            task.abort();
        }
        if let Some((task, stop)) = self.face {
            if stop.send(()).is_err() {
                tracing::debug!("the pages had ended already");
            }
            self.engine.stop().await;
            if let Err(error) = task.await {
                tracing::error!("serving the pages broke: {error}");
            }
        } else {
            self.engine.stop().await;
        }
    }
}

async fn serve_face(config: &Config, options: WebOptions) -> Result<(JoinHandle<()>, oneshot::Sender<()>)> {
    let listener = TcpListener::bind(&config.server.listen).await.with_context(|| config.server.listen.clone())?;
    let app = hikeshi_web::app(options);
    let (stop, stopped) = oneshot::channel();
    let task = spawn(async move {
        let stopped = async {
            if stopped.await.is_err() {
                tracing::debug!("nobody is left who could stop the pages: they stop");
            }
        };
        if let Err(error) = hikeshi_web::serve(listener, app, stopped).await {
            tracing::error!("pages are not served any more: {error}");
        }
    });
    Ok((task, stop))
}

/// Background work of the binary itself: the pages' listener and the rehearsal's witnesses.
#[expect(clippy::disallowed_methods, reason = "the binary joins the parts; everything else is started by the engine")]
pub fn spawn(work: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    tokio::spawn(work)
}

pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> anyhow::Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Failure::Failed(error.to_string()))?.map_err(Failure::from)
}

/// One process per data directory: two would sign two histories.
fn lock(data_dir: &Path, local: bool, lang: Lang) -> Result<File> {
    let path = data_dir.join("running.lock");
    let file = File::options().create(true).truncate(false).write(true).open(&path).with_context(|| path.display().to_string())?;
    match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(_) if local => Err(Failure::Failed(terminal::local_running(lang, &data_dir.display().to_string()))),
        Err(_) => Err(Failure::Failed(terminal::already_running(lang, &data_dir.display().to_string()))),
    }
}

/// A name of this ledger that no other has: nodes that share a database share it, everybody else has a key of their own.
fn ledger_id(config: &Config, signer: &LedgerKey) -> Result<String> {
    let name = match config.location()? {
        Location::Postgres(address) => {
            let url = url::Url::parse(&address).with_context(|| "database".to_owned())?;
            format!("{}:{}{}", url.host_str().unwrap_or_default(), url.port().unwrap_or(5432), url.path())
        }
        Location::Sqlite(_) => signer.verifier().to_string(),
    };
    Ok(Digest::of(name.as_bytes()).short())
}

/// The same name after a restart, another one on another machine.
fn node(data_dir: &Path) -> Result<String> {
    let file = data_dir.join("node");
    if let Some(name) = crate::secret::read_private(&file)?.filter(|name| !name.is_empty()) {
        return Ok(name);
    }
    let host = crate::settings::host();
    let name: String = format!("{host}-{}", crate::secret::fresh()?).chars().take(40).collect();
    crate::secret::write_private(&file, &name)?;
    Ok(name)
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// Ctrl-C or SIGTERM.
pub async fn asked_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
        }
        Err(error) => {
            tracing::warn!("SIGTERM cannot be heard: {error}");
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

pub async fn run(args: &ServeArgs, global: &Global, lang: Lang, out: &Out) -> Result<()> {
    let began = Instant::now();
    log();
    let mut config = crate::config::read(&global.config).map_err(|error| crate::cli::mistakes(&error, lang, out))?;
    if config.policy.local.is_some() {
        return Err(Failure::Usage(terminal::local_in_file(lang)));
    }
    if let Some(listen) = &args.listen {
        config.server.listen.clone_from(listen);
    }
    let url = config.public_url();
    let running = Running::start(Setup { config: config.clone(), lang, face: true, background: true }).await?;
    let link = match adopt::first_link(&running, FIRST_LINK_MIN, lang).await {
        Ok(adopt::FirstLink::Made { person, secret }) => Some((person, crate::reach::sign_in_link(&url, &secret))),
        Ok(adopt::FirstLink::NotNeeded) => None,
        Ok(adopt::FirstLink::NoAdmin) => {
            out.hint(&terminal::no_admin(lang));
            None
        }
        Err(failure) => {
            out.failure(&failure);
            None
        }
    };
    let store = running.store().clone();
    let size = blocking(move || Ok(store.read(|reader| Ok(reader.head()?.size))?)).await.unwrap_or_default();
    let first_link = link.as_ref().map(|(person, link)| serde_json::json!({"person": person, "link": link}));
    let took_ms = began.elapsed().as_millis();
    out.data(&serde_json::json!({"url": url, "entries": size, "pid": std::process::id(), "first_link": first_link, "started_in_ms": u64::try_from(took_ms).unwrap_or(u64::MAX)}), || {
        terminal::serving(lang, &url, size, took_ms)
    });
    if let Adopted::Waiting(digest) = running.adopted {
        out.hint(&terminal::policy_waiting(lang, &digest.to_string()));
    }
    if let Some((person, link)) = link {
        out.hint(&terminal::first_link(lang, person.as_str(), &link, FIRST_LINK_MIN));
    }
    let ended = tokio::select! {
        () = asked_to_stop() => Ok(()),
        ended = reloads(&running, global, args, lang, out) => ended,
    };
    out.hint(&terminal::stopping(lang));
    running.stop().await;
    out.hint(&terminal::stopped(lang));
    ended
}

/// Reads the file again on SIGHUP and when it has changed. A mistake keeps the old policy and says so.
async fn reloads(running: &Running, global: &Global, args: &ServeArgs, lang: Lang, out: &Out) -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut hangup = signal(SignalKind::hangup())?;
    let every = Duration::from_secs(if args.watch_file == 0 { 86_400 } else { args.watch_file });
    let mut seen = changed_at(&global.config);
    loop {
        tokio::select! {
            _ = hangup.recv() => {}
            () = tokio::time::sleep(every) => {
                let now = changed_at(&global.config);
                if args.watch_file == 0 || now == seen {
                    continue;
                }
            }
        }
        seen = changed_at(&global.config);
        match crate::config::read(&global.config) {
            Err(mistakes) => {
                crate::cli::mistakes(&mistakes, lang, out);
                out.hint(&terminal::policy_kept(lang));
            }
            Ok(config) => match adopt::adopt(running, &config, lang).await {
                Ok(Adopted::Now(digest)) => out.hint(&terminal::policy_adopted(lang, &digest.to_string())),
                Ok(Adopted::Waiting(digest)) => out.hint(&terminal::policy_waiting(lang, &digest.to_string())),
                Ok(Adopted::Same) => {}
                Err(failure) => {
                    out.failure(&failure);
                    out.hint(&terminal::policy_kept(lang));
                }
            },
        }
    }
}

fn changed_at(file: &Path) -> Option<(SystemTime, u64)> {
    let meta = std::fs::metadata(file).ok()?;
    Some((meta.modified().ok()?, meta.len()))
}

/// Log lines on stderr; `HIKESHI_LOG=debug` says more.
pub fn log() {
    let filter = tracing_subscriber::EnvFilter::try_new(crate::settings::text("HIKESHI_LOG").unwrap_or_else(|| "warn".to_owned()))
        .unwrap_or_default();
    if let Err(error) = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init() {
        tracing::debug!("log lines go elsewhere already: {error}");
    }
}
