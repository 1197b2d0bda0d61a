//! Telling those who read the status page by mail or through a program of theirs, and asking the new ones whether they want it.
//!
//! A post is one effect of the outbox. It goes from one recipient to the next, and remembers each beside the ledger: a crash loses none and
//! repeats the one that was on its way, under the same key. The lane is its own, so no page ever waits for it.

use std::time::Duration;

use hikeshi_domain::Timestamp;
use hikeshi_domain::effect::{Effect, EffectKey, Outcome, Performed, Work};
use hikeshi_domain::status::decide::order;
use hikeshi_domain::status::order::{Recipient, TellOrder, Telling};
pub use hikeshi_store::Asking;
use hikeshi_store::Subscriber;
use jiff::SignedDuration;

use crate::door::{Door, Fault};
use crate::runner::Runner;

/// Subscribers that are read together.
const BATCH: u32 = 50;
/// Whoever could not be reached is tried again after these waits.
const AGAIN: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(20)];
/// While nobody at all can be reached the post waits, but later ones wait behind it: not for ever.
const WAIT_AT_MOST: SignedDuration = SignedDuration::from_mins(30);
const WAIT_S: u32 = 20;
/// How often new subscribers are looked for that another node has taken in.
const POLL: Duration = Duration::from_secs(5);
/// When a confirmation that was not taken is tried again.
const CONFIRM_AGAIN: SignedDuration = SignedDuration::from_mins(2);
const DUTY: &str = "status_confirmations";

/// What became of one mail or call.
enum Reached {
    Yes,
    /// They would refuse it again.
    Never,
    NotNow,
}

impl Door {
    /// Somebody asks for the status page by mail. `false`: too many do. What it says never tells whether the address is known.
    pub async fn subscribe(&self, asking: Asking) -> Result<bool, Fault> {
        let now = self.inside.clock.now();
        let taken = self.blocking(move |store| store.ask(&asking, now)).await?;
        self.inside.subscribers_asked.notify_one();
        Ok(taken)
    }

    /// They really want it. Works once.
    pub async fn confirm_subscriber(&self, id: u64, secret: String) -> Result<bool, Fault> {
        let now = self.inside.clock.now();
        self.blocking(move |store| store.confirm(id, &secret, now)).await
    }

    /// By the key that stands in their mails. The address is gone with it.
    pub async fn unsubscribe(&self, id: u64, key: String) -> Result<bool, Fault> {
        self.blocking(move |store| store.leave(id, &key)).await
    }

    /// Somebody who looks after the page deletes an address.
    pub async fn forget_subscriber(&self, id: u64) -> Result<bool, Fault> {
        self.blocking(move |store| store.forget(id)).await
    }
}

fn paced(order: &TellOrder) -> Duration {
    Duration::from_secs(60) / order.mails_per_min.max(1)
}

fn by_mail(subscriber: Subscriber) -> Recipient {
    Recipient::Mail { address: subscriber.address, language: subscriber.language, leave: format!("{}.{}", subscriber.id, subscriber.leave) }
}

/// A round of telling: who is left, and whether anybody was reached.
#[derive(Default)]
struct Round {
    left: Vec<(String, Recipient)>,
    reached: bool,
}

impl Runner {
    /// Tells everybody of a post who has not been told yet.
    pub(crate) async fn tell(&self, effect: &Effect, order: &TellOrder) -> Performed {
        let outcome = match self.tell_all(effect, order).await {
            Ok(outcome) => outcome,
            Err(fault) => Outcome::Postponed { after_s: WAIT_S, detail: fault.to_string() },
        };
        Performed { outcome, contents: Vec::new() }
    }

    async fn tell_all(&self, effect: &Effect, order: &TellOrder) -> Result<Outcome, Fault> {
        let Telling::Post { at, .. } = &order.what else { return Ok(Outcome::Failed { detail: "nothing to tell".to_owned() }) };
        let mut round = Round::default();
        for (receiver, webhook) in &order.webhooks {
            let name = format!("webhook/{receiver}");
            let (post, recipient) = (effect.key.clone(), name.clone());
            if !self.door.blocking(move |store| store.is_told(&post, &recipient)).await? {
                let to = Recipient::Webhook { receiver: receiver.clone(), webhook: webhook.clone() };
                self.one(effect, order, (name, to), &mut round).await?;
            }
        }
        self.mails(effect, order, *at, &mut round).await?;
        for wait in AGAIN {
            if round.left.is_empty() {
                break;
            }
            tokio::time::sleep(wait).await;
            for one in std::mem::take(&mut round.left) {
                self.one(effect, order, one, &mut round).await?;
                tokio::time::sleep(paced(order)).await;
            }
        }
        let now = self.door.inside.clock.now();
        if !round.left.is_empty() && !round.reached && now.duration_since(*at) < WAIT_AT_MOST {
            return Ok(Outcome::Postponed { after_s: WAIT_S, detail: "no subscriber can be reached".to_owned() });
        }
        for (name, _) in std::mem::take(&mut round.left) {
            self.remember(&effect.key, name, false).await?;
        }
        let post = effect.key.clone();
        let (sent, failed) = self.door.blocking(move |store| store.told(&post, now)).await?;
        Ok(Outcome::Told { sent, failed })
    }

