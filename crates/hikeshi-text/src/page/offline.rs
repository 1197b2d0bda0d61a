//! What pages say of exceptions that are carried out while the server is away.

use hikeshi_domain::Timestamp;
use hikeshi_domain::offline::{Away, Offline};

use super::words;
use crate::{Lang, Names, label, time};

words! {
    offline_banner: "サーバーにつながらない間に行われました（オフライン）", "Carried out while the server was away (offline)";
    local_banner: "手元の台帳です（サーバーにつながらない間）", "A local ledger, while the server is away";
    local_banner_text: "サーバーにつながるようになったら、hikeshi reconcile で照合してください。", "Bring it home with hikeshi reconcile as soon as the server can be reached.";
}

/// Where it was carried out, when it came home, and what somebody must look over.
pub fn offline(lang: Lang, offline: &Offline, ledger: &str, names: &Names) -> String {
    let (at, by) = (time::stamp(lang, names.zone(), offline.reconciled_at), names.person(lang, &offline.reconciled_by));
    let (there, host) = (offline.emergency, &offline.host);
    let mut text = match lang {
        Lang::Ja => format!("{host} の手元の台帳 {ledger} の {there}。{at}に{by}が照合しました。"),
        Lang::En => format!("{there} of the local ledger {ledger} on {host}; reconciled {at} by {by}."),
    };
    for one in &offline.degraded {
        let one = label::degraded(lang, one, names);
        text.push_str(&match lang {
            Lang::Ja => format!(" ・{one}"),
            Lang::En => format!(" - {one}"),
        });
    }
    text
}

/// What is known of a case that has not come home: where it is, and until when it must.
pub fn away(lang: Lang, away: &Away, due_at: Timestamp, names: &Names) -> String {
    let (host, due) = (&away.host, time::stamp(lang, names.zone(), due_at));
    match (lang, away.late_announced) {
        (Lang::Ja, false) => format!("{host} の手元の台帳（{due}までに照合）"),
        (Lang::Ja, true) => format!("警報: {host} の手元の台帳が照合されていません（期限 {due}）"),
        (Lang::En, false) => format!("local ledger on {host}, to come home by {due}"),
        (Lang::En, true) => format!("ALARM: the local ledger on {host} has not come home (due {due})"),
    }
}
