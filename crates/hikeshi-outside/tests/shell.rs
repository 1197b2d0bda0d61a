//! Real bash and zsh on a real pty: every row of the table is typed, and the records must be exactly those beside it. `rows` has the table.

mod rows;
mod terminal;

use std::fs;
use std::path::Path;

use hikeshi_outside::session::shell::{Ended, Forged, Inner, Known, Nonce, Record, ShellKind, Told, remote_command};

use self::rows::{Row, Want};
use self::terminal::{Home, Terminal, Typed};

fn told(record: &Record) -> String {
    let text = String::from_utf8_lossy(&record.text.bytes);
    let text = if text.len() > 400 { format!("{} bytes", text.len()) } else { text.into_owned() };
    let depth = record.depth.map_or_else(|| "-".to_owned(), |depth| depth.to_string());
    format!("{depth} {text:?} {:?} {:?} {:?} {:?}", record.exit, record.pipeline, record.ended, record.text.source)
}

fn wanted(want: &Want) -> String {
    let text = if want.text.len() > 400 { format!("{} bytes", want.text.len()) } else { want.text.clone() };
    let pipeline = match want.ended {
        Ended::Told | Ended::ToldLate if want.pipeline.is_empty() => want.exit.into_iter().collect(),
        Ended::Told | Ended::ToldLate => want.pipeline.clone(),
        Ended::ShellExited | Ended::Inferred | Ended::StreamEnded => Vec::new(),
    };
    format!("{} {text:?} {:?} {pipeline:?} {:?} {:?}", want.depth, want.exit, want.ended, want.source)
}

/// Types one row; says what was wrong.
fn play(kind: ShellKind, row: &Row) -> Result<(), String> {
    let home = Home::new();
    let before = home.tree();
    let typed = Terminal::start(kind, &home).play(&row.typed, row.wants.len());
    let after = home.tree();
    let records = typed.records();
    let got: Vec<String> = records.iter().map(|record| told(record)).collect();
    let want: Vec<String> = row.wants.iter().map(wanted).collect();
    let explain = |what: &str| format!("{kind:?} · {}: {what}\n  got  {got:#?}\n  want {want:#?}\n  {}", row.name, typed.shown());
    if got != want {
        return Err(explain("other records"));
    }
    for (record, want) in records.iter().zip(&row.wants) {
        if let Some(output) = &want.output
            && typed.output(record) != output.as_slice()
        {
            return Err(explain(&format!("output of {:?} is {:?}", want.text, String::from_utf8_lossy(typed.output(record)))));
        }
        if record.known != Known::Integrated || record.text.is_cut() || record.output_from > record.output_to {
            return Err(explain(&format!("{record:?}")));
        }
    }
    if typed.forged() != row.forged {
        return Err(explain(&format!("forged: {:?}", typed.forged())));
    }
    if before != after {
        return Err(explain(&format!("the home directory is not as it was: {before:?} {after:?}")));
    }
    Ok(())
}

fn all(kind: ShellKind) {
    let rows = rows::all();
    let failed: Vec<String> = rows.iter().filter(|row| row.shells.contains(&kind)).filter_map(|row| play(kind, row).err()).collect();
    assert!(failed.is_empty(), "{} rows failed:\n{}", failed.len(), failed.join("\n"));
}

#[test]
fn every_row_in_bash() {
    all(ShellKind::Bash);
}

#[test]
fn every_row_in_zsh() {
    all(ShellKind::Zsh);
}

#[test]
fn the_table_is_long_enough() {
    let both = rows::all().iter().filter(|row| row.shells.len() == 2).count();
    assert!(both >= 26, "only {both} rows are for both shells");
}

#[test]
fn a_working_directory_is_told_as_it_is() {
    for kind in [ShellKind::Bash, ShellKind::Zsh] {
        let home = Home::new();
        let typed = Terminal::start(kind, &home).play(&["mkdir -p '緊急 対応'; cd '緊急 対応'\r".into(), "pwd\r".into()], 2);
        let records = typed.records();
        let dir = home.path().join("work/緊急 対応");
        assert_eq!(records[0].cwd_after.as_deref(), Some(dir.as_os_str().as_encoded_bytes()), "{kind:?}");
        assert_eq!(records[1].cwd, dir.as_os_str().as_encoded_bytes(), "{kind:?}");
        assert_eq!(typed.output(records[1]), format!("{}\r\n", dir.display()).as_bytes(), "{kind:?}");
    }
}

#[test]
fn a_shell_without_integration_inside_is_one_record_and_nobody_claims_to_know_more() {
    for kind in [ShellKind::Bash, ShellKind::Zsh] {
        let home = Home::new();
        let steps = ["env -i bash --norc --noprofile -i\r".into(), "echo secret\r".into(), "exit 6\r".into()];
        let typed = Terminal::start(kind, &home).play(&steps, 1);
        let records = typed.records();
        assert_eq!(records.len(), 1, "{kind:?} {}", typed.shown());
        assert_eq!((records[0].exit, records[0].inner), (Some(6), Inner::Unseen), "{kind:?}");
        assert!(String::from_utf8_lossy(typed.output(records[0])).contains("echo secret"), "{kind:?}");
    }
}

