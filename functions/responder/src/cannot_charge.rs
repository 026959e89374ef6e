//! What the responder cannot do, by types. Each program below is one against what this crate depends on; beside each that
//! must not compile stands the same program without the forbidden step, which must, so that neither fails for another
//! reason.
//!
//! A reader looks up:
//! ```
//! use payments::ledger::RecordedIntent;
//! async fn look(reader: &stripe::Reader, key: &stripe::ApiKey, intent: &RecordedIntent) {
//!     reader.retrieve(key, intent).await;
//! }
//! ```
//! It does not cancel:
//! ```compile_fail,E0599
//! use payments::ledger::RecordedIntent;
//! async fn look(reader: &stripe::Reader, key: &stripe::ApiKey, intent: &RecordedIntent) {
//!     reader.cancel(key, intent).await;
//! }
//! ```
//! It does not confirm:
//! ```compile_fail,E0599
//! use payments::charge::Method;
//! use payments::{ledger::RecordedIntent, request::Request};
//! async fn probe(reader: &stripe::Reader, key: &stripe::ApiKey, intent: &RecordedIntent, request: &Request) {
//!     reader.confirm(key, intent, Method::OfTheIntent, request).await;
//! }
//! ```
//! As a charger would:
//! ```
//! use payments::charge::Method;
//! use payments::{ledger::RecordedIntent, request::Request};
//! async fn probe(reader: &stripe::Charger, key: &stripe::ApiKey, intent: &RecordedIntent, request: &Request) {
//!     reader.confirm(key, intent, Method::OfTheIntent, request).await;
//! }
//! ```
//! To make one takes the right to charge, which is a crate that this one does not depend on:
//! ```compile_fail,E0433
//! use stripe::{ApiBase, Charger, Mode, Transport};
//! fn take(transport: Transport, base: ApiBase) -> Charger {
//!     Charger::new(transport, base, Mode::Live, authority::ToCharge::assume())
//! }
//! ```
//! ```
//! use stripe::{ApiBase, Mode, Reader, Transport};
//! fn take(transport: Transport, base: ApiBase) -> Reader {
//!     Reader::new(transport, base, Mode::Live)
//! }
//! ```
//! Nor is there a default of it:
//! ```compile_fail,E0277
//! use stripe::{ApiBase, Charger, Mode, Transport};
//! fn take(transport: Transport, base: ApiBase) -> Charger {
//!     Charger::new(transport, base, Mode::Live, Default::default())
//! }
//! ```
//! And what looks at the ledger does not change it:
//! ```compile_fail,E0599
//! use payments::ledger::{Change, Row};
//! async fn settle(ledger: &ledger::Reader, row: &Row, change: &Change) {
//!     let _ = ledger.change(row, change, payments::UnixMs(0)).await;
//! }
//! ```
//! As what may act does:
//! ```
//! use payments::ledger::{Change, Row};
//! async fn settle(ledger: &ledger::Ledger, row: &Row, change: &Change) {
//!     let _ = ledger.change(row, change, payments::UnixMs(0)).await;
//! }
//! ```
