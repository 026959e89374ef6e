//! `validate`: reads template and experiments, runs nothing, writes nothing.
//!
//! Invariant: what passes here is not refused by `run`.

use super::arguments::Validate;
use super::{Exit, Refusal, Surroundings, say, template};
use crate::experiment::{Experiment, SHIPPED};
use crate::template::Stack;
use crate::units::counted;
use crate::world::{Deployed, World};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// Reads everything, and says what it is; of what is wrong, a line each.
pub(super) fn validate(wanted: &Validate, around: &mut Surroundings<'_>) -> Result<Exit, Refusal> {
    let template = template::found(wanted.template.as_deref(), &around.folder)?;
    let deployed =
        Deployed::load(&template, &BTreeMap::new()).map_err(|error| Refusal::Bad(error.to_string()))?;
    let described = described(&deployed, around);
    say(around.out, &described);
    let shipped = SHIPPED.iter().map(|shipped| shipped.name.to_owned());
    let names = if wanted.experiments.is_empty() { shipped.collect() } else { wanted.experiments.clone() };
    let mut exit = Exit::Passed;
    say(around.out, &format!("\n{}\n", around.paint.bold("Experiments")));
    for name in names {
        match read(&template, &name) {
            Ok(line) => say(around.out, &format!("  {line}\n")),
            Err(refusal) => exit = refusal.told(around),
        }
    }
    Ok(exit)
}

fn read(template: &Path, name: &str) -> Result<String, Refusal> {
    let experiment = Experiment::find(name).map_err(|error| Refusal::Bad(error.to_string()))?;
    let faults = experiment.faults.len();
    let title = experiment.title.clone();
    let deployed = Deployed::load(template, &experiment.parameters)?;
    let world = World::new(deployed, experiment, 0)?;
    let messages = counted(world.messages() as u64, "message");
    Ok(format!("{name:<20}  {title}: {messages}, {}", counted(faults as u64, "fault")))
}

fn described(deployed: &Deployed, around: &Surroundings<'_>) -> String {
    let Deployed { template, stack, .. } = deployed;
    let mut out = format!("{}\n", around.paint.bold(&format!("{template}: simulated")));
    for (id, text) in simulated(stack) {
        let _ = writeln!(out, "  {id:<28}  {text}");
    }
    let _ =
        writeln!(out, "\n{}", around.paint.bold(&format!("{template}: resolved and checked, not simulated")));
    for (id, why) in &stack.inert {
        let _ = writeln!(out, "  {id:<28}  {why}");
    }
    out
}

fn simulated(stack: &Stack) -> Vec<(&str, String)> {
    let queues = stack.queues.iter().map(|(id, queue)| {
        let dead = queue.redrive.as_ref().map(|redrive| {
            format!(", dead-letters to {} after {} receives", redrive.dead_letter_queue, redrive.receives_max)
        });
        let (name, visibility_s) = (&queue.name, queue.visibility_s);
        (id.as_str(), format!("queue {name}, visibility {visibility_s} s{}", dead.unwrap_or_default()))
    });
    let tables = stack.tables.iter().map(|(id, table)| (id.as_str(), format!("table {}", table.name)));
    let functions = stack.functions.iter().map(|(id, function)| {
        let from = function.sources.iter().map(|source| {
            let at_once = source.concurrency_max.map(|most| format!(", {most} at once")).unwrap_or_default();
            format!(", batches of {} from {}{at_once}", source.batch_size, source.queue)
        });
        let (name, timeout_s) = (&function.name, function.timeout_s);
        (id.as_str(), format!("function {name}, timeout {timeout_s} s{}", from.collect::<String>()))
    });
    queues.chain(tables).chain(functions).collect()
}
