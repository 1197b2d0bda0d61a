//! Files that typed commands change, with real processes: each kind is found with its contents and the command after which it was first
//! seen, each is put back byte for byte, and what lies outside the scope is said at once to everyone who watches.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use super::harness::{Workspace, read, until};
use super::session::{Night, RELEASED, Terminal, Watching};

/// 日, as Shift_JIS has it, and 予約 as EUC-JP has it.
const SJIS_NAME: &[u8] = b"\x93\xfa.txt";
const EUC_TEXT: &[u8] = b"\xcd\xbd\xcc\xf3 = 1\n";
const BIG_BYTES: usize = 3 << 20;

fn prepare(workspace: &Workspace) {
    let config = workspace.path("root/config");
    for (name, content) in [
        ("replaced", &b"old\n"[..]),
        ("forged", b"12345\n"),
        ("deleted", b"x\n"),
        ("moved", b"moved\n"),
        ("mapped", b"aaaaaaaa\n"),
        ("mode", b"m\n"),
        ("one", b"shared\n"),
        ("plain", b"plain\n"),
        ("euc.conf", EUC_TEXT),
        ("big", &vec![b'x'; BIG_BYTES]),
    ] {
        fs::write(config.join(name), content).expect("written");
    }
    fs::write(config.join(OsStr::from_bytes(SJIS_NAME)), "before\n").expect("written");
    symlink("app.toml", config.join("link")).expect("a link");
    fs::hard_link(config.join("one"), config.join("two")).expect("a second name");
}

/// The nine kinds, one command each; what it makes of which path.
const NINE: &[(&str, &[(&str, &str)])] = &[
    ("printf 'new\\n' > config/.t; mv config/.t config/replaced", &[("config/replaced", "modified")]),
    ("touch -r config/forged ../ref; printf '54321\\n' > config/forged; touch -r ../ref config/forged", &[("config/forged", "modified")]),
    ("rm config/deleted", &[("config/deleted", "removed")]),
    ("mkdir -p config/deep/er/dir; printf 'n\\n' > config/deep/er/dir/file", &[("config/deep/er/dir/file", "added")]),
    ("mv config/moved config/moved_to", &[("config/moved", "removed"), ("config/moved_to", "added")]),
    (
        "python3 -c 'import mmap; f=open(\"config/mapped\",\"r+b\"); m=mmap.mmap(f.fileno(),0); m[0:3]=b\"bbb\"; m.close()'",
        &[("config/mapped", "modified")],
    ),
    ("chmod 755 config/mode", &[("config/mode", "metadata")]),
    ("ln -sfn other.toml config/link", &[("config/link", "metadata")]),
];

/// Beyond the nine: names of one file, a directory in a file's place, a name and a text that are not UTF-8, a file too large to keep, a pipe.
const FURTHER: &[(&str, &[(&str, &str)])] = &[
    ("printf 'more\\n' >> config/one", &[("config/one", "modified"), ("config/two", "modified")]),
    (
        "rm config/plain; mkdir config/plain; printf 'b\\n' > config/plain/below",
        &[("config/plain", "modified"), ("config/plain/below", "added")],
    ),
    ("printf 'after\\n' > config/$'\\x93\\xfa'.txt", &[("config/%93%FA.txt", "modified")]),
    ("printf '\\xcd\\xbd\\xcc\\xf3 = 2\\n' > config/euc.conf", &[("config/euc.conf", "modified")]),
    ("head -c 1000 /dev/zero >> config/big", &[("config/big", "modified")]),
    ("mkfifo config/pipe", &[("config/pipe", "added")]),
];

/// Everything below the scope: rights, and content or where a link leads.
type Tree = BTreeMap<PathBuf, (u32, Vec<u8>)>;

