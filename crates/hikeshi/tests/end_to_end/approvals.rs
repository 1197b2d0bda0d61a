//! Approving by letter, as people type it: stock `ssh-keygen` signs and verifies, hikeshi carries.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use hikeshi_domain::ledger::LedgerKey;
use hikeshi_domain::trust::Trust;

use super::harness::{Workspace, json, read, text, until};

const PEOPLE: [&str; 6] = ["tanaka", "sato", "suzuki", "takahashi", "ito", "admin"];

/// A key pair; gives the public line.
pub fn keygen(dir: &Path, name: &str) -> String {
    let made =
        Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f", name]).current_dir(dir).status().expect("ssh-keygen");
    assert!(made.success());
    read(&dir.join(format!("{name}.pub"))).trim().to_owned()
}

pub fn sign(workspace: &Workspace, key: &str, namespace: &str, file: &str) -> String {
    let _ = std::fs::remove_file(workspace.path(&format!("{file}.sig")));
    let made = Command::new("ssh-keygen")
        .args(["-Y", "sign", "-q", "-n", namespace, "-f", key, file])
        .current_dir(&workspace.dir)
        .status()
        .expect("ssh-keygen");
    assert!(made.success());
    format!("{file}.sig")
}

fn with_keys(name: &str) -> Workspace {
    Workspace::with_policy(name, &PEOPLE[..5], |workspace| {
        let lines: Vec<String> = ["sato", "tanaka", "ito"]
            .iter()
            .map(|person| format!("[[people.{person}.ssh_keys]]\nkey = \"{}\"\n", keygen(&workspace.dir, person)))
            .collect();
        // A mask that would hit every line of a signature leaves signatures alone.
        format!("{}[secrets]\npatterns = [\"[A-Za-z0-9+/]{{40,}}\", \"hunter[0-9]+\"]\n", lines.concat())
    })
}

#[test]
fn a_signed_approval_is_brought_by_somebody_else_and_verified_by_stock_openssh_from_the_bundle() {
    let workspace = with_keys("letter");
    let incident = workspace.open_incident();
    let emergency = workspace.request(&incident);
    let taken = workspace.ok("ito", &["emergency", "plan", &emergency, "--out", "plan.json"]);
    let plain = workspace.as_person("ito").args(["emergency", "plan", &emergency]).output().expect("ran");
    assert_eq!(plain.stdout, std::fs::read(workspace.path("plan.json")).expect("read"), "standard output is the same, byte for byte");
    let shown = workspace.ok("sato", &["emergency", "show", &emergency]);
    assert_eq!(taken["digest"], shown["emergency"]["digest"]);

    keygen(&workspace.dir, "stranger");
    let bring = |signature: &str| -> Vec<String> {
        ["emergency", "approve", &emergency, "--signature", signature, "--judgement", "電話で、全面停止と聞いた"]
            .map(str::to_owned)
            .to_vec()
    };
    let refused = |signature: &str, code: &str| {
        let args = bring(signature);
        workspace.refused("ito", &args.iter().map(String::as_str).collect::<Vec<_>>(), code);
    };
    refused("plan.toml", "emergency.signature_flawed");
    for (key, namespace, code) in [
        ("sato", "file", "emergency.signature_flawed"),
        ("stranger", "hikeshi-approve-v1", "emergency.signature_key_unknown"),
        ("tanaka", "hikeshi-approve-v1", "emergency.self_approval"),
        ("ito", "hikeshi-approve-v1", "emergency.signer_not_entitled"),
    ] {
        refused(&sign(&workspace, key, namespace, "plan.json"), code);
    }
    std::fs::write(workspace.path("other.json"), read(&workspace.path("plan.json")).replace("value = 2", "value = 3")).expect("written");
    refused(&sign(&workspace, "sato", "hikeshi-approve-v1", "other.json"), "emergency.signature_differs");

    // Pasted through a pipe, from the middle of a message.
    let armour = read(&workspace.path(&sign(&workspace, "sato", "hikeshi-approve-v1", "plan.json")));
    let mut child =
        workspace.as_person("ito").arg("--json").args(bring("-")).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("started");
    write!(child.stdin.take().expect("stdin"), "佐藤です。承認します。password=hunter2hunter2\n{armour}\nよろしく").expect("written");
    let done = child.wait_with_output().expect("ended");
    assert_eq!(done.status.code(), Some(0), "{}", text(&done));
    refused("plan.json.sig", "emergency.wrong_status");
    let state = workspace.ok("ito", &["emergency", "show", &emergency])["emergency"].clone();
    assert_eq!(state["status"], "approved");
    assert_eq!((&state["approvals"][0]["by"], &state["approvals"][0]["means"]["brought_by"]), (&"sato".into(), &"ito".into()));

    workspace.ok("tanaka", &["ledger", "export", &incident, "--output", "case.zip"]);
    assert_eq!(workspace.run("nobody", &["ledger", "verify", "--bundle", "case.zip"]).status.code(), Some(0));
    let mut archive = zip::ZipArchive::new(std::fs::File::open(workspace.path("case.zip")).expect("opened")).expect("a zip");
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).expect("an entry");
        let name = entry.name().expect("a name").into_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).expect("read");
        assert!(!String::from_utf8_lossy(&bytes).contains("hunter2"), "{name}: nothing of the message but the signature");
        if let Some(end) = name.strip_prefix("approvals/").and_then(|rest| rest.split_once("-sato.")).map(|(_, end)| end) {
            std::fs::write(workspace.path(&format!("kept.{end}")), &bytes).expect("written");
        }
    }
    assert_eq!(read(&workspace.path("kept.plan.json")), read(&workspace.path("plan.json")));
    let verified = Command::new("ssh-keygen")
        .args(["-Y", "verify", "-f", "kept.allowed_signers", "-I", "sato", "-n", "hikeshi-approve-v1", "-s", "kept.plan.json.sig"])
        .current_dir(&workspace.dir)
        .stdin(std::fs::File::open(workspace.path("kept.plan.json")).expect("opened"))
        .output()
        .expect("ssh-keygen");
    assert!(verified.status.success(), "{}", text(&verified));
}

