//! `--help`: one line for every command and argument, by their path and name.

use super::two;
use crate::Lang;

/// What the exit codes mean. Promised; tests hold the program to it.
pub fn exit_codes(lang: Lang) -> String {
    two(
        lang,
        "終了コード:\n  0 成功  1 失敗  2 使い方の誤り  3 見つからない  4 規則により不可、または未サインイン  5 待機中 (--no-wait)\n  6 手順の失敗  7 サーバーに接続できない  124 時間切れ  130 中断\n\n環境変数: HIKESHI_URL HIKESHI_TOKEN HIKESHI_TOKEN_FILE HIKESHI_CONFIG HIKESHI_LANG HIKESHI_DATABASE HIKESHI_DATABASE_FILE NO_COLOR",
        "Exit codes:\n  0 done  1 failed  2 wrong usage  3 not found  4 refused by a rule, or not signed in  5 still waiting (--no-wait)\n  6 a step failed  7 the server cannot be reached  124 timeout  130 interrupted\n\nEnvironment: HIKESHI_URL HIKESHI_TOKEN HIKESHI_TOKEN_FILE HIKESHI_CONFIG HIKESHI_LANG HIKESHI_DATABASE HIKESHI_DATABASE_FILE NO_COLOR",
    )
}

/// What a command does; `path` is `incident open`, or empty for the program.
pub fn about(lang: Lang, path: &str) -> Option<String> {
    COMMANDS.iter().chain(super::guard::COMMANDS).find(|(known, _, _)| *known == path).map(|(_, ja, en)| two(lang, *ja, *en))
}

/// What an argument means; the command's path decides where one name has several meanings.
pub fn argument(lang: Lang, path: &str, name: &str) -> Option<String> {
    let special = match (path, name) {
        ("check", "file") => Some(("調べるファイル", "file to check")),
        ("emergency request" | "emergency revise", "plan") => Some(("申請ファイル (TOML か JSON)", "request file (TOML or JSON)")),
        ("token revoke" | "people invite", "person") => Some(("人の ID", "the person's id")),
        ("emergency recording", "format") => {
            Some(("cast（再生用）/ cast2（古い再生ソフト用）/ raw（出力そのもの）/ frames（記録そのもの）", "cast / cast2 / raw / frames"))
        }
        ("emergency recording", "out") => Some(("保存先（なければ標準出力）", "file to write; standard output without it")),
        ("emergency recording", "session") => {
            Some(("セッションの番号（なければ最後のもの）", "the session's number; the last one without it"))
        }
        ("emergency redact" | "emergency agree-redaction" | "emergency decline-redaction", "session") => {
            Some(("セッションの番号（なければ最後のもの）", "the session's number; the last one without it"))
        }
        ("emergency redact", "from") => Some(("始まり（出力のはじめから数えたバイト）", "first byte of output")),
        ("emergency redact", "to") => Some(("終わり（このバイトは含みません）", "the byte after the last")),
        ("emergency redact", "find") => Some((
            "伏せる文字列を尋ね、その位置を手元で探します（文字列は送りません）",
            "ask for the text and look for it here; it is sent nowhere",
        )),
        ("emergency agree-redaction" | "emergency decline-redaction", "redaction") => {
            Some(("提案の番号（なければ待っている最初のもの）", "the proposal's number; the first that waits without it"))
        }
        ("open", "id") => Some(("inc_12、emg_3、obl_7 など", "inc_12, emg_3, obl_7")),
        ("obligation hold", "items") => Some(("再発防止策: 担当|期限|内容", "prevention item: OWNER|DUE|TEXT")),
        ("obligation hold", "avoidable") => {
            Some(("通常の手順で間に合ったなら、その理由", "why the normal flow would have done, if it would"))
        }
        ("obligation present", "held_at") => Some(("会議の日時（省くと今）", "when the meeting was; now without it")),
        ("obligation present", "note") => Some(("会議で決まったこと", "what the meeting decided")),
        ("report month", "period") => Some(("月（2026-11）", "month (2026-11)")),
        ("report quarter", "period") => Some(("四半期（2026-Q4）", "quarter (2026-Q4)")),
        ("report month" | "report quarter", "markdown") => Some(("Markdown で書きます", "as Markdown")),
        ("report month" | "report quarter", "size") => {
            Some(("台帳の最初の何件から計算するか", "compute from the first so many ledger entries"))
        }
        ("report month" | "report quarter", "at") => Some(("期限を判断する時刻", "time by which it is judged what is overdue")),
        ("obligation report", "impact") => Some(("影響の実際", "what the impact was")),
        ("obligation report", "file") => Some(("判断を書いたファイル (TOML か JSON)", "file with the judgement (TOML or JSON)")),
        ("ledger entry", "seq") => Some(("記録の番号", "index of the entry")),
        ("ledger export", "case") => Some(("インシデントの番号", "the incident")),
        ("ledger export", "output") => Some(("書き出すファイル", "file to write")),
        ("emergency plan" | "trust export", "out") => Some(("書き出すファイル", "file to write")),
        ("emergency approval-check", "plan") => Some(("計画のファイル", "the plan's file")),
        ("emergency approval-check" | "trust show", "trust") => {
            Some(("信頼情報のファイル（省くと保存してあるもの）", "trust bundle; the kept one without it"))
        }
        ("trust verify", "file") => Some(("信頼情報のファイル", "the trust bundle")),
        ("import", "product") => Some(("製品", "the product")),
        ("import", "paths") => Some(("書き出した JSON のファイルかディレクトリー", "exported JSON files, or directories of them")),
        ("import", "out") => Some(("書き出すファイル（なければ標準出力）", "file to write; standard output without it")),
        ("import", "escalation") => Some(("引き継ぐエスカレーションの名前", "name of the escalation to take")),
        ("init", "directory") => Some(("作る場所", "where to make it")),
        ("serve", "watch_file") => {
            Some(("ファイルの変更を見張る間隔（秒）、0 で見張らない", "how often the file is looked at, in seconds; 0: never"))
        }
        _ => None,
    };
    let (ja, en) = special
        .or_else(|| of_incident(path, name))
        .or_else(|| of_alert(path, name))
        .or_else(|| of_change(path, name))
        .or_else(|| of_contact(path, name))
        .or_else(|| of_oncall(path, name))
        .or_else(|| of_token(path, name))
        .or_else(|| super::guard::of_guard(path, name))
        .or_else(|| ARGUMENTS.iter().find(|(known, _, _)| *known == name).map(|(_, ja, en)| (*ja, *en)))?;
    Some(two(lang, ja, en))
}

