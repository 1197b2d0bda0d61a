//! How each act of the rehearsal is done: by its person, over HTTP, with a key that the state decides. And how the state is looked at.

use std::io::Write as _;

use hikeshi_domain::command::Command;
use hikeshi_domain::emergency::{self, Check, CheckKind, Condition, Conditions, Judgement, Plan, Step, StepState, Verdict, Verification};
use hikeshi_domain::ids::{EmergencyId, IncidentId, RequestKey, TargetName};
use hikeshi_domain::incident::{self, Stage};
use hikeshi_domain::obligation::{self, Kind, Obligation, PreventionItem};
use hikeshi_domain::postmortem;
use hikeshi_domain::session::Terminal;
use hikeshi_text::{Lang, terminal};

use super::git;
use super::people::{People, id};
use super::script::{Act, Seen};
use super::workspace::{APPROVER, BAD_SETTINGS, LEAD, OPERATOR, REQUESTER, SENIOR_WITNESS, WITNESS, Workspace};
use crate::fail::{Failure, Result};

/// Pages of the ledger that are searched for refusals; a rehearsal stays far below.
const PAGES_MAX: u32 = 20;

pub struct Cast<'a> {
    pub workspace: &'a Workspace,
    pub people: &'a People,
    pub lang: Lang,
}

