//! Pages of an emergency exception.

use hikeshi_domain::emergency::Emergency;

use super::words;
use crate::{Lang, label};

words! {
    request_title: "緊急例外の申請", "Request an emergency exception";
    revise_title: "計画の改訂", "Revise the plan";
    request_lead: "通常のデプロイを通さずに本番を変更する、最後の手段です。4つの条件すべてに根拠が必要です。", "The last resort: changing production outside the normal flow. All four conditions need evidence.";
    conditions: "4つの条件", "The four conditions";
    statement: "内容", "Statement";
    evidence: "根拠", "Evidence";
    evidence_help: "リンク、ログの一行、数字など、ほかの人が確かめられるもの", "A link, a log line, a figure: what others can check";
    judged_by: "判断した人", "Judged by";
    judged_evidence: "いつ、どのように判断を聞いたか", "When and how they said so";
    plan: "計画", "Plan";
    plan_revision: "改訂", "Revision";
    plan_target: "対象", "Target";
    plan_executor: "実行者", "Executor";
    plan_requester: "申請者", "Requester";
    plan_summary: "変更の要約", "What the change does";
    plan_scope: "変更してよい範囲", "Scope that may change";
    plan_scope_help: "対象ディレクトリからの相対パス。1行に1つ。全体なら「.」", "Paths below the target's directory, one per line. “.” is all of it";
    plan_steps: "手順", "Steps";
    plan_checks: "検証", "Verification";
    plan_witnesses: "立ち会いを頼む人", "Asked to witness";
    plan_document: "承認の対象となる計画書（原文）", "The plan as approved, byte for byte";
    step_title: "手順名", "Title of the step";
    step_run: "実行するコマンド", "Commands";
    step_run_help: "bash で実行します。途中で失敗すると、そこで止まります。", "Runs in bash and stops at the first failure.";
    step_timeout: "制限時間（秒）", "Time limit (s)";
    step_dangerous: "危険な手順（立会人の確認と、手順名の入力を求める）", "Dangerous (takes a witness's confirmation, and the typed title to start)";
    add_step: "手順の欄を増やす", "Add a step";
    add_check: "検証の欄を増やす", "Add a check";
    check_title: "検証の名前", "Title of the check";
    check_kind: "方法", "How";
    check_http: "URL を開く", "Open a URL";
    check_command: "コマンドを実行する", "Run a command";
    check_what: "URL またはコマンド", "URL or command";
    check_status: "期待する HTTP ステータス", "Expected HTTP status";
    check_contains: "本文に含まれる文字列", "Text in the body";
    check_none: "空欄の検証は使われません。検証が1つもない項目は、人が目視で記録します。", "Empty checks are not used. An item without checks is recorded by a person by eye.";
    send_request: "申請する", "Send the request";
    send_revision: "改訂する（これまでの承認は無効になります）", "Revise (voids the approvals so far)";
    approvals: "承認", "Approvals";
    approvals_none: "まだ誰も承認していません。", "Nobody has approved yet.";
    approval_of_digest: "承認した計画", "Plan approved";
    approval_valid_until: "有効期限", "Valid until";
    approval_other_plan: "この承認は以前の計画に対するもので、いまの計画には効きません。", "This approval was for an earlier plan and does not count now.";
    approve_with_passkey: "パスキーで署名して承認する", "Approve with a passkey";
    approve_without_signature: "署名なしで承認する", "Approve without a signature";
    passkey_lead: "下の計画を読みました。パスキーの署名は、この計画だけに効きます。", "I have read the plan below. The passkey signs this plan and nothing else.";
    passkey_approval_failed: "パスキーで署名できませんでした。もう一度試すか、SSH 鍵の署名を貼り付けてください。", "The passkey did not sign. Try again, or paste a signature by SSH key.";
    passkey_needs_script: "パスキーの署名には JavaScript が必要です。SSH 鍵の署名なら、貼り付けるだけで承認できます。", "A passkey takes JavaScript. A signature by SSH key only has to be pasted.";
    bring_approval: "SSH 署名による承認を貼り付ける", "Paste an approval signed by SSH key";
    bring_lead: "承認者が計画に SSH 鍵で署名したものを、誰でも届けられます。承認するのは鍵の持ち主で、届けた人の名前も残ります。", "Anybody can bring the plan signed by an approver's SSH key. The owner of the key approves; who brought it is recorded, too.";
    bring_signature: "署名（-----BEGIN SSH SIGNATURE----- から終わりまで）", "Signature, from -----BEGIN SSH SIGNATURE----- to its end";
    bring_judgement: "承認者が緊急と判断した理由（聞いたとおりに）", "Why the approver judges it an emergency, as they told it";
    plan_download: "計画を保存する（署名するファイル）", "Save the plan (the file to sign)";
    witnesses: "立会人", "Witnesses";
    witnesses_none: "まだ誰も立ち会っていません。", "Nobody is watching yet.";
    witnesses_none_came: "立会いはありませんでした。", "Nobody watched.";
    witness_watched: "立ち会った", "watched";
    witness_present: "立会い中", "present";
    witness_silent: "応答なし", "silent";
    witness_left: "退出", "left";
    witness_senior: "シニア", "senior";
    witness_asked: "依頼中", "asked";
    quorum_met: "必要な立会人がそろっています", "Enough witnesses are present";
    quorum_not_met: "立会人が足りません", "Not enough witnesses";
    go_watch: "立会いの画面を開く", "Open the witness page";
    hold_banner: "実行は止められています", "Execution is held";
    hold_by: "止めた人", "Held by";
    trouble_banner: "うまくいきませんでした", "Something failed";
    scope_banner: "計画した範囲の外が変更されました", "Something outside the planned scope has changed";
    doubt_banner: "実行されたかどうか分からない手順があります", "It is unknown whether a step ran";
    what_next: "次にすること", "What comes next";
    next_requested: "CTO または開発責任者の承認を待っています。", "Waits for the approval of the CTO or the development lead.";
    next_approved: "立会人がそろったら、実行者が開始します。最初にバックアップを取ります。", "When the witnesses are there, the executor starts. First a backup is taken.";
    next_backing_up: "バックアップを取り、読み返して確かめています。終わるまで何も変更されません。", "The backup is being taken and read back. Nothing changes until then.";
    next_executing: "実行者が、承認された手順を順に実行します。", "The executor runs the approved steps in order.";
    next_verifying: "検証しています。", "The verification is running.";
    next_restoring: "バックアップから復元しています。", "The backup is being put back.";
    next_closed: "終了しました。事後処理が残っていないか確かめてください。", "It is over. Please see that nothing is owed.";
    next_over: "この申請は終わりました。本番は変更されていません。", "This request is over. Production was not changed.";
    backup: "バックアップ", "Backup";
    backup_none: "まだありません。取れるまで、手順は実行できません。", "Not yet. No step can run without it.";
    backup_proven: "読み返して確認済み", "read back and proven";
    output: "出力", "Output";
    output_live: "いま実行中の出力（末尾）", "Output of what is running (tail)";
    output_none: "出力はありません", "No output";
    output_cut: "記録の上限を超えた分（件数のみ記録）", "beyond the limit, counted only";
    attempts: "実行回数", "Attempts";
    changes: "変更されたファイル", "Changed files";
    changes_none: "変更されたファイルはありません。", "No file has changed.";
    change_in_scope: "範囲内", "in scope";
    change_out_of_scope: "範囲外", "out of scope";
    change_accepted: "承認者が許可", "accepted by the approver";
    change_before: "変更前", "Before";
    change_after: "変更後", "After";
    change_diff: "差分", "Difference";
    change_not_text: "文字として比べられません。大きさと、最初に異なる位置を示します。", "Not text: the sizes, and where the two begin to differ.";
    change_too_long: "長いため、はじめの部分だけを示します。全体は内容のリンクにあります。", "Only the beginning is shown. The links have everything.";
    change_not_kept: "大きいため内容は残していません（ダイジェストのみ）。", "Too large to keep; only the digest is recorded.";
    change_absent: "なし", "absent";
    verification: "2つの検証", "The two verifications";
    verification_waiting: "未実施", "not done yet";
    verification_passed: "合格", "passed";
    verification_failed: "不合格", "failed";
    attested_by: "目視で確認", "seen by";
    restored: "復元", "Restore";
    reverted: "元に戻したファイル", "Files that were put back";
    reverted_done: "元に戻した", "put back";
    reverted_failed: "戻せなかった", "not put back";
    reverted_since: "記録した後に変わっていました（その内容も残しました）", "It had changed since it was last seen; that content is kept too";
    reverted_found: "置き換えた内容", "Replaced";
    reverted_now: "いまの内容", "Now";
    ended: "結果", "Ending";
    reason: "理由", "Reason";
    judgement: "緊急と判断する理由", "Why you judge it an emergency";
    i_have_read: "下の計画を読みました。承認はこの計画だけに効きます。", "I have read the plan below. The approval holds for this plan only.";
    field_verdict: "実際にはどうなっていましたか", "What really happened";
    verdict_ran: "実行された", "It ran";
    verdict_not: "実行されていない", "It did not run";
    verdict_exit: "終了コード（実行された場合）", "Exit code (if it ran)";
    attest_aspect: "確認した項目", "What was verified";
    attest_result: "結果", "Result";
    attest_note: "何を見て確かめたか", "What you looked at";
    watch_title: "立会い", "Witnessing";
    watch_lead: "この画面を開いて見ている間、立会い中として数えます。閉じるか、別の画面の裏に隠れると、まもなく不在になります。", "You count as present while this page is open and in view. Close or hide it, and you soon count as absent.";
    watch_state_present: "立会い中です", "You are present";
    watch_state_absent: "立会い中ではありません", "You do not count as present";
    watch_beat_failed: "サーバーに届いていません。つながるまで立会いは中断しています。", "The server cannot be reached. You do not count as present until it can.";
    watch_last_beat: "最後に届いた時刻", "Last heard of you";
    watch_stop_any: "おかしいと思ったら、迷わず止めてください。立会人は誰でも止められます。", "If anything looks wrong, stop it. Every witness may.";
    terminal: "立会セッションの端末", "The witnessed terminal";
    terminal_open: "入力できます", "Keys pass";
    terminal_held: "入力は止まっています", "Keys are held";
    terminal_bound: "あなたの画面を、見ている人として数えています", "Your screen counts as watching";
    terminal_hidden: "この画面が隠れているあいだ、見ている人には数えません", "While this page is hidden it does not count";
    terminal_only: "立会人としては数えていません（見るだけです）", "You are looking on; this does not count as witnessing";
    terminal_replaced: "あなたの別の端末を、見ている人として数えています", "Another device of yours counts as watching";
    terminal_broken: "届いた内容が記録の鎖と合いません。見たことになりません。立会いを止めて、責任者に知らせてください。", "What arrived does not fit the chain of the recording. It does not count as watched: stop the session and tell whoever is responsible.";
    terminal_cut: "つながっていません。表示は古いものです", "Not connected. What you see is old";
    terminal_unknown: "入力できるかどうかは、いま分かりません", "Whether keys pass is not known now";
    terminal_over: "このセッションは終わりました", "This session is over";
    terminal_insecure: "https で開いた画面だけが、見ている人として数えられます", "Only a page opened by https can count as watching";
    terminal_no_script: "スクリプトが動かないブラウザでは、見ている人には数えません。下は、いまの画面の文字です。", "Without scripts this browser does not count as watching. Below is the screen as text.";
    emergency_back: "緊急例外の画面", "The exception's page";
    harder: "事後処理が期限を過ぎているため、承認者の役割それぞれの承認が必要です。", "Follow-up is overdue, so each approver role must approve.";
    approvals_title: "承認待ち", "Waiting for approval";
    approvals_mine: "あなたの承認を待っています", "Waits for you";
    approvals_other: "ほかの人の承認を待っています", "Waits for others";
    approvals_empty: "承認を待っているものはありません。", "Nothing waits for approval.";
    read_and_decide: "内容を読んで判断する", "Read and decide";
    dangerous: "危険", "dangerous";
    files_backed_up: "ファイル", "files";
}

