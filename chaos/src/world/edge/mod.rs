//! Who comes to the edge of a run: shops, their customers, strangers; and what each was told.
//!
//! Invariant: nobody here knows more than somebody outside would: an address, a link, a body. What they were told is kept
//! for the checks.

mod customers;
mod looks;
mod shop;
mod strangers;

pub use looks::{EdgeHistory, Link, Look, Receipt, Said};
pub(super) use shop::Shop;

use super::WorldError;
use super::deployed::{Deployed, Edge};
use crate::clock::Clock;
use crate::cloud::Cloud;
use crate::cloud::cloudfront::{CloudFront, EDGES, Request, Response};
use crate::cloud::container::BoxFuture;
use crate::cloud::crew::Crew;
use crate::experiment::Experiment;
use crate::random::Stream;
use crate::workload::Visits;
use customers::Customers;
use looks::Looks;
use payments::link::Key;
use payments::{PaymentId, UnixMs};
use std::convert::Infallible;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The page that the bucket holds, as it is put there.
const TROUBLE: &str = include_str!("../../../../edge/trouble.html");
/// What `edge/README.md` has it put there with.
const TROUBLE_CACHED: &str =
    "public, max-age=0, s-maxage=300, stale-while-revalidate=86400, stale-if-error=86400";
/// From a viewer to an edge and back, drawn evenly: ms. An assumption: an edge is near, a phone is slow.
const TO_EDGE_MS: (u64, u64) = (5, 60);

/// Opens the edge of a run, if there is one: with the shop that hands in there, and with those who come.
///
/// # Errors
/// Never, unless the world makes keys that are none.
pub(super) fn open(
    deployed: &Deployed,
    experiment: &Experiment,
    cloud: &Cloud,
    seed: u64,
) -> Result<Option<(Visitors, Shop, Coming)>, WorldError> {
    let parts = cloud.edge().zip(deployed.edge.as_ref()).zip(experiment.edge.clone());
    let Some(((cloudfront, edge), visits)) = parts else { return Ok(None) };
    let clock = *cloud.services().clock();
    let (visitors, coming) = Visitors::open(cloudfront.clone(), visits, clock, seed)?;
    let shop = visitors.shop(edge, seed);
    Ok(Some((visitors, shop, coming)))
}

/// Lets everybody come, if there is an edge. Never returns.
pub(super) async fn come(visitors: Option<(&Visitors, Coming)>) -> Infallible {
    match visitors {
        Some((visitors, coming)) => visitors.come(coming).await,
        None => std::future::pending().await,
    }
}

/// Everybody who comes. Cheap to clone.
#[derive(Clone)]
pub(super) struct Visitors(Arc<Inner>);

struct Inner {
    cloudfront: CloudFront,
    visits: Visits,
    clock: Clock,
    looks: Mutex<Looks>,
    keys: Mutex<Keys>,
    draws: Mutex<Stream>,
    /// Customers who had a link so far.
    customers: AtomicU32,
    crew: Crew,
}

/// Those who come, at what they do.
pub(super) type Coming = BoxFuture<'static, ()>;

/// The keys of the links: what the shop signs with.
struct Keys {
    current: Key,
    draws: Stream,
}

impl Visitors {
    /// Opens the edge: a key for the links, the page in its bucket. With those who come, to be seen through.
    ///
    /// # Errors
    /// Never, unless the world makes keys that are none.
    fn open(
        cloudfront: CloudFront,
        visits: Visits,
        clock: Clock,
        seed: u64,
    ) -> Result<(Self, Coming), WorldError> {
        let mut draws = Stream::new(seed, "keys of links");
        let current = furnish(&cloudfront, &mut draws)?;
        let (crew, coming) = Crew::new();
        let inner = Inner {
            cloudfront,
            visits,
            clock,
            looks: Mutex::default(),
            keys: Mutex::new(Keys { current, draws }),
            draws: Mutex::new(Stream::new(seed, "visitors")),
            customers: AtomicU32::new(0),
            crew,
        };
        Ok((Self(Arc::new(inner)), Box::pin(coming)))
    }

