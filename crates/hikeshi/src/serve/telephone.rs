//! What Twilio asks and tells: what a call is to say, which key was pressed, what became of a message, and what somebody answered to one.
//!
//! A key and an answer are commands of the person whose telephone it is; whether they may is decided at the door, as for anybody. What became
//! of an attempt is handed in as the runner's word. Not here: how Twilio signs and speaks (`hikeshi_outside::twilio`).

use std::ffi::OsString;

use hikeshi_domain::command::{Command, Envelope};
use hikeshi_domain::contact::{self, Contact};
use hikeshi_domain::effect::EffectKey;
use hikeshi_domain::ids::{IncidentId, PersonId, RequestKey};
use hikeshi_domain::incident::{self, Incident};
use hikeshi_domain::page::{self, Means, Reported, decide as attempts};
use hikeshi_domain::people::{Actor, Via};
use hikeshi_domain::policy::{Policy, Twilio};
use hikeshi_domain::refusal::Refusal;
use hikeshi_engine::door::{Answer, Fault};
use hikeshi_outside::twilio::callback::{self, field};
use hikeshi_outside::twilio::{OTHERS, attempt_of, reference, signature, twiml};
use hikeshi_text::telephone::{self, Spoken};
use hikeshi_text::{Lang, Names};
use hikeshi_web::{Inbound, Received};

use super::inbound::{Ears, keyed};

/// A form of Twilio's has some thirty short fields.
const FORM_BYTES_MAX: usize = 64 * 1024;
/// Open incidents among which the latest page of a person is looked for.
const OPEN_MAX: u32 = 100;

/// A page that a request is about.
struct Called {
    key: EffectKey,
    person: PersonId,
    lang: Lang,
    about: Why,
    /// How many more incidents the call is about, as its order said.
    others: usize,
}

/// Why somebody was called.
enum Why {
    Incident(Box<Incident>),
    /// Whether it arrives; as long as nobody has said so.
    Test {
        means: Means,
        number: u32,
        waits: bool,
    },
}

/// What became of a try to take an incident.
enum Taken {
    Yes,
    No(String),
    NotNow,
}

impl Ears {
    /// `twilio/voice/<attempt>`, `twilio/gather/<attempt>`, `twilio/status/<attempt>`, and `twilio/sms`.
    pub(super) async fn of_twilio(&self, policy: &Policy, inbound: &Inbound) -> Received {
        let Some(twilio) = policy.paging.as_ref().and_then(|paging| paging.twilio.as_ref()) else { return Received::empty(404) };
        if inbound.body.len() > FORM_BYTES_MAX {
            return Received::empty(413);
        }
        let token = self.token(twilio);
        let fields: Vec<(String, String)> = url::form_urlencoded::parse(&inbound.body).into_owned().collect();
        let url = format!("{}{}", twilio.public_url.trim_end_matches('/'), inbound.uri);
        if !signature::holds(&token, &url, &fields, inbound.header("x-twilio-signature")) {
            return Received::empty(403);
        }
        let (what, name) = inbound.to.strip_prefix("twilio/").and_then(|rest| rest.split_once('/')).unwrap_or((inbound.to.as_str(), ""));
        if what == "twilio/sms" {
            return xml(self.answered_by_sms(policy, &fields).await);
        }
        let Some(key) = attempt_of(&token, name) else { return Received::empty(404) };
        if what == "status" {
            return self.status(key, &fields).await;
        }
        // The address is signed as a whole, so its query says what we wrote into it.
        let asked = inbound.uri.split_once('?').map_or("", |(_, query)| query);
        let others = url::form_urlencoded::parse(asked.as_bytes()).find(|(name, _)| name == OTHERS);
        let others = others.and_then(|(_, count)| count.parse::<usize>().ok()).unwrap_or(0);
        let called = match self.called(policy, key).await {
            Ok(Some(called)) => Called { others, ..called },
            Ok(None) => return Received::empty(404),
            Err(lang) => return xml(twiml::last_words(lang, &[telephone::not_now(lang)])),
        };
        let more = if others > 0 { format!("?{OTHERS}={others}") } else { String::new() };
        let action = format!("{}/inbound/twilio/gather/{}{more}", twilio.public_url.trim_end_matches('/'), reference(&token, &called.key));
        match what {
            "voice" => xml(call(policy, &called, &action, "")),
            "gather" => xml(self.pressed(policy, &called, &action, &fields).await),
            _ => Received::empty(404),
        }
    }

    /// Empty when the server has none, which accepts nothing.
    fn token(&self, twilio: &Twilio) -> String {
        let token = self.env.get(&OsString::from(&twilio.auth_token_env)).and_then(|value| value.to_str()).unwrap_or_default().trim();
        if token.is_empty() {
            tracing::warn!(variable = twilio.auth_token_env, "the token of the telephone account is not set, so nothing of it is taken");
        }
        token.to_owned()
    }

