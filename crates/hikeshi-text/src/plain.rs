//! Texts that people or machines wrote, on their way into a sentence: no control characters, no line breaks where there is one line.

/// On one line: white space of any kind becomes one space, control characters disappear.
pub(crate) fn one_line(text: &str) -> String {
    let clean: String = text.chars().filter(|c| c.is_whitespace() || !is_unsafe(*c)).collect();
    clean.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// On one line, at most `chars_max` characters; what is cut is marked by `…`.
pub(crate) fn clipped(text: &str, chars_max: usize) -> String {
    let line = one_line(text);
    if line.chars().count() <= chars_max {
        return line;
    }
    let mut cut: String = line.chars().take(chars_max.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// Keeps the line breaks that its writer set; drops every other control character, so that no text can steer a terminal.
pub(crate) fn lines(text: &str) -> String {
    let unified = text.replace("\r\n", "\n");
    unified.chars().filter(|c| *c == '\n' || *c == '\t' || !is_unsafe(*c)).collect::<String>().trim().to_owned()
}

/// Control characters, and the marks that reorder text so that it reads as something else.
fn is_unsafe(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{200E}' | '\u{200F}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_cannot_steer_the_terminal_or_turn_its_own_direction() {
        assert_eq!(one_line("赤\u{1b}[31m い\r\n\u{202e}行"), "赤[31m い 行");
        assert_eq!(lines("一\r\n二\u{7}\n\n"), "一\n二");
    }

    #[test]
    fn a_cut_is_visible_and_counts_characters() {
        assert_eq!(clipped("障害が起きた", 4), "障害が…");
        assert_eq!(clipped("障害が起きた", 6), "障害が起きた");
    }
}
