//! The team's Slack, as the double has it: announced once whatever dies, caught up in order, buttons with the authority of the policy.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::double::{Double, e2e, packages, post};
use super::harness::{Workspace, json as answer, read, text, until};

const PEOPLE: &[&str] = &["tanaka", "sato", "suzuki", "takahashi", "ito"];

fn workspace(name: &str, slack: &Double, more: &str) -> Workspace {
    let settings = format!("\n[slack]\napi = \"{}/api/\"\n{more}\n[slack.groups]\ncto = \"@cto\"\ndev-lead = \"@dev-lead\"\n", slack.url);
    let mut workspace = Workspace::new(name).policy(|policy| {
        policy
            .replace("name = \"佐藤 花子\"", "name = \"佐藤 花子\"\nchat = \"U0SATO\"")
            .replace("name = \"鈴木 一郎\"", "name = \"鈴木 一郎\"\nchat = \"U0MORI\"")
            .replace("name = \"田中 太郎\"", "name = \"田中 太郎\"\nchat = \"U0TANAKA\"")
            + &settings
    });
    for (variable, value) in
        [("SLACK_BOT_TOKEN", "xoxb-double"), ("SLACK_APP_TOKEN", "xapp-double"), ("SLACK_SIGNING_SECRET", "double-signing-secret")]
    {
        workspace.env.insert(variable.to_owned(), value.to_owned());
    }
    workspace.introduced(PEOPLE)
}

/// Messages of ours in one channel, in the order in which Slack got them.
fn messages(slack: &Double, channel: &str) -> Vec<Value> {
    slack.list("messages").into_iter().filter(|message| message["channel"] == channel).collect()
}

fn keys(messages: &[Value]) -> Vec<String> {
    messages.iter().map(|message| message["metadata"]["event_payload"]["key"].as_str().unwrap_or_default().to_owned()).collect()
}

fn root_of(slack: &Double, subject: &str) -> Option<Value> {
    slack.list("messages").into_iter().find(|message| message["metadata"]["event_payload"]["opens"] == subject)
}

fn shown(message: &Value) -> String {
    message["blocks"].to_string()
}

fn press(slack: &Double, user: &str, action: &str, root: &Value) -> Value {
    slack.control("press", &json!({"user": user, "action_id": action, "channel": root["channel"], "ts": root["ts"]}))
}

/// Everything from approval to close, by the command line.
fn whole_exception(workspace: &Workspace, emergency: &str) {
    workspace.approve(emergency);
    workspace.join(emergency);
    workspace.ok("tanaka", &["emergency", "start", emergency]);
    workspace.ok("tanaka", &["emergency", "step", emergency, "1"]);
    workspace.ok("ito", &["emergency", "confirm", emergency, "--step", "2", "--confirm", "直す"]);
    workspace.ok("tanaka", &["emergency", "step", emergency, "2", "--confirm", "直す"]);
    workspace.ok("tanaka", &["emergency", "verify", emergency]);
    workspace.ok("tanaka", &["emergency", "close", emergency]);
}

mod slow {
    use super::*;

    #[test]
    fn an_announcement_stands_once_although_the_server_dies_between_post_and_answer() {
        let slack = Double::start("slack/double.js");
        let mut workspace = workspace("slackonce", &slack, "");
        let incident = workspace.open_incident();
        until("the incident is announced", || root_of(&slack, &incident).is_some());
        // Slack has it, the answer does not come, and the server is killed meanwhile.
        slack.control("fail", &json!({"method": "chat.postMessage", "hold_ms": 20_000}));
        let emergency = workspace.request(&incident);
        until("Slack has the announcement", || root_of(&slack, &emergency).is_some());
        workspace.kill();
        workspace.start();
        workspace.approve(&emergency);
        until("the card says who approved", || root_of(&slack, &emergency).is_some_and(|root| shown(&root).contains("佐藤 花子")));
        let posted = messages(&slack, "emergency-deploy");
        let ours = posted.iter().filter(|message| message["metadata"]["event_payload"]["opens"] == emergency.as_str()).count();
        assert_eq!(ours, 1, "{posted:#?}");
        // A lost answer without any crash is found again, too.
        slack.control("fail", &json!({"method": "chat.postMessage", "lose_answer": true}));
        workspace.ok("takahashi", &["emergency", "join", &emergency]);
        until("the witness is announced", || {
            messages(&slack, "emergency-deploy").iter().any(|message| shown(message).contains("髙橋 美咲"))
        });
        workspace.ok("ito", &["emergency", "join", &emergency]);
        until("the next one, too", || messages(&slack, "emergency-deploy").iter().any(|message| shown(message).contains("伊藤 健")));
        let mut all = keys(&messages(&slack, "emergency-deploy"));
        let count = all.len();
        all.dedup();
        assert_eq!(all.len(), count, "each once: {all:?}");
        let root = root_of(&slack, &emergency).expect("the card");
        assert!(shown(&root).contains("<!subteam^S0CTO>") && shown(&root).contains("<!subteam^S0DEVLEAD>"), "{root:#}");
    }

