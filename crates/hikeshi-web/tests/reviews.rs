//! Looking back on the pages: the retrospective's judgement, what it asks for, and reports that stood before a meeting.

use axum::http::StatusCode;
use hikeshi_domain::command::Command;
use hikeshi_domain::ids::{Digest, EmergencyId, ObligationId};
use hikeshi_domain::obligation::{self, Kind};
use hikeshi_domain::people::Actor;
use hikeshi_testkit::{Plans, people};

use crate::face::{Answer, Browser, Face};

const DAY: i64 = 24 * 60;

async fn used(face: &Face) -> EmergencyId {
    let id = face.world.until_executing(Plans::repair().unwrap()).await.unwrap();
    face.world.run_step("sato", id, 1).await.unwrap();
    face.world.run_step("sato", id, 2).await.unwrap();
    face.world.verify("sato", id).await.unwrap();
    face.world.close("sato", id).await.unwrap();
    id
}

async fn owed(face: &Face, emergency: EmergencyId, kind: Kind) -> Option<ObligationId> {
    let view = face.world.emergency(emergency).await.unwrap();
    view.obligations.iter().find(|owed| owed.kind == kind).map(|owed| owed.id)
}

/// The obligation of the report of a period, once the program has seen that it is over.
async fn due(face: &Face, period: &str) -> ObligationId {
    let look = async || {
        let actor = Actor::person(people::person("takahashi")?);
        let reports = face.world.door()?.look(&actor).reviews().await?.reports;
        anyhow::Ok(reports.get(period).map(|owed| owed.id))
    };
    face.world.until("the report is owed", async || Ok(look().await?.is_some())).await.unwrap();
    look().await.unwrap().unwrap()
}

#[tokio::test]
async fn e13_the_retrospective_says_on_its_page_that_the_normal_flow_would_have_done() {
    let face = Face::new().await;
    let id = used(&face).await;
    let meeting = owed(&face, id, Kind::Retrospective).await.unwrap();
    let (path, number) = (format!("/obligations/{meeting}"), meeting.to_string());
    let browser = face.browser("tanaka").await;
    let held = [
        ("obligation", number.as_str()),
        ("held_at", "2026-11-21T02:58"),
        ("attended", "tanaka"),
        ("attended", "suzuki"),
        ("lessons", "急ぎすぎた"),
        ("avoidable", "CI は 10 分で戻った"),
        ("item.1.text", "CI の状態を先に確かめる"),
        ("item.1.owner", "suzuki"),
        ("item.1.due", "2026-11-30T09:00"),
    ];
    let page = browser.get(&path).await.text();
    assert!(page.contains("name=\"avoidable\"") && page.contains("乱用の指摘として"), "the page asks, and says what follows: {page}");
    let done = browser.act(&path, "obligation.hold", "act-obligation-hold", &held).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
    assert!(browser.get(&path).await.text().contains("CI は 10 分で戻った"));

    face.world.until("a corrective action is owed", async || Ok(owed(&face, id, Kind::Corrective).await.is_some())).await.unwrap();
    let corrective = owed(&face, id, Kind::Corrective).await.unwrap();
    let (path, number) = (format!("/obligations/{corrective}"), corrective.to_string());
    let page = browser.get(&path).await.text();
    assert!(page.contains("通常の手順で間に合った") && page.contains("CI は 10 分で戻った") && page.contains("href=\"/ledger/"), "{page}");
    assert!(!page.contains("id=\"act-obligation-finish\"") && page.contains("規則 E13"), "whoever asked does not clear themselves: {page}");
    let other = face.browser("takahashi").await;
    let finish = [("obligation", number.as_str()), ("evidence", "手順書の最初に CI の確認を入れた")];
    assert_eq!(other.act(&path, "obligation.finish", "act-obligation-finish", &finish).await.status, StatusCode::SEE_OTHER);
    let page = other.get("/reports/2026-11").await.text();
    assert!(page.contains(&format!("{corrective} 期限内に完了")), "the report says what became of it: {page}");
    face.end().await;
}

const SAME: &str = "いま計算し直しても、報告した数と一致します。";
const DIFFERS: &str = "報告した数と一致しません。プログラムの版";

async fn presented(browser: &Browser<'_>, id: ObligationId, held_at: &str) -> Answer {
    let (path, form) = (format!("/obligations/{id}"), "act-obligation-present");
    let page = browser.get(&path).await;
    let [size, at, digest] = ["size", "at", "digest"].map(|name| page.hidden(form, name));
    let number = id.to_string();
    let fields = [
        ("obligation", number.as_str()),
        ("size", size.as_str()),
        ("at", at.as_str()),
        ("digest", digest.as_str()),
        ("held_at", held_at),
        ("note", "設定の検査を CI に入れる"),
    ];
    browser.act(&path, "obligation.present", form, &fields).await
}

#[tokio::test]
async fn e13_a_report_that_stood_before_the_meeting_is_computed_again_on_its_page() {
    let face = Face::new().await;
    let emergency = used(&face).await;
    face.world.minutes_pass(11 * DAY);
    let id = due(&face, "2026-11").await;
    let browser = face.browser("takahashi").await;
    let list = browser.get("/reports").await.text();
    assert!(
        list.contains("/reports/2026-11") && list.contains("/reports/2026-Q4") && list.contains(&format!("/obligations/{id}")),
        "{list}"
    );
    let done = presented(&browser, id, "2026-12-02T02:58").await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
    let report = owed(&face, emergency, Kind::Report).await.unwrap();
    face.world.report("sato", report).await.unwrap();
    let now = browser.get("/reports/2026-11").await.text();
    assert!(now.contains("切り替え後の接続先が古いまま"), "the report of now tells more: {now}");
    let page = browser.get(&format!("/obligations/{id}")).await.text();
    assert!(page.contains(SAME) && page.contains("設定の検査を CI に入れる"), "although more has happened since: {page}");
    let found = browser.get("/reports/2026-Q4").await.text();
    assert!(found.contains("第4四半期") && found.contains("<svg") && found.contains("期間の途中です"), "{found}");
    face.end().await;
}

#[tokio::test]
async fn e13_a_report_that_was_presented_with_other_numbers_or_of_no_ledger_says_so() {
    let face = Face::new().await;
    face.world.minutes_pass(42 * DAY);
    let now = face.world.now();
    for (period, size, digest) in [("2026-12", 1_000_000_000, Digest::of(b"")), ("2026-Q4", 3, Digest::of(b"another"))] {
        let id = due(&face, period).await;
        let note = "了承".to_owned();
        let present = obligation::Command::Present { obligation: id, held_at: now, size, at: now, digest, note };
        face.world.does("takahashi", Command::Obligation(present)).await.unwrap();
        let page = face.browser("takahashi").await.get(&format!("/obligations/{id}")).await;
        assert_eq!(page.status, StatusCode::OK, "{period}");
        assert!(page.text().contains(DIFFERS) && !page.text().contains(SAME), "{period}: {}", page.text());
    }
    face.end().await;
}
