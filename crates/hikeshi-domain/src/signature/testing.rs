//! For tests only: real `ssh-keygen`, security keys made by the book, and an authenticator for passkeys.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "the signatures under test are made by stock OpenSSH, on disk")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};

use super::passkey::{Assertion, RelyingParty, challenge_text};
use super::wire::put;
use crate::ids::Digest;

/// A directory of its own, removed at the end.
pub(crate) struct Room(PathBuf);

impl Room {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("hikeshi-signature-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a directory");
        Self(path)
    }

    pub fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, content).expect("written");
        path
    }

    fn keygen(&self, args: &[&str], input: Option<&Path>) -> std::process::Output {
        let stdin = input.map_or(Stdio::null(), |path| std::fs::File::open(path).expect("opened").into());
        Command::new("ssh-keygen").args(args).current_dir(&self.0).stdin(stdin).output().expect("ssh-keygen of OpenSSH is installed")
    }

    /// A key pair; gives the public line.
    pub fn key(&self, name: &str, args: &[&str]) -> String {
        let all = [&["-q", "-N", "", "-C", name, "-f", name][..], args].concat();
        let made = self.keygen(&all, None);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        std::fs::read_to_string(self.0.join(format!("{name}.pub"))).expect("the public key").trim().to_owned()
    }

    /// `ssh-keygen -Y sign`, as an approver types it.
    pub fn sign(&self, key: &str, namespace: &str, message: &[u8], more: &[&str]) -> String {
        let path = self.write("message", message);
        // ssh-keygen writes over no signature, and there may be none.
        drop(std::fs::remove_file(self.0.join("message.sig")));
        let all = [&["-Y", "sign", "-q", "-n", namespace, "-f", key][..], more, &[path.to_str().expect("utf-8")]].concat();
        let made = self.keygen(&all, None);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        std::fs::read_to_string(self.0.join("message.sig")).expect("the signature")
    }

    /// `ssh-keygen -Y verify`, as an auditor types it.
    pub fn stock_verifies(&self, signers: &[u8], principal: &str, namespace: &str, armour: &str, message: &[u8], at: Option<&str>) -> bool {
        self.write("signers", signers);
        self.write("given.sig", armour.as_bytes());
        let message = self.write("given", message);
        let time = at.map(|at| format!("verify-time={at}"));
        let mut args = vec!["-Y", "verify", "-f", "signers", "-I", principal, "-n", namespace, "-s", "given.sig"];
        if let Some(time) = &time {
            args.extend(["-O", time]);
        }
        let seen = self.keygen(&args, Some(&message));
        seen.status.success()
    }

    pub fn fingerprint(&self, line: &str) -> String {
        self.write("shown.pub", line.as_bytes());
        let shown = self.keygen(&["-l", "-f", "shown.pub"], None);
        String::from_utf8_lossy(&shown.stdout).split(' ').nth(1).expect("a fingerprint").to_owned()
    }

    /// `openssl dgst -sha256 -verify`, as an auditor types it.
    pub fn openssl_verifies(&self, pem: &[u8], signature: &[u8], data: &[u8]) -> bool {
        self.write("key.pem", pem);
        self.write("data.sig", signature);
        self.write("data", data);
        let seen = Command::new("openssl")
            .args(["dgst", "-sha256", "-verify", "key.pem", "-signature", "data.sig", "data"])
            .current_dir(&self.0)
            .output()
            .expect("openssl is installed");
        seen.status.success()
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// A security key without hardware: keys and signatures in the published form (PROTOCOL.u2f, PROTOCOL.sshsig).
pub(crate) enum SecurityKey {
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
}

const APPLICATION: &[u8] = b"ssh:";

fn pieces(list: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    list.iter().for_each(|piece| put(&mut out, piece));
    out
}

impl SecurityKey {
    pub fn ed25519() -> Self {
        let made = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("random");
        Self::Ed25519(Ed25519KeyPair::from_pkcs8(made.as_ref()).expect("a key"))
    }

    pub fn p256() -> Self {
        Self::P256(p256(&ECDSA_P256_SHA256_FIXED_SIGNING))
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Ed25519(_) => "sk-ssh-ed25519@openssh.com",
            Self::P256(_) => "sk-ecdsa-sha2-nistp256@openssh.com",
        }
    }

    fn blob(&self) -> Vec<u8> {
        match self {
            Self::Ed25519(key) => pieces(&[self.name().as_bytes(), key.public_key().as_ref(), APPLICATION]),
            Self::P256(key) => pieces(&[self.name().as_bytes(), b"nistp256", key.public_key().as_ref(), APPLICATION]),
        }
    }

    pub fn line(&self) -> String {
        format!("{} {} key-on-a-stick", self.name(), STANDARD.encode(self.blob()))
    }

    pub fn sign(&self, namespace: &str, message: &[u8], flags: u8) -> String {
        let digest = ring::digest::digest(&ring::digest::SHA512, message);
        let to_sign = [&b"SSHSIG"[..], &pieces(&[namespace.as_bytes(), b"", b"sha512", digest.as_ref()])].concat();
        let counter = 7_u32.to_be_bytes();
        let data = [&Digest::of(APPLICATION).0[..], &[flags], &counter, &Digest::of(&to_sign).0].concat();
        let raw = match self {
            Self::Ed25519(key) => key.sign(&data).as_ref().to_vec(),
            Self::P256(key) => {
                let pair = key.sign(&SystemRandom::new(), &data).expect("signed");
                let (r, s) = pair.as_ref().split_at(32);
                pieces(&[&positive(r), &positive(s)])
            }
        };
        let signature = [&pieces(&[self.name().as_bytes(), &raw])[..], &[flags], &counter].concat();
        let blob =
            [&b"SSHSIG"[..], &1_u32.to_be_bytes(), &pieces(&[&self.blob(), namespace.as_bytes(), b"", b"sha512", &signature])].concat();
        armoured(&blob)
    }
}

