//! Every kind of mistake, drawn as a person sees it.

use std::path::Path;

use hikeshi_text::Lang;

use super::diagnose::{Look, What};
use super::shape::nearest;
use super::{ConfigError, init, parse};

const LOOK: Look = Look { colour: false, width: 100 };

fn mistakes(text: &str) -> Vec<What> {
    match parse(Path::new("hikeshi.toml"), text) {
        Ok(_) => Vec::new(),
        Err(ConfigError::Mistakes(found)) => found.list.into_iter().map(|mistake| mistake.what).collect(),
        Err(ConfigError::Unreadable { detail, .. }) => panic!("{detail}"),
    }
}

fn drawn(text: &str, lang: Lang) -> String {
    parse(Path::new("hikeshi.toml"), text).map_err(|error| error.render(lang, LOOK)).expect_err("it has mistakes")
}

/// The template with one thing in it replaced.
fn with(from: &str, to: &str) -> String {
    let text = init::template(Lang::Ja);
    assert!(text.contains(from), "{from}");
    text.replacen(from, to, 1)
}

#[test]
fn the_templates_and_examples_have_no_mistake() {
    for lang in Lang::ALL {
        let found = mistakes(init::template(lang));
        assert!(found.is_empty(), "{found:?}");
    }
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let mut read = 0;
    for entry in std::fs::read_dir(&examples).expect("examples") {
        let path = entry.expect("entry").path();
        if !path.is_dir() {
            continue;
        }
        let file = path.join("hikeshi.toml");
        let text = std::fs::read_to_string(&file).expect("hikeshi.toml");
        assert!(text.starts_with("#:schema "), "{}: editors find the schema by its first line", file.display());
        let found = super::read(&file).map_err(|error| error.render(Lang::En, LOOK));
        assert!(found.is_ok(), "{}", found.expect_err("mistakes"));
        read += 1;
    }
    assert!(read >= 2, "{read} examples");
}

#[test]
fn a_key_with_a_slip_names_the_nearest_one() {
    let found = mistakes(&with("email = \"sato@", "emial = \"sato@"));
    assert!(
        matches!(found.as_slice(), [What::UnknownKey { key, nearest: Some(nearest), .. }] if key == "emial" && nearest == "email"),
        "{found:?}"
    );
}

