//! What a silence covers, in words.

use hikeshi_domain::alert::inhibit::{By, Cause, Inhibition};
use hikeshi_domain::alert::silence::Covers;

use crate::Lang::{self, En, Ja};
use crate::Names;
use crate::plain::one_line;

/// `予約サービス・production・alertname=HighLatency`.
pub fn covers(lang: Lang, covers: &Covers, names: &Names) -> String {
    let Covers { service, environment, source, monitor, labels } = covers;
    let mut parts: Vec<String> = Vec::new();
    parts.extend(service.iter().map(|service| names.service(service).to_owned()));
    parts.extend(environment.iter().map(|environment| names.environment(environment).to_owned()));
    parts.extend(source.iter().map(|source| match lang {
        Ja => format!("{source} から"),
        En => format!("from {source}"),
    }));
    parts.extend(monitor.iter().map(|monitor| match lang {
        Ja => format!("監視 {monitor}"),
        En => format!("monitor {monitor}"),
    }));
    parts.extend(labels.iter().map(|(label, value)| format!("{}={}", one_line(label), one_line(&value.all().join("|")))));
    parts.join(match lang {
        Ja => "・",
        En => ", ",
    })
}

/// Whoever made a silence or ended it: a person, or `抑制ルール switch-down（アラート prometheus のもの）`.
pub fn by(lang: Lang, by: &By, names: &Names) -> String {
    let Inhibition { rule, cause } = match by {
        By::Person(person) => return names.person(lang, person),
        By::Rule(inhibition) => inhibition,
    };
    match (lang, cause) {
        (Ja, Cause::Alert(alert)) => format!("抑制ルール {rule}（原因は {} のアラート）", alert.source),
        (En, Cause::Alert(alert)) => format!("inhibition {rule}, because of an alert of {}", alert.source),
        (Ja, Cause::Monitor(monitor)) => format!("抑制ルール {rule}（原因は監視 {monitor}）"),
        (En, Cause::Monitor(monitor)) => format!("inhibition {rule}, because of the monitor {monitor}"),
    }
}
