//! The source of alerts, which is the same for whoever takes them: `POST …/api/v2/alerts` as Prometheus sends it, on a connection that is kept.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, ensure};

/// A number that the page about it carries, too, so that the receiver knows what it was called for.
pub type Id = u64;

/// Digits of an [`Id`] in a name, so that a name is found in any text.
pub const DIGITS: usize = 12;
pub const MARK: &str = "hkt";

const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

pub fn name(id: Id) -> String {
    format!("{MARK}{id:0DIGITS$}")
}

/// One alert for each, that goes on for hours: nobody has to repeat it.
pub fn body(ids: impl IntoIterator<Item = Id>) -> anyhow::Result<String> {
    body_of(ids.into_iter().map(|id| (id, 1)))
}

/// The same with alerts of several machines that are one trouble.
pub fn body_of(alerts: impl IntoIterator<Item = (Id, u64)>) -> anyhow::Result<String> {
    #[expect(clippy::disallowed_methods, reason = "what is sent says when it ends, by the clock of this machine")]
    let ends_at = jiff::Timestamp::now().checked_add(jiff::SignedDuration::from_hours(6))?;
    let alert = |(id, machine): (Id, u64)| {
        serde_json::json!({
            "labels": {"alertname": name(id), "severity": "critical", "instance": format!("db{machine}.example.jp:9100")},
            "annotations": {"summary": format!("予約のデータベースが応答しない {}", name(id))},
            "endsAt": ends_at.to_string(), "generatorURL": "http://prometheus.example.jp/graph",
        })
    };
    Ok(serde_json::to_string(&alerts.into_iter().map(alert).collect::<Vec<_>>())?)
}

/// Where alerts are sent to, and with what proof.
#[derive(Clone)]
pub struct To {
    pub port: u16,
    pub path: String,
    pub token: Option<String>,
}

pub struct Sender {
    stream: BufReader<TcpStream>,
    head: String,
}

impl Sender {
    pub fn connect(to: &To) -> anyhow::Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, to.port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
        let proof = to.token.as_ref().map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        let head = format!("POST {} HTTP/1.1\r\nHost: localhost:{}\r\n{proof}Content-Type: application/json\r\n", to.path, to.port);
        Ok(Self { stream: BufReader::new(stream), head })
    }

    pub fn send(&mut self, body: &str) -> anyhow::Result<()> {
        self.send_with("", body)
    }

    fn send_with(&mut self, header: &str, body: &str) -> anyhow::Result<()> {
        let request = format!("{}{header}Content-Length: {}\r\n\r\n{body}", self.head, body.len());
        Ok(self.stream.get_mut().write_all(request.as_bytes())?)
    }

    /// Whether it was accepted; an error when whoever was asked has died.
    pub fn answer(&mut self) -> anyhow::Result<bool> {
        let mut line = String::new();
        ensure!(self.stream.read_line(&mut line)? > 0, "no answer");
        let status = line.split(' ').nth(1).and_then(|status| status.parse::<u16>().ok()).context("a status")?;
        let (mut length, mut header) = (0, String::new());
        loop {
            header.clear();
            ensure!(self.stream.read_line(&mut header)? > 0, "half an answer");
            if header == "\r\n" {
                break;
            }
            if let Some((_, value)) = header.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("content-length")) {
                length = value.trim().parse()?;
            }
        }
        let mut rest = vec![0; length];
        self.stream.read_exact(&mut rest)?;
        Ok((200..300).contains(&status))
    }

    pub fn post(&mut self, body: &str) -> anyhow::Result<()> {
        self.send(body)?;
        ensure!(self.answer()?, "not accepted");
        Ok(())
    }

    /// A command of a person, under a key of its own.
    pub fn command(&mut self, key: &str, body: &str) -> anyhow::Result<()> {
        self.send_with(&format!("Idempotency-Key: {key}\r\n"), body)?;
        ensure!(self.answer()?, "{key}: refused");
        Ok(())
    }
}
