//! The small program itself: what it prints, and how it exits.

use std::path::PathBuf;
use std::process::{Command, Output};

use hikeshi_verify::pack;

use super::case::night;

struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("hikeshi-verify-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("made");
        Self(path)
    }
    fn put(&self, name: &str, bytes: &[u8]) -> String {
        let file = self.0.join(name);
        std::fs::write(&file, bytes).expect("written");
        file.display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).expect("removed");
    }
}

fn run(args: &[&str]) -> (Option<i32>, String) {
    let Output { status, stdout, .. } = Command::new(env!("CARGO_BIN_EXE_hikeshi-verify")).args(args).output().expect("ran");
    (status.code(), String::from_utf8(stdout).expect("text"))
}

#[tokio::test(flavor = "multi_thread")]
async fn it_says_what_it_found_and_exits_accordingly() {
    let (case, folder) = (night().await, Folder::new());
    let packed = pack(&case.files).expect("packed");
    let good = folder.put("good.zip", &packed);
    let key = case.key.verifier().to_string();
    let (code, text) = run(&[&good, "--key", &key]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("渡された鍵") && text.contains("セッション1: ブロック 4 個"), "{text}");
    let (code, text) = run(&["--lang=en", &good]);
    assert_eq!(code, Some(0));
    assert!(text.contains("the key inside the bundle") && text.contains("session 1: 4 blocks"), "{text}");
    let (code, text) = run(&["--json", &good]);
    let found: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((code, found["exceptions"][0]["sessions"][0]["commands"].as_u64()), (Some(0), Some(3)));

    let mut files = case.files.clone();
    files.insert("contents/x".to_owned(), b"x".to_vec());
    let (code, text) = run(&[&folder.put("more.zip", &pack(&files).expect("packed"))]);
    assert!(code == Some(1) && text.contains("contents/x"), "{code:?} {text}");
    // Cut in the middle it is no zip any more: a finding too.
    let (code, text) = run(&[&folder.put("cut.zip", &packed[..packed.len() / 2])]);
    assert!(code == Some(1) && text.contains("束として読めません"), "{code:?} {text}");
}

#[test]
fn what_cannot_be_verified_at_all_is_another_exit_code() {
    for args in [&["nowhere.zip"][..], &[], &["--no-such"], &["a.zip", "b.zip"], &["a.zip", "--key"], &["--lang", "fr", "a.zip"]] {
        assert_eq!(run(args).0, Some(2), "{args:?}");
    }
    let (code, text) = run(&["--lang", "en", "--help"]);
    assert!(code == Some(0) && text.starts_with("Usage:"), "{text}");
}
