//! Which asks of a fault fired, in terms that hold whatever else happens in the run.
//!
//! "The 17th ask" means another call as soon as one payment is left out; "the 2nd confirm of order-7" does not.
//! Invariant: an ask is counted whether it fires or not, and whether or not another fault of its kind fired first.

use super::{Fault, Scope, Subject, When, Window};
use std::collections::BTreeMap;

/// One time that a fault fired.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Firing {
    /// What was about to be done; empty when its kind has no operations.
    pub operation: String,
    /// The payment it was for, as far as it was known.
    pub payment: Option<String>,
    /// Which ask it was for this operation and payment while the window was open, from 1.
    pub nth_in_window: u64,
    /// Which ask it was for this operation and payment since the start of the run, from 1.
    pub nth: u64,
    /// The hop at which it struck, for what ends an invocation.
    pub hop: Option<u64>,
}

/// How often a fault was asked for each operation and payment: while its window was open, and ever. Asks for anybody are
/// counted under no payment.
#[derive(Clone, Debug, Default)]
pub(super) struct Asks(BTreeMap<(String, Option<String>), (u64, u64)>);

impl Asks {
    /// Counts an ask, and says what it would be if it fired.
    pub(super) fn count(&mut self, subject: &Subject<'_>, is_open: bool) -> Firing {
        let mut counted = |payment: Option<&str>| {
            let key = (subject.operation.to_owned(), payment.map(str::to_owned));
            let (open, ever) = self.0.entry(key).or_default();
            (*open, *ever) = (*open + u64::from(is_open), *ever + 1);
            (*open, *ever)
        };
        let anybody = counted(None);
        let (nth_in_window, nth) = subject.payment.map_or(anybody, |payment| counted(Some(payment)));
        let (operation, payment) = (subject.operation.to_owned(), subject.payment.map(str::to_owned));
        Firing { operation, payment, nth_in_window, nth, hop: None }
    }
}

impl Firing {
    /// The fault that fires this once: the same as `fault`, but counted instead of drawn, and open all the time or in
    /// its own window.
    #[must_use]
    pub fn counted(&self, fault: &Fault, window: Window) -> Fault {
        let nth = if window == Window::ALWAYS { self.nth } else { self.nth_in_window };
        let operations = Some(&self.operation).filter(|operation| !operation.is_empty());
        let scope = Scope {
            operations: operations.into_iter().cloned().collect(),
            payments: self.payment.iter().cloned().collect(),
        };
        Fault { window, scope, when: When::Nth([nth].into()), hop: self.hop, ..fault.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ask_is_counted_for_its_operation_and_payment() {
        let confirm = |payment| Subject { operation: "confirm", payment: Some(payment), id: "" };
        let mut asks = Asks::default();
        asks.count(&confirm("order-1"), false);
        asks.count(&confirm("order-2"), true);
        let create = Subject { operation: "create", payment: Some("order-1"), id: "" };
        asks.count(&create, true);
        let firing = asks.count(&confirm("order-1"), true);
        assert_eq!((firing.nth_in_window, firing.nth), (1, 2));
        let warm = Subject { operation: "confirm", payment: None, id: "" };
        let firing = asks.count(&warm, true);
        assert_eq!((firing.nth_in_window, firing.nth), (3, 4));
    }
}
