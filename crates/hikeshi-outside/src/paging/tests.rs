//! What a receiver does, and what is recorded of it. A whole page with a real SMTP server is among the tests of the binary.

#![expect(clippy::disallowed_methods, reason = "a receiver lives as long as its test")]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use hikeshi_domain::effect::{EffectKey, Work};
use hikeshi_domain::ids::{IncidentId, PersonId};
use hikeshi_domain::incident::Priority;
use hikeshi_domain::policy::{Language, MailSecurity, MailServer, Scheme, Webhook};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

fn options() -> Options {
    Options {
        spool: PathBuf::from("/nowhere"),
        program: PathBuf::from("/nowhere"),
        program_args: Vec::new(),
        base: PathBuf::from("/nowhere"),
        env: BTreeMap::from([(OsString::from("PAGE_KEY"), OsString::from("a-key-for-pages"))]),
        public_url: "https://hikeshi.test/".to_owned(),
        ledger: "l1".to_owned(),
        push_key: None,
    }
}

fn effect(address: Address) -> Effect {
    let order = PageOrder {
        about: About::Incident {
            incident: IncidentId(12),
            step: 1,
            title: "予約が\r\nBcc: everybody@example.test".to_owned(),
            priority: Priority::P1,
            scheme: Scheme::FourPriorities,
            serious: true,
            service: "予約".to_owned(),
            environment: "本番".to_owned(),
            detected_at: "2026-11-22T03:00:00Z".parse().expect("a time"),
        },
        person: PersonId::new("tanaka").expect("a handle"),
        name: "田中 太郎".to_owned(),
        number: 1,
        address,
        timeout_s: 1,
        language: Language::Ja,
        time_zone: "Asia/Tokyo".to_owned(),
        repeated: false,
        window: None,
        bundle: Vec::new(),
    };
    Effect { key: EffectKey("page/inc_12/1/tanaka/webhook/1".to_owned()), work: Work::Page(Box::new(order)) }
}

async fn outcome(effect: &Effect) -> Outcome {
    let Work::Page(order) = &effect.work else { panic!("a page") };
    perform(&options(), &slack::Memory::default(), effect, order).await.outcome
}

/// Answers one request with these bytes; `None`: says nothing at all.
async fn receiver(answer: Option<&'static str>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let url = format!("http://{}/page", listener.local_addr().expect("address"));
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a caller");
        let mut seen = vec![0; 65_536];
        assert!(stream.read(&mut seen).await.expect("a request") > 0);
        match answer {
            Some(answer) => stream.write_all(answer.as_bytes()).await.expect("an answer"),
            None => tokio::time::sleep(Duration::from_secs(5)).await,
        }
    });
    url
}

fn webhook(url: String, secret_env: Option<&str>) -> Effect {
    effect(Address::Webhook { webhook: Webhook { url, secret_env: secret_env.map(str::to_owned) } })
}

fn mail(to: &str, port: u16, security: MailSecurity, user_env: Option<&str>) -> Effect {
    let server = MailServer {
        host: "127.0.0.1".to_owned(),
        port,
        security,
        from: "hikeshi <pager@example.test>".to_owned(),
        user_env: user_env.map(str::to_owned),
        password_env: user_env.map(str::to_owned),
    };
    effect(Address::Mail { to: to.to_owned(), server: Box::new(server) })
}

async fn failed(effect: &Effect) -> String {
    match outcome(effect).await {
        Outcome::Failed { detail } => detail,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn only_a_success_is_a_success() {
    let taken = webhook(receiver(Some("HTTP/1.1 202 Accepted\r\ncontent-length: 5\r\n\r\nid\u{1b}17")).await, Some("PAGE_KEY"));
    assert_eq!(outcome(&taken).await, Outcome::Paged { reference: "id17".to_owned(), repeated: false, bundle: Vec::new() });
    for (answer, said) in [
        ("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 4\r\n\r\nbusy", "HTTP 503: busy"),
        ("HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n", "HTTP 429:"),
        ("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n", "HTTP 302:"),
    ] {
        assert_eq!(failed(&webhook(receiver(Some(answer)).await, None)).await, said);
    }
    assert!(!failed(&webhook(receiver(Some("nonsense")).await, None)).await.is_empty());
    assert!(failed(&webhook("http://127.0.0.1:1/".to_owned(), None)).await.contains("refused"));
}

#[tokio::test]
async fn a_receiver_that_says_nothing_has_failed_in_its_time() {
    let began = std::time::Instant::now();
    let url = receiver(None).await;
    assert!(!failed(&webhook(url, None)).await.is_empty());
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}

#[tokio::test]
async fn what_is_not_set_up_is_named() {
    assert_eq!(failed(&webhook("http://127.0.0.1:1/".to_owned(), Some("NOT_SET"))).await, "the environment variable NOT_SET is not set");
    let unset = mail("a@example.test", 1, MailSecurity::None, Some("NOT_SET"));
    assert_eq!(failed(&unset).await, "the environment variable NOT_SET is not set");
    assert!(failed(&mail("nobody", 1, MailSecurity::None, None)).await.starts_with("nobody is no mail address"));
    assert!(failed(&mail("a@example.test", 1, MailSecurity::None, None)).await.contains("refused"));
}

#[tokio::test]
async fn no_mail_goes_out_in_the_clear_unless_the_policy_says_so() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let port = listener.local_addr().expect("address").port();
    let spoken = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a caller");
        stream.write_all(b"220 ready\r\n").await.expect("a greeting");
        let mut seen = vec![0; 1_000];
        let mut all = Vec::new();
        // An answer that offers no encryption.
        let count = stream.read(&mut seen).await.expect("a greeting back");
        all.extend_from_slice(seen.get(..count).expect("read"));
        stream.write_all(b"250 plain\r\n").await.expect("an answer");
        while let Ok(count @ 1..) = stream.read(&mut seen).await {
            all.extend_from_slice(seen.get(..count).expect("read"));
        }
        String::from_utf8_lossy(&all).into_owned()
    });
    let why = failed(&mail("a@example.test", port, MailSecurity::Starttls, None)).await;
    assert!(!why.is_empty());
    let said = spoken.await.expect("it ended");
    assert!(!said.contains("MAIL FROM") && !said.contains("DATA"), "{said}");
}

#[test]
fn a_title_cannot_become_a_header() {
    let effect = mail("a@example.test", 1, MailSecurity::None, None);
    let Work::Page(order) = &effect.work else { panic!("a page") };
    let text = hikeshi_text::page_text(order, "https://hikeshi.test/incidents/inc_12");
    assert!(!text.subject.contains(['\r', '\n']), "{}", text.subject);
    let mut again = order.clone();
    again.repeated = true;
    assert!(hikeshi_text::page_text(&again, "").subject.starts_with("【再送】[P1] "));
    again.language = Language::En;
    let english = hikeshi_text::page_text(&again, "https://hikeshi.test/incidents/inc_12");
    assert!(english.subject.starts_with("[sent again] [P1] ") && english.body.contains("may reach you twice"), "{english:?}");
}
