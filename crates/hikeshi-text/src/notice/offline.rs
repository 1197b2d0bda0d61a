//! Announcements about exceptions that are carried out while the server is away.

use hikeshi_domain::Timestamp;
use hikeshi_domain::ids::{EmergencyId, PersonId};
use hikeshi_domain::offline::Degraded;

use crate::Lang::{self, En, Ja};
use crate::{Names, label, names as lists, time};

pub(super) fn announced(lang: Lang, title: &str, host: &str, by: &PersonId, due_at: Timestamp, names: &Names) -> String {
    let (who, due) = (names.person(lang, by), time::stamp(lang, names.zone(), due_at));
    match lang {
        Ja => format!(
            "サーバーにつながらない間に、{host} の手元の台帳で緊急例外「{title}」が始まりました（{who}より）。{due} までに hikeshi reconcile で照合してください。"
        ),
        En => format!(
            "While the server was away, an exception was carried out in a local ledger on {host} (told by {who}): \"{title}\". It must come home with `hikeshi reconcile` by {due}."
        ),
    }
}

pub(super) fn late(lang: Lang, title: &str, host: &str) -> String {
    match lang {
        Ja => format!(
            "警報: {host} の手元の台帳で行われた緊急例外「{title}」が、期限を過ぎても照合されていません。hikeshi reconcile を実行してください。"
        ),
        En => format!(
            "Alarm: the exception \"{title}\" that was carried out in a local ledger on {host} has not come home in time. Run `hikeshi reconcile` there."
        ),
    }
}

pub(super) fn reconciled(
    lang: Lang,
    host: &str,
    by: &PersonId,
    emergencies: &[EmergencyId],
    degraded: &[Degraded],
    names: &Names,
) -> String {
    let who = names.person(lang, by);
    let ids = lists::list(lang, emergencies.iter().map(ToString::to_string));
    let mut text = match lang {
        Ja => format!("サーバーにつながらない間に {host} で行われた緊急例外を照合し、{ids} として取り込みました（{who}）。"),
        En => format!("The exception that was carried out on {host} while the server was away came home as {ids} ({who})."),
    };
    for one in degraded {
        let mark = match lang {
            Ja => "・",
            En => "- ",
        };
        text.push_str(&format!("\n{mark}{}", label::degraded(lang, one, names)));
    }
    if !degraded.is_empty() {
        text.push_str(match lang {
            Ja => "\n実行者以外の人が、記録を確認してください。",
            En => "\nSomebody other than the executor must look over the record.",
        });
    }
    text
}
