//! The rules of signing in, one by one.

use jiff::SignedDuration;

use super::*;
use crate::command;
use crate::people::Actor;
use crate::refusal::Refusal;
use crate::testing::{World, who};

fn give(world: &mut World, by: &str, command: Command) -> Result<crate::decide::Decision, Refusal> {
    world.submit(&who(by), &command::Command::Account(command))
}

fn invite(world: &mut World, by: &Actor, person: &str, secret: &[u8]) -> Result<crate::decide::Decision, Refusal> {
    let invite = Command::Invite { person: PersonId::known(person), secret: Digest::of(secret), valid_min: 30 };
    world.submit(by, &command::Command::Account(invite))
}

fn sign_in(person: &str, secret: &[u8]) -> Command {
    Command::SignIn {
        person: PersonId::known(person),
        proof: Proof::Link { secret: Digest::of(secret) },
        session: Digest::of(b"session"),
        valid_min: 60,
    }
}

#[test]
fn a3_a_link_works_once_in_time_and_for_its_person_only() {
    let mut world = World::new();
    invite(&mut world, &Actor::Startup, "mori", b"link").expect("invited");
    assert_eq!(give(&mut world, "sato", sign_in("mori", b"link")), Err(Refusal::NotYours));
    assert_eq!(give(&mut world, "mori", sign_in("mori", b"other")), Err(Refusal::LinkInvalid));
    give(&mut world, "mori", sign_in("mori", b"link")).expect("signed in");
    assert_eq!(give(&mut world, "mori", sign_in("mori", b"link")), Err(Refusal::LinkInvalid), "used up");
    invite(&mut world, &Actor::Startup, "mori", b"late").expect("invited");
    world.pass(31 * 60);
    assert_eq!(give(&mut world, "mori", sign_in("mori", b"late")), Err(Refusal::LinkInvalid), "expired");
}

#[test]
fn a3_only_an_administrator_invites_and_everyone_can_see_it() {
    let mut world = World::new();
    let refused = invite(&mut world, &who("tanaka"), "sato", b"link");
    assert!(matches!(refused, Err(Refusal::RoleMissing { .. })), "{refused:?}");
    let decision = invite(&mut world, &who("mori"), "sato", b"link").expect("invited");
    assert!(decision.events.iter().any(|event| matches!(event, crate::event::Event::Posted { .. })), "a link for another person is public");
}

#[test]
fn a3_a_narrowed_token_cannot_hand_out_credentials_and_no_token_has_a_role_that_its_person_lacks() {
    let mut world = World::new();
    let issue = |only: Option<Vec<RoleName>>| Command::IssueToken {
        label: "cli".to_owned(),
        secret: Digest::of(b"token"),
        only,
        calendar: false,
        valid_days: 30,
    };
    let lacking = give(&mut world, "tanaka", issue(Some(vec![RoleName::known("cto")])));
    assert_eq!(lacking, Err(Refusal::RoleNotHeld { role: RoleName::known("cto") }));
    let narrowed = Actor::Person { person: PersonId::known("tanaka"), only: Some(vec![RoleName::known("operator")]) };
    assert_eq!(world.submit(&narrowed, &command::Command::Account(issue(None))), Err(Refusal::NotYours));
    let made = give(&mut world, "tanaka", issue(None)).expect("issued").made;
    assert_eq!(made.as_deref(), Some("tok_1"));
    let revoke =
        |by: &str, world: &mut World| give(world, by, Command::RevokeToken { person: PersonId::known("tanaka"), token: TokenId(1) });
    assert_eq!(revoke("takahashi", &mut world), Err(Refusal::NotYours));
    revoke("mori", &mut world).expect("an administrator revokes");
    assert_eq!(revoke("tanaka", &mut world), Err(Refusal::TokenUnknown));
}

#[test]
fn sessions_end_and_are_bounded() {
    let mut world = World::new();
    for number in 0..25_u8 {
        invite(&mut world, &Actor::Startup, "mori", &[number]).expect("invited");
        let proof = Proof::Link { secret: Digest::of(&[number]) };
        let command = Command::SignIn { person: PersonId::known("mori"), proof, session: Digest::of(&[number, 1]), valid_min: 60 };
        give(&mut world, "mori", command).expect("signed in");
    }
    let account = world.all.account(&PersonId::known("mori")).expect("an account");
    assert_eq!(account.sessions.len(), 20);
    let last = account.sessions.last().expect("open").clone();
    assert_eq!(last.expires_at, world.now.checked_add(SignedDuration::from_mins(60)).expect("a time"));
    give(&mut world, "mori", Command::SignOut { session: last.secret }).expect("signed out");
    assert_eq!(give(&mut world, "mori", Command::SignOut { session: last.secret }), Err(Refusal::SessionUnknown));
}
