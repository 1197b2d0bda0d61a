//! The time of the real world. Only here: whoever else wants it is given it.

use std::time::{Duration, UNIX_EPOCH};

use jiff::Timestamp;

#[expect(clippy::disallowed_methods, reason = "outside measures what really happened: when a step began, how long a check took")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// Nanoseconds since 1970, on the clock that file systems stamp with.
#[expect(clippy::disallowed_methods, reason = "compared with the change times that the file system wrote from the same clock")]
pub(crate) fn file_now_ns() -> i64 {
    let since = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

pub(crate) fn millis(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}
