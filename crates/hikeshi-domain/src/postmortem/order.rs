//! What the hands need to write a postmortem's file.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Content;
use crate::ids::{ObligationId, PersonId, RoleName};
use crate::incident::Incident;
use crate::ledger::Entry;
use crate::policy::{Language, RoleText, Scheme};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PostmortemOrder {
    /// Directory under which `incidents/YYYY-MM-DD-inc_N-title.md` is written.
    pub documents_root: String,
    pub workspace: String,
    pub time_zone: String,
    pub language: Language,
    pub scheme: Scheme,
    pub service_name: String,
    pub environment_name: String,
    /// Names as the policy writes them.
    pub names: BTreeMap<PersonId, String>,
    pub roles: BTreeMap<RoleName, RoleText>,
    pub incident: Box<Incident>,
    pub content: Content,
    pub items: Vec<PostmortemItem>,
    pub by: PersonId,
    pub revision: u32,
    /// The case as the ledger has it, for the timeline. Read when the file is written: the record does not hold itself twice.
    #[serde(skip)]
    #[schemars(skip)]
    pub entries: Vec<Entry>,
}

/// A prevention item as it stood when the file was ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PostmortemItem {
    pub obligation: ObligationId,
    pub text: String,
    pub owner: PersonId,
    pub due_at: jiff::Timestamp,
    pub done: bool,
}
