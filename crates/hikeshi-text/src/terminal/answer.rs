//! Answers of the command line: headings, results, errors, and what to do next.

use hikeshi_domain::Timestamp;

use super::two;
use crate::Lang;
use crate::time::{self, Zone};

macro_rules! words {
    ($($name:ident => $ja:literal, $en:literal;)*) => {
        $(pub fn $name(lang: Lang) -> String { two(lang, $ja, $en) })*
    };
}

words! {
    word_priority => "優先度", "priority";
    word_stage => "段階", "stage";
    word_service => "対象", "service";
    word_detected => "検知", "detected";
    word_acknowledged => "対応開始", "acknowledged";
    word_resolved => "復旧", "resolved";
    word_took => "復旧まで", "took";
    word_summary => "概要", "summary";
    word_emergency => "緊急例外", "exception";
    word_obligation => "事後処理", "follow-up";
    word_pages => "呼び出し", "paged";
    word_alerts => "アラート", "alerts";
    word_incident => "インシデント", "incident";
    word_requester => "申請者", "requester";
    word_executor => "実行者", "executor";
    word_target => "実行先", "target";
    word_scope => "変更範囲", "scope";
    word_solved => "解消の検証", "solved";
    word_unaffected => "影響なしの検証", "unaffected";
    word_digest => "ダイジェスト", "digest";
    word_status => "状態", "status";
    word_approval => "承認", "approval";
    word_witnesses => "立会人", "witnesses";
    word_hold => "停止中", "held";
    word_backup => "バックアップ", "backup";
    word_changed => "変更", "changed";
    word_trouble => "支障", "trouble";
    word_ending => "結末", "ending";
    word_due => "期限", "due";
    word_owner => "担当", "owner";
    word_branch => "ブランチ", "branch";
    word_file => "ファイル", "file";
    word_compared => "照合", "compared";
    word_meeting => "会議", "meeting";
    word_root => "ルートハッシュ", "root";
    word_size => "件数", "entries";
    word_key => "検証鍵", "key";
    by_eye => "人が目で確かめます", "a person attests it";
    nobody_yet => "対応者なし", "nobody yet";
    all_roles => "すべての役割", "all roles";
    no_tokens => "API トークンはありません。", "There are no API tokens.";
    no_incidents => "該当するインシデントはありません。", "There are no such incidents.";
    no_emergencies => "該当する緊急例外はありません。", "There are no such emergency exceptions.";
    nothing_owed => "残っている事後処理はありません。", "Nothing is owed.";
    no_policy_waits => "承認を待っているポリシーはありません。", "No policy waits for approval.";
    interrupted => "中断しました。受け付けられた操作は台帳に残っています。", "Interrupted. Whatever was answered is in the ledger.";
    sign_in_how => "`hikeshi login --link URL` でサインインするか、HIKESHI_TOKEN を設定してください。", "Sign in with `hikeshi login --link URL`, or set HIKESHI_TOKEN.";
    not_signed_in => "サインインしていません。", "You are not signed in.";
    unreachable_how => "サーバーが止まっているときは、サーバーのマシンで `--local` を付けると同じ操作ができます。", "If the server itself is down, the same command works with `--local` on its machine.";
    type_digest => "読んだ計画のダイジェストを、先頭 12 桁以上で入力してください。", "Type at least the first 12 digits of the digest of the plan that you read.";
    digest_differs => "入力が今のダイジェストと一致しません。計画をもう一度読んでください。", "That is not the current digest. Read the plan again.";
    incident_needed => "--incident か、計画ファイルの incident が必要です。", "Give --incident, or `incident` in the plan file.";
    no_home => "トークンの保存先が決まりません。--save-to で指定してください。", "There is no place to keep the token; give --save-to.";
    watch_stale => "サーバーから応答がありません。表示は古くなっている可能性があります。再接続を続けます。", "The server does not answer. What you see may be old. Still trying.";
    not_a_door_command => "この操作はここでは行えません。", "This command cannot be given here.";
    dangerous_mark => " 【要確認】", " [typed confirmation]";
}

pub fn mark(good: bool) -> &'static str {
    if good { "✓" } else { "✗" }
}

pub fn mark_bad() -> &'static str {
    "✗"
}

