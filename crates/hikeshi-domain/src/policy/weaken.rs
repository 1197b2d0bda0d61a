//! Which changes of a policy loosen a four-eyes rule (rule A3). Such a change waits until two other people have approved it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Forge, Monitor, Policy};
use crate::emergency::ApprovalProof;
use crate::ids::{MonitorName, PersonId, RoleName};
use crate::permit::roles_for;
use crate::signature::ssh::{PublicKey, SshKey};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "weakening", rename_all = "snake_case")]
pub enum Weakening {
    /// A number that protects became smaller (or a validity longer).
    Number { what: String, from: u64, to: u64 },
    /// Roles that may approve, witness or count as senior became more.
    RolesWidened { what: String, added: Vec<RoleName> },
    /// Somebody is given a role that approves or counts as senior.
    RoleGranted { person: PersonId, role: RoleName },
    /// A command may be given by more people than before.
    PermissionWidened { command: String },
    /// An environment in which exceptions were not allowed now allows them.
    EnvironmentOpened { environment: String },
    /// A key with which somebody could approve, witness or agree in this person's name: added, or valid for longer.
    KeyAdded { person: PersonId, fingerprint: String },
    /// Approvals need not be signed any more.
    SignatureDropped,
    /// Somebody else speaks for this person through the chat than before.
    ChatIdentity { person: PersonId },
    /// A masking rule was removed.
    MaskRemoved { what: String },
    /// A monitor runs another program, or reads another log, than before: on its own, with no plan that anybody approves.
    RunsByItself { monitor: MonitorName },
    /// A secret of the server that the policy uses already is sent to an address to which it was not sent before.
    SecretSent { variable: String, to: String },
}

impl Policy {
    /// What the step from `self` to `next` loosens.
    pub fn weakenings(&self, next: &Self) -> Vec<Weakening> {
        let mut found = Vec::new();
        numbers(self, next, &mut found);
        roles(self, next, &mut found);
        people(self, next, &mut found);
        keys(self, next, &mut found);
        chat(self, next, &mut found);
        permissions(self, next, &mut found);
        programs(self, next, &mut found);
        secrets(self, next, &mut found);
        if self.emergency.approval_proof == ApprovalProof::Signed && next.emergency.approval_proof == ApprovalProof::Any {
            found.push(Weakening::SignatureDropped);
        }
        for (name, environment) in &next.environments {
            let before = self.environments.get(name).is_some_and(|environment| environment.exception_allowed);
            if environment.exception_allowed && !before {
                found.push(Weakening::EnvironmentOpened { environment: name.to_string() });
            }
        }
        for mask in self.secrets.env.iter().chain(&self.secrets.patterns) {
            if !next.secrets.env.contains(mask) && !next.secrets.patterns.contains(mask) {
                found.push(Weakening::MaskRemoved { what: mask.clone() });
            }
        }
        found
    }
}

fn numbers(old: &Policy, new: &Policy, found: &mut Vec<Weakening>) {
    let (was, is) = (&old.emergency, &new.emergency);
    let (owed_was, owed_is) = (&old.obligations, &new.obligations);
    // (name, before, after, whether a larger number protects more)
    let rows = [
        ("emergency.witnesses_min", was.witnesses_min, is.witnesses_min, true),
        ("emergency.seniors_min", was.seniors_min, is.seniors_min, true),
        ("emergency.approval_valid_min", was.approval_valid_min, is.approval_valid_min, false),
        ("emergency.trust_valid_h", was.trust_valid_h, is.trust_valid_h, false),
        ("emergency.reconcile_within_h", was.reconcile_within_h, is.reconcile_within_h, false),
        ("emergency.presence_timeout_s", was.presence_timeout_s, is.presence_timeout_s, false),
        ("emergency.silent_timeout_ms", was.silent_timeout_ms, is.silent_timeout_ms, false),
        ("emergency.behind_timeout_s", was.behind_timeout_s, is.behind_timeout_s, false),
        ("emergency.confirm_valid_s", was.confirm_valid_s, is.confirm_valid_s, false),
        ("obligations.change_request_within_h", owed_was.change_request_within_h, owed_is.change_request_within_h, false),
        ("obligations.report_within_h", owed_was.report_within_h, owed_is.report_within_h, false),
        ("obligations.retrospective_within_h", owed_was.retrospective_within_h, owed_is.retrospective_within_h, false),
    ];
    for (what, from, to, larger_protects) in rows {
        if (larger_protects && to < from) || (!larger_protects && to > from) {
            found.push(Weakening::Number { what: what.to_owned(), from: u64::from(from), to: u64::from(to) });
        }
    }
}