    /// The page of an attempt; `Ok(None)`: there is none. When it cannot be looked at, the language in which to say so.
    async fn called(&self, policy: &Policy, key: EffectKey) -> Result<Option<Called>, Lang> {
        if let Some((person, means, number)) = contact::test_of(&key) {
            let waits = self.tested(&person, means).await.is_some_and(|known| known.number == number && known.waits());
            let lang = language(policy, &person);
            return Ok(Some(Called { key, person, lang, about: Why::Test { means, number, waits }, others: 0 }));
        }
        let Some(id) = attempts::incident_of(&key) else { return Ok(None) };
        let Some(incident) = self.incident(policy, id).await? else { return Ok(None) };
        let Some(person) = attempts::found(&incident, &key).map(|(page, _)| page.person.clone()) else { return Ok(None) };
        // What has become part of another one is taken by taking that one.
        let goes_on = match &incident.merged {
            Some(merged) => self.incident(policy, merged.into).await?,
            None => Some(incident),
        };
        let Some(incident) = goes_on else { return Ok(None) };
        let lang = language(policy, &person);
        Ok(Some(Called { key, person, lang, about: Why::Incident(Box::new(incident)), others: 0 }))
    }

    pub(super) async fn incident(&self, policy: &Policy, id: IncidentId) -> Result<Option<Incident>, Lang> {
        match self.door.look(&Actor::Startup).incident(id).await {
            Ok(view) => Ok(Some(view.incident)),
            Err(hikeshi_engine::look::LookError::NotFound { .. }) => Ok(None),
            Err(error) => {
                tracing::warn!(%error, "the incident of a call cannot be looked at");
                Err(Lang::from(policy.workspace.language))
            }
        }
    }

    /// The last test of one means.
    async fn tested(&self, person: &PersonId, means: Means) -> Option<Contact> {
        let actor = Actor::Startup;
        let look = self.door.look(&actor);
        let view = look.contacts().await.map_err(|error| tracing::warn!(%error, "contacts cannot be looked at")).ok()?;
        let known = view.people.into_iter().find(|known| known.person == *person)?;
        known.ways.into_iter().find(|way| way.means == means)?.contact
    }

    /// 1 takes it, 2 says it again; any other key does nothing, and says so.
    async fn pressed(&self, policy: &Policy, called: &Called, action: &str, fields: &[(String, String)]) -> String {
        let lang = called.lang;
        match field(fields, "Digits") {
            "1" => {}
            "2" => return call(policy, called, action, ""),
            _ => return call(policy, called, action, telephone::other_key(lang)),
        }
        match self.take(policy, called, &keyed(field(fields, "CallSid"))).await {
            Taken::Yes => twiml::last_words(lang, &[&thanks(called)]),
            Taken::No(words) => twiml::last_words(lang, &[&words]),
            Taken::NotNow => twiml::last_words(lang, &[telephone::not_now(lang)]),
        }
    }

    /// As the person whose telephone it is. The same key pressed twice is one command, unless it has come to mean another incident in between.
    async fn take(&self, policy: &Policy, called: &Called, sid: &str) -> Taken {
        let (command, of) = match &called.about {
            Why::Incident(incident) => {
                (Command::Incident(incident::Command::Acknowledge { incident: incident.id }), incident.id.to_string())
            }
            Why::Test { means, number, .. } => {
                (Command::Contact(contact::Command::Confirm { means: *means, number: Some(*number) }), "test".to_owned())
            }
        };
        let envelope = Envelope {
            key: RequestKey::of(&["phone", sid, &shortened(&called.key), &of]),
            actor: Actor::person(called.person.clone()),
            via: Via::Phone,
            command,
        };
        match self.door.submit(envelope).await {
            Ok(Answer::Done(_) | Answer::Already(_)) => {}
            Ok(Answer::Refused { refusal: Refusal::AlreadyAcknowledged { by, .. }, .. }) if by == called.person => {}
            Ok(Answer::Refused { refusal: Refusal::AlreadyAcknowledged { incident, by }, .. }) => {
                return Taken::No(telephone::taken_by(called.lang, incident, policy.name_of(&by)));
            }
            // Merged since it was looked at: the next try is about the one that goes on.
            Ok(Answer::Refused { refusal: Refusal::IncidentMerged { .. }, .. }) => return Taken::NotNow,
            Ok(Answer::Refused { refusal, .. }) => {
                let words = hikeshi_text::refusal(called.lang, &refusal, &Names::of(policy));
                return Taken::No(telephone::refused(called.lang, &words.to_string()));
            }
            Err(fault) => {
                tracing::warn!(%fault, "a key that was pressed could not be taken");
                return Taken::NotNow;
            }
        }
        if matches!(called.about, Why::Incident(_))
            && let Err(fault) = self.report(called.key.clone(), Reported::Acknowledged).await
        {
            // The incident is theirs all the same; only the line of the attempt is missing.
            tracing::warn!(%fault, "that a page was answered is not recorded beside it");
        }
        Taken::Yes
    }

