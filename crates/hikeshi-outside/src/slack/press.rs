//! What somebody did in Slack: pressed a button of ours, or sent a form. An intent, never an authority: the door decides.

use hikeshi_domain::effect::EffectKey;
use hikeshi_domain::ids::{Digest, EmergencyId};
use hikeshi_text::Lang;
use serde_json::{Value, json};

use super::Voice;
use super::api::call;
use super::payload::{Form, view};

/// What a press wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    Approve,
    Decline,
}

impl Deed {
    /// The id of the button, and of the form behind it.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Approve => "hikeshi_approve",
            Self::Decline => "hikeshi_decline",
        }
    }

    fn of(id: &str) -> Option<Self> {
        [Self::Approve, Self::Decline].into_iter().find(|deed| deed.id() == id)
    }
}

/// What a press on a page by direct message wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageDeed {
    /// Takes the incident.
    Take,
    /// Says that a test has arrived.
    Arrived,
}

impl PageDeed {
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Take => "hikeshi_take",
            Self::Arrived => "hikeshi_arrived",
        }
    }

    fn of(id: &str) -> Option<Self> {
        [Self::Take, Self::Arrived].into_iter().find(|deed| deed.id() == id)
    }
}

/// A button of a page that was pressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PagePress {
    pub deed: PageDeed,
    /// Which page.
    pub key: EffectKey,
    pub user: String,
    /// Where the message is.
    pub channel: String,
    pub action: String,
}

/// The page whose button was pressed; `None` for anything else.
pub fn of_page(payload: &Value) -> Option<PagePress> {
    let text = |at: &str| payload.pointer(at).and_then(Value::as_str).map(str::to_owned);
    if payload.get("type").and_then(Value::as_str) != Some("block_actions") {
        return None;
    }
    let deed = PageDeed::of(&text("/actions/0/action_id")?)?;
    let key = EffectKey(text("/actions/0/value").filter(|key| key.len() <= KEY_BYTES_MAX)?);
    Some(PagePress { deed, key, user: text("/user/id")?, channel: text("/channel/id")?, action: text("/actions/0/action_ts")? })
}

/// Keys of ours are shorter.
const KEY_BYTES_MAX: usize = 500;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Press {
    /// A button: asks for the form.
    Button { form: Form, user: String, trigger: String, action: String },
    /// A form that was sent, with the words in it.
    Sent { form: Form, user: String, view: String, words: String },
}

/// Understands an interaction; `None` for one that asks nothing of us, such as a button that only opens a page.
pub fn read(payload: &Value) -> Option<Press> {
    let text = |at: &str| payload.pointer(at).and_then(Value::as_str).map(str::to_owned);
    let user = text("/user/id")?;
    match payload.get("type").and_then(Value::as_str)? {
        "block_actions" => {
            let deed = Deed::of(&text("/actions/0/action_id")?)?;
            let value = text("/actions/0/value")?;
            let (emergency, digest) = value.split_once(' ')?;
            let (channel, message) = (text("/channel/id")?, text("/container/message_ts")?);
            let form = Form { deed, emergency: emergency.parse().ok()?, digest: Digest::parse(digest)?, channel, message };
            Some(Press::Button { form, user, trigger: text("/trigger_id")?, action: text("/actions/0/action_ts")? })
        }
        "view_submission" => {
            let deed = Deed::of(&text("/view/callback_id")?)?;
            let kept = text("/view/private_metadata")?;
            let parts: Vec<&str> = kept.split(' ').collect();
            let [emergency, digest, channel, message] = parts.as_slice() else { return None };
            let (emergency, digest): (EmergencyId, Digest) = (emergency.parse().ok()?, Digest::parse(digest)?);
            let form = Form { deed, emergency, digest, channel: (*channel).to_owned(), message: (*message).to_owned() };
            let words = text("/view/state/values/words/text/value").unwrap_or_default();
            Some(Press::Sent { form, user, view: text("/view/id")?, words })
        }
        _ => None,
    }
}

