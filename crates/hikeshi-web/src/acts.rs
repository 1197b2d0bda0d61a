//! Acts: what a person may do on a page, as a form; and the form's fields, read back into a command.
//!
//! One file per area. A form carries the command's kind, a request key and a token of the session; the door decides everything else.

mod account;
mod alert;
mod contact;
mod emergency;
mod follow_up;
mod incident;
mod input;
mod oncall;
mod plan;
mod postmortem;
mod session;
mod show;
mod status;

pub use alert::{silence, unsilence};
pub use contact::{confirm, remove_browser, test, test_everybody};
pub use emergency::{of_change, of_emergency};
pub use follow_up::of_obligation;
pub use incident::{acknowledge, of_incident, open_form};
pub use input::Input;
pub use oncall::{give_back, take_over};
pub use plan::{PlanForm, fields_of, plan_form};
pub use postmortem::of_postmortem;
pub use session::{of_line, of_redaction, of_session, redact};
pub use show::{Act, Field, FieldKind, Weight, render, render_open, render_to, token};

use hikeshi_domain::command::Command;
use hikeshi_text::Sentence;

pub use account::{remove_passkey, revoke_token, sign_out};
pub use follow_up::{channel_post, policy_acts, role_choices};

/// Reads a form. `Err` says which field cannot be read; whether the command may be given is the door's affair.
pub fn command(kind: &str, input: &Input<'_>) -> Result<Command, Sentence> {
    let area = kind.split('.').next().unwrap_or_default();
    match area {
        "alert" => alert::command(kind, input),
        "account" => account::command(kind, input),
        "channel" | "obligation" | "policy" => follow_up::command(kind, input),
        "contact" => contact::command(kind, input),
        "emergency" => emergency::command(kind, input),
        "incident" => incident::command(kind, input),
        "oncall" => oncall::command(kind, input),
        "postmortem" => postmortem::command(kind, input),
        "session" => session::command(kind, input),
        _ => Err(input.unknown_kind(kind)),
    }
}
