//! A look into the quarantine, and what share of the traffic it is.
//!
//! Invariant: whatever was received is shown again; of a body only what a mail says is kept.

use super::Look;
use crate::error::TurnError;
use crate::limits::{QUARANTINE_MS_MAX, QUARANTINE_RECEIVES_MAX, TRAFFIC_MS_MAX, TRAFFIC_PAGES_MAX};
use crate::queues::Queue;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use payments::audit::{Listed, Span, Window};
use payments::incident::{Contents, Copied, Observation, Probes, Reach, Rest, Traffic};
use payments::limits::{AUDIT_PAGE_INTENTS, HOUR_MS};
use payments::provider::IntentId;
use payments::quarantine::{DETAIL, REASON};
use payments::{PaymentId, UnixMs};
use std::collections::BTreeSet;
use std::time::Duration;
use stripe::{Ask, Listing};

/// What was read.
#[derive(Debug, Default)]
struct Read {
    copies: Vec<Copied>,
    receipts: Vec<Message>,
}

impl Look {
    /// What is in quarantine; nothing if it cannot be read, which keeps no mail back.
    pub(crate) async fn contents(&self, seen: &Observation) -> Option<Contents> {
        Some(self.read_quarantine(seen).await?.0)
    }

    /// What a mail about the quarantine says of it.
    pub(crate) async fn contents_and_traffic(
        &self,
        seen: &Observation,
    ) -> (Option<Contents>, Option<Traffic>) {
        let Some((contents, payments)) = self.read_quarantine(seen).await else { return (None, None) };
        let is_down = matches!(seen.probes, Some(Probes::Unwell(_)));
        let traffic = if is_down { None } else { self.traffic(&payments, seen.now).await };
        (Some(contents), traffic)
    }

    /// Reads messages, and shows them again. They are hidden meanwhile, so that none is read twice.
    async fn read_quarantine(&self, seen: &Observation) -> Option<(Contents, BTreeSet<PaymentId>)> {
        let total = seen.quarantine.total();
        let mut read = Read::default();
        let result = self.read_messages(total, &mut read).await;
        self.queues.give_back(Queue::Quarantine, &read.receipts).await;
        if let Err(error) = result {
            tracing::warn!(%error, "the quarantine cannot be read to its end");
        }
        let payments = read.copies.iter().filter_map(|copied| copied.what.payment_id.clone()).collect();
        let reach = if read.copies.len() as u64 >= total { Reach::All } else { Reach::Part };
        (total == 0 || !read.copies.is_empty())
            .then(|| (Contents::of(read.copies, reach, seen.now), payments))
    }

    async fn read_messages(&self, total: u64, read: &mut Read) -> Result<(), TurnError> {
        let until = self.clock.now().plus_ms(QUARANTINE_MS_MAX);
        for _ in 0..QUARANTINE_RECEIVES_MAX {
            if read.copies.len() as u64 >= total || self.clock.now() >= until {
                break;
            }
            let messages = self.queues.receive(Queue::Quarantine).await?;
            if messages.is_empty() {
                break;
            }
            read.copies.extend(messages.iter().map(copied));
            read.receipts.extend(messages.into_iter().map(receipt));
        }
        Ok(())
    }

    /// The payments of the last hour that came through; nothing if Stripe does not say in time.
    async fn traffic(&self, in_quarantine: &BTreeSet<PaymentId>, now: UnixMs) -> Option<Traffic> {
        let listing = self.newest_intents(now);
        let listed = tokio::time::timeout(Duration::from_millis(TRAFFIC_MS_MAX), listing).await;
        let (listed, rest) = listed.ok().flatten().or_else(|| {
            tracing::warn!("a mail goes without the share of traffic: Stripe lists no payments");
            None
        })?;
        Some(Traffic::of(&listed, rest, in_quarantine, now))
    }

    async fn newest_intents(&self, now: UnixMs) -> Option<(Vec<Listed>, Rest)> {
        let window = Window::before(now, Span::of_seconds(HOUR_MS / 1_000)?);
        let mut all = Vec::new();
        let mut after: Option<IntentId> = None;
        for _ in 0..TRAFFIC_PAGES_MAX {
            let ask = Ask { window, after: after.as_ref(), limit: AUDIT_PAGE_INTENTS };
            match self.provider.list(&ask).await {
                Listing::Page { listed, has_more } => {
                    all.extend(listed);
                    if !has_more {
                        return Some((all, Rest::None));
                    }
                    after = all.last().map(|listed| listed.intent.id.clone());
                }
                Listing::TooLarge | Listing::Failed(_) => break,
            }
        }
        (!all.is_empty()).then_some((all, Rest::Unlisted))
    }
}

/// An attribute that is a text.
pub(crate) fn attribute<'m>(message: &'m Message, name: &str) -> Option<&'m str> {
    message.message_attributes()?.get(name)?.string_value()
}

/// When a message was last sent to the queue that it is in.
pub(crate) fn sent_at(message: &Message) -> Option<UnixMs> {
    let sent_at = message.attributes()?.get(&MessageSystemAttributeName::SentTimestamp)?;
    sent_at.parse().ok().map(UnixMs)
}

/// What it takes to show a message again, without its body.
pub(crate) fn receipt(message: Message) -> Message {
    Message::builder().set_receipt_handle(message.receipt_handle).build()
}

fn copied(message: &Message) -> Copied {
    let body = message.body().unwrap_or_default();
    Copied::read(body, attribute(message, REASON), attribute(message, DETAIL), sent_at(message))
}
