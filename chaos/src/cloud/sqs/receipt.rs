//! Receipt handles: opaque to callers, readable to the queue.
//!
//! Invariant: a handle names one receive of one message in one queue, and no two receives share a handle.

use aws_smithy_types::base64;

/// Place of a message in the order of arrival; unique over all queues.
pub(super) type Arrival = u64;

/// What a receipt handle says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Receipt {
    /// The message received.
    pub(super) arrival: Arrival,
    /// Which of its receives it was, from 1.
    pub(super) receive: u32,
}

impl Receipt {
    /// The handle callers get.
    pub(super) fn handle(self, queue: &str) -> String {
        base64::encode(format!("{queue}/{}/{}", self.arrival, self.receive))
    }

    /// Reads a handle of `queue`; `None` when it is no handle, or one of another queue.
    pub(super) fn read(handle: &str, queue: &str) -> Option<Self> {
        let text = String::from_utf8(base64::decode(handle).ok()?).ok()?;
        let (arrival, receive) = text.strip_prefix(queue)?.strip_prefix('/')?.split_once('/')?;
        Some(Self { arrival: arrival.parse().ok()?, receive: receive.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_is_read_back_by_its_own_queue_alone() {
        let receipt = Receipt { arrival: 41, receive: 3 };
        let handle = receipt.handle("payments");
        assert_eq!(Receipt::read(&handle, "payments"), Some(receipt));
        assert_eq!(Receipt::read(&handle, "quarantine"), None);
        assert_eq!(Receipt::read("garbage", "payments"), None);
    }
}
