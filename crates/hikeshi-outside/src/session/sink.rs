//! The way to the server: frames as they are made, headers when a block is sealed, and back the server's word about the gate.
//!
//! A connection that breaks is made again for as long as something is owed. What the server does not have is sent again from the spool;
//! the server tells how far it is.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use hikeshi_domain::Timestamp;
use hikeshi_domain::ids::Digest;
use hikeshi_domain::session::stream::{ASK, BEAT, END, FRAMES, SEALED, ToRecorder, WITHDRAW};
use hikeshi_domain::session::{LineAnswer, SessionEnd};
use reqwest::header::{AUTHORIZATION, CONNECTION, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Message, handshake::client::generate_key};

use super::order::Order;
use super::spool::SessionSpool;
use super::valve::Valve;

const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// A server that says nothing for this long is gone: it speaks twice a second.
const SILENT_MAX: Duration = Duration::from_secs(4);
const BEAT_EVERY: Duration = Duration::from_secs(1);
const AGAIN_AFTER: Duration = Duration::from_millis(300);
const AGAIN_AFTER_MAX: Duration = Duration::from_secs(5);
/// Frames that may be on their way to a server that is slow or away; beyond it blocks are sent when they are sealed, from the spool.
const ON_THE_WAY_BYTES_MAX: usize = 8 << 20;
/// How long what is left over is offered to the server after the shell has ended.
const DELIVER_WITHIN: Duration = Duration::from_secs(3600);

/// What the writer says.
pub(super) enum ToSink {
    Frames(Bytes),
    Sealed {
        block: u64,
        header: Bytes,
        /// Its frames were said before. If not, the spool has them.
        streamed: bool,
    },
    /// A line waits for a witness: an [`Asking`](hikeshi_domain::session::stream::Asking) as JSON.
    Ask(Bytes),
    /// It does not wait any more; `None`: it has run, and nothing waits.
    Withdraw(Option<Timestamp>),
    /// Nothing more is recorded.
    NoMore,
}

/// Counts the bytes of frames between writer and sink: the writer never waits for a slow server, and they do not pile up either.
#[derive(Default)]
pub(super) struct OnTheWay(AtomicUsize);

impl OnTheWay {
    pub(super) fn has_room(&self) -> bool {
        self.0.load(Ordering::Relaxed) < ON_THE_WAY_BYTES_MAX
    }

    pub(super) fn add(&self, bytes: usize) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }

    fn arrived(&self, bytes: usize) {
        self.0.fetch_sub(bytes, Ordering::Relaxed);
    }
}

pub(super) struct Sink {
    pub(super) order: Order,
    pub(super) token: String,
    pub(super) spool: Arc<Mutex<SessionSpool>>,
    pub(super) on_the_way: Arc<OnTheWay>,
    pub(super) valve: Arc<Valve>,
    pub(super) end: Arc<Mutex<Option<SessionEnd>>>,
    pub(super) hang_up: Box<dyn Fn() + Send + Sync>,
    pub(super) answers: std::sync::mpsc::Sender<(Timestamp, LineAnswer)>,
}

/// What is owed to the server, whatever became of a connection.
struct Backlog {
    /// Frames of the block under way.
    pending: Vec<u8>,
    /// How many blocks were sealed and the head of the last, and how many the server has stored since it was last connected to.
    sealed: u64,
    head: Option<Digest>,
    stored: u64,
    no_more: Option<Instant>,
    /// The line that waits, and the last one that was taken back: both are said again at every new connection.
    asking: Option<Bytes>,
    withdrawn: Option<Timestamp>,
}

impl Backlog {
    fn asks(&mut self, json: &Bytes) {
        self.asking = Some(json.clone());
    }

    fn withdraws(&mut self, asked_at: Option<Timestamp>) {
        self.asking = None;
        self.withdrawn = asked_at.or(self.withdrawn);
    }

    /// Whether the ledger names everything that was recorded: as many blocks, and the same.
    fn is_delivered(&self, blocks: u64, head: Option<Digest>) -> bool {
        self.no_more.is_some() && self.pending.is_empty() && (self.sealed, self.head) == (blocks, head)
    }

