//! People are called by direct messages in Slack, as the double has it; and by what comes next when Slack is gone.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::double::Double;
use super::harness::{Workspace, json as answer, until};
use super::paging::Receiver;

const TANAKA: &str = "D0TANAKA";

/// tanaka is called first, ito after a quarter of an hour; each by Slack, then by a webhook.
fn workspace(name: &str, slack: &Double, receiver: &Receiver) -> Workspace {
    let mut workspace = Workspace::new(name).policy(|policy| {
        let reached = |person: &str, user: &str| format!("chat = \"{user}\"\nwebhook = {{ url = \"{}/{person}\" }}\n", receiver.url);
        let policy = policy
            .replace("name = \"田中 太郎\"\n", &format!("name = \"田中 太郎\"\n{}", reached("tanaka", "U0TANAKA")))
            .replace("name = \"伊藤 健\"\n", &format!("name = \"伊藤 健\"\n{}", reached("ito", "U0YAMADA")));
        format!(
            "{policy}\n[slack]\napi = \"{}/api/\"\n[incident]\nserious_at_once = []\n\
             escalation = [{{ after_min = 0, people = [\"tanaka\"] }}, {{ after_min = 15, people = [\"ito\"] }}]\n\
             [paging]\ntimeout_s = 4\nrules = [{{ after_min = 0, by = [\"slack\", \"webhook\"] }}]\n",
            slack.url
        )
    });
    for (variable, value) in
        [("SLACK_BOT_TOKEN", "xoxb-double"), ("SLACK_APP_TOKEN", "xapp-double"), ("SLACK_SIGNING_SECRET", "double-signing-secret")]
    {
        workspace.env.insert(variable.to_owned(), value.to_owned());
    }
    let workspace = workspace.introduced(&["tanaka", "ito"]);
    until("the server listens to Slack", || slack.control("connected", &json!({}))["connected"] == 1);
    workspace
}

/// `slack/1 sent`, `slack/1 sent acknowledged`
fn attempts(workspace: &Workspace, incident: &str) -> Vec<String> {
    let view = workspace.ok("tanaka", &["incident", "show", incident]);
    let pages = view["incident"]["pages"].as_array().cloned().unwrap_or_default();
    let attempts = pages.iter().flat_map(|page| page["attempts"].as_array().cloned().unwrap_or_default());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let line = |attempt: Value| {
        let permanent = if attempt["end"]["permanent"] == true { " for good" } else { "" };
        let line = format!(
            "{}/{} {}{permanent} {}",
            text(&attempt["means"]),
            attempt["number"],
            text(&attempt["end"]["how"]),
            text(&attempt["report"]["reported"])
        );
        line.trim_end().to_owned()
    };
    attempts.map(line).collect()
}

fn direct(slack: &Double, channel: &str, key: &str) -> Option<Value> {
    slack.list("messages").into_iter().find(|one| one["channel"] == channel && one["metadata"]["event_payload"]["key"] == key)
}

fn press(slack: &Double, user: &str, action: &str, message: &Value) {
    let pressed = slack.control("press", &json!({"user": user, "action_id": action, "channel": message["channel"], "ts": message["ts"]}));
    assert_eq!(pressed["acked"], true, "{pressed}");
}

fn shown(message: &Value) -> String {
    message["blocks"].to_string()
}

mod slow {
    use super::*;

