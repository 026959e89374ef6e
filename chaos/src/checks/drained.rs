//! The source queue drained: everything was sent, no fault was left, and in the time the experiment gives for it the
//! queue became empty.
//!
//! Invariant: a run whose time was up fails here, whatever else it shows.

use super::{Evidence, Finding, Meaning, Subject, Verdict};
use crate::units::counted;
use crate::world::Ending;

pub(super) fn check(evidence: &Evidence<'_>) -> Verdict {
    let history = evidence.history;
    match history.ending {
        Ending::Drained => Verdict::Pass("nothing left in the source queue".to_owned()),
        Ending::TimeUp => {
            let left = history.held(&history.names.source);
            let what = format!(
                "{} left in the source queue when the time to drain was up",
                counted(left.len() as u64, "message")
            );
            let oldest = left.iter().min_by_key(|held| held.content.sent_at);
            let subject = oldest.and_then(|held| evidence.messages.get(held.content.id.as_str()));
            let subject = subject.map_or(Subject::Run, |message| match &message.meaning {
                Meaning::Payment(payment) => Subject::Payment(payment.payment_id.to_string()),
                Meaning::Drill(_) | Meaning::NoPayment => Subject::Message(message.sent.message.clone()),
            });
            Verdict::Fail(vec![Finding { subject, what }])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{ORDER, Tale, body};
    use super::*;

    #[test]
    fn a_queue_that_is_not_empty_in_time_fails_and_names_its_oldest_payment() {
        let mut tale = Tale::new();
        let message = tale.send(&body(ORDER, 1999));
        tale.leave(&message);
        tale.history().ending = Ending::TimeUp;
        let what = "1 message left in the source queue when the time to drain was up".to_owned();
        let finding = Finding { subject: Subject::Payment(ORDER.to_owned()), what };
        assert_eq!(check(&Evidence::of(&tale.told())), Verdict::Fail(vec![finding]));
    }
}
