//! Mistakes in the policy file, and what is said when something broke that is nobody's mistake.

use hikeshi_domain::policy::{Flaw, FlawKind};

use crate::Lang::{self, En, Ja};
use crate::Sentence;
use crate::plain::clipped;
use crate::refusal::thing;

/// A mistake in the policy file. Where it is (file, line, caret) is shown by the caller.
pub fn flaw(lang: Lang, flaw: &Flaw) -> Sentence {
    let at = flaw.at.join(".");
    match &flaw.what {
        FlawKind::Unknown { wanted, given, nearest } => unknown(lang, wanted, given, nearest.as_deref()),
        FlawKind::Empty => empty(lang, &at),
        FlawKind::TooFew { needed, have } => too_few(lang, &at, *needed, *have),
        FlawKind::OutOfBounds { min, max, given } => out_of_bounds(lang, &at, min, max, given),
        FlawKind::NotAbsolute { given } => not_absolute(lang, given),
        FlawKind::BackupsInsideRoot => backups_inside_root(lang),
        FlawKind::BadUrl { given } => bad_url(lang, given),
        FlawKind::BadTimeZone { given } => bad_time_zone(lang, given),
        FlawKind::ExactlyOne { of } => exactly_one(lang, of),
        FlawKind::AtLeastOne { of } => at_least_one(lang, of),
        FlawKind::NotHttps { given } => not_https(lang, given),
        FlawKind::NoWindow => no_window(lang),
        FlawKind::BadFilter { given, detail } => bad_filter(lang, given, detail),
        FlawKind::BadAddress { given } => bad_address(lang, given),
        FlawKind::OnlyFor { format } => only_for(lang, &at, format),
        FlawKind::BadPattern { given, detail } => bad_pattern(lang, given, detail),
        FlawKind::BadCell { given, nearest } => bad_cell(lang, given, nearest.as_deref()),
        FlawKind::BadSshKey { given, unsupported } => bad_ssh_key(lang, given, unsupported.as_deref()),
        FlawKind::SharedSshKey { other } => shared_ssh_key(lang, other),
        FlawKind::BadSshDestination { given } => bad_ssh_destination(lang, given),
        FlawKind::NotAscending => not_ascending(lang, &at),
        FlawKind::NeverWaits { given } => never_waits(lang, given),
        FlawKind::NoHours { given } => no_hours(lang, given),
        FlawKind::BadNumber { given } => bad_number(lang, given),
        FlawKind::SameAs { other } => same_as(lang, &at, other),
    }
}

fn say(what: impl Into<String>, why: impl Into<String>, next: impl Into<String>) -> Sentence {
    Sentence::new(what).why(why).next(next)
}

fn never_waits(lang: Lang, given: &str) -> Sentence {
    let given = clipped(given, 20);
    match lang {
        Ja => say(
            format!("{given} の呼び出しは、ほかの呼び出しを待てません。"),
            "サービス全体が止まっているときに、待つ時間はありません。",
            format!("priorities から {given} を除いてください。"),
        ),
        En => say(
            format!("Pages of {given} do not wait for others."),
            "While the whole service is down, there is no time to wait.",
            format!("Take {given} out of `priorities`."),
        ),
    }
}

fn no_hours(lang: Lang, given: &str) -> Sentence {
    let given = clipped(given, 20);
    match lang {
        Ja => say(
            format!("from と until が同じ時刻です（{given}）。"),
            "一日中なのか、まったくないのかが分かりません。",
            "一日中なら hours を書かないでください。夜間なら、例: { from = \"18:00\", until = \"09:00\" }",
        ),
        En => say(
            format!("`from` and `until` are the same time ({given})."),
            "Nobody can tell whether that is the whole day or nothing.",
            "For the whole day leave `hours` out; for a night write, for example, { from = \"18:00\", until = \"09:00\" }",
        ),
    }
}

