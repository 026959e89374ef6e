//! What the embedded services are configured with: the meaning of the template, free of its syntax.
//!
//! The template loader produces these, the services consume them. Every unit is in the name, as on AWS.
//! Invariant: values are inside the limits AWS documents; the loader refuses others before a world exists.

use super::cloudwatch::Expression;
use super::eventbridge::Pattern;
use super::names::{self, Region};
use super::pipes::Template;
use std::collections::{BTreeMap, BTreeSet};

/// One `AWS::SQS::Queue`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueConfig {
    /// Queue name, unique in the account.
    pub name: String,
    /// `VisibilityTimeout`, 0–43,200 s.
    pub visibility_s: u32,
    /// `MessageRetentionPeriod`, 60–1,209,600 s.
    pub retention_s: u32,
    /// `DelaySeconds`, 0–900 s.
    pub delay_s: u32,
    /// `MaximumMessageSize`, 1,024–1,048,576 bytes.
    pub message_bytes_max: u32,
    /// `RedrivePolicy`, if the queue has one.
    pub redrive: Option<RedriveConfig>,
}

/// A `RedrivePolicy`: a message received more often than this moves to the dead-letter queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedriveConfig {
    /// Name of the dead-letter queue.
    pub dead_letter_queue: String,
    /// `maxReceiveCount`, 1–1,000.
    pub receives_max: u32,
}

/// One `AWS::DynamoDB::Table`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableConfig {
    /// Table name.
    pub name: String,
    /// The `CreateTable` request as DynamoDB's JSON protocol has it.
    pub create: serde_json::Value,
    /// TTL attribute, if enabled.
    pub ttl_attribute: Option<String>,
    /// Whether it has a stream, of both images.
    pub streams: bool,
}

/// One `AWS::Pipes::Pipe`, from a table's stream to an event bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PipeConfig {
    /// `Name`.
    pub name: String,
    /// Name of the role it works under.
    pub role: String,
    /// The table whose stream it follows.
    pub table: String,
    /// `FilterCriteria`: which changes are told; those that any of these is for.
    pub filters: Vec<Pattern>,
    /// `BatchSize`, 1–10, the most that an event bus takes.
    pub batch_size: u32,
    /// `MaximumRecordAgeInSeconds`, 0–604,800 s; none for as long as the stream keeps a record.
    pub age_s_max: Option<u32>,
    /// `MaximumRetryAttempts`, 0–10,000; none for any number.
    pub retries_max: Option<u32>,
    /// `OnPartialBatchItemFailure: AUTOMATIC_BISECT`: whether a batch that was not taken is halved.
    pub bisects: bool,
    /// Name of the queue that is told of what was given up.
    pub dead_letter_queue: Option<String>,
    /// Name of the bus.
    pub bus: String,
    /// `Source` of its events.
    pub source: String,
    /// `DetailType` of its events.
    pub detail_type: String,
    /// `InputTemplate`: their `detail`.
    pub template: Template,
}

/// One `AWS::Serverless::Function`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionConfig {
    /// Logical id in the template, for example `Consumer`.
    pub logical_id: String,
    /// `FunctionName` as deployed.
    pub name: String,
    /// `FunctionUrlConfig`: whether it has a URL, to which requests are signed (`AWS_IAM`).
    pub has_url: bool,
    /// `AutoPublishAlias`: what its events invoke; without one, the function as it was last changed.
    pub alias: Option<AliasConfig>,
    /// `Timeout`, 1–900 s.
    pub timeout_s: u32,
    /// Name of the role it works under; without one nobody asks what it may do.
    pub role: Option<String>,
    /// `LoggingConfig.LogGroup`: where Lambda writes its lines, by its permission.
    pub log_group: String,
    /// The rest of `LoggingConfig`.
    pub logging: LoggingConfig,
    /// `MemorySize`, MB.
    pub memory_mb: u32,
    /// Environment variables, resolved.
    pub environment: BTreeMap<String, String>,
    /// SQS event sources.
    pub sources: Vec<SqsSourceConfig>,
    /// Rules of the default bus that invoke it.
    pub rules: Vec<RuleConfig>,
    /// Schedules that invoke it.
    pub schedules: Vec<ScheduleConfig>,
    /// What Lambda does with events it accepted for it.
    pub asynchronous: AsyncConfig,
}

