//! Telephones, through Twilio: [`signature`] proves that a request is theirs, [`callback`] reads what it says, [`twiml`] is what is answered.
//! How a message or a call is ordered is in `paging/telephone.rs`; what follows from an answer is decided at the door.
//!
//! Every address that is given to Twilio names the attempt, and carries a seal that only the holder of the account's token can make.

pub mod callback;
pub mod signature;
pub mod twiml;

use hikeshi_domain::effect::EffectKey;
use ring::hmac;

use crate::slack::signature::from_hex;

/// In the address of a call: how many incidents it is about beside the one that it speaks of.
pub const OTHERS: &str = "others";

/// Half of an HMAC-SHA256: nobody guesses it, and the address stays short.
const SEAL_BYTES: usize = 16;

fn seal(token: &str, key: &EffectKey) -> Vec<u8> {
    let made = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, token.as_bytes()), format!("hikeshi {key}").as_bytes());
    made.as_ref().iter().copied().take(SEAL_BYTES).collect()
}

/// `inc_12/1/tanaka/voice/1/<seal>`: an attempt, as an address names it.
pub fn reference(token: &str, key: &EffectKey) -> String {
    let seal: String = seal(token, key).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}/{seal}", key.0.strip_prefix("page/").unwrap_or(&key.0))
}

/// The attempt that an address names, if the seal is ours.
pub fn attempt_of(token: &str, reference: &str) -> Option<EffectKey> {
    let (name, given) = reference.rsplit_once('/').filter(|_| !token.is_empty())?;
    let key = EffectKey(format!("page/{name}"));
    let (given, made) = (from_hex(given)?, seal(token, &key));
    // Compared through a second HMAC, so that the time it takes says nothing.
    let again = hmac::Key::new(hmac::HMAC_SHA256, token.as_bytes());
    hmac::verify(&again, &given, hmac::sign(&again, &made).as_ref()).is_ok().then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_is_named_only_by_whoever_knows_the_token() {
        let key = EffectKey("page/inc_12/1/tanaka/voice/1".to_owned());
        let made = reference("a-token", &key);
        assert_eq!(attempt_of("a-token", &made), Some(key));
        assert_eq!(attempt_of("another", &made), None);
        assert_eq!(attempt_of("", &reference("", &EffectKey("page/inc_12/1/tanaka/voice/1".to_owned()))), None);
        assert_eq!(attempt_of("a-token", &made.replace("tanaka", "ito")), None);
        for broken in ["", "/", "inc_12/1/tanaka/voice/1", "inc_12/1/tanaka/voice/1/", "inc_12/1/tanaka/voice/1/00", "日本/語"] {
            assert_eq!(attempt_of("a-token", broken), None, "{broken}");
        }
    }
}
