//! One of every event.

use hikeshi_domain::account::{Passkey, Proof, Session, Token};
use hikeshi_domain::alert::inhibit::By;
use hikeshi_domain::alert::silence::{SilenceEvent, SilenceStep};
use hikeshi_domain::alert::{AlertEvent, AlertStep, Fired, HowOver, Severity, Waits};
use hikeshi_domain::channel::{Body, Post};
use hikeshi_domain::chat::{ChatTrouble, Place};
use hikeshi_domain::contact::{BrowserChange, ContactEvent, ContactStep};
use hikeshi_domain::effect::EffectKey;
use hikeshi_domain::emergency::{
    Aspect, Backup, Doing, Emergency, Ending, FileContent, Looked, PutBack, PuttingBack, Replaced, Requirement, Trouble,
};
use hikeshi_domain::event::Event;
use hikeshi_domain::ids::{Digest, IncidentId, MonitorName, OverrideId, ScheduleName, SilenceId, TokenId};
use hikeshi_domain::incident::{Duty, Escalated, Level, Priority, RoomEvent, RoomStep, Stage, WhyEscalated};
use hikeshi_domain::monitor::{MonitorEvent, MonitorStep};
use hikeshi_domain::obligation::{Comparison, Drift, Held, Meeting, Report, Waiver};
use hikeshi_domain::offline::OfflineEvent;
use hikeshi_domain::oncall::{OncallEvent, Override};
use hikeshi_domain::page::{HowEnded, Means, PageEvent, Paged, Reported, Unreached};
use hikeshi_domain::people::Actor;
use hikeshi_domain::session::{
    Absence, Absent, Ack, Captured, CommandRef, DeviceKey, Gap, GapReason, HeldBecause, Inner, Known, LineAsk, RedactedBlock,
    RedactionEvent, RedactionStep, SealedBlock, SessionEnd, TypedCommand,
};

use super::{EMG, INC, OBL, at, changes, channel, digest, emergency, end, every, incident, obligation, person, plan, policy, request};

fn text(words: &str) -> String {
    words.to_owned()
}

fn monitor() -> MonitorName {
    MonitorName::new("reservation-http").unwrap()
}

fn key() -> EffectKey {
    EffectKey(text("emg_3/step/2/1"))
}

fn place() -> Place {
    Place { channel: channel(), incident: Some(INC), emergency: Some(EMG) }
}

fn content(name: &str) -> Option<FileContent> {
    Some(FileContent { digest: digest(name), bytes: 12, mode: 0o100_644, kept: true })
}

fn putting_back(path: &str) -> PuttingBack {
    PuttingBack { path: text(path), before: content("before"), seen: content("after") }
}

fn put_back(path: &str, failed: Option<&str>) -> PutBack {
    let changed_since = failed.is_none();
    PutBack { path: text(path), found: content("later"), now: content("before"), changed_since, failed: failed.map(str::to_owned) }
}

fn session() -> Session {
    Session { secret: digest("session"), opened_at: at("03:00:00"), expires_at: at("15:00:00") }
}

fn trouble(doing: Doing) -> Trouble {
    Trouble { doing, detail: text("No space left on device"), at: at("03:15:01") }
}

fn backup() -> Backup {
    emergency().backup.unwrap()
}

fn known() -> Emergency {
    let mut known = emergency();
    known.approvals[0].judgement = text("small enough");
    known
}

fn judgement() -> hikeshi_domain::obligation::Judgement {
    super::judgement()
}

fn raised() -> Requirement {
    Requirement { every_role: true, because: vec![OBL] }
}

fn typed() -> TypedCommand {
    TypedCommand {
        number: 2,
        text: text("psql -f fix.sql | tee log"),
        cut: false,
        cwd: text("/srv/reservation"),
        exit_code: Some(3),
        pipeline: vec![3, 0],
        known: Known::Integrated,
        within: None,
        inner: Inner::Unseen,
        forged: 0,
        started_at: at("03:14:00"),
        ended_at: Some(at("03:14:02")),
        output_from: 120,
        output_to: 480,
    }
}

fn gap() -> Gap {
    Gap { why: GapReason::RecorderLost, from: at("03:14:05"), to: at("03:14:06"), bytes: 4_096 }
}

