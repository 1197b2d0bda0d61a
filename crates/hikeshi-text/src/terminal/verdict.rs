//! What a verification of the ledger or of a bundle has found, in words.

use std::collections::BTreeMap;

use hikeshi_domain::ids::PersonId;
use hikeshi_domain::ledger::{BundleFault, CaseVerdict, ExceptionVerdict, Fault, Flaw, Flawed, SessionVerdict, Wrong};
use hikeshi_domain::session::told::{RedactionTold, Stretch};

use super::two;
use crate::Lang;
use crate::plain::one_line;

/// The first wrong entry, and how it is wrong.
pub fn ledger_fault(lang: Lang, fault: &Fault) -> String {
    let place = if fault.earliest == fault.latest {
        two(lang, format!("記録 {}: ", fault.earliest), format!("entry {}: ", fault.earliest))
    } else {
        two(
            lang,
            format!("記録 {} から {} のどれか: ", fault.earliest, fault.latest),
            format!("one of the entries {} to {}: ", fault.earliest, fault.latest),
        )
    };
    let (ja, en) = match &fault.wrong {
        Wrong::Removed => ("取り除かれています".to_owned(), "it was removed".to_owned()),
        Wrong::OutOfPlace { found } => (format!("別の場所の記録（{found}）が置かれています"), format!("entry {found} lies in its place")),
        Wrong::Unreadable => ("記録として読めません".to_owned(), "it cannot be read as an entry".to_owned()),
        Wrong::SeqDiffers { says } => (format!("自分の番号を {says} としています"), format!("it says that it is {says}")),
        Wrong::Altered => ("内容が書き換えられています".to_owned(), "it was altered".to_owned()),
        Wrong::ColumnsDiffer => ("検索用の列が記録と異なります".to_owned(), "the columns beside it say something else".to_owned()),
        Wrong::TailCut { size } => (
            format!("ここから後ろが切り取られています（以前は {size} 件）"),
            format!("the tail was cut off here; there were {size} entries"),
        ),
        Wrong::BeyondHead { size } => {
            (format!("台帳の末尾（{size} 件）より後ろに足されています"), format!("it was added behind the end of {size} entries"))
        }
        Wrong::CheckpointDiffers { size } => (
            format!("{size} 件のときの署名付きチェックポイントと一致しません。過去が書き直されています"),
            format!("it does not agree with the checkpoint signed at {size} entries: history was written again"),
        ),
        Wrong::HeadDiffers => ("台帳の先頭情報が記録と一致しません".to_owned(), "the head does not agree with the entries".to_owned()),
    };
    format!("{place}{}", two(lang, ja, en))
}

