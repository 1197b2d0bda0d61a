//! What GitHub permits, against what the policy wants: merge methods, branch protection, rulesets (rule R8). Only read, never set.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;

use hikeshi_domain::policy::{Forge, MergePolicy};
use hikeshi_domain::release::merge::Method;
use serde_json::Value;

use super::api::{ApiError, escaped};
use super::{GitHubError, Repository};

/// Rules of one branch; GitHub gives them by pages of this size.
const RULES_PAGE: usize = 100;
const PAGES_MAX: u32 = 20;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    BranchMissing {
        branch: String,
    },
    /// GitHub shows the merge methods only to a token that may push.
    MethodsHidden,
    /// What the policy wants of merges from one branch into the other is possible, and nothing else.
    MethodsFit {
        branch: String,
        methods: Vec<Method>,
    },
    /// GitHub permits a method that the policy refuses for this branch.
    MethodOpen {
        branch: String,
        from: String,
        method: Method,
        wanted: Vec<Method>,
    },
    /// The same, where GitHub cannot tell apart from where a merge comes, and others may use the method.
    MethodShared {
        branch: String,
        from: String,
        method: Method,
    },
    /// No method that the policy allows is possible on GitHub.
    NoMethod {
        branch: String,
        from: String,
        wanted: Vec<Method>,
    },
    Protected {
        branch: String,
    },
    /// Anybody who can push can do this.
    ForcePushOpen {
        branch: String,
    },
    DeletionOpen {
        branch: String,
    },
    /// Whoever pushes there by hand passes by what a pull request is held to.
    PushOpen {
        branch: String,
    },
    /// Administrators are exempt from the protection.
    AdminsExempt {
        branch: String,
    },
    /// The token may not read the protection of the branch, and no ruleset says enough.
    ProtectionHidden {
        branch: String,
    },
}

impl Finding {
    /// Whether it is as the policy wants it, or as near as GitHub can come.
    pub fn good(&self) -> bool {
        matches!(self, Self::MethodsFit { .. } | Self::MethodShared { .. } | Self::Protected { .. })
    }

    /// For programs: a name that does not change.
    pub fn code(&self) -> &'static str {
        match self {
            Self::BranchMissing { .. } => "branch_missing",
            Self::MethodsHidden => "methods_hidden",
            Self::MethodsFit { .. } => "methods_fit",
            Self::MethodOpen { .. } => "method_open",
            Self::MethodShared { .. } => "method_shared",
            Self::NoMethod { .. } => "no_method",
            Self::Protected { .. } => "protected",
            Self::ForcePushOpen { .. } => "force_push_open",
            Self::DeletionOpen { .. } => "deletion_open",
            Self::PushOpen { .. } => "push_open",
            Self::AdminsExempt { .. } => "admins_exempt",
            Self::ProtectionHidden { .. } => "protection_hidden",
        }
    }
}

/// Looks at every long-lived branch of the policy. `None`: the forge is not GitHub.
pub async fn check(env: &BTreeMap<OsString, OsString>, forge: &Forge, policy: &MergePolicy) -> Result<Option<Vec<Finding>>, GitHubError> {
    let Some(github) = forge.github() else { return Ok(None) };
    let branches: Vec<&str> = policy.long_lived.iter().map(String::as_str).collect();
    let repository = Repository::new(env, &github, &forge.repository, &branches)?;
    let settings = repository.get("").await?;
    let whole = methods_of_repository(&settings);
    let mut found = Vec::new();
    if whole.is_none() {
        found.push(Finding::MethodsHidden);
    }
    for branch in branches {
        match seen(&repository, branch).await? {
            None => found.push(Finding::BranchMissing { branch: branch.to_owned() }),
            Some(seen) => {
                if let Some(whole) = &whole {
                    found.extend(methods(policy, branch, &seen.narrowed(whole)));
                }
                found.extend(protection(branch, &seen));
            }
        }
    }
    Ok(Some(found))
}

fn is(value: &Value, at: &str) -> Option<bool> {
    value.pointer(at).and_then(Value::as_bool)
}

fn methods_of_repository(settings: &Value) -> Option<BTreeSet<Method>> {
    let mut methods = BTreeSet::new();
    for (key, method) in
        [("/allow_merge_commit", Method::MergeCommit), ("/allow_squash_merge", Method::Squash), ("/allow_rebase_merge", Method::Rebase)]
    {
        if is(settings, key)? {
            methods.insert(method);
        }
    }
    Some(methods)
}

/// What holds for one branch, from its rulesets and from its classic protection.
struct Seen {
    rules: Vec<Value>,
    /// `None`: it is not protected the classic way.
    classic: Option<Value>,
    hidden: bool,
}

