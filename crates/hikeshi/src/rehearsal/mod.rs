//! `hikeshi try`: rehearses a whole emergency on this machine. A small service really runs, really breaks, and is really repaired through
//! every gate, by people who act over HTTP like everybody else.
//!
//! What comes next is decided in [`script`], how it is done in [`acts`]; [`workspace`] is what lies on disk; [`score`] judges the end.

mod acts;
mod by_hand;
mod git;
mod load;
mod people;
mod phones;
pub mod reservations;
mod score;
mod script;
mod workspace;

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command as Program, Stdio};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use hikeshi_domain::command::Command;
use hikeshi_domain::emergency;
use hikeshi_domain::ids::EmergencyId;
use hikeshi_text::{Lang, terminal};

use acts::Cast;
use load::Load;
use people::People;
use phones::Phones;
use script::{Act, next};
use workspace::{APPROVER, EVERYONE, REQUESTER, SENIOR_WITNESS, WITNESS, Workspace};

use crate::fail::{Failure, Result};
use crate::serve::{Running, Setup};
use crate::show::{self, Out};

const LOOK_EVERY: Duration = Duration::from_millis(200);
const HEARTBEAT_EVERY: Duration = Duration::from_secs(3);
/// Longest time without anything new before the rehearsal gives up; people who act in the browser are waited for without end.
const PATIENCE: Duration = Duration::from_secs(180);
/// Refusals and faults in a row of one act before the rehearsal gives up.
const TRIES_MAX: u32 = 30;

#[derive(Debug, Args)]
pub struct TryArgs {
    #[arg(long)]
    pub headless: bool,
    #[arg(long, value_enum, conflicts_with = "headless")]
    pub act: Option<Acting>,
    #[arg(long, value_name = "postgres://…")]
    pub database: Option<String>,
    #[arg(long, value_name = "DIR", conflicts_with = "resume")]
    pub keep: Option<PathBuf>,
    #[arg(long, value_name = "DIR")]
    pub resume: Option<PathBuf>,
}

/// Whose acts are left to the human in the browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Acting {
    Requester,
    Approver,
    Witness,
}

impl Acting {
    fn person(self) -> &'static str {
        match self {
            Self::Requester => REQUESTER,
            Self::Approver => APPROVER,
            Self::Witness => SENIOR_WITNESS,
        }
    }
}

pub async fn run(args: TryArgs, lang: Lang, out: &Out) -> Result<()> {
    // A machine reads what is left when nobody watched.
    let kept = args.headless || args.keep.is_some() || args.resume.is_some();
    let workspace = match (&args.resume, &args.keep) {
        (Some(dir), _) => Workspace::find(dir)?,
        (None, Some(dir)) => Workspace::make(dir, args.database.as_deref())?,
        (None, None) => Workspace::make(&temporary()?, args.database.as_deref())?,
    };
    out.hint(&terminal::rehearsal_begins(lang, &workspace.dir.display().to_string()));
    let ended = rehearse(&workspace, &args, lang, out).await;
    if !kept && let Err(error) = std::fs::remove_dir_all(&workspace.dir) {
        out.hint(&terminal::not_removed(lang, &workspace.dir.display().to_string(), &error.to_string()));
    }
    ended
}

fn temporary() -> anyhow::Result<PathBuf> {
    let name = crate::secret::fresh()?;
    let short: String = name.chars().filter(char::is_ascii_alphanumeric).take(10).collect();
    Ok(std::env::temp_dir().join(format!("hikeshi-try-{short}")))
}

