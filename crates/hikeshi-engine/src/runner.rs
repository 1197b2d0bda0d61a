//! Carries effects out: claims them from the outbox, has the hands do them, brings the outcome back through the door.
//!
//! The claim is the durable intent: it is written before anything happens. When a claim has run out nobody knows what happened,
//! and the effect's own word decides ([`Again`]): do it again, ask the world, or leave it to a person. A claim whose work has begun is never
//! given back, only left to run out, so that the next holder knows to look.

mod pages;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use hikeshi_domain::command::{Command, Envelope, OutcomeCommand};
use hikeshi_domain::effect::{Again, Contents, Doing, Effect, IN_ORDER, Outcome, PAGES, Performed, Seen, Work};
use hikeshi_domain::ids::Digest;
use hikeshi_domain::page::Address;
use hikeshi_domain::people::{Actor, Via};
use hikeshi_store::{Claim, Store};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::door::{Answer, Door, Fault, inside_key};
use crate::figures::count;
use crate::recording::redact;

/// Effects that one node has begun at the same time.
const PARALLEL_MAX: usize = 32;
/// Of these, how many at once are work of this machine. What is done on other hosts waits there, not here: a dead one holds up nobody.
const HERE_MAX: usize = 4;
/// Pages of one kind that one node has begun at the same time: people are reached side by side, and one that hangs holds up nobody else.
const PAGES_MAX: usize = 64;
/// While more of them wait than can be begun, those that end within this time make room together: each claim is a commit.
const GATHER: Duration = Duration::from_millis(5);
/// How often to look for work of other nodes, and for claims that have run out.
const POLL: Duration = Duration::from_secs(1);
/// Claims of one effect after which it is given up: something about it breaks whoever tries.
const ATTEMPTS_MAX: u32 = 5;
/// Times that the world is asked again when it cannot tell.
const LOOKS_MAX: u32 = 5;
const LOOK_WAIT_MAX: Duration = Duration::from_secs(5);
/// At the stop, how long running effects may still bring their outcome in.
const GRACE: Duration = Duration::from_secs(2);
const DELIVER_WAIT_MAX: Duration = Duration::from_secs(30);

#[derive(Clone)]
pub(crate) struct Runner {
    pub(crate) door: Door,
    pub(crate) node: String,
    pub(crate) lease_s: u32,
    turns: Arc<Semaphore>,
}

/// How long an effect waits that the world could not be asked about.
const UNTOLD_WAIT_S: u32 = 30;

/// The effect as it is done once more after a crash: a page that may arrive twice says so.
fn repeated(effect: &Effect) -> Effect {
    let mut effect = effect.clone();
    if let Work::Page(order) = &mut effect.work {
        order.repeated = true;
    }
    effect
}

/// What is to be said about an effect.
#[expect(clippy::large_enum_variant, reason = "one verdict at a time, for microseconds")]
enum Verdict {
    Ended(Performed),
    InDoubt,
}

impl Verdict {
    /// Somebody saw it happen: that stays true whoever says it.
    fn is_seen(&self) -> bool {
        match self {
            Self::Ended(Performed { outcome: Outcome::Failed { .. } | Outcome::StepEnded { looked: Err(_), .. }, .. }) | Self::InDoubt => {
                false
            }
            Self::Ended(_) => true,
        }
    }
}

impl Runner {
    pub(crate) fn new(door: Door, node: String, lease_s: u32) -> Self {
        Self { door, node, lease_s, turns: Arc::new(Semaphore::new(HERE_MAX)) }
    }

    pub(crate) async fn run(self) {
        let mut working = JoinSet::new();
        let mut lanes = JoinSet::new();
        for kind in IN_ORDER {
            lanes.spawn(self.clone().in_order(kind));
        }
        for kind in PAGES {
            lanes.spawn(self.clone().pages(kind));
        }
        loop {
            let free = PARALLEL_MAX.saturating_sub(working.len());
            if free > 0 {
                let (node, lease_s) = (self.node.clone(), self.lease_s);
                let limit = u32::try_from(free).unwrap_or(1);
                for claim in self.claimed(move |store| store.claim(&node, limit, lease_s)).await {
                    working.spawn(self.clone().carry(claim));
                }
            }
            tokio::select! {
                () = self.door.inside.stopped() => break,
                () = self.door.inside.effects_queued.notified() => {}
                Some(ended) = working.join_next(), if !working.is_empty() => {
                    if let Err(broken) = ended {
                        tracing::error!(%broken, "carrying an effect out broke; its claim runs out and it is looked at again");
                    }
                }
                () = tokio::time::sleep(POLL) => {}
            }
        }
        // What is not brought in now is found by the next start: its claim runs out, and the world is asked.
        let drained = tokio::time::timeout(GRACE, async {
            while working.join_next().await.is_some() {}
            while lanes.join_next().await.is_some() {}
        })
        .await;
        if drained.is_err() {
            tracing::info!(effects = working.len(), "stopping while effects are going on; they are looked at after the next start");
        }
    }

