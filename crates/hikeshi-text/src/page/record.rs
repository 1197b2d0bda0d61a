//! Pages of the channel, the ledger, people and policy.

use super::words;

words! {
    channel_title: "チャンネル", "Channel";
    channel_public: "ワークスペースの全員が読めます。", "Everyone in the workspace can read this.";
    channel_post: "投稿する", "Post";
    channel_text: "投稿の内容", "What to say";
    channel_none: "まだ投稿がありません。", "No post yet.";
    ledger_title: "台帳", "Ledger";
    ledger_lead: "すべての操作と拒否の記録です。あとから変えたり消したりすると、検証で分かります。", "Every act and every refusal. A later change or removal shows when it is verified.";
    ledger_size: "記録の数", "Entries";
    ledger_root: "全体のハッシュ（RFC 6962）", "Root hash (RFC 6962)";
    ledger_checkpoint: "署名されたチェックポイント", "Signed checkpoint";
    ledger_checkpoint_none: "まだ署名されていません。", "Not signed yet.";
    ledger_key: "検証用の公開鍵", "Verifier key";
    ledger_verify: "手元で検証する", "Verify it yourself";
    ledger_entries: "記録", "Entries";
    entry_title: "台帳の記録", "Ledger entry";
    entry_bytes: "ハッシュの対象となる原文", "The bytes that are hashed";
    entry_hash: "記録のハッシュ", "Leaf hash";
    entry_kind: "操作", "Command";
    entry_face: "経路", "Through";
    entry_case: "案件", "Case";
    entry_result: "何が起きたか", "What happened";
    entry_older: "前の記録", "Earlier entry";
    entry_newer: "次の記録", "Later entry";
    people_title: "メンバー", "People";
    people_lead: "ポリシー（hikeshi.toml）に書かれている人です。", "Those whom the policy (hikeshi.toml) names.";
    person_handle: "ハンドル", "Handle";
    person_roles: "役割", "Roles";
    person_mail: "メール", "E-mail";
    person_phone: "電話", "Phone";
    person_chat: "チャット", "Chat";
    person_sign_in: "サインイン手段", "Ways to sign in";
    policy_title: "ポリシー", "Policy";
    policy_lead: "このワークスペースの決まりです。変更は hikeshi.toml で行い、台帳に残ります。", "The rules of this workspace. They are changed in hikeshi.toml, and each change is recorded.";
    policy_in_force: "いま有効なポリシー", "In force";
    policy_digest: "ダイジェスト", "Digest";
    policy_pending: "承認を待っている変更", "Change waiting for approval";
    policy_pending_none: "承認を待っている変更はありません。", "No change waits for approval.";
    policy_weakens: "次の決まりが緩みます", "These rules become looser";
    policy_proposed: "提案", "Proposed";
    policy_approved_by: "承認した人", "Approved by";
    policy_four_eyes: "緩める変更は、提案した人以外の2人が承認するまで有効になりません。", "A loosening change takes effect only after two other people have approved it.";
    policy_full: "全文（JSON）", "Full text (JSON)";
    policy_approvers: "承認できる役割", "May approve";
    policy_witness_min: "必要な立会人", "Witnesses needed";
    policy_valid: "承認の有効期間", "Approval valid for";
    policy_deadlines: "事後処理の期限", "Deadlines of follow-up";
    policy_permissions: "操作ごとの権限", "Who may do what";
    policy_targets: "対象", "Targets";
}
