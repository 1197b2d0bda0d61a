//! The change request that brings a change made in production back to the repository (rule E10).

use hikeshi_domain::effect::ChangeRequestOrder;

use super::case::Case;
use crate::Lang::{En, Ja};
use crate::markdown::{Document, code, inline, prose};
use crate::plain::{clipped, one_line};
use crate::{label, names};

/// Title and body of the request, and the message of its commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeRequestText {
    pub title: String,
    /// Markdown.
    pub body: String,
    pub commit_message: String,
}

pub fn change_request(order: &ChangeRequestOrder) -> ChangeRequestText {
    let case = Case::of(&order.facts);
    ChangeRequestText { title: title(&case, order), body: body(&case, order), commit_message: commit_message(&case, order) }
}

/// Where the whole case can be read, for a request that is read elsewhere.
pub fn change_request_link(order: &ChangeRequestOrder, public_url: &str) -> String {
    match order.facts.language.into() {
        Ja => format!("記録の全体: {public_url}/emergencies/{}", order.emergency),
        En => format!("The whole record: {public_url}/emergencies/{}", order.emergency),
    }
}

fn title(case: &Case<'_>, order: &ChangeRequestOrder) -> String {
    let summary = clipped(&order.facts.emergency.plan.summary, 60);
    match case.lang {
        Ja => format!("緊急対応の反映（{}）: {summary}", order.emergency),
        En => format!("Bring back {}: {summary}", order.emergency),
    }
}

fn body(case: &Case<'_>, order: &ChangeRequestOrder) -> String {
    let emergency = &order.facts.emergency;
    let mut document = Document::default();
    document.block(&match case.lang {
        Ja => format!("緊急例外 {}（{}）で本番に行った変更を、そのままリポジトリに反映します。", order.emergency, order.incident),
        En => format!(
            "This brings the change that {} ({}) made in production back to the repository, as it was made.",
            order.emergency, order.incident
        ),
    });
    if let Some(seal) = &order.seal {
        document.block(&match case.lang {
            Ja => format!("台帳のチェックポイント: {}件、ルート {}", seal.size, code(&seal.root.to_string())),
            En => format!("Checkpoint of the ledger: {} entries, root {}", seal.size, code(&seal.root.to_string())),
        });
    }
    document.heading(2, case.both("概要", "Summary"));
    document.block(&prose(&emergency.plan.summary));
    people(case, &mut document);
    document.heading(2, case.both("通常のデプロイを使えなかった理由", "Why not the normal deploy flow"));
    document.block(&prose(&emergency.conditions.normal_flow_cannot.statement));
    document.heading(2, case.both("承認", "Approval"));
    let head = match case.lang {
        Ja => ["承認者", "役割", "日時", "計画", "判断"],
        En => ["Approver", "Role", "When", "Plan", "Judgement"],
    };
    document.table(&head, &case.approvals());
    document.heading(2, case.both("実行した手順", "Steps"));
    case.steps(&mut document);
    document.heading(2, case.both("変更したファイル", "Changed files"));
    case.changes(&mut document);
    not_kept(case, order, &mut document);
    document.heading(2, case.both("検証", "Verification"));
    case.verifications(&mut document);
    document.heading(2, case.both("マージする人へ", "For whoever merges"));
    document.block(&asks(case, order));
    document.finish()
}

fn people(case: &Case<'_>, document: &mut Document) {
    let emergency = &case.facts.emergency;
    let rows: Vec<Vec<String>> = [
        (case.both("インシデント", "Incident"), format!("{} {}", emergency.incident, inline(&case.facts.incident.title))),
        (case.both("実行者", "Executor"), case.person(&emergency.plan.executor)),
        (case.both("立会人", "Witnesses"), names::list(case.lang, case.witnesses())),
        (case.both("計画のSHA-256", "SHA-256 of the plan"), code(&emergency.digest.to_string())),
    ]
    .into_iter()
    .map(|(name, value)| vec![name.to_owned(), value])
    .collect();
    document.table(&[case.both("項目", "Item"), case.both("内容", "Content")], &rows);
}

/// Files whose content was too large to keep: the program cannot bring them back, so somebody must.
fn not_kept(case: &Case<'_>, order: &ChangeRequestOrder, document: &mut Document) {
    if order.not_kept.is_empty() {
        return;
    }
    document.heading(2, case.both("手作業で加えるファイル", "To be added by hand"));
    document.block(case.both(
        "次のファイルは大きいため、内容を保存していません。実行先から取り出して、このブランチに加えてください。",
        "These files were too large to keep. Take them from the target and add them to this branch.",
    ));
    let list: Vec<String> = order.not_kept.iter().map(|path| format!("- [ ] {}", code(path))).collect();
    document.block(&list.join("\n"));
}

fn asks(case: &Case<'_>, order: &ChangeRequestOrder) -> String {
    let (branch, base, label) = (code(&order.branch), code(&order.base), code(&order.label));
    let verb = label::command(case.lang, "obligation.compare");
    match case.lang {
        Ja => format!(
            "- {branch} を {base} にマージしてください（ラベル {label}）。\n- マージしたら、{} で「{verb}」を行ってください。本番と同じであることを確かめて完了します。\n- 内容を直してからマージすると、本番とのずれとして表示されます。",
            order.obligation
        ),
        En => format!(
            "- Merge {branch} into {base} (label {label}).\n- Then open {} and {verb}: when it equals production, the obligation is done.\n- If you mend the content before merging, the difference is shown as drift.",
            order.obligation
        ),
    }
}

/// Subject, what and why, and trailers that a program can read.
fn commit_message(case: &Case<'_>, order: &ChangeRequestOrder) -> String {
    let emergency = &order.facts.emergency;
    let subject = match case.lang {
        Ja => format!("緊急対応 {}: {}", order.emergency, clipped(&emergency.plan.summary, 40)),
        En => format!("Emergency {}: {}", order.emergency, clipped(&emergency.plan.summary, 50)),
    };
    let why = match case.lang {
        Ja => format!(
            "{}（{}）への緊急対応として本番に行った変更です。\n通常のデプロイを使えなかった理由: {}",
            one_line(&order.facts.incident.title),
            order.incident,
            one_line(&emergency.conditions.normal_flow_cannot.statement)
        ),
        En => format!(
            "The change made in production because of {} ({}).\nWhy not the normal deploy flow: {}",
            one_line(&order.facts.incident.title),
            order.incident,
            one_line(&emergency.conditions.normal_flow_cannot.statement)
        ),
    };
    let mut trailers = vec![format!("Incident: {}", order.incident), format!("Emergency-Exception: {}", order.emergency)];
    trailers.push(format!("Plan-Digest: sha256:{}", emergency.digest));
    trailers.push(format!("Executed-By: {}", one_line(case.names.written(&emergency.plan.executor))));
    trailers.extend(emergency.approvals.iter().map(|approval| format!("Approved-By: {}", one_line(case.names.written(&approval.by)))));
    trailers.extend(emergency.witnesses.keys().map(|person| format!("Witnessed-By: {}", one_line(case.names.written(person)))));
    format!("{subject}\n\n{why}\n\n{}\n", trailers.join("\n"))
}
