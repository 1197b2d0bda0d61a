//! Every mistake of a `hikeshi.toml`, each with its place and what was probably meant.
//!
//! Three passes over one parsed table: syntax, the JSON Schema (unknown keys, missing keys, wrong types, wrong choices), and
//! `Policy::check` (names that nobody declared, rules that nobody could meet). A mistake of one pass does not hide those of the next
//! wherever the file can still be understood. The words are in `hikeshi_text::terminal`.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;

use hikeshi_domain::policy::{Flaw, FlawKind, Policy};
use hikeshi_text::{Lang, terminal};
use serde::Deserialize as _;
use serde_json::Value;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::shape::{self, choices, is_name, nearest, type_of, types_of};
use super::{Config, ServerConfig, policy_schema};

/// Most mistakes that are listed; a file with more is better read again from the top.
const MISTAKES_MAX: usize = 100;

/// How to draw.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    pub colour: bool,
    pub width: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    pub span: Range<usize>,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    Syntax {
        detail: String,
    },
    UnknownKey {
        key: String,
        nearest: Option<String>,
        allowed: Vec<String>,
    },
    MissingKey {
        key: String,
    },
    WrongType {
        wanted: &'static str,
        given: &'static str,
    },
    NotOneOf {
        given: String,
        nearest: Option<String>,
        allowed: Vec<String>,
    },
    BadName {
        given: String,
    },
    /// A time of day, a date: written like this.
    BadForm {
        given: String,
        like: &'static str,
    },
    OutOfRange {
        given: String,
        min: Option<String>,
        max: Option<String>,
    },
    Flaw(Flaw),
    /// A key of the section `server` whose text is not what the server needs.
    Server(ServerKey),
    /// Words of the TOML reader for what the passes above do not know.
    Other {
        detail: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerKey {
    Listen,
    PublicUrl,
    Database,
}

/// All mistakes of one file, in the order of the file.
#[derive(Debug)]
pub struct Mistakes {
    pub file: String,
    pub text: String,
    pub list: Vec<Mistake>,
}

impl Mistakes {
    pub fn render(&self, lang: Lang, look: Look) -> String {
        let theme = if look.colour { miette::GraphicalTheme::unicode() } else { miette::GraphicalTheme::unicode_nocolor() };
        let handler =
            miette::GraphicalReportHandler::new_themed(theme).with_width(look.width.max(40)).with_context_lines(1).with_links(false);
        let mut out = String::new();
        for mistake in self.list.iter().take(MISTAKES_MAX) {
            let (title, label, help) = words(lang, &mistake.what);
            let span = (mistake.span.start, mistake.span.end.saturating_sub(mistake.span.start));
            let mut diagnostic =
                miette::MietteDiagnostic::new(title).with_label(miette::LabeledSpan::new_primary_with_span(Some(label), span));
            if let Some(help) = help {
                diagnostic = diagnostic.with_help(help);
            }
            let report = miette::Report::new(diagnostic).with_source_code(miette::NamedSource::new(&self.file, self.text.clone()));
            if handler.render_report(&mut out, report.as_ref()).is_err() {
                out.push_str("…\n");
            }
        }
        out.push_str(&terminal::mistakes_total(lang, self.list.len(), &self.file));
        out.push('\n');
        out
    }

    /// For `--json`: line and column from 1, as editors count.
    pub fn to_json(&self, lang: Lang) -> Value {
        let rows = self.list.iter().map(|mistake| {
            let (line, column) = line_and_column(&self.text, mistake.span.start);
            let (title, label, help) = words(lang, &mistake.what);
            serde_json::json!({"file": self.file, "line": line, "column": column, "start": mistake.span.start, "end": mistake.span.end,
                "title": title, "label": label, "help": help})
        });
        Value::Array(rows.collect())
    }
}

/// Title, the words beside the caret, and what to do.
fn words(lang: Lang, what: &What) -> (String, String, Option<String>) {
    let list = |allowed: &[String]| Some(terminal::allowed_are(lang, allowed)).filter(|_| !allowed.is_empty());
    match what {
        What::Syntax { detail } => (terminal::toml_syntax(lang), detail.clone(), None),
        What::UnknownKey { key, nearest, allowed } => (
            terminal::unknown_key(lang, key),
            nearest.as_deref().map_or_else(|| terminal::not_known_here(lang), |nearest| terminal::did_you_mean(lang, nearest)),
            list(allowed),
        ),
        What::MissingKey { key } => (terminal::missing_key(lang, key), terminal::add_here(lang, key), None),
        What::WrongType { wanted, given } => (terminal::wrong_type(lang), terminal::wanted_given(lang, wanted, given), None),
        What::NotOneOf { given, nearest, allowed } => (
            terminal::not_one_of(lang, given),
            nearest.as_deref().map_or_else(|| terminal::not_known_here(lang), |nearest| terminal::did_you_mean(lang, nearest)),
            list(allowed),
        ),
        What::BadName { given } => (terminal::bad_name(lang, given), terminal::name_form(lang), None),
        What::BadForm { given, like } => (terminal::bad_form(lang, given), terminal::written_like(lang, like), None),
        What::OutOfRange { given, min, max } => {
            (terminal::out_of_range(lang, given), terminal::range(lang, min.as_deref(), max.as_deref()), None)
        }
        What::Flaw(flaw) => {
            let sentence = hikeshi_text::flaw(lang, flaw);
            let label = if sentence.next.is_empty() { terminal::here(lang) } else { sentence.next };
            (sentence.what, label, Some(sentence.why).filter(|why| !why.is_empty()))
        }
        What::Server(key) => {
            let label = match key {
                ServerKey::Listen => terminal::bad_listen(lang),
                ServerKey::PublicUrl => terminal::bad_public_url(lang),
                ServerKey::Database => terminal::bad_database(lang),
            };
            (terminal::not_readable(lang), label, None)
        }
        What::Other { detail } => (terminal::not_readable(lang), detail.clone(), None),
    }
}

fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at.min(text.len())).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    (line, column)
}

