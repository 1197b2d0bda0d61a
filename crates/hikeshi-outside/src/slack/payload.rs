//! Whole messages and forms, out of an order's data and the words of `hikeshi-text`. The same order always gives the same message.

use hikeshi_domain::channel::{Body, Notice, Post};
use hikeshi_domain::chat::{Act, Card, ChatOrder};
use hikeshi_domain::ids::{Digest, EmergencyId, PersonId, RoleName};
use hikeshi_text::{Lang, Names, chat};
use serde_json::{Value, json};

use super::blocks::{Button, SECTION_MAX, buttons, context, fields, header, link, mrkdwn, plain, section, sections};
use super::press::Deed;
use super::{EVENT_TYPE, Memory, Voice};

/// What is shown where blocks cannot be: notifications, screen readers.
const FALLBACK_MAX: usize = 3_000;

/// Text, blocks and metadata of one message; the channel is not in it.
pub(crate) fn message(order: &ChatOrder, key: &str, voice: &Voice, memory: &Memory) -> Value {
    let lang = Lang::from(order.words.language);
    let names = Names::of_chat(&order.words);
    let (text, blocks) = match (&order.act, &order.card) {
        (Act::Post { .. } | Act::Restate { .. }, Some(card)) => announcement(lang, order, card, &names, voice, memory),
        (Act::Post { post, .. }, None) => plain_post(lang, order, post, &names, voice, memory),
        (Act::Restate { emergency }, None) => (emergency.to_string(), vec![section(&emergency.to_string())]),
        (Act::Settle { settled }, _) => return super::page::over(order, settled, voice),
    };
    json!({"text": text, "blocks": blocks, "metadata": metadata(order, key), "unfurl_links": false, "unfurl_media": false})
}

/// By this the message is found again: its key, and the subject whose thread it opens.
fn metadata(order: &ChatOrder, key: &str) -> Value {
    let opens = match &order.act {
        Act::Post { opens, .. } => *opens,
        Act::Restate { .. } => true,
        Act::Settle { .. } => false,
    };
    let opened = order.thread.as_deref().filter(|_| opens).unwrap_or_default();
    keyed(key, opened)
}

pub(crate) fn keyed(key: &str, opened: &str) -> Value {
    json!({"event_type": EVENT_TYPE, "event_payload": {"key": key, "opens": opened}})
}

fn announcement(lang: Lang, order: &ChatOrder, card: &Card, names: &Names, voice: &Voice, memory: &Memory) -> (String, Vec<Value>) {
    let words = chat::card(lang, card, names);
    let calls = calls(&card.calls, &[], order, names, lang, memory);
    let mut blocks = vec![header(&words.head)];
    let asks = if words.open { format!("{calls} {}", mrkdwn(&words.asks, 1_500)) } else { calls };
    if !asks.trim().is_empty() {
        blocks.push(section(asks.trim()));
    }
    blocks.push(section(&format!("*{}*", mrkdwn(&words.state, SECTION_MAX - 10))));
    blocks.push(fields(&words.rows));
    blocks.push(acts(lang, card, words.open, voice));
    let rows: Vec<String> = words.rows.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    (plain(&format!("{}\n{}\n{}", words.head, words.state, rows.join("\n")), FALLBACK_MAX), blocks)
}

fn acts(lang: Lang, card: &Card, open: bool, voice: &Voice) -> Value {
    let page = format!("{}/emergencies/{}", voice.public_url, card.emergency);
    let value = Some(format!("{} {}", card.emergency, card.digest));
    let press = |deed: Deed, words, style| Button { id: deed.id(), words, value: value.clone(), url: None, style: Some(style) };
    let go = |id, words, url| Button { id, words, value: None, url: Some(url), style: None };
    let watch = go("hikeshi_watch", chat::to_watch(lang), format!("{page}/watch"));
    let read = go("hikeshi_page", if open { chat::read_plan(lang) } else { chat::open_case(lang) }, page);
    let list = if open {
        vec![press(Deed::Approve, chat::to_approve(lang), "primary"), press(Deed::Decline, chat::to_decline(lang), "danger"), watch, read]
    } else if card.status.is_over() {
        vec![read]
    } else {
        vec![watch, read]
    };
    buttons("hikeshi_acts", &list)
}

