//! People and their ways of signing in, and what the program is doing for them right now.

use hikeshi_domain::Timestamp;
use hikeshi_domain::account::Account;
use hikeshi_domain::facts::Needs;
use hikeshi_domain::ids::PersonId;
use hikeshi_domain::policy::Person;

use super::{EffectRow, Look, LookError, PasskeyRow, PersonView, TokenRow};

impl Look<'_> {
    pub async fn people(&self) -> Result<Vec<PersonView>, LookError> {
        self.see(|sight| {
            let accounts = sight.reader.accounts()?;
            let view = |(id, person): (&PersonId, &Person)| {
                person_view(id, person, accounts.iter().find(|account| account.person == *id), sight.now)
            };
            Ok(sight.policy.people.iter().map(view).collect())
        })
        .await
    }

    pub async fn person(&self, id: &PersonId) -> Result<PersonView, LookError> {
        let id = id.clone();
        self.see(move |sight| {
            let person = sight.policy.person(&id).cloned().ok_or_else(|| LookError::NotFound { what: "person", given: id.to_string() })?;
            let mut facts = sight.facts();
            sight.load(&Needs { accounts: [id.clone()].into(), ..Needs::default() }, &mut facts)?;
            Ok(person_view(&id, &person, facts.account(&id), sight.now))
        })
        .await
    }

    /// Effects on their way: queued, or started and not yet ended.
    pub async fn effects(&self) -> Result<Vec<EffectRow>, LookError> {
        self.see(|sight| {
            let rows = sight.reader.outbox()?.into_iter().map(|row| EffectRow {
                obligation: row.key.0.split('/').next().and_then(|subject| subject.parse().ok()),
                key: row.key,
                kind: row.kind,
                state: if row.started { "started" } else { "queued" }.to_owned(),
                queued_at: row.queued_at,
                attempts: row.attempts,
            });
            Ok(rows.collect())
        })
        .await
    }
}

fn person_view(id: &PersonId, person: &Person, account: Option<&Account>, now: Timestamp) -> PersonView {
    let passkeys = account.iter().flat_map(|account| &account.passkeys).map(|passkey| PasskeyRow {
        credential_id: passkey.credential_id.clone(),
        label: passkey.label.clone(),
        added_at: passkey.added_at,
    });
    let tokens = account.iter().flat_map(|account| &account.tokens).map(|(id, token)| TokenRow {
        token: *id,
        label: token.label.clone(),
        only: token.only.clone(),
        calendar: token.calendar,
        issued_at: token.issued_at,
        expires_at: token.expires_at,
    });
    let sessions = account.iter().flat_map(|account| &account.sessions).filter(|session| session.expires_at > now).count();
    PersonView {
        id: id.clone(),
        person: person.clone(),
        passkeys: passkeys.collect(),
        tokens: tokens.collect(),
        sessions: u64::try_from(sessions).unwrap_or(u64::MAX),
    }
}
