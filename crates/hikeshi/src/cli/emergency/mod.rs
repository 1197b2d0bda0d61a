//! `hikeshi emergency …`: an exception from its request to its close. What a plan file is: [`super::plan_file`]; how it is shown: [`view`].

mod confirm;
mod recording;
mod redaction;
pub mod shell;
mod signed;
mod view;
mod watch;
pub mod witness;

use std::path::PathBuf;

use clap::Subcommand;
use hikeshi_domain::command::Command;
use hikeshi_domain::emergency::{self, Aspect, Condition, Conditions, Judgement, Plan, Status, StepState, Verdict};
use hikeshi_domain::ids::{Digest, EmergencyId, IncidentId, PersonId};
use hikeshi_text::{label, terminal};
use serde_json::json;

pub use signed::read as read_signature;

use super::Caller;
use super::incident::{PageArgs, code};
use super::plan_file::RequestFile;
use super::policy::digest;
use crate::fail::{Failure, Result};

#[derive(Debug, Subcommand)]
pub enum Verb {
    PlanTemplate,
    Request(Box<RequestArgs>),
    List {
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        page: PageArgs,
    },
    Show {
        id: EmergencyId,
    },
    Revise {
        id: EmergencyId,
        #[arg(long, value_name = "FILE")]
        plan: PathBuf,
    },
    Approve {
        id: EmergencyId,
        #[arg(long)]
        judgement: String,
        #[arg(long, value_parser = digest)]
        digest: Option<Digest>,
        #[arg(long, value_name = "FILE", conflicts_with = "digest")]
        signature: Option<PathBuf>,
    },
    ApprovalCheck(super::trust::CheckArgs),
    Plan {
        id: EmergencyId,
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    Decline {
        id: EmergencyId,
        #[arg(long)]
        reason: String,
    },
    Cancel {
        id: EmergencyId,
        #[arg(long)]
        reason: String,
    },
    Join {
        id: EmergencyId,
    },
    Watch {
        id: EmergencyId,
        #[arg(long)]
        only_look: bool,
    },
    Leave {
        id: EmergencyId,
    },
    Hold {
        id: EmergencyId,
        #[arg(long)]
        reason: String,
    },
    Resume {
        id: EmergencyId,
    },
    Start {
        id: EmergencyId,
    },
    Confirm {
        id: EmergencyId,
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..), required_unless_present = "line")]
        step: Option<u32>,
        #[arg(long, conflicts_with = "step")]
        line: bool,
    },
    Deny {
        id: EmergencyId,
        #[arg(long)]
        reason: String,
    },
    Step {
        id: EmergencyId,
        #[arg(value_parser = clap::value_parser!(u32).range(1..))]
        step: u32,
    },
    Shell {
        id: EmergencyId,
        #[arg(long, env = "HIKESHI_SSH_CONFIG", value_name = "FILE")]
        ssh_config: Option<PathBuf>,
    },
    Recording(recording::RecordingArgs),
    Redact(redaction::RedactArgs),
    AgreeRedaction(redaction::AnswerArgs),
    DeclineRedaction {
        #[command(flatten)]
        which: redaction::AnswerArgs,
        #[arg(long)]
        reason: String,
    },
    Note {
        id: EmergencyId,
        text: String,
    },
    EndSession {
        id: EmergencyId,
        #[arg(long)]
        reason: String,
    },
    Settle {
        id: EmergencyId,
        #[arg(value_parser = clap::value_parser!(u32).range(1..))]
        step: u32,
        #[arg(long, conflicts_with = "did_not_run", required_unless_present = "did_not_run")]
        ran_exit_code: Option<i32>,
        #[arg(long)]
        did_not_run: bool,
        #[arg(long)]
        reason: String,
    },
    Verify {
        id: EmergencyId,
    },
    Attest {
        id: EmergencyId,
        #[arg(value_parser = code::<Aspect>)]
        aspect: Aspect,
        #[arg(long)]
        failed: bool,
        #[arg(long)]
        note: String,
    },
    Accept {
        id: EmergencyId,
        path: String,
        #[arg(long)]
        reason: String,
    },
    Revert {
        id: EmergencyId,
        #[arg(required = true)]
        paths: Vec<String>,
        #[arg(long)]
        reason: String,
    },
    Restore {
        id: EmergencyId,
        paths: Vec<String>,
        #[arg(long)]
        reason: String,
    },
    Close {
        id: EmergencyId,
    },
}

