//! The workspace policy: people, roles, targets, deadlines. It is what `hikeshi.toml` says, already parsed and checked.
//!
//! Every number of the rules is a default here and can be changed by the team; none is a constant in the deciding code.
//! Reading the file, with line and caret, is the binary's work (`hikeshi/src/config`); what must hold between the parts is [`Policy::check`].

mod alerts;
mod check;
mod decide;
mod forge;
mod incident;
mod local;
mod merge;
mod monitor;
mod paging;
mod postmortems;
mod reviews;
mod schedules;
mod slack;
mod ssh;
mod status;
mod telephone;
mod weaken;
mod web_push;

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use alerts::{Alerts, Fields, Flapping, Format, Inhibit, MailRules, OnClear, OneOf, Route, Source};
pub use check::{BUILT_IN_ROLES, Flaw, FlawKind, WINDOW, log_pattern};
pub use decide::decide;
pub use forge::{Forge, ForgeKind};
pub use incident::{EscalationStep, IncidentPolicy, PriorityPolicy, Repeat, Scheme};
pub use local::{Local, Owed};
pub use merge::{MergePolicy, MergeRule, is_branch};
pub use monitor::{
    CommandMonitor, Connections, Heartbeat, HostMonitor, LogMonitor, Monitor, MonitorKind, NewErrors, NoData, PostgresMonitor,
    PrometheusMonitor,
};
pub use paging::{Bundling, MailSecurity, MailServer, Paging, PagingRule, Webhook};
pub use postmortems::Postmortems;
pub use reviews::{OverdueStep, Reviews};
pub use schedules::{Days, Handover, Holidays, Hours, Layer, LocalTime, Schedule};
pub use slack::{Slack, SlackMode};
pub use ssh::SshPlace;
pub use status::{Component, PageName, StatusPage, Visibility};
pub use telephone::{Twilio, is_number};
pub use weaken::Weakening;
pub use web_push::WebPush;

use crate::contact::Browsers;
use crate::emergency::ApprovalProof;
use crate::ids::{ChannelName, Digest, EnvironmentName, MonitorName, PersonId, RoleName, ScheduleName, ServiceName, TargetName};
use crate::incident::Priority;
use crate::signature::ssh::SshKey;

/// The whole policy of one workspace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    pub workspace: Workspace,
    #[serde(default)]
    pub roles: BTreeMap<RoleName, RoleText>,
    pub people: BTreeMap<PersonId, Person>,
    #[serde(default)]
    pub services: BTreeMap<ServiceName, Service>,
    #[serde(default)]
    pub environments: BTreeMap<EnvironmentName, Environment>,
    #[serde(default)]
    pub targets: BTreeMap<TargetName, Target>,
    #[serde(default)]
    pub monitors: BTreeMap<MonitorName, Monitor>,
    #[serde(default, skip_serializing_if = "Alerts::is_default")]
    pub alerts: Alerts,
    /// Who is on call when.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub schedules: BTreeMap<ScheduleName, Schedule>,
    #[serde(default)]
    pub incident: IncidentPolicy,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paging: Option<Paging>,
    /// What people outside the team are told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Box<StatusPage>>,
    #[serde(default)]
    pub emergency: EmergencyPolicy,
    #[serde(default)]
    pub obligations: ObligationPolicy,
    #[serde(default)]
    pub reviews: Reviews,
    #[serde(default)]
    pub postmortems: Postmortems,
    #[serde(default)]
    pub channels: Channels,
    /// The team's chat. Without it everything is announced in the workspace's own channels only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slack: Option<Slack>,
    #[serde(default)]
    pub forge: Option<Forge>,
    /// By which method one branch may be merged into another.
    #[serde(default, skip_serializing_if = "MergePolicy::is_default")]
    pub merge: MergePolicy,
    #[serde(default)]
    pub documents: Documents,
    /// Who may give which command: `"incident.open" = ["operator"]`. Whatever is not named keeps its default.
    #[serde(default)]
    pub permissions: BTreeMap<String, Vec<RoleName>>,
    #[serde(default)]
    pub secrets: Secrets,
    /// Only in a ledger that is kept while the server is away; never in a policy file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(skip)]
    pub local: Option<Box<Local>>,
    /// Browsers that people have subscribed to pages. No file says so and no digest covers it: each is its owner's own doing.
    #[serde(skip)]
    pub browsers: Arc<Browsers>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Workspace {
    /// What the team calls itself. Shown on every page.
    pub name: String,
    /// IANA time zone in which times are shown and documents are dated.
    #[serde(default = "default_time_zone")]
    pub time_zone: String,
    /// Language of documents that the program writes, and of pages for people who chose none.
    #[serde(default)]
    pub language: Language,
}

