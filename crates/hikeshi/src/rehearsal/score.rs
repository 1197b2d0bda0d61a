//! The judgement at the end of a rehearsal: measured times, and each rule with what shows that it was kept. Everything is read from the record.

use std::collections::BTreeSet;
use std::path::Path;

use hikeshi_domain::Timestamp;
use hikeshi_domain::emergency::{Ending, StepState};
use hikeshi_domain::ids::ChannelName;
use hikeshi_domain::obligation::{Kind, Status as Owed};
use hikeshi_engine::look::{EntryView, IncidentView};
use hikeshi_text::{Lang, terminal, time};
use serde::Serialize;

use super::acts::Cast;
use super::load::Felt;
use super::phones::{self, Rang};
use super::script::{Seen, seen_by};
use super::workspace::OPERATOR;
use crate::fail::{Failure, Result};
use crate::serve::Running;
use crate::{record, show};

#[derive(Debug, Serialize)]
pub struct Score {
    /// From the first visit that failed to the incident.
    pub detected_s: Option<i64>,
    /// From the incident to the telephone of whoever is called first.
    pub paged_ms: Option<u64>,
    /// Since the fault was detected.
    pub acknowledged_s: Option<i64>,
    pub updated_s: Option<i64>,
    pub restored_s: Option<i64>,
    pub postmortem_s: Option<i64>,
    pub took_s: u64,
    pub felt: Felt,
    pub entries: u64,
    pub root: String,
    pub rules: Vec<Rule>,
    pub files: Vec<String>,
}

#[derive(Debug, Serialize)]
pub struct Rule {
    pub rule: &'static str,
    pub kept: bool,
    /// What shows it: a ledger entry, a file, a number.
    pub shown_by: String,
}

impl Score {
    pub fn passed(&self) -> bool {
        self.rules.iter().all(|rule| rule.kept)
    }

    pub fn text(&self, lang: Lang) -> String {
        let kept = self.rules.iter().filter(|rule| rule.kept).count();
        let mut text = format!("\n{}\n", show::paint(show::BOLD, &terminal::score_title(lang, kept, self.rules.len())));
        let seconds = |value: Option<i64>| value.map_or_else(|| "-".to_owned(), |value| time::seconds(lang, value));
        let millis = |value: Option<u64>| value.map_or_else(|| "-".to_owned(), |value| time::millis(lang, value));
        let [detected, paged, acknowledged, updated, restored, postmortem, took] = terminal::score_times(lang);
        text.push_str(&show::pairs(&[
            (detected, seconds(self.detected_s)),
            (paged, millis(self.paged_ms)),
            (acknowledged, seconds(self.acknowledged_s)),
            (updated, seconds(self.updated_s)),
            (restored, seconds(self.restored_s)),
            (postmortem, seconds(self.postmortem_s)),
            (took, seconds(i64::try_from(self.took_s).ok())),
            (terminal::score_load_word(lang), terminal::score_load(lang, self.felt.good, self.felt.bad)),
            (terminal::score_ledger_word(lang), terminal::score_ledger(lang, self.entries, &self.root)),
        ]));
        text.push('\n');
        for rule in &self.rules {
            let mark =
                if rule.kept { show::paint(show::GREEN, terminal::mark(true)) } else { show::paint(show::RED, terminal::mark(false)) };
            text.push_str(&format!(
                "{mark} {:<4} {}  {}\n",
                rule.rule,
                terminal::rehearsal_rule(lang, rule.rule),
                show::paint(show::DIM, &rule.shown_by)
            ));
        }
        text.push_str(&format!("\n{}\n", terminal::score_files_word(lang)));
        for file in &self.files {
            text.push_str(&format!("  {file}\n"));
        }
        text
    }
}

/// Everything that the rules are judged by.
struct Evidence {
    seen: Seen,
    entries: Vec<EntryView>,
    emergency_posts: String,
    rang: Vec<Rang>,
}