fn redaction(step: RedactionStep) -> Event {
    Event::Redaction(RedactionEvent { emergency: EMG, session: 1, redaction: 1, step })
}

fn alert(step: AlertStep) -> Event {
    Event::Alert(AlertEvent { alert: "prometheus/1f0b3c".parse().unwrap(), title: text("no\nreservations"), incident: Some(INC), step })
}

/// What else may happen to an alert, beside its end.
pub fn alert_steps() -> Vec<(&'static str, Event)> {
    let fired = |waits| {
        let signal = Fired {
            group: "reservation/production".parse().unwrap(),
            summary: text(""),
            severity: Some(Severity::Critical),
            labels: std::collections::BTreeMap::new(),
            link: None,
            since: None,
            lapses_at: None,
            waits,
            said_at: None,
        };
        AlertStep::Fired(Box::new(signal))
    };
    let changed = AlertStep::Changed { summary: text(""), severity: Some(Severity::Error) };
    let steps = [
        ("Alert fired", fired(None)),
        ("Alert flapping", fired(Some(Waits::Flapping))),
        ("Alert changed", changed),
        ("Alert again", AlertStep::Again { said_at: at("03:14:00") }),
        ("Alert acknowledged", AlertStep::Acknowledged),
        ("Alert over", AlertStep::Over { how: HowOver::Told, said_at: None }),
        ("Alert raised", AlertStep::Raised),
        ("Alert silenced", fired(Some(Waits::Silenced { silence: SilenceId(4) }))),
        ("Alert silenced anew", AlertStep::Silenced { silence: SilenceId(5) }),
        ("Alert unwanted", AlertStep::Over { how: HowOver::Unwanted, said_at: None }),
    ];
    steps.map(|(name, step)| (name, alert(step))).into()
}

fn silence(step: SilenceStep) -> Event {
    Event::Silence(SilenceEvent { silence: SilenceId(4), step })
}

fn seen(incident: Option<IncidentId>, step: MonitorStep) -> Event {
    Event::Monitor(MonitorEvent { monitor: monitor(), incident, seen: text("500"), step })
}

/// What else may happen to a silence, and to a monitor.
pub fn silences() -> Vec<(&'static str, Event)> {
    let held = Some(SilenceId(4));
    vec![
        ("Silence lifted", silence(SilenceStep::Lifted { by: By::Person(person("sato")) })),
        ("Inhibition made", silence(SilenceStep::Made { made: Box::new(super::inhibition()) })),
        ("Inhibition lifted", silence(SilenceStep::Lifted { by: super::inhibition().by })),
        ("Silence looked", silence(SilenceStep::Looked)),
        ("Silence ended", silence(SilenceStep::Ended)),
        ("Monitor held", seen(None, MonitorStep::Fired { held, unmeasured: false })),
        ("Monitor cannot measure", seen(Some(INC), MonitorStep::Fired { held: None, unmeasured: true })),
        ("Monitor cannot measure, held", seen(None, MonitorStep::Fired { held, unmeasured: true })),
        ("Monitor released", seen(Some(INC), MonitorStep::Released { held: None })),
        ("Monitor held anew", seen(None, MonitorStep::Released { held })),
        ("Monitor recovered", seen(Some(INC), MonitorStep::Recovered)),
    ]
}

fn page(what: Paged) -> Event {
    Event::Page(PageEvent { incident: INC, step: 1, person: person("tanaka"), what })
}

fn contact(step: ContactStep) -> Event {
    Event::Contact(ContactEvent { person: person("tanaka"), means: Means::Voice, number: 2, step })
}

fn browser(change: BrowserChange) -> Event {
    let step = ContactStep::Browser { browser: Digest::of(b"browser"), change };
    Event::Contact(ContactEvent { person: person("tanaka"), means: Means::WebPush, number: 0, step })
}

