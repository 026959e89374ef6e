//! Sockets on loopback: whoever comes is taken, and answered as long as the connection lasts.
//!
//! Invariant: what was accepted is owned by whoever accepts; when that is dropped, no connection is left.

use axum::body::Body;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use socket2::SockRef;
use std::convert::Infallible;
use std::error::Error;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// The connection is to be reset.
#[derive(Debug, thiserror::Error)]
#[error("the connection is reset")]
pub(crate) struct Reset;

/// Takes whoever comes, and answers each request by `answer`. Connections that are open when this is dropped end with it.
pub(crate) async fn accept<A, F>(listener: &TcpListener, answer: A) -> Infallible
where
    A: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Response<Body>, Reset>> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // A client that is gone before it was taken is no trouble of the server's.
                if let Ok((stream, _)) = accepted {
                    connections.spawn(connection(stream, answer.clone()));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Serves one connection until either side ends it.
async fn connection<A, F>(stream: TcpStream, answer: A)
where
    A: Fn(Request<Incoming>) -> F,
    F: Future<Output = Result<Response<Body>, Reset>>,
{
    let Ok((stream, twin)) = doubled(stream) else { return };
    let ended = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer)).await;
    let is_reset = ended.is_err_and(|error| error.source().is_some_and(|source| source.is::<Reset>()));
    if is_reset {
        // With nothing to linger for, closing the last handle resets the connection instead of ending it politely.
        let _ = SockRef::from(&twin).set_linger(Some(Duration::ZERO));
    }
}

/// The stream, and a second handle on its socket.
fn doubled(stream: TcpStream) -> std::io::Result<(TcpStream, std::net::TcpStream)> {
    stream.set_nodelay(true)?;
    let stream = stream.into_std()?;
    let twin = stream.try_clone()?;
    Ok((TcpStream::from_std(stream)?, twin))
}
