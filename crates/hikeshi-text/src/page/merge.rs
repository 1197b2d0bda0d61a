//! Merging and splitting, on the page of an incident.

use hikeshi_domain::ids::IncidentId;

use super::words;

words! {
    merged_heading: "統合済み", "Merged";
    merged_lead: "に統合されました。対応はそちらで続きます。ここで誰かが呼び出されることはありません。", "has taken it in. The work goes on there; nobody is paged for this one.";
    related_heading: "統合・分割したインシデント", "Merged and split";
    related_merged: "統合", "merged in";
    related_split: "分割先", "split off";
    related_split_from: "分割元", "split from";
    merge_lead: "同じ障害なら、一つにまとめます。このインシデントは終わり、アラートは以後のものも含めて相手に移ります。元には戻せません（アラートを分けることはできます）。", "If it is the same trouble: this incident ends, and its alerts, later ones too, belong to the other one. It cannot be taken back, though alerts can be split off.";
    field_merge_into: "統合先の番号", "Into which incident";
    field_merge_help: "番号を自分で入力してください。例: inc_12", "Type its number, for example: inc_12";
    split_lead: "別の障害なら、選んだアラートで新しいインシデントを登録します。以後の同じアラートもそちらに入ります。", "If it is another trouble: the alerts that you choose get an incident of their own, and take their later signals there.";
    field_split_alerts: "分けるアラート", "Alerts to split off";
}

impl super::Words {
    /// The one that was taken in is the more serious one.
    pub fn merged_worse(self, was: &str, is: &str) -> String {
        match self.0 {
            crate::Lang::Ja => format!("こちらは {was}、統合先は {is} です。統合先の優先度を見直してください。"),
            crate::Lang::En => format!("This one was {was}, the other one is {is}: look at the other one's priority."),
        }
    }
}

/// In place of a stage.
pub fn merged_into(lang: crate::Lang, into: IncidentId) -> String {
    match lang {
        crate::Lang::Ja => format!("統合済み（{into}）"),
        crate::Lang::En => format!("merged ({into})"),
    }
}
