//! An exception as the terminal shows it: the plan that is approved, the state, the end of a step.

use hikeshi_domain::Timestamp;
use hikeshi_domain::emergency::{CheckKind, Emergency, StepState, Verified};
use hikeshi_domain::ids::EmergencyId;
use hikeshi_engine::look::EmergencyView;
use hikeshi_text::page::{self, Words};
use hikeshi_text::{Lang, Names, label, terminal};

use super::super::incident::PageArgs;
use crate::cli::Caller;
use crate::cli::spoken::spoken;
use crate::fail::Result;
use crate::show;

/// Most lines of a step's output on the terminal; all of it is in the record.
const OUTPUT_LINES_MAX: usize = 200;

pub async fn list(all: bool, page: PageArgs, caller: &Caller<'_>) -> Result<()> {
    let found = caller.reach.emergencies(!all, page.before, page.limit).await?;
    let names = caller.names().await?;
    let lang = caller.lang;
    let now = crate::now();
    caller.out.data(&found, || {
        if found.rows.is_empty() {
            return terminal::no_emergencies(lang);
        }
        let rows: Vec<Vec<String>> = found
            .rows
            .iter()
            .map(|row| {
                vec![
                    row.id.to_string(),
                    label::emergency_status(lang, row.status).to_owned(),
                    row.incident.to_string(),
                    terminal::moment(lang, names.zone(), row.requested_at, now),
                    names.person(lang, &row.requester),
                    row.plan.summary.clone(),
                ]
            })
            .collect();
        show::table(&terminal::emergency_headings(lang), &rows)
    });
    if let Some(older) = found.older {
        caller.out.hint(&terminal::more_with(lang, &format!("--before {older}")));
    }
    Ok(())
}

pub async fn show(id: EmergencyId, caller: &Caller<'_>) -> Result<()> {
    let view = caller.reach.emergency(id).await?;
    let names = caller.names().await?;
    let lang = caller.lang;
    caller.out.data(&view, || format!("{}\n{}", plan_text(&view, &names, lang), state_text(&view, &names, lang)));
    // A recording can be redacted at any time; that is nothing to do now.
    let open = view.offers.iter().filter(|offer| offer.allowed && offer.kind != "session.redact");
    let words: Vec<String> = open.filter_map(|offer| Some(format!("hikeshi {} {id}", spoken(&offer.kind).ok()?))).collect();
    if !words.is_empty() {
        caller.out.hint(&terminal::may_do(lang, &words));
    }
    Ok(())
}

/// All that an approval is bound to, and the conditions for which it is asked.
pub fn plan_text(view: &EmergencyView, names: &Names, lang: Lang) -> String {
    let emergency = &view.emergency;
    let (conditions, plan) = (&emergency.conditions, &emergency.plan);
    let condition = |condition: &hikeshi_domain::emergency::Condition| format!("{}\n{}", condition.statement, condition.evidence);
    let judged = format!(
        "{}\n{}",
        conditions.judged_by.person.as_ref().map(|person| names.person(lang, person)).unwrap_or_default(),
        conditions.judged_by.evidence
    );
    let target = view.target.as_ref().map(|target| format!(" ({})", target.place())).unwrap_or_default();
    let mut rows = vec![
        (terminal::word_incident(lang), format!("{} {}", view.incident.id, view.incident.title)),
        (terminal::condition_title(lang, 1), condition(&conditions.serious_failure)),
        (terminal::condition_title(lang, 2), condition(&conditions.normal_flow_cannot)),
        (terminal::condition_title(lang, 3), condition(&conditions.cannot_wait)),
        (terminal::condition_title(lang, 4), judged),
        (terminal::word_requester(lang), names.person(lang, &emergency.requester)),
        (terminal::word_executor(lang), names.person(lang, &plan.executor)),
        (terminal::word_target(lang), format!("{}{target}", plan.target)),
        (terminal::word_scope(lang), plan.scope.join("\n")),
    ];
    for (index, step) in plan.steps.iter().enumerate() {
        let danger = if step.dangerous { terminal::dangerous_mark(lang) } else { String::new() };
        rows.push((terminal::step_title(lang, index + 1), format!("{}{danger}\n{}", step.title, step.run)));
    }
    for (title, checks) in
        [(terminal::word_solved(lang), &plan.verification.solved), (terminal::word_unaffected(lang), &plan.verification.unaffected)]
    {
        let text: Vec<String> = checks
            .iter()
            .map(|check| match &check.kind {
                CheckKind::Http { url, status, .. } => format!("{} ({status} {url})", check.title),
                CheckKind::Command { run } => format!("{} ({run})", check.title),
            })
            .collect();
        rows.push((title, if text.is_empty() { terminal::by_eye(lang) } else { text.join("\n") }));
    }
    rows.push((terminal::word_digest(lang), emergency.digest.to_string()));
    format!("{}\n{}", show::paint(show::BOLD, &format!("{} {}", emergency.id, plan.summary)), show::pairs(&rows))
}

