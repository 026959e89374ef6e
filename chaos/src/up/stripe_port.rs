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
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;

/// How soon it is tried again to have the port back.
const AGAIN: Duration = Duration::from_millis(50);

/// Connections that may wait to be taken.
const BACKLOG: u32 = 128;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Door {
    Open,
    Closed,
}

/// Opens and closes it.
#[derive(Debug)]
pub(super) struct StripePort {
    port: u16,
    door: watch::Sender<Door>,
}

/// Open again when this is dropped.
#[derive(Debug)]
pub(super) struct Closed<'a>(&'a StripePort);

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        self.0.door.send_replace(Door::Open);
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
        let (door, watched) = watch::channel(Door::Open);
        Ok((Self { port, door }, serve(listener, port, watched, answer)))
    }

    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    /// Whether it is.
    #[cfg(test)]
    pub(super) fn is_closed(&self) -> bool {
        *self.door.borrow() == Door::Closed
    }

    /// Closes it.
    pub(super) fn closed(&self) -> Closed<'_> {
        self.door.send_replace(Door::Closed);
        Closed(self)
    }
}

async fn serve<A, F>(
    mut listener: TcpListener,
    port: u16,
    mut door: watch::Receiver<Door>,
    answer: A,
) -> Infallible
where
    A: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Response<Body>, Reset>> + Send + 'static,
{
    loop {
        tokio::select! {
            biased;
            () = turned(&mut door, Door::Closed) => {}
            never = accept(&listener, answer.clone()) => match never {},
        }
        drop(listener);
        // Nobody else may have the port meanwhile; who is not listened for is refused.
        let held = held(port).await;
        turned(&mut door, Door::Open).await;
        listener = match held.listen(BACKLOG) {
            Ok(listener) => listener,
            Err(_) => again(port).await,
        };
    }
}

/// Returns when it is so; never once the container is gone, and its doors with it.
async fn turned(door: &mut watch::Receiver<Door>, to: Door) {
    let gone = door.wait_for(|door| *door == to).await.is_err();
    if gone {
        std::future::pending::<()>().await;
    }
}

async fn held(port: u16) -> TcpSocket {
    loop {
        match bound(port) {
            Ok(socket) => return socket,
            Err(_) => tokio::time::sleep(AGAIN).await,
        }
    }
}

async fn again(port: u16) -> TcpListener {
    loop {
        match bound(port).and_then(|socket| socket.listen(BACKLOG)) {
            Ok(listener) => return listener,
            Err(_) => tokio::time::sleep(AGAIN).await,
        }
    }
}

fn bound(port: u16) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind((Ipv4Addr::LOCALHOST, port).into())?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::StatusCode;
    use std::io::ErrorKind;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::task::JoinSet;

    async fn soon<T>(what: impl Future<Output = T>) -> T {
        tokio::time::timeout(Duration::from_secs(10), what).await.expect("it is soon so")
    }

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
        let refused = soon(async {
            loop {
                match come().await {
                    Err(error) => break error,
                    Ok(_) => tokio::task::yield_now().await,
                }
            }
        });
        assert_eq!(refused.await.kind(), ErrorKind::ConnectionRefused);
        drop(closed);
        let again = soon(async {
            loop {
                match come().await {
                    Ok(stream) => break stream,
                    Err(_) => tokio::time::sleep(AGAIN).await,
                }
            }
        });
        let mut again = again.await;
        assert!(asked(&mut again).await.expect("it answers again") > 0);
    }
}
