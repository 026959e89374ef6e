//! Drills: for every alarm of the template an experiment that makes it fire and clear, and what was seen of it.
//!
//! Each is run as it is, and again under every trouble that the way from an alarm to a reader can have.
//! Invariant: a drill passes only if its alarm fired once, for its cause, told somebody, and cleared.

mod course;
mod trouble;

use course::Wanted;
pub(crate) use course::after;
pub use course::{Course, FIRES_MS_MAX, Speaks};
pub use trouble::Trouble;

use crate::checks::{Evidence, Outcome, Verdict};
use crate::experiment::{Experiment, ExperimentError};
use crate::parallel;
use crate::world::{Code, Deployed, History, World, WorldError};
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::Path;

/// The experiment that an alarm is drilled with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drill {
    /// Name of the alarm in the template, and of the file. Those of the edge are in `edge/watch.yaml`.
    pub alarm: &'static str,
    /// The text of the file.
    pub text: &'static str,
}

/// Every drill.
pub const ALL: &[Drill] = &[
    Drill { alarm: "DeadLettersWaiting", text: include_str!("../../drills/DeadLettersWaiting.toml") },
    Drill { alarm: "PaymentsDelayed", text: include_str!("../../drills/PaymentsDelayed.toml") },
    Drill { alarm: "PaymentsWaiting", text: include_str!("../../drills/PaymentsWaiting.toml") },
    Drill { alarm: "QuarantineNotEmpty", text: include_str!("../../drills/QuarantineNotEmpty.toml") },
    Drill { alarm: "ProviderFailing", text: include_str!("../../drills/ProviderFailing.toml") },
    Drill { alarm: "CredentialsRefused", text: include_str!("../../drills/CredentialsRefused.toml") },
    Drill { alarm: "ConsumerFailing", text: include_str!("../../drills/ConsumerFailing.toml") },
    Drill { alarm: "NobodyListens", text: include_str!("../../drills/NobodyListens.toml") },
    Drill { alarm: "OutcomesUndelivered", text: include_str!("../../drills/OutcomesUndelivered.toml") },
    Drill { alarm: "AlarmsSilenced", text: include_str!("../../drills/AlarmsSilenced.toml") },
    Drill { alarm: "ResponderFailing", text: include_str!("../../drills/ResponderFailing.toml") },
    Drill { alarm: "EdgeFailing", text: include_str!("../../drills/EdgeFailing.toml") },
    Drill { alarm: "EdgeSlow", text: include_str!("../../drills/EdgeSlow.toml") },
];

/// Seed of every drill: what is to be seen are alarms, not luck.
const SEED: u64 = 1;

/// One run of a drill.
#[derive(Clone, Debug)]
pub struct Drilled {
    /// Which.
    pub drill: Drill,
    /// Under what.
    pub trouble: Trouble,
    /// What it is about, as its file says.
    pub title: String,
    /// What was seen of the alarm.
    pub course: Course,
    /// Whether the trouble came up at all.
    pub met: Met,
    /// What is wrong, a line each.
    pub wrong: Vec<String>,
    /// What the run comes to.
    pub outcome: Outcome,
}

/// Whether a trouble came up in a drill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Met {
    /// It did, or there was none to come up.
    Yes,
    /// Nothing went the way that it stands in.
    No,
}

impl Drill {
    /// Reads its experiment.
    ///
    /// # Errors
    /// As for any experiment; a test keeps every drill free of them.
    pub fn experiment(&self) -> Result<Experiment, ExperimentError> {
        Experiment::parse(Path::new(&format!("{}.toml", self.alarm)), self.text)
    }
}

/// Runs drills under every trouble, on so many threads, and shows what they came to in order.
///
/// # Errors
/// When one could not be run; what came before it has been seen.
pub fn drill(
    template: &Path,
    drills: &[Drill],
    jobs: NonZeroUsize,
    code: Code<'_>,
    mut see: impl FnMut(Drilled) -> ControlFlow<()>,
) -> Result<(), WorldError> {
    let rounds: Vec<(Drill, Trouble)> =
        drills.iter().flat_map(|drill| Trouble::ALL.map(|trouble| (*drill, trouble))).collect();
    let work = |number| {
        let (drill, trouble) = rounds[usize::try_from(number).unwrap_or(0)];
        run(template, drill, trouble, code)
    };
    let mut broken = Ok(());
    parallel::each(0..rounds.len() as u64, jobs, work, |_, drilled| match drilled {
        Ok(drilled) => see(drilled),
        Err(error) => {
            broken = Err(error);
            ControlFlow::Break(())
        }
    });
    broken
}

fn run(template: &Path, drill: Drill, trouble: Trouble, code: Code<'_>) -> Result<Drilled, WorldError> {
    let mut experiment = drill.experiment().map_err(|error| WorldError::Harness(error.to_string()))?;
    let title = experiment.title.clone();
    let wanted = Wanted::of(drill.alarm, &mut experiment, trouble);
    trouble.befall(&mut experiment);
    let deployed = Deployed::load(template, &experiment.parameters)?;
    let world = World::new(deployed, experiment, SEED)?;
    let speaks = speaks(world.deployed(), drill.alarm);
    let history = world.run(code, &mut |_| {})?;
    let course = Course::of(&wanted, speaks, &history);
    let (outcome, failed) = judged(&history);
    let mut wrong = course.wrong(&wanted);
    let outcome = if wrong.is_empty() || outcome == Outcome::Unsafe { outcome } else { Outcome::Stuck };
    wrong.extend(failed);
    Ok(Drilled { drill, trouble, title, met: met(trouble, &history), course, wrong, outcome })
}

/// Who tells of an alarm of this name.
fn speaks(deployed: &Deployed, alarm: &str) -> Speaks {
    let is_it = |id: &String| id.rsplit('.').next() == Some(alarm);
    let mut alarms = deployed.alarms().filter(|(id, _)| is_it(id));
    match alarms.next() {
        Some((_, config)) if !config.actions.alarm.is_empty() => Speaks::Itself,
        Some(_) | None => Speaks::TheResponder,
    }
}

/// Drills are held to every promise that a run is held to.
fn judged(history: &History) -> (Outcome, Vec<String>) {
    let judgement = Evidence::of(history).judge();
    let failed = judgement.verdicts().iter().filter_map(|(check, verdict)| match verdict {
        Verdict::Pass(_) => None,
        Verdict::Fail(findings) => {
            let first = findings.first().map_or("", |finding| finding.what.as_str());
            Some(format!("{check}: {first}"))
        }
        Verdict::Inconclusive(why) => Some(format!("{check} cannot tell: {why}")),
    });
    (judgement.outcome(), failed.collect())
}

fn met(trouble: Trouble, history: &History) -> Met {
    let came_up = match trouble.kind() {
        Some(kind) => history.faults.iter().any(|tally| tally.fault.kind == kind && tally.fired > 0),
        None => true,
    };
    if came_up { Met::Yes } else { Met::No }
}
