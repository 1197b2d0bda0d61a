//! Pages to browsers, through a double of a push service that decrypts what it gets as a browser does, with software of another make.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::double::Double;
use super::harness::{Workspace, json as answer, read, until};
use super::paging::Receiver;

/// tanaka is called first, in their browsers and then by a webhook.
fn workspace(name: &str, push: &Double, receiver: &Receiver) -> Workspace {
    Workspace::new(name)
        .policy(|policy| {
            let policy = policy
                .replace("name = \"田中 太郎\"\n", &format!("name = \"田中 太郎\"\nwebhook = {{ url = \"{}/tanaka\" }}\n", receiver.url));
            format!(
                "{policy}\n[incident]\nserious_at_once = []\nescalation = [{{ after_min = 0, people = [\"tanaka\"] }}]\n\
                 [paging]\ntimeout_s = 2\nrules = [{{ after_min = 0, by = [\"web_push\", \"webhook\"] }}]\n\
                 [paging.web_push]\ncontact = \"mailto:ops@example.jp\"\nallow = [\"{}\"]\n",
                push.url
            )
        })
        .introduced(&["tanaka", "ito"])
}

/// Somebody's browser, signed in.
struct Session {
    address: String,
    cookie: String,
}

impl Session {
    fn of(workspace: &Workspace, person: &str) -> Self {
        let link = workspace.ok("admin", &["people", "invite", person])["link"].as_str().expect("a link").to_owned();
        let secret = link.split("link=").nth(1).expect("a secret").split('&').next().expect("a secret").to_owned();
        let mut session = Self { address: format!("localhost:{}", workspace.port), cookie: String::new() };
        let (head, _) = session.ask("POST", "/signin/link", "application/x-www-form-urlencoded", "", &format!("link={secret}&next=/"));
        let set = head.lines().find_map(|line| line.to_lowercase().starts_with("set-cookie:").then(|| line.to_owned())).expect("a cookie");
        session.cookie = set.split_once(": ").expect("a value").1.split(';').next().expect("a pair").to_owned();
        session
    }

    fn ask(&self, method: &str, path: &str, kind: &str, token: &str, body: &str) -> (String, String) {
        let mut stream = TcpStream::connect(&self.address).expect("connected");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("set");
        let head = format!(
            "{method} {path} HTTP/1.0\r\nhost: {}\r\norigin: http://{}\r\ncookie: {}\r\nx-hikeshi-token: {token}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n",
            self.address,
            self.address,
            self.cookie,
            body.len()
        );
        stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).expect("sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer");
        let text = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").expect("head and body");
        (head.to_owned(), body.to_owned())
    }

    fn page(&self) -> String {
        self.ask("GET", "/contacts", "text/plain", "", "").1
    }

    fn attribute(&self, name: &str) -> String {
        let page = self.page();
        let rest = page.split(&format!("{name}=\"")).nth(1).unwrap_or_else(|| panic!("{name}: {page}"));
        rest.split('"').next().expect("a value").to_owned()
    }

    fn subscribe(&self, given: &Value, label: &str) -> (u16, Value) {
        let token = self.attribute("data-token");
        let mut body = given.clone();
        body["label"] = json!(label);
        let (head, body) = self.ask("POST", "/contacts/browsers", "application/json", &token, &body.to_string());
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        (status, serde_json::from_str(&body).unwrap_or_default())
    }
}

fn attempts(workspace: &Workspace, incident: &str) -> Vec<String> {
    let view = workspace.ok("tanaka", &["incident", "show", incident]);
    let pages = view["incident"]["pages"].as_array().cloned().unwrap_or_default();
    let attempts = pages.iter().flat_map(|page| page["attempts"].as_array().cloned().unwrap_or_default());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    attempts.map(|attempt| format!("{}/{} {}", text(&attempt["means"]), attempt["number"], text(&attempt["end"]["how"]))).collect()
}

fn ways(workspace: &Workspace) -> Vec<String> {
    let view = workspace.ok("tanaka", &["contact", "list"]);
    let people = view["people"].as_array().cloned().unwrap_or_default();
    let tanaka = people.into_iter().find(|known| known["person"] == "tanaka").expect("tanaka");
    tanaka["ways"].as_array().expect("ways").iter().map(|way| way["means"].as_str().unwrap_or_default().to_owned()).collect()
}

mod slow {
    use super::*;

