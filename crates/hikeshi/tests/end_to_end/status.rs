//! The status page as outsiders meet it: files that another web server shows while this one is dead, mail from a real SMTP server, one press
//! to leave, and no subscriber lost when the server is killed in the middle.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::harness::{Workspace, until};
use super::paging::{Mood, Postbox, Receiver, free_port};

const PEOPLE: &[&str] = &["tanaka", "ito"];

fn workspace(name: &str, mail_port: u16, webhook: Option<&str>, visibility: &str) -> Workspace {
    let mut workspace = Workspace::new(name);
    let www = workspace.path("www");
    std::fs::create_dir(&www).expect("made");
    let webhook =
        webhook.map(|url| format!("[status.webhooks.partner]\nurl = \"{url}\"\nsecret_env = \"PARTNER_KEY\"\n")).unwrap_or_default();
    workspace = workspace.policy(|policy| {
        format!(
            "{policy}\n[status]\ntitle = {{ ja = \"予約サイトの状況\", en = \"Booking status\" }}\nvisibility = \"{visibility}\"\n\
             directory = \"{}\"\nurl = \"https://status.example.test\"\n\
             [status.components.booking]\nname = {{ ja = \"予約\", en = \"Booking\" }}\nservices = [\"web\"]\nenvironment = \"production\"\n\
             [status.mail]\nhost = \"127.0.0.1\"\nport = {mail_port}\nsecurity = \"none\"\nfrom = \"予約サイト <status@example.test>\"\n{webhook}",
            www.display()
        )
    });
    workspace.env.insert("PARTNER_KEY".to_owned(), "a-key-for-partners".to_owned());
    workspace.introduced(PEOPLE)
}

/// Status code and body.
fn curl(args: &[&str]) -> (u16, String) {
    let done =
        Command::new("curl").args(["--silent", "--max-time", "10", "--write-out", "\n%{http_code}"]).args(args).output().expect("curl");
    let text = String::from_utf8(done.stdout).expect("text");
    let (body, code) = text.rsplit_once('\n').expect("a code");
    (code.parse().expect("a number"), body.to_owned())
}

fn subscribe(workspace: &Workspace, address: &str) -> u16 {
    curl(&["--data-urlencode", &format!("address={address}"), &format!("{}/status/subscribe?lang=ja", workspace.url())]).0
}

fn link_of(mail: &Value, what: &str) -> String {
    let body = mail["body"].as_str().expect("text");
    let line = body
        .lines()
        .find_map(|line| line.split_whitespace().find(|word| word.starts_with("http") && word.contains(what)).map(str::to_owned));
    line.unwrap_or_else(|| panic!("no {what} in {body}"))
}

fn to(postbox: &Postbox, address: &str) -> Vec<Value> {
    postbox.mails.lock().expect("mails").iter().filter(|mail| mail["to"] == json!([address])).cloned().collect()
}

/// Asks, and presses the button behind the link of the mail.
fn subscribed(workspace: &Workspace, postbox: &Postbox, address: &str) {
    assert_eq!(subscribe(workspace, address), 200);
    until("the confirmation arrives", || !to(postbox, address).is_empty());
    let link = link_of(to(postbox, address).first().expect("one"), "/status/confirm/");
    let (code, _) = curl(&[&link]);
    assert_eq!(code, 200, "opening it changes nothing");
    assert_eq!(curl(&["-X", "POST", &link]).0, 200);
}

fn publish(workspace: &Workspace, incident: &str, state: &str, message: &str) {
    workspace
        .ok("tanaka", &["incident", "publish", incident, "--state", state, "--component", "booking=major_outage", "--message", message]);
}

fn posts(workspace: &Workspace, incident: &str) -> Vec<Value> {
    workspace.ok("tanaka", &["incident", "show", incident])["incident"]["public"].as_array().cloned().unwrap_or_default()
}

fn file(workspace: &Workspace, path: &str) -> String {
    std::fs::read_to_string(workspace.path("www").join(path)).unwrap_or_default()
}

/// Any web server that shows files.
struct Elsewhere(Child);

