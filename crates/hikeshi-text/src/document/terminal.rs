//! Work by hand in the report: what was typed into witnessed terminals, how it ended, and who watched how much of it.

use hikeshi_domain::session::{Known, Session, TypedCommand};

use super::case::Case;
use crate::Lang::{En, Ja};
use crate::markdown::{Document, code, inline};
use crate::{session, time};

pub(super) fn sessions(case: &Case<'_>, document: &mut Document) {
    for one in &case.facts.emergency.sessions {
        opening(case, one, document);
        if one.commands_earlier > 0 {
            document.block(&match case.lang {
                Ja => format!("はじめの {} 件のコマンドは台帳と記録にあります。", one.commands_earlier),
                En => format!("The first {} command(s) are in the ledger and the recording.", one.commands_earlier),
            });
        }
        let rows: Vec<Vec<String>> = one.commands.iter().map(|command| typed(case, command)).collect();
        let head = match case.lang {
            Ja => ["番号", "コマンド", "結果", "開始", "所要時間"],
            En => ["No.", "Command", "Result", "Started", "Took"],
        };
        document.table(&head, &rows);
        for gap in &one.gaps {
            document.block(&session::gap(case.lang, gap));
        }
        dangerous(case, one, document);
        document.block(&watched(case, one));
    }
}

fn opening(case: &Case<'_>, one: &Session, document: &mut Document) {
    let (who, place, from) = (case.person(&one.by), inline(&one.place), case.stamp(one.opened_at));
    let end = one
        .end
        .as_ref()
        .map_or_else(|| case.both("続いています", "still open").to_owned(), |end| session::end(case.lang, end, &case.names));
    let end = inline(&end);
    document.block(&match case.lang {
        Ja => format!("立会セッション{}: {who} が {place} で {from} に開きました。{end}。", one.number),
        En => format!("Witnessed session {}: opened by {who} on {place}, {from}; {end}.", one.number),
    });
}

fn typed(case: &Case<'_>, command: &TypedCommand) -> Vec<String> {
    let mut result = match command.ended_at {
        Some(_) => session::command_end(case.lang, command),
        None => case.both("終わりは見られていません", "its end was not seen").to_owned(),
    };
    match (command.known, case.lang) {
        (Known::Integrated, _) => {}
        (Known::Hint, Ja) => result.push_str("（他のプログラムの印による）"),
        (Known::Hint, En) => result.push_str(" (by marks of another program)"),
        (Known::Unknown, Ja) => result.push_str("（シェルに確かめられず）"),
        (Known::Unknown, En) => result.push_str(" (the shell could not be asked)"),
    }
    let took = command.ended_at.map_or_else(|| "—".to_owned(), |at| time::took(case.lang, at.duration_since(command.started_at)));
    vec![
        command.number.to_string(),
        code(&crate::plain::one_line(&command.text)),
        inline(&result),
        time::time_of_day(case.names.zone(), command.started_at),
        took,
    ]
}

/// Dangerous lines: how each was answered, and what ran without.
fn dangerous(case: &Case<'_>, one: &Session, document: &mut Document) {
    let asked = one.answered.iter().chain(one.asked.iter().filter(|asked| asked.answer.is_some()));
    let rows: Vec<Vec<String>> = asked
        .filter_map(|asked| {
            let answer = session::answered(case.lang, asked.answer.as_ref()?, &case.names);
            Some(vec![asked.ask.to_string(), code(&crate::plain::one_line(&asked.line)), inline(&asked.why), inline(&answer)])
        })
        .collect();
    if !rows.is_empty() {
        let head = match case.lang {
            Ja => ["番号", "危険な行", "理由", "立会人"],
            En => ["No.", "Dangerous line", "Why", "Witness"],
        };
        document.table(&head, &rows);
    }
    if !one.unconfirmed.is_empty() {
        let numbers = one.unconfirmed.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        document.block(&match case.lang {
            Ja => format!("**立会人の確認なしに実行された危険なコマンド: {numbers}**"),
            En => format!("**Dangerous commands that ran without a witness's confirmation: {numbers}**"),
        });
    }
}

/// "Two people signed that they watched up to block 7."
fn watched(case: &Case<'_>, one: &Session) -> String {
    let last = one.blocks.saturating_sub(1);
    let people: Vec<String> = one
        .watched
        .iter()
        .map(|(person, watched)| match case.lang {
            Ja => format!("{}（ブロック{}〜{}）", case.person(person), watched.from_block, watched.to_block),
            En => format!("{} (blocks {} to {})", case.person(person), watched.from_block, watched.to_block),
        })
        .collect();
    let head = one.head.map_or_else(|| "—".to_owned(), |head| code(&head.short()));
    match (case.lang, people.is_empty()) {
        (Ja, true) => format!("記録はブロック0〜{last}（鎖の先頭 {head}）です。見たという署名はありません。"),
        (En, true) => format!("The recording has blocks 0 to {last} (head {head}). Nobody signed that they watched it."),
        (Ja, false) => format!("記録はブロック0〜{last}（鎖の先頭 {head}）です。見たという署名: {}。", people.join("、")),
        (En, false) => format!("The recording has blocks 0 to {last} (head {head}). Signed as watched: {}.", people.join(", ")),
    }
}
