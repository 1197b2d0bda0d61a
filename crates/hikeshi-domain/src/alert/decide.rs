//! What follows from a report: an incident that is opened, joined or cleared (rule I10), and from an alert that stays or whose sender fell silent.
//!
//! The same words again change nothing, so a report may be sent as often as the sender likes.

mod follows;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::inhibit;
use super::route::{Routed, routed};
use super::silence::{self, Seen, SeenBy, Silence};
use super::{Alert, AlertEvent, AlertRef, AlertStep, Command, Fired, GroupKey, HowOver, Phase, SIGNALS_MAX, Signal, Waits};
use crate::channel::Notice;
use crate::decide::Decision;
use crate::event::Event;
use crate::facts::{Facts, Needs};
use crate::ids::{IncidentId, SilenceId, SourceName};
use crate::incident::decide::{NewIncident, no_open_emergency, open, post};
use crate::incident::escalation::is_unanswered;
use crate::incident::{Incident, Triage};
use crate::input;
use crate::page::decide::{self as page, Subject};
use crate::people::Actor;
use crate::permit::Permit;
use crate::policy::{OnClear, Policy};
use crate::postmortem;
use crate::refusal::Refusal;

/// Words that change at every measurement are recorded this often at most.
const CHANGES_APART: SignedDuration = SignedDuration::from_mins(5);
/// A person resolved the incident and the sender goes on: after this time that is a new incident.
pub(crate) const STILL_FIRING: SignedDuration = SignedDuration::from_mins(5);
/// A lease that moves by less than this part of what it promises is not written anew.
const LEASES_APART: i32 = 4;

pub fn needs(command: &Command, facts: &Facts) -> Needs {
    let Command::Report { source, signals } = command else { return Needs::default() };
    let alerts = signals.iter().take(SIGNALS_MAX).map(|signal| AlertRef { source: source.clone(), key: signal.key.clone() });
    let mut needs = Needs { alerts: alerts.collect(), ..Needs::default() };
    let declared = facts.policy().and_then(|policy| policy.alerts.sources.get(source));
    let firing = signals.iter().take(SIGNALS_MAX).filter(|signal| signal.phase == Phase::Firing);
    needs.groups = firing.filter_map(|signal| Some(routed(declared?, signal)?.group)).collect();
    behind(&mut needs, facts);
    inhibit::causes(&mut needs, facts);
    needs
}

pub fn needs_of(alert: &AlertRef, facts: &Facts) -> Needs {
    let mut needs = Needs { alerts: [alert.clone()].into(), ..Needs::default() };
    needs.groups.extend(facts.alert(alert).map(|state| state.group.clone()));
    behind(&mut needs, facts);
    inhibit::causes(&mut needs, facts);
    needs
}

/// The incidents of what is named already, and their exceptions.
pub(crate) fn behind(needs: &mut Needs, facts: &Facts) {
    let known = needs.alerts.iter().filter_map(|alert| facts.alert(alert));
    let of_alerts = known.flat_map(|alert| [alert.incident, alert.apart]).flatten();
    let of_groups = needs.groups.iter().filter_map(|key| Some(facts.group(key)?.incident));
    let named: std::collections::BTreeSet<IncidentId> = of_alerts.chain(of_groups).chain(needs.incidents.iter().copied()).collect();
    let incidents: std::collections::BTreeSet<IncidentId> = named.iter().flat_map(|id| [*id, facts.home(*id)]).collect();
    needs.emergencies.extend(incidents.iter().filter_map(|id| facts.incident(*id)).flat_map(|state| state.emergencies.iter().copied()));
    needs.incidents.extend(incidents);
}

pub fn decide(permit: &Permit, facts: &Facts, command: &Command, now: Timestamp) -> Result<Decision, Refusal> {
    let policy = facts.policy().ok_or(Refusal::UnknownActor)?;
    match command {
        Command::Report { source, signals } => report(permit, facts, policy, (source, signals), now),
        Command::Silence { covers, from, minutes, reason, public } => {
            silence::make(permit, facts, policy, covers, (*from, *minutes), (reason, public.as_ref()), now)
        }
        Command::Unsilence { silence } => silence::lift(permit, facts, *silence),
    }
}

