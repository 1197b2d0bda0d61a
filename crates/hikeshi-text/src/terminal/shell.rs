//! What a witnessed terminal says to the executor and to a witness at theirs.

use crate::Lang;

use super::two;

/// Stands before every line of ours between what a shell prints.
pub fn badge() -> &'static str {
    "\x1b[7m 火消し \x1b[0m"
}

pub fn shell_needs_server(lang: Lang) -> String {
    two(
        lang,
        "立会セッションの端末は、サーバーを通して開きます（--local では開けません）。立会人が見られないためです。",
        "A witnessed terminal needs the server (not --local): without it nobody can watch.",
    )
}

pub fn shell_elsewhere(lang: Lang, number: u32) -> String {
    two(
        lang,
        format!(
            "立会セッション{number}は、別のマシンか別のユーザーで開いています。そこで exit して閉じるか、立会人に終わらせてもらってください。"
        ),
        format!("Session {number} is open on another machine or by another user. Close it there (exit), or have a witness end it."),
    )
}

pub fn shell_wrong_host(lang: Lang, root: &str) -> String {
    two(
        lang,
        format!("{root} とそのバックアップが、このマシンにありません。対象のホストで、もう一度実行してください。"),
        format!("{root} and its backup are not on this machine. Run this on the target's host."),
    )
}

pub fn ssh_host_key(lang: Lang, destination: &str, detail: &str) -> String {
    two(
        lang,
        format!(
            "{destination} のホスト鍵を確かめられないため、接続していません（ssh: {detail}）。初めてのホストなら、鍵を別の手段で確かめてから known_hosts に加えるか、ポリシーの host_keys に書いてもらってください。前と変わったのなら、ホストの管理者に確かめるまで進めないでください。"
        ),
        format!(
            "The host key of {destination} could not be verified, so no connection was made (ssh: {detail}). If the host is new to you, check its key by another way and add it to known_hosts, or have it put into host_keys of the policy. If it has changed, go no further before its administrator has confirmed it."
        ),
    )
}

pub fn ssh_sign_in(lang: Lang, destination: &str, detail: &str) -> String {
    two(
        lang,
        format!(
            "{destination} にサインインできません（ssh: {detail}）。パスワードは尋ねません。ssh-agent に鍵を加える（ssh-add）か、--ssh-config で設定ファイルを指定してください。"
        ),
        format!(
            "{destination} does not let you sign in (ssh: {detail}). No password is asked for: add your key to the agent (ssh-add), or name a configuration with --ssh-config."
        ),
    )
}

pub fn ssh_unreachable(lang: Lang, destination: &str, detail: &str) -> String {
    two(
        lang,
        format!(
            "{destination} に接続できません（ssh: {detail}）。ssh {destination} で届くか確かめてください。セッションは開いていません。"
        ),
        format!("{destination} cannot be reached (ssh: {detail}). Try `ssh {destination}`. No session was opened."),
    )
}

pub fn ssh_wrong_host(lang: Lang, destination: &str, missing: &str) -> String {
    two(
        lang,
        format!(
            "接続した {destination} に {missing} がありません。サーバーが見ているホストと違うようです。ssh の設定（HostName など）を確かめてください。"
        ),
        format!(
            "{missing} is not on the {destination} that was reached. It seems to be another host than the server's: check your ssh configuration (HostName and the like)."
        ),
    )
}

pub fn shell_begins(lang: Lang, id: &str, number: u32) -> String {
    two(
        lang,
        format!(
            "{id} の立会セッション{number}です。画面に出るものはすべて記録され、立会人が見ています。Ctrl-] のあとに d で切り離し、? で説明。exit で終わります。"
        ),
        format!(
            "Witnessed session {number} of {id}. Everything on this screen is recorded and watched. Ctrl-] then d detaches, ? explains. exit ends it."
        ),
    )
}

