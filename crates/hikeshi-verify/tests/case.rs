//! One night with a session of several commands and two witnesses, as files; and how somebody who holds the ledger's key would rewrite it.

use std::convert::Infallible;

use hikeshi_domain::command::Command;
use hikeshi_domain::emergency::{self, Plan, Step};
use hikeshi_domain::ids::{Digest, IncidentId};
use hikeshi_domain::ledger::{
    BundleParts, BundledEntry, CONTENTS_DIRECTORY, DECLARED_FILE, ENTRIES_FILE, Files, Frontier, LedgerKey, inclusion_proof, leaf_hash,
    make_bundle,
};
use hikeshi_domain::people::Actor;
use hikeshi_domain::session::record::Word;
use hikeshi_domain::session::{self, Capture, DangerousLine, Encoding, Shell, Terminal};
use hikeshi_testkit::{Eyes, Plans, Tape, World, people};
use serde_json::Value;

pub struct Case {
    pub files: Files,
    pub key: LedgerKey,
}

/// Where "db1" stands in the output: after the prompt and "host=".
pub const SECRET_AT: (u64, u64) = (7, 10);

fn plan() -> Plan {
    let captures = vec![Capture { title: "表の形".to_owned(), run: "pg_dump --schema-only".to_owned() }];
    let dangerous = [("sed -i", "元の値が残らない"), ("systemctl reload", "予約が数秒止まる")];
    let dangerous = dangerous.map(|(words, why)| DangerousLine { words: words.to_owned(), why: why.to_owned() }).into();
    let terminal = Terminal { shell: Shell::Bash, encoding: Encoding::Utf8, record_input: false, captures, dangerous };
    let step = Step { title: "印を付ける".to_owned(), run: "true".to_owned(), timeout_s: 30, dangerous: true };
    Plan { terminal: Some(terminal), steps: vec![step], ..Plans::repair().expect("a plan") }
}

/// Plays the night. The blocks: 0 before the witnesses, 1 and 2 in company, 3 the end. Of block 1 something is taken out afterwards.
pub async fn night() -> Case {
    let world = World::new().await.expect("a world");
    let id = world.until_executing(plan()).await.expect("executing");
    // A dangerous step, confirmed by one of the witnesses.
    let digest = world.emergency(id).await.expect("an exception").emergency.digest;
    let typed = "印を付ける".to_owned();
    let confirm = emergency::Command::Confirm { emergency: id, step: 1, digest, confirm: typed.clone() };
    world.does("suzuki", Command::Emergency(confirm)).await.expect("confirmed");
    let step = emergency::Command::Step { emergency: id, step: 1, confirm: typed };
    world.does("sato", Command::Emergency(step)).await.expect("run");
    world.idle().await.expect("idle");
    let mut tape = Tape::begin(&world, "sato", id).await.expect("a terminal");
    tape.prints("$ ".as_bytes()).expect("printed");
    tape.seal().await.expect("sealed");
    let suzuki = Eyes::open(&world, "suzuki", id, tape.session).await.expect("watching");
    let yamamoto = Eyes::open(&world, "yamamoto", id, tape.session).await.expect("watching");
    tape.word(Word::Released).expect("released");
    tape.runs(1, "cat config/app.toml", "host=db1\r\n".as_bytes(), 0).expect("ran");
    let head = tape.seal().await.expect("sealed");
    for eyes in [&suzuki, &yamamoto] {
        eyes.see(1, 1, head).expect("seen");
    }
    world.hands.put_file(&Plans::target().expect("a target"), "config/app.toml", b"host=db2");
    // The first dangerous line is confirmed; the second was not seen before it ran, and the ledger says so.
    let asked = tape.asks(&world, "sed -i s/db1/db2/ config/app.toml", 0, 2).await.expect("asked");
    let confirm = session::Command::Confirm { emergency: id, session: tape.session, digest: asked.digest, confirm: asked.words };
    world.does("yamamoto", Command::Session(confirm)).await.expect("confirmed");
    tape.runs(2, "sed -i s/db1/db2/ config/app.toml", b"", 0).expect("ran");
    tape.runs(3, "systemctl reload 予約", "失敗しました 🔥\r\n".as_bytes(), 3).expect("ran");
    let head = tape.seal().await.expect("sealed");
    for eyes in [&suzuki, &yamamoto] {
        eyes.see(1, 2, head).expect("seen");
    }
    let session = tape.session;
    tape.ends(&world, 0, &[(&suzuki, 1), (&yamamoto, 1)]).await.expect("ended");
    let viewer = Actor::person(people::person("takahashi").expect("a person"));
    let before = world.door().expect("a door").look(&viewer).bundle(IncidentId(1), Files::new()).await.expect("a bundle");
    // "db1" was a secret after all.
    let (from, to) = SECRET_AT;
    let redact = session::Command::Redact { emergency: id, session, from, to, reason: "接続先は秘密".to_owned() };
    world.does("yamamoto", Command::Session(redact)).await.expect("proposed");
    let agree = session::Command::AgreeRedaction { emergency: id, session, redaction: 1, confirm: format!("{from}-{to}") };
    world.does("suzuki", Command::Session(agree)).await.expect("agreed");
    world.idle().await.expect("idle");
    let files = world.door().expect("a door").look(&viewer).bundle(IncidentId(1), Files::new()).await.expect("a bundle");
    let gone: Vec<&String> = before.keys().filter(|name| name.starts_with(CONTENTS_DIRECTORY) && !files.contains_key(*name)).collect();
    assert_eq!(gone.len(), 1, "one block was written anew");
    let was = Digest::parse(gone[0].trim_start_matches(CONTENTS_DIRECTORY)).expect("a digest");
    world.door().expect("a door").look(&viewer).content(was).await.expect_err("what was there is deleted");
    // A device that watches holds on to the store.
    drop((suzuki, yamamoto));
    world.end().await.expect("a sound end");
    Case { files, key: LedgerKey::from_seed("test.example/hikeshi", &[7; 32]).expect("a key") }
}

