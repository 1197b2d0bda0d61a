//! What the index promises, one by one. How well it finds is measured on whole sets where the databases are.

use super::*;

fn past(key: &str, title: &str, solved: &str) -> Past {
    Past {
        key: key.to_owned(),
        incident: None,
        file: None,
        at: None,
        title: title.to_owned(),
        service: String::new(),
        summary: String::new(),
        impact: String::new(),
        cause: String::new(),
        solved: solved.to_owned(),
        lessons: String::new(),
    }
}

fn keys(index: &Index, text: &str) -> Vec<String> {
    index.search(&Query { title: text, text: "", except: None }, 5).into_iter().map(|hit| hit.key).collect()
}

fn filled(same_words: &[Vec<String>]) -> Index {
    let mut index = Index::new(same_words);
    for (key, title, solved) in [
        ("inc_1", "決済が完了しない", "証明書を入れ替えた"),
        ("inc_2", "検索結果が0件になる", "前の索引に戻した"),
        ("inc_3", "画像が表示されない", "権限を戻した"),
        ("inc_4", "Replica lag shows old prices", "stopped the migration"),
    ] {
        index.put(&past(key, title, solved));
    }
    index
}

#[test]
fn i9_words_of_one_meaning_find_each_other_and_a_team_adds_its_own() {
    assert_eq!(keys(&filled(&[]), "支払いできない").first().map(String::as_str), Some("inc_1"));
    assert_eq!(keys(&filled(&[]), "複製の遅延").first().map(String::as_str), Some("inc_4"));
    assert_eq!(keys(&filled(&[]), "がぞー"), Vec::<String>::new());
    let own = vec![vec!["虫眼鏡".to_owned(), "検索".to_owned()]];
    assert_eq!(keys(&filled(&own), "虫眼鏡"), ["inc_2"]);
}

#[test]
fn a_later_word_replaces_an_earlier_one_as_if_it_had_always_been_so() {
    let mut index = filled(&[]);
    index.put(&past("inc_2", "時刻がずれた", "NTP を直した"));
    assert_eq!(keys(&index, "検索結果が0件"), Vec::<String>::new(), "what was said before is gone");
    assert_eq!(keys(&index, "時刻がずれた"), ["inc_2"]);
    let mut fresh = Index::new(&[]);
    for (key, title, solved) in [
        ("inc_1", "決済が完了しない", "証明書を入れ替えた"),
        ("inc_3", "画像が表示されない", "権限を戻した"),
        ("inc_4", "Replica lag shows old prices", "stopped the migration"),
        ("inc_2", "時刻がずれた", "NTP を直した"),
    ] {
        fresh.put(&past(key, title, solved));
    }
    let query = Query { title: "画像の時刻がずれた", text: "", except: None };
    assert_eq!(index.search(&query, 5), fresh.search(&query, 5), "the order of coming does not matter");
    assert_eq!((index.len(), index.is_empty()), (4, false));
}

#[test]
fn it_is_not_like_itself_and_what_nothing_is_like_finds_nothing() {
    let index = filled(&[]);
    let query = Query { title: "決済が完了しない", text: "", except: Some("inc_1") };
    assert!(index.search(&query, 5).iter().all(|hit| hit.key != "inc_1"));
    assert_eq!(keys(&index, ""), Vec::<String>::new());
    assert_eq!(keys(&index, "zzz qqq"), Vec::<String>::new());
    assert_eq!(keys(&Index::new(&[]), "決済"), Vec::<String>::new());
}

#[test]
fn of_equals_the_later_one_comes_first() {
    let mut index = Index::new(&[]);
    for (key, at) in [("inc_1", "2025-01-01T00:00:00Z"), ("inc_3", "2026-01-01T00:00:00Z"), ("inc_2", "2024-01-01T00:00:00Z")] {
        index.put(&Past { at: at.parse().ok(), ..past(key, "決済が完了しない", "") });
    }
    assert_eq!(keys(&index, "決済が完了しない"), ["inc_3", "inc_1", "inc_2"]);
    let query = Query { title: "決済が完了しない", text: "", except: None };
    let two: Vec<String> = index.search(&query, 2).into_iter().map(|hit| hit.key).collect();
    assert_eq!(two, ["inc_3", "inc_1"], "and stays first when fewer are shown");
}