fn state_text(view: &EmergencyView, names: &Names, lang: Lang) -> String {
    let emergency = &view.emergency;
    let moment = |at: Timestamp| terminal::moment(lang, names.zone(), at, view.at);
    let mut rows = vec![(terminal::word_status(lang), label::emergency_status(lang, emergency.status).to_owned())];
    if emergency.requirement.every_role {
        let because: Vec<String> = emergency.requirement.because.iter().map(ToString::to_string).collect();
        rows.push((terminal::word_approvals(lang), terminal::harder(lang, &because)));
    }
    if let (Some(offline), Some(ledger)) = (&emergency.offline, &emergency.ledger) {
        rows.push((Words(lang).offline_banner().to_owned(), page::offline(lang, offline, ledger, names)));
    }
    for approval in &emergency.approvals {
        rows.push((
            terminal::word_approval(lang),
            format!(
                "{} {} {}\n{}",
                names.person(lang, &approval.by),
                moment(approval.at),
                label::means(lang, &approval.means, names),
                approval.judgement
            ),
        ));
    }
    let quorum = &view.quorum;
    rows.push((
        terminal::word_witnesses(lang),
        terminal::quorum(
            lang,
            &names.people(lang, &quorum.present),
            quorum.present.len(),
            quorum.needed,
            quorum.seniors.len(),
            quorum.seniors_needed,
        ),
    ));
    if let Some(hold) = &emergency.hold {
        rows.push((terminal::word_hold(lang), format!("{} {}", names.person(lang, &hold.by), hold.reason)));
    }
    if let Some(backup) = &emergency.backup {
        rows.push((terminal::word_backup(lang), terminal::backup(lang, &backup.name, backup.files, backup.bytes)));
    }
    for (index, step) in emergency.steps.iter().enumerate() {
        rows.push((terminal::step_title(lang, index + 1), label::step_state(lang, step).clone()));
    }
    for change in &emergency.changes {
        let mark = if change.in_scope { String::new() } else { terminal::outside_scope(lang, change.accepted_by.is_some()) };
        rows.push((terminal::word_changed(lang), format!("{} {}{mark}", label::change_kind(lang, change.kind), change.path)));
    }
    rows.extend(
        [(terminal::word_solved(lang), &emergency.solved), (terminal::word_unaffected(lang), &emergency.unaffected)]
            .into_iter()
            .filter_map(|(word, verified)| verified.as_ref().map(|verified| (word, verified_text(verified, lang)))),
    );
    if let Some(trouble) = &emergency.trouble {
        rows.push((terminal::word_trouble(lang), terminal::trouble(lang, label::doing(lang, trouble.doing), &trouble.detail)));
    }
    if let Some(ending) = emergency.ending {
        rows.push((terminal::word_ending(lang), label::ending(lang, ending).to_owned()));
    }
    show::pairs(&rows)
}

fn verified_text(verified: &Verified, lang: Lang) -> String {
    let mut text = terminal::passed(lang, verified.passed);
    for check in &verified.checks {
        text.push_str(&format!("\n{} {}: {}", terminal::mark(check.passed), check.title, check.seen));
    }
    if let Some(attested) = &verified.attested {
        text.push_str(&format!("\n{}", attested.note));
    }
    text
}

/// How an effect ended, with what the step printed.
pub fn carried_out(lang: Lang, after: &Emergency, step: Option<&StepState>, output: Option<&[u8]>) -> String {
    let mut text = label::emergency_status(lang, after.status).to_owned();
    if let Some(step) = step {
        text = label::step_state(lang, step).clone();
        if let Some(output) = output {
            let shown = String::from_utf8_lossy(output);
            for line in shown.lines().take(OUTPUT_LINES_MAX) {
                text.push_str(&format!("\n  {}", clean(line)));
            }
            let more = shown.lines().count().saturating_sub(OUTPUT_LINES_MAX);
            if more > 0 {
                text.push_str(&format!("\n  {}", terminal::lines_more(lang, more)));
            }
        }
    } else if let (Some(solved), Some(unaffected)) = (&after.solved, &after.unaffected) {
        text.push_str(&format!(
            "\n{}: {}\n{}: {}",
            terminal::word_solved(lang),
            verified_text(solved, lang),
            terminal::word_unaffected(lang),
            verified_text(unaffected, lang)
        ));
    } else if let Some(backup) = &after.backup {
        text.push_str(&format!("\n{}", terminal::backup(lang, &backup.name, backup.files, backup.bytes)));
    }
    text
}

/// What a command printed must not steer the reader's terminal.
pub fn clean(line: &str) -> String {
    line.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect()
}
