//! The report of an emergency exception (rule E11).

use hikeshi_domain::effect::ReportOrder;
use hikeshi_domain::emergency::Condition;
use hikeshi_domain::obligation::ChangeRequest;

use super::case::Case;
use super::{terminal, timeline};
use crate::Lang::{En, Ja};
use crate::markdown::{Document, code, inline, prose};
use crate::{label, names, time};

/// The whole report as Markdown, in the language and time zone of the order.
pub fn report(order: &ReportOrder) -> String {
    let case = Case::of(&order.facts);
    let mut document = Document::default();
    let emergency = &order.facts.emergency;
    document.heading(
        1,
        &match case.lang {
            Ja => format!("緊急対応報告書: {}（{}）", inline(&order.facts.incident.title), emergency.id),
            En => format!("Emergency report: {} ({})", inline(&order.facts.incident.title), emergency.id),
        },
    );
    document.block(&preface(&case, order));
    basics(&case, order, &mut document);
    problem(&case, order, &mut document);
    response(&case, order, &mut document);
    why_not_normal(&case, &mut document);
    approval(&case, &mut document);
    document.heading(2, case.both("7. 検証", "7. Verification"));
    case.verifications(&mut document);
    prevention(&case, order, &mut document);
    brought_back(&case, order.request.as_ref(), &mut document);
    document.heading(2, case.both("10. 経過", "10. Timeline"));
    document.table(&[case.both("日時", "When"), case.both("できごと", "What happened")], &timeline::rows(&case));
    record(&case, order, &mut document);
    document.finish()
}

fn preface(case: &Case<'_>, order: &ReportOrder) -> String {
    let blank = missing(case, order);
    match (case.lang, order.judgement.is_some()) {
        (Ja, true) => "> 事実は台帳の記録から、判断は人の記入によります。".to_owned(),
        (Ja, false) => format!("> これは下書きです。事実は台帳の記録から記入済みです。{blank} の箇所は、判断を書く人が記入します。"),
        (En, true) => "> Facts come from the ledger; judgement was written by people.".to_owned(),
        (En, false) => {
            format!("> This is a draft. Facts are filled in from the ledger; where it says {blank}, a person's judgement is still missing.")
        }
    }
}

/// What stands in place of a judgement that nobody has written yet, with whom to ask.
fn missing(case: &Case<'_>, order: &ReportOrder) -> String {
    match case.lang {
        Ja => format!("**未記入（担当: {}、期限: {}）**", case.person(&order.owner), case.stamp(order.due_at)),
        En => format!("**not written yet (owner: {}, due {})**", case.person(&order.owner), case.stamp(order.due_at)),
    }
}

/// A judgement, or the mark that it is missing.
fn judged(case: &Case<'_>, order: &ReportOrder, part: impl Fn(&hikeshi_domain::obligation::Judgement) -> &str) -> String {
    let written = order.judgement.as_ref().map(|judgement| prose(part(judgement))).unwrap_or_default();
    if written.is_empty() { missing(case, order) } else { written }
}

fn basics(case: &Case<'_>, order: &ReportOrder, document: &mut Document) {
    let (incident, emergency, lang) = (&order.facts.incident, &order.facts.emergency, case.lang);
    document.heading(2, case.both("1. 基本情報", "1. Basics"));
    let (code_of, means) =
        (case.names.priority(lang, incident.priority), label::priority_meaning(lang, order.facts.scheme, incident.priority));
    let priority = match lang {
        Ja => format!("{code_of}（{means}）"),
        En => format!("{code_of} ({means})"),
    };
    let outcome = match (emergency.ending, lang) {
        (Some(ending), _) => label::ending(lang, ending).to_owned(),
        (None, Ja) => format!("{}（この時点）", label::emergency_status(lang, emergency.status)),
        (None, En) => format!("{} (at this time)", label::emergency_status(lang, emergency.status)),
    };
    let approvers = names::list(lang, emergency.approvals.iter().map(|approval| case.person(&approval.by)));
    let none = || "—".to_owned();
    let or_none = |text: String| if text.is_empty() { none() } else { text };
    let period = match (emergency.started_at, emergency.closed_at, lang) {
        (None, _, _) => none(),
        (Some(from), None, Ja) => format!("{} 〜", case.stamp(from)),
        (Some(from), None, En) => format!("from {}", case.stamp(from)),
        (Some(from), Some(until), Ja) => {
            format!("{} 〜 {}（{}）", case.stamp(from), case.stamp(until), time::duration(lang, until.duration_since(from)))
        }
        (Some(from), Some(until), En) => {
            format!("{} to {} ({})", case.stamp(from), case.stamp(until), time::duration(lang, until.duration_since(from)))
        }
    };
    let (service, environment) = (inline(&order.facts.service_name), inline(&order.facts.environment_name));
    let target = match lang {
        Ja => format!("{service}／{environment} {}", code(emergency.plan.target.as_str())),
        En => format!("{service} in {environment}, {}", code(emergency.plan.target.as_str())),
    };
    let rows: Vec<Vec<String>> = [
        (case.both("検知", "Detected"), case.stamp(incident.detected_at)),
        (case.both("緊急例外の実行", "Exception carried out"), period),
        (case.both("復旧", "Resolved"), incident.resolved.as_ref().map_or_else(none, |resolved| case.stamp(resolved.at))),
        (case.both("対象システム", "Target system"), target),
        (case.both("優先度", "Priority"), priority),
        (case.both("影響範囲", "Impact"), impact(case, order)),
        (case.both("申請者", "Requester"), case.person(&emergency.requester)),
        (case.both("実行者", "Executor"), case.person(&emergency.plan.executor)),
        (case.both("立会人", "Witnesses"), or_none(names::list(lang, case.witnesses()))),
        (case.both("承認者", "Approvers"), or_none(approvers)),
        (case.both("結果", "Outcome"), outcome),
    ]
    .into_iter()
    .map(|(name, value)| vec![name.to_owned(), value])
    .collect();
    document.table(&[case.both("項目", "Item"), case.both("内容", "Content")], &rows);
}

