//! Every id type of the product, alphabetical. Each prints with its prefix; none can be mistaken for another.
//!
//! Case numbers are counted under the ledger's head lock, so a person at 3 a.m. types `emg_3`, not a UUID.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What was wrong with an id that somebody typed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not {wanted}; write it like `{example}`")]
pub struct IdError {
    pub given: String,
    pub wanted: &'static str,
    pub example: &'static str,
}

macro_rules! numbered {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $example:literal, $wanted:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u64);

        impl $name {
            pub const PREFIX: &'static str = $prefix;
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            /// Accepts `inc_12`, `INC-12` and a bare `12`: what people type and what they read out on the phone.
            fn from_str(given: &str) -> Result<Self, IdError> {
                let bad = || IdError { given: given.chars().take(40).collect(), wanted: $wanted, example: $example };
                let text = given.trim();
                let digits = match text.split_once(['_', '-']) {
                    Some((prefix, rest)) if prefix.eq_ignore_ascii_case($prefix) => rest,
                    Some(_) => return Err(bad()),
                    None => text,
                };
                if digits.is_empty() || digits.len() > 15 || !digits.bytes().all(|b| b.is_ascii_digit()) {
                    return Err(bad());
                }
                digits.parse().map($name).map_err(|_| bad())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = Cow::<'de, str>::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({"type": "string", "pattern": concat!("^", $prefix, "_[0-9]{1,15}$"), "examples": [$example]})
            }
        }
    };
}

numbered!(
    /// One emergency exception, `emg_3`.
    EmergencyId, "emg", "emg_3", "an emergency exception"
);
numbered!(
    /// One incident, `inc_12`.
    IncidentId, "inc", "inc_12", "an incident"
);
numbered!(
    /// One thing owed afterwards, `obl_7`.
    ObligationId, "obl", "obl_7", "an obligation"
);
numbered!(
    /// One silence of alerts, `sil_4`.
    SilenceId, "sil", "sil_4", "a silence"
);
numbered!(
    /// One agreed change of a schedule, `ovr_5`.
    OverrideId, "ovr", "ovr_5", "an override"
);
numbered!(
    /// One API token of a person, `tok_2`. The secret itself is never stored.
    TokenId, "tok", "tok_2", "an API token"
);

macro_rules! named {
    ($(#[$doc:meta])* $name:ident, $wanted:literal, $example:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Parses a slug: 1 to 40 of `a-z 0-9 - _ .`, starting with a letter or digit.
            pub fn new(given: impl AsRef<str>) -> Result<Self, IdError> {
                let text = given.as_ref().trim();
                let ok = !text.is_empty()
                    && text.len() <= 40
                    && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.'))
                    && text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
                if ok {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(IdError { given: text.chars().take(60).collect(), wanted: $wanted, example: $example })
                }
            }
            /// A name written in this crate's own source; a test builds every one of them through [`Self::new`].
            #[allow(dead_code, reason = "not every kind of name has a default in this crate")]
            pub(crate) fn known(literal: &str) -> Self {
                debug_assert!(Self::new(literal).is_ok(), "{literal}");
                Self(literal.to_owned())
            }
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(given: &str) -> Result<Self, IdError> {
                Self::new(given)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = Cow::<'de, str>::deserialize(d)?;
                Self::new(text).map_err(serde::de::Error::custom)
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({"type": "string", "pattern": "^[a-z0-9][a-z0-9_.-]{0,39}$", "examples": [$example]})
            }
        }
    };
}

