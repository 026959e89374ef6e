//! Instants as CloudWatch writes them.
//!
//! Invariant: always UTC.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use payments::UnixMs;

/// `2019-10-02T17:04:40.989+0000`.
pub(super) fn precise(at: UnixMs) -> String {
    format!("{}.{:03}+0000", written(at, "%Y-%m-%dT%H:%M:%S"), at.0.rem_euclid(1000))
}

/// `02/10/19 16:59:00`.
pub(super) fn short(at: UnixMs) -> String {
    written(at, "%d/%m/%y %H:%M:%S")
}

/// `Wednesday 02 October, 2019 17:04:40 UTC`.
pub(super) fn in_words(at: UnixMs) -> String {
    written(at, "%A %d %B, %Y %H:%M:%S UTC")
}

fn written(at: UnixMs, format: &str) -> String {
    let instant = Timestamp::from_millisecond(at.0).unwrap_or(Timestamp::MAX);
    instant.to_zoned(TimeZone::UTC).strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_as_in_aws_samples() {
        let at = UnixMs(1_570_035_880_989);
        assert_eq!(precise(at), "2019-10-02T17:04:40.989+0000");
        assert_eq!(short(at), "02/10/19 17:04:40");
        assert_eq!(in_words(at), "Wednesday 02 October, 2019 17:04:40 UTC");
    }
}
