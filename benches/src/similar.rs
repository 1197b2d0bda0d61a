//! Searching what is past: made of plausible incidents, recombined, so that nearly every word of a query stands in many of them (close to the worst).

use std::time::Instant;

use anyhow::Result;
use hikeshi_domain::similar::{Index, Past, Query};

use crate::Row;

const THINGS: [&str; 12] =
    ["予約", "決済", "検索", "在庫", "会員登録", "メール", "画像", "請求書", "管理画面", "配送状況", "ポイント", "地図"];
const TROUBLES: [(&str, &str, &str); 10] = [
    ("が遅い", "特定の問い合わせが索引を使わず全件を読んでいた", "索引を足した"),
    ("でエラーが出る", "新しい版が古い列を読んでいた", "前の版に切り戻した"),
    ("に接続できない", "コネクションプールが枯渇した", "上限を上げて再起動した"),
    ("が表示されない", "古いキャッシュが残っていた", "キャッシュを消した"),
    ("の証明書が失効した", "更新の予定が見えなかった", "新しい証明書を入れた"),
    ("が二重に処理される", "再試行に印がなかった", "一度だけ動くようにした"),
    (" returns timeouts", "a batch holds locks for minutes", "moved the batch"),
    (" fails after the release", "a migration was missing", "rolled back"),
    ("の通知が届かない", "キューが滞留していた", "詰まったものを退けた"),
    ("の数字が合わない", "複製が遅れて古い値を読んでいた", "主系に切り替えた"),
];
const ASKED: [&str; 8] = [
    "支払いができない。SSL の期限切れ？",
    "DBにつながらない too many connections",
    "ブッキングのページが真っ白",
    "サーチが重い。インデックスなし",
    "デプロイしたらエラーだらけ、rollback を検討",
    "お客さまに mail が行かない queue が減らない",
    "空室数が合わない、レプリケーションの遅延",
    "朝のレポートが出ない。バッチがロック待ち",
];

fn past(number: usize) -> Past {
    let thing = |at: usize| THINGS.get(at % THINGS.len()).copied().unwrap_or_default();
    let trouble = |at: usize| TROUBLES.get(at % TROUBLES.len()).copied().unwrap_or_default();
    let (title, cause, solved) = trouble(number);
    let (_, more, _) = trouble(number / 7);
    Past {
        key: format!("inc_{number}"),
        incident: None,
        file: None,
        at: None,
        title: format!("{}{title}", thing(number / 10)),
        service: "reservation".to_owned(),
        summary: format!("{}の操作をすると利用者に影響が出る。{}も同じ", thing(number / 3), thing(number / 5)),
        impact: format!("{}人の利用者", number % 997),
        cause: format!("{cause}。{more}"),
        solved: solved.to_owned(),
        lessons: "期限と上限を監視し、手順を見直す".to_owned(),
    }
}

pub fn measure(pasts: usize, rounds: u32) -> Result<Vec<Row>> {
    let group = format!("similar incidents among {pasts}");
    let began = Instant::now();
    let mut index = Index::new(&[]);
    for number in 0..pasts {
        index.put(&past(number));
    }
    let made = Row::new(&group, "index made, s", began.elapsed().as_secs_f64(), "s");
    let mut took = Vec::new();
    let began = Instant::now();
    for _ in 0..rounds {
        for text in ASKED {
            let began = Instant::now();
            let hits = index.search(&Query { title: text, text: "", except: None }, 5);
            took.push(began.elapsed());
            anyhow::ensure!(!hits.is_empty(), "nothing was found for {text}");
        }
    }
    let searches = f64::from(u32::try_from(took.len())?) / began.elapsed().as_secs_f64();
    Ok(vec![made, Row::new(&group, "searches", searches, "/s").with_latency(took)])
}
