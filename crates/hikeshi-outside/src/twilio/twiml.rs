//! TwiML: what a call says, and what is answered to a message.

use hikeshi_text::Lang;

/// Seconds that a caller has to press a key.
const KEY_WITHIN_S: u32 = 8;
/// Of one sentence, far below what any voice takes.
const SAY_CHARS_MAX: usize = 400;

/// The answer's type.
pub const KIND: &str = "text/xml; charset=utf-8";

fn document(verbs: &str) -> String {
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response>{verbs}</Response>")
}

/// Nothing more is said.
pub fn nothing() -> String {
    document("")
}

/// A message back to whoever sent one.
pub fn message(text: &str) -> String {
    document(&format!("<Message>{}</Message>", escaped(text)))
}

/// Says this, and hangs up.
pub fn last_words(lang: Lang, lines: &[&str]) -> String {
    let said: String = lines.iter().map(|line| say(lang, line)).collect();
    document(&format!("{said}<Hangup/>"))
}

/// Says the lines and waits for one key, twice; then says why the call ends.
pub fn ask(lang: Lang, lines: &[String], keys: &str, no_key: &str, action: &str) -> String {
    let pause = "<Pause length=\"1\"/>";
    let all: String = lines.iter().map(|line| say(lang, line)).collect();
    let keys = say(lang, keys);
    let first = gather(&format!("{pause}{all}{keys}"), action);
    let second = gather(&format!("{all}{keys}"), action);
    document(&format!("{first}{second}{}<Hangup/>", say(lang, no_key)))
}

fn gather(said: &str, action: &str) -> String {
    format!(
        "<Gather input=\"dtmf\" numDigits=\"1\" finishOnKey=\"\" timeout=\"{KEY_WITHIN_S}\" method=\"POST\" action=\"{}\">{said}</Gather>",
        escaped(action)
    )
}

fn say(lang: Lang, text: &str) -> String {
    let (language, voice) = match lang {
        Lang::Ja => ("ja-JP", "Polly.Mizuki"),
        Lang::En => ("en-US", "Polly.Joanna"),
    };
    let text: String = text.chars().take(SAY_CHARS_MAX).collect();
    format!("<Say language=\"{language}\" voice=\"{voice}\">{}</Say>", escaped(&text))
}

/// What came from an alert must not become a verb, nor break the document.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&apos;"),
            '\n' => safe.push('\n'),
            '\u{fffe}' | '\u{ffff}' => {}
            c if c.is_control() => {}
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_a_verb() {
        let lines = ["</Say><Dial>+819099999999</Dial>\u{0}\u{1b}".to_owned()];
        let xml = ask(Lang::Ja, &lines, "1番", "切ります", "https://hikeshi.test/a?b=1&c=\"2\"");
        assert!(!xml.contains("<Dial>") && xml.contains("&lt;Dial&gt;") && xml.contains("b=1&amp;c=&quot;2&quot;"), "{xml}");
        assert!(!xml.chars().any(|c| c.is_control() && c != '\n'));
        assert_eq!(xml.matches("<Gather ").count(), 2, "not for ever");
        assert!(xml.ends_with("<Say language=\"ja-JP\" voice=\"Polly.Mizuki\">切ります</Say><Hangup/></Response>"), "{xml}");
        assert_eq!(message("<1>"), "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Message>&lt;1&gt;</Message></Response>");
    }
}
