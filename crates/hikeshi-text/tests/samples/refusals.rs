//! One of every refusal, flaw and weakening.

use hikeshi_domain::emergency::{ConditionName, Quorum, Status};
use hikeshi_domain::ids::TargetName;
use hikeshi_domain::incident::{Duty, Stage};
use hikeshi_domain::obligation::Kind;
use hikeshi_domain::offline::{LocalFlaw, StatementFlaw};
use hikeshi_domain::page::Means;
use hikeshi_domain::policy::{Flaw, FlawKind, Weakening};
use hikeshi_domain::refusal::Refusal;
use hikeshi_domain::signature::SignatureFlaw;
use hikeshi_domain::signature::passkey::AssertionFlaw;
use hikeshi_domain::signature::ssh::KeyStanding;

use super::{EMG, INC, OBL, at, digest, every, person, role};

fn roles() -> Vec<hikeshi_domain::ids::RoleName> {
    vec![role("cto"), role("dev-lead")]
}

fn quorum() -> Quorum {
    Quorum { present: vec![person("mori")], needed: 2, seniors: vec![], seniors_needed: 1, met: false }
}

fn text(words: &str) -> String {
    words.to_owned()
}

every! {
    /// Every refusal, with what a real one carries.
    refusals: Refusal {
        UnknownActor => Refusal::UnknownActor,
        RoleMissing => Refusal::RoleMissing { command: text("incident.triage"), roles: vec![role("operator")] },
        TextMissing => Refusal::TextMissing { field: text("reason") },
        TextTooLong => Refusal::TextTooLong { field: text("summary"), chars_max: 10_000, chars: 12_345 },
        TooMany => Refusal::TooMany { field: text("steps"), max: 50, given: 51 },
        NotInPolicy => Refusal::NotInPolicy { what: text("service"), given: text("reservatoin"), nearest: Some(text("reservation")) },
        NotFound => Refusal::NotFound { what: text("incident"), given: text("inc_99") },
        NoPaging => Refusal::NoPaging,
        NoWayToReach => Refusal::NoWayToReach { people: vec![person("mori")] },
        TestedJustNow => Refusal::TestedJustNow { minutes: 5 },
        NoTestToConfirm => Refusal::NoTestToConfirm { means: Means::Sms },
        NoWebPush => Refusal::NoWebPush,
        PushServiceUnknown => Refusal::PushServiceUnknown { service: text("https://push.example.jp") },
        BrowserUnknown => Refusal::BrowserUnknown,
        ContactsUnproven => Refusal::ContactsUnproven { missing: vec![(person("mori"), Some(Means::Mail)), (person("tanaka"), None)] },
        TimeInFuture => Refusal::TimeInFuture { field: text("detected_at") },
        TimeInPast => Refusal::TimeInPast { field: text("starts_at") },
        SecretInText => Refusal::SecretInText { field: text("summary") },
        SilenceLength => Refusal::SilenceLength { minutes_max: 10_080 },
        SilenceOfNothing => Refusal::SilenceOfNothing,
        IncidentOver => Refusal::IncidentOver { incident: INC },
        AlreadyAcknowledged => Refusal::AlreadyAcknowledged { incident: INC, by: person("tanaka") },
        EverybodyCalled => Refusal::EverybodyCalled { incident: INC },
        NobodyHasIt => Refusal::NobodyHasIt { incident: INC },
        SameDuty => Refusal::SameDuty { incident: INC, duty: Duty::Commander },
        SameStage => Refusal::SameStage { stage: Stage::Cause },
        ReasonForGoingBack => Refusal::ReasonForGoingBack { from: Stage::Cause, to: Stage::Impact },
        OverrideReason => Refusal::OverrideReason,
        NoStatusPage => Refusal::NoStatusPage,
        NotResolved => Refusal::NotResolved { incident: INC },
        AlreadyResolved => Refusal::AlreadyResolved { incident: INC },
        LinkUnfit => Refusal::LinkUnfit,
        IncidentAway => Refusal::IncidentAway { incident: INC },
        IncidentMerged => Refusal::IncidentMerged { incident: INC, into: hikeshi_domain::ids::IncidentId(9) },
        MergedWithItself => Refusal::MergedWithItself { incident: INC },
        MergedUnderException => Refusal::MergedUnderException { incident: INC, emergency: EMG },
        StillPublic => Refusal::StillPublic { incident: INC },
        AlertElsewhere => Refusal::AlertElsewhere { incident: INC, alert: text("prometheus/1f0b3c") },
        SplitLeavesNone => Refusal::SplitLeavesNone { incident: INC },
        PostmortemWritten => Refusal::PostmortemWritten { incident: INC },
        PostmortemMissing => Refusal::PostmortemMissing { incident: INC },
        EmergencyStillOpen => Refusal::EmergencyStillOpen { incident: INC, emergency: EMG },
        CoverBackwards => Refusal::CoverBackwards { from: at("15:00:00"), until: at("03:00:00") },
        CoverTooFar => Refusal::CoverTooFar { days_max: 366 },
        CoverOfOthers => Refusal::CoverOfOthers { person: person("tanaka"), roles: vec![role("lead"), role("manager")] },
        CoverOver => Refusal::CoverOver { id: hikeshi_domain::ids::OverrideId(5) },
        ConditionMissing => Refusal::ConditionMissing { condition: ConditionName::CannotWait, evidence_missing: true },
        NotSerious => Refusal::NotSerious { incident: INC, priority: text("P4") },
        WrongEnvironment => Refusal::WrongEnvironment { environment: text("staging") },
        JudgeNotEntitled => Refusal::JudgeNotEntitled { person: person("mori"), roles: roles() },
        PlanEmpty => Refusal::PlanEmpty { part: text("steps") },
        ScopeOutside => Refusal::ScopeOutside { path: text("../etc") },
        TimeoutTooLong => Refusal::TimeoutTooLong { step: 2, max_s: 3600 },
        TargetElsewhere => Refusal::TargetElsewhere {
            target: TargetName::new("search-prod").unwrap(), service: text("reservation"), environment: text("production")
        },
        ExecutorNotEntitled => Refusal::ExecutorNotEntitled { person: person("mori") },
        WrongStatus => Refusal::WrongStatus { emergency: EMG, status: Status::BackingUp },
        SelfApproval => Refusal::SelfApproval { person: person("tanaka") },
        ExecutorApproves => Refusal::ExecutorApproves { person: person("sato") },
        ApproverNotEntitled => Refusal::ApproverNotEntitled { roles: roles() },
        DigestDiffers => Refusal::DigestDiffers { given: digest("old"), current: digest("plan") },
        AlreadyApproved => Refusal::AlreadyApproved { person: person("sato") },
        ApprovalMissing => Refusal::ApprovalMissing { missing: vec![role("cto")], every_role: true, because: vec![OBL] },
        ApprovalExpired => Refusal::ApprovalExpired { at: at("07:12:00") },
        WitnessIsExecutor => Refusal::WitnessIsExecutor { person: person("tanaka") },
        WitnessNotEntitled => Refusal::WitnessNotEntitled { person: person("tanaka"), roles: vec![role("senior")] },
        NotAWitness => Refusal::NotAWitness { person: person("mori") },
        QuorumMissing => Refusal::QuorumMissing { quorum: quorum() },
        Held => Refusal::Held { by: person("ito"), reason: text("exit code") },
        NotHeld => Refusal::NotHeld,
        OnlyWitnessResumes => Refusal::OnlyWitnessResumes,
        NotExecutor => Refusal::NotExecutor { executor: person("tanaka") },
        BackupMissing => Refusal::BackupMissing,
        NoSuchStep => Refusal::NoSuchStep { step: 3, steps: 2 },
        StepOutOfOrder => Refusal::StepOutOfOrder { step: 2, next: 1 },
        StepAlreadyDone => Refusal::StepAlreadyDone { step: 1 },
        StepRunning => Refusal::StepRunning { step: 1 },
        StepUnsettled => Refusal::StepUnsettled { step: 1 },
        NotInDoubt => Refusal::NotInDoubt { step: 1 },
        EarlierStepFailed => Refusal::EarlierStepFailed { step: 1 },
        ConfirmationDiffers => Refusal::ConfirmationDiffers { expected: text("emg_3") },
        NothingRun => Refusal::NothingRun,
        AlreadyRestored => Refusal::AlreadyRestored,
        NotInvolved => Refusal::NotInvolved { who: vec![person("tanaka"), person("sato")] },
        ChecksDeclared => Refusal::ChecksDeclared { aspect: text("solved") },
        ApprovalUnsigned => Refusal::ApprovalUnsigned,
        SignatureFlawed => Refusal::SignatureFlawed { flaw: SignatureFlaw::OtherNamespace { given: text("git") } },
        SignatureKeyUnknown => Refusal::SignatureKeyUnknown { fingerprint: text("SHA256:abc") },
        SignatureKeyInvalid => Refusal::SignatureKeyInvalid {
            person: person("sato"), fingerprint: text("SHA256:abc"), standing: KeyStanding::Revoked { at: at("02:00:00") }
        },
        SignatureDiffers => Refusal::SignatureDiffers { person: person("sato"), current: digest("plan") },
        SignerNotEntitled => Refusal::SignerNotEntitled { person: person("ito"), roles: roles() },
        AssertionFlawed => Refusal::AssertionFlawed { flaw: AssertionFlaw::CounterBack { last: 7, given: 6 } },
        NotAttestable => Refusal::NotAttestable { person: person("tanaka") },
        VerificationMissing => Refusal::VerificationMissing { solved: false, unaffected: true },
        ChangesUnaccepted => Refusal::ChangesUnaccepted { paths: (1..=7).map(|number| format!("run/{number}")).collect(), unlisted: 0 },
        NoSuchChange => Refusal::NoSuchChange { path: text("config/x") },
        NotOutOfScope => Refusal::NotOutOfScope { path: text("config/app.toml") },
        ContentNotKept => Refusal::ContentNotKept { path: text("run/cache") },
        OnlyApproverAccepts => Refusal::OnlyApproverAccepts { approvers: vec![person("sato")] },
        TerminalNotPlanned => Refusal::TerminalNotPlanned,
        SessionOpen => Refusal::SessionOpen { session: 1 },
        NoSuchSession => Refusal::NoSuchSession { session: 7 },
        SessionOver => Refusal::SessionOver { session: 1 },
        FilesNotSeen => Refusal::FilesNotSeen,
        StepUnconfirmed => Refusal::StepUnconfirmed { step: 2, title: text("write") },
        StepNotDangerous => Refusal::StepNotDangerous { step: 1 },
        NothingAsked => Refusal::NothingAsked { session: 1 },
        DeviceKeyUnreadable => Refusal::DeviceKeyUnreadable,
        RangeUnfit => Refusal::RangeUnfit { from: 12, to: 8, bytes_max: 1_048_576 },
        NoRedactionProposed => Refusal::NoRedactionProposed { session: 1, redaction: 2 },
        RedactionSelfAgreed => Refusal::RedactionSelfAgreed { person: person("ito") },
        RecordedElsewhere => Refusal::RecordedElsewhere { session: 1 },
        DeviceShared => Refusal::DeviceShared { with: person("ito") },
        WrongKind => Refusal::WrongKind { obligation: OBL, kind: Kind::Report },
        ObligationOver => Refusal::ObligationOver { obligation: OBL },
        ObligationBusy => Refusal::ObligationBusy { obligation: OBL },
        RequestNotOpen => Refusal::RequestNotOpen { obligation: OBL },
        NoDrift => Refusal::NoDrift { obligation: OBL },
        EmergencyNotClosed => Refusal::EmergencyNotClosed { emergency: EMG },
        ForgeMissing => Refusal::ForgeMissing,
        MeetingAfterDue => Refusal::MeetingAfterDue { due_at: at("23:25:00") },
        PreventionMissing => Refusal::PreventionMissing,
        DriftSelfAccepted => Refusal::DriftSelfAccepted { person: person("tanaka") },
        CorrectionSelfFinished => Refusal::CorrectionSelfFinished { person: person("tanaka") },
        PolicyFlawed => Refusal::PolicyFlawed { flaws: flaws().into_iter().map(|(_, what)| Flaw { at: vec![text("people")], what }).take(2).collect() },
        PolicyUnchanged => Refusal::PolicyUnchanged,
        NoPolicyPending => Refusal::NoPolicyPending,
        PolicyApprovedTwice => Refusal::PolicyApprovedTwice { person: person("sato") },
        LinkInvalid => Refusal::LinkInvalid,
        PasskeyUnknown => Refusal::PasskeyUnknown,
        PasskeyTaken => Refusal::PasskeyTaken,
        TokenUnknown => Refusal::TokenUnknown,
        RoleNotHeld => Refusal::RoleNotHeld { role: role("cto") },
        NotYours => Refusal::NotYours,
        SessionUnknown => Refusal::SessionUnknown,
        SelfReview => Refusal::SelfReview { person: person("tanaka") },
        NotLocal => Refusal::NotLocal,
        PolicyOfLocal => Refusal::PolicyOfLocal,
        LocalInvite => Refusal::LocalInvite,
        LocalOneCase => Refusal::LocalOneCase { incident: INC },
        TrustEnded => Refusal::TrustEnded { until: at("23:00:00") },
        StatementFlawed => Refusal::StatementFlawed { flaw: StatementFlaw::OtherLedger { given: text("example.jp/hikeshi/local/app-2") } },
        LocalFlawed => Refusal::LocalFlawed {
            flaw: LocalFlaw::RuleBroken { seq: 12, refusal: Box::new(Refusal::QuorumMissing { quorum: quorum() }) }
        },
        LocalUsed => Refusal::LocalUsed {
            ledger: text("example.jp/hikeshi/local/app-1-0a1b2c3d"),
            incident: INC,
            by: person("tanaka"),
        },
        Stale => Refusal::Stale,
    }
}

