//! Who acted, and through which face.

use hikeshi_domain::people::{Actor, Via};

use crate::{Lang, Names};

/// The doer of an entry: a person by name, or a part of the program.
pub fn actor(lang: Lang, actor: &Actor, names: &Names) -> String {
    match actor {
        Actor::Person { person, only: None } => names.person(lang, person),
        Actor::Person { person, only: Some(roles) } => through_token(lang, &names.person(lang, person), &names.roles(lang, roles)),
        Actor::Runner => pick(lang, "実行処理（自動）", "the runner (automatic)"),
        Actor::Recorder => pick(lang, "立会セッション（自動）", "the witnessed session (automatic)"),
        Actor::Timer => pick(lang, "期限（自動）", "a deadline (automatic)"),
        Actor::Monitor { monitor } => match lang {
            Lang::Ja => format!("監視 {monitor}"),
            Lang::En => format!("monitor {monitor}"),
        },
        Actor::Source { source } => match lang {
            Lang::Ja => format!("アラート送信元 {source}"),
            Lang::En => format!("alert source {source}"),
        },
        Actor::Startup => pick(lang, "起動処理（自動）", "start-up (automatic)"),
    }
}

/// A person who acts with an API token that narrows their roles.
fn through_token(lang: Lang, person: &str, roles: &str) -> String {
    match (lang, roles.is_empty()) {
        (Lang::Ja, true) => format!("{person}（役割なしのトークン）"),
        (Lang::Ja, false) => format!("{person}（トークン: {roles}）"),
        (Lang::En, true) => format!("{person} (token without roles)"),
        (Lang::En, false) => format!("{person} (token: {roles})"),
    }
}

fn pick(lang: Lang, ja: &str, en: &str) -> String {
    match lang {
        Lang::Ja => ja,
        Lang::En => en,
    }
    .to_owned()
}

/// The face through which it came.
pub fn via(lang: Lang, via: Via) -> &'static str {
    match (via, lang) {
        (Via::Web, Lang::Ja) => "画面",
        (Via::Web, Lang::En) => "web page",
        (Via::Api, _) => "API",
        (Via::Cli, Lang::Ja) => "コマンド",
        (Via::Cli, Lang::En) => "command line",
        (Via::Local, Lang::Ja) => "ローカル（サーバーを経由しない操作）",
        (Via::Local, Lang::En) => "local (without the server)",
        (Via::Chat, Lang::Ja) => "チャット",
        (Via::Chat, Lang::En) => "chat",
        (Via::Phone, Lang::Ja) => "電話",
        (Via::Phone, Lang::En) => "telephone",
        (Via::Inside, Lang::Ja) => "自動",
        (Via::Inside, Lang::En) => "automatic",
    }
}
