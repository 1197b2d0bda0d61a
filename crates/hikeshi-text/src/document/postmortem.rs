//! The postmortem of an incident (rule I8): facts from the ledger, judgement from people.

use hikeshi_domain::effect::PostmortemOrder;
use hikeshi_domain::incident::Incident;
use hikeshi_domain::ledger::EntryResult;

use crate::Lang::{self, En, Ja};
use crate::label::{self, both};
use crate::markdown::{Document, inline, prose};
use crate::{Names, plain, time};

/// Rows of the timeline; the ledger has all of them.
const ROWS_MAX: usize = 300;
const SLUG_CHARS_MAX: usize = 40;

/// What a file is called after: the title, as far as every file system takes it.
pub struct Slug(pub String);

impl Slug {
    pub fn of(title: &str) -> Self {
        let mut slug = String::new();
        for c in plain::one_line(title).to_lowercase().chars().take(SLUG_CHARS_MAX) {
            if c.is_alphanumeric() {
                slug.push(c);
            } else if !slug.ends_with('-') && !slug.is_empty() {
                slug.push('-');
            }
        }
        Self(slug.trim_end_matches('-').to_owned())
    }
}

/// The whole document as Markdown, in the language and time zone of the order.
pub fn postmortem(order: &PostmortemOrder) -> String {
    let lang = Lang::from(order.language);
    let names = Names::of_postmortem(order);
    let two = |ja: &'static str, en: &'static str| both(lang, (ja, en));
    let mut document = Document::default();
    let incident = &order.incident;
    document.heading(
        1,
        &match lang {
            Ja => format!("ポストモーテム: {}（{}）", inline(&incident.title), incident.id),
            En => format!("Postmortem: {} ({})", inline(&incident.title), incident.id),
        },
    );
    document.table(&[two("項目", "Item"), two("内容", "Content")], &basics(order, lang, &names));
    let parts = [
        (two("影響", "Impact"), &order.content.impact),
        (two("根本原因", "Root cause"), &order.content.cause),
        (two("対応", "Response"), &order.content.response),
    ];
    let [impact, cause, response] = parts.map(|(heading, text)| (heading, prose(text)));
    document.heading(2, impact.0);
    document.block(&impact.1);
    document.heading(2, two("タイムライン", "Timeline"));
    document.table(&[two("日時", "When"), two("誰が", "Who"), two("できごと", "What happened")], &timeline(order, lang, &names));
    document.heading(2, two("なぜの問い", "Five whys"));
    let whys: Vec<String> = (1..).zip(&order.content.whys).map(|(number, why)| format!("{number}. {}", inline(why))).collect();
    document.block(&whys.join("\n"));
    document.heading(2, cause.0);
    document.block(&cause.1);
    document.heading(2, response.0);
    document.block(&response.1);
    document.heading(2, two("再発防止策", "Prevention"));
    document.block(&items(order, lang, &names));
    document.heading(2, two("教訓", "Lessons"));
    document.block(&prose(&order.content.lessons));
    document.finish()
}

fn basics(order: &PostmortemOrder, lang: Lang, names: &Names) -> Vec<Vec<String>> {
    let incident = &order.incident;
    let two = |ja: &'static str, en: &'static str| both(lang, (ja, en)).to_owned();
    let (code, means) = (names.priority(lang, incident.priority), label::priority_meaning(lang, order.scheme, incident.priority));
    let severity = match lang {
        Ja => format!("{code}（{means}）"),
        En => format!("{code} ({means})"),
    };
    let service = match lang {
        Ja => format!("{}／{}", inline(&order.service_name), inline(&order.environment_name)),
        En => format!("{} in {}", inline(&order.service_name), inline(&order.environment_name)),
    };
    let by = match lang {
        Ja => format!("{}（第{}版）", inline(names.written(&order.by)), order.revision),
        En => format!("{} (revision {})", inline(names.written(&order.by)), order.revision),
    };
    let restored = incident.resolved.as_ref().map(|resolved| inline(&resolved.what)).filter(|what| !what.is_empty());
    vec![
        vec![two("発生から復旧まで", "From, to"), period(incident, lang, names)],
        vec![two("重大度", "Severity"), severity],
        vec![two("対象", "Affected"), service],
        vec![two("復旧の方法", "What solved it"), restored.unwrap_or_else(|| "—".to_owned())],
        vec![two("書いた人", "Written by"), by],
    ]
}

