//! What holds for every format: bounds, what is answered, and that no message however broken does harm. Each sender's own words are tested beside it.

use hikeshi_domain::alert::{AlertKey, KEY_CHARS_MAX, LABEL_CHARS_MAX, LABELS_MAX, LINK_CHARS_MAX, SUMMARY_CHARS_MAX, TITLE_CHARS_MAX};
use hikeshi_domain::alert::{Phase, Signal};
use hikeshi_domain::policy::{Fields, Format};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// Stands in messages where a secret might; no answer may repeat it.
const SECRET: &str = "s3cret-0123";

/// One way in, with a message that is understood.
struct Way {
    name: &'static str,
    sample: Value,
    read: fn(&[u8]) -> Result<Vec<Signal>, Refused>,
}

fn fields(items: Option<&str>) -> Fields {
    Fields {
        items: items.map(str::to_owned),
        key: "/id".to_owned(),
        title: "/title".to_owned(),
        summary: Some("/text".to_owned()),
        severity: Some("/level".to_owned()),
        status: Some("/state".to_owned()),
        resolved: vec!["ok".to_owned()],
        link: Some("/url".to_owned()),
        labels: Some("/tags".to_owned()),
    }
}

fn none(_: &str) -> String {
    String::new()
}

fn ways() -> Vec<Way> {
    let group = json!({"version": "4", "groupKey": "{}:{}", "truncatedAlerts": 2, "status": "firing", "receiver": "hikeshi", "externalURL": "http://am.test", "alerts": [
        {"status": "firing", "labels": {"alertname": "DiskFull", "severity": "critical"}, "annotations": {"summary": "空きがない", "description": "残り1%"},
            "startsAt": "2026-01-05T03:02:15.432Z", "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "http://p.test/graph", "fingerprint": "00112233aabbccdd"},
        {"status": "resolved", "labels": {"alertname": "Down", "instance": "web2"}, "annotations": {}, "fingerprint": "99112233aabbccdd"}]});
    let posted = json!([{"labels": {"alertname": "Down"}, "annotations": {"summary": "x"}, "startsAt": "2026-01-05T03:02:15Z", "endsAt": "2026-01-05T03:06:15Z", "generatorURL": ""}]);
    let event = json!({"action": "triggered", "data": {"triggered_rule": "r", "event": {"issue_id": "7", "title": "t", "level": "fatal", "datetime": "2026-01-05T03:02:15Z",
        "url": "https://s.test/api/0/projects/acme/web/events/1/", "tags": [["environment", "prod"], ["user", "ip:192.0.2.1"]]}}});
    let issue = json!({"action": "created", "data": {"issue": {"id": "7", "title": "t", "project": {"slug": "web"}, "level": "error", "firstSeen": "2026-01-05T03:02:15Z"}}});
    let metric = json!({"action": "critical", "data": {"description_text": "a\\nb", "metric_alert": {"id": "4", "projects": ["web"], "alert_rule": {"name": "r"}}}});
    let datadog = json!({"transition": "Triggered", "monitor_id": "12", "scope": "host:a, env:b", "title": "[Triggered] x", "tags": "env:b,c", "date_ms": "1767582135000"});
    let old = json!({"ruleId": 3, "ruleName": "r", "state": "alerting", "message": "m", "tags": {"severity": "warning"}, "ruleUrl": "http://g.test/"});
    let one =
        json!({"id": "a", "title": "t", "text": "x", "level": "high", "state": "on", "url": "http://x.test/", "tags": {"a": {"b": 1}}});
    let many = json!({"list": [one, {"id": 5, "state": "OK"}]});
    let trigger = json!({"routing_key": SECRET, "event_action": "trigger", "dedup_key": "srv/disk", "client_url": "http://c.test/", "links": [{"href": "http://l.test/"}],
        "payload": {"summary": "s", "source": "db1", "severity": "error", "timestamp": "2026-01-05T03:02:15.432+0000", "class": "disk", "custom_details": {"free": 1}}});
    let resolve = json!({"routing_key": SECRET, "event_action": "resolve", "dedup_key": "srv/disk"});
    let way = |name, sample, read| Way { name, sample, read };
    vec![
        way("alertmanager", group.clone(), |body| read(Format::Alertmanager, None, &none, body)),
        way("alertmanager api", posted, read_alertmanager_api),
        way("grafana", group, |body| read(Format::Grafana, None, &none, body)),
        way("grafana legacy", old, |body| read(Format::Grafana, None, &none, body)),
        way("sentry event", event, |body| read(Format::Sentry, None, &none, body)),
        way("sentry issue", issue, |body| read(Format::Sentry, None, &none, body)),
        way("sentry metric", metric, |body| read(Format::Sentry, None, &none, body)),
        way("datadog", datadog, |body| read(Format::Datadog, None, &none, body)),
        way("json", one, |body| read(Format::Json, Some(&fields(None)), &none, body)),
        way("json items", many, |body| read(Format::Json, Some(&fields(Some("/list"))), &none, body)),
        way("pagerduty", trigger, |body| read_pagerduty(body, "made-up").map(|event| event.signals)),
        way("pagerduty resolve", resolve, |body| read_pagerduty(body, "made-up").map(|event| event.signals)),
    ]
}

fn check_bounds(signal: &Signal) {
    let chars = |text: &str| text.chars().count();
    assert!((1..=KEY_CHARS_MAX).contains(&chars(signal.key.as_str())), "{signal:?}");
    assert!((1..=TITLE_CHARS_MAX).contains(&chars(&signal.title)), "{signal:?}");
    assert!(chars(&signal.summary) <= SUMMARY_CHARS_MAX, "{signal:?}");
    assert!(signal.labels.len() <= LABELS_MAX, "{signal:?}");
    assert!(signal.labels.iter().all(|(name, value)| chars(name) <= LABEL_CHARS_MAX && chars(value) <= LABEL_CHARS_MAX), "{signal:?}");
    assert!(signal.link.as_ref().is_none_or(|link| link.starts_with("http") && chars(link) <= LINK_CHARS_MAX), "{signal:?}");
    assert_eq!(signal.clone().bounded(), *signal);
}

/// Whatever comes out is within the bounds, and an answer says something and repeats nothing.
fn check(result: &Result<Vec<Signal>, Refused>) {
    match result {
        Ok(signals) => signals.iter().for_each(check_bounds),
        Err(refused) => {
            refused.understood.iter().for_each(check_bounds);
            assert!([400, 413].contains(&refused.status), "{refused:?}");
            assert!((1..=WHY_CHARS_MAX).contains(&refused.why.chars().count()), "{refused:?}");
            assert!(!refused.why.contains(SECRET), "{refused:?}");
        }
    }
}

/// What may stand anywhere in place of what should.
fn oddities() -> Vec<Value> {
    let wide: Value = (0..100).map(|n| (format!("a{n}"), json!(n))).collect::<serde_json::Map<_, _>>().into();
    let deep = (0..60).fold(json!(SECRET), |inner, n| if n % 2 == 0 { json!([inner]) } else { json!({"a": inner}) });
    let long =
        [json!("停止".repeat(2_000)), json!(format!("https://x.test/{}", "長".repeat(990))), json!({"長".repeat(600): "値".repeat(600)})];
    let texts = ["", " \n", SECRET, "\u{0}\u{7}\u{202e}", "0001-01-01T00:00:00Z", "resolved", "-1", "://"].map(|text| json!(text));
    let lists = [json!([]), json!({}), json!([[SECRET, SECRET], [], [1]]), json!({"": "", SECRET: SECRET}), wide, deep];
    let plain = [json!(null), json!(true), json!(0), json!(-1), json!(u64::MAX), json!(1e300)];
    long.into_iter().chain(texts).chain(lists).chain(plain).collect()
}

fn odd() -> impl Strategy<Value = Value> {
    prop_oneof![
        prop::sample::select(oddities()),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,300}".prop_map(Value::from),
    ]
}

