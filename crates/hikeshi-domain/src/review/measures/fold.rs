//! The fold of entries into the sums of months. Kept in memory are the incidents that burn and the sums, never the entries.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::tally::{Goal, Tally};
use super::{NIGHT_FROM_H, NIGHT_UNTIL_H};
use crate::alert::inhibit::By;
use crate::alert::silence::SilenceStep;
use crate::alert::{AlertStep, Waits};
use crate::event::Event;
use crate::ids::{IncidentId, MonitorName, ObligationId, PersonId};
use crate::incident::{Incident, MergeEvent, Priority, Stage};
use crate::ledger::{Entry, EntryResult};
use crate::monitor::MonitorStep;
use crate::obligation::Kind;
use crate::offline::OfflineEvent;
use crate::oncall::is_holiday;
use crate::page::Paged;
use crate::people::Actor;
use crate::policy::{IncidentPolicy, Policy};
use crate::review::Month;

/// Where the national holidays of Japan are days off.
const JAPAN: &str = "Asia/Tokyo";

/// Folds all entries of a ledger, in their order.
#[derive(Debug, Clone)]
pub struct Measured {
    zone: TimeZone,
    rules: IncidentPolicy,
    burning: BTreeMap<IncidentId, Burning>,
    /// Postmortems that are owed.
    postmortems: BTreeSet<ObligationId>,
    months: BTreeMap<Month, Tally>,
}

/// An incident that is not resolved.
#[derive(Debug, Clone)]
struct Burning {
    /// When and as what it was counted.
    counted: (Timestamp, Priority),
    detected_at: Timestamp,
    priority: Priority,
    /// From when on the targets are those of this priority and of these rules.
    judged_since: Timestamp,
    acknowledged: bool,
    mitigated: bool,
    act_judged: bool,
    restore_judged: bool,
    by_program: bool,
    /// The alert that opened it has not been counted yet.
    opener: bool,
    acted: bool,
    firing: u32,
    failing: BTreeSet<MonitorName>,
    over_by_itself: bool,
    called: BTreeSet<(u32, PersonId)>,
}

impl Burning {
    fn new(detected_at: Timestamp, priority: Priority, by: &Actor, at: Timestamp) -> Self {
        Self {
            counted: (at, priority),
            detected_at,
            priority,
            judged_since: at,
            acknowledged: false,
            mitigated: false,
            act_judged: false,
            restore_judged: false,
            by_program: matches!(by, Actor::Source { .. } | Actor::Monitor { .. }),
            opener: matches!(by, Actor::Source { .. }),
            acted: false,
            firing: 0,
            failing: BTreeSet::new(),
            over_by_itself: false,
            called: BTreeSet::new(),
        }
    }

    fn waits_for(&self, goal: Goal) -> bool {
        match goal {
            Goal::Acknowledge => !self.acknowledged,
            Goal::Mitigate => !self.mitigated,
            Goal::Resolve => true,
        }
    }
}

/// What is decided about the targets of one incident.
struct Missed {
    act: Option<Timestamp>,
    restore: Option<Timestamp>,
}

fn missed(of: &Burning, rules: &IncidentPolicy, until: Timestamp) -> Missed {
    let row = rules.priorities.get(&of.priority);
    let past = |within_min: u32| {
        let due_at = of.detected_at.checked_add(SignedDuration::from_mins(i64::from(within_min))).unwrap_or(Timestamp::MAX);
        (within_min > 0 && due_at < until).then(|| due_at.max(of.judged_since))
    };
    Missed {
        act: row.filter(|_| !of.act_judged).and_then(|row| past(row.act_within_min)),
        restore: row.filter(|_| !of.restore_judged).and_then(|row| past(row.restore_within_min)),
    }
}

impl Measured {
    /// `zone`: by whose calendar months, nights and days off are told.
    pub fn new(zone: TimeZone) -> Self {
        Self { zone, rules: IncidentPolicy::default(), burning: BTreeMap::new(), postmortems: BTreeSet::new(), months: BTreeMap::new() }
    }

    pub fn of_policy(policy: &Policy) -> Self {
        Self::new(policy.zone())
    }

