//! The copy and its reading back, where a difference can be planted between the two.

use std::path::PathBuf;

use super::*;

struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("hikeshi-backup-{}-{name}", std::process::id()));
        let _old = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(dir.join("root/conf")).expect("a place");
        std::fs::create_dir_all(dir.join("copy")).expect("a place");
        std::fs::write(dir.join("root/conf/a"), "alpha").expect("a file");
        std::fs::write(dir.join("root/conf/b"), "beta").expect("a file");
        Self(dir)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

fn copied(place: &Place) -> (Scope, Manifest) {
    let scope = Scope::parse(&["conf".to_owned()]).expect("a scope");
    let manifest = copy(&place.0.join("root"), &scope, &place.0.join("copy")).expect("copied");
    read_back(&place.0.join("copy"), &scope, &manifest).expect("equal");
    (scope, manifest)
}

#[test]
fn reading_back_notices_every_difference() {
    type Damage = fn(&Path);
    let damages: [(Damage, &str); 4] = [
        (|dir| std::fs::write(dir.join("conf/a"), "alphq").expect("written"), "its content differs"),
        (|dir| std::fs::remove_file(dir.join("conf/b")).expect("removed"), "it is missing"),
        (|dir| std::fs::write(dir.join("conf/aa"), "").expect("written"), "it should not be there"),
        (|dir| set_file_permissions(&File::open(dir.join("conf/a")).expect("open"), 0o777).expect("mode"), "its mode differs"),
    ];
    for (number, (damage, word)) in damages.iter().enumerate() {
        let place = Place::new(&format!("damage{number}"));
        let (scope, manifest) = copied(&place);
        damage(&place.0.join("copy"));
        match read_back(&place.0.join("copy"), &scope, &manifest) {
            Err(BackupError::ReadBack { detail, .. }) => assert_eq!(detail, *word),
            other => panic!("{word}: {other:?}"),
        }
    }
}

#[test]
fn a_scope_that_does_not_fit_is_refused_before_the_copy() {
    let place = Place::new("room");
    let root = Folder::root(&place.0.join("root")).expect("open").folder(OsStr::new("conf")).expect("open");
    let mut stat = root.stat(OsStr::new("a")).expect("asked").expect("there");
    stat.bytes = u64::MAX / 2;
    let mut baseline = Snapshot::default();
    baseline.nodes.insert("conf/a".to_owned(), Node { stat, digest: None });
    let scope = |path: &str| Scope::parse(&[path.to_owned()]).expect("a scope");
    assert!(matches!(enough_room(&place.0, &scope("conf"), &baseline), Err(BackupError::Full { .. })));
    assert!(enough_room(&place.0, &scope("other"), &baseline).is_ok(), "only the scope is counted");
}

#[test]
fn a_manifest_has_one_form() {
    let place = Place::new("form");
    let (_, manifest) = copied(&place);
    assert_eq!(manifest.files(), 2);
    let parsed: Manifest = serde_json::from_slice(&manifest.bytes()).expect("json");
    assert_eq!((parsed.digest(), &parsed), (manifest.digest(), &manifest));
}