impl Elsewhere {
    fn start(directory: &Path, port: u16) -> Self {
        let mut python = Command::new("python3");
        python.args(["-m", "http.server", "--bind", "127.0.0.1", "--directory"]).arg(directory).arg(port.to_string());
        let child = python.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("python");
        until("it serves", || curl(&[&format!("http://127.0.0.1:{port}/index.html")]).0 == 200);
        Self(child)
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

mod slow {
    use super::*;

    #[test]
    fn i6_what_was_published_is_read_while_the_server_is_dead_and_nothing_else() {
        let mut workspace = workspace("status-files", 1, None, "public");
        until("the files are there at the start", || file(&workspace, "index.html").contains("すべて正常です"));
        let incident = workspace.open_incident();
        publish(&workspace, &incident, "investigating", "予約できない状態です。調べています。");
        until("the page tells", || file(&workspace, "index.html").contains("予約できない状態です。"));
        workspace.ok("tanaka", &["incident", "resolve", &incident, "社内の接続数の設定を戻した"]);
        until("it is over", || file(&workspace, "index.html").contains("すべて正常です"));
        let told: Vec<Value> = posts(&workspace, &incident).iter().map(|post| json!([post["state"], post["by"]])).collect();
        assert_eq!(told, [json!(["investigating", "tanaka"]), json!(["resolved", null])]);
        let (code, live) = curl(&[&format!("{}/status/", workspace.url())]);
        assert!(code == 200 && live.contains("予約サイトの状況"), "without signing in: {code}");
        assert_eq!(curl(&[&format!("{}/status/en/incidents/{incident}.html", workspace.url())]).0, 200);
        assert_eq!(curl(&[&format!("{}/status/../hikeshi.toml", workspace.url()), "--path-as-is"]).0, 404);
        workspace.kill();
        let port = free_port();
        let _elsewhere = Elsewhere::start(&workspace.path("www"), port);
        for path in [
            "",
            "en/",
            "status.json",
            "feed.atom",
            "en/feed.atom",
            &format!("incidents/{incident}.html"),
            &format!("en/incidents/{incident}.html"),
        ] {
            let (code, text) = curl(&[&format!("http://127.0.0.1:{port}/{path}")]);
            assert_eq!(code, 200, "{path}");
            for inside in ["接続数", "予約が止まった", "tanaka", "田中"] {
                assert!(!text.contains(inside), "{path} holds `{inside}`, which nobody published: {text}");
            }
            assert!(!text.contains("src=\"") && !text.contains("stylesheet"), "{path} needs nothing from elsewhere");
        }
        let status: Value = serde_json::from_str(&file(&workspace, "status.json")).expect("JSON");
        assert_eq!((&status["health"], &status["incidents"][0]["state"]), (&json!("operational"), &json!("resolved")));
        let written = status["written_at"].as_str().expect("a time").to_owned();
        let parsed = "import sys,xml.etree.ElementTree as t; r=t.parse(sys.argv[1]).getroot(); n='{http://www.w3.org/2005/Atom}'; \
                      print(len(r.findall(n+'entry')), all(e.find(n+k) is not None for e in r.findall(n+'entry') for k in ('id','title','updated')))";
        let done = Command::new("python3").args(["-c", parsed]).arg(workspace.path("www/feed.atom")).output().expect("python");
        assert_eq!(String::from_utf8_lossy(&done.stdout).trim(), "2 True");
        // The disk goes away and comes back: the door does not care, and the files are whole again.
        std::fs::remove_dir_all(workspace.path("www")).expect("gone");
        workspace.start();
        until("it is told", || !workspace.ok("tanaka", &["status", "show"])["files_trouble"].is_null());
        let second = workspace.open_incident();
        publish(&workspace, &second, "investigating", "調べています。");
        std::fs::create_dir(workspace.path("www")).expect("made");
        workspace.ok("tanaka", &["incident", "note", &second, "また書けるはず"]);
        until("they are back", || file(&workspace, &format!("incidents/{second}.html")).contains("調べています"));
        until("and the trouble is over", || workspace.ok("tanaka", &["status", "show"])["files_trouble"].is_null());
        let again: Value = serde_json::from_str(&file(&workspace, "status.json")).expect("JSON");
        assert_ne!(again["written_at"], json!(written));
    }

    #[test]
    fn subscribers_say_yes_first_are_told_in_their_language_and_leave_with_one_press() {
        let (postbox, partner) = (Postbox::start(), Receiver::start());
        let workspace = workspace("status-mail", postbox.port, Some(&partner.url), "public");
        until("there is a page", || curl(&[&format!("{}/status/", workspace.url())]).0 == 200);
        assert_eq!(subscribe(&workspace, "no address"), 422);
        subscribed(&workspace, &postbox, "yamada@example.test");
        let mail = to(&postbox, "yamada@example.test").remove(0);
        assert_eq!((&mail["subject"], &mail["leave"]), (&json!("【予約サイトの状況】購読の確認"), &Value::Null));
        let link = link_of(&mail, "/status/confirm/");
        assert_eq!(curl(&["-X", "POST", &link]).0, 410, "a link works once");
        // Somebody who never answers, and somebody who is asked for again and again, get nothing more.
        assert_eq!(subscribe(&workspace, "silent@example.test"), 200);
        until("asked", || to(&postbox, "silent@example.test").len() == 1);
        assert_eq!((subscribe(&workspace, "silent@example.test"), subscribe(&workspace, "yamada@example.test")), (200, 200));

        let incident = workspace.open_incident();
        publish(&workspace, &incident, "investigating", "予約できない状態です。");
        until("both are told", || to(&postbox, "yamada@example.test").len() == 2 && partner.keys().len() == 1);
        until("it is counted", || posts(&workspace, &incident)[0]["told"]["sent"] == 2);
        assert_eq!(to(&postbox, "silent@example.test").len(), 1);
        let mail = to(&postbox, "yamada@example.test").remove(1);
        assert_eq!(mail["subject"], "【予約サイトの状況】調査中: 予約の障害");
        assert!(mail["body"].as_str().is_some_and(|body| body.contains("予約できない状態です。") && body.contains("予約: 停止")), "{mail}");
        assert_eq!(mail["one_click"], "List-Unsubscribe=One-Click");
        {
            let calls = partner.calls.lock().expect("calls");
            let call = calls.first().expect("one");
            assert_eq!((&call.body["state"], &call.body["text"]["en"]), (&json!("investigating"), &json!("予約できない状態です。")));
            assert_eq!(call.key, format!("status/{incident}/1/webhook/partner"));
            assert!(call.signature.starts_with("sha256="));
        }
        // The ledger names nobody.
        let entries = workspace.ok("tanaka", &["ledger", "show"]);
        assert!(!entries.to_string().contains("yamada"), "{entries}");
        let listed = workspace.ok("admin", &["status", "subscribers"]);
        assert_eq!(listed["subscribers"][0]["address"], "y…@example.test");
        let refused = workspace.as_person("tanaka").args(["status", "subscribers"]).output().expect("ran");
        assert_eq!(refused.status.code(), Some(3), "for administrators only");

        // As a mail program does it (RFC 8058): from elsewhere, without a cookie.
        let leave = mail["leave"].as_str().expect("a header").trim_matches(['<', '>']).to_owned();
        assert_eq!(leave, link_of(&mail, "/status/leave/"));
        assert_eq!(curl(&["--data", "List-Unsubscribe=One-Click", &leave]).0, 200);
        assert_eq!(workspace.ok("admin", &["status", "subscribers"])["subscribers"], json!([]));
        partner.is(Mood::Takes);
        publish(&workspace, &incident, "monitoring", "様子を見ています。");
        until("the partner is told", || partner.keys().len() == 2);
        until("it is counted", || posts(&workspace, &incident)[1]["told"]["sent"] == 1);
        assert_eq!(to(&postbox, "yamada@example.test").len(), 2, "whoever has left is left alone");
    }

    #[test]
    fn nobody_is_lost_and_one_at_most_is_told_twice_when_the_server_dies() {
        const READERS: usize = 12;
        let postbox = Postbox::start();
        let mut workspace = workspace("status-kill", postbox.port, None, "public");
        until("there is a page", || curl(&[&format!("{}/status/", workspace.url())]).0 == 200);
        let readers: Vec<String> = (0..READERS).map(|number| format!("reader{number}@example.test")).collect();
        readers.iter().for_each(|reader| subscribed(&workspace, &postbox, reader));
        let incident = workspace.open_incident();
        let told = || postbox.mails.lock().expect("mails").iter().filter(|mail| mail["leave"].is_string()).cloned().collect::<Vec<_>>();
        publish(&workspace, &incident, "investigating", "調べています。");
        for wanted in [2, 6] {
            until("some are told", || told().len() >= wanted);
            workspace.kill();
            workspace.start();
        }
        until("all are told and counted", || posts(&workspace, &incident)[0]["told"]["sent"] == READERS);
        let mut ids: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
        for mail in told() {
            *ids.entry(mail["to"].to_string()).or_default().entry(mail["id"].to_string()).or_default() += 1;
        }
        assert_eq!(ids.len(), READERS, "nobody is lost");
        assert!(ids.values().all(|ids| ids.len() == 1), "one post has one id for one reader: {ids:?}");
        let twice = ids.values().flat_map(BTreeMap::values).filter(|count| **count > 1).count();
        assert!(twice <= 2, "the server died twice, and {twice} readers were told twice");
        let compared = workspace.ok("admin", &["ledger", "rebuild"]);
        assert_eq!(compared["comparison"]["differences"], json!([]));
    }

    #[test]
    fn a_private_page_is_for_those_who_are_signed_in() {
        let workspace = workspace("status-private", 1, None, "private");
        until("there is a page", || file(&workspace, "index.html").contains("すべて正常です"));
        let (code, text) = curl(&[&format!("{}/status/", workspace.url())]);
        assert!((300..400).contains(&code) && !text.contains("すべて正常です"), "{code}");
        assert_eq!(curl(&[&format!("{}/status/status.json", workspace.url())]).0 / 100, 3);
        assert_eq!(subscribe(&workspace, "yamada@example.test") / 100, 3);
    }
}