    pub fn add(&mut self, entry: &Entry) {
        let EntryResult::Done { events, .. } = &entry.result else { return };
        for event in events {
            self.note(event, entry.at);
        }
        let acted = entry.case.filter(|_| entry.actor.as_person().is_some());
        if let Some(burning) = acted.and_then(|case| self.burning.get_mut(&case)) {
            burning.acted = true;
        }
    }

    /// With the targets that were passed by then and that no later entry has told of.
    pub(super) fn tallies(&self, at: Timestamp) -> BTreeMap<Month, Tally> {
        let mut tallies = self.months.clone();
        for burning in self.burning.values() {
            let missed = missed(burning, &self.rules, at);
            for (when, act) in [(missed.act, true), (missed.restore, false)] {
                let Some(when) = when else { continue };
                let row = tallies.entry(Month::of(when, &self.zone)).or_default().row_mut(burning.priority);
                if act { row.act.missed += 1 } else { row.restore.missed += 1 }
            }
        }
        tallies
    }

    fn tally(&mut self, at: Timestamp) -> &mut Tally {
        self.months.entry(Month::of(at, &self.zone)).or_default()
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "a fold takes the events that it counts")]
    fn note(&mut self, event: &Event, at: Timestamp) {
        match event {
            Event::PolicyAdopted { policy, .. } => self.adopted(policy, at),
            Event::IncidentOpened { incident, priority, opened_by, detected_at, .. } => {
                self.opened(*incident, Burning::new(*detected_at, *priority, opened_by, at), at);
            }
            Event::IncidentTriaged { incident, priority, .. } => self.triaged(*incident, *priority, at),
            Event::IncidentAcknowledged { incident, .. } => self.comes_to(*incident, Goal::Acknowledge, at, at),
            Event::IncidentMoved { incident, to, .. } if *to > Stage::Mitigation => self.comes_to(*incident, Goal::Mitigate, at, at),
            Event::IncidentResolved { incident, by, .. } => {
                let quiet = self.burning.get(incident).is_some_and(|burning| !burning.acted) && by.as_person().is_none();
                self.tally(at).noise.without_act += u64::from(quiet);
                if by.as_person().is_none() {
                    self.over_by_itself(*incident, at);
                }
                self.comes_to(*incident, Goal::Mitigate, at, at);
                self.comes_to(*incident, Goal::Resolve, at, at);
            }
            Event::Merge(event) => self.merge(event, at),
            Event::Offline(event) => self.offline(event, at),
            Event::Page(event) => {
                if let Paged::Queued { .. } = event.what {
                    self.called(event.incident, event.step, &event.person, at);
                }
            }
            Event::Alert(event) => self.alert(event.incident, &event.step, at),
            Event::Monitor(event) => self.monitor(event.incident, &event.monitor, &event.step, at),
            Event::Silence(event) => match &event.step {
                SilenceStep::Made { made } => self.tally(at).noise.silences += u64::from(matches!(made.by, By::Person(_))),
                SilenceStep::Lifted { by } => self.tally(at).noise.lifted += u64::from(matches!(by, By::Person(_))),
                SilenceStep::Looked | SilenceStep::Ended => {}
            },
            Event::ObligationRaised { obligation } if obligation.kind == Kind::Postmortem => {
                self.postmortems.insert(obligation.id);
            }
            Event::ObligationDone { obligation, .. } => {
                self.postmortems.remove(obligation);
            }
            Event::ObligationWaived { obligation, .. } => {
                let known = self.postmortems.remove(obligation);
                self.tally(at).noise.not_needed += u64::from(known);
            }
            _ => {}
        }
    }

    /// What was due by the old rules is judged by them; what is due later by the new ones.
    fn adopted(&mut self, policy: &Policy, at: Timestamp) {
        let ids: Vec<IncidentId> = self.burning.keys().copied().collect();
        for id in ids {
            self.judge(id, at);
        }
        self.burning.values_mut().for_each(|burning| burning.judged_since = at);
        self.rules = policy.incident.clone();
    }

    fn opened(&mut self, id: IncidentId, burning: Burning, at: Timestamp) {
        if self.burning.contains_key(&id) {
            return;
        }
        let tally = self.tally(at);
        tally.noise.opened_by_programs += u64::from(burning.by_program);
        let row = tally.row_mut(burning.priority);
        row.opened += 1;
        for goal in Goal::ALL {
            row.waits(goal, 1);
        }
        self.burning.insert(id, burning);
    }

    /// What has become part of another one was none of its own. What it took until somebody acknowledged it was measured, and stays.
    fn merge(&mut self, event: &MergeEvent, at: Timestamp) {
        match event {
            MergeEvent::Merged { incident, into, .. } => {
                // What it had missed by then stays missed.
                self.judge(*incident, at);
                let Some(gone) = self.burning.remove(incident) else { return };
                let (opened_at, opened_as) = gone.counted;
                let tally = self.tally(opened_at);
                tally.noise.opened_by_programs = tally.noise.opened_by_programs.saturating_sub(u64::from(gone.by_program));
                let row = tally.row_mut(opened_as);
                row.opened = row.opened.saturating_sub(1);
                for goal in Goal::ALL.into_iter().filter(|goal| gone.waits_for(*goal)) {
                    self.tally(at).row_mut(gone.priority).waits(goal, -1);
                }
                if let Some(target) = self.burning.get_mut(into) {
                    target.firing += gone.firing;
                    target.failing.extend(gone.failing);
                }
            }
            MergeEvent::Split { from, into, firing, .. } => {
                for (id, more, fewer) in [(from, 0, *firing), (into, *firing, 0)] {
                    if let Some(burning) = self.burning.get_mut(id) {
                        burning.firing = burning.firing.saturating_add(more).saturating_sub(fewer);
                    }
                }
            }
        }
    }

    fn triaged(&mut self, id: IncidentId, priority: Priority, at: Timestamp) {
        self.judge(id, at);
        let Some(burning) = self.burning.get_mut(&id).filter(|burning| burning.priority != priority) else { return };
        let before = std::mem::replace(&mut burning.priority, priority);
        burning.judged_since = at;
        let goals = Goal::ALL.map(|goal| (goal, burning.waits_for(goal)));
        let tally = self.tally(at);
        for (goal, _) in goals.into_iter().filter(|(_, waits)| *waits) {
            tally.row_mut(before).waits(goal, -1);
            tally.row_mut(priority).waits(goal, 1);
        }
    }

    /// Targets that were passed before this time are missed, whatever comes later.
    fn judge(&mut self, id: IncidentId, until: Timestamp) {
        let Some(burning) = self.burning.get_mut(&id) else { return };
        let (missed, priority) = (missed(burning, &self.rules, until), burning.priority);
        burning.act_judged |= missed.act.is_some();
        burning.restore_judged |= missed.restore.is_some();
        if let Some(when) = missed.act {
            self.tally(when).row_mut(priority).act.missed += 1;
        }
        if let Some(when) = missed.restore {
            self.tally(when).row_mut(priority).restore.missed += 1;
        }
    }

    /// The incident has come to this, at a time which the ledger learns of now.
    fn comes_to(&mut self, id: IncidentId, goal: Goal, when: Timestamp, at: Timestamp) {
        self.judge(id, when);
        let Some(burning) = self.burning.get_mut(&id).filter(|burning| burning.waits_for(goal)) else { return };
        let (priority, seconds) = (burning.priority, when.duration_since(burning.detected_at).as_secs());
        let targets = self.rules.priorities.get(&priority);
        let (mut acted, mut restored) = (false, false);
        match goal {
            Goal::Acknowledge => {
                burning.acknowledged = true;
                acted = !burning.act_judged && targets.is_some_and(|row| row.act_within_min > 0);
                burning.act_judged = true;
            }
            Goal::Mitigate => burning.mitigated = true,
            Goal::Resolve => restored = !burning.restore_judged && targets.is_some_and(|row| row.restore_within_min > 0),
        }
        // Nobody can acknowledge any more what is resolved.
        let unanswered = goal == Goal::Resolve && !burning.acknowledged;
        if goal == Goal::Resolve {
            self.burning.remove(&id);
        }
        let row = self.tally(at).row_mut(priority);
        row.spent(goal).take(seconds);
        row.waits(goal, -1);
        if unanswered {
            row.waits(Goal::Acknowledge, -1);
        }
        row.act.met += u64::from(acted);
        row.restore.met += u64::from(restored);
    }

    /// What was carried out while the server was away is counted when it is heard of here.
    fn offline(&mut self, event: &OfflineEvent, at: Timestamp) {
        let known = |state: &Incident| Burning::new(state.detected_at, state.priority, &state.opened_by, at);
        match event {
            OfflineEvent::Announced { incident } => self.opened(incident.id, known(incident), at),
            OfflineEvent::Late { .. } => {}
            OfflineEvent::Reconciled { incident, .. } => {
                self.opened(incident.id, known(incident), at);
                self.triaged(incident.id, incident.priority, at);
                let acknowledged = incident.acknowledged.as_ref().map(|acknowledged| acknowledged.at);
                let resolved = incident.resolved.as_ref().map(|resolved| resolved.at);
                let came = [(Goal::Acknowledge, acknowledged), (Goal::Mitigate, incident.mitigated_at), (Goal::Resolve, resolved)];
                for (goal, when) in came.into_iter().filter_map(|(goal, when)| Some((goal, when?))) {
                    self.comes_to(incident.id, goal, when, at);
                }
            }
        }
    }

    fn called(&mut self, id: IncidentId, step: u32, person: &PersonId, at: Timestamp) {
        let first = self.burning.get_mut(&id).is_some_and(|burning| burning.called.insert((step, person.clone())));
        let local = at.to_zoned(self.zone.clone());
        let early = local.hour() < NIGHT_UNTIL_H;
        let night = early || local.hour() >= NIGHT_FROM_H;
        let date = local.date();
        let weekend = matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday);
        let day_off = weekend || (self.zone.iana_name() == Some(JAPAN) && is_holiday(date));
        let calls = self.tally(at).calls.entry(person.clone()).or_default();
        calls.attempts += 1;
        if !first {
            return;
        }
        calls.pages += 1;
        calls.night += u64::from(night);
        calls.day_off += u64::from(day_off);
        if night {
            calls.nights.extend(if early { date.yesterday().ok() } else { Some(date) });
        }
    }

    fn alert(&mut self, incident: Option<IncidentId>, step: &AlertStep, at: Timestamp) {
        match step {
            AlertStep::Fired(fired) => {
                let noise = &mut self.tally(at).noise;
                noise.alerts += 1;
                match fired.waits {
                    Some(Waits::Flapping) => noise.flapping += 1,
                    Some(Waits::Silenced { .. }) => noise.silenced += 1,
                    None => self.belongs(incident, at),
                }
            }
            AlertStep::Raised => self.belongs(incident, at),
            AlertStep::Over { .. } => {
                let Some((id, burning)) = incident.and_then(|id| Some((id, self.burning.get_mut(&id)?))) else { return };
                burning.firing = burning.firing.saturating_sub(1);
                if burning.firing == 0 && burning.failing.is_empty() {
                    self.over_by_itself(id, at);
                }
            }
            AlertStep::Changed { .. } | AlertStep::Again { .. } | AlertStep::Acknowledged | AlertStep::Silenced { .. } => {}
        }
    }

    fn belongs(&mut self, incident: Option<IncidentId>, at: Timestamp) {
        let Some(id) = incident else { return };
        let opened = self.burning.get_mut(&id).is_some_and(|burning| {
            burning.firing += 1;
            std::mem::take(&mut burning.opener)
        });
        self.tally(at).noise.joined += u64::from(!opened);
    }

    fn monitor(&mut self, incident: Option<IncidentId>, monitor: &MonitorName, step: &MonitorStep, at: Timestamp) {
        // It belongs to one incident at a time.
        for (_, other) in self.burning.iter_mut().filter(|(id, _)| Some(**id) != incident) {
            other.failing.remove(monitor);
        }
        let Some((id, burning)) = incident.and_then(|id| Some((id, self.burning.get_mut(&id)?))) else { return };
        match step {
            MonitorStep::Fired { .. } | MonitorStep::Released { .. } => {
                burning.failing.insert(monitor.clone());
            }
            MonitorStep::Recovered => {
                burning.failing.remove(monitor);
                if burning.failing.is_empty() && burning.firing == 0 {
                    self.over_by_itself(id, at);
                }
            }
        }
    }

    /// Once for each incident: what fires again and is over again was told of before.
    fn over_by_itself(&mut self, id: IncidentId, at: Timestamp) {
        let Some(burning) = self.burning.get_mut(&id) else { return };
        if burning.by_program && !burning.acknowledged && !std::mem::replace(&mut burning.over_by_itself, true) {
            self.tally(at).noise.over_by_itself += 1;
        }
    }
}