    #[test]
    fn late_and_broken_answers_are_found_again_and_a_dead_slack_holds_nobody_up() {
        let slack = Double::start("slack/double.js");
        let workspace = workspace("slacklate", &slack, "");
        let incident = workspace.open_incident();
        until("the incident is announced", || root_of(&slack, &incident).is_some());
        let says = |words: &str| messages(&slack, "emergency-deploy").iter().any(|message| shown(message).contains(words));
        // It may take its patience, and some pauses after that.
        let patiently = |words: &str| {
            let began = Instant::now();
            while !says(words) {
                assert!(began.elapsed() < Duration::from_secs(90), "{words}: {:#?}", messages(&slack, "emergency-deploy"));
                std::thread::sleep(Duration::from_millis(200));
            }
        };
        // Carried out, and answered when nobody listens any more.
        slack.control("fail", &json!({"method": "chat.postMessage", "hold_ms": 12_000}));
        let began = Instant::now();
        let emergency = workspace.request(&incident);
        workspace.approve(&emergency);
        assert!(began.elapsed() < Duration::from_secs(5), "somebody waited for Slack: {:?}", began.elapsed());
        // Carried out, and the answer breaks off; then trouble of its own, with and without a wait.
        slack.control("fail", &json!({"method": "chat.postMessage", "truncate": true}));
        slack.control("fail", &json!({"method": "chat.postMessage", "status": 503}));
        slack.control("fail", &json!({"method": "chat.postMessage", "status": 429, "retry_after": 2}));
        workspace.ok("takahashi", &["emergency", "join", &emergency]);
        patiently("髙橋 美咲");
        // Connections are taken, and not a word comes back.
        slack.control("mode", &json!({"mode": "dead"}));
        let began = Instant::now();
        workspace.ok("ito", &["emergency", "join", &emergency]);
        workspace.ok("tanaka", &["emergency", "start", &emergency]);
        assert!(began.elapsed() < Duration::from_secs(15), "somebody waited for Slack: {:?}", began.elapsed());
        std::thread::sleep(Duration::from_secs(3));
        slack.control("mode", &json!({"mode": "up"}));
        patiently("伊藤 健");
        patiently("開始");
        let order = keys(&messages(&slack, "emergency-deploy"));
        let mut sorted = order.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(order, sorted, "in the order of the ledger, each once");
    }

    #[test]
    fn nothing_waits_for_slack_and_it_is_caught_up_in_order_and_once() {
        let slack = Double::start("slack/double.js");
        let workspace = workspace("slackdown", &slack, "");
        // Signing people in was announced already.
        until("it is quiet", || slack.list("messages").len() >= PEOPLE.len());
        let before = slack.list("messages").len();
        slack.control("limit", &json!({"on": true}));
        slack.control("mode", &json!({"mode": "refusing"}));
        let began = std::time::Instant::now();
        let incident = workspace.open_incident();
        let emergency = workspace.request(&incident);
        whole_exception(&workspace, &emergency);
        let took = began.elapsed();
        assert_eq!(slack.list("messages").len(), before);
        slack.control("mode", &json!({"mode": "down"}));
        std::thread::sleep(std::time::Duration::from_millis(1_500));
        slack.control("mode", &json!({"mode": "up"}));
        until("the card says that it is closed", || root_of(&slack, &emergency).is_some_and(|root| shown(&root).contains("に終了")));
        let posted = messages(&slack, "emergency-deploy");
        let order = keys(&posted);
        let mut sorted = order.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(order, sorted, "in the order of the ledger, each once");
        let of_page = answer(&workspace.run("tanaka", &["channel", "show", "emergency-deploy"]));
        let wanted = of_page["data"]["posts"]["rows"].as_array().map(Vec::len).unwrap_or_default();
        until("all of the page is in Slack", || messages(&slack, "emergency-deploy").len() == wanted);
        assert!(took < std::time::Duration::from_secs(30), "{took:?} for an exception without Slack");
        let started = posted.iter().find(|message| message["subtype"] == "thread_broadcast").expect("the start is told to all");
        assert!(shown(started).contains("台帳: "), "the ledger's checkpoint: {started:#}");
        let root = root_of(&slack, &emergency).expect("the card");
        let of_case = |message: &&Value| message["ts"].as_str() >= root["ts"].as_str();
        assert!(
            posted.iter().filter(of_case).all(|message| message["ts"] == root["ts"] || message["thread_ts"] == root["ts"]),
            "one thread"
        );
        assert!(!shown(&root).contains("hikeshi_approve"), "nothing is left to approve");
        fits_the_types(&slack.list("messages"));
    }

