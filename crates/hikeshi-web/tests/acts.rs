//! Forms: what is done, what is refused, what is done only once.

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use hikeshi_testkit::Plans;

use crate::face::{Face, form};

const OPEN: &str = "act-incident-open";

fn incident(title: &str) -> Vec<(&str, &str)> {
    vec![
        ("title", title),
        ("service", "reservation"),
        ("environment", "production"),
        ("impact", "all_users"),
        ("business", "lost_sales"),
        ("urgency", "now"),
    ]
}

#[tokio::test]
async fn an_incident_is_opened_and_a_double_click_opens_it_once() {
    let face = Face::new().await;
    let browser = face.browser("watanabe").await;
    let page = browser.get("/incidents/new").await;
    let (token, key) = (page.hidden(OPEN, "form_token"), page.hidden(OPEN, "key"));
    let mut fields = vec![("do", "incident.open"), ("act", OPEN), ("form_token", &token), ("key", &key)];
    fields.extend(incident("予約画面が開けない <b>&"));
    let first = browser.post("/incidents/new", &fields).await;
    assert_eq!(first.status, StatusCode::SEE_OTHER, "{}", first.text());
    let place = first.header(header::LOCATION).to_owned();
    assert!(place.starts_with("/incidents/inc_1?receipt="), "{place}");
    let second = browser.post("/incidents/new", &fields).await;
    assert_eq!(second.header(header::LOCATION), format!("{place}&again=1"));
    let shown = browser.get(second.header(header::LOCATION)).await;
    assert!(shown.text().contains("すでに記録されています"));
    assert!(shown.text().contains("予約画面が開けない &#60;b&#62;&#38;"), "what people write is shown as text");
    assert_eq!(browser.get("/incidents/inc_2").await.status, StatusCode::NOT_FOUND, "there is only one");
    face.end().await;
}

#[tokio::test]
async fn a_refusal_shows_its_rule_and_keeps_what_was_typed() {
    let face = Face::new().await;
    let browser = face.browser("watanabe").await;
    let answer = browser
        .act("/incidents/new", "incident.open", OPEN, &{
            let mut fields = incident("");
            fields.push(("summary", "全店舗で発生しています"));
            fields
        })
        .await;
    let text = answer.text();
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(text.contains("受け付けられませんでした") && text.contains("input.text_missing"), "{text}");
    assert!(text.contains("全店舗で発生しています</textarea>"), "the input is kept");
    assert!(text.contains("<option value=\"lost_sales\" selected>"), "choices are kept, too");
}

#[tokio::test]
async fn nobody_approves_their_own_request_and_the_page_says_why() {
    let face = Face::new().await;
    let incident = face.world.open_incident("watanabe").await.unwrap();
    let emergency = face.world.request("tanaka", incident, Plans::repair().unwrap()).await.unwrap();
    let path = format!("/emergencies/{emergency}");
    let requester = face.browser("tanaka").await;
    let seen = requester.get(&path).await.text();
    assert!(!seen.contains("id=\"act-emergency-approve\""), "the form is not offered");
    assert!(seen.contains("いまはできない操作") && seen.contains("規則 E3"), "{seen}");

    let approver = face.browser("takahashi").await;
    let page = approver.get(&path).await;
    let form_id = "act-emergency-approve";
    let digest = page.hidden(form_id, "digest");
    let answer = approver
        .act(&path, "emergency.approve", form_id, &[("emergency", &emergency.to_string()), ("digest", &digest), ("judgement", "緊急です")])
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    assert!(approver.get(&path).await.text().contains("緊急です"));
}

