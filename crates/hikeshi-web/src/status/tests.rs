//! What the files hold, whatever somebody has typed.

use hikeshi_domain::policy::Language;
use hikeshi_domain::status::{Health, PublicPost, PublicState, PublicText};
use hikeshi_engine::look::ComponentView;

use super::*;

const NASTY: &str = "<script>alert(1)</script> & \u{b}終わり";

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn view(state: PublicState) -> StatusView {
    let name = |ja: &str, en: &str| PageName { ja: ja.to_owned(), en: en.to_owned() };
    let component: ComponentName = "booking".parse().expect("a name");
    let post = |number, state| PublicPost {
        number,
        at: at("2026-11-22T03:00:00Z"),
        state,
        text: PublicText { ja: Some(NASTY.to_owned()), en: None },
        components: [(component.clone(), Health::MajorOutage)].into(),
        by: Some("tanaka".parse().expect("a name")),
        told: None,
    };
    let incident = PublicIncident {
        incident: "inc_3".parse().expect("a number"),
        state,
        components: [(component.clone(), Health::MajorOutage)].into(),
        posts: vec![post(1, PublicState::Investigating), post(2, state)],
    };
    StatusView {
        size: 9,
        at: at("2026-11-22T04:00:00Z"),
        title: name("予約 <b>", "Booking"),
        url: "https://status.example.test/".to_owned(),
        visibility: Visibility::Public,
        directory: None,
        time_zone: "Asia/Tokyo".to_owned(),
        language: Language::Ja,
        mail: true,
        subscribers: 3,
        components: vec![ComponentView { component, name: name("予約", "Booking"), health: Health::MajorOutage }],
        worst: Health::MajorOutage,
        incidents: vec![incident],
        works: Vec::new(),
    }
}

fn texts(view: &StatusView) -> BTreeMap<String, String> {
    let site = site(view, "https://hikeshi.test/status/subscribe").expect("a page");
    site.files.into_iter().map(|(path, file)| (path, String::from_utf8(file.bytes.to_vec()).expect("UTF-8"))).collect()
}

#[test]
fn what_was_typed_is_words_and_nothing_else() {
    let all = texts(&view(PublicState::Investigating));
    let paths: Vec<&str> = all.keys().map(String::as_str).collect();
    assert_eq!(
        paths,
        ["en/feed.atom", "en/incidents/inc_3.html", "en/index.html", "feed.atom", "incidents/inc_3.html", "index.html", "status.json"]
    );
    for (path, text) in &all {
        assert!(!text.contains("<script>alert") || path.ends_with(".json"), "{path}: {text}");
        assert!(!text.contains("tanaka"), "{path} names who published it");
        assert!(text.contains("終わり"), "{path}");
    }
    assert!(!all.get("feed.atom").expect("a feed").contains('\u{b}'), "no XML could hold it");
    let english = all.get("en/incidents/inc_3.html").expect("a page");
    assert!(english.contains("There is no English text yet.") && english.contains("lang=\"ja\""), "{english}");
    let data: serde_json::Value = serde_json::from_str(all.get("status.json").expect("data")).expect("JSON");
    assert_eq!(data["incidents"][0]["posts"][0]["text"]["ja"], NASTY);
    assert_eq!((&data["health"], &data["v"]), (&json!("major_outage"), &json!(1)));
}

#[test]
fn what_is_over_does_not_change_with_the_time_and_what_is_open_says_how_old_it_is() {
    let later = |state| StatusView { at: at("2026-11-22T05:00:00Z"), ..view(state) };
    let file = "incidents/inc_3.html";
    assert_eq!(texts(&view(PublicState::Resolved)).get(file), texts(&later(PublicState::Resolved)).get(file));
    assert_ne!(texts(&view(PublicState::Monitoring)).get(file), texts(&later(PublicState::Monitoring)).get(file));
    let index = texts(&later(PublicState::Resolved)).remove("index.html").expect("a page");
    assert!(index.contains("14:00") && index.contains("data-written=\"1795323600\""), "{index}");
}

#[test]
fn the_policy_of_content_allows_this_very_style_and_script() {
    let index = texts(&view(PublicState::Monitoring)).remove("index.html").expect("a page");
    let inner = |from: &str, to: &str| index.split_once(from).and_then(|(_, rest)| rest.split_once(to)).expect("it is there").0.to_owned();
    use base64::Engine as _;
    for text in [inner("<style>", "</style>"), inner("<script>", "</script>")] {
        let hash = base64::engine::general_purpose::STANDARD.encode(Digest::of(text.as_bytes()).0);
        assert!(content_security_policy().contains(&format!("'sha256-{hash}'")), "{text}");
    }
}
