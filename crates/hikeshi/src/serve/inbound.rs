//! What comes in from the team's chat, from the forge, from senders of alerts ([`super::alerts`]) and from telephones ([`super::telephone`]): through the connection to Slack, or
//! through requests that prove who sends them. Each is turned into a command, or into a nudge; what follows is decided at the door.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use hikeshi_domain::command::{Command, Envelope};
use hikeshi_domain::effect::Doing;
use hikeshi_domain::emergency;
use hikeshi_domain::ids::{ObligationId, PersonId, RequestKey};
use hikeshi_domain::people::{Actor, Via};
use hikeshi_domain::policy::{ForgeKind, Policy, Slack, SlackMode};
use hikeshi_domain::refusal::Refusal;
use hikeshi_domain::timer::Wake;
use hikeshi_engine::door::{Answer, Door};
use hikeshi_engine::look::Which;
use hikeshi_outside::github::webhook;
use hikeshi_outside::slack::press::{self, Deed, Press};
use hikeshi_outside::slack::{Form, Voice, form_refused, socket};
use hikeshi_text::{Lang, Names, chat};
use hikeshi_web::{Inbound, Received};
use serde_json::Value;
use tokio::sync::oneshot;

/// Cheap to clone.
#[derive(Clone)]
pub struct Ears {
    pub(super) door: Door,
    pub(super) env: Arc<BTreeMap<OsString, OsString>>,
    pub(super) public_url: Arc<str>,
}

/// Open obligations that a webhook is compared with.
const OPEN_MAX: u32 = 200;

impl Ears {
    pub fn new(door: Door, public_url: &str) -> Self {
        Self { door, env: Arc::new(crate::settings::all()), public_url: public_url.into() }
    }

    pub(super) async fn policy(&self) -> Option<Arc<Policy>> {
        self.door.look(&Actor::Startup).policy().await.ok()
    }

    pub(super) fn voice(&self, slack: &Slack) -> Voice {
        Voice::new(slack, &self.env, &self.public_url)
    }

    /// Keeps a connection to Slack for as long as the policy wants one, and opens another one when the policy changes.
    pub async fn listen(self) {
        loop {
            let slack = self.socket().await;
            tokio::select! {
                () = self.hear(slack.clone()) => {}
                again = self.changed(&slack) => {
                    if !again {
                        return;
                    }
                }
            }
        }
    }

    /// The Slack to which a connection is wanted.
    async fn socket(&self) -> Option<Slack> {
        self.policy().await.and_then(|policy| policy.slack.clone()).filter(|slack| slack.mode == SlackMode::Socket)
    }

    /// Until the policy wants another connection, or none; false when the door is gone.
    async fn changed(&self, from: &Option<Slack>) -> bool {
        let mut tip = self.door.tip();
        while tip.changed().await.is_ok() {
            if self.socket().await != *from {
                return true;
            }
        }
        false
    }

    async fn hear(&self, slack: Option<Slack>) {
        let Some(slack) = slack else { return std::future::pending().await };
        match socket::listen(self.voice(&slack), self.clone().handle()).await {}
    }

    fn handle(self) -> socket::Handle {
        Arc::new(move |payload| {
            let ears = self.clone();
            Box::pin(async move { ears.answered(&payload).await })
        })
    }

    /// What the web face hands on: a raw request to an address that begins with `/inbound/`.
    pub fn receive(self) -> hikeshi_web::Receive {
        Arc::new(move |inbound| {
            let ears = self.clone();
            let received: Doing<'static, Received> = Box::pin(async move { ears.received(&inbound).await });
            received
        })
    }

