//! What happens to an envelope before it queues: its texts are masked (rule A4), and its key is kept apart from the program's own.
//!
//! This runs on the caller's thread, so that masking many commands at once costs the door nothing.

use std::sync::{Arc, PoisonError, RwLock};

use hikeshi_domain::alert;
use hikeshi_domain::command::{Command, Envelope};
use hikeshi_domain::contact;
use hikeshi_domain::emergency;
use hikeshi_domain::ids::{Digest, RequestKey};
use hikeshi_domain::mask::Masker;
use hikeshi_domain::offline;
use hikeshi_domain::people::Actor;
use hikeshi_domain::policy::Policy;
use hikeshi_domain::refusal::Refusal;
use hikeshi_domain::session;
use hikeshi_domain::signature::ssh::Signature;
use serde::Deserialize as _;
use serde_json::Value;

/// Keys that only the program makes. A person who could choose one could make a deadline or an outcome look already answered.
const INSIDE: &str = "inside:";
/// What a person's key that looks like one of ours becomes.
const OUTSIDE: &str = "outside:";
const KEY_BYTES_MAX: usize = 120;

/// A request key of the program itself.
pub(crate) fn inside_key(parts: &[&str]) -> RequestKey {
    let text = format!("{INSIDE}{}", parts.join(":"));
    bounded(&text)
}

/// Long or unprintable names are shortened to their digest, so that every key can be read back from the ledger.
fn bounded(text: &str) -> RequestKey {
    if text.len() <= KEY_BYTES_MAX && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return RequestKey::of(&[text]);
    }
    let prefix = if text.starts_with(INSIDE) { INSIDE } else { OUTSIDE };
    RequestKey::of(&[&format!("{prefix}{}", Digest::of(text.as_bytes()))])
}

fn own_key(key: RequestKey, actor: &Actor) -> RequestKey {
    match actor {
        Actor::Person { .. } if key.as_str().starts_with(INSIDE) || key.as_str().starts_with(OUTSIDE) => {
            bounded(&format!("{OUTSIDE}{}", key.as_str()))
        }
        Actor::Person { .. }
        | Actor::Runner
        | Actor::Recorder
        | Actor::Timer
        | Actor::Monitor { .. }
        | Actor::Source { .. }
        | Actor::Startup => key,
    }
}

/// The patterns of one policy together with the secrets that this process knows.
pub(crate) struct Mask {
    patterns: Vec<String>,
    masker: Masker,
}

/// The mask in force, built once per set of patterns.
pub(crate) struct Masks {
    secrets: Vec<String>,
    /// Without the policy's own patterns, for a policy whose patterns cannot be used.
    base: Masker,
    current: RwLock<Arc<Mask>>,
}

/// An envelope whose texts are masked.
pub(crate) struct Taken {
    pub(crate) envelope: Envelope,
    /// The command as data, for the record of a refusal.
    pub(crate) asked: Value,
    mask: Arc<Mask>,
}

impl Masks {
    /// Fails only if the built-in patterns cannot be used.
    pub(crate) fn new(secrets: Vec<String>, policy: Option<&Policy>) -> Result<Self, String> {
        let base = Masker::new(&[], &secrets).map_err(|broken| broken.to_string())?;
        let current = RwLock::new(Arc::new(Mask { patterns: Vec::new(), masker: base.clone() }));
        let masks = Self { secrets, base, current };
        masks.of(policy);
        Ok(masks)
    }

    /// The mask for this policy; replaces the one in force when the policy brought other patterns.
    pub(crate) fn of(&self, policy: Option<&Policy>) -> Arc<Mask> {
        let patterns: &[String] = policy.map(|policy| policy.secrets.patterns.as_slice()).unwrap_or_default();
        let current = self.current();
        if current.patterns == patterns {
            return current;
        }
        let fresh = Arc::new(Mask { patterns: patterns.to_vec(), masker: self.build(patterns) });
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&fresh);
        fresh
    }

    fn build(&self, patterns: &[String]) -> Masker {
        Masker::new(patterns, &self.secrets).unwrap_or_else(|broken| {
            // A policy with a broken pattern is not adopted; if one is in force all the same, its other patterns must still work.
            tracing::error!(%broken, "a masking pattern of the policy in force cannot be used");
            let sound: Vec<String> =
                patterns.iter().filter(|pattern| Masker::new(std::slice::from_ref(pattern), &[]).is_ok()).cloned().collect();
            Masker::new(&sound, &self.secrets).unwrap_or_else(|_| self.base.clone())
        })
    }

    fn current(&self) -> Arc<Mask> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// One text that is shown without ever being part of a command.
    pub(crate) fn text(&self, text: &str) -> String {
        self.current().masker.text(text)
    }

    pub(crate) fn take_in(&self, envelope: Envelope) -> Result<Taken, Refusal> {
        let key = own_key(envelope.key, &envelope.actor);
        masked(Envelope { key, ..envelope }, self.current())
    }
}

