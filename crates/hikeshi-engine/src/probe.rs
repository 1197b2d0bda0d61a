//! The hands that measure for a monitor. Carried out outside; when and how often is [`crate::monitors`].

use hikeshi_domain::effect::Doing;
use hikeshi_domain::policy::Monitor;

/// What a monitor asks of the world.
#[derive(Debug, Clone, PartialEq)]
pub struct Probing {
    pub url: String,
    pub timeout_s: f64,
    /// HTTP status that counts as healthy.
    pub status: u16,
    pub body_contains: Option<String>,
}

impl Probing {
    pub(crate) fn of(monitor: &Monitor) -> Self {
        Self {
            url: monitor.url.clone(),
            timeout_s: monitor.timeout_s,
            status: monitor.status,
            body_contains: monitor.body_contains.clone(),
        }
    }
}

/// One measurement of one address.
pub trait Probe: Send + Sync {
    /// `Err` is what was seen instead, in a few words: a status, the operating system's words.
    fn probe<'a>(&'a self, probing: &'a Probing) -> Doing<'a, Result<(), String>>;
}