/// Where each key path lies: the key itself and its value.
type Places = BTreeMap<Vec<String>, (Range<usize>, Range<usize>)>;

/// Reads a file whole, or says everything that is wrong with it.
pub fn examine(file: &Path, text: &str) -> Result<Config, Mistakes> {
    let (root, errors) = DeTable::parse_recoverable(text);
    let mut walk = Walk { schema: policy_schema(), found: Vec::new(), places: Places::new(), dropped: BTreeSet::new() };
    for error in &errors {
        let span = error.span().unwrap_or(0..0);
        walk.found.push(Mistake { span, what: What::Syntax { detail: error.message().to_owned() } });
    }
    let schema = walk.schema.clone();
    let mut table = root.into_inner();
    // After a syntax error the rest of the table is a guess; complaining about it would mislead.
    if errors.is_empty() {
        walk.table(&mut table, &schema, &mut Vec::new(), 0..0);
    }
    let config = if errors.is_empty() { read_types(&mut walk, file, table) } else { None };
    if let Some(config) = &config {
        for flaw in config.policy.check().into_iter().filter(|flaw| !walk.follows_from_dropped(flaw)).collect::<Vec<_>>() {
            let span = place_of(&walk.places, &flaw.at);
            walk.found.push(Mistake { span, what: What::Flaw(flaw) });
        }
        check_server(&mut walk, &config.server);
    }
    walk.found.sort_by_key(|mistake| (mistake.span.start, mistake.span.end));
    match config {
        Some(config) if walk.found.is_empty() => Ok(config),
        Some(_) | None => Err(Mistakes { file: file.display().to_string(), text: text.to_owned(), list: walk.found }),
    }
}

/// Turns what the schema pass left of the table into types.
fn read_types(walk: &mut Walk, file: &Path, mut table: DeTable<'_>) -> Option<Config> {
    let server = table.remove("server");
    let note = |error: toml::de::Error, before: &[Mistake]| {
        let span = error.span().unwrap_or(0..0);
        // The schema pass has said it better, if it said it.
        let said = before.iter().any(|mistake| mistake.span.start <= span.end && span.start <= mistake.span.end);
        (!said && before.is_empty()).then(|| Mistake { span, what: What::Other { detail: error.message().to_owned() } })
    };
    let server = match server {
        Some(value) => match ServerConfig::deserialize(toml::de::ValueDeserializer::from(value)) {
            Ok(server) => Some(server),
            Err(error) => {
                walk.found.extend(note(error, &walk.found.clone()));
                None
            }
        },
        None => Some(ServerConfig::default()),
    };
    let policy = match Policy::deserialize(toml::de::Deserializer::from(Spanned::new(0..0, table))) {
        Ok(policy) => Some(policy),
        Err(error) => {
            walk.found.extend(note(error, &walk.found.clone()));
            None
        }
    };
    Some(Config { file: file.to_path_buf(), server: server?, policy: policy? })
}

