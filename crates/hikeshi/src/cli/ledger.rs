//! `hikeshi ledger …`: looking at the record, and verifying, exporting and rebuilding it without any server.

use std::path::PathBuf;

use clap::Subcommand;
use hikeshi_domain::ids::IncidentId;
use hikeshi_engine::look::EntryView;
use hikeshi_text::{Lang, Names, terminal};
use serde_json::json;

use super::incident::PageArgs;
use super::{Caller, Global};
use crate::fail::{Code, Failure, Result};
use crate::record;
use crate::show::{self, Out};

#[derive(Debug, Subcommand)]
pub enum Verb {
    Show {
        #[command(flatten)]
        page: PageArgs,
    },
    Entry {
        seq: u64,
    },
    Verify {
        #[arg(long, value_name = "FILE")]
        bundle: Option<PathBuf>,
        #[arg(long, value_name = "FILE")]
        checkpoint: Vec<PathBuf>,
        #[arg(long, value_name = "KEY")]
        trust: Option<String>,
    },
    Export {
        case: IncidentId,
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    Checkpoint,
    Rebuild {
        #[arg(long)]
        apply: bool,
    },
}

impl Verb {
    /// Whether it works on the data or on a file, without a server and without a token.
    pub fn is_offline(&self) -> bool {
        match self {
            Self::Verify { .. } | Self::Rebuild { .. } => true,
            Self::Show { .. } | Self::Entry { .. } | Self::Export { .. } | Self::Checkpoint => false,
        }
    }
}

pub async fn run(verb: Verb, caller: &Caller<'_>) -> Result<()> {
    let lang = caller.lang;
    match verb {
        Verb::Show { page } => {
            let view = caller.reach.ledger(page.before, page.limit).await?;
            let names = caller.names().await?;
            caller.out.data(&view, || {
                let head = show::pairs(&[
                    (terminal::word_size(lang), view.size.to_string()),
                    (terminal::word_root(lang), view.root.to_string()),
                    (terminal::word_key(lang), view.verifier_key.clone()),
                ]);
                format!("{head}\n{}", lines(&view.entries.rows, None, &names, lang))
            });
            if let Some(older) = view.entries.older {
                caller.out.hint(&terminal::more_with(lang, &format!("--before {older}")));
            }
        }
        Verb::Entry { seq } => {
            let (view, bytes) = caller.reach.entry(seq).await?;
            let text = String::from_utf8_lossy(&bytes).into_owned();
            caller.out.data(&json!({"entry": view, "bytes": text}), || text.clone());
        }
        Verb::Checkpoint => {
            let view = caller.reach.ledger(None, 1).await?;
            let note = view.checkpoint.unwrap_or_default();
            caller.out.data(&json!({"checkpoint": note, "verifier_key": view.verifier_key}), || note.clone());
        }
        Verb::Export { case, output } => {
            let output = output.unwrap_or_else(|| PathBuf::from(format!("{case}.zip")));
            let packed = caller.reach.bundle(case).await?;
            if !caller.global.dry_run {
                std::fs::write(&output, &packed).map_err(|error| Failure::Failed(format!("{}: {error}", output.display())))?;
            }
            let file = output.display().to_string();
            caller.out.data(&json!({"case": case, "file": file, "bytes": packed.len(), "dry_run": caller.global.dry_run}), || {
                terminal::exported(lang, &case.to_string(), &file, u64::try_from(packed.len()).unwrap_or(u64::MAX))
            });
            caller.out.hint(&terminal::next_step(lang, &format!("hikeshi ledger verify --bundle {file}")));
        }
        Verb::Verify { .. } | Verb::Rebuild { .. } => return Err(Failure::Usage(terminal::not_a_door_command(lang))),
    }
    Ok(())
}

/// Lines of a timeline, oldest first; `of`: the incident whose it is.
pub fn lines(rows: &[EntryView], of: Option<IncidentId>, names: &Names, lang: Lang) -> String {
    let mut text = String::new();
    for row in rows.iter().rev() {
        let at = hikeshi_text::time::stamp(lang, names.zone(), row.at);
        let who = hikeshi_text::actor(lang, &row.actor, names);
        let said = hikeshi_text::entry_lines(lang, &row.kind, &row.events, row.refusal.as_ref(), names);
        let what = hikeshi_text::lines_of(said, row.case, of).join("\n       ");
        text.push_str(&terminal::ledger_line(lang, row.seq, &at, &who, &what));
        text.push('\n');
    }
    text
}

/// The verbs that need no server.
pub fn offline(verb: &Verb, global: &Global, lang: Lang, out: &Out) -> Result<()> {
    match verb {
        Verb::Verify { bundle: Some(bundle), trust, checkpoint } => {
            let found = hikeshi_verify::verify_file(bundle, trust.as_deref(), checkpoint).map_err(|unread| unreadable(unread, lang))?;
            out.data(&found, || terminal::case_report(lang, &bundle.display().to_string(), &found));
            judged(found.holds())
        }
        Verb::Verify { bundle: None, checkpoint, trust } => {
            let found = record::verify_live(&config(global, lang, out)?, checkpoint, trust.as_deref())?;
            out.data(&found, || match &found.fault {
                None => terminal::ledger_good(lang, found.entries, &found.root.to_string(), found.agreed.len()),
                Some(fault) => terminal::ledger_bad(lang, &terminal::ledger_fault(lang, fault)),
            });
            judged(found.fault.is_none())
        }
        Verb::Rebuild { apply } => {
            let apply = *apply && !global.dry_run;
            let found = record::rebuild(&config(global, lang, out)?, apply)?;
            out.data(&json!({"applied": apply && found.fault.is_none(), "comparison": found}), || {
                if let Some(fault) = &found.fault {
                    return terminal::ledger_bad(lang, &terminal::ledger_fault(lang, fault));
                }
                let mut text = terminal::rebuilt(lang, found.entries, found.differences.len(), apply);
                for difference in &found.differences {
                    text.push_str(&format!("\n  {} {} {:?}", difference.table, difference.row, difference.is));
                }
                text
            });
            judged(found.agrees() || apply && found.fault.is_none())
        }
        Verb::Show { .. } | Verb::Entry { .. } | Verb::Export { .. } | Verb::Checkpoint => {
            Err(Failure::Usage(terminal::not_a_door_command(lang)))
        }
    }
}

fn unreadable(unread: hikeshi_verify::Unread, lang: Lang) -> Failure {
    use hikeshi_verify::Unread;
    match unread {
        Unread::Bundle { file, detail } => Failure::Failed(terminal::bundle_unreadable(lang, &file, &detail)),
        Unread::File { .. } | Unread::Given { .. } => Failure::Usage(unread.to_string()),
    }
}

fn judged(good: bool) -> Result<()> {
    if good { Ok(()) } else { Err(Failure::Said(Code::Failed)) }
}

fn config(global: &Global, lang: Lang, out: &Out) -> Result<crate::config::Config> {
    crate::config::read(&global.config).map_err(|error| super::mistakes(&error, lang, out))
}
