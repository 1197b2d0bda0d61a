//! What works on files alone: check, schema, init, completions, help.

use std::path::Path;
use std::process::{Command, Output};

use super::harness::{PROGRAM, json, text};

fn run(args: &[&str]) -> Output {
    Command::new(PROGRAM).args(args).env_remove("HIKESHI_LANG").env("LANG", "C.UTF-8").output().expect("ran")
}

#[test]
fn a_new_workspace_is_sound_and_never_written_over() {
    let dir = std::env::temp_dir().join(format!("hikeshi-e2e-init-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    let dir_text = dir.display().to_string();
    assert_eq!(run(&["init", &dir_text]).status.code(), Some(0));
    let file = dir.join("hikeshi.toml");
    let checked = run(&["--json", "check", &file.display().to_string()]);
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked));
    assert_eq!(json(&checked)["data"]["mistakes"].as_array().map(Vec::len), Some(0));
    let before = std::fs::read(&file).expect("read");
    assert_eq!(run(&["init", &dir_text]).status.code(), Some(1));
    assert_eq!(std::fs::read(&file).expect("read"), before);
    assert!(!String::from_utf8_lossy(&before).to_lowercase().contains("password ="), "no default password");
    std::fs::remove_dir_all(&dir).expect("removed");
}

#[test]
fn the_schema_beside_the_examples_is_the_programs_own() {
    let printed = run(&["schema", "policy"]);
    let kept =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/hikeshi.schema.json")).expect("the schema");
    assert_eq!(
        String::from_utf8_lossy(&printed.stdout).trim(),
        kept.trim(),
        "write it anew: hikeshi schema policy > examples/hikeshi.schema.json"
    );
}

#[test]
fn a_mistake_is_told_in_the_readers_language() {
    let file = std::env::temp_dir().join(format!("hikeshi-e2e-check-{}.toml", std::process::id()));
    std::fs::write(&file, "[workspace]\nname = \"宿\"\n[people.tanaka]\nname = \"田中\"\nroles = []\nemial = \"x\"\n").expect("written");
    let name = file.display().to_string();
    let ja = run(&["check", &name]);
    let en = run(&["--lang", "en", "check", &name]);
    std::fs::remove_file(&file).expect("removed");
    assert_eq!((ja.status.code(), en.status.code()), (Some(1), Some(1)));
    assert!(String::from_utf8_lossy(&ja.stderr).contains("「email」ではありませんか"), "{}", text(&ja));
    assert!(String::from_utf8_lossy(&en.stderr).contains("did you mean `email`?"), "{}", text(&en));
    assert!(!String::from_utf8_lossy(&en.stderr).contains('\u{1b}'), "no colour where there is no terminal");
}

#[test]
fn help_promises_the_exit_codes_in_both_languages() {
    for (lang, word) in [("ja", "終了コード"), ("en", "Exit codes")] {
        let help = String::from_utf8_lossy(&run(&["--lang", lang, "--help"]).stdout).into_owned();
        for code in [" 0 ", " 1 ", " 2 ", " 3 ", " 4 ", " 5 ", " 6 ", " 7 ", "124", "130", word] {
            assert!(help.contains(code), "{lang}: {code}: {help}");
        }
        assert!(!help.contains("step-runner"), "hidden commands stay hidden");
    }
}

#[test]
fn completions_are_made_for_the_usual_shells() {
    for shell in ["bash", "zsh", "fish"] {
        let made = run(&["completions", shell]);
        assert!(made.status.success() && String::from_utf8_lossy(&made.stdout).contains("emergency"), "{shell}");
    }
}