    /// Lets everybody come who comes by themselves. Never returns.
    async fn come(&self, coming: Coming) -> Infallible {
        self.0.strangers_come();
        if let Some(at_ms) = self.0.visits.keys_change_at_ms {
            let inner = Arc::clone(&self.0);
            self.0.crew.start(async move { inner.change_keys(at_ms).await });
        }
        coming.await;
        std::future::pending().await
    }

    /// A shop that hands in through the edge; what it was given a link for, its customer looks at.
    pub(super) fn shop(&self, edge: &Edge, seed: u64) -> Shop {
        Shop::new(Arc::clone(&self.0), edge.authorization(), seed)
    }

    /// What everybody was told.
    pub(super) fn history(&self) -> EdgeHistory {
        self.0.cloudfront.close_minute();
        self.0.looks().history()
    }
}

impl Inner {
    /// The customer of a payment has its link.
    fn customer_comes(self: &Arc<Self>, payment: &str, link: String) {
        let number = self.customers.fetch_add(1, Ordering::Relaxed);
        Customers::of(self, payment, link).come(number < self.visits.shared);
    }

    /// Looks once: asks the edge, and notes what it said.
    async fn look(&self, edge: usize, what: What) -> (u16, Arc<Said>) {
        let at = self.clock.now();
        let there_ms = self.draws().between(TO_EDGE_MS.0, TO_EDGE_MS.1);
        let accept = if what.is_page { "text/html,application/xhtml+xml" } else { "application/json" };
        let request =
            Request::new("GET", &what.path).with("accept", accept).with("host", "edge.cloudfront.net");
        let answer = self.cloudfront.answer(edge, request).await;
        let answered = self.clock.now().plus_ms(i64::try_from(there_ms).unwrap_or(0));
        self.looks().note((at, answered), edge, what, &answer)
    }

    /// The key changes as `edge/README.md` says: the old one goes on to be good.
    async fn change_keys(&self, at_ms: u64) {
        let at = self.clock.start().plus_ms(i64::try_from(at_ms).unwrap_or(i64::MAX));
        self.clock.sleep_until(at).await;
        let mut keys = self.keys();
        let Ok((text, key)) = new_key(&mut keys.draws) else { return };
        if let Some(old) = self.cloudfront.value("key_new") {
            self.cloudfront.put_value("key_old", &old);
        }
        self.cloudfront.put_value("key_new", &text);
        keys.current = key;
    }

    /// A link that the shop signs itself.
    fn signed(&self, payment: &PaymentId, now: UnixMs, life_s: i64) -> String {
        format!("/p/{}", payments::link::token(&self.keys().current, payment, now, life_s))
    }

    fn any_edge(&self) -> usize {
        usize::try_from(self.draws().below(EDGES as u64)).unwrap_or(0)
    }

    async fn sleep_ms(&self, ms: u64) {
        self.clock.sleep_until(self.clock.now().plus_ms(i64::try_from(ms).unwrap_or(i64::MAX))).await;
    }

    fn draws(&self) -> MutexGuard<'_, Stream> {
        self.draws.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn looks(&self) -> MutexGuard<'_, Looks> {
        self.looks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keys(&self) -> MutexGuard<'_, Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What somebody asks for.
#[derive(Clone, Debug)]
struct What {
    path: String,
    /// The payment that the link is for, or says that it is for.
    payment: Arc<str>,
    link: Link,
    is_page: bool,
}

/// Makes an edge ready, as `edge/README.md` says: a key for the links, and the page in its bucket.
///
/// # Errors
/// Never, unless what is drawn is no key.
pub(crate) fn furnish(cloudfront: &CloudFront, draws: &mut Stream) -> Result<Key, WorldError> {
    let (text, key) = new_key(draws)?;
    cloudfront.put_value("key_new", &text);
    let headers = [("content-type", "text/html; charset=utf-8"), ("cache-control", TROUBLE_CACHED)];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let page = Response { status: 200, headers, body: TROUBLE.to_owned() };
    cloudfront.objects().put("/trouble.html", page);
    Ok(key)
}

/// As `openssl rand -hex 32` makes them.
fn new_key(draws: &mut Stream) -> Result<(String, Key), WorldError> {
    let text: String = (0..4).map(|_| format!("{:016x}", draws.seed())).collect();
    let key =
        Key::new(&text).ok_or_else(|| WorldError::Harness("a key of links has not its form".to_owned()))?;
    Ok((text, key))
}
