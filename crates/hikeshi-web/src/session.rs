//! The two web sockets of a witnessed terminal: the recorder's, by token, and those of the devices that watch, by cookie or token.
//!
//! Here: messages in and out. What a session is, who counts, and what lasts is the engine's.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use futures_util::stream::SplitStream;
use futures_util::{Sink, SinkExt, StreamExt};
use hikeshi_domain::command::{Command, Envelope};
use hikeshi_domain::ids::EmergencyId;
use hikeshi_domain::people::Via;
use hikeshi_domain::session::stream::{ASK, BEAT, END, FRAMES, FromWatcher, SEALED, TELL_EVERY_MS, ToRecorder, ToWatcher, WITHDRAW};
use hikeshi_domain::session::{DeviceKey, HeldBecause, LineAsk, SessionEnd};
use hikeshi_engine::door::Answer;
use hikeshi_engine::sessions::{FeedError, Named, News, Recorder, Seen, Watcher};
use serde::Serialize;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;

use crate::fail::Fail;
use crate::guard;
use crate::secret;
use crate::state::App;
use crate::viewer::{ApiViewer, Viewer};

/// Largest message of a recorder: a part of a block.
const RECORDER_BYTES_MAX: usize = 4 << 20;
const WATCHER_BYTES_MAX: usize = 16 * 1024;
/// How often the recorder hears the gate, changed or not: what it has heard holds for a second and a half.
const GATE_EVERY: Duration = Duration::from_millis(500);
const TELL_EVERY: Duration = Duration::from_millis(TELL_EVERY_MS);
/// A device that says nothing for this long is cut off.
const WATCHER_SILENT_MAX: Duration = Duration::from_secs(30);
const WATCHER_ASKED_AFTER: Duration = Duration::from_secs(10);
/// Whoever takes nothing for this long is cut off: what waits for them is kept in memory.
const TAKEN_WITHIN: Duration = Duration::from_secs(10);
/// Answers that may wait for a device that takes nothing.
const ANSWERS_MAX: usize = 16;
const RECORDER_SILENT_MAX: Duration = Duration::from_secs(10);

fn key_of(id: &str, session: &str) -> Result<(EmergencyId, u32), Fail> {
    let unknown = || Fail::NotFound { what: "session", given: session.chars().take(20).collect() };
    Ok((id.parse()?, session.parse().map_err(|_| unknown())?))
}

fn fail(error: FeedError, session: u32) -> Fail {
    match error {
        FeedError::NotFound | FeedError::Over => Fail::NotFound { what: "open session", given: session.to_string() },
        FeedError::NotTheExecutor | FeedError::Replaced | FeedError::Record(_) => Fail::Unfit(error.to_string()),
        FeedError::TooMany => Fail::TooMany,
        FeedError::Fault(fault) => Fail::Fault(fault),
    }
}

/// The sending end of a web socket.
trait End: Sink<Message, Error = axum::Error> + Unpin + Send {}
impl<T: Sink<Message, Error = axum::Error> + Unpin + Send> End for T {}

async fn say<T: Serialize + Sync>(socket: &mut impl End, word: &T) -> Result<(), axum::Error> {
    // Plain data with string keys always serialises.
    send(socket, Message::Text(serde_json::to_string(word).unwrap_or_default().into())).await
}

async fn send(socket: &mut impl End, message: Message) -> Result<(), axum::Error> {
    let sent = tokio::time::timeout(TAKEN_WITHIN, SinkExt::send(socket, message)).await;
    sent.unwrap_or_else(|_| Err(axum::Error::new(std::io::Error::from(std::io::ErrorKind::TimedOut))))
}

