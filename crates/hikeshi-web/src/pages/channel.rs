//! The workspace's own public channels.

use askama::Template;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use hikeshi_domain::ids::ChannelName;
use hikeshi_text::page::Words;

use super::{Bar, Flash, Frame, Html, Query, act, html, time_html};
use crate::acts;
use crate::fail::Fail;
use crate::form::Fields;
use crate::viewer::Viewer;

const ROWS: u32 = 50;

struct Row {
    seq: u64,
    who: String,
    when: Html,
    mentions: String,
    text: String,
    incident: Option<String>,
    emergency: Option<String>,
}

#[derive(Template)]
#[template(path = "channel.html")]
struct ChannelTemplate<'a> {
    frame: &'a Frame,
    t: Words,
    name: String,
    channels: Vec<(String, bool)>,
    rows: Vec<Row>,
    older: Option<u64>,
    bar: Bar,
}

pub async fn first(viewer: Viewer) -> Response {
    Redirect::to(&format!("/channel/{}", viewer.policy.channels.emergency)).into_response()
}

pub async fn get(viewer: Viewer, Path(name): Path<String>, query: Query) -> Result<Response, Fail> {
    show(&viewer, name.parse()?, query.number("before"), &query.flash()).await
}

pub async fn post(viewer: Viewer, Path(name): Path<String>, fields: Fields) -> Result<Response, Fail> {
    let name = name.parse()?;
    match act(&viewer, fields).await? {
        std::ops::ControlFlow::Break(response) => Ok(response),
        std::ops::ControlFlow::Continue(flash) => show(&viewer, name, None, &flash).await,
    }
}

async fn show(viewer: &Viewer, name: ChannelName, before: Option<u64>, flash: &Flash) -> Result<Response, Fail> {
    let view = viewer.look().channel(&name, before, ROWS).await?;
    let t = Words(viewer.lang);
    let rows = view.posts.rows.iter().map(|row| Row {
        seq: row.seq,
        who: hikeshi_text::actor(viewer.lang, &row.actor, &viewer.names),
        when: time_html(viewer, row.at, view.at),
        mentions: hikeshi_text::mentions(viewer.lang, &row.post, &viewer.names),
        text: hikeshi_text::post(viewer.lang, &row.post, &viewer.names),
        incident: row.post.incident.map(|id| id.to_string()),
        emergency: row.post.emergency.map(|id| id.to_string()),
    });
    let rows = rows.collect();
    let known = [&viewer.policy.channels.emergency, &viewer.policy.channels.incidents];
    let frame = Frame::new(viewer, format!("#{name}"), view.size, view.at, flash)?;
    let template = ChannelTemplate {
        frame: &frame,
        t,
        channels: known.iter().map(|channel| (channel.to_string(), **channel == name)).collect(),
        rows,
        older: view.posts.older,
        bar: Bar::new(viewer, &[acts::channel_post(viewer, &name)], flash)?,
        name: name.to_string(),
    };
    html(&frame, &template)
}
