//! Events of the status page.

use hikeshi_domain::status::{StatusEvent, StatusStep};

use crate::Lang::{self, En, Ja};
use crate::label;
use crate::plain::lines;

pub(super) fn said(lang: Lang, event: &StatusEvent) -> String {
    match &event.what {
        StatusStep::Published { post } => {
            let (state, words) = (label::public_state(lang, post.state), lines(&crate::status::words(lang, &post.text, post.state).0));
            match (lang, post.by.is_some()) {
                (Ja, true) => format!("ステータスページに公開しました（{state}）: {words}"),
                (En, true) => format!("Published on the status page ({state}): {words}"),
                (Ja, false) => format!("復旧が記録されたため、ステータスページに復旧を公開しました（{state}）"),
                (En, false) => format!("Published the recovery on the status page, since the incident is resolved ({state})"),
            }
        }
        StatusStep::Told { number, sent, failed: 0 } => match lang {
            Ja => format!("公開した投稿（{number}件目）を、購読者{sent}件に届けました"),
            En => format!("Told {sent} subscriber(s) of post {number}"),
        },
        StatusStep::Told { number, sent, failed } => match lang {
            Ja => format!("公開した投稿（{number}件目）を、購読者{sent}件に届けました。{failed}件には届きませんでした"),
            En => format!("Told {sent} subscriber(s) of post {number}; {failed} could not be reached"),
        },
    }
}
