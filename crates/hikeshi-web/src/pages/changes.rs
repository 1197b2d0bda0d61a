//! Changed files as every page shows them: what was before and after, the difference as text, and what may be done about each.
//!
//! The record keeps bytes; here they are read as text where that is possible. What was put back stands below.

use askama::Template;
use encoding_rs::{EUC_JP, SHIFT_JIS};
use hikeshi_domain::emergency::{Emergency, FileChange, FileContent, PutBack, can_be_put_back, unaccepted};
use hikeshi_domain::session::Encoding as Screen;
use hikeshi_engine::look::EmergencyView;
use hikeshi_text::page::{self, Words};
use hikeshi_text::{label, session, time};
use similar::TextDiff;

use super::{Flash, Html, time_html};
use crate::acts;
use crate::fail::Fail;
use crate::viewer::Viewer;

/// Bounds of what one page shows inline; everything else is behind a link.
const DIFF_BYTES_MAX: u64 = 256 * 1024;
const DIFFS_MAX: usize = 12;
const DIFF_LINES_MAX: usize = 60;
const LINE_CHARS_MAX: usize = 300;

struct Row {
    /// Its number on the exception's page, by which other pages link to it.
    number: usize,
    path: String,
    kind: &'static str,
    in_scope: bool,
    accepted: Option<String>,
    first_seen: String,
    before: Option<Side>,
    after: Option<Side>,
    diff: Option<Diff>,
    acts: Vec<Html>,
}

struct Side {
    digest: String,
    short: String,
    bytes: String,
    mode: String,
    kept: bool,
}

struct Diff {
    lines: Vec<(char, String)>,
    cut: bool,
    read_as: ReadAs,
}

/// How the bytes of a file were read.
enum ReadAs {
    Utf8,
    /// An encoding that says nothing of itself: what it was taken for is said.
    Other(&'static str),
    /// Not as text; said by size and by the first byte that differs.
    Binary(String),
}

/// A file that was put back.
struct Back {
    path: String,
    found: Option<Side>,
    now: Option<Side>,
    since: bool,
    failed: Option<String>,
}

struct BackAct {
    by: String,
    reason: String,
    at: Html,
    files: Vec<Back>,
}

#[derive(Template)]
#[template(path = "changes.html")]
struct ChangesTemplate {
    t: Words,
    rows: Vec<Row>,
    notes: Vec<String>,
    backs: Vec<BackAct>,
}

#[derive(Template)]
#[template(path = "outside.html")]
struct OutsideTemplate {
    t: Words,
    words: String,
    open: bool,
    rows: Vec<(String, Vec<Html>)>,
    more: usize,
}

/// Which changes a page shows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    All,
    /// What the commands of this session changed.
    Of(u32),
    /// All; what is flagged by [`outside`] has its forms there.
    Beside,
}

/// What is not as it was. `action`: where the forms are sent; empty: to the page itself.
pub async fn list(viewer: &Viewer, view: &EmergencyView, flash: &Flash, shown: Shown, action: &str) -> Result<Html, Fail> {
    let e = &view.emergency;
    let mut rows = Vec::new();
    for (index, change) in e.changes.iter().enumerate() {
        if matches!(shown, Shown::Of(session) if change.command.is_none_or(|after| after.session != session)) {
            continue;
        }
        let forms =
            if shown == Shown::Beside && change.is_unaccepted() { Vec::new() } else { forms(viewer, view, index, change, flash, action)? };
        rows.push(row(viewer, view, index, change, rows.len() < DIFFS_MAX, forms).await?);
    }
    let template = ChangesTemplate {
        t: Words(viewer.lang),
        rows,
        notes: page::changes_notes(viewer.lang, e),
        backs: e.reverts.iter().rev().map(|act| back_act(viewer, view, act)).collect(),
    };
    Ok(askama::filters::Safe(template.render()?))
}

/// Beside a live screen: what lies outside the approved scope, who must decide about it, and their forms (rule E8).
pub fn outside(viewer: &Viewer, view: &EmergencyView, flash: &Flash) -> Result<Html, Fail> {
    const SHOWN_MAX: usize = 5;
    let e = &view.emergency;
    let paths: Vec<String> = unaccepted(e).map(|change| change.path.clone()).collect();
    let mut rows = Vec::new();
    for (index, change) in e.changes.iter().enumerate().filter(|(_, change)| change.is_unaccepted()).take(SHOWN_MAX) {
        rows.push((change.path.clone(), forms(viewer, view, index, change, flash, "")?));
    }
    let template = OutsideTemplate {
        t: Words(viewer.lang),
        words: session::outside(viewer.lang, &paths),
        open: !paths.is_empty(),
        more: paths.len().saturating_sub(rows.len()),
        rows,
    };
    Ok(askama::filters::Safe(template.render()?))
}

