//! Announcements about what is owed afterwards.

use hikeshi_domain::Timestamp;
use hikeshi_domain::ids::ObligationId;
use hikeshi_domain::obligation::Kind;
use hikeshi_domain::review::{FindingName, Period};

use crate::Lang::{self, En, Ja};
use crate::{Names, label, names, review, time};

pub(super) fn raised(lang: Lang, obligations: &[ObligationId]) -> String {
    let ids = names::list(lang, obligations.iter().map(ToString::to_string));
    match lang {
        Ja => format!("事後処理が発生しました: {ids}。期限は事後処理の画面で確かめてください。"),
        En => format!("This is now owed: {ids}. The due times are on the page of obligations."),
    }
}

pub(super) fn reminder(lang: Lang, obligation: ObligationId, kind: Kind, due_at: Timestamp, names: &Names) -> String {
    let (kind, due) = (label::obligation_kind(lang, kind), time::stamp(lang, names.zone(), due_at));
    match lang {
        Ja => format!("{kind}（{obligation}）の期限が近づいています: {due}"),
        En => format!("{kind} ({obligation}) is due soon: {due}"),
    }
}

pub(super) fn overdue(lang: Lang, obligation: ObligationId, kind: Kind) -> String {
    let name = label::obligation_kind(lang, kind);
    match (lang, kind.hardens_next()) {
        (Ja, true) => format!("{name}（{obligation}）が期限を過ぎました。済むまで、次の緊急例外にはすべての承認役割の承認が必要です。"),
        (Ja, false) => format!("{name}（{obligation}）が期限を過ぎました。"),
        (En, true) => {
            format!("{name} ({obligation}) is overdue. Until it is done, the next emergency exception takes every approver role.")
        }
        (En, false) => format!("{name} ({obligation}) is overdue."),
    }
}

pub(super) fn done(lang: Lang, obligation: ObligationId, kind: Kind) -> String {
    let kind = label::obligation_kind(lang, kind);
    match lang {
        Ja => format!("{kind}（{obligation}）が完了しました。"),
        En => format!("{kind} ({obligation}) is done."),
    }
}

pub(super) fn escalated(lang: Lang, obligation: ObligationId, kind: Kind, step: u32, due_at: Timestamp, names: &Names) -> String {
    let (kind, due) = (label::obligation_kind(lang, kind), time::stamp(lang, names.zone(), due_at));
    match lang {
        Ja => {
            format!("{kind}（{obligation}）が期限（{due}）を過ぎたままです。{step}段階目の連絡です。担当を助けるか、引き受けてください。")
        }
        En => format!("{kind} ({obligation}) was due {due} and is still owed. This is step {step}: help its owner, or take it over."),
    }
}

pub(super) fn contact_test_due(lang: Lang, obligation: ObligationId, due_at: Timestamp, names: &Names) -> String {
    let due = time::stamp(lang, names.zone(), due_at);
    match lang {
        Ja => format!("四半期が終わりました。{due} までに、呼び出されうる全員の連絡先をテストしてください（{obligation}）。"),
        En => format!("A quarter is over. Test the contacts of everybody whom an incident may call by {due} ({obligation})."),
    }
}

pub(super) fn report_due(lang: Lang, obligation: ObligationId, period: Period, due_at: Timestamp, names: &Names) -> String {
    let (title, due) = (review::title(lang, period), time::stamp(lang, names.zone(), due_at));
    match lang {
        Ja => format!("{title}ができました（{obligation}）。{due} までに開発会議で報告し、記録してください。"),
        En => format!("{title} is ready ({obligation}). Present it at the development meeting by {due}, and record that."),
    }
}

pub(super) fn abuse_found(lang: Lang, kinds: &[FindingName], obligations: &[ObligationId]) -> String {
    let found: Vec<&str> = kinds.iter().map(|kind| review::finding_name(lang, *kind)).collect();
    let ids = names::list(lang, obligations.iter().map(ToString::to_string));
    match lang {
        Ja => format!("記録に確かめるべき点があります: {}。是正措置: {ids}。", found.join("、")),
        En => format!("The record shows something to look into: {}. Corrective actions: {ids}.", found.join("; ")),
    }
}
