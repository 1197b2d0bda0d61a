//! What a verification of the ledger or of a bundle has found, in words.

use hikeshi_domain::ledger::{BundleFault, Fault, Wrong};

use super::two;
use crate::Lang;

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
