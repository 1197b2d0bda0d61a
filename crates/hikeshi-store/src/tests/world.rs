//! Commits for the tests: entries with real events, folded by the domain, written like the engine does it.

use hikeshi_domain::Timestamp;
use hikeshi_domain::apply::apply;
use hikeshi_domain::channel::{Body, Post};
use hikeshi_domain::effect::{Effect, EffectKey};
use hikeshi_domain::event::Event;
use hikeshi_domain::facts::{Facts, Needs};
use hikeshi_domain::ids::{Digest, IncidentId, PersonId, RequestKey};
use hikeshi_domain::incident::{Business, Impact, Priority, Triage, Urgency};
use hikeshi_domain::ledger::{Entry, EntryResult};
use hikeshi_domain::people::{Actor, Via};
use hikeshi_domain::policy::Policy;
use hikeshi_domain::timer;

use crate::testing::Scratch;
use crate::{Head, NewEntry, PostRecord, Result, Store, Writer, Writes};

pub const START: i64 = 1_780_000_000;

pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(START + seconds).unwrap()
}

pub fn person(handle: &str) -> PersonId {
    PersonId::new(handle).unwrap()
}

pub fn key(text: &str) -> RequestKey {
    RequestKey::new(text).unwrap()
}

pub fn policy(name: &str) -> Policy {
    let text = serde_json::json!({
        "workspace": { "name": name },
        "people": {
            "tanaka": { "name": "田中 太郎", "roles": ["developer"] },
            "suzuki": { "name": "鈴木 花子", "roles": ["cto"] },
        },
    });
    serde_json::from_value(text).unwrap()
}

/// One command's result, as the engine would record it.
#[derive(Default)]
pub struct Act {
    pub key: String,
    pub case: Option<u64>,
    pub events: Vec<Event>,
    pub effects: Vec<Effect>,
    pub settles: Option<EffectKey>,
}

pub fn opened(number: u64) -> Act {
    let event = Event::IncidentOpened {
        incident: IncidentId(number),
        title: format!("予約ができない {number}"),
        summary: "画面が白い".to_owned(),
        service: "reservation".parse().unwrap(),
        environment: "production".parse().unwrap(),
        triage: Triage { impact: Impact::AllUsers, business: Business::LostSales, urgency: Urgency::Now, priority_override: None },
        priority: if number.is_multiple_of(2) { Priority::P2 } else { Priority::P1 },
        opened_by: Actor::person(person("tanaka")),
        detected_at: at(i64::try_from(number).unwrap()),
    };
    Act {
        key: format!("open-incident-{number}"),
        case: Some(number),
        events: vec![event, posted("incidents", "開きました")],
        ..Act::default()
    }
}

pub fn acknowledged(number: u64) -> Act {
    let event = Event::IncidentAcknowledged { incident: IncidentId(number), by: person("suzuki") };
    Act { key: format!("acknowledge-{number}"), case: Some(number), events: vec![event], ..Act::default() }
}

pub fn resolved(number: u64) -> Act {
    let event =
        Event::IncidentResolved {
            incident: IncidentId(number), by: Actor::person(person("suzuki")), what: "設定を戻した".to_owned()
        };
    Act { key: format!("resolve-{number}"), case: Some(number), events: vec![event], ..Act::default() }
}

pub fn posted(channel: &str, text: &str) -> Event {
    let body = Body::Text { text: text.to_owned() };
    let post = Post { channel: channel.parse().unwrap(), body, roles: Vec::new(), people: Vec::new(), incident: None, emergency: None };
    Event::Posted { post }
}

