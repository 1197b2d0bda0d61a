//! What must hold between the parts of a policy: every name that is used is declared, and the rules can be met at all.

mod alerts;
mod forge;
mod incident;
mod inhibit;
mod merge;
mod monitors;
mod paging;
mod postmortems;
mod schedules;
mod status;

use std::collections::BTreeMap;

pub use monitors::{WINDOW, log_pattern};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Policy, SshPlace, ssh};
use crate::ids::{EnvironmentName, PersonId, RoleName, ServiceName};
use crate::input::nearest;
use crate::signature::ssh::{KeyFlaw, PublicKey};

/// Roles that the defaults use; a policy need not describe them.
pub const BUILT_IN_ROLES: &[&str] = &["admin", "auditor", "cto", "dev-lead", "developer", "lead", "manager", "operator", "senior"];

/// One thing that is wrong, and where: `at` is the path of keys in the file, so that the reader can be shown line and caret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Flaw {
    /// `["people", "tanaka", "roles", "1"]`; array positions count from 0.
    pub at: Vec<String>,
    pub what: FlawKind,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "flaw", rename_all = "snake_case")]
pub enum FlawKind {
    /// A name that is not declared. `nearest` is what was probably meant.
    Unknown {
        wanted: String,
        given: String,
        nearest: Option<String>,
    },
    Empty,
    /// Fewer people hold the roles than the rule needs, so that it could never be met.
    TooFew {
        needed: u32,
        have: u32,
    },
    /// A number outside its bounds.
    OutOfBounds {
        min: String,
        max: String,
        given: String,
    },
    NotAbsolute {
        given: String,
    },
    /// Backups inside the directory that they back up.
    BackupsInsideRoot,
    BadUrl {
        given: String,
    },
    BadTimeZone {
        given: String,
    },
    /// Not `host:port`.
    BadAddress {
        given: String,
    },
    /// None of these is given, or more than one.
    ExactlyOne {
        of: Vec<String>,
    },
    /// It says something only where the source's format is this one.
    OnlyFor {
        format: String,
    },
    /// None of these is given.
    AtLeastOne {
        of: Vec<String>,
    },
    /// No certificate is there to be looked at.
    NotHttps {
        given: String,
    },
    /// The query of a burn rate does not say where its window goes.
    NoWindow,
    /// No regular expression for the lines of a log.
    BadFilter {
        given: String,
        detail: String,
    },
    BadPattern {
        given: String,
        detail: String,
    },
    BadCell {
        given: String,
        nearest: Option<String>,
    },
    /// No public SSH key, or a kind of key that is not accepted.
    BadSshKey {
        given: String,
        unsupported: Option<String>,
    },
    /// The same key stands beside two names, so a signature would say nothing of who signed.
    SharedSshKey {
        other: String,
    },
    /// Nothing that `ssh` would take as a destination and as nothing else.
    BadSshDestination {
        given: String,
    },
    /// It goes at once, whatever else is said of it.
    NeverWaits {
        given: String,
    },
    /// Later escalation steps must come later.
    NotAscending,
    /// Hours that end where they begin: nobody could tell whether that is a whole day or nothing.
    NoHours {
        given: String,
    },
    /// No telephone number in the form `+819012345678`.
    BadNumber {
        given: String,
    },
    /// What must be different for everybody is the same as that of another person.
    SameAs {
        other: String,
    },
}

/// Keys per person: a laptop, a phone, two security keys, and old ones that are kept for the record.
const SSH_KEYS_MAX: usize = 20;

impl Policy {
    /// Everything that is wrong with it, in the order of the file's sections. Empty: it can be adopted.
    pub fn check(&self) -> Vec<Flaw> {
        let mut check = Checking { policy: self, flaws: Vec::new() };
        check.workspace();
        check.people();
        check.targets();
        check.monitors();
        check.alerts();
        check.inhibitions();
        check.paging();
        check.schedules();
        check.status();
        check.incident();
        check.emergency();
        check.obligations();
        check.postmortems();
        check.permissions();
        check.secrets();
        check.flaws
    }
}

struct Checking<'a> {
    policy: &'a Policy,
    flaws: Vec<Flaw>,
}

