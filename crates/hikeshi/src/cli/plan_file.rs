//! Files that a person hands in: the request of an exception (`--plan plan.toml`), a report's judgement. TOML, or JSON by its ending.

use std::path::Path;

use hikeshi_domain::emergency::{Conditions, Plan};
use hikeshi_domain::ids::IncidentId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fail::{Failure, Result};

const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// What `emergency request --plan` reads: everything that the approver will read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestFile {
    /// The incident; `--incident` overrides it.
    #[serde(default)]
    pub incident: Option<IncidentId>,
    /// The four conditions with their evidence. Not needed to revise a plan.
    #[serde(default)]
    pub conditions: Option<Conditions>,
    pub plan: Plan,
}

/// Reads a file; an error carries file, line and column as the reader of the format gives them.
pub fn read<T: serde::de::DeserializeOwned>(file: &Path) -> Result<T> {
    let name = file.display();
    let size = std::fs::metadata(file).map_err(|error| Failure::Usage(format!("{name}: {error}")))?.len();
    if size > FILE_BYTES_MAX {
        return Err(Failure::Usage(format!("{name}: {size} bytes; at most {FILE_BYTES_MAX}")));
    }
    let text = std::fs::read_to_string(file).map_err(|error| Failure::Usage(format!("{name}: {error}")))?;
    if file.extension().is_some_and(|ending| ending == "json") {
        serde_json::from_str(&text).map_err(|error| Failure::Usage(format!("{name}: {error}")))
    } else {
        toml::from_str(&text).map_err(|error| Failure::Usage(format!("{name}: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_that_is_printed_can_be_read_back() {
        for lang in hikeshi_text::Lang::ALL {
            let text = hikeshi_text::terminal::plan_template(lang);
            let read: RequestFile = toml::from_str(&text).expect("the template parses");
            assert_eq!(read.plan.steps.len(), 2);
            assert_eq!(read.plan.verification.solved.len(), 1);
            assert!(read.conditions.is_some());
        }
    }

    #[test]
    fn a_slip_in_a_plan_is_shown_with_its_place() {
        let file = std::env::temp_dir().join(format!("hikeshi-plan-{}.toml", std::process::id()));
        std::fs::write(&file, "[plan]\ntarget = \"web\"\nexecuter = \"tanaka\"\n").expect("written");
        let Err(Failure::Usage(text)) = read::<RequestFile>(&file) else { panic!("it must not be read") };
        std::fs::remove_file(&file).expect("removed");
        assert!(text.contains("line 3") && text.contains("executer"), "{text}");
    }
}
