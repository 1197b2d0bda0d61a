//! Asking for an exception: the four conditions (rule E1), the plan, the announcement (rule E2).

use jiff::Timestamp;

use super::{Case, announce};
use crate::channel::Notice;
use crate::decide::Decision;
use crate::emergency::{CheckKind, Condition, ConditionName, Conditions, Plan, PlanDocument, Requirement, Status};
use crate::event::Event;
use crate::facts::Facts;
use crate::ids::{EmergencyId, IncidentId, PersonId, TargetName};
use crate::incident::Incident;
use crate::input::{self, PATH_CHARS_MAX, SCRIPT_CHARS_MAX, TEXT_CHARS_MAX, TITLE_CHARS_MAX};
use crate::mask::MASK;
use crate::permit::{Permit, roles_for};
use crate::policy::Policy;
use crate::refusal::Refusal;
use crate::session::Terminal;
use crate::session::danger::{DANGEROUS_MAX, MATCH_CHARS_MAX};

const SCOPE_PATHS_MAX: u32 = 100;
const CHECKS_MAX: u32 = 20;
const CAPTURES_MAX: u32 = 10;
const WITNESSES_MAX: u32 = 20;

pub(super) fn request(
    permit: &Permit,
    facts: &Facts,
    incident: IncidentId,
    conditions: &Conditions,
    plan: &Plan,
    now: Timestamp,
) -> Result<Decision, Refusal> {
    let policy = facts.policy().ok_or(Refusal::UnknownActor)?;
    let requester = permit.person()?.clone();
    let burning = facts.incident(incident).ok_or_else(|| Refusal::NotFound { what: "incident".to_owned(), given: incident.to_string() })?;
    check_conditions(policy, burning, conditions)?;
    check_plan(policy, burning, plan)?;
    let emergency = EmergencyId(facts.workspace.counters.emergency + 1);
    let requirement = requirement(facts, emergency, now);
    let ledger = policy.local.as_ref().map(|local| local.ledger.clone());
    let document = PlanDocument::new(emergency, incident, &requester, now, 1, plan, policy.targets.get(&plan.target));
    let digest = document.in_ledger(ledger.as_deref()).digest();
    let notice = Notice::EmergencyRequested {
        summary: plan.summary.clone(),
        reason: conditions.normal_flow_cannot.statement.clone(),
        digest,
        requirement: requirement.clone(),
    };
    let requested = Event::EmergencyRequested {
        emergency,
        incident,
        requester,
        conditions: conditions.clone(),
        plan: plan.clone(),
        digest,
        requirement,
        ledger,
    };
    let mut decision =
        Decision::of(incident, vec![requested, announce(policy, emergency, incident, notice, &policy.emergency.approver_roles)]);
    decision.made = Some(emergency.to_string());
    Ok(decision)
}

pub(super) fn revise(permit: &Permit, case: &Case<'_>, plan: &Plan) -> Result<Decision, Refusal> {
    case.status(&[Status::Requested, Status::Approved])?;
    case.involved(permit, vec![case.state.requester.clone(), case.state.plan.executor.clone()])?;
    let incident = case.facts.incident(case.state.incident).ok_or(Refusal::Stale)?;
    check_plan(case.policy, incident, plan)?;
    let revision = case.state.revision + 1;
    let id = case.state.id;
    let (state, target) = (case.state, case.policy.targets.get(&plan.target));
    let document = PlanDocument::new(id, state.incident, &state.requester, state.requested_at, revision, plan, target);
    let digest = document.in_ledger(state.ledger.as_deref()).digest();
    let requirement = requirement(case.facts, id, case.now);
    let notice = Notice::PlanRevised { digest, revision };
    let revised = Event::PlanRevised { emergency: id, plan: plan.clone(), revision, digest, requirement };
    Ok(case.decision(vec![revised, case.post(notice, &case.policy.emergency.approver_roles)]))
}

