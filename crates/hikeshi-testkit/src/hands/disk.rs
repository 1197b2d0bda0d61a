//! Files that are only remembered: enough of a disk for backups, changes and restores to be true.

use std::collections::BTreeMap;

use hikeshi_domain::emergency::{ChangeKind, FileChange, FileContent};
use hikeshi_domain::ids::Digest;

const MODE: u32 = 0o644;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Disk {
    files: BTreeMap<String, Vec<u8>>,
}

pub(super) struct Ran {
    pub(super) output: String,
    /// `None`: it ran longer than it may.
    pub(super) exit_code: Option<i32>,
}

fn inside(path: &str, scope: &[String]) -> bool {
    scope.iter().any(|part| part == "." || path == part || path.strip_prefix(part.as_str()).is_some_and(|rest| rest.starts_with('/')))
}

fn content(bytes: &[u8], kept: bool) -> FileContent {
    FileContent { digest: Digest::of(bytes), bytes: count(bytes.len()), mode: MODE, kept }
}

fn count(of: usize) -> u64 {
    u64::try_from(of).unwrap_or(u64::MAX)
}

impl Disk {
    pub(super) fn write(&mut self, path: &str, bytes: &[u8]) {
        self.files.insert(path.to_owned(), bytes.to_vec());
    }

    pub(super) fn read(&self, path: &str) -> Option<&[u8]> {
        self.files.get(path).map(Vec::as_slice)
    }

    fn scoped<'a>(&'a self, scope: &'a [String]) -> impl Iterator<Item = (&'a String, &'a Vec<u8>)> {
        self.files.iter().filter(|(path, _)| inside(path, scope))
    }

    pub(super) fn size(&self, scope: &[String]) -> (u64, u64) {
        self.scoped(scope).fold((0, 0), |(files, bytes), (_, content)| (files + 1, bytes + count(content.len())))
    }

    pub(super) fn manifest(&self, scope: &[String]) -> Digest {
        let lines: String =
            self.scoped(scope).map(|(path, bytes)| format!("{MODE:o} {} {} {path}\n", bytes.len(), Digest::of(bytes))).collect();
        Digest::of(lines.as_bytes())
    }

    /// Makes everything inside the scope as it was; its manifest then.
    pub(super) fn restore(&mut self, before: &Self, scope: &[String]) -> Digest {
        self.files.retain(|path, _| !inside(path, scope));
        self.files.extend(before.scoped(scope).map(|(path, bytes)| (path.clone(), bytes.clone())));
        self.manifest(scope)
    }

    /// Everything that is not as it was, with the contents that are kept.
    pub(super) fn changes(&self, after: &Self, scope: &[String], step: u32, file_bytes_max: u64) -> (Vec<FileChange>, Vec<Vec<u8>>) {
        let mut paths: Vec<&String> = self.files.keys().chain(after.files.keys()).collect();
        paths.sort();
        paths.dedup();
        let (mut changes, mut contents) = (Vec::new(), Vec::new());
        for path in paths {
            let (old, new) = (self.files.get(path), after.files.get(path));
            if old == new {
                continue;
            }
            let mut side = |bytes: Option<&Vec<u8>>| {
                bytes.map(|bytes| {
                    let kept = count(bytes.len()) <= file_bytes_max;
                    if kept {
                        contents.push(bytes.clone());
                    }
                    content(bytes, kept)
                })
            };
            let kind = match (old, new) {
                (None, _) => ChangeKind::Added,
                (Some(_), None) => ChangeKind::Removed,
                (Some(_), Some(_)) => ChangeKind::Modified,
            };
            let (before, after) = (side(old), side(new));
            changes.push(FileChange {
                path: path.clone(),
                kind,
                before,
                after,
                in_scope: inside(path, scope),
                step,
                command: None,
                accepted_by: None,
            });
        }
        (changes, contents)
    }

    /// Reads a script line by line; see [`super`].
    pub(super) fn run(&mut self, script: &str, timeout_s: u32) -> Ran {
        let mut output = String::new();
        let mut slept_s = 0;
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            match word {
                "write" => {
                    let (path, text) = rest.split_once(' ').unwrap_or((rest, ""));
                    self.write(path, text.as_bytes());
                }
                "remove" => {
                    self.files.remove(rest);
                }
                "sleep" => slept_s += rest.parse::<u32>().unwrap_or(0),
                "exit" => return Ran { output, exit_code: Some(rest.parse().unwrap_or(1)) },
                "say" => output.push_str(&format!("{rest}\n")),
                _ => output.push_str(&format!("{line}\n")),
            }
            if slept_s > timeout_s {
                return Ran { output, exit_code: None };
            }
        }
        Ran { output, exit_code: Some(0) }
    }
}
