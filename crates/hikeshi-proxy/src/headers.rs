//! Headers between two connections: what belongs to one connection stays there, and who asked is said.

use std::net::IpAddr;

use hyper::Version;
use hyper::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const FORWARDED: HeaderName = HeaderName::from_static("forwarded");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Takes out what is meant for this connection only, also what `Connection` names.
pub fn strip(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .filter_map(|name| name.trim().parse().ok())
        // Framing and addressing are not whoever asks' to take away.
        .filter(|name: &HeaderName| ![HOST, CONTENT_LENGTH].contains(name))
        .collect();
    for name in named {
        headers.remove(name);
    }
    let trailers = headers.get_all(TE).iter().any(|value| value.as_bytes().eq_ignore_ascii_case(b"trailers"));
    for name in [CONNECTION, KEEP_ALIVE, PROXY_CONNECTION, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE]
    {
        headers.remove(name);
    }
    if trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
}

/// What a connection wants to become, if it does.
pub fn upgrade(headers: &HeaderMap, version: Version) -> Option<HeaderValue> {
    let asked = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|list| list.split(',').any(|word| word.trim().eq_ignore_ascii_case("upgrade")));
    if version == Version::HTTP_11 && asked { headers.get(UPGRADE).cloned() } else { None }
}

/// Says to the target who asked, and by what.
pub fn tell(headers: &mut HeaderMap, peer: IpAddr, tls: bool, host: &str, trust: bool) {
    if !trust {
        for name in [FORWARDED, FORWARDED_FOR, FORWARDED_PROTO, FORWARDED_HOST] {
            headers.remove(name);
        }
    }
    let earlier: Vec<&str> = headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok()).collect();
    let chain = if earlier.is_empty() { peer.to_string() } else { format!("{}, {peer}", earlier.join(", ")) };
    if let Ok(chain) = HeaderValue::try_from(chain) {
        headers.insert(FORWARDED_FOR, chain);
    }
    let proto = HeaderValue::from_static(if tls { "https" } else { "http" });
    headers.entry(FORWARDED_PROTO).or_insert(proto);
    if let Ok(host) = HeaderValue::from_str(host) {
        headers.entry(FORWARDED_HOST).or_insert(host);
    }
    // The proxy has said "go on" itself when it began to read the body.
    headers.remove(EXPECT);
}

/// Whom a request asks: (as it was written, without a port and in small letters). `None`: nobody, or several.
pub fn host(uri: &hyper::Uri, headers: &HeaderMap) -> Option<(String, String)> {
    let mut named = headers.get_all(HOST).iter();
    let header = match (named.next(), named.next()) {
        (one, None) => one.map(|value| value.to_str().ok().map(str::to_owned)),
        _ => return None,
    };
    let written = match (uri.authority(), header) {
        (Some(authority), _) => authority.as_str().to_owned(),
        (None, Some(header)) => header?,
        (None, None) => return None,
    };
    let name = match written.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => &written,
    };
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    (!written.contains('@') && !name.is_empty()).then_some((written, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse::<HeaderName>().expect("a name"), value.parse().expect("a value"))).collect()
    }

    #[test]
    fn what_belongs_to_a_connection_stays_there() {
        let mut all = headers(&[
            ("connection", "close, X-Secret, host, content-length"),
            ("x-secret", "1"),
            ("keep-alive", "timeout=5"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("host", "shop.example.jp"),
            ("content-length", "3"),
            ("accept", "*/*"),
        ]);
        strip(&mut all);
        let mut names: Vec<&str> = all.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["accept", "content-length", "host", "te"]);
    }

    #[test]
    fn who_asked_is_said_and_not_believed() {
        let peer = "192.0.2.7".parse().expect("an address");
        for (trust, chain, proto) in [(false, "192.0.2.7", "https"), (true, "10.0.0.1, 192.0.2.7", "http")] {
            let mut all = headers(&[("x-forwarded-for", "10.0.0.1"), ("x-forwarded-proto", "http"), ("expect", "100-continue")]);
            tell(&mut all, peer, true, "shop.example.jp", trust);
            assert_eq!((all["x-forwarded-for"].as_bytes(), all["x-forwarded-proto"].as_bytes()), (chain.as_bytes(), proto.as_bytes()));
            assert!(!all.contains_key("expect") && all.contains_key("x-forwarded-host"));
        }
    }

    #[test]
    fn a_host_is_one_name() {
        let of = |uri: &str, pairs: &[(&str, &str)]| host(&uri.parse().expect("a uri"), &headers(pairs)).map(|(_, name)| name);
        assert_eq!(of("/", &[("host", "Shop.Example.JP:8080")]).as_deref(), Some("shop.example.jp"));
        assert_eq!(of("/", &[("host", "[::1]:80")]).as_deref(), Some("[::1]"));
        assert_eq!(of("http://a.jp/", &[("host", "b.jp")]).as_deref(), Some("a.jp"), "RFC 9112: the target of the request counts");
        for wrong in [&[][..], &[("host", "a.jp"), ("host", "b.jp")], &[("host", "")], &[("host", "x@a.jp")]] {
            assert_eq!(of("/", wrong), None, "{wrong:?}");
        }
    }
}
