//! A host by what its own kernel says: one script of cat, awk and df, the same on the server and on a target's host. A library would read `/proc`
//! of this host only, and the numbers of another one have to come through ssh as text anyway.

use std::time::Duration;

use hikeshi_domain::monitor::{Measured, Measuring};
use hikeshi_domain::policy::HostMonitor;

use super::command::{NoEnd, run};
use super::postgres::{Figure, figures};
use super::{first_line, short};
use crate::Options;

const OUTPUT_BYTES_MAX: usize = 64 * 1024;

pub(super) async fn measure(options: &Options, measuring: &Measuring, timeout: Duration) -> Measured {
    let Some(host) = &measuring.monitor.host else { return Measured::unmeasured("no host is given") };
    let argv = ["sh", "-c", &script(host), "hikeshi", &host.disk_path].map(str::to_owned);
    match run(options, measuring.target.as_ref(), &argv, timeout, OUTPUT_BYTES_MAX).await {
        Ok(ran) if ran.status.success() => match found(&String::from_utf8_lossy(&ran.out), host) {
            Ok(found) => figures(&found),
            Err(why) => Measured::unmeasured(why),
        },
        Ok(ran) => Measured::unmeasured(format!("the host's numbers cannot be read: {}", first_line(&ran.err))),
        Err(NoEnd::Late) => Measured::unmeasured(format!("the host's numbers were not there within {} s", timeout.as_secs_f64())),
        Err(NoEnd::Cannot(why)) => Measured::unmeasured(why),
    }
}

/// Prints one line per number that is asked for: a word, then what the kernel says. One that cannot be read fails the whole.
fn script(host: &HostMonitor) -> String {
    let mut script = "set -e; ".to_owned();
    if host.cpu_percent.is_some() {
        script.push_str("head -n 1 /proc/stat; sleep 1; head -n 1 /proc/stat; ");
    }
    if host.memory_percent.is_some() {
        script.push_str("grep -E '^(MemTotal|MemAvailable):' /proc/meminfo; ");
    }
    if host.disk_percent.is_some() {
        script.push_str("df -Pk \"$1\" | awk 'NR == 2 { print \"disk\", $3, $4 }'; ");
    }
    if host.io_pressure_percent.is_some() {
        script.push_str("awk '$1 == \"some\" { print \"io\", $3 }' /proc/pressure/io; ");
    }
    if let Some(connections) = &host.connections {
        // The kernel writes ports in hexadecimal, and 01 for an open connection.
        let files = "/proc/net/tcp $([ -r /proc/net/tcp6 ] && echo /proc/net/tcp6)";
        let port = format!("{:04X}", connections.port);
        script.push_str(&format!("awk '$2 ~ /:{port}$/ && $4 == \"01\" {{ n++ }} END {{ print \"open\", n + 0 }}' {files}; "));
    }
    script
}

fn found(text: &str, host: &HostMonitor) -> Result<Vec<Figure>, String> {
    let mut found = Vec::new();
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    let of = |word: &str| {
        lines.iter().filter(|line| line.first() == Some(&word)).map(|line| line.get(1..).unwrap_or_default()).collect::<Vec<_>>()
    };
    let missing = |what: &str| format!("the host does not say {what}");
    if let Some(limit) = host.cpu_percent {
        let value = match of("cpu").as_slice() {
            [before, after] => busy(before, after),
            _ => None,
        };
        let value = short(value.ok_or_else(|| missing("how busy its processors are"))?);
        found.push(Figure { value, limit, text: format!("the processors are {value} % busy") });
    }
    if let Some(limit) = host.memory_percent {
        let kib = |word: &str| of(word).first().and_then(|line| number(line.first()));
        let (total, available) = (kib("MemTotal:"), kib("MemAvailable:"));
        let used = total.zip(available).filter(|(total, _)| *total > 0.0).map(|(total, available)| (total - available) * 100.0 / total);
        let value = short(used.ok_or_else(|| missing("how much memory it has"))?);
        found.push(Figure { value, limit, text: format!("{value} % of the memory is in use") });
    }
    if let Some(limit) = host.disk_percent {
        let line = of("disk").first().copied().unwrap_or_default();
        let used = number(line.first()).zip(number(line.get(1))).filter(|(used, free)| used + free > 0.0);
        let (used, free) = used.ok_or_else(|| missing(&format!("how full {} is", host.disk_path)))?;
        let value = short(used * 100.0 / (used + free));
        found.push(Figure { value, limit, text: format!("{} is {value} % full", host.disk_path) });
    }
    if let Some(limit) = host.io_pressure_percent {
        let average = of("io").first().and_then(|line| line.first()?.strip_prefix("avg60=")?.parse::<f64>().ok());
        let value = average.ok_or_else(|| missing("its I/O pressure (the kernel needs CONFIG_PSI)"))?;
        found.push(Figure { value, limit, text: format!("something waited for the disk {value} % of the time") });
    }
    if let Some(connections) = &host.connections {
        let open = of("open").first().and_then(|line| number(line.first()));
        let value = open.ok_or_else(|| missing("its connections"))?;
        let text = format!("{value} connections on port {}", connections.port);
        found.push(Figure { value, limit: f64::from(connections.above), text });
    }
    Ok(found)
}

