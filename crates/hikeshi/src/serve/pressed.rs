//! A button of a page that went to somebody as a direct message in Slack: it takes the incident, or says that a test has arrived, as a command
//! of the person whose Slack user pressed. Whether they may is decided at the door; the message itself is shown anew by the chat's own orders.

use hikeshi_domain::command::{Command, Envelope};
use hikeshi_domain::ids::{IncidentId, PersonId, RequestKey};
use hikeshi_domain::page::{Means, Reported, decide as attempts};
use hikeshi_domain::people::{Actor, Via};
use hikeshi_domain::policy::Policy;
use hikeshi_domain::refusal::Refusal;
use hikeshi_domain::{contact, incident};
use hikeshi_engine::door::Answer;
use hikeshi_outside::slack::Voice;
use hikeshi_outside::slack::press::{PageDeed, PagePress};
use hikeshi_text::{Lang, Names, chat};

use super::inbound::{Ears, keyed};
use super::telephone::shortened;

impl Ears {
    /// `None` in any case: what there is to say is said in the message's channel.
    pub(super) async fn page_pressed(&self, press: &PagePress) -> Option<()> {
        let policy = self.policy().await?;
        let voice = self.voice(policy.slack.as_ref()?);
        let words = match policy.person_of_chat(&press.user) {
            Some(person) => self.page_answered(&policy, person, press).await,
            None => {
                tracing::warn!(user = press.user, "somebody who is not in the policy pressed a button of a page");
                Some(chat::stranger(Lang::from(policy.workspace.language), &press.user))
            }
        };
        self.say_beside(&voice, press, &words?).await;
        None
    }

    /// The words for whoever pressed; `None`: the message itself will say it.
    async fn page_answered(&self, policy: &Policy, person: &PersonId, press: &PagePress) -> Option<String> {
        let lang = Lang::from(policy.person(person).and_then(|person| person.language).unwrap_or(policy.workspace.language));
        let taken = self.page_takes(policy, press).await;
        let command = match (press.deed, taken, contact::test_of(&press.key)) {
            (PageDeed::Take, Some(id), _) => Command::Incident(incident::Command::Acknowledge { incident: id }),
            // A test is about its owner's own way: nobody else can say that it arrived.
            (PageDeed::Arrived, _, Some((owner, Means::Slack, number))) if owner == *person => {
                Command::Contact(contact::Command::Confirm { means: Means::Slack, number: Some(number) })
            }
            _ => return Some(chat::not_now(lang).to_owned()),
        };
        let envelope = Envelope {
            key: RequestKey::of(&[
                "chat",
                "page",
                &keyed(&press.action),
                &shortened(&press.key),
                &taken.map_or_else(String::new, |id| id.to_string()),
            ]),
            actor: Actor::person(person.clone()),
            via: Via::Chat,
            command,
        };
        match self.door.submit(envelope).await {
            Ok(Answer::Done(_) | Answer::Already(_)) => {}
            Ok(Answer::Refused { refusal: Refusal::AlreadyAcknowledged { incident, by }, .. }) if by == *person => {
                self.heard(policy, person, press).await;
                return Some(chat::yours(lang, incident));
            }
            Ok(Answer::Refused { refusal: Refusal::AlreadyAcknowledged { incident, by }, .. }) => {
                return Some(chat::taken_by(lang, incident, policy.name_of(&by)));
            }
            Ok(Answer::Refused { refusal, .. }) => {
                return Some(chat::refused(refusal.rule(), &hikeshi_text::refusal(lang, &refusal, &Names::of(policy))));
            }
            Err(fault) => {
                tracing::warn!(%fault, "a button of a page could not be taken");
                return Some(chat::not_now(lang).to_owned());
            }
        }
        self.heard(policy, person, press).await;
        None
    }

    /// The incident of the page, or the one that it has become part of. The same press may come to mean another one in between.
    async fn page_takes(&self, policy: &Policy, press: &PagePress) -> Option<IncidentId> {
        let incident = self.incident(policy, attempts::incident_of(&press.key)?).await.ok()??;
        Some(incident.merged.map_or(incident.id, |merged| merged.into))
    }

    /// Beside its attempt: that it was answered there. Only of the page that called this person.
    async fn heard(&self, policy: &Policy, person: &PersonId, press: &PagePress) {
        let of_person = press.key.0.split('/').nth(3) == Some(person.as_str());
        if press.deed != PageDeed::Take || !of_person || policy.paging.is_none() {
            return;
        }
        if let Err(fault) = self.report(press.key.clone(), Reported::Acknowledged).await {
            tracing::warn!(%fault, "that a page was answered is not recorded beside it");
        }
    }

    async fn say_beside(&self, voice: &Voice, press: &PagePress, words: &str) {
        if let Err(error) = voice.answer_page(press, words).await {
            tracing::warn!(error, "whoever pressed a button of a page could not be answered");
        }
    }
}
