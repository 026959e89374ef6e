//! One intent per generation: a payment has no more intents than its create had keys.
//!
//! An intent nobody confirms charges nothing, but each one that nobody knows of is one that somebody, some day, can.
//! A create is repeated under the key of its row, and Stripe then answers with the intent it made at first; only a new
//! generation makes another.
//! Stripe forgets keys after a day, and the one intent more that this may cost is no fault: a payment whose creates lie
//! further apart is left out.
//! Invariant: every create that Stripe carried out counts, at once or late, whether or not its answer arrived.

use super::{Evidence, Finding, Verdict};
use crate::journal::{Event, Operation, StripeEvent};
use crate::stripe::limits::KEY_KEPT_MS;
use crate::units::counted;
use payments::UnixMs;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Default)]
struct Creates<'h> {
    intents: BTreeSet<&'h str>,
    first: Option<UnixMs>,
    last: Option<UnixMs>,
}

pub(super) fn check(evidence: &Evidence<'_>) -> Verdict {
    let mut creates: BTreeMap<&str, Creates<'_>> = BTreeMap::new();
    for record in &evidence.history.records {
        if let Event::Stripe(StripeEvent::Called {
            operation: Operation::Create,
            payment: Some(payment),
            intent: Some(intent),
            ..
        }) = &record.event
        {
            let of_payment = creates.entry(payment).or_default();
            of_payment.intents.insert(intent);
            of_payment.first.get_or_insert(record.at);
            of_payment.last = Some(record.at);
        }
    }
    let findings =
        creates.iter().filter(|(_, creates)| !creates.outlived_a_key()).filter_map(|(id, creates)| {
            let row = evidence.payments.get(*id).and_then(|file| file.row);
            let keys = 1 + row.map_or(0, |row| row.create_generation);
            let intents = creates.intents.len() as u64;
            (intents > keys).then(|| {
                let generations = counted(keys, "generation");
                Finding::payment(id, format!("{} in {generations}", counted(intents, "intent")))
            })
        });
    Verdict::from_findings(findings.collect(), || {
        let intents: usize = creates.values().map(|creates| creates.intents.len()).sum();
        format!("{} for {}", counted(intents as u64, "intent"), counted(creates.len() as u64, "payment"))
    })
}

impl Creates<'_> {
    /// Whether Stripe may have forgotten the first key by the last of them.
    fn outlived_a_key(&self) -> bool {
        self.first.zip(self.last).is_some_and(|(first, last)| last.since_ms(first) >= KEY_KEPT_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{ORDER, Tale};
    use super::*;

    /// A second intent, so long after the first.
    fn again_after(ms: i64) -> Tale {
        let mut tale = Tale::of_one_good_payment();
        tale.wait_ms(ms);
        tale.create(ORDER, "pi_another");
        tale
    }

    #[test]
    fn a_second_intent_under_one_generation_is_found() {
        let finding = Finding::payment(ORDER, "2 intents in 1 generation");
        assert_eq!(check(&Evidence::of(&again_after(0).told())), Verdict::Fail(vec![finding]));
    }

    #[test]
    fn a_new_generation_and_a_forgotten_key_may_make_another() {
        let mut tale = again_after(0);
        tale.row(ORDER).create_generation = 1;
        assert!(matches!(check(&Evidence::of(&tale.told())), Verdict::Pass(_)));
        assert!(matches!(check(&Evidence::of(&again_after(KEY_KEPT_MS).told())), Verdict::Pass(_)));
    }

    #[test]
    fn a_create_repeated_under_its_key_makes_no_other_intent() {
        let mut tale = Tale::of_one_good_payment();
        tale.call(ORDER, Operation::Create, Some(200), None);
        assert!(matches!(check(&Evidence::of(&tale.told())), Verdict::Pass(_)));
    }
}
