//! People are reached by telephone: a double of Twilio that signs with the vendor's own SDK takes orders, calls back, listens and presses keys.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::double::{Double, post};
use super::harness::{Workspace, until};

const TANAKA: &str = "+819011110001";
const ITO: &str = "+819011110002";

/// tanaka is called first, then gets a message; ito is the second step.
fn workspace(name: &str, double: &Double) -> Workspace {
    let mut workspace = Workspace::new(name);
    let public_url = format!("http://127.0.0.1:{}", workspace.port);
    workspace = workspace.policy(|policy| {
        let policy = policy
            .replace("name = \"田中 太郎\"\n", &format!("name = \"田中 太郎\"\nphone = \"{TANAKA}\"\n"))
            .replace("name = \"伊藤 健\"\n", &format!("name = \"伊藤 健\"\nphone = \"{ITO}\"\nlanguage = \"en\"\n"));
        format!(
            "{policy}\n[incident]\nserious_at_once = []\nescalation = [{{ after_min = 0, people = [\"tanaka\"] }}, {{ after_min = 15, people = [\"ito\"] }}]\n\
             [paging]\ntimeout_s = 2\nrules = [{{ after_min = 0, by = [\"voice\", \"sms\"] }}]\n\
             [paging.bundle]\nwindow_s = 5\n[paging.twilio]\nsms_from = \"+815012345678\"\nvoice_from = \"+815012345679\"\napi = \"{}\"\npublic_url = \"{public_url}\"\nreport_within_s = 3\n",
            double.url
        )
    });
    let account = format!("AC{}", "a".repeat(32));
    workspace.env.insert("TWILIO_ACCOUNT_SID".to_owned(), account);
    workspace.env.insert("TWILIO_AUTH_TOKEN".to_owned(), "a-token-for-the-telephone".to_owned());
    workspace.introduced(&["tanaka", "ito"])
}

fn incident(workspace: &Workspace, id: &str) -> Value {
    workspace.ok("tanaka", &["incident", "show", id])["incident"].clone()
}

/// `tanaka/voice/1 sent acknowledged`
fn attempts(workspace: &Workspace, id: &str) -> Vec<String> {
    let shown = incident(workspace, id);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut lines = Vec::new();
    for page in list(&shown["pages"]) {
        for attempt in list(&page["attempts"]) {
            let (how, report) = (text(&attempt["end"]["how"]), text(&attempt["report"]["reported"]));
            let why = text(&attempt["report"]["why"]);
            let line = format!("{}/{}/{} {how} {report} {why}", text(&page["person"]), text(&attempt["means"]), attempt["number"]);
            lines.push(line.trim_end().to_owned());
        }
    }
    lines
}

fn said(double: &Double) -> String {
    double.list("spoken").iter().filter_map(|line| line["text"].as_str()).collect()
}

fn text(workspace: &Workspace, double: &Double, from: &str, body: &str) -> String {
    let url = format!("http://127.0.0.1:{}/inbound/twilio/sms", workspace.port);
    let answer = double.control("text", &json!({"url": url, "from": from, "body": body}));
    assert_eq!(answer["status"], 200, "{answer}");
    answer["said"].as_array().expect("a list").iter().filter_map(Value::as_str).collect()
}

fn in_order(workspace: &Workspace, double: &Double) {
    assert_eq!(double.list("violations"), Vec::<Value>::new(), "everything is as the vendor publishes it");
    let compared = workspace.ok("admin", &["ledger", "rebuild"]);
    assert_eq!(compared["comparison"]["differences"], json!([]), "the tables are what the ledger says");
}

fn status_url(double: &Double, what: &str) -> String {
    double.list(what).first().and_then(|one| one["form"]["StatusCallback"].as_str().map(str::to_owned)).expect("an order")
}

mod slow {
    use super::*;