pub fn shell_help(lang: Lang, held: &str) -> String {
    let state = if held.is_empty() { keys_pass(lang) } else { keys_held(lang, held) };
    let keys = two(
        lang,
        "Ctrl-] d  切り離す（シェルは残り、入力は止まります。同じコマンドで戻れます）\nCtrl-] Ctrl-]  Ctrl-] そのものを送る\nexit  終わる",
        "Ctrl-] d  detach (the shell stays, keys are held; the same command comes back)\nCtrl-] Ctrl-]  send Ctrl-] itself\nexit  end",
    );
    format!("{state}\n{keys}")
}

pub fn shell_detached(lang: Lang, id: &str) -> String {
    two(
        lang,
        format!("切り離しました。シェルは動いたままで、入力は止まっています。戻るには: hikeshi emergency shell {id}"),
        format!("Detached. The shell goes on and keys are held. To come back: hikeshi emergency shell {id}"),
    )
}

pub fn shell_delivering(lang: Lang) -> String {
    two(lang, "記録の残りをサーバーに届けています", "Delivering the rest of the recording")
}

pub fn shell_ended(lang: Lang, number: u32, how: &str, commands: usize, changes: usize) -> String {
    two(
        lang,
        format!("立会セッション{number}が終わりました（{how}）。コマンド {commands}件、開始前から変わったファイル {changes}件。"),
        format!("Witnessed session {number} ended ({how}). {commands} command(s), {changes} file(s) differ from before the start."),
    )
}

pub fn keys_held(lang: Lang, why: &str) -> String {
    two(lang, format!("入力を止めています: {why}"), format!("Keys are held: {why}"))
}

pub fn keys_pass(lang: Lang) -> String {
    two(lang, "入力できます", "Keys pass")
}

pub fn output_skipped(lang: Lang, bytes: u64) -> String {
    let size = crate::time::bytes(bytes);
    two(
        lang,
        format!("画面が追いつかず、{size}を飛ばしました（記録には残っています）"),
        format!("{size} skipped here: this window was too slow. The record has them"),
    )
}

pub fn recorder_lost(lang: Lang) -> String {
    two(
        lang,
        "記録プロセスが失われました。入力を止め、もう一度立ち上げます。動いているものは止まりません",
        "The recorder is gone. Keys are held and it is started again; what runs goes on",
    )
}

pub fn recorder_back(lang: Lang) -> String {
    two(
        lang,
        "記録を再開しました。失われた間のことは、記録の欠落として残ります",
        "Recording goes on. What was lost stands in the record as a gap",
    )
}

pub fn recorder_not_back(lang: Lang, why: &str) -> String {
    two(
        lang,
        format!("記録プロセスを立ち上げられません（{why}）。1秒後にもう一度試みます"),
        format!("The recorder cannot be started ({why}). Trying again in a second"),
    )
}

pub fn chain_broken(lang: Lang, why: &str) -> String {
    two(
        lang,
        format!("届いた内容が記録の鎖と合いません（{why}）。見たことにはなりません。立会いを止めて、責任者に知らせてください。"),
        format!(
            "What arrived does not fit the chain of the recording ({why}). It does not count as watched: stop the session and tell whoever is responsible."
        ),
    )
}

pub fn screen_counts(lang: Lang) -> String {
    two(lang, "あなたの画面を、見ている人として数えています", "Your screen counts as watching")
}

pub fn screen_replaced(lang: Lang) -> String {
    two(lang, "あなたの別の端末を、見ている人として数えています", "Another device of yours counts as watching")
}

/// There is no terminal of this exception to speak of.
pub fn no_session(lang: Lang, id: &str) -> String {
    two(lang, format!("{id} に端末のセッションはありません。"), format!("{id} has no witnessed session."))
}

pub fn no_open_session(lang: Lang, id: &str) -> String {
    two(lang, format!("{id} に進行中のセッションはありません。"), format!("{id} has no open session."))
}

pub fn recording_saved(lang: Lang, file: &str, bytes: u64) -> String {
    two(lang, format!("{file} に保存しました（{bytes} バイト）。"), format!("{file} written, {bytes} bytes."))
}

pub fn redaction_secret(lang: Lang) -> String {
    two(lang, "伏せる文字列（表示されません）: ".to_owned(), "What to redact (not shown): ".to_owned())
}

