//! The plan: what an approval is bound to, byte for byte (rule E3).

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Emergency;
use crate::ids::{Digest, EmergencyId, IncidentId, PersonId, TargetName};
use crate::policy::Target;
use crate::session::Terminal;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    pub target: TargetName,
    pub executor: PersonId,
    /// What the change does, in one or two sentences.
    pub summary: String,
    /// May be empty when the work is done by hand in a witnessed terminal.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// Work by hand, in company and on the record. Left out: no terminal can be opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminal: Option<Terminal>,
    /// Files and directories, relative to the target's root, that may change and are backed up. `.` is the whole root.
    pub scope: Vec<String>,
    /// Left out: both verifications are attested by people.
    #[serde(default)]
    pub verification: Verification,
    /// Those who were asked to witness. Others may too, if the policy lets them.
    #[serde(default)]
    pub witnesses: Vec<PersonId>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    pub title: String,
    /// A bash script; runs as `bash -euo pipefail` in the target's root, without a terminal.
    pub run: String,
    #[serde(default = "default_timeout")]
    pub timeout_s: u32,
    /// Starting it takes the typed title, and before that a present witness's typed confirmation.
    #[serde(default)]
    pub dangerous: bool,
}

fn default_timeout() -> u32 {
    60
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Verification {
    /// Checks that the problem is solved. Empty: a person attests it.
    pub solved: Vec<Check>,
    /// Checks that other functions are unaffected. Empty: a person attests it.
    pub unaffected: Vec<Check>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    pub title: String,
    #[serde(flatten)]
    pub kind: CheckKind,
    #[serde(default = "default_check_timeout")]
    pub timeout_s: u32,
}

fn default_check_timeout() -> u32 {
    10
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "check", rename_all = "snake_case")]
pub enum CheckKind {
    Http {
        url: String,
        #[serde(default = "default_status")]
        status: u16,
        #[serde(default)]
        body_contains: Option<String>,
    },
    /// A bash script in the target's root; exit code 0 passes.
    Command { run: String },
}

fn default_status() -> u16 {
    200
}

/// What is digested: the plan together with all that gives it its meaning. A change of any byte is another plan.
#[derive(Debug, Serialize)]
pub struct PlanDocument<'a> {
    pub format: &'static str,
    pub emergency: EmergencyId,
    pub incident: IncidentId,
    pub requester: &'a PersonId,
    /// Case numbers are counted, so another ledger has them too; the moment of the request is this one's alone. A signature that
    /// approves a plan elsewhere, in a rehearsal for instance, approves nothing here.
    pub requested_at: Timestamp,
    pub revision: u32,
    pub plan: &'a Plan,
    /// The target as the policy declares it: another directory of the same name is another plan.
    pub target: Option<&'a Target>,
    /// The ledger of its own in which the exception was carried out while the server was away: what was approved there is approved nowhere else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ledger: Option<&'a str>,
}

impl<'a> PlanDocument<'a> {
    pub const FORMAT: &'static str = "hikeshi-plan-v1";

    pub fn new(
        emergency: EmergencyId,
        incident: IncidentId,
        requester: &'a PersonId,
        requested_at: Timestamp,
        revision: u32,
        plan: &'a Plan,
        target: Option<&'a Target>,
    ) -> Self {
        Self { format: Self::FORMAT, emergency, incident, requester, requested_at, revision, plan, target, ledger: None }
    }

    pub fn of(emergency: &'a Emergency, target: Option<&'a Target>) -> Self {
        let Emergency { id, incident, requester, requested_at, revision, plan, .. } = emergency;
        // What came home keeps the numbers under which it was approved.
        let (id, incident) = emergency.offline.as_ref().map_or((*id, *incident), |offline| (offline.emergency, offline.incident));
        Self::new(id, incident, requester, *requested_at, *revision, plan, target).in_ledger(emergency.ledger.as_deref())
    }

    pub fn in_ledger(self, ledger: Option<&'a str>) -> Self {
        Self { ledger, ..self }
    }

    /// The canonical bytes: compact JSON with the fields in the order of the types.
    pub fn bytes(&self) -> Vec<u8> {
        // Plain data with string keys always serialises.
        serde_json::to_vec(self).unwrap_or_default()
    }

    pub fn digest(&self) -> Digest {
        Digest::of(&self.bytes())
    }
}
