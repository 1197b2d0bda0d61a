//! Throw-away: a world to look at in a browser.
use hikeshi_domain::account::Command as Account;
use hikeshi_domain::command::Command;
use hikeshi_domain::emergency;
use hikeshi_domain::ids::{Digest, EmergencyId};
use hikeshi_domain::people::{Actor, Via};
use hikeshi_testkit::{Plans, World, people};
use std::sync::Arc;
use std::time::Duration;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let port: u16 = std::env::args().nth(1).and_then(|p| p.parse().ok()).unwrap_or(7499);
    let world = Arc::new(World::new().await?);
    let clock = Arc::clone(&world.clock);
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_millis(500)).await;
            clock.move_by(jiff::SignedDuration::from_millis(500));
        }
    });
    for who in ["tanaka", "sato", "suzuki", "yamamoto", "takahashi", "kato", "watanabe"] {
        for n in 0..5 {
            let secret = format!("link-secret-of-{who}-{n}-0123456789");
            world
                .say(
                    Actor::Startup,
                    Via::Inside,
                    Command::Account(Account::Invite {
                        person: people::person(who)?,
                        secret: Digest::of(secret.as_bytes()),
                        valid_min: 60,
                    }),
                )
                .await?;
        }
    }
    let inc = world.open_incident("watanabe").await?;
    let second = world.open_incident("watanabe").await?;
    world.acknowledge("kobayashi", second).await?;
    // one waiting for approval
    let mut plan = Plans::repair()?;
    plan.witnesses = vec![people::person("suzuki")?, people::person("yamamoto")?];
    let waiting = world.request("tanaka", inc, plan.clone()).await?;
    // one executing
    let running: EmergencyId = world.until_executing(plan.clone()).await?;
    let w = Arc::clone(&world);
    tokio::spawn(async move {
        loop {
            for who in ["suzuki", "yamamoto"] {
                let _ = w.watch(who, running).await;
            }
            tokio::time::sleep(Duration::from_secs(3)).await;
        }
    });
    world.run_step("sato", running, 1).await.ok();
    // one closed
    let done = world.until_executing(plan).await?;
    for step in 1..=5 {
        if world.run_step("sato", done, step).await.is_err() {
            break;
        }
    }
    world.verify("sato", done).await.ok();
    world.close("sato", done).await.ok();
    world
        .say(
            Actor::person(people::person("tanaka")?),
            Via::Web,
            Command::Emergency(emergency::Command::Approve { emergency: waiting, digest: Digest::of(b"x"), judgement: "急ぎ".into() }),
        )
        .await?;
    let public = std::env::args().nth(2).unwrap_or(port.to_string());
    let url = format!("http://localhost:{public}").parse()?;
    let app = hikeshi_web::app(hikeshi_web::WebOptions::new(world.door()?, url));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    for who in ["tanaka", "watanabe", "sato"] {
        let a = Actor::person(people::person(who)?);
        world
            .say(
                a,
                Via::Web,
                Command::Account(Account::IssueToken {
                    label: "t".into(),
                    secret: Digest::of(format!("token-of-{who}-0123456789").as_bytes()),
                    only: None,
                    valid_days: 9,
                }),
            )
            .await?;
    }
    println!("ready {waiting} {running} {done} {inc}");
    hikeshi_web::serve(listener, app, async {
        let _ = tokio::signal::ctrl_c().await;
    })
    .await?;
    Ok(())
}
