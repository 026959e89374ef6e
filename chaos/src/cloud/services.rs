//! The services that functions call, behind one door.
//!
//! Invariant: no lock is held across an await, so every call takes effect at one instant.

use super::cloudwatch::{self, CloudWatch, Publication};
use super::dynamodb::{self, DynamoDb};
use super::iam::{Denied, Iam, Principal};
use super::reply::Reply;
use super::secrets::{self, Secrets};
use super::sns::{self, Sns, SnsError};
use super::sqs::{Answer, Call, Sqs, SqsError};
use crate::clock::Clock;
use crate::turns::Effect;
use payments::UnixMs;
use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Every service of one account; cheap to clone.
#[derive(Clone, Debug)]
pub struct Services(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    sqs: Mutex<Sqs>,
    dynamodb: DynamoDb,
    secrets: Mutex<Secrets>,
    sns: Mutex<Sns>,
    cloudwatch: Mutex<CloudWatch>,
    iam: Iam,
    clock: Clock,
    calls: AtomicU64,
}

/// Who calls a service.
#[derive(Clone, Copy, Debug, Default)]
pub struct Caller<'a> {
    /// Whose permissions count; nobody's, when the caller is no part of the stack.
    pub who: Option<&'a Principal>,
    /// The invocation that is calling; empty during init, and when no function is.
    pub request: &'a str,
    /// How old what it is shown may be, ms, where a service promises no more: an index, a count.
    pub behind_ms: i64,
}

/// The service a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// SQS.
    Sqs,
    /// DynamoDB.
    DynamoDb,
    /// Secrets Manager.
    Secrets,
    /// SNS.
    Sns,
    /// CloudWatch.
    CloudWatch,
}

/// The API version that a form for SNS carries. Forms of the query protocol name their service by it alone.
const SNS_VERSION: &str = "2010-03-31";

impl Service {
    /// Reads which service and operation a request is for: from `x-amz-target` when it has one, and otherwise from the
    /// form in its body; `None` for a service that is not here.
    #[must_use]
    pub fn of_request<'a>(target: Option<&'a str>, body: &'a [u8]) -> Option<(Self, Cow<'a, str>)> {
        match target {
            Some(target) => Self::of_target(target).map(|(service, operation)| (service, operation.into())),
            None => Self::of_form(body),
        }
    }

    /// Reads `Version` and `Action` of a form.
    fn of_form(form: &[u8]) -> Option<(Self, Cow<'_, str>)> {
        let field = |name| form_urlencoded::parse(form).find(|(key, _)| key == name).map(|(_, value)| value);
        (field("Version")? == SNS_VERSION).then_some((Self::Sns, field("Action")?))
    }

    /// Reads `x-amz-target`: the service, and the operation after the dot; `None` for a service that is not here.
    #[must_use]
    pub fn of_target(target: &str) -> Option<(Self, &str)> {
        let (prefix, operation) = target.split_once('.')?;
        let service = match prefix {
            "AmazonSQS" => Self::Sqs,
            "DynamoDB_20120810" => Self::DynamoDb,
            "secretsmanager" => Self::Secrets,
            "GraniteServiceVersion20100801" => Self::CloudWatch,
            _ => return None,
        };
        Some((service, operation))
    }

    /// What a call to it touches.
    #[must_use]
    pub const fn effect(self) -> Effect {
        Effect(match self {
            Self::Sqs => "sqs",
            Self::DynamoDb => "dynamodb",
            Self::Secrets => "secrets",
            Self::Sns => "sns",
            Self::CloudWatch => "cloudwatch",
        })
    }

    /// What it answers while it can take no more, each in its own way. All of these may be tried again.
    #[must_use]
    pub fn overloaded(self) -> Reply {
        match self {
            Self::Sqs => SqsError::InternalError.reply(),
            Self::DynamoDb => dynamodb::throttled(),
            Self::Secrets => {
                Reply::error(500, "InternalServiceError", "An error occurred on the server side.")
            }
            // Nobody who was not answered asks for the id of the request.
            Self::Sns => SnsError::InternalError.reply("overloaded"),
            Self::CloudWatch => cloudwatch::overloaded(),
        }
    }
}

impl Services {
    pub(super) fn new(
        sqs: Sqs,
        dynamodb: DynamoDb,
        secrets: Secrets,
        sns: Sns,
        cloudwatch: CloudWatch,
        iam: Iam,
        clock: Clock,
    ) -> Self {
        let (sqs, secrets) = (Mutex::new(sqs), Mutex::new(secrets));
        let (sns, cloudwatch) = (Mutex::new(sns), Mutex::new(cloudwatch));
        let calls = AtomicU64::new(0);
        Self(Arc::new(Inner { sqs, dynamodb, secrets, sns, cloudwatch, iam, clock, calls }))
    }

    /// SQS. Let go of it before the next await.
    pub fn sqs(&self) -> MutexGuard<'_, Sqs> {
        self.0.sqs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// DynamoDB.
    #[must_use]
    pub fn dynamodb(&self) -> &DynamoDb {
        &self.0.dynamodb
    }

    /// Secrets Manager. Let go of it before the next await.
    pub fn secrets(&self) -> MutexGuard<'_, Secrets> {
        self.0.secrets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// CloudWatch. Let go of it before the next await.
    pub fn cloudwatch(&self) -> MutexGuard<'_, CloudWatch> {
        self.0.cloudwatch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// SNS. Let go of it before the next await.
    pub fn sns(&self) -> MutexGuard<'_, Sns> {
        self.0.sns.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// IAM.
    #[must_use]
    pub fn iam(&self) -> &Iam {
        &self.0.iam
    }

