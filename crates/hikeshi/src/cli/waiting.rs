//! Waiting for an effect that was set going: progress on the terminal, `--no-wait`, `--timeout-s`.

use std::future::Future;
use std::time::{Duration, Instant};

use hikeshi_domain::emergency::{Emergency, Status, StepState};
use hikeshi_domain::ids::{EmergencyId, IncidentId, ObligationId};
use hikeshi_text::terminal;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Caller;
use crate::fail::{Failure, Result};

/// What is shown only when it lasts longer than a person expects.
const SHOW_AFTER: Duration = Duration::from_secs(2);
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Looks until `look` gives something.
pub async fn until<T, F: Future<Output = Result<Option<T>>>>(what: String, caller: &Caller<'_>, look: impl Fn() -> F) -> Result<T> {
    let began = Instant::now();
    let limit = Duration::from_secs(caller.global.timeout_s);
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
        bar.set_style(style);
    }
    bar.set_message(what.clone());
    let mut shown = false;
    let ended = loop {
        if let Some(found) = look().await? {
            break Ok(found);
        }
        if caller.global.no_wait {
            break Err(Failure::Waiting(terminal::still_waiting(caller.lang, &what)));
        }
        if began.elapsed() > limit {
            break Err(Failure::TimedOut(terminal::timed_out(caller.lang, &what, caller.global.timeout_s)));
        }
        if !shown && began.elapsed() > SHOW_AFTER && !caller.global.json {
            // Draws on stderr, and only where that is a terminal.
            bar.set_draw_target(ProgressDrawTarget::stderr());
            bar.enable_steady_tick(Duration::from_millis(120));
            shown = true;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    };
    bar.finish_and_clear();
    ended
}

/// Waits until nothing of the exception is under way: no backup, no running step, no checks, no look, no restore.
pub async fn emergency(id: EmergencyId, what: String, caller: &Caller<'_>) -> Result<Emergency> {
    until(what, caller, || async move {
        let emergency = caller.reach.emergency(id).await?.emergency;
        Ok(is_quiet(&emergency).then_some(emergency))
    })
    .await
}

pub fn is_quiet(emergency: &Emergency) -> bool {
    let step_runs = emergency.steps.iter().any(|step| matches!(step, StepState::Running { .. }));
    let busy = match emergency.status {
        Status::BackingUp | Status::Verifying | Status::Restoring => emergency.trouble.is_none(),
        Status::Requested
        | Status::Approved
        | Status::Executing
        | Status::Closed
        | Status::Declined
        | Status::Cancelled
        | Status::Expired => false,
    };
    // While somebody types, looks follow each other; otherwise one that was ordered belongs to what is waited for.
    let looks = emergency.looking.is_some() && !emergency.sessions.iter().any(hikeshi_domain::session::Session::is_open);
    !step_runs && !busy && !looks
}

/// Waits until the obligation's effect has ended.
pub async fn obligation(id: ObligationId, caller: &Caller<'_>) -> Result<()> {
    until(terminal::waiting_for(caller.lang, &id.to_string()), caller, || async move {
        Ok(caller.reach.obligation(id).await?.obligation.running.is_none().then_some(()))
    })
    .await
}

/// Waits until the file of the postmortem is written, or could not be.
pub async fn postmortem(id: IncidentId, caller: &Caller<'_>) -> Result<()> {
    until(terminal::waiting_for(caller.lang, &id.to_string()), caller, || async move {
        let known = caller.reach.incident(id).await?.incident.postmortem;
        Ok(known.is_none_or(|known| known.running.is_none()).then_some(()))
    })
    .await
}
