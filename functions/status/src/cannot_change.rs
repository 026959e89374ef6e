//! What the status function cannot do, by types. Beside the program that must not compile stands the same one without the
//! forbidden step, which must, so that it does not fail for another reason.
//!
//! It looks at a payment:
//! ```
//! async fn look(ledger: &ledger::Reader, payment: &payments::PaymentId) {
//!     let _ = ledger.status(payment).await;
//! }
//! ```
//! It does not change one:
//! ```compile_fail,E0599
//! async fn blame(ledger: &ledger::Reader, payment: &payments::PaymentId) {
//!     let _ = ledger.blame(payment).await;
//! }
//! ```
//! As what may act does:
//! ```
//! async fn blame(ledger: &ledger::Ledger, payment: &payments::PaymentId) {
//!     let _ = ledger.blame(payment).await;
//! }
//! ```
//! Nor does it know a way to Stripe, whose crate it does not depend on:
//! ```compile_fail,E0433
//! fn key(text: &str) -> bool {
//!     stripe::ApiBase::parse(text).is_ok()
//! }
//! ```
//! ```
//! fn key(text: &str) -> bool {
//!     payments::PaymentId::new(text).is_some()
//! }
//! ```