/// A moment as the terminal shows it: `3分前 (11/22(日) 03:14 JST)`.
pub fn moment(lang: Lang, zone: &Zone, at: Timestamp, now: Timestamp) -> String {
    let when = time::when(lang, zone, at, now);
    format!("{} ({})", when.relative, when.exact)
}

fn headings(lang: Lang, ja: &[&str], en: &[&str]) -> Vec<String> {
    let words = match lang {
        Lang::Ja => ja,
        Lang::En => en,
    };
    words.iter().map(|word| (*word).to_owned()).collect()
}

pub fn incident_headings(lang: Lang) -> Vec<String> {
    headings(lang, &["番号", "優先度", "段階", "発生", "対応者", "件名"], &["id", "priority", "stage", "opened", "who", "title"])
}
pub fn emergency_headings(lang: Lang) -> Vec<String> {
    headings(
        lang,
        &["番号", "状態", "インシデント", "申請", "申請者", "内容"],
        &["id", "status", "incident", "requested", "requester", "summary"],
    )
}
pub fn obligation_headings(lang: Lang) -> Vec<String> {
    headings(lang, &["番号", "種類", "状態", "期限", "担当", "緊急例外"], &["id", "kind", "status", "due", "owner", "exception"])
}
pub fn people_headings(lang: Lang) -> Vec<String> {
    headings(lang, &["ID", "氏名", "役割", "サインイン手段"], &["id", "name", "roles", "signs in with"])
}
pub fn token_headings(lang: Lang) -> Vec<String> {
    headings(lang, &["番号", "人", "役割", "期限", "名前"], &["id", "person", "roles", "expires", "label"])
}

/// What a changing command did.
pub fn recorded(lang: Lang, what: &str, made: Option<&str>, seq: Option<u64>, already: bool, dry_run: bool) -> String {
    let made = made.map(|made| format!(" {made}")).unwrap_or_default();
    let seq = seq.map(|seq| two(lang, format!("（台帳 {seq}）"), format!(" (ledger {seq})"))).unwrap_or_default();
    if dry_run {
        return two(
            lang,
            format!("{what}{made}: 実行できます。試行のため何も記録していません。"),
            format!("{what}{made}: would be accepted. Dry run: nothing was recorded."),
        );
    }
    if already {
        return two(
            lang,
            format!("{what}{made}: 同じ要求を受付済みです{seq}。"),
            format!("{what}{made}: this request was answered before{seq}."),
        );
    }
    two(lang, format!("✓ {what}{made} を記録しました{seq}。"), format!("✓ {what}{made}: recorded{seq}."))
}

pub fn next_step(lang: Lang, command: &str) -> String {
    two(lang, format!("次: {command}"), format!("next: {command}"))
}

pub fn may_do(lang: Lang, commands: &[String]) -> String {
    two(lang, format!("今できる操作:\n  {}", commands.join("\n  ")), format!("you may now:\n  {}", commands.join("\n  ")))
}

pub fn more_with(lang: Lang, option: &str) -> String {
    two(lang, format!("続きは {option} で見られます。"), format!("more with {option}"))
}

pub fn refused_by(lang: Lang, rule: &str, code: &str, seq: Option<u64>) -> String {
    let seq = seq.map(|seq| two(lang, format!("、台帳 {seq}"), format!(", ledger {seq}"))).unwrap_or_default();
    two(lang, format!("規則 {rule}（{code}{seq}）"), format!("rule {rule} ({code}{seq})"))
}

pub fn not_found(lang: Lang, what: &str) -> String {
    two(lang, format!("{what} は見つかりません。"), format!("There is no {what}."))
}

pub fn not_an_id(lang: Lang, given: &str) -> String {
    two(
        lang,
        format!("「{given}」は番号として読めません（例: inc_12、emg_3、obl_7）。"),
        format!("`{given}` is no id; write it like inc_12, emg_3 or obl_7."),
    )
}

pub fn door_broken(lang: Lang, detail: &str) -> String {
    two(
        lang,
        format!("処理できませんでした。何も変更していません: {detail}"),
        format!("It could not be done, and nothing was changed: {detail}"),
    )
}

pub fn unreachable(lang: Lang, url: &str, detail: &str) -> String {
    two(lang, format!("{url} に接続できません: {detail}"), format!("{url} cannot be reached: {detail}"))
}

