//! Incidents, exceptions and obligations, as lists and one by one.

use hikeshi_domain::Timestamp;
use hikeshi_domain::alert::Alert;
use hikeshi_domain::emergency::{Emergency, PlanDocument, StepState, quorum};
use hikeshi_domain::facts::{Facts, Needs};
use hikeshi_domain::ids::{EmergencyId, IncidentId, ObligationId};
use hikeshi_domain::incident::Incident;
use hikeshi_domain::obligation::Obligation;
use hikeshi_domain::policy::Policy;
use hikeshi_domain::similar::Query;

use super::{
    EmergencyView, Heard, IncidentRow, IncidentView, Look, LookError, Measures, ObligationView, Page, Sight, Similar, Which, offers, page,
    span,
};

/// Of an incident; a storm has more than anybody reads.
const ALERTS_SHOWN: u32 = 50;
/// Of what is like an incident.
const SIMILAR_SHOWN: usize = 5;
const ALERTS_ASKED: usize = 5;
const QUERY_CHARS_MAX: usize = 10_000;
const TAIL_BYTES_MAX: usize = 64 * 1024;

impl Look<'_> {
    pub async fn incidents(&self, open_only: bool, before: Option<u64>, limit: u32) -> Result<Page<IncidentRow>, LookError> {
        self.see(move |sight| {
            let rows = sight.reader.incidents(open_only, span(before, limit))?;
            Ok(page(rows, limit, |incident| incident.id.0).map(row))
        })
        .await
    }

    pub async fn incident(&self, id: IncidentId) -> Result<IncidentView, LookError> {
        self.see(move |sight| {
            let mut facts = sight.facts();
            sight.load(&Needs { incidents: [id].into(), ..Needs::default() }, &mut facts)?;
            let incident = facts.incident(id).cloned().ok_or_else(|| not_found("incident", id))?;
            sight.load(&Needs { emergencies: incident.emergencies.iter().copied().collect(), ..Needs::default() }, &mut facts)?;
            let emergencies = incident.emergencies.iter().rev().filter_map(|id| facts.emergency(*id)).cloned().collect();
            let obligations = sight.reader.obligations_of_case(id)?;
            let alerts = sight.alerts_of(&incident)?;
            let related = sight.related(&incident)?;
            let similar = sight.similar_to(&incident, &alerts)?;
            let changes = sight.changes_around(&incident)?;
            let new_errors = super::monitors::new_errors(sight, &incident);
            let offers = offers::of_incident(sight, &incident)?;
            let measures = measures(&incident, &sight.policy, incident.merged.as_ref().map_or(sight.now, |merged| merged.at));
            Ok(IncidentView {
                size: sight.head.size,
                at: sight.now,
                incident,
                measures,
                alerts,
                related,
                changes,
                new_errors,
                emergencies,
                obligations,
                similar,
                offers,
            })
        })
        .await
    }

    /// Past incidents in which these words, or words like them, stand (rule I9).
    pub async fn similar(&self, text: &str) -> Result<Vec<Similar>, LookError> {
        let text: String = text.chars().take(QUERY_CHARS_MAX).collect();
        self.see(move |sight| sight.similar(&Query { title: &text, text: "", except: None })).await
    }

    pub async fn emergencies(&self, open_only: bool, before: Option<u64>, limit: u32) -> Result<Page<Emergency>, LookError> {
        self.see(move |sight| {
            let rows = sight.reader.emergencies(open_only, span(before, limit))?;
            Ok(page(rows, limit, |emergency| emergency.id.0))
        })
        .await
    }

    pub async fn emergency(&self, id: EmergencyId) -> Result<EmergencyView, LookError> {
        self.see(move |sight| {
            let mut facts = sight.facts();
            let mut needs = Needs { emergencies: [id].into(), presence: [id].into(), ..Needs::default() };
            sight.load(&needs, &mut facts)?;
            let emergency = facts.emergency(id).cloned().ok_or_else(|| not_found("emergency exception", id))?;
            needs = Needs { incidents: [emergency.incident].into(), ..Needs::default() };
            sight.load(&needs, &mut facts)?;
            let incident = facts.incident(emergency.incident).cloned().ok_or_else(|| not_found("incident", emergency.incident))?;
            let presence = facts.presence.remove(&id).unwrap_or_default();
            let target = sight.policy.targets.get(&emergency.plan.target).cloned();
            let plan_document = String::from_utf8_lossy(&PlanDocument::of(&emergency, target.as_ref()).bytes()).into_owned();
            Ok(EmergencyView {
                size: sight.head.size,
                at: sight.now,
                quorum: quorum(&emergency, &sight.policy, Some(&presence), sight.now),
                heard: presence.into_iter().map(|(person, at)| Heard { person, at }).collect(),
                obligations: sight.reader.obligations_of(id)?,
                offers: offers::of_emergency(sight, &emergency)?,
                running_output: running_output(sight, &emergency),
                emergency,
                incident,
                target,
                plan_document,
            })
        })
        .await
    }

    pub async fn obligations(&self, which: Which, before: Option<u64>, limit: u32) -> Result<Page<Obligation>, LookError> {
        self.see(move |sight| {
            let rows = sight.reader.obligations(which == Which::Owed, span(before, limit))?;
            Ok(page(rows, limit, |obligation| obligation.id.0))
        })
        .await
    }

    pub async fn obligation(&self, id: ObligationId) -> Result<ObligationView, LookError> {
        self.see(move |sight| {
            let mut facts = sight.facts();
            sight.load(&Needs { obligations: [id].into(), ..Needs::default() }, &mut facts)?;
            let obligation = facts.obligation(id).cloned().ok_or_else(|| not_found("obligation", id))?;
            sight.load(&Needs { emergencies: obligation.emergency.into_iter().collect(), ..Needs::default() }, &mut facts)?;
            let emergency = obligation.emergency.and_then(|id| facts.emergency(id)).cloned();
            let offers = offers::of_obligation(sight, &obligation)?;
            Ok(ObligationView { size: sight.head.size, at: sight.now, obligation, emergency, offers })
        })
        .await
    }
}

