//! What changed, on the page of an incident.

use super::words;

words! {
    altered_heading: "直前の変更", "What changed";
    altered_lead: "検知の24時間前から、復旧（対応中ならいま）までに起きた変更です。", "From 24 hours before detection until recovery, or until now.";
    altered_here: "このサービスと環境", "This service and environment";
    altered_elsewhere: "そのほか", "Elsewhere";
    altered_none: "この間の変更は、記録されていません。", "No change is on record for this time.";
}

impl super::Words {
    /// Those that are not listed.
    pub fn altered_unlisted(self, more: u64) -> String {
        match self.0 {
            crate::Lang::Ja => format!("ほか{more}件"),
            crate::Lang::En => format!("{more} more"),
        }
    }
}
