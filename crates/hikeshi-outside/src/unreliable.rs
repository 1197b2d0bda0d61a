//! A server that misbehaves in the ways it is told, one after the other; for the tests of whatever calls out.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(crate) enum Way {
    /// Takes the request and never says a word.
    Silent,
    /// One byte of the head at a time, and never the end of it.
    SlowHead,
    /// Promises more than it sends, and goes away.
    Cut,
    /// A body that never ends.
    Endless,
    /// Status, further header lines, body.
    Says(u16, &'static str, &'static str),
}

pub(crate) struct Unreliable {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Unreliable {
    /// Each connection gets the next way; when there are no more, none is taken.
    pub(crate) fn start(ways: Vec<Way>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&asked);
        std::thread::spawn(move || {
            let mut kept = Vec::new();
            for way in ways {
                let (mut stream, _) = listener.accept().expect("a connection");
                heard.lock().expect("heard").push(request(&mut stream));
                kept.push(std::thread::spawn(move || behave(&mut stream, &way)));
            }
        });
        Self { url, asked }
    }

    /// First line and body of each request.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("heard").clone()
    }
}

fn request(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0_u8; 1];
    while !head.ends_with(b"\r\n\r\n") && stream.read_exact(&mut byte).is_ok() {
        head.extend_from_slice(&byte);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0_u8; length.unwrap_or(0)];
    stream.read_exact(&mut body).expect("a body");
    format!("{} {}", head.lines().next().unwrap_or_default(), String::from_utf8_lossy(&body))
}

/// Whoever asked may have gone away meanwhile, which ends it.
fn behave(stream: &mut TcpStream, way: &Way) {
    let gone = match way {
        Way::Silent => {
            std::thread::sleep(Duration::from_secs(60));
            Ok(())
        }
        Way::SlowHead => {
            for byte in b"HTTP/1.1 200 OK\r\nx-slow: ".iter().chain(std::iter::repeat_n(&b'a', 10_000)) {
                if stream.write_all(&[*byte]).is_err() {
                    return;
                }
                std::thread::sleep(Duration::from_millis(50));
            }
            Ok(())
        }
        Way::Cut => stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{\"ok\": true, "),
        Way::Endless => {
            let mut sent = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n\"");
            while sent.is_ok() {
                sent = stream.write_all(&[b'a'; 64 * 1024]);
            }
            sent
        }
        Way::Says(status, headers, body) => {
            let length = body.len();
            write!(stream, "HTTP/1.1 {status} Told\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}")
        }
    };
    drop(gone);
}
