//! Words about a witnessed terminal that several faces share: why keys are held, how a command or a session ended.

use hikeshi_domain::ids::PersonId;
use hikeshi_domain::session::{Absence, Absent, Gap, GapReason, HeldBecause, LineAnswer, LineAsk, SessionEnd, TypedCommand};

use crate::Lang::{self, En, Ja};
use crate::plain::one_line;
use crate::{Names, time};

/// Why keys do not reach the shell, and who is missing.
pub fn held(lang: Lang, because: &HeldBecause, names: &Names) -> String {
    match because {
        HeldBecause::Witnesses { looking, needed, seniors, seniors_needed, absent } => {
            witnesses(lang, looking, *needed, seniors, *seniors_needed, absent, names)
        }
        HeldBecause::Stopped { by, reason } => {
            let (who, reason) = (names.person(lang, by), one_line(reason));
            match lang {
                Ja => format!("{who}が止めています（{reason}）"),
                En => format!("{who} has stopped it ({reason})"),
            }
        }
        HeldBecause::NotCounted => pick(lang, "立会人をまだ数えていません", "the witnesses have not been counted yet"),
        HeldBecause::Ending => pick(lang, "立会人がこのセッションを終わらせています", "a witness is ending this session"),
        HeldBecause::NotExecuting => {
            pick(lang, "今は実行中ではありません（検証・復元中か、終了しています）", "the exception is not being carried out now")
        }
        HeldBecause::NotStored => pick(
            lang,
            "記録を2秒以上保存できていません（ディスクにもサーバーにも）",
            "the record could not be stored for two seconds, neither on disk nor at the server",
        ),
        HeldBecause::ServerLost => pick(lang, "サーバーから応答がありません", "the server does not answer"),
        HeldBecause::Detached => pick(lang, "実行者の端末が切り離されています", "the executor's terminal is detached"),
    }
}

/// All reasons on one line.
pub fn held_all(lang: Lang, held_because: &[HeldBecause], names: &Names) -> String {
    let all: Vec<String> = held_because.iter().map(|because| held(lang, because, names)).collect();
    all.join(match lang {
        Ja => "、",
        En => "; ",
    })
}

/// Files outside the approved scope that nobody has accepted (rule E8): for everyone who watches, and for the executor.
pub fn outside(lang: Lang, paths: &[String]) -> String {
    const NAMED_MAX: usize = 3;
    if paths.is_empty() {
        return pick(lang, "範囲外の変更で、決まっていないものはありません", "No change outside the scope is open");
    }
    let named = paths.iter().take(NAMED_MAX).map(|path| one_line(path)).collect::<Vec<_>>().join(", ");
    match (paths.len().saturating_sub(NAMED_MAX), lang) {
        (0, Ja) => format!("承認された範囲の外が変わりました: {named}。承認者が認めるか元に戻すまで、終えられません"),
        (more, Ja) => format!("承認された範囲の外が変わりました: {named} ほか{more}件。承認者が認めるか元に戻すまで、終えられません"),
        (0, En) => {
            format!("Changed outside the approved scope: {named}. It cannot be closed until the approver accepts it or it is put back")
        }
        (more, En) => format!(
            "Changed outside the approved scope: {named} and {more} more. It cannot be closed until the approver accepts them or they are put back"
        ),
    }
}

fn witnesses(
    lang: Lang,
    looking: &[PersonId],
    needed: u32,
    seniors: &[PersonId],
    seniors_needed: u32,
    absent: &[Absent],
    names: &Names,
) -> String {
    let (have, seniors) = (looking.len(), seniors.len());
    let mut text = match lang {
        Ja => format!("立会人が足りません（見ている人 {have}/{needed}、うち承認者ではないシニア {seniors}/{seniors_needed}）"),
        En => format!("too few witnesses are watching ({have}/{needed}; senior and not the approver: {seniors}/{seniors_needed})"),
    };
    if !absent.is_empty() {
        let who: Vec<String> = absent
            .iter()
            .map(|absent| {
                let (person, why) = (names.person(lang, &absent.person), absence(lang, absent.why));
                match lang {
                    Ja => format!("{person}は{why}"),
                    En => format!("{person} {why}"),
                }
            })
            .collect();
        text.push_str(match lang {
            Ja => "。",
            En => ": ",
        });
        text.push_str(&who.join(match lang {
            Ja => "、",
            En => ", ",
        }));
    }
    text
}