fn report(
    permit: &Permit,
    facts: &Facts,
    policy: &Policy,
    (source, signals): (&SourceName, &[Signal]),
    now: Timestamp,
) -> Result<Decision, Refusal> {
    if !matches!(permit.actor(), Actor::Source { source: own } if own == source) {
        return Err(Refusal::UnknownActor);
    }
    let declared = policy.alerts.sources.get(source).ok_or(Refusal::Stale)?;
    input::at_most("signals", signals.len(), u32::try_from(SIGNALS_MAX).unwrap_or(u32::MAX))?;
    let placed: Vec<(&Signal, Option<Routed>)> = signals.iter().map(|signal| (signal, routed(declared, signal))).collect();
    let firing = placed.iter().filter(|(signal, _)| signal.phase == Phase::Firing);
    let mut groups = firing.filter_map(|(_, place)| place.as_ref()).map(|place| &place.group);
    let group = groups.next();
    // The policy has changed since the report was divided; divided anew it will fit.
    if groups.any(|other| Some(other) != group) {
        return Err(Refusal::Stale);
    }
    let mut turn = Turn::of(facts, policy, permit.actor(), group, now);
    for (signal, place) in &placed {
        turn.take(source, &(*signal).clone().bounded(), place.as_ref());
    }
    turn.clear(declared.on_clear);
    Ok(turn.decision)
}

/// A flapping alert that has gone on firing opens an incident after all.
pub fn settles(facts: &Facts, alert: &AlertRef, now: Timestamp) -> Result<Decision, Refusal> {
    let policy = facts.policy().ok_or(Refusal::Stale)?;
    let state = facts.alert(alert).ok_or(Refusal::Stale)?;
    let due = crate::timer::of_alert(state, policy).iter().any(|timer| timer.due_at <= now);
    let declared = policy.alerts.sources.get(&alert.source).ok_or(Refusal::Stale)?;
    let place = routed(declared, &as_signal(state)).filter(|_| due).ok_or(Refusal::Stale)?;
    let actor = Actor::Source { source: alert.source.clone() };
    let mut turn = Turn::of(facts, policy, &actor, Some(&state.group), now);
    match turn.silenced(&alert.source, &as_signal(state), &place) {
        Some(silence) => turn.event(alert, state.title.clone(), None, AlertStep::Silenced { silence }),
        None => turn.raise(state, &place),
    }
    Ok(turn.decision)
}

/// The sender of an alert has fallen silent, which for this sender means that it is over.
pub fn lapses(facts: &Facts, alert: &AlertRef, now: Timestamp) -> Result<Decision, Refusal> {
    let policy = facts.policy().ok_or(Refusal::Stale)?;
    let state = facts.alert(alert).filter(|state| state.firing).ok_or(Refusal::Stale)?;
    if facts.leases.get(alert).copied().or(state.lapses_at).is_none_or(|until| until > now) {
        return Err(Refusal::Stale);
    }
    let actor = Actor::Source { source: alert.source.clone() };
    let mut turn = Turn::of(facts, policy, &actor, Some(&state.group), now);
    turn.over(state, HowOver::Lapsed);
    turn.clear(policy.alerts.sources.get(&alert.source).map_or(OnClear::Tell, |source| source.on_clear));
    Ok(turn.decision)
}

/// The words of an alert as its sender last said them, to be routed anew.
pub(crate) fn as_signal(state: &Alert) -> Signal {
    let mut signal = Signal::new(state.alert.key.as_str(), Phase::Firing, &state.title);
    signal.severity = state.severity;
    signal.labels.clone_from(&state.labels);
    signal
}

