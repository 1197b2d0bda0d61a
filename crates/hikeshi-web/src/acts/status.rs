//! Publishing on the status page.

use std::collections::BTreeMap;

use hikeshi_domain::ids::{ComponentName, IncidentId};
use hikeshi_domain::incident::Command as Incident;
use hikeshi_domain::status::picture::PublicIncident;
use hikeshi_domain::status::{Health, PublicState, PublicText};
use hikeshi_engine::look::IncidentView;
use hikeshi_text::page::Words;
use hikeshi_text::{Sentence, label};

use super::Input;
use super::show::{Act, Choice, Field, FieldKind, code, offer_of};
use crate::viewer::Viewer;

/// The field of a component is called by its name, behind this.
const COMPONENT: &str = "component.";

pub fn publish(input: &Input<'_>, incident: IncidentId) -> Result<Incident, Sentence> {
    let t = input.words();
    let named = input.fields.names().filter_map(|name| Some((name, name.strip_prefix(COMPONENT)?)));
    let mut components: BTreeMap<ComponentName, Health> = BTreeMap::new();
    for (field, name) in named.filter(|(field, _)| input.fields.optional(field).is_some()) {
        let id = name.parse().map_err(|_| input.unreadable(t.field_public_component(), name))?;
        components.insert(id, input.code(field, t.field_public_component())?);
    }
    Ok(Incident::Publish { incident, state: input.code("state", t.field_public_state())?, text: public_text(input), components })
}

fn public_text(input: &Input<'_>) -> PublicText {
    PublicText { ja: input.fields.optional("public_ja"), en: input.fields.optional("public_en") }
}

/// Words for planned work, if there are any.
pub fn public_work(input: &Input<'_>) -> Option<PublicText> {
    Some(public_text(input)).filter(|text| !text.is_empty())
}

/// The two fields with what outsiders read.
pub fn text_fields(viewer: &Viewer) -> [Field; 2] {
    let t = Words(viewer.lang);
    [
        Field::new(FieldKind::Area, "public_ja", t.field_public_ja()).optional().help(t.field_public_help()),
        Field::new(FieldKind::Area, "public_en", t.field_public_en()).optional(),
    ]
}

/// `None`: there is no page on which anything could be published.
pub fn of_public(viewer: &Viewer, view: &IncidentView) -> Option<Act> {
    let page = viewer.policy.status.as_deref()?;
    let (t, lang, id) = (Words(viewer.lang), viewer.lang, view.incident.id);
    let over = view.incident.resolved.is_some();
    let known = PublicIncident::of(&view.incident);
    let next = known.as_ref().map_or(PublicState::Investigating, |public| public.state);
    let states = PublicState::ALL.iter().filter(|state| !over || **state == PublicState::Resolved).map(|state| Choice {
        value: code(state),
        label: label::public_state(lang, *state).to_owned(),
        chosen: *state == next,
    });
    let mut act = Act::new(viewer, "incident.publish")
        .hidden("incident", id)
        .cli(format!("hikeshi incident publish {id} --state … --component … --message …"))
        .offered(viewer, offer_of(&view.offers, "incident.publish"))
        .with(Field::new(FieldKind::Select(states.collect()), "state", t.field_public_state()));
    for (name, component) in &page.components {
        let before = known.as_ref().and_then(|public| public.components.get(name));
        let same = Choice { value: String::new(), label: t.field_public_same().to_owned(), chosen: true };
        let healths =
            Health::ALL.iter().map(|health| Choice { value: code(health), label: label::health(lang, *health).to_owned(), chosen: false });
        let said = before.map(|health| label::health(lang, *health)).unwrap_or_default();
        let field = Field::new(
            FieldKind::Select(std::iter::once(same).chain(healths).collect()),
            &format!("{COMPONENT}{name}"),
            label::page_name(lang, &component.name),
        );
        act = act.with(field.optional().help(said));
    }
    let [ja, en] = text_fields(viewer);
    Some(act.with(ja).with(en))
}
