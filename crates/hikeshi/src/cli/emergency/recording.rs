//! `hikeshi emergency recording`, `note`, `end-session`: what others do about a witnessed session beside watching it.

use std::io::Write as _;
use std::path::PathBuf;

use clap::ValueEnum;
use hikeshi_domain::command::Command;
use hikeshi_domain::ids::EmergencyId;
use hikeshi_domain::session;
use hikeshi_engine::recording::Form;
use hikeshi_text::terminal;
use serde_json::json;

use crate::cli::Caller;
use crate::fail::{Failure, Result};

#[derive(Debug, clap::Args)]
pub struct RecordingArgs {
    id: EmergencyId,
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    session: Option<u32>,
    #[arg(long, value_enum, default_value = "cast")]
    format: Format,
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Cast,
    Cast2,
    Raw,
    Frames,
}

impl From<Format> for Form {
    fn from(format: Format) -> Self {
        match format {
            Format::Cast => Self::Cast,
            Format::Cast2 => Self::Cast2,
            Format::Raw => Self::Raw,
            Format::Frames => Self::Frames,
        }
    }
}

pub async fn save(args: RecordingArgs, caller: &Caller<'_>) -> Result<()> {
    let RecordingArgs { id, session, format, out } = args;
    let emergency = caller.reach.emergency(id).await?.emergency;
    let last = emergency.sessions.last().map(|session| session.number);
    let number = session.or(last).ok_or_else(|| Failure::NotFound(terminal::no_session(caller.lang, &id.to_string())))?;
    let Some(file) = out else {
        let mut stdout = std::io::stdout();
        caller.reach.recording(id, number, format.into(), &mut stdout).await?;
        stdout.flush()?;
        return Ok(());
    };
    let shown = file.display().to_string();
    let broken = |error: std::io::Error| Failure::Failed(format!("{shown}: {error}"));
    // Under its name only when it is whole.
    let part = file.with_added_extension("part");
    let mut written = std::fs::File::create(&part).map_err(broken)?;
    let saved = caller.reach.recording(id, number, format.into(), &mut written).await;
    let bytes = match saved {
        Ok(bytes) => bytes,
        Err(failure) => {
            std::fs::remove_file(&part).map_err(broken)?;
            return Err(failure);
        }
    };
    written.sync_all().map_err(broken)?;
    std::fs::rename(&part, &file).map_err(broken)?;
    caller.out.data(&json!({"emergency": id, "session": number, "file": shown, "bytes": bytes}), || {
        terminal::recording_saved(caller.lang, &shown, bytes)
    });
    Ok(())
}

async fn open_session(id: EmergencyId, caller: &Caller<'_>) -> Result<u32> {
    let emergency = caller.reach.emergency(id).await?.emergency;
    let open = emergency.sessions.iter().find(|session| session.is_open()).map(|session| session.number);
    open.ok_or_else(|| Failure::NotFound(terminal::no_open_session(caller.lang, &id.to_string())))
}

pub async fn note(id: EmergencyId, text: String, caller: &Caller<'_>) -> Result<()> {
    let session = open_session(id, caller).await?;
    let note = session::Command::Note { emergency: id, session, text };
    caller.submit_and_tell(Command::Session(note), None).await.map(drop)
}

pub async fn end(id: EmergencyId, reason: String, caller: &Caller<'_>) -> Result<()> {
    let session = open_session(id, caller).await?;
    let name = format!("{id}/{session}");
    let typed = caller.confirmation(&terminal::end_session_question(caller.lang, &name), &name).await?;
    if typed != name {
        return Err(Failure::Usage(terminal::end_session_question(caller.lang, &name)));
    }
    let stop = session::Command::Stop { emergency: id, session, reason };
    caller.submit_and_tell(Command::Session(stop), Some(format!("hikeshi emergency show {id}"))).await.map(drop)
}
