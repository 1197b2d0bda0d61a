//! What follows from a command on a postmortem (rule I8), and when one is owed.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{Command, Content, Imported, Postmortem, PostmortemEvent};
use crate::channel::Notice;
use crate::decide::Decision;
use crate::effect::{Effect, EffectKey, Outcome, PostmortemItem, PostmortemOrder, Work};
use crate::event::Event;
use crate::facts::{Facts, Needs};
use crate::ids::{IncidentId, ObligationId, PersonId};
use crate::incident::Incident;
use crate::incident::decide::post;
use crate::input::{self, PATH_CHARS_MAX, SCRIPT_CHARS_MAX, TEXT_CHARS_MAX, TITLE_CHARS_MAX};
use crate::obligation::decide::items as raise_items;
use crate::obligation::{Kind, Obligation, PreventionItem, Status};
use crate::permit::Permit;
use crate::policy::Policy;
use crate::refusal::Refusal;

const WHYS_MAX: u32 = 10;
const KEY: &str = "postmortem/";

pub fn needs(command: &Command, facts: &Facts) -> Needs {
    match command {
        Command::Write { incident, .. } | Command::Amend { incident, .. } => needs_of(*incident, facts),
        Command::Import { digest, .. } => Needs { imports: [*digest].into(), ..Needs::default() },
    }
}

/// The incident, what is owed because of it, and its prevention items: the document says which of them are done.
pub fn needs_of(id: IncidentId, facts: &Facts) -> Needs {
    let mut needs = Needs { incidents: [id].into(), ..Needs::default() };
    if let Some(postmortem) = facts.incident(id).and_then(|incident| incident.postmortem.as_deref()) {
        needs.obligations.extend(postmortem.owed);
        needs.obligations.extend(postmortem.items.iter().copied());
    }
    needs
}

pub fn incident_of(effect: &EffectKey) -> Option<IncidentId> {
    effect.0.strip_prefix(KEY)?.split('/').next()?.parse().ok()
}

pub fn decide(permit: &Permit, facts: &Facts, command: &Command, now: Timestamp) -> Result<Decision, Refusal> {
    match command {
        Command::Write { incident, content, items } => {
            let given = Given { content, items, reason: "" };
            let state = found(facts, *incident)?;
            if state.postmortem.as_ref().is_some_and(|known| known.written.is_some()) {
                return Err(Refusal::PostmortemWritten { incident: *incident });
            }
            write(permit, facts, state, &given, now)
        }
        Command::Amend { incident, content, items, reason } => {
            input::required("reason", reason, TEXT_CHARS_MAX)?;
            let given = Given { content, items, reason };
            let state = found(facts, *incident)?;
            if state.postmortem.as_ref().is_none_or(|known| known.written.is_none()) {
                return Err(Refusal::PostmortemMissing { incident: *incident });
            }
            write(permit, facts, state, &given, now)
        }
        Command::Import { file, digest, found } => {
            permit.person()?;
            input::required("file", file, PATH_CHARS_MAX)?;
            check_imported(found)?;
            // The same bytes again: nothing to remember twice.
            if facts.imports.get(digest).is_some_and(Option::is_some) {
                return Ok(Decision::default());
            }
            let event = PostmortemEvent::Imported { file: file.clone(), digest: *digest, found: found.clone() };
            Ok(Decision { events: vec![Event::Postmortem(event)], ..Decision::default() })
        }
    }
}

struct Given<'a> {
    content: &'a Content,
    items: &'a [PreventionItem],
    reason: &'a str,
}

fn found(facts: &Facts, id: IncidentId) -> Result<&Incident, Refusal> {
    facts.incident(id).ok_or_else(|| Refusal::NotFound { what: "incident".to_owned(), given: id.to_string() })
}

fn check(content: &Content) -> Result<(), Refusal> {
    for (field, text) in
        [("impact", &content.impact), ("cause", &content.cause), ("response", &content.response), ("lessons", &content.lessons)]
    {
        input::required(field, text, TEXT_CHARS_MAX)?;
    }
    if content.whys.is_empty() {
        return Err(Refusal::TextMissing { field: "whys".to_owned() });
    }
    input::at_most("whys", content.whys.len(), WHYS_MAX)?;
    content.whys.iter().try_for_each(|why| input::required("whys", why, TEXT_CHARS_MAX))
}