/// While follow-up of another exception is overdue, every approver role must agree (rule E14).
pub(super) fn requirement(facts: &Facts, emergency: EmergencyId, now: Timestamp) -> Requirement {
    // While the server is away, what was owed to it when it was last heard of counts as owed.
    let owed_there = facts.policy().and_then(|policy| policy.local.as_ref()).map_or(&[][..], |local| &local.owed);
    let overdue_there = owed_there.iter().filter(|owed| owed.due_at < now).map(|owed| owed.obligation);
    let because: Vec<_> = facts
        .overdue
        .iter()
        .flatten()
        .filter_map(|id| facts.obligation(*id))
        .filter(|obligation| obligation.kind.hardens_next() && obligation.emergency != Some(emergency) && obligation.is_overdue(now))
        .map(|obligation| obligation.id)
        .chain(overdue_there)
        .collect();
    Requirement { every_role: !because.is_empty(), because }
}

fn check_conditions(policy: &Policy, incident: &Incident, conditions: &Conditions) -> Result<(), Refusal> {
    let rules = &policy.emergency;
    if incident.resolved.is_some() || incident.closed_at.is_some() {
        return Err(Refusal::IncidentOver { incident: incident.id });
    }
    if !rules.serious.contains(&incident.priority) {
        return Err(Refusal::NotSerious { incident: incident.id, priority: incident.priority.code().to_owned() });
    }
    if !policy.environments.get(&incident.environment).is_some_and(|environment| environment.exception_allowed) {
        return Err(Refusal::WrongEnvironment { environment: incident.environment.to_string() });
    }
    for (name, condition) in [
        (ConditionName::SeriousFailure, &conditions.serious_failure),
        (ConditionName::NormalFlowCannot, &conditions.normal_flow_cannot),
        (ConditionName::CannotWait, &conditions.cannot_wait),
    ] {
        stated(name, condition)?;
    }
    let missing = |evidence_missing| Refusal::ConditionMissing { condition: ConditionName::Judged, evidence_missing };
    let judge = conditions.judged_by.person.as_ref().ok_or_else(|| missing(false))?;
    if !policy.has_any_role(judge, &rules.approver_roles) {
        return Err(Refusal::JudgeNotEntitled { person: judge.clone(), roles: rules.approver_roles.clone() });
    }
    if conditions.judged_by.evidence.trim().is_empty() {
        return Err(missing(true));
    }
    input::bounded("judged_by.evidence", &conditions.judged_by.evidence, TEXT_CHARS_MAX)
}

fn stated(condition: ConditionName, given: &Condition) -> Result<(), Refusal> {
    if given.statement.trim().is_empty() {
        return Err(Refusal::ConditionMissing { condition, evidence_missing: false });
    }
    if given.evidence.trim().is_empty() {
        return Err(Refusal::ConditionMissing { condition, evidence_missing: true });
    }
    input::bounded("statement", &given.statement, TEXT_CHARS_MAX)?;
    input::bounded("evidence", &given.evidence, TEXT_CHARS_MAX)
}

fn check_plan(policy: &Policy, incident: &Incident, plan: &Plan) -> Result<(), Refusal> {
    let rules = &policy.emergency;
    input::declared("target", plan.target.as_str(), policy.targets.keys().map(TargetName::as_str))?;
    let target = policy.targets.get(&plan.target).ok_or(Refusal::Stale)?;
    if target.service != incident.service || target.environment != incident.environment {
        let (service, environment) = (incident.service.to_string(), incident.environment.to_string());
        return Err(Refusal::TargetElsewhere { target: plan.target.clone(), service, environment });
    }
    input::required("summary", &plan.summary, TEXT_CHARS_MAX)?;
    check_people(policy, plan)?;
    if plan.steps.is_empty() && plan.terminal.is_none() {
        return Err(Refusal::PlanEmpty { part: "steps".to_owned() });
    }
    input::at_most("steps", plan.steps.len(), rules.steps_max)?;
    for (number, step) in (1_u32..).zip(&plan.steps) {
        input::required(&format!("steps.{number}.title"), &step.title, TITLE_CHARS_MAX)?;
        script(&format!("steps.{number}.run"), &step.run)?;
        if step.timeout_s == 0 || step.timeout_s > rules.step_timeout_max_s {
            return Err(Refusal::TimeoutTooLong { step: number, max_s: rules.step_timeout_max_s });
        }
    }
    check_terminal(plan.terminal.as_ref())?;
    check_scope(&plan.scope)?;
    let checks = plan.verification.solved.iter().chain(&plan.verification.unaffected);
    input::at_most("checks", plan.verification.solved.len() + plan.verification.unaffected.len(), CHECKS_MAX)?;
    for check in checks {
        input::required("check.title", &check.title, TITLE_CHARS_MAX)?;
        match &check.kind {
            CheckKind::Http { url, .. } => {
                input::required("check.url", url, PATH_CHARS_MAX)?;
                unmasked("check.url", url)?;
            }
            CheckKind::Command { run } => script("check.run", run)?,
        }
        if check.timeout_s == 0 || check.timeout_s > 300 {
            return Err(Refusal::TooMany { field: "check.timeout_s".to_owned(), max: 300, given: check.timeout_s });
        }
    }
    Ok(())
}