fn tree(root: &Path) -> Tree {
    let mut found = Tree::new();
    let mut left = vec![root.to_owned()];
    while let Some(path) = left.pop() {
        let stat = fs::symlink_metadata(&path).expect("there");
        let content = if stat.is_symlink() {
            fs::read_link(&path).expect("a link").into_os_string().into_vec()
        } else if stat.is_file() {
            fs::read(&path).expect("readable")
        } else {
            Vec::new()
        };
        if stat.is_dir() {
            left.extend(fs::read_dir(&path).expect("a directory").map(|entry| entry.expect("an entry").path()));
        }
        found.insert(path, (stat.mode(), content));
    }
    found
}

fn shown(night: &Night) -> Value {
    night.workspace.ok("tanaka", &["emergency", "show", &night.emergency])["emergency"].clone()
}

fn change<'a>(shown: &'a Value, path: &str) -> Option<&'a Value> {
    shown["changes"].as_array()?.iter().find(|change| change["path"] == path)
}

/// A content of the record, by its digest.
fn content(night: &Night, side: &Value) -> Vec<u8> {
    assert_eq!(side["kept"], true, "{side}");
    let mut stream = TcpStream::connect(("127.0.0.1", night.workspace.port)).expect("a server");
    let (digest, token) = (side["digest"].as_str().expect("a digest"), &night.workspace.tokens["tanaka"]);
    let host = format!("localhost:{}", night.workspace.port);
    write!(stream, "GET /api/v1/contents/{digest} HTTP/1.0\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n").expect("asked");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("answered");
    assert!(answer.starts_with(b"HTTP/1.0 200"), "{}", String::from_utf8_lossy(&answer));
    let head = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("a head");
    answer.split_off(head + 4)
}

/// Types each command and waits until what it changed is known; says the number under which the record has the command.
fn typed(night: &Night, terminal: &mut Terminal, commands: &[(&str, &[(&str, &str)])], first: u64) {
    for (number, (command, changes)) in (first..).zip(commands) {
        terminal.keys(&format!("{command}\n"));
        for (path, kind) in *changes {
            let mut last = Value::Null;
            until(&format!("{path} is known as {kind}"), || {
                last = shown(night);
                change(&last, path).is_some_and(|found| found["kind"] == *kind)
            });
            let found = change(&last, path).expect("known");
            assert_eq!(found["command"], serde_json::json!({"session": 1, "command": number}), "{path}: {found}");
            assert_eq!(found["in_scope"], true, "{path}");
        }
        until("the look is over", || shown(night)["looking"].is_null());
    }
}

fn put_back(night: &Night, paths: &[&str]) -> Value {
    let args = [&["--confirm", &night.emergency, "emergency", "restore", &night.emergency], paths, &["--reason", "違うファイルを変えた"]];
    night.workspace.ok("tanaka", &args.concat())["reverted"].clone()
}

/// Keys were held while files were put back; they pass again, and the terminal has heard so.
fn passes(night: &Night) {
    until("keys pass again", || night.session()["held"] == Value::Array(Vec::new()) && shown(night)["status"] == "executing");
    std::thread::sleep(std::time::Duration::from_secs(1));
}

fn prepared(name: &str) -> (Night, Tree, [Watching; 2], Terminal) {
    let night = Night::prepared(name, "[plan.terminal]\n", "", &["takahashi", "ito"], prepare);
    let before = tree(&night.root("config"));
    let watching = [night.watch("takahashi"), night.watch("ito")];
    let mut terminal = night.shell();
    terminal.sees(RELEASED);
    (night, before, watching, terminal)
}

