//! Announcements about witnessed terminals (rule E5).

use hikeshi_domain::ids::PersonId;
use hikeshi_domain::session::SessionEnd;

use crate::Lang::{self, En, Ja};
use crate::plain::one_line;
use crate::{Names, session};

pub(super) fn opened(lang: Lang, executor: &PersonId, number: u32, names: &Names) -> String {
    let who = names.person(lang, executor);
    match lang {
        Ja => format!(
            "{who}が立会セッション{number}の端末を開きました。立会人は画面を開いて見ていてください。見ていないあいだ、入力は止まります。"
        ),
        En => format!(
            "{who} opened the terminal of witnessed session {number}. Witnesses, open the page and watch: while you do not, keys are held."
        ),
    }
}

pub(super) fn stopped(lang: Lang, by: &PersonId, number: u32, reason: &str, names: &Names) -> String {
    let (who, reason) = (names.person(lang, by), one_line(reason));
    match lang {
        Ja => format!("{who}が立会セッション{number}を終わらせました。理由: {reason}"),
        En => format!("{who} ended witnessed session {number}. Reason: {reason}"),
    }
}

pub(super) fn ended(lang: Lang, number: u32, end: &SessionEnd, names: &Names) -> String {
    let how = session::end(lang, end, names);
    match lang {
        Ja => format!("立会セッション{number}の端末が閉じました（{how}）。"),
        En => format!("The terminal of witnessed session {number} is closed ({how})."),
    }
}

pub(super) fn unconfirmed(lang: Lang, number: u32, command: u32, words: &str) -> String {
    let words = one_line(words);
    match lang {
        Ja => format!(
            "立会セッション{number}のコマンド{command}（「{words}」を含む）が、立会人の確認なしに実行されました。何が起きたか、すぐに確かめてください。"
        ),
        En => format!(
            "Command {command} of session {number} (with \"{words}\") ran without a witness's confirmation. See at once what it did."
        ),
    }
}

pub(super) fn redaction_proposed(
    lang: Lang,
    (number, redaction): (u32, u32),
    by: &PersonId,
    bytes: u64,
    reason: &str,
    names: &Names,
) -> String {
    let (who, reason) = (names.person(lang, by), one_line(reason));
    match lang {
        Ja => format!(
            "{who}が、立会セッション{number}の記録から{bytes}バイトを伏せるよう提案しました（{redaction}件目）。理由: {reason}。提案者と実行者でない人が、内容を確かめて答えてください。"
        ),
        En => format!(
            "{who} proposes to redact {bytes} bytes of the recording of witnessed session {number} (no. {redaction}). Reason: {reason}. Someone who is neither {who} nor the executor: look, and answer."
        ),
    }
}

pub(super) fn redaction_ended(lang: Lang, number: u32, redaction: u32, done: bool) -> String {
    match (lang, done) {
        (Ja, true) => format!("立会セッション{number}の記録を伏せました（{redaction}件目）。"),
        (Ja, false) => {
            format!("立会セッション{number}の記録を伏せられませんでした（{redaction}件目）。理由を再生の画面で確かめてください。")
        }
        (En, true) => format!("The recording of witnessed session {number} is redacted (no. {redaction})."),
        (En, false) => format!("Redaction no. {redaction} of witnessed session {number} did not succeed. The page of its replay says why."),
    }
}
