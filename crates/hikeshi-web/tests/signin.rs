//! Who gets in, and how they leave.

use axum::body::Body;
use axum::http::{Method, StatusCode, header};

use crate::face::{Face, form};

#[tokio::test]
async fn a_link_signs_in_once() {
    let face = Face::new().await;
    let link = face.link("tanaka").await;
    let shown = face.send(Face::request(Method::GET, &format!("/signin?link={link}")).body(Body::empty()).unwrap()).await;
    assert_eq!(shown.status, StatusCode::OK);
    assert!(shown.text().contains("サインイン"), "a preview of the link uses nothing up");
    for (attempt, expected) in [(1, StatusCode::SEE_OTHER), (2, StatusCode::FORBIDDEN)] {
        let request = Face::request(Method::POST, "/signin/link").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let answer = face.send(request.body(Body::from(form(&[("link", &link), ("next", "//evil.example")]))).unwrap()).await;
        assert_eq!(answer.status, expected, "attempt {attempt}");
        if attempt == 1 {
            let cookie = answer.header(header::SET_COOKIE);
            assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
            assert_eq!(answer.header(header::LOCATION), "/people/me");
        } else {
            assert!(answer.text().contains("このリンクは使えません"));
        }
    }
    face.end().await;
}

#[tokio::test]
async fn whoever_is_not_signed_in_is_sent_to_sign_in_and_comes_back() {
    let face = Face::new().await;
    let answer = face.send(Face::request(Method::GET, "/emergencies/emg_1").body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.header(header::LOCATION), "/signin?next=%2Femergencies%2Femg_1");
    let wrong = face
        .send(Face::request(Method::GET, "/").header(header::COOKIE, "hikeshi_session=0123456789abcdef0123").body(Body::empty()).unwrap())
        .await;
    assert_eq!(wrong.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn signing_out_ends_the_session() {
    let face = Face::new().await;
    let browser = face.browser("tanaka").await;
    let page = browser.get("/people/me").await;
    let form = "act-account-sign-out";
    let fields = [("form_token", page.hidden(form, "form_token")), ("key", page.hidden(form, "key"))];
    let answer = browser.post("/signout", &fields.each_ref().map(|(name, value)| (*name, value.as_str()))).await;
    assert_eq!(answer.header(header::LOCATION), "/signin");
    assert_eq!(browser.get("/").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_token_is_revoked_on_ones_own_page() {
    let face = Face::new().await;
    let secret = face.token("tanaka").await;
    let ask = || {
        let request = Face::request(Method::GET, "/api/v1/now").header(header::AUTHORIZATION, format!("Bearer {secret}"));
        face.send(request.body(Body::empty()).unwrap())
    };
    assert_eq!(ask().await.status, StatusCode::OK);
    let browser = face.browser("tanaka").await;
    let form = "act-account-revoke-token-tok_1";
    let token = browser.get("/people/me").await.hidden(form, "token");
    assert_eq!(token, "tok_1", "no field of the form itself has the name of this one");
    let answer = browser.act("/people/me", "account.revoke_token", form, &[("person", "tanaka"), ("token", &token)]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    assert_eq!(ask().await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_passkey_ceremony_needs_a_session_and_a_known_handle() {
    let face = Face::new().await;
    let json = |path: &str, body: &'static str| {
        Face::request(Method::POST, path).header(header::CONTENT_TYPE, "application/json").body(Body::from(body)).unwrap()
    };
    assert_eq!(face.send(json("/passkey/register/start", "{}")).await.status, StatusCode::UNAUTHORIZED);
    let unknown = face.send(json("/passkey/signin/start", r#"{"handle":"nobody"}"#)).await;
    let without = face.send(json("/passkey/signin/start", r#"{"handle":"tanaka"}"#)).await;
    assert_eq!((unknown.status, &unknown.bytes), (StatusCode::UNPROCESSABLE_ENTITY, &without.bytes), "nobody is told who exists");
    let browser = face.browser("tanaka").await;
    let page = browser.get("/people/me").await;
    let token = page.hidden("act-account-sign-out", "form_token");
    let start = |token: &str| {
        let request =
            Face::request(Method::POST, "/passkey/register/start").header(header::COOKIE, &browser.cookie).header("x-hikeshi-token", token);
        request.header(header::CONTENT_TYPE, "application/json").body(Body::from("{}")).unwrap()
    };
    assert_eq!(face.send(start("wrong.token")).await.status, StatusCode::FORBIDDEN);
    let started = face.send(start(&token)).await;
    assert_eq!(started.status, StatusCode::OK, "{}", started.text());
    assert_eq!(started.json().pointer("/options/publicKey/rp/id").and_then(|id| id.as_str()), Some("localhost"));
}

#[tokio::test]
async fn the_language_is_chosen_on_the_page_and_kept() {
    let face = Face::new().await;
    let browser = face.browser("tanaka").await;
    assert!(browser.get("/").await.text().contains("<html lang=\"ja\">"));
    let answer = browser.post("/language", &[("lang", "en"), ("back", "/approvals")]).await;
    assert_eq!(answer.header(header::LOCATION), "/approvals");
    let cookie = format!("{}; {}", browser.cookie, answer.header(header::SET_COOKIE).split(';').next().unwrap());
    let english = face.send(Face::request(Method::GET, "/").header(header::COOKIE, cookie).body(Body::empty()).unwrap()).await;
    assert!(english.text().contains("<html lang=\"en\">") && english.text().contains("Your turn"));
    assert_eq!(english.header(header::CONTENT_LANGUAGE), "en");
}