impl FunctionConfig {
    /// ARN of what its events invoke: its alias, if it has one.
    #[must_use]
    pub fn invoked_arn(&self) -> String {
        let arn = names::function_arn(&self.name);
        self.alias.as_ref().map_or(arn.clone(), |alias| format!("{arn}:{}", alias.name))
    }

    /// The version that its events run: the first, where versions are published.
    #[must_use]
    pub const fn version(&self) -> &'static str {
        if self.alias.is_some() { FIRST_VERSION } else { LATEST }
    }
}

/// The version that an alias points at: no run publishes a second.
pub const FIRST_VERSION: &str = "1";
/// What is not published yet.
pub const LATEST: &str = "$LATEST";

/// An alias, and the one version that it points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AliasConfig {
    /// Its name.
    pub name: String,
    /// `VersionDescription`: what the version says of itself.
    pub description: String,
}

/// `LoggingConfig`, as Lambda hands it on to the function and keeps to it itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoggingConfig {
    /// `LogFormat`.
    pub format: LogFormat,
    /// `ApplicationLogLevel`, if it is given.
    pub level: Option<String>,
}

/// `LogFormat`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines as they come.
    #[default]
    Text,
    /// A JSON object a line.
    Json,
}

/// One SQS event of a function (an event source mapping).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqsSourceConfig {
    /// Name of the queue it polls.
    pub queue: String,
    /// `BatchSize`, 1–10,000.
    pub batch_size: u32,
    /// `MaximumBatchingWindowInSeconds`, 0–300.
    pub window_s: u32,
    /// `ScalingConfig.MaximumConcurrency`, 2–1,000; absent means Lambda's own scaling.
    pub concurrency_max: Option<u32>,
    /// Whether `FunctionResponseTypes` holds `ReportBatchItemFailures`.
    pub reports_item_failures: ItemFailures,
}

/// Whether Lambda reads the answer of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemFailures {
    /// `ReportBatchItemFailures`: the answer names the messages that failed.
    Reported,
    /// The answer is ignored: an error fails the batch, anything else deletes it.
    Ignored,
}

/// `EventInvokeConfig`: how long, and how often, Lambda tries an event it accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AsyncConfig {
    /// `MaximumRetryAttempts` after a function error, 0–2.
    pub retries_max: u32,
    /// `MaximumEventAgeInSeconds`, 60–21,600 s.
    pub age_s_max: u32,
    /// Name of the queue that is told of events given up (`OnFailure`).
    pub on_failure: Option<String>,
}

impl Default for AsyncConfig {
    /// Lambda's own defaults.
    fn default() -> Self {
        Self { retries_max: 2, age_s_max: 21_600, on_failure: None }
    }
}

/// A rule of the default event bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleConfig {
    /// Rule name.
    pub name: String,
    /// Which events it is for.
    pub pattern: Pattern,
    /// What it does with them.
    pub target: TargetConfig,
}

/// A rule of a partner's event bus, with the queues that are its targets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartnerRuleConfig {
    /// Rule name.
    pub name: String,
    /// Name of the bus, `aws.partner/…`.
    pub bus: String,
    /// Which events it is for.
    pub pattern: Pattern,
    /// Names of the queues that are given them, and how.
    pub targets: Vec<(String, TargetConfig)>,
}

impl PartnerRuleConfig {
    /// Its ARN, in which a bus that is not the default one is named.
    #[must_use]
    pub fn arn(&self) -> String {
        names::rule_arn(&format!("{}/{}", self.bus, self.name))
    }
}

/// A rule that fires by the clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleConfig {
    /// Rule name.
    pub name: String,
    /// `rate(…)`, in minutes.
    pub every_min: u32,
    /// What it does.
    pub target: TargetConfig,
}

/// How a rule's target is given events, and what becomes of an event it does not get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetConfig {
    /// JSON that the target is given in place of the event.
    pub input: Option<String>,
    /// `MaximumRetryAttempts`, 0–185.
    pub retries_max: u32,
    /// `MaximumEventAgeInSeconds`, 60–86,400 s.
    pub age_s_max: u32,
    /// Name of the queue for events that could not be delivered.
    pub dead_letter_queue: Option<String>,
}

impl Default for TargetConfig {
    /// EventBridge's own defaults.
    fn default() -> Self {
        Self { input: None, retries_max: 185, age_s_max: 86_400, dead_letter_queue: None }
    }
}

