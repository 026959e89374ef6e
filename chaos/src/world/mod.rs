//! The world: the deployed stack, a fake Stripe, a producer, and whatever goes wrong, in virtual time; or in real time,
//! with functions that are processes.
//!
//! A run has phases: steady until the first fault, faults, heal, drain. It ends when everything was sent, no fault is
//! left, the source queue is empty and the incident is over, or when the time to drain is up; and then everything is
//! audited. Judging comes after it,
//! from its history alone.
//! Invariant: a world is made anew for its run and gone after it: same experiment, template and seed, same history.

mod audit;
mod code;
mod collect;
mod deployed;
mod edge;
mod events;
#[cfg(test)]
pub(crate) mod fixtures;
mod history;
mod incident;
mod live;
mod mapping;
mod orders;
mod plans;
mod play;
mod producer;
mod rotation;
mod subscription;
#[cfg(test)]
mod tests;

pub use audit::Audited;
pub use code::{Code, Maker};
pub(crate) use collect::ledger_row;
pub use deployed::{Deployed, Edge, Names, TOKEN_AUDIENCE, TOKEN_ISSUER, own_edge, own_template, own_watch};
pub(crate) use edge::furnish;
pub use edge::{EdgeHistory, Link, Look, Receipt, Said};
pub use history::{Alerted, Ending, History, Invocation, LedgerRow, Origin, Refused, Sent, Target};
pub use live::RealTime;
pub use play::{Left, Progress};

use crate::clock::Clock;
use crate::cloud::CloudError;
use crate::experiment::Experiment;
use crate::faults::Faults;
use crate::journal::Journal;
use crate::stripe::{FakeStripe, Provider};
use crate::template::TemplateError;
use crate::turns::{Rest, Turns};
use crate::workload::{Arrival, NdjsonError};
use events::tell_events;
use mapping::disable_mapping;
use orders::{Given, give_orders};
use payments::UnixMs;
use plans::Invocations;
use play::Play;
use rotation::rotate_keys;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use subscription::unsubscribe;

/// The key the fake Stripe accepts, and the secret holds.
const SECRET_KEY: &str = "sk_test_simulated";

/// Highest hop a crash is drawn at: two for each call of a payment that is alone in its batch, as most are. Further
/// hops would hardly ever be reached, and a crash that is drawn there kills nothing.
const CRASH_HOPS: u64 = 16;

/// Why there is no history.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// The template cannot be honoured.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The template lacks something a run cannot do without.
    #[error("{template}: {what} is missing; accepted: {accepted}")]
    Lacks {
        /// The template.
        template: String,
        /// What is missing.
        what: String,
        /// What is needed.
        accepted: &'static str,
    },
    /// The experiment expects an alarm that the template does not have.
    #[error("{experiment}: expect.alarms {alarm}; accepted: {accepted}")]
    NoSuchAlarm {
        /// The experiment.
        experiment: String,
        /// The alarm.
        alarm: String,
        /// Those of the template.
        accepted: String,
    },
    /// The payments cannot be read.
    #[error(transparent)]
    Workload(#[from] NdjsonError),
    /// The experiment cannot be run where it is to be run.
    #[error("{what}; accepted: {accepted}")]
    Target {
        /// What cannot.
        what: String,
        /// What could.
        accepted: String,
    },
    /// AWS would refuse the deployment.
    #[error("{template}: {error}; accepted: a stack that AWS deploys")]
    Cloud {
        /// The template.
        template: String,
        /// Its reason.
        error: CloudError,
    },
    /// Whoever watched had seen enough.
    #[error("it was interrupted")]
    Interrupted(Progress),
    /// The harness itself failed.
    #[error("the harness failed: {0}")]
    Harness(String),
}

/// An experiment that is ready to run: everything that can be typed wrong has been read.
#[derive(Clone, Debug)]
pub struct World {
    deployed: Deployed,
    experiment: Experiment,
    seed: u64,
    arrivals: Vec<Arrival>,
    rest: Rest,
    time: Time,
}

/// How its time passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Time {
    /// As soon as nothing is left to do.
    Virtual,
    Real,
}

impl Time {
    const fn target(self) -> Target {
        match self {
            Self::Virtual => Target::Simulated,
            Self::Real => Target::Local,
        }
    }
}

/// Runs an experiment on the repository's own template, unwatched. Can be called any number of times in one process.
///
/// # Errors
/// As [`World::new`] and [`World::run`].
pub fn run(experiment: Experiment, seed: u64, code: Code<'_>) -> Result<History, WorldError> {
    let deployed = Deployed::load(&own_template(), &experiment.parameters)?;
    World::new(deployed, experiment, seed)?.run(code, &mut |_| {})
}