    async fn status(&self, key: EffectKey, fields: &[(String, String)]) -> Received {
        let Some(reported) = callback::reported(fields) else { return Received::empty(204) };
        match self.report(key, reported).await {
            Ok(()) => Received::empty(204),
            Err(fault) => {
                tracing::warn!(%fault, "what became of a page is not recorded");
                Received::empty(503)
            }
        }
    }

    /// What was known already, or is about nothing that we know, changes nothing.
    pub(super) async fn report(&self, effect: EffectKey, reported: Reported) -> Result<(), Fault> {
        let what = match &reported {
            Reported::Delivered => "delivered",
            Reported::Undelivered { .. } => "undelivered",
            Reported::Silent { .. } => "silent",
            Reported::Acknowledged => "acknowledged",
        };
        let envelope = Envelope {
            key: RequestKey::of(&["inside", "report", &shortened(&effect), what]),
            actor: Actor::Runner,
            via: Via::Inside,
            command: Command::Page(page::Command::Report { effect: effect.clone(), reported }),
        };
        self.door.submit(envelope).await?;
        self.door.share_report(&effect).await;
        Ok(())
    }

    /// The latest message that called its sender, answered. Numbers that nobody has are not answered: each answer costs money.
    async fn answered_by_sms(&self, policy: &Policy, fields: &[(String, String)]) -> String {
        let from = field(fields, "From");
        let person = policy.people.iter().find(|(_, person)| !from.is_empty() && person.phone.as_deref() == Some(from));
        let Some((person, _)) = person else { return twiml::nothing() };
        // STOP, START and HELP are answered by Twilio itself.
        if !field(fields, "OptOutType").is_empty() {
            return twiml::nothing();
        }
        let lang = language(policy, person);
        if !telephone::takes(field(fields, "Body")) {
            return twiml::message(telephone::sms_help(lang));
        }
        let called = match self.latest(person, lang).await {
            Ok(Some(called)) => called,
            Ok(None) => return twiml::message(telephone::sms_nothing(lang)),
            Err(()) => return twiml::message(telephone::not_now(lang)),
        };
        match self.take(policy, &called, &keyed(field(fields, "MessageSid"))).await {
            Taken::Yes => match &called.about {
                Why::Incident(incident) => {
                    let url = format!("{}/incidents/{}", self.public_url.trim_end_matches('/'), incident.id);
                    twiml::message(&telephone::sms_taken(lang, incident.id, &url))
                }
                Why::Test { .. } => twiml::message(telephone::confirmed(lang)),
            },
            Taken::No(words) => twiml::message(&words),
            Taken::NotNow => twiml::message(telephone::not_now(lang)),
        }
    }

    /// The last message that went to this person, among incidents that nobody has.
    async fn latest(&self, person: &PersonId, lang: Lang) -> Result<Option<Called>, ()> {
        let actor = Actor::Startup;
        let look = self.door.look(&actor);
        let rows = look.incidents(true, None, OPEN_MAX).await.map_err(|error| tracing::warn!(%error, "incidents cannot be looked at"))?;
        let waiting: Vec<IncidentId> =
            rows.rows.iter().filter(|row| row.acknowledged_by.is_none() && row.resolved_at.is_none()).map(|row| row.id).collect();
        let mut latest = None;
        for id in waiting {
            let Ok(view) = look.incident(id).await else { continue };
            // Whoever was called for what has become part of it takes it, too.
            let mut called_for = messages(&view.incident, person);
            for part in &view.incident.absorbed {
                called_for.extend(look.incident(*part).await.iter().flat_map(|part| messages(&part.incident, person)));
            }
            for (sent, key) in called_for {
                if latest.as_ref().is_none_or(|(before, _, _)| sent > *before) {
                    latest = Some((sent, key, view.incident.clone()));
                }
            }
        }
        // A test that waits to be confirmed is answered like a page, but what burns comes first, whichever was sent last.
        if latest.is_none()
            && let Some(test) = self.tested(person, Means::Sms).await.filter(Contact::waits)
        {
            let key = contact::key_of(person, Means::Sms, test.number);
            return Ok(Some(Called {
                key,
                person: person.clone(),
                lang,
                about: Why::Test { means: Means::Sms, number: test.number, waits: true },
                others: 0,
            }));
        }
        let called = |(_, key, incident)| Called { key, person: person.clone(), lang, about: Why::Incident(Box::new(incident)), others: 0 };
        Ok(latest.map(called))
    }
}

