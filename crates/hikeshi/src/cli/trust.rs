//! `hikeshi trust …` and `hikeshi emergency approval-check`: judging a signed approval while the server is what burns.
//!
//! The bundle is kept per server under the XDG state directory and renewed, silently, after a command that reached the server. The key that
//! the first one names is remembered: a later bundle by another key does not replace it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Subcommand;
use hikeshi_domain::ledger::VerifierKey;
use hikeshi_domain::trust::{Trust, TrustError, Unjudged};
use hikeshi_text::{Lang, terminal};
use serde_json::json;

use super::{Caller, Global};
use crate::fail::{Failure, Result};
use crate::reach::Reach;
use crate::show::{self, Out};

/// How old the kept bundle may be before it is renewed.
const RENEW_AFTER: Duration = Duration::from_secs(3_600);
/// A team of a thousand people has some megabytes of keys.
const BUNDLE_BYTES_MAX: u64 = 16 << 20;
/// A plan has at most 200 steps of 20,000 characters.
const PLAN_BYTES_MAX: u64 = 32 << 20;

#[derive(Debug, Subcommand)]
pub enum Verb {
    Export {
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    Show {
        #[arg(long, value_name = "FILE")]
        trust: Option<PathBuf>,
    },
    Verify {
        file: PathBuf,
        #[arg(long, value_name = "KEY")]
        trusted_key: Option<String>,
    },
}

impl Verb {
    pub fn is_offline(&self) -> bool {
        match self {
            Self::Show { .. } | Self::Verify { .. } => true,
            Self::Export { .. } => false,
        }
    }
}

/// What `hikeshi emergency approval-check` is asked.
#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    #[arg(long, value_name = "FILE")]
    plan: PathBuf,
    #[arg(long, value_name = "FILE")]
    signature: PathBuf,
    #[arg(long, value_name = "FILE")]
    trust: Option<PathBuf>,
    #[arg(long, value_name = "KEY")]
    trusted_key: Option<String>,
}

pub async fn run(verb: Verb, caller: &Caller<'_>) -> Result<()> {
    let Verb::Export { out } = verb else { return Err(Failure::Usage(terminal::not_a_door_command(caller.lang))) };
    let note = caller.reach.trust().await?;
    let (trust, _) = Trust::open_by_own_key(note.as_bytes()).map_err(|error| failed(error, caller.lang))?;
    let file = match out {
        Some(file) => file,
        None => kept_at(&caller.global.url).ok_or_else(|| Failure::Usage(terminal::no_home(caller.lang)))?,
    };
    if !caller.global.dry_run {
        crate::secret::write_private(&file, &note)?;
    }
    let named = file.display().to_string();
    caller.out.data(&json!({"file": named, "valid_until": trust.valid_until, "dry_run": caller.global.dry_run}), || {
        terminal::exported(caller.lang, &trust.workspace, &named, u64::try_from(note.len()).unwrap_or(u64::MAX))
    });
    Ok(())
}

pub fn offline(verb: &Verb, global: &Global, lang: Lang, out: &Out) -> Result<()> {
    let (file, key) = match verb {
        Verb::Show { trust } => (trust.clone(), None),
        Verb::Verify { file, trusted_key } => (Some(file.clone()), trusted_key.as_deref()),
        Verb::Export { .. } => return Err(Failure::Usage(terminal::not_a_door_command(lang))),
    };
    let trust = opened(file.as_deref(), key, global, lang)?;
    if let Verb::Verify { .. } = verb {
        trust.at(crate::now()).map_err(|error| failed(error, lang))?;
    }
    out.data(&trust, || text_of(&trust, lang));
    if key.is_none() {
        out.hint(&terminal::key_not_known(lang));
    }
    Ok(())
}

fn text_of(trust: &Trust, lang: Lang) -> String {
    let mut rows = vec![
        (terminal::word_key(lang), trust.ledger_key.clone()),
        (terminal::word_digest(lang), trust.policy.to_string()),
        (
            terminal::word_valid(lang),
            format!("{} – {} ({})", trust.made_at, trust.valid_until, terminal::age(lang, trust.made_at, crate::now())),
        ),
        (terminal::word_approval(lang), list(&trust.approver_roles)),
        (terminal::word_witnesses(lang), format!("{} ({}: {})", trust.witnesses_min, list(&trust.senior_roles), trust.seniors_min)),
    ];
    for (id, person) in &trust.people {
        let keys = person.ssh_keys.iter().filter_map(|key| hikeshi_domain::signature::ssh::PublicKey::parse(&key.key).ok());
        let mut text = list(&person.roles);
        keys.for_each(|key| text.push_str(&format!("\n{}", key.fingerprint())));
        rows.push((format!("{id} {}", person.name), text));
    }
    format!("{}\n{}", show::paint(show::BOLD, &trust.workspace), show::pairs(&rows))
}

