//! Witnessed terminals as they happen: what the recorder sends, who watches, whether keys may pass. Beside the door, not around it: what
//! must last (blocks, acknowledgements, held keys, the end) goes through the door as commands of [`Actor::Recorder`].
//!
//! One recorder and any number of watchers to a session. Bytes travel at once; they count as recorded when their block is stored.
//! A session lives on the node to which its recorder is connected.

mod feed;
mod live;
mod news;
mod screen;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hikeshi_domain::command::{Command, Envelope};
use hikeshi_domain::emergency::{Emergency, unaccepted};
use hikeshi_domain::facts::{Facts, Needs};
use hikeshi_domain::ids::EmergencyId;
use hikeshi_domain::people::{Actor, Via};
use hikeshi_domain::policy::Policy;
use hikeshi_domain::session::{self, HeldBecause, Session, SessionEnd};
use hikeshi_store::Span;
use tokio::task::JoinSet;

pub use feed::{FeedError, Recorder, Seen, Watcher};
pub use news::{Named, News, Screen};

use crate::door::{Answer, Door, inside_key};
use live::Live;
use screen::ScreenModel;

/// Sessions that may be open at once on one node.
const SESSIONS_MAX: usize = 200;
/// How often the gate is looked at.
const GATE_EVERY: Duration = Duration::from_millis(200);
/// What is stored is named in the ledger at least this often.
const SEAL_EVERY: Duration = Duration::from_secs(10);
const ACKS_EVERY: Duration = Duration::from_secs(10);
/// Files outside the scope that those who watch are told by name; the page lists all.
const OUTSIDE_TOLD_MAX: usize = 20;
/// How long the end waits for those who watch to have signed the last block.
const LAST_LOOK_WITHIN: Duration = Duration::from_secs(3);
/// A recorder that is silent for this long will not come back.
const RECORDER_LOST_AFTER: Duration = Duration::from_secs(300);

type Key = (EmergencyId, u32);

/// The open sessions of this node.
#[derive(Default)]
pub(crate) struct Sessions {
    open: Mutex<HashMap<Key, Arc<Live>>>,
}

impl Sessions {
    fn find(&self, key: Key) -> Option<Arc<Live>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned()
    }

    fn all(&self) -> Vec<(Key, Arc<Live>)> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|(key, live)| (*key, Arc::clone(live))).collect()
    }

    /// The live session, made on first use. `None`: too many are open.
    fn enter(&self, key: Key, make: impl FnOnce() -> Live) -> Option<Arc<Live>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(live) = open.get(&key) {
            return Some(Arc::clone(live));
        }
        if open.len() >= SESSIONS_MAX {
            return None;
        }
        let live = Arc::new(make());
        open.insert(key, Arc::clone(&live));
        Some(live)
    }

    fn leave(&self, key: Key) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
    }
}

/// One session as the tables have it, with all that its gate asks about.
#[derive(Clone)]
struct Kept {
    emergency: Emergency,
    policy: Arc<Policy>,
}

impl Kept {
    fn session(&self, number: u32) -> Option<&Session> {
        self.emergency.sessions.iter().find(|session| session.number == number)
    }
}

async fn kept(door: &Door, emergency: EmergencyId) -> Result<Option<Kept>, crate::door::Fault> {
    let now = door.inside.clock.now();
    door.read(move |reader| {
        let workspace = reader.head()?.workspace;
        let Some(policy) = workspace.policy.clone() else { return Ok(None) };
        let mut facts = Facts { workspace, ..Facts::default() };
        reader.load(&Needs { emergencies: [emergency].into(), ..Needs::default() }, now, &mut facts)?;
        Ok(facts.emergency(emergency).cloned().map(|emergency| Kept { emergency, policy }))
    })
    .await
}

/// What became of a word to the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Taken,
    /// The door has answered: it will not be taken later either.
    Refused,
    /// It did not reach the door.
    Lost,
}