#[tokio::test]
async fn a_form_from_elsewhere_is_refused() {
    let face = Face::new().await;
    let browser = face.browser("watanabe").await;
    let page = browser.get("/incidents/new").await;
    let (token, key) = (page.hidden(OPEN, "form_token"), page.hidden(OPEN, "key"));
    let mut fields = vec![("do", "incident.open"), ("act", OPEN), ("key", key.as_str())];
    fields.extend(incident("よそから"));
    assert_eq!(browser.post("/incidents/new", &fields).await.status, StatusCode::FORBIDDEN, "without the token");
    let other = face.browser("watanabe").await;
    fields.push(("form_token", &token));
    assert_eq!(other.post("/incidents/new", &fields).await.status, StatusCode::FORBIDDEN, "with the token of another session");
    for (name, value) in
        [("origin", "https://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site")]
    {
        let request = Face::request(Method::POST, "/incidents/new").header(header::COOKIE, &browser.cookie).header(name, value);
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(Body::from(form(&fields))).unwrap();
        assert_eq!(face.send(request).await.status, StatusCode::FORBIDDEN, "{name}: {value}");
    }
    assert_eq!(browser.post("/incidents/new", &fields).await.status, StatusCode::SEE_OTHER, "the same form from its own page");
}

#[tokio::test]
async fn an_exception_is_requested_by_form_without_a_script() {
    let face = Face::new().await;
    let incident = face.world.open_incident("watanabe").await.unwrap();
    let browser = face.browser("tanaka").await;
    let path = format!("/emergencies/new?incident={incident}");
    let page = browser.get(&path).await;
    let (token, key) = (page.hidden("plan", "form_token"), page.hidden("plan", "key"));
    let number = incident.to_string();
    let mut fields = vec![
        ("do", "emergency.request"),
        ("act", "plan"),
        ("form_token", token.as_str()),
        ("key", key.as_str()),
        ("incident", number.as_str()),
    ];
    fields.extend([
        ("serious_failure.statement", "予約がすべて失敗"),
        ("serious_failure.evidence", "監視"),
        ("normal_flow_cannot.statement", "CI 停止"),
        ("normal_flow_cannot.evidence", "通知"),
        ("cannot_wait.statement", "朝の便"),
        ("judge", "takahashi"),
        ("judge.evidence", "電話"),
        ("target", "reservation-prod"),
        ("executor", "sato"),
        ("summary", "接続先を直す"),
        ("scope", "config"),
        ("step.1.title", "書き換える"),
        ("step.1.run", "write config/app.toml host=db2"),
        ("step.1.timeout_s", "30"),
        ("step.1.dangerous", "1"),
        ("solved.1.title", "予約できる"),
        ("solved.1.kind", "http"),
        ("solved.1.what", "http://127.0.0.1:1/"),
        ("solved.1.status", "200"),
    ]);
    let refused = browser.post("/emergencies/new", &fields).await;
    let text = refused.text();
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(text.contains("規則 E1") && text.contains("朝の便</textarea>"), "the missing evidence is named, the rest kept: {text}");

    let mut longer = fields.clone();
    longer.push(("more", "step"));
    assert!(browser.post("/emergencies/new", &longer).await.text().contains("name=\"step.3.title\""), "a button adds a row");

    // A refused request used its key up; the page it came back on has a fresh one.
    let fresh = refused.hidden("plan", "key");
    fields.retain(|(name, _)| *name != "key");
    fields.extend([("key", fresh.as_str()), ("cannot_wait.evidence", "1 時間に 120 件")]);
    let done = browser.post("/emergencies/new", &fields).await;
    assert!(done.header(header::LOCATION).starts_with("/emergencies/emg_1?"), "{} {}", done.status, done.text());
}

