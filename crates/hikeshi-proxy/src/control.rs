//! The unix socket on which the proxy is told what to do: HTTP with JSON, so that `curl --unix-socket` is enough at 3 a.m.
//!
//! Whoever may open the socket may do everything: it lies in a folder of its own (0700).

use std::convert::Infallible;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::{UnixListener, UnixStream};

use crate::ask::{DeployAsked, DrainAsked, Flaw, HoldAsked, RouteAsked, RouteName, ShareAsked, StopAsked};
use crate::change::{Proxy, Refused};
use crate::listen::Listening;

const BODY_MAX: usize = 1024 * 1024;
const HEAD: Duration = Duration::from_secs(10);

/// Nobody else's socket is taken away: one that answers belongs to a process that lives.
pub fn bind(path: &Path) -> io::Result<UnixListener> {
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        return Err(io::Error::new(
            io::ErrorKind::AddrInUse,
            "another proxy answers there; end it, or let this one take over with --take-over",
        ));
    }
    match std::fs::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

pub async fn serve(listener: UnixListener, here: Arc<Listening>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(connection(stream, Arc::clone(&here)));
            }
            Err(error) => {
                tracing::warn!(%error, "the control socket");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn connection(stream: UnixStream, here: Arc<Listening>) {
    let service = service_fn(move |request| {
        let here = Arc::clone(&here);
        // On its own: whoever asked may go away, and a change that was begun is finished all the same.
        async move {
            let done = tokio::spawn(async move { answer(&here, request).await });
            Ok::<_, Infallible>(
                done.await
                    .unwrap_or_else(|_| said(StatusCode::INTERNAL_SERVER_ERROR, &Error { error: "a fault in the program".to_owned() })),
            )
        }
    });
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD);
    if let Err(error) = builder.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "the control socket");
    }
}

#[derive(Serialize)]
struct Error {
    error: String,
}

#[derive(Serialize)]
struct Shown<'a> {
    version: &'a str,
    process: u32,
    connections: usize,
    routes: Vec<crate::route::RouteShown>,
}

type Said = Response<Full<Bytes>>;

async fn answer(here: &Listening, request: Request<Incoming>) -> Said {
    let (head, body) = request.into_parts();
    let bytes = match Limited::new(body, BODY_MAX).collect().await {
        Ok(all) => all.to_bytes(),
        Err(error) => return said(StatusCode::BAD_REQUEST, &Error { error: format!("the body could not be read: {error}") }),
    };
    match dispatch(here, &head.method, head.uri.path(), &bytes).await {
        Ok(answer) => answer,
        Err(refused) => refusal(&refused),
    }
}

async fn dispatch(here: &Listening, method: &Method, path: &str, bytes: &[u8]) -> Result<Said, Refused> {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match (method, parts.as_slice()) {
        (&Method::GET, ["v1", "state"]) => Ok(said(StatusCode::OK, &state(here))),
        (&Method::GET, ["metrics"]) => Ok(metrics(here)),
        (&Method::POST, ["v1", "certificates"]) => Ok(reload(here)),
        (&Method::GET, ["v1", "routes", name]) => Ok(said(StatusCode::OK, &here.proxy.route(&named(name)?)?.shown())),
        (&Method::PUT, ["v1", "routes", name]) => made(here.proxy.put(named(name)?, read::<RouteAsked>(bytes)?)?),
        (&Method::DELETE, ["v1", "routes", name]) => made(here.proxy.remove(&named(name)?, read::<DrainAsked>(bytes)?.drain).await?),
        (&Method::POST, ["v1", "routes", name, what]) => change(&here.proxy, &named(name)?, what, bytes).await,
        _ => Ok(said(StatusCode::NOT_FOUND, &Error { error: format!("nothing is called {method} {path}") })),
    }
}

async fn change(proxy: &Proxy, name: &RouteName, what: &str, bytes: &[u8]) -> Result<Said, Refused> {
    match what {
        "deploy" => made(proxy.deploy(name, read::<DeployAsked>(bytes)?).await?),
        "share" => made(proxy.share(name, read::<ShareAsked>(bytes)?.percent)?),
        "promote" => made(proxy.promote(name, read::<DrainAsked>(bytes)?.drain).await?),
        "rollback" => made(proxy.rollback(name, read::<DrainAsked>(bytes)?.drain).await?),
        "hold" => made(proxy.hold(name, read::<HoldAsked>(bytes)?)?),
        "stop" => made(proxy.stop(name, read::<StopAsked>(bytes)?)?),
        "resume" => made(proxy.resume(name)?),
        other => Ok(said(
            StatusCode::NOT_FOUND,
            &Error { error: format!("nothing is called {other}; there are deploy, share, promote, rollback, hold, stop, resume") },
        )),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the form of all the others")]
fn made(done: crate::change::Done) -> Result<Said, Refused> {
    Ok(said(StatusCode::OK, &done))
}

fn named(name: &str) -> Result<RouteName, Flaw> {
    RouteName::try_from(name.to_owned())
}

/// An empty body is one with nothing in it.
fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Flaw> {
    let bytes = if bytes.is_empty() { b"{}" } else { bytes };
    serde_json::from_slice(bytes).map_err(|error| Flaw { what: "body", why: error.to_string() })
}

fn state(here: &Listening) -> Shown<'static> {
    Shown {
        version: env!("CARGO_PKG_VERSION"),
        process: std::process::id(),
        connections: here.open(),
        routes: here.proxy.table.all().iter().map(|route| route.shown()).collect(),
    }
}

fn metrics(here: &Listening) -> Said {
    let mut text = format!("hikeshi_proxy_connections {}\n", here.open());
    for route in here.proxy.table.all() {
        text.push_str(&format!("hikeshi_proxy_held{{route=\"{}\"}} {}\n", route.name, route.held()));
        for (word, tenure) in route.live().tenures() {
            let labels = format!("route=\"{}\",version=\"{}\",arm=\"{word}\"", route.name, tenure.arm.asked.version);
            tenure.arm.counts.read().metrics(&labels, &mut text);
        }
    }
    let mut answer = Response::new(Full::from(text));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4"));
    answer
}

fn reload(here: &Listening) -> Said {
    #[derive(Serialize)]
    struct Reloaded {
        certificates: usize,
    }
    match here.tls.as_ref().map_or(Ok(0), crate::tls::Certificates::reload) {
        Ok(certificates) => said(StatusCode::OK, &Reloaded { certificates }),
        Err(error) => said(StatusCode::UNPROCESSABLE_ENTITY, &Error { error: format!("{error}. Those that are there stay") }),
    }
}

fn refusal(refused: &Refused) -> Said {
    #[derive(Serialize)]
    struct Why<'a> {
        error: String,
        #[serde(flatten)]
        refused: &'a Refused,
    }
    let status = match refused {
        Refused::Flaw { .. } => StatusCode::BAD_REQUEST,
        Refused::NoRoute { .. } => StatusCode::NOT_FOUND,
        Refused::Busy | Refused::Nothing { .. } | Refused::Overtaken { .. } => StatusCode::CONFLICT,
        Refused::Unwell { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        Refused::Unwritten { .. } => StatusCode::INSUFFICIENT_STORAGE,
    };
    said(status, &Why { error: refused.to_string(), refused })
}

fn said(status: StatusCode, what: &impl Serialize) -> Said {
    let (status, text) = match serde_json::to_vec(what) {
        Ok(text) => (status, text),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string().into_bytes()),
    };
    let mut answer = Response::new(Full::from(text));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}
