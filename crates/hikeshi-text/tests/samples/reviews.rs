//! A year with months that differ, and one of every finding.

use hikeshi_domain::Timestamp;
use hikeshi_domain::ids::{EmergencyId, IncidentId, ObligationId};
use hikeshi_domain::incident::Priority;
use hikeshi_domain::review::{
    AsOf, Finding, FindingKind, Found, IncidentFigures, Measures, MonthMeasures, Noise, Period, PersonPages, Presented, PriorityFigures,
    Report, Sameness, Standing, TIMES_MAX, Target, Times, Use,
};
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

/// Three incidents in each November and December, none before.
fn measures(period: Period) -> Measures {
    let times = |count, median, mean, p90, waiting| Times { count, median_s: Some(median), mean_s: Some(mean), p90_s: Some(p90), waiting };
    let serious = IncidentFigures {
        opened: 2,
        acknowledge: times(2, 240, 420, 600, 0),
        mitigate: times(1, 1_800, 1_800, 1_800, 1),
        resolve: times(1, 3_900, 3_900, 3_900, 1),
        act: Target { met: 1, missed: 1 },
        restore: Target { met: 0, missed: 1 },
    };
    let slight = IncidentFigures { opened: 1, act: Target { met: 1, missed: 0 }, ..IncidentFigures::default() };
    let all = IncidentFigures { opened: 3, act: Target { met: 2, missed: 1 }, ..serious.clone() };
    let by_priority =
        vec![PriorityFigures { priority: Priority::P1, figures: serious }, PriorityFigures { priority: Priority::P4, figures: slight }];
    let month = |month: hikeshi_domain::review::Month| {
        let none = MonthMeasures { month, all: IncidentFigures::default(), by_priority: Vec::new(), pages: 0, alerts: 0 };
        if month.number() < 11 {
            none
        } else {
            MonthMeasures { all: all.clone(), by_priority: by_priority.clone(), pages: 5, alerts: 12, ..none }
        }
    };
    let calls = |person, pages, night, day_off, nights, attempts| PersonPages { person, pages, night, day_off, nights, attempts };
    let months: Vec<MonthMeasures> = period.last_month().back(TIMES_MAX).into_iter().map(month).collect();
    if months.last().is_some_and(|row| row.all.opened == 0) {
        return Measures::default();
    }
    Measures {
        all: all.clone(),
        by_priority: by_priority.clone(),
        pages: vec![calls(super::person("tanaka"), 3, 2, 1, 1, 5), calls(super::person("sato"), 2, 0, 0, 0, 2)],
        noise: Noise {
            alerts: 12,
            joined: 7,
            flapping: 2,
            silenced: 1,
            opened_by_programs: 2,
            over_by_itself: 1,
            without_act: 1,
            not_needed: 0,
            silences: 1,
            lifted: 0,
        },
        months,
    }
}

/// What the domain computes of these, with one of every finding for the third.
pub fn review(period: &str, uses: &[Use]) -> Report {
    let as_of = AsOf { size: 620, at: "2026-12-31T00:00:00Z".parse().unwrap() };
    let (period, policy) = (period.parse::<Period>().unwrap(), super::policy());
    let until = period.ends(&policy.zone());
    let uses: Vec<Use> = uses.iter().filter(|found| found.requested.at < until).cloned().collect();
    let incidents = if uses.is_empty() { Measures::default() } else { measures(period) };
    let mut report = Report::new(period, &policy, as_of, &uses, incidents);
    if report.cases.iter().any(|found| found.emergency == EMG) {
        let corrective = Some((ObligationId(9), Standing::Open));
        report.found = findings().into_iter().map(|finding| Found { emergency: EMG, finding, corrective }).collect();
    }
    report
}
