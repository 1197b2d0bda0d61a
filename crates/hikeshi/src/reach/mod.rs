//! The way to the door: through a server's API ([`remote`]), or in-process on the data directory ([`crate::local`]). The same answers either way.

mod remote;

use std::path::Path;
use std::sync::Arc;

use hikeshi_domain::command::{Command, Envelope};
use hikeshi_domain::emergency::Emergency;
use hikeshi_domain::ids::{ChannelName, Digest, EmergencyId, IncidentId, ObligationId, PersonId, RequestKey};
use hikeshi_domain::obligation::Obligation;
use hikeshi_domain::people::Via;
use hikeshi_domain::policy::Policy;
use hikeshi_domain::review::{AsOf, Period};
use hikeshi_engine::door::{Answer, Fault, Receipt};
use hikeshi_engine::look::{
    AlertsView, ChangesView, ChannelView, ContactsView, EmergencyView, EntryView, IncidentRow, IncidentView, LedgerView, LookError,
    MonitorsView, NowView, ObligationView, OncallView, Page, PersonView, ReviewView, ReviewsView, Similar, SubscribersView, Which,
};
use hikeshi_engine::recording::Form;
use hikeshi_text::{Lang, terminal};
use hikeshi_web::status::StatusAnswer;
use serde::Deserialize;

pub use remote::Remote;

use crate::fail::{Failure, Result};
use crate::local::Local;

pub enum Reach {
    Remote(Remote),
    Local(Box<Local>),
}

/// The page that redeems a one-time link.
pub fn sign_in_link(public_url: &str, secret: &str) -> String {
    format!("{}/signin?link={secret}", public_url.trim_end_matches('/'))
}

/// One look, asked of whichever way is open.
macro_rules! look {
    ($self:ident, $remote:expr, |$look:ident| $local:expr) => {
        match $self {
            Self::Remote(remote) => remote.get($remote.as_ref()).await,
            Self::Local(local) => {
                let $look = local.door().look(local.actor());
                $local.await.map_err(|error| local.look_failure(error))
            }
        }
    };
}

impl Reach {
    pub fn remote(url: &str, token: Option<String>, lang: Lang) -> Result<Self> {
        Ok(Self::Remote(Remote::new(url, token, lang)?))
    }

    pub async fn local(config: &Path, token: Option<String>, lang: Lang) -> Result<Self> {
        Ok(Self::Local(Box::new(Local::open(config, token, lang).await?)))
    }

    pub async fn close(self) {
        if let Self::Local(local) = self {
            local.close().await;
        }
    }

    pub fn public_url(&self) -> String {
        match self {
            Self::Remote(remote) => remote.url().to_owned(),
            Self::Local(local) => local.public_url().to_owned(),
        }
    }

    /// Whether the answer is an old one, and what was recorded.
    pub async fn submit(&self, command: Command, key: RequestKey, dry_run: bool) -> Result<(bool, Receipt)> {
        match self {
            Self::Remote(remote) => remote.submit(&command, &key, dry_run).await,
            Self::Local(local) => {
                let envelope = Envelope { key, actor: local.actor().clone(), via: Via::Local, command };
                let answer = if dry_run { local.door().rehearse(envelope).await } else { local.door().submit(envelope).await };
                match answer.map_err(|fault| fault_failure(&fault, local.lang()))? {
                    Answer::Done(receipt) => Ok((false, receipt)),
                    Answer::Already(receipt) => Ok((true, receipt)),
                    Answer::Refused { refusal, seq } => Err(Failure::Refused { refusal: Box::new(refusal), seq }),
                }
            }
        }
    }