fn of_token(path: &str, name: &str) -> Option<(&'static str, &'static str)> {
    match (path, name) {
        ("token issue", "calendar") => Some((
            "カレンダーのアプリ用。/calendar/<トークン>/<当番表>.ics だけを読める",
            "for a calendar program: reads /calendar/<token>/<schedule>.ics and nothing else",
        )),
        ("token issue", "label") => Some(("トークンの名前", "a name for it")),
        _ => None,
    }
}

fn of_incident(path: &str, name: &str) -> Option<(&'static str, &'static str)> {
    match (path, name) {
        ("incident assign", "person") => Some(("担当する人の ID", "whose duty it is")),
        ("incident hand-over", "to") => Some(("引き継ぐ相手の ID", "the person's id")),
        ("incident hand-over", "note") => Some(("申し送り", "what they need to know")),
        ("incident publish", "state") => Some(("外から見た状況", "the state, as outsiders see it")),
        ("incident publish", "message" | "message_en") => of_public(name),
        ("incident publish", "components") => Some((
            "影響する部分: 名前=状態（繰り返し指定。状態は degraded / partial_outage / major_outage / maintenance / operational）",
            "affected component: NAME=HEALTH; repeat it (degraded / partial_outage / major_outage / maintenance / operational)",
        )),
        ("incident merge", "id") => Some(("統合されて終わるインシデント", "the one that ends as a part of the other")),
        ("incident merge", "into") => Some(("統合先のインシデント", "the one that goes on")),
        ("incident merge" | "incident split", "reason") => Some(("理由", "why")),
        ("incident split", "alerts") => {
            Some(("分けるアラート（送信元/キー。カンマ区切り、繰り返し可）", "alerts to split off: SOURCE/KEY, by comma; may be repeated"))
        }
        ("incident split", "title") => Some(("新しいインシデントの件名", "title of the new incident")),
        ("incident move", "reason") => Some(("戻すときの理由", "why, when going back")),
        ("incident list" | "emergency list" | "obligation list", "all") => Some(("終わったものも表示", "also those that are over")),
        ("incident postmortem", "file") => Some(("内容を書いたファイル (TOML か Markdown)", "file with the content (TOML or Markdown)")),
        ("incident postmortem", "template") => Some(("分かっていることを埋めたひな形を出力", "print a template with what is known")),
        ("incident postmortem", "amend") => Some(("書き直す理由", "amend it, and why")),
        ("incident postmortem", "impact") => Some(("影響の実際", "what the impact was")),
        ("incident postmortem", "cause") => Some(("根本原因", "root cause")),
        ("incident postmortem", "response") => Some(("対応と、何で復旧したか", "what was done, and what solved it")),
        ("incident postmortem", "lessons") => Some(("得られた教訓", "lessons")),
        ("incident postmortem", "whys") => Some(("なぜの問い（上から順に、繰り返し指定）", "why, and why that: repeat it in order")),
        ("incident postmortem", "items") => Some(("再発防止策: 担当|期限|内容", "prevention item: OWNER|DUE|TEXT")),
        ("incident similar", "text") => Some(("番号の代わりに、探す言葉", "words to look for, in place of a number")),
        ("incident import", "files") => Some(("Markdown のファイル", "Markdown files")),
        _ => None,
    }
}

