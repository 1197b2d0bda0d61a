//! The death of the starter, and of the supervisor.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use hikeshi_domain::effect::{Effect, Outcome, Outside, Seen};
use hikeshi_domain::emergency::Killed;

use crate::ground::{Ground, Kept, step_of};

fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(began.elapsed() < Duration::from_secs(120), "{what} did not come");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Writes the order as the hands do, and lets a shell start the supervisor: the shell stands for a server that can be killed.
async fn started_by_another(ground: &Ground, effect: &Effect) -> std::process::Child {
    // A program that ends at once leaves the order in the spool and nothing begun.
    let mut options = ground.options();
    options.program = "/bin/true".into();
    let _ended = hikeshi_outside::Hands::new(options).perform(effect, &Kept::default()).await;
    Command::new("bash")
        .args(["-c", "\"$0\" \"$1\" & wait"])
        .arg(env!("CARGO_BIN_EXE_hikeshi-step-runner"))
        .arg(ground.spool_of(&effect.key))
        .process_group(0)
        .env_clear()
        .envs(&ground.env)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a starter")
}

fn kill(id: &str) {
    assert!(Command::new("kill").args(["-9", "--", id]).status().expect("kill").success());
}

/// The supervisor's process, found by its spool directory.
fn supervisor(ground: &Ground, effect: &Effect) -> String {
    let dir = ground.spool_of(&effect.key).display().to_string();
    until("the supervisor", || {
        fs::read_dir("/proc").expect("proc").flatten().find_map(|entry| {
            let line = fs::read(entry.path().join("cmdline")).ok()?;
            let line = String::from_utf8_lossy(&line).into_owned();
            let words: Vec<&str> = line.split('\0').collect();
            (words.first()?.ends_with("hikeshi-step-runner") && words.get(1) == Some(&dir.as_str()))
                .then(|| entry.file_name().to_string_lossy().into_owned())
        })
    })
}

#[tokio::test]
async fn the_death_of_the_server_neither_kills_nor_loses_a_step() {
    let ground = Ground::new(&["."]);
    ground.backed_up().await;
    let effect = ground.step_effect(1, "echo began > mark; until [ -e ../go ]; do sleep 0.05; done; echo ended > mark; echo 終わり", 120);
    let hands = ground.hands();
    assert_eq!(hands.look(&effect).await, Seen::NotHappened);
    let mut starter = started_by_another(&ground, &effect).await;
    until("the step", || ground.file("mark").exists().then_some(()));
    // The whole group of the server dies, as a terminal or a service manager would have it.
    kill(&format!("-{}", starter.id()));
    starter.wait().expect("dead");
    assert_eq!(hands.look(&effect).await, Seen::Running);
    fs::write(ground.dir.join("go"), "").expect("written");
    let performed = loop {
        match hands.look(&effect).await {
            Seen::Happened(performed) => break performed,
            Seen::Running => tokio::time::sleep(Duration::from_millis(50)).await,
            other => panic!("{other:?}"),
        }
    };
    let step = step_of(performed.clone());
    assert_eq!((step.end.exit_code, step.text().as_str()), (Some(0), "終わり\n"));
    assert_eq!(step.change("mark").kind, hikeshi_domain::emergency::ChangeKind::Added);
    assert_eq!(hands.perform(&effect, &Kept::default()).await, performed, "asked again, it tells and does not run");
    assert_eq!(ground.read("mark"), b"ended\n");
}

#[tokio::test]
async fn a_new_server_waits_for_the_supervisor_that_lives() {
    let ground = Ground::new(&["."]);
    ground.backed_up().await;
    let effect = ground.step_effect(1, "echo x >> count; sleep 1.5", 30);
    let mut starter = started_by_another(&ground, &effect).await;
    until("the step", || ground.file("count").exists().then_some(()));
    kill(&starter.id().to_string());
    starter.wait().expect("dead");
    let step = step_of(ground.perform(&effect).await);
    assert_eq!(step.end.exit_code, Some(0));
    assert_eq!(ground.read("count"), b"x\n");
}