pub fn bundle_fault(lang: Lang, fault: &BundleFault) -> String {
    use BundleFault as F;
    let (ja, en) = match fault {
        F::FileMissing { file } => (format!("{file} がありません"), format!("{file} is missing")),
        F::KeyUnreadable => ("検証鍵を読めません".to_owned(), "the key cannot be read".to_owned()),
        F::KeyDiffers => {
            ("信頼する鍵とは別の鍵で署名されています".to_owned(), "it was signed by another key than the trusted one".to_owned())
        }
        F::ManifestUnreadable => ("目録を読めません".to_owned(), "the manifest cannot be read".to_owned()),
        F::ManifestSignatureWrong => ("目録の署名が正しくありません".to_owned(), "the manifest's signature is wrong".to_owned()),
        F::CheckpointUnreadable => ("チェックポイントを読めません".to_owned(), "the checkpoint cannot be read".to_owned()),
        F::CheckpointSignatureWrong => {
            ("チェックポイントの署名が正しくありません".to_owned(), "the checkpoint's signature is wrong".to_owned())
        }
        F::CheckpointDiffers => {
            ("目録が別のチェックポイントを指しています".to_owned(), "the manifest speaks of another checkpoint".to_owned())
        }
        F::EntryRemoved { seq } => (format!("記録 {seq} が取り除かれています"), format!("entry {seq} was removed")),
        F::EntryInserted { seq } => (format!("記録 {seq} が足されています"), format!("entry {seq} was inserted")),
        F::EntryOutOfOrder { seq } => (format!("記録 {seq} の順番が違います"), format!("entry {seq} is out of order")),
        F::EntryAltered { seq } => (format!("記録 {seq} が書き換えられています"), format!("entry {seq} was altered")),
        F::EntryUnreadable { line } => (format!("{line} 行目は記録として読めません"), format!("line {line} is no entry")),
        F::EntryOfOtherCase { seq } => (format!("記録 {seq} は別の案件のものです"), format!("entry {seq} is of another case")),
        F::ProofMissing { seq } => (format!("記録 {seq} の証明がありません"), format!("the proof of entry {seq} is missing")),
        F::ContentMissing { digest } => (format!("内容 {} がありません", digest.short()), format!("content {} is missing", digest.short())),
        F::ContentAltered { digest } => {
            (format!("内容 {} が書き換えられています", digest.short()), format!("content {} was altered", digest.short()))
        }
        F::ContentUnlisted { seq, digest } => (
            format!("記録 {seq} の内容 {} が目録にありません", digest.short()),
            format!("content {} of entry {seq} is not in the manifest", digest.short()),
        ),
        F::EarlierDiffers { size } => (
            format!("{size} 件のときのチェックポイントと一致しません。過去が書き直されています"),
            format!("it does not continue the checkpoint of {size} entries: history was written again"),
        ),
        F::EarlierOfOther { size } => (
            format!("以前のチェックポイント（{size} 件）は別の台帳のものです"),
            format!("the earlier checkpoint of {size} entries is of another ledger"),
        ),
        F::ApprovalUnproven { seq } => (
            format!("記録 {seq} の承認は、添えられた署名では裏付けられません"),
            format!("the approval in entry {seq} is not proven by the signature beside it"),
        ),
        F::FileAltered { file } => (format!("{file} が書き換えられています"), format!("{file} was altered")),
        F::FileUnexpected { file } => (format!("{file} は目録にありません"), format!("{file} is not in the manifest")),
    };
    two(lang, ja, en)
}

/// Everything that a bundle has shown, to be read from top to bottom: what is wrong first.
pub fn case_report(lang: Lang, file: &str, verdict: &CaseVerdict) -> String {
    let found = &verdict.bundle;
    let mut lines = Vec::new();
    let case = found.case.map(|case| case.to_string()).unwrap_or_default();
    if verdict.holds() {
        lines.push(super::bundle_good(lang, file, &case, found.entries, found.contents));
    } else {
        let count = found.faults.len() + verdict.flaws.len();
        lines.push(two(lang, format!("✗ {file}（{case}）: {count} 件の問題があります。"), format!("✗ {file} ({case}): {count} flaws.")));
        lines.extend(found.faults.iter().map(|fault| format!("  ✗ {}", bundle_fault(lang, fault))));
        lines.extend(verdict.flaws.iter().map(|flawed| format!("  ✗ {}", flaw(lang, flawed, &verdict.people))));
        let more = found.faults_unlisted.saturating_add(verdict.flaws_unlisted);
        if more > 0 {
            lines.push(two(lang, format!("  ほかに {more} 件"), format!("  and {more} more")));
        }
    }
    if let Some(key) = &found.key {
        let trusted = if found.key_trusted {
            two(lang, "渡された鍵", "the key that was given")
        } else {
            two(lang, "束の中の鍵（別の経路で得た鍵と比べてください）", "the key inside the bundle; compare it with one from elsewhere")
        };
        lines.push(two(lang, format!("  鍵 {key}: {trusted}"), format!("  key {key}: {trusted}")));
    }
    if verdict.entries_unread > 0 {
        let unread = verdict.entries_unread;
        lines.push(two(
            lang,
            format!("  この版では読めない記録が {unread} 件あり、その中身は検証していません"),
            format!("  {unread} entries cannot be read by this version; what they say was not verified"),
        ));
    }
    verdict.exceptions.iter().for_each(|exception| exception_lines(lang, exception, &verdict.people, &mut lines));
    for offline in &verdict.offline {
        // Its own report, a step to the right: it is a ledger of its own.
        let origin = offline.bundle.origin.clone().unwrap_or_default();
        let named = two(lang, format!("手元の台帳 {origin}"), format!("local ledger {origin}"));
        lines.extend(case_report(lang, &named, offline).lines().map(|line| format!("    {line}")));
    }
    lines.join("\n")
}

