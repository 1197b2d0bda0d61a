//! What the status page shows, and who reads it by mail.

use hikeshi_domain::Timestamp;
use hikeshi_domain::ids::{ComponentName, RoleName};
use hikeshi_domain::permit::holds;
use hikeshi_domain::policy::{Language, PageName, Visibility};
use hikeshi_domain::status::Health;
use hikeshi_domain::status::picture::{PlannedWork, PublicIncident, healths, worst};
use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Look, LookError, Sight};

/// How far back the page goes.
const DAYS: i64 = 90;
/// Incidents of one page.
const INCIDENTS_MAX: u32 = 300;

/// The status page of the team. Everything of it but the names of who published is what outsiders read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StatusView {
    pub size: u64,
    pub at: Timestamp,
    pub title: PageName,
    /// Where it is read.
    pub url: String,
    pub visibility: Visibility,
    /// Where its static files are written.
    pub directory: Option<String>,
    pub time_zone: String,
    pub language: Language,
    /// Whether people can subscribe by mail.
    pub mail: bool,
    /// How many have.
    pub subscribers: u64,
    pub components: Vec<ComponentView>,
    /// The worst of them, and no better than degraded while an incident is open.
    pub worst: Health,
    /// Of the last 90 days, and all that are open; the newest first.
    pub incidents: Vec<PublicIncident>,
    /// Announced work that is not over, the next first.
    pub works: Vec<PlannedWork>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ComponentView {
    pub component: ComponentName,
    pub name: PageName,
    pub health: Health,
}

/// Who reads the page by mail. Of an address only as much is shown as it takes to recognise it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SubscribersView {
    pub subscribers: Vec<SubscriberView>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SubscriberView {
    pub id: u64,
    /// `y…@example.jp`
    pub address: String,
    pub since: Timestamp,
}

impl Look<'_> {
    pub async fn status(&self) -> Result<StatusView, LookError> {
        self.see(view).await
    }

    /// For whoever administrates the workspace.
    pub async fn subscribers(&self) -> Result<SubscribersView, LookError> {
        self.see(|sight| {
            administrates(sight)?;
            let listed = sight.reader.listed_subscribers()?;
            let shown = listed.into_iter().map(|one| SubscriberView { id: one.id, address: short(&one.address), since: one.since });
            Ok(SubscribersView { subscribers: shown.collect() })
        })
        .await
    }

    /// Deletes an address.
    pub async fn forget_subscriber(&self, id: u64) -> Result<(), LookError> {
        self.see(administrates).await?;
        let forgotten = self.door.forget_subscriber(id).await?;
        if forgotten { Ok(()) } else { Err(LookError::NotFound { what: "subscriber", given: id.to_string() }) }
    }
}

fn administrates(sight: &mut Sight<'_, '_>) -> Result<(), LookError> {
    let admin: Vec<RoleName> = RoleName::new("admin").into_iter().collect();
    let known = holds(&sight.policy, &sight.actor, &admin);
    if known { Ok(()) } else { Err(LookError::NotFound { what: "list", given: "subscribers".to_owned() }) }
}

fn short(address: &str) -> String {
    let (name, host) = address.split_once('@').unwrap_or((address, ""));
    format!("{}…@{host}", name.chars().take(1).collect::<String>())
}

fn view(sight: &mut Sight<'_, '_>) -> Result<StatusView, LookError> {
    let policy = sight.policy.clone();
    let page = policy.status.as_deref().ok_or_else(|| LookError::NotFound { what: "page", given: "status".to_owned() })?;
    let now = sight.now;
    let since = now.checked_sub(SignedDuration::from_hours(24 * DAYS)).unwrap_or(Timestamp::MIN);
    let found = sight.reader.public_incidents(since, INCIDENTS_MAX)?;
    let recent = |incident: &PublicIncident| incident.is_open() || incident.posts.last().is_some_and(|post| post.at > since);
    let mut incidents: Vec<PublicIncident> = found.iter().filter_map(PublicIncident::of).filter(recent).collect();
    incidents.sort_by_key(|incident| std::cmp::Reverse((incident.posts.first().map(|post| post.at), incident.incident)));
    let silences = sight.head.workspace.silences.values();
    let mut works: Vec<PlannedWork> = silences.filter_map(|silence| PlannedWork::of(&policy, page, silence, now)).collect();
    works.sort_by_key(|work| (work.from, work.silence));
    let healths = healths(page, &incidents, &works, now);
    let components = page.components.iter().map(|(id, component)| ComponentView {
        component: id.clone(),
        name: component.name.clone(),
        health: healths.get(id).copied().unwrap_or_default(),
    });
    Ok(StatusView {
        size: sight.head.size,
        at: now,
        title: page.title.clone(),
        url: page.url.clone(),
        visibility: page.visibility,
        directory: page.directory.clone(),
        time_zone: policy.workspace.time_zone.clone(),
        language: policy.workspace.language,
        mail: page.mail.is_some(),
        subscribers: sight.reader.subscribers()?,
        components: components.collect(),
        worst: worst(&healths, &incidents),
        incidents,
        works,
    })
}
