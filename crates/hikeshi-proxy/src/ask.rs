//! What the proxy can be told, as it stands in requests and in the file of its state. Parsed here, and bounded here.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Of each kind, so that a mistake fills no memory.
pub const ROUTES_MAX: usize = 100;
const HOSTS_MAX: usize = 100;
const TARGETS_MAX: usize = 64;
const NAME_MAX: usize = 63;
const PATH_MAX: usize = 512;
const TEXT_MAX: usize = 500;
const WAIT_MS_MAX: u64 = 3_600_000;

/// What is wrong with something that was asked, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {why}")]
pub struct Flaw {
    pub what: &'static str,
    pub why: String,
}

fn flaw(what: &'static str, why: impl Into<String>) -> Flaw {
    Flaw { what, why: why.into() }
}

macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $what:literal, $wrong:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = Flaw;

            fn try_from(text: String) -> Result<Self, Flaw> {
                let wrong: fn(&str) -> Option<String> = $wrong;
                wrong(&text).map_or(Ok(Self(text)), |why| Err(flaw($what, why)))
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, form: &mut fmt::Formatter<'_>) -> fmt::Result {
                form.write_str(&self.0)
            }
        }
    };
}

text!(
    /// Of a route: it stands in the cookie and in metrics.
    RouteName, "name of the route", |text| {
        let plain = text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        (text.is_empty() || text.len() > NAME_MAX || !plain)
            .then(|| format!("write 1 to {NAME_MAX} of a–z, 0–9 and `-`, not `{}`", head(text)))
    }
);
text!(
    /// What runs there, as people call it: `v1.2.4`, a commit, a digest.
    Version, "version", |text| {
        let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\');
        (text.is_empty() || text.len() > 128 || !plain).then(|| format!("write 1 to 128 visible ASCII characters, not `{}`", head(text)))
    }
);
text!(
    /// As it stands in a request, without a port, in small letters.
    HostName, "host", |text| {
        let plain = text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.' | b':' | b'[' | b']'));
        (text.is_empty() || text.len() > 253 || !plain)
            .then(|| format!("write a name in small letters without a port, not `{}`", head(text)))
    }
);
text!(
    /// The beginning of a path, with the slash it begins with.
    PathStart, "path", |text| {
        let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#'));
        (!text.starts_with('/') || text.len() > PATH_MAX || !plain)
            .then(|| format!("write a path that begins with `/`, without a query, not `{}`", head(text)))
    }
);

fn head(text: &str) -> String {
    text.chars().take(60).collect()
}

impl Default for PathStart {
    fn default() -> Self {
        Self("/".to_owned())
    }
}

impl PathStart {
    /// `/shop` is the beginning of `/shop` and `/shop/1`, not of `/shopping`.
    pub fn begins(&self, path: &str) -> bool {
        let start = self.0.trim_end_matches('/');
        path.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// One process that answers, by plain HTTP/1.1.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Target(pub SocketAddr);

/// A version and where it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArmAsked {
    pub version: Version,
    pub targets: Vec<Target>,
}

/// How a target shows that it is well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Health {
    pub path: PathStart,
    /// Of the `Host` header; without it the first host of the route.
    pub host: Option<HostName>,
    pub every_ms: u64,
    pub timeout_ms: u64,
    /// For all targets of a new version together, until each has answered.
    pub within_ms: u64,
}

impl Default for Health {
    fn default() -> Self {
        Self { path: PathStart("/up".to_owned()), host: None, every_ms: 1_000, timeout_ms: 5_000, within_ms: 30_000 }
    }
}

/// Of one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Until the target has begun to answer.
    pub answer_ms: u64,
    /// Of the request's body. 413 beyond it.
    pub body_bytes: u64,
    /// Requests that may wait while the route is held. 503 beyond it.
    pub held: usize,
    /// Whether `X-Forwarded-*` of whoever asks are kept: only behind another proxy.
    pub trust_forwarded: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self { answer_ms: 60_000, body_bytes: 1 << 30, held: 10_000, trust_forwarded: false }
    }
}

