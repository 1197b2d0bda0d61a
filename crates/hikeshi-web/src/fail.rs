//! What can go wrong before a command reaches the door, or when the door itself is broken. Pages and API each show it in their own form.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use hikeshi_domain::ids::IdError;
use hikeshi_engine::door::Fault;
use hikeshi_engine::look::LookError;
use hikeshi_text::{Lang, Sentence, page};

/// A request that got no answer from the door.
#[derive(Debug, thiserror::Error)]
pub enum Fail {
    #[error("the body is larger than {max} bytes")]
    TooLarge { max: usize },
    #[error("the form has more than {max} fields")]
    TooManyFields { max: usize },
    #[error("the body did not arrive in time")]
    BodySlow,
    #[error("the body ended early")]
    BodyBroken,
    #[error("the text is not UTF-8")]
    BadEncoding,
    #[error("the content type is not {wanted}")]
    WrongType { wanted: &'static str },
    #[error("the form was not made by this page for this session")]
    ForeignForm,
    #[error("sign in first")]
    NotSignedIn { back: String },
    #[error("there is no such {what}: {given}")]
    NotFound { what: &'static str, given: String },
    #[error("this address does not take {method}")]
    WrongMethod { method: String },
    /// The input cannot be read as what it should be.
    #[error("{0}")]
    Malformed(String),
    /// It can be read, and is not what was wanted.
    #[error("{0}")]
    Unfit(String),
    /// A passkey that proves nothing here, for whatever reason: whoever tries is not told which.
    #[error("the passkey did not prove its owner")]
    Passkey,
    #[error("too many requests of this kind at once")]
    TooMany,
    #[error(transparent)]
    Fault(#[from] Fault),
    #[error("{detail}")]
    Broken { detail: String },
}

impl From<LookError> for Fail {
    fn from(error: LookError) -> Self {
        match error {
            LookError::NotFound { what, given } => Self::NotFound { what, given },
            LookError::Unknown => Self::NotSignedIn { back: String::new() },
            LookError::Fault(fault) => Self::Fault(fault),
            LookError::Bundle(error) => Self::Broken { detail: error.to_string() },
        }
    }
}

impl From<IdError> for Fail {
    fn from(error: IdError) -> Self {
        Self::NotFound { what: error.wanted, given: error.given }
    }
}

impl From<crate::secret::NoRandom> for Fail {
    fn from(error: crate::secret::NoRandom) -> Self {
        Self::Broken { detail: error.to_string() }
    }
}

impl From<askama::Error> for Fail {
    fn from(error: askama::Error) -> Self {
        Self::Broken { detail: error.to_string() }
    }
}

impl Fail {
    pub fn status(&self) -> StatusCode {
        match self {
            Self::TooLarge { .. } | Self::TooManyFields { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodySlow => StatusCode::REQUEST_TIMEOUT,
            Self::BodyBroken | Self::BadEncoding | Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::WrongType { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::ForeignForm => StatusCode::FORBIDDEN,
            Self::NotSignedIn { .. } => StatusCode::UNAUTHORIZED,
            Self::NotFound { .. } => StatusCode::NOT_FOUND,
            Self::WrongMethod { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::Unfit(_) | Self::Passkey => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Self::Fault(Fault::Busy | Fault::Stopping | Fault::Store { .. } | Fault::Halted { .. }) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Fault(Fault::Broken { .. }) | Self::Broken { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "request.too_large",
            Self::TooManyFields { .. } => "request.too_many_fields",
            Self::BodySlow => "request.too_slow",
            Self::BodyBroken => "request.cut",
            Self::BadEncoding => "request.not_utf8",
            Self::WrongType { .. } => "request.wrong_type",
            Self::ForeignForm => "request.foreign_form",
            Self::NotSignedIn { .. } => "request.not_signed_in",
            Self::NotFound { .. } => "request.not_found",
            Self::WrongMethod { .. } => "request.wrong_method",
            Self::Malformed(_) => "request.malformed",
            Self::Unfit(_) => "request.unfit",
            Self::Passkey => "request.passkey",
            Self::TooMany => "request.too_many",
            Self::Fault(Fault::Busy) => "server.busy",
            Self::Fault(Fault::Stopping) => "server.stopping",
            Self::Fault(Fault::Store { .. }) => "server.store",
            Self::Fault(Fault::Halted { .. }) => "server.halted",
            Self::Fault(Fault::Broken { .. }) | Self::Broken { .. } => "server.broken",
        }
    }

    /// What a person reads.
    pub fn sentence(&self, lang: Lang) -> Sentence {
        match self {
            Self::TooLarge { max } => page::too_large(lang, *max),
            Self::TooManyFields { max } => page::too_many_fields(lang, *max),
            Self::BodySlow | Self::BodyBroken => page::body_cut(lang),
            Self::BadEncoding => page::not_utf8(lang),
            Self::WrongType { wanted } => page::wrong_type(lang, wanted),
            Self::ForeignForm => page::foreign_form(lang),
            Self::NotSignedIn { .. } => page::not_signed_in(lang),
            Self::NotFound { given, .. } => page::not_found(lang, given),
            Self::WrongMethod { method } => page::wrong_method(lang, method),
            Self::Malformed(detail) => page::malformed(lang, detail),
            Self::Unfit(detail) => page::unfit(lang, detail),
            Self::Passkey => page::passkey_refused(lang),
            Self::TooMany => page::too_many(lang),
            Self::Fault(Fault::Busy) => page::busy(lang),
            Self::Fault(Fault::Stopping) => page::stopping(lang),
            Self::Fault(Fault::Store { detail }) => page::store_broken(lang, detail),
            Self::Fault(Fault::Halted { detail }) => page::halted(lang, detail),
            Self::Fault(Fault::Broken { .. }) | Self::Broken { .. } => page::broken(lang),
        }
    }

    /// The log keeps what the reader is not shown.
    pub fn log(&self) {
        if self.status().is_server_error() {
            tracing::error!(code = self.code(), "{self}");
        } else {
            tracing::debug!(code = self.code(), "{self}");
        }
    }
}

/// Marks a response whose body the middleware [`crate::guard`] writes, once it knows language and face of the asker.
#[derive(Clone)]
pub struct Failed(pub std::sync::Arc<Fail>);

impl IntoResponse for Fail {
    fn into_response(self) -> Response {
        self.log();
        let mut response = self.status().into_response();
        response.extensions_mut().insert(Failed(std::sync::Arc::new(self)));
        response
    }
}
