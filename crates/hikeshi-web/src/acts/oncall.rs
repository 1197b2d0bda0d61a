//! Acts on the on-call schedules: taking over a shift, giving it back.

use hikeshi_domain::Timestamp;
use hikeshi_domain::command::Command;
use hikeshi_domain::oncall::{self, Cover, Override};
use hikeshi_engine::look::OncallSchedule;
use hikeshi_text::Sentence;
use hikeshi_text::page::Words;

use super::Input;
use super::input::local;
use super::show::{Act, Field, FieldKind, people};
use crate::viewer::Viewer;

pub fn command(kind: &str, input: &Input<'_>) -> Result<Command, Sentence> {
    let t = input.words();
    Ok(Command::Oncall(match kind {
        "oncall.override" => {
            let cover = Cover {
                schedule: input.parse("schedule", t.oncall_title())?,
                person: input.parse("person", t.oncall_person())?,
                from: input.moment("from", t.oncall_from())?,
                until: input.moment("until", t.oncall_until())?,
            };
            oncall::Command::Override { covers: vec![cover], reason: input.text("reason") }
        }
        "oncall.cancel" => oncall::Command::Cancel { id: input.parse("override", t.column_id())?, reason: input.text("reason") },
        _ => return Err(input.unknown_kind(kind)),
    }))
}

/// Taking over a shift: for oneself, or for anybody by whoever manages the schedule.
pub fn take_over(viewer: &Viewer, schedule: &OncallSchedule, now: Timestamp) -> Act {
    let t = Words(viewer.lang);
    // What is typed is read in the workspace's zone, whatever the schedule's is.
    let zone = &viewer.policy.workspace.time_zone;
    let until = schedule.until.map(|until| local(zone, until)).unwrap_or_default();
    let mut act = Act::new(viewer, "oncall.override")
        .id_part(&schedule.schedule)
        .hidden("schedule", &schedule.schedule)
        .cli(format!("hikeshi oncall override {} --from … --until … --reason …", schedule.schedule));
    act = if schedule.may_arrange {
        act.with(Field::new(FieldKind::Select(people(viewer, |id| *id == viewer.person)), "person", t.oncall_person()))
    } else {
        act.hidden("person", &viewer.person)
    };
    act.with(Field::new(FieldKind::Moment, "from", t.oncall_from()).value(local(zone, now)).help(t.local_time_help()))
        .with(Field::new(FieldKind::Moment, "until", t.oncall_until()).value(until))
        .with(Field::new(FieldKind::Line, "reason", t.reason()))
}

/// Giving it back, for those who may.
pub fn give_back(viewer: &Viewer, schedule: &OncallSchedule, row: &Override) -> Option<Act> {
    let t = Words(viewer.lang);
    let may = schedule.may_arrange || [&row.person, &row.by].contains(&&viewer.person);
    let label = format!("{} ({})", hikeshi_text::label::command(viewer.lang, "oncall.cancel"), row.id);
    let act = Act::new(viewer, "oncall.cancel")
        .id_part(row.id)
        .label(label)
        .lead(t.oncall_cancel_lead())
        .hidden("override", row.id)
        .cli(format!("hikeshi oncall cancel {}", row.id))
        .with(Field::new(FieldKind::Line, "reason", t.reason()));
    may.then_some(act)
}