fn positive(number: &[u8]) -> Vec<u8> {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let bare = &number[zeros..];
    if bare.first().is_some_and(|first| first & 0x80 != 0) { [&[0], bare].concat() } else { bare.to_vec() }
}

pub(crate) fn armoured(blob: &[u8]) -> String {
    let encoded = STANDARD.encode(blob);
    let lines: Vec<&str> = encoded.as_bytes().chunks(70).map(|line| str::from_utf8(line).expect("ascii")).collect();
    format!("-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n", lines.join("\n"))
}

fn p256(algorithm: &'static ring::signature::EcdsaSigningAlgorithm) -> EcdsaKeyPair {
    let made = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new()).expect("random");
    EcdsaKeyPair::from_pkcs8(algorithm, made.as_ref(), &SystemRandom::new()).expect("a key")
}

/// A phone with one passkey.
pub(crate) struct Authenticator {
    key: EcdsaKeyPair,
    pub place: RelyingParty,
}

/// What the phone is made to say; each field can be made wrong.
pub(crate) struct Said {
    pub ceremony: &'static str,
    pub plan: Digest,
    pub origin: String,
    pub site: String,
    pub flags: u8,
    pub counter: u32,
}

impl Authenticator {
    pub const ID: &'static str = "cGhvbmUgb2Ygc2F0bw";

    pub fn new() -> Self {
        let place = RelyingParty { id: "hikeshi.example".to_owned(), origin: "https://hikeshi.example".to_owned() };
        Self { key: p256(&ECDSA_P256_SHA256_ASN1_SIGNING), place }
    }

    /// The credential as webauthn-rs 0.6 serialises it; `hikeshi-web` tests that with a browser.
    pub fn credential(&self) -> Value {
        let point = self.key.public_key().as_ref();
        let part = |range: std::ops::Range<usize>| URL_SAFE_NO_PAD.encode(&point[range]);
        let key = json!({"EC_EC2": {"curve": "SECP256R1", "x": part(1..33), "y": part(33..65)}});
        json!({"cred": {"cred_id": Self::ID, "cred": {"type_": "ES256", "key": key}, "counter": 0}})
    }

    pub fn honest(&self, plan: Digest, counter: u32) -> Said {
        Said { ceremony: "webauthn.get", plan, origin: self.place.origin.clone(), site: self.place.id.clone(), flags: 5, counter }
    }

    pub fn assert(&self, said: &Said) -> Assertion {
        let client = json!({"type": said.ceremony, "challenge": challenge_text(&said.plan), "origin": said.origin, "crossOrigin": false});
        let client = client.to_string().into_bytes();
        let data = [&Digest::of(said.site.as_bytes()).0[..], &[said.flags], &said.counter.to_be_bytes()].concat();
        let signed = [&data[..], &Digest::of(&client).0].concat();
        let signature = self.key.sign(&SystemRandom::new(), &signed).expect("signed");
        Assertion {
            credential_id: Self::ID.to_owned(),
            authenticator_data: URL_SAFE_NO_PAD.encode(data),
            client_data: URL_SAFE_NO_PAD.encode(client),
            signature: URL_SAFE_NO_PAD.encode(signature.as_ref()),
        }
    }
}
