//! Who is called now, by what, and what follows when it fails: the next means at once, later the same again, and the next step when nobody
//! of this one can be reached.

use jiff::{SignedDuration, Timestamp};

use super::bundle::{Haste, Window};
use super::{About, Address, Attempt, AttemptEnd, HowEnded, Means, Page, PageEvent, PageOrder, Paged, report};
use crate::decide::Decision;
use crate::effect::{Effect, EffectKey, Outcome, Work};
use crate::event::Event;
use crate::facts::Facts;
use crate::ids::{EnvironmentName, IncidentId, PersonId, ServiceName};
use crate::incident::escalation::{self, Calling};
use crate::incident::{Incident, Priority};
use crate::policy::{PagingRule, Policy};
use crate::refusal::Refusal;

/// Attempts by one means; after that something about it is broken, and the other means and steps go on without it.
const ATTEMPTS_MAX: u32 = 5;
/// Between two attempts by the same means that failed: 1, 2, 4, 8 minutes.
const FIRST_WAIT: SignedDuration = SignedDuration::from_mins(1);

/// What a page says of its incident.
pub(crate) struct Subject<'a> {
    pub incident: IncidentId,
    pub title: &'a str,
    pub priority: Priority,
    pub service: &'a ServiceName,
    pub environment: &'a EnvironmentName,
    pub detected_at: Timestamp,
    pub pages: &'a [Page],
}

impl<'a> Subject<'a> {
    pub fn of(state: &'a Incident) -> Self {
        Self {
            incident: state.id,
            title: &state.title,
            priority: state.priority,
            service: &state.service,
            environment: &state.environment,
            detected_at: state.detected_at,
            pages: &state.pages,
        }
    }
}

/// Calls people because of one step. Whoever was called because of it already is not called again.
pub(crate) fn call(decision: &mut Decision, policy: &Policy, subject: &Subject<'_>, step: u32, people: &[PersonId]) {
    if policy.paging.is_none() {
        return;
    }
    for person in people {
        if subject.pages.iter().any(|page| page.step == step && page.person == *person) {
            continue;
        }
        let now = due_by_now(&rules(policy, person), SignedDuration::ZERO);
        let reachable = |means: &Means| address(policy, person, *means).is_some();
        // None of what comes first leads to them: then whatever does.
        let first = now.iter().copied().find(reachable).or_else(|| Means::ALL.into_iter().find(reachable));
        let Some(first) = first else {
            let event = PageEvent { incident: subject.incident, step, person: person.clone(), what: Paged::NoMeans };
            decision.events.push(Event::Page(event));
            continue;
        };
        attempt(decision, policy, subject, (step, person), (first, 1, Haste::None));
    }
}

/// The means of a person, and when each is tried.
fn rules(policy: &Policy, person: &PersonId) -> Vec<PagingRule> {
    let own = policy.person(person).map(|person| person.page_by.clone()).unwrap_or_default();
    if own.is_empty() { policy.paging.as_ref().map(|paging| paging.rules.clone()).unwrap_or_default() } else { own }
}

fn due_by_now(rules: &[PagingRule], passed: SignedDuration) -> Vec<Means> {
    let due = rules.iter().filter(|rule| SignedDuration::from_mins(i64::from(rule.after_min)) <= passed);
    due.flat_map(|rule| rule.by.iter().copied()).collect()
}

pub(crate) fn address(policy: &Policy, id: &PersonId, means: Means) -> Option<Address> {
    let person = policy.person(id)?;
    match means {
        Means::Webhook => Some(Address::Webhook { webhook: person.webhook.clone()? }),
        Means::Mail => {
            let server = policy.paging.as_ref()?.mail.clone()?;
            Some(Address::Mail { to: person.email.clone()?, server: Box::new(server) })
        }
        Means::Sms => {
            let twilio = policy.paging.as_ref()?.twilio.clone()?;
            Some(Address::Sms { to: person.phone.clone()?, from: twilio.sms_from.clone()?, twilio })
        }
        Means::Voice => {
            let twilio = policy.paging.as_ref()?.twilio.clone()?;
            Some(Address::Voice { to: person.phone.clone()?, from: twilio.voice_from.clone()?, twilio })
        }
        Means::Slack => {
            let slack = policy.slack.clone()?;
            Some(Address::Slack { user: policy.chat_user(id)?.to_owned(), slack: Box::new(slack) })
        }
        Means::WebPush => {
            let push = policy.paging.as_ref()?.web_push.clone()?;
            let browsers = policy.browsers.get(id)?.iter().map(|browser| browser.id).collect();
            Some(Address::WebPush { browsers, push, subscription: None })
        }
    }
}