pub fn bad_answer(lang: Lang, url: &str, detail: &str) -> String {
    two(lang, format!("{url} の応答を読み取れません: {detail}"), format!("{url} gave an answer that cannot be read: {detail}"))
}

pub fn bad_url(lang: Lang, url: &str) -> String {
    two(lang, format!("「{url}」は URL として使えません。"), format!("`{url}` cannot be used as a URL."))
}

pub fn link_refused(lang: Lang) -> String {
    two(lang, "このリンクは使えません。期限切れか、使用済みです。", "This link cannot be used: it is used up or expired.")
}

pub fn type_this(lang: Lang, expected: &str) -> String {
    two(lang, format!("続けるには次の語をそのまま入力してください: {expected}"), format!("To go on, type exactly: {expected}"))
}

pub fn confirm_needed(lang: Lang, expected: &str) -> String {
    two(
        lang,
        format!("端末ではないため確認を尋ねられません。--confirm '{expected}' を付けてください。"),
        format!("There is no terminal to ask on. Give --confirm '{expected}'."),
    )
}

pub fn restore_question(lang: Lang, id: &str) -> String {
    two(
        lang,
        format!("{id} のバックアップを書き戻し、変更範囲を開始前の状態にします。"),
        format!("This puts the backup of {id} back: the scope will be as before the start."),
    )
}

/// The same for files by name.
pub fn revert_question(lang: Lang, paths: &[String]) -> String {
    let paths = paths.iter().map(|path| crate::plain::one_line(path)).collect::<Vec<_>>().join("\n  ");
    two(
        lang,
        format!("次のファイルを開始前の状態に戻します。いまの内容は記録に残ります:\n  {paths}"),
        format!("These files will be as before the start; what is there now stays in the record:\n  {paths}"),
    )
}

pub fn dangerous_step(lang: Lang, step: u32, title: &str, run: &str) -> String {
    two(lang, format!("手順 {step}「{title}」を実行します:\n{run}"), format!("This runs step {step}, {title}:\n{run}"))
}

pub fn step_title(lang: Lang, step: usize) -> String {
    two(lang, format!("手順 {step}"), format!("step {step}"))
}

pub fn condition_title(lang: Lang, number: u8) -> String {
    let (ja, en) = match number {
        1 => ("条件1 重大な障害", "1 serious failure"),
        2 => ("条件2 通常フローでは不可", "2 normal flow cannot"),
        3 => ("条件3 24時間待てない", "3 cannot wait"),
        _ => ("条件4 責任者の判断", "4 judged by"),
    };
    two(lang, ja, en)
}

pub fn quorum(lang: Lang, present: &str, have: usize, needed: u32, seniors: usize, seniors_needed: u32) -> String {
    two(
        lang,
        format!("{have}/{needed} 人（うちシニア {seniors}/{seniors_needed} 人） {present}"),
        format!("{have} of {needed} (senior {seniors} of {seniors_needed}) {present}"),
    )
}

pub fn backup(lang: Lang, name: &str, files: u64, bytes: u64) -> String {
    let bytes = time::bytes(bytes);
    two(lang, format!("{name}（{files} ファイル、{bytes}、読み戻し済み）"), format!("{name} ({files} files, {bytes}, read back)"))
}

pub fn outside_scope(lang: Lang, accepted: bool) -> String {
    if accepted {
        two(lang, " （範囲外・受け入れ済み）", " (outside the scope, accepted)")
    } else {
        two(lang, " （範囲外）", " (outside the scope)")
    }
}

pub fn passed(lang: Lang, passed: bool) -> String {
    if passed { two(lang, "確認できました", "passed") } else { two(lang, "確認できませんでした", "failed") }
}

pub fn lines_more(lang: Lang, lines: usize) -> String {
    two(lang, format!("（ほか {lines} 行は記録にあります）"), format!("({lines} more lines are in the record)"))
}

pub fn trouble(lang: Lang, doing: &str, detail: &str) -> String {
    two(lang, format!("{doing}ができませんでした: {detail}"), format!("{doing} failed: {detail}"))
}

