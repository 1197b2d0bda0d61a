//! PagerDuty's own client for Python, newest version, against this server. It speaks TLS only, so an address with a certificate stands before the
//! server, as in production.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use super::super::harness::Workspace;
use super::{
    TOKEN, address, ends_well, incidents, is_resolved, ledger_holds, now_plus, opened, resolves_itself, settled_size, show, source, steps,
    workspace,
};

/// Events from the command line through the client, and what it returned or raised as JSON, a line each. TLS ends here.
const SCRIPT: &str = r#"
import json, socket, ssl, sys, threading
from pagerduty import EventsApiV2Client, HttpError

key, server, certificate, events = sys.argv[1], sys.argv[2].split(":"), sys.argv[3], json.loads(sys.argv[4])
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(certificate)
door = socket.create_server(("127.0.0.1", 0))

def carry(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass

def stand():
    while True:
        plain, _ = door.accept()
        outside, inside = tls.wrap_socket(plain, server_side=True), socket.create_connection(server)
        for pair in ((outside, inside), (inside, outside)):
            threading.Thread(target=carry, args=pair, daemon=True).start()

threading.Thread(target=stand, daemon=True).start()
trusted = ssl.create_default_context(cafile=certificate)
client = EventsApiV2Client(key, base_url=f"https://127.0.0.1:{door.getsockname()[1]}/inbound/pagerduty", verify=trusted)
for event in events:
    action = getattr(client, event.pop("do"))
    if event.get("dedup_key") == "the last one":
        event["dedup_key"] = last
    try:
        last = action(**event)
        print(json.dumps({"key": last}))
    except HttpError as error:
        answer = error.response
        print(json.dumps({"raised": type(error).__name__, "says": str(error), "status": answer.status_code, "errors": answer.json()["errors"]}))
"#;

#[expect(clippy::disallowed_methods, reason = "where the tools of this run are is said by its environment")]
fn python() -> PathBuf {
    let home = std::env::var("HOME").unwrap_or_default();
    let cache = std::env::var("HIKESHI_CACHE").unwrap_or_else(|_| format!("{home}/.cache/hikeshi"));
    PathBuf::from(cache).join("venv/bin/python")
}

/// What came of each of these events.
fn client(workspace: &Workspace, key: &str, events: &Value) -> Vec<Value> {
    let certificate = workspace.path("certificate.pem");
    if !certificate.exists() {
        let made = Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=hikeshi",
            ])
            .args(["-addext", "subjectAltName=IP:127.0.0.1", "-keyout"])
            .args([&certificate, &PathBuf::from("-out"), &workspace.path("part.pem")])
            .output()
            .expect("openssl");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let both = [&certificate, &workspace.path("part.pem")].map(|file| std::fs::read(file).expect("read")).concat();
        std::fs::write(&certificate, both).expect("written");
        std::fs::write(workspace.path("client.py"), SCRIPT).expect("written");
    }
    let done = Command::new(python())
        .arg(workspace.path("client.py"))
        .args([key, &address(workspace.port)])
        .arg(certificate)
        .arg(events.to_string())
        .output()
        .expect("python; `./test tools` installs it");
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{said}{}", String::from_utf8_lossy(&done.stderr));
    said.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn paging(name: &str) -> Workspace {
    workspace(name, &source("pager", "pagerduty", ""))
}

mod slow {
    use super::*;

    #[test]
    fn the_client_of_pagerduty_triggers_acknowledges_and_resolves() {
        let mut workspace = paging("pagerduty");
        let trigger = json!({
            "do": "trigger", "summary": "DB が応答しない", "source": "db1.example.jp", "severity": "critical", "dedup_key": "db1/応答",
            "custom_details": {"接続数": 512, "備考": "深夜の一括処理中"}, "links": [{"href": "https://wiki.test/db", "text": "手順"}],
        });
        assert_eq!(client(&workspace, TOKEN, &json!([trigger, trigger])), vec![json!({"key": "db1/応答"}); 2]);
        let view = opened(&workspace, 1);
        assert_eq!((&view["incident"]["title"], &view["incident"]["priority"]), (&json!("予約: DB が応答しない"), &json!("P1")));
        let known = &view["alerts"][0];
        assert_eq!(known["labels"], json!({"source": "db1.example.jp", "接続数": "512", "備考": "深夜の一括処理中"}));
        assert_eq!((&known["alert"], &known["link"]), (&json!("pager/db1/応答"), &json!("https://wiki.test/db")));

        let acknowledge = json!([{"do": "acknowledge", "dedup_key": "db1/応答"}, {"do": "acknowledge", "dedup_key": "never heard of"}]);
        assert_eq!(client(&workspace, TOKEN, &acknowledge), [json!({"key": "db1/応答"}), json!({"key": "never heard of"})]);
        let view = show(&workspace, "inc_1");
        assert_eq!(
            (&view["alerts"][0]["acknowledged"], &view["incident"]["acknowledged"]),
            (&json!(true), &Value::Null),
            "by nobody of ours"
        );
        workspace.ok("tanaka", &["incident", "ack", "inc_1"]);
        ledger_holds(&workspace);

        // Of one without a key of its own the client is told ours.
        let unnamed = json!({"do": "trigger", "summary": "ディスクが残り僅か", "source": "db1.example.jp", "severity": "warning"});
        let resolve = json!({"do": "resolve", "dedup_key": "the last one"});
        let keys = client(&workspace, TOKEN, &json!([unnamed, unnamed, resolve]));
        assert!(keys[0]["key"].as_str().is_some_and(|key| key.len() >= 20) && keys[0] != keys[1] && keys[1] == keys[2], "{keys:?}");
        assert_eq!(
            show(&workspace, "inc_1")["incident"]["alerts"],
            json!({"firing": 2, "fired": 3}),
            "each without a key is one of its own"
        );

        let first = keys[0]["key"].as_str().expect("a key");
        client(&workspace, TOKEN, &json!([{"do": "resolve", "dedup_key": first}]));
        assert!(!is_resolved(&show(&workspace, "inc_1")));
        assert_eq!(client(&workspace, TOKEN, &json!([{"do": "resolve", "dedup_key": "db1/応答"}])), [json!({"key": "db1/応答"})]);
        resolves_itself(&workspace, "inc_1", "pager");
        let recorded = steps(&workspace, "inc_1");
        assert_eq!(recorded, ["fired", "acknowledged", "fired", "fired", "over", "over", "over"]);
        assert_eq!(incidents(&workspace).len(), 1);
        ends_well(&mut workspace);
    }

