//! Where to look: links into the console.
//!
//! AWS documents none of the console's addresses but the hosts
//! (<https://docs.aws.amazon.com/general/latest/gr/mgmt-console.html>). A query stands in one in the notation of JSURL
//! (<https://github.com/Sage/jsurl>), of which the console escapes the punctuation twice, with `$` for `%`; an address that
//! the console made itself is a test below. In that form a link is made of letters, digits and a few signs that no mail
//! program takes for its end.
//!
//! Invariant: a link is one word.

use super::Site;
use super::words::iso;
use payments::UnixMs;
use payments::limits::{RECEIVES_MAX, VISIBILITY_TIMEOUT_S};
use std::fmt::Write;

/// What is told of: `[from, until]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub(super) from: UnixMs,
    pub(super) until: UnixMs,
}

/// For so long before anybody sees it a message may have died without a word, milliseconds.
const BEFORE_MS: i64 = (RECEIVES_MAX * VISIBILITY_TIMEOUT_S) as i64 * 1_000;

/// What the consumer says when it does not settle a payment, and what Lambda says when it does not come to its end
/// (<https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html#Status>).
const QUERY: &str = r#"fields @timestamp, @message
| filter @message like /handed_back|WARN|ERROR|panicked|"status":"(error|failure|timeout)"/
| sort @timestamp desc
| limit 200"#;

pub(super) fn dashboard(site: &Site) -> String {
    format!("{}#dashboards/dashboard/{}", cloudwatch(site), site.stack)
}

/// The consumer's log in this time, as a query that shows what did not settle.
pub(super) fn consumer_log(site: &Site, window: Window) -> String {
    let from = iso(window.from.plus_ms(-BEFORE_MS));
    let detail = format!(
        "~(end~{}~start~{}~timeType~{}~tz~{}~editorString~{}~source~(~{}))",
        text(&iso(window.until)),
        text(&from),
        text("ABSOLUTE"),
        text("UTC"),
        text(QUERY),
        text(&site.consumer_log_group),
    );
    format!("{}#logsV2:logs-insights$3FqueryDetail$3D{}", cloudwatch(site), escaped(&detail))
}

fn cloudwatch(site: &Site) -> String {
    let host = match site.partition.as_str() {
        "aws-cn" => "console.amazonaws.cn",
        "aws-us-gov" => "console.amazonaws-us-gov.com",
        _ => "console.aws.amazon.com",
    };
    format!("https://{region}.{host}/cloudwatch/home?region={region}", region = site.region)
}

/// A string of JSURL. What stands here is ASCII.
fn text(value: &str) -> String {
    let mut text = "'".to_owned();
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"_.-".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(text, "*{byte:02x}");
        }
    }
    text
}

fn escaped(detail: &str) -> String {
    let signs = [('~', "$257E"), ('(', "$2528"), (')', "$2529"), ('\'', "$2527")];
    signs.into_iter().fold(detail.to_owned(), |detail, (sign, escape)| detail.replace(sign, escape))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asked about at <https://stackoverflow.com/q/69816735>, where it was copied from a browser; what is ours is left out.
    const BY_THE_CONSOLE: &str = concat!(
        "$257E$2528end$257E$25272021-07-18T20*3a59*3a59.000Z$257Estart$257E$25272021-07-15T21*3a00*3a00.000Z",
        "$257EtimeType$257E$2527ABSOLUTE$257EeditorString$257E$2527fields*20*40timestamp*2c*20*40message*0a*7c*20sort*20",
        "*40timestamp*20desc*0a*7c*20filter*20*40message*20*3d*7e*20*22Exception*22*0a*7c*20limit*20200",
        "$257Esource$257E$2528$257E$2527*2faws*2flambda*2fname$2529$2529",
    );

    #[test]
    fn a_query_is_written_as_the_console_writes_it() {
        let query = "fields @timestamp, @message\n| sort @timestamp desc\n| filter @message =~ \"Exception\"\n| limit 200";
        let (end, start) = (UnixMs(1_626_641_999_000), UnixMs(1_626_382_800_000));
        let detail = format!(
            "~(end~{}~start~{}~timeType~{}~editorString~{}~source~(~{}))",
            text(&iso(end)),
            text(&iso(start)),
            text("ABSOLUTE"),
            text(query),
            text("/aws/lambda/name")
        );
        assert_eq!(escaped(&detail), BY_THE_CONSOLE);
    }

    #[test]
    fn each_partition_has_a_console_of_its_own() {
        let hosts = [
            ("aws", "https://eu-central-1.console.aws.amazon.com/"),
            ("aws-cn", "https://eu-central-1.console.amazonaws.cn/"),
            ("aws-us-gov", "https://eu-central-1.console.amazonaws-us-gov.com/"),
        ];
        for (partition, host) in hosts {
            let site = Site { partition: partition.to_owned(), ..super::super::tests::site() };
            assert!(dashboard(&site).starts_with(host));
        }
    }

    #[test]
    fn a_link_ends_where_a_mail_program_sees_its_end() {
        let window = Window { from: UnixMs(1_767_609_720_000), until: UnixMs(1_767_610_260_000) };
        let link = consumer_log(&super::super::tests::site(), window);
        assert!(
            link.bytes().all(|byte| byte.is_ascii_alphanumeric() || b":/?=#$*._-".contains(&byte)),
            "{link}"
        );
        assert!(link.ends_with("consumer$2529$2529"), "{link}");
    }
}
