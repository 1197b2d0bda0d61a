//! Where a change made by hand is brought back to (rule E10).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The repository to which the change is brought back (rule E10).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Forge {
    #[serde(default, skip_serializing_if = "ForgeKind::is_git")]
    pub kind: ForgeKind,
    /// For `git`: path or URL that `git clone` takes. For `github`: `owner/name`.
    pub repository: String,
    #[serde(default = "default_base")]
    pub base: String,
    /// Directory that receives the request file and the patch, for a repository without an API.
    #[serde(default)]
    pub requests: String,
    /// Address of GitHub's API; another one for GitHub Enterprise Server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api: Option<String>,
    /// Environment variable of the server that holds the token: fine-grained, with contents and pull requests of this repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_env: Option<String>,
    /// Environment variable of the server that holds the secret of the webhook. Without it GitHub is asked now and then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook_secret_env: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ForgeKind {
    /// A git repository that this host can reach: branch, patch and request file.
    #[default]
    Git,
    /// GitHub's API: branch and pull request.
    Github,
}

impl ForgeKind {
    fn is_git(&self) -> bool {
        *self == Self::Git
    }
}

impl Forge {
    /// How GitHub is reached, when it is GitHub.
    pub fn github(&self) -> Option<crate::effect::GitHub> {
        (self.kind == ForgeKind::Github).then(|| crate::effect::GitHub {
            api: self.api.clone().unwrap_or_else(|| "https://api.github.com".to_owned()),
            token_env: self.token_env.clone().unwrap_or_else(|| "GITHUB_TOKEN".to_owned()),
        })
    }
}

fn default_base() -> String {
    "main".to_owned()
}
