//! `run`: an experiment from what was typed to its verdict.
//!
//! Invariant: everything that can be typed wrong is read before the first byte is written.

use super::arguments::Run;
use super::values::Target;
use super::{Exit, Refusal, Surroundings, on_aws, one_run, template};
use crate::experiment::{Experiment, Overrides};
use crate::report::Mails;
use crate::workload::Payments;
use crate::world::World;

/// Runs an experiment, reports it, and ends with its verdict.
pub(super) fn run(wanted: &Run, around: &mut Surroundings<'_>) -> Result<Exit, Refusal> {
    if wanted.target == Target::Deployed {
        return on_aws::run(wanted, experiment(wanted)?, around);
    }
    wanted.on_aws.refuse_elsewhere()?;
    let (world, seed) = world(wanted, around)?;
    let mails = if wanted.mails { Mails::All } else { Mails::First };
    one_run::carry_out(world, &wanted.replay(seed), mails, wanted.out.as_deref(), around)
}

fn world(wanted: &Run, around: &Surroundings<'_>) -> Result<(World, u64), Refusal> {
    let experiment = experiment(wanted)?;
    let deployed = template::deployed(wanted.template.as_deref(), &experiment.parameters, around)?;
    let seed = wanted.seed_of(&experiment);
    Ok((World::new(deployed, experiment, seed)?, seed))
}

fn experiment(wanted: &Run) -> Result<Experiment, Refusal> {
    let experiment = Experiment::find(&wanted.experiment).map_err(|error| Refusal::Bad(error.to_string()))?;
    Ok(overrides(wanted).apply(experiment))
}

fn overrides(wanted: &Run) -> Overrides {
    let file = wanted.file.clone().map(Payments::File);
    Overrides {
        failure_rate: wanted.failure_rate,
        outage_ms: wanted.outage.as_ref().map(|outage| outage.ms),
        faults: wanted.faults.iter().map(|fault| fault.meant).collect(),
        payments: file.or_else(|| wanted.payments.map(Payments::Generated)),
    }
}
