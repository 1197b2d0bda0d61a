//! What a watching device is told: the screen when it joins, and what follows.

use std::sync::Arc;

use hikeshi_domain::ids::Digest;
use hikeshi_domain::session::{Encoding, LineAsk};

/// What watchers are told, in order.
#[derive(Debug, Clone)]
pub enum News {
    /// Frames of the block under way.
    Frames(Arc<[u8]>),
    /// The frames since the last of these are a block, with this header.
    Sealed(Arc<[u8]>),
    /// Why keys are held has changed.
    Gate,
    /// Changed files outside the scope that nobody has accepted; empty: none any more.
    Outside(Arc<Vec<String>>),
    /// A dangerous line waits for a witness, or has been answered.
    Asked(Arc<LineAsk>),
    /// The recorder begins anew: whoever watches joins again.
    Again,
    /// No more will come.
    Over,
}

/// What whoever joins is shown first.
#[derive(Debug, Clone)]
pub struct Screen {
    pub columns: u16,
    pub rows: u16,
    pub encoding: Encoding,
    /// Escape sequences that draw the screen as it was after the last sealed block.
    pub state: String,
    /// Number of the block under way, the head of the one before it, and its frames so far.
    pub block: u64,
    pub prev: Option<Digest>,
    pub frames: Arc<[u8]>,
    pub outside: Arc<Vec<String>>,
}

/// What of a session that is over the ledger names: how many blocks, and the head of the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named {
    pub blocks: u64,
    pub head: Option<Digest>,
}
