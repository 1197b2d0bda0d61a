//! `hikeshi-proxy`: the process, and a word to it from the same host.

#![expect(clippy::disallowed_methods, reason = "a process of its own, whose background work is its listeners")]

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Parser, Subcommand};
use hikeshi_proxy::change::Proxy;
use hikeshi_proxy::listen::{self, Listening};
use hikeshi_proxy::tls::Certificates;
use hikeshi_proxy::{control, take};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// In front of an application: switches versions without losing a request.
#[derive(Debug, Parser)]
#[command(name = "hikeshi-proxy", version)]
struct Asked {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Serve until SIGTERM, or until another one takes over.
    Run(Run),
    /// Say something to the one that serves on this host: `tell GET v1/state`, `tell POST v1/routes/shop/rollback`.
    Tell(Tell),
}

#[derive(Debug, clap::Args)]
struct Run {
    /// Plain HTTP; may be given more than once.
    #[arg(long, default_value = "127.0.0.1:8080")]
    http: Vec<SocketAddr>,
    /// HTTPS.
    #[arg(long)]
    https: Vec<SocketAddr>,
    /// A PEM file with a certificate, its chain and its key; may be given more than once.
    #[arg(long)]
    certificate: Vec<PathBuf>,
    /// On which it is told what to do.
    #[arg(long, default_value = "/run/hikeshi-proxy/control.sock")]
    control: PathBuf,
    /// Where it keeps what it was told.
    #[arg(long, default_value = "/var/lib/hikeshi-proxy/state.json")]
    state: PathBuf,
    /// Take the sockets of the one that serves now, which then ends when its connections have.
    #[arg(long)]
    take_over: bool,
    /// How long open connections may go on at the end, in milliseconds.
    #[arg(long, default_value_t = 30_000)]
    leave_ms: u64,
    #[arg(long, default_value_t = 20_000)]
    connections_max: usize,
    /// Threads; without it, one for each core.
    #[arg(long)]
    threads: Option<usize>,
}

#[derive(Debug, clap::Args)]
struct Tell {
    #[arg(long, default_value = "/run/hikeshi-proxy/control.sock")]
    control: PathBuf,
    method: String,
    path: String,
    /// JSON.
    body: Option<String>,
}

fn main() -> ExitCode {
    let asked = Asked::parse();
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into()))
        .with_writer(std::io::stderr)
        .init();
    let threads = match &asked.what {
        What::Run(run) => run.threads,
        What::Tell(_) => Some(1),
    };
    let mut builder = match threads {
        // Nobody to hand work to: no locks for it either.
        Some(0 | 1) => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    if let Some(threads @ 2..) = threads {
        builder.worker_threads(threads.min(256));
    }
    let ended = builder.enable_all().build().map_err(|error| error.to_string()).and_then(|runtime| {
        runtime.block_on(async {
            match asked.what {
                What::Run(run) => serve(run).await.map(|()| ExitCode::SUCCESS),
                What::Tell(tell) => say(tell).await,
            }
        })
    });
    ended.unwrap_or_else(|error| {
        tracing::error!("{error}");
        ExitCode::from(2)
    })
}

async fn serve(run: Run) -> Result<(), String> {
    let tls = match run.certificate.as_slice() {
        [] => None,
        files => Some(Certificates::read(files.to_vec()).map_err(|error| error.to_string())?),
    };
    let addresses: Vec<(SocketAddr, bool)> =
        run.http.iter().map(|address| (*address, false)).chain(run.https.iter().map(|address| (*address, true))).collect();
    if addresses.len() > take::SOCKETS_MAX {
        return Err(format!("{} addresses are more than {}", addresses.len(), take::SOCKETS_MAX));
    }
    let handed = if run.take_over { take::over(&run.control).map_err(|error| format!("taking over: {error}"))? } else { Vec::new() };
    let sockets = matched(handed, &addresses)?;
    let control =
        if run.take_over { waited(&run.control).await? } else { control::bind(&run.control).map_err(|error| at(&run.control, &error))? };
    // Only now: until a moment ago the one that leaves could be told something.
    let proxy = Proxy::restore(run.state.clone()).map_err(|error| error.to_string())?;
    let here = Listening::new(proxy, tls, run.connections_max.clamp(1, 1_000_000));
    let graceful = Arc::new(GracefulShutdown::new());
    let copies = sockets.iter().map(std::net::TcpListener::try_clone).collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
    let mut accepting = tokio::task::JoinSet::new();
    for (socket, (address, tls)) in sockets.into_iter().zip(&addresses) {
        let listener = TcpListener::from_std(socket).map_err(|error| error.to_string())?;
        tracing::info!(%address, tls, "listening");
        accepting.spawn(Arc::clone(&here).accept(listener, *tls, Arc::clone(&graceful)));
    }
    let telling = tokio::spawn(control::serve(control, Arc::clone(&here)));
    until_end(&run, copies).await?;
    here.leave();
    telling.abort();
    while accepting.join_next().await.is_some() {}
    leave(&here, graceful, Duration::from_millis(run.leave_ms)).await;
    Ok(())
}