every! {
    /// Every mistake of a policy.
    flaws: FlawKind {
        Unknown => FlawKind::Unknown { wanted: text("role"), given: text("devleader"), nearest: Some(text("dev-lead")) },
        Empty => FlawKind::Empty,
        TooFew => FlawKind::TooFew { needed: 3, have: 2 },
        OutOfBounds => FlawKind::OutOfBounds { min: text("1"), max: text("20"), given: text("0") },
        NotAbsolute => FlawKind::NotAbsolute { given: text("srv/reservation") },
        BackupsInsideRoot => FlawKind::BackupsInsideRoot,
        BadUrl => FlawKind::BadUrl { given: text("reservation.example") },
        ExactlyOne => FlawKind::ExactlyOne { of: vec![text("url"), text("tcp"), text("heartbeat")] },
        AtLeastOne => FlawKind::AtLeastOne { of: vec![text("above"), text("below"), text("objective")] },
        NotHttps => FlawKind::NotHttps { given: text("http://reserve.example.jp/") },
        NoWindow => FlawKind::NoWindow,
        BadFilter => FlawKind::BadFilter { given: text("ERROR|("), detail: text("error: unclosed group") },
        BadAddress => FlawKind::BadAddress { given: text("db1") },
        BadTimeZone => FlawKind::BadTimeZone { given: text("Tokyo") },
        OnlyFor => FlawKind::OnlyFor { format: text("mail") },
        BadPattern => FlawKind::BadPattern { given: text("("), detail: text("unclosed group") },
        BadCell => FlawKind::BadCell { given: text("all+now"), nearest: None },
        BadSshKey => FlawKind::BadSshKey { given: text("ssh-ed25519"), unsupported: None },
        SharedSshKey => FlawKind::SharedSshKey { other: text("mori") },
        BadSshDestination => FlawKind::BadSshDestination { given: text("-oProxyCommand=x") },
        NotAscending => FlawKind::NotAscending,
        NeverWaits => FlawKind::NeverWaits { given: text("P1") },
        NoHours => FlawKind::NoHours { given: text("09:00") },
        BadNumber => FlawKind::BadNumber { given: text("090-1234-5678") },
        SameAs => FlawKind::SameAs { other: text("mori") },
    }
}

every! {
    /// Every way in which a policy can be loosened.
    weakenings: Weakening {
        Number => Weakening::Number { what: text("emergency.witnesses_min"), from: 2, to: 1 },
        RolesWidened => Weakening::RolesWidened { what: text("emergency.approver_roles"), added: vec![role("developer")] },
        RoleGranted => Weakening::RoleGranted { person: person("mori"), role: role("cto") },
        PermissionWidened => Weakening::PermissionWidened { command: text("emergency.request") },
        EnvironmentOpened => Weakening::EnvironmentOpened { environment: text("staging") },
        KeyAdded => Weakening::KeyAdded { person: person("sato"), fingerprint: text("SHA256:abc") },
        SignatureDropped => Weakening::SignatureDropped,
        ChatIdentity => Weakening::ChatIdentity { person: person("sato") },
        MaskRemoved => Weakening::MaskRemoved { what: text("DB_PASSWORD") },
        SecretSent => Weakening::SecretSent { variable: text("SLACK_BOT_TOKEN"), to: text("https://slack.test/api/") },
        RunsByItself => Weakening::RunsByItself { monitor: hikeshi_domain::ids::MonitorName::new("disk").unwrap() },
    }
}
