//! What happened in the past, and how somebody else tells of the same trouble at night: other words, other spellings, half of it English.

/// Title, what was seen, cause, what solved it; and then title and words of the one that burns now.
pub struct Pair {
    pub past: [&'static str; 4],
    pub now: [&'static str; 2],
}

const fn pair(past: [&'static str; 4], now: [&'static str; 2]) -> Pair {
    Pair { past, now }
}

pub const JAPANESE: &[Pair] = &[
    pair(
        [
            "決済が完了しない",
            "カード決済のボタンを押しても画面が変わらず、注文が確定しない",
            "決済代行会社のAPIの証明書が失効していた",
            "代行会社の新しい中間証明書を入れて再起動した",
        ],
        ["支払いができません", "checkout を押しても反応なし。SSL の期限切れか？"],
    ),
    pair(
        [
            "予約画面が真っ白になる",
            "トップから予約に進むと何も表示されない",
            "配信したJavaScriptのファイル名が変わり、古いキャッシュが残っていた",
            "CDNのキャッシュを消した",
        ],
        ["ブッキングのページが表示されない", "白い画面のまま。cache が古い可能性"],
    ),
    pair(
        [
            "データベースに接続できない",
            "アプリ全体でエラーが出る。接続数が上限に達している",
            "バッチが接続を返さず、コネクションプールが枯渇した",
            "バッチを止め、プールの上限を上げた",
        ],
        ["DBにつながらない", "too many connections が大量に出ている。夜間ジョブが動いている"],
    ),
    pair(
        [
            "ログインできない利用者がいる",
            "パスワードが正しくても認証に失敗する",
            "認証サーバの時刻が5分ずれてトークンが無効になった",
            "NTPの設定を直して時刻を合わせた",
        ],
        ["サインインに失敗する", "token invalid と出る。サーバの時計がおかしいかもしれない"],
    ),
    pair(
        [
            "ディスクが満杯で書き込めない",
            "ファイルのアップロードが全て失敗する",
            "ログの削除ジョブが止まり、ディスクを使い切った",
            "古いログを消し、ローテーションを直した",
        ],
        ["ストレージの空き容量がない", "添付が送れない。log が溜まっている模様"],
    ),
    pair(
        [
            "確認メールが届かない",
            "予約後のメールが送信されず、お客様から問い合わせが続いている",
            "メールのキューが滞留していた。SMTPの認証情報が変わっていた",
            "新しい認証情報を設定して再送した",
        ],
        ["お客さまに mail が行っていない", "送信待ちの queue がたまったまま減らない"],
    ),
    pair(
        [
            "検索結果が0件になる",
            "どの条件でもホテルが見つからない",
            "索引の再作成が途中で失敗し、空の索引に切り替わった",
            "前の索引に戻した",
        ],
        ["サーチしても何も出てこない", "宿が一軒もヒットしない。index が空？"],
    ),
    pair(
        [
            "在庫が実際より多く表示される",
            "満室の部屋が予約できてしまい、二重予約が起きた",
            "在庫の同期が遅れ、複製側の古い値を読んでいた",
            "読み取りを主系に切り替えた",
        ],
        ["空室数が合わない", "売り切れの部屋が取れてしまう。レプリケーションの遅延を疑う"],
    ),
    pair(
        [
            "画面の表示が非常に遅い",
            "応答に20秒以上かかる。アプリサーバのCPUは低い",
            "索引のない検索が全件を読んでいた",
            "索引を足し、遅い問い合わせを止めた",
        ],
        ["レスポンスが重い", "ページを開くのに時間がかかる。slow query が出ている。インデックスなし"],
    ),
    pair(
        [
            "アプリが数時間おきに落ちる",
            "メモリの使用量が増え続け、強制終了される",
            "画像の縮小処理でメモリが漏れていた",
            "縮小処理の版を戻した",
        ],
        ["コンテナが OOM で再起動を繰り返す", "heap がじわじわ増える。写真のリサイズまわり"],
    ),
    pair(
        [
            "請求書の金額が誤っている",
            "消費税が二重に計算され、請求額が多い",
            "税率の設定を移行するとき、古い計算も残っていた",
            "古い計算を外し、請求を作り直した",
        ],
        ["インボイスの料金がおかしい", "税が2重に乗っている。先週の migration のあとから"],
    ),
    pair(
        [
            "外部サイトからの名前解決に失敗する",
            "一部の地域からサイトに到達できない",
            "DNSの更新で古いレコードが消えた",
            "レコードを戻し、TTLが切れるのを待った",
        ],
        ["ドメインが引けない", "NXDOMAIN になる。特定の回線の利用者だけ"],
    ),
    pair(
        [
            "夜間の集計が終わらない",
            "朝になっても帳票が出ない",
            "集計の途中でデッドロックが起き、再試行を繰り返していた",
            "片方の処理を止め、順に流した",
        ],
        ["朝のレポートが上がってこない", "バッチがロック待ちで止まっている"],
    ),
    pair(
        [
            "リリース後に500エラーが増えた",
            "新しい版を出した直後から注文の失敗が増えた",
            "新しい版が古いスキーマの列を読んでいた",
            "前の版に切り戻した",
        ],
        ["デプロイしたら internal server error だらけ", "オーダーが失敗する。カラムがない、と出る。rollback を検討"],
    ),
    pair(
        [
            "アクセス集中でサイトが開かない",
            "テレビで紹介され、通常の30倍のアクセスが来た",
            "アプリサーバの台数が固定で、負荷に耐えられなかった",
            "台数を増やし、待合室を出した",
        ],
        ["利用者が殺到して応答しない", "SNSで話題になり急増。サーバが過負荷"],
    ),
    pair(
        [
            "外部の地図サービスの制限に達した",
            "店舗の地図が表示されない",
            "APIの呼び出しが一日の上限を超えた",
            "上限を上げてもらい、結果を保存するようにした",
        ],
        ["ショップの map が出ない", "quota exceeded が返る。外部APIのリミットらしい"],
    ),
    pair(
        [
            "CSVの取り込みで文字化けする",
            "取引先の名前が読めない文字になる",
            "取引先が文字コードをShift_JISからUTF-8に変えた",
            "文字コードを判定して読むようにした",
        ],
        ["仕入先ファイルを読むと文字がおかしい", "エンコーディングの問題？ 名称がおかしな記号になる"],
    ),
    pair(
        ["管理画面が全員に403を返す", "社員が誰も管理画面を使えない", "権限の設定を整理したとき、必要な役割まで外した", "役割を元に戻した"],
        ["社内ツールにアクセスできない", "forbidden になる。パーミッションの変更が入った直後"],
    ),
    pair(
        [
            "ロードバランサの一台が応答しない",
            "4回に1回ほど接続が失敗する",
            "片方の機器の監視だけが止まり、故障した機器に振り分け続けた",
            "故障した機器を外した",
        ],
        ["4分の1くらいのリクエストが connection refused", "LB の片系がおかしい。ヘルスチェックは緑のまま"],
    ),
    pair(
        [
            "バックアップの復元に失敗した",
            "訓練で戻そうとしたところ、鍵がなく開けなかった",
            "暗号化の鍵を担当者の端末だけに置いていた",
            "鍵を金庫に移し、手順を改めた",
        ],
        ["backup から戻せない", "復号の鍵が見つからず、リストアできない"],
    ),
];

pub const ENGLISH: &[Pair] = &[
    pair(
        [
            "Checkout fails with a TLS error",
            "Card payments are declined for every customer",
            "The payment provider's certificate had expired",
            "Installed the new intermediate certificate and restarted the gateway",
        ],
        ["customers cannot pay", "handshake errors towards the card gateway, cert expired?"],
    ),
    pair(
        [
            "Message queue backlog grows without end",
            "Notifications arrive hours late",
            "One consumer was stuck on a poison message",
            "Moved the message aside and restarted the consumer",
        ],
        ["late notifications", "the backlog of the queue keeps growing, workers look stuck"],
    ),
    pair(
        [
            "Pods crash after the memory limit was lowered",
            "The recommendation service restarts every few minutes",
            "The limit was half of what a warm cache needs",
            "Raised the limit again",
        ],
        ["recommendation containers restart in a loop", "killed for out of memory since the limits changed"],
    ),
    pair(
        [
            "Replica lag shows old prices",
            "Customers see yesterday's prices after an update",
            "A long migration blocked replication",
            "Stopped the migration and let the replica catch up",
        ],
        ["stale price on the product page", "replication delay, a migrate job is running"],
    ),
];

/// Look-alikes: plausible incidents of other corners of the same kind of company.
pub fn others() -> Vec<[String; 4]> {
    const PLACES: [&str; 17] = [
        "会員登録",
        "ポイント付与",
        "商品一覧",
        "レビュー投稿",
        "お気に入り",
        "配送状況",
        "返品受付",
        "倉庫連携",
        "社内勤怠",
        "経費精算",
        "問い合わせフォーム",
        "店舗端末",
        "アンケート",
        "動画配信",
        "広告配信",
        "売上速報",
        "採用サイト",
    ];
    const TROUBLES: [[&str; 4]; 13] = [
        ["{}が遅い", "{}の応答に時間がかかる", "特定の問い合わせが重く、サーバの負荷が高かった", "問い合わせを書き直した"],
        ["{}でエラーが出る", "{}の操作をすると例外が発生する", "入力の検査が足りず、想定しない値で落ちた", "検査を足して配備した"],
        ["{}が使えない", "{}の画面が開かない", "設定ファイルの書き間違いで起動しなかった", "設定を直して再起動した"],
        ["{}のデータが欠ける", "{}の記録の一部が保存されない", "書き込みの失敗を見逃していた", "失敗したものを入れ直した"],
        ["{}の通知が届かない", "{}の通知が利用者に届かない", "通知の宛先の形式が変わっていた", "形式を合わせて再送した"],
        ["{}の数字が合わない", "{}の集計が前日と大きく違う", "集計の範囲が一日ずれていた", "範囲を直して計算し直した"],
        ["{}に接続できない", "{}への通信が途中で切れる", "ファイアウォールの規則が新しい機器を通さなかった", "規則を足した"],
        ["{}が二重に動く", "{}の処理が同じものを2回行う", "再試行のとき印を付けていなかった", "一度だけ動くようにした"],
        ["{}のファイルが壊れる", "{}に添付したファイルが開けない", "転送の途中で切れたものを保存していた", "大きさを確かめるようにした"],
        ["{}の認証が切れる", "{}で何度もログインを求められる", "セッションの保存先が再起動で消えていた", "保存先を外に出した"],
        ["{}の画像が出ない", "{}で写真の枠だけが表示される", "画像の置き場所の権限が閉じていた", "権限を開け、検査を足した"],
        ["{} is slow after the release", "{} takes seconds to answer", "A new query reads the whole table", "Rolled the release back"],
        [
            "{} returns errors at night",
            "{} fails while the batch runs",
            "The batch holds locks for minutes",
            "Moved the batch to another hour",
        ],
    ];
    let made = PLACES.iter().flat_map(|place| TROUBLES.iter().map(move |trouble| trouble.map(|text| text.replace("{}", place))));
    made.collect()
}
