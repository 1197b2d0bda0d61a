//! Acts on an emergency exception.

use hikeshi_domain::command::Command;
use hikeshi_domain::emergency::{ApprovalProof, Aspect, Command as Emergency, Status, Step, StepState, Verdict};
use hikeshi_domain::ids::{Digest, EmergencyId};
use hikeshi_domain::refusal::Refusal;
use hikeshi_domain::signature::NAMESPACE;
use hikeshi_domain::signature::passkey::challenge_text;
use hikeshi_engine::look::EmergencyView;
use hikeshi_text::page::{self, Words};
use hikeshi_text::{Sentence, label};

use super::Input;
use super::plan::{conditions_of, incident_of, plan_of};
use super::show::{Act, Choice, Field, FieldKind, Weight, code, offer_of, read_only};
use crate::viewer::Viewer;

pub fn command(kind: &str, input: &Input<'_>) -> Result<Command, Sentence> {
    let t = input.words();
    if kind == "emergency.request" {
        return Ok(Command::Emergency(Emergency::Request {
            incident: incident_of(input)?,
            conditions: conditions_of(input)?,
            plan: plan_of(input)?,
        }));
    }
    let emergency: EmergencyId = input.parse("emergency", t.column_id())?;
    let reason = || input.text("reason");
    let path = || input.fields.raw("path").to_owned();
    let step = || input.parse::<u32>("step", t.plan_steps());
    Ok(Command::Emergency(match kind {
        "emergency.revise" => Emergency::Revise { emergency, plan: plan_of(input)? },
        "emergency.approve" => {
            let given = input.text("digest");
            let digest = Digest::parse(&given).ok_or_else(|| input.unreadable(t.copy_digest(), &given))?;
            Emergency::Approve { emergency, digest, judgement: input.text("judgement") }
        }
        "emergency.approve_passkey" => {
            let given = input.text("digest");
            let digest = Digest::parse(&given).ok_or_else(|| input.unreadable(t.copy_digest(), &given))?;
            // Only the page's script can ask the authenticator; without it the field is empty.
            let assertion = serde_json::from_str(input.fields.raw("assertion")).map_err(|_| Sentence::new(t.passkey_needs_script()))?;
            Emergency::ApprovePasskey { emergency, digest, judgement: input.text("judgement"), assertion }
        }
        "emergency.approve_signed" => {
            Emergency::ApproveSigned { emergency, signature: input.text("signature"), judgement: input.text("judgement") }
        }
        "emergency.decline" => Emergency::Decline { emergency, reason: reason() },
        "emergency.cancel" => Emergency::Cancel { emergency, reason: reason() },
        "emergency.join" => Emergency::Join { emergency },
        "emergency.watch" => Emergency::Watch { emergency },
        "emergency.leave" => Emergency::Leave { emergency },
        "emergency.hold" => Emergency::Hold { emergency, reason: reason() },
        "emergency.resume" => Emergency::Resume { emergency },
        "emergency.start" => Emergency::Start { emergency },
        "emergency.confirm" => {
            let given = input.text("digest");
            let digest = Digest::parse(&given).ok_or_else(|| input.unreadable(t.copy_digest(), &given))?;
            Emergency::Confirm { emergency, step: step()?, digest, confirm: input.text("confirm") }
        }
        "emergency.step" => Emergency::Step { emergency, step: step()?, confirm: input.text("confirm") },
        "emergency.settle" => Emergency::Settle { emergency, step: step()?, verdict: verdict(input)?, reason: reason() },
        "emergency.verify" => Emergency::Verify { emergency },
        "emergency.attest" => Emergency::Attest {
            emergency,
            aspect: input.code("aspect", t.attest_aspect())?,
            passed: passed(input)?,
            note: input.text("note"),
        },
        "emergency.accept" => Emergency::Accept { emergency, path: path(), reason: reason() },
        "emergency.revert" => Emergency::Revert { emergency, paths: vec![path()], reason: reason(), confirm: input.text("confirm") },
        "emergency.restore" => Emergency::Restore { emergency, reason: reason(), confirm: input.text("confirm") },
        "emergency.close" => Emergency::Close { emergency },
        _ => return Err(input.unknown_kind(kind)),
    }))
}