#[test]
fn the_caret_stands_under_the_word_also_behind_kanji() {
    let text = with(
        "dev-lead = { ja = \"開発責任者\", en = \"development lead\" }",
        "dev-lead = { ja = \"開発責任者\", eng = \"development lead\", en = \"lead\" }",
    );
    let drawn = drawn(&text, Lang::En);
    let expected = "  × there is no key `eng`
    ╭─[hikeshi.toml:24:38]
 23 │ cto = { ja = \"CTO\", en = \"CTO\" }
 24 │ dev-lead = { ja = \"開発責任者\", eng = \"development lead\", en = \"lead\" }
    ·                                 ─┬─
    ·                                  ╰── did you mean `en`?
 25 │ senior = { ja = \"シニア開発者\", en = \"senior developer\" }
    ╰────
  help: allowed here: ja, en
hikeshi.toml: 1 mistake to correct.
";
    assert_eq!(drawn, expected);
}

#[test]
fn an_unknown_role_is_shown_at_its_place_in_the_file() {
    let drawn = drawn(&with("roles = [\"senior\", \"developer\"]", "roles = [\"senior\", \"develper\"]"), Lang::Ja);
    assert!(drawn.contains("develper") && drawn.contains("developer") && drawn.contains("hikeshi.toml:50:20"), "{drawn}");
}

#[test]
fn all_mistakes_are_told_at_once() {
    let text = with("time_zone = \"Asia/Tokyo\"", "time_zone = \"Asia/Tokio\"")
        .replacen("witnesses_min = 2", "witnesses_min = -2", 1)
        .replacen("impact = \"all_users\"", "impact = \"all_user\"", 1)
        .replacen("[services.reservation]", "[services.Reservation]", 1)
        .replacen("listen = \"127.0.0.1:7410\"", "listen = \"localhost\"\nprot = 7410", 1);
    let found = mistakes(&text);
    let has = |wanted: fn(&What) -> bool| found.iter().any(wanted);
    assert!(has(|what| matches!(what, What::Flaw(flaw) if flaw.at.last().is_some_and(|key| key == "time_zone"))), "{found:?}");
    assert!(has(|what| matches!(what, What::OutOfRange { given, .. } if given == "-2")), "{found:?}");
    assert!(has(|what| matches!(what, What::NotOneOf { nearest: Some(nearest), .. } if nearest == "all_users")), "{found:?}");
    assert!(has(|what| matches!(what, What::BadName { given } if given == "Reservation")), "{found:?}");
    assert!(has(|what| matches!(what, What::UnknownKey { key, .. } if key == "prot")), "{found:?}");
    assert!(has(|what| matches!(what, What::Server(_))), "{found:?}");
}

#[test]
fn what_is_missing_or_of_the_wrong_type_is_named() {
    let found = mistakes("[workspace]\n[people.tanaka]\nname = 12\nroles = \"cto\"\n");
    assert!(found.contains(&What::MissingKey { key: "name".to_owned() }), "{found:?}");
    assert!(found.contains(&What::WrongType { wanted: "string", given: "integer" }), "{found:?}");
    assert!(found.contains(&What::WrongType { wanted: "array", given: "string" }), "{found:?}");
}

#[test]
fn a_target_on_another_host_is_a_word_or_a_table_and_its_mistakes_have_a_place() {
    let root = "root = \"/srv/reservation\"";
    let target = |ssh: &str| mistakes(&with(root, &format!("{ssh}\n{root}")));
    assert_eq!(target("ssh = \"deploy@app1.example.jp\""), []);
    assert_eq!(target("ssh = { destination = \"app1\", port = 2222, config_file = \"/etc/hikeshi/ssh_config\" }"), []);
    for (ssh, at) in [
        ("ssh = \"-oProxyCommand=x\"", "destination"),
        ("ssh = { destination = \"app1\", port = 0 }", "port"),
        ("ssh = { destination = \"app1\", identity_file = \"id_ed25519\" }", "identity_file"),
        ("ssh = { destination = \"app1\", host_keys = [\"ssh-ed25519\"] }", "0"),
    ] {
        let found = target(ssh);
        assert!(matches!(found.as_slice(), [What::Flaw(flaw)] if flaw.at.last().is_some_and(|key| key == at)), "{ssh}: {found:?}");
    }
    assert!(matches!(target("ssh = 22").as_slice(), [What::WrongType { given: "integer", .. }]), "{:?}", target("ssh = 22"));
    let found = target("ssh = { destination = \"app1\", pasword = \"x\" }");
    assert!(matches!(found.as_slice(), [What::UnknownKey { key, .. }] if key == "pasword"), "{found:?}");
    let text = with(root, &format!("ssh = \"-l root\"\n{root}"));
    let drawn = drawn(&text, Lang::Ja);
    assert!(drawn.contains("「-l root」は SSH の接続先として使えません"), "{drawn}");
}

#[test]
fn broken_toml_is_told_where_it_breaks() {
    let drawn = drawn("[workspace\nname = \"x\"\n", Lang::En);
    assert!(drawn.contains("hikeshi.toml:1:11") && drawn.contains("unclosed table"), "{drawn}");
}

#[test]
fn any_cut_of_the_file_is_answered_without_breaking() {
    let text = init::template(Lang::Ja);
    for (at, _) in text.char_indices().step_by(7) {
        let cut = text.get(..at).expect("a boundary");
        if let Err(error) = parse(Path::new("hikeshi.toml"), cut) {
            assert!(!error.render(Lang::Ja, LOOK).is_empty());
        }
    }
}

#[test]
fn a_secret_in_the_database_address_is_not_repeated() {
    let error = super::parse_location("mysql://root:hunter22@db/x", Path::new("data")).expect_err("not an address");
    assert!(!format!("{error:#}").contains("hunter22"));
}

#[test]
fn the_nearest_is_only_named_when_it_is_near() {
    let allowed = ["language".to_owned(), "name".to_owned()];
    assert_eq!(nearest("langage", &allowed), Some("language".to_owned()));
    assert_eq!(nearest("quorum", &allowed), None);
}

#[test]
fn what_the_manual_says_about_alerts_and_paging_is_a_policy() {
    let source = |name: &str, format: &str| {
        format!(
            "[alerts.sources.{name}]\nformat = \"{format}\"\ntoken_env = \"T\"\nservice = \"reservation\"\nenvironment = \"production\"\n\
             impact = \"one_function\"\nbusiness = \"slight\"\n"
        )
    };
    for manual in [include_str!("../../../../docs/manual/alerts.md"), include_str!("../../../../docs/manual/alerts.ja.md")] {
        let blocks: Vec<&str> = manual.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
        assert_eq!(blocks.len(), 7, "the alerts, a route of Sentry's, any JSON, mail, an inhibition, paging, and bundling");
        let base = "[workspace]\nname = \"w\"\n[services.reservation]\nname = \"r\"\n[environments.production]\nname = \"p\"\n";
        let text = format!("{base}{}{}", source("sentry", "sentry"), blocks.join("\n"));
        let found = mistakes(&text);
        assert!(found.is_empty(), "{found:?}\n{text}");
    }
}

#[test]
fn a_time_of_day_or_a_date_that_is_none_is_told_with_an_example() {
    let schedule = |at: &str, starts: &str| {
        let layer = format!("people = [\"tanaka\"]\nhandover = \"daily\"\nat = \"{at}\"\nstarts = \"{starts}\"\n");
        mistakes(&format!("{}\n[schedules.primary]\nname = \"一次\"\n[[schedules.primary.layers]]\n{layer}", init::template(Lang::Ja)))
    };
    assert_eq!(schedule("09:00", "2026-04-01"), []);
    assert_eq!(schedule("9:00", "2026-04-01"), [What::BadForm { given: "9:00".to_owned(), like: "09:00" }]);
    assert_eq!(schedule("09:00", "2026-02-30"), [What::BadForm { given: "2026-02-30".to_owned(), like: "2026-04-01" }]);
}