#[test]
fn nine_kinds_of_change_are_found_with_their_contents_and_each_is_put_back_alone() {
    let (night, before, _watching, mut terminal) = prepared("nine-kinds");
    typed(&night, &mut terminal, NINE, 1);
    let all = shown(&night);
    assert_eq!(all["changes"].as_array().map(Vec::len), Some(9), "{all}");
    let side = |path: &str, side: &str| content(&night, &change(&all, path).expect("known")[side]);
    let mode = |path: &str, side: &str| change(&all, path).expect("known")[side]["mode"].as_u64().expect("a mode") & 0o7777;
    for (path, old, new) in [
        ("config/replaced", "old\n", "new\n"),
        ("config/forged", "12345\n", "54321\n"),
        ("config/mapped", "aaaaaaaa\n", "bbbaaaaa\n"),
        ("config/link", "app.toml", "other.toml"),
    ] {
        assert_eq!((side(path, "before"), side(path, "after")), (old.into(), new.into()), "{path}");
    }
    assert_eq!((side("config/deleted", "before"), side("config/moved", "before")), (b"x\n".to_vec(), b"moved\n".to_vec()));
    assert_eq!((side("config/moved_to", "after"), side("config/deep/er/dir/file", "after")), (b"moved\n".to_vec(), b"n\n".to_vec()));
    assert_eq!((mode("config/mode", "before"), mode("config/mode", "after")), (0o644, 0o755));

    // One by one, while the terminal is open; then those that are left, after it has ended.
    let paths: Vec<&str> = NINE.iter().flat_map(|(_, changes)| changes.iter().map(|(path, _)| *path)).collect();
    let (open, ended) = paths.split_at(3);
    for path in open {
        let reverted = put_back(&night, &[path]);
        assert_eq!(reverted["files"][0]["path"], **path, "{reverted}");
        assert_eq!((&reverted["by"], &reverted["files"][0]["changed_since"]), (&"tanaka".into(), &false.into()), "{reverted}");
        assert!(change(&shown(&night), path).is_none(), "{path} is as it was");
    }
    passes(&night);
    terminal.keys("echo still-$((1+1))here\n");
    terminal.sees("still-2here");
    terminal.exit();
    for path in ended {
        put_back(&night, &[path]);
        assert!(change(&shown(&night), path).is_none(), "{path} is as it was");
    }
    assert_eq!(tree(&night.root("config")), before, "every byte, right and link");
}

#[test]
fn awkward_files_are_told_honestly_and_put_back_at_once_with_what_changed_in_between() {
    let (night, before, _watching, mut terminal) = prepared("awkward-files");
    typed(&night, &mut terminal, FURTHER, 1);
    let all = shown(&night);
    let side = |path: &str, side: &str| change(&all, path).expect("known")[side].clone();
    assert_eq!(content(&night, &side("config/%93%FA.txt", "after")), b"after\n");
    assert_eq!(content(&night, &side("config/euc.conf", "before")), EUC_TEXT);
    assert_eq!((&side("config/big", "before")["kept"], &side("config/big", "after")["bytes"]), (&false.into(), &(BIG_BYTES + 1000).into()));
    assert_eq!(side("config/pipe", "after")["mode"].as_u64().expect("a mode") & 0o170_000, 0o010_000, "a pipe is told as a pipe");
    // Nobody has seen this one: it is said, and kept.
    fs::write(night.root("config/euc.conf"), "by a batch job\n").expect("written");
    let paths: Vec<&str> = FURTHER.iter().flat_map(|(_, changes)| changes.iter().map(|(path, _)| *path)).collect();
    let reverted = put_back(&night, &paths);
    let files = reverted["files"].as_array().expect("files");
    let since: Vec<&Value> = files.iter().filter(|file| file["changed_since"] == true).map(|file| &file["path"]).collect();
    assert_eq!(since, ["config/euc.conf"], "{reverted}");
    let found = files.iter().find(|file| file["path"] == "config/euc.conf").expect("told");
    assert_eq!(content(&night, &found["found"]), b"by a batch job\n");
    assert_eq!(found["now"]["digest"], side("config/euc.conf", "before")["digest"]);
    assert_eq!(tree(&night.root("config")), before, "every byte, right and link");
    let inode = |name: &str| fs::metadata(night.root("config").join(name)).expect("there").ino();
    assert_eq!(inode("one"), inode("two"), "one file with two names again");
    until("nothing is left", || shown(&night)["changes"] == Value::Array(Vec::new()));
    // The ledger says who did what to which file, and the whole of it is verified.
    passes(&night);
    terminal.exit();
    let case =
        night.workspace.ok("tanaka", &["emergency", "show", &night.emergency])["incident"]["id"].as_str().expect("a case").to_owned();
    let bundle = night.workspace.path("case.zip").display().to_string();
    night.workspace.ok("tanaka", &["ledger", "export", &case, "--output", &bundle]);
    night.workspace.ok("tanaka", &["ledger", "verify", "--bundle", &bundle]);
}

