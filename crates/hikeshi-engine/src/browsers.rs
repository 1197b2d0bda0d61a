//! Pages to the browsers of one person: where they are reached is looked up when a page goes out, and forgotten when a push service says that
//! a browser is gone. One attempt goes to all of them side by side, and has arrived when one of them is taken.

use futures_util::future::join_all;
use hikeshi_domain::command::{Command, Envelope};
use hikeshi_domain::contact::{self, Subscription};
use hikeshi_domain::effect::{Effect, Outcome, Performed, Work};
use hikeshi_domain::ids::{Digest, PersonId, RequestKey};
use hikeshi_domain::page::{Address, PageOrder};
use hikeshi_domain::people::{Actor, Via};

use crate::door::{Answer, Door, Fault, inside_key};
use crate::runner::Runner;

/// Why nobody was called.
const NONE_LEFT: &str = "no browser is subscribed any more";
const UNKNOWN: &str = "where this browser is reached is not known here";

/// Somebody subscribes the browser before which they sit.
#[derive(Debug, Clone)]
pub struct Subscribing {
    pub key: RequestKey,
    pub actor: Actor,
    /// The push service: scheme, host and port.
    pub service: String,
    pub label: String,
    pub subscription: Subscription,
}

impl Door {
    /// Where it is reached is kept first: what the ledger names is there. What the door refuses is forgotten at once.
    pub async fn subscribe_browser(&self, asked: Subscribing) -> Result<Answer, Fault> {
        let Subscribing { key, actor, service, label, subscription } = asked;
        let (id, now) = (subscription.id(), self.inside.clock.now());
        let known = self.blocking(move |store| store.find_browser(id)).await?.is_some();
        if !self.blocking(move |store| store.keep_browser(&subscription, now)).await? {
            return Err(Fault::Busy);
        }
        let command = Command::Contact(contact::Command::AddBrowser { browser: id, service, label });
        let answer = self.submit(Envelope { key, actor, via: Via::Web, command }).await;
        if !known && !matches!(answer, Ok(Answer::Done(_) | Answer::Already(_))) {
            self.blocking(move |store| store.forget_browser(id)).await?;
        }
        answer
    }
}

impl Runner {
    /// To every browser that the order names.
    pub(crate) async fn page_browsers(&self, effect: &Effect, order: &PageOrder, browsers: &[Digest]) -> Performed {
        let outcomes = join_all(browsers.iter().map(|id| self.page_browser(effect, order, *id))).await;
        Performed { outcome: together(outcomes, order.repeated), contents: Vec::new() }
    }

    async fn page_browser(&self, effect: &Effect, order: &PageOrder, id: Digest) -> Outcome {
        let subscription = match self.door.blocking(move |store| store.find_browser(id)).await {
            Ok(Some(subscription)) => subscription,
            Ok(None) => {
                self.lose(&order.person, id).await;
                return Outcome::Unsubscribed { detail: UNKNOWN.to_owned() };
            }
            Err(fault) => return Outcome::Failed { detail: fault.to_string() },
        };
        let mut order = order.clone();
        if let Address::WebPush { subscription: slot, .. } = &mut order.address {
            *slot = Some(Box::new(subscription));
        }
        let to_one = Effect { key: effect.key.clone(), work: Work::Page(Box::new(order.clone())) };
        let outcome = self.door.inside.outside.perform(&to_one, self).await.outcome;
        if matches!(outcome, Outcome::Unsubscribed { .. }) {
            self.lose(&order.person, id).await;
        }
        outcome
    }

    /// A browser that is gone calls nobody: it is no way to reach its owner any more.
    async fn lose(&self, person: &PersonId, browser: Digest) {
        let command = Command::Contact(contact::Command::LoseBrowser { person: person.clone(), browser });
        let key = inside_key(&["browser", "gone", &browser.to_string(), &self.door.inside.clock.now().to_string()]);
        let envelope = Envelope { key, actor: Actor::Runner, via: Via::Inside, command };
        if let Err(fault) = self.door.submit(envelope).await {
            tracing::warn!(%fault, "that a browser is gone is not recorded; the next page will find it again");
        }
    }
}

/// One that took it is enough; what may pass is worth another try; the rest is over.
fn together(outcomes: Vec<Outcome>, repeated: bool) -> Outcome {
    let all = outcomes.len();
    let taken = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Paged { .. })).count();
    let detail = |outcome: &Outcome| match outcome {
        Outcome::Failed { detail } | Outcome::PageRefused { detail } => Some(detail.clone()),
        _ => None,
    };
    if taken > 0 {
        let reference = if all == 1 { String::new() } else { format!("{taken}/{all}") };
        let alone = outcomes.into_iter().find(|outcome| matches!(outcome, Outcome::Paged { .. })).filter(|_| all == 1);
        return alone.unwrap_or(Outcome::Paged { reference, repeated, bundle: Vec::new() });
    }
    if let Some(passing) = outcomes.iter().find(|outcome| matches!(outcome, Outcome::Failed { .. })) {
        return Outcome::Failed { detail: detail(passing).unwrap_or_default() };
    }
    Outcome::PageRefused { detail: outcomes.iter().find_map(detail).unwrap_or_else(|| NONE_LEFT.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_browser_that_took_it_is_enough_and_only_what_may_pass_is_tried_again() {
        let sent = || Outcome::Paged { reference: "201".to_owned(), repeated: false, bundle: Vec::new() };
        let failed = || Outcome::Failed { detail: "HTTP 503".to_owned() };
        let refused = || Outcome::PageRefused { detail: "HTTP 403".to_owned() };
        let gone = || Outcome::Unsubscribed { detail: "HTTP 410".to_owned() };
        assert_eq!(together(vec![sent()], false), sent());
        assert_eq!(
            together(vec![gone(), sent(), failed()], false),
            Outcome::Paged { reference: "1/3".to_owned(), repeated: false, bundle: Vec::new() }
        );
        assert_eq!(together(vec![gone(), refused(), failed()], false), failed());
        assert_eq!(together(vec![gone(), refused()], false), refused());
        assert_eq!(together(vec![gone()], false), Outcome::PageRefused { detail: NONE_LEFT.to_owned() });
        assert_eq!(together(Vec::new(), false), Outcome::PageRefused { detail: NONE_LEFT.to_owned() });
    }
}
