//! `run`: an experiment from what was typed to its verdict.
//!
//! Invariant: everything that can be typed wrong is read before the first byte is written.

use super::arguments::Run;
use super::values::Target;
use super::{Exit, Refusal, Surroundings, from_here, say};
use crate::checks::Evidence;
use crate::experiment::{Experiment, Overrides};
use crate::report::bar::Bar;
use crate::report::{self, Figures, Mails, Report};
use crate::workload::Payments;
use crate::world::{Deployed, World, WorldError, own_template};
use std::path::{Path, PathBuf};

/// Runs an experiment, reports it, and ends with its verdict.
pub(super) fn run(wanted: &Run, around: &mut Surroundings<'_>) -> Result<Exit, Refusal> {
    let Target::Simulated = wanted.target;
    let (world, seed) = world(wanted, around)?;
    let mails = if wanted.mails { Mails::All } else { Mails::First };
    report(world, &wanted.replay(seed), mails, wanted.out.as_deref(), around)
}

/// Runs what is ready, tells how it was, and leaves its files in `out`.
pub(super) fn report(
    world: World,
    replay: &str,
    mails: Mails,
    out: Option<&Path>,
    around: &mut Surroundings<'_>,
) -> Result<Exit, Refusal> {
    let folder = folder(out, around, &world.experiment().name)?;
    let began = (around.elapsed)();
    for idle in world.experiment().idle() {
        say(around.out, &format!("note: {idle}\n"));
    }
    let bar = Bar::new(world.messages() as u64, world.experiment().starts, around.bar);
    let history = world.run(around.code, &mut |progress| bar.show(progress));
    bar.clear();
    let history = history?;
    let wall = (around.elapsed)().saturating_sub(began);

    let evidence = Evidence::of(&history);
    let judgement = evidence.judge();
    let figures = Figures::of(&evidence);
    let report = Report { evidence: &evidence, judgement: &judgement, figures: &figures, mails, replay };
    say(around.out, &report.text(around.paint, wall));
    let files = report::write(&report, &folder)
        .map_err(|error| Refusal::Harness(format!("cannot write to {}: {error}", folder.display())))?;
    say(around.out, &report.conclusion(around.paint));
    for path in [Some(&files.journal), Some(&files.summary), files.mails.as_ref()].into_iter().flatten() {
        say(around.out, &format!("{}\n", path.display()));
    }
    Ok(judgement.outcome().into())
}

/// Deploys the template that was named, or the repository's own.
pub(super) fn deployed(
    template: Option<&Path>,
    experiment: &Experiment,
    around: &Surroundings<'_>,
) -> Result<Deployed, Refusal> {
    let template = template.map_or_else(|| from_here(&own_template(), &around.folder), Path::to_owned);
    Ok(Deployed::load(&template, &experiment.parameters)?)
}

fn world(wanted: &Run, around: &Surroundings<'_>) -> Result<(World, u64), Refusal> {
    let experiment = Experiment::find(&wanted.experiment).map_err(|error| Refusal::Bad(error.to_string()))?;
    let experiment = overrides(wanted).apply(experiment);
    let deployed = deployed(wanted.template.as_deref(), &experiment, around)?;
    let seed = wanted.seed_of(&experiment);
    Ok((World::new(deployed, experiment, seed)?, seed))
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

/// Makes the folder that was named, or one named by time and `what`.
pub(super) fn folder(out: Option<&Path>, around: &Surroundings<'_>, what: &str) -> Result<PathBuf, Refusal> {
    let named = || {
        let started = around.started.strftime("%Y-%m-%dT%H-%M-%SZ");
        Path::new("chaos-runs").join(format!("{started}-{what}"))
    };
    let folder = out.map_or_else(named, Path::to_owned);
    std::fs::create_dir_all(&folder).map_err(|error| {
        Refusal::Bad(format!(
            "cannot make the folder {}: {error}; accepted: --out DIR, a folder that can be written to",
            folder.display()
        ))
    })?;
    Ok(folder)
}

impl From<WorldError> for Refusal {
    fn from(error: WorldError) -> Self {
        match error {
            WorldError::Template(_)
            | WorldError::Lacks { .. }
            | WorldError::Workload(_)
            | WorldError::Cloud { .. } => Self::Bad(error.to_string()),
            WorldError::Harness(_) => Self::Harness(error.to_string()),
        }
    }
}