fn default_time_zone() -> String {
    "Asia/Tokyo".to_owned()
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    #[default]
    Ja,
    En,
}

/// How a role is called on the page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleText {
    pub ja: String,
    pub en: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The name as the team writes it; kanji are normal.
    pub name: String,
    pub roles: Vec<RoleName>,
    #[serde(default)]
    pub email: Option<String>,
    #[serde(default)]
    pub phone: Option<String>,
    /// User id in the team's chat, such as `U012AB3CD`: whom a mention calls, and who pressed a button. Not the handle, which can change.
    #[serde(default)]
    pub chat: Option<String>,
    #[serde(default)]
    pub language: Option<Language>,
    /// Where a program of theirs takes pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<Webhook>,
    /// By what they are paged, and when; left out: by the rules of `paging`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub page_by: Vec<PagingRule>,
    /// SSH keys with which this person can sign an approval when no page is within reach.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ssh_keys: Vec<SshKey>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    pub name: String,
    #[serde(default)]
    pub url: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    pub name: String,
    /// Whether a serious failure here may justify an emergency exception (rule E1: production or demo).
    #[serde(default)]
    pub exception_allowed: bool,
}

/// A place where an approved plan may run commands and change files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Target {
    pub service: ServiceName,
    pub environment: EnvironmentName,
    /// The host on which the target is, as `ssh` reaches it. Left out: the server's own host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssh: Option<SshPlace>,
    /// Directory on that host in which commands start, and under which every change is watched. Absolute.
    pub root: String,
    /// Directory there that receives the backups of rule E7. Absolute, outside `root`.
    pub backups: String,
    /// Where the content of `root` lives in the repository, so that changes can be brought back: `config`, or `` for the top.
    #[serde(default)]
    pub repository_path: String,
    /// Environment variables that commands receive beside `PATH`, `HOME`, `LANG`; the values come from the server's own environment.
    #[serde(default)]
    pub pass_env: Vec<String>,
    /// Most files and bytes under `root` that are watched for changes; more than that stops the start, since a change could be missed.
    #[serde(default = "default_watch_files")]
    pub watch_files_max: u64,
    #[serde(default = "default_watch_bytes")]
    pub watch_bytes_max: u64,
}

fn default_watch_files() -> u64 {
    100_000
}
fn default_watch_bytes() -> u64 {
    512 * 1024 * 1024
}

/// Rules E1 to E9 and E14 as numbers and roles.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EmergencyPolicy {
    /// Priorities that count as a serious failure (rule E1).
    pub serious: Vec<Priority>,
    /// Roles of which one must judge and approve (rule E3). While follow-up is overdue, each of them must (rule E14).
    pub approver_roles: Vec<RoleName>,
    /// Whether an approval must be signed, by passkey or SSH key.
    pub approval_proof: ApprovalProof,
    /// For how long an executor may judge approvals by a trust bundle without asking the server again.
    pub trust_valid_h: u32,
    /// An exception that was carried out while the server was away must have come home within this time.
    pub reconcile_within_h: u32,
    /// An approval is void after this time.
    pub approval_valid_min: u32,
    /// Witnesses that must be present, and how many of them senior and not the approver (rule E4).
    pub witnesses_min: u32,
    pub seniors_min: u32,
    pub witness_roles: Vec<RoleName>,
    pub senior_roles: Vec<RoleName>,
    /// A witness who was not heard of for this long is absent.
    pub presence_timeout_s: u32,
    /// A witness of a terminal whose device says nothing for this long does not count: its network is gone, or it sleeps. Devices speak
    /// twice a second.
    pub silent_timeout_ms: u32,
    /// A witness of a terminal whose screen is behind the recording for this long does not count.
    pub behind_timeout_s: u32,
    /// A witness's confirmation of a dangerous step or line holds for this long, and a line that nobody answers is given up after it.
    pub confirm_valid_s: u32,
    /// Room kept free for the recording of a terminal, on the executor's disk: where it cannot be kept, no terminal opens.
    pub session_reserve_bytes: u64,
    /// A session that is still open after this time is announced as running long.
    pub session_max_min: u32,
    pub step_timeout_max_s: u32,
    /// Most bytes of output kept of one step; the rest is counted and the cut is recorded.
    pub output_bytes_max: u64,
    /// Most bytes of one changed file whose content is kept; of a larger one the digest is kept.
    pub file_bytes_max: u64,
    pub steps_max: u32,
}

