//! What was asked, read out of what followed: the ledger keeps only the latter.
//!
//! The match below has no catch-all: a new event does not compile before somebody has said which command brings it about. Not here: asking
//! the rules again ([`super::redecide`]).

use crate::account;
use crate::channel::{self, Body, Post};
use crate::command::{Command, OutcomeCommand};
use crate::effect::{AspectResult, EffectKey, Outcome};
use crate::emergency::{self, Doing, Emergency, Signed, StepState, Trouble, Verdict, Verified};
use crate::event::Event;
use crate::facts::Facts;
use crate::ids::{EmergencyId, ObligationId};
use crate::incident::{self, Escalated, RoomEvent, RoomStep, WhyEscalated};
use crate::obligation::{self, Kind, PreventionItem};
use crate::people::Actor;
use crate::review;
use crate::session::{self, LineAsk, RedactionEvent, RedactionStanding, RedactionStep};
use crate::timer::Wake;

/// What one event says of the command that it came from.
pub(super) enum Asked {
    /// It is the first of what followed from this command.
    Command(Box<Command>),
    /// It only ever stands behind another.
    Follows,
    /// A credential: nothing of it comes home, and whoever acts must have signed for it anyway.
    Aside,
}

/// An entry as it is looked at.
pub(super) struct Asking<'a> {
    pub(super) facts: &'a Facts,
    pub(super) actor: &'a Actor,
    pub(super) events: &'a [Event],
}

impl From<emergency::Command> for Asked {
    fn from(command: emergency::Command) -> Self {
        Self::Command(Box::new(Command::Emergency(command)))
    }
}

impl From<incident::Command> for Asked {
    fn from(command: incident::Command) -> Self {
        Self::Command(Box::new(Command::Incident(command)))
    }
}

impl From<obligation::Command> for Asked {
    fn from(command: obligation::Command) -> Self {
        Self::Command(Box::new(Command::Obligation(command)))
    }
}

impl From<session::Command> for Asked {
    fn from(command: session::Command) -> Self {
        Self::Command(Box::new(Command::Session(command)))
    }
}

impl From<Wake> for Asked {
    fn from(wake: Wake) -> Self {
        Self::Command(Box::new(Command::Wake(wake)))
    }
}

fn ended(effect: EffectKey, outcome: Outcome) -> Asked {
    Asked::Command(Box::new(Command::Outcome(OutcomeCommand::Ended { effect, outcome: Box::new(outcome) })))
}

fn is_look(event: &Event) -> bool {
    matches!(event, Event::LookOwed { .. } | Event::FilesLookedAt { .. })
}

/// The first event that does not only follow says what was asked. `None`: nothing that can be asked in a local ledger brings this about.
pub(super) fn asked(asking: &Asking<'_>) -> Option<Asked> {
    let mut asked = asking.events.iter().map(|event| asking.by(event)).filter(|asked| !matches!(asked, Some(Asked::Follows)));
    match asked.next()? {
        // Behind a credential there are only credentials.
        Some(Asked::Aside) => asking.events.iter().all(|event| matches!(asking.by(event), Some(Asked::Aside))).then_some(Asked::Aside),
        first => first,
    }
}

