//! What burns, who has it, what is owed, what may I do now: the first page, which must be fast on the worst day.

use hikeshi_domain::Timestamp;
use hikeshi_domain::emergency::{Emergency, StepState};
use hikeshi_store::Span;
use jiff::ToSpan as _;
use jiff::tz::TimeZone;

use super::monitors::{homes, rows};
use super::offers;
use super::{AlertsView, Look, LookError, NowView, PendingPolicyView, Sight};

const SHOWN_MAX: u32 = 50;

impl Look<'_> {
    pub async fn now(&self) -> Result<NowView, LookError> {
        self.see(|sight| {
            let (burning, burning_total) = sight.reader.burning(SHOWN_MAX)?;
            let exceptions = sight.reader.emergencies(true, Span { before: None, limit: SHOWN_MAX })?;
            let (owed, owed_total, overdue_total) = sight.reader.owed(sight.now, SHOWN_MAX)?;
            let months = months(sight.now, &sight.policy.workspace.time_zone);
            let exceptions_this_month = sight.reader.emergencies_between(months.this, months.next)?;
            let exceptions_last_month = sight.reader.emergencies_between(months.last, months.this)?;
            let monitors = rows(sight)?;
            let (_, held_total) = sight.reader.alerts_held(1)?;
            let pending_policy = pending(sight)?;
            Ok(NowView {
                size: sight.head.size,
                at: sight.now,
                burning,
                burning_total,
                in_doubt: exceptions.iter().filter(|emergency| has_doubt(emergency)).map(|emergency| emergency.id).collect(),
                exceptions,
                owed,
                owed_total,
                overdue_total,
                monitors,
                silences: sight.head.workspace.silences.values().cloned().collect(),
                held_total,
                pending_policy,
                exceptions_this_month,
                exceptions_last_month,
            })
        })
        .await
    }

    /// What fires, what is held back, and by what.
    pub async fn alerts(&self) -> Result<AlertsView, LookError> {
        self.see(|sight| {
            let (mut firing, firing_total) = sight.reader.alerts_firing(SHOWN_MAX)?;
            let (held, held_total) = sight.reader.alerts_held(SHOWN_MAX)?;
            let facts = homes(sight, firing.iter().filter_map(|alert| alert.incident))?;
            for alert in &mut firing {
                alert.incident = alert.incident.map(|id| facts.home(id));
            }
            Ok(AlertsView {
                size: sight.head.size,
                at: sight.now,
                silences: sight.head.workspace.silences.values().cloned().collect(),
                firing,
                firing_total,
                held,
                held_total,
                monitors: rows(sight)?,
                offers: offers::of_alerts(sight)?,
            })
        })
        .await
    }
}

fn has_doubt(emergency: &Emergency) -> bool {
    emergency.steps.iter().any(|step| matches!(step, StepState::InDoubt { .. }))
}

fn pending(sight: &mut Sight<'_, '_>) -> Result<Option<PendingPolicyView>, LookError> {
    let Some(pending) = sight.head.workspace.pending.clone() else { return Ok(None) };
    let offers = offers::of_policy(sight, pending.digest)?;
    Ok(Some(PendingPolicyView {
        digest: pending.digest,
        proposed_at: pending.proposed_at,
        proposed_by: pending.proposed_by,
        weakenings: pending.weakenings,
        approved_by: pending.approved_by,
        offers,
    }))
}

/// Where months begin, in the workspace's time zone.
struct Months {
    last: Timestamp,
    this: Timestamp,
    next: Timestamp,
}

fn months(now: Timestamp, time_zone: &str) -> Months {
    // The policy's zone was checked when it was adopted; a machine without the zone's data counts by UTC.
    let zone = TimeZone::get(time_zone).unwrap_or(TimeZone::UTC);
    let begin = |offset: i32| -> Option<Timestamp> {
        let first = now.to_zoned(zone.clone()).first_of_month().ok()?.start_of_day().ok()?;
        first.checked_add(offset.months()).ok().map(|zoned| zoned.timestamp())
    };
    Months { last: begin(-1).unwrap_or(Timestamp::MIN), this: begin(0).unwrap_or(Timestamp::MIN), next: begin(1).unwrap_or(Timestamp::MAX) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_begins_at_midnight_of_the_workspace() {
        let now: Timestamp = "2026-11-30T15:30:00Z".parse().expect("a time");
        let tokyo = months(now, "Asia/Tokyo");
        assert_eq!(tokyo.this.to_string(), "2026-11-30T15:00:00Z", "it is already December in Tokyo");
        assert_eq!(tokyo.last.to_string(), "2026-10-31T15:00:00Z");
        assert_eq!(tokyo.next.to_string(), "2026-12-31T15:00:00Z");
        let new_york = months("2026-03-15T12:00:00Z".parse().expect("a time"), "America/New_York");
        assert_eq!(
            (new_york.this.to_string().as_str(), new_york.next.to_string().as_str()),
            ("2026-03-01T05:00:00Z", "2026-04-01T04:00:00Z"),
            "an hour is lost"
        );
    }
}
