//! How the states of the status page are called. Outsiders read these words.

use hikeshi_domain::policy::PageName;
use hikeshi_domain::status::{Health, PublicState};

use super::both;
use crate::Lang;

/// Where an incident stands, as outsiders are told.
pub fn public_state(lang: Lang, state: PublicState) -> &'static str {
    both(
        lang,
        match state {
            PublicState::Investigating => ("調査中", "Investigating"),
            PublicState::Identified => ("原因を特定", "Identified"),
            PublicState::Monitoring => ("復旧を確認中", "Monitoring"),
            PublicState::Resolved => ("復旧済み", "Resolved"),
        },
    )
}

/// How a component is.
pub fn health(lang: Lang, health: Health) -> &'static str {
    both(
        lang,
        match health {
            Health::Operational => ("正常", "Operational"),
            Health::Maintenance => ("メンテナンス中", "Under maintenance"),
            Health::Degraded => ("性能低下", "Degraded performance"),
            Health::PartialOutage => ("一部停止", "Partial outage"),
            Health::MajorOutage => ("停止", "Major outage"),
        },
    )
}

/// A name of the policy's section `status`.
pub fn page_name(lang: Lang, name: &PageName) -> &str {
    match lang {
        Lang::Ja => &name.ja,
        Lang::En => &name.en,
    }
}
