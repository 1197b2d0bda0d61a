//! TLS: ended here, with HTTP/2 and the certificate of the name that is asked for, or passed on as it is. The clients are curl and openssl.

use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::site::Site;
use crate::world::{World, deploy, folder, port};

fn certificate(folder: &Path, name: &str) -> PathBuf {
    let (key, chain, both) = (folder.join(format!("{name}.key")), folder.join(format!("{name}.crt")), folder.join(format!("{name}.pem")));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj"])
        .arg(format!("/CN={name}"))
        .args(["-addext", &format!("subjectAltName=DNS:{name}")])
        .args(["-keyout".as_ref(), key.as_os_str(), "-out".as_ref(), chain.as_os_str()])
        .output()
        .expect("openssl");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    std::fs::write(&both, [std::fs::read(&chain).unwrap(), std::fs::read(&key).unwrap()].concat()).unwrap();
    both
}

async fn curl(args: Vec<String>) -> (bool, String) {
    let out =
        tokio::task::spawn_blocking(move || Command::new("curl").args(["-sS", "--max-time", "10"]).args(args).output().expect("curl"))
            .await
            .unwrap();
    (out.status.success(), format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr)))
}

fn asked(name: &str, port: u16, trusted: &Path, more: &[&str]) -> Vec<String> {
    let mut args = vec!["--resolve".to_owned(), format!("{name}:{port}:127.0.0.1"), "--cacert".to_owned(), trusted.display().to_string()];
    args.extend(more.iter().map(ToString::to_string));
    args.push(format!("https://{name}:{port}/"));
    args
}

#[tokio::test(flavor = "multi_thread")]
async fn each_name_has_its_certificate_by_http_1_and_2() {
    let certificates = folder();
    let files: Vec<PathBuf> = ["shop.example.jp", "mail.example.jp"].map(|name| certificate(&certificates, name)).into();
    let https = port();
    let world = World::with(Some(https), files.clone()).await;
    let site = Site::new("v1").await;
    world.route(json!({})).await;
    world.deploy("v1", &[site.address]).await;
    for (file, name) in files.iter().zip(["shop.example.jp", "mail.example.jp"]) {
        for (version, shown) in [("--http1.1", "1.1"), ("--http2", "2")] {
            let (good, said) = curl(asked(name, https.port(), file, &[version, "-w", " %{http_version}"])).await;
            assert!(good && said == format!("v1 {shown}"), "{name} {version}: {said}");
        }
    }
    assert!(site.heard().iter().all(|line| line.contains("\"x-forwarded-proto\": \"https\"")));
    // Renewed: the file is another one, and nobody has to be disconnected.
    let (good, _) = curl(asked("shop.example.jp", https.port(), &files[1], &[])).await;
    assert!(!good, "curl checks the certificate");
    certificate(&certificates, "shop.example.jp");
    assert!(!curl(asked("shop.example.jp", https.port(), &files[0], &[])).await.0, "still the old one");
    assert_eq!(world.done("POST", "/v1/certificates", json!(null)).await["certificates"], 2);
    assert!(curl(asked("shop.example.jp", https.port(), &files[0], &[])).await.0);
    std::fs::write(&files[0], "nothing").unwrap();
    let (status, said) = world.tell("POST", "/v1/certificates", json!(null)).await;
    assert!(status.is_client_error() && said["error"].as_str().is_some_and(|text| text.contains("Those that are there stay")), "{said}");
    assert!(curl(asked("mail.example.jp", https.port(), &files[1], &[])).await.0);
    drop(std::fs::remove_dir_all(certificates));
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_can_be_passed_on_as_it_is() {
    let certificates = folder();
    let (ours, theirs) = (certificate(&certificates, "shop.example.jp"), certificate(&certificates, "bank.example.jp"));
    let (https, bank) = (port(), port());
    let world = World::with(Some(https), vec![ours.clone()]).await;
    let site = Site::new("v1").await;
    world.route(json!({})).await;
    world.deploy("v1", &[site.address]).await;
    let mut server = Command::new("openssl")
        .args(["s_server", "-www", "-accept", &bank.to_string(), "-cert"])
        .arg(&theirs)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl");
    world
        .done(
            "PUT",
            "/v1/routes/bank",
            json!({ "hosts": ["bank.example.jp"], "tls_passthrough": true, "health": { "within_ms": 3000, "every_ms": 50 } }),
        )
        .await;
    world.done("POST", "/v1/routes/bank/deploy", deploy("v1", &[bank])).await;
    let (good, said) = curl(asked("bank.example.jp", https.port(), &theirs, &[])).await;
    assert!(good && said.contains("s_server"), "the bank's own certificate and its own answer: {said}");
    let (good, said) = curl(asked("shop.example.jp", https.port(), &ours, &[])).await;
    assert!(good && said == "v1", "the others are as before: {said}");
    let state = world.done("GET", "/v1/routes/bank", json!(null)).await;
    assert_eq!((&state["stable"]["counts"]["upgraded"], &state["stable"]["targets"][0]["seen"]["connected"]), (&json!(1), &json!(true)));
    server.kill().unwrap();
    server.wait().unwrap();
    let (_, said) = world.tell("POST", "/v1/routes/bank/deploy", deploy("v2", &[bank])).await;
    assert_eq!(said["refused"], "unwell", "{said}");
    drop(std::fs::remove_dir_all(certificates));
}
