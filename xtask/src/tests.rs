//! The checks themselves: each must be able to fail.

use crate::{docs, graph, ratchet, spdx};

const ALLOWED: &[&str] = &["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "Unicode-3.0"];

#[test]
fn a_licence_is_accepted_when_one_choice_of_each_part_is() {
    for good in [
        "MIT",
        "MIT OR GPL-3.0",
        "GPL-3.0/MIT",
        "(MIT OR Apache-2.0) AND Unicode-3.0",
        "Apache-2.0 WITH LLVM-exception OR GPL-2.0",
        "GPL-3.0 OR MIT OR X",
    ] {
        assert!(spdx::accepts(good, ALLOWED), "{good}");
    }
    for bad in ["", "GPL-3.0", "MIT AND GPL-3.0", "(MIT OR Apache-2.0) AND GPL-3.0", "MIT MIT", "Apache-2.0 WITH other", "none given"] {
        assert!(!spdx::accepts(bad, ALLOWED), "{bad}");
    }
}

#[test]
fn the_ratchet_holds_in_both_directions() {
    let table: toml::Table = toml::from_str("\"old.rs\" = 600\n\"small.rs\" = 700\n").unwrap();
    let found = |old: usize| vec![("old.rs".to_owned(), old), ("small.rs".to_owned(), 400), ("new.rs".to_owned(), 500)];
    assert_eq!(ratchet::compare(&found(600), 500, &table, "lines").len(), 1, "small.rs no longer needs its line");
    assert_eq!(ratchet::compare(&found(601), 500, &table, "lines").len(), 2, "old.rs grew");
    let new = vec![("new.rs".to_owned(), 501)];
    assert_eq!(ratchet::compare(&new, 500, &toml::Table::new(), "lines").len(), 1);
}

#[test]
fn the_domain_must_repeat_every_ban_of_the_root() {
    let root: toml::Table = toml::from_str("a = 1\nbans = [{ path = \"x\" }, { path = \"y\" }]").unwrap();
    let whole: toml::Table = toml::from_str("a = 1\nbans = [{ path = \"x\" }, { path = \"y\" }, { path = \"z\" }]").unwrap();
    let lacking: toml::Table = toml::from_str("a = 2\nbans = [{ path = \"x\" }]").unwrap();
    assert!(graph::missing_bans(&root, &whole).is_empty());
    assert_eq!(graph::missing_bans(&root, &lacking).len(), 2);
}

#[test]
fn a_symbol_is_found_where_it_is_defined_and_not_where_it_is_used() {
    let source = "pub struct Door {}\nimpl Door {\n    pub async fn submit(&self) {}\n}\npub enum Command {\n    Approve { digest: Digest },\n    Close,\n}\nconst KINDS: u8 = 1;\nfn other() { used(); }\n";
    for known in ["Door", "Door::submit", "Command::Approve", "Command::Close", "KINDS"] {
        assert!(docs::defines(source, known).unwrap(), "{known}");
    }
    for unknown in ["Window::submit", "Door::leave", "used", "Digest"] {
        assert!(!docs::defines(source, unknown).unwrap(), "{unknown}");
    }
}

#[test]
fn the_glossary_must_name_areas_and_commands() {
    let kinds = docs::kinds("    Command::Incident(incident::Command::Open { .. }) => \"incident.open\",\n").unwrap();
    assert_eq!(kinds, ["incident.open"]);
    assert_eq!(docs::missing_words("| `incident` |", &kinds), ["docs/glossary.md: `incident.open` is missing"]);
    assert!(docs::missing_words("`incident` `incident.open`", &kinds).is_empty());
}
