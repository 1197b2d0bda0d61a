//! Connections: plain and TLS, HTTP/1.1 and HTTP/2, and TLS that is passed on as it is. Listening sockets are handed over to the process that comes
//! after, so that no connection is refused while the program is replaced.

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hyper::header::{CONNECTION, HeaderValue};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::change::Proxy;
use crate::forward::{self, From};

/// Until a request's head is there: a client that sends a byte a minute holds a place and nothing else.
const HEAD: Duration = Duration::from_secs(15);
const HANDSHAKE: Duration = Duration::from_secs(10);
const HEAD_BYTES: usize = 64 * 1024;
const HEADERS_MAX: usize = 128;
const STREAMS: u32 = 256;
/// Streams that were opened and reset at once before the connection is closed (rapid reset).
const RESETS: usize = 50;
const PING: Duration = Duration::from_secs(30);
const HELLO_BYTES: usize = 16 * 1024;

/// What all connections share.
pub struct Listening {
    pub proxy: Arc<Proxy>,
    pub tls: Option<crate::tls::Certificates>,
    /// At once. Beyond them a connection waits in the system's queue.
    pub connections_max: usize,
    open: AtomicUsize,
    /// Connections are not taken any more.
    pub leaving: watch::Sender<bool>,
}

impl Listening {
    pub fn new(proxy: Arc<Proxy>, tls: Option<crate::tls::Certificates>, connections_max: usize) -> Arc<Self> {
        Arc::new(Self { proxy, tls, connections_max, open: AtomicUsize::new(0), leaving: watch::Sender::new(false) })
    }

    pub fn open(&self) -> usize {
        self.open.load(Ordering::Acquire)
    }

    /// Whoever asks on an open connection is answered, and told to ask the next time on another one.
    pub fn leave(&self) {
        self.proxy.leaving.store(true, Ordering::Release);
        self.leaving.send_replace(true);
    }

    /// Until [`Self::leave`].
    pub async fn accept(self: Arc<Self>, listener: TcpListener, tls: bool, graceful: Arc<GracefulShutdown>) {
        let places = Arc::new(tokio::sync::Semaphore::new(self.connections_max));
        let mut leaving = self.leaving.subscribe();
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            let accepted = tokio::select! {
                biased;
                _left = leaving.wait_for(|leaving| *leaving) => return,
                accepted = listener.accept() => accepted,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Too many open files, or whoever asked has gone: the next one may come.
                    tracing::warn!(%error, "a connection could not be taken");
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    continue;
                }
            };
            let (here, watcher) = (Arc::clone(&self), graceful.watcher());
            tokio::spawn(async move {
                here.open.fetch_add(1, Ordering::AcqRel);
                if let Err(error) = here.connection(stream, peer, tls, watcher).await {
                    tracing::debug!(%error, %peer, "a connection ended early");
                }
                here.open.fetch_sub(1, Ordering::AcqRel);
                drop(place);
            });
        }
    }

    async fn connection(&self, stream: TcpStream, peer: SocketAddr, tls: bool, watcher: Watcher) -> io::Result<()> {
        stream.set_nodelay(true)?;
        if !tls {
            return self.serve(stream, From { peer: peer.ip(), tls }, watcher).await;
        }
        if self.proxy.table.has_passthrough() {
            let name = tokio::time::timeout(HANDSHAKE, asked_name(&stream)).await??;
            if let Some(route) = name.and_then(|name| self.proxy.table.passthrough(&name)) {
                return crate::upgrade::passthrough(&route, stream).await;
            }
        }
        let Some(certificates) = &self.tls else {
            return Err(io::Error::other("there is no certificate, and no route takes this name as it is"));
        };
        let acceptor = TlsAcceptor::from(certificates.config());
        let stream = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await??;
        self.serve(stream, From { peer: peer.ip(), tls }, watcher).await
    }

    async fn serve<S>(&self, stream: S, from: From, watcher: Watcher) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let proxy = Arc::clone(&self.proxy);
        let service = service_fn(move |request| {
            let proxy = Arc::clone(&proxy);
            async move {
                let http1 = request.version() <= hyper::Version::HTTP_11;
                let mut answer = forward::forward(&proxy.table, from, request).await;
                if http1 && proxy.leaving.load(Ordering::Acquire) && answer.status() != hyper::StatusCode::SWITCHING_PROTOCOLS {
                    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                }
                Ok::<_, std::convert::Infallible>(answer)
            }
        });
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(HEAD_BYTES).max_headers(HEADERS_MAX);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS)
            .max_pending_accept_reset_streams(RESETS)
            .max_header_list_size(u32::try_from(HEAD_BYTES).unwrap_or(u32::MAX))
            .keep_alive_interval(PING);
        let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
        watcher.watch(connection).await.map_err(io::Error::other)
    }
}

/// The name that a TLS client asks for, read without taking it from the connection.
async fn asked_name(stream: &TcpStream) -> io::Result<Option<String>> {
    let mut seen = 0;
    let mut bytes = vec![0; HELLO_BYTES];
    loop {
        let count = stream.peek(&mut bytes).await?;
        if count == 0 || count == bytes.len() {
            return Ok(None);
        }
        if count == seen {
            // Peeking does not wait for more than there is.
            tokio::time::sleep(Duration::from_millis(5)).await;
            continue;
        }
        seen = count;
        let mut acceptor = rustls::server::Acceptor::default();
        acceptor.read_tls(&mut bytes.get(..count).unwrap_or_default())?;
        match acceptor.accept() {
            Ok(Some(hello)) => return Ok(hello.client_hello().server_name().map(str::to_ascii_lowercase)),
            Ok(None) => {}
            Err((error, _)) => return Err(io::Error::other(error)),
        }
    }
}

/// Addresses that were asked for, as sockets: those that an earlier process hands over, or new ones.
pub fn bind(address: SocketAddr) -> io::Result<StdListener> {
    let listener = StdListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// For a connection that is passed on: the target's side of it.
pub async fn connect(target: SocketAddr) -> io::Result<TcpStream> {
    let stream = tokio::time::timeout(HANDSHAKE, TcpStream::connect(target)).await??;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Ends a connection that cannot be passed on, so that whoever asked is not left waiting.
pub async fn refuse(mut stream: TcpStream) -> io::Result<()> {
    stream.shutdown().await
}
