//! The backup and its way back.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use hikeshi_domain::effect::Outcome;
use hikeshi_domain::ids::Digest;

use crate::ground::Ground;

fn filled(scope: &[&str]) -> Ground {
    let ground = Ground::new(scope);
    ground.write("conf/app.toml", "limit = 10\n");
    ground.write("conf/予約.toml", "open = true\n");
    ground.write("conf/run.sh", "#!/bin/sh\n");
    fs::set_permissions(ground.file("conf/run.sh"), fs::Permissions::from_mode(0o750)).expect("mode");
    ground.write("conf/secret", "only mine\n");
    fs::set_permissions(ground.file("conf/secret"), fs::Permissions::from_mode(0o600)).expect("mode");
    fs::create_dir(ground.file("conf/empty")).expect("dir");
    fs::set_permissions(ground.file("conf/empty"), fs::Permissions::from_mode(0o711)).expect("mode");
    symlink("../data/big", ground.file("conf/link")).expect("link");
    symlink("/etc/passwd", ground.file("conf/outside")).expect("link");
    ground.write("data/big", vec![7_u8; 500_000]);
    ground
}

#[tokio::test]
async fn a_backup_is_a_copy_with_its_manifest() {
    let ground = filled(&["conf"]);
    let backup = ground.backed_up().await;
    let dir = ground.dir.join("backups/root_20261122_031500");
    assert_eq!(backup.path, dir.display().to_string());
    assert_eq!((backup.files, backup.name.as_str()), (6, "root_20261122_031500"));
    assert_eq!(fs::read(dir.join("conf/app.toml")).expect("copied"), b"limit = 10\n");
    assert!(!dir.join("data").exists(), "only the scope is copied");
    assert_eq!(fs::read_link(dir.join("conf/outside")).expect("a link").to_str(), Some("/etc/passwd"), "links are kept, not followed");
    let same = Command::new("diff").args(["-r", "--no-dereference"]).arg(ground.file("conf")).arg(dir.join("conf")).status().expect("diff");
    assert!(same.success());
    for path in ["conf/run.sh", "conf/secret", "conf/empty"] {
        let meta = fs::metadata(dir.join(path)).expect("copied");
        assert_eq!(meta.permissions().mode() & 0o7777, ground.mode(path), "{path}");
        assert_eq!(meta.modified().expect("time"), fs::metadata(ground.file(path)).expect("there").modified().expect("time"), "{path}");
    }
    let manifest = fs::read(ground.dir.join("backups/root_20261122_031500.manifest.json")).expect("a manifest");
    assert_eq!(Digest::of(&manifest), backup.manifest);
    assert!(!ground.dir.join("backups/root_20261122_031500.partial").exists());
}

#[tokio::test]
async fn a_restore_makes_the_scope_equal_again() {
    let ground = filled(&["conf", "new.toml"]);
    let backup = ground.backed_up().await;
    let step = ground
        .step(
            "echo broken > conf/app.toml; rm conf/run.sh; chmod 644 conf/secret; rmdir conf/empty; echo f > conf/empty; ln -sfn x conf/link
             mkdir conf/added; echo a > conf/added/file; echo n > new.toml; rm conf/予約.toml; mkdir conf/予約.toml; echo d > conf/予約.toml/x; echo o > data/other",
        )
        .await;
    assert_eq!(step.end.exit_code, Some(0), "{}", step.text());
    assert!(step.changes.len() > 8);
    let (files, manifest, changes) = ground.restored(&backup).await;
    assert_eq!((files, manifest), (6, backup.manifest));
    let same = Command::new("diff")
        .args(["-r", "--no-dereference"])
        .arg(ground.file("conf"))
        .arg(ground.dir.join("backups/root_20261122_031500/conf"))
        .status();
    assert!(same.expect("diff").success());
    assert_eq!((ground.mode("conf/run.sh"), ground.mode("conf/secret"), ground.mode("conf/empty")), (0o750, 0o600, 0o711));
    assert!(!ground.file("new.toml").exists() && !ground.file("conf/added").exists());
    let left: Vec<&str> = changes.iter().map(|change| change.path.as_str()).collect();
    assert_eq!(left, ["data/other"], "outside the scope nothing was touched");
    let again = ground.restored(&backup).await;
    assert_eq!(again.1, backup.manifest, "a second time is as good as once");
}

#[tokio::test]
async fn the_whole_root_can_be_the_scope() {
    let ground = filled(&["."]);
    let backup = ground.backed_up().await;
    ground.step("rm -rf conf data; echo x > x; chmod 700 .").await;
    let (_, manifest, changes) = ground.restored(&backup).await;
    assert_eq!(manifest, backup.manifest);
    assert_eq!(changes, []);
}

