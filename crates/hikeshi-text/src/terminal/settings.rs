//! `hikeshi merge settings`: one line for each thing that was looked at on GitHub, and what to do about it.

use hikeshi_domain::release::merge::Method;

use super::{merge_method, merge_methods, two};
use crate::Lang;

pub fn settings_branch_missing(lang: Lang, branch: &str) -> String {
    two(
        lang,
        format!("GitHubにブランチ {branch} がありません。merge.long_lived を直してください。"),
        format!("GitHub has no branch {branch}; correct merge.long_lived"),
    )
}
pub fn settings_methods_hidden(lang: Lang) -> String {
    two(
        lang,
        "マージの方法を読めません。リポジトリに書き込めるトークンが必要です。",
        "the merge methods cannot be read; GitHub shows them only to a token that may write to the repository",
    )
}
pub fn settings_methods_fit(lang: Lang, branch: &str, methods: &[Method]) -> String {
    let methods = merge_methods(lang, methods);
    two(
        lang,
        format!("{branch}: マージの方法はポリシーどおりです（{methods}）"),
        format!("{branch}: merge methods are as the policy wants them ({methods})"),
    )
}
pub fn settings_method_open(lang: Lang, branch: &str, from: &str, method: Method, wanted: &[Method]) -> String {
    let (method, wanted) = (merge_method(lang, method), merge_methods(lang, wanted));
    two(
        lang,
        format!(
            "{branch}: {from} からの{method}がGitHubで許されています（R8）。ルールセットの「Allowed merge methods」で、{branch} は {wanted} だけにしてください。"
        ),
        format!(
            "{branch}: GitHub permits {method} from {from} (R8); in a ruleset for {branch}, leave only {wanted} under “Allowed merge methods”"
        ),
    )
}
pub fn settings_method_shared(lang: Lang, branch: &str, from: &str, method: Method) -> String {
    let method = merge_method(lang, method);
    two(
        lang,
        format!(
            "{branch}: {method}はほかのブランチのために開いています。GitHubは {from} からのものを区別できません。hikeshi merge check が調べます"
        ),
        format!("{branch}: {method} is open for other branches; GitHub cannot tell those from {from} apart, `hikeshi merge check` does"),
    )
}
pub fn settings_no_method(lang: Lang, branch: &str, from: &str, wanted: &[Method]) -> String {
    let wanted = merge_methods(lang, wanted);
    two(
        lang,
        format!("{branch}: {from} をポリシーの方法（{wanted}）で取り込めません。「Require linear history」や許す方法を見直してください。"),
        format!(
            "{branch}: {from} cannot be merged as the policy wants it ({wanted}); look at “Require linear history” and the allowed methods"
        ),
    )
}
pub fn settings_protected(lang: Lang, branch: &str) -> String {
    two(
        lang,
        format!("{branch}: プルリクエストを通さない変更、強制プッシュ、削除はできません"),
        format!("{branch}: no change without a pull request, no force push, no deletion"),
    )
}
pub fn settings_force_push_open(lang: Lang, branch: &str) -> String {
    two(
        lang,
        format!("{branch}: 強制プッシュができます。「Block force pushes」を有効にしてください。"),
        format!("{branch}: force pushes are possible; turn on “Block force pushes”"),
    )
}
pub fn settings_deletion_open(lang: Lang, branch: &str) -> String {
    two(
        lang,
        format!("{branch}: ブランチを削除できます。「Restrict deletions」を有効にしてください。"),
        format!("{branch}: it can be deleted; turn on “Restrict deletions”"),
    )
}
pub fn settings_push_open(lang: Lang, branch: &str) -> String {
    two(
        lang,
        format!("{branch}: プルリクエストなしでプッシュできます。「Require a pull request before merging」を有効にしてください。"),
        format!("{branch}: it can be pushed to without a pull request; turn on “Require a pull request before merging”"),
    )
}
pub fn settings_admins_exempt(lang: Lang, branch: &str) -> String {
    two(
        lang,
        format!("{branch}: 管理者は保護の対象外です。「Do not allow bypassing the above settings」を有効にしてください。"),
        format!("{branch}: administrators are exempt; turn on “Do not allow bypassing the above settings”"),
    )
}
pub fn settings_protection_hidden(lang: Lang, branch: &str) -> String {
    two(
        lang,
        format!("{branch}: 保護の内容を読めません。トークンに Administration の読み取りを加えてください。"),
        format!("{branch}: its protection cannot be read; give the token read access to Administration"),
    )
}
