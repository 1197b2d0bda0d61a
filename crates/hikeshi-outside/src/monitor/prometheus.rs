//! A query that a Prometheus answers at this moment (`/api/v1/query`), compared with limits; or the burn rate of an objective over two pairs of
//! windows, as the SRE workbook of Google has it.

use std::ffi::OsStr;
use std::time::Duration;

use hikeshi_domain::monitor::burn::{self, PAIRS, Pair};
use hikeshi_domain::monitor::{Measured, Measuring, Verdict};
use hikeshi_domain::policy::{NoData, PrometheusMonitor, WINDOW};
use serde::Deserialize;
use serde_json::Value;

use super::{breach, short, shown};
use crate::Options;
use crate::probe::{BodyError, client, whole, words};

const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// By how much a share may be beyond its bounds: counters are extrapolated.
const ROUNDING: f64 = 0.01;

/// One series of an answer.
#[derive(Debug, PartialEq)]
struct Sample {
    labels: String,
    value: f64,
}

#[derive(Deserialize)]
struct Answer {
    status: String,
    #[serde(default)]
    error: String,
    data: Option<Data>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    result_type: String,
    result: Value,
}

#[derive(Deserialize)]
struct Series {
    metric: std::collections::BTreeMap<String, String>,
    value: (f64, String),
}

pub(super) async fn measure(options: &Options, measuring: &Measuring, timeout: Duration) -> Measured {
    let Some(prometheus) = &measuring.monitor.prometheus else { return Measured::unmeasured("no query is given") };
    let asked = async {
        match prometheus.objective {
            Some(objective) => burn(options, prometheus, objective, timeout).await,
            None => Ok(judged(&ask(options, prometheus, &prometheus.query, timeout).await?, prometheus)),
        }
    };
    match tokio::time::timeout(timeout, asked).await {
        Ok(Ok(measured)) => measured,
        Ok(Err(why)) => Measured::unmeasured(why),
        Err(_) => Measured::unmeasured(format!("no answer from Prometheus within {} s", timeout.as_secs_f64())),
    }
}

/// `Err`: why there is no answer.
async fn ask(options: &Options, prometheus: &PrometheusMonitor, query: &str, timeout: Duration) -> Result<Vec<Sample>, String> {
    let address = format!("{}/api/v1/query", prometheus.url.trim_end_matches('/'));
    let mut url = reqwest::Url::parse(&address).map_err(|error| error.to_string())?;
    url.query_pairs_mut().append_pair("query", query);
    let mut request = client(&prometheus.url)?.get(url).timeout(timeout);
    if let Some(name) = &prometheus.token_env {
        let token = options.env.get(OsStr::new(name)).and_then(|token| token.to_str());
        request = request.bearer_auth(token.ok_or_else(|| format!("the environment variable {name} is not set"))?);
    }
    let response = request.send().await.map_err(|error| format!("Prometheus cannot be asked: {}", words(&error.without_url())))?;
    let status = response.status();
    let body = whole(response, ANSWER_BYTES_MAX).await.map_err(|error| match error {
        BodyError::Broken(why) | BodyError::TooLong(why) => why,
    })?;
    read(&body).map_err(|why| format!("HTTP {}: {why}", status.as_u16()))
}

fn read(body: &[u8]) -> Result<Vec<Sample>, String> {
    let answer: Answer = serde_json::from_slice(body).map_err(|_| "this is not the answer of a Prometheus".to_owned())?;
    let data = match answer.data {
        Some(data) if answer.status == "success" => data,
        _ => return Err(shown(&answer.error)),
    };
    let unreadable = |error: serde_json::Error| format!("the answer cannot be read: {error}");
    let mut samples = Vec::new();
    match data.result_type.as_str() {
        "vector" => {
            for series in serde_json::from_value::<Vec<Series>>(data.result).map_err(unreadable)? {
                let labels: Vec<String> = series.metric.iter().map(|(name, value)| format!("{name}={value}")).collect();
                samples.push(Sample { labels: labels.join(", "), value: number(&series.value.1)? });
            }
        }
        "scalar" => {
            let (_, value): (f64, String) = serde_json::from_value(data.result).map_err(unreadable)?;
            samples.push(Sample { labels: String::new(), value: number(&value)? });
        }
        other => return Err(format!("the query gives a {}, not a number at this moment", shown(other))),
    }
    // Nothing divided by nothing is no number: that nothing happened is no data.
    samples.retain(|sample| !sample.value.is_nan());
    Ok(samples)
}

