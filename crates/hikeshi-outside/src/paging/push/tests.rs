//! The bytes of RFC 8291, and what a push service answers. Whether another make can read what is sent is among the tests of the binary.

use super::*;

fn bytes(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).expect("base64url")
}

/// The example of RFC 8291, section 5 and appendix A.
const PLAIN: &[u8] = b"When I grow up, I want to be a watermelon";
const SERVER_SECRET: &str = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";
const BROWSER_SECRET: &str = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94";
const BROWSER_KEY: &str = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";
const SALT: &str = "DGv6ra1nlYgDCS1FRnbzlw";
const SEALED: &str = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_\
                      yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";

#[test]
fn the_example_of_rfc_8291_is_met_byte_by_byte() {
    let once = SecretKey::from_slice(&bytes(SERVER_SECRET)).expect("a key");
    let browser = PublicKey::from_sec1_bytes(&bytes(BROWSER_KEY)).expect("a point");
    assert_eq!(SecretKey::from_slice(&bytes(BROWSER_SECRET)).expect("a key").public_key(), browser);
    let salt = bytes(SALT).try_into().expect("16 bytes");
    let sealed = seal(&once, salt, &browser, &bytes(AUTH), PLAIN).expect("sealed");
    assert_eq!(URL_SAFE_NO_PAD.encode(sealed), SEALED);
}

#[test]
fn no_two_notifications_are_alike_and_none_is_too_long() {
    let subscription = Subscription { endpoint: String::new(), p256dh: BROWSER_KEY.to_owned(), auth: AUTH.to_owned() };
    let one = sealed(&subscription, PLAIN).expect("sealed");
    assert_ne!(one, sealed(&subscription, PLAIN).expect("sealed"));
    let longest = sealed(&subscription, &[b'x'; TEXT_BYTES_MAX]).expect("sealed");
    assert!(longest.len() <= 4_096, "{}", longest.len());
    assert!(sealed(&subscription, &[b'x'; TEXT_BYTES_MAX + 1]).is_err());
    let broken = [("", AUTH), (BROWSER_KEY, ""), (BROWSER_KEY, "AAAA"), (AUTH, AUTH), ("BAAA", AUTH)];
    for (p256dh, auth) in broken {
        let subscription = Subscription { endpoint: String::new(), p256dh: p256dh.to_owned(), auth: auth.to_owned() };
        assert!(sealed(&subscription, PLAIN).is_err(), "{p256dh} {auth}");
    }
    // No point of the curve.
    let mut off = bytes(BROWSER_KEY);
    *off.last_mut().expect("a byte") ^= 1;
    let subscription = Subscription { endpoint: String::new(), p256dh: URL_SAFE_NO_PAD.encode(off), auth: AUTH.to_owned() };
    assert!(sealed(&subscription, PLAIN).is_err());
}

#[test]
fn a_key_comes_back_as_it_was_written_and_shows_itself_to_nobody() {
    let key = PushKey::generate().expect("a key");
    let again = PushKey::parse(&format!("{}\n", key.secret_text())).expect("the same");
    assert_eq!((key.public_text(), key.secret_text()), (again.public_text(), again.secret_text()));
    assert_eq!(bytes(&key.public_text()).len(), KEY_BYTES);
    assert_eq!(format!("{key:?}"), "PushKey(…)");
    assert!(PushKey::parse("AAAA").is_err() && PushKey::parse("not a key!").is_err());
}

#[test]
fn what_a_push_service_answers_is_what_becomes_of_the_browser() {
    let service = "https://push.example.jp";
    assert_eq!(read(service, 201, ""), Ok("https://push.example.jp 201".to_owned()));
    for status in [404, 410] {
        assert!(matches!(read(service, status, "gone"), Err(Trouble::Gone(_))), "{status}");
    }
    for status in [302, 408, 429, 500, 502, 503] {
        assert!(matches!(read(service, status, ""), Err(Trouble::Passing(_))), "{status}");
    }
    for status in [204, 400, 401, 403, 413] {
        assert!(matches!(read(service, status, ""), Err(Trouble::Lasting(_))), "{status}");
    }
}

#[test]
fn an_address_names_its_service_and_nothing_else_does() {
    assert_eq!(service_of("https://fcm.googleapis.com/fcm/send/abc").as_deref(), Some("https://fcm.googleapis.com"));
    assert_eq!(service_of("http://127.0.0.1:8080/a").as_deref(), Some("http://127.0.0.1:8080"));
    assert_eq!(service_of("https://FCM.googleapis.com:443/a").as_deref(), Some("https://fcm.googleapis.com"));
    for bad in
        ["", "x", "ftp://push.example.jp/", "https://fcm.googleapis.com@127.0.0.1/", "https://a:b@push.example.jp/", "file:///etc/passwd"]
    {
        assert_eq!(service_of(bad), None, "{bad}");
    }
}
