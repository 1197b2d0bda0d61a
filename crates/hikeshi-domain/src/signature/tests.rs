//! Signatures by stock OpenSSH, by security keys made by the book, and by passkeys: what holds, and what does not.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::passkey::{AssertionFlaw, PasskeyKey};
use super::ssh::{KeyFlaw, KeyStanding, Presence, PublicKey, Signature, SshKey};
use super::testing::{Authenticator, Room, SecurityKey, armoured};
use super::{NAMESPACE, SignatureFlaw};
use crate::ids::Digest;

const MESSAGE: &[u8] = "{\"plan\":\"設定を直す\"}".as_bytes();

fn key(line: &str) -> SshKey {
    SshKey { key: line.to_owned(), valid_from: None, valid_until: None, revoked_at: None }
}

fn body(armour: &str) -> Vec<u8> {
    let encoded: String = armour.lines().filter(|line| !line.starts_with('-')).collect();
    STANDARD.decode(encoded).expect("base64")
}

#[test]
fn what_stock_openssh_signs_is_accepted_and_what_was_altered_is_not() {
    let room = Room::new();
    for (name, args, more) in [
        ("ed25519", &["-t", "ed25519"][..], &[][..]),
        ("ecdsa", &["-t", "ecdsa", "-b", "256"], &[]),
        ("rsa", &["-t", "rsa", "-b", "3072"], &[]),
        ("rsa-sha256", &["-t", "rsa", "-b", "2048"], &["-O", "hashalg=sha256"]),
    ] {
        let line = room.key(name, args);
        let public = PublicKey::parse(&line).unwrap_or_else(|flaw| panic!("{name}: {flaw:?}"));
        assert_eq!(public.fingerprint(), room.fingerprint(&line), "{name}");
        assert!(line.starts_with(&public.line()), "{name}");
        let armour = room.sign(name, NAMESPACE, MESSAGE, more);
        let signature = Signature::parse(&armour).unwrap_or_else(|flaw| panic!("{name}: {flaw:?}"));
        assert!(signature.is_by(&public), "{name}");
        assert_eq!(signature.fingerprint(), public.fingerprint());
        assert_eq!(signature.of_namespace(NAMESPACE), Ok(()));
        assert_eq!(signature.verify(MESSAGE), Ok(Presence::default()), "{name}");
        assert_eq!(signature.armour(), armour, "{name}: kept as it was made");
        assert_eq!(signature.verify(b"{\"plan\":\"another\"}"), Err(SignatureFlaw::Differs), "{name}");
        // The last byte is part of the signature's number.
        let mut blob = body(&armour);
        *blob.last_mut().expect("bytes") ^= 1;
        assert_eq!(
            Signature::parse(&armoured(&blob)).and_then(|signature| signature.verify(MESSAGE)),
            Err(SignatureFlaw::Differs),
            "{name}"
        );
    }
}

#[test]
fn a_signature_is_found_in_a_message_and_half_of_one_is_not() {
    let room = Room::new();
    room.key("ed25519", &["-t", "ed25519"]);
    let armour = room.sign("ed25519", NAMESPACE, MESSAGE, &[]);
    let quoted: String = armour.lines().map(|line| format!("    {line}\r\n")).collect();
    let pasted = format!("承認します。\n{quoted}よろしくお願いします。");
    assert_eq!(Signature::parse(&pasted).and_then(|signature| signature.verify(MESSAGE)), Ok(Presence::default()));
    let half: String = armour.chars().take(armour.len() / 2).collect();
    let cut = body(&armour);
    let longer = [&cut[..], b"x"].concat();
    for bad in ["", "承認", &half, &armoured(&cut[..cut.len() - 1]), &armoured(&longer), &armoured(b"SSHSIG"), &"A".repeat(9_000)] {
        assert_eq!(Signature::parse(bad), Err(SignatureFlaw::Malformed), "{bad}");
    }
}

