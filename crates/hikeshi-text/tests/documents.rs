//! The documents that the program writes, as reviewed files; and that nothing people write can break their structure.

use hikeshi_domain::policy::Language;

use crate::expected::check;
use crate::samples::{self, change_request_order, invitation_order, judgement, report_order};

#[test]
fn the_report_is_filled_in_from_the_record() {
    for (language, tag) in [(Language::Ja, "ja"), (Language::En, "en")] {
        check(&format!("report.{tag}.md"), &hikeshi_text::report(&report_order(language, Some(judgement()))));
        check(&format!("report-draft.{tag}.md"), &hikeshi_text::report(&report_order(language, None)));
    }
}

#[test]
fn a_draft_marks_every_judgement_that_is_missing() {
    let draft = hikeshi_text::report(&report_order(Language::Ja, None));
    // Impact, problem, cause, response, prevention; and the preface that explains the mark.
    assert_eq!(draft.matches("未記入").count(), 6);
    let whole = hikeshi_text::report(&report_order(Language::Ja, Some(judgement())));
    assert!(!whole.contains("未記入"));
    assert_eq!(whole.matches("- [ ] ").count(), 2);
}

#[test]
fn the_report_names_what_the_rule_asks_for() {
    let report = hikeshi_text::report(&report_order(Language::Ja, Some(judgement())));
    let digest = samples::digest("plan").to_string();
    for part in [
        "田中 太郎",
        "伊藤 誠（03:13:00〜03:25:00）",
        "佐藤 花子",
        "予約／本番",
        "CIが予約サービスの障害で止まっている",
        "emergency/emg_3",
        "config_20261122_031500",
        digest.as_str(),
    ] {
        assert!(report.contains(part), "{part}");
    }
}

#[test]
fn what_people_write_adds_no_heading_and_breaks_no_table() {
    let given = |text: &str| {
        let mut order = report_order(Language::Ja, Some(judgement()));
        order.facts.incident.title = text.to_owned();
        order.facts.emergency.plan.summary = text.to_owned();
        order.facts.emergency.plan.steps[0].run = text.to_owned();
        order.facts.emergency.changes[0].path = text.to_owned();
        order.facts.emergency.approvals[0].judgement = text.to_owned();
        if let Some(written) = &mut order.judgement {
            written.problem = text.to_owned();
            written.prevention = vec![text.to_owned()];
        }
        hikeshi_text::report(&order)
    };
    let shape = |report: &str| {
        let mut fence = None;
        let mut found = Vec::new();
        for line in report.lines() {
            let ticks = line.chars().take_while(|c| *c == '`').count();
            match fence {
                None if ticks >= 3 => fence = Some(ticks),
                Some(open) if ticks >= open && line.chars().all(|c| c == '`') => fence = None,
                None if line.starts_with('#') => found.push(line.chars().filter(|c| *c == '#').count().min(1)),
                None if line.starts_with('|') => found.push(line.replace("\\|", "").matches('|').count()),
                _ => {}
            }
        }
        assert_eq!(fence, None, "a code block is left open");
        found
    };
    let calm = shape(&given("x"));
    for hostile in ["# a\n## b", "a | b | c", "```\n````\n~~~", "<script>\n<!--", "---\n===\n***", "| a |\n|---|", "a\\|b", "`a|b`"] {
        assert_eq!(shape(&given(hostile)), calm, "{hostile}");
    }
}

#[test]
fn the_change_request_names_approver_and_files() {
    for (language, tag) in [(Language::Ja, "ja"), (Language::En, "en")] {
        let text = hikeshi_text::change_request(&change_request_order(language));
        let whole = format!("{}\n\n{}\n---- commit message ----\n{}", text.title, text.body, text.commit_message);
        check(&format!("change-request.{tag}.md"), &whole);
        assert!(!text.title.contains('\n'));
        let subject = text.commit_message.lines().next().unwrap();
        assert!(subject.chars().count() <= 72, "{subject}");
        assert!(text.commit_message.contains("Approved-By: 佐藤 花子"));
    }
}

#[test]
fn the_invitation_is_plain_text() {
    for (language, tag) in [(Language::Ja, "ja"), (Language::En, "en")] {
        let text = hikeshi_text::invitation(&invitation_order(language));
        check(&format!("invitation.{tag}.txt"), &format!("{}\n\n{}\n", text.summary, text.description));
        assert!(!text.summary.contains('\n'));
        let moved = hikeshi_text::invitation(&hikeshi_domain::effect::InvitationOrder { sequence: 1, ..invitation_order(language) });
        assert!(moved.description.ends_with(&text.description) && moved.description != text.description);
    }
}

#[test]
fn the_reports_of_a_month_and_a_quarter_are_the_reviewed_ones() {
    let names = samples::names();
    for (lang, tag) in [(hikeshi_text::Lang::Ja, "ja"), (hikeshi_text::Lang::En, "en")] {
        let uses = samples::uses();
        for (name, period, uses) in [
            ("month", "2026-11", uses.as_slice()),
            ("quarter", "2026-Q4", &uses),
            ("month-quiet", "2026-09", &uses),
            ("month-none", "2026-11", &[]),
        ] {
            check(&format!("{name}.{tag}.md"), &hikeshi_text::review::markdown(lang, &samples::review(period, uses), &names));
        }
    }
}

