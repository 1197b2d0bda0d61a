//! What a recorded terminal needs besides its recorder. [`shell`] knows where each command begins and ends.

pub mod shell;