#[test]
fn a_signature_for_another_purpose_is_none() {
    let room = Room::new();
    room.key("ed25519", &["-t", "ed25519"]);
    let signature = Signature::parse(&room.sign("ed25519", "git", MESSAGE, &[])).expect("a signature");
    assert_eq!(signature.of_namespace(NAMESPACE), Err(SignatureFlaw::OtherNamespace { given: "git".to_owned() }));
}

#[test]
fn keys_that_are_not_accepted_are_named() {
    let room = Room::new();
    let unsupported = |line: &str| match PublicKey::parse(line) {
        Err(KeyFlaw::Unsupported { algorithm }) => algorithm,
        other => panic!("{line}: {other:?}"),
    };
    assert_eq!(unsupported(&room.key("p384", &["-t", "ecdsa", "-b", "384"])), "ecdsa-sha2-nistp384");
    assert_eq!(unsupported(&room.key("short", &["-t", "rsa", "-b", "1024"])), "ssh-rsa-1024");
    let good = room.key("good", &["-t", "ed25519"]);
    let renamed = good.replace("ssh-ed25519 ", "ssh-rsa ");
    for bad in ["", "ssh-ed25519", "ssh-ed25519 !!!", "-----BEGIN OPENSSH PRIVATE KEY-----", &renamed, &format!("{good}\n{good}")] {
        assert_eq!(PublicKey::parse(bad), Err(KeyFlaw::NotAKey), "{bad}");
    }
}

/// The keys and signatures of the test are believed only because stock `ssh-keygen` believes them first.
#[test]
fn a_security_key_counts_when_it_was_touched() {
    let room = Room::new();
    for stick in [SecurityKey::ed25519(), SecurityKey::p256()] {
        let line = stick.line();
        let signers = key(&line).allowed_signer("sato").expect("a line");
        let touched = stick.sign(NAMESPACE, MESSAGE, 1);
        assert!(room.stock_verifies(signers.as_bytes(), "sato", NAMESPACE, &touched, MESSAGE, None), "stock OpenSSH takes it: {line}");
        assert!(!room.stock_verifies(signers.as_bytes(), "sato", NAMESPACE, &touched, b"other", None));
        let verify = |armour: &str, message: &[u8]| Signature::parse(armour).and_then(|signature| signature.verify(message));
        assert!(Signature::parse(&touched).expect("parsed").is_by(&PublicKey::parse(&line).expect("a key")));
        assert_eq!(verify(&touched, MESSAGE), Ok(Presence { proven: false, security_key: true }));
        assert_eq!(verify(&stick.sign(NAMESPACE, MESSAGE, 5), MESSAGE), Ok(Presence { proven: true, security_key: true }));
        assert_eq!(verify(&touched, b"other"), Err(SignatureFlaw::Differs));
        assert_eq!(verify(&stick.sign(NAMESPACE, MESSAGE, 0), MESSAGE), Err(SignatureFlaw::Untouched));
        // The flags are signed: an untouched signature does not become a touched one.
        let mut blob = body(&stick.sign(NAMESPACE, MESSAGE, 0));
        let flags = blob.len() - 5;
        blob[flags] = 1;
        assert_eq!(verify(&armoured(&blob), MESSAGE), Err(SignatureFlaw::Differs));
    }
}

