//! One HTTP look at a service: for the monitors of the engine and for the checks of a plan. Bounded in time and in bytes; follows no redirect.

use std::sync::OnceLock;
use std::time::Duration;

use futures_util::StreamExt;
use hikeshi_domain::monitor::Measured;
use jiff::Timestamp;

use crate::clock;

/// A body is searched this far and no further.
const BODY_BYTES_MAX: usize = 256 * 1024;

/// An answer as it must be.
pub(crate) struct Wanted<'a> {
    pub(crate) url: &'a str,
    pub(crate) timeout: Duration,
    pub(crate) status: u16,
    pub(crate) body_contains: Option<&'a str>,
    /// Days for which the certificate must be valid; 0 = it is enough that it is now.
    pub(crate) tls_days: u32,
}

/// Reads a URL and compares: status, and the text that the body must hold. What is seen is not masked.
pub async fn probe(url: &str, timeout: Duration, status: u16, body_contains: Option<&str>) -> Measured {
    look_at(&Wanted { url, timeout, status, body_contains, tls_days: 0 }).await
}

pub(crate) async fn look_at(wanted: &Wanted<'_>) -> Measured {
    // What this machine cannot do says nothing about the service.
    let client = match client(wanted.url) {
        Ok(client) => client,
        Err(why) => return Measured::unmeasured(why),
    };
    match tokio::time::timeout(wanted.timeout, look(client, wanted)).await {
        Ok(Ok(seen)) => Measured::passed(seen),
        Ok(Err(seen)) => Measured::failed(seen),
        Err(_) => Measured::failed(format!("no answer within {} s", wanted.timeout.as_secs_f64())),
    }
}

/// Whether `host:port` takes a connection.
pub async fn connect(address: &str, timeout: Duration) -> Measured {
    match tokio::time::timeout(timeout, tokio::net::TcpStream::connect(address)).await {
        Ok(Ok(_)) => Measured::passed("connected"),
        Ok(Err(error)) => Measured::failed(words(&error)),
        Err(_) => Measured::failed(format!("no connection within {} s", timeout.as_secs_f64())),
    }
}

async fn look(client: &reqwest::Client, wanted: &Wanted<'_>) -> Result<String, String> {
    let Wanted { url, timeout, status: expected, body_contains, tls_days } = wanted;
    let response = client.get(*url).timeout(*timeout).send().await.map_err(|error| words(&error.without_url()))?;
    let status = response.status().as_u16();
    if status != *expected {
        return Err(format!("HTTP {status}, expected {expected}"));
    }
    if *tls_days > 0 {
        let certificate = response.extensions().get::<reqwest::tls::TlsInfo>().and_then(reqwest::tls::TlsInfo::peer_certificate);
        still_valid(certificate, *tls_days, clock::now())?;
    }
    let Some(text) = *body_contains else { return Ok(format!("HTTP {status}")) };
    let mut body = Vec::new();
    let mut stream = response.bytes_stream();
    while let Some(piece) = stream.next().await {
        body.extend_from_slice(&piece.map_err(|error| words(&error.without_url()))?);
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

/// `Err`: the certificate ends too soon, and when.
fn still_valid(certificate: Option<&[u8]>, days: u32, now: Timestamp) -> Result<(), String> {
    let certificate = certificate.ok_or("the server shows no certificate")?;
    let (_, certificate) =
        x509_parser::parse_x509_certificate(certificate).map_err(|error| format!("the certificate cannot be read: {error}"))?;
    let until = Timestamp::from_second(certificate.validity().not_after.timestamp()).map_err(|error| error.to_string())?;
    let left = until.duration_since(now).as_hours() / 24;
    if left >= i64::from(days) {
        return Ok(());
    }
    Err(format!("the certificate is valid for {left} days more, until {}; {days} days are wanted", until.strftime("%Y-%m-%d %H:%M UTC")))
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
        // Monitors look at how long a certificate is valid.
        .tls_info(true)
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
