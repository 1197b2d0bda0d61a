//! What changed around an incident, as rows.

use hikeshi_domain::Timestamp;
use hikeshi_domain::change::{Change, What};
use hikeshi_engine::look::ChangesAround;
use hikeshi_text::label;
use hikeshi_text::page::Words;

use super::{Html, time_html};
use crate::viewer::Viewer;

/// Before the rest is folded: what can be done must stay within reach.
const SHOWN: usize = 5;

pub struct AlteredRow {
    pub title: String,
    /// Outwards where somebody told it, to the exception where we know it ourselves.
    pub href: Option<String>,
    pub outside: bool,
    pub place: String,
    pub who: String,
    pub when: Html,
    pub details: String,
}

/// Changes of one kind of place.
pub struct AlteredPart {
    pub heading: &'static str,
    pub anchor: &'static str,
    pub rows: Vec<AlteredRow>,
    pub folded: Vec<AlteredRow>,
    pub fold: String,
    pub unlisted: Option<String>,
}

pub fn parts(viewer: &Viewer, around: &ChangesAround, now: Timestamp) -> Vec<AlteredPart> {
    let t = Words(viewer.lang);
    let part = |anchor, heading, changes: &[Change], total: u64| {
        let listed = u64::try_from(changes.len()).unwrap_or(u64::MAX);
        let more = total.saturating_sub(listed);
        (!changes.is_empty()).then(|| AlteredPart {
            heading,
            anchor,
            rows: changes.iter().take(SHOWN).map(|change| row(viewer, change, now)).collect(),
            folded: changes.iter().skip(SHOWN).map(|change| row(viewer, change, now)).collect(),
            fold: t.alerts_more(changes.len().saturating_sub(SHOWN)),
            unlisted: (more > 0).then(|| t.altered_unlisted(more)),
        })
    };
    let here = part("changes-here", t.altered_here(), &around.here, around.here_total);
    let elsewhere = part("changes-elsewhere", t.altered_elsewhere(), &around.elsewhere, around.elsewhere_total);
    here.into_iter().chain(elsewhere).collect()
}

fn row(viewer: &Viewer, change: &Change, now: Timestamp) -> AlteredRow {
    let (href, outside) = match &change.what {
        What::Told { link, .. } => (link.clone().filter(|link| hikeshi_domain::change::is_link(link)), true),
        What::Step { emergency, .. }
        | What::Session { emergency, .. }
        | What::Reverted { emergency, .. }
        | What::Restored { emergency } => (Some(format!("/emergencies/{emergency}")), false),
        What::Policy { .. } | What::Silence { .. } => (None, false),
    };
    AlteredRow {
        title: label::change(viewer.lang, change, &viewer.names),
        href,
        outside,
        place: label::change_place(change, &viewer.names),
        who: hikeshi_text::actor(viewer.lang, &change.by, &viewer.names),
        when: time_html(viewer, change.at, now),
        details: match &change.what {
            What::Told { details, .. } => details.clone(),
            _ => String::new(),
        },
    }
}
