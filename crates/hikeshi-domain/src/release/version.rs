//! Versions as tags say them, by the order of Semantic Versioning 2.0.0 and not by that of git (rules R3, R6).
//!
//! git puts `v1.3.0` before `v1.3.0-rc.1`, and a hotfix named `v1.2.3-hotfix.1` is below `v1.2.3`, so that every tool that looks for the newest
//! version would take the broken one. A hotfix of v1.2.3 is v1.2.4, and its candidates are `v1.2.4-hotfix.1`, `.2`, ….

use std::cmp::Ordering;
use std::fmt;

use schemars::JsonSchema;
use semver::{BuildMetadata, Prerelease};
use serde::{Deserialize, Serialize};

use super::Commit;

const TAG_CHARS_MAX: usize = 200;
/// Names of ignored tags that are told; all are counted.
const IGNORED_MAX: usize = 20;
const CANDIDATE: &str = "hotfix";

/// A version without build metadata: `+` is illegal in the tag of an image, and orders nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Version(semver::Version);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a version such as v1.2.3")]
pub struct NotAVersion(String);

impl Version {
    /// `v1.2.3`, `1.2.3`, `v1.2.4-hotfix.1`; build metadata is read over.
    pub fn parse(text: &str) -> Result<Self, NotAVersion> {
        let given = || NotAVersion(text.chars().take(80).collect());
        if text.len() > TAG_CHARS_MAX {
            return Err(given());
        }
        let mut version = semver::Version::parse(text.strip_prefix('v').unwrap_or(text)).map_err(|_| given())?;
        version.build = BuildMetadata::EMPTY;
        Ok(Self(version))
    }

    /// Whether it may be in production: no candidate and no other pre-release.
    pub fn is_release(&self) -> bool {
        self.0.pre.is_empty()
    }

    /// `v1.2.4`, never with build metadata.
    pub fn tag(&self) -> String {
        format!("v{}", self.0)
    }

    /// Version and number, when it is a candidate of a hotfix: `v1.2.4-hotfix.3` is number 3 of v1.2.4.
    pub fn candidate(&self) -> Option<(Self, u64)> {
        let number = self.0.pre.as_str().strip_prefix(CANDIDATE)?.strip_prefix('.')?.parse().ok()?;
        Some((self.release(), number))
    }

    fn release(&self) -> Self {
        Self(semver::Version::new(self.0.major, self.0.minor, self.0.patch))
    }

    fn next_patch(&self) -> Option<Self> {
        Some(Self(semver::Version::new(self.0.major, self.0.minor, self.0.patch.checked_add(1)?)))
    }

    fn with_candidate(&self, number: u64) -> Option<Self> {
        let mut version = self.release().0;
        version.pre = Prerelease::new(&format!("{CANDIDATE}.{number}")).ok()?;
        Some(Self(version))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<String> for Version {
    type Error = NotAVersion;
    fn try_from(text: String) -> Result<Self, NotAVersion> {
        Self::parse(&text)
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.to_string()
    }
}

/// A tag that is a version, and what it points to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tag {
    /// As it stands in the repository, with prefix and build metadata.
    pub name: String,
    pub version: Version,
    pub commit: Commit,
    /// Whether it is a tag object of its own, with a message and perhaps a signature.
    pub annotated: bool,
}

/// The tags of a repository.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tags {
    /// Newest version first.
    pub versions: Vec<Tag>,
    /// How many tags are no version, and the first of them.
    pub ignored: u64,
    pub ignored_names: Vec<String>,
}

impl Tags {
    /// Sorts what git lists: name, commit, whether annotated.
    pub fn of(found: impl IntoIterator<Item = (String, Commit, bool)>) -> Self {
        let mut tags = Self::default();
        for (name, commit, annotated) in found {
            match Version::parse(&name) {
                Ok(version) => tags.versions.push(Tag { name, version, commit, annotated }),
                Err(_) => {
                    tags.ignored = tags.ignored.saturating_add(1);
                    if tags.ignored_names.len() < IGNORED_MAX {
                        tags.ignored_names.push(name.chars().take(TAG_CHARS_MAX).collect());
                    }
                }
            }
        }
        tags.versions.sort_by(newest_first);
        tags
    }

    /// The newest version that may be in production.
    pub fn newest_release(&self) -> Option<&Tag> {
        self.versions.iter().find(|tag| tag.version.is_release())
    }

    pub fn named(&self, version: &Version) -> Option<&Tag> {
        self.versions.iter().find(|tag| tag.version == *version)
    }

