//! A quarter with three exceptions, and one of every finding.

use hikeshi_domain::review::{Finding, FindingKind, Presented, Report, Sameness};
use serde_json::json;

use super::{EMG, at, digest, person};

pub fn presented() -> Presented {
    Presented {
        held_at: at("10:00:00"),
        by: person("sato"),
        size: 420,
        at: at("09:00:00"),
        digest: digest("report"),
        note: "ok".to_owned(),
    }
}

pub fn findings() -> Vec<Finding> {
    let kinds = vec![
        FindingKind::Repeated { earlier: vec![EMG], within_days: 90, same: Sameness::Cause(72) },
        FindingKind::Repeated { earlier: vec![EMG], within_days: 90, same: Sameness::Incident },
        FindingKind::Repeated { earlier: vec![EMG], within_days: 90, same: Sameness::Reason(61) },
        FindingKind::Waited { hours: 30, limit_h: 24 },
        FindingKind::ApprovalUnused,
        FindingKind::Avoidable { by: person("sato"), reason: "CI was back".to_owned() },
        FindingKind::Insisted { person: person("mori"), rule: "E3".to_owned(), code: "emergency.self_approval".to_owned(), times: 4 },
        FindingKind::RecorderLost { session: 1 },
        FindingKind::RecordGap { session: 1, gaps: 2, seconds: 41, bytes: 3_000 },
        FindingKind::MarksForged { session: 2, times: 3 },
        FindingKind::LeftOpen { limit_h: 24 },
    ];
    let entries = || vec![12, 40];
    kinds.into_iter().map(|kind| Finding { kind, entries: entries() }).collect()
}

/// What the domain computes, as it would come over HTTP.
pub fn review(period: &str, uses: u64) -> Report {
    let case = json!({
        "emergency": "emg_3", "incident": "inc_12", "incident_title": "予約ができない | <b>", "service": "reservation", "environment": "production",
        "priority": "P1", "summary": "pool = 20", "reason": "CI が止まっている", "cause": "設定の一括置換", "requester": "tanaka", "executor": "tanaka",
        "approvers": ["sato"], "witnesses": ["ito", "mori"], "status": "closed", "ending": "solved", "hardened": true,
        "requested": {"seq": 10, "at": at("03:11:00")}, "approved": {"seq": 14, "at": at("03:12:30")}, "started": {"seq": 20, "at": at("03:15:00")},
        "ended": {"seq": 60, "at": at("03:25:00")}, "changes": 2, "accepted": 1, "restored": false, "verifications_failed": 1, "witnesses_lost": 1,
        "holds": 1, "sessions": 1, "commands": 12, "keys_held": 2, "keys_held_s": 75, "refused": 3, "signs": {
            "refusals": [], "lost": [], "gaps": [], "forged": [], "avoidable": null, "reported": null
        }, "follow_up": []
    });
    let none = json!({"count": 0, "total_s": 0, "median_s": null, "longest_s": null});
    let some = json!({"count": 1, "total_s": 90, "median_s": 90, "longest_s": 90});
    let cases = if uses == 0 { json!([]) } else { json!([case]) };
    let months: Vec<_> = ["2026-08", "2026-09", "2026-10", "2026-11", "2026-12"]
        .into_iter()
        .map(|month| json!({"month": month, "requested": uses, "uses": if month == "2026-11" { uses } else { uses.min(1) }, "carried_out": uses}))
        .collect();
    let found: Vec<_> = findings()
        .into_iter()
        .filter(|_| uses > 0)
        .map(|finding| json!({"emergency": "emg_3", "finding": finding, "corrective": ["obl_9", "open"]}))
        .collect();
    serde_json::from_value(json!({
        "period": period, "time_zone": "Asia/Tokyo", "begins_at": "2026-09-30T15:00:00Z", "ends_at": "2026-12-31T15:00:00Z",
        "as_of": {"size": 420, "at": at("09:00:00")}, "months": months, "requested": uses, "uses": uses, "carried_out": uses, "declined": 0,
        "cancelled": 0, "expired": 0, "uses_before": uses.min(1), "by_service": if uses == 0 { json!([]) } else { json!([{"name": "reservation", "uses": uses}]) },
        "by_cause": if uses == 0 { json!([]) } else { json!([{"text": "設定の一括置換", "from_report": true, "emergencies": ["emg_3"], "incidents": ["inc_12"]}]) },
        "approval": if uses == 0 { none.clone() } else { some.clone() }, "close": if uses == 0 { none } else { some },
        "witnesses": if uses == 0 { json!([]) } else { json!([["ito", 1], ["mori", 1]]) }, "hardened": uses.min(1), "restored": 0, "verifications_failed": 1, "accepted_changes": 1, "refused": 3,
        "sessions": {"sessions": 1, "commands": 12, "holds": 1, "keys_held": 2, "keys_held_s": 75, "witnesses_lost": 1, "gaps": 0, "gap_s": 0, "recorders_lost": 0},
        "follow_up": if uses == 0 { json!([]) } else { json!([{"kind": "report", "raised": 1, "in_time": 0, "late": 1, "open": 0, "overdue": 0, "not_needed": 0}]) },
        "open_items": if uses == 0 { json!([]) } else { json!([{"obligation": "obl_8", "kind": "prevention", "emergency": "emg_3", "text": "下限を検査する", "owner": "ito", "due_at": at("23:25:00"), "overdue": false}]) },
        "found": found, "cases": cases
    }))
    .unwrap()
}