fn period(incident: &Incident, lang: Lang, names: &Names) -> String {
    let from = time::stamp(lang, names.zone(), incident.detected_at);
    let Some(resolved) = &incident.resolved else { return from };
    let until = time::stamp(lang, names.zone(), resolved.at);
    let took = time::duration(lang, resolved.at.duration_since(incident.detected_at));
    match lang {
        Ja => format!("{from} 〜 {until}（{took}）"),
        En => format!("{from} to {until} ({took})"),
    }
}

/// What the ledger has of the case, without what is written about it afterwards.
fn timeline(order: &PostmortemOrder, lang: Lang, names: &Names) -> Vec<Vec<String>> {
    let told = order.entries.iter().filter_map(|entry| {
        let EntryResult::Done { events, .. } = &entry.result else { return None };
        if ["postmortem.", "obligation.", "review.", "session.", "outcome."].iter().any(|area| entry.kind.starts_with(area)) {
            return None;
        }
        let values: Vec<serde_json::Value> = events.iter().filter_map(|event| serde_json::to_value(event).ok()).collect();
        let said = crate::event::entry_lines(lang, &entry.kind, &values, None, names);
        let lines = crate::event::lines_of(said, entry.case, Some(order.incident.id));
        let zone = names.zone();
        let when = format!("{} {}", time::day(zone, entry.at), time::time_of_day(zone, entry.at));
        let what = lines.iter().map(|line| inline(line)).collect::<Vec<_>>().join("<br>");
        Some(vec![when, inline(&crate::actor(lang, &entry.actor, names)), what])
    });
    told.take(ROWS_MAX).collect()
}

fn items(order: &PostmortemOrder, lang: Lang, names: &Names) -> String {
    let lines = order.items.iter().map(|item| {
        let (mark, text, owner) = (if item.done { 'x' } else { ' ' }, inline(&item.text), inline(names.written(&item.owner)));
        let due = time::day(names.zone(), item.due_at);
        match lang {
            Ja => format!("- [{mark}] {text}（担当: {owner}、期限: {due}、{}）", item.obligation),
            En => format!("- [{mark}] {text} (owner: {owner}, due: {due}, {})", item.obligation),
        }
    });
    let lines: Vec<String> = lines.collect();
    if lines.is_empty() { both(lang, ("なし", "None")).to_owned() } else { lines.join("\n") }
}

/// A file to be filled in and given back, with what is known of the incident beside each question.
pub fn postmortem_template(lang: Lang, incident: &Incident, names: &Names) -> String {
    let title = plain::one_line(&incident.title);
    let known = match lang {
        Ja => format!(
            "# {} {title}\n# {}、{}\n# 件名、日時、重大度、タイムラインは記録から埋まります。",
            incident.id,
            names.priority(lang, incident.priority),
            period(incident, lang, names)
        ),
        En => format!(
            "# {} {title}\n# {}, {}\n# Title, times, severity and timeline are filled in from the record.",
            incident.id,
            names.priority(lang, incident.priority),
            period(incident, lang, names)
        ),
    };
    let written = incident.postmortem.as_ref().and_then(|known| known.written.as_ref()).map(|written| &written.content);
    let restored = incident.resolved.as_ref().map(|resolved| resolved.what.clone()).unwrap_or_default();
    let text = |part: fn(&hikeshi_domain::postmortem::Content) -> &String, else_: &str| {
        quoted(written.map_or(else_, |content| part(content).as_str()))
    };
    let whys = written.map_or_else(|| vec![String::new(); 5], |content| content.whys.clone());
    let whys = whys.iter().map(|why| format!("    {},\n", quoted(why))).collect::<String>();
    let two = |ja: &'static str, en: &'static str| both(lang, (ja, en));
    format!(
        "{known}\n\n# {}\nimpact = {}\n\n# {}\nwhys = [\n{whys}]\n\n# {}\ncause = {}\n\n# {}\nresponse = {}\n\n# {}\nlessons = {}\n\n# {}\n# [[items]]\n# text = \"\"\n# owner = \"\"\n# due_at = \"2026-12-31T18:00:00+09:00\"\n",
        two("誰に、どれだけの影響があったか", "Who was hit, and how much"),
        text(|content| &content.impact, ""),
        two("なぜ起きたか、それはなぜか（上から順に）", "Why it happened, and why that, in order"),
        two("根本原因", "Root cause"),
        text(|content| &content.cause, ""),
        two("何をしたか、何で復旧したか", "What was done, and what solved it"),
        text(|content| &content.response, &restored),
        two("教訓", "Lessons"),
        text(|content| &content.lessons, ""),
        two("再発防止策。一つにつき、内容・担当・期限", "Prevention items: text, owner and due time of each"),
    )
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
