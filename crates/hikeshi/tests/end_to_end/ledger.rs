//! The record outside of the server: verified live and offline, by this program and by another implementation, and found out when it is altered.

use std::io::Read as _;
use std::path::Path;

use super::harness::{Workspace, json, text};

fn verifier_key(workspace: &Workspace) -> String {
    super::harness::read(&workspace.path("data/ledger.pub")).trim().to_owned()
}

#[test]
fn a_case_is_exported_and_verified_offline_and_a_changed_byte_is_found() {
    let workspace = Workspace::with_people("bundle", &["tanaka"]);
    let incident = workspace.open_incident();
    workspace.ok("tanaka", &["incident", "ack", &incident]);
    workspace.ok("tanaka", &["ledger", "export", &incident, "--output", "case.zip"]);
    let key = verifier_key(&workspace);
    let found = workspace.ok("nobody", &["ledger", "verify", "--bundle", "case.zip", "--trust", &key]);
    assert_eq!(found["case"], incident.as_str());
    assert_eq!(found["key_trusted"], true);

    let tampered = repack(&workspace.path("case.zip"), |name, bytes| {
        if name == "entries.jsonl" {
            let text = String::from_utf8_lossy(bytes).replacen("予約が止まった", "予約は動いた", 1);
            *bytes = text.into_bytes();
        }
    });
    std::fs::write(workspace.path("tampered.zip"), tampered).expect("written");
    let found = workspace.run("nobody", &["ledger", "verify", "--bundle", "tampered.zip", "--trust", &key]);
    assert_eq!(found.status.code(), Some(1), "{}", text(&found));
    let faults = json(&found)["data"]["faults"].to_string();
    assert!(faults.contains("entry_altered"), "{faults}");
    // A key that is not the ledger's is not believed.
    let other = Workspace::with_people("otherkey", &[]);
    let found = workspace.run("nobody", &["ledger", "verify", "--bundle", "case.zip", "--trust", &verifier_key(&other)]);
    assert_eq!(found.status.code(), Some(1), "{}", text(&found));
}

/// The same zip with some files changed.
fn repack(file: &Path, change: impl Fn(&str, &mut Vec<u8>)) -> Vec<u8> {
    use std::io::Write as _;
    let mut archive = zip::ZipArchive::new(std::fs::File::open(file).expect("opened")).expect("a zip");
    let mut made = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).expect("an entry");
        let name = entry.name().expect("a name").into_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).expect("read");
        change(&name, &mut bytes);
        made.start_file(name.as_str(), zip::write::SimpleFileOptions::default()).expect("started");
        made.write_all(&bytes).expect("written");
    }
    made.finish().expect("finished").into_inner()
}

#[test]
fn the_live_ledger_verifies_beside_a_running_server_and_after_it() {
    let mut workspace = Workspace::with_people("live", &["tanaka"]);
    workspace.open_incident();
    let found = workspace.ok("nobody", &["ledger", "verify"]);
    assert!(found["entries"].as_u64().expect("a number") > 5 && found["fault"].is_null(), "{found}");
    std::fs::copy(workspace.path("data/checkpoints.txt"), workspace.path("earlier.txt")).expect("copied");
    workspace.ok("tanaka", &["incident", "note", "inc_1", "続き"]);
    workspace.signal("TERM");
    assert_eq!(workspace.wait_for_end(), Some(0));
    let found = workspace.ok("nobody", &["ledger", "verify", "--checkpoint", "earlier.txt"]);
    assert!(!found["agreed"].as_array().expect("sizes").is_empty(), "{found}");
    let rebuilt = workspace.ok("nobody", &["ledger", "rebuild"]);
    assert_eq!(rebuilt["comparison"]["differences"].as_array().map(Vec::len), Some(0), "{rebuilt}");
}

#[test]
fn another_implementation_agrees_on_checkpoint_and_root() {
    let mut workspace = Workspace::with_people("oracle", &["tanaka"]);
    let incident = workspace.open_incident();
    workspace.ok("tanaka", &["incident", "note", &incident, "確認中"]);
    let shown = workspace.ok("tanaka", &["ledger", "show", "--limit", "200"]);
    let size = shown["size"].as_u64().expect("a size");
    let mut tree = ct_merkle::mem_backed_tree::MemoryBackedTree::<sha2::Sha256, Vec<u8>>::new();
    for seq in 0..size {
        let entry = workspace.ok("tanaka", &["ledger", "entry", &seq.to_string()]);
        tree.push(entry["bytes"].as_str().expect("bytes").as_bytes().to_vec());
    }
    let root: String = tree.root().as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let head = workspace.ok("tanaka", &["ledger", "show", "--limit", "1"]);
    assert_eq!(head["size"], size);
    assert_eq!(head["root"], root.as_str(), "the RFC 6962 root of the published bytes");
    workspace.signal("TERM");
    assert_eq!(workspace.wait_for_end(), Some(0));
}
