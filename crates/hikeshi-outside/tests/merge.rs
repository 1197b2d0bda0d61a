//! Merges that are only tried, and fixes that came in by every way there is, in real repositories.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use hikeshi_domain::policy::MergePolicy;
use hikeshi_domain::release::contained::{Containment, Doubt, Finding, Proof};
use hikeshi_domain::release::merge::{Attempt, Entry, Method, Obstacle, obstacles};
use hikeshi_outside::merge::{MergeError, Place, Repository, tags};

static PLACES: AtomicU32 = AtomicU32::new(0);

/// The file that the fix changes: lines far enough apart that they do not touch each other.
const PRICES: &str = "一\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n16\n";

struct Repo {
    dir: PathBuf,
    work: PathBuf,
    /// Each commit is a second after the one before, so that their order is the same everywhere.
    clock: Cell<u64>,
}

impl Drop for Repo {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _gone = fs::remove_dir_all(&self.dir);
        }
    }
}

/// `main` with one version of the prices, tagged v1.2.3, and `develop` beside it.
fn repo() -> Repo {
    let number = PLACES.fetch_add(1, Ordering::Relaxed);
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("merge-{}-{number}", std::process::id()));
    let _old = fs::remove_dir_all(&dir);
    let work = dir.join("work");
    fs::create_dir_all(&work).expect("a place");
    let repo = Repo { dir, work, clock: Cell::new(1_780_000_000) };
    repo.git(&["init", "-q", "-b", "main"]);
    repo.write("料金.txt", PRICES);
    repo.commit("first");
    repo.git(&["tag", "-a", "v1.2.3", "-m", "v1.2.3"]);
    repo.git(&["branch", "develop"]);
    repo
}