fn bad_number(lang: Lang, given: &str) -> Sentence {
    let given = clipped(given, 60);
    match lang {
        Ja => say(
            format!("「{given}」は電話番号として使えません。"),
            "国番号から始まる国際形式で、数字だけを続けて書きます。ハイフンや空白は入れられません。",
            "先頭の 0 を +81 に替えてください。例: 090-1234-5678 は +819012345678",
        ),
        En => say(
            format!("`{given}` is not a telephone number that can be called."),
            "It is written in international form: a plus, the country, and digits only, without hyphens or blanks.",
            "In Japan, write +81 instead of the first 0: 090-1234-5678 is +819012345678.",
        ),
    }
}

fn bad_ssh_key(lang: Lang, given: &str, unsupported: Option<&str>) -> Sentence {
    let given = clipped(given, 60);
    match (lang, unsupported) {
        (Ja, None) => say(
            format!("「{given}」は SSH の公開鍵ではありません。"),
            "「ssh-ed25519 AAAA…」のように、.pub ファイルの 1 行をそのまま書きます。",
            "~/.ssh/id_ed25519.pub などの中身を写してください。秘密鍵は決して書かないでください。",
        ),
        (Ja, Some(algorithm)) => say(
            format!("この種類の SSH 鍵（{}）は使えません。", clipped(algorithm, 60)),
            "使えるのは Ed25519、ECDSA（nistp256）、2048 ビット以上の RSA と、セキュリティキーの Ed25519・ECDSA です。",
            "ssh-keygen -t ed25519 で作った鍵などに替えてください。",
        ),
        (En, None) => say(
            format!("`{given}` is not a public SSH key."),
            "It is the line of a .pub file, such as `ssh-ed25519 AAAA…`.",
            "Copy the content of ~/.ssh/id_ed25519.pub or the like. Never write a private key here.",
        ),
        (En, Some(algorithm)) => say(
            format!("This kind of SSH key ({}) is not accepted.", clipped(algorithm, 60)),
            "Accepted are Ed25519, ECDSA (nistp256), RSA from 2048 bits, and Ed25519 or ECDSA in a security key.",
            "Use a key made with `ssh-keygen -t ed25519`, for example.",
        ),
    }
}

fn bad_ssh_destination(lang: Lang, given: &str) -> Sentence {
    let given = clipped(given, 60);
    match lang {
        Ja => say(
            format!("「{given}」は SSH の接続先として使えません。"),
            "ssh にそのまま渡すため、英数字と . _ - @ : % + だけを使い、先頭に「-」は置けません。「host:22」の書き方も使えません。",
            "例: deploy@app1.example.jp（ポートは port に書きます）",
        ),
        En => say(
            format!("`{given}` cannot be a destination of ssh."),
            "It is handed to ssh as it is: letters, digits and . _ - @ : % + only, no `-` in front, and not `host:22`.",
            "For example: deploy@app1.example.jp (a port goes into `port`)",
        ),
    }
}

fn shared_ssh_key(lang: Lang, other: &str) -> Sentence {
    let other = clipped(other, 60);
    match lang {
        Ja => say(
            format!("同じ SSH 鍵が {other} にも書かれています。"),
            "一つの鍵が二か所にあると、誰が署名したのか分かりません。",
            "一人に一つずつ、別の鍵を書いてください。",
        ),
        En => say(
            format!("The same SSH key is also listed for {other}."),
            "With one key in two places nobody could tell who signed.",
            "List each key once, for one person.",
        ),
    }
}

fn unknown(lang: Lang, wanted: &str, given: &str, nearest: Option<&str>) -> Sentence {
    let (what, given) = (thing(lang, wanted), clipped(given, 60));
    match lang {
        Ja => say(
            format!("{what}「{given}」はどこにも宣言されていません。"),
            "このファイルで使う名前は、このファイルの中で宣言します。",
            nearest.map_or_else(
                || format!("{what}「{given}」を宣言するか、名前を直してください。"),
                |near| format!("もしかして「{near}」ですか。"),
            ),
        ),
        En => say(
            format!("No {what} named `{given}` is declared."),
            "Every name that is used must be declared in this file.",
            nearest.map_or_else(|| format!("Declare `{given}`, or correct the name."), |near| format!("Did you mean `{near}`?")),
        ),
    }
}

