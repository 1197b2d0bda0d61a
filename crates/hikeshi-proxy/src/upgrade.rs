//! Connections that become something else (WebSocket): passed on byte by byte until one side ends, or their version has had its time.

use std::io;

use hikeshi_text::proxy::Made;
use hyper::header::{CONNECTION, HeaderValue, UPGRADE};
use hyper::upgrade::OnUpgrade;
use hyper::{HeaderMap, Response};
use hyper_util::rt::TokioIo;

use tokio::net::TcpStream;

use crate::arm::Flight;
use crate::body::Answer;
use crate::counts::Trouble;
use crate::route::{Entered, Route};
use crate::{headers, listen, page};

pub fn join(flight: Flight, client_side: Option<OnUpgrade>, mut answer: Response<hyper::body::Incoming>) -> Response<Answer> {
    let Some(client_side) = client_side else {
        // A target that switches without being asked to has no one who could follow.
        return page::answer(Made::Broken, &HeaderMap::new(), None);
    };
    let target_side = hyper::upgrade::on(&mut answer);
    let (mut head, _) = answer.into_parts();
    let protocol = head.headers.get(UPGRADE).cloned();
    headers::strip(&mut head.headers);
    head.headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    if let Some(protocol) = protocol {
        head.headers.insert(UPGRADE, protocol);
    }
    let upgraded = flight.upgrade();
    tokio::spawn(async move {
        let (Ok(client), Ok(target)) = tokio::join!(client_side, target_side) else { return };
        let (mut client, mut target) = (TokioIo::new(client), TokioIo::new(target));
        tokio::select! {
            // Either side may end it as it likes.
            _ended = tokio::io::copy_bidirectional(&mut client, &mut target) => {}
            () = upgraded.tenure.cut_upgraded() => {}
        }
    });
    Response::from_parts(head, Answer::made(""))
}

/// TLS that the target itself ends: bytes, from the first one on. It counts as an upgraded connection, since nobody can see requests in it.
pub async fn passthrough(route: &Route, mut client: TcpStream) -> io::Result<()> {
    let Entered::Goes { flight, .. } = route.enter(&HeaderMap::new(), true).await else {
        return listen::refuse(client).await;
    };
    let tenure = std::sync::Arc::clone(flight.tenure());
    let Some(at) = tenure.arm.pick(&[]) else { return listen::refuse(client).await };
    let mut target = match listen::connect(at.target.0).await {
        Ok(target) => target,
        Err(error) => {
            tenure.arm.counts.trouble(Trouble::Unreachable, std::time::Duration::ZERO);
            listen::refuse(client).await?;
            return Err(error);
        }
    };
    let upgraded = flight.upgrade();
    tokio::select! {
        ended = tokio::io::copy_bidirectional(&mut client, &mut target) => ended.map(drop),
        () = upgraded.tenure.cut_upgraded() => Ok(()),
    }
}
