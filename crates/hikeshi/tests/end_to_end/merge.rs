//! `hikeshi merge` and `hikeshi tag`, as they are typed: real repositories, exit codes, both languages; the settings against the double of GitHub.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

use super::double::Double;
use super::harness::{self, PROGRAM};

struct Place {
    dir: PathBuf,
}

impl Drop for Place {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.dir);
        }
    }
}

/// A repository with a release, a branch of the next one, and a hotfix.
fn place(name: &str) -> Place {
    let dir = std::env::temp_dir().join(format!("hikeshi-e2e-merge-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(dir.join("work")).expect("made");
    let place = Place { dir };
    place.git(&["init", "-q", "-b", "main"]);
    place.commit("料金.txt", "一\n二\n三\n", "first");
    place.git(&["tag", "-a", "v1.2.3", "-m", "v1.2.3"]);
    place.git(&["checkout", "-q", "-b", "hotfix/v1.2.4"]);
    place.commit("料金.txt", "一\n弐\n三\n", "直す");
    place.git(&["checkout", "-q", "-b", "develop", "main"]);
    place.commit("料金.txt", "一\nに\n三\n", "変える");
    place.git(&["checkout", "-q", "main"]);
    place
}

impl Place {
    fn git(&self, args: &[&str]) -> String {
        let who = ["-c", "user.name=team", "-c", "user.email=team@example.jp"];
        let done = Command::new("git").current_dir(self.dir.join("work")).args(who).args(args).output().expect("git");
        assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).trim().to_owned()
    }
    fn commit(&self, file: &str, content: &str, message: &str) {
        std::fs::write(self.dir.join("work").join(file), content).expect("written");
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", message]);
    }
    fn run(&self, args: &[&str]) -> Output {
        Command::new(PROGRAM)
            .current_dir(self.dir.join("work"))
            .args(args)
            .env("XDG_STATE_HOME", self.dir.join("state"))
            .env("GITHUB_TOKEN", "ghp_double")
            .env_remove("HIKESHI_LANG")
            .env_remove("HIKESHI_CONFIG")
            .env("LANG", "C.UTF-8")
            .output()
            .expect("ran")
    }
    /// The data of `--json`, and the exit code that must be.
    fn data(&self, exit: i32, args: &[&str]) -> Value {
        let done = self.run(&[&["--json"], args].concat());
        assert_eq!(done.status.code(), Some(exit), "{args:?}: {}", harness::text(&done));
        harness::json(&done)["data"].clone()
    }
    fn said(&self, exit: i32, args: &[&str]) -> String {
        let done = self.run(args);
        assert_eq!(done.status.code(), Some(exit), "{args:?}: {}", harness::text(&done));
        harness::text(&done)
    }
    fn policy(&self, more: &str) -> PathBuf {
        let file = self.dir.join("hikeshi.toml");
        let people = "[workspace]\nname = \"宿\"\n\n[people.sato]\nname = \"佐藤\"\nroles = [\"cto\"]\n";
        std::fs::write(&file, format!("{people}{more}")).expect("written");
        file
    }
}

#[test]
fn a_merge_is_looked_at_and_a_method_that_is_not_allowed_is_refused_with_the_reason() {
    let place = place("check");
    let both = ["merge", "check", "hotfix/v1.2.4", "--into", "main", "develop"];
    let data = place.data(1, &both);
    assert_eq!(data["merges"][0]["obstacles"], json!([]));
    assert_eq!(data["merges"][1]["attempt"]["conflicts"], json!(["料金.txt"]));
    assert_eq!(data["merges"][1]["obstacles"][0]["what"]["obstacle"], "conflicts");
    let words = place.said(1, &both);
    assert!(words.contains("    料金.txt") && words.contains("競合するファイルが 1 件"), "{words}");
    place.said(0, &["merge", "check", "hotfix/v1.2.4", "--into", "main", "--method", "squash"]);
    let refused = place.said(4, &["--lang", "en", "merge", "check", "develop", "--into", "main", "--method", "squash"]);
    assert!(refused.contains("must not be merged by squash (R8)") && refused.contains("allowed: merge commit"), "{refused}");
    place.said(0, &["merge", "check", "develop", "--into", "main", "--method", "merge_commit"]);
    place.said(2, &["merge", "check", "develop", "--into", "main", "--method", "octopus"]);
    place.said(3, &["merge", "check", "develop", "--into", "nowhere"]);
    let file = place.policy("\n[merge]\nrules = [{ from = \"hotfix/*\", into = \"main\", methods = [\"merge_commit\"] }]\n");
    let config = file.display().to_string();
    let narrowed = ["--config", &config, "merge", "check", "hotfix/v1.2.4", "--into", "main", "--method", "squash"];
    assert_eq!(place.data(4, &narrowed)["merges"][0]["obstacles"][0]["what"]["obstacle"], "method_refused");
}

#[test]
fn a_policy_that_git_could_not_keep_is_a_mistake_with_its_place() {
    let place = place("policy");
    let file = place
        .policy("\n[merge]\nlong_lived = [\"main\", \"a..b\", \"main\"]\nrules = [{ from = \"a*b\", into = \"main\", methods = [] }]\n");
    let found = place.data(1, &["check", &file.display().to_string()]);
    assert_eq!(found["mistakes"].as_array().map(Vec::len), Some(5), "{found}");
}

#[test]
fn a_fix_is_contained_with_its_proof_or_undecided_with_its_difference() {
    let place = place("contained");
    let undecided = place.said(1, &["merge", "contained", "hotfix/v1.2.4", "--in", "develop"]);
    assert!(undecided.contains("判断できません") && undecided.contains("git diff ") && undecided.contains("料金.txt"), "{undecided}");
    place.git(&["merge", "-q", "--squash", "hotfix/v1.2.4"]);
    place.git(&["commit", "-q", "-m", "hotfix (#1)"]);
    let data = place.data(1, &["merge", "contained", "hotfix/v1.2.4", "--in", "main", "develop"]);
    assert_eq!(data["findings"][0]["containment"]["by"]["proof"], "patch");
    assert_eq!(data["findings"][1]["containment"], json!({"verdict": "undecided", "because": {"doubt": "no_proof"}}));
    let proven = place.said(0, &["--lang", "en", "merge", "contained", "hotfix/v1.2.4", "--in", "main", "--base", "v1.2.3"]);
    assert!(proven.contains("main has hotfix/v1.2.4 (the same patch is there"), "{proven}");
}

#[test]
fn versions_are_listed_by_their_own_order_and_the_next_one_is_free() {
    let place = place("tag");
    let candidate = place.git(&["rev-parse", "hotfix/v1.2.4"]);
    place.git(&["tag", "v1.2.4-hotfix.1", "hotfix/v1.2.4"]);
    place.git(&["tag", "v1.2.3-hotfix.1"]);
    place.git(&["tag", "本番"]);
    let listed = place.data(0, &["tag", "list"]);
    let names: Vec<&str> = listed["versions"].as_array().expect("a list").iter().filter_map(|tag| tag["name"].as_str()).collect();
    assert_eq!((names, listed["ignored"].as_u64()), (vec!["v1.2.4-hotfix.1", "v1.2.3", "v1.2.3-hotfix.1"], Some(1)));
    assert!(place.said(0, &["tag", "list"]).contains("バージョンではないタグ 1 件を除きました: 本番"));
    let next = place.data(0, &["tag", "next"]);
    assert_eq!((&next["version"], &next["candidate"], &next["taken"]), (&json!("v1.2.4"), &json!("v1.2.4-hotfix.2"), &json!([])));
    let allowed = place.data(0, &["tag", "check", "v1.2.4", "hotfix/v1.2.4"]);
    assert_eq!((&allowed["allowed"], &allowed["commit"]), (&json!(true), &json!(candidate)));
    assert!(place.said(4, &["tag", "check", "v1.2.4", "main"]).contains("試したものだけ"));
    place.git(&["tag", "v1.2.4", "develop"]);
    let taken = place.said(0, &["--lang", "en", "tag", "next", "--from", "v1.2.3"]);
    assert!(taken.contains("v1.2.5") && taken.contains("v1.2.4 exists already"), "{taken}");
    place.said(4, &["tag", "check", "v1.2.4", "hotfix/v1.2.4"]);
    place.said(2, &["tag", "next", "--from", "latest"]);
    let nothing = place.run(&["tag", "list", "--repository", &place.dir.join("nowhere").display().to_string()]);
    assert_eq!(nothing.status.code(), Some(1), "{}", harness::text(&nothing));
}

fn codes(findings: &Value) -> Vec<String> {
    let list = findings["findings"].as_array().expect("a list");
    list.iter()
        .map(|finding| format!("{}{}", if finding["good"] == true { "" } else { "!" }, finding["code"].as_str().expect("a code")))
        .collect()
}

fn rules(of: &[&str]) -> Value {
    let parameters = |methods: &[&str]| {
        json!({"allowed_merge_methods": methods, "dismiss_stale_reviews_on_push": false, "require_code_owner_review": false,
            "require_last_push_approval": false, "required_approving_review_count": 1, "required_review_thread_resolution": false})
    };
    json!([{"type": "pull_request", "parameters": parameters(of)}, {"type": "non_fast_forward"}, {"type": "deletion"}])
}

mod slow {
    use super::*;

    #[test]
    fn what_github_permits_is_compared_with_the_policy() {
        let place = place("settings");
        place.git(&["clone", "-q", "--bare", ".", "../repository.git"]);
        let bare = place.dir.join("repository.git");
        let github = Double::start_with("github/double.js", &[("BARE", &bare.display().to_string())]);
        let api = &github.url;
        let file = place.policy(&format!("\n[forge]\nkind = \"github\"\nrepository = \"yunoya/reservation\"\napi = \"{api}\"\n"));
        let config = file.display().to_string();
        let asked = ["--config", &config, "merge", "settings"];
        let open = ["!force_push_open", "!deletion_open", "!push_open"];
        let bare_found = codes(&place.data(1, &asked));
        let main: Vec<&str> = [&["!method_open", "!method_open"][..], &open].concat();
        let develop: Vec<&str> = [&["method_shared", "method_shared"][..], &open].concat();
        assert_eq!(bare_found, [main, develop].concat());
        let words = place.said(1, &asked);
        assert!(words.contains("develop からのスカッシュがGitHubで許されています") && words.contains("Allowed merge methods"), "{words}");

        github.control("settings", &json!({"rules": {"main": rules(&["merge"]), "develop": rules(&["merge", "squash"])}}));
        assert_eq!(codes(&place.data(0, &asked)), ["methods_fit", "protected", "method_shared", "protected"]);

        let classic = |linear: bool, admins: bool| json!({"reviews": true, "enforce_admins": admins, "allow_force_pushes": false, "allow_deletions": false, "required_linear_history": linear});
        let only_merge = json!({"allow_merge_commit": true, "allow_squash_merge": false, "allow_rebase_merge": false});
        github.control(
            "settings",
            &json!({"methods": only_merge, "rules": {}, "protection": {"main": classic(true, true), "develop": classic(false, false)}}),
        );
        assert_eq!(codes(&place.data(1, &asked)), ["!no_method", "protected", "methods_fit", "!admins_exempt"]);

        github.control("settings", &json!({"hidden": ["methods", "protection"]}));
        assert_eq!(codes(&place.data(1, &asked)), ["!methods_hidden", "!protection_hidden", "!protection_hidden"]);
        let file = place.policy(&format!("\n[merge]\nlong_lived = [\"main\", \"release\"]\n[forge]\nkind = \"github\"\nrepository = \"yunoya/reservation\"\napi = \"{api}\"\n"));
        assert_eq!(Path::new(&config), file);
        assert!(codes(&place.data(1, &asked)).contains(&"!branch_missing".to_owned()));
        assert_eq!(github.list("violations"), Vec::<Value>::new(), "nothing outside the published document");
    }
}
