//! Before a merge: what is in the way, and by which method one branch may enter another (rule R8).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Commit;
use crate::policy::MergePolicy;

/// How a branch enters another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// A commit with both as parents.
    MergeCommit,
    /// The branch is moved on; no commit of its own.
    FastForward,
    /// One new commit with the whole change; git no longer knows that it was merged.
    Squash,
    /// Each commit made anew.
    Rebase,
}

impl Method {
    pub const ALL: [Self; 4] = [Self::MergeCommit, Self::FastForward, Self::Squash, Self::Rebase];

    pub fn code(self) -> &'static str {
        match self {
            Self::MergeCommit => "merge_commit",
            Self::FastForward => "fast_forward",
            Self::Squash => "squash",
            Self::Rebase => "rebase",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.code() == text)
    }
}

/// How a branch came into another one, as its history shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub enum Entry {
    MergeCommit {
        commit: Commit,
    },
    FastForward,
    Squash {
        commit: Commit,
    },
    /// One commit, made anew: squash, rebase and cherry-pick look the same then.
    Copied {
        commit: Commit,
    },
    Rebase {
        commits: Vec<Commit>,
    },
}

impl Entry {
    /// The methods that look like this.
    pub fn methods(&self) -> &'static [Method] {
        match self {
            Self::MergeCommit { .. } => &[Method::MergeCommit],
            Self::FastForward => &[Method::FastForward],
            Self::Squash { .. } => &[Method::Squash],
            Self::Copied { .. } => &[Method::Squash, Method::Rebase],
            Self::Rebase { .. } => &[Method::Rebase],
        }
    }
}

/// What git says of one merge that was only tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Attempt {
    pub from: String,
    pub into: String,
    /// Whether the two have a commit in common.
    pub related: bool,
    /// Commits of `from` that `into` lacks, and the other way round.
    pub ahead: u64,
    pub behind: u64,
    /// Files in conflict: the first of them, and how many.
    pub conflicts: Vec<String>,
    pub conflicts_count: u64,
    /// How `from` came in the last time that it did.
    pub entered: Option<Entry>,
    /// A branch that differs on both sides from what its remote was at the last fetch.
    pub diverged: Vec<Diverged>,
}

/// Here and at the remote are commits that the other does not have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Diverged {
    pub branch: String,
    pub remote: String,
    pub ahead: u64,
    pub behind: u64,
}

/// One thing in the way of a merge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "obstacle", rename_all = "snake_case")]
pub enum Obstacle {
    /// The policy does not allow the method between these two.
    MethodRefused {
        method: Method,
        allowed: Vec<Method>,
    },
    /// `into` has commits of its own, so it cannot simply be moved on.
    NoFastForward {
        behind: u64,
    },
    Conflicts {
        count: u64,
    },
    Unrelated,
    Diverged(Diverged),
    /// It came in by a method that the policy does not allow: git cannot know what is in, and the same changes conflict from now on.
    EnteredOtherwise {
        entry: Entry,
        allowed: Vec<Method>,
    },
}

impl Obstacle {
    /// Whether a rule refuses it, rather than that git cannot do it.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::MethodRefused { .. })
    }
}

/// What is in the way of this merge, by this method when one is given. Empty: nothing.
pub fn obstacles(policy: &MergePolicy, attempt: &Attempt, method: Option<Method>) -> Vec<Obstacle> {
    let allowed = policy.allowed(&attempt.from, &attempt.into);
    let mut found = Vec::new();
    if let Some(method) = method {
        if !allowed.contains(&method) {
            found.push(Obstacle::MethodRefused { method, allowed: allowed.to_vec() });
        } else if method == Method::FastForward && attempt.behind > 0 {
            found.push(Obstacle::NoFastForward { behind: attempt.behind });
        }
    }
    if !attempt.related {
        found.push(Obstacle::Unrelated);
    }
    if attempt.conflicts_count > 0 {
        found.push(Obstacle::Conflicts { count: attempt.conflicts_count });
    }
    found.extend(attempt.diverged.iter().cloned().map(Obstacle::Diverged));
    if let Some(entry) = &attempt.entered {
        let fine = entry.methods().iter().any(|method| allowed.contains(method));
        if !fine && *entry != Entry::FastForward {
            found.push(Obstacle::EnteredOtherwise { entry: entry.clone(), allowed: allowed.to_vec() });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::commit;
    use super::*;

    fn attempt(from: &str, into: &str) -> Attempt {
        Attempt {
            from: from.to_owned(),
            into: into.to_owned(),
            related: true,
            ahead: 2,
            behind: 1,
            conflicts: Vec::new(),
            conflicts_count: 0,
            entered: None,
            diverged: Vec::new(),
        }
    }

    #[test]
    fn develop_to_main_is_a_merge_commit_and_a_feature_may_be_squashed() {
        let policy = MergePolicy::default();
        let release = attempt("develop", "main");
        assert_eq!(obstacles(&policy, &release, Some(Method::MergeCommit)), []);
        for method in [Method::Squash, Method::Rebase, Method::FastForward] {
            let refused = Obstacle::MethodRefused { method, allowed: vec![Method::MergeCommit] };
            assert_eq!(obstacles(&policy, &release, Some(method)), [refused]);
        }
        assert_eq!(obstacles(&policy, &attempt("feature/予約", "develop"), Some(Method::Squash)), []);
        assert_eq!(obstacles(&policy, &attempt("hotfix/v1.2.4", "main"), Some(Method::Squash)), []);
    }

    #[test]
    fn what_is_in_the_way_is_said_apart() {
        let policy = MergePolicy::default();
        let feature = attempt("feature/a", "develop");
        assert_eq!(obstacles(&policy, &feature, Some(Method::FastForward)), [Obstacle::NoFastForward { behind: 1 }]);
        let squash = Entry::Squash { commit: commit('a') };
        let diverged = Diverged { branch: "develop".to_owned(), remote: "origin/develop".to_owned(), ahead: 1, behind: 2 };
        let mut bad = attempt("develop", "main");
        (bad.related, bad.conflicts_count, bad.entered, bad.diverged) = (false, 3, Some(squash.clone()), vec![diverged.clone()]);
        let wanted = [
            Obstacle::Unrelated,
            Obstacle::Conflicts { count: 3 },
            Obstacle::Diverged(diverged),
            Obstacle::EnteredOtherwise { entry: squash, allowed: vec![Method::MergeCommit] },
        ];
        assert_eq!(obstacles(&policy, &bad, None), wanted);
        bad = attempt("develop", "main");
        bad.entered = Some(Entry::FastForward);
        assert_eq!(obstacles(&policy, &bad, None), [], "the commits are the same, so nothing is lost by it");
    }
}
