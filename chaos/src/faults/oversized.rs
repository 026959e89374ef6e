//! Messages as large as their queue takes.
//!
//! Invariant: a body is exactly as long as it was asked to be, and no payment.

/// The body of oversized message number `serial`, of `bytes` bytes: a payment but for its description. Its
/// `payment_id` is `oversized-{serial}`.
#[must_use]
pub fn body(serial: u64, bytes: usize) -> String {
    let payment = |description: &str| {
        format!(
            r#"{{"payment_id":"oversized-{serial}","amount":1999,"currency":"eur","payment_method":"pm_card_visa","description":"{description}"}}"#
        )
    };
    let room = bytes.saturating_sub(payment("").len());
    payment(&"one more line of the order, ".repeat(room / 28 + 1)[..room])
}

#[cfg(test)]
mod tests {
    use super::*;
    use payments::payment::Body;

    #[test]
    fn an_oversized_message_fills_its_queue_and_is_no_payment() {
        for bytes in [10_000, 262_144] {
            let body = body(7, bytes);
            assert_eq!(body.len(), bytes);
            assert!(Body::parse(&body).is_err());
        }
    }
}
