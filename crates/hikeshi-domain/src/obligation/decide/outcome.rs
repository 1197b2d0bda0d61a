//! What came back from the world about an obligation.

use jiff::Timestamp;

use super::Owed;
use crate::decide::Decision;
use crate::effect::{EffectKey, Outcome};
use crate::emergency::{Doing, Trouble};
use crate::event::Event;
use crate::facts::Facts;
use crate::ids::ObligationId;
use crate::obligation::{ChangeRequest, Comparison, Status};
use crate::refusal::Refusal;

pub fn ended(facts: &Facts, key: &EffectKey, outcome: &Outcome, now: Timestamp) -> Result<Decision, Refusal> {
    let mut parts = key.0.split('/');
    let id: ObligationId = parts.next().and_then(|id| id.parse().ok()).ok_or(Refusal::Stale)?;
    let what = parts.next().ok_or(Refusal::Stale)?;
    let owed = Owed::of(facts, id, now).ok_or(Refusal::Stale)?;
    if owed.state.running.as_ref() != Some(key) {
        return Err(Refusal::Stale);
    }
    match (what, outcome) {
        ("request", Outcome::ChangeRequestOpened { commit, request_file, patch_file }) => {
            let policy = owed.policy;
            let request = ChangeRequest {
                branch: format!("emergency/{}", owed.exception()?.id),
                commit: commit.clone(),
                base: policy.forge.as_ref().map(|forge| forge.base.clone()).unwrap_or_default(),
                label: policy.obligations.label.clone(),
                request_file: request_file.clone(),
                patch_file: patch_file.clone(),
                opened_at: now,
                compared: None,
            };
            Ok(owed.decision(vec![Event::ChangeRequestOpened { obligation: id, request }]))
        }
        ("compare", Outcome::Compared { commit, merged, drift }) => {
            let comparison = Comparison { at: now, commit: commit.clone(), merged: *merged, drift: drift.clone() };
            let mut events = vec![Event::ChangeCompared { obligation: id, comparison }];
            if *merged && drift.is_empty() && owed.state.status == Status::Owed {
                events.extend(owed.done(None, commit.clone()));
            }
            Ok(owed.decision(events))
        }
        ("report", Outcome::ReportWritten { file, digest }) => {
            let mut events = vec![Event::ReportFiled { obligation: id, file: file.clone(), digest: *digest }];
            // Only a report with its judgement fulfils; the draft does not.
            if let (Some(report), Status::Owed) = (&owed.state.report, owed.state.status) {
                events.extend(owed.done(Some(report.by.clone()), file.clone()));
            }
            Ok(owed.decision(events))
        }
        ("invitation", Outcome::InvitationWritten { file }) => {
            Ok(owed.decision(vec![Event::InvitationFiled { obligation: id, file: file.clone() }]))
        }
        (what, Outcome::Failed { detail }) => {
            let doing = match what {
                "request" => Doing::ChangeRequest,
                "compare" => Doing::Compare,
                "report" => Doing::Report,
                "invitation" => Doing::Invitation,
                _ => return Err(Refusal::Stale),
            };
            let trouble = Trouble { doing, detail: detail.clone(), at: now };
            Ok(owed.decision(vec![Event::ObligationTroubled { obligation: id, trouble }]))
        }
        _ => Err(Refusal::Stale),
    }
}
