//! Acts on what is owed, in the channel, and on a pending policy.

use hikeshi_domain::channel;
use hikeshi_domain::command::{Command, PolicyCommand};
use hikeshi_domain::ids::{ChannelName, Digest, ObligationId, PersonId};
use hikeshi_domain::obligation::{Command as Obligation, Judgement, Kind, PreventionItem, Status};
use hikeshi_engine::look::{ObligationView, PendingPolicyView, ReviewView};
use hikeshi_text::Sentence;
use hikeshi_text::page::Words;

use super::Input;
use super::input::local;
use super::show::{Act, Field, FieldKind, Weight, choices, offer_of, people};
use crate::viewer::Viewer;

/// Rows for prevention items in the form of the retrospective.
const ITEM_ROWS: usize = 4;

pub fn command(kind: &str, input: &Input<'_>) -> Result<Command, Sentence> {
    let t = input.words();
    match kind {
        "channel.post" => Ok(Command::Channel(channel::Command::Post {
            channel: input.parse("channel", t.channel_title())?,
            text: input.text("text"),
            incident: input.parse_optional("incident", t.column_id())?,
        })),
        "policy.approve" => Ok(Command::Policy(PolicyCommand::Approve { digest: digest(input)? })),
        "policy.reject" => Ok(Command::Policy(PolicyCommand::Reject { digest: digest(input)?, reason: input.text("reason") })),
        _ => obligation(kind, input).map(Command::Obligation),
    }
}

fn digest(input: &Input<'_>) -> Result<Digest, Sentence> {
    let given = input.text("digest");
    Digest::parse(&given).ok_or_else(|| input.unreadable(input.words().copy_digest(), &given))
}

fn obligation(kind: &str, input: &Input<'_>) -> Result<Obligation, Sentence> {
    let t = input.words();
    let obligation: ObligationId = input.parse("obligation", t.column_id())?;
    Ok(match kind {
        "obligation.propose" => Obligation::Propose { obligation },
        "obligation.compare" => Obligation::Compare { obligation },
        "obligation.accept_drift" => Obligation::AcceptDrift { obligation, reason: input.text("reason") },
        "obligation.report" => Obligation::Report {
            obligation,
            judgement: Judgement {
                problem: input.text("problem"),
                impact: input.text("impact"),
                cause: input.text("cause"),
                response: input.text("response"),
                prevention: input.fields.lines("prevention"),
            },
        },
        "obligation.schedule" => Obligation::Schedule {
            obligation,
            starts_at: input.moment("starts_at", t.meeting_when())?,
            lasts_min: input.parse("lasts_min", t.meeting_lasts())?,
            invited: input.parse_all("invited", t.meeting_invited())?,
        },
        "obligation.hold" => Obligation::Hold {
            obligation,
            held_at: input.moment("held_at", t.held_when())?,
            attended: input.parse_all("attended", t.held_attended())?,
            lessons: input.text("lessons"),
            avoidable: Some(input.text("avoidable")).filter(|reason| !reason.is_empty()),
            items: items(input)?,
        },
        "obligation.finish" => Obligation::Finish { obligation, evidence: input.text("evidence") },
        "obligation.present" => Obligation::Present {
            obligation,
            held_at: input.moment("held_at", t.review_presented_when())?,
            size: input.parse("size", t.review_report())?,
            at: input.parse("at", t.review_report())?,
            digest: digest(input)?,
            note: input.text("note"),
        },
        _ => return Err(input.unknown_kind(kind)),
    })
}

pub(super) fn items(input: &Input<'_>) -> Result<Vec<PreventionItem>, Sentence> {
    let t = input.words();
    let mut items = Vec::new();
    for row in 1..=ITEM_ROWS {
        let text = input.text(&format!("item.{row}.text"));
        if !text.is_empty() {
            let owner = input.parse(&format!("item.{row}.owner"), t.item_owner())?;
            items.push(PreventionItem { text, owner, due_at: input.moment(&format!("item.{row}.due"), t.item_due())? });
        }
    }
    Ok(items)
}

/// What can be done with what is owed.
pub fn of_obligation(viewer: &Viewer, view: &ObligationView, reported: Option<&ReviewView>) -> Vec<Act> {
    let t = Words(viewer.lang);
    let owed = &view.obligation;
    let act = |verb: &str| {
        let kind = format!("obligation.{verb}");
        let cli = format!("hikeshi obligation {} {}", verb.replace('_', "-"), owed.id);
        Act::new(viewer, &kind).hidden("obligation", owed.id).cli(cli).offered(viewer, offer_of(&view.offers, &kind))
    };
    if owed.status != Status::Owed {
        return Vec::new();
    }
    let line = |name: &str, label: &str| Field::new(FieldKind::Line, name, label);
    match owed.kind {
        Kind::ChangeRequest => {
            let mut acts = Vec::new();
            if owed.request.is_none() {
                acts.push(act("propose").weight(Weight::Primary));
            } else {
                acts.push(act("compare").weight(Weight::Primary));
            }
            let drifted =
                owed.request.as_ref().and_then(|request| request.compared.as_ref()).is_some_and(|compared| !compared.drift.is_empty());
            if drifted {
                acts.push(act("accept_drift").with(line("reason", t.reason())));
            }
            acts
        }
        Kind::Report => {
            let known = owed.report.as_ref().map(|report| &report.judgement);
            let area = |name: &str, label: &str, value: Option<&String>| {
                Field::new(FieldKind::Area, name, label).value(value.cloned().unwrap_or_default())
            };
            let prevention = known.map(|known| known.prevention.join("\n"));
            vec![
                act("report")
                    .weight(Weight::Primary)
                    .lead(t.report_known())
                    .with(area("problem", t.report_problem(), known.map(|known| &known.problem)))
                    .with(area("impact", t.report_impact(), known.map(|known| &known.impact)))
                    .with(area("cause", t.report_cause(), known.map(|known| &known.cause)))
                    .with(area("response", t.report_response(), known.map(|known| &known.response)))
                    .with(area("prevention", t.report_prevention(), prevention.as_ref())),
            ]
        }
        Kind::Retrospective => vec![hold(viewer, view, act("hold")), schedule(viewer, view, act("schedule"))],
        Kind::Prevention | Kind::Review | Kind::ContactTest => {
            vec![act("finish").weight(Weight::Primary).with(line("evidence", t.finish_evidence()))]
        }
        // Written where the incident is.
        Kind::Postmortem => Vec::new(),
        Kind::Corrective => {
            let evidence = line("evidence", t.finish_evidence()).help(t.review_corrective_help());
            vec![act("finish").weight(Weight::Primary).with(evidence)]
        }
        // The digest of the very numbers that the reader sees goes with the form.
        Kind::MonthlyReport | Kind::QuarterlyReport => {
            reported.map(|reported| present(t, view, reported, act("present"))).into_iter().collect()
        }
    }
}