fn empty(lang: Lang, at: &str) -> Sentence {
    match lang {
        Ja => say(format!("{at} が空です。"), "", "値を書いてください。"),
        En => say(format!("{at} is empty."), "", "Fill it in."),
    }
}

fn too_few(lang: Lang, at: &str, needed: u32, have: u32) -> Sentence {
    match lang {
        Ja => say(
            format!("{at} の役割を持つ人が足りません（{have}名、必要 {needed}名）。"),
            "このままでは、緊急のときに必要な人がそろわず、規則を満たせません。",
            "people でその役割を持つ人を増やすか、人数の設定を見直してください。",
        ),
        En => say(
            format!("Too few people hold the roles of {at} ({have}; {needed} are needed)."),
            "In an emergency the rule could never be met.",
            "Give the role to more people, or reconsider the numbers.",
        ),
    }
}

fn out_of_bounds(lang: Lang, at: &str, min: &str, max: &str, given: &str) -> Sentence {
    let given = clipped(given, 40);
    match lang {
        Ja => say(
            format!("{at} の値 {given} は範囲外です。"),
            format!("{min} から {max} までの値を使えます。"),
            "範囲の中の値に直してください。",
        ),
        En => {
            say(format!("{at} is {given}, which is out of bounds."), format!("It can be {min} to {max}."), "Choose a value in that range.")
        }
    }
}

fn not_absolute(lang: Lang, given: &str) -> Sentence {
    let given = clipped(given, 100);
    match lang {
        Ja => say(
            format!("「{given}」は絶対パスではありません。"),
            "実行先の場所は、取り違えのないように「/」から書きます。「..」は使えません。",
            "例: /srv/reservation",
        ),
        En => say(
            format!("`{given}` is not an absolute path."),
            "A place on a target is written from `/`, without `..`, so that it cannot be mistaken.",
            "For example: /srv/reservation",
        ),
    }
}

fn backups_inside_root(lang: Lang) -> Sentence {
    match lang {
        Ja => say(
            "バックアップの置き場所が、バックアップする対象の中にあります。",
            "変更で一緒に壊れたり、バックアップ自身をバックアップしたりします。",
            "backups を root の外のディレクトリにしてください。",
        ),
        En => say(
            "The backups lie inside the directory that they back up.",
            "A change could destroy them too, and every backup would hold the earlier ones.",
            "Put `backups` outside `root`.",
        ),
    }
}

fn bad_url(lang: Lang, given: &str) -> Sentence {
    let given = clipped(given, 100);
    match lang {
        Ja => say(format!("「{given}」はURLとして読めません。"), "", "http:// か https:// で始まるURLを書いてください。"),
        En => say(format!("`{given}` is not a URL."), "", "Write one that begins with http:// or https://."),
    }
}

fn bad_time_zone(lang: Lang, given: &str) -> Sentence {
    let given = clipped(given, 60);
    match lang {
        Ja => say(format!("「{given}」というタイムゾーンはありません。"), "", "IANAの名前で書いてください。例: Asia/Tokyo"),
        En => say(format!("There is no time zone `{given}`."), "", "Use an IANA name, such as Asia/Tokyo."),
    }
}

fn exactly_one(lang: Lang, of: &[String]) -> Sentence {
    let of = of.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>();
    match lang {
        Ja => say(format!("{}のうち、ちょうど一つを書いてください。", of.join("、")), "", "一つだけ残してください。"),
        En => say(format!("Exactly one of {} is needed.", of.join(", ")), "", "Keep one of them."),
    }
}

