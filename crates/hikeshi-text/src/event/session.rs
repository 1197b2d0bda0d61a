//! Events of a witnessed terminal: opened, watched, held, what was typed, ended.

use hikeshi_domain::emergency::Looked;
use hikeshi_domain::ids::PersonId;
use hikeshi_domain::session::{Ack, Captured, CommandRef, DeviceKey, Gap, HeldBecause, SessionEnd, TypedCommand};

use crate::Lang::{self, En, Ja};
use crate::plain::{clipped, one_line};
use crate::{Names, session};

/// Commands named in one line of a timeline; more are counted.
const COMMANDS_NAMED_MAX: usize = 5;

pub(super) fn opened(lang: Lang, number: u32, place: &str) -> String {
    let place = one_line(place);
    match lang {
        Ja => format!("立会セッション{number}の端末を {place} で開きました"),
        En => format!("Opened the terminal of witnessed session {number} on {place}"),
    }
}

pub(super) fn bound(lang: Lang, number: u32, key: &DeviceKey) -> String {
    let key = key.short();
    match lang {
        Ja => format!("立会セッション{number}を見る端末の鍵を登録しました（{key}）"),
        En => format!("Registered the key of the device that watches session {number} ({key})"),
    }
}

pub(super) fn noted(lang: Lang, number: u32, text: &str) -> String {
    let text = one_line(text);
    match lang {
        Ja => format!("立会セッション{number}に書き添えました: {text}"),
        En => format!("Noted in session {number}: {text}"),
    }
}

pub(super) fn sealed(lang: Lang, number: u32, first: u64, blocks: usize, commands: &[TypedCommand], gaps: &[Gap]) -> String {
    let last = first.saturating_add(u64::try_from(blocks).unwrap_or(u64::MAX)).saturating_sub(1);
    let mut parts = match (lang, blocks) {
        (_, 0) => Vec::new(),
        (Ja, _) => vec![format!("立会セッション{number}の記録を封印しました（ブロック {first}–{last}）")],
        (En, _) => vec![format!("Sealed the recording of session {number} (blocks {first}–{last})")],
    };
    parts.extend(commands.iter().take(COMMANDS_NAMED_MAX).map(|command| typed(lang, command)));
    if commands.len() > COMMANDS_NAMED_MAX {
        let more = commands.len() - COMMANDS_NAMED_MAX;
        parts.push(match lang {
            Ja => format!("ほか{more}件のコマンド"),
            En => format!("{more} more command(s)"),
        });
    }
    parts.extend(gaps.iter().map(|gap| session::gap(lang, gap)));
    parts.join(match lang {
        Ja => "。",
        En => "; ",
    })
}

fn typed(lang: Lang, command: &TypedCommand) -> String {
    let text = clipped(&one_line(&command.text), 120);
    let end = session::command_end(lang, command);
    format!("$ {text} [{end}]")
}

fn when(lang: Lang, after: CommandRef) -> String {
    match (lang, after.command) {
        (Ja, _) if after == CommandRef::NONE => "ここまで".to_owned(),
        (En, _) if after == CommandRef::NONE => "up to here".to_owned(),
        (Ja, 0) => format!("立会セッション{}の開始時", after.session),
        (Ja, command) => format!("立会セッション{}のコマンド{command}のあと", after.session),
        (En, 0) => format!("at the opening of session {}", after.session),
        (En, command) => format!("after command {command} of session {}", after.session),
    }
}

pub(super) fn look_owed(lang: Lang) -> String {
    match lang {
        Ja => "変わったファイルを、このあともう一度調べます",
        En => "The files will be looked at once more",
    }
    .to_owned()
}

pub(super) fn looked_at(lang: Lang, after: CommandRef) -> String {
    let when = when(lang, after);
    match lang {
        Ja => format!("{when}の変更を調べ始めました"),
        En => format!("Began to look at what has changed {when}"),
    }
}

