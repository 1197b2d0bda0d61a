//! The forms that a recorder starts. What the shells do with them is tried in `tests/shell.rs`.

use super::*;

#[test]
fn the_nonce_is_in_the_file_and_nowhere_else() {
    let nonce = Nonce::new([0xab; 16]);
    let hex = "ab".repeat(16);
    for kind in [ShellKind::Bash, ShellKind::Zsh] {
        for startup in [Startup::Interactive, Startup::Login] {
            let launch = Integration::new(kind, nonce.clone()).launch(Path::new("/bin/sh"), startup, Path::new("/p"), None);
            let outside = format!("{:?}{:?}{:?}", launch.program, launch.args, launch.env);
            assert!(!outside.contains(&hex), "{outside}");
            let (path, content) = &launch.files[0];
            assert!(path.starts_with("/p") && launch.files.len() == 1);
            let content = String::from_utf8_lossy(content);
            assert!(content.contains(&format!("__hk_nonce={hex}")) && !content.contains("@NONCE@") && !content.contains("@STARTER@"));
        }
    }
    assert_eq!(format!("{nonce:?}"), "Nonce(…)");
}

#[test]
fn a_host_without_a_shell_of_ours_gets_its_own_and_it_is_said() {
    let dir = std::env::temp_dir().join(format!("hikeshi-starter-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a directory");
    std::os::unix::fs::symlink("/bin/sh", dir.join("sh")).expect("a shell");
    let done = std::process::Command::new("/bin/sh")
        .args(["-c", &remote_command(&Nonce::new([1; 16]))])
        .env_clear()
        .env("PATH", &dir)
        .env("SHELL", "/bin/sh")
        .stdin(std::process::Stdio::null())
        .output()
        .expect("ran");
    std::fs::remove_dir_all(&dir).expect("removed");
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(said.contains("commands are not listed"), "{said}");
    assert_eq!(done.status.code(), Some(0), "the shell there was begun: {said}");
}

#[test]
fn the_starter_can_be_quoted_once() {
    assert!(!STARTER.contains('\''));
    let command = remote_command(&Nonce::new([1; 16]));
    assert_eq!(command.matches('\'').count(), 2);
    assert!(!command.contains('\n'), "csh knows no quotes around several lines");
    assert!(command.len() < 100_000, "{} bytes: one argument of a program has a limit of 128 KiB", command.len());
}

#[test]
fn a_shell_is_known_by_its_name() {
    assert_eq!(ShellKind::of(Path::new("/usr/local/bin/zsh")), Some(ShellKind::Zsh));
    assert_eq!(ShellKind::of(Path::new("bash")), Some(ShellKind::Bash));
    assert_eq!(ShellKind::of(Path::new("/bin/dash")), None);
}
