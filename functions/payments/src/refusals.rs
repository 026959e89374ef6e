//! Telling a hopeless payment from a broken deployment.
//!
//! One payment refused for good is its own fault. When unrelated payments in a row are refused with one code
//! and none succeeds, the common factor is us: a wrong parameter, a restricted key, a new API version.
//! Invariant: a success anywhere ends the suspicion.

use crate::limits::REFUSALS_IN_A_ROW;
use crate::payment::PaymentId;
use std::collections::BTreeSet;

/// The refusals of one container since its last success.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusals {
    code: String,
    payments: BTreeSet<PaymentId>,
}

/// Who a refusal is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suspect {
    /// The payment: quarantine it.
    Payment,
    /// Us: keep the payment and try later.
    Us,
}

impl Refusals {
    /// Takes note that `payment` was refused with `code`, and says whom to suspect.
    pub fn refused(&mut self, payment: &PaymentId, code: &str) -> Suspect {
        if self.code != code {
            code.clone_into(&mut self.code);
            self.payments.clear();
        }
        if self.payments.len() < REFUSALS_IN_A_ROW {
            self.payments.insert(payment.clone());
        }
        if self.payments.len() < REFUSALS_IN_A_ROW { Suspect::Payment } else { Suspect::Us }
    }

    /// Takes note that the provider accepted a request.
    pub fn accepted(&mut self) {
        self.payments.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: usize) -> PaymentId {
        PaymentId::new(&format!("order-{n}")).expect("has the form")
    }

    #[test]
    fn the_fifth_unrelated_refusal_in_a_row_points_at_us() {
        let mut refusals = Refusals::default();
        let suspects: Vec<Suspect> = (1..=6).map(|n| refusals.refused(&id(n), "parameter_unknown")).collect();
        assert_eq!(suspects[..4], [Suspect::Payment; 4]);
        assert_eq!(suspects[4..], [Suspect::Us; 2]);
    }

    #[test]
    fn a_success_another_code_or_the_same_payment_again_starts_no_suspicion() {
        let mut refusals = Refusals::default();
        for n in 0..20 {
            assert_eq!(refusals.refused(&id(7), "amount_too_small"), Suspect::Payment);
            assert_eq!(refusals.refused(&id(n), &format!("code-{n}")), Suspect::Payment);
        }
        for n in 0..20 {
            assert_eq!(refusals.refused(&id(n), "amount_too_small"), Suspect::Payment);
            refusals.accepted();
        }
    }
}
