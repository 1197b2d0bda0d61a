//! What an import could not carry over, and why: one line each, so that nothing is dropped in silence.

use hikeshi_domain::Timestamp;

use crate::Lang::{self, En, Ja};
use crate::label::both;
use crate::plain::one_line;

/// Something of the other product, by the name that it has there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    pub of: Of,
    pub name: String,
    pub why: Why,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    Person,
    Schedule,
    Rotation,
    Escalation,
    Service,
    File,
}

/// Why something was left out, was changed, or has to be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// Left out.
    Ended {
        at: Timestamp,
    },
    EndsLater {
        at: Timestamp,
    },
    TurnLength {
        seconds: i64,
    },
    Days,
    TurnAndHours,
    Participant {
        kind: String,
    },
    NobodyLeft,
    UnknownZone {
        given: String,
    },
    OtherZone,
    UnknownPerson {
        id: String,
    },
    TooMany {
        max: usize,
    },
    BadNumber {
        given: String,
    },
    SharedNumber {
        given: String,
    },
    Contact {
        kind: String,
    },
    NotifyRules {
        count: usize,
    },
    OtherEscalation {
        taken: String,
    },
    Receiver {
        kind: String,
    },
    NoSteps,
    Integration {
        kind: String,
    },
    Overrides {
        count: usize,
    },
    NotRead,
    Never,
    MissingPages,
    NoEscalation {
        count: usize,
    },
    /// Carried over in another way.
    Role {
        given: String,
    },
    NoRole {
        given: String,
    },
    Seconds,
    StartsEarlier,
    LayerOrder,
    Split {
        into: usize,
    },
    TeamAsPeople {
        team: String,
        count: usize,
    },
    Condition {
        given: String,
    },
    NotifyType {
        given: String,
    },
    LateFirstStep,
    Key {
        variable: String,
    },
    Guessed,
}

impl Why {
    /// Whether it is missing now, or was taken in another way.
    pub fn is_left_out(&self) -> bool {
        !matches!(
            self,
            Self::Role { .. }
                | Self::NoRole { .. }
                | Self::Seconds
                | Self::StartsEarlier
                | Self::LayerOrder
                | Self::Split { .. }
                | Self::TeamAsPeople { .. }
                | Self::Condition { .. }
                | Self::NotifyType { .. }
                | Self::LateFirstStep
                | Self::Key { .. }
                | Self::Guessed
        )
    }
}

fn of(lang: Lang, of: Of) -> &'static str {
    both(
        lang,
        match of {
            Of::Person => ("利用者", "user"),
            Of::Schedule => ("当番表", "schedule"),
            Of::Rotation => ("ローテーション", "rotation"),
            Of::Escalation => ("エスカレーション", "escalation"),
            Of::Service => ("サービス", "service"),
            Of::File => ("ファイル", "file"),
        },
    )
}

/// `ローテーション「夜間」: …`.
pub fn line(lang: Lang, note: &Note) -> String {
    let (kind, name, why) = (of(lang, note.of), one_line(&note.name), why(lang, &note.why));
    match lang {
        Ja => format!("{kind}「{name}」: {why}"),
        En => format!("{kind} `{name}`: {why}"),
    }
}

/// Headings of the two parts of the report.
pub fn left_out(lang: Lang, count: usize) -> String {
    match lang {
        Ja => format!("引き継げなかったもの: {count}件"),
        En => format!("Not carried over: {count}"),
    }
}

pub fn to_be_looked_at(lang: Lang, count: usize) -> String {
    match lang {
        Ja => format!("引き継いだが、確認が必要なもの: {count}件"),
        En => format!("Carried over, please check: {count}"),
    }
}

/// What was made, in one line.
pub fn made(lang: Lang, people: usize, schedules: usize, steps: usize, sources: usize) -> String {
    match lang {
        Ja => format!("利用者 {people}人、当番表 {schedules}件、エスカレーション {steps}段階、アラートの送信元 {sources}件"),
        En => format!("{people} people, {schedules} schedules, {steps} escalation steps, {sources} alert sources"),
    }
}