/// One report on its way: what its earlier signals have decided counts for the later ones.
pub(crate) struct Turn<'a> {
    facts: &'a Facts,
    policy: &'a Policy,
    actor: &'a Actor,
    now: Timestamp,
    /// Alerts as this turn has changed them; only what later signals of the same turn ask for.
    firing: BTreeMap<AlertRef, Option<IncidentId>>,
    over: std::collections::BTreeSet<AlertRef>,
    /// The unresolved incident of the group, and how it stands by now.
    incident: Option<Joined>,
    /// Incidents of alerts that were split off, as this turn has changed them.
    apart: BTreeMap<IncidentId, Joined>,
    cleared: BTreeMap<IncidentId, u32>,
    /// Silences that rules have made of what this turn has heard.
    made: Vec<Silence>,
    pub decision: Decision,
}

#[derive(Clone)]
struct Joined {
    id: IncidentId,
    triage: Triage,
    joined: u32,
    fresh: bool,
}

impl Joined {
    fn of(state: &Incident) -> Self {
        Self { id: state.id, triage: state.triage.clone(), joined: 0, fresh: false }
    }
}

impl<'a> Turn<'a> {
    pub fn of(facts: &'a Facts, policy: &'a Policy, actor: &'a Actor, group: Option<&GroupKey>, now: Timestamp) -> Self {
        let state = group
            .and_then(|group| facts.group(group))
            .and_then(|group| facts.incident(facts.home(group.incident)))
            .filter(|state| is_open(state));
        let incident = state.map(Joined::of);
        Self {
            facts,
            policy,
            actor,
            now,
            firing: BTreeMap::new(),
            over: std::collections::BTreeSet::new(),
            decision: Decision { case: incident.as_ref().map(|joined| joined.id), ..Decision::default() },
            incident,
            apart: BTreeMap::new(),
            cleared: BTreeMap::new(),
            made: Vec::new(),
        }
    }

    fn take(&mut self, source: &SourceName, signal: &Signal, place: Option<&Routed>) {
        let alert = AlertRef { source: source.clone(), key: signal.key.clone() };
        self.beside(&alert.clone(), |turn| turn.takes(alert, signal, place));
    }

    /// What was split off belongs to its own incident while that burns, whatever becomes of its group.
    fn beside(&mut self, alert: &AlertRef, act: impl FnOnce(&mut Self)) {
        let facts = self.facts;
        let apart = facts.alert(alert).and_then(|state| state.apart).and_then(|id| facts.incident(facts.home(id)));
        let group = self.incident.as_ref().map(|joined| joined.id);
        let Some(state) = apart.filter(|state| is_open(state) && group != Some(state.id)) else { return act(self) };
        if self.decision.events.is_empty() {
            self.decision.case = Some(state.id);
        }
        let own = self.apart.remove(&state.id).unwrap_or_else(|| Joined::of(state));
        let kept = self.incident.replace(own);
        act(self);
        if let Some(own) = std::mem::replace(&mut self.incident, kept) {
            self.apart.insert(own.id, own);
        }
    }

    fn takes(&mut self, alert: AlertRef, signal: &Signal, place: Option<&Routed>) {
        let state = self.facts.alert(&alert);
        if is_overtaken(state, signal, self.now) {
            return;
        }
        let fires = !self.over.contains(&alert) && (self.firing.contains_key(&alert) || state.is_some_and(|state| state.firing));
        let lapsed = signal.lapses_at.is_some_and(|until| until <= self.now);
        match (signal.phase, place) {
            (Phase::Firing, Some(place)) if !lapsed => {
                self.lease(&alert, signal);
                match state.filter(|state| fires && state.firing) {
                    Some(state) => self.again(state, signal, place),
                    None if !fires && !is_late(state, signal) => self.fires(alert, signal, place),
                    None => {}
                }
            }
            // Nobody has heard of it: there is nothing to have in hand.
            (Phase::Acknowledged, _) => {
                if fires && !state.is_some_and(|state| state.acknowledged) {
                    let incident = self.incident_of(&alert);
                    let title = self.title_of(&alert, signal);
                    self.decision.case = self.decision.case.or(incident);
                    self.event(&alert, title, incident, AlertStep::Acknowledged);
                }
            }
            (Phase::Firing, None) if !lapsed => {}
            (Phase::Firing | Phase::Resolved, _) => {
                if fires {
                    let incident = self.incident_of(&alert);
                    let title = self.title_of(&alert, signal);
                    self.ends(&alert, title, incident, (HowOver::Told, self.said(signal)));
                }
            }
        }
    }