pub async fn judge(cast: &Cast<'_>, running: &Running, felt: Felt) -> Result<Score> {
    let seen = cast.look().await?;
    let operator = cast.people.of(OPERATOR)?;
    let mut entries = Vec::new();
    let mut before = None;
    loop {
        let page = operator.ledger(before, 200).await?.entries;
        entries.extend(page.rows);
        before = page.older;
        if before.is_none() || entries.len() > 100_000 {
            break;
        }
    }
    entries.reverse();
    let posts = operator.channel(&ChannelName::new("emergency-deploy")?, None, 200).await?;
    let emergency_posts = serde_json::to_string(&posts.posts.rows).unwrap_or_default();
    let evidence = Evidence { seen, entries, emergency_posts, rang: phones::rang(&cast.workspace.phones_file()) };

    let mut rules = evidence.of_exception();
    rules.extend(evidence.of_follow_up());
    let incident = evidence.seen.incident.as_ref().ok_or_else(|| Failure::Failed(terminal::not_found(cast.lang, "incident")))?;
    rules.extend(evidence.of_incident(incident));
    let record = of_record(cast, running, incident.incident.id).await?;
    rules.extend(record.rules);
    let first = evidence.entries.first().map_or(incident.at, |entry| entry.at);
    let opened = incident.incident.opened_at;
    let broke = felt.first_bad.unwrap_or(incident.incident.detected_at);
    let since = |at: Option<Timestamp>| at.map(|at| at.duration_since(incident.incident.detected_at).as_secs());
    let rang_at = evidence.rang.iter().find(|rang| rang.person == OPERATOR).map(|rang| rang.at);
    Ok(Score {
        detected_s: Some(opened.duration_since(broke).as_secs().max(0)),
        paged_ms: rang_at.and_then(|at| u64::try_from(at.duration_since(opened).as_millis()).ok()),
        acknowledged_s: incident.measures.acknowledged_s,
        updated_s: since(evidence.event("incident_updated").first().map(|(entry, _)| entry.at)),
        restored_s: incident.measures.resolved_s,
        postmortem_s: since(evidence.postmortem_filed()),
        took_s: u64::try_from(incident.at.duration_since(first).as_secs()).unwrap_or(0),
        felt,
        entries: record.entries,
        root: record.root,
        files: files(&cast.workspace.dir),
        rules,
    })
}

fn rule(rule: &'static str, kept: bool, shown_by: impl Into<String>) -> Rule {
    Rule { rule, kept, shown_by: shown_by.into() }
}

impl Evidence {
    fn refused(&self, code: &str) -> Option<u64> {
        self.entries.iter().find(|entry| entry.refusal.as_ref().is_some_and(|refusal| refusal.code() == code)).map(|entry| entry.seq)
    }

    fn event(&self, name: &str) -> Vec<(&EntryView, &serde_json::Value)> {
        let all = self.entries.iter().flat_map(|entry| entry.events.iter().map(move |event| (entry, event)));
        all.filter(|(_, event)| event.get("event").and_then(serde_json::Value::as_str) == Some(name)).collect()
    }

    fn postmortem_filed(&self) -> Option<Timestamp> {
        let filed = |event: &serde_json::Value| event.get("postmortem").and_then(serde_json::Value::as_str) == Some("filed");
        self.event("postmortem").into_iter().find(|(_, event)| filed(event)).map(|(entry, _)| entry.at)
    }

    /// Pages that rang once more without saying so; each page has a key of its own.
    fn rang_unmarked(&self) -> usize {
        let mut heard = BTreeSet::new();
        self.rang.iter().filter(|rang| !heard.insert(&rang.key) && !rang.repeated).count()
    }

