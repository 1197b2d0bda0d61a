//! The second verb: seeing. Reads only; every view is made in one read transaction, so it never mixes two states.
//!
//! The shapes are in [`views`]; what a viewer may do in a view is tried out in [`offers`]. Not here: words (`hikeshi-text`).

mod cases;
mod changes;
mod contacts;
mod monitors;
mod now;
mod offers;
mod oncall;
mod people;
mod record;
mod reviews;
mod status;
mod views;

use std::sync::Arc;

pub use changes::{ChangesAround, ChangesView};
pub use contacts::{CalledStep, ContactsView, PersonContacts, Way};
pub use oncall::{OncallSchedule, OncallView};
pub use reviews::{ReviewView, ReviewsView};
pub use status::{ComponentView, StatusView, SubscriberView, SubscribersView};
pub use views::*;

use hikeshi_domain::Timestamp;
use hikeshi_domain::ledger::BundleError;
use hikeshi_domain::people::Actor;
use hikeshi_domain::policy::Policy;
use hikeshi_store::{Head, Reader, Span, StoreError};

use crate::door::{Door, Fault};

/// Most rows of one page, whatever was asked for.
const ROWS_MAX: u32 = 200;

/// Why nothing is shown.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    #[error("there is no such {what}: {given}")]
    NotFound { what: &'static str, given: String },
    #[error("the viewer is no person of the policy")]
    Unknown,
    #[error("the case cannot be exported")]
    Bundle(#[source] BundleError),
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<StoreError> for LookError {
    fn from(error: StoreError) -> Self {
        Self::Fault(error.into())
    }
}

/// A viewer at the door. Made by [`Door::look`].
pub struct Look<'a> {
    pub(crate) door: &'a Door,
    pub(crate) actor: &'a Actor,
}

/// Which obligations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    Owed,
    All,
}

/// One read transaction, with what nearly every view needs.
struct Sight<'r, 's> {
    reader: &'r mut Reader<'s>,
    head: Head,
    policy: Arc<Policy>,
    actor: Actor,
    now: Timestamp,
    door: Door,
}

impl Look<'_> {
    pub async fn policy(&self) -> Result<Arc<Policy>, LookError> {
        self.see(|sight| Ok(Arc::clone(&sight.policy))).await
    }

    /// The time by which deadlines are judged.
    #[expect(clippy::unused_async, reason = "every sight of the door is asked for in the same way")]
    pub async fn at(&self) -> Timestamp {
        self.door.inside.clock.now()
    }

    /// Lets a person of the policy see; the program itself may too.
    async fn see<T: Send + 'static>(
        &self,
        view: impl FnOnce(&mut Sight<'_, '_>) -> Result<T, LookError> + Send + 'static,
    ) -> Result<T, LookError> {
        let actor = self.actor.clone();
        let door = self.door.clone();
        let now = self.door.inside.clock.now();
        let seen = self.door.read(move |reader| {
            let head = reader.head()?;
            let Some(policy) = head.workspace.policy.clone() else { return Ok(Err(LookError::Unknown)) };
            if actor.as_person().is_some_and(|person| policy.person(person).is_none()) {
                return Ok(Err(LookError::Unknown));
            }
            Ok(view(&mut Sight { reader, head, policy, actor, now, door }))
        });
        seen.await?
    }
}

fn limited(limit: u32) -> u32 {
    limit.clamp(1, ROWS_MAX)
}

/// One row more than is shown, to learn whether others follow.
fn span(before: Option<u64>, limit: u32) -> Span {
    Span { before, limit: limited(limit) + 1 }
}

fn page<T>(mut rows: Vec<T>, limit: u32, position: impl Fn(&T) -> u64) -> Page<T> {
    let shown = usize::try_from(limited(limit)).unwrap_or(usize::MAX);
    let more = rows.len() > shown;
    rows.truncate(shown);
    let older = rows.last().filter(|_| more).map(position);
    Page { rows, older }
}

impl<T> Page<T> {
    fn map<U>(self, each: impl FnMut(T) -> U) -> Page<U> {
        Page { rows: self.rows.into_iter().map(each).collect(), older: self.older }
    }
}
