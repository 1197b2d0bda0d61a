//! Acts on an incident.

use hikeshi_domain::command::Command;
use hikeshi_domain::ids::{EnvironmentName, IncidentId, ServiceName};
use hikeshi_domain::incident::{Business, Command as Incident, Duty, Impact, Override, Priority, Stage, Triage, Urgency};
use hikeshi_engine::look::IncidentView;
use hikeshi_text::page::Words;
use hikeshi_text::{Sentence, label};

use super::Input;
use super::show::{Act, Choice, Field, FieldKind, Weight, choices, code, offer_of};
use crate::viewer::Viewer;

pub fn command(kind: &str, input: &Input<'_>) -> Result<Command, Sentence> {
    let t = input.words();
    let incident = || input.parse::<IncidentId>("incident", t.column_id());
    Ok(Command::Incident(match kind {
        "incident.open" => Incident::Open {
            title: input.text("title"),
            summary: input.text("summary"),
            service: input.parse::<ServiceName>("service", t.field_service())?,
            environment: input.parse::<EnvironmentName>("environment", t.field_environment())?,
            triage: triage(input)?,
            detected_at: input.moment_optional("detected_at", t.field_detected_at())?,
        },
        "incident.triage" => Incident::Triage { incident: incident()?, triage: triage(input)? },
        "incident.acknowledge" => Incident::Acknowledge { incident: incident()? },
        "incident.escalate" => Incident::Escalate { incident: incident()?, reason: input.text("reason") },
        "incident.assign" => Incident::Assign {
            incident: incident()?,
            duty: input.code("duty", t.field_duty())?,
            person: input.fields.optional("person").map(|_| input.parse("person", t.field_person())).transpose()?,
        },
        "incident.hand_over" => {
            Incident::HandOver { incident: incident()?, to: input.parse("to", t.field_hand_over_to())?, note: input.text("note") }
        }
        "incident.move" => {
            Incident::Move { incident: incident()?, stage: input.code("stage", t.field_stage())?, reason: input.text("reason") }
        }
        "incident.update" => Incident::Update { incident: incident()?, text: input.text("text") },
        "incident.publish" => super::status::publish(input, incident()?)?,
        "incident.note" => Incident::Note { incident: incident()?, text: input.text("text") },
        "incident.merge" => {
            Incident::Merge { incident: incident()?, into: input.parse("into", t.field_merge_into())?, reason: input.text("reason") }
        }
        "incident.split" => Incident::Split {
            incident: incident()?,
            alerts: input.parse_all("alerts", t.field_split_alerts())?,
            title: input.text("title"),
            reason: input.text("reason"),
        },
        "incident.resolve" => Incident::Resolve { incident: incident()?, what: input.text("what") },
        _ => return Err(input.unknown_kind(kind)),
    }))
}

fn triage(input: &Input<'_>) -> Result<Triage, Sentence> {
    let t = input.words();
    let priority_override = match input.fields.optional("override") {
        None => None,
        Some(_) => Some(Override { priority: input.code("override", t.field_override())?, reason: input.text("override_reason") }),
    };
    Ok(Triage {
        impact: input.code("impact", t.field_impact())?,
        business: input.code("business", t.field_business())?,
        urgency: input.code("urgency", t.field_urgency())?,
        priority_override,
    })
}

fn triage_fields(viewer: &Viewer, now: Option<&Triage>) -> Vec<Field> {
    let t = Words(viewer.lang);
    let lang = viewer.lang;
    let impact = [Impact::AllUsers, Impact::SomeUsers, Impact::OneFunction];
    let business = [Business::LostSales, Business::LostTrust, Business::Slight];
    let urgency = [Urgency::Now, Urgency::CanBePlanned];
    let overridden = now.and_then(|triage| triage.priority_override.as_ref());
    let mut priorities = vec![Choice { value: String::new(), label: t.field_override_none().to_owned(), chosen: overridden.is_none() }];
    priorities.extend(Priority::ALL.map(|priority| Choice {
        value: code(&priority),
        label: format!(
            "{} {}",
            viewer.names.priority(lang, priority),
            label::priority_meaning(lang, viewer.policy.incident.scheme, priority)
        ),
        chosen: overridden.is_some_and(|chosen| chosen.priority == priority),
    }));
    let select = |name: &str, label: &str, choices| Field::new(FieldKind::Select(choices), name, label);
    vec![
        select(
            "impact",
            t.field_impact(),
            coded(&impact, |one| label::impact(lang, *one), |one| now.is_some_and(|now| now.impact == *one)),
        ),
        select(
            "business",
            t.field_business(),
            coded(&business, |one| label::business(lang, *one), |one| now.is_some_and(|now| now.business == *one)),
        ),
        select(
            "urgency",
            t.field_urgency(),
            coded(&urgency, |one| label::urgency(lang, *one), |one| now.is_some_and(|now| now.urgency == *one)),
        ),
        select("override", t.field_override(), priorities).optional(),
        Field::new(FieldKind::Line, "override_reason", t.field_override_reason())
            .optional()
            .value(overridden.map(|chosen| chosen.reason.clone()).unwrap_or_default()),
    ]
}

