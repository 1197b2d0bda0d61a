//! Looking back over a world of several exceptions: what falls due, what is found, and that anybody computes the same numbers.

use hikeshi_domain::command::Command;
use hikeshi_domain::emergency;
use hikeshi_domain::ids::{EmergencyId, ObligationId};
use hikeshi_domain::ledger::{Entry, Files};
use hikeshi_domain::obligation::{self, Kind, Obligation, Status};
use hikeshi_domain::policy::Reviews;
use hikeshi_domain::review::{AsOf, FindingName, Measured, Period, Report, Standing, Use, Uses};
use hikeshi_engine::door::Door;
use hikeshi_engine::look::{LookError, ReviewView, Which};
use hikeshi_store::testing::Scratch;

use crate::kit::*;

hikeshi_store::on_both!(
    the_report_is_the_fold_of_the_ledger_and_of_the_exported_cases,
    a_report_falls_due_by_itself_is_chased_and_presented,
    what_is_found_raises_a_corrective_action_by_itself,
);

const DAY: i64 = 24 * 60;

async fn used(town: &Town, door: &Door) -> EmergencyId {
    let id = town.requested(door).await;
    town.approved(door, id).await;
    if town.emergency(id).requirement.every_role {
        // Earlier follow-up is overdue: the other role must agree, too (rule E14).
        let digest = town.emergency(id).digest;
        give(door, "mori", emergency::Command::Approve { emergency: id, digest, judgement: "同意".to_owned() }).await;
    }
    for witness in ["suzuki", "takahashi"] {
        give(door, witness, emergency::Command::Join { emergency: id }).await;
    }
    give(door, "tanaka", emergency::Command::Start { emergency: id }).await;
    town.until("the backup is taken", |town| town.emergency(id).status == emergency::Status::Executing).await;
    give(door, "tanaka", emergency::Command::Step { emergency: id, step: 1, confirm: String::new() }).await;
    town.settled().await;
    give(door, "tanaka", emergency::Command::Verify { emergency: id }).await;
    town.settled().await;
    give(door, "tanaka", emergency::Command::Close { emergency: id }).await;
    town.settled().await;
    town.until("its record is searched", |town| town.emergency(id).examined.is_some()).await;
    id
}

async fn seen(door: &Door, period: &str, as_of: Option<AsOf>) -> ReviewView {
    door.look(&who("kansa")).review(period.parse().expect("a period"), as_of).await.expect("seen")
}

async fn owed(door: &Door, kind: Kind) -> Vec<Obligation> {
    let all = door.look(&who("kansa")).obligations(Which::All, None, 200).await.expect("seen").rows;
    all.into_iter().filter(|owed| owed.kind == kind).rev().collect()
}

fn folded<'a>(entries: impl Iterator<Item = &'a Entry>, as_of: AsOf) -> Vec<Use> {
    let mut fold = Uses::default();
    entries.filter(|entry| entry.seq < as_of.size).for_each(|entry| fold.add(entry));
    fold.list(as_of)
}

fn the_report_is_the_fold_of_the_ledger_and_of_the_exported_cases(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.open().await;
        let door = engine.door();
        let first = used(&town, &door).await;
        town.pass(3 * DAY);
        used(&town, &door).await;
        let refused = town.requested(&door).await;
        give(&door, "sato", emergency::Command::Decline { emergency: refused, reason: "待てる".to_owned() }).await;
        let view = seen(&door, "2026-11", None).await;
        assert_eq!((view.report.requested, view.report.uses, view.report.declined), (3, 2, 1));

        // Whoever has all entries computes the same report.
        let (entries, policy) = (town.entries(), policy());
        let mut measured = Measured::of_policy(&policy);
        entries.iter().filter(|entry| entry.seq < view.report.as_of.size).for_each(|entry| measured.add(entry));
        let incidents = measured.of(view.report.period, view.report.as_of.at);
        let again = Report::new(view.report.period, &policy, view.report.as_of, &folded(entries.iter(), view.report.as_of), incidents);
        assert_eq!(again, view.report);
        assert_eq!(again.digest(), view.digest);
        assert_eq!(
            door.look(&who("kansa")).now().await.expect("seen").exceptions_this_month,
            view.report.uses,
            "the first page says the same"
        );

        // Whoever has one exported case computes the same line.
        let case = town.emergency(first).incident;
        let bundle = door.look(&who("kansa")).bundle(case, Files::default()).await.expect("exported");
        let lines = String::from_utf8(bundle["entries.jsonl"].clone()).expect("text");
        let exported: Vec<Entry> = lines.lines().map(|line| serde_json::from_str(line).expect("an entry")).collect();
        let line = view.report.cases.iter().find(|found| found.emergency == first).expect("in the report");
        assert_eq!(&folded(exported.iter(), view.report.as_of), std::slice::from_ref(line));

        // What was said at a size and time is said again, also when the world has moved on.
        town.pass(2 * DAY);
        used(&town, &door).await;
        let now = seen(&door, "2026-11", None).await;
        assert_eq!(now.report.uses, 3);
        assert!(now.report.follow_up.iter().any(|row| row.overdue > 0), "what was open then is overdue now");
        assert_eq!(seen(&door, "2026-11", Some(view.report.as_of)).await.digest, view.digest);

        // And also when the policy has, since then, another time zone and other rules for what is alike.
        let mut other = hikeshi_domain::policy::Policy { reviews: Reviews { same_cause_percent: 30, ..policy.reviews }, ..policy };
        other.workspace.time_zone = "America/New_York".to_owned();
        adopt(&door, other).await;
        let later = seen(&door, "2026-11", None).await;
        assert_eq!(later.report.time_zone, "America/New_York", "it is in force");
        assert_eq!(seen(&door, "2026-11", Some(view.report.as_of)).await.digest, view.digest);
        let early = door.look(&who("kansa")).review(view.report.period, Some(AsOf { size: 0, at: town.now() })).await;
        assert!(matches!(early, Err(LookError::NotFound { .. })), "before the first policy there is nothing to report: {early:?}");
        engine.stop().await;
    });
}

