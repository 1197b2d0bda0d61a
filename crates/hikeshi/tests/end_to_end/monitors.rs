//! What a monitor can look at, each with the real thing: programs, a log that is rotated, a TLS server, Prometheus, PostgreSQL, hosts over ssh.
//! And that none of them is green when nothing could be measured.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use hikeshi_store::testing::{Scratch, execute};
use serde_json::Value;

use super::harness::{Workspace, text, until};
use super::sshd::Sshd;

/// One monitor in the policy file, looked at twice a second; the second look that is not well is told.
fn monitor(name: &str, looks: &str) -> String {
    format!(
        "\n[monitors.{name}]\nservice = \"web\"\nenvironment = \"production\"\n{looks}\ninterval_s = 0.5\nfailures = 2\nrecoveries = 1\n\
         impact = \"one_function\"\nbusiness = \"slight\"\n"
    )
}

fn seen(workspace: &Workspace, name: &str) -> Value {
    let view = workspace.ok("tanaka", &["monitor", "list"]);
    let rows = view["monitors"].as_array().expect("monitors").clone();
    rows.into_iter().find(|row| row["monitor"] == name).expect("declared")
}

/// Until the monitor is so, `None`: cannot be measured. What it saw.
fn becomes(workspace: &Workspace, name: &str, healthy: Option<bool>) -> String {
    let so = |row: &Value| match healthy {
        Some(healthy) => row["healthy"] == healthy,
        None => row["healthy"].is_null() && row["unmeasured"].is_string(),
    };
    until(&format!("{name} becomes {healthy:?}; now {}", seen(workspace, name)), || so(&seen(workspace, name)));
    let row = seen(workspace, name);
    let words = if healthy.is_none() { &row["unmeasured"] } else { &row["seen"] };
    words.as_str().unwrap_or_default().to_owned()
}

fn says(found: &str, wanted: &str) {
    assert!(found.contains(wanted), "{found:?} does not say {wanted:?}");
}

fn titles(workspace: &Workspace) -> Vec<String> {
    let rows = workspace.ok("tanaka", &["incident", "list", "--all"])["rows"].as_array().cloned().expect("rows");
    rows.iter().map(|row| row["title"].as_str().expect("a title").to_owned()).collect()
}

/// Another program, ended with the test.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bound").local_addr().expect("an address").port()
}

#[test]
fn a_program_says_by_its_end_or_its_number_whether_something_is_well() {
    let workspace = Workspace::with_policy("monitor-command", &["tanaka"], |workspace| {
        let state = workspace.path("state").display().to_string();
        std::fs::write(&state, "3\n").expect("written");
        monitor("queue", &format!("command = {{ run = [\"cat\", \"{state}\"], above = 5, below = 1 }}"))
            + &monitor("lock", "command = { run = [\"test\", \"-f\", \"config/app.toml\"], target = \"web-prod\" }")
            + &monitor("late", "command = { run = [\"sleep\", \"60\"] }\ntimeout_s = 0.5")
    });
    let state = |text: &str| std::fs::write(workspace.path("state"), text).expect("written");
    assert_eq!(becomes(&workspace, "queue", Some(true)), "3");
    becomes(&workspace, "lock", Some(true));
    says(&becomes(&workspace, "late", Some(false)), "did not end within 0.5 s");
    until("the incident", || titles(&workspace).len() == 1);
    state("7.5\n");
    assert_eq!(becomes(&workspace, "queue", Some(false)), "7.5 is above 5");
    state("password=swordfish99\n");
    let why = becomes(&workspace, "queue", None);
    assert_eq!(why, "the first line is no number: \"password=[masked]\"");
    assert_eq!(titles(&workspace).len(), 1, "the same service is the same incident");
    state("2\n");
    becomes(&workspace, "queue", Some(true));
    std::fs::remove_file(workspace.path("root/config/app.toml")).expect("removed");
    says(&becomes(&workspace, "lock", Some(false)), "exit 1");
    let row = seen(&workspace, "queue");
    let verdicts: Vec<&str> = row["points"].as_array().expect("points").iter().filter_map(|point| point["verdict"].as_str()).collect();
    for verdict in ["passed", "failed", "unmeasured"] {
        assert!(verdicts.contains(&verdict), "{verdicts:?}");
    }
}

