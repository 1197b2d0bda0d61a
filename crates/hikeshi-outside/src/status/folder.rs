//! The static files of the status page, on disk. Each is replaced as a whole: a reader sees the old one or the new one, also after a crash.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use hikeshi_domain::ids::Digest;

/// Readable for the web server, whoever that is; the directory itself says who may enter.
const MODE: u32 = 0o644;
const FOLDER_MODE: u32 = 0o755;
/// What a file that is not whole yet begins and ends with; between them stand so many random digits.
const UNFINISHED: (&str, &str) = (".hikeshi-", ".new");
const DIGITS: usize = 32;
/// A file that is still not whole after this time is a dead process's.
const LEFT_OVER: Duration = Duration::from_secs(600);
/// Folders with one file for each incident, of which those that are gone are removed.
const OF_INCIDENTS: [&str; 2] = ["incidents", "en/incidents"];

/// What this process has written, so that what is as it was is left alone.
#[derive(Debug, Default)]
pub struct Folder {
    directory: PathBuf,
    known: BTreeMap<String, Digest>,
}

impl Folder {
    /// Writes what differs. The directory must be there: to make it would hide that a disk is not mounted. What cannot be written leaves the
    /// others alone; the first trouble is told.
    pub fn write<'a>(&mut self, directory: &Path, files: impl Iterator<Item = (&'a str, &'a [u8])>) -> io::Result<()> {
        if self.directory != directory {
            *self = Self { directory: directory.to_owned(), known: BTreeMap::new() };
        }
        if !directory.is_dir() {
            self.known.clear();
            return Err(io::Error::new(io::ErrorKind::NotFound, "there is no such directory"));
        }
        let mut first = Ok(());
        let mut keep = |done: io::Result<()>| {
            if first.is_ok() {
                first = done;
            }
        };
        let (mut wanted, mut folders, mut touched) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for (path, bytes) in files {
            wanted.insert(path.to_owned());
            let (digest, target) = (Digest::of(bytes), directory.join(path));
            let parent = target.parent().unwrap_or(directory).to_owned();
            folders.insert(parent.clone());
            if self.known.get(path) == Some(&digest) && target.is_file() {
                continue;
            }
            match make_folder(directory, &parent).and_then(|()| replace(&target, bytes)) {
                Ok(()) => {
                    touched.insert(parent);
                    self.known.insert(path.to_owned(), digest);
                }
                Err(error) => {
                    self.known.remove(path);
                    keep(Err(error));
                }
            }
        }
        folders.iter().for_each(|folder| keep(remove_left_over(folder)));
        OF_INCIDENTS.iter().for_each(|folder| keep(remove_others(directory, folder, &wanted)));
        self.known.retain(|path, _| wanted.contains(path));
        // A rename is durable once its directory is.
        touched.iter().for_each(|parent| keep(File::open(parent).and_then(|folder| folder.sync_all())));
        first
    }
}

/// Those between the directory and this one that are not there yet, readable for the web server whatever our own mask is.
fn make_folder(directory: &Path, folder: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = folder.ancestors().take_while(|path| *path != directory && !path.is_dir()).collect();
    missing.into_iter().rev().try_for_each(|path| {
        fs::create_dir(path)?;
        fs::set_permissions(path, Permissions::from_mode(FOLDER_MODE))
    })
}