fn of_alert(path: &str, name: &str) -> Option<(&'static str, &'static str)> {
    match (path, name) {
        ("alert silence", "service") => Some(("このサービスのアラートと監視", "alerts and monitors of this service")),
        ("alert silence", "environment") => Some(("この環境だけ", "only in this environment")),
        ("alert silence", "source") => Some(("この送信元からのアラート", "alerts from this sender")),
        ("alert silence", "monitor") => Some(("この監視", "this monitor")),
        ("alert silence", "labels") => Some((
            "このラベルを持つアラート（名前=値、値は | で区切ると「いずれか」。繰り返し指定）",
            "alerts with this label: NAME=VALUE or NAME=A|B; repeat it",
        )),
        ("alert silence", "lasts") => Some(("止める長さ（90m、2h、1d。最長7日）", "for how long: 90m, 2h, 1d; a week at most")),
        ("alert silence", "from") => Some(("始まりの時刻（省略すると今から）", "when it begins; now without it")),
        ("alert silence", "reason") => Some(("理由（何の作業か）", "what is being done")),
        ("alert silence", "public_message" | "public_message_en") => of_public(name),
        ("status forget", "subscriber") => Some(("購読者の番号", "the subscriber's number")),
        ("alert unsilence", "silence") => Some(("停止の番号（sil_4 など）", "the silence, such as sil_4")),
        _ => None,
    }
}

fn of_change(path: &str, name: &str) -> Option<(&'static str, &'static str)> {
    match (path, name) {
        ("change record", "title") => Some(("何を変えたか（一行）", "what changed, in one line")),
        ("change record", "service") => Some(("変更したサービス", "the service that was changed")),
        ("change record", "environment") => Some(("変更した環境", "the environment that was changed")),
        ("change record", "link") => Some(("詳細へのリンク（https://…）", "where it can be read: https://…")),
        ("change record", "at") => Some(("変更した時刻（省くと今）", "when it happened; now without it")),
        ("change record", "details") => Some(("詳細", "details")),
        _ => None,
    }
}

fn of_contact(path: &str, name: &str) -> Option<(&'static str, &'static str)> {
    match (path, name) {
        ("contact test", "people") => Some(("送る相手の ID（省くと自分）", "whom to send it to; you, without it")),
        ("contact test", "all") => Some(("呼び出されうる全員に送る", "everybody whom an incident may call")),
        ("contact test" | "contact confirm", "by") => Some(("手段", "by which means")),
        _ => None,
    }
}

/// What outsiders read.
fn of_public(name: &str) -> Option<(&'static str, &'static str)> {
    Some(if name.ends_with("_en") {
        ("公開する説明（英語）", "public words, in English")
    } else {
        ("公開する説明（日本語）", "public words, in Japanese")
    })
}