/// The triage's answer always; the writer's words when they are there.
fn impact(case: &Case<'_>, order: &ReportOrder) -> String {
    let triage = &order.facts.incident.triage;
    let known = [label::impact(case.lang, triage.impact), label::business(case.lang, triage.business)].join(case.both("、", ", "));
    let written = order.judgement.as_ref().map(|judgement| inline(&judgement.impact)).filter(|text| !text.is_empty());
    let words = written.unwrap_or_else(|| missing(case, order));
    match case.lang {
        Ja => format!("{words}（判定: {known}）"),
        En => format!("{words} (triage: {known})"),
    }
}

fn problem(case: &Case<'_>, order: &ReportOrder, document: &mut Document) {
    document.heading(2, case.both("2. 発生した問題", "2. Problem"));
    document.block(&judged(case, order, |judgement| &judgement.problem));
    let incident = &order.facts.incident;
    document.block(&match case.lang {
        Ja => format!("記録: {} {}", incident.id, inline(&incident.title)),
        En => format!("On record: {} {}", incident.id, inline(&incident.title)),
    });
    document.block(&prose(&incident.summary));
    condition(case, document, &order.facts.emergency.conditions.serious_failure);
    document.heading(2, case.both("3. 原因", "3. Cause"));
    document.block(&judged(case, order, |judgement| &judgement.cause));
}

fn condition(case: &Case<'_>, document: &mut Document, condition: &Condition) {
    document.block(&prose(&condition.statement));
    let evidence = inline(&condition.evidence);
    if !evidence.is_empty() {
        document.block(&match case.lang {
            Ja => format!("根拠: {evidence}"),
            En => format!("Evidence: {evidence}"),
        });
    }
}

fn response(case: &Case<'_>, order: &ReportOrder, document: &mut Document) {
    let emergency = &order.facts.emergency;
    document.heading(2, case.both("4. 実施した対応", "4. Response"));
    document.block(&judged(case, order, |judgement| &judgement.response));
    document.heading(3, case.both("計画", "Plan"));
    document.block(&prose(&emergency.plan.summary));
    let scope = emergency.plan.scope.iter().map(|path| code(path)).collect::<Vec<_>>().join(case.both("、", ", "));
    document.block(&match case.lang {
        Ja => format!("変更範囲: {scope}"),
        En => format!("Scope: {scope}"),
    });
    document.heading(3, case.both("バックアップ", "Backup"));
    document.block(&backup(case));
    document.heading(3, case.both("実行した手順", "Steps"));
    case.steps(document);
    if !emergency.sessions.is_empty() {
        document.heading(3, case.both("立会セッションの端末", "Witnessed terminals"));
        terminal::sessions(case, document);
    }
    document.heading(3, case.both("変更したファイル", "Changed files"));
    case.changes(document);
    if let Some(restored) = &emergency.restored {
        document.heading(3, case.both("復元", "Restore"));
        let (who, reason) = (case.person(&restored.by), inline(&restored.reason));
        document.block(&match case.lang {
            Ja => format!("{who} がバックアップから復元しました（{} ファイル）。理由: {reason}", restored.files),
            En => format!("{who} restored the backup ({} files). Reason: {reason}", restored.files),
        });
    }
}

fn backup(case: &Case<'_>) -> String {
    let Some(backup) = &case.facts.emergency.backup else {
        return case
            .both("バックアップは取られていません（変更の前に終了）。", "No backup was taken (it ended before any change).")
            .to_owned();
    };
    let (name, path, size) = (code(&backup.name), code(&backup.path), time::bytes(backup.bytes));
    let (at, manifest) = (case.stamp(backup.at), code(&backup.manifest.to_string()));
    match case.lang {
        Ja => format!(
            "{name}（{path}、{} ファイル、{size}）を {at} に取り、読み戻して一致を確かめました。目録のSHA-256: {manifest}",
            backup.files
        ),
        En => {
            format!("{name} ({path}, {} files, {size}) was taken on {at} and read back. SHA-256 of its manifest: {manifest}", backup.files)
        }
    }
}

