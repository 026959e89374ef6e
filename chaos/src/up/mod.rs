//! The stack on this machine: the embedded services over HTTP and in real time, both functions as processes, and the fake
//! Stripe.
//!
//! The services, their alarms and their pace are the simulation's; nothing is hurried, so an alarm takes its minutes here as
//! on AWS.
//! Invariant: everything that is started is owned by one call, and is gone when it returns.

mod alone;
mod binaries;
pub(crate) mod door;
mod edge;
mod function;
mod logs;
mod mischief;
mod outside;
mod page;
mod platform;
pub(crate) mod process;
mod processes;
pub(crate) mod runtime;
mod stripe_port;
#[cfg(test)]
mod tests;

pub(crate) use alone::Alone;
pub use binaries::{Binaries, Build, BuildError};
pub(crate) use binaries::{cargo, target};
pub use edge::EdgeStanding;
pub use processes::Processes;

use crate::clock::Clock;
use crate::cloud::Cloud;
use crate::cloud::cloudfront::CloudFront;
use crate::cloud::cloudwatch::Past;
use crate::cloud::container::Function;
use crate::cloud::crew::Crew;
use crate::cloud::plans::Plans;
use crate::journal::Journal;
use crate::random::Stream;
use crate::serve::socket::accept;
use crate::serve::{self, ServeError, Served, Stand};
use crate::world::{Deployed, WorldError, furnish};
use function::ProcessFunction;
use logs::Logs;
use outside::{Callable, Outside};
use payments::UnixMs;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// Port that is used when nobody names one: beside that of the fake Stripe.
pub const PORT: u16 = 12_110;

/// The parameter of the template that says where Stripe is.
const STRIPE_API_BASE: &str = "StripeApiBase";

/// The key in the functions' secret.
pub(crate) const SECRET_KEY: &str = "sk_test_up";

/// How long metrics are kept for those who ask: what the runbooks look back to, and as long again.
const METRICS_MS: i64 = 2 * 3_600_000;

/// How often it is looked whether a mail has arrived.
const LOOK: Duration = Duration::from_millis(200);

/// A stack to be started.
#[derive(Clone, Debug)]
pub struct Offer {
    /// Its template, deployed without a word about Stripe.
    pub deployed: Deployed,
    /// The functions' binaries.
    pub binaries: Binaries,
    /// Address that AWS is served on.
    pub listen: IpAddr,
    /// Port that AWS is served on; 0 takes any that is free.
    pub port: u16,
    /// Port that the edge is served on, if it is; 0 takes any that is free.
    pub edge_port: Option<u16>,
    /// The fake Stripe.
    pub stripe: serve::Offer,
    /// Seed of ids and draws.
    pub seed: u64,
    /// What time it is.
    pub now: UnixMs,
}

/// A stack that is up.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Where AWS is: `http://127.0.0.1:PORT`.
    pub aws: String,
    /// Port of the fake Stripe.
    pub stripe_port: u16,
    /// The edge, if it is served.
    pub edge: Option<EdgeStanding>,
    /// What was deployed.
    pub deployed: Deployed,
}