    /// About lines, for a server that may have missed it, or has heard it from a recorder that died. A repeat changes nothing there.
    fn lines(&self) -> Vec<Message> {
        let withdrawn = self.withdrawn.map(|asked_at| withdraw(Some(asked_at)));
        let now = self.asking.as_ref().map_or_else(|| withdraw(None), |asking| message(ASK, asking));
        withdrawn.into_iter().chain([now]).collect()
    }
}

/// A web socket to a server.
pub type Socket = WebSocketStream<reqwest::Upgraded>;

/// Opens a web socket with the same trust and proxies as every other request.
pub async fn dial(url: &str, token: &str) -> Result<Socket, String> {
    let client = reqwest::Client::builder().connect_timeout(CONNECT_WITHIN).http1_only().build().map_err(|error| error.to_string())?;
    let request = client
        .get(url)
        .header(CONNECTION, "Upgrade")
        .header(UPGRADE, "websocket")
        .header(SEC_WEBSOCKET_VERSION, "13")
        .header(SEC_WEBSOCKET_KEY, generate_key())
        .header(AUTHORIZATION, format!("Bearer {token}"));
    let answer = tokio::time::timeout(CONNECT_WITHIN, request.send()).await.map_err(|_| "no answer in time".to_owned())?;
    let answer = answer.map_err(|error| error.to_string())?;
    if answer.status() != reqwest::StatusCode::SWITCHING_PROTOCOLS {
        return Err(format!("the server answered {}", answer.status()));
    }
    let upgraded = answer.upgrade().await.map_err(|error| error.to_string())?;
    let config = WebSocketConfig::default().write_buffer_size(0).max_message_size(Some(8 << 20));
    Ok(WebSocketStream::from_raw_socket(upgraded, Role::Client, Some(config)).await)
}

/// Why a connection is of no use any more.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("{0}")]
    Socket(#[from] tokio_tungstenite::tungstenite::Error),
    #[error("block {block} cannot be read: {error}")]
    Spool { block: u64, error: String },
    #[error("block {block} is neither here nor at the server")]
    Missing { block: u64 },
}

enum Ended {
    /// The session is over in the ledger, which names so many blocks, and this head of the last.
    Over {
        blocks: u64,
        head: Option<Digest>,
    },
    Broken(String),
}

impl Sink {
    /// Ends when the session is over, or when what is left has been offered for long enough. True: the ledger names every block.
    pub(super) async fn run(self, mut news: UnboundedReceiver<ToSink>, (first, head): (u64, Option<Digest>)) -> bool {
        // What a dead recorder kept on the disk may not be at the server.
        let mut backlog = Backlog { pending: Vec::new(), sealed: first, head, stored: 0, no_more: None, asking: None, withdrawn: None };
        let mut wait = AGAIN_AFTER;
        loop {
            match self.connect().await {
                Ok(mut stream) => {
                    let since = Instant::now();
                    match self.talk(&mut stream, &mut news, &mut backlog).await {
                        Ended::Over { blocks, head } => return backlog.is_delivered(blocks, head),
                        Ended::Broken(why) => tracing::warn!(why, "the connection to the server is cut"),
                    }
                    if since.elapsed() > Duration::from_secs(10) {
                        wait = AGAIN_AFTER;
                    }
                }
                Err(why) => tracing::warn!(why, "the server cannot be reached"),
            }
            if backlog.no_more.is_some_and(|since| since.elapsed() > DELIVER_WITHIN) {
                tracing::error!(
                    blocks = backlog.sealed.saturating_sub(backlog.stored),
                    "the server never took the rest of the recording; it stays on this disk"
                );
                return false;
            }
            // What is made meanwhile is taken in, so that nothing piles up elsewhere.
            let until = tokio::time::Instant::now() + wait;
            while let Ok(more) = tokio::time::timeout_at(until, news.recv()).await {
                match more {
                    Some(more) => self.take(&more, &mut backlog),
                    None => {
                        backlog.no_more.get_or_insert_with(Instant::now);
                        break;
                    }
                }
            }
            tokio::time::sleep_until(until).await;
            wait = (wait * 2).min(AGAIN_AFTER_MAX);
        }
    }

