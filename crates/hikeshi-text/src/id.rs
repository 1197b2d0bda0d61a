//! What is said about an id or name that cannot be one.

use hikeshi_domain::ids::IdError;

use crate::Lang::{self, En, Ja};
use crate::Sentence;
use crate::plain::clipped;

/// What was typed, what was wanted, and how it is written.
pub fn id_error(lang: Lang, error: &IdError) -> Sentence {
    let (given, example) = (clipped(&error.given, 60), error.example);
    match lang {
        Ja => {
            Sentence::new(format!("「{given}」は{}として読めません。", wanted(error))).next(format!("次のように書いてください: {example}"))
        }
        En => Sentence::new(format!("`{given}` is not {}.", error.wanted)).next(format!("Write it like this: {example}")),
    }
}

/// The domain describes in English what it wanted; the example tells which kind it is.
fn wanted(error: &IdError) -> &'static str {
    match error.example {
        "emg_3" => "緊急例外の番号",
        "inc_12" => "インシデントの番号",
        "obl_7" => "事後処理の番号",
        "ovr_5" => "当番の交代の番号",
        "web-booking" => "ステータスページの部分の名前（英小文字・数字・「-」「_」「.」）",
        "partner" => "通知先の名前（英小文字・数字・「-」「_」「.」）",
        "primary" => "当番表の名前（英小文字・数字・「-」「_」「.」）",
        "tok_2" => "APIトークンの番号",
        "emergency-deploy" => "チャンネル名（英小文字・数字・「-」「_」「.」）",
        "production" => "環境の名前（英小文字・数字・「-」「_」「.」）",
        "reservation-http" => "監視の名前（英小文字・数字・「-」「_」「.」）",
        "tanaka" => "人の識別名（英小文字・数字・「-」「_」「.」）",
        "dev-lead" => "役割の名前（英小文字・数字・「-」「_」「.」）",
        "reservation" => "サービスの名前（英小文字・数字・「-」「_」「.」）",
        "reservation-prod" => "実行先の名前（英小文字・数字・「-」「_」「.」）",
        "4f1c9a5e-open-incident" => "リクエストキー（8〜120文字の半角英数記号）",
        _ => "名前",
    }
}

#[cfg(test)]
mod tests {
    use hikeshi_domain::ids::{
        ChannelName, ComponentName, EmergencyId, EnvironmentName, IncidentId, MonitorName, ObligationId, OverrideId, PersonId,
        ReceiverName, RequestKey, RoleName, ScheduleName, ServiceName, TargetName, TokenId,
    };

    use super::*;

    #[test]
    fn every_kind_of_id_is_named_in_japanese() {
        let errors = [
            "?".parse::<EmergencyId>().unwrap_err(),
            "?".parse::<IncidentId>().unwrap_err(),
            "?".parse::<ObligationId>().unwrap_err(),
            "?".parse::<OverrideId>().unwrap_err(),
            ComponentName::new("?").unwrap_err(),
            ReceiverName::new("?").unwrap_err(),
            ScheduleName::new("?").unwrap_err(),
            "?".parse::<TokenId>().unwrap_err(),
            ChannelName::new("?").unwrap_err(),
            EnvironmentName::new("?").unwrap_err(),
            MonitorName::new("?").unwrap_err(),
            PersonId::new("?").unwrap_err(),
            RoleName::new("?").unwrap_err(),
            ServiceName::new("?").unwrap_err(),
            TargetName::new("?").unwrap_err(),
            RequestKey::new("?").unwrap_err(),
        ];
        for error in errors {
            assert_ne!(wanted(&error), "名前", "{error}");
            assert!(id_error(Lang::Ja, &error).next.ends_with(error.example));
        }
    }
}
