//! Where a signal goes: service, environment, triage and group, by the first route of its source that matches.

use std::collections::BTreeMap;

use super::silence::{Seen, SeenBy};
use super::{GroupKey, Phase, SIGNALS_MAX, Signal};
use crate::ids::{EnvironmentName, ServiceName, SourceName};
use crate::incident::Triage;
use crate::policy::{Policy, Source};

/// Where a signal goes.
#[derive(Debug, Clone, PartialEq)]
pub struct Routed {
    pub service: ServiceName,
    pub environment: EnvironmentName,
    pub triage: Triage,
    pub group: GroupKey,
}

/// `None`: the policy does not want it.
pub fn routed(source: &Source, signal: &Signal) -> Option<Routed> {
    let matches = |wanted: &BTreeMap<String, crate::policy::OneOf>| {
        wanted.iter().all(|(label, value)| signal.label(label).is_some_and(|given| value.has(given)))
    };
    let route = source.routes.iter().find(|route| matches(&route.matches));
    if route.is_some_and(|route| route.drop) {
        return None;
    }
    let service = route.and_then(|route| route.service.as_ref()).unwrap_or(&source.service);
    let environment = route.and_then(|route| route.environment.as_ref()).unwrap_or(&source.environment);
    let group_by = route.and_then(|route| route.group_by.as_ref()).unwrap_or(&source.group_by);
    let triage = Triage {
        impact: route.and_then(|route| route.impact).unwrap_or(source.impact),
        business: route.and_then(|route| route.business).unwrap_or(source.business),
        urgency: route.and_then(|route| route.urgency).unwrap_or(source.urgency),
        priority_override: None,
    };
    let place = group_of(service, environment);
    let values = group_by.iter().map(|label| signal.label(label).unwrap_or_default());
    let parts: Vec<&str> = std::iter::once(place.as_str()).chain(values).collect();
    Some(Routed { service: service.clone(), environment: environment.clone(), triage, group: GroupKey::of(&parts) })
}

/// The group of every alert of a service in an environment that nothing keeps apart.
pub(crate) fn group_of(service: &ServiceName, environment: &EnvironmentName) -> GroupKey {
    GroupKey::of(&[service.as_str(), environment.as_str()])
}

/// One report as commands: what fires in each is of one group, in the order in which it came. What the policy does not want is left out.
///
/// That an alert is over is always handed on: a sender may leave out then by what it was routed when it began. What holds others back comes
/// before them, wherever it stood: the whole report was sent at one moment.
pub fn split(policy: &Policy, name: &SourceName, source: &Source, mut signals: Vec<Signal>) -> Vec<Vec<Signal>> {
    if !policy.alerts.inhibit.is_empty() {
        signals.sort_by_key(|signal| !is_cause(policy, name, source, signal));
    }
    let mut places: BTreeMap<GroupKey, usize> = BTreeMap::new();
    let mut parts: Vec<Vec<Signal>> = Vec::new();
    for signal in signals {
        let group = match routed(source, &signal) {
            Some(routed) => routed.group,
            None if signal.phase == Phase::Firing => continue,
            None => group_of(&source.service, &source.environment),
        };
        let open = places.get(&group).and_then(|place| parts.get_mut(*place)).filter(|part| part.len() < SIGNALS_MAX);
        if let Some(part) = open {
            part.push(signal);
        } else {
            places.insert(group, parts.len());
            parts.push(vec![signal]);
        }
    }
    parts
}

fn is_cause(policy: &Policy, name: &SourceName, source: &Source, signal: &Signal) -> bool {
    let Some(place) = routed(source, signal) else { return false };
    let seen = Seen { service: &place.service, environment: &place.environment, of: SeenBy::Source(name, signal) };
    policy.alerts.inhibit.values().any(|rule| rule.when.fits(&seen))
}