#[test]
fn a_key_counts_for_its_time_and_stock_openssh_says_the_same() {
    let room = Room::new();
    let line = room.key("ed25519", &["-t", "ed25519"]);
    let armour = room.sign("ed25519", NAMESPACE, MESSAGE, &[]);
    let at = |text: &str| text.parse::<Timestamp>().expect("a time");
    let mut bounded = key(&line);
    bounded.valid_from = Some(at("2026-03-01T00:00:00Z"));
    bounded.valid_until = Some(at("2026-09-01T00:00:00Z"));
    let mut revoked = bounded.clone();
    revoked.revoked_at = Some(at("2026-06-01T00:00:00Z"));
    for (key, now, stamp, expected) in [
        (&bounded, "2026-02-28T23:59:59Z", "20260228235959Z", Err(KeyStanding::NotYet { from: at("2026-03-01T00:00:00Z") })),
        (&bounded, "2026-05-01T00:00:00Z", "20260501000000Z", Ok(())),
        (&bounded, "2026-09-02T00:00:00Z", "20260902000000Z", Err(KeyStanding::Expired { until: at("2026-09-01T00:00:00Z") })),
        (&revoked, "2026-05-01T00:00:00Z", "20260501000000Z", Ok(())),
        (&revoked, "2026-06-02T00:00:00Z", "20260602000000Z", Err(KeyStanding::Revoked { at: at("2026-06-01T00:00:00Z") })),
    ] {
        assert_eq!(key.standing(at(now)), expected, "{now}");
        let signers = key.allowed_signer("sato").expect("a line");
        assert_eq!(
            room.stock_verifies(signers.as_bytes(), "sato", NAMESPACE, &armour, MESSAGE, Some(stamp)),
            expected.is_ok(),
            "{signers}"
        );
    }
}

#[test]
fn a_passkey_approves_one_plan_at_one_place_with_a_touch_and_a_proof() {
    let phone = Authenticator::new();
    let (plan, other) = (Digest::of(b"plan"), Digest::of(b"other"));
    let key = PasskeyKey::of_credential(&phone.credential()).expect("a key");
    let verify = |said: &super::testing::Said| phone.assert(said).verify(&plan, &key, &phone.place);
    assert_eq!(verify(&phone.honest(plan, 3)), Ok(3));
    let mut said = phone.honest(plan, 3);
    said.ceremony = "webauthn.create";
    assert_eq!(verify(&said), Err(AssertionFlaw::OtherCeremony));
    assert_eq!(verify(&phone.honest(other, 3)), Err(AssertionFlaw::OtherChallenge));
    let mut said = phone.honest(plan, 3);
    said.origin = "https://hikeshi.example.evil".to_owned();
    assert!(matches!(verify(&said), Err(AssertionFlaw::OtherOrigin { given, .. }) if given.ends_with("evil")));
    let mut said = phone.honest(plan, 3);
    said.site = "evil.example".to_owned();
    assert!(matches!(verify(&said), Err(AssertionFlaw::OtherOrigin { .. })));
    for (flags, flaw) in [(4, AssertionFlaw::Untouched), (1, AssertionFlaw::Unproven)] {
        let mut said = phone.honest(plan, 3);
        said.flags = flags;
        assert_eq!(verify(&said), Err(flaw));
    }
    let mut altered = phone.assert(&phone.honest(plan, 3));
    altered.signature = phone.assert(&phone.honest(plan, 4)).signature;
    assert_eq!(altered.verify(&plan, &key, &phone.place), Err(AssertionFlaw::Differs));
    altered.client_data = "%%%".to_owned();
    assert_eq!(altered.verify(&plan, &key, &phone.place), Err(AssertionFlaw::Malformed));
    let stranger = PasskeyKey::of_credential(&Authenticator::new().credential()).expect("a key");
    assert_eq!(phone.assert(&phone.honest(plan, 3)).verify(&plan, &stranger, &phone.place), Err(AssertionFlaw::Differs));
}

#[test]
fn a_passkeys_signature_is_verified_by_openssl_too() {
    let (room, phone) = (Room::new(), Authenticator::new());
    let key = PasskeyKey::of_credential(&phone.credential()).expect("a key");
    let (data, signature) = phone.assert(&phone.honest(Digest::of(b"plan"), 1)).signed().expect("parts");
    let pem = key.pem().expect("a key");
    assert!(room.openssl_verifies(pem.as_bytes(), &signature, &data), "{pem}");
    assert!(!room.openssl_verifies(pem.as_bytes(), &signature, b"other"));
}
