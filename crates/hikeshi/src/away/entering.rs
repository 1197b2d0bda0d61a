//! `hikeshi login --ssh-key`: proves with an SSH key who somebody is, in a local ledger. Stock `ssh-keygen` signs; no private key comes here.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use hikeshi_domain::offline::{ENTER_NAMESPACE, Statement};
use hikeshi_text::{Lang, terminal};
use serde::Deserialize;
use serde_json::json;

use crate::cli::Global;
use crate::cli::emergency::witness::Device;
use crate::cli::entrance::LoginArgs;
use crate::fail::{Failure, Result};
use crate::reach::Remote;
use crate::secret;
use crate::show::Out;

#[derive(Deserialize)]
struct Named {
    ledger: Option<String>,
}

pub async fn enter(args: &LoginArgs, global: &Global, lang: Lang, out: &Out) -> Result<()> {
    let key = args.ssh_key.clone().ok_or_else(|| Failure::Usage(terminal::token_needed(lang)))?;
    let url = if global.local { super::url(global, lang)? } else { global.url.trim_end_matches('/').to_owned() };
    let file = args.save_to.clone().or_else(|| secret::token_file_of(&url)).ok_or_else(|| Failure::Usage(terminal::no_home(lang)))?;
    let remote = Remote::new(&url, None, lang)?;
    let named: Named = remote.get("local").await?;
    let ledger = named.ledger.ok_or_else(|| Failure::Usage(terminal::not_a_local_ledger(lang, &url)))?;
    let token = secret::fresh()?;
    let (device, kept) = Device::fresh()?;
    let statement = Statement::new(&ledger, secret::digest(&token), device.key(), crate::now()).text();
    let signed = statement.clone();
    let signature = crate::serve::blocking(move || sign(&key, &signed)).await?;
    let label = terminal::token_label(lang, &crate::settings::host());
    let body = json!({"statement": statement, "signature": signature, "label": label}).to_string();
    if !global.dry_run {
        remote.send("local/enter", "application/json", body.into_bytes()).await?;
        secret::write_private(&file, &token)?;
        secret::write_private(&secret::device_file(&file), &kept)?;
    }
    let named = file.display().to_string();
    out.data(&json!({"url": url, "ledger": ledger, "file": named}), || terminal::logged_in(lang, &url, &named));
    Ok(())
}

/// A passphrase is asked for by `ssh-keygen` itself, on the terminal.
fn sign(key: &Path, statement: &str) -> anyhow::Result<String> {
    let mut command = Command::new("ssh-keygen");
    command.args(["-Y", "sign", "-q", "-n", ENTER_NAMESPACE, "-f"]).arg(key);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(statement.as_bytes())?;
    }
    let done = child.wait_with_output()?;
    anyhow::ensure!(done.status.success(), "ssh-keygen -Y sign -f {}: {}", key.display(), done.status);
    Ok(String::from_utf8(done.stdout)?)
}
