//! The index comes in pages, as DynamoDB gives it: at most as many rows as were asked for, and perhaps fewer, with a key to go
//! on from wherever a page ended (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html>).

mod client;

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use ledger::{Extent, Page, Reader};
use payments::UnixMs;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

const UNTIL: UnixMs = UnixMs(1_767_603_605_005);

/// An index of so many rows, of which a page holds at most so many. It keeps what it was asked.
#[derive(Clone, Debug)]
struct Index {
    rows: usize,
    page_rows: usize,
    /// Every third row is one that cannot be read.
    holds_strange_ones: bool,
    asked: Arc<Mutex<Vec<Value>>>,
}

impl HttpConnector for Index {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (_, asked) = client::asked(&request);
        let number = |value: &Value| value.as_str().and_then(|text| text.parse::<usize>().ok());
        let from = number(&asked["ExclusiveStartKey"]["received_at"]["N"]).unwrap_or(0);
        let limit =
            asked["Limit"].as_u64().and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
        let until = self.rows.min(from + limit.min(self.page_rows));
        let mut answer = json!({ "Count": until - from });
        if asked["Select"] != "COUNT" {
            let items: Vec<Value> = (from..until).map(|row| self.row(row)).collect();
            answer["Items"] = json!(items);
        }
        // There is one as soon as a page is full, whether or not anything follows.
        if until < self.rows || until - from == limit {
            answer["LastEvaluatedKey"] = json!({ "received_at": { "N": until.to_string() } });
        }
        self.asked.lock().expect("nobody panicked").push(asked);
        HttpConnectorFuture::ready(Ok(client::answer(&answer)))
    }
}

impl Index {
    fn of(rows: usize, page_rows: usize) -> Self {
        Self { rows, page_rows, holds_strange_ones: false, asked: Arc::default() }
    }

    fn row(&self, row: usize) -> Value {
        let currency = if self.holds_strange_ones && row.is_multiple_of(3) { "no currency" } else { "eur" };
        json!({
            "payment_id": { "S": format!("order-{row}") },
            "amount": { "N": (1_000 + row).to_string() },
            "currency": { "S": currency },
            "received_at": { "N": row.to_string() },
            "enqueued_at": { "N": (2_000 + row).to_string() },
        })
    }

    fn reader(&self) -> Reader {
        client::ledger(self.clone()).reader().clone()
    }

    async fn read(&self, rows_max: usize) -> Page {
        self.reader().unsettled(UNTIL, rows_max).await.expect("it answers")
    }

    async fn are_more_than(&self, messages: u64) -> bool {
        self.reader().more_unsettled_than(messages, UNTIL).await.expect("it answers")
    }

    fn calls(&self) -> Vec<Value> {
        std::mem::take(&mut *self.asked.lock().expect("nobody panicked"))
    }
}

#[tokio::test]
async fn every_page_is_read_until_there_is_none() {
    let index = Index::of(7, 3);
    let page = index.read(100).await;
    let ids: Vec<String> = page.rows.iter().map(|row| row.payment_id.to_string()).collect();
    assert_eq!(ids, (0..7).map(|row| format!("order-{row}")).collect::<Vec<_>>());
    assert_eq!((page.unreadable, page.extent), (0, Extent::Complete));
    let limits: Vec<Value> = index.calls().iter().map(|call| call["Limit"].clone()).collect();
    assert_eq!(limits, [100, 97, 94]);
}

#[tokio::test]
async fn no_more_are_read_than_are_wanted_and_that_there_are_more_is_said() {
    for (wanted, extent) in
        [(4, Extent::CutOff), (6, Extent::CutOff), (7, Extent::CutOff), (8, Extent::Complete)]
    {
        let page = Index::of(7, 3).read(wanted).await;
        assert_eq!((page.rows.len(), page.extent), (wanted.min(7), extent), "{wanted}");
    }
}

#[tokio::test]
async fn rows_that_cannot_be_read_are_counted_and_count() {
    let index = Index { holds_strange_ones: true, ..Index::of(7, 3) };
    let page = index.read(100).await;
    assert_eq!((page.rows.len(), page.unreadable, page.extent), (4, 3, Extent::Complete));
    let page = index.read(4).await;
    assert_eq!((page.rows.len(), page.unreadable, page.extent), (2, 2, Extent::CutOff));
    let limits: Vec<Value> = index.calls().iter().skip(3).map(|call| call["Limit"].clone()).collect();
    assert_eq!(limits, [4, 1]);
}

#[tokio::test]
async fn rows_are_counted_over_pages_and_no_further_than_needed() {
    for (messages, are_more, calls) in [(0, true, 1), (2, true, 1), (3, true, 2), (6, true, 3), (7, false, 3)]
    {
        let index = Index::of(7, 3);
        assert_eq!(index.are_more_than(messages).await, are_more, "{messages}");
        assert_eq!(index.calls().len(), calls, "{messages}");
    }
}
