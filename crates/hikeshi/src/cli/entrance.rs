//! `hikeshi now`, `hikeshi open`, `hikeshi login`: the state at a glance, the page in the browser, and a token for this terminal.

use std::path::PathBuf;

use clap::Args;
use hikeshi_domain::account;
use hikeshi_domain::command::Command;
use hikeshi_engine::look::NowView;
use hikeshi_text::{Lang, Names, label, page, terminal, time};
use serde_json::json;

use super::{Caller, Global};
use crate::fail::{Failure, Result};
use crate::reach::Remote;
use crate::secret;
use crate::show::{self, Out};

#[derive(Debug, Args)]
pub struct OpenArgs {
    pub id: Option<String>,
}

#[derive(Debug, Args)]
pub struct LoginArgs {
    #[arg(long, value_name = "URL", required_unless_present = "ssh_key")]
    pub link: Option<String>,
    #[arg(long, value_name = "FILE", conflicts_with = "link")]
    pub ssh_key: Option<PathBuf>,
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=366))]
    pub valid_days: u32,
    #[arg(long, value_name = "FILE")]
    pub save_to: Option<PathBuf>,
}

pub async fn now(caller: &Caller<'_>) -> Result<()> {
    let view = caller.reach.now().await?;
    let names = caller.names().await?;
    caller.out.data(&view, || text_of(&view, &names, caller.lang));
    Ok(())
}

fn text_of(view: &NowView, names: &Names, lang: Lang) -> String {
    let mut text = String::new();
    let moment = |at| terminal::moment(lang, names.zone(), at, view.at);
    let heading = |text: String| format!("{}\n", show::paint(show::BOLD, &text));
    text.push_str(&heading(terminal::burning(lang, view.burning_total)));
    for incident in &view.burning {
        let who =
            incident.acknowledged.as_ref().map_or_else(|| terminal::nobody_yet(lang), |acknowledged| names.person(lang, &acknowledged.by));
        text.push_str(&format!(
            "  {} {} {} {} {who}\n",
            incident.id,
            names.priority(lang, incident.priority),
            incident.title,
            moment(incident.detected_at)
        ));
    }
    text.push_str(&heading(terminal::exceptions_open(lang, view.exceptions.len())));
    for emergency in &view.exceptions {
        text.push_str(&format!("  {} {} {}\n", emergency.id, label::emergency_status(lang, emergency.status), emergency.plan.summary));
    }
    text.push_str(&heading(terminal::owed(lang, view.owed_total, view.overdue_total)));
    for owed in &view.owed {
        text.push_str(&format!(
            "  {} {} {} {}\n",
            owed.id,
            label::obligation_kind(lang, owed.kind),
            time::due(lang, owed.due_at, view.at),
            names.person(lang, &owed.owner)
        ));
    }
    for monitor in &view.monitors {
        text.push_str(&format!("{} {}\n", terminal::health(lang, monitor.healthy, monitor.unmeasured.is_some()), monitor.monitor));
    }
    if !view.silences.is_empty() {
        text.push_str(&format!("{}\n", page::silenced_now(lang, view.silences.len(), view.held_total)));
    }
    for id in &view.in_doubt {
        text.push_str(&format!("{}\n", terminal::in_doubt(lang, &id.to_string())));
    }
    if let Some(pending) = &view.pending_policy {
        text.push_str(&format!("{}\n", terminal::policy_waits(lang, &pending.digest.to_string(), pending.approved_by.len())));
    }
    text.push_str(&terminal::uses_of_month(lang, view.exceptions_this_month, view.exceptions_last_month));
    text
}

pub fn open(args: &OpenArgs, caller: &Caller<'_>) -> Result<()> {
    let path = match &args.id {
        None => String::new(),
        Some(id) => page_of(id).ok_or_else(|| Failure::Usage(terminal::not_an_id(caller.lang, id)))?,
    };
    let url = format!("{}/{path}", caller.reach.public_url());
    caller.out.data(&json!({"url": url}), || url.clone());
    if caller.can_ask() {
        let nothing = std::process::Stdio::null;
        // Without a browser the printed address is the answer.
        if let Err(error) = std::process::Command::new("xdg-open").arg(&url).stdin(nothing()).stdout(nothing()).stderr(nothing()).spawn() {
            tracing::debug!("no browser: {error}");
        }
    }
    Ok(())
}

fn page_of(id: &str) -> Option<String> {
    let lower = id.to_ascii_lowercase().replace('-', "_");
    if let (true, Ok(id)) = (lower.starts_with("inc_"), lower.parse::<hikeshi_domain::ids::IncidentId>()) {
        return Some(format!("incidents/{id}"));
    }
    if let (true, Ok(id)) = (lower.starts_with("emg_"), lower.parse::<hikeshi_domain::ids::EmergencyId>()) {
        return Some(format!("emergencies/{id}"));
    }
    if let (true, Ok(id)) = (lower.starts_with("obl_"), lower.parse::<hikeshi_domain::ids::ObligationId>()) {
        return Some(format!("obligations/{id}"));
    }
    None
}

/// Redeems a one-time link, makes a token with it, and keeps the token where only this user can read it.
pub async fn login(args: &LoginArgs, global: &Global, lang: Lang, out: &Out) -> Result<()> {
    let Some(link) = &args.link else { return crate::away::enter(args, global, lang, out).await };
    let file = args.save_to.clone().or_else(secret::token_file).ok_or_else(|| Failure::Usage(terminal::no_home(lang)))?;
    let token = secret::fresh()?;
    let session = Remote::by_link(link, lang).await?;
    let label = terminal::token_label(lang, &crate::settings::host());
    let command = Command::Account(account::Command::IssueToken {
        label,
        secret: secret::digest(&token),
        only: None,
        calendar: false,
        valid_days: args.valid_days,
    });
    session.submit(&command, &secret::request_key()?, global.dry_run).await?;
    if !global.dry_run {
        secret::write_private(&file, &token)?;
    }
    let url = session.url().to_owned();
    out.data(&json!({"url": url, "file": file}), || terminal::logged_in(lang, &url, &file.display().to_string()));
    out.hint(&terminal::next_step(lang, &format!("HIKESHI_URL={url} hikeshi now")));
    Ok(())
}