#[tokio::test]
async fn a_damaged_backup_is_refused_before_anything_is_touched() {
    let ground = filled(&["conf"]);
    let backup = ground.backed_up().await;
    ground.step("echo broken > conf/app.toml").await;
    let copy = ground.dir.join("backups/root_20261122_031500/conf/app.toml");
    fs::write(&copy, "limit = 11\n").expect("damaged");
    let refused = |outcome| match outcome {
        Outcome::Failed { detail } => detail,
        other => panic!("{other:?}"),
    };
    let detail = refused(ground.perform(&ground.restore_effect(&backup)).await.outcome);
    assert!(detail.contains("damaged") && detail.contains("conf/app.toml"), "{detail}");
    assert_eq!(ground.read("conf/app.toml"), b"broken\n");
    fs::write(&copy, "limit = 10\n").expect("repaired");
    fs::write(ground.dir.join("backups/root_20261122_031500/conf/extra"), "x").expect("planted");
    let detail = refused(ground.perform(&ground.restore_effect(&backup)).await.outcome);
    assert!(detail.contains("extra"), "{detail}");
    fs::remove_file(ground.dir.join("backups/root_20261122_031500/conf/extra")).expect("removed");
    let manifest = ground.dir.join("backups/root_20261122_031500.manifest.json");
    let text = fs::read_to_string(&manifest).expect("there");
    fs::write(&manifest, text.replace("app.toml", "apq.toml")).expect("forged");
    let detail = refused(ground.perform(&ground.restore_effect(&backup)).await.outcome);
    assert!(detail.contains("not the manifest that was recorded"), "{detail}");
}

#[tokio::test]
async fn one_file_is_put_back_as_it_was() {
    let ground = filled(&["conf"]);
    ground.backed_up().await;
    let step = ground.step("echo broken > conf/app.toml; chmod 777 conf/secret; rm -r conf/empty; echo n > stray; mkdir -p d/e; echo n > d/e/f; rm conf/link; rm -r data").await;
    for path in ["stray", "conf/app.toml", "conf/secret", "conf/link", "d/e/f", "data/big", "conf/empty"] {
        if path == "data/big" {
            continue;
        }
        let left = ground.reverted(step.change(path)).await;
        assert!(left.iter().all(|change| change.path != path), "{path}: {left:?}");
    }
    assert_eq!(ground.read("conf/app.toml"), b"limit = 10\n");
    assert_eq!((ground.mode("conf/secret"), ground.mode("conf/empty")), (0o600, 0o711));
    assert!(!ground.file("stray").exists());
    assert_eq!(fs::read_link(ground.file("conf/link")).expect("a link").to_str(), Some("../data/big"));
}

#[tokio::test]
async fn no_link_leads_out_of_the_root() {
    let ground = Ground::new(&["conf/app.toml"]);
    let elsewhere = ground.dir.join("elsewhere");
    fs::create_dir(&elsewhere).expect("dir");
    fs::write(elsewhere.join("app.toml"), "not ours").expect("file");
    symlink(&elsewhere, ground.file("conf")).expect("link");
    let detail = ground.backup_fails().await;
    assert!(detail.contains("conf/app.toml") && detail.contains("link"), "{detail}");

    // A directory that becomes a link after the backup is not written through.
    fs::remove_file(ground.file("conf")).expect("removed");
    ground.write("conf/app.toml", "ours");
    let backup = ground.backed_up().await;
    let step = ground.step(&format!("echo changed > conf/app.toml; mv conf conf.old; ln -s {} conf", elsewhere.display())).await;
    assert!(matches!(ground.perform(&ground.restore_effect(&backup)).await.outcome, Outcome::Failed { .. }));
    let (files, ..) = ground.put_back(&[step.change("conf/app.toml").clone()], Some(&backup)).await;
    assert!(files.iter().all(|file| file.failed.is_some()), "{files:?}");
    assert_eq!(fs::read(elsewhere.join("app.toml")).expect("there"), b"not ours");
}

