//! From a command to what follows: events, effects. Pure.
//!
//! The journey: [`needs`] until nothing is missing → [`crate::permit::permit`] → [`decide`] → [`crate::apply::apply`] for each event.

use jiff::Timestamp;

use crate::alert::AlertRef;
use crate::command::{Command, OutcomeCommand};
use crate::effect::{Effect, EffectKey};
use crate::event::Event;
use crate::facts::{Facts, Needs};
use crate::ids::{EmergencyId, IncidentId, PersonId};
use crate::people::Actor;
use crate::permit::Permit;
use crate::refusal::Refusal;
use crate::timer::Wake;
use crate::{
    account, alert, change, channel, chat, contact, emergency, incident, monitor, obligation, offline, oncall, page, policy, postmortem,
    review, session, status,
};

/// What follows from a command.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Decision {
    pub events: Vec<Event>,
    pub effects: Vec<Effect>,
    /// The effect that this outcome settles; its outbox row goes away with the commit.
    pub settles: Option<EffectKey>,
    /// A witness was heard of. The only change that leaves no ledger entry: it happens every few seconds.
    pub heard: Option<(EmergencyId, PersonId)>,
    /// Until when alerts fire unless their sender speaks again. Leaves no ledger entry either: senders repeat themselves every minute.
    pub leased: Vec<(AlertRef, Timestamp)>,
    /// The incident whose case this belongs to.
    pub case: Option<IncidentId>,
    /// What was made, so that the caller can be told: `inc_12`.
    pub made: Option<String>,
}

impl Decision {
    pub fn of(case: IncidentId, events: Vec<Event>) -> Self {
        Self { events, case: Some(case), ..Self::default() }
    }
}

/// What must be in the facts before the command can be decided. Called again after loading, until it names nothing new:
/// an emergency names its incident only once it is there itself.
pub fn needs(actor: &Actor, command: &Command, facts: &Facts) -> Needs {
    match command {
        Command::Account(command) => account::decide::needs(command, actor),
        Command::Alert(command) => alert::decide::needs(command, facts),
        Command::Change(command) => change::decide::needs(command, actor, facts),
        Command::Channel(command) => channel::needs(command),
        Command::Contact(command) => contact::decide::needs(command, actor, facts),
        Command::Emergency(command) => {
            let mut needs = emergency::decide::needs(command, facts);
            if let emergency::Command::ApprovePasskey { .. } = command {
                needs.accounts.extend(actor.as_person().cloned());
            }
            needs
        }
        Command::Incident(command) => incident::decide::needs(command, facts),
        Command::Monitor(command) => monitor::needs(command, facts),
        Command::Obligation(command) => obligation::decide::needs(command, facts),
        Command::Offline(command) => offline::decide::needs(command),
        Command::Page(page::Command::Report { effect, .. }) => effect_needs(effect, facts),
        // Overrides are part of the workspace, which is always there.
        Command::Oncall(_) | Command::Policy(_) => Needs::default(),
        Command::Postmortem(command) => postmortem::decide::needs(command, facts),
        Command::Review(command) => review::decide::needs(command, facts),
        Command::Session(command) => session::decide::needs(command, facts),
        Command::Outcome(OutcomeCommand::Ended { effect, .. } | OutcomeCommand::InDoubt { effect }) => effect_needs(effect, facts),
        Command::Wake(wake) => wake_needs(wake, facts),
    }
}

fn effect_needs(effect: &EffectKey, facts: &Facts) -> Needs {
    if contact::test_of(effect).is_some() {
        return contact::decide::needs_of(effect);
    }
    if let Some(incident) = page::decide::incident_of(effect) {
        return incident::decide::needs_of(incident);
    }
    if let Some((incident, _)) = status::post_of(effect) {
        return incident::decide::needs_of(incident);
    }
    if let Some(incident) = postmortem::decide::incident_of(effect) {
        return postmortem::decide::needs_of(incident, facts);
    }
    let subject = effect.0.split('/').next().unwrap_or_default();
    if let Ok(id) = subject.parse::<EmergencyId>() {
        return emergency::decide::needs_of(id, facts);
    }
    subject.parse().map(|id| obligation::decide::needs_of(id, facts)).unwrap_or_default()
}

fn wake_needs(wake: &Wake, facts: &Facts) -> Needs {
    match wake {
        Wake::Escalate { incident } | Wake::UpdateDue { incident } | Wake::PageAgain { incident } | Wake::Unreconciled { incident } => {
            incident::decide::needs_of(*incident)
        }
        Wake::ApprovalExpires { emergency } | Wake::SessionLong { emergency } => emergency::decide::needs_of(*emergency, facts),
        Wake::WitnessSilent { emergency, .. } => {
            let mut needs = emergency::decide::needs_of(*emergency, facts);
            needs.presence.insert(*emergency);
            needs
        }
        Wake::Remind { obligation } | Wake::Overdue { obligation } | Wake::EscalateOwed { obligation } | Wake::Compare { obligation } => {
            obligation::decide::needs_of(*obligation, facts)
        }
        Wake::Examine { emergency } => emergency::decide::needs_of(*emergency, facts),
        Wake::MonthEnds => Needs::default(),
        Wake::AlertSettles { alert } | Wake::AlertLapses { alert } => alert::decide::needs_of(alert, facts),
        Wake::SilenceEnds { silence } => alert::silence::needs_of_end(*silence, facts),
    }
}

