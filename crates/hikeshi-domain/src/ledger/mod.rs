//! How the record is kept: entries, the Merkle tree over them, signed checkpoints, bundles, and how each is verified.
//!
//! Pure: bytes in, verdict out. Reading rows is `hikeshi-store`; this is also all that an offline verifier needs.

mod approvals;
mod bundle;
mod case;
mod case_flaw;
mod checkpoint;
mod entry;
mod inspect;
mod merkle;
mod recorded;
#[cfg(test)]
mod tests;
mod verify;

pub use approvals::APPROVALS_DIRECTORY;
pub use bundle::*;
pub use case::*;
pub use checkpoint::*;
pub use entry::*;
pub use inspect::*;
pub use merkle::*;
pub use verify::*;