/// What the call says: first `before`, then why it calls, or that nobody is needed any more.
fn call(policy: &Policy, called: &Called, action: &str, before: &str) -> String {
    let Called { lang, person, about, .. } = called;
    let merged = merged(called);
    if let Some(words) = no_longer(policy, called) {
        let words: Vec<&str> = merged.as_deref().into_iter().chain([words.as_str()]).collect();
        return twiml::last_words(*lang, &words);
    }
    let lines = match about {
        Why::Incident(incident) => {
            let others = called.others;
            let mut lines = speech_of(policy, incident, person, *lang);
            lines.extend((others > 0).then(|| telephone::others_wait(*lang, others)));
            lines
        }
        Why::Test { .. } => telephone::speech_of_test(*lang, &policy.workspace.name, policy.name_of(person)),
    };
    let before = (!before.is_empty()).then(|| before.to_owned());
    let lines: Vec<String> = before.into_iter().chain(merged).chain(lines).collect();
    match about {
        Why::Incident(_) => twiml::ask(*lang, &lines, telephone::keys(*lang), telephone::no_key(*lang), action),
        Why::Test { .. } => twiml::ask(*lang, &lines, telephone::keys_of_test(*lang), telephone::no_key_of_test(*lang), action),
    }
}

/// The incident for which somebody was called goes on under another number.
fn merged(called: &Called) -> Option<String> {
    let (Why::Incident(incident), Some(from)) = (&called.about, attempts::incident_of(&called.key)) else { return None };
    (from != incident.id).then(|| telephone::merged(called.lang, from, incident.id))
}

/// What is said when it was taken.
fn thanks(called: &Called) -> String {
    match &called.about {
        Why::Incident(incident) => telephone::taken(called.lang, incident.id),
        Why::Test { .. } => telephone::confirmed(called.lang).to_owned(),
    }
}

fn speech_of(policy: &Policy, incident: &Incident, person: &PersonId, lang: Lang) -> Vec<String> {
    let names = Names::of(policy);
    let spoken = Spoken {
        workspace: &policy.workspace.name,
        name: policy.name_of(person),
        incident: incident.id,
        title: &incident.title,
        service: names.service(&incident.service),
        environment: names.environment(&incident.environment),
        priority: incident.priority,
        scheme: policy.incident.scheme,
    };
    telephone::speech(lang, &spoken)
}

/// Attempts by message: whether the message was about it first of all, and when it began.
fn messages(incident: &Incident, person: &PersonId) -> Vec<((bool, hikeshi_domain::Timestamp), EffectKey)> {
    let pages = incident.pages.iter().filter(|page| page.person == *person);
    let of = |page: &page::Page| {
        let (step, person) = (page.step, page.person.clone());
        let key = move |attempt: &page::Attempt| {
            let key = EffectKey(format!("page/{}/{step}/{person}/{}/{}", incident.id, attempt.means.code(), attempt.number));
            ((attempt.bundle().first().is_none_or(|first| *first == key), attempt.queued_at), key)
        };
        page.attempts.iter().filter(|attempt| attempt.means == Means::Sms).map(key).collect::<Vec<_>>()
    };
    pages.flat_map(of).collect()
}

fn language(policy: &Policy, person: &PersonId) -> Lang {
    policy.person(person).and_then(|person| person.language).unwrap_or(policy.workspace.language).into()
}

/// What is said instead when nobody has to take it any more.
fn no_longer(policy: &Policy, called: &Called) -> Option<String> {
    let lang = called.lang;
    let incident = match &called.about {
        Why::Incident(incident) => incident,
        Why::Test { waits, .. } => return (!waits).then(|| telephone::confirmed(lang).to_owned()),
    };
    if incident.resolved.is_some() {
        return Some(telephone::over(lang, incident.id));
    }
    let acknowledged = incident.acknowledged.as_ref()?;
    let mine = acknowledged.by == called.person;
    Some(if mine { telephone::taken(lang, incident.id) } else { telephone::taken_by(lang, incident.id, policy.name_of(&acknowledged.by)) })
}

/// A piece of a request key: the whole name may be longer than one may be.
pub(super) fn shortened(key: &EffectKey) -> String {
    hikeshi_domain::ids::Digest::of(key.0.as_bytes()).to_string().chars().take(32).collect()
}

fn xml(body: String) -> Received {
    Received { status: 200, kind: twiml::KIND, body }
}