/// Decides. The permit proves that the actor may ask; whether it may happen is decided here.
pub fn decide(permit: Permit, facts: &Facts, command: &Command, now: Timestamp) -> Result<Decision, Refusal> {
    let mut decision = of_area(permit, facts, command, now)?;
    status::decide::last_words(facts, &mut decision, now);
    Ok(decision)
}

fn of_area(permit: Permit, facts: &Facts, command: &Command, now: Timestamp) -> Result<Decision, Refusal> {
    match command {
        Command::Account(command) => account::decide::decide(permit, facts, command, now),
        Command::Alert(command) => alert::decide::decide(&permit, facts, command, now),
        Command::Change(command) => change::decide::decide(&permit, facts, command, now),
        Command::Channel(command) => channel::decide(facts, command),
        Command::Contact(command) => contact::decide::decide(&permit, facts, command, now),
        Command::Emergency(command) => emergency::decide::decide(permit, facts, command, now),
        Command::Incident(command) => incident::decide::decide(permit, facts, command, now),
        Command::Monitor(command) => monitor::decide(&permit, facts, command, now),
        Command::Obligation(command) => obligation::decide::decide(permit, facts, command, now),
        Command::Offline(command) => offline::decide::decide(facts, command, now),
        Command::Oncall(command) => oncall::decide::decide(&permit, facts, command, now),
        Command::Page(page::Command::Report { effect, reported }) if contact::test_of(effect).is_some() => {
            contact::decide::reported(facts, effect, reported)
        }
        Command::Page(page::Command::Report { effect, reported }) => page::report::decide(facts, effect, reported, now),
        Command::Policy(command) => policy::decide(permit, facts, command),
        Command::Postmortem(command) => postmortem::decide::decide(&permit, facts, command, now),
        Command::Review(command) => review::decide::decide(facts, command, now),
        Command::Session(command) => session::decide::decide(&permit, facts, command, now),
        Command::Outcome(OutcomeCommand::Ended { effect, outcome }) => {
            let mut decision = if effect.0.starts_with("emg_") {
                emergency::decide::ended(facts, effect, outcome, now)?
            } else if contact::test_of(effect).is_some() {
                contact::decide::ended(facts, effect, outcome)?
            } else if effect.0.starts_with("page/") {
                page::decide::ended(facts, effect, outcome, now)?
            } else if postmortem::decide::incident_of(effect).is_some() {
                postmortem::decide::ended(facts, effect, outcome)?
            } else if effect.0.starts_with("status/") {
                status::decide::ended(facts, effect, outcome)?
            } else if effect.0.starts_with("post/") {
                chat::ended(facts, effect, outcome)?
            } else {
                obligation::decide::ended(facts, effect, outcome, now)?
            };
            decision.settles = Some(effect.clone());
            Ok(decision)
        }
        Command::Outcome(OutcomeCommand::InDoubt { effect }) => {
            let mut decision = emergency::decide::in_doubt(facts, effect)?;
            decision.settles = Some(effect.clone());
            Ok(decision)
        }
        Command::Wake(wake) => match wake {
            Wake::Escalate { incident } => incident::escalation::escalate(facts, *incident, now),
            Wake::PageAgain { incident } => page::decide::again(facts, *incident, now),
            Wake::UpdateDue { incident } => incident::decide::update_due(facts, *incident, now),
            Wake::ApprovalExpires { emergency } => emergency::decide::approval_expires(facts, *emergency, now),
            Wake::SessionLong { emergency } => emergency::decide::session_long(facts, *emergency, now),
            Wake::WitnessSilent { emergency, person } => emergency::decide::witness_silent(facts, *emergency, person, now),
            Wake::Remind { obligation } => obligation::decide::remind(facts, *obligation, now),
            Wake::Overdue { obligation } => obligation::decide::overdue(facts, *obligation, now),
            Wake::EscalateOwed { obligation } => obligation::decide::escalate(facts, *obligation, now),
            Wake::Compare { obligation } => obligation::decide::compare_due(facts, *obligation, now),
            // What was found comes as a command of its own: a search reads more than a decision may.
            Wake::Examine { .. } => Err(Refusal::Stale),
            Wake::MonthEnds => review::decide::month_ends(facts, now),
            Wake::Unreconciled { incident } => offline::decide::unreconciled(facts, *incident, now),
            Wake::AlertSettles { alert } => alert::decide::settles(facts, alert, now),
            Wake::AlertLapses { alert } => alert::decide::lapses(facts, alert, now),
            Wake::SilenceEnds { silence } => alert::silence::ends(facts, *silence, now),
        },
    }
}
