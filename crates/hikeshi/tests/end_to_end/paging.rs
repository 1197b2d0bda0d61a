//! People are called, whatever dies meanwhile: a receiver of webhooks, and a real SMTP server that decodes the mail.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::double::packages;
use super::harness::{Workspace, until};

const PEOPLE: &[&str] = &["tanaka", "ito"];

/// How a receiver answers.
#[derive(Clone, Copy, PartialEq)]
pub enum Mood {
    Takes,
    Refuses,
    /// Reads, and says nothing for as long as the caller waits.
    Hangs,
}

pub struct Call {
    pub body: Value,
    pub key: String,
    pub signature: String,
    raw: Vec<u8>,
}

/// Takes pages over HTTP.
pub struct Receiver {
    pub url: String,
    pub calls: Arc<Mutex<Vec<Call>>>,
    mood: Arc<Mutex<Mood>>,
}

impl Receiver {
    pub fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bound");
        let url = format!("http://{}", listener.local_addr().expect("address"));
        let (calls, mood) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Mood::Takes)));
        let (all, now) = (Arc::clone(&calls), Arc::clone(&mood));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (all, mood) = (Arc::clone(&all), *now.lock().expect("mood"));
                std::thread::spawn(move || answer(stream, &all, mood));
            }
        });
        Self { url, calls, mood }
    }

    pub fn is(&self, mood: Mood) {
        *self.mood.lock().expect("mood") = mood;
    }

    pub fn keys(&self) -> Vec<String> {
        self.calls.lock().expect("calls").iter().map(|call| call.key.clone()).collect()
    }
}

fn answer(mut stream: TcpStream, calls: &Mutex<Vec<Call>>, mood: Mood) {
    let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
    let (mut length, mut key, mut signature) = (0, String::new(), String::new());
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
            break;
        }
        let (name, value) =
            line.trim_end().split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned())).unwrap_or_default();
        match name.as_str() {
            "content-length" => length = value.parse().expect("a length"),
            "idempotency-key" => key = value,
            "x-hikeshi-signature-256" => signature = value,
            _ => {}
        }
    }
    let mut raw = vec![0; length];
    if reader.read_exact(&mut raw).is_err() {
        return;
    }
    let body = serde_json::from_slice(&raw).expect("JSON");
    calls.lock().expect("calls").push(Call { body, key, signature, raw });
    if mood == Mood::Hangs {
        std::thread::sleep(Duration::from_secs(8));
    }
    let answer = if mood == Mood::Refuses { "503 Service Unavailable" } else { "200 OK" };
    drop(write!(stream, "HTTP/1.1 {answer}\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"));
}

const POSTBOX: &str = r#"
import email, json, sys
from email.policy import default
from aiosmtpd.controller import Controller
class Box:
    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=default)
        print(json.dumps({"to": envelope.rcpt_tos, "subject": mail["subject"], "id": mail["message-id"], "to_header": str(mail["to"]),
                          "auto": mail["auto-submitted"], "leave": mail["list-unsubscribe"], "one_click": mail["list-unsubscribe-post"], "body": mail.get_content()}), flush=True)
        return "250 queued as 1"
controller = Controller(Box(), hostname="127.0.0.1", port=int(sys.argv[1]))
controller.start()
print("ready", flush=True)
sys.stdin.read()
"#;

pub fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bound").local_addr().expect("address").port()
}

/// A real SMTP server of another make.
pub struct Postbox {
    child: Child,
    pub port: u16,
    pub mails: Arc<Mutex<Vec<Value>>>,
}

impl Drop for Postbox {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Postbox {
    pub fn start() -> Self {
        let python = packages().parent().expect("the cache").join("venv/bin/python");
        let port = free_port();
        let mut child = Command::new(&python)
            .args(["-c", POSTBOX, &port.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}; `./test tools` installs it", python.display()));
        let mut lines = BufReader::new(child.stdout.take().expect("stdout")).lines();
        assert_eq!(lines.next().expect("a line").expect("text"), "ready");
        let mails = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&mails);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                all.lock().expect("mails").push(serde_json::from_str(&line).expect("JSON"));
            }
        });
        Self { child, port, mails }
    }

    fn count(&self) -> usize {
        self.mails.lock().expect("mails").len()
    }
}