    fn of_exception(&self) -> Vec<Rule> {
        let Some(view) = &self.seen.emergency else { return vec![rule("E1", false, "-")] };
        let emergency = &view.emergency;
        let entry = |found: Option<u64>| found.map_or_else(|| "-".to_owned(), |seq| format!("ledger {seq}"));
        let incomplete = self.refused("emergency.condition_missing");
        let own = self.refused("emergency.self_approval");
        let bound = emergency.approvals.iter().all(|approval| approval.digest == emergency.digest) && !emergency.approvals.is_empty();
        let announced = self.emergency_posts.contains("emergency_requested");
        let steps = self.event("step_started");
        let approvers: Vec<&str> = emergency.approvals.iter().map(|approval| approval.by.as_str()).collect();
        let witnessed = !steps.is_empty()
            && steps.iter().all(|(_, event)| {
                let witnesses: Vec<&str> = event
                    .get("witnesses")
                    .and_then(serde_json::Value::as_array)
                    .into_iter()
                    .flatten()
                    .filter_map(serde_json::Value::as_str)
                    .collect();
                witnesses.len() >= 2 && witnesses.iter().any(|person| *person == super::SENIOR_WITNESS && !approvers.contains(person))
            });
        let first_step = steps.first().map(|(entry, _)| entry.seq);
        let backed_up = self.event("backup_taken").first().map(|(entry, _)| entry.seq);
        let ended = emergency.steps.iter().all(|step| matches!(step, StepState::Ended(end) if end.succeeded()));
        let content =
            !emergency.changes.is_empty() && emergency.changes.iter().all(|change| change.after.as_ref().is_none_or(|after| after.kept));
        let scope = emergency.changes.iter().all(|change| change.in_scope || change.accepted_by.is_some());
        let verified = [&emergency.solved, &emergency.unaffected]
            .into_iter()
            .all(|verified| verified.as_ref().is_some_and(|verified| verified.passed));
        // What was typed by hand: two people have signed that they watched all of it, one of them senior and not the approver.
        let hand = emergency.sessions.iter().max_by_key(|session| seen_by(session).len());
        let eyes = hand.map_or_else(Vec::new, seen_by);
        let watched = eyes.len() >= 2 && eyes.iter().any(|person| *person == super::SENIOR_WITNESS && !approvers.contains(person));
        let blocks = hand.map_or(0, |session| session.blocks);
        let typed = hand.map_or(0, |session| session.commands.len());
        let known = hand.is_some_and(|session| session.commands.iter().all(|command| command.exit_code.is_some()));
        let session = emergency.started_at.is_some() && emergency.closed_at.is_some() && self.emergency_posts.contains("session_started");
        vec![
            rule("E1", incomplete.is_some(), entry(incomplete)),
            rule("E2", announced, "#emergency-deploy"),
            rule("E3", bound && own.is_some(), format!("{}, {}", emergency.digest.short(), entry(own))),
            rule("E4", witnessed && watched, format!("{} steps, terminal watched by {}", steps.len(), eyes.join(", "))),
            rule("E5", session && blocks > 0, format!("#emergency-deploy, {blocks} blocks")),
            rule(
                "E6",
                ended && content && known,
                format!("{} steps, {typed} commands, {} files", emergency.steps.len(), emergency.changes.len()),
            ),
            rule("E7", backed_up.zip(first_step).is_some_and(|(backup, step)| backup < step), entry(backed_up)),
            rule("E8", scope, format!("{} files", emergency.changes.len())),
            rule("E9", verified && emergency.ending == Some(Ending::Solved), "2 verifications"),
        ]
    }

    fn of_follow_up(&self) -> Vec<Rule> {
        let of = |kind: Kind| self.seen.obligations.iter().find(|owed| owed.kind == kind);
        let done = |kind: Kind| of(kind).is_some_and(|owed| owed.status == Owed::Done);
        let compared = of(Kind::ChangeRequest).and_then(|owed| owed.request.as_ref()).and_then(|request| request.compared.as_ref());
        let report = of(Kind::Report).and_then(|owed| owed.report.as_ref()).and_then(|report| report.file.clone());
        let invitation = of(Kind::Retrospective).and_then(|owed| owed.meeting.as_ref()).and_then(|meeting| meeting.file.clone());
        let prevention = self.seen.obligations.iter().filter(|owed| owed.kind == Kind::Prevention).count();
        let exists = |file: &Option<String>| file.as_ref().is_some_and(|file| Path::new(file).is_file());
        vec![
            rule(
                "E10",
                done(Kind::ChangeRequest) && compared.is_some_and(|compared| compared.merged && compared.drift.is_empty()),
                compared.map(|compared| compared.commit.chars().take(12).collect::<String>()).unwrap_or_default(),
            ),
            rule("E11", done(Kind::Report) && exists(&report), report.unwrap_or_default()),
            rule(
                "E12",
                done(Kind::Retrospective) && exists(&invitation) && prevention > 0,
                format!("{}, {prevention} items", invitation.unwrap_or_default()),
            ),
        ]
    }

