//! Everything this product can be asked to do, in one enum: the table of contents.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::effect::{EffectKey, Outcome};
use crate::ids::{Digest, RequestKey};
use crate::people::{Actor, Via};
use crate::policy::Policy;
use crate::timer::Wake;
use crate::{
    account, alert, change, channel, contact, emergency, incident, monitor, obligation, offline, oncall, page, postmortem, review, session,
};

/// A command on its way to the door.
#[derive(Debug, Clone, PartialEq)]
pub struct Envelope {
    pub key: RequestKey,
    pub actor: Actor,
    pub via: Via,
    pub command: Command,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "area", rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "one command at a time passes the door; a box would only be another line to read")]
pub enum Command {
    Account(account::Command),
    Alert(alert::Command),
    Change(change::Command),
    Channel(channel::Command),
    Contact(contact::Command),
    Emergency(emergency::Command),
    Incident(incident::Command),
    Monitor(monitor::Command),
    Obligation(obligation::Command),
    Offline(offline::Command),
    Oncall(oncall::Command),
    Page(page::Command),
    Policy(PolicyCommand),
    Postmortem(postmortem::Command),
    /// What the program found when it looked back.
    Review(review::Command),
    Session(session::Command),
    /// What became of an effect.
    Outcome(OutcomeCommand),
    /// A deadline has come.
    Wake(Wake),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum PolicyCommand {
    /// The file has changed. A change that loosens a four-eyes rule waits for two other people (rule A3).
    Adopt {
        policy: Box<Policy>,
    },
    Approve {
        digest: Digest,
    },
    Reject {
        digest: Digest,
        reason: String,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum OutcomeCommand {
    /// It ended, well or badly.
    Ended { effect: EffectKey, outcome: Box<Outcome> },
    /// Nobody can tell whether it happened, and guessing is not allowed.
    InDoubt { effect: EffectKey },
}

macro_rules! kinds {
    ($($pattern:pat => $kind:literal,)*) => {
        impl Command {
            /// The command's name on every face: CLI, API, ledger, policy row.
            pub fn kind(&self) -> &'static str {
                match self { $($pattern => $kind,)* }
            }
        }
        /// Every kind, in the order of the match above, which the compiler keeps complete.
        pub const KINDS: &[&str] = &[$($kind),*];
    };
}

kinds! {
    Command::Account(account::Command::Invite { .. }) => "account.invite",
    Command::Account(account::Command::SignIn { .. }) => "account.sign_in",
    Command::Account(account::Command::SignOut { .. }) => "account.sign_out",
    Command::Account(account::Command::AddPasskey { .. }) => "account.add_passkey",
    Command::Account(account::Command::RemovePasskey { .. }) => "account.remove_passkey",
    Command::Account(account::Command::IssueToken { .. }) => "account.issue_token",
    Command::Account(account::Command::RevokeToken { .. }) => "account.revoke_token",
    Command::Account(account::Command::Enter { .. }) => "account.enter",
    Command::Alert(alert::Command::Report { .. }) => "alert.report",
    Command::Alert(alert::Command::Silence { .. }) => "alert.silence",
    Command::Alert(alert::Command::Unsilence { .. }) => "alert.unsilence",
    Command::Change(change::Command::Record { .. }) => "change.record",
    Command::Channel(channel::Command::Post { .. }) => "channel.post",
    Command::Contact(contact::Command::Test { .. }) => "contact.test",
    Command::Contact(contact::Command::Confirm { .. }) => "contact.confirm",
    Command::Contact(contact::Command::AddBrowser { .. }) => "contact.add_browser",
    Command::Contact(contact::Command::RemoveBrowser { .. }) => "contact.remove_browser",
    Command::Contact(contact::Command::LoseBrowser { .. }) => "contact.lose_browser",
    Command::Emergency(emergency::Command::Request { .. }) => "emergency.request",
    Command::Emergency(emergency::Command::Revise { .. }) => "emergency.revise",
    Command::Emergency(emergency::Command::Approve { .. }) => "emergency.approve",
    Command::Emergency(emergency::Command::ApprovePasskey { .. }) => "emergency.approve_passkey",
    Command::Emergency(emergency::Command::ApproveSigned { .. }) => "emergency.approve_signed",
    Command::Emergency(emergency::Command::Decline { .. }) => "emergency.decline",
    Command::Emergency(emergency::Command::Cancel { .. }) => "emergency.cancel",
    Command::Emergency(emergency::Command::Join { .. }) => "emergency.join",
    Command::Emergency(emergency::Command::Watch { .. }) => "emergency.watch",
    Command::Emergency(emergency::Command::Leave { .. }) => "emergency.leave",
    Command::Emergency(emergency::Command::Hold { .. }) => "emergency.hold",
    Command::Emergency(emergency::Command::Resume { .. }) => "emergency.resume",
    Command::Emergency(emergency::Command::Start { .. }) => "emergency.start",
    Command::Emergency(emergency::Command::Confirm { .. }) => "emergency.confirm",
    Command::Emergency(emergency::Command::Step { .. }) => "emergency.step",
    Command::Emergency(emergency::Command::Settle { .. }) => "emergency.settle",
    Command::Emergency(emergency::Command::Verify { .. }) => "emergency.verify",
    Command::Emergency(emergency::Command::Attest { .. }) => "emergency.attest",
    Command::Emergency(emergency::Command::Accept { .. }) => "emergency.accept",
    Command::Emergency(emergency::Command::Revert { .. }) => "emergency.revert",
    Command::Emergency(emergency::Command::Restore { .. }) => "emergency.restore",
    Command::Emergency(emergency::Command::Close { .. }) => "emergency.close",
    Command::Incident(incident::Command::Open { .. }) => "incident.open",
    Command::Incident(incident::Command::Triage { .. }) => "incident.triage",
    Command::Incident(incident::Command::Acknowledge { .. }) => "incident.acknowledge",
    Command::Incident(incident::Command::Escalate { .. }) => "incident.escalate",
    Command::Incident(incident::Command::Assign { .. }) => "incident.assign",
    Command::Incident(incident::Command::HandOver { .. }) => "incident.hand_over",
    Command::Incident(incident::Command::Move { .. }) => "incident.move",
    Command::Incident(incident::Command::Update { .. }) => "incident.update",
    Command::Incident(incident::Command::Publish { .. }) => "incident.publish",
    Command::Incident(incident::Command::Note { .. }) => "incident.note",
    Command::Incident(incident::Command::Resolve { .. }) => "incident.resolve",
    Command::Incident(incident::Command::Merge { .. }) => "incident.merge",
    Command::Incident(incident::Command::Split { .. }) => "incident.split",
    Command::Monitor(monitor::Command::Fire { .. }) => "monitor.fire",
    Command::Monitor(monitor::Command::Recover { .. }) => "monitor.recover",
    Command::Obligation(obligation::Command::Propose { .. }) => "obligation.propose",
    Command::Obligation(obligation::Command::Compare { .. }) => "obligation.compare",
    Command::Obligation(obligation::Command::AcceptDrift { .. }) => "obligation.accept_drift",
    Command::Obligation(obligation::Command::Report { .. }) => "obligation.report",
    Command::Obligation(obligation::Command::Schedule { .. }) => "obligation.schedule",
    Command::Obligation(obligation::Command::Hold { .. }) => "obligation.hold",
    Command::Obligation(obligation::Command::Finish { .. }) => "obligation.finish",
    Command::Obligation(obligation::Command::Present { .. }) => "obligation.present",
    Command::Offline(offline::Command::Announce { .. }) => "offline.announce",
    Command::Offline(offline::Command::Import { .. }) => "offline.import",
    Command::Offline(offline::Command::TurnAway { .. }) => "offline.turn_away",
    Command::Oncall(oncall::Command::Override { .. }) => "oncall.override",
    Command::Oncall(oncall::Command::Cancel { .. }) => "oncall.cancel",
    Command::Page(page::Command::Report { .. }) => "page.report",
    Command::Policy(PolicyCommand::Adopt { .. }) => "policy.adopt",
    Command::Policy(PolicyCommand::Approve { .. }) => "policy.approve",
    Command::Policy(PolicyCommand::Reject { .. }) => "policy.reject",
    Command::Postmortem(postmortem::Command::Write { .. }) => "postmortem.write",
    Command::Postmortem(postmortem::Command::Amend { .. }) => "postmortem.amend",
    Command::Postmortem(postmortem::Command::Import { .. }) => "postmortem.import",
    Command::Review(review::Command::Examine { .. }) => "review.examine",
    Command::Session(session::Command::Open { .. }) => "session.open",
    Command::Session(session::Command::Bind { .. }) => "session.bind",
    Command::Session(session::Command::Note { .. }) => "session.note",
    Command::Session(session::Command::Stop { .. }) => "session.stop",
    Command::Session(session::Command::Abandon { .. }) => "session.abandon",
    Command::Session(session::Command::Confirm { .. }) => "session.confirm",
    Command::Session(session::Command::Deny { .. }) => "session.deny",
    Command::Session(session::Command::Redact { .. }) => "session.redact",
    Command::Session(session::Command::AgreeRedaction { .. }) => "session.agree_redaction",
    Command::Session(session::Command::DeclineRedaction { .. }) => "session.decline_redaction",
    Command::Session(session::Command::Ask { .. }) => "session.ask",
    Command::Session(session::Command::Withdraw { .. }) => "session.withdraw",
    Command::Session(session::Command::Seal { .. }) => "session.seal",
    Command::Session(session::Command::Acknowledge { .. }) => "session.acknowledge",
    Command::Session(session::Command::Gate { .. }) => "session.gate",
    Command::Session(session::Command::End { .. }) => "session.end",
    Command::Outcome(OutcomeCommand::Ended { .. }) => "outcome.ended",
    Command::Outcome(OutcomeCommand::InDoubt { .. }) => "outcome.in_doubt",
    Command::Wake(Wake::Escalate { .. }) => "wake.escalate",
    Command::Wake(Wake::PageAgain { .. }) => "wake.page_again",
    Command::Wake(Wake::UpdateDue { .. }) => "wake.update_due",
    Command::Wake(Wake::ApprovalExpires { .. }) => "wake.approval_expires",
    Command::Wake(Wake::SessionLong { .. }) => "wake.session_long",
    Command::Wake(Wake::WitnessSilent { .. }) => "wake.witness_silent",
    Command::Wake(Wake::Remind { .. }) => "wake.remind",
    Command::Wake(Wake::Overdue { .. }) => "wake.overdue",
    Command::Wake(Wake::EscalateOwed { .. }) => "wake.escalate_owed",
    Command::Wake(Wake::Compare { .. }) => "wake.compare",
    Command::Wake(Wake::Examine { .. }) => "wake.examine",
    Command::Wake(Wake::MonthEnds) => "wake.month_ends",
    Command::Wake(Wake::Unreconciled { .. }) => "wake.unreconciled",
    Command::Wake(Wake::AlertSettles { .. }) => "wake.alert_settles",
    Command::Wake(Wake::AlertLapses { .. }) => "wake.alert_lapses",
    Command::Wake(Wake::SilenceEnds { .. }) => "wake.silence_ends",
}
