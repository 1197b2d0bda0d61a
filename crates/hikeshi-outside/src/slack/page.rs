//! A page as a direct message to one user: what calls them, with a button that takes it, and the same message once nobody has to any more.
//!
//! Nothing waits here: a page that Slack does not take now falls over to the next means. Whether a press may do anything is decided at the door.

use std::time::{Duration, Instant};

use hikeshi_domain::chat::{ChatOrder, Over, Settled};
use hikeshi_domain::effect::Effect;
use hikeshi_domain::page::{About, PageOrder};
use hikeshi_text::{Lang, Names, chat};
use serde_json::{Value, json};

use super::api::{CallError, call};
use super::blocks::{Button, SECTION_MAX, buttons, header, mrkdwn, plain, section};
use super::find::{set, text};
use super::payload::keyed;
use super::press::PageDeed;
use super::{Memory, Voice};
use crate::paging::Trouble;

const FALLBACK_MAX: usize = 3_000;
/// What is left of a page's time when it is said once more after a wait that Slack asked for.
const SPARE: Duration = Duration::from_secs(2);

/// Posts it once; the channel and the time that Slack gives it are what it is found by later.
pub(crate) async fn send(
    voice: &Voice,
    memory: &Memory,
    effect: &Effect,
    order: &PageOrder,
    user: &str,
    url: &str,
    within: Duration,
) -> Result<String, Trouble> {
    let mut given = live(effect, order, url);
    set(&mut given, "channel", json!(user));
    let began = Instant::now();
    loop {
        let left = within.saturating_sub(began.elapsed()).saturating_sub(SPARE);
        let asked = memory.page_wait();
        if asked > left {
            let wait_s = asked.as_secs().saturating_add(1);
            return Err(Trouble::Passing(format!("Slack asks to wait {wait_s} s (ratelimited)")));
        }
        tokio::time::sleep(asked).await;
        match call(voice, "chat.postMessage", &given).await {
            Ok(answer) => return reference(&answer.body),
            Err(CallError::Limited { after_s }) => memory.wait_with_pages(Duration::from_secs(u64::from(after_s))),
            Err(error) => return Err(trouble(error)),
        }
    }
}

/// An answer that names no message proves nothing.
fn reference(body: &Value) -> Result<String, Trouble> {
    let (channel, ts) = (text(body, "channel"), text(body, "ts"));
    if channel.is_empty() || ts.is_empty() {
        return Err(Trouble::Passing("Slack answers ok and names no message".to_owned()));
    }
    Ok(format!("{channel} {ts}"))
}

fn trouble(error: CallError) -> Trouble {
    match error {
        // The environment of the server is mended without another page.
        CallError::Refused { code, detail } if code == "no_token" => {
            Trouble::Passing(format!("the environment variable {detail} is not set"))
        }
        CallError::Refused { code, detail } if detail.is_empty() => Trouble::Lasting(format!("Slack says {code}")),
        CallError::Refused { code, detail } => Trouble::Lasting(format!("Slack says {code}: {detail}")),
        error @ (CallError::Limited { .. } | CallError::Unreached(_)) => Trouble::Passing(error.to_string()),
    }
}

fn live(effect: &Effect, order: &PageOrder, url: &str) -> Value {
    let lang = Lang::from(order.language);
    let words = hikeshi_text::page_text(order, url);
    let (deed, take) = match &order.about {
        About::Incident { .. } => (PageDeed::Take, chat::take_page(lang)),
        About::Test { .. } => (PageDeed::Arrived, chat::page_arrived(lang)),
    };
    let take = Button { id: deed.id(), words: take, value: Some(effect.key.0.clone()), url: None, style: Some("primary") };
    let go = Button { id: "hikeshi_page", words: chat::open_case(lang), value: None, url: Some(url.to_owned()), style: None };
    let blocks =
        json!([header(&words.subject), section(&mrkdwn(&chat::page_body(order), SECTION_MAX)), buttons("hikeshi_page_acts", &[take, go]),]);
    message(&format!("{}\n{}", words.subject, words.body), blocks, &effect.key.0)
}

/// The same message when it calls nobody any more.
pub(crate) fn over(order: &ChatOrder, settled: &Settled, voice: &Voice) -> Value {
    let lang = Lang::from(order.words.language);
    let words = chat::settled(lang, settled, order.words.scheme, &Names::of_chat(&order.words));
    let place = match &settled.over {
        Over::Taken { incident, .. } | Over::Restored { incident, .. } => format!("incidents/{incident}"),
        Over::Merged { into, .. } => format!("incidents/{into}"),
        Over::Confirmed { .. } => "contacts".to_owned(),
    };
    let url = format!("{}/{place}", voice.public_url);
    let go = Button { id: "hikeshi_page", words: chat::open_case(lang), value: None, url: Some(url), style: None };
    let blocks = json!([header(&words.subject), section(&mrkdwn(&words.body, SECTION_MAX)), buttons("hikeshi_page_acts", &[go])]);
    message(&format!("{}\n{}", words.subject, words.body), blocks, &settled.page.0)
}

fn message(text: &str, blocks: Value, key: &str) -> Value {
    let text = plain(text, FALLBACK_MAX);
    json!({"text": text, "blocks": blocks, "metadata": keyed(key, ""), "unfurl_links": false, "unfurl_media": false})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_slack_will_never_take_is_told_from_what_may_pass() {
        let refused = |code: &str| CallError::Refused { code: code.to_owned(), detail: String::new() };
        for code in ["channel_not_found", "user_disabled", "account_inactive", "messages_tab_disabled", "invalid_auth"] {
            assert_eq!(trouble(refused(code)), Trouble::Lasting(format!("Slack says {code}")));
        }
        assert!(matches!(trouble(CallError::Unreached("internal_error".to_owned())), Trouble::Passing(_)));
        assert!(matches!(trouble(refused("no_token")), Trouble::Passing(_)));
        assert_eq!(reference(&json!({"ok": true, "channel": "D0TANAKA", "ts": "1.2"})), Ok("D0TANAKA 1.2".to_owned()));
        for empty in [json!({"ok": true}), json!({"ok": true, "channel": "D0TANAKA"}), json!({"ok": true, "ts": "1.2"})] {
            assert!(matches!(reference(&empty), Err(Trouble::Passing(_))), "{empty}");
        }
    }
}