pub(super) fn seen(lang: Lang, after: CommandRef, looked: &Looked, captured: &[Captured]) -> String {
    let (when, files) = (when(lang, after), files(lang, looked));
    let looks: Vec<String> = captured.iter().map(|one| capture(lang, one)).collect();
    match (lang, looks.is_empty()) {
        (Ja, true) => format!("{when}: {files}"),
        (Ja, false) => format!("{when}: {files}。{}", looks.join("、")),
        (En, true) => format!("Seen {when}: {files}"),
        (En, false) => format!("Seen {when}: {files}; {}", looks.join(", ")),
    }
}

fn capture(lang: Lang, captured: &Captured) -> String {
    let (title, digest) = (one_line(&captured.title), captured.output.short());
    match (lang, captured.exit_code) {
        (Ja, Some(0)) => format!("「{title}」を記録しました（{digest}）"),
        (En, Some(0)) => format!("captured \"{title}\" ({digest})"),
        (Ja, _) => format!("「{title}」は失敗しました（出力 {digest}）"),
        (En, _) => format!("\"{title}\" failed (output {digest})"),
    }
}

/// How many files differ from the backup, and how many of them nobody approved.
pub(super) fn files(lang: Lang, looked: &Looked) -> String {
    if looked.unseen {
        return match lang {
            Ja => "変わったファイルは調べられていません",
            En => "nobody has seen which files have changed",
        }
        .to_owned();
    }
    let count = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
    let changed = count(looked.changes.len()).saturating_add(looked.changes_unlisted);
    let outside = count(looked.changes.iter().filter(|change| !change.in_scope).count()).saturating_add(looked.outside_unlisted);
    match (lang, changed, outside) {
        (Ja, 0, _) => "開始前から変わったファイルはありません".to_owned(),
        (Ja, _, 0) => format!("開始前から変わったファイル {changed}件"),
        (Ja, _, _) => format!("開始前から変わったファイル {changed}件、うち範囲外 {outside}件"),
        (En, 0, _) => "no file differs from before the start".to_owned(),
        (En, _, 0) => format!("{changed} file(s) differ from before the start"),
        (En, _, _) => format!("{changed} file(s) differ from before the start, {outside} outside the scope"),
    }
}

pub(super) fn watched(lang: Lang, number: u32, acks: &[Ack], names: &Names) -> String {
    let mut latest: Vec<(&PersonId, u64)> = Vec::new();
    for ack in acks {
        match latest.iter_mut().find(|(person, _)| *person == &ack.person) {
            Some((_, block)) => *block = (*block).max(ack.block),
            None => latest.push((&ack.person, ack.block)),
        }
    }
    let shown: Vec<String> = latest
        .into_iter()
        .map(|(person, block)| match lang {
            Ja => format!("{}がブロック{block}まで", names.person(lang, person)),
            En => format!("{} up to block {block}", names.person(lang, person)),
        })
        .collect();
    match lang {
        Ja => format!("立会セッション{number}を見たという署名: {}", shown.join("、")),
        En => format!("Signed as watched in session {number}: {}", shown.join(", ")),
    }
}

pub(super) fn held(lang: Lang, number: u32, held: &[HeldBecause], names: &Names) -> String {
    let why = session::held_all(lang, held, names);
    match lang {
        Ja => format!("立会セッション{number}の入力を止めました: {why}"),
        En => format!("Held the keys of session {number}: {why}"),
    }
}

pub(super) fn released(lang: Lang, number: u32) -> String {
    match lang {
        Ja => format!("立会セッション{number}の入力を再開しました"),
        En => format!("Released the keys of session {number}"),
    }
}

pub(super) fn stopped(lang: Lang, number: u32, reason: &str) -> String {
    let reason = one_line(reason);
    match lang {
        Ja => format!("立会セッション{number}を終わらせました。理由: {reason}"),
        En => format!("Ended session {number}. Reason: {reason}"),
    }
}

pub(super) fn ended(lang: Lang, number: u32, end: &SessionEnd, names: &Names) -> String {
    let how = session::end(lang, end, names);
    match lang {
        Ja => format!("立会セッション{number}が終わりました（{how}）"),
        En => format!("Witnessed session {number} ended ({how})"),
    }
}
