//! A file that is followed, rotated, taken away and written faster than it can be read.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use hikeshi_domain::monitor::Verdict;

use super::*;

struct Place(PathBuf);

impl Drop for Place {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

impl Place {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("hikeshi-log-{name}-{}", std::process::id()));
        fs::create_dir_all(&dir).expect("made");
        Self(dir)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let mut file = File::options().create(true).append(true).open(self.path(name)).expect("opened");
        file.write_all(text.as_bytes()).expect("written");
    }
}

/// Fails when more than two lines say ERROR within a minute.
struct Following {
    follower: Follower,
    path: String,
    pattern: Regex,
    now: Instant,
}

impl Following {
    fn new(place: &Place) -> Self {
        let log: LogMonitor =
            serde_json::from_str(r#"{"file": "app.log", "pattern": "ERROR", "more_than": 2, "within_s": 60}"#).expect("a monitor");
        let pattern = log_pattern(&log.pattern).expect("a pattern");
        Self { follower: Follower::new(&log), path: place.path("app.log").display().to_string(), pattern, now: Instant::now() }
    }

    /// One look, ten seconds after the last one.
    fn look(&mut self) -> (Verdict, f64) {
        self.now += Duration::from_secs(10);
        let read = self.follower.read(&self.path, &self.pattern, self.now);
        let masker = Masker::new(&[], &[]).expect("nothing to mask");
        let measured = match read {
            Ok(()) => self.follower.judged(&masker, self.now),
            Err(why) => Measured::unmeasured(why),
        };
        (measured.verdict, measured.value.unwrap_or(-1.0))
    }
}

#[test]
fn what_was_read_before_the_file_was_taken_away_counts() {
    let place = Place::new("taken");
    place.write("app.log", "old ERROR\n");
    let mut following = Following::new(&place);
    assert_eq!(following.look(), (Verdict::Passed, 0.0), "from its end");
    place.write("app.log", "ERROR 1\nERROR 2\nERROR 3\n");
    fs::rename(place.path("app.log"), place.path("app.log.1")).expect("rotated");
    assert_eq!(following.look().0, Verdict::Unmeasured, "nothing has its name");
    place.write("app.log", "well\n");
    assert_eq!(following.look(), (Verdict::Failed, 3.0), "and nothing is lost");
}

#[test]
fn whoever_still_writes_the_old_file_is_read_and_each_line_once() {
    let place = Place::new("rotated");
    place.write("app.log", "");
    let mut following = Following::new(&place);
    following.look();
    fs::rename(place.path("app.log"), place.path("app.log.1")).expect("rotated");
    place.write("app.log", "ERROR of the new\n");
    assert_eq!(following.look(), (Verdict::Passed, 1.0));
    place.write("app.log.1", "ERROR of the ");
    place.write("app.log", "ERROR of the new\n");
    assert_eq!(following.look(), (Verdict::Passed, 2.0));
    place.write("app.log.1", "old\n");
    assert_eq!(following.look(), (Verdict::Failed, 3.0), "a line of one file is never mixed with one of another");
    following.look();
    assert!(following.follower.before.is_none(), "and it is let go");
}

#[test]
fn what_was_passed_over_is_not_well_for_as_long_as_it_would_count() {
    let place = Place::new("spews");
    place.write("app.log", "");
    let mut following = Following::new(&place);
    following.look();
    let file = File::options().append(true).open(place.path("app.log")).expect("opened");
    // Sparse: nothing of it is on the disk.
    file.set_len(BEHIND_BYTES_MAX + LOOK_BYTES_MAX + 1).expect("grown");
    for _ in 0..7 {
        assert_eq!(following.look().0, Verdict::Unmeasured);
    }
    assert_eq!(following.look(), (Verdict::Passed, 0.0));
    file.set_len(3 * BEHIND_BYTES_MAX).expect("grown");
    place.write("app.log", "\nERROR\n");
    assert_eq!(following.look().0, Verdict::Unmeasured);
    place.write("app.log", "ERROR\nERROR\nERROR\n");
    assert_eq!(following.look(), (Verdict::Failed, 3.0), "what is known to be too much is too much");
}
