//! What people do, in one line each, so that a test reads like the night it tells of.

use hikeshi_domain::command::Command;
use hikeshi_domain::emergency::{self, Check, CheckKind, Condition, Conditions, Judgement, Plan, Step, Verification};
use hikeshi_domain::ids::{EmergencyId, EnvironmentName, IncidentId, ServiceName, TargetName};
use hikeshi_domain::incident::{self, Business, Impact, Triage, Urgency};
use hikeshi_domain::obligation;
use hikeshi_domain::refusal::Refusal;

use crate::people::person;
use crate::world::World;

/// Parts of a plan that is in order; a test changes what it is about.
pub struct Plans;

impl Plans {
    pub fn target() -> anyhow::Result<TargetName> {
        Ok(TargetName::new("reservation-prod")?)
    }

    /// Two steps that change one file inside the scope, and a check for each verification.
    pub fn repair() -> anyhow::Result<Plan> {
        Ok(Plan {
            target: Self::target()?,
            executor: person("sato")?,
            summary: "接続先を新しいデータベースに直す".to_owned(),
            steps: vec![Self::step("接続先を書き換える", "write config/app.toml host=db2"), Self::step("読み込み直す", "say reloaded")],
            terminal: None,
            scope: vec!["config".to_owned()],
            verification: Verification {
                solved: vec![Self::check("予約できる")], unaffected: vec![Self::check("一覧が見える")]
            },
            witnesses: vec![person("suzuki")?, person("yamamoto")?],
        })
    }

    pub fn step(title: &str, run: &str) -> Step {
        Step { title: title.to_owned(), run: run.to_owned(), timeout_s: 60, dangerous: false }
    }

    pub fn check(title: &str) -> Check {
        Check {
            title: title.to_owned(),
            kind: CheckKind::Http { url: "http://127.0.0.1:1/".to_owned(), status: 200, body_contains: None },
            timeout_s: 5,
        }
    }

    /// All four conditions of rule E1, with their evidence.
    pub fn conditions() -> anyhow::Result<Conditions> {
        let because = |statement: &str, evidence: &str| Condition { statement: statement.to_owned(), evidence: evidence.to_owned() };
        Ok(Conditions {
            serious_failure: because("予約がすべて失敗している", "監視 reservation-http、5xx が 100%"),
            normal_flow_cannot: because("通常のデプロイは検証環境の復旧を待つため今夜は使えない", "ci の停止通知 02:40"),
            cannot_wait: because("朝 6 時の便の予約が受けられない", "1 時間あたり約 120 件の予約"),
            judged_by: Judgement { person: Some(person("takahashi")?), evidence: "02:50 に電話で確認".to_owned() },
        })
    }

    pub fn grave() -> Triage {
        Triage { impact: Impact::AllUsers, business: Business::LostSales, urgency: Urgency::Now, priority_override: None }
    }
}

fn number<T: std::str::FromStr<Err = hikeshi_domain::ids::IdError>>(made: Option<String>) -> anyhow::Result<T> {
    Ok(made.ok_or_else(|| anyhow::anyhow!("nothing was made"))?.parse()?)
}

impl World {
    pub async fn open_incident(&self, who: &str) -> anyhow::Result<IncidentId> {
        let open = incident::Command::Open {
            title: "予約ができない".to_owned(),
            summary: "02:55 から全件失敗".to_owned(),
            service: ServiceName::new("reservation")?,
            environment: EnvironmentName::new("production")?,
            triage: Plans::grave(),
            detected_at: None,
        };
        number(self.does(who, Command::Incident(open)).await?.made)
    }

    pub async fn acknowledge(&self, who: &str, incident: IncidentId) -> anyhow::Result<()> {
        self.does(who, Command::Incident(incident::Command::Acknowledge { incident })).await.map(drop)
    }

    pub async fn resolve(&self, who: &str, incident: IncidentId) -> anyhow::Result<()> {
        let resolve = incident::Command::Resolve { incident, what: "接続先を直した".to_owned() };
        self.does(who, Command::Incident(resolve)).await.map(drop)
    }

    pub async fn request(&self, who: &str, incident: IncidentId, plan: Plan) -> anyhow::Result<EmergencyId> {
        let request = emergency::Command::Request { incident, conditions: Plans::conditions()?, plan };
        number(self.does(who, Command::Emergency(request)).await?.made)
    }

