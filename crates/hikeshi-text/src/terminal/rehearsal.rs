//! What `hikeshi try` says, and what its people write: a whole emergency of a reservation service in plain words.

use hikeshi_domain::incident::Stage;
use hikeshi_domain::obligation::Judgement;
use hikeshi_domain::postmortem::Content;

use super::two;
use crate::Lang;

pub fn rehearsal_begins(lang: Lang, directory: &str) -> String {
    two(
        lang,
        format!("訓練を始めます。すべてこのマシンの中で行います（{directory}）。"),
        format!("The rehearsal begins. Everything stays on this machine ({directory})."),
    )
}

pub fn rehearsal_links(lang: Lang, url: &str) -> String {
    two(lang, format!("画面: {url}\nそれぞれの人のサインイン用リンク（一度きり）:"), format!("Pages: {url}\nOne-time sign-in links:"))
}

pub fn rehearsal_you_are(lang: Lang, person: &str) -> String {
    two(
        lang,
        format!("あなたは {person} です。上のリンクからサインインし、順番が来たら画面で操作してください。"),
        format!("You are {person}. Sign in with the link above, and act in the browser when it is your turn."),
    )
}

pub fn rehearsal_your_turn(lang: Lang, act: &str) -> String {
    two(lang, format!("▶ あなたの番です: {act}"), format!("▶ Your turn: {act}"))
}

/// To whoever plays a witness: nothing is typed before their page shows it.
pub fn rehearsal_watch(lang: Lang, page: &str) -> String {
    two(
        lang,
        format!("▶ あなたの番です: この画面を開いて見ていてください。見ている間だけ入力が通ります: {page}"),
        format!("▶ Your turn: open this page and keep it in front. Keys pass only while you look: {page}"),
    )
}

/// To whoever plays the executor: a terminal is not in the browser.
pub fn rehearsal_type(lang: Lang, command: &str) -> String {
    two(
        lang,
        format!("  別の端末で次を実行し、開いたら `echo 訓練 >> config/CHANGES.log`、終わりは `exit`:\n  {command}"),
        format!("  Run this in another terminal; in it type `echo rehearsed >> config/CHANGES.log`, and `exit` to end:\n  {command}"),
    )
}

pub fn rehearsal_open(lang: Lang, url: &str) -> String {
    two(lang, format!("画面は開いたままです: {url}\nCtrl-C で終わります。"), format!("The pages stay open: {url}\nCtrl-C ends."))
}

pub fn not_removed(lang: Lang, directory: &str, detail: &str) -> String {
    two(lang, format!("{directory} を消せませんでした: {detail}"), format!("{directory} could not be removed: {detail}"))
}

pub fn rehearsal_failed(lang: Lang) -> String {
    two(lang, "訓練で守られなかった規則があります。", "The rehearsal did not keep every rule.")
}

pub fn rehearsal_stuck(lang: Lang) -> String {
    two(
        lang,
        "緊急例外が却下・取下げ・期限切れで終わったため、訓練を続けられません。",
        "The exception was declined, withdrawn or expired; the rehearsal cannot go on.",
    )
}

pub fn rehearsal_refused(lang: Lang, rule: &str, code: &str, seq: Option<u64>) -> String {
    let seq = seq.map(|seq| format!(", {seq}")).unwrap_or_default();
    two(
        lang,
        format!("  不可（規則 {rule}、{code}{seq}）。状態を見直します。"),
        format!("  refused (rule {rule}, {code}{seq}); looking again."),
    )
}

pub fn rehearsal_not_refused(lang: Lang, code: &str) -> String {
    two(lang, format!("断られるはずの操作が通りました（{code}）。"), format!("What had to be refused was not ({code})."))
}

pub fn rehearsal_token(lang: Lang) -> String {
    two(lang, "訓練", "rehearsal")
}

/// A line of progress; `act` is the act's name in the script, with its number or person.
pub fn rehearsal_act(lang: Lang, act: &str) -> String {
    let (name, detail) = act.split_once('(').map_or((act, ""), |(name, rest)| (name, rest.trim_end_matches(')').trim_matches('"')));
    match name {
        "Move" => two(
            lang,
            format!("段階を「{}」に進めます", stage(Lang::Ja, detail)),
            format!("moves to the stage \"{}\"", stage(Lang::En, detail)),
        ),
        "Step" => two(lang, format!("手順 {detail} を実行します"), format!("runs step {detail}")),
        "Confirm" => two(
            lang,
            format!("危険な手順 {detail} を、実行の前に確認します"),
            format!("confirms the dangerous step {detail} before it runs"),
        ),
        "AwaitStep" => two(lang, format!("手順 {detail} が動いています"), format!("step {detail} runs")),
        "Settle" => two(
            lang,
            format!("手順 {detail} が実行されたかを確かめて記録します"),
            format!("looks whether step {detail} ran, and records it"),
        ),
        name => ACTS.iter().find(|(known, _, _)| *known == name).map_or_else(|| name.to_owned(), |(_, ja, en)| two(lang, *ja, *en)),
    }
}