fn of_oncall(path: &str, name: &str) -> Option<(&'static str, &'static str)> {
    match (path, name) {
        ("oncall override", "person") => Some(("代わる人の ID（省くと自分）", "who takes over; you, without it")),
        ("oncall show", "from") => Some(("ここから表示（省くと今）", "from when; now without it")),
        ("oncall override", "from") => Some(("始まり（省くと今）", "from when; now without it")),
        ("oncall override", "until") => Some(("終わり", "until when")),
        ("oncall override", "swap") => {
            Some(("引き換えに代わる分: 人|始まり|終わり（繰り返し可）", "what is taken over in return: PERSON|FROM|UNTIL; may be repeated"))
        }
        ("oncall show", "days") => Some(("表示する日数", "how many days")),
        (path, "schedule") if path.starts_with("oncall") => Some(("当番表", "the schedule")),
        _ => None,
    }
}

/// Path, Japanese, English.
const COMMANDS: &[(&str, &str, &str)] = &[
    (
        "",
        "緊急時の変更を、合意・立会い・記録・事後処理まで一つの流れで行います。",
        "Emergency changes in one flow: agreed, witnessed, recorded, followed up.",
    ),
    ("now", "今の状態: 対応中のもの、担当、残っている事後処理", "What burns, who has it, what is owed"),
    ("open", "画面をブラウザーで開きます", "Open the page in the browser"),
    (
        "login",
        "一度きりのリンク（手元の台帳では SSH 鍵）でサインインし、この端末用のトークンを作ります",
        "Sign in with a one-time link, or in a local ledger with an SSH key, and make a token for this terminal",
    ),
    (
        "reconcile",
        "サーバーにつながらない間に行った緊急例外を、サーバーの台帳に取り込みます",
        "Bring home what was carried out while the server was away",
    ),
    ("slack", "Slackとの接続", "The team's Slack"),
    ("slack check", "Slackの設定に足りないものを表示します", "Show what is missing in the setup of Slack"),
    ("check", "hikeshi.toml の誤りを、行と位置を示してすべて表示します", "Show every mistake of hikeshi.toml, with line and caret"),
    ("schema", "エディター用の JSON Schema", "JSON Schemas for editors"),
    ("schema policy", "hikeshi.toml の JSON Schema", "JSON Schema of hikeshi.toml"),
    ("schema plan", "計画ファイルの JSON Schema", "JSON Schema of a plan file"),
    ("init", "小さなチーム向けの hikeshi.toml を作ります", "Make a hikeshi.toml for a small team"),
    (
        "import",
        "ほかの製品の利用者、当番表、エスカレーションを hikeshi.toml の形にします",
        "Turn people, schedules and escalations of another product into a piece of hikeshi.toml",
    ),
    ("serve", "サーバーを動かします", "Run the server"),
    ("try", "このマシンの中だけで緊急対応を一通り訓練します", "Rehearse a whole emergency on this machine"),
    ("completions", "シェルの補完を出力します", "Print shell completions"),
    ("incident", "インシデント", "Incidents"),
    ("incident open", "インシデントを開きます", "Open an incident"),
    ("incident list", "一覧", "List incidents"),
    ("incident show", "詳細", "Show one"),
    ("incident triage", "影響・業務・緊急度から優先度を決めます", "Set impact, business and urgency, and so the priority"),
    ("incident ack", "対応を引き受けます", "Acknowledge: you have it"),
    ("incident escalate", "次の段階の人をすぐに呼びます", "Call the people of the next step now"),
    ("incident assign", "指揮・連絡・記録・作業の担当を決めます", "Give a duty: commander, communications, scribe, operations"),
    ("incident hand-over", "申し送りを添えて、対応をほかの人に引き継ぎます", "Hand it over to another person, with what they need to know"),
    ("incident move", "段階を進めます（戻すときは理由が必要です）", "Move to another stage; going back takes a reason"),
    ("incident update", "状況を知らせます", "Give a status update to everyone who waits"),
    ("incident publish", "ステータスページに公開します", "Tell people outside the team, on the status page"),
    ("incident note", "対応者向けのメモを残します", "Leave a note for those who work on it"),
    ("incident merge", "同じ障害のインシデントを一つにします", "Merge an incident into another one of the same trouble"),
    ("incident split", "アラートの一部を別のインシデントに分けます", "Give some of the alerts an incident of their own"),
    ("incident resolve", "復旧したことを記録します", "Record that the service is restored"),
    ("incident timeline", "時系列の記録", "The timeline"),
    (
        "incident postmortem",
        "ポストモーテムを表示し、または書きます（--template でひな形を出力します）",
        "Show the postmortem, or write it; --template prints what is known already",
    ),
    ("incident similar", "似た過去のインシデントと、何で復旧したかを表示します", "Show past incidents like this one, and what solved them"),
    (
        "incident import",
        "過去のポストモーテム（Markdown）を取り込み、検索できるようにします",
        "Import past postmortems written as Markdown, so that they are found",
    ),
    ("alert", "アラートと、呼び出しの停止", "Alerts and silences"),
    ("alert list", "発生中のアラートと、止めている呼び出し", "What fires, and what is held back"),
    ("alert silence", "計画した作業などのあいだ、呼び出しを止めます", "Page nobody for a while: planned work, a fault that is known"),
    ("alert unsilence", "停止を期限前に解除します", "End a silence before its time"),
    ("emergency", "緊急例外", "Emergency exceptions"),
    ("emergency plan-template", "申請ファイルのひな形を出力します", "Print a template of the request file"),
    ("emergency request", "緊急例外を申請します", "Request an exception"),
    ("emergency list", "一覧", "List exceptions"),
    ("emergency show", "計画と今の状態", "Show the plan and the state"),
    ("emergency revise", "計画を改めます（それまでの承認は無効になります）", "Change the plan; earlier approvals are void"),
    (
        "emergency approve",
        "読んだ計画をダイジェストで承認します。--signature で、署名された承認を届けます",
        "Approve the plan that you read, by its digest; --signature brings a signed approval",
    ),
    (
        "emergency approval-check",
        "サーバーなしで、署名された承認を信頼情報で確かめます",
        "Judge a signed approval by the trust bundle, without a server",
    ),
    ("emergency plan", "計画の本文を、署名する形のまま取り出します", "Take the plan out, byte for byte as it is signed"),
    ("emergency decline", "却下します", "Decline it"),
    ("emergency cancel", "取り下げます", "Withdraw it"),
    ("emergency join", "立会人として加わります", "Join as a witness"),
    ("emergency watch", "立ち会い続け、起きることを表示します", "Stay present as a witness and see what happens"),
    ("emergency leave", "立会いを離れます", "Leave"),
    ("emergency hold", "実行を止めます（立会人なら誰でも）", "Stop the execution; any witness may"),
    ("emergency resume", "停止を解きます", "Lift the stop"),
    ("emergency start", "バックアップを取り、読み戻して確かめます", "Take the backup and read it back"),
    (
        "emergency confirm",
        "危険な手順か、端末で待っている危険な行を、立会人として確認します",
        "As a witness, confirm a dangerous step or the dangerous line that waits",
    ),
    ("emergency deny", "端末で待っている危険な行を、立会人として拒否します", "As a witness, deny the dangerous line that waits"),
    ("emergency step", "手順を一つ実行します", "Run one step"),
    ("emergency shell", "立会人の見ている端末を開きます（手作業）", "Open the witnessed terminal (work by hand)"),
    ("emergency recording", "セッションの記録を保存します", "Save the recording of a session"),
    ("emergency note", "進行中のセッションに書き添えます（立会人）", "Note something beside the open session (a witness)"),
    ("emergency redact", "記録に残った秘密を伏せるよう提案します", "Propose to take a secret out of a recording"),
    (
        "emergency agree-redaction",
        "伏せることに同意します（提案者と実行者のほかの人）",
        "Agree to a redaction (neither its proposer nor the executor)",
    ),
    ("emergency decline-redaction", "伏せる提案を退けます", "Decline a redaction, or take your own proposal back"),
    ("emergency end-session", "進行中のセッションを終わらせます（立会人）", "End the open session (a witness)"),
    ("emergency settle", "実行されたか分からない手順について、確かめた結果を記録します", "Record what you found about a step in doubt"),
    ("emergency verify", "計画の検証を実行します", "Run the checks of the plan"),
    ("emergency attest", "目で確かめたことを記録します", "Record a verification by eye"),
    ("emergency accept", "範囲外の変更を受け入れます（承認者）", "Accept a change outside the scope (the approver)"),
    ("emergency revert", "変更されたファイルを、名前を挙げて元に戻します", "Put named changed files back"),
    (
        "emergency restore",
        "バックアップ全体を書き戻します（パスを挙げると、そのファイルだけ）",
        "Put the whole backup back, or only the files named",
    ),
    ("emergency close", "終了します", "Close it"),
    ("obligation", "事後処理", "Follow-up"),
    ("obligation list", "一覧", "List what is owed"),
    ("obligation show", "詳細", "Show one"),
    ("obligation propose", "変更依頼をもう一度作ります", "Open the change request again"),
    ("obligation compare", "取り込まれた内容を本番と照合します", "Compare what was merged with what was done"),
    ("obligation accept-drift", "ずれを理由とともに受け入れます", "Accept the drift, with a reason"),
    ("obligation report", "報告書の判断の部分を書きます", "Write the judgement of the report"),
    ("obligation schedule", "振り返りの日時を変えます", "Move the retrospective"),
    ("obligation hold", "振り返りを実施したことを記録します", "Record that the retrospective took place"),
    ("obligation finish", "再発防止策・是正措置を終えます", "Finish a prevention item or a corrective action"),
    ("obligation present", "開発会議で報告したことを記録します", "Record that a report was presented at the development meeting"),
    ("report", "インシデントと緊急例外の月次報告と四半期分析", "Monthly reports and quarterly analyses of incidents and exceptions"),
    ("report list", "月ごとの件数", "Uses per month"),
    ("report month", "月次報告", "The report of a month"),
    ("report quarter", "四半期分析", "The analysis of a quarter"),
    ("contact", "呼び出しが届くかの確認", "Whether pages arrive"),
    ("contact list", "誰に何で届くかと、最後に確かめた時刻", "Who is reached by what, and when that was last proven"),
    ("contact test", "呼び出しのテストを送ります", "Send a test page"),
    ("contact confirm", "テストが届いたことを記録します", "Record that a test reached you"),
    ("monitor", "監視", "Monitors"),
    ("monitor list", "監視の状態と最後の測定", "What each monitor sees now"),
    ("change", "変更の知らせ", "Changes"),
    ("change record", "変更（リリース、設定、移行など）を知らせます", "Tell of a change: a release, a flag, a migration"),
    ("change list", "最近の変更", "What changed lately"),
    ("oncall", "いまの当番と、次の当番", "Who is on call now, and who is next"),
    ("status", "ステータスページの状況", "The status page"),
    ("status show", "公開している内容と、静的ファイルの状態", "What is public, and whether the static files are written"),
    ("status subscribers", "メールの購読者", "Who has subscribed by mail"),
    ("status forget", "購読者のアドレスを消去します", "Delete the address of a subscriber"),
    ("oncall show", "当番表", "The shifts of a schedule"),
    ("oncall override", "当番を代わります", "Take over a shift"),
    ("oncall cancel", "当番の交代を取り消します", "Take an override back"),
    ("oncall export", "当番をカレンダー（iCalendar）として出力します", "Print the shifts as iCalendar"),
    ("channel", "公開チャンネル", "The public channel"),
    ("channel show", "投稿を表示します", "Show posts"),
    ("channel post", "投稿します", "Post a message"),
    ("ledger", "台帳", "The ledger"),
    ("ledger show", "最近の記録", "Recent entries"),
    ("ledger entry", "記録一件を、ハッシュの対象そのままで表示します", "One entry, exactly as it is hashed"),
    (
        "ledger verify",
        "台帳、または書き出した束を検証します（オフラインで使えます）",
        "Verify the ledger or an exported bundle; works offline",
    ),
    ("ledger export", "一件の記録を検証できる束として書き出します", "Export one case as a bundle that others can verify"),
    ("ledger checkpoint", "最新の署名付きチェックポイント", "The newest signed checkpoint"),
    ("ledger rebuild", "表を台帳から作り直し、違いを表示します", "Rebuild the tables from the ledger and show differences"),
    ("people", "人", "People"),
    ("people list", "一覧", "List people"),
    ("people invite", "一度きりのサインイン用リンクを作ります", "Make a one-time sign-in link"),
    ("token", "API トークン", "API tokens"),
    ("token issue", "発行します（一度だけ表示）", "Issue one; shown once"),
    ("token list", "一覧", "List tokens"),
    ("token revoke", "取り消します", "Revoke one"),
    ("policy", "ポリシー", "The policy"),
    ("policy show", "有効なポリシーと、承認待ちのポリシー", "The policy in force, and one that waits"),
    ("policy reload", "ファイルのポリシーを採用します", "Adopt the policy of the file"),
    ("trust", "信頼情報（承認者と鍵の、署名付きの写し）", "The trust bundle: who approves with which key, signed"),
    ("trust export", "サーバーから受け取って保存します", "Take it from the server and keep it"),
    ("trust show", "保存してある信頼情報を表示します", "Show what is kept"),
    ("trust verify", "信頼情報の署名と期限を確かめます", "Verify signature and validity of a trust bundle"),
    ("policy approve", "承認待ちのポリシーを承認します", "Approve the policy that waits"),
    ("policy reject", "承認待ちのポリシーを却下します", "Reject the policy that waits"),
];