impl World {
    /// Makes an experiment ready to run.
    ///
    /// # Errors
    /// When its payments cannot be read, it expects an alarm that the template does not have, or a fault cannot be
    /// simulated.
    pub fn new(deployed: Deployed, experiment: Experiment, seed: u64) -> Result<Self, WorldError> {
        let deployed = match &experiment.edge {
            Some(_) if deployed.edge.is_none() => {
                let none = BTreeMap::new();
                deployed.with_edge(&own_edge(), &none)?.with_watch(&own_watch(), &none)?
            }
            _ => deployed,
        };
        deployed.knows(&experiment)?;
        if let Some(kind) = experiment.faults.iter().map(|fault| fault.kind).find(|kind| !kind.is_simulated())
        {
            let what = format!("fault {kind} can only happen to a process");
            return Err(WorldError::Target { what, accepted: "--target local, or another fault".to_owned() });
        }
        deployed.hears(&experiment)?;
        let arrivals = experiment.workload.arrivals(seed)?;
        Ok(Self { deployed, experiment, seed, arrivals, rest: Rest::default(), time: Time::Virtual })
    }

    /// What it is run in.
    #[must_use]
    pub const fn deployed(&self) -> &Deployed {
        &self.deployed
    }

    /// The same in real time, for code whose functions are processes.
    ///
    /// # Errors
    /// When its payments cannot be read, it expects an alarm that the template does not have, or it cannot happen to
    /// processes, or not at this speed.
    pub fn live(
        deployed: Deployed,
        experiment: Experiment,
        seed: u64,
        time: RealTime,
    ) -> Result<Self, WorldError> {
        deployed.knows(&experiment)?;
        if experiment.edge.is_some() {
            let what = "an edge stands only in simulated time".to_owned();
            return Err(WorldError::Target {
                what,
                accepted: "--target sim, or an experiment without [edge]".to_owned(),
            });
        }
        deployed.hears(&experiment)?;
        let arrivals = experiment.workload.arrivals(seed)?;
        let (experiment, arrivals) = time.hurry(&deployed, experiment, arrivals)?;
        Ok(Self { deployed, experiment, seed, arrivals, rest: Rest::default(), time: Time::Real })
    }

    /// The same, with this to decide who of two side by side goes on once the experiment's order is at its end.
    #[must_use]
    pub fn resting(self, rest: Rest) -> Self {
        Self { rest, ..self }
    }

    /// The same, beginning at this instant: what came before it was ready took its time.
    #[must_use]
    pub fn beginning(self, now: UnixMs) -> Self {
        Self { experiment: Experiment { starts: now, ..self.experiment }, ..self }
    }

    /// The template it runs on, as it was named.
    #[must_use]
    pub fn template(&self) -> &str {
        &self.deployed.template
    }

    /// What will be run.
    #[must_use]
    pub const fn experiment(&self) -> &Experiment {
        &self.experiment
    }

    /// Messages the producer will send.
    #[must_use]
    pub fn messages(&self) -> usize {
        self.arrivals.len()
    }

    /// Ms until everything was sent and no fault is left.
    #[must_use]
    pub fn busy_ms(&self) -> u64 {
        self.arrivals.last().map_or(0, |arrival| arrival.at_ms).max(self.experiment.faults_end_ms())
    }

    /// Runs it to its end. `watch` is told how far it is, every few virtual seconds.
    ///
    /// # Errors
    /// [`WorldError::Cloud`] when AWS would refuse the stack, [`WorldError::Harness`] when the harness broke.
    ///
    /// # Panics
    /// Inside another tokio runtime: a world brings its own.
    pub fn run(self, code: Code<'_>, watch: &mut dyn FnMut(&Progress)) -> Result<History, WorldError> {
        self.run_while(code, &mut |progress| {
            watch(progress);
            ControlFlow::Continue(())
        })
    }

