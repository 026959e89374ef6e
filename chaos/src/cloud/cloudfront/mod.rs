//! CloudFront: edges, regional caches and an origin shield in virtual time, and functions as they are deployed.
//!
//! A request meets the behavior for its path, the function of that behavior, and then one cache after the other until one
//! has an answer. Invariant: what a behavior, a policy or a function does is read from the template; nothing here knows of
//! payments.

pub mod config;
mod copies;
pub mod function;
mod gateway;
mod layer;
mod message;
mod origin;
mod plan;
#[cfg(test)]
mod tests;
mod viewer;

pub use gateway::{HandedIn, token};
pub use message::{Headers, Request, Response};
pub use origin::Objects;
pub use plan::{EdgePlan, OriginFate};

use super::container::BoxFuture;
use super::crew::Crew;
use super::lambda::Pool;
use super::names;
use super::services::Services;
use crate::journal::{EdgeEvent, Journal, Served, Source};
use crate::random::Stream;
use config::{BehaviorConfig, DistributionConfig, HeadersConfig, OriginConfig, OriginKind};
use function::{EdgeFunction, FunctionError};
use gateway::HttpApi;
use layer::{Behind, Got, Layer, Way};
use origin::{Answers, Origin};
use payments::UnixMs;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Edges of a world. A viewer comes to one of them.
pub const EDGES: usize = 6;
/// Regional caches. Every edge is behind one of them.
const REGIONALS: usize = 2;

/// What a distribution is put into.
#[derive(Clone)]
pub struct Around {
    /// What its origins call.
    pub services: Services,
    /// What goes wrong.
    pub plan: Arc<dyn EdgePlan>,
    /// Who does what nobody waits for.
    pub(super) crew: Crew,
    /// Where it is written down.
    pub journal: Journal,
    /// The world's seed.
    pub seed: u64,
}

/// Why there is no distribution.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DistributionError {
    /// CloudFront takes a function for none.
    #[error("function {0}: {1}")]
    Function(String, FunctionError),
    /// There is no code for the function at an origin.
    #[error("origin {0}: there is no code for function {1}")]
    NoCode(String, String),
}

/// One distribution. Cheap to clone.
#[derive(Clone)]
pub struct CloudFront(Arc<Inner>);

struct Inner {
    behaviors: Vec<Behavior>,
    functions: BTreeMap<String, EdgeFunction>,
    distribution: String,
    values: Mutex<BTreeMap<String, String>>,
    objects: Objects,
    handed_in: HandedIn,
    minute: Mutex<Served>,
    around: Around,
}

struct Behavior {
    config: BehaviorConfig,
    headers: Arc<HeadersConfig>,
    way: Arc<Way>,
    edges: Vec<Arc<Layer>>,
    regionals: Vec<Arc<Layer>>,
    shield: Option<Arc<Layer>>,
    origin: Arc<Origin>,
}

/// What a viewer gets.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Without what the response headers policy adds and takes.
    response: Arc<Response>,
    status: u16,
    /// Who answered.
    pub from: Source,
    /// Whether it was given although it had to be asked for anew.
    pub is_stale: bool,
    /// When its origin gave it; none where no origin was asked.
    pub given_at: Option<UnixMs>,
    /// Whether the viewer waited for the origin, whatever came of it.
    awaited_origin: bool,
    headers: Option<Arc<HeadersConfig>>,
}

impl Answer {
    /// Status code.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// Body.
    #[must_use]
    pub fn body(&self) -> &str {
        &self.response.body
    }

    /// The response itself, the same for all who are given the same copy.
    #[must_use]
    pub fn shared(&self) -> &Arc<Response> {
        &self.response
    }

    /// A header as it arrives, by its name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let policy = self.headers.as_deref();
        let set = policy.and_then(|policy| policy.set.get(name));
        let is_taken = policy.is_some_and(|policy| policy.remove.contains(name));
        let own = self.response.headers.get(name).filter(|_| !is_taken);
        set.or(own).map(String::as_str)
    }

    /// As it arrives.
    #[must_use]
    pub fn delivered(&self) -> Response {
        let mut response = Response { status: self.status, ..self.response.as_ref().clone() };
        if let Some(policy) = &self.headers {
            response.headers.retain(|name, _| !policy.remove.contains(name));
            response.headers.extend(policy.set.clone());
        }
        response
    }
}