/// The first lines of the file that is written.
pub fn head(lang: Lang, vendor: &str) -> String {
    match lang {
        Ja => format!("# {vendor} からの取り込み。hikeshi.toml の最後に加え、hikeshi check で確かめてください。\n"),
        En => format!("# Imported from {vendor}. Append it to hikeshi.toml, then run hikeshi check.\n"),
    }
}

fn why(lang: Lang, why: &Why) -> String {
    left_of_turns(lang, why).or_else(|| left_of_others(lang, why)).unwrap_or_else(|| changed(lang, why))
}

/// Of schedules and turns.
#[expect(clippy::wildcard_enum_match_arm, reason = "the others are said elsewhere")]
fn left_of_turns(lang: Lang, why: &Why) -> Option<String> {
    let pick = |ja: String, en: String| if lang == Ja { ja } else { en };
    let words = |ja: &str, en: &str| both_owned(lang, ja, en);
    Some(match why {
        Why::Ended { at } => pick(format!("{at} に終わっているため、引き継ぎません。"), format!("it ended at {at}.")),
        Why::EndsLater { at } => pick(
            format!(
                "{at} に終わる予定です。hikeshi のローテーションには終わりがないため、引き継ぎません。必要なら hikeshi oncall override を使ってください。"
            ),
            format!("it ends at {at}, and rotations here have no end. Use hikeshi oncall override instead."),
        ),
        Why::TurnLength { seconds } => pick(
            format!("交代の間隔が{seconds}秒です。日や週の倍数（52まで）、または1日を等分した長さ（10まで）だけを引き継げます。"),
            format!("a turn lasts {seconds} s. Only days and weeks (up to 52) or an even part of a day (up to 10) can be carried over."),
        ),
        Why::Days => words(
            "特定の曜日だけを受け持ちます。hikeshi で指定できるのは毎日、平日、土日です。",
            "it covers certain days of the week only. Here layers cover all days, workdays, or days off.",
        ),
        Why::TurnAndHours => words(
            "1日より短い交代と受け持ち時間の両方があるため、引き継げません。",
            "turns shorter than a day and restricted hours together cannot be carried over.",
        ),
        Why::Participant { kind } => pick(
            format!("順番に人以外（{}）が入っています。", one_line(kind)),
            format!("a turn belongs to something that is no person ({}).", one_line(kind)),
        ),
        Why::NobodyLeft => words("人がいません。", "it has no people."),
        Why::UnknownZone { given } => pick(
            format!("タイムゾーン「{}」が分かりません。", one_line(given)),
            format!("the time zone `{}` is not known.", one_line(given)),
        ),
        Why::OtherZone => words(
            "ローテーションと当番表のタイムゾーンが異なり、受け持ち時間もあるため、引き継げません。",
            "the rotation has another time zone than its schedule, and hours as well.",
        ),
        Why::UnknownPerson { id } => pick(
            format!("利用者 {} が書き出しの中にありません。", one_line(id)),
            format!("the user {} is not in what was exported.", one_line(id)),
        ),
        Why::Never => words("どの曜日も受け持たないため、引き継ぎません。", "it covers no day of the week."),
        Why::TooMany { max } => pick(format!("多すぎます（最大 {max}）。"), format!("there are too many (at most {max}).")),
        _ => return None,
    })
}