type People = BTreeMap<PersonId, String>;

fn name(people: &People, person: &PersonId) -> String {
    people.get(person).map_or_else(|| person.to_string(), |name| format!("{} ({person})", one_line(name)))
}

fn exception_lines(lang: Lang, exception: &ExceptionVerdict, people: &People, lines: &mut Vec<String>) {
    let (requester, executor) = (name(people, &exception.requester), name(people, &exception.executor));
    let id = exception.emergency;
    lines.push(two(
        lang,
        format!("{id}: 申請 {requester}、実行 {executor}"),
        format!("{id}: requested by {requester}, carried out by {executor}"),
    ));
    let plan = exception.plan.short();
    lines.push(if exception.plan_recomputed {
        two(lang, format!("  計画 {plan}（計算し直して一致）"), format!("  plan {plan}, computed again"))
    } else {
        two(
            lang,
            format!("  計画 {plan}（対象の定義が変わったため、計算し直していません）"),
            format!("  plan {plan}, not computed again: its target is declared otherwise by now"),
        )
    });
    for approval in &exception.approvals {
        let (by, at, digest) = (name(people, &approval.by), approval.at, approval.digest.short());
        lines.push(two(lang, format!("  承認 {by} {at} 計画 {digest}"), format!("  approved by {by} {at}, plan {digest}")));
    }
    exception.sessions.iter().for_each(|session| session_lines(lang, session, people, lines));
}

/// What was taken out, by whom, and what that leaves unproven.
fn redaction_line(lang: Lang, redaction: &RedactionTold, people: &People) -> String {
    let RedactionTold { from, to, blocks, proposed_by, agreed_by, .. } = redaction;
    let blocks = blocks.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let (by, agreed) = (name(people, proposed_by), agreed_by.as_ref().map_or(String::new(), |person| name(people, person)));
    two(
        lang,
        format!(
            "    △ 出力 {from}〜{to} は伏せられています（提案 {by}、同意 {agreed}、ブロック {blocks}）。鎖・長さ・時刻は元のまま一致します。このブロックのほかの内容が元と同じことは、台帳の記録によります"
        ),
        format!(
            "    ! output {from}–{to} is redacted (proposed by {by}, agreed by {agreed}, blocks {blocks}): chain, lengths and times hold; that the rest of these blocks is as it was rests on the ledger"
        ),
    )
}

fn session_lines(lang: Lang, session: &SessionVerdict, people: &People, lines: &mut Vec<String>) {
    let (number, blocks, commands, gaps) = (session.session, session.blocks, session.commands, session.gaps);
    let output = crate::time::bytes(session.output_bytes);
    lines.push(two(
        lang,
        format!("  セッション{number}: ブロック {blocks} 個、コマンド {commands} 件、出力 {output}、欠落 {gaps} 件"),
        format!("  session {number}: {blocks} blocks, {commands} commands, {output} of output, {gaps} gaps"),
    ));
    if session.confirmed > 0 {
        let confirmed = session.confirmed;
        lines.push(two(
            lang,
            format!("    危険な行 {confirmed} 件は、実行の前に立会人が確認しています"),
            format!("    {confirmed} dangerous lines were confirmed by a witness before they ran"),
        ));
    }
    if !session.unconfirmed.is_empty() {
        let numbers = session.unconfirmed.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        lines.push(two(
            lang,
            format!("    △ 立会人の確認なしに実行された危険なコマンド: {numbers}（台帳にそう記録されています）"),
            format!("    ! dangerous commands that ran without a witness's confirmation, as the ledger itself says: {numbers}"),
        ));
    }
    for redaction in &session.redactions {
        lines.push(redaction_line(lang, redaction, people));
    }
    for (person, stretches) in &session.watched {
        let (who, ranges) = (name(people, person), ranges(stretches));
        let senior = session.seniors.contains(person);
        let senior =
            if senior { two(lang, "（シニア、承認者ではない）", " (senior, not the approver)") } else { String::new() };
        lines.push(two(
            lang,
            format!("    見た人 {who}{senior} ブロック {ranges}"),
            format!("    watched by {who}{senior}: blocks {ranges}"),
        ));
    }
    if session.short.is_empty() {
        let open = session.open_blocks;
        lines.push(two(
            lang,
            format!("    入力できた {open} ブロックすべてを、必要な人数が見たと署名しています"),
            format!("    enough people have signed to have watched all {open} blocks in which keys could pass"),
        ));
    } else {
        let short = ranges(&session.short);
        lines.push(two(
            lang,
            format!("    △ 入力できたのに、見たと署名した人が足りないブロック: {short}"),
            format!("    ! keys could pass, and too few have signed to have watched: blocks {short}"),
        ));
    }
}

