//! What befell payments: refusals and deaths, each with the fault behind it if that fault takes everybody.
//!
//! What befalls everybody says nothing of anybody. A fault that is drawn, or that picks payments, hits its victims alone.
//! Invariant: a fault is everybody's only while it takes all that it can reach, whoever comes by.

use super::{Evidence, Subject};
use crate::faults::{Fault, Kind};
use crate::journal::{Event, FailedBy, FaultFired, FunctionEvent, Operation, StripeEvent};
use crate::world::History;
use payments::UnixMs;
use payments::limits::BATCH_SPREAD_MS;
use std::collections::{BTreeMap, BTreeSet};

/// Others that must share a mishap: with fewer, nobody in there can know that it is everybody's.
pub(super) const OTHERS_MIN: usize = 5;

/// Intents that we asked Stripe to cancel. That they are canceled, or that Stripe takes no call on them any more, is our
/// own doing: a payment is given up first, and its intent then.
#[derive(Debug, Default)]
pub(super) struct GivenUp<'e>(BTreeSet<&'e str>);

impl<'e> GivenUp<'e> {
    /// Takes note of a call, and says whether its intent was given up by it or before.
    pub(super) fn by(&mut self, operation: Operation, intent: Option<&'e str>, payment: &'e str) -> bool {
        if operation == Operation::Cancel {
            self.0.extend(intent.into_iter().chain([payment]));
        }
        // A create is about another intent than the one before; a call that names none is about the payment's only one.
        operation != Operation::Create && self.0.contains(intent.unwrap_or(payment))
    }
}

/// Something that would be held against a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mishap {
    pub(super) at: UnixMs,
    pub(super) payment: String,
    pub(super) met_by: MetBy,
}

/// Who meets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MetBy {
    /// This payment, or whoever was drawn.
    One,
    /// Everybody, by this fault of the experiment.
    Everybody(usize),
}

/// All of them, in order.
pub(super) fn mishaps(evidence: &Evidence<'_>) -> Vec<Mishap> {
    let history = evidence.history;
    let (mut invocations, mut given_up) = (BTreeMap::new(), GivenUp::default());
    let mut mishaps = Vec::new();
    for record in &history.records {
        let at = record.at;
        if let Event::Stripe(StripeEvent::Called {
            payment: Some(payment),
            intent,
            status,
            operation,
            fault,
            ..
        }) = &record.event
        {
            let is_ours = given_up.by(*operation, intent.as_deref(), payment);
            // What a look-up had not heard of yet is nothing that the payment met.
            let is_stale = *fault == Some(Kind::StripeStale);
            if !matches!(status, Some(400 | 402 | 404)) || (is_ours && fault.is_none()) || is_stale {
                continue;
            }
            let refuses = *fault == Some(Kind::StripeRefusing);
            let everybodys = || everybodys(history, Kind::StripeRefusing, operation.name(), at);
            let met_by = MetBy::of(refuses.then(everybodys).flatten());
            mishaps.push(Mishap { at, payment: payment.clone(), met_by });
        } else if let Event::Fault(FaultFired { fault, on, .. }) = &record.event
            && *fault == Kind::Panic
            && let Some((operation, payment)) = on.split_once(' ')
        {
            let met_by = MetBy::of(everybodys(history, Kind::Panic, operation, at));
            mishaps.push(Mishap { at, payment: payment.to_owned(), met_by });
        } else if let Event::Function(FunctionEvent::Invoked { request, messages, .. }) = &record.event {
            invocations.insert(request.as_str(), (at, messages));
        } else if let Event::Function(FunctionEvent::Failed { request, how, .. }) = &record.event
            && let (Some(kind), Some((began, messages))) = (deadly(*how), invocations.get(request.as_str()))
        {
            let met_by = MetBy::of(everybodys(history, kind, "consumer", *began));
            let payments = messages.iter().filter_map(|message| match evidence.subject(message) {
                Subject::Payment(payment) => Some(payment),
                Subject::Message(_) | Subject::Run => None,
            });
            mishaps.extend(payments.map(|payment| Mishap { at, payment, met_by }));
        }
    }
    mishaps
}

/// How many others met the same fault of everybody until `until`, and otherwise than along with `payment`.
pub(super) fn others(mishaps: &[Mishap], payment: &str, fault: usize, until: UnixMs) -> usize {
    let met = || mishaps.iter().filter(|it| it.met_by == MetBy::Everybody(fault) && it.at <= until);
    let own: Vec<UnixMs> = met().filter(|it| it.payment == payment).map(|it| it.at).collect();
    let along = |at: UnixMs| own.iter().any(|own| own.since_ms(at).abs() <= BATCH_SPREAD_MS);
    let others = met().filter(|it| it.payment != payment && !along(it.at));
    others.map(|it| it.payment.as_str()).collect::<BTreeSet<_>>().len()
}

impl MetBy {
    fn of(everybodys: Option<usize>) -> Self {
        everybodys.map_or(Self::One, Self::Everybody)
    }
}

/// Whether such a fault takes along whatever else its container had in hand.
pub(super) const fn takes_a_batch_along(kind: Kind) -> bool {
    matches!(kind, Kind::Crash | Kind::FunctionTimeout | Kind::OutOfMemory)
}

/// What a container dies of that died so.
const fn deadly(how: FailedBy) -> Option<Kind> {
    match how {
        FailedBy::Crash => Some(Kind::Crash),
        FailedBy::Timeout => Some(Kind::FunctionTimeout),
        FailedBy::OutOfMemory => Some(Kind::OutOfMemory),
        FailedBy::Error | FailedBy::Init | FailedBy::Throttled => None,
    }
}

/// The fault of this kind that takes everybody's `operation` at this instant.
fn everybodys(history: &History, kind: Kind, operation: &str, at: UnixMs) -> Option<usize> {
    let elapsed_ms = u64::try_from(at.since_ms(history.began)).unwrap_or(0);
    let takes_all = |fault: &Fault| {
        let Fault { scope, hop, .. } = fault;
        // Where an invocation is ended at a hop that is drawn, most get by.
        let is_fixed = hop.is_some() || matches!(kind, Kind::StripeRefusing | Kind::Panic);
        let reaches = scope.operations.is_empty() || scope.operations.contains(operation);
        fault.kind == kind
            && is_fixed
            && reaches
            && scope.payments.is_empty()
            && fault.ppm_at(elapsed_ms) == 1_000_000
    };
    history.experiment.faults.iter().position(takes_all)
}
