//! An act as it is shown: a button with its fields, or the reason why it is not open.

use askama::Template;
use askama::filters::Safe;
use hikeshi_engine::look::Offer;
use hikeshi_text::Sentence;
use hikeshi_text::page::Words;

use crate::fail::Fail;
use crate::pages::Flash;
use crate::secret;
use crate::viewer::Viewer;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// What is probably wanted now: within reach of the thumb.
    Primary,
    Normal,
    /// Another place, another colour, and a phrase to type.
    Danger,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub value: String,
    pub label: String,
    pub chosen: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldKind {
    Line,
    Area,
    Number,
    Moment,
    /// A phrase that must be typed to confirm.
    Typed,
    Select(Vec<Choice>),
    /// Several of these.
    Boxes(Vec<Choice>),
    /// Given; only repeated for the reader.
    Shown,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    pub name: String,
    pub label: String,
    pub help: String,
    pub value: String,
    pub required: bool,
    pub kind: FieldKind,
}

impl Field {
    pub fn new(kind: FieldKind, name: &str, label: &str) -> Self {
        Self { name: name.to_owned(), label: label.to_owned(), help: String::new(), value: String::new(), required: true, kind }
    }
    pub fn optional(mut self) -> Self {
        self.required = false;
        self
    }
    pub fn help(mut self, help: &str) -> Self {
        help.clone_into(&mut self.help);
        self
    }
    pub fn value(mut self, value: impl Into<String>) -> Self {
        self.value = value.into();
        self
    }
    fn is(&self, name: &str) -> bool {
        matches!(
            (&self.kind, name),
            (FieldKind::Line, "line")
                | (FieldKind::Area, "area")
                | (FieldKind::Number, "number")
                | (FieldKind::Moment, "moment")
                | (FieldKind::Typed, "typed")
                | (FieldKind::Select(_), "select")
                | (FieldKind::Boxes(_), "boxes")
                | (FieldKind::Shown, "shown")
        )
    }
    fn choices(&self) -> &[Choice] {
        match &self.kind {
            FieldKind::Select(choices) | FieldKind::Boxes(choices) => choices,
            FieldKind::Line | FieldKind::Area | FieldKind::Number | FieldKind::Moment | FieldKind::Typed | FieldKind::Shown => &[],
        }
    }
}

/// One thing that may be done here.
#[derive(Debug, Clone)]
pub struct Act {
    /// Kind of the command.
    pub kind: String,
    /// Element id; two acts of a kind on one page differ in it.
    pub id: String,
    pub label: String,
    pub lead: String,
    pub fields: Vec<Field>,
    pub hidden: Vec<(String, String)>,
    /// The same by command line.
    pub cli: String,
    pub weight: Weight,
    /// Why it is not open.
    pub closed: Option<(Sentence, String)>,
}

impl Act {
    pub fn new(viewer: &Viewer, kind: &str) -> Self {
        let label = hikeshi_text::label::command(viewer.lang, kind).to_owned();
        Self {
            kind: kind.to_owned(),
            id: format!("act-{}", kind.replace(['.', '_'], "-")),
            label,
            lead: String::new(),
            fields: Vec::new(),
            hidden: Vec::new(),
            cli: String::new(),
            weight: Weight::Normal,
            closed: None,
        }
    }
    pub fn with(mut self, field: Field) -> Self {
        self.fields.push(field);
        self
    }
    pub fn hidden(mut self, name: &str, value: impl ToString) -> Self {
        self.hidden.push((name.to_owned(), value.to_string()));
        self
    }
    pub fn cli(mut self, cli: impl Into<String>) -> Self {
        self.cli = cli.into();
        self
    }
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }
    pub fn lead(mut self, lead: impl Into<String>) -> Self {
        self.lead = lead.into();
        self
    }
    pub fn id_part(mut self, part: impl std::fmt::Display) -> Self {
        self.id = format!("{}-{part}", self.id);
        self
    }
    pub fn weight(mut self, weight: Weight) -> Self {
        self.weight = weight;
        self
    }
    /// Takes what the door offers: open, or closed with its reason.
    pub fn offered(mut self, viewer: &Viewer, offer: Option<&Offer>) -> Self {
        if let Some(Offer { allowed: false, refusal, .. }) = offer {
            let sentence = refusal.as_ref().map(|refusal| hikeshi_text::refusal(viewer.lang, refusal, &viewer.names)).unwrap_or_default();
            self.closed = Some((sentence, refusal.as_ref().map(|refusal| refusal.rule().to_owned()).unwrap_or_default()));
        }
        self
    }
    /// An act that is a page of its own.
    pub fn is_link(&self) -> bool {
        self.link().is_some()
    }
    fn link(&self) -> Option<&str> {
        self.hidden.iter().find(|(name, _)| name == "href").map(|(_, href)| href.as_str())
    }
    pub fn is_open(&self) -> bool {
        self.closed.is_none()
    }
    fn is_weight(&self, name: &str) -> bool {
        matches!((self.weight, name), (Weight::Primary, "primary") | (Weight::Normal, "normal") | (Weight::Danger, "danger"))
    }
}

