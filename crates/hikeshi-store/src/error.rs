//! How the store fails. Never a person's mistake: those are refusals, and they are stored like everything else.

/// The store cannot be used: disk, lock, network, damage.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{doing}: {detail}")]
pub struct StoreError {
    pub doing: &'static str,
    pub detail: String,
    /// Whether the same call may work a moment later (locked, connection lost), or not (damaged, full, wrong version).
    pub passing: bool,
}

pub type Result<T> = std::result::Result<T, StoreError>;

impl StoreError {
    /// What is stored cannot be what this program wrote.
    pub(crate) fn damaged(detail: impl Into<String>) -> Self {
        Self { doing: "read what is stored", detail: detail.into(), passing: false }
    }

    /// The caller broke a promise of this crate: a fault of the program, and nothing was written.
    pub(crate) fn misuse(detail: impl Into<String>) -> Self {
        Self { doing: "prepare a write", detail: detail.into(), passing: false }
    }

    pub(crate) fn lasting(doing: &'static str, detail: impl Into<String>) -> Self {
        Self { doing, detail: detail.into(), passing: false }
    }

    pub(crate) fn passing(doing: &'static str, detail: impl Into<String>) -> Self {
        Self { doing, detail: detail.into(), passing: true }
    }
}
