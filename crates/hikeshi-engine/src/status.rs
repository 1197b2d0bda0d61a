//! Telling those who read the status page by mail or through a program of theirs, and asking the new ones whether they want it.
//!
//! A post is one effect of the outbox. It goes from one recipient to the next, and remembers each beside the ledger: a crash loses none and
//! repeats the one that was on its way, under the same key. The lane is its own, so no page ever waits for it.

use std::time::Duration;

use hikeshi_domain::Timestamp;
use hikeshi_domain::effect::{Effect, EffectKey, Outcome, Performed, Work};
use hikeshi_domain::ids::Digest;
use hikeshi_domain::status::decide::order;
use hikeshi_domain::status::order::{Recipient, TellOrder, Telling};
pub use hikeshi_store::Asking;
use hikeshi_store::{Asked, Subscriber};
use jiff::SignedDuration;
use tokio::task::JoinSet;

use crate::door::{Door, Fault};
use crate::runner::Runner;

/// Subscribers that are read together.
const BATCH: u32 = 50;
/// Whoever could not be reached is tried again after these waits.
const AGAIN: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(20)];
/// While nobody at all can be reached by mail the post waits, but later ones wait behind it: not for ever.
const WAIT_AT_MOST: SignedDuration = SignedDuration::from_mins(30);
const WAIT_S: u32 = 20;
/// After so many mails that found no way nobody else is tried: a server that hangs costs each of them its whole time.
const NO_WAY_MAX: u32 = 5;
/// How often new subscribers are looked for that another node has taken in.
const POLL: Duration = Duration::from_secs(5);
/// When a confirmation that was not taken is tried again.
const CONFIRM_AGAIN: SignedDuration = SignedDuration::from_mins(2);
/// How often those are forgotten who never said yes.
const SWEEP: SignedDuration = SignedDuration::from_mins(1);
const DUTY: &str = "status_confirmations";

/// What became of one mail or call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reached {
    Yes,
    /// They would refuse it again.
    Never,
    /// Others may be reached.
    NotNow,
    /// Others have the same trouble: the server is away, or does not let us in.
    NoWay,
}

