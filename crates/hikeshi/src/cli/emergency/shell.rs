//! `hikeshi emergency shell`: the executor's end of a witnessed terminal. Starts the recorder, attaches to it, and stays in between
//! only as a window: the recorder owns the shell. Should the recorder die, this drains the shell's output and starts another.

mod far;
mod window;

use std::path::{Path, PathBuf};

use hikeshi_domain::command::Command;
use hikeshi_domain::emergency::Emergency;
use hikeshi_domain::ids::EmergencyId;
use hikeshi_domain::session::{self, SessionEnd};
use hikeshi_outside::session::{Order, Place, start, wire};
use hikeshi_text::terminal;
use serde_json::json;

use crate::cli::Caller;
use crate::fail::{Failure, Result};
use crate::reach::Reach;
use window::{Left, Window};

pub const RECORDER: &str = "session-recorder";

pub async fn shell(id: EmergencyId, ssh_config: Option<&Path>, caller: &Caller<'_>) -> Result<()> {
    let Reach::Remote(remote) = &caller.reach else { return Err(Failure::Usage(terminal::shell_needs_server(caller.lang))) };
    let token = remote.token().ok_or_else(|| Failure::SignIn(terminal::token_needed(caller.lang)))?.to_owned();
    let view = caller.reach.emergency(id).await?;
    let names = caller.names().await?;
    let open = view.emergency.sessions.iter().find(|session| session.is_open()).map(|session| session.number);
    let (number, dir) = match open {
        Some(number) => {
            let dir = directory(remote.url(), id, number)?;
            if Order::read(&dir).is_err() {
                return Err(Failure::Usage(terminal::shell_elsewhere(caller.lang, number)));
            }
            (number, dir)
        }
        None => match open_new(id, &view.emergency, ssh_config, caller, remote.url()).await? {
            Some(new) => new,
            None => return Ok(()),
        },
    };
    let program = std::env::current_exe()?;
    if wire::attach(&dir).is_err() {
        // Not there yet, or it died while nobody was attached: what it had stored is continued.
        begin(&program, &dir, &token)?;
    }
    caller.out.hint(&terminal::shell_begins(caller.lang, &id.to_string(), number));
    let lang = caller.lang;
    let window = Window { program, dir, token, lang, names };
    let left = tokio::task::spawn_blocking(move || window.run()).await.map_err(|error| Failure::Failed(error.to_string()))??;
    match left {
        Left::Detached => {
            caller.out.hint(&terminal::shell_detached(lang, &id.to_string()));
            Ok(())
        }
        Left::Ended(end) => ended(id, number, &end, caller).await,
    }
}

/// The hidden command that becomes a recorder.
pub fn recorder(dir: &Path) -> std::process::ExitCode {
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        tracing::debug!("the TLS library was told before");
    }
    // The log lies on the disk of the recording: when that is full, the log stops and the recorder does not.
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).log_internal_errors(false).init();
    let Some(token) = crate::settings::text(Order::TOKEN) else {
        tracing::error!("a recorder needs the executor's token in {}", Order::TOKEN);
        return std::process::ExitCode::FAILURE;
    };
    hikeshi_outside::session::run(dir, token)
}

fn begin(program: &Path, dir: &Path, token: &str) -> Result<()> {
    start(program, &[RECORDER], dir, token, None::<std::fs::File>).map_err(|error| Failure::Failed(error.to_string()))
}

