//! News by server-sent events: the size of the ledger after each commit, and a heartbeat that a page can miss.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use hikeshi_engine::door::Door;
use tokio::sync::{OwnedSemaphorePermit, watch};

use crate::fail::Fail;
use crate::state::App;
use crate::viewer::Viewer;

/// A comment would be invisible to the page's script, so the heartbeat is an event of its own.
const BEAT_EVERY: Duration = Duration::from_secs(2);

struct Reader {
    door: Door,
    viewer: Viewer,
    tip: watch::Receiver<u64>,
    beat: tokio::time::Interval,
    told: bool,
    _seat: OwnedSemaphorePermit,
}

pub async fn get(State(app): State<App>, viewer: Viewer) -> Result<Response, Fail> {
    let seat = app.live_readers.clone().try_acquire_owned().map_err(|_| Fail::TooMany)?;
    let mut beat = tokio::time::interval(BEAT_EVERY);
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let reader = Reader { door: app.door.clone(), tip: app.door.tip(), viewer, beat, told: false, _seat: seat };
    let mut response = Sse::new(stream::unfold(reader, next)).into_response();
    response.headers_mut().insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

/// The first event is always the tip: a page that was away learns at once whether it is behind.
async fn next(mut reader: Reader) -> Option<(Result<Event, Infallible>, Reader)> {
    if !reader.told {
        reader.told = true;
        let event = tip_event(*reader.tip.borrow_and_update());
        return Some((Ok(event), reader));
    }
    tokio::select! {
        changed = reader.tip.changed() => {
            // The door is closing: end the stream, so that the page says it is cut.
            changed.ok()?;
            let event = tip_event(*reader.tip.borrow_and_update());
            Some((Ok(event), reader))
        }
        _ = reader.beat.tick() => {
            // A session that has ended must not go on reading.
            let secret = reader.viewer.session().map(crate::secret::digest)?;
            reader.door.authenticate(secret).await.ok()??;
            let at = reader.viewer.now().await;
            Some((Ok(Event::default().event("beat").data(at.to_string())), reader))
        }
    }
}

fn tip_event(size: u64) -> Event {
    Event::default().event("tip").id(size.to_string()).data(size.to_string())
}
