//! `hikeshi merge` and `hikeshi tag`: what a merge would do, whether a fix is in a branch, and what comes next.

use hikeshi_domain::release::contained::{Containment, Doubt, Finding, Proof};
use hikeshi_domain::release::merge::{Attempt, Entry, Method, Obstacle};
use hikeshi_domain::release::version::{Next, NotPromoted, Tags};

use super::two;
use crate::Lang;
use crate::plain::clipped;

const NAME: usize = 200;

/// Path, Japanese, English.
pub(super) const COMMANDS: &[(&str, &str, &str)] = &[
    ("merge", "ブランチのマージ（何も書き換えずに調べます）", "Merges of branches; only looked at, nothing is changed"),
    (
        "merge check",
        "マージを試し、競合、履歴の分岐、許される方法を表示します",
        "Try a merge: conflicts, diverged histories, and by which method it may be done",
    ),
    ("merge contained", "修正がブランチに入っているかを、根拠とともに表示します", "Whether a fix is in a branch, and what proves it"),
    (
        "merge settings",
        "GitHubのマージの設定をポリシーと照らし合わせます",
        "Compare what GitHub permits with what the policy wants of merges",
    ),
    ("tag", "バージョンのタグ（何も書き換えません）", "Tags of versions; nothing is changed"),
    ("tag list", "バージョンを新しい順に表示します", "List versions, newest first"),
    ("tag next", "ホットフィックスの次のバージョンを表示します", "The version of the next hotfix"),
    ("tag check", "このコミットにこのバージョンを付けてよいかを調べます", "Whether a version may be tagged at a commit"),
];

pub(super) fn of_guard(path: &str, name: &str) -> Option<(&'static str, &'static str)> {
    match (path, name) {
        ("merge check", "from") => Some(("取り込むブランチ", "the branch to be merged")),
        ("merge check", "into") => Some(("取り込み先のブランチ（複数可）", "the branch that takes it; several may be given")),
        ("merge check", "method") => {
            Some(("merge_commit / fast_forward / squash / rebase", "merge_commit, fast_forward, squash or rebase"))
        }
        ("merge contained", "fix") => Some(("修正のブランチ、タグ、またはコミット", "branch, tag or commit of the fix")),
        ("merge contained", "branches") => Some(("調べるブランチ（複数可）", "the branch to look in; several may be given")),
        ("merge contained", "base") => Some((
            "修正の始まり（切り出した本番のタグなど）。省くと分かれたところ",
            "where the fix begins, such as the production tag; without it, where the two part",
        )),
        ("merge check" | "merge contained" | "tag list" | "tag next" | "tag check", "repository") => {
            Some(("リポジトリのパスか URL（省くと今のディレクトリー）", "path or URL of the repository; without it, this directory"))
        }
        ("tag next", "from") => Some(("本番のバージョン（省くと最新）", "version in production; the newest without it")),
        ("tag check", "version") => Some(("バージョン（v1.2.4）", "the version (v1.2.4)")),
        ("tag check", "commit") => Some(("コミット、ブランチ、またはタグ", "commit, branch or tag")),
        _ => None,
    }
}

pub fn merge_method(lang: Lang, method: Method) -> &'static str {
    match (lang, method) {
        (Lang::Ja, Method::MergeCommit) => "マージコミット",
        (Lang::Ja, Method::FastForward) => "早送り（fast-forward）",
        (Lang::Ja, Method::Squash) => "スカッシュ",
        (Lang::Ja, Method::Rebase) => "リベース",
        (Lang::En, Method::MergeCommit) => "merge commit",
        (Lang::En, Method::FastForward) => "fast-forward",
        (Lang::En, Method::Squash) => "squash",
        (Lang::En, Method::Rebase) => "rebase",
    }
}

pub fn merge_methods(lang: Lang, methods: &[Method]) -> String {
    let words: Vec<&str> = methods.iter().map(|method| merge_method(lang, *method)).collect();
    words.join(if lang == Lang::Ja { "、" } else { ", " })
}

pub fn merge_tried(lang: Lang, attempt: &Attempt, allowed: &[Method]) -> String {
    let (from, into) = (clipped(&attempt.from, NAME), clipped(&attempt.into, NAME));
    let (ahead, behind, allowed) = (attempt.ahead, attempt.behind, merge_methods(lang, allowed));
    two(
        lang,
        format!("{from} → {into}: {from} だけにあるコミット {ahead} 件、{into} だけにあるコミット {behind} 件。許される方法: {allowed}"),
        format!("{from} → {into}: commits only in {from}: {ahead}, only in {into}: {behind}; allowed: {allowed}"),
    )
}

