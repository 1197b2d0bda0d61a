//! Whether a message is there already: asked of Slack by the key that every message of ours carries.

use hikeshi_domain::chat::{Act, ChatOrder};
use hikeshi_domain::effect::{Effect, Outcome, Performed, Seen, Work};
use serde_json::{Value, json};

use super::api::{CallError, call};
use super::{EVENT_TYPE, Memory, Root, Voice};

/// Pages of messages that are searched, and how many messages are on one.
const PAGES_MAX: u32 = 10;
const PAGE: u32 = 200;
/// Clocks differ: a message may be older than the order by the clock of ours.
const EARLIER_S: i64 = 3_600;
/// A thread that was opened longer ago is not continued.
const ROOT_AGE_S: i64 = 60 * 86_400;

pub(crate) async fn look(effect: &Effect, order: &ChatOrder, voice: &Voice, memory: &Memory) -> Seen {
    if matches!(order.act, Act::Restate { .. } | Act::Settle { .. }) {
        // Showing the same card or page again is as good as once.
        return Seen::NotHappened;
    }
    match found(effect, order, voice, memory).await {
        Ok(Some(ts)) => {
            let outcome = Outcome::Said { place: order.place.clone(), message: ts };
            Seen::Happened(Performed { outcome, contents: Vec::new() })
        }
        Ok(None) => Seen::NotHappened,
        // Saying it will meet the same refusal, and tell it.
        Err(CallError::Refused { .. }) => Seen::NotHappened,
        Err(error @ (CallError::Limited { .. } | CallError::Unreached(_))) => {
            tracing::info!(effect = %effect.key, kind = Work::kind(&effect.work), %error, "whether it was said could not be asked");
            Seen::Unknown
        }
    }
}

async fn found(effect: &Effect, order: &ChatOrder, voice: &Voice, memory: &Memory) -> Result<Option<String>, CallError> {
    let channel = channel_id(voice, memory, &order.channel).await?;
    let since = order.at.as_second().saturating_sub(EARLIER_S);
    let opens = matches!(order.act, Act::Post { opens: true, .. });
    let thread = match order.thread.as_deref().filter(|_| !opens) {
        Some(subject) => root(voice, memory, &channel, subject, order.at.as_second()).await?,
        None => None,
    };
    let wanted = |message: &Value| (payload(message, "key") == Some(effect.key.0.as_str())).then(|| text(message, "ts").to_owned());
    if let Some(root) = thread {
        let given = json!({"channel": channel, "ts": root.ts, "oldest": since});
        if let Some(ts) = search(voice, "conversations.replies", given, wanted).await? {
            return Ok(Some(ts));
        }
    }
    let ts = search(voice, "conversations.history", json!({"channel": channel, "oldest": since}), wanted).await?;
    if let (Some(ts), true, Some(subject)) = (&ts, opens, &order.thread) {
        memory.keep_root(&channel, subject, Root { ts: ts.clone(), key: effect.key.0.clone() });
    }
    Ok(ts)
}

/// The message that opened the thread of a subject.
pub(crate) async fn root(voice: &Voice, memory: &Memory, channel: &str, subject: &str, at_s: i64) -> Result<Option<Root>, CallError> {
    if let Some(root) = memory.lock().roots.get(&(channel.to_owned(), subject.to_owned())) {
        return Ok(Some(root.clone()));
    }
    let wanted = |message: &Value| {
        let key = payload(message, "key")?;
        (payload(message, "opens") == Some(subject)).then(|| Root { ts: text(message, "ts").to_owned(), key: key.to_owned() })
    };
    let given = json!({"channel": channel, "oldest": at_s.saturating_sub(ROOT_AGE_S)});
    let root = search(voice, "conversations.history", given, wanted).await?;
    if let Some(root) = &root {
        memory.keep_root(channel, subject, root.clone());
    }
    Ok(root)
}

async fn search<T>(voice: &Voice, method: &str, mut given: Value, wanted: impl Fn(&Value) -> Option<T>) -> Result<Option<T>, CallError> {
    set(&mut given, "limit", json!(PAGE));
    set(&mut given, "include_all_metadata", json!(true));
    for _ in 0..PAGES_MAX {
        let body = call(voice, method, &given).await?.body;
        if let Some(found) = list(&body, "messages").iter().find_map(&wanted) {
            return Ok(Some(found));
        }
        match next(&body) {
            Some(cursor) => set(&mut given, "cursor", json!(cursor)),
            None => return Ok(None),
        }
    }
    Ok(None)
}

/// The id of a channel that the policy may call by its name.
pub(crate) async fn channel_id(voice: &Voice, memory: &Memory, given: &str) -> Result<String, CallError> {
    if is_id(given) {
        return Ok(given.to_owned());
    }
    if let Some(id) = memory.lock().channels.get(given) {
        return Ok(id.clone());
    }
    let name = given.trim_start_matches('#');
    let mut asked = json!({"types": "public_channel,private_channel", "exclude_archived": true, "limit": PAGE});
    for _ in 0..PAGES_MAX * 5 {
        let body = call(voice, "conversations.list", &asked).await?.body;
        if let Some(channel) = list(&body, "channels").iter().find(|channel| text(channel, "name") == name) {
            let id = text(channel, "id").to_owned();
            memory.lock().channels.insert(given.to_owned(), id.clone());
            return Ok(id);
        }
        match next(&body) {
            Some(cursor) => set(&mut asked, "cursor", json!(cursor)),
            None => break,
        }
    }
    Err(CallError::Refused { code: "channel_not_found".to_owned(), detail: given.to_owned() })
}

pub(crate) fn is_id(given: &str) -> bool {
    let good = given.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    good && given.len() >= 6 && matches!(given.as_bytes().first(), Some(b'C' | b'G'))
}

fn payload<'a>(message: &'a Value, name: &str) -> Option<&'a str> {
    let metadata = message.get("metadata")?;
    (text(metadata, "event_type") == EVENT_TYPE).then_some(())?;
    metadata.get("event_payload")?.get(name)?.as_str()
}

pub(crate) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

pub(crate) fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

pub(crate) fn next(body: &Value) -> Option<String> {
    let cursor = body.pointer("/response_metadata/next_cursor")?.as_str()?;
    (!cursor.is_empty()).then(|| cursor.to_owned())
}

pub(crate) fn set(object: &mut Value, name: &str, value: Value) {
    if let Some(fields) = object.as_object_mut() {
        fields.insert(name.to_owned(), value);
    }
}
