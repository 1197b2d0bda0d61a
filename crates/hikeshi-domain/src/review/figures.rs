//! The numbers of a month or a quarter, counted from uses. What is counted once in a month is counted once in its quarter.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::find::{find, same};
use super::{AsOf, Finding, Measures, Month, Period, Use};
use crate::emergency::Status;
use crate::ids::{Digest, EmergencyId, IncidentId, ObligationId, PersonId};
use crate::obligation::{self, Kind, Obligation};
use crate::policy::{Policy, Reviews};

/// How many months are compared.
pub const TIMES_MAX: u32 = 12;

/// Where something that is owed stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    InTime,
    Late,
    Open,
    Overdue,
    NotNeeded,
}

pub fn standing(owed: &Obligation, at: Timestamp) -> Standing {
    match owed.status {
        obligation::Status::Waived => Standing::NotNeeded,
        obligation::Status::Done if owed.done_at.is_some_and(|done_at| done_at > owed.due_at) => Standing::Late,
        obligation::Status::Done => Standing::InTime,
        obligation::Status::Owed if owed.is_overdue(at) => Standing::Overdue,
        obligation::Status::Owed => Standing::Open,
    }
}

/// The uses of one month: the measure that is to become smaller (rule E15).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MonthCount {
    pub month: Month,
    /// All that were asked for.
    pub requested: u64,
    /// Without those that were declined or taken back.
    pub uses: u64,
    /// Those that touched production.
    pub carried_out: u64,
}

impl MonthCount {
    pub fn none(month: Month) -> Self {
        Self { month, requested: 0, uses: 0, carried_out: 0 }
    }

    /// Each exception by when it was asked for, where it stands, and whether it was begun.
    pub fn count(months: &[Month], zone: &TimeZone, all: impl Iterator<Item = (Timestamp, Status, bool)>) -> Vec<Self> {
        let mut rows: BTreeMap<Month, Self> = months.iter().map(|month| (*month, Self::none(*month))).collect();
        for (requested_at, status, begun) in all {
            let Some(row) = rows.get_mut(&Month::of(requested_at, zone)) else { continue };
            row.requested += 1;
            row.uses += u64::from(status.is_use());
            row.carried_out += u64::from(begun);
        }
        rows.into_values().collect()
    }
}

/// How often something occurs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Count {
    pub name: String,
    pub uses: u64,
}

/// Uses for what looks like the same cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cause {
    /// The cause as the first report states it, or the reason as the first request does.
    pub text: String,
    pub from_report: bool,
    pub emergencies: Vec<EmergencyId>,
    pub incidents: Vec<IncidentId>,
}

/// How long something took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Spread {
    pub count: u64,
    pub total_s: i64,
    /// The middle one; of an even number the earlier of the two.
    pub median_s: Option<i64>,
    pub longest_s: Option<i64>,
}

impl Spread {
    pub fn of(times: impl Iterator<Item = i64>) -> Self {
        let mut times: Vec<i64> = times.collect();
        times.sort_unstable();
        Self {
            count: u64::try_from(times.len()).unwrap_or(u64::MAX),
            total_s: times.iter().sum(),
            median_s: times.get(times.len().saturating_sub(1) / 2).copied(),
            longest_s: times.last().copied(),
        }
    }
}

/// What was owed of one kind (rules E10 to E12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FollowUpFigures {
    pub kind: Kind,
    pub raised: u64,
    pub in_time: u64,
    pub late: u64,
    pub open: u64,
    pub overdue: u64,
    pub not_needed: u64,
}

impl FollowUpFigures {
    fn of(kind: Kind, uses: &[&Use]) -> Self {
        let owed = || uses.iter().flat_map(|found| &found.follow_up).filter(|owed| owed.kind == kind);
        let count = |wanted: Standing| number(owed().filter(|owed| owed.standing == wanted).count());
        Self {
            kind,
            raised: number(owed().count()),
            in_time: count(Standing::InTime),
            late: count(Standing::Late),
            open: count(Standing::Open),
            overdue: count(Standing::Overdue),
            not_needed: count(Standing::NotNeeded),
        }
    }
}

/// A prevention item or corrective action that is not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Preventions {
    pub obligation: ObligationId,
    pub kind: Kind,
    pub emergency: EmergencyId,
    pub text: String,
    pub owner: PersonId,
    pub due_at: Timestamp,
    pub overdue: bool,
}

/// What the witnessed terminals were like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sessions {
    pub sessions: u64,
    pub commands: u64,
    /// Times that a witness stopped an execution.
    pub holds: u64,
    pub keys_held: u64,
    pub keys_held_s: i64,
    pub witnesses_lost: u64,
    pub gaps: u64,
    pub gap_s: i64,
    pub recorders_lost: u64,
}