pub fn merge_clear(lang: Lang) -> String {
    two(lang, "競合はありません。このままマージできます。", "no conflict; it can be merged as it is")
}

/// One thing in the way: what, why it matters, what to do.
pub fn merge_obstacle(lang: Lang, attempt: &Attempt, obstacle: &Obstacle) -> String {
    let (from, into) = (clipped(&attempt.from, NAME), clipped(&attempt.into, NAME));
    match obstacle {
        Obstacle::MethodRefused { method, allowed } => refused(lang, &from, &into, *method, allowed),
        Obstacle::NoFastForward { behind } => two(
            lang,
            format!("早送りはできません。{into} に、{from} にないコミットが {behind} 件あります。マージコミットにしてください。"),
            format!("no fast-forward: commits of {into} that {from} lacks: {behind}; make a merge commit"),
        ),
        Obstacle::Conflicts { count } => two(
            lang,
            format!(
                "競合するファイルが {count} 件あります。{into} から作業用のブランチを作り、そこに {from} を取り込んで解決してください。"
            ),
            format!("files in conflict: {count}; make a branch from {into}, merge {from} there, and resolve it"),
        ),
        Obstacle::Unrelated => two(
            lang,
            format!(
                "{from} と {into} に共通のコミットがありません。履歴が作り直されたか、別のリポジトリです。マージする前に確かめてください。"
            ),
            format!(
                "{from} and {into} have no commit in common: a history was written anew, or this is another repository; find out before you merge"
            ),
        ),
        Obstacle::Diverged(diverged) => {
            let (branch, remote) = (clipped(&diverged.branch, NAME), clipped(&diverged.remote, NAME));
            let (ahead, behind) = (diverged.ahead, diverged.behind);
            two(
                lang,
                format!(
                    "{branch} と {remote} の履歴が分かれています（手元だけに {ahead} 件、リモートだけに {behind} 件）。どちらが正しいかを決めて揃えてから、マージしてください。"
                ),
                format!(
                    "{branch} and {remote} have diverged (commits only here: {ahead}, only at the remote: {behind}); decide which is right and bring them together before you merge"
                ),
            )
        }
        Obstacle::EnteredOtherwise { entry, allowed } => {
            let (how, allowed) = (merge_entry(lang, entry), merge_methods(lang, allowed));
            two(
                lang,
                format!(
                    "{from} は前回、許されない方法で {into} に入りました（{how}）。git は何が入ったかを知らないため、同じ変更がまた競合します。{into} を {from} に一度マージしてから、{allowed} で取り込んでください。"
                ),
                format!(
                    "last time {from} entered {into} by a method that is not allowed ({how}); git does not know what is in, so the same changes conflict again; merge {into} into {from} once, then go on by {allowed}"
                ),
            )
        }
    }
}

fn refused(lang: Lang, from: &str, into: &str, method: Method, allowed: &[Method]) -> String {
    let (word, allowed) = (merge_method(lang, method), merge_methods(lang, allowed));
    let why = match method {
        Method::Squash | Method::Rebase => two(
            lang,
            "コミットが作り直されるため、git は取り込み済みであることを知らず、次のマージで同じ変更が競合し、修正が失われることがあります。",
            "the commits are made anew, so git does not know that they are in: at the next merge the same changes conflict, and a fix can be lost",
        ),
        Method::FastForward => two(
            lang,
            "いつ何をまとめて取り込んだかが履歴に残らず、一度に戻すこともできません。",
            "the history does not show what came in together and when, and it cannot be taken back at once",
        ),
        Method::MergeCommit => two(lang, "ポリシーがこの組み合わせで許していません。", "the policy does not allow it between these two"),
    };
    two(
        lang,
        format!("{from} → {into} は、{word}ではマージできません（R8）。{why}許される方法: {allowed}"),
        format!("{from} → {into} must not be merged by {word} (R8): {why}; allowed: {allowed}"),
    )
}

pub fn merge_entry(lang: Lang, entry: &Entry) -> String {
    match entry {
        Entry::MergeCommit { commit } => {
            two(lang, format!("マージコミット {}", commit.short()), format!("merge commit {}", commit.short()))
        }
        Entry::FastForward => merge_method(lang, Method::FastForward).to_owned(),
        Entry::Squash { commit } => two(lang, format!("スカッシュ {}", commit.short()), format!("squash {}", commit.short())),
        Entry::Copied { commit } => {
            two(lang, format!("作り直された一つのコミット {}", commit.short()), format!("one commit, made anew: {}", commit.short()))
        }
        Entry::Rebase { commits } => {
            two(lang, format!("作り直された {} 件のコミット", commits.len()), format!("{} commits, made anew", commits.len()))
        }
    }
}

