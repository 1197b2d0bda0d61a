//! The API of a server, as this client speaks it. Retries only what is safe to repeat: looks, and commands under the same request key.

use std::time::Duration;

use hikeshi_domain::command::Command;
use hikeshi_domain::ids::{Digest, RequestKey};
use hikeshi_domain::refusal::Refusal;
use hikeshi_engine::door::Receipt;
use hikeshi_text::{Lang, terminal};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::fail::{Failure, Result};

const CONNECT_WITHIN: Duration = Duration::from_secs(5);
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// Longest answer that is read: a content of the record may have a few megabytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;
/// A whole recording may take long.
const SAVED_WITHIN: Duration = Duration::from_secs(3_600);
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(300);

pub struct Remote {
    client: reqwest::Client,
    url: String,
    authority: Authority,
    lang: Lang,
}

/// What shows who asks.
enum Authority {
    None,
    Token(String),
    /// A browser session, as `name=value`, and the proof that this program knows its secret and was not merely made to send the cookie.
    Cookie {
        cookie: String,
        proof: String,
    },
}

/// A refusal as the API words it: the problem document carries the refusal itself.
#[derive(Deserialize)]
struct Problem {
    #[serde(default)]
    what: String,
    #[serde(default)]
    why: String,
    #[serde(default)]
    refusal: Option<Refusal>,
    #[serde(default)]
    entry: Option<u64>,
}

/// What became of a command.
#[derive(Deserialize)]
struct CommandAnswer {
    answer: Became,
    receipt: Receipt,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Became {
    Done,
    Already,
    WouldBeDone,
}

impl Remote {
    pub fn new(url: &str, token: Option<String>, lang: Lang) -> Result<Self> {
        let authority = token.map_or(Authority::None, Authority::Token);
        Self::with(url, authority, lang)
    }

    fn with(url: &str, authority: Authority, lang: Lang) -> Result<Self> {
        let url = url.trim_end_matches('/').to_owned();
        let parsed = url::Url::parse(&url).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.host_str().is_some());
        if parsed.is_none() {
            return Err(Failure::Usage(terminal::bad_url(lang, &url)));
        }
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_WITHIN)
            .timeout(ANSWER_WITHIN)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("hikeshi-cli/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Failure::Failed(words(&error)))?;
        Ok(Self { client, url, authority, lang })
    }

    /// Uses a one-time link up, as the page's button does, and goes on with the session that it opens.
    pub async fn by_link(link: &str, lang: Lang) -> Result<Self> {
        let parsed = url::Url::parse(link).map_err(|_| Failure::Usage(terminal::bad_url(lang, link)))?;
        let secret = parsed.query_pairs().find(|(name, _)| name == "link").map(|(_, value)| value.into_owned());
        let secret = secret.ok_or_else(|| Failure::Usage(terminal::bad_url(lang, link)))?;
        let base = parsed.origin().ascii_serialization();
        let guest = Self::with(&base, Authority::None, lang)?;
        let body = url::form_urlencoded::Serializer::new(String::new()).append_pair("link", &secret).append_pair("next", "/").finish();
        let request =
            guest.client.post(format!("{base}/signin/link")).header("content-type", "application/x-www-form-urlencoded").body(body);
        let response = request.send().await.map_err(|error| guest.unreachable(&error))?;
        let cookie = response
            .headers()
            .get_all("set-cookie")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .filter_map(|value| value.split(';').next())
            .find(|pair| !pair.ends_with('='));
        match cookie {
            Some(cookie) if response.status().is_redirection() => {
                let proof = form_proof(cookie.split_once('=').map_or("", |(_, session)| session))?;
                Self::with(&base, Authority::Cookie { cookie: cookie.to_owned(), proof }, lang)
            }
            Some(_) | None => Err(Failure::SignIn(terminal::link_refused(lang))),
        }
    }

    /// The token with which this client asks, if it is one.
    pub fn token(&self) -> Option<&str> {
        match &self.authority {
            Authority::Token(token) => Some(token),
            Authority::None | Authority::Cookie { .. } => None,
        }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let bytes = self.bytes(path).await?;
        serde_json::from_slice(&bytes).map_err(|error| Failure::Failed(terminal::bad_answer(self.lang, &self.url, &error.to_string())))
    }

    pub async fn bytes(&self, path: &str) -> Result<Vec<u8>> {
        let response = self.answer(|| self.request(Method::GET, path)).await?;
        let status = response.status();
        let body = self.read(response).await?;
        if status.is_success() { Ok(body) } else { Err(self.failure(status, &body)) }
    }

    /// Deleting what is gone already is as good as once.
    pub async fn delete(&self, path: &str) -> Result<()> {
        let response = self.answer(|| self.request(Method::DELETE, path)).await?;
        let status = response.status();
        let body = self.read(response).await?;
        if status.is_success() { Ok(()) } else { Err(self.failure(status, &body)) }
    }

