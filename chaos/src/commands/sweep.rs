//! `sweep`: every point of every scenario, and how many there were.
//!
//! Invariant: a scenario in which no point was found has proved nothing, and the sweep says so with its exit code.

use super::arguments::Sweep;
use super::folder::Folder;
use super::{Exit, Refusal, Surroundings, going_on, say, template};
use crate::checks::Outcome;
use crate::report::bar::Bar;
use crate::sweep::{self, Scenario, Swept};
use crate::units::{count, counted};
use std::ops::ControlFlow;

/// Violations of one scenario that are told and saved; of the others the number.
const TOLD_MAX: usize = 3;

/// What a scenario came to so far.
#[derive(Clone, Debug, Default)]
struct Sum {
    swept: Swept,
    worst: Option<Outcome>,
}

/// Sweeps the scenarios that were named, or all, and tells of each how many points it has.
pub(super) fn sweep(wanted: &Sweep, around: &mut Surroundings<'_>) -> Result<Exit, Refusal> {
    let named = |scenario: &&Scenario| wanted.only.iter().all(|part| scenario.name.contains(part.as_str()));
    let scenarios: Vec<Scenario> = sweep::ALL.iter().filter(named).copied().collect();
    let Some(first) = scenarios.first() else { return Err(unknown(wanted)) };
    let deployed = template::deployed(wanted.template.as_deref(), &first.experiment().parameters, around)?;
    template::told(&deployed.template, around);
    let jobs = wanted.jobs.unwrap_or(around.cores);

    let bar = Bar::counting(0, around.bar);
    let (mut sums, mut done) = (vec![Sum::default(); scenarios.len()], 0);
    // Tasks come in the order of their scenarios: where the next one begins, the one before is complete.
    let mut complete = 0;
    sweep::sweep(&deployed, &scenarios, wanted.share, jobs, around.code, |scenario, tasks, swept| {
        while complete < scenario {
            bar.clear();
            say(around.out, &line(scenarios[complete].name, &sums[complete]));
            complete += 1;
        }
        done += 1;
        bar.lengthen(tasks);
        bar.advance(done, scenarios[scenario].name);
        sums[scenario].add(swept);
        going_on(around)
    })?;
    bar.clear();
    for (scenario, sum) in scenarios.iter().zip(&sums).skip(complete) {
        say(around.out, &line(scenario.name, sum));
    }
    let exit = match (exit(&sums), going_on(around)) {
        // A violation is one, however few points were swept.
        (exit @ (Exit::Unsafe | Exit::Stuck), _) | (exit, ControlFlow::Continue(())) => exit,
        (_, ControlFlow::Break(())) => Exit::Interrupted,
    };
    let mut whole = Sum::default();
    let mut folder = Folder::new(wanted.out.as_deref(), around, "sweep");
    for sum in sums {
        tell(&sum, &mut folder, around)?;
        whole.add(sum.swept);
    }
    let all = if wanted.share.is_whole() { "all".to_owned() } else { format!("share {}", wanted.share) };
    say(around.out, &format!("\n{}", line(&all, &whole)));
    Ok(exit)
}

impl Sum {
    fn add(&mut self, swept: Swept) {
        for (_, violation) in &swept.violations {
            if self.worst != Some(Outcome::Unsafe) {
                self.worst = Some(violation.outcome);
            }
        }
        self.swept.merge(swept);
    }
}

/// Money first, then what is stuck, then a scenario that had no point and so proved nothing.
fn exit(sums: &[Sum]) -> Exit {
    let worst = |outcome| sums.iter().any(|sum| sum.worst == Some(outcome));
    if worst(Outcome::Unsafe) {
        Exit::Unsafe
    } else if worst(Outcome::Stuck) {
        Exit::Stuck
    } else if sums.iter().any(|sum| sum.swept.points == 0) {
        Exit::Inconclusive
    } else {
        Exit::Passed
    }
}

/// A line for one scenario.
fn line(name: &str, Sum { swept, .. }: &Sum) -> String {
    let violations = counted(swept.violations.len() as u64, "violation");
    let (held, points, runs) = (count(swept.held), count(swept.points), count(swept.runs));
    format!("  {name:<36}  {held} of {points} points, {runs} runs, {violations}\n")
}

/// Tells the first violations of a scenario, and saves each as an experiment.
fn tell(sum: &Sum, folder: &mut Folder, around: &mut Surroundings<'_>) -> Result<(), Refusal> {
    for (experiment, violation) in sum.swept.violations.iter().take(TOLD_MAX) {
        let path = folder.make()?.join(format!("{}.toml", experiment.name));
        std::fs::write(&path, experiment.to_toml())
            .map_err(|error| Refusal::Harness(format!("cannot write {}: {error}", path.display())))?;
        let again = path.display();
        say(around.out, &format!("\n{}again: cargo chaos run {again}\n\n", violation.story));
    }
    Ok(())
}

fn unknown(wanted: &Sweep) -> Refusal {
    let names: Vec<&str> = sweep::ALL.iter().map(|scenario| scenario.name).collect();
    let typed = wanted.only.as_deref().unwrap_or_default();
    Refusal::Bad(format!("scenario {typed}; accepted: a part of {}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_without_a_point_proves_nothing() {
        let sum = |points, worst| Sum { swept: Swept { points, ..Swept::default() }, worst };
        assert_eq!(exit(&[sum(5, None), sum(7, None)]), Exit::Passed);
        assert_eq!(exit(&[sum(5, None), sum(0, None)]), Exit::Inconclusive);
        assert_eq!(exit(&[sum(0, None), sum(5, Some(Outcome::Stuck))]), Exit::Stuck);
    }
}