impl Voice {
    /// Opens the form before the eyes of whoever pressed. Slack gives three seconds for it.
    pub async fn open_form(&self, lang: Lang, trigger: &str, form: &Form) -> Result<(), String> {
        let given = json!({"trigger_id": trigger, "view": view(lang, form)});
        call(self, "views.open", &given).await.map(drop).map_err(|error| error.to_string())
    }

    /// Says something that only one user sees, where they pressed.
    pub async fn whisper(&self, form: &Form, user: &str, words: &str) -> Result<(), String> {
        let given = json!({"channel": form.channel, "user": user, "text": super::blocks::mrkdwn(words, 3_000), "thread_ts": form.message});
        call(self, "chat.postEphemeral", &given).await.map(drop).map_err(|error| error.to_string())
    }

    /// Answers a press in the same direct message.
    pub async fn answer_page(&self, press: &PagePress, words: &str) -> Result<(), String> {
        let given = json!({"channel": press.channel, "user": press.user, "text": super::blocks::mrkdwn(words, 3_000)});
        call(self, "chat.postEphemeral", &given).await.map(drop).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pressed(action: &str, value: &str) -> Value {
        json!({"type": "block_actions", "user": {"id": "U1"}, "trigger_id": "t", "channel": {"id": "C1"}, "container": {"message_ts": "1.2"},
            "actions": [{"action_id": action, "value": value, "action_ts": "3.4"}]})
    }

    #[test]
    fn a_button_of_ours_is_understood_and_nothing_else_is() {
        let digest = Digest::of(b"plan");
        let good = pressed("hikeshi_approve", &format!("emg_3 {digest}"));
        let form = Form { deed: Deed::Approve, emergency: EmergencyId(3), digest, channel: "C1".to_owned(), message: "1.2".to_owned() };
        let wanted = Press::Button { form, user: "U1".to_owned(), trigger: "t".to_owned(), action: "3.4".to_owned() };
        assert_eq!(read(&good), Some(wanted));
        for other in
            [pressed("hikeshi_page", ""), pressed("hikeshi_approve", "emg_3"), pressed("hikeshi_approve", "emg_x 00"), json!({}), json!([])]
        {
            assert_eq!(read(&other), None, "{other}");
        }
    }

    #[test]
    fn a_button_of_a_page_names_its_page() {
        let pressed_page = of_page(&pressed("hikeshi_take", "page/inc_3/1/tanaka/slack/1")).expect("a page");
        assert_eq!((pressed_page.deed, pressed_page.key.0.as_str()), (PageDeed::Take, "page/inc_3/1/tanaka/slack/1"));
        assert_eq!((pressed_page.user.as_str(), pressed_page.channel.as_str()), ("U1", "C1"));
        assert_eq!(of_page(&pressed("hikeshi_arrived", "page/test/tanaka/slack/1")).expect("a page").deed, PageDeed::Arrived);
        let long = "x".repeat(KEY_BYTES_MAX + 1);
        for other in [pressed("hikeshi_approve", "emg_3 00"), pressed("hikeshi_page", ""), pressed("hikeshi_take", &long), json!({})] {
            assert_eq!(of_page(&other), None, "{other}");
        }
    }

    #[test]
    fn a_form_comes_back_as_it_was_opened() {
        let form = Form {
            deed: Deed::Decline,
            emergency: EmergencyId(3),
            digest: Digest::of(b"plan"),
            channel: "C1".to_owned(),
            message: "1.2".to_owned(),
        };
        let mut view = super::view(Lang::Ja, &form);
        super::super::find::set(&mut view, "id", json!("V1"));
        super::super::find::set(
            &mut view,
            "state",
            json!({"values": {"words": {"text": {"type": "plain_text_input", "value": "通常の手順で直せます"}}}}),
        );
        let sent = json!({"type": "view_submission", "user": {"id": "U1"}, "view": view});
        let wanted = Press::Sent { form, user: "U1".to_owned(), view: "V1".to_owned(), words: "通常の手順で直せます".to_owned() };
        assert_eq!(read(&sent), Some(wanted));
    }
}