/// What the types cannot say about the section `server`.
fn check_server(walk: &mut Walk, server: &ServerConfig) {
    let mut bad = |key: &str, what: ServerKey| {
        let span = place_of(&walk.places, &["server".to_owned(), key.to_owned()]);
        walk.found.push(Mistake { span, what: What::Server(what) });
    };
    if server.listen.parse::<std::net::SocketAddr>().is_err() {
        bad("listen", ServerKey::Listen);
    }
    if let Some(given) = &server.public_url {
        let ok = url::Url::parse(given).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.host_str().is_some());
        if !ok {
            bad("public_url", ServerKey::PublicUrl);
        }
    }
    if let Some(given) = &server.database
        && super::parse_location(given, Path::new(".")).is_err()
    {
        bad("database", ServerKey::Database);
    }
}

/// The place of a path, or of the nearest part of it that the file has.
fn place_of(places: &Places, at: &[String]) -> Range<usize> {
    let mut path = at.to_vec();
    loop {
        if let Some((key, value)) = places.get(&path) {
            // A table's value spans many lines, or none that makes sense; its key is what the reader looks for.
            let exact = path.len() == at.len();
            return if exact && !value.is_empty() { value.clone() } else { key.clone() };
        }
        if path.pop().is_none() {
            return 0..0;
        }
    }
}

struct Walk {
    schema: Value,
    found: Vec<Mistake>,
    places: Places,
    /// Names of people, targets … whose entry could not be understood and was left out of the later passes.
    dropped: BTreeSet<String>,
}

impl Walk {
    fn say(&mut self, span: Range<usize>, what: What) {
        self.found.push(Mistake { span, what });
    }

    /// A flaw that is only there because an entry was left out: it would send the reader to the wrong place.
    fn follows_from_dropped(&self, flaw: &Flaw) -> bool {
        match &flaw.what {
            FlawKind::Unknown { given, .. } => self.dropped.contains(given),
            FlawKind::TooFew { .. } => !self.dropped.is_empty(),
            FlawKind::Empty
            | FlawKind::OutOfBounds { .. }
            | FlawKind::NotAbsolute { .. }
            | FlawKind::BackupsInsideRoot
            | FlawKind::BadUrl { .. }
            | FlawKind::BadTimeZone { .. }
            | FlawKind::ExactlyOne { .. }
            | FlawKind::AtLeastOne { .. }
            | FlawKind::NotHttps { .. }
            | FlawKind::NoWindow
            | FlawKind::BadFilter { .. }
            | FlawKind::BadAddress { .. }
            | FlawKind::OnlyFor { .. }
            | FlawKind::BadPattern { .. }
            | FlawKind::BadCell { .. }
            | FlawKind::BadSshKey { .. }
            | FlawKind::SharedSshKey { .. }
            | FlawKind::BadSshDestination { .. }
            | FlawKind::NotAscending
            | FlawKind::NeverWaits { .. }
            | FlawKind::NoHours { .. }
            | FlawKind::BadNumber { .. }
            | FlawKind::SameAs { .. } => false,
        }
    }

    /// Follows `$ref`, and the half of an `Option` that is not null.
    fn resolve(&self, schema: &Value) -> Value {
        let mut schema = schema.clone();
        for _ in 0..20 {
            if let Some(name) = schema.get("$ref").and_then(Value::as_str).and_then(|name| name.strip_prefix("#/$defs/")) {
                match self.schema.get("$defs").and_then(|defs| defs.get(name)) {
                    Some(next) => schema = next.clone(),
                    None => break,
                }
            } else if let Some(next) = schema
                .get("anyOf")
                .and_then(Value::as_array)
                .and_then(|any| any.iter().find(|one| one.get("type").and_then(Value::as_str) != Some("null")))
            {
                schema = next.clone();
            } else {
                break;
            }
        }
        schema
    }

