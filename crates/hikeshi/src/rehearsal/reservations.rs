//! The small reservation service of the rehearsal: a process of its own that reads its configuration at every request, so that a bad one
//! breaks it and a repaired one heals it. Loopback only. It ends when its standard input closes, that is, with whoever started it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use serde::Deserialize;

const CONNECTIONS_MAX: u32 = 64;
const LINE_BYTES_MAX: u64 = 8 * 1024;
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug, Args)]
pub struct ServiceArgs {
    /// Directory with `config/service.toml` and `data/`.
    #[arg(long)]
    pub dir: PathBuf,
    #[arg(long)]
    pub port: u16,
}

#[derive(Debug, Deserialize)]
struct Settings {
    rooms_file: String,
    rates_file: String,
}

/// Serves until standard input closes.
pub fn serve(args: &ServiceArgs) -> anyhow::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, args.port)).with_context(|| format!("127.0.0.1:{}", args.port))?;
    let port = listener.local_addr()?.port();
    crate::show::line(&port.to_string());
    std::thread::spawn(end_with_starter);
    let busy = Arc::new(AtomicU32::new(0));
    let dir: Arc<Path> = Arc::from(args.dir.as_path());
    for stream in listener.incoming().flatten() {
        if busy.load(Ordering::Relaxed) >= CONNECTIONS_MAX {
            drop(stream);
            continue;
        }
        busy.fetch_add(1, Ordering::Relaxed);
        let (busy, dir) = (Arc::clone(&busy), Arc::clone(&dir));
        std::thread::spawn(move || {
            if let Err(error) = answer(stream, &dir) {
                tracing::debug!("a visit was not answered: {error:#}");
            }
            busy.fetch_sub(1, Ordering::Relaxed);
        });
    }
    Ok(())
}

/// Whatever comes of reading, the starter is gone when it returns.
#[expect(clippy::exit, reason = "the accepting thread cannot be woken, and nothing is left to be saved")]
fn end_with_starter() {
    let ended = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
    tracing::debug!("standard input ended: {ended:?}");
    std::process::exit(0);
}

fn answer(mut stream: TcpStream, dir: &Path) -> anyhow::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut request = String::new();
    BufReader::new((&stream).take(LINE_BYTES_MAX)).read_line(&mut request)?;
    let path = request.split(' ').nth(1).unwrap_or("/").to_owned();
    let (status, body) = match path.as_str() {
        "/" => reserve(dir),
        "/rates" => rates(dir),
        "/health" => ("200 OK", "ok\n".to_owned()),
        _ => ("404 Not Found", "no such page\n".to_owned()),
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )?;
    stream.flush()?;
    Ok(())
}

/// The main function: a reservation needs the list of rooms.
fn reserve(dir: &Path) -> (&'static str, String) {
    match lines_of(dir, |settings| settings.rooms_file) {
        Ok(rooms) => ("200 OK", format!("予約を受け付けました（空室 {} 室）\n", rooms.saturating_sub(1))),
        Err(error) => ("500 Internal Server Error", format!("予約を受け付けられません: {error:#}\n")),
    }
}

/// Another function, which the failure does not touch.
fn rates(dir: &Path) -> (&'static str, String) {
    match lines_of(dir, |settings| settings.rates_file) {
        Ok(rates) => ("200 OK", format!("料金表 {} 件\n", rates.saturating_sub(1))),
        Err(error) => ("500 Internal Server Error", format!("料金表を表示できません: {error:#}\n")),
    }
}

fn lines_of(dir: &Path, which: impl Fn(Settings) -> String) -> anyhow::Result<usize> {
    let text = std::fs::read_to_string(dir.join("config/service.toml")).context("config/service.toml")?;
    let settings: Settings = toml::from_str(&text).context("config/service.toml")?;
    let file = which(settings);
    let data = std::fs::read_to_string(dir.join(&file)).context(file)?;
    Ok(data.lines().count())
}
