//! A table's stream: what each write changed, in shards, for whoever follows it.
//!
//! A shard holds the changes of its keys in the order in which they were made; nothing is said of two shards.
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html>
//! Invariant: a write that left its item as it was is not in here, and every other is, once.

use super::{Row, text};
use payments::UnixMs;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Shards of a stream. DynamoDB has one for each partition of the table, and says nothing of how many those are.
pub const SHARDS: usize = 4;

/// The stream of one table. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Stream(Arc<[Shard; SHARDS]>);

#[derive(Debug, Default)]
struct Shard {
    changes: Mutex<Changes>,
    noticed: Notify,
}

#[derive(Debug, Default)]
struct Changes {
    waiting: VecDeque<Arc<Change>>,
    made: u64,
}

/// What a write changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Which of its shard it is, from 1 on.
    pub sequence: u64,
    /// When it was made.
    pub at: UnixMs,
    /// The item's key.
    keys: Row,
    /// The item before; none where it was made by the write.
    old: Option<Row>,
    /// The item after; none where it was deleted.
    new: Option<Row>,
}

impl Change {
    /// The change as its readers see it.
    /// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_StreamRecord.html>
    #[must_use]
    pub fn record(&self) -> Value {
        let mut change = json!({
            "Keys": self.keys,
            "SequenceNumber": self.sequence.to_string(),
            "ApproximateCreationDateTime": self.at.0.div_euclid(1_000),
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        });
        for (image, row) in [("OldImage", &self.old), ("NewImage", &self.new)] {
            if let Some(row) = row {
                change[image] = json!(row);
            }
        }
        json!({ "eventName": self.name(), "eventSource": "aws:dynamodb", "dynamodb": change })
    }

    /// Text attributes of the key, for whoever tells of it.
    #[must_use]
    pub fn key(&self) -> String {
        let texts: Vec<&str> = self.keys.values().filter_map(|value| text(Some(value))).collect();
        texts.join(" ")
    }

    const fn name(&self) -> &'static str {
        match (&self.old, &self.new) {
            (None, _) => "INSERT",
            (Some(_), Some(_)) => "MODIFY",
            (Some(_), None) => "REMOVE",
        }
    }
}

impl Stream {
    /// Takes note of a write to the item of this key.
    pub(super) fn write(&self, keys: Row, old: Option<Row>, new: Option<Row>, at: UnixMs) {
        if old == new {
            return;
        }
        let shard = &self.0[shard_of(&keys)];
        let mut changes = shard.lock();
        changes.made += 1;
        let change = Change { sequence: changes.made, at, keys, old, new };
        changes.waiting.push_back(Arc::new(change));
        shard.noticed.notify_one();
    }

    /// The oldest changes of a shard that were not let go of, at most `limit`, as soon as there is one.
    pub async fn read(&self, shard: usize, limit: usize) -> Vec<Arc<Change>> {
        let shard = &self.0[shard];
        loop {
            let noticed = shard.noticed.notified();
            let found: Vec<_> = shard.lock().waiting.iter().take(limit).cloned().collect();
            if !found.is_empty() {
                return found;
            }
            noticed.await;
        }
    }

    /// Lets go of the oldest `count` changes of a shard.
    pub fn advance(&self, shard: usize, count: usize) {
        self.0[shard].lock().waiting.drain(..count);
    }
}

