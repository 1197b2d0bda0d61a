//! A postmortem on its page, and what is like an incident on the incident's (rules I8, I9).

use axum::http::StatusCode;
use hikeshi_domain::command::Command;
use hikeshi_domain::incident;
use hikeshi_domain::obligation::Kind;

use crate::face::Face;

#[tokio::test]
async fn i8_it_is_written_on_its_page_and_i9_shown_to_the_next() {
    let face = Face::new().await;
    let id = face.world.open_incident("tanaka").await.unwrap();
    let (page, number) = (format!("/incidents/{id}/postmortem"), id.to_string());
    let browser = face.browser("tanaka").await;
    assert!(!browser.get(&page).await.text().contains("act-postmortem-write"), "not before the recovery");
    let resolve = incident::Command::Resolve { incident: id, what: "接続先を直した".to_owned() };
    face.world.does("tanaka", Command::Incident(resolve)).await.unwrap();
    let shown = browser.get(&format!("/incidents/{id}")).await.text();
    assert!(shown.contains("このインシデントにはポストモーテムが必要です。") && shown.contains("act-postmortem-write"), "{shown}");
    let fields = [
        ("incident", number.as_str()),
        ("impact", "全員が予約できなかった"),
        ("whys", "接続先が古かった\n切り替えの手順になかった"),
        ("cause", "手順の漏れ"),
        ("response", "接続先を直した"),
        ("lessons", "切り替えは一覧で確かめる"),
        ("item.1.text", "手順に加える"),
        ("item.1.owner", "suzuki"),
        ("item.1.due", "2026-12-30T09:00"),
    ];
    let done = browser.act(&page, "postmortem.write", "act-postmortem-write", &fields).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
    face.world.idle().await.unwrap();
    let text = browser.get(&page).await.text();
    for part in ["切り替えの手順になかった", "手順に加える", "docs/incidents/", "act-postmortem-amend"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let view = face.world.incident(id).await.unwrap();
    let owed = view.obligations.iter().find(|owed| owed.kind == Kind::Postmortem).unwrap();
    assert!(browser.get(&format!("/obligations/{}", owed.id)).await.text().contains(&page), "what is owed leads to it");

    let next = face.world.open_incident("tanaka").await.unwrap();
    let text = browser.get(&format!("/incidents/{next}")).await.text();
    let similar = text.split("id=\"similar\"").nth(1).unwrap_or_else(|| panic!("nothing is like it: {text}"));
    assert!(similar.contains(&format!("href=\"/incidents/{id}\"")) && similar.contains("接続先を直した"), "{similar}");
    face.end().await;
}