#[tokio::test]
async fn a_dangerous_step_takes_the_typed_title_and_a_restore_the_typed_number() {
    let face = Face::new().await;
    let mut plan = Plans::repair().unwrap();
    plan.steps[0].dangerous = true;
    let title = plan.steps[0].title.clone();
    let emergency = face.world.until_executing(plan).await.unwrap();
    let (path, number) = (format!("/emergencies/{emergency}"), emergency.to_string());
    let executor = face.browser("sato").await;
    // Before a witness has confirmed it there is no button, but the reason why; and by other ways it is refused all the same.
    let page = executor.get(&path).await.text();
    assert!(page.contains("まだ立会人に確認されていません") && !page.contains("act-emergency-step-1"), "{page}");
    // The witness's page asks for the title, and says afterwards who has confirmed it.
    let (watch, witness) = (format!("/emergencies/{emergency}/watch"), face.browser("suzuki").await);
    let page = witness.get(&watch).await;
    let digest = page.hidden("act-emergency-confirm-1", "digest");
    assert!(page.text().contains("実行には立会人の確認が要ります"), "{}", page.text());
    let confirm = [("emergency", number.as_str()), ("step", "1"), ("digest", digest.as_str()), ("confirm", title.as_str())];
    assert_eq!(witness.act(&watch, "emergency.confirm", "act-emergency-confirm-1", &confirm).await.status, StatusCode::SEE_OTHER);
    let page = witness.get(&watch).await.text();
    assert!(page.contains("立会人の確認: 鈴木"), "{page}");
    let step = |confirm: &'static str| [("emergency", ""), ("step", "1"), ("confirm", confirm)];
    let mut wrong = step("はい");
    wrong[0].1 = &number;
    let refused = executor.act(&path, "emergency.step", "act-emergency-step-1", &wrong).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.text().contains("emergency.confirmation_differs"), "{}", refused.text());
    let right = [("emergency", number.as_str()), ("step", "1"), ("confirm", title.as_str())];
    assert_eq!(executor.act(&path, "emergency.step", "act-emergency-step-1", &right).await.status, StatusCode::SEE_OTHER);
    face.world.idle().await.unwrap();
    let page = executor.get(&path).await.text();
    assert!(page.contains("class=\"diff\"") && page.contains("host=db2") && page.contains("host=db1"), "the change is shown: {page}");
    let unconfirmed = [("emergency", number.as_str()), ("reason", "直らない"), ("confirm", "emg")];
    assert_eq!(executor.act(&path, "emergency.restore", "act-emergency-restore", &unconfirmed).await.status, StatusCode::CONFLICT);
    let confirmed = [("emergency", number.as_str()), ("reason", "直らない"), ("confirm", number.as_str())];
    assert_eq!(executor.act(&path, "emergency.restore", "act-emergency-restore", &confirmed).await.status, StatusCode::SEE_OTHER);
    face.world.idle().await.unwrap();
}

