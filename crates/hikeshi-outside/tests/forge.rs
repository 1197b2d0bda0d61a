//! Bringing a change back to a real bare repository, and comparing what was merged.

use std::fs;
use std::path::PathBuf;

use hikeshi_domain::effect::{ChangeRequestOrder, Effect, EffectKey, Outcome, Outside, RepositoryFile, Seen, Work};
use hikeshi_domain::emergency::{ChangeKind, FileChange, FileContent};
use hikeshi_domain::ids::{Digest, IncidentId};
use hikeshi_domain::obligation::Drift;

use crate::ground::{EMERGENCY, Ground, Kept, OBLIGATION, run};

const NEW: &[u8] = b"limit = 10\r\n\x93\xfa\n";
const SCRIPT: &[u8] = b"#!/bin/sh\nexit 0\n";

struct Forge {
    ground: Ground,
    bare: PathBuf,
    work: PathBuf,
}

/// A bare repository with one commit, and a clone in which people work.
fn forge() -> Forge {
    let ground = Ground::new(&["."]);
    let (bare, work) = (ground.dir.join("repo.git"), ground.dir.join("work"));
    run(&ground.dir, "git", &["init", "-q", "--bare", "-b", "main", "repo.git"]);
    run(&ground.dir, "git", &["clone", "-q", "repo.git", "work"]);
    fs::create_dir_all(work.join("config")).expect("dir");
    fs::write(work.join("config/予約.toml"), "limit = 99\n").expect("file");
    fs::write(work.join("config/old.toml"), "old\n").expect("file");
    // Rules of the repository that would change bytes if files were checked out.
    fs::write(work.join(".gitattributes"), "*.toml text eol=crlf\n").expect("file");
    run(&work, "git", &["checkout", "-q", "-B", "main"]);
    run(&work, "git", &["-c", "core.autocrlf=false", "add", "."]);
    run(&work, "git", &["commit", "-q", "-m", "first"]);
    run(&work, "git", &["push", "-q", "origin", "main"]);
    Forge { ground, bare, work }
}

fn file(path: &str, content: Option<&[u8]>, mode: u32) -> RepositoryFile {
    RepositoryFile { path: path.to_owned(), content: content.map(Digest::of), mode }
}

fn change(path: &str, before: &[u8], after: &[u8]) -> FileChange {
    let side = |bytes: &[u8]| Some(FileContent { digest: Digest::of(bytes), bytes: bytes.len() as u64, mode: 0o100_644, kept: true });
    FileChange {
        path: path.to_owned(),
        kind: ChangeKind::Modified,
        before: side(before),
        after: side(after),
        in_scope: true,
        step: 1,
        command: None,
        accepted_by: None,
    }
}

impl Forge {
    fn order(&self, files: Vec<RepositoryFile>) -> ChangeRequestOrder {
        ChangeRequestOrder {
            obligation: OBLIGATION,
            emergency: EMERGENCY,
            incident: IncidentId(12),
            repository: self.bare.display().to_string(),
            base: "main".to_owned(),
            branch: "emergency/emg_3".to_owned(),
            requests: "requests".to_owned(),
            label: "Emergency Fix".to_owned(),
            files,
            not_kept: vec!["config/large.bin".to_owned()],
            github: None,
            seal: None,
            facts: self.ground.facts(&[change("予約.toml", b"limit = 99\n", NEW)]),
        }
    }
    fn usual(&self) -> ChangeRequestOrder {
        self.order(vec![
            file("config/予約.toml", Some(NEW), 0o100_644),
            file("config/run.sh", Some(SCRIPT), 0o100_755),
            file("config/link", Some(b"run.sh"), 0o120_777),
            file("config/old.toml", None, 0),
            file("config/%93.bin", Some(b"x"), 0o100_600),
        ])
    }
    fn kept() -> Kept {
        Kept::with(&[NEW, SCRIPT, b"run.sh", b"x"])
    }
    async fn open(&self, order: ChangeRequestOrder) -> Outcome {
        self.ground.hands().perform(&effect(order), &Self::kept()).await.outcome
    }
    async fn opened(&self, order: ChangeRequestOrder) -> (String, String, String) {
        match self.open(order).await {
            Outcome::ChangeRequestOpened { commit, request_file, patch_file } => (commit, request_file, patch_file),
            other => panic!("{other:?}"),
        }
    }
    async fn compared(&self, expect: Vec<RepositoryFile>) -> (bool, Vec<Drift>) {
        let work = Work::CompareMerged {
            obligation: OBLIGATION,
            repository: self.bare.display().to_string(),
            base: "main".to_owned(),
            branch: "emergency/emg_3".to_owned(),
            expect,
            github: None,
        };
        match self.ground.perform(&Effect { key: EffectKey::of_obligation(OBLIGATION, "compare", 1), work }).await.outcome {
            Outcome::Compared { merged, drift, commit } => {
                assert_eq!(commit, run(&self.bare, "git", &["rev-parse", "main"]));
                (merged, drift)
            }
            other => panic!("{other:?}"),
        }
    }
    fn git(&self, args: &[&str]) -> String {
        run(&self.work, "git", args)
    }
}

