//! Documents that the program writes: the report of an exception (rule E11), the invitation to its retrospective (rule E12), and the
//! postmortem of an incident (rule I8).
//!
//! A file is written beside and renamed. A report that a person has edited since is kept under another name, never overwritten.

use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};

use hikeshi_domain::effect::{CaseFacts, InvitationOrder, Outcome, Performed, PostmortemOrder, ReportOrder};
use hikeshi_domain::ids::{Digest, EmergencyId};
use jiff::tz::TimeZone;

use crate::host::spool::{read_bounded, write_with_mode};
use crate::{Options, clock, invitation, resolve};

const DOCUMENT_BYTES_MAX: u64 = 16 * 1024 * 1024;
const MARK: &str = "<!-- hikeshi ";

fn done(written: Result<Outcome, (PathBuf, io::Error)>) -> Performed {
    let outcome = written.unwrap_or_else(|(path, error)| Outcome::Failed { detail: format!("{}: {error}", path.display()) });
    Performed { outcome, contents: Vec::new() }
}

fn directory(options: &Options, documents_root: &str, kind: &str) -> Result<PathBuf, (PathBuf, io::Error)> {
    let dir = resolve(&options.base, documents_root).join(kind);
    std::fs::create_dir_all(&dir).map_err(|error| (dir.clone(), error))?;
    Ok(dir)
}

/// The day of the exception as its team counts days.
fn day(facts: &CaseFacts) -> String {
    let zone = TimeZone::get(&facts.time_zone).unwrap_or(TimeZone::UTC);
    let at = facts.emergency.started_at.unwrap_or(facts.emergency.requested_at);
    at.to_zoned(zone).strftime("%Y-%m-%d").to_string()
}

/// Writes `emergency/YYYY-MM-DD-incident.md`; a second exception of that day has its id in the name.
pub(crate) fn report(options: &Options, order: &ReportOrder) -> Performed {
    done(directory(options, &order.documents_root, "emergency").and_then(|dir| {
        let emergency = order.facts.emergency.id;
        let text = marked(&hikeshi_text::report(order), emergency);
        let at = |path: &Path| path.to_owned();
        let path = place(&dir, &day(&order.facts), emergency).map_err(|error| (at(&dir), error))?;
        keep_edited(&path).and_then(|()| write_with_mode(&path, text.as_bytes(), 0o644)).map_err(|error| (at(&path), error))?;
        Ok(Outcome::ReportWritten { file: path.display().to_string(), digest: Digest::of(text.as_bytes()) })
    }))
}

/// The text with its last line, by which the program knows its own file and whether somebody changed it.
fn marked(text: &str, case: impl Display) -> String {
    let body = format!("{}\n", text.trim_end());
    let digest = Digest::of(body.as_bytes());
    format!("{body}{MARK}{case} {digest} -->\n")
}

/// Whose file it is and whether its text is as it was written; `None` when it is not ours.
fn whose(text: &str) -> Option<(String, bool)> {
    let (body, mark) = text.trim_end().rsplit_once(MARK)?;
    let (case, digest) = mark.strip_suffix("-->")?.trim().split_once(' ')?;
    Some((case.to_owned(), Digest::parse(digest.trim()) == Some(Digest::of(body.as_bytes()))))
}

fn read(path: &Path) -> io::Result<Option<String>> {
    match read_bounded(path, DOCUMENT_BYTES_MAX) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn place(dir: &Path, day: &str, emergency: EmergencyId) -> io::Result<PathBuf> {
    let plain = dir.join(format!("{day}-incident.md"));
    let own = dir.join(format!("{day}-incident-{emergency}.md"));
    // Once a file has a name it keeps it, also when the plain name becomes free.
    if own.try_exists()? {
        return Ok(own);
    }
    Ok(match read(&plain)? {
        None => plain,
        Some(text) if whose(&text).is_some_and(|(owner, _)| owner == emergency.to_string()) => plain,
        Some(_) => own,
    })
}

fn keep_edited(path: &Path) -> io::Result<()> {
    let Some(text) = read(path)? else { return Ok(()) };
    if whose(&text).is_some_and(|(_, unchanged)| unchanged) {
        return Ok(());
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    for number in 1..1000_u32 {
        let kept = path.with_file_name(format!("{stem}-edited_{number}.md"));
        if !kept.try_exists()? {
            return std::fs::hard_link(path, kept);
        }
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, "too many edited versions are kept beside it"))
}

/// Writes the invitation as `emergency/YYYY-MM-DD-retrospective-emg_N.ics`.
pub(crate) fn invitation(options: &Options, order: &InvitationOrder) -> Performed {
    done(directory(options, &order.documents_root, "emergency").and_then(|dir| {
        let path = dir.join(format!("{}-retrospective-{}.ics", day(&order.facts), order.facts.emergency.id));
        let text = invitation::calendar(order, clock::now());
        write_with_mode(&path, text.as_bytes(), 0o644).map_err(|error| (path.clone(), error))?;
        Ok(Outcome::InvitationWritten { file: path.display().to_string() })
    }))
}

/// Writes `incidents/YYYY-MM-DD-inc_N-title.md`, in place of what it wrote before.
pub(crate) fn postmortem(options: &Options, order: &PostmortemOrder) -> Performed {
    done(directory(options, &order.documents_root, "incidents").and_then(|dir| {
        let incident = &order.incident;
        let zone = TimeZone::get(&order.time_zone).unwrap_or(TimeZone::UTC);
        let day = incident.detected_at.to_zoned(zone).strftime("%Y-%m-%d");
        let hikeshi_text::Slug(slug) = hikeshi_text::Slug::of(&incident.title);
        let name = [day.to_string(), incident.id.to_string(), slug].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>();
        let path = dir.join(format!("{}.md", name.join("-")));
        let text = marked(&hikeshi_text::postmortem(order), incident.id);
        keep_edited(&path).and_then(|()| write_with_mode(&path, text.as_bytes(), 0o644)).map_err(|error| (path.clone(), error))?;
        Ok(Outcome::ReportWritten { file: path.display().to_string(), digest: Digest::of(text.as_bytes()) })
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_knows_its_exception_and_whether_it_was_edited() {
        let text = marked("# 報告\n\n本文\n", EmergencyId(3));
        assert_eq!(whose(&text), Some(("emg_3".to_owned(), true)));
        assert_eq!(whose(&text.replace("本文", "直した本文")), Some(("emg_3".to_owned(), false)));
        assert_eq!(whose("# somebody's own file\n"), None);
    }
}