pub fn offer_of<'a>(offers: &'a [Offer], kind: &str) -> Option<&'a Offer> {
    offers.iter().find(|offer| offer.kind == kind)
}

#[derive(Template)]
#[template(path = "act.html")]
struct ActTemplate<'a> {
    t: Words,
    act: &'a Act,
    token: String,
    key: String,
    /// This very form was refused a moment ago: it stays open, with what was typed.
    kept: bool,
    /// The fields are shown without being asked for.
    open: bool,
    /// Empty: the page's own address.
    action: &'a str,
}

/// The form, ready to be put into a page.
pub fn render(viewer: &Viewer, act: &Act, flash: &Flash) -> Result<Safe<String>, Fail> {
    render_with(viewer, act, flash, false, "")
}

/// The same, sent to another address than the page's own.
pub fn render_to(viewer: &Viewer, act: &Act, flash: &Flash, action: &str) -> Result<Safe<String>, Fail> {
    render_with(viewer, act, flash, false, action)
}

/// The same, with its fields already open: for pages that are one form.
pub fn render_open(viewer: &Viewer, act: &Act, flash: &Flash) -> Result<Safe<String>, Fail> {
    render_with(viewer, act, flash, true, "")
}

fn render_with(viewer: &Viewer, act: &Act, flash: &Flash, open: bool, action: &str) -> Result<Safe<String>, Fail> {
    let kept = flash.kept_by(&act.id).is_some();
    let mut act = act.clone();
    if let Some(fields) = flash.kept_by(&act.id) {
        for field in &mut act.fields {
            keep(field, fields);
        }
    }
    let template = ActTemplate {
        t: Words(viewer.lang),
        act: &act,
        token: token(viewer)?,
        key: secret::request_key()?.to_string(),
        kept,
        open,
        action,
    };
    Ok(Safe(template.render()?))
}

fn keep(field: &mut Field, fields: &crate::form::Fields) {
    let given = fields.all(&field.name);
    match &mut field.kind {
        FieldKind::Select(choices) | FieldKind::Boxes(choices) => {
            for choice in choices {
                choice.chosen = given.contains(&choice.value);
            }
        }
        FieldKind::Shown => {}
        FieldKind::Line | FieldKind::Area | FieldKind::Number | FieldKind::Moment | FieldKind::Typed => {
            fields.raw(&field.name).clone_into(&mut field.value);
        }
    }
}

/// The token that a form carries; empty for a viewer without a session, who gets no form.
pub fn token(viewer: &Viewer) -> Result<String, Fail> {
    Ok(viewer.session().map(secret::form_token).transpose()?.unwrap_or_default())
}

/// Choices whose labels are made from values.
pub fn choices<T: std::fmt::Display>(
    items: impl IntoIterator<Item = T>,
    label: impl Fn(&T) -> String,
    chosen: impl Fn(&T) -> bool,
) -> Vec<Choice> {
    items.into_iter().map(|item| Choice { value: item.to_string(), label: label(&item), chosen: chosen(&item) }).collect()
}

/// Everyone of the policy.
pub fn people(viewer: &Viewer, chosen: impl Fn(&hikeshi_domain::ids::PersonId) -> bool) -> Vec<Choice> {
    choices(viewer.policy.people.keys(), |id| format!("{} ({id})", viewer.names.written(id)), |id| chosen(id))
}

/// The serialised name of a plain enum: what the record and the form call it.
pub fn code<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// A value that is only shown.
pub fn read_only(label: &str, value: impl Into<String>) -> Field {
    Field::new(FieldKind::Shown, "", label).optional().value(value)
}
