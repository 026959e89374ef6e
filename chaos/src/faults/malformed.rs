//! Messages that are no payment, one for each way in which producers get it wrong.
//!
//! All of them are valid SQS bodies: SQS itself refuses an empty one and most control characters.
//! Invariant: no body here is a payment or a drill, and the same serial gives the same body.

/// Number of shapes in the gallery; `body` goes round them.
pub const SHAPES: u64 = 20;

/// The body of malformed message number `serial`. Where it holds a `payment_id` that id is `malformed-{serial}`.
#[must_use]
pub fn body(serial: u64) -> String {
    let id = format!("malformed-{serial}");
    let payment = |amount: &str, currency: &str, rest: &str| {
        format!(
            r#"{{"payment_id":"{id}","amount":{amount},"currency":{currency},"payment_method":"pm_card_visa"{rest}}}"#
        )
    };
    let whole = payment("1999", r#""eur""#, "");
    match serial % SHAPES {
        0 => "not json at all".to_owned(),
        // Cut off by a producer that died while writing.
        1 => whole[..whole.len() - 9].to_owned(),
        // Two payments in one message.
        2 => format!("{whole}\n{whole}"),
        3 => format!("[{whole}]"),
        4 => "null".to_owned(),
        5 => "{}".to_owned(),
        // JSON inside JSON, as SNS wraps it without raw delivery.
        6 => serde_json::json!({ "Type": "Notification", "Message": whole }).to_string(),
        7 => payment("0", r#""eur""#, ""),
        8 => payment("-1999", r#""eur""#, ""),
        // Major units.
        9 => payment("19.99", r#""eur""#, ""),
        10 => payment(r#""1999""#, r#""eur""#, ""),
        // Beyond what 64 bits hold.
        11 => payment("99999999999999999999", r#""eur""#, ""),
        12 => payment("1999", r#""EUR""#, ""),
        13 => payment("1999", r#""euro""#, ""),
        14 => payment("1999", "null", ""),
        15 => payment("1999", r#""eur""#, r#","amuont":1999"#),
        16 => format!(r#"{{"payment_id":"{id}","amount":1999,"currency":"eur"}}"#),
        17 => whole.replacen(&id, &format!("{id} {}", "x".repeat(128)), 1),
        18 => whole.replacen(&id, "", 1),
        _ => "payment_id=malformed&amount=1999&currency=eur".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use payments::payment::Body;
    use std::collections::BTreeSet;

    #[test]
    fn no_malformed_message_is_a_payment_or_a_drill() {
        for serial in 0..3 * SHAPES {
            let body = body(serial);
            assert!(Body::parse(&body).is_err(), "{serial}: {body}");
            assert!(!body.is_empty(), "SQS takes no empty body");
        }
    }

    #[test]
    fn but_for_its_fault_a_malformed_message_is_a_payment() {
        let mended = body(9).replace("19.99", "1999");
        assert!(matches!(Body::parse(&mended), Ok(Body::Payment(_))), "{mended}");
    }

    #[test]
    fn every_shape_is_shown_once_per_round() {
        let shapes: BTreeSet<String> = (0..SHAPES).map(body).collect();
        assert_eq!(shapes.len() as u64, SHAPES);
    }
}
