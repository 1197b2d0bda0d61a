//! What a silence covers, in words.

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