pub fn redaction_none_found(lang: Lang, name: &str) -> String {
    two(
        lang,
        format!(
            "セッション {name} の出力に、その文字列はありません。折り返しや色づけで途切れていることもあります。位置が分かるなら --from と --to で指定してください。"
        ),
        format!(
            "It is not in the output of session {name}. It may be broken by a wrapped line or by colours: give --from and --to if you know the place."
        ),
    )
}

pub fn redaction_length(lang: Lang, min: usize, max: usize) -> String {
    two(lang, format!("伏せる文字列は {min} バイトから {max} バイトまでです。"), format!("What is redacted has {min} to {max} bytes."))
}

pub fn redaction_too_many(lang: Lang, max: usize) -> String {
    two(
        lang,
        format!("{max} か所より多く見つかりました。もっと長い文字列を指定してください。"),
        format!("More than {max} places were found. Give a longer text."),
    )
}

/// What a second person reads before they agree.
pub fn redaction_question(lang: Lang, name: &str, range: &str, reason: &str, by: &str, command: Option<(u32, &str)>) -> String {
    let command = command.map(|(number, text)| {
        two(lang, format!("\n  コマンド{number}の出力: {text}"), format!("\n  in the output of command {number}: {text}"))
    });
    let command = command.unwrap_or_default();
    two(
        lang,
        format!(
            "セッション {name} の{range}を伏せます（提案 {by}、理由: {reason}）。{command}\n再生の画面でその場所を見てから同意してください。元の内容は消去され、元に戻せません。"
        ),
        format!(
            "Session {name}: {range} will be redacted (proposed by {by}, reason: {reason}).{command}\nLook at the place in the replay first. What was there is deleted for good."
        ),
    )
}

pub fn no_redaction(lang: Lang, name: &str) -> String {
    two(
        lang,
        format!("セッション {name} に、答えを待っている提案はありません。"),
        format!("No redaction of session {name} waits for an answer."),
    )
}

/// What a witness is asked before the terminal is hung up.
pub fn end_session_question(lang: Lang, name: &str) -> String {
    two(
        lang,
        format!("セッション {name} を終わらせます。端末は切られます。"),
        format!("Session {name} will be ended; the terminal is hung up."),
    )
}

/// Enter is held: to the executor.
pub fn line_waits(lang: Lang, words: &str, why: &str) -> String {
    two(
        lang,
        format!("この行は計画で危険とされています（「{words}」: {why}）。立会人の確認を待っています。何かキーを打つと取り下げます"),
        format!("The plan calls this line dangerous (\"{words}\": {why}). Waiting for a witness to confirm it. Any key takes it back"),
    )
}

pub fn line_still_waits(lang: Lang) -> String {
    two(lang, "まだ立会人の確認を待っています", "Still waiting for a witness to confirm")
}

/// It was answered or given up; `dropped` bytes of a paste behind it were not sent.
pub fn line_over(lang: Lang, how: &str, dropped: u64) -> String {
    match dropped {
        0 => how.to_owned(),
        _ => two(
            lang,
            format!("{how}。貼り付けた残り {dropped} バイトは送っていません"),
            format!("{how}. {dropped} byte(s) of the paste behind it were not sent"),
        ),
    }
}

/// What a witness is asked before a dangerous line runs.
pub fn confirm_line(lang: Lang, line: &str, words: &str, why: &str) -> String {
    two(
        lang,
        format!("実行者が次の行を実行しようとしています:\n  {line}\n危険とされた理由（「{words}」）: {why}"),
        format!("The executor is about to run:\n  {line}\nWhy it is dangerous (\"{words}\"): {why}"),
    )
}

pub fn confirm_step(lang: Lang, step: u32, title: &str, run: &str) -> String {
    two(
        lang,
        format!("立会人として、危険な手順 {step}「{title}」を一回だけ実行してよいと確認します:\n{run}"),
        format!("As a witness you confirm one run of the dangerous step {step}, {title}:\n{run}"),
    )
}

pub fn no_line_waits(lang: Lang, id: &str) -> String {
    two(lang, format!("{id} に、確認を待っている行はありません。"), format!("No line of {id} waits for a confirmation."))
}
