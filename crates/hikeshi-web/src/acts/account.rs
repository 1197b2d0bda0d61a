//! Acts on one's own credentials. Issuing a token is in [`crate::pages::me`], since its secret is shown there once.

use hikeshi_domain::account::Command as Account;
use hikeshi_domain::command::Command;
use hikeshi_domain::ids::{PersonId, TokenId};
use hikeshi_text::Sentence;
use hikeshi_text::page::Words;

use super::Input;
use super::show::Act;
use crate::viewer::Viewer;

pub fn command(kind: &str, input: &Input<'_>) -> Result<Command, Sentence> {
    let t = input.words();
    Ok(Command::Account(match kind {
        "account.remove_passkey" => Account::RemovePasskey { credential_id: input.text("credential_id") },
        "account.revoke_token" => Account::RevokeToken {
            person: input.parse::<PersonId>("person", t.person_handle())?,
            token: input.parse::<TokenId>("token", t.tokens())?,
        },
        _ => return Err(input.unknown_kind(kind)),
    }))
}

pub fn remove_passkey(viewer: &Viewer, index: usize, credential_id: &str) -> Act {
    Act::new(viewer, "account.remove_passkey")
        .label(Words(viewer.lang).passkey_remove())
        .id_part(index)
        .hidden("credential_id", credential_id)
}

pub fn revoke_token(viewer: &Viewer, token: TokenId) -> Act {
    Act::new(viewer, "account.revoke_token")
        .label(Words(viewer.lang).token_revoke())
        .id_part(token)
        .hidden("person", &viewer.person)
        .hidden("token", token)
        .cli(format!("hikeshi token revoke {} {token}", viewer.person))
}

pub fn sign_out(viewer: &Viewer) -> Act {
    Act::new(viewer, "account.sign_out").label(Words(viewer.lang).sign_out())
}
