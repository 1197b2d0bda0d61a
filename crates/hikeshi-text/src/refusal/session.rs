//! Refusals about witnessed terminals (rules E3 to E5).

use hikeshi_domain::ids::PersonId;

use super::say;
use crate::Lang::{self, En, Ja};
use crate::{Names, Sentence, label};

pub(super) fn not_planned(lang: Lang) -> Sentence {
    let verb = label::command(lang, "emergency.revise");
    match lang {
        Ja => say(
            "承認された計画に、手作業の端末は含まれていません。",
            "承認は計画の内容に結びついています。端末を開くことも計画の一部です。",
            format!("計画に [plan.terminal] を加えて「{verb}」を行い、もう一度承認を受けてください。"),
        ),
        En => say(
            "The approved plan does not include a terminal.",
            "An approval is of one plan, and opening a terminal is part of a plan.",
            format!("Add [plan.terminal] to the plan, {verb}, and have it approved again."),
        ),
    }
}

pub(super) fn open(lang: Lang, number: u32) -> Sentence {
    match lang {
        Ja => say(
            format!("立会セッション{number}の端末が開いています。"),
            "端末で打ったものが、今から行うことと重なるおそれがあります。",
            "端末で exit して閉じてから、もう一度行ってください。",
        ),
        En => say(
            format!("The terminal of witnessed session {number} is open."),
            "What is typed there could cross what is about to be done.",
            "Close the terminal (exit), then try again.",
        ),
    }
}

pub(super) fn no_such(lang: Lang, number: u32) -> Sentence {
    match lang {
        Ja => say(format!("立会セッション{number}はありません。"), "番号は1から始まります。", "緊急例外の画面で、番号を確かめてください。"),
        En => say(
            format!("There is no witnessed session {number}."),
            "They are numbered from 1.",
            "See the page of the exception for its sessions.",
        ),
    }
}

pub(super) fn over(lang: Lang, number: u32) -> Sentence {
    match lang {
        Ja => say(
            format!("立会セッション{number}は、もう終わっています。"),
            "終わったセッションの記録には、何も加えられません。",
            "続きが必要なら、新しい端末を開いてください。",
        ),
        En => say(
            format!("Witnessed session {number} is over."),
            "Nothing is added to the recording of a session that has ended.",
            "If there is more to do, open a new terminal.",
        ),
    }
}

pub(super) fn files_not_seen(lang: Lang) -> Sentence {
    let verify = label::command(lang, "emergency.verify");
    match lang {
        Ja => say(
            "変わったファイルを、まだ調べ終えていません。",
            "何が変わったか分からないうちは、終了できません。調べている間は、手順も検証も始められません。",
            format!("数秒待ってから、もう一度行ってください。調べられなかったと出ているときは、「{verify}」でもう一度調べます。"),
        ),
        En => say(
            "Which files have changed has not been seen yet.",
            "Without knowing what changed, nothing can be closed; while it is being looked, no step and no verification begins.",
            format!(
                "Wait a few seconds and try again. If the page says that the files could not be looked at, {verify}: that looks again."
            ),
        ),
    }
}

pub(super) fn key_unreadable(lang: Lang) -> Sentence {
    match lang {
        Ja => say("この端末の鍵を読めません。", "P-256 の公開鍵（65バイト、16進）が必要です。", "画面を読み込み直してください。"),
        En => say("The key of this device cannot be read.", "It must be a P-256 public key (65 bytes, hex).", "Load the page again."),
    }
}

pub(super) fn shared(lang: Lang, with: &PersonId, names: &Names) -> Sentence {
    let who = names.person(lang, with);
    match lang {
        Ja => say(
            format!("この端末は、すでに{who}が立会いに使っています。"),
            "一台の端末を二人の目として数えることはできません。",
            "自分の端末で画面を開いてください。",
        ),
        En => say(
            format!("{who} already watches with this device."),
            "One device does not count as two pairs of eyes.",
            "Open the page on your own device.",
        ),
    }
}

pub(super) fn nothing_asked(lang: Lang, number: u32) -> Sentence {
    match lang {
        Ja => say(
            format!("立会セッション{number}で確認を待っている行の中に、その行はありません。"),
            "行が編集されたか、すでに答えが出たか、時間が過ぎました。確認は、待っている一行だけに効きます。",
            "画面に今出ている行を読み、その行について答えてください。",
        ),
        En => say(
            format!("No such line waits for a confirmation in session {number}."),
            "It was edited, answered, or its time has passed. A confirmation is of the one line that waits.",
            "Read the line that is shown now, and answer that.",
        ),
    }
}

pub(super) fn range_unfit(lang: Lang, from: u64, to: u64, max: u64) -> Sentence {
    match lang {
        Ja => say(
            format!("{from}〜{to} は、伏せる範囲になりません。"),
            format!("出力のはじめから数えたバイトで、始まりは終わりより前、長さは {max} バイトまでです。"),
            "hikeshi emergency redact --find で位置を探すか、範囲を分けてください。",
        ),
        En => say(
            format!("{from}–{to} is no range to redact."),
            format!("It counts bytes of output from the beginning, ends after it begins, and has at most {max} bytes."),
            "Find the place with `hikeshi emergency redact --find`, or divide the range.",
        ),
    }
}

pub(super) fn no_redaction(lang: Lang, session: u32, redaction: u32) -> Sentence {
    match lang {
        Ja => say(
            format!("立会セッション{session}に、答えを待っている提案 {redaction} はありません。"),
            "答えられた提案には、もう答えられません。",
            "セッションの再生画面で、提案の番号と状態を確かめてください。",
        ),
        En => say(
            format!("Session {session} has no redaction {redaction} that waits for an answer."),
            "One that was answered is not answered again.",
            "See the replay of the session for the proposals and where they stand.",
        ),
    }
}

pub(super) fn redaction_self_agreed(lang: Lang, person: &PersonId, names: &Names) -> Sentence {
    let who = names.person(lang, person);
    match lang {
        Ja => say(
            format!("{who}は、この提案に同意できません。"),
            "提案した人と、その画面を操作した実行者は、記録を伏せることに同意できません。",
            "承認者かシニアの、別の人に頼んでください。",
        ),
        En => say(
            format!("{who} cannot agree to this."),
            "Neither who proposed a redaction nor the executor whose screen it is agrees to it.",
            "Ask somebody else who is an approver or a senior.",
        ),
    }
}

pub(super) fn recorded_elsewhere(lang: Lang, number: u32) -> Sentence {
    match lang {
        Ja => say(
            format!("立会セッション{number}の記録は、手元の台帳から取り込んだものです。"),
            "取り込んだ台帳は、署名されたままの形で保管され、書き換えられません。",
            "漏れた秘密は、すぐに無効にして取り替えてください。",
        ),
        En => say(
            format!("The recording of witnessed session {number} came home from a local ledger."),
            "What came home is kept as it was signed there, and is not rewritten.",
            "Revoke and replace the secret that leaked.",
        ),
    }
}
