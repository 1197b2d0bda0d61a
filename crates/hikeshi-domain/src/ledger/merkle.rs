//! The Merkle tree of RFC 6962 and RFC 9162: leaf and node hashes, the frontier that appends, proofs and their verification.
//!
//! Not here: where hashes are kept (`hikeshi-store` gives them through [`Subtrees`]), signatures ([`super::checkpoint`]).

use std::convert::Infallible;

use crate::ids::{Digest, Hash};

/// Hash of one entry's bytes: SHA-256 over `0x00` and the bytes.
pub fn leaf_hash(bytes: &[u8]) -> Digest {
    let mut hash = Hash::default();
    hash.update(&[0]);
    hash.update(bytes);
    hash.finish()
}

/// Hash of an inner node: SHA-256 over `0x01` and both children.
pub fn node_hash(left: &Digest, right: &Digest) -> Digest {
    let mut hash = Hash::default();
    hash.update(&[1]);
    hash.update(&left.0);
    hash.update(&right.0);
    hash.finish()
}

/// Root of the tree without entries.
pub fn empty_root() -> Digest {
    Digest::of(&[])
}

/// The right edge of a tree: the roots of its complete subtrees, largest first. All that appending needs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    roots: Vec<Digest>,
}

impl Frontier {
    pub fn new() -> Self {
        Self::default()
    }

    /// `None` when the number of roots cannot belong to a tree of this size.
    pub fn from_parts(size: u64, roots: Vec<Digest>) -> Option<Self> {
        (u32::try_from(roots.len()) == Ok(size.count_ones())).then_some(Self { size, roots })
    }

    pub fn size(&self) -> u64 {
        self.size
    }

    /// Roots of the complete subtrees, largest first.
    pub fn roots(&self) -> &[Digest] {
        &self.roots
    }

    pub fn into_roots(self) -> Vec<Digest> {
        self.roots
    }

    pub fn append(&mut self, leaf: Digest) {
        self.append_noting(leaf, |_, _, _| ());
    }

    /// Appends, and tells of every subtree that became complete: level (0 is the leaf), index within the level, hash.
    pub fn append_noting(&mut self, leaf: Digest, mut complete: impl FnMut(u32, u64, &Digest)) {
        complete(0, self.size, &leaf);
        let mut hash = leaf;
        for level in 1..=self.size.trailing_ones() {
            let Some(left) = self.roots.pop() else { break };
            hash = node_hash(&left, &hash);
            complete(level, self.size.checked_shr(level).unwrap_or(0), &hash);
        }
        self.roots.push(hash);
        self.size += 1;
    }

    pub fn root(&self) -> Digest {
        let mut smallest_first = self.roots.iter().rev();
        let Some(last) = smallest_first.next() else { return empty_root() };
        smallest_first.fold(*last, |right, left| node_hash(left, &right))
    }
}

/// Gives the hash of the complete subtree of `2^level` leaves that is the `index`th of its level.
pub trait Subtrees {
    type Error;
    fn subtree(&mut self, level: u32, index: u64) -> Result<Digest, Self::Error>;
}

impl<E, F: FnMut(u32, u64) -> Result<Digest, E>> Subtrees for F {
    type Error = E;
    fn subtree(&mut self, level: u32, index: u64) -> Result<Digest, E> {
        self(level, index)
    }
}

/// Leaf hashes in memory.
impl Subtrees for &[Digest] {
    type Error = Infallible;
    fn subtree(&mut self, level: u32, index: u64) -> Result<Digest, Infallible> {
        Ok(subtree_of(self, level, index))
    }
}

/// The complete subtree computed from leaf hashes; beyond the end it is the empty root, which no proof can use.
fn subtree_of(leaves: &[Digest], level: u32, index: u64) -> Digest {
    let bounds = (index.checked_shl(level), (index + 1).checked_shl(level));
    let range = match bounds {
        (Some(from), Some(to)) => usize::try_from(from).ok().zip(usize::try_from(to).ok()),
        (None, _) | (_, None) => None,
    };
    let leaves = range.and_then(|(from, to)| leaves.get(from..to)).unwrap_or_default();
    let mut frontier = Frontier::new();
    for leaf in leaves {
        frontier.append(*leaf);
    }
    frontier.root()
}