    /// Pages wait behind no other work, and serious ones behind no others.
    async fn pages(self, kind: &'static str) {
        let mut working = JoinSet::new();
        let mut look = true;
        // More than could be begun: nobody has to tell of them.
        let mut waiting = false;
        while !*self.door.inside.stopping.borrow() {
            // From here on a nudge is not missed, also one that comes while claims are being asked for.
            let mut nudged = std::pin::pin!(self.door.inside.in_order_queued.notified());
            nudged.as_mut().enable();
            let free = PAGES_MAX.saturating_sub(working.len());
            if free > 0 && look {
                let (node, lease_s) = (self.node.clone(), self.lease_s);
                let limit = u32::try_from(free).unwrap_or(1);
                let bundles = self.claimed(move |store| store.claim_pages(&node, kind, limit, lease_s)).await;
                waiting = bundles.iter().map(Vec::len).sum::<usize>() >= free;
                for bundle in bundles {
                    working.spawn(self.clone().send(bundle));
                }
            }
            let ended = tokio::select! {
                () = self.door.inside.stopped() => break,
                () = nudged => None,
                ended = working.join_next(), if !working.is_empty() => ended,
                () = tokio::time::sleep(POLL) => {
                    look = true;
                    continue;
                }
            };
            // Room is worth a look when somebody waits for it, a nudge when nobody does.
            look = ended.is_some() == waiting;
            if ended.is_some() && waiting {
                tokio::time::sleep(GATHER).await;
            }
            for ended in ended.into_iter().chain(std::iter::from_fn(|| working.try_join_next())) {
                if let Err(broken) = ended {
                    tracing::error!(%broken, "paging broke; its claim runs out and it is done again");
                }
            }
        }
        while working.join_next().await.is_some() {}
    }

    /// One kind whose order is kept: one effect after the other, on whichever node has the first. What is put off holds up its own kind only.
    async fn in_order(self, kind: &'static str) {
        while !*self.door.inside.stopping.borrow() {
            let (node, lease_s) = (self.node.clone(), self.lease_s);
            match self.door.blocking(move |store| store.claim_first(&node, kind, lease_s)).await {
                Ok(Some(claim)) => {
                    tokio::select! {
                        () = self.next_in_order(&claim) => {}
                        never = self.extend(&claim) => match never {},
                    }
                    continue;
                }
                Ok(None) => {}
                Err(fault) => tracing::warn!(%fault, kind, "effects cannot be claimed"),
            }
            tokio::select! {
                () = self.door.inside.stopped() => return,
                () = self.door.inside.in_order_queued.notified() => {}
                () = tokio::time::sleep(POLL) => {}
            }
        }
    }

    async fn next_in_order(&self, claim: &Claim) {
        let seen = if claim.taken_over {
            count(&self.door.inside.counters.effects_looked_at);
            self.door.inside.outside.look(&claim.effect).await
        } else {
            Seen::NotHappened
        };
        let performed = match seen {
            Seen::Happened(performed) => performed,
            Seen::NotHappened => self.perform(&claim.effect).await,
            Seen::Running | Seen::Unknown => {
                let detail = "the world could not be asked".to_owned();
                Performed { outcome: Outcome::Postponed { after_s: UNTOLD_WAIT_S.min(claim.attempts), detail }, contents: Vec::new() }
            }
        };
        let Outcome::Postponed { after_s, detail } = &performed.outcome else { return self.deliver(&claim.effect, performed).await };
        tracing::info!(effect = %claim.effect.key, after_s, detail, "put off");
        let (key, fence, wait_s) = (claim.effect.key.clone(), claim.fence, *after_s);
        if let Err(fault) = self.door.blocking(move |store| store.release(&key, fence, wait_s)).await {
            tracing::warn!(effect = %claim.effect.key, %fault, "it could not be given back; its claim runs out");
        }
    }