/// Act, Japanese, English.
const ACTS: &[(&str, &str, &str)] = &[
    ("Release", "誤った設定のリリースが本番に出ます", "a release with a bad setting reaches production"),
    ("AwaitIncident", "監視が異常を見つけるのを待ちます", "waiting for the monitor to notice"),
    ("AwaitPage", "担当者の電話が鳴るのを待ちます", "waiting for the telephone of whoever is called first"),
    ("Acknowledge", "対応を引き受けます", "acknowledges the incident"),
    ("Update", "状況を知らせます", "gives a status update"),
    (
        "RequestIncomplete",
        "緊急例外を申請します（24時間待てない理由を書き忘れ → 不可のはず）",
        "requests an exception without saying why it cannot wait (must be refused)",
    ),
    ("Request", "条件をそろえて緊急例外を申請します", "requests the exception with all four conditions"),
    ("ApproveOwn", "自分の申請を承認しようとします（不可のはず）", "tries to approve their own request (must be refused)"),
    ("Approve", "計画を読み、ダイジェストで承認します", "reads the plan and approves its digest"),
    ("Join", "立会人として加わります", "joins as a witness"),
    ("Start", "開始し、バックアップを取ります", "starts: the backup is taken"),
    ("AwaitBackup", "バックアップを取り、読み戻しています", "the backup is taken and read back"),
    ("Terminal", "立会人の見ている端末で、変更記録に書きます", "writes it into the change log by hand, in the witnessed terminal"),
    ("Verify", "解消と、他機能への影響がないことを確かめます", "verifies: solved, and nothing else affected"),
    ("AwaitChecks", "検証が動いています", "the checks run"),
    ("Close", "緊急例外を終了します", "closes the exception"),
    ("AwaitObligations", "事後処理が立つのを待ちます", "waiting for the follow-up to be raised"),
    ("AwaitRecovery", "監視が復旧を確かめるのを待ちます", "waiting for the monitor to see the recovery"),
    ("Resolve", "復旧を記録します", "records the recovery"),
    ("AwaitRequest", "同じ変更の依頼がリポジトリに作られています", "the same change is brought to the repository"),
    ("Propose", "変更依頼をもう一度作ります", "opens the change request again"),
    ("Merge", "変更依頼を確かめ、git で取り込みます", "reviews the change request and merges it with git"),
    ("Compare", "取り込まれた変更を本番と照合します", "compares what was merged with production"),
    ("AwaitComparison", "照合しています", "the comparison runs"),
    ("Report", "報告書の判断の部分を書きます", "writes the judgement of the report"),
    ("AwaitReport", "報告書が書かれています", "the report is written"),
    ("AwaitInvitation", "振り返りの招待が作られています", "the invitation is written"),
    ("HoldMeeting", "振り返りを行い、再発防止策を決めます", "holds the retrospective and decides on prevention"),
    ("WritePostmortem", "なぜを重ねて、ポストモーテムを書きます", "asks why again and again, and writes the postmortem"),
    ("AwaitPostmortem", "ポストモーテムをファイルに書いています", "the postmortem is written to its file"),
];

/// The label of a stage, by its name in the script.
fn stage(lang: Lang, name: &str) -> String {
    Stage::ALL
        .into_iter()
        .find(|stage| format!("{stage:?}") == name)
        .map_or_else(|| name.to_owned(), |stage| crate::label::stage(lang, stage).to_owned())
}

/// The first three conditions, each with its evidence.
pub fn rehearsal_conditions(lang: Lang) -> [(String, String); 3] {
    let both = |ja: (&str, &str), en: (&str, &str)| (two(lang, ja.0, en.0), two(lang, ja.1, en.1));
    [
        both(
            ("本番の予約受付がすべて失敗しています", "監視 reservation-http が HTTP 500 を連続で記録"),
            ("every reservation in production fails", "the monitor reservation-http sees HTTP 500 again and again"),
        ),
        both(
            ("デプロイのパイプラインは直前のリリースの検証で止まっていて、修正を流せません", "パイプラインの実行記録 #482: 検証待ちで停止"),
            (
                "the deploy pipeline is stuck in the check of the last release, so no fix can pass",
                "pipeline run #482: waiting for the check",
            ),
        ),
        both(
            ("予約は当日分が中心で、1時間止まるごとに約40件の予約を失います", "昨日同時刻の予約数: 1時間あたり 41 件"),
            ("most reservations are for today; each hour without them loses about 40", "yesterday at this hour: 41 reservations"),
        ),
    ]
}

