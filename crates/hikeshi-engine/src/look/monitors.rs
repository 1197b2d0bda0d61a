//! What the monitors say: in a line on the pages of what burns, and each with its latest looks on a page of their own.

use hikeshi_domain::ids::MonitorName;
use hikeshi_domain::incident::Incident;
use hikeshi_domain::monitor::{MonitorState, Verdict};

use super::{Look, LookError, MonitorRow, MonitorView, MonitorsView, NewErrorsOf, Sight};
use crate::monitors::Reports;

impl Look<'_> {
    pub async fn monitors(&self) -> Result<MonitorsView, LookError> {
        self.see(|sight| {
            let rows = rows(sight)?;
            let reports = &sight.door.inside.reports;
            let view = |row: MonitorRow| {
                let monitor = sight.policy.monitors.get(&row.monitor)?;
                let (service, environment) = (monitor.service.clone(), monitor.environment.clone());
                let report = reports.of(&row.monitor);
                let new_errors = report.as_ref().map(|report| report.new.clone()).unwrap_or_default();
                let seen = report.map(|report| report.seen);
                let points = reports.points(&row.monitor);
                Some(MonitorView { kind: monitor.kind(), service, environment, seen, new_errors, points, row })
            };
            let monitors = rows.into_iter().filter_map(view).collect();
            Ok(MonitorsView { size: sight.head.size, at: sight.now, monitors })
        })
        .await
    }
}

/// What the monitors that watch the place of an incident see that is new.
pub(super) fn new_errors(sight: &Sight<'_, '_>, incident: &Incident) -> Vec<NewErrorsOf> {
    let here = sight.policy.monitors.iter().filter(|(_, monitor)| {
        monitor.service == incident.service && monitor.environment == incident.environment && incident.resolved.is_none()
    });
    let reports = &sight.door.inside.reports;
    let seen = here.filter_map(|(name, _)| Some(NewErrorsOf { monitor: name.clone(), patterns: reports.of(name)?.new }));
    seen.filter(|of| !of.patterns.is_empty()).collect()
}

pub(super) fn rows(sight: &mut Sight<'_, '_>) -> Result<Vec<MonitorRow>, LookError> {
    let mut states = sight.reader.monitors()?;
    let facts = sight.incidents(states.iter().filter_map(|state| state.incident))?;
    states.iter_mut().for_each(|state| state.incident = state.incident.map(|id| facts.home(id)));
    let reports = &sight.door.inside.reports;
    Ok(sight.policy.monitors.keys().map(|name| row(name, &states, reports)).collect())
}

/// Green only when it was measured lately and nothing says otherwise. What is known to be red stays red, also while nobody measures.
fn row(name: &MonitorName, states: &[MonitorState], reports: &Reports) -> MonitorRow {
    let known = states.iter().find(|state| state.monitor == *name);
    let measured = reports.of(name);
    let (healthy, since, unmeasured) = match (known, measured) {
        (Some(state), _) if !state.healthy && !state.unmeasured => (Some(false), Some(state.since), None),
        (Some(state), report) if !state.healthy => {
            let why =
                report.filter(|report| report.verdict == Verdict::Unmeasured).map_or_else(|| state.seen.clone(), |report| report.seen);
            (None, Some(state.since), Some(why))
        }
        (_, Some(report)) if report.verdict == Verdict::Unmeasured => (None, Some(report.since), Some(report.seen)),
        (Some(state), Some(report)) if report.verdict == Verdict::Passed => (Some(true), Some(state.since), None),
        (_, Some(report)) => (Some(report.verdict == Verdict::Passed), Some(report.since), None),
        (_, None) => (None, None, None),
    };
    MonitorRow {
        monitor: name.clone(),
        healthy,
        unmeasured,
        since,
        incident: known.and_then(|state| state.incident),
        held: known.and_then(|state| state.held),
    }
}
