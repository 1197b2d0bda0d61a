//! One HTTP look at a service: for the monitors of the engine and for the checks of a plan. Bounded in time and in bytes; follows no redirect.

use std::sync::OnceLock;
use std::time::Duration;

use futures_util::StreamExt;

/// A body is searched this far and no further.
const BODY_BYTES_MAX: usize = 256 * 1024;

/// What was asked for and what came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probed {
    pub passed: bool,
    /// A status, what was missing, the operating system's words. Not masked.
    pub seen: String,
}

/// Reads a URL and compares: status, and the text that the body must hold.
pub async fn probe(url: &str, timeout: Duration, status: u16, body_contains: Option<&str>) -> Probed {
    match tokio::time::timeout(timeout, look(url, timeout, status, body_contains)).await {
        Ok(Ok(seen)) => Probed { passed: true, seen },
        Ok(Err(seen)) => Probed { passed: false, seen },
        Err(_) => Probed { passed: false, seen: format!("no answer within {} s", timeout.as_secs_f64()) },
    }
}

/// Whether `host:port` takes a connection.
pub async fn connect(address: &str, timeout: Duration) -> Probed {
    match tokio::time::timeout(timeout, tokio::net::TcpStream::connect(address)).await {
        Ok(Ok(_)) => Probed { passed: true, seen: "connected".to_owned() },
        Ok(Err(error)) => Probed { passed: false, seen: words(&error) },
        Err(_) => Probed { passed: false, seen: format!("no connection within {} s", timeout.as_secs_f64()) },
    }
}

async fn look(url: &str, timeout: Duration, wanted: u16, body_contains: Option<&str>) -> Result<String, String> {
    let response = client(url)?.get(url).timeout(timeout).send().await.map_err(|error| words(&error))?;
    let status = response.status().as_u16();
    if status != wanted {
        return Err(format!("HTTP {status}, expected {wanted}"));
    }
    let Some(text) = body_contains else { return Ok(format!("HTTP {status}")) };
    let mut body = Vec::new();
    let mut stream = response.bytes_stream();
    while let Some(piece) = stream.next().await {
        body.extend_from_slice(&piece.map_err(|error| words(&error))?);
        if body.len() >= BODY_BYTES_MAX {
            body.truncate(BODY_BYTES_MAX);
            break;
        }
    }
    if holds(&body, text.as_bytes()) {
        Ok(format!("HTTP {status}, body holds \"{text}\""))
    } else {
        Err(format!("HTTP {status}, body does not hold \"{text}\""))
    }
}

/// The whole body of an answer, up to so many bytes. Why not, in words.
pub(crate) async fn whole(response: reqwest::Response, bytes_max: usize) -> Result<Vec<u8>, BodyError> {
    let mut body = Vec::new();
    let mut stream = response.bytes_stream();
    while let Some(piece) = stream.next().await {
        body.extend_from_slice(&piece.map_err(|error| BodyError::Broken(words(&error)))?);
        if body.len() > bytes_max {
            return Err(BodyError::TooLong(format!("an answer of more than {bytes_max} bytes")));
        }
    }
    Ok(body)
}

pub(crate) enum BodyError {
    Broken(String),
    TooLong(String),
}

fn holds(body: &[u8], text: &[u8]) -> bool {
    text.is_empty() || body.windows(text.len()).any(|window| window == text)
}

/// One client for plain HTTP and one that has read the certificates of the system: those cost time and memory, and may be missing.
static PLAIN: OnceLock<reqwest::Client> = OnceLock::new();
static WITH_TLS: OnceLock<reqwest::Client> = OnceLock::new();

pub(crate) fn client(url: &str) -> Result<&'static reqwest::Client, String> {
    let plain = url.starts_with("http://");
    let place = if plain { &PLAIN } else { &WITH_TLS };
    if let Some(client) = place.get() {
        return Ok(client);
    }
    // A second installation is refused and harmless: the first one is there.
    if rustls::crypto::CryptoProvider::get_default().is_none() && rustls::crypto::ring::default_provider().install_default().is_err() {
        tracing::debug!("another thread installed the TLS provider first");
    }
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        // No connection outlives its look: each one asks the service anew, and the runtime that opened it may be gone.
        .pool_max_idle_per_host(0)
        .user_agent(concat!("hikeshi/", env!("CARGO_PKG_VERSION")));
    if plain {
        builder = builder.tls_certs_only([]);
    }
    let client = builder.build().map_err(|error| words(&error))?;
    Ok(place.get_or_init(|| client))
}

/// The innermost cause: what the operating system said.
pub(crate) fn words(error: &dyn std::error::Error) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    if deepest.to_string() == error.to_string() { error.to_string() } else { format!("{error}: {deepest}") }
}