/// Rust reads `NaN` and `+Inf` as Prometheus writes them.
fn number(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| format!("\"{}\" is no number", shown(text)))
}

fn nothing(no_data: NoData) -> Measured {
    match no_data {
        NoData::Unmeasured => Measured::unmeasured("the query finds no data"),
        NoData::Healthy => Measured::passed("the query finds no data"),
        NoData::Failure => Measured::failed("the query finds no data"),
    }
}

fn judged(samples: &[Sample], prometheus: &PrometheusMonitor) -> Measured {
    let order = |a: &&Sample, b: &&Sample| a.value.total_cmp(&b.value);
    let (Some(lowest), Some(highest)) = (samples.iter().min_by(order), samples.iter().max_by(order)) else {
        return nothing(prometheus.no_data);
    };
    for sample in [highest, lowest] {
        if let Some(breach) = breach(sample.value, prometheus.above, prometheus.below) {
            let of = if sample.labels.is_empty() { String::new() } else { format!(" ({})", shown(&sample.labels)) };
            return Measured::failed(format!("{breach}{of}")).with(sample.value);
        }
    }
    let nearest = if prometheus.above.is_some() { highest } else { lowest };
    let of = if samples.len() > 1 { format!(", the nearest to its limit of {} series", samples.len()) } else { String::new() };
    Measured::passed(format!("{}{of}", nearest.value)).with(nearest.value)
}

/// How many times faster than evenly the budget of an objective is spent.
async fn burn(options: &Options, prometheus: &PrometheusMonitor, objective: f64, timeout: Duration) -> Result<Measured, String> {
    let rate = async |window: &str| -> Result<Option<f64>, String> {
        let samples = ask(options, prometheus, &prometheus.query.replace(WINDOW, window), timeout).await?;
        match samples.as_slice() {
            [] => Ok(None),
            // One minus a quotient is seldom exactly nothing.
            [one] if (-ROUNDING..=1.0 + ROUNDING).contains(&one.value) => Ok(burn::rate(one.value.clamp(0.0, 1.0), objective)),
            [one] => Err(format!("{} is no share of bad events: that is from 0 to 1", one.value)),
            more => Err(format!("the query gives {} series; the share of bad events is one number", more.len())),
        }
    };
    let mut rates = Vec::new();
    for pair in PAIRS {
        if let (Some(over_long), Some(over_short)) = (rate(pair.long.name).await?, rate(pair.short.name).await?) {
            rates.push(Rates { pair, over_long, over_short });
        }
    }
    Ok(over_all(objective, &rates, prometheus.no_data))
}

/// A window without data does not hide what another one shows.
fn over_all(objective: f64, rates: &[Rates], no_data: NoData) -> Measured {
    let known = spent(objective, rates);
    if known.verdict == Verdict::Failed || rates.len() == PAIRS.len() { known } else { nothing(no_data) }
}

struct Rates {
    pair: Pair,
    over_long: f64,
    over_short: f64,
}

fn spent(objective: f64, rates: &[Rates]) -> Measured {
    let first = rates.first().map_or(0.0, |rates| rates.over_long);
    for Rates { pair, over_long, over_short } in rates {
        if pair.is_too_fast(*over_long, *over_short) {
            let (long, brief, limit) = (pair.long.name, pair.short.name, pair.limit);
            let (fast, now) = (short(*over_long), short(*over_short));
            let seen = format!(
                "the error budget of {objective} % burns at {fast} times the even rate over {long} and {now} over {brief}; {limit} is too fast"
            );
            return Measured::failed(seen).with(short(*over_long));
        }
    }
    let over = rates.iter().map(|rates| format!("{} over {}", short(rates.over_long), rates.pair.long.name)).collect::<Vec<_>>().join(", ");
    Measured::passed(format!("the error budget of {objective} % burns at {over}")).with(short(first))
}

