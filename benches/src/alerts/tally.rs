//! What became of the alerts of one case, and the table that says so.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::crash::Case;
use super::peer::Peer;
use super::receiver::{Mood, Page};
use super::sender::Id;

/// One alert, and one death.
pub struct Trial {
    pub id: Id,
    pub accepted: bool,
    pub died_at: Instant,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Tally {
    peer: Peer,
    case: Case,
    trials: u32,
    accepted: u32,
    /// Accepted, and taken by the receiver before the death, or only afterwards.
    before: u32,
    after: u32,
    lost: u32,
    /// Read by the receiver to the end, and sent once more all the same.
    repeated: u32,
    /// Of these, those where every one but the first says so.
    marked: u32,
    /// Sent again more often than processes of its lane have died meanwhile.
    often: u32,
    /// Not accepted, and paged all the same.
    unasked: u32,
    /// From the death to a page that arrived only afterwards, in milliseconds.
    late_ms: Vec<f64>,
    pub starts_ms: Vec<f64>,
    pub lanes: u32,
    pub took_s: f64,
}

impl Tally {
    pub fn new(peer: Peer, case: Case) -> Self {
        Self {
            peer,
            case,
            trials: 0,
            accepted: 0,
            before: 0,
            after: 0,
            lost: 0,
            repeated: 0,
            marked: 0,
            often: 0,
            unasked: 0,
            late_ms: Vec::new(),
            starts_ms: Vec::new(),
            lanes: 0,
            took_s: 0.0,
        }
    }

    pub fn judge(&mut self, trial: &Trial, pages: &[Page], deaths: &[Instant]) -> anyhow::Result<()> {
        self.trials += 1;
        self.accepted += u32::from(trial.accepted);
        let taken = pages.iter().find(|page| page.answered == Mood::Takes);
        match taken {
            Some(_) if !trial.accepted => self.unasked += 1,
            Some(page) if page.at <= trial.died_at => self.before += 1,
            Some(page) => {
                self.after += 1;
                self.late_ms.push(crate::ms(page.at - trial.died_at));
            }
            None => self.lost += u32::from(trial.accepted),
        }
        // What the receiver has refused, it wants again.
        let read: Vec<&Page> = pages.iter().filter(|page| page.answered != Mood::Refuses).collect();
        if read.len() > 1 {
            self.repeated += 1;
            let marked = read.iter().skip(1).all(|page| page.repeated);
            self.marked += u32::from(marked);
            let (first, last) = (read.first().map(|page| page.at), read.last().map(|page| page.at));
            let meanwhile = deaths.iter().filter(|death| first <= Some(**death) && Some(**death) <= last).count();
            let often = read.len() - 1 > meanwhile;
            self.often += u32::from(often);
            if (!marked || often) && self.peer.is_ours() {
                let words = |page: &Page| {
                    let after = page.at.saturating_duration_since(trial.died_at).as_millis();
                    format!("attempt {} repeated {} {:?} {after} ms after the death", page.attempt, page.repeated, page.answered)
                };
                let pages = pages.iter().map(words).collect::<Vec<_>>().join("; ");
                crate::report::say(&format!("more often than one death explains, or not marked: {pages}"))?;
            }
        }
        Ok(())
    }

    pub fn add(&mut self, other: Self) {
        self.trials += other.trials;
        self.accepted += other.accepted;
        self.before += other.before;
        self.after += other.after;
        self.lost += other.lost;
        self.repeated += other.repeated;
        self.marked += other.marked;
        self.often += other.often;
        self.unasked += other.unasked;
        self.late_ms.extend(other.late_ms);
        self.starts_ms.extend(other.starts_ms);
    }

    /// None lost; at most the one attempt that was on its way came again, and said so.
    pub fn holds(&self) -> bool {
        self.lost == 0 && self.marked == self.repeated && self.often == 0
    }

