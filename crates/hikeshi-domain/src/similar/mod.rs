//! Past incidents that are like the one that burns now, with what solved them (rule I9).
//!
//! Pure: what is remembered of one is a [`Past`]; [`Index`] ranks them, in the same order whatever database they lie in. Words that mean the
//! same are in [`same`], how a text becomes terms in [`words`].

mod index;
mod same;
#[cfg(test)]
mod tests;
mod words;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use index::{Hit, Index, Query};

use crate::ids::{Digest, IncidentId};
use crate::incident::Incident;
use crate::postmortem::Imported;

/// What is remembered of an incident that is over: of this workspace, or from a postmortem that was written elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Past {
    /// `inc_12`, or `file:` with a digest.
    pub key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<IncidentId>,
    /// The document that it was read from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// When it was over; of a document, when it happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    pub title: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub service: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub impact: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cause: String,
    /// What solved it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub solved: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub lessons: String,
}

impl Past {
    /// `None` while it is not over.
    pub fn of(incident: &Incident) -> Option<Self> {
        let resolved = incident.resolved.as_ref()?;
        let written = incident.postmortem.as_ref().and_then(|known| known.written.as_ref()).map(|written| &written.content);
        let text = |part: fn(&crate::postmortem::Content) -> &str| written.map(part).unwrap_or_default().to_owned();
        let response = text(|content| &content.response);
        let solved = [resolved.what.as_str(), response.as_str()].into_iter().filter(|part| !part.trim().is_empty());
        let cause = written.map(|content| [content.whys.join("\n"), content.cause.clone()].join("\n")).unwrap_or_default();
        Some(Self {
            key: incident.id.to_string(),
            incident: Some(incident.id),
            file: incident.postmortem.as_ref().and_then(|known| known.filed.as_ref()).map(|filed| filed.file.clone()),
            at: Some(resolved.at),
            title: incident.title.clone(),
            service: incident.service.to_string(),
            summary: incident.summary.clone(),
            impact: text(|content| &content.impact),
            cause,
            solved: solved.collect::<Vec<_>>().join("\n"),
            lessons: text(|content| &content.lessons),
        })
    }

    /// Its key among all that is past.
    pub fn key_of(digest: &Digest) -> String {
        format!("file:{digest}")
    }

    pub(crate) fn imported(file: &str, digest: &Digest, found: &Imported) -> Self {
        Self {
            key: Self::key_of(digest),
            incident: None,
            file: Some(file.to_owned()),
            at: found.at,
            title: found.title.clone(),
            service: found.service.clone(),
            // What nobody understood is searched all the same.
            summary: [found.summary.as_str(), found.rest.as_str()]
                .into_iter()
                .filter(|part| !part.is_empty())
                .collect::<Vec<_>>()
                .join("\n"),
            impact: found.impact.clone(),
            cause: found.cause.clone(),
            solved: found.response.clone(),
            lessons: found.lessons.clone(),
        }
    }
}
