//! GitHub, as the double made from its published document has it: the pull request of rule E10, its failures, and drift after another merge.

use std::path::PathBuf;
use std::process::Command;

use hikeshi_outside::github::webhook;
use serde_json::{Value, json};

use super::double::{Double, e2e, packages, post};
use super::harness::{Workspace, until};

const SECRET: &str = "webhook-secret-of-the-test";

/// A bare repository that holds what production holds.
fn repository(dir: &std::path::Path) -> PathBuf {
    let (bare, work) = (dir.join("repository.git"), dir.join("work"));
    let git = |place: &std::path::Path, args: &[&str]| {
        let who = ["-c", "user.name=team", "-c", "user.email=team@example.jp", "-c", "init.defaultBranch=main"];
        let done = Command::new("git").current_dir(place).args(who).args(args).output().expect("git");
        assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
    };
    std::fs::create_dir_all(work.join("config")).expect("made");
    std::fs::write(work.join("config/app.toml"), "value = 1\n").expect("written");
    std::fs::write(work.join("config/other.toml"), "other = 1\n").expect("written");
    git(&work, &["init", "--quiet"]);
    git(&work, &["add", "."]);
    git(&work, &["commit", "--quiet", "-m", "first"]);
    git(dir, &["clone", "--quiet", "--bare", "work", "repository.git"]);
    bare
}

fn workspace(name: &str) -> (Workspace, Double) {
    let workspace = Workspace::new(name);
    let bare = repository(&workspace.dir);
    let github = Double::start_with("github/double.js", &[("BARE", &bare.display().to_string())]);
    let settings = format!(
        "\n[forge]\nkind = \"github\"\nrepository = \"yunoya/reservation\"\napi = \"{}\"\nwebhook_secret_env = \"GITHUB_WEBHOOK_SECRET\"\n",
        github.url
    );
    let mut workspace = workspace.policy(|policy| policy + &settings);
    workspace.env.insert("GITHUB_TOKEN".to_owned(), "ghp_double".to_owned());
    workspace.env.insert("GITHUB_WEBHOOK_SECRET".to_owned(), SECRET.to_owned());
    (workspace.introduced(&["tanaka", "sato", "takahashi", "ito"]), github)
}

/// From the request to the close; the obligation of the change request.
fn exception(workspace: &Workspace) -> (String, String) {
    let incident = workspace.open_incident();
    let emergency = workspace.request(&incident);
    workspace.approve(&emergency);
    workspace.join(&emergency);
    workspace.ok("tanaka", &["emergency", "start", &emergency]);
    workspace.ok("tanaka", &["emergency", "step", &emergency, "1"]);
    workspace.ok("ito", &["emergency", "confirm", &emergency, "--step", "2", "--confirm", "直す"]);
    workspace.ok("tanaka", &["emergency", "step", &emergency, "2", "--confirm", "直す"]);
    workspace.ok("tanaka", &["emergency", "verify", &emergency]);
    workspace.ok("tanaka", &["emergency", "close", &emergency]);
    (emergency, "obl_1".to_owned())
}

fn obligation(workspace: &Workspace, id: &str) -> Value {
    workspace.ok("tanaka", &["obligation", "show", id])["obligation"].clone()
}

fn trouble(workspace: &Workspace, id: &str) -> String {
    obligation(workspace, id)["trouble"]["detail"].as_str().unwrap_or_default().to_owned()
}

