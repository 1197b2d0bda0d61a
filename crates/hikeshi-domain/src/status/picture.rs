//! What the page shows: how each component is, by what was published and what is planned.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Health, PublicPost, PublicState, PublicText};
use crate::alert::silence::{Covers, Silence};
use crate::ids::{ComponentName, IncidentId, SilenceId};
use crate::incident::Incident;
use crate::policy::{Component, StatusPage};

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
    pub fn of(page: &StatusPage, silence: &Silence, now: Timestamp) -> Option<Self> {
        let text = silence.public.clone()?;
        let covered = page.components.iter().filter(|(_, component)| component.is_covered(&silence.covers));
        let (from, until) = (silence.from, silence.until);
        (now < until).then(|| Self { silence: silence.id, text, from, until, components: covered.map(|(name, _)| name.clone()).collect() })
    }
    pub fn is_under_way(&self, now: Timestamp) -> bool {
        self.from <= now && now < self.until
    }
}

impl Component {
    fn is_covered(&self, covers: &Covers) -> bool {
        covers.service.as_ref().is_none_or(|service| self.services.contains(service))
            && covers.environment.as_ref().is_none_or(|environment| *environment == self.environment)
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