async fn seen(repository: &Repository, branch: &str) -> Result<Option<Seen>, GitHubError> {
    let name = escaped(branch);
    let there = match repository.get(&format!("/branches/{name}")).await {
        Ok(there) => there,
        Err(GitHubError::Api(ApiError::Status { status: 404, .. })) => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut rules = Vec::new();
    for page in 1..=PAGES_MAX {
        let list = repository.get(&format!("/rules/branches/{name}?per_page={RULES_PAGE}&page={page}")).await?;
        let list = list.as_array().cloned().ok_or(GitHubError::NotUnderstood("rules"))?;
        let last = list.len() < RULES_PAGE;
        rules.extend(list);
        if last {
            break;
        }
    }
    let classic = match repository.get(&format!("/branches/{name}/protection")).await {
        Ok(classic) => Some(classic),
        // 404: not protected so, or the token may not know.
        Err(GitHubError::Api(ApiError::Status { status: 403 | 404, .. })) => None,
        Err(error) => return Err(error),
    };
    // A branch with rulesets alone is called protected as well.
    let hidden = classic.is_none() && rules.is_empty() && is(&there, "/protected") == Some(true);
    Ok(Some(Seen { rules, classic, hidden }))
}

impl Seen {
    fn of_type<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.rules.iter().filter(move |rule| rule.pointer("/type").and_then(Value::as_str) == Some(kind))
    }

    fn has(&self, kind: &str) -> bool {
        self.of_type(kind).next().is_some()
    }

    fn classic(&self, at: &str) -> Option<bool> {
        is(self.classic.as_ref()?, at)
    }

    /// The methods of the repository that remain for this branch.
    fn narrowed(&self, whole: &BTreeSet<Method>) -> BTreeSet<Method> {
        let mut methods = whole.clone();
        for rule in self.of_type("pull_request") {
            let listed = rule.pointer("/parameters/allowed_merge_methods").and_then(Value::as_array);
            if let Some(listed) = listed {
                let allowed: BTreeSet<Method> = listed.iter().filter_map(Value::as_str).filter_map(method).collect();
                methods.retain(|method| allowed.contains(method));
            }
        }
        // A queue merges by its own method, whatever the button offers.
        for rule in self.of_type("merge_queue") {
            if let Some(only) = rule.pointer("/parameters/merge_method").and_then(Value::as_str).and_then(method) {
                methods = BTreeSet::from([only]);
            }
        }
        if self.has("required_linear_history") || self.classic("/required_linear_history/enabled") == Some(true) {
            methods.remove(&Method::MergeCommit);
        }
        methods
    }
}

fn method(text: &str) -> Option<Method> {
    match text.to_ascii_lowercase().as_str() {
        "merge" => Some(Method::MergeCommit),
        "squash" => Some(Method::Squash),
        "rebase" => Some(Method::Rebase),
        _ => None,
    }
}

/// What is possible on GitHub for merges between long-lived branches, against what the policy allows.
fn methods(policy: &MergePolicy, branch: &str, possible: &BTreeSet<Method>) -> Vec<Finding> {
    let mut found = Vec::new();
    let production = policy.long_lived.first().is_some_and(|first| first == branch);
    let others = policy.long_lived.iter().filter(|other| *other != branch);
    for from in others.clone() {
        let wanted = policy.allowed(from, branch);
        if !possible.iter().any(|method| wanted.contains(method)) {
            found.push(Finding::NoMethod { branch: branch.to_owned(), from: from.clone(), wanted: wanted.to_vec() });
            continue;
        }
        for method in possible.iter().copied().filter(|method| !wanted.contains(method)) {
            // A short-lived branch that nobody has named yet.
            let others_may = policy.allowed("feature/-", branch).contains(&method);
            let (branch, from) = (branch.to_owned(), from.clone());
            found.push(match others_may && !production {
                true => Finding::MethodShared { branch, from, method },
                false => Finding::MethodOpen { branch, from, method, wanted: wanted.to_vec() },
            });
        }
    }
    if found.is_empty() && others.count() > 0 {
        found.push(Finding::MethodsFit { branch: branch.to_owned(), methods: possible.iter().copied().collect() });
    }
    found
}

fn protection(branch: &str, seen: &Seen) -> Vec<Finding> {
    let name = || branch.to_owned();
    if seen.hidden {
        return vec![Finding::ProtectionHidden { branch: name() }];
    }
    let mut found = Vec::new();
    if !seen.has("non_fast_forward") && seen.classic("/allow_force_pushes/enabled") != Some(false) {
        found.push(Finding::ForcePushOpen { branch: name() });
    }
    if !seen.has("deletion") && seen.classic("/allow_deletions/enabled") != Some(false) {
        found.push(Finding::DeletionOpen { branch: name() });
    }
    let by_rule = seen.has("pull_request") || seen.has("merge_queue");
    let by_classic = seen.classic.as_ref().is_some_and(|classic| classic.get("required_pull_request_reviews").is_some());
    if !by_rule && !by_classic {
        found.push(Finding::PushOpen { branch: name() });
    }
    if !by_rule && by_classic && seen.classic("/enforce_admins/enabled") == Some(false) {
        found.push(Finding::AdminsExempt { branch: name() });
    }
    if found.is_empty() {
        found.push(Finding::Protected { branch: name() });
    }
    found
}