#[tokio::test]
async fn the_death_of_the_supervisor_is_not_guessed_about() {
    let ground = Ground::new(&["."]);
    ground.backed_up().await;
    let effect = ground.step_effect(1, "echo $$ > script_id; echo said; echo x >> count; sleep 300; echo x >> count", 600);
    let mut starter = started_by_another(&ground, &effect).await;
    until("the step", || ground.file("count").exists().then_some(()));
    std::thread::sleep(Duration::from_millis(200));
    kill(&supervisor(&ground, &effect));
    starter.wait().expect("ended");
    let hands = ground.hands();
    assert_eq!(hands.look(&effect).await, Seen::Unknown);
    // Performed all the same, it is not run again: what is left of it is stopped, and what is known is told.
    let step = step_of(hands.perform(&effect, &Kept::default()).await);
    assert_eq!((step.end.exit_code, step.end.killed.clone()), (None, Some(Killed::Signal(9))));
    assert_eq!(step.text(), "said\n");
    assert_eq!(step.change("count").kind, hikeshi_domain::emergency::ChangeKind::Added);
    let script = String::from_utf8(ground.read("script_id")).expect("a number");
    until("the end of what was left", || {
        let state = fs::read_to_string(format!("/proc/{}/stat", script.trim())).unwrap_or_default();
        (state.is_empty() || state.contains(") Z ")).then_some(())
    });
    assert_eq!(ground.read("count"), b"x\n");
    assert!(matches!(hands.look(&effect).await, Seen::Happened(_)));
}

#[tokio::test]
async fn a_supervisor_that_is_killed_under_a_living_server_is_told_as_killed() {
    let ground = Ground::new(&["."]);
    ground.backed_up().await;
    let effect = ground.step_effect(1, "echo x >> count; sleep 300; echo x >> count", 600);
    let hands = ground.hands();
    let kept = Kept::default();
    let began = Instant::now();
    let killing = async {
        while !ground.file("count").exists() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        kill(&supervisor(&ground, &effect));
    };
    let (performed, ()) = tokio::join!(hands.perform(&effect, &kept), killing);
    assert_eq!(step_of(performed).end.killed, Some(Killed::Signal(9)));
    assert!(began.elapsed() < Duration::from_secs(60));
    assert_eq!(ground.read("count"), b"x\n");
}

#[tokio::test]
async fn a_killed_backup_left_nothing_behind_and_is_done_again() {
    let ground = Ground::new(&["."]);
    ground.write("a", "1");
    let effect = ground.backup_effect("root_20261122_031500");
    let mut starter = started_by_another(&ground, &effect).await;
    starter.wait().expect("ended");
    let hands = ground.hands();
    assert!(matches!(hands.look(&effect).await, Seen::Happened(_)));
    // As if it had been killed between naming the copy and telling: the claim is there, the outcome is not.
    fs::remove_file(ground.spool_of(&effect.key).join("outcome.json")).expect("there");
    assert_eq!(hands.look(&effect).await, Seen::NotHappened);
    let performed = hands.perform(&effect, &Kept::default()).await;
    assert!(matches!(performed.outcome, Outcome::BackupTaken { .. }), "{performed:?}");
}

#[tokio::test]
async fn a_program_that_does_not_exist_means_that_nothing_ran() {
    let ground = Ground::new(&["."]);
    ground.backed_up().await;
    let mut options = ground.options();
    options.program = "/nonexistent/hikeshi".into();
    let effect = ground.step_effect(1, "echo x > mark", 30);
    let performed = hikeshi_outside::Hands::new(options).perform(&effect, &Kept::default()).await;
    assert!(matches!(performed.outcome, Outcome::Failed { .. }), "{performed:?}");
    assert!(!ground.file("mark").exists());
    // With a program it can still be done: nothing was begun.
    assert_eq!(step_of(ground.perform(&effect).await).end.exit_code, Some(0));
}

#[test]
fn the_spool_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let ground = Ground::new(&["."]);
    ground.write("a", "1");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        ground.backed_up().await;
        ground.step("echo hello > b").await;
    });
    let listing = Command::new("find").arg(ground.dir.join("spool")).args(["-perm", "/077"]).output().expect("find");
    assert_eq!(String::from_utf8_lossy(&listing.stdout), "");
    assert_eq!(fs::metadata(ground.dir.join("spool")).expect("there").permissions().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn a_step_that_still_runs_is_not_begun_again_whatever_a_person_has_settled() {
    let ground = Ground::new(&["."]);
    ground.backed_up().await;
    let step = |run: &str, attempt: u32| Effect {
        key: hikeshi_domain::effect::EffectKey(format!("emg_3/step/1/{attempt}")),
        ..ground.step_effect(1, run, 60)
    };
    let first = step("echo ran >> ran; until [ -e ../go ]; do sleep 0.05; done", 1);
    let meanwhile = async {
        while !ground.file("ran").exists() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let performed = ground.perform(&step("echo ran >> ran", 2)).await;
        fs::write(ground.dir.join("go"), "").expect("written");
        performed
    };
    let (ended, refused) = tokio::join!(ground.perform(&first), meanwhile);
    assert!(matches!(&refused.outcome, Outcome::Failed { detail } if detail.contains("still running")), "{refused:?}");
    assert_eq!((step_of(ended).end.exit_code, ground.read("ran")), (Some(0), b"ran\n".to_vec()));
    assert_eq!(step_of(ground.perform(&step("echo ran >> ran", 3)).await).end.exit_code, Some(0), "now it can be");
}
