//! A mutant: one thing done wrong, the weather in which it matters, and the check that must notice.
//!
//! Invariant: everything but that one thing is the code as it is deployed.

use crate::mutants::weather::Weather;
use crate::mutants::{answers, aws, calls, looks, outcomes, permissions};
use chaos::checks::{Outcome, Verdict, judge};
use chaos::cloud::container::Function;
use chaos::responder::ResponderFunction;
use chaos::stripe::Provider;
use chaos::world::{Code, Deployed, World, own_edge, own_template};
use consumer::Protocol;
use responder::Rules;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// One known-bad implementation.
#[derive(Clone, Copy)]
pub(crate) struct Mutant {
    /// A few words for what it does.
    pub(crate) name: &'static str,
    /// Who makes this mistake, and why it looks right.
    pub(crate) story: &'static str,
    /// What it is tried in.
    pub(crate) weather: Weather,
    /// The check that must fail.
    pub(crate) caught_by: &'static str,
    /// What is wrong.
    pub(crate) broken: Broken,
}

/// Where a mutant is broken.
#[derive(Clone, Copy)]
pub(crate) enum Broken {
    /// In the charge protocol.
    Protocol(Protocol),
    /// In what the consumer says to Stripe, or in how it hears the answer.
    Stripe(calls::Alter),
    /// In what the consumer asks of AWS.
    Aws(aws::Alter),
    /// In the lines of metrics that the consumer writes.
    Metrics(calls::Write),
    /// In how a batch is taken, or answered for.
    Batch(answers::Alter),
    /// Everywhere: it is not our consumer at all.
    Handler(answers::Handler),
    /// In the rules of an incident.
    Rules(Rules),
    /// In the rules of an audit, beside a consumer that gives it something to find.
    Audit(Rules, calls::Alter),
    /// In what the responder asks of AWS.
    ResponderAws(aws::Alter),
    /// In what the template permits.
    Permissions(permissions::Alter),
    /// In the pipe that tells outcomes.
    Pipe(outcomes::Alter),
    /// In what stands at the edge, or in what the status function behind it is asked and says.
    Edge(looks::Alter, looks::Answers),
}

/// What came of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    /// What it comes to.
    pub(crate) outcome: Outcome,
    /// The checks that failed, and those that could not tell.
    pub(crate) unhappy: Vec<(&'static str, Verdict)>,
}

impl Run {
    /// One experiment with the functions as they are deployed.
    pub(crate) fn deployed(weather: Weather, seed: u64) -> Self {
        Self::of(weather, seed, Code::DEPLOYED, |_| {})
    }

    fn of(weather: Weather, seed: u64, code: Code<'_>, alter: impl Fn(&mut Deployed)) -> Self {
        let experiment = weather.experiment();
        let mut deployed = own_stack().under(&experiment.parameters).expect("it takes these");
        if experiment.edge.is_some() {
            deployed = deployed.with_edge(&own_edge(), &BTreeMap::new()).expect("the template is good");
        }
        alter(&mut deployed);
        weather.alter(&mut deployed);
        let world = World::new(deployed, experiment, seed).expect("its payments are made up");
        let judgement = judge(&world.run(code, &mut |_| {}).expect("the world runs"));
        let unhappy = judgement.verdicts().iter().filter(|(_, verdict)| !matches!(verdict, Verdict::Pass(_)));
        Self {
            outcome: judgement.outcome(),
            unhappy: unhappy.map(|(check, verdict)| (check.name(), verdict.clone())).collect(),
        }
    }

    /// Whether this check failed.
    pub(crate) fn fails(&self, check: &str) -> bool {
        self.unhappy.iter().any(|(name, verdict)| *name == check && matches!(verdict, Verdict::Fail(_)))
    }
}

/// The stack as it is deployed. One for all runs, which so need not prove anew what others have proved of its tables.
fn own_stack() -> &'static Deployed {
    static STACK: OnceLock<Deployed> = OnceLock::new();
    STACK.get_or_init(|| Deployed::load(&own_template(), &BTreeMap::new()).expect("the template is good"))
}

impl Mutant {
    /// One experiment with this mutant.
    pub(crate) fn run(&self, seed: u64) -> Run {
        let alter = |deployed: &mut Deployed| {
            let stack = &mut deployed.stack;
            permissions::of_mutants(&mut stack.policies);
            if let Broken::Permissions(alter) = self.broken {
                alter(&mut stack.policies);
            } else if let Broken::Pipe(alter) = self.broken {
                stack.pipes.values_mut().for_each(alter);
            } else if let (Broken::Edge(alter, _), Some(edge)) = (self.broken, &mut deployed.edge) {
                alter(&mut edge.distribution);
            }
        };
        self.with_code(|code| Run::of(self.weather, seed, code, alter))
    }

    /// Runs something with this mutant in the place of the function that it breaks.
    pub(crate) fn with_code<T>(&self, run: impl FnOnce(Code<'_>) -> T) -> T {
        let broken = self.broken;
        let function = move |provider: Provider| broken.function(provider);
        let code = match broken {
            Broken::Protocol(_)
            | Broken::Stripe(_)
            | Broken::Aws(_)
            | Broken::Metrics(_)
            | Broken::Batch(_)
            | Broken::Handler(_) => Code { consumer: &function, ..Code::DEPLOYED },
            Broken::Rules(_) | Broken::ResponderAws(_) => Code { responder: &function, ..Code::DEPLOYED },
            Broken::Permissions(_) | Broken::Pipe(_) => Code::DEPLOYED,
            Broken::Edge(_, answers) => {
                let status = looks::misheard(answers);
                return run(Code { status: &status, ..Code::DEPLOYED });
            }
            Broken::Audit(_, alter) => {
                let consumer = move |provider: Provider| Broken::Stripe(alter).function(provider);
                return run(Code { consumer: &consumer, responder: &function, ..Code::DEPLOYED });
            }
        };
        run(code)
    }
}

impl Broken {
    fn function(self, provider: Provider) -> Arc<dyn Function> {
        match self {
            Self::Protocol(protocol) => calls::with_protocol(provider, protocol),
            Self::Stripe(alter) => Arc::new(calls::Liar { provider, alter }),
            Self::Aws(alter) => aws::between(Code::DEPLOYED.consumer, provider, alter),
            Self::Metrics(write) => calls::with_metrics(provider, write),
            Self::Batch(alter) => Arc::new(answers::Altered { provider, alter }),
            Self::Handler(handler) => Arc::new(answers::Other { provider, handler }),
            Self::Rules(rules) | Self::Audit(rules, _) => {
                Arc::new(ResponderFunction::with_rules(provider, rules))
            }
            Self::ResponderAws(alter) => aws::between(Code::DEPLOYED.responder, provider, alter),
            Self::Permissions(_) | Self::Pipe(_) | Self::Edge(..) => (Code::DEPLOYED.consumer)(provider),
        }
    }
}

/// How many seeds it takes to catch a mutant: for each seed to begin with, how many in a row, going round, until one
/// catches it; of these the median. `None` when no seed does.
pub(crate) fn seeds_needed(caught: &[bool]) -> Option<usize> {
    let from = |first: usize| caught.iter().cycle().skip(first).take(caught.len()).position(|caught| *caught);
    let mut needed = (0..caught.len()).map(from).collect::<Option<Vec<_>>>()?;
    needed.sort_unstable();
    needed.get(needed.len() / 2).map(|median| median + 1)
}