    /// The same, for as long as `watch` lets it go on.
    ///
    /// # Errors
    /// As [`World::run`], and [`WorldError::Interrupted`] when `watch` ended it.
    ///
    /// # Panics
    /// As [`World::run`].
    pub fn run_while(
        self,
        code: Code<'_>,
        watch: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<History, WorldError> {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        match self.time {
            Time::Virtual => {
                // The AWS SDK draws the jitter of its retries from this thread's generator.
                fastrand::seed(self.seed);
                runtime.enable_time().start_paused(true);
            }
            Time::Real => {
                runtime.enable_all();
            }
        }
        let runtime = runtime.build().map_err(|error| WorldError::Harness(error.to_string()))?;
        runtime.block_on(self.play(code, watch))
    }

    async fn play(
        self,
        code: Code<'_>,
        watch: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<History, WorldError> {
        let Self { deployed, experiment, seed, arrivals, rest, time } = self;
        let (clock, journal) = (Clock::starting_at(experiment.starts), Journal::default());
        let faults = Faults::new(&experiment.faults, seed, clock.start(), CRASH_HOPS, journal.clone());
        let turns = experiment.turns.clone().map(|order| Turns::new(order, rest));
        let invocations = Invocations::default();
        let stripe = FakeStripe::new(seed, SECRET_KEY, faults.clone());
        let stripe = if deployed.listens_to_stripe() { stripe.telling(seed) } else { stripe };
        let provider = Provider::new(stripe, seed, faults.clone(), clock, journal.clone());
        let functions = [(code.consumer)(provider.clone()), (code.responder)(provider.clone())];
        let plans = plans::plans(&faults, &deployed, turns.clone(), invocations.clone());
        let blueprint = deployed.blueprint(functions, plans, experiment.past, seed);
        let blueprint = deployed.behind_its_edge(blueprint, code.status);
        let mut cloud = deployed.start(blueprint, SECRET_KEY, clock, &journal)?;
        let services = cloud.services().clone();

        let responder = deployed.responder.as_ref().and_then(|it| cloud.function(&it.logical_id)).cloned();
        let bus = cloud.partner_bus().cloned();
        let sources = cloud.event_sources(&deployed.consumer.logical_id).to_vec();
        let messages = arrivals.len();
        let (visitors, shop, coming) = match edge::open(&deployed, &experiment, &cloud, seed)? {
            Some((visitors, shop, coming)) => (Some(visitors), Some(shop), Some(coming)),
            None => (None, None, None),
        };
        let alerted = deployed.alerted();
        let mut play =
            Play::new(&experiment, &deployed, services.clone(), (faults.clone(), &journal), (arrivals, shop));
        if time == Time::Real {
            play.look_often();
        }
        let to_the_end = async {
            let ending = play.run_to_the_end(watch).await?;
            Ok::<_, WorldError>((
                ending,
                audit::audit(&deployed, &services, responder.as_deref(), messages).await,
            ))
        };
        let given = Given::default();
        let (ending, audited) = tokio::select! {
            biased;
            said = cloud.broken() => return Err(WorldError::Harness(said)),
            ended = to_the_end => ended?,
            never = edge::come(visitors.as_ref().zip(coming)) => match never {},
            never = provider.keep_up() => match never {},
            never = tell_events(&faults, &provider, bus, (clock, &journal, seed)) => match never {},
            never = give_orders(&experiment.orders, &given, responder.as_deref(), clock) => match never {},
            never = rotate_keys(&faults, &provider, &services, &deployed.secret) => match never {},
            never = unsubscribe(&faults, &services, alerted.alerts.as_deref()) => match never {},
            never = disable_mapping(&faults, services.clock(), &sources) => match never {},
        };
        let (sent, refused) = play.sent();
        let ended = clock.now();
        let queues = collect::queues(&services, deployed.stack.queues.values(), ended)?;
        let ledger = collect::ledger(&services, &deployed.names.ledger)?;
        let mails = services.sns().mailbox().to_vec();
        provider.finish();
        if let Some(disagreement) = services.dynamodb().disagreements().first() {
            return Err(WorldError::Harness(format!(
                "the embedded DynamoDB is not to be believed: {disagreement}"
            )));
        }
        let (grants, sdk_calls) = (services.iam().needed(), services.calls());
        let (book, intents) = provider.stripe().take_book().into_parts();
        cloud.stop().await;
        Ok(History {
            target: time.target(),
            seed,
            began: experiment.starts,
            ended,
            ending,
            sent,
            refused,
            records: journal.take(),
            book,
            intents,
            ledger,
            queues,
            mails,
            audited,
            sdk_calls,
            given: given.all(),
            grants,
            faults: faults.tally(),
            invocations: invocations.all(),
            turns: turns.map(|turns| turns.taken()).unwrap_or_default(),
            alerted,
            edge: visitors.map(|visitors| visitors.history()),
            unseen: BTreeMap::new(),
            names: deployed.names,
            experiment,
        })
    }
}
