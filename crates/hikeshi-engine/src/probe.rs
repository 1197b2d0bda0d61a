//! The hands that measure for a monitor. Carried out outside; when and how often is [`crate::monitors`].

use hikeshi_domain::effect::Doing;
use hikeshi_domain::policy::Monitor;

/// What a monitor asks of the world.
#[derive(Debug, Clone, PartialEq)]
pub struct Probing {
    pub at: ProbedAt,
    pub timeout_s: f64,
    /// An answer that takes longer is a failure; 0 = however long it takes.
    pub slower_than_ms: u32,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ProbedAt {
    Http {
        url: String,
        /// HTTP status that counts as healthy.
        status: u16,
        body_contains: Option<String>,
    },
    /// `host:port` takes connections.
    Tcp { address: String },
}

impl Probing {
    /// `None`: nobody is asked, somebody else reports.
    pub(crate) fn of(monitor: &Monitor) -> Option<Self> {
        let http = |url: &String| ProbedAt::Http { url: url.clone(), status: monitor.status, body_contains: monitor.body_contains.clone() };
        let tcp = |address: &String| ProbedAt::Tcp { address: address.clone() };
        let at = monitor.url.as_ref().map(http).or_else(|| monitor.tcp.as_ref().map(tcp))?;
        Some(Self { at, timeout_s: monitor.timeout_s, slower_than_ms: monitor.slower_than_ms })
    }
}

/// One measurement of one address.
pub trait Probe: Send + Sync {
    /// `Err` is what was seen instead, in a few words: a status, the operating system's words.
    fn probe<'a>(&'a self, probing: &'a Probing) -> Doing<'a, Result<(), String>>;
}