impl CloudFront {
    /// Puts a distribution before these functions, by logical id.
    ///
    /// # Errors
    /// When there is no code for a function that it names.
    pub fn new(
        config: DistributionConfig,
        pools: &BTreeMap<String, Arc<Pool>>,
        around: Around,
    ) -> Result<Self, DistributionError> {
        let functions = config.functions.iter().map(|(name, function)| {
            let made = EdgeFunction::new(&function.code);
            Ok((name.clone(), made.map_err(|error| DistributionError::Function(name.clone(), error))?))
        });
        let functions = functions.collect::<Result<_, _>>()?;
        let (objects, handed_in) = (Objects::default(), HandedIn::default());
        let mut behaviors = Vec::new();
        for behavior in &config.behaviors {
            let answers =
                |id: &str, origin: &OriginConfig| answers(id, origin, pools, (&objects, &handed_in), &around);
            behaviors.push(Behavior::new(&config, behavior.clone(), answers, &around)?);
        }
        let minute = Mutex::new(Served::default());
        let (values, distribution) = (Mutex::default(), config.id);
        Ok(Self(Arc::new(Inner {
            behaviors,
            functions,
            distribution,
            values,
            objects,
            handed_in,
            minute,
            around,
        })))
    }

    /// What its functions read in the KeyValueStore from now on.
    pub fn put_value(&self, name: &str, value: &str) {
        self.values().insert(name.to_owned(), value.to_owned());
    }

