//! A terminal on another host: looks whether it can begin there before a session is opened, and says what to do when it cannot.

use std::path::Path;

use hikeshi_domain::emergency::Emergency;
use hikeshi_domain::policy::Target;
use hikeshi_outside::session::Place;
use hikeshi_outside::ssh::{Trouble, prove};
use hikeshi_text::{Lang, terminal};

use crate::fail::{Failure, Result};

/// Where the shell of this target begins, and what people call that; `None`: on this machine.
pub(super) async fn place(
    target: Option<&Target>,
    emergency: &Emergency,
    config: Option<&Path>,
    state: &Path,
    lang: Lang,
) -> Result<Option<(Place, String)>> {
    let Some((target, ssh)) = target.and_then(|target| target.ssh.as_ref().map(|ssh| (target, ssh))) else { return Ok(None) };
    let config = config.map(std::path::absolute).transpose()?;
    // Without a backup the door refuses, with its rule.
    let backup = emergency.backup.as_ref().map_or(target.backups.as_str(), |backup| backup.path.as_str());
    let env = crate::settings::all();
    prove(ssh, config.as_deref(), &state.join("ssh"), &env, &target.root, backup).await.map_err(|trouble| refused(lang, &trouble))?;
    let place = Place::There { place: ssh.clone(), config, root: target.root.clone() };
    Ok(Some((place, ssh.label())))
}

fn refused(lang: Lang, trouble: &Trouble) -> Failure {
    match trouble {
        Trouble::HostKey { destination, detail } => Failure::Usage(terminal::ssh_host_key(lang, destination, detail)),
        Trouble::SignIn { destination, detail } => Failure::Usage(terminal::ssh_sign_in(lang, destination, detail)),
        Trouble::NoRoot { destination, root: missing } | Trouble::NoBackup { destination, backup: missing } => {
            Failure::Usage(terminal::ssh_wrong_host(lang, destination, missing))
        }
        Trouble::Unreachable { destination, detail } => Failure::Failed(terminal::ssh_unreachable(lang, destination, detail)),
        Trouble::Here(_) | Trouble::CannotRun { .. } | Trouble::OtherVersion { .. } => Failure::Failed(trouble.to_string()),
    }
}