fn at_least_one(lang: Lang, of: &[String]) -> Sentence {
    let of = of.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>();
    match lang {
        Ja => say(
            format!("{}のどれも書かれていません。", of.join("、")),
            "何を異常とみなすかが分からないため、いつも正常に見えてしまいます。",
            "少なくとも一つを書いてください。",
        ),
        En => say(
            format!("None of {} is given.", of.join(", ")),
            "Nothing says what a failure is, so it would always look healthy.",
            "Write at least one of them.",
        ),
    }
}

fn not_https(lang: Lang, given: &str) -> Sentence {
    let given = clipped(given, 100);
    match lang {
        Ja => say(
            format!("tls_days は https:// の url にだけ書けます（いまの url: {given}）。"),
            "ほかの監視には、期限を確かめる証明書がありません。",
            "url を https:// で始まるものにするか、tls_days を消してください。",
        ),
        En => say(
            format!("`tls_days` goes only with a url that begins with https:// (the url is `{given}`)."),
            "Nothing else has a certificate that could expire.",
            "Use an https:// url, or remove `tls_days`.",
        ),
    }
}

fn no_window(lang: Lang) -> Sentence {
    match lang {
        Ja => say(
            "objective を書いた query に $window がありません。",
            "同じ query を 5 分・30 分・1 時間・6 時間の窓で計算するため、窓の場所が必要です。",
            "例: sum(rate(http_requests_total{code=~\"5..\"}[$window])) / sum(rate(http_requests_total[$window]))",
        ),
        En => say(
            "The query of an `objective` has no $window.",
            "The same query is asked over 5 min, 30 min, 1 h and 6 h, so it must say where the window goes.",
            "For example: sum(rate(http_requests_total{code=~\"5..\"}[$window])) / sum(rate(http_requests_total[$window]))",
        ),
    }
}

fn bad_filter(lang: Lang, given: &str, detail: &str) -> Sentence {
    let (given, detail) = (clipped(given, 100), clipped(detail, 300));
    match lang {
        Ja => say(
            format!("「{given}」は正規表現として読めません（{detail}）。"),
            "ログのどの行を数えるかが分かりません。",
            "書き方を直してください。例: ERROR|CRITICAL|FATAL",
        ),
        En => say(
            format!("`{given}` is not a regular expression ({detail})."),
            "Nobody can tell which lines of the log are to be counted.",
            "Correct it. For example: ERROR|CRITICAL|FATAL",
        ),
    }
}

fn bad_address(lang: Lang, given: &str) -> Sentence {
    let given = clipped(given, 100);
    match lang {
        Ja => say(format!("「{given}」は接続先として読めません。"), "", "ホスト:ポートの形で書いてください。例: db1.example.jp:5432"),
        En => say(format!("`{given}` is no address to connect to."), "", "Write host:port, such as db1.example.jp:5432."),
    }
}

fn bad_pattern(lang: Lang, given: &str, detail: &str) -> Sentence {
    let (given, detail) = (clipped(given, 100), clipped(detail, 300));
    match lang {
        Ja => say(
            format!("「{given}」は、ここに書く式として読めません（{detail}）。"),
            "読めない式は何にも当てはまらないので、動いているように見えて働きません。",
            "書き方を直してください。",
        ),
        En => say(
            format!("`{given}` cannot be read as the expression that belongs here ({detail})."),
            "What cannot be read matches nothing, and would only look as if it worked.",
            "Correct the expression.",
        ),
    }
}

fn only_for(lang: Lang, at: &str, format: &str) -> Sentence {
    match lang {
        Ja => say(
            format!("{at} は、format = \"{format}\" のときだけ使えます。"),
            "ほかの形式では読まれず、書いたつもりの設定が効きません。",
            format!("format を \"{format}\" にするか、この行を消してください。"),
        ),
        En => say(
            format!("{at} is for format = \"{format}\" only."),
            "Any other format does not read it, so it would have no effect.",
            format!("Set format = \"{format}\", or remove it."),
        ),
    }
}

