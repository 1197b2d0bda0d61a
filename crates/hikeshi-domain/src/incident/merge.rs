//! One trouble that became two incidents, and two that became one (rule I10): merging and splitting.
//!
//! A merged incident ends as merged. Nothing of it is rewritten: what belongs to it is followed to the other one ([`Facts::home`]), so that it makes no
//! difference how many alerts it has. Alerts that are split off carry where they belong with them.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::decide::{NewIncident, open, post, unresolved};
use super::{Incident, Priority};
use crate::alert::decide::{as_signal, cleared};
use crate::alert::route::{group_of, routed};
use crate::alert::{Alert, AlertCount, AlertRef, GroupKey};
use crate::channel::Notice;
use crate::decide::Decision;
use crate::event::Event;
use crate::facts::{Facts, Needs};
use crate::ids::{EnvironmentName, IncidentId, PersonId, ServiceName};
use crate::input::{self, TEXT_CHARS_MAX, TITLE_CHARS_MAX};
use crate::people::Actor;
use crate::permit::Permit;
use crate::policy::{OnClear, Policy};
use crate::refusal::Refusal;
use crate::status::PublicState;

type Place = (ServiceName, EnvironmentName);

/// Incidents that one may take in.
pub const ABSORBED_MAX: u32 = 50;
/// Alerts of one split.
pub const SPLIT_MAX: u32 = 100;

/// It has become part of another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Merged {
    pub into: IncidentId,
    pub by: PersonId,
    pub at: Timestamp,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum MergeEvent {
    Merged {
        incident: IncidentId,
        into: IncidentId,
        /// What had been merged into it before.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        with: Vec<IncidentId>,
        by: PersonId,
        reason: String,
        /// So that the line can be read by itself: what it was.
        title: String,
        opened_at: Timestamp,
        priority: Priority,
        /// The other one's, which stays as it is.
        into_priority: Priority,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        acknowledged: Option<(PersonId, Timestamp)>,
        alerts: AlertCount,
    },
    Split {
        from: IncidentId,
        into: IncidentId,
        alerts: Vec<AlertRef>,
        /// How many of them fire.
        firing: u32,
        by: PersonId,
        reason: String,
        /// Where alerts of this place went and still go; an incident that is opened would take them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stays: Option<Stays>,
        /// Groups whose alerts go where these went from now on.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        goes: Vec<GroupKey>,
    },
}

/// The place whose alerts go on belonging to an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stays {
    pub service: ServiceName,
    pub environment: EnvironmentName,
    pub incident: IncidentId,
}

impl Facts {
    /// Where what belongs to it belongs by now.
    pub fn home(&self, incident: IncidentId) -> IncidentId {
        self.incident(incident).and_then(|state| state.merged.as_ref()).map_or(incident, |merged| merged.into)
    }
}

pub(super) fn needs_of_merge(incident: IncidentId, into: IncidentId, facts: &Facts) -> Needs {
    let mut needs = Needs { incidents: [incident, into].into(), ..Needs::default() };
    if let Some(state) = facts.incident(incident) {
        needs.emergencies.extend(state.emergencies.iter().copied());
        needs.incidents.extend(state.absorbed.iter().copied());
    }
    needs
}

pub(super) fn needs_of_split(incident: IncidentId, alerts: &[AlertRef], facts: &Facts) -> Needs {
    let limit = usize::try_from(SPLIT_MAX).unwrap_or(usize::MAX);
    let mut needs = Needs { incidents: [incident].into(), alerts: alerts.iter().take(limit).cloned().collect(), ..Needs::default() };
    needs.alerts_of.insert(incident);
    needs.alerts_of.extend(facts.incident(incident).iter().flat_map(|state| state.absorbed.iter().copied()));
    needs.groups.extend(needs.alerts.iter().filter_map(|alert| facts.alert(alert)).map(|alert| alert.group.clone()));
    let first = alerts.first().and_then(|alert| facts.alert(alert));
    if let (Some(policy), Some(state)) = (facts.policy(), facts.incident(incident)) {
        let (service, environment) = place_of(policy, state, first);
        needs.groups.insert(group_of(&service, &environment));
    }
    crate::alert::decide::behind(&mut needs, facts);
    needs
}

