//! The signed approvals of a case, as files for stock tools: `ssh-keygen -Y verify` and `openssl dgst -verify`.
//!
//! | file of the bundle | what |
//! |---|---|
//! | `approvals/<seq>-<person>.plan.json` | the plan, byte for byte as it was approved |
//! | `….plan.json.sig`, `….allowed_signers` | an SSH signature, and the key with its validity |
//! | `….passkey.pem`, `.signed`, `.sig` | a passkey's key, what its authenticator signed, the signature |
//! | `….passkey.client.json`, `.challenge.txt` | what the browser said, and the challenge that must stand in it |

use serde::Deserialize;
use serde_json::Value;

use super::Files;
use crate::emergency::{Approval, Evidence};

pub const APPROVALS_DIRECTORY: &str = "approvals/";

/// The approvals of an entry that carry a signature. Read by shape, so that entries of a newer program do not stop an older one.
fn signed_in(entry: &[u8]) -> Vec<(Approval, Evidence)> {
    #[derive(Deserialize)]
    struct Events {
        #[serde(default)]
        events: Vec<Value>,
    }
    #[derive(Deserialize)]
    struct Approved {
        approval: Approval,
        evidence: Evidence,
    }
    let Ok(entry) = serde_json::from_slice::<Events>(entry) else { return Vec::new() };
    let approved = entry.events.into_iter().filter(|event| event.get("event").and_then(Value::as_str) == Some("emergency_approved"));
    approved
        .filter_map(|event| serde_json::from_value::<Approved>(event).ok())
        .map(|approved| (approved.approval, approved.evidence))
        .collect()
}

/// The files of one entry.
pub(super) fn approval_files(seq: u64, entry: &[u8]) -> Files {
    let mut files = Files::new();
    for (approval, evidence) in signed_in(entry) {
        files.extend(evidence.documents(&format!("{APPROVALS_DIRECTORY}{seq}-{}", approval.by), &approval.by));
    }
    files
}

/// Whether every signed approval of the entry is proven by what is kept with it.
pub(super) fn approvals_hold(entry: &[u8]) -> bool {
    signed_in(entry).iter().all(|(approval, evidence)| evidence.proves(approval))
}