fn present(t: Words, view: &ObligationView, reported: &ReviewView, act: Act) -> Act {
    let zone = &reported.report.time_zone;
    act.weight(Weight::Primary)
        .hidden("size", reported.report.as_of.size)
        .hidden("at", reported.report.as_of.at)
        .hidden("digest", reported.digest)
        .with(Field::new(FieldKind::Moment, "held_at", t.review_presented_when()).value(local(zone, view.at)).help(t.local_time_help()))
        .with(Field::new(FieldKind::Area, "note", t.review_presented_note()))
}

fn hold(viewer: &Viewer, view: &ObligationView, act: Act) -> Act {
    let t = Words(viewer.lang);
    let zone = &viewer.policy.workspace.time_zone;
    let invited = view.obligation.meeting.as_ref().map(|meeting| meeting.invited.clone()).unwrap_or_default();
    let act = act
        .weight(Weight::Primary)
        .lead(t.items_help())
        .with(Field::new(FieldKind::Moment, "held_at", t.held_when()).value(local(zone, view.at)).help(t.local_time_help()))
        .with(Field::new(FieldKind::Boxes(people(viewer, |id| invited.contains(id))), "attended", t.held_attended()))
        .with(Field::new(FieldKind::Area, "lessons", t.held_lessons()))
        .with(Field::new(FieldKind::Area, "avoidable", t.held_avoidable()).help(t.held_avoidable_help()).optional());
    with_items(viewer, act, &view.obligation.owner)
}

/// Rows for prevention items: text, owner and due time of each.
pub(super) fn with_items(viewer: &Viewer, mut act: Act, owner: &PersonId) -> Act {
    let t = Words(viewer.lang);
    for row in 1..=ITEM_ROWS {
        let label = |what: &str| format!("{}{row} {what}", t.item());
        let owners = people(viewer, |id| id == owner);
        act = act
            .with(Field::new(FieldKind::Line, &format!("item.{row}.text"), &label(t.item_text())).optional())
            .with(Field::new(FieldKind::Select(owners), &format!("item.{row}.owner"), &label(t.item_owner())).optional())
            .with(Field::new(FieldKind::Moment, &format!("item.{row}.due"), &label(t.item_due())).optional());
    }
    act
}

fn schedule(viewer: &Viewer, view: &ObligationView, act: Act) -> Act {
    let t = Words(viewer.lang);
    let meeting = view.obligation.meeting.as_ref();
    let zone = &viewer.policy.workspace.time_zone;
    let starts = meeting.map(|meeting| local(zone, meeting.starts_at)).unwrap_or_default();
    let lasts = meeting.map_or(viewer.policy.obligations.retrospective_lasts_min, |meeting| meeting.lasts_min);
    act.with(Field::new(FieldKind::Moment, "starts_at", t.meeting_when()).value(starts).help(t.local_time_help()))
        .with(Field::new(FieldKind::Number, "lasts_min", t.meeting_lasts()).value(lasts.to_string()))
        .with(Field::new(
            FieldKind::Boxes(people(viewer, |id| meeting.is_some_and(|meeting| meeting.invited.contains(id)))),
            "invited",
            t.meeting_invited(),
        ))
}

/// Writing in a channel.
pub fn channel_post(viewer: &Viewer, channel: &ChannelName) -> Act {
    let t = Words(viewer.lang);
    Act::new(viewer, "channel.post")
        .label(t.channel_post())
        .weight(Weight::Primary)
        .hidden("channel", channel)
        .with(Field::new(FieldKind::Area, "text", t.channel_text()))
        .cli(format!("hikeshi channel post {channel}"))
}

/// Approving or rejecting a change of the policy that waits.
pub fn policy_acts(viewer: &Viewer, pending: &PendingPolicyView) -> Vec<Act> {
    let t = Words(viewer.lang);
    let act = |verb: &str| {
        let kind = format!("policy.{verb}");
        let cli = format!("hikeshi policy {verb} --digest {}", pending.digest);
        Act::new(viewer, &kind).hidden("digest", pending.digest).cli(cli).offered(viewer, offer_of(&pending.offers, &kind))
    };
    vec![act("approve").weight(Weight::Primary), act("reject").with(Field::new(FieldKind::Line, "reason", t.reason()))]
}

/// The roles that a token may be narrowed to.
pub fn role_choices(viewer: &Viewer) -> Vec<super::show::Choice> {
    let roles = viewer.policy.person(&viewer.person).map(|person| person.roles.clone()).unwrap_or_default();
    choices(roles, |role| viewer.names.role(viewer.lang, role), |_| false)
}
