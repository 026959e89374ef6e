//! Looks at a deployed stack: queues, dead letters, the incident, the ledger, alarms, the log, move tasks.
//!
//! Invariant: looking changes nothing; a message that is read is hidden from nobody.

use super::DeployedError;
use super::cli::Cli;
use super::lines::{self, Line};
use super::stack::Stack;
use crate::cloud::dynamodb::AttributeValue;
use crate::cloud::sqs::{Content, Held, MessageAttribute, Standing};
use crate::journal::{AlarmChanged, Event, MoveTaskEvent, Record, StateValue};
use crate::records::{self, Notice, NoticePhase, Recovery};
use crate::world::{LedgerRow, ledger_row};
use payments::UnixMs;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Reads of a queue in a row that may find nothing new until it counts as read: SQS hands out at random.
const IDLE_READS_MAX: u32 = 2;
/// Reads of a queue at most, ten messages each: every one takes half a second.
const READS_MAX: u32 = 20;

/// How much a queue holds, approximately.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Depth {
    pub(super) visible: u64,
    pub(super) in_flight: u64,
    pub(super) delayed: u64,
}

impl Depth {
    pub(super) const fn total(self) -> u64 {
        self.visible + self.in_flight + self.delayed
    }
}

/// A queue.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attributes {
    pub(super) depth: Depth,
    pub(super) retention_s: Option<i64>,
}

pub(super) fn attributes(cli: &Cli, url: &str) -> Result<Attributes, DeployedError> {
    let said = cli.ask(&["sqs", "get-queue-attributes", "--queue-url", url, "--attribute-names", "All"])?;
    let number = |name: &str| said["Attributes"][name].as_str().and_then(|digits| digits.parse().ok());
    let depth = |name: &str| number(name).map_or(0, i64::unsigned_abs);
    Ok(Attributes {
        depth: Depth {
            visible: depth("ApproximateNumberOfMessages"),
            in_flight: depth("ApproximateNumberOfMessagesNotVisible"),
            delayed: depth("ApproximateNumberOfMessagesDelayed"),
        },
        retention_s: number("MessageRetentionPeriod"),
    })
}

/// The messages of a queue, as many as it shows; each stays where it is, for everybody to see.
pub(super) fn messages(cli: &Cli, url: &str, expected: u64) -> Result<Vec<Held>, DeployedError> {
    let mut found: BTreeMap<String, Held> = BTreeMap::new();
    let (mut reads, mut idle) = (0, 0);
    while reads < READS_MAX && idle < IDLE_READS_MAX && (found.len() as u64) < expected {
        let said = cli.ask(&[
            "sqs",
            "receive-message",
            "--queue-url",
            url,
            "--max-number-of-messages",
            "10",
            "--visibility-timeout",
            "0",
            "--attribute-names",
            "All",
            "--message-attribute-names",
            "All",
        ])?;
        let before = found.len();
        let messages = said["Messages"].as_array().into_iter().flatten();
        found.extend(messages.map(held).map(|held| (held.content.id.clone(), held)));
        (reads, idle) = (reads + 1, if found.len() == before { idle + 1 } else { 0 });
    }
    Ok(found.into_values().collect())
}

fn held(message: &Value) -> Held {
    let text = |name: &str| message[name].as_str().unwrap_or_default().to_owned();
    let system =
        |name: &str| message["Attributes"][name].as_str().and_then(|digits| digits.parse::<i64>().ok());
    let attributes = message["MessageAttributes"].as_object().into_iter().flatten();
    let attributes = attributes.filter_map(|(name, value)| {
        Some((name.clone(), MessageAttribute::text(value["StringValue"].as_str()?)))
    });
    Held {
        content: Arc::new(Content {
            id: text("MessageId"),
            body: text("Body"),
            body_md5: text("MD5OfBody"),
            attributes: attributes.collect(),
            trace_header: None,
            sent_at: UnixMs(system("SentTimestamp").unwrap_or(0)),
        }),
        receives: system("ApproximateReceiveCount").and_then(|count| u32::try_from(count).ok()).unwrap_or(0),
        standing: Standing::Visible,
        dead_letter_source: None,
    }
}

/// How the incident stands: its phase and version, and whether nothing more is to come of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Incident {
    pub(super) phase: String,
    /// Since when, if its phase says so.
    pub(super) since: Option<UnixMs>,
    pub(super) version: u64,
    pub(super) is_over: bool,
}

/// Which of the responder's records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    Recovery,
    Quarantine,
}

/// Nothing before the responder has saved anything. Of quarantine it is over once people know of what is there.
pub(super) fn incident(cli: &Cli, stack: &Stack, of: Of) -> Result<Option<Incident>, DeployedError> {
    let record = match of {
        Of::Recovery => "recovery",
        Of::Quarantine => "quarantine",
    };
    let key = json!({ "record": { "S": record } }).to_string();
    let table = stack.output("IncidentsTable");
    let said =
        cli.ask(&["dynamodb", "get-item", "--table-name", table, "--key", &key, "--consistent-read"])?;
    let item = &said["Item"];
    let text = |name: &str| item[name]["S"].as_str().map(str::to_owned);
    let body = || text("body").and_then(|body| serde_json::from_str::<Value>(&body).ok());
    Ok(text("phase").map(|phase| Incident {
        phase,
        since: body().and_then(|body| body["phase"]["since"].as_i64()).map(UnixMs),
        version: item["version"]["N"].as_str().and_then(|digits| digits.parse().ok()).unwrap_or(0),
        is_over: text("body").is_some_and(|body| of.is_over(&body)),
    }))
}

