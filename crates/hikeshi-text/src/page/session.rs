//! Pages of a witnessed session: its replay, its place on the exception's page, and what a witness may do beside it.

use super::words;
use crate::Lang::{self, En, Ja};

words! {
    witnessed_sessions: "立会セッション", "Witnessed sessions";
    session_open_badge: "進行中", "open";
    session_over_badge: "終了", "over";
    session_watch: "見る", "Watch";
    session_replay: "再生する", "Replay";
    session_place: "場所", "Where";
    session_executor: "実行者", "Carried out by";
    session_times: "時刻", "When";
    session_end: "終わり方", "How it ended";
    session_watched: "見た人", "Who watched";
    session_watched_none: "見たと署名した人はいません。", "Nobody signed to have watched.";
    session_blocks: "ブロック", "Blocks";
    session_senior: "シニア（承認者ではない）", "senior, not the approver";
    session_commands: "コマンド", "Commands";
    session_commands_none: "コマンドは記録されていません。", "No command was recorded.";
    session_held: "入力が止まっていた時間", "When keys were held";
    session_held_none: "ありません。", "Never.";
    session_gaps: "記録の欠落", "Gaps in the recording";
    session_gaps_none: "ありません。", "None.";
    session_notes: "立会人の書き添え", "Notes of witnesses";
    session_notes_none: "ありません。", "None.";
    session_changed: "変わったファイル", "Changed files";
    session_damaged: "記録が壊れています", "The recording is damaged";
    session_short: "見た人が足りない区間があります", "Too few have watched some of it";
    replay_title: "セッションの再生", "Replay of a session";
    replay_speed: "速さ", "Speed";
    replay_search: "コマンドと出力から探す", "Search commands and output";
    replay_found: "見つかった場所", "Found";
    replay_none_found: "見つかりません。", "Nothing found.";
    replay_jump: "ここから再生", "Play from here";
    replay_failed: "再生できませんでした。下のファイルを保存して確かめてください。", "It cannot be played here. Save one of the files below instead.";
    replay_too_large: "大きすぎるため、ここでは再生しません。下のファイルを保存して再生してください。", "Too large to be played here. Save one of the files below and play that.";
    replay_no_script: "スクリプトが動かないブラウザでは再生できません。コマンドの一覧と、下のファイルをご覧ください。", "Without scripts nothing plays here. See the list of commands and the files below.";
    replay_files: "記録を保存する", "Save the recording";
    replay_cast: "asciicast v3（再生用）", "asciicast v3 (for players)";
    replay_cast2: "asciicast v2（古い再生ソフト用）", "asciicast v2 (for older players)";
    replay_raw: "出力そのもの（バイト単位）", "The output, byte for byte";
    replay_frames: "記録そのもの（フレーム）", "The frames as recorded";
    watch_commands: "最近のコマンド", "Last commands";
    line_waits: "危険な行が、あなたの確認を待っています", "A dangerous line waits for your confirmation";
    line_waits_others: "危険な行が、立会人の確認を待っています", "A dangerous line waits for a witness";
    line_exact: "実行者の端末の行", "The line on the executor's terminal";
    line_why: "危険とされた理由", "Why it is dangerous";
    line_until: "この時刻までに答えがなければ、実行されません", "Without an answer by then it does not run";
    line_confirm: "この行を一度だけ実行してよい", "This line may run, once";
    line_deny: "拒否する", "Deny";
    unconfirmed_banner: "確認なしに実行された危険な行", "Dangerous lines that ran without a confirmation";
    step_confirm: "立会人として確認する", "Confirm as a witness";
    step_confirmed: "立会人の確認", "Confirmed by a witness";
    step_confirmed_waiting: "まだ実行されていません", "not run yet";
    step_unconfirmed: "実行には立会人の確認が要ります", "Takes a witness's confirmation to run";
    plan_dangerous: "危険な行", "Dangerous lines";
    plan_dangerous_help: "1行に1つ、「含まれる語 | 理由」の形で書きます。端末でその語を含む行は、Enter を押しても立会人が確認するまで実行されません。", "One per line: `words | why`. Enter at a line with these words is held until a witness confirms it.";
    redactions: "伏せた箇所", "Redactions";
    redactions_none: "ありません。", "None.";
    redaction_from: "始まり（出力のはじめから数えたバイト）", "From (bytes of output)";
    redaction_to: "終わり（このバイトは含みません）", "To (not included)";
    redaction_help: "マスクされずに記録された秘密を、二人の合意で伏せます。元の内容は消去され、鎖・長さ・時刻は残ります。位置は hikeshi emergency redact --find で探せます。", "Takes out a secret that masking did not catch, when two people agree. What was there is deleted; chain, lengths and times stay. `hikeshi emergency redact --find` finds the place.";
    redaction_proposed: "同意を待っています", "waits for a second person";
    redaction_declined: "退けられました", "declined";
    redaction_under_way: "処理中", "under way";
    redaction_done: "伏せました", "redacted";
    redaction_trouble: "前回は伏せられませんでした", "The last try did not succeed";
    note_text: "書き添える内容", "What to note";
    plan_terminal: "手作業の端末", "Work by hand";
    plan_terminal_use: "立会いの下で端末を開く（手順を手で行う）", "Open a witnessed terminal (work by hand)";
    plan_terminal_help: "開いた端末は、必要な人数が画面を見ている間だけ入力できます。", "Keys reach it only while enough witnesses have it on screen.";
    plan_terminal_shell: "シェル", "Shell";
    plan_terminal_encoding: "画面の文字コード", "Encoding of the screen";
    plan_terminal_input: "打った文字も記録する", "Record typed keys too";
    plan_captures: "前後で見比べるもの", "What is compared before and after";
    plan_captures_help: "ファイルではない変更（データベースの構造など）を、見るだけのコマンドで前後に記録します。", "For changes that are not files: a command that only looks, run before and after.";
    plan_capture_title: "名前", "Name";
    plan_capture_run: "コマンド", "Command";
    plan_capture_add: "見比べるものを追加", "Add one";
}