#[test]
fn nested_shells_know_in_which_command_they_ran() {
    for kind in [ShellKind::Bash, ShellKind::Zsh] {
        for inner in ["bash", "zsh", "hikeshi-inner env HOME=$HOME"] {
            let home = Home::new();
            let steps = [format!("{inner}\r"), "echo in; false\r".into(), "exit 4\r".into()];
            let typed = Terminal::start(kind, &home).play(&steps, 3);
            let records = typed.records();
            let found: Vec<_> = records.iter().map(|record| (record.number, record.within, record.depth, record.exit)).collect();
            let want = [(2, Some(1), Some(2), Some(1)), (3, Some(1), Some(2), Some(4)), (1, None, Some(1), Some(4))];
            assert_eq!(found, want, "{kind:?} {inner} {}", typed.shown());
            assert_eq!(records[2].inner, Inner::Integrated, "{kind:?} {inner}");
            assert!(home.temporary_is_empty(), "{kind:?} {inner} left a file");
        }
    }
}

#[test]
fn the_command_for_a_far_host_leaves_nothing_there() {
    for login in ["dash", "bash", "zsh"] {
        for shell in ["/bin/bash", "/usr/bin/zsh"] {
            let home = Home::new();
            let before = home.tree();
            let command = remote_command(&Nonce::new([7; 16]));
            let typed = Terminal::command(&home, login, &["-c".into(), command.into()], shell)
                .play(&["false | true\r".into(), "exit 3\r".into()], 2);
            let records = typed.records();
            assert_eq!(records.len(), 2, "{login} {shell} {}", typed.shown());
            assert_eq!((records[0].text.bytes.as_slice(), records[0].pipeline.as_slice()), (b"false | true".as_slice(), [1, 0].as_slice()));
            assert_eq!((records[1].exit, records[1].ended), (Some(3), Ended::ShellExited), "{login} {shell}");
            let wants = if shell.ends_with("zsh") { "zsh" } else { "bash" };
            assert!(typed.told.iter().any(|told| matches!(told, Told::ShellStarted { program, depth: 1, .. } if program == wants)));
            assert_eq!(before, home.tree(), "{login} {shell}");
            assert!(home.temporary_is_empty(), "{login} {shell} left a file");
        }
    }
}

#[test]
fn the_nonce_reaches_no_child_and_no_command_line() {
    for kind in [ShellKind::Bash, ShellKind::Zsh] {
        let home = Home::new();
        let steps = ["env; tr '\\0' ' ' </proc/$PPID/environ; tr '\\0' ' ' </proc/$$/cmdline; tr '\\0' ' ' </proc/$$/environ\r".into()];
        let typed = Terminal::start(kind, &home).play(&steps, 1);
        let output = String::from_utf8_lossy(typed.output(typed.records()[0])).into_owned();
        assert!(output.contains("HOME="), "{kind:?} {output}");
        assert!(!output.contains(&"07".repeat(16)), "{kind:?} {output}");
    }
}

#[test]
fn marks_that_are_not_ours_are_told_with_their_reason() {
    let home = Home::new();
    let forged = "printf '\\e]8119;00112233445566778899aabbccddeeff;1.1.1;99999;E;0;0;n;/\\e\\\\'; false\r";
    let typed = Terminal::start(ShellKind::Bash, &home).play(&[forged.into(), "cat {so far}\r".into(), "true\r".into()], 3);
    assert!(typed.forged().contains(&Forged::Nonce) && typed.forged().contains(&Forged::Replayed), "{:?}", typed.forged());
    let records = typed.records();
    assert_eq!(records.iter().map(|record| record.exit).collect::<Vec<_>>(), [Some(1), Some(0), Some(0)], "{}", typed.shown());
    assert!(records[0].forged == 1 && records[1].forged > 3 && records[2].forged == 0, "{records:?}");
}

#[test]
fn the_users_own_prompt_works() {
    for (kind, seen) in [(ShellKind::Bash, "[first 1][second 1]"), (ShellKind::Zsh, "[first 1][second 1]")] {
        let home = Home::new();
        let typed = Terminal::start(kind, &home).play(&["false\r".into()], 1);
        assert!(typed.shown().contains(seen), "{kind:?} {}", typed.shown());
        assert!(typed.bytes.windows(9).any(|window| window == b"\x1b[1;32mo "), "{kind:?} {}", typed.shown());
    }
}

#[test]
fn a_long_text_is_cut_and_says_so() {
    let home = Home::new();
    let long = format!("\x1b[200~: {}\x1b[201~\r", "あ".repeat(20_000));
    let typed = Typed::replay(&Terminal::start(ShellKind::Bash, &home).play(&[long.as_str().into()], 1).bytes, 1000);
    let record = typed.records()[0];
    assert_eq!((record.text.bytes.len(), record.text.bytes_total, record.text.is_cut()), (1000, 60_002, true));
}

#[test]
fn the_dotfiles_are_read() {
    for kind in [ShellKind::Bash, ShellKind::Zsh] {
        let home = Home::new();
        let typed = Terminal::start(kind, &home).play(&["echo $FROM_DOTFILE ${ZDOTDIR-none}\r".into()], 1);
        assert_eq!(typed.output(typed.records()[0]), b"yes none\r\n", "{kind:?} {}", typed.shown());
    }
}

#[test]
fn a_zdotdir_of_the_user_is_respected() {
    let home = Home::new();
    let own = home.path().join("zsh");
    fs::create_dir(&own).unwrap();
    fs::write(own.join(".zshrc"), "FROM_DOTFILE=own\nprecmd_functions=()\nPS1='%# '\n").unwrap();
    let typed = Terminal::start_in(ShellKind::Zsh, &home, Some(Path::new(&own))).play(&["echo $FROM_DOTFILE $ZDOTDIR\r".into()], 1);
    assert_eq!(typed.output(typed.records()[0]), format!("own {}\r\n", own.display()).as_bytes(), "{}", typed.shown());
}
