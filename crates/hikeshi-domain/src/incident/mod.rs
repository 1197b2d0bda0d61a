//! An incident: its state, and what can be asked of it. Deciding is in [`decide`]; what follows from an event in [`state`].

pub mod decide;
pub(crate) mod escalation;
pub mod merge;
pub(crate) mod room;
pub(crate) mod state;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use escalation::{Escalated, Level, WhyEscalated};
pub use merge::{MergeEvent, Merged, Stays};
pub use room::{Duty, RoomEvent, RoomStep};

use crate::alert::{AlertCount, AlertRef};
use crate::ids::{ComponentName, EmergencyId, EnvironmentName, IncidentId, MonitorName, PersonId, ServiceName};
use crate::offline::Away;
use crate::people::Actor;
use crate::policy::Policy;
use crate::postmortem::Postmortem;
use crate::status::{Health, PublicPost, PublicState, PublicText};

/// P1 whole service down · P2 main function down · P3 part down · P4 slight (rule I2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Priority {
    P1,
    P2,
    P3,
    P4,
}

impl Priority {
    pub const ALL: [Self; 4] = [Self::P1, Self::P2, Self::P3, Self::P4];

    pub fn code(self) -> &'static str {
        match self {
            Self::P1 => "P1",
            Self::P2 => "P2",
            Self::P3 => "P3",
            Self::P4 => "P4",
        }
    }
    /// The three-level scheme of rule I2: 3 is the worst.
    pub fn level(self) -> u8 {
        match self {
            Self::P1 => 3,
            Self::P2 => 2,
            Self::P3 | Self::P4 => 1,
        }
    }
}

/// Who is hit (rule I3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Impact {
    AllUsers,
    SomeUsers,
    OneFunction,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Business {
    LostSales,
    LostTrust,
    Slight,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    #[default]
    Now,
    CanBePlanned,
}

/// The three answers of a triage, and what a person decided against the matrix, with their reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Triage {
    pub impact: Impact,
    pub business: Business,
    pub urgency: Urgency,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority_override: Option<Override>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Override {
    pub priority: Priority,
    pub reason: String,
}

impl Triage {
    /// The priority by the policy's matrix; cells that the policy does not name are computed.
    pub fn priority(&self, policy: &Policy) -> Priority {
        if let Some(chosen) = &self.priority_override {
            return chosen.priority;
        }
        if let Some(priority) = policy.incident.matrix.get(&self.cell()) {
            return *priority;
        }
        let impact = match self.impact {
            Impact::AllUsers => 4,
            Impact::SomeUsers => 2,
            Impact::OneFunction => 1,
        };
        let business = match self.business {
            Business::LostSales => 2,
            Business::LostTrust => 1,
            Business::Slight => 0,
        };
        let urgency = match self.urgency {
            Urgency::Now => 1,
            Urgency::CanBePlanned => 0,
        };
        match impact + business + urgency {
            5.. => Priority::P1,
            4 => Priority::P2,
            2 | 3 => Priority::P3,
            _ => Priority::P4,
        }
    }

    /// The name of the matrix cell in the policy file: `all_users+lost_sales+now`.
    pub fn cell(&self) -> String {
        let impact = match self.impact {
            Impact::AllUsers => "all_users",
            Impact::SomeUsers => "some_users",
            Impact::OneFunction => "one_function",
        };
        let business = match self.business {
            Business::LostSales => "lost_sales",
            Business::LostTrust => "lost_trust",
            Business::Slight => "slight",
        };
        let urgency = match self.urgency {
            Urgency::Now => "now",
            Urgency::CanBePlanned => "can_be_planned",
        };
        format!("{impact}+{business}+{urgency}")
    }
}

/// Where the work stands (rule I1). Going back is possible and recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    Reported,
    Impact,
    Mitigation,
    Cause,
    PermanentFix,
    Postmortem,
    Closed,
}

impl Stage {
    pub const ALL: [Self; 7] =
        [Self::Reported, Self::Impact, Self::Mitigation, Self::Cause, Self::PermanentFix, Self::Postmortem, Self::Closed];
}

