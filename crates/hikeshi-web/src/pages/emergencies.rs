//! Lists of exceptions: what waits for an approval, for me first.

use askama::Template;
use axum::response::Response;
use hikeshi_domain::emergency::Status;
use hikeshi_text::page::Words;

use super::now::{Exception, exception};
use super::{Frame, Query, html};
use crate::fail::Fail;
use crate::viewer::Viewer;

const ROWS: u32 = 50;

#[derive(Template)]
#[template(path = "approvals.html")]
struct ApprovalsTemplate<'a> {
    frame: &'a Frame,
    t: Words,
    mine: Vec<Exception>,
    others: Vec<Exception>,
    policy: bool,
}

pub async fn approvals(viewer: Viewer, query: Query) -> Result<Response, Fail> {
    let open = viewer.look().emergencies(true, None, ROWS).await?;
    let view = viewer.look().now().await?;
    let t = Words(viewer.lang);
    let (mut mine, mut others) = (Vec::new(), Vec::new());
    for emergency in open.rows.iter().filter(|emergency| emergency.status == Status::Requested) {
        let offers = viewer.look().emergency(emergency.id).await?.offers;
        let may = offers.iter().any(|offer| offer.kind == "emergency.approve" && offer.allowed);
        let row = exception(&viewer, emergency, view.at);
        if may { mine.push(row) } else { others.push(row) }
    }
    let frame = Frame::new(&viewer, t.approvals_title(), view.size, view.at, &query.flash())?;
    html(&frame, &ApprovalsTemplate { frame: &frame, t, mine, others, policy: view.pending_policy.is_some() })
}
