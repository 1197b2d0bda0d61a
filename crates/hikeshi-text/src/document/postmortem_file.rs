//! A postmortem that somebody wrote as Markdown, read back: headings in Japanese or English decide what a part is. What no heading explains
//! is kept as it stands.

use hikeshi_domain::Timestamp;
use hikeshi_domain::postmortem::{Content, Imported};

use crate::time::Zone;

/// What was found, and which headings nobody here knows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Read {
    pub found: Imported,
    /// The cause alone; what is found has the whys behind it.
    pub cause: String,
    /// One question on each line, if there were any.
    pub whys: Vec<String>,
    pub unknown: Vec<String>,
}

impl Read {
    /// As the content of a postmortem of this workspace.
    pub fn content(&self) -> Content {
        Content {
            impact: self.found.impact.clone(),
            whys: self.whys.clone(),
            cause: self.cause.clone(),
            response: self.found.response.clone(),
            lessons: self.found.lessons.clone(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Summary,
    When,
    Service,
    Impact,
    Whys,
    Cause,
    Response,
    Lessons,
    /// Known, and of no use to whoever looks for something like it.
    Other,
}

/// A heading holds one of these words. The first row that fits decides.
const HEADINGS: &[(Part, &[&str])] = &[
    (Part::When, &["日時", "発生日", "発生から", "期間", "from, to"]),
    (Part::Whys, &["なぜ", "why"]),
    (Part::Cause, &["原因", "cause"]),
    (Part::Lessons, &["教訓", "学び", "学んだ", "振り返り", "よかった", "良かった", "lesson", "learn", "went well", "went wrong"]),
    (Part::Response, &["対応", "対処", "復旧", "解決", "処置", "response", "resolution", "mitigation", "recovery", "remediation", "fix"]),
    (Part::Impact, &["影響", "被害", "impact"]),
    (
        Part::Other,
        &["タイムライン", "経過", "時系列", "timeline", "再発防止", "アクション", "action", "prevention", "follow-up", "参加者", "作成者"],
    ),
    (Part::Service, &["対象", "サービス", "システム", "service", "system"]),
    (Part::When, &["date", "when"]),
    (Part::Summary, &["概要", "要約", "サマリ", "事象", "現象", "症状", "summary", "overview", "symptom", "description"]),
];

fn part_of(heading: &str) -> Option<Part> {
    let heading = heading.to_lowercase();
    HEADINGS.iter().find(|(_, words)| words.iter().any(|word| heading.contains(word))).map(|(part, _)| *part)
}

/// `zone`: of times that the document writes without one.
pub fn read_postmortem(text: &str, zone: &Zone) -> Read {
    let mut read = Read::default();
    let mut part = None;
    let mut fenced = false;
    let mut dated = String::new();
    for line in text.lines().map(str::trim_end) {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        let heading = line.strip_prefix('#').filter(|_| !fenced).map(|rest| (line, rest.trim_start_matches('#').trim()));
        if let Some((line, heading)) = heading {
            if read.found.title.is_empty() && line.starts_with("# ") {
                read.found.title = title_of(heading);
                part = Some(Part::Summary);
                continue;
            }
            part = part_of(heading);
            if part.is_none() {
                read.unknown.push(heading.to_owned());
                push(&mut read.found.rest, heading);
            }
            continue;
        }
        if line.starts_with("<!--") {
            continue;
        }
        if let Some((part, value)) = row(line) {
            take(&mut read, &mut dated, Some(part), value);
            continue;
        }
        take(&mut read, &mut dated, part, line);
    }
    read.found.at = first_time(&dated, zone).or_else(|| first_time(text, zone));
    for part in [&mut read.found.summary, &mut read.found.impact, &mut read.found.cause, &mut read.found.response, &mut read.found.lessons]
    {
        *part = part.trim().to_owned();
    }
    read.cause.clone_from(&read.found.cause);
    if !read.whys.is_empty() {
        let whys = read.whys.join("\n");
        read.found.cause = if read.found.cause.is_empty() { whys } else { format!("{}\n{whys}", read.found.cause) };
    }
    read
}

fn title_of(heading: &str) -> String {
    let plain = ["ポストモーテム", "障害報告", "Postmortem", "Post-mortem", "Incident report"]
        .into_iter()
        .find_map(|word| heading.strip_prefix(word))
        .map_or(heading, |rest| rest.trim_start_matches([':', '：', '-', ' ']));
    if plain.is_empty() { heading.to_owned() } else { plain.to_owned() }
}

/// `| 影響 | 全利用者 |` or `- 影響: 全利用者`, outside of any table of times.
fn row(line: &str) -> Option<(Part, &str)> {
    let cells = line.strip_prefix('|').and_then(|rest| rest.strip_suffix('|')).map(|row| row.split('|').map(str::trim).collect::<Vec<_>>());
    if let Some(cells) = cells {
        let [name, value] = cells.as_slice() else { return None };
        return part_of(name).map(|part| (part, *value));
    }
    let bare = line.trim_start_matches(['-', '*', ' ']);
    let (name, value) = bare.split_once([':', '：'])?;
    let name = name.trim().trim_matches('*');
    let short = name.chars().count() <= 12 && !value.trim().is_empty();
    let known = if short { part_of(name) } else { None };
    known
        .filter(|part| matches!(part, Part::When | Part::Service | Part::Impact))
        .map(|part| (part, value.trim().trim_start_matches('*').trim()))
}

fn take(read: &mut Read, dated: &mut String, part: Option<Part>, line: &str) {
    let rule = line.starts_with("|--") || line.starts_with("| --") || line.starts_with("---");
    if rule {
        return;
    }
    match part {
        Some(Part::Summary) => push(&mut read.found.summary, line),
        Some(Part::When) => push(dated, line),
        Some(Part::Service) => {
            if read.found.service.is_empty() {
                read.found.service = line.trim().trim_start_matches(['-', '*', ' ']).chars().take(100).collect();
            }
        }
        Some(Part::Impact) => push(&mut read.found.impact, line),
        Some(Part::Whys) => {
            let why = line.trim().trim_start_matches(|c: char| c.is_ascii_digit() || "-*.) ".contains(c));
            if !why.is_empty() {
                read.whys.push(why.to_owned());
            }
        }
        Some(Part::Cause) => push(&mut read.found.cause, line),
        Some(Part::Response) => push(&mut read.found.response, line),
        Some(Part::Lessons) => push(&mut read.found.lessons, line),
        Some(Part::Other) => {}
        None => push(&mut read.found.rest, line),
    }
}

fn push(part: &mut String, line: &str) {
    if part.is_empty() && line.trim().is_empty() {
        return;
    }
    part.push_str(line);
    part.push('\n');
}

/// The first date that a text names: `2026-11-22`, `2026/11/22` or `2026年11月22日`, with its time of day where one follows.
fn first_time(text: &str, zone: &Zone) -> Option<Timestamp> {
    let numbers: Vec<(i16, char)> = numbers(text);
    let at = numbers.windows(3).position(|three| {
        let [(year, first), (month, second), (day, _)] = three else { return false };
        let separated = matches!((first, second), ('-', '-') | ('/', '/') | ('年', '月'));
        separated && (1990..=2100).contains(year) && (1..=12).contains(month) && (1..=31).contains(day)
    })?;
    let number = |offset: usize| numbers.get(at + offset).copied();
    let ((year, _), (month, _), (day, _)) = (number(0)?, number(1)?, number(2)?);
    let clock = number(3).zip(number(4)).filter(|((hour, mark), (minute, _))| *mark == ':' && *hour < 24 && *minute < 60);
    let (hour, minute) = clock.map(|((hour, _), (minute, _))| (hour, minute)).unwrap_or_default();
    let small = |value: i16| i8::try_from(value).ok();
    zone.moment(year, small(month)?, small(day)?, small(hour)?, small(minute)?)
}

/// Each number with the character that follows it.
fn numbers(text: &str) -> Vec<(i16, char)> {
    let mut found = Vec::new();
    let mut digits = String::new();
    for c in text.chars().chain([' ']) {
        if c.is_ascii_digit() {
            digits.push(c);
        } else if !digits.is_empty() {
            found.push((digits.parse().unwrap_or(-1), c));
            digits.clear();
        }
    }
    found
}
