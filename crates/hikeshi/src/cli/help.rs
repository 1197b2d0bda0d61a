//! `--help` in the reader's language: the tree of commands comes from the types, every word from `hikeshi_text::terminal`.

use clap::{Command, CommandFactory as _};
use hikeshi_text::{Lang, terminal};

use super::Cli;

/// The whole command tree with its texts.
pub fn localised(lang: Lang) -> Command {
    let root = Cli::command().after_help(terminal::exit_codes(lang));
    named(root, lang, "")
}

fn named(mut command: Command, lang: Lang, path: &str) -> Command {
    command = command.about(terminal::about(lang, path).unwrap_or_default());
    let args: Vec<String> = command.get_arguments().map(|arg| arg.get_id().to_string()).collect();
    for id in args {
        let text = terminal::argument(lang, path, &id);
        command = command.mut_arg(&id, |arg| match text {
            Some(text) => arg.help(text),
            None => arg,
        });
    }
    let children: Vec<String> = command.get_subcommands().map(|child| child.get_name().to_owned()).collect();
    for child in children {
        let path = if path.is_empty() { child.clone() } else { format!("{path} {child}") };
        command = command.mut_subcommand(&child, |command| named(command, lang, &path));
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(command: &Command, path: &str, missing: &mut Vec<String>, lang: Lang) {
        if terminal::about(lang, path).is_none() && !command.is_hide_set() {
            missing.push(format!("{lang:?} command `{path}`"));
        }
        for arg in command.get_arguments().filter(|arg| !arg.is_hide_set() && !arg.is_global_set() || path.is_empty()) {
            let id = arg.get_id().as_str();
            if !matches!(id, "help" | "version") && !command.is_hide_set() && terminal::argument(lang, path, id).is_none() {
                missing.push(format!("{lang:?} argument `{id}` of `{path}`"));
            }
        }
        for child in command.get_subcommands() {
            let path = if path.is_empty() { child.get_name().to_owned() } else { format!("{path} {}", child.get_name()) };
            walk(child, &path, missing, lang);
        }
    }

    #[test]
    fn every_command_and_argument_has_words_in_both_languages() {
        let mut missing = Vec::new();
        for lang in Lang::ALL {
            walk(&Cli::command(), "", &mut missing, lang);
        }
        assert_eq!(missing, Vec::<String>::new());
    }

    #[test]
    fn the_tree_is_sound() {
        Cli::command().debug_assert();
        assert!(localised(Lang::Ja).render_long_help().to_string().contains("124"), "the exit codes are in the help");
    }
}
