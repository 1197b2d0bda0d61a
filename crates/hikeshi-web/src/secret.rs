//! Secrets of the face: made here, given to one browser or program, and known to the door only by digest.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hikeshi_domain::ids::{Digest, RequestKey};

/// The system gave no random bytes. Nothing that needs a secret can go on.
#[derive(Debug, thiserror::Error)]
#[error("the system gave no random bytes")]
pub struct NoRandom;

/// 32 random bytes as base64url: a session, a token, a one-time link.
pub fn new_secret() -> Result<String, NoRandom> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|_| NoRandom)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// What the door knows of a secret: the digest of its text, exactly as it stands in the link, the cookie or the header.
pub fn digest(secret: &str) -> Digest {
    Digest::of(secret.as_bytes())
}

/// A key for a form: the same form sent twice is one request.
pub fn request_key() -> Result<RequestKey, NoRandom> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|_| NoRandom)?;
    Ok(RequestKey::of(&["web", &URL_SAFE_NO_PAD.encode(bytes)]))
}

/// A token that proves a form was made for this session. It differs on each page, so that compression cannot leak it.
pub fn form_token(session: &str) -> Result<String, NoRandom> {
    let mut bytes = [0_u8; 9];
    getrandom::fill(&mut bytes).map_err(|_| NoRandom)?;
    Ok(token_with(&URL_SAFE_NO_PAD.encode(bytes), session))
}

fn token_with(nonce: &str, session: &str) -> String {
    format!("{nonce}.{}", Digest::of(format!("hikeshi-form\0{nonce}\0{session}").as_bytes()))
}

/// Whether the token belongs to the session. Compares digests, so the time it takes says nothing about the token.
pub fn form_token_holds(token: &str, session: &str) -> bool {
    let Some((nonce, _)) = token.split_once('.') else { return false };
    nonce.len() <= 40 && digest(token) == digest(&token_with(nonce, session))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_token_holds_for_its_session_only() {
        let token = form_token("secret-of-tanaka").expect("random");
        assert!(form_token_holds(&token, "secret-of-tanaka"));
        assert!(!form_token_holds(&token, "secret-of-sato"));
        assert!(!form_token_holds("", "secret-of-tanaka"));
        assert!(!form_token_holds(&token.replace('.', ""), "secret-of-tanaka"));
        assert_ne!(token, form_token("secret-of-tanaka").expect("random"));
    }
}