/// Says something about a session through the door. Each word is said once; one that was not taken is said anew.
async fn say(door: &Door, what: &str, live: &Live, command: session::Command) -> Said {
    let kind = Command::Session(command.clone()).kind();
    let (at, turn) = (door.inside.clock.now().to_string(), live.next_word().to_string());
    let key = inside_key(&[what, &live.emergency.to_string(), &live.session.to_string(), &at, &turn]);
    let envelope = Envelope { key, actor: Actor::Recorder, via: Via::Inside, command: Command::Session(command) };
    match door.submit(envelope).await {
        Ok(Answer::Done(_) | Answer::Already(_)) => Said::Taken,
        Ok(Answer::Refused { refusal, .. }) => {
            tracing::debug!(kind, code = refusal.code(), "the door did not take a word about a session");
            Said::Refused
        }
        Err(fault) => {
            tracing::warn!(kind, %fault, "a word about a session did not reach the door");
            Said::Lost
        }
    }
}

/// Keeps every open session's gate and brings what is stored into the ledger. Ends when the engine stops.
pub(crate) async fn run(door: Door) {
    adopt(&door).await;
    let mut tick = tokio::time::interval(GATE_EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut known: BTreeMap<EmergencyId, (u64, Kept)> = BTreeMap::new();
    // Screens that are drawn again, and what is told to the ledger; dropped with this, and none waits for another.
    let mut working = JoinSet::new();
    loop {
        tokio::select! {
            () = door.inside.stopped() => return,
            Some(_) = working.join_next() => continue,
            _ = tick.tick() => {}
        }
        let open = door.inside.sessions.all();
        known.retain(|id, _| open.iter().any(|((emergency, _), _)| emergency == id));
        for (key, live) in open {
            if live.wants_its_screen() {
                working.spawn(redraw(door.clone(), key, Arc::clone(&live)));
            }
            let tip = *door.inside.tip.borrow();
            if known.get(&key.0).is_none_or(|(size, _)| *size != tip) {
                match kept(&door, key.0).await {
                    Ok(Some(kept)) => {
                        known.insert(key.0, (tip, kept));
                    }
                    Ok(None) => door.inside.sessions.leave(key),
                    Err(fault) => tracing::warn!(%fault, "a session's exception cannot be read"),
                }
            }
            if let Some((_, kept)) = known.get(&key.0)
                && let Some(told) = count(&door, key, &live, kept)
                && let Some(turn) = Arc::clone(&live).take_turn()
            {
                let (door, live, kept) = (door.clone(), Arc::clone(&live), kept.clone());
                working.spawn(async move {
                    tell(&door, &live, &kept, told).await;
                    drop(turn);
                });
            }
        }
    }
}

/// After a restart: sessions that were open still are, until their recorder comes back or has been silent too long.
async fn adopt(door: &Door) {
    let open = door.read(|reader| reader.emergencies(true, Span { before: None, limit: 1_000 })).await;
    let open = match open {
        Ok(open) => open,
        Err(fault) => {
            tracing::warn!(%fault, "open sessions cannot be read");
            return;
        }
    };
    let now = door.inside.clock.now();
    for emergency in open {
        let encoding = emergency.plan.terminal.as_ref().map(|terminal| terminal.encoding).unwrap_or_default();
        for session in emergency.sessions.iter().filter(|session| session.is_open()) {
            door.inside.sessions.enter((emergency.id, session.number), || Live::new(emergency.id, session, encoding, now));
        }
    }
}

/// After a restart the screen is drawn again from what was recorded, beside everything else.
async fn redraw(door: Door, key: Key, live: Arc<Live>) {
    let recording = match door.look(&Actor::Recorder).recording(key.0, key.1).await {
        Ok(recording) => recording,
        Err(error) => {
            tracing::warn!(%error, "a session's recording cannot be read");
            live.keep_screen();
            return;
        }
    };
    let (mut recording, mut screen) = (recording, ScreenModel::new(live.encoding));
    loop {
        match recording.next().await {
            Ok(Some((block, _))) => block.frames.iter().for_each(|(_, frame)| screen.show(frame)),
            Ok(None) => match live.take_screen(screen, recording.told.blocks.len()) {
                Ok(()) => return,
                // More was recorded meanwhile.
                Err((back, more)) => {
                    screen = *back;
                    recording.told.blocks.extend(more);
                }
            },
            Err(error) => {
                tracing::error!(%error, emergency = %key.0, session = key.1, "the recording is damaged; its screen begins empty");
                live.keep_screen();
                return;
            }
        }
    }
}

/// Tells the ledger at once what is stored and signed: before another device counts for a person, whose key would not fit the words of this one.
async fn settle(door: &Door, live: &Live) {
    let (emergency, number) = (live.emergency, live.session);
    let Ok(Some(kept)) = kept(door, emergency).await else { return };
    if let Some(session) = kept.session(number) {
        tell_stored(door, live, session.blocks, Duration::ZERO, Duration::ZERO).await;
    }
}

/// Names in the ledger what is stored and what is signed, if it is time for it. `sealed`: the blocks that it names already.
async fn tell_stored(door: &Door, live: &Live, sealed: u64, seal_every: Duration, acks_every: Duration) {
    let _alone = live.telling.lock().await;
    let (emergency, number) = (live.emergency, live.session);
    if let Some(batch) = live.take_sealed(sealed, seal_every) {
        let told = say(door, "seal", live, batch.command(emergency, number)).await;
        live.sealed_told(&batch, told == Said::Taken);
    }
    if let Some(acks) = live.take_acks(live.named(), acks_every) {
        let acknowledge = session::Command::Acknowledge { emergency, session: number, acks: acks.clone() };
        if say(door, "acks", live, acknowledge).await == Said::Lost {
            live.owe_again(acks);
        }
    }
}

/// Who looks, and so whether keys pass: several times a second, whatever the ledger's door is busy with. Something: what the ledger may have
/// to hear of that session's gate.
fn count(door: &Door, key: Key, live: &Live, kept: &Kept) -> Option<Option<Vec<HeldBecause>>> {
    let session = kept.session(key.1)?;
    if !session.is_open() {
        live.over(session);
        door.inside.sessions.leave(key);
        return None;
    }
    live.set_asked(session.asked.as_ref());
    live.set_outside(unaccepted(&kept.emergency).map(|change| change.path.clone()).take(OUTSIDE_TOLD_MAX).collect());
    let now = door.inside.clock.now();
    Some(live.set_gate(session::gate(&kept.emergency, session, &kept.policy, &live.looking(now), now)))
}

/// What the ledger has not heard yet of one session.
async fn tell(door: &Door, live: &Live, kept: &Kept, held: Option<Vec<HeldBecause>>) {
    let (emergency, number) = (live.emergency, live.session);
    let Some(session) = kept.session(number) else { return };
    if let Some(held) = held {
        // Read again now that nobody else tells: what was read before may be older than the last word.
        let Ok(Some(now)) = self::kept(door, emergency).await else { return };
        let known = now.session(number).is_some_and(|session| session.held == held);
        let gate = session::Command::Gate { emergency, session: number, held: held.clone() };
        if known || say(door, "gate", live, gate).await == Said::Taken {
            live.gate_is_told(&held);
        }
    }
    tell_stored(door, live, session.blocks, SEAL_EVERY, ACKS_EVERY).await;
    let end = live.ended(LAST_LOOK_WITHIN).or_else(|| (live.silent_for() > RECORDER_LOST_AFTER).then_some(SessionEnd::Lost));
    if let Some(end) = end.filter(|_| live.is_told()) {
        let end = match (&session.stop, end) {
            (Some(stop), SessionEnd::Exited { .. } | SessionEnd::ConnectionLost { .. }) => stop.clone(),
            (_, end) => end,
        };
        say(door, "end", live, session::Command::End { emergency, session: number, end }).await;
    }
}
