//! Every sentence exists in both languages, is not empty, and holds no word of the other language.

use std::fmt::Write as _;

use hikeshi_domain::channel::{Body, Post};
use hikeshi_domain::command::KINDS;
use hikeshi_domain::effect::Again;
use hikeshi_domain::emergency::{Aspect, ChangeKind, ConditionName, Doing, Ending, Killed, Looked, Status, StepState, Verdict};
use hikeshi_domain::event::Event;
use hikeshi_domain::incident::{Business, Duty, Impact, Priority, Stage, Urgency};
use hikeshi_domain::obligation::{self, Kind, Waiver};
use hikeshi_domain::offline::{LocalFlaw, StatementFlaw};
use hikeshi_domain::people::{Actor, Via};
use hikeshi_domain::permit::{Row, row};
use hikeshi_domain::policy::{Flaw, Scheme};
use hikeshi_domain::refusal::{REFUSALS, Refusal};
use hikeshi_domain::review::Standing;
use hikeshi_domain::session::CommandRef;
use hikeshi_text::{Lang, Sentence, label, refusal, review};

use crate::expected::check;
use crate::samples::{self, EMG, at, every, latin_names, person};

fn is_japanese(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}' | '\u{3000}'..='\u{303f}' | '\u{ff00}'..='\u{ffef}')
}

/// One text in one language: there, and in no other language. `latin` allows codes such as `P1` and `API` to be Japanese too.
fn sound(what: &str, lang: Lang, text: &str, latin: bool) {
    assert!(!text.trim().is_empty(), "{what} is empty in {}", lang.tag());
    assert_eq!(text.trim(), text, "{what} has spaces around it in {}", lang.tag());
    assert!(!text.contains("  ") && !text.contains("。。") && !text.ends_with(".."), "{what} is badly joined in {}: {text}", lang.tag());
    match lang {
        Lang::Ja => assert!(latin || text.chars().any(is_japanese), "{what} is not Japanese: {text}"),
        Lang::En => assert!(!text.chars().any(is_japanese), "{what} is not English: {text}"),
    }
}

fn sound_sentence(what: &str, lang: Lang, sentence: &Sentence) {
    sound(what, lang, &sentence.what, false);
    for part in [&sentence.what, &sentence.why, &sentence.next] {
        if part.is_empty() {
            continue;
        }
        sound(what, lang, part, false);
        // A sentence begins with a capital, unless with an id, a key or a code.
        let word = part.split(' ').next().unwrap();
        assert!(
            lang == Lang::Ja || !word.starts_with(char::is_lowercase) || word.contains(['_', '.']),
            "{what} begins in lower case: {part}"
        );
    }
}

fn row_of(table: &mut String, name: &str, lang: Lang, sentence: &Sentence) {
    writeln!(table, "{name} [{}]\n  {}", lang.tag(), sentence.what).unwrap();
    for part in [&sentence.why, &sentence.next] {
        if !part.is_empty() {
            writeln!(table, "  {part}").unwrap();
        }
    }
}

#[test]
fn every_refusal_says_what_why_and_what_next() {
    let names = samples::latin_names();
    let all = samples::refusals();
    assert_eq!(all.len(), REFUSALS.len());
    let mut table = String::new();
    for (name, refusal) in &all {
        for lang in Lang::ALL {
            let sentence = hikeshi_text::refusal(lang, refusal, &names);
            sound_sentence(name, lang, &sentence);
            assert!(!sentence.next.is_empty(), "{name} does not say what to do next");
            row_of(&mut table, &format!("{} {} {name}", refusal.rule(), refusal.code()), lang, &sentence);
        }
    }
    check("refusals.txt", &table);
}

#[test]
fn e13_what_somebody_tries_again_and_again_is_named_in_words() {
    let guards: Vec<Refusal> = samples::refusals().into_iter().map(|(_, refusal)| refusal).filter(hikeshi_domain::review::guards).collect();
    assert!(guards.len() > 10);
    for refusal in guards {
        for lang in Lang::ALL {
            let words = review::tried(lang, refusal.code());
            assert_ne!(words, refusal.code(), "a report would show the code");
            sound(refusal.code(), lang, &words, false);
        }
    }
}

