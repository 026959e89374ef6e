//! The post: what people are told, once the record that says so is saved.
//!
//! Invariant: a mail is published by whoever saved it or laid claim to it, and is taken out of its record only after the
//! topic took it.

use crate::error::TurnError;
use crate::limits::MARK_SENT_ATTEMPTS;
use crate::mail::{self, Site};
use crate::records::{Record, Records, Saved};
use crate::topic::Topic;
use host::TraceId;
use payments::incident::{Mail, Outbox};

/// What people are told by.
#[derive(Debug)]
pub(crate) struct Post {
    pub(crate) records: Records,
    pub(crate) alerts: Topic,
    pub(crate) pages: Topic,
    pub(crate) site: Site,
}

/// What became of the mails of a record.
#[derive(Debug)]
#[must_use]
pub(crate) struct Posted<R> {
    /// The record without those that were published.
    pub(crate) record: R,
    /// How many were.
    pub(crate) mails: u64,
    /// Why it did not go further, if it did not.
    pub(crate) result: Result<(), TurnError>,
}

impl Post {
    /// Publishes the mails that were written or claimed since `before`, those that need somebody on the second channel as
    /// well. A second channel that is broken holds up no mail; the turn fails for it.
    pub(crate) async fn publish<R: Record>(
        &self,
        before: &Outbox,
        record: R,
        trace: Option<&TraceId>,
    ) -> Posted<R> {
        let mails: Vec<Mail> = record.outbox().claimed_since(before).cloned().collect();
        let mut posted = Posted { record, mails: 0, result: Ok(()) };
        let mut paged = Ok(());
        for mail in mails {
            let email = mail::write(&mail.letter, mail.late, &self.site.of_turn(trace));
            posted.result = self.alerts.publish(&email).await;
            if posted.result.is_err() {
                return posted;
            }
            posted.mails += 1;
            if email.needs_somebody() {
                paged = paged.and(self.pages.publish(&email).await);
            }
            match self.mark_sent(&posted.record, mail.number).await {
                Ok(record) => posted.record = record,
                Err(error) => return Posted { result: Err(error), ..posted },
            }
        }
        Posted { result: paged, ..posted }
    }

    /// Others may change the record meanwhile; the mail has to come out all the same, or it would be sent twice.
    async fn mark_sent<R: Record>(&self, record: &R, number: u64) -> Result<R, TurnError> {
        let mut record = record.clone();
        for _ in 0..MARK_SENT_ATTEMPTS {
            record.outbox_mut().sent(number);
            match self.records.save(&record).await? {
                Saved::Yes(saved) => return Ok(saved),
                Saved::Lost(found) => record = found,
            }
        }
        tracing::warn!(number, "a mail was sent and could not be marked so; it will be sent again");
        Ok(record)
    }
}
