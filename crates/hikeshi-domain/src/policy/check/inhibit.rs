//! What must hold in the section `alerts.inhibit`.

use super::{Checking, FlawKind};
use crate::alert::silence::Covers;
use crate::alert::{LABEL_CHARS_MAX, LABELS_MAX};
use crate::ids::{MonitorName, SourceName};

const RULES_MAX: u64 = 50;
const EQUAL_MAX: u64 = 10;

impl Checking<'_> {
    pub(super) fn inhibitions(&mut self) {
        let rules = &self.policy.alerts.inhibit;
        self.bounds(&["alerts", "inhibit"], rules.len() as u64, 0, RULES_MAX);
        for (name, rule) in rules {
            let at = ["alerts", "inhibit", name.as_str()];
            let under = |key| [at.as_slice(), &[key]].concat();
            self.covers(&under("when"), &rule.when);
            self.covers(&under("holds"), &rule.holds);
            self.bounds(&under("equal"), rule.equal.len() as u64, 0, EQUAL_MAX);
            for (index, label) in rule.equal.iter().enumerate() {
                self.filled(&[under("equal").as_slice(), &[index.to_string().as_str()]].concat(), label);
            }
            // A monitor has no labels that could be equal.
            if !rule.equal.is_empty() && (rule.when.monitor.is_some() || rule.holds.monitor.is_some()) {
                self.flaw(&at, FlawKind::ExactlyOne { of: ["monitor", "equal"].map(str::to_owned).to_vec() });
            }
        }
    }

    /// All that is named must be declared, and something must be named: nothing would fit everything.
    fn covers(&mut self, at: &[&str], covers: &Covers) {
        let under = |key| [at, &[key]].concat();
        if covers.names_nothing() {
            self.flaw(at, FlawKind::Empty);
        }
        if let Some(service) = &covers.service {
            self.service(&under("service"), service);
        }
        if let Some(environment) = &covers.environment {
            self.environment(&under("environment"), environment);
        }
        if let Some(source) = covers.source.as_ref().filter(|source| !self.policy.alerts.sources.contains_key(*source)) {
            let known: Vec<&str> = self.policy.alerts.sources.keys().map(SourceName::as_str).collect();
            self.unknown(&under("source"), "source", source.as_str(), known);
        }
        if let Some(monitor) = covers.monitor.as_ref().filter(|monitor| !self.policy.monitors.contains_key(*monitor)) {
            let known: Vec<&str> = self.policy.monitors.keys().map(MonitorName::as_str).collect();
            self.unknown(&under("monitor"), "monitor", monitor.as_str(), known);
        }
        if covers.monitor.is_some() && (covers.source.is_some() || !covers.labels.is_empty()) {
            self.flaw(at, FlawKind::ExactlyOne { of: ["monitor", "source, labels"].map(str::to_owned).to_vec() });
        }
        self.bounds(&under("labels"), covers.labels.len() as u64, 0, LABELS_MAX as u64);
        for (label, value) in &covers.labels {
            let at = [under("labels").as_slice(), &[label.as_str()]].concat();
            self.filled(&at, label);
            self.bounds(&at, value.all().len() as u64, 1, LABELS_MAX as u64);
            for value in std::iter::once(label).chain(value.all()) {
                self.bounds(&at, value.chars().count() as u64, 0, LABEL_CHARS_MAX as u64);
            }
        }
    }
}
