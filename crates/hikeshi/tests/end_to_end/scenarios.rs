//! Runs `scenarios/*.md`: promises to the user, typed as a user types them.
//!
//! A block ```` ```toml policy=more ```` is added to the policy before the server starts. A block ```` ```toml file=NAME ```` writes a file. A block ```` ```hikeshi as=PERSON [exit=CODE] [keep=NAME] ```` is one command line,
//! then lines `> TEXT` that the answer must hold; with `wait=yes` it is typed again until it does. A block ```` ```post to=PATH [type=TYPE] [exit=STATUS] ````
//! is what another program sends to `/inbound/PATH`, with the secret that `ALERTS_TOKEN` holds. `{receiver}` in the policy is the address of a program that takes pages; a block ```` ```received ```` waits until
//! one of them holds every `> TEXT`. `{digest}` is the digest of `emg_1` now; `keep` remembers it under a name.
//! `{tomorrow}` is 24 hours from now, `{later}` 48; `{month}` is this month, `{dir}` the directory of the files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::double::post;
use super::harness::{Workspace, in_hours, text, this_month, until};
use super::paging::Receiver;

const TOKEN: &str = "the-secret-of-the-sender-0123456789";
const WAIT: Duration = Duration::from_secs(30);
const PEOPLE: &[&str] = &["tanaka", "sato", "takahashi", "ito"];

struct Block {
    line: usize,
    language: String,
    attributes: BTreeMap<String, String>,
    body: Vec<String>,
}

fn blocks(markdown: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut open: Option<Block> = None;
    for (index, line) in markdown.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (Some(_), Some("")) => found.extend(open.take()),
            (None, Some(info)) => {
                let mut words = info.split_whitespace();
                let language = words.next().unwrap_or_default().to_owned();
                let attributes =
                    words.filter_map(|word| word.split_once('=')).map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
                open = Some(Block { line: index + 1, language, attributes, body: Vec::new() });
            }
            (Some(block), _) => block.body.push(line.to_owned()),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is never closed");
    found
}

/// Words as a shell would split them; only single quotes are understood.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quoted, mut any) = (String::new(), false, false);
    for c in line.chars() {
        match c {
            '\'' => {
                quoted = !quoted;
                any = true;
            }
            ' ' if !quoted => {
                if any {
                    words.push(std::mem::take(&mut word));
                    any = false;
                }
            }
            c => {
                word.push(c);
                any = true;
            }
        }
    }
    assert!(!quoted, "a quote is never closed: {line}");
    if any {
        words.push(word);
    }
    words
}

fn run(file: &Path) {
    let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
    let (policy, blocks): (Vec<Block>, Vec<Block>) =
        blocks(&super::harness::read(file)).into_iter().partition(|block| block.attributes.contains_key("policy"));
    let more: String = policy.iter().flat_map(|block| block.body.iter().map(|line| format!("{line}\n"))).collect();
    let receiver = Receiver::start();
    let more = more.replace("{receiver}", &receiver.url);
    let mut workspace = Workspace::new(&format!("scenario-{name}")).policy(|policy| format!("{policy}{more}"));
    workspace.env.insert("ALERTS_TOKEN".to_owned(), TOKEN.to_owned());
    let workspace = workspace.introduced(PEOPLE);
    let times = [("tomorrow", in_hours(24)), ("later", in_hours(48)), ("month", this_month())];
    let mut kept: BTreeMap<String, String> = times.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    kept.insert("dir".to_owned(), workspace.dir.display().to_string());
    let mut commands = 0;
    for block in blocks {
        let place = format!("{}:{}", file.display(), block.line);
        match block.language.as_str() {
            "toml" | "markdown" | "json" | "text" => {
                let to = block.attributes.get("file").unwrap_or_else(|| panic!("{place}: file="));
                std::fs::write(workspace.path(to), block.body.join("\n") + "\n").expect("written");
            }
            "hikeshi" => {
                command(&workspace, &block, &place, &mut kept);
                commands += 1;
            }
            "post" => sent(&workspace, &block, &place),
            "received" => received(&receiver, &block, &place),
            other => panic!("{place}: a block of `{other}`"),
        }
    }
    assert!(commands > 0, "{}: nothing was run", file.display());
}