/// The largest power of two smaller than `size`; `size` is at least 2.
fn split(size: u64) -> u64 {
    1 << (63 - (size - 1).leading_zeros())
}

/// Hash of the leaves `[start, start + size)`; `start` is a multiple of the subtree's full width, as it always is in RFC 6962.
fn range_hash<S: Subtrees>(subtrees: &mut S, start: u64, size: u64) -> Result<Digest, S::Error> {
    if size == 0 {
        return Ok(empty_root());
    }
    if size.is_power_of_two() {
        let level = size.trailing_zeros();
        return subtrees.subtree(level, start >> level);
    }
    let left = split(size);
    let left_hash = range_hash(subtrees, start, left)?;
    let right_hash = range_hash(subtrees, start + left, size - left)?;
    Ok(node_hash(&left_hash, &right_hash))
}

/// Root of the tree of the first `size` leaves.
pub fn root_of<S: Subtrees>(subtrees: &mut S, size: u64) -> Result<Digest, S::Error> {
    range_hash(subtrees, 0, size)
}

/// PATH(index, D_size) of RFC 9162 2.1.3.1, from the leaf upwards. Empty when the index is not in the tree.
pub fn inclusion_proof<S: Subtrees>(subtrees: &mut S, index: u64, size: u64) -> Result<Vec<Digest>, S::Error> {
    let mut path = Vec::new();
    if index >= size {
        return Ok(path);
    }
    let (mut start, mut width) = (0, size);
    while width > 1 {
        let left = split(width);
        if index - start < left {
            path.push(range_hash(subtrees, start + left, width - left)?);
            width = left;
        } else {
            path.push(range_hash(subtrees, start, left)?);
            start += left;
            width -= left;
        }
    }
    path.reverse();
    Ok(path)
}

/// RFC 9162 2.1.3.2: whether `leaf` is entry `index` of the tree of `size` entries with this root.
pub fn verify_inclusion(leaf: &Digest, index: u64, size: u64, path: &[Digest], root: &Digest) -> bool {
    if index >= size {
        return false;
    }
    let (mut node, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in path {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

/// PROOF(old, D_new) of RFC 9162 2.1.4.1. Empty when there is nothing to prove: equal sizes, or an empty or larger old tree.
pub fn consistency_proof<S: Subtrees>(subtrees: &mut S, old: u64, new: u64) -> Result<Vec<Digest>, S::Error> {
    let mut path = Vec::new();
    if old == 0 || old >= new {
        return Ok(path);
    }
    let (mut start, mut width, mut wanted) = (0, new, old);
    // Whether the old tree is a subtree that the verifier already knows as its root.
    let mut whole = true;
    while wanted < width {
        let left = split(width);
        if wanted <= left {
            path.push(range_hash(subtrees, start + left, width - left)?);
            width = left;
        } else {
            path.push(range_hash(subtrees, start, left)?);
            start += left;
            width -= left;
            wanted -= left;
            whole = false;
        }
    }
    if !whole {
        path.push(range_hash(subtrees, start, width)?);
    }
    path.reverse();
    Ok(path)
}

/// RFC 9162 2.1.4.2: whether the tree of `new` entries begins with the tree of `old` entries.
pub fn verify_consistency(old: u64, old_root: &Digest, new: u64, new_root: &Digest, path: &[Digest]) -> bool {
    if old > new {
        return false;
    }
    if old == new {
        return path.is_empty() && old_root == new_root;
    }
    if old == 0 {
        return path.is_empty() && *old_root == empty_root();
    }
    let mut rest = path.iter();
    let first = if old.is_power_of_two() { Some(old_root) } else { rest.next() };
    let Some(first) = first else { return false };
    let (mut node, mut last) = (old - 1, new - 1);
    while node & 1 == 1 {
        node >>= 1;
        last >>= 1;
    }
    let (mut old_hash, mut new_hash) = (*first, *first);
    for sibling in rest {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            old_hash = node_hash(sibling, &old_hash);
            new_hash = node_hash(sibling, &new_hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            new_hash = node_hash(&new_hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && old_hash == *old_root && new_hash == *new_root
}
