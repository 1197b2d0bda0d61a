//! What this process knows and must never write: the password of its database, and the value of every variable that the policy names for a secret.

use hikeshi_domain::policy::Policy;
use hikeshi_store::Location;
use serde_json::Value;

use crate::config::Config;

/// What names a variable of the environment ends like this.
const SUFFIX: &str = "_env";
/// The name of an account that mails are sent with, often an address that people write: not secret, and masking it would hide what they say.
const NO_SECRETS: [&str; 1] = ["user_env"];

pub(super) fn masked(config: &Config) -> Vec<String> {
    let mut masked: Vec<String> = match config.location() {
        Ok(Location::Postgres(address)) => password(&address).into_iter().collect(),
        Ok(Location::Sqlite(_)) | Err(_) => Vec::new(),
    };
    let values = variables(&config.policy).into_iter().filter_map(|variable| crate::settings::text(&variable));
    masked.extend(values.flat_map(|value| [password(&value), Some(value)]).flatten());
    masked
}

/// What stands between `:` and `@` in an address.
fn password(address: &str) -> Option<String> {
    url::Url::parse(address).ok().and_then(|url| url.password().map(str::to_owned))
}

/// Found by their names in whatever the policy holds, so that none can be forgotten when a section is added.
fn variables(policy: &Policy) -> Vec<String> {
    let mut found = Vec::new();
    match serde_json::to_value(policy) {
        Ok(policy) => walk(&policy, &mut found),
        Err(error) => tracing::error!("the policy names secrets that cannot be found, and they are not masked: {error}"),
    }
    // Left out in the file, they have names all the same.
    found.extend(policy.forge.as_ref().and_then(|forge| forge.github()).map(|github| github.token_env));
    found.sort_unstable();
    found.dedup();
    found
}

fn walk(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(variable) if name.ends_with(SUFFIX) && !NO_SECRETS.contains(&name.as_str()) => {
                        found.push(variable.clone());
                    }
                    value => walk(value, found),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| walk(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;

    /// A policy that names a variable wherever one can be named; each is called after its place.
    fn full() -> Value {
        let mut policy: Value = serde_json::from_str(include_str!("../../../hikeshi-domain/src/testing_policy.json")).expect("JSON");
        let page = json!({"ja": "状況", "en": "Status"});
        let mail = |place: &str| json!({"host": "mail", "from": "a@example.test", "user_env": format!("{place}_USER"), "password_env": format!("{place}_PASSWORD")});
        let monitor = json!({"service": "reservation", "environment": "production", "impact": "all_users", "business": "lost_sales"});
        let with = |kind: &str, of: Value| {
            let mut monitor = monitor.clone();
            monitor[kind] = of;
            monitor
        };
        let person = policy["people"].as_object().and_then(|people| people.keys().next().cloned()).expect("somebody");
        policy["people"][person]["webhook"] = json!({"url": "http://127.0.0.1:1/", "secret_env": "PERSON"});
        policy["paging"] = json!({"mail": mail("PAGING"), "twilio": {"account_sid_env": "SID", "auth_token_env": "TWILIO", "public_url": "https://a.test"}});
        policy["status"] = json!({"title": page, "url": "https://a.test", "mail": mail("STATUS"),
            "components": {"booking": {"name": page, "services": ["reservation"], "environment": "production"}},
            "webhooks": {"partner": {"url": "http://127.0.0.1:1/", "secret_env": "PARTNER"}}});
        policy["alerts"] = json!({"sources": {"am": {"format": "alertmanager", "token_env": "SOURCE", "service": "reservation",
            "environment": "production", "impact": "all_users", "business": "lost_sales", "urgency": "now"}}});
        policy["slack"] = json!({"bot_token_env": "BOT", "app_token_env": "APP", "signing_secret_env": "SIGNING"});
        policy["forge"] = json!({"kind": "github", "repository": "a/b", "token_env": "FORGE", "webhook_secret_env": "HOOK"});
        policy["monitors"] = json!({
            "beat": with("heartbeat", json!({"every_s": 60, "token_env": "BEAT"})),
            "prom": with("prometheus", json!({"url": "http://p:9090", "query": "up", "below": 1.0, "token_env": "PROMETHEUS"})),
            "db": with("postgres", json!({"url_env": "DATABASE", "connections_percent": 80.0})),
        });
        policy
    }

    /// Fields of the schema that are called like this, wherever they stand.
    fn named(schema: &Value, found: &mut BTreeSet<String>) {
        if let Some(fields) = schema.get("properties").and_then(Value::as_object) {
            found.extend(fields.keys().filter(|name| name.ends_with(SUFFIX)).cloned());
        }
        match schema {
            Value::Object(fields) => fields.values().for_each(|value| named(value, found)),
            Value::Array(values) => values.iter().for_each(|value| named(value, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    #[test]
    fn every_variable_that_a_policy_can_name_for_a_secret_is_masked() {
        let policy: Policy = serde_json::from_value(full()).expect("a policy");
        let secrets = [
            "APP",
            "BEAT",
            "BOT",
            "DATABASE",
            "FORGE",
            "HOOK",
            "PAGING_PASSWORD",
            "PARTNER",
            "PERSON",
            "PROMETHEUS",
            "SID",
            "SIGNING",
            "SOURCE",
            "STATUS_PASSWORD",
            "TWILIO",
        ];
        assert_eq!(variables(&policy), secrets);
        // Whatever the schema knows stands in that policy: a new one has to be decided upon here.
        let (mut known, mut used) = (BTreeSet::new(), BTreeSet::new());
        named(&serde_json::to_value(schemars::schema_for!(Policy)).expect("JSON"), &mut known);
        let text = full().to_string();
        used.extend(known.iter().filter(|name| text.contains(&format!("\"{name}\""))).cloned());
        assert!(known.contains("password_env") && known.contains("secret_env"), "{known:?}");
        assert_eq!(known.into_iter().filter(|name| name != "pass_env").collect::<BTreeSet<_>>(), used);
    }

    #[test]
    fn the_token_of_the_forge_is_masked_also_where_the_file_does_not_name_it() {
        let mut policy = full();
        policy["forge"] = json!({"kind": "github", "repository": "a/b"});
        let policy: Policy = serde_json::from_value(policy).expect("a policy");
        assert!(variables(&policy).contains(&"GITHUB_TOKEN".to_owned()));
    }

    #[test]
    fn the_password_of_an_address_is_masked_by_itself() {
        assert_eq!(password("postgres://watch:s3cret-word@db1/app").as_deref(), Some("s3cret-word"));
        assert_eq!(password("s3cret-word"), None);
    }
}
