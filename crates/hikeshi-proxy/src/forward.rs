//! One request on its way to a target and its answer back.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use hyper::body::{Body as _, Incoming};
use hyper::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, HeaderValue, SET_COOKIE, UPGRADE};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode, Uri, Version};
use tokio::time::Instant;

use crate::arm::{Arm, Flight, Tenure};
use crate::ask::{Limits, ms};
use crate::body::{Answer, Sent};
use crate::counts::Trouble;
use crate::headers;
use crate::page::Made;
use crate::route::Entered;
use crate::table::Table;
use crate::upgrade;

/// Where a request came from.
#[derive(Debug, Clone, Copy)]
pub struct From {
    pub peer: IpAddr,
    pub tls: bool,
}

pub async fn forward(table: &Table, from: From, request: Request<Incoming>) -> Response<Answer> {
    let Some((written, name)) = headers::host(request.uri(), request.headers()) else {
        return Made::BadHost.answer(request.headers(), None);
    };
    // Nobody opens a tunnel through here.
    if request.method() == Method::CONNECT {
        return Made::BadMethod.answer(request.headers(), None);
    }
    let Some(route) = table.find(&name, request.uri().path()) else {
        return Made::NoRoute.answer(request.headers(), None);
    };
    match route.enter(request.headers(), from.tls).await {
        Entered::Goes { flight, cookie } => {
            let limits = &route.asked().limits;
            let mut answer = Going { from, limits, host: &written }.go(flight, request).await;
            if let Some(cookie) = cookie {
                answer.headers_mut().append(SET_COOKIE, cookie);
            }
            answer
        }
        Entered::Stopped { message } => Made::Stopped.answer(request.headers(), message.as_deref()),
        Entered::Crowded => Made::Crowded.answer(request.headers(), None),
        Entered::WaitedTooLong => Made::WaitedTooLong.answer(request.headers(), None),
        Entered::Empty => Made::Empty.answer(request.headers(), None),
    }
}

struct Going<'a> {
    from: From,
    limits: &'a Limits,
    host: &'a str,
}

/// Counts a request whose asker goes away before there is an answer.
struct Left<'a> {
    arm: &'a Arm,
    answered: bool,
}

impl Drop for Left<'_> {
    fn drop(&mut self) {
        if !self.answered {
            self.arm.counts.left();
        }
    }
}

enum Failed {
    Trouble(Trouble),
    TooLong,
    /// Whoever asks stopped in the middle of the body.
    Left,
}

