//! The record itself: ledger, timelines, channels, contents.

use std::collections::BTreeMap;

use hikeshi_domain::chat::Seal;
use hikeshi_domain::emergency::PlanDocument;
use hikeshi_domain::facts::Needs;
use hikeshi_domain::ids::{ChannelName, Digest, EmergencyId, IncidentId};
use hikeshi_domain::ledger::{BundleError, DECLARED_FILE, Declared, Files, Frontier};
use hikeshi_domain::policy::{Owed, Target};
use hikeshi_store::{KeptEntry, StoreError};

use super::{ChannelView, EntryView, LedgerView, Look, LookError, Page, PostRow, Sight, page, span};
use crate::door::kept_view;
use crate::recording::{Recording, told, told_there};

/// Owed things that a trust bundle names.
const OWED_MAX: u32 = 200;

impl Look<'_> {
    /// Entries of one case, and of those that have become part of it; newest first.
    pub async fn timeline(&self, case: IncidentId, before: Option<u64>, limit: u32) -> Result<Page<EntryView>, LookError> {
        self.see(move |sight| {
            let facts = sight.incidents([case])?;
            let absorbed = facts.incident(case).iter().flat_map(|state| state.absorbed.iter().copied()).collect::<Vec<_>>();
            let mut kept = Vec::new();
            for case in std::iter::once(case).chain(absorbed) {
                kept.extend(sight.reader.entries_of_case(case, span(before, limit))?);
            }
            kept.sort_by_key(|entry| std::cmp::Reverse(entry.seq));
            Ok(readable(page(kept, limit, |kept| kept.seq)))
        })
        .await
    }

    pub async fn channel(&self, channel: &ChannelName, before: Option<u64>, limit: u32) -> Result<ChannelView, LookError> {
        let channel = channel.clone();
        self.see(move |sight| {
            let posts = sight.reader.posts(&channel, span(before, limit))?;
            let posts =
                page(posts, limit, |post| post.seq).map(|post| PostRow { seq: post.seq, at: post.at, actor: post.actor, post: post.post });
            Ok(ChannelView { size: sight.head.size, at: sight.now, channel, posts })
        })
        .await
    }

    pub async fn ledger(&self, before: Option<u64>, limit: u32) -> Result<LedgerView, LookError> {
        self.see(move |sight| {
            let head = &sight.head;
            let frontier = Frontier::from_parts(head.size, head.frontier.clone()).ok_or_else(|| StoreError {
                doing: "read the head",
                detail: "its hashes do not fit its size".to_owned(),
                passing: false,
            })?;
            let entries = readable(page(sight.reader.entries(span(before, limit))?, limit, |kept| kept.seq));
            let checkpoint = sight.reader.checkpoint()?.map(|(_, note)| note);
            Ok(LedgerView {
                size: frontier.size(),
                root: frontier.root(),
                at: sight.now,
                checkpoint,
                verifier_key: sight.door.inside.sealer.verifier_key(),
                entries,
            })
        })
        .await
    }

    /// One entry, and the very bytes that its hash is of.
    pub async fn entry(&self, seq: u64) -> Result<(EntryView, Vec<u8>), LookError> {
        self.see(move |sight| {
            let kept = sight.reader.entry(seq)?.ok_or_else(|| LookError::NotFound { what: "ledger entry", given: seq.to_string() })?;
            Ok((kept_view(&kept)?, kept.bytes))
        })
        .await
    }

    /// Output or file content that an entry names.
    pub async fn content(&self, digest: Digest) -> Result<Vec<u8>, LookError> {
        self.see(move |sight| {
            sight.reader.content(&digest)?.ok_or_else(|| LookError::NotFound { what: "content", given: digest.to_string() })
        })
        .await
    }

    /// The trust bundle as it is now: a signed note.
    pub async fn trust(&self) -> Result<String, LookError> {
        self.see(move |sight| {
            let head = &sight.head;
            let seal = Frontier::from_parts(head.size, head.frontier.clone())
                .map(|frontier| Seal { size: frontier.size(), root: frontier.root() });
            let (owed, _, _) = sight.reader.owed(sight.now, OWED_MAX)?;
            let hardening = owed.iter().filter(|owed| owed.kind.hardens_next());
            let owed = hardening.map(|owed| Owed { obligation: owed.id, due_at: owed.due_at }).collect();
            let signed = sight.door.inside.sealer.trust(&sight.policy, seal, owed, sight.now);
            signed.map_err(|error| LookError::Bundle(error.into()))
        })
        .await
    }

    /// One case as files that anybody can verify offline; `documents` are added as they are.
    pub async fn bundle(&self, case: IncidentId, documents: Files) -> Result<Files, LookError> {
        self.see(move |sight| {
            let mut documents = documents;
            let targets = declared_targets(sight, case)?;
            let declared = Declared::new(&sight.policy, targets);
            documents.insert(DECLARED_FILE.to_owned(), declared.bytes());
            let parts = sight.reader.case_parts(case, sight.now, documents)?;
            sight.door.inside.sealer.bundle(parts).map_err(|error| match error {
                BundleError::NothingToExport(case) => LookError::NotFound { what: "case", given: case.to_string() },
                BundleError::NotALine(_) | BundleError::BadName(_) | BundleError::Note(_) => LookError::Bundle(error),
            })
        })
        .await
    }

    /// The recording of a session, to be read from its beginning.
    pub async fn recording(&self, emergency: EmergencyId, session: u32) -> Result<Recording, LookError> {
        self.see(move |sight| {
            let mut facts = sight.facts();
            sight.load(&Needs { emergencies: [emergency].into(), ..Needs::default() }, &mut facts)?;
            let unknown = || LookError::NotFound { what: "session", given: format!("{emergency}/{session}") };
            let found = facts.emergency(emergency).ok_or_else(unknown)?;
            if !found.sessions.iter().any(|known| known.number == session) {
                return Err(unknown());
            }
            let encoding = found.plan.terminal.as_ref().map(|terminal| terminal.encoding).unwrap_or_default();
            let title = format!("{emergency}/{session} {}", found.plan.summary);
            let told = match found.offline.as_deref() {
                Some(offline) => told_there(sight.reader, offline, session)?,
                None => told(sight.reader, found.incident, emergency, session)?,
            };
            Ok(Recording::new(sight.door.clone(), told, encoding, title))
        })
        .await
    }
}