fn at(path: &std::path::Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}

/// Those that were handed over, where the address is the same; new ones for the others.
fn matched(handed: Vec<std::net::TcpListener>, addresses: &[(SocketAddr, bool)]) -> Result<Vec<std::net::TcpListener>, String> {
    let mut handed: Vec<Option<std::net::TcpListener>> = handed.into_iter().map(Some).collect();
    let mut all = Vec::new();
    for (address, _) in addresses {
        let known = handed.iter_mut().find(|one| one.as_ref().and_then(|one| one.local_addr().ok()) == Some(*address));
        match known.and_then(Option::take) {
            Some(socket) => all.push(socket),
            None => all.push(listen::bind(*address).map_err(|error| format!("{address}: {error}"))?),
        }
    }
    Ok(all)
}

/// The one that leaves gives its control socket up when it has handed the others over.
async fn waited(path: &std::path::Path) -> Result<tokio::net::UnixListener, String> {
    let mut tries = 0;
    loop {
        match control::bind(path) {
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse && tries < 1_000 => {
                tries += 1;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            bound => return bound.map_err(|error| at(path, &error)),
        }
    }
}

/// SIGTERM, SIGINT, or another process that takes over.
async fn until_end(run: &Run, sockets: Vec<std::net::TcpListener>) -> Result<(), String> {
    let path = take::path(&run.control);
    drop(std::fs::remove_file(&path));
    let asked = std::os::unix::net::UnixListener::bind(&path).map_err(|error| at(&path, &error))?;
    let (given, taken) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || drop(given.send(take::give(&asked, &sockets))));
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| error.to_string())?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| error.to_string())?;
    tokio::select! {
        _term = terminate.recv() => tracing::info!("told to end"),
        _int = interrupt.recv() => tracing::info!("told to end"),
        given = taken => match given {
            Ok(Ok(())) => tracing::info!("another process has taken over"),
            Ok(Err(error)) => return Err(at(&path, &error)),
            Err(_) => return Err("handing over broke".to_owned()),
        },
    }
    Ok(())
}

async fn leave(here: &Listening, graceful: Arc<GracefulShutdown>, most: Duration) {
    // Those that ask once more are told to ask elsewhere; those that are idle are closed at the end only, since one may just be asking.
    let until = tokio::time::Instant::now() + most;
    while here.open() > 0 && tokio::time::Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    if let Ok(graceful) = Arc::try_unwrap(graceful) {
        drop(tokio::time::timeout(Duration::from_secs(5), graceful.shutdown()).await);
    }
    tracing::info!(connections = here.open(), "ended");
}

async fn say(tell: Tell) -> Result<ExitCode, String> {
    let stream = tokio::net::UnixStream::connect(&tell.control).await.map_err(|error| at(&tell.control, &error))?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(hyper_util::rt::TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    tokio::spawn(connection);
    let request = hyper::Request::builder()
        .method(tell.method.to_ascii_uppercase().as_str())
        .uri(format!("/{}", tell.path.trim_start_matches('/')))
        .header("host", "control")
        .body(http_body_util::Full::<hyper::body::Bytes>::from(tell.body.unwrap_or_default()))
        .map_err(|error| error.to_string())?;
    let answer = sender.send_request(request).await.map_err(|error| error.to_string())?;
    let good = answer.status().is_success();
    let body = http_body_util::BodyExt::collect(answer.into_body()).await.map_err(|error| error.to_string())?.to_bytes();
    let mut out = std::io::stdout();
    out.write_all(&body).and_then(|()| out.write_all(b"\n")).map_err(|error| error.to_string())?;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
