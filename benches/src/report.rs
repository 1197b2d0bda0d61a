//! The table and the plot, made from what was measured and from nothing else.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;

use crate::Row;
use crate::session::Question;

/// What a report is made of.
pub struct About {
    command: &'static str,
    parts: &'static [&'static str],
    /// What stands before the table, beside what holds for every report.
    words: &'static str,
    /// The group that is drawn begins with this; what is ours in it begins with that.
    drawn: &'static str,
    ours: &'static str,
}

pub const LIMITS: About =
    About { command: "benches/run", parts: &["door", "ledger", "pages", "files"], words: "", drawn: "Durable commands", ours: "door" };

pub const SESSIONS: About = About {
    command: "benches/sessions",
    parts: &Question::PARTS,
    words: "hikeshi is measured as it is used: the executor's window, the recorder, a server, and two witnesses whose programs check the chain and \
            sign. All of\nthem share the machine's processors with the shell that is recorded. The others record to a file, without witnesses.\n\n",
    drawn: "Bulk output",
    ours: "hikeshi",
};

pub fn say(line: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}

pub fn print(rows: &[Row]) -> anyhow::Result<()> {
    for row in rows {
        let against = row.against.as_ref().map(|(name, ratio)| format!("  {ratio:.2} × {name}")).unwrap_or_default();
        let latency = row.p50_ms.zip(row.p99_ms).map(|(p50, p99)| format!("  p50 {p50:.2} ms  p99 {p99:.2} ms")).unwrap_or_default();
        say(&format!("{:<48} {:>12}{latency}{against}{}", row.name, figure(row), verdict(row)))?;
    }
    Ok(())
}

fn verdict(row: &Row) -> String {
    match (&row.goal, row.met) {
        (Some(goal), Some(true)) => format!("  goal {goal}: met"),
        (Some(goal), _) => format!("  goal {goal}: MISSED"),
        (None, _) => String::new(),
    }
}

fn figure(row: &Row) -> String {
    match (&row.missing, row.between) {
        (Some(why), _) => why.clone(),
        (None, Some((least, most))) => format!("{} {} [{}–{}]", number(row.value), row.unit, number(least), number(most)),
        (None, None) => format!("{} {}", number(row.value), row.unit),
    }
}

/// Short times with one digit more.
fn in_ms(value: Option<f64>) -> String {
    value.map(|ms| if ms.abs() < 1.0 { format!("{ms:.3} ms") } else { format!("{ms:.2} ms") }).unwrap_or_default()
}

fn number(value: f64) -> String {
    if value >= 1_000.0 {
        format!("{value:.0}")
    } else if value < 1.0 {
        format!("{value:.3}")
    } else {
        format!("{value:.2}")
    }
}

pub const ALERTS: About =
    About { command: "benches/alerts.sh", parts: &["alerts-speed"], words: "", drawn: "Alerts that are each paged for", ours: "hikeshi" };

/// `more` stands between what holds for every report and the machine.
pub fn write(dir: &Path, about: &About, more: &str, markdown: &Path, plot: &Path) -> anyhow::Result<()> {
    let mut rows: Vec<Row> = Vec::new();
    for part in about.parts {
        let path = dir.join(format!("{part}.json"));
        let text = std::fs::read(&path).with_context(|| format!("{}: run that part first", path.display()))?;
        rows.extend(serde_json::from_slice::<Vec<Row>>(&text)?);
    }
    let picture = plot.file_name().context("the plot needs a file name")?.to_string_lossy().into_owned();
    let drawn = rows.iter().find(|row| row.group.starts_with(about.drawn)).map_or("", |row| row.group.as_str());
    std::fs::write(markdown, table(&rows, about, more, drawn, &picture)?)?;
    std::fs::write(plot, draw(&rows, about, drawn)?)?;
    Ok(())
}

