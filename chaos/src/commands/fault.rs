//! `fault`: the faults of a Stripe that is being served, listed, set and cleared while it runs.
//!
//! Invariant: what is set here is what the server would be asked for over HTTP, field by field.

use super::arguments::{FaultCommand, FaultOf, SetFault};
use super::{Exit, Refusal, Surroundings, say};
use crate::experiment::{FaultArgument, WantedFault};
use crate::faults::Placement;
use crate::serve::Remote;
use http::Method;
use serde_json::{Value, json};
use std::fmt::Write as _;

const FAULTS: &str = "/chaos/faults";

/// Asks the server, and prints what it answers.
pub(super) fn fault(wanted: &FaultOf, around: &mut Surroundings<'_>) -> Result<Exit, Refusal> {
    let remote = Remote { port: wanted.port };
    let ask = |method, path: &str, body: Option<&Value>| {
        remote.ask(method, path, body).map_err(|error| Refusal::Bad(error.to_string()))
    };
    let said = match &wanted.command {
        FaultCommand::List => listed(&ask(Method::GET, FAULTS, None)?),
        FaultCommand::Set(set) => {
            let wanted = set.wanted();
            wanted.meaning().map_err(|error| Refusal::Bad(error.to_string()))?;
            line(&ask(Method::POST, FAULTS, Some(&json!(wanted)))?)
        }
        FaultCommand::Clear { id } => {
            let path = id.map_or_else(|| FAULTS.to_owned(), |id| format!("{FAULTS}/{id}"));
            format!("cleared: {}\n", ask(Method::DELETE, &path, None)?["cleared"])
        }
    };
    say(around.out, &said);
    Ok(Exit::Passed)
}

impl SetFault {
    fn wanted(&self) -> WantedFault {
        let FaultArgument { kind, placement, chance } = self.fault.meant;
        WantedFault {
            kind: kind.to_string(),
            placement: placement.map(|it| Placement::name(it).to_owned()),
            rate: Some(f64::from(chance.ppm()) / 1_000_000.0),
            operations: self.operations.iter().cloned().collect(),
            ttl_s: self.ttl.as_ref().map(|ttl| ttl.ms / 1_000),
            status: self.status,
            code: self.code.clone(),
            times: self.times,
        }
    }
}

fn listed(said: &Value) -> String {
    let faults = said["faults"].as_array().map(Vec::as_slice).unwrap_or_default();
    let lines: String = faults.iter().map(line).collect();
    if lines.is_empty() { "no fault is set\n".to_owned() } else { lines }
}

/// `3  stripe-timeout/after=0.3  operations confirm  fired 4 of 12, ends in 290 s`.
fn line(fault: &Value) -> String {
    let text = |field: &str| fault[field].as_str().map(str::to_owned);
    let mut out = format!("{}  {}", fault["id"], text("kind").unwrap_or_default());
    if let Some(placement) = text("placement") {
        let _ = write!(out, "/{placement}");
    }
    let _ = write!(out, "={}", fault["rate"]);
    for field in ["status", "code", "times"].into_iter().filter(|field| !fault[*field].is_null()) {
        let said = text(field).unwrap_or_else(|| fault[field].to_string());
        let _ = write!(out, "  {field} {said}");
    }
    let operations = fault["operations"].as_array().map(Vec::as_slice).unwrap_or_default();
    let names: Vec<&str> = operations.iter().filter_map(Value::as_str).collect();
    if !names.is_empty() {
        let _ = write!(out, "  operations {}", names.join(","));
    }
    let ends = &fault["expires_in_s"];
    let ends = if ends.is_null() { "stays".to_owned() } else { format!("ends in {ends} s") };
    let _ = writeln!(out, "  fired {} of {}, {ends}", fault["fired"], fault["asked"]);
    out
}