    /// Writes an answer of any length as it comes; its size.
    pub async fn save(&self, path: &str, out: &mut (dyn std::io::Write + Send)) -> Result<u64> {
        let mut response = self.answer(|| self.request(Method::GET, path).timeout(SAVED_WITHIN)).await?;
        let status = response.status();
        if !status.is_success() {
            let body = self.read(response).await?;
            return Err(self.failure(status, &body));
        }
        let mut written = 0_u64;
        while let Some(piece) = response.chunk().await.map_err(|error| self.unreachable(&error))? {
            out.write_all(&piece)?;
            written = written.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        }
        Ok(written)
    }

    pub async fn submit(&self, command: &Command, key: &RequestKey, dry_run: bool) -> Result<(bool, Receipt)> {
        let body = serde_json::to_vec(command).map_err(|error| Failure::Failed(error.to_string()))?;
        let path = if dry_run { "commands?dry_run=true" } else { "commands" };
        let request = || {
            self.request(Method::POST, path)
                .header("idempotency-key", key.as_str())
                .header("content-type", "application/json")
                .body(body.clone())
        };
        let response = self.answer(request).await?;
        let status = response.status();
        let body = self.read(response).await?;
        if !status.is_success() {
            return Err(self.failure(status, &body));
        }
        let done: CommandAnswer = serde_json::from_slice(&body)
            .map_err(|error| Failure::Failed(terminal::bad_answer(self.lang, &self.url, &error.to_string())))?;
        Ok((done.answer == Became::Already, done.receipt))
    }

    /// Sends something that is the same when it is sent twice, and says what became of it.
    pub async fn send(&self, path: &str, kind: &str, body: Vec<u8>) -> Result<(bool, Receipt)> {
        let request = || self.request(Method::POST, path).header("content-type", kind).timeout(SAVED_WITHIN).body(body.clone());
        let response = self.answer(request).await?;
        let status = response.status();
        let body = self.read(response).await?;
        if !status.is_success() {
            return Err(self.failure(status, &body));
        }
        let done: CommandAnswer = serde_json::from_slice(&body)
            .map_err(|error| Failure::Failed(terminal::bad_answer(self.lang, &self.url, &error.to_string())))?;
        Ok((done.answer == Became::Already, done.receipt))
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self
            .client
            .request(method, format!("{}/api/v1/{path}", self.url))
            .header("accept-language", self.lang.tag())
            .header("x-hikeshi-face", "cli");
        match &self.authority {
            Authority::None => request,
            Authority::Token(token) => request.bearer_auth(token),
            Authority::Cookie { cookie, proof } => request.header("cookie", cookie).header("x-hikeshi-token", proof),
        }
    }

    /// Sends, and sends again when nothing came back or the server was only busy: a look changes nothing, and a command carries its key.
    async fn answer(&self, request: impl Fn() -> RequestBuilder) -> Result<Response> {
        let mut tries = 1;
        loop {
            match request().send().await {
                Ok(response)
                    if tries < TRIES && matches!(response.status(), StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) => {}
                Ok(response) => return Ok(response),
                Err(error) if tries < TRIES && !error.is_builder() => {}
                Err(error) => return Err(self.unreachable(&error)),
            }
            tokio::time::sleep(PAUSE * tries).await;
            tries += 1;
        }
    }

    async fn read(&self, mut response: Response) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|error| self.unreachable(&error))? {
            body.extend_from_slice(&piece);
            if body.len() > ANSWER_BYTES_MAX {
                return Err(Failure::Failed(terminal::bad_answer(self.lang, &self.url, "too large")));
            }
        }
        Ok(body)
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        Failure::Unreachable(terminal::unreachable(self.lang, &self.url, &words(error)))
    }

    fn failure(&self, status: StatusCode, body: &[u8]) -> Failure {
        let problem: Option<Problem> = serde_json::from_slice(body).ok();
        let said = problem.as_ref().map(|problem| format!("{}{}", problem.what, problem.why));
        let said = said.filter(|said| !said.is_empty()).unwrap_or_else(|| status.to_string());
        if let Some(Problem { refusal: Some(refusal), entry: seq, .. }) = problem {
            return match &refusal {
                // An unknown number is no matter of rules for whoever typed it.
                Refusal::NotFound { given, .. } => Failure::NotFound(terminal::not_found(self.lang, given)),
                _ => Failure::Refused { refusal: Box::new(refusal), seq },
            };
        }
        match status {
            StatusCode::UNAUTHORIZED => Failure::SignIn(terminal::not_signed_in(self.lang)),
            StatusCode::NOT_FOUND => Failure::NotFound(said),
            StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY | StatusCode::PAYLOAD_TOO_LARGE => Failure::Usage(said),
            _ => Failure::Failed(terminal::bad_answer(self.lang, &self.url, &said)),
        }
    }
}

/// The token that a page of ours would carry for this session.
fn form_proof(session: &str) -> Result<String> {
    let nonce: String = crate::secret::fresh()?.chars().take(12).collect();
    Ok(format!("{nonce}.{}", Digest::of(format!("hikeshi-form\0{nonce}\0{session}").as_bytes())))
}

/// The innermost cause: what the operating system said.
fn words(error: &dyn std::error::Error) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}
