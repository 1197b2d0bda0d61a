//! One step: what it printed, how it ended, how long it may take, what it sees and what must not be seen.

use std::time::{Duration, Instant};

use hikeshi_domain::effect::{Outcome, Outside};
use hikeshi_domain::emergency::Killed;

use crate::ground::Ground;

#[tokio::test]
async fn output_exit_code_and_times_are_told() {
    let ground = Ground::new(&["."]);
    ground.backed_up().await;
    let step = ground.step("echo 表; echo 裏 >&2; echo 表2; exit 7").await;
    assert_eq!(step.text(), "表\n裏\n表2\n", "both streams, in the order they came");
    assert_eq!((step.end.exit_code, &step.end.killed), (Some(7), &None));
    assert_eq!((step.end.output_bytes, step.end.output_bytes_cut), (13, 0));
    assert!(step.end.ended_at > step.end.started_at);
    assert!(!step.end.succeeded());
    assert!(ground.step("true").await.end.succeeded());
}

#[tokio::test]
async fn a_failing_command_stops_the_script() {
    let ground = Ground::new(&["."]);
    ground.backed_up().await;
    for (run, code) in [("false; echo on", 1), ("false | cat; echo on", 1), ("echo $NOT_SET; echo on", 1), ("kill -TERM $$", -15)] {
        let step = ground.step(run).await;
        if code < 0 {
            assert_eq!(step.end.killed, Some(Killed::Signal(-code)), "{run}");
        } else {
            assert_eq!(step.end.exit_code, Some(code), "{run}");
        }
        assert!(!step.text().contains("on\n"), "{run}: {}", step.text());
    }
}

#[tokio::test]
async fn a_script_sees_only_what_the_policy_passes_and_no_terminal() {
    let mut ground = Ground::new(&["."]);
    ground.env.insert("PASSED".into(), "kept value".into());
    ground.env.insert("HIDDEN".into(), "other".into());
    ground.host.target.pass_env = vec!["PASSED".to_owned()];
    ground.backed_up().await;
    let step =
        ground.step("env | sort; pwd; test -t 0 && echo TTY; (: </dev/tty) 2>/dev/null && echo CTTY; read -r line || echo closed").await;
    let text = step.text();
    assert!(text.contains("PASSED=kept value\n") && text.contains("LANG=C.UTF-8\n") && text.contains("closed"), "{text}");
    assert!(!text.contains("HIDDEN") && !text.contains("TTY"), "{text}");
    assert!(text.contains(&format!("\n{}\n", ground.root().display())), "{text}");
}

#[tokio::test]
async fn a_step_that_takes_too_long_is_stopped_with_all_its_children() {
    let ground = Ground::new(&["."]);
    ground.backed_up().await;
    let began = Instant::now();
    let step = ground.step_within("sleep 300 & echo child $!; echo began; sleep 300", 4).await;
    assert_eq!((step.end.exit_code, step.end.killed.clone()), (None, Some(Killed::Timeout)));
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    assert!(step.text().contains("began\n"));
    let child: u32 = step.text().lines().find_map(|line| line.strip_prefix("child ")).and_then(|id| id.parse().ok()).expect("a number");
    tokio::time::sleep(Duration::from_millis(300)).await;
    let state = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
    assert!(state.is_empty() || state.contains(") Z "), "the child lives: {state}");
}

#[tokio::test]
async fn a_script_that_ignores_the_polite_signal_is_killed() {
    let ground = Ground::new(&["."]);
    ground.backed_up().await;
    let began = Instant::now();
    let step = ground.step_within("trap '' TERM; while :; do sleep 0.2; done", 2).await;
    assert_eq!(step.end.killed, Some(Killed::Timeout));
    let took = began.elapsed();
    assert!(took > Duration::from_secs(5) && took < Duration::from_secs(60), "{took:?}");
}

#[tokio::test]
async fn a_background_child_that_holds_the_output_does_not_hold_the_step() {
    let ground = Ground::new(&["."]);
    ground.backed_up().await;
    let began = Instant::now();
    let step = ground.step("sleep 100 & echo $! > child; echo done").await;
    crate::ground::run(&ground.root(), "bash", &["-c", "kill $(cat child)"]);
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    assert_eq!(step.end.exit_code, Some(0));
    assert!(step.text().starts_with("done\n") && step.text().contains("background process"), "{}", step.text());
}

#[tokio::test]
async fn a_hundred_megabytes_are_counted_and_not_kept() {
    let ground = Ground::new(&["."]);
    ground.backed_up().await;
    let step = ground.step("head -c 100000000 /dev/zero | tr '\\0' 'x'").await;
    assert_eq!(step.end.exit_code, Some(0));
    assert_eq!(step.end.output_bytes, ground.host.output_bytes_max);
    assert_eq!(step.end.output_bytes + step.end.output_bytes_cut, 100_000_000);
    assert_eq!(step.output.len() as u64, ground.host.output_bytes_max);
}

#[tokio::test]
async fn foreign_bytes_are_kept_as_they_are() {
    let ground = Ground::new(&["."]);
    ground.backed_up().await;
    let step = ground.step(r"printf '\x93\xfa\x96\x7b\x8c\xea\n\x00\x01\xff\xfe'").await;
    assert_eq!(step.output, b"\x93\xfa\x96\x7b\x8c\xea\n\x00\x01\xff\xfe");
}