async fn rehearse(workspace: &Workspace, args: &TryArgs, lang: Lang, out: &Out) -> Result<()> {
    let _service = Service::start(&workspace.root(), workspace.kept.service_port)?;
    let _phones = Phones::start(workspace.kept.phone_port, workspace.phones_file())?;
    let load = Load::start(workspace.kept.service_port, workspace.dir.join("visits.json"));
    let config = crate::config::read(&workspace.policy_file()).map_err(|error| crate::cli::mistakes(&error, lang, out))?;
    let running = Running::start(Setup { config, lang, face: true, background: true }).await?;
    let ended = async {
        let people = People::sign_in(workspace, running.door(), lang).await?;
        if !args.headless {
            tell_links(&people, workspace, args.act, lang, out).await?;
        }
        let cast = Cast { workspace, people: &people, lang };
        tokio::select! {
            played = play(&cast, args.act, out) => played?,
            () = crate::serve::asked_to_stop() => return Err(Failure::Interrupted),
        }
        let score = score::judge(&cast, &running, load.felt()).await?;
        out.data(&score, || score.text(lang));
        if !args.headless {
            out.hint(&terminal::rehearsal_open(lang, &workspace.url()));
            crate::serve::asked_to_stop().await;
        }
        if score.passed() { Ok(()) } else { Err(Failure::Failed(terminal::rehearsal_failed(lang))) }
    }
    .await;
    running.stop().await;
    ended
}

async fn tell_links(people: &People, workspace: &Workspace, acting: Option<Acting>, lang: Lang, out: &Out) -> Result<()> {
    let config = crate::config::read(&workspace.policy_file()).map_err(|error| crate::cli::mistakes(&error, lang, out))?;
    let names = hikeshi_text::Names::of(&config.policy);
    let mut rows = Vec::new();
    for person in EVERYONE {
        let id = people::id(person)?;
        let roles = config.policy.person(&id).map(|person| names.roles(lang, &person.roles)).unwrap_or_default();
        rows.push((format!("{} ({roles})", names.person(lang, &id)), people.link(person).await?));
    }
    out.hint(&terminal::rehearsal_links(lang, &workspace.url()));
    out.hint(&show::pairs(&rows));
    if let Some(acting) = acting {
        out.hint(&terminal::rehearsal_you_are(lang, &names.person(lang, &people::id(acting.person())?)));
    }
    Ok(())
}

/// Looks, does the next missing thing, looks again, until nothing is missing.
async fn play(cast: &Cast<'_>, acting: Option<Acting>, out: &Out) -> Result<()> {
    let acting = acting.map(Acting::person);
    let names = cast.people.of(APPROVER)?.policy().await?;
    let names = hikeshi_text::Names::of(&names);
    let mut heartbeats = Heartbeats::default();
    let mut last: Option<Act> = None;
    let mut since = Instant::now();
    let mut tries = 0;
    loop {
        let seen = cast.look().await?;
        let act = next(&seen, acting);
        if let Some(view) = &seen.emergency {
            heartbeats.keep(view.emergency.id, !view.emergency.status.is_over(), acting, cast);
        }
        if last != Some(act) {
            (since, tries) = (Instant::now(), 0);
        }
        match act {
            Act::Done => return Ok(()),
            Act::Stuck => return Err(Failure::Failed(terminal::rehearsal_stuck(cast.lang))),
            _ => {}
        }
        let humans = act.who().is_some() && act.who() == acting;
        if last != Some(act) {
            let who = act.who().map(people::id).transpose()?.map(|id| names.person(cast.lang, &id));
            out.hint(&line(act, who.as_deref(), humans, cast.lang));
            if let (Act::Terminal, Some(view)) = (act, &seen.emergency) {
                tell_terminal(view.emergency.id, acting, cast, out);
            }
        }
        last = Some(act);
        if humans || act.waits() {
            if !humans && since.elapsed() > PATIENCE {
                return Err(Failure::TimedOut(terminal::timed_out(
                    cast.lang,
                    &terminal::rehearsal_act(cast.lang, &format!("{act:?}")),
                    PATIENCE.as_secs(),
                )));
            }
            tokio::time::sleep(LOOK_EVERY).await;
            continue;
        }
        match cast.perform(act, &seen).await {
            Ok(()) => {}
            // The state moved between look and act (a witness fell silent, a deadline came): look again.
            Err(Failure::Refused { refusal, seq }) if tries < TRIES_MAX => {
                tries += 1;
                out.hint(&terminal::rehearsal_refused(cast.lang, refusal.rule(), refusal.code(), seq));
                tokio::time::sleep(LOOK_EVERY).await;
            }
            Err(other) => return Err(other),
        }
    }
}

