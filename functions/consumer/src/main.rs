//! The consumer on Lambda. Time, randomness and environment enter here and nowhere else.

use anyhow::Context as _;
use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use aws_smithy_async::time::{SharedTimeSource, SystemTimeSource};
use consumer::{Config, Consumer, Ports, Protocol};
use host::{Clock, Invocation};
use lambda_runtime::{LambdaEvent, service_fn};
use rand::TryRng;
use std::convert::Infallible;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let consumer = start().await?;
    lambda_runtime::run(service_fn(|event| handle(&consumer, event))).await
}

async fn handle(consumer: &Consumer, event: LambdaEvent<SqsEvent>) -> Result<SqsBatchResponse, Infallible> {
    let invocation = Invocation::of(event.context.deadline, event.context.xray_trace_id.as_deref());
    Ok(consumer.handle(event.payload, invocation).await)
}

async fn start() -> anyhow::Result<Consumer> {
    #[expect(clippy::disallowed_methods, reason = "main is where the environment enters")]
    let environment = |name: &str| std::env::var(name).ok();
    let time = SharedTimeSource::new(SystemTimeSource::new());
    host::logs::to_stdout(environment, Clock::new(time.clone()));
    let config = Config::from_environment(environment)?;
    let sdk = host::aws::on_lambda(environment, time.clone())?;
    let stripe = stripe::transport::over_tls(&config.stripe_api_base)
        .map_err(anyhow::Error::from_boxed)
        .context("the transport to Stripe cannot be made")?;
    let ports = Ports {
        dynamodb: aws_sdk_dynamodb::Client::new(&sdk),
        sqs: aws_sdk_sqs::Client::new(&sdk),
        secrets: aws_sdk_secretsmanager::Client::new(&sdk),
        stripe,
        time,
        seed: rand::rngs::SysRng.try_next_u64().context("the system gives no randomness")?,
        metrics: Box::new(std::io::stdout()),
        protocol: Protocol::default(),
    };
    Ok(Consumer::start(config, ports).await)
}