impl Repo {
    fn git(&self, args: &[&str]) -> String {
        let now = format!("{} +0900", self.clock.replace(self.clock.get() + 1));
        let done = Command::new("git")
            .current_dir(&self.work)
            .args(["-c", "user.name=田中", "-c", "user.email=tanaka@example.jp", "-c", "core.quotepath=false"])
            .args(args)
            .env("GIT_AUTHOR_DATE", &now)
            .env("GIT_COMMITTER_DATE", &now)
            .env("GIT_EDITOR", "true")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .expect("git");
        assert!(done.status.success(), "{args:?}: {}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).trim().to_owned()
    }
    fn write(&self, path: &str, content: &str) {
        fs::write(self.work.join(path), content).expect("written");
    }
    fn commit(&self, message: &str) -> String {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
        self.git(&["rev-parse", "HEAD"])
    }
    /// Another line in the prices, where `branch` is.
    fn edit(&self, branch: &str, from: &str, to: &str, message: &str) -> String {
        self.git(&["checkout", "-q", branch]);
        let before = fs::read_to_string(self.work.join("料金.txt")).expect("read");
        assert!(before.contains(from), "{from:?} is not in {before:?}");
        self.write("料金.txt", &before.replace(from, to));
        self.commit(message)
    }
    /// `hotfix/v1.2.4`, cut from the production tag: two commits with two changes far apart.
    fn hotfix(&self, trailer: &str) {
        self.git(&["checkout", "-q", "-b", "hotfix/v1.2.4", "v1.2.3"]);
        self.edit("hotfix/v1.2.4", "3\n4\n", "3\n四\n", &format!("料金を直す{trailer}"));
        self.edit("hotfix/v1.2.4", "\n12\n", "\n十二\n", &format!("もう一つ直す{trailer}"));
    }
    fn moved_on(&self, branch: &str) {
        self.edit(branch, "\n16\n", "\n16\n17\n", "ほかの変更");
    }
    fn squash(&self, from: &str, into: &str, message: &str) -> String {
        self.git(&["checkout", "-q", into]);
        self.git(&["merge", "-q", "--squash", from]);
        self.commit(message)
    }
    fn place(&self) -> Place {
        let env =
            BTreeMap::from([("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into()), ("HOME".into(), self.dir.clone().into_os_string())]);
        Place { spool: self.dir.join("spool"), base: self.dir.clone(), env }
    }
    async fn open(&self, names: &[&str]) -> Result<Repository, MergeError> {
        Repository::open(&self.place(), &self.work.display().to_string(), names).await
    }
    async fn looked(&self, fix: &str, branch: &str, base: Option<&str>) -> Finding {
        let names: Vec<&str> = [fix, branch].into_iter().chain(base).collect();
        let opened = self.open(&names).await.expect("opened");
        let tip = |name: &str| opened.tip(name).expect("a tip");
        let base = base.map(tip);
        opened.contained(&tip(fix), &tip(branch), base.as_ref()).await.expect("looked")
    }
    async fn hotfix_in(&self, branch: &str) -> Finding {
        self.looked("hotfix/v1.2.4", branch, None).await
    }
    async fn attempt(&self, from: &str, into: &str) -> Attempt {
        let opened = self.open(&[from, into]).await.expect("opened");
        opened.attempt(&opened.tip(from).expect("a tip"), &opened.tip(into).expect("a tip")).await.expect("tried")
    }
}

fn proof(finding: &Finding) -> &Proof {
    match &finding.containment {
        Containment::Contained { by } => by,
        other => panic!("{other:?}"),
    }
}

fn doubt(finding: &Finding) -> &Doubt {
    match &finding.containment {
        Containment::Undecided { because } => because,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_plain_merge_is_proven_by_its_commits() {
    let repo = repo();
    repo.hotfix("");
    repo.moved_on("main");
    assert_eq!(doubt(&repo.hotfix_in("main").await), &Doubt::NoProof, "not merged yet");
    repo.git(&["merge", "-q", "--no-ff", "hotfix/v1.2.4"]);
    let merge = repo.git(&["rev-parse", "HEAD"]);
    repo.moved_on("main");
    let found = repo.hotfix_in("main").await;
    assert_eq!(proof(&found), &Proof::Ancestor);
    assert!(matches!(&found.entered, Some(Entry::MergeCommit { commit }) if commit.as_str() == merge), "{:?}", found.entered);
    assert_eq!((found.files.as_slice(), found.files_count), (["料金.txt".to_owned()].as_slice(), 1));
}

#[tokio::test]
async fn a_fast_forward_is_proven_by_its_commits() {
    let repo = repo();
    repo.hotfix("");
    repo.git(&["checkout", "-q", "main"]);
    repo.git(&["merge", "-q", "--ff-only", "hotfix/v1.2.4"]);
    let at_tip = repo.hotfix_in("main").await;
    assert_eq!((proof(&at_tip), &at_tip.entered), (&Proof::Ancestor, &Some(Entry::FastForward)));
    repo.moved_on("main");
    let later = repo.hotfix_in("main").await;
    assert_eq!((proof(&later), &later.entered), (&Proof::Ancestor, &Some(Entry::FastForward)));
}

#[tokio::test]
async fn a_squash_of_several_commits_is_proven_by_its_patch_even_after_later_edits() {
    let repo = repo();
    repo.hotfix("");
    repo.moved_on("main");
    let squash = repo.squash("hotfix/v1.2.4", "main", "hotfix (#12)");
    repo.edit("main", "四\n", "四円\n", "同じ行をあとで変える");
    let found = repo.hotfix_in("main").await;
    assert!(matches!(proof(&found), Proof::Patch { commits } if commits.len() == 1 && commits[0].as_str() == squash), "{found:?}");
    assert!(matches!(&found.entered, Some(Entry::Squash { commit }) if commit.as_str() == squash), "{:?}", found.entered);
}

#[tokio::test]
async fn a_squash_that_was_edited_while_merging_is_proven_by_its_trailer() {
    let repo = repo();
    repo.hotfix("\n\nHotfix-Id: hot_7");
    repo.git(&["checkout", "-q", "main"]);
    repo.git(&["merge", "-q", "--squash", "hotfix/v1.2.4"]);
    repo.write("料金.txt", &fs::read_to_string(repo.work.join("料金.txt")).expect("read").replace("四\n", "四 円\n"));
    let squash = repo.commit("hotfix (#12)\n\nHotfix-Id: hot_7");
    repo.moved_on("main");
    let found = repo.hotfix_in("main").await;
    let Proof::Trailer { hotfix, commit } = proof(&found) else { panic!("{found:?}") };
    assert_eq!((hotfix.as_str(), commit.as_str()), ("hot_7", squash.as_str()));
    assert_eq!(doubt(&repo.hotfix_in("develop").await), &Doubt::NoProof);
}

#[tokio::test]
async fn the_trailer_on_a_piece_of_the_fix_proves_nothing_of_the_whole() {
    let repo = repo();
    repo.hotfix("\n\nHotfix-Id: hot_7");
    repo.moved_on("develop");
    repo.git(&["cherry-pick", "hotfix/v1.2.4~1"]);
    assert_eq!(doubt(&repo.hotfix_in("develop").await), &Doubt::Part { there: 1, of: 2 });
    repo.git(&["cherry-pick", "hotfix/v1.2.4"]);
    assert!(repo.hotfix_in("develop").await.containment.is_proven());
    // A commit that only names the hotfix, and changes something else.
    let repo = self::repo();
    repo.hotfix("\n\nHotfix-Id: hot_7");
    repo.git(&["checkout", "-q", "develop"]);
    repo.write("メモ.txt", "hot_7 を待つ\n");
    repo.commit("メモ\n\nHotfix-Id: hot_7");
    assert_eq!(doubt(&repo.hotfix_in("develop").await), &Doubt::NoProof);
}

#[tokio::test]
async fn cherry_picked_commits_are_proven_by_their_patches() {
    let repo = repo();
    repo.hotfix("");
    repo.moved_on("develop");
    repo.git(&["cherry-pick", "v1.2.3..hotfix/v1.2.4"]);
    let found = repo.hotfix_in("develop").await;
    assert!(matches!(proof(&found), Proof::Patch { commits } if commits.len() == 2), "{found:?}");
    assert!(matches!(&found.entered, Some(Entry::Rebase { commits }) if commits.len() == 2), "{:?}", found.entered);
}

#[tokio::test]
async fn the_same_result_by_another_way_is_proven_by_the_tree() {
    let repo = repo();
    repo.hotfix("");
    repo.edit("develop", "3\n4\n5", "3\n四\n5", "手で直す");
    repo.edit("develop", "\n12\n", "\n十二\n", "手で直す");
    // Written by hand in commits with other patches: three, and one of them in two steps.
    let repo2 = self::repo();
    repo2.hotfix("");
    repo2.edit("develop", "3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n", "3\n四\n5\n6\n7\n8\n9\n10\n11\n12\n", "手で直す 1");
    repo2.edit("develop", "\n12\n", "\n12 円\n", "手で直す 2");
    repo2.edit("develop", "\n12 円\n", "\n十二\n", "手で直す 3");
    assert_eq!(proof(&repo2.hotfix_in("develop").await), &Proof::Tree);
    assert!(repo.hotfix_in("develop").await.containment.is_proven());
}

#[tokio::test]
async fn a_squash_tweaked_beyond_proof_is_only_probable() {
    let repo = repo();
    repo.hotfix("");
    repo.git(&["checkout", "-q", "main"]);
    repo.git(&["merge", "-q", "--squash", "hotfix/v1.2.4"]);
    // The same lines, and one more beside them that conflicts with the fix.
    repo.write("料金.txt", &fs::read_to_string(repo.work.join("料金.txt")).expect("read").replace("四\n", "四\n四半\n"));
    repo.commit("hotfix (#12)");
    let found = repo.hotfix_in("main").await;
    assert_eq!((&found.containment, &found.entered), (&Containment::Probably, &None));
}

#[tokio::test]
async fn a_fix_that_is_lost_is_never_called_contained_and_never_called_lost() {
    let repo = repo();
    repo.hotfix("\n\nHotfix-Id: hot_7");
    repo.moved_on("develop");
    let found = repo.hotfix_in("develop").await;
    assert_eq!(doubt(&found), &Doubt::NoProof);
    assert_eq!(found.files, ["料金.txt"]);
}

#[tokio::test]
async fn the_same_line_elsewhere_is_no_proof() {
    let repo = repo();
    repo.git(&["checkout", "-q", "-b", "hotfix/v1.2.4", "v1.2.3"]);
    repo.edit("hotfix/v1.2.4", "3\n4\n", "3\n検査する\n4\n", "検査を加える");
    repo.edit("develop", "\n15\n", "\n15\n検査する\n", "別の場所に同じ行を加える");
    let found = repo.hotfix_in("develop").await;
    assert!(!found.containment.is_proven(), "{found:?}");
    // Only one file away from it, nothing is even probable.
    repo.git(&["checkout", "-q", "main"]);
    repo.write("別.txt", "検査する\n");
    repo.commit("別のファイルに同じ行");
    assert_eq!(doubt(&repo.hotfix_in("main").await), &Doubt::NoProof);
}

#[tokio::test]
async fn indentation_counts_where_git_itself_would_not_look() {
    let repo = repo();
    repo.git(&["checkout", "-q", "-b", "hotfix/v1.2.4", "v1.2.3"]);
    repo.edit("hotfix/v1.2.4", "3\n4\n", "3\n        return\n", "字下げを直す");
    repo.edit("develop", "3\n4\n", "3\n    return\n", "字下げが違う");
    let cherry = repo.git(&["cherry", "develop", "hotfix/v1.2.4"]);
    assert!(cherry.starts_with('-'), "git takes the two for the same: {cherry}");
    assert_eq!(doubt(&repo.hotfix_in("develop").await), &Doubt::NoProof);
}

#[tokio::test]
async fn what_came_in_and_was_reverted_is_not_contained() {
    let repo = repo();
    repo.hotfix("");
    repo.moved_on("main");
    repo.git(&["merge", "-q", "--no-ff", "hotfix/v1.2.4"]);
    repo.git(&["revert", "--no-edit", "-m", "1", "HEAD"]);
    let revert = repo.git(&["rev-parse", "HEAD"]);
    let found = repo.hotfix_in("main").await;
    assert!(matches!(doubt(&found), Doubt::Reverted { by } if by.as_str() == revert), "{found:?}");
    repo.git(&["revert", "--no-edit", "HEAD"]);
    assert_eq!(proof(&repo.hotfix_in("main").await), &Proof::Ancestor, "the revert was reverted");
    let squash = repo.squash("hotfix/v1.2.4", "develop", "hotfix (#12)");
    assert!(repo.hotfix_in("develop").await.containment.is_proven());
    repo.git(&["revert", "--no-commit", &squash]);
    repo.commit("元に戻す");
    assert_eq!(doubt(&repo.hotfix_in("develop").await), &Doubt::Undone, "taken out without naming the commit");
}

#[tokio::test]
async fn a_base_tells_the_fix_from_what_was_in_production_before() {
    let repo = repo();
    repo.edit("main", "\n8\n", "\n八\n", "本番だけにある変更");
    repo.git(&["tag", "-a", "v1.2.9", "-m", "v1.2.9"]);
    repo.git(&["checkout", "-q", "-b", "hotfix/v1.2.10"]);
    repo.edit("hotfix/v1.2.10", "3\n4\n", "3\n四\n", "直す");
    repo.git(&["checkout", "-q", "develop"]);
    repo.git(&["cherry-pick", "hotfix/v1.2.10"]);
    assert_eq!(doubt(&repo.looked("hotfix/v1.2.10", "develop", None).await), &Doubt::Part { there: 1, of: 2 });
    let found = repo.looked("hotfix/v1.2.10", "develop", Some("v1.2.9")).await;
    assert!(matches!(proof(&found), Proof::Patch { .. }), "{found:?}");
}

#[tokio::test]
async fn a_conflict_is_found_with_its_files_and_nothing_is_touched() {
    let repo = repo();
    repo.hotfix("");
    repo.edit("develop", "3\n4\n", "3\n肆\n", "別の値");
    repo.write("予約 画面.txt", "develop\n");
    repo.commit("加える");
    repo.git(&["checkout", "-q", "hotfix/v1.2.4"]);
    repo.write("予約 画面.txt", "hotfix\n");
    repo.commit("加える");
    let before = (repo.git(&["for-each-ref"]), repo.git(&["count-objects", "-v"]), repo.git(&["status", "--porcelain"]));
    let tried = repo.attempt("hotfix/v1.2.4", "develop").await;
    assert_eq!(tried.conflicts, ["予約 画面.txt", "料金.txt"]);
    assert_eq!((tried.conflicts_count, tried.ahead, tried.behind, tried.related), (2, 3, 2, true));
    assert_eq!(obstacles(&MergePolicy::default(), &tried, None), [Obstacle::Conflicts { count: 2 }]);
    let into_main = repo.attempt("hotfix/v1.2.4", "main").await;
    assert_eq!(obstacles(&MergePolicy::default(), &into_main, Some(Method::MergeCommit)), []);
    let after = (repo.git(&["for-each-ref"]), repo.git(&["count-objects", "-v"]), repo.git(&["status", "--porcelain"]));
    assert_eq!(before, after, "the repository is as it was");
    assert_eq!(repo.dir.join("spool/git").read_dir().expect("the spool").count(), 0, "and the clones are gone");
}

#[tokio::test]
async fn develop_that_was_squashed_into_main_is_seen_and_a_merged_one_is_fine() {
    let policy = MergePolicy::default();
    let repo = repo();
    repo.edit("develop", "\n8\n", "\n八\n", "機能 1");
    repo.edit("develop", "\n9\n", "\n九\n", "機能 2");
    repo.squash("develop", "main", "release 1.3");
    repo.edit("develop", "\n10\n", "\n十\n", "機能 3");
    let tried = repo.attempt("develop", "main").await;
    assert!(matches!(&tried.entered, Some(Entry::Squash { .. })), "{tried:?}");
    assert!(obstacles(&policy, &tried, None).iter().any(|one| matches!(one, Obstacle::EnteredOtherwise { .. })), "{tried:?}");
    let refused = Obstacle::MethodRefused { method: Method::Squash, allowed: vec![Method::MergeCommit] };
    assert!(obstacles(&policy, &tried, Some(Method::Squash)).contains(&refused));

    let repo = self::repo();
    repo.git(&["checkout", "-q", "-b", "feature/予約", "develop"]);
    repo.edit("feature/予約", "\n8\n", "\n八\n", "機能 1");
    repo.edit("feature/予約", "\n9\n", "\n九\n", "機能 2");
    repo.squash("feature/予約", "develop", "機能 (#3)");
    let feature = repo.attempt("feature/予約", "develop").await;
    assert!(matches!(&feature.entered, Some(Entry::Squash { .. })), "{feature:?}");
    assert_eq!(obstacles(&policy, &feature, Some(Method::Squash)), [], "a feature may be squashed");
    repo.git(&["checkout", "-q", "main"]);
    repo.git(&["merge", "-q", "--no-ff", "develop"]);
    let release = repo.attempt("develop", "main").await;
    assert!(matches!(&release.entered, Some(Entry::MergeCommit { .. })), "{release:?}");
    assert_eq!(obstacles(&policy, &release, Some(Method::MergeCommit)), []);
}

#[tokio::test]
async fn histories_that_have_diverged_are_seen() {
    let repo = repo();
    repo.git(&["clone", "-q", "--bare", ".", "../remote.git"]);
    repo.git(&["remote", "add", "origin", "../remote.git"]);
    repo.edit("develop", "\n8\n", "\n八\n", "機能");
    repo.git(&["push", "-q", "origin", "develop"]);
    assert_eq!(repo.attempt("develop", "main").await.diverged, [], "the same on both sides");
    repo.git(&["commit", "-q", "--amend", "-m", "書き直した"]);
    repo.git(&["fetch", "-q", "origin"]);
    let tried = repo.attempt("develop", "main").await;
    let [diverged] = tried.diverged.as_slice() else { panic!("{tried:?}") };
    assert_eq!((diverged.branch.as_str(), diverged.remote.as_str(), diverged.ahead, diverged.behind), ("develop", "origin/develop", 1, 1));
    repo.git(&["checkout", "-q", "--orphan", "other"]);
    repo.commit("別の始まり");
    let tried = repo.attempt("other", "main").await;
    assert!(!tried.related && obstacles(&MergePolicy::default(), &tried, None) == [Obstacle::Unrelated], "{tried:?}");
    assert_eq!(doubt(&repo.looked("other", "main", None).await), &Doubt::Unrelated);
}

#[tokio::test]
async fn tags_are_read_with_what_they_point_to() {
    let repo = repo();
    let first = repo.git(&["rev-parse", "v1.2.3^{commit}"]);
    repo.moved_on("main");
    let second = repo.git(&["rev-parse", "HEAD"]);
    for name in ["v1.10.0", "v1.9.0", "v1.2.4-hotfix.2", "v1.2.4-hotfix.10", "本番-2026-11", "nightly", "v1.7.4+hotfix.1"] {
        repo.git(&["tag", name]);
    }
    let found = tags(&repo.place(), &repo.work.display().to_string()).await.expect("tags");
    let names: Vec<&str> = found.versions.iter().map(|tag| tag.name.as_str()).collect();
    assert_eq!(names, ["v1.10.0", "v1.9.0", "v1.7.4+hotfix.1", "v1.2.4-hotfix.10", "v1.2.4-hotfix.2", "v1.2.3"]);
    assert_eq!((found.ignored, found.ignored_names.as_slice()), (2, ["nightly".to_owned(), "本番-2026-11".to_owned()].as_slice()));
    let at = |name: &str| found.versions.iter().find(|tag| tag.name == name).map(|tag| (tag.commit.as_str(), tag.annotated));
    assert_eq!(at("v1.2.3"), Some((first.as_str(), true)), "the commit and not the object of the tag");
    assert_eq!(at("v1.10.0"), Some((second.as_str(), false)));
}

#[tokio::test]
async fn names_that_are_not_there_and_histories_that_are_cut_off_are_refused() {
    let repo = repo();
    repo.moved_on("main");
    assert!(matches!(repo.open(&["main", "nowhere"]).await, Err(MergeError::NoSuch(name)) if name == "nowhere"));
    for bad in ["--upload-pack=touch /tmp/x", "a..b", "", "main:x"] {
        assert!(matches!(repo.open(&[bad]).await, Err(MergeError::BadName(_))), "{bad}");
    }
    let whole = repo.git(&["rev-parse", "main"]);
    let by_id = repo.open(&[&whole]).await.expect("a commit by its id").tip(&whole).expect("a tip");
    assert_eq!(by_id.commit.as_str(), whole);
    let source = format!("file://{}", repo.work.display());
    repo.git(&["clone", "-q", "--depth=1", "--no-single-branch", &source, "../shallow"]);
    let shallow = Repository::open(&repo.place(), &repo.dir.join("shallow").display().to_string(), &["main"]).await;
    assert!(matches!(shallow, Err(MergeError::Shallow)), "{shallow:?}");
}
