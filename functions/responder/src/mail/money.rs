//! Amounts as people write them.
//!
//! Invariant: the decimals are those of Stripe's minor units, because that is what an amount here is counted in.

use payments::money::Currency;
use std::collections::BTreeMap;

/// Currencies whose smallest unit is the unit itself. Stripe's list; ISO 4217's, but for three: Stripe still counts ISK
/// and UGX in hundredths, and MGA in whole ariary (<https://docs.stripe.com/currencies#zero-decimal>).
const WITHOUT_DECIMALS: [&str; 15] =
    ["bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"];

/// Currencies counted in thousandths.
const WITH_THREE_DECIMALS: [&str; 7] = ["bhd", "iqd", "jod", "kwd", "lyd", "omr", "tnd"];

/// An amount, for example `EUR 4,210.00`.
pub(super) fn amount(currency: Currency, minor: i64) -> String {
    let exponent = exponent(currency);
    let scale = 10_i64.pow(exponent);
    let whole = grouped((minor / scale).unsigned_abs());
    let code = currency.as_str().to_ascii_uppercase();
    match exponent {
        0 => format!("{code} {whole}"),
        digits => format!("{code} {whole}.{:0width$}", minor % scale, width = digits as usize),
    }
}

/// Sums of several currencies. Without exchange rates none of them is the largest, so the alphabet decides.
pub(crate) fn sums(money: &BTreeMap<Currency, i64>) -> Vec<String> {
    money.iter().map(|(currency, sum)| amount(*currency, *sum)).collect()
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
pub(super) fn grouped(number: u64) -> String {
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
            assert_eq!(amount(currency(code), minor), expected);
        }
    }
}