/// What else may become of a test page.
pub fn contact_steps() -> Vec<(&'static str, Event)> {
    let failed = HowEnded::Failed { detail: text("HTTP 503"), permanent: false };
    vec![
        ("Browser added", browser(BrowserChange::Added { service: text("https://push.example.jp"), label: text("phone") })),
        ("Browser removed", browser(BrowserChange::Removed { label: text("phone"), gone: false })),
        ("Browser gone", browser(BrowserChange::Removed { label: text("phone"), gone: true })),
        ("Test sent", contact(ContactStep::Ended { how: HowEnded::Sent { reference: text("CA1"), repeated: false, bundle: Vec::new() } })),
        ("Test failed", contact(ContactStep::Ended { how: failed })),
        ("Test reported", contact(ContactStep::Reported { what: Reported::Delivered })),
        ("Test confirmed", contact(ContactStep::Confirmed)),
    ]
}

fn bundle() -> Vec<EffectKey> {
    [12, 13, 14].map(|number| EffectKey(format!("page/inc_{number}/1/tanaka/mail/1"))).into()
}

/// What else may happen to a page, beside its beginning.
pub fn page_steps() -> Vec<(&'static str, Event)> {
    let (means, number) = (Means::Mail, 1);
    let ended = |how| Paged::Ended { means, number, how };
    let reported = |what| Paged::Reported { means: Means::Voice, number, what };
    let steps = [
        ("Page again", Paged::Queued { means: Means::Webhook, number: 2, effect: key() }),
        ("Page sent", ended(HowEnded::Sent { reference: text("250 queued"), repeated: false, bundle: Vec::new() })),
        ("Page sent again", ended(HowEnded::Sent { reference: text(""), repeated: true, bundle: Vec::new() })),
        ("Page sent with others", ended(HowEnded::Sent { reference: text(""), repeated: false, bundle: bundle() })),
        ("Page failed", ended(HowEnded::Failed { detail: text("HTTP 503"), permanent: false })),
        ("Page refused", ended(HowEnded::Failed { detail: text("HTTP 400: 21211"), permanent: true })),
        ("Page delivered", reported(Reported::Delivered)),
        ("Page undelivered", reported(Reported::Undelivered { why: Unreached::Failed, code: text("30003") })),
        ("Page not answered", reported(Reported::Undelivered { why: Unreached::NoAnswer, code: text("") })),
        ("Page unheard of", reported(Reported::Silent { within_s: 90 })),
        ("Page taken by telephone", reported(Reported::Acknowledged)),
        ("Page without means", Paged::NoMeans),
    ];
    steps.map(|(name, step)| (name, page(step))).into()
}

fn escalated(step: u32, why: WhyEscalated) -> Event {
    let level = Level { level: (step - 1) % 4 + 1, round: (step - 1) / 4 + 1 };
    Event::IncidentEscalated(Escalated { incident: INC, step, level, to: vec![person("sato"), person("suzuki")], why, gaps: vec![] })
}

fn schedule() -> ScheduleName {
    ScheduleName::new("primary").unwrap()
}

fn overridden() -> Override {
    let (from, until) = (at("03:00:00"), at("15:00:00"));
    let (person, by) = (person("tanaka"), person("sato"));
    Override { id: OverrideId(5), schedule: schedule(), person, from, until, reason: text("seeing a doctor"), by }
}

fn room(what: RoomStep) -> Event {
    Event::Room(RoomEvent { incident: INC, what })
}

/// What else brings people to an incident.
pub fn rooms() -> Vec<(&'static str, Event)> {
    let nobody = Event::IncidentEscalated(Escalated {
        incident: INC,
        step: 3,
        level: Level { level: 3, round: 1 },
        to: vec![],
        why: WhyEscalated::Unreachable,
        gaps: vec![],
    });
    let gap = Event::IncidentEscalated(Escalated {
        incident: INC,
        step: 1,
        level: Level { level: 1, round: 1 },
        to: vec![],
        why: WhyEscalated::Unanswered { minutes: 0 },
        gaps: vec![schedule()],
    });
    let cancelled = OncallEvent::Cancelled {
        id: OverrideId(5),
        schedule: schedule(),
        person: person("tanaka"),
        by: person("sato"),
        reason: text("back from the doctor"),
    };
    vec![
        ("Escalated with the opening", escalated(1, WhyEscalated::Unanswered { minutes: 0 })),
        ("Change of no place", super::altered::told(None)),
        ("Merged, not worse", super::altered::merged(Priority::P3)),
        ("Split", super::altered::split()),
        ("Escalated to nobody", nobody),
        ("Escalated into a gap", gap),
        ("Escalated past a gap", escalated(2, WhyEscalated::NobodyOnCall)),
        ("Override taken back", Event::Oncall(cancelled)),
        ("Escalated again", escalated(6, WhyEscalated::NotRestored { minutes: 60 })),
        ("Escalated by hand", escalated(2, WhyEscalated::Asked { by: person("tanaka"), reason: text("all shops are hit") })),
        ("Duty taken away", room(RoomStep::Assigned { duty: Duty::Scribe, person: None, by: person("sato") })),
        ("Handed over", room(RoomStep::HandedOver { from: person("tanaka"), to: person("sato"), note: text("the pool is full") })),
    ]
}