/// What of a route does not change from version to version.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RouteAsked {
    /// None: every host that no other route has.
    pub hosts: Vec<HostName>,
    pub path: PathStart,
    pub health: Health,
    pub limits: Limits,
    /// The connection is passed on as it is, by the name it asks for: the target has the certificate.
    pub tls_passthrough: bool,
}

/// How long what is under way on the version that is replaced may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Drain {
    pub requests_ms: u64,
    /// Of connections that were upgraded (WebSocket).
    pub upgraded_ms: u64,
}

impl Default for Drain {
    fn default() -> Self {
        Self { requests_ms: 30_000, upgraded_ms: 60_000 }
    }
}

/// Of a hundred requests, how many go to the candidate; tenths count.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Percent(f64);

impl TryFrom<f64> for Percent {
    type Error = Flaw;

    fn try_from(number: f64) -> Result<Self, Flaw> {
        if (0.0..=100.0).contains(&number) { Ok(Self(number)) } else { Err(flaw("percent", format!("write 0 to 100, not {number}"))) }
    }
}

impl From<Percent> for f64 {
    fn from(percent: Percent) -> Self {
        percent.0
    }
}

/// A new version: in the place of the one that serves, or beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeployAsked {
    pub arm: ArmAsked,
    /// Left out: all of the traffic. Otherwise it is a candidate beside the version that serves.
    #[serde(default)]
    pub percent: Option<Percent>,
    #[serde(default)]
    pub drain: Drain,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShareAsked {
    pub percent: Percent,
}

/// Of what ends with a version taken out of the traffic: promote, abort, roll back, remove.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DrainAsked {
    pub drain: Drain,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HoldAsked {
    /// How long one request waits before it is answered 504.
    pub wait_ms: u64,
}

impl Default for HoldAsked {
    fn default() -> Self {
        Self { wait_ms: 30_000 }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StopAsked {
    /// Shown on the maintenance page.
    pub message: Option<String>,
}

impl ArmAsked {
    pub fn check(&self) -> Result<(), Flaw> {
        match self.targets.len() {
            0 => Err(flaw("targets", "name at least one address, such as \"127.0.0.1:8101\"")),
            1..=TARGETS_MAX => Ok(()),
            many => Err(flaw("targets", format!("{many} are more than {TARGETS_MAX}"))),
        }
    }
}

impl RouteAsked {
    pub fn check(&self) -> Result<(), Flaw> {
        if self.hosts.len() > HOSTS_MAX {
            return Err(flaw("hosts", format!("{} are more than {HOSTS_MAX}", self.hosts.len())));
        }
        if self.tls_passthrough && (self.hosts.is_empty() || self.path != PathStart::default()) {
            return Err(flaw("tls_passthrough", "name the hosts and leave `path` out: nothing else of the connection can be read"));
        }
        let health = &self.health;
        waits("health", &[health.every_ms, health.timeout_ms, health.within_ms])?;
        waits("limits.answer_ms", &[self.limits.answer_ms])?;
        if self.limits.held > 1_000_000 {
            return Err(flaw("limits.held", "more than 1000000"));
        }
        Ok(())
    }
}

impl Drain {
    pub fn check(&self) -> Result<(), Flaw> {
        for (what, ms) in [("drain.requests_ms", self.requests_ms), ("drain.upgraded_ms", self.upgraded_ms)] {
            if ms > WAIT_MS_MAX {
                return Err(flaw(what, format!("{ms} is more than an hour ({WAIT_MS_MAX})")));
            }
        }
        Ok(())
    }
}

impl HoldAsked {
    pub fn check(&self) -> Result<(), Flaw> {
        waits("wait_ms", &[self.wait_ms])
    }
}

impl StopAsked {
    pub fn check(&self) -> Result<(), Flaw> {
        match &self.message {
            Some(text) if text.chars().count() > TEXT_MAX => Err(flaw("message", format!("longer than {TEXT_MAX} characters"))),
            _ => Ok(()),
        }
    }
}

fn waits(what: &'static str, all: &[u64]) -> Result<(), Flaw> {
    match all.iter().find(|ms| !(1..=WAIT_MS_MAX).contains(*ms)) {
        Some(ms) => Err(flaw(what, format!("write 1 to {WAIT_MS_MAX} milliseconds, not {ms}"))),
        None => Ok(()),
    }
}

pub fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}
