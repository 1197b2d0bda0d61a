//! Joins the engine's needs to the real hands: the effects' world, and the looks of the monitors.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use hikeshi_domain::effect::Doing;
use hikeshi_domain::monitor::{Measured, Measuring};
use hikeshi_engine::Probe;
use hikeshi_outside::{Measurer, Options, PushKey};

use crate::config::Config;

/// What the hands on this machine need. The supervisor of a step is this very program.
pub fn options(config: &Config, data_dir: &Path, ledger: String, push_key: PushKey) -> anyhow::Result<Options> {
    Ok(Options {
        spool: std::path::absolute(data_dir)?.join("spool"),
        program: std::env::current_exe()?,
        program_args: vec![OsString::from("step-runner")],
        base: std::path::absolute(config.directory())?,
        env: crate::settings::all(),
        public_url: config.public_url(),
        ledger,
        push_key: Some(Arc::new(push_key)),
    })
}

/// Looks for the monitors.
pub struct Looker(pub Measurer);

impl Probe for Looker {
    fn measure<'a>(&'a self, measuring: &'a Measuring) -> Doing<'a, Measured> {
        Box::pin(self.0.measure(measuring))
    }
}