/// The session's number as a heading.
pub fn session_heading(lang: Lang, number: u32) -> String {
    match lang {
        Ja => format!("セッション{number}"),
        En => format!("Session {number}"),
    }
}

/// Which capture, in the plan's form.
pub fn capture_number(lang: Lang, number: usize) -> String {
    match lang {
        Ja => format!("見比べるもの{number}"),
        En => format!("Capture {number}"),
    }
}

pub fn commands_counted(lang: Lang, commands: usize, files: usize) -> String {
    match lang {
        Ja => format!("コマンド{commands}件・変わったファイル{files}件"),
        En => format!("{commands} commands, {files} changed files"),
    }
}

/// Where enough people watched at the same time: `ranges` is `0–184`, several of these, or empty.
pub fn watched_together(lang: Lang, ranges: &str, needed: u32, seniors_needed: u32) -> String {
    match (lang, ranges.is_empty()) {
        (Ja, true) => format!("{needed}人（うちシニア{seniors_needed}人）以上がそろって見たブロックはありません"),
        (Ja, false) => format!("{needed}人（うちシニア{seniors_needed}人）以上がそろって見たのは ブロック{ranges}"),
        (En, true) => format!("No block was watched by {needed} people or more, {seniors_needed} of them senior"),
        (En, false) => format!("Blocks {ranges} were watched by {needed} people or more, {seniors_needed} of them senior"),
    }
}

/// Keys could pass there, and too few have signed to have watched.
pub fn watched_short(lang: Lang, ranges: &str, needed: u32, seniors_needed: u32) -> String {
    match lang {
        Ja => format!(
            "ブロック{ranges} では入力できる状態でしたが、見たと署名した人が足りません（必要 {needed}人、うちシニア{seniors_needed}人）。"
        ),
        En => format!(
            "In blocks {ranges} keys could pass, and too few have signed to have watched ({needed} needed, {seniors_needed} senior)."
        ),
    }
}

/// What must be typed to end a session.
pub fn stop_confirm(lang: Lang, name: &str) -> String {
    match lang {
        Ja => format!("確認のため「{name}」と入力（端末が切られます）"),
        En => format!("Type `{name}` to confirm; the terminal is hung up"),
    }
}

/// Commands that ran without the confirmation that the plan asks for.
pub fn unconfirmed(lang: Lang, number: u32, commands: &[u32]) -> String {
    let commands = commands.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match lang {
        Ja => format!("立会セッション{number}のコマンド {commands}。何が起きたか、すぐに確かめてください。"),
        En => format!("Commands {commands} of session {number}. See at once what they did."),
    }
}

/// The bytes of output that are, or are to be, taken out.
pub fn redaction_range(lang: Lang, from: u64, to: u64) -> String {
    let bytes = to.saturating_sub(from);
    match lang {
        Ja => format!("出力 {from}〜{to}（{bytes}バイト）"),
        En => format!("output {from}–{to} ({bytes} bytes)"),
    }
}