fn places(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    match value {
        Value::Array(items) => items.iter().enumerate().for_each(|(n, item)| places(item, &format!("{at}/{n}"), all)),
        Value::Object(entries) => {
            entries.iter().for_each(|(name, item)| places(item, &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), all));
        }
        _ => {}
    }
}

proptest! {
    #[test]
    fn a_broken_message_does_no_harm(which in 0_usize..12, changes in proptest::collection::vec((any::<prop::sample::Index>(), odd()), 1..4)) {
        let way = ways().swap_remove(which);
        let mut message = way.sample;
        for (index, value) in changes {
            let mut all = Vec::new();
            places(&message, "", &mut all);
            if let Some(place) = message.pointer_mut(&all[index.index(all.len())]) {
                *place = value;
            }
        }
        check(&(way.read)(message.to_string().as_bytes()));
    }

    #[test]
    fn a_message_with_other_bytes_does_no_harm(which in 0_usize..12, end in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), byte: u8) {
        let way = ways().swap_remove(which);
        let mut body = way.sample.to_string().into_bytes();
        let cut = &body[..end.index(body.len())];
        let result = (way.read)(cut);
        prop_assert!(result.is_err());
        check(&result);
        let at = at.index(body.len());
        body[at] = byte;
        check(&(way.read)(&body));
    }

    #[test]
    fn any_bytes_at_all_do_no_harm(which in 0_usize..12, body: Vec<u8>) {
        check(&(ways().swap_remove(which).read)(&body));
    }
}