/// What else may become of a ledger that is kept elsewhere.
pub fn offline() -> Vec<(&'static str, Event)> {
    let home = OfflineEvent::Reconciled { incident: Box::new(super::away(true)), emergencies: vec![emergency()], contents: vec![] };
    vec![("Offline late", Event::Offline(OfflineEvent::Late { incident: INC })), ("Offline reconciled", Event::Offline(home))]
}

/// What else may happen to a redaction, beside the proposal.
pub fn redactions() -> Vec<(&'static str, Event)> {
    let block = RedactedBlock { block: 12, was: digest("file"), now: digest("file2"), frames: digest("frames") };
    let steps = [
        ("Redaction declined", RedactionStep::Declined { by: person("ito"), reason: text("no secret") }),
        ("Redaction agreed", RedactionStep::Agreed { by: person("ito"), effect: key() }),
        ("Redaction done", RedactionStep::Done { blocks: vec![block] }),
        ("Redaction failed", RedactionStep::Failed { detail: text("block 12 is not there") }),
    ];
    steps.map(|(name, step)| (name, redaction(step))).into()
}

fn asked() -> LineAsk {
    LineAsk {
        ask: 1,
        line: text("psql -c 'drop table rooms'"),
        digest: digest("line"),
        words: text("drop table"),
        why: text("no way back"),
        asked_at: at("03:14:10"),
        until: at("03:19:10"),
        answer: None,
    }
}

fn ack(who: &str, block: u64) -> Ack {
    Ack { person: person(who), from: 0, block, head: digest("head"), shown_at: at("03:14:07"), signature: "00".repeat(64) }
}

fn held() -> Vec<HeldBecause> {
    let absent = [("ito", Absence::Hidden), ("mori", Absence::NotWatching), ("sato", Absence::Behind), ("suzuki", Absence::Silent)];
    let absent = absent.map(|(who, why)| Absent { person: person(who), why }).to_vec();
    vec![
        HeldBecause::Witnesses { looking: vec![person("takahashi")], needed: 2, seniors: Vec::new(), seniors_needed: 1, absent },
        HeldBecause::Stopped { by: person("ito"), reason: text("wrong file") },
        HeldBecause::NotCounted,
        HeldBecause::Ending,
        HeldBecause::NotExecuting,
        HeldBecause::NotStored,
        HeldBecause::ServerLost,
        HeldBecause::Detached,
    ]
}

