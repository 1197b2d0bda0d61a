//! The search for abuse (rule E13): when an exception is over, its record is read and what was found goes through the door as a command.
//!
//! It runs beside the door, since it reads every entry of the case. Here, too: the uses of a span of time, for the reports.

use std::collections::BTreeSet;

use hikeshi_domain::Timestamp;
use hikeshi_domain::command::{Command, Envelope};
use hikeshi_domain::emergency::Emergency;
use hikeshi_domain::event::Event;
use hikeshi_domain::facts::{Facts, Needs};
use hikeshi_domain::ids::{EmergencyId, IncidentId};
use hikeshi_domain::ledger::{Entry, EntryResult};
use hikeshi_domain::policy::Policy;
use hikeshi_domain::refusal::Refusal;
use hikeshi_domain::review::decide::FINDINGS_MAX;
use hikeshi_domain::review::{self, AsOf, Use, Uses, find};
use hikeshi_domain::timer::Wake;
use hikeshi_store::{KeptEntry, Reader, Span, StoreError};
use jiff::SignedDuration;

use crate::door::{Answer, Door, Fault, inside_key};

/// Times that a search begins anew because more came in while it read.
const SEARCHES_MAX: u32 = 5;
/// Exceptions asked for at once.
const ROWS: u32 = 200;
/// More exceptions than this are not looked through for one report.
pub(crate) const EXCEPTIONS_MAX: usize = 5_000;

/// Searches, and submits what was found.
pub(crate) async fn examine(door: &Door, asked: Envelope) -> Result<Answer, Fault> {
    let Command::Wake(Wake::Examine { emergency }) = &asked.command else {
        return Ok(Answer::Refused { refusal: Refusal::Stale, seq: None });
    };
    let emergency = *emergency;
    for _ in 0..SEARCHES_MAX {
        let now = door.inside.clock.now();
        let Some((size, found)) = door.read(move |reader| searched(reader, emergency, now)).await? else { break };
        // What is searched again later has the same due time; the size tells the searches apart.
        let key = inside_key(&["examine", &emergency.to_string(), &size.to_string()]);
        let answer = door.submit(Envelope { command: Command::Review(found), key, ..asked.clone() }).await?;
        // More came in while it was read: the timer would come back to it only later.
        if !matches!(answer, Answer::Refused { refusal: Refusal::Stale, .. }) {
            return Ok(answer);
        }
    }
    // There is nothing to search, or no end of news: the wake itself goes to the door, which makes the timers of the case anew.
    door.submit(asked).await
}

fn searched(reader: &mut Reader<'_>, id: EmergencyId, now: Timestamp) -> Result<Option<(u64, review::Command)>, StoreError> {
    let head = reader.head()?;
    let Some(policy) = head.workspace.policy.clone() else { return Ok(None) };
    let mut facts = Facts::default();
    reader.load(&Needs { emergencies: [id].into(), ..Needs::default() }, now, &mut facts)?;
    let Some(state) = facts.emergency(id).filter(|state| state.examined.is_none()) else { return Ok(None) };
    let told = state.told;
    let as_of = AsOf { size: head.size, at: now };
    let until = state.requested_at.saturating_add(SignedDuration::from_millis(1)).unwrap_or(Timestamp::MAX);
    let all = uses(reader, days_before(state.requested_at, policy.reviews.same_cause_days), until, as_of)?;
    let found = all.iter().find(|found| found.emergency == id);
    Ok(found.map(|found| {
        let mut findings = find(found, &all, &policy.reviews, as_of);
        findings.truncate(usize::try_from(FINDINGS_MAX).unwrap_or(usize::MAX));
        (head.size, review::Command::Examine { emergency: id, size: head.size, told, findings })
    }))
}

fn days_before(at: Timestamp, days: u32) -> Timestamp {
    at.saturating_sub(SignedDuration::from_hours(i64::from(days) * 24)).unwrap_or(Timestamp::MIN)
}

/// The exceptions that were asked for in `[from, to)`, newest first. Their numbers ascend with time, but for those that came home later: such a
/// one is older than its number, and those with lower numbers than an old one of this ledger are older still.
pub(crate) fn exceptions(reader: &mut Reader<'_>, from: Timestamp, to: Timestamp) -> Result<Vec<Emergency>, StoreError> {
    let mut all = Vec::new();
    let mut before = None;
    while all.len() < EXCEPTIONS_MAX {
        let rows = reader.emergencies(false, Span { before, limit: ROWS })?;
        let Some(last) = rows.last() else { break };
        before = Some(last.id.0);
        let done = rows.iter().any(|state| state.offline.is_none() && state.requested_at < from);
        all.extend(rows.into_iter().filter(|state| (from..to).contains(&state.requested_at)));
        if done {
            break;
        }
    }
    Ok(all)
}

/// The uses of `[from, to)` as the ledger tells them up to a size, by their numbers.
pub(crate) fn uses(reader: &mut Reader<'_>, from: Timestamp, to: Timestamp, as_of: AsOf) -> Result<Vec<Use>, StoreError> {
    let wanted = exceptions(reader, from, to)?;
    let cases: BTreeSet<IncidentId> = wanted.iter().map(|state| state.incident).collect();
    let mut found = Vec::new();
    // One case after the other, so that the entries of one case at a time are in memory.
    for case in cases {
        let mut fold = Uses::default();
        for kept in reader.all_of_case(case)?.into_iter().take_while(|kept| kept.seq < as_of.size) {
            fold.add(&entry(&kept)?);
        }
        found.extend(fold.list(as_of).into_iter().filter(|found| wanted.iter().any(|state| state.id == found.emergency)));
    }
    found.sort_by_key(|found| found.emergency);
    Ok(found)
}

/// The policy that the first `size` entries have adopted.
pub(crate) fn policy_at(reader: &mut Reader<'_>, size: u64) -> Result<Option<Policy>, StoreError> {
    let mut before = Some(size);
    loop {
        let rows = reader.entries_of_no_case(Span { before, limit: ROWS })?;
        let Some(last) = rows.last() else { return Ok(None) };
        before = Some(last.seq);
        for kept in &rows {
            if let Some(policy) = adopted(entry(kept)?) {
                return Ok(Some(policy));
            }
        }
    }
}

fn adopted(entry: Entry) -> Option<Policy> {
    let EntryResult::Done { events, .. } = entry.result else { return None };
    events.into_iter().rev().find_map(|event| match event {
        Event::PolicyAdopted { policy, .. } => Some(*policy),
        _ => None,
    })
}

pub(crate) fn entry(kept: &KeptEntry) -> Result<Entry, StoreError> {
    serde_json::from_slice(&kept.bytes).map_err(|broken| StoreError {
        doing: "read an entry",
        detail: format!("entry {}: {broken}", kept.seq),
        passing: false,
    })
}
