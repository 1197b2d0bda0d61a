//! Why a command did not succeed, and the exit code that says so. The codes are promised in `--help` and tested.

use hikeshi_domain::refusal::Refusal;

/// Every way to end other than well.
#[derive(Debug)]
pub enum Failure {
    /// Something broke, or what was looked at is not in order (a mistake in a file, a tampered ledger).
    Failed(String),
    Usage(String),
    NotFound(String),
    /// The door said no. Its rule, reason and next step are in the refusal.
    Refused {
        refusal: Box<Refusal>,
        seq: Option<u64>,
    },
    /// No authority was shown, or it is not valid any more.
    SignIn(String),
    /// Still waiting, and `--no-wait` was given.
    Waiting(String),
    StepFailed(String),
    Unreachable(String),
    TimedOut(String),
    Interrupted,
    /// Everything was already said; only the code is left.
    Said(Code),
}

/// Exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Code {
    Failed = 1,
    Usage = 2,
    NotFound = 3,
    Refused = 4,
    Waiting = 5,
    StepFailed = 6,
    Unreachable = 7,
    TimedOut = 124,
    Interrupted = 130,
}

impl Code {
    /// For `--json`: a name that does not change.
    pub fn name(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Usage => "usage",
            Self::NotFound => "not_found",
            Self::Refused => "refused",
            Self::Waiting => "waiting",
            Self::StepFailed => "step_failed",
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timeout",
            Self::Interrupted => "interrupted",
        }
    }
}

impl Failure {
    pub fn code(&self) -> Code {
        match self {
            Self::Failed(_) => Code::Failed,
            Self::Usage(_) => Code::Usage,
            Self::NotFound(_) => Code::NotFound,
            Self::Refused { .. } | Self::SignIn(_) => Code::Refused,
            Self::Waiting(_) => Code::Waiting,
            Self::StepFailed(_) => Code::StepFailed,
            Self::Unreachable(_) => Code::Unreachable,
            Self::TimedOut(_) => Code::TimedOut,
            Self::Interrupted => Code::Interrupted,
            Self::Said(code) => *code,
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(format!("{error:#}"))
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<hikeshi_domain::ids::IdError> for Failure {
    fn from(error: hikeshi_domain::ids::IdError) -> Self {
        Self::Usage(error.to_string())
    }
}

impl From<hikeshi_store::StoreError> for Failure {
    fn from(error: hikeshi_store::StoreError) -> Self {
        Self::Failed(error.to_string())
    }
}

pub type Result<T> = std::result::Result<T, Failure>;