/// A finding, its exception, and what is done about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Found {
    pub emergency: EmergencyId,
    pub finding: Finding,
    /// The corrective action and where it stands; none yet in the moment after the search.
    pub corrective: Option<(ObligationId, Standing)>,
}

/// The report of a period: everything that the pages and documents show.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    pub period: Period,
    pub time_zone: String,
    pub begins_at: Timestamp,
    pub ends_at: Timestamp,
    pub as_of: AsOf,
    /// The months before and those of the period, oldest first.
    pub months: Vec<MonthCount>,
    pub requested: u64,
    pub uses: u64,
    pub carried_out: u64,
    pub declined: u64,
    pub cancelled: u64,
    pub expired: u64,
    /// Uses in as many months before, to compare with.
    pub uses_before: u64,
    pub by_service: Vec<Count>,
    pub by_cause: Vec<Cause>,
    pub approval: Spread,
    pub close: Spread,
    /// How often each person witnessed.
    pub witnesses: Vec<(PersonId, u64)>,
    /// Exceptions for which both approver roles had to agree (rule E14).
    pub hardened: u64,
    pub restored: u64,
    pub verifications_failed: u64,
    pub accepted_changes: u64,
    pub refused: u64,
    pub sessions: Sessions,
    pub follow_up: Vec<FollowUpFigures>,
    pub open_items: Vec<Preventions>,
    pub found: Vec<Found>,
    pub cases: Vec<Use>,
    /// How incidents went (rule I11).
    pub incidents: Measures,
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

impl Report {
    /// From when on exceptions are looked at: those of the compared months, and those that one of the period may repeat.
    pub fn looks_back_to(period: Period, policy: &Policy) -> Timestamp {
        let zone = policy.zone();
        let compared = period.last_month().back(TIMES_MAX).first().map_or(Timestamp::MIN, |first| first.begins(&zone));
        let days = SignedDuration::from_hours(i64::from(policy.reviews.same_cause_days) * 24);
        compared.min(period.begins(&zone).saturating_sub(days).unwrap_or(Timestamp::MIN))
    }

    /// `uses` are all from [`Self::looks_back_to`] to the end of the period, as the first entries of the ledger tell them; the policy is the
    /// one of then. `incidents` are the measures of the period by the same entries.
    pub fn new(period: Period, policy: &Policy, as_of: AsOf, uses: &[Use], incidents: Measures) -> Self {
        let zone = policy.zone();
        let (begins_at, ends_at) = (period.begins(&zone), period.ends(&zone));
        let asked = uses.iter().map(|found| (found.requested.at, found.status, found.started.is_some()));
        let months = MonthCount::count(&period.last_month().back(TIMES_MAX), &zone, asked);
        let all: Vec<&Use> = uses.iter().filter(|found| (begins_at..ends_at).contains(&found.requested.at)).collect();
        let real: Vec<&Use> = all.iter().copied().filter(|found| found.is_use()).collect();
        let ended_as = |status: Status| number(all.iter().filter(|found| found.status == status).count());
        let sum = |of: &dyn Fn(&Use) -> u64| real.iter().map(|found| of(found)).sum();
        let own = period.months();
        let before = months.iter().rev().skip_while(|row| row.month >= period.first_month()).take(own.len());
        Self {
            period,
            time_zone: policy.workspace.time_zone.clone(),
            begins_at,
            ends_at,
            as_of,
            uses_before: before.map(|row| row.uses).sum(),
            months,
            requested: number(all.len()),
            uses: number(real.len()),
            carried_out: number(real.iter().filter(|found| found.started.is_some()).count()),
            declined: ended_as(Status::Declined),
            cancelled: ended_as(Status::Cancelled),
            expired: ended_as(Status::Expired),
            by_service: counted(real.iter().map(|found| found.service.to_string())),
            by_cause: causes(&real, &policy.reviews),
            approval: Spread::of(real.iter().filter_map(|found| found.approval_s())),
            close: Spread::of(real.iter().filter_map(|found| found.close_s())),
            witnesses: witnesses(&real),
            hardened: sum(&|found| u64::from(found.hardened)),
            restored: sum(&|found| u64::from(found.restored)),
            verifications_failed: sum(&|found| u64::from(found.verifications_failed)),
            accepted_changes: sum(&|found| u64::from(found.accepted)),
            refused: sum(&|found| u64::from(found.refused)),
            sessions: sessions(&real),
            follow_up: [Kind::ChangeRequest, Kind::Report, Kind::Retrospective, Kind::Prevention, Kind::Corrective]
                .map(|kind| FollowUpFigures::of(kind, &real))
                .to_vec(),
            open_items: open_items(uses),
            found: found(&all, uses, &policy.reviews, as_of),
            cases: all.into_iter().cloned().collect(),
            incidents,
        }
    }

