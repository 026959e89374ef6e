//! `fault`: the faults of a Stripe that is being served, listed, set and cleared while it runs.
//!
//! Invariant: what is set here is what the server would be asked for over HTTP, field by field.

use super::values::{Fault, Length, fault, length, port};
use super::{Exit, Refusal, Surroundings, say};
use crate::experiment::{FaultArgument, WantedFault};
use crate::faults::Placement;
use crate::serve::{self, Remote};
use clap::{Args, Subcommand};
use http::Method;
use serde_json::{Value, json};
use std::fmt::Write as _;

const FAULTS: &str = "/chaos/faults";

#[derive(Debug, Args)]
pub(super) struct FaultOf {
    #[command(subcommand)]
    pub(super) command: FaultCommand,

    /// Port of the running `cargo chaos stripe`
    #[arg(long, global = true, value_name = "PORT", value_parser = port, default_value_t = serve::PORT, allow_negative_numbers = true)]
    pub(super) port: u16,
}

#[derive(Debug, Subcommand)]
pub(super) enum FaultCommand {
    /// List the faults that are open, and what came of them
    List,
    /// Set one
    Set(SetFault),
    /// Clear one, or all
    Clear {
        /// Its id, as `list` shows it; all when none is named
        #[arg(value_name = "ID")]
        id: Option<u64>,
    },
}

#[derive(Debug, Args)]
pub(super) struct SetFault {
    /// What goes wrong: kind (those of Stripe in `cargo chaos list faults`), placement and share, 0 to 1
    #[arg(value_name = "KIND[/PLACEMENT][=SHARE]", value_parser = fault)]
    pub(super) fault: Fault,

    /// How long it lives, for example 90s or 5m [default: 15m]
    #[arg(long, value_name = "LENGTH", value_parser = length)]
    pub(super) ttl: Option<Length>,

    /// What it is limited to, for example confirm,cancel; everything when nothing is named
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(super) operations: Vec<String>,

    /// Status of stripe-refusing: 400, 402, 403 or 404
    #[arg(long, value_name = "STATUS")]
    pub(super) status: Option<u16>,

    /// Code of stripe-refusing, for example testmode_charges_only
    #[arg(long, value_name = "CODE")]
    pub(super) code: Option<String>,

    /// How many times as long as usual an answer of stripe-slow takes, 2 to 1000
    #[arg(long, value_name = "NUMBER")]
    pub(super) times: Option<u64>,
}

/// Asks the server, and prints what it answers.
pub(super) fn carry_out(wanted: &FaultOf, around: &mut Surroundings<'_>) -> Result<Exit, Refusal> {
    let remote = Remote::on(wanted.port);
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
