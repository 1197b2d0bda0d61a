//! What must hold in the section `paging`, and in what people say of how they are reached.

use std::collections::BTreeMap;

use super::{Checking, FlawKind};
use crate::ids::PersonId;
use crate::incident::Priority;
use crate::page::Means;
use crate::policy::{Bundling, PagingRule, Twilio, WebPush, telephone, web_push};

const RULES_MAX: u64 = 10;
/// A page is held by a claim, which cannot reach further than ten minutes.
const WINDOW_MAX_S: u64 = 300;
const LAST_MIN: u64 = 1_440;
const SERVICES_MAX: u64 = 20;

impl Checking<'_> {
    pub(super) fn paging(&mut self) {
        for (id, person) in &self.policy.people {
            self.paging_rules(&["people", id.as_str(), "page_by"], &person.page_by);
            if let Some(webhook) = &person.webhook {
                self.url(&["people", id.as_str(), "webhook", "url"], &webhook.url);
            }
        }
        let Some(paging) = &self.policy.paging else { return };
        if paging.rules.is_empty() {
            self.flaw(&["paging", "rules"], FlawKind::Empty);
        }
        self.paging_rules(&["paging", "rules"], &paging.rules);
        self.bounds(&["paging", "timeout_s"], u64::from(paging.timeout_s), 1, 60);
        self.bundle(&paging.bundle);
        if let Some(mail) = &paging.mail {
            self.filled(&["paging", "mail", "host"], &mail.host);
            self.filled(&["paging", "mail", "from"], &mail.from);
            self.bounds(&["paging", "mail", "port"], u64::from(mail.port), 1, 65_535);
        }
        if let Some(twilio) = &paging.twilio {
            self.twilio(twilio);
        }
        if let Some(push) = &paging.web_push {
            self.web_push(push);
        }
        let own = self.policy.people.values().flat_map(|person| &person.page_by);
        let named: Vec<Means> = paging.rules.iter().chain(own).flat_map(|rule| rule.by.iter().copied()).collect();
        let numbers = paging.twilio.as_ref().map(|twilio| (twilio.sms_from.is_some(), twilio.voice_from.is_some()));
        let (sms, voice) = numbers.unwrap_or_default();
        for (means, there, key) in [(Means::Sms, sms, "sms_from"), (Means::Voice, voice, "voice_from")] {
            // Whoever counts on a call that cannot be made finds out in the night in which it matters.
            if named.contains(&means) && !there {
                self.flaw(&["paging", "twilio", key], FlawKind::Empty);
            }
        }
        if named.contains(&Means::Slack) && self.policy.slack.is_none() {
            self.flaw(&["slack"], FlawKind::Empty);
        }
        if named.contains(&Means::WebPush) && paging.web_push.is_none() {
            self.flaw(&["paging", "web_push"], FlawKind::Empty);
        }
    }

    fn web_push(&mut self, push: &WebPush) {
        let at = ["paging", "web_push", "contact"];
        if !push.contact.starts_with("mailto:") {
            self.url(&at, &push.contact);
        }
        // Push services refuse any other subject of the token (RFC 8292).
        if push.contact.starts_with("http://") || push.contact == "mailto:" {
            self.flaw(&at, FlawKind::BadUrl { given: push.contact.clone() });
        }
        self.bounds(&["paging", "web_push", "allow"], push.allow.len() as u64, 0, SERVICES_MAX);
        for (index, origin) in push.allow.iter().enumerate() {
            if !web_push::is_origin(origin) {
                self.flaw(&["paging", "web_push", "allow", &index.to_string()], FlawKind::BadUrl { given: origin.clone() });
            }
        }
    }

    /// Whoever waits for others must still be reached well before somebody has to have acknowledged.
    fn bundle(&mut self, bundle: &Bundling) {
        let act_within = |priority| self.policy.incident.priorities.get(priority).map(|row| u64::from(row.act_within_min) * 60);
        let targets = bundle.priorities.iter().filter_map(act_within);
        let longest = targets.map(|seconds| seconds / 4).min().unwrap_or(WINDOW_MAX_S).min(WINDOW_MAX_S);
        self.bounds(&["paging", "bundle", "window_s"], u64::from(bundle.window_s), 0, longest);
        if bundle.priorities.contains(&Priority::P1) {
            self.flaw(&["paging", "bundle", "priorities"], FlawKind::NeverWaits { given: Priority::P1.code().to_owned() });
        }
    }

    fn twilio(&mut self, twilio: &Twilio) {
        let at = |key| ["paging", "twilio", key];
        self.filled(&at("account_sid_env"), &twilio.account_sid_env);
        self.filled(&at("auth_token_env"), &twilio.auth_token_env);
        for (key, number) in [("sms_from", &twilio.sms_from), ("voice_from", &twilio.voice_from)] {
            if let Some(given) = number.as_ref().filter(|number| !telephone::is_number(number)) {
                self.flaw(&at(key), FlawKind::BadNumber { given: given.clone() });
            }
        }
        for (key, url) in [("api", &twilio.api), ("public_url", &twilio.public_url)] {
            self.url(&at(key), url);
            if url.contains(['?', '#']) {
                self.flaw(&at(key), FlawKind::BadUrl { given: url.clone() });
            }
        }
        self.bounds(&at("report_within_s"), u64::from(twilio.report_within_s), 2, 600);
        let mut owners: BTreeMap<&str, &PersonId> = BTreeMap::new();
        for (id, person) in &self.policy.people {
            let Some(number) = &person.phone else { continue };
            let at = ["people", id.as_str(), "phone"];
            if !telephone::is_number(number) {
                self.flaw(&at, FlawKind::BadNumber { given: number.clone() });
            }
            // An answer from a number that two share says nothing of who has it in hand.
            if let Some(other) = owners.insert(number, id) {
                self.flaw(&at, FlawKind::SameAs { other: other.to_string() });
            }
        }
    }

    /// What is tried first is tried at once, and what comes later comes later.
    fn paging_rules(&mut self, at: &[&str], rules: &[PagingRule]) {
        self.bounds(at, rules.len() as u64, 0, RULES_MAX);
        let mut last: Option<u32> = None;
        for (index, rule) in rules.iter().enumerate() {
            let index = index.to_string();
            let under = |key| [at, &[index.as_str(), key]].concat();
            if rule.by.is_empty() {
                self.flaw(&under("by"), FlawKind::Empty);
            }
            let first = if last.is_none() { 0 } else { LAST_MIN };
            self.bounds(&under("after_min"), u64::from(rule.after_min), 0, first);
            if last.is_some_and(|last| rule.after_min <= last) {
                self.flaw(&under("after_min"), FlawKind::NotAscending);
            }
            last = Some(rule.after_min);
        }
    }
}
