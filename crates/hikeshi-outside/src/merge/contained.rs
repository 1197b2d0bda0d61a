//! The ladder: each rung proves that a fix is in a branch, or says nothing. Only a proof is a proof, and nothing here proves absence.

use std::collections::{BTreeMap, BTreeSet};

use hikeshi_domain::release::Commit;
use hikeshi_domain::release::contained::{Containment, Doubt, Finding, Proof, Revert, out_by};
use hikeshi_domain::release::merge::Entry;

use super::{MergeError, Merged, Repository, Tip, lines, paths, understood};

/// Commits of one fix.
const COMMITS_MAX: usize = 500;
/// Commits of the branch whose trailers are read.
const TRAILERS_MAX: usize = 50_000;
const REVERTS_MAX: usize = 1_000;
const TRAILER: &str = "Hotfix-Id";
const REVERTS: &str = "This reverts commit ";

/// A fix that is not in the branch with its own commits.
struct Fix<'a> {
    fix: &'a Commit,
    branch: &'a Commit,
    base: Commit,
    /// Its commits, without merges, oldest first.
    commits: Vec<Commit>,
    has_merges: bool,
    /// All of it as one commit.
    squash: Commit,
    /// Verbatim patch of each commit and of the squash; one without a text has none.
    patches: BTreeMap<Commit, String>,
    files: BTreeSet<Vec<u8>>,
}

/// What a rung found: a proof, the commits that must not have been reverted, and by which method it came in.
struct Found {
    proof: Proof,
    commits: Vec<Commit>,
    entered: Option<Entry>,
}

impl Repository {
    /// Whether `fix` is in `branch`. It begins at `base`, such as the production tag from which it was cut; without one, where the two part.
    pub async fn contained(&self, fix: &Tip, branch: &Tip, base: Option<&Tip>) -> Result<Finding, MergeError> {
        let mut finding = Finding {
            fix: fix.name.clone(),
            fix_commit: fix.commit.clone(),
            branch: branch.name.clone(),
            branch_commit: branch.commit.clone(),
            base: base.map(|base| base.commit.clone()),
            containment: Containment::Undecided { because: Doubt::NoProof },
            entered: None,
            files: Vec::new(),
            files_count: 0,
        };
        let ancestor = self.is_ancestor(&fix.commit, &branch.commit).await?;
        if ancestor {
            finding.entered = self.entered(&fix.commit, &branch.commit).await?;
        }
        let found = match base {
            Some(base) => Some(base.commit.clone()),
            None => self.beginning(fix, branch, finding.entered.as_ref()).await?,
        };
        finding.base.clone_from(&found);
        let Some(base_commit) = found else {
            finding.containment = match ancestor {
                true => self.unless_reverted(Proof::Ancestor, std::slice::from_ref(&fix.commit), fix, branch).await?,
                false => Containment::Undecided { because: Doubt::Unrelated },
            };
            return Ok(finding);
        };
        let files = self.output(&["diff", "--name-only", "-z", "--no-renames", base_commit.as_str(), fix.commit.as_str()], b"").await?;
        (finding.files, finding.files_count) = paths(&files);
        if ancestor {
            let mut commits = self.commits(&base_commit, &fix.commit).await?;
            if let Some(Entry::MergeCommit { commit }) = &finding.entered {
                commits.push(commit.clone());
            }
            finding.containment = self.unless_reverted(Proof::Ancestor, &commits, fix, branch).await?;
            return Ok(finding);
        }
        let fixed = self.fix(fix, branch, base_commit, &files).await?;
        let (containment, entered) = self.climbed(&fixed, fix, branch, base.is_some()).await?;
        (finding.containment, finding.entered) = (containment, entered);
        Ok(finding)
    }

    /// Where the fix begins: before the merge that brought it in, or where the two part.
    async fn beginning(&self, fix: &Tip, branch: &Tip, entered: Option<&Entry>) -> Result<Option<Commit>, MergeError> {
        match entered {
            Some(Entry::MergeCommit { commit }) => {
                let before = self.commit(&format!("{commit}^1")).await?;
                self.merge_base(&before, &fix.commit).await
            }
            // Nothing tells where a branch began that was only moved on.
            Some(_) => Ok(None),
            None => self.merge_base(&branch.commit, &fix.commit).await,
        }
    }