pub fn rehearsal_call(lang: Lang) -> String {
    two(lang, "電話で状況を伝え、緊急と判断すると返答がありました", "told by phone, answered that it is an emergency")
}

pub fn rehearsal_judged(lang: Lang) -> String {
    two(
        lang,
        "予約が全面的に止まっており、通常の手順を待てません。計画の範囲に限って承認します。",
        "Reservations are down entirely and cannot wait for the normal flow. Approved for this plan only.",
    )
}

pub fn rehearsal_summary(lang: Lang) -> String {
    two(lang, "客室一覧のファイル名を正しい data/rooms.csv に戻します", "Puts the name of the list of rooms back to data/rooms.csv")
}

/// Titles of the three steps, then of the three checks.
pub fn rehearsal_steps(lang: Lang) -> [String; 5] {
    [
        two(lang, "今の設定を確かめる", "look at the settings"),
        two(lang, "客室一覧のファイル名を直す", "correct the file name"),
        two(lang, "予約を受け付けられる", "a reservation is accepted"),
        two(lang, "料金表が見られる", "the rates are shown"),
        two(lang, "ヘルスチェックが通る", "the health check passes"),
    ]
}

pub fn rehearsal_update(lang: Lang) -> String {
    two(
        lang,
        "予約の受付が止まっています。原因は直前の設定変更と見ています。復旧の方法を準備中です。",
        "Reservations are down. The last change of settings looks like the cause. A repair is being prepared.",
    )
}

pub fn rehearsal_resolved(lang: Lang) -> String {
    two(lang, "設定のファイル名を戻し、予約の受付が再開しました", "The file name in the settings was put back; reservations work again")
}

pub fn rehearsal_settled(lang: Lang, done: bool) -> String {
    if done {
        two(lang, "実行先のファイルを見て、実行済みであることを確かめました", "the files on the target show that it ran")
    } else {
        two(lang, "実行先のファイルを見て、実行されていないことを確かめました", "the files on the target show that it did not run")
    }
}

pub fn rehearsal_judgement(lang: Lang) -> Judgement {
    Judgement {
        problem: two(
            lang,
            "設定の客室一覧のファイル名が実在しない名前に変わり、予約の受付がすべて失敗しました。",
            "The settings named a list of rooms that does not exist, so every reservation failed.",
        ),
        impact: two(
            lang,
            "全利用者が予約できませんでした。料金表とヘルスチェックは影響を受けていません。",
            "No user could make a reservation. Rates and health check were not affected.",
        ),
        cause: two(
            lang,
            "ファイル名の変更を、実在するかの確認なしにリリースしました。",
            "The file name was changed without a check that the file exists.",
        ),
        response: two(
            lang,
            "立会いのもとで設定を元のファイル名に戻し、予約・料金表・ヘルスチェックを確かめました。",
            "With witnesses, the file name was put back; reservations, rates and health check were verified.",
        ),
        prevention: vec![
            two(
                lang,
                "リリース前に設定が指すファイルの存在を検査する",
                "check before a release that the files named in the settings exist",
            ),
            two(lang, "リリース直後に予約の受付を自動で試す", "try a reservation automatically right after a release"),
        ],
    }
}

pub fn rehearsal_postmortem(lang: Lang) -> Content {
    let judgement = rehearsal_judgement(lang);
    Content {
        impact: judgement.impact,
        whys: vec![
            two(
                lang,
                "なぜ予約が失敗したか: 設定が、実在しない客室一覧を指していたから",
                "Why did reservations fail? The settings named a list of rooms that does not exist.",
            ),
            two(
                lang,
                "なぜ実在しない名前が入ったか: 変更のレビューで、ファイル名の違いに気づけなかったから",
                "Why did they name it? Nobody who reviewed the change saw that one letter was missing.",
            ),
            two(
                lang,
                "なぜ本番に出るまで分からなかったか: リリース前に、設定が指すファイルを確かめていないから",
                "Why was it not found before production? No check looks whether the files in the settings exist.",
            ),
        ],
        cause: judgement.cause,
        response: judgement.response,
        lessons: rehearsal_lessons(lang),
    }
}

pub fn rehearsal_lessons(lang: Lang) -> String {
    two(
        lang,
        "設定だけの変更でも、動作の確認を省いてはいけない。パイプラインが止まったときの代わりの道筋を決めておく。",
        "A change of settings needs the same checks as code. Decide beforehand what to do when the pipeline is stuck.",
    )
}