#[test]
fn what_cannot_be_measured_opens_an_incident_that_says_so_and_recovers() {
    let workspace = Workspace::with_policy("monitor-cannot", &["tanaka"], |_| {
        monitor("tool", "command = { run = [\"/nowhere/hikeshi-no-such-program\"] }")
    });
    says(&becomes(&workspace, "tool", None), "cannot be started");
    until("an incident", || titles(&workspace).len() == 1);
    says(&titles(&workspace)[0], "cannot be measured: /nowhere/hikeshi-no-such-program cannot be started");
    let shown = workspace.as_person("tanaka").args(["monitor", "list"]).output().expect("ran");
    says(&text(&shown), "! cannot be measured tool (command)");
    let ja = workspace.as_person("tanaka").env("HIKESHI_LANG", "ja").args(["monitor", "list"]).output().expect("ran");
    says(&text(&ja), "! 測定不可 tool (コマンド)");
    let now = workspace.ok("tanaka", &["now"]);
    assert!(now["monitors"][0]["healthy"].is_null(), "{now}");
}

#[test]
fn lines_of_a_log_are_counted_through_rotation_and_shown_without_their_secrets() {
    let workspace = Workspace::with_policy("monitor-log", &["tanaka"], |workspace| {
        let file = workspace.path("app.log").display().to_string();
        std::fs::write(&file, "FATAL long ago\nFATAL long ago\nFATAL long ago\n").expect("written");
        monitor("app", &format!("log = {{ file = \"{file}\", pattern = \"ERROR|CRITICAL|FATAL\", more_than = 2, within_s = 6 }}"))
            + &monitor(
                "printed",
                "log = { run = [\"printf\", \"FATAL a\\\\nINFO b\\\\n\"], pattern = \"FATAL\", more_than = 3, within_s = 60 }",
            )
    });
    let file = workspace.path("app.log");
    let write = |text: &str| {
        File::options().append(true).create(true).open(&file).expect("opened").write_all(text.as_bytes()).expect("written");
    };
    assert_eq!(becomes(&workspace, "app", Some(true)), "0 lines within 6 s", "what was there before is not counted");
    says(&becomes(&workspace, "printed", Some(false)), "lines within 60 s, more than 3; the last one: FATAL a");
    write("ERROR one\nINFO fine\n");
    std::fs::rename(&file, workspace.path("app.log.1")).expect("rotated");
    // What an old process still writes belongs to the log as well.
    File::options().append(true).open(workspace.path("app.log.1")).expect("opened").write_all(b"ERROR two\n").expect("written");
    write("ERROR three, token=swordfish9999\n");
    let found = becomes(&workspace, "app", Some(false));
    assert_eq!(found, "3 lines within 6 s, more than 2; the last one: ERROR three, token=[masked]");
    becomes(&workspace, "app", Some(true));
    std::fs::write(&file, "").expect("emptied");
    std::thread::sleep(std::time::Duration::from_millis(1_200));
    write("CRITICAL a\nCRITICAL b\nCRITICAL c\n");
    says(&becomes(&workspace, "app", Some(false)), "the last one: CRITICAL c");
    std::fs::remove_file(&file).expect("removed");
    says(&becomes(&workspace, "app", None), "cannot be opened");
}

fn openssl(dir: &Path, arguments: &[&str]) {
    let done = Command::new("openssl").current_dir(dir).args(arguments).output().expect("openssl");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn a_certificate_that_ends_soon_is_a_failure_with_its_date() {
    let mut workspace = Workspace::new("monitor-tls");
    let dir = workspace.dir.clone();
    openssl(
        &dir,
        &["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "90", "-subj", "/CN=test CA", "-keyout", "ca.key", "-out", "ca.pem"],
    );
    openssl(&dir, &["req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", "web.key", "-out", "web.csr"]);
    std::fs::write(dir.join("web.ext"), "subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth\n").expect("written");
    openssl(
        &dir,
        &[
            "x509",
            "-req",
            "-in",
            "web.csr",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-days",
            "20",
            "-extfile",
            "web.ext",
            "-out",
            "web.pem",
        ],
    );
    let port = free_port();
    let mut server = Command::new("openssl");
    server.current_dir(&dir).args(["s_server", "-quiet", "-www", "-cert", "web.pem", "-key", "web.key", "-port", &port.to_string()]);
    let _server = Program(server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("openssl"));
    until("it listens", || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok());
    let url = format!("url = \"https://localhost:{port}/\"");
    let monitors = monitor("enough", &format!("{url}\ntls_days = 14")) + &monitor("ends", &format!("{url}\ntls_days = 30"));
    workspace = workspace.policy(|policy| policy + &monitors);
    workspace.env.insert("SSL_CERT_FILE".to_owned(), dir.join("ca.pem").display().to_string());
    let workspace = workspace.introduced(&["tanaka"]);
    says(&becomes(&workspace, "enough", Some(true)), "HTTP 200");
    let found = becomes(&workspace, "ends", Some(false));
    let date =
        Command::new("openssl").current_dir(&dir).args(["x509", "-in", "web.pem", "-noout", "-enddate", "-dateopt", "iso_8601"]).output();
    let date = String::from_utf8(date.expect("openssl").stdout).expect("text");
    let day = date.trim().strip_prefix("notAfter=").expect("a date").split(' ').next().expect("a day").to_owned();
    says(&found, "the certificate is valid for 19 days more, until ");
    says(&found, &day);
    says(&found, "30 days are wanted");
}

/// A page with the numbers of a test, for Prometheus to look at.
fn metrics(numbers: &str) -> (u16, Arc<Mutex<String>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bound");
    let port = listener.local_addr().expect("an address").port();
    let page = Arc::new(Mutex::new(numbers.to_owned()));
    let shown = Arc::clone(&page);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let page = shown.lock().expect("a page").clone();
            let head = format!("HTTP/1.0 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\ncontent-length: {}\r\n\r\n", page.len());
            let _ = stream.write_all((head + &page).as_bytes());
        }
    });
    (port, page)
}