fn list(roles: &[hikeshi_domain::ids::RoleName]) -> String {
    roles.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Who approved, and whether it suffices; without any server.
pub fn check(args: &CheckArgs, global: &Global, lang: Lang, out: &Out) -> Result<()> {
    let trust = opened(args.trust.as_deref(), args.trusted_key.as_deref(), global, lang)?;
    let now = crate::now();
    let trust = trust.at(now).map_err(|error| failed(error, lang))?;
    let plan = bounded(&args.plan, PLAN_BYTES_MAX)?;
    let signature = super::emergency::read_signature(&args.signature)?;
    let judged = trust.judge(&plan, &signature, now).map_err(|unjudged| match unjudged {
        Unjudged::NotAPlan => Failure::Failed(terminal::not_a_plan(lang, &args.plan.display().to_string())),
        Unjudged::Refused(refusal) => Failure::Refused { refusal, seq: None },
    })?;
    out.data(&json!({"judged": judged, "suffices": true, "trust_valid_until": trust.valid_until}), || {
        let rows = [
            (terminal::word_emergency(lang), judged.emergency.clone()),
            (terminal::word_approval(lang), format!("{} ({}) {}", judged.name, judged.by, list(&judged.roles))),
            (terminal::word_key(lang), judged.key.clone()),
            (terminal::word_digest(lang), judged.digest.to_string()),
        ];
        format!("{}\n{}", show::pairs(&rows), terminal::approval_suffices(lang, &list(&judged.missing_if_hardened)))
    });
    Ok(())
}

fn bounded(file: &Path, bytes_max: u64) -> Result<Vec<u8>> {
    use std::io::Read as _;
    let opened = std::fs::File::open(file).map_err(|error| Failure::NotFound(format!("{}: {error}", file.display())))?;
    let mut bytes = Vec::new();
    opened.take(bytes_max + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= bytes_max) {
        Ok(bytes)
    } else {
        Err(Failure::Failed(format!("{}: > {bytes_max} bytes", file.display())))
    }
}

/// By the key that was given, else by the one that was remembered for this server, else by its own.
fn opened(file: Option<&Path>, key: Option<&str>, global: &Global, lang: Lang) -> Result<Trust> {
    let kept = kept_at(&global.url);
    let place = match (file, &kept) {
        (Some(file), _) => file.to_owned(),
        (None, Some(kept)) if kept.exists() => kept.clone(),
        (None, _) => return Err(Failure::NotFound(terminal::no_trust_kept(lang, &global.url))),
    };
    let note = bounded(&place, BUNDLE_BYTES_MAX)?;
    let given = key.map(VerifierKey::parse).transpose().map_err(|error| Failure::Usage(error.to_string()))?;
    let key = given.or_else(|| kept.filter(|kept| *kept != place).and_then(|kept| remembered(&kept)));
    let trust = match key {
        Some(key) => Trust::open(&note, &key),
        None => Trust::open_by_own_key(&note).map(|(trust, _)| trust),
    };
    trust.map_err(|error| failed(error, lang))
}

fn failed(error: TrustError, lang: Lang) -> Failure {
    Failure::Failed(terminal::trust_error(lang, &error))
}

/// Where the bundle of this server is kept.
fn kept_at(url: &str) -> Option<PathBuf> {
    Some(crate::settings::state_dir()?.join("hikeshi/trust").join(format!("{}.note", named(url)?)))
}

/// A server's name among files: host and port.
pub fn named(url: &str) -> Option<String> {
    let parsed = url::Url::parse(url).ok()?;
    let host: String =
        parsed.host_str()?.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' || c == '-' { c } else { '_' }).collect();
    Some(format!("{host}_{}", parsed.port_or_known_default()?))
}

/// What is kept of this server, verified by the key that was remembered, and still good now; with its bytes.
pub fn kept(url: &str, lang: Lang) -> Result<(Trust, Vec<u8>)> {
    let place = kept_at(url).filter(|place| place.exists()).ok_or_else(|| Failure::NotFound(terminal::no_trust_kept(lang, url)))?;
    let note = bounded(&place, BUNDLE_BYTES_MAX)?;
    let (trust, _) = Trust::open_by_own_key(&note).map_err(|error| failed(error, lang))?;
    trust.at(crate::now()).map_err(|error| failed(error, lang))?;
    Ok((trust, note))
}

fn remembered(kept: &Path) -> Option<VerifierKey> {
    let note = bounded(kept, BUNDLE_BYTES_MAX).ok()?;
    Trust::open_by_own_key(&note).ok().map(|(_, key)| key)
}

/// Renews the kept bundle when it is an hour old. Nothing that goes wrong here is the user's affair, except a server with another key.
pub async fn renew(caller: &Caller<'_>) {
    let (Reach::Remote(_), Some(kept), false) = (&caller.reach, kept_at(&caller.global.url), caller.global.local) else { return };
    let age = std::fs::metadata(&kept).and_then(|meta| meta.modified()).ok().and_then(|at| at.elapsed().ok());
    if age.is_some_and(|age| age < RENEW_AFTER) {
        return;
    }
    let Ok(note) = caller.reach.trust().await else { return };
    let Ok((_, key)) = Trust::open_by_own_key(note.as_bytes()) else { return };
    if remembered(&kept).is_some_and(|known| known != key) {
        return caller.out.hint(&terminal::trust_key_changed(caller.lang, &kept.display().to_string()));
    }
    if let Err(error) = crate::secret::write_private(&kept, &note) {
        tracing::debug!("the trust bundle was not kept: {error:#}");
    }
}