pub fn comparison(lang: Lang, merged: bool, drift: usize, at: &str) -> String {
    match (merged, drift) {
        (false, _) => two(lang, format!("まだ取り込まれていません {at}"), format!("not merged yet {at}")),
        (true, 0) => two(lang, format!("本番と一致しています {at}"), format!("the same as production {at}")),
        (true, drift) => two(lang, format!("本番と {drift} ファイル異なります {at}"), format!("{drift} files differ from production {at}")),
    }
}

pub fn waiting_for(lang: Lang, what: &str) -> String {
    two(lang, format!("{what} の処理"), format!("waiting for {what}"))
}

pub fn still_waiting(lang: Lang, what: &str) -> String {
    two(lang, format!("{what}: まだ終わっていません。"), format!("{what}: not finished yet."))
}

pub fn timed_out(lang: Lang, what: &str, seconds: u64) -> String {
    two(
        lang,
        format!("{what}: {seconds} 秒待ちましたが終わりません。処理は続いています。"),
        format!("{what}: not finished after {seconds} s. It goes on without this command."),
    )
}

pub fn watching(lang: Lang, id: &str, only_look: bool) -> String {
    if only_look {
        two(lang, format!("{id} を表示します。Ctrl-C で終わります。"), format!("Showing {id}. Ctrl-C ends."))
    } else {
        two(lang, format!("{id} に立ち会っています。Ctrl-C で離れます。"), format!("Witnessing {id}. Ctrl-C leaves."))
    }
}

pub fn channel_empty(lang: Lang, channel: &str) -> String {
    two(lang, format!("#{channel} にはまだ投稿がありません。"), format!("#{channel} has no posts yet."))
}

pub fn credentials(lang: Lang, passkeys: usize, tokens: usize) -> String {
    two(lang, format!("パスキー {passkeys}、トークン {tokens}"), format!("{passkeys} passkeys, {tokens} tokens"))
}

pub fn invited(lang: Lang, person: &str, link: &str, minutes: u32, dry_run: bool) -> String {
    if dry_run {
        return two(
            lang,
            format!("{person} さんを招待できます。試行のため何も記録していません。"),
            format!("{person} could be invited. Dry run: nothing was recorded."),
        );
    }
    two(
        lang,
        format!(
            "{person} さんの一度きりのリンク（{minutes} 分有効）:\n  {link}\nこのリンクは二度と表示されません。本人にだけ渡してください。"
        ),
        format!("One-time link for {person}, valid {minutes} min:\n  {link}\nIt is shown only now. Give it to nobody else."),
    )
}

pub fn token_issued(lang: Lang, token: &str, days: u32, dry_run: bool) -> String {
    if dry_run {
        return two(
            lang,
            "トークンを発行できます。試行のため何も記録していません。",
            "A token could be issued. Dry run: nothing was recorded.",
        );
    }
    two(
        lang,
        format!("API トークン（{days} 日有効）:\n  {token}\nこのトークンは二度と表示されません。"),
        format!("API token, valid {days} days:\n  {token}\nIt is shown only now."),
    )
}

pub fn token_label(lang: Lang, host: &str) -> String {
    two(lang, format!("{host} の端末"), format!("terminal on {host}"))
}

pub fn logged_in(lang: Lang, url: &str, file: &str) -> String {
    two(
        lang,
        format!("✓ {url} にサインインしました。トークンは {file} にあります（本人のみ読めます）。"),
        format!("✓ Signed in to {url}. The token is in {file}, readable by you alone."),
    )
}

pub fn burning(lang: Lang, total: u64) -> String {
    if total == 0 {
        two(lang, "対応中のインシデントはありません。", "Nothing burns.")
    } else {
        two(lang, format!("対応中のインシデント {total} 件"), format!("burning: {total}"))
    }
}

pub fn exceptions_open(lang: Lang, total: usize) -> String {
    if total == 0 {
        two(lang, "進行中の緊急例外はありません。", "No emergency exception is open.")
    } else {
        two(lang, format!("進行中の緊急例外 {total} 件"), format!("open exceptions: {total}"))
    }
}

pub fn owed(lang: Lang, total: u64, overdue: u64) -> String {
    if total == 0 {
        return nothing_owed(lang);
    }
    two(lang, format!("事後処理 {total} 件（期限超過 {overdue} 件）"), format!("owed: {total} ({overdue} overdue)"))
}