/// The verdict of one branch, with what proves it.
pub fn merge_containment(lang: Lang, finding: &Finding) -> String {
    let (fix, branch) = (clipped(&finding.fix, NAME), clipped(&finding.branch, NAME));
    match &finding.containment {
        Containment::Contained { by } => {
            let by = proof(lang, by);
            let how = finding.entered.as_ref().map(|entry| merge_entry(lang, entry));
            let how = how.map_or(String::new(), |how| two(lang, format!("、入り方: {how}"), format!("; came in by: {how}")));
            two(lang, format!("{branch} に {fix} は入っています（{by}{how}）"), format!("{branch} has {fix} ({by}{how})"))
        }
        Containment::Probably => two(
            lang,
            format!(
                "{branch} に {fix} はおそらく入っていますが、証明できません。同じ行が別の場所にあるだけのこともあります。差分を見て確かめてください。"
            ),
            format!("{branch} probably has {fix}, and nothing proves it: the same lines may stand elsewhere; look at the difference"),
        ),
        Containment::Undecided { because } => {
            let why = doubt(lang, because);
            two(
                lang,
                format!(
                    "{branch} に {fix} が入っているかは判断できません（{why}）。入っていないという証明でもありません。差分を見て決めてください。"
                ),
                format!("undecided whether {branch} has {fix} ({why}); that proves no absence either; look at the difference and decide"),
            )
        }
    }
}

fn proof(lang: Lang, proof: &Proof) -> String {
    match proof {
        Proof::Ancestor => two(lang, "そのコミット自体が履歴にあります", "its own commits are in the history"),
        Proof::Trailer { hotfix, commit } => {
            let (hotfix, commit) = (clipped(hotfix, NAME), commit.short());
            two(lang, format!("{commit} に Hotfix-Id: {hotfix} があります"), format!("{commit} says Hotfix-Id: {hotfix}"))
        }
        Proof::Patch { commits } => {
            let commits: Vec<&str> = commits.iter().take(5).map(|commit| commit.short()).collect();
            let commits = commits.join(" ");
            two(lang, format!("同じパッチがあります: {commits}"), format!("the same patch is there: {commits}"))
        }
        Proof::Tree => two(lang, "マージしても何も変わりません", "to merge it would change nothing"),
    }
}

fn doubt(lang: Lang, doubt: &Doubt) -> String {
    match doubt {
        Doubt::NoProof => two(lang, "どの確かめ方でも証明できませんでした", "none of the proofs held"),
        Doubt::Part { there, of } => {
            two(lang, format!("{of} 件のコミットのうち {there} 件だけがあります"), format!("of its {of} commits, {there} are there"))
        }
        Doubt::Reverted { by } => {
            two(lang, format!("一度入り、{} で取り消されました", by.short()), format!("it came in, and {} reverted it", by.short()))
        }
        Doubt::Undone => two(
            lang,
            "一度入りましたが、今はパッチ全体をもう一度当てられるので、取り除かれています",
            "it came in, and its whole patch can be applied once more: it was taken out",
        ),
        Doubt::Unrelated => two(lang, "共通のコミットがありません", "they have no commit in common"),
    }
}

pub fn merge_difference(lang: Lang, finding: &Finding) -> Option<String> {
    let base = finding.base.as_ref()?;
    let command = format!("git diff {}..{}", base.short(), finding.fix_commit.short());
    let count = finding.files_count;
    Some(two(lang, format!("修正の差分（{count} ファイル）: {command}"), format!("files of the fix: {count}; {command}")))
}

pub fn merge_failed(lang: Lang, why: &str) -> String {
    two(lang, format!("リポジトリを調べられません: {why}"), format!("The repository cannot be looked at: {why}"))
}

pub fn merge_unknown_method(lang: Lang, given: &str) -> String {
    let (given, known) = (clipped(given, 40), Method::ALL.map(Method::code).join(" / "));
    two(lang, format!("マージの方法「{given}」はありません（{known}）。"), format!("There is no merge method `{given}` ({known})."))
}

pub fn merge_default_policy(lang: Lang, file: &str) -> String {
    two(
        lang,
        format!("{file} がないので、初期値のポリシー（main と develop の間はマージコミット）で調べました。"),
        format!("there is no {file}; looked at with the default policy (a merge commit between main and develop)"),
    )
}

pub fn merge_no_github(lang: Lang) -> String {
    two(
        lang,
        "ポリシーの [forge] が GitHub ではありません。docs/manual/merge.ja.md に始め方があります。",
        "The policy's [forge] is not GitHub; docs/manual/merge.md says how to begin.",
    )
}