impl Default for EmergencyPolicy {
    fn default() -> Self {
        Self {
            serious: vec![Priority::P1, Priority::P2],
            approver_roles: named(&["cto", "dev-lead"]),
            approval_proof: ApprovalProof::Any,
            trust_valid_h: 168,
            reconcile_within_h: 24,
            approval_valid_min: 240,
            witnesses_min: 2,
            seniors_min: 1,
            witness_roles: named(&["developer", "senior", "dev-lead", "cto"]),
            senior_roles: named(&["senior", "dev-lead", "cto"]),
            presence_timeout_s: 20,
            silent_timeout_ms: 1_500,
            behind_timeout_s: 10,
            confirm_valid_s: 300,
            session_reserve_bytes: 64 * 1024 * 1024,
            session_max_min: 120,
            step_timeout_max_s: 3600,
            output_bytes_max: 4 * 1024 * 1024,
            file_bytes_max: 1024 * 1024,
            steps_max: 50,
        }
    }
}

/// Rules E10 to E12: what is owed after an exception, and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ObligationPolicy {
    pub change_request_within_h: u32,
    pub report_within_h: u32,
    pub retrospective_within_h: u32,
    /// Reminders before the due time.
    pub remind_before_min: Vec<u32>,
    /// Who is told when it stays undone past its due time, beside its owner, and how long past (rule E12).
    pub escalation: Vec<OverdueStep>,
    /// Label of the change request (rule E10).
    pub label: String,
    /// How long after the close the retrospective is proposed, and how long it lasts.
    pub retrospective_after_h: u32,
    pub retrospective_lasts_min: u32,
}

impl Default for ObligationPolicy {
    fn default() -> Self {
        Self {
            change_request_within_h: 24,
            report_within_h: 24,
            retrospective_within_h: 48,
            remind_before_min: vec![240, 60],
            escalation: vec![
                OverdueStep { after_h: 0, roles: named(&["lead"]) },
                OverdueStep { after_h: 24, roles: named(&["dev-lead"]) },
                OverdueStep { after_h: 72, roles: named(&["cto"]) },
            ],
            label: "Emergency Fix".to_owned(),
            retrospective_after_h: 24,
            retrospective_lasts_min: 60,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Channels {
    pub emergency: ChannelName,
    pub incidents: ChannelName,
}

impl Default for Channels {
    fn default() -> Self {
        Self { emergency: ChannelName::known("emergency-deploy"), incidents: ChannelName::known("incidents") }
    }
}

/// Where the program writes reports and invitations. A relative path is beside `hikeshi.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Documents {
    pub root: String,
}

impl Default for Documents {
    fn default() -> Self {
        Self { root: "docs".to_owned() }
    }
}

/// What must never enter the record (rule A4), beside the patterns that are built in.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Secrets {
    /// Environment variables of the server whose values are masked wherever they appear.
    pub env: Vec<String>,
    /// Further regular expressions; the whole match is masked.
    pub patterns: Vec<String>,
}

fn named(names: &[&str]) -> Vec<RoleName> {
    names.iter().map(|name| RoleName::known(name)).collect()
}

impl Policy {
    /// The digest by which the ledger names this policy: SHA-256 of its canonical JSON.
    pub fn digest(&self) -> Digest {
        // Serialising plain data with string keys cannot fail; an empty input would only give a digest that nothing else has.
        Digest::of(&serde_json::to_vec(self).unwrap_or_default())
    }

    pub fn person(&self, id: &PersonId) -> Option<&Person> {
        self.people.get(id)
    }

    pub fn has_any_role(&self, id: &PersonId, roles: &[RoleName]) -> bool {
        self.people.get(id).is_some_and(|person| person.roles.iter().any(|role| roles.contains(role)))
    }

    pub fn people_with(&self, roles: &[RoleName]) -> Vec<PersonId> {
        self.people.iter().filter(|(_, person)| person.roles.iter().any(|role| roles.contains(role))).map(|(id, _)| id.clone()).collect()
    }

    /// The user of the chat who speaks for a person; `None` without a chat.
    pub fn chat_user(&self, id: &PersonId) -> Option<&str> {
        self.slack.as_ref()?;
        self.people.get(id)?.chat.as_deref().filter(|user| slack::is_user_id(user))
    }

    /// The person for whom a user of the chat speaks.
    pub fn person_of_chat(&self, user: &str) -> Option<&PersonId> {
        self.people.keys().find(|id| self.chat_user(id) == Some(user))
    }

    pub fn name_of<'a>(&'a self, id: &'a PersonId) -> &'a str {
        self.people.get(id).map_or(id.as_str(), |person| person.name.as_str())
    }
}
