//! A page as JSON to a program of the person's own, signed like GitHub signs.

use std::time::Duration;

use hikeshi_domain::effect::{Effect, EffectKey};
use hikeshi_domain::page::{About, PageOrder};
use hikeshi_domain::policy::Webhook;
use ring::hmac;
use serde_json::{Value, json};

use super::{bounded, place, secret};
use crate::Options;
use crate::probe::{client, whole, words};

const ANSWER_BYTES_MAX: usize = 64 * 1024;

pub(super) async fn send(
    options: &Options,
    effect: &Effect,
    order: &PageOrder,
    webhook: &Webhook,
    url: &str,
    within: Duration,
) -> Result<String, String> {
    let text = hikeshi_text::page_text(order, url);
    let (key, person, attempt, repeated, subject, text) =
        (&effect.key, &order.person, order.number, order.repeated, text.subject, text.body);
    let body = match &order.about {
        About::Incident { incident, step, title, priority, service, environment, detected_at, scheme: _, serious: _ } => json!({
            "key": key, "person": person, "attempt": attempt, "repeated": repeated, "url": url, "subject": subject, "text": text,
            "test": false, "incident": incident, "step": step, "priority": priority, "title": title, "service": service,
            "environment": environment, "detected_at": detected_at,
        }),
        About::Test { by } => json!({
            "key": key, "person": person, "attempt": attempt, "repeated": repeated, "url": url, "subject": subject, "text": text,
            "test": true, "asked_by": by,
        }),
    };
    deliver(options, webhook, &order.message_key(&effect.key), with_bundle(body, options, order).to_string(), within).await
}

/// What else the message is about, each with where it is taken.
fn with_bundle(mut body: Value, options: &Options, order: &PageOrder) -> Value {
    let list = order.bundle.iter().filter_map(|one| {
        let mut one_of = serde_json::to_value(one).ok()?;
        one_of.as_object_mut()?.insert("url".to_owned(), place(options, one.incident).into());
        Some(one_of)
    });
    if let Some(fields) = body.as_object_mut().filter(|_| !order.bundle.is_empty()) {
        fields.insert("bundle".to_owned(), list.collect());
    }
    body
}

/// Posts a body, signed when there is a key.
pub(crate) async fn deliver(
    options: &Options,
    webhook: &Webhook,
    key: &EffectKey,
    body: String,
    within: Duration,
) -> Result<String, String> {
    let mut request = client(&webhook.url)?
        .post(&webhook.url)
        .timeout(within)
        .header("content-type", "application/json")
        // The same page again has the same key (draft-ietf-httpapi-idempotency-key-header).
        .header("idempotency-key", key.0.as_str());
    if let Some(variable) = &webhook.secret_env {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret(options, variable)?.as_bytes());
        let signature: String = hmac::sign(&key, body.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        request = request.header("x-hikeshi-signature-256", format!("sha256={signature}"));
    }
    let response = request.body(body).send().await.map_err(|error| words(&error))?;
    let status = response.status();
    let answer = whole(response, ANSWER_BYTES_MAX).await.unwrap_or_default();
    let answer = bounded(&String::from_utf8_lossy(&answer));
    if status.is_success() { Ok(answer) } else { Err(format!("HTTP {}: {answer}", status.as_u16())) }
}
