//! The OpenAPI 3.1 document: the table of addresses, the schemas, and every status that can come.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::schemas;
use super::table::{Operation, PREFIX, Param, table};

pub static DOCUMENT: LazyLock<Value> = LazyLock::new(document);

fn document() -> Value {
    let mut paths = Map::new();
    for (operation, _) in table() {
        let path = paths.entry(format!("{PREFIX}{}", operation.path)).or_insert_with(|| json!({}));
        if let Some(methods) = path.as_object_mut() {
            methods.insert(operation.method.to_owned(), described(&operation));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "hikeshi",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Emergency changes to production: agreed on, watched, recorded, undone if they fail. Words in answers are in Japanese or English, by Accept-Language.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}
        },
        "servers": [{"url": "/", "description": "This server"}],
        "tags": [
            {"name": "commands", "description": "Everything that changes something."},
            {"name": "cases", "description": "Incidents, emergency exceptions, what is owed."},
            {"name": "record", "description": "Channels, the ledger, contents."},
            {"name": "workspace", "description": "People, policy, the server."}
        ],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas::components(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "An API token of a person. It may narrow their roles."}}
        }
    })
}

fn described(operation: &Operation) -> Value {
    let mut described = json!({
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "responses": responses(operation),
    });
    let parameters = parameters(operation);
    if let Some(fields) = described.as_object_mut() {
        if !parameters.is_empty() {
            fields.insert("parameters".to_owned(), Value::Array(parameters));
        }
        if operation.open {
            fields.insert("security".to_owned(), json!([]));
        }
        if operation.method == "post" {
            fields.insert("requestBody".to_owned(), if operation.path == "/changes" { change_body() } else { request_body() });
        }
    }
    described
}

fn parameters(operation: &Operation) -> Vec<Value> {
    let mut all = Vec::new();
    for part in operation.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
        all.push(json!({"name": part, "in": "path", "required": true, "schema": path_schema(operation.path, part), "description": path_words(part)}));
    }
    all.extend(operation.params.iter().map(|param| query_param(*param)));
    if operation.method == "post" {
        all.push(json!({
            "name": "Idempotency-Key", "in": "header", "required": true,
            "description": "The caller's key for this request. The same key again is the same request, whatever became of the connection.",
            "schema": {"type": "string", "minLength": 8, "maxLength": 120, "pattern": "^[!-~]{8,120}$"},
            "example": "4f1c9a5e-open-incident"
        }));
    }
    all.push(json!({
        "name": "Accept-Language", "in": "header", "required": false, "description": "`ja` or `en`: the language of words in answers.",
        "schema": {"type": "string", "maxLength": 200, "pattern": "^[A-Za-z0-9,;=.*\\- ]*$"}, "example": "ja"
    }));
    all
}

fn path_schema(path: &str, part: &str) -> Value {
    let numbered =
        |prefix: &str| json!({"type": "string", "pattern": format!("^{prefix}_[0-9]{{1,15}}$"), "examples": [format!("{prefix}_1")]});
    match part {
        "digest" => json!({"type": "string", "pattern": "^[0-9a-f]{64}$"}),
        "name" => json!({"type": "string", "pattern": "^[a-z0-9][a-z0-9_.-]{0,39}$", "examples": ["emergency-deploy"]}),
        "seq" => json!({"type": "integer", "minimum": 0, "maximum": 999_999_999_999_999_u64, "examples": [0]}),
        "subscriber" => json!({"type": "integer", "minimum": 0, "maximum": 9_007_199_254_740_991_u64, "examples": [4711]}),
        "incident" => numbered("inc"),
        _ if path.starts_with("/emergencies") => numbered("emg"),
        _ if path.starts_with("/obligations") => numbered("obl"),
        _ => numbered("inc"),
    }
}

fn path_words(part: &str) -> &'static str {
    match part {
        "digest" => "SHA-256 of the content, lower case hex.",
        "name" => "Name of the channel, without the `#`.",
        "seq" => "Index of the entry, from 0.",
        "subscriber" => "Number of the subscriber, as the list says it.",
        _ => "Number of the case.",
    }
}

