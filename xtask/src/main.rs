//! House rules as checks: `cargo xtask house`. What a lint or the compiler can say is said there; the rest is said here.
//!
//! Not here: anything that the product needs to run. A new rule is a function from the [`tree::Tree`] to findings, named in [`CHECKS`].

mod docs;
mod graph;
mod layout;
mod ratchet;
mod spdx;
#[cfg(test)]
mod tests;
mod tree;
mod words;

use std::process::ExitCode;

use tree::Tree;

/// A finding is one line that says where and what; an empty list is a kept rule.
type Findings = Vec<String>;

struct Check {
    name: &'static str,
    why: &'static str,
    run: fn(&Tree) -> anyhow::Result<Findings>,
}

const CHECKS: &[Check] = &[
    Check {
        name: "sizes",
        why: "a file is read in one go: at most 500 lines wanted, 800 hard, and nothing grows past its ratchet",
        run: ratchet::sizes,
    },
    Check {
        name: "packages",
        why: "every dependency costs build time and trust: the number of locked packages is a budget",
        run: ratchet::packages,
    },
    Check { name: "long functions", why: "a function fits on a screen; each exception is listed", run: ratchet::long_functions },
    Check { name: "openings", why: "every file says what lives here, what must not, and where to go next", run: layout::openings },
    Check { name: "names", why: "a room that refuses nothing collects everything", run: layout::names },
    Check { name: "orphans", why: "a forgotten file is not compiled, and a forgotten test tests nothing", run: layout::orphans },
    Check { name: "one test binary", why: "each further binary links the whole product again", run: layout::test_binaries },
    Check { name: "executables", why: "the two commands must start, and CI must run what people run", run: layout::executables },
    Check { name: "edges", why: "the missing line in Cargo.toml is the wall: no second door", run: graph::edges },
    Check { name: "externals", why: "only the store speaks SQL, only web speaks axum, the domain speaks to nobody", run: graph::externals },
    Check { name: "licences", why: "whoever gets the binary may have it", run: graph::licences },
    Check { name: "lints", why: "clippy takes the nearest clippy.toml and does not merge it with the root's", run: graph::lints },
    Check { name: "words", why: "what is unfinished, and what belongs to one machine, does not get in", run: words::forbidden },
    Check { name: "voice", why: "what people read is written in hikeshi-text, Japanese beside English", run: words::voice },
    Check { name: "glossary", why: "one concept, one identifier, one Japanese word", run: docs::glossary },
    Check { name: "symbols", why: "a tour that points at nothing is worse than none", run: docs::symbols },
    Check { name: "links", why: "a document that points at nothing is worse than none", run: docs::links },
    Check { name: "decisions", why: "decisions are numbered, one page each, and listed", run: docs::decisions },
    Check { name: "dependencies", why: "each dependency has earned its place, and says how", run: docs::dependencies },
    Check { name: "readme pair", why: "the two languages say the same things", run: docs::readme_pair },
    Check { name: "lockfile", why: "the lockfile names no host, so that any mirror serves it", run: docs::lockfile },
];

#[expect(clippy::print_stdout, reason = "this is a command-line tool; its answer is what it prints")]
fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let tree = Tree::read()?;
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["house"] => {
            let mut failed = 0;
            for check in CHECKS {
                let findings = (check.run)(&tree).unwrap_or_else(|error| vec![format!("cannot be checked: {error:#}")]);
                if findings.is_empty() {
                    println!("ok    {}", check.name);
                } else {
                    failed += 1;
                    println!("FAIL  {}: {}", check.name, check.why);
                    for finding in findings {
                        println!("      {finding}");
                    }
                }
            }
            println!("{} passed, {failed} failed", CHECKS.len() - failed);
            Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        ["ratchet"] => {
            println!("{}", ratchet::tighten(&tree)?);
            Ok(ExitCode::SUCCESS)
        }
        _ => {
            println!(
                "cargo xtask house     check the rules of the house\ncargo xtask ratchet   print xtask/ratchet.toml as tight as it can be now"
            );
            Ok(ExitCode::from(2))
        }
    }
}
