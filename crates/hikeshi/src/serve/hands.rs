//! Joins the engine's needs to the real hands: the effects' world, and the HTTP probe of the monitors.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use hikeshi_domain::effect::Doing;
use hikeshi_engine::{Probe, Probing};
use hikeshi_outside::{Hands, Options};

use crate::config::Config;

/// The hands on this machine. The supervisor of a step is this very program.
pub fn hands(config: &Config, data_dir: &Path, ledger: String) -> anyhow::Result<Hands> {
    Ok(Hands::new(Options {
        spool: std::path::absolute(data_dir)?.join("spool"),
        program: std::env::current_exe()?,
        program_args: vec![OsString::from("step-runner")],
        base: std::path::absolute(config.directory())?,
        env: crate::settings::all(),
        public_url: config.public_url(),
        ledger,
    }))
}

pub struct HttpProbe;

impl Probe for HttpProbe {
    fn probe<'a>(&'a self, probing: &'a Probing) -> Doing<'a, Result<(), String>> {
        Box::pin(async move {
            let timeout = Duration::try_from_secs_f64(probing.timeout_s).unwrap_or(Duration::from_secs(5));
            let probed = hikeshi_outside::probe(&probing.url, timeout, probing.status, probing.body_contains.as_deref()).await;
            if probed.passed { Ok(()) } else { Err(probed.seen) }
        })
    }
}