#[derive(Debug, clap::Args)]
pub struct RequestArgs {
    #[arg(long, value_name = "FILE")]
    plan: PathBuf,
    #[arg(long)]
    incident: Option<IncidentId>,
    #[arg(long)]
    executor: Option<PersonId>,
    #[arg(long)]
    summary: Option<String>,
    #[arg(long)]
    serious_failure: Option<String>,
    #[arg(long)]
    serious_failure_evidence: Option<String>,
    #[arg(long)]
    normal_flow_cannot: Option<String>,
    #[arg(long)]
    normal_flow_cannot_evidence: Option<String>,
    #[arg(long)]
    cannot_wait: Option<String>,
    #[arg(long)]
    cannot_wait_evidence: Option<String>,
    #[arg(long)]
    judged_by: Option<PersonId>,
    #[arg(long)]
    judged_by_evidence: Option<String>,
}

pub async fn run(verb: Verb, caller: &Caller<'_>) -> Result<()> {
    match verb {
        Verb::PlanTemplate => {
            let text = terminal::plan_template(caller.lang);
            caller.out.data(&json!({"toml": text}), || text.clone());
            Ok(())
        }
        Verb::Request(args) => request(*args, caller).await,
        Verb::List { all, page } => view::list(all, page, caller).await,
        Verb::Show { id } => view::show(id, caller).await,
        Verb::Revise { id, plan } => {
            let plan = super::plan_file::read::<RequestFile>(&plan)?.plan;
            tell(emergency::Command::Revise { emergency: id, plan }, Some(format!("hikeshi emergency approve {id}")), caller).await
        }
        Verb::Approve { id, judgement, signature: Some(file), .. } => signed::bring(id, judgement, &file, caller).await,
        Verb::Approve { id, judgement, digest, signature: None } => approve(id, judgement, digest, caller).await,
        Verb::ApprovalCheck(_) => Err(Failure::Usage(terminal::not_a_door_command(caller.lang))),
        Verb::Plan { id, out } => signed::plan(id, out, caller).await,
        Verb::Decline { id, reason } => tell(emergency::Command::Decline { emergency: id, reason }, None, caller).await,
        Verb::Cancel { id, reason } => tell(emergency::Command::Cancel { emergency: id, reason }, None, caller).await,
        Verb::Join { id } => tell(emergency::Command::Join { emergency: id }, Some(format!("hikeshi emergency watch {id}")), caller).await,
        Verb::Watch { id, only_look } => watch::watch(id, only_look, caller).await,
        Verb::Leave { id } => tell(emergency::Command::Leave { emergency: id }, None, caller).await,
        Verb::Hold { id, reason } => {
            tell(emergency::Command::Hold { emergency: id, reason }, Some(format!("hikeshi emergency resume {id}")), caller).await
        }
        Verb::Resume { id } => tell(emergency::Command::Resume { emergency: id }, None, caller).await,
        Verb::Settle { id, step, ran_exit_code, reason, did_not_run: _ } => {
            let verdict = ran_exit_code.map_or(Verdict::DidNotRun, |exit_code| Verdict::Ran { exit_code });
            tell(emergency::Command::Settle { emergency: id, step, verdict, reason }, None, caller).await
        }
        Verb::Attest { id, aspect, failed, note } => {
            tell(emergency::Command::Attest { emergency: id, aspect, passed: !failed, note }, None, caller).await
        }
        Verb::Accept { id, path, reason } => tell(emergency::Command::Accept { emergency: id, path, reason }, None, caller).await,
        Verb::Start { id } => {
            carry_out(id, emergency::Command::Start { emergency: id }, Some(format!("hikeshi emergency step {id} 1")), caller).await
        }
        Verb::Confirm { id, step: Some(step), line: _ } => confirm::step(id, step, caller).await,
        Verb::Confirm { id, step: None, line: _ } => confirm::line(id, caller).await,
        Verb::Deny { id, reason } => confirm::deny(id, reason, caller).await,
        Verb::Step { id, step } => run_step(id, step, caller).await,
        Verb::Shell { id, ssh_config } => shell::shell(id, ssh_config.as_deref(), caller).await,
        Verb::Recording(args) => recording::save(args, caller).await,
        Verb::Redact(args) => redaction::propose(args, caller).await,
        Verb::AgreeRedaction(which) => redaction::agree(which, caller).await,
        Verb::DeclineRedaction { which, reason } => redaction::decline(which, reason, caller).await,
        Verb::Note { id, text } => recording::note(id, text, caller).await,
        Verb::EndSession { id, reason } => recording::end(id, reason, caller).await,
        Verb::Verify { id } => {
            carry_out(id, emergency::Command::Verify { emergency: id }, Some(format!("hikeshi emergency close {id}")), caller).await
        }
        Verb::Revert { id, paths, reason } => revert(id, paths, reason, caller).await,
        Verb::Restore { id, paths, reason } if !paths.is_empty() => revert(id, paths, reason, caller).await,
        Verb::Restore { id, reason, paths: _ } => {
            let confirm = caller.confirmation(&terminal::restore_question(caller.lang, &id.to_string()), &id.to_string()).await?;
            carry_out(
                id,
                emergency::Command::Restore { emergency: id, reason, confirm },
                Some(format!("hikeshi emergency close {id}")),
                caller,
            )
            .await
        }
        Verb::Close { id } => tell(emergency::Command::Close { emergency: id }, Some("hikeshi obligation list".to_owned()), caller).await,
    }
}

