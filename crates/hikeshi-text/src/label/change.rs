//! What was altered, and where, in words.

use hikeshi_domain::change::{Change, Stands, What};

use super::both;
use crate::Lang::{self, En, Ja};
use crate::Names;
use crate::plain::{clipped, one_line};

/// Of a long reason, what stands in a line.
const REASON_CHARS: usize = 80;

/// One line: a deploy by its title, a step by its exception.
pub fn change(lang: Lang, change: &Change, names: &Names) -> String {
    match &change.what {
        What::Told { title, .. } => one_line(title),
        What::Step { emergency, step, title, stands } => {
            let (title, stands) = (one_line(title), stands_word(lang, *stands));
            match lang {
                Ja => format!("{emergency} の手順{step}「{title}」（{stands}）"),
                En => format!("Step {step} of {emergency}, \"{title}\" ({stands})"),
            }
        }
        What::Session { emergency, session, commands: Some(commands) } => match lang {
            Ja => format!("{emergency} の立会セッション{session}（コマンド{commands}件）"),
            En => format!("Witnessed session {session} of {emergency} (commands: {commands})"),
        },
        What::Session { emergency, session, commands: None } => match lang {
            Ja => format!("{emergency} の立会セッション{session}（続いています）"),
            En => format!("Witnessed session {session} of {emergency} (still open)"),
        },
        What::Reverted { emergency, files } => match lang {
            Ja => format!("{emergency} で、ファイル{files}件を元に戻す操作"),
            En => format!("Files put back in {emergency} ({files})"),
        },
        What::Restored { emergency } => match lang {
            Ja => format!("{emergency} で、バックアップからの復元"),
            En => format!("Restore of the backup of {emergency}"),
        },
        What::Policy { digest } => {
            let digest = digest.to_string();
            let short = digest.get(..12).unwrap_or(&digest);
            match lang {
                Ja => format!("ポリシーの適用（{short}）"),
                En => format!("Policy adopted ({short})"),
            }
        }
        What::Silence { silence, covers, reason, until: _ } => {
            let (covers, reason) = (super::covers(lang, covers, names), clipped(reason, REASON_CHARS));
            match lang {
                Ja => format!("呼び出しの停止 {silence}（{covers}、理由: {reason}）"),
                En => format!("Silence {silence} ({covers}; why: {reason})"),
            }
        }
    }
}

/// Where it was; empty when nobody said.
pub fn change_place(change: &Change, names: &Names) -> String {
    let service = change.service.iter().map(|service| names.service(service));
    let parts: Vec<&str> = service.chain(change.environment.iter().map(|environment| names.environment(environment))).collect();
    parts.join(" · ")
}

fn stands_word(lang: Lang, stands: Stands) -> &'static str {
    both(
        lang,
        match stands {
            Stands::Running => ("実行中", "running"),
            Stands::Succeeded => ("成功", "succeeded"),
            Stands::Failed => ("失敗", "failed"),
            Stands::InDoubt => ("結果不明", "result unknown"),
            Stands::DidNotRun => ("実行されていない", "did not run"),
        },
    )
}
