//! Whether a request is Twilio's: its signature is over the whole address and every field of the form.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;

/// Checks `X-Twilio-Signature`. Without a token nothing is accepted.
///
/// `url` is the address that Twilio called, as it is known outside; `fields` are all of the form, known to us or not.
pub fn holds(token: &str, url: &str, fields: &[(String, String)], given: &str) -> bool {
    let Some(given) = STANDARD.decode(given.trim()).ok().filter(|_| !token.is_empty()) else { return false };
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, token.as_bytes());
    let fields = joined(fields);
    // Twilio signs with the port or without it, and does not say which.
    forms(url).iter().any(|url| hmac::verify(&key, format!("{url}{fields}").as_bytes(), &given).is_ok())
}

/// Name and value, one after the other, sorted; what is there twice counts once.
fn joined(fields: &[(String, String)]) -> String {
    let mut sorted: Vec<&(String, String)> = fields.iter().collect();
    sorted.sort();
    sorted.dedup();
    sorted.into_iter().fold(String::new(), |text, (name, value)| text + name + value)
}

/// The address as it is, without its port, and with the one that its scheme means.
fn forms(url: &str) -> Vec<String> {
    let mut forms = vec![url.to_owned()];
    let Some((scheme, rest)) = url.split_once("://") else { return forms };
    let (host, path) = match rest.find(['/', '?']) {
        Some(end) => rest.split_at(end),
        None => (rest, ""),
    };
    let bare = match host.rsplit_once(':') {
        Some((bare, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => bare,
        Some(_) | None => host,
    };
    let port = if scheme == "https" { 443 } else { 80 };
    if bare == host {
        forms.push(format!("{scheme}://{host}:{port}{path}"));
    } else {
        forms.push(format!("{scheme}://{bare}{path}"));
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";

    fn fields(given: &[(&str, &str)]) -> Vec<(String, String)> {
        given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn published() -> Vec<(String, String)> {
        let called = ("To", "+18005551212");
        let caller = [("From", "+14158675309"), ("Caller", "+14158675309")];
        fields(&[("CallSid", "CA1234567890ABCDE"), ("Digits", "1234"), called, caller[0], caller[1]])
    }

    #[test]
    fn the_published_examples_hold() {
        assert!(holds("12345", URL, &published(), "RSOYDt4T1cUTdK1PDd93/VVr8B8="));
        let twice = fields(&[("Sid", "CA123"), ("SidAccount", "AC123"), ("Digits", "5678"), ("Digits", "1234"), ("Digits", "1234")]);
        assert!(holds("12345", URL, &twice, "IK+Dwps556ElfBT0I3Rgjkr1wJU="));
        assert!(holds("12345", URL, &published(), "kvajT1Ptam85bY51eRf/AJRuM3w="), "signed with :443");
        let plain = URL.replace("https", "http");
        assert!(holds("12345", &plain, &published(), "0ZXoZLH/DfblKGATFgpif+LLRf4="), "signed with :80");
        let port = plain.replace(".com", ".com:1234");
        assert!(holds("12345", &port, &published(), "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="));
    }

    #[test]
    fn everything_else_does_not() {
        let good = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";
        assert!(!holds("", URL, &published(), good));
        assert!(!holds("12346", URL, &published(), good));
        assert!(!holds("12345", &URL.replace("foo=1", "foo=2"), &published(), good));
        let mut more = published();
        more.push(("New".to_owned(), String::new()));
        assert!(!holds("12345", URL, &more, good));
        assert!(!holds("12345", URL, published().get(1..).expect("fields"), good));
        for bad in ["", "!", "RSOYDt4T1cUTdK1PDd93", "033hgUJA9M/hXIZsYjwkerEP/DBm35nEri5FhCYjA5s="] {
            assert!(!holds("12345", URL, &published(), bad), "{bad}");
        }
        assert!(!holds("12345", "nonsense", &published(), good));
    }
}