#[test]
fn a_query_of_a_real_prometheus_is_compared_and_its_budget_burns() {
    let (port, page) = metrics("queue_length{shop=\"a\"} 3\nqueue_length{shop=\"b\"} 40\nbad_share 0\n");
    let own = free_port();
    let workspace = Workspace::new("monitor-prometheus");
    let config = format!(
        "global: {{scrape_interval: 1s}}\nscrape_configs:\n- job_name: shop\n  static_configs: [{{targets: ['127.0.0.1:{port}']}}]\n"
    );
    std::fs::write(workspace.path("prometheus.yml"), config).expect("written");
    let mut prometheus = Command::new("prometheus");
    prometheus
        .current_dir(&workspace.dir)
        .args(["--config.file=prometheus.yml", "--storage.tsdb.path=data-of-prometheus", &format!("--web.listen-address=127.0.0.1:{own}")])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut prometheus = Program(prometheus.spawn().expect("prometheus; `./test tools` installs it"));
    let of = |query: &str, more: &str| format!("prometheus = {{ url = \"http://127.0.0.1:{own}\", query = '{query}', {more} }}");
    let monitors = monitor("queue", &of("queue_length", "above = 100"))
        + &monitor("gone", &of("no_such_metric", "above = 1"))
        + &monitor("quiet", &of("no_such_metric", "above = 1, no_data = \"healthy\""))
        + &monitor("wrong", &of("sum(", "above = 1"))
        + &monitor("slo", &of("max_over_time(bad_share[$window])", "objective = 99.9"));
    let workspace = workspace.policy(|policy| policy + &monitors).introduced(&["tanaka"]);
    assert_eq!(becomes(&workspace, "queue", Some(true)), "40, the nearest to its limit of 2 series");
    says(&becomes(&workspace, "gone", None), "the query finds no data");
    becomes(&workspace, "quiet", Some(true));
    says(&becomes(&workspace, "wrong", None), "parse error");
    assert_eq!(becomes(&workspace, "slo", Some(true)), "the error budget of 99.9 % burns at 0 over 1h, 0 over 6h");
    *page.lock().expect("a page") = "queue_length{shop=\"a\"} 3\nqueue_length{shop=\"b\"} 400\nbad_share 0.02\n".to_owned();
    let found = becomes(&workspace, "queue", Some(false));
    says(&found, "400 is above 100 (__name__=queue_length, instance=");
    says(&found, "shop=b");
    says(&becomes(&workspace, "slo", Some(false)), "burns at 20 times the even rate over 1h and 20 over 5m; 14.4 is too fast");
    prometheus.0.kill().expect("killed");
    prometheus.0.wait().expect("ended");
    says(&becomes(&workspace, "slo", None), "Prometheus cannot be asked");
    says(&becomes(&workspace, "quiet", None), "Prometheus cannot be asked");
}