async fn row(
    viewer: &Viewer,
    view: &EmergencyView,
    index: usize,
    change: &FileChange,
    with_diff: bool,
    acts: Vec<Html>,
) -> Result<Row, Fail> {
    let screen = view.emergency.plan.terminal.as_ref().map(|terminal| terminal.encoding).unwrap_or_default();
    Ok(Row {
        number: index + 1,
        path: change.path.clone(),
        kind: label::change_kind(viewer.lang, change.kind),
        in_scope: change.in_scope,
        accepted: change.accepted_by.as_ref().map(|person| viewer.names.person(viewer.lang, person)),
        first_seen: match change.command {
            Some(after) => page::after_command(viewer.lang, after.session, after.command),
            None => page::after_step(viewer.lang, change.step),
        },
        before: change.before.as_ref().map(side),
        after: change.after.as_ref().map(side),
        diff: if with_diff { diff(viewer, change, screen).await? } else { None },
        acts,
    })
}

/// The forms that are open to this viewer. The door tried one change for all; whether this one may be is said when it is asked.
fn forms(viewer: &Viewer, view: &EmergencyView, index: usize, change: &FileChange, flash: &Flash, action: &str) -> Result<Vec<Html>, Fail> {
    let mut forms = Vec::new();
    if view.emergency.status.is_over() {
        return Ok(forms);
    }
    let possible = can_be_put_back(change, viewer.policy.emergency.file_bytes_max);
    for act in acts::of_change(viewer, view, index, &change.path) {
        let fits = if act.kind == "emergency.accept" { change.is_unaccepted() } else { possible };
        if fits && (act.is_open() || flash.kept_by(&act.id).is_some()) {
            forms.push(acts::render_to(viewer, &act, flash, action)?);
        }
    }
    Ok(forms)
}

fn side(content: &FileContent) -> Side {
    Side {
        digest: content.digest.to_string(),
        short: content.digest.short(),
        bytes: time::bytes(content.bytes),
        mode: format!("{:o}", content.mode & 0o7777),
        kept: content.kept,
    }
}

fn back_act(viewer: &Viewer, view: &EmergencyView, act: &hikeshi_domain::emergency::Reverted) -> BackAct {
    let back = |file: &PutBack| Back {
        path: file.path.clone(),
        found: file.found.as_ref().map(side),
        now: file.now.as_ref().map(side),
        since: file.changed_since,
        failed: file.failed.clone(),
    };
    BackAct {
        by: viewer.names.person(viewer.lang, &act.by),
        reason: act.reason.clone(),
        at: time_html(viewer, act.at, view.at),
        files: act.files.iter().map(back).collect(),
    }
}

async fn diff(viewer: &Viewer, change: &FileChange, screen: Screen) -> Result<Option<Diff>, Fail> {
    let (Some(before), Some(after)) = (bytes_of(viewer, change.before.as_ref()).await, bytes_of(viewer, change.after.as_ref()).await)
    else {
        return Ok(None);
    };
    Ok(Some(unified(&before, &after, screen)))
}

/// All of an exception's changes as one text for reading: for the export. The bytes themselves are among its contents.
pub async fn readable(viewer: &Viewer, e: &Emergency) -> String {
    let screen = e.plan.terminal.as_ref().map(|terminal| terminal.encoding).unwrap_or_default();
    let mut out = String::new();
    for change in &e.changes {
        let side = |content: Option<&FileContent>| match content {
            Some(content) => format!("{} {:06o} {}", content.digest, content.mode, time::bytes(content.bytes)),
            None => Words(viewer.lang).change_absent().to_owned(),
        };
        let (path, kind) = (change.path.as_str(), label::change_kind(viewer.lang, change.kind));
        let place = if change.in_scope { Words(viewer.lang).change_in_scope() } else { Words(viewer.lang).change_out_of_scope() };
        out.push_str(&format!("# {path}: {kind}, {place}\n# - {}\n# + {}\n", side(change.before.as_ref()), side(change.after.as_ref())));
        match (bytes_of(viewer, change.before.as_ref()).await, bytes_of(viewer, change.after.as_ref()).await) {
            (Some(before), Some(after)) => match texts(&before, &after, screen) {
                Some((before, after, read_as)) => {
                    if let ReadAs::Other(name) = read_as {
                        out.push_str(&format!("# {name}\n"));
                    }
                    out.push_str(&compared(&before, &after, Some((&format!("a/{path}"), &format!("b/{path}")))));
                }
                None => out.push_str(&format!("# {}\n", summary(&before, &after))),
            },
            (None, _) | (_, None) => out.push_str(&format!("# {}\n", Words(viewer.lang).change_not_kept())),
        }
        out.push('\n');
    }
    out
}

/// The content as bytes; a missing file is empty; `None` when it was not kept or is too large to compare here.
async fn bytes_of(viewer: &Viewer, content: Option<&FileContent>) -> Option<Vec<u8>> {
    match content {
        None => Some(Vec::new()),
        Some(content) if content.kept && content.bytes <= DIFF_BYTES_MAX => viewer.look().content(content.digest).await.ok(),
        Some(_) => None,
    }
}

