//! Who may ask for what. [`permit`] is the only maker of a [`Permit`], and [`crate::decide::decide`] takes nothing else:
//! a handler that forgets to ask does not compile.
//!
//! Whether the thing may happen (a quorum, an approval, an order of steps) is decided in the areas; this is only about the asker.

use crate::command::{Command, PolicyCommand};
use crate::facts::Facts;
use crate::ids::{PersonId, RoleName};
use crate::people::Actor;
use crate::policy::Policy;
use crate::refusal::Refusal;
use crate::session;

/// Proof that this actor may give this command. Cannot be made elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permit {
    actor: Actor,
}

impl Permit {
    pub fn actor(&self) -> &Actor {
        &self.actor
    }
    /// The person, for commands that only people give.
    pub fn person(&self) -> Result<&PersonId, Refusal> {
        self.actor.as_person().ok_or(Refusal::UnknownActor)
    }
}

/// Who may give a command by default; the policy's `permissions` can narrow or widen the rows that are not `Inside`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Row {
    /// Anyone whom the policy names.
    Anyone,
    /// One of these roles.
    Roles(&'static [&'static str]),
    /// Decided by the area itself from the case (executor, approver, witness, owner): anyone of the policy may ask.
    ByCase,
    /// Only the program: runner, timers, monitors, start-up. No person, whatever the policy says.
    Inside,
}

/// The default row of a command kind. Anything unknown is closed.
pub fn row(kind: &str) -> Row {
    match kind {
        "account.invite" | "account.revoke_token" | "policy.approve" | "policy.reject" => Row::ByCase,
        "account.enter"
        | "account.sign_in"
        | "account.sign_out"
        | "account.add_passkey"
        | "account.remove_passkey"
        | "account.issue_token" => Row::Anyone,
        // Whoever finds a secret says so: auditors, too. Nothing happens before a second person agrees.
        "session.redact" => Row::Anyone,
        "emergency.request" | "emergency.revise" => Row::Roles(&["developer", "senior", "operator", "lead", "dev-lead", "cto"]),
        "emergency.approve"
        | "emergency.approve_passkey"
        | "emergency.approve_signed"
        | "emergency.decline"
        | "emergency.cancel"
        | "emergency.join"
        | "emergency.watch"
        | "emergency.leave"
        | "emergency.hold"
        | "emergency.resume"
        | "emergency.start"
        | "emergency.confirm"
        | "emergency.step"
        | "emergency.settle"
        | "emergency.verify"
        | "emergency.attest"
        | "emergency.accept"
        | "emergency.revert"
        | "emergency.restore"
        | "emergency.close" => Row::ByCase,
        "incident.open" | "incident.note" | "change.record" | "channel.post" | "contact.confirm" => Row::Anyone,
        "contact.add_browser" | "contact.remove_browser" => Row::Anyone,
        "incident.triage"
        | "incident.acknowledge"
        | "incident.escalate"
        | "incident.assign"
        | "incident.hand_over"
        | "incident.move"
        | "incident.update"
        | "incident.publish"
        | "incident.resolve"
        | "incident.merge"
        | "incident.split"
        | "contact.test"
        | "alert.silence"
        | "alert.unsilence" => Row::Roles(&["operator", "lead", "manager", "developer", "senior", "dev-lead", "cto"]),
        "session.open"
        | "session.bind"
        | "session.note"
        | "session.stop"
        | "session.abandon"
        | "session.confirm"
        | "session.deny"
        | "session.agree_redaction"
        | "session.decline_redaction" => Row::ByCase,
        "obligation.propose"
        | "obligation.compare"
        | "obligation.report"
        | "obligation.schedule"
        | "obligation.hold"
        | "obligation.finish"
        | "obligation.present"
        | "obligation.accept_drift"
        | "postmortem.write"
        | "postmortem.amend"
        | "postmortem.import" => Row::Roles(&["operator", "lead", "manager", "developer", "senior", "dev-lead", "cto"]),
        // Everybody may take over themselves; who may put others on call is the schedule's.
        "oncall.override" | "oncall.cancel" => Row::ByCase,
        "policy.adopt" => Row::Roles(&["admin"]),
        _ => Row::Inside,
    }
}

/// The roles that count for this actor: the policy's, narrowed by the token.
pub fn roles_of<'a>(policy: &'a Policy, actor: &'a Actor) -> Vec<&'a RoleName> {
    let Actor::Person { person, only } = actor else { return Vec::new() };
    let Some(person) = policy.person(person) else { return Vec::new() };
    person.roles.iter().filter(|role| only.as_ref().is_none_or(|only| only.contains(role))).collect()
}

/// Whether this actor holds one of the roles, as narrowed by their token.
pub fn holds(policy: &Policy, actor: &Actor, roles: &[RoleName]) -> bool {
    roles_of(policy, actor).into_iter().any(|role| roles.contains(role))
}

/// Asks the policy. Before the first policy is adopted only the start-up may speak.
pub fn permit(facts: &Facts, actor: &Actor, command: &Command) -> Result<Permit, Refusal> {
    let granted = || Ok(Permit { actor: actor.clone() });
    let kind = command.kind();
    let row = row(kind);
    let inside = match command {
        Command::Outcome(_) | Command::Page(_) | Command::Contact(crate::contact::Command::LoseBrowser { .. }) => *actor == Actor::Runner,
        Command::Wake(_) | Command::Review(_) => *actor == Actor::Timer,
        Command::Monitor(_) => matches!(actor, Actor::Monitor { .. }),
        // A sender of alerts may tell of changes, too; so may people.
        Command::Alert(crate::alert::Command::Report { .. }) | Command::Change(_) => matches!(actor, Actor::Source { .. }),
        Command::Session(
            session::Command::Ask { .. }
            | session::Command::Withdraw { .. }
            | session::Command::Seal { .. }
            | session::Command::Acknowledge { .. }
            | session::Command::Gate { .. }
            | session::Command::End { .. },
        )
        | Command::Offline(_) => *actor == Actor::Recorder,
        Command::Policy(PolicyCommand::Adopt { .. }) | Command::Account(crate::account::Command::Invite { .. }) => *actor == Actor::Startup,
        Command::Policy(PolicyCommand::Approve { .. } | PolicyCommand::Reject { .. })
        | Command::Account(_)
        | Command::Alert(_)
        | Command::Channel(_)
        | Command::Contact(_)
        | Command::Emergency(_)
        | Command::Incident(_)
        | Command::Obligation(_)
        | Command::Oncall(_)
        | Command::Postmortem(_)
        | Command::Session(_) => false,
    };
    if inside {
        return granted();
    }
    let Actor::Person { person, .. } = actor else { return Err(Refusal::UnknownActor) };
    if row == Row::Inside {
        return Err(Refusal::UnknownActor);
    }
    let policy = facts.policy().ok_or(Refusal::UnknownActor)?;
    if policy.person(person).is_none() {
        return Err(Refusal::UnknownActor);
    }
    match roles_for(policy, kind) {
        Some(roles) if !holds(policy, actor, &roles) => Err(Refusal::RoleMissing { command: kind.to_owned(), roles }),
        Some(_) | None => granted(),
    }
}

/// The roles of which one is needed for a command; `None`: anyone of the policy may ask.
pub fn roles_for(policy: &Policy, kind: &str) -> Option<Vec<RoleName>> {
    match (policy.permissions.get(kind), row(kind)) {
        (Some(roles), _) => Some(roles.clone()),
        (None, Row::Roles(names)) => Some(names.iter().map(|name| RoleName::known(name)).collect()),
        (None, Row::Anyone | Row::ByCase | Row::Inside) => None,
    }
}
