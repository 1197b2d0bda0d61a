//! What visitors of a team's own site read when the proxy in front of it has to answer itself. They know nothing of versions, and need not.

use crate::Lang::{self, En, Ja};

/// Why there is no answer of the application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    Stopped,
    Crowded,
    WaitedTooLong,
    Empty,
    NoRoute,
    Unreachable,
    Broken,
    Late,
    Cut,
    TooLong,
    BadHost,
    BadMethod,
}

impl Made {
    pub const ALL: [Self; 12] = [
        Self::Stopped,
        Self::Crowded,
        Self::WaitedTooLong,
        Self::Empty,
        Self::NoRoute,
        Self::Unreachable,
        Self::Broken,
        Self::Late,
        Self::Cut,
        Self::TooLong,
        Self::BadHost,
        Self::BadMethod,
    ];
}

/// What happened, and what to do.
pub fn made(lang: Lang, made: Made) -> &'static str {
    match (lang, made) {
        (Ja, Made::Stopped) => "ただいまメンテナンス中です。しばらくしてから、もう一度お試しください。",
        (En, Made::Stopped) => "We are doing maintenance. Please try again a little later.",
        (Ja, Made::Crowded | Made::WaitedTooLong) => "ただいま混み合っています。しばらくしてから、もう一度お試しください。",
        (En, Made::Crowded | Made::WaitedTooLong) => "We are busy at the moment. Please try again a little later.",
        (Ja, Made::Empty) => "ただいま準備中です。しばらくしてから、もう一度お試しください。",
        (En, Made::Empty) => "This is not ready yet. Please try again a little later.",
        (Ja, Made::NoRoute) => "お探しのサイトはここにはありません。アドレスをお確かめください。",
        (En, Made::NoRoute) => "There is no such site here. Please check the address.",
        (Ja, Made::Unreachable | Made::Broken | Made::Late | Made::Cut) => {
            "一時的に応答できません。しばらくしてから、もう一度お試しください。"
        }
        (En, Made::Unreachable | Made::Broken | Made::Late | Made::Cut) => {
            "We cannot answer at the moment. Please try again a little later."
        }
        (Ja, Made::TooLong) => "送信された内容が大きすぎます。小さくして、もう一度お試しください。",
        (En, Made::TooLong) => "What was sent is too large. Please send less and try again.",
        (Ja, Made::BadHost) => "リクエストの宛先（Host）が読み取れません。宛先を一つだけ指定してください。",
        (En, Made::BadHost) => "Whom the request asks (Host) cannot be read. Name one host.",
        (Ja, Made::BadMethod) => "このメソッドはここでは使えません。",
        (En, Made::BadMethod) => "This method cannot be used here.",
    }
}