#[test]
fn nothing_odd_does_harm_in_any_place() {
    for way in ways() {
        let mut all = Vec::new();
        places(&way.sample, "", &mut all);
        for (place, value) in all.iter().flat_map(|place| oddities().into_iter().map(move |value| (place, value))) {
            let mut message = way.sample.clone();
            *message.pointer_mut(place).expect(place) = value;
            check(&(way.read)(message.to_string().as_bytes()));
        }
    }
}

#[test]
fn every_sample_is_understood() {
    let ways = ways();
    assert_eq!(ways.len(), 12, "as many as the tests above choose from");
    for way in ways {
        let result = (way.read)(way.sample.to_string().as_bytes());
        check(&result);
        assert!(!result.expect(way.name).is_empty(), "{}", way.name);
    }
}

#[test]
fn a_body_of_10_mb_is_refused_before_it_is_parsed() {
    let body = vec![b'['; 10_000_000];
    for way in ways() {
        let refused = (way.read)(&body).expect_err(way.name);
        assert_eq!((refused.status, refused.why.contains("larger than")), (413, true), "{}: {refused}", way.name);
    }
    let mut full = vec![b' '; BODY_BYTES_MAX];
    full[0] = b'[';
    full[1] = b']';
    assert_eq!(read_alertmanager_api(&full), Ok(Vec::new()));
    full.push(b' ');
    assert_eq!(read_alertmanager_api(&full).expect_err("one byte more").status, 413);
}