    /// The version of a hotfix of `from`: the next patch, or the first one after it that is free.
    pub fn next(&self, from: &Version) -> Result<Next, NoNext> {
        let mut version = from.next_patch().ok_or(NoNext::Exhausted)?;
        let mut taken = Vec::new();
        // There are finitely many tags, and each passes over at most one version.
        while let Some(tag) = self.named(&version) {
            taken.push(tag.name.clone());
            version = version.next_patch().ok_or(NoNext::Exhausted)?;
        }
        let of_this = |tag: &&Tag| !tag.version.is_release() && tag.version.release() == version;
        let (candidates, prepared): (Vec<&Tag>, Vec<&Tag>) =
            self.versions.iter().filter(of_this).partition(|tag| tag.version.candidate().is_some());
        let last = candidates.first().and_then(|tag| tag.version.candidate()).map_or(0, |(_, number)| number);
        let number = last.checked_add(1).ok_or(NoNext::Exhausted)?;
        let candidate = version.with_candidate(number).ok_or(NoNext::Exhausted)?;
        Ok(Next {
            from: from.clone(),
            candidate,
            last_candidate: candidates.first().map(|tag| (*tag).clone()),
            version,
            taken,
            prepared: prepared.iter().map(|tag| tag.name.clone()).collect(),
        })
    }

    /// Whether `version` may be tagged at `commit`: nothing is promoted that was not its last candidate (rule R2).
    pub fn promotes(&self, version: &Version, commit: &Commit) -> Result<(), NotPromoted> {
        if !version.is_release() {
            return Err(NotPromoted::NoRelease);
        }
        if let Some(tag) = self.named(version) {
            return Err(NotPromoted::Taken { tag: tag.name.clone(), commit: tag.commit.clone() });
        }
        let last = self.versions.iter().find(|tag| tag.version.candidate().is_some_and(|(of, _)| of == *version));
        match last {
            None => Err(NotPromoted::NoCandidate),
            Some(tag) if tag.commit != *commit => {
                Err(NotPromoted::OtherCommit { candidate: tag.name.clone(), commit: tag.commit.clone(), given: commit.clone() })
            }
            Some(_) => Ok(()),
        }
    }
}

/// By precedence; names decide only where precedence does not (`v1.2.3` and `v1.2.3+1`).
fn newest_first(one: &Tag, other: &Tag) -> Ordering {
    other.version.cmp(&one.version).then_with(|| one.name.cmp(&other.name))
}

/// What the next hotfix is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Next {
    pub from: Version,
    pub version: Version,
    /// The next one for test and staging.
    pub candidate: Version,
    pub last_candidate: Option<Tag>,
    /// Tags because of which an earlier patch is not free.
    pub taken: Vec<String>,
    /// Other pre-releases of this version: somebody else prepares it, too.
    pub prepared: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoNext {
    #[error("there is no number left after it")]
    Exhausted,
}

/// Why a version may not be tagged at a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "not_promoted", rename_all = "snake_case")]
pub enum NotPromoted {
    /// It is itself a pre-release.
    NoRelease,
    Taken {
        tag: String,
        commit: Commit,
    },
    NoCandidate,
    /// What would be released is not what was tried.
    OtherCommit {
        candidate: String,
        commit: Commit,
        given: Commit,
    },
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::commit;
    use super::*;

    fn tags(names: &[&str]) -> Tags {
        Tags::of(names.iter().map(|name| ((*name).to_owned(), commit('a'), true)))
    }

    fn version(text: &str) -> Version {
        Version::parse(text).expect("a version")
    }

    fn names(tags: &Tags) -> Vec<&str> {
        tags.versions.iter().map(|tag| tag.name.as_str()).collect()
    }

    #[test]
    fn tags_come_newest_first_by_precedence_and_not_as_git_sorts_them() {
        let found =
            tags(&["v1.10.0", "v1.9.0", "v1.3.0", "v1.3.0-rc.1", "v1.2.3", "v1.2.3-hotfix.1", "v1.2.4-hotfix.10", "v1.2.4-hotfix.9"]);
        let order = ["v1.10.0", "v1.9.0", "v1.3.0", "v1.3.0-rc.1", "v1.2.4-hotfix.10", "v1.2.4-hotfix.9", "v1.2.3", "v1.2.3-hotfix.1"];
        assert_eq!(names(&found), order);
        assert_eq!(found.newest_release().map(|tag| tag.name.as_str()), Some("v1.10.0"));
        // The example of the specification, §11.
        let spec =
            ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0"];
        assert!(spec.windows(2).all(|pair| version(pair[0]) < version(pair[1])));
    }

