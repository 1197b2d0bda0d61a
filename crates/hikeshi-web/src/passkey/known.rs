//! The passkeys of a person, as the record keeps them: a list of names from the account, and each credential from the ledger entry that added it.

use hikeshi_domain::Timestamp;
use hikeshi_domain::event::Event;
use hikeshi_domain::ids::PersonId;
use hikeshi_domain::people::Actor;
use hikeshi_engine::look::{EntryView, Look, LookError};
use webauthn_rs::prelude::Passkey;

use crate::fail::Fail;
use crate::state::App;

/// Entries looked at around the time at which a passkey was added, for a clock that was set back a little meanwhile.
const NEAR: u32 = 200;

/// Their credentials. Nobody's, for a handle that is not in the policy: whoever asks is not told who exists.
pub async fn known(app: &App, person: &PersonId) -> Result<Vec<Passkey>, Fail> {
    let actor = Actor::person(person.clone());
    let look = app.door.look(&actor);
    let view = match look.person(person).await {
        Ok(view) => view,
        Err(LookError::NotFound { .. } | LookError::Unknown) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let mut credentials = Vec::new();
    for row in &view.passkeys {
        match added(&look, person, &row.credential_id, row.added_at).await? {
            Some(passkey) => credentials.push(passkey),
            None => tracing::error!(%person, credential = row.credential_id, "the entry that added this passkey is not found"),
        }
    }
    Ok(credentials)
}

/// The entry that added it, by its time: entries are in the order of time, so a few halvings find it among millions.
async fn added(look: &Look<'_>, person: &PersonId, credential_id: &str, at: Timestamp) -> Result<Option<Passkey>, Fail> {
    let size = look.ledger(None, 1).await?.size;
    let (mut low, mut high) = (0, size);
    while low < high {
        let middle = low + (high - low) / 2;
        if look.entry(middle).await?.0.at <= at { low = middle + 1 } else { high = middle }
    }
    let before = low.saturating_add(u64::from(NEAR) / 4).min(size);
    let near = look.ledger(Some(before), NEAR).await?;
    Ok(near.entries.rows.iter().find_map(|entry| credential_in(entry, person, credential_id)))
}

fn credential_in(entry: &EntryView, person: &PersonId, credential_id: &str) -> Option<Passkey> {
    entry.events.iter().find_map(|event| match serde_json::from_value::<Event>(event.clone()) {
        Ok(Event::PasskeyAdded { person: owner, passkey }) if owner == *person && passkey.credential_id == credential_id => {
            serde_json::from_value(passkey.credential).ok()
        }
        _ => None,
    })
}
