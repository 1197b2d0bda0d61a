//! One order carried out: posted once, or the card shown anew. What cannot be said now is put off; what Slack will never take is told.

use std::time::{Duration, Instant};

use hikeshi_domain::channel::{Body, Notice};
use hikeshi_domain::chat::{Act, ChatOrder, ChatTrouble, Settled};
use hikeshi_domain::effect::{Effect, Outcome, Performed};
use serde_json::{Value, json};

use super::api::{CallError, call};
use super::find::{channel_id, list, root, set, text};
use super::payload::{group_id, message};
use super::{Memory, Root, Voice};

/// Slack takes about one message a second and channel.
const APART: Duration = Duration::from_millis(1_050);
/// Longest wait between two tries while Slack cannot be reached.
const WAIT_S_MAX: u32 = 30;
/// After this long an announcement is no news any more.
const TOO_LATE_S: i64 = 72 * 3_600;

pub(crate) async fn perform(effect: &Effect, order: &ChatOrder, voice: &Voice, memory: &Memory) -> Performed {
    if crate::clock::now().as_second().saturating_sub(order.at.as_second()) > TOO_LATE_S {
        return ended(unsaid(order, "too_late".to_owned()));
    }
    let said = match &order.act {
        Act::Post { opens, .. } => post(effect, order, *opens, voice, memory).await,
        Act::Restate { .. } => restate(order, voice, memory).await,
        Act::Settle { settled } => settle(order, settled, voice).await,
    };
    let outcome = match said {
        Ok(ts) => {
            memory.lock().failures = 0;
            Outcome::Said { place: order.place.clone(), message: ts }
        }
        Err(CallError::Refused { code, detail }) => {
            tracing::warn!(effect = %effect.key, code, detail, "Slack does not take it");
            unsaid(order, code)
        }
        Err(CallError::Limited { after_s }) => Outcome::Postponed { after_s, detail: "Slack asks to wait".to_owned() },
        Err(CallError::Unreached(detail)) => Outcome::Postponed { after_s: backed_off(memory), detail },
    };
    ended(outcome)
}

fn ended(outcome: Outcome) -> Performed {
    Performed { outcome, contents: Vec::new() }
}

fn unsaid(order: &ChatOrder, code: String) -> Outcome {
    Outcome::Unsaid { place: order.place.clone(), trouble: ChatTrouble { code, channel: order.channel.clone() } }
}

/// 1, 2, 4 … seconds: short enough that the announcement is there soon after Slack is.
fn backed_off(memory: &Memory) -> u32 {
    let mut known = memory.lock();
    known.failures = known.failures.saturating_add(1);
    2_u32.saturating_pow(known.failures.saturating_sub(1).min(10)).min(WAIT_S_MAX)
}

async fn post(effect: &Effect, order: &ChatOrder, opens: bool, voice: &Voice, memory: &Memory) -> Result<String, CallError> {
    let channel = channel_id(voice, memory, &order.channel).await?;
    let thread = match order.thread.as_deref().filter(|_| !opens) {
        Some(subject) => root(voice, memory, &channel, subject, order.at.as_second()).await?,
        None => None,
    };
    learn_groups(order, voice, memory).await?;
    let mut given = message(order, &effect.key.0, voice, memory);
    set(&mut given, "channel", json!(channel));
    if let Some(root) = &thread {
        set(&mut given, "thread_ts", json!(root.ts));
        if told_to_all(order) {
            set(&mut given, "reply_broadcast", json!(true));
        }
    }
    pace(&channel, memory).await;
    let body = call(voice, "chat.postMessage", &given).await?.body;
    let ts = text(&body, "ts").to_owned();
    if let (true, Some(subject)) = (opens, &order.thread) {
        memory.keep_root(&channel, subject, Root { ts: ts.clone(), key: effect.key.0.clone() });
    }
    Ok(ts)
}

/// The start and the end are told in the channel itself, beside the thread (rule E5).
fn told_to_all(order: &ChatOrder) -> bool {
    let Act::Post { post, .. } = &order.act else { return false };
    matches!(&post.body, Body::Notice { notice: Notice::SessionStarted { .. } | Notice::EmergencyClosed { .. } })
}

async fn restate(order: &ChatOrder, voice: &Voice, memory: &Memory) -> Result<String, CallError> {
    let channel = channel_id(voice, memory, &order.channel).await?;
    let subject = order.thread.as_deref().unwrap_or_default();
    let missing = || CallError::Refused { code: "message_not_found".to_owned(), detail: subject.to_owned() };
    let root = root(voice, memory, &channel, subject, order.at.as_second()).await?.ok_or_else(missing)?;
    learn_groups(order, voice, memory).await?;
    let mut given = message(order, &root.key, voice, memory);
    set(&mut given, "channel", json!(channel));
    set(&mut given, "ts", json!(root.ts));
    call(voice, "chat.update", &given).await?;
    Ok(root.ts)
}

/// The message of a page without its buttons. The same again is as good as once.
async fn settle(order: &ChatOrder, settled: &Settled, voice: &Voice) -> Result<String, CallError> {
    let mut given = super::page::over(order, settled, voice);
    set(&mut given, "channel", json!(order.channel));
    set(&mut given, "ts", json!(settled.message));
    call(voice, "chat.update", &given).await?;
    Ok(settled.message.clone())
}

async fn pace(channel: &str, memory: &Memory) {
    let wait = memory.lock().posted.get(channel).map(|last| APART.saturating_sub(last.elapsed()));
    if let Some(wait) = wait.filter(|wait| !wait.is_zero()) {
        tokio::time::sleep(wait).await;
    }
    memory.lock().posted.insert(channel.to_owned(), Instant::now());
}

/// The ids of groups that the policy calls by their handles. Without them the announcement still goes out, with names.
async fn learn_groups(order: &ChatOrder, voice: &Voice, memory: &Memory) -> Result<(), CallError> {
    let unknown = |given: &&String| group_id(given).is_none() && !memory.lock().groups.contains_key(*given);
    let wanted: Vec<&String> = order.words.groups.values().filter(unknown).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    match call(voice, "usergroups.list", &json!({"include_disabled": false})).await {
        Ok(answer) => {
            let groups = list(&answer.body, "usergroups");
            for given in wanted {
                if let Some(group) = groups.iter().find(|group| matches_handle(group, given)) {
                    memory.lock().groups.insert(given.clone(), text(group, "id").to_owned());
                }
            }
            Ok(())
        }
        Err(CallError::Refused { code, .. }) => {
            tracing::warn!(code, "the user groups of Slack cannot be read; roles are called by their names");
            Ok(())
        }
        Err(error @ (CallError::Limited { .. } | CallError::Unreached(_))) => Err(error),
    }
}

pub(crate) fn matches_handle(group: &Value, given: &str) -> bool {
    text(group, "handle") == given.trim_start_matches('@')
}