    async fn received(&self, inbound: &Inbound) -> Received {
        let Some(policy) = self.policy().await else { return Received::empty(503) };
        match inbound.to.as_str() {
            "slack/actions" | "slack/events" => self.of_slack(&policy, inbound).await,
            "github" => self.of_github(&policy, inbound).await,
            "pagerduty/v2/enqueue" => self.of_pagerduty(&policy, inbound).await,
            "pagerduty/v2/change/enqueue" => self.of_pagerduty_change(&policy, inbound).await,
            to if to.starts_with("twilio/") => self.of_twilio(&policy, inbound).await,
            to if to.starts_with("heartbeats/") => self.of_heartbeat(&policy, inbound).await,
            to if to.starts_with("alerts/") => self.of_alerts(&policy, inbound).await,
            _ => Received::empty(404),
        }
    }

    async fn of_slack(&self, policy: &Policy, inbound: &Inbound) -> Received {
        let Some(slack) = policy.slack.as_ref().filter(|slack| slack.mode == SlackMode::Events) else { return Received::empty(404) };
        let voice = self.voice(slack);
        let now_s = crate::settings::now().as_second();
        if !voice.accepts(inbound.header("x-slack-request-timestamp"), inbound.header("x-slack-signature"), &inbound.body, now_s) {
            return Received::empty(401);
        }
        if inbound.to == "slack/events" {
            let event: Value = serde_json::from_slice(&inbound.body).unwrap_or_default();
            return match event.get("challenge").and_then(Value::as_str) {
                Some(challenge) => Received { status: 200, kind: "text/plain", body: challenge.chars().take(500).collect() },
                None => Received::empty(200),
            };
        }
        let payload = url::form_urlencoded::parse(&inbound.body).find(|(name, _)| name == "payload").map(|(_, value)| value.into_owned());
        let Some(payload) = payload.and_then(|payload| serde_json::from_str::<Value>(&payload).ok()) else { return Received::empty(400) };
        match self.answered(&payload).await {
            Some(answer) => Received::json(200, &answer),
            None => Received::empty(200),
        }
    }

    /// The answer to a press or a form. What takes longer than Slack waits goes on; Slack is answered that it arrived, and what the door
    /// says then is said beside the button, since the form is closed by now.
    async fn answered(&self, payload: &Value) -> Option<Value> {
        if let Some(press) = press::of_page(payload) {
            let ears = self.clone();
            in_time(socket::ANSWER_WITHIN, async move { ears.page_pressed(&press).await }, async |()| ()).await;
            return None;
        }
        let press = press::read(payload)?;
        let (ears, late) = (self.clone(), self.clone());
        let told = in_time(
            socket::ANSWER_WITHIN,
            async move { ears.interaction(&press).await },
            async move |Told { voice, form, user, words }| late.whisper(&voice, &form, &user, &words).await,
        );
        told.await.map(|told| form_refused(&told.words))
    }

    /// A press or a form: who it was, and what the door says to it.
    async fn interaction(&self, press: &Press) -> Option<Told> {
        let policy = self.policy().await?;
        let voice = self.voice(policy.slack.as_ref()?);
        let (Press::Button { form, user, .. } | Press::Sent { form, user, .. }) = press;
        let Some(person) = policy.person_of_chat(user).cloned() else {
            let lang = Lang::from(policy.workspace.language);
            tracing::warn!(user, "somebody who is not in the policy pressed a button in the chat");
            return self.tell(&voice, press, form, user, &chat::stranger(lang, user)).await;
        };
        let lang = policy.person(&person).and_then(|person| person.language).unwrap_or(policy.workspace.language).into();
        let asker = Asker { ears: self, policy: &policy, voice: &voice, person, lang };
        match press {
            Press::Button { form, user, trigger, action } => asker.pressed(press, form, user, trigger, action).await,
            Press::Sent { form, user, view, words } => asker.sent(press, form, user, view, words).await,
        }
    }

    /// Words for the one who pressed alone: in the form where there is one, otherwise beside the button.
    async fn tell(&self, voice: &Voice, press: &Press, form: &Form, user: &str, words: &str) -> Option<Told> {
        match press {
            Press::Sent { .. } => Some(Told { voice: voice.clone(), form: form.clone(), user: user.to_owned(), words: words.to_owned() }),
            Press::Button { .. } => {
                self.whisper(voice, form, user, words).await;
                None
            }
        }
    }

