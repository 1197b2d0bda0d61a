//! What of an exception rests on the executor's machine alone.

use hikeshi_domain::offline::Degraded;

use crate::Lang::{self, En, Ja};
use crate::Names;

pub fn degraded(lang: Lang, degraded: &Degraded, names: &Names) -> String {
    match degraded {
        Degraded::PresenceTold { emergency } => match lang {
            Ja => format!("{emergency}: 手順の実行中に立会人がいたことには、実行者のマシンの記録のほかに裏づけがありません"),
            En => format!("{emergency}: that the witnesses were there while steps ran, only the executor's machine says"),
        },
        Degraded::DeviceUnsigned { emergency, session, person } => {
            let who = names.person(lang, person);
            match lang {
                Ja => format!("{emergency} の立会セッション{session}: {who}の見ていた端末は、本人の SSH 鍵で裏づけられていません"),
                En => format!("{emergency}, session {session}: no SSH key answers for the device with which {who} watched"),
            }
        }
        Degraded::WatchedShort { emergency, session, blocks } => match lang {
            Ja => {
                format!("{emergency} の立会セッション{session}: 必要な人数の「見た」という署名がそろっていないブロックが{blocks}個あります")
            }
            En => format!("{emergency}, session {session}: too few have signed to have watched {blocks} block(s)"),
        },
        Degraded::RecordingGap { emergency, session, gaps } => match lang {
            Ja => format!("{emergency} の立会セッション{session}: 記録の欠落が{gaps}か所あります"),
            En => format!("{emergency}, session {session}: the recording has {gaps} gap(s)"),
        },
        Degraded::WordTold { emergency, person } => {
            let who = names.person(lang, person);
            match lang {
                Ja => format!("{emergency}: {who}の判断（変更の受け入れ、危険な操作の確認、目視の確認など）に、本人の署名はありません"),
                En => format!("{emergency}: what {who} is said to have accepted, confirmed or seen, they have not signed"),
            }
        }
        Degraded::KeyRevoked { person } => {
            let who = names.person(lang, person);
            match lang {
                Ja => format!("{who}の鍵は、サーバーでは有効ではありません（失効、または期間外）"),
                En => format!("the key of {who} does not count at the server: revoked, or out of its time"),
            }
        }
        Degraded::OtherAnnounced { by } => {
            let who = names.person(lang, by);
            match lang {
                Ja => format!("同じ名前で鍵の違う手元の台帳を、{who}が先に知らせていました"),
                En => format!("{who} had told of a ledger of the same name with another key"),
            }
        }
        Degraded::TermsMoved { policy } => match lang {
            Ja => format!("もとになったポリシー（{}）は、サーバーの今のポリシーと違います", policy.short()),
            En => format!("it rested on the policy {}, which is not the server's any more", policy.short()),
        },
    }
}
