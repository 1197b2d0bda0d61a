//! The JSON Schema of `hikeshi.toml`, for editors (`#:schema`) and for [`super::diagnose`], which walks it to find every mistake at once.

use serde_json::Value;

use super::ServerConfig;
use hikeshi_domain::policy::Policy;

/// Schema of the whole file: the policy's, with the section `server` beside the others.
pub fn policy_schema() -> Value {
    let mut root = schemars::schema_for!(Policy).to_value();
    let mut server = schemars::schema_for!(ServerConfig).to_value();
    if let Some(server) = server.as_object_mut() {
        server.remove("$schema");
        server.remove("title");
    }
    if let Some(properties) = root.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert("server".to_owned(), server);
    }
    if let Some(root) = root.as_object_mut() {
        root.insert("title".to_owned(), Value::String("hikeshi.toml".to_owned()));
    }
    root
}