impl Cast<'_> {
    /// Looks at everything that decides what comes next.
    pub async fn look(&self) -> Result<Seen> {
        let operator = self.people.of(OPERATOR)?;
        let incidents = operator.incidents(false, None, 50).await?;
        let incident = match incidents.rows.iter().map(|row| row.id).min() {
            Some(id) => Some(operator.incident(id).await?),
            None => None,
        };
        let of_incident = incident.as_ref().and_then(|view| view.incident.emergencies.first().copied());
        let emergency = match of_incident {
            Some(id) => Some(operator.emergency(id).await?),
            None => None,
        };
        let obligations = emergency.as_ref().map(|view| view.obligations.clone()).unwrap_or_default();
        let mut refused = std::collections::BTreeSet::new();
        let mut before = None;
        let mut size = 0;
        for _ in 0..PAGES_MAX {
            let ledger = operator.ledger(before, 200).await?;
            size = size.max(ledger.size);
            refused.extend(ledger.entries.rows.iter().filter_map(|row| row.refusal.as_ref().map(|refusal| refusal.code().to_owned())));
            before = ledger.entries.older;
            if before.is_none() {
                break;
            }
        }
        let settings = std::fs::read_to_string(self.workspace.settings_file())?;
        let open = obligations.iter().filter(|owed| owed.status == obligation::Status::Owed);
        let request = open.filter_map(|owed| owed.request.as_ref()).next();
        let merged = request.map(|request| git::is_merged(&self.workspace.dir, &request.branch, &request.base)).transpose()?;
        let (broken, merged) = (settings == BAD_SETTINGS, merged.unwrap_or_default());
        Ok(Seen { size, incident, emergency, obligations, refused, broken, merged })
    }

    /// Does one act. A refusal that the act is about (a mistake made on purpose) is its success.
    pub async fn perform(&self, act: Act, seen: &Seen) -> Result<()> {
        let incident = seen.incident.as_ref().map(|view| view.incident.id);
        let emergency = seen.emergency.as_ref().map(|view| view.emergency.id);
        match act {
            Act::Release => self.release(),
            Act::RequestIncomplete => {
                self.expect_refusal(REQUESTER, self.request(known(incident)?, false)?, act, seen, "emergency.condition_missing").await
            }
            Act::ApproveOwn => {
                let command = self.approval(known(emergency)?, seen)?;
                self.expect_refusal(REQUESTER, command, act, seen, "emergency.self_approval").await
            }
            Act::Merge => self.merge(seen),
            Act::Compare => {
                let owed = owed(seen, Kind::ChangeRequest)?;
                self.submit(SENIOR_WITNESS, Command::Obligation(obligation::Command::Compare { obligation: owed.id }), act, seen).await
            }
            Act::Acknowledge | Act::Move(_) | Act::Update | Act::Resolve => {
                let command = self.of_incident(act, known(incident)?);
                self.submit(OPERATOR, Command::Incident(command), act, seen).await
            }
            Act::Request => self.submit(REQUESTER, self.request(known(incident)?, true)?, act, seen).await,
            Act::Approve => {
                let command = self.approval(known(emergency)?, seen)?;
                self.submit(APPROVER, command, act, seen).await
            }
            Act::Join(person) => {
                self.submit(person, Command::Emergency(emergency::Command::Join { emergency: known(emergency)? }), act, seen).await
            }
            Act::Start | Act::Step(_) | Act::Settle(_) | Act::Verify | Act::Close => {
                let command = self.of_execution(act, known(emergency)?, seen)?;
                self.submit(REQUESTER, Command::Emergency(command), act, seen).await
            }
            Act::Confirm(_) => {
                let command = self.of_execution(act, known(emergency)?, seen)?;
                self.submit(SENIOR_WITNESS, Command::Emergency(command), act, seen).await
            }
            Act::Terminal => super::by_hand::type_it(self, known(emergency)?).await,
            Act::Propose => {
                let owed = owed(seen, Kind::ChangeRequest)?;
                self.submit(SENIOR_WITNESS, Command::Obligation(obligation::Command::Propose { obligation: owed.id }), act, seen).await
            }
            Act::Report => {
                let command = obligation::Command::Report {
                    obligation: owed(seen, Kind::Report)?.id,
                    judgement: terminal::rehearsal_judgement(self.lang),
                };
                self.submit(REQUESTER, Command::Obligation(command), act, seen).await
            }
            Act::WritePostmortem => self.submit(OPERATOR, self.postmortem(known(incident)?)?, act, seen).await,
            Act::HoldMeeting => self.submit(LEAD, self.meeting(owed(seen, Kind::Retrospective)?)?, act, seen).await,
            Act::AwaitIncident
            | Act::AwaitPage
            | Act::AwaitBackup
            | Act::AwaitStep(_)
            | Act::AwaitChecks
            | Act::AwaitObligations
            | Act::AwaitRecovery
            | Act::AwaitRequest
            | Act::AwaitComparison
            | Act::AwaitReport
            | Act::AwaitInvitation
            | Act::AwaitPostmortem
            | Act::Done
            | Act::Stuck => Ok(()),
        }
    }

    fn merge(&self, seen: &Seen) -> Result<()> {
        if let Some(request) = &owed(seen, Kind::ChangeRequest)?.request {
            git::merge(&self.workspace.dir, &request.branch, &request.base)?;
        }
        Ok(())
    }

    /// The bad release: through the repository, then onto the host, as a deploy would.
    fn release(&self) -> Result<()> {
        git::release_bad_settings(&self.workspace.dir)?;
        let file = self.workspace.settings_file();
        let temporary = file.with_extension("new");
        std::fs::write(&temporary, BAD_SETTINGS)?;
        std::fs::rename(&temporary, &file)?;
        Ok(())
    }

    async fn submit(&self, person: &'static str, command: Command, act: Act, seen: &Seen) -> Result<()> {
        let key = key(act, seen);
        let (_, receipt) = self.people.of(person)?.submit(command, key.clone(), false).await?;
        self.write_down(&key, receipt.seq)
    }

    /// What this person was told, kept beside the ledger: whoever kills the rehearsal can hold the ledger against it.
    fn write_down(&self, key: &RequestKey, seq: Option<u64>) -> Result<()> {
        let line = serde_json::json!({ "key": key, "seq": seq });
        let file = std::fs::File::options().create(true).append(true).open(self.workspace.dir.join("acknowledged.jsonl"));
        // One write per line, so that a kill cuts no line in two.
        Ok(file.and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()))?)
    }

    async fn expect_refusal(&self, person: &'static str, command: Command, act: Act, seen: &Seen, code: &str) -> Result<()> {
        let key = key(act, seen);
        match self.people.of(person)?.submit(command, key.clone(), false).await {
            Err(Failure::Refused { refusal, seq }) if refusal.code() == code => self.write_down(&key, seq),
            Err(other) => Err(other),
            Ok(_) => Err(Failure::Failed(terminal::rehearsal_not_refused(self.lang, code))),
        }
    }

    fn of_incident(&self, act: Act, incident: IncidentId) -> incident::Command {
        match act {
            Act::Move(stage) => incident::Command::Move { incident, stage, reason: String::new() },
            Act::Update => incident::Command::Update { incident, text: terminal::rehearsal_update(self.lang) },
            Act::Resolve => incident::Command::Resolve { incident, what: terminal::rehearsal_resolved(self.lang) },
            _ => incident::Command::Acknowledge { incident },
        }
    }

    /// The whole request; incomplete: without the reason why it cannot wait, which the door must notice.
    fn request(&self, incident: IncidentId, complete: bool) -> Result<Command> {
        let texts = terminal::rehearsal_conditions(self.lang);
        let mut conditions = texts.into_iter().map(|(statement, evidence)| Condition { statement, evidence });
        let mut take = || conditions.next().unwrap_or_default();
        let (serious_failure, normal_flow_cannot, cannot_wait) = (take(), take(), take());
        let cannot_wait = if complete { cannot_wait } else { Condition::default() };
        let judged_by = Judgement { person: Some(id(APPROVER)?), evidence: terminal::rehearsal_call(self.lang) };
        let conditions = Conditions { serious_failure, normal_flow_cannot, cannot_wait, judged_by };
        Ok(Command::Emergency(emergency::Command::Request { incident, conditions, plan: self.plan()? }))
    }

    fn plan(&self) -> Result<Plan> {
        let titles = terminal::rehearsal_steps(self.lang);
        let title = |index: usize| titles.get(index).cloned().unwrap_or_default();
        let url = |path: &str| format!("http://127.0.0.1:{}{path}", self.workspace.kept.service_port);
        let check = |title: String, path: &str| Check {
            title,
            kind: CheckKind::Http { url: url(path), status: 200, body_contains: None },
            timeout_s: 5,
        };
        let step = |index: usize, run: &str, dangerous: bool| Step { title: title(index), run: run.to_owned(), timeout_s: 30, dangerous };
        Ok(Plan {
            target: TargetName::new("reservation-prod")?,
            executor: id(REQUESTER)?,
            summary: terminal::rehearsal_summary(self.lang),
            steps: vec![
                step(0, "cat config/service.toml\nls -l data", false),
                step(1, "sed -i 's|data/room.csv|data/rooms.csv|' config/service.toml\ncat config/service.toml", true),
            ],
            terminal: Some(Terminal::default()),
            scope: vec!["config".to_owned()],
            verification: Verification {
                solved: vec![check(title(2), "/")],
                unaffected: vec![check(title(3), "/rates"), check(title(4), "/health")],
            },
            witnesses: vec![id(SENIOR_WITNESS)?, id(WITNESS)?],
        })
    }

    /// Approves exactly the digest that is shown now.
    fn approval(&self, emergency: EmergencyId, seen: &Seen) -> Result<Command> {
        let digest = seen.emergency.as_ref().map(|view| view.emergency.digest).ok_or_else(nothing)?;
        Ok(Command::Emergency(emergency::Command::Approve { emergency, digest, judgement: terminal::rehearsal_judged(self.lang) }))
    }

    fn of_execution(&self, act: Act, emergency: EmergencyId, seen: &Seen) -> Result<emergency::Command> {
        let state = seen.emergency.as_ref().map(|view| &view.emergency);
        let title = |step: u32| {
            let index = usize::try_from(step).unwrap_or(usize::MAX).saturating_sub(1);
            let declared = state.and_then(|state| state.plan.steps.get(index)).filter(|declared| declared.dangerous);
            declared.map(|declared| declared.title.clone()).unwrap_or_default()
        };
        Ok(match act {
            Act::Step(step) => emergency::Command::Step { emergency, step, confirm: title(step) },
            Act::Confirm(step) => {
                let digest = state.map(|state| state.digest).ok_or_else(nothing)?;
                emergency::Command::Confirm { emergency, step, digest, confirm: title(step) }
            }
            Act::Settle(step) => {
                let (verdict, reason) = self.settle(step, seen)?;
                emergency::Command::Settle { emergency, step, verdict, reason }
            }
            Act::Verify => emergency::Command::Verify { emergency },
            Act::Close => emergency::Command::Close { emergency },
            _ => emergency::Command::Start { emergency },
        })
    }

    /// What a person would do about a step in doubt: go to the host and look whether it was done.
    fn settle(&self, step: u32, seen: &Seen) -> Result<(Verdict, String)> {
        let done = match step {
            // It only reads, so doing it again is harmless.
            1 => false,
            _ => std::fs::read_to_string(self.workspace.settings_file())?.contains("data/rooms.csv"),
        };
        let in_doubt = seen.emergency.as_ref().and_then(|view| view.emergency.steps.get(usize::try_from(step).ok()?.checked_sub(1)?));
        if !matches!(in_doubt, Some(StepState::InDoubt { .. })) {
            return Err(nothing());
        }
        let verdict = if done { Verdict::Ran { exit_code: 0 } } else { Verdict::DidNotRun };
        Ok((verdict, terminal::rehearsal_settled(self.lang, done)))
    }

    fn postmortem(&self, incident: IncidentId) -> Result<Command> {
        let items = self.items()?.into_iter().take(1).collect();
        let content = terminal::rehearsal_postmortem(self.lang);
        Ok(Command::Postmortem(postmortem::Command::Write { incident, content, items }))
    }

    fn items(&self) -> Result<Vec<PreventionItem>> {
        let due_at =
            crate::now().checked_add(jiff::SignedDuration::from_hours(24 * 14)).map_err(|error| Failure::Failed(error.to_string()))?;
        let owned = terminal::rehearsal_items(self.lang).into_iter().zip([SENIOR_WITNESS, WITNESS]);
        owned.map(|(text, owner)| Ok(PreventionItem { text, owner: id(owner)?, due_at })).collect()
    }

    fn meeting(&self, owed: &Obligation) -> Result<Command> {
        let attended = [LEAD, REQUESTER, SENIOR_WITNESS, WITNESS, OPERATOR].into_iter().map(id).collect::<Result<Vec<_>>>()?;
        Ok(Command::Obligation(obligation::Command::Hold {
            obligation: owed.id,
            held_at: crate::now(),
            attended,
            lessons: terminal::rehearsal_lessons(self.lang),
            avoidable: None,
            items: self.items()?,
        }))
    }
}

fn known<T>(given: Option<T>) -> Result<T> {
    given.ok_or_else(nothing)
}

fn nothing() -> Failure {
    Failure::Failed("the rehearsal lost sight of its case".to_owned())
}

fn owed(seen: &Seen, kind: Kind) -> Result<&Obligation> {
    seen.obligations.iter().find(|owed| owed.kind == kind).ok_or_else(nothing)
}

/// The same act in the same state has the same key, also after a crash: an act that was recorded has changed the state.
fn key(act: Act, seen: &Seen) -> RequestKey {
    let once = matches!(
        act,
        Act::RequestIncomplete
            | Act::Request
            | Act::ApproveOwn
            | Act::Acknowledge
            | Act::Update
            | Act::Move(Stage::Impact | Stage::Mitigation)
    );
    let name = format!("{act:?}").replace([' ', '"', '(', ')'], "");
    if once { RequestKey::of(&["rehearsal", &name]) } else { RequestKey::of(&["rehearsal", &name, &seen.size.to_string()]) }
}
