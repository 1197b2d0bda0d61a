//! Verifying the ledger as it lies in the store, proving parts of it, and collecting one case for export.
//!
//! The arithmetic is `hikeshi_domain::ledger`; here is only where its hashes come from.

use std::collections::BTreeMap;

use hikeshi_domain::Timestamp;
use hikeshi_domain::ids::{Digest, IncidentId};
use hikeshi_domain::ledger::{
    BundleParts, BundledEntry, Columns, ConsistencyProof, Files, Frontier, KnownHead, Laid, Subtrees, Verdict, Verifier, consistency_proof,
    inclusion_proof, leaf_hash, named_contents, root_of,
};

use crate::error::{Result, StoreError};
use crate::ledger::KEPT_LEVEL;
use crate::read::Reader;
use crate::sql::{Session, Sql};

/// A bundle proves at most this many earlier checkpoints, the newest ones.
const CONSISTENCY_MAX: usize = 100;

static NODE: Sql = Sql::one("SELECT hash FROM nodes WHERE level = ?1 AND idx = ?2");
static TILE: Sql = Sql::one("SELECT seq, bytes FROM entries WHERE seq >= ?1 AND seq < ?2 ORDER BY seq");

#[cfg(test)]
pub(crate) static ALL: &[&Sql] = &[&NODE, &TILE];

/// Hashes from the store: kept subtrees, and leaf hashes of the entries below them, 256 at a time.
struct Kept<'a> {
    session: &'a mut dyn Session,
    tiles: BTreeMap<u64, Vec<Digest>>,
}

impl Kept<'_> {
    /// Leaf hashes of the tile's entries, as many as there are.
    fn tile(&mut self, tile: u64) -> Result<&[Digest]> {
        let leaves = match self.tiles.remove(&tile) {
            Some(leaves) => leaves,
            None => {
                let (from, to) = (tile << KEPT_LEVEL, (tile + 1) << KEPT_LEVEL);
                let mut leaves = Vec::new();
                for (seq, row) in (from..).zip(self.session.query(&TILE, &[from.into(), to.into()])?) {
                    if row.count(0)? != seq {
                        return Err(StoreError::damaged(format!("entry {seq} is not there")));
                    }
                    leaves.push(leaf_hash(row.bytes(1)?));
                }
                leaves
            }
        };
        Ok(self.tiles.entry(tile).or_insert(leaves))
    }
}

impl Subtrees for Kept<'_> {
    type Error = StoreError;

    fn subtree(&mut self, level: u32, index: u64) -> Result<Digest> {
        if level >= KEPT_LEVEL {
            let rows = self.session.query(&NODE, &[level.into(), index.into()])?;
            return rows.first().ok_or_else(|| StoreError::damaged(format!("the tree has no node {level}/{index}")))?.digest(0);
        }
        let first = index << level;
        let tile = self.tile(first >> KEPT_LEVEL)?;
        let (from, width) = (first & ((1 << KEPT_LEVEL) - 1), 1_u64 << level);
        let range = usize::try_from(from).ok().zip(usize::try_from(from + width).ok());
        let leaves =
            range.and_then(|(from, to)| tile.get(from..to)).ok_or_else(|| StoreError::damaged(format!("entry {first} is not there")))?;
        let mut frontier = Frontier::new();
        leaves.iter().for_each(|leaf| frontier.append(*leaf));
        Ok(frontier.root())
    }
}

impl Reader<'_> {
    fn kept(&mut self) -> Kept<'_> {
        Kept { session: &mut *self.session, tiles: BTreeMap::new() }
    }

    /// Walks every entry and compares with the head and with checkpoints that the caller has verified.
    pub fn verify(&mut self, checkpoints: impl IntoIterator<Item = (u64, Digest)>) -> Result<Verdict> {
        let head = self.head()?;
        let mut verifier = Verifier::new(checkpoints);
        self.session.walk(0, &mut |row| {
            verifier.feed(Laid { seq: row.seq, bytes: row.bytes, columns: Some(Columns { key: row.key, case: row.case }) })
        })?;
        Ok(verifier.finish(Some(KnownHead { size: head.size, frontier: &head.frontier, last_leaf: head.last_leaf })))
    }

    /// Root over the first `size` entries, of at most 512 of them and the kept subtrees.
    pub fn root_at(&mut self, size: u64) -> Result<Digest> {
        root_of(&mut self.kept(), size)
    }

    /// That entry `seq` is in the tree of `size` entries.
    pub fn prove_inclusion(&mut self, seq: u64, size: u64) -> Result<Vec<Digest>> {
        inclusion_proof(&mut self.kept(), seq, size)
    }

    /// That the tree of `old` entries is the beginning of the tree of `new`.
    pub fn prove_consistency(&mut self, old: u64, new: u64) -> Result<Vec<Digest>> {
        consistency_proof(&mut self.kept(), old, new)
    }

    /// Everything that the bundle of one case holds, proven to the ledger as it is now. `documents` are added as they are.
    pub fn case_parts(&mut self, case: IncidentId, exported_at: Timestamp, documents: Files) -> Result<BundleParts> {
        let head = self.head()?;
        let root = Frontier::from_parts(head.size, head.frontier)
            .ok_or_else(|| StoreError::damaged("the frontier does not belong to the head"))?
            .root();
        let found = self.all_of_case(case)?;
        let earlier = self.checkpoints()?;
        let mut kept = self.kept();
        let (mut entries, mut named) = (Vec::new(), std::collections::BTreeSet::new());
        for entry in found {
            named.append(&mut named_contents(&entry.bytes));
            let path = inclusion_proof(&mut kept, entry.seq, head.size)?;
            entries.push(BundledEntry { seq: entry.seq, bytes: entry.bytes, path });
        }
        let mut consistency = Vec::new();
        for (from, _) in earlier.iter().rev().filter(|(from, _)| (1..head.size).contains(from)).take(CONSISTENCY_MAX) {
            consistency.push(ConsistencyProof { from: *from, path: consistency_proof(&mut kept, *from, head.size)? });
        }
        let mut contents = BTreeMap::new();
        for digest in named {
            if let Some(bytes) = self.content(&digest)? {
                contents.insert(digest, bytes);
            }
        }
        let people = head
            .workspace
            .policy
            .iter()
            .flat_map(|policy| policy.people.iter().map(|(id, person)| (id.clone(), person.name.clone())))
            .collect();
        Ok(BundleParts { case, exported_at, size: head.size, root, entries, consistency, contents, people, documents })
    }
}