/// Whoever else may write there cannot know the name of the new file, nor put something in its place.
fn replace(target: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut random = [0; DIGITS / 2];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let digits: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let beside = target.with_file_name(format!("{}{digits}{}", UNFINISHED.0, UNFINISHED.1));
    let no_link = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or_default();
    let mut file = File::options().write(true).create_new(true).mode(MODE).custom_flags(no_link).open(&beside)?;
    let written = (|| {
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

fn is_unfinished(name: &str) -> bool {
    let digits = name.strip_prefix(UNFINISHED.0).and_then(|rest| rest.strip_suffix(UNFINISHED.1));
    digits.is_some_and(|digits| digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// What a process that died has begun. What is young may be another node's, which writes there too.
fn remove_left_over(folder: &Path) -> io::Result<()> {
    let found = match fs::read_dir(folder) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in found {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(is_unfinished) {
            let age = entry.metadata()?.modified()?.elapsed().unwrap_or_default();
            if age >= LEFT_OVER {
                fs::remove_file(entry.path())?;
            }
        }
    }
    Ok(())
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
    fn what_cannot_be_written_leaves_the_old_file_and_holds_up_no_other() {
        let scratch = Scratch::new();
        let directory = scratch.0.as_path();
        let mut folder = Folder::default();
        write(&mut folder, directory, &[("feed.atom", "one"), ("incidents/inc_1.html", "one"), ("index.html", "one")]).expect("ok");
        // What stands in the way of a new file, for whoever runs this, is a directory with its name that is not empty.
        fs::remove_file(directory.join("feed.atom")).expect("ok");
        fs::create_dir_all(directory.join("feed.atom/full")).expect("ok");
        fs::remove_dir_all(directory.join("incidents")).expect("ok");
        fs::write(directory.join("incidents"), "a file").expect("ok");
        let two = [("feed.atom", "two"), ("incidents/inc_1.html", "two"), ("index.html", "two")];
        let error = write(&mut folder, directory, &two).expect_err("not all is written");
        assert_ne!(error.kind(), io::ErrorKind::AlreadyExists, "the first of the troubles is told, not the second");
        assert_eq!(read(directory, "index.html"), "two", "the others go on");
        assert_eq!(fs::read_dir(directory).expect("there").count(), 3, "nothing half is left");
        fs::remove_dir_all(directory.join("feed.atom")).expect("ok");
        fs::remove_file(directory.join("incidents")).expect("ok");
        write(&mut folder, directory, &two).expect("ok");
        assert_eq!((read(directory, "feed.atom"), read(directory, "incidents/inc_1.html")), ("two".to_owned(), "two".to_owned()));
    }

    #[test]
    fn nobody_can_put_a_link_in_the_place_of_a_new_file_and_what_a_dead_process_left_goes() {
        let scratch = Scratch::new();
        let directory = scratch.0.as_path();
        let elsewhere = Scratch::new();
        let theirs = elsewhere.0.join("theirs");
        fs::write(&theirs, "theirs").expect("ok");
        std::os::unix::fs::symlink(&theirs, directory.join("index.html.new")).expect("ok");
        let unfinished = |digit: &str| format!("{}{}{}", UNFINISHED.0, digit.repeat(DIGITS), UNFINISHED.1);
        let (old, young, ours) = (unfinished("a"), unfinished("b"), "notes.new".to_owned());
        for name in [&old, &young, &ours] {
            fs::write(directory.join(name), "half").expect("ok");
        }
        let long_ago = std::time::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        for name in [&old, &ours] {
            File::options().write(true).open(directory.join(name)).and_then(|file| file.set_modified(long_ago)).expect("ok");
        }
        write(&mut Folder::default(), directory, &[("index.html", "one")]).expect("ok");
        assert_eq!((read(directory, "index.html"), fs::read_to_string(&theirs).expect("there")), ("one".to_owned(), "theirs".to_owned()));
        assert!(!directory.join(&old).exists() && directory.join(&young).exists() && directory.join(&ours).exists());
    }

    #[test]
    fn the_web_server_can_enter_the_folders_whatever_our_mask_is() {
        let scratch = Scratch::new();
        let directory = scratch.0.as_path();
        let before = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
        let written = write(&mut Folder::default(), directory, &[("en/incidents/inc_1.html", "one")]);
        rustix::process::umask(before);
        written.expect("ok");
        let mode = |path: &str| fs::metadata(directory.join(path)).expect("there").permissions().mode() & 0o777;
        assert_eq!([mode("en"), mode("en/incidents"), mode("en/incidents/inc_1.html")], [FOLDER_MODE, FOLDER_MODE, MODE]);
    }
}
