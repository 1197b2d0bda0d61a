//! The hands on another host: the same work as here, through a real sshd; lost connections, unknown keys, programs that cannot run.

use std::fs;
use std::time::{Duration, Instant};

use hikeshi_domain::effect::{Effect, EffectKey, Outcome, Outside, Performed, Seen, Work};
use hikeshi_domain::ids::Digest;
use hikeshi_domain::policy::SshPlace;
use hikeshi_domain::session::Capture;
use hikeshi_outside::Hands;
use serde_json::json;

use crate::ground::{EMERGENCY, Ground, Kept, step_of};
use crate::sshd::Sshd;

/// A place on another host: its root is reached through ssh alone.
fn far(scope: &[&str]) -> (Ground, Sshd) {
    let mut ground = Ground::new(scope);
    let sshd = Sshd::start(&ground.dir.join("sshd"));
    let mut place = SshPlace::at(&Sshd::destination());
    place.port = Some(sshd.port);
    place.identity_file = Some(sshd.identity());
    place.host_keys = vec![sshd.host_key()];
    ground.host.target.ssh = Some(place);
    (ground, sshd)
}

fn place(ground: &mut Ground) -> &mut SshPlace {
    ground.host.target.ssh.as_mut().expect("another host")
}

async fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(began.elapsed() < Duration::from_secs(120), "{what} did not come");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn looked(ground: &Ground, captures: Vec<Capture>) -> Effect {
    let (host, scope) = (ground.host.clone(), ground.scope.clone());
    Effect { key: EffectKey("emg_3/look/1/1".to_owned()), work: Work::LookAtFiles { emergency: EMERGENCY, host, scope, captures } }
}

