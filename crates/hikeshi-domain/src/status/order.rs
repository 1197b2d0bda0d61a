//! The order to tell subscribers of a post, with everything that its hands need.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Health, PublicState, PublicText};
use crate::ids::{IncidentId, ReceiverName};
use crate::policy::{Language, MailServer, PageName, Webhook};

/// To tell everybody who has subscribed. Whom, is asked of the store when it is done: the ledger names nobody.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TellOrder {
    pub title: PageName,
    /// Where the status page is read.
    pub url: String,
    pub time_zone: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<Box<MailServer>>,
    pub mails_per_min: u32,
    /// Programs that are told, too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub webhooks: Vec<(ReceiverName, Webhook)>,
    pub what: Telling,
    /// One of them. Set when it is carried out, never in the ledger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Recipient>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "tell", rename_all = "snake_case")]
pub enum Telling {
    Post {
        incident: IncidentId,
        number: u32,
        at: Timestamp,
        state: PublicState,
        #[serde(default, skip_serializing_if = "PublicText::is_empty")]
        text: PublicText,
        components: Vec<(PageName, Health)>,
    },
    /// Whether they really want it.
    Confirm { secret: String },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Recipient {
    Mail {
        address: String,
        language: Language,
        /// With which they leave.
        leave: String,
    },
    Webhook {
        receiver: ReceiverName,
        webhook: Webhook,
    },
}
