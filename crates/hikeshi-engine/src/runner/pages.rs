//! Pages that are sent as one message, and pages that need not be sent any more.
//!
//! Each page of a message has its own claim, its own key and its own outcome: a crash loses none of them, and none of them ends twice.

use std::collections::BTreeMap;

use hikeshi_domain::Timestamp;
use hikeshi_domain::command::{Command, Envelope};
use hikeshi_domain::effect::{Effect, EffectKey, Outcome, Performed, Work};
use hikeshi_domain::facts::{Facts, Needs};
use hikeshi_domain::ids::{IncidentId, PersonId};
use hikeshi_domain::incident::Incident;
use hikeshi_domain::page::{self, About, Bundled, PageOrder, Reported, Stands, decide as attempts};
use hikeshi_domain::people::{Actor, Via};
use hikeshi_store::{Bundle, Claim};
use tokio::task::JoinSet;

use super::{Runner, Verdict, repeated};
use crate::door::{Door, Fault, inside_key};
use crate::figures::count;

/// Why a page was not sent.
const MERGED: &str = "the incident has been merged into another one";
const OVER: &str = "service was back before this page, which waited for others, was sent";

/// How the incidents of a message stand, as far as they could be looked at.
type Standing = BTreeMap<IncidentId, (Incident, Stands)>;

impl Runner {
    /// One message, from its claims to its outcomes.
    pub(super) async fn send(self, bundle: Bundle) {
        if bundle.len() < 2 {
            for claim in bundle {
                self.clone().carry(claim).await;
            }
            return;
        }
        let mut extending = JoinSet::new();
        for claim in &bundle {
            let (runner, claim) = (self.clone(), claim.clone());
            extending.spawn(async move { match runner.extend(&claim).await {} });
        }
        self.call_together(bundle).await;
    }

    async fn call_together(&self, bundle: Bundle) {
        let orders: Vec<&PageOrder> = bundle.iter().filter_map(|claim| order_of(&claim.effect)).collect();
        let standing = self.standing(orders.iter().filter_map(|order| incident_of(order)).collect()).await;
        let (needed, spare): (Vec<Claim>, Vec<Claim>) =
            bundle.into_iter().partition(|claim| order_of(&claim.effect).is_some_and(|order| spared(order, &standing).is_none()));
        for claim in spare {
            if let Some(why) = order_of(&claim.effect).and_then(|order| spared(order, &standing)) {
                self.deliver(&claim.effect, refused(why)).await;
            }
        }
        let Some((effect, all)) = together(&needed, &standing) else { return };
        count(&self.door.inside.counters.effects_performed);
        let performed = self.door.inside.outside.perform(&effect, self).await;
        // The one that the message is about comes first: whatever is reported of it can be told to the others from then on.
        let (mut first, mut others): (Vec<Claim>, Vec<Claim>) = needed.into_iter().partition(|claim| claim.effect.key == effect.key);
        first.append(&mut others);
        for claim in first {
            let verdict = Verdict::Ended(with_bundle(&performed, &all));
            if !verdict.is_seen() && !self.holds(&claim).await {
                tracing::warn!(effect = %claim.effect.key, "it is left to the node that has the claim now");
                continue;
            }
            self.deliver(&claim.effect, with_bundle(&performed, &all)).await;
        }
        self.door.share_report(&effect.key).await;
    }

    /// Why a page that comes by itself need not be sent; when that cannot be learnt, it is.
    pub(super) async fn spared(&self, order: &PageOrder) -> Option<Performed> {
        let standing = self.standing(incident_of(order).into_iter().collect()).await;
        spared(order, &standing).map(refused)
    }

    async fn standing(&self, incidents: Vec<IncidentId>) -> Standing {
        let looked = self.door.read(move |reader| {
            let mut facts = Facts::default();
            let needs = Needs { incidents: incidents.iter().copied().collect(), ..Needs::default() };
            reader.load(&needs, Timestamp::MIN, &mut facts)?;
            let policy = reader.head()?.workspace.policy;
            let name = |person: &PersonId| policy.as_ref().map_or_else(String::new, |policy| policy.name_of(person).to_owned());
            let found = incidents.into_iter().filter_map(|id| {
                let state = facts.incident(id)?.clone();
                let stands = match &state.acknowledged {
                    _ if state.resolved.is_some() || state.closed_at.is_some() => Stands::Over,
                    Some(acknowledged) => Stands::Acknowledged { by: name(&acknowledged.by) },
                    None => Stands::Waiting,
                };
                Some((id, (state, stands)))
            });
            Ok(found.collect::<Standing>())
        });
        looked.await.unwrap_or_default()
    }
}

fn order_of(effect: &Effect) -> Option<&PageOrder> {
    if let Work::Page(order) = &effect.work { Some(order) } else { None }
}

