//! The embedded services over HTTP, as a stack that is up has them, without its functions.
//!
//! Invariant: nobody but whoever calls changes anything.

use super::logs::Logs;
use super::outside::Outside;
use super::{UpError, answers, outside};
use crate::cloud::Cloud;
use crate::serve::Stand;
use crate::serve::socket::accept;
use crate::world::Deployed;
use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::Arc;
use tokio::net::TcpListener;

/// Services that listen on loopback.
pub(crate) struct Alone {
    listener: TcpListener,
    outside: Arc<Outside>,
    /// Its tasks are what goes on in the services by itself.
    _cloud: Cloud,
}

impl Alone {
    /// Listens on any port that is free. `cloud` is one of `deployed`, and has no functions.
    ///
    /// # Errors
    /// When the system gives no port.
    pub(crate) async fn open(deployed: Deployed, cloud: Cloud, stripe: &Stand) -> Result<Self, UpError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(UpError::System)?;
        let port = listener.local_addr().map_err(UpError::System)?.port();
        let base = format!("http://127.0.0.1:{port}");
        let outside = Arc::new(outside(&cloud, deployed, stripe, Logs::new(std::iter::empty()), base));
        Ok(Self { listener, outside, _cloud: cloud })
    }

    /// Where they are: `http://127.0.0.1:PORT`.
    pub(crate) fn base(&self) -> &str {
        &self.outside.base
    }

    /// Answers whoever comes.
    pub(crate) async fn serve(&self) -> Infallible {
        accept(&self.listener, answers(&self.outside)).await
    }
}