#[test]
fn a_real_postgresql_is_asked_for_its_connections_longest_query_and_size() {
    let scratch = Scratch::postgres();
    let hikeshi_store::Location::Postgres(url) = scratch.location().clone() else { panic!("a URL") };
    let role = format!("watch_{}", std::process::id());
    execute(&url, &format!("CREATE ROLE {role} LOGIN PASSWORD 'swordfish-of-the-watch'")).expect("a role");
    let as_role = url.replace("postgres://postgres@", &format!("postgres://{role}:swordfish-of-the-watch@"));
    let mut workspace = Workspace::new("monitor-postgres").policy(|policy| {
        let all = "connections_percent = 90, longest_query_s = 2, size_gib = 100";
        policy
            + &monitor("db", &format!("postgres = {{ url_env = \"WATCHED_DB\", {all} }}"))
            + &monitor("large", "postgres = { url_env = \"WATCHED_DB\", size_gib = 0.001 }")
            + &monitor("blind", "postgres = { url_env = \"BLIND_DB\", longest_query_s = 2 }")
            + &monitor("unset", "postgres = { url_env = \"NO_SUCH_DB\", size_gib = 1 }")
            + &monitor("stranger", "postgres = { url_env = \"STRANGER_DB\", size_gib = 1 }")
            + &monitor("down", "postgres = { url_env = \"DOWN_DB\", size_gib = 1 }")
    });
    workspace.env.insert("WATCHED_DB".to_owned(), url.clone());
    workspace.env.insert("BLIND_DB".to_owned(), as_role.clone());
    workspace.env.insert("STRANGER_DB".to_owned(), url.replace("postgres://postgres@", "postgres://no-such-role:swordfish-of-the-watch@"));
    workspace.env.insert("DOWN_DB".to_owned(), "postgres://watch:swordfish-of-the-watch@127.0.0.1:1/app".to_owned());
    let workspace = workspace.introduced(&["tanaka"]);
    // Other tests use the same server: what they run may take as long as it likes.
    until("the sizes are seen", || seen(&workspace, "db")["seen"].as_str().is_some_and(|seen| seen.contains("GiB")));
    let found = seen(&workspace, "db")["seen"].as_str().expect("words").to_owned();
    says(&found, " of 300 connections");
    says(&becomes(&workspace, "large", Some(false)), "GiB (0.001 allowed)");
    says(&becomes(&workspace, "blind", None), "GRANT pg_monitor");
    says(&becomes(&workspace, "unset", None), "NO_SUCH_DB is not set");
    says(&becomes(&workspace, "stranger", None), "no-such-role");
    says(&becomes(&workspace, "down", Some(false)), "refused");
    let slow = std::thread::spawn({
        let url = url.clone();
        move || execute(&url, "SELECT pg_sleep(8)")
    });
    says(&becomes(&workspace, "db", Some(false)), "the longest query has run for");
    slow.join().expect("ended").expect("slept");
    execute(&url, &format!("GRANT pg_monitor TO {role}")).expect("granted");
    until("with the right to see, it sees", || !seen(&workspace, "blind")["healthy"].is_null());
    let everything = workspace.ok("tanaka", &["monitor", "list"]).to_string()
        + &workspace.ok("tanaka", &["ledger", "show", "--limit", "50"]).to_string();
    assert!(!everything.contains("swordfish"), "{everything}");
    execute(&url, &format!("DROP ROLE {role}")).expect("dropped");
}