fn verdict(input: &Input<'_>) -> Result<Verdict, Sentence> {
    let t = input.words();
    match input.text("verdict").as_str() {
        "ran" => Ok(Verdict::Ran { exit_code: input.parse("exit_code", t.verdict_exit())? }),
        "did_not_run" => Ok(Verdict::DidNotRun),
        other => Err(input.unreadable(t.field_verdict(), other)),
    }
}

fn passed(input: &Input<'_>) -> Result<bool, Sentence> {
    match input.text("passed").as_str() {
        "yes" => Ok(true),
        "no" => Ok(false),
        other => Err(input.unreadable(input.words().attest_result(), other)),
    }
}

/// What can be done with this exception now: what comes next first, danger last.
/// `passkeys` are the credential ids with which the viewer can sign here.
pub fn of_emergency(viewer: &Viewer, view: &EmergencyView, passkeys: &[String]) -> Vec<Act> {
    let maker = Maker { viewer, view, passkeys, t: Words(viewer.lang) };
    match view.emergency.status {
        Status::Requested => {
            let mut acts = maker.approvals();
            acts.extend([maker.join(), maker.reasoned("decline"), maker.revise(), maker.reasoned("cancel")]);
            acts
        }
        Status::Approved => {
            let mut acts = vec![maker.start(), maker.join()];
            if view.emergency.requirement.every_role {
                acts.extend(maker.approvals().into_iter().map(|act| act.weight(Weight::Normal)));
            }
            acts.extend(maker.leave());
            acts.extend([maker.revise(), maker.reasoned("cancel")]);
            acts
        }
        Status::BackingUp | Status::Verifying | Status::Restoring => {
            let mut acts = maker.hold_or_resume();
            acts.push(maker.join());
            acts.extend(maker.leave());
            acts
        }
        Status::Executing => maker.executing(),
        Status::Closed | Status::Declined | Status::Cancelled | Status::Expired => Vec::new(),
    }
}

struct Maker<'a> {
    viewer: &'a Viewer,
    view: &'a EmergencyView,
    passkeys: &'a [String],
    t: Words,
}

