//! `hikeshi reconcile`: brings what was carried out while the server was away into the server's ledger; and what is said until then.

use std::ops::ControlFlow;

use anyhow::Context as _;
use clap::Args;
use hikeshi_domain::ids::{EmergencyId, IncidentId};
use hikeshi_domain::ledger::{ENTRIES_FILE, Files, MANIFEST_FILE};
use hikeshi_domain::offline::{Announced, parcel};
use hikeshi_domain::people::Actor;
use hikeshi_text::{Lang, terminal};
use serde_json::json;

use super::kept::{self, Kept, Standing};
use crate::cli::{Caller, Global, caller};
use crate::fail::{Code, Failure, Result};
use crate::reach::{Reach, Remote};
use crate::serve::{Running, Setup};
use crate::show::Out;

#[derive(Debug, Args)]
pub struct ReconcileArgs {
    #[arg(long)]
    pub status: bool,
}

pub async fn reconcile(args: &ReconcileArgs, global: &Global, lang: Lang, out: &Out) -> Result<()> {
    if args.status {
        return status(lang, out);
    }
    let away = kept::away_of(&global.url);
    if away.is_empty() {
        out.data(&json!({"reconciled": []}), || terminal::nothing_away(lang));
        for elsewhere in kept::all_away().kept {
            out.hint(&terminal::away_elsewhere(lang, &elsewhere.note.ledger, &elsewhere.note.server));
        }
        return Ok(());
    }
    let (token, _) = caller::token(global, &global.url, false)?;
    let remote = Remote::new(&global.url, token, lang)?;
    let (mut brought, mut failed) = (Vec::new(), None);
    // One that stays outside keeps no other there.
    for kept in away {
        match bring(&kept, &remote, global, lang, out).await {
            Ok(said) => brought.push(said),
            Err(failure) => {
                if let Some(before) = failed.replace(failure) {
                    out.failure(&before);
                }
            }
        }
    }
    if let Some(failure) = failed {
        return Err(failure);
    }
    out.data(&json!({"reconciled": brought}), String::new);
    Ok(())
}