fn command(workspace: &Workspace, block: &Block, place: &str, kept: &mut BTreeMap<String, String>) {
    let person = block.attributes.get("as").unwrap_or_else(|| panic!("{place}: as="));
    let (line, expected) = block.body.split_first().unwrap_or_else(|| panic!("{place}: empty"));
    if line.contains("{digest}") {
        let digest = workspace.ok(person, &["emergency", "show", "emg_1"])["emergency"]["digest"].as_str().expect("a digest").to_owned();
        if let Some(name) = block.attributes.get("keep") {
            kept.insert(name.clone(), digest.clone());
        }
        kept.insert("digest".to_owned(), digest);
    }
    let line = kept.iter().fold(line.clone(), |line, (name, value)| line.replace(&format!("{{{name}}}"), value));
    let wanted = || {
        expected.iter().map(|wanted| wanted.strip_prefix("> ").unwrap_or_else(|| panic!("{place}: neither a command nor `> `: {wanted}")))
    };
    let run = || workspace.as_person(person).args(words(&line)).output().expect("ran");
    if block.attributes.contains_key("wait") {
        let began = Instant::now();
        let holds = |said: &str| wanted().all(|wanted| said.contains(wanted));
        // What is still missing then is said below, beside what was answered.
        while began.elapsed() < WAIT && !holds(&text(&run())) {
            std::thread::sleep(Duration::from_millis(200));
        }
    }
    let done = run();
    let exit: i32 = block.attributes.get("exit").map_or(0, |code| code.parse().expect("a code"));
    assert_eq!(done.status.code(), Some(exit), "{place}: {line}: {}", text(&done));
    let said = text(&done);
    for wanted in wanted() {
        assert!(said.contains(wanted), "{place}: `{wanted}` is not in: {said}");
    }
}

/// As another program sends it.
fn sent(workspace: &Workspace, block: &Block, place: &str) {
    let to = block.attributes.get("to").unwrap_or_else(|| panic!("{place}: to="));
    let kind = block.attributes.get("type").map_or("application/json", String::as_str);
    let authorization = format!("Bearer {TOKEN}");
    let body = block.body.join("\r\n");
    let address = format!("127.0.0.1:{}", workspace.port);
    let (status, said) = post(&address, &format!("/inbound/{to}"), kind, &[("authorization", &authorization)], body.as_bytes());
    let wanted: u16 = block.attributes.get("exit").map_or(200, |status| status.parse().expect("a status"));
    assert_eq!(status, wanted, "{place}: {said}");
}

/// One page that says all of it.
fn received(receiver: &Receiver, block: &Block, place: &str) {
    let wanted: Vec<&str> = block.body.iter().filter_map(|line| line.strip_prefix("> ")).collect();
    assert!(!wanted.is_empty(), "{place}: nothing is wanted of it");
    until(&format!("{place}: {wanted:?}"), || {
        let calls = receiver.calls.lock().expect("calls");
        calls.iter().any(|call| wanted.iter().all(|wanted| call.body.to_string().contains(wanted)))
    });
}

fn scenario(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios").join(name)
}

#[test]
fn condition_missing() {
    run(&scenario("condition-missing.md"));
}

#[test]
fn self_approval() {
    run(&scenario("self-approval.md"));
}

#[test]
fn digest_changed() {
    run(&scenario("digest-changed.md"));
}

#[test]
fn quorum_missing() {
    run(&scenario("quorum-missing.md"));
}

#[test]
fn outside_scope() {
    run(&scenario("outside-scope.md"));
}

/// Any scenario that is added runs too, without a line here.
#[test]
fn every_other_scenario() {
    let known = ["condition-missing.md", "self-approval.md", "digest-changed.md", "quorum-missing.md", "outside-scope.md"];
    let mut seen = 0;
    for entry in std::fs::read_dir(scenario("")).expect("scenarios") {
        let file = entry.expect("an entry").path();
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        if !name.ends_with(".md") {
            continue;
        }
        seen += 1;
        if !known.contains(&name.as_str()) {
            run(&file);
        }
    }
    assert!(seen >= known.len());
}

#[test]
fn a_line_is_split_as_a_shell_would() {
    assert_eq!(words("incident open '予約が 止まった' --service web ''"), ["incident", "open", "予約が 止まった", "--service", "web", ""]);
}
