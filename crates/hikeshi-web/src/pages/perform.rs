//! From a form to the door and back: a redirect with the receipt, or the same page with the refusal and what was typed.

use axum::extract::{FromRequestParts, RawQuery};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use hikeshi_domain::command::{Command, Envelope};
use hikeshi_domain::ids::{EmergencyId, IncidentId, ObligationId, RequestKey};
use hikeshi_domain::people::Via;
use hikeshi_domain::refusal::Refusal;
use hikeshi_engine::door::{Answer, Receipt};
use hikeshi_text::Sentence;

use crate::acts::{self, Input};
use crate::fail::Fail;
use crate::form::Fields;
use crate::secret;
use crate::state::App;
use crate::viewer::Viewer;

/// What a page is told about the act that led to it.
#[derive(Default, Clone)]
pub struct Flash {
    pub receipt: Option<Done>,
    pub refused: Option<Refused>,
    /// The form as it was typed.
    pub kept: Fields,
}

impl Flash {
    /// What was typed into this form, if it is the one that was sent.
    pub fn kept_by(&self, act: &str) -> Option<&Fields> {
        self.refused.as_ref().filter(|refused| refused.act == act).map(|_| &self.kept)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    pub seq: Option<u64>,
    pub again: bool,
}

#[derive(Debug, Clone)]
pub struct Refused {
    /// Element id of the form.
    pub act: String,
    pub sentence: Sentence,
    pub rule: String,
    pub code: String,
    pub seq: Option<u64>,
    pub status: StatusCode,
}

/// A query string, read strictly.
pub struct Query(pub Fields);

impl FromRequestParts<App> for Query {
    type Rejection = Fail;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Fail> {
        let Ok(RawQuery(query)) = RawQuery::from_request_parts(parts, app).await;
        Fields::parse(query.unwrap_or_default().as_bytes()).map(Self)
    }
}

impl Query {
    pub fn flash(&self) -> Flash {
        let again = self.0.has("again");
        let seq = self.0.text("receipt").parse().ok();
        let receipt = (self.0.has("receipt") || again).then_some(Done { seq, again });
        Flash { receipt, ..Flash::default() }
    }
    pub fn number(&self, name: &str) -> Option<u64> {
        self.0.text(name).parse().ok()
    }
}

/// What became of a form.
pub enum Performed {
    Done(Receipt, bool),
    Refused(Box<Flash>),
}

/// Whether the rule is about who asks; the page says "forbidden" then, otherwise "conflict".
pub fn about_who(refusal: &Refusal) -> bool {
    matches!(
        refusal,
        Refusal::UnknownActor
            | Refusal::RoleMissing { .. }
            | Refusal::SelfApproval { .. }
            | Refusal::ExecutorApproves { .. }
            | Refusal::ApproverNotEntitled { .. }
            | Refusal::WitnessIsExecutor { .. }
            | Refusal::WitnessNotEntitled { .. }
            | Refusal::NotAWitness { .. }
            | Refusal::OnlyWitnessResumes
            | Refusal::NotExecutor { .. }
            | Refusal::NotAttestable { .. }
            | Refusal::OnlyApproverAccepts { .. }
            | Refusal::DriftSelfAccepted { .. }
            | Refusal::NotYours
            | Refusal::RoleNotHeld { .. }
    )
}

pub fn status_of(refusal: &Refusal) -> StatusCode {
    if about_who(refusal) { StatusCode::FORBIDDEN } else { StatusCode::CONFLICT }
}

/// Checks that the form was made for this session.
pub fn own_form(viewer: &Viewer, fields: &Fields) -> Result<(), Fail> {
    let session = viewer.session().ok_or(Fail::ForeignForm)?;
    if secret::form_token_holds(fields.raw("form_token"), session) { Ok(()) } else { Err(Fail::ForeignForm) }
}

/// Carries a form to the door.
pub async fn perform(viewer: &Viewer, fields: Fields) -> Result<Performed, Fail> {
    own_form(viewer, &fields)?;
    let key = RequestKey::new(fields.raw("key")).map_err(|error| Fail::Malformed(error.to_string()))?;
    let kind = fields.text("do");
    let read = acts::command(&kind, &Input { fields: &fields, lang: viewer.lang, time_zone: &viewer.policy.workspace.time_zone });
    match read {
        Ok(command) => submit(viewer, key, command, fields).await,
        Err(sentence) => {
            Ok(refused(fields, sentence, String::new(), "input.unreadable".to_owned(), None, StatusCode::UNPROCESSABLE_ENTITY))
        }
    }
}

pub async fn submit(viewer: &Viewer, key: RequestKey, command: Command, fields: Fields) -> Result<Performed, Fail> {
    let envelope = Envelope { key, actor: viewer.actor.clone(), via: Via::Web, command };
    Ok(match viewer.app.door.submit(envelope).await? {
        Answer::Done(receipt) => Performed::Done(receipt, false),
        Answer::Already(receipt) => Performed::Done(receipt, true),
        Answer::Refused { refusal, seq } => {
            let sentence = hikeshi_text::refusal(viewer.lang, &refusal, &viewer.names);
            refused(fields, sentence, refusal.rule().to_owned(), refusal.code().to_owned(), seq, status_of(&refusal))
        }
    })
}

fn refused(fields: Fields, sentence: Sentence, rule: String, code: String, seq: Option<u64>, status: StatusCode) -> Performed {
    let refused = Refused { act: fields.text("act"), sentence, rule, code, seq, status };
    Performed::Refused(Box::new(Flash { receipt: None, refused: Some(refused), kept: fields }))
}

/// The usual end of an act: a redirect to what was made or back to the page, or the refusal for the page to show.
pub async fn act(viewer: &Viewer, fields: Fields) -> Result<std::ops::ControlFlow<Response, Box<Flash>>, Fail> {
    Ok(match perform(viewer, fields).await? {
        Performed::Done(receipt, again) => std::ops::ControlFlow::Break(receipt_redirect(&viewer.path, &receipt, again)),
        Performed::Refused(flash) => std::ops::ControlFlow::Continue(flash),
    })
}

pub fn receipt_redirect(path: &str, receipt: &Receipt, again: bool) -> Response {
    let place = receipt.made.as_deref().and_then(place_of).unwrap_or_else(|| path.to_owned());
    let number = receipt.seq.map(|seq| seq.to_string()).unwrap_or_default();
    let again = if again { "&again=1" } else { "" };
    Redirect::to(&format!("{place}?receipt={number}{again}")).into_response()
}

/// Where the thing that was made is shown.
fn place_of(made: &str) -> Option<String> {
    if !made.contains('_') {
        return None;
    }
    made.parse::<IncidentId>()
        .map(|id| format!("/incidents/{id}"))
        .or_else(|_| made.parse::<EmergencyId>().map(|id| format!("/emergencies/{id}")))
        .or_else(|_| made.parse::<ObligationId>().map(|id| format!("/obligations/{id}")))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_has_a_place() {
        assert_eq!(place_of("inc_12").as_deref(), Some("/incidents/inc_12"));
        assert_eq!(place_of("emg_3").as_deref(), Some("/emergencies/emg_3"));
        assert_eq!(place_of("tok_2"), None);
        assert_eq!(place_of("7"), None);
    }
}