#[test]
fn everything_is_put_back_by_one_act_that_hangs_the_terminal_up() {
    let (night, before, _watching, mut terminal) = prepared("all-back");
    typed(&night, &mut terminal, NINE, 1);
    night.workspace.refused(
        "ito",
        &["--confirm", &night.emergency, "emergency", "restore", &night.emergency, "--reason", "戻す"],
        "emergency.not_involved",
    );
    night.workspace.ok("sato", &["--confirm", &night.emergency, "emergency", "restore", &night.emergency, "--reason", "最初からやり直す"]);
    terminal.sees("ended");
    until("the terminal is over, and looked at for the last time", || {
        let shown = shown(&night);
        !shown["sessions"][0]["end"].is_null() && shown["looking"].is_null()
    });
    assert_eq!(tree(&night.root("config")), before, "every byte, right and link");
    let after = shown(&night);
    assert_eq!((&after["changes"], &after["sessions"][0]["end"]["how"]), (&Value::Array(Vec::new()), &"stopped".into()), "{after}");
    night.workspace.ok("tanaka", &["emergency", "close", &night.emergency]);
    assert_eq!(shown(&night)["ending"], "undone");
}

#[test]
fn what_lies_outside_the_scope_is_said_at_once_to_everyone_who_watches_until_it_is_settled() {
    let night = Night::prepared("outside", "[plan.terminal]\n", "", &["takahashi", "ito"], |_| {});
    let said = night.workspace.path("takahashi.said");
    let mut command = night.workspace.as_person("takahashi");
    command.args(["emergency", "watch", &night.emergency]).stdout(Stdio::null()).stderr(File::create(&said).expect("a file"));
    let (_a, _b) = (Watching(command.spawn().expect("watching")), night.watch("ito"));
    let mut terminal = night.shell();
    terminal.sees(RELEASED);
    terminal.keys("echo stray > stray.txt; echo second > second.txt\n");
    terminal.sees("Changed outside the approved scope: second.txt, stray.txt");
    until("the witness's terminal says so", || read(&said).contains("Changed outside the approved scope: second.txt, stray.txt"));
    let posts = night.workspace.ok("ito", &["channel", "show", "emergency-deploy"]).to_string();
    assert!(posts.contains("out_of_scope") && posts.contains("stray.txt"), "{posts}");
    // Ctrl-] ? says it again, for whom the line has scrolled away.
    terminal.keys("\u{1d}?");
    terminal.sees("Changed outside the approved scope");
    let accept = ["emergency", "accept", &night.emergency, "second.txt", "--reason", "必要"];
    night.workspace.refused("tanaka", &accept, "emergency.only_approver_accepts");
    night.workspace.ok("sato", &accept);
    terminal.sees("Changed outside the approved scope: stray.txt");
    terminal.exit();
    night.workspace.refused("tanaka", &["emergency", "close", &night.emergency], "emergency.verification_missing");
    fs::write(night.root("config/app.toml"), "value = 2\n").expect("written");
    night.workspace.ok("tanaka", &["emergency", "verify", &night.emergency]);
    let refusal = night.workspace.refused("tanaka", &["emergency", "close", &night.emergency], "emergency.changes_unaccepted");
    assert!(refusal.to_string().contains("stray.txt") && !refusal.to_string().contains("second.txt"), "{refusal}");
    put_back(&night, &["stray.txt"]);
    assert!(!night.root("stray.txt").exists() && night.root("second.txt").exists());
    night.workspace.ok("tanaka", &["emergency", "verify", &night.emergency]);
    night.workspace.ok("tanaka", &["emergency", "close", &night.emergency]);
}
