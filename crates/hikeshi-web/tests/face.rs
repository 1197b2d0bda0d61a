//! A browser and a program, as far as the tests need them.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use hikeshi_domain::account::Command as Account;
use hikeshi_domain::command::Command;
use hikeshi_domain::ids::Digest;
use hikeshi_domain::people::{Actor, Via};
use hikeshi_testkit::{World, people};
use hikeshi_web::WebOptions;
use tower::ServiceExt as _;

pub const URL: &str = "http://localhost:7410";

pub struct Face {
    pub world: World,
    pub app: Router,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8(self.bytes.clone()).expect("UTF-8")
    }
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
    pub fn header(&self, name: impl axum::http::header::AsHeaderName) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
    /// The value of a hidden field of the form with this id.
    pub fn hidden(&self, form: &str, name: &str) -> String {
        let text = self.text();
        let at = text.find(&format!("id=\"{form}\"")).unwrap_or_else(|| panic!("no form {form} in {text}"));
        let rest = text.get(at..).expect("text");
        let mark = format!("name=\"{name}\" value=\"");
        let start = rest.find(&mark).expect("the field") + mark.len();
        rest.get(start..).and_then(|rest| rest.split('"').next()).expect("a value").to_owned()
    }
}

impl Face {
    pub async fn new() -> Self {
        let world = World::new().await.expect("a world");
        let options = WebOptions::new(world.door().expect("a door"), URL.parse().expect("an address"));
        Self { app: hikeshi_web::app(options), world }
    }

    /// Ends the world; the router's own handle on the store goes first.
    pub async fn end(self) {
        drop(self.app);
        self.world.end().await.expect("a sound end");
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.app.clone().oneshot(request).await.expect("an answer");
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 16 * 1024 * 1024).await.expect("a body").to_vec();
        Answer { status: parts.status, headers: parts.headers, bytes }
    }

    pub fn request(method: Method, path: &str) -> axum::http::request::Builder {
        Request::builder().method(method).uri(path).header(header::HOST, "localhost:7410").header(header::ACCEPT_LANGUAGE, "ja")
    }

    /// A one-time link's secret.
    pub async fn link(&self, who: &str) -> String {
        let secret = format!("{}-{}", self.world.key(), "0123456789abcdef0123456789abcdef");
        let invite =
            Account::Invite { person: people::person(who).expect("a person"), secret: Digest::of(secret.as_bytes()), valid_min: 60 };
        self.world.say(Actor::Startup, Via::Inside, Command::Account(invite)).await.expect("an invitation");
        secret
    }

    /// Signs in as a browser without scripts does.
    pub async fn browser(&self, who: &str) -> Browser<'_> {
        let link = self.link(who).await;
        let body = form(&[("link", &link)]);
        let request = Self::request(Method::POST, "/signin/link").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let answer = self.send(request.body(Body::from(body)).expect("a request")).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
        let cookie = answer.header(header::SET_COOKIE).split(';').next().expect("a cookie").to_owned();
        Browser { face: self, cookie }
    }

    /// A token, issued by the person's own browser.
    pub async fn token(&self, who: &str) -> String {
        let browser = self.browser(who).await;
        let page = browser.get("/people/me").await;
        let form = "act-account-issue-token";
        let fields = [
            ("do", "account.issue_token".to_owned()),
            ("act", form.to_owned()),
            ("form_token", page.hidden(form, "form_token")),
            ("key", page.hidden(form, "key")),
            ("label", "試験".to_owned()),
            ("valid_days", "7".to_owned()),
        ];
        let answer = browser.post("/people/me", &fields.each_ref().map(|(name, value)| (*name, value.as_str()))).await;
        let text = answer.text();
        let start = text.find("id=\"fresh-token\">").unwrap_or_else(|| panic!("{text}")) + "id=\"fresh-token\">".len();
        text.get(start..).and_then(|rest| rest.split('<').next()).expect("a token").to_owned()
    }
}

pub fn form(fields: &[(&str, &str)]) -> String {
    let encode = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect::<Vec<_>>().join("&")
}

pub struct Browser<'a> {
    pub face: &'a Face,
    pub cookie: String,
}

impl Browser<'_> {
    pub async fn get(&self, path: &str) -> Answer {
        self.face.send(Face::request(Method::GET, path).header(header::COOKIE, &self.cookie).body(Body::empty()).expect("a request")).await
    }

    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let request = Face::request(Method::POST, path)
            .header(header::COOKIE, &self.cookie)
            .header(header::ORIGIN, URL)
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.face.send(request.body(Body::from(form(fields))).expect("a request")).await
    }

    /// Fills in a form of a page and sends it, with its hidden fields.
    pub async fn act(&self, path: &str, kind: &str, form: &str, fields: &[(&str, &str)]) -> Answer {
        let page = self.get(path).await;
        let (token, key) = (page.hidden(form, "form_token"), page.hidden(form, "key"));
        let mut all = vec![("do", kind), ("act", form), ("form_token", token.as_str()), ("key", key.as_str())];
        all.extend_from_slice(fields);
        self.post(path, &all).await
    }
}