/// A step's number and title.
pub fn step_heading(lang: Lang, number: u32, title: &str) -> String {
    match lang {
        Lang::Ja => format!("手順{number} {title}"),
        Lang::En => format!("Step {number}: {title}"),
    }
}

/// After which step a change was first seen; 0: beside the steps.
pub fn after_step(lang: Lang, number: u32) -> String {
    match (number, lang) {
        (0, Lang::Ja) => "ファイルを戻したとき、または調べ直したときに見つかった".to_owned(),
        (0, Lang::En) => "first seen while files were put back or looked at again".to_owned(),
        (_, Lang::Ja) => format!("手順{number}の後に見つかった"),
        (_, Lang::En) => format!("first seen after step {number}"),
    }
}

/// After which typed command a change was first seen. Quick commands share a look, so an earlier one may have made it.
pub fn after_command(lang: Lang, session: u32, command: u32) -> String {
    match (command, lang) {
        (0, Lang::Ja) => format!("セッション{session}の最初に見つかった"),
        (0, Lang::En) => format!("first seen as session {session} began"),
        (_, Lang::Ja) => format!("セッション{session}のコマンド{command}の後に見つかった"),
        (_, Lang::En) => format!("first seen after command {command} of session {session}"),
    }
}

/// The button that runs a step.
pub fn run_step(lang: Lang, number: u32) -> String {
    match lang {
        Lang::Ja => format!("手順{number}を実行する"),
        Lang::En => format!("Run step {number}"),
    }
}