    #[test]
    fn i5_a_call_is_taken_with_a_key_and_nobody_else_is_called() {
        let double = Double::start("twilio/double.js");
        let workspace = workspace("phonekey", &double);
        double.control("phone", &json!({"number": TANAKA, "keys": ["7", "2", "1"]}));
        let id = workspace.open_incident();
        until("it is taken", || incident(&workspace, &id)["acknowledged"]["by"] == "tanaka");
        until("the call has ended", || double.list("answers").iter().any(|answer| answer["fields"]["CallStatus"] == "completed"));
        assert_eq!(attempts(&workspace, &id), ["tanaka/voice/1 sent acknowledged"]);
        let said = said(&double);
        assert_eq!(said.matches("試験チームの障害対応システム、ひけし、からの緊急の呼び出しです。").count(), 3, "{said}");
        assert!(said.contains("優先度ピーワン、サービス全体が停止です。対象は、予約、本番です。"), "{said}");
        assert!(said.contains("その番号は使えません。"), "{said}");
        assert!(said.ends_with("対応を引き受けたことを記録しました。インシデント1番を、お願いします。"), "{said}");
        assert_eq!(double.list("calls").len(), 1);
        assert_eq!(double.list("messages").len(), 0);
        let form = double.list("calls").first().expect("one")["form"].clone();
        assert_eq!((&form["To"], &form["From"]), (&json!(TANAKA), &json!("+815012345679")));

        // Late words and doubled ones change nothing.
        let url = status_url(&double, "calls");
        let before = workspace.ok("tanaka", &["incident", "show", &id])["size"].clone();
        for status in ["in-progress", "completed", "busy", "no-answer", "completed"] {
            let answer = double.control("post", &json!({"url": url, "fields": {"CallSid": "CA1", "CallStatus": status}}));
            assert_eq!(answer["status"], 204, "{status}");
        }
        assert_eq!(attempts(&workspace, &id), ["tanaka/voice/1 sent acknowledged"]);
        assert_eq!(workspace.ok("tanaka", &["incident", "show", &id])["size"], before, "no entry was written");
        in_order(&workspace, &double);
    }

    #[test]
    fn i5_whatever_fails_goes_on_to_the_next_means_in_time() {
        let double = Double::start("twilio/double.js");
        let workspace = workspace("phonefail", &double);
        let failing = |status: u16, code: u32| json!({"call": "Calls", "status": status, "code": code, "message": "told to fail"});
        for (name, fail, call, first) in [
            ("429", failing(429, 20_429), "answered", "failed"),
            ("500", failing(500, 20_500), "answered", "failed"),
            ("hang", json!({"call": "Calls", "hang": true}), "answered", "failed"),
            ("400", failing(400, 21_211), "answered", "failed"),
            ("nothing is heard", Value::Null, "nothing", "sent silent"),
            ("busy", Value::Null, "busy", "sent undelivered busy"),
            ("no answer", Value::Null, "no-answer", "sent undelivered no_answer"),
            ("no key", Value::Null, "answered", "sent undelivered not_taken"),
        ] {
            double.control("phone", &json!({"number": TANAKA, "call": call}));
            if !fail.is_null() {
                double.control("fail", &fail);
            }
            let began = Instant::now();
            let id = workspace.open_incident();
            let wanted = [format!("tanaka/voice/1 {first}"), "tanaka/sms/1 sent delivered".to_owned()];
            until(&format!("{name}: {wanted:?}"), || attempts(&workspace, &id) == wanted);
            assert!(began.elapsed() < Duration::from_secs(10), "{name}: {:?}", began.elapsed());
            if name == "400" {
                let detail = incident(&workspace, &id)["pages"][0]["attempts"][0]["end"].clone();
                assert_eq!((&detail["permanent"], &detail["detail"]), (&json!(true), &json!("HTTP 400: 21211 told to fail")));
            }
            workspace.ok("tanaka", &["incident", "ack", &id]);
        }
        in_order(&workspace, &double);
    }

    #[test]
    fn i5_when_no_means_reaches_anybody_the_next_step_comes_and_an_answer_by_message_takes_it() {
        let double = Double::start("twilio/double.js");
        let workspace = workspace("phonesms", &double);
        double.control("phone", &json!({"number": TANAKA, "call": "busy", "message": "undelivered 30003"}));
        double.control("phone", &json!({"number": ITO, "call": "no-answer"}));
        let id = workspace.open_incident();
        until("ito has a message", || attempts(&workspace, &id).contains(&"ito/sms/1 sent delivered".to_owned()));
        let seen = attempts(&workspace, &id);
        assert_eq!(
            seen.get(..2),
            Some(["tanaka/voice/1 sent undelivered busy".to_owned(), "tanaka/sms/1 sent undelivered failed".to_owned()].as_slice())
        );
        let body = double.list("messages").last().and_then(|one| one["body"].as_str().map(str::to_owned)).expect("a message");
        assert!(body.starts_with("[P1] 予約が止まった") && body.contains("Reply 1 to take it"), "{body}");

        assert_eq!(text(&workspace, &double, "+819099999999", "1"), "", "a number that nobody has is not answered");
        assert!(text(&workspace, &double, ITO, "what?").contains("reply only 1 or OK"));
        assert_eq!(incident(&workspace, &id)["acknowledged"], Value::Null);
        assert!(text(&workspace, &double, ITO, " ＯＫ ").contains(&format!("you have taken {id}")));
        assert_eq!(incident(&workspace, &id)["acknowledged"]["by"], "ito");
        assert!(attempts(&workspace, &id).contains(&"ito/sms/1 sent acknowledged".to_owned()));
        assert!(text(&workspace, &double, ITO, "1").contains("no page that you could take"));
        in_order(&workspace, &double);
    }

