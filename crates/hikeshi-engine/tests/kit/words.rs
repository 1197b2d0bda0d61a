//! What the people of the tests write: policy, conditions, plan, outcomes.

use hikeshi_domain::Timestamp;
use hikeshi_domain::effect::{AspectResult, Outcome, Work};
use hikeshi_domain::emergency::{
    Aspect, Backup, Check, CheckKind, CheckResult, Condition, Conditions, FileChange, FileContent, Judgement, Looked, Plan, Replaced, Step,
    StepEnd, Verification,
};
use hikeshi_domain::ids::Digest;
use hikeshi_domain::incident::{Business, Impact, Triage, Urgency};
use hikeshi_domain::policy::Policy;

use super::person;

/// The policy that the tests of the rules use too.
pub fn policy() -> Policy {
    let policy: Policy =
        serde_json::from_str(include_str!("../../../hikeshi-domain/src/testing_policy.json")).expect("the test policy parses");
    Policy { monitors: std::collections::BTreeMap::new(), ..policy }
}

pub fn serious() -> Triage {
    Triage { impact: Impact::AllUsers, business: Business::LostSales, urgency: Urgency::Now, priority_override: None }
}

pub fn conditions() -> Conditions {
    let condition = |statement: &str| Condition { statement: statement.to_owned(), evidence: "https://grafana.example/d/1".to_owned() };
    Conditions {
        serious_failure: condition("予約が全件失敗している"),
        normal_flow_cannot: condition("CI が止まっており通常の配備ができない"),
        cannot_wait: condition("宿泊の予約が一件も取れない"),
        judged_by: Judgement { person: Some(person("sato")), evidence: "03:02 電話".to_owned() },
    }
}

pub fn plan() -> Plan {
    let step = |title: &str, run: &str| Step { title: title.to_owned(), run: run.to_owned(), timeout_s: 30, dangerous: false };
    let check = |title: &str| Check {
        title: title.to_owned(),
        kind: CheckKind::Http { url: "http://127.0.0.1:1/health".to_owned(), status: 200, body_contains: None },
        timeout_s: 5,
    };
    Plan {
        target: "app-production".parse().expect("a name"),
        executor: person("tanaka"),
        summary: "設定を直して再読み込みする".to_owned(),
        steps: vec![step("設定を直す", "sed -i s/bad/good/ app.conf"), step("再読み込み", "touch reload")],
        terminal: None,
        scope: vec!["app.conf".to_owned(), "reload".to_owned()],
        verification: Verification { solved: vec![check("予約できる")], unaffected: vec![check("他の画面")] },
        witnesses: vec![person("suzuki"), person("takahashi")],
    }
}

pub const OUTPUT: &[u8] = b"app.conf: 1 line changed\n";

fn content(bytes: &[u8]) -> FileContent {
    FileContent { digest: Digest::of(bytes), bytes: bytes.len() as u64, mode: 0o100_644, kept: true }
}

pub fn change() -> FileChange {
    FileChange {
        path: "app.conf".to_owned(),
        kind: hikeshi_domain::emergency::ChangeKind::Modified,
        before: Some(content(b"bad\n")),
        after: Some(content(b"good\n")),
        in_scope: true,
        step: 1,
        command: None,
        accepted_by: None,
    }
}

/// How each effect ends when all is well, with the contents that it names.
pub fn well(work: &Work, now: Timestamp) -> (Outcome, Vec<Vec<u8>>) {
    let outcome = match work {
        Work::TakeBackup { name, .. } => Outcome::BackupTaken {
            backup: Backup {
                name: name.clone(),
                path: format!("/var/backups/{name}"),
                files: 2,
                bytes: 40,
                manifest: Digest::of(b"manifest"),
                at: now,
            },
        },
        Work::RunStep { .. } => {
            let end = StepEnd {
                exit_code: Some(0),
                killed: None,
                started_at: now,
                ended_at: now,
                output: Some(Digest::of(OUTPUT)),
                output_bytes: OUTPUT.len() as u64,
                output_bytes_cut: 0,
                settled_by: None,
            };
            let outcome = Outcome::StepEnded { end, looked: Ok(Looked::of(vec![change()])) };
            return (outcome, vec![OUTPUT.to_vec(), b"bad\n".to_vec(), b"good\n".to_vec()]);
        }
        Work::LookAtFiles { .. } => Outcome::FilesSeen { looked: Looked::default(), captured: Vec::new() },
        Work::RunChecks { .. } => Outcome::ChecksEnded { results: [Aspect::Solved, Aspect::Unaffected].into_iter().map(passed).collect() },
        Work::Restore { .. } => {
            Outcome::Restored { files: 2, manifest: Digest::of(b"manifest"), replaced: Replaced::default(), looked: Looked::default() }
        }
        Work::RevertFile { .. } => Outcome::Reverted { files: Vec::new(), looked: Looked::default() },
        Work::Redact { .. } => Outcome::Redacted { blocks: Vec::new() },
        Work::OpenChangeRequest(_) => Outcome::ChangeRequestOpened {
            commit: "c0ffee".to_owned(),
            request_file: "/srv/git/requests/1.md".to_owned(),
            patch_file: "/srv/git/requests/1.patch".to_owned(),
        },
        Work::CompareMerged { .. } => Outcome::Compared { commit: "c0ffee".to_owned(), merged: true, drift: Vec::new() },
        Work::WriteReport(_) => {
            Outcome::ReportWritten { file: "docs/emergency/2026-11-22-incident.md".to_owned(), digest: Digest::of(b"report") }
        }
        Work::WritePostmortem(_) => {
            Outcome::ReportWritten { file: "docs/incidents/2026-11-22-inc_1.md".to_owned(), digest: Digest::of(b"postmortem") }
        }
        Work::Chat(order) => Outcome::Said { place: order.place.clone(), message: "1.000001".to_owned() },
        Work::WriteInvitation(_) => Outcome::InvitationWritten { file: "docs/emergency/2026-11-22.ics".to_owned() },
        Work::Tell(_) => Outcome::Paged { reference: String::new(), repeated: false, bundle: Vec::new() },
        Work::Page(order) => Outcome::Paged { reference: String::new(), repeated: order.repeated, bundle: Vec::new() },
    };
    (outcome, Vec::new())
}

fn passed(aspect: Aspect) -> AspectResult {
    AspectResult { aspect, checks: vec![CheckResult { title: "応答".to_owned(), passed: true, seen: "200".to_owned(), took_ms: 3 }] }
}
