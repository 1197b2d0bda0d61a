//! The few answers that the proxy has to make itself: for people a page in Japanese and English, for programs a line.

use hyper::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};

use crate::body::Answer;

/// What happened, in both languages.
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
    fn status(self) -> StatusCode {
        match self {
            Self::Stopped | Self::Crowded | Self::Empty => StatusCode::SERVICE_UNAVAILABLE,
            Self::WaitedTooLong | Self::Late | Self::Cut => StatusCode::GATEWAY_TIMEOUT,
            Self::NoRoute => StatusCode::NOT_FOUND,
            Self::Unreachable | Self::Broken => StatusCode::BAD_GATEWAY,
            Self::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BadHost => StatusCode::BAD_REQUEST,
            Self::BadMethod => StatusCode::METHOD_NOT_ALLOWED,
        }
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Stopped => (
                "ただいまメンテナンス中です。しばらくしてから、もう一度お試しください。",
                "We are doing maintenance. Please try again a little later.",
            ),
            Self::Crowded | Self::WaitedTooLong => (
                "ただいま混み合っています。しばらくしてから、もう一度お試しください。",
                "We are busy at the moment. Please try again a little later.",
            ),
            Self::Empty => (
                "まだ準備ができていません。しばらくしてから、もう一度お試しください。",
                "This is not ready yet. Please try again a little later.",
            ),
            Self::NoRoute => ("お探しのサイトはここにはありません。", "There is no such site here."),
            Self::Unreachable | Self::Broken | Self::Late | Self::Cut => (
                "一時的に応答できません。しばらくしてから、もう一度お試しください。",
                "We cannot answer at the moment. Please try again a little later.",
            ),
            Self::TooLong => ("送信された内容が大きすぎます。", "What was sent is too large."),
            Self::BadHost => ("リクエストの宛先（Host）が正しくありません。", "The request does not say whom it asks (Host)."),
            Self::BadMethod => ("このメソッドは使えません。", "This method cannot be used here."),
        }
    }

    pub fn answer(self, headers: &HeaderMap, message: Option<&str>) -> Response<Answer> {
        let (ja, en) = self.words();
        let wants_page = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|list| list.contains("text/html"));
        let (kind, text) = if wants_page {
            ("text/html; charset=utf-8", page(self.status(), ja, en, message))
        } else {
            ("text/plain; charset=utf-8", [message, Some(ja), Some(en)].into_iter().flatten().map(|line| format!("{line}\n")).collect())
        };
        let mut answer = Response::new(Answer::made(text));
        *answer.status_mut() = self.status();
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        // Nobody may keep what is over in a moment.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status() == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("30"));
        }
        answer
    }
}

fn page(status: StatusCode, ja: &str, en: &str, message: Option<&str>) -> String {
    let message = message.map(|text| format!("<p class=\"m\">{}</p>", escaped(text))).unwrap_or_default();
    format!(
        "<!doctype html><html lang=\"ja\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta name=\"robots\" content=\"noindex\"><title>{code}</title><style>body{{font:18px/1.8 system-ui,sans-serif;max-width:36rem;\
         margin:18vh auto 0;padding:0 1.5rem;color:#1d1d1f;background:#fff}}p{{margin:0 0 1rem}}.e,.c{{color:#595959;font-size:1rem}}.m{{border-left:\
         4px solid #595959;padding-left:1rem}}@media(prefers-color-scheme:dark){{body{{color:#f2f2f2;background:#161616}}.e,.c{{color:#b8b8b8}}}}\
         </style></head><body><main>{message}<p>{ja}</p><p class=\"e\" lang=\"en\">{en}</p><p class=\"c\">{code}</p></main></body></html>",
        code = status.as_u16(),
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
