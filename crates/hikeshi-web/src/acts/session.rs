//! Acts on a session: a witness's note beside the recording, its end, their word on a dangerous line; and what is taken out of a recording.

use hikeshi_domain::command::Command;
use hikeshi_domain::ids::Digest;
use hikeshi_domain::session::{Command as Session, LineAsk, Redaction};
use hikeshi_engine::look::EmergencyView;
use hikeshi_text::page::{self, Words};
use hikeshi_text::{Sentence, label};

use super::Input;
use super::show::{Act, Field, FieldKind, Weight, offer_of};
use crate::viewer::Viewer;

pub fn command(kind: &str, input: &Input<'_>) -> Result<Command, Sentence> {
    let t = input.words();
    let emergency = input.parse("emergency", t.column_id())?;
    let session: u32 = input.parse("session", t.witnessed_sessions())?;
    Ok(Command::Session(match kind {
        "session.note" => Session::Note { emergency, session, text: input.text("text") },
        "session.confirm" | "session.deny" => {
            let given = input.text("digest");
            let digest = Digest::parse(&given).ok_or_else(|| input.unreadable(t.copy_digest(), &given))?;
            if kind == "session.deny" {
                Session::Deny { emergency, session, digest, reason: input.text("reason") }
            } else {
                Session::Confirm { emergency, session, digest, confirm: input.text("confirm") }
            }
        }
        "session.redact" => {
            let (from, to) = (input.parse("from", t.redaction_from())?, input.parse("to", t.redaction_to())?);
            Session::Redact { emergency, session, from, to, reason: input.text("reason") }
        }
        "session.agree_redaction" | "session.decline_redaction" => {
            let redaction: u32 = input.parse("redaction", t.redactions())?;
            if kind == "session.decline_redaction" {
                Session::DeclineRedaction { emergency, session, redaction, reason: input.text("reason") }
            } else {
                Session::AgreeRedaction { emergency, session, redaction, confirm: input.text("confirm") }
            }
        }
        "session.stop" => {
            let (typed, wanted) = (input.text("confirm"), format!("{emergency}/{session}"));
            if typed != wanted {
                return Err(input.unreadable(&page::stop_confirm(input.lang, &wanted), &typed));
            }
            Session::Stop { emergency, session, reason: input.text("reason") }
        }
        _ => return Err(input.unknown_kind(kind)),
    }))
}

/// What a witness may do with the session that is open; nothing when none is.
pub fn of_session(viewer: &Viewer, view: &EmergencyView) -> Vec<Act> {
    let emergency = &view.emergency;
    let Some(session) = emergency.sessions.iter().find(|session| session.is_open()) else { return Vec::new() };
    let t = Words(viewer.lang);
    let (id, number) = (emergency.id, session.number);
    let act =
        |kind: &str| Act::new(viewer, kind).hidden("emergency", id).hidden("session", number).offered(viewer, offer_of(&view.offers, kind));
    let name = format!("{id}/{number}");
    vec![
        act("session.note").with(Field::new(FieldKind::Area, "text", t.note_text())).cli(format!("hikeshi emergency note {id} …")),
        act("session.stop")
            .label(label::command(viewer.lang, "session.stop"))
            .weight(Weight::Danger)
            .with(Field::new(FieldKind::Line, "reason", t.reason()))
            .with(Field::new(FieldKind::Typed, "confirm", &page::stop_confirm(viewer.lang, &name)))
            .cli(format!("hikeshi emergency end-session {id} --reason …")),
    ]
}

/// What a witness may answer about the dangerous line that waits. Each question has forms of its own: what was typed for one answers no other.
pub fn of_line(viewer: &Viewer, view: &EmergencyView, session: u32, ask: &LineAsk) -> Vec<Act> {
    let (t, id) = (Words(viewer.lang), view.emergency.id);
    let act = |kind: &str| {
        let act = Act::new(viewer, kind).id_part(ask.ask).hidden("emergency", id).hidden("session", session).hidden("digest", ask.digest);
        act.offered(viewer, offer_of(&view.offers, kind))
    };
    vec![
        act("session.confirm")
            .label(t.line_confirm())
            .weight(Weight::Danger)
            .with(Field::new(FieldKind::Typed, "confirm", &page::type_to_confirm(viewer.lang, &ask.words)))
            .cli(format!("hikeshi emergency confirm {id} --line")),
        act("session.deny")
            .label(t.line_deny())
            .with(Field::new(FieldKind::Line, "reason", t.reason()))
            .cli(format!("hikeshi emergency deny {id} --reason …")),
    ]
}

/// A redaction of a session that is over, to be proposed.
pub fn redact(viewer: &Viewer, view: &EmergencyView, session: u32) -> Act {
    let (t, id) = (Words(viewer.lang), view.emergency.id);
    Act::new(viewer, "session.redact")
        .hidden("emergency", id)
        .hidden("session", session)
        .offered(viewer, offer_of(&view.offers, "session.redact"))
        .with(Field::new(FieldKind::Number, "from", t.redaction_from()).help(t.redaction_help()))
        .with(Field::new(FieldKind::Number, "to", t.redaction_to()))
        .with(Field::new(FieldKind::Line, "reason", t.reason()))
        .cli(format!("hikeshi emergency redact {id} --session {session} --find --reason …"))
}

/// What a second person may answer to a proposal that waits.
pub fn of_redaction(viewer: &Viewer, view: &EmergencyView, session: u32, redaction: &Redaction) -> Vec<Act> {
    let (t, id, number) = (Words(viewer.lang), view.emergency.id, redaction.number);
    let act = |kind: &str| {
        let act = Act::new(viewer, kind).id_part(number).hidden("emergency", id).hidden("session", session).hidden("redaction", number);
        act.offered(viewer, offer_of(&view.offers, kind))
    };
    vec![
        act("session.agree_redaction")
            .weight(Weight::Danger)
            .with(Field::new(FieldKind::Typed, "confirm", &page::type_to_confirm(viewer.lang, &redaction.to_type())))
            .cli(format!("hikeshi emergency agree-redaction {id} --session {session} --redaction {number}")),
        act("session.decline_redaction")
            .with(Field::new(FieldKind::Line, "reason", t.reason()))
            .cli(format!("hikeshi emergency decline-redaction {id} --session {session} --redaction {number} --reason …")),
    ]
}
