//! CloudWatch Logs as `aws logs` asks it.
//!
//! Invariant: asking changes nothing, and a page that is not the last one says how to go on.

use super::pattern::Pattern;
use super::{Outside, json_of};
use crate::cloud::names;
use crate::cloud::reply::Reply;
use crate::up::logs::Line;
use payments::UnixMs;
use serde::Deserialize;
use serde_json::{Value, json};

const SUPPORTED: &str = "FilterLogEvents, GetLogEvents, DescribeLogGroups and DescribeLogStreams";
/// Most lines of one answer.
const LINES_MAX: usize = 10_000;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Asked {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
    log_group_name_prefix: String,
    log_stream_name: Option<String>,
    log_stream_names: Option<Vec<String>>,
    start_time: Option<i64>,
    end_time: Option<i64>,
    filter_pattern: String,
    limit: Option<usize>,
    next_token: Option<String>,
}

impl Outside {
    pub(super) fn logs(&self, operation: &str, body: &[u8]) -> Reply {
        let asked: Asked = serde_json::from_value(json_of(body)).unwrap_or_default();
        let answer = match operation {
            "FilterLogEvents" | "GetLogEvents" => self.lines(operation, &asked),
            "DescribeLogGroups" => Ok(self.groups(&asked.log_group_name_prefix)),
            "DescribeLogStreams" => self.streams(&asked),
            _ => {
                let text = format!(
                    "The embedded CloudWatch Logs does not support {operation}; it supports {SUPPORTED}."
                );
                Err(Reply::error(400, "UnknownOperationException", &text))
            }
        };
        answer.map_or_else(|refusal| refusal, |answer| Reply::ok(&answer))
    }

    fn lines(&self, operation: &str, asked: &Asked) -> Result<Value, Reply> {
        let pattern = Pattern::parse(&asked.filter_pattern)
            .map_err(|error| Reply::error(400, "InvalidParameterException", &error))?;
        let after: u64 = asked.next_token.as_ref().and_then(|token| token.parse().ok()).unwrap_or(0);
        let limit = asked.limit.unwrap_or(LINES_MAX).min(LINES_MAX);
        let is_asked = |line: &&Line| {
            asked.start_time.is_none_or(|start| line.at >= UnixMs(start))
                && asked.end_time.is_none_or(|end| line.at <= UnixMs(end))
                && asked.log_stream_name.as_ref().is_none_or(|stream| *stream == line.stream)
                && asked.log_stream_names.as_ref().is_none_or(|streams| streams.contains(&line.stream))
                && pattern.matches(&line.text)
        };
        let group = asked.group();
        let lines = self.logs.of(group, |group| {
            group.after(after).filter(is_asked).take(limit + 1).cloned().collect::<Vec<_>>()
        });
        let mut lines = lines.ok_or_else(|| self.no_group(group))?;
        let has_more = lines.len() > limit;
        lines.truncate(limit);
        let mut answer = json!({ "events": lines.iter().map(rendered).collect::<Vec<_>>() });
        let last = lines.last().map_or(after, |line| line.number).to_string();
        if operation == "GetLogEvents" {
            answer["nextForwardToken"] = last.into();
        } else {
            answer["searchedLogStreams"] = json!([]);
            if has_more {
                answer["nextToken"] = last.into();
            }
        }
        Ok(answer)
    }

    fn groups(&self, prefix: &str) -> Value {
        let named = self.logs.names().into_iter().filter(|name| name.starts_with(prefix));
        let groups = named.map(|name| {
            let arn = format!("arn:aws:logs:{}:{}:log-group:{name}:*", names::REGION, names::ACCOUNT);
            json!({ "logGroupName": name, "arn": arn })
        });
        json!({ "logGroups": groups.collect::<Vec<_>>() })
    }

    fn streams(&self, asked: &Asked) -> Result<Value, Reply> {
        let group = asked.group();
        let streams = self.logs.of(group, |group| {
            let names: std::collections::BTreeSet<_> =
                group.lines.iter().map(|line| line.stream.clone()).collect();
            names.into_iter().map(|name| json!({ "logStreamName": name })).collect::<Vec<_>>()
        });
        Ok(json!({ "logStreams": streams.ok_or_else(|| self.no_group(group))? }))
    }

    fn no_group(&self, group: &str) -> Reply {
        let text = format!(
            "The specified log group does not exist: {group}; there are {}",
            self.logs.names().join(" and ")
        );
        Reply::error(400, "ResourceNotFoundException", &text)
    }
}

impl Asked {
    /// The group's name, which may be given as an ARN.
    fn group(&self) -> &str {
        let named =
            self.log_group_name.as_deref().or(self.log_group_identifier.as_deref()).unwrap_or_default();
        let name = named.split_once(":log-group:").map_or(named, |(_, name)| name);
        name.trim_end_matches(":*")
    }
}

fn rendered(line: &Line) -> Value {
    json!({
        "eventId": format!("{:056}", line.number),
        "ingestionTime": line.at.0,
        "timestamp": line.at.0,
        "logStreamName": line.stream,
        "message": line.text,
    })
}
