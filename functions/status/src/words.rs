//! What a customer is told of each state, in words.
//!
//! Invariant: no sentence says more than is known. "Not charged" is said of a declined payment alone, "paid" of one that is;
//! "failed" of none.

use payments::status::Told;

/// What is said of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Words {
    /// For programs: a word that does not change.
    pub(crate) state: &'static str,
    /// In a few words.
    pub(crate) title: &'static str,
    /// What is certain.
    pub(crate) certain: &'static str,
    /// What to do.
    pub(crate) to_do: &'static str,
}

/// Of a payment that has a row.
pub(crate) const fn of(told: Told) -> Words {
    let (title, certain, to_do) = match told {
        Told::InProgress => (
            "We have your payment",
            "We have it and are still trying. You will not be charged twice.",
            "There is nothing to do. Please do not pay again.",
        ),
        Told::Paid => ("Paid", "Your payment went through, once.", "There is nothing to do."),
        Told::Declined => (
            "Your card was declined",
            "You were not charged for this payment, and will not be.",
            "If you still want to pay, begin anew in the shop, perhaps with another card.",
        ),
        Told::Held => (
            "Your payment waits for a person",
            "We have it, and it goes on only when a person has looked at it. You will not be charged twice.",
            "Please do not pay again. If it takes long, ask the shop and tell it the number of the payment.",
        ),
    };
    Words { state: told.name(), title, certain, to_do }
}

/// Of a payment that has no row: nobody has begun with it yet, or it was never handed in.
pub(crate) const UNKNOWN: Words = Words {
    state: "unknown",
    title: "We do not know this payment yet",
    certain: "It may still be on its way to us. However often it is handed in, you will not be charged twice.",
    to_do: "Please look again in a few minutes, and do not pay again before you have asked the shop.",
};

/// When nobody can look.
pub(crate) const UNAVAILABLE: Words = Words {
    state: "unavailable",
    title: "We cannot look right now",
    certain: "This says nothing about your payment: what we have of it is kept. You will not be charged twice.",
    to_do: "Please look again in a few minutes, and do not pay again.",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_told_more_than_is_known() {
        let all =
            [Told::InProgress, Told::Paid, Told::Declined, Told::Held].map(|told| (Some(told), of(told)));
        for (told, words) in all.into_iter().chain([(None, UNKNOWN), (None, UNAVAILABLE)]) {
            let text = format!("{} {} {}", words.title, words.certain, words.to_do).to_lowercase();
            assert!(!text.contains("fail"), "{text}");
            assert_eq!(text.contains("not charged"), told == Some(Told::Declined), "{text}");
            assert_eq!(text.contains("declined"), told == Some(Told::Declined), "{text}");
            assert_eq!(text.contains("paid"), told == Some(Told::Paid), "{text}");
            assert_eq!(text.contains("went through"), told == Some(Told::Paid), "{text}");
            let is_final = told.is_some_and(Told::is_final);
            assert_eq!(text.contains("you will not be charged twice"), !is_final, "{text}");
            assert_eq!(text.contains("not pay again"), !is_final, "{text}");
        }
    }
}