fn signed(body: &str) -> String {
    let mut openssl = Command::new("openssl")
        .args(["dgst", "-sha256", "-hmac", SECRET, "-hex"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("openssl");
    std::io::Write::write_all(&mut openssl.stdin.take().expect("stdin"), body.as_bytes()).expect("given");
    let said = String::from_utf8(openssl.wait_with_output().expect("ended").stdout).expect("text");
    format!("sha256={}", said.trim().rsplit(' ').next().expect("a digest"))
}

fn nothing_outside_the_document(github: &Double) {
    assert_eq!(github.list("violations"), Vec::<Value>::new());
}

mod slow {
    use super::*;

    #[test]
    fn the_change_comes_back_as_a_labelled_request_and_another_merge_is_drift() {
        let (workspace, github) = workspace("github");
        // The answer to the pull request is lost: it is found again, not made twice.
        github.control("fail", &json!({"call": "POST /repos/yunoya/reservation/pulls", "lose_answer": true}));
        let (emergency, obligation_id) = exception(&workspace);
        until("the request is open", || !obligation(&workspace, &obligation_id)["request"].is_null());
        let pulls = github.list("pulls");
        assert_eq!(pulls.len(), 1, "{pulls:#?}");
        let pull = &pulls[0];
        assert_eq!(pull["labels"][0]["name"], "Emergency Fix");
        assert_eq!(pull["head"]["ref"], format!("emergency/{emergency}"));
        let body = pull["body"].as_str().expect("a body");
        for words in ["佐藤 花子", "髙橋 美咲", "台帳のチェックポイント", &format!("/emergencies/{emergency}"), "config/app.toml"]
        {
            assert!(body.contains(words), "{words}: {body}");
        }
        let request = obligation(&workspace, &obligation_id)["request"].clone();
        assert_eq!(request["request_file"], "https://github.com/yunoya/reservation/pull/1");

        // Somebody mends the content on the way; GitHub tells that it was merged, signed.
        github.control("merge", &json!({"number": 1, "path": "config/app.toml", "content": "value = 3\n"}));
        let payload = json!({
            "action": "closed", "repository": {"full_name": "yunoya/reservation"},
            "pull_request": {"number": 1, "merged": true, "head": {"ref": format!("emergency/{emergency}")}},
        })
        .to_string();
        let address = format!("127.0.0.1:{}", workspace.port);
        let deliver = |signature: &str| {
            let headers = [("x-github-event", "pull_request"), ("x-github-delivery", "0b989ba4"), ("x-hub-signature-256", signature)];
            post(&address, "/inbound/github", "application/json", &headers, payload.as_bytes()).0
        };
        assert_eq!(deliver("sha256=00"), 401, "forged");
        assert!(obligation(&workspace, &obligation_id)["request"]["compared"].is_null());
        assert_eq!(deliver(&signed(&payload)), 202);
        until("it is compared at once", || !obligation(&workspace, &obligation_id)["request"]["compared"].is_null());
        let owed = obligation(&workspace, &obligation_id);
        let compared = &owed["request"]["compared"];
        assert_eq!(
            (compared["merged"].as_bool(), compared["drift"][0]["path"].as_str()),
            (Some(true), Some("config/app.toml")),
            "{compared}"
        );
        assert_eq!(owed["status"], "owed", "drift fulfils nothing");
        workspace.ok("sato", &["obligation", "accept-drift", &obligation_id, "--reason", "値は 3 が正しい"]);
        assert_eq!(obligation(&workspace, &obligation_id)["status"], "done");
        nothing_outside_the_document(&github);
    }

    #[test]
    fn each_failure_is_told_in_words_and_the_next_try_goes_on_from_there() {
        let (workspace, github) = workspace("githubfails");
        github.control("fail", &json!({"status": 401, "message": "Bad credentials"}));
        let (emergency, id) = exception(&workspace);
        let failed = |words: &str| {
            until(words, || trouble(&workspace, &id).contains(words));
        };
        failed("the token is not accepted");
        let again = |failure: Value, words: &str| {
            github.control("fail", &failure);
            workspace.run("tanaka", &["obligation", "propose", &id]);
            failed(words);
        };
        again(
            json!({"call": "/git/blobs", "status": 403, "message": "Resource not accessible by personal access token"}),
            "the token may not do this",
        );
        again(json!({"call": "/git/trees", "status": 404, "message": "Not Found"}), "the token cannot see it");
        again(json!({"call": "POST", "status": 409, "message": "Git Repository is empty."}), "in another state");
        again(json!({"call": "POST", "status": 422, "message": "Validation Failed"}), "does not accept the content");
        again(json!({"status": 403, "headers": {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "4102444800"}}), "asks to wait");
        again(json!({"count": 3, "status": 502}), "HTTP 502");
        github.control("mode", &json!({"mode": "refusing"}));
        workspace.run("tanaka", &["obligation", "propose", &id]);
        failed("could not be reached");
        github.control("mode", &json!({"mode": "up"}));
        assert!(github.list("pulls").is_empty());
        // Made, and the answer breaks off: what is there is found, and not made again.
        github.control("fail", &json!({"call": "POST /repos/yunoya/reservation/git/blobs", "truncate": true}));
        github.control("fail", &json!({"call": "POST /repos/yunoya/reservation/git/refs", "truncate": true}));
        github.control("fail", &json!({"call": "POST /repos/yunoya/reservation/pulls", "truncate": true}));
        github.control("fail", &json!({"call": "/git/trees", "status": 429, "headers": {"retry-after": "1"}, "message": "slow down"}));
        // A short wait is kept, and half of the work is there already.
        github.control("fail", &json!({"call": "/pulls", "status": 403, "headers": {"retry-after": "1"}, "message": "You have exceeded a secondary rate limit"}));
        github.control("fail", &json!({"call": "/labels", "status": 500}));
        workspace.ok("tanaka", &["obligation", "propose", &id]);
        until("the request is open", || !obligation(&workspace, &id)["request"].is_null());
        assert_eq!(github.list("pulls").len(), 1);
        // Closed without being merged is no fulfilment; merged as it was made is.
        github.control("close", &json!({"number": 1}));
        workspace.run("tanaka", &["obligation", "compare", &id]);
        failed("was closed without being merged");
        github.control("merge", &json!({"number": 1}));
        workspace.ok("tanaka", &["obligation", "compare", &id]);
        until("done", || obligation(&workspace, &id)["status"] == "done");
        assert_eq!(obligation(&workspace, &id)["request"]["compared"]["drift"], json!([]), "{emergency}");
        nothing_outside_the_document(&github);
    }

    #[test]
    fn every_published_example_of_the_webhook_is_understood() {
        let done = Command::new("node")
            .arg(e2e().join("github/examples.js"))
            .arg("pull_request")
            .env("HIKESHI_E2E", packages())
            .output()
            .expect("node starts");
        let examples: Vec<&[u8]> = done.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
        assert!(examples.len() >= 25, "{} examples", examples.len());
        let mut closed = 0;
        for example in examples {
            let value: Value = serde_json::from_slice(example).expect("an example");
            let read = webhook::read("pull_request", example);
            assert_eq!(read.is_some(), value["action"] == "closed", "{}", value["action"]);
            if let Some(read) = read {
                closed += 1;
                assert_eq!(read.number, value["number"].as_u64().expect("a number"));
                assert_eq!(read.branch, value["pull_request"]["head"]["ref"]);
                assert_eq!(read.merged, value["pull_request"]["merged"].as_bool().unwrap_or(false));
            }
        }
        assert!(closed >= 1);
        assert_eq!(webhook::read("push", b"{}"), None);
    }
}
