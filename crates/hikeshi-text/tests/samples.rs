//! One of every variant that has words. A new variant does not compile before it is listed here.

mod altered;
mod case;
mod events;
mod notices;
mod postmortems;
mod refusals;
mod reviews;

pub use case::*;
pub use events::{alert_steps, contact_steps, events, offline, page_steps, redactions, rooms, silences};
pub use notices::{inhibitions, notices};
pub use postmortems::{postmortem_order, postmortem_steps};
pub use refusals::{flaws, refusals, weakenings};
pub use reviews::{findings, presented, review, uses};

/// Lists one sample per variant; the match keeps the list complete.
macro_rules! every {
    ($(#[$doc:meta])* $function:ident: $enum:ident { $($variant:ident => $sample:expr),* $(,)? }) => {
        $(#[$doc])*
        pub fn $function() -> Vec<(&'static str, $enum)> {
            fn listed(sample: &$enum) -> &'static str {
                match sample { $($enum::$variant { .. } => stringify!($variant),)* }
            }
            let all = vec![$((stringify!($variant), $sample)),*];
            for (name, sample) in &all {
                assert_eq!(listed(sample), *name, "the sample is another variant");
            }
            all
        }
    };
}
pub(crate) use every;

/// A window of planned work.
pub fn silence() -> hikeshi_domain::alert::silence::Silence {
    use hikeshi_domain::alert::silence::{Covers, Silence};
    let covers = Covers {
        service: Some(incident().service),
        labels: [("alertname".to_owned(), hikeshi_domain::policy::OneOf::Any(vec!["HighLatency".to_owned(), "Down".to_owned()]))].into(),
        ..Covers::default()
    };
    Silence {
        id: hikeshi_domain::ids::SilenceId(4),
        covers,
        from: at("13:00:00"),
        until: at("15:00:00"),
        reason: "the database is moved".to_owned(),
        by: hikeshi_domain::alert::inhibit::By::Person(person("tanaka")),
        public: None,
        lifted_by: None,
        looked_at: None,
    }
}

/// What follows from a switch that is down.
pub fn inhibition() -> hikeshi_domain::alert::silence::Silence {
    use hikeshi_domain::alert::inhibit::{By, Cause, Inhibition};
    let source = "prometheus".parse().unwrap();
    let cause = Cause::Alert(hikeshi_domain::alert::AlertRef { source, key: hikeshi_domain::alert::AlertKey::of("sw-1") });
    let by = By::Rule(Inhibition { rule: "switch-down".parse().unwrap(), cause });
    hikeshi_domain::alert::silence::Silence { by, reason: "sw-1 is down".to_owned(), ..silence() }
}

/// A post for outsiders.
pub fn published() -> hikeshi_domain::event::Event {
    use hikeshi_domain::status::{PublicPost, PublicState, PublicText, StatusEvent, StatusStep};
    let post = PublicPost {
        number: 1,
        at: at("03:10:00"),
        state: PublicState::Investigating,
        text: PublicText { ja: Some("予約しにくい状態です。".to_owned()), en: Some("Booking is slow.".to_owned()) },
        components: [("web-booking".parse().unwrap(), hikeshi_domain::status::Health::Degraded)].into(),
        by: Some(person("tanaka")),
        told: None,
    };
    let what = StatusStep::Published { post: Box::new(post) };
    hikeshi_domain::event::Event::Status(StatusEvent { incident: incident().id, what })
}