    async fn connect(&self) -> Result<Socket, String> {
        let (emergency, session) = (self.order.emergency, self.order.session);
        dial(&format!("{}/api/v1/emergencies/{emergency}/sessions/{session}/record", self.order.url.trim_end_matches('/')), &self.token)
            .await
    }

    /// What the server has, for a recorder that takes over from a dead one.
    pub(super) async fn ask(&self) -> Option<(u64, Option<Digest>)> {
        let mut stream = self.connect().await.inspect_err(|why| tracing::warn!(why, "the server cannot be asked")).ok()?;
        match tokio::time::timeout(CONNECT_WITHIN, stream.next()).await {
            Ok(Some(Ok(Message::Text(text)))) => match serde_json::from_str(&text) {
                Ok(ToRecorder::Have { blocks, head }) => Some((blocks, head)),
                Ok(_) | Err(_) => None,
            },
            _ => None,
        }
    }

    async fn talk(&self, stream: &mut Socket, news: &mut UnboundedReceiver<ToSink>, backlog: &mut Backlog) -> Ended {
        let broken = |error: &dyn std::fmt::Display| Ended::Broken(error.to_string());
        match tokio::time::timeout(CONNECT_WITHIN, stream.next()).await {
            Ok(Some(Ok(Message::Text(text)))) => match serde_json::from_str(&text) {
                Ok(ToRecorder::Have { blocks, .. }) => {
                    backlog.stored = blocks;
                }
                Ok(ToRecorder::Over { blocks, head }) => return Ended::Over { blocks, head },
                Ok(ToRecorder::Refused { why }) => return Ended::Broken(why),
                Ok(_) => return Ended::Broken("the server did not say what it has".to_owned()),
                Err(error) => return broken(&error),
            },
            _ => return Ended::Broken("the server did not say what it has".to_owned()),
        }
        if let Err(error) = self.send_owed(stream, backlog).await {
            return broken(&error);
        }
        let mut beat = tokio::time::interval(BEAT_EVERY);
        let mut heard = Instant::now();
        let mut end_sent = false;
        loop {
            if backlog.no_more.is_some() && backlog.stored >= backlog.sealed && !end_sent {
                let end = self.end.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let end = end.unwrap_or(SessionEnd::Exited { code: None });
                let json = serde_json::to_vec(&end).unwrap_or_default();
                if let Err(error) = stream.send(message(END, &json)).await {
                    return broken(&error);
                }
                end_sent = true;
            }
            let sent = tokio::select! {
                more = news.recv(), if backlog.no_more.is_none() => self.pass_on(stream, backlog, more).await,
                said = stream.next() => {
                    heard = Instant::now();
                    match said {
                        Some(Ok(Message::Text(text))) => match self.heard(&text, backlog) {
                            Ok(Some(over)) => return over,
                            Ok(None) => Ok(()),
                            Err(why) => return Ended::Broken(why),
                        },
                        Some(Ok(Message::Close(_))) | None => return Ended::Broken("the server closed the connection".to_owned()),
                        Some(Ok(_)) => Ok(()),
                        Some(Err(error)) => Err(error.into()),
                    }
                }
                _ = beat.tick() => {
                    if heard.elapsed() > SILENT_MAX {
                        return Ended::Broken("the server is silent".to_owned());
                    }
                    stream.send(message(BEAT, &[])).await.map_err(Broken::from)
                }
            };
            if let Err(error) = sent {
                return broken(&error);
            }
        }
    }

