//! Every way in which a local ledger stays outside.

use super::*;

#[test]
fn everything_that_was_touched_is_turned_away_with_its_reason() {
    let mut night = Night::new();
    night.whole();
    let files = night.files();
    assert!(night.examine(&files).is_ok());
    let code = |result: Result<Home, LocalFlaw>| {
        let flaw = serde_json::to_value(result.expect_err("turned away")).expect("data");
        flaw["flaw"].as_str().expect("a code").to_owned()
    };
    let with = |name: &str, change: &dyn Fn(&[u8]) -> Vec<u8>| {
        let mut files = files.clone();
        let bytes = change(&files[name]);
        files.insert(name.to_owned(), bytes);
        files
    };
    let replace = |from: &'static str, to: &'static str| move |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(from, to).into_bytes();
    let mut missing = files.clone();
    missing.remove(parcel::TRUST_FILE);
    assert_eq!(code(night.examine(&missing)), "unreadable");
    assert_eq!(code(night.examine(&with(parcel::TRUST_FILE, &replace("\"cto\"", "\"developer\"")))), "trust_not_ours");
    assert_eq!(code(night.examine(&with(parcel::LEDGER_FILE, &replace("app.conf", "all.conf")))), "chain_broken");
    let cut = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let lines: Vec<&str> = text.lines().collect();
        (lines[..lines.len() - 1].join("\n") + "\n").into_bytes()
    };
    assert_eq!(code(night.examine(&with(parcel::LEDGER_FILE, &cut))), "bundle_flawed", "it is listed in the signed manifest");
    assert_eq!(code(night.examine(&with("entries.jsonl", &replace("app.conf", "all.conf")))), "bundle_flawed");
    assert_eq!(code(night.examine(&with("checkpoint.txt", &replace("example", "exempla")))), "bundle_flawed");
    let stranger = LedgerKey::from_seed(local_key().verifier().name(), &[1; 32]).expect("a key");
    assert_eq!(code(night.examine(&night.files_signed_by(&stranger))), "bundle_flawed");
}

/// Whoever holds the machine and its key writes the ledger again, so that every hash and signature of it is right.
#[test]
fn what_was_written_again_whole_is_found_by_asking_the_rules_again() {
    let code = |night: &Night| {
        let flaw = night.examined().expect_err("turned away");
        if let LocalFlaw::RuleBroken { refusal, .. } = &flaw {
            return refusal.code().to_owned();
        }
        serde_json::to_value(flaw).expect("data")["flaw"].as_str().expect("a code").to_owned()
    };
    let whole = || {
        let mut night = Night::new();
        night.whole();
        night
    };
    let mut night = whole();
    night.without("\"witness_joined\",\"emergency\":\"emg_1\",\"person\":\"suzuki\"");
    assert_eq!(code(&night), "emergency.quorum_missing", "the senior was never there");
    let mut night = whole();
    let plan = night.world.emergency(EmergencyId(1)).digest;
    let of_the_step = |witnesses: &str| format!("\"digest\":\"{plan}\",\"witnesses\":[{witnesses}]");
    night.rewritten(&of_the_step("\"suzuki\",\"takahashi\""), &of_the_step("\"suzuki\",\"tanaka\""));
    assert_eq!(code(&night), "emergency.quorum_missing", "the executor is no witness");
    let mut night = whole();
    night.without("\"entered_by_ssh\",\"person\":\"takahashi\"");
    assert_eq!(code(&night), "actor_unproven");
    let mut night = whole();
    night.without("\"emergency_approved\"");
    assert_eq!(code(&night), "bundle_flawed", "nobody has approved what was started");
    let mut night = whole();
    night.lines.pop();
    assert_eq!(code(&night), "still_open", "the end was cut off, and the rest signed again");
    let mut night = whole();
    night.rewritten("sed -i s/bad/good/ app.conf", "sed -i s/bad/evil/ app.conf");
    assert_eq!(code(&night), "bundle_flawed", "another plan than the signed one");
    let mut night = whole();
    night.rewritten("\"witnesses_min\":2", "\"witnesses_min\":1");
    assert_eq!(code(&night), "beginning_differs", "other terms than the server's");
    let mut night = whole();
    night.rewritten("\"kind\":\"emergency.close\"", "\"kind\":\"incident.note\"");
    assert!(night.examined().is_ok(), "the name of a command proves nothing, its consequences do");
    let mut night = whole();
    night.rewritten("\"due_at\":\"2026-11-23T", "\"due_at\":\"2027-11-23T");
    assert_eq!(code(&night), "rewritten", "what is owed later than the rules say");
    let mut night = Night::new();
    night.requested();
    assert_eq!(code(&night), "still_open");
    let mut night = Night::new();
    night.enter("tanaka").expect("entered");
    night.open();
    assert_eq!(code(&night), "no_exception");
}

#[test]
fn a_ledger_of_another_time_is_turned_away() {
    let mut night = Night::new();
    night.whole();
    let server = server_key();
    let files = night.files();
    let examine_at = |now| {
        let around = Around { server: server.verifier(), policy: night.server.all.policy().expect("a policy"), now, unpack: &|_, _| None };
        examine(&files, &around)
    };
    assert!(matches!(examine_at(hours(night.world.now, -1)), Err(LocalFlaw::TimeAhead { .. })));
    assert!(examine_at(hours(night.world.now, 24 * 30)).is_ok(), "late is an alarm, not a reason");
    // The key was taken back before it signed; there nobody could know.
    let mut policy = night.server.all.policy().expect("a policy").clone();
    policy.people.get_mut(&person("sato")).expect("known").ssh_keys[0].revoked_at = Some(night.server.now);
    night.server.all.workspace.policy = Some(std::sync::Arc::new(policy));
    let home = night.examined().expect("comes in, and is looked over");
    assert!(home.degraded.contains(&Degraded::KeyRevoked { person: person("sato") }), "{:?}", home.degraded);
}
