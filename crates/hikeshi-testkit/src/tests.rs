//! The world itself must be right before anything is tested in it.

use hikeshi_domain::emergency::{Ending, Status, StepState};
use hikeshi_domain::obligation::{Kind, Status as Owed};

use crate::{Fault, Plans, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_night_goes_well() -> anyhow::Result<()> {
    let world = World::new().await?;
    let emergency = world.until_executing(Plans::repair()?).await?;
    assert_eq!(world.emergency(emergency).await?.emergency.status, Status::Executing);
    world.run_step("sato", emergency, 1).await?;
    world.run_step("sato", emergency, 2).await?;
    assert_eq!(world.hands.file(&Plans::target()?, "config/app.toml").as_deref(), Some(b"host=db2".as_slice()));
    world.verify("sato", emergency).await?;
    world.close("sato", emergency).await?;

    let view = world.emergency(emergency).await?;
    assert_eq!(view.emergency.ending, Some(Ending::Solved));
    assert_eq!(view.emergency.changes.iter().map(|change| change.path.as_str()).collect::<Vec<_>>(), ["config/app.toml"]);
    let report = view.obligations.iter().find(|owed| owed.kind == Kind::Report).expect("a report is owed");
    world.report("tanaka", report.id).await?;
    assert_eq!(world.obligation(report.id).await?.obligation.status, Owed::Done);
    world.end().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_puts_every_byte_back() -> anyhow::Result<()> {
    let world = World::new().await?;
    let emergency = world.until_executing(Plans::repair()?).await?;
    world.run_step("sato", emergency, 1).await?;
    world.restore("sato", emergency).await?;
    let view = world.emergency(emergency).await?;
    assert_eq!(world.hands.file(&Plans::target()?, "config/app.toml").as_deref(), Some(b"host=db1".as_slice()));
    assert_eq!(view.emergency.restored.and_then(|restored| restored.manifest), view.emergency.backup.map(|backup| backup.manifest));
    assert!(view.emergency.changes.is_empty());
    world.end().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_whose_end_nobody_knows_is_not_done_twice() -> anyhow::Result<()> {
    let mut world = World::new().await?;
    let emergency = world.until_executing(Plans::repair()?).await?;
    world.hands.next("run_step", Fault::DiesUntold);
    world.order_step("sato", emergency, 1).await?;
    world.until("the step has run", || async { Ok(world.hands.deeds().iter().any(|deed| deed.kind == "run_step")) }).await?;
    world.die();
    world.come_back().await?;
    world.idle().await?;
    let view = world.emergency(emergency).await?;
    assert!(matches!(view.emergency.steps.first(), Some(StepState::InDoubt { .. })), "{:?}", view.emergency.steps);
    assert_eq!(world.hands.deeds().iter().filter(|deed| deed.kind == "run_step").count(), 1);
    world.end().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_requester_may_not_approve_and_the_refusal_names_the_rule() -> anyhow::Result<()> {
    let world = World::new().await?;
    let incident = world.open_incident("watanabe").await?;
    let emergency = world.request("tanaka", incident, Plans::repair()?).await?;
    let refusal = world.may_not_approve("tanaka", emergency).await?;
    assert_eq!((refusal.rule(), refusal.code()), ("E3", "emergency.self_approval"));
    world.end().await
}