    #[test]
    fn a_direct_message_calls_its_button_takes_and_nothing_old_stays_live() {
        let (slack, receiver) = (Double::start("slack/double.js"), Receiver::start());
        let workspace = workspace("slackpage", &slack, &receiver);
        let incident = workspace.open_incident();
        let key = format!("page/{incident}/1/tanaka/slack/1");
        until("tanaka has a message", || direct(&slack, TANAKA, &key).is_some());
        until("that it was sent is recorded", || attempts(&workspace, &incident) == ["slack/1 sent"]);
        let message = direct(&slack, TANAKA, &key).expect("a message");
        let link = format!("/incidents/{incident}");
        assert!(shown(&message).contains("hikeshi_take") && shown(&message).contains(&link), "{message:#}");
        assert!(
            shown(&message).contains("田中 太郎さん、対応をお願いします。") && shown(&message).contains("予約が止まった"),
            "{message:#}"
        );

        // Nobody of the policy: told why, and nothing happens.
        press(&slack, "U0STRANGER", "hikeshi_take", &message);
        until("an answer for that one alone", || slack.list("ephemerals").len() == 1);
        assert!(slack.list("ephemerals")[0]["text"].as_str().is_some_and(|text| text.contains("[A3]")));
        assert_eq!(attempts(&workspace, &incident), ["slack/1 sent"]);

        press(&slack, "tanaka", "hikeshi_take", &message);
        slack.control("again", &json!({}));
        until("taken, and recorded beside its attempt", || attempts(&workspace, &incident) == ["slack/1 sent acknowledged"]);
        let view = workspace.ok("ito", &["incident", "show", &incident]);
        assert_eq!(view["incident"]["acknowledged"]["by"], "tanaka");
        let settled = || direct(&slack, TANAKA, &key).filter(|message| !shown(message).contains("hikeshi_take"));
        until("the message asks for nothing any more", || settled().is_some());
        let message = settled().expect("the message");
        assert!(shown(&message).contains("田中 太郎さんが引き受けました") && shown(&message).contains(&link), "{message:#}");
        assert!(receiver.keys().is_empty(), "no other means");

        // Taken on the page while the message stands: the message says by whom, and an old copy of its button changes nothing.
        let second = workspace.open_incident();
        let key = format!("page/{second}/1/tanaka/slack/1");
        until("tanaka has the next message", || direct(&slack, TANAKA, &key).is_some());
        let live = direct(&slack, TANAKA, &key).expect("a message");
        until("it is recorded", || attempts(&workspace, &second) == ["slack/1 sent"]);
        slack.control("fail", &json!({"method": "chat.update", "status": 503, "count": 2}));
        workspace.ok("ito", &["incident", "ack", &second]);
        press(&slack, "tanaka", "hikeshi_take", &live);
        until("an answer", || slack.list("ephemerals").len() == 2);
        let said = slack.list("ephemerals")[1]["text"].as_str().unwrap_or_default().to_owned();
        assert!(said.contains("すでに伊藤 健さんが引き受けています"), "{said}");
        until("the message says who has it", || {
            direct(&slack, TANAKA, &key).is_some_and(|now| shown(&now).contains("伊藤 健さんが引き受けました"))
        });

        // What it called for has become part of another one: an old copy of its button takes that one.
        let (home, part) = (workspace.open_incident(), workspace.open_incident());
        let key = format!("page/{part}/1/tanaka/slack/1");
        until("it is recorded", || attempts(&workspace, &part) == ["slack/1 sent"]);
        let live = direct(&slack, TANAKA, &key).expect("a message");
        workspace.ok("ito", &["incident", "merge", &part, "--into", &home, "--reason", "同じ障害"]);
        press(&slack, "tanaka", "hikeshi_take", &live);
        until("recorded beside its attempt", || attempts(&workspace, &part) == ["slack/1 sent acknowledged"]);
        let view = workspace.ok("ito", &["incident", "show", &home]);
        assert_eq!(view["incident"]["acknowledged"]["by"], "tanaka");
        let compared = workspace.ok("admin", &["ledger", "rebuild"]);
        assert_eq!(compared["comparison"]["differences"], json!([]), "the tables are what the ledger says");
    }

