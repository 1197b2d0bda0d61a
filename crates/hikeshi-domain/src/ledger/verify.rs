//! The streaming verifier: entries go in one after the other, what comes out is the first one that is wrong, and how.
//!
//! Each entry names the leaf hash of the one before, so a changed entry shows at its successor; the head and earlier signed
//! checkpoints show what a chain alone cannot: a cut tail, or a ledger that was written again from some entry on.

use std::borrow::Cow;
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::{Entry, Frontier, leaf_hash};
use crate::ids::{Digest, IncidentId};

/// What is wrong with the first wrong entry. Codes only; the words are elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "wrong", rename_all = "snake_case")]
pub enum Wrong {
    /// It is not there, though later ones are.
    Removed,
    /// It lies where another belongs.
    OutOfPlace { found: u64 },
    /// It is not an entry that this program could have written.
    Unreadable,
    /// It says that it is another one.
    SeqDiffers { says: u64 },
    /// Its bytes are not those that were recorded: what follows names another hash.
    Altered,
    /// The columns beside it, by which it is found, say something else than it does.
    ColumnsDiffer,
    /// The ledger ends here, though it has had more entries.
    TailCut { size: u64 },
    /// It was added behind the end that the head knows.
    BeyondHead { size: u64 },
    /// A signed checkpoint of this size has another root: entries were written again.
    CheckpointDiffers { size: u64 },
    /// The entries agree with each other, and the head does not agree with them.
    HeadDiffers,
}

/// The first wrong entry is one of `earliest..=latest`; nearly always the two are equal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    pub earliest: u64,
    pub latest: u64,
    #[serde(flatten)]
    pub wrong: Wrong,
}

impl Fault {
    fn at(seq: u64, wrong: Wrong) -> Self {
        Self { earliest: seq, latest: seq, wrong }
    }
}

/// What a whole walk has shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Entries that were looked at.
    pub entries: u64,
    /// Root over them.
    pub root: Digest,
    /// Sizes of the checkpoints that agree.
    pub agreed: Vec<u64>,
    pub fault: Option<Fault>,
}

/// An entry with the columns by which a store finds it, when it comes from a store.
#[derive(Debug, Clone, Copy)]
pub struct Laid<'a> {
    /// Where it lies.
    pub seq: u64,
    pub bytes: &'a [u8],
    pub columns: Option<Columns<'a>>,
}

#[derive(Debug, Clone, Copy)]
pub struct Columns<'a> {
    pub key: &'a str,
    pub case: Option<u64>,
}

/// A head to compare with.
#[derive(Debug, Clone, Copy)]
pub struct KnownHead<'a> {
    pub size: u64,
    pub frontier: &'a [Digest],
    pub last_leaf: Digest,
}

/// The fields that the chain needs; everything else is only checked to be JSON.
#[derive(Deserialize)]
pub(super) struct Thin<'a> {
    v: u8,
    pub(super) seq: u64,
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) case: Option<&'a str>,
    #[serde(borrow)]
    prev: &'a str,
}

impl<'a> Thin<'a> {
    /// `None`: not an entry of a version that is known.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        // The parser passes over the strings of fields that nobody asked for without looking whether they are text.
        let text = str::from_utf8(bytes).ok()?;
        serde_json::from_str::<Self>(text).ok().filter(|thin| thin.v == Entry::VERSION)
    }

    fn agrees(&self, columns: &Columns<'_>) -> bool {
        let case = self.case.map(str::parse::<IncidentId>).transpose();
        self.key == columns.key && case.is_ok_and(|case| case.map(|case| case.0) == columns.case)
    }
}

/// Verifies entries fed in order. Memory does not grow with them.
#[derive(Debug)]
pub struct Verifier {
    frontier: Frontier,
    prev: Digest,
    /// Sizes and roots that are still ahead, smallest last.
    ahead: Vec<(u64, Digest)>,
    agreed: Vec<u64>,
    /// The entry that does not name the hash of the one before. Which of the two was changed shows at the next.
    doubt: Option<u64>,
    /// A checkpoint that disagrees. A broken chain nearby tells more exactly where.
    suspect: Option<Fault>,
    fault: Option<Fault>,
}

impl Verifier {
    /// `checkpoints` are sizes and roots from signed checkpoints that the caller has verified.
    pub fn new(checkpoints: impl IntoIterator<Item = (u64, Digest)>) -> Self {
        let mut ahead: Vec<(u64, Digest)> = checkpoints.into_iter().collect();
        ahead.sort_unstable_by(|one, other| other.cmp(one));
        let mut verifier =
            Self { frontier: Frontier::new(), prev: Digest([0; 32]), ahead, agreed: Vec::new(), doubt: None, suspect: None, fault: None };
        verifier.compare_checkpoints();
        verifier
    }