impl Asking<'_> {
    #[expect(clippy::too_many_lines, reason = "one arm per event; splitting the match would need a catch-all arm")]
    fn by(&self, event: &Event) -> Option<Asked> {
        use emergency::Command as Do;
        use incident::Command as Open;
        use obligation::Command as Owed;
        use session::Command as Type;
        Some(match event.clone() {
            // Its terms do not move; it has no monitors, no chat and no invitations; and it is itself what comes home.
            Event::PolicyAdopted { .. }
            | Event::PolicyProposed { .. }
            | Event::PolicyApproved { .. }
            | Event::PolicyRejected { .. }
            | Event::LinkIssued { .. }
            | Event::PostDelivered { .. }
            | Event::PostUndelivered { .. }
            | Event::Monitor(_)
            | Event::Silence(_)
            | Event::Alert(_)
            | Event::Change(_)
            | Event::Merge(_)
            | Event::Oncall(_)
            | Event::Page(_)
            | Event::Contact(_)
            | Event::Status(_)
            | Event::Postmortem(_)
            | Event::Offline(_) => return None,
            Event::SignedIn { .. }
            | Event::SignedOut { .. }
            | Event::PasskeyAdded { .. }
            | Event::PasskeyRemoved { .. }
            | Event::TokenIssued { .. }
            | Event::TokenRevoked { .. } => Asked::Aside,
            Event::RequirementRaised { .. }
            | Event::LineUnconfirmed { .. }
            | Event::ObligationStarted { .. }
            | Event::ObligationWaived { .. } => Asked::Follows,
            // A verification of a plan without checks is nothing but a look at the files.
            Event::LookOwed { emergency, .. } | Event::FilesLookedAt { emergency, .. } if !self.any(|event| !is_look(event)) => {
                Do::Verify { emergency }.into()
            }
            Event::LookOwed { .. } | Event::FilesLookedAt { .. } => Asked::Follows,
            Event::EnteredBySsh { statement, signature, .. } => self.entered(statement, signature)?,
            Event::Posted { post } => posted(post),

            Event::IncidentOpened { title, summary, service, environment, triage, detected_at, .. } => {
                let detected_at = Some(detected_at);
                Open::Open { title, summary, service, environment, triage, detected_at }.into()
            }
            Event::IncidentTriaged { incident, triage, .. } => Open::Triage { incident, triage }.into(),
            Event::IncidentAcknowledged { incident, .. } => Open::Acknowledge { incident }.into(),
            Event::IncidentMoved { incident, to, reason, .. } => Open::Move { incident, stage: to, reason }.into(),
            Event::IncidentUpdated { incident, text } => Open::Update { incident, text }.into(),
            Event::IncidentNoted { incident, text } => Open::Note { incident, text }.into(),
            Event::IncidentResolved { incident, what, .. } => Open::Resolve { incident, what }.into(),
            Event::IncidentEscalated(Escalated { incident, why: WhyEscalated::Asked { reason, .. }, .. }) => {
                Open::Escalate { incident, reason }.into()
            }
            Event::IncidentEscalated(Escalated { incident, .. }) => Wake::Escalate { incident }.into(),
            Event::Room(RoomEvent { incident, what: RoomStep::Assigned { duty, person, .. } }) => {
                Open::Assign { incident, duty, person }.into()
            }
            Event::Room(RoomEvent { incident, what: RoomStep::HandedOver { to, note, .. } }) => {
                Open::HandOver { incident, to, note }.into()
            }
            Event::StatusUpdateDue { incident } => Wake::UpdateDue { incident }.into(),

            Event::EmergencyRequested { incident, conditions, plan, .. } => Do::Request { incident, conditions, plan }.into(),
            Event::PlanRevised { emergency, plan, .. } => Do::Revise { emergency, plan }.into(),
            Event::EmergencyApproved { emergency, approval, evidence, .. } => {
                let Signed::Ssh { signature, .. } = evidence?.signed else { return None };
                Do::ApproveSigned { emergency, signature, judgement: approval.judgement }.into()
            }
            Event::EmergencyDeclined { emergency, reason, .. } => Do::Decline { emergency, reason }.into(),
            Event::EmergencyCancelled { emergency, reason, .. } => Do::Cancel { emergency, reason }.into(),
            Event::ApprovalExpired { emergency } => Wake::ApprovalExpires { emergency }.into(),
            Event::WitnessJoined { emergency, .. } => Do::Join { emergency }.into(),
            Event::WitnessLeft { emergency, lost: false, .. } => Do::Leave { emergency }.into(),
            Event::WitnessLeft { emergency, person, lost: true } => Wake::WitnessSilent { emergency, person }.into(),
            Event::EmergencyHeld { emergency, reason, .. } => Do::Hold { emergency, reason }.into(),
            Event::EmergencyResumed { emergency, .. } => Do::Resume { emergency }.into(),
            Event::EmergencyStarted { emergency, .. } => Do::Start { emergency }.into(),
            Event::BackupTaken { emergency, backup } => ended(self.tried(emergency, "backup")?, Outcome::BackupTaken { backup }),
            Event::StepConfirmed { emergency, step, digest, .. } => {
                Do::Confirm { emergency, step, digest, confirm: self.title_to_type(emergency, step)? }.into()
            }
            Event::StepStarted { emergency, step, .. } => {
                Do::Step { emergency, step, confirm: self.title_to_type(emergency, step)? }.into()
            }
            Event::StepEnded { emergency, step, end, looked } => {
                ended(self.running(emergency, step)?, Outcome::StepEnded { end, looked: self.unseen().map_or(Ok(looked), Err) })
            }
            Event::StepInDoubt { effect, .. } => Asked::Command(Box::new(Command::Outcome(OutcomeCommand::InDoubt { effect }))),
            Event::StepSettledNotRun { emergency, step, reason, .. } => {
                Do::Settle { emergency, step, verdict: Verdict::DidNotRun, reason }.into()
            }
            Event::StepSettledRan { emergency, step, reason, end, .. } => {
                Do::Settle { emergency, step, verdict: Verdict::Ran { exit_code: end.exit_code? }, reason }.into()
            }
            Event::VerificationStarted { emergency, .. } => Do::Verify { emergency }.into(),
            Event::VerificationRecorded { emergency, aspect, verified } => match verified {
                Verified { attested: Some(attested), passed, .. } => Do::Attest { emergency, aspect, passed, note: attested.note }.into(),
                Verified { attested: None, .. } => ended(self.tried(emergency, "checks")?, self.checks()),
            },
            Event::ChangeAccepted { emergency, path, reason, .. } => Do::Accept { emergency, path, reason }.into(),
            Event::RevertStarted { emergency, files, reason, .. } => {
                let paths = files.into_iter().map(|file| file.path).collect();
                Do::Revert { emergency, paths, reason, confirm: emergency.to_string() }.into()
            }
            Event::FilesReverted { emergency, files, looked } => {
                ended(self.tried(emergency, "revert")?, Outcome::Reverted { files, looked })
            }
            Event::RestoreStarted { emergency, reason, .. } => Do::Restore { emergency, reason, confirm: emergency.to_string() }.into(),
            Event::BackupRestored { emergency, files, manifest, replaced, looked } => {
                ended(self.tried(emergency, "restore")?, Outcome::Restored { files, manifest, replaced, looked })
            }
            Event::EmergencyTroubled { emergency, trouble } => self.failed(emergency, trouble)?,
            Event::SessionRanLong { emergency } => Wake::SessionLong { emergency }.into(),
            Event::EmergencyClosed { emergency, .. } => Do::Close { emergency }.into(),
            Event::EmergencyExamined { emergency, size, findings } => {
                let told = self.state(emergency)?.told;
                Asked::Command(Box::new(Command::Review(review::Command::Examine { emergency, size, told, findings })))
            }

            Event::TerminalOpened { emergency, place, .. } => Type::Open { emergency, place }.into(),
            Event::DeviceBound { emergency, session, key, .. } => Type::Bind { emergency, session, key }.into(),
            Event::SessionNoted { emergency, session, text, .. } => Type::Note { emergency, session, text }.into(),
            Event::BlocksSealed { emergency, session, first, blocks, commands, gaps } => {
                Type::Seal { emergency, session, first, blocks, commands, gaps }.into()
            }
            Event::FilesSeen { emergency, looked, captured, .. } => {
                let effect = self.state(emergency)?.looking.as_ref()?.effect.clone();
                ended(effect, self.unseen().map_or(Outcome::FilesSeen { looked, captured }, |detail| Outcome::Failed { detail }))
            }
            Event::BlocksWatched { emergency, session, acks } => Type::Acknowledge { emergency, session, acks }.into(),
            Event::KeysHeld { emergency, session, held } => Type::Gate { emergency, session, held }.into(),
            Event::KeysReleased { emergency, session } => Type::Gate { emergency, session, held: Vec::new() }.into(),
            Event::LineAsked { emergency, session, ask } => self.line(emergency, session, ask)?,
            Event::LineConfirmed { emergency, session, digest, .. } => {
                Type::Confirm { emergency, session, digest, confirm: self.waiting(emergency, session)?.words.clone() }.into()
            }
            Event::LineDenied { emergency, session, digest, reason, .. } => Type::Deny { emergency, session, digest, reason }.into(),
            Event::LineWithdrawn { emergency, session, .. } => {
                Type::Withdraw { emergency, session, asked_at: self.waiting(emergency, session)?.asked_at }.into()
            }
            Event::Redaction(happened) => self.redaction(happened)?,
            // Whoever puts the backup back hangs up the terminal first.
            Event::TerminalStopped { .. } if self.any(|event| matches!(event, Event::RestoreStarted { .. })) => Asked::Follows,
            Event::TerminalStopped { emergency, session, reason, .. } => Type::Stop { emergency, session, reason }.into(),
            Event::TerminalEnded { emergency, session, end } => match self.actor.as_person() {
                Some(_) => Type::Abandon { emergency, session }.into(),
                None => Type::End { emergency, session, end }.into(),
            },

            Event::ObligationRaised { obligation } => match obligation.kind {
                Kind::MonthlyReport | Kind::QuarterlyReport => Wake::MonthEnds.into(),
                Kind::ChangeRequest
                | Kind::Report
                | Kind::Retrospective
                | Kind::Prevention
                | Kind::Corrective
                | Kind::Postmortem
                | Kind::Review
                | Kind::ContactTest => Asked::Follows,
            },
            Event::ObligationTroubled { obligation, trouble } => {
                ended(self.under_way(obligation)?, Outcome::Failed { detail: trouble.detail })
            }
            Event::ChangeRequestOpened { obligation, request } => {
                let (commit, request_file, patch_file) = (request.commit, request.request_file, request.patch_file);
                ended(self.under_way(obligation)?, Outcome::ChangeRequestOpened { commit, request_file, patch_file })
            }
            Event::ChangeCompared { obligation, comparison } => {
                let (commit, merged, drift) = (comparison.commit, comparison.merged, comparison.drift);
                ended(self.under_way(obligation)?, Outcome::Compared { commit, merged, drift })
            }
            Event::ReportGiven { obligation, report } => Owed::Report { obligation, judgement: report.judgement }.into(),
            Event::ReportFiled { obligation, file, digest } => ended(self.under_way(obligation)?, Outcome::ReportWritten { file, digest }),
            Event::MeetingScheduled { obligation, meeting } => {
                let (starts_at, lasts_min, invited) = (meeting.starts_at, meeting.lasts_min, meeting.invited);
                Owed::Schedule { obligation, starts_at, lasts_min, invited }.into()
            }
            Event::InvitationFiled { obligation, file } => ended(self.under_way(obligation)?, Outcome::InvitationWritten { file }),
            Event::MeetingHeld { obligation, held } => {
                let (held_at, attended, lessons, avoidable) = (held.at, held.attended, held.lessons, held.avoidable);
                Owed::Hold { obligation, held_at, attended, lessons, avoidable, items: self.items() }.into()
            }
            Event::ObligationReminded { obligation, .. } => Wake::Remind { obligation }.into(),
            Event::ObligationOverdue { obligation } => Wake::Overdue { obligation }.into(),
            Event::ObligationEscalated { obligation, .. } => Wake::EscalateOwed { obligation }.into(),
            Event::ReportPresented { obligation, presented } => {
                let (held_at, size, at, digest, note) = (presented.held_at, presented.size, presented.at, presented.digest, presented.note);
                Owed::Present { obligation, held_at, size, at, digest, note }.into()
            }
            Event::ObligationDone { obligation, evidence, .. } => Owed::Finish { obligation, evidence }.into(),
        })
    }

    fn any(&self, is: impl Fn(&Event) -> bool) -> bool {
        self.events.iter().any(is)
    }

    fn state(&self, emergency: EmergencyId) -> Option<&Emergency> {
        self.facts.emergency(emergency)
    }

    fn entered(&self, statement: String, signature: String) -> Option<Asked> {
        let label = self
            .events
            .iter()
            .find_map(|event| if let Event::TokenIssued { record, .. } = event { Some(record.label.clone()) } else { None })?;
        Some(Asked::Command(Box::new(Command::Account(account::Command::Enter { statement, signature, label }))))
    }

    /// The newest order of a kind.
    fn tried(&self, emergency: EmergencyId, what: &str) -> Option<EffectKey> {
        Some(EffectKey::of_emergency(emergency, what, 0, self.state(emergency)?.tries))
    }

    fn running(&self, emergency: EmergencyId, step: u32) -> Option<EffectKey> {
        let index = usize::try_from(step).ok()?.checked_sub(1)?;
        match self.state(emergency)?.steps.get(index)? {
            StepState::Running { effect, .. } | StepState::InDoubt { effect, .. } => Some(effect.clone()),
            StepState::Waiting | StepState::Ended(_) => None,
        }
    }

    fn under_way(&self, obligation: ObligationId) -> Option<EffectKey> {
        self.facts.obligation(obligation)?.running.clone()
    }

    fn failed(&self, emergency: EmergencyId, trouble: Trouble) -> Option<Asked> {
        let what = match trouble.doing {
            Doing::Backup => "backup",
            Doing::Verify => "checks",
            Doing::Restore => "restore",
            Doing::Revert => "revert",
            // Said beside what was seen before.
            Doing::Look => return Some(Asked::Follows),
            Doing::ChangeRequest | Doing::Compare | Doing::Report | Doing::Invitation => return None,
        };
        Some(ended(self.tried(emergency, what)?, Outcome::Failed { detail: trouble.detail }))
    }

    /// Why the files could not be looked at.
    fn unseen(&self) -> Option<String> {
        self.events.iter().find_map(|event| {
            if let Event::EmergencyTroubled { trouble: Trouble { doing: Doing::Look, detail, .. }, .. } = event {
                Some(detail.clone())
            } else {
                None
            }
        })
    }

    fn checks(&self) -> Outcome {
        let results = self.events.iter().filter_map(|event| {
            let Event::VerificationRecorded { aspect, verified, .. } = event else { return None };
            Some(AspectResult { aspect: *aspect, checks: verified.checks.clone() })
        });
        Outcome::ChecksEnded { results: results.collect() }
    }

    fn items(&self) -> Vec<PreventionItem> {
        let raised = self.events.iter().filter_map(|event| {
            let Event::ObligationRaised { obligation } = event else { return None };
            Some(PreventionItem { text: obligation.text.clone(), owner: obligation.owner.clone(), due_at: obligation.due_at })
        });
        raised.collect()
    }

    fn redaction(&self, happened: RedactionEvent) -> Option<Asked> {
        use session::Command as Type;
        let RedactionEvent { emergency, session, redaction, step } = happened;
        let known = || {
            let session = self.state(emergency)?.sessions.iter().find(|known| known.number == session)?;
            session.redactions.iter().find(|known| known.number == redaction)
        };
        let effect = || match &known()?.standing {
            RedactionStanding::Agreed { effect, .. } => Some(effect.clone()),
            RedactionStanding::Proposed | RedactionStanding::Declined { .. } | RedactionStanding::Done { .. } => None,
        };
        Some(match step {
            RedactionStep::Proposed { from, to, reason, .. } => Type::Redact { emergency, session, from, to, reason }.into(),
            RedactionStep::Declined { reason, .. } => Type::DeclineRedaction { emergency, session, redaction, reason }.into(),
            RedactionStep::Agreed { .. } => Type::AgreeRedaction { emergency, session, redaction, confirm: known()?.to_type() }.into(),
            RedactionStep::Done { blocks } => ended(effect()?, Outcome::Redacted { blocks }),
            RedactionStep::Failed { detail } => ended(effect()?, Outcome::Failed { detail }),
        })
    }

    fn line(&self, emergency: EmergencyId, session: u32, ask: LineAsk) -> Option<Asked> {
        let dangerous = &self.state(emergency)?.plan.terminal.as_ref()?.dangerous;
        let rule = dangerous.iter().position(|line| line.words == ask.words && line.why == ask.why)?;
        let rule = u32::try_from(rule).ok()?;
        Some(session::Command::Ask { emergency, session, line: ask.line, rule, asked_at: ask.asked_at }.into())
    }

    fn waiting(&self, emergency: EmergencyId, session: u32) -> Option<&LineAsk> {
        self.state(emergency)?.sessions.iter().find(|open| open.number == session)?.asked.as_ref()
    }

    /// What is typed to run a dangerous step, and to confirm it.
    fn title_to_type(&self, emergency: EmergencyId, step: u32) -> Option<String> {
        let index = usize::try_from(step).ok()?.checked_sub(1)?;
        let planned = self.state(emergency)?.plan.steps.get(index);
        Some(planned.filter(|step| step.dangerous).map(|step| step.title.clone()).unwrap_or_default())
    }
}

fn posted(post: Post) -> Asked {
    match post.body {
        Body::Text { text } => {
            let (channel, incident) = (post.channel, post.incident);
            Asked::Command(Box::new(Command::Channel(channel::Command::Post { channel, text, incident })))
        }
        Body::Notice { .. } => Asked::Follows,
    }
}