    /// The digest by which the ledger names a presented report: SHA-256 of its JSON.
    pub fn digest(&self) -> Digest {
        // Serialising plain data cannot fail; an empty input would only give a digest that nothing else has.
        Digest::of(&serde_json::to_vec(self).unwrap_or_default())
    }
}

/// Most frequent first, then by name.
fn counted(names: impl Iterator<Item = String>) -> Vec<Count> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for name in names {
        *counts.entry(name).or_default() += 1;
    }
    let mut counts: Vec<Count> = counts.into_iter().map(|(name, uses)| Count { name, uses }).collect();
    counts.sort_by(|one, other| other.uses.cmp(&one.uses).then_with(|| one.name.cmp(&other.name)));
    counts
}

/// Each use joins the first group whose first use is of the same service and has the same cause.
fn causes(uses: &[&Use], rules: &Reviews) -> Vec<Cause> {
    let mut groups: Vec<Vec<&Use>> = Vec::new();
    for found in uses {
        let fits = |group: &&mut Vec<&Use>| {
            group.first().is_some_and(|first| first.service == found.service && same(first, found, rules).is_some())
        };
        match groups.iter_mut().find(fits) {
            Some(group) => group.push(found),
            None => groups.push(vec![found]),
        }
    }
    let cause = |group: &Vec<&Use>| {
        let reported = group.iter().find_map(|found| found.cause.clone());
        let incidents: BTreeSet<IncidentId> = group.iter().map(|found| found.incident).collect();
        Cause {
            from_report: reported.is_some(),
            text: reported.or_else(|| group.first().map(|found| found.reason.clone())).unwrap_or_default(),
            emergencies: group.iter().map(|found| found.emergency).collect(),
            incidents: incidents.into_iter().collect(),
        }
    };
    let mut causes: Vec<Cause> = groups.iter().map(cause).collect();
    causes.sort_by_key(|cause| std::cmp::Reverse(cause.emergencies.len()));
    causes
}

fn witnesses(uses: &[&Use]) -> Vec<(PersonId, u64)> {
    let mut counts: BTreeMap<PersonId, u64> = BTreeMap::new();
    for person in uses.iter().flat_map(|found| &found.witnesses) {
        *counts.entry(person.clone()).or_default() += 1;
    }
    let mut counts: Vec<(PersonId, u64)> = counts.into_iter().collect();
    counts.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    counts
}

fn sessions(uses: &[&Use]) -> Sessions {
    let mut sum = Sessions::default();
    for found in uses {
        sum.sessions += u64::from(found.sessions);
        sum.commands += found.commands;
        sum.holds += u64::from(found.holds);
        sum.keys_held += u64::from(found.keys_held);
        sum.keys_held_s += found.keys_held_s;
        sum.witnesses_lost += u64::from(found.witnesses_lost);
        sum.gaps += found.signs.gaps.iter().map(|gap| u64::from(gap.gaps)).sum::<u64>();
        sum.gap_s += found.signs.gaps.iter().map(|gap| gap.seconds).sum::<i64>();
        sum.recorders_lost += number(found.signs.lost.len());
    }
    sum
}

/// Of earlier exceptions, too: what stays undone is put before every meeting.
fn open_items(uses: &[Use]) -> Vec<Preventions> {
    let items = uses.iter().flat_map(|found| found.follow_up.iter().map(|owed| (found.emergency, owed)));
    let open = items.filter(|(_, owed)| {
        matches!(owed.kind, Kind::Prevention | Kind::Corrective) && matches!(owed.standing, Standing::Open | Standing::Overdue)
    });
    let mut open: Vec<Preventions> = open
        .map(|(emergency, owed)| Preventions {
            obligation: owed.obligation,
            kind: owed.kind,
            emergency,
            text: owed.text.clone(),
            owner: owed.owner.clone(),
            due_at: owed.due_at,
            overdue: owed.standing == Standing::Overdue,
        })
        .collect();
    open.sort_by_key(|item| (item.due_at, item.obligation));
    open
}

fn found(period: &[&Use], all: &[Use], rules: &Reviews, as_of: AsOf) -> Vec<Found> {
    let own = period.iter().flat_map(|case| {
        find(case, all, rules, as_of).into_iter().map(|finding| {
            let name = finding.kind.name();
            let corrective = case.follow_up.iter().find(|owed| owed.corrects == Some(name));
            Found { emergency: case.emergency, finding, corrective: corrective.map(|owed| (owed.obligation, owed.standing)) }
        })
    });
    own.collect()
}
