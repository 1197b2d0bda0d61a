//! A small application: says its version, is as slow, unwell or talkative as the path asks.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Up {
    Well,
    Status(u16, &'static str),
    Hangs,
    /// By turns.
    Flaps,
}

pub struct Site {
    pub address: SocketAddr,
    pub up: Arc<Mutex<Up>>,
    /// Method, path and headers of each request but those for health.
    pub heard: Arc<Mutex<Vec<String>>>,
    serving: JoinHandle<()>,
}

impl Site {
    pub async fn new(version: &'static str) -> Self {
        Self::at(version, "127.0.0.1:0".parse().unwrap()).await
    }

    pub async fn at(version: &'static str, address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (up, heard) = (Arc::new(Mutex::new(Up::Well)), Arc::<Mutex<Vec<String>>>::default());
        let serving = tokio::spawn(serve(version, listener, Arc::clone(&up), Arc::clone(&heard)));
        Self { address, up, heard, serving }
    }

    pub fn is(&self, up: Up) {
        *self.up.lock().unwrap() = up;
    }

    /// As `kill -9`: the listener and every connection are gone at once.
    pub fn kill(&self) {
        self.serving.abort();
    }

    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(version: &'static str, listener: TcpListener, up: Arc<Mutex<Up>>, heard: Arc<Mutex<Vec<String>>>) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (up, heard) = (Arc::clone(&up), Arc::clone(&heard));
        let service = service_fn(move |request| {
            let (up, heard) = (Arc::clone(&up), Arc::clone(&heard));
            async move { Ok::<_, Infallible>(answer(version, &up, &heard, request).await) }
        });
        let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades();
        connections.spawn(async move { drop(connection.await) });
    }
}

async fn answer(
    version: &'static str,
    up: &Mutex<Up>,
    heard: &Mutex<Vec<String>>,
    mut request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    let path = request.uri().path().to_owned();
    if path == "/up" {
        return health(up).await;
    }
    heard.lock().unwrap().push(format!("{} {} {:?}", request.method(), request.uri(), request.headers()));
    let text = match path.as_str() {
        "/slow" => {
            let ms = request.uri().query().and_then(|query| query.parse().ok()).unwrap_or(300);
            tokio::time::sleep(Duration::from_millis(ms)).await;
            version.to_owned()
        }
        "/echo" => {
            let bytes = request.into_body().collect().await.map(|all| all.to_bytes()).unwrap_or_default();
            format!("{} bytes", bytes.len())
        }
        "/headers" => format!("{:?}", request.headers()),
        "/broken" => {
            let mut answer = Response::new(Full::from("broken"));
            *answer.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            return answer;
        }
        "/socket" => {
            let upgrade = hyper::upgrade::on(&mut request);
            tokio::spawn(async move {
                let Ok(upgraded) = upgrade.await else { return };
                let mut stream = TokioIo::new(upgraded);
                let mut bytes = [0; 1024];
                while let Ok(count @ 1..) = stream.read(&mut bytes).await {
                    if stream.write_all(&bytes[..count]).await.is_err() {
                        return;
                    }
                }
            });
            let answer = Response::builder().status(101).header("connection", "upgrade").header("upgrade", "echo");
            return answer.body(Full::default()).unwrap();
        }
        _ => version.to_owned(),
    };
    Response::new(Full::from(text))
}

async fn health(up: &Mutex<Up>) -> Response<Full<Bytes>> {
    let now = *up.lock().unwrap();
    let (status, location) = match now {
        Up::Well => (200, ""),
        Up::Status(status, location) => (status, location),
        Up::Hangs => {
            tokio::time::sleep(Duration::from_secs(60)).await;
            (200, "")
        }
        Up::Flaps => {
            *up.lock().unwrap() = Up::Well;
            (503, "")
        }
    };
    let mut answer = Response::builder().status(status);
    if !location.is_empty() {
        answer = answer.header("location", location);
    }
    answer.body(Full::from("データベースに接続できません")).unwrap()
}