    async fn pass_on(&self, stream: &mut Socket, backlog: &mut Backlog, more: Option<ToSink>) -> Result<(), Broken> {
        let Some(more) = more else {
            backlog.no_more = Some(Instant::now());
            return Ok(());
        };
        self.take(&more, backlog);
        match &more {
            ToSink::Frames(frames) => stream.send(message(FRAMES, frames)).await.map_err(Broken::from),
            ToSink::Sealed { header, streamed: true, .. } => stream.send(message(SEALED, header)).await.map_err(Broken::from),
            ToSink::Sealed { block, streamed: false, .. } => self.send_block(stream, *block).await,
            ToSink::Ask(json) => stream.send(message(ASK, json)).await.map_err(Broken::from),
            ToSink::Withdraw(asked_at) => stream.send(withdraw(*asked_at)).await.map_err(Broken::from),
            ToSink::NoMore => Ok(()),
        }
    }

    /// Everything that the server does not have, in order, and the block under way. A server that was restarted knows only what its
    /// ledger names: what it had stored since is sent again, too.
    async fn send_owed(&self, stream: &mut Socket, backlog: &Backlog) -> Result<(), Broken> {
        for block in backlog.stored..backlog.sealed {
            self.send_block(stream, block).await?;
        }
        if !backlog.pending.is_empty() {
            stream.feed(message(FRAMES, &backlog.pending)).await?;
        }
        for word in backlog.lines() {
            stream.feed(word).await?;
        }
        Ok(stream.flush().await?)
    }

    async fn send_block(&self, stream: &mut Socket, block: u64) -> Result<(), Broken> {
        let kept = self.spool.lock().unwrap_or_else(PoisonError::into_inner).read(block);
        let (header, frames) = kept.map_err(|error| Broken::Spool { block, error: error.to_string() })?.ok_or(Broken::Missing { block })?;
        for part in frames.chunks(1 << 20) {
            stream.feed(message(FRAMES, part)).await?;
        }
        Ok(stream.send(message(SEALED, &header)).await?)
    }

    fn take(&self, more: &ToSink, backlog: &mut Backlog) {
        match more {
            ToSink::Frames(frames) => {
                self.on_the_way.arrived(frames.len());
                backlog.pending.extend_from_slice(frames);
            }
            ToSink::Sealed { block, header, .. } => {
                backlog.pending.clear();
                backlog.sealed = block + 1;
                backlog.head = Some(Digest::of(header));
            }
            ToSink::Ask(json) => backlog.asks(json),
            ToSink::Withdraw(asked_at) => backlog.withdraws(*asked_at),
            ToSink::NoMore => backlog.no_more = Some(Instant::now()),
        }
    }

    /// Something: the session is over.
    fn heard(&self, text: &str, backlog: &mut Backlog) -> Result<Option<Ended>, String> {
        match serde_json::from_str(text).map_err(|error| error.to_string())? {
            ToRecorder::Have { .. } => {}
            ToRecorder::Stored { block } => {
                backlog.stored = block + 1;
                self.valve.at_server(block);
            }
            ToRecorder::Gate { held, named } => {
                self.valve.server_says(held);
                self.spool.lock().unwrap_or_else(PoisonError::into_inner).named(named);
            }
            ToRecorder::Outside { paths } => self.valve.outside_the_scope(paths),
            ToRecorder::Answered { asked_at, answer } => {
                if self.answers.send((asked_at, answer)).is_err() {
                    tracing::debug!("nobody waits for an answer");
                }
            }
            ToRecorder::HangUp => (self.hang_up)(),
            ToRecorder::Over { blocks, head } => {
                (self.hang_up)();
                return Ok(Some(Ended::Over { blocks, head }));
            }
            ToRecorder::Refused { why } => return Err(why),
        }
        Ok(None)
    }
}

fn withdraw(asked_at: Option<Timestamp>) -> Message {
    message(WITHDRAW, &serde_json::to_vec(&asked_at).unwrap_or_default())
}

fn message(kind: u8, rest: &[u8]) -> Message {
    let mut bytes = Vec::with_capacity(rest.len() + 1);
    bytes.push(kind);
    bytes.extend_from_slice(rest);
    Message::Binary(bytes.into())
}

#[cfg(test)]
mod tests;