#[tokio::test]
async fn a_witness_is_heard_of_by_script_and_without() {
    let face = Face::new().await;
    let emergency = face.world.until_executing(Plans::repair().unwrap()).await.unwrap();
    let path = format!("/emergencies/{emergency}/watch");
    let witness = face.browser("suzuki").await;
    face.world.seconds_pass(15);
    let page = witness.get(&path).await;
    assert!(page.text().contains("立会い中です"), "loading the page is a heartbeat: {}", page.text());
    assert!(page.text().contains("<noscript><meta http-equiv=\"refresh\" content=\"5\"></noscript>"));
    face.world.seconds_pass(15);
    let token = page.hidden("beat", "form_token");
    assert_eq!(witness.post(&format!("/emergencies/{emergency}/beat"), &[("form_token", &token)]).await.status, StatusCode::NO_CONTENT);
    assert_eq!(witness.post(&format!("/emergencies/{emergency}/beat"), &[]).await.status, StatusCode::FORBIDDEN);
    let stranger = face.browser("watanabe").await;
    let page = stranger.get(&path).await;
    assert!(page.text().contains("立会い中ではありません"));
    let token = page.hidden("beat", "form_token");
    assert_eq!(stranger.post(&format!("/emergencies/{emergency}/beat"), &[("form_token", &token)]).await.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_monitor_that_has_not_reported_is_not_green() {
    let face = Face::new().await;
    let text = face.browser("watanabe").await.get("/").await.text();
    assert!(text.contains("まだ報告がありません") && !text.contains("class=\"state ok\">正常"), "{text}");
}

#[tokio::test]
async fn every_page_can_be_read_in_both_languages() {
    let face = Face::new().await;
    let emergency = face.world.until_executing(Plans::repair().unwrap()).await.unwrap();
    face.world.run_step("sato", emergency, 1).await.unwrap();
    face.world.run_step("sato", emergency, 2).await.unwrap();
    face.world.verify("sato", emergency).await.unwrap();
    face.world.close("sato", emergency).await.unwrap();
    let view = face.world.emergency(emergency).await.unwrap();
    let mut paths: Vec<String> = [
        "/",
        "/incidents",
        "/incidents?all",
        "/incidents/new",
        "/approvals",
        "/obligations",
        "/obligations?all",
        "/channel/emergency-deploy",
        "/ledger",
        "/ledger/3",
        "/people",
        "/people/me",
        "/policy",
    ]
    .map(str::to_owned)
    .into();
    paths.extend([
        format!("/incidents/{}", view.incident.id),
        format!("/emergencies/{emergency}"),
        format!("/emergencies/{emergency}/watch"),
    ]);
    paths.extend(view.obligations.iter().map(|owed| format!("/obligations/{}", owed.id)));
    let mut browser = face.browser("takahashi").await;
    let session = browser.cookie.clone();
    for lang in ["ja", "en"] {
        browser.cookie = format!("{session}; hikeshi_lang={lang}");
        for path in &paths {
            let page = browser.get(path).await;
            assert_eq!(page.status, StatusCode::OK, "{lang} {path}: {}", page.text());
            let text = page.text();
            assert!(text.contains(&format!("<html lang=\"{lang}\">")) && text.contains("<h1"), "{path}");
            assert!(
                !text.contains("style=") && !text.contains("<style") && !text.contains(" onclick"),
                "{path} keeps the policy on inline style and script"
            );
        }
    }
}

#[tokio::test]
async fn a_signature_can_be_pasted_by_anybody_and_half_of_one_is_refused_and_kept() {
    let face = Face::new().await;
    let incident = face.world.open_incident("watanabe").await.unwrap();
    let emergency = face.world.request("tanaka", incident, Plans::repair().unwrap()).await.unwrap();
    let path = format!("/emergencies/{emergency}");
    let browser = face.browser("yamamoto").await;
    let seen = browser.get(&path).await.text();
    assert!(seen.contains("ssh-keygen -Y sign -n hikeshi-approve-v1"), "the page says how");
    assert!(!seen.contains("act-emergency-approve-passkey"), "nobody without a passkey is asked for one");
    let half = [
        ("emergency", emergency.to_string()),
        ("signature", "-----BEGIN SSH SIGNATURE-----\nU1NIU0lH".to_owned()),
        ("judgement", "電話".to_owned()),
    ];
    let half = half.each_ref().map(|(name, value)| (*name, value.as_str()));
    let answer = browser.act(&path, "emergency.approve_signed", "act-emergency-approve-signed", &half).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    let text = answer.text();
    assert!(text.contains("emergency.signature_flawed") && text.contains("U1NIU0lH</textarea>"), "{text}");
}

#[tokio::test]
async fn a_passkey_form_without_its_script_says_so() {
    let face = Face::new().await;
    let incident = face.world.open_incident("watanabe").await.unwrap();
    let emergency = face.world.request("tanaka", incident, Plans::repair().unwrap()).await.unwrap();
    let path = format!("/emergencies/{emergency}");
    let browser = face.browser("takahashi").await;
    let page = browser.get(&path).await;
    let form = "act-emergency-approve";
    let (token, key, digest) = (page.hidden(form, "form_token"), page.hidden(form, "key"), page.hidden(form, "digest"));
    let id = emergency.to_string();
    let mut fields =
        vec![("do", "emergency.approve_passkey"), ("act", "act-emergency-approve-passkey"), ("form_token", &token), ("key", &key)];
    fields.extend([("emergency", id.as_str()), ("digest", &digest), ("judgement", "緊急"), ("assertion", "")]);
    let answer = browser.post(&path, &fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.text().contains("JavaScript"), "{}", answer.text());
}