fn detail(performed: &Performed) -> String {
    match &performed.outcome {
        Outcome::Failed { detail } => detail.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn backup_steps_looks_checks_and_restore_happen_there_as_they_do_here() {
    let (mut ground, sshd) = far(&["config"]);
    ground.write("config/app.toml", "value = 1\n");
    ground.env.insert("RELEASE".into(), "2026.11".into());
    ground.env.insert("DB_WORD".into(), "kawasaki-7".into());
    ground.host.target.pass_env = vec!["RELEASE".to_owned()];
    ground.host.mask_env = vec!["DB_WORD".to_owned()];
    fs::write(sshd.home().join(".bashrc"), "echo welcome to app1\n").expect("a start-up file that prints");
    let backup = ground.backed_up().await;
    assert!(std::path::Path::new(&backup.path).is_dir(), "{backup:?}");
    let run =
        "echo \"$HOME $RELEASE kawasaki-7 ${SSH_CONNECTION:-none}\"; pwd; echo 'value = 2' > config/app.toml; echo x > outside; exit 3";
    let step = step_of(ground.perform(&ground.step_effect(1, run, 30)).await);
    assert_eq!(step.end.exit_code, Some(3), "{}", step.text());
    let home = sshd.home().display().to_string();
    assert!(step.text().starts_with(&format!("{home} 2026.11 [masked]")), "it ran in the home over there: {}", step.text());
    assert!(step.text().contains(&ground.root().display().to_string()), "{}", step.text());
    assert!(step.has_content(b"value = 1\n") && step.has_content(b"value = 2\n"), "contents before and after came back");
    assert!(step.change("config/app.toml").in_scope && !step.change("outside").in_scope);
    let capture = Capture { title: "home".to_owned(), run: "echo \"$HOME\"".to_owned() };
    let seen = ground.perform(&looked(&ground, vec![capture])).await;
    let Outcome::FilesSeen { looked, captured } = &seen.outcome else { panic!("{seen:?}") };
    assert_eq!(looked.changes.len(), 2, "{looked:?}");
    assert_eq!(captured.first().expect("a capture").output, Digest::of(format!("{home}\n").as_bytes()));
    let checks = ground.checks_effect(json!({"solved": [{"title": "2", "check": "command", "run": "grep -q 2 config/app.toml"}]}));
    let checked = ground.perform(&checks).await;
    let Outcome::ChecksEnded { results } = &checked.outcome else { panic!("{checked:?}") };
    assert!(results.iter().flat_map(|result| &result.checks).all(|check| check.passed), "{results:?}");
    let restored = ground.perform(&ground.restore_effect(&backup)).await;
    assert!(matches!(restored.outcome, Outcome::Restored { .. }), "{restored:?}");
    assert_eq!(ground.read("config/app.toml"), b"value = 1\n");
    let reverted = ground.perform(&ground.revert_effect(step.change("outside"))).await;
    assert!(matches!(reverted.outcome, Outcome::Reverted { .. }), "{reverted:?}");
    assert!(!ground.file("outside").exists());
    assert!(!ground.dir.join("spool/effects").exists(), "nothing of it was done by the hands here");
    assert!(sshd.home().join(".local/state/hikeshi/hands/testing/effects").is_dir());
    let spool = fs::read_dir(sshd.home().join(".cache/hikeshi")).expect("the program").count();
    assert_eq!(spool, 1, "the program was brought once, and nothing half of it is left");
}

#[tokio::test]
async fn a_connection_that_breaks_neither_stops_a_step_nor_runs_it_twice() {
    let (ground, mut sshd) = far(&["."]);
    ground.backed_up().await;
    let run = "echo once >> ran; echo began; until [ -e ../go ]; do sleep 0.05; done; echo 終わり";
    let effect = ground.step_effect(1, run, 120);
    let hands = ground.hands();
    let kept = Kept::default();
    let watching = async {
        until("the output so far", || hands.tail(&effect.key, 100).filter(|tail| tail.ends_with(b"began\n"))).await;
        sshd.kill();
        tokio::time::sleep(Duration::from_millis(1500)).await;
        // It goes on while nobody can ask, and ends so.
        fs::write(ground.dir.join("go"), "").expect("written");
        sshd.begin();
    };
    let (performed, ()) = tokio::join!(hands.perform(&effect, &kept), watching);
    let step = step_of(performed);
    assert_eq!((step.end.exit_code, step.text().as_str()), (Some(0), "began\n終わり\n"));
    assert_eq!(ground.read("ran"), b"once\n");
    assert_eq!(hands.tail(&effect.key, 100), None, "what is over is not kept");
}

#[tokio::test]
async fn a_new_server_asks_the_host_what_became_of_a_step() {
    let (ground, _sshd) = far(&["."]);
    ground.backed_up().await;
    let effect = ground.step_effect(1, "echo once >> ran; until [ -e ../go ]; do sleep 0.05; done; echo 終わり", 120);
    assert_eq!(ground.hands().look(&effect).await, Seen::NotHappened);
    {
        let (hands, kept) = (ground.hands(), Kept::default());
        let mut begun = hands.perform(&effect, &kept);
        tokio::select! {
            performed = &mut begun => panic!("{performed:?}"),
            () = async { until("the step", || ground.file("ran").exists().then_some(())).await } => {}
        }
        // The server dies: its ssh goes with it.
    }
    let hands = ground.hands();
    assert_eq!(hands.look(&effect).await, Seen::Running);
    fs::write(ground.dir.join("go"), "").expect("written");
    let performed = loop {
        match hands.look(&effect).await {
            Seen::Happened(performed) => break performed,
            Seen::Running => tokio::time::sleep(Duration::from_millis(50)).await,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(step_of(performed).text(), "終わり\n");
    assert_eq!(step_of(ground.perform(&effect).await).text(), "終わり\n", "asked once more, it is the same");
    assert_eq!(ground.read("ran"), b"once\n");
    let mut other = ground.options();
    other.ledger = "another".to_owned();
    assert_eq!(Hands::new(other).look(&effect).await, Seen::NotHappened, "another ledger's emg_3 is another one");
}

#[tokio::test]
async fn a_host_that_is_not_the_one_is_not_touched_and_the_reason_is_told() {
    let (mut ground, sshd) = far(&["."]);
    let right = place(&mut ground).clone();
    place(&mut ground).host_keys = vec![sshd.public("other")];
    let began = Instant::now();
    let told = detail(&ground.perform(&ground.backup_effect("root_1")).await);
    assert!(told.contains("host key") && told.contains("known_hosts"), "{told}");
    *place(&mut ground) = right.clone();
    place(&mut ground).host_keys.clear();
    place(&mut ground).config_file = Some(sshd.client_config("nobody-known", None).display().to_string());
    let told = detail(&ground.perform(&ground.step_effect(1, "touch ran", 5)).await);
    assert!(told.contains("host key"), "{told}");
    *place(&mut ground) = right;
    place(&mut ground).identity_file = Some(sshd.dir.join("other").display().to_string());
    let told = detail(&ground.perform(&ground.step_effect(1, "touch ran", 5)).await);
    assert!(told.contains("sign in"), "{told}");
    assert!(began.elapsed() < Duration::from_secs(20), "nobody was asked for anything, and nothing was waited for");
    assert!(!ground.file("ran").exists());
    assert!(!sshd.home().join(".cache").exists(), "nothing was brought there");
}

#[tokio::test]
async fn a_program_that_cannot_run_there_is_told_with_what_to_do() {
    let (mut ground, sshd) = far(&["."]);
    let mut options = ground.options();
    options.program = ground.dir.join("foreign");
    fs::write(&options.program, b"\x7fELF of another processor").expect("written");
    let (kept, effect) = (Kept::default(), ground.step_effect(1, "touch ran", 5));
    let told = detail(&Hands::new(options).perform(&effect, &kept).await);
    assert!(told.contains("cannot run") && told.contains("ssh.hands"), "{told}");
    let installed = sshd.home().join("hikeshi");
    fs::copy(env!("CARGO_BIN_EXE_hikeshi-step-runner"), &installed).expect("installed");
    place(&mut ground).hands = Some(installed.display().to_string());
    ground.backed_up().await;
    assert!(!ground.file("ran").exists());
    place(&mut ground).hands = Some("/bin/echo".to_owned());
    let told = detail(&ground.perform(&ground.backup_effect("root_2")).await);
    assert!(told.contains("cannot run"), "{told}");
}

#[tokio::test]
async fn a_host_out_of_reach_leaves_a_step_certainly_not_run() {
    let (ground, mut sshd) = far(&["."]);
    sshd.kill();
    let effect = ground.step_effect(1, "touch ran", 5);
    let told = detail(&ground.perform(&effect).await);
    assert!(told.contains("cannot be reached"), "{told}");
    sshd.begin();
    assert_eq!(ground.hands().look(&effect).await, Seen::NotHappened);
}
