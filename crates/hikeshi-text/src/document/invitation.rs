//! The invitation to the retrospective (rule E12). Plain text: calendars show no Markdown.

use hikeshi_domain::effect::InvitationOrder;

use super::case::Case;
use crate::Lang::{En, Ja};
use crate::plain::{clipped, one_line};
use crate::{label, names, time};

/// Texts of a calendar entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvitationText {
    pub summary: String,
    pub description: String,
}

pub fn invitation(order: &InvitationOrder) -> InvitationText {
    let case = Case::of(&order.facts);
    InvitationText { summary: summary(&case), description: description(&case, order) }
}

fn summary(case: &Case<'_>) -> String {
    let (title, emergency) = (clipped(&case.facts.incident.title, 60), case.facts.emergency.id);
    match case.lang {
        Ja => format!("振り返り: {title}（{emergency}）"),
        En => format!("Retrospective: {title} ({emergency})"),
    }
}

fn description(case: &Case<'_>, order: &InvitationOrder) -> String {
    let (lang, incident, emergency) = (case.lang, &order.facts.incident, &order.facts.emergency);
    let (at, lasts) = (case.stamp(order.starts_at), time::minutes(lang, order.lasts_min));
    let invited = names::list(lang, order.invited.iter().map(|invitee| one_line(&invitee.name)));
    let (title, summary) = (one_line(&incident.title), one_line(&emergency.plan.summary));
    let executor = one_line(case.names.written(&emergency.plan.executor));
    let verb = label::command(lang, "obligation.hold");
    let moved = if order.sequence > 0 { case.both("日時が変わりました。\n", "The time has changed.\n") } else { "" };
    match lang {
        Ja => format!(
            "{moved}日時: {at} から{lasts}\n出席: {invited}\n\n対象: {} {title}\n緊急例外: {}\n実施した対応: {summary}（実行者 {executor}）\n\n話し合うこと\n1. 何が起き、利用者にどう影響したか\n2. なぜ起きたか。なぜ通常のデプロイで直せなかったか\n3. うまくいったこと、困ったこと\n4. 再発防止策（内容・担当者・期限）\n\n誰かを責める場ではありません。事前に報告書の下書きと {} の記録を読んでください。\n終わったら、{} で「{verb}」を行ってください。",
            incident.id, emergency.id, incident.id, order.obligation
        ),
        En => format!(
            "{moved}When: {at}, {lasts}\nInvited: {invited}\n\nAbout: {} {title}\nEmergency exception: {}\nResponse: {summary} (executor {executor})\n\nAgenda\n1. What happened, and how it hit users\n2. Why it happened, and why the normal deploy flow could not solve it\n3. What went well, what did not\n4. Prevention: what, who, by when\n\nNobody is blamed here. Please read the draft of the report and the record of {} beforehand.\nAfterwards, open {} and {verb}.",
            incident.id, emergency.id, incident.id, order.obligation
        ),
    }
}
