//! Joins the engine's needs to the real hands: the effects' world, and the looks of the monitors.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use hikeshi_domain::effect::Doing;
use hikeshi_engine::{Probe, ProbedAt, Probing};
use hikeshi_outside::{Hands, Options, Probed};

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

/// Looks at addresses for the monitors.
pub struct Looker;

impl Probe for Looker {
    fn probe<'a>(&'a self, probing: &'a Probing) -> Doing<'a, Result<(), String>> {
        Box::pin(async move {
            let timeout = Duration::try_from_secs_f64(probing.timeout_s).unwrap_or(Duration::from_secs(5));
            let began = std::time::Instant::now();
            let probed = match &probing.at {
                ProbedAt::Http { url, status, body_contains } => {
                    hikeshi_outside::probe(url, timeout, *status, body_contains.as_deref()).await
                }
                ProbedAt::Tcp { address } => hikeshi_outside::connect(address, timeout).await,
            };
            let (took_ms, allowed_ms) = (began.elapsed().as_millis(), u128::from(probing.slower_than_ms));
            match probed {
                Probed { passed: false, seen } => Err(seen),
                Probed { passed: true, seen } if allowed_ms > 0 && took_ms > allowed_ms => {
                    Err(format!("{seen}, but only after {took_ms} ms; {allowed_ms} ms are allowed"))
                }
                Probed { passed: true, .. } => Ok(()),
            }
        })
    }
}