impl Checking<'_> {
    fn flaw(&mut self, at: &[&str], what: FlawKind) {
        self.flaws.push(Flaw { at: at.iter().map(|part| (*part).to_owned()).collect(), what });
    }

    fn filled(&mut self, at: &[&str], text: &str) {
        if text.trim().is_empty() {
            self.flaw(at, FlawKind::Empty);
        }
    }

    fn bounds(&mut self, at: &[&str], given: u64, min: u64, max: u64) {
        if given < min || given > max {
            self.flaw(at, FlawKind::OutOfBounds { min: min.to_string(), max: max.to_string(), given: given.to_string() });
        }
    }

    fn all_bounds(&mut self, section: &str, rows: &[(&str, u32, u64, u64)]) {
        for (key, given, min, max) in rows {
            self.bounds(&[section, key], u64::from(*given), *min, *max);
        }
    }

    fn seconds(&mut self, at: &[&str], given: f64, min: f64, max: f64) {
        if !(min..=max).contains(&given) {
            self.flaw(at, FlawKind::OutOfBounds { min: min.to_string(), max: max.to_string(), given: given.to_string() });
        }
    }

    fn unknown<'a>(&mut self, at: &[&str], wanted: &str, given: &str, candidates: impl IntoIterator<Item = &'a str>) {
        let nearest = nearest(given, candidates);
        self.flaw(at, FlawKind::Unknown { wanted: wanted.to_owned(), given: given.to_owned(), nearest });
    }

    /// A role exists when the policy describes it, or when it is one that the defaults use.
    fn roles(&mut self, at: &[&str], roles: &[RoleName]) {
        for (index, role) in roles.iter().enumerate() {
            let known: Vec<&str> = self.policy.roles.keys().map(RoleName::as_str).chain(BUILT_IN_ROLES.iter().copied()).collect();
            if !known.contains(&role.as_str()) {
                let index = index.to_string();
                let at = [at, &[index.as_str()]].concat();
                self.unknown(&at, "role", role.as_str(), known);
            }
        }
    }

    fn service(&mut self, at: &[&str], service: &ServiceName) {
        if !self.policy.services.contains_key(service) {
            let known: Vec<&str> = self.policy.services.keys().map(ServiceName::as_str).collect();
            self.unknown(at, "service", service.as_str(), known);
        }
    }

    fn environment(&mut self, at: &[&str], environment: &EnvironmentName) {
        if !self.policy.environments.contains_key(environment) {
            let known: Vec<&str> = self.policy.environments.keys().map(EnvironmentName::as_str).collect();
            self.unknown(at, "environment", environment.as_str(), known);
        }
    }

    fn person(&mut self, at: &[&str], person: &PersonId) {
        if !self.policy.people.contains_key(person) {
            let known: Vec<&str> = self.policy.people.keys().map(PersonId::as_str).collect();
            self.unknown(at, "person", person.as_str(), known);
        }
    }

    fn url(&mut self, at: &[&str], url: &str) {
        let host = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://")).unwrap_or_default();
        if host.is_empty() || host.starts_with('/') || url.chars().any(char::is_whitespace) {
            self.flaw(at, FlawKind::BadUrl { given: url.to_owned() });
        }
    }

    fn workspace(&mut self) {
        self.filled(&["workspace", "name"], &self.policy.workspace.name);
        let zone = &self.policy.workspace.time_zone;
        if jiff::tz::TimeZone::get(zone).is_err() {
            self.flaw(&["workspace", "time_zone"], FlawKind::BadTimeZone { given: zone.clone() });
        }
    }

    fn people(&mut self) {
        if self.policy.people.is_empty() {
            self.flaw(&["people"], FlawKind::Empty);
        }
        for (id, person) in &self.policy.people {
            self.filled(&["people", id.as_str(), "name"], &person.name);
            self.roles(&["people", id.as_str(), "roles"], &person.roles);
        }
        self.ssh_keys();
    }

    fn ssh_keys(&mut self) {
        let mut owners: BTreeMap<String, &PersonId> = BTreeMap::new();
        for (id, person) in &self.policy.people {
            if person.ssh_keys.len() > SSH_KEYS_MAX {
                let given = person.ssh_keys.len().to_string();
                let what = FlawKind::OutOfBounds { min: "0".to_owned(), max: SSH_KEYS_MAX.to_string(), given };
                self.flaw(&["people", id.as_str(), "ssh_keys"], what);
            }
            for (index, key) in person.ssh_keys.iter().enumerate() {
                let index = index.to_string();
                let at = ["people", id.as_str(), "ssh_keys", index.as_str(), "key"];
                let given = || key.key.chars().take(80).collect();
                match PublicKey::parse(&key.key) {
                    Err(KeyFlaw::NotAKey) => self.flaw(&at, FlawKind::BadSshKey { given: given(), unsupported: None }),
                    Err(KeyFlaw::Unsupported { algorithm }) => {
                        self.flaw(&at, FlawKind::BadSshKey { given: given(), unsupported: Some(algorithm) });
                    }
                    Ok(public) => {
                        if let Some(other) = owners.insert(public.fingerprint(), id) {
                            self.flaw(&at, FlawKind::SharedSshKey { other: other.to_string() });
                        }
                    }
                }
            }
        }
    }

    fn targets(&mut self) {
        for (id, target) in &self.policy.targets {
            let at = ["targets", id.as_str()];
            self.service(&[at.as_slice(), &["service"]].concat(), &target.service);
            self.environment(&[at.as_slice(), &["environment"]].concat(), &target.environment);
            for (key, path) in [("root", &target.root), ("backups", &target.backups)] {
                if !path.starts_with('/') || path.split('/').any(|part| part == "..") {
                    self.flaw(&[at.as_slice(), &[key]].concat(), FlawKind::NotAbsolute { given: path.clone() });
                }
            }
            let inside = format!("{}/", target.root.trim_end_matches('/'));
            if format!("{}/", target.backups.trim_end_matches('/')).starts_with(&inside) {
                self.flaw(&[at.as_slice(), &["backups"]].concat(), FlawKind::BackupsInsideRoot);
            }
            if let Some(place) = &target.ssh {
                self.ssh_place(id.as_str(), place);
            }
            self.bounds(&[at.as_slice(), &["watch_files_max"]].concat(), target.watch_files_max, 1, 1_000_000);
            self.bounds(&[at.as_slice(), &["watch_bytes_max"]].concat(), target.watch_bytes_max, 1, 1 << 40);
        }
    }

    fn ssh_place(&mut self, target: &str, place: &SshPlace) {
        let at = |key| ["targets", target, "ssh", key];
        if !ssh::is_destination(&place.destination) {
            self.flaw(&at("destination"), FlawKind::BadSshDestination { given: place.destination.clone() });
        }
        if place.port == Some(0) {
            self.flaw(&at("port"), FlawKind::OutOfBounds { min: "1".to_owned(), max: "65535".to_owned(), given: "0".to_owned() });
        }
        for (key, file) in [("identity_file", &place.identity_file), ("config_file", &place.config_file), ("hands", &place.hands)] {
            if let Some(given) = file.as_ref().filter(|file| !ssh::is_file(file)) {
                self.flaw(&at(key), FlawKind::NotAbsolute { given: given.clone() });
            }
        }
        if place.host_keys.len() > ssh::HOST_KEYS_MAX {
            let (max, given) = (ssh::HOST_KEYS_MAX.to_string(), place.host_keys.len().to_string());
            self.flaw(&at("host_keys"), FlawKind::OutOfBounds { min: "0".to_owned(), max, given });
        }
        for (index, key) in place.host_keys.iter().enumerate() {
            let unsupported = match PublicKey::parse(key) {
                Ok(_) => continue,
                Err(KeyFlaw::NotAKey) => None,
                Err(KeyFlaw::Unsupported { algorithm }) => Some(algorithm),
            };
            let index = index.to_string();
            let what = FlawKind::BadSshKey { given: key.chars().take(80).collect(), unsupported };
            self.flaw(&[at("host_keys").as_slice(), &[index.as_str()]].concat(), what);
        }
    }

    /// The four-eyes rules must be possible to meet: otherwise an emergency could never be handled, and people would go around the program.
    fn emergency(&mut self) {
        let rules = &self.policy.emergency;
        for (key, roles) in
            [("approver_roles", &rules.approver_roles), ("witness_roles", &rules.witness_roles), ("senior_roles", &rules.senior_roles)]
        {
            self.roles(&["emergency", key], roles);
        }
        let numbers = [
            ("approval_valid_min", rules.approval_valid_min, 1, 10_080),
            ("trust_valid_h", rules.trust_valid_h, 1, 8_760),
            ("reconcile_within_h", rules.reconcile_within_h, 1, 168),
            ("witnesses_min", rules.witnesses_min, 1, 20),
            ("seniors_min", rules.seniors_min, 0, 20),
            ("presence_timeout_s", rules.presence_timeout_s, 2, 3_600),
            ("silent_timeout_ms", rules.silent_timeout_ms, 1_000, 30_000),
            ("behind_timeout_s", rules.behind_timeout_s, 3, 60),
            ("confirm_valid_s", rules.confirm_valid_s, 10, 3_600),
            ("session_max_min", rules.session_max_min, 1, 1_440),
            ("step_timeout_max_s", rules.step_timeout_max_s, 1, 86_400),
            ("steps_max", rules.steps_max, 1, 200),
        ];
        self.all_bounds("emergency", &numbers);
        self.bounds(&["emergency", "output_bytes_max"], rules.output_bytes_max, 1_024, 64 << 20);
        self.bounds(&["emergency", "session_reserve_bytes"], rules.session_reserve_bytes, 64 << 10, 64 << 30);
        self.bounds(&["emergency", "file_bytes_max"], rules.file_bytes_max, 1_024, 16 << 20);
        if rules.seniors_min > rules.witnesses_min {
            let (max, given) = (rules.witnesses_min.to_string(), rules.seniors_min.to_string());
            self.flaw(&["emergency", "seniors_min"], FlawKind::OutOfBounds { min: "0".to_owned(), max, given });
        }
        if self.policy.targets.is_empty() {
            return;
        }
        // The approver does not count as the senior witness, and the executor is none of them.
        for (key, roles, needed) in [
            ("approver_roles", &rules.approver_roles, 1),
            ("witness_roles", &rules.witness_roles, rules.witnesses_min.saturating_add(1)),
            ("senior_roles", &rules.senior_roles, rules.seniors_min.saturating_add(u32::from(rules.seniors_min > 0))),
        ] {
            let have = u32::try_from(self.policy.people_with(roles).len()).unwrap_or(u32::MAX);
            if have < needed {
                self.flaw(&["emergency", key], FlawKind::TooFew { needed, have });
            }
        }
    }

    fn obligations(&mut self) {
        let rules = &self.policy.obligations;
        for (key, given) in [
            ("change_request_within_h", rules.change_request_within_h),
            ("report_within_h", rules.report_within_h),
            ("retrospective_within_h", rules.retrospective_within_h),
        ] {
            self.bounds(&["obligations", key], u64::from(given), 1, 8_760);
        }
        self.filled(&["obligations", "label"], &rules.label);
        self.looking_back();
        self.bounds(&["obligations", "retrospective_lasts_min"], u64::from(rules.retrospective_lasts_min), 5, 480);
        self.forge();
        self.merge();
        self.slack();
        self.filled(&["documents", "root"], &self.policy.documents.root);
    }

    fn looking_back(&mut self) {
        let steps = &self.policy.obligations.escalation;
        if steps.windows(2).any(|pair| matches!(pair, [one, next] if next.after_h <= one.after_h)) {
            self.flaw(&["obligations", "escalation"], FlawKind::NotAscending);
        }
        for (index, step) in steps.iter().enumerate() {
            self.roles(&["obligations", "escalation", &index.to_string(), "roles"], &step.roles);
            self.bounds(&["obligations", "escalation", &index.to_string(), "after_h"], u64::from(step.after_h), 0, 8_760);
        }
        let rules = &self.policy.reviews;
        self.roles(&["reviews", "owner_roles"], &rules.owner_roles);
        let numbers = [
            ("monthly_within_days", rules.monthly_within_days, 1, 60),
            ("quarterly_within_days", rules.quarterly_within_days, 1, 90),
            ("corrective_within_days", rules.corrective_within_days, 1, 366),
            ("same_cause_days", rules.same_cause_days, 0, 366),
            ("same_cause_percent", rules.same_cause_percent, 1, 100),
            ("cannot_wait_h", rules.cannot_wait_h, 1, 720),
            ("refusals_min", rules.refusals_min, 0, 1_000),
        ];
        self.all_bounds("reviews", &numbers);
    }

    fn permissions(&mut self) {
        for (kind, roles) in &self.policy.permissions {
            let open: Vec<&str> =
                crate::command::KINDS.iter().copied().filter(|kind| crate::permit::row(kind) != crate::permit::Row::Inside).collect();
            if !open.contains(&kind.as_str()) {
                self.unknown(&["permissions", kind], "command", kind, open);
            }
            self.roles(&["permissions", kind], roles);
        }
    }

    fn secrets(&mut self) {
        for (index, pattern) in self.policy.secrets.patterns.iter().enumerate() {
            if let Err(error) = crate::mask::Masker::new(std::slice::from_ref(pattern), &[]) {
                let detail = error.to_string().lines().last().unwrap_or_default().to_owned();
                self.flaw(&["secrets", "patterns", &index.to_string()], FlawKind::BadPattern { given: pattern.clone(), detail });
            }
        }
    }
}
