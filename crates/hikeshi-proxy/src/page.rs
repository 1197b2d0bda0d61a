//! The few answers that the proxy has to make itself: for people a page in Japanese and English, for programs a line.

use hikeshi_text::Lang;
use hikeshi_text::proxy::{self, Made};
use hyper::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};

use crate::body::Answer;

fn status(made: Made) -> StatusCode {
    match made {
        Made::Stopped | Made::Crowded | Made::Empty => StatusCode::SERVICE_UNAVAILABLE,
        Made::WaitedTooLong | Made::Late | Made::Cut => StatusCode::GATEWAY_TIMEOUT,
        Made::NoRoute => StatusCode::NOT_FOUND,
        Made::Unreachable | Made::Broken => StatusCode::BAD_GATEWAY,
        Made::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
        Made::BadHost => StatusCode::BAD_REQUEST,
        Made::BadMethod => StatusCode::METHOD_NOT_ALLOWED,
    }
}

/// The answer, for whoever sent these headers.
pub fn answer(made: Made, asked: &HeaderMap, message: Option<&str>) -> Response<Answer> {
    let (ja, en) = (proxy::made(Lang::Ja, made), proxy::made(Lang::En, made));
    let wants_page = asked.get(ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|list| list.contains("text/html"));
    let (kind, text) = if wants_page {
        ("text/html; charset=utf-8", page(status(made), ja, en, message))
    } else {
        ("text/plain; charset=utf-8", [message, Some(ja), Some(en)].into_iter().flatten().map(|line| format!("{line}\n")).collect())
    };
    let mut answer = Response::new(Answer::made(text));
    *answer.status_mut() = status(made);
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    // Nobody may keep what is over in a moment.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if status(made) == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("30"));
    }
    answer
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

#[cfg(test)]
mod tests {
    use hyper::header::HeaderMap;

    use super::*;

    #[test]
    fn every_answer_is_an_error_that_nobody_keeps_and_shows_what_was_written_as_text() {
        for made in Made::ALL {
            let asked = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("text/html,*/*"))]);
            let answered = answer(made, &asked, Some("3時まで <b>&\"作業\"</b>"));
            assert!(answered.status().is_client_error() || answered.status().is_server_error(), "{made:?}");
            assert_eq!(answered.headers()[CACHE_CONTROL], "no-store", "{made:?}");
            let text = page(status(made), "あ", "a", Some("<b>&\"作業\"</b>"));
            assert!(text.contains("&lt;b&gt;&amp;&quot;作業&quot;&lt;/b&gt;") && !text.contains("<b>"), "{text}");
        }
    }
}