    /// Approves the plan as it stands now.
    pub async fn approve(&self, who: &str, emergency: EmergencyId) -> anyhow::Result<()> {
        let digest = self.emergency(emergency).await?.emergency.digest;
        let approve = emergency::Command::Approve { emergency, digest, judgement: "緊急と判断します".to_owned() };
        self.does(who, Command::Emergency(approve)).await.map(drop)
    }

    pub async fn may_not_approve(&self, who: &str, emergency: EmergencyId) -> anyhow::Result<Refusal> {
        let digest = self.emergency(emergency).await?.emergency.digest;
        let approve = emergency::Command::Approve { emergency, digest, judgement: "緊急と判断します".to_owned() };
        self.may_not(who, Command::Emergency(approve)).await
    }

    pub async fn join(&self, who: &str, emergency: EmergencyId) -> anyhow::Result<()> {
        self.does(who, Command::Emergency(emergency::Command::Join { emergency })).await.map(drop)
    }

    /// The witness's page says that they are still there.
    pub async fn watch(&self, who: &str, emergency: EmergencyId) -> anyhow::Result<()> {
        self.does(who, Command::Emergency(emergency::Command::Watch { emergency })).await.map(drop)
    }

    pub async fn leave(&self, who: &str, emergency: EmergencyId) -> anyhow::Result<()> {
        self.does(who, Command::Emergency(emergency::Command::Leave { emergency })).await.map(drop)
    }

    /// Starts, and waits until the backup has been tried.
    pub async fn start_exception(&self, who: &str, emergency: EmergencyId) -> anyhow::Result<()> {
        self.does(who, Command::Emergency(emergency::Command::Start { emergency })).await?;
        self.idle().await
    }

    /// Orders a step, and waits until it has ended.
    pub async fn run_step(&self, who: &str, emergency: EmergencyId, step: u32) -> anyhow::Result<()> {
        self.order_step(who, emergency, step).await?;
        self.idle().await
    }

    /// Orders a step, and does not wait.
    pub async fn order_step(&self, who: &str, emergency: EmergencyId, step: u32) -> anyhow::Result<()> {
        self.does(who, Command::Emergency(emergency::Command::Step { emergency, step, confirm: String::new() })).await.map(drop)
    }

    pub async fn verify(&self, who: &str, emergency: EmergencyId) -> anyhow::Result<()> {
        self.does(who, Command::Emergency(emergency::Command::Verify { emergency })).await?;
        self.idle().await
    }

    pub async fn restore(&self, who: &str, emergency: EmergencyId) -> anyhow::Result<()> {
        let restore = emergency::Command::Restore { emergency, reason: "直らなかった".to_owned(), confirm: emergency.to_string() };
        self.does(who, Command::Emergency(restore)).await?;
        self.idle().await
    }

    pub async fn close(&self, who: &str, emergency: EmergencyId) -> anyhow::Result<()> {
        self.does(who, Command::Emergency(emergency::Command::Close { emergency })).await?;
        self.idle().await
    }

    /// From nothing to an exception that is approved, watched by two, backed up, and may run its first step.
    pub async fn until_executing(&self, plan: Plan) -> anyhow::Result<EmergencyId> {
        self.hands.put_file(&plan.target, "config/app.toml", b"host=db1");
        let executor = plan.executor.to_string();
        let incident = self.open_incident("watanabe").await?;
        self.acknowledge("watanabe", incident).await?;
        let emergency = self.request("tanaka", incident, plan).await?;
        self.approve("takahashi", emergency).await?;
        self.join("suzuki", emergency).await?;
        self.join("yamamoto", emergency).await?;
        self.start_exception(&executor, emergency).await?;
        Ok(emergency)
    }

    pub async fn report(&self, who: &str, obligation: hikeshi_domain::ids::ObligationId) -> anyhow::Result<()> {
        let words = |text: &str| text.to_owned();
        let judgement = obligation::Judgement {
            problem: words("予約がすべて失敗した"),
            impact: words("全利用者、32 分間"),
            cause: words("切り替え後の接続先が古いまま残っていた"),
            response: words("接続先を書き換え、読み込み直した"),
            prevention: vec![words("切り替え手順に設定の確認を入れる")],
        };
        self.does(who, Command::Obligation(obligation::Command::Report { obligation, judgement })).await?;
        self.idle().await
    }
}
