//! Who acts, and through which face. Authority is not here: see [`crate::permit`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{MonitorName, PersonId, RoleName, SourceName};

/// Whoever submits a command. Authenticated by the face before it reaches the door.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "who", rename_all = "snake_case")]
pub enum Actor {
    /// A person of the policy. `only` narrows their roles, as an API token may; it never widens them.
    Person {
        person: PersonId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        only: Option<Vec<RoleName>>,
    },
    /// The runner, reporting what became of an effect.
    Runner,
    /// The keeper of a witnessed session, telling what recorder and witnesses have sent.
    Recorder,
    /// A stored deadline that has come.
    Timer,
    /// A monitor that saw a change.
    Monitor { monitor: MonitorName },
    /// Another program that sends its alerts.
    Source { source: SourceName },
    /// The program's own start-up: reads the policy file, offers the first sign-in link.
    Startup,
}

impl Actor {
    pub fn person(person: PersonId) -> Self {
        Self::Person { person, only: None }
    }
    pub fn as_person(&self) -> Option<&PersonId> {
        match self {
            Self::Person { person, .. } => Some(person),
            Self::Runner | Self::Recorder | Self::Timer | Self::Monitor { .. } | Self::Source { .. } | Self::Startup => None,
        }
    }
}

/// The face through which a command came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    Web,
    Api,
    Cli,
    /// The team's chat: a button that somebody pressed there.
    Chat,
    /// The telephone at which they were called: a key that they pressed, or a message that they sent.
    Phone,
    /// `hikeshi --local`: the door opened in-process, when the server is what burns.
    Local,
    /// The program itself.
    Inside,
}