    #[test]
    fn build_metadata_is_read_and_never_written() {
        let found = tags(&["v1.7.4+hotfix.1", "v1.7.4"]);
        assert_eq!(names(&found), ["v1.7.4", "v1.7.4+hotfix.1"]);
        let next = found.next(&version("v1.7.4+hotfix.1")).expect("a next one");
        assert_eq!((next.version.tag(), next.candidate.tag()), ("v1.7.5".to_owned(), "v1.7.5-hotfix.1".to_owned()));
        assert!(tags(&["v1.7.5+x"]).next(&version("1.7.4")).expect("a next one").taken == ["v1.7.5+x"], "it takes the number all the same");
    }

    #[test]
    fn tags_that_are_no_version_are_counted_and_named() {
        let many: Vec<String> = (0..30).map(|index| format!("build-{index}")).collect();
        let mut given: Vec<&str> = many.iter().map(String::as_str).collect();
        given.extend(["v1.2", "V1.2.3", "vv1.2.3", "v01.2.3", "本番-2026", "release/1.2.3", "v1.2.3"]);
        let found = tags(&given);
        assert_eq!((names(&found), found.ignored, found.ignored_names.len()), (vec!["v1.2.3"], 36, IGNORED_MAX));
    }

    #[test]
    fn a_patch_that_is_taken_is_passed_over_with_its_tag() {
        let free = tags(&["v1.2.3", "v1.3.0"]).next(&version("v1.2.3")).expect("a next one");
        assert_eq!((free.version.tag().as_str(), free.taken.len()), ("v1.2.4", 0));
        let found = tags(&["v1.2.3", "v1.2.4", "1.2.5", "v1.2.6-rc.1", "v1.2.6-hotfix.2", "v1.2.4-hotfix.7"]);
        let next = found.next(&version("v1.2.3")).expect("a next one");
        assert_eq!(next.version.tag(), "v1.2.6");
        assert_eq!(next.taken, ["v1.2.4", "1.2.5"]);
        assert_eq!(next.candidate.tag(), "v1.2.6-hotfix.3", "those of v1.2.4 are not those of v1.2.6");
        assert_eq!(next.prepared, ["v1.2.6-rc.1"]);
        let last = format!("v1.2.{}", u64::MAX);
        assert_eq!(tags(&[]).next(&version(&last)), Err(NoNext::Exhausted));
    }

    #[test]
    fn only_the_commit_of_the_last_candidate_is_promoted() {
        let at = |name: &str, digit| (name.to_owned(), commit(digit), true);
        let found = Tags::of([at("v1.2.3", 'a'), at("v1.2.4-hotfix.2", 'b'), at("v1.2.4-hotfix.10", 'c'), at("v1.2.4-rc.1", 'd')]);
        let wanted = version("v1.2.4");
        assert_eq!(found.promotes(&wanted, &commit('c')), Ok(()));
        let other = NotPromoted::OtherCommit { candidate: "v1.2.4-hotfix.10".to_owned(), commit: commit('c'), given: commit('b') };
        assert_eq!(found.promotes(&wanted, &commit('b')), Err(other));
        assert_eq!(found.promotes(&version("v1.2.5"), &commit('c')), Err(NotPromoted::NoCandidate));
        assert_eq!(found.promotes(&version("v1.2.4-hotfix.11"), &commit('c')), Err(NotPromoted::NoRelease));
        let taken = NotPromoted::Taken { tag: "v1.2.3".to_owned(), commit: commit('a') };
        assert_eq!(found.promotes(&version("v1.2.3"), &commit('a')), Err(taken));
    }

    proptest! {
        #[test]
        fn whatever_is_tagged_the_next_one_is_free_above_and_says_why(patches in proptest::collection::vec((0u64..6, 0u64..4), 0..12), from in 0u64..6) {
            let found = Tags::of(patches.iter().map(|(patch, candidate)| {
                let name = if *candidate == 0 { format!("v1.0.{patch}") } else { format!("v1.0.{patch}-hotfix.{candidate}") };
                (name, commit('a'), true)
            }));
            let from = version(&format!("v1.0.{from}"));
            let next = found.next(&from).expect("a next one");
            prop_assert!(next.version > from && found.named(&next.version).is_none() && found.named(&next.candidate).is_none());
            prop_assert!(next.candidate < next.version && next.candidate > from);
            let between = found.versions.iter().filter(|tag| tag.version.is_release() && tag.version > from && tag.version < next.version);
            let distinct: std::collections::BTreeSet<_> = between.map(|tag| tag.version.clone()).collect();
            prop_assert_eq!(distinct.len(), next.taken.len());
        }

        #[test]
        fn no_text_is_too_odd_to_be_read(text in ".{0,60}") {
            if let Ok(version) = Version::parse(&text) {
                prop_assert!(!version.tag().contains('+'));
                prop_assert_eq!(Version::parse(&version.tag()), Ok(version));
            }
        }
    }
}