#[test]
fn conditions_statuses_and_priorities_have_their_own_next_step() {
    let names = samples::latin_names();
    let mut table = String::new();
    for condition in [ConditionName::SeriousFailure, ConditionName::NormalFlowCannot, ConditionName::CannotWait, ConditionName::Judged] {
        for evidence_missing in [false, true] {
            let refusal = hikeshi_domain::refusal::Refusal::ConditionMissing { condition, evidence_missing };
            for lang in Lang::ALL {
                let sentence = hikeshi_text::refusal(lang, &refusal, &names);
                sound_sentence("ConditionMissing", lang, &sentence);
                row_of(&mut table, &format!("{condition:?} evidence_missing={evidence_missing}"), lang, &sentence);
            }
        }
    }
    for (name, status) in statuses() {
        let refusal = hikeshi_domain::refusal::Refusal::WrongStatus { emergency: samples::EMG, status };
        for lang in Lang::ALL {
            let sentence = hikeshi_text::refusal(lang, &refusal, &names);
            sound_sentence(name, lang, &sentence);
            row_of(&mut table, name, lang, &sentence);
        }
    }
    check("refusals-by-case.txt", &table);
}

#[test]
fn every_flaw_says_what_to_write_instead() {
    let mut table = String::new();
    for (name, what) in samples::flaws() {
        let flaw = Flaw { at: vec!["emergency".to_owned(), "witnesses_min".to_owned()], what };
        for lang in Lang::ALL {
            let sentence = hikeshi_text::flaw(lang, &flaw);
            sound_sentence(name, lang, &sentence);
            assert!(!sentence.next.is_empty(), "{name}");
            row_of(&mut table, name, lang, &sentence);
        }
    }
    for lang in Lang::ALL {
        for (name, sentence) in [
            ("fault, passing", hikeshi_text::fault(lang, "database is locked", true)),
            ("fault, lasting", hikeshi_text::fault(lang, "disk full", false)),
            ("busy", hikeshi_text::busy(lang)),
            ("stopping", hikeshi_text::stopping(lang)),
        ] {
            sound_sentence(name, lang, &sentence);
            row_of(&mut table, name, lang, &sentence);
        }
    }
    check("flaws.txt", &table);
}

#[test]
fn every_event_has_one_line() {
    let names = samples::latin_names();
    let mut table = String::new();
    for (name, event) in samples::events()
        .into_iter()
        .chain(samples::redactions())
        .chain(samples::offline())
        .chain(samples::rooms())
        .chain(samples::alert_steps())
        .chain(samples::silences())
        .chain(samples::page_steps())
        .chain(samples::contact_steps())
        .chain(samples::postmortem_steps())
    {
        for lang in Lang::ALL {
            let line = hikeshi_text::event(lang, &event, &names);
            sound(name, lang, &line, false);
            let broken = matches!(event, Event::IncidentNoted { .. });
            assert!(broken || !line.contains('\n'), "{name} is more than one line: {line}");
            writeln!(table, "{name} [{}]\n  {}", lang.tag(), line.replace('\n', "\n  ")).unwrap();
        }
    }
    check("events.txt", &table);
}

#[test]
fn files_that_nobody_saw_are_not_counted_and_what_no_list_names_is_said_apart() {
    let looked = Looked { unseen: true, ..Looked::of(samples::changes()) };
    let seen = Event::FilesSeen { emergency: EMG, after: CommandRef::NONE, looked, captured: Vec::new() };
    let refused = Refusal::ChangesUnaccepted { paths: Vec::new(), unlisted: 12 };
    for lang in Lang::ALL {
        let line = hikeshi_text::event(lang, &seen, &latin_names());
        sound("seen", lang, &line, false);
        assert!(!line.contains(char::is_numeric), "{line}");
        let sentence = hikeshi_text::refusal(lang, &refused, &latin_names());
        sound_sentence("unlisted", lang, &sentence);
        assert!(sentence.what.contains("12"), "{sentence:?}");
    }
}

