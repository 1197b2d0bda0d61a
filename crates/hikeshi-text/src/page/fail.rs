//! Requests that got no answer from the door: what happened, why, what to do next.

use crate::{Lang, Sentence};

fn three(lang: Lang, ja: (&str, &str, &str), en: (&str, &str, &str)) -> Sentence {
    let (what, why, next) = match lang {
        Lang::Ja => ja,
        Lang::En => en,
    };
    Sentence::new(what).why(why).next(next)
}

pub fn too_large(lang: Lang, max_bytes: usize) -> Sentence {
    let max = crate::time::bytes(u64::try_from(max_bytes).unwrap_or(u64::MAX));
    match lang {
        Lang::Ja => Sentence::new("送られた内容が大きすぎます。")
            .why(format!("一度に受け付けるのは {max} までです。"))
            .next("内容を分けるか、短くしてから送ってください。"),
        Lang::En => Sentence::new("What was sent is too large.")
            .why(format!("At most {max} is taken at once."))
            .next("Please split or shorten it, then send it again."),
    }
}

pub fn too_many_fields(lang: Lang, max: usize) -> Sentence {
    match lang {
        Lang::Ja => Sentence::new("入力欄の数が多すぎます。")
            .why(format!("一度に受け付けるのは {max} 個までです。"))
            .next("手順を減らしてから送ってください。"),
        Lang::En => Sentence::new("The form has too many fields.")
            .why(format!("At most {max} are taken."))
            .next("Please use fewer steps, then send it again."),
    }
}

pub fn body_cut(lang: Lang) -> Sentence {
    three(
        lang,
        ("送信が途中で切れました。", "すべてを受け取る前に接続が終わりました。何も記録されていません。", "もう一度送ってください。"),
        ("The request was cut off.", "The connection ended before everything arrived. Nothing was recorded.", "Please send it again."),
    )
}

pub fn not_utf8(lang: Lang) -> Sentence {
    three(
        lang,
        (
            "文字を読み取れません。",
            "UTF-8 ではない文字が含まれています。置き換えると内容が変わるため、受け付けませんでした。",
            "UTF-8 で送り直してください。",
        ),
        (
            "The text cannot be read.",
            "It is not UTF-8. Replacing characters would change it, so it was not taken.",
            "Please send it as UTF-8.",
        ),
    )
}

pub fn wrong_type(lang: Lang, wanted: &str) -> Sentence {
    match lang {
        Lang::Ja => Sentence::new("送信の形式が違います。")
            .why(format!("ここでは {wanted} を受け付けます。"))
            .next("Content-Type を確かめてください。"),
        Lang::En => Sentence::new("The content type is wrong.")
            .why(format!("This address takes {wanted}."))
            .next("Please check the Content-Type header."),
    }
}

pub fn foreign_form(lang: Lang) -> Sentence {
    three(
        lang,
        (
            "この操作は受け付けませんでした。",
            "この画面から、いまのサインインで送られたものと確かめられません。",
            "画面を開き直して、もう一度操作してください。",
        ),
        (
            "This was not taken.",
            "It cannot be shown that it was sent from this page under your present sign-in.",
            "Please open the page again and repeat the act.",
        ),
    )
}

pub fn not_signed_in(lang: Lang) -> Sentence {
    three(
        lang,
        ("サインインが必要です。", "サインインしていないか、有効期限が切れています。", "サインインしてから、もう一度操作してください。"),
        ("Please sign in.", "You are not signed in, or the sign-in has expired.", "Sign in, then repeat the act."),
    )
}

pub fn not_found(lang: Lang, given: &str) -> Sentence {
    match lang {
        Lang::Ja => Sentence::new("見つかりません。")
            .why(format!("「{given}」にあたるものはありません。"))
            .next("番号やアドレスを確かめるか、「いま」の画面から探してください。"),
        Lang::En => Sentence::new("Not found.")
            .why(format!("There is nothing that fits “{given}”."))
            .next("Please check the number or address, or start from the page “Now”."),
    }
}

pub fn wrong_method(lang: Lang, method: &str) -> Sentence {
    match lang {
        Lang::Ja => Sentence::new("このアドレスでは行えない操作です。")
            .why(format!("{method} は受け付けません。"))
            .next("画面のボタンか、API の説明に従って操作してください。"),
        Lang::En => Sentence::new("This address does not do that.")
            .why(format!("It does not take {method}."))
            .next("Please use the buttons of the page, or see the description of the API."),
    }
}