fn coded<T: serde::Serialize>(items: &[T], words: impl Fn(&T) -> &'static str, chosen: impl Fn(&T) -> bool) -> Vec<Choice> {
    items.iter().map(|item| Choice { value: code(item), label: words(item).to_owned(), chosen: chosen(item) }).collect()
}

/// The form that opens an incident.
pub fn open_form(viewer: &Viewer) -> Act {
    let t = Words(viewer.lang);
    let services = choices(viewer.policy.services.keys(), |id| viewer.names.service(id).to_owned(), |_| false);
    let environments = choices(viewer.policy.environments.keys(), |id| viewer.names.environment(id).to_owned(), |_| false);
    let mut act = Act::new(viewer, "incident.open")
        .weight(Weight::Primary)
        .with(Field::new(FieldKind::Line, "title", t.field_title()).help(t.field_title_help()))
        .with(Field::new(FieldKind::Select(services), "service", t.field_service()))
        .with(Field::new(FieldKind::Select(environments), "environment", t.field_environment()));
    act.fields.extend(triage_fields(viewer, None));
    act.with(Field::new(FieldKind::Area, "summary", t.field_summary()).optional())
        .with(Field::new(FieldKind::Moment, "detected_at", t.field_detected_at()).optional().help(t.field_detected_help()))
        .cli("hikeshi incident open --help")
}

/// The one button that takes an incident into hand.
pub fn acknowledge(viewer: &Viewer, id: IncidentId) -> Act {
    Act::new(viewer, "incident.acknowledge")
        .id_part(id)
        .hidden("incident", id)
        .cli(format!("hikeshi incident ack {id}"))
        .weight(Weight::Primary)
}

/// What can be done with this incident, most likely first.
pub fn of_incident(viewer: &Viewer, view: &IncidentView) -> Vec<Act> {
    let t = Words(viewer.lang);
    let id = view.incident.id;
    let offers = &view.offers;
    let act = |kind: &str, verb: &str| {
        Act::new(viewer, kind).hidden("incident", id).cli(format!("hikeshi incident {verb} {id}")).offered(viewer, offer_of(offers, kind))
    };
    let mut acts: Vec<Act> = Vec::new();
    acts.extend(
        super::of_postmortem(viewer, view).filter(|_| view.incident.postmortem.as_ref().is_none_or(|known| known.written.is_none())),
    );
    // Somebody has it, and further people have been called since: one of them is to answer.
    let acknowledged = view.incident.acknowledged.as_ref().is_some_and(|taken| view.incident.escalated_steps <= taken.steps);
    let resolved = view.incident.resolved.is_some();
    if view.incident.closed_at.is_some() {
        let public = !view.incident.public.is_empty() && view.incident.merged.is_none();
        acts.extend(super::status::of_public(viewer, view).filter(|_| public));
        acts.push(act("incident.note", "note").with(Field::new(FieldKind::Area, "text", t.field_note())));
        return acts;
    }
    if !acknowledged && !resolved {
        acts.push(acknowledge(viewer, id).offered(viewer, offer_of(offers, "incident.acknowledge")));
    }
    acts.push(act("incident.update", "update").with(Field::new(FieldKind::Area, "text", t.field_update())));
    acts.extend(super::status::of_public(viewer, view).filter(|_| !resolved || !view.incident.public.is_empty()));
    if !resolved {
        acts.push(act("incident.resolve", "resolve").with(Field::new(FieldKind::Line, "what", t.field_what_restored())));
    }
    if !resolved {
        acts.extend(around(viewer, view, act));
    }
    let stages = Stage::ALL.iter().map(|stage| Choice {
        value: code(stage),
        label: label::stage(viewer.lang, *stage).to_owned(),
        chosen: next_stage(view) == Some(*stage),
    });
    acts.push(
        act("incident.move", "move")
            .with(Field::new(
                FieldKind::Select(stages.filter(|choice| choice.value != code(&view.incident.stage)).collect()),
                "stage",
                t.field_stage(),
            ))
            .with(Field::new(FieldKind::Line, "reason", t.field_stage_reason()).optional()),
    );
    acts.push(act("incident.note", "note").with(Field::new(FieldKind::Area, "text", t.field_note())));
    if !resolved {
        let mut triage = act("incident.triage", "triage");
        triage.fields = triage_fields(viewer, Some(&view.incident.triage));
        acts.push(triage);
        acts.extend(parting(viewer, view, act));
        // A page of its own, and in the place of what is dangerous: the last resort.
        let mut request =
            Act::new(viewer, "emergency.request").weight(Weight::Danger).offered(viewer, offer_of(offers, "emergency.request"));
        request.hidden = vec![("href".to_owned(), format!("/emergencies/new?incident={id}"))];
        acts.push(request);
    }
    acts
}

