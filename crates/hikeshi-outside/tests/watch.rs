//! Which files are told as changed, and how.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;

use hikeshi_domain::effect::Outcome;
use hikeshi_domain::emergency::{ChangeKind, FileChange};
use hikeshi_domain::ids::Digest;

use crate::ground::Ground;

#[tokio::test]
async fn nine_kinds_of_change_are_all_found() {
    let ground = Ground::new(&["."]);
    for (name, content) in [
        ("replaced", "old\n"),
        ("forged", "12345\n"),
        ("deleted", "x\n"),
        ("moved", "moved\n"),
        ("mapped", "aaaaaaaa\n"),
        ("mode", "m\n"),
        ("same", "same\n"),
    ] {
        ground.write(name, content);
    }
    symlink("same", ground.file("link")).expect("a link");
    // Old enough that the next look trusts what the file system says and reads nothing twice.
    tokio::time::sleep(std::time::Duration::from_millis(1200)).await;
    ground.backed_up().await;
    let step = ground
        .step(
            "echo new > .t; mv .t replaced
             touch -r forged .ref; printf '54321\\n' > forged; touch -r .ref forged; rm .ref
             rm deleted
             mkdir -p deep/er/dir; echo n > deep/er/dir/file
             mv moved moved_to
             python3 -c 'import mmap; f=open(\"mapped\",\"r+b\"); m=mmap.mmap(f.fileno(),0); m[0:3]=b\"bbb\"; m.flush(); m.close()'
             chmod 755 mode
             ln -sfn replaced link
             mkdir empty",
        )
        .await;
    assert_eq!(step.end.exit_code, Some(0), "{}", step.text());
    let told: Vec<(&str, ChangeKind)> = step.changes.iter().map(|change| (change.path.as_str(), change.kind)).collect();
    assert_eq!(
        told,
        [
            ("deep/er/dir/file", ChangeKind::Added),
            ("deleted", ChangeKind::Removed),
            ("empty", ChangeKind::Added),
            ("forged", ChangeKind::Modified),
            ("link", ChangeKind::Metadata),
            ("mapped", ChangeKind::Modified),
            ("mode", ChangeKind::Metadata),
            ("moved", ChangeKind::Removed),
            ("moved_to", ChangeKind::Added),
            ("replaced", ChangeKind::Modified),
        ]
    );
    let replaced = step.change("replaced");
    assert_eq!(replaced.before.as_ref().map(|side| (side.digest, side.bytes)), Some((Digest::of(b"old\n"), 4)));
    assert!(step.has_content(b"old\n") && step.has_content(b"new\n"));
    assert_eq!(step.change("mode").after.as_ref().map(|side| side.mode), Some(0o100_755));
    assert_eq!(step.change("link").after.as_ref().map(|side| side.digest), Some(Digest::of(b"replaced")));
    assert!(step.change("deleted").after.is_none() && step.change("moved_to").before.is_none());
}

#[tokio::test]
async fn what_lies_outside_the_scope_is_flagged() {
    let ground = Ground::new(&["conf", "app.toml"]);
    ground.write("conf/a", "1");
    ground.write("conf.bak", "1");
    ground.backed_up().await;
    let step = ground.step("echo 2 > conf/a; echo 2 > conf.bak; echo 2 > app.toml; mkdir logs; echo 2 > logs/x").await;
    let outside: Vec<&str> = step.changes.iter().filter(|change| !change.in_scope).map(|change| change.path.as_str()).collect();
    assert_eq!(outside, ["conf.bak", "logs/x"]);
    assert_eq!(step.changes.len(), 4);
}

#[tokio::test]
async fn changes_are_told_against_the_state_before_the_first_step() {
    let ground = Ground::new(&["."]);
    ground.write("a", "1");
    ground.write("b", "1");
    ground.backed_up().await;
    let first = crate::ground::step_of(ground.perform(&ground.step_effect(1, "printf 2 > a", 30)).await);
    assert_eq!(first.change("a").step, 1);
    let second = crate::ground::step_of(ground.perform(&ground.step_effect(2, "printf 3 > a; printf 2 > b", 30)).await);
    assert_eq!((second.change("a").step, second.change("b").step), (1, 2));
    assert_eq!(second.change("a").before.as_ref().map(|side| side.digest), Some(Digest::of(b"1")));
    let third = crate::ground::step_of(ground.perform(&ground.step_effect(3, "printf 1 > a; printf 1 > b", 30)).await);
    assert_eq!(third.changes, [], "what is as it was is not a change");
}

#[tokio::test]
async fn names_in_any_bytes_are_told_and_can_be_put_back() {
    let ground = Ground::new(&["."]);
    let shift_jis = ground.root().join(std::ffi::OsStr::from_bytes(b"\x93\xfa\x96\x7b.txt"));
    std::fs::write(&shift_jis, "before").expect("a file");
    ground.write("設定 100%.toml", "before");
    ground.backed_up().await;
    let step = ground.step("for f in *; do echo after > \"$f\"; done").await;
    let paths: Vec<&str> = step.changes.iter().map(|change| change.path.as_str()).collect();
    assert_eq!(paths, ["%93%FA%96{.txt", "設定 100%25.toml"]);
    for change in &step.changes {
        ground.reverted(change).await;
    }
    assert_eq!(std::fs::read(&shift_jis).expect("there"), b"before");
    assert_eq!(ground.read("設定 100%.toml"), b"before");
}

