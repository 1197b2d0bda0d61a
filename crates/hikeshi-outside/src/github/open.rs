//! Branch, commit, pull request, label: each is looked for before it is made, so that any try may be cut off anywhere and be repeated.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hikeshi_domain::effect::{ChangeRequestOrder, Contents, Outcome};
use hikeshi_domain::ids::Digest;
use hikeshi_text::{change_request, change_request_link};
use serde_json::{Value, json};

use super::api::{ApiError, escaped};
use super::tree::{Trees, plain_path};
use super::{GitHubError, Repository, word};
use crate::Options;
use crate::forge::{TRAILER, TRAILER_DIFFERS, TRAILER_EXCEPTION, ends_with_path, git_mode};
use crate::host::{Kind, kind_of};

const TITLE_CHARS_MAX: usize = 240;
/// GitHub takes 65,536 characters.
const BODY_CHARS_MAX: usize = 60_000;
/// Red, as the label of something that should be rare.
const LABEL_COLOUR: &str = "b60205";

pub(super) async fn open(
    repository: &Repository,
    options: &Options,
    order: &ChangeRequestOrder,
    contents: &dyn Contents,
) -> Result<Outcome, GitHubError> {
    let commit = match ours(repository, order).await? {
        Some(commit) => commit,
        None => create(repository, order, contents).await?,
    };
    let pull = match repository.pull(&order.branch).await? {
        Some(pull) => pull,
        None => propose(repository, options, order).await?,
    };
    label(repository, order, &pull).await?;
    opened(&pull, commit)
}

/// What an earlier try has made, when it is whole.
pub(super) async fn find(repository: &Repository, order: &ChangeRequestOrder) -> Result<Option<Outcome>, GitHubError> {
    let Some(commit) = ours(repository, order).await? else { return Ok(None) };
    let Some(pull) = repository.pull(&order.branch).await? else { return Ok(None) };
    if labelled(&pull, &order.label) { opened(&pull, commit).map(Some) } else { Ok(None) }
}

fn opened(pull: &Value, commit: String) -> Result<Outcome, GitHubError> {
    let url = word(pull, "/html_url", "html_url")?;
    Ok(Outcome::ChangeRequestOpened { commit, patch_file: format!("{url}.patch"), request_file: url })
}

/// The commit of our branch; `None` when there is no such branch yet. A branch of somebody else is left alone.
async fn ours(repository: &Repository, order: &ChangeRequestOrder) -> Result<Option<String>, GitHubError> {
    if let Some(tip) = repository.tip(&order.branch).await? {
        let mut commit = tip;
        // Others may have worked on the branch since.
        for _ in 0..20 {
            let found = repository.get(&format!("/git/commits/{commit}")).await?;
            let wanted = format!("{TRAILER}: {}", order.obligation);
            if word(&found, "/message", "message")?.lines().any(|line| line.trim() == wanted) {
                return Ok(Some(commit));
            }
            match found.pointer("/parents/0/sha").and_then(Value::as_str) {
                Some(parent) => commit = parent.to_owned(),
                None => break,
            }
        }
        return Err(GitHubError::BranchTaken(order.branch.clone()));
    }
    // Merged and tidied away: the pull request still knows its commit.
    let Some(pull) = repository.pull(&order.branch).await? else { return Ok(None) };
    let merged = pull.get("merged_at").is_some_and(|at| !at.is_null());
    Ok(pull.pointer("/head/sha").and_then(Value::as_str).filter(|_| merged).map(str::to_owned))
}

async fn create(repository: &Repository, order: &ChangeRequestOrder, contents: &dyn Contents) -> Result<String, GitHubError> {
    let base = repository.tip(&order.base).await?.ok_or_else(|| GitHubError::NoBase(order.base.clone()))?;
    let mut trees = Trees::of(repository, &base).await?;
    let differs = base_differs(&mut trees, order).await?;
    let tree = write_tree(repository, &mut trees, order, contents).await?;
    let emergency = &order.facts.emergency;
    let executor = &emergency.plan.executor;
    let name = order.facts.names.get(executor).map_or(executor.as_str(), String::as_str);
    // A time of the record: the same request is the same commit, however often it is made.
    let at = emergency.closed_at.or(emergency.started_at).unwrap_or(emergency.requested_at);
    let person = |name: &str, email: String| json!({"name": name, "email": email, "date": at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()});
    let body = json!({
        "message": message(order, &differs),
        "tree": tree,
        "parents": [base],
        "author": person(name, format!("{executor}@hikeshi.invalid")),
        "committer": person("hikeshi", "hikeshi@hikeshi.invalid".to_owned()),
    });
    let commit = word(&repository.post("/git/commits", &body).await?, "/sha", "sha")?;
    let reference = json!({"ref": format!("refs/heads/{}", order.branch), "sha": commit});
    match repository.post("/git/refs", &reference).await {
        Ok(_) => Ok(commit),
        // Our own answer was lost, or another try was faster: whose it is, is asked.
        Err(GitHubError::Api(error @ ApiError::Status { status: 422, .. })) => {
            ours(repository, order).await?.ok_or(GitHubError::Api(error))
        }
        Err(error) => Err(error),
    }
}