fn effect(order: ChangeRequestOrder) -> Effect {
    Effect { key: EffectKey::of_obligation(OBLIGATION, "request", 1), work: Work::OpenChangeRequest(Box::new(order)) }
}

#[tokio::test]
async fn the_branch_holds_exactly_what_was_done() {
    let forge = forge();
    let (commit, request, patch) = forge.opened(forge.usual()).await;
    let tree = run(&forge.bare, "git", &["-c", "core.quotepath=off", "ls-tree", "-r", "emergency/emg_3"]);
    let lines: Vec<&str> = tree.lines().collect();
    assert_eq!(lines.len(), 5, "{tree}");
    assert!(lines.iter().any(|line| line.starts_with("100755") && line.ends_with("config/run.sh")), "{tree}");
    assert!(lines.iter().any(|line| line.starts_with("120000") && line.ends_with("config/link")), "{tree}");
    assert!(lines.iter().any(|line| line.ends_with(".bin")), "{tree}");
    assert!(!tree.contains("old.toml"));
    let bytes = std::process::Command::new("git")
        .args(["cat-file", "blob", "emergency/emg_3:config/予約.toml"])
        .current_dir(&forge.bare)
        .output()
        .expect("git");
    assert_eq!(bytes.stdout, NEW, "no rule of the repository changes a byte");
    let log =
        run(&forge.bare, "git", &["log", "-1", "--format=%an|%ae|%cn|%(trailers:key=Hikeshi-Obligation,valueonly)|%P", "emergency/emg_3"]);
    assert!(log.starts_with("佐藤 花子|sato@hikeshi.invalid|hikeshi|obl_7"), "{log}");
    assert!(log.ends_with(&run(&forge.bare, "git", &["rev-parse", "main"])), "{log}");
    assert_eq!(commit, run(&forge.bare, "git", &["rev-parse", "emergency/emg_3"]));
    // The patch brings the same change to whoever has the base.
    forge.git(&["checkout", "-q", "-b", "try", "main"]);
    forge.git(&["am", "-q", "--keep-cr", &patch]);
    assert_eq!(forge.git(&["rev-parse", "HEAD^{tree}"]), run(&forge.bare, "git", &["rev-parse", "emergency/emg_3^{tree}"]));
    let request = fs::read_to_string(request).expect("a request");
    for word in ["labels: [\"Emergency Fix\"]", "base: \"main\"", "head: \"emergency/emg_3\"", "config/large.bin", "exception: emg_3"] {
        assert!(request.contains(word), "{word} is missing: {request}");
    }
    assert!(!request.contains("base_differs"), "{request}");
    assert_eq!(fs::read_dir(forge.ground.dir.join("spool/git")).expect("there").count(), 0, "no work area is left");
}

#[tokio::test]
async fn opening_again_finds_what_is_there() {
    let forge = forge();
    let hands = forge.ground.hands();
    assert_eq!(hands.look(&effect(forge.usual())).await, Seen::NotHappened);
    let first = forge.opened(forge.usual()).await;
    fs::remove_file(&first.1).expect("there");
    assert_eq!(forge.opened(forge.usual()).await, first);
    assert!(fs::exists(&first.1).expect("asked"), "the files are written again");
    assert!(matches!(hands.look(&effect(forge.usual())).await, Seen::Happened(_)));
    // Others may have worked on the branch since.
    forge.git(&["fetch", "-q"]);
    forge.git(&["checkout", "-q", "emergency/emg_3"]);
    fs::write(forge.work.join("note"), "review").expect("file");
    forge.git(&["add", "note"]);
    forge.git(&["commit", "-q", "-m", "review"]);
    forge.git(&["push", "-q", "origin", "emergency/emg_3"]);
    assert_eq!(forge.opened(forge.usual()).await.0, first.0);
}

#[tokio::test]
async fn what_stands_in_the_way_is_told_and_left_alone() {
    let forge = forge();
    forge.git(&["push", "-q", "origin", "main:refs/heads/emergency/emg_3"]);
    let failed = |outcome: Outcome| match outcome {
        Outcome::Failed { detail } => detail,
        other => panic!("{other:?}"),
    };
    let taken = failed(forge.open(forge.usual()).await);
    assert!(taken.contains("emergency/emg_3") && taken.contains("left alone"), "{taken}");
    assert_eq!(run(&forge.bare, "git", &["rev-parse", "emergency/emg_3"]), run(&forge.bare, "git", &["rev-parse", "main"]));

    let with = |change: fn(&mut ChangeRequestOrder)| {
        let mut order = forge.usual();
        order.branch = "emergency/other".to_owned();
        change(&mut order);
        order
    };
    for (order, word) in [
        (with(|order| order.base = "release".to_owned()), "no branch `release`"),
        (with(|order| order.repository = "/nonexistent.git".to_owned()), "ls-remote"),
        (with(|order| order.branch = "--upload-pack=x".to_owned()), "not a name"),
        (with(|order| order.branch = "a b".to_owned()), "not a name"),
        (with(|order| order.files = vec![file("../x", Some(NEW), 0o644)]), "cannot be a path"),
        (with(|order| order.files = vec![file(".git/config", Some(NEW), 0o644)]), "cannot be a path"),
        (with(|order| order.files = vec![file("x", Some(b"nobody kept this"), 0o644)]), "not in the record"),
    ] {
        let detail = failed(forge.open(order).await);
        assert!(detail.contains(word), "{word}: {detail}");
    }
}

