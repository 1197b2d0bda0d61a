//! `hikeshi check`, `hikeshi schema policy`, `hikeshi init`: the file, without a server.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use hikeshi_text::{Lang, terminal};
use serde_json::json;

use crate::config::diagnose::Look;
use crate::config::{ConfigError, init as workspace};
use crate::fail::{Code, Failure, Result};
use crate::show::Out;

#[derive(Debug, Args)]
pub struct CheckArgs {
    #[arg(default_value = "hikeshi.toml")]
    pub file: PathBuf,
}

#[derive(Debug, Subcommand)]
pub enum SchemaVerb {
    Policy,
    Plan,
}

#[derive(Debug, Args)]
pub struct InitArgs {
    pub directory: PathBuf,
}

pub fn check(args: &CheckArgs, lang: Lang, out: &Out) -> Result<()> {
    let config = crate::config::read(&args.file).map_err(|error| mistakes(&error, lang, out))?;
    let file = args.file.display().to_string();
    out.data(&json!({"file": file, "mistakes": [], "digest": config.adopted_policy().digest()}), || {
        terminal::file_good(lang, &file, config.policy.people.len(), config.policy.targets.len())
    });
    Ok(())
}

/// Prints the mistakes; what is left is the exit code.
pub fn mistakes(error: &ConfigError, lang: Lang, out: &Out) -> Failure {
    if out.json {
        let (file, list) = match error {
            ConfigError::Unreadable { file, detail } => (file.display().to_string(), json!([{"title": detail}])),
            ConfigError::Mistakes(found) => (found.file.clone(), found.to_json(lang)),
        };
        out.data(&json!({"file": file, "mistakes": list}), String::new);
    } else {
        let look = Look { colour: std::io::stderr().is_terminal() && crate::settings::text("NO_COLOR").is_none(), width: 100 };
        anstream::eprint!("{}", error.render(lang, look));
    }
    Failure::Said(Code::Failed)
}

pub fn schema(verb: &SchemaVerb, out: &Out) -> Result<()> {
    let schema = match verb {
        SchemaVerb::Policy => crate::config::policy_schema(),
        SchemaVerb::Plan => schemars::schema_for!(super::plan_file::RequestFile).to_value(),
    };
    // A schema is data in itself: other programs read it, so it comes without an envelope.
    let text = serde_json::to_string_pretty(&schema).map_err(|error| Failure::Failed(error.to_string()))?;
    Out::new(out.lang, false).data(&schema, || text);
    Ok(())
}

pub fn init(args: &InitArgs, lang: Lang, out: &Out) -> Result<()> {
    let made = workspace::make(&args.directory, lang)?;
    out.data(&json!({"directory": args.directory, "made": made}), || {
        terminal::workspace_made(lang, &args.directory.display().to_string(), &made)
    });
    out.hint(&terminal::next_step(lang, &format!("hikeshi check {}", args.directory.join("hikeshi.toml").display())));
    Ok(())
}