/// Of people, escalations, services and files.
#[expect(clippy::wildcard_enum_match_arm, reason = "the others are said elsewhere")]
fn left_of_others(lang: Lang, why: &Why) -> Option<String> {
    let pick = |ja: String, en: String| if lang == Ja { ja } else { en };
    let words = |ja: &str, en: &str| both_owned(lang, ja, en);
    Some(match why {
        Why::BadNumber { given } => pick(
            format!("電話番号「{}」が国際形式（+81…）ではありません。", one_line(given)),
            format!("the telephone number `{}` is not in international form (+81…).", one_line(given)),
        ),
        Why::SharedNumber { given } => pick(
            format!("電話番号 {} はほかの人と同じです。hikeshi では一人に一つの番号が必要です。", one_line(given)),
            format!("the telephone number {} is also somebody else's. Here each person has a number of their own.", one_line(given)),
        ),
        Why::Contact { kind } => pick(
            format!("連絡先「{}」は引き継げません。メールと電話番号一つを引き継ぎます。", one_line(kind)),
            format!("the contact `{}` cannot be carried over; mail and one telephone number are.", one_line(kind)),
        ),
        Why::NotifyRules { count } => pick(
            format!("通知の規則のうち{count}件は引き継げません。page_by を確かめてください。"),
            format!("{count} notification rules cannot be carried over. Look at page_by."),
        ),
        Why::OtherEscalation { taken } => pick(
            format!("hikeshi のエスカレーションは一つです。「{}」を引き継ぎました。--escalation で選べます。", one_line(taken)),
            format!("there is one escalation here, and `{}` was taken. Choose with --escalation.", one_line(taken)),
        ),
        Why::Receiver { kind } => pick(
            format!("呼び出し先「{}」は引き継げません。", one_line(kind)),
            format!("the receiver `{}` cannot be carried over.", one_line(kind)),
        ),
        Why::NoSteps => words("引き継げる段階がありません。", "no step of it can be carried over."),
        Why::Integration { kind } => pick(
            format!("連携「{}」に当たる送信元の形式がありません。format = \"json\" で書けないか検討してください。", one_line(kind)),
            format!("there is no format for the integration `{}`. Perhaps format = \"json\" can read it.", one_line(kind)),
        ),
        Why::Overrides { count } => pick(
            format!("一時的な交代 {count}件は引き継ぎません。hikeshi oncall override で入れてください。"),
            format!("{count} temporary changes are not carried over. Enter them with hikeshi oncall override."),
        ),
        Why::MissingPages => words(
            "続きのページがありません。残りを書き出して加え、取り込みをやり直してください。",
            "the page that follows is missing. Export the rest, add it, and import again.",
        ),
        Why::NoEscalation { count } => pick(
            format!(
                "引き継げる段階がないため、書きませんでした。このままではインシデントが operator の全員を呼ぶため、どの当番表にもいない{count}人には役割を与えていません。[incident] escalation を書いてください。"
            ),
            format!(
                "no step could be carried over, so it is not written. Incidents would call everybody who is `operator`, so {count} people who are in no schedule have no role. Write [incident] escalation."
            ),
        ),
        Why::NotRead => words("この内容は取り込みの対象ではありません。", "this is nothing that is imported."),
        _ => return None,
    })
}