fn roles(old: &Policy, new: &Policy, found: &mut Vec<Weakening>) {
    let (was, is) = (&old.emergency, &new.emergency);
    for (what, before, after) in [
        ("emergency.approver_roles", &was.approver_roles, &is.approver_roles),
        ("emergency.witness_roles", &was.witness_roles, &is.witness_roles),
        ("emergency.senior_roles", &was.senior_roles, &is.senior_roles),
    ] {
        let added: Vec<RoleName> = after.iter().filter(|role| !before.contains(role)).cloned().collect();
        if !added.is_empty() {
            found.push(Weakening::RolesWidened { what: what.to_owned(), added });
        }
    }
    // Fewer approver roles: while follow-up is overdue each role must agree, so one less is one person less.
    if was.approver_roles.len() > is.approver_roles.len() {
        let count = |roles: &[RoleName]| u64::try_from(roles.len()).unwrap_or(u64::MAX);
        found.push(Weakening::Number {
            what: "emergency.approver_roles".to_owned(),
            from: count(&was.approver_roles),
            to: count(&is.approver_roles),
        });
    }
    for priority in is.serious.iter().filter(|priority| !was.serious.contains(priority)) {
        found.push(Weakening::Number { what: format!("emergency.serious.{}", priority.code()), from: 0, to: 1 });
    }
}

/// Roles that bind others: they approve, count as senior or witness, or hand out sign-in links.
fn people(old: &Policy, new: &Policy, found: &mut Vec<Weakening>) {
    let rules = &new.emergency;
    for (id, person) in &new.people {
        for role in &person.roles {
            let binding = is_binding(rules, role);
            let had = old.people.get(id).is_some_and(|person| person.roles.contains(role));
            if binding && !had {
                found.push(Weakening::RoleGranted { person: id.clone(), role: role.clone() });
            }
        }
    }
}

fn is_binding(rules: &super::EmergencyPolicy, role: &RoleName) -> bool {
    rules.approver_roles.contains(role)
        || rules.senior_roles.contains(role)
        || rules.witness_roles.contains(role)
        || role.as_str() == "admin"
}

/// Whoever can put a key of their own beside the name of an approver can approve. Revoking and shortening are free.
fn keys(old: &Policy, new: &Policy, found: &mut Vec<Weakening>) {
    for (id, person) in &new.people {
        if !person.roles.iter().any(|role| is_binding(&new.emergency, role)) {
            continue;
        }
        let before = old.people.get(id).map_or(&[][..], |person| &person.ssh_keys);
        for key in &person.ssh_keys {
            let public = PublicKey::parse(&key.key);
            let known = before.iter().find(|known| PublicKey::parse(&known.key) == public);
            if !known.is_some_and(|known| reaches_no_further(known, key)) {
                let fingerprint = public.map_or_else(|_| key.key.clone(), |public| public.fingerprint());
                found.push(Weakening::KeyAdded { person: id.clone(), fingerprint });
            }
        }
    }
}

/// Whoever speaks through the chat for somebody who approves or holds other binding roles can agree in their name.
fn chat(old: &Policy, new: &Policy, found: &mut Vec<Weakening>) {
    let source = |policy: &Policy| {
        policy.slack.as_ref().map(|it| (it.mode, it.api.clone(), it.app_token_env.clone(), it.signing_secret_env.clone()))
    };
    let moved = source(old) != source(new);
    for (id, _) in new.people.iter().filter(|(_, person)| person.roles.iter().any(|role| is_binding(&new.emergency, role))) {
        let (was, is) = (old.chat_user(id), new.chat_user(id));
        if is.is_some() && (was != is || moved) {
            found.push(Weakening::ChatIdentity { person: id.clone() });
        }
    }
}