fn ranges(stretches: &[Stretch]) -> String {
    let one = |stretch: &Stretch| {
        if stretch.from == stretch.to { stretch.from.to_string() } else { format!("{}–{}", stretch.from, stretch.to) }
    };
    stretches.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// What is wrong, and where.
pub fn flaw(lang: Lang, flawed: &Flawed, people: &People) -> String {
    let place = match flawed.session {
        Some(session) => {
            two(lang, format!("{} セッション{session}: ", flawed.emergency), format!("{} session {session}: ", flawed.emergency))
        }
        None => format!("{}: ", flawed.emergency),
    };
    let (ja, en) = of_plan(&flawed.flaw, people)
        .or_else(|| of_recording(&flawed.flaw, people))
        .or_else(|| of_words(&flawed.flaw, people))
        .unwrap_or_default();
    format!("{place}{}", two(lang, ja, en))
}

type Pair = Option<(String, String)>;

#[expect(clippy::wildcard_enum_match_arm, reason = "the three parts together name every flaw, as a test shows")]
fn of_plan(flaw: &Flaw, people: &People) -> Pair {
    let who = |person| name(people, person);
    Some(match flaw {
        Flaw::PlanDiffers { seq } => (
            format!("記録 {seq} の計画は、そのダイジェストの計画ではありません"),
            format!("the plan of entry {seq} is not the one of its digest"),
        ),
        Flaw::ApprovalMissing { seq } => (
            format!("記録 {seq} で始まりましたが、この計画の承認がありません"),
            format!("it began at entry {seq}, and nobody had approved this plan"),
        ),
        Flaw::ApproverNotApart { seq, person } => (
            format!("記録 {seq} の承認者 {} は、申請者か実行者です", who(person)),
            format!("the approver of entry {seq}, {}, asked for it or carried it out", who(person)),
        ),
        Flaw::ApprovalExpired { seq, person } => (
            format!("記録 {seq} で始まったとき、{} の承認は期限切れでした", who(person)),
            format!("the approval of {} had expired when it began at entry {seq}", who(person)),
        ),
        Flaw::StepOfOtherPlan { seq, step } => (
            format!("記録 {seq} の手順 {step} は、別の計画として実行されています"),
            format!("step {step} of entry {seq} ran as part of another plan"),
        ),
        Flaw::StepUnconfirmed { seq, step } => (
            format!("記録 {seq} の危険な手順 {step} は、立会人の確認なしに実行されています"),
            format!("the dangerous step {step} of entry {seq} ran without a witness's confirmation"),
        ),
        Flaw::ConfirmerNotWitness { seq, person } => (
            format!("記録 {seq} の確認は、立会人ではない {} によるものです", who(person)),
            format!("the confirmation in entry {seq} is by {}, who did not witness", who(person)),
        ),
        Flaw::SessionNotByExecutor { person } => {
            (format!("実行者ではない {} が開いています", who(person)), format!("it was opened by {}, who is not the executor", who(person)))
        }
        _ => return None,
    })
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the three parts together name every flaw, as a test shows")]
fn of_recording(flaw: &Flaw, _people: &People) -> Pair {
    Some(match flaw {
        Flaw::BlocksMisplaced { seq, first } => (
            format!("記録 {seq} は、次のブロックを {first} としています。前と続きません"),
            format!("entry {seq} says that block {first} comes next; that does not follow"),
        ),
        Flaw::BlockMissing { block } => (format!("ブロック {block} がありません"), format!("block {block} is missing")),
        Flaw::BlockBroken { block, detail } => {
            (format!("ブロック {block} が記録の鎖と合いません（{detail}）"), format!("block {block} does not fit the chain: {detail}"))
        }
        Flaw::RedactionNotAgreed { seq } => (
            format!("記録 {seq} は、二人の合意がないまま、またはもとと違うブロックを置き換えています"),
            format!("entry {seq} replaces blocks that two people had not agreed to redact, or other ones than those that were there"),
        ),
        Flaw::RedactionReadable { redaction } => (
            format!("伏せたはずの箇所（{redaction} 件目）が、まだ読めます"),
            format!("what redaction {redaction} took out can still be read"),
        ),
        Flaw::RecordingCut { blocks } => (
            format!("終わったはずの記録が、{blocks} ブロックで途切れています"),
            format!("the session ended, and the recording stops after {blocks} blocks"),
        ),
        Flaw::EndDiffers => ("台帳と記録とで、終わり方が違います".to_owned(), "ledger and recording tell of different ends".to_owned()),
        Flaw::CommandNotRecorded { number } => (
            format!("コマンド {number} は台帳にだけあり、記録にありません"),
            format!("command {number} is in the ledger and not in the recording"),
        ),
        Flaw::CommandNotTold { number } => (
            format!("コマンド {number} は記録にだけあり、台帳にありません"),
            format!("command {number} is in the recording and not in the ledger"),
        ),
        Flaw::CommandDiffers { number, field } => (
            format!("コマンド {number} の {field} が、台帳と記録とで違います"),
            format!("command {number}: {field} differs between ledger and recording"),
        ),
        _ => return None,
    })
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the three parts together name every flaw, as a test shows")]
fn of_words(flaw: &Flaw, people: &People) -> Pair {
    let who = |person| name(people, person);
    Some(match flaw {
        Flaw::LineNotAsked { seq, person } => (
            format!("記録 {seq}: {} の確認に当たる、待っていた行がありません", who(person)),
            format!("entry {seq}: what {} confirmed had not been asked about", who(person)),
        ),
        Flaw::CommandUnconfirmed { number } => (
            format!("コマンド {number} は計画で危険とされていますが、立会人の確認も、確認がなかったという記録もありません"),
            format!("command {number} is dangerous by the plan; it was not confirmed, and the ledger does not say so"),
        ),
        Flaw::AckBeyondEnd { seq, person, block } => (
            format!("記録 {seq}: {} の署名は、存在しないブロック {block} についてのものです", who(person)),
            format!("entry {seq}: {} signed for block {block}, which is not there", who(person)),
        ),
        Flaw::AckOfOtherHead { seq, person, block } => (
            format!("記録 {seq}: {} がブロック {block} について署名したのは、別の記録です", who(person)),
            format!("entry {seq}: what {} signed for block {block} is another recording", who(person)),
        ),
        Flaw::AckWithoutDevice { seq, person } => (
            format!("記録 {seq}: {} の端末の鍵が登録されていません", who(person)),
            format!("entry {seq}: no device of {} was registered", who(person)),
        ),
        Flaw::AckNotSigned { seq, person, block } => (
            format!("記録 {seq}: ブロック {block} を見たという {} の署名が正しくありません", who(person)),
            format!("entry {seq}: the signature of {} for block {block} is wrong", who(person)),
        ),
        Flaw::RedactionByExecutor { person } => (
            format!("実行者 {} が、自分の記録を伏せることに同意しています", who(person)),
            format!("the executor {} agreed to a redaction of their own recording", who(person)),
        ),
        Flaw::DeviceShared { person, with } => (
            format!("{} と {} が同じ端末の鍵を使っています", who(person), who(with)),
            format!("{} and {} use the key of one device", who(person), who(with)),
        ),
        Flaw::WitnessIsExecutor { person } => {
            (format!("実行者 {} が立会人として署名しています", who(person)), format!("the executor {} signed as a witness", who(person)))
        }
        Flaw::WitnessNotJoined { person } => (
            format!("立会人に加わっていない {} が署名しています", who(person)),
            format!("{} signed without having joined as a witness", who(person)),
        ),
        _ => return None,
    })
}

/// The zip itself is damaged.
pub fn bundle_unreadable(lang: Lang, file: &str, detail: &str) -> String {
    two(lang, format!("✗ {file} は束として読めません: {detail}"), format!("✗ {file} cannot be read as a bundle: {detail}"))
}

/// `hikeshi-verify --help`
pub fn verify_usage(lang: Lang) -> String {
    two(
        lang,
        "使い方: hikeshi-verify CASE.zip [--key 名前+HASH+鍵] [--checkpoint FILE] [--lang ja|en] [--json]\n\n書き出した束だけを読み、承認・立会い・コマンド・ファイル・記録のブロック・チェックポイントを検証します。\n終了コード: 0 問題なし  1 問題あり  2 検証できない",
        "Usage: hikeshi-verify CASE.zip [--key NAME+HASH+KEY] [--checkpoint FILE] [--lang ja|en] [--json]\n\nReads nothing but the bundle, and verifies approvals, witnesses, commands, files, blocks of recordings, and checkpoints.\nExit codes: 0 everything holds  1 a flaw  2 it could not be verified",
    )
}

pub fn option_unknown(lang: Lang, option: &str) -> String {
    two(lang, format!("{option} という指定はありません。"), format!("there is no {option}"))
}

pub fn option_wants_value(lang: Lang, option: &str) -> String {
    two(lang, format!("{option} には値が必要です。"), format!("{option} wants a value"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flaw_has_words_of_its_own_in_both_languages() {
        let person = || PersonId::new("ito").expect("a handle");
        let all = vec![
            Flaw::PlanDiffers { seq: 1 },
            Flaw::ApprovalMissing { seq: 1 },
            Flaw::ApproverNotApart { seq: 1, person: person() },
            Flaw::ApprovalExpired { seq: 1, person: person() },
            Flaw::StepOfOtherPlan { seq: 1, step: 2 },
            Flaw::StepUnconfirmed { seq: 1, step: 2 },
            Flaw::ConfirmerNotWitness { seq: 1, person: person() },
            Flaw::LineNotAsked { seq: 1, person: person() },
            Flaw::CommandUnconfirmed { number: 2 },
            Flaw::SessionNotByExecutor { person: person() },
            Flaw::BlocksMisplaced { seq: 1, first: 2 },
            Flaw::BlockMissing { block: 2 },
            Flaw::BlockBroken { block: 2, detail: "x".to_owned() },
            Flaw::RedactionNotAgreed { seq: 1 },
            Flaw::RedactionByExecutor { person: person() },
            Flaw::RedactionReadable { redaction: 1 },
            Flaw::RecordingCut { blocks: 2 },
            Flaw::EndDiffers,
            Flaw::CommandNotRecorded { number: 2 },
            Flaw::CommandNotTold { number: 2 },
            Flaw::CommandDiffers { number: 2, field: "text".to_owned() },
            Flaw::AckBeyondEnd { seq: 1, person: person(), block: 2 },
            Flaw::AckOfOtherHead { seq: 1, person: person(), block: 2 },
            Flaw::AckWithoutDevice { seq: 1, person: person() },
            Flaw::AckNotSigned { seq: 1, person: person(), block: 2 },
            Flaw::DeviceShared { person: person(), with: person() },
            Flaw::WitnessIsExecutor { person: person() },
            Flaw::WitnessNotJoined { person: person() },
        ];
        let people = People::from([(person(), "伊藤 健".to_owned())]);
        let mut seen = std::collections::BTreeSet::new();
        let count = all.len();
        for found in all {
            let flawed = Flawed { emergency: hikeshi_domain::ids::EmergencyId(3), session: Some(1), flaw: found };
            for lang in Lang::ALL {
                let text = flaw(lang, &flawed, &people);
                assert!(text.starts_with("emg_3 ") && text.chars().count() > 20, "{text}");
                seen.insert(text);
            }
        }
        assert_eq!(seen.len(), count * 2);
    }
}
