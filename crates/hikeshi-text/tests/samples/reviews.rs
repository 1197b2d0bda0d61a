//! A year with months that differ, and one of every finding.

use hikeshi_domain::Timestamp;
use hikeshi_domain::ids::{EmergencyId, IncidentId, ObligationId};
use hikeshi_domain::review::{AsOf, Finding, FindingKind, Found, Period, Presented, Report, Sameness, Standing, Use};
use jiff::SignedDuration;
use serde_json::{Value, json};

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
        FindingKind::DangerUnconfirmed { session: 2, times: 1 },
        FindingKind::LeftOpen { limit_h: 24 },
    ];
    let entries = || vec![12, 40];
    kinds.into_iter().map(|kind| Finding { kind, entries: entries() }).collect()
}

/// A year with five requests: one in August, one in October that was declined, two in November, one in December.
pub fn uses() -> Vec<Use> {
    let use_of = |number: u64, service: &str, requested: &str, more: Value| {
        let at = |minutes: i64| requested.parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minutes);
        let mark = |place: u64, minutes: i64| json!({"seq": number * 100 + place, "at": at(minutes)});
        let mut found = json!({
            "emergency": EmergencyId(number), "incident": IncidentId(number), "incident_title": "画面が開かない", "service": service,
            "environment": "production", "priority": "P2", "summary": "直す", "reason": "CI が止まっている", "cause": null,
            "requester": "tanaka", "executor": "tanaka", "approvers": ["sato"], "witnesses": ["ito", "mori"], "status": "closed",
            "ending": "solved", "hardened": false, "requested": mark(1, 0), "approved": mark(2, 3), "started": mark(3, 5), "ended": mark(9, 40),
            "changes": 1, "accepted": 0, "restored": false, "verifications_failed": 0, "witnesses_lost": 0, "holds": 0, "sessions": 0,
            "commands": 0, "keys_held": 0, "keys_held_s": 0, "refused": 0,
            "signs": {"refusals": [], "lost": [], "gaps": [], "forged": [], "avoidable": null, "reported": null}, "follow_up": []
        });
        for (name, value) in more.as_object().unwrap() {
            found[name] = value.clone();
        }
        serde_json::from_value(found).unwrap()
    };
    let owed = |number: u64, kind: &str, owner: &str, text: &str, standing: &str| {
        json!({"obligation": ObligationId(number), "kind": kind, "owner": owner, "text": text, "due_at": "2026-12-05T00:00:00Z", "done_at": null,
            "standing": standing, "escalated": 0, "corrects": null})
    };
    vec![
        use_of(
            1,
            "reservation",
            "2026-08-03T01:00:00Z",
            json!({"follow_up": [owed(1, "prevention", "mori", "接続数を見張る", "overdue")]}),
        ),
        use_of(2, "reservation", "2026-10-20T01:00:00Z", json!({"status": "declined", "started": null, "ending": null, "witnesses": []})),
        use_of(
            3,
            "reservation",
            "2026-11-21T18:11:00Z",
            json!({"incident": "inc_12", "incident_title": "予約ができない | <b>", "priority": "P1", "cause": "設定の一括置換", "hardened": true, "accepted": 1,
                "verifications_failed": 1, "witnesses_lost": 1, "holds": 1, "sessions": 1, "commands": 12, "keys_held": 2, "keys_held_s": 75,
                "refused": 3, "follow_up": [owed(7, "report", "tanaka", "", "late"), owed(8, "prevention", "ito", "下限を検査する", "open")]}),
        ),
        use_of(4, "site", "2026-11-26T03:00:00Z", json!({"reason": "証明書の期限切れ", "witnesses": ["ito", "suzuki"], "restored": true})),
        use_of(5, "site", "2026-12-10T03:00:00Z", json!({"reason": "設定の誤り"})),
    ]
}

/// What the domain computes of these, with one of every finding for the third.
pub fn review(period: &str, uses: &[Use]) -> Report {
    let as_of = AsOf { size: 620, at: "2026-12-31T00:00:00Z".parse().unwrap() };
    let (period, policy) = (period.parse::<Period>().unwrap(), super::policy());
    let until = period.ends(&policy.zone());
    let uses: Vec<Use> = uses.iter().filter(|found| found.requested.at < until).cloned().collect();
    let mut report = Report::new(period, &policy, as_of, &uses);
    if report.cases.iter().any(|found| found.emergency == EMG) {
        let corrective = Some((ObligationId(9), Standing::Open));
        report.found = findings().into_iter().map(|finding| Found { emergency: EMG, finding, corrective }).collect();
    }
    report
}
