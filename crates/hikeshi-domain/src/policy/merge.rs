//! Which branches live on, and by which method one may be merged into another (rule R8).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::release::merge::Method;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MergePolicy {
    /// Branches that are merged again and again and never deleted. The first is what production is released from.
    pub long_lived: Vec<String>,
    /// The first rule that fits decides. Where none does: between long-lived branches a merge commit, everywhere else every method.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<MergeRule>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MergeRule {
    /// A branch, or the beginning of its name with `*`: `release/*`.
    pub from: String,
    pub into: String,
    pub methods: Vec<Method>,
}

impl Default for MergePolicy {
    fn default() -> Self {
        Self { long_lived: vec!["main".to_owned(), "develop".to_owned()], rules: Vec::new() }
    }
}

impl MergePolicy {
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    pub fn is_long_lived(&self, branch: &str) -> bool {
        self.long_lived.iter().any(|name| name == branch)
    }

    /// The methods by which `from` may enter `into`.
    pub fn allowed(&self, from: &str, into: &str) -> &[Method] {
        if let Some(rule) = self.rules.iter().find(|rule| fits(&rule.from, from) && fits(&rule.into, into)) {
            return &rule.methods;
        }
        if self.is_long_lived(from) && self.is_long_lived(into) { &[Method::MergeCommit] } else { &Method::ALL }
    }
}

fn fits(pattern: &str, branch: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == branch, |beginning| branch.starts_with(beginning))
}

/// The name of a branch as `git check-ref-format` takes it.
pub fn is_branch(branch: &str) -> bool {
    !branch.is_empty()
        && branch.len() <= 200
        && !branch.starts_with('-')
        && !branch.chars().any(|c| c.is_control() || matches!(c, ' ' | '~' | '^' | ':' | '?' | '*' | '[' | '\\'))
        && !branch.contains("..")
        && !branch.contains("@{")
        && !branch.ends_with('.')
        && branch != "@"
        && branch.split('/').all(|part| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock"))
}

/// A branch, or the beginning of one with `*`.
pub(super) fn is_pattern(text: &str) -> bool {
    match text.strip_suffix('*') {
        Some("") => true,
        Some(beginning) => is_branch(beginning.strip_suffix('/').unwrap_or(beginning)),
        None => is_branch(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_that_fits_decides() {
        let rule = |from: &str, into: &str, methods: &[Method]| MergeRule {
            from: from.to_owned(),
            into: into.to_owned(),
            methods: methods.to_vec(),
        };
        let policy = MergePolicy {
            rules: vec![
                rule("release/hot*", "main", &[Method::FastForward]),
                rule("release/*", "main", &[Method::MergeCommit]),
                rule("develop", "main", &[Method::MergeCommit, Method::Squash]),
            ],
            ..MergePolicy::default()
        };
        assert_eq!(policy.allowed("release/hot-1", "main"), [Method::FastForward]);
        assert_eq!(policy.allowed("release/1.2", "main"), [Method::MergeCommit]);
        assert_eq!(policy.allowed("develop", "main"), [Method::MergeCommit, Method::Squash]);
        assert_eq!(policy.allowed("main", "develop"), [Method::MergeCommit]);
        assert_eq!(policy.allowed("released", "main"), Method::ALL);
        assert_eq!(MergePolicy::default().allowed("feature/x", "main"), Method::ALL);
    }

    #[test]
    fn patterns_and_branches_are_told_apart_from_what_git_would_refuse() {
        for good in ["main", "release/*", "*", "hot*", "予約/修正"] {
            assert!(is_pattern(good), "{good}");
        }
        for bad in ["", "-x", "a..b", "a b", "a*b", "**", "/*", "x.lock", "a//b", "../*"] {
            assert!(!is_pattern(bad), "{bad}");
        }
        assert!(!is_branch("main*") && !is_branch("--upload-pack=x"));
    }
}
