//! A proxy as a process of its own, and clients of it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::SendRequest;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpStream, UnixStream};

pub struct World {
    pub folder: PathBuf,
    pub http: SocketAddr,
    pub https: Option<SocketAddr>,
    pub certificates: Vec<PathBuf>,
    pub child: Child,
}

/// Each caller has another one: the system gives it, and it is free again.
pub fn port() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

pub fn folder() -> PathBuf {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("hikeshi-proxy-{}-{number}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

impl World {
    pub async fn new() -> Self {
        Self::with(None, Vec::new()).await
    }

    pub async fn with(https: Option<SocketAddr>, certificates: Vec<PathBuf>) -> Self {
        let (folder, http) = (folder(), port());
        let child = spawn(&folder, http, https, &certificates, &[]);
        let world = Self { folder, http, https, certificates, child };
        world.ready().await;
        world
    }

    /// Another process on the same state.
    pub fn again(&self, more: &[&str]) -> Child {
        spawn(&self.folder, self.http, self.https, &self.certificates, more)
    }

    pub async fn restart(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.child = self.again(&[]);
        self.ready().await;
    }

    pub fn control(&self) -> PathBuf {
        self.folder.join("control.sock")
    }

    pub async fn ready(&self) {
        let until = Instant::now() + Duration::from_secs(20);
        while Instant::now() < until {
            if let Ok(stream) = UnixStream::connect(self.control()).await {
                drop(stream);
                if TcpStream::connect(self.http).await.is_ok() {
                    return;
                }
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the proxy did not begin");
    }

    pub async fn tell(&self, method: &str, path: &str, body: Value) -> (StatusCode, Value) {
        let stream = UnixStream::connect(self.control()).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let request = Request::builder().method(method).uri(path).header("host", "control").body(Full::<Bytes>::from(body)).unwrap();
        let answer = sender.send_request(request).await.unwrap();
        let status = answer.status();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned())))
    }

    /// It has to be done.
    pub async fn done(&self, method: &str, path: &str, body: Value) -> Value {
        let (status, said) = self.tell(method, path, body).await;
        assert_eq!(status, StatusCode::OK, "{path}: {said}");
        said
    }

    pub async fn route(&self, asked: Value) {
        self.done("PUT", "/v1/routes/shop", asked).await;
    }

    pub async fn deploy(&self, version: &str, targets: &[SocketAddr]) -> Value {
        self.done("POST", "/v1/routes/shop/deploy", deploy(version, targets)).await
    }

    pub async fn get(&self, path: &str) -> (StatusCode, String) {
        let mut client = Keeper::new(self.http).await;
        client.get(path).await.expect("an answer")
    }
}

pub fn deploy(version: &str, targets: &[SocketAddr]) -> Value {
    serde_json::json!({ "arm": { "version": version, "targets": targets } })
}

fn spawn(folder: &std::path::Path, http: SocketAddr, https: Option<SocketAddr>, certificates: &[PathBuf], more: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hikeshi-proxy"));
    command.arg("run").args(["--http", &http.to_string()]);
    command.args([
        "--control".as_ref(),
        folder.join("control.sock").as_os_str(),
        "--state".as_ref(),
        folder.join("state.json").as_os_str(),
    ]);
    if let Some(https) = https {
        command.args(["--https", &https.to_string()]);
    }
    for file in certificates {
        command.arg("--certificate").arg(file);
    }
    let log = std::fs::File::options().create(true).append(true).open(folder.join("log")).unwrap();
    command.args(more).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().expect("the proxy")
}

impl Drop for World {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

/// A client that keeps its connection, as browsers do.
pub struct Keeper {
    address: SocketAddr,
    sender: SendRequest<Full<Bytes>>,
    pub cookie: Option<String>,
    pub opened: u32,
}

impl Keeper {
    pub async fn new(address: SocketAddr) -> Self {
        Self { sender: opened(address).await.expect("a connection"), address, cookie: None, opened: 1 }
    }

    pub async fn ask(&mut self, method: &str, path: &str, body: &str) -> anyhow::Result<Response<Incoming>> {
        if self.sender.ready().await.is_err() {
            self.sender = opened(self.address).await?;
            self.opened += 1;
        }
        let mut request = Request::builder().method(method).uri(path).header("host", "shop.example.jp");
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        Ok(self.sender.send_request(request.body(Full::from(body.to_owned()))?).await?)
    }

    pub async fn get(&mut self, path: &str) -> anyhow::Result<(StatusCode, String)> {
        let answer = self.ask("GET", path, "").await?;
        let status = answer.status();
        Ok((status, String::from_utf8(answer.into_body().collect().await?.to_bytes().to_vec())?))
    }
}

async fn opened(address: SocketAddr) -> anyhow::Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

/// Clients that ask without a pause until told to stop, and what they saw.
pub struct Load {
    stop: Arc<AtomicBool>,
    clients: Vec<tokio::task::JoinHandle<Seen>>,
}

#[derive(Default, Debug)]
pub struct Seen {
    pub good: u64,
    pub failed: Vec<String>,
    pub opened: u32,
    /// When each answer was asked for, when it was there, and which version gave it.
    pub versions: Vec<(Instant, Instant, String)>,
}

impl Load {
    pub fn begin(address: SocketAddr, clients: usize, path: &'static str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let clients = (0..clients).map(|_| tokio::spawn(one(address, path, Arc::clone(&stop)))).collect();
        Self { stop, clients }
    }

    pub async fn end(self) -> Seen {
        self.stop.store(true, Ordering::Release);
        let mut all = Seen::default();
        for client in self.clients {
            let seen = client.await.unwrap();
            all.good += seen.good;
            all.failed.extend(seen.failed);
            all.opened += seen.opened;
            all.versions.extend(seen.versions);
        }
        all
    }
}

async fn one(address: SocketAddr, path: &'static str, stop: Arc<AtomicBool>) -> Seen {
    let mut seen = Seen::default();
    let mut client = Keeper::new(address).await;
    while !stop.load(Ordering::Acquire) {
        let asked = Instant::now();
        match client.get(path).await {
            Ok((StatusCode::OK, text)) => {
                seen.good += 1;
                seen.versions.push((asked, Instant::now(), text));
            }
            Ok((status, text)) => seen.failed.push(format!("{status} {text}")),
            Err(error) => seen.failed.push(error.to_string()),
        }
    }
    seen.opened = client.opened;
    seen
}