#[test]
fn ten_thousand_nested_arrays_are_refused() {
    for (open, close) in [("[", "]"), (r#"{"alerts":"#, "}")] {
        let body = format!("{}1{}", open.repeat(10_000), close.repeat(10_000));
        for way in ways() {
            let refused = (way.read)(body.as_bytes()).expect_err(way.name);
            assert_eq!((refused.status, refused.why.contains("recursion limit")), (400, true), "{}: {refused}", way.name);
        }
    }
}

#[test]
fn more_than_20_000_alerts_are_refused_and_none_is_taken() {
    let alerts = |count: usize| (0..count).map(|n| json!({"labels": {"a": n.to_string()}})).collect::<Vec<_>>();
    let all = read_alertmanager_api(Value::from(alerts(SIGNALS_IN_BODY_MAX)).to_string().as_bytes()).expect("as many as may be");
    assert_eq!(all.len(), SIGNALS_IN_BODY_MAX);
    let refused = read_alertmanager_api(Value::from(alerts(SIGNALS_IN_BODY_MAX + 1)).to_string().as_bytes()).expect_err("one more");
    assert_eq!((refused.status, refused.understood.len()), (413, 0));
    assert_eq!(refused.why, "the body holds more than 20000 alerts");
    let body = json!({"alerts": alerts(SIGNALS_IN_BODY_MAX + 1)}).to_string();
    assert_eq!(read(Format::Grafana, None, &none, body.as_bytes()).expect_err("one more").why, "/alerts holds more than 20000 alerts");
}

#[test]
fn an_alert_that_cannot_be_read_keeps_no_other_away() {
    let body = json!([{"labels": {}}, {"labels": {"alertname": "A"}}, {"labels": {"alertname": "B"}}, {"labels": {"alertname": "A"}}]);
    let refused = read_alertmanager_api(body.to_string().as_bytes()).expect_err("the first has no labels");
    assert_eq!((refused.status, refused.why.as_str()), (400, "/0/labels must hold at least one label with a value"));
    let titles: Vec<&str> = refused.understood.iter().map(|signal| signal.title.as_str()).collect();
    assert_eq!(titles, ["A", "B", "A"], "in their order, and what is said twice stays");
    let body = json!({"alerts": [{"labels": {"alertname": "A"}}, 5, null]});
    let refused = read(Format::Alertmanager, None, &none, body.to_string().as_bytes()).expect_err("two are no alerts");
    assert_eq!(refused.why, "/alerts/1/labels must hold at least one label with a value; 2 alerts cannot be told apart");
    assert_eq!(refused.understood.len(), 1);
}

#[test]
fn what_is_no_json_is_told_where_and_not_repeated() {
    let refused = read(Format::Datadog, None, &none, br#"{"transition": $ALERT_TRANSITION}"#).expect_err("a template with a fault");
    assert_eq!((refused.status, refused.why.as_str()), (400, "the body is not JSON: expected value at line 1 column 16"));
    let refused = read(Format::Datadog, None, &none, b"").expect_err("nothing");
    assert_eq!(refused.to_string(), "the body is not JSON: EOF while parsing a value at line 1 column 0");
    let refused = Refused::new(400, &"長い".repeat(5_000));
    assert_eq!((refused.why.chars().count(), refused.why.ends_with('…')), (WHY_CHARS_MAX, true));
}

#[test]
fn pagerdutys_events_have_a_way_of_their_own_since_their_secret_is_within() {
    let event = br#"{"routing_key": "k", "event_action": "resolve", "dedup_key": "d"}"#;
    assert_eq!(read(Format::Pagerduty, None, &none, event).expect_err("without proof").status, 400);
}

#[test]
fn what_a_message_is_about_stands_in_its_header() {
    let header = |name: &str| if name == "Sentry-Hook-Resource" { "installation".to_owned() } else { String::new() };
    let body = json!({"action": "created", "data": {"issue": {"id": "7"}}}).to_string();
    assert_eq!(read(Format::Sentry, None, &header, body.as_bytes()), Ok(Vec::new()), "the integration itself, whatever else is in it");
    assert_eq!(read(Format::Sentry, None, &none, body.as_bytes()).map(|signals| signals.len()), Ok(1));
}

#[test]
fn a_source_without_fields_is_our_mistake_and_not_the_senders() {
    assert_eq!(read(Format::Json, None, &none, b"{}").expect_err("nothing says where things are").status, 500);
}

#[test]
fn a_signal_says_what_the_words_of_the_sender_do() {
    let way = ways().swap_remove(0);
    let signals = (way.read)(way.sample.to_string().as_bytes()).expect(way.name);
    let phases: Vec<Phase> = signals.iter().map(|signal| signal.phase).collect();
    assert_eq!(phases, [Phase::Firing, Phase::Resolved]);
    assert_ne!(signals[0].key, AlertKey::of("00112233aabbccdd"), "the key is made of the labels");
}