/// Why it did not come up, or went down.
#[derive(Debug, thiserror::Error)]
pub enum UpError {
    /// The template cannot be honoured.
    #[error(transparent)]
    World(#[from] WorldError),
    /// A port cannot be had.
    #[error("cannot listen on {listen}:{port}: {why}; accepted: a free port, or 0 for any that is free")]
    Port {
        /// On which address.
        listen: IpAddr,
        /// Which one.
        port: u16,
        /// What the system says.
        why: io::Error,
    },
    /// The fake Stripe cannot be served.
    #[error("the fake Stripe: {0}")]
    Stripe(#[from] ServeError),
    /// The machine does not let a program listen or wait.
    #[error("cannot be served: {0}")]
    System(io::Error),
    /// The harness itself failed.
    #[error("the harness failed: {0}")]
    Harness(String),
}

/// Starts everything and keeps it up until `stop` is rung. `told` hears of the stack once it stands, and then of whatever
/// somebody in front of a terminal should see, a line each.
///
/// # Errors
/// When a port cannot be had, the template cannot be honoured, or the harness broke.
pub fn up(offer: &Offer, stop: &Notify, told: &mut dyn FnMut(Told<'_>)) -> Result<Served, UpError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(UpError::System)?.block_on(offer.until(stop, told))
}

/// What is told of a stack.
#[derive(Clone, Copy, Debug)]
pub enum Told<'a> {
    /// It is up.
    Standing(&'a Standing),
    /// A mail arrived; its subject, and where it can be read.
    Mail(&'a str, &'a str),
    /// Something happened to a function.
    Notice(&'a str),
}

impl Offer {
    async fn until(&self, stop: &Notify, told: &mut dyn FnMut(Told<'_>)) -> Result<Served, UpError> {
        let listener = self.bind(self.port).await?;
        let at_the_edge = match self.edge_port {
            Some(port) => Some(self.bind(port).await?),
            None => None,
        };
        let port = listener.local_addr().map_err(UpError::System)?.port();
        let (clock, journal) = (Clock::starting_at(self.now), Journal::default());
        let stripe = self.stripe.open(clock, journal.clone()).await?;
        let stripe_base = format!("http://127.0.0.1:{}", stripe.port());
        let parameters = BTreeMap::from([(STRIPE_API_BASE.to_owned(), stripe_base.clone())]);
        let deployed = self.deployed.under(&parameters)?;
        let (crew, at_work) = Crew::new();
        let (notices, mut noticed) = unbounded_channel();
        let groups = deployed.stack.functions.values().map(|function| function.log_group.clone());
        let logs = Logs::new(groups);
        let function = |role, program: &PathBuf| ProcessFunction {
            role,
            program: program.clone(),
            logs: logs.clone(),
            stripe: stripe.provider().clone(),
            stripe_base: stripe_base.clone(),
            crew: crew.clone(),
            notices: notices.clone(),
        };
        let mut cloud = self.cloud(&deployed, clock, &journal, function)?;
        let address =
            if self.listen.is_unspecified() { "127.0.0.1".to_owned() } else { self.listen.to_string() };
        let base = format!("http://{address}:{port}");
        let edge = match at_the_edge.as_ref().zip(cloud.edge().cloned()).zip(deployed.edge.as_ref()) {
            Some(((listener, cloudfront), edge)) => {
                furnish(&cloudfront, &mut Stream::new(self.seed, "keys of links"))?;
                let port = listener.local_addr().map_err(UpError::System)?.port();
                let base = format!("http://{address}:{port}");
                Some((listener, cloudfront, EdgeStanding { base, authorization: edge.authorization() }))
            }
            None => None,
        };
        let standing = Standing {
            aws: base.clone(),
            stripe_port: stripe.port(),
            edge: edge.as_ref().map(|(_, _, standing)| standing.clone()),
            deployed: deployed.clone(),
        };
        let outside = Arc::new(outside(&cloud, deployed, &stripe, logs, base));
        told(Told::Standing(&standing));
        tokio::select! {
            biased;
            () = stop.notified() => {}
            said = cloud.broken() => return Err(UpError::Harness(said)),
            () = at_work => return Err(UpError::Harness("nobody writes down what functions say".to_owned())),
            never = stripe.serve() => match never {},
            never = accept(&listener, answers(&outside)) => match never {},
            never = view(edge.as_ref().map(|(listener, cloudfront, _)| (*listener, cloudfront))) => match never {},
            never = tell(&outside, &mut noticed, told) => match never {},
        }
        cloud.stop().await;
        Ok(stripe.close())
    }

    async fn bind(&self, port: u16) -> Result<TcpListener, UpError> {
        let taken = |why| UpError::Port { listen: self.listen, port, why };
        TcpListener::bind((self.listen, port)).await.map_err(taken)
    }

    fn cloud(
        &self,
        deployed: &Deployed,
        clock: Clock,
        journal: &Journal,
        function: impl Fn(&'static str, &PathBuf) -> ProcessFunction + Sync,
    ) -> Result<Cloud, UpError> {
        let programs = [("consumer", &self.binaries.consumer), ("responder", &self.binaries.responder)];
        let functions =
            programs.map(|(role, program)| Arc::new(function(role, program)) as Arc<dyn Function>);
        let blueprint = deployed.blueprint(functions, Plans::default(), Past::Idle, self.seed);
        let status = || Arc::new(function("status", &self.binaries.status)) as Arc<dyn Function>;
        let blueprint = deployed.behind_its_edge(blueprint, &status);
        let cloud = deployed.start(blueprint, SECRET_KEY, clock, journal)?;
        cloud.services().cloudwatch().keep_everything(METRICS_MS);
        Ok(cloud)
    }
}

fn outside(cloud: &Cloud, deployed: Deployed, stand: &Stand, logs: Logs, base: String) -> Outside {
    let configs = deployed.stack.functions.values();
    let functions = configs.filter_map(|config| {
        let pool = Arc::clone(cloud.function(&config.logical_id)?);
        let sources = cloud.event_sources(&config.logical_id).to_vec();
        Some((config.name.clone(), Callable { pool, sources }))
    });
    let functions = functions.collect();
    let services = cloud.services().clone();
    Outside {
        services,
        stripe: stand.provider().clone(),
        control: stand.control().clone(),
        logs,
        breakers: Mutex::default(),
        deployed,
        functions,
        accept: Arc::new(cloud.acceptor()),
        base,
        sent: AtomicU32::new(0),
    }
}

/// Serves the edge, if there is one. Never returns.
async fn view(edge: Option<(&TcpListener, &CloudFront)>) -> Infallible {
    match edge {
        Some((listener, cloudfront)) => accept(listener, edge::answers(cloudfront)).await,
        None => std::future::pending().await,
    }
}

/// Answers whoever comes from outside.
fn answers(
    outside: &Arc<Outside>,
) -> impl Fn(http::Request<hyper::body::Incoming>) -> Answer + Clone + Send + 'static {
    let outside = Arc::clone(outside);
    move |request| Box::pin(Arc::clone(&outside).answer(request))
}

type Answer = crate::cloud::container::BoxFuture<
    'static,
    Result<http::Response<axum::body::Body>, crate::serve::socket::Reset>,
>;

/// Tells of every mail and every notice as it comes.
async fn tell(
    outside: &Outside,
    noticed: &mut UnboundedReceiver<String>,
    told: &mut dyn FnMut(Told<'_>),
) -> Infallible {
    let mut seen = 0;
    loop {
        tokio::select! {
            Some(notice) = noticed.recv() => told(Told::Notice(&notice)),
            () = tokio::time::sleep(LOOK) => {
                let arrived: Vec<String> =
                    outside.services.sns().mailbox()[seen..].iter().map(|mail| mail.subject.clone()).collect();
                for subject in arrived {
                    seen += 1;
                    told(Told::Mail(&subject, &outside.mail_url(seen)));
                }
            }
        }
    }
}
