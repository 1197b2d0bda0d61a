//! Whether a target is well: asked before it gets traffic, and from then on for as long as it is known.
//!
//! A failure says all that a person needs to mend it: the status, where a redirection leads, the beginning of the answer, and a guess.

use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::join_all;
use http_body_util::{BodyExt as _, Limited};
use hyper::header::{HOST, LOCATION, USER_AGENT};
use hyper::{Request, StatusCode};
use serde::Serialize;
use tokio::net::TcpStream;

use crate::arm::{Arm, At};
use crate::ask::{RouteAsked, Target, ms};
use crate::body::Sent;

const BODY_MAX: usize = 4_096;
const SHOWN_MAX: usize = 200;
/// So many looks in a row must fail before a target that was well is passed over: one lost packet is no illness.
const FAILURES: u32 = 3;

/// One look.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Probe {
    /// Of TLS that is passed on nothing but the connection can be seen.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub connected: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// The beginning of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Why there is no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<&'static str>,
}

impl Probe {
    pub fn is_well(&self) -> bool {
        self.connected || self.status.is_some_and(|status| (200..300).contains(&status))
    }

    fn failed(error: String, hint: Option<&'static str>) -> Self {
        Self { connected: false, status: None, location: None, body: None, error: Some(error), hint }
    }
}

/// A version that did not become well in time, target by target.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Unwell {
    pub target: Target,
    pub probe: Probe,
}

/// Asks every target until each was well once.
pub async fn gate(arm: &Arm, asked: &RouteAsked) -> Result<(), Vec<Unwell>> {
    let until = tokio::time::Instant::now() + ms(asked.health.within_ms);
    let each = arm.at.iter().map(|at| async move {
        loop {
            let probe = probe(arm, at, asked).await;
            at.note(probe.clone());
            if probe.is_well() {
                return None;
            }
            let next = tokio::time::Instant::now() + ms(asked.health.every_ms);
            if next > until {
                return Some(Unwell { target: at.target.clone(), probe });
            }
            tokio::time::sleep_until(next).await;
        }
    });
    let unwell: Vec<Unwell> = join_all(each).await.into_iter().flatten().collect();
    if unwell.is_empty() { Ok(()) } else { Err(unwell) }
}

/// Looks at it for as long as somebody knows it.
pub fn watch(arm: &Arc<Arm>, asked: impl Fn() -> Arc<RouteAsked> + Send + 'static) {
    let weak = Arc::downgrade(arm);
    tokio::spawn(async move {
        let mut failures = vec![0_u32; weak.upgrade().map_or(0, |arm| arm.at.len())];
        loop {
            let asked = asked();
            tokio::time::sleep(ms(asked.health.every_ms)).await;
            if look(&weak, &asked, &mut failures).await.is_none() {
                return;
            }
        }
    });
}

async fn look(weak: &Weak<Arm>, asked: &RouteAsked, failures: &mut [u32]) -> Option<()> {
    let arm = weak.upgrade()?;
    let probes = join_all(arm.at.iter().map(|at| probe(&arm, at, asked))).await;
    for ((at, probe), failed) in arm.at.iter().zip(probes).zip(failures) {
        *failed = if probe.is_well() { 0 } else { failed.saturating_add(1) };
        if *failed == 0 || *failed >= FAILURES {
            if at.is_well() != probe.is_well() {
                tracing::warn!(version = %arm.asked.version, target = %at.target.0, well = probe.is_well(), ?probe, "a target changed");
            }
            at.note(probe);
        }
    }
    Some(())
}

async fn probe(arm: &Arm, at: &At, asked: &RouteAsked) -> Probe {
    let health = &asked.health;
    if asked.tls_passthrough {
        return connection(at.target.0, ms(health.timeout_ms)).await;
    }
    let host = health.host.as_ref().or(asked.hosts.first()).map_or_else(|| at.target.0.to_string(), ToString::to_string);
    let request = Request::get(format!("http://{}{}", at.target.0, health.path.as_str()))
        .header(HOST, host)
        .header(USER_AGENT, "hikeshi-proxy health")
        .body(Sent::new(None, 0));
    let request = match request {
        Ok(request) => request,
        Err(error) => return Probe::failed(error.to_string(), None),
    };
    let answered = tokio::time::timeout(ms(health.timeout_ms), async {
        let answer = arm.client.request(request).await.map_err(|error| unanswered(&error))?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, BODY_MAX).collect().await.map(|all| all.to_bytes()).unwrap_or_default();
        Ok::<_, Probe>((head, body))
    })
    .await;
    match answered {
        Err(_) => Probe::failed(
            format!("no answer within {} ms", health.timeout_ms),
            Some("the process hangs, or needs longer than `timeout_ms`"),
        ),
        Ok(Err(failed)) => failed,
        Ok(Ok((head, body))) => {
            let location = head.headers.get(LOCATION).map(|to| shown(&String::from_utf8_lossy(to.as_bytes())));
            let well = head.status.is_success();
            Probe {
                connected: false,
                status: Some(head.status.as_u16()),
                hint: if well { None } else { hint(head.status, location.as_deref(), health.path.as_str()) },
                location,
                body: (!well && !body.is_empty()).then(|| shown(&String::from_utf8_lossy(&body))),
                error: None,
            }
        }
    }
}

async fn connection(target: SocketAddr, within: Duration) -> Probe {
    match tokio::time::timeout(within, TcpStream::connect(target)).await {
        Ok(Ok(_)) => Probe { connected: true, status: None, location: None, body: None, error: None, hint: None },
        Ok(Err(error)) => Probe::failed(error.to_string(), refused(&error.to_string())),
        Err(_) => Probe::failed(format!("no connection within {} ms", within.as_millis()), None),
    }
}

fn refused(text: &str) -> Option<&'static str> {
    text.contains("refused").then_some(
        "nothing listens at this address: a wrong port, a process that has ended, or one that listens on 127.0.0.1 of its container only",
    )
}

fn unanswered(error: &hyper_util::client::legacy::Error) -> Probe {
    let mut all = error.to_string();
    let mut below = std::error::Error::source(error);
    while let Some(cause) = below {
        all = format!("{all}: {cause}");
        below = cause.source();
    }
    let hint = refused(&all);
    Probe::failed(shown(&all), hint)
}

fn hint(status: StatusCode, location: Option<&str>, path: &str) -> Option<&'static str> {
    if status.is_redirection() {
        return Some(if location.is_some_and(|to| to.starts_with("https://")) {
            "the application sends plain HTTP to HTTPS: let it leave its health path out, or trust X-Forwarded-Proto"
        } else if location.is_some_and(|to| to.trim_end_matches('/').ends_with(path.trim_end_matches('/'))) {
            "write the path as the application does, with or without the slash at its end"
        } else {
            "the health path leads elsewhere, often to a login: name a path that answers by itself"
        });
    }
    match status.as_u16() {
        400 | 421 => Some("the application may not know the host name: set `health.host`"),
        401 | 403 => Some("the health path wants credentials: name one that does not"),
        404 => Some("the application has no such path: set `health.path`"),
        500..=599 => Some("the application itself says that it is not well: its log says why"),
        _ => None,
    }
}

fn shown(text: &str) -> String {
    let plain: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(SHOWN_MAX).collect();
    plain.trim().to_owned()
}