#[tokio::test]
async fn a_base_that_was_not_what_production_had_is_named() {
    let forge = forge();
    fs::write(forge.work.join("config/予約.toml"), "limit = 50\n").expect("file");
    forge.git(&["commit", "-qam", "meanwhile"]);
    forge.git(&["push", "-q", "origin", "main"]);
    let (commit, request, _) = forge.opened(forge.usual()).await;
    assert!(fs::read_to_string(request).expect("there").contains("base_differs:\n  - \"config/予約.toml\"\n"));
    let trailer = run(&forge.bare, "git", &["log", "-1", "--format=%(trailers:key=Hikeshi-Base-Differs,valueonly)", &commit]);
    assert_eq!(trailer, "config/予約.toml");
}

#[tokio::test]
async fn a_file_may_take_the_place_of_a_directory() {
    let forge = forge();
    let order = forge.order(vec![file("config", Some(b"x"), 0o100_644), file("config/old.toml", None, 0), file("nothing/here", None, 0)]);
    forge.opened(order).await;
    assert!(run(&forge.bare, "git", &["ls-tree", "emergency/emg_3", "config"]).starts_with("100644 blob"));
}

#[tokio::test]
async fn merged_without_drift_with_drift_and_not_merged() {
    let forge = forge();
    let expect = forge.usual().files;
    forge.opened(forge.usual()).await;
    let (merged, drift) = forge.compared(expect.clone()).await;
    assert!(!merged);
    assert_eq!(drift.len(), 5, "nothing is merged yet: {drift:?}");

    forge.git(&["fetch", "-q"]);
    forge.git(&["merge", "-q", "--no-ff", "-m", "merge", "origin/emergency/emg_3"]);
    forge.git(&["push", "-q", "origin", "main"]);
    assert_eq!(forge.compared(expect.clone()).await, (true, vec![]));

    // Merged, but changed on the way.
    forge.git(&["rm", "-q", "config/run.sh"]);
    forge.git(&["commit", "-qm", "cleanup"]);
    forge.git(&["push", "-q", "origin", "main"]);
    let (merged, drift) = forge.compared(expect).await;
    assert!(merged);
    assert_eq!(drift, [Drift { path: "config/run.sh".to_owned(), production: Some(Digest::of(SCRIPT)), repository: None }]);
}

#[tokio::test]
async fn a_squash_counts_as_merged_also_without_its_branch() {
    let forge = forge();
    let expect = vec![file("config/run.sh", Some(SCRIPT), 0o100_755)];
    forge.opened(forge.order(expect.clone())).await;
    forge.git(&["fetch", "-q"]);
    forge.git(&["merge", "-q", "--squash", "origin/emergency/emg_3"]);
    forge.git(&["commit", "-q", "-m", "squashed"]);
    forge.git(&["push", "-q", "origin", "main"]);
    forge.git(&["push", "-q", "origin", ":emergency/emg_3"]);
    assert_eq!(forge.compared(expect.clone()).await, (true, vec![]), "all contents are equal");
    forge.git(&["update-index", "--chmod=-x", "config/run.sh"]);
    forge.git(&["commit", "-q", "-m", "not executable"]);
    forge.git(&["push", "-q", "origin", "main"]);
    let (merged, drift) = forge.compared(expect).await;
    assert_eq!((merged, drift.len()), (false, 1), "the lost executable bit is drift, and nothing else says that it was merged");
}

#[tokio::test]
async fn a_configuration_of_the_user_has_no_influence() {
    let mut forge = forge();
    let home = forge.ground.dir.join("home");
    fs::create_dir(&home).expect("dir");
    fs::write(home.join(".gitconfig"), "[commit]\n\tgpgSign = true\n[user]\n\tname = wrong\n[core]\n\thooksPath = /nonexistent\n[init]\n\tdefaultBranch = x\n[url \"/nonexistent\"]\n\tinsteadOf = /\n").expect("file");
    forge.ground.env.insert("HOME".into(), home.into_os_string());
    forge.ground.env.insert("GIT_DIR".into(), "/nonexistent".into());
    forge.opened(forge.usual()).await;
}
