//! What the page shows: how each component is, by what was published and what is planned.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Health, PublicPost, PublicState, PublicText};
use crate::alert::silence::{Covers, Silence};
use crate::ids::{ComponentName, EnvironmentName, IncidentId, ServiceName, SilenceId};
use crate::incident::Incident;
use crate::policy::{Component, Policy, StatusPage};

/// What outsiders may see of an incident: its posts, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PublicIncident {
    pub incident: IncidentId,
    pub state: PublicState,
    /// Every component that a post has named, as the last one that named it says; all are well once it is resolved.
    pub components: BTreeMap<ComponentName, Health>,
    /// Oldest first.
    pub posts: Vec<PublicPost>,
}

impl PublicIncident {
    /// `None`: nothing of it was published.
    pub fn of(incident: &Incident) -> Option<Self> {
        let state = incident.public.last()?.state;
        let mut components = BTreeMap::new();
        for post in &incident.public {
            components.extend(post.components.iter().map(|(name, health)| (name.clone(), *health)));
        }
        if state == PublicState::Resolved {
            components.values_mut().for_each(|health| *health = Health::Operational);
        }
        Some(Self { incident: incident.id, state, components, posts: incident.public.clone() })
    }
    pub fn is_open(&self) -> bool {
        self.state != PublicState::Resolved
    }
}

/// Work that was announced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedWork {
    pub silence: SilenceId,
    pub text: PublicText,
    pub from: Timestamp,
    pub until: Timestamp,
    pub components: Vec<ComponentName>,
}

impl PlannedWork {
    /// `None`: it was not announced, or it is over.
    pub fn of(policy: &Policy, page: &StatusPage, silence: &Silence, now: Timestamp) -> Option<Self> {
        let text = silence.public.clone()?;
        let covered = page.components.iter().filter(|(_, component)| component.is_covered(policy, &silence.covers));
        let (from, until) = (silence.from, silence.until);
        (now < until).then(|| Self { silence: silence.id, text, from, until, components: covered.map(|(name, _)| name.clone()).collect() })
    }
    pub fn is_under_way(&self, now: Timestamp) -> bool {
        self.from <= now && now < self.until
    }
}

impl Component {
    /// A monitor stands for what it watches. Who sends alerts, or how they are labelled, says nothing of what is worked on.
    fn is_covered(&self, policy: &Policy, covers: &Covers) -> bool {
        let monitor = match covers.monitor.as_ref().map(|name| policy.monitors.get(name)) {
            None => None,
            Some(Some(monitor)) => Some(monitor),
            // The policy does not name it any more.
            Some(None) => return false,
        };
        let services: Vec<&ServiceName> = covers.service.iter().chain(monitor.map(|monitor| &monitor.service)).collect();
        let environments: Vec<&EnvironmentName> = covers.environment.iter().chain(monitor.map(|monitor| &monitor.environment)).collect();
        let named = !services.is_empty() || !environments.is_empty();
        named
            && services.iter().all(|service| self.services.contains(service))
            && environments.iter().all(|environment| **environment == self.environment)
    }
}

/// How each component is: the worst of what is published and not over, and of work that is under way.
pub fn healths(page: &StatusPage, incidents: &[PublicIncident], works: &[PlannedWork], now: Timestamp) -> BTreeMap<ComponentName, Health> {
    let mut healths: BTreeMap<ComponentName, Health> = page.components.keys().map(|name| (name.clone(), Health::Operational)).collect();
    let open = incidents.iter().filter(|incident| incident.is_open()).flat_map(|incident| &incident.components);
    let worked = works.iter().filter(|work| work.is_under_way(now)).flat_map(|work| &work.components);
    for (name, health) in open.map(|(name, health)| (name, *health)).chain(worked.map(|name| (name, Health::Maintenance))) {
        if let Some(known) = healths.get_mut(name) {
            *known = health.max(*known);
        }
    }
    healths
}

/// How the whole is. Nobody says that all is well while something public is open, also when the policy does not name its components any more.
pub fn worst(healths: &BTreeMap<ComponentName, Health>, incidents: &[PublicIncident]) -> Health {
    let open = incidents.iter().any(PublicIncident::is_open).then_some(Health::Degraded);
    healths.values().copied().chain(open).max().unwrap_or_default()
}