#[test]
fn a_key_that_is_added_later_waits_for_two_others() {
    let workspace = with_keys("later-key");
    let line = keygen(&workspace.dir, "new");
    let file = workspace.path("hikeshi.toml");
    std::fs::write(&file, format!("{}[[people.suzuki.ssh_keys]]\nkey = \"{line}\"\n", read(&file))).expect("written");
    let pending = || json(&workspace.run("admin", &["policy", "show"]))["data"]["pending"].clone();
    until("the change of the file is seen", || !pending().is_null());
    assert_eq!(pending()["weakenings"][0]["weakening"], "key_added", "{}", pending());
    assert_eq!(workspace.ok("admin", &["policy", "show"])["policy"]["people"]["suzuki"].get("ssh_keys"), None, "not in force");
}

#[test]
fn a_wrong_key_in_the_policy_is_shown_at_its_line() {
    let workspace = Workspace::new("bad-key");
    let file = workspace.path("hikeshi.toml");
    std::fs::write(&file, format!("{}[[people.sato.ssh_keys]]\nkey = \"ssh-ed25519 AAAA\"\n", read(&file))).expect("written");
    let done = workspace.command().args(["check", "hikeshi.toml"]).output().expect("ran");
    assert_eq!(done.status.code(), Some(1));
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(said.contains("is not a public SSH key") && said.contains("ssh-ed25519 AAAA"), "{said}");
}

#[test]
fn an_approval_is_judged_without_the_server_by_what_an_earlier_command_kept() {
    let mut workspace = with_keys("trust");
    let emergency = workspace.request(&workspace.open_incident());
    workspace.ok("tanaka", &["emergency", "plan", &emergency, "--out", "plan.json"]);
    let kept = workspace.path(&format!(".local/state/hikeshi/trust/localhost_{}.note", workspace.port));
    assert!(read(&kept).starts_with("hikeshi-trust-v1\n"), "kept by the commands above, without a word");
    workspace.ok("tanaka", &["trust", "export", "--out", "trust.note"]);
    workspace.kill();

    let check =
        |signature: &str| workspace.run("nobody", &["emergency", "approval-check", "--plan", "plan.json", "--signature", signature]);
    let done = check(&sign(&workspace, "sato", "hikeshi-approve-v1", "plan.json"));
    assert_eq!(done.status.code(), Some(0), "{}", text(&done));
    let data = json(&done)["data"].clone();
    assert_eq!((&data["judged"]["by"], &data["judged"]["emergency"], &data["suffices"]), (&"sato".into(), &"emg_1".into(), &true.into()));
    for (key, code) in [("tanaka", "emergency.self_approval"), ("ito", "emergency.signer_not_entitled")] {
        let done = check(&sign(&workspace, key, "hikeshi-approve-v1", "plan.json"));
        assert_eq!((done.status.code(), &json(&done)["error"]["code"]), (Some(4), &code.into()));
    }
    sign(&workspace, "sato", "hikeshi-approve-v1", "plan.json");
    std::fs::write(workspace.path("plan.json"), read(&workspace.path("plan.json")).replace("value = 2", "value = 3")).expect("written");
    let done = check("plan.json.sig");
    assert_eq!(json(&done)["error"]["code"], "emergency.signature_differs", "{}", text(&done));

    // An extract that has ended judges nothing, however well it is signed.
    let ledger = LedgerKey::parse_secret(&read(&workspace.path("data/ledger.key"))).expect("the ledger's key");
    let (mut old, _) = Trust::open_by_own_key(read(&kept).as_bytes()).expect("holds");
    old.valid_until = old.made_at;
    std::fs::write(workspace.path("old.note"), old.sign(&ledger).expect("signed")).expect("written");
    let args = ["emergency", "approval-check", "--plan", "plan.json", "--signature", "plan.json.sig", "--trust", "old.note"];
    let done = workspace.run("nobody", &args);
    assert_eq!(done.status.code(), Some(1), "{}", text(&done));
    assert!(json(&done)["error"]["what"].to_string().contains("has expired"), "{}", text(&done));

    let key = read(&workspace.path("data/ledger.pub"));
    let verify = |args: &[&str]| workspace.run("nobody", &[&["trust", "verify", "trust.note"], args].concat()).status.code();
    assert_eq!(verify(&["--trusted-key", key.trim()]), Some(0));
    std::fs::write(workspace.path("trust.note"), read(&workspace.path("trust.note")).replace("佐藤", "伊藤")).expect("written");
    assert_eq!(verify(&[]), Some(1));
    assert_eq!(workspace.run("nobody", &["--url", "http://other.example", "trust", "show"]).status.code(), Some(3));

    // A server that has another key is not believed in silence.
    let stranger = LedgerKey::from_seed(ledger.verifier().name(), &[9; 32]).expect("a key");
    old.ledger_key = stranger.verifier().to_string();
    let foreign = old.sign(&stranger).expect("signed");
    std::fs::write(&kept, &foreign).expect("written");
    assert!(Command::new("touch").args(["-d", "2 hours ago"]).arg(&kept).status().expect("touch").success());
    workspace.start();
    let done = workspace.as_person("tanaka").arg("now").output().expect("ran");
    assert!(String::from_utf8_lossy(&done.stderr).contains("not the one that is remembered"), "{}", text(&done));
    assert_eq!(read(&kept), foreign);
}
