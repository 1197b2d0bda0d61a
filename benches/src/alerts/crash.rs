//! An alert that was accepted is a page that arrives, whatever dies: one fresh alert and one death of a process for each trial, the same for
//! hikeshi and for Alertmanager.
//!
//! Several lanes work side by side, each with processes, data and a receiver of its own. A lane keeps its data from trial to trial.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::ensure;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::peer::{self, Node, Peer, Setup};
use super::receiver::{Mood, Receiver};
use super::sender::{Id, Sender, To, body};
use super::tally::{self, Tally, Trial};
use crate::sweep::{roll, schema};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Case {
    /// `kill -9` as soon as the 2xx is read.
    AtOnce,
    /// `kill -9` 5 ms after it.
    Soon,
    /// The receiver answers 503 until the death, 100 ms after the 2xx, and is well again afterwards.
    Refused,
    /// SIGTERM as soon as the 2xx is read.
    Stopped,
    /// The page has arrived; `kill -9` 50 ms later; then the source sends the same alert again.
    Again,
    /// `kill -9` at a random moment of the 30 ms after the request was sent.
    Random,
    /// The receiver has read the page and says nothing; `kill -9`.
    InFlight,
}

impl Case {
    pub fn words(self) -> &'static str {
        match self {
            Self::AtOnce => "`kill -9` as soon as the 2xx is read",
            Self::Soon => "`kill -9` 5 ms after the 2xx",
            Self::Refused => "the receiver answers 503; `kill -9` 100 ms after the 2xx; then it is well",
            Self::Stopped => "SIGTERM as soon as the 2xx is read",
            Self::Again => "the page has arrived; `kill -9` 50 ms later; the source sends the same again",
            Self::Random => "`kill -9` at a random moment within 30 ms of sending",
            Self::InFlight => "the receiver has read the page and is silent; `kill -9`",
        }
    }
}

#[derive(Debug, clap::Args)]
pub struct Asked {
    /// The release binary.
    #[arg(long)]
    binary: PathBuf,
    /// `postgres://` URL of a server with fsync on.
    #[arg(long)]
    postgres: Option<String>,
    #[arg(long)]
    alertmanager: Option<PathBuf>,
    #[arg(long, default_value_t = 1_000)]
    trials: u32,
    #[arg(long, default_value_t = 4)]
    lanes: u32,
    /// Of two nodes each; most of their time they wait for a dead node's claim to run out.
    #[arg(long, default_value_t = 16)]
    lanes_postgres: u32,
    /// Most of their time they wait for a page that does not come.
    #[arg(long, default_value_t = 12)]
    lanes_alertmanager: u32,
    /// For one case of one of them; what was not done by then is said.
    #[arg(long, default_value_t = 4.0)]
    minutes: f64,
    /// All of them without.
    #[arg(long)]
    case: Vec<Case>,
    #[arg(long)]
    peer: Vec<Peer>,
    #[arg(long, default_value_t = 20_261_123)]
    seed: u64,
}

/// How long a page is waited for before the next trial begins.
fn patience(peer: Peer) -> Duration {
    match peer {
        Peer::Sqlite => Duration::from_secs(30),
        // What the dead node had begun waits until its claim runs out after 15 s; it is started again meanwhile.
        Peer::Postgres => Duration::from_secs(2),
        // It keeps no alert on the disk: what it does not send at once after the start, it never sends.
        Peer::Alertmanager => Duration::from_millis(500),
    }
}

/// At the end of a lane, before a page counts as lost: an attempt that was refused is made again after a minute.
const LATE: Duration = Duration::from_secs(90);
/// And for what comes too often.
const STRAGGLERS: Duration = Duration::from_secs(2);
/// For a page that has no reason to be late.
const PROMPT: Duration = Duration::from_secs(30);
/// That a page was taken is recorded meanwhile, so that the next death is not its death, too.
const RECORDED: Duration = Duration::from_millis(50);
/// The other node may be calling at that very moment.
const DRAINED: Duration = Duration::from_secs(2);

/// At any moment from the request to well after the answer: two nodes on one database answer later than one on a file.
fn killed_within_micros(peer: Peer) -> (u64, u64) {
    match peer {
        Peer::Sqlite | Peer::Alertmanager => (0, 30_000),
        Peer::Postgres => (0, 200_000),
    }
}

