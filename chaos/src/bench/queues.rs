//! What the embedded SQS carries over HTTP, beside what others do: calls a second of one client.
//!
//! Invariant: in a round that counts, as many messages are received and deleted as were sent.

use super::peers::{MINISTACK, MOTO};
use super::server::Server;
use super::{BenchError, Column, Offer, REPEATS_MAX};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::timeout::TimeoutConfig;
use aws_smithy_async::time::{SharedTimeSource, SystemTimeSource};
use host::aws::why;
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Messages of a round.
pub(super) const MESSAGES: u32 = 500;

/// Longest that a call may take: a server that is slow is told by its figures.
const PATIENCE: Duration = Duration::from_secs(30);

/// Calls under way at once.
pub(super) const AT_ONCE: usize = 8;

/// Calls a second, each for one message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Rates {
    /// `SendMessage`.
    pub sends_per_s: f64,
    /// `ReceiveMessage`.
    pub receives_per_s: f64,
    /// `DeleteMessage`.
    pub deletes_per_s: f64,
    /// Processor time of the client alone, a call, µs, where the system tells: no server can be called faster than that.
    pub client_us: Option<f64>,
}

/// A server, its queue, and a client that is warm.
struct Contestant {
    client: Client,
    queue_url: String,
    _server: Server,
}

/// Lets each server do the same, round by round.
pub(super) async fn compare(
    offer: &Offer,
    told: &mut dyn FnMut(u64, u64, &str),
) -> Result<Vec<Column<Rates>>, BenchError> {
    let ours = "embedded";
    let mut columns = vec![Column { is_peer: false, ..column(ours.to_owned()) }];
    let fails = |why| BenchError::Fails { who: ours.to_owned(), why };
    let mut contestants = vec![Some(Contestant::meet(Server::ours(offer)?).await.map_err(fails)?)];
    for key in [MINISTACK, MOTO] {
        told(0, 1, key);
        let (column, contestant) = theirs(key, offer).await;
        columns.push(column);
        contestants.push(contestant);
    }
    let whole = u64::from(offer.runs) * columns.len() as u64;
    let mut done = 0;
    for _ in 0..offer.runs {
        for (column, contestant) in columns.iter_mut().zip(&contestants) {
            told(done, whole, &column.name);
            done += 1;
            let Some(contestant) = contestant.as_ref().filter(|_| column.missing.is_none()) else { continue };
            match contestant.round(MESSAGES, &mut |why| column.repeats(why)).await {
                Ok(rates) => column.runs.push(rates),
                Err(why) => column.fails(why)?,
            }
        }
    }
    Ok(columns)
}

/// Of a peer, empty.
fn column(name: String) -> Column<Rates> {
    Column { name, is_peer: true, size_bytes: None, runs: Vec::new(), missing: None, repeated: None }
}

async fn theirs(key: &'static str, offer: &Offer) -> (Column<Rates>, Option<Contestant>) {
    let missing = |name: &str, why| (Column { missing: Some(why), ..column(name.to_owned()) }, None);
    let peer = match offer.peers.get(key) {
        Some(Ok(peer)) => peer,
        Some(Err(why)) => return missing(key, why.clone()),
        None => return missing(key, "not asked for".to_owned()),
    };
    let contestant = match Server::theirs(key, peer, &offer.folders.of(key)).await {
        Ok(server) => Contestant::meet(server).await,
        Err(why) => Err(why),
    };
    match contestant {
        Ok(contestant) => (column(peer.name.clone()), Some(contestant)),
        Err(why) => missing(&peer.name, why),
    }
}

impl Contestant {
    /// Makes a queue where there is none, and warms both sides up.
    async fn meet(server: Server) -> Result<Self, String> {
        let client = client(&server.base).map_err(|error| error.to_string())?;
        let queue_url = match &server.queue_url {
            Some(url) => url.clone(),
            None => {
                let made = client.create_queue().queue_name("bench").send().await;
                let made = made.map_err(|error| format!("CreateQueue: {}", why(&error)))?;
                made.queue_url.ok_or("CreateQueue answers without a URL")?
            }
        };
        let contestant = Self { client, queue_url, _server: server };
        let mut left = REPEATS_MAX;
        let mut repeats = |_: &str| {
            left = left.saturating_sub(1);
            left > 0
        };
        contestant.round(MESSAGES / 10, &mut repeats).await?;
        // An answer that is an error may have taken a message along; the next call then finds another.
        contestant.send(REPEATS_MAX, &mut repeats).await?;
        Ok(contestant)
    }

