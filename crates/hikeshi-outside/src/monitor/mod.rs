//! What a monitor of the policy looks at, looked at once: within the monitor's time, bounded in bytes, and never green when nothing was found out.
//!
//! Over HTTP and TCP it is [`crate::probe()`]; a program is run by [`command`], on this host or on a target's; [`host`] and [`log`] use it, too.

mod command;
mod host;
mod log;
mod postgres;
mod prometheus;

use std::time::{Duration, Instant};

use hikeshi_domain::monitor::{Measured, Measuring, Verdict};
use hikeshi_domain::policy::{Monitor, MonitorKind};

use crate::Options;
use crate::host::Secrets;
use crate::probe::{Wanted, connect, look_at};

/// Characters of one line of somebody else's output.
const LINE_CHARS_MAX: usize = 200;

/// Looks for the monitors.
#[derive(Debug)]
pub struct Measurer {
    options: Options,
    logs: log::Followers,
}

impl Measurer {
    pub fn new(options: Options) -> Self {
        Self { options, logs: log::Followers::default() }
    }

    pub async fn measure(&self, measuring: &Measuring) -> Measured {
        let monitor = &measuring.monitor;
        let timeout = Duration::try_from_secs_f64(monitor.timeout_s).unwrap_or(Duration::from_secs(5));
        match monitor.kind() {
            MonitorKind::Url | MonitorKind::Tcp => address(monitor, timeout).await,
            MonitorKind::Heartbeat => Measured::unmeasured("a heartbeat is listened for, not asked for"),
            MonitorKind::Command => command::measure(&self.options, measuring, timeout).await,
            MonitorKind::Prometheus => prometheus::measure(&self.options, measuring, timeout).await,
            MonitorKind::Postgres => postgres::measure(&self.options, measuring, timeout).await,
            MonitorKind::Host => host::measure(&self.options, measuring, timeout).await,
            MonitorKind::Log => log::measure(&self.options, &self.logs, measuring, timeout).await,
        }
    }
}

async fn address(monitor: &Monitor, timeout: Duration) -> Measured {
    let began = Instant::now();
    let measured = match (&monitor.url, &monitor.tcp) {
        (Some(url), _) => {
            let Monitor { status, body_contains, tls_days, .. } = monitor;
            look_at(&Wanted { url, timeout, status: *status, body_contains: body_contains.as_deref(), tls_days: *tls_days }).await
        }
        (None, Some(address)) => connect(address, timeout).await,
        (None, None) => return Measured::unmeasured("no address is given"),
    };
    let took = began.elapsed();
    let allowed = Duration::from_millis(u64::from(monitor.slower_than_ms));
    let measured = if measured.verdict == Verdict::Passed && !allowed.is_zero() && took > allowed {
        Measured::failed(format!("{}, but only after {} ms; {} ms are allowed", measured.seen, took.as_millis(), allowed.as_millis()))
    } else {
        measured
    };
    // How long it took says something only when there was an answer.
    if measured.verdict == Verdict::Unmeasured { measured } else { measured.with((took.as_secs_f64() * 1_000.0).round()) }
}

/// What must not be shown, as this process knows it.
fn secrets(options: &Options, measuring: &Measuring) -> Result<Secrets, Measured> {
    let pass = measuring.target.as_ref().map(|target| target.pass_env.as_slice()).unwrap_or_default();
    let (patterns, own) = (&measuring.secrets.patterns, &options.env);
    Secrets::of(patterns, &measuring.secrets.env, pass, own)
        .map_err(|error| Measured::unmeasured(format!("secrets could not be masked, so nothing is shown: {error}")))
}

/// The first line that says something, as far as it is shown.
fn first_line(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    shown(line)
}

fn shown(line: &str) -> String {
    line.chars().filter(|char| !char.is_control()).take(LINE_CHARS_MAX).collect()
}

/// Why a number is no healthy one. What is neither above nor below is healthy.
fn breach(value: f64, above: Option<f64>, below: Option<f64>) -> Option<String> {
    let over = above.filter(|above| value > *above).map(|above| format!("{value} is above {above}"));
    over.or_else(|| below.filter(|below| value < *below).map(|below| format!("{value} is below {below}")))
}

/// At most two places behind the point: more would be noise to whoever reads it at night.
fn short(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_healthy_between_its_limits_and_at_them() {
        assert_eq!(breach(5.0, Some(5.0), Some(5.0)), None);
        assert_eq!(breach(5.5, Some(5.0), None).as_deref(), Some("5.5 is above 5"));
        assert_eq!(breach(0.0, Some(5.0), Some(1.0)).as_deref(), Some("0 is below 1"));
        assert_eq!(breach(9.0, None, None), None);
    }

    #[test]
    fn one_line_of_an_output_is_shown_and_no_control_characters() {
        assert_eq!(first_line(b"\n  \n\x1b[31mdisk full\x1b[0m  \nmore"), "[31mdisk full[0m");
        assert_eq!(first_line("あ".repeat(500).as_bytes()).chars().count(), LINE_CHARS_MAX);
        assert_eq!(first_line(b""), "");
    }
}
