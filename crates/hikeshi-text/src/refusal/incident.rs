//! Refusals about incidents (rules I1 to I4).

use hikeshi_domain::ids::{EmergencyId, IncidentId, PersonId};
use hikeshi_domain::incident::{Duty, Stage};

use super::say;
use crate::Lang::{self, En, Ja};
use crate::{Names, Sentence, label};

pub(super) fn over(lang: Lang, incident: IncidentId) -> Sentence {
    match lang {
        Ja => say(
            format!("{incident} はすでに復旧したか、完了しています。"),
            "終わったインシデントに対して、この操作はできません。",
            "再発した場合は、新しいインシデントを登録してください。",
        ),
        En => say(
            format!("{incident} is already resolved or closed."),
            "This is not done for an incident that is over.",
            "If it happens again, open a new incident.",
        ),
    }
}

pub(super) fn already_acknowledged(lang: Lang, incident: IncidentId, by: &PersonId, names: &Names) -> Sentence {
    let who = names.person(lang, by);
    match lang {
        Ja => say(
            format!("{incident} は、{who}がすでに対応を引き受けています。"),
            "引き受ける人は一人です。",
            format!("手伝う場合は{who}に声をかけてください。代わる場合: hikeshi incident hand-over {incident} <人> <申し送り>"),
        ),
        En => say(
            format!("{who} has already acknowledged {incident}."),
            "One person acknowledges an incident.",
            format!("To help, speak to {who}. To take it over: hikeshi incident hand-over {incident} <person> <note>"),
        ),
    }
}

pub(super) fn everybody_called(lang: Lang, incident: IncidentId) -> Sentence {
    match lang {
        Ja => say(
            format!("{incident} では、ポリシーにある全員をすでに呼びました。"),
            "エスカレーションの段階は、繰り返しの分も含めて残っていません。",
            "電話など、ほかの手段で直接連絡してください。",
        ),
        En => say(
            format!("Everybody that the policy names has been called for {incident}."),
            "No step of the escalation is left, repeats included.",
            "Reach them directly, by telephone for example.",
        ),
    }
}

pub(super) fn nobody_has_it(lang: Lang, incident: IncidentId) -> Sentence {
    match lang {
        Ja => say(
            format!("{incident} は、まだ誰も対応を引き受けていません。"),
            "引き継ぐには、引き受けている人が必要です。",
            format!("自分で引き受ける場合: hikeshi incident ack {incident}"),
        ),
        En => say(
            format!("Nobody has acknowledged {incident} yet."),
            "Only what somebody has can be handed over.",
            format!("To take it: hikeshi incident ack {incident}"),
        ),
    }
}

pub(super) fn same_duty(lang: Lang, incident: IncidentId, duty: Duty) -> Sentence {
    let duty = label::duty(lang, duty);
    match lang {
        Ja => say(format!("{incident} の{duty}は、すでにそうなっています。"), "", "別の人を選んでください。"),
        En => say(format!("{incident} already has it so ({duty})."), "", "Choose another person."),
    }
}

pub(super) fn same_stage(lang: Lang, stage: Stage) -> Sentence {
    let stage = label::stage(lang, stage);
    match lang {
        Ja => say(format!("段階はすでに「{stage}」です。"), "", "別の段階を選んでください。"),
        En => say(format!("The stage is already: {stage}."), "", "Choose another stage."),
    }
}

pub(super) fn reason_for_going_back(lang: Lang, from: Stage, to: Stage) -> Sentence {
    let (from, to) = (label::stage(lang, from), label::stage(lang, to));
    match lang {
        Ja => say(
            format!("「{from}」から「{to}」に戻す理由が書かれていません。"),
            "前の段階に戻すことはできますが、理由を記録に残します。",
            "理由を一文で書いて、もう一度送ってください。",
        ),
        En => say(
            format!("No reason is given for going back from \"{from}\" to \"{to}\"."),
            "Going back is possible, and the reason is recorded.",
            "Write the reason in one sentence and send it again.",
        ),
    }
}