pub fn measure(dir: &Path, asked: &Asked) -> anyhow::Result<()> {
    let binary = asked.binary.canonicalize()?;
    let all = |given: &[Case]| if given.is_empty() { Case::value_variants().to_vec() } else { given.to_vec() };
    let peers = if asked.peer.is_empty() { Peer::value_variants().to_vec() } else { asked.peer.clone() };
    let mut broken = false;
    for case in all(&asked.case) {
        for peer in &peers {
            let (program, database) = match (peer, &asked.postgres, &asked.alertmanager) {
                (Peer::Sqlite, ..) => (&binary, None),
                (Peer::Postgres, Some(url), _) => (&binary, Some(url.as_str())),
                (Peer::Alertmanager, _, Some(path)) => (path, None),
                (Peer::Postgres, None, _) | (Peer::Alertmanager, _, None) => continue,
            };
            let tally = lanes(dir, asked, Way { peer: *peer, case, program, database })?;
            broken |= peer.is_ours() && !tally.holds();
            tally::keep(dir, tally)?;
        }
    }
    ensure!(!broken, "a promise was broken");
    Ok(())
}

/// Who dies, and how.
#[derive(Clone, Copy)]
struct Way<'a> {
    peer: Peer,
    case: Case,
    program: &'a Path,
    database: Option<&'a str>,
}

fn lanes(dir: &Path, asked: &Asked, way: Way<'_>) -> anyhow::Result<Tally> {
    let began = Instant::now();
    let count = match way.peer {
        Peer::Sqlite => asked.lanes,
        Peer::Postgres => asked.lanes_postgres,
        Peer::Alertmanager => asked.lanes_alertmanager,
    }
    .clamp(1, asked.trials.max(1));
    let each = asked.trials.div_ceil(count);
    let until = began + Duration::from_secs_f64(asked.minutes * 60.0);
    let run = |number: u32| -> anyhow::Result<Tally> {
        let place = dir.join(format!("crash-{:?}-{:?}-{}-{number}", way.peer, way.case, std::process::id()).to_lowercase());
        let mut lane = Lane::new(way, &place, number, asked.seed)?;
        let done = lane.run(each, until);
        drop(lane);
        // What its processes have said is left where it broke.
        if done.is_ok() {
            std::fs::remove_dir_all(&place)?;
        }
        done
    };
    let done: Vec<anyhow::Result<Tally>> = std::thread::scope(|scope| {
        let started: Vec<_> = (0..count).map(|number| scope.spawn(move || run(number))).collect();
        let joined = started.into_iter().map(|lane| lane.join().unwrap_or_else(|_| Err(anyhow::anyhow!("a lane broke"))));
        joined.collect()
    });
    let mut tally = Tally::new(way.peer, way.case);
    for lane in done {
        tally.add(lane?);
    }
    tally.lanes = count;
    tally.took_s = began.elapsed().as_secs_f64();
    Ok(tally)
}

struct Lane<'a> {
    way: Way<'a>,
    number: u32,
    dice: u64,
    nodes: Vec<Node>,
    receiver: Receiver,
    /// Start to ready, in milliseconds.
    starts: Vec<f64>,
}

impl<'a> Lane<'a> {
    fn new(way: Way<'a>, place: &Path, number: u32, seed: u64) -> anyhow::Result<Self> {
        let receiver = Receiver::start()?;
        let name = format!("crash_{:?}_{}_{number}", way.case, std::process::id()).to_lowercase();
        let database = way.database.map(|url| schema(url, &name)).transpose()?;
        let setup = Setup {
            peer: way.peer,
            program: way.program,
            dir: place,
            database: database.as_deref(),
            receiver: receiver.port,
            more: peer::ONE_STEP,
            signs_in: false,
        };
        let names: &[&str] = if way.peer == Peer::Postgres { &["a", "b"] } else { &["a"] };
        let mut nodes = names.iter().map(|name| Node::new(&setup, name)).collect::<anyhow::Result<Vec<_>>>()?;
        for node in &mut nodes {
            node.start()?;
        }
        let dice = (seed ^ (u64::from(number) << 20)).max(1);
        Ok(Self { way, number, dice, nodes, receiver, starts: Vec::new() })
    }