    /// The clock they all follow.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Calls of functions so far, of all services.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.0.calls.load(Ordering::Relaxed)
    }

    /// Carries a request out for a caller who may make it. Everything but a long poll is over at the instant it began.
    pub async fn answer(&self, service: Service, operation: &str, body: &[u8], caller: Caller<'_>) -> Reply {
        let now = self.clock().now();
        self.0.calls.fetch_add(1, Ordering::Relaxed);
        match service {
            Service::Sqs => {
                self.answer_sqs(operation, body, caller).await.unwrap_or_else(|error| error.reply())
            }
            Service::DynamoDb => match self.ask_for_rows(caller, operation, body) {
                Ok(()) => self.dynamodb().answer(operation, body, caller, now),
                Err(denied) => dynamodb::denied(&denied),
            },
            Service::Secrets => match self.ask(caller, secrets::needs(operation, body)) {
                Ok(()) => self.secrets().answer(operation, body),
                Err(denied) => secrets::denied(&denied),
            },
            Service::Sns => match self.ask_for_topic(caller, operation, body) {
                Ok(()) => self.sns().answer(operation, body, caller.request, now),
                Err(denied) => SnsError::from(denied).reply("denied"),
            },
            Service::CloudWatch => match self.ask(caller, cloudwatch::needs(operation)) {
                Ok(()) => self.cloudwatch().answer(operation, body),
                Err(denied) => cloudwatch::denied(&denied),
            },
        }
    }

    /// Publishes as an alarm does, which is not told why it may not.
    pub(super) fn publish_as(&self, who: &Principal, publication: &Publication, now: UnixMs) {
        let Publication { topic_arn, subject, document, letter } = publication;
        if self.iam().ask(who, sns::PUBLISH, topic_arn).is_ok()
            && self.iam().ask_for_key_of(who, topic_arn).is_ok()
        {
            // CloudWatch does not look at the answer: whoever is not told does not hear that either.
            let _ = self.sns().publish_to_each(topic_arn, Some(subject), document, letter, now);
        }
    }

    /// Whether the caller may do all of this.
    fn ask(
        &self,
        caller: Caller<'_>,
        needs: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Result<(), Denied> {
        let Some(who) = caller.who else { return Ok(()) };
        needs.into_iter().try_for_each(|(action, resource)| self.iam().ask(who, action, &resource))
    }

    /// The same for DynamoDB, where a policy may speak of attributes.
    fn ask_for_rows(&self, caller: Caller<'_>, operation: &str, body: &[u8]) -> Result<(), Denied> {
        let Some(who) = caller.who else { return Ok(()) };
        let attributes = dynamodb::attributes(operation, body);
        let mut needs = dynamodb::needs(operation, body).into_iter();
        needs.try_for_each(|(action, table)| self.iam().ask_for(who, action, &table, &attributes))
    }

    /// The same for SNS, where a publisher needs the topic's key as well.
    fn ask_for_topic(&self, caller: Caller<'_>, operation: &str, form: &[u8]) -> Result<(), Denied> {
        let (Some(who), Some((action, topic))) = (caller.who, sns::needs(operation, form)) else {
            return Ok(());
        };
        self.iam().ask(who, action, &topic)?;
        if action == sns::PUBLISH { self.iam().ask_for_key_of(who, &topic) } else { Ok(()) }
    }

    async fn answer_sqs(&self, operation: &str, body: &[u8], caller: Caller<'_>) -> Result<Reply, SqsError> {
        let call = Call::read(operation, body)?.by(caller.who).behind(caller.behind_ms);
        self.ask(caller, call.needs())?;
        let clock = self.clock();
        let Some((queue, wait_s)) = call.long_poll() else {
            return Ok(self.sqs().answer(&call, clock.now()).into_reply());
        };
        let until = clock.now().plus_ms(1000 * i64::from(wait_s));
        loop {
            let answer = self.sqs().answer(&call, clock.now());
            if answer != Answer::NothingYet || !self.receivable_by(queue, Some(until)).await {
                return Ok(answer.into_reply());
            }
        }
    }

    /// Carries message move tasks forward, every message at its own instant. Never returns.
    pub(super) async fn move_messages(self) {
        loop {
            let changed = self.sqs().moves_changed();
            let noticed = changed.notified();
            let next = self.sqs().next_move();
            match next {
                None => noticed.await,
                Some(next) => tokio::select! {
                    biased;
                    () = noticed => {}
                    () = self.clock().sleep_until(next) => self.sqs().move_due(self.clock().now()),
                },
            }
        }
    }

    /// Waits until a receive from `queue` could do something, and says so; `false` when `until` comes first.
    ///
    /// Sleeps exactly until the queue's next instant or until it is told of an earlier one: never a tick.
    pub async fn receivable_by(&self, queue: &str, until: Option<UnixMs>) -> bool {
        let clock = self.clock();
        loop {
            let Ok(activity) = self.sqs().activity(queue) else { return false };
            let noticed = activity.notified();
            let next = self.sqs().next_receivable(queue);
            if next.is_some_and(|next| next <= clock.now()) {
                return true;
            }
            if until.is_some_and(|until| until <= clock.now()) {
                return false;
            }
            let alarm = match (next, until) {
                (Some(next), Some(until)) => Some(next.min(until)),
                (one, other) => one.or(other),
            };
            match alarm {
                None => noticed.await,
                Some(alarm) => tokio::select! {
                    biased;
                    () = noticed => {}
                    () = clock.sleep_until(alarm) => {}
                },
            }
        }
    }
}
