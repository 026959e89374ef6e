//! Money: an amount in minor units of a currency, and how people write it.
//!
//! Invariant: an amount is positive, so "nothing to charge" cannot be expressed; its decimals are those of Stripe's minor
//! units, because that is what it is counted in.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A positive amount in minor units (cents for most currencies), as Stripe takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct AmountMinor(i64);

impl AmountMinor {
    /// `None` unless `minor` is positive.
    #[must_use]
    pub const fn new(minor: i64) -> Option<Self> {
        if minor > 0 { Some(Self(minor)) } else { None }
    }

    /// Minor units, at least 1.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl TryFrom<i64> for AmountMinor {
    type Error = &'static str;

    fn try_from(minor: i64) -> Result<Self, Self::Error> {
        Self::new(minor).ok_or("an amount is positive")
    }
}

impl From<AmountMinor> for i64 {
    fn from(amount: AmountMinor) -> Self {
        amount.0
    }
}

/// A currency code: three lower-case letters. Whether it exists is Stripe's to say.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

impl Currency {
    /// `None` unless `code` is three lower-case ASCII letters.
    #[must_use]
    pub fn new(code: &str) -> Option<Self> {
        let bytes: [u8; 3] = code.as_bytes().try_into().ok()?;
        bytes.iter().all(u8::is_ascii_lowercase).then_some(Self(bytes))
    }

    /// The code, for example `eur`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("three ASCII letters are UTF-8")
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TryFrom<String> for Currency {
    type Error = &'static str;

    fn try_from(code: String) -> Result<Self, Self::Error> {
        Self::new(&code).ok_or("a currency is three lower-case letters")
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.as_str().to_owned()
    }
}

/// Currencies whose smallest unit is the unit itself. Stripe's list; ISO 4217's, but for three: Stripe still counts ISK
/// and UGX in hundredths, and MGA in whole ariary (<https://docs.stripe.com/currencies#zero-decimal>).
const WITHOUT_DECIMALS: [&str; 15] =
    ["bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"];

/// Currencies counted in thousandths.
const WITH_THREE_DECIMALS: [&str; 7] = ["bhd", "iqd", "jod", "kwd", "lyd", "omr", "tnd"];

/// `minor` units of `currency` as people write them, for example `EUR 4,210.00`.
#[must_use]
pub fn written(currency: Currency, minor: i64) -> String {
    let exponent = exponent(currency);
    let scale = 10_i64.pow(exponent);
    let whole = grouped((minor / scale).unsigned_abs());
    let code = currency.as_str().to_ascii_uppercase();
    match exponent {
        0 => format!("{code} {whole}"),
        digits => format!("{code} {whole}.{:0width$}", minor % scale, width = digits as usize),
    }
}

fn exponent(currency: Currency) -> u32 {
    if WITHOUT_DECIMALS.contains(&currency.as_str()) {
        0
    } else if WITH_THREE_DECIMALS.contains(&currency.as_str()) {
        3
    } else {
        2
    }
}

/// Digits in groups of three.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn currency(code: &str) -> Currency {
        Currency::new(code).expect("has the form")
    }

    #[test]
    fn amounts_have_the_decimals_of_their_currency() {
        let cases = [
            ("eur", 421_000, "EUR 4,210.00"),
            ("eur", 5, "EUR 0.05"),
            ("usd", 123_456_789, "USD 1,234,567.89"),
            ("jpy", 120_000, "JPY 120,000"),
            ("kwd", 1_234_560, "KWD 1,234.560"),
            ("isk", 50_000, "ISK 500.00"),
        ];
        for (code, minor, expected) in cases {
            assert_eq!(written(currency(code), minor), expected);
        }
    }
}