/// ito leads the second step; tanaka, who operates, is called first.
fn workspace(name: &str, receiver: &Receiver, mail_port: u16) -> Workspace {
    let mut workspace = Workspace::new(name).policy(|policy| {
        let reached = |person: &str| {
            format!("email = \"{person}@example.test\"\nwebhook = {{ url = \"{}/{person}\", secret_env = \"PAGE_KEY\" }}\n", receiver.url)
        };
        let policy = policy
            .replace("name = \"田中 太郎\"\n", &format!("name = \"田中 太郎\"\n{}", reached("tanaka")))
            .replace("name = \"伊藤 健\"\n", &format!("name = \"伊藤 健\"\n{}", reached("ito")));
        format!(
            "{policy}\n[incident]\nserious_at_once = []\nescalation = [{{ after_min = 0, people = [\"tanaka\"] }}, {{ after_min = 15, people = [\"ito\"] }}]\n\
             [paging]\ntimeout_s = 2\n[paging.mail]\nhost = \"127.0.0.1\"\nport = {mail_port}\nsecurity = \"none\"\nfrom = \"hikeshi <pager@example.test>\"\n"
        )
    });
    workspace.env.insert("PAGE_KEY".to_owned(), "a-key-for-pages".to_owned());
    workspace.introduced(PEOPLE)
}

fn pages(workspace: &Workspace, incident: &str) -> Vec<Value> {
    let view = workspace.ok("tanaka", &["incident", "show", incident]);
    view["incident"]["pages"].as_array().cloned().unwrap_or_default()
}

/// `tanaka/webhook/1 sent`
fn attempts(workspace: &Workspace, incident: &str) -> Vec<String> {
    let pages = pages(workspace, incident);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let of = |page: &Value| {
        let person = text(&page["person"]);
        let attempts = page["attempts"].as_array().cloned().unwrap_or_default();
        let line = move |attempt: &Value| {
            let again = if attempt["end"]["repeated"] == true { " again" } else { "" };
            format!("{person}/{}/{} {}{again}", text(&attempt["means"]), attempt["number"], text(&attempt["end"]["how"]))
        };
        attempts.iter().map(line).collect::<Vec<_>>()
    };
    pages.iter().flat_map(of).collect()
}

fn no_difference(workspace: &Workspace) {
    let compared = workspace.ok("admin", &["ledger", "rebuild"]);
    assert_eq!(compared["comparison"]["differences"], serde_json::json!([]), "the tables are what the ledger says");
}

mod slow {
    use super::*;