pub fn malformed(lang: Lang, detail: &str) -> Sentence {
    match lang {
        Lang::Ja => Sentence::new("送られた内容を読み取れません。")
            .why(format!("読み取れなかった理由: {detail}"))
            .next("書き方を直して送り直してください。"),
        Lang::En => {
            Sentence::new("What was sent cannot be read.").why(format!("Why: {detail}")).next("Please correct it and send it again.")
        }
    }
}

pub fn unfit(lang: Lang, detail: &str) -> Sentence {
    match lang {
        Lang::Ja => Sentence::new("内容が決まりに合いません。")
            .why(format!("合わない点: {detail}"))
            .next("API の説明 (/api/v1/openapi.json) を確かめて送り直してください。"),
        Lang::En => Sentence::new("The content does not fit.")
            .why(format!("What does not fit: {detail}"))
            .next("Please see /api/v1/openapi.json and send it again."),
    }
}

pub fn passkey_refused(lang: Lang) -> Sentence {
    three(
        lang,
        (
            "パスキーを使えませんでした。",
            "このアドレスに登録されたパスキーと確かめられませんでした。",
            "ハンドルを確かめてもう一度試すか、一回限りのリンクを使ってください。",
        ),
        (
            "The passkey did not work.",
            "It could not be shown to be one that was added at this address.",
            "Check the handle and try again, or use a one-time link.",
        ),
    )
}

pub fn too_many(lang: Lang) -> Sentence {
    three(
        lang,
        ("同時に開かれている画面が多すぎます。", "自動更新の上限に達しています。", "少し待つと、自動でつながり直します。"),
        ("Too many pages are open at once.", "The limit of live connections is reached.", "It reconnects by itself after a moment."),
    )
}

pub fn busy(lang: Lang) -> Sentence {
    three(
        lang,
        (
            "いま混み合っています。",
            "処理待ちの操作が上限に達しています。この操作は記録されていません。",
            "少し待って、同じ操作をもう一度送ってください。",
        ),
        (
            "The server is busy.",
            "Too many commands are waiting. This one was not recorded.",
            "Please wait a moment and send the same again.",
        ),
    )
}

pub fn stopping(lang: Lang) -> Sentence {
    three(
        lang,
        ("サーバーが停止しようとしています。", "この操作は記録されていません。", "起動し直されてから、同じ操作をもう一度送ってください。"),
        ("The server is stopping.", "This was not recorded.", "Please send the same again after it has started."),
    )
}

pub fn store_broken(lang: Lang, detail: &str) -> Sentence {
    match lang {
        Lang::Ja => Sentence::new("記録を読み書きできません。")
            .why(format!("理由: {detail}"))
            .next("同じ操作をもう一度送っても二重にはなりません。続くときは管理者に知らせ、hikeshi --local を使ってください。"),
        Lang::En => Sentence::new("The record cannot be read or written.")
            .why(format!("Why: {detail}"))
            .next("Sending the same again does nothing twice. If it goes on, tell the administrator and use hikeshi --local."),
    }
}

pub fn halted(lang: Lang, detail: &str) -> Sentence {
    match lang {
        Lang::Ja => Sentence::new("書き込みを止めています。")
            .why(format!("台帳が、以前に署名された内容と一致しません: {detail}"))
            .next("管理者に知らせ、hikeshi ledger verify で調べてください。閲覧はできます。"),
        Lang::En => Sentence::new("Writing is stopped.")
            .why(format!("The ledger does not agree with what was signed before: {detail}"))
            .next("Tell the administrator and run hikeshi ledger verify. Reading goes on."),
    }
}

pub fn broken(lang: Lang) -> Sentence {
    three(
        lang,
        (
            "プログラムの不具合が起きました。",
            "この操作は記録されていません。内容はサーバーのログに残っています。",
            "もう一度試し、続くときは管理者に知らせてください。",
        ),
        (
            "Something in the program is broken.",
            "This was not recorded. The details are in the server's log.",
            "Please try again; if it goes on, tell the administrator.",
        ),
    )
}
