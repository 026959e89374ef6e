//! The tasks of one invocation: who works when.
//!
//! A container that dies takes all deliveries with it that are open in it, and the ledger counts a death for each of
//! them, because nobody is left to say whose it was. So payments that have no death behind them work side by side;
//! those that have come after them, one at a time, and open their delivery only then. The culprit soon dies alone,
//! and its company settles.
//!
//! Invariants: whoever has a death behind it never shares another; a panic costs one record; the tasks are owned, so
//! nothing works on after the answer.

use crate::Inner;
use crate::event;
use crate::record::{self, Company, End, Envelope, Report, Worked};
use aws_lambda_events::event::sqs::SqsMessage;
use payments::backoff;
use payments::{Cause, UnixMs};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{Id, JoinError, JoinSet};

/// A message and what became of it.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    pub(crate) message: Arc<SqsMessage>,
    pub(crate) report: Report,
}

/// Works on `messages` at once. Those that want to be alone come second, the fewest deaths first: the culprit of a batch
/// is soon behind its company. What is said of them is true unless they get a turn.
pub(crate) async fn side_by_side(
    inner: &Arc<Inner>,
    messages: &[Arc<SqsMessage>],
    deadline: UnixMs,
) -> (Vec<Ended>, Vec<Ended>) {
    let (mut done, mut suspects) = (Vec::new(), Vec::new());
    let worked = pay(inner, messages, Company::Others, deadline).await;
    for (message, worked) in messages.iter().map(Arc::clone).zip(worked) {
        match worked {
            Worked::Ended(report) => done.push(Ended { message, report }),
            Worked::SteppedAside { deaths, report } => suspects.push((deaths, Ended { message, report })),
        }
    }
    suspects.sort_by_key(|(deaths, _)| *deaths);
    (done, suspects.into_iter().map(|(_, suspect)| suspect).collect())
}

/// Works on one that wanted to be alone.
pub(crate) async fn alone(inner: &Arc<Inner>, mut suspect: Ended, deadline: UnixMs) -> Ended {
    let message = std::slice::from_ref(&suspect.message);
    for worked in pay(inner, message, Company::Nobody, deadline).await {
        match worked {
            Worked::Ended(report) | Worked::SteppedAside { report, .. } => suspect.report = report,
        }
    }
    suspect
}

/// Works on events of Stripe's at once. Those that are unfinished, or panicked, go back.
pub(crate) async fn listen(inner: &Arc<Inner>, events: &[Arc<SqsMessage>], deadline: UnixMs) -> Vec<Ended> {
    let process = |event: &Arc<_>| event::process(Arc::clone(inner), Arc::clone(event), deadline);
    let worked = run(inner, events, deadline, process).await;
    let ended = events.iter().zip(worked).map(|(event, worked)| {
        let report = worked.unwrap_or_else(|cause| event::cut_short(inner, event, cause));
        Ended { message: Arc::clone(event), report }
    });
    ended.collect()
}

/// Works on payments.
async fn pay(
    inner: &Arc<Inner>,
    messages: &[Arc<SqsMessage>],
    company: Company,
    deadline: UnixMs,
) -> Vec<Worked> {
    let process =
        |message: &Arc<_>| record::process(Arc::clone(inner), Arc::clone(message), company, deadline);
    let worked = run(inner, messages, deadline, process).await;
    let mut known = Vec::new();
    for (worked, message) in worked.into_iter().zip(messages) {
        if matches!(worked, Err(Cause::Panicked)) {
            record::note_panic(inner, message).await;
        }
        known.push(worked.unwrap_or_else(|cause| Worked::Ended(cut_short(inner, message, cause))));
    }
    known
}

/// Works on each message in a task of its own. Whatever is unfinished at the deadline stops there; the ledger lets the
/// next delivery resume it.
async fn run<T, F>(
    inner: &Arc<Inner>,
    messages: &[Arc<SqsMessage>],
    deadline: UnixMs,
    process: impl Fn(&Arc<SqsMessage>) -> F,
) -> Vec<Result<T, Cause>>
where
    T: Clone + Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    let ids: Vec<Id> = messages.iter().map(|message| tasks.spawn(process(message)).id()).collect();
    let mut worked = vec![Err(Cause::OutOfTime); messages.len()];
    let time_left_ms = u64::try_from(deadline.since_ms(inner.clock.now())).unwrap_or(0);
    let time_is_up = tokio::time::sleep(Duration::from_millis(time_left_ms));
    tokio::pin!(time_is_up);
    loop {
        let (id, joined) = tokio::select! {
            biased;
            joined = tasks.join_next_with_id() => match joined {
                None => break,
                Some(Ok((id, worked))) => (id, Ok(worked)),
                Some(Err(error)) => (error.id(), Err(panicked(&error))),
            },
            () = &mut time_is_up => break,
        };
        if let Some(place) = ids.iter().position(|it| *it == id) {
            worked[place] = joined;
        }
    }
    tasks.shutdown().await;
    worked
}

fn panicked(error: &JoinError) -> Cause {
    // The panic's own message was printed where it happened; it may quote the body, so it is not repeated.
    tracing::error!(panicked = error.is_panic(), "work on a record ended early");
    Cause::Panicked
}

fn cut_short(inner: &Inner, message: &SqsMessage, cause: Cause) -> Report {
    let receives = Envelope::of(message).receives;
    let visible_in_s = backoff::visibility_s(receives, None, inner.draw());
    Report { end: End::HandedBack { cause: Some(cause), visible_in_s }, ..Report::default() }
}