pub fn health(lang: Lang, healthy: Option<bool>, unmeasured: bool) -> String {
    match healthy {
        _ if unmeasured => two(lang, "! 測定不可", "! cannot be measured"),
        Some(true) => two(lang, "✓ 正常", "✓ healthy"),
        Some(false) => two(lang, "✗ 異常", "✗ failing"),
        None => two(lang, "? 未計測", "? not measured"),
    }
}

pub fn in_doubt(lang: Lang, id: &str) -> String {
    two(
        lang,
        format!("! {id}: 手順が実行されたか分かりません。実行先を確かめて settle で記録してください。"),
        format!("! {id}: nobody knows whether a step ran. Look at the target, then record it with settle."),
    )
}

pub fn uses_of_month(lang: Lang, this: u64, last: u64) -> String {
    two(
        lang,
        format!("緊急例外の利用: 今月 {this} 回、先月 {last} 回"),
        format!("emergency exceptions: {this} this month, {last} last month"),
    )
}

pub fn policy_in_force(lang: Lang, workspace: &str, digest: &str, people: usize) -> String {
    two(lang, format!("{workspace}（{people} 人）\nポリシー {digest}"), format!("{workspace} ({people} people)\npolicy {digest}"))
}

pub fn policy_waits(lang: Lang, digest: &str, approved: usize) -> String {
    two(
        lang,
        format!("承認待ちのポリシー {digest}（承認 {approved} 人）"),
        format!("policy waiting for approval {digest} ({approved} approved)"),
    )
}

pub fn workspace_made(lang: Lang, directory: &str, made: &[String]) -> String {
    two(lang, format!("✓ {directory} に作りました: {}", made.join("、")), format!("✓ made in {directory}: {}", made.join(", ")))
}

pub fn ledger_line(lang: Lang, seq: u64, at: &str, who: &str, what: &str) -> String {
    two(lang, format!("{seq:>5}  {at}  {who}  {what}"), format!("{seq:>5}  {at}  {who}  {what}"))
}

pub fn refused_line(lang: Lang, command: &str, rule: &str, what: &str) -> String {
    two(lang, format!("{command} → 不可（規則 {rule}）: {what}"), format!("{command} → refused (rule {rule}): {what}"))
}

pub fn ledger_good(lang: Lang, entries: u64, root: &str, checkpoints: usize) -> String {
    two(
        lang,
        format!(
            "✓ 台帳 {entries} 件を検証しました。改ざんはありません。\nルートハッシュ {root}\n署名付きチェックポイント {checkpoints} 件と一致しています。"
        ),
        format!("✓ {entries} entries verified, nothing was altered.\nroot {root}\nagrees with {checkpoints} signed checkpoints."),
    )
}

pub fn ledger_bad(lang: Lang, detail: &str) -> String {
    two(lang, format!("✗ 台帳が一致しません。\n{detail}"), format!("✗ The ledger does not agree.\n{detail}"))
}

pub fn bundle_good(lang: Lang, file: &str, case: &str, entries: u64, contents: u64) -> String {
    two(
        lang,
        format!("✓ {file}（{case}）を検証しました: 台帳の記録 {entries} 件、内容 {contents} 件。"),
        format!("✓ {file} ({case}) verified: {entries} entries, {contents} contents."),
    )
}

pub fn exported(lang: Lang, case: &str, file: &str, bytes: u64) -> String {
    let bytes = time::bytes(bytes);
    two(lang, format!("✓ {case} を {file} に書き出しました（{bytes}）。"), format!("✓ {case} exported to {file} ({bytes})."))
}

pub fn rebuilt(lang: Lang, entries: u64, differences: usize, applied: bool) -> String {
    match (differences, applied) {
        (0, _) => two(
            lang,
            format!("✓ 台帳 {entries} 件から作り直した表は、今の表と一致します。"),
            format!("✓ The tables rebuilt from {entries} entries are the same as those in use."),
        ),
        (differences, false) => two(
            lang,
            format!("✗ 今の表は台帳と {differences} 箇所異なります。--apply で作り直せます。"),
            format!("✗ The tables in use differ from the ledger in {differences} places. `--apply` rebuilds them."),
        ),
        (differences, true) => two(
            lang,
            format!("✓ {differences} 箇所を台帳から作り直しました。"),
            format!("✓ {differences} places were rebuilt from the ledger."),
        ),
    }
}
