//! The account the embedded services live in, and the names it gives to things.
//!
//! Invariant: a name is a pure function of what the template says, so the loader and the services agree without talking.

use sha2::{Digest, Sha256};

/// `AWS::AccountId`.
pub const ACCOUNT: &str = "123456789012";
/// `AWS::Region`.
pub const REGION: &str = "eu-central-1";
/// `AWS::Partition`.
pub const PARTITION: &str = "aws";

/// A region that stacks are deployed in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Region {
    /// That of the payments: [`REGION`].
    #[default]
    Home,
    /// `us-east-1`, where CloudFront's metrics are.
    UsEast1,
}

impl Region {
    /// Every one.
    pub const ALL: [Self; 2] = [Self::Home, Self::UsEast1];

    /// As in ARNs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Home => REGION,
            Self::UsEast1 => "us-east-1",
        }
    }

    /// As CloudWatch writes it for people.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Home => "EU (Frankfurt)",
            Self::UsEast1 => "US East (N. Virginia)",
        }
    }
}

/// A queue's ARN: what `GetAtt Queue.Arn` yields.
#[must_use]
pub fn queue_arn(name: &str) -> String {
    format!("arn:{PARTITION}:sqs:{REGION}:{ACCOUNT}:{name}")
}

/// A queue's URL: what `Ref` of a queue yields.
#[must_use]
pub fn queue_url(name: &str) -> String {
    format!("https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}")
}

/// The queue named by a URL. SQS reads the path alone, so a URL of any host will do.
#[must_use]
pub fn queue_in_url(url: &str) -> &str {
    last_part(url, '/')
}

/// The queue named by an ARN; `None` when the text is no ARN. Account and region are not looked at: there is one.
#[must_use]
pub fn queue_in_arn(arn: &str) -> Option<&str> {
    (arn.starts_with("arn:") && arn.split(':').count() == 6).then(|| last_part(arn, ':'))
}

/// A topic's ARN: what `Ref` of a topic yields.
#[must_use]
pub fn topic_arn(name: &str) -> String {
    topic_arn_in(Region::Home, name)
}

/// The same, wherever it is.
#[must_use]
pub fn topic_arn_in(region: Region, name: &str) -> String {
    format!("arn:{PARTITION}:sns:{}:{ACCOUNT}:{name}", region.code())
}

/// A topic's name, given its name or its ARN.
#[must_use]
pub fn topic_in_arn(arn: &str) -> &str {
    last_part(arn, ':')
}

/// A function's ARN: what `GetAtt Function.Arn` yields.
#[must_use]
pub fn function_arn(name: &str) -> String {
    format!("arn:{PARTITION}:lambda:{REGION}:{ACCOUNT}:function:{name}")
}

/// A role's ARN: what `GetAtt Role.Arn` yields.
#[must_use]
pub fn role_arn(name: &str) -> String {
    format!("arn:{PARTITION}:iam::{ACCOUNT}:role/{name}")
}

/// The account as a principal.
#[must_use]
pub fn root_arn() -> String {
    format!("arn:{PARTITION}:iam::{ACCOUNT}:root")
}

/// ARN of a function that has taken on a role: whom a refusal names.
#[must_use]
pub fn session_arn(role: &str, function: &str) -> String {
    format!("arn:{PARTITION}:sts::{ACCOUNT}:assumed-role/{role}/{function}")
}

/// A table's ARN: what `GetAtt Table.Arn` yields.
#[must_use]
pub fn table_arn(name: &str) -> String {
    format!("arn:{PARTITION}:dynamodb:{REGION}:{ACCOUNT}:table/{name}")
}

/// ARN of a table's stream: what `GetAtt Table.StreamArn` yields. AWS ends it with the instant at which it was made.
#[must_use]
pub fn stream_arn(table: &str) -> String {
    format!("{}/stream/simulated", table_arn(table))
}

/// ARN of an event bus: what `GetAtt Bus.Arn` yields.
#[must_use]
pub fn bus_arn(name: &str) -> String {
    format!("arn:{PARTITION}:events:{REGION}:{ACCOUNT}:event-bus/{name}")
}

