//! The file of checkpoints, beside the store: signed notes one after another, each followed by an empty line. Only ever appended to.
//!
//! A note is two paragraphs, text and signatures. A paragraph that a crash cut off is followed by no signatures and is passed over.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

const SIGNATURE: &str = "\u{2014} ";
/// The newest note is at the end; a note has some hundred bytes.
const TAIL_BYTES: u64 = 64 * 1024;

pub(super) struct CheckpointFile {
    pub(super) path: PathBuf,
    file: File,
    /// Size that its newest note signs.
    pub(super) size: u64,
}

impl CheckpointFile {
    pub(super) fn open(path: &Path) -> std::io::Result<Self> {
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let bytes = file.seek(SeekFrom::End(0))?;
        if bytes > 0 {
            let mut end = [0_u8; 2];
            file.seek(SeekFrom::End(-2_i64.min(i64::try_from(bytes).unwrap_or(2))))?;
            let read = file.read(&mut end)?;
            if read < 2 || end != *b"\n\n" {
                // A crash cut off the last note. What follows must not be read as part of it.
                file.write_all(b"\n\n")?;
                file.sync_data()?;
            }
        }
        Ok(Self { path: path.to_owned(), file, size: 0 })
    }

    /// Never back to a smaller size.
    pub(super) fn append(&mut self, size: u64, note: &str) -> std::io::Result<()> {
        if size <= self.size {
            return Ok(());
        }
        self.file.write_all(format!("{note}\n").as_bytes())?;
        self.file.sync_data()?;
        self.size = size;
        Ok(())
    }

    /// The last whole note.
    pub(super) fn newest(&mut self) -> std::io::Result<Option<String>> {
        let bytes = self.file.seek(SeekFrom::End(0))?;
        self.file.seek(SeekFrom::Start(bytes.saturating_sub(TAIL_BYTES)))?;
        let mut tail = Vec::new();
        (&mut self.file).take(TAIL_BYTES).read_to_end(&mut tail)?;
        let mut newest = None;
        notes(BufReader::new(tail.as_slice()), |note| newest = Some(note.to_owned()))?;
        Ok(newest)
    }
}

/// Gives every whole note of a file, in order.
pub(super) fn each_note(path: &Path, each: impl FnMut(&str)) -> std::io::Result<()> {
    notes(BufReader::new(File::open(path)?), each)
}

fn notes(mut lines: impl std::io::BufRead, mut each: impl FnMut(&str)) -> std::io::Result<()> {
    let mut text = String::new();
    let mut paragraph = String::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut lines).take(TAIL_BYTES).read_until(b'\n', &mut line)?;
        if read > 0 && line != b"\n" {
            paragraph.push_str(&String::from_utf8_lossy(&line));
            continue;
        }
        // An empty line, or the end: a paragraph is complete.
        if paragraph.starts_with(SIGNATURE) {
            each(&format!("{text}\n{paragraph}"));
            text.clear();
            paragraph.clear();
        } else if !paragraph.is_empty() {
            text = std::mem::take(&mut paragraph);
        }
        if read == 0 {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(size: u64) -> String {
        format!("ledger\n{size}\nroot\n\n{SIGNATURE}ledger sig{size}\n")
    }

    fn scratch(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("hikeshi-checkpoints-{name}-{}", std::process::id()))
    }

    #[test]
    fn the_newest_whole_note_is_found_also_behind_one_that_was_cut_off() {
        let path = scratch("cut");
        let mut file = CheckpointFile::open(&path).expect("the file opens");
        assert_eq!(file.newest().expect("readable"), None);
        for size in [3, 7] {
            file.append(size, &note(size)).expect("written");
        }
        file.append(5, &note(5)).expect("passed over");
        assert_eq!(file.newest().expect("readable"), Some(note(7)));
        let whole = std::fs::read(&path).expect("the file");
        for cut in 1..note(9).len() {
            let torn = [whole.as_slice(), &note(9).as_bytes()[..cut]].concat();
            std::fs::write(&path, torn).expect("written");
            let mut file = CheckpointFile::open(&path).expect("the file opens");
            file.append(11, &note(11)).expect("written");
            assert_eq!(file.newest().expect("readable"), Some(note(11)), "cut after {cut} bytes");
        }
        std::fs::remove_file(&path).expect("removed");
    }

    #[test]
    fn every_whole_note_is_given_in_order() {
        let path = scratch("all");
        let mut file = CheckpointFile::open(&path).expect("the file opens");
        for size in 1..=500 {
            file.append(size, &note(size)).expect("written");
        }
        let mut found = Vec::new();
        each_note(&path, |given| found.push(given.to_owned())).expect("readable");
        assert_eq!(found, (1..=500).map(note).collect::<Vec<_>>());
        std::fs::remove_file(&path).expect("removed");
    }
}