/// Whether a key, changed, is valid at no moment at which it was not before.
fn reaches_no_further(before: &SshKey, after: &SshKey) -> bool {
    let begins = |key: &SshKey| key.valid_from.unwrap_or(Timestamp::MIN);
    let ends = |key: &SshKey| key.valid_until.into_iter().chain(key.revoked_at).min().unwrap_or(Timestamp::MAX);
    begins(after) >= begins(before) && ends(after) <= ends(before)
}

/// Whoever could put a program of their own into a monitor would run it on a target without anybody's approval.
fn programs(old: &Policy, new: &Policy, found: &mut Vec<Weakening>) {
    for (name, monitor) in &new.monitors {
        let before = old.monitors.get(name);
        let runs = |monitor: &Monitor| monitor.command.as_ref().map(|command| command.run.clone());
        let reads = |monitor: &Monitor| monitor.log.as_ref().map(|log| (log.file.clone(), log.run.clone()));
        // The same words in another directory, on another host or with other secrets are another program.
        let place = |policy: &Policy, monitor: &Monitor| {
            let target = monitor.target().and_then(|target| policy.targets.get(target));
            (monitor.target().cloned(), target.map(|target| (target.root.clone(), target.ssh.clone(), target.pass_env.clone())))
        };
        let there = before.is_some_and(|before| place(old, before) == place(new, monitor));
        let other = |known: bool, given: bool| given && !(known && there);
        let runs_another = other(before.is_some_and(|before| runs(before) == runs(monitor)), monitor.command.is_some());
        let reads_another = other(before.is_some_and(|before| reads(before) == reads(monitor)), monitor.log.is_some());
        if runs_another || reads_another {
            found.push(Weakening::RunsByItself { monitor: name.clone() });
        }
    }
}

/// Whoever could have a secret sent to a server of their own could speak as its owner: with the chat's, approve in anybody's name.
fn secrets(old: &Policy, new: &Policy, found: &mut Vec<Weakening>) {
    let (before, known) = (sent(old), named(old));
    for (variable, to) in sent(new).difference(&before) {
        if known.contains(variable) {
            found.push(Weakening::SecretSent { variable: variable.clone(), to: to.clone() });
        }
    }
}

/// Which variables are sent where.
fn sent(policy: &Policy) -> BTreeSet<(String, String)> {
    let mut sent = BTreeSet::new();
    let mut to = |address: String, variables: &[Option<&String>]| {
        sent.extend(variables.iter().flatten().map(|variable| ((*variable).clone(), address.clone())));
    };
    for prometheus in policy.monitors.values().filter_map(|monitor| monitor.prometheus.as_ref()) {
        to(prometheus.url.clone(), &[prometheus.token_env.as_ref()]);
    }
    if let Some(github) = policy.forge.as_ref().and_then(Forge::github) {
        to(github.api, &[Some(&github.token_env)]);
    }
    if let Some(slack) = &policy.slack {
        to(slack.api.clone(), &[Some(&slack.bot_token_env), Some(&slack.app_token_env)]);
    }
    if let Some(twilio) = policy.paging.as_ref().and_then(|paging| paging.twilio.as_ref()) {
        to(twilio.api.clone(), &[Some(&twilio.account_sid_env), Some(&twilio.auth_token_env)]);
    }
    let page = policy.status.as_ref().and_then(|page| page.mail.as_ref());
    for mail in policy.paging.as_ref().and_then(|paging| paging.mail.as_ref()).into_iter().chain(page) {
        to(format!("{}:{}", mail.host, mail.port), &[mail.user_env.as_ref(), mail.password_env.as_ref()]);
    }
    sent
}

/// Every variable with a secret that the policy names.
fn named(policy: &Policy) -> BTreeSet<String> {
    let mut named: BTreeSet<String> = sent(policy).into_iter().map(|(variable, _)| variable).collect();
    named.extend(policy.slack.iter().map(|slack| slack.signing_secret_env.clone()));
    named.extend(policy.forge.iter().filter_map(|forge| forge.webhook_secret_env.clone()));
    named.extend(policy.alerts.sources.values().map(|source| source.token_env.clone()));
    named.extend(policy.monitors.values().flat_map(Monitor::secret_env).map(str::to_owned));
    named.extend(policy.people.values().filter_map(|person| person.webhook.as_ref()?.secret_env.clone()));
    named.extend(policy.targets.values().flat_map(|target| target.pass_env.iter().cloned()));
    named.extend(policy.secrets.env.iter().cloned());
    named
}