    /// Rungs 2 to 5, and what is said when none holds.
    async fn climbed(&self, fix: &Fix<'_>, tip: &Tip, branch: &Tip, base_given: bool) -> Result<(Containment, Option<Entry>), MergeError> {
        let merged = self.merged(fix.branch, &fix.squash, base_given.then_some(&fix.base)).await?;
        let undone = self.applies_whole(fix, &merged).await?;
        let (patched, part) = self.patched(fix).await?;
        let entered = patched.as_ref().and_then(|found| found.entered.clone());
        // The trailer is asked first, since it names the hotfix; how it came in is seen from the patches.
        let found = match self.trailed(fix).await? {
            Some(found) => Some(found),
            None => patched,
        };
        if let Some(found) = found {
            if undone {
                return Ok((Containment::Undecided { because: Doubt::Undone }, entered));
            }
            return Ok((self.unless_reverted(found.proof, &found.commits, tip, branch).await?, entered));
        }
        let tree = self.tree(fix.branch).await?;
        if matches!(&merged, Merged::Clean(after) if *after == tree) {
            return Ok((Containment::Contained { by: Proof::Tree }, None));
        }
        if self.applies_backwards(fix).await? {
            return Ok((Containment::Probably, None));
        }
        Ok((Containment::Undecided { because: part.unwrap_or(Doubt::NoProof) }, None))
    }

    async fn fix<'a>(&self, fix: &'a Tip, branch: &'a Tip, base: Commit, files: &[u8]) -> Result<Fix<'a>, MergeError> {
        let commits = self.commits(&base, &fix.commit).await?;
        let merges = ["rev-list", "--merges", "--max-count=1", &format!("{base}..{}", fix.commit)];
        let has_merges = !self.list(&merges).await?.is_empty();
        let squash = ["commit-tree", &format!("{}^{{tree}}", fix.commit), "-p", base.as_str(), "-m", "_"];
        let mut who = vec!["-c", "user.name=hikeshi", "-c", "user.email=hikeshi@hikeshi.invalid"];
        who.extend(squash);
        let squash = understood(&self.git.line(&who, b"").await?)?;
        let patches = self.patches(commits.iter().chain([&squash])).await?;
        let files = files.split(|byte| *byte == 0).filter(|path| !path.is_empty()).map(<[u8]>::to_vec).collect();
        Ok(Fix { fix: &fix.commit, branch: &branch.commit, base, commits, has_merges, squash, patches, files })
    }

    async fn commits(&self, base: &Commit, fix: &Commit) -> Result<Vec<Commit>, MergeError> {
        let (count, range) = (format!("--max-count={}", COMMITS_MAX + 1), format!("{base}..{fix}"));
        let mut commits = self.list(&["rev-list", "--no-merges", &count, &range]).await?;
        if commits.len() > COMMITS_MAX {
            return Err(MergeError::TooLong(COMMITS_MAX));
        }
        commits.reverse();
        Ok(commits)
    }

    /// The patch of each commit, by which it is known again. Spaces count: what git itself compares leaves them out, and indentation can be the fix.
    async fn patches(&self, commits: impl Iterator<Item = &Commit>) -> Result<BTreeMap<Commit, String>, MergeError> {
        let input: String = commits.map(|commit| format!("{commit}\n")).collect();
        let args = ["diff-tree", "--stdin", "--root", "-r", "-p", "--no-renames", "--no-ext-diff", "--no-textconv"];
        let patches = self.output(&args, input.as_bytes()).await?;
        let listed = self.output(&["patch-id", "--verbatim"], &patches).await?;
        let pair = |line: &String| -> Result<(Commit, String), MergeError> {
            let (patch, commit) = line.split_once(' ').ok_or(MergeError::NotUnderstood("the id of a patch"))?;
            Ok((understood(commit)?, patch.to_owned()))
        };
        lines(&listed).iter().map(pair).collect()
    }