async fn tell(command: emergency::Command, next: Option<String>, caller: &Caller<'_>) -> Result<()> {
    caller.submit_and_tell(Command::Emergency(command), next).await.map(|_| ())
}

async fn request(args: RequestArgs, caller: &Caller<'_>) -> Result<()> {
    let file: RequestFile = super::plan_file::read(&args.plan)?;
    let incident = args.incident.or(file.incident).ok_or_else(|| Failure::Usage(terminal::incident_needed(caller.lang)))?;
    let mut plan: Plan = file.plan;
    if let Some(executor) = args.executor {
        plan.executor = executor;
    }
    if let Some(summary) = args.summary {
        plan.summary = summary;
    }
    let mut conditions = file.conditions.unwrap_or_else(|| Conditions {
        serious_failure: Condition::default(),
        normal_flow_cannot: Condition::default(),
        cannot_wait: Condition::default(),
        judged_by: Judgement { person: None, evidence: String::new() },
    });
    let slots = [
        (&mut conditions.serious_failure.statement, args.serious_failure),
        (&mut conditions.serious_failure.evidence, args.serious_failure_evidence),
        (&mut conditions.normal_flow_cannot.statement, args.normal_flow_cannot),
        (&mut conditions.normal_flow_cannot.evidence, args.normal_flow_cannot_evidence),
        (&mut conditions.cannot_wait.statement, args.cannot_wait),
        (&mut conditions.cannot_wait.evidence, args.cannot_wait_evidence),
        (&mut conditions.judged_by.evidence, args.judged_by_evidence),
    ];
    for (slot, given) in slots {
        if let Some(given) = given {
            *slot = given;
        }
    }
    if args.judged_by.is_some() {
        conditions.judged_by.person = args.judged_by;
    }
    let done = caller.submit(Command::Emergency(emergency::Command::Request { incident, conditions, plan })).await?;
    let next = done.receipt.made.as_ref().map(|made| format!("hikeshi emergency approve {made}"));
    caller.tell(&done, next);
    Ok(())
}