fn a_report_falls_due_by_itself_is_chased_and_presented(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.open().await;
        let door = engine.door();
        town.clock.set("2026-11-30T14:59:59Z".parse().expect("a time"));
        tokio::time::sleep(std::time::Duration::from_millis(150)).await;
        assert_eq!(owed(&door, Kind::MonthlyReport).await, Vec::new(), "it is still November in Tokyo");
        town.clock.set("2026-11-30T15:00:00Z".parse().expect("a time"));
        town.until("the report of November is owed", |town| town.count("wake.month_ends") == 1).await;
        town.pass(31 * DAY);
        town.until("that of December and of the quarter", |town| town.count("wake.month_ends") == 2).await;
        town.until("November is escalated to the end", |town| town.count("wake.escalate_owed") == 3).await;
        let reports = owed(&door, Kind::MonthlyReport).await;
        let periods: Vec<Option<Period>> = reports.iter().map(|owed| owed.period).collect();
        assert_eq!(periods, ["2026-11", "2026-12"].map(|period| period.parse().ok()));
        assert_eq!(owed(&door, Kind::QuarterlyReport).await.len(), 1);
        assert!(reports[0].overdue_announced, "nobody presented November within ten days");
        let view = seen(&door, "2026-11", None).await;
        assert_eq!(
            (view.report.requested, view.obligation.as_ref().map(|owed| owed.id)),
            (0, Some(reports[0].id)),
            "no use has its report, too"
        );
        let present = obligation::Command::Present {
            obligation: reports[0].id,
            held_at: town.now(),
            size: view.report.as_of.size,
            at: view.report.as_of.at,
            digest: view.digest,
            note: "件数なし。了承".to_owned(),
        };
        done(&door, "sato", Command::Obligation(present)).await;
        let presented = owed(&door, Kind::MonthlyReport).await.remove(0);
        assert_eq!(presented.status, Status::Done);
        let shown = presented.presented.expect("presented");
        assert_eq!(
            seen(&door, "2026-11", Some(AsOf { size: shown.size, at: shown.at })).await.digest,
            shown.digest,
            "anybody can check it"
        );
        engine.stop().await;
        let engine = town.start("again").await;
        tokio::time::sleep(std::time::Duration::from_millis(150)).await;
        assert_eq!(town.count("wake.month_ends"), 2, "a restart asks for nothing twice");
        engine.stop().await;
    });
}

fn what_is_found_raises_a_corrective_action_by_itself(scratch: &Scratch) {
    town(scratch, async |town| {
        let engine = town.open().await;
        let door = engine.door();
        used(&town, &door).await;
        assert_eq!(owed(&door, Kind::Corrective).await, Vec::new(), "one use is no abuse");
        town.pass(2 * DAY);
        let second = used(&town, &door).await;
        let corrective = owed(&door, Kind::Corrective).await;
        assert_eq!(corrective.len(), 1, "{corrective:?}");
        let finding = corrective[0].finding.clone().expect("a finding");
        assert_eq!((corrective[0].emergency, finding.kind.name()), (Some(second), FindingName::Repeated));
        let named: Vec<String> =
            finding.entries.iter().map(|seq| town.entries().into_iter().find(|entry| entry.seq == *seq).expect("an entry").kind).collect();
        assert_eq!(named, ["emergency.request", "emergency.request"], "the entries that it names are the two requests");
        let view = seen(&door, "2026-11", None).await;
        assert_eq!(view.report.found.iter().map(|found| found.corrective).collect::<Vec<_>>(), [Some((corrective[0].id, Standing::Open))]);

        // The report states another cause than the request's reason did; the search is made again and raises nothing twice.
        let report: ObligationId = town.emergency(second).obligations[1];
        let judgement = obligation::Judgement {
            problem: "予約不可".to_owned(),
            impact: "全利用者".to_owned(),
            cause: "証明書の期限切れ".to_owned(),
            response: "更新した".to_owned(),
            prevention: vec!["期限を監視する".to_owned()],
        };
        let before = town.count("review.examine");
        done(&door, "tanaka", Command::Obligation(obligation::Command::Report { obligation: report, judgement })).await;
        town.until("it is searched again", |town| town.count("review.examine") == before + 1).await;
        assert_eq!(owed(&door, Kind::Corrective).await.len(), 1);
        engine.stop().await;
    });
}
