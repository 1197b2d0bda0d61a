//! Bad input and what surrounds every answer.

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use hikeshi_testkit::Plans;

use crate::face::Face;

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let face = Face::new().await;
    for path in ["/signin", "/api/v1/health", "/nowhere", "/api/v1/nowhere"] {
        let answer = face.send(Face::request(Method::GET, path).body(Body::empty()).unwrap()).await;
        let policy = answer.header(header::CONTENT_SECURITY_POLICY);
        assert!(
            policy.contains("default-src 'none'")
                && policy.contains("frame-ancestors 'none'")
                && !policy.replace("wasm-unsafe-eval", "").contains("unsafe"),
            "{path}"
        );
        assert_eq!(answer.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff", "{path}");
        assert_eq!(answer.header(header::REFERRER_POLICY), "same-origin", "{path}");
        assert_eq!(answer.header(header::CACHE_CONTROL), "no-store", "{path}");
    }
}

#[tokio::test]
async fn assets_are_compressed_and_kept_for_ever() {
    let face = Face::new().await;
    let page = face.send(Face::request(Method::GET, "/signin").body(Body::empty()).unwrap()).await.text();
    let start = page.find("/assets/hikeshi.").unwrap();
    let path = page.get(start..).and_then(|rest| rest.split('"').next()).unwrap();
    let answer = face.send(Face::request(Method::GET, path).header(header::ACCEPT_ENCODING, "gzip").body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header(header::CONTENT_ENCODING), "gzip");
    assert!(answer.header(header::CACHE_CONTROL).contains("immutable"));
    let gone = face.send(Face::request(Method::GET, "/assets/hikeshi.000000000000.css").body(Body::empty()).unwrap()).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_page_of_an_exception_is_small_on_the_wire() {
    let face = Face::new().await;
    let emergency = face.world.until_executing(Plans::repair().unwrap()).await.unwrap();
    face.world.run_step("sato", emergency, 1).await.unwrap();
    let browser = face.browser("sato").await;
    let request = Face::request(Method::GET, &format!("/emergencies/{emergency}"))
        .header(header::COOKIE, &browser.cookie)
        .header(header::ACCEPT_ENCODING, "gzip");
    let answer = face.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.header(header::CONTENT_ENCODING), "gzip");
    assert!(answer.bytes.len() < 30 * 1024, "{} bytes", answer.bytes.len());
}

#[tokio::test]
async fn too_large_not_utf8_and_the_wrong_method_are_said_so() {
    let face = Face::new().await;
    let browser = face.browser("watanabe").await;
    let post = |body: Vec<u8>| {
        let request = Face::request(Method::POST, "/incidents/new").header(header::COOKIE, &browser.cookie);
        request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(Body::from(body)).unwrap()
    };
    let large = face.send(post(vec![b'a'; 1024 * 1024 + 1])).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(large.text().contains("大きすぎます"));
    let sjis = face.send(post(b"title=%83%65%83%58%83%67".to_vec())).await;
    assert_eq!(sjis.status, StatusCode::BAD_REQUEST);
    assert!(sjis.text().contains("UTF-8"));
    let method =
        face.send(Face::request(Method::DELETE, "/incidents").header(header::COOKIE, &browser.cookie).body(Body::empty()).unwrap()).await;
    assert_eq!(method.status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(method.header(header::ALLOW).contains("GET"), "{:?}", method.headers);
    let nothing = face
        .send(
            Face::request(Method::GET, "/incidents/inc_99999999999999999999")
                .header(header::COOKIE, &browser.cookie)
                .body(Body::empty())
                .unwrap(),
        )
        .await;
    assert_eq!(nothing.status, StatusCode::NOT_FOUND);
    assert!(nothing.text().contains("見つかりません"));
}

#[tokio::test]
async fn an_output_is_served_byte_for_byte_and_never_as_a_page() {
    let face = Face::new().await;
    let emergency = face.world.until_executing(Plans::repair().unwrap()).await.unwrap();
    face.world.run_step("sato", emergency, 1).await.unwrap();
    let change = face.world.emergency(emergency).await.unwrap().emergency.changes.first().cloned().expect("a change");
    let digest = change.after.expect("content").digest;
    let browser = face.browser("tanaka").await;
    let answer = browser.get(&format!("/content/{digest}")).await;
    assert_eq!(answer.bytes, b"host=db2");
    assert_eq!(answer.header(header::CONTENT_TYPE), "text/plain");
    assert!(answer.header(header::CONTENT_DISPOSITION).starts_with("attachment"));
    let tag = answer.header(header::ETAG).to_owned();
    let request = Face::request(Method::GET, &format!("/content/{digest}"))
        .header(header::COOKIE, &browser.cookie)
        .header(header::IF_NONE_MATCH, tag);
    let again = face.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!((again.status, again.bytes.len()), (StatusCode::NOT_MODIFIED, 0));
    let stranger = face.send(Face::request(Method::GET, &format!("/content/{digest}")).body(Body::empty()).unwrap()).await;
    assert_eq!(stranger.status, StatusCode::SEE_OTHER, "only for those who are signed in");
}

#[tokio::test]
async fn the_record_of_a_case_comes_as_a_zip() {
    let face = Face::new().await;
    let incident = face.world.open_incident("watanabe").await.unwrap();
    let browser = face.browser("tanaka").await;
    let answer = browser.get(&format!("/ledger/bundle/{incident}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.headers);
    assert!(answer.bytes.starts_with(b"PK"));
    assert_eq!(browser.get("/ledger/bundle/inc_77").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn news_begin_with_the_tip_and_end_with_the_session() {
    let face = Face::new().await;
    let browser = face.browser("watanabe").await;
    let request = Face::request(Method::GET, "/live").header(header::COOKIE, &browser.cookie).body(Body::empty()).unwrap();
    let response = tower::ServiceExt::oneshot(face.app.clone(), request).await.unwrap();
    assert_eq!(response.headers().get("x-accel-buffering").unwrap(), "no");
    let mut news = response.into_body().into_data_stream();
    let mut next = async || {
        let chunk = futures_util::StreamExt::next(&mut news).await.expect("an event").expect("a chunk");
        String::from_utf8(chunk.to_vec()).unwrap()
    };
    let first = next().await;
    assert!(first.contains("event: tip") && first.contains("id: "), "{first}");
    assert!(next().await.contains("event: beat"));
    let size = *face.world.door().unwrap().tip().borrow();
    face.world.open_incident("watanabe").await.unwrap();
    let told = next().await;
    assert!(told.contains("event: tip") && told.contains(&format!("data: {}", size + 1)), "{told}");
    assert_eq!(face.send(Face::request(Method::GET, "/live").body(Body::empty()).unwrap()).await.status, StatusCode::UNAUTHORIZED);
}