/// How many witnesses are there, of how many.
pub fn witness_count(lang: Lang, present: usize, needed: u32, seniors: usize, seniors_needed: u32) -> String {
    match lang {
        Lang::Ja => format!("立会い中 {present}人／必要 {needed}人（うち承認者以外のシニア {seniors}人／必要 {seniors_needed}人）"),
        Lang::En => format!("{present} of {needed} present; {seniors} of {seniors_needed} senior and not the approver"),
    }
}

/// What the list of changed files does not say.
pub fn changes_notes(lang: Lang, emergency: &Emergency) -> Vec<String> {
    let (number, outside) = (emergency.changes_unlisted, emergency.outside_unlisted);
    let unlisted = match (lang, outside) {
        (Lang::Ja, 0) => format!("ほかに{number}件の変更があり、件数だけを記録しています。"),
        (Lang::Ja, _) => format!("ほかに{number}件（うち範囲外{outside}件）の変更があり、件数だけを記録しています。"),
        (Lang::En, 0) => format!("{number} more files changed and were counted only."),
        (Lang::En, _) => format!("{number} more files changed, {outside} of them outside the scope, and were counted only."),
    };
    let verify = label::command(lang, "emergency.verify");
    let unseen = match lang {
        Lang::Ja => format!("最後に実行したあとのファイルを、まだ誰も調べていません。「{verify}」で調べます。"),
        Lang::En => format!("Nobody has seen the files since the last thing ran. To look at them, {verify}."),
    };
    let looking = emergency.looking.is_some();
    (number > 0).then_some(unlisted).into_iter().chain((emergency.files_unseen && !looking).then_some(unseen)).collect()
}

/// Which check of which aspect, in the request form.
pub fn check_number(lang: Lang, number: usize) -> String {
    match lang {
        Lang::Ja => format!("検証{number}"),
        Lang::En => format!("Check {number}"),
    }
}

/// Which step, in the request form.
pub fn step_number(lang: Lang, number: usize) -> String {
    match lang {
        Lang::Ja => format!("手順{number}"),
        Lang::En => format!("Step {number}"),
    }
}