#[cfg(test)]
mod tests {
    use hikeshi_domain::monitor::Verdict;

    use super::*;

    fn monitor(more: &str) -> PrometheusMonitor {
        serde_json::from_str(&format!(r#"{{"url": "http://p", "query": "q"{more}}}"#)).expect("a monitor")
    }

    fn vector(values: &[(&str, &str)]) -> Vec<Sample> {
        let series: Vec<String> =
            values.iter().map(|(job, value)| format!(r#"{{"metric": {{"job": "{job}"}}, "value": [1, "{value}"]}}"#)).collect();
        let body = format!(r#"{{"status": "success", "data": {{"resultType": "vector", "result": [{}]}}}}"#, series.join(","));
        read(body.as_bytes()).expect("an answer")
    }

    #[test]
    fn the_worst_series_counts_and_no_data_is_not_healthy_by_itself() {
        let above = monitor(r#", "above": 0.5"#);
        let of = |values: &[(&str, &str)], monitor: &PrometheusMonitor| {
            let measured = judged(&vector(values), monitor);
            (measured.verdict, measured.seen, measured.value)
        };
        assert_eq!(of(&[("a", "0.1"), ("b", "0.7")], &above), (Verdict::Failed, "0.7 is above 0.5 (job=b)".to_owned(), Some(0.7)));
        let passed = (Verdict::Passed, "0.3, the nearest to its limit of 2 series".to_owned(), Some(0.3));
        assert_eq!(of(&[("a", "0.1"), ("b", "0.3")], &above), passed);
        assert_eq!(of(&[("a", "+Inf")], &above).0, Verdict::Failed);
        assert_eq!(of(&[("a", "0"), ("b", "9")], &monitor(r#", "below": 1"#)).1, "0 is below 1 (job=a)");
        for (more, verdict) in
            [("", Verdict::Unmeasured), (r#", "no_data": "healthy""#, Verdict::Passed), (r#", "no_data": "failure""#, Verdict::Failed)]
        {
            let monitor = monitor(&format!(r#", "above": 1{more}"#));
            assert_eq!((of(&[], &monitor).0, of(&[("a", "NaN")], &monitor).0), (verdict, verdict), "{more}");
        }
    }

    #[test]
    fn what_is_no_number_of_this_moment_is_said_and_not_guessed() {
        let scalar = br#"{"status": "success", "data": {"resultType": "scalar", "result": [1435781451.781, "1"]}}"#;
        assert_eq!(read(scalar), Ok(vec![Sample { labels: String::new(), value: 1.0 }]));
        for (body, why) in [
            (r#"{"status": "error", "errorType": "bad_data", "error": "parse error: unexpected end"}"#, "parse error: unexpected end"),
            (
                r#"{"status": "success", "data": {"resultType": "matrix", "result": []}}"#,
                "the query gives a matrix, not a number at this moment",
            ),
            ("<html>", "this is not the answer of a Prometheus"),
            (
                r#"{"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1, "x"]}]}}"#,
                "\"x\" is no number",
            ),
        ] {
            assert_eq!(read(body.as_bytes()).expect_err("no number"), why);
        }
    }

    #[test]
    fn a_budget_that_burns_too_fast_over_both_windows_of_a_pair_is_a_failure() {
        let pairs = |rates: [f64; 4]| {
            let [hour, minutes, hours, half] = rates;
            let of = |pair, over_long, over_short| Rates { pair, over_long, over_short };
            spent(99.9, &[of(PAIRS[0], hour, minutes), of(PAIRS[1], hours, half)])
        };
        assert_eq!(pairs([14.4, 14.4, 0.0, 0.0]).verdict, Verdict::Failed);
        assert_eq!(pairs([20.0, 14.3, 5.9, 9.0]).verdict, Verdict::Passed, "it is over, or has only begun");
        let slow = pairs([7.0, 7.0, 6.0, 6.0]);
        assert_eq!(slow.seen, "the error budget of 99.9 % burns at 6 times the even rate over 6h and 6 over 30m; 6 is too fast");
        assert_eq!(pairs([0.5, 0.0, 0.25, 0.0]).seen, "the error budget of 99.9 % burns at 0.5 over 1h, 0.25 over 6h");
    }
}
