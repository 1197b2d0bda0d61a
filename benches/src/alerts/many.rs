//! A server with very many alerts that are still open, and pages that come later because nobody has answered.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use hikeshi_domain::command::Command;
use hikeshi_domain::ids::IncidentId;
use hikeshi_domain::incident;

use super::peer::{self, Node, Peer, Setup};
use super::receiver::Receiver;
use super::sender::{Id, Sender, To, body, body_of};
use super::speed::spread;
use crate::{Row, ms};

/// Alerts of one incident, from as many machines.
const EACH: u64 = 100;
/// Incidents of one request.
const TOGETHER: u64 = 10;
const ACKNOWLEDGED: u64 = 300;
const PATIENCE: Duration = Duration::from_secs(120);
/// After the load, before the memory is read.
const REST: Duration = Duration::from_secs(3);

const ESCALATED: u64 = 20;
const AFTER: Duration = Duration::from_secs(60);
/// The process dies so long before the time.
const DEATH_BEFORE: Duration = Duration::from_secs(2);
const TWO_STEPS: &str = r#"
[people.ito]
name = "伊藤 健"
roles = ["operator"]
webhook = { url = "http://127.0.0.1:{receiver}/ito" }
[incident]
serious_at_once = []
escalation = [{ after_min = 0, people = ["tanaka"] }, { after_min = 1, people = ["ito"] }]
"#;

/// Megabytes, as goals are said, in MiB, as memory is.
pub fn mib(megabytes: f64) -> f64 {
    megabytes * 1e6 / 1_048_576.0
}

pub fn measure(dir: &Path, binary: &Path, open: u64) -> anyhow::Result<Vec<Row>> {
    let place = dir.join(format!("speed-open-{}", std::process::id()));
    let mut rows = crowded(&place, binary, open)?;
    std::fs::remove_dir_all(&place)?;
    let late = |name: &str, dies: bool| -> anyhow::Result<Row> {
        let place = dir.join(format!("speed-step-{dies}-{}", std::process::id()));
        let row = escalation(&place, binary, name, dies)?;
        std::fs::remove_dir_all(&place)?;
        Ok(row)
    };
    // Both wait for a minute.
    let (calm, killed) = std::thread::scope(|scope| {
        let calm = scope.spawn(|| late("hikeshi", false));
        let killed = late("hikeshi, `kill -9` 2 s before the time and started again", true);
        (calm.join().unwrap_or_else(|_| Err(anyhow::anyhow!("waiting broke"))), killed)
    });
    rows.extend([calm?, killed?]);
    Ok(rows)
}

fn crowded(place: &Path, binary: &Path, open: u64) -> anyhow::Result<Vec<Row>> {
    let receiver = Receiver::start()?;
    let setup = Setup {
        peer: Peer::Sqlite,
        program: binary,
        dir: place,
        database: None,
        receiver: receiver.port,
        more: peer::ONE_STEP,
        signs_in: true,
    };
    let mut node = Node::new(&setup, "a")?;
    node.start()?;
    let token = signed_in(&node)?;
    let incidents = open / EACH;
    let began = Instant::now();
    let mut sender = Sender::connect(&node.to())?;
    for first in (0..incidents).step_by(usize::try_from(TOGETHER)?) {
        let groups = first..(first + TOGETHER).min(incidents);
        sender.post(&body_of(groups.flat_map(|id| (0..EACH).map(move |machine| (id, machine))))?)?;
    }
    let filled = began.elapsed();
    ensure!(receiver.wait_for(usize::try_from(incidents)?, PATIENCE), "not every incident was paged for");
    std::thread::sleep(REST);
    let before = crate::server::resident(node.pid()?)?;
    let mut person = Sender::connect(&To { port: node.port(), path: "/api/v1/commands".to_owned(), token: Some(token) })?;
    let mut took = Vec::new();
    for number in 0..ACKNOWLEDGED {
        let incident = IncidentId(number * incidents / ACKNOWLEDGED + 1);
        let command = serde_json::to_string(&Command::Incident(incident::Command::Acknowledge { incident }))?;
        let asked = Instant::now();
        person.command(&format!("bench-ack-{number}"), &command)?;
        took.push(asked.elapsed());
    }
    let after = crate::server::resident(node.pid()?)?;
    // A restart is part of a long night.
    node.kill()?;
    let start = ms(node.start()?);
    let group = format!("hikeshi with {open} open alerts in {incidents} incidents");
    let ack = spread(&group, "acknowledge an incident, POST → 2xx, durable", &took);
    let met = ack.p99_ms.is_some_and(|p99| p99 < 100.0);
    let most = before.max(after);
    Ok(vec![
        ack.goal("p99 < 100 ms", met),
        Row::new(&group, "resident", most, "MiB").goal("< 300 MB", most < mib(300.0)),
        Row::new(&group, "alerts taken, one connection, 1,000 in a request", per_second(open, filled), "/s"),
        Row::new(&group, "start after `kill -9`", start, "ms"),
    ])
}

fn per_second(count: u64, took: Duration) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / took.as_secs_f64()
}

/// The administrator's token, by the link of the first start.
fn signed_in(node: &Node) -> anyhow::Result<String> {
    let link = node.first_link()?;
    let done = node.command(&["login", "--link", &link, "--save-to", "token"]).output()?;
    ensure!(done.status.success(), "cannot sign in: {}", String::from_utf8_lossy(&done.stderr));
    Ok(std::fs::read_to_string(node.path("token"))?.trim().to_owned())
}

/// How late the second step's page is at most, of many incidents at once.
fn escalation(place: &Path, binary: &Path, name: &str, dies: bool) -> anyhow::Result<Row> {
    let receiver = Receiver::start()?;
    let more = TWO_STEPS.replace("{receiver}", &receiver.port.to_string());
    let setup =
        Setup { peer: Peer::Sqlite, program: binary, dir: place, database: None, receiver: receiver.port, more: &more, signs_in: false };
    let mut node = Node::new(&setup, "a")?;
    node.start()?;
    let mut sender = Sender::connect(&node.to())?;
    let mut sent = Vec::new();
    for id in 0..ESCALATED {
        let began = Instant::now();
        sender.post(&body([id])?)?;
        sent.push((id, began));
    }
    if dies {
        let first = sent.first().map_or_else(Instant::now, |(_, at)| *at);
        std::thread::sleep((first + AFTER - DEATH_BEFORE).saturating_duration_since(Instant::now()));
        node.kill()?;
        node.start()?;
    }
    ensure!(receiver.wait_for(2 * sent.len(), PATIENCE), "not everybody was called: {}", receiver.taken());
    let mut late = Vec::new();
    for (id, began) in sent {
        let second = second(&receiver, id)?;
        ensure!(second >= began + AFTER, "called before the time");
        late.push(second - began - AFTER);
    }
    let most = late.iter().max().copied().map_or(f64::NAN, ms);
    let group = "Escalation: the page of a step one minute later, 20 incidents at once, how late at most";
    Ok(Row::new(group, name, most, "ms").with_latency(late).goal("≤ 1 s", most <= 1_000.0))
}

fn second(receiver: &Receiver, id: Id) -> anyhow::Result<Instant> {
    let pages = receiver.pages(id);
    ensure!(pages.len() == 2, "{} pages for two steps", pages.len());
    Ok(pages.get(1).context("a second page")?.at)
}