    /// A clock ahead of ours must not make all that comes later old.
    fn said(&self, signal: &Signal) -> Option<Timestamp> {
        signal.said_at.map(|at| at.min(self.now))
    }

    /// As it was called when it began: at its end a sender may call it otherwise, or nothing.
    fn title_of(&self, alert: &AlertRef, signal: &Signal) -> String {
        self.facts.alert(alert).map_or_else(|| signal.title.clone(), |state| state.title.clone())
    }

    fn incident_of(&self, alert: &AlertRef) -> Option<IncidentId> {
        match self.firing.get(alert) {
            Some(incident) => *incident,
            None => {
                let state = self.facts.alert(alert).filter(|state| state.waits.is_none());
                state.and_then(|state| state.incident).map(|id| self.facts.home(id))
            }
        }
    }

    /// Kept beside the ledger: a sender repeats itself every minute, and that it did is no news.
    fn lease(&mut self, alert: &AlertRef, signal: &Signal) {
        let Some(until) = signal.lapses_at else { return };
        let apart = until.duration_since(self.now) / LEASES_APART;
        let known = self.facts.leases.get(alert);
        if known.is_none_or(|known| until.duration_since(*known).abs() >= apart) {
            self.decision.leased.push((alert.clone(), until));
        }
    }

    fn fires(&mut self, alert: AlertRef, signal: &Signal, place: &Routed) {
        let flapping = self.incident.is_none() && self.flaps(&alert);
        let silence = self.silenced(&alert.source, signal, place);
        let waits = silence.map(|silence| Waits::Silenced { silence }).or(flapping.then_some(Waits::Flapping));
        let incident = if waits.is_some() { None } else { self.join(&signal.title, &signal.summary, signal.since, place) };
        let fired = Fired {
            group: place.group.clone(),
            summary: signal.summary.clone(),
            severity: signal.severity,
            labels: signal.labels.clone(),
            link: signal.link.clone(),
            since: signal.since,
            lapses_at: signal.lapses_at,
            waits,
            said_at: self.said(signal),
        };
        self.over.remove(&alert);
        self.firing.insert(alert.clone(), incident);
        self.event(&alert, signal.title.clone(), incident, AlertStep::Fired(Box::new(fired)));
        self.grows();
        self.inhibits(alert, signal, place, None);
    }

    /// What fires already, and is said again.
    fn again(&mut self, state: &Alert, signal: &Signal, place: &Routed) {
        let incident = state.incident.map(|id| self.facts.home(id));
        if let Some(said_at) = self.said(signal).filter(|said_at| Some(*said_at) > state.said_at) {
            self.event(&state.alert, state.title.clone(), incident, AlertStep::Again { said_at });
        }
        let other = state.severity != signal.severity;
        let words = state.title != signal.title || state.summary != signal.summary;
        let old = self.now.duration_since(state.told_at) >= CHANGES_APART;
        if other || (words && old) {
            let step = AlertStep::Changed { summary: signal.summary.clone(), severity: signal.severity };
            self.event(&state.alert, signal.title.clone(), incident, step);
            if self.incident.is_some() && self.silenced(&state.alert.source, signal, place).is_none() {
                self.worsen(place);
            }
        }
        if other {
            self.follows_anew(state, signal, place);
        }
        let resolved_at =
            incident.and_then(|id| self.facts.incident(id)).and_then(|incident| incident.resolved.as_ref()).map(|resolved| resolved.at);
        let goes_on = resolved_at.is_some_and(|at| self.now.duration_since(at) >= STILL_FIRING);
        let waits = state.waits.is_some() || self.silenced(&state.alert.source, signal, place).is_some();
        if goes_on && !waits && !self.firing.contains_key(&state.alert) {
            self.raise(state, place);
        }
    }

