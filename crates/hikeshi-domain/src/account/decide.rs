//! What follows from a command on an account (rule A3).

use jiff::{SignedDuration, Timestamp};

use super::{Account, Command, Passkey, Proof, Session, Token};
use crate::channel::{Body, Notice, Post};
use crate::decide::Decision;
use crate::event::Event;
use crate::facts::{Facts, Needs};
use crate::ids::{Digest, PersonId, RoleName, TokenId};
use crate::input;
use crate::offline::{StatementFlaw, entrant};
use crate::people::Actor;
use crate::permit::{self, Permit};
use crate::policy::Policy;
use crate::refusal::Refusal;

const LABEL_CHARS_MAX: u32 = 100;
const LINK_VALID_MIN_MAX: u32 = 7 * 24 * 60;
const SESSION_VALID_MIN_MAX: u32 = 30 * 24 * 60;
const TOKEN_VALID_DAYS_MAX: u32 = 730;
const PASSKEYS_MAX: u32 = 20;
const TOKENS_MAX: u32 = 100;
const LINKS_MAX: u32 = 20;
const ENTERED_VALID_DAYS: u32 = 7;

pub fn needs(command: &Command, actor: &Actor) -> Needs {
    let mut needs = Needs::default();
    match command {
        Command::Invite { person, .. } | Command::SignIn { person, .. } | Command::RevokeToken { person, .. } => {
            needs.accounts.insert(person.clone());
        }
        Command::SignOut { .. }
        | Command::AddPasskey { .. }
        | Command::RemovePasskey { .. }
        | Command::IssueToken { .. }
        | Command::Enter { .. } => {
            needs.accounts.extend(actor.as_person().cloned());
        }
    }
    needs
}

pub fn decide(permit: Permit, facts: &Facts, command: &Command, now: Timestamp) -> Result<Decision, Refusal> {
    let policy = facts.policy().ok_or(Refusal::UnknownActor)?;
    match command {
        Command::Enter { statement, signature, label } => enter(&permit, facts, statement, signature, label, now),
        Command::Invite { person, secret, valid_min } => invite(&permit, facts, policy, (person, *secret, *valid_min), now),
        Command::SignIn { person, proof, session, valid_min } => sign_in(&permit, facts, person, proof, *session, *valid_min, now),
        Command::SignOut { session } => {
            let person = permit.person()?;
            if !account(facts, person).is_some_and(|account| account.sessions.iter().any(|open| open.secret == *session)) {
                return Err(Refusal::SessionUnknown);
            }
            one(Event::SignedOut { person: person.clone(), session: *session })
        }
        Command::AddPasskey { label, credential_id, credential, place } => add_passkey(
            &permit,
            facts,
            Passkey {
                credential_id: credential_id.clone(),
                label: label.clone(),
                credential: credential.clone(),
                added_at: now,
                place: place.clone(),
                counter: 0,
            },
        ),
        Command::RemovePasskey { credential_id } => {
            let person = whole_person(&permit)?;
            if !account(facts, person).is_some_and(|account| account.passkeys.iter().any(|passkey| passkey.credential_id == *credential_id))
            {
                return Err(Refusal::PasskeyUnknown);
            }
            one(Event::PasskeyRemoved { person: person.clone(), credential_id: credential_id.clone() })
        }
        Command::IssueToken { label, secret, only, calendar, valid_days } => {
            let scope = Scope { only: only.as_ref(), calendar: *calendar };
            issue_token(&permit, facts, label, *secret, scope, *valid_days, now)
        }
        Command::RevokeToken { person, token } => {
            let admin = [RoleName::known("admin")];
            if permit.person()? != person && !permit::holds(policy, permit.actor(), &admin) {
                return Err(Refusal::NotYours);
            }
            if !account(facts, person).is_some_and(|account| account.tokens.contains_key(token)) {
                return Err(Refusal::TokenUnknown);
            }
            one(Event::TokenRevoked { person: person.clone(), token: *token })
        }
    }
}

/// A link to sign in by, once.
fn invite(
    permit: &Permit,
    facts: &Facts,
    policy: &Policy,
    (person, secret, valid_min): (&PersonId, Digest, u32),
    now: Timestamp,
) -> Result<Decision, Refusal> {
    // A link for somebody else would be their name without their key.
    if policy.local.is_some() && permit.actor().as_person() != Some(person) {
        return Err(Refusal::LocalInvite);
    }
    input::declared("person", person.as_str(), policy.people.keys().map(PersonId::as_str))?;
    let admin = [RoleName::known("admin")];
    let own = policy.local.is_some();
    if !own && *permit.actor() != Actor::Startup && !permit::holds(policy, permit.actor(), &admin) {
        return Err(Refusal::RoleMissing { command: "account.invite".to_owned(), roles: admin.to_vec() });
    }
    let open = facts.account(person).map_or(0, |account| account.links.iter().filter(|link| link.expires_at > now).count());
    input::at_most("links", open + 1, LINKS_MAX)?;
    at_most("valid_min", valid_min, LINK_VALID_MIN_MAX)?;
    let issued = Event::LinkIssued { person: person.clone(), secret, expires_at: later(now, valid_min) };
    let notice = Notice::SignInLinkIssued { person: person.clone(), by: permit.actor().clone() };
    let post = Post {
        channel: policy.channels.emergency.clone(),
        body: Body::Notice { notice },
        roles: Vec::new(),
        people: vec![person.clone()],
        incident: None,
        emergency: None,
    };
    Ok(Decision { events: vec![issued, Event::Posted { post }], ..Decision::default() })
}