pub fn tag_ignored(lang: Lang, tags: &Tags) -> Option<String> {
    if tags.ignored == 0 {
        return None;
    }
    let names: Vec<String> = tags.ignored_names.iter().take(5).map(|name| clipped(name, 60)).collect();
    let (count, names) = (tags.ignored, names.join(if lang == Lang::Ja { "、" } else { ", " }));
    Some(two(
        lang,
        format!("バージョンではないタグ {count} 件を除きました: {names}"),
        format!("tags that are no version were left out ({count}): {names}"),
    ))
}

pub fn tag_none(lang: Lang) -> String {
    two(
        lang,
        "バージョンのタグがありません。本番のバージョンに v1.2.3 の形のタグを付けてください。",
        "There is no tag that is a version. Tag what is in production, such as v1.2.3.",
    )
}

pub fn tag_headings(lang: Lang) -> [String; 4] {
    match lang {
        Lang::Ja => ["バージョン", "タグ", "コミット", "種類"].map(str::to_owned),
        Lang::En => ["version", "tag", "commit", "kind"].map(str::to_owned),
    }
}

pub fn tag_kind(lang: Lang, candidate: bool, release: bool, annotated: bool) -> String {
    let kind = match (candidate, release) {
        (true, _) => two(lang, "ホットフィックス候補", "hotfix candidate"),
        (_, true) => two(lang, "リリース", "release"),
        _ => two(lang, "プレリリース", "pre-release"),
    };
    if annotated { kind } else { format!("{kind}{}", two(lang, "（軽量タグ）", " (lightweight tag)")) }
}

pub fn tag_next(lang: Lang, next: &Next) -> String {
    let (from, version, candidate) = (next.from.tag(), next.version.tag(), next.candidate.tag());
    let mut text = two(
        lang,
        format!("{from} のホットフィックス: {version}（次の候補 {candidate}）"),
        format!("hotfix of {from}: {version} (next candidate {candidate})"),
    );
    let joined = |names: &[String]| names.iter().take(10).map(|name| clipped(name, 60)).collect::<Vec<_>>().join(" ");
    if !next.taken.is_empty() {
        let taken = joined(&next.taken);
        text.push_str(&two(
            lang,
            format!("\n  {taken} はすでにあるため、次に空いている番号です。"),
            format!("\n  {taken} exists already, so this is the next free patch"),
        ));
    }
    if !next.prepared.is_empty() {
        let prepared = joined(&next.prepared);
        text.push_str(&two(
            lang,
            format!("\n  {prepared} があり、同じ番号のリリースが準備されています。先に担当者と番号を決めてください。"),
            format!("\n  {prepared}: somebody prepares a release of this number; settle the number with them first"),
        ));
    }
    text
}

pub fn tag_no_next(lang: Lang) -> String {
    two(lang, "次の番号がありません。", "There is no next number.")
}

pub fn tag_promotes(lang: Lang, version: &str, commit: &str) -> String {
    two(
        lang,
        format!("{version} を {commit} に付けられます。最後の候補と同じコミットです。"),
        format!("{version} may be tagged at {commit}: it is the commit of the last candidate"),
    )
}

pub fn tag_not_promoted(lang: Lang, version: &str, why: &NotPromoted) -> String {
    let version = clipped(version, NAME);
    match why {
        NotPromoted::NoRelease => two(
            lang,
            format!("{version} は候補なので、本番のバージョンにはなりません。v1.2.4 の形で指定してください。"),
            format!("{version} is a pre-release and no version for production; give one such as v1.2.4"),
        ),
        NotPromoted::Taken { tag, commit } => {
            let (tag, commit) = (clipped(tag, NAME), commit.short());
            two(
                lang,
                format!("{tag} はすでに {commit} にあります。タグは動かしません。hikeshi tag next で次の番号を選んでください。"),
                format!("{tag} exists already at {commit}; tags are not moved; `hikeshi tag next` gives the next number"),
            )
        }
        NotPromoted::NoCandidate => two(
            lang,
            format!("{version} の候補がありません。試験していないものはリリースできません（R2）。先に候補のタグを付けて試してください。"),
            format!("{version} has no candidate; what was not tried is not released (R2); tag a candidate and try it first"),
        ),
        NotPromoted::OtherCommit { candidate, commit, given } => {
            let (candidate, commit, given) = (clipped(candidate, NAME), commit.short(), given.short());
            two(
                lang,
                format!(
                    "最後の候補 {candidate} は {commit} で、{given} ではありません。試したものだけをリリースします（R2）。{commit} に付けるか、新しい候補を試してください。"
                ),
                format!(
                    "the last candidate {candidate} is {commit} and not {given}; only what was tried is released (R2); tag {commit}, or try a new candidate"
                ),
            )
        }
    }
}