    #[test]
    fn i5_whoever_was_called_for_what_became_part_of_another_one_takes_that_one() {
        let double = Double::start("twilio/double.js");
        let workspace = workspace("phonemerged", &double);
        // Nobody hears the call by itself: it is spoken here, step by step.
        double.control("phone", &json!({"number": TANAKA, "call": "nothing"}));
        let open = || {
            let id = workspace.open_incident();
            until("the message is there", || attempts(&workspace, &id).contains(&"tanaka/sms/1 sent delivered".to_owned()));
            id
        };
        let (home, older, called_for) = (open(), open(), open());
        let voice = double.list("calls").last().and_then(|one| one["form"]["Url"].as_str().map(str::to_owned)).expect("a call");
        workspace.ok("ito", &["incident", "merge", &called_for, "--into", &home, "--reason", "同じ障害"]);
        let spoken = |what: &str, fields: Value| {
            let answer = double.control("post", &json!({"url": voice.replacen("/voice/", what, 1), "fields": fields}));
            answer["body"].as_str().expect("a document").to_owned()
        };
        let said = spoken("/voice/", json!({"CallSid": "CA1", "CallStatus": "in-progress"}));
        assert!(said.contains("インシデント3番は、インシデント1番に統合されました。") && said.contains("1番を押してください"), "{said}");
        assert!(!said.contains("解決"), "{said}");
        assert_eq!(incident(&workspace, &home)["acknowledged"], Value::Null);
        let said = spoken("/gather/", json!({"CallSid": "CA1", "Digits": "1"}));
        assert!(said.contains("インシデント1番を、お願いします。"), "{said}");
        assert_eq!(incident(&workspace, &home)["acknowledged"]["by"], "tanaka");
        assert!(
            attempts(&workspace, &called_for).contains(&"tanaka/voice/1 sent acknowledged".to_owned()),
            "{:?}",
            attempts(&workspace, &called_for)
        );

        // By message: the last one was about what is a part by now, not about the incident that waits beside it.
        let (home, beside, called_for) = (open(), open(), open());
        workspace.ok("ito", &["incident", "ack", &older]);
        workspace.ok("ito", &["incident", "merge", &called_for, "--into", &home, "--reason", "同じ障害"]);
        assert!(text(&workspace, &double, TANAKA, "1").contains(&home));
        assert_eq!(incident(&workspace, &home)["acknowledged"]["by"], "tanaka");
        assert_eq!(incident(&workspace, &beside)["acknowledged"], Value::Null);
        workspace.ok("ito", &["incident", "ack", &beside]);
        workspace.ok("ito", &["incident", "resolve", &home, "直した"]);
        let said = spoken("/voice/", json!({"CallSid": "CA2", "CallStatus": "in-progress"}));
        assert!(said.contains("お願いします") && !said.contains("解決"), "the first home still burns: {said}");
        in_order(&workspace, &double);
    }

    #[test]
    fn m2_a_test_is_confirmed_with_a_key_and_by_message() {
        let double = Double::start("twilio/double.js");
        let workspace = workspace("phonetest", &double);
        double.control("phone", &json!({"number": TANAKA, "keys": ["2", "1"]}));
        let proven = || {
            let view = workspace.ok("tanaka", &["contact", "list"]);
            let people = view["people"].as_array().cloned().unwrap_or_default();
            let tanaka = people.into_iter().find(|known| known["person"] == "tanaka").expect("tanaka");
            let ways = tanaka["ways"].as_array().cloned().unwrap_or_default();
            ways.iter()
                .filter(|way| way["proven_at"].is_string())
                .map(|way| way["means"].as_str().unwrap_or_default().to_owned())
                .collect::<Vec<_>>()
        };
        workspace.ok("ito", &["contact", "test", "tanaka"]);
        until("the call was answered with a key", || proven() == ["voice"]);
        let said = said(&double);
        assert_eq!(said.matches("障害は起きていません").count(), 2, "{said}");
        assert!(said.ends_with("届いたことを記録しました。ありがとうございました。"), "{said}");
        let body = double.list("messages").last().and_then(|one| one["body"].as_str().map(str::to_owned)).expect("a message");
        assert!(body.starts_with("【テスト】") && body.contains("1 と返信"), "{body}");
        assert!(text(&workspace, &double, TANAKA, "１").contains("届いたことを記録しました"));
        assert_eq!(proven(), ["sms", "voice"]);
        assert!(text(&workspace, &double, TANAKA, "1").contains("呼び出しはありません"), "once");
        in_order(&workspace, &double);
    }