    /// What CI integrations send: only the address is another one.
    #[test]
    fn the_client_of_pagerduty_tells_of_changes() {
        let mut workspace = paging("pagerchanges");
        let submit = |summary: &str, seconds: i64, more: Value| {
            let mut event = json!({"do": "submit", "summary": summary, "source": "ci.example.jp", "timestamp": now_plus(seconds)});
            event.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
            event
        };
        let links = json!({"links": [{"href": "https://ci.test/142", "text": "実行"}], "custom_details": {"commit": "4f1c9a5e"}});
        let deploy = submit("v1.4.2 をリリース", -600, links);
        let old = submit("二日前の移行", -2 * 86_400, json!({}));
        assert_eq!(client(&workspace, TOKEN, &json!([deploy, deploy, old])), vec![json!({"key": null}); 3]);
        client(
            &workspace,
            TOKEN,
            &json!([{"do": "trigger", "summary": "遅い", "source": "db1", "severity": "critical", "dedup_key": "db1"}]),
        );
        let view = opened(&workspace, 1);
        let changes = &view["changes"];
        assert_eq!(changes["here_total"], 1, "told twice it is one, and two days ago is too long ago: {changes:#}");
        let change = &changes["here"][0];
        assert_eq!(
            (&change["title"], &change["link"], &change["details"], &change["service"], &change["by"]["source"]),
            (
                &json!("v1.4.2 をリリース"),
                &json!("https://ci.test/142"),
                &json!("ci.example.jp\ncommit: 4f1c9a5e"),
                &json!("web"),
                &json!("pager")
            )
        );
        assert_eq!(changes["elsewhere"][0]["kind"], "policy", "what the ledger knows by itself");
        assert_eq!(events(&workspace, "inc_1", "change"), 0, "what was before is not in the timeline");

        // What comes while it burns is: nobody has to type it.
        client(&workspace, TOKEN, &json!([submit("v1.4.1 に戻した", 0, json!({}))]));
        assert_eq!(show(&workspace, "inc_1")["changes"]["here"][0]["title"], "v1.4.1 に戻した");
        assert_eq!(events(&workspace, "inc_1", "change"), 1);
        let listed = workspace.ok("tanaka", &["change", "list"]);
        assert_eq!(listed["changes"].as_array().map(Vec::len), Some(4), "{listed:#}");

        let raised = client(&workspace, "0123456789abcdef0123456789abcdef", &json!([submit("v1.5", 0, json!({}))]));
        assert_eq!(raised[0]["errors"], json!(["'routing_key' is that of no source of the policy"]));
        ends_well(&mut workspace);
    }

    fn events(workspace: &Workspace, incident: &str, kind: &str) -> usize {
        let page = workspace.ok("tanaka", &["incident", "timeline", incident, "--limit", "200"]);
        let rows = page["rows"].as_array().expect("rows").iter();
        rows.flat_map(|row| row["events"].as_array().cloned().unwrap_or_default()).filter(|event| event["event"] == kind).count()
    }

    #[test]
    fn the_client_of_pagerduty_raises_its_own_error_with_what_is_wrong() {
        let mut workspace = paging("pagererrors");
        let before = settled_size(&workspace);
        let event =
            |severity: &str| json!([{"do": "trigger", "summary": "止まった", "source": "db1", "severity": severity, "dedup_key": "db1"}]);
        for (key, severity, wrong) in [
            ("0123456789abcdef0123456789abcdef", "critical", "'routing_key' is that of no source of the policy"),
            (TOKEN, "大変", "'payload.severity' must be one of 'critical', 'error', 'warning' or 'info'"),
        ] {
            let raised = client(&workspace, key, &event(severity));
            let [raised] = raised.as_slice() else { panic!("{raised:?}") };
            assert_eq!((&raised["raised"], &raised["status"], &raised["errors"]), (&json!("HttpError"), &json!(400), &json!([wrong])));
            // Of the answer the client itself shows no more than its beginning.
            assert!(raised["says"].as_str().is_some_and(|says| says.contains("Event object is invalid")), "{raised}");
        }
        assert_eq!((settled_size(&workspace), incidents(&workspace).len()), (before, 0));
        ends_well(&mut workspace);
    }
}