    fn of_incident(&self, view: &IncidentView) -> Vec<Rule> {
        let measures = &view.measures;
        let measured = measures.acknowledged_s.is_some() && measures.resolved_s.is_some();
        let paged: BTreeSet<&str> = self.rang.iter().map(|rang| rang.key.as_str()).collect();
        let taken = self.event("incident_acknowledged").first().map(|(entry, _)| entry.at);
        // Whoever has it was called, and took it after that.
        let rang_first = self.rang.iter().any(|rang| rang.person == OPERATOR && taken.is_some_and(|taken| rang.at <= taken));
        let updates = self.event("incident_updated");
        let postmortem =
            view.incident.postmortem.as_deref().and_then(|postmortem| postmortem.filed.as_ref()).map(|filed| filed.file.as_str());
        vec![
            rule(
                "I2",
                measures.acknowledged_in_time == Some(true),
                measures.acknowledged_s.map(|seconds| format!("{seconds} s")).unwrap_or_default(),
            ),
            rule("I4", rang_first && self.rang_unmarked() == 0, format!("{} pages, {} arrivals", paged.len(), self.rang.len())),
            rule("I6", !updates.is_empty(), format!("{} updates", updates.len())),
            rule("I8", postmortem.is_some_and(|file| Path::new(file).is_file()), postmortem.unwrap_or("-")),
            rule("I3", view.incident.triage.priority_override.is_none(), view.incident.priority.code()),
            rule(
                "I7",
                self.entries.iter().filter(|entry| entry.case == Some(view.incident.id)).count() > 20,
                format!("{} entries", self.entries.len()),
            ),
            rule("I11", measured, measures.resolved_s.map(|seconds| format!("{seconds} s")).unwrap_or_default()),
        ]
    }
}

struct OfRecord {
    rules: Vec<Rule>,
    entries: u64,
    root: String,
}

/// Verifies the ledger and the exported bundle, rebuilds the tables beside the real ones, and looks for secrets.
async fn of_record(cast: &Cast<'_>, running: &Running, case: hikeshi_domain::ids::IncidentId) -> Result<OfRecord> {
    let store = running.store().clone();
    let data_dir = running.data_dir().to_path_buf();
    let bundle = cast.workspace.bundle_file();
    let tokens: Vec<String> = cast.workspace.kept.tokens.values().cloned().collect();
    let packed = cast.people.of(OPERATOR)?.bundle(case).await?;
    crate::serve::blocking(move || {
        let key = crate::serve::verifier(&data_dir)?;
        let verdict = record::verify_store(&store, &key, hikeshi_verify::checkpoints_of(&data_dir.join("checkpoints.txt"), &key)?)?;
        std::fs::write(&bundle, packed)?;
        let of_bundle = hikeshi_verify::verify_file(&bundle, Some(&key.to_string()), &[])?;
        let rebuilt = record::compare(&store)?;
        let leaked = record::holds_any(&store, &tokens)?;
        let rules = vec![
            rule(
                "A1",
                verdict.fault.is_none() && rebuilt.agrees(),
                format!("{} entries, {} checkpoints", verdict.entries, verdict.agreed.len()),
            ),
            rule("A2", of_bundle.holds(), bundle.display().to_string()),
            rule("A4", !leaked, "0 tokens"),
        ];
        Ok(OfRecord { rules, entries: verdict.entries, root: verdict.root.short() })
    })
    .await
}

/// What the rehearsal leaves behind, for the reader to look at.
fn files(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for part in ["docs", "requests", "backups", "case.zip", "data/checkpoints.txt"] {
        collect(&dir.join(part), &mut found);
    }
    found.sort();
    found.truncate(40);
    found
}

fn collect(path: &Path, found: &mut Vec<String>) {
    if path.is_file() {
        found.push(path.display().to_string());
        return;
    }
    for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
        collect(&entry.path(), found);
    }
}
