//! Every command that a person may give by program.

use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use hikeshi_domain::command::{Command, Envelope};
use hikeshi_domain::ids::RequestKey;
use hikeshi_domain::people::Via;
use hikeshi_domain::session;
use hikeshi_domain::{account, alert, contact};
use hikeshi_engine::door::{Answer, Receipt};
use schemars::JsonSchema;
use serde::{Deserialize as _, Serialize};
use serde_json::Value;

use super::problem;
use super::strict::unknown_field;
use super::table::Params;
use crate::fail::Fail;
use crate::json::{parse, read_json, respond};
use crate::secret;
use crate::state::App;
use crate::viewer::{ApiViewer, Proven, Viewer};

/// What became of a command.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Became {
    /// It was done, durably.
    Done,
    /// The same request key was answered before; nothing was done again.
    Already,
    /// Asked with `dry_run=true`: it would be done; nothing was written.
    WouldBeDone,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct CommandAnswer {
    pub answer: Became,
    pub receipt: Receipt,
}

/// The kinds that may come through the API. Not here: what only the program says, and signing in, which proves who somebody is.
pub fn is_public(command: &Command) -> bool {
    match command {
        Command::Account(command) => match command {
            account::Command::Invite { .. }
            | account::Command::IssueToken { .. }
            | account::Command::RevokeToken { .. }
            | account::Command::RemovePasskey { .. }
            | account::Command::SignOut { .. } => true,
            // Signing in proves an identity; a passkey comes out of its own ceremony.
            account::Command::SignIn { .. } | account::Command::AddPasskey { .. } | account::Command::Enter { .. } => false,
        },
        Command::Session(command) => match command {
            session::Command::Open { .. }
            | session::Command::Bind { .. }
            | session::Command::Note { .. }
            | session::Command::Stop { .. }
            | session::Command::Confirm { .. }
            | session::Command::Deny { .. }
            | session::Command::Redact { .. }
            | session::Command::AgreeRedaction { .. }
            | session::Command::DeclineRedaction { .. }
            | session::Command::Abandon { .. } => true,
            // What the recorder and watching devices send comes through their own streams.
            session::Command::Ask { .. }
            | session::Command::Withdraw { .. }
            | session::Command::Seal { .. }
            | session::Command::Acknowledge { .. }
            | session::Command::Gate { .. }
            | session::Command::End { .. } => false,
        },
        Command::Contact(command) => match command {
            contact::Command::Test { .. } | contact::Command::Confirm { .. } | contact::Command::RemoveBrowser { .. } => true,
            // Where it is reached comes with it, and is not for the record.
            contact::Command::AddBrowser { .. } | contact::Command::LoseBrowser { .. } => false,
        },
        Command::Alert(command) => match command {
            alert::Command::Silence { .. } | alert::Command::Unsilence { .. } => true,
            // Senders speak through addresses of their own, each in its own words.
            alert::Command::Report { .. } => false,
        },
        Command::Change(_)
        | Command::Channel(_)
        | Command::Emergency(_)
        | Command::Incident(_)
        | Command::Obligation(_)
        | Command::Oncall(_)
        | Command::Policy(_)
        | Command::Postmortem(_) => true,
        Command::Monitor(_) | Command::Offline(_) | Command::Outcome(_) | Command::Page(_) | Command::Review(_) | Command::Wake(_) => false,
    }
}

pub async fn post(State(_app): State<App>, ApiViewer(viewer): ApiViewer, params: Params, request: Request) -> Result<Response, Fail> {
    let dry_run = params.flag("dry_run")?;
    let (parts, body) = request.into_parts();
    from_our_page(&viewer, &parts.method, &parts.headers)?;
    let key = request_key(&parts.headers)?;
    let command = read_command(&parse(&read_json(&parts.headers, body).await?)?)?;
    give(&viewer, &parts, key, command, dry_run).await
}

/// A change, without the words around a command.
pub async fn change(ApiViewer(viewer): ApiViewer, params: Params, request: Request) -> Result<Response, Fail> {
    let dry_run = params.flag("dry_run")?;
    let (parts, body) = request.into_parts();
    from_our_page(&viewer, &parts.method, &parts.headers)?;
    let key = request_key(&parts.headers)?;
    let mut given: Value = parse(&read_json(&parts.headers, body).await?)?;
    let fields = given.as_object_mut().ok_or_else(|| Fail::Unfit("a change is an object".to_owned()))?;
    for (word, value) in [("area", "change"), ("do", "record")] {
        if fields.insert(word.to_owned(), Value::from(value)).is_some() {
            return Err(Fail::Unfit(format!("unknown field `{word}`")));
        }
    }
    give(&viewer, &parts, key, read_command(&given)?, dry_run).await
}

async fn give(viewer: &Viewer, parts: &Parts, key: RequestKey, command: Command, dry_run: bool) -> Result<Response, Fail> {
    // The command line is a program that a person types; it says so itself, and the record keeps the difference.
    let cli = parts.headers.get("x-hikeshi-face").is_some_and(|face| face == "cli");
    let via = if cli { Via::Cli } else { Via::Api };
    let envelope = Envelope { key, actor: viewer.actor.clone(), via, command };
    let answer = if dry_run { viewer.app.door.rehearse(envelope).await? } else { viewer.app.door.submit(envelope).await? };
    match answer {
        Answer::Done(receipt) => {
            let answer = if dry_run { Became::WouldBeDone } else { Became::Done };
            respond(StatusCode::OK, &CommandAnswer { answer, receipt })
        }
        Answer::Already(receipt) => respond(StatusCode::OK, &CommandAnswer { answer: Became::Already, receipt }),
        Answer::Refused { refusal, seq } => Ok(problem::of_refusal(viewer.lang, &viewer.names, &refusal, seq)),
    }
}

/// A cookie alone must not give commands: another site could make the browser send it.
pub fn from_our_page(viewer: &Viewer, _method: &Method, headers: &HeaderMap) -> Result<(), Fail> {
    match &viewer.proven {
        Proven::Token => Ok(()),
        Proven::Session(session) => {
            let token = headers.get("x-hikeshi-token").and_then(|value| value.to_str().ok()).unwrap_or_default();
            if secret::form_token_holds(token, session) { Ok(()) } else { Err(Fail::ForeignForm) }
        }
    }
}

fn request_key(headers: &HeaderMap) -> Result<RequestKey, Fail> {
    let given = headers.get("idempotency-key").ok_or_else(|| Fail::Malformed("the header Idempotency-Key is missing".to_owned()))?;
    let text = given.to_str().map_err(|_| Fail::Malformed("the header Idempotency-Key is not visible ASCII".to_owned()))?;
    RequestKey::new(text).map_err(|error| Fail::Malformed(format!("the header Idempotency-Key: {error}")))
}

fn read_command(given: &Value) -> Result<Command, Fail> {
    let command = Command::deserialize(given).map_err(|error| Fail::Unfit(error.to_string()))?;
    if !is_public(&command) {
        return Err(Fail::Unfit(format!("`{}` cannot be given through the API", command.kind())));
    }
    let understood = serde_json::to_value(&command).map_err(|error| Fail::Broken { detail: error.to_string() })?;
    match unknown_field(given, &understood) {
        Some(path) => Err(Fail::Unfit(format!("unknown field `{path}`"))),
        None => Ok(command),
    }
}