/// What a human must know to play their part of the witnessed terminal.
fn tell_terminal(emergency: EmergencyId, acting: Option<&str>, cast: &Cast<'_>, out: &Out) {
    let url = cast.workspace.url();
    match acting {
        Some(SENIOR_WITNESS) => out.hint(&terminal::rehearsal_watch(cast.lang, &format!("{url}/emergencies/{emergency}/watch"))),
        Some(REQUESTER) => {
            let token = cast.workspace.token(REQUESTER);
            let program = std::env::current_exe().map_or_else(|_| "hikeshi".to_owned(), |path| path.display().to_string());
            let state = cast.workspace.dir.join("state").display().to_string();
            let command =
                format!("XDG_STATE_HOME='{state}' HIKESHI_URL={url} HIKESHI_TOKEN={token} '{program}' emergency shell {emergency}");
            out.hint(&terminal::rehearsal_type(cast.lang, &command));
        }
        Some(_) | None => {}
    }
}

fn line(act: Act, who: Option<&str>, humans: bool, lang: Lang) -> String {
    let text = terminal::rehearsal_act(lang, &format!("{act:?}"));
    if humans {
        terminal::rehearsal_your_turn(lang, &text)
    } else {
        let mark = if act.waits() { show::paint(show::DIM, "…") } else { show::paint(show::GREEN, "●") };
        let clock = hikeshi_text::time::time_of_day(&hikeshi_text::time::Zone::named("Asia/Tokyo"), crate::now());
        format!("{} {mark} {}{text}", show::paint(show::DIM, &clock), who.map(|who| format!("{who}: ")).unwrap_or_default())
    }
}

/// The witnesses' pages: each is heard of every few seconds, as an open browser would be.
#[derive(Default)]
struct Heartbeats {
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Heartbeats {
    fn keep(&mut self, emergency: EmergencyId, wanted: bool, acting: Option<&str>, cast: &Cast<'_>) {
        if !wanted {
            self.stop();
            return;
        }
        if !self.tasks.is_empty() {
            return;
        }
        // Whose eyes a human lends needs none from us.
        for person in [SENIOR_WITNESS, WITNESS].into_iter().filter(|person| acting != Some(*person)) {
            let Ok(reach) = crate::reach::Reach::remote(&cast.workspace.url(), Some(cast.workspace.token(person)), cast.lang) else {
                continue;
            };
            self.tasks.push(crate::serve::spawn(async move {
                loop {
                    let Ok(key) = crate::secret::request_key() else { return };
                    // Refused before they have joined, and after it is over; heard of in between.
                    if let Err(failure) = reach.submit(Command::Emergency(emergency::Command::Watch { emergency }), key, false).await {
                        tracing::debug!("{person} was not heard of: {failure:?}");
                    }
                    if let Err(failure) = by_hand::watch(&reach, emergency).await {
                        tracing::debug!("{person} does not watch: {failure:?}");
                    }
                    tokio::time::sleep(HEARTBEAT_EVERY / 4).await;
                }
            }));
        }
    }

    fn stop(&mut self) {
        for task in self.tasks.drain(..) {
            task.abort();
        }
    }
}

impl Drop for Heartbeats {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The reservation service's process. Its standard input is held open; whichever way this program ends, the service ends too.
struct Service {
    child: Child,
}

impl Service {
    fn start(root: &Path, port: u16) -> anyhow::Result<Self> {
        use anyhow::Context as _;
        let program = std::env::current_exe()?;
        let began = Instant::now();
        loop {
            let mut child = Program::new(&program)
                .arg("reservation-service")
                .arg("--dir")
                .arg(root)
                .arg("--port")
                .arg(port.to_string())
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .context("reservation-service")?;
            let mut line = String::new();
            if let Some(stdout) = child.stdout.take() {
                BufReader::new(stdout).read_line(&mut line)?;
            }
            if !line.trim().is_empty() {
                return Ok(Self { child });
            }
            // The service of a killed rehearsal needs a moment to notice.
            child.kill()?;
            child.wait()?;
            anyhow::ensure!(began.elapsed() < Duration::from_secs(10), "the reservation service cannot listen on port {port}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Err(error) = self.child.kill().and_then(|()| self.child.wait()) {
            tracing::debug!("the reservation service had ended already: {error}");
        }
    }
}