pub(super) fn override_reason(lang: Lang) -> Sentence {
    match lang {
        Ja => say(
            "優先度を判定表と違うものにする理由が書かれていません。",
            "優先度は影響・業務・緊急度の表で決まります。人が変えるときは理由を残します。",
            "理由を書くか、表のとおりの優先度にしてください。",
        ),
        En => say(
            "No reason is given for a priority other than the matrix says.",
            "Impact, business and urgency decide the priority; a person who overrides it says why.",
            "Write the reason, or keep the priority of the matrix.",
        ),
    }
}

pub(super) fn not_resolved(lang: Lang, incident: IncidentId) -> Sentence {
    let verb = label::command(lang, "incident.resolve");
    match lang {
        Ja => say(
            format!("{incident} はまだ復旧していません。"),
            "復旧を記録してから、この段階に進みます。",
            format!("何によって復旧したかを書いて「{verb}」を行ってください。"),
        ),
        En => say(
            format!("{incident} is not resolved yet."),
            "The recovery is recorded before this stage.",
            format!("First {verb}: write what restored the service."),
        ),
    }
}

pub(super) fn no_status_page(lang: Lang) -> Sentence {
    match lang {
        Ja => say(
            "ステータスページがポリシーにありません。",
            "どこに何を公開するかが決まっていないと、外には何も知らせられません。",
            "hikeshi.toml に [status] を書いてください（docs/manual/status-page.ja.md）。チームへの知らせは「状況を知らせる」でできます。",
        ),
        En => say(
            "The policy has no status page.",
            "Nothing can be published before it is said where, and for which components.",
            "Write [status] in hikeshi.toml (docs/manual/status-page.md). The team is told by a status update.",
        ),
    }
}

pub(super) fn already_resolved(lang: Lang, incident: IncidentId) -> Sentence {
    match lang {
        Ja => say(
            format!("{incident} の復旧はすでに記録されています。"),
            "",
            "付け加えることがあれば、メモを残してください。再発した場合は、新しいインシデントを登録してください。",
        ),
        En => say(
            format!("The recovery of {incident} is already recorded."),
            "",
            "Add a note if something is missing. If it happens again, open a new incident.",
        ),
    }
}

pub(super) fn emergency_still_open(lang: Lang, incident: IncidentId, emergency: EmergencyId) -> Sentence {
    match lang {
        Ja => say(
            format!("{incident} には終わっていない緊急例外 {emergency} があります。"),
            "本番に手を加えている間は、インシデントを完了にできません。",
            format!("先に {emergency} を終了するか、取り下げてください。"),
        ),
        En => say(
            format!("The emergency exception {emergency} of {incident} is still open."),
            "An incident cannot be closed while production is being touched.",
            format!("Close or cancel {emergency} first."),
        ),
    }
}

pub(super) fn postmortem_written(lang: Lang, incident: IncidentId) -> Sentence {
    let verb = label::command(lang, "postmortem.amend");
    match lang {
        Ja => say(
            format!("{incident} のポストモーテムは、すでに書かれています。"),
            "先に書かれたものを、知らないうちに置き換えることはありません。",
            format!("内容を改めるときは、理由を添えて「{verb}」を行ってください。"),
        ),
        En => say(
            format!("The postmortem of {incident} is written already."),
            "What somebody wrote before is not replaced unawares.",
            format!("To change it, {verb} and say why."),
        ),
    }
}

pub(super) fn postmortem_missing(lang: Lang, incident: IncidentId) -> Sentence {
    let verb = label::command(lang, "postmortem.write");
    match lang {
        Ja => say(format!("{incident} のポストモーテムは、まだ書かれていません。"), "", format!("先に「{verb}」を行ってください。")),
        En => say(format!("The postmortem of {incident} is not written yet."), "", format!("First {verb}.")),
    }
}