    /// Rung 2: commits of the branch that name the hotfix. One that is only a piece of it does not count for the whole.
    async fn trailed(&self, fix: &Fix<'_>) -> Result<Option<Found>, MergeError> {
        let ids: BTreeSet<String> =
            self.trailers(&format!("{}..{}", fix.base, fix.fix), COMMITS_MAX).await?.into_iter().flat_map(|(_, ids)| ids).collect();
        if ids.is_empty() {
            return Ok(None);
        }
        let range = format!("{}..{}", fix.fix, fix.branch);
        let named: Vec<(Commit, String)> = self
            .trailers(&range, TRAILERS_MAX)
            .await?
            .into_iter()
            .filter_map(|(commit, of)| of.into_iter().find(|id| ids.contains(id)).map(|id| (commit, id)))
            .collect();
        let Some((commit, hotfix)) = named.first().cloned() else { return Ok(None) };
        let commits: Vec<Commit> = named.into_iter().map(|(commit, _)| commit).collect();
        let singles: BTreeSet<&String> = fix.commits.iter().filter_map(|commit| fix.patches.get(commit)).collect();
        let theirs = self.patches(commits.iter()).await?;
        let only_pieces = fix.commits.len() > 1 && commits.iter().all(|commit| theirs.get(commit).is_some_and(|id| singles.contains(id)));
        if only_pieces || !self.files_of(&commits).await?.is_superset(&fix.files) {
            return Ok(None);
        }
        Ok(Some(Found { proof: Proof::Trailer { hotfix, commit }, commits, entered: None }))
    }

    async fn trailers(&self, range: &str, most: usize) -> Result<Vec<(Commit, Vec<String>)>, MergeError> {
        let count = format!("--max-count={most}");
        let format = format!("--format=%H%x00%(trailers:key={TRAILER},valueonly,unfold,separator=%x00)");
        let listed = self.output(&["log", &count, &format, range, "--"], b"").await?;
        let mut found = Vec::new();
        for line in lines(&listed) {
            let mut fields = line.split('\0').map(str::trim);
            let commit = fields.next().unwrap_or_default();
            let ids: Vec<String> = fields.filter(|id| !id.is_empty()).map(str::to_owned).collect();
            if !ids.is_empty() {
                found.push((understood(commit)?, ids));
            }
        }
        Ok(found)
    }

    async fn files_of(&self, commits: &[Commit]) -> Result<BTreeSet<Vec<u8>>, MergeError> {
        let input: String = commits.iter().map(|commit| format!("{commit}\n")).collect();
        // Of a merge what it brought into its first parent.
        let args = ["diff-tree", "--stdin", "--root", "-r", "-z", "--name-only", "--no-renames", "--no-commit-id", "-m", "--first-parent"];
        let listed = self.output(&args, input.as_bytes()).await?;
        Ok(listed.split(|byte| *byte == 0).filter(|path| !path.is_empty()).map(<[u8]>::to_vec).collect())
    }

    /// Rung 3: the same patch in the branch, whole or commit by commit; else how many of the commits are there.
    async fn patched(&self, fix: &Fix<'_>) -> Result<(Option<Found>, Option<Doubt>), MergeError> {
        if let Some(whole) = fix.patches.get(&fix.squash)
            && let Some(commit) = self.same(fix.branch, &fix.squash, &BTreeSet::from([whole])).await?.into_keys().next()
        {
            let entered = match fix.commits.len() {
                0 | 1 => Entry::Copied { commit: commit.clone() },
                _ => Entry::Squash { commit: commit.clone() },
            };
            let commits = vec![commit];
            let proof = Proof::Patch { commits: commits.clone() };
            return Ok((Some(Found { proof, commits, entered: Some(entered) }), None));
        }
        // What a merge inside the fix settled by hand is in none of its commits.
        if fix.has_merges || fix.commits.len() < 2 {
            return Ok((None, None));
        }
        let wanted: BTreeSet<&String> = fix.commits.iter().filter_map(|commit| fix.patches.get(commit)).collect();
        let same = self.same(fix.branch, fix.fix, &wanted).await?;
        let there: BTreeSet<&String> = same.values().collect();
        if there == wanted && !wanted.is_empty() {
            let commits: Vec<Commit> = same.into_keys().collect();
            let proof = Proof::Patch { commits: commits.clone() };
            let entered = Some(Entry::Rebase { commits: commits.clone() });
            return Ok((Some(Found { proof, commits, entered }), None));
        }
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let part = (!there.is_empty()).then(|| Doubt::Part { there: number(there.len()), of: number(wanted.len()) });
        Ok((None, part))
    }

