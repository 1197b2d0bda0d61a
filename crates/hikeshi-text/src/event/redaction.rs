//! Events about secrets that are taken out of a recording (rule A4).

use hikeshi_domain::session::{RedactionEvent, RedactionStep};

use crate::Lang::{self, En, Ja};
use crate::plain::one_line;

pub(super) fn said(lang: Lang, event: &RedactionEvent) -> String {
    let RedactionEvent { session, redaction, step, emergency: _ } = event;
    match step {
        RedactionStep::Proposed { from, to, reason, by: _ } => proposed(lang, *session, *redaction, (*from, *to), reason),
        RedactionStep::Declined { reason, by: _ } => declined(lang, *session, *redaction, reason),
        RedactionStep::Agreed { by: _, effect: _ } => agreed(lang, *session, *redaction),
        RedactionStep::Done { blocks } => done(lang, *session, *redaction, &blocks.iter().map(|block| block.block).collect::<Vec<_>>()),
        RedactionStep::Failed { detail } => failed(lang, *session, *redaction, detail),
    }
}

fn proposed(lang: Lang, session: u32, redaction: u32, (from, to): (u64, u64), reason: &str) -> String {
    let (bytes, reason) = (to.saturating_sub(from), one_line(reason));
    match lang {
        Ja => format!(
            "立会セッション{session}の出力 {from}〜{to}（{bytes}バイト）を伏せるよう提案しました（{redaction}件目）。理由: {reason}"
        ),
        En => format!("Proposed to redact output {from}–{to} ({bytes} bytes) of session {session} (no. {redaction}). Reason: {reason}"),
    }
}

fn declined(lang: Lang, session: u32, redaction: u32, reason: &str) -> String {
    let reason = one_line(reason);
    match lang {
        Ja => format!("立会セッション{session}を伏せる提案（{redaction}件目）を退けました。理由: {reason}"),
        En => format!("Declined redaction no. {redaction} of session {session}. Reason: {reason}"),
    }
}

fn agreed(lang: Lang, session: u32, redaction: u32) -> String {
    match lang {
        Ja => format!("立会セッション{session}を伏せる提案（{redaction}件目）に同意しました"),
        En => format!("Agreed to redaction no. {redaction} of session {session}"),
    }
}

fn done(lang: Lang, session: u32, redaction: u32, blocks: &[u64]) -> String {
    let numbers = blocks.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match lang {
        Ja => format!("立会セッション{session}の記録を伏せました（{redaction}件目、ブロック {numbers}）。元の内容は消去されています"),
        En => format!("Redacted the recording of session {session} (no. {redaction}, blocks {numbers}). What was there is deleted"),
    }
}

fn failed(lang: Lang, session: u32, redaction: u32, detail: &str) -> String {
    let detail = one_line(detail);
    match lang {
        Ja => format!("立会セッション{session}の記録を伏せられませんでした（{redaction}件目）: {detail}"),
        En => format!("Redaction no. {redaction} of session {session} did not succeed: {detail}"),
    }
}