impl Taken {
    /// Masks again if the policy has changed since the envelope was taken in.
    pub(crate) fn under(&mut self, mask: &Arc<Mask>) -> Result<(), Refusal> {
        if Arc::ptr_eq(&self.mask, mask) {
            return Ok(());
        }
        *self = masked(self.envelope.clone(), Arc::clone(mask))?;
        Ok(())
    }
}

fn masked(envelope: Envelope, mask: Arc<Mask>) -> Result<Taken, Refusal> {
    let (envelope, is_signature) = bare(envelope);
    let kind = envelope.command.kind();
    // Plain data with string keys always becomes a value.
    let mut asked = serde_json::to_value(&envelope.command).unwrap_or(Value::Null);
    let changed = match &envelope.command {
        // Names and keys, but for what a person wrote there.
        Command::Offline(offline::Command::Announce { .. }) => {
            let case = asked.get_mut("case").and_then(Value::as_object_mut);
            case.into_iter()
                .flatten()
                .filter(|(field, _)| ["title", "triage"].contains(&field.as_str()))
                .fold(false, |changed, (_, text)| mask_value(&mask.masker, text) | changed)
        }
        // Everything in it was masked where it was recorded; another byte would be another record.
        Command::Offline(offline::Command::Import { .. } | offline::Command::TurnAway { .. }) => false,
        // A policy is configuration that names variables, not values; masking a pattern in it would change what it means. Why one is turned
        // down is somebody's own words.
        Command::Policy(_) => asked.get_mut("reason").is_some_and(|reason| mask_value(&mask.masker, reason)),
        // Digests and public keys, but for the label that a person typed.
        Command::Account(_) => asked.get_mut("label").is_some_and(|label| mask_value(&mask.masker, label)),
        // Keys and signatures mean nothing when a byte of them is masked; they hold no text.
        Command::Session(session::Command::Bind { .. } | session::Command::Acknowledge { .. }) => false,
        // What a person calls their browser.
        Command::Contact(contact::Command::AddBrowser { .. }) => {
            asked.get_mut("label").is_some_and(|label| mask_value(&mask.masker, label))
        }
        // The name of an attempt and a code.
        Command::Page(_) | Command::Contact(_) => false,
        Command::Alert(alert::Command::Report { .. }) => mask_signals(&mask.masker, &mut asked),
        Command::Alert(_) => mask_value(&mask.masker, &mut asked),
        // A signature is bytes that say nothing; masking a part of one by chance would only make it worthless.
        Command::Emergency(emergency::Command::ApproveSigned { .. } | emergency::Command::ApprovePasskey { .. }) if is_signature => {
            asked.get_mut("judgement").is_some_and(|judgement| mask_value(&mask.masker, judgement))
        }
        Command::Channel(_)
        | Command::Change(_)
        | Command::Emergency(_)
        | Command::Incident(_)
        | Command::Monitor(_)
        | Command::Obligation(_)
        | Command::Oncall(_)
        | Command::Outcome(_)
        | Command::Postmortem(_)
        | Command::Review(_)
        | Command::Session(_)
        | Command::Wake(_) => mask_value(&mask.masker, &mut asked),
    };
    if !changed {
        return Ok(Taken { envelope, asked, mask });
    }
    // A secret in a place that holds a name or an id: the command means nothing without it.
    let command = Command::deserialize(&asked).map_err(|_| Refusal::SecretInText { field: kind.to_owned() })?;
    Ok(Taken { envelope: Envelope { command, ..envelope }, asked, mask })
}

/// Leaves nothing of a pasted message but the signature in it; says whether the command carries one that can be read.
fn bare(mut envelope: Envelope) -> (Envelope, bool) {
    let is_signature = match &mut envelope.command {
        Command::Emergency(emergency::Command::ApproveSigned { signature, .. }) => match Signature::parse(signature) {
            Ok(read) => {
                *signature = read.armour();
                true
            }
            Err(_) => false,
        },
        Command::Emergency(emergency::Command::ApprovePasskey { assertion, .. }) => assertion.signed().is_some(),
        _ => false,
    };
    (envelope, is_signature)
}

/// A sender's key is what tells its alerts apart: two that hold a secret must not become the same one.
fn mask_signals(masker: &Masker, asked: &mut Value) -> bool {
    let signals = asked.get_mut("signals").and_then(Value::as_array_mut);
    let fields = signals.into_iter().flatten().filter_map(Value::as_object_mut).flatten();
    fields.fold(false, |changed, (name, value)| {
        let masked = match value {
            Value::String(key) if name == "key" => {
                let secret = masker.text(key) != *key;
                if secret {
                    *key = format!("sha256:{}", Digest::of(key.as_bytes()));
                }
                secret
            }
            value => mask_value(masker, value),
        };
        masked | changed
    })
}

/// Masks every string inside, keys excepted; true if anything was masked.
fn mask_value(masker: &Masker, value: &mut Value) -> bool {
    match value {
        Value::String(text) => {
            let masked = masker.text(text);
            let changed = masked != *text;
            if changed {
                *text = masked;
            }
            changed
        }
        Value::Array(items) => items.iter_mut().fold(false, |changed, item| mask_value(masker, item) | changed),
        Value::Object(fields) => fields.iter_mut().fold(false, |changed, (_, item)| mask_value(masker, item) | changed),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
