//! What the command line says when it looks back (rules E13 to E15).

use super::two;
use crate::Lang;

/// A month was asked for as a quarter, or the other way round.
pub fn wrong_period(lang: Lang, quarter: bool) -> String {
    if quarter {
        two(lang, "四半期は 2026-Q4 のように書いてください。", "Write a quarter like 2026-Q4.")
    } else {
        two(lang, "月は 2026-11 のように書いてください。", "Write a month like 2026-11.")
    }
}

pub fn report_headings(lang: Lang) -> Vec<String> {
    let [ja, en] = [["月", "利用", "実行", "事後処理", "期限"], ["month", "uses", "carried out", "owed", "due"]];
    let words = match lang {
        Lang::Ja => ja,
        Lang::En => en,
    };
    words.map(str::to_owned).to_vec()
}

pub fn word_report(lang: Lang) -> String {
    two(lang, "報告", "report")
}
pub fn word_finding(lang: Lang) -> String {
    two(lang, "指摘", "finding")
}
pub fn word_presented(lang: Lang) -> String {
    two(lang, "報告済み", "presented")
}

pub fn word_approvals(lang: Lang) -> String {
    two(lang, "必要な承認", "approvals needed")
}

/// Why one approval is not enough (rule E14).
pub fn harder(lang: Lang, because: &[String]) -> String {
    let ids = because.join(" ");
    two(
        lang,
        format!("すべての承認役割（事後処理 {ids} が期限を過ぎているため）"),
        format!("every approver role, because follow-up is overdue: {ids}"),
    )
}