/// One trouble out of two, or two out of one. Merging ends an incident, so where to is typed.
fn parting(viewer: &Viewer, view: &IncidentView, act: impl Fn(&str, &str) -> Act) -> Vec<Act> {
    let t = Words(viewer.lang);
    let mut acts = Vec::new();
    // Of an incident that lives by its alerts one has to stay.
    let stay = usize::from(!view.incident.lives_without_alerts());
    if view.alerts.iter().filter(|alert| alert.waits.is_none()).count() > stay {
        let boxes = choices(
            view.alerts.iter().filter(|alert| alert.waits.is_none()).map(|alert| &alert.alert),
            |alert| {
                let title = view.alerts.iter().find(|known| known.alert == **alert).map_or("", |known| known.title.as_str());
                format!("{title} ({})", alert.source)
            },
            |_| false,
        );
        acts.push(
            act("incident.split", "split")
                .lead(t.split_lead())
                .with(Field::new(FieldKind::Boxes(boxes), "alerts", t.field_split_alerts()))
                .with(Field::new(FieldKind::Line, "title", t.field_title()))
                .with(Field::new(FieldKind::Line, "reason", t.reason())),
        );
    }
    acts.push(
        act("incident.merge", "merge")
            .weight(Weight::Danger)
            .lead(t.merge_lead())
            .with(Field::new(FieldKind::Typed, "into", t.field_merge_into()).help(t.field_merge_help()))
            .with(Field::new(FieldKind::Line, "reason", t.reason())),
    );
    acts
}

/// Further people: called, given a duty, given the whole of it.
fn around(viewer: &Viewer, view: &IncidentView, act: impl Fn(&str, &str) -> Act) -> Vec<Act> {
    let t = Words(viewer.lang);
    let people = || choices(viewer.policy.people.keys(), |id| viewer.names.person(viewer.lang, id), |_| false);
    let duties = coded(&Duty::ALL, |duty| label::duty(viewer.lang, *duty), |_| false);
    let nobody = Choice { value: String::new(), label: t.field_nobody().to_owned(), chosen: false };
    let mut acts = vec![act("incident.escalate", "escalate").with(Field::new(FieldKind::Line, "reason", t.field_escalate_reason()))];
    if view.incident.acknowledged.is_some() {
        acts.push(
            act("incident.hand_over", "hand-over")
                .with(Field::new(FieldKind::Select(people()), "to", t.field_hand_over_to()))
                .with(Field::new(FieldKind::Area, "note", t.field_hand_over_note())),
        );
    }
    let whom = people().into_iter().chain([nobody]).collect();
    acts.push(
        act("incident.assign", "assign")
            .with(Field::new(FieldKind::Select(duties), "duty", t.field_duty()))
            .with(Field::new(FieldKind::Select(whom), "person", t.field_person()).optional()),
    );
    acts
}

fn next_stage(view: &IncidentView) -> Option<Stage> {
    let at = Stage::ALL.iter().position(|stage| *stage == view.incident.stage)?;
    Stage::ALL.get(at + 1).copied()
}
