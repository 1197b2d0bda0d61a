//! Postmortems: what may happen to one, and the order of its file.

use hikeshi_domain::effect::{PostmortemItem, PostmortemOrder};
use hikeshi_domain::event::Event;
use hikeshi_domain::ids::ObligationId;
use hikeshi_domain::ledger::{Entry, EntryResult};
use hikeshi_domain::people::{Actor, Via};
use hikeshi_domain::policy::{Language, Scheme};
use hikeshi_domain::postmortem::{Content, Imported, PostmortemEvent};

use super::{INC, OBL, at, digest, incident, person};

fn text(words: &str) -> String {
    words.to_owned()
}

pub fn content() -> Content {
    Content {
        impact: text("全利用者が16分間予約できなかった"),
        whys: vec![text("接続が足りなかった"), text("上限が2のままだった"), text("検査がなかった")],
        cause: text("接続プールの上限の誤り\n# 見出しにはならない"),
        response: text("上限を20に戻した"),
        lessons: text("上限は検査する"),
    }
}

pub fn written(reason: &str) -> Event {
    let effect = hikeshi_domain::effect::EffectKey(text("postmortem/inc_12/1"));
    let (by, items) = (person("tanaka"), vec![OBL]);
    Event::Postmortem(PostmortemEvent::Written { incident: INC, content: content(), items, by, reason: text(reason), effect })
}

/// What else may happen to a postmortem, beside its being written.
pub fn postmortem_steps() -> Vec<(&'static str, Event)> {
    let found = Imported { title: text("No\nbookings"), ..Imported::default() };
    vec![
        ("Postmortem amended", written("a cause was missing")),
        (
            "Postmortem filed",
            Event::Postmortem(PostmortemEvent::Filed { incident: INC, file: text("docs/incidents/a.md"), digest: digest("file") }),
        ),
        ("Postmortem unfiled", Event::Postmortem(PostmortemEvent::Unfiled { incident: INC, detail: text("disk full") })),
        (
            "Postmortem imported",
            Event::Postmortem(PostmortemEvent::Imported { file: text("a.md"), digest: digest("file"), found: Box::new(found) }),
        ),
    ]
}

pub fn postmortem_order(language: Language) -> PostmortemOrder {
    let report = super::report_order(language, None).facts;
    let noted = Event::IncidentNoted { incident: INC, text: text("上限を|確認\n2行目") };
    let entry = |kind: &str, events: Vec<Event>| Entry {
        v: Entry::VERSION,
        seq: 7,
        at: at("03:08:00"),
        actor: Actor::person(person("tanaka")),
        via: Via::Web,
        key: hikeshi_domain::ids::RequestKey::of(&["sample", "key"]),
        kind: text(kind),
        case: Some(INC),
        prev: digest("prev"),
        result: EntryResult::Done { events, effects: Vec::new(), settles: None, made: None },
    };
    PostmortemOrder {
        documents_root: text("docs"),
        workspace: report.workspace,
        time_zone: report.time_zone,
        language,
        scheme: Scheme::FourPriorities,
        service_name: report.service_name,
        environment_name: report.environment_name,
        names: report.names,
        roles: report.roles,
        incident: Box::new(incident()),
        content: content(),
        items: vec![
            PostmortemItem {
                obligation: ObligationId(8),
                text: text("上限の検査を足す"),
                owner: person("ito"),
                due_at: at("03:00:00"),
                done: false,
            },
            PostmortemItem {
                obligation: ObligationId(9),
                text: text("監視を足す"),
                owner: person("tanaka"),
                due_at: at("03:00:00"),
                done: true,
            },
        ],
        by: person("tanaka"),
        revision: 2,
        entries: vec![entry("incident.note", vec![noted]), entry("postmortem.write", vec![written("")])],
    }
}
