//! Whether a sender is who it says: Sentry's signature, and tokens. In constant time, so that nobody finds out a secret piece by piece.

use ring::hmac;

use crate::slack::signature::from_hex;

/// Whether the signature is of the raw body by whoever knows the secret. Without a secret none is accepted.
pub fn sentry_signature_holds(secret: &str, signature_hex: &str, body: &[u8]) -> bool {
    let Some(given) = from_hex(signature_hex.trim()).filter(|_| !secret.is_empty()) else { return false };
    hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), body, &given).is_ok()
}

/// Whether the tokens are the same. An empty one is nobody's.
pub fn token_matches(expected: &str, given: &str) -> bool {
    // Of two tags of one length nothing is learnt about the length of the secret; ring compares them in constant time.
    let key = hmac::Key::new(hmac::HMAC_SHA256, expected.as_bytes());
    let tag = hmac::sign(&key, given.as_bytes());
    !expected.is_empty() && hmac::verify(&key, expected.as_bytes(), tag.as_ref()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with Python's hmac module.
    const SIGNATURE: &str = "7730b247b89f522c18189c88e737f606f36cc8b0b6776595a61cd2fa897d9966";
    const BODY: &[u8] = "{\"action\":\"resolved\",\"data\":{\"issue\":{\"title\":\"\\u0026 接続できません\"}}}".as_bytes();

    #[test]
    fn a_signature_holds_for_its_secret_and_every_byte_of_the_body() {
        assert!(sentry_signature_holds("client-secret", SIGNATURE, BODY));
        assert!(sentry_signature_holds("client-secret", &SIGNATURE.to_uppercase(), BODY), "digits of a number, not a text");
        assert!(sentry_signature_holds("client-secret", &format!(" {SIGNATURE}\n"), BODY));
        for at in 0..BODY.len() {
            let mut other = BODY.to_vec();
            other[at] ^= 1;
            assert!(!sentry_signature_holds("client-secret", SIGNATURE, &other), "byte {at}");
        }
        assert!(!sentry_signature_holds("client-secret", SIGNATURE, &[BODY, b"\n"].concat()));
        assert!(!sentry_signature_holds("client-secre", SIGNATURE, BODY));
        let shorter: String = SIGNATURE.chars().take(62).collect();
        for broken in ["", " ", "sha256=", "zz", "0", &shorter, &format!("{SIGNATURE}00"), "é", &"0".repeat(10_000)] {
            assert!(!sentry_signature_holds("client-secret", broken, BODY), "{broken:.80}");
        }
    }

    #[test]
    fn an_empty_secret_never_holds() {
        let signed = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, b""), BODY);
        let signature: String = signed.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(!sentry_signature_holds("", &signature, BODY));
        assert!(!token_matches("", ""));
        assert!(!token_matches("", "x"));
    }

    #[test]
    fn a_token_matches_itself_only() {
        let token = "7f3a9c-秘密-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
        assert!(token_matches(token, token));
        let mut shorter = token.to_owned();
        shorter.pop();
        for other in ["", "7", &shorter, &format!("{token} "), &token.to_uppercase()] {
            assert!(!token_matches(token, other), "{other}");
        }
    }
}
