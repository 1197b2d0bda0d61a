//! Block Kit: texts become blocks that Slack accepts. Its limits are kept here, in characters as Slack counts them, and a cut is visible.

use serde_json::{Value, json};

pub(crate) const HEADER_MAX: usize = 150;
pub(crate) const SECTION_MAX: usize = 3_000;
pub(crate) const FIELD_MAX: usize = 2_000;
pub(crate) const BUTTON_MAX: usize = 75;
pub(crate) const FIELDS_MAX: usize = 10;
/// Of one person's words, at most this many sections are shown; the page has them all.
const SECTIONS_MAX: usize = 8;

/// Slack's own three characters, so that nobody's words become a mention or a link.
fn escaped(c: char) -> Option<&'static str> {
    match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        _ => None,
    }
}

/// Splits escaped text into pieces of at most `most` UTF-16 units, at characters and never inside an entity.
fn pieces(text: &str, most: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut used = 0;
    for c in text.chars() {
        let size = escaped(c).map_or_else(|| c.len_utf16(), str::len);
        if used + size > most {
            pieces.push(String::new());
            used = 0;
        }
        used += size;
        if let Some(piece) = pieces.last_mut() {
            match escaped(c) {
                Some(entity) => piece.push_str(entity),
                None => piece.push(c),
            }
        }
    }
    pieces
}

/// Escaped, and cut with `…` where it is too long.
pub(crate) fn mrkdwn(text: &str, most: usize) -> String {
    let mut all = pieces(text, most);
    if all.len() == 1 {
        return all.pop().unwrap_or_default();
    }
    let mut first = pieces(text, most - 1).into_iter().next().unwrap_or_default();
    first.push('…');
    first
}

/// Not escaped: plain text shows every character as it is.
pub(crate) fn plain(text: &str, most: usize) -> String {
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        if used + c.len_utf16() > most {
            while out.encode_utf16().count() > most - 1 {
                out.pop();
            }
            out.push('…');
            return out;
        }
        used += c.len_utf16();
        out.push(c);
    }
    out
}

pub(crate) fn header(text: &str) -> Value {
    json!({"type": "header", "text": {"type": "plain_text", "text": plain(text, HEADER_MAX), "emoji": false}})
}

/// Already in Slack's own markup.
pub(crate) fn section(marked: &str) -> Value {
    json!({"type": "section", "text": {"type": "mrkdwn", "text": marked, "verbatim": true}})
}

/// A text of any length as sections; `before` is markup that stands in front of it.
pub(crate) fn sections(before: &str, text: &str) -> Vec<Value> {
    let mut all = pieces(text, SECTION_MAX - 600);
    if all.len() > SECTIONS_MAX {
        all.truncate(SECTIONS_MAX);
        if let Some(last) = all.last_mut() {
            last.push('…');
        }
    }
    let mut sections = Vec::new();
    for (index, piece) in all.iter().enumerate() {
        let marked = if index == 0 { format!("{before}{piece}") } else { piece.clone() };
        if !marked.trim().is_empty() {
            sections.push(section(&marked));
        }
    }
    sections
}

pub(crate) fn fields(rows: &[(String, String)]) -> Value {
    let field = |(name, value): &(String, String)| {
        let name = mrkdwn(name, 100);
        let value = mrkdwn(value, FIELD_MAX - 110);
        json!({"type": "mrkdwn", "text": format!("*{name}*\n{value}"), "verbatim": true})
    };
    json!({"type": "section", "fields": rows.iter().take(FIELDS_MAX).map(field).collect::<Vec<_>>()})
}

pub(crate) fn context(marked: &str) -> Value {
    json!({"type": "context", "elements": [{"type": "mrkdwn", "text": marked, "verbatim": true}]})
}

pub(crate) fn link(url: &str, words: &str) -> String {
    let url: String = url.chars().filter(|c| !matches!(c, '<' | '>' | '|') && !c.is_whitespace()).collect();
    format!("<{url}|{}>", mrkdwn(words, 200))
}

pub(crate) struct Button<'a> {
    pub(crate) id: &'a str,
    pub(crate) words: &'a str,
    pub(crate) value: Option<String>,
    pub(crate) url: Option<String>,
    pub(crate) style: Option<&'a str>,
}

pub(crate) fn buttons(block_id: &str, buttons: &[Button<'_>]) -> Value {
    let element = |button: &Button<'_>| {
        let mut element = json!({
            "type": "button",
            "action_id": button.id,
            "text": {"type": "plain_text", "text": plain(button.words, BUTTON_MAX), "emoji": false},
        });
        if let Some(fields) = element.as_object_mut() {
            fields.extend(button.value.clone().map(|value| ("value".to_owned(), Value::String(value))));
            fields.extend(button.url.clone().map(|url| ("url".to_owned(), Value::String(url))));
            fields.extend(button.style.map(|style| ("style".to_owned(), Value::from(style))));
        }
        element
    };
    json!({"type": "actions", "block_id": block_id, "elements": buttons.iter().map(element).collect::<Vec<_>>()})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_japanese_text_is_cut_at_a_character_and_the_cut_is_seen() {
        let long = "火".repeat(200);
        let cut = plain(&long, HEADER_MAX);
        assert_eq!((cut.chars().count(), cut.ends_with('…')), (150, true));
        assert_eq!(plain("火消し", HEADER_MAX), "火消し");
        // An emoji is two units for Slack, and is never halved.
        let emoji = plain(&"🔥".repeat(100), HEADER_MAX);
        assert!(emoji.encode_utf16().count() <= HEADER_MAX && emoji.ends_with("🔥…"), "{emoji}");
    }

    #[test]
    fn nobodys_words_become_a_mention_and_no_entity_is_halved() {
        assert_eq!(mrkdwn("<!channel> a&b", 100), "&lt;!channel&gt; a&amp;b");
        let cut = mrkdwn(&"&".repeat(100), 52);
        assert_eq!(cut, format!("{}…", "&amp;".repeat(10)));
    }

    #[test]
    fn a_text_of_any_length_becomes_few_sections_within_the_limits() {
        let blocks = sections("<@U1> ", &"あ".repeat(100_000));
        assert_eq!(blocks.len(), SECTIONS_MAX);
        let length = |block: &Value| block["text"]["text"].as_str().map(|text| text.encode_utf16().count()).unwrap_or_default();
        assert!(blocks.iter().all(|block| (1..=SECTION_MAX).contains(&length(block))));
        assert!(sections("", "  ").is_empty());
    }
}