/// Shows the plan, takes the digest that the approver read, and approves exactly that.
async fn approve(id: EmergencyId, judgement: String, given: Option<Digest>, caller: &Caller<'_>) -> Result<()> {
    let digest = match given {
        Some(digest) => digest,
        None => {
            let view = caller.reach.emergency(id).await?;
            let names = caller.names().await?;
            caller.out.hint(&view::plan_text(&view, &names, caller.lang));
            let current = view.emergency.digest;
            let typed = caller.confirmation(&terminal::type_digest(caller.lang), &current.short()).await?;
            super::policy::typed_digest(&typed, current, caller)?
        }
    };
    tell(emergency::Command::Approve { emergency: id, digest, judgement }, Some(format!("hikeshi emergency show {id}")), caller).await
}

/// A dangerous step wants its title typed. Whether it is dangerous the plan says, which the approver read.
async fn run_step(id: EmergencyId, step: u32, caller: &Caller<'_>) -> Result<()> {
    let view = caller.reach.emergency(id).await?;
    let index = usize::try_from(step).unwrap_or(usize::MAX).saturating_sub(1);
    let declared = view.emergency.plan.steps.get(index);
    let confirm = match declared {
        Some(declared) if declared.dangerous => {
            caller.confirmation(&terminal::dangerous_step(caller.lang, step, &declared.title, &declared.run), &declared.title).await?
        }
        Some(_) | None => String::new(),
    };
    let next = match view.emergency.plan.steps.get(index + 1) {
        Some(_) => format!("hikeshi emergency step {id} {}", step.saturating_add(1)),
        None => format!("hikeshi emergency verify {id}"),
    };
    carry_out(id, emergency::Command::Step { emergency: id, step, confirm }, Some(next), caller).await
}

/// Some files as they were before the start; what is there now stays in the record.
async fn revert(id: EmergencyId, paths: Vec<String>, reason: String, caller: &Caller<'_>) -> Result<()> {
    let confirm = caller.confirmation(&terminal::revert_question(caller.lang, &paths), &id.to_string()).await?;
    let command = emergency::Command::Revert { emergency: id, paths, reason, confirm };
    carry_out(id, command, Some(format!("hikeshi emergency show {id}")), caller).await
}

/// Submits what sets an effect going, waits for its end, and says how it ended.
async fn carry_out(id: EmergencyId, command: emergency::Command, next: Option<String>, caller: &Caller<'_>) -> Result<()> {
    let step = match &command {
        emergency::Command::Step { step, .. } => usize::try_from(*step).ok().and_then(|step| step.checked_sub(1)),
        _ => None,
    };
    let done = caller.submit(Command::Emergency(command)).await?;
    if done.dry_run {
        caller.tell(&done, next);
        return Ok(());
    }
    let what = label::command(caller.lang, &done.receipt.kind).to_owned();
    let after = super::waiting::emergency(id, what, caller).await?;
    let lang = caller.lang;
    if let Some(trouble) = &after.trouble {
        return Err(Failure::StepFailed(terminal::trouble(lang, label::doing(lang, trouble.doing), &trouble.detail)));
    }
    let state = step.and_then(|index| after.steps.get(index));
    let output = match state {
        Some(StepState::Ended(end)) => match end.output {
            Some(digest) => Some(caller.reach.content(digest).await?),
            None => None,
        },
        Some(_) | None => None,
    };
    let verified = after.solved.as_ref().zip(after.unaffected.as_ref());
    caller.out.data(&json!({"already": done.already, "dry_run": false, "receipt": done.receipt, "status": after.status, "step": state, "solved": after.solved, "unaffected": after.unaffected, "reverted": after.reverts.last(),
        "output": output.as_deref().map(String::from_utf8_lossy)}), || view::carried_out(lang, &after, state, output.as_deref()));
    let failed = match state {
        Some(StepState::Ended(end)) => !end.succeeded(),
        Some(StepState::InDoubt { .. }) => true,
        Some(StepState::Waiting | StepState::Running { .. }) | None => {
            step.is_none()
                && after.status == Status::Executing
                && verified.is_some_and(|(solved, unaffected)| !(solved.passed && unaffected.passed))
        }
    };
    if failed {
        caller.out.hint(&caller.next_step(&format!("hikeshi emergency show {id}")));
        return Err(Failure::Said(crate::fail::Code::StepFailed));
    }
    if let Some(next) = next {
        caller.out.hint(&caller.next_step(&next));
    }
    Ok(())
}
