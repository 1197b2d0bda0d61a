//! The template as Datadog fills it in.

use serde_json::json;

use super::*;

const FILLED: &[(&str, &str)] = &[
    ("$ALERT_TRANSITION", "Triggered"),
    ("$ALERT_ID", "1234"),
    ("$ALERT_SCOPE", "host:db1, env:prod"),
    ("$ALERT_CYCLE_KEY", "998877"),
    ("$AGGREG_KEY", "9bd4ac31"),
    ("$ALERT_TYPE", "error"),
    ("$ALERT_PRIORITY", "P1"),
    ("$ALERT_TITLE", "[P1] [Triggered on {host:db1,env:prod}] ディスクが足りない"),
    ("$EVENT_TITLE", "[Triggered] [Disk]"),
    ("$EVENT_TYPE", "query_alert_monitor"),
    ("$TEXT_ONLY_MSG", "残り1%です\\n@webhook-hikeshi"),
    ("$ALERT_STATUS", "system.disk.free < 1"),
    ("$ALERT_METRIC", "system.disk.free"),
    ("$HOSTNAME", "db1"),
    ("$TAGS", "env:prod,team:決済,role:a,role:b,urgent,monitor_id:999"),
    ("$LINK", "https://app.datadoghq.com/monitors/1234"),
    ("$SNAPSHOT", "https://p.datadoghq.com/1.png"),
    ("$DATE", "1767582135432"),
];

/// What Datadog sends when the template stands in its webhook and the variables have these values.
fn filled(others: &[(&str, &str)]) -> Value {
    let value = |(name, value): &(&str, &str)| {
        let other = others.iter().find(|(other, _)| other == name);
        (format!("\"{name}\""), format!("\"{}\"", other.map_or(*value, |(_, other)| *other)))
    };
    let body = FILLED.iter().map(value).fold(TEMPLATE.to_owned(), |body, (name, value)| body.replace(&name, &value));
    assert!(!body.contains('$') || others.iter().any(|(_, value)| value.contains('$')), "{body}");
    serde_json::from_str(&body).expect("JSON")
}

fn only(message: &Value) -> Signal {
    let [signal] = read(message).expect("understood").try_into().expect("one");
    signal
}

#[test]
fn what_comes_of_the_template_is_read() {
    let signal = only(&filled(&[]));
    assert_eq!((signal.key.as_str(), signal.phase), ("1234 env:prod,host:db1", Phase::Firing));
    assert_eq!(signal.title, "ディスクが足りない (host:db1, env:prod)");
    assert_eq!(signal.summary, "残り1%です\n@webhook-hikeshi");
    assert_eq!((signal.severity, signal.link.as_deref()), (Some(Severity::Critical), Some("https://app.datadoghq.com/monitors/1234")));
    assert_eq!(signal.since.map(|at| at.to_string()).as_deref(), Some("2026-01-05T03:02:15.432Z"));
    let labels: Vec<(&str, &str)> = signal.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let wanted = [
        ("env", "prod"),
        ("event_type", "query_alert_monitor"),
        ("hostname", "db1"),
        ("metric", "system.disk.free"),
        ("monitor_id", "1234"),
        ("priority", "P1"),
        ("role", "a, b"),
        ("scope", "host:db1, env:prod"),
        ("team", "決済"),
        ("urgent", ""),
    ];
    assert_eq!(labels, wanted);
}

#[test]
fn every_transition_is_the_same_alert() {
    let first = only(&filled(&[]));
    for (transition, heading, phase, severity, begins) in [
        ("Triggered", "[Triggered] ディスクが足りない", Phase::Firing, Some(Severity::Critical), true),
        ("Re-Triggered", "[Re-Triggered on {host:db1}] ディスクが足りない", Phase::Firing, Some(Severity::Critical), false),
        ("Warn", "[Warn on {host:db1}] ディスクが足りない", Phase::Firing, Some(Severity::Warning), true),
        ("Re-Warn", "[Re-Warn] ディスクが足りない", Phase::Firing, Some(Severity::Warning), false),
        ("No Data", "[No data] ディスクが足りない", Phase::Firing, Some(Severity::Critical), true),
        ("Re-No Data", "[Re-No data on {host:db1}] ディスクが足りない", Phase::Firing, Some(Severity::Critical), false),
        ("Renotify", "[Renotify] ディスクが足りない", Phase::Firing, Some(Severity::Critical), false),
        ("Something", "[Triggered] ディスクが足りない", Phase::Firing, Some(Severity::Critical), true),
        ("Recovered", "[Recovered on {host:db1}] ディスクが足りない", Phase::Resolved, Some(Severity::Critical), false),
        ("recovered by hand", "[Recovered] ディスクが足りない", Phase::Resolved, Some(Severity::Critical), false),
    ] {
        let others = [
            ("$ALERT_TRANSITION", transition),
            ("$ALERT_TITLE", heading),
            ("$ALERT_CYCLE_KEY", "another"),
            ("$ALERT_SCOPE", "env:prod,host:db1"),
        ];
        let signal = only(&filled(&others));
        assert_eq!((&signal.key, signal.phase, signal.severity), (&first.key, phase, severity), "{transition}");
        assert_eq!(signal.title, "ディスクが足りない (env:prod,host:db1)", "{transition}: the title stays");
        assert_eq!(signal.since.is_some(), begins, "{transition}: a reminder has the time of the reminder");
    }
}