fn why_not_normal(case: &Case<'_>, document: &mut Document) {
    let conditions = &case.facts.emergency.conditions;
    document.heading(2, case.both("5. 通常のデプロイを使えなかった理由", "5. Why not the normal deploy flow"));
    condition(case, document, &conditions.normal_flow_cannot);
    document.heading(3, case.both("24時間待てなかった理由", "Why it could not wait 24 hours"));
    condition(case, document, &conditions.cannot_wait);
}

fn approval(case: &Case<'_>, document: &mut Document) {
    let emergency = &case.facts.emergency;
    document.heading(2, case.both("6. 判断と承認", "6. Judgement and approval"));
    if let Some(person) = &emergency.conditions.judged_by.person {
        let (who, evidence) = (case.person(person), inline(&emergency.conditions.judged_by.evidence));
        document.block(&match case.lang {
            Ja => format!("緊急事態と判断した人: {who}（{evidence}）"),
            En => format!("Judged an emergency by: {who} ({evidence})"),
        });
    }
    let head = match case.lang {
        Ja => ["承認者", "役割", "日時", "計画", "判断"],
        En => ["Approver", "Role", "When", "Plan", "Judgement"],
    };
    document.table(&head, &case.approvals());
    document.block(&match case.lang {
        Ja => format!("承認された計画のSHA-256（第{}版）: {}", emergency.revision, code(&emergency.digest.to_string())),
        En => format!("SHA-256 of the approved plan (revision {}): {}", emergency.revision, code(&emergency.digest.to_string())),
    });
}

fn prevention(case: &Case<'_>, order: &ReportOrder, document: &mut Document) {
    document.heading(2, case.both("8. 再発防止策", "8. Prevention"));
    let items = order.judgement.as_ref().map(|judgement| judgement.prevention.as_slice()).unwrap_or_default();
    let list: Vec<String> = items.iter().map(|item| format!("- [ ] {}", inline(item))).collect();
    document.block(&if list.is_empty() { format!("- [ ] {}", missing(case, order)) } else { list.join("\n") });
}

fn brought_back(case: &Case<'_>, request: Option<&ChangeRequest>, document: &mut Document) {
    document.heading(2, case.both("9. リポジトリへの反映", "9. Change request"));
    let Some(request) = request else {
        document.block(if case.facts.emergency.changes.is_empty() {
            case.both("残った変更がないため、反映するものはありません。", "No change remains, so there is nothing to bring back.")
        } else {
            case.both("反映リクエストはまだ作成されていません。", "The change request has not been opened yet.")
        });
        return;
    };
    let state = match &request.compared {
        None => case.both("作成済み（マージの照合はまだ）", "opened, not compared yet").to_owned(),
        Some(compared) if !compared.merged => case.both("未マージ", "not merged").to_owned(),
        Some(compared) if compared.drift.is_empty() => match case.lang {
            Ja => format!("マージ済み（{}、本番の変更と一致）", code(&compared.commit)),
            En => format!("merged as {}, equal to the change in production", code(&compared.commit)),
        },
        Some(compared) => match case.lang {
            Ja => format!("マージ済み（{}、本番とのずれ {}件）", code(&compared.commit), compared.drift.len()),
            En => format!("merged as {}, drift in {} file(s)", code(&compared.commit), compared.drift.len()),
        },
    };
    let rows: Vec<Vec<String>> = [
        (case.both("ブランチ", "Branch"), code(&request.branch)),
        (case.both("コミット", "Commit"), code(&request.commit)),
        (case.both("マージ先", "Base"), code(&request.base)),
        (case.both("ラベル", "Label"), inline(&request.label)),
        (case.both("リクエスト", "Request"), code(&request.request_file)),
        (case.both("パッチ", "Patch"), code(&request.patch_file)),
        (case.both("作成日時", "Opened"), case.stamp(request.opened_at)),
        (case.both("状態", "State"), state),
    ]
    .into_iter()
    .map(|(name, value)| vec![name.to_owned(), value])
    .collect();
    document.table(&[case.both("項目", "Item"), case.both("内容", "Content")], &rows);
}

fn record(case: &Case<'_>, order: &ReportOrder, document: &mut Document) {
    let (incident, emergency) = (order.facts.incident.id, order.facts.emergency.id);
    document.heading(2, case.both("11. 記録", "11. Record"));
    document.block(&match case.lang {
        Ja => format!(
            "すべての操作は {} の台帳に、案件 {incident}（緊急例外 {emergency}）として残っています。コマンドの出力と変更前後の内容も、そこで読めます。台帳が書き換えられていないことは `hikeshi ledger verify` で確かめられます。",
            inline(&order.facts.workspace)
        ),
        En => format!(
            "Every operation is in the ledger of {} under the case {incident} (emergency exception {emergency}), with the output of each command and each file before and after. `hikeshi ledger verify` shows that nothing in it was altered.",
            inline(&order.facts.workspace)
        ),
    });
}
