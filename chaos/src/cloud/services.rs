//! The services that functions call, behind one door.
//!
//! Invariant: no lock is held across an await, so every call takes effect at one instant.

use super::dynamodb::DynamoDb;
use super::reply::Reply;
use super::secrets::Secrets;
use super::sqs::{Answer, Call, Sqs, SqsError};
use crate::clock::Clock;
use payments::UnixMs;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Every service of one account; cheap to clone.
#[derive(Clone, Debug)]
pub struct Services(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    sqs: Mutex<Sqs>,
    dynamodb: DynamoDb,
    secrets: Mutex<Secrets>,
    clock: Clock,
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
}

impl Service {
    /// Reads `x-amz-target`: the service, and the operation after the dot; `None` for a service that is not here.
    #[must_use]
    pub fn of_target(target: &str) -> Option<(Self, &str)> {
        let (prefix, operation) = target.split_once('.')?;
        let service = match prefix {
            "AmazonSQS" => Self::Sqs,
            "DynamoDB_20120810" => Self::DynamoDb,
            "secretsmanager" => Self::Secrets,
            _ => return None,
        };
        Some((service, operation))
    }
}

impl Services {
    pub(super) fn new(sqs: Sqs, dynamodb: DynamoDb, secrets: Secrets, clock: Clock) -> Self {
        Self(Arc::new(Inner { sqs: Mutex::new(sqs), dynamodb, secrets: Mutex::new(secrets), clock }))
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

    /// The clock they all follow.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Carries a request out for the invocation `request` (empty when no function is calling). Everything but a long
    /// poll is over at the instant it began.
    pub async fn answer(&self, service: Service, operation: &str, body: &[u8], request: &str) -> Reply {
        match service {
            Service::Sqs => self.answer_sqs(operation, body).await.unwrap_or_else(|error| error.reply()),
            Service::DynamoDb => self.dynamodb().answer(operation, body, request, self.clock().now()),
            Service::Secrets => self.secrets().answer(operation, body),
        }
    }

    async fn answer_sqs(&self, operation: &str, body: &[u8]) -> Result<Reply, SqsError> {
        let call = Call::read(operation, body)?;
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