/// By what a person can be reached at all.
pub fn reach(policy: &Policy, person: &PersonId) -> Vec<Means> {
    Means::ALL.into_iter().filter(|means| address(policy, person, *means).is_some()).collect()
}

fn attempt(
    decision: &mut Decision,
    policy: &Policy,
    subject: &Subject<'_>,
    (step, person): (u32, &PersonId),
    (means, number, haste): (Means, u32, Haste),
) {
    let key = EffectKey(format!("page/{}/{step}/{person}/{}/{number}", subject.incident, means.code()));
    let about = About::Incident {
        incident: subject.incident,
        step,
        title: subject.title.to_owned(),
        priority: subject.priority,
        scheme: policy.incident.scheme,
        serious: policy.emergency.serious.contains(&subject.priority),
        service: policy.services.get(subject.service).map_or_else(|| subject.service.to_string(), |service| service.name.clone()),
        environment: policy
            .environments
            .get(subject.environment)
            .map_or_else(|| subject.environment.to_string(), |place| place.name.clone()),
        detected_at: subject.detected_at,
    };
    let Some(mut effect) = ordered(policy, person, (means, number), key.clone(), about) else { return };
    if let Work::Page(order) = &mut effect.work {
        // A message in Slack is changed once somebody has its incident, and a notification opens it: each is about that one alone.
        order.window = if matches!(means, Means::Slack | Means::WebPush) { None } else { Window::of(policy, subject, haste) };
    }
    let what = Paged::Queued { means, number, effect: key };
    decision.events.push(Event::Page(PageEvent { incident: subject.incident, step, person: person.clone(), what }));
    decision.effects.push(effect);
}

/// The order to call somebody by one means; `None`: it does not lead to them.
pub(crate) fn ordered(policy: &Policy, person: &PersonId, (means, number): (Means, u32), key: EffectKey, about: About) -> Option<Effect> {
    let order = PageOrder {
        about,
        person: person.clone(),
        name: policy.name_of(person).to_owned(),
        number,
        address: address(policy, person, means)?,
        timeout_s: policy.paging.as_ref()?.timeout_s,
        language: policy.person(person).and_then(|person| person.language).unwrap_or(policy.workspace.language),
        time_zone: policy.workspace.time_zone.clone(),
        // What has failed may have arrived all the same: an answer that did not come says nothing.
        repeated: number > 1,
        window: None,
        bundle: Vec::new(),
    };
    Some(Effect { key, work: Work::Page(Box::new(order)) })
}

/// The incident that an attempt is about, by its key.
pub fn incident_of(key: &EffectKey) -> Option<IncidentId> {
    key.0.strip_prefix("page/")?.split('/').next()?.parse().ok()
}

/// An attempt has ended. When it failed, the next means is tried at once.
pub(crate) fn ended(facts: &Facts, key: &EffectKey, outcome: &Outcome, now: Timestamp) -> Result<Decision, Refusal> {
    let policy = facts.policy().ok_or(Refusal::Stale)?;
    let state = incident_of(key).and_then(|id| facts.incident(id)).ok_or(Refusal::Stale)?;
    let (page, attempt) = found(state, key).filter(|(_, attempt)| attempt.end.is_none()).ok_or(Refusal::Stale)?;
    let (means, number) = (attempt.means, attempt.number);
    let how = HowEnded::of(outcome).ok_or(Refusal::Stale)?;
    // What was reported meanwhile says more than an answer that did not come back.
    let failed = matches!(how, HowEnded::Failed { .. }) && attempt.report.is_none();
    let event = PageEvent { incident: state.id, step: page.step, person: page.person.clone(), what: Paged::Ended { means, number, how } };
    let mut decision = Decision::of(state.id, vec![Event::Page(event)]);
    if failed {
        fall_over(&mut decision, facts.calling(policy, now), state, page, attempt);
    }
    Ok(decision)
}

/// This attempt did not reach its person: the next means is tried at once, and the next step when there is none and nobody else was reached.
pub(super) fn fall_over(decision: &mut Decision, calling: Calling<'_>, state: &Incident, page: &Page, failed: &Attempt) {
    let policy = calling.policy;
    if policy.paging.is_none() || !escalation::is_unanswered(state) || !escalation::is_open(state, page) {
        return;
    }
    let (step, person) = (page.step, &page.person);
    let untried = |means: &Means| page.tried(*means) == 0 && address(policy, person, *means).is_some();
    let rules = rules(policy, person);
    let order: Vec<Means> = rules.iter().flat_map(|rule| rule.by.iter().copied()).chain(Means::ALL).collect();
    if let Some(next) = order.into_iter().find(untried) {
        attempt(decision, policy, &Subject::of(state), (step, person), (next, 1, Haste::AtOnce));
        return;
    }
    let mut others = state.pages.iter().filter(|other| other.step == step && other.person != *person);
    let mut rest = page.attempts.iter().filter(|attempt| *attempt != failed);
    let alone = others.all(Page::is_unreached) && !rest.any(|attempt| attempt.is_sent() || attempt.is_under_way());
    if alone && step == state.escalated_steps {
        // Waiting out the minutes of a step that reached nobody would only lose them.
        escalation::unreachable(decision, calling, state);
    }
}

