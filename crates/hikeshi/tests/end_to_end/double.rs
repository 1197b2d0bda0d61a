//! A double of a service elsewhere, as a process of its own: started with node, steered over its /control addresses, ended with the test.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

pub struct Double {
    child: Child,
    address: String,
    pub url: String,
}

impl Drop for Double {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn e2e() -> PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../e2e")
}

/// Where the pinned packages are: what `./test` says, or its cache.
#[expect(clippy::disallowed_methods, reason = "where the tools of this run are is said by its environment")]
pub fn packages() -> PathBuf {
    let home = std::env::var("HOME").unwrap_or_default();
    let cache = std::env::var("HIKESHI_CACHE").unwrap_or_else(|_| format!("{home}/.cache/hikeshi"));
    PathBuf::from(std::env::var("HIKESHI_E2E").unwrap_or_else(|_| format!("{cache}/e2e")))
}

impl Double {
    /// `slack/double.js`
    pub fn start(script: &str) -> Self {
        Self::start_with(script, &[])
    }

    pub fn start_with(script: &str, env: &[(&str, &str)]) -> Self {
        assert!(packages().join("node_modules/ws").is_dir(), "the packages of e2e are not installed; `./test tools` installs them");
        let mut child = Command::new("node")
            .arg(e2e().join(script))
            .env("HIKESHI_E2E", packages())
            .envs(env.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("stdout")).read_line(&mut line).expect("a line");
        let said: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        let url = said["url"].as_str().expect("an address").to_owned();
        Self { child, address: url.trim_start_matches("http://").to_owned(), url }
    }

    pub fn control(&self, what: &str, given: &Value) -> Value {
        let (status, body) = post(&self.address, &format!("/control/{what}"), "application/json", &[], given.to_string().as_bytes());
        assert_eq!(status, 200, "{what}: {body}");
        serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}"))
    }

    pub fn list(&self, what: &str) -> Vec<Value> {
        self.control(what, &json!({}))[what].as_array().cloned().unwrap_or_default()
    }
}

/// One plain request; status and body.
pub fn post(address: &str, path: &str, kind: &str, headers: &[(&str, &str)], body: &[u8]) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("connected");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("set");
    let more: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!("POST {path} HTTP/1.0\r\nhost: {address}\r\ncontent-type: {kind}\r\n{more}content-length: {}\r\n\r\n", body.len());
    stream.write_all(&[head.as_bytes(), body].concat()).expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    let text = String::from_utf8_lossy(&answer).into_owned();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    (status, text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
}
