//! Single files put back: byte for byte, with rights, links and kinds, and nothing that lay there lost in silence.

use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::process::Command;

use hikeshi_domain::effect::Outcome;
use hikeshi_domain::emergency::{ChangeKind, PutBack};
use hikeshi_domain::ids::Digest;

use crate::ground::Ground;

fn good(files: &[PutBack]) {
    assert!(files.iter().all(|file| file.failed.is_none()), "{files:?}");
}

#[tokio::test]
async fn a_file_that_changed_since_it_was_seen_is_said_so_and_its_content_is_kept() {
    let ground = Ground::new(&["."]);
    ground.write("a", "before\n");
    let backup = ground.backed_up().await;
    let step = ground.step("echo seen > a").await;
    ground.write("a", "by somebody else\n");
    let (files, left, contents) = ground.put_back(&step.changes, Some(&backup)).await;
    good(&files);
    assert!(files[0].changed_since, "{files:?}");
    let found = files[0].found.as_ref().expect("something lay there");
    assert_eq!((found.digest, found.kept), (Digest::of(b"by somebody else\n"), true));
    assert!(contents.iter().any(|content| content == b"by somebody else\n"), "what was replaced is in the record");
    assert_eq!((ground.read("a"), left.len()), (b"before\n".to_vec(), 0));
    let (files, ..) = ground.put_back(&step.changes, Some(&backup)).await;
    assert_eq!(files[0].found, files[0].now, "once more is no change");
}

#[tokio::test]
async fn directories_that_were_made_for_a_file_go_with_it_and_others_stay() {
    let ground = Ground::new(&["."]);
    ground.write("logs/keep", "1");
    ground.backed_up().await;
    let step = ground.step("mkdir -p deep/er/dir logs/new; echo n > deep/er/dir/file; echo n > deep/er/other; echo n > logs/new/x").await;
    let one = ground.reverted(step.change("deep/er/dir/file")).await;
    assert_eq!(one.iter().map(|change| change.path.as_str()).collect::<Vec<_>>(), ["deep/er/other", "logs/new/x"]);
    assert!(ground.file("deep/er").exists() && !ground.file("deep/er/dir").exists());
    let (files, left, _) = ground.put_back(&one, None).await;
    good(&files);
    assert!(left.is_empty() && !ground.file("deep").exists() && ground.file("logs/keep").exists(), "{left:?}");
}

#[tokio::test]
async fn names_of_one_file_become_one_file_again() {
    let ground = Ground::new(&["."]);
    ground.write("one", "shared\n");
    std::fs::hard_link(ground.file("one"), ground.file("two")).expect("a link");
    let backup = ground.backed_up().await;
    let inode = |name: &str| std::fs::metadata(ground.file(name)).expect("there").ino();
    // Written in place: both names show it. Replaced: only one does.
    let step = ground.step("echo more >> one").await;
    assert_eq!(step.changes.iter().map(|change| change.path.as_str()).collect::<Vec<_>>(), ["one", "two"]);
    let (files, left, _) = ground.put_back(&step.changes, None).await;
    good(&files);
    assert!(left.is_empty() && inode("one") == inode("two"), "{left:?}");
    let step = ground.step("echo alone > .t; mv .t two").await;
    assert_eq!(step.changes.len(), 1);
    ground.reverted(&step.changes[0]).await;
    assert_eq!((inode("one") == inode("two"), ground.read("two")), (true, b"shared\n".to_vec()));
    ground.step("echo alone > .t; mv .t two").await;
    ground.restored(&backup).await;
    assert_eq!((inode("one") == inode("two"), ground.read("two")), (true, b"shared\n".to_vec()), "by the whole backup too");
}