#[test]
fn a_month_without_uses_is_said_in_one_line() {
    let text = hikeshi_text::review::markdown(hikeshi_text::Lang::Ja, &samples::review("2026-11", &[]), &samples::names());
    let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(lines.len(), 3, "title, the line, where it comes from: {text}");
    assert!(lines[1].contains("0件"));
}

/// Who goes from two uses to none has done well, and what they still owe is put before the meeting.
#[test]
fn e15_a_month_without_uses_is_compared_with_those_before_it() {
    let text = hikeshi_text::review::markdown(hikeshi_text::Lang::Ja, &samples::review("2026-09", &samples::uses()), &samples::names());
    assert!(text.contains("利用は0件でした（前月 1件、1件の減少）"), "{text}");
    assert!(text.contains("| 2026年8月 | 1 |") && text.contains("接続数を見張る"), "{text}");
    let later = hikeshi_text::review::markdown(hikeshi_text::Lang::Ja, &samples::review("2027-02", &samples::uses()), &samples::names());
    assert!(
        later.contains("利用は0件でした（前月 0件、増減なし）") && later.contains("| 2026年11月 | 2 |"),
        "uses three months ago are shown: {later}"
    );
}

#[test]
fn the_longest_bar_is_that_of_the_most_uses_and_the_others_are_in_proportion() {
    let text = hikeshi_text::review::markdown(hikeshi_text::Lang::Ja, &samples::review("2026-Q4", &samples::uses()), &samples::names());
    let bar = |month: &str| text.lines().find(|line| line.contains(month)).map(|line| line.matches('█').count());
    assert_eq!(["2026年8月", "2026年9月", "2026年10月", "2026年11月", "2026年12月"].map(bar), [10, 0, 0, 20, 10].map(Some), "{text}");
}

#[test]
fn what_people_wrote_cannot_leave_its_cell() {
    let text = hikeshi_text::review::markdown(hikeshi_text::Lang::Ja, &samples::review("2026-11", &samples::uses()), &samples::names());
    assert!(text.contains(r"予約ができない \| \<b\>"), "{text}");
}

#[test]
fn the_postmortem_has_all_that_the_rule_asks_for() {
    for (language, tag) in [(Language::Ja, "ja"), (Language::En, "en")] {
        check(&format!("postmortem.{tag}.md"), &hikeshi_text::postmortem(&samples::postmortem_order(language)));
    }
    let text = hikeshi_text::postmortem(&samples::postmortem_order(Language::Ja));
    for part in [
        "# ポストモーテム: 予約できない",
        "重大度",
        "P1",
        "03:05",
        "田中 太郎",
        "1. 接続が足りなかった",
        "- [ ] 上限の検査を足す（担当: 伊藤 誠",
        "- [x] 監視を足す",
    ] {
        assert!(text.contains(part), "{part}");
    }
    assert!(!text.contains("\n# 見出し"), "what people write adds no heading");
    assert_eq!(text.lines().filter(|line| line.contains("上限を")).count(), 2, "the note stays one row, and the response");
}

#[test]
fn a_postmortem_that_was_written_is_read_back() {
    let zone = hikeshi_text::time::Zone::named("Asia/Tokyo");
    for language in [Language::Ja, Language::En] {
        let order = samples::postmortem_order(language);
        let read = hikeshi_text::read_postmortem(&hikeshi_text::postmortem(&order), &zone);
        assert_eq!(read.unknown, Vec::<String>::new());
        assert!(read.found.title.contains("予約できない"), "{}", read.found.title);
        let content = read.content();
        assert_eq!(content.whys, order.content.whys);
        assert!(content.impact.contains("全利用者") && content.lessons.contains("上限は検査する"), "{content:?}");
        assert!(content.response.contains("上限を20に戻した") && content.cause.contains("接続プール"), "{content:?}");
        assert_eq!(read.found.at.map(|at| hikeshi_text::time::day(&zone, at)).as_deref(), Some("2026-11-22"));
    }
}

#[test]
fn what_is_not_understood_is_kept_and_named() {
    let given =
        "# 決済が止まった\n\n発生日: 2025年3月4日\n\n## 概要\n決済が失敗した\n\n## Root Cause\nexpired certificate\n\n## 余談\n猫がいた\n";
    let read = hikeshi_text::read_postmortem(given, &hikeshi_text::time::Zone::named("Asia/Tokyo"));
    assert_eq!(read.found.title, "決済が止まった");
    assert_eq!(read.found.cause, "expired certificate");
    assert_eq!(read.unknown, ["余談"]);
    assert!(read.found.rest.contains("猫がいた") && read.found.summary.contains("決済が失敗した"));
    assert_eq!(read.found.at.map(|at| at.to_string()).as_deref(), Some("2025-03-03T15:00:00Z"));
}

#[test]
fn the_template_holds_what_is_known_and_is_a_file_of_settings() {
    let order = samples::postmortem_order(Language::Ja);
    for lang in hikeshi_text::Lang::ALL {
        let text = hikeshi_text::postmortem_template(lang, &order.incident, &samples::names());
        assert!(text.contains("inc_12 予約できない") && text.contains("response = \"設定を元に戻した\""), "{text}");
    }
}