fn table(rows: &[Row], about: &About, more: &str, drawn: &str, picture: &str) -> anyhow::Result<String> {
    let mut out = format!(
        "# Measurements\n\nMade by `{}`, which anyone can run; never edited by hand. Machines are noisy: trust the ratios, which come from one\nrun, \
         with the rounds of all variants interleaved, and not the absolute figures. Median of the rounds.\n\n{}{more}",
        about.command, about.words
    );
    writeln!(out, "Machine: {}\n", machine()?)?;
    writeln!(out, "![{drawn}, per second](images/{picture})\n")?;
    let mut group = "";
    for row in rows {
        if row.group != group {
            group = &row.group;
            writeln!(out, "\n## {group}\n\n| what | figure | p50 | p95 | p99 | against | goal |\n|---|---:|---:|---:|---:|---:|---|")?;
        }
        let against = row.against.as_ref().map(|(name, ratio)| format!("{ratio:.2} × {name}")).unwrap_or_default();
        let goal = row
            .goal
            .as_ref()
            .map(|goal| format!("{goal}: {}", if row.met == Some(true) { "met" } else { "**missed**" }))
            .unwrap_or_default();
        let (p50, p95, p99) = (in_ms(row.p50_ms), in_ms(row.p95_ms), in_ms(row.p99_ms));
        writeln!(out, "| {} | {} | {p50} | {p95} | {p99} | {against} | {goal} |", row.name, figure(row))?;
    }
    Ok(out)
}

/// What the kernel says of the machine; the figures mean nothing without it.
fn machine() -> anyhow::Result<String> {
    let cpu = std::fs::read_to_string("/proc/cpuinfo")?;
    let model =
        cpu.lines().find_map(|line| line.strip_prefix("model name")).map_or("unknown", |rest| rest.trim_start_matches([' ', '\t', ':']));
    let cores = cpu.lines().filter(|line| line.starts_with("processor")).count();
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease")?;
    Ok(format!("{cores} × {model}, Linux {}", kernel.trim()))
}

const BAR: f64 = 420.0;
const LABEL: f64 = 190.0;
const LINE: f64 = 26.0;

/// One variant of a plot.
pub struct Bar {
    pub name: String,
    pub value: f64,
    /// The value as it is read, with its unit.
    pub shown: String,
    pub is_ours: bool,
}

fn draw(rows: &[Row], about: &About, drawn: &str) -> anyhow::Result<String> {
    // Only what goes by the second; a waiting time among them is another scale.
    let rates = rows.iter().filter(|row| row.group == drawn && row.unit.ends_with("/s") && row.missing.is_none());
    let of = rates.map(|row| Bar {
        name: row.name.clone(),
        value: row.value,
        shown: format!("{} {}", number(row.value), row.unit),
        is_ours: row.name.starts_with(about.ours),
    });
    bars(&format!("{drawn}, per second"), &of.collect::<Vec<_>>())
}

/// Horizontal bars, one a variant; text is text, so that it can be read aloud and searched.
pub fn bars(title: &str, bars: &[Bar]) -> anyhow::Result<String> {
    let most = bars.iter().map(|bar| bar.value).fold(1.0, f64::max);
    #[expect(clippy::cast_precision_loss, reason = "a picture's height")]
    let height = LINE * (bars.len() as f64 + 1.5);
    let mut out = String::new();
    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 720 {height}\" role=\"img\" font-family=\"system-ui,sans-serif\" font-size=\"13\">\n\
         <title>{title}</title>\n<rect width=\"720\" height=\"{height}\" fill=\"#fff\"/>"
    )?;
    let mut y = LINE;
    for bar in bars {
        let width = BAR * bar.value / most;
        let fill = if bar.is_ours { "#b3261e" } else { "#8a8f98" };
        let baseline = y + 14.0;
        writeln!(
            out,
            "<text x=\"{}\" y=\"{baseline}\" text-anchor=\"end\">{}</text><rect x=\"{LABEL}\" y=\"{y}\" width=\"{width:.1}\" height=\"18\" fill=\"{fill}\"/><text x=\"{:.1}\" y=\"{baseline}\">{}</text>",
            LABEL - 8.0,
            bar.name,
            LABEL + width + 6.0,
            bar.shown
        )?;
        y += LINE;
    }
    out.push_str("</svg>\n");
    Ok(out)
}