    fn line(&self) -> String {
        let late = match (middle(&self.late_ms), self.late_ms.iter().copied().fold(0.0, f64::max)) {
            (Some(middle), most) => format!("{} / {}", seconds(middle), seconds(most)),
            (None, _) => "—".to_owned(),
        };
        let accepted = if self.accepted == self.trials { String::new() } else { format!(" ({} accepted)", self.accepted) };
        let (lost, repeated) =
            (strong(self.lost), if self.repeated == self.marked { self.repeated.to_string() } else { strong(self.repeated) });
        format!(
            "| {} | {}{accepted} | {} | {} | {lost} | {repeated} | {} | {late} |",
            self.peer.words(),
            self.trials,
            self.before,
            self.after,
            self.marked
        )
    }
}

fn strong(count: u32) -> String {
    if count == 0 { "0".to_owned() } else { format!("**{count}**") }
}

fn seconds(ms: f64) -> String {
    if ms < 1_000.0 { format!("{ms:.0} ms") } else { format!("{:.1} s", ms / 1_000.0) }
}

fn middle(all: &[f64]) -> Option<f64> {
    let mut sorted = all.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}

const FILE: &str = "alerts-crash.json";

/// The newest tally of each.
pub fn read(dir: &Path) -> anyhow::Result<Vec<Tally>> {
    let file = dir.join(FILE);
    if !file.exists() {
        return Ok(Vec::new());
    }
    Ok(serde_json::from_slice(&std::fs::read(file)?)?)
}

pub fn keep(dir: &Path, tally: Tally) -> anyhow::Result<()> {
    crate::report::say(&format!(
        "{:?}: {} {:.0} s, often {}, unasked {}",
        tally.case,
        tally.line(),
        tally.took_s,
        tally.often,
        tally.unasked
    ))?;
    let mut all = read(dir)?;
    all.retain(|other| (other.case, other.peer) != (tally.case, tally.peer));
    all.push(tally);
    all.sort_by_key(|tally| (tally.case, tally.peer));
    Ok(std::fs::write(dir.join(FILE), serde_json::to_vec(&all)?)?)
}

const WORDS: &str = "\
One trial is one fresh alert, sent once, and the death of one process. The same script drives both: the same request to `…/api/v2/alerts`, the same
receiver, a restart on the same data. Alertmanager is Debian's, with `group_wait: 0s`, which is the best for it: by default it holds an alert in
memory for 30 s. On PostgreSQL there are two nodes; the one that took the alert dies and the other has to
page; the dead one comes back when the page has come, or after 2 s: what it had begun itself waits until its claim runs out (15 s). *Arrived*: the
receiver has read the page and answered 200. *Lost*: accepted with 2xx, and no page arrived, within 500 ms of the restart for Alertmanager, which has
nothing left to send by then, and within 90 s of the last trial for hikeshi. *Repeated*: the receiver had read the page already and got it again;
*marked*: the second one says that it is a repetition (`repeated` in the body, under the same `Idempotency-Key`). Other programs were running on
this machine meanwhile, so the times are not the best that there are.

";

/// Cases and what became of them.
pub fn chapter(dir: &Path) -> anyhow::Result<String> {
    let all = read(dir)?;
    Ok(format!("## What is left when processes die\n\n{WORDS}{}{}\n", verdict(&all)?, table(&all)?))
}

fn table(all: &[Tally]) -> anyhow::Result<String> {
    let mut out = String::new();
    let mut case = None;
    for tally in all {
        if case.replace(tally.case) != Some(tally.case) {
            writeln!(
                out,
                "\n### {}\n\n| | trials | arrived before the death | after | lost | repeated | of these marked | death to page, median / most |\n|---|---:|---:|---:|---:|---:|---:|---:|",
                tally.case.words()
            )?;
        }
        writeln!(out, "{}", tally.line())?;
    }
    Ok(out)
}

fn verdict(all: &[Tally]) -> anyhow::Result<String> {
    let sum = |ours: bool, of: fn(&Tally) -> u32| -> u32 { all.iter().filter(|tally| tally.peer.is_ours() == ours).map(of).sum() };
    let mut verdict = String::new();
    for (ours, who) in [(true, "hikeshi"), (false, "Alertmanager")] {
        let figures = [
            sum(ours, |tally| tally.accepted),
            sum(ours, |tally| tally.lost),
            sum(ours, |tally| tally.repeated),
            sum(ours, |tally| tally.marked),
        ];
        let [accepted, lost, repeated, marked] = figures;
        writeln!(
            verdict,
            "- {who}: of {accepted} alerts that were accepted, {lost} were lost; {repeated} pages came twice, of which {marked} said so."
        )?;
    }
    let (often, unasked) = (sum(true, |tally| tally.often), sum(true, |tally| tally.unasked));
    writeln!(
        verdict,
        "- hikeshi repeated {often} pages more often than processes died, and paged {unasked} times for an alert that the death cut off before its 2xx."
    )?;
    let mut starts = String::new();
    for peer in [Peer::Sqlite, Peer::Postgres, Peer::Alertmanager] {
        let took: Vec<f64> = all.iter().filter(|tally| tally.peer == peer).flat_map(|tally| tally.starts_ms.iter().copied()).collect();
        if let Some(middle) = middle(&took) {
            writeln!(starts, "- {}: {} starts, ready after {} in the median.", peer.words(), took.len(), seconds(middle))?;
        }
    }
    Ok(format!("{verdict}{starts}"))
}