#[tokio::test]
async fn too_much_to_watch_stops_the_start_and_says_what_to_do() {
    let mut ground = Ground::new(&["."]);
    for number in 0..30 {
        ground.write(&format!("f{number}"), [0_u8; 1000]);
    }
    ground.host.target.watch_files_max = 20;
    let detail = ground.backup_fails().await;
    assert!(detail.contains("20 files") && detail.contains("watch_files_max"), "{detail}");
    ground.host.target.watch_files_max = 100;
    ground.host.target.watch_bytes_max = 10_000;
    let detail = ground.backup_fails().await;
    assert!(detail.contains("watch_bytes_max"), "{detail}");
    assert!(!ground.dir.join("backups").exists(), "nothing was left behind");
}

#[tokio::test]
async fn very_many_changes_are_counted_and_those_outside_the_scope_come_first() {
    let ground = Ground::new(&["in"]);
    ground.write("in/keep", "1");
    ground.backed_up().await;
    let step = ground.step("for i in $(seq 1 400); do echo $i > in/f$i; done; echo x > outside").await;
    assert!(step.changes.iter().any(|change| change.path == "outside" && !change.in_scope));
    assert_eq!(step.changes.len() as u64 + step.unlisted, 401);
    assert!(serde_json::to_vec(&step.changes).expect("json").len() < 48 * 1024);
}

#[tokio::test]
async fn a_large_file_is_told_by_digest() {
    let ground = Ground::new(&["."]);
    ground.write("big", vec![b'x'; 300 * 1024]);
    let backup = ground.backed_up().await;
    let step = ground.step("echo more >> big").await;
    let change = step.change("big");
    assert!(!change.before.as_ref().expect("before").kept && !change.after.as_ref().expect("after").kept);
    let (files, left, _) = ground.put_back(std::slice::from_ref(change), None).await;
    assert!(files[0].failed.as_ref().is_some_and(|why| why.contains("too large")), "{files:?}");
    assert_eq!(left.len(), 1, "nothing was touched");
    let (files, left, _) = ground.put_back(std::slice::from_ref(change), Some(&backup)).await;
    assert!(files[0].failed.is_none() && left.is_empty(), "the backup has it: {files:?}");
    assert_eq!(ground.read("big"), vec![b'x'; 300 * 1024]);
}

#[tokio::test]
async fn a_root_that_was_removed_is_told() {
    let ground = Ground::new(&["."]);
    ground.write("a", "1");
    ground.write("d/b", "1");
    ground.backed_up().await;
    let step = ground.step("cd ..; rm -rf root").await;
    let gone: Vec<&str> =
        step.changes.iter().filter(|change| change.kind == ChangeKind::Removed).map(|change| change.path.as_str()).collect();
    assert_eq!(gone, ["a", "d/b"]);
    std::fs::create_dir(ground.root()).expect("for the clean-up");
}

#[tokio::test]
async fn what_was_known_is_told_truly_when_a_step_goes_beyond_the_limits() {
    let mut ground = Ground::new(&["a"]);
    for number in 0..30 {
        ground.write(&format!("f{number}"), [0_u8; 1000]);
    }
    ground.host.target.watch_files_max = 30;
    ground.host.target.watch_bytes_max = 100_000;
    ground.backed_up().await;
    // What comes first in the order of names uses the limits up.
    let step = ground.step("mkdir a; for i in $(seq 1 1100); do : > a/$i; done").await;
    let outside = |changes: &[FileChange]| changes.iter().filter(|change| !change.in_scope).count();
    assert_eq!(outside(&step.changes), 0, "nothing outside was touched: {:?}", step.changes);
    assert_eq!(step.changes.len() as u64 + step.unlisted, 1100);
    let step = ground.step("rm -r a; mkdir a; dd if=/dev/zero of=a/big bs=1M count=2 2>/dev/null; echo n > f3").await;
    assert_eq!(step.changes.iter().map(|change| change.path.as_str()).collect::<Vec<_>>(), ["a/big", "f3"]);
}

#[tokio::test]
async fn how_many_lie_outside_the_scope_beyond_the_list_is_told() {
    let ground = Ground::new(&["in"]);
    ground.write("in/keep", "1");
    ground.backed_up().await;
    let run = "for i in $(seq 1 250); do echo $i > f$i; done; for i in $(seq 1 5); do echo $i > in/f$i; done";
    let performed = ground.perform(&ground.step_effect(1, run, 60)).await;
    let Outcome::StepEnded { looked: Ok(looked), .. } = performed.outcome else { panic!("not looked: {:?}", performed.outcome) };
    assert_eq!(looked.outside_unlisted, 250 - looked.changes.len() as u64);
    assert_eq!(looked.changes_unlisted, looked.outside_unlisted + 5);
}