impl Of {
    /// One that cannot be read is nothing that is over.
    fn is_over(self, body: &str) -> bool {
        let is_noticed = |notice: Notice| notice.phase == NoticePhase::Open && notice.outbox.is_empty();
        match self {
            Self::Recovery => records::read::<Recovery>(body).is_ok_and(|it| it.is_quiet()),
            Self::Quarantine => records::read::<Notice>(body).is_ok_and(is_noticed),
        }
    }
}

/// Every row of the ledger, and when it was first written.
pub(super) fn ledger(cli: &Cli, stack: &Stack) -> Result<Vec<(LedgerRow, UnixMs)>, DeployedError> {
    let table = stack.output("LedgerTable");
    let said = cli.ask(&["dynamodb", "scan", "--table-name", table, "--consistent-read"])?;
    let items = said["Items"].as_array().into_iter().flatten();
    let row = |item: &Value| {
        let item: BTreeMap<String, AttributeValue> = serde_json::from_value(item.clone()).ok()?;
        let received_at = match item.get("received_at") {
            Some(AttributeValue::N(digits)) => digits.parse().ok().map(UnixMs),
            _ => None,
        };
        Some((ledger_row(&item)?, received_at.unwrap_or_default()))
    };
    Ok(items.filter_map(row).collect())
}

/// The stack's alarms: what each is called as deployed, and in the template.
pub(super) fn alarms(cli: &Cli, stack: &Stack) -> Result<BTreeMap<String, String>, DeployedError> {
    let said =
        cli.ask(&["cloudwatch", "describe-alarms", "--alarm-name-prefix", &format!("{}-", stack.name)])?;
    let names =
        said["MetricAlarms"].as_array().into_iter().flatten().filter_map(|it| it["AlarmName"].as_str());
    Ok(names.map(|name| (name.to_owned(), stack.alarm(name).to_owned())).collect())
}

/// How these alarms changed from an instant on.
pub(super) fn changes_of_alarms(
    cli: &Cli,
    alarms: &BTreeMap<String, String>,
    from: UnixMs,
) -> Result<Vec<Record>, DeployedError> {
    let start = crate::units::instant(from);
    let said = cli.ask(&[
        "cloudwatch",
        "describe-alarm-history",
        "--history-item-type",
        "StateUpdate",
        "--start-date",
        &start,
    ])?;
    let items = said["AlarmHistoryItems"].as_array().into_iter().flatten();
    let changed = |item: &Value| {
        let alarm = item["AlarmName"].as_str().filter(|alarm| alarms.contains_key(*alarm))?.to_owned();
        let at = instant(&item["Timestamp"])?;
        let data: Value = serde_json::from_str(item["HistoryData"].as_str()?).ok()?;
        let state = |which: &str| state(data[which]["stateValue"].as_str()?);
        let reason = data["newState"]["stateReason"].as_str().unwrap_or_default().to_owned();
        let event = AlarmChanged { alarm, from: state("oldState")?, to: state("newState")?, reason };
        Some(Record { at, event: event.into() })
    };
    Ok(items.filter_map(changed).collect())
}

/// An instant as a CLI writes it: a text, or, version 1 for some services, seconds.
fn instant(said: &Value) -> Option<UnixMs> {
    let text = said.as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    let seconds = || {
        said.as_f64().and_then(|seconds| jiff::Timestamp::from_millisecond((seconds * 1_000.0) as i64).ok())
    };
    Some(UnixMs(text.or_else(seconds)?.as_millisecond()))
}

fn state(name: &str) -> Option<StateValue> {
    [StateValue::Ok, StateValue::Alarm, StateValue::InsufficientData]
        .into_iter()
        .find(|state| state.name() == name)
}

/// The move tasks of the dead-letter queue that were started from an instant on.
pub(super) fn move_tasks(cli: &Cli, stack: &Stack, from: UnixMs) -> Result<Vec<Record>, DeployedError> {
    let url = stack.dead_letters();
    let said =
        cli.ask(&["sqs", "get-queue-attributes", "--queue-url", url, "--attribute-names", "QueueArn"])?;
    let arn = said["Attributes"]["QueueArn"].as_str().unwrap_or_default();
    let said = cli.ask(&["sqs", "list-message-move-tasks", "--source-arn", arn, "--max-results", "10"])?;
    let source = crate::cloud::names::queue_in_url(url);
    let started = |task: &Value| {
        let at = UnixMs(task["StartedTimestamp"].as_i64()?);
        let event = MoveTaskEvent::Started {
            task: task["TaskHandle"].as_str().unwrap_or_default().to_owned(),
            source: source.to_owned(),
            destination: None,
            to_move: task["ApproximateNumberOfMessagesToMove"].as_u64().unwrap_or(0),
        };
        (at >= from).then(|| Record { at, event: Event::from(event) })
    };
    Ok(said["Results"].as_array().into_iter().flatten().filter_map(started).collect())
}

/// What the consumer wrote into its log from an instant on, about deliveries.
pub(super) fn log(cli: &Cli, stack: &Stack, from: UnixMs) -> Result<Vec<Line>, DeployedError> {
    let (group, start) = (stack.output("ConsumerLogGroup"), from.0.to_string());
    let said = cli.ask(&["logs", "filter-log-events", "--log-group-name", group, "--start-time", &start])?;
    Ok(said["events"].as_array().into_iter().flatten().filter_map(lines::read).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_read_as_either_version_of_the_cli_writes_it() {
        let written = [
            json!("2026-01-05T09:00:00.123Z"),
            json!("2026-01-05T09:00:00.123000+00:00"),
            json!(1_767_603_600.123),
        ];
        assert_eq!(written.map(|it| instant(&it)), [Some(UnixMs(1_767_603_600_123)); 3]);
        assert_eq!(instant(&Value::Null), None);
    }
}