fn bad_cell(lang: Lang, given: &str, nearest: Option<&str>) -> Sentence {
    let given = clipped(given, 60);
    match lang {
        Ja => say(
            format!("「{given}」は判定表の欄の名前ではありません。"),
            "欄の名前は「影響+業務+緊急度」です。",
            nearest.map_or_else(|| "例: all_users+lost_sales+now".to_owned(), |near| format!("もしかして「{near}」ですか。")),
        ),
        En => say(
            format!("`{given}` is not a cell of the matrix."),
            "A cell is named impact+business+urgency.",
            nearest.map_or_else(|| "For example: all_users+lost_sales+now".to_owned(), |near| format!("Did you mean `{near}`?")),
        ),
    }
}

fn same_as(lang: Lang, at: &str, other: &str) -> Sentence {
    let other = clipped(other, 60);
    match lang {
        Ja => say(
            format!("{at} が {other} と同じです。"),
            "チャットのユーザーと電話番号は、誰の操作かを決めます。二人で同じにはできません。",
            "それぞれ、本人だけのものを書いてください。",
        ),
        En => say(
            format!("{at} is the same as that of {other}."),
            "The user of the chat and the telephone number decide who acts, so two people cannot share one.",
            "Give each person their own.",
        ),
    }
}

fn not_ascending(lang: Lang, at: &str) -> Sentence {
    match lang {
        Ja => say(
            format!("{at} が、前の段階より後になっていません。"),
            "エスカレーションは、書いた順に時間を追って進みます。",
            "前の段階より大きい分数にするか、順番を入れ替えてください。",
        ),
        En => say(
            format!("{at} does not come later than the step before."),
            "Escalation goes through the steps in the order of time.",
            "Use more minutes than the step before, or change the order.",
        ),
    }
}

/// The store, the disk or the network failed: nobody's mistake. `passing`: the same may work a moment later.
pub fn fault(lang: Lang, detail: &str, passing: bool) -> Sentence {
    let detail = clipped(detail, 300);
    match (lang, passing) {
        (Ja, true) => say(
            "今は記録を書き込めないため、操作を行いませんでした。",
            format!("記録できない操作は行いません（{detail}）。"),
            "数秒待って、もう一度行ってください。同じ操作が二重に行われることはありません。",
        ),
        (Ja, false) => say(
            "記録の保存先が使えないため、操作を行いませんでした。",
            format!("記録できない操作は行いません（{detail}）。"),
            "サーバーの管理者に知らせてください。ディスクの空き容量と、データベースの状態を確かめます。",
        ),
        (En, true) => say(
            "The record cannot be written now, so nothing was done.",
            format!("What cannot be recorded is not done ({detail})."),
            "Wait a few seconds and try again; nothing is done twice.",
        ),
        (En, false) => say(
            "The store cannot be used, so nothing was done.",
            format!("What cannot be recorded is not done ({detail})."),
            "Tell whoever runs the server to check the free disk space and the database.",
        ),
    }
}

/// Too many commands wait already.
pub fn busy(lang: Lang) -> Sentence {
    match lang {
        Ja => say(
            "操作が混み合っているため、受け付けませんでした。",
            "",
            "数秒待って、もう一度行ってください。同じ操作が二重に行われることはありません。",
        ),
        En => {
            say("Too many commands are waiting, so this one was not taken.", "", "Wait a few seconds and try again; nothing is done twice.")
        }
    }
}

/// The server is being stopped.
pub fn stopping(lang: Lang) -> Sentence {
    match lang {
        Ja => say(
            "サーバーを停止しているところです。",
            "",
            "起動し直した後に、もう一度行ってください。急ぐ場合は、サーバーのある端末で hikeshi --local を使えます。",
        ),
        En => say(
            "The server is stopping.",
            "",
            "Try again once it is back. If it cannot wait, use `hikeshi --local` on the server's machine.",
        ),
    }
}