async fn bring(kept: &Kept, remote: &Remote, global: &Global, lang: Lang, out: &Out) -> Result<serde_json::Value> {
    let standing = kept.standing()?;
    let ledger = &kept.note.ledger;
    if let Some(open) = standing.emergencies.iter().find(|emergency| !emergency.status.is_over()) {
        return Err(Failure::Failed(terminal::still_open_there(lang, &open.id.to_string())));
    }
    let files = export(kept, lang).await?;
    let Some(files) = files.filter(|_| standing.requested_at.is_some()) else {
        // The server was told of an exception: that there is none any more is no good news.
        if kept.is_told() {
            return Err(Failure::Failed(terminal::told_and_gone(lang, ledger, &kept.dir.display().to_string())));
        }
        if !global.dry_run {
            kept.came_home(&json!({"nothing": true, "at": crate::now()}))?;
        }
        out.hint(&terminal::nothing_in_it(lang, ledger));
        return Ok(json!({"ledger": ledger, "nothing": true}));
    };
    let packed = parcel::pack(&files);
    if global.dry_run {
        out.hint(&terminal::would_bring(lang, ledger, packed.len()));
        return Ok(json!({"ledger": ledger, "dry_run": true, "bytes": packed.len()}));
    }
    let (already, receipt) = remote.send("offline/import", "application/octet-stream", packed).await?;
    let there: Vec<EmergencyId> = standing.emergencies.iter().rev().map(|emergency| emergency.id).collect();
    let here = receipt.made.clone().unwrap_or_default();
    let said = json!({"ledger": ledger, "there": there, "here": here, "incident": receipt.case, "entry": receipt.seq, "already": already, "at": crate::now()});
    kept.came_home(&said)?;
    out.hint(&terminal::brought_home(lang, ledger, &there.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "), &here, already));
    Ok(said)
}

/// The case as a bundle, with the whole local ledger and the trust bundle beside it. `None`: nothing was ever opened in it.
async fn export(kept: &Kept, lang: Lang) -> Result<Option<Files>> {
    if !kept.has_begun() {
        return Ok(None);
    }
    // Nothing is carried out and no deadline fires meanwhile: what is packed is one state.
    let running = Running::start(Setup { config: kept.config()?, lang, face: false, background: false }).await?;
    let packed = files_of(kept, &running, lang).await;
    running.stop().await;
    packed
}

async fn files_of(kept: &Kept, running: &Running, lang: Lang) -> Result<Option<Files>> {
    let mut lines = Vec::new();
    running.store().read(|reader| {
        reader.walk(0, &mut |kept| {
            lines.extend_from_slice(&kept.bytes);
            lines.push(b'\n');
            ControlFlow::Continue(())
        })
    })?;
    let documents = Files::from([(parcel::LEDGER_FILE.to_owned(), lines), (parcel::TRUST_FILE.to_owned(), kept.trust_note()?)]);
    let case = IncidentId(1);
    match running.door().look(&Actor::Startup).bundle(case, documents).await {
        Ok(files) => Ok(Some(files).filter(|files| files.contains_key(ENTRIES_FILE) && files.contains_key(MANIFEST_FILE))),
        Err(hikeshi_engine::look::LookError::NotFound { .. }) => Ok(None),
        Err(error) => Err(crate::reach::look_failure(error, lang)),
    }
}

/// 0: nothing is away; 5: something is; 1: something is late, or cannot be read.
fn status(lang: Lang, out: &Out) -> Result<()> {
    let mut rows = Vec::new();
    let kept::AllAway { kept, mut unreadable } = kept::all_away();
    for kept in kept {
        match kept.standing() {
            // Of what the server was told, something must be there.
            Ok(standing) if standing.requested_at.is_some() || !kept.is_told() => rows.push((kept, standing)),
            Ok(_) => unreadable.push(kept.dir),
            Err(error) => {
                tracing::debug!("{}: {error:#}", kept.dir.display());
                unreadable.push(kept.dir);
            }
        }
    }
    let any = rows.iter().any(|(_, standing)| standing.requested_at.is_some());
    let wrong = !unreadable.is_empty() || rows.iter().any(|(_, standing)| standing.is_late());
    for dir in &unreadable {
        out.warn(&terminal::away_unreadable(lang, &dir.display().to_string()));
    }
    let data: Vec<_> = rows
        .iter()
        .map(|(kept, standing)| {
            json!({"ledger": kept.note.ledger, "server": kept.note.server, "directory": kept.dir, "requested_at": standing.requested_at,
                "due_at": standing.due_at, "open": standing.is_open(), "late": standing.is_late()})
        })
        .collect();
    out.data(&json!({"away": data, "unreadable": unreadable}), || match rows.is_empty() {
        true if !unreadable.is_empty() => String::new(),
        true => terminal::nothing_away(lang),
        false => rows.iter().map(|(kept, standing)| told(kept, standing, lang)).collect::<Vec<_>>().join("\n"),
    });
    match (any, wrong) {
        (_, true) => Err(Failure::Said(Code::Failed)),
        (true, false) => Err(Failure::Said(Code::Waiting)),
        (false, false) => Ok(()),
    }
}

fn told(kept: &Kept, standing: &Standing, lang: Lang) -> String {
    terminal::away_row(lang, &kept.note.ledger, standing.due_at, standing.is_open(), crate::now())
}

/// Whatever somebody does at this machine: what is late is said.
pub fn warn(lang: Lang, out: &Out) {
    let kept::AllAway { kept, unreadable } = kept::all_away();
    for dir in unreadable {
        out.warn(&terminal::away_unreadable(lang, &dir.display().to_string()));
    }
    for kept in kept {
        match kept.standing() {
            Ok(standing) if standing.is_late() => {
                if let Some(due_at) = standing.due_at {
                    out.warn(&terminal::away_late(lang, &kept.note.ledger, &kept.note.server, due_at, crate::now()));
                }
            }
            Ok(_) => {}
            Err(error) => {
                tracing::debug!("{}: {error:#}", kept.dir.display());
                out.warn(&terminal::away_unreadable(lang, &kept.dir.display().to_string()));
            }
        }
    }
}

/// Once the server is heard of again, it learns what is away, and watches over its coming home by itself.
pub async fn announce(caller: &Caller<'_>) {
    let (Reach::Remote(remote), false) = (&caller.reach, caller.global.local) else { return };
    for kept in kept::away_of(&caller.global.url).into_iter().filter(|kept| !kept.is_told()) {
        if let Err(error) = tell(&kept, remote, caller).await {
            tracing::debug!(?error, "the server was not told of a local ledger");
        }
    }
}

async fn tell(kept: &Kept, remote: &Remote, caller: &Caller<'_>) -> Result<()> {
    let standing = kept.standing()?;
    let (Some(incident), Some(requested_at)) = (standing.incident, standing.requested_at) else { return Ok(()) };
    let case = Announced {
        ledger: kept.note.ledger.clone(),
        key: crate::serve::verifier(&kept.dir)?.to_string(),
        host: kept.note.host.clone(),
        requested_at,
        title: incident.title,
        service: incident.service,
        environment: incident.environment,
        triage: incident.triage,
    };
    let body = serde_json::to_vec(&case).context("announce")?;
    remote.send("offline/announce", "application/json", body).await?;
    kept.told()?;
    caller.out.hint(&terminal::away_told(caller.lang, &kept.note.ledger));
    Ok(())
}