    /// Sends so many messages, receives them and deletes them, one with each call.
    async fn round(&self, messages: u32, repeats: Repeats<'_>) -> Result<Rates, String> {
        let before_ns = thread_ns();
        let sends_per_s = self.send(messages, repeats).await?;
        let this = || (self.client.clone(), self.queue_url.clone());
        let (receives_per_s, receipts) = calls(messages, repeats, |_| {
            let (client, url) = this();
            async move {
                let received = client.receive_message().queue_url(url).max_number_of_messages(1).send().await;
                let received = received.map_err(|error| format!("ReceiveMessage: {}", why(&error)))?;
                let message = received.messages.unwrap_or_default().into_iter().next();
                message.and_then(|it| it.receipt_handle).ok_or("ReceiveMessage: none is left".to_owned())
            }
        })
        .await?;
        let receipts = Arc::new(receipts);
        let (deletes_per_s, _) = calls(messages, repeats, |number| {
            let ((client, url), receipts) = (this(), Arc::clone(&receipts));
            async move {
                let deleted =
                    client.delete_message().queue_url(url).receipt_handle(&receipts[number]).send().await;
                deleted.map(drop).map_err(|error| format!("DeleteMessage: {}", why(&error)))
            }
        })
        .await?;
        let used_ns = before_ns.zip(thread_ns()).map(|(before, after)| after - before);
        let client_us = used_ns.map(|ns| ns / 1e3 / f64::from(3 * messages));
        Ok(Rates { sends_per_s, receives_per_s, deletes_per_s, client_us })
    }

    async fn send(&self, messages: u32, repeats: Repeats<'_>) -> Result<f64, String> {
        let sent = calls(messages, repeats, |number| {
            let (client, url) = (self.client.clone(), self.queue_url.clone());
            async move {
                let sent = client.send_message().queue_url(url).message_body(body(number)).send().await;
                sent.map(drop).map_err(|error| format!("SendMessage: {}", why(&error)))
            }
        });
        Ok(sent.await?.0)
    }
}

/// The client that the functions use, too; it waits for long and never tries again, so that every call is one.
fn client(base: &str) -> Result<Client, host::ConfigError> {
    let get = |name: &str| {
        Some(match name {
            "AWS_ENDPOINT_URL" => base.to_owned(),
            "AWS_REGION" => crate::cloud::names::REGION.to_owned(),
            "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => "bench".to_owned(),
            _ => return None,
        })
    };
    let sdk = host::aws::on_lambda(get, SharedTimeSource::new(SystemTimeSource::new()))?;
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(PATIENCE).operation_timeout(PATIENCE);
    let config = aws_sdk_sqs::config::Builder::from(&sdk).retry_config(RetryConfig::disabled());
    Ok(Client::from_conf(config.timeout_config(timeouts.build()).build()))
}

fn body(number: usize) -> String {
    format!(
        r#"{{"payment_id":"bench-{number}","amount":1999,"currency":"eur","payment_method":"pm_card_visa"}}"#
    )
}

/// Whether a call that was answered so is made again.
type Repeats<'a> = &'a mut dyn FnMut(&str) -> bool;

/// Makes so many calls, some at once; how many a second there were, and what they brought.
async fn calls<T, C>(
    count: u32,
    repeats: Repeats<'_>,
    call: impl Fn(usize) -> C,
) -> Result<(f64, Vec<T>), String>
where
    T: Send + 'static,
    C: Future<Output = Result<T, String>> + Send + 'static,
{
    let mut numbers = 0..count as usize;
    let numbered = |number| {
        let call = call(number);
        async move { (number, call.await) }
    };
    let mut under_way = JoinSet::new();
    let began = Instant::now();
    for number in numbers.by_ref().take(AT_ONCE) {
        under_way.spawn(numbered(number));
    }
    let mut brought = Vec::with_capacity(count as usize);
    while let Some(done) = under_way.join_next().await {
        let next = match done.map_err(|error| error.to_string())? {
            (_, Ok(one)) => {
                brought.push(one);
                numbers.next()
            }
            (number, Err(why)) if repeats(&why) => Some(number),
            (_, Err(why)) => return Err(why),
        };
        if let Some(number) = next {
            under_way.spawn(numbered(number));
        }
    }
    Ok((f64::from(count) / began.elapsed().as_secs_f64(), brought))
}

/// Processor time that this thread has used so far, ns, where the system tells.
fn thread_ns() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    stat.split(' ').next()?.parse().ok()
}
