//! The error a connection gives instead of an answer: the one type the fake and the client's transport agree on.
//!
//! Invariant: `Connect` means that nothing was sent; with `Broken` the effect is unknown.

/// Why no answer came.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// No connection: nothing was sent.
    #[error("could not connect")]
    Connect(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The connection broke after the request was sent: its effect is unknown.
    #[error("the connection broke")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
}