/// A silence, with an alert that it holds back.
pub fn silenced(number: u64, alert: &str) -> Act {
    let made = serde_json::json!({
        "event": "silence", "silence": format!("sil_{number}"), "step": "made",
        "made": {
            "id": format!("sil_{number}"), "covers": { "service": "reservation" }, "from": at(0), "until": at(3_600),
            "reason": "DB を移す", "by": "tanaka",
        },
    });
    let fired = serde_json::json!({
        "event": "alert", "alert": alert, "title": "遅い", "step": "fired", "group": "reservation/production",
        "waits": { "waits": "silenced", "silence": format!("sil_{number}") },
    });
    let events = [made, fired].map(|event| serde_json::from_value(event).unwrap()).to_vec();
    Act { key: format!("silence-{number}"), events, ..Act::default() }
}

pub fn adopted(name: &str) -> Act {
    let policy = policy(name);
    let digest = Digest::of(name.as_bytes());
    Act { key: format!("adopt-policy-{name}"), events: vec![Event::PolicyAdopted { digest, policy: Box::new(policy) }], ..Act::default() }
}

/// A store and its writer, with the time of the next commit.
pub struct World {
    pub store: Store,
    pub writer: Writer,
    pub now: Timestamp,
}

impl World {
    pub fn open(scratch: &Scratch) -> Self {
        let store = Store::open(scratch.location()).unwrap();
        let writer = store.writer().unwrap();
        Self { store, writer, now: at(0) }
    }

    pub fn commit(&mut self, acts: Vec<Act>) -> Head {
        self.try_commit(acts).unwrap()
    }

    pub fn try_commit(&mut self, acts: Vec<Act>) -> Result<Head> {
        let now = self.now;
        let mut batch = self.writer.begin()?;
        let writes = writes(&mut batch, acts, now)?;
        batch.commit(writes)
    }

    /// Incidents `1..=count` under a policy, one commit each.
    pub fn with_incidents(scratch: &Scratch, count: u64) -> Self {
        let mut world = Self::open(scratch);
        world.commit(vec![adopted("hikeshi")]);
        for number in 1..=count {
            world.commit(vec![opened(number)]);
        }
        world
    }
}

/// What the engine would write for these acts.
pub fn writes(batch: &mut crate::Batch<'_>, acts: Vec<Act>, now: Timestamp) -> Result<Writes> {
    let head = batch.head().clone();
    let mut facts = Facts { workspace: head.workspace.clone(), ..Facts::default() };
    let mut writes = Writes::default();
    let (mut seq, mut prev) = (head.size, head.last_leaf);
    let actor = Actor::person(person("tanaka"));
    for act in acts {
        let mut needs = Needs::default();
        needs.incidents.extend(act.case.map(IncidentId));
        batch.load(&needs, now, &mut facts)?;
        for event in &act.events {
            apply(&mut facts, event, &actor, now);
        }
        let posts = act.events.iter().filter_map(|event| if let Event::Posted { post } = event { Some(post) } else { None });
        for (part, post) in (0..).zip(posts) {
            writes.posts.push(PostRecord { seq, part, at: now, actor: actor.clone(), post: post.clone() });
        }
        writes.queued.extend(act.effects.iter().map(|effect| (effect.clone(), now)));
        writes.settled.extend(act.settles.clone());
        let result = EntryResult::Done { events: act.events, effects: act.effects, settles: act.settles, made: None };
        let case = act.case.map(IncidentId);
        let entry = Entry {
            v: Entry::VERSION,
            seq,
            at: now,
            actor: actor.clone(),
            via: Via::Cli,
            key: key(&act.key),
            kind: "test.act".to_owned(),
            case,
            prev,
            result,
        };
        let entry = NewEntry::new(&entry).unwrap();
        prev = entry.leaf();
        writes.entries.push(entry);
        seq += 1;
    }
    if let Some(policy) = facts.workspace.policy.clone() {
        for id in &facts.touched.incidents {
            writes.timers.extend(timer::of_incident(facts.incident(*id).unwrap(), &policy));
        }
        if facts.touched.workspace {
            writes.timers.extend(timer::of_workspace(&facts.workspace));
        }
    }
    writes.facts = facts;
    Ok(writes)
}
