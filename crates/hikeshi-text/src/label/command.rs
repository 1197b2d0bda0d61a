//! The verb of every command, as buttons, help texts and refusals call it; and who may give it.

use hikeshi_domain::ids::RoleName;
use hikeshi_domain::permit::Row;

use super::both;
use crate::{Lang, Names};

/// Every kind of [`hikeshi_domain::command::KINDS`] with its words, Japanese and English.
const COMMANDS: &[(&str, &str, &str)] = &[
    ("account.invite", "サインイン用リンクを発行する", "issue a sign-in link"),
    ("account.sign_in", "サインインする", "sign in"),
    ("account.sign_out", "サインアウトする", "sign out"),
    ("account.add_passkey", "パスキーを登録する", "add a passkey"),
    ("account.remove_passkey", "パスキーを削除する", "remove a passkey"),
    ("account.issue_token", "APIトークンを発行する", "issue an API token"),
    ("account.revoke_token", "APIトークンを失効させる", "revoke an API token"),
    ("account.enter", "SSH 鍵で本人確認をし、トークンを受け取る", "enter with an SSH key"),
    ("alert.report", "アラートを知らせる", "report alerts"),
    ("alert.silence", "呼び出しを止める", "silence alerts"),
    ("alert.unsilence", "呼び出しの停止を解除する", "end a silence"),
    ("change.record", "変更を知らせる", "tell of a change"),
    ("channel.post", "チャンネルに投稿する", "post to a channel"),
    ("emergency.request", "緊急例外を申請する", "request an emergency exception"),
    ("emergency.revise", "計画を改訂する", "revise the plan"),
    ("emergency.approve", "承認する", "approve"),
    ("emergency.approve_passkey", "パスキーで署名して承認する", "approve with a passkey"),
    ("emergency.approve_signed", "SSH 署名による承認を届ける", "bring an approval signed by SSH key"),
    ("emergency.decline", "却下する", "decline"),
    ("emergency.cancel", "申請を取り下げる", "cancel the request"),
    ("emergency.join", "立ち会う", "join as a witness"),
    ("emergency.watch", "立会いを続ける", "keep witnessing"),
    ("emergency.leave", "立会いを抜ける", "leave as a witness"),
    ("emergency.hold", "実行を止める", "hold the execution"),
    ("emergency.resume", "実行を再開する", "resume the execution"),
    ("emergency.start", "開始する（バックアップを取る）", "start (take the backup)"),
    ("emergency.confirm", "危険な手順を確認する", "confirm a dangerous step"),
    ("emergency.step", "手順を実行する", "run a step"),
    ("emergency.settle", "不明な手順の結果を確定する", "settle a step in doubt"),
    ("emergency.verify", "検証を実行する", "run the verification"),
    ("emergency.attest", "目視の検証結果を記録する", "record a verification by eye"),
    ("emergency.accept", "範囲外の変更を認める", "accept a change outside the scope"),
    ("emergency.revert", "ファイルを元に戻す", "put files back"),
    ("emergency.restore", "バックアップから復元する", "restore the backup"),
    ("emergency.close", "緊急例外を終了する", "close the exception"),
    ("incident.open", "インシデントを登録する", "open an incident"),
    ("incident.triage", "優先度を判定する", "triage the incident"),
    ("incident.acknowledge", "対応を引き受ける", "acknowledge the incident"),
    ("incident.escalate", "応援を呼ぶ", "call further people"),
    ("incident.assign", "役割を任せる", "give a duty"),
    ("incident.hand_over", "対応を引き継ぐ", "hand it over"),
    ("incident.move", "段階を変える", "move the stage"),
    ("incident.update", "状況を知らせる", "send a status update"),
    ("incident.publish", "ステータスページに公開する", "publish on the status page"),
    ("incident.note", "メモを残す", "add a note"),
    ("incident.resolve", "復旧を記録する", "record the recovery"),
    ("incident.merge", "別のインシデントに統合する", "merge into another incident"),
    ("incident.split", "アラートを別のインシデントに分ける", "split alerts off"),
    ("monitor.fire", "監視が異常を知らせる", "report a failing monitor"),
    ("monitor.recover", "監視が回復を知らせる", "report a recovered monitor"),
    ("obligation.propose", "反映リクエストを作成する", "open the change request"),
    ("obligation.compare", "マージ内容を照合する", "compare with what was merged"),
    ("obligation.accept_drift", "ずれを認める", "accept the drift"),
    ("obligation.report", "報告書の判断を記入する", "write the judgement of the report"),
    ("obligation.schedule", "振り返りの日時を変える", "move the retrospective"),
    ("obligation.hold", "振り返りの実施を記録する", "record the retrospective"),
    ("obligation.finish", "完了を記録する", "record that it is done"),
    ("obligation.present", "開発会議での報告を記録する", "record the presentation at the development meeting"),
    ("offline.announce", "手元の台帳で進む緊急例外を知らせる", "tell of an exception kept in a local ledger"),
    ("offline.import", "手元の台帳を照合して取り込む", "take in a local ledger"),
    ("offline.turn_away", "手元の台帳の取り込みを断る", "turn a local ledger away"),
    ("contact.add_browser", "ブラウザーで呼び出しを受け取る", "take pages in a browser"),
    ("contact.remove_browser", "ブラウザーでの受け取りをやめる", "stop taking pages in a browser"),
    ("contact.lose_browser", "なくなったブラウザーを外す", "remove a browser that is gone"),
    ("contact.test", "呼び出しのテストを送る", "send a test page"),
    ("contact.confirm", "届いたと確認する", "confirm that it arrived"),
    ("oncall.override", "当番を代わる", "take over a shift"),
    ("oncall.cancel", "当番の交代を取り消す", "take back an override"),
    ("page.report", "呼び出しがどうなったかを記録する", "record what became of a page"),
    ("policy.adopt", "ポリシーを適用する", "adopt the policy"),
    ("policy.approve", "ポリシーの変更を承認する", "approve the policy change"),
    ("policy.reject", "ポリシーの変更を却下する", "reject the policy change"),
    ("postmortem.write", "ポストモーテムを書く", "write the postmortem"),
    ("postmortem.amend", "ポストモーテムを書き直す", "amend the postmortem"),
    ("postmortem.import", "過去のポストモーテムを取り込む", "import a past postmortem"),
    ("review.examine", "記録を調べた結果を残す", "record what the search for abuse found"),
    ("session.open", "立会セッションの端末を開く", "open the witnessed terminal"),
    ("session.bind", "見る端末の鍵を登録する", "register the device that watches"),
    ("session.note", "立会セッションに書き添える", "note in the session"),
    ("session.stop", "立会セッションを終わらせる", "end the session"),
    ("session.abandon", "開けない立会セッションを取りやめる", "give up a session that cannot begin"),
    ("session.confirm", "危険な行を確認する", "confirm a dangerous line"),
    ("session.deny", "危険な行を拒否する", "deny a dangerous line"),
    ("session.redact", "記録の一部を伏せるよう提案する", "propose a redaction"),
    ("session.agree_redaction", "伏せることに同意する", "agree to a redaction"),
    ("session.decline_redaction", "伏せる提案を退ける", "decline a redaction"),
    ("session.ask", "危険な行の確認を求める", "ask about a dangerous line"),
    ("session.withdraw", "危険な行を取り下げる", "give up a dangerous line"),
    ("session.seal", "立会セッションの記録を封印する", "seal the recording"),
    ("session.acknowledge", "見たという署名を記録する", "record what was watched"),
    ("session.gate", "入力の停止・再開を記録する", "record that keys are held or released"),
    ("session.end", "立会セッションの終わりを記録する", "record the end of the session"),
    ("outcome.ended", "処理の結果を記録する", "record what became of the work"),
    ("outcome.in_doubt", "処理の結果が不明と記録する", "record that the result is unknown"),
    ("wake.escalate", "エスカレーションする", "escalate"),
    ("wake.page_again", "次の手段で呼び出す、または呼び出し直す", "page by the next means, or again"),
    ("wake.update_due", "状況報告の期限を知らせる", "chase a status update"),
    ("wake.approval_expires", "承認を期限切れにする", "expire the approval"),
    ("wake.session_long", "長引いている実行を知らせる", "announce a long session"),
    ("wake.witness_silent", "応答のない立会人を不在にする", "mark a silent witness absent"),
    ("wake.remind", "期限の前に知らせる", "remind before the due time"),
    ("wake.overdue", "期限の超過を知らせる", "announce that it is overdue"),
    ("wake.escalate_owed", "遅れている事後処理を上の役割に知らせる", "escalate what is overdue"),
    ("wake.compare", "マージされたか確かめる", "ask whether it was merged"),
    ("wake.examine", "記録を調べる", "search the record for abuse"),
    ("wake.month_ends", "月の終わりに報告を求める", "ask for the report of a month"),
    ("wake.unreconciled", "照合されていない手元の台帳を知らせる", "announce a local ledger that has not come home"),
    ("wake.alert_settles", "続いているアラートを取り上げる", "take up an alert that goes on"),
    ("wake.alert_lapses", "連絡の途絶えたアラートを解消とみなす", "end an alert whose sender fell silent"),
    ("wake.silence_ends", "停止の終わったアラートを確かめる", "look at what a silence has held back"),
];

/// What the command does, as an order: 「承認する」, "approve". A kind of a newer version is called by its code.
pub fn command(lang: Lang, kind: &str) -> &str {
    COMMANDS.iter().find(|(known, _, _)| *known == kind).map_or(kind, |(_, ja, en)| both(lang, (ja, en)))
}

/// Every kind that has words here; the tests compare it with the domain's list.
pub fn commands() -> impl Iterator<Item = &'static str> {
    COMMANDS.iter().map(|(kind, _, _)| *kind)
}

/// Who may give a command.
pub fn row(lang: Lang, row: Row, names: &Names) -> String {
    match row {
        Row::Anyone => both(lang, ("ポリシーに名前のある人は誰でも", "anyone whom the policy names")).to_owned(),
        Row::Roles(roles) => {
            let roles: Vec<RoleName> = roles.iter().filter_map(|role| RoleName::new(role).ok()).collect();
            names.roles(lang, &roles)
        }
        Row::ByCase => both(lang, ("その案件での立場による", "depends on their part in the case")).to_owned(),
        Row::Inside => both(lang, ("プログラムだけ", "only the program")).to_owned(),
    }
}
