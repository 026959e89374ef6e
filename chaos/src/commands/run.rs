//! `run`: an experiment from what was typed to its verdict.
//!
//! Invariant: everything that can be typed wrong is read before the first byte is written.

use super::arguments::Run;
use super::one_run::{OneRun, Tells};
use super::stripe::now;
use super::values::{Build, Target};
use super::{Exit, Refusal, Surroundings, say, template};
use crate::experiment::{Experiment, Overrides};
use crate::report::Mails;
use crate::units;
use crate::up::Processes;
use crate::workload::Payments;
use crate::world::{Code, Deployed, RealTime, World};
use std::path::Path;

/// Runs an experiment, reports it, and ends with its verdict.
pub(super) fn run(wanted: &Run, around: &mut Surroundings<'_>) -> Result<Exit, Refusal> {
    let experiment = Experiment::find(&wanted.experiment).map_err(|error| Refusal::Bad(error.to_string()))?;
    let experiment = overrides(wanted).apply(experiment);
    let deployed = template::deployed(wanted.template.as_deref(), &experiment.parameters, around)?;
    match wanted.target {
        Target::Simulated => simulated(wanted, experiment, deployed, around),
        Target::Local => local(wanted, experiment, deployed, around),
    }
}

fn simulated(
    wanted: &Run,
    experiment: Experiment,
    deployed: Deployed,
    around: &mut Surroundings<'_>,
) -> Result<Exit, Refusal> {
    let only_local = [("--speed", wanted.speed.is_some()), ("--build", wanted.build.is_some())];
    if let Some((option, _)) = only_local.into_iter().find(|(_, is_there)| *is_there) {
        return Err(Refusal::Bad(format!("{option} of a simulated run; accepted: with --target local")));
    }
    let seed = wanted.seed_of(&experiment);
    let world = World::new(deployed, experiment, seed)?;
    let replay = wanted.replay(seed);
    let (mails, tells) = (mails(wanted), Tells::Nothing);
    let run = OneRun { world, code: around.code, replay: &replay, mails, tells, leaves: None };
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
    World::live(deployed.clone(), experiment.clone(), seed, RealTime { now: now(around), speed })?;
    let binaries = wanted.build.unwrap_or(Build::Debug).binaries(around)?;
    let processes = Processes::of(&deployed, binaries);
    let world = World::live(deployed, experiment, seed, RealTime { now: now(around), speed })?;
    say(around.out, &beforehand(&world, speed));
    let code = Code {
        consumer: &|provider| processes.consumer(provider),
        responder: &|provider| processes.responder(provider),
    };
    let leaves = |folder: &Path| processes.write_logs(folder);
    let replay = wanted.replay(seed);
    let (mails, tells) = (mails(wanted), Tells::ByTheMinute);
    let run = OneRun { world, code, replay: &replay, mails, tells, leaves: Some(&leaves) };
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

const fn mails(wanted: &Run) -> Mails {
    if wanted.mails { Mails::All } else { Mails::First }
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