/// What is wrong with a witness who joined and does not count: said after the name.
pub fn absence(lang: Lang, why: Absence) -> &'static str {
    match (why, lang) {
        (Absence::NotWatching, Ja) => "まだ画面を開いていません",
        (Absence::NotWatching, En) => "has not opened the page",
        (Absence::Hidden, Ja) => "画面を隠しています",
        (Absence::Hidden, En) => "has the page hidden",
        (Absence::Behind, Ja) => "表示が遅れています",
        (Absence::Behind, En) => "is behind the recording",
        (Absence::Silent, Ja) => "応答がありません",
        (Absence::Silent, En) => "is silent",
    }
}

/// How a command ended, in a word.
pub fn command_end(lang: Lang, command: &TypedCommand) -> String {
    match command.exit_code {
        Some(code) => match lang {
            Ja => format!("終了コード {code}"),
            En => format!("exit {code}"),
        },
        None if command.ended_at.is_some() => pick(lang, "終了コード不明", "exit code unknown"),
        None => pick(lang, "実行中", "running"),
    }
}

pub fn end(lang: Lang, end: &SessionEnd, names: &Names) -> String {
    match end {
        SessionEnd::Exited { code: Some(code) } => match lang {
            Ja => format!("シェルが終わりました。終了コード {code}"),
            En => format!("the shell ended, exit {code}"),
        },
        SessionEnd::Exited { code: None } => pick(lang, "シェルが終わりました。終了コード不明", "the shell ended, exit code unknown"),
        SessionEnd::Stopped { by, reason } => {
            let (who, reason) = (names.person(lang, by), one_line(reason));
            match lang {
                Ja => format!("{who}が終わらせました。理由: {reason}"),
                En => format!("ended by {who}: {reason}"),
            }
        }
        SessionEnd::ConnectionLost { detail } => {
            let detail = one_line(detail);
            match lang {
                Ja => format!("実行先との接続が切れました。終わり方は分かりません（ssh: {detail}）"),
                En => format!("the connection to the target's host was lost, how the shell ended is unknown (ssh: {detail})"),
            }
        }
        SessionEnd::Abandoned => pick(lang, "開けなかったため、取りやめました", "given up: it could not begin"),
        SessionEnd::Lost => pick(lang, "記録する側からの応答が途絶えました", "the recorder is silent"),
    }
}

pub fn gap(lang: Lang, gap: &Gap) -> String {
    let why = match (gap.why, lang) {
        (GapReason::RecorderLost, Ja) => "記録の欠落: 記録プロセスが失われました",
        (GapReason::RecorderLost, En) => "gap in the recording: the recorder was lost",
        (GapReason::NotStored, Ja) => "記録の欠落: 保存できませんでした",
        (GapReason::NotStored, En) => "gap in the recording: it could not be stored",
    };
    let bytes = time::bytes(gap.bytes);
    match (gap.bytes, lang) {
        (0, _) => why.to_owned(),
        (_, Ja) => format!("{why}（出力 {bytes}）"),
        (_, En) => format!("{why} ({bytes} of output)"),
    }
}

/// A dangerous line that waits, or what became of it.
pub fn asked(lang: Lang, ask: &LineAsk, names: &Names) -> String {
    let (line, words, why) = (one_line(&ask.line), one_line(&ask.words), one_line(&ask.why));
    match (&ask.answer, lang) {
        (None, Ja) => format!("危険な行が立会人の確認を待っています: {line} ── 「{words}」: {why}"),
        (None, En) => format!("A dangerous line waits for a witness: {line} — \"{words}\": {why}"),
        (Some(answer), _) => format!("{}: {line}", answered(lang, answer, names)),
    }
}

/// How a dangerous line was answered.
pub fn answered(lang: Lang, answer: &LineAnswer, names: &Names) -> String {
    match answer {
        LineAnswer::Confirmed { by } => {
            let who = names.person(lang, by);
            match lang {
                Ja => format!("{who}が確認しました"),
                En => format!("Confirmed by {who}"),
            }
        }
        LineAnswer::Denied { by, reason } => {
            let (who, reason) = (names.person(lang, by), one_line(reason));
            match lang {
                Ja => format!("{who}が拒否しました（{reason}）"),
                En => format!("Denied by {who} ({reason})"),
            }
        }
        LineAnswer::Withdrawn => pick(lang, "取り下げられました", "Given up"),
    }
}

fn pick(lang: Lang, ja: &str, en: &str) -> String {
    match lang {
        Ja => ja,
        En => en,
    }
    .to_owned()
}