    #[test]
    fn what_is_not_twilios_changes_nothing_and_breaks_nothing() {
        let double = Double::start("twilio/double.js");
        let workspace = workspace("phoneforged", &double);
        double.control("phone", &json!({"number": TANAKA, "call": "nothing"}));
        let id = workspace.open_incident();
        until("the message has arrived", || attempts(&workspace, &id).contains(&"tanaka/sms/1 sent delivered".to_owned()));
        let before = attempts(&workspace, &id);
        let status = status_url(&double, "calls");
        let of = |what: &str| status.replace("/status/", &format!("/{what}/"));
        let posted = |url: &str, fields: Value, signature: Option<&str>| {
            double.control("post", &json!({"url": url, "fields": fields, "signature": signature}))["status"].clone()
        };
        let key = json!({"CallSid": "CA1", "Digits": "1"});
        for forged in ["", "AAAA", "RSOYDt4T1cUTdK1PDd93/VVr8B8=", "not base64"] {
            for what in ["voice", "gather", "status"] {
                assert_eq!(posted(&of(what), key.clone(), Some(forged)), 403, "{what} {forged}");
            }
        }
        // Signed by the account, for an attempt that we never named to it.
        assert_eq!(posted(&of("gather").replace("tanaka", "ito"), key.clone(), None), 404);
        let seal = status.rsplit('/').next().expect("a seal");
        assert_eq!(posted(&of("gather").replace(seal, &"0".repeat(32)), key.clone(), None), 404);
        assert_eq!(posted(&of("nothing"), key, None), 404);

        let address = format!("127.0.0.1:{}", workspace.port);
        let path = status.split_once(&address).map(|(_, path)| path.to_owned()).expect("a path");
        let form = "application/x-www-form-urlencoded";
        let mut noise = 0x2545_f491_4f6c_dd1d_u64;
        let mut random = |bytes: usize| -> Vec<u8> {
            (0..bytes)
                .map(|_| {
                    noise ^= noise << 13;
                    noise ^= noise >> 7;
                    noise ^= noise << 17;
                    noise.to_le_bytes()[3]
                })
                .collect()
        };
        for what in ["voice", "gather", "status", "sms"] {
            let path = path.replace("/status/", &format!("/{what}/"));
            for bytes in [0, 1, 17, 300, 5_000, 70_000, 300_000] {
                let body = random(bytes);
                for headers in [&[("x-twilio-signature", "AAAA")][..], &[]] {
                    let (status, _) = post(&address, &path, form, headers, &body);
                    assert!((400..500).contains(&status), "{what}, {bytes} bytes: {status}");
                }
            }
        }
        // Rightly signed, with nothing in it or with what nobody would send.
        let long = "9".repeat(50_000);
        for fields in [
            json!({}),
            json!({"Digits": "", "CallSid": "\u{0}\n"}),
            json!({"Digits": long}),
            json!({"CallStatus": "?", "MessageStatus": "💩"}),
        ] {
            for what in ["voice", "gather", "status"] {
                let code = posted(&of(what), fields.clone(), None).as_u64().unwrap_or_default();
                assert!(code == 200 || code == 204, "{what}: {code}");
            }
            let sms = format!("http://{address}/inbound/twilio/sms");
            assert_eq!(posted(&sms, fields, None), 200);
        }
        assert_eq!(attempts(&workspace, &id), before);
        assert_eq!(incident(&workspace, &id)["acknowledged"], Value::Null);
        in_order(&workspace, &double);
    }

    #[test]
    fn i4_a_call_about_several_speaks_of_one_and_what_became_of_it_is_true_of_all() {
        let double = Double::start("twilio/double.js");
        let workspace = workspace("phonebundle", &double);
        double.control("phone", &json!({"number": TANAKA, "keys": ["1"]}));
        let open = |title: &str| {
            let args = ["incident", "open", title, "--service", "web", "--environment", "production"];
            let opened = workspace.ok("tanaka", &[&args[..], &["--impact", "one_function", "--business", "slight"]].concat());
            opened["receipt"]["made"].as_str().expect("an id").to_owned()
        };
        let first = open("一覧が遅い");
        until("it is taken", || incident(&workspace, &first)["acknowledged"]["by"] == "tanaka");
        let (second, third) = (open("検索が遅い"), open("印刷が遅い"));
        until("the one that is spoken of is taken", || incident(&workspace, &second)["acknowledged"]["by"] == "tanaka");
        until("the other one has arrived with it", || attempts(&workspace, &third) == ["tanaka/voice/1 sent delivered"]);
        assert_eq!(double.list("calls").len(), 2, "one call for both");
        assert!(incident(&workspace, &third)["acknowledged"].is_null(), "a key takes what was spoken of");
        let said = said(&double);
        assert!(said.contains("インシデント2番。検索が遅い。ほかに、1件が待っています。"), "{said}");
        in_order(&workspace, &double);
    }
}
