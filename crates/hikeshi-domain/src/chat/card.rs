//! The card of one exception: what its announcement shows, as the case stands. One state of the case gives one card.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::emergency::{Emergency, Ending, Hold, Requirement, Status};
use crate::ids::{Digest, EmergencyId, IncidentId, PersonId, RoleName};
use crate::incident::Incident;
use crate::policy::Policy;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Card {
    pub emergency: EmergencyId,
    pub incident: IncidentId,
    /// What burns: the incident's title.
    pub title: String,
    pub service: String,
    pub environment: String,
    pub target: String,
    /// The response that is needed.
    pub summary: String,
    /// Why the normal deploy flow cannot solve it.
    pub reason: String,
    /// Whom the announcement calls (rule E2).
    pub calls: Vec<RoleName>,
    pub requester: PersonId,
    pub executor: PersonId,
    pub digest: Digest,
    pub revision: u32,
    pub status: Status,
    pub requirement: Requirement,
    pub approvals: Vec<Consent>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ending: Option<Ending>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<PersonId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_reason: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Consent {
    pub by: PersonId,
    pub at: Timestamp,
}

impl Card {
    pub(super) fn of(emergency: &Emergency, incident: Option<&Incident>, policy: &Policy, ended_by: Option<PersonId>) -> Self {
        let service =
            |incident: &Incident| policy.services.get(&incident.service).map_or_else(|| incident.service.to_string(), |it| it.name.clone());
        let environment = |incident: &Incident| {
            policy.environments.get(&incident.environment).map_or_else(|| incident.environment.to_string(), |it| it.name.clone())
        };
        Self {
            emergency: emergency.id,
            incident: emergency.incident,
            title: incident.map(|incident| incident.title.clone()).unwrap_or_default(),
            service: incident.map(service).unwrap_or_default(),
            environment: incident.map(environment).unwrap_or_default(),
            target: emergency.plan.target.to_string(),
            summary: emergency.plan.summary.clone(),
            reason: emergency.conditions.normal_flow_cannot.statement.clone(),
            calls: policy.emergency.approver_roles.clone(),
            requester: emergency.requester.clone(),
            executor: emergency.plan.executor.clone(),
            digest: emergency.digest,
            revision: emergency.revision,
            status: emergency.status,
            requirement: emergency.requirement.clone(),
            approvals: emergency.approvals.iter().map(|approval| Consent { by: approval.by.clone(), at: approval.at }).collect(),
            hold: emergency.hold.clone(),
            started_at: emergency.started_at,
            closed_at: emergency.closed_at,
            ending: emergency.ending,
            ended_by,
            end_reason: emergency.end_reason.clone(),
        }
    }
}
