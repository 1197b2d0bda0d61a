//! One request on its way to a target and its answer back.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use hikeshi_text::proxy::Made;
use hyper::body::{Body as _, Incoming};
use hyper::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, HeaderValue, SET_COOKIE, UPGRADE};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode, Uri, Version};
use tokio::time::Instant;

use crate::arm::{Arm, Flight, Tenure};
use crate::ask::{Limits, ms};
use crate::body::{Answer, Sent};
use crate::counts::Trouble;
use crate::route::Entered;
use crate::table::Table;
use crate::{headers, page, upgrade};

/// Where a request came from.
#[derive(Debug, Clone, Copy)]
pub struct From {
    pub peer: IpAddr,
    pub tls: bool,
}

pub async fn forward(table: &Table, from: From, request: Request<Incoming>) -> Response<Answer> {
    let Some((written, name)) = headers::host(request.uri(), request.headers()) else {
        return page::answer(Made::BadHost, request.headers(), None);
    };
    // Nobody opens a tunnel through here.
    if request.method() == Method::CONNECT {
        return page::answer(Made::BadMethod, request.headers(), None);
    }
    let Some(route) = table.find(&name, request.uri().path()) else {
        return page::answer(Made::NoRoute, request.headers(), None);
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
        Entered::Stopped { message } => page::answer(Made::Stopped, request.headers(), message.as_deref()),
        Entered::Crowded => page::answer(Made::Crowded, request.headers(), None),
        Entered::WaitedTooLong => page::answer(Made::WaitedTooLong, request.headers(), None),
        Entered::Empty => page::answer(Made::Empty, request.headers(), None),
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
            return page::answer(Made::TooLong, &accept, None);
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
            Err(Failed::TooLong) => page::answer(Made::TooLong, &accept, None),
            Err(Failed::Left) => {
                arm.counts.left();
                page::answer(Made::Broken, &accept, None)
            }
            Err(Failed::Trouble(trouble)) => {
                arm.counts.trouble(trouble, began.elapsed());
                let made = match trouble {
                    Trouble::Unreachable => Made::Unreachable,
                    Trouble::Broken => Made::Broken,
                    Trouble::Late => Made::Late,
                    Trouble::Cut => Made::Cut,
                };
                page::answer(made, &accept, None)
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

    /// Asks one target, and the others when there was no connection and so nothing has been sent. A body can be sent only once.
    async fn ask(&self, tenure: &Tenure, head: Parts, body: Option<Incoming>) -> Result<Response<Incoming>, Failed> {
        let arm = &*tenure.arm;
        let mut kept = (body.is_none() && arm.at.len() > 1).then(|| head.clone());
        let mut next = Some((head, body));
        let mut failed = Vec::new();
        while let (Some((head, body)), Some(at)) = (next.take(), arm.pick(&failed)) {
            match self.once(tenure, at.target.0, head, body).await {
                Err(Failed::Trouble(Trouble::Unreachable)) => {
                    at.doubt();
                    failed.push(at.target.0);
                    let more = failed.len() + 1 < arm.at.len();
                    next = if more { kept.clone() } else { kept.take() }.map(|head| (head, None));
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