    /// Commits of the branch that git takes for the same as one of `fix`, and whose patch is one of these to the last space.
    async fn same(&self, branch: &Commit, fix: &Commit, wanted: &BTreeSet<&String>) -> Result<BTreeMap<Commit, String>, MergeError> {
        let range = format!("{branch}...{fix}");
        let marked = self.output(&["rev-list", "--cherry-mark", "--left-only", "--no-merges", &range], b"").await?;
        let equal: Vec<Commit> =
            lines(&marked).iter().filter_map(|line| line.strip_prefix('=')).map(understood).collect::<Result<_, _>>()?;
        let mut patches = self.patches(equal.iter()).await?;
        patches.retain(|_, patch| wanted.contains(patch));
        Ok(patches)
    }

    /// Whether merging it now would bring the whole patch in again.
    async fn applies_whole(&self, fix: &Fix<'_>, merged: &Merged) -> Result<bool, MergeError> {
        let (Merged::Clean(tree), Some(whole)) = (merged, fix.patches.get(&fix.squash)) else { return Ok(false) };
        let patch =
            self.output(&["diff", "-p", "--no-renames", "--no-ext-diff", "--no-textconv", fix.branch.as_str(), tree.as_str()], b"").await?;
        let again = self.output(&["patch-id", "--verbatim"], &patch).await?;
        Ok(lines(&again).first().and_then(|line| line.split(' ').next()) == Some(whole))
    }

    /// Rung 5: its lines stand in the branch, wherever.
    async fn applies_backwards(&self, fix: &Fix<'_>) -> Result<bool, MergeError> {
        let args = ["diff", "-U0", "--binary", "--full-index", "--no-renames", "--no-ext-diff", "--no-textconv"];
        let mut args = args.to_vec();
        args.extend([fix.base.as_str(), fix.fix.as_str()]);
        let patch = self.output(&args, b"").await?;
        self.output(&["read-tree", fix.branch.as_str()], b"").await?;
        let apply = ["apply", "--unidiff-zero", "--check", "--reverse", "--cached", "-"];
        Ok(self.git.answer(&apply, &patch).await?.code == 0)
    }

    /// A proof of what came in says nothing when a later commit took it out.
    async fn unless_reverted(&self, by: Proof, commits: &[Commit], fix: &Tip, branch: &Tip) -> Result<Containment, MergeError> {
        let reverts = self.reverts(&format!("{}..{}", fix.commit, branch.commit)).await?;
        let out = commits.iter().find_map(|commit| out_by(commit, &reverts)).cloned();
        Ok(match out {
            Some(by) => Containment::Undecided { because: Doubt::Reverted { by } },
            None => Containment::Contained { by },
        })
    }

    async fn reverts(&self, range: &str) -> Result<Vec<Revert>, MergeError> {
        let (count, grep) = (format!("--max-count={REVERTS_MAX}"), format!("--grep={REVERTS}"));
        let listed = self.output(&["log", &count, "--fixed-strings", &grep, "-z", "--format=%H%n%b", range, "--"], b"").await?;
        let mut found = Vec::new();
        for record in String::from_utf8_lossy(&listed).split('\0').filter(|record| !record.is_empty()) {
            let (commit, body) = record.split_once('\n').unwrap_or((record, ""));
            let commit = understood(commit)?;
            for rest in body.split(REVERTS).skip(1) {
                let id: String = rest.chars().take_while(char::is_ascii_hexdigit).collect();
                if let Ok(reverted) = Commit::parse(&id) {
                    found.push((commit.clone(), reverted));
                }
            }
        }
        Ok(found)
    }
}