fn number(word: Option<&&str>) -> Option<f64> {
    word?.parse::<f64>().ok().filter(|number| number.is_finite())
}

/// `user nice system idle iowait irq softirq steal`: what is neither idle nor waiting for a disk is busy.
fn busy(before: &[&str], after: &[&str]) -> Option<f64> {
    let passed: Option<Vec<f64>> = (0..8).map(|place| Some(number(after.get(place))? - number(before.get(place))?)).collect();
    let passed = passed?;
    let whole: f64 = passed.iter().sum();
    let rest: f64 = passed.get(3..5)?.iter().sum();
    (whole > 0.0).then(|| ((whole - rest) * 100.0 / whole).clamp(0.0, 100.0))
}

#[cfg(test)]
mod tests {
    use hikeshi_domain::monitor::Verdict;

    use super::*;

    const SAID: &str = "cpu  100 0 100 700 100 0 0 0 0 0\ncpu  150 0 125 715 110 0 0 0 0 0\nMemTotal:       8000000 kB\nMemAvailable:   2000000 kB\n\
                        disk 300 100\nio avg60=12.50\nopen 42\n";

    fn host(text: &str) -> HostMonitor {
        serde_json::from_str(text).expect("a host")
    }

    #[test]
    fn what_the_kernel_says_becomes_numbers() {
        let all = host(
            r#"{"cpu_percent": 90, "memory_percent": 90, "disk_percent": 90, "io_pressure_percent": 50, "connections": {"port": 443, "above": 42}}"#,
        );
        let figures_of = |host: &HostMonitor| figures(&found(SAID, host).expect("numbers"));
        let measured = figures_of(&all);
        let words = "the processors are 75 % busy, 75 % of the memory is in use, / is 75 % full, something waited for the disk 12.5 % of the \
                     time, 42 connections on port 443";
        assert_eq!((measured.verdict, measured.seen.as_str()), (Verdict::Passed, words));
        let full = figures_of(&host(r#"{"disk_percent": 70, "cpu_percent": 74.9, "disk_path": "/data"}"#));
        assert_eq!(full.seen, "the processors are 75 % busy (74.9 allowed), /data is 75 % full (70 allowed)");
        let live = figures_of(&host(r#"{"connections": {"port": 443, "above": 41}}"#));
        assert_eq!((live.verdict, live.value), (Verdict::Failed, Some(42.0)));
    }

    #[test]
    fn a_number_that_is_missing_is_said_and_never_taken_for_zero() {
        for (limit, what) in [
            (r#"{"cpu_percent": 90}"#, "how busy"),
            (r#"{"memory_percent": 90}"#, "how much memory"),
            (r#"{"disk_percent": 90}"#, "how full / is"),
            (r#"{"io_pressure_percent": 90}"#, "I/O pressure"),
            (r#"{"connections": {"port": 1, "above": 1}}"#, "its connections"),
        ] {
            let why = found("cpu 1 2 3\nMemTotal: 0 kB\ndisk x\nio some\nopen\n", &host(limit)).err().expect("missing");
            assert!(why.contains(what), "{why}");
        }
    }
}
