//! Pages of postmortems, and of past incidents that are alike.

use super::words;

words! {
    postmortem: "ポストモーテム", "Postmortem";
    postmortem_lead: "件名、日時、重大度、タイムラインは記録から埋まります。責めるためではなく、繰り返さないために書きます。", "Title, times, severity and timeline come from the record. It is written so that it does not come again, not to blame.";
    postmortem_owed: "このインシデントにはポストモーテムが必要です。", "This incident owes a postmortem.";
    postmortem_optional: "まだ書かれていません。必要なら書いてください。", "Not written yet. Write it if it is of use.";
    postmortem_show: "ポストモーテムを見る", "See the postmortem";
    postmortem_impact: "影響", "Impact";
    postmortem_whys: "なぜの問い（一行に一つ。五回を目安に）", "Whys (one on each line, about five)";
    postmortem_whys_short: "なぜの問い", "Five whys";
    postmortem_cause: "根本原因", "Root cause";
    postmortem_response: "対応と、何で復旧したか", "Response, and what solved it";
    postmortem_lessons: "教訓", "Lessons";
    postmortem_items: "再発防止策", "Prevention items";
    postmortem_reason: "書き直す理由", "Why it is amended";
    postmortem_file: "書き出した文書", "Filed as";
    postmortem_unfiled: "文書を書き出せませんでした", "It could not be filed";
    similar: "似た過去のインシデント", "Similar past incidents";
    similar_none: "似た過去のインシデントは見つかりませんでした。", "No similar past incident was found.";
    similar_solved: "復旧の方法", "What solved it";
    similar_cause: "原因", "Cause";
    similar_untold: "記録がありません", "not on record";
    similar_file: "文書", "Document";
}