impl Door {
    /// Somebody asks for the status page by mail. `false`: too many do. What it says never tells whether the address is known.
    pub async fn subscribe(&self, asking: Asking) -> Result<bool, Fault> {
        let now = self.inside.clock.now();
        let taken = self.blocking(move |store| store.ask(&asking, now)).await?;
        if taken {
            self.inside.subscribers_asked.notify_one();
        }
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

/// The key of the mail that asks for a yes. One that asks anew is another message, which mail programs must not hide as the copy of the first.
fn confirm_key(id: u64, secret: &str) -> EffectKey {
    EffectKey(format!("status/confirm/{id}/{}", Digest::of(secret.as_bytes()).short()))
}

/// How the mails of a post went.
#[derive(Default)]
struct Round {
    left: Vec<(String, Recipient)>,
    /// Mails in a row that found no way.
    in_a_row: u32,
    /// Those that found none when the post had waited as long as it may.
    late: u32,
}

impl Round {
    fn count(&mut self, reached: Reached, is_late: bool) {
        if reached == Reached::NoWay {
            self.in_a_row += 1;
            self.late += u32::from(is_late);
        } else {
            self.in_a_row = 0;
        }
    }

    /// There may be more whom nobody has tried.
    fn is_broken_off(&self) -> bool {
        self.in_a_row >= NO_WAY_MAX || self.late >= NO_WAY_MAX
    }
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
        let Telling::Post { at, .. } = order.what else { return Ok(Outcome::Failed { detail: "nothing to tell".to_owned() }) };
        let until = self.until(order, at).await?;
        let (calls, round) = tokio::join!(self.calls(effect, order), self.mails(effect, order, at, until));
        let (calls, round) = (calls?, round?);
        let now = self.door.inside.clock.now();
        if now < until && self.is_worth_waiting(effect, &calls, &round).await? {
            return Ok(Outcome::Postponed { after_s: WAIT_S, detail: "not every subscriber can be reached".to_owned() });
        }
        for name in calls.into_iter().chain(round.left.iter().map(|(name, _)| name.clone())) {
            self.remember(&effect.key, name, false).await?;
        }
        if round.is_broken_off() {
            self.give_up(effect, at).await?;
        }
        let post = effect.key.clone();
        let (sent, failed) = self.door.blocking(move |store| store.told(&post, now)).await?;
        Ok(Outcome::Told { sent, failed })
    }

    /// Until when it waits for a mail server. So many mails take their time also when nothing is wrong: that is not waiting.
    async fn until(&self, order: &TellOrder, at: Timestamp) -> Result<Timestamp, Fault> {
        let readers = if order.mail.is_some() { self.door.read(|reader| reader.subscribers()).await? } else { 0 };
        let telling = SignedDuration::from_mins(i64::try_from(readers / u64::from(order.mails_per_min.max(1))).unwrap_or(0));
        Ok(at.checked_add(WAIT_AT_MOST + telling).unwrap_or(Timestamp::MAX))
    }

    /// A mail server that is away is waited for. A few who cannot be reached hold up no later post: it tells them more than this one.
    async fn is_worth_waiting(&self, effect: &Effect, calls: &[String], round: &Round) -> Result<bool, Fault> {
        if round.is_broken_off() {
            return Ok(true);
        }
        let post = effect.key.clone();
        if !round.left.is_empty() && self.door.blocking(move |store| store.mailed(&post)).await? == 0 {
            return Ok(true);
        }
        if round.left.is_empty() && calls.is_empty() {
            return Ok(false);
        }
        let waiting = self.door.read(|reader| reader.outbox()).await?;
        Ok(!waiting.iter().any(|row| row.kind == effect.work.kind() && row.key != effect.key))
    }

    /// Programs are called side by side: one that hangs holds up neither mails nor another program. Who could not be reached.
    async fn calls(&self, effect: &Effect, order: &TellOrder) -> Result<Vec<String>, Fault> {
        let mut calling = JoinSet::new();
        for (receiver, webhook) in &order.webhooks {
            let name = format!("webhook/{receiver}");
            let (post, recipient) = (effect.key.clone(), name.clone());
            if !self.door.blocking(move |store| store.is_told(&post, &recipient)).await? {
                let to = Recipient::Webhook { receiver: receiver.clone(), webhook: webhook.clone() };
                calling.spawn(self.clone().call(effect.key.clone(), order.clone(), name, to));
            }
        }
        let mut left = Vec::new();
        while let Some(called) = calling.join_next().await {
            let broken = |error: tokio::task::JoinError| Fault::Broken { kind: error.to_string() };
            left.extend(called.map_err(broken)??);
        }
        Ok(left)
    }

    async fn call(self, post: EffectKey, order: TellOrder, name: String, to: Recipient) -> Result<Option<String>, Fault> {
        let key = EffectKey(format!("{post}/{name}"));
        for wait in [Duration::ZERO].into_iter().chain(AGAIN) {
            tokio::time::sleep(wait).await;
            match self.reach(&key, &order, to.clone()).await {
                Reached::Yes => return self.remember(&post, name, true).await.map(|()| None),
                Reached::Never => return self.remember(&post, name, false).await.map(|()| None),
                Reached::NotNow | Reached::NoWay => {}
            }
        }
        Ok(Some(name))
    }

    async fn mails(&self, effect: &Effect, order: &TellOrder, at: Timestamp, until: Timestamp) -> Result<Round, Fault> {
        let (mut round, mut after) = (Round::default(), 0);
        while order.mail.is_some() {
            let post = effect.key.clone();
            let batch = self.door.blocking(move |store| store.untold(&post, at, after, BATCH)).await?;
            let Some(last) = batch.last() else { break };
            after = last.id;
            for subscriber in batch {
                let name = format!("mail/{}", subscriber.id);
                self.mail(effect, order, (name, by_mail(subscriber)), until, &mut round).await?;
                if round.is_broken_off() {
                    return Ok(round);
                }
            }
        }
        for wait in AGAIN {
            if round.left.is_empty() {
                break;
            }
            tokio::time::sleep(wait).await;
            for one in std::mem::take(&mut round.left) {
                self.mail(effect, order, one, until, &mut round).await?;
                if round.is_broken_off() {
                    return Ok(round);
                }
            }
        }
        Ok(round)
    }

    async fn mail(
        &self,
        effect: &Effect,
        order: &TellOrder,
        (name, to): (String, Recipient),
        until: Timestamp,
        round: &mut Round,
    ) -> Result<(), Fault> {
        let reached = self.reach(&EffectKey(format!("{}/{name}", effect.key)), order, to.clone()).await;
        round.count(reached, self.door.inside.clock.now() >= until);
        match reached {
            Reached::Yes => self.remember(&effect.key, name, true).await?,
            Reached::Never => self.remember(&effect.key, name, false).await?,
            Reached::NotNow | Reached::NoWay => round.left.push((name, to)),
        }
        tokio::time::sleep(paced(order)).await;
        Ok(())
    }

    /// Counts everybody as not reached who is left.
    async fn give_up(&self, effect: &Effect, at: Timestamp) -> Result<(), Fault> {
        let mut after = 0;
        loop {
            let post = effect.key.clone();
            let batch = self.door.blocking(move |store| store.untold(&post, at, after, BATCH)).await?;
            let Some(last) = batch.last() else { return Ok(()) };
            after = last.id;
            for subscriber in batch {
                self.remember(&effect.key, format!("mail/{}", subscriber.id), false).await?;
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
                if matches!(other, Outcome::Postponed { .. }) { Reached::NotNow } else { Reached::NoWay }
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
        let mut swept = Timestamp::MIN;
        loop {
            let now = self.door.inside.clock.now();
            // Also when nobody asks any more, or the page takes no subscribers now: whoever never said yes must not be kept.
            if now.duration_since(swept) >= SWEEP {
                swept = now;
                if let Err(fault) = self.door.blocking(move |store| store.forget_unanswered(now)).await {
                    tracing::warn!(%fault, "those who never said yes cannot be forgotten yet");
                }
            }
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
        let mut no_way = 0;
        for (subscriber, secret) in self.door.blocking(move |store| store.unasked(now, BATCH)).await? {
            let id = subscriber.id;
            let order = order(&policy, page, Telling::Confirm { secret: format!("{id}.{secret}") });
            let reached = self.reach(&confirm_key(id, &secret), &order, by_mail(subscriber)).await;
            let again_at = now.checked_add(CONFIRM_AGAIN).unwrap_or(Timestamp::MAX);
            let asked = match reached {
                Reached::Yes => Asked::Out,
                // Not forgotten at once: a mail server that is set up wrongly refuses everybody.
                Reached::Never => Asked::Refused { again_at },
                Reached::NotNow | Reached::NoWay => Asked::NotYet { again_at },
            };
            self.door.blocking(move |store| store.asked(id, &secret, asked)).await?;
            no_way = if reached == Reached::NoWay { no_way + 1 } else { 0 };
            if no_way >= NO_WAY_MAX {
                return Ok(());
            }
            tokio::time::sleep(paced(&order)).await;
        }
        Ok(())
    }
}