    fn silenced(&self, source: &SourceName, signal: &Signal, place: &Routed) -> Option<SilenceId> {
        let seen = Seen { service: &place.service, environment: &place.environment, of: SeenBy::Source(source, signal) };
        silence::over(self.facts, self.policy, &self.made, &seen, self.now)
    }

    /// It has come and gone too often lately.
    fn flaps(&self, alert: &AlertRef) -> bool {
        let rule = &self.policy.alerts.flapping;
        let window = SignedDuration::from_mins(i64::from(rule.within_min));
        let lately =
            self.facts.alert(alert).map_or(0, |state| state.firings.iter().filter(|at| self.now.duration_since(**at) <= window).count());
        rule.fires > 0 && u32::try_from(lately.saturating_add(1)).unwrap_or(u32::MAX) >= rule.fires
    }

    /// The incident of this group: the one that burns, or a new one.
    pub fn join(&mut self, title: &str, summary: &str, since: Option<Timestamp>, place: &Routed) -> Option<IncidentId> {
        if self.incident.is_some() {
            self.worsen(place);
        } else {
            self.open(title, summary, since, place);
        }
        let joined = self.incident.as_mut()?;
        joined.joined += 1;
        Some(joined.id)
    }

    fn open(&mut self, title: &str, summary: &str, since: Option<Timestamp>, place: &Routed) {
        let service = self.policy.services.get(&place.service).map_or(place.service.as_str(), |service| service.name.as_str());
        let title: String = format!("{service}: {title}").chars().take(200).collect();
        let new = NewIncident {
            title: &title,
            summary,
            service: &place.service,
            environment: &place.environment,
            triage: &place.triage,
            detected_at: since.unwrap_or(self.now).min(self.now),
        };
        let opened = open(self.facts, self.policy, self.actor, &new, self.now);
        self.decision.events.extend(opened.events);
        self.decision.effects.extend(opened.effects);
        self.decision.made = opened.made;
        self.decision.case = opened.case;
        self.incident = opened.case.map(|id| Joined { id, triage: place.triage.clone(), joined: 0, fresh: true });
    }

    /// An alert that is worse than its incident makes it worse. What a person has judged stands.
    fn worsen(&mut self, place: &Routed) {
        let Some(joined) = &mut self.incident else { return };
        let (before, after) = (joined.triage.priority(self.policy), place.triage.priority(self.policy));
        if joined.triage.priority_override.is_some() || after >= before {
            return;
        }
        joined.triage = place.triage.clone();
        let incident = joined.id;
        let serious = &self.policy.emergency.serious;
        let roles =
            if serious.contains(&after) && !serious.contains(&before) { self.policy.incident.serious_at_once.clone() } else { Vec::new() };
        self.decision.events.push(Event::IncidentTriaged { incident, triage: place.triage.clone(), priority: after });
        self.decision.events.push(post(self.policy, incident, Notice::PriorityChanged { priority: after }, &roles, Vec::new()));
        if let Some(state) = self.facts.incident(incident).filter(|state| is_unanswered(state)) {
            let subject = Subject { priority: after, ..Subject::of(state) };
            page::call(&mut self.decision, self.policy, &subject, 0, &self.policy.people_with(&roles));
        }
    }

    /// A storm is told of at 10, 100, 1,000: what the first alert said is not how it stands any more.
    fn grows(&mut self) {
        let Some(joined) = &self.incident else { return };
        let before = if joined.fresh { 0 } else { self.facts.incident(joined.id).map_or(0, |state| state.alerts.fired) };
        let fired = before.saturating_add(joined.joined);
        if fired >= 10 && fired.to_string().trim_end_matches('0') == "1" {
            let id = joined.id;
            self.decision.events.push(post(self.policy, id, Notice::AlertsGrow { fired }, &[], Vec::new()));
        }
    }