    pub async fn now(&self) -> Result<NowView> {
        look!(self, "now", |look| look.now())
    }
    pub async fn policy(&self) -> Result<Arc<Policy>> {
        match self {
            Self::Remote(remote) => Ok(Arc::new(remote.get::<PolicyAnswer>("policy").await?.policy)),
            Self::Local(local) => local.door().look(local.actor()).policy().await.map_err(|error| local.look_failure(error)),
        }
    }
    pub async fn incidents(&self, open_only: bool, before: Option<u64>, limit: u32) -> Result<Page<IncidentRow>> {
        look!(self, list("incidents", if open_only { "open=true" } else { "open=false" }, before, limit), |look| look
            .incidents(open_only, before, limit))
    }
    pub async fn incident(&self, id: IncidentId) -> Result<IncidentView> {
        look!(self, format!("incidents/{id}"), |look| look.incident(id))
    }
    pub async fn alerts(&self) -> Result<AlertsView> {
        look!(self, "alerts", |look| look.alerts())
    }
    /// What changed lately.
    pub async fn changes(&self, limit: u32) -> Result<ChangesView> {
        look!(self, format!("changes?limit={limit}"), |look| look.changes(limit))
    }
    /// Every monitor with its latest looks.
    pub async fn monitors(&self) -> Result<MonitorsView> {
        look!(self, "monitors", |look| look.monitors())
    }
    /// Past incidents in which such words stand.
    pub async fn similar(&self, text: &str) -> Result<Vec<Similar>> {
        look!(self, format!("similar?text={}", encoded(text)), |look| look.similar(text))
    }
    pub async fn timeline(&self, id: IncidentId, before: Option<u64>, limit: u32) -> Result<Page<EntryView>> {
        look!(self, list(&format!("incidents/{id}/timeline"), "", before, limit), |look| look.timeline(id, before, limit))
    }
    pub async fn emergencies(&self, open_only: bool, before: Option<u64>, limit: u32) -> Result<Page<Emergency>> {
        look!(self, list("emergencies", if open_only { "open=true" } else { "open=false" }, before, limit), |look| look
            .emergencies(open_only, before, limit))
    }
    pub async fn emergency(&self, id: EmergencyId) -> Result<EmergencyView> {
        look!(self, format!("emergencies/{id}"), |look| look.emergency(id))
    }
    pub async fn obligations(&self, which: Which, before: Option<u64>, limit: u32) -> Result<Page<Obligation>> {
        let filter = match which {
            Which::Owed => "open=true",
            Which::All => "open=false",
        };
        look!(self, list("obligations", filter, before, limit), |look| look.obligations(which, before, limit))
    }
    pub async fn obligation(&self, id: ObligationId) -> Result<ObligationView> {
        look!(self, format!("obligations/{id}"), |look| look.obligation(id))
    }
    /// By what people are reached.
    pub async fn contacts(&self) -> Result<ContactsView> {
        look!(self, "contacts", |look| look.contacts())
    }
    /// All schedules with their shifts of so many days.
    pub async fn oncall(&self, from: Option<jiff::Timestamp>, days: u32) -> Result<OncallView> {
        let from_then = from.map(|from| format!("&from={from}")).unwrap_or_default();
        look!(self, format!("oncall?days={days}{from_then}"), |look| look.oncall(from, days))
    }
    /// What people outside the team see.
    pub async fn status(&self) -> Result<StatusAnswer> {
        match self {
            Self::Remote(remote) => remote.get("status").await,
            Self::Local(local) => {
                let page = local.door().look(local.actor()).status().await.map_err(|error| local.look_failure(error))?;
                Ok(StatusAnswer { page, files_trouble: None })
            }
        }
    }
    pub async fn subscribers(&self) -> Result<SubscribersView> {
        look!(self, "status/subscribers", |look| look.subscribers())
    }
    /// Deletes the address of one subscriber.
    pub async fn forget_subscriber(&self, id: u64) -> Result<()> {
        match self {
            Self::Remote(remote) => remote.delete(&format!("status/subscribers/{id}")).await,
            Self::Local(local) => local.door().look(local.actor()).forget_subscriber(id).await.map_err(|error| local.look_failure(error)),
        }
    }
    pub async fn reviews(&self) -> Result<ReviewsView> {
        look!(self, "reports", |look| look.reviews())
    }
    pub async fn review(&self, period: Period, as_of: Option<AsOf>) -> Result<ReviewView> {
        let query = as_of.map(|as_of| format!("?size={}&at={}", as_of.size, as_of.at)).unwrap_or_default();
        look!(self, format!("reports/{period}{query}"), |look| look.review(period, as_of))
    }
    pub async fn channel(&self, channel: &ChannelName, before: Option<u64>, limit: u32) -> Result<ChannelView> {
        look!(self, list(&format!("channels/{channel}"), "", before, limit), |look| look.channel(channel, before, limit))
    }
    pub async fn ledger(&self, before: Option<u64>, limit: u32) -> Result<LedgerView> {
        look!(self, list("ledger", "", before, limit), |look| look.ledger(before, limit))
    }
    /// Whose authority this is.
    pub async fn me(&self) -> Result<PersonId> {
        match self {
            Self::Remote(remote) => Ok(remote.get::<MeAnswer>("me").await?.person.id),
            Self::Local(local) => local.actor().as_person().cloned().ok_or_else(|| Failure::SignIn(terminal::token_needed(local.lang()))),
        }
    }
    pub async fn people(&self) -> Result<Vec<PersonView>> {
        look!(self, "people", |look| look.people())
    }

