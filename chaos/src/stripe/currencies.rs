//! Currencies Stripe takes, and the amounts it charges in each.
//!
//! Source: <https://docs.stripe.com/currencies>. Where no minimum is published Stripe converts to the account's
//! settlement currency and compares there; the fake has no exchange rates and takes `MINIMUM_ELSEWHERE`. How many decimals
//! a currency has is nothing to a charge, but for those whose amounts must be round: forint and Taiwan dollars count as
//! whole units in payouts alone.
//! Invariant: a currency that is looked up is lower case and in the list.

use super::errors::ApiError;
use super::limits::{AMOUNT_MINOR_MAX, AMOUNT_MINOR_OF_CARDS_MAX};
use super::methods::Methods;

/// Published minimum charge amounts, minor units.
const MINIMUMS: [(&str, i64); 24] = [
    ("aed", 200),
    ("aud", 50),
    ("bgn", 100),
    ("brl", 50),
    ("cad", 50),
    ("chf", 50),
    ("czk", 1_500),
    ("dkk", 250),
    ("eur", 50),
    ("gbp", 30),
    ("hkd", 400),
    ("huf", 17_500),
    ("inr", 50),
    ("jpy", 50),
    ("mxn", 1_000),
    ("myr", 200),
    ("nok", 300),
    ("nzd", 50),
    ("pln", 200),
    ("ron", 200),
    ("sek", 300),
    ("sgd", 50),
    ("thb", 1_000),
    ("usd", 50),
];

/// Currencies whose amounts must be round, and to what: the last digit of thousandths is 0, and there is nothing below a
/// whole króna or a whole Ugandan shilling, though both are still sent in hundredths.
const ROUND: [(&str, i64); 7] =
    [("bhd", 10), ("jod", 10), ("kwd", 10), ("omr", 10), ("tnd", 10), ("isk", 100), ("ugx", 100)];

/// Accepted, without a published minimum.
const ELSEWHERE: &str = "afn all amd ang aoa ars awg azn bam bbd bdt bhd bif bmd bnd bob bsd bwp byn bzd cdf clp cny cop \
     crc cve djf dop dzd egp etb fjd fkp gel gip gmd gnf gtq gyd hnl htg idr ils isk jmd jod kes kgs khr kmf krw kwd kyd kzt \
     lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk mzn nad ngn nio npr omr pab pen pgk php pkr pyg qar rsd \
     rub rwf sar sbd scr shp sle sos srd std szl tjs tnd top try ttd twd tzs uah ugx uyu uzs vnd vuv wst xaf xcd xof xpf \
     yer zar zmw";

const MINIMUM_ELSEWHERE: i64 = 50;

/// A currency Stripe takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Currency {
    /// ISO code, lower case.
    pub(super) code: &'static str,
    /// Least amount, minor units.
    pub(super) minimum: i64,
}

impl Currency {
    /// Looks a code up; upper case is taken too, as Stripe does.
    pub(super) fn parse(code: &str) -> Option<Self> {
        let code = code.to_ascii_lowercase();
        let published = MINIMUMS.iter().find(|(known, _)| *known == code);
        published.map(|&(code, minimum)| Self { code, minimum }).or_else(|| {
            let code = ELSEWHERE.split_ascii_whitespace().find(|known| *known == code)?;
            Some(Self { code, minimum: MINIMUM_ELSEWHERE })
        })
    }
}

impl Currency {
    /// Whether Stripe charges this amount, minor units, to a method of one of these kinds.
    ///
    /// # Errors
    /// The refusal, when it is too small, too large or not round.
    pub(super) fn judge(self, amount: i64, methods: &Methods) -> Result<(), ApiError> {
        if amount < self.minimum {
            return Err(ApiError::amount_too_small(self.minimum, self.code));
        }
        let maximum = self.maximum(methods);
        if amount > maximum {
            return Err(ApiError::amount_too_large(maximum));
        }
        let step = ROUND.iter().find(|(code, _)| *code == self.code).map_or(1, |(_, step)| *step);
        if amount % step != 0 {
            let message = format!("An amount in {} must be divisible by {step}.", self.code);
            return Err(ApiError::invalid_parameter("amount", message));
        }
        Ok(())
    }

    fn maximum(self, methods: &Methods) -> i64 {
        if self.code == "idr" || methods.types() == ["card"] {
            AMOUNT_MINOR_OF_CARDS_MAX
        } else {
            AMOUNT_MINOR_MAX
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stripe::versions::Version;

    const DIGITS_8: i64 = 99_999_999;
    const DIGITS_12: i64 = 999_999_999_999;

    fn cards() -> Methods {
        Methods::Listed(vec!["card"])
    }

    fn is_charged(code: &str, amount: i64, methods: &Methods) -> bool {
        Currency::parse(code).expect("it is known").judge(amount, methods).is_ok()
    }

    #[test]
    fn thousandths_end_in_0_and_there_is_no_part_of_a_krona() {
        for code in ["bhd", "jod", "kwd", "omr", "tnd"] {
            assert!(
                is_charged(code, 18_600, &cards()) && is_charged(code, DIGITS_12 - 9, &cards()),
                "{code}"
            );
            assert!(!is_charged(code, 18_601, &cards()), "{code}");
        }
        for code in ["isk", "ugx"] {
            assert!(is_charged(code, 500, &cards()) && !is_charged(code, 510, &cards()), "{code}");
        }
        assert!(is_charged("huf", 20_045, &cards()) && is_charged("twd", 80_045, &cards()));
    }

    #[test]
    fn cards_take_twelve_digits_and_other_methods_eight_but_for_rupiah() {
        let any = Methods::default_of(Version::DEFAULT);
        for code in ["eur", "jpy", "krw", "vnd", "idr"] {
            assert!(
                is_charged(code, DIGITS_12, &cards()) && !is_charged(code, DIGITS_12 + 1, &cards()),
                "{code}"
            );
            assert!(is_charged(code, DIGITS_8, &any), "{code}");
            assert_eq!(is_charged(code, DIGITS_8 + 1, &any), code == "idr", "{code}");
        }
        assert!(is_charged("idr", DIGITS_12, &any) && !is_charged("idr", DIGITS_12 + 1, &any));
    }

    #[test]
    fn a_currency_is_known_in_either_case_with_its_minimum() {
        assert_eq!(Currency::parse("GBP"), Some(Currency { code: "gbp", minimum: 30 }));
        assert_eq!(Currency::parse("isk"), Some(Currency { code: "isk", minimum: 50 }));
    }

    #[test]
    fn what_is_no_currency_is_not_found() {
        for code in ["", "xxx", "us", "usd eur", "€"] {
            assert_eq!(Currency::parse(code), None, "{code}");
        }
    }
}
