//! The table of every command: who may, which rules, how it is called in both languages, how it is given on the command line and over HTTP.
//!
//! It is kept as `docs/commands.md`, so that a change of it is reviewed; `HIKESHI_BLESS=1` writes it anew. A command that lacks a cell fails.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use clap::CommandFactory as _;
use hikeshi_domain::command::KINDS;
use hikeshi_domain::permit::{Row, row};
use hikeshi_domain::policy::Policy;
use hikeshi_domain::refusal::REFUSALS;
use hikeshi_text::{Lang, Names, label};

use super::Cli;
use super::spoken::spoken;

/// Rules that the first form of the product enforces, tracks or shows.
const CLAIMED: [&str; 31] = [
    "E1", "E2", "E3", "E4", "E5", "E6", "E7", "E8", "E9", "E10", "E11", "E12", "E13", "E14", "E15", "I1", "I2", "I3", "I4", "I5", "I6",
    "I7", "I8", "I9", "I10", "I11", "A1", "A2", "A3", "A4", "M2",
];

/// Which rules a command serves. A1, A3 and A4 hold for every command at the door itself.
fn rules(kind: &str) -> &'static [&'static str] {
    match kind {
        "account.invite"
        | "account.sign_in"
        | "account.sign_out"
        | "account.add_passkey"
        | "account.remove_passkey"
        | "account.issue_token"
        | "account.revoke_token"
        | "account.enter" => &["A3"],
        "offline.announce" | "offline.import" | "offline.turn_away" | "wake.unreconciled" => &["E3", "E4", "E10", "E11", "E12"],
        "channel.post" => &["I6", "I7"],
        "emergency.request" | "emergency.revise" => &["E1", "E2", "E3", "E14"],
        "emergency.approve"
        | "emergency.approve_passkey"
        | "emergency.approve_signed"
        | "emergency.decline"
        | "emergency.cancel"
        | "wake.approval_expires" => &["E3", "E14"],
        "emergency.join" | "emergency.watch" | "emergency.leave" | "emergency.hold" | "emergency.resume" | "wake.witness_silent" => &["E4"],
        "emergency.start" => &["E3", "E4", "E7", "E14"],
        "emergency.confirm" => &["E3", "E4"],
        "session.confirm" | "session.deny" | "session.ask" | "session.withdraw" => &["E4", "E6"],
        "emergency.step" | "emergency.settle" => &["E3", "E4", "E7"],
        "emergency.verify" | "emergency.attest" | "emergency.restore" => &["E9"],
        "emergency.accept" | "emergency.revert" => &["E8"],
        "emergency.close" => &["E8", "E9", "E10", "E11", "E12"],
        "wake.session_long" => &["E4"],
        "session.open" => &["E3", "E4", "E5", "E7"],
        "session.bind" | "session.note" | "session.stop" | "session.acknowledge" | "session.gate" => &["E4", "E5"],
        "session.redact" | "session.agree_redaction" | "session.decline_redaction" => &["A4"],
        "session.abandon" | "session.seal" | "session.end" => &["E5", "E6"],
        "incident.open" | "incident.triage" => &["I2", "I3", "I6"],
        "incident.acknowledge" | "incident.escalate" | "incident.hand_over" | "wake.escalate" | "wake.page_again" => &["I4", "I11"],
        "incident.merge" | "incident.split" => &["I1", "I6", "I10", "I11"],
        "incident.move" | "incident.resolve" => &["I1", "I11"],
        "incident.assign" | "incident.update" | "incident.publish" | "wake.update_due" => &["I6"],
        "incident.note" | "change.record" => &["I7"],
        "monitor.fire" | "monitor.recover" => &["I10", "I11"],
        "page.report" => &["I5"],
        "oncall.override" | "oncall.cancel" => &["I4"],
        "contact.test" | "contact.confirm" => &["I5", "M2"],
        "contact.add_browser" | "contact.remove_browser" | "contact.lose_browser" => &["I5"],
        "alert.report" | "alert.silence" | "alert.unsilence" | "wake.alert_settles" | "wake.alert_lapses" | "wake.silence_ends" => {
            &["I7", "I10"]
        }
        "obligation.propose" | "obligation.compare" | "obligation.accept_drift" | "wake.compare" => &["E10"],
        "obligation.report" => &["E11"],
        "obligation.schedule" | "wake.escalate_owed" => &["E12"],
        "obligation.hold" | "obligation.finish" => &["E12", "E13"],
        "obligation.present" | "wake.month_ends" => &["E13", "E15"],
        "review.examine" | "wake.examine" => &["E13"],
        "wake.remind" | "wake.overdue" => &["E10", "E11", "E12", "E14"],
        "postmortem.write" | "postmortem.amend" => &["I8"],
        "postmortem.import" => &["I9"],
        "policy.adopt" | "policy.approve" | "policy.reject" => &["A3"],
        "outcome.ended" | "outcome.in_doubt" => &["A1", "A2", "A4"],
        _ => &[],
    }
}

