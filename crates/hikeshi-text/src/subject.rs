//! Words at the beginning of a mail's subject, by which programs say how an alert stands; as patterns.

/// What stands before a subject that was answered or passed on.
pub const PASSED_ON: &str = r"(?i)^\s*(?:(?:re|fwd?|転送|返信)\s*[:：]\s*)+";

/// How it stands, and nothing of what it is: the same alert has other such words when it is over.
pub const STANDING: &str = concat!(
    r"(?i)^[\s\[【(（*]*(?:",
    r"problem|firing(?::\d+)?|alert|alarm|(?:re-)?triggered|down|critical|warn(?:ing)?|no\s+data|monitor\s+is\s+down|障害|発生|検知|警告|異常|",
    r"acknowledge?ment|updated\s+problem(?:\s+in\s[^:]{1,40})?|",
    r"resolved(?:\s+in\s[^:]{1,40})?(?::\d+)?|recovered|recovery|ok|up|monitor\s+is\s+up|(?:障害)?(?:復旧|回復|解消)",
    r")(?:通知|発生|検知|しました|済み?)?(?:[\]】)）:：*!！\s-]+|$)",
);

/// How it stands at the end of what Nagios and Icinga call it.
pub const STANDING_BEHIND: &str = r"(?i)\s+is\s+(?:critical|warning|unknown|ok|up|down|unreachable)\s*(?:\*\*|!)\s*$";

/// That somebody there has it in hand, or has written about it: it goes on as it did.
pub const IN_HAND: &str = r"(?i)^[\s\[【(（*]*(?:acknowledge?ment\b|updated\s+problem\s+in\s[^:]{1,40}:)";

/// That it is over. A word alone says nothing ("Up to 95 %", "復旧サーバーが応答しません"): it stands at the beginning, in brackets or with a sign
/// behind it.
pub const OVER: &str = concat!(
    r"(?i)^\s*(?:(?:re|fwd?|転送|返信)\s*[:：]\s*)*(?:\*+\s*(?:recovery|resolved|ok|up)\b|[\s\[【(（]*(?:",
    r"resolved(?:\s+in\s[^:]{1,40})?(?::\d+)?|recovered(?:\s+on\s+\{[^}]{1,200}\})?|recovery|ok|up|monitor\s+is\s+up|",
    r"(?:障害)?(?:復旧|回復|解消)(?:通知|しました|済み?)?",
    r")(?:\s*[\]】)）:：!！]|\s+-+\s|\s*$))",
);