    async fn claimed<T: Send + 'static>(&self, claim: impl FnOnce(&Store) -> hikeshi_store::Result<Vec<T>> + Send + 'static) -> Vec<T> {
        count(&self.door.inside.counters.claims);
        match self.door.blocking(claim).await {
            Ok(claims) => claims,
            Err(fault) => {
                tracing::warn!(%fault, "effects cannot be claimed");
                // Whoever nudges meanwhile must not make this loop hot.
                tokio::time::sleep(POLL).await;
                Vec::new()
            }
        }
    }

    /// One effect, from claim to outcome, while the claim is being extended.
    async fn carry(self, claim: Claim) {
        tracing::debug!(effect = %claim.effect.key, kind = claim.effect.work.kind(), attempts = claim.attempts, taken_over = claim.taken_over, "claimed");
        tokio::select! {
            () = self.in_turn(&claim) => {}
            never = self.extend(&claim) => match never {},
        }
    }

    async fn in_turn(&self, claim: &Claim) {
        let _turn = if claim.effect.work.is_elsewhere() { None } else { self.turns.acquire().await.ok() };
        self.work(claim).await;
    }

    async fn extend(&self, claim: &Claim) -> std::convert::Infallible {
        let every = Duration::from_secs(u64::from(self.lease_s)).max(Duration::from_millis(300)) / 3;
        let mut ours = true;
        loop {
            tokio::time::sleep(every).await;
            if !ours {
                continue;
            }
            let (key, fence, lease_s) = (claim.effect.key.clone(), claim.fence, self.lease_s);
            match self.door.blocking(move |store| store.extend(&key, fence, lease_s)).await {
                Ok(true) => {}
                Ok(false) => {
                    // The work goes on: what it does is done, and the outcome's key lets only the first word count.
                    tracing::warn!(effect = %claim.effect.key, "the claim was lost to another node");
                    ours = false;
                }
                Err(fault) => tracing::warn!(effect = %claim.effect.key, %fault, "the claim could not be extended"),
            }
        }
    }

    async fn work(&self, claim: &Claim) {
        let verdict = if claim.taken_over { self.take_over(claim).await } else { Verdict::Ended(self.perform(&claim.effect).await) };
        // What did not happen here may be happening where the claim is now: only its holder may say that it did not, or that nobody can tell.
        if !verdict.is_seen() && !self.holds(claim).await {
            tracing::warn!(effect = %claim.effect.key, "it is left to the node that has the claim now");
            return;
        }
        match verdict {
            Verdict::Ended(performed) => self.deliver(&claim.effect, performed).await,
            Verdict::InDoubt => {
                count(&self.door.inside.counters.effects_in_doubt);
                let effect = claim.effect.key.clone();
                self.submit(&claim.effect, "in_doubt", OutcomeCommand::InDoubt { effect }).await;
            }
        }
    }

    /// Asks the database, and stays the holder while the word is brought in.
    async fn holds(&self, claim: &Claim) -> bool {
        let extend = || {
            let (key, fence, lease_s) = (claim.effect.key.clone(), claim.fence, self.lease_s);
            self.door.blocking(move |store| store.extend(&key, fence, lease_s))
        };
        self.until_taken(&claim.effect, extend).await.unwrap_or(false)
    }

    async fn perform(&self, effect: &Effect) -> Performed {
        count(&self.door.inside.counters.effects_performed);
        match &effect.work {
            Work::Redact { emergency, incident, session, from, to } => {
                redact::perform(&self.door, *incident, (*emergency, *session), redact::Range { from: *from, to: *to }).await
            }
            Work::Page(order) => match (self.spared(order).await, &order.address) {
                (Some(refused), _) => refused,
                (None, Address::WebPush { browsers, .. }) => self.page_browsers(effect, order, browsers).await,
                (None, _) => self.door.inside.outside.perform(effect, self).await,
            },
            Work::Tell(order) => self.tell(effect, order).await,
            Work::WritePostmortem(order) => {
                let filled = crate::postmortems::with_timeline(&self.door, effect, order).await;
                self.door.inside.outside.perform(&filled, self).await
            }
            _ => self.door.inside.outside.perform(effect, self).await,
        }
    }

    /// An earlier holder is gone, and nobody knows how far it came.
    async fn take_over(&self, claim: &Claim) -> Verdict {
        let given_up = claim.attempts > ATTEMPTS_MAX;
        match claim.effect.work.again() {
            Again::Safe if given_up => Verdict::Ended(failed(claim)),
            Again::Safe => Verdict::Ended(self.perform(&repeated(&claim.effect)).await),
            again @ (Again::LookFirst | Again::AskHuman) => self.look(claim, again, given_up).await,
        }
    }

    async fn look(&self, claim: &Claim, again: Again, given_up: bool) -> Verdict {
        let mut unknown = 0;
        let mut wait = Duration::from_millis(200);
        loop {
            count(&self.door.inside.counters.effects_looked_at);
            match (self.door.inside.outside.look(&claim.effect).await, again) {
                (Seen::Happened(performed), _) => return Verdict::Ended(performed),
                // It never began, so nothing can happen twice.
                (Seen::NotHappened, _) if !given_up => return Verdict::Ended(self.perform(&claim.effect).await),
                (Seen::NotHappened | Seen::Unknown, Again::AskHuman) => return Verdict::InDoubt,
                (Seen::NotHappened, Again::LookFirst | Again::Safe) => return Verdict::Ended(failed(claim)),
                (Seen::Running, _) => {}
                (Seen::Unknown, Again::LookFirst | Again::Safe) => {
                    unknown += 1;
                    if unknown >= LOOKS_MAX {
                        return Verdict::Ended(failed(claim));
                    }
                }
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LOOK_WAIT_MAX);
        }
    }

    /// Contents first: an outcome never names what is not kept.
    async fn deliver(&self, effect: &Effect, performed: Performed) {
        if matches!(performed.outcome, Outcome::Failed { .. }) {
            count(&self.door.inside.counters.effects_failed);
        }
        for content in performed.contents {
            let content = Arc::new(content);
            let kept = self
                .until_taken(effect, || {
                    let content = Arc::clone(&content);
                    self.door.blocking(move |store| store.put_content(&content))
                })
                .await;
            if kept.is_none() {
                return;
            }
        }
        let command = OutcomeCommand::Ended { effect: effect.key.clone(), outcome: Box::new(performed.outcome) };
        self.submit(effect, "ended", command).await;
    }

    async fn submit(&self, effect: &Effect, word: &str, command: OutcomeCommand) {
        let key = inside_key(&["outcome", &effect.key.0, word]);
        let envelope = Envelope { key, actor: Actor::Runner, via: Via::Inside, command: Command::Outcome(command) };
        match self.until_taken(effect, || self.door.submit(envelope.clone())).await {
            Some(Answer::Done(_) | Answer::Already(_)) => tracing::debug!(effect = %effect.key, word, "the outcome is recorded"),
            // The door has settled the effect all the same: see `door::draft`.
            Some(Answer::Refused { refusal, .. }) => {
                tracing::warn!(effect = %effect.key, code = refusal.code(), "the outcome was not wanted any more");
            }
            None => {}
        }
    }

    /// Tries until the store has taken it, the program turns out to be at fault, or the engine stops. What is lost with the
    /// stop is looked at again after the next start.
    async fn until_taken<T, F: Future<Output = Result<T, Fault>>>(&self, effect: &Effect, mut attempt: impl FnMut() -> F) -> Option<T> {
        let mut wait = Duration::from_millis(250);
        loop {
            match attempt().await {
                Ok(taken) => return Some(taken),
                Err(fault @ (Fault::Broken { .. } | Fault::Stopping)) => {
                    tracing::error!(effect = %effect.key, %fault, "what became of the effect is not recorded");
                    return None;
                }
                Err(fault @ (Fault::Store { .. } | Fault::Busy | Fault::Halted { .. })) => {
                    tracing::warn!(effect = %effect.key, %fault, "what became of the effect is not recorded yet");
                }
            }
            tokio::select! {
                () = self.door.inside.stopped() => return None,
                () = tokio::time::sleep(wait) => {}
            }
            wait = (wait * 2).min(DELIVER_WAIT_MAX);
        }
    }
}

fn failed(claim: &Claim) -> Performed {
    let detail = format!("given up after {} attempts: it cannot be told whether {} happened", claim.attempts, claim.effect.work.kind());
    Performed { outcome: Outcome::Failed { detail }, contents: Vec::new() }
}

impl Contents for Runner {
    fn get(&self, digest: Digest) -> Doing<'_, Option<Vec<u8>>> {
        Box::pin(async move {
            match self.door.read(move |reader| reader.content(&digest)).await {
                Ok(content) => content,
                Err(fault) => {
                    tracing::warn!(%digest, %fault, "a content cannot be read");
                    None
                }
            }
        })
    }
}
