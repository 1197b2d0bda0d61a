//! Who is on call: calculated from the policy and the overrides when somebody looks.

use hikeshi_domain::Timestamp;
use hikeshi_domain::ids::{PersonId, ScheduleName};
use hikeshi_domain::oncall::{Override, Roster, Shift};
use hikeshi_domain::page::{Means, reach};
use hikeshi_domain::permit::holds;
use hikeshi_domain::policy::Schedule;
use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Look, LookError, Sight};

/// Most days of one answer.
pub const DAYS_MAX: u32 = 400;
/// How far ahead the end of the present shift and the next one are looked for.
const AHEAD_DAYS: u32 = 62;

/// Who is on call, and who will be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OncallView {
    pub size: u64,
    pub at: Timestamp,
    /// The shifts are of this time.
    pub from: Timestamp,
    pub until: Timestamp,
    pub schedules: Vec<OncallSchedule>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OncallSchedule {
    pub schedule: ScheduleName,
    pub name: String,
    /// Its local times are of this zone.
    pub time_zone: String,
    /// On call now; `None`: nobody.
    pub person: Option<PersonId>,
    /// Until when that holds; `None`: for longer than anybody looks ahead.
    pub until: Option<Timestamp>,
    /// What comes after that.
    pub next: Option<Shift>,
    /// By what the person on call now can be reached.
    pub reached_by: Vec<Means>,
    /// Without a hole: where nobody is on call there is a shift of nobody.
    pub shifts: Vec<Shift>,
    /// Those that are not over.
    pub overrides: Vec<Override>,
    /// Whether the asker may put others on call.
    pub may_arrange: bool,
}

impl Look<'_> {
    /// All schedules with their shifts of so many days from a moment; from now without one.
    pub async fn oncall(&self, from: Option<Timestamp>, days: u32) -> Result<OncallView, LookError> {
        self.see(move |sight| {
            let from = from.unwrap_or(sight.now);
            let until = plus(from, days.clamp(1, DAYS_MAX));
            let schedules = sight.policy.schedules.iter().map(|(id, schedule)| one(sight, id, schedule, from, until)).collect();
            Ok(OncallView { size: sight.head.size, at: sight.now, from, until, schedules })
        })
        .await
    }
}

fn one(sight: &Sight<'_, '_>, id: &ScheduleName, schedule: &Schedule, from: Timestamp, until: Timestamp) -> OncallSchedule {
    let (policy, now) = (&*sight.policy, sight.now);
    let overrides = &sight.head.workspace.overrides;
    let roster = Roster { policy, overrides };
    let mut ahead = roster.shifts(id, now, plus(now, AHEAD_DAYS)).into_iter();
    let (present, next) = (ahead.next(), ahead.next());
    let person = present.as_ref().and_then(|shift| shift.person.clone());
    OncallSchedule {
        schedule: id.clone(),
        name: schedule.name.clone(),
        time_zone: schedule.time_zone.clone().unwrap_or_else(|| policy.workspace.time_zone.clone()),
        until: next.as_ref().map(|next| next.from),
        next,
        reached_by: person.as_ref().map(|person| reach(policy, person)).unwrap_or_default(),
        person,
        shifts: roster.shifts(id, from, until),
        overrides: overrides.values().filter(|row| row.schedule == *id && row.until > now).cloned().collect(),
        may_arrange: holds(policy, &sight.actor, &schedule.managed_by),
    }
}

fn plus(at: Timestamp, days: u32) -> Timestamp {
    at.saturating_add(SignedDuration::from_hours(24 * i64::from(days))).unwrap_or(Timestamp::MAX)
}
