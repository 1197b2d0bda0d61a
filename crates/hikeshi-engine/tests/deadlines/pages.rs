//! Steps at 15, 30 and 60 minutes while the program dies at every one of them and the clock jumps: each page once, in order, at its time.

use hikeshi_domain::event::Event;
use hikeshi_domain::ledger::EntryResult;
use hikeshi_domain::page::{AttemptEnd, HowEnded};
use hikeshi_domain::policy::Policy;
use hikeshi_store::testing::Scratch;
use jiff::SignedDuration;

use super::{INCIDENT, quiet, rest};
use crate::kit::*;

hikeshi_store::on_both!(each_page_comes_once_and_in_time_whatever_dies);

/// When the program dies, seen from a step that is due.
#[derive(Clone, Copy, PartialEq)]
enum Dies {
    /// A second before; it is started again when the step is due.
    Before,
    /// Once the step is recorded, perhaps before anybody was called.
    After,
    /// Somebody has been called, and nobody has written it down.
    InFlight,
}

fn paging() -> Policy {
    let mut policy = serde_json::to_value(quiet()).expect("a policy");
    for person in ["tanaka", "ito", "abe"] {
        policy["people"][person]["webhook"] = serde_json::json!({ "url": "http://127.0.0.1:1/" });
    }
    policy["paging"] = serde_json::json!({ "timeout_s": 5, "rules": [{ "after_min": 0, "by": ["webhook"] }] });
    serde_json::from_value(policy).expect("it is a policy still")
}

/// Who was called by which step, and whether they were told that it may be the second time.
fn called(town: &Town) -> Vec<(u32, String, u32, bool)> {
    let pages = town.incident(INCIDENT).pages;
    let attempts = pages.iter().flat_map(|page| page.attempts.iter().map(move |attempt| (page, attempt)));
    attempts
        .map(|(page, attempt)| {
            let Some(AttemptEnd { how: HowEnded::Sent { repeated, .. }, .. }) = &attempt.end else { panic!("not sent: {attempt:?}") };
            let key = format!("page/{INCIDENT}/{}/{}/webhook/{}", page.step, page.person, attempt.number);
            (page.step, page.person.to_string(), town.hands.happened(&hikeshi_domain::effect::EffectKey(key)), *repeated)
        })
        .collect()
}

/// The minutes after the opening at which steps were taken.
fn taken(town: &Town) -> Vec<(u32, i64)> {
    let opened_at = town.incident(INCIDENT).opened_at;
    let mut taken = Vec::new();
    for entry in town.entries() {
        let EntryResult::Done { events, .. } = &entry.result else { continue };
        let steps =
            events.iter().filter_map(|event| if let Event::IncidentEscalated(escalated) = event { Some(escalated.step) } else { None });
        taken.extend(steps.map(|step| (step, entry.at.duration_since(opened_at).as_secs())));
    }
    taken
}

fn each_page_comes_once_and_in_time_whatever_dies(scratch: &Scratch) {
    town(scratch, async |town| {
        let mut engine = town.start("one").await;
        adopt(&engine.door(), paging()).await;
        open_incident(&engine.door(), "takahashi").await;
        town.settled().await;
        let opened_at = town.incident(INCIDENT).opened_at;
        for (minute, steps, dies) in [(15, 2, Dies::Before), (30, 3, Dies::After), (60, 4, Dies::InFlight)] {
            let due = opened_at.checked_add(SignedDuration::from_mins(minute)).expect("a time");
            let before = |seconds| due.checked_sub(SignedDuration::from_secs(seconds)).expect("a time");
            // To the last second, ten minutes back, and there again: nothing is due.
            for seconds in [1, 600, 1] {
                town.clock.set(before(seconds));
                rest().await;
            }
            assert_eq!(town.incident(INCIDENT).escalated_steps, steps - 1, "not early at {minute} minutes");
            match dies {
                Dies::Before => {
                    drop(engine);
                    town.clock.set(due);
                }
                Dies::After => {
                    town.clock.set(due);
                    town.until("the step is recorded", |town| town.incident(INCIDENT).escalated_steps == steps).await;
                    drop(engine);
                }
                Dies::InFlight => {
                    town.hands.will("page_serious", Act::HappenAndHang);
                    town.clock.set(due);
                    let step = format!("page/{INCIDENT}/{steps}/");
                    town.until("both are called", |town| town.hands.performed().iter().filter(|key| key.0.starts_with(&step)).count() == 2)
                        .await;
                    drop(engine);
                    town.hands.will("page_serious", Act::Well);
                }
            }
            engine = town.start("again").await;
            town.until("the step is taken", |town| town.incident(INCIDENT).escalated_steps == steps).await;
            town.settled().await;
        }
        engine.stop().await;
        assert_eq!(taken(&town), [(1, 0), (2, 15 * 60), (3, 30 * 60), (4, 60 * 60)], "each step once, and to the second");
        let mut called = called(&town);
        called.sort();
        let people: Vec<(u32, &str)> = called.iter().map(|(step, person, ..)| (*step, person.as_str())).collect();
        assert_eq!(people, [(0, "abe"), (1, "tanaka"), (2, "ito"), (3, "abe"), (4, "ito"), (4, "tanaka")]);
        for (step, person, times, repeated) in called {
            let fits = match step {
                4 => (times, repeated) == (2, true),
                // The program may have died before the call, after it, or once it was written down.
                3 => matches!((times, repeated), (1, _) | (2, true)),
                _ => (times, repeated) == (1, false),
            };
            assert!(fits, "only what was on its way is repeated, and says so: step {step}, {person}, {times} times, repeated: {repeated}");
        }
        // Whoever is told at once and whoever has the first step are called together, by the opening.
        let step_of = |key: &hikeshi_domain::effect::EffectKey| key.0.split('/').nth(2).and_then(|step| step.parse::<u32>().ok());
        let steps: Vec<u32> = town.hands.performed().iter().filter_map(step_of).map(|step| step.max(1)).collect();
        assert!(steps.is_sorted(), "in their order: {steps:?}");
    });
}
