//! A mail (RFC 5322) of a program that can do no better: the subject is the title, and says whether it is over.
//!
//! The raw message comes over HTTP from whatever takes the mail: `|curl …` in an alias of Postfix, or a service that posts what it receives.

use std::sync::LazyLock;

use hikeshi_domain::alert::{Phase, Signal};
use hikeshi_domain::policy::MailRules;
use hikeshi_text::subject;
use jiff::Timestamp;
use mail_parser::{Message, MessageParser, PartType};
use regex::{Regex, RegexBuilder};

use super::{BODY_BYTES_MAX, Refused};

/// What stands before a subject that was answered or passed on.
static PASSED_ON: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(subject::PASSED_ON).ok());
/// How it stands, and nothing of what it is.
static STANDING: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(subject::STANDING).ok());
static STANDING_BEHIND: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(subject::STANDING_BEHIND).ok());
static IN_HAND: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(subject::IN_HAND).ok());

/// Reads one mail.
pub fn read(rules: &MailRules, body: &[u8]) -> Result<Vec<Signal>, Refused> {
    if body.len() > BODY_BYTES_MAX {
        return Err(Refused::too_large(&format!("the mail is larger than {BODY_BYTES_MAX} bytes")));
    }
    let mail = MessageParser::default().parse(body).ok_or_else(|| Refused::invalid("this is no mail: it has no headers"))?;
    let mail = Read(mail);
    let mail = &mail.0;
    let subject = mail.subject().unwrap_or_default();
    let subject = subject.split_whitespace().collect::<Vec<_>>().join(" ");
    if subject.is_empty() {
        return Err(Refused::invalid("Subject must not be empty: it is the title of the alert"));
    }
    let from = sender(mail);
    // Anybody can write any name into a mail; this only keeps other people's mail in the same box apart.
    if !rules.from.is_empty() && !rules.from.iter().any(|known| known.trim().eq_ignore_ascii_case(&from)) {
        return Err(Refused::new(403, "From is none of the addresses that this source takes mail from"));
    }
    let over = pattern(rules.resolved.as_deref().unwrap_or(subject::OVER))?.is_match(&subject);
    let in_hand = IN_HAND.as_ref().is_some_and(|pattern| pattern.is_match(&subject));
    let phase = match (over, in_hand) {
        (true, _) => Phase::Resolved,
        (false, true) => Phase::Acknowledged,
        (false, false) => Phase::Firing,
    };
    let mut signal = Signal::new(&key(rules, &subject)?, phase, &subject);
    signal.summary = mail.body_text(0).map(|text| text.trim().to_owned()).unwrap_or_default();
    signal.since = mail.date().and_then(|date| Timestamp::from_second(date.to_timestamp()).ok()).filter(|at| *at >= Timestamp::UNIX_EPOCH);
    // One that waited in a queue may come after one that was written later.
    signal.said_at = signal.since;
    if !from.is_empty() {
        signal.labels.insert("from".to_owned(), from);
    }
    Ok(vec![signal.bounded()])
}

/// A mail that was read. Mails lie in mails as deep as whoever wrote it liked, and dropping one within the other would use up the stack.
struct Read<'a>(Message<'a>);

impl Drop for Read<'_> {
    fn drop(&mut self) {
        let mut parts = std::mem::take(&mut self.0.parts);
        while let Some(part) = parts.pop() {
            if let PartType::Message(mut inner) = part.body {
                parts.append(&mut inner.parts);
            }
        }
    }
}

fn sender(mail: &Message<'_>) -> String {
    let address = mail.from().and_then(|from| from.first()).and_then(|from| from.address());
    address.unwrap_or_default().trim().to_lowercase()
}

/// What names the alert: the policy's pattern, or the subject without how it stands.
fn key(rules: &MailRules, subject: &str) -> Result<String, Refused> {
    let Some(own) = &rules.key else { return Ok(plain(subject)) };
    let found = pattern(own)?.captures(subject);
    let found = found.and_then(|found| found.name("key").or_else(|| found.get(0)).map(|key| key.as_str().trim().to_owned()));
    found.filter(|key| !key.is_empty()).ok_or_else(|| Refused::invalid("Subject does not hold what the `key` of this source looks for"))
}

fn plain(subject: &str) -> String {
    let cut = |text: &str, pattern: &LazyLock<Option<Regex>>| {
        let end = pattern.as_ref().and_then(|pattern| pattern.find(text)).map_or(0, |found| found.end());
        text.get(end..).unwrap_or_default().to_owned()
    };
    let rest = cut(&cut(subject, &PASSED_ON), &STANDING);
    let behind = STANDING_BEHIND.as_ref().and_then(|pattern| pattern.find(&rest)).map_or(rest.len(), |found| found.start());
    let rest = rest.get(..behind).unwrap_or_default().trim();
    // Nothing else was said: then this is what it is called.
    if rest.is_empty() { subject.to_owned() } else { rest.to_owned() }
}

/// The policy was checked when it was adopted, so this is ours to put right.
fn pattern(given: &str) -> Result<Regex, Refused> {
    RegexBuilder::new(given).size_limit(1 << 20).build().map_err(|_| Refused::new(500, "a pattern of this source cannot be read"))
}

#[cfg(test)]
mod tests;
