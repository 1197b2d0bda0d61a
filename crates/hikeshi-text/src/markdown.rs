//! Markdown that people's words cannot break: whatever they wrote stays inside its paragraph, cell or code block.

use crate::plain;

/// A document under construction: blocks separated by one empty line.
#[derive(Debug, Default)]
pub(crate) struct Document {
    text: String,
}

impl Document {
    pub(crate) fn heading(&mut self, level: usize, words: &str) {
        self.block(&format!("{} {words}", "#".repeat(level)));
    }

    /// A block that is Markdown already.
    pub(crate) fn block(&mut self, markdown: &str) {
        if markdown.is_empty() {
            return;
        }
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(markdown);
        self.text.push('\n');
    }

    /// A table whose cells are Markdown already; nothing when there are no rows.
    pub(crate) fn table(&mut self, head: &[&str], rows: &[Vec<String>]) {
        if rows.is_empty() {
            return;
        }
        let mut text = format!("| {} |\n|{}", head.join(" | "), "---|".repeat(head.len()));
        for row in rows {
            text.push_str(&format!("\n| {} |", row.join(" | ")));
        }
        self.block(&text);
    }

    pub(crate) fn finish(self) -> String {
        self.text
    }
}

/// Words on one line, with everything escaped that Markdown would take for more than words.
pub(crate) fn inline(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in plain::one_line(text).chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '#' | '&') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Paragraphs that a person wrote. Lists, emphasis and code spans keep working; headings, rules, fences, tables, link definitions
/// and HTML do not, since they would reach beyond the text they stand in.
pub(crate) fn prose(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in plain::lines(text).lines() {
        if !out.is_empty() {
            out.push('\n');
        }
        let line = line.trim();
        if starts_a_block(line) {
            out.push('\\');
        }
        out.push_str(&line.replace('<', "\\<"));
    }
    out
}

fn starts_a_block(line: &str) -> bool {
    let ruled = |mark: char| line.starts_with(mark) && line.chars().all(|c| c == mark || c == ' ');
    line.starts_with(['#', '=', '|', '[', '~', '>']) || line.starts_with("```") || ruled('-') || ruled('*') || ruled('_')
}

/// Code between backticks, also inside a table cell.
pub(crate) fn code(text: &str) -> String {
    let text = plain::one_line(text).replace('|', "\\|");
    let fence = "`".repeat(longest_run(&text) + 1);
    let space = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

/// A block of code, fenced by more backticks than it holds.
pub(crate) fn fenced(language: &str, text: &str) -> String {
    let text = plain::lines(text);
    let fence = "`".repeat((longest_run(&text) + 1).max(3));
    format!("{fence}{language}\n{text}\n{fence}")
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_stays_a_cell() {
        assert_eq!(inline("a|b\n# <b>*x*"), r"a\|b \# \<b\>\*x\*");
        assert_eq!(code("x | `y`"), r"`` x \| `y` ``");
    }

    #[test]
    fn a_paragraph_cannot_become_a_heading_a_fence_or_html() {
        let given = "一行目\n# 見出し\n```\n---\n<!-- 隠す\n| a |\n[x]: http://example.com\n- 一覧はそのまま\n**強調**";
        let wanted = "一行目\n\\# 見出し\n\\```\n\\---\n\\<!-- 隠す\n\\| a |\n\\[x]: http://example.com\n- 一覧はそのまま\n**強調**";
        assert_eq!(prose(given), wanted);
    }

    #[test]
    fn a_fence_is_longer_than_what_it_holds() {
        assert_eq!(fenced("bash", "echo '````'"), "`````bash\necho '````'\n`````");
        assert_eq!(fenced("", "x"), "```\nx\n```");
    }
}
