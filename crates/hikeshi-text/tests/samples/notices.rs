//! One of every announcement.

use hikeshi_domain::channel::Notice;
use hikeshi_domain::chat::ChatTrouble;
use hikeshi_domain::emergency::{Ending, Means, Requirement};
use hikeshi_domain::ids::SilenceId;
use hikeshi_domain::incident::{Duty, Level, Priority, Stage, WhyEscalated};
use hikeshi_domain::obligation::Kind;
use hikeshi_domain::people::Actor;
use hikeshi_domain::review::FindingName;
use hikeshi_domain::session::SessionEnd;

use super::{OBL, at, digest, every, person};

/// What a rule says instead of a person.
pub fn inhibitions() -> Vec<(&'static str, Notice)> {
    let silence = super::inhibition();
    let lifted_by = Some(silence.by.clone());
    vec![
        ("Inhibition", Notice::Silenced { silence: Box::new(silence) }),
        ("Inhibition ended", Notice::SilenceEnded { silence: SilenceId(4), lifted_by }),
    ]
}

fn text(words: &str) -> String {
    words.to_owned()
}

every! {
    /// Every announcement, with what a real one carries.
    notices: Notice {
        IncidentOpened => Notice::IncidentOpened { title: text("no reservations"), priority: Priority::P1 },
        IncidentAcknowledged => Notice::IncidentAcknowledged { by: person("tanaka") },
        PriorityChanged => Notice::PriorityChanged { priority: Priority::P2 },
        StageMoved => Notice::StageMoved { stage: Stage::Mitigation },
        StatusUpdate => Notice::StatusUpdate { text: text("cause found") },
        StatusUpdateDue => Notice::StatusUpdateDue { priority: Priority::P1 },
        Published => Notice::Published { state: hikeshi_domain::status::PublicState::Identified, by_hand: true },
        Escalated => Notice::Escalated { level: Level { level: 2, round: 1 }, why: WhyEscalated::Unanswered { minutes: 15 } },
        NobodyOnCall => Notice::NobodyOnCall { level: Level { level: 1, round: 1 }, schedules: vec![text("first line")] },
        OncallTaken => Notice::OncallTaken { schedule: text("first line"), person: person("tanaka"), from: at("03:00:00"), until: at("15:00:00") },
        OncallGivenBack => Notice::OncallGivenBack {
            schedule: text("first line"), person: person("tanaka"), from: at("03:00:00"), until: at("15:00:00")
        },
        IncidentMerged => Notice::IncidentMerged { incident: hikeshi_domain::ids::IncidentId(9), worse: Some(Priority::P1) },
        MergedInto => Notice::MergedInto { into: hikeshi_domain::ids::IncidentId(9) },
        IncidentSplit => Notice::IncidentSplit { from: hikeshi_domain::ids::IncidentId(9), into: hikeshi_domain::ids::IncidentId(10) },
        DutyAssigned => Notice::DutyAssigned { duty: Duty::Commander, person: Some(person("tanaka")) },
        HandedOver => Notice::HandedOver { from: person("tanaka"), to: person("sato"), note: text("the pool is full") },
        IncidentResolved => Notice::IncidentResolved { what: text("pool = 20") },
        PostmortemWritten => Notice::PostmortemWritten { by: person("tanaka"), items: 2 },
        AlertsGrow => Notice::AlertsGrow { fired: 100 },
        AlertsClear => Notice::AlertsClear { resolved: true },
        Silenced => Notice::Silenced { silence: Box::new(super::silence()) },
        SilenceEnded => Notice::SilenceEnded { silence: SilenceId(4), lifted_by: Some(hikeshi_domain::alert::inhibit::By::Person(person("sato"))) },
        EmergencyRequested => Notice::EmergencyRequested {
            summary: text("pool = 20"), reason: text("CI is down"), digest: digest("plan"), requirement: Requirement { every_role: true, because: vec![OBL] }
        },
        PlanRevised => Notice::PlanRevised { digest: digest("plan"), revision: 2 },
        EmergencyApproved => Notice::EmergencyApproved {
            by: person("sato"), judgement: text("small enough"), digest: digest("plan"), complete: false, expires_at: at("07:12:00"),
            means: Means::Ssh { key: text("SHA256:abc"), brought_by: person("ito") }
        },
        EmergencyDeclined => Notice::EmergencyDeclined { by: person("sato"), reason: text("the normal flow works") },
        EmergencyCancelled => Notice::EmergencyCancelled { reason: text("recovered") },
        ApprovalExpired => Notice::ApprovalExpired,
        SessionStarted => Notice::SessionStarted { executor: person("tanaka") },
        TerminalOpened => Notice::TerminalOpened { executor: person("tanaka"), session: 1 },
        RedactionProposed => Notice::RedactionProposed {
            session: 1, redaction: 1, by: person("sato"), bytes: 32, reason: text("an API key was printed")
        },
        RedactionEnded => Notice::RedactionEnded { session: 1, redaction: 1, done: false },
        LineUnconfirmed => Notice::LineUnconfirmed { session: 1, command: 4, words: text("drop table") },
        TerminalStopped => Notice::TerminalStopped { by: person("ito"), session: 1, reason: text("wrong file") },
        TerminalEnded => Notice::TerminalEnded { session: 1, end: SessionEnd::Exited { code: Some(0) } },
        SessionLong => Notice::SessionLong { minutes: 120 },
        WitnessJoined => Notice::WitnessJoined { person: person("ito") },
        WitnessLeft => Notice::WitnessLeft { person: person("ito"), lost: true },
        Held => Notice::Held { by: person("ito"), reason: text("wrong file") },
        Resumed => Notice::Resumed { by: person("ito") },
        OutOfScope => Notice::OutOfScope { path: text("run/cache") },
        StepFailed => Notice::StepFailed { step: 2, title: text("write") },
        StepInDoubt => Notice::StepInDoubt { step: 2, title: text("write") },
        VerificationFailed => Notice::VerificationFailed,
        Restored => Notice::Restored { by: person("tanaka") },
        EmergencyClosed => Notice::EmergencyClosed { ending: Ending::Solved },
        ObligationsRaised => Notice::ObligationsRaised { obligations: vec![OBL] },
        ObligationReminder => Notice::ObligationReminder { obligation: OBL, kind: Kind::Report, due_at: at("23:25:00") },
        ObligationOverdue => Notice::ObligationOverdue { obligation: OBL, kind: Kind::ChangeRequest },
        ObligationEscalated => Notice::ObligationEscalated { obligation: OBL, kind: Kind::Report, step: 2, due_at: at("23:25:00") },
        ContactTestDue => Notice::ContactTestDue { obligation: OBL, due_at: at("23:25:00") },
        ReportDue => Notice::ReportDue { obligation: OBL, period: "2026-Q4".parse().unwrap(), due_at: at("23:25:00") },
        AbuseFound => Notice::AbuseFound { kinds: vec![FindingName::Repeated, FindingName::RecordGap], obligations: vec![OBL] },
        ObligationDone => Notice::ObligationDone { obligation: OBL, kind: Kind::Retrospective },
        SignInLinkIssued => Notice::SignInLinkIssued { person: person("mori"), by: Actor::person(person("sato")) },
        OfflineAnnounced => Notice::OfflineAnnounced {
            title: text("no reservations"), host: text("app-1"), by: person("tanaka"), due_at: at("23:25:00")
        },
        OfflineLate => Notice::OfflineLate { title: text("no reservations"), host: text("app-1") },
        OfflineReconciled => Notice::OfflineReconciled {
            host: text("app-1"), by: person("tanaka"), emergencies: vec![super::EMG], degraded: super::degraded()
        },
        PolicyAwaitsApproval => Notice::PolicyAwaitsApproval { digest: digest("policy") },
        PolicyAdopted => Notice::PolicyAdopted { digest: digest("policy") },
        ChatUndelivered => Notice::ChatUndelivered { trouble: ChatTrouble { code: text("not_in_channel"), channel: text("emergency-deploy") } },
    }
}
