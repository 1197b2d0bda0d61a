//! What GitHub tells by itself: a pull request was closed. The signature is over every byte of the body.

use ring::hmac;
use serde_json::Value;

use crate::slack::signature::from_hex;

/// Whether the signature is that of whoever knows the secret. Without a secret none is accepted.
pub fn holds(secret: &str, signature: &str, body: &[u8]) -> bool {
    let Some(given) = signature.strip_prefix("sha256=").and_then(from_hex).filter(|_| !secret.is_empty()) else { return false };
    hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), body, &given).is_ok()
}

/// A pull request that was closed, merged or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// `owner/name`
    pub repository: String,
    pub number: u64,
    pub branch: String,
    pub merged: bool,
}

/// Understands an event; `None` for any other.
pub fn read(event: &str, body: &[u8]) -> Option<Closed> {
    if event != "pull_request" {
        return None;
    }
    let payload: Value = serde_json::from_slice(body).ok()?;
    let text = |at: &str| payload.pointer(at).and_then(Value::as_str).map(str::to_owned);
    if text("/action")? != "closed" {
        return None;
    }
    Some(Closed {
        repository: text("/repository/full_name")?,
        number: payload.pointer("/pull_request/number")?.as_u64()?,
        branch: text("/pull_request/head/ref")?,
        merged: payload.pointer("/pull_request/merged").and_then(Value::as_bool).unwrap_or(false),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_githubs_documentation_holds() {
        let (secret, body) = ("It's a Secret to Everybody", b"Hello, World!");
        let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assert!(holds(secret, signature, body));
        assert!(!holds(secret, signature, b"Hello, world!"));
        assert!(!holds("another", signature, body));
        assert!(!holds("", signature, body), "no secret is set");
        assert!(!holds(secret, "sha1=757107ea", body));
    }
}
