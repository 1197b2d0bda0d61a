//! What an event changes in an account.

#![expect(clippy::wildcard_enum_match_arm, reason = "a fold takes the events of its own area; the rest are other areas'")]

use jiff::Timestamp;

use super::{Account, Link, Proof};
use crate::emergency::Signed;
use crate::event::Event;
use crate::facts::Facts;
use crate::ids::PersonId;

/// Sessions kept per person; the oldest goes when another opens.
const SESSIONS_MAX: usize = 20;

pub(crate) fn apply(facts: &mut Facts, event: &Event, at: Timestamp) {
    match event {
        Event::LinkIssued { person, secret, expires_at } => with(facts, person, |account| {
            account.links.retain(|link| link.expires_at > at);
            account.links.push(Link { secret: *secret, expires_at: *expires_at });
        }),
        Event::SignedIn { person, proof, session } => with(facts, person, |account| {
            match proof {
                Proof::Link { secret } => account.links.retain(|link| link.secret != *secret),
                Proof::Passkey { credential_id, credential } => {
                    let known = account.passkeys.iter_mut().find(|passkey| passkey.credential_id == *credential_id);
                    if let (Some(passkey), Some(credential)) = (known, credential) {
                        passkey.credential = credential.clone();
                    }
                }
            }
            account.sessions.retain(|session| session.expires_at > at);
            account.sessions.push(session.clone());
            let surplus = account.sessions.len().saturating_sub(SESSIONS_MAX);
            account.sessions.drain(..surplus);
        }),
        Event::SignedOut { person, session } => with(facts, person, |account| account.sessions.retain(|open| open.secret != *session)),
        Event::PasskeyAdded { person, passkey } => with(facts, person, |account| account.passkeys.push(passkey.clone())),
        Event::EmergencyApproved { approval, evidence: Some(evidence), .. } => {
            let Signed::Passkey { assertion, .. } = &evidence.signed else { return };
            with(facts, &approval.by, |account| {
                let used = account.passkeys.iter_mut().find(|passkey| passkey.credential_id == assertion.credential_id);
                if let Some(passkey) = used {
                    passkey.counter = passkey.counter.max(assertion.counter().unwrap_or(0));
                }
            });
        }
        Event::PasskeyRemoved { person, credential_id } => {
            with(facts, person, |account| account.passkeys.retain(|passkey| passkey.credential_id != *credential_id));
        }
        Event::TokenIssued { person, token, record } => {
            facts.workspace.counters.token = facts.workspace.counters.token.max(token.0);
            facts.touched.workspace = true;
            with(facts, person, |account| {
                account.tokens.insert(*token, record.clone());
            });
        }
        Event::TokenRevoked { person, token } => with(facts, person, |account| {
            account.tokens.remove(token);
        }),
        _ => {}
    }
}

pub(crate) fn with(facts: &mut Facts, person: &PersonId, change: impl FnOnce(&mut Account)) {
    let account = facts.accounts.entry(person.clone()).or_default().get_or_insert_with(|| Account {
        person: person.clone(),
        links: Vec::new(),
        passkeys: Vec::new(),
        sessions: Vec::new(),
        tokens: std::collections::BTreeMap::new(),
        contacts: std::collections::BTreeMap::new(),
    });
    change(account);
    facts.touched.accounts.insert(person.clone());
}
