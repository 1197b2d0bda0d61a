//! `hikeshi-verify CASE.zip`: the whole program. Exit code 0: everything holds; 1: a flaw, named; 2: it could not be verified at all.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use hikeshi_text::{Lang, terminal};
use hikeshi_verify::{Unread, verify_file};

struct Asked {
    lang: Lang,
    json: bool,
    key: Option<String>,
    earlier: Vec<PathBuf>,
    bundle: Option<PathBuf>,
    help: bool,
}

fn main() -> ExitCode {
    let asked = match read(std::env::args().skip(1)) {
        Ok(asked) => asked,
        Err((lang, wrong)) => return say(&format!("{wrong}\n\n{}", terminal::verify_usage(lang)), 2),
    };
    if asked.help {
        return say(&terminal::verify_usage(asked.lang), 0);
    }
    let Some(bundle) = asked.bundle else { return say(&terminal::verify_usage(asked.lang), 2) };
    match verify_file(&bundle, asked.key.as_deref(), &asked.earlier) {
        Ok(verdict) => {
            let text = if asked.json {
                serde_json::to_string(&verdict).unwrap_or_default()
            } else {
                terminal::case_report(asked.lang, &bundle.display().to_string(), &verdict)
            };
            say(&text, u8::from(!verdict.holds()))
        }
        // A file that is no bundle any more is a finding, not a mistake of whoever asks.
        Err(Unread::Bundle { file, detail }) => say(&terminal::bundle_unreadable(asked.lang, &file, &detail), 1),
        Err(unread @ (Unread::File { .. } | Unread::Given { .. })) => say(&unread.to_string(), 2),
    }
}

fn read(mut args: impl Iterator<Item = String>) -> Result<Asked, (Lang, String)> {
    let mut asked = Asked { lang: Lang::default(), json: false, key: None, earlier: Vec::new(), bundle: None, help: false };
    while let Some(arg) = args.next() {
        let (name, given) = match arg.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name.to_owned(), Some(value.to_owned())),
            _ => (arg, None),
        };
        let lang = asked.lang;
        let mut value = || given.clone().or_else(|| args.next()).ok_or_else(|| (lang, terminal::option_wants_value(lang, &name)));
        match name.as_str() {
            "-h" | "--help" => asked.help = true,
            "--json" => asked.json = true,
            "--key" => asked.key = Some(value()?),
            "--checkpoint" => asked.earlier.push(value()?.into()),
            "--lang" => {
                let tag = value()?;
                asked.lang = Lang::parse(&tag).ok_or_else(|| (lang, terminal::option_unknown(lang, &format!("--lang {tag}"))))?;
            }
            option if option.starts_with('-') => return Err((lang, terminal::option_unknown(lang, option))),
            _ if asked.bundle.is_none() => asked.bundle = Some(name.into()),
            _ => return Err((lang, terminal::option_unknown(lang, &name))),
        }
    }
    Ok(asked)
}

/// What people read goes to standard output; a reader who has gone away changes nothing about the finding.
fn say(text: &str, code: u8) -> ExitCode {
    match writeln!(std::io::stdout(), "{}", text.trim_end()) {
        Ok(()) => ExitCode::from(code),
        Err(_) => ExitCode::from(code.max(2)),
    }
}