    /// What they read there.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<String> {
        self.values().get(name).cloned()
    }

    /// The bucket behind it.
    #[must_use]
    pub fn objects(&self) -> &Objects {
        &self.0.objects
    }

    /// What came in through its HTTP API.
    #[must_use]
    pub fn handed_in(&self) -> &HandedIn {
        &self.0.handed_in
    }

    /// Writes down what was served since the last full minute.
    pub fn close_minute(&self) {
        let served = std::mem::take(&mut *self.minute());
        self.write_down(served);
    }

    /// Answers a viewer of one edge, at this instant if nobody else has to be asked.
    pub async fn answer(&self, edge: usize, request: Request) -> Answer {
        let began = self.now();
        let answer = match self.at_the_edge(edge, request) {
            Step::Answered(answer) => answer,
            Step::Beyond(work) => work.await,
        };
        self.count(&answer, began);
        answer
    }

    /// As far as an edge comes without asking anybody.
    fn at_the_edge(&self, edge: usize, request: Request) -> Step {
        let behavior =
            self.0.behaviors.iter().position(|it| viewer::matches(&it.config.path_pattern, &request.path));
        let Some(index) = behavior else {
            return Step::Answered(by_function(
                Response::text(404, "There is no behavior for this path."),
                None,
            ));
        };
        let behavior = &self.0.behaviors[index];
        let headers = Some(&behavior.headers);
        if !behavior.config.methods.contains(&request.method) {
            return Step::Answered(by_function(Response::text(403, "This method is not allowed."), headers));
        }
        let Some(name) = &behavior.config.on_request else { return self.beyond(index, edge, request) };
        let event = viewer::request_event(&self.0.distribution, &request);
        match self.run(name, &event, &request.path) {
            Ok(said) if viewer::is_response(&said) => {
                Step::Answered(by_function(viewer::response(&said), headers))
            }
            Ok(said) => self.beyond(index, edge, viewer::passed_on(&said, request)),
            Err(error) => {
                Step::Answered(by_function(Response::text(error.status(), &error.to_string()), headers))
            }
        }
    }

    fn beyond(&self, index: usize, edge: usize, request: Request) -> Step {
        let behavior = &self.0.behaviors[index];
        let cache = &behavior.edges[edge % EDGES];
        if behavior.keeps(&request) {
            self.make_room(behavior, &request.path);
            if let Some(got) = cache.glance(&behavior.way, &request)
                && behavior.page_for(got.dated.response.status).is_none()
            {
                return Step::Answered(answer_of(got, behavior));
            }
        }
        let all = self.clone();
        Step::Beyond(Box::pin(async move { all.ask(index, edge, request).await }))
    }

    async fn ask(self, index: usize, edge: usize, request: Request) -> Answer {
        let behavior = &self.0.behaviors[index];
        let original = request.clone();
        let got = if behavior.keeps(&request) {
            let request = if behavior.config.forwards_headers { request } else { viewer::bare(request) };
            Arc::clone(&behavior.edges[edge % EDGES]).get(Arc::clone(&behavior.way), request).await
        } else {
            let response = Arc::new(behavior.origin.ask(request).await);
            let given_at = self.now();
            Got { dated: copies::Dated { response, given_at }, from: Source::Origin, is_stale: false }
        };
        let answer = self.with_page(behavior, edge, got).await;
        self.on_response(behavior, &original, answer)
    }

    /// Puts the page in the place of an error, where there is one for it and it can be had.
    async fn with_page(&self, behavior: &Behavior, edge: usize, got: Got) -> Answer {
        let page = behavior.page_for(got.dated.response.status);
        let Some((status, path)) = page else { return answer_of(got, behavior) };
        let page = self.0.behaviors.iter().find(|it| viewer::matches(&it.config.path_pattern, path));
        let Some(of_page) = page else { return answer_of(got, behavior) };
        let cache = Arc::clone(&of_page.edges[edge % EDGES]);
        let page = cache.get(Arc::clone(&of_page.way), Request::new("GET", path)).await;
        if page.dated.response.status != 200 {
            return answer_of(got, behavior);
        }
        let awaited_origin = got.from == Source::Origin;
        Answer { status: *status, from: Source::ErrorPage, awaited_origin, ..answer_of(page, behavior) }
    }

    /// No function sees the answer to what went wrong at an origin.
    /// <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-function-restrictions-all.html>
    fn on_response(&self, behavior: &Behavior, request: &Request, answer: Answer) -> Answer {
        let Some(name) = behavior.config.on_response.as_ref().filter(|_| answer.status < 400) else {
            return answer;
        };
        let event = viewer::response_event(&self.0.distribution, request, &answer.delivered());
        let response = match self.run(name, &event, &request.path) {
            Ok(said) => viewer::response(&said),
            Err(error) => Response::text(error.status(), &error.to_string()),
        };
        Answer { status: response.status, response: Arc::new(response), ..answer }
    }

    fn run(
        &self,
        name: &str,
        event: &serde_json::Value,
        path: &str,
    ) -> Result<serde_json::Value, FunctionError> {
        let now = self.now();
        let values = self.values();
        let readable = self.0.around.plan.reads_values(path, now).then_some(&*values);
        self.0.functions[name].run(event, readable, now)
    }

    /// Every cache on the way is asked whether it made room meanwhile.
    fn make_room(&self, behavior: &Behavior, path: &str) {
        if self.0.around.plan.evicts(path, self.now()) {
            behavior
                .edges
                .iter()
                .chain(&behavior.regionals)
                .chain(&behavior.shield)
                .for_each(|cache| cache.evict(path));
        }
    }

    /// CloudWatch is told of each request, and how long the origin took if this one waited for
    /// it: a page in the place of an error that was kept did not.
    fn count(&self, answer: &Answer, began: UnixMs) {
        let now = self.now();
        let waited_ms = u32::try_from(now.since_ms(began)).unwrap_or(u32::MAX);
        let origin_ms = answer.awaited_origin.then_some(waited_ms);
        let mut cloudwatch = self.0.around.services.cloudwatch();
        cloudwatch.edge_request(&self.0.distribution, now, answer.status, origin_ms);
        drop(cloudwatch);
        let mut minute = self.minute();
        let closed = minute.count(now, (answer.from, answer.is_stale, answer.status));
        drop(minute);
        if let Some(closed) = closed {
            self.write_down(closed);
        }
    }

    fn write_down(&self, served: Served) {
        if served.requests > 0 {
            self.0.around.journal.record(self.now(), EdgeEvent::Served(served));
        }
    }

    fn now(&self) -> UnixMs {
        self.0.around.services.clock().now()
    }

    fn values(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.0.values.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn minute(&self) -> MutexGuard<'_, Served> {
        self.0.minute.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How far a request came.
enum Step {
    Answered(Answer),
    Beyond(BoxFuture<'static, Answer>),
}

impl Behavior {
    fn new(
        distribution: &DistributionConfig,
        config: BehaviorConfig,
        answers: impl FnOnce(&str, &OriginConfig) -> Result<Answers, DistributionError>,
        around: &Around,
    ) -> Result<Self, DistributionError> {
        let (id, of) = (config.origin.clone(), &distribution.origins[&config.origin]);
        let origin = Arc::new(Origin {
            answers: answers(&id, of)?,
            id,
            config: of.clone(),
            distribution: names::distribution_arn(&distribution.id),
            services: around.services.clone(),
            plan: Arc::clone(&around.plan),
            crew: around.crew.clone(),
            journal: around.journal.clone(),
        });
        let pattern = &config.path_pattern;
        let cache = |source: Source, number: usize, behind: Behind| {
            let hops = Stream::new(around.seed, &format!("hops {pattern} {} {number}", source.name()));
            Layer::new(source, behind, *around.services.clock(), around.crew.clone(), hops)
        };
        let last = Behind::Origin(Arc::clone(&origin));
        let shield = of.shield.is_some().then(|| cache(Source::Shield, 0, last.clone()));
        let behind = shield.clone().map_or(last, Behind::Layer);
        let regionals: Vec<_> =
            (0..REGIONALS).map(|number| cache(Source::Regional, number, behind.clone())).collect();
        let edges = (0..EDGES).map(|number| {
            cache(Source::Edge, number, Behind::Layer(Arc::clone(&regionals[number % REGIONALS])))
        });
        let edges = edges.collect();
        let way = Arc::new(Way { policy: config.cache, errors: distribution.errors.clone() });
        Ok(Self { headers: Arc::new(config.headers.clone()), config, way, edges, regionals, shield, origin })
    }

    /// Whether answers to such a request are kept.
    fn keeps(&self, request: &Request) -> bool {
        request.is_cacheable() && self.config.cache.ttl_s_max > 0
    }

    /// The status and the path of the page that stands in the place of an error.
    fn page_for(&self, status: u16) -> Option<&(u16, String)> {
        self.way.errors.get(&status)?.page.as_ref()
    }
}

fn answers(
    id: &str,
    origin: &OriginConfig,
    pools: &BTreeMap<String, Arc<Pool>>,
    (objects, handed_in): (&Objects, &HandedIn),
    around: &Around,
) -> Result<Answers, DistributionError> {
    Ok(match &origin.kind {
        OriginKind::FunctionUrl(function) => {
            let no_code = || DistributionError::NoCode(id.to_owned(), function.clone());
            Answers::Function(Arc::clone(pools.get(function).ok_or_else(no_code)?))
        }
        OriginKind::HttpApi(config) => {
            let (config, services) = (config.clone(), around.services.clone());
            Answers::Api(Arc::new(HttpApi::new(config, services, handed_in.clone(), around.seed)))
        }
        OriginKind::Bucket(name) => Answers::Bucket { name: name.clone(), objects: objects.clone() },
    })
}

fn answer_of(got: Got, behavior: &Behavior) -> Answer {
    let Got { dated, from, is_stale } = got;
    let (status, given_at) = (dated.response.status, Some(dated.given_at));
    let headers = Some(Arc::clone(&behavior.headers));
    let awaited_origin = from == Source::Origin;
    Answer { response: dated.response, status, from, is_stale, given_at, awaited_origin, headers }
}

fn by_function(response: Response, headers: Option<&Arc<HeadersConfig>>) -> Answer {
    let status = response.status;
    let headers = headers.cloned();
    let (response, from, given_at) = (Arc::new(response), Source::Function, None);
    Answer { response, status, from, is_stale: false, given_at, awaited_origin: false, headers }
}
