//! The API: strict in, complete out, and every address in its own description.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use serde_json::{Value, json};

use crate::face::{Answer, Face};

struct Program<'a> {
    face: &'a Face,
    token: String,
}

impl Program<'_> {
    async fn get(&self, path: &str) -> Answer {
        let request = Face::request(Method::GET, &format!("/api/v1{path}")).header(header::AUTHORIZATION, format!("Bearer {}", self.token));
        self.face.send(request.body(Body::empty()).unwrap()).await
    }
    fn command(&self, path: &str, key: Option<&str>, body: impl Into<Body>) -> Request<Body> {
        let mut request = Face::request(Method::POST, &format!("/api/v1/commands{path}"))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token))
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        request.body(body.into()).unwrap()
    }
    async fn give(&self, key: &str, command: &Value) -> Answer {
        self.face.send(self.command("", Some(key), command.to_string())).await
    }
}

async fn program<'a>(face: &'a Face, who: &str) -> Program<'a> {
    Program { token: face.token(who).await, face }
}

fn open() -> Value {
    json!({"area": "incident", "do": "open", "title": "予約画面が開けない", "service": "reservation", "environment": "production",
           "triage": {"impact": "all_users", "business": "lost_sales", "urgency": "now"}})
}

#[tokio::test]
async fn a_command_is_done_once_per_key() {
    let face = Face::new().await;
    let program = program(&face, "watanabe").await;
    let first = program.give("key-0001", &open()).await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.text());
    assert_eq!(first.json()["answer"], "done");
    assert_eq!(first.json()["receipt"]["made"], "inc_1");
    let again = program.give("key-0001", &open()).await.json();
    assert_eq!((&again["answer"], &again["receipt"]["made"]), (&json!("already"), &json!("inc_1")));
    let dry = face.send(program.command("?dry_run=true", Some("key-0002"), open().to_string())).await.json();
    assert_eq!(dry["answer"], "would_be_done");
    assert_eq!(program.get("/incidents").await.json()["rows"].as_array().map(Vec::len), Some(1), "a rehearsal writes nothing");
}

#[tokio::test]
async fn a_refusal_carries_rule_code_and_words_in_the_asked_language() {
    let face = Face::new().await;
    let program = program(&face, "tanaka").await;
    let incident = face.world.open_incident("watanabe").await.unwrap();
    let emergency = face.world.request("tanaka", incident, hikeshi_testkit::Plans::repair().unwrap()).await.unwrap();
    let digest = face.world.emergency(emergency).await.unwrap().emergency.digest;
    let approve = json!({"area": "emergency", "do": "approve", "emergency": emergency, "digest": digest, "judgement": "自分で"});
    let refused = program.give("key-self-approval", &approve).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(refused.header(header::CONTENT_TYPE), "application/problem+json");
    let problem = refused.json();
    assert_eq!(problem["rule"], "E3", "{problem}");
    assert!(problem["entry"].is_u64() && problem["what"].as_str().is_some_and(|what| !what.is_ascii()), "{problem}");
    let mut request = program.command("", Some("key-self-approval-2"), approve.to_string());
    request.headers_mut().insert(header::ACCEPT_LANGUAGE, "en".parse().unwrap());
    assert!(face.send(request).await.json()["what"].as_str().is_some_and(str::is_ascii));
    let missing = json!({"area": "incident", "do": "resolve", "incident": "inc_99", "what": "直した"});
    assert!(program.give("key-missing", &missing).await.status.is_client_error());
}