fn permissions(old: &Policy, new: &Policy, found: &mut Vec<Weakening>) {
    for kind in crate::command::KINDS {
        let (before, after) = (roles_for(old, kind), roles_for(new, kind));
        let widened = match (&before, &after) {
            (Some(_), None) => true,
            (Some(before), Some(after)) => after.iter().any(|role| !before.contains(role)),
            (None, _) => false,
        };
        if widened {
            found.push(Weakening::PermissionWidened { command: (*kind).to_owned() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(text: &str) -> Policy {
        serde_json::from_str(text).expect("a policy")
    }

    fn base() -> Policy {
        policy(
            r#"{"workspace":{"name":"宿"},"people":{"sato":{"name":"佐藤","roles":["cto","admin"]},"mori":{"name":"森","roles":["dev-lead"]},
                "tanaka":{"name":"田中","roles":["developer"]}},"environments":{"production":{"name":"本番","exception_allowed":true},"test":{"name":"試験"}}}"#,
        )
    }

    #[test]
    fn another_voice_for_an_approver_waits_for_two_others() {
        let quiet = base();
        let mut old = base();
        old.slack = Some(super::super::Slack::default());
        assert!(quiet.weakenings(&old).is_empty(), "nobody speaks through it yet");
        let speaks = |policy: &Policy, name: &str, user: &str| {
            let mut policy = policy.clone();
            policy.people.iter_mut().filter(|(id, _)| id.as_str() == name).for_each(|(_, person)| person.chat = Some(user.to_owned()));
            policy
        };
        let new = speaks(&old, "sato", "U0SATO");
        let person = PersonId::new("sato").expect("a person");
        assert_eq!(old.weakenings(&new), [Weakening::ChatIdentity { person: person.clone() }]);
        assert_eq!(new.weakenings(&speaks(&new, "sato", "U0OTHER")), [Weakening::ChatIdentity { person: person.clone() }]);
        assert!(new.weakenings(&speaks(&new, "sato", "sato.ken")).is_empty(), "a handle speaks for nobody");
        let mut moved = new.clone();
        moved.slack = Some(super::super::Slack { api: "https://elsewhere.example/api/".to_owned(), ..super::super::Slack::default() });
        let sent =
            |variable: &str| Weakening::SecretSent { variable: variable.to_owned(), to: "https://elsewhere.example/api/".to_owned() };
        assert_eq!(new.weakenings(&moved), [Weakening::ChatIdentity { person }, sent("SLACK_APP_TOKEN"), sent("SLACK_BOT_TOKEN")]);
    }

    #[test]
    fn a_program_that_a_monitor_runs_by_itself_waits_for_two_others() {
        let old = base();
        let with = |what: &str| {
            let mut policy = serde_json::to_value(base()).expect("plain data");
            let mut monitor: serde_json::Value = serde_json::from_str(what).expect("a monitor");
            for (key, value) in [("service", "web"), ("environment", "production"), ("impact", "all_users"), ("business", "slight")] {
                monitor[key] = value.into();
            }
            policy["monitors"] = serde_json::json!({ "disk": monitor });
            serde_json::from_value::<Policy>(policy).expect("a policy")
        };
        let runs = with(r#"{"command": {"run": ["df"]}}"#);
        let found = vec![Weakening::RunsByItself { monitor: MonitorName::known("disk") }];
        assert_eq!(old.weakenings(&runs), found);
        assert_eq!(runs.weakenings(&with(r#"{"command": {"run": ["rm"]}}"#)), found);
        assert_eq!(runs.weakenings(&with(r#"{"command": {"run": ["df"], "target": "web"}}"#)), found);
        assert_eq!(old.weakenings(&with(r#"{"log": {"file": "/etc/shadow", "pattern": "."}}"#)), found);
        assert!(runs.weakenings(&with(r#"{"command": {"run": ["df"], "above": 9}, "failures": 9}"#)).is_empty(), "the same program");
        assert!(runs.weakenings(&old).is_empty(), "one less");
        assert!(old.weakenings(&with(r#"{"tcp": "db:5432"}"#)).is_empty());
    }

    #[test]
    fn a_program_that_is_moved_is_another_one_and_a_secret_stays_where_it_was_sent() {
        let with = |root: &str, prometheus: &str, slack: &str| {
            let mut policy = serde_json::to_value(base()).expect("plain data");
            let place = serde_json::json!({"service": "web", "environment": "production", "impact": "all_users", "business": "slight"});
            let monitor = |key: &str, what: serde_json::Value| {
                let mut monitor = place.clone();
                monitor[key] = what;
                monitor
            };
            policy["targets"] = serde_json::json!({"web": {"service": "web", "environment": "production", "root": root, "backups": "/b"}});
            policy["monitors"] = serde_json::json!({
                "disk": monitor("command", serde_json::json!({"run": ["./check.sh"], "target": "web"})),
                "rate": monitor("prometheus", serde_json::json!({"url": prometheus, "query": "up", "below": 1, "token_env": "PROMETHEUS_TOKEN"})),
            });
            policy["slack"] = serde_json::json!({"signing_secret_env": "SLACK_SIGNING_SECRET", "api": slack});
            serde_json::from_value::<Policy>(policy).expect("a policy")
        };
        let old = with("/srv/web", "http://prometheus:9090", "https://slack.com/api/");
        assert_eq!(old.weakenings(&old), []);
        let moved = old.weakenings(&with("/tmp/web", "http://prometheus:9090", "https://slack.com/api/"));
        assert_eq!(moved, [Weakening::RunsByItself { monitor: MonitorName::known("disk") }]);
        let sent = |variable: &str, to: &str| Weakening::SecretSent { variable: variable.to_owned(), to: to.to_owned() };
        let elsewhere = old.weakenings(&with("/srv/web", "http://evil", "https://slack.com/api/"));
        assert_eq!(elsewhere, [sent("PROMETHEUS_TOKEN", "http://evil")]);
        let mut stolen = old.clone();
        for monitor in stolen.monitors.values_mut() {
            monitor.prometheus.iter_mut().for_each(|prometheus| prometheus.token_env = Some("SLACK_SIGNING_SECRET".to_owned()));
        }
        assert_eq!(old.weakenings(&stolen), [sent("SLACK_SIGNING_SECRET", "http://prometheus:9090")], "whatever it was for");
        assert_eq!(
            base().weakenings(&with("/srv/web", "http://evil", "http://evil")).len(),
            1,
            "what nobody knows yet is no secret of ours"
        );
    }

    #[test]
    fn loosening_is_found_and_tightening_is_free() {
        let old = base();
        type Change = fn(&mut Policy);
        let loosened: [(&str, Change); 7] = [
            ("fewer witnesses", |p| p.emergency.witnesses_min = 1),
            ("no senior", |p| p.emergency.seniors_min = 0),
            ("longer approval", |p| p.emergency.approval_valid_min += 1),
            ("more approvers", |p| p.emergency.approver_roles.push(RoleName::known("developer"))),
            ("a role granted", |p| p.people.values_mut().for_each(|person| person.roles.push(RoleName::known("cto")))),
            ("an environment opened", |p| p.environments.values_mut().for_each(|environment| environment.exception_allowed = true)),
            ("a permission widened", |p| {
                p.permissions.insert("emergency.request".to_owned(), vec![RoleName::known("anybody")]);
            }),
        ];
        for (name, change) in loosened {
            let mut new = old.clone();
            change(&mut new);
            assert!(!old.weakenings(&new).is_empty(), "{name}");
            // One approver role less means one person less while follow-up is overdue, so that way back is a loosening too.
            if !["a permission widened", "more approvers"].contains(&name) {
                assert!(new.weakenings(&old).is_empty(), "{name}, undone");
            }
        }
        let mut renamed = old.clone();
        renamed.workspace.name = "別館".to_owned();
        assert!(old.weakenings(&renamed).is_empty());
    }
}
