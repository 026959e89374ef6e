//! The port at which one container reaches Stripe, and which can be closed for a while.
//!
//! Invariant: a closed port is closed as on any machine: whoever is connected is cut off, whoever comes is refused.

use crate::serve::socket::{Reset, accept};
use axum::body::Body;
use http::{Request, Response};
use hyper::body::Incoming;
use std::convert::Infallible;
use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// How soon it is tried again to have the port back.
const AGAIN: Duration = Duration::from_millis(50);

/// Opens and closes it.
#[derive(Debug)]
pub(super) struct StripePort {
    port: u16,
    is_closed: watch::Sender<bool>,
}

/// Open again when this is dropped.
#[derive(Debug)]
pub(super) struct Closed<'a>(&'a StripePort);

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        self.0.is_closed.send_replace(false);
    }
}

impl StripePort {
    /// Any port that is free, and who serves it by `answer`.
    ///
    /// # Errors
    /// When there is none.
    pub(super) async fn open<A, F>(
        answer: A,
    ) -> io::Result<(Self, impl Future<Output = Infallible> + Send + 'static)>
    where
        A: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Result<Response<Body>, Reset>> + Send + 'static,
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let (is_closed, watched) = watch::channel(false);
        Ok((Self { port, is_closed }, serve(listener, port, watched, answer)))
    }

    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    /// Whether it is.
    #[cfg(test)]
    pub(super) fn is_closed(&self) -> bool {
        *self.is_closed.borrow()
    }

    /// Closes it.
    pub(super) fn closed(&self) -> Closed<'_> {
        self.is_closed.send_replace(true);
        Closed(self)
    }
}

async fn serve<A, F>(
    mut listener: TcpListener,
    port: u16,
    mut is_closed: watch::Receiver<bool>,
    answer: A,
) -> Infallible
where
    A: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Response<Body>, Reset>> + Send + 'static,
{
    loop {
        tokio::select! {
            biased;
            () = turned(&mut is_closed, true) => {}
            never = accept(&listener, answer.clone()) => match never {},
        }
        drop(listener);
        turned(&mut is_closed, false).await;
        listener = again(port).await;
    }
}

/// Returns when it is closed, or open; never once the container is gone, and its doors with it.
async fn turned(is_closed: &mut watch::Receiver<bool>, to: bool) {
    let gone = is_closed.wait_for(|closed| *closed == to).await.is_err();
    if gone {
        std::future::pending::<()>().await;
    }
}

async fn again(port: u16) -> TcpListener {
    loop {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            Ok(listener) => return listener,
            Err(_) => tokio::time::sleep(AGAIN).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::StatusCode;
    use std::io::ErrorKind;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::task::JoinSet;

    async fn asked(stream: &mut TcpStream) -> io::Result<usize> {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: stripe\r\n\r\n").await?;
        stream.read(&mut [0; 256]).await
    }

    #[tokio::test]
    async fn a_closed_port_cuts_off_who_is_there_and_refuses_who_comes_until_it_opens() {
        let answer = |_| async { Ok(crate::serve::said::said(StatusCode::OK, "text/plain", "".into())) };
        let (stripe, serving) = StripePort::open(answer).await.expect("a port");
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { match serving.await {} });
        let come = || TcpStream::connect((Ipv4Addr::LOCALHOST, stripe.port()));
        let mut there = come().await.expect("it listens");
        assert!(asked(&mut there).await.expect("it answers") > 0);
        let closed = stripe.closed();
        assert_eq!(there.read(&mut [0; 16]).await.unwrap_or(0), 0, "it is cut off");
        let refused = loop {
            match come().await {
                Err(error) => break error,
                Ok(_) => tokio::task::yield_now().await,
            }
        };
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        drop(closed);
        let mut again = loop {
            match come().await {
                Ok(stream) => break stream,
                Err(_) => tokio::time::sleep(AGAIN).await,
            }
        };
        assert!(asked(&mut again).await.expect("it answers again") > 0);
    }
}