every! {
    /// Every event, with what a real one carries.
    events: Event {
        PolicyAdopted => Event::PolicyAdopted { digest: digest("policy"), policy: Box::new(policy()) },
        PolicyProposed => Event::PolicyProposed {
            digest: digest("policy"), policy: Box::new(policy()), weakenings: super::weakenings().into_iter().map(|(_, one)| one).collect()
        },
        PolicyApproved => Event::PolicyApproved { digest: digest("policy"), by: person("suzuki") },
        PolicyRejected => Event::PolicyRejected { digest: digest("policy"), by: person("suzuki"), reason: text("too weak") },
        LinkIssued => Event::LinkIssued { person: person("mori"), secret: digest("link"), expires_at: at("04:00:00") },
        SignedIn => Event::SignedIn { person: person("mori"), proof: Proof::Link { secret: digest("link") }, session: session() },
        SignedOut => Event::SignedOut { person: person("mori"), session: digest("session") },
        PasskeyAdded => Event::PasskeyAdded {
            person: person("mori"),
            passkey: Passkey { credential_id: text("abc"), label: text("phone"), credential: serde_json::json!({}), added_at: at("03:00:00"), place: None, counter: 0 }
        },
        PasskeyRemoved => Event::PasskeyRemoved { person: person("mori"), credential_id: text("abc") },
        TokenIssued => Event::TokenIssued {
            person: person("mori"), token: TokenId(2),
            record: Token { label: text("ci"), secret: digest("token"), only: None, calendar: false, issued_at: at("03:00:00"), expires_at: at("23:00:00") }
        },
        TokenRevoked => Event::TokenRevoked { person: person("mori"), token: TokenId(2) },
        Posted => Event::Posted {
            post: Post { channel: channel(), body: Body::Text { text: text("on my way") }, roles: vec![], people: vec![], incident: None, emergency: None }
        },
        PostDelivered => Event::PostDelivered { effect: key(), place: place(), message: text("1763780000.000100") },
        PostUndelivered => Event::PostUndelivered {
            effect: key(), place: place(), trouble: ChatTrouble { code: text("channel_not_found"), channel: text("C012AB3CD") }
        },
        Monitor => seen(Some(INC), MonitorStep::Fired { held: None, unmeasured: false }),
        Silence => silence(SilenceStep::Made { made: Box::new(super::silence()) }),
        Alert => alert(AlertStep::Over { how: HowOver::Lapsed, said_at: None }),
        Change => super::altered::told(Some(&incident())),
        Postmortem => super::postmortems::written(""),
        Status => super::published(),
        Oncall => Event::Oncall(OncallEvent::Overridden { row: overridden() }),
        Contact => contact(ContactStep::Tested { by: person("sato"), address: digest("address"), effect: key() }),
        Page => page(Paged::Queued { means: Means::Mail, number: 1, effect: key() }),
        IncidentOpened => Event::IncidentOpened {
            incident: INC, title: text("no reservations"), summary: text(""), service: incident().service, environment: incident().environment,
            triage: incident().triage, priority: Priority::P1, opened_by: Actor::Monitor { monitor: monitor() }, detected_at: at("03:05:00")
        },
        IncidentTriaged => {
            let mut triage = incident().triage;
            triage.priority_override = Some(hikeshi_domain::incident::Override { priority: Priority::P2, reason: text("night") });
            Event::IncidentTriaged { incident: INC, triage, priority: Priority::P2 }
        },
        IncidentAcknowledged => Event::IncidentAcknowledged { incident: INC, by: person("tanaka") },
        IncidentMoved => Event::IncidentMoved { incident: INC, from: Stage::Cause, to: Stage::Impact, reason: text("wider than thought") },
        IncidentUpdated => Event::IncidentUpdated { incident: INC, text: text("cause found") },
        IncidentNoted => Event::IncidentNoted { incident: INC, text: text("see the log\nline 2") },
        IncidentResolved => Event::IncidentResolved { incident: INC, by: Actor::Monitor { monitor: monitor() }, what: text("pool = 20") },
        IncidentEscalated => escalated(2, WhyEscalated::Unanswered { minutes: 15 }),
        Room => room(RoomStep::Assigned { duty: Duty::Commander, person: Some(person("tanaka")), by: person("sato") }),
        Merge => super::altered::merged(Priority::P1),
        StatusUpdateDue => Event::StatusUpdateDue { incident: INC },
        EmergencyRequested => Event::EmergencyRequested {
            emergency: EMG, incident: INC, requester: person("tanaka"), conditions: emergency().conditions, plan: plan(), digest: digest("plan"), requirement: raised(), ledger: None
        },
        PlanRevised => Event::PlanRevised { emergency: EMG, plan: plan(), revision: 2, digest: digest("plan 2"), requirement: Requirement::default() },
        EmergencyApproved => Event::EmergencyApproved { emergency: EMG, approval: known().approvals[0].clone(), complete: true, evidence: None },
        RequirementRaised => Event::RequirementRaised { emergency: EMG, requirement: raised() },
        EmergencyDeclined => Event::EmergencyDeclined { emergency: EMG, by: person("sato"), reason: text("the normal flow works") },
        EmergencyCancelled => Event::EmergencyCancelled { emergency: EMG, by: person("tanaka"), reason: text("recovered") },
        ApprovalExpired => Event::ApprovalExpired { emergency: EMG },
        WitnessJoined => Event::WitnessJoined { emergency: EMG, person: person("ito") },
        WitnessLeft => Event::WitnessLeft { emergency: EMG, person: person("ito"), lost: true },
        EmergencyHeld => Event::EmergencyHeld { emergency: EMG, by: person("ito"), reason: text("wrong file") },
        EmergencyResumed => Event::EmergencyResumed { emergency: EMG, by: person("ito") },
        EmergencyStarted => Event::EmergencyStarted { emergency: EMG, by: person("tanaka"), effect: key() },
        BackupTaken => Event::BackupTaken { emergency: EMG, backup: backup() },
        StepStarted => Event::StepStarted {
            emergency: EMG, step: 2, attempt: 2, effect: key(), by: person("tanaka"), digest: digest("plan"), witnesses: vec![person("ito"), person("mori")], confirmed_by: Some(person("ito"))
        },
        StepConfirmed => Event::StepConfirmed {
            emergency: EMG, step: 2, attempt: 1, digest: digest("plan"), by: person("ito"), expires_at: at("04:00:00")
        },
        StepEnded => Event::StepEnded { emergency: EMG, step: 2, end: end(None), looked: Looked { changes: changes(), changes_unlisted: 3, outside_unlisted: 2, unseen: false } },
        StepInDoubt => Event::StepInDoubt { emergency: EMG, step: 2, effect: key() },
        StepSettledNotRun => Event::StepSettledNotRun { emergency: EMG, step: 2, by: person("tanaka"), reason: text("file unchanged") },
        StepSettledRan => Event::StepSettledRan { emergency: EMG, step: 2, by: person("tanaka"), reason: text("file changed"), end: end(Some(0)) },
        VerificationStarted => Event::VerificationStarted { emergency: EMG, effect: key() },
        VerificationRecorded => Event::VerificationRecorded { emergency: EMG, aspect: Aspect::Solved, verified: emergency().solved.unwrap() },
        ChangeAccepted => Event::ChangeAccepted { emergency: EMG, path: text("run/cache"), by: person("sato"), reason: text("only a cache") },
        RevertStarted => Event::RevertStarted { emergency: EMG, files: vec![putting_back("run/cache")], by: person("tanaka"), reason: text("wrong file"), effect: key() },
        FilesReverted => Event::FilesReverted { emergency: EMG, files: vec![put_back("run/cache", None), put_back("run/lock", Some("Permission denied"))], looked: Looked::default() },
        RestoreStarted => Event::RestoreStarted { emergency: EMG, by: person("tanaka"), reason: text("verification failed"), effect: key() },
        BackupRestored => Event::BackupRestored { emergency: EMG, files: 4, manifest: digest("manifest"), replaced: Replaced::default(), looked: Looked::default() },
        EmergencyTroubled => Event::EmergencyTroubled { emergency: EMG, trouble: trouble(Doing::Backup) },
        TerminalOpened => Event::TerminalOpened { emergency: EMG, session: 1, by: person("tanaka"), place: text("app-1") },
        DeviceBound => Event::DeviceBound { emergency: EMG, session: 1, person: person("ito"), key: DeviceKey::of(&[4; 65]) },
        SessionNoted => Event::SessionNoted { emergency: EMG, session: 1, by: person("ito"), text: text("look at the pool size") },
        BlocksSealed => Event::BlocksSealed {
            emergency: EMG, session: 1, first: 4,
            blocks: vec![SealedBlock { head: digest("head"), file: digest("file") }, SealedBlock { head: digest("head2"), file: digest("file2") }],
            commands: vec![typed()], gaps: vec![gap()]
        },
        LookOwed => Event::LookOwed { emergency: EMG, after: CommandRef { session: 1, command: 3 } },
        FilesLookedAt => Event::FilesLookedAt { emergency: EMG, effect: key(), after: CommandRef { session: 1, command: 2 } },
        FilesSeen => Event::FilesSeen {
            emergency: EMG, after: CommandRef { session: 1, command: 2 }, looked: Looked::of(changes()),
            captured: vec![Captured { title: text("schema"), exit_code: Some(0), output: digest("schema"), bytes: 812 }]
        },
        BlocksWatched => Event::BlocksWatched { emergency: EMG, session: 1, acks: vec![ack("ito", 4), ack("takahashi", 5), ack("ito", 5)] },
        KeysHeld => Event::KeysHeld { emergency: EMG, session: 1, held: held() },
        KeysReleased => Event::KeysReleased { emergency: EMG, session: 1 },
        LineAsked => Event::LineAsked { emergency: EMG, session: 1, ask: asked() },
        LineConfirmed => Event::LineConfirmed { emergency: EMG, session: 1, ask: 1, digest: digest("line"), by: person("ito") },
        LineDenied => Event::LineDenied { emergency: EMG, session: 1, ask: 1, digest: digest("line"), by: person("ito"), reason: text("wrong table") },
        LineWithdrawn => Event::LineWithdrawn { emergency: EMG, session: 1, ask: 1, digest: digest("line") },
        LineUnconfirmed => Event::LineUnconfirmed { emergency: EMG, session: 1, command: 4, words: text("drop table"), why: text("no way back") },
        Redaction => redaction(RedactionStep::Proposed {
            from: 1_204, to: 1_236, by: person("sato"), reason: text("an API key was printed")
        }),
        TerminalStopped => Event::TerminalStopped { emergency: EMG, session: 1, by: person("ito"), reason: text("wrong file") },
        TerminalEnded => Event::TerminalEnded { emergency: EMG, session: 1, end: SessionEnd::Lost },
        SessionRanLong => Event::SessionRanLong { emergency: EMG },
        EmergencyClosed => Event::EmergencyClosed { emergency: EMG, ending: Ending::Undone },
        ObligationRaised => Event::ObligationRaised { obligation: obligation("prevention") },
        ObligationStarted => Event::ObligationStarted { obligation: OBL, effect: EffectKey(text("obl_7/report/1")) },
        ObligationTroubled => Event::ObligationTroubled { obligation: OBL, trouble: trouble(Doing::Report) },
        ChangeRequestOpened => Event::ChangeRequestOpened { obligation: OBL, request: request() },
        ChangeCompared => Event::ChangeCompared {
            obligation: OBL,
            comparison: Comparison {
                at: at("10:00:00"), commit: text("4f1c9a5e"), merged: true,
                drift: vec![Drift { path: text("config/app.toml"), production: Some(digest("after")), repository: None }]
            }
        },
        ReportGiven => Event::ReportGiven {
            obligation: OBL, report: Report { judgement: judgement(), by: person("tanaka"), at: at("09:00:00"), file: None, digest: None }
        },
        ReportFiled => Event::ReportFiled { obligation: OBL, file: text("docs/emergency/2026-11-22-incident.md"), digest: digest("report") },
        MeetingScheduled => Event::MeetingScheduled {
            obligation: OBL, meeting: Meeting { starts_at: at("23:00:00"), lasts_min: 60, invited: vec![person("tanaka")], file: None, sequence: 0, held: None }
        },
        InvitationFiled => Event::InvitationFiled { obligation: OBL, file: text("docs/retrospectives/emg_3.ics") },
        MeetingHeld => Event::MeetingHeld { obligation: OBL, held: Held { at: at("23:00:00"), attended: vec![person("tanaka")], lessons: text("look first"), avoidable: Some(text("the deploy was back")) } },
        ObligationEscalated => Event::ObligationEscalated { obligation: OBL, step: 1, to: vec![person("sato"), person("tanaka")] },
        ReportPresented => Event::ReportPresented { obligation: OBL, presented: super::presented() },
        EmergencyExamined => Event::EmergencyExamined { emergency: EMG, size: 120, findings: super::findings() },
        ObligationReminded => Event::ObligationReminded { obligation: OBL, before_min: 240 },
        ObligationOverdue => Event::ObligationOverdue { obligation: OBL },
        ObligationDone => Event::ObligationDone { obligation: OBL, by: Some(person("tanaka")), evidence: text("merged") },
        ObligationWaived => Event::ObligationWaived { obligation: OBL, waiver: Waiver::NothingChanged },
        EnteredBySsh => Event::EnteredBySsh { person: person("mori"), statement: text("{}"), signature: text("-----"), key: text("SHA256:abc") },
        Offline => Event::Offline(OfflineEvent::Announced { incident: Box::new(super::away(false)) }),
    }
}
