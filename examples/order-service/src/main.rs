//! The example on Lambda. Time and environment enter here and nowhere else.

use anyhow::Context as _;
use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use aws_smithy_async::time::{SharedTimeSource, SystemTimeSource};
use host::Clock;
use lambda_runtime::{LambdaEvent, service_fn};
use order_service::Orders;
use std::convert::Infallible;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let orders = start()?;
    lambda_runtime::run(service_fn(|event| handle(&orders, event))).await
}

async fn handle(orders: &Orders, event: LambdaEvent<SqsEvent>) -> Result<SqsBatchResponse, Infallible> {
    Ok(orders.take_all(event.payload).await)
}

fn start() -> anyhow::Result<Orders> {
    #[expect(clippy::disallowed_methods, reason = "main is where the environment enters")]
    let environment = |name: &str| std::env::var(name).ok();
    let time = SharedTimeSource::new(SystemTimeSource::new());
    host::logs::to_stdout(environment, Clock::new(time.clone()));
    let table = environment("ORDERS_TABLE").context("ORDERS_TABLE is not set: the name of a table")?;
    let sdk = host::aws::on_lambda(environment, time)?;
    Ok(Orders::new(aws_sdk_dynamodb::Client::new(&sdk), table))
}
