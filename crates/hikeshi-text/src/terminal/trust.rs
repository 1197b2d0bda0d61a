//! What is said about the trust bundle, and of an approval that is judged by it.

use hikeshi_domain::trust::TrustError;

use super::two;
use crate::Lang;

pub fn word_valid(lang: Lang) -> String {
    two(lang, "有効期間", "valid")
}

/// How old it is, in words.
pub fn age(lang: Lang, made_at: hikeshi_domain::Timestamp, now: hikeshi_domain::Timestamp) -> String {
    crate::time::relative(lang, made_at, now)
}

pub fn no_trust_kept(lang: Lang, url: &str) -> String {
    two(
        lang,
        format!(
            "{url} の信頼情報は、まだこのマシンにありません。サーバーにつながるマシンで hikeshi trust export --out を実行し、--trust で渡してください。"
        ),
        format!(
            "This machine keeps no trust bundle of {url}. Run `hikeshi trust export --out` where the server can be reached, and hand it over with --trust."
        ),
    )
}

pub fn trust_error(lang: Lang, error: &TrustError) -> String {
    match error {
        TrustError::Expired(at) => two(
            lang,
            format!(
                "信頼情報の期限が切れています（{at} まで）。その後に失効した鍵があるかもしれないので、判定しません。新しい信頼情報を受け取ってください。"
            ),
            format!("The trust bundle has expired ({at}). Keys may have been revoked since, so nothing is judged by it. Get a newer one."),
        ),
        TrustError::NotYet(at) => two(
            lang,
            format!("信頼情報の作成時刻（{at}）が、このマシンの時刻より先です。時計を確かめてください。"),
            format!("The trust bundle was made at {at}, which this machine's clock has not reached. Check the clock."),
        ),
        TrustError::NotATrust => two(lang, "信頼情報として読めません。", "This is not a trust bundle that can be read."),
        TrustError::Note(error) => two(
            lang,
            format!("信頼情報の署名を確かめられません（{error}）。受け取り直してください。"),
            format!("The trust bundle's signature does not hold ({error}). Get it again."),
        ),
    }
}

pub fn trust_key_changed(lang: Lang, file: &str) -> String {
    two(
        lang,
        format!(
            "このサーバーの台帳の鍵が、以前と違います。信頼情報は以前のままにしました。正しい変更だと別の経路で確かめたら、{file} を消してください。"
        ),
        format!(
            "The ledger's key of this server is not the one that is remembered, so the trust bundle was left as it was. If the change is right, as you know from elsewhere, remove {file}."
        ),
    )
}

pub fn not_a_plan(lang: Lang, file: &str) -> String {
    two(
        lang,
        format!("{file} は計画として読めません。hikeshi emergency plan で取り出したファイルを、変えずに渡してください。"),
        format!("{file} is not a plan. Hand over what `hikeshi emergency plan` wrote, unchanged."),
    )
}

pub fn approval_suffices(lang: Lang, missing: &str) -> String {
    if missing.is_empty() {
        return two(lang, "✓ この署名は、この計画の承認として足ります。", "✓ This signature suffices as the approval of this plan.");
    }
    two(
        lang,
        format!("✓ この署名は、この計画の承認として足ります。期限を過ぎた事後処理があるときは、{missing} の承認も必要です（規則 E14）。"),
        format!("✓ This signature suffices as the approval of this plan. If follow-up is overdue, {missing} must approve too (rule E14)."),
    )
}

/// Whose key it is can only be told by comparing it with one that came another way.
pub fn key_not_known(lang: Lang) -> String {
    two(
        lang,
        "検証鍵は束の中のものを使いました。別の経路で得た鍵と比べるには --trusted-key を使ってください。",
        "The key inside the bundle was used. Compare with a key from elsewhere by --trusted-key.",
    )
}