fn check_people(policy: &Policy, plan: &Plan) -> Result<(), Refusal> {
    let people = || policy.people.keys().map(PersonId::as_str);
    input::declared("person", plan.executor.as_str(), people())?;
    if roles_for(policy, "emergency.request").is_some_and(|roles| !policy.has_any_role(&plan.executor, &roles)) {
        return Err(Refusal::ExecutorNotEntitled { person: plan.executor.clone() });
    }
    input::at_most("witnesses", plan.witnesses.len(), WITNESSES_MAX)?;
    for witness in &plan.witnesses {
        input::declared("person", witness.as_str(), people())?;
        if *witness == plan.executor {
            return Err(Refusal::WitnessIsExecutor { person: witness.clone() });
        }
        if !policy.has_any_role(witness, &policy.emergency.witness_roles) {
            return Err(Refusal::WitnessNotEntitled { person: witness.clone(), roles: policy.emergency.witness_roles.clone() });
        }
    }
    Ok(())
}

fn check_terminal(terminal: Option<&Terminal>) -> Result<(), Refusal> {
    let Some(terminal) = terminal else { return Ok(()) };
    input::at_most("terminal.captures", terminal.captures.len(), CAPTURES_MAX)?;
    for (number, capture) in (1_u32..).zip(&terminal.captures) {
        input::required(&format!("terminal.captures.{number}.title"), &capture.title, TITLE_CHARS_MAX)?;
        script(&format!("terminal.captures.{number}.run"), &capture.run)?;
    }
    check_dangerous(terminal)
}

fn check_dangerous(terminal: &Terminal) -> Result<(), Refusal> {
    input::at_most("terminal.dangerous", terminal.dangerous.len(), DANGEROUS_MAX)?;
    for (number, one) in (1_u32..).zip(&terminal.dangerous) {
        let field = format!("terminal.dangerous.{number}.match");
        input::required(&field, &one.words, MATCH_CHARS_MAX)?;
        unmasked(&field, &one.words)?;
        input::required(&format!("terminal.dangerous.{number}.why"), &one.why, TEXT_CHARS_MAX)?;
    }
    Ok(())
}

fn check_scope(scope: &[String]) -> Result<(), Refusal> {
    if scope.is_empty() {
        return Err(Refusal::PlanEmpty { part: "scope".to_owned() });
    }
    input::at_most("scope", scope.len(), SCOPE_PATHS_MAX)?;
    for path in scope {
        input::required("scope", path, PATH_CHARS_MAX)?;
        unmasked("scope", path)?;
        let inside = !path.starts_with('/')
            && !path.contains('\0')
            && path.split('/').all(|part| part != "..")
            && (path == "." || path.split('/').all(|part| part != "."));
        if !inside {
            return Err(Refusal::ScopeOutside { path: path.clone() });
        }
    }
    Ok(())
}

fn script(field: &str, text: &str) -> Result<(), Refusal> {
    input::required(field, text, SCRIPT_CHARS_MAX)?;
    unmasked(field, text)
}

/// Texts are masked before they come here; a script with a hole in it must not run. The secret belongs in the target's environment.
fn unmasked(field: &str, text: &str) -> Result<(), Refusal> {
    if text.contains(MASK) { Err(Refusal::SecretInText { field: field.to_owned() }) } else { Ok(()) }
}