/// A unified difference, bounded; what is not text is summarised.
fn unified(before: &[u8], after: &[u8], screen: Screen) -> Diff {
    let Some((before, after, read_as)) = texts(before, after, screen) else {
        return Diff { lines: Vec::new(), cut: false, read_as: ReadAs::Binary(summary(before, after)) };
    };
    let mut lines = Vec::new();
    let text = compared(&before, &after, None);
    for line in text.lines() {
        if lines.len() >= DIFF_LINES_MAX {
            return Diff { lines, cut: true, read_as };
        }
        let mark = line.chars().next().filter(|mark| matches!(mark, '+' | '-' | '@')).unwrap_or(' ');
        lines.push((mark, line.chars().take(LINE_CHARS_MAX).collect()));
    }
    Diff { lines, cut: false, read_as }
}

fn compared(before: &str, after: &str, names: Option<(&str, &str)>) -> String {
    let compared = TextDiff::configure().timeout(std::time::Duration::from_millis(50)).diff_lines(before, after);
    let mut difference = compared.unified_diff();
    difference.context_radius(2);
    if let Some((before, after)) = names {
        difference.header(before, after);
    }
    difference.to_string()
}

/// Both sides as text in one encoding: UTF-8; then what the plan says the terminal speaks; then the one of the two Japanese encodings
/// that fits. EUC-JP first: its rules are the stricter ones.
fn texts(before: &[u8], after: &[u8], screen: Screen) -> Option<(String, String, ReadAs)> {
    if [before, after].iter().any(|side| side.contains(&0)) {
        return None;
    }
    if let (Ok(before), Ok(after)) = (std::str::from_utf8(before), std::str::from_utf8(after)) {
        return Some((before.to_owned(), after.to_owned(), ReadAs::Utf8));
    }
    let first = match screen {
        Screen::ShiftJis => [SHIFT_JIS, EUC_JP],
        Screen::Utf8 | Screen::EucJp => [EUC_JP, SHIFT_JIS],
    };
    first.into_iter().find_map(|encoding| {
        let read = |bytes| encoding.decode_without_bom_handling_and_without_replacement(bytes).map(std::borrow::Cow::into_owned);
        Some((read(before)?, read(after)?, ReadAs::Other(encoding.name())))
    })
}

/// Sizes, and where the two begin to differ.
fn summary(before: &[u8], after: &[u8]) -> String {
    let first = before.iter().zip(after).take_while(|(one, other)| one == other).count();
    let at = |side: &[u8]| side.get(first..first.saturating_add(8)).or(side.get(first..)).unwrap_or_default().to_vec();
    let hex = |side: &[u8]| at(side).iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ");
    format!("{} → {} bytes; @{first}: {} → {}", before.len(), after.len(), hex(before), hex(after))
}

impl Diff {
    fn class(mark: &char) -> &'static str {
        match mark {
            '+' => "add",
            '-' => "del",
            '@' => "hunk",
            _ => "same",
        }
    }
    fn binary(&self) -> Option<&str> {
        match &self.read_as {
            ReadAs::Binary(summary) => Some(summary),
            ReadAs::Utf8 | ReadAs::Other(_) => None,
        }
    }
    fn other(&self) -> Option<&'static str> {
        match self.read_as {
            ReadAs::Other(name) => Some(name),
            ReadAs::Utf8 | ReadAs::Binary(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(diff: &Diff) -> String {
        diff.lines.iter().map(|(_, line)| line.as_str()).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_difference_is_bounded_and_says_when_it_is_cut() {
        let before = (0..400).map(|number| format!("a{number}\n")).collect::<String>();
        let after = before.replace('a', "b");
        let diff = unified(before.as_bytes(), after.as_bytes(), Screen::Utf8);
        assert!(diff.cut && diff.lines.len() == DIFF_LINES_MAX);
        let small = unified("max_connections = 5\n".as_bytes(), "max_connections = 200\n".as_bytes(), Screen::Utf8);
        assert!(!small.cut);
        assert!(small.lines.iter().any(|(mark, line)| *mark == '+' && line.contains("200")));
        assert!(small.lines.iter().any(|(mark, line)| *mark == '-' && line.contains('5')));
    }

    #[test]
    fn japanese_encodings_are_read_and_named() {
        for (encoding, screen) in
            [(SHIFT_JIS, Screen::Utf8), (SHIFT_JIS, Screen::ShiftJis), (EUC_JP, Screen::Utf8), (EUC_JP, Screen::EucJp)]
        {
            let (before, ..) = encoding.encode("予約の上限 = 十\n");
            let (after, ..) = encoding.encode("予約の上限 = 二百\n");
            let diff = unified(&before, &after, screen);
            assert_eq!(diff.other(), Some(encoding.name()));
            let text = lines(&diff);
            assert!(text.contains("-予約の上限 = 十") && text.contains("+予約の上限 = 二百"), "{text}");
        }
        let added = unified(b"", &SHIFT_JIS.encode("新しい\n").0, Screen::Utf8);
        assert!(lines(&added).contains("+新しい"));
    }

    #[test]
    fn what_is_not_text_is_summarised() {
        let diff = unified(b"\x7fELF\0\x01\x02", b"\x7fELF\0\x09\x02\x03", Screen::Utf8);
        assert!(diff.lines.is_empty());
        assert_eq!(diff.binary(), Some("7 → 8 bytes; @5: 01 02 → 09 02 03"));
    }
}