pub fn entries(files: &Files) -> Vec<Value> {
    let text = String::from_utf8(files[ENTRIES_FILE].clone()).expect("text");
    text.lines().map(|line| serde_json::from_str(line).expect("an entry")).collect()
}

/// Events of this name, in order, wherever they stand.
pub fn events<'a>(entries: &'a mut [Value], name: &str) -> Vec<&'a mut Value> {
    let of = |entry: &'a mut Value| entry.get_mut("events").and_then(Value::as_array_mut);
    entries.iter_mut().filter_map(of).flatten().filter(|event| event["event"] == name).collect()
}

/// Writes the history again from the first entry on, with the ledger's own key: numbers, chain, proofs, checkpoint and manifest all agree.
pub fn rewritten(case: &Case, key: &LedgerKey, change: impl FnOnce(&mut Vec<Value>, &mut Vec<Vec<u8>>)) -> Files {
    let mut all = entries(&case.files);
    let mut contents: Vec<Vec<u8>> =
        case.files.iter().filter(|(name, _)| name.starts_with(CONTENTS_DIRECTORY)).map(|(_, bytes)| bytes.clone()).collect();
    change(&mut all, &mut contents);
    let (mut leaves, mut lines, mut prev) = (Vec::new(), Vec::new(), Digest([0; 32]));
    for (seq, entry) in all.iter_mut().enumerate() {
        entry["seq"] = seq.into();
        entry["prev"] = prev.to_string().into();
        let bytes = serde_json::to_vec(entry).expect("bytes");
        prev = leaf_hash(&bytes);
        leaves.push(prev);
        lines.push(bytes);
    }
    let size = leaves.len() as u64;
    let mut subtree = |level: u32, index: u64| -> Result<Digest, Infallible> {
        let width = 1_usize << level;
        let from = usize::try_from(index).expect("small") * width;
        let mut frontier = Frontier::new();
        leaves[from..from + width].iter().for_each(|leaf| frontier.append(*leaf));
        Ok(frontier.root())
    };
    let mut prove = |seq: u64| inclusion_proof(&mut subtree, seq, size).expect("a proof");
    let proven = lines.into_iter().zip(0..).map(|(bytes, seq)| BundledEntry { seq, bytes, path: prove(seq) }).collect();
    let mut whole = Frontier::new();
    leaves.iter().for_each(|leaf| whole.append(*leaf));
    let documents = Files::from([(DECLARED_FILE.to_owned(), case.files[DECLARED_FILE].clone())]);
    let parts = BundleParts {
        case: IncidentId(1),
        exported_at: "2026-11-21T00:00:00Z".parse().expect("a time"),
        size,
        root: whole.root(),
        entries: proven,
        consistency: Vec::new(),
        contents: contents.into_iter().map(|bytes| (Digest::of(&bytes), bytes)).collect(),
        people: std::collections::BTreeMap::new(),
        documents,
    };
    make_bundle(parts, key).expect("a bundle")
}
