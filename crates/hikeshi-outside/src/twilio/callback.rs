//! What Twilio says of a message or a call.

use hikeshi_domain::page::{Reported, Unreached};

/// The fields of a form; the last of a name counts, and what is not there is empty.
pub fn field<'a>(fields: &'a [(String, String)], name: &str) -> &'a str {
    fields.iter().rev().find(|(other, _)| other == name).map(|(_, value)| value.as_str()).unwrap_or_default()
}

/// What has become of it; `None`: it is still on its way, or this is nothing that we know.
pub fn reported(fields: &[(String, String)]) -> Option<Reported> {
    let undelivered = |why, code: &str| Some(Reported::Undelivered { why, code: coded(code) });
    let code = field(fields, "ErrorCode");
    let message = field(fields, "MessageStatus");
    if !message.is_empty() {
        return match message {
            "delivered" | "read" => Some(Reported::Delivered),
            "undelivered" | "failed" => undelivered(Unreached::Failed, code),
            "canceled" => undelivered(Unreached::Canceled, code),
            _ => None,
        };
    }
    let code = if code.is_empty() { field(fields, "SipResponseCode") } else { code };
    match field(fields, "CallStatus") {
        "in-progress" => Some(Reported::Delivered),
        "completed" => undelivered(Unreached::NotTaken, ""),
        "busy" => undelivered(Unreached::Busy, ""),
        "no-answer" => undelivered(Unreached::NoAnswer, ""),
        "canceled" => undelivered(Unreached::Canceled, code),
        "failed" => undelivered(Unreached::Failed, code),
        _ => None,
    }
}

fn coded(code: &str) -> String {
    code.chars().filter(char::is_ascii_alphanumeric).take(20).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(given: &[(&str, &str)]) -> Option<Reported> {
        let fields: Vec<(String, String)> = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        reported(&fields)
    }

    #[test]
    fn only_what_is_final_or_answered_is_a_report() {
        for status in ["accepted", "scheduled", "queued", "sending", "sent", "receiving", "received", "partially_delivered", "new-one"] {
            assert_eq!(of(&[("MessageStatus", status)]), None, "{status}");
        }
        for status in ["initiated", "queued", "ringing", "", "new-one"] {
            assert_eq!(of(&[("CallStatus", status)]), None, "{status}");
        }
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[("MessageStatus", "delivered")]), Some(Reported::Delivered));
        assert_eq!(of(&[("CallStatus", "in-progress")]), Some(Reported::Delivered));
        let undelivered = |why, code: &str| Some(Reported::Undelivered { why, code: code.to_owned() });
        assert_eq!(of(&[("MessageStatus", "undelivered"), ("ErrorCode", "30003")]), undelivered(Unreached::Failed, "30003"));
        assert_eq!(of(&[("CallStatus", "busy"), ("SipResponseCode", "486")]), undelivered(Unreached::Busy, ""));
        assert_eq!(of(&[("CallStatus", "failed"), ("SipResponseCode", "404")]), undelivered(Unreached::Failed, "404"));
        assert_eq!(of(&[("CallStatus", "completed"), ("AnsweredBy", "human")]), undelivered(Unreached::NotTaken, ""));
        assert_eq!(of(&[("MessageStatus", "failed"), ("ErrorCode", "<b>\n30")]), undelivered(Unreached::Failed, "b30"));
    }
}