fn query_param(param: Param) -> Value {
    let (words, schema) = match param {
        Param::Open => ("Only what is not over.", json!({"type": "boolean", "default": false})),
        Param::Before => (
            "Continue a list: the `older` of the page before.",
            json!({"type": "integer", "minimum": 0, "maximum": 999_999_999_999_999_u64}),
        ),
        Param::Limit => ("Most rows of the answer.", json!({"type": "integer", "minimum": 1, "maximum": 200, "default": 50})),
        Param::Size => ("Computed from the first so many ledger entries; with `at`.", json!({"type": "integer", "minimum": 0})),
        Param::At => ("Judged by this time; with `size`.", json!({"type": "string", "format": "date-time"})),
        Param::Text => ("Words to look for.", json!({"type": "string"})),
        Param::From => ("The shifts from this moment on; now without it.", json!({"type": "string", "format": "date-time"})),
        Param::Days => ("Of how many days.", json!({"type": "integer", "minimum": 1, "maximum": 400, "default": 14})),
        Param::DryRun => ("Decide, and write nothing.", json!({"type": "boolean", "default": false})),
    };
    json!({"name": param.name(), "in": "query", "required": false, "description": words, "schema": schema})
}

fn request_body() -> Value {
    json!({
        "required": true,
        "description": "One command. At most 1 MiB; unknown fields are refused.",
        "content": {"application/json": {
            "schema": {"$ref": "#/components/schemas/Command"},
            "examples": {
                "open": {"summary": "Open an incident", "value": {
                    "area": "incident", "do": "open", "title": "予約画面が開けない", "summary": "全店舗で発生", "service": "reservation", "environment": "production",
                    "triage": {"impact": "all_users", "business": "lost_sales", "urgency": "now"}
                }},
                "approve": {"summary": "Approve an exception's plan", "value": {
                    "area": "emergency", "do": "approve", "emergency": "emg_3",
                    "digest": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "judgement": "全店舗で予約できず、復旧を待てない"
                }}
            }
        }}
    })
}

fn change_body() -> Value {
    json!({
        "required": true,
        "description": "One change. At most 1 MiB; unknown fields are refused.",
        "content": {"application/json": {
            "schema": {"$ref": "#/components/schemas/ChangeTold"},
            "examples": {"deploy": {"summary": "A deploy", "value": {
                "title": "v1.4.2 をリリース", "service": "reservation", "environment": "production", "link": "https://ci.example.jp/runs/142"
            }}}
        }}
    })
}

fn responses(operation: &Operation) -> Value {
    let mut all = Map::new();
    all.insert("200".to_owned(), answer(operation));
    let mut problems: Vec<(&str, &str)> =
        vec![("400", "The request cannot be read."), ("503", "The server cannot answer now; the same request may be sent again.")];
    if !operation.open {
        problems.push(("401", "No valid token."));
    }
    // Without a status page in the policy there is none.
    if operation.path.contains('{') || operation.path.starts_with("/status") {
        problems.push(("404", "There is no such thing."));
    }
    if operation.method == "post" {
        problems.extend([
            ("403", "Refused: the asker may not do this. The rule and what would satisfy it are in the answer."),
            ("408", "The body did not arrive in time."),
            ("409", "Refused: it may not happen now. The rule and what would satisfy it are in the answer."),
            ("413", "The body is larger than 1 MiB."),
            ("415", "The body is not `application/json`."),
            ("422", "The body is JSON and not a command that a person may give."),
        ]);
    }
    problems.sort_unstable();
    for (status, words) in problems {
        all.insert(
            status.to_owned(),
            json!({"description": words, "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}),
        );
    }
    Value::Object(all)
}

fn answer(operation: &Operation) -> Value {
    match operation.answer {
        "application/zip" => {
            json!({"description": "A zip archive.", "content": {"application/zip": {"schema": {"type": "string", "contentMediaType": "application/zip"}}}})
        }
        media @ ("application/x-asciicast" | "application/octet-stream") => {
            json!({"description": "The recording, sent while it is read.", "content": {media: {"schema": {"type": "string", "contentMediaType": media}}}})
        }
        "text/plain" => json!({"description": "The bytes.", "content": {"text/plain": {"schema": {"type": "string"}}}}),
        name => {
            json!({"description": operation.summary, "content": {"application/json": {"schema": {"$ref": format!("#/components/schemas/{name}")}}}})
        }
    }
}