    #[test]
    fn when_slack_is_gone_limits_or_answers_nothing_the_next_means_calls() {
        let (slack, receiver) = (Double::start("slack/double.js"), Receiver::start());
        let workspace = workspace("slackgone", &slack, &receiver);
        let falls_over = |what: &str, failure: Option<Value>, wanted: &str, within: Duration| {
            let other = |channel: &str| json!({"method": "chat.postMessage", "count": 1, "channel": channel});
            if let Some(Value::Object(failure)) = failure {
                let mut given = other("U0TANAKA");
                given.as_object_mut().expect("an object").extend(failure);
                slack.control("fail", &given);
            }
            let began = Instant::now();
            let incident = workspace.open_incident();
            let key = format!("page/{incident}/1/tanaka/webhook/1");
            until(what, || receiver.keys().contains(&key));
            let took = began.elapsed();
            assert!(took < within, "{what}: {took:?}");
            until("both are recorded", || attempts(&workspace, &incident) == [wanted.to_owned(), "webhook/1 sent".to_owned()]);
            workspace.ok("ito", &["incident", "ack", &incident]);
            incident
        };
        let soon = Duration::from_secs(3);
        falls_over("an error of theirs", Some(json!({"status": 500})), "slack/1 failed", soon);
        falls_over("200 without a message", Some(json!({"body": {"ok": true}})), "slack/1 failed", soon);
        let gone = falls_over("a user who is gone", Some(json!({"error": "user_disabled"})), "slack/1 failed for good", soon);
        let why = answer(&workspace.run("tanaka", &["incident", "show", &gone])).to_string();
        assert!(why.contains("Slack says user_disabled"), "{why}");
        // A wait that is longer than the page may take; the next page is not even sent before it is over.
        let limited = Instant::now();
        falls_over("a limit", Some(json!({"status": 429, "retry_after": 15})), "slack/1 failed", soon);
        let calls = || slack.list("calls").iter().filter(|call| call["channel"] == "U0TANAKA").count();
        let before = calls();
        falls_over("still limited", None, "slack/1 failed", soon);
        assert_eq!(calls(), before, "Slack is left alone as long as it asked");
        std::thread::sleep(Duration::from_secs(18).saturating_sub(limited.elapsed()));
        // A short one is waited out within the page's own time.
        slack.control("fail", &json!({"method": "chat.postMessage", "channel": "U0TANAKA", "status": 429, "retry_after": 1}));
        let incident = workspace.open_incident();
        until("sent after the wait", || attempts(&workspace, &incident) == ["slack/1 sent"]);
        workspace.ok("ito", &["incident", "ack", &incident]);

        slack.control("mode", &json!({"mode": "dead"}));
        falls_over("a Slack that says nothing", None, "slack/1 failed", Duration::from_secs(7));
        slack.control("mode", &json!({"mode": "refusing"}));
        falls_over("a Slack that is gone", None, "slack/1 failed", soon);
    }

    #[test]
    fn m2_a_test_by_slack_is_confirmed_with_its_button_by_its_owner_alone() {
        let (slack, receiver) = (Double::start("slack/double.js"), Receiver::start());
        let workspace = workspace("slacktest", &slack, &receiver);
        workspace.ok("ito", &["contact", "test", "tanaka", "--by", "slack"]);
        let key = "page/test/tanaka/slack/1";
        until("tanaka has the test", || direct(&slack, TANAKA, key).is_some());
        let message = direct(&slack, TANAKA, key).expect("a message");
        assert!(shown(&message).contains("障害は起きていません") && shown(&message).contains("hikeshi_arrived"), "{message:#}");
        let proven = || {
            let view = workspace.ok("tanaka", &["contact", "list"]);
            let people = view["people"].as_array().cloned().unwrap_or_default();
            let tanaka = people.into_iter().find(|known| known["person"] == "tanaka").expect("tanaka");
            let ways = tanaka["ways"].as_array().cloned().unwrap_or_default();
            ways.into_iter().find(|way| way["means"] == "slack").is_some_and(|way| way["proven_at"].is_string())
        };
        until("that it was sent is recorded", || workspace.ok("tanaka", &["contact", "list"]).to_string().contains("D0TANAKA "));
        press(&slack, "U0YAMADA", "hikeshi_arrived", &message);
        until("an answer for ito alone", || slack.list("ephemerals").len() == 1);
        assert!(!proven(), "nobody else can say so");
        press(&slack, "tanaka", "hikeshi_arrived", &message);
        until("it is proven", proven);
        until("the message says so", || {
            direct(&slack, TANAKA, key)
                .is_some_and(|now| shown(&now).contains("届いたことを記録しました") && !shown(&now).contains("hikeshi_arrived"))
        });
    }
}