fn both_owned(lang: Lang, ja: &str, en: &str) -> String {
    match lang {
        Ja => ja,
        En => en,
    }
    .to_owned()
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the others are said elsewhere")]
fn changed(lang: Lang, why: &Why) -> String {
    let pick = |ja: String, en: String| if lang == Ja { ja } else { en };
    let words = |ja: &str, en: &str| both_owned(lang, ja, en);
    match why {
        Why::Role { given } => pick(
            format!("役割「{}」は引き継がず、operator にしました。承認などの権限は自分で与えてください。", one_line(given)),
            format!("the role `{}` became `operator`. Give further powers yourself.", one_line(given)),
        ),
        Why::NoRole { given } => pick(
            format!("役割「{}」は見るだけの人なので、役割を与えていません。必要なら自分で与えてください。", one_line(given)),
            format!("the role `{}` only looks on, so no role was given. Give one yourself where it is needed.", one_line(given)),
        ),
        Why::Seconds => words("交代の時刻の秒を切り捨てました。", "the seconds of the handover were cut off."),
        Why::StartsEarlier => words(
            "交代の途中から始まるため、その交代の初めから当番になります。",
            "it began in the middle of a turn; here it begins with that turn.",
        ),
        Why::LayerOrder => words(
            "複数のレイヤーの優先順を、書き出しの並び（先のものが優先）から決めました。確かめてください。",
            "which layer goes before which was taken from the order of the export (the first one counts most).",
        ),
        Why::Split { into } => pick(
            format!("同時に当番になるため、{into}件の当番表に分けました。エスカレーションは全部を呼びます。"),
            format!("several are on call at once, so it became {into} schedules; the escalation calls all of them."),
        ),
        Why::TeamAsPeople { team, count } => pick(
            format!("チーム「{}」を{count}人の利用者に置き換えました。", one_line(team)),
            format!("the team `{}` became its {count} members.", one_line(team)),
        ),
        Why::Condition { given } => pick(
            format!("条件「{}」の段階も、対応開始がない場合に進みます。", one_line(given)),
            format!("a step with the condition `{}` is taken while nobody has acknowledged.", one_line(given)),
        ),
        Why::NotifyType { given } => pick(
            format!("呼び出し方「{}」を、そのときの当番を呼ぶことに置き換えました。", one_line(given)),
            format!("`{}` became: whoever is on call then.", one_line(given)),
        ),
        Why::LateFirstStep => words("最初の段階が始まりより後にあります。", "the first step is not taken at once."),
        Why::Key { variable } => pick(
            format!("鍵は書き出されません。新しい鍵を作り、サーバーの環境変数 {variable} に入れてください。"),
            format!("keys are not exported. Make a new one and put it into the server's variable {variable}."),
        ),
        Why::Guessed => words(
            "影響と業務への影響（some_users、lost_trust）と環境（production）は仮の値です。",
            "impact and business (some_users, lost_trust) and environment (production) are assumed.",
        ),
        _ => String::new(),
    }
}

pub fn unreadable(lang: Lang, file: &str, detail: &str) -> String {
    let file = one_line(file);
    match lang {
        Ja => format!("{file} を読めません: {detail}"),
        En => format!("{file} cannot be read: {detail}"),
    }
}

pub fn too_large(lang: Lang, file: &str, bytes: u64, max: u64) -> String {
    let file = one_line(file);
    match lang {
        Ja => {
            format!("{file} は {bytes} バイトあり、読める大きさ（{max} バイト）を超えています。API のページごとに分けて保存してください。")
        }
        En => format!("{file} has {bytes} bytes; at most {max} are read. Save each page of the API as a file of its own."),
    }
}

pub fn too_many_files(lang: Lang, max: usize) -> String {
    match lang {
        Ja => format!("ファイルが多すぎます（最大 {max}）。書き出しのディレクトリーだけを指定してください。"),
        En => format!("There are too many files (at most {max}). Name the directory of the export only."),
    }
}

pub fn too_deep(lang: Lang, directory: &str) -> String {
    let directory = one_line(directory);
    match lang {
        Ja => format!("{directory} は階層が深すぎます。書き出しのディレクトリーを直接指定してください。"),
        En => format!("{directory} lies too deep. Name the directory of the export itself."),
    }
}

pub fn not_json(lang: Lang, file: &str, line: usize, column: usize, detail: &str) -> String {
    let (file, detail) = (one_line(file), one_line(detail));
    match lang {
        Ja => format!("{file} は {line} 行 {column} 文字目から JSON として読めません（{detail}）。書き出しをやり直してください。"),
        En => format!("{file} is no JSON from line {line}, column {column} on ({detail}). Export it again."),
    }
}

pub fn not_an_export(lang: Lang, file: &str, detail: &str) -> String {
    let (file, detail) = (one_line(file), one_line(detail));
    match lang {
        Ja => format!(
            "{file} は書き出しの形ではありません（{detail}）。製品名と、書き出しの方法（docs/manual/import.ja.md）を確かめてください。"
        ),
        En => format!("{file} is not what is exported ({detail}). Check the product's name, and how to export (docs/manual/import.md)."),
    }
}

pub fn nothing(lang: Lang) -> String {
    match lang {
        Ja => "利用者も当番表もエスカレーションも見つかりません。製品名とファイルを確かめてください。".to_owned(),
        En => "There are no users, schedules or escalations in it. Check the product's name and the files.".to_owned(),
    }
}

pub fn no_such_escalation(lang: Lang, given: &str, known: &str) -> String {
    let (given, known) = (one_line(given), one_line(known));
    match lang {
        Ja => format!("エスカレーション「{given}」はありません。あるもの: {known}"),
        En => format!("There is no escalation `{given}`. There are: {known}"),
    }
}