/// Argument, Japanese, English; where a name means the same everywhere.
const ARGUMENTS: &[(&str, &str, &str)] = &[
    ("json", "結果を JSON で出力", "print the answer as JSON"),
    ("dry_run", "何も記録せず、できるかどうかだけ調べる", "decide only; record nothing"),
    ("no_wait", "処理の終わりを待たない（終了コード 5）", "do not wait for effects (exit code 5)"),
    ("timeout_s", "待つ時間の上限（秒）", "longest wait, in seconds"),
    ("confirm", "確認の語を先に渡す", "the typed word of a dangerous act"),
    ("lang", "表示の言語", "language of what you read"),
    ("url", "サーバーの URL", "the server"),
    ("token_file", "トークンのファイル", "file that holds the token"),
    ("key", "要求キー。同じキーの再送は一度だけ実行される", "request key; the same key again is the same request"),
    (
        "local",
        "サーバーを介さず、このマシンのデータか手元の台帳で実行",
        "without the server: on its data, or in a local ledger of this machine",
    ),
    ("config", "設定ファイル", "the configuration file"),
    ("id", "番号", "the id"),
    ("title", "件名", "the title"),
    ("service", "サービス", "the service"),
    ("environment", "環境", "the environment"),
    ("impact", "all_users / some_users / one_function", "all_users / some_users / one_function"),
    ("business", "lost_sales / lost_trust / slight", "lost_sales / lost_trust / slight"),
    ("urgency", "now / can_be_planned", "now / can_be_planned"),
    ("priority", "表と違う優先度にする（理由が必要）", "another priority than the matrix says; takes a reason"),
    ("override_reason", "優先度を変える理由", "why another priority"),
    ("summary", "概要", "a summary"),
    ("detected_at", "最初に検知した時刻", "when it was first seen"),
    (
        "stage",
        "reported / impact / mitigation / cause / permanent_fix / postmortem / closed",
        "reported / impact / mitigation / cause / permanent_fix / postmortem / closed",
    ),
    ("duty", "役割 (commander / communications / scribe / operations)", "commander, communications, scribe or operations"),
    ("nobody", "担当を外す", "take the duty away"),
    ("text", "本文", "the text"),
    ("what", "何をして復旧したか", "what restored the service"),
    ("reason", "理由", "the reason"),
    ("limit", "表示する件数", "how many"),
    ("before", "この番号より前を表示", "those before this one"),
    ("incident", "インシデント", "the incident"),
    ("executor", "実行者", "who carries it out"),
    ("serious_failure", "条件1: 重大な障害であること", "condition 1: the serious failure"),
    ("serious_failure_evidence", "条件1の根拠", "evidence of condition 1"),
    ("normal_flow_cannot", "条件2: 通常のフローでは解決できない理由", "condition 2: why the normal flow cannot"),
    ("normal_flow_cannot_evidence", "条件2の根拠", "evidence of condition 2"),
    ("cannot_wait", "条件3: 24時間待てない業務上の理由", "condition 3: why it cannot wait 24 h"),
    ("cannot_wait_evidence", "条件3の根拠", "evidence of condition 3"),
    ("judged_by", "条件4: 緊急と判断した責任者", "condition 4: who judges it an emergency"),
    ("judged_by_evidence", "条件4の根拠", "evidence of condition 4"),
    ("judgement", "緊急と判断した理由", "why you judge it an emergency"),
    ("digest", "読んだもののダイジェスト", "digest of what you read"),
    ("only_look", "立ち会わずに表示だけする", "only look; do not count as present"),
    ("step", "手順の番号（1 から）", "the step, from 1"),
    ("line", "端末で待っている危険な行", "the dangerous line that waits in the terminal"),
    ("ran_exit_code", "実行されていた: その終了コード", "it ran, with this exit code"),
    ("did_not_run", "実行されていなかった", "it certainly did not run"),
    ("aspect", "solved / unaffected", "solved / unaffected"),
    ("failed", "確認できなかった", "it did not pass"),
    ("note", "何を見たか", "what you saw"),
    ("path", "ファイル", "the file"),
    ("paths", "元に戻すファイル（複数可）", "the files to put back"),
    ("problem", "発生した問題", "what happened"),
    ("cause", "原因", "the cause"),
    ("response", "実施した対応", "what was done"),
    ("prevention", "再発防止策（繰り返し可）", "prevention; may be repeated"),
    ("starts_at", "開始時刻 (2026-11-23T10:00:00+09:00)", "start (2026-11-23T10:00:00+09:00)"),
    ("lasts_min", "長さ（分）", "length in minutes"),
    ("invited", "招く人（カンマ区切り）", "who is invited, by comma"),
    ("held_at", "実施した時刻", "when it took place"),
    ("attended", "出席者（カンマ区切り）", "who attended, by comma"),
    ("lessons", "学んだこと", "what was learnt"),
    ("trusted_key", "別の経路で得た台帳の検証鍵", "the ledger's verifier key, got from elsewhere"),
    ("signature", "SSH 署名のファイル（- で標準入力）", "file with the SSH signature; - is standard input"),
    ("evidence", "終えたことが分かるもの", "what shows it"),
    ("channel", "チャンネル名（# なし）", "channel, without #"),
    ("valid_min", "有効な時間（分）", "valid for, in minutes"),
    ("valid_days", "有効な日数", "valid for, in days"),
    ("only", "使える役割を絞る（カンマ区切り）", "narrow to these roles, by comma"),
    ("token", "トークンの番号", "the token's id"),
    ("link", "一度きりのリンク", "the one-time link"),
    ("ssh_key", "信頼情報にある自分の SSH 鍵（手元の台帳に入るとき）", "your SSH key of the trust bundle, to enter a local ledger"),
    ("status", "照合を待つものを表示（終了コード 5: ある、1: 期限超過）", "show what waits; exit code 5: something does, 1: it is late"),
    ("listen", "待ち受けるアドレス (127.0.0.1:7411)", "address to serve on (127.0.0.1:7411)"),
    ("save_to", "トークンの保存先", "where to keep the token"),
    ("shell", "シェルの種類", "the shell"),
    ("ssh_config", "ssh の設定ファイル（実行先が別のホストのとき）", "configuration of ssh, for a target on another host"),
    ("bundle", "書き出した束", "an exported bundle"),
    ("checkpoint", "以前のチェックポイントのファイル", "file with an earlier checkpoint"),
    ("trust", "別の経路で得た検証鍵", "verifier key that you got from elsewhere"),
    ("apply", "違いがあれば作り直す", "rebuild where they differ"),
    ("headless", "画面なしで最後まで進めて終わる", "no browser; ends by itself"),
    ("act", "この人の操作を自分で行う", "leave this person's acts to you"),
    ("database", "使うデータベース（既定は SQLite）", "database to use; SQLite by default"),
    ("keep", "この場所に作り、消さない", "make it here and keep it"),
    ("resume", "途中で終わった訓練を続ける", "continue a rehearsal that was cut off"),
];
