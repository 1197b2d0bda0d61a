//! Counting in a row: when what a monitor sees is worth telling.

use hikeshi_domain::Timestamp;
use hikeshi_domain::monitor::{MonitorState, Verdict};

/// Looks in a row, as far as they matter.
#[derive(Debug, Default)]
pub(super) struct Streak {
    last: Option<Verdict>,
    /// Looks in a row that said the same as the last one.
    same: u32,
    same_since: Option<Timestamp>,
    /// Looks in a row of which none passed.
    unwell: u32,
    unwell_since: Option<Timestamp>,
}

/// What is to be told, and since when it is so.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum News {
    Fails { since: Timestamp },
    Unmeasured { since: Timestamp },
    Recovered { since: Timestamp },
}

impl News {
    pub(super) fn since(&self) -> Timestamp {
        let (Self::Fails { since } | Self::Unmeasured { since } | Self::Recovered { since }) = self;
        *since
    }
}

impl Streak {
    pub(super) fn add(&mut self, verdict: Verdict, at: Timestamp) {
        if self.last == Some(verdict) {
            self.same = self.same.saturating_add(1);
        } else {
            (self.last, self.same, self.same_since) = (Some(verdict), 1, Some(at));
        }
        if verdict == Verdict::Passed {
            (self.unwell, self.unwell_since) = (0, None);
        } else {
            self.unwell = self.unwell.saturating_add(1);
            self.unwell_since.get_or_insert(at);
        }
    }

    /// What the door does not know yet. Looks that failed and looks that could not measure, mixed, are a failure as well: otherwise a thing
    /// that is broken in both ways by turns would never be told.
    ///
    /// Whoever was told and has resolved it (`told` is false) hears of it anew.
    pub(super) fn news(&self, believed: Option<&MonitorState>, told: bool, failures: u32, recoveries: u32) -> Option<News> {
        let (failures, recoveries) = (failures.max(1), recoveries.max(1));
        let healthy = believed.is_none_or(|state| state.healthy);
        let fresh = healthy || !told;
        let unmeasured = believed.is_some_and(|state| !state.healthy && state.unmeasured);
        match self.last? {
            Verdict::Passed if !healthy && self.same >= recoveries => Some(News::Recovered { since: self.same_since? }),
            Verdict::Failed if fresh && self.unwell >= failures => Some(News::Fails { since: self.unwell_since? }),
            Verdict::Failed if unmeasured && self.same >= failures => Some(News::Fails { since: self.same_since? }),
            Verdict::Unmeasured if (!unmeasured || !told) && self.same >= failures => Some(News::Unmeasured { since: self.same_since? }),
            Verdict::Passed | Verdict::Failed | Verdict::Unmeasured => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use hikeshi_domain::ids::MonitorName;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    fn state(healthy: bool, unmeasured: bool) -> MonitorState {
        let monitor = MonitorName::new("api").expect("a name");
        MonitorState { monitor, healthy, since: at(0), incident: None, held: None, unmeasured, seen: String::new() }
    }

    /// `p`assed, `f`ailed, `u`nmeasured, one a second: the news after the last of them, at a threshold of three and two.
    fn after(looks: &str, believed: Option<&MonitorState>) -> Option<News> {
        news(looks, believed, true)
    }

    fn news(looks: &str, believed: Option<&MonitorState>, told: bool) -> Option<News> {
        let mut streak = Streak::default();
        for (second, look) in (0..).zip(looks.chars()) {
            let verdict = match look {
                'p' => Verdict::Passed,
                'f' => Verdict::Failed,
                _ => Verdict::Unmeasured,
            };
            streak.add(verdict, at(second));
        }
        streak.news(believed, told, 3, 2)
    }

    #[test]
    fn only_enough_in_a_row_is_news_and_only_once() {
        let (well, failing, blind) = (state(true, false), state(false, false), state(false, true));
        for (looks, believed, news) in [
            ("ff", None, None),
            ("fpff", None, None),
            ("pfff", None, Some(News::Fails { since: at(1) })),
            ("ffff", Some(&failing), None),
            ("uu", None, None),
            ("puuu", Some(&well), Some(News::Unmeasured { since: at(1) })),
            ("uuuu", Some(&blind), None),
            ("p", Some(&failing), None),
            ("pp", Some(&failing), Some(News::Recovered { since: at(0) })),
            ("upp", Some(&blind), Some(News::Recovered { since: at(1) })),
            ("pp", Some(&well), None),
            ("pupu", Some(&blind), None),
        ] {
            assert_eq!(after(looks, believed), news, "{looks}");
        }
    }

    #[test]
    fn what_goes_on_after_it_was_resolved_is_told_again() {
        let (failing, blind) = (state(false, false), state(false, true));
        for (looks, believed, wanted) in [
            ("ff", &failing, None),
            ("fff", &failing, Some(News::Fails { since: at(0) })),
            ("uuu", &blind, Some(News::Unmeasured { since: at(0) })),
            ("pp", &failing, Some(News::Recovered { since: at(0) })),
        ] {
            assert_eq!(news(looks, Some(believed), false), wanted, "{looks}");
        }
    }

    #[test]
    fn what_cannot_be_measured_and_what_fails_are_told_apart_and_neither_hides_the_other() {
        let (failing, blind) = (state(false, false), state(false, true));
        for (looks, believed, news) in [
            ("fuf", None, Some(News::Fails { since: at(0) })),
            ("uuf", None, Some(News::Fails { since: at(0) })),
            ("fuu", None, None),
            ("fuuu", None, Some(News::Unmeasured { since: at(1) })),
            ("fuuu", Some(&failing), Some(News::Unmeasured { since: at(1) })),
            ("uuuff", Some(&blind), None),
            ("uuufff", Some(&blind), Some(News::Fails { since: at(3) })),
            ("fufu", Some(&failing), None),
        ] {
            assert_eq!(after(looks, believed), news, "{looks}");
        }
    }
}