impl Going<'_> {
    async fn go(&self, flight: Flight, mut request: Request<Incoming>) -> Response<Answer> {
        let tenure = Arc::clone(flight.tenure());
        let arm = &*tenure.arm;
        let mut left = Left { arm, answered: false };
        let began = Instant::now();
        let wanted = headers::upgrade(request.headers(), request.version());
        let client_side = wanted.as_ref().map(|_| hyper::upgrade::on(&mut request));
        let accept = request.headers().clone();
        let (head, body) = self.prepared(request, wanted.as_ref());
        if length(&head.headers).is_some_and(|length| length > self.limits.body_bytes) {
            left.answered = true;
            return Made::TooLong.answer(&accept, None);
        }
        let answered = self.ask(&tenure, head, body).await;
        left.answered = true;
        match answered {
            Ok(answer) => {
                arm.counts.answer(answer.status().as_u16(), began.elapsed());
                if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
                    return upgrade::join(flight, client_side, answer);
                }
                passed(flight, answer)
            }
            Err(Failed::TooLong) => Made::TooLong.answer(&accept, None),
            Err(Failed::Left) => {
                arm.counts.left();
                Made::Broken.answer(&accept, None)
            }
            Err(Failed::Trouble(trouble)) => {
                arm.counts.trouble(trouble, began.elapsed());
                let made = match trouble {
                    Trouble::Unreachable => Made::Unreachable,
                    Trouble::Broken => Made::Broken,
                    Trouble::Late => Made::Late,
                    Trouble::Cut => Made::Cut,
                };
                made.answer(&accept, None)
            }
        }
    }

    fn prepared(&self, request: Request<Incoming>, wanted: Option<&HeaderValue>) -> (Parts, Option<Incoming>) {
        let (mut head, body) = request.into_parts();
        headers::strip(&mut head.headers);
        headers::tell(&mut head.headers, self.from.peer, self.from.tls, self.host, self.limits.trust_forwarded);
        if let Ok(host) = HeaderValue::from_str(self.host) {
            head.headers.insert(HOST, host);
        }
        if let Some(wanted) = wanted {
            head.headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
            head.headers.insert(UPGRADE, wanted.clone());
        }
        head.version = Version::HTTP_11;
        (head, (!body.is_end_stream()).then_some(body))
    }

    /// Asks one target, and the next one when there was no connection and nothing has been sent.
    async fn ask(&self, tenure: &Tenure, head: Parts, body: Option<Incoming>) -> Result<Response<Incoming>, Failed> {
        let arm = &*tenure.arm;
        let again = body.is_none() && headers::is_idempotent(&head.method) && arm.at.len() > 1;
        let mut kept = again.then(|| head.clone());
        let mut next = Some((head, body));
        let mut tries = 0;
        while let Some((head, body)) = next.take() {
            let Some(at) = arm.pick(tries) else { return Err(Failed::Trouble(Trouble::Unreachable)) };
            match self.once(tenure, at.target.0, head, body).await {
                Err(Failed::Trouble(Trouble::Unreachable)) if tries + 1 < arm.at.len() => {
                    tries += 1;
                    let head = if tries + 1 < arm.at.len() { kept.clone() } else { kept.take() };
                    next = head.map(|head| (head, None));
                    if next.is_none() {
                        return Err(Failed::Trouble(Trouble::Unreachable));
                    }
                }
                answered => return answered,
            }
        }
        Err(Failed::Trouble(Trouble::Unreachable))
    }

    async fn once(
        &self,
        tenure: &Tenure,
        target: SocketAddr,
        mut head: Parts,
        body: Option<Incoming>,
    ) -> Result<Response<Incoming>, Failed> {
        head.uri = at(target, &head.uri).ok_or(Failed::Trouble(Trouble::Broken))?;
        let sent = Sent::new(body, self.limits.body_bytes);
        let too_long = Arc::clone(&sent.too_long);
        let asked = tenure.arm.client.request(Request::from_parts(head, sent));
        tokio::select! {
            biased;
            answered = asked => answered.map_err(|error| {
                if too_long.load(Ordering::Acquire) {
                    Failed::TooLong
                } else if error.is_connect() {
                    Failed::Trouble(Trouble::Unreachable)
                } else if is_of_the_asker(&error) {
                    Failed::Left
                } else {
                    Failed::Trouble(Trouble::Broken)
                }
            }),
            () = tenure.cut() => Err(Failed::Trouble(Trouble::Cut)),
            () = tokio::time::sleep(ms(self.limits.answer_ms)) => Err(Failed::Trouble(Trouble::Late)),
        }
    }
}

/// The body that was being sent broke off: that says nothing about the version.
fn is_of_the_asker(error: &hyper_util::client::legacy::Error) -> bool {
    let mut below = std::error::Error::source(error);
    while let Some(cause) = below {
        if cause.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_user) {
            return true;
        }
        below = cause.source();
    }
    false
}

fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn at(target: SocketAddr, uri: &Uri) -> Option<Uri> {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    // `OPTIONS *` asks the server itself, which has no form of its own in an absolute address.
    let path = if path == "*" { "/" } else { path };
    Uri::builder().scheme("http").authority(target.to_string()).path_and_query(path).build().ok()
}

fn passed(flight: Flight, answer: Response<Incoming>) -> Response<Answer> {
    let (mut head, body) = answer.into_parts();
    headers::strip(&mut head.headers);
    head.version = Version::HTTP_11;
    Response::from_parts(head, Answer::passed(body, flight))
}