#[tokio::test]
async fn what_is_not_understood_is_not_ignored() {
    let face = Face::new().await;
    let program = program(&face, "watanabe").await;
    let with = |path: &str, value: Value| {
        let mut command = open();
        match path.split_once('.') {
            Some((outer, inner)) => command[outer][inner] = value,
            None => command[path] = value,
        }
        command
    };
    for (command, expected) in [
        (with("severity", json!(1)), 422),
        (with("triage.sevrity", json!("high")), 422),
        (with("service", json!("Reservation!")), 422),
        (with("title", json!(7)), 422),
        (json!({"area": "incident"}), 422),
        (json!([]), 422),
        (json!({"area": "wake", "wake": "escalate", "incident": "inc_1"}), 422),
        (
            json!({"area": "account", "do": "sign_in", "person": "takahashi", "proof": {"by": "passkey", "credential_id": "x"},
                "session": "0".repeat(64), "valid_min": 60}),
            422,
        ),
        (json!({"area": "outcome", "do": "in_doubt", "effect": "emg_1/step/1/1"}), 422),
    ] {
        let answer = program.give("key-strictness", &command).await;
        assert_eq!(answer.status.as_u16(), expected, "{command}: {}", answer.text());
    }
    let raw = async |key: Option<&str>, body: &'static [u8]| face.send(program.command("", key, body)).await.status.as_u16();
    assert_eq!(raw(Some("key-broken"), b"{").await, 400);
    assert_eq!(raw(Some("key-sjis-1"), b"\"\x83\x65\"").await, 400);
    assert_eq!(raw(None, b"{}").await, 400, "a request key is required");
    assert_eq!(raw(Some("short"), b"{}").await, 400);
    let large = format!("\"{}\"", "a".repeat(1024 * 1024));
    assert_eq!(face.send(program.command("", Some("key-large"), large)).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    let mut other = program.command("", Some("key-type-1"), open().to_string());
    other.headers_mut().insert(header::CONTENT_TYPE, "text/plain".parse().unwrap());
    assert_eq!(face.send(other).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    for path in [
        "/incidents?limit=0",
        "/incidents?limit=201",
        "/incidents?limit=ten",
        "/incidents?opne=true",
        "/incidents?open=yes",
        "/now?x=1",
        "/incidents?limit=1&limit=2",
    ] {
        assert_eq!(program.get(path).await.status, StatusCode::BAD_REQUEST, "{path}");
    }
}

#[tokio::test]
async fn nobody_gets_in_without_a_token() {
    let face = Face::new().await;
    let browser = face.browser("watanabe").await;
    for authorization in ["", "Bearer 0123456789abcdef0123456789abcdef", "Basic dGFuYWthOng="] {
        let answer = face
            .send(Face::request(Method::GET, "/api/v1/now").header(header::AUTHORIZATION, authorization).body(Body::empty()).unwrap())
            .await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{authorization}");
        assert!(answer.header(header::WWW_AUTHENTICATE).starts_with("Bearer"));
    }
    // A browser may read with its cookie, and gives commands only with the token of its page.
    let mut request = Face::request(Method::POST, "/api/v1/commands")
        .header(header::COOKIE, &browser.cookie)
        .header(header::CONTENT_TYPE, "application/json");
    request = request.header("idempotency-key", "key-by-cookie");
    assert_eq!(face.send(request.body(Body::from(open().to_string())).unwrap()).await.status, StatusCode::FORBIDDEN);
    let health = face.send(Face::request(Method::GET, "/api/v1/health").body(Body::empty()).unwrap()).await.json();
    assert_eq!(health["ok"], true);
}

/// Every `$ref` of the document leads somewhere.
fn refs<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| match value.as_str() {
            Some(path) if key == "$ref" => found.push(path),
            _ => refs(value, found),
        }),
        Value::Array(items) => items.iter().for_each(|item| refs(item, found)),
        _ => {}
    }
}

#[tokio::test]
async fn the_description_is_whole_and_every_address_in_it_answers() {
    let face = Face::new().await;
    let program = program(&face, "watanabe").await;
    let document = program.get("/openapi.json").await.json();
    let mut found = Vec::new();
    refs(&document, &mut found);
    for path in found {
        assert!(document.pointer(path.trim_start_matches('#')).is_some(), "{path} leads nowhere");
    }
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() >= 21, "{}", paths.len());
    for (path, operations) in paths {
        let concrete = path
            .replace("{id}", "0")
            .replace("{incident}", "inc_9")
            .replace("{name}", "emergency-deploy")
            .replace("{seq}", "0")
            .replace("{subscriber}", "0")
            .replace("{digest}", &"0".repeat(64));
        let unnamed = |method: &Method| operations.get(method.as_str().to_ascii_lowercase()).is_none();
        let other = [Method::GET, Method::POST, Method::PUT].into_iter().find(unnamed).unwrap();
        let request = Face::request(other, &concrete).header(header::AUTHORIZATION, format!("Bearer {}", program.token));
        let answer = face.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{path} is in the router, with the method that the document names");
        if operations.get("get").is_some() {
            let answer = program.get(concrete.trim_start_matches("/api/v1")).await;
            let responses = operations["get"]["responses"].as_object().unwrap();
            assert!(responses.contains_key(&answer.status.as_u16().to_string()), "{path} answers {}", answer.status);
        }
    }
    let kinds: Vec<&str> =
        ["AccountCommand", "ChannelCommand", "EmergencyCommand", "IncidentCommand", "ObligationCommand", "PolicyCommand"]
            .into_iter()
            .flat_map(|name| {
                let schema = &document["components"]["schemas"][name];
                schema["oneOf"].as_array().map_or_else(|| vec![schema], |variants| variants.iter().collect())
            })
            .map(|variant| variant["properties"]["do"]["const"].as_str().unwrap_or_else(|| panic!("{variant}")))
            .collect();
    for kind in ["open", "request", "approve", "step", "restore", "report", "post", "adopt", "issue_token"] {
        assert!(kinds.contains(&kind), "{kind} is missing in {kinds:?}");
    }
    for closed in ["sign_in", "add_passkey"] {
        assert!(!kinds.contains(&closed), "{closed}");
    }
}

#[tokio::test]
async fn an_entry_has_a_tag_and_its_very_bytes() {
    let face = Face::new().await;
    let program = program(&face, "watanabe").await;
    let answer = program.get("/ledger/0").await;
    let bytes = answer.json()["bytes"].as_str().unwrap().to_owned();
    assert!(bytes.starts_with("{\"v\":1,\"seq\":0"), "{bytes}");
    let tag = answer.header(header::ETAG).to_owned();
    let request = Face::request(Method::GET, "/api/v1/ledger/0")
        .header(header::AUTHORIZATION, format!("Bearer {}", program.token))
        .header(header::IF_NONE_MATCH, tag);
    assert_eq!(face.send(request.body(Body::empty()).unwrap()).await.status, StatusCode::NOT_MODIFIED);
}