    /// Slack's own types, through the TypeScript compiler; and the same compiler refuses a block that is not one.
    fn fits_the_types(messages: &[Value]) {
        let check = |messages: &[Value]| {
            let mut node = Command::new("node")
                .arg(e2e().join("slack/types.js"))
                .env("HIKESHI_E2E", packages())
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .expect("node starts");
            serde_json::to_writer(node.stdin.take().expect("stdin"), messages).expect("given");
            node.wait_with_output().expect("ended")
        };
        assert!(messages.len() > 10);
        let good = check(messages);
        assert!(good.status.success(), "{}", text(&good));
        let mut broken = messages.to_vec();
        broken[0]["blocks"][0]["type"] = json!("heading");
        assert!(!check(&broken).status.success(), "a wrong block must not pass");
    }

    #[test]
    fn a_button_is_an_intent_and_the_policy_decides() {
        let slack = Double::start("slack/double.js");
        let workspace = workspace("slackbutton", &slack, "");
        until("the server listens to Slack", || slack.control("connected", &json!({}))["connected"] == 1);
        let incident = workspace.open_incident();
        let emergency = workspace.request(&incident);
        until("the card is there", || root_of(&slack, &emergency).is_some());
        let root = root_of(&slack, &emergency).expect("the card");

        // Nobody of the policy; the requester; then somebody who may.
        for (user, words) in [("stranger", "U0STRANGER"), ("tanaka", "[E3]")] {
            let before = slack.list("ephemerals").len();
            assert_eq!(press(&slack, user, "hikeshi_approve", &root)["acked"], true);
            until("an answer for that one alone", || slack.list("ephemerals").len() == before + 1);
            let said = slack.list("ephemerals")[before]["text"].as_str().unwrap_or_default().to_owned();
            assert!(said.contains(words), "{user}: {said}");
        }
        assert!(slack.list("views").is_empty(), "no form for those who may not");
        let shown_now = || workspace.ok("sato", &["emergency", "show", &emergency])["emergency"].clone();
        assert_eq!(shown_now()["status"], "requested");
        let ledger = workspace.ok("sato", &["ledger", "show"]);
        assert!(ledger.to_string().contains("\"chat\""), "the refused press is on the record: {ledger}");

        assert_eq!(press(&slack, "sato", "hikeshi_approve", &root)["acked"], true);
        until("the form is open", || slack.list("views").len() == 1);
        let empty = slack.control("submit", &json!({"user": "sato", "values": {"words": " "}}));
        assert!(empty["payload"]["errors"]["words"].is_string(), "the form stays, with the reason: {empty}");
        let sent = slack.control("submit", &json!({"user": "sato", "values": {"words": "全面停止のため"}}));
        assert_eq!((sent["acked"].as_bool(), sent["payload"].is_null()), (Some(true), true), "{sent}");
        let again = slack.control("again", &json!({}));
        assert_eq!(again["acked"], true);
        let now = shown_now();
        assert_eq!((now["status"].as_str(), now["approvals"].as_array().map(Vec::len)), (Some("approved"), Some(1)), "once: {now}");
        assert_eq!(now["approvals"][0]["judgement"], "全面停止のため");
        until("the card says who approved", || {
            root_of(&slack, &emergency).is_some_and(|root| shown(&root).contains("佐藤 花子さんが承認"))
        });
        let card = root_of(&slack, &emergency).expect("the card");
        assert!(!shown(&card).contains("hikeshi_approve") && shown(&card).contains("/watch"), "{card:#}");

        // The connection is refreshed; the next press still arrives. It belongs to a plan that is gone.
        slack.control("refresh", &json!({}));
        until("another connection", || slack.control("connected", &json!({}))["connected"] == 1);
        let other = workspace.request(&incident);
        until("the next card", || root_of(&slack, &other).is_some());
        let stale = root_of(&slack, &other).expect("the card");
        let changed = read(&workspace.path("plan.toml")).replace("設定を直す", "設定を戻す");
        std::fs::write(workspace.path("plan2.toml"), changed).expect("written");
        slack.control("mode", &json!({"mode": "up"}));
        slack.control("fail", &json!({"method": "chat.update", "status": 503, "count": 3}));
        workspace.ok("tanaka", &["emergency", "revise", &other, "--plan", "plan2.toml"]);
        let before = slack.list("ephemerals").len();
        press(&slack, "sato", "hikeshi_decline", &stale);
        until("the old button is refused", || slack.list("ephemerals").len() == before + 1);
        assert!(slack.list("ephemerals")[before]["text"].as_str().unwrap_or_default().contains("[E3]"));
        // The card shows the new plan in the end, and with it declining works.
        let renewed = || root_of(&slack, &other).filter(|root| shown(root).contains("設定を戻す"));
        until("the card has the new plan", || renewed().is_some());
        press(&slack, "sato", "hikeshi_decline", &renewed().expect("the card"));
        until("the form is open", || slack.list("views").len() == 1);
        slack.control("submit", &json!({"user": "sato", "values": {"words": "通常の手順で直せます"}}));
        assert_eq!(workspace.ok("sato", &["emergency", "show", &other])["emergency"]["status"], "declined");
        until("the card says so", || root_of(&slack, &other).is_some_and(|root| shown(&root).contains("通常の手順で直せます")));
    }

