//! The status function on Lambda. Time and environment enter here and nowhere else.

use aws_lambda_events::event::lambda_function_urls::{LambdaFunctionUrlRequest, LambdaFunctionUrlResponse};
use aws_smithy_async::time::{SharedTimeSource, SystemTimeSource};
use host::Clock;
use lambda_runtime::{LambdaEvent, service_fn};
use status::{Config, Ports, Teller};
use std::convert::Infallible;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let teller = start()?;
    lambda_runtime::run(service_fn(|event| handle(&teller, event))).await
}

async fn handle(
    teller: &Teller,
    event: LambdaEvent<LambdaFunctionUrlRequest>,
) -> Result<LambdaFunctionUrlResponse, Infallible> {
    Ok(teller.answer(&event.payload).await)
}

fn start() -> anyhow::Result<Teller> {
    #[expect(clippy::disallowed_methods, reason = "main is where the environment enters")]
    let environment = |name: &str| std::env::var(name).ok();
    let time = SharedTimeSource::new(SystemTimeSource::new());
    host::logs::to_stdout(environment, Clock::new(time.clone()));
    let config = Config::from_environment(environment)?;
    let sdk = host::aws::on_lambda(environment, time.clone())?;
    Ok(Teller::start(config, Ports { dynamodb: status::impatient(&sdk), time }))
}
