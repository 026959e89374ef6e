//! Currencies Stripe takes, and the least it charges in each.
//!
//! Source: <https://docs.stripe.com/currencies>. Where no minimum is published Stripe converts to the account's
//! settlement currency and compares there; the fake has no exchange rates and takes `MINIMUM_ELSEWHERE`.
//! Invariant: a currency that is looked up is lower case and in the list.

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

/// Accepted, without a published minimum.
const ELSEWHERE: &str = "afn all amd ang aoa ars awg azn bam bbd bdt bif bmd bnd bob bsd bwp byn bzd cdf clp cny cop \
     crc cve djf dop dzd egp etb fjd fkp gel gip gmd gnf gtq gyd hnl htg idr ils isk jmd kes kgs khr kmf krw kyd kzt \
     lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk mzn nad ngn nio npr pab pen pgk php pkr pyg qar rsd \
     rub rwf sar sbd scr shp sle sos srd std szl tjs top try ttd twd tzs uah ugx uyu uzs vnd vuv wst xaf xcd xof xpf \
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

#[cfg(test)]
mod tests {
    use super::*;

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
