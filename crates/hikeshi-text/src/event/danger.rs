//! Events about lines of a terminal that the plan calls dangerous.

use hikeshi_domain::session::LineAsk;

use crate::Lang::{self, En, Ja};
use crate::plain::{clipped, one_line};

/// Longest part of a line that a timeline shows; the whole is in the entry.
const LINE_CHARS_SHOWN: usize = 160;

pub(super) fn asked(lang: Lang, number: u32, ask: &LineAsk) -> String {
    let (line, words, why, count) = (clipped(&one_line(&ask.line), LINE_CHARS_SHOWN), one_line(&ask.words), one_line(&ask.why), ask.ask);
    match lang {
        Ja => format!("立会セッション{number}で、危険な行の前で止めました（{count}件目）: {line} ── 「{words}」: {why}"),
        En => format!("Held Enter at a dangerous line in session {number} (no. {count}): {line} — \"{words}\": {why}"),
    }
}

pub(super) fn confirmed(lang: Lang, number: u32, ask: u32) -> String {
    match lang {
        Ja => format!("立会セッション{number}の危険な行（{ask}件目）を確認しました"),
        En => format!("Confirmed the dangerous line no. {ask} of session {number}"),
    }
}

pub(super) fn denied(lang: Lang, number: u32, ask: u32, reason: &str) -> String {
    let reason = one_line(reason);
    match lang {
        Ja => format!("立会セッション{number}の危険な行（{ask}件目）を拒否しました。理由: {reason}"),
        En => format!("Denied the dangerous line no. {ask} of session {number}. Reason: {reason}"),
    }
}

pub(super) fn withdrawn(lang: Lang, number: u32, ask: u32) -> String {
    match lang {
        Ja => format!("立会セッション{number}の危険な行（{ask}件目）は、実行されないまま取り下げられました"),
        En => format!("The dangerous line no. {ask} of session {number} was given up before it ran"),
    }
}

pub(super) fn unconfirmed(lang: Lang, number: u32, command: u32, words: &str, why: &str) -> String {
    let (words, why) = (one_line(words), one_line(why));
    match lang {
        Ja => format!("立会セッション{number}のコマンド{command}は、立会人の確認なしに実行されました ── 「{words}」: {why}"),
        En => format!("Command {command} of session {number} ran without a witness's confirmation — \"{words}\": {why}"),
    }
}
