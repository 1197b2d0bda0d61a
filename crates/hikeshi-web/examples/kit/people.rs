//! A small team with names as teams really write them, and the policy that it works by. Every rule keeps its default number.
//!
//! | handle | roles |
//! |---|---|
//! | `tanaka` | developer: asks |
//! | `sato` | developer: carries out |
//! | `suzuki` | senior: witnesses |
//! | `yamamoto` | developer: witnesses |
//! | `takahashi` | cto: approves |
//! | `ito` | dev-lead: approves when both must |
//! | `watanabe` | operator · `kobayashi` lead · `nakamura` manager: are paged |
//! | `kato` | admin: may change the policy |

use hikeshi_domain::ids::PersonId;
use hikeshi_domain::policy::Policy;

pub const POLICY: &str = r#"
[workspace]
name = "予約チーム"

[people]
tanaka = { name = "田中 一郎", roles = ["developer"], email = "tanaka@example.jp" }
sato = { name = "佐藤 花子", roles = ["developer"], email = "sato@example.jp" }
suzuki = { name = "鈴木 次郎", roles = ["senior"], email = "suzuki@example.jp" }
yamamoto = { name = "山本 大輔", roles = ["developer"] }
takahashi = { name = "髙橋 美咲", roles = ["cto"], email = "takahashi@example.jp" }
ito = { name = "伊藤 健", roles = ["dev-lead"] }
watanabe = { name = "渡邉 直子", roles = ["operator"] }
kobayashi = { name = "小林 由美", roles = ["lead"] }
nakamura = { name = "中村 誠", roles = ["manager"] }
kato = { name = "加藤 恵", roles = ["admin"], language = "en" }

[roles]
admin = { ja = "管理者", en = "administrator" }
cto = { ja = "CTO", en = "CTO" }
dev-lead = { ja = "開発リード", en = "development lead" }
developer = { ja = "開発者", en = "developer" }
lead = { ja = "リーダー", en = "lead" }
manager = { ja = "マネージャー", en = "manager" }
operator = { ja = "運用担当", en = "operator" }
senior = { ja = "シニア開発者", en = "senior developer" }

[services.reservation]
name = "予約"

[environments.production]
name = "本番"
exception_allowed = true

[environments.staging]
name = "検証"

[targets.reservation-prod]
service = "reservation"
environment = "production"
root = "/srv/reservation"
backups = "/srv/backups"
repository_path = "deploy"

[monitors.reservation-http]
service = "reservation"
environment = "production"
url = "http://127.0.0.1:1/health"
impact = "all_users"
business = "lost_sales"

[forge]
repository = "/srv/git/reservation.git"
requests = "/srv/requests"

[secrets]
patterns = ["hunter[0-9]+"]
"#;

/// The team's policy.
pub fn policy() -> anyhow::Result<Policy> {
    Ok(toml::from_str(POLICY)?)
}

/// A handle that is written in a test.
pub fn person(handle: &str) -> anyhow::Result<PersonId> {
    Ok(PersonId::new(handle)?)
}