fn add_passkey(permit: &Permit, facts: &Facts, passkey: Passkey) -> Result<Decision, Refusal> {
    let person = whole_person(permit)?;
    input::required("label", &passkey.label, LABEL_CHARS_MAX)?;
    input::required("credential_id", &passkey.credential_id, 1_000)?;
    let known = account(facts, person).map_or(&[][..], |account| &account.passkeys);
    input::at_most("passkeys", known.len() + 1, PASSKEYS_MAX)?;
    if known.iter().any(|known| known.credential_id == passkey.credential_id) {
        return Err(Refusal::PasskeyTaken);
    }
    one(Event::PasskeyAdded { person: person.clone(), passkey })
}

fn sign_in(
    permit: &Permit,
    facts: &Facts,
    person: &PersonId,
    proof: &Proof,
    session: Digest,
    valid_min: u32,
    now: Timestamp,
) -> Result<Decision, Refusal> {
    // The face has checked the proof; it may only open a session for the person who gave it.
    if permit.person()? != person {
        return Err(Refusal::NotYours);
    }
    at_most("valid_min", valid_min, SESSION_VALID_MIN_MAX)?;
    let account = account(facts, person).ok_or(Refusal::LinkInvalid)?;
    match proof {
        Proof::Link { secret } if !account.links.iter().any(|link| link.secret == *secret && link.expires_at > now) => {
            return Err(Refusal::LinkInvalid);
        }
        Proof::Passkey { credential_id, .. } if !account.passkeys.iter().any(|passkey| passkey.credential_id == *credential_id) => {
            return Err(Refusal::PasskeyUnknown);
        }
        Proof::Link { .. } | Proof::Passkey { .. } => {}
    }
    let session = Session { secret: session, opened_at: now, expires_at: later(now, valid_min) };
    one(Event::SignedIn { person: person.clone(), proof: proof.clone(), session })
}

/// What a token may be used for.
#[derive(Clone, Copy)]
struct Scope<'a> {
    only: Option<&'a Vec<RoleName>>,
    calendar: bool,
}

fn issue_token(
    permit: &Permit,
    facts: &Facts,
    label: &str,
    secret: Digest,
    Scope { only, calendar }: Scope<'_>,
    valid_days: u32,
    now: Timestamp,
) -> Result<Decision, Refusal> {
    let person = whole_person(permit)?;
    let policy = facts.policy().ok_or(Refusal::UnknownActor)?;
    input::required("label", label, LABEL_CHARS_MAX)?;
    at_most("valid_days", valid_days, TOKEN_VALID_DAYS_MAX)?;
    let held = policy.person(person).map_or(&[][..], |person| &person.roles);
    if let Some(role) = only.and_then(|only| only.iter().find(|role| !held.contains(role))) {
        return Err(Refusal::RoleNotHeld { role: role.clone() });
    }
    input::at_most("tokens", account(facts, person).map_or(0, |account| account.tokens.len()) + 1, TOKENS_MAX)?;
    let token = TokenId(facts.workspace.counters.token + 1);
    let expires_at = later(now, valid_days.saturating_mul(24 * 60));
    let record = Token { label: label.to_owned(), secret, only: only.cloned(), calendar, issued_at: now, expires_at };
    let mut decision = one(Event::TokenIssued { person: person.clone(), token, record })?;
    decision.made = Some(token.to_string());
    Ok(decision)
}

/// The statement names the digest of a token that only whoever signed it knows: sent again by somebody else it is worth nothing.
fn enter(permit: &Permit, facts: &Facts, statement: &str, signature: &str, label: &str, now: Timestamp) -> Result<Decision, Refusal> {
    let policy = facts.policy().ok_or(Refusal::UnknownActor)?;
    let entered = entrant(policy, statement, signature, now)?;
    if permit.person()? != entered.by {
        return Err(Refusal::NotYours);
    }
    let secret = entered.statement.token;
    if account(facts, entered.by).is_some_and(|account| account.tokens.values().any(|token| token.secret == secret)) {
        return Err(Refusal::StatementFlawed { flaw: StatementFlaw::Used });
    }
    let mut decision = issue_token(permit, facts, label, secret, Scope { only: None, calendar: false }, ENTERED_VALID_DAYS, now)?;
    let proof = Event::EnteredBySsh {
        person: entered.by.clone(),
        statement: statement.to_owned(),
        signature: signature.to_owned(),
        key: entered.fingerprint,
    };
    decision.events.insert(0, proof);
    Ok(decision)
}

/// Credentials are handed out only to a person acting with all their roles: a narrowed token cannot make a wider one.
fn whole_person(permit: &Permit) -> Result<&PersonId, Refusal> {
    match permit.actor() {
        Actor::Person { person, only: None } => Ok(person),
        Actor::Person { .. }
        | Actor::Runner
        | Actor::Recorder
        | Actor::Timer
        | Actor::Monitor { .. }
        | Actor::Source { .. }
        | Actor::Startup => Err(Refusal::NotYours),
    }
}

fn account<'a>(facts: &'a Facts, person: &PersonId) -> Option<&'a Account> {
    facts.account(person)
}

fn at_most(field: &str, given: u32, max: u32) -> Result<(), Refusal> {
    if given == 0 || given > max {
        return Err(Refusal::TooMany { field: field.to_owned(), max, given });
    }
    Ok(())
}

fn later(now: Timestamp, minutes: u32) -> Timestamp {
    now.checked_add(SignedDuration::from_mins(i64::from(minutes))).unwrap_or(Timestamp::MAX)
}

fn one(event: Event) -> Result<Decision, Refusal> {
    Ok(Decision { events: vec![event], ..Decision::default() })
}
