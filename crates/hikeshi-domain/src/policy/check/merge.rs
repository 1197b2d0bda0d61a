//! What must hold in the section `merge`.

use super::{Checking, FlawKind};
use crate::policy::merge::{is_branch, is_pattern};

const BRANCHES_MAX: u64 = 20;
const RULES_MAX: u64 = 50;

impl Checking<'_> {
    pub(super) fn merge(&mut self) {
        let merge = &self.policy.merge;
        self.bounds(&["merge", "long_lived"], merge.long_lived.len() as u64, 1, BRANCHES_MAX);
        self.bounds(&["merge", "rules"], merge.rules.len() as u64, 0, RULES_MAX);
        for (index, branch) in merge.long_lived.iter().enumerate() {
            let index = index.to_string();
            let at = ["merge", "long_lived", index.as_str()];
            self.branch(&at, branch, is_branch(branch), "main");
            if merge.long_lived.iter().filter(|other| *other == branch).count() > 1 {
                self.flaw(&at, FlawKind::SameAs { other: branch.clone() });
            }
        }
        for (index, rule) in merge.rules.iter().enumerate() {
            let index = index.to_string();
            for (key, text) in [("from", &rule.from), ("into", &rule.into)] {
                self.branch(&["merge", "rules", &index, key], text, is_pattern(text), "release/*");
            }
            if rule.methods.is_empty() {
                self.flaw(&["merge", "rules", &index, "methods"], FlawKind::Empty);
            }
        }
    }

    fn branch(&mut self, at: &[&str], given: &str, good: bool, example: &str) {
        if !good {
            let given = given.chars().take(80).collect();
            self.flaw(at, FlawKind::BadPattern { given, detail: example.to_owned() });
        }
    }
}
