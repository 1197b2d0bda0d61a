//! The command line end to end: the real program, a real server process, real files. One binary; a module per subject.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::let_underscore_must_use,
    reason = "tests; helpers are not marked as tests"
)]

#[path = "end_to_end/double.rs"]
mod double;
#[path = "end_to_end/harness.rs"]
mod harness;
#[path = "../../hikeshi-outside/tests/sshd.rs"]
mod sshd;
#[path = "end_to_end/telephone.rs"]
mod telephone;
#[path = "end_to_end/way.rs"]
mod way;

#[path = "end_to_end/alerts.rs"]
mod alerts;
#[path = "end_to_end/approvals.rs"]
mod approvals;
#[path = "end_to_end/bytes.rs"]
mod bytes;
#[path = "end_to_end/confirm.rs"]
mod confirm;
#[path = "end_to_end/exit_codes.rs"]
mod exit_codes;
#[path = "end_to_end/files.rs"]
mod files;
#[path = "end_to_end/github.rs"]
mod github;
#[path = "end_to_end/import.rs"]
mod import;
#[path = "end_to_end/ledger.rs"]
mod ledger;
#[path = "end_to_end/local.rs"]
mod local;
#[path = "end_to_end/merge.rs"]
mod merge;
#[path = "end_to_end/monitors.rs"]
mod monitors;
#[path = "end_to_end/oncall.rs"]
mod oncall;
#[path = "end_to_end/over_ssh.rs"]
mod over_ssh;
#[path = "end_to_end/paging.rs"]
mod paging;
#[path = "end_to_end/push.rs"]
mod push;
#[path = "end_to_end/rehearsal.rs"]
mod rehearsal;
#[path = "end_to_end/scenarios.rs"]
mod scenarios;
#[path = "end_to_end/serving.rs"]
mod serving;
#[path = "end_to_end/session.rs"]
mod session;
#[path = "end_to_end/session_files.rs"]
mod session_files;
#[path = "end_to_end/session_lost.rs"]
mod session_lost;
#[path = "end_to_end/slack.rs"]
mod slack;
#[path = "end_to_end/slack_page.rs"]
mod slack_page;
#[path = "end_to_end/status.rs"]
mod status;
