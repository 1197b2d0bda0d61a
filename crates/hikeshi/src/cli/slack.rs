//! `hikeshi slack`: whether the team's Slack is set up for what the policy wants of it.

use clap::Subcommand;
use hikeshi_outside::slack::{Voice, check};
use hikeshi_text::{Lang, terminal};
use serde_json::json;

use super::Global;
use crate::fail::{Code, Failure, Result};
use crate::show::{self, Out};

#[derive(Debug, Subcommand)]
pub enum Verb {
    Check,
}

pub async fn run(verb: &Verb, global: &Global, lang: Lang, out: &Out) -> Result<()> {
    let Verb::Check = verb;
    let config = crate::config::read(&global.config).map_err(|error| super::mistakes(&error, lang, out))?;
    let Some(slack) = &config.policy.slack else { return Err(Failure::Failed(terminal::slack_not_used(lang))) };
    let voice = Voice::new(slack, &crate::settings::all(), &config.public_url());
    let found = check::check(&config.policy, &voice).await;
    let rows: Vec<(bool, String)> = found.iter().map(|finding| (finding.good(), words(lang, finding))).collect();
    let data: Vec<_> = rows.iter().map(|(good, words)| json!({"good": good, "words": words})).collect();
    out.data(&json!({"findings": data}), || {
        let line = |(good, words): &(bool, String)| {
            let mark = show::paint(if *good { show::GREEN } else { show::RED }, terminal::mark(*good));
            format!("{mark} {words}")
        };
        rows.iter().map(line).collect::<Vec<_>>().join("\n")
    });
    if rows.iter().all(|(good, _)| *good) { Ok(()) } else { Err(Failure::Said(Code::Failed)) }
}

fn words(lang: Lang, finding: &check::Finding) -> String {
    use check::Finding as F;
    match finding {
        F::Token { team } => terminal::slack_token(lang, team),
        F::TokenRefused { variable, code } => terminal::slack_token_refused(lang, variable, code),
        F::ScopeMissing { scope } => terminal::slack_scope_missing(lang, scope),
        F::WayIn => terminal::slack_way_in(lang),
        F::WayInRefused { variable, code } => terminal::slack_way_in_refused(lang, variable, code),
        F::Channel { name, given } => terminal::slack_channel(lang, name, given),
        F::ChannelRefused { name, given, code } => terminal::slack_channel_refused(lang, name, given, code),
        F::Group { role, handle } => terminal::slack_group(lang, role, handle),
        F::GroupMissing { role, handle } => terminal::slack_group_missing(lang, role, handle),
        F::GroupUnset { role } => terminal::slack_group_unset(lang, role),
        F::Person { person, user } => terminal::slack_person(lang, person, user),
        F::PersonUnset { person, suggested } => terminal::slack_person_unset(lang, person, suggested.as_deref()),
        F::PersonRefused { person, user, code } => terminal::slack_person_refused(lang, person, user, code),
    }
}
