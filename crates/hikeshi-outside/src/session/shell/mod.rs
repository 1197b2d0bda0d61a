//! Where each command typed into a recorded terminal begins and ends: its text, exit codes, directory, and the bytes that it wrote.
//!
//! [`Integration`] starts bash or zsh so that the shell itself says so, in marks that are part of the terminal's output. [`Marks`] finds them in the
//! bytes, which it neither changes nor delays; [`CommandTracker`] makes finished [`Record`]s of them. No clock, no pty, no file: the recorder has those.
//!
//! A mark is `ESC ] 8119 ; nonce ; shell ; number ; kind ; … ESC \`, printable ASCII, written to `/dev/tty` in one write. 8119 is ours alone: xterm,
//! VTE, kitty, iTerm2, mintty, rxvt, foot, WezTerm, ConEmu, VS Code (633), FinalTerm (133) and systemd (3008) use other numbers, and a terminal ignores
//! what it does not know. (119 is the number that calls the fire brigade in Japan; 77119 was taken by mintty.) Marks of others pass through and are hints.
//!
//! How the text is known. bash: Enter first hands the line to us, then accepts it; how many lines the parser took tells which of them are this command,
//! also in a paste of many. The history is not asked, so `HISTCONTROL`, a leading space or `set +o history` hide nothing. With line editing
//! off (`set +o emacs`) the history is asked; when it is off as well, the text is [`TextSource::Missing`], and what was typed stands in the bytes
//! before the mark, echoed by the terminal. zsh tells the text itself.
//!
//! What this does not do, and a reader of the record must know:
//!
//! - The nonce stops programs, files and pasted output from forging a mark, the counter stops a genuine one from being played again. Neither stops
//!   the operator, who can read the nonce out of the shell, redefine our functions, or `exec` something else: that is what witnesses and raw bytes are for.
//! - A command that runs others (a script, `make`) is one record. So is an inner program that is a shell without integration, of any kind: after `ssh`,
//!   `sudo -s`, `su`, `env bash`, `exec bash`, in `tmux` or in a container, its bytes are that one command's output, and [`Record::inner`] is
//!   [`Inner::Unseen`]: nobody can tell whether there was one. Bare `bash` and `zsh`, and `hikeshi-inner ssh host` (or `sudo`, `docker exec -it …`)
//!   are integrated. `su` is not: it takes the terminal from a command that it is given.
//! - zsh runs a paste of several lines as one command, and so it is one record with the exit code of the last. bash has one for each.
//! - Output of a background job is in the range of whatever command was running when it came; its exit code is nobody's.
//! - The output range of bash begins after the user's own PS0; what a user's DEBUG trap prints for our hooks is within it. A user's own
//!   binding of Enter is replaced, `C-x C-e` and vi's `v` edit without running at once. `!!` is recorded as what it became; in a paste, as it was typed.
//! - The output range of zsh ends with what zsh itself prints to show a missing newline (`PROMPT_SP`), unless that is switched off.
//! - With `set -x` the trace shows one line of ours for each Enter in bash.
//! - What is typed into the shell's history during the recording is not written to the user's history file.
//! - bash before 4.4 (macOS has 3.2) and zsh before 5.1 stay without marks; so does a zsh whose `/etc/zshenv` sets `ZDOTDIR`.

mod integration;
mod marks;
mod tracker;
mod unquote;

pub(crate) use integration::remote_words;
pub use integration::{Integration, Launch, Nonce, ShellKind, Startup, remote_command};
pub use marks::{Forged, Hint, HintFamily, Mark, Marks, Seen, ShellId, Text, TextSource, What};
pub use tracker::{CommandTracker, Ended, Inner, Known, Record, Told};