named!(
    /// A public channel of the workspace, without the `#`.
    ChannelName, "a channel name (lower case letters, digits, - _ .)", "emergency-deploy"
);
named!(
    /// A part of the status page, as users know it.
    ComponentName, "a component name (lower case letters, digits, - _ .)", "web-booking"
);
named!(
    /// An environment such as `production` or `demo`.
    EnvironmentName, "an environment name (lower case letters, digits, - _ .)", "production"
);
named!(
    /// A number that must not move because of a deploy.
    GuardName, "the name of a guard (lower case letters, digits, - _ .)", "orders-per-minute"
);
named!(
    /// A monitor declared in the policy.
    MonitorName, "a monitor name (lower case letters, digits, - _ .)", "reservation-http"
);
named!(
    /// A person of the workspace: the handle that the policy gives them. Their name, often in kanji, is a separate field.
    PersonId, "a person's handle (lower case letters, digits, - _ .)", "tanaka"
);
named!(
    /// A program that is told of what the status page says.
    ReceiverName, "a receiver name (lower case letters, digits, - _ .)", "partner"
);
named!(
    /// A role that the policy declares, such as `cto`.
    RoleName, "a role name (lower case letters, digits, - _ .)", "dev-lead"
);
named!(
    /// A rule by which one alert holds others back.
    InhibitionName, "the name of an inhibition (lower case letters, digits, - _ .)", "switch-down"
);
named!(
    /// A schedule that says who is on call.
    ScheduleName, "a schedule name (lower case letters, digits, - _ .)", "primary"
);
named!(
    /// A service that users notice when it is down.
    ServiceName, "a service name (lower case letters, digits, - _ .)", "reservation"
);
named!(
    /// A sender of alerts that the policy declares.
    SourceName, "a source of alerts (lower case letters, digits, - _ .)", "prometheus"
);
named!(
    /// A place where commands run: a host and a directory on it.
    TargetName, "a target name (lower case letters, digits, - _ .)", "reservation-prod"
);

/// The caller's key for one request. The same key again is the same request, whatever became of the connection.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct RequestKey(String);

impl RequestKey {
    /// 8 to 120 visible ASCII characters.
    pub fn new(given: impl AsRef<str>) -> Result<Self, IdError> {
        let text = given.as_ref();
        if (8..=120).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(IdError {
                given: text.chars().take(60).collect(),
                wanted: "a request key (8 to 120 visible ASCII characters)",
                example: "4f1c9a5e-open-incident",
            })
        }
    }
    /// A key made by the program itself from parts that it controls.
    pub fn of(parts: &[&str]) -> Self {
        Self(parts.join(":"))
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for RequestKey {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(d)?;
        Self::new(text).map_err(serde::de::Error::custom)
    }
}

/// SHA-256 over pieces.
#[derive(Clone)]
pub struct Hash(ring::digest::Context);

impl Default for Hash {
    fn default() -> Self {
        Self(ring::digest::Context::new(&ring::digest::SHA256))
    }
}

impl Hash {
    pub fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    pub fn finish(self) -> Digest {
        let mut digest = Digest([0; 32]);
        digest.0.copy_from_slice(self.0.finish().as_ref());
        digest
    }
}

/// A SHA-256 digest, printed as 64 lower case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    pub fn of(bytes: &[u8]) -> Self {
        let mut hash = Hash::default();
        hash.update(bytes);
        hash.finish()
    }

    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() != 64 {
            return None;
        }
        let nibble = |b: u8| match b {
            b'0'..=b'9' => Some(b - b'0'),
            b'a'..=b'f' => Some(b - b'a' + 10),
            _ => None,
        };
        let mut out = [0_u8; 32];
        for (slot, pair) in out.iter_mut().zip(bytes.chunks_exact(2)) {
            if let [high, low] = pair {
                *slot = nibble(*high)? << 4 | nibble(*low)?;
            }
        }
        Some(Self(out))
    }
    /// The first 12 digits: enough for a person to compare by eye; never enough for the program.
    pub fn short(&self) -> String {
        self.to_string().chars().take(12).collect()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut text = String::with_capacity(64);
        for byte in self.0 {
            for nibble in [byte >> 4, byte & 15] {
                text.push(char::from(HEX.get(usize::from(nibble)).copied().unwrap_or(b'0')));
            }
        }
        f.pad(&text)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{self}")
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(d)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("a digest is 64 lower case hex digits"))
    }
}

impl schemars::JsonSchema for Digest {
    fn schema_name() -> Cow<'static, str> {
        "Digest".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^[0-9a-f]{64}$", "description": "SHA-256, lower case hex"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_number_is_read_the_way_people_write_it() {
        for given in ["emg_3", "EMG-3", "emg-3", " 3 "] {
            assert_eq!(given.parse(), Ok(EmergencyId(3)), "{given}");
        }
        for given in ["", "emg_", "inc_3", "emg_-3", "emg_3x", "9999999999999999", "emg_３"] {
            assert!(given.parse::<EmergencyId>().is_err(), "{given}");
        }
    }

    #[test]
    fn a_digest_prints_as_it_parses() {
        let digest = Digest::of(b"abc");
        assert_eq!(digest.to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(Digest::parse(&digest.to_string()), Some(digest));
        assert_eq!(Digest::parse("BA"), None);
    }
}
