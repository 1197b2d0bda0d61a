//! Pages to browsers, by the push service that each browser brings along (RFC 8030).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebPush {
    /// Where a push service writes to when something is wrong with what we send: `mailto:ops@example.jp`, or an `https:` address.
    pub contact: String,
    /// Push services beside those of the known browsers, such as `https://push.example.jp`. Nothing is sent anywhere else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<String>,
}

/// The push services of the browsers that there are.
const KNOWN: &[&str] = &["fcm.googleapis.com", "updates.push.services.mozilla.com", "web.push.apple.com"];
/// They name their hosts anew from time to time, below these.
const KNOWN_BELOW: &[&str] = &[".push.services.mozilla.com", ".push.apple.com", ".notify.windows.com"];

impl WebPush {
    /// Whether something may be sent there: scheme, host, and port if it is another one than usual.
    pub fn accepts(&self, origin: &str) -> bool {
        let known = |host: &str| KNOWN.contains(&host) || KNOWN_BELOW.iter().any(|below| host.len() > below.len() && host.ends_with(below));
        self.allow.iter().any(|allowed| allowed == origin) || origin.strip_prefix("https://").is_some_and(known)
    }
}

/// `https://push.example.jp:8443`: nothing after the host.
pub(super) fn is_origin(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or_default();
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-:[]".contains(&byte);
    !rest.is_empty() && rest.len() <= 200 && rest.bytes().all(good)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_services_and_those_of_the_policy_are_sent_to() {
        let push = WebPush { contact: "mailto:ops@example.jp".to_owned(), allow: vec!["http://127.0.0.1:8080".to_owned()] };
        for good in [
            "https://fcm.googleapis.com",
            "https://updates.push.services.mozilla.com",
            "https://web.push.apple.com",
            "https://wns2-par02p.notify.windows.com",
            "http://127.0.0.1:8080",
        ] {
            assert!(push.accepts(good), "{good}");
        }
        for bad in [
            "http://fcm.googleapis.com",
            "https://fcm.googleapis.com:8443",
            "https://fcm.googleapis.com.example.jp",
            "https://evil-notify.windows.com.example.jp",
            "https://.notify.windows.com",
            "https://notify.windows.com",
            "http://127.0.0.1",
            "http://127.0.0.1:8081",
            "https://169.254.169.254",
            "https://localhost",
            "null",
            "",
        ] {
            assert!(!push.accepts(bad), "{bad}");
        }
        assert!(is_origin("https://push.example.jp:8443") && is_origin("http://[::1]:80"));
        assert!(
            !is_origin("https://push.example.jp/") && !is_origin("push.example.jp") && !is_origin("https://a@b") && !is_origin("https://")
        );
    }
}
