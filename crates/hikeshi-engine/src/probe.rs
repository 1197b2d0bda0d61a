//! The hands that measure for a monitor. Carried out outside; when and how often is [`crate::monitors`].

use hikeshi_domain::effect::Doing;
use hikeshi_domain::monitor::{Measured, Measuring};

/// Looks at one thing, once, within the time that its monitor allows.
pub trait Probe: Send + Sync {
    fn measure<'a>(&'a self, measuring: &'a Measuring) -> Doing<'a, Measured>;
}
