//! Approving by letter: the plan goes out byte for byte, the signature comes in. Signing itself is stock `ssh-keygen`; no private key comes here.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use hikeshi_domain::emergency;
use hikeshi_domain::ids::{Digest, EmergencyId};
use hikeshi_domain::signature::NAMESPACE;
use hikeshi_domain::signature::ssh::SIGNATURE_CHARS_MAX;
use hikeshi_text::terminal;
use serde_json::json;

use crate::cli::Caller;
use crate::fail::{Failure, Result};

/// The bytes that an approver signs, and that the digest is of. Nothing is added, not even the newline that a terminal would like.
pub async fn plan(id: EmergencyId, out: Option<PathBuf>, caller: &Caller<'_>) -> Result<()> {
    let view = caller.reach.emergency(id).await?;
    let (document, digest) = (view.plan_document, view.emergency.digest);
    let current = Digest::of(document.as_bytes());
    if current != digest {
        // The policy has moved the target since: nobody can approve this plan before it is revised.
        let refusal = hikeshi_domain::refusal::Refusal::DigestDiffers { given: digest, current };
        return Err(Failure::Refused { refusal: Box::new(refusal), seq: None });
    }
    match &out {
        Some(file) => {
            if !caller.global.dry_run {
                std::fs::write(file, &document).map_err(|error| Failure::Failed(format!("{}: {error}", file.display())))?;
            }
            let named = file.display().to_string();
            caller.out.data(&json!({"emergency": id, "digest": digest, "file": named, "dry_run": caller.global.dry_run}), || {
                terminal::exported(caller.lang, &id.to_string(), &named, u64::try_from(document.len()).unwrap_or(u64::MAX))
            });
        }
        None if caller.global.json => caller.out.data(&json!({"emergency": id, "digest": digest, "plan": document}), String::new),
        None => std::io::stdout().write_all(document.as_bytes())?,
    }
    if let Some(file) = &out {
        let file = file.display();
        caller.out.hint(&terminal::next_step(caller.lang, &format!("ssh-keygen -Y sign -n {NAMESPACE} -f ~/.ssh/id_ed25519 {file}")));
        caller.out.hint(&caller.next_step(&format!("hikeshi emergency approve {id} --signature {file}.sig --judgement …")));
    }
    Ok(())
}

pub async fn bring(id: EmergencyId, judgement: String, file: &Path, caller: &Caller<'_>) -> Result<()> {
    let signature = read(file)?;
    super::tell(
        emergency::Command::ApproveSigned { emergency: id, signature, judgement },
        Some(format!("hikeshi emergency show {id}")),
        caller,
    )
    .await
}

/// A signature has some hundred bytes. A little more than the limit is read, so that the door can say that it is too long.
pub fn read(file: &Path) -> Result<String> {
    let source: Box<dyn std::io::Read> = if file == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        Box::new(std::fs::File::open(file).map_err(|error| Failure::NotFound(format!("{}: {error}", file.display())))?)
    };
    let mut text = Vec::new();
    source.take(u64::from(SIGNATURE_CHARS_MAX) * 4 + 4).read_to_end(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
