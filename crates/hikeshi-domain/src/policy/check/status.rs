//! What must hold in the section `status`.

use super::{Checking, FlawKind};
use crate::policy::{PageName, StatusPage};

const COMPONENTS_MAX: u64 = 100;
const WEBHOOKS_MAX: u64 = 20;

impl Checking<'_> {
    pub(super) fn status(&mut self) {
        let Some(page) = self.policy.status.as_deref() else { return };
        self.page_name(&["status", "title"], &page.title);
        if page.components.is_empty() {
            self.flaw(&["status", "components"], FlawKind::Empty);
        }
        self.bounds(&["status", "components"], page.components.len() as u64, 0, COMPONENTS_MAX);
        for (id, component) in &page.components {
            let at = ["status", "components", id.as_str()];
            self.page_name(&[at.as_slice(), &["name"]].concat(), &component.name);
            let services = [at.as_slice(), &["services"]].concat();
            if component.services.is_empty() {
                self.flaw(&services, FlawKind::Empty);
            }
            for (index, service) in component.services.iter().enumerate() {
                self.service(&[services.as_slice(), &[index.to_string().as_str()]].concat(), service);
            }
            self.environment(&[at.as_slice(), &["environment"]].concat(), &component.environment);
        }
        self.status_outlets(page);
    }

    fn status_outlets(&mut self, page: &StatusPage) {
        self.url(&["status", "url"], &page.url);
        if page.url.contains(['?', '#']) {
            self.flaw(&["status", "url"], FlawKind::BadUrl { given: page.url.clone() });
        }
        if let Some(directory) = page.directory.as_ref().filter(|directory| !directory.starts_with('/')) {
            self.flaw(&["status", "directory"], FlawKind::NotAbsolute { given: directory.clone() });
        }
        self.bounds(&["status", "mails_per_min"], u64::from(page.mails_per_min), 1, 6_000);
        if let Some(mail) = &page.mail {
            self.filled(&["status", "mail", "host"], &mail.host);
            self.filled(&["status", "mail", "from"], &mail.from);
            self.bounds(&["status", "mail", "port"], u64::from(mail.port), 1, 65_535);
        }
        self.bounds(&["status", "webhooks"], page.webhooks.len() as u64, 0, WEBHOOKS_MAX);
        for (name, webhook) in &page.webhooks {
            self.url(&["status", "webhooks", name.as_str(), "url"], &webhook.url);
        }
    }

    fn page_name(&mut self, at: &[&str], name: &PageName) {
        for (key, text) in [("ja", &name.ja), ("en", &name.en)] {
            self.filled(&[at, &[key]].concat(), text);
            self.bounds(&[at, &[key]].concat(), text.chars().count() as u64, 0, 80);
        }
    }
}
