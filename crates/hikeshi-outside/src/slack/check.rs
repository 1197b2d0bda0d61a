//! What is missing between the policy and Slack: tokens, scopes, channels, groups, people.

use hikeshi_domain::policy::{Policy, SlackMode};
use serde_json::json;

use super::api::{CallError, call, call_as};
use super::find::{channel_id, list, text};
use super::payload::group_id;
use super::say::matches_handle;
use super::{Memory, Voice};

/// Scopes of the bot that the manifest asks for.
pub const SCOPES: &[&str] = &[
    "channels:history",
    "channels:read",
    "chat:write",
    "groups:history",
    "groups:read",
    "usergroups:read",
    "users:read",
    "users:read.email",
];

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// The bot's token works: the team's address.
    Token {
        team: String,
    },
    TokenRefused {
        variable: String,
        code: String,
    },
    ScopeMissing {
        scope: String,
    },
    /// Socket Mode can be opened, or a signing secret is there.
    WayIn,
    WayInRefused {
        variable: String,
        code: String,
    },
    Channel {
        name: String,
        given: String,
    },
    ChannelRefused {
        name: String,
        given: String,
        code: String,
    },
    Group {
        role: String,
        handle: String,
    },
    GroupMissing {
        role: String,
        handle: String,
    },
    /// A role that approves has no group: its holders are not called.
    GroupUnset {
        role: String,
    },
    Person {
        person: String,
        user: String,
    },
    /// `suggested`: the user with the same address.
    PersonUnset {
        person: String,
        suggested: Option<String>,
    },
    PersonRefused {
        person: String,
        user: String,
        code: String,
    },
}

impl Finding {
    pub fn good(&self) -> bool {
        match self {
            Self::Token { .. } | Self::WayIn | Self::Channel { .. } | Self::Group { .. } | Self::Person { .. } => true,
            Self::TokenRefused { .. }
            | Self::ScopeMissing { .. }
            | Self::WayInRefused { .. }
            | Self::ChannelRefused { .. }
            | Self::GroupMissing { .. }
            | Self::GroupUnset { .. }
            | Self::PersonUnset { .. }
            | Self::PersonRefused { .. } => false,
        }
    }
}

fn code(error: CallError) -> String {
    match error {
        CallError::Refused { code, detail } if !detail.is_empty() => format!("{code}: {detail}"),
        CallError::Refused { code, .. } => code,
        error @ (CallError::Limited { .. } | CallError::Unreached(_)) => error.to_string(),
    }
}

/// Looks at everything; asks Slack a handful of questions and changes nothing.
pub async fn check(policy: &Policy, voice: &Voice) -> Vec<Finding> {
    let mut found = Vec::new();
    token(voice, &mut found).await;
    way_in(voice, &mut found).await;
    if matches!(found.first(), Some(Finding::TokenRefused { .. })) {
        return found;
    }
    channels(policy, voice, &mut found).await;
    groups(policy, voice, &mut found).await;
    people(policy, voice, &mut found).await;
    found
}

async fn token(voice: &Voice, found: &mut Vec<Finding>) {
    match call(voice, "auth.test", &json!({})).await {
        Ok(answer) => {
            found.push(Finding::Token { team: text(&answer.body, "url").to_owned() });
            let Some(scopes) = answer.scopes else { return };
            let has: Vec<&str> = scopes.split(',').map(str::trim).collect();
            found.extend(
                SCOPES.iter().filter(|scope| !has.contains(scope)).map(|scope| Finding::ScopeMissing { scope: (*scope).to_owned() }),
            );
        }
        Err(error) => found.push(Finding::TokenRefused { variable: voice.slack.bot_token_env.clone(), code: code(error) }),
    }
}

async fn way_in(voice: &Voice, found: &mut Vec<Finding>) {
    found.push(match voice.slack.mode {
        SlackMode::Socket => {
            let variable = voice.slack.app_token_env.clone();
            match &voice.app_token {
                None => Finding::WayInRefused { variable, code: "no_token".to_owned() },
                Some(token) => match call_as(voice, token, "apps.connections.open", &json!({})).await {
                    Ok(_) => Finding::WayIn,
                    Err(error) => Finding::WayInRefused { variable, code: code(error) },
                },
            }
        }
        SlackMode::Events if voice.signing_secret.is_some() => Finding::WayIn,
        SlackMode::Events => Finding::WayInRefused { variable: voice.slack.signing_secret_env.clone(), code: "no_secret".to_owned() },
    });
}

async fn channels(policy: &Policy, voice: &Voice, found: &mut Vec<Finding>) {
    let memory = Memory::default();
    for name in [&policy.channels.emergency, &policy.channels.incidents] {
        let given = voice.slack.channels.get(name).cloned().unwrap_or_else(|| name.to_string());
        let name = name.to_string();
        let seen = async {
            let id = channel_id(voice, &memory, &given).await?;
            let channel = call(voice, "conversations.info", &json!({"channel": id})).await?.body;
            let is = |at: &str| channel.pointer(at).and_then(serde_json::Value::as_bool).unwrap_or(false);
            let refused = |code: &str| Err(CallError::Refused { code: code.to_owned(), detail: String::new() });
            if is("/channel/is_archived") {
                return refused("is_archived");
            }
            if is("/channel/is_member") { Ok(()) } else { refused("not_in_channel") }
        };
        found.push(match seen.await {
            Ok(()) => Finding::Channel { name, given },
            Err(error) => Finding::ChannelRefused { name, given, code: code(error) },
        });
    }
}

async fn groups(policy: &Policy, voice: &Voice, found: &mut Vec<Finding>) {
    for role in policy.emergency.approver_roles.iter().filter(|role| !voice.slack.groups.contains_key(role)) {
        found.push(Finding::GroupUnset { role: role.to_string() });
    }
    if voice.slack.groups.is_empty() {
        return;
    }
    let listed =
        call(voice, "usergroups.list", &json!({})).await.map(|answer| list(&answer.body, "usergroups").to_vec()).unwrap_or_default();
    for (role, given) in &voice.slack.groups {
        let known = listed.iter().any(|group| matches_handle(group, given) || group_id(given) == Some(text(group, "id")));
        let (role, handle) = (role.to_string(), given.clone());
        found.push(if known { Finding::Group { role, handle } } else { Finding::GroupMissing { role, handle } });
    }
}

/// People asked about, at most: each is a call.
const PEOPLE_MAX: usize = 100;

async fn people(policy: &Policy, voice: &Voice, found: &mut Vec<Finding>) {
    for (id, person) in policy.people.iter().take(PEOPLE_MAX) {
        let name = id.to_string();
        if let Some(user) = policy.chat_user(id) {
            let seen = call(voice, "users.info", &json!({"user": user})).await;
            let user = user.to_owned();
            found.push(match seen {
                Ok(answer) if answer.body.pointer("/user/deleted") == Some(&json!(true)) => {
                    Finding::PersonRefused { person: name, user, code: "account_inactive".to_owned() }
                }
                Ok(_) => Finding::Person { person: name, user },
                Err(error) => Finding::PersonRefused { person: name, user, code: code(error) },
            });
            continue;
        }
        let suggested = match &person.email {
            Some(email) => {
                let seen = call(voice, "users.lookupByEmail", &json!({"email": email})).await.ok();
                seen.and_then(|answer| answer.body.pointer("/user/id").and_then(serde_json::Value::as_str).map(str::to_owned))
            }
            None => None,
        };
        found.push(Finding::PersonUnset { person: name, suggested });
    }
}