fn exists(words: &str) -> bool {
    let mut command = Cli::command();
    for word in words.split(' ') {
        let Some(next) = command.find_subcommand(word) else { return false };
        command = next.clone();
    }
    true
}

fn table() -> String {
    let policy: Policy = serde_json::from_str(r#"{"workspace":{"name":"-"},"people":{}}"#).expect("a policy");
    let names = Names::of(&policy);
    let mut text = String::from(
        "# Commands\n\nEvery command that the door knows. Made by a test from the code, reviewed as a file. Rules A1, A3 and A4 hold for all of them.\n\
         Over HTTP each is `POST /api/v1/commands` with `{\"area\": …, \"do\": …}`; the names are those of the first column.\n\n\
         | command | who may | rules | 日本語 | English | command line | HTTP |\n|---|---|---|---|---|---|---|\n",
    );
    for kind in KINDS {
        let who = row(kind);
        let (area, verb) = kind.split_once('.').expect("area.verb");
        let line = spoken(kind).map_or_else(|why| format!("— {why}"), |words| format!("`hikeshi {words}`"));
        let http = if who == Row::Inside { "—".to_owned() } else { format!("`{area}` `{verb}`") };
        let who = label::row(Lang::En, who, &names);
        let (ja, en) = (label::command(Lang::Ja, kind), label::command(Lang::En, kind));
        writeln!(text, "| `{kind}` | {who} | {} | {ja} | {en} | {line} | {http} |", rules(kind).join(" ")).expect("a string takes it");
    }
    text
}

#[test]
fn every_command_has_every_cell() {
    for kind in KINDS {
        assert!(!rules(kind).is_empty(), "{kind}: no rule");
        let (ja, en) = (label::command(Lang::Ja, kind), label::command(Lang::En, kind));
        assert!(ja != *kind && en != *kind && ja != en, "{kind}: no words");
        assert!(!ja.is_ascii(), "{kind}: the Japanese words are not Japanese");
        if let Ok(words) = spoken(kind) {
            assert!(exists(&words), "{kind}: there is no `hikeshi {words}`");
        }
    }
}

#[test]
fn every_rule_that_is_claimed_has_a_command_and_most_have_a_refusal() {
    let served: BTreeSet<&str> = KINDS.iter().flat_map(|kind| rules(kind).iter().copied()).collect();
    for rule in CLAIMED {
        assert!(served.contains(rule), "{rule} is claimed and no command serves it");
    }
    // A refusal names a rule that is claimed, so that whoever reads it finds it in the table.
    for (code, rule) in REFUSALS {
        assert!(CLAIMED.contains(rule) || *rule == "E6", "{code} names {rule}, which nothing claims");
    }
}

#[test]
fn the_table_is_the_reviewed_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/commands.md");
    let made = table();
    #[expect(clippy::disallowed_methods, reason = "whether the reviewer wants the file written anew")]
    let bless = std::env::var_os("HIKESHI_BLESS").is_some();
    if bless {
        std::fs::write(&path, &made).expect("docs/commands.md is written");
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), made, "HIKESHI_BLESS=1 writes docs/commands.md anew");
}