/// A pipe's ARN.
#[must_use]
pub fn pipe_arn(name: &str) -> String {
    format!("arn:{PARTITION}:pipes:{REGION}:{ACCOUNT}:pipe/{name}")
}

/// A key's ARN, given its id: what `GetAtt Key.Arn` yields.
#[must_use]
pub fn key_arn(id: &str) -> String {
    format!("arn:{PARTITION}:kms:{REGION}:{ACCOUNT}:key/{id}")
}

/// ARN of a log stream.
#[must_use]
pub fn log_stream_arn(group: &str, stream: &str) -> String {
    format!("arn:{PARTITION}:logs:{REGION}:{ACCOUNT}:log-group:{group}:log-stream:{stream}")
}

/// An alarm's ARN.
#[must_use]
pub fn alarm_arn(name: &str) -> String {
    alarm_arn_in(Region::Home, name)
}

/// The same, wherever it is.
#[must_use]
pub fn alarm_arn_in(region: Region, name: &str) -> String {
    format!("arn:{PARTITION}:cloudwatch:{}:{ACCOUNT}:alarm:{name}", region.code())
}

/// ARN of a rule that mutes alarms.
#[must_use]
pub fn mute_rule_arn(name: &str) -> String {
    format!("arn:{PARTITION}:cloudwatch:{REGION}:{ACCOUNT}:alarm-mute-rule:{name}")
}

/// ARN of a rule of the default bus; of another, `name` begins with that bus's and a slash.
#[must_use]
pub fn rule_arn(name: &str) -> String {
    format!("arn:{PARTITION}:events:{REGION}:{ACCOUNT}:rule/{name}")
}

/// An id as AWS makes them up: ten letters and digits, the same for the same name.
#[must_use]
pub fn id_of(name: &str) -> String {
    const ALPHABET: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let digits = Sha256::digest(name).into_iter().take(10);
    digits.map(|byte| char::from(ALPHABET[usize::from(byte) % ALPHABET.len()])).collect()
}

/// A distribution's ARN, given its id.
#[must_use]
pub fn distribution_arn(id: &str) -> String {
    format!("arn:{PARTITION}:cloudfront::{ACCOUNT}:distribution/{id}")
}

/// ARN of a KeyValueStore: what `GetAtt Store.Arn` yields.
#[must_use]
pub fn store_arn(name: &str) -> String {
    format!("arn:{PARTITION}:cloudfront::{ACCOUNT}:key-value-store/{}", id_of(name))
}

/// ARN of an HTTP API, given its id: for what it takes on a role.
#[must_use]
pub fn api_arn(id: &str) -> String {
    format!("arn:{PARTITION}:execute-api:{REGION}:{ACCOUNT}:{id}")
}

/// A bucket's ARN: what `GetAtt Bucket.Arn` yields.
#[must_use]
pub fn bucket_arn(name: &str) -> String {
    format!("arn:{PARTITION}:s3:::{name}")
}

/// ARN of what is kept under `key` in a bucket.
#[must_use]
pub fn object_arn(bucket: &str, key: &str) -> String {
    format!("{}/{key}", bucket_arn(bucket))
}

/// A secret's ARN. Secrets Manager ends it with six characters of its own.
#[must_use]
pub fn secret_arn(name: &str) -> String {
    format!("arn:{PARTITION}:secretsmanager:{REGION}:{ACCOUNT}:secret:{name}-{SECRET_SUFFIX}")
}

/// A secret's name, given its name or its ARN.
#[must_use]
pub fn secret_in_id(id: &str) -> &str {
    if !id.starts_with("arn:") {
        return id;
    }
    let last = last_part(id, ':');
    last.strip_suffix(SECRET_SUFFIX).and_then(|name| name.strip_suffix('-')).unwrap_or(last)
}

const SECRET_SUFFIX: &str = "c4405s";

fn last_part(text: &str, separator: char) -> &str {
    text.rsplit(separator).next().unwrap_or(text)
}