/// `GET /api/v1/emergencies/{id}/sessions/{session}/record`
pub async fn record(
    ApiViewer(viewer): ApiViewer,
    Path((id, session)): Path<(String, String)>,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Fail> {
    let (emergency, number) = key_of(&id, &session)?;
    let recorder = viewer.app.door.record(&viewer.actor, emergency, number).await.map_err(|error| fail(error, number))?;
    Ok(upgrade.max_message_size(RECORDER_BYTES_MAX).write_buffer_size(0).on_upgrade(move |socket| async move {
        let mut socket = socket;
        if let Err(why) = follow_recorder(&mut socket, recorder).await {
            tracing::warn!(%emergency, number, why, "a recorder's connection ended");
            if let Err(error) = say(&mut socket, &ToRecorder::Refused { why }).await {
                tracing::debug!(%error, "it could not be told why");
            }
        }
    }))
}

async fn follow_recorder(socket: &mut WebSocket, recorder: Recorder) -> Result<(), String> {
    let words = |error: axum::Error| error.to_string();
    say(socket, &ToRecorder::Have { blocks: recorder.blocks, head: recorder.head }).await.map_err(words)?;
    let (mut gate, mut over, mut outside, mut asked) = (recorder.gate(), recorder.over(), recorder.outside(), recorder.asked());
    // A recorder that connects anew is told what stands already, and what was answered while it was away.
    outside.mark_changed();
    asked.mark_changed();
    // It may have ended while this connection was made.
    over.mark_changed();
    let mut turn = tokio::time::interval(GATE_EVERY);
    let mut heard_at = Instant::now();
    loop {
        tokio::select! {
            said = socket.recv() => {
                let message = match said {
                    Some(Ok(message)) => message,
                    Some(Err(error)) => return Err(error.to_string()),
                    None => return Ok(()),
                };
                let stored = heard(&recorder, message).await.map_err(|error| error.to_string())?;
                // Storing may have taken long, and more wait to be read.
                heard_at = Instant::now();
                if let Some(block) = stored {
                    say(socket, &ToRecorder::Stored { block }).await.map_err(words)?;
                }
            }
            changed = gate.changed() => {
                changed.map_err(|_| "the session is gone".to_owned())?;
                gate.borrow_and_update();
                let held = recorder.held();
                say_gate(socket, held, recorder.named()).await?;
            }
            _ = turn.tick() => {
                if heard_at.elapsed() > RECORDER_SILENT_MAX {
                    return Err("nothing was heard of the recorder".to_owned());
                }
                let held = recorder.held();
                say_gate(socket, held, recorder.named()).await?;
            }
            changed = outside.changed() => {
                changed.map_err(|_| "the session is gone".to_owned())?;
                let paths = (**outside.borrow_and_update()).clone();
                say(socket, &ToRecorder::Outside { paths }).await.map_err(words)?;
            }
            changed = asked.changed() => {
                changed.map_err(|_| "the session is gone".to_owned())?;
                let ask = asked.borrow_and_update().clone();
                if let Some((asked_at, answer)) = ask.and_then(|ask| ask.answer.clone().map(|answer| (ask.asked_at, answer))) {
                    say(socket, &ToRecorder::Answered { asked_at, answer }).await.map_err(words)?;
                }
            }
            () = recorder.stopped() => return Ok(()),
            changed = over.changed() => {
                changed.map_err(|_| "the session is gone".to_owned())?;
                let named = *over.borrow_and_update();
                if let Some(Named { blocks, head }) = named {
                    return say(socket, &ToRecorder::Over { blocks, head }).await.map_err(words);
                }
            }
        }
    }
}

async fn say_gate(socket: &mut impl End, held: Vec<HeldBecause>, named: u64) -> Result<(), String> {
    let ending = held.contains(&HeldBecause::Ending);
    say(socket, &ToRecorder::Gate { held, named }).await.map_err(|error| error.to_string())?;
    if ending {
        say(socket, &ToRecorder::HangUp).await.map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// The block that is stored now, if this message sealed one.
async fn heard(recorder: &Recorder, message: Message) -> Result<Option<u64>, FeedError> {
    let bytes = match message {
        Message::Binary(bytes) => bytes,
        Message::Text(_) | Message::Ping(_) | Message::Pong(_) | Message::Close(_) => return Ok(None),
    };
    match bytes.split_first() {
        Some((&FRAMES, frames)) => recorder.frames(frames)?,
        Some((&SEALED, header)) => return recorder.sealed(header.to_vec()).await.map(Some),
        Some((&BEAT, _)) => recorder.beat()?,
        Some((&ASK, json)) => match serde_json::from_slice(json) {
            Ok(asking) => recorder.ask(asking).await?,
            Err(error) => tracing::warn!(%error, "a recorder asks about a line in a form that cannot be read"),
        },
        Some((&WITHDRAW, json)) => match serde_json::from_slice(json) {
            Ok(Some(asked_at)) => recorder.withdraw(asked_at).await?,
            Ok(None) => recorder.nothing_waits().await?,
            Err(error) => tracing::warn!(%error, "a recorder takes a line back in a form that cannot be read"),
        },
        Some((&END, json)) => {
            let end: SessionEnd = serde_json::from_slice(json).unwrap_or(SessionEnd::Exited { code: None });
            recorder.end(end)?;
        }
        Some(_) | None => {}
    }
    Ok(None)
}

/// `GET /emergencies/{id}/sessions/{session}/stream`, from a page of ours.
pub async fn watch(
    State(app): State<App>,
    viewer: Viewer,
    Path((id, session)): Path<(String, String)>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Fail> {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    // A cookie comes with a socket from any page; the origin says which.
    if !text(header::ORIGIN).is_some_and(|origin| guard::same_host(origin, text(header::HOST).unwrap_or_default())) {
        return Err(Fail::ForeignForm);
    }
    begin(app, viewer, &id, &session, upgrade).await
}

/// `GET /api/v1/emergencies/{id}/sessions/{session}/stream`, for a terminal that watches.
pub async fn watch_by_token(
    State(app): State<App>,
    ApiViewer(viewer): ApiViewer,
    Path((id, session)): Path<(String, String)>,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Fail> {
    if viewer.session().is_some() {
        return Err(Fail::ForeignForm);
    }
    begin(app, viewer, &id, &session, upgrade).await
}

async fn begin(app: App, viewer: Viewer, id: &str, session: &str, upgrade: WebSocketUpgrade) -> Result<Response, Fail> {
    let seat = app.live_readers.clone().try_acquire_owned().map_err(|_| Fail::TooMany)?;
    let (emergency, number) = key_of(id, session)?;
    let watcher = app.door.watch(emergency, number).await.map_err(|error| fail(error, number))?;
    Ok(upgrade.max_message_size(WATCHER_BYTES_MAX).on_upgrade(move |socket| async move {
        let _seat = seat;
        let end = Watching {
            viewer,
            watcher,
            emergency,
            session: number,
            replaced: AtomicBool::new(false),
            heard_at: Mutex::new(Instant::now()),
        };
        if let Err(error) = end.follow(socket).await {
            tracing::debug!(%error, "a watching device is gone");
        }
    }))
}

struct Watching {
    viewer: Viewer,
    watcher: Watcher,
    emergency: EmergencyId,
    session: u32,
    replaced: AtomicBool,
    heard_at: Mutex<Instant>,
}

impl Watching {
    /// Hears and tells side by side: a device that takes the screen slowly is still heard to look.
    async fn follow(self, socket: WebSocket) -> Result<(), axum::Error> {
        let (mut to, mut from) = socket.split();
        let (answer, answers) = mpsc::channel(ANSWERS_MAX);
        tokio::select! {
            heard = self.listen(&mut from, answer) => heard,
            told = self.tell(&mut to, answers) => told,
            () = self.watcher.stopped() => Ok(()),
        }
    }

    async fn listen(&self, from: &mut SplitStream<WebSocket>, answer: mpsc::Sender<ToWatcher>) -> Result<(), axum::Error> {
        while let Some(said) = from.next().await {
            *self.heard_at.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
            let word = match said? {
                Message::Text(text) => self.heard(&text).await,
                Message::Binary(_) | Message::Ping(_) | Message::Pong(_) => None,
                Message::Close(_) => return Ok(()),
            };
            if let Some(word) = word
                && answer.send(word).await.is_err()
            {
                return Ok(());
            }
        }
        Ok(())
    }

    fn silent_for(&self) -> Duration {
        self.heard_at.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    async fn tell(&self, socket: &mut impl End, mut answers: mpsc::Receiver<ToWatcher>) -> Result<(), axum::Error> {
        let mut news = self.show_screen(socket).await?;
        let mut turn = tokio::time::interval(TELL_EVERY);
        loop {
            tokio::select! {
                Some(word) = answers.recv() => say(socket, &word).await?,
                _ = turn.tick() => {
                    if self.watcher.is_over() {
                        return say(socket, &ToWatcher::Over).await;
                    }
                    let silent_for = self.silent_for();
                    if silent_for > WATCHER_SILENT_MAX {
                        return Ok(());
                    }
                    // Whoever only looks on says nothing unasked.
                    if silent_for > WATCHER_ASKED_AFTER {
                        send(socket, Message::Ping(Bytes::new())).await?;
                    }
                    self.say_gate(socket).await?;
                }
                told = news.recv() => match told {
                    Ok(News::Frames(frames)) => send_frames(socket, &frames).await?,
                    Ok(News::Sealed(header)) => {
                        say(socket, &ToWatcher::Sealed { header: String::from_utf8_lossy(&header).into_owned() }).await?;
                    }
                    Ok(News::Gate) => self.say_gate(socket).await?,
                    Ok(News::Outside(paths)) => self.say_outside(socket, &paths).await?,
                    Ok(News::Asked(ask)) => self.say_asked(socket, &ask).await?,
                    // The recorder has begun anew, or this device was too slow: the screen is shown as it is now.
                    Ok(News::Again) | Err(RecvError::Lagged(_)) => news = self.show_screen(socket).await?,
                    Ok(News::Over) | Err(RecvError::Closed) => return say(socket, &ToWatcher::Over).await,
                },
            }
        }
    }

    async fn show_screen(&self, socket: &mut impl End) -> Result<tokio::sync::broadcast::Receiver<News>, axum::Error> {
        let (screen, news) = self.watcher.join();
        let shown = ToWatcher::Screen {
            columns: screen.columns,
            rows: screen.rows,
            encoding: screen.encoding,
            state: screen.state,
            block: screen.block,
            prev: screen.prev,
        };
        say(socket, &shown).await?;
        if !screen.frames.is_empty() {
            send_frames(socket, &screen.frames).await?;
        }
        self.say_gate(socket).await?;
        self.say_outside(socket, &screen.outside).await?;
        if let Some(ask) = self.watcher.asked() {
            self.say_asked(socket, &ask).await?;
        }
        Ok(news)
    }

    async fn say_gate(&self, socket: &mut impl End) -> Result<(), axum::Error> {
        let held = self.watcher.held();
        let words = held.iter().map(|because| hikeshi_text::session::held(self.viewer.lang, because, &self.viewer.names)).collect();
        say(socket, &ToWatcher::Gate { held, words }).await
    }

    async fn say_outside(&self, socket: &mut impl End, paths: &[String]) -> Result<(), axum::Error> {
        let words = hikeshi_text::session::outside(self.viewer.lang, paths);
        say(socket, &ToWatcher::Outside { paths: paths.to_vec(), words }).await
    }

    async fn say_asked(&self, socket: &mut impl End, ask: &LineAsk) -> Result<(), axum::Error> {
        let words = hikeshi_text::session::asked(self.viewer.lang, ask, &self.viewer.names);
        say(socket, &ToWatcher::Asked { ask: ask.clone(), words }).await
    }

    async fn heard(&self, text: &str) -> Option<ToWatcher> {
        match serde_json::from_str(text) {
            Ok(FromWatcher::Bind { key }) => Some(self.bind(key).await),
            Ok(FromWatcher::Look { visible, ack }) => {
                let counts = self.watcher.seen(Seen { visible, ack });
                let first = !counts && self.watcher.is_bound() && !self.replaced.swap(true, Ordering::Relaxed);
                first.then_some(ToWatcher::Replaced)
            }
            Err(error) => {
                tracing::debug!(%error, "a watching device said something that cannot be read");
                None
            }
        }
    }

    /// The door says whether this person witnesses; only then does the device count.
    async fn bind(&self, key: DeviceKey) -> ToWatcher {
        let bind = hikeshi_domain::session::Command::Bind { emergency: self.emergency, session: self.session, key: key.clone() };
        self.watcher.settle().await;
        let request = match secret::request_key() {
            Ok(key) => key,
            Err(error) => return ToWatcher::NotBound { words: vec![error.to_string()] },
        };
        let envelope = Envelope { key: request, actor: self.viewer.actor.clone(), via: Via::Web, command: Command::Session(bind) };
        match self.viewer.app.door.submit(envelope).await {
            Ok(Answer::Done(_) | Answer::Already(_)) => {
                self.watcher.bind(self.viewer.person.clone(), key);
                self.replaced.store(false, Ordering::Relaxed);
                ToWatcher::Bound
            }
            Ok(Answer::Refused { refusal, .. }) => {
                let words = hikeshi_text::refusal(self.viewer.lang, &refusal, &self.viewer.names);
                ToWatcher::NotBound { words: vec![words.what, words.why, words.next] }
            }
            Err(fault) => ToWatcher::NotBound { words: vec![fault.to_string()] },
        }
    }
}

async fn send_frames(socket: &mut impl End, frames: &[u8]) -> Result<(), axum::Error> {
    let mut bytes = Vec::with_capacity(frames.len() + 1);
    bytes.push(FRAMES);
    bytes.extend_from_slice(frames);
    send(socket, Message::Binary(bytes.into())).await
}