#[test]
fn the_servers_host_and_one_over_ssh_are_measured_by_the_same_numbers() {
    let sshd = Sshd::start(&Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("sshd-monitor-{}", std::process::id())));
    let live = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bound");
    let port = live.local_addr().expect("an address").port();
    let limits = "memory_percent = 99.9, disk_percent = 99.9, cpu_percent = 100";
    let workspace = Workspace::new("monitor-host");
    let place = |table: &str, key: &str| {
        format!(
            "\n[targets.{table}]\nservice = \"web\"\nenvironment = \"production\"\nroot = \"{}/root\"\nbackups = \"{}/backups\"\n\
             ssh = {{ destination = \"{}\", port = {}, identity_file = \"{}\", host_keys = [\"{key}\"] }}\n",
            workspace.dir.display(),
            workspace.dir.display(),
            Sshd::destination(),
            sshd.port,
            sshd.identity(),
        )
    };
    let more = place("far", &sshd.host_key())
        + &place("stranger", &sshd.public("other"))
        + &monitor("here", &format!("host = {{ {limits} }}"))
        + &monitor("there", &format!("host = {{ target = \"far\", {limits} }}\ntimeout_s = 20"))
        + &monitor("live", &format!("host = {{ connections = {{ port = {port}, above = 1 }} }}"))
        + &monitor("full", "host = { target = \"far\", memory_percent = 0.01 }\ntimeout_s = 20")
        + &monitor(
            "words",
            "command = { target = \"far\", run = [\"sh\", \"-c\", 'echo $SSH_CONNECTION \"it is $1\"; exit 3', \"x\", \"a  'b\"] }\ntimeout_s = 20",
        )
        + &monitor("key", "host = { target = \"stranger\", memory_percent = 99 }\ntimeout_s = 20")
        + &monitor("root", "command = { target = \"far\", run = [\"cat\", \"config/app.toml\"] }\ntimeout_s = 20");
    let workspace = workspace.policy(|policy| policy + &more).introduced(&["tanaka"]);
    for name in ["here", "there"] {
        let found = becomes(&workspace, name, Some(true));
        for part in ["the processors are ", "% of the memory is in use", "/ is "] {
            says(&found, part);
        }
    }
    says(&becomes(&workspace, "full", Some(false)), "(0.01 allowed)");
    assert_eq!(becomes(&workspace, "root", Some(true)), "value = 1");
    let words = becomes(&workspace, "words", Some(false));
    says(&words, "exit 3: 127.0.0.1");
    says(&words, "it is a  'b");
    says(&becomes(&workspace, "key", None), "host key");
    assert_eq!(becomes(&workspace, "live", Some(true)), format!("0 connections on port {port}"));
    let _open: Vec<TcpStream> = (0..2).map(|_| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("connected")).collect();
    // The listener has not taken them up: the kernel has.
    says(&becomes(&workspace, "live", Some(false)), &format!("connections on port {port} (1 allowed)"));
    let mut sshd = sshd;
    sshd.kill();
    says(&becomes(&workspace, "there", None), "cannot be reached");
}

#[test]
fn i10_what_follows_from_what_a_monitor_sees_calls_nobody_until_it_is_well() {
    let secret = "the-secret-of-the-sender-0123456789";
    let gateway = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bound");
    let address = gateway.local_addr().expect("an address");
    let mut workspace = Workspace::new("monitor-cause").policy(|policy| {
        let sources = "\n[alerts.sources.any]\nformat = \"json\"\ntoken_env = \"ALERTS_TOKEN\"\nservice = \"web\"\nenvironment = \"staging\"\nimpact = \"all_users\"\n\
             business = \"lost_sales\"\ngroup_by = [\"host\"]\nfields = { key = \"/id\", title = \"/title\", status = \"/status\", labels = \"/labels\" }\n\
             [alerts.inhibit.gateway-down]\nwhen = { monitor = \"gateway\" }\nholds = { labels = { kind = \"unreachable\" } }\nequal = []\n";
        policy + sources + &monitor("gateway", &format!("tcp = \"{address}\""))
    });
    workspace.env.insert("ALERTS_TOKEN".to_owned(), secret.to_owned());
    let workspace = workspace.introduced(&["tanaka"]);
    let fire = |host: &str, kind: &str| {
        let body = format!(
            r#"{{"id": "{host}", "title": "{host} に到達できない", "status": "firing", "labels": {{"kind": "{kind}", "host": "{host}"}}}}"#
        );
        let authorization = format!("Bearer {secret}");
        let to = format!("127.0.0.1:{}", workspace.port);
        let (status, said) =
            super::double::post(&to, "/inbound/alerts/any", "application/json", &[("authorization", &authorization)], body.as_bytes());
        assert_eq!(status, 200, "{said}");
    };
    becomes(&workspace, "gateway", Some(true));
    drop(gateway);
    says(&becomes(&workspace, "gateway", Some(false)), "refused");
    until("the monitor's own incident is there", || titles(&workspace).len() == 1);
    fire("web-1", "unreachable");
    fire("disk-1", "full");
    until("what has another cause opens one", || titles(&workspace).iter().any(|title| title.contains("disk-1")));
    assert_eq!(titles(&workspace).len(), 2, "what follows from it opened nothing: {:?}", titles(&workspace));
    let held = workspace.ok("tanaka", &["alert", "list"]);
    assert_eq!(held["held_total"], 1, "{held}");
    assert!(held["silences"].to_string().contains("gateway-down"), "and it can be seen why: {held}");
    let _back = TcpListener::bind(address).expect("bound again");
    becomes(&workspace, "gateway", Some(true));
    until("what still fires calls then", || titles(&workspace).iter().any(|title| title.contains("web-1")));
    assert_eq!(workspace.ok("tanaka", &["alert", "list"])["held_total"], 0);
}
