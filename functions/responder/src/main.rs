//! The responder on Lambda. Time and environment enter here and nowhere else.

use anyhow::Context as _;
use aws_smithy_async::time::{SharedTimeSource, SystemTimeSource};
use host::{Clock, Invocation};
use lambda_runtime::{LambdaEvent, service_fn};
use responder::{Config, Ports, Responder, Rules};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let responder = start().await?;
    lambda_runtime::run(service_fn(|event| handle(&responder, event))).await
}

async fn handle(responder: &Responder, event: LambdaEvent<Value>) -> Result<Value, lambda_runtime::Error> {
    let invocation = Invocation::of(event.context.deadline, event.context.xray_trace_id.as_deref());
    Ok(responder.handle(event.payload, invocation).await?)
}

async fn start() -> anyhow::Result<Responder> {
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
        sns: aws_sdk_sns::Client::new(&sdk),
        cloudwatch: aws_sdk_cloudwatch::Client::new(&sdk),
        secrets: aws_sdk_secretsmanager::Client::new(&sdk),
        stripe,
        time,
        metrics: Box::new(std::io::stdout()),
        rules: Rules::default(),
    };
    Ok(Responder::start(config, ports))
}
