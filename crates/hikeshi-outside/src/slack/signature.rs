//! The signature of a request from Slack: HMAC-SHA256 over version, time and raw body, and a time that is not long ago.

use ring::hmac;

/// A request that is older was recorded by somebody and is sent again.
const AGE_S_MAX: i64 = 300;

/// Whether the signature is Slack's, and from now.
pub fn holds(secret: &str, timestamp: &str, signature: &str, body: &[u8], now_s: i64) -> bool {
    let Ok(at) = timestamp.parse::<i64>() else { return false };
    if now_s.saturating_sub(at).saturating_abs() > AGE_S_MAX {
        return false;
    }
    let Some(given) = signature.strip_prefix("v0=").and_then(from_hex) else { return false };
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let signed = [b"v0:".as_slice(), timestamp.as_bytes(), b":", body].concat();
    hmac::verify(&key, &signed, &given).is_ok()
}

pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) || digits.len() > 128 {
        return None;
    }
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    digits.chunks(2).map(|pair| Some(value(*pair.first()?)? * 16 + value(*pair.get(1)?)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of Slack's documentation, "Verifying requests from Slack".
    const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
    const AT: &str = "1531420618";
    const BODY: &[u8] = b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    const SIGNATURE: &str = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";

    #[test]
    fn the_example_of_slacks_documentation_holds() {
        assert!(holds(SECRET, AT, SIGNATURE, BODY, 1_531_420_618));
        assert!(holds(SECRET, AT, SIGNATURE, BODY, 1_531_420_618 + 300));
    }

    #[test]
    fn another_body_time_secret_or_form_does_not_hold() {
        let now = 1_531_420_618;
        assert!(!holds(SECRET, AT, SIGNATURE, &[BODY, b"&x=1"].concat(), now));
        assert!(!holds("another", AT, SIGNATURE, BODY, now));
        assert!(!holds(SECRET, "1531420619", SIGNATURE, BODY, now));
        assert!(!holds(SECRET, AT, SIGNATURE, BODY, now + 301), "sent again later");
        assert!(!holds(SECRET, AT, SIGNATURE, BODY, now - 301), "from the future");
        for broken in ["", "v0=", "v0=zz", "v1=a2114d57", "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b5"] {
            assert!(!holds(SECRET, AT, broken, BODY, now), "{broken}");
        }
    }
}
