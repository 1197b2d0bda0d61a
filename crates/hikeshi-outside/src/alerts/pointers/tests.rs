//! JSON of anybody, by pointers.

use hikeshi_domain::alert::AlertKey;
use serde_json::json;

use super::*;

fn fields(items: Option<&str>) -> Fields {
    Fields {
        items: items.map(str::to_owned),
        key: "/check/id".to_owned(),
        title: "/check/名前".to_owned(),
        summary: Some("/output".to_owned()),
        severity: Some("/priority".to_owned()),
        status: Some("/state".to_owned()),
        resolved: vec!["OK".to_owned(), "0".to_owned(), "true".to_owned(), "復旧".to_owned()],
        link: Some("/links/0".to_owned()),
        labels: Some("/tags".to_owned()),
    }
}

fn alert(state: &Value) -> Value {
    json!({"check": {"id": 4711, "名前": "決済の疎通"}, "output": "応答なし", "priority": "P2", "state": state, "links": ["https://mon.example.com/4711"],
        "tags": {"site": "東京", "rack": 12, "on_call": true, "nested": {"a": [1, null]}, "none": null}})
}

#[test]
fn one_alert_is_read_where_the_policy_says() {
    let [signal] = read(&fields(None), &alert(&json!("down"))).expect("understood").try_into().expect("one");
    let signal: Signal = signal;
    assert_eq!((signal.key, signal.phase), (AlertKey::of("4711"), Phase::Firing));
    assert_eq!((signal.title.as_str(), signal.summary.as_str()), ("決済の疎通", "応答なし"));
    assert_eq!((signal.severity, signal.link.as_deref()), (Some(Severity::Error), Some("https://mon.example.com/4711")));
    let labels: Vec<(&str, &str)> = signal.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(labels, [("nested", r#"{"a":[1,null]}"#), ("on_call", "true"), ("rack", "12"), ("site", "東京")]);
}

#[test]
fn an_update_is_the_same_alert_and_the_policys_words_end_it() {
    let phase = |state: Value| read(&fields(None), &alert(&state)).expect("understood")[0].phase;
    for over in [json!("ok"), json!(" Ok "), json!(0), json!(true), json!("復旧")] {
        assert_eq!(phase(over.clone()), Phase::Resolved, "{over}");
    }
    for going_on in [json!("down"), json!(null), json!(1), json!(false), json!(["ok"]), json!("resolved")] {
        assert_eq!(phase(going_on.clone()), Phase::Firing, "{going_on}");
    }
    let mut without = fields(None);
    without.status = None;
    assert_eq!(read(&without, &alert(&json!("ok"))).expect("understood")[0].phase, Phase::Firing, "nothing says whether it is over");
}

#[test]
fn a_list_is_read_in_its_order_wherever_it_is() {
    let mut other = alert(&json!("OK"));
    other["check"]["id"] = json!("b/2");
    let list = json!([alert(&json!("down")), other, alert(&json!("down"))]);
    for (items, body) in [("", list.clone()), ("/data/alerts", json!({"data": {"alerts": list}}))] {
        let signals = read(&fields(Some(items)), &body).expect("understood");
        let seen: Vec<(&str, Phase)> = signals.iter().map(|signal| (signal.key.as_str(), signal.phase)).collect();
        assert_eq!(seen, [("4711", Phase::Firing), ("b/2", Phase::Resolved), ("4711", Phase::Firing)], "{items}");
    }
    assert_eq!(read(&fields(Some("")), &json!([])), Ok(Vec::new()));
}

#[test]
fn what_is_missing_is_named_by_its_pointer() {
    let no_key = "/check/id must be a text or a number: it is the `key` of an alert";
    let no_title = "/check/名前 must be a text or a number: it is the `title` of an alert";
    for (id, name, why) in [
        (json!(null), json!("x"), no_key),
        (json!(" "), json!("x"), no_key),
        (json!({"a": 1}), json!("x"), no_key),
        (json!("a"), json!(null), no_title),
        (json!("a"), json!(["x"]), no_title),
    ] {
        let given = json!({"check": {"id": id, "名前": name}});
        let refused = read(&fields(None), &given).expect_err("not to be told apart");
        assert_eq!((refused.status, refused.why.as_str()), (400, why), "{given}");
        let refused = read(&fields(Some("/all")), &json!({"all": [alert(&json!(1)), given]})).expect_err("not to be told apart");
        assert_eq!((refused.why, refused.understood.len()), (format!("/all/1{why}"), 1));
    }
    assert_eq!(read(&fields(Some("/all")), &json!({"all": 5})).expect_err("no list").why, "/all must be an array of alerts");
    assert_eq!(read(&fields(Some("")), &json!({})).expect_err("no list").why, "the body must be an array of alerts");
}

#[test]
fn that_it_is_over_can_be_said_without_a_title() {
    let signals = read(&fields(None), &json!({"check": {"id": "a"}, "state": "ok"})).expect("understood");
    assert_eq!((signals[0].phase, signals[0].title.as_str()), (Phase::Resolved, "a"));
}

#[test]
fn only_key_and_title_are_needed() {
    let least = Fields {
        items: None,
        key: String::new(),
        title: String::new(),
        summary: None,
        severity: None,
        status: None,
        resolved: Vec::new(),
        link: None,
        labels: None,
    };
    let signals = read(&least, &json!("停電")).expect("understood");
    assert_eq!(signals, [Signal::new("停電", Phase::Firing, "停電")]);
    assert_eq!(read(&least, &json!({})).expect_err("no text").why, "must be a text or a number: it is the `key` of an alert");
    let mut none = fields(None);
    none.key = "without a slash".to_owned();
    assert!(read(&none, &alert(&json!("down"))).expect_err("a pointer begins with a slash").why.starts_with("without a slash must be"));
}
