//! A witness's answers: `confirm --step`, `confirm --line`, `deny`. Each shows what is answered, and wants it typed.

use hikeshi_domain::command::Command;
use hikeshi_domain::emergency;
use hikeshi_domain::ids::EmergencyId;
use hikeshi_domain::session::{self, LineAsk};
use hikeshi_text::terminal;

use crate::cli::Caller;
use crate::fail::{Failure, Result};

/// Binds to the plan as it is shown here.
pub async fn step(id: EmergencyId, step: u32, caller: &Caller<'_>) -> Result<()> {
    let state = caller.reach.emergency(id).await?.emergency;
    let index = usize::try_from(step).unwrap_or(usize::MAX).saturating_sub(1);
    let confirm = match state.plan.steps.get(index).filter(|declared| declared.dangerous) {
        Some(declared) => {
            let question = terminal::confirm_step(caller.lang, step, &declared.title, &declared.run);
            caller.confirmation(&question, &declared.title).await?
        }
        // The door says why there is nothing to confirm.
        None => String::new(),
    };
    let confirm = emergency::Command::Confirm { emergency: id, step, digest: state.digest, confirm };
    caller.submit_and_tell(Command::Emergency(confirm), None).await.map(drop)
}

pub async fn line(id: EmergencyId, caller: &Caller<'_>) -> Result<()> {
    let (session, ask) = waiting(id, caller).await?;
    let question = terminal::confirm_line(caller.lang, &ask.line, &ask.words, &ask.why);
    let confirm = caller.confirmation(&question, &ask.words).await?;
    let confirm = session::Command::Confirm { emergency: id, session, digest: ask.digest, confirm };
    caller.submit_and_tell(Command::Session(confirm), None).await.map(drop)
}

pub async fn deny(id: EmergencyId, reason: String, caller: &Caller<'_>) -> Result<()> {
    let (session, ask) = waiting(id, caller).await?;
    caller.out.hint(&terminal::confirm_line(caller.lang, &ask.line, &ask.words, &ask.why));
    let deny = session::Command::Deny { emergency: id, session, digest: ask.digest, reason };
    caller.submit_and_tell(Command::Session(deny), None).await.map(drop)
}

/// The line that waits in the open session.
async fn waiting(id: EmergencyId, caller: &Caller<'_>) -> Result<(u32, LineAsk)> {
    let view = caller.reach.emergency(id).await?;
    let open = view.emergency.sessions.into_iter().find(session::Session::is_open);
    let found = open.and_then(|session| session.asked.filter(|ask| ask.is_open(view.at)).map(|ask| (session.number, ask)));
    found.ok_or_else(|| Failure::NotFound(terminal::no_line_waits(caller.lang, &id.to_string())))
}