pub(super) fn merge(
    permit: &Permit,
    facts: &Facts,
    policy: &Policy,
    (incident, into): (IncidentId, IncidentId),
    reason: &str,
) -> Result<Decision, Refusal> {
    let by = permit.person()?.clone();
    let (state, target) = (unresolved(facts, incident)?, unresolved(facts, into)?);
    if incident == into {
        return Err(Refusal::MergedWithItself { incident });
    }
    input::required("reason", reason, TEXT_CHARS_MAX)?;
    // What is kept elsewhere is merged by nobody here.
    if let Some(away) = [state, target].into_iter().find(|state| state.away.is_some()) {
        return Err(Refusal::IncidentAway { incident: away.id });
    }
    let open = state.emergencies.iter().filter_map(|id| facts.emergency(*id)).find(|emergency| !emergency.status.is_over());
    if let Some(emergency) = open {
        return Err(Refusal::MergedUnderException { incident, emergency: emergency.id });
    }
    if state.public.last().is_some_and(|post| post.state != PublicState::Resolved) {
        return Err(Refusal::StillPublic { incident });
    }
    input::at_most("merged", target.absorbed.len().saturating_add(state.absorbed.len()).saturating_add(1), ABSORBED_MAX)?;
    let event = MergeEvent::Merged {
        incident,
        into,
        with: state.absorbed.clone(),
        by,
        reason: reason.to_owned(),
        title: state.title.clone(),
        opened_at: state.opened_at,
        priority: state.priority,
        into_priority: target.priority,
        acknowledged: state.acknowledged.as_ref().map(|acknowledged| (acknowledged.by.clone(), acknowledged.at)),
        alerts: state.alerts,
    };
    let worse = (state.priority < target.priority).then_some(state.priority);
    // Whoever had the one that ends, and whoever followed its own announcements, would wait for news of it.
    let all: BTreeSet<PersonId> = hands(target).chain(hands(state)).cloned().collect();
    let posted = post(policy, into, Notice::IncidentMerged { incident, worse }, &[], all.into_iter().collect());
    let ended: BTreeSet<PersonId> = hands(state).cloned().collect();
    let told = post(policy, incident, Notice::MergedInto { into }, &[], ended.into_iter().collect());
    Ok(Decision::of(into, vec![Event::Merge(event), posted, told]))
}

/// Who has it, and who has a duty in it.
fn hands(state: &Incident) -> impl Iterator<Item = &PersonId> {
    state.acknowledged.iter().map(|acknowledged| &acknowledged.by).chain(state.duties.values())
}

/// What is split off.
pub(super) struct Part<'a> {
    pub incident: IncidentId,
    pub alerts: &'a [AlertRef],
    pub title: &'a str,
    pub reason: &'a str,
}

pub(super) fn split(permit: &Permit, facts: &Facts, policy: &Policy, part: &Part<'_>, now: Timestamp) -> Result<Decision, Refusal> {
    let by = permit.person()?.clone();
    let state = unresolved(facts, part.incident)?;
    input::required("title", part.title, TITLE_CHARS_MAX)?;
    input::required("reason", part.reason, TEXT_CHARS_MAX)?;
    let wanted: BTreeSet<&AlertRef> = part.alerts.iter().collect();
    if wanted.is_empty() {
        return Err(Refusal::TextMissing { field: "alerts".to_owned() });
    }
    input::at_most("alerts", part.alerts.len(), SPLIT_MAX)?;
    let mut moved: Vec<&Alert> = Vec::with_capacity(wanted.len());
    for alert in &wanted {
        let known = facts.alert(alert).filter(|known| known.incident.map(|id| facts.home(id)) == Some(state.id) && known.waits.is_none());
        moved.push(known.ok_or_else(|| Refusal::AlertElsewhere { incident: state.id, alert: alert.to_string() })?);
    }
    if !state.lives_without_alerts() && !keeps_any(facts, state, &wanted) {
        return Err(Refusal::SplitLeavesNone { incident: state.id });
    }
    let (service, environment) = place_of(policy, state, moved.first().copied());
    let detected_at = moved.iter().map(|alert| alert.since.unwrap_or(alert.fired_at)).min().unwrap_or(now).min(now);
    let new = NewIncident {
        title: part.title,
        summary: part.reason,
        service: &service,
        environment: &environment,
        triage: &state.triage,
        detected_at,
    };
    let mut decision = open(facts, policy, permit.actor(), &new, now);
    let Some(into) = decision.case else { return Err(Refusal::Stale) };
    let firing = u32::try_from(moved.iter().filter(|alert| alert.firing).count()).unwrap_or(u32::MAX);
    let (stays, goes) = ways(facts, policy, state, &moved, (service, environment));
    decision.events.push(Event::Merge(MergeEvent::Split {
        from: state.id,
        into,
        alerts: wanted.into_iter().cloned().collect(),
        firing,
        by,
        reason: part.reason.to_owned(),
        stays,
        goes,
    }));
    decision.events.push(post(policy, state.id, Notice::IncidentSplit { from: state.id, into }, &[], Vec::new()));
    if firing > 0 && state.alerts.firing <= firing && state.firing.is_empty() {
        decision.events.extend(cleared(facts, policy, state, (on_clear(policy, state), permit.actor()), 0, now));
    }
    Ok(decision)
}

/// Whether an alert stays that is not among those.
fn keeps_any(facts: &Facts, state: &Incident, wanted: &BTreeSet<&AlertRef>) -> bool {
    let mut all = std::iter::once(&state.id).chain(&state.absorbed).filter_map(|id| facts.alerts_of.get(id)).flatten();
    // One that an earlier command of the same batch has split off is not there any more.
    let here = |alert: &AlertRef| facts.alert(alert).is_none_or(|known| known.incident.map(|id| facts.home(id)) == Some(state.id));
    all.any(|alert| !wanted.contains(alert) && here(alert))
}