#[test]
fn every_notice_has_words() {
    let names = samples::latin_names();
    let mut table = String::new();
    for (name, notice) in samples::notices().into_iter().chain(samples::inhibitions()) {
        for lang in Lang::ALL {
            let text = hikeshi_text::notice(lang, &notice, &names);
            sound(name, lang, &text, false);
            writeln!(table, "{name} [{}]\n  {}", lang.tag(), text.replace('\n', "\n  ")).unwrap();
        }
    }
    check("notices.txt", &table);
}

#[test]
fn an_entry_of_a_newer_version_gets_a_neutral_line() {
    let names = samples::names();
    let events = [serde_json::json!({"event": "flag_switched", "flag": "x"}), serde_json::json!(17)];
    let lines = hikeshi_text::entry_lines(Lang::Ja, "flag.switch", &events, None, &names);
    assert_eq!(lines, ["この版では表示できない出来事です（flag_switched）", "この版では表示できない出来事です（?）"]);
    assert_eq!(hikeshi_text::entry_lines(Lang::En, "flag.switch", &[], None, &names), ["flag.switch"]);
}

#[test]
fn an_entry_tells_who_and_leaves_out_what_only_repeats_it() {
    let names = samples::names();
    let body = Body::Notice { notice: hikeshi_domain::channel::Notice::IncidentAcknowledged { by: samples::person("tanaka") } };
    let post = Post { channel: samples::channel(), body, roles: vec![], people: vec![], incident: None, emergency: None };
    let events = [
        serde_json::to_value(Event::IncidentAcknowledged { incident: samples::INC, by: samples::person("tanaka") }).unwrap(),
        serde_json::to_value(Event::Posted { post }).unwrap(),
    ];
    let actor = Actor::person(samples::person("tanaka"));
    let line = hikeshi_text::entry_line(Lang::Ja, &actor, "incident.acknowledge", &events, None, &names);
    assert_eq!(line, "田中 太郎さん: inc_12 の対応を引き受けました");
    let refusal = hikeshi_domain::refusal::Refusal::SelfApproval { person: samples::person("tanaka") };
    let line = hikeshi_text::entry_line(Lang::Ja, &actor, "emergency.approve", &[], Some(&refusal), &names);
    assert_eq!(line, "田中 太郎さん: 拒否（E3）: 承認する — 自分の申請は承認できません。");
}

#[test]
fn a_post_calls_roles_and_people_by_their_names() {
    let post = Post {
        channel: samples::channel(),
        body: Body::Text { text: "向かっています\u{1b}[2J".to_owned() },
        roles: vec![samples::role("cto"), samples::role("dev-lead")],
        people: vec![samples::person("ito"), samples::person("left-long-ago")],
        incident: None,
        emergency: None,
    };
    let names = samples::names();
    assert_eq!(hikeshi_text::mentions(Lang::Ja, &post, &names), "@CTO @開発責任者 @伊藤 誠 @left-long-ago");
    assert_eq!(hikeshi_text::post(Lang::Ja, &post, &names), "向かっています[2J");
}