impl Shard {
    fn lock(&self) -> MutexGuard<'_, Changes> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which shard has the changes of a key, by the texts in it: always the same.
fn shard_of(keys: &Row) -> usize {
    let bytes = keys.values().filter_map(|value| text(Some(value))).map(str::bytes);
    // FNV-1a: the same in every process, which a map's own hasher need not be.
    let hash = bytes.flatten().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    usize::try_from(hash % SHARDS as u64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use dynoxide::AttributeValue;

    fn row(id: &str, state: &str) -> Row {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        Row::from([("payment_id".to_owned(), text(id)), ("state".to_owned(), text(state))])
    }

    fn key(id: &str) -> Row {
        Row::from([("payment_id".to_owned(), AttributeValue::S(id.to_owned()))])
    }

    async fn all(stream: &Stream) -> Vec<Vec<Value>> {
        let mut found = Vec::new();
        for shard in 0..SHARDS {
            let waiting = stream.0[shard].lock().waiting.len();
            let changes = if waiting == 0 { Vec::new() } else { stream.read(shard, usize::MAX).await };
            found.push(changes.iter().map(|change| change.record()).collect());
        }
        found
    }

    #[tokio::test]
    async fn a_change_is_seen_with_what_was_there_before_and_what_is_there_now() {
        let stream = Stream::default();
        let at = UnixMs(1_001_500);
        stream.write(key("a"), None, Some(row("a", "received")), at);
        stream.write(key("a"), Some(row("a", "received")), Some(row("a", "succeeded")), at);
        stream.write(key("a"), Some(row("a", "succeeded")), None, at);
        let changes = all(&stream).await.concat();
        let names: Vec<_> = changes.iter().map(|change| change["eventName"].as_str().unwrap()).collect();
        assert_eq!(names, ["INSERT", "MODIFY", "REMOVE"]);
        let images = |image: &str| -> Vec<_> {
            changes.iter().map(|change| change["dynamodb"][image]["state"]["S"].as_str()).collect()
        };
        assert_eq!(images("OldImage"), [None, Some("received"), Some("succeeded")]);
        assert_eq!(images("NewImage"), [Some("received"), Some("succeeded"), None]);
        assert_eq!(changes[1]["dynamodb"]["Keys"], json!({ "payment_id": { "S": "a" } }));
        assert_eq!(changes[1]["dynamodb"]["SequenceNumber"], "2");
        assert_eq!(changes[1]["dynamodb"]["ApproximateCreationDateTime"], 1_001);
    }

    #[tokio::test]
    async fn a_write_that_changes_nothing_is_no_change() {
        let stream = Stream::default();
        stream.write(key("a"), Some(row("a", "received")), Some(row("a", "received")), UnixMs(1));
        assert_eq!(all(&stream).await.concat(), [Value::Null; 0]);
    }

    #[tokio::test]
    async fn the_changes_of_a_key_are_in_one_shard_in_order_and_keys_are_spread() {
        let stream = Stream::default();
        for n in 0..200 {
            let id = format!("order-{}", n % 40);
            stream.write(key(&id), None, Some(row(&id, &n.to_string())), UnixMs(n));
        }
        let shards = all(&stream).await;
        assert!(shards.iter().all(|shard| !shard.is_empty()), "every shard has some");
        for n in 0..40 {
            let id = format!("order-{n}");
            let of_it = |change: &&Value| change["dynamodb"]["Keys"]["payment_id"]["S"] == id.as_str();
            let found: Vec<Vec<&Value>> =
                shards.iter().map(|shard| shard.iter().filter(of_it).collect()).collect();
            let [ref changes] =
                found.into_iter().filter(|it: &Vec<_>| !it.is_empty()).collect::<Vec<_>>()[..]
            else {
                panic!("{id} is in one shard")
            };
            let told: Vec<_> =
                changes.iter().map(|it| it["dynamodb"]["NewImage"]["state"]["S"].as_str().unwrap()).collect();
            let made: Vec<_> = (0..5).map(|turn| (turn * 40 + n).to_string()).collect();
            assert_eq!(told, made);
        }
    }

    #[tokio::test]
    async fn what_was_let_go_of_does_not_come_again_and_the_rest_waits() {
        let stream = Stream::default();
        for n in 0..3 {
            stream.write(key("a"), None, Some(row("a", &n.to_string())), UnixMs(n));
        }
        let shard = shard_of(&key("a"));
        assert_eq!(stream.read(shard, 2).await.len(), 2);
        stream.advance(shard, 2);
        let rest: Vec<u64> = stream.read(shard, 10).await.iter().map(|change| change.sequence).collect();
        assert_eq!(rest, [3]);
    }
}
