//! The search for abuse (rule E13): queries over uses. Each finding names the entries that it is made of, so that nobody has to believe it.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::{AsOf, Finding, FindingKind, Mark, Sameness, Use, likeness};
use crate::emergency::Status;
use crate::policy::Reviews;

/// Earlier uses that one finding names.
const EARLIER_MAX: usize = 20;

/// What the record of one use shows, beside those of others.
pub fn find(found: &Use, all: &[Use], rules: &Reviews, as_of: AsOf) -> Vec<Finding> {
    let mut findings: Vec<Finding> = [repeated(found, all, rules), waited(found, rules), unused(found), left_open(found, rules, as_of.at)]
        .into_iter()
        .flatten()
        .collect();
    let signs = &found.signs;
    findings.extend(signs.avoidable.as_ref().map(|judged| Finding {
        kind: FindingKind::Avoidable { by: judged.by.clone(), reason: judged.reason.clone() },
        entries: vec![judged.entry],
    }));
    let insisted = signs.refusals.iter().filter(|refused| rules.refusals_min > 0 && refused.times >= rules.refusals_min);
    findings.extend(insisted.map(|refused| Finding {
        kind: FindingKind::Insisted {
            person: refused.person.clone(),
            rule: refused.rule.clone(),
            code: refused.code.clone(),
            times: refused.times,
        },
        entries: refused.entries.clone(),
    }));
    let lost = signs.lost.iter();
    findings.extend(lost.map(|(session, seq)| Finding { kind: FindingKind::RecorderLost { session: *session }, entries: vec![*seq] }));
    findings.extend(signs.gaps.iter().map(|gap| Finding {
        kind: FindingKind::RecordGap { session: gap.session, gaps: gap.gaps, seconds: gap.seconds, bytes: gap.bytes },
        entries: gap.entries.clone(),
    }));
    findings.extend(signs.forged.iter().map(|forged| Finding {
        kind: FindingKind::MarksForged { session: forged.session, times: forged.times },
        entries: forged.entries.clone(),
    }));
    findings.extend(signs.unconfirmed.iter().map(|ran| Finding {
        kind: FindingKind::DangerUnconfirmed { session: ran.session, times: ran.times },
        entries: ran.entries.clone(),
    }));
    findings
}

fn hours(from: Mark, to: Timestamp) -> SignedDuration {
    to.duration_since(from.at)
}

fn limit(hours: u32) -> SignedDuration {
    SignedDuration::from_hours(i64::from(hours))
}

/// Used again for the same service and cause, although the earlier one was to bring what prevents it.
fn repeated(found: &Use, all: &[Use], rules: &Reviews) -> Option<Finding> {
    if !found.is_use() || rules.same_cause_days == 0 {
        return None;
    }
    let within = limit(rules.same_cause_days.saturating_mul(24));
    let before = |other: &&Use| {
        other.emergency < found.emergency
            && other.started.is_some()
            && other.service == found.service
            && hours(other.requested, found.requested.at) <= within
    };
    let alike = all.iter().filter(before).filter_map(|other| Some((other, same(found, other, rules)?)));
    let alike: Vec<(&Use, Sameness)> = alike.take(EARLIER_MAX).collect();
    let (_, same) = alike.iter().max_by_key(|(_, same)| weight(*same))?;
    let entries: BTreeSet<u64> = alike.iter().map(|(other, _)| other.requested.seq).chain([found.requested.seq]).collect();
    Some(Finding {
        kind: FindingKind::Repeated {
            earlier: alike.iter().map(|(other, _)| other.emergency).collect(),
            within_days: rules.same_cause_days,
            same: *same,
        },
        entries: entries.into_iter().collect(),
    })
}

fn weight(same: Sameness) -> u32 {
    match same {
        Sameness::Incident => 300,
        Sameness::Cause(percent) => 150 + percent,
        Sameness::Reason(percent) => percent,
    }
}

/// What two uses have in common, if it is enough. Reports say more of the cause than requests do.
pub(super) fn same(one: &Use, other: &Use, rules: &Reviews) -> Option<Sameness> {
    if one.incident == other.incident {
        return Some(Sameness::Incident);
    }
    if let (Some(one), Some(other)) = (&one.cause, &other.cause) {
        let percent = likeness(one, other);
        if percent >= rules.same_cause_percent {
            return Some(Sameness::Cause(percent));
        }
    }
    let percent = likeness(&one.reason, &other.reason);
    (percent >= rules.same_cause_percent).then_some(Sameness::Reason(percent))
}

/// The third condition says that it cannot wait; it did.
fn waited(found: &Use, rules: &Reviews) -> Option<Finding> {
    let started = found.started?;
    let waited = hours(found.requested, started.at);
    (waited > limit(rules.cannot_wait_h)).then(|| Finding {
        kind: FindingKind::Waited { hours: u32::try_from(waited.as_hours()).unwrap_or(u32::MAX), limit_h: rules.cannot_wait_h },
        entries: [Some(found.requested), found.approved, Some(started)].into_iter().flatten().map(|mark| mark.seq).collect(),
    })
}

fn unused(found: &Use) -> Option<Finding> {
    let (approved, ended) = found.approved.zip(found.ended)?;
    let unused = found.status == Status::Expired && found.started.is_none();
    unused.then(|| Finding { kind: FindingKind::ApprovalUnused, entries: vec![approved.seq, ended.seq] })
}

fn left_open(found: &Use, rules: &Reviews, at: Timestamp) -> Option<Finding> {
    let started = found.started?;
    let until = found.ended.map_or(at, |ended| ended.at);
    (hours(started, until) > limit(rules.cannot_wait_h)).then(|| Finding {
        kind: FindingKind::LeftOpen { limit_h: rules.cannot_wait_h },
        entries: [Some(started), found.ended].into_iter().flatten().map(|mark| mark.seq).collect(),
    })
}
