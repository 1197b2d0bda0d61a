//! Words at the beginning of a mail's subject, by which programs say how an alert stands; as patterns.

/// What stands before a subject that was answered or passed on.
pub const PASSED_ON: &str = r"(?i)^\s*(?:(?:re|fwd?|転送|返信)\s*[:：]\s*)+";

/// How it stands, and nothing of what it is: the same alert has other such words when it is over.
pub const STANDING: &str = concat!(
    r"(?i)^[\s\[【(（*]*(?:",
    r"problem|firing(?::\d+)?|alert|alarm|triggered|down|critical|warning|monitor\s+is\s+down|障害|発生|検知|警告|異常|",
    r"resolved(?:\s+in\s[^:]{1,40})?(?::\d+)?|recovered|recovery|ok|up|monitor\s+is\s+up|(?:障害)?(?:復旧|回復|解消)",
    r")(?:通知|発生|検知|しました|済み?)?(?:[\]】)）:：*!！\s-]+|$)",
);

/// That it is over. A word alone says nothing ("Up to 95 %", "復旧サーバーが応答しません"): it stands at the beginning, in brackets or with a sign
/// behind it.
pub const OVER: &str = concat!(
    r"(?i)^\s*(?:(?:re|fwd?|転送|返信)\s*[:：]\s*)*(?:\*+\s*(?:recovery|resolved|ok|up)\b|[\s\[【(（]*(?:",
    r"resolved(?:\s+in\s[^:]{1,40})?(?::\d+)?|recovered|recovery|ok|up|monitor\s+is\s+up|(?:障害)?(?:復旧|回復|解消)(?:通知|しました|済み?)?",
    r")(?:\s*[\]】)）:：!！]|\s+-+\s|\s*$))",
);