impl Maker<'_> {
    fn act(&self, verb: &str) -> Act {
        let id = self.view.emergency.id;
        let kind = format!("emergency.{verb}");
        Act::new(self.viewer, &kind)
            .hidden("emergency", id)
            .cli(format!("hikeshi emergency {verb} {id}"))
            .offered(self.viewer, offer_of(&self.view.offers, &kind))
    }

    fn reason(&self) -> Field {
        Field::new(FieldKind::Line, "reason", self.t.reason())
    }

    fn reasoned(&self, verb: &str) -> Act {
        let act = self.act(verb).with(self.reason());
        let cli = format!("{} --reason …", act.cli);
        act.cli(cli)
    }

    /// By passkey where the viewer has one, without a signature where the policy takes that, and by a letter from anybody.
    fn approvals(&self) -> Vec<Act> {
        let unsigned = self.approve();
        let takes_unsigned = self.viewer.policy.emergency.approval_proof == ApprovalProof::Any;
        let mut acts = Vec::new();
        acts.extend(self.approve_passkey(&unsigned));
        if acts.is_empty() || takes_unsigned {
            acts.push(if acts.is_empty() { unsigned } else { unsigned.label(self.t.approve_without_signature()).weight(Weight::Normal) });
        }
        acts.push(self.bring());
        acts
    }

    /// Open to whoever could approve without it, too.
    fn approve_passkey(&self, unsigned: &Act) -> Option<Act> {
        let place = crate::passkey::place(&self.viewer.app)?;
        let offer = offer_of(&self.view.offers, "emergency.approve");
        let entitled = unsigned.is_open() || offer.is_some_and(|offer| offer.refusal == Some(Refusal::ApprovalUnsigned));
        if self.passkeys.is_empty() || !entitled {
            return None;
        }
        let digest = self.view.emergency.digest;
        let act = Act::new(self.viewer, "emergency.approve_passkey").weight(Weight::Primary).label(self.t.approve_with_passkey());
        let act = act.lead(self.t.passkey_lead()).hidden("emergency", self.view.emergency.id).hidden("digest", digest);
        let act = act.hidden("assertion", "").hidden("challenge", challenge_text(&digest)).hidden("site", place.id);
        let act = act.hidden("credentials", self.passkeys.join(" ")).hidden("failed", self.t.passkey_approval_failed());
        Some(act.with(read_only(self.t.copy_digest(), digest.short())).with(Field::new(FieldKind::Area, "judgement", self.t.judgement())))
    }

    fn bring(&self) -> Act {
        let id = self.view.emergency.id;
        Act::new(self.viewer, "emergency.approve_signed")
            .label(self.t.bring_approval())
            .lead(self.t.bring_lead())
            .hidden("emergency", id)
            .with(Field::new(FieldKind::Area, "signature", self.t.bring_signature()))
            .with(Field::new(FieldKind::Area, "judgement", self.t.bring_judgement()))
            .cli(format!(
                "hikeshi emergency plan {id} --out plan.json; ssh-keygen -Y sign -n {NAMESPACE} -f ~/.ssh/id_ed25519 plan.json; \
                 hikeshi emergency approve {id} --signature plan.json.sig --judgement …"
            ))
    }

    fn approve(&self) -> Act {
        let digest = self.view.emergency.digest;
        let mut act = self.act("approve").weight(Weight::Primary).lead(self.t.i_have_read()).hidden("digest", digest);
        act = act.with(read_only(self.t.copy_digest(), digest.short())).with(Field::new(FieldKind::Area, "judgement", self.t.judgement()));
        let cli = format!("{} --digest {digest} --judgement …", act.cli);
        act.cli(cli)
    }

    fn revise(&self) -> Act {
        let mut act = self.act("revise");
        act.hidden.clear();
        act.hidden.push(("href".to_owned(), format!("/emergencies/{}/revise", self.view.emergency.id)));
        act
    }

    fn is_witness(&self) -> bool {
        self.view.emergency.witnesses.get(&self.viewer.person).is_some_and(|witness| witness.present)
    }

    fn join(&self) -> Act {
        if self.is_witness() {
            // Already present: the page to be on is the witness's own.
            let mut act = self.act("join").label(self.t.go_watch());
            act.closed = None;
            act.hidden = vec![("href".to_owned(), format!("/emergencies/{}/watch", self.view.emergency.id))];
            return act.cli(String::new());
        }
        self.act("join")
    }

    fn leave(&self) -> Option<Act> {
        self.is_witness().then(|| self.act("leave"))
    }

    fn start(&self) -> Act {
        self.act("start").weight(Weight::Primary)
    }

    fn hold_or_resume(&self) -> Vec<Act> {
        if self.view.emergency.hold.is_some() { vec![self.act("resume").weight(Weight::Primary)] } else { vec![self.reasoned("hold")] }
    }

    fn executing(&self) -> Vec<Act> {
        let emergency = &self.view.emergency;
        let mut acts = Vec::new();
        acts.extend(self.settle());
        acts.extend(self.confirm());
        let step = self.next_step();
        let all_ended = step.is_none();
        acts.extend(step);
        acts.extend(self.hold_or_resume());
        let verified = |verified: &Option<hikeshi_domain::emergency::Verified>| verified.as_ref().is_some_and(|verified| verified.passed);
        let both = verified(&emergency.solved) && verified(&emergency.unaffected);
        let checks = !emergency.plan.verification.solved.is_empty() || !emergency.plan.verification.unaffected.is_empty();
        if checks || emergency.must_be_looked_at() {
            acts.push(self.act("verify").weight(if all_ended && !both { Weight::Primary } else { Weight::Normal }));
        }
        acts.extend(self.attest());
        acts.push(self.act("close").weight(if both { Weight::Primary } else { Weight::Normal }));
        acts.push(self.join());
        acts.extend(self.leave());
        let id = emergency.id;
        acts.push(
            self.reasoned("restore")
                .weight(Weight::Danger)
                .with(Field::new(FieldKind::Typed, "confirm", &page::type_to_confirm(self.viewer.lang, &id.to_string())))
                .cli(format!("hikeshi emergency restore {id} --reason … --confirm {id}")),
        );
        acts
    }

    /// The step whose turn it is, or that failed and may be tried again, and its number.
    fn turn(&self) -> Option<(u32, &Step)> {
        let emergency = &self.view.emergency;
        let (index, _) = emergency.steps.iter().enumerate().find(|(_, state)| match state {
            StepState::Waiting => true,
            StepState::Ended(end) => !end.succeeded(),
            StepState::Running { .. } | StepState::InDoubt { .. } => false,
        })?;
        Some((u32::try_from(index + 1).unwrap_or(u32::MAX), emergency.plan.steps.get(index)?))
    }

    /// The button that runs it.
    fn next_step(&self) -> Option<Act> {
        let emergency = &self.view.emergency;
        let (number, step) = self.turn()?;
        let mut act = self
            .act("step")
            .id_part(number)
            .label(page::run_step(self.viewer.lang, number))
            .lead(step.title.clone())
            .hidden("step", number)
            .cli(format!("hikeshi emergency step {} {number}", emergency.id))
            .weight(Weight::Primary);
        if step.dangerous {
            act = act.with(Field::new(FieldKind::Typed, "confirm", &page::type_to_confirm(self.viewer.lang, &step.title)));
        }
        Some(act)
    }

    /// A witness's confirmation of the dangerous step whose turn it is, until one has been given.
    fn confirm(&self) -> Option<Act> {
        let emergency = &self.view.emergency;
        let (number, step) = self.turn()?;
        let given = emergency.confirmations.iter().any(|one| one.step == number && one.used_at.is_none() && self.view.at < one.expires_at);
        if !step.dangerous || !self.is_witness() || given {
            return None;
        }
        let id = emergency.id;
        Some(
            self.act("confirm")
                .id_part(number)
                .lead(page::step_heading(self.viewer.lang, number, &step.title))
                .hidden("step", number)
                .hidden("digest", emergency.digest)
                .weight(Weight::Primary)
                .with(Field::new(FieldKind::Typed, "confirm", &page::type_to_confirm(self.viewer.lang, &step.title)))
                .cli(format!("hikeshi emergency confirm {id} --step {number}")),
        )
    }

    fn settle(&self) -> Vec<Act> {
        let doubtful = self.view.emergency.steps.iter().enumerate().filter(|(_, state)| matches!(state, StepState::InDoubt { .. }));
        doubtful
            .map(|(index, _)| {
                let number = index + 1;
                let verdicts = [("ran", self.t.verdict_ran()), ("did_not_run", self.t.verdict_not())];
                let verdicts = verdicts.map(|(value, label)| Choice { value: value.to_owned(), label: label.to_owned(), chosen: false });
                self.act("settle")
                    .id_part(number)
                    .hidden("step", number)
                    .weight(Weight::Primary)
                    .with(Field::new(FieldKind::Select(verdicts.into()), "verdict", self.t.field_verdict()))
                    .with(Field::new(FieldKind::Number, "exit_code", self.t.verdict_exit()).optional().value("0"))
                    .with(self.reason())
                    .cli(format!("hikeshi emergency settle {} {number} --help", self.view.emergency.id))
            })
            .collect()
    }

    fn attest(&self) -> Option<Act> {
        let verification = &self.view.emergency.plan.verification;
        let by_eye = [(Aspect::Solved, verification.solved.is_empty()), (Aspect::Unaffected, verification.unaffected.is_empty())];
        let aspects: Vec<Choice> = by_eye
            .iter()
            .filter(|(_, by_eye)| *by_eye)
            .map(|(aspect, _)| Choice { value: code(aspect), label: label::aspect(self.viewer.lang, *aspect).to_owned(), chosen: false })
            .collect();
        if aspects.is_empty() {
            return None;
        }
        let results = [("yes", self.t.verification_passed()), ("no", self.t.verification_failed())];
        let results = results.map(|(value, label)| Choice { value: value.to_owned(), label: label.to_owned(), chosen: false });
        Some(
            self.act("attest")
                .with(Field::new(FieldKind::Select(aspects), "aspect", self.t.attest_aspect()))
                .with(Field::new(FieldKind::Select(results.into()), "passed", self.t.attest_result()))
                .with(Field::new(FieldKind::Line, "note", self.t.attest_note())),
        )
    }
}

/// Accepting one change outside the scope, or putting any one back; shown beside the change.
pub fn of_change(viewer: &Viewer, view: &EmergencyView, index: usize, path: &str) -> Vec<Act> {
    let maker = Maker { viewer, view, passkeys: &[], t: Words(viewer.lang) };
    let id = view.emergency.id;
    let act = |verb: &str| maker.act(verb).id_part(index).hidden("path", path).cli(format!("hikeshi emergency {verb} {id} {path}"));
    let revert = act("revert")
        .with(maker.reason())
        .with(Field::new(FieldKind::Typed, "confirm", &page::type_to_confirm(viewer.lang, &id.to_string())))
        .cli(format!("hikeshi emergency restore {id} {path} --reason … --confirm {id}"));
    vec![act("accept").with(maker.reason()), revert]
}