    async fn whisper(&self, voice: &Voice, form: &Form, user: &str, words: &str) {
        if let Err(error) = voice.whisper(form, user, words).await {
            tracing::warn!(error, "whoever pressed could not be told why nothing happened");
        }
    }

    /// GitHub says that a pull request was closed: the comparison does not wait for its time.
    async fn of_github(&self, policy: &Policy, inbound: &Inbound) -> Received {
        let Some(forge) = policy.forge.as_ref().filter(|forge| forge.kind == ForgeKind::Github) else { return Received::empty(404) };
        let Some(variable) = &forge.webhook_secret_env else { return Received::empty(404) };
        let secret = self.env.get(&OsString::from(variable)).and_then(|value| value.to_str()).unwrap_or_default();
        if !webhook::holds(secret.trim(), inbound.header("x-hub-signature-256"), &inbound.body) {
            return Received::empty(401);
        }
        let closed = webhook::read(inbound.header("x-github-event"), &inbound.body);
        let Some(closed) = closed.filter(|closed| closed.repository.eq_ignore_ascii_case(&forge.repository)) else {
            return Received::empty(202);
        };
        let Some(obligation) = self.obligation_of(&closed.branch).await else { return Received::empty(202) };
        let delivery = inbound.header("x-github-delivery");
        let envelope = Envelope {
            key: RequestKey::of(&["inside", "github", &obligation.to_string(), &keyed(delivery)]),
            actor: Actor::Timer,
            via: Via::Inside,
            command: Command::Wake(Wake::Compare { obligation }),
        };
        match self.door.submit(envelope).await {
            Ok(_) => Received::empty(202),
            Err(fault) => {
                tracing::warn!(%fault, "a webhook could not be taken; GitHub will be asked instead");
                Received::empty(503)
            }
        }
    }

    async fn obligation_of(&self, branch: &str) -> Option<ObligationId> {
        let open = self.door.look(&Actor::Startup).obligations(Which::Owed, None, OPEN_MAX).await.ok()?;
        let ours = |request: &hikeshi_domain::obligation::ChangeRequest| request.branch == branch;
        open.rows.into_iter().find(|obligation| obligation.request.as_ref().is_some_and(ours)).map(|obligation| obligation.id)
    }
}

/// A piece of a request key out of somebody else's text.
pub(super) fn keyed(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_')).take(60).collect()
}

/// What work that is not cut short says: in time to whoever waits, later to `late`.
async fn in_time<T, L>(
    within: Duration,
    work: impl Future<Output = Option<T>> + Send + 'static,
    late: impl FnOnce(T) -> L + Send + 'static,
) -> Option<T>
where
    T: Send + 'static,
    L: Future<Output = ()> + Send,
{
    let (say, mut said) = oneshot::channel();
    super::spawn(async move {
        if let Err(Some(words)) = say.send(work.await) {
            late(words).await;
        }
    });
    if let Ok(told) = tokio::time::timeout(within, &mut said).await {
        return told.ok().flatten();
    }
    // From here on it goes to `late`; what was said in this very moment is still taken.
    said.close();
    said.try_recv().ok().flatten()
}

/// What the one who sent a form is to read in it.
struct Told {
    voice: Voice,
    form: Form,
    user: String,
    words: String,
}

/// A person of the policy who pressed.
struct Asker<'a> {
    ears: &'a Ears,
    policy: &'a Policy,
    voice: &'a Voice,
    person: PersonId,
    lang: Lang,
}