/// The attempt of this key, and the page that it belongs to; `None` when it is another incident's.
pub fn found<'a>(state: &'a Incident, key: &EffectKey) -> Option<(&'a Page, &'a Attempt)> {
    incident_of(key).filter(|id| *id == state.id)?;
    let mut parts = key.0.split('/').skip(2);
    let (step, person, means, number) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let page = state.pages.iter().find(|page| page.step.to_string() == step && page.person.as_str() == person)?;
    let attempt = page.attempts.iter().find(|attempt| attempt.means.code() == means && attempt.number.to_string() == number)?;
    parts.next().is_none().then_some((page, attempt))
}

/// The next attempt of a page that is not an answer to a failure: a later rule, or the same means again after a while.
struct Next {
    due_at: Timestamp,
    means: Means,
    number: u32,
}

fn next_of(policy: &Policy, page: &Page) -> Option<Next> {
    let after = |at: Timestamp, wait: SignedDuration| at.checked_add(wait).unwrap_or(Timestamp::MAX);
    let reachable = |means: &Means| address(policy, &page.person, *means).is_some();
    let later = rules(policy, &page.person)
        .into_iter()
        .flat_map(|rule| rule.by.into_iter().map(move |means| (rule.after_min, means)))
        // What is due at once is the answer to a failure, and not to time.
        .filter(|(after_min, means)| *after_min > 0 && page.tried(*means) == 0 && reachable(means))
        .map(|(after_min, means)| Next { due_at: after(page.began_at, SignedDuration::from_mins(i64::from(after_min))), means, number: 1 });
    let again = Means::ALL.into_iter().filter(|_| page.is_unreached()).filter(reachable).filter_map(|means| {
        let last = page.attempts.iter().rev().find(|attempt| attempt.means == means)?;
        if let Some(AttemptEnd { how: HowEnded::Failed { permanent: true, .. }, .. }) = last.end {
            return None;
        }
        let ended_at = last.report.as_ref().map(|report| report.at).max(last.end.as_ref().map(|end| end.at))?;
        let wait = FIRST_WAIT.checked_mul(1 << (last.number.clamp(1, 5) - 1)).unwrap_or(FIRST_WAIT);
        (last.number < ATTEMPTS_MAX).then(|| Next { due_at: after(ended_at, wait), means, number: last.number + 1 })
    });
    later.chain(again).min_by_key(|next| next.due_at)
}

/// Those that go on. Of several of one person the last one: a later step calls them anew, and one call is enough.
fn open_pages(state: &Incident) -> impl Iterator<Item = &Page> {
    let later = |page: &Page| state.pages.iter().any(|other| other.person == page.person && other.step > page.step);
    state.pages.iter().filter(move |page| escalation::is_open(state, page) && !later(page))
}

/// When somebody is called again, while nobody has it.
pub(crate) fn due_at(state: &Incident, policy: &Policy) -> Option<Timestamp> {
    policy.paging.as_ref().filter(|_| escalation::is_unanswered(state))?;
    let pages = || open_pages(state);
    let next = pages().filter_map(|page| next_of(policy, page)).map(|next| next.due_at);
    next.chain(pages().filter_map(|page| report::silence(policy, page)).map(|(due_at, _)| due_at)).min()
}

/// Everything that is due by now.
pub(crate) fn again(facts: &Facts, id: IncidentId, now: Timestamp) -> Result<Decision, Refusal> {
    let policy = facts.policy().ok_or(Refusal::Stale)?;
    let state = facts.incident(id).filter(|state| escalation::is_unanswered(state)).ok_or(Refusal::Stale)?;
    let mut decision = Decision::of(id, Vec::new());
    for page in open_pages(state) {
        if let Some((_, attempt)) = report::silence(policy, page).filter(|(due_at, _)| *due_at <= now) {
            report::fell_silent(&mut decision, facts.calling(policy, now), state, page, attempt);
            // Everything else that is due is looked at again, with that attempt out of the way.
            return Ok(decision);
        }
        if let Some(next) = next_of(policy, page).filter(|next| next.due_at <= now) {
            let haste = if next.number > 1 { Haste::AtOnce } else { Haste::None };
            attempt(&mut decision, policy, &Subject::of(state), (page.step, &page.person), (next.means, next.number, haste));
        }
    }
    if decision.events.is_empty() { Err(Refusal::Stale) } else { Ok(decision) }
}
