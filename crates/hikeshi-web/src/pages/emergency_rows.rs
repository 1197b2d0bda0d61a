//! The parts of an exception's page: conditions, approvals, witnesses, steps, verifications. Changed files are [`super::changes`].

use hikeshi_domain::Timestamp;
use hikeshi_domain::emergency::{Aspect, CheckKind, ConditionName, StepState, Verified};
use hikeshi_domain::ids::Digest;
use hikeshi_engine::look::EmergencyView;
use hikeshi_text::page::{self, Words};
use hikeshi_text::{label, time};

use super::{Html, time_html};
use crate::fail::Fail;
use crate::viewer::Viewer;

/// Bounds of what one page shows inline; everything else is behind a link.
const INLINE_OUTPUT_BYTES_MAX: u64 = 4_096;
const INLINE_OUTPUTS_MAX: usize = 12;

pub struct ConditionRow {
    pub name: &'static str,
    pub statement: String,
    pub evidence: String,
}

pub fn conditions(viewer: &Viewer, view: &EmergencyView) -> Vec<ConditionRow> {
    let conditions = &view.emergency.conditions;
    let row = |name, statement: &str, evidence: &str| ConditionRow {
        name: label::condition(viewer.lang, name),
        statement: statement.to_owned(),
        evidence: evidence.to_owned(),
    };
    let judge = conditions.judged_by.person.as_ref().map(|person| viewer.names.person(viewer.lang, person)).unwrap_or_default();
    vec![
        row(ConditionName::SeriousFailure, &conditions.serious_failure.statement, &conditions.serious_failure.evidence),
        row(ConditionName::NormalFlowCannot, &conditions.normal_flow_cannot.statement, &conditions.normal_flow_cannot.evidence),
        row(ConditionName::CannotWait, &conditions.cannot_wait.statement, &conditions.cannot_wait.evidence),
        row(ConditionName::Judged, &judge, &conditions.judged_by.evidence),
    ]
}

pub struct ApprovalRow {
    pub by: String,
    pub roles: String,
    pub judgement: String,
    pub digest: String,
    pub at: Html,
    pub expires: Html,
    pub current: bool,
    pub means: String,
    pub signed: bool,
}

pub fn approvals(viewer: &Viewer, view: &EmergencyView) -> Vec<ApprovalRow> {
    let row = |approval: &hikeshi_domain::emergency::Approval| ApprovalRow {
        by: viewer.names.person(viewer.lang, &approval.by),
        roles: viewer.names.roles(viewer.lang, &approval.roles),
        judgement: approval.judgement.clone(),
        digest: approval.digest.short(),
        at: time_html(viewer, approval.at, view.at),
        expires: time_html(viewer, approval.expires_at, view.at),
        current: approval.digest == view.emergency.digest,
        means: label::means(viewer.lang, &approval.means, &viewer.names),
        signed: approval.means.is_signed(),
    };
    view.emergency.approvals.iter().map(row).collect()
}

pub struct WitnessRow {
    pub name: String,
    pub word: &'static str,
    pub class: &'static str,
    pub senior: bool,
    pub heard: Option<Html>,
}

/// Those who joined, and those who were asked and have not come.
pub fn witnesses(viewer: &Viewer, view: &EmergencyView) -> Vec<WitnessRow> {
    let t = Words(viewer.lang);
    let emergency = &view.emergency;
    let over = emergency.status.is_over();
    let heard = |person: &hikeshi_domain::ids::PersonId| {
        view.heard.iter().find(|heard| heard.person == *person).map(|heard| time_html(viewer, heard.at, view.at))
    };
    let mut rows: Vec<WitnessRow> = emergency
        .witnesses
        .iter()
        .map(|(person, witness)| {
            let counts = view.quorum.present.contains(person);
            let (word, class) = match (witness.present, counts) {
                _ if over => (t.witness_watched(), "ok"),
                (true, true) => (t.witness_present(), "ok"),
                (true, false) => (t.witness_silent(), "bad"),
                (false, _) => (t.witness_left(), "silent"),
            };
            WitnessRow {
                name: viewer.names.person(viewer.lang, person),
                word,
                class,
                senior: view.quorum.seniors.contains(person),
                heard: heard(person),
            }
        })
        .collect();
    let asked = emergency.plan.witnesses.iter().filter(|person| !over && !emergency.witnesses.contains_key(*person));
    rows.extend(asked.map(|person| WitnessRow {
        name: viewer.names.person(viewer.lang, person),
        word: t.witness_asked(),
        class: "silent",
        senior: false,
        heard: None,
    }));
    rows
}

pub struct StepRow {
    pub number: usize,
    pub heading: String,
    pub run: String,
    pub dangerous: bool,
    /// Who has confirmed it, and when; set for a dangerous one.
    pub confirmed: Option<(String, Html)>,
    pub state: String,
    pub class: &'static str,
    pub attempts: u32,
    pub started: Option<Html>,
    pub output: Option<Output>,
    pub live: Option<String>,
}

pub struct Output {
    pub digest: String,
    pub bytes: String,
    pub cut: Option<String>,
    /// The text itself, when it is short.
    pub text: Option<String>,
}