/// The state of one incident: the fold of its events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Incident {
    pub id: IncidentId,
    pub title: String,
    pub summary: String,
    pub service: ServiceName,
    pub environment: EnvironmentName,
    pub triage: Triage,
    pub priority: Priority,
    pub stage: Stage,
    pub opened_by: Actor,
    /// When the trouble was first seen; earlier than `opened_at` if a monitor or a person says so.
    pub detected_at: Timestamp,
    pub opened_at: Timestamp,
    #[serde(default)]
    pub acknowledged: Option<Acknowledged>,
    #[serde(default)]
    pub mitigated_at: Option<Timestamp>,
    #[serde(default)]
    pub resolved: Option<Resolved>,
    #[serde(default)]
    pub closed_at: Option<Timestamp>,
    /// The monitor that opened it, while it still fires.
    #[serde(default)]
    pub firing: Vec<MonitorName>,
    #[serde(default, skip_serializing_if = "AlertCount::is_none")]
    pub alerts: AlertCount,
    /// Who was called because of it, and what became of that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pages: Vec<crate::page::Page>,
    /// Who does what while it burns.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub duties: BTreeMap<Duty, PersonId>,
    /// How many escalation steps have been taken, all rounds together.
    #[serde(default)]
    pub escalated_steps: u32,
    /// When the last of them was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalated_at: Option<Timestamp>,
    #[serde(default)]
    pub last_update_at: Option<Timestamp>,
    #[serde(default)]
    pub update_reminded_at: Option<Timestamp>,
    /// What people outside the team were told, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub public: Vec<PublicPost>,
    /// It ended as a part of another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged: Option<Merged>,
    /// Those that have become part of this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absorbed: Vec<IncidentId>,
    /// Those that were made of alerts of this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub split: Vec<IncidentId>,
    /// The one of whose alerts it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split_from: Option<IncidentId>,
    /// Emergency exceptions asked for because of this incident.
    #[serde(default)]
    pub emergencies: Vec<EmergencyId>,
    /// What it owes and has of a postmortem (rule I8).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postmortem: Option<Box<Postmortem>>,
    /// Set when its exceptions were carried out while the server was away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub away: Option<Box<Away>>,
}

impl Incident {
    /// A person or a failing monitor keeps it, whatever becomes of its alerts.
    pub fn lives_without_alerts(&self) -> bool {
        !matches!(self.opened_by, Actor::Source { .. }) || !self.firing.is_empty()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Acknowledged {
    /// Who has it now.
    pub by: PersonId,
    /// When somebody first answered.
    pub at: Timestamp,
    /// When the one who has it now took it.
    pub since: Timestamp,
    /// Escalation steps that had been taken by then; a later one waits for an answer again.
    pub steps: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Resolved {
    pub by: Actor,
    pub at: Timestamp,
    pub what: String,
}

/// Everything that can be asked of an incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    Open {
        title: String,
        #[serde(default)]
        summary: String,
        service: ServiceName,
        environment: EnvironmentName,
        triage: Triage,
        /// When the trouble was first seen, if that was earlier than now.
        #[serde(default)]
        detected_at: Option<Timestamp>,
    },
    Triage {
        incident: IncidentId,
        triage: Triage,
    },
    Acknowledge {
        incident: IncidentId,
    },
    /// Calls the next step now: the impact grows, or a technical or business decision is needed.
    Escalate {
        incident: IncidentId,
        reason: String,
    },
    /// Gives one duty to a person, or takes it away.
    Assign {
        incident: IncidentId,
        duty: Duty,
        #[serde(default)]
        person: Option<PersonId>,
    },
    /// Another person has it from now on.
    HandOver {
        incident: IncidentId,
        to: PersonId,
        /// What they need to know.
        note: String,
    },
    Move {
        incident: IncidentId,
        stage: Stage,
        /// Required when going back.
        #[serde(default)]
        reason: String,
    },
    /// A status update for everyone who waits (rule I6).
    Update {
        incident: IncidentId,
        text: String,
    },
    /// Tells people outside the team, on the status page (rule I6).
    Publish {
        incident: IncidentId,
        state: PublicState,
        text: PublicText,
        /// How each affected component is. At least one with the first post.
        #[serde(default)]
        components: BTreeMap<ComponentName, Health>,
    },
    /// A note for those who work on it.
    Note {
        incident: IncidentId,
        text: String,
    },
    Resolve {
        incident: IncidentId,
        /// What restored the service.
        what: String,
    },
    /// It is the same trouble as another one: it ends as a part of that.
    Merge {
        incident: IncidentId,
        into: IncidentId,
        reason: String,
    },
    /// These alerts are another trouble: they get an incident of their own.
    Split {
        incident: IncidentId,
        alerts: Vec<AlertRef>,
        title: String,
        reason: String,
    },
}
