//! The tasks of one invocation: who works when.
//!
//! A container that dies takes all deliveries with it that are open in it, and the ledger counts a death for each of
//! them, because nobody is left to say whose it was. So payments that have no death behind them work side by side;
//! those that have come after them, one at a time, and open their delivery only then. The culprit soon dies alone,
//! and its company settles.
//!
//! Invariants: whoever has a death behind it never shares another; a panic costs one record; the crew owns its tasks,
//! so nothing works on after the answer.

use crate::Inner;
use crate::limits::ALONE_MS_MIN;
use crate::record::{self, Company, End, Envelope, Report, Worked};
use aws_lambda_events::event::sqs::SqsMessage;
use payments::backoff;
use payments::{Cause, UnixMs};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{Id, JoinError, JoinSet};

/// Works on `messages` until all are done or `deadline` has come. One report a message, in their order.
pub(crate) async fn work(inner: &Arc<Inner>, messages: &[Arc<SqsMessage>], deadline: UnixMs) -> Vec<Report> {
    let mut crew =
        Crew { inner, messages, deadline, reports: vec![None; messages.len()], suspects: Vec::new() };
    crew.run(0..messages.len(), Company::Others).await;
    for suspect in crew.suspects() {
        if crew.time_left_ms() < ALONE_MS_MIN {
            break;
        }
        crew.run([suspect], Company::Nobody).await;
    }
    let out_of_time = |message| cut_short(inner, message, Cause::OutOfTime);
    let reports = crew.reports.into_iter().zip(messages);
    reports.map(|(report, message)| report.unwrap_or_else(|| out_of_time(message))).collect()
}

struct Crew<'a> {
    inner: &'a Arc<Inner>,
    messages: &'a [Arc<SqsMessage>],
    deadline: UnixMs,
    /// What is known of each record; nothing of one that did not finish.
    reports: Vec<Option<Report>>,
    /// Deaths behind each record that stepped aside, and which it is.
    suspects: Vec<(usize, usize)>,
}

impl Crew<'_> {
    /// Those that stepped aside, the fewest deaths first: the culprit of a batch is soon behind its company.
    fn suspects(&mut self) -> Vec<usize> {
        self.suspects.sort_unstable();
        std::mem::take(&mut self.suspects).into_iter().map(|(_, record)| record).collect()
    }

    /// Works on `records` at once, each in a task of its own. Whatever is unfinished at the deadline stops there; the
    /// ledger lets the next delivery resume it.
    async fn run(&mut self, records: impl IntoIterator<Item = usize>, company: Company) {
        let mut tasks = JoinSet::new();
        let mut places = Vec::new();
        for record in records {
            let (inner, message) = (Arc::clone(self.inner), Arc::clone(&self.messages[record]));
            places.push((tasks.spawn(record::process(inner, message, company, self.deadline)).id(), record));
        }
        let time_left_ms = u64::try_from(self.time_left_ms()).unwrap_or(0);
        let time_is_up = tokio::time::sleep(Duration::from_millis(time_left_ms));
        tokio::pin!(time_is_up);
        loop {
            tokio::select! {
                biased;
                joined = tasks.join_next_with_id() => match joined {
                    None => break,
                    Some(joined) => self.joined(&places, joined),
                },
                () = &mut time_is_up => break,
            }
        }
        tasks.shutdown().await;
    }

    fn joined(&mut self, places: &[(Id, usize)], joined: Result<(Id, Worked), JoinError>) {
        let id = joined.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        let Some((_, record)) = places.iter().find(|(place, _)| *place == id) else { return };
        let report = match joined {
            Ok((_, Worked::Ended(report))) => report,
            Ok((_, Worked::SteppedAside { deaths, report })) => {
                self.suspects.push((deaths, *record));
                report
            }
            Err(error) => cut_short(self.inner, &self.messages[*record], panicked(&error)),
        };
        self.reports[*record] = Some(report);
    }

    fn time_left_ms(&self) -> i64 {
        self.deadline.since_ms(self.inner.clock.now())
    }
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
