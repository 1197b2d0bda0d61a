//! Paging: one person is called because of one step of one incident (rules I4, I5), by one means after the other until somebody has it.
//!
//! Each attempt is queued in the transaction that decides on it, under a key of its own, and what became of it is recorded. Nothing is lost
//! by a crash; the one attempt that was on its way may be repeated, and says so.

pub mod bundle;
pub mod decide;
pub mod report;
pub(crate) mod state;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contact::Subscription;
use crate::effect::{EffectKey, Outcome};
use crate::ids::{Digest, IncidentId, PersonId};
use crate::incident::Priority;
use crate::policy::{Language, MailServer, Scheme, Slack, Twilio, WebPush, Webhook};

pub use bundle::{BUNDLE_MAX, Bundled, Stands, Window};
pub use decide::reach;
pub use report::{Command, Report, Reported, Unreached};

/// By what a person is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Means {
    Webhook,
    Mail,
    Sms,
    Voice,
    /// A direct message in the team's Slack.
    Slack,
    /// The browsers that they have subscribed.
    WebPush,
}

impl Means {
    pub const ALL: [Self; 6] = [Self::Webhook, Self::Mail, Self::Sms, Self::Voice, Self::Slack, Self::WebPush];

    pub fn code(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Mail => "mail",
            Self::Sms => "sms",
            Self::Voice => "voice",
            Self::Slack => "slack",
            Self::WebPush => "web_push",
        }
    }

    /// Whether something is heard of it after its receiver took it.
    pub fn reports(self) -> bool {
        match self {
            Self::Sms | Self::Voice => true,
            Self::Webhook | Self::Mail | Self::Slack | Self::WebPush => false,
        }
    }

    /// Whether its owner can take the incident by the page itself: a key, a reply, a button.
    pub fn answers(self) -> bool {
        match self {
            Self::Sms | Self::Voice | Self::Slack => true,
            Self::Webhook | Self::Mail | Self::WebPush => false,
        }
    }
}

/// One person, called because of one step. Step 0: told at once, since the incident is serious.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Page {
    pub step: u32,
    pub person: PersonId,
    pub began_at: Timestamp,
    /// Empty: there is no way to reach them.
    pub attempts: Vec<Attempt>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Attempt {
    pub means: Means,
    /// Counted for each means, from 1.
    pub number: u32,
    pub queued_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<AttemptEnd>,
    /// What was heard of it since. It may come before the end is recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<Report>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AttemptEnd {
    pub at: Timestamp,
    #[serde(flatten)]
    pub how: HowEnded,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum HowEnded {
    /// The receiver has taken it. That a person has seen it, only their acknowledgement says.
    Sent {
        /// What the receiver calls it, if it says so.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reference: String,
        /// It may have been sent before, when the program was cut off.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        repeated: bool,
        /// All that went in one message, this one among them; the first is the one that it is about. Empty: it went alone.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        bundle: Vec<EffectKey>,
    },
    Failed {
        detail: String,
        /// The same again would fail again.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        permanent: bool,
    },
}

impl HowEnded {
    /// What the outcome of an attempt means for it; `None`: it is no outcome of a page.
    pub(crate) fn of(outcome: &Outcome) -> Option<Self> {
        match outcome {
            Outcome::Paged { reference, repeated, bundle } => {
                Some(Self::Sent { reference: reference.clone(), repeated: *repeated, bundle: bundle.clone() })
            }
            Outcome::Failed { detail } => Some(Self::Failed { detail: detail.clone(), permanent: false }),
            Outcome::PageRefused { detail } => Some(Self::Failed { detail: detail.clone(), permanent: true }),
            Outcome::BackupTaken { .. }
            | Outcome::StepEnded { .. }
            | Outcome::ChecksEnded { .. }
            | Outcome::FilesSeen { .. }
            | Outcome::Restored { .. }
            | Outcome::Reverted { .. }
            | Outcome::Redacted { .. }
            | Outcome::ChangeRequestOpened { .. }
            | Outcome::Compared { .. }
            | Outcome::ReportWritten { .. }
            | Outcome::InvitationWritten { .. }
            | Outcome::Said { .. }
            | Outcome::Told { .. }
            | Outcome::Unsaid { .. }
            | Outcome::Unsubscribed { .. }
            | Outcome::Postponed { .. } => None,
        }
    }
}

impl Attempt {
    /// As far as anybody knows it has arrived.
    fn is_sent(&self) -> bool {
        match self.report.as_ref().map(|report| &report.what) {
            Some(Reported::Delivered | Reported::Acknowledged) => true,
            Some(Reported::Undelivered { .. } | Reported::Silent { .. }) => false,
            None => matches!(&self.end, Some(AttemptEnd { how: HowEnded::Sent { .. }, .. })),
        }
    }

    /// All that went in one message with it; empty: it went alone.
    pub fn bundle(&self) -> &[EffectKey] {
        match &self.end {
            Some(AttemptEnd { how: HowEnded::Sent { bundle, .. }, .. }) => bundle,
            Some(AttemptEnd { how: HowEnded::Failed { .. }, .. }) | None => &[],
        }
    }

    fn is_under_way(&self) -> bool {
        self.end.is_none() && self.report.is_none()
    }
}

impl Page {
    /// Nothing is on its way, and nothing has arrived.
    pub(crate) fn is_unreached(&self) -> bool {
        !self.attempts.iter().any(|attempt| attempt.is_sent() || attempt.is_under_way())
    }

    fn tried(&self, means: Means) -> u32 {
        u32::try_from(self.attempts.iter().filter(|attempt| attempt.means == means).count()).unwrap_or(u32::MAX)
    }
}

/// What has happened to the page of one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageEvent {
    pub incident: IncidentId,
    pub step: u32,
    pub person: PersonId,
    #[serde(flatten)]
    pub what: Paged,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "paged", rename_all = "snake_case")]