pub fn rehearsal_items(lang: Lang) -> [String; 2] {
    [
        two(lang, "設定が指すファイルの存在をリリース前に検査する", "Check before a release that files named in the settings exist"),
        two(lang, "リリース直後の予約の自動確認を追加する", "Add an automatic reservation right after a release"),
    ]
}

/// What a rule asks, in a few words, for the score.
pub fn rehearsal_rule(lang: Lang, rule: &str) -> String {
    let (ja, en) = match rule {
        "E1" => ("四つの条件がそろうまで申請は通らない", "no request without all four conditions"),
        "E2" => ("申請はチャンネルで知らされる", "the request is announced in the channel"),
        "E3" => (
            "承認は計画のダイジェストに対して行い、自分の申請は承認できない",
            "approval binds to the plan's digest; nobody approves their own",
        ),
        "E4" => ("各手順に立会人二人以上、うち承認者でないシニア一人", "two witnesses at every step, one senior who did not approve"),
        "E5" => ("開始と終了が記録され、チャンネルで知らされる", "start and end are recorded and announced"),
        "E6" => ("手順ごとに出力・終了コード・変更内容が残る", "output, exit code and changed content of every step"),
        "E7" => ("変更の前に、読み戻せるバックアップがある", "a proven backup before the first change"),
        "E8" => ("変更は宣言した範囲の中だけ", "no change outside the declared scope"),
        "E9" => ("解消と、他機能への影響なしを確かめる", "solved, and nothing else affected: both verified"),
        "E10" => ("同じ変更がリポジトリにあり、ずれがない", "the same change is in the repository, without drift"),
        "E11" => ("報告書がある", "the report is written"),
        "E12" => (
            "振り返りの招待があり、実施され、再発防止策に担当と期限がある",
            "retrospective invited and held; prevention has owners and due dates",
        ),
        "I2" => ("期限内に対応が始まる", "acknowledged in time"),
        "I3" => ("優先度は影響の表から決まる", "the priority comes from the matrix"),
        "I4" => ("担当者が呼び出され、繰り返しにはその旨がある", "whoever is called was called; what came twice said so"),
        "I6" => ("状況が関係者に知らされる", "those who wait were told how it stands"),
        "I8" => ("ポストモーテムがファイルにある", "the postmortem is written to its file"),
        "I7" => ("時系列が自動で残る", "the timeline wrote itself"),
        "I11" => ("時間は測定される", "times are measured"),
        "A1" => ("台帳は改ざんされていない", "the ledger was not altered"),
        "A2" => ("書き出した束を第三者がオフラインで検証できる", "the exported bundle verifies offline"),
        "A4" => ("秘密は記録に入らない", "no secret is in the record"),
        other => (other, other),
    };
    two(lang, ja, en)
}

pub fn score_title(lang: Lang, kept: usize, of: usize) -> String {
    two(lang, format!("訓練の結果: {of} 項目のうち {kept} 項目を守りました"), format!("Score: {kept} of {of} rules kept"))
}

pub fn score_times(lang: Lang) -> [String; 7] {
    [
        two(lang, "検知まで", "detected after"),
        two(lang, "呼び出しまで", "paged after"),
        two(lang, "対応開始まで", "acknowledged after"),
        two(lang, "最初の連絡まで", "first update after"),
        two(lang, "復旧まで", "restored after"),
        two(lang, "ポストモーテムまで", "postmortem after"),
        two(lang, "訓練の長さ", "rehearsal took"),
    ]
}

pub fn score_load(lang: Lang, good: u64, bad: u64) -> String {
    two(lang, format!("利用者の要求 {} 件のうち {bad} 件が失敗", good + bad), format!("{bad} of {} requests of users failed", good + bad))
}

pub fn score_load_word(lang: Lang) -> String {
    two(lang, "利用者への影響", "what users felt")
}

pub fn score_ledger(lang: Lang, entries: u64, root: &str) -> String {
    two(
        lang,
        format!("{entries} 件、検証済み、表の作り直しで違いなし（{root}）"),
        format!("{entries} entries, verified; rebuilt tables are the same ({root})"),
    )
}

pub fn score_ledger_word(lang: Lang) -> String {
    two(lang, "台帳", "ledger")
}

pub fn score_files_word(lang: Lang) -> String {
    two(lang, "残ったもの", "what is left")
}

/// The file that `emergency request --plan` reads, with everything explained.
pub fn plan_template(lang: Lang) -> String {
    match lang {
        Lang::Ja => include_str!("plan_template.ja.toml"),
        Lang::En => include_str!("plan_template.en.toml"),
    }
    .to_owned()
}
