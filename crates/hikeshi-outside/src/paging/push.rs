//! A page to one browser, through the push service that it brought along: encrypted so that the service cannot read it (RFC 8291), signed so
//! that it knows who sends (RFC 8292). That a service took it says nothing of whether it was shown.
//!
//! Every byte that goes out is made here, with `ring` and `p256`. Which browsers there are is known to the engine.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hikeshi_domain::contact::Subscription;
use hikeshi_domain::ids::Digest;
use hikeshi_domain::incident::Priority;
use hikeshi_domain::page::{About, PageOrder};
use hikeshi_domain::policy::WebPush;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use p256::{PublicKey, SecretKey};
use ring::{aead, hkdf};
use serde_json::json;

use super::{Trouble, bounded};
use crate::Options;
use crate::probe::{client, whole, words};

const ANSWER_BYTES_MAX: usize = 16 * 1024;
/// A page that comes later than this calls nobody any more.
const VALID_S: &str = "600";
/// How long a token is good; services refuse more than a day.
const TOKEN_S: i64 = 3_600;
const KEY_BYTES: usize = 65;
const AUTH_BYTES: usize = 16;
const SALT_BYTES: usize = 16;
const RECORD_BYTES: u32 = 4_096;
/// What a service must take, less head, end mark and tag.
const TEXT_BYTES_MAX: usize = 3_900;
const TOPIC_CHARS: usize = 32;

/// Who we are to push services. A browser that is subscribed with one key takes pages of no other.
pub struct PushKey(SecretKey);

impl fmt::Debug for PushKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PushKey(…)")
    }
}

impl PushKey {
    /// Made of random bytes; nearly every 32 of them are a key.
    pub fn generate() -> Result<Self, String> {
        (0..8)
            .find_map(|_| random::<32>().ok().and_then(|bytes| SecretKey::from_slice(&bytes).ok()))
            .map(Self)
            .ok_or_else(|| "no random bytes".to_owned())
    }

    pub fn parse(text: &str) -> Result<Self, String> {
        let bytes = URL_SAFE_NO_PAD.decode(text.trim()).map_err(|error| error.to_string())?;
        SecretKey::from_slice(&bytes).map(Self).map_err(|_| "it is no key of P-256".to_owned())
    }

    pub fn secret_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0.to_bytes())
    }

    /// As a browser takes it.
    pub fn public_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0.public_key().to_sec1_bytes())
    }

    /// `vapid t=…, k=…` for one push service.
    fn authorization(&self, service: &str, contact: &str, now_s: i64) -> String {
        let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let claims = json!({"aud": service, "exp": now_s.saturating_add(TOKEN_S), "sub": contact});
        let signed = format!("{}.{}", part(json!({"typ": "JWT", "alg": "ES256"})), part(claims));
        let signature: Signature = SigningKey::from(&self.0).sign(signed.as_bytes());
        format!("vapid t={signed}.{}, k={}", URL_SAFE_NO_PAD.encode(signature.to_bytes()), self.public_text())
    }
}

fn random<const N: usize>() -> Result<[u8; N], String> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| error.to_string())?;
    Ok(bytes)
}

fn keys(subscription: &Subscription) -> Result<(PublicKey, [u8; AUTH_BYTES]), String> {
    let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).map_err(|error| error.to_string());
    let key = bytes(&subscription.p256dh)?;
    let auth =
        <[u8; AUTH_BYTES]>::try_from(bytes(&subscription.auth)?).map_err(|_| "the secret of the browser is not 16 bytes".to_owned())?;
    let point = Some(key).filter(|key| key.len() == KEY_BYTES).and_then(|key| PublicKey::from_sec1_bytes(&key).ok());
    Ok((point.ok_or("the key of the browser is no point of P-256")?, auth))
}

/// Where a browser is reached: scheme, host and port. `None`: nothing that could be sent to.
fn service_of(endpoint: &str) -> Option<String> {
    let url = reqwest::Url::parse(endpoint).ok()?;
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    (plain && url.host().is_some() && matches!(url.scheme(), "http" | "https")).then(|| url.origin().ascii_serialization())
}

pub(super) async fn send(
    options: &Options,
    order: &PageOrder,
    push: &WebPush,
    subscription: Option<&Subscription>,
    within: Duration,
) -> Result<String, Trouble> {
    let key = options.push_key.as_ref().ok_or_else(|| "this server has no key for push services".to_owned())?;
    let subscription = subscription.ok_or_else(|| "where the browser is reached is not known".to_owned())?;
    let service = service_of(&subscription.endpoint).filter(|service| push.accepts(service));
    // The policy may have changed since it was subscribed.
    let service = service.ok_or_else(|| Trouble::Lasting("the policy does not allow its push service".to_owned()))?;
    let body = sealed(subscription, shown(options, order).to_string().as_bytes()).map_err(Trouble::Lasting)?;
    let request = client(&subscription.endpoint)?
        .post(&subscription.endpoint)
        .timeout(within)
        .header("ttl", VALID_S)
        .header("urgency", if is_urgent(&order.about) { "high" } else { "normal" })
        .header("topic", topic(options, order))
        .header("content-encoding", "aes128gcm")
        .header("content-type", "application/octet-stream")
        .header("authorization", key.authorization(&service, &push.contact, crate::clock::now().as_second()))
        .body(body);
    // What went wrong must not name the address: it would stand in the record.
    let response = request.send().await.map_err(|error| words(&error.without_url()))?;
    let status = response.status().as_u16();
    let answer = whole(response, ANSWER_BYTES_MAX).await.unwrap_or_default();
    read(&service, status, &bounded(&String::from_utf8_lossy(&answer)))
}

