//! Two incidents that are one trouble, and one that is two, with alerts that come and go all the while.

use serde_json::{Value, json};

use super::super::harness::{Workspace, until};
use super::{ends_well, incidents, is_resolved, opened, resolves_itself, show, source, taken, workspace};

/// The hour tells one firing from the one before: the same beginning again would be old news.
fn sends(workspace: &Workspace, to: &str, status: &str, names: &[&str], hour: u32) {
    let alert = |name: &&str| {
        json!({"status": status, "labels": {"alertname": name, "severity": "critical"}, "annotations": {"summary": name},
            "startsAt": format!("2026-01-05T0{hour}:02:15.432Z"), "endsAt": "0001-01-01T00:00:00Z"})
    };
    let alerts: Vec<Value> = names.iter().map(alert).collect();
    taken(workspace, &format!("alerts/{to}"), &json!({"version": "4", "status": status, "alerts": alerts}));
}

fn alerts(view: &Value) -> Vec<(String, bool)> {
    let rows = view["alerts"].as_array().expect("alerts").iter();
    let mut found: Vec<(String, bool)> =
        rows.map(|row| (row["title"].as_str().expect("a title").to_owned(), row["firing"] == true)).collect();
    found.sort();
    found
}

/// What was seen in the other one before the merge stands in the timeline and in the document of the one that went on.
fn in_its_postmortem(workspace: &Workspace) {
    let text = |args: &[&str]| {
        let done = workspace.as_person("tanaka").args(args).output().expect("ran");
        String::from_utf8_lossy(&done.stdout).into_owned()
    };
    let timeline = text(&["incident", "timeline", "inc_1", "--limit", "100"]);
    assert!(timeline.lines().any(|line| line.contains("inc_2: ") && line.contains("先に見たこと")), "{timeline}");
    let item = "[[items]]\ntext = \"監視\"\nowner = \"ito\"\ndue_at = \"2099-12-01T18:00:00+09:00\"\n";
    let file = format!("impact = \"a\"\nwhys = [\"b\"]\ncause = \"c\"\nresponse = \"d\"\nlessons = \"e\"\n{item}");
    std::fs::write(workspace.path("postmortem.toml"), file).expect("written");
    let path = workspace.path("postmortem.toml");
    workspace.ok("tanaka", &["incident", "postmortem", "inc_1", "--file", path.to_str().expect("a path")]);
    let written = || {
        let found = std::fs::read_dir(workspace.path("docs/incidents")).ok()?.flatten().next()?;
        std::fs::read_to_string(found.path()).ok()
    };
    until("the document is written", || written().is_some_and(|text| text.contains("inc\\_2: ") && text.contains("先に見たこと")));
}

mod slow {
    use super::*;

    #[test]
    fn what_is_merged_goes_on_in_the_other_one_and_what_is_split_has_its_own() {
        let sources = source("apart", "alertmanager", "group_by = [\"alertname\"]\n") + &source("together", "alertmanager", "");
        let mut workspace = workspace("merging", &sources);
        sends(&workspace, "apart", "firing", &["DbDown"], 3);
        opened(&workspace, 1);
        sends(&workspace, "apart", "firing", &["ApiDown"], 3);
        opened(&workspace, 2);
        let refused =
            workspace.as_person("tanaka").args(["incident", "merge", "inc_2", "--into", "inc_2", "--reason", "x"]).output().expect("ran");
        assert_eq!(refused.status.code(), Some(4));
        workspace.ok("tanaka", &["incident", "note", "inc_2", "先に見たこと"]);
        workspace.ok("tanaka", &["incident", "merge", "inc_2", "--into", "inc_1", "--reason", "DB が原因"]);
        let view = show(&workspace, "inc_1");
        assert_eq!(alerts(&view), [("ApiDown".to_owned(), true), ("DbDown".to_owned(), true)]);
        assert_eq!((&view["incident"]["alerts"], &view["related"][0]["id"]), (&json!({"firing": 2, "fired": 2}), &json!("inc_2")));
        let gone = show(&workspace, "inc_2");
        assert_eq!((&gone["incident"]["merged"]["into"], &gone["related"][0]["id"]), (&json!("inc_1"), &json!("inc_1")));
        let open = workspace.ok("tanaka", &["incident", "list"]);
        assert_eq!(open["rows"].as_array().map(Vec::len), Some(1), "{open:#}");
        // It comes and goes, and is never an incident of its own again.
        sends(&workspace, "apart", "resolved", &["ApiDown"], 3);
        sends(&workspace, "apart", "firing", &["ApiDown"], 4);
        sends(&workspace, "apart", "resolved", &["DbDown"], 3);
        assert_eq!(incidents(&workspace).len(), 2);
        assert!(!is_resolved(&show(&workspace, "inc_1")), "the alert of the merged one still fires");
        sends(&workspace, "apart", "resolved", &["ApiDown"], 3);
        resolves_itself(&workspace, "inc_1", "apart");
        in_its_postmortem(&workspace);
        assert!(!is_resolved(&show(&workspace, "inc_2")), "it was merged, not resolved");

        sends(&workspace, "together", "firing", &["Slow", "Disk", "Queue"], 3);
        let view = opened(&workspace, 3);
        let disk = view["alerts"].as_array().expect("alerts").iter().find(|row| row["title"] == "Disk").expect("an alert");
        let disk = disk["alert"].as_str().expect("a name").to_owned();
        let done =
            workspace.ok("tanaka", &["incident", "split", "inc_3", "--alerts", &disk, "--title", "ディスク", "--reason", "別の障害"]);
        assert_eq!(done["receipt"]["made"], "inc_4");
        assert_eq!(alerts(&show(&workspace, "inc_4")), [("Disk".to_owned(), true)]);
        assert_eq!(show(&workspace, "inc_4")["incident"]["detected_at"], "2026-01-05T03:02:15.432Z");
        sends(&workspace, "together", "resolved", &["Disk", "Slow"], 3);
        sends(&workspace, "together", "firing", &["Disk", "Late"], 4);
        assert_eq!(alerts(&show(&workspace, "inc_4")), [("Disk".to_owned(), true)]);
        let (three, four) = (show(&workspace, "inc_3"), show(&workspace, "inc_4"));
        assert_eq!((&three["incident"]["alerts"]["firing"], &four["incident"]["alerts"]["firing"]), (&json!(2), &json!(1)));
        assert_eq!((&three["incident"]["split"], &four["incident"]["split_from"]), (&json!(["inc_4"]), &json!("inc_3")));
        assert_eq!(incidents(&workspace).len(), 4);
        ends_well(&mut workspace);
    }
}
