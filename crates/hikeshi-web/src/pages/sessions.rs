//! Rows about witnessed sessions that several pages show: who watched what, commands, gaps.

use std::collections::{BTreeMap, BTreeSet};

use hikeshi_domain::Timestamp;
use hikeshi_domain::emergency::Emergency;
use hikeshi_domain::ids::PersonId;
use hikeshi_domain::session::told::{Stretch, together};
use hikeshi_domain::session::{CommandRef, Session, TypedCommand};
use hikeshi_text::page::{self, Words};
use hikeshi_text::session as words;

use super::{Html, time_html};
use crate::viewer::Viewer;

pub struct SessionRow {
    pub number: u32,
    pub heading: String,
    pub open: bool,
    pub href: String,
    pub by: String,
    pub place: String,
    pub opened: Html,
    pub ended: Option<Html>,
    pub end: Option<String>,
    pub counted: String,
    pub watched: Option<String>,
}

pub fn rows(viewer: &Viewer, emergency: &Emergency, now: Timestamp) -> Vec<SessionRow> {
    emergency.sessions.iter().map(|session| row(viewer, emergency, session, now)).collect()
}

fn row(viewer: &Viewer, emergency: &Emergency, session: &Session, now: Timestamp) -> SessionRow {
    let (lang, number) = (viewer.lang, session.number);
    let commands = session.commands.len() + usize::try_from(session.commands_earlier).unwrap_or(0);
    let files = emergency.changes.iter().filter(|change| change.command.is_some_and(|after| after.session == number)).count();
    let watched: BTreeMap<PersonId, Vec<Stretch>> = session
        .watched
        .iter()
        .map(|(person, watched)| (person.clone(), vec![Stretch { from: watched.from_block, to: watched.to_block }]))
        .collect();
    let open = session.is_open();
    SessionRow {
        number,
        heading: page::session_heading(lang, number),
        open,
        href: if open {
            format!("/emergencies/{}/watch", emergency.id)
        } else {
            format!("/emergencies/{}/sessions/{number}", emergency.id)
        },
        by: viewer.names.person(lang, &session.by),
        place: session.place.clone(),
        opened: time_html(viewer, session.opened_at, now),
        ended: session.ended_at.map(|at| time_html(viewer, at, now)),
        end: session.end.as_ref().map(|end| words::end(lang, end, &viewer.names)),
        counted: page::commands_counted(lang, commands, files),
        watched: watched_line(viewer, emergency, &watched),
    }
}

/// Those of the watchers who are senior and have not approved.
pub fn seniors(viewer: &Viewer, emergency: &Emergency, watched: &BTreeMap<PersonId, Vec<Stretch>>) -> BTreeSet<PersonId> {
    let rules = &viewer.policy.emergency;
    let approved = |person: &PersonId| emergency.approvals.iter().any(|approval| approval.by == *person);
    watched.keys().filter(|person| viewer.policy.has_any_role(person, &rules.senior_roles) && !approved(person)).cloned().collect()
}

/// Which blocks enough people have watched together; `None`: nobody has signed anything.
pub fn watched_line(viewer: &Viewer, emergency: &Emergency, watched: &BTreeMap<PersonId, Vec<Stretch>>) -> Option<String> {
    if watched.is_empty() {
        return None;
    }
    let (rules, seniors) = (&viewer.policy.emergency, seniors(viewer, emergency, watched));
    let needed = (rules.witnesses_min, rules.seniors_min);
    let met = together(watched, |person| *person != emergency.plan.executor, |person| seniors.contains(person), needed);
    Some(page::watched_together(viewer.lang, &ranges(&met), needed.0, needed.1))
}

/// `0–3, 7`
pub fn ranges(stretches: &[Stretch]) -> String {
    let one = |stretch: &Stretch| match stretch.from == stretch.to {
        true => stretch.from.to_string(),
        false => format!("{}–{}", stretch.from, stretch.to),
    };
    stretches.iter().map(one).collect::<Vec<_>>().join(", ")
}

pub struct CommandRow {
    pub number: u32,
    pub text: String,
    pub end: String,
    pub class: &'static str,
    pub cwd: String,
    pub at: Html,
    /// Files that were found changed after it: path, and where the page of the exception shows it.
    pub changed: Vec<(String, String)>,
}

pub fn command(viewer: &Viewer, emergency: &Emergency, session: u32, command: &TypedCommand, now: Timestamp) -> CommandRow {
    let after = CommandRef { session, command: command.number };
    let changed = (1..).zip(&emergency.changes).filter(|(_, change)| change.command == Some(after));
    CommandRow {
        number: command.number,
        text: command.text.clone(),
        end: words::command_end(viewer.lang, command),
        class: match command.exit_code {
            Some(0) => "ok",
            Some(_) => "bad",
            None if command.ended_at.is_some() => "silent",
            None => "run",
        },
        cwd: command.cwd.clone(),
        at: time_html(viewer, command.started_at, now),
        changed: changed
            .map(|(index, change): (usize, _)| (change.path.clone(), format!("/emergencies/{}#change-{index}", emergency.id)))
            .collect(),
    }
}

/// The last commands of an open session, newest first.
pub fn last_commands(viewer: &Viewer, emergency: &Emergency, session: &Session, now: Timestamp) -> Vec<CommandRow> {
    const SHOWN_MAX: usize = 8;
    session.commands.iter().rev().take(SHOWN_MAX).map(|typed| command(viewer, emergency, session.number, typed, now)).collect()
}

/// One person, and the blocks that they have signed.
pub struct WatchedRow {
    pub name: String,
    pub senior: bool,
    pub ranges: String,
}

pub fn watched_rows(viewer: &Viewer, emergency: &Emergency, watched: &BTreeMap<PersonId, Vec<Stretch>>) -> Vec<WatchedRow> {
    let seniors = seniors(viewer, emergency, watched);
    let row = |(person, stretches): (&PersonId, &Vec<Stretch>)| WatchedRow {
        name: viewer.names.person(viewer.lang, person),
        senior: seniors.contains(person),
        ranges: ranges(stretches),
    };
    watched.iter().map(row).collect()
}

/// The words for a heading of a page about sessions.
pub fn title(viewer: &Viewer, number: u32) -> String {
    format!("{} {}", Words(viewer.lang).replay_title(), page::session_heading(viewer.lang, number))
}
