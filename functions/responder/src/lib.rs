//! The responder: notices when payments cannot settle, tells people, and recovers the backlog.
//!
//! Woken by alarms to be fast and by a schedule to be right, each time it takes one turn: it looks at the services
//! themselves, asks [`payments::incident`] what follows, and does that. Whatever it needs from outside comes in through
//! [`Ports`], so the chaos suite runs this very code in simulated time.
//!
//! Invariant: only this crate redrives, and it cannot confirm: of Stripe it holds a [`stripe::Reader`], and it does
//! not depend on the right that a charger takes.

mod act;
mod audit;
#[cfg(doctest)]
mod cannot_charge;
pub mod config;
mod error;
mod event;
pub mod limits;
mod look;
pub mod mail;
mod obey;
mod order;
mod post;
mod provider;
mod queues;
#[cfg(test)]
#[path = "../../host/tests/recorder/mod.rs"]
mod recorder;
mod records;
mod tale;
mod topic;
mod turn;

pub use config::Config;
pub use error::TurnError;
pub use host::{ConfigError, Invocation};
pub use order::{BadOrder, read as read_order};
pub use records::{Condition, unsaved_since};

use act::Act;
use aws_smithy_async::time::SharedTimeSource;
use event::Wake;
use host::{Clock, Metrics};
use ledger::Ledger;
use limits::DEADLINE_MARGIN_MS;
use look::{Alarms, Look, Memory};
use mail::Site;
use payments::UnixMs;
use payments::audit::{Audit, Entry, Listed, Page, Verdict};
use payments::incident::{Decision, Effect, Incident, Observation, Policy, Recovery, Sorted};
use post::Post;
use provider::Provider;
use records::Records;
use serde_json::{Value, json};
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;
use stripe::{Reader, Secret};
use topic::Topic;
use turn::Turn;

/// Everything the responder needs from outside.
pub struct Ports {
    /// DynamoDB, for the ledger and the records.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// SQS, for the three queues.
    pub sqs: aws_sdk_sqs::Client,
    /// SNS, for the topic.
    pub sns: aws_sdk_sns::Client,
    /// CloudWatch, for the alarms.
    pub cloudwatch: aws_sdk_cloudwatch::Client,
    /// Secrets Manager, for the Stripe key.
    pub secrets: aws_sdk_secretsmanager::Client,
    /// The way to Stripe.
    pub stripe: stripe::Transport,
    /// The time.
    pub time: SharedTimeSource,
    /// Where metrics are written, a line each.
    pub metrics: Box<dyn Write + Send>,
    /// The rules. Anything but the default is known to be bad, in a test.
    pub rules: Rules,
}

/// The rules of incidents and audits, as functions, and the condition that holds them together.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Says what follows from what was seen.
    pub decide: fn(&Observation, &Incident, &Policy) -> Decision,
    /// Goes on from the dead letters that were found.
    pub sorted: SortedRule,
    /// Holds a listed intent against its row.
    pub compare: fn(&Listed, Option<&Entry>, UnixMs) -> Verdict,
    /// Goes on from a page that was read.
    pub read: fn(&Audit, Page, UnixMs) -> Audit,
    /// Says on which condition a record is saved.
    pub condition: Condition,
}

/// How a recovery goes on from the dead letters that were found.
pub type SortedRule = fn(&Recovery, Sorted, &Observation, &Policy) -> (Recovery, Option<Effect>);

impl Default for Rules {
    fn default() -> Self {
        Self {
            decide: payments::incident::decide,
            sorted: Recovery::sorted,
            compare: payments::audit::compare,
            read: Audit::read,
            condition: unsaved_since,
        }
    }
}

/// A responder in its container.
#[derive(Clone, Debug)]
pub struct Responder(Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    look: Look,
    act: Act,
    post: Post,
    metrics: Metrics,
    policy: Policy,
    rules: Rules,
    clock: Clock,
}

impl Responder {
    /// Builds a responder. Nothing is asked of anybody yet: the first turn comes within a minute and can wait for a
    /// connection, and a responder that cannot start would be a silent one.
    #[must_use]
    pub fn start(config: Config, ports: Ports) -> Self {
        let clock = Clock::new(ports.time);
        let secret = Secret::new(ports.secrets, config.stripe_secret_arn.clone());
        let stripe = Reader::new(ports.stripe, config.stripe_api_base.clone(), config.stripe_mode);
        let provider = Arc::new(Provider::new(stripe, secret, clock.clone()));
        let ledger = Ledger::new(ports.dynamodb.clone(), config.ledger_table.clone());
        let queues = queues::Writer::new(ports.sqs, &config);
        let records = records::Reader::new(ports.dynamodb, config.incidents_table.clone());
        let topic = |arn: &str| topic::Reader::new(ports.sns.clone(), arn.to_owned());
        let (alerts, pages) = (topic(&config.alerts_topic.arn), topic(&config.pages_topic.arn));
        let alarms = Alarms {
            client: ports.cloudwatch,
            prefix: format!("{}-", config.stack),
            topics: [config.alerts_topic.arn.clone(), config.pages_topic.arn.clone()],
        };
        let releases_per_s = config.payments_per_s();
        let post = Post {
            records: Records::new(records.clone(), ports.rules.condition),
            alerts: Topic::new(alerts.clone()),
            pages: Topic::new(pages.clone()),
            site: Site::of(&config),
        };
        let look = Look {
            ledger: ledger.reader().clone(),
            records,
            queues: queues.reader().clone(),
            provider: provider.clone(),
            alerts,
            pages,
            alarms,
            memory: Memory::default(),
            releases_per_s,
            clock: clock.clone(),
        };
        let act = Act { ledger, queues, provider, releases_per_s, clock: clock.clone() };
        let metrics = Metrics::new(config.metrics_namespace, ports.metrics);
        Self(Arc::new(Inner { look, act, post, metrics, policy: config.policy, rules: ports.rules, clock }))
    }

    /// Handles one event: an alarm's, the schedule's, a human's order, or anything else, which is a turn too.
    ///
    /// An order that makes no sense is answered with `{"error": …}`: a typing mistake is no failure of this function.
    ///
    /// # Errors
    /// [`TurnError`] when the turn could not do its work. Lambda tries once more, an alarm sees it, and the schedule
    /// takes the next turn.
    pub async fn handle(&self, event: Value, invocation: Invocation) -> Result<Value, TurnError> {
        let wake = match Wake::of(&event) {
            Ok(wake) => wake,
            Err(bad) => {
                tracing::warn!(error = %bad, "an order cannot be read");
                return Ok(json!({ "error": bad.to_string() }));
            }
        };
        if let Wake::Other(name) = &wake {
            tracing::warn!(event = name, "an event that is not known here; a turn follows all the same");
        }
        let left_ms = invocation.deadline.plus_ms(-DEADLINE_MARGIN_MS).since_ms(self.0.clock.now());
        let limit = Duration::from_millis(u64::try_from(left_ms).unwrap_or(0));
        let mut turn = Turn::new(&self.0, &wake, invocation.trace);
        let result = tokio::time::timeout(limit, turn.take()).await.unwrap_or(Err(TurnError::OutOfTime));
        self.0.tell(wake.name(), &turn.tale, result.as_ref().err().map(ToString::to_string));
        result
    }
}