    /// Says what is wrong in a table and takes it out, so that the rest can be looked at further. False: what is left cannot be used.
    fn table(&mut self, table: &mut DeTable<'_>, schema: &Value, path: &mut Vec<String>, header: Range<usize>) -> bool {
        let schema = self.resolve(schema);
        let properties = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
        let patterns = schema.get("patternProperties").and_then(Value::as_object).cloned().unwrap_or_default();
        let others = schema.get("additionalProperties").filter(|value| value.is_object()).cloned();
        let mut unusable = Vec::new();
        for (key, value) in table.iter_mut() {
            let name = key.get_ref().to_string();
            path.push(name.clone());
            let is_table = value.get_ref().is_table() && !matches!(value.get_ref(), DeValue::Array(_));
            self.places.insert(path.clone(), (key.span(), if is_table { 0..0 } else { value.span() }));
            let of_pattern = patterns.values().next();
            let usable = if let Some(schema) = properties.get(&name) {
                self.value(value, schema, path, key.span())
            } else if let Some(schema) = of_pattern {
                let named = is_name(&name);
                if !named {
                    self.say(key.span(), What::BadName { given: name.clone() });
                }
                let usable = self.value(value, schema, path, key.span()) && named;
                if !usable {
                    self.dropped.insert(name.clone());
                }
                usable
            } else if let Some(schema) = &others {
                self.value(value, schema, path, key.span())
            } else {
                let allowed: Vec<String> = properties.keys().cloned().collect();
                self.say(key.span(), What::UnknownKey { key: name.clone(), nearest: nearest(&name, &allowed), allowed });
                false
            };
            if !usable {
                unusable.push(name);
            }
            path.pop();
        }
        let mut whole = true;
        for key in schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
            if !table.contains_key(key) {
                self.say(header.clone(), What::MissingKey { key: key.to_owned() });
            }
            whole &= table.contains_key(key) && !unusable.iter().any(|name| name == key);
        }
        for name in unusable {
            table.remove(name.as_str());
        }
        whole
    }

    fn value(&mut self, value: &mut Spanned<DeValue<'_>>, schema: &Value, path: &mut Vec<String>, key: Range<usize>) -> bool {
        let schema = self.resolve(schema);
        let span = value.span();
        let types = types_of(&schema);
        let given = type_of(value.get_ref());
        let fits = types.is_empty() || types.iter().any(|wanted| *wanted == given || (*wanted == "number" && given == "integer"));
        if !fits {
            let wanted = types.first().copied().unwrap_or("string");
            self.say(if given == "object" { key } else { span }, What::WrongType { wanted, given });
            return false;
        }
        match value.get_mut() {
            DeValue::Table(table) => self.table(table, &schema, path, key),
            DeValue::Array(items) => self.array(items, &schema, path),
            DeValue::String(text) => self.text(text.as_ref(), &schema, span),
            DeValue::Integer(number) => {
                let text = number.to_string();
                self.number(&text, &schema, span)
            }
            DeValue::Float(number) => {
                let text = number.to_string();
                self.number(&text, &schema, span)
            }
            DeValue::Boolean(_) | DeValue::Datetime(_) => true,
        }
    }

    fn array(&mut self, items: &mut DeArray<'_>, schema: &Value, path: &mut Vec<String>) -> bool {
        let Some(of_items) = schema.get("items").cloned() else { return true };
        let mut usable = true;
        for (index, item) in items.iter_mut().enumerate() {
            path.push(index.to_string());
            let span = item.span();
            self.places.insert(path.clone(), (span.clone(), span.clone()));
            usable &= self.value(item, &of_items, path, span);
            path.pop();
        }
        usable
    }

    fn text(&mut self, given: &str, schema: &Value, span: Range<usize>) -> bool {
        let before = self.found.len();
        let allowed = choices(schema);
        if !allowed.is_empty() {
            if !allowed.iter().any(|one| one == given) {
                self.say(span, What::NotOneOf { given: given.to_owned(), nearest: nearest(given, &allowed), allowed });
            }
        } else if let Some(like) = shape::unlike(given, schema) {
            self.say(span, What::BadForm { given: given.to_owned(), like });
        } else if shape::is_of_names(schema) && !is_name(given) {
            self.say(span, What::BadName { given: given.to_owned() });
        }
        self.found.len() == before
    }

    fn number(&mut self, given: &str, schema: &Value, span: Range<usize>) -> bool {
        let Ok(number) = given.replace('_', "").parse::<f64>() else { return true };
        let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
        let format_max = (schema.get("format").and_then(Value::as_str) == Some("uint32")).then_some(f64::from(u32::MAX));
        let (min, max) = (bound("minimum"), bound("maximum").or(format_max));
        let outside = min.is_some_and(|min| number < min) || max.is_some_and(|max| number > max);
        if outside {
            let show = |bound: Option<f64>| bound.map(|bound| format!("{bound}"));
            self.say(span, What::OutOfRange { given: given.to_owned(), min: show(min), max: show(max) });
        }
        !outside
    }
}