every! { priorities: Priority { P1 => Priority::P1, P2 => Priority::P2, P3 => Priority::P3, P4 => Priority::P4 } }
every! { schemes: Scheme { FourPriorities => Scheme::FourPriorities, ThreeLevels => Scheme::ThreeLevels } }
every! {
    stages: Stage {
        Reported => Stage::Reported, Impact => Stage::Impact, Mitigation => Stage::Mitigation, Cause => Stage::Cause,
        PermanentFix => Stage::PermanentFix, Postmortem => Stage::Postmortem, Closed => Stage::Closed
    }
}
every! {
    statuses: Status {
        Requested => Status::Requested, Approved => Status::Approved, BackingUp => Status::BackingUp, Executing => Status::Executing,
        Verifying => Status::Verifying, Restoring => Status::Restoring, Closed => Status::Closed, Declined => Status::Declined,
        Cancelled => Status::Cancelled, Expired => Status::Expired
    }
}
every! { kinds: Kind { ChangeRequest => Kind::ChangeRequest, Report => Kind::Report, Retrospective => Kind::Retrospective, Prevention => Kind::Prevention, MonthlyReport => Kind::MonthlyReport, QuarterlyReport => Kind::QuarterlyReport, Corrective => Kind::Corrective, Postmortem => Kind::Postmortem, Review => Kind::Review, ContactTest => Kind::ContactTest } }
every! { standings: Standing { InTime => Standing::InTime, Late => Standing::Late, Open => Standing::Open, Overdue => Standing::Overdue, NotNeeded => Standing::NotNeeded } }
every! {
    local_flaws: LocalFlaw {
        Unreadable => LocalFlaw::Unreadable { part: "parcel".to_owned() }, TrustNotOurs => LocalFlaw::TrustNotOurs,
        BeginningDiffers => LocalFlaw::BeginningDiffers { part: "policy".to_owned() },
        BundleFlawed => LocalFlaw::BundleFlawed { first: "entry_altered".to_owned(), count: 2 },
        ChainBroken => LocalFlaw::ChainBroken { seq: 4 }, RootDiffers => LocalFlaw::RootDiffers,
        TimeBackwards => LocalFlaw::TimeBackwards { seq: 4 }, TimeAhead => LocalFlaw::TimeAhead { seq: 4 },
        TrustExpired => LocalFlaw::TrustExpired { seq: 4, until: at("23:00:00") },
        ActorUnproven => LocalFlaw::ActorUnproven { seq: 4, person: person("ito") },
        RuleBroken => LocalFlaw::RuleBroken { seq: 4, refusal: Box::new(Refusal::BackupMissing) },
        Rewritten => LocalFlaw::Rewritten { seq: 4 }, NoException => LocalFlaw::NoException, StillOpen => LocalFlaw::StillOpen { emergency: EMG }
    }
}
every! {
    statement_flaws: StatementFlaw {
        Malformed => StatementFlaw::Malformed, OtherLedger => StatementFlaw::OtherLedger { given: "example.jp/hikeshi/local/app-2".to_owned() },
        OtherTime => StatementFlaw::OtherTime { at: at("03:00:00") }, Used => StatementFlaw::Used
    }
}

#[test]
fn every_reason_against_a_local_ledger_is_told_in_both_languages() {
    let names = latin_names();
    for lang in Lang::ALL {
        for (name, flaw) in local_flaws() {
            sound_sentence(name, lang, &refusal(lang, &Refusal::LocalFlawed { flaw }, &names));
        }
        for (name, flaw) in statement_flaws() {
            sound_sentence(name, lang, &refusal(lang, &Refusal::StatementFlawed { flaw }, &names));
        }
        for one in samples::degraded() {
            sound("degraded", lang, &label::degraded(lang, &one, &names), false);
        }
    }
}