fn plain_post(lang: Lang, order: &ChatOrder, post: &Post, names: &Names, voice: &Voice, memory: &Memory) -> (String, Vec<Value>) {
    let words = chat::said(lang, order, &hikeshi_text::post(lang, post, names), names);
    let calls = calls(&post.roles, &post.people, order, names, lang, memory);
    let before = if calls.is_empty() { String::new() } else { format!("{calls} ") };
    let mut blocks = sections(&before, &words);
    let mut foot: Vec<String> = Vec::new();
    if let Some(emergency) = post.emergency {
        foot.push(link(&format!("{}/emergencies/{emergency}", voice.public_url), &emergency.to_string()));
    }
    if let Some(incident) = post.incident {
        foot.push(link(&format!("{}/incidents/{incident}", voice.public_url), &incident.to_string()));
    }
    let started = matches!(&post.body, Body::Notice { notice: Notice::SessionStarted { .. } });
    if let Some(emergency) = post.emergency.filter(|_| started) {
        foot.push(link(&format!("{}/emergencies/{emergency}/watch", voice.public_url), chat::to_watch(lang)));
    }
    foot.extend(order.seal.as_ref().map(|seal| mrkdwn(&chat::seal(lang, seal), 500)));
    if !foot.is_empty() {
        blocks.push(context(&foot.join("  ·  ")));
    }
    let mentions = hikeshi_text::mentions(lang, post, names);
    let text = if mentions.is_empty() { words } else { format!("{mentions} {words}") };
    (plain(&text, FALLBACK_MAX), blocks)
}

/// Groups and users by `@`; whoever is not known in Slack is called by name.
fn calls(roles: &[RoleName], people: &[PersonId], order: &ChatOrder, names: &Names, lang: Lang, memory: &Memory) -> String {
    let known = memory.lock();
    let group = |role: &RoleName| {
        let id =
            order.words.groups.get(role).and_then(|given| group_id(given).map(str::to_owned).or_else(|| known.groups.get(given).cloned()));
        id.map_or_else(|| mrkdwn(&format!("@{}", names.role(lang, role)), 100), |id| format!("<!subteam^{id}>"))
    };
    let user = |person: &PersonId| {
        order.words.users.get(person).map_or_else(|| mrkdwn(&format!("@{}", names.written(person)), 100), |user| format!("<@{user}>"))
    };
    roles.iter().take(20).map(group).chain(people.iter().take(20).map(user)).collect::<Vec<_>>().join(" ")
}

/// `S012AB3CD`, when the policy names the group by its id.
pub(crate) fn group_id(given: &str) -> Option<&str> {
    let bytes = given.as_bytes();
    let good =
        given.len() >= 3 && bytes.first() == Some(&b'S') && bytes.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    good.then_some(given)
}

/// A form that asks for an approver's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    pub deed: Deed,
    pub emergency: EmergencyId,
    pub digest: Digest,
    /// Where the button was, for an answer that only the one who pressed sees.
    pub channel: String,
    pub message: String,
}

pub(crate) fn view(lang: Lang, form: &Form) -> Value {
    let words = match form.deed {
        Deed::Approve => chat::approval_form(lang, form.emergency, form.digest),
        Deed::Decline => chat::decline_form(lang, form.emergency, form.digest),
    };
    let text = |words: &str, most| json!({"type": "plain_text", "text": plain(words, most), "emoji": false});
    json!({
        "type": "modal",
        "callback_id": form.deed.id(),
        "private_metadata": format!("{} {} {} {}", form.emergency, form.digest, form.channel, form.message),
        "title": text(words.title, 24),
        "submit": text(words.submit, 24),
        "close": text(words.close, 24),
        "blocks": [
            section(&mrkdwn(&words.about, SECTION_MAX)),
            {
                "type": "input",
                "block_id": "words",
                "label": text(words.label, 2_000),
                "element": {"type": "plain_text_input", "action_id": "text", "multiline": true, "max_length": 3_000},
            },
        ],
    })
}

/// The answer that keeps a form open, with the words of the refusal at its field.
pub fn form_refused(words: &str) -> Value {
    json!({"response_action": "errors", "errors": {"words": plain(words, 2_000)}})
}
