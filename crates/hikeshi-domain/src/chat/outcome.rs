//! What became of an order: it was said, or it could not be said. The latter is announced in the workspace's own channel, where it is seen.

use crate::channel::{Body, Notice, Post};
use crate::decide::Decision;
use crate::effect::{EffectKey, Outcome};
use crate::event::Event;
use crate::facts::Facts;
use crate::refusal::Refusal;

use super::{ChatTrouble, PAGE_PART, Place};

pub fn ended(facts: &Facts, effect: &EffectKey, outcome: &Outcome) -> Result<Decision, Refusal> {
    let policy = facts.policy().ok_or(Refusal::Stale)?;
    let effect = effect.clone();
    match outcome {
        Outcome::Said { place, message } => {
            let event = Event::PostDelivered { effect, place: place.clone(), message: message.clone() };
            Ok(Decision { events: vec![event], case: place.incident, ..Decision::default() })
        }
        Outcome::Unsaid { place, trouble } => Ok(unsaid(effect, place.clone(), trouble.clone())),
        Outcome::Failed { detail } => {
            let place = Place { channel: policy.channels.emergency.clone(), incident: None, emergency: None };
            Ok(unsaid(effect, place, ChatTrouble { code: detail.clone(), channel: policy.channels.emergency.to_string() }))
        }
        Outcome::BackupTaken { .. }
        | Outcome::FilesSeen { .. }
        | Outcome::StepEnded { .. }
        | Outcome::ChecksEnded { .. }
        | Outcome::Restored { .. }
        | Outcome::Reverted { .. }
        | Outcome::Redacted { .. }
        | Outcome::ChangeRequestOpened { .. }
        | Outcome::Compared { .. }
        | Outcome::ReportWritten { .. }
        | Outcome::InvitationWritten { .. }
        | Outcome::Paged { .. }
        | Outcome::Told { .. }
        | Outcome::PageRefused { .. }
        | Outcome::Unsubscribed { .. }
        | Outcome::Postponed { .. } => Err(Refusal::Stale),
    }
}

fn unsaid(effect: EffectKey, place: Place, trouble: ChatTrouble) -> Decision {
    let case = place.incident;
    // A card or a page that could not be shown anew leaves an older one standing; the thread and the page of the case have the news.
    let part = effect.0.rsplit('/').next().and_then(|part| part.parse::<u32>().ok());
    let told = part.is_none_or(|part| part < PAGE_PART);
    let post = Post {
        channel: place.channel.clone(),
        body: Body::Notice { notice: Notice::ChatUndelivered { trouble: trouble.clone() } },
        roles: Vec::new(),
        people: Vec::new(),
        incident: place.incident,
        emergency: place.emergency,
    };
    let mut events = vec![Event::PostUndelivered { effect, place, trouble }];
    events.extend(told.then_some(Event::Posted { post }));
    Decision { events, case, ..Decision::default() }
}
