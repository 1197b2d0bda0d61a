//! What changed, and incidents that became one or two.

use hikeshi_domain::alert::AlertCount;
use hikeshi_domain::change::{Change, ChangeEvent, What};
use hikeshi_domain::event::Event;
use hikeshi_domain::ids::IncidentId;
use hikeshi_domain::incident::{Incident, MergeEvent, Priority};
use hikeshi_domain::people::Actor;

use super::{INC, at, person};

fn text(words: &str) -> String {
    words.to_owned()
}

pub fn merged(priority: Priority) -> Event {
    let acknowledged = (priority == Priority::P1).then(|| (person("sato"), at("03:10:00")));
    Event::Merge(MergeEvent::Merged {
        incident: IncidentId(9),
        into: INC,
        with: vec![],
        by: person("tanaka"),
        reason: text("the same database"),
        title: text("search is slow"),
        opened_at: at("03:05:00"),
        priority,
        into_priority: Priority::P2,
        acknowledged,
        alerts: AlertCount { firing: 2, fired: 5 },
    })
}

pub fn split() -> Event {
    let alerts = vec!["prometheus/1f0b3c".parse().unwrap(), "prometheus/2f0b3c".parse().unwrap()];
    Event::Merge(MergeEvent::Split {
        from: INC,
        into: IncidentId(9),
        alerts,
        firing: 1,
        by: person("tanaka"),
        reason: text("the disk"),
        stays: None,
        goes: Vec::new(),
    })
}

/// A deploy, of this place or of none.
pub fn told(of: Option<&Incident>) -> Event {
    let what = What::Told { title: text("v1.4.2 shipped"), details: text("pool size"), link: of.map(|_| text("https://ci.test/142")) };
    let change = Change {
        key: "told/1".parse().unwrap(),
        at: at("02:40:00"),
        by: Actor::person(person("tanaka")),
        service: of.map(|of| of.service.clone()),
        environment: of.map(|of| of.environment.clone()),
        what,
    };
    Event::Change(ChangeEvent::Told { change: Box::new(change) })
}
