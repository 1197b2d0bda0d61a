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