fn incident_of(order: &PageOrder) -> Option<IncidentId> {
    if let About::Incident { incident, .. } = &order.about { Some(*incident) } else { None }
}

/// Nobody is called any more because of what has become part of another incident, nor, having waited, because of what is over.
fn spared(order: &PageOrder, standing: &Standing) -> Option<&'static str> {
    let (state, stands) = standing.get(&incident_of(order)?)?;
    let waited = order.window.as_ref().is_some_and(|window| window.may_wait);
    match stands {
        _ if state.merged.is_some() => Some(MERGED),
        Stands::Over if waited => Some(OVER),
        Stands::Over | Stands::Waiting | Stands::Acknowledged { .. } => None,
    }
}

fn refused(why: &str) -> Performed {
    Performed { outcome: Outcome::PageRefused { detail: why.to_owned() }, contents: Vec::new() }
}

/// The message: the most serious page with the others beside it, and the keys of all.
fn together(claims: &[Claim], standing: &Standing) -> Option<(Effect, Vec<EffectKey>)> {
    let mut pages: Vec<(&Claim, &PageOrder)> = claims.iter().filter_map(|claim| Some((claim, order_of(&claim.effect)?))).collect();
    // Sorting keeps the order of those that are alike: what was queued first comes first.
    pages.sort_by_key(|(_, order)| order.window.as_ref().map_or(0, |window| window.rank));
    let (head, order) = pages.first()?;
    let mut bundle: Vec<Bundled> = Vec::new();
    for (_, order) in &pages {
        let About::Incident { incident, title, priority, service, environment, detected_at, .. } = &order.about else { continue };
        if bundle.iter().all(|known| known.incident != *incident) {
            bundle.push(Bundled {
                incident: *incident,
                title: title.clone(),
                priority: *priority,
                service: service.clone(),
                environment: environment.clone(),
                detected_at: *detected_at,
                stands: standing.get(incident).map_or(Stands::Waiting, |(_, stands)| stands.clone()),
            });
        }
    }
    if bundle.len() < 2 {
        bundle.clear();
    }
    let mut effect = if claims.iter().any(|claim| claim.taken_over) { repeated(&head.effect) } else { head.effect.clone() };
    effect.work = match effect.work {
        Work::Page(known) => Work::Page(Box::new(PageOrder { bundle, repeated: known.repeated, ..(*order).clone() })),
        other => other,
    };
    let keys = if pages.len() > 1 { pages.iter().map(|(claim, _)| claim.effect.key.clone()).collect() } else { Vec::new() };
    Some((effect, keys))
}

fn with_bundle(performed: &Performed, all: &[EffectKey]) -> Performed {
    let outcome = match &performed.outcome {
        Outcome::Paged { reference, repeated, bundle: _ } => {
            Outcome::Paged { reference: reference.clone(), repeated: *repeated, bundle: all.to_vec() }
        }
        other => other.clone(),
    };
    Performed { outcome, contents: Vec::new() }
}

impl Door {
    /// What the vendor reported of a message is true of all that it was about. Called when a report has come and when the message is recorded as
    /// sent, whichever is later; what was told already changes nothing.
    pub async fn share_report(&self, key: &EffectKey) {
        let Some(incident) = attempts::incident_of(key) else { return };
        let looked = self.read(move |reader| {
            let mut facts = Facts::default();
            reader.load(&Needs { incidents: [incident].into(), ..Needs::default() }, Timestamp::MIN, &mut facts)?;
            Ok(facts.incident(incident).cloned())
        });
        let Ok(Some(state)) = looked.await else { return };
        let Some((_, attempt)) = attempts::found(&state, key) else { return };
        let Some(report) = &attempt.report else { return };
        let reported = match &report.what {
            Reported::Silent { .. } => return,
            // A key takes what was spoken of; the others have only arrived.
            Reported::Delivered | Reported::Acknowledged => Reported::Delivered,
            Reported::Undelivered { .. } => report.what.clone(),
        };
        for other in attempt.bundle().iter().filter(|other| *other != key) {
            if let Err(fault) = self.share(other, &reported).await {
                tracing::warn!(%fault, effect = %other, "what became of a page is not recorded; it counts as not heard of");
            }
        }
    }

    async fn share(&self, effect: &EffectKey, reported: &Reported) -> Result<(), Fault> {
        let word = match reported {
            Reported::Delivered => "delivered",
            Reported::Undelivered { .. } => "undelivered",
            Reported::Silent { .. } | Reported::Acknowledged => return Ok(()),
        };
        let envelope = Envelope {
            key: inside_key(&["shared", &effect.0, word]),
            actor: Actor::Runner,
            via: Via::Inside,
            command: Command::Page(page::Command::Report { effect: effect.clone(), reported: reported.clone() }),
        };
        self.submit(envelope).await.map(drop)
    }
}
