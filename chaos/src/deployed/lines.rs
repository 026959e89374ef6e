//! The consumer's log: one line for each delivery of a payment, in JSON.
//!
//! It is the function's own word, so it tells how often something was delivered, and proves nothing of money.
//! Invariant: a line of any other kind is left out; none is an error.

use payments::UnixMs;
use serde_json::Value;

/// What the function calls such a line.
const RECORD: &str = "record";
/// How a delivery ends that leaves its message where it is.
const HANDED_BACK: &str = "handed_back";

/// A delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// When it was written: at the delivery's end.
    pub(super) at: UnixMs,
    /// The message's id, which is another after a move.
    pub(super) message: String,
    /// How often it had been received.
    pub(super) receives: u32,
    /// The payment, if the message is one.
    pub(super) payment: Option<String>,
    /// Whether the message was acknowledged.
    pub(super) is_acknowledged: bool,
}

/// Reads an event of a log group.
pub(super) fn read(event: &Value) -> Option<Line> {
    let line: Value = serde_json::from_str(event["message"].as_str()?).ok()?;
    let fields = if line["fields"].is_object() { &line["fields"] } else { &line };
    let text = |name: &str| fields[name].as_str().map(str::to_owned);
    (text("message")? == RECORD).then_some(())?;
    Some(Line {
        at: UnixMs(event["timestamp"].as_i64()?),
        message: text("message_id")?,
        receives: u32::try_from(fields["receives"].as_u64()?).ok()?,
        payment: text("payment_id"),
        is_acknowledged: text("end")? != HANDED_BACK,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_line_of_a_delivery_is_read_and_others_are_left_out() {
        let line = |fields: Value| {
            let line = json!({"timestamp": "2026-01-05T09:00:00.000Z", "level": "INFO", "fields": fields});
            read(&json!({"timestamp": 1_767_603_600_000_i64, "message": format!("{line}\n")}))
        };
        let fields = json!({"message": "record", "message_id": "m-1", "receives": 2, "payment_id": "order-1",
                            "end": "handed_back", "cause": "provider", "stripe_calls": 1});
        let expected = Line {
            at: UnixMs(1_767_603_600_000),
            message: "m-1".to_owned(),
            receives: 2,
            payment: Some("order-1".to_owned()),
            is_acknowledged: false,
        };
        assert_eq!(line(fields), Some(expected));
        assert_eq!(
            line(json!({"message": "record", "message_id": "m-1", "receives": 1, "end": "drill"}))
                .map(|it| it.is_acknowledged),
            Some(true)
        );
        assert_eq!(line(json!({"message": "no connection to Stripe yet"})), None);
        assert_eq!(read(&json!({"timestamp": 1, "message": "START RequestId: 1"})), None);
    }
}
