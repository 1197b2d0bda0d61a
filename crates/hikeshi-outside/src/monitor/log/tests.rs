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
    masker: Masker,
    now: Instant,
}

impl Following {
    fn new(place: &Place) -> Self {
        Self::with(place, r#"{"file": "app.log", "pattern": "ERROR", "more_than": 2, "within_s": 60}"#)
    }

    fn with(place: &Place, log: &str) -> Self {
        let log: LogMonitor = serde_json::from_str(log).expect("a monitor");
        let pattern = log_pattern(&log.pattern).expect("a pattern");
        let masker = Masker::new(&[], &["hunter2-correct-horse".to_owned()]).expect("a secret to mask");
        Self { follower: Follower::new(&log), path: place.path("app.log").display().to_string(), pattern, masker, now: Instant::now() }
    }

    /// One look, ten seconds after the last one.
    fn look(&mut self) -> (Verdict, f64) {
        let measured = self.look_since(None);
        (measured.verdict, measured.value.unwrap_or(-1.0))
    }

    /// Likewise, with a change so many seconds before it.
    fn look_since(&mut self, change: Option<u64>) -> Measured {
        self.now += Duration::from_secs(10);
        let read = self.follower.read(&self.path, &self.pattern, &self.masker, self.now);
        let change = change.map(|ago| RecentChange { ago: Duration::from_secs(ago), title: "v1.4 を出した".to_owned() });
        match read {
            Ok(()) => self.follower.judged(&self.masker, change.as_ref(), self.now),
            Err(why) => Measured::unmeasured(why),
        }
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

const NEW_ERRORS: &str =
    r#"{"file": "app.log", "pattern": "ERROR", "more_than": 10000, "within_s": 60, "new_errors": {"learn_min": 5, "at_least": 3}}"#;

/// Five minutes in which one kind of error comes again and again.
fn learnt(place: &Place) -> Following {
    place.write("app.log", "");
    let mut following = Following::with(place, NEW_ERRORS);
    following.look();
    for number in 0..32 {
        place.write("app.log", &format!("2026-11-23T09:00:{number:02}Z ERROR timeout after {number}00ms on db-{number}\n"));
        following.look();
    }
    following
}

#[test]
fn d2_a_pattern_that_comes_only_after_a_change_is_a_failure_from_so_many_lines_on() {
    let place = Place::new("new-errors");
    let mut following = learnt(&place);
    let known = following.look_since(None);
    assert_eq!((known.verdict, known.new.len()), (Verdict::Passed, 0));
    assert!(known.seen.contains("1 patterns learnt in 5 min, no change to compare with"), "{}", known.seen);
    place.write("app.log", "2026-11-23T09:06:00Z ERROR timeout after 7ms on db-9\n");
    let after = following.look_since(Some(10));
    assert_eq!((after.verdict, after.new.len()), (Verdict::Passed, 0), "what was known before is not new: {}", after.seen);
    for number in 0..2 {
        place.write("app.log", &format!("ERROR payment {number} of user \"u{number}\" refused, key hunter2-correct-horse\n"));
    }
    let few = following.look_since(Some(20));
    assert_eq!((few.verdict, few.new.len(), few.new[0].count), (Verdict::Passed, 1, 2), "too few yet, but they are shown: {}", few.seen);
    place.write("app.log", "ERROR payment 99 of user \"u99\" refused, key hunter2-correct-horse\n");
    let fails = following.look_since(Some(30));
    assert_eq!(fails.verdict, Verdict::Failed);
    assert_eq!(fails.new[0].pattern, "ERROR payment <n> of user <text> refused, key [masked]");
    assert_eq!(fails.new[0].sample, "ERROR payment 0 of user \"u0\" refused, key [masked]");
    for part in ["3 lines of a pattern that is new since \"v1.4 を出した\" 0 min ago", "for example: ERROR payment 0"] {
        assert!(fails.seen.contains(part), "{}", fails.seen);
    }
    assert!(!format!("{fails:?}").contains("hunter2"));
    assert_eq!(following.look_since(None).verdict, Verdict::Passed, "when the change is long ago, it is known");
}

#[test]
fn d2_what_was_not_learnt_before_the_change_is_never_well() {
    let place = Place::new("unlearnt");
    place.write("app.log", "");
    let mut following = Following::with(&place, NEW_ERRORS);
    following.look();
    place.write("app.log", "ERROR of any kind\n");
    let unknown = following.look_since(Some(5));
    assert_eq!((unknown.verdict, unknown.passing), (Verdict::Unmeasured, true), "{}", unknown.seen);
    assert!(unknown.seen.contains("5 min before a change are needed"), "{}", unknown.seen);
    let before = following.look_since(Some(100_000));
    assert_eq!(before.verdict, Verdict::Unmeasured, "a change of before it was followed");

    let place = Place::new("too-many");
    let mut following = learnt(&place);
    let many: String = (0..1_500).map(|number| format!("ERROR {}\n", words(number))).collect();
    place.write("app.log", &many);
    let unknown = following.look_since(Some(5));
    assert_eq!(unknown.verdict, Verdict::Unmeasured, "{}", unknown.seen);
    assert!(unknown.seen.contains("more than 1000 patterns"), "{}", unknown.seen);
    let patterns = following.follower.patterns.as_ref().expect("learns");
    assert!(format!("{patterns:?}").len() < 1_000_000, "and what is kept has bounds");
}

/// Letters that are no number and no id.
fn words(number: u32) -> String {
    format!("{number:04}").chars().map(|digit| char::from(b'k' + u8::try_from(digit.to_digit(10).unwrap_or(0)).unwrap_or(0))).collect()
}