    #[test]
    fn a_browser_is_subscribed_called_and_forgotten_when_it_is_gone() {
        let (push, receiver) = (Double::start("push/double.js"), Receiver::start());
        let mut workspace = workspace("webpush", &push, &receiver);
        assert_eq!(ways(&workspace), ["webhook"], "without a browser there is no such way");
        let tanaka = Session::of(&workspace, "tanaka");
        let key = tanaka.attribute("data-key");
        let phone = push.control("subscribe", &json!({"key": key}));
        let (status, said) = tanaka.subscribe(&phone, "私の電話");
        assert_eq!(status, 200, "{said}");
        assert!(said["to"].as_str().is_some_and(|to| to.starts_with("/contacts")), "{said}");
        assert_eq!(ways(&workspace), ["webhook", "web_push"]);
        assert!(tanaka.page().contains("私の電話"));

        // The ledger names it by its digest; whoever reads it cannot send there.
        let ledger = workspace.ok("admin", &["ledger", "show"]).to_string();
        let endpoint = phone["endpoint"].as_str().expect("an address");
        let secret = endpoint.rsplit('/').next().expect("an id");
        assert!(
            ledger.contains("私の電話") && !ledger.contains(secret) && !ledger.contains(phone["auth"].as_str().expect("a secret")),
            "{ledger}"
        );

        // It comes through a restart, with the same key.
        workspace.kill();
        workspace.start();
        let incident = workspace.open_incident();
        until("that it was sent is recorded", || attempts(&workspace, &incident) == ["web_push/1 sent"]);
        let got = push.list("messages").pop().expect("a message");
        assert_eq!(
            (got["ttl"].as_u64(), got["urgency"].as_str(), got["claims"]["sub"].as_str()),
            (Some(600), Some("high"), Some("mailto:ops@example.jp"))
        );
        let shown: Value = serde_json::from_str(got["text"].as_str().expect("text")).expect("JSON");
        assert_eq!(shown["to"], format!("/incidents/{incident}"));
        assert!(shown["title"].as_str().is_some_and(|title| title == format!("[P1] 予約が止まった ({incident})")), "{shown}");
        assert!(shown["body"].as_str().is_some_and(|body| body.contains("タップして")), "{shown}");
        let shown_to_all = workspace.ok("ito", &["incident", "show", &incident]).to_string();
        assert!(!shown_to_all.contains(secret), "no address on the timeline");
        workspace.ok("ito", &["incident", "ack", &incident]);

        // A second browser: both are called; one that is gone is forgotten, and the other one is enough.
        let laptop = push.control("subscribe", &json!({"key": key}));
        let tanaka = Session::of(&workspace, "tanaka");
        assert_eq!(tanaka.subscribe(&laptop, "ノート").0, 200);
        push.control("gone", &phone);
        let second = workspace.open_incident();
        until("one of two", || attempts(&workspace, &second) == ["web_push/1 sent"]);
        until("the one that is gone is removed", || !tanaka.page().contains("私の電話"));
        assert!(tanaka.page().contains("ノート"));
        workspace.ok("ito", &["incident", "ack", &second]);

        // The last one is gone, too: the next means calls, and this is no way any more.
        push.control("gone", &laptop);
        let third = workspace.open_incident();
        until("the next means", || attempts(&workspace, &third) == ["web_push/1 failed", "webhook/1 sent"]);
        until("there is no such way", || ways(&workspace) == ["webhook"]);
        let compared = workspace.ok("admin", &["ledger", "rebuild"]);
        assert_eq!(compared["comparison"]["differences"], json!([]), "the tables are what the ledger says");
    }

    #[test]
    fn a_push_service_on_a_bad_night_costs_its_own_time_only() {
        let (push, receiver) = (Double::start("push/double.js"), Receiver::start());
        let workspace = workspace("pushnight", &push, &receiver);
        let tanaka = Session::of(&workspace, "tanaka");
        let phone = push.control("subscribe", &json!({"key": tanaka.attribute("data-key")}));
        assert_eq!(tanaka.subscribe(&phone, "私の電話").0, 200);
        let falls_over = |what: &str| {
            let began = Instant::now();
            let incident = workspace.open_incident();
            until(what, || attempts(&workspace, &incident) == ["web_push/1 failed", "webhook/1 sent"]);
            assert!(began.elapsed() < Duration::from_secs(6), "{what}: {:?}", began.elapsed());
            workspace.ok("ito", &["incident", "ack", &incident]);
        };
        for given in [
            json!({"status": 500}),
            json!({"status": 429, "retry_after": 60}),
            json!({"status": 302}),
            json!({"hold_ms": 8_000, "status": 201}),
        ] {
            push.control("answer", &given);
            falls_over(&given.to_string());
        }
        push.control("mode", &json!({"mode": "dead"}));
        falls_over("it says nothing");
        push.control("mode", &json!({"mode": "refusing"}));
        falls_over("it is gone");
        assert_eq!(ways(&workspace), ["webhook", "web_push"], "the browser stays: nobody said that it is gone");
        push.control("mode", &json!({"mode": "up"}));
        let incident = workspace.open_incident();
        until("it is back", || attempts(&workspace, &incident) == ["web_push/1 sent"]);
    }

