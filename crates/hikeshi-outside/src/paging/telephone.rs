//! A page as a message or a call, ordered from Twilio. There is no key that would make it one order when it is sent twice: a call that may
//! ring twice is marked in the record, and a message says it itself.

use std::time::Duration;

use hikeshi_domain::effect::Effect;
use hikeshi_domain::page::{Means, PageOrder};
use hikeshi_domain::policy::Twilio;
use serde_json::Value;

use super::{Trouble, secret};
use crate::Options;
use crate::probe::{client, whole, words};
use crate::twilio::{OTHERS, reference};

const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// A message that comes later than this calls nobody any more.
const VALID_S: &str = "600";
/// How long it rings: shorter than most voicemails wait.
const RINGS_S: &str = "25";
/// A call never lasts longer than this.
const LASTS_S: &str = "300";

/// Which number calls which.
pub(super) struct Line<'a> {
    pub means: Means,
    pub to: &'a str,
    pub from: &'a str,
    pub twilio: &'a Twilio,
}

pub(super) async fn send(
    options: &Options,
    effect: &Effect,
    order: &PageOrder,
    line: &Line<'_>,
    url: &str,
    within: Duration,
) -> Result<String, Trouble> {
    let twilio = line.twilio;
    let account = secret(options, &twilio.account_sid_env)?;
    if !account.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(Trouble::Passing(format!("the environment variable {} holds no account SID", twilio.account_sid_env)));
    }
    let token = secret(options, &twilio.auth_token_env)?;
    let reference = reference(&token, &effect.key);
    let at = |what: &str| format!("{}/inbound/twilio/{what}/{reference}", twilio.public_url.trim_end_matches('/'));
    let mut fields = vec![("To", line.to.to_owned()), ("From", line.from.to_owned()), ("StatusCallback", at("status"))];
    let resource = if line.means == Means::Sms {
        fields.push(("Body", hikeshi_text::telephone::sms(order, url)));
        fields.push(("ValidityPeriod", VALID_S.to_owned()));
        "Messages"
    } else {
        // Not looked up when the call is answered: that may be before the order is recorded.
        let more = if order.others() > 0 { format!("?{OTHERS}={}", order.others()) } else { String::new() };
        fields.push(("Url", format!("{}{more}", at("voice"))));
        for (name, value) in [
            ("Method", "POST"),
            ("StatusCallbackMethod", "POST"),
            ("StatusCallbackEvent", "answered"),
            ("StatusCallbackEvent", "completed"),
            ("Timeout", RINGS_S),
            ("TimeLimit", LASTS_S),
        ] {
            fields.push((name, value.to_owned()));
        }
        "Calls"
    };
    let address = format!("{}/2010-04-01/Accounts/{account}/{resource}.json", twilio.api.trim_end_matches('/'));
    let request = client(&address)?
        .post(&address)
        .timeout(within)
        .basic_auth(&account, Some(&token))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("accept", "application/json")
        .body(form(&address, &fields)?);
    let response = request.send().await.map_err(|error| words(&error))?;
    let status = response.status().as_u16();
    let answer = whole(response, ANSWER_BYTES_MAX).await.unwrap_or_default();
    read(status, &answer)
}

fn form(address: &str, fields: &[(&str, String)]) -> Result<String, String> {
    let mut url = reqwest::Url::parse(address).map_err(|error| error.to_string())?;
    url.query_pairs_mut().extend_pairs(fields);
    Ok(url.query().unwrap_or_default().to_owned())
}

/// The id of what was ordered, or why not. What the caller got wrong stays wrong; anything else may pass.
fn read(status: u16, answer: &[u8]) -> Result<String, Trouble> {
    let json: Value = serde_json::from_slice(answer).unwrap_or_default();
    let text = |name: &str| json.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    if (200..300).contains(&status) {
        let sid = text("sid");
        return if sid.is_empty() { Err(Trouble::Passing(format!("HTTP {status} without a SID"))) } else { Ok(sid) };
    }
    let code = json.get("code").and_then(Value::as_u64).map(|code| format!(" {code}")).unwrap_or_default();
    let why = format!("HTTP {status}:{code} {}", text("message"));
    if (400..500).contains(&status) && status != 408 && status != 429 { Err(Trouble::Lasting(why)) } else { Err(Trouble::Passing(why)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_refused_for_good_is_told_from_what_may_pass() {
        assert_eq!(read(201, br#"{"sid": "SM1", "status": "queued"}"#), Ok("SM1".to_owned()));
        let invalid = br#"{"code": 21211, "message": "The 'To' number is not valid.", "status": 400}"#;
        assert_eq!(read(400, invalid), Err(Trouble::Lasting("HTTP 400: 21211 The 'To' number is not valid.".to_owned())));
        let limited = br#"{"code": 20429, "message": "Too Many Requests", "status": 429}"#;
        assert_eq!(read(429, limited), Err(Trouble::Passing("HTTP 429: 20429 Too Many Requests".to_owned())));
        for (status, answer) in [(500, b"<html>".as_slice()), (503, b""), (408, b"{}"), (302, b""), (200, b"{}"), (200, b"<html>")] {
            assert!(matches!(read(status, answer), Err(Trouble::Passing(_))), "{status}");
        }
        assert!(matches!(read(401, br#"{"code": null}"#), Err(Trouble::Lasting(_))));
    }
}