pub(super) fn merged(lang: Lang, incident: IncidentId, into: IncidentId) -> Sentence {
    match lang {
        Ja => say(
            format!("{incident} は {into} に統合されています。"),
            "統合したインシデントでは、メモのほかは何もできません。",
            format!("{into} で行ってください: hikeshi incident show {into}"),
        ),
        En => say(
            format!("{incident} is part of {into}."),
            "Nothing but notes can be added to what was merged.",
            format!("Do it in {into}: hikeshi incident show {into}"),
        ),
    }
}

pub(super) fn away(lang: Lang, incident: IncidentId) -> Sentence {
    match lang {
        Ja => say(
            format!("{incident} の緊急例外は、サーバーから離れて実行されたものです。"),
            "離れているあいだの記録は届いたままの形で残すため、ほかのインシデントと統合できません。",
            format!("別々のまま対応を続け、互いの番号をメモに残してください: hikeshi incident note {incident} '<メモ>'"),
        ),
        En => say(
            format!("The exceptions of {incident} were carried out while the server was away."),
            "The ledger that was kept there stays as it came, so it is merged with nothing.",
            format!("Go on with both, and write each one's number into a note of the other: hikeshi incident note {incident} '<note>'"),
        ),
    }
}

pub(super) fn merged_with_itself(lang: Lang, incident: IncidentId) -> Sentence {
    match lang {
        Ja => say(
            format!("{incident} を {incident} 自身に統合することはできません。"),
            "",
            "統合先の番号を確かめて、もう一度送ってください。",
        ),
        En => say(format!("{incident} cannot be merged into itself."), "", "Check the number of the other one and send it again."),
    }
}

pub(super) fn merged_under_exception(lang: Lang, incident: IncidentId, emergency: EmergencyId) -> Sentence {
    match lang {
        Ja => say(
            format!("{incident} には終わっていない緊急例外 {emergency} があります。"),
            "申請や実行の途中で、元になったインシデントをなくすことはできません。",
            format!("先に {emergency} を終了するか取り下げるか、逆に、もう一方を {incident} に統合してください。"),
        ),
        En => say(
            format!("The emergency exception {emergency} of {incident} is not over."),
            "What is asked for or carried out keeps the incident that it is for.",
            format!("Close or cancel {emergency} first, or merge the other one into {incident}."),
        ),
    }
}

pub(super) fn still_public(lang: Lang, incident: IncidentId) -> Sentence {
    match lang {
        Ja => say(
            format!("{incident} は、ステータスページに公開されたままです。"),
            "統合すると、外の人に終わりが知らされなくなります。",
            format!(
                "統合先で公開してから、{incident} を「復旧」として公開してください: hikeshi incident publish {incident} --state resolved。逆向きに統合することもできます。"
            ),
        ),
        En => say(
            format!("{incident} is still public on the status page."),
            "Once it is merged, nobody would tell outsiders its end.",
            format!(
                "Publish in the other one, then end this one's public word: hikeshi incident publish {incident} --state resolved. Or merge the other way round."
            ),
        ),
    }
}

pub(super) fn alert_elsewhere(lang: Lang, incident: IncidentId, alert: &str) -> Sentence {
    match lang {
        Ja => say(
            format!("アラート {alert} は {incident} のものではありません。"),
            "分けられるのは、このインシデントのアラートだけです。",
            format!("アラートの名前（送信元/キー）を確かめてください: hikeshi incident show {incident} --json"),
        ),
        En => say(
            format!("The alert {alert} does not belong to {incident}."),
            "Only its own alerts can be split off.",
            format!("Check the names of its alerts, SOURCE/KEY: hikeshi incident show {incident} --json"),
        ),
    }
}

pub(super) fn split_leaves_none(lang: Lang, incident: IncidentId) -> Sentence {
    match lang {
        Ja => say(
            format!("{incident} のアラートが一つも残りません。"),
            "すべてを移すなら、分ける意味がありません。",
            "残すアラートを除いて、もう一度送ってください。",
        ),
        En => say(
            format!("No alert of {incident} would be left."),
            "Moving all of them splits nothing.",
            "Leave out those that stay, and send it again.",
        ),
    }
}