    #[test]
    fn signed_requests_are_taken_and_forged_ones_are_not() {
        let slack = Double::start("slack/double.js");
        let workspace = workspace("slacksigned", &slack, "mode = \"events\"");
        let address = format!("127.0.0.1:{}", workspace.port);
        let inbound = |what: &str| format!("http://{address}/inbound/slack/{what}");
        slack.control("requests", &json!({"actions": inbound("actions"), "events": inbound("events")}));
        let incident = workspace.open_incident();
        let emergency = workspace.request(&incident);
        until("the card is there", || root_of(&slack, &emergency).is_some());
        let root = root_of(&slack, &emergency).expect("the card");
        assert_eq!(press(&slack, "sato", "hikeshi_approve", &root)["status"], 200);
        until("the form is open", || slack.list("views").len() == 1);
        slack.control("submit", &json!({"user": "sato", "values": {"words": "全面停止のため"}}));
        assert_eq!(workspace.ok("sato", &["emergency", "show", &emergency])["emergency"]["status"], "approved");
        let (status, _) = post(
            &address,
            "/inbound/slack/actions",
            "application/x-www-form-urlencoded",
            &[("x-slack-request-timestamp", "1531420618"), ("x-slack-signature", "v0=00")],
            b"payload={}",
        );
        assert_eq!(status, 401);
        let (status, _) = post(&address, "/inbound/elsewhere", "text/plain", &[], b"");
        assert_eq!(status, 404);
    }

    #[test]
    fn a_channel_that_does_not_take_it_is_shown_on_the_page_and_found_by_the_check() {
        let slack = Double::start("slack/double.js");
        let workspace = workspace("slackbad", &slack, "[slack.channels]\nemergency-deploy = \"elsewhere\"\nincidents = \"C0NOWHERE\"");
        let incident = workspace.open_incident();
        workspace.request(&incident);
        let page = |channel: &str| workspace.ok("tanaka", &["channel", "show", channel]).to_string();
        until("the page says what to do", || {
            page("emergency-deploy").contains("not_in_channel") && page("incidents").contains("channel_not_found")
        });
        slack.control(
            "scopes",
            &json!({"scopes": "chat:write,channels:read,channels:history,groups:read,groups:history,users:read,users:read.email"}),
        );
        let done = workspace.command().args(["slack", "check"]).output().expect("ran");
        assert_eq!(done.status.code(), Some(1), "{}", text(&done));
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        for words in [
            "✓ the bot's token works",
            "✗ the scope usergroups:read is missing",
            "not_in_channel",
            "channel_not_found",
            "✓ sato is U0SATO",
            "takahashi has no Slack user",
        ] {
            assert!(said.contains(words), "{words}: {said}");
        }
        assert!(!said.contains("xoxb-"), "no token is shown: {said}");
    }
}
