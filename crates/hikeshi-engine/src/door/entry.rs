//! From a decision to the bytes of a ledger entry, and back to the answer that was once given.

use hikeshi_domain::Timestamp;
use hikeshi_domain::command::Envelope;
use hikeshi_domain::decide::Decision;
use hikeshi_domain::ids::{Digest, IncidentId};
use hikeshi_domain::ledger::{self, Entry, EntryResult};
use hikeshi_domain::people::{Actor, Via};
use hikeshi_domain::refusal::Refusal;
use hikeshi_store::{KeptEntry, NewEntry, StoreError};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Receipt};
use crate::look::EntryView;

/// Most bytes of a refused command that are kept; of a larger one its size and digest are, and what it was about.
const ASKED_BYTES_MAX: usize = 8 * 1024;

/// Where an entry goes: behind which, and when.
pub(super) struct Place {
    pub(super) seq: u64,
    pub(super) prev: Digest,
    pub(super) at: Timestamp,
}

pub(super) fn done(place: &Place, envelope: &Envelope, decision: Decision) -> Result<(NewEntry, Decision), StoreError> {
    let result = EntryResult::Done { events: decision.events, effects: decision.effects, settles: decision.settles, made: decision.made };
    let (entry, result) = build(place, envelope, decision.case, result)?;
    let EntryResult::Done { events, effects, settles, made } = result else {
        return Err(StoreError { doing: "build an entry", detail: "a decision became a refusal".to_owned(), passing: false });
    };
    Ok((entry, Decision { events, effects, settles, made, heard: decision.heard, leased: decision.leased, case: decision.case }))
}

pub(super) fn refused(
    place: &Place,
    envelope: &Envelope,
    refusal: &Refusal,
    case: Option<IncidentId>,
    asked: &Value,
) -> Result<NewEntry, StoreError> {
    let result = EntryResult::Refused {
        rule: refusal.rule().to_owned(),
        code: refusal.code().to_owned(),
        refusal: refusal.clone(),
        asked: bounded(asked),
    };
    build(place, envelope, case, result).map(|(entry, _)| entry)
}

fn build(place: &Place, envelope: &Envelope, case: Option<IncidentId>, result: EntryResult) -> Result<(NewEntry, EntryResult), StoreError> {
    let entry = Entry {
        v: Entry::VERSION,
        seq: place.seq,
        at: place.at,
        actor: envelope.actor.clone(),
        via: envelope.via,
        key: envelope.key.clone(),
        kind: envelope.command.kind().to_owned(),
        case,
        prev: place.prev,
        result,
    };
    let new = NewEntry::new(&entry).map_err(|broken| StoreError { doing: "build an entry", detail: broken.to_string(), passing: false })?;
    Ok((new, entry.result))
}

fn bounded(asked: &Value) -> Value {
    let bytes = serde_json::to_vec(asked).unwrap_or_default();
    if bytes.len() <= ASKED_BYTES_MAX {
        return asked.clone();
    }
    let about = ["area", "do", "incident", "emergency", "obligation"];
    let about = about.iter().filter_map(|name| Some(((*name).to_owned(), asked.get(name)?.clone())));
    let not_kept = json!({ "bytes": bytes.len(), "sha256": Digest::of(&bytes) });
    Value::Object(about.chain([("not_kept".to_owned(), not_kept)]).collect())
}

/// The incident that a refused command was about, as far as its own words tell.
pub(super) fn case_of(asked: &Value, facts: &hikeshi_domain::facts::Facts) -> Option<IncidentId> {
    let named = |name: &str| asked.get(name).and_then(Value::as_str);
    if let Some(incident) = named("incident").and_then(|id| id.parse().ok()) {
        return facts.incident(incident).map(|incident| incident.id);
    }
    if let Some(emergency) = named("emergency").and_then(|id| id.parse().ok()) {
        return facts.emergency(emergency).map(|emergency| emergency.incident);
    }
    let obligation = named("obligation").and_then(|id| id.parse().ok())?;
    facts.obligation(obligation).and_then(|obligation| obligation.incident)
}

/// What a request that was answered before is answered now. A key is its owner's: for anybody else it is no key.
pub(super) fn again(envelope: &Envelope, kept: &KeptEntry) -> Result<Answer, StoreError> {
    let entry: Entry = read(kept)?;
    if !same_actor(&entry.actor, &envelope.actor) {
        return Ok(Answer::Refused { refusal: Refusal::NotYours, seq: None });
    }
    Ok(match entry.result {
        EntryResult::Done { made, .. } => Answer::Already(Receipt { seq: Some(entry.seq), kind: entry.kind, case: entry.case, made }),
        EntryResult::Refused { refusal, .. } => Answer::Refused { refusal, seq: Some(entry.seq) },
    })
}

/// The same person through another token or face is the same person.
fn same_actor(one: &Actor, other: &Actor) -> bool {
    match (one, other) {
        (Actor::Person { person: one, .. }, Actor::Person { person: other, .. }) => one == other,
        _ => one == other,
    }
}

/// An entry as a line of a timeline. Events stay data: a page shows what was recorded, also by another version of the program.
pub(crate) fn kept_view(kept: &KeptEntry) -> Result<EntryView, StoreError> {
    #[derive(Deserialize)]
    struct Shown {
        seq: u64,
        at: Timestamp,
        actor: Actor,
        via: Via,
        kind: String,
        #[serde(default)]
        case: Option<IncidentId>,
        #[serde(default)]
        events: Vec<Value>,
        #[serde(default)]
        refusal: Option<Refusal>,
    }
    let Shown { seq, at, actor, via, kind, case, events, refusal } = read(kept)?;
    Ok(EntryView { seq, at, actor, via, kind, case, events, refusal, hash: ledger::leaf_hash(&kept.bytes) })
}

/// When it was recorded.
pub(super) fn time_of(kept: &KeptEntry) -> Result<Timestamp, StoreError> {
    #[derive(Deserialize)]
    struct Timed {
        at: Timestamp,
    }
    read::<Timed>(kept).map(|timed| timed.at)
}

fn read<'a, T: Deserialize<'a>>(kept: &'a KeptEntry) -> Result<T, StoreError> {
    serde_json::from_slice(&kept.bytes).map_err(|broken| StoreError {
        doing: "read an entry",
        detail: format!("entry {}: {broken}", kept.seq),
        passing: false,
    })
}
