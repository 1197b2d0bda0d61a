//! `hikeshi import opsgenie|pagerduty|goalert`: what another product exports, as a piece for `hikeshi.toml`. Without a server; nothing is adopted.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use hikeshi_domain::Timestamp;
use hikeshi_outside::import::{self, Broken, Document, FILE_BYTES_MAX, FILES_MAX, Fragment, Vendor};
use hikeshi_text::import::{Note, Of, Why};
use hikeshi_text::{Lang, import as words};
use serde_json::json;

use crate::fail::{Failure, Result};
use crate::show::Out;

/// Directories within directories are looked through so deep: an export has one level.
const DEPTH_MAX: u32 = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Product {
    Opsgenie,
    Pagerduty,
    Goalert,
}

#[derive(Debug, Args)]
pub struct ImportArgs {
    pub product: Product,
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    #[arg(long, value_name = "NAME")]
    pub escalation: Option<String>,
}

pub fn run(args: &ImportArgs, now: Timestamp, lang: Lang, out: &Out) -> Result<()> {
    let vendor = match args.product {
        Product::Opsgenie => Vendor::Opsgenie,
        Product::Pagerduty => Vendor::Pagerduty,
        Product::Goalert => Vendor::Goalert,
    };
    let mut found = Found::default();
    for path in &args.paths {
        found.take(path, 0, lang)?;
    }
    let made = import::import(vendor, &found.documents, args.escalation.as_deref(), now);
    let (fragment, mut notes) = made.map_err(|broken| Failure::Failed(said(lang, &broken)))?;
    notes.extend(found.notes);
    let text = toml::to_string(&fragment).map_err(|error| Failure::Failed(error.to_string()))?;
    let text = format!("{}\n{text}", words::head(lang, vendor.name()));
    if let Some(file) = &args.out {
        write(file, &text)?;
    }
    let report = report(lang, &fragment, &notes);
    let lines = notes.iter().map(|note| json!({"left_out": note.why.is_left_out(), "text": words::line(lang, note)}));
    let data = json!({"file": args.out, "policy": text, "notes": lines.collect::<Vec<_>>()});
    if args.out.is_some() {
        out.data(&data, || report);
    } else {
        out.data(&data, || text);
        out.hint(&report);
    }
    Ok(())
}

fn said(lang: Lang, broken: &Broken) -> String {
    match broken {
        Broken::Shape { file, detail } => words::not_an_export(lang, file, detail),
        Broken::Nothing => words::nothing(lang),
        Broken::NoSuchEscalation { given, known } => words::no_such_escalation(lang, given, known),
    }
}

fn report(lang: Lang, fragment: &Fragment, notes: &[Note]) -> String {
    let steps = fragment.incident.as_ref().map_or(0, |incident| incident.escalation.len());
    let sources = fragment.alerts.as_ref().map_or(0, |alerts| alerts.sources.len());
    let mut text = words::made(lang, fragment.people.len(), fragment.schedules.len(), steps, sources);
    let (left, changed): (Vec<&Note>, Vec<&Note>) = notes.iter().partition(|note| note.why.is_left_out());
    for (heading, part) in [(words::left_out(lang, left.len()), left), (words::to_be_looked_at(lang, changed.len()), changed)] {
        text.push_str(&format!("\n\n{heading}"));
        for note in part {
            text.push_str(&format!("\n- {}", words::line(lang, note)));
        }
    }
    text
}

/// A file that is there already may be somebody's work.
fn write(file: &Path, text: &str) -> Result<()> {
    let made = std::fs::OpenOptions::new().write(true).create_new(true).open(file).and_then(|mut made| made.write_all(text.as_bytes()));
    made.map_err(|error| Failure::Failed(format!("{}: {error}", file.display())))
}

#[derive(Default)]
struct Found {
    documents: Vec<Document>,
    notes: Vec<Note>,
}

impl Found {
    fn take(&mut self, path: &Path, depth: u32, lang: Lang) -> Result<()> {
        let unreadable = |error: std::io::Error| Failure::Failed(words::unreadable(lang, &path.display().to_string(), &error.to_string()));
        let about = std::fs::metadata(path).map_err(unreadable)?;
        if !about.is_dir() {
            return self.file(path, about.len(), lang);
        }
        if depth >= DEPTH_MAX {
            return Err(Failure::Failed(words::too_deep(lang, &path.display().to_string())));
        }
        let mut inside = Vec::new();
        for entry in std::fs::read_dir(path).map_err(unreadable)? {
            inside.push(entry.map_err(unreadable)?.path());
        }
        inside.sort();
        inside.iter().try_for_each(|path| self.take(path, depth + 1, lang))
    }

    fn file(&mut self, path: &Path, bytes: u64, lang: Lang) -> Result<()> {
        let name = path.display().to_string();
        if path.extension().is_none_or(|extension| !extension.eq_ignore_ascii_case("json")) {
            self.notes.push(Note { of: Of::File, name, why: Why::NotRead });
            return Ok(());
        }
        if bytes > FILE_BYTES_MAX {
            return Err(Failure::Failed(words::too_large(lang, &name, bytes, FILE_BYTES_MAX)));
        }
        if self.documents.len() >= FILES_MAX {
            return Err(Failure::Failed(words::too_many_files(lang, FILES_MAX)));
        }
        let content = std::fs::read(path).map_err(|error| Failure::Failed(words::unreadable(lang, &name, &error.to_string())))?;
        let content = serde_json::from_slice(&content)
            .map_err(|error| Failure::Failed(words::not_json(lang, &name, error.line(), error.column(), &error.to_string())))?;
        let folder = path.parent().and_then(Path::file_name).map(|folder| folder.to_string_lossy().into_owned()).unwrap_or_default();
        self.documents.push(Document { name, folder, content });
        Ok(())
    }
}