    /// The next entry. `Break`: the first wrong entry is known, further ones would change nothing.
    pub fn feed(&mut self, laid: Laid<'_>) -> ControlFlow<()> {
        let expected = self.frontier.size();
        if self.fault.is_some() {
            return ControlFlow::Break(());
        }
        let found = self.look(expected, laid);
        if let Err(fault) = found {
            self.fault = Some(self.earlier_of(fault));
            return ControlFlow::Break(());
        }
        if self.suspect.as_ref().is_some_and(|suspect| expected > suspect.latest + 1) && self.doubt.is_none() {
            self.fault = self.suspect.take();
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    fn look(&mut self, expected: u64, laid: Laid<'_>) -> Result<(), Fault> {
        if laid.seq > expected {
            return Err(self.settled_without_next().unwrap_or(Fault::at(expected, Wrong::Removed)));
        }
        if laid.seq < expected {
            return Err(Fault::at(expected, Wrong::OutOfPlace { found: laid.seq }));
        }
        let thin = Thin::read(laid.bytes).ok_or_else(|| self.settled_without_next().unwrap_or(Fault::at(expected, Wrong::Unreadable)))?;
        if thin.seq != expected {
            return Err(self.settled_without_next().unwrap_or(Fault::at(expected, Wrong::SeqDiffers { says: thin.seq })));
        }
        let follows = Digest::parse(thin.prev) == Some(self.prev);
        if let Some(doubtful) = self.doubt.take() {
            // The doubtful entry is confirmed by this one: then the one before it is not what it was.
            let earliest = doubtful.saturating_sub(1);
            return Err(Fault { earliest, latest: if follows { earliest } else { doubtful }, wrong: Wrong::Altered });
        }
        if !follows {
            if expected == 0 {
                return Err(Fault::at(0, Wrong::Altered));
            }
            self.doubt = Some(expected);
        }
        if laid.columns.is_some_and(|columns| !thin.agrees(&columns)) && self.doubt.is_none() {
            return Err(Fault::at(expected, Wrong::ColumnsDiffer));
        }
        self.prev = leaf_hash(laid.bytes);
        self.frontier.append(self.prev);
        self.compare_checkpoints();
        Ok(())
    }

    /// A doubt that no further entry can settle.
    fn settled_without_next(&mut self) -> Option<Fault> {
        let doubtful = self.doubt.take()?;
        Some(Fault { earliest: doubtful.saturating_sub(1), latest: doubtful, wrong: Wrong::Altered })
    }

    /// A disagreeing checkpoint is the first fault unless the chain breaks within what it covers.
    fn earlier_of(&mut self, fault: Fault) -> Fault {
        match self.suspect.take() {
            Some(suspect) if fault.earliest > suspect.latest => suspect,
            Some(_) | None => fault,
        }
    }

    fn compare_checkpoints(&mut self) {
        while let Some((size, root)) = self.ahead.pop_if(|(size, _)| *size == self.frontier.size()) {
            if self.frontier.root() == root {
                self.agreed.push(size);
            } else if self.suspect.is_none() {
                let earliest = self.agreed.last().copied().unwrap_or(0);
                let wrong = Wrong::CheckpointDiffers { size };
                self.suspect = Some(Fault { earliest, latest: size.saturating_sub(1).max(earliest), wrong });
            }
        }
    }

    /// Ends the walk. Without a head only the entries and the checkpoints are compared.
    pub fn finish(mut self, head: Option<KnownHead<'_>>) -> Verdict {
        let fault = self.fault.take().or_else(|| self.at_end(head));
        Verdict { entries: self.frontier.size(), root: self.frontier.root(), agreed: self.agreed, fault }
    }

    fn at_end(&mut self, head: Option<KnownHead<'_>>) -> Option<Fault> {
        let size = self.frontier.size();
        if let Some(doubtful) = self.doubt.take() {
            // The last entry does not follow: the head knows whether it is the one that was recorded.
            let last_is_right = head.is_some_and(|head| head.size == size && head.last_leaf == self.prev);
            let earliest = doubtful.saturating_sub(1);
            let fault = Fault { earliest, latest: if last_is_right { earliest } else { doubtful }, wrong: Wrong::Altered };
            return Some(self.earlier_of(fault));
        }
        if let Some(head) = head.filter(|head| head.size == size && head.last_leaf != self.prev && size > 0) {
            // The chain holds up to the last entry, which nothing follows.
            let last_was_changed = head.frontier != self.frontier.roots();
            let fault = Fault::at(size - 1, if last_was_changed { Wrong::Altered } else { Wrong::HeadDiffers });
            return Some(self.earlier_of(fault));
        }
        if let Some(suspect) = self.suspect.take() {
            return Some(suspect);
        }
        let known = head.map(|head| head.size).into_iter().chain(self.ahead.iter().map(|(size, _)| *size)).max().unwrap_or(size);
        if known > size {
            return Some(Fault::at(size, Wrong::TailCut { size: known }));
        }
        let head = head?;
        if head.size < size {
            return Some(Fault::at(head.size, Wrong::BeyondHead { size: head.size }));
        }
        if head.frontier != self.frontier.roots() {
            return Some(Fault { earliest: 0, latest: size.saturating_sub(1), wrong: Wrong::HeadDiffers });
        }
        None
    }
}
