//! Fires stored deadlines: sleeps until the next one, submits a wake for each that has come. A wake carries no data; the door looks at the tables.
//!
//! A deadline fires once, also with two nodes or after a restart: its request key is the wake together with its due time.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use hikeshi_domain::Timestamp;
use hikeshi_domain::command::{Command, Envelope};
use hikeshi_domain::people::{Actor, Via};
use hikeshi_domain::timer::Wake;
use jiff::SignedDuration;
use tokio::task::JoinSet;

use crate::door::{Answer, Door, Fault, inside_key};
use crate::examine::examine;
use crate::figures::count;

/// Wakes submitted together.
const LIMIT: u32 = 256;
/// A row that is still due after its wake was answered is not tried again for this long: nothing about it changes by haste.
const REST: Duration = Duration::from_secs(30);
/// The longest sleep. Presence is no stored timer, and other nodes write timers too.
const SLEEP_MAX: SignedDuration = SignedDuration::from_secs(5);
const TROUBLE_WAIT: Duration = Duration::from_secs(1);
/// Between two looks, however often somebody nudges.
const LOOK_WAIT: Duration = Duration::from_millis(20);

type Due = (Wake, Timestamp);

pub(crate) struct Timers {
    door: Door,
    resting: BTreeMap<Due, Rest>,
    /// Since when whoever sends to us could be heard. Before, a sender's silence was ours.
    listening_since: Timestamp,
}

/// A wake that was answered while its row stayed due.
#[derive(Clone, Copy)]
struct Rest {
    until: Instant,
    /// How often it was fired. Part of the next key: a row that a changed policy makes due at the very time of an earlier deadline must
    /// not be taken for that one.
    fired: u32,
}

/// What one look at the tables says.
struct Outlook {
    due: Vec<Due>,
    next: Option<Timestamp>,
    presence_timeout_s: u32,
}

impl Timers {
    pub(crate) fn new(door: Door) -> Self {
        let listening_since = door.inside.clock.now();
        Self { door, resting: BTreeMap::new(), listening_since }
    }

    pub(crate) async fn run(mut self) {
        loop {
            let until = match self.round().await {
                Ok(until) => until,
                Err(fault) => {
                    tracing::warn!(%fault, "deadlines cannot be looked at");
                    self.listening_since = self.door.inside.clock.now();
                    tokio::select! {
                        () = self.door.inside.stopped() => return,
                        () = tokio::time::sleep(TROUBLE_WAIT) => continue,
                    }
                }
            };
            tokio::select! {
                () = self.door.inside.stopped() => return,
                () = self.door.inside.timers_changed.notified() => {}
                () = self.door.inside.clock.reached(until) => {}
            }
            tokio::time::sleep(LOOK_WAIT).await;
        }
    }

    /// Fires what is due, and says until when to sleep.
    async fn round(&mut self) -> Result<Timestamp, Fault> {
        loop {
            let now = self.door.inside.clock.now();
            let outlook = self.outlook(now).await?;
            let instant = Instant::now();
            self.resting.retain(|due, _| outlook.due.contains(due));
            let ready: Vec<Due> =
                outlook.due.into_iter().filter(|due| self.resting.get(due).is_none_or(|rest| rest.until <= instant)).collect();
            if ready.is_empty() {
                let watch = SignedDuration::from_secs(i64::from(outlook.presence_timeout_s.max(4)) / 4).min(SLEEP_MAX);
                let latest = now.saturating_add(watch).unwrap_or(Timestamp::MAX);
                // A row that rests is due already; it must not make the sleep end at once.
                return Ok(outlook.next.filter(|next| *next > now).map_or(latest, |next| next.min(latest)));
            }
            self.fire(ready, instant).await?;
        }
    }

    async fn outlook(&self, now: Timestamp) -> Result<Outlook, Fault> {
        let resting = u32::try_from(self.resting.len()).unwrap_or(u32::MAX);
        let listening_since = self.listening_since;
        self.door
            .read(move |reader| {
                let presence_timeout_s = reader.head()?.workspace.policy.map_or(0, |policy| policy.emergency.presence_timeout_s);
                let silent_since = now.saturating_sub(SignedDuration::from_secs(i64::from(presence_timeout_s))).unwrap_or(Timestamp::MIN);
                let due = reader.due(now, silent_since, listening_since, LIMIT.saturating_add(resting))?;
                Ok(Outlook { due, next: reader.next_due()?, presence_timeout_s })
            })
            .await
    }

    /// All at once, so that they share a commit.
    async fn fire(&mut self, ready: Vec<Due>, instant: Instant) -> Result<(), Fault> {
        let mut answers = JoinSet::new();
        for due in ready {
            let door = self.door.clone();
            let fired = self.resting.get(&due).map_or(0, |rest| rest.fired);
            answers.spawn(async move {
                let answer = match envelope(&due, fired) {
                    // What is asked for is a search, which reads more than a decision may: what it found is the command.
                    asked @ Envelope { command: Command::Wake(Wake::Examine { .. }), .. } => examine(&door, asked).await,
                    asked => door.submit(asked).await,
                };
                (due, answer)
            });
        }
        let mut trouble = None;
        while let Some(joined) = answers.join_next().await {
            let Ok((due, answer)) = joined else { continue };
            match answer {
                Ok(Answer::Done(receipt)) => {
                    count(&self.door.inside.counters.timers_fired);
                    tracing::debug!(wake = ?due.0, due_at = %due.1, seq = ?receipt.seq, "a deadline has come");
                }
                Ok(Answer::Already(_) | Answer::Refused { .. }) => {}
                Err(fault) => {
                    trouble = Some(fault);
                    continue;
                }
            }
            let rest = self.resting.entry(due).or_insert(Rest { until: instant, fired: 0 });
            *rest = Rest { until: instant + REST, fired: rest.fired.saturating_add(1) };
        }
        trouble.map_or(Ok(()), Err)
    }
}

fn envelope((wake, due_at): &Due, fired: u32) -> Envelope {
    let name = match wake {
        Wake::Escalate { incident } => format!("escalate:{incident}"),
        Wake::PageAgain { incident } => format!("page_again:{incident}"),
        Wake::UpdateDue { incident } => format!("update_due:{incident}"),
        Wake::ApprovalExpires { emergency } => format!("approval_expires:{emergency}"),
        Wake::SessionLong { emergency } => format!("session_long:{emergency}"),
        Wake::WitnessSilent { emergency, person } => format!("witness_silent:{emergency}:{person}"),
        Wake::Remind { obligation } => format!("remind:{obligation}"),
        Wake::Overdue { obligation } => format!("overdue:{obligation}"),
        Wake::EscalateOwed { obligation } => format!("escalate_owed:{obligation}"),
        Wake::Compare { obligation } => format!("compare:{obligation}"),
        Wake::Examine { emergency } => format!("examine:{emergency}"),
        Wake::MonthEnds => "month_ends".to_owned(),
        Wake::Unreconciled { incident } => format!("unreconciled:{incident}"),
        Wake::AlertSettles { alert } => format!("alert_settles:{alert}"),
        Wake::SilenceEnds { silence } => format!("silence_ends:{silence}"),
        Wake::AlertLapses { alert } => format!("alert_lapses:{alert}"),
    };
    let due_at = due_at.as_millisecond().to_string();
    let key = match fired {
        0 => inside_key(&["wake", &name, &due_at]),
        fired => inside_key(&["wake", &name, &due_at, &fired.to_string()]),
    };
    Envelope { key, actor: Actor::Timer, via: Via::Inside, command: Command::Wake(wake.clone()) }
}