/// The files that stand in the repository otherwise than production had them before the change: the request would undo something there.
async fn base_differs(trees: &mut Trees<'_>, order: &ChangeRequestOrder) -> Result<Vec<String>, GitHubError> {
    let mut found = Vec::new();
    let changes = &order.facts.emergency.changes;
    for file in &order.files {
        let change = changes.iter().filter(|change| ends_with_path(&file.path, &change.path)).max_by_key(|change| change.path.len());
        let Some(change) = change else { continue };
        let there = trees.file(&file.path).await?.map(|there| there.digest);
        if there != change.before.as_ref().map(|before| before.digest) {
            found.push(file.path.clone());
        }
    }
    Ok(found)
}

async fn write_tree(
    repository: &Repository,
    trees: &mut Trees<'_>,
    order: &ChangeRequestOrder,
    contents: &dyn Contents,
) -> Result<String, GitHubError> {
    let mut entries = Vec::new();
    for file in order.files.iter().filter(|file| kind_of(file.mode) != Kind::Folder || file.content.is_none()) {
        let path = plain_path(&file.path)?;
        match file.content {
            Some(digest) => {
                let missing = || GitHubError::NoContent { path: file.path.clone(), digest };
                let bytes = contents.get(digest).await.filter(|bytes| Digest::of(bytes) == digest).ok_or_else(missing)?;
                let blob = repository.post("/git/blobs", &json!({"content": STANDARD.encode(&bytes), "encoding": "base64"})).await?;
                entries.push(json!({"path": path, "mode": git_mode(file.mode), "type": "blob", "sha": word(&blob, "/sha", "sha")?}));
            }
            // GitHub refuses to remove what is not there.
            None if trees.file(&file.path).await?.is_some() => {
                entries.push(json!({"path": path, "mode": "100644", "type": "blob", "sha": null}));
            }
            None => {}
        }
    }
    if entries.is_empty() {
        return Ok(trees.root.clone());
    }
    let tree = repository.post("/git/trees", &json!({"base_tree": trees.root, "tree": entries})).await?;
    word(&tree, "/sha", "sha")
}

fn message(order: &ChangeRequestOrder, differs: &[String]) -> String {
    let mut text = change_request(order).commit_message.trim_end().to_owned();
    text.push_str(&format!("\n{TRAILER_EXCEPTION}: {}\n{TRAILER}: {}", order.emergency, order.obligation));
    for path in differs {
        text.push_str(&format!("\n{TRAILER_DIFFERS}: {path}"));
    }
    text.push('\n');
    text
}

fn cut(text: &str, chars_max: usize) -> String {
    if text.chars().count() <= chars_max {
        return text.to_owned();
    }
    text.chars().take(chars_max - 1).chain(['…']).collect()
}

async fn propose(repository: &Repository, options: &Options, order: &ChangeRequestOrder) -> Result<Value, GitHubError> {
    let text = change_request(order);
    let link = change_request_link(order, &options.public_url);
    let body = format!("{}\n\n{link}\n", cut(text.body.trim_end(), BODY_CHARS_MAX));
    let given = json!({"title": cut(&text.title, TITLE_CHARS_MAX), "head": order.branch, "base": order.base, "body": body, "maintainer_can_modify": true});
    match repository.post("/pulls", &given).await {
        Ok(pull) => Ok(pull),
        Err(GitHubError::Api(error @ ApiError::Status { status: 422, .. })) => {
            repository.pull(&order.branch).await?.ok_or(GitHubError::Api(error))
        }
        Err(error) => Err(error),
    }
}

fn labelled(pull: &Value, label: &str) -> bool {
    let named = |one: &Value| one.get("name").and_then(Value::as_str).is_some_and(|name| name.eq_ignore_ascii_case(label));
    pull.get("labels").and_then(Value::as_array).is_some_and(|labels| labels.iter().any(named))
}

async fn label(repository: &Repository, order: &ChangeRequestOrder, pull: &Value) -> Result<(), GitHubError> {
    if labelled(pull, &order.label) {
        return Ok(());
    }
    match repository.get(&format!("/labels/{}", escaped(&order.label))).await {
        Ok(_) => {}
        Err(GitHubError::Api(ApiError::Status { status: 404, .. })) => {
            let made = repository.post("/labels", &json!({"name": order.label, "color": LABEL_COLOUR})).await;
            // 422: somebody made it meanwhile.
            match made {
                Ok(_) | Err(GitHubError::Api(ApiError::Status { status: 422, .. })) => {}
                Err(error) => return Err(error),
            }
        }
        Err(error) => return Err(error),
    }
    let number = pull.get("number").and_then(Value::as_u64).ok_or(GitHubError::NotUnderstood("number"))?;
    repository.post(&format!("/issues/{number}/labels"), &json!({"labels": [order.label]})).await.map(drop)
}
