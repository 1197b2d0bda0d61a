//! A server with a long past: many incidents, a million entries. What does a page cost at the server?

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use hikeshi_domain::account;
use hikeshi_domain::command::Command;
use hikeshi_domain::ids::{Digest, IncidentId, PersonId};
use hikeshi_domain::people::Actor;
use hikeshi_engine::door::Door;
use hikeshi_store::Location;
use hikeshi_web::WebOptions;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::{Row, server, team};

/// Commands under way at once while filling.
const FILLING: usize = 512;
const REQUESTS: usize = 400;
const SESSION: &str = "bench-session-of-a-reader-with-a-long-past";
/// Requests of one page may take this long at the server in all but one of a hundred.
const P99_GOAL: Duration = Duration::from_millis(50);

pub fn measure(dir: &Path, incidents: u64, entries: u64, binary: &Path) -> anyhow::Result<Vec<Row>> {
    let location = Location::Sqlite(dir.join("pages.db"));
    fill(&location, dir, incidents, entries)?;
    let runtime = runtime()?;
    let mut rows = runtime.block_on(serve(location, dir))?;
    rows.extend(server::measure(binary, dir)?);
    Ok(rows)
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

/// Opens incidents and adds notes through the door until the ledger has so many entries. A ledger that is already there is used as it is.
pub fn fill(location: &Location, dir: &Path, incidents: u64, entries: u64) -> anyhow::Result<()> {
    let work = async {
        let engine = team::start(location.clone(), dir).await?;
        let door = engine.door();
        let began = Instant::now();
        let size = *door.tip().borrow();
        if size < entries {
            add(&door, incidents, |number| Ok((format!("open-{number}"), team::open_command(number)?))).await?;
            let notes = entries.saturating_sub(*door.tip().borrow());
            add(&door, notes, |number| Ok((format!("note-{number}"), team::note_command(IncidentId(number % incidents + 1))))).await?;
        }
        let size = *door.tip().borrow();
        engine.stop().await;
        ensure!(size >= entries, "the ledger has {size} of {entries} entries");
        anyhow::Ok((size, began.elapsed()))
    };
    let (size, took) = runtime()?.block_on(work)?;
    crate::report::say(&format!("{size} entries in {:.0} s", took.as_secs_f64()))
}

async fn add(door: &Door, count: u64, make: impl Fn(u64) -> anyhow::Result<(String, Command)>) -> anyhow::Result<()> {
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..count {
        if tasks.len() >= FILLING {
            tasks.join_next().await.context("a command")???;
        }
        let (what, command) = make(number)?;
        let (door, actor) = (door.clone(), team::actor()?);
        tasks.spawn(async move { team::submit(&door, team::request(&what, number), actor, command).await });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(())
}

async fn serve(location: Location, dir: &Path) -> anyhow::Result<Vec<Row>> {
    let engine = team::start(location, dir).await?;
    let door = engine.door();
    sign_in(&door).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let app = hikeshi_web::app(WebOptions::new(door, format!("http://localhost:{}", address.port()).parse()?));
    let mut tasks = tokio::task::JoinSet::new();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    tasks.spawn(async move {
        hikeshi_web::serve(listener, app, async {
            // A dropped sender stops as well.
            drop(stopped.await);
        })
        .await
    });
    let (mut rows, mut sizes) = (Vec::new(), Vec::new());
    for path in ["/", "/incidents", "/incidents/inc_4711", "/channel/incidents", "/ledger", "/api/v1/now"] {
        let mut took = Vec::with_capacity(REQUESTS);
        let mut bytes = 0;
        for _ in 0..REQUESTS {
            let began = Instant::now();
            bytes = get(address.port(), path).await?;
            took.push(began.elapsed());
        }
        took.sort();
        let p99 = crate::percentile(&took, 99).context("no request")?;
        let row = Row::new("Pages with a long past, at the server", path, crate::ms(p99), "ms p99").with_latency(took);
        rows.push(row.goal("p99 < 50 ms", p99 < P99_GOAL));
        if path.starts_with("/incidents/") {
            #[expect(clippy::cast_precision_loss, reason = "a size for people")]
            let kib = bytes as f64 / 1024.0;
            sizes.push(
                Row::new("Size on the wire", "first page of an incident, gzip, with headers", kib, "KiB").goal("< 30 KB", kib < 29.3),
            );
        }
    }
    drop(stop);
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    engine.stop().await;
    rows.extend(sizes);
    Ok(rows)
}

async fn sign_in(door: &Door) -> anyhow::Result<()> {
    let person = PersonId::new("tanaka")?;
    let link = Digest::of(b"bench-link");
    let give = |actor, command, name: &'static str| {
        let key = team::request(&format!("{name}-{:?}", Instant::now()).replace(' ', ""), 0);
        let door = door.clone();
        async move { team::submit(&door, key, actor, Command::Account(command)).await }
    };
    give(Actor::Startup, account::Command::Invite { person: person.clone(), secret: link, valid_min: 5 }, "invite").await?;
    let sign_in = account::Command::SignIn {
        person: person.clone(),
        proof: account::Proof::Link { secret: link },
        session: Digest::of(SESSION.as_bytes()),
        valid_min: 60,
    };
    give(Actor::person(person), sign_in, "sign-in").await?;
    Ok(())
}

/// One request on a connection of its own, gzip accepted, read to its end. Returns the bytes on the wire.
async fn get(port: u16, path: &str) -> anyhow::Result<usize> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    // The API takes tokens, the pages take the cookie; a page and its data are read by the same viewer here.
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nCookie: hikeshi_session={SESSION}\r\nAccept: text/html,application/json\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let status = answer.get(..12).unwrap_or_default();
    ensure!(status == b"HTTP/1.1 200", "{path} answered {:?}", String::from_utf8_lossy(answer.get(..200).unwrap_or(&answer)));
    Ok(answer.len())
}