fn check_imported(found: &Imported) -> Result<(), Refusal> {
    input::required("title", &found.title, TITLE_CHARS_MAX)?;
    input::bounded("service", &found.service, TITLE_CHARS_MAX)?;
    for (field, text) in [
        ("summary", &found.summary),
        ("impact", &found.impact),
        ("cause", &found.cause),
        ("response", &found.response),
        ("lessons", &found.lessons),
    ] {
        input::bounded(field, text, TEXT_CHARS_MAX)?;
    }
    input::bounded("rest", &found.rest, SCRIPT_CHARS_MAX)
}

fn write(permit: &Permit, facts: &Facts, state: &Incident, given: &Given<'_>, now: Timestamp) -> Result<Decision, Refusal> {
    let policy = facts.policy().ok_or(Refusal::UnknownActor)?;
    let by = permit.person()?.clone();
    if let Some(merged) = &state.merged {
        return Err(Refusal::IncidentMerged { incident: state.id, into: merged.into });
    }
    if state.resolved.is_none() {
        return Err(Refusal::NotResolved { incident: state.id });
    }
    check(given.content)?;
    let known = state.postmortem.as_deref().cloned().unwrap_or_default();
    if given.items.is_empty() && known.items.is_empty() && is_mandatory(policy, state) {
        return Err(Refusal::PreventionMissing);
    }
    let raised = raise_items(facts, None, state.id, given.items, now)?;
    let revision = known.written.as_ref().map_or(1, |written| written.revision.saturating_add(1));
    let key = EffectKey(format!("{KEY}{}/{revision}", state.id));
    let items: Vec<ObligationId> = raised.iter().map(|owed| owed.id).collect();
    let order = order(facts, policy, state, &Draft { given, known: &known, raised: &raised, by: &by, revision });
    let mut decision = Decision::of(
        state.id,
        vec![Event::Postmortem(PostmortemEvent::Written {
            incident: state.id,
            content: given.content.clone(),
            items,
            by: by.clone(),
            reason: given.reason.to_owned(),
            effect: key.clone(),
        })],
    );
    decision.events.extend(raised.into_iter().map(|obligation| Event::ObligationRaised { obligation }));
    let notice = Notice::PostmortemWritten { by, items: u32::try_from(given.items.len()).unwrap_or(u32::MAX) };
    decision.events.push(post(policy, state.id, notice, &[], Vec::new()));
    decision.effects.push(Effect { key, work: Work::WritePostmortem(Box::new(order)) });
    Ok(decision)
}

struct Draft<'a> {
    given: &'a Given<'a>,
    known: &'a Postmortem,
    raised: &'a [Obligation],
    by: &'a PersonId,
    revision: u32,
}

fn order(facts: &Facts, policy: &Policy, state: &Incident, draft: &Draft<'_>) -> PostmortemOrder {
    let earlier = draft.known.items.iter().filter_map(|id| facts.obligation(*id));
    let item = |owed: &Obligation| PostmortemItem {
        obligation: owed.id,
        text: owed.text.clone(),
        owner: owed.owner.clone(),
        due_at: owed.due_at,
        done: owed.status == Status::Done,
    };
    let service = policy.services.get(&state.service).map_or_else(|| state.service.to_string(), |service| service.name.clone());
    let environment = policy.environments.get(&state.environment);
    PostmortemOrder {
        documents_root: policy.documents.root.clone(),
        workspace: policy.workspace.name.clone(),
        time_zone: policy.workspace.time_zone.clone(),
        language: policy.workspace.language,
        scheme: policy.incident.scheme,
        service_name: service,
        environment_name: environment.map_or_else(|| state.environment.to_string(), |environment| environment.name.clone()),
        names: policy.people.iter().map(|(id, person)| (id.clone(), person.name.clone())).collect::<BTreeMap<_, _>>(),
        roles: policy.roles.clone(),
        incident: Box::new(state.clone()),
        content: draft.given.content.clone(),
        items: earlier.chain(draft.raised).map(item).collect(),
        by: draft.by.clone(),
        revision: draft.revision,
        entries: Vec::new(),
    }
}

