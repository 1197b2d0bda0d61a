//! What was taken out of a session's recording, and what waits for a second person. Shown with its replay.

use hikeshi_domain::session::{Redaction, RedactionStanding, Session};
use hikeshi_engine::look::EmergencyView;
use hikeshi_text::page::{self, Words};

use super::{Flash, Html, time_html};
use crate::acts;
use crate::fail::Fail;
use crate::viewer::Viewer;

pub struct RedactionRow {
    pub number: u32,
    pub range: String,
    /// The command in whose output it lies.
    pub command: Option<u32>,
    pub reason: String,
    pub by: String,
    pub at: Html,
    pub standing: String,
    pub class: &'static str,
    pub trouble: Option<String>,
    pub forms: Vec<Html>,
}

pub fn rows(viewer: &Viewer, view: &EmergencyView, session: &Session, flash: &Flash, place: &str) -> Result<Vec<RedactionRow>, Fail> {
    session.redactions.iter().map(|redaction| row(viewer, view, session, redaction, flash, place)).collect()
}

fn row(
    viewer: &Viewer,
    view: &EmergencyView,
    session: &Session,
    redaction: &Redaction,
    flash: &Flash,
    place: &str,
) -> Result<RedactionRow, Fail> {
    let (t, lang) = (Words(viewer.lang), viewer.lang);
    let name = |person| viewer.names.person(lang, person);
    let (standing, class) = match &redaction.standing {
        RedactionStanding::Proposed => (t.redaction_proposed().to_owned(), "warn"),
        RedactionStanding::Declined { by, reason } => (format!("{} ({}: {reason})", t.redaction_declined(), name(by)), "muted"),
        RedactionStanding::Agreed { by, .. } => (format!("{} ({})", t.redaction_under_way(), name(by)), "warn"),
        RedactionStanding::Done { by, .. } => (format!("{} ({})", t.redaction_done(), name(by)), "ok"),
    };
    let forms = if redaction.is_proposed() {
        let acts = acts::of_redaction(viewer, view, session.number, redaction);
        acts.iter().map(|act| acts::render_to(viewer, act, flash, place)).collect::<Result<_, Fail>>()?
    } else {
        Vec::new()
    };
    let printed = session.commands.iter().find(|command| command.output_from < redaction.to && redaction.from < command.output_to);
    Ok(RedactionRow {
        number: redaction.number,
        range: page::redaction_range(lang, redaction.from, redaction.to),
        command: printed.map(|command| command.number),
        reason: redaction.reason.clone(),
        by: name(&redaction.proposed_by),
        at: time_html(viewer, redaction.proposed_at, view.at),
        standing,
        class,
        trouble: redaction.trouble.clone(),
        forms,
    })
}