#[tokio::test]
async fn what_took_the_place_of_a_file_or_directory_is_told_and_gives_way() {
    let ground = Ground::new(&["."]);
    ground.write("file", "content\n");
    ground.write("dir/inside", "inside\n");
    ground.backed_up().await;
    let step = ground.step("rm file; mkdir file; echo below > file/below; rm -r dir; echo flat > dir").await;
    let told: Vec<(&str, ChangeKind)> = step.changes.iter().map(|change| (change.path.as_str(), change.kind)).collect();
    let kinds = [
        ("dir", ChangeKind::Modified),
        ("dir/inside", ChangeKind::Removed),
        ("file", ChangeKind::Modified),
        ("file/below", ChangeKind::Added),
    ];
    assert_eq!(told, kinds);
    // Below something that is no directory now, a file cannot come back alone; that is said, and nothing is harmed.
    let (files, ..) = ground.put_back(&[step.change("dir/inside").clone()], None).await;
    assert!(files[0].failed.as_ref().is_some_and(|why| why.contains("dir")), "{files:?}");
    let (files, _, contents) = ground.put_back(&[step.change("file").clone()], None).await;
    let below = files.iter().find(|row| row.path == "file/below").expect("what went along is told");
    assert!(below.now.is_none() && contents.iter().any(|content| content == b"below\n"));
    let (files, left, _) = ground.put_back(&[step.change("dir/inside").clone(), step.change("dir").clone()], None).await;
    good(&files);
    assert!(left.is_empty(), "{left:?}");
    assert_eq!((ground.read("file"), ground.read("dir/inside")), (b"content\n".to_vec(), b"inside\n".to_vec()));
}

#[tokio::test]
async fn rights_links_and_pipes_come_back_as_they_were() {
    let ground = Ground::new(&["."]);
    ground.write("plain", "p");
    ground.write("dir/x", "x");
    symlink("plain", ground.file("link")).expect("a link");
    let made = Command::new("mkfifo").args(["-m", "640"]).arg(ground.file("pipe")).status().expect("mkfifo");
    assert!(made.success());
    std::fs::set_permissions(ground.file("plain"), std::fs::Permissions::from_mode(0o4640)).expect("rights");
    ground.backed_up().await;
    let before = std::fs::metadata(ground.file("plain")).expect("there");
    let step = ground.step("chmod 777 plain dir; ln -sfn dir link; rm pipe; mkfifo other; rm -f gone").await;
    let told: Vec<&str> = step.changes.iter().map(|change| change.path.as_str()).collect();
    assert_eq!(told, ["dir", "link", "other", "pipe", "plain"]);
    for change in &step.changes {
        ground.reverted(change).await;
    }
    let after = std::fs::metadata(ground.file("plain")).expect("there");
    assert_eq!((after.mode(), after.ino(), after.mtime()), (before.mode(), before.ino(), before.mtime()), "only its rights were touched");
    assert_eq!(std::fs::read_link(ground.file("link")).expect("a link"), std::path::Path::new("plain"));
    let pipe = std::fs::symlink_metadata(ground.file("pipe")).expect("there");
    assert!(pipe.file_type().is_fifo() && pipe.mode() & 0o777 == 0o640);
    assert!(!ground.file("other").exists() && std::fs::metadata(ground.file("dir")).expect("there").mode() & 0o777 != 0o777);
}

#[tokio::test]
async fn one_that_cannot_be_put_back_does_not_keep_the_others() {
    let ground = Ground::new(&["in"]);
    ground.write("in/a", "a");
    ground.write("out", vec![b'x'; 300 * 1024]);
    let backup = ground.backed_up().await;
    let step = ground.step("echo 2 > in/a; echo 2 > out").await;
    let (files, left, _) = ground.put_back(&step.changes, Some(&backup)).await;
    let failed: Vec<&str> = files.iter().filter(|file| file.failed.is_some()).map(|file| file.path.as_str()).collect();
    assert_eq!((failed, ground.read("in/a"), left.len()), (vec!["out"], b"a".to_vec(), 1));
}

#[tokio::test]
async fn the_whole_backup_tells_what_it_replaced() {
    let ground = Ground::new(&["."]);
    ground.write("a", "before\n");
    let backup = ground.backed_up().await;
    ground.step("echo seen > a").await;
    ground.write("a", "nobody has looked at this\n");
    let performed = ground.perform(&ground.restore_effect(&backup)).await;
    let Outcome::Restored { replaced, looked, .. } = performed.outcome else { panic!("not restored") };
    assert_eq!((replaced.replaced.len(), looked.changes.len()), (1, 0));
    assert!(performed.contents.iter().any(|content| content == b"nobody has looked at this\n"));
}

