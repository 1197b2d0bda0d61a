//! Acts on a postmortem.

use hikeshi_domain::command::Command;
use hikeshi_domain::ids::IncidentId;
use hikeshi_domain::postmortem::{Command as Postmortem, Content};
use hikeshi_engine::look::IncidentView;
use hikeshi_text::Sentence;
use hikeshi_text::page::Words;

use super::Input;
use super::follow_up::{items, with_items};
use super::show::{Act, Field, FieldKind, Weight, offer_of};
use crate::viewer::Viewer;

pub fn command(kind: &str, input: &Input<'_>) -> Result<Command, Sentence> {
    let incident: IncidentId = input.parse("incident", input.words().column_id())?;
    let content = || Content {
        impact: input.text("impact"),
        whys: input.fields.lines("whys"),
        cause: input.text("cause"),
        response: input.text("response"),
        lessons: input.text("lessons"),
    };
    Ok(Command::Postmortem(match kind {
        "postmortem.write" => Postmortem::Write { incident, content: content(), items: items(input)? },
        "postmortem.amend" => Postmortem::Amend { incident, content: content(), items: items(input)?, reason: input.text("reason") },
        _ => return Err(input.unknown_kind(kind)),
    }))
}

/// The form, once the incident is over: empty, or with what is written.
pub fn of_postmortem(viewer: &Viewer, view: &IncidentView) -> Option<Act> {
    let t = Words(viewer.lang);
    let incident = &view.incident;
    let resolved = incident.resolved.as_ref()?;
    let known = incident.postmortem.as_deref();
    let written = known.and_then(|known| known.written.as_ref()).map(|written| &written.content);
    let owed = known.is_some_and(|known| known.owed.is_some());
    let kind = if written.is_some() { "postmortem.amend" } else { "postmortem.write" };
    let area = |name: &str, label: &str, value: String| Field::new(FieldKind::Area, name, label).value(value);
    let text = |part: fn(&Content) -> &String| written.map(|content| part(content).clone()).unwrap_or_default();
    let response = written.map_or_else(|| resolved.what.clone(), |content| content.response.clone());
    let mut act = Act::new(viewer, kind)
        .hidden("incident", incident.id)
        .lead(t.postmortem_lead())
        .cli(format!("hikeshi incident postmortem {} --template", incident.id))
        .offered(viewer, offer_of(&view.offers, kind));
    if owed && written.is_none() {
        act = act.weight(Weight::Primary);
    }
    if written.is_some() {
        act = act.with(Field::new(FieldKind::Line, "reason", t.postmortem_reason()));
    }
    let whys = written.map(|content| content.whys.join("\n")).unwrap_or_default();
    let act = act
        .with(area("impact", t.postmortem_impact(), text(|content| &content.impact)))
        .with(area("whys", t.postmortem_whys(), whys))
        .with(area("cause", t.postmortem_cause(), text(|content| &content.cause)))
        .with(area("response", t.postmortem_response(), response))
        .with(area("lessons", t.postmortem_lessons(), text(|content| &content.lessons)));
    Some(with_items(viewer, act, &viewer.person))
}