pub enum Paged {
    Queued {
        means: Means,
        number: u32,
        effect: EffectKey,
    },
    Ended {
        means: Means,
        number: u32,
        #[serde(flatten)]
        how: HowEnded,
    },
    Reported {
        means: Means,
        number: u32,
        #[serde(flatten)]
        what: Reported,
    },
    /// The policy knows no way to reach this person.
    NoMeans,
}

/// One attempt, with everything that making it needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PageOrder {
    pub about: About,
    pub person: PersonId,
    pub name: String,
    pub number: u32,
    pub address: Address,
    pub timeout_s: u32,
    pub language: Language,
    pub time_zone: String,
    /// It was begun before and cut off: it may arrive twice, and says so. Set by the runner.
    #[serde(default)]
    pub repeated: bool,
    /// Whether it waits for others; `None`: it goes by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// All incidents that this message is about, the most serious one first; empty: the one of `about`. Set by the runner.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bundle: Vec<Bundled>,
}

/// Why somebody is called.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "about", rename_all = "snake_case")]
pub enum About {
    Incident {
        incident: IncidentId,
        step: u32,
        title: String,
        priority: Priority,
        scheme: Scheme,
        /// Serious ones never wait behind the others.
        serious: bool,
        service: String,
        environment: String,
        detected_at: Timestamp,
    },
    /// To see whether it arrives (rule M2).
    Test {
        /// The name of whoever asked for it.
        by: String,
    },
}

impl About {
    pub fn is_serious(&self) -> bool {
        matches!(self, Self::Incident { serious: true, .. })
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Address {
    Webhook {
        webhook: Webhook,
    },
    Mail {
        to: String,
        server: Box<MailServer>,
    },
    Sms {
        to: String,
        from: String,
        twilio: Box<Twilio>,
    },
    Voice {
        to: String,
        from: String,
        twilio: Box<Twilio>,
    },
    Slack {
        user: String,
        slack: Box<Slack>,
    },
    WebPush {
        browsers: Vec<Digest>,
        push: Box<WebPush>,
        /// Where one of them is reached. Given by the runner; it stands in no table of effects.
        #[serde(skip)]
        #[schemars(skip)]
        subscription: Option<Box<Subscription>>,
    },
}

impl Address {
    pub fn means(&self) -> Means {
        match self {
            Self::Webhook { .. } => Means::Webhook,
            Self::Mail { .. } => Means::Mail,
            Self::Sms { .. } => Means::Sms,
            Self::Voice { .. } => Means::Voice,
            Self::Slack { .. } => Means::Slack,
            Self::WebPush { .. } => Means::WebPush,
        }
    }
}