impl Sight<'_, '_> {
    fn similar(&mut self, query: &Query<'_>) -> Result<Vec<Similar>, LookError> {
        Ok(self.door.inside.pasts.search(self.reader, &self.policy.postmortems.same_words, query, SIMILAR_SHOWN)?)
    }

    /// What its alerts are called says what kind of trouble it is, too.
    fn similar_to(&mut self, incident: &Incident, alerts: &[Alert]) -> Result<Vec<Similar>, LookError> {
        let mut text = format!("{}\n{}", incident.summary, incident.service);
        for alert in alerts.iter().take(ALERTS_ASKED) {
            text.push('\n');
            text.push_str(&alert.title);
        }
        let key = incident.id.to_string();
        self.similar(&Query { title: &incident.title, text: &text, except: Some(&key) })
    }

    pub(super) fn facts(&self) -> Facts {
        Facts { workspace: self.head.workspace.clone(), ..Facts::default() }
    }

    pub(super) fn load(&mut self, needs: &Needs, facts: &mut Facts) -> Result<(), LookError> {
        if !needs.is_empty() {
            self.reader.load(needs, self.now, facts)?;
        }
        Ok(())
    }

    pub(super) fn incidents(&mut self, ids: impl IntoIterator<Item = IncidentId>) -> Result<Facts, LookError> {
        let mut facts = self.facts();
        self.load(&Needs { incidents: ids.into_iter().collect(), ..Needs::default() }, &mut facts)?;
        Ok(facts)
    }
}

impl Sight<'_, '_> {
    /// Its own, and those of what was merged into it.
    fn alerts_of(&mut self, incident: &Incident) -> Result<Vec<Alert>, LookError> {
        if incident.alerts.fired == 0 {
            return Ok(Vec::new());
        }
        let mut alerts = self.reader.alerts_of(incident.id, ALERTS_SHOWN)?;
        for id in &incident.absorbed {
            alerts.extend(self.reader.alerts_of(*id, ALERTS_SHOWN)?);
        }
        alerts.sort_by_key(|alert| (!alert.firing, std::cmp::Reverse(alert.fired_at)));
        alerts.truncate(usize::try_from(ALERTS_SHOWN).unwrap_or(usize::MAX));
        Ok(alerts)
    }

    /// What it was merged with, and what was split off.
    fn related(&mut self, incident: &Incident) -> Result<Vec<IncidentRow>, LookError> {
        let into = incident.merged.as_ref().map(|merged| merged.into);
        let ids: Vec<IncidentId> = into
            .into_iter()
            .chain(incident.split_from)
            .chain(incident.absorbed.iter().copied())
            .chain(incident.split.iter().copied())
            .collect();
        let facts = self.incidents(ids.iter().copied())?;
        Ok(ids.iter().filter_map(|id| facts.incident(*id)).cloned().map(row).collect())
    }
}

fn not_found(what: &'static str, id: impl std::fmt::Display) -> LookError {
    LookError::NotFound { what, given: id.to_string() }
}

fn row(incident: Incident) -> IncidentRow {
    IncidentRow {
        id: incident.id,
        title: incident.title,
        priority: incident.priority,
        stage: incident.stage,
        opened_at: incident.opened_at,
        resolved_at: incident.resolved.map(|resolved| resolved.at),
        merged_into: incident.merged.map(|merged| merged.into),
        acknowledged_by: incident.acknowledged.map(|acknowledged| acknowledged.by),
    }
}

/// Only this node's own running step can be followed; the record shows all of it once it has ended.
fn running_output(sight: &Sight<'_, '_>, emergency: &Emergency) -> Option<String> {
    let key = emergency.steps.iter().find_map(|step| match step {
        StepState::Running { effect, .. } => Some(effect),
        StepState::Waiting | StepState::Ended(_) | StepState::InDoubt { .. } => None,
    })?;
    let bytes = sight.door.inside.outside.tail(key, TAIL_BYTES_MAX)?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Measured, not typed (rule I11). A target that is still open counts as missed from the moment that it has passed.
fn measures(incident: &Incident, policy: &Policy, now: Timestamp) -> Measures {
    let seconds = |at: Timestamp| at.duration_since(incident.detected_at).as_secs().max(0);
    let acknowledged_s = incident.acknowledged.as_ref().map(|acknowledged| seconds(acknowledged.at));
    let resolved_s = incident.resolved.as_ref().map(|resolved| seconds(resolved.at));
    let row = policy.incident.priorities.get(&incident.priority);
    let in_time = |measured: Option<i64>, target_min: u32| {
        let target_s = i64::from(target_min) * 60;
        match measured {
            _ if target_min == 0 => None,
            Some(measured) => Some(measured <= target_s),
            None => (seconds(now) > target_s).then_some(false),
        }
    };
    Measures {
        acknowledged_s,
        mitigated_s: incident.mitigated_at.map(seconds),
        resolved_s,
        acknowledged_in_time: row.and_then(|row| in_time(acknowledged_s, row.act_within_min)),
        resolved_in_time: row.and_then(|row| in_time(resolved_s, row.restore_within_min)),
    }
}