#[tokio::test]
async fn bad_scopes_and_places_are_refused() {
    for (scope, word) in [("../x", ".."), ("/etc", "below the root"), ("missing/dir/file", "directory is missing")] {
        let ground = Ground::new(&[scope]);
        let detail = ground.backup_fails().await;
        assert!(detail.contains(word), "{scope}: {detail}");
    }
    let mut ground = Ground::new(&["."]);
    ground.host.target.backups = ground.file("backups").display().to_string();
    assert!(ground.backup_fails().await.contains("outside the root"));
    let mut spool_inside = Ground::new(&["."]);
    spool_inside.host.target.root = spool_inside.dir.display().to_string();
    spool_inside.host.target.backups = "/nonexistent/backups".to_owned();
    assert!(spool_inside.backup_fails().await.contains("outside the root"));
    for name in ["", "..", "a/b"] {
        let ground = Ground::new(&["."]);
        assert!(matches!(ground.perform(&ground.backup_effect(name)).await.outcome, Outcome::Failed { .. }), "{name}");
    }
}

#[tokio::test]
async fn a_complete_backup_of_the_same_state_is_recognised_and_another_is_left_alone() {
    let ground = filled(&["conf"]);
    let first = ground.backed_up().await;
    let second = ground.backed_up().await;
    assert_eq!((first.manifest, first.files), (second.manifest, second.files));
    ground.write("conf/app.toml", "limit = 99\n");
    let detail = ground.backup_fails().await;
    assert!(detail.contains("left alone"), "{detail}");
    assert_eq!(fs::read(ground.dir.join("backups/root_20261122_031500/conf/app.toml")).expect("there"), b"limit = 10\n");
}

#[tokio::test]
async fn an_unfinished_backup_is_begun_anew() {
    let ground = filled(&["conf"]);
    let partial = ground.dir.join("backups/root_20261122_031500.partial");
    fs::create_dir_all(partial.join("conf")).expect("dir");
    fs::write(partial.join("conf/half"), "half").expect("file");
    ground.backed_up().await;
    assert!(!partial.exists() && !ground.dir.join("backups/root_20261122_031500/conf/half").exists());
}

#[tokio::test]
async fn a_backup_that_does_not_fit_fails_with_what_to_do() {
    let ground = Ground::new(&["."]);
    ground.write("big", vec![1_u8; 400_000]);
    // The limit on the size of files stands for a full disk: the write fails in the middle.
    let mut options = ground.options();
    let runner = std::mem::replace(&mut options.program, "/bin/bash".into());
    options.program_args = vec!["-c".into(), "trap '' XFSZ; ulimit -f 200; exec \"$0\" \"$@\"".into(), runner.into()];
    let hands = hikeshi_outside::Hands::new(options);
    let effect = ground.backup_effect("root_20261122_031500");
    let performed = hikeshi_domain::effect::Outside::perform(&hands, &effect, &crate::ground::Kept::default()).await;
    let Outcome::Failed { detail } = performed.outcome else { panic!("{performed:?}") };
    assert!(detail.contains("make room"), "{detail}");
    assert!(!ground.dir.join("backups/root_20261122_031500").exists(), "an unfinished copy never has the name of a backup");
    assert_eq!(ground.backed_up().await.files, 1, "with room it succeeds");
}

#[tokio::test]
async fn a_real_full_disk_is_told_before_the_copy() {
    if !is_root() {
        // Mounting takes root; the limit on file sizes above covers the rest.
        return;
    }
    let mut ground = Ground::new(&["."]);
    ground.write("big", vec![1_u8; 3_000_000]);
    let disk = ground.dir.join("disk");
    fs::create_dir(&disk).expect("dir");
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(&disk).status().expect("mount");
    if !mounted.success() {
        return;
    }
    ground.host.target.backups = disk.display().to_string();
    let detail = ground.backup_fails().await;
    let left = fs::read_dir(&disk).expect("readable").count();
    assert!(Command::new("umount").arg(&disk).status().expect("umount").success());
    assert!(detail.contains("full") && detail.contains("Make room"), "{detail}");
    assert_eq!(left, 0);
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("id");
    String::from_utf8_lossy(&id.stdout).trim() == "0"
}

#[tokio::test]
async fn a_file_that_keeps_changing_gives_no_backup() {
    let ground = Ground::new(&["."]);
    ground.write("log", "x");
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let writer = {
        let (stop, path, beside) = (stop.clone(), ground.file("log"), ground.dir.join("log.new"));
        std::thread::spawn(move || {
            let mut number = 0_u64;
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                number += 1;
                fs::write(&beside, number.to_string()).expect("written");
                fs::rename(&beside, &path).expect("renamed");
            }
        })
    };
    let detail = ground.backup_fails().await;
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    writer.join().expect("ended");
    assert!(detail.contains("keeps changing") && detail.contains("log"), "{detail}");
    assert_eq!(ground.backed_up().await.files, 1);
}