    async fn mails(&self, effect: &Effect, order: &TellOrder, at: Timestamp, round: &mut Round) -> Result<(), Fault> {
        let mut after = 0;
        while order.mail.is_some() {
            let post = effect.key.clone();
            let batch = self.door.blocking(move |store| store.untold(&post, at, after, BATCH)).await?;
            let Some(last) = batch.last() else { break };
            after = last.id;
            for subscriber in batch {
                let name = format!("mail/{}", subscriber.id);
                self.one(effect, order, (name, by_mail(subscriber)), round).await?;
                tokio::time::sleep(paced(order)).await;
            }
        }
        Ok(())
    }

    async fn one(&self, effect: &Effect, order: &TellOrder, one: (String, Recipient), round: &mut Round) -> Result<(), Fault> {
        let (name, to) = one;
        match self.reach(&EffectKey(format!("{}/{name}", effect.key)), order, to.clone()).await {
            Reached::Yes => {
                round.reached = true;
                self.remember(&effect.key, name, true).await
            }
            Reached::Never => self.remember(&effect.key, name, false).await,
            Reached::NotNow => {
                round.left.push((name, to));
                Ok(())
            }
        }
    }

    async fn reach(&self, key: &EffectKey, order: &TellOrder, to: Recipient) -> Reached {
        let order = TellOrder { to: Some(to), ..order.clone() };
        let effect = Effect { key: key.clone(), work: Work::Tell(Box::new(order)) };
        match self.door.inside.outside.perform(&effect, self).await.outcome {
            Outcome::Paged { .. } => Reached::Yes,
            Outcome::PageRefused { detail } => {
                tracing::info!(%key, detail, "a subscriber refuses what the status page says");
                Reached::Never
            }
            other => {
                tracing::info!(%key, outcome = ?other, "a subscriber could not be told now");
                Reached::NotNow
            }
        }
    }

    /// Whoever was reached must not be reached again: the store is asked until it has taken that.
    async fn remember(&self, post: &EffectKey, recipient: String, reached: bool) -> Result<(), Fault> {
        let now = self.door.inside.clock.now();
        let mut wait = Duration::from_millis(100);
        loop {
            let (post, recipient) = (post.clone(), recipient.clone());
            match self.door.blocking(move |store| store.tell(&post, &recipient, reached, now)).await {
                Ok(()) => return Ok(()),
                Err(fault) if wait > Duration::from_secs(10) => return Err(fault),
                Err(fault) => tracing::warn!(%fault, "who was told of a post cannot be remembered yet"),
            }
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
    }

    /// Mails its confirmation to whoever has typed an address.
    pub(crate) async fn confirmations(self) {
        loop {
            if let Err(fault) = self.ask_all().await {
                tracing::warn!(%fault, "those who ask for the status page by mail cannot be asked back");
            }
            tokio::select! {
                () = self.door.inside.stopped() => return,
                () = self.door.inside.subscribers_asked.notified() => {}
                () = tokio::time::sleep(POLL) => {}
            }
        }
    }

    async fn ask_all(&self) -> Result<(), Fault> {
        let Some(policy) = self.door.read(|reader| Ok(reader.head()?.workspace.policy)).await? else { return Ok(()) };
        let Some(page) = policy.status.as_deref().filter(|page| page.mail.is_some()) else { return Ok(()) };
        let (node, lease_s) = (self.node.clone(), self.lease_s.max(10));
        if !self.door.blocking(move |store| store.lease(DUTY, &node, lease_s)).await? {
            return Ok(());
        }
        let now = self.door.inside.clock.now();
        for (subscriber, secret) in self.door.blocking(move |store| store.unasked(now, BATCH)).await? {
            let id = subscriber.id;
            let order = order(&policy, page, Telling::Confirm { secret: format!("{id}.{secret}") });
            let key = EffectKey(format!("status/confirm/{id}"));
            match self.reach(&key, &order, by_mail(subscriber)).await {
                Reached::Yes => self.door.blocking(move |store| store.asked(id, &secret, None)).await?,
                Reached::Never => self.door.blocking(move |store| store.forget(id)).await.map(drop)?,
                Reached::NotNow => {
                    let again_at = now.checked_add(CONFIRM_AGAIN).unwrap_or(Timestamp::MAX);
                    self.door.blocking(move |store| store.asked(id, &secret, Some(again_at))).await?;
                }
            }
            tokio::time::sleep(paced(&order)).await;
        }
        Ok(())
    }
}
