//! `run`: an experiment from what was typed to its verdict.
//!
//! Invariant: everything that can be typed wrong is read before the first byte is written.

use super::arguments::Run;
use super::one_run::{OneRun, Telling, Tells};
use super::stripe::now;
use super::values::Build;
use super::{Exit, Refusal, Surroundings, on_aws, say, template};
use crate::experiment::{Experiment, Overrides};
use crate::report::{Mails, Page};
use crate::units;
use crate::up::Processes;
use crate::workload::Payments;
use crate::world::{Code, Deployed, RealTime, Target, World};
use std::path::Path;

/// Runs an experiment, reports it, and ends with its verdict.
pub(super) fn run(wanted: &Run, around: &mut Surroundings<'_>) -> Result<Exit, Refusal> {
    let experiment = experiment(wanted)?;
    if wanted.target == Target::Deployed {
        wanted.refuse_local()?;
        return on_aws::run(wanted, experiment, around);
    }
    wanted.on_aws.refuse_elsewhere()?;
    let deployed = template::deployed(wanted.template.as_deref(), &experiment.parameters, around)?;
    if wanted.target == Target::Local {
        return local(wanted, experiment, deployed, around);
    }
    wanted.refuse_local()?;
    simulated(wanted, experiment, deployed, around)
}

impl Run {
    /// Refuses what is meant for processes where there are none.
    fn refuse_local(&self) -> Result<(), Refusal> {
        let typed = [("--speed", self.speed.is_some()), ("--build", self.build.is_some())];
        match typed.into_iter().find(|(_, is_there)| *is_there) {
            None => Ok(()),
            Some((option, _)) => {
                Err(Refusal::Bad(format!("{option} without --target local; accepted: with it")))
            }
        }
    }
}

fn simulated(
    wanted: &Run,
    experiment: Experiment,
    deployed: Deployed,
    around: &mut Surroundings<'_>,
) -> Result<Exit, Refusal> {
    let seed = wanted.seed_of(&experiment);
    let world = World::new(deployed, experiment, seed)?;
    let replay = wanted.replay(seed);
    let telling = Telling { replay: &replay, mails: mails(wanted), page: page(wanted), leaves: None };
    let run = OneRun { world, code: around.code, tells: Tells::Nothing, telling };
    run.carry_out(wanted.out.as_deref(), around)
}

fn local(
    wanted: &Run,
    experiment: Experiment,
    deployed: Deployed,
    around: &mut Surroundings<'_>,
) -> Result<Exit, Refusal> {
    let (seed, speed) = (wanted.seed_of(&experiment), wanted.speed.unwrap_or(1));
    // Told before minutes of building, if it cannot be run so.
    let world = World::live(deployed.clone(), experiment, seed, RealTime { now: now(around), speed })?;
    let binaries = wanted.build.unwrap_or(Build::Debug).binaries(around)?;
    let processes = Processes::of(&deployed, binaries);
    let world = world.beginning(now(around));
    say(around.out, &beforehand(&world, speed));
    let code = Code {
        consumer: &|provider| processes.consumer(provider),
        responder: &|provider| processes.responder(provider),
        ..Code::DEPLOYED
    };
    let leaves = |folder: &Path| processes.write_logs(folder);
    let replay = wanted.replay(seed);
    let telling =
        Telling { replay: &replay, mails: mails(wanted), page: page(wanted), leaves: Some(&leaves) };
    let run = OneRun { world, code, tells: Tells::ByTheMinute, telling };
    run.carry_out(wanted.out.as_deref(), around)
}

/// What whoever waits should know.
fn beforehand(world: &World, speed: u32) -> String {
    let busy = units::duration_ms(world.busy_ms());
    let hurried = match speed {
        1 => String::new(),
        speed => {
            format!(" at speed {speed}: what is sent and what goes wrong, not what AWS and Stripe take;")
        }
    };
    format!("note: in real time,{hurried} {busy} until all is sent and well, and then until it is drained\n")
}

pub(super) const fn mails(wanted: &Run) -> Mails {
    if wanted.mails { Mails::All } else { Mails::First }
}

pub(super) const fn page(wanted: &Run) -> Page {
    if wanted.report { Page::Always } else { Page::OnFailure }
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
