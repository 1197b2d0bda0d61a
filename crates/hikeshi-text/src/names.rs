//! How people, roles, services and environments are called: by the names that the policy gives them, never by bare ids where a name is known.

use std::collections::BTreeMap;

use hikeshi_domain::effect::{CaseFacts, PostmortemOrder};
use hikeshi_domain::ids::{ChannelName, EnvironmentName, PersonId, RoleName, ScheduleName, ServiceName};
use hikeshi_domain::incident::Priority;
use hikeshi_domain::policy::{Policy, Scheme};

use crate::Lang;
use crate::time::Zone;

/// The names that sentences use. Whatever is unknown falls back to its id, so an old record can still be read after a person left the policy.
#[derive(Debug, Clone, Default)]
pub struct Names {
    people: BTreeMap<PersonId, String>,
    roles: BTreeMap<RoleName, (String, String)>,
    holders: BTreeMap<RoleName, Vec<PersonId>>,
    services: BTreeMap<ServiceName, String>,
    environments: BTreeMap<EnvironmentName, String>,
    schedules: BTreeMap<ScheduleName, String>,
    zone: Zone,
    scheme: Scheme,
}

impl Names {
    pub fn of(policy: &Policy) -> Self {
        let mut holders: BTreeMap<RoleName, Vec<PersonId>> = BTreeMap::new();
        for (id, person) in &policy.people {
            for role in &person.roles {
                holders.entry(role.clone()).or_default().push(id.clone());
            }
        }
        Self {
            people: policy.people.iter().map(|(id, person)| (id.clone(), person.name.clone())).collect(),
            roles: policy.roles.iter().map(|(id, text)| (id.clone(), (text.ja.clone(), text.en.clone()))).collect(),
            holders,
            services: policy.services.iter().map(|(id, service)| (id.clone(), service.name.clone())).collect(),
            environments: policy.environments.iter().map(|(id, environment)| (id.clone(), environment.name.clone())).collect(),
            schedules: policy.schedules.iter().map(|(id, schedule)| (id.clone(), schedule.name.clone())).collect(),
            zone: Zone::named(&policy.workspace.time_zone),
            scheme: policy.incident.scheme,
        }
    }

    /// The names that a document's order carries with it.
    pub fn of_case(facts: &CaseFacts) -> Self {
        Self {
            people: facts.names.clone(),
            services: BTreeMap::from([(facts.incident.service.clone(), facts.service_name.clone())]),
            environments: BTreeMap::from([(facts.incident.environment.clone(), facts.environment_name.clone())]),
            roles: facts.roles.iter().map(|(id, text)| (id.clone(), (text.ja.clone(), text.en.clone()))).collect(),
            zone: Zone::named(&facts.time_zone),
            scheme: facts.scheme,
            ..Self::default()
        }
    }

    /// The names that the order of a postmortem carries with it.
    pub fn of_postmortem(order: &PostmortemOrder) -> Self {
        Self {
            people: order.names.clone(),
            services: BTreeMap::from([(order.incident.service.clone(), order.service_name.clone())]),
            environments: BTreeMap::from([(order.incident.environment.clone(), order.environment_name.clone())]),
            roles: order.roles.iter().map(|(id, text)| (id.clone(), (text.ja.clone(), text.en.clone()))).collect(),
            zone: Zone::named(&order.time_zone),
            scheme: order.scheme,
            ..Self::default()
        }
    }

    /// The names that an order for the chat carries with it.
    pub fn of_chat(words: &hikeshi_domain::chat::Words) -> Self {
        Self {
            people: words.people.clone(),
            roles: words.roles.iter().map(|(id, text)| (id.clone(), (text.ja.clone(), text.en.clone()))).collect(),
            zone: Zone::named(&words.time_zone),
            scheme: words.scheme,
            ..Self::default()
        }
    }