    pub fn raise(&mut self, state: &Alert, place: &Routed) {
        self.beside(&state.alert, |turn| turn.raises(state, place));
    }

    fn raises(&mut self, state: &Alert, place: &Routed) {
        let incident = self.join(&state.title, &state.summary, None, place);
        self.firing.insert(state.alert.clone(), incident);
        self.event(&state.alert, state.title.clone(), incident, AlertStep::Raised);
    }

    fn over(&mut self, state: &Alert, how: HowOver) {
        let incident = self.incident_of(&state.alert);
        self.ends(&state.alert, state.title.clone(), incident, (how, None));
    }

    fn ends(&mut self, alert: &AlertRef, title: String, incident: Option<IncidentId>, (how, said_at): (HowOver, Option<Timestamp>)) {
        self.firing.remove(alert);
        self.over.insert(alert.clone());
        if let Some(id) = incident {
            *self.cleared.entry(id).or_default() += 1;
            self.decision.case = self.decision.case.or(incident);
        }
        self.event(alert, title, incident, AlertStep::Over { how, said_at });
        self.causes_no_more(alert);
    }

    pub fn event(&mut self, alert: &AlertRef, title: String, incident: Option<IncidentId>, step: AlertStep) {
        self.decision.events.push(Event::Alert(AlertEvent { alert: alert.clone(), title, incident, step }));
    }

    /// Incidents whose last alert is over.
    fn clear(&mut self, on_clear: OnClear) {
        for (id, ended) in std::mem::take(&mut self.cleared) {
            let Some(state) = self.facts.incident(id).filter(|state| is_open(state)) else { continue };
            let joined = self.incident.iter().chain(self.apart.values()).find(|joined| joined.id == id).map_or(0, |joined| joined.joined);
            if state.alerts.firing.saturating_add(joined) > ended {
                continue;
            }
            // More than one incident may end with one report.
            let raised = self.decision.events.iter().filter(|event| matches!(event, Event::ObligationRaised { .. })).count();
            let raised = u64::try_from(raised).unwrap_or(u64::MAX);
            self.decision.events.extend(cleared(self.facts, self.policy, state, (on_clear, self.actor), raised, self.now));
        }
    }
}

/// No alert of it fires any more: what alerts have opened is resolved, unless it is kept open by something else.
pub(crate) fn cleared(
    facts: &Facts,
    policy: &Policy,
    state: &Incident,
    (on_clear, by): (OnClear, &Actor),
    raised: u64,
    now: Timestamp,
) -> Vec<Event> {
    let theirs = matches!(state.opened_by, Actor::Source { .. });
    let resolves = theirs && on_clear == OnClear::Resolve && state.firing.is_empty() && no_open_emergency(facts, state).is_ok();
    let resolved = Event::IncidentResolved { incident: state.id, by: by.clone(), what: String::new() };
    let mut events: Vec<Event> = resolves.then_some(resolved).into_iter().collect();
    events.push(post(policy, state.id, Notice::AlertsClear { resolved: resolves }, &[], Vec::new()));
    if resolves {
        events.extend(postmortem::decide::owe(facts, state, raised, now));
    }
    events
}

pub(crate) fn is_open(state: &Incident) -> bool {
    state.resolved.is_none() && state.closed_at.is_none() && state.away.is_none()
}

/// The sender has written something later about it that has come already: this was overtaken on its way.
fn is_overtaken(state: Option<&Alert>, signal: &Signal, now: Timestamp) -> bool {
    let newest = state.and_then(|state| state.said_at);
    signal.said_at.map(|at| at.min(now)).is_some_and(|said_at| newest.is_some_and(|newest| said_at < newest))
}

/// A report of a firing that is known to be over, which was only slow to arrive. What lapsed may still be going on.
fn is_late(state: Option<&Alert>, signal: &Signal) -> bool {
    state.is_some_and(|state| {
        let told = state.over.is_some_and(|over| over.how == HowOver::Told);
        !state.firing && told && signal.since.is_some() && signal.since == state.since
    })
}