#[test]
fn without_a_transition_the_title_or_the_type_tells() {
    let told =
        |kind: &str, heading: &str| only(&filled(&[("$ALERT_TRANSITION", ""), ("$ALERT_TYPE", kind), ("$ALERT_TITLE", heading)])).phase;
    assert_eq!(told("success", "x"), Phase::Resolved);
    assert_eq!(told("", "[Recovered on {host:a}] x"), Phase::Resolved);
    assert_eq!(told("error", "[Triggered on {host:a}] x"), Phase::Firing);
    assert_eq!(told("", "x [Recovered]"), Phase::Firing);
    let said = only(&filled(&[("$ALERT_TYPE", "success"), ("$ALERT_TRANSITION", "Triggered")]));
    assert_eq!(said.phase, Phase::Firing, "the transition counts before the type");
}

#[test]
fn a_warning_is_never_more_and_may_be_less() {
    let told = |priority: &str, kind: &str, transition: &str| {
        only(&filled(&[("$ALERT_PRIORITY", priority), ("$ALERT_TYPE", kind), ("$ALERT_TRANSITION", transition)])).severity
    };
    assert_eq!(told("P4", "warning", "Warn"), Some(Severity::Info));
    assert_eq!(told("", "warning", "Triggered"), Some(Severity::Warning));
    assert_eq!(told("", "error", "Triggered"), Some(Severity::Error));
    assert_eq!(told("", "", "Warn"), Some(Severity::Warning));
    assert_eq!(told("P9", "success", "Recovered"), None);
}

#[test]
fn what_of_a_monitor_tells_its_alerts_apart_and_the_rest_will_do() {
    let key = |others: &[(&str, &str)]| only(&filled(others)).key.as_str().to_owned();
    assert_ne!(key(&[("$ALERT_SCOPE", "host:db2")]), key(&[]));
    assert_eq!(key(&[("$ALERT_SCOPE", "*")]), "1234");
    assert_eq!(only(&filled(&[("$ALERT_SCOPE", "*")])).title, "ディスクが足りない");
    assert_eq!(key(&[("$ALERT_SCOPE", "")]), "1234");
    assert_eq!(key(&[("$ALERT_ID", "")]), "998877");
    assert_eq!(
        key(&[("$ALERT_ID", "$ALERT_ID"), ("$ALERT_CYCLE_KEY", "$ALERT_CYCLE_KEY")]),
        "9bd4ac31",
        "a variable that is unknown stays as it is"
    );
    let none = filled(&[("$ALERT_ID", ""), ("$ALERT_CYCLE_KEY", ""), ("$AGGREG_KEY", "")]);
    let refused = read(&none).expect_err("not to be told apart");
    assert_eq!((refused.status, refused.why.starts_with("/monitor_id is missing")), (400, true));
    for other in [json!({"id": "5", "title": "[Triggered] x", "body": "y"}), json!([]), json!("x")] {
        assert!(read(&other).is_err(), "{other}");
    }
}

#[test]
fn a_price_that_begins_with_a_sign_is_no_variable() {
    assert_eq!(only(&filled(&[("$TEXT_ONLY_MSG", "$5 per call")])).summary, "$5 per call");
    assert_eq!(only(&filled(&[("$TEXT_ONLY_MSG", "$TEXT_ONLY_MSG")])).summary, "system.disk.free < 1");
}

#[test]
fn titles_keep_the_brackets_that_are_their_own() {
    for (heading, state, name) in [
        ("[Triggered] [Memory Alert]", "triggered", "[Memory Alert]"),
        ("[P1] [Triggered] 高負荷", "triggered", "高負荷"),
        ("[Warning light] x", "", "[Warning light] x"),
        ("[TEST] [Triggered] x", "", "[TEST] [Triggered] x"),
        ("[Triggered", "", "[Triggered"),
        ("[Recovered on {host:a}]", "recovered on {host:a}", ""),
        ("", "", ""),
    ] {
        assert_eq!(parted(heading), (state.to_owned(), name), "{heading}");
    }
}

#[test]
fn an_odd_time_is_none() {
    for odd in ["", "soon", "-5", "99999999999999999999", "9223372036854775807"] {
        assert_eq!(only(&filled(&[("$DATE", odd)])).since, None, "{odd}");
    }
}

#[test]
fn the_manual_tells_people_to_paste_this_very_template() {
    for manual in [include_str!("../../../../../docs/manual/alerts.md"), include_str!("../../../../../docs/manual/alerts.ja.md")] {
        assert!(manual.contains(TEMPLATE.trim()), "docs/manual/alerts*.md has another template");
    }
}
