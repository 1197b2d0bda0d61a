//! `hikeshi emergency watch`: stays, is heard of every few seconds, and shows what happens. Leaving is Ctrl-C; the presence then runs out by itself.

use std::collections::BTreeSet;
use std::time::Duration;

use hikeshi_domain::command::Command;
use hikeshi_domain::emergency;
use hikeshi_domain::ids::EmergencyId;
use hikeshi_text::terminal;
use serde_json::json;

use super::witness::{Over, Witness};
use crate::cli::Caller;
use crate::fail::{Failure, Result};
use crate::reach::Reach;
use crate::show::{JSON_VERSION, line};

const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Looks between two heartbeats; well inside any useful presence timeout.
const LOOKS_PER_HEARTBEAT: u32 = 4;
/// A server that is away for this many looks in a row is given up.
const MISSES_MAX: u32 = 60;

pub async fn watch(id: EmergencyId, only_look: bool, caller: &Caller<'_>) -> Result<()> {
    let names = caller.names().await?;
    let first = caller.reach.emergency(id).await?;
    caller.out.hint(&terminal::watching(caller.lang, &id.to_string(), only_look));
    let mut shown: BTreeSet<u64> = BTreeSet::new();
    let mut output_seen = 0;
    let (mut looks, mut misses) = (0_u32, 0_u32);
    let mut seen_over = 0;
    loop {
        if let Some(session) = open_session(id, seen_over, caller).await? {
            match stream(id, session, only_look, caller).await? {
                Over::Session => seen_over = session,
                Over::Cut => caller.out.hint(&terminal::watch_stale(caller.lang)),
            }
        }
        if !only_look && looks.is_multiple_of(LOOKS_PER_HEARTBEAT) {
            match caller.submit(Command::Emergency(emergency::Command::Watch { emergency: id })).await {
                Ok(_) => {}
                Err(Failure::Unreachable(_)) => misses += 1,
                Err(other) => return Err(other),
            }
        }
        looks = looks.wrapping_add(1);
        match look(id, first.incident.id, caller, &names, &mut shown, &mut output_seen).await {
            Ok(true) => return Ok(()),
            Ok(false) => misses = 0,
            Err(Failure::Unreachable(text)) => {
                misses += 1;
                if misses > MISSES_MAX {
                    return Err(Failure::Unreachable(text));
                }
                if misses == 1 {
                    caller.out.hint(&terminal::watch_stale(caller.lang));
                }
            }
            Err(other) => return Err(other),
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// A terminal that is open and was not seen to its end.
async fn open_session(id: EmergencyId, seen_over: u32, caller: &Caller<'_>) -> Result<Option<u32>> {
    match caller.reach.emergency(id).await {
        Ok(view) => {
            let open = view.emergency.sessions.iter().find(|session| session.is_open() && session.number > seen_over);
            Ok(open.map(|session| session.number))
        }
        Err(Failure::Unreachable(_)) => Ok(None),
        Err(other) => Err(other),
    }
}

async fn stream(id: EmergencyId, session: u32, only_look: bool, caller: &Caller<'_>) -> Result<Over> {
    let Reach::Remote(remote) = &caller.reach else { return Ok(Over::Session) };
    let person = if only_look { None } else { Some(caller.reach.me().await?) };
    match (Witness { id, session, person, reach: &caller.reach, shown: Some(caller.out), device: caller.device.clone() })
        .follow(remote)
        .await
    {
        Err(Failure::Unreachable(_)) => Ok(Over::Cut),
        ended => ended,
    }
}

/// One look; true when the exception is over.
async fn look(
    id: EmergencyId,
    case: hikeshi_domain::ids::IncidentId,
    caller: &Caller<'_>,
    names: &hikeshi_text::Names,
    shown: &mut BTreeSet<u64>,
    output_seen: &mut usize,
) -> Result<bool> {
    let page = caller.reach.timeline(case, None, 50).await?;
    for row in page.rows.iter().rev().filter(|row| !shown.contains(&row.seq)) {
        if caller.out.json {
            line(&json!({"v": JSON_VERSION, "data": row}).to_string());
        } else {
            line(crate::cli::ledger::lines(std::slice::from_ref(row), Some(case), names, caller.lang).trim_end());
        }
    }
    shown.extend(page.rows.iter().map(|row| row.seq));
    let view = caller.reach.emergency(id).await?;
    let output = view.running_output.unwrap_or_default();
    // The tail only holds the last bytes; when it was cut or begins anew, what is there is shown whole.
    let news = output.get(*output_seen..).unwrap_or(&output);
    if !caller.out.json {
        for said in news.lines() {
            line(&format!("    {}", super::view::clean(said)));
        }
    }
    *output_seen = output.len();
    Ok(view.emergency.status.is_over())
}