pub async fn steps(viewer: &Viewer, view: &EmergencyView) -> Result<Vec<StepRow>, Fail> {
    let mut rows = Vec::new();
    let emergency = &view.emergency;
    for (index, step) in emergency.plan.steps.iter().enumerate() {
        let waiting = StepState::Waiting;
        let state = emergency.steps.get(index).unwrap_or(&waiting);
        let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
        let mut row = StepRow {
            number: index + 1,
            heading: page::step_heading(viewer.lang, number, &step.title),
            run: step.run.clone(),
            dangerous: step.dangerous,
            confirmed: confirmed(viewer, view, number),
            state: label::step_state(viewer.lang, state),
            class: "silent",
            attempts: emergency.attempts.get(index).copied().unwrap_or(0),
            started: None,
            output: None,
            live: None,
        };
        match state {
            StepState::Waiting => {}
            StepState::Running { since, .. } => {
                row.class = "run";
                row.started = Some(time_html(viewer, *since, view.at));
                row.live = Some(view.running_output.clone().unwrap_or_default());
            }
            StepState::InDoubt { since, .. } => {
                row.class = "bad";
                row.started = Some(time_html(viewer, *since, view.at));
            }
            StepState::Ended(end) => {
                row.class = if end.succeeded() { "ok" } else { "bad" };
                row.started = Some(time_html(viewer, end.started_at, view.at));
                if let Some(digest) = end.output {
                    let inline = index < INLINE_OUTPUTS_MAX && end.output_bytes <= INLINE_OUTPUT_BYTES_MAX;
                    row.output = Some(output(viewer, digest, end.output_bytes, end.output_bytes_cut, inline).await?);
                }
            }
        }
        rows.push(row);
    }
    Ok(rows)
}

fn confirmed(viewer: &Viewer, view: &EmergencyView, number: u32) -> Option<(String, Html)> {
    let one = view.emergency.confirmations.iter().find(|one| one.step == number)?;
    let used = one.used_at.is_some() || view.at < one.expires_at;
    used.then(|| (viewer.names.person(viewer.lang, &one.by), time_html(viewer, one.at, view.at)))
}

async fn output(viewer: &Viewer, digest: Digest, bytes: u64, cut: u64, inline: bool) -> Result<Output, Fail> {
    let content = if inline && bytes > 0 { viewer.look().content(digest).await.ok() } else { None };
    Ok(Output {
        digest: digest.to_string(),
        bytes: time::bytes(bytes),
        cut: (cut > 0).then(|| time::bytes(cut)),
        text: content.map(|content| String::from_utf8_lossy(&content).into_owned()),
    })
}

pub struct VerificationRow {
    pub aspect: &'static str,
    pub word: &'static str,
    pub class: &'static str,
    pub at: Option<Html>,
    pub checks: Vec<CheckLine>,
    pub attested: Option<(String, String)>,
    /// Declared checks, before anything ran.
    pub declared: Vec<String>,
}

pub struct CheckLine {
    pub title: String,
    pub passed: bool,
    pub seen: String,
    pub took: String,
}

pub fn verifications(viewer: &Viewer, view: &EmergencyView) -> Vec<VerificationRow> {
    let plan = &view.emergency.plan.verification;
    vec![
        verification(viewer, view.at, Aspect::Solved, view.emergency.solved.as_ref(), &plan.solved),
        verification(viewer, view.at, Aspect::Unaffected, view.emergency.unaffected.as_ref(), &plan.unaffected),
    ]
}

fn verification(
    viewer: &Viewer,
    now: Timestamp,
    aspect: Aspect,
    done: Option<&Verified>,
    declared: &[hikeshi_domain::emergency::Check],
) -> VerificationRow {
    let t = Words(viewer.lang);
    let (word, class) = match done.map(|done| done.passed) {
        None => (t.verification_waiting(), "silent"),
        Some(true) => (t.verification_passed(), "ok"),
        Some(false) => (t.verification_failed(), "bad"),
    };
    let line = |check: &hikeshi_domain::emergency::CheckResult| CheckLine {
        title: check.title.clone(),
        passed: check.passed,
        seen: check.seen.clone(),
        took: time::millis(viewer.lang, check.took_ms),
    };
    let words = |check: &hikeshi_domain::emergency::Check| match &check.kind {
        CheckKind::Http { url, status, body_contains } => {
            format!("{} — {url} → {status}{}", check.title, body_contains.as_ref().map(|text| format!(" “{text}”")).unwrap_or_default())
        }
        CheckKind::Command { run } => format!("{} — {run}", check.title),
    };
    VerificationRow {
        aspect: label::aspect(viewer.lang, aspect),
        word,
        class,
        at: done.map(|done| time_html(viewer, done.at, now)),
        checks: done.map(|done| done.checks.iter().map(line).collect()).unwrap_or_default(),
        attested: done
            .and_then(|done| done.attested.as_ref())
            .map(|attested| (viewer.names.person(viewer.lang, &attested.by), attested.note.clone())),
        declared: declared.iter().map(words).collect(),
    }
}