#[tokio::test]
async fn secrets_are_masked_also_when_they_come_in_pieces() {
    let mut ground = Ground::new(&["."]);
    ground.env.insert("DB_PASSWORD".into(), "correct-horse-battery".into());
    ground.env.insert("SERVER_SECRET".into(), "another-quiet-value".into());
    ground.host.target.pass_env = vec!["DB_PASSWORD".to_owned()];
    ground.host.mask_env = vec!["SERVER_SECRET".to_owned()];
    ground.host.mask_patterns = vec!["RSV-[0-9]{6}".to_owned()];
    ground.backed_up().await;
    let step = ground
        .step("printf 'a correct-'; sleep 0.3; printf 'horse-battery b\\n'; echo $DB_PASSWORD; echo x another-'quiet-value' y; echo RSV-123456; echo token=abcdefgh12345")
        .await;
    assert_eq!(step.text(), "a [masked] b\n[masked]\nx [masked] y\n[masked]\ntoken=[masked]\n");
    // Nothing that was written on the way holds them either.
    let spool = std::process::Command::new("grep")
        .args(["-rlE", "correct-horse|another-quiet"])
        .arg(ground.dir.join("spool"))
        .output()
        .expect("grep");
    assert_eq!(String::from_utf8_lossy(&spool.stdout), "");
}

#[tokio::test]
async fn a_file_with_a_secret_is_told_by_its_digest_only() {
    let ground = Ground::new(&["."]);
    ground.write("app.env", "DB_PASSWORD=swordfish99\n");
    ground.backed_up().await;
    let step = ground.step("echo DB_PASSWORD=swordfish77 > app.env; echo mode=fast > plain.conf").await;
    let secret = step.change("app.env");
    assert!(!secret.before.as_ref().expect("before").kept && !secret.after.as_ref().expect("after").kept);
    assert!(!step.contents.iter().any(|content| content.windows(9).any(|w| w == b"swordfish")));
    assert!(step.change("plain.conf").after.as_ref().expect("after").kept && step.has_content(b"mode=fast\n"));
    ground.reverted(secret).await;
    assert_eq!(ground.read("app.env"), b"DB_PASSWORD=swordfish99\n", "a revert still finds it");
}

#[tokio::test]
async fn what_cannot_start_says_so() {
    let mut ground = Ground::new(&["."]);
    let performed = ground.perform(&ground.step_effect(1, "echo never", 60)).await;
    assert!(matches!(&performed.outcome, Outcome::Failed { detail } if detail.contains("baseline")), "{performed:?}");
    ground.backed_up().await;
    let root = ground.root();
    std::fs::rename(&root, ground.dir.join("gone")).expect("moved");
    let step = ground.step("echo never").await;
    assert!(matches!(&step.end.killed, Some(Killed::NotStarted(why)) if why.contains("not a directory")), "{:?}", step.end.killed);
    std::fs::rename(ground.dir.join("gone"), root).expect("moved back");
    ground.host.target.root = ground.dir.join("root").display().to_string();
    assert_eq!(ground.step("echo again").await.text(), "again\n");
}

#[tokio::test]
async fn a_step_that_cannot_be_recorded_is_stopped() {
    let ground = Ground::new(&["."]);
    ground.backed_up().await;
    // The limit on the size of files stands for a full disk under the spool.
    let mut options = ground.options();
    let runner = std::mem::replace(&mut options.program, "/bin/bash".into());
    options.program_args = vec!["-c".into(), "trap '' XFSZ; ulimit -f 300; exec \"$0\" \"$@\"".into(), runner.into()];
    let effect = ground.step_effect(1, "echo began; head -c 20000000 /dev/zero | tr '\\0' 'x'; echo x > mark", 30);
    let step = crate::ground::step_of(hikeshi_outside::Hands::new(options).perform(&effect, &crate::ground::Kept::default()).await);
    assert_eq!((step.end.exit_code, step.end.killed.clone()), (None, Some(Killed::Signal(15))));
    assert!(step.text().starts_with("began\n") && !ground.file("mark").exists());
}

#[tokio::test]
async fn watchers_see_the_output_while_it_comes() {
    let ground = Ground::new(&["."]);
    ground.backed_up().await;
    let effect = ground.step_effect(1, "echo first line; until [ -e go ]; do sleep 0.05; done; echo second line", 60);
    let hands = ground.hands();
    let mut seen = Vec::new();
    let kept = crate::ground::Kept::default();
    let performing = hands.perform(&effect, &kept);
    let watching = async {
        for _ in 0..1000 {
            tokio::time::sleep(Duration::from_millis(30)).await;
            if let Some(tail) = hands.tail(&effect.key, 4096)
                && !tail.is_empty()
            {
                ground.write("go", "");
                return tail;
            }
        }
        ground.write("go", "");
        Vec::new()
    };
    let (_, tail) = tokio::join!(performing, watching);
    seen.extend(tail);
    assert_eq!(String::from_utf8_lossy(&seen), "first line\n");
    assert_eq!(hands.tail(&effect.key, 7).as_deref(), Some(&b"d line\n"[..]), "bounded from the front");
}

#[tokio::test]
async fn the_same_key_is_never_run_twice() {
    let ground = Ground::new(&["."]);
    ground.backed_up().await;
    let effect = ground.step_effect(1, "echo x >> count; sleep 0.5; cat count", 30);
    let hands = ground.hands();
    let kept = crate::ground::Kept::default();
    // Two at once, and one afterwards.
    let (first, second) = tokio::join!(hands.perform(&effect, &kept), hands.perform(&effect, &kept));
    let third = hands.perform(&effect, &kept).await;
    assert_eq!(ground.read("count"), b"x\n");
    assert_eq!(first, second);
    assert_eq!(first, third);
}