    #[test]
    fn only_known_push_services_are_sent_to_and_five_browsers_are_enough() {
        let (push, receiver) = (Double::start("push/double.js"), Receiver::start());
        let workspace = workspace("pushbounds", &push, &receiver);
        let tanaka = Session::of(&workspace, "tanaka");
        let key = tanaka.attribute("data-key");
        let good = push.control("subscribe", &json!({"key": key}));
        let with = |endpoint: &str| {
            let mut other = good.clone();
            other["endpoint"] = json!(endpoint);
            other
        };
        for elsewhere in
            ["http://127.0.0.1:1/send/x", "https://169.254.169.254/latest", "https://localhost/x", "http://fcm.googleapis.com/x"]
        {
            let (status, said) = tanaka.subscribe(&with(elsewhere), "x");
            assert_eq!((status, said["code"].as_str()), (409, Some("contact.push_service_unknown")), "{elsewhere}: {said}");
        }
        for unfit in ["", "x", "https://a:b@fcm.googleapis.com/x"] {
            assert_eq!(tanaka.subscribe(&with(unfit), "x").0, 422, "{unfit}");
        }
        let mut whole = good.clone();
        whole["label"] = json!("x");
        let forged = tanaka.ask("POST", "/contacts/browsers", "application/json", "wrong", &whole.to_string()).0;
        assert!(forged.contains(" 403 "), "{forged}");
        for number in 1..=5 {
            let browser = push.control("subscribe", &json!({"key": key}));
            assert_eq!(tanaka.subscribe(&browser, &format!("端末{number}")).0, 200);
            assert_eq!(tanaka.subscribe(&browser, "別の名前").0, 200, "the same browser again is no other");
        }
        assert!(!tanaka.page().contains("別の名前"));
        let (status, said) = tanaka.subscribe(&good, "六台目");
        assert_eq!((status, said["code"].as_str()), (409, Some("input.too_many")), "{said}");

        // Removing needs no script, and where it was reached is gone from the store with it.
        let page = tanaka.page();
        let forms: Vec<&str> = page.split("<form").filter(|form| form.contains("contact.remove_browser")).collect();
        assert_eq!(forms.len(), 5, "{page}");
        let fields: Vec<String> = forms[0].split("<input").skip(1).filter_map(field).collect();
        let (head, _) = tanaka.ask("POST", "/contacts", "application/x-www-form-urlencoded", "", &fields.join("&"));
        assert!(head.contains(" 303 "), "{head} {fields:?}");
        assert!(!tanaka.page().contains("端末1"));
        let worker = tanaka.ask("GET", "/push/worker.js", "text/plain", "", "");
        assert!(
            worker.0.contains("text/javascript") && worker.0.contains("no-cache") && worker.0.contains("worker-src 'self'"),
            "{}",
            worker.0
        );
        assert!(!worker.1.contains("fetch") && !worker.1.contains("caches"), "it sees no request and keeps no page");
        let kept = read(&workspace.path("hikeshi.toml"));
        assert!(!kept.contains("/send/"));
        let shown = answer(&workspace.run("tanaka", &["contact", "list"])).to_string();
        assert!(!shown.contains("/send/"), "{shown}");
    }

    /// `name=value` of one input, encoded.
    fn field(input: &str) -> Option<String> {
        let of = |name: &str| input.split(&format!("{name}=\"")).nth(1)?.split('"').next().map(str::to_owned);
        let value = of("value").unwrap_or_default();
        Some(format!("{}={}", of("name")?, url::form_urlencoded::byte_serialize(value.as_bytes()).collect::<String>()))
    }
}
