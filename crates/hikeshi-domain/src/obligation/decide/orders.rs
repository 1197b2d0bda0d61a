//! The orders of an obligation, each with everything its hands need.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::effect::{CaseFacts, ChangeRequestOrder, Effect, EffectKey, InvitationOrder, Invitee, ReportOrder, RepositoryFile, Work};
use crate::emergency::{ChangeKind, Emergency, FileChange};
use crate::facts::Facts;
use crate::obligation::{Judgement, Meeting, Obligation};
use crate::policy::{Policy, Target};

fn key(owed: &Obligation, what: &str) -> EffectKey {
    EffectKey::of_obligation(owed.id, what, owed.tries + 1)
}

pub(super) fn case_facts(facts: &Facts, emergency: &Emergency) -> Option<CaseFacts> {
    let policy = facts.policy()?;
    let incident = facts.incident(emergency.incident)?;
    let names: BTreeMap<_, _> = policy.people.iter().map(|(id, person)| (id.clone(), person.name.clone())).collect();
    Some(CaseFacts {
        workspace: policy.workspace.name.clone(),
        time_zone: policy.workspace.time_zone.clone(),
        language: policy.workspace.language,
        service_name: policy.services.get(&incident.service).map_or_else(|| incident.service.to_string(), |service| service.name.clone()),
        environment_name: policy
            .environments
            .get(&incident.environment)
            .map_or_else(|| incident.environment.to_string(), |environment| environment.name.clone()),
        incident: Box::new(incident.clone()),
        emergency: Box::new(emergency.clone()),
        names,
        roles: policy.roles.clone(),
        scheme: policy.incident.scheme,
    })
}

/// Where a changed file lives in the repository.
fn repository_path(target: &Target, change: &FileChange) -> String {
    let prefix = target.repository_path.trim_matches('/');
    if prefix.is_empty() { change.path.clone() } else { format!("{prefix}/{}", change.path) }
}

/// The captured changes as files of the repository, and those whose content was too large to keep.
fn files(policy: &Policy, emergency: &Emergency) -> Option<(Vec<RepositoryFile>, Vec<String>)> {
    let target = policy.targets.get(&emergency.plan.target)?;
    let (mut files, mut not_kept) = (Vec::new(), Vec::new());
    for change in &emergency.changes {
        let path = repository_path(target, change);
        match (&change.after, change.kind) {
            (_, ChangeKind::Removed) | (None, _) => files.push(RepositoryFile { path, content: None, mode: 0 }),
            (Some(after), _) if after.kept => files.push(RepositoryFile { path, content: Some(after.digest), mode: after.mode }),
            (Some(_), _) => not_kept.push(path),
        }
    }
    Some((files, not_kept))
}

fn branch(emergency: &Emergency) -> String {
    format!("emergency/{}", emergency.id)
}

/// `None` without a repository in the policy.
pub fn change_request(facts: &Facts, emergency: &Emergency, owed: &Obligation, _now: Timestamp) -> Option<Effect> {
    let policy = facts.policy()?;
    let forge = policy.forge.as_ref()?;
    let (files, not_kept) = files(policy, emergency)?;
    let order = ChangeRequestOrder {
        obligation: owed.id,
        emergency: emergency.id,
        incident: emergency.incident,
        repository: forge.repository.clone(),
        base: forge.base.clone(),
        branch: branch(emergency),
        requests: forge.requests.clone(),
        label: policy.obligations.label.clone(),
        files,
        not_kept,
        github: forge.github(),
        seal: None,
        facts: case_facts(facts, emergency)?,
    };
    Some(Effect { key: key(owed, "request"), work: Work::OpenChangeRequest(Box::new(order)) })
}

/// `None` when no request was opened yet.
pub(super) fn compare(facts: &Facts, emergency: &Emergency, owed: &Obligation) -> Option<Effect> {
    let policy = facts.policy()?;
    let forge = policy.forge.as_ref()?;
    let request = owed.request.as_ref()?;
    let (expect, _) = files(policy, emergency)?;
    let work = Work::CompareMerged {
        obligation: owed.id,
        repository: forge.repository.clone(),
        base: request.base.clone(),
        branch: request.branch.clone(),
        expect,
        github: forge.github(),
    };
    Some(Effect { key: key(owed, "compare"), work })
}

/// Without judgement it is the draft: everything that the record knows.
pub fn report(facts: &Facts, emergency: &Emergency, owed: &Obligation, judgement: Option<&Judgement>) -> Option<Effect> {
    let policy = facts.policy()?;
    let siblings = emergency.obligations.iter().filter_map(|id| facts.obligation(*id));
    let order = ReportOrder {
        obligation: owed.id,
        owner: owed.owner.clone(),
        due_at: owed.due_at,
        documents_root: policy.documents.root.clone(),
        judgement: judgement.cloned(),
        request: siblings.filter_map(|sibling| sibling.request.clone()).next(),
        facts: case_facts(facts, emergency)?,
    };
    Some(Effect { key: key(owed, "report"), work: Work::WriteReport(Box::new(order)) })
}

pub fn invitation(facts: &Facts, emergency: &Emergency, owed: &Obligation, meeting: &Meeting) -> Option<Effect> {
    let policy = facts.policy()?;
    let invitee = |person: &crate::ids::PersonId| Invitee {
        person: person.clone(),
        name: policy.name_of(person).to_owned(),
        email: policy.person(person).and_then(|person| person.email.clone()),
    };
    let order = InvitationOrder {
        obligation: owed.id,
        documents_root: policy.documents.root.clone(),
        starts_at: meeting.starts_at,
        lasts_min: meeting.lasts_min,
        sequence: meeting.sequence,
        invited: meeting.invited.iter().map(invitee).collect(),
        facts: case_facts(facts, emergency)?,
    };
    Some(Effect { key: key(owed, "invitation"), work: Work::WriteInvitation(Box::new(order)) })
}