    /// One entry, and its bytes exactly as they are hashed.
    pub async fn entry(&self, seq: u64) -> Result<(EntryView, Vec<u8>)> {
        match self {
            Self::Remote(remote) => {
                let answer: EntryAnswer = remote.get(&format!("ledger/{seq}")).await?;
                Ok((answer.entry, answer.bytes.into_bytes()))
            }
            Self::Local(local) => local.door().look(local.actor()).entry(seq).await.map_err(|error| local.look_failure(error)),
        }
    }

    /// The trust bundle: a note signed by the ledger's key.
    pub async fn trust(&self) -> Result<String> {
        match self {
            Self::Remote(remote) => Ok(String::from_utf8_lossy(&remote.bytes("trust").await?).into_owned()),
            Self::Local(local) => local.door().look(local.actor()).trust().await.map_err(|error| local.look_failure(error)),
        }
    }

    /// The whole record of one case as a zip file.
    pub async fn bundle(&self, case: IncidentId) -> Result<Vec<u8>> {
        match self {
            Self::Remote(remote) => remote.bytes(&format!("ledger/bundle/{case}")).await,
            Self::Local(local) => local.bundle(case).await,
        }
    }

    /// A session's recording, written as it comes; its size. What turns out to be damaged ends with an error.
    pub async fn recording(&self, id: EmergencyId, session: u32, form: Form, out: &mut (dyn std::io::Write + Send)) -> Result<u64> {
        match self {
            Self::Remote(remote) => remote.save(&format!("emergencies/{id}/sessions/{session}/{}", form.file()), out).await,
            Self::Local(local) => {
                let recording = local.door().look(local.actor()).recording(id, session).await;
                let mut export = recording.map_err(|error| local.look_failure(error))?.export(form);
                let mut written = 0_u64;
                while let Some(piece) = export.piece().await {
                    let piece = piece.map_err(|error| Failure::Failed(error.to_string()))?;
                    out.write_all(&piece)?;
                    written = written.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
                }
                Ok(written)
            }
        }
    }

    pub async fn content(&self, digest: Digest) -> Result<Vec<u8>> {
        match self {
            Self::Remote(remote) => remote.bytes(&format!("contents/{digest}")).await,
            Self::Local(local) => local.door().look(local.actor()).content(digest).await.map_err(|error| local.look_failure(error)),
        }
    }
}

#[derive(Deserialize)]
struct PolicyAnswer {
    policy: Policy,
}

#[derive(Deserialize)]
struct MeAnswer {
    person: MePerson,
}

#[derive(Deserialize)]
struct MePerson {
    id: PersonId,
}

#[derive(Deserialize)]
struct EntryAnswer {
    entry: EntryView,
    bytes: String,
}

fn list(path: &str, filter: &str, before: Option<u64>, limit: u32) -> String {
    let mut text = format!("{path}?limit={limit}");
    if !filter.is_empty() {
        text.push('&');
        text.push_str(filter);
    }
    if let Some(before) = before {
        text.push_str(&format!("&before={before}"));
    }
    text
}

/// A text as a value in a query.
fn encoded(text: &str) -> String {
    let byte = |byte: u8| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(byte).collect()
}

pub fn fault_failure(fault: &Fault, lang: Lang) -> Failure {
    Failure::Failed(terminal::door_broken(lang, &fault.to_string()))
}

pub fn look_failure(error: LookError, lang: Lang) -> Failure {
    match error {
        LookError::NotFound { given, .. } => Failure::NotFound(terminal::not_found(lang, &given)),
        LookError::Unknown => Failure::SignIn(terminal::not_signed_in(lang)),
        LookError::Bundle(error) => Failure::Failed(terminal::door_broken(lang, &error.to_string())),
        LookError::Fault(fault) => fault_failure(&fault, lang),
    }
}