impl Asker<'_> {
    /// With empty words the door refuses in any case: it says who may not at all, and asks for words last.
    async fn pressed(&self, press: &Press, form: &Form, user: &str, trigger: &str, action: &str) -> Option<Told> {
        if let Some(words) = self.outdated(form).await {
            return self.ears.tell(self.voice, press, form, user, &words).await;
        }
        let envelope = self.envelope(form, String::new(), &["press", &keyed(action), &keyed(user)]);
        let refusal = match self.ears.door.rehearse(envelope.clone()).await {
            Ok(Answer::Refused { refusal: Refusal::TextMissing { .. }, .. }) => None,
            Ok(Answer::Refused { refusal, .. }) => Some(refusal),
            Ok(Answer::Done(_) | Answer::Already(_)) => None,
            Err(fault) => {
                tracing::warn!(%fault, "a press could not be taken");
                return self.ears.tell(self.voice, press, form, user, chat::not_now(self.lang)).await;
            }
        };
        let Some(refusal) = refusal else {
            if let Err(error) = self.voice.open_form(self.lang, trigger, form).await {
                tracing::warn!(error, "the form could not be opened");
                return self.ears.tell(self.voice, press, form, user, chat::not_now(self.lang)).await;
            }
            return None;
        };
        // Once more for the record: who tried, and which rule said no.
        if let Err(fault) = self.ears.door.submit(envelope).await {
            tracing::warn!(%fault, "a refused press is not recorded");
        }
        self.ears.tell(self.voice, press, form, user, &self.words(&refusal)).await
    }

    async fn sent(&self, press: &Press, form: &Form, user: &str, view: &str, words: &str) -> Option<Told> {
        if let Some(words) = self.outdated(form).await {
            return self.ears.tell(self.voice, press, form, user, &words).await;
        }
        // The same form sent twice is one command; after a refusal it is sent with other words, and that is another one.
        let digest = hikeshi_domain::ids::Digest::of(words.as_bytes()).to_string();
        let envelope = self.envelope(form, words.to_owned(), &["form", &keyed(view), digest.get(..16).unwrap_or_default()]);
        match self.ears.door.submit(envelope).await {
            Ok(Answer::Done(_) | Answer::Already(_)) => None,
            Ok(Answer::Refused { refusal, .. }) => self.ears.tell(self.voice, press, form, user, &self.words(&refusal)).await,
            Err(fault) => {
                tracing::warn!(%fault, "a form could not be taken");
                self.ears.tell(self.voice, press, form, user, chat::not_now(self.lang)).await
            }
        }
    }

    /// A button of an earlier plan asks for nothing.
    async fn outdated(&self, form: &Form) -> Option<String> {
        let actor = Actor::person(self.person.clone());
        match self.ears.door.look(&actor).emergency(form.emergency).await {
            Ok(view) if view.emergency.digest == form.digest => None,
            Ok(_) => Some(chat::outdated(self.lang, form.emergency)),
            Err(error) => {
                tracing::warn!(%error, "the exception of a button cannot be looked at");
                Some(chat::not_now(self.lang).to_owned())
            }
        }
    }

    fn envelope(&self, form: &Form, words: String, key: &[&str]) -> Envelope {
        let command = match form.deed {
            Deed::Approve => emergency::Command::Approve { emergency: form.emergency, digest: form.digest, judgement: words },
            Deed::Decline => emergency::Command::Decline { emergency: form.emergency, reason: words },
        };
        Envelope {
            key: RequestKey::of(&[["chat"].as_slice(), key].concat()),
            actor: Actor::person(self.person.clone()),
            via: Via::Chat,
            command: Command::Emergency(command),
        }
    }

    fn words(&self, refusal: &Refusal) -> String {
        chat::refused(refusal.rule(), &hikeshi_text::refusal(self.lang, refusal, &Names::of(self.policy)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_in_time_is_given_and_a_late_one_is_told_in_the_other_way() {
        let (tell, told) = oneshot::channel();
        let quick = in_time(Duration::from_secs(60), async { Some("quick") }, async move |_: &str| ());
        assert_eq!(quick.await, Some("quick"));
        let (go, gone) = oneshot::channel::<()>();
        let slow = async move {
            gone.await.ok()?;
            Some("late")
        };
        let answer = in_time(Duration::from_millis(10), slow, async move |words: &'static str| tell.send(words).expect("somebody listens"));
        assert_eq!(answer.await, None, "Slack is answered that it arrived");
        go.send(()).expect("it still goes on");
        assert_eq!(told.await, Ok("late"));
    }
}