/// What became of the file.
pub fn ended(facts: &Facts, key: &EffectKey, outcome: &Outcome) -> Result<Decision, Refusal> {
    let incident = incident_of(key).ok_or(Refusal::Stale)?;
    let policy = facts.policy().ok_or(Refusal::Stale)?;
    let known = facts.incident(incident).and_then(|state| state.postmortem.as_deref()).ok_or(Refusal::Stale)?;
    if known.running.as_ref() != Some(key) {
        return Err(Refusal::Stale);
    }
    match outcome {
        Outcome::ReportWritten { file, digest } => {
            let filed = PostmortemEvent::Filed { incident, file: file.clone(), digest: *digest };
            let mut events = vec![Event::Postmortem(filed)];
            let owed = known.owed.and_then(|id| facts.obligation(id)).filter(|owed| owed.status == Status::Owed);
            if let Some(owed) = owed {
                let by = known.written.as_ref().map(|written| written.by.clone());
                events.push(Event::ObligationDone { obligation: owed.id, by, evidence: file.clone() });
                let notice = Notice::ObligationDone { obligation: owed.id, kind: owed.kind };
                events.push(post(policy, incident, notice, &[], Vec::new()));
            }
            Ok(Decision::of(incident, events))
        }
        Outcome::Failed { detail } => {
            let event = PostmortemEvent::Unfiled { incident, detail: detail.clone() };
            Ok(Decision::of(incident, vec![Event::Postmortem(event)]))
        }
        Outcome::BackupTaken { .. }
        | Outcome::StepEnded { .. }
        | Outcome::ChecksEnded { .. }
        | Outcome::FilesSeen { .. }
        | Outcome::Restored { .. }
        | Outcome::Reverted { .. }
        | Outcome::Redacted { .. }
        | Outcome::ChangeRequestOpened { .. }
        | Outcome::Compared { .. }
        | Outcome::InvitationWritten { .. }
        | Outcome::Paged { .. }
        | Outcome::Told { .. }
        | Outcome::PageRefused { .. }
        | Outcome::Said { .. }
        | Outcome::Unsaid { .. }
        | Outcome::Unsubscribed { .. }
        | Outcome::Postponed { .. } => Err(Refusal::Stale),
    }
}

fn is_mandatory(policy: &Policy, state: &Incident) -> bool {
    policy.postmortems.mandatory.contains(&state.priority)
}

/// Owed from the recovery on, by whoever took the incident into hand. What a local ledger owes is raised at home.
pub(crate) fn owe(facts: &Facts, state: &Incident, raised_before: u64, now: Timestamp) -> Vec<Event> {
    let Some(policy) = facts.policy().filter(|policy| policy.local.is_none() && is_mandatory(policy, state)) else { return Vec::new() };
    if state.postmortem.as_ref().is_some_and(|known| known.owed.is_some()) {
        return Vec::new();
    }
    let Some(owner) = owner(policy, state) else { return Vec::new() };
    let days = i64::from(policy.postmortems.within_days);
    let due_at = now.checked_add(SignedDuration::from_hours(24 * days)).unwrap_or(Timestamp::MAX);
    let id = ObligationId(facts.workspace.counters.obligation + raised_before + 1);
    let mut owed = Obligation::new(id, Kind::Postmortem, None, owner.clone(), now, due_at);
    owed.incident = Some(state.id);
    let notice = Notice::ObligationsRaised { obligations: vec![id] };
    vec![Event::ObligationRaised { obligation: owed }, post(policy, state.id, notice, &[], vec![owner])]
}

fn owner(policy: &Policy, state: &Incident) -> Option<PersonId> {
    let in_hand = state.acknowledged.as_ref().map(|acknowledged| &acknowledged.by);
    let named = in_hand.or_else(|| state.opened_by.as_person()).filter(|person| policy.people.contains_key(*person));
    let step = || policy.incident.escalation.iter().flat_map(|step| policy.people_with(&step.roles)).next();
    named.cloned().or_else(step).or_else(|| policy.people.keys().next().cloned())
}