#[tokio::test]
async fn what_the_whole_backup_replaced_is_told_beside_very_many_changes_outside() {
    let ground = Ground::new(&["in"]);
    ground.write("in/a", "before\n");
    let backup = ground.backed_up().await;
    ground.step("echo seen > in/a; for i in $(seq 1 250); do echo $i > f$i; done").await;
    let performed = ground.perform(&ground.restore_effect(&backup)).await;
    let Outcome::Restored { replaced, looked, .. } = &performed.outcome else { panic!("not restored: {:?}", performed.outcome) };
    assert_eq!(replaced.replaced.iter().map(|change| change.path.as_str()).collect::<Vec<_>>(), ["in/a"]);
    assert!(performed.contents.iter().any(|content| content == b"seen\n"));
    assert_eq!(looked.changes.len() as u64 + looked.outside_unlisted, 250);
}

#[tokio::test]
async fn a_name_outside_the_scope_stays_the_file_that_it_was() {
    let ground = Ground::new(&["in"]);
    ground.write("in/x", "shared\n");
    std::fs::hard_link(ground.file("in/x"), ground.file("z")).expect("a link");
    let inode = |name: &str| std::fs::metadata(ground.file(name)).expect("there").ino();
    let before = inode("z");
    let backup = ground.backed_up().await;
    ground.step("echo alone > .t; mv .t in/x").await;
    ground.restored(&backup).await;
    assert_eq!((inode("z"), inode("in/x")), (before, before), "the one inside is linked to the one outside");
    // Both are another file by now: the one outside is as it was, and is left alone.
    // `held` keeps the number of the file that it was from being given to another.
    ground.step("ln in/x ../held; cp z .t; mv .t z; echo alone > .u; mv .u in/x").await;
    let other = inode("z");
    assert_ne!(other, before);
    ground.restored(&backup).await;
    assert_eq!((inode("z"), inode("in/x")), (other, other));
}

/// Writes to `name` once its replacement begins to be written beside it.
fn written_meanwhile(ground: &Ground, name: &str) -> std::thread::JoinHandle<()> {
    let (dir, file) = (ground.root(), ground.file(name));
    std::thread::spawn(move || {
        let begun = || {
            let mut names = std::fs::read_dir(&dir).expect("the root").map(|entry| entry.expect("a name").file_name());
            names.any(|name| name.to_string_lossy().starts_with(".hikeshi-"))
        };
        while !begun() {
            std::thread::sleep(std::time::Duration::from_micros(200));
        }
        std::fs::write(file, "by somebody else\n").expect("written");
    })
}

#[tokio::test]
async fn what_somebody_writes_while_a_file_is_being_put_back_is_kept() {
    let ground = Ground::new(&["."]);
    ground.write("big", vec![b'x'; 48 * 1024 * 1024]);
    let backup = ground.backed_up().await;
    let step = ground.step("echo seen > big").await;
    let writer = written_meanwhile(&ground, "big");
    let (files, left, contents) = ground.put_back(&step.changes, Some(&backup)).await;
    writer.join().expect("written");
    good(&files);
    let digest = Digest::of(b"by somebody else\n");
    assert!(files[0].changed_since && files[0].found.as_ref().is_some_and(|found| found.digest == digest), "{files:?}");
    assert!(left.is_empty() && contents.iter().any(|content| content == b"by somebody else\n"));

    ground.step("echo seen > big").await;
    let writer = written_meanwhile(&ground, "big");
    let performed = ground.perform(&ground.restore_effect(&backup)).await;
    writer.join().expect("written");
    let Outcome::Restored { replaced, looked, .. } = performed.outcome else { panic!("not restored: {:?}", performed.outcome) };
    assert!(looked.changes.is_empty() && replaced.replaced[0].after.as_ref().is_some_and(|after| after.digest == digest), "{replaced:?}");
}
