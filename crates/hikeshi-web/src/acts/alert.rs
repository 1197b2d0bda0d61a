//! Acts on alerts: silences.

use std::collections::BTreeMap;

use hikeshi_domain::alert::Command as Alert;
use hikeshi_domain::alert::silence::{Covers, Silence};
use hikeshi_domain::command::Command;
use hikeshi_domain::policy::OneOf;
use hikeshi_engine::look::AlertsView;
use hikeshi_text::Sentence;
use hikeshi_text::page::Words;

use super::Input;
use super::show::{Act, Choice, Field, FieldKind, choices, offer_of};
use crate::viewer::Viewer;

pub fn command(kind: &str, input: &Input<'_>) -> Result<Command, Sentence> {
    let t = input.words();
    Ok(Command::Alert(match kind {
        "alert.silence" => Alert::Silence {
            covers: Covers {
                service: input.parse_optional("service", t.field_covers_service())?,
                environment: input.parse_optional("environment", t.field_covers_environment())?,
                source: input.parse_optional("source", t.field_covers_source())?,
                monitor: input.parse_optional("monitor", t.field_covers_monitor())?,
                labels: labels(input)?,
            },
            from: input.moment_optional("from", t.field_silence_from())?,
            minutes: input.parse("minutes", t.field_silence_minutes())?,
            reason: input.text("reason"),
            public: super::status::public_work(input),
        },
        "alert.unsilence" => Alert::Unsilence { silence: input.parse("silence", t.column_id())? },
        _ => return Err(input.unknown_kind(kind)),
    }))
}

/// One to a line: `name=value`.
fn labels(input: &Input<'_>) -> Result<BTreeMap<String, OneOf>, Sentence> {
    let text = input.text("labels");
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let read = |line: &str| {
        let (name, value) = line.split_once('=').ok_or_else(|| input.unreadable(input.words().field_labels(), line))?;
        Ok((name.trim().to_owned(), OneOf::read(value)))
    };
    lines.map(read).collect()
}

pub fn silence(viewer: &Viewer, view: &AlertsView) -> Act {
    let t = Words(viewer.lang);
    let policy = &viewer.policy;
    let any = |mut all: Vec<Choice>| {
        all.insert(0, Choice { value: String::new(), label: t.field_covers_any().to_owned(), chosen: true });
        FieldKind::Select(all)
    };
    let field = |kind, name: &str, label: &str| Field::new(kind, name, label).optional();
    let services = choices(policy.services.keys(), |id| viewer.names.service(id).to_owned(), |_| false);
    let environments = choices(policy.environments.keys(), |id| viewer.names.environment(id).to_owned(), |_| false);
    let mut act = Act::new(viewer, "alert.silence")
        .cli("hikeshi alert silence --help")
        .offered(viewer, offer_of(&view.offers, "alert.silence"))
        .with(field(any(services), "service", t.field_covers_service()))
        .with(field(any(environments), "environment", t.field_covers_environment()));
    if !policy.alerts.sources.is_empty() {
        let sources = choices(policy.alerts.sources.keys(), ToString::to_string, |_| false);
        act = act
            .with(field(any(sources), "source", t.field_covers_source()))
            .with(field(FieldKind::Area, "labels", t.field_labels()).help(t.field_labels_help()));
    }
    if !policy.monitors.is_empty() {
        let monitors = choices(policy.monitors.keys(), ToString::to_string, |_| false);
        act = act.with(field(any(monitors), "monitor", t.field_covers_monitor()));
    }
    act = act
        .with(Field::new(FieldKind::Number, "minutes", t.field_silence_minutes()).value("60"))
        .with(field(FieldKind::Moment, "from", t.field_silence_from()).help(t.field_silence_from_help()))
        .with(Field::new(FieldKind::Line, "reason", t.field_silence_reason()));
    if policy.status.is_some() {
        let [ja, en] = super::status::text_fields(viewer);
        act = act.with(ja.help(t.field_public_work())).with(en);
    }
    act
}

pub fn unsilence(viewer: &Viewer, view: &AlertsView, silence: &Silence) -> Act {
    Act::new(viewer, "alert.unsilence")
        .id_part(silence.id)
        .hidden("silence", silence.id)
        .cli(format!("hikeshi alert unsilence {}", silence.id))
        .offered(viewer, offer_of(&view.offers, "alert.unsilence"))
}