/// The targets of a case's exceptions, as long as they are declared as they were when the plans were digested.
fn declared_targets(sight: &mut Sight<'_, '_>, case: IncidentId) -> Result<BTreeMap<EmergencyId, Target>, LookError> {
    let mut facts = sight.facts();
    sight.load(&Needs { incidents: [case].into(), ..Needs::default() }, &mut facts)?;
    let Some(emergencies) = facts.incident(case).map(|incident| incident.emergencies.clone()) else { return Ok(BTreeMap::new()) };
    sight.load(&Needs { emergencies: emergencies.iter().copied().collect(), ..Needs::default() }, &mut facts)?;
    let mut targets = BTreeMap::new();
    for emergency in emergencies.iter().filter_map(|id| facts.emergency(*id)) {
        if let Some(target) = sight.policy.targets.get(&emergency.plan.target)
            && PlanDocument::of(emergency, Some(target)).digest() == emergency.digest
        {
            targets.insert(emergency.id, target.clone());
        }
    }
    Ok(targets)
}

/// Altered entries must not hide the others: one that cannot be read any more is a visible gap in the numbers, and verification names it.
fn readable(kept: Page<KeptEntry>) -> Page<EntryView> {
    let rows = kept.rows.iter().filter_map(|kept| match kept_view(kept) {
        Ok(view) => Some(view),
        Err(error) => {
            tracing::error!(seq = kept.seq, %error, "an entry of the ledger cannot be read");
            None
        }
    });
    Page { rows: rows.collect(), older: kept.older }
}