/// What a push service means. It may only forget a browser when it says so.
fn read(service: &str, status: u16, answer: &str) -> Result<String, Trouble> {
    let detail = format!("{service}: HTTP {status} {answer}").trim_end().to_owned();
    match status {
        200..=202 => Ok(format!("{service} {status}")),
        404 | 410 => Err(Trouble::Gone(detail)),
        408 | 429 | 300..=399 | 500.. => Err(Trouble::Passing(detail)),
        _ => Err(Trouble::Lasting(detail)),
    }
}

fn is_urgent(about: &About) -> bool {
    match about {
        About::Incident { priority, .. } => matches!(priority, Priority::P1 | Priority::P2),
        // A test is to show how a real one comes.
        About::Test { .. } => true,
    }
}

/// Of several pages about one incident that wait for a browser, the last one is enough. The service learns no more than that they belong together.
fn topic(options: &Options, order: &PageOrder) -> String {
    let about = match &order.about {
        About::Incident { incident, .. } => incident.to_string(),
        About::Test { .. } => "test".to_owned(),
    };
    let Digest(bytes) = Digest::of(format!("{}\0{about}", options.ledger).as_bytes());
    URL_SAFE_NO_PAD.encode(bytes).chars().take(TOPIC_CHARS).collect()
}

/// What the service worker of our pages reads.
fn shown(options: &Options, order: &PageOrder) -> serde_json::Value {
    let text = hikeshi_text::push(order);
    let (to, tag) = match &order.about {
        About::Incident { incident, .. } => (format!("/incidents/{incident}"), incident.to_string()),
        About::Test { .. } => ("/contacts".to_owned(), "test".to_owned()),
    };
    json!({"title": text.subject, "body": text.body, "to": to, "tag": format!("{}/{tag}", options.ledger), "urgent": is_urgent(&order.about)})
}

fn sealed(subscription: &Subscription, text: &[u8]) -> Result<Vec<u8>, String> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(format!("the text of a notification has {} bytes", text.len()));
    }
    let (browser, auth) = keys(subscription)?;
    let PushKey(once) = PushKey::generate()?;
    seal(&once, random::<SALT_BYTES>()?, &browser, &auth, text)
}

/// One record of `aes128gcm` (RFC 8188) under a key that only this browser can make (RFC 8291).
fn seal(once: &SecretKey, salt: [u8; SALT_BYTES], browser: &PublicKey, auth: &[u8], text: &[u8]) -> Result<Vec<u8>, String> {
    let (ours, theirs) = (once.public_key().to_sec1_bytes(), browser.to_sec1_bytes());
    let shared = p256::ecdh::diffie_hellman(once.to_nonzero_scalar(), browser.as_affine());
    let about = [b"WebPush: info\0".as_slice(), &theirs, &ours].concat();
    let secret: [u8; 32] = derived(auth, shared.raw_secret_bytes().as_slice(), &about)?;
    let key: [u8; 16] = derived(&salt, &secret, b"Content-Encoding: aes128gcm\0")?;
    let nonce: [u8; 12] = derived(&salt, &secret, b"Content-Encoding: nonce\0")?;
    let broken = |_| "the notification cannot be encrypted".to_owned();
    let key = aead::LessSafeKey::new(aead::UnboundKey::new(&aead::AES_128_GCM, &key).map_err(broken)?);
    // 2 marks the last record; there is only one.
    let mut record = [text, &[2]].concat();
    key.seal_in_place_append_tag(aead::Nonce::assume_unique_for_key(nonce), aead::Aad::empty(), &mut record).map_err(broken)?;
    let length = u8::try_from(ours.len()).map_err(|_| "a key of P-256 has 65 bytes".to_owned())?;
    Ok([salt.as_slice(), &RECORD_BYTES.to_be_bytes(), &[length], &ours, &record].concat())
}

/// So many bytes.
struct Bytes(usize);

impl hkdf::KeyType for Bytes {
    fn len(&self) -> usize {
        self.0
    }
}

fn derived<const N: usize>(salt: &[u8], secret: &[u8], about: &[u8]) -> Result<[u8; N], String> {
    let mut bytes = [0; N];
    let made = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(secret);
    let filled = made.expand(&[about], Bytes(N)).and_then(|key| key.fill(&mut bytes));
    filled.map(|()| bytes).map_err(|_| "a key cannot be derived".to_owned())
}

#[cfg(test)]
mod tests;
