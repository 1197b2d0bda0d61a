//! What must hold in the section `alerts`.

use super::{Checking, FlawKind};
use crate::policy::{Format, MailRules};

const GROUP_LABELS_MAX: u64 = 10;
const ROUTES_MAX: u64 = 200;
const SENDERS_MAX: u64 = 50;
const PATTERN_BYTES_MAX: usize = 1 << 20;

impl Checking<'_> {
    pub(super) fn alerts(&mut self) {
        let rules = &self.policy.alerts;
        let flapping = &rules.flapping;
        for (key, given, min, max) in
            [("fires", flapping.fires, 0, 20), ("within_min", flapping.within_min, 1, 1_440), ("settle_min", flapping.settle_min, 1, 1_440)]
        {
            self.bounds(&["alerts", "flapping", key], u64::from(given), min, max);
        }
        for (name, source) in &rules.sources {
            let at = ["alerts", "sources", name.as_str()];
            let under = |key| [at.as_slice(), &[key]].concat();
            self.filled(&under("token_env"), &source.token_env);
            self.service(&under("service"), &source.service);
            self.environment(&under("environment"), &source.environment);
            self.bounds(&under("group_by"), source.group_by.len() as u64, 0, GROUP_LABELS_MAX);
            self.bounds(&under("routes"), source.routes.len() as u64, 0, ROUTES_MAX);
            for (index, route) in source.routes.iter().enumerate() {
                let index = index.to_string();
                let under = |key| [at.as_slice(), &["routes", index.as_str(), key]].concat();
                if let Some(service) = &route.service {
                    self.service(&under("service"), service);
                }
                if let Some(environment) = &route.environment {
                    self.environment(&under("environment"), environment);
                }
                let labels = route.group_by.as_ref().map_or(0, Vec::len);
                self.bounds(&under("group_by"), labels as u64, 0, GROUP_LABELS_MAX);
            }
            self.fields(name.as_str());
            if let Some(mail) = &source.mail {
                self.mail(name.as_str(), source.format, mail);
            }
        }
    }

    fn mail(&mut self, name: &str, format: Format, rules: &MailRules) {
        let at = ["alerts", "sources", name, "mail"];
        if format != Format::Mail {
            self.flaw(&at, FlawKind::OnlyFor { format: "mail".to_owned() });
        }
        self.bounds(&[at.as_slice(), &["from"]].concat(), rules.from.len() as u64, 0, SENDERS_MAX);
        for (key, given) in [("key", rules.key.as_ref()), ("resolved", rules.resolved.as_ref())] {
            let Some(given) = given else { continue };
            if let Err(error) = regex::RegexBuilder::new(given).size_limit(PATTERN_BYTES_MAX).build() {
                let detail = error.to_string().lines().last().unwrap_or_default().to_owned();
                self.flaw(&[at.as_slice(), &[key]].concat(), FlawKind::BadPattern { given: given.clone(), detail });
            }
        }
    }

    fn fields(&mut self, name: &str) {
        let Some(source) = self.policy.alerts.sources.iter().find(|(id, _)| id.as_str() == name).map(|(_, source)| source) else { return };
        let at = ["alerts", "sources", name, "fields"];
        match (&source.fields, source.format) {
            (None, Format::Json) => self.flaw(&at, FlawKind::Empty),
            (None, _) => {}
            (Some(fields), _) => {
                let given = [
                    ("key", Some(&fields.key)),
                    ("title", Some(&fields.title)),
                    ("items", fields.items.as_ref()),
                    ("summary", fields.summary.as_ref()),
                    ("severity", fields.severity.as_ref()),
                    ("status", fields.status.as_ref()),
                    ("link", fields.link.as_ref()),
                    ("labels", fields.labels.as_ref()),
                ];
                for (key, pointer) in given {
                    if let Some(pointer) = pointer.filter(|pointer| !pointer.starts_with('/')) {
                        let detail = "JSON pointer, such as /alert/id".to_owned();
                        self.flaw(&[at.as_slice(), &[key]].concat(), FlawKind::BadPattern { given: pointer.clone(), detail });
                    }
                }
            }
        }
    }
}
