//! What producers send.

use crate::faults::{fired, survived};
use chaos::faults::Kind;

#[test]
fn a_message_that_fills_its_queue_is_quarantined_whole() {
    let history = survived("kind = 'oversized', rate = 0.3");
    let copies = history.held(&history.names.quarantine);
    assert_eq!(copies.len() as u64, fired(&history, Kind::Oversized));
    assert!(copies.iter().all(|copy| copy.content.body.len() == 262_144));
}

#[test]
fn a_repeated_message_is_one_payment() {
    let history = survived("kind = 'repeated', rate = 0.8");
    assert_eq!((history.book.len(), history.ledger.len()), (40, 40));
    assert_eq!(history.sent.len() as u64, 40 + fired(&history, Kind::Repeated));
}

#[test]
fn a_conflicting_message_is_quarantined_and_the_payment_is_charged_as_it_was() {
    let history = survived("kind = 'conflicting', rate = 0.8");
    assert_eq!(history.book.len(), 40);
    let copies = history.held(&history.names.quarantine).len() as u64;
    assert_eq!(copies, fired(&history, Kind::Conflicting));
}