use obligation::Status as Owed;
every! { owed: Owed { Owed => Owed::Owed, Done => Owed::Done, Waived => Owed::Waived } }
every! { waivers: Waiver { NothingChanged => Waiver::NothingChanged } }
every! { impacts: Impact { AllUsers => Impact::AllUsers, SomeUsers => Impact::SomeUsers, OneFunction => Impact::OneFunction } }
every! { businesses: Business { LostSales => Business::LostSales, LostTrust => Business::LostTrust, Slight => Business::Slight } }
every! { urgencies: Urgency { Now => Urgency::Now, CanBePlanned => Urgency::CanBePlanned } }
every! { endings: Ending { Solved => Ending::Solved, Undone => Ending::Undone, NothingDone => Ending::NothingDone } }
every! {
    change_kinds: ChangeKind { Added => ChangeKind::Added, Modified => ChangeKind::Modified, Removed => ChangeKind::Removed, Metadata => ChangeKind::Metadata }
}
every! {
    conditions: ConditionName {
        SeriousFailure => ConditionName::SeriousFailure, NormalFlowCannot => ConditionName::NormalFlowCannot,
        CannotWait => ConditionName::CannotWait, Judged => ConditionName::Judged
    }
}
every! { aspects: Aspect { Solved => Aspect::Solved, Unaffected => Aspect::Unaffected } }
every! {
    doings: Doing {
        Backup => Doing::Backup, Verify => Doing::Verify, Restore => Doing::Restore, Revert => Doing::Revert, Look => Doing::Look,
        ChangeRequest => Doing::ChangeRequest, Compare => Doing::Compare, Report => Doing::Report, Invitation => Doing::Invitation
    }
}
every! { agains: Again { Safe => Again::Safe, LookFirst => Again::LookFirst, AskHuman => Again::AskHuman } }
every! { vias: Via { Web => Via::Web, Api => Via::Api, Cli => Via::Cli, Chat => Via::Chat, Phone => Via::Phone, Local => Via::Local, Inside => Via::Inside } }
every! {
    killeds: Killed { Timeout => Killed::Timeout, Signal => Killed::Signal(9), NotStarted => Killed::NotStarted("bash: not found".to_owned()) }
}
every! { verdicts: Verdict { Ran => Verdict::Ran { exit_code: 0 }, DidNotRun => Verdict::DidNotRun } }
every! {
    step_states: StepState {
        Waiting => StepState::Waiting,
        Running => StepState::Running { effect: hikeshi_domain::effect::EffectKey("k".to_owned()), since: samples::at("03:00:00") },
        Ended => StepState::Ended(samples::end(None)),
        InDoubt => StepState::InDoubt { effect: hikeshi_domain::effect::EffectKey("k".to_owned()), since: samples::at("03:00:00") }
    }
}
every! {
    actors: Actor {
        Person => Actor::Person { person: samples::person("mori"), only: Some(vec![samples::role("developer")]) },
        Runner => Actor::Runner, Recorder => Actor::Recorder, Timer => Actor::Timer,
        Monitor => Actor::Monitor { monitor: hikeshi_domain::ids::MonitorName::new("web").unwrap() },
        Source => Actor::Source { source: hikeshi_domain::ids::SourceName::new("prometheus").unwrap() },
        Startup => Actor::Startup
    }
}
every! {
    rows: Row { Anyone => Row::Anyone, Roles => Row::Roles(&["cto", "dev-lead"]), ByCase => Row::ByCase, Inside => Row::Inside }
}

/// Collects labels and checks each.
struct Labels {
    table: String,
}

impl Labels {
    fn add(&mut self, of: &str, name: &str, latin: bool, say: impl Fn(Lang) -> String) {
        let [ja, en] = Lang::ALL.map(say);
        sound(name, Lang::Ja, &ja, latin);
        sound(name, Lang::En, &en, latin);
        writeln!(self.table, "{of} {name} | {ja} | {en}").unwrap();
    }
}

const EFFECTS: [&str; 13] = [
    "take_backup",
    "run_step",
    "run_checks",
    "restore",
    "revert_file",
    "open_change_request",
    "compare_merged",
    "write_report",
    "write_invitation",
    "write_postmortem",
    "chat_emergency",
    "chat_other",
    "tell",
];