    /// The time zone in which times are shown.
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// How priorities are shown: P1 to P4, or three levels.
    pub fn priority(&self, lang: Lang, priority: Priority) -> &'static str {
        crate::label::priority(lang, self.scheme, priority)
    }

    /// The written name, without an honorific.
    pub fn written<'a>(&'a self, person: &'a PersonId) -> &'a str {
        self.people.get(person).map_or(person.as_str(), String::as_str)
    }

    /// The person as a sentence calls them: 田中 太郎さん, Tanaka Taro.
    pub fn person(&self, lang: Lang, person: &PersonId) -> String {
        match lang {
            Lang::Ja => format!("{}さん", self.written(person)),
            Lang::En => self.written(person).to_owned(),
        }
    }

    pub fn people<'a>(&self, lang: Lang, people: impl IntoIterator<Item = &'a PersonId>) -> String {
        list(lang, people.into_iter().map(|person| self.person(lang, person)))
    }

    pub fn role(&self, lang: Lang, role: &RoleName) -> String {
        if let Some((ja, en)) = self.roles.get(role) {
            let text = match lang {
                Lang::Ja => ja,
                Lang::En => en,
            };
            if !text.is_empty() {
                return text.clone();
            }
        }
        known_role(lang, role.as_str()).unwrap_or(role.as_str()).to_owned()
    }

    /// `CTO、開発責任者` / `CTO, development lead`: neither "and" nor "or", since the sentence around it says which.
    pub fn roles<'a>(&self, lang: Lang, roles: impl IntoIterator<Item = &'a RoleName>) -> String {
        let names: Vec<String> = roles.into_iter().map(|role| self.role(lang, role)).collect();
        names.join(match lang {
            Lang::Ja => "、",
            Lang::En => ", ",
        })
    }

    /// Who holds one of these roles, each person once, in the order of the policy.
    pub fn holders(&self, roles: &[RoleName]) -> Vec<&PersonId> {
        let mut found: Vec<&PersonId> = roles.iter().filter_map(|role| self.holders.get(role)).flatten().collect();
        found.sort();
        found.dedup();
        found
    }

    /// Up to four people who hold one of the roles and are not in `except`; empty when nobody is known.
    pub(crate) fn who_can(&self, lang: Lang, roles: &[RoleName], except: &[&PersonId]) -> String {
        const SHOWN: usize = 4;
        let able: Vec<&PersonId> = self.holders(roles).into_iter().filter(|person| !except.contains(person)).collect();
        let mut shown: Vec<String> = able.iter().take(SHOWN).map(|person| self.person(lang, person)).collect();
        match (lang, able.len() > SHOWN) {
            (_, false) => list(lang, shown),
            (Lang::Ja, true) => format!("{}など", list(lang, shown)),
            (Lang::En, true) => {
                shown.push("others".to_owned());
                list(lang, shown)
            }
        }
    }

    pub fn service<'a>(&'a self, service: &'a ServiceName) -> &'a str {
        self.services.get(service).map_or(service.as_str(), String::as_str)
    }

    pub fn environment<'a>(&'a self, environment: &'a EnvironmentName) -> &'a str {
        self.environments.get(environment).map_or(environment.as_str(), String::as_str)
    }

    pub fn schedule<'a>(&'a self, schedule: &'a ScheduleName) -> &'a str {
        self.schedules.get(schedule).map_or(schedule.as_str(), String::as_str)
    }

    pub fn channel(&self, channel: &ChannelName) -> String {
        format!("#{channel}")
    }
}

/// `A、B、C` / `A, B and C`.
pub(crate) fn list(lang: Lang, items: impl IntoIterator<Item = String>) -> String {
    let items: Vec<String> = items.into_iter().collect();
    match lang {
        Lang::Ja => items.join("、"),
        Lang::En => match items.split_last() {
            None => String::new(),
            Some((only, [])) => only.clone(),
            Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        },
    }
}

/// Roles that the default policy speaks of, for a policy that does not name them itself.
fn known_role(lang: Lang, role: &str) -> Option<&'static str> {
    let (ja, en) = match role {
        "admin" => ("管理者", "administrator"),
        "auditor" => ("監査担当", "auditor"),
        "cto" => ("CTO", "CTO"),
        "dev-lead" => ("開発責任者", "development lead"),
        "developer" => ("開発者", "developer"),
        "lead" => ("リーダー", "team lead"),
        "manager" => ("マネージャー", "manager"),
        "operator" => ("運用担当", "operator"),
        "senior" => ("シニア開発者", "senior developer"),
        _ => return None,
    };
    Some(match lang {
        Lang::Ja => ja,
        Lang::En => en,
    })
}