    fn run(&mut self, trials: u32, until: Instant) -> anyhow::Result<Tally> {
        let mut done: Vec<Trial> = Vec::new();
        for number in 0..trials {
            if Instant::now() >= until {
                break;
            }
            let id = Id::from(self.number) * 1_000_000 + Id::from(number);
            done.push(self.trial(id, number)?);
        }
        let end = Instant::now() + LATE;
        for trial in done.iter().filter(|trial| trial.accepted && self.way.peer.is_ours()) {
            self.receiver.wait(trial.id, true, end.saturating_duration_since(Instant::now()));
        }
        std::thread::sleep(STRAGGLERS);
        let mut tally = Tally::new(self.way.peer, self.way.case);
        let deaths: Vec<Instant> = done.iter().map(|trial| trial.died_at).collect();
        for trial in &done {
            tally.judge(trial, &self.receiver.pages(trial.id), &deaths)?;
        }
        tally.starts_ms.append(&mut self.starts);
        Ok(tally)
    }

    /// One death. With two nodes, the other one is left to see to it first.
    fn trial(&mut self, id: Id, number: u32) -> anyhow::Result<Trial> {
        let many = self.nodes.len();
        let (mortal, other) = (number as usize % many, (number as usize + 1) % many);
        let alert = body([id])?;
        let case = self.way.case;
        let micros = roll(&mut self.dice, killed_within_micros(self.way.peer));
        let Some(node) = self.nodes.get_mut(mortal) else { anyhow::bail!("no node") };
        let (accepted, died_at) = die(case, node, &self.receiver, id, &alert, Duration::from_micros(micros))?;
        self.receiver.is(id, Mood::Takes);
        if many == 1 {
            self.start(mortal)?;
        }
        if case == Case::Again {
            let to = self.nodes.get(other).map(Node::to);
            repost(to, &alert)?;
            std::thread::sleep(Duration::from_millis(100));
        }
        // An attempt that was refused has its time; what was not accepted may come or not.
        if accepted && case != Case::Refused {
            self.receiver.wait(id, true, patience(self.way.peer));
            std::thread::sleep(RECORDED);
        } else if self.way.peer == Peer::Alertmanager {
            std::thread::sleep(patience(self.way.peer));
        }
        if many > 1 {
            self.start(mortal)?;
        }
        Ok(Trial { id, accepted, died_at })
    }

    fn start(&mut self, which: usize) -> anyhow::Result<()> {
        let Some(node) = self.nodes.get_mut(which) else { return Ok(()) };
        let took = node.start()?;
        self.starts.push(crate::ms(took));
        Ok(())
    }
}

fn repost(to: Option<To>, alert: &str) -> anyhow::Result<()> {
    let Some(to) = to else { return Ok(()) };
    Sender::connect(&to)?.post(alert)
}

/// Sends, and lets the process die. Whether it had accepted, and when it died.
fn die(case: Case, node: &mut Node, receiver: &Receiver, id: Id, alert: &str, after: Duration) -> anyhow::Result<(bool, Instant)> {
    match case {
        Case::Refused => receiver.is(id, Mood::Refuses),
        Case::InFlight => receiver.is(id, Mood::Hangs),
        Case::AtOnce | Case::Soon | Case::Stopped | Case::Again | Case::Random => {}
    }
    let mut sender = Sender::connect(&node.to())?;
    sender.send(alert)?;
    if case == Case::Random {
        // Whatever was written before the death can still be read after it.
        std::thread::sleep(after);
        node.kill()?;
        receiver.drained(DRAINED)?;
        return Ok((sender.answer().unwrap_or(false), Instant::now()));
    }
    let accepted = sender.answer().unwrap_or(false);
    match case {
        Case::AtOnce | Case::Stopped | Case::Random => {}
        Case::Soon => std::thread::sleep(Duration::from_millis(5)),
        Case::Refused => std::thread::sleep(Duration::from_millis(100)),
        Case::Again => {
            receiver.wait(id, true, PROMPT);
            std::thread::sleep(Duration::from_millis(50));
        }
        Case::InFlight => drop(receiver.wait(id, false, PROMPT)),
    }
    if case == Case::Stopped {
        node.stop()?;
    } else {
        node.kill()?;
    }
    receiver.drained(DRAINED)?;
    Ok((accepted, Instant::now()))
}