#[test]
fn every_code_has_a_label() {
    let names = samples::latin_names();
    let mut labels = Labels { table: String::new() };
    for (_, scheme) in schemes() {
        labels.add("scheme", &format!("{scheme:?}"), false, |lang| label::scheme(lang, scheme).to_owned());
        for (name, priority) in priorities() {
            let latin = scheme == Scheme::FourPriorities;
            labels.add("priority", name, latin, |lang| label::priority(lang, scheme, priority).to_owned());
            labels.add("priority meaning", name, false, |lang| label::priority_meaning(lang, scheme, priority).to_owned());
        }
    }
    macro_rules! plain {
        ($($of:literal $list:ident $label:path;)*) => {
            $(for (name, code) in $list() { labels.add($of, name, false, |lang| $label(lang, code).to_owned()); })*
        };
    }
    plain! {
        "stage" stages label::stage;
        "emergency status" statuses label::emergency_status;
        "obligation kind" kinds label::obligation_kind;
        "obligation status" owed label::obligation_status;
        "waiver" waivers label::waiver;
        "impact" impacts label::impact;
        "business" businesses label::business;
        "urgency" urgencies label::urgency;
        "ending" endings label::ending;
        "change kind" change_kinds label::change_kind;
        "condition" conditions label::condition;
        "aspect" aspects label::aspect;
        "doing" doings label::doing;
        "again" agains label::again;
        "verdict" verdicts label::verdict;
        "standing" standings review::standing;
    }
    for (name, via) in vias() {
        labels.add("via", name, true, |lang| hikeshi_text::via(lang, via).to_owned());
    }
    for (name, killed) in killeds() {
        labels.add("killed", name, false, |lang| label::killed(lang, &killed));
    }
    for (name, state) in step_states() {
        labels.add("step", name, false, |lang| label::step_state(lang, &state));
    }
    for (name, actor) in actors() {
        labels.add("actor", name, false, |lang| hikeshi_text::actor(lang, &actor, &names));
    }
    for (name, row) in rows() {
        labels.add("row", name, false, |lang| label::row(lang, row, &names));
    }
    for (name, weakening) in samples::weakenings() {
        labels.add("weakening", name, false, |lang| label::weakening(lang, &weakening, &names));
    }
    for duty in Duty::ALL {
        labels.add("duty", &format!("{duty:?}"), false, |lang| label::duty(lang, duty).to_owned());
    }
    for health in hikeshi_domain::status::Health::ALL {
        labels.add("health", &format!("{health:?}"), false, |lang| label::health(lang, health).to_owned());
        labels.add("overall", &format!("{health:?}"), false, |lang| hikeshi_text::status::overall(lang, health).to_owned());
    }
    for state in hikeshi_domain::status::PublicState::ALL {
        labels.add("public state", &format!("{state:?}"), false, |lang| label::public_state(lang, state).to_owned());
    }
    for passed in [true, false] {
        labels.add("passed", &passed.to_string(), false, |lang| label::passed(lang, passed).to_owned());
    }
    for kind in EFFECTS {
        labels.add("effect", kind, false, |lang| label::effect(lang, kind).to_owned());
    }
    check("labels.txt", &labels.table);
}

#[test]
fn every_finding_says_what_it_is_and_why() {
    let names = samples::latin_names();
    let mut labels = Labels { table: String::new() };
    for finding in samples::findings() {
        let name = format!("{:?}", finding.kind.name());
        labels.add("finding", &name, false, |lang| review::finding_name(lang, finding.kind.name()).to_owned());
        labels.add("why", &name, false, |lang| review::explanation(lang, &finding.kind, &names));
    }
    for period in ["2026-11", "2026-Q4", "2028-02"] {
        labels.add("period", period, false, |lang| review::title(lang, period.parse().unwrap()));
    }
    check("findings.txt", &labels.table);
}

#[test]
fn every_command_has_a_verb_and_a_row_in_words() {
    let names = samples::latin_names();
    let mut labels = Labels { table: String::new() };
    for kind in KINDS {
        labels.add("command", kind, false, |lang| label::command(lang, kind).to_owned());
        labels.add("who may", kind, false, |lang| label::row(lang, row(kind), &names));
    }
    let mut named: Vec<&str> = label::commands().collect();
    named.sort_unstable();
    let mut known: Vec<&str> = KINDS.to_vec();
    known.sort_unstable();
    assert_eq!(named, known, "commands with words and commands of the domain differ");
    check("commands.txt", &labels.table);
}

#[test]
fn the_glossary_calls_every_command_as_the_faces_do() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/glossary.md");
    let glossary = std::fs::read_to_string(path).unwrap();
    for kind in KINDS {
        let row = format!("| {} | {} | `{kind}` |", label::command(Lang::Ja, kind), label::command(Lang::En, kind));
        assert!(glossary.lines().any(|line| line == row), "docs/glossary.md lacks: {row}");
    }
    for (code, ja, en) in stages().iter().map(|(name, stage)| (name, label::stage(Lang::Ja, *stage), label::stage(Lang::En, *stage))) {
        assert!(glossary.contains(ja), "{code}: {ja} ({en}) is not in docs/glossary.md");
    }
}