/// Asks the door for a session, and writes down what its recorder must know.
async fn open_new(
    id: EmergencyId,
    emergency: &Emergency,
    ssh_config: Option<&Path>,
    caller: &Caller<'_>,
    url: &str,
) -> Result<Option<(u32, PathBuf)>> {
    let policy = caller.reach.policy().await?;
    let target = policy.targets.get(&emergency.plan.target);
    let there = far::place(target, emergency, ssh_config, &state()?, caller.lang).await?;
    let place = there.as_ref().map_or_else(crate::settings::host, |(_, name)| name.clone());
    let done = caller.submit(Command::Session(session::Command::Open { emergency: id, place: place.clone() })).await?;
    if done.dry_run {
        caller.tell(&done, None);
        return Ok(None);
    }
    let number = done.receipt.made.as_deref().and_then(|made| made.rsplit('/').next()).and_then(|number| number.parse().ok());
    let number: u32 = number.ok_or_else(|| Failure::Failed(terminal::bad_answer(caller.lang, url, "session")))?;
    let root = target.map(|target| PathBuf::from(&target.root)).unwrap_or_default();
    // The backup lies beside the target: where it is not, this is another host.
    let backup = emergency.backup.as_ref().map(|backup| PathBuf::from(&backup.path));
    if there.is_none() && (!root.is_dir() || !backup.is_some_and(|backup| backup.exists())) {
        give_up(id, number, caller).await;
        return Err(Failure::Usage(terminal::shell_wrong_host(caller.lang, &root.display().to_string())));
    }
    let planned = emergency.plan.terminal.clone().unwrap_or_default();
    let order = Order {
        format: Order::FORMAT.to_owned(),
        emergency: id,
        session: number,
        url: url.to_owned(),
        place: there.map_or(Place::Here { root }, |(there, _)| there),
        place_name: place,
        shell: planned.shell,
        encoding: planned.encoding,
        record_input: planned.record_input,
        dangerous: planned.dangerous,
        confirm_valid_s: policy.emergency.confirm_valid_s,
        began_at: crate::now(),
        mask_patterns: policy.secrets.patterns.clone(),
        mask_env: policy.secrets.env.clone(),
        reserve_bytes: policy.emergency.session_reserve_bytes,
        nonce: crate::secret::random()?,
    };
    let dir = directory(url, id, number)?;
    if dir.exists() {
        // A session of this number from another time of this server's life.
        std::fs::remove_dir_all(&dir)?;
    }
    order.write(&dir)?;
    Ok(Some((number, dir)))
}

/// A session that cannot begin here must not stand open.
async fn give_up(id: EmergencyId, session: u32, caller: &Caller<'_>) {
    let abandon = session::Command::Abandon { emergency: id, session };
    if let Err(error) = caller.submit(Command::Session(abandon)).await {
        tracing::debug!(?error, "the session could not be given up");
    }
}

/// Where the recorder of a session lives: below the user's state, apart for each server.
fn directory(url: &str, id: EmergencyId, number: u32) -> Result<PathBuf> {
    let server = hikeshi_domain::ids::Digest::of(url.as_bytes()).short();
    Ok(state()?.join("sessions").join(server).join(format!("{id}-{number}")))
}

fn state() -> Result<PathBuf> {
    let state = crate::settings::text("XDG_STATE_HOME")
        .map(PathBuf::from)
        .or_else(|| crate::settings::text("HOME").map(|home| Path::new(&home).join(".local/state")));
    Ok(state.ok_or_else(|| Failure::Failed("HOME is not set".to_owned()))?.join("hikeshi"))
}

/// What became of it, once the ledger has it.
async fn ended(id: EmergencyId, number: u32, end: &SessionEnd, caller: &Caller<'_>) -> Result<()> {
    let over = super::super::waiting::until(terminal::shell_delivering(caller.lang), caller, || async move {
        let emergency = caller.reach.emergency(id).await?.emergency;
        let over = emergency.sessions.iter().any(|session| session.number == number && !session.is_open());
        Ok((over && emergency.looking.is_none()).then_some(emergency))
    })
    .await?;
    let session = over.sessions.iter().find(|session| session.number == number);
    let names = caller.names().await?;
    let commands = session.map_or(0, |session| session.commands.len() + usize::try_from(session.commands_earlier).unwrap_or(0));
    caller.out.data(&json!({"emergency": id, "session": session, "changes": over.changes}), || {
        terminal::shell_ended(caller.lang, number, &hikeshi_text::session::end(caller.lang, end, &names), commands, over.changes.len())
    });
    caller.out.hint(&caller.next_step(&format!("hikeshi emergency verify {id}")));
    Ok(())
}
