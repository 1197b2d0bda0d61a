//! What processes have used, as the kernel tells it in `/proc`: processor time with that of their children, and the most memory at once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Clock ticks of `/proc/<pid>/stat` in a second, on every machine that this runs on.
const TICKS_PER_S: u32 = 100;
const LOOK_EVERY: Duration = Duration::from_millis(40);

fn stat(pid: &str) -> Option<Vec<u64>> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may hold spaces and parentheses; what follows the last one is numbers.
    let (_, rest) = text.rsplit_once(')')?;
    Some(rest.split_whitespace().map(|field| field.parse().unwrap_or(0)).collect())
}

fn time(fields: &[u64], from: usize, count: usize) -> Duration {
    let ticks: u64 = fields.iter().skip(from).take(count).sum();
    Duration::from_millis(ticks * 1_000 / u64::from(TICKS_PER_S))
}

/// User and system time of a process and of those of its children that have ended.
pub fn cpu(pid: u32) -> Duration {
    stat(&pid.to_string()).map_or(Duration::ZERO, |fields| time(&fields, 11, 4))
}

/// The same of all children of ours that have ended and were waited for.
pub fn waited_for() -> Duration {
    stat("self").map_or(Duration::ZERO, |fields| time(&fields, 13, 2))
}

fn status_kib(pid: u32, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.trim_start_matches(':').trim().trim_end_matches("kB").trim().parse().ok()).unwrap_or(0)
}

/// The most memory that the process ever had at once.
pub fn peak_kib(pid: u32) -> u64 {
    status_kib(pid, "VmHWM")
}

pub fn resident_kib(pid: u32) -> u64 {
    status_kib(pid, "VmRSS")
}

pub fn name(pid: u32) -> String {
    std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default().replace('\0', " ")
}

/// A process and everything below it that lives.
pub fn tree(pid: u32) -> Vec<u32> {
    let mut found = vec![pid];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        next += 1;
        let Ok(tasks) = std::fs::read_dir(format!("/proc/{parent}/task")) else { continue };
        for task in tasks.flatten() {
            let children = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
            found.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
        }
    }
    found
}

/// Processor time of a whole living tree.
pub fn tree_cpu(pid: u32) -> Duration {
    tree(pid).into_iter().map(cpu).sum()
}

/// Looks at a tree again and again, for what only the living can tell.
pub struct Sampler {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<BTreeMap<u32, u64>>,
}

impl Sampler {
    pub fn of(root: u32) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut peaks: BTreeMap<u32, u64> = BTreeMap::new();
            while !stopped.load(Ordering::Relaxed) {
                for pid in tree(root) {
                    let peak = peaks.entry(pid).or_default();
                    *peak = peak_kib(pid).max(*peak);
                }
                std::thread::sleep(LOOK_EVERY);
            }
            peaks
        });
        Self { stop, thread }
    }

    /// The most memory that any one process of the tree had.
    pub fn peak_kib(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().ok().and_then(|peaks| peaks.into_values().max()).unwrap_or(0)
    }
}
