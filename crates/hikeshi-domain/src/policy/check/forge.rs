//! Whether what belongs to the forge and the chat can be reached as it is written.

use super::{Checking, FlawKind};
use crate::policy::ForgeKind;

impl Checking<'_> {
    pub(super) fn forge(&mut self) {
        let Some(forge) = &self.policy.forge else { return };
        for (key, text) in [("repository", &forge.repository), ("base", &forge.base)] {
            self.filled(&["forge", key], text);
        }
        match forge.kind {
            ForgeKind::Git => self.filled(&["forge", "requests"], &forge.requests),
            ForgeKind::Github => {
                let parts: Vec<&str> = forge.repository.split('/').collect();
                let plain =
                    |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
                if parts.len() != 2 || !parts.iter().all(plain) {
                    let detail = "owner/name".to_owned();
                    self.flaw(&["forge", "repository"], FlawKind::BadPattern { given: forge.repository.clone(), detail });
                }
                if let Some(api) = &forge.api {
                    self.url(&["forge", "api"], api);
                }
            }
        }
    }

    pub(super) fn slack(&mut self) {
        let Some(slack) = &self.policy.slack else { return };
        self.url(&["slack", "api"], &slack.api);
        for (key, text) in [
            ("bot_token_env", &slack.bot_token_env),
            ("app_token_env", &slack.app_token_env),
            ("signing_secret_env", &slack.signing_secret_env),
        ] {
            self.filled(&["slack", key], text);
        }
        let channels = &self.policy.channels;
        for (name, given) in &slack.channels {
            let at = ["slack", "channels", name.as_str()];
            if ![&channels.emergency, &channels.incidents].contains(&name) {
                self.unknown(&at, "channel", name.as_str(), [channels.emergency.as_str(), channels.incidents.as_str()]);
            }
            self.filled(&at, given);
        }
        for (role, group) in &slack.groups {
            let at = ["slack", "groups", role.as_str()];
            self.roles(&at, std::slice::from_ref(role));
            self.filled(&at, group);
        }
        let mut seen = std::collections::BTreeMap::new();
        for id in self.policy.people.keys() {
            if let Some(other) = self.policy.chat_user(id).and_then(|user| seen.insert(user, id)) {
                self.flaw(&["people", id.as_str(), "chat"], FlawKind::SameAs { other: other.to_string() });
            }
        }
    }
}
