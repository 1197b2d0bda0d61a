//! A target on another host: how the system's `ssh` gets there (rule R10). What it may look like is checked here, before it ever is an
//! argument of a program; how it is used is the work of hikeshi-outside.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer, Serialize};

use super::Target;

/// Longest destination: a user name, `@`, and a host name of the longest kind.
const DESTINATION_CHARS_MAX: usize = 320;
const FILE_CHARS_MAX: usize = 1_024;
/// Host keys per target: one of each kind, and the next ones while they are being changed.
pub(super) const HOST_KEYS_MAX: usize = 10;

/// `ssh = "deploy@app1.example.jp"`, or a table when more has to be said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SshPlace {
    /// What `ssh` is given: `user@host`, `host`, or a name of the configuration file.
    pub destination: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Private key and configuration file with which the server's own hands sign in. The executor's terminal signs in as the executor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_file: Option<String>,
    /// The host's public keys. With them nothing else is believed, neither by the server nor by the executor's terminal: both reach this very
    /// host, or none. Without them it is `known_hosts` that must know the host.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub host_keys: Vec<String>,
    /// A hikeshi of the server's version that is installed on the host, when the server's own program cannot run there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hands: Option<String>,
}

/// The table, as the file and the ledger write it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Table {
    /// What `ssh` is given: `user@host`, `host`, or a name of the configuration file.
    destination: String,
    #[serde(default)]
    port: Option<u16>,
    /// Private key with which the server's own hands sign in; absolute. Left out: what ssh tries by itself.
    #[serde(default)]
    identity_file: Option<String>,
    /// Configuration file of the server's own ssh; absolute. Left out: that of the user who runs the server.
    #[serde(default)]
    config_file: Option<String>,
    /// Public keys of the host, as lines of `ssh-keyscan` without the name. With them no other key is believed.
    #[serde(default)]
    host_keys: Vec<String>,
    /// A hikeshi of the same version that is installed on the host; absolute. Left out: the server brings its own program.
    #[serde(default)]
    hands: Option<String>,
}

impl From<Table> for SshPlace {
    fn from(table: Table) -> Self {
        let Table { destination, port, identity_file, config_file, host_keys, hands } = table;
        Self { destination, port, identity_file, config_file, host_keys, hands }
    }
}

impl<'de> Deserialize<'de> for SshPlace {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = SshPlace;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a destination such as \"deploy@app1.example.jp\", or a table with it")
            }
            fn visit_str<E>(self, destination: &str) -> Result<SshPlace, E> {
                Ok(SshPlace::at(destination))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<SshPlace, A::Error> {
                Table::deserialize(MapAccessDeserializer::new(map)).map(SshPlace::from)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl JsonSchema for SshPlace {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SshPlace".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut either = Table::json_schema(generator);
        either.insert("type".to_owned(), serde_json::json!(["string", "object"]));
        let words = "`\"deploy@app1.example.jp\"`, or a table when more has to be said.";
        either.insert("description".to_owned(), words.into());
        either
    }
}

impl SshPlace {
    pub fn at(destination: &str) -> Self {
        let destination = destination.to_owned();
        Self { destination, port: None, identity_file: None, config_file: None, host_keys: Vec::new(), hands: None }
    }

    /// As people read it: with the port when it is not the usual one.
    pub fn label(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.destination),
            None => self.destination.clone(),
        }
    }
}

impl Target {
    /// The directory as people read it: `deploy@app1.example.jp:/srv/reservation` when it is on another host.
    pub fn place(&self) -> String {
        match &self.ssh {
            Some(ssh) => format!("{}:{}", ssh.label(), self.root),
            None => self.root.clone(),
        }
    }
}

/// Whether `ssh` would take it as nothing but a destination: no option, no second word, nothing that a `ProxyCommand` could take for more.
pub(super) fn is_destination(text: &str) -> bool {
    let plain = |char: char| char.is_ascii_alphanumeric() || "._-@:%+".contains(char);
    let (user, host) = text.rsplit_once('@').unwrap_or(("user", text));
    text.len() <= DESTINATION_CHARS_MAX
        && text.chars().all(plain)
        && [user, host].iter().all(|part| part.starts_with(|char: char| char.is_ascii_alphanumeric() || "_:".contains(char)))
        // `host:22` would be looked up as a name; addresses with colons have more of them.
        && host.matches(':').count() != 1
}

/// An absolute path without anything that a shell or `ssh` would read as more than a path.
pub(super) fn is_file(text: &str) -> bool {
    let plain = |char: char| !char.is_control() && !"'\"\\%$`".contains(char);
    text.starts_with('/') && text.len() <= FILE_CHARS_MAX && text.chars().all(plain) && !text.split('/').any(|part| part == "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_and_a_table_say_the_same() {
        let word: SshPlace = serde_json::from_str(r#""deploy@app1.example.jp""#).expect("a word");
        let table: SshPlace = serde_json::from_str(r#"{"destination":"deploy@app1.example.jp"}"#).expect("a table");
        assert_eq!(word, table);
        assert_eq!(serde_json::to_string(&word).expect("written"), r#"{"destination":"deploy@app1.example.jp"}"#);
        assert!(serde_json::from_str::<SshPlace>(r#"{"destination":"a","password":"b"}"#).is_err(), "nothing unknown is taken");
        assert!(serde_json::from_str::<SshPlace>("7").is_err());
    }

    #[test]
    fn a_target_is_another_one_on_another_host_and_the_same_without() {
        let of = |ssh: &str| {
            let text = format!(r#"{{"service":"web","environment":"production",{ssh}"root":"/srv/web","backups":"/srv/backups"}}"#);
            serde_json::from_str::<Target>(&text).expect("a target")
        };
        let (here, there) = (of(""), of(r#""ssh":{"destination":"deploy@app1","port":2222},"#));
        assert!(!serde_json::to_string(&here).expect("written").contains("ssh"), "digests of plans for this host stay what they were");
        assert_eq!((here.place().as_str(), there.place().as_str()), ("/srv/web", "deploy@app1:2222:/srv/web"));
        for other in [r#""ssh":"deploy@app1","#, r#""ssh":{"destination":"deploy@app1","port":2222,"host_keys":["x"]},"#] {
            assert_ne!(serde_json::to_string(&of(other)).expect("written"), serde_json::to_string(&there).expect("written"));
        }
    }

    #[test]
    fn what_ssh_could_take_for_something_else_is_no_destination() {
        for good in ["app1", "deploy@app1.example.jp", "app-1", "deploy@2001:db8::1", "deploy@fe80::1%eth0", "d.e_p+1@10.0.0.7"] {
            assert!(is_destination(good), "{good}");
        }
        let long = "a".repeat(DESTINATION_CHARS_MAX + 1);
        for bad in [
            "",
            "-oProxyCommand=touch",
            "deploy@-oProxyCommand=x",
            "-l@host",
            "a b",
            "a\tb",
            "a\nb",
            "a;b",
            "a$(b)",
            "a`b`",
            "ssh://a/b",
            "deploy@app1:22",
            "deploy@[2001:db8::1]",
            "a'b",
            "予約",
            "@host",
            "deploy@",
            &long,
        ] {
            assert!(!is_destination(bad), "{bad:?}");
        }
    }

    #[test]
    fn a_file_is_an_absolute_path_and_nothing_more() {
        assert!(is_file("/etc/hikeshi/ssh config"));
        for bad in ["", "ssh_config", "~/x", "/a/../b", "/a'b", "/a\"b", "/a\nb", "/a%h", "/a$b"] {
            assert!(!is_file(bad), "{bad:?}");
        }
    }
}
