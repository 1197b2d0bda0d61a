//! The static files of the status page, on disk. Each is replaced as a whole: a reader sees the old one or the new one, also after a crash.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use hikeshi_domain::ids::Digest;

/// Readable for the web server, whoever that is; the directory itself says who may enter.
const MODE: u32 = 0o644;
/// Folders with one file for each incident, of which those that are gone are removed.
const OF_INCIDENTS: [&str; 2] = ["incidents", "en/incidents"];

/// What this process has written, so that what is as it was is left alone.
#[derive(Debug, Default)]
pub struct Folder {
    directory: PathBuf,
    known: BTreeMap<String, Digest>,
}

impl Folder {
    /// Writes what differs. The directory must be there: to make it would hide that a disk is not mounted.
    pub fn write<'a>(&mut self, directory: &Path, files: impl Iterator<Item = (&'a str, &'a [u8])>) -> io::Result<()> {
        if self.directory != directory {
            *self = Self { directory: directory.to_owned(), known: BTreeMap::new() };
        }
        if !directory.is_dir() {
            self.known.clear();
            return Err(io::Error::new(io::ErrorKind::NotFound, "there is no such directory"));
        }
        let mut wanted = BTreeSet::new();
        let mut touched = BTreeSet::new();
        for (path, bytes) in files {
            wanted.insert(path.to_owned());
            let (digest, target) = (Digest::of(bytes), directory.join(path));
            if self.known.get(path) == Some(&digest) && target.is_file() {
                continue;
            }
            let parent = target.parent().unwrap_or(directory);
            fs::create_dir_all(parent)?;
            replace(&target, bytes)?;
            touched.insert(parent.to_owned());
            self.known.insert(path.to_owned(), digest);
        }
        for folder in OF_INCIDENTS {
            remove_others(directory, folder, &wanted)?;
        }
        self.known.retain(|path, _| wanted.contains(path));
        // A rename is durable once its directory is.
        touched.iter().try_for_each(|parent| File::open(parent)?.sync_all())
    }
}

fn replace(target: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let beside = target.with_file_name(name);
    let written = (|| {
        let mut file = File::create(&beside)?;
        file.set_permissions(Permissions::from_mode(MODE))?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, target)
    })();
    if written.is_err() && fs::remove_file(&beside).is_err() {
        tracing::debug!("nothing was left of {}", beside.display());
    }
    written
}

/// Pages of incidents that are too old to be shown, and nothing else: a team may keep files of its own there.
fn remove_others(directory: &Path, folder: &str, wanted: &BTreeSet<String>) -> io::Result<()> {
    let found = match fs::read_dir(directory.join(folder)) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in found {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let number = name.strip_prefix("inc_").and_then(|rest| rest.strip_suffix(".html"));
        let ours = number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()));
        if ours && !wanted.contains(&format!("{folder}/{name}")) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// A directory of this test's own.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new() -> Self {
            static NEXT: AtomicU32 = AtomicU32::new(0);
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = std::env::temp_dir().join(format!("hikeshi-status-{}-{number}", std::process::id()));
            fs::create_dir_all(&path).expect("a directory");
            Self(path)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).expect("removed");
        }
    }

    fn write(folder: &mut Folder, directory: &Path, files: &[(&str, &str)]) -> io::Result<()> {
        folder.write(directory, files.iter().map(|(path, text)| (*path, text.as_bytes())))
    }

    fn read(directory: &Path, path: &str) -> String {
        fs::read_to_string(directory.join(path)).unwrap_or_default()
    }

    #[test]
    fn files_are_replaced_as_a_whole_and_left_alone_when_they_are_the_same() {
        let scratch = Scratch::new();
        let directory = scratch.0.as_path();
        let mut folder = Folder::default();
        write(&mut folder, directory, &[("index.html", "one"), ("en/incidents/inc_1.html", "old"), ("incidents/inc_2.html", "x")])
            .expect("ok");
        fs::write(directory.join("incidents/notes.html"), "ours").expect("ok");
        let before = fs::metadata(directory.join("incidents/inc_2.html")).expect("there").modified().expect("a time");
        write(&mut folder, directory, &[("index.html", "two"), ("incidents/inc_2.html", "x")]).expect("ok");
        assert_eq!(read(directory, "index.html"), "two");
        assert!(!directory.join("en/incidents/inc_1.html").exists(), "too old to be shown");
        assert_eq!(read(directory, "incidents/notes.html"), "ours");
        assert_eq!(fs::metadata(directory.join("incidents/inc_2.html")).expect("there").modified().expect("a time"), before);
        assert_eq!(fs::metadata(directory.join("index.html")).expect("there").permissions().mode() & 0o777, MODE);
        fs::remove_file(directory.join("incidents/inc_2.html")).expect("gone");
        write(&mut folder, directory, &[("incidents/inc_2.html", "x")]).expect("ok");
        assert_eq!(read(directory, "incidents/inc_2.html"), "x", "whatever somebody deletes comes back");
    }

    #[test]
    fn a_directory_that_is_gone_is_an_error_and_comes_back_whole() {
        let scratch = Scratch::new();
        let directory = scratch.0.join("www");
        let mut folder = Folder::default();
        assert!(write(&mut folder, &directory, &[("index.html", "one")]).is_err());
        assert!(!directory.exists());
        fs::create_dir(&directory).expect("ok");
        write(&mut folder, &directory, &[("index.html", "one")]).expect("ok");
        fs::remove_dir_all(&directory).expect("gone");
        assert!(write(&mut folder, &directory, &[("index.html", "one")]).is_err());
        fs::create_dir(&directory).expect("ok");
        write(&mut folder, &directory, &[("index.html", "one")]).expect("ok");
        assert_eq!(read(&directory, "index.html"), "one");
    }

    #[test]
    fn a_disk_that_takes_nothing_leaves_the_old_file() {
        let scratch = Scratch::new();
        let directory = scratch.0.as_path();
        let mut folder = Folder::default();
        write(&mut folder, directory, &[("index.html", "one")]).expect("ok");
        // What stands in the way of the new file, for whoever runs this, is a directory of its name.
        fs::create_dir(directory.join("index.html.new")).expect("ok");
        assert!(write(&mut folder, directory, &[("index.html", "two")]).is_err());
        assert_eq!(read(directory, "index.html"), "one");
        fs::remove_dir(directory.join("index.html.new")).expect("ok");
        write(&mut folder, directory, &[("index.html", "two")]).expect("ok");
        assert_eq!(read(directory, "index.html"), "two");
    }
}