/// One `AWS::SNS::Topic`, with what its policy says and its subscriptions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicConfig {
    /// Topic name, unique in the account.
    pub name: String,
    /// Where it is.
    pub region: Region,
    /// Services that `AWS::SNS::TopicPolicy` lets publish, for example `cloudwatch.amazonaws.com`.
    pub publishers: BTreeSet<String>,
    /// Its subscriptions.
    pub subscriptions: Vec<SubscriptionConfig>,
}

/// One `AWS::SNS::Subscription`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionConfig {
    /// `Protocol`: `email` is the only one there is.
    pub protocol: String,
    /// `Endpoint`: the address that is written to.
    pub endpoint: String,
}

/// One `AWS::CloudWatch::Alarm`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlarmConfig {
    /// `AlarmName`.
    pub name: String,
    /// Where it is: whom it can tell, and who hears of it.
    pub region: Region,
    /// `AlarmDescription`.
    pub description: Option<String>,
    /// What is compared with the threshold.
    pub measure: Measure,
    /// `EvaluationPeriods`: N of "M out of N".
    pub periods: u32,
    /// `DatapointsToAlarm`: M; absent, it is N, and AWS words its reasons differently.
    pub breaches_min: Option<u32>,
    /// `ComparisonOperator`.
    pub comparison: Comparison,
    /// `Threshold`.
    pub threshold: Finite,
    /// `TreatMissingData`.
    pub missing: MissingData,
    /// Minutes after its creation for which the alarm is not evaluated, whatever arrives: `WarmUpConfiguration`, with
    /// `OnlyStartEvaluatingAfterWarmUpPeriodEnds`.
    pub warm_up_min: Option<u32>,
    /// ARNs of the topics that are told.
    pub actions: AlarmActions,
    /// `ActionsEnabled`: whether they are.
    pub actions_enabled: bool,
}

impl AlarmConfig {
    /// Its ARN.
    #[must_use]
    pub fn arn(&self) -> String {
        names::alarm_arn_in(self.region, &self.name)
    }
}

/// Topics an alarm publishes to when it enters a state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlarmActions {
    /// `AlarmActions`.
    pub alarm: Vec<String>,
    /// `OKActions`.
    pub ok: Vec<String>,
    /// `InsufficientDataActions`.
    pub insufficient_data: Vec<String>,
}

/// What an alarm looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Measure {
    /// One metric.
    Metric(MetricStat),
    /// `Metrics`: metrics and expressions over them, all of one period.
    Math {
        /// In the order of the template.
        queries: Vec<Query>,
        /// The id whose values count.
        returned: String,
    },
}

/// One entry of `Metrics`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Its id in expressions.
    pub id: String,
    /// `Label`, for readers.
    pub label: Option<String>,
    /// Where its values come from.
    pub source: Source,
}

/// Where the values of a query come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A metric.
    Metric(MetricStat),
    /// Other queries.
    Expression(Expression),
}

/// A metric, summed up over periods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricStat {
    /// Which metric.
    pub metric: MetricName,
    /// How its samples become one number.
    pub statistic: Statistic,
    /// `Period`, a multiple of 60 s.
    pub period_s: u32,
}

/// What tells one metric from another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MetricName {
    /// `Namespace`.
    pub namespace: String,
    /// `MetricName`.
    pub name: String,
    /// `Dimensions`; one more or less is another metric.
    pub dimensions: BTreeMap<String, String>,
}

/// How the samples of a period become one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistic {
    /// Number of samples.
    SampleCount,
    /// Mean.
    Average,
    /// Total.
    Sum,
    /// Smallest.
    Minimum,
    /// Largest.
    Maximum,
    /// That which no more than so many of a thousand are above: 900 is `p90`.
    Percentile(u16),
}

/// How a value is compared with the threshold; it breaches when the comparison holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Value ≥ threshold.
    GreaterThanOrEqualToThreshold,
    /// Value > threshold.
    GreaterThanThreshold,
    /// Value < threshold.
    LessThanThreshold,
    /// Value ≤ threshold.
    LessThanOrEqualToThreshold,
}

/// `TreatMissingData`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingData {
    /// As neither, and as the state of its own that it is (the default).
    Missing,
    /// The alarm keeps its state.
    Ignore,
    /// As beyond the threshold.
    Breaching,
    /// As within the threshold.
    NotBreaching,
}

/// A number that is neither infinite nor undefined, and so equal to itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Finite(f64);

impl Finite {
    /// `None` for an infinity and for what is not a number.
    #[must_use]
    pub fn new(value: f64) -> Option<Self> {
        value.is_finite().then_some(Self(value))
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl Eq for Finite {}