fn on_clear(policy: &Policy, state: &Incident) -> OnClear {
    let Actor::Source { source } = &state.opened_by else { return OnClear::Tell };
    policy.alerts.sources.get(source).map_or(OnClear::Tell, |source| source.on_clear)
}

/// Where new alerts of the same kind belong: they stay, unless their group came with a merge, or is of another place, and so goes back.
fn ways(facts: &Facts, policy: &Policy, state: &Incident, moved: &[&Alert], place: Place) -> (Option<Stays>, Vec<GroupKey>) {
    let goes = |key: &GroupKey, place: &Place| {
        let Some(group) = facts.group(key).filter(|group| facts.home(group.incident) == state.id) else { return false };
        *place != (state.service.clone(), state.environment.clone()) || state.absorbed.contains(&group.incident)
    };
    let own = group_of(&place.0, &place.1);
    let of_moved = moved.iter().filter(|alert| alert.group != own && goes(&alert.group, &place_of(policy, state, Some(alert))));
    let groups: BTreeSet<GroupKey> = of_moved.map(|alert| alert.group.clone()).collect();
    let kept = facts.group(&own).map(|group| facts.home(group.incident)).filter(|_| !goes(&own, &place));
    let (service, environment) = place;
    (kept.map(|incident| Stays { service, environment, incident }), groups.into_iter().collect())
}

/// Where the alerts are from, as their sender's routes say; without one, where the incident is.
fn place_of(policy: &Policy, state: &Incident, alert: Option<&Alert>) -> Place {
    let routed = alert.and_then(|alert| routed(policy.alerts.sources.get(&alert.alert.source)?, &as_signal(alert)));
    routed.map_or_else(|| (state.service.clone(), state.environment.clone()), |place| (place.service, place.environment))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a fold takes the events of its own area; the rest are other areas'")]
pub(crate) fn apply(facts: &mut Facts, event: &Event, at: Timestamp) {
    match event {
        Event::Merge(MergeEvent::Merged { incident, into, with, by, reason, .. }) => {
            merged(facts, (*incident, *into), with, &Merged { into: *into, by: by.clone(), at, reason: reason.clone() });
        }
        Event::Merge(MergeEvent::Split { from, into, alerts, firing, stays, goes, .. }) => {
            split_off(facts, (*from, *into), alerts, *firing);
            let stays = stays.iter().map(|stays| (group_of(&stays.service, &stays.environment), stays.incident));
            for (key, incident) in stays.chain(goes.iter().map(|key| (key.clone(), *into))) {
                facts.touched.groups.insert(key.clone());
                facts.groups.insert(key.clone(), Some(crate::alert::Group { key, incident }));
            }
        }
        _ => {}
    }
}

fn merged(facts: &mut Facts, (incident, into): (IncidentId, IncidentId), with: &[IncidentId], how: &Merged) {
    let mut firing = (AlertCount::default(), Vec::new());
    change(facts, incident, |state| {
        firing = (state.alerts, std::mem::take(&mut state.firing));
        state.alerts.firing = 0;
        state.absorbed.clear();
        state.closed_at = Some(how.at);
        state.merged = Some(how.clone());
    });
    for id in with {
        change(facts, *id, |state| {
            if let Some(merged) = &mut state.merged {
                merged.into = into;
            }
        });
    }
    change(facts, into, |state| {
        let (alerts, monitors) = firing;
        state.alerts.firing = state.alerts.firing.saturating_add(alerts.firing);
        state.alerts.fired = state.alerts.fired.saturating_add(alerts.fired);
        state.firing.extend(monitors);
        state.absorbed.push(incident);
        state.absorbed.extend(with);
    });
}

fn split_off(facts: &mut Facts, (from, into): (IncidentId, IncidentId), alerts: &[AlertRef], firing: u32) {
    for alert in alerts {
        if let Some(Some(state)) = facts.alerts.get_mut(alert) {
            state.incident = Some(into);
            state.apart = Some(into);
            facts.touched.alerts.insert(alert.clone());
        }
    }
    change(facts, from, |state| {
        state.alerts.firing = state.alerts.firing.saturating_sub(firing);
        state.split.push(into);
    });
    change(facts, into, |state| {
        state.alerts.firing = state.alerts.firing.saturating_add(firing);
        state.alerts.fired = state.alerts.fired.saturating_add(u32::try_from(alerts.len()).unwrap_or(u32::MAX));
        state.split_from = Some(from);
    });
}

fn change(facts: &mut Facts, id: IncidentId, how: impl FnOnce(&mut Incident)) {
    if let Some(Some(state)) = facts.incidents.get_mut(&id) {
        how(state);
        facts.touched.incidents.insert(id);
    }
}