    #[test]
    fn a_page_arrives_signed_and_falls_over_to_mail_that_another_program_can_read() {
        let (receiver, postbox) = (Receiver::start(), Postbox::start());
        let mut workspace = workspace("paging", &receiver, postbox.port);
        let first = workspace.open_incident();
        until("the receiver has the page", || receiver.keys() == [format!("page/{first}/1/tanaka/webhook/1")]);
        until("that it was sent is recorded", || attempts(&workspace, &first) == ["tanaka/webhook/1 sent"]);
        {
            let calls = receiver.calls.lock().expect("calls");
            let call = calls.first().expect("one");
            assert_eq!(call.body["title"], "予約が止まった");
            assert_eq!((&call.body["repeated"], &call.body["person"]), (&Value::Bool(false), &Value::from("tanaka")));
            assert!(call.body["url"].as_str().is_some_and(|url| url.ends_with(&format!("/incidents/{first}"))), "{}", call.body);
            let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"a-key-for-pages");
            let signature: String = ring::hmac::sign(&key, &call.raw).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(call.signature, format!("sha256={signature}"));
        }
        receiver.is(Mood::Refuses);
        let second = workspace.open_incident();
        until("the mail has arrived", || postbox.count() == 1);
        until("both are recorded", || attempts(&workspace, &second) == ["tanaka/webhook/1 failed", "tanaka/mail/1 sent"]);
        let mail = postbox.mails.lock().expect("mails").first().expect("one").clone();
        assert_eq!(mail["subject"], format!("[P1] 予約が止まった ({second})"));
        assert_eq!(mail["to"], serde_json::json!(["tanaka@example.test"]));
        assert_eq!(mail["auto"], "auto-generated");
        let body = mail["body"].as_str().expect("text");
        assert!(
            body.starts_with("田中 太郎さん、対応をお願いします。")
                && body.lines().any(|line| line.ends_with(&format!("/incidents/{second}"))),
            "{body}"
        );
        assert!(mail["id"].as_str().is_some_and(|id| id.starts_with(&format!("<page.{second}.1.tanaka.mail.1@"))), "{mail}");
        workspace.kill();
        workspace.start();
        no_difference(&workspace);
    }

    /// `webhook: sent proven`
    fn ways(workspace: &Workspace, person: &str) -> Vec<String> {
        let view = workspace.ok("tanaka", &["contact", "list"]);
        let people = view["people"].as_array().cloned().unwrap_or_default();
        let known = people.into_iter().find(|known| known["person"] == person).expect("a person");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let line = |way: &Value| {
            let proven = if way["proven_at"].is_string() { " proven" } else { "" };
            format!("{}: {}{proven}", text(&way["means"]), text(&way["contact"]["end"]["how"]))
        };
        known["ways"].as_array().expect("ways").iter().map(line).collect()
    }

    #[test]
    fn m2_a_test_page_goes_by_every_means_survives_a_kill_and_only_its_owner_proves_it() {
        let (receiver, postbox) = (Receiver::start(), Postbox::start());
        let mut workspace = workspace("contacts", &receiver, postbox.port);
        assert_eq!(ways(&workspace, "tanaka"), ["webhook: ", "mail: "]);
        workspace.kill();
        workspace.start();
        workspace.ok("ito", &["contact", "test", "tanaka"]);
        workspace.kill();
        workspace.start();
        until("both were taken", || ways(&workspace, "tanaka") == ["webhook: sent", "mail: sent"]);
        {
            let calls = receiver.calls.lock().expect("calls");
            let call = calls.last().expect("one");
            assert_eq!((call.key.as_str(), &call.body["test"]), ("page/test/tanaka/webhook/1", &Value::Bool(true)));
            assert!(
                call.body["incident"].is_null() && call.body["url"].as_str().is_some_and(|url| url.ends_with("/contacts")),
                "{}",
                call.body
            );
        }
        let mail = postbox.mails.lock().expect("mails").last().expect("one").clone();
        assert!(mail["subject"].as_str().is_some_and(|subject| subject.contains("【テスト】")), "{mail}");
        assert!(mail["body"].as_str().is_some_and(|body| body.contains("障害は起きていません") && body.contains("伊藤 健")), "{mail}");

        let again = workspace.run("ito", &["contact", "test", "tanaka"]);
        assert_eq!(again.status.code(), Some(4), "not twice within five minutes: {}", super::super::harness::text(&again));
        assert_eq!(workspace.run("ito", &["contact", "confirm", "mail"]).status.code(), Some(4), "for oneself only");
        workspace.ok("tanaka", &["contact", "confirm", "mail"]);
        assert_eq!(ways(&workspace, "tanaka"), ["webhook: sent", "mail: sent proven"]);
        assert_eq!(workspace.ok("tanaka", &["incident", "list"])["rows"], serde_json::json!([]), "a test is no incident");
        no_difference(&workspace);
    }

    #[test]
    fn a_receiver_that_hangs_costs_its_own_time_only_and_the_next_step_comes_when_nobody_is_reached() {
        let receiver = Receiver::start();
        // Nothing listens where mail is sent.
        let workspace = workspace("pagehang", &receiver, free_port());
        receiver.is(Mood::Hangs);
        let began = Instant::now();
        let incident = workspace.open_incident();
        until("ito is called, 15 minutes before the time", || receiver.keys().contains(&format!("page/{incident}/2/ito/webhook/1")));
        assert!(began.elapsed() < Duration::from_secs(6), "2 s for the one that hangs: {:?}", began.elapsed());
        let seen = attempts(&workspace, &incident);
        assert_eq!(seen.get(..2), Some(["tanaka/webhook/1 failed".to_owned(), "tanaka/mail/1 failed".to_owned()].as_slice()), "{seen:?}");
        workspace.ok("ito", &["incident", "ack", &incident]);
    }

    #[test]
    fn what_was_accepted_is_paged_although_the_server_dies() {
        let receiver = Receiver::start();
        let mut workspace = workspace("pagekill", &receiver, 1);
        for number in 1..=6_u64 {
            receiver.is(if number % 2 == 0 { Mood::Hangs } else { Mood::Takes });
            let incident = workspace.open_incident();
            if number % 2 == 0 {
                // It is on its way, and its answer never comes back.
                until("the receiver has it", || receiver.keys().contains(&format!("page/{incident}/1/tanaka/webhook/1")));
            }
            workspace.kill();
            receiver.is(Mood::Takes);
            workspace.start();
            let key = format!("page/{incident}/1/tanaka/webhook/1");
            until("it is recorded as sent", || attempts(&workspace, &incident).first().is_some_and(|line| line.contains("sent")));
            let arrived = receiver.keys().iter().filter(|other| **other == key).count();
            assert!((1..=2).contains(&arrived), "lost or doubled more than once: {arrived}");
            if arrived == 2 {
                assert_eq!(attempts(&workspace, &incident), ["tanaka/webhook/1 sent again"], "whoever got it twice is told so");
                let calls = receiver.calls.lock().expect("calls");
                let repeated: Vec<&Value> = calls.iter().filter(|call| call.key == key).map(|call| &call.body["repeated"]).collect();
                assert_eq!(repeated, [false, true]);
            } else {
                assert!(number % 2 == 1, "what was cut off is sent again");
            }
            workspace.ok("tanaka", &["incident", "ack", &incident]);
        }
        no_difference(&workspace);
    }
}
