//! The edge as it is deployed beside a stack: what of it a run speaks of by name.
//!
//! Invariant: it looks payments up in the ledger of its stack, and hands them in to that stack's queue.

use super::{ALERT_EMAIL, Deployed, WorldError};
use crate::cloud::Blueprint;
use crate::cloud::cloudfront::config::{DistributionConfig, OriginKind};
use crate::cloud::cloudfront::token;
use crate::cloud::config::FunctionConfig;
use crate::cloud::container::Function;
use crate::cloud::names::{self, Region};
use crate::template::{Deployment, Stack};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Issuer of the tokens that a simulated shop hands payments in with.
pub const TOKEN_ISSUER: &str = "https://issuer.example";
/// Whom they are for.
pub const TOKEN_AUDIENCE: &str = "payments";

const OUTPUTS: &str =
    "outputs DistributionId, StatusFunction, ValuesArn and TroubleBucket of resources of the template";
const BESIDE_AN_EDGE: &str = "a stack with an edge";
const OF_THE_STACK: &str = "SystemName of the stack that it stands in front of";

/// The stack of `edge/template.yaml`, deployed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// What the template describes.
    pub stack: Stack,
    /// Its one distribution.
    pub distribution: DistributionConfig,
    /// The function that tells how a payment stands.
    pub status: FunctionConfig,
    /// Name of the KeyValueStore with the keys of links.
    pub store: String,
    /// Name of the bucket that holds the page for when nobody can look.
    pub trouble: String,
    /// The stack of `edge/watch.yaml`, in us-east-1, if there is one.
    pub watch: Option<Stack>,
}

/// What watches over the repository's own edge.
#[must_use]
pub fn own_watch() -> PathBuf {
    own_edge().with_file_name("watch.yaml")
}

/// The repository's own edge.
#[must_use]
pub fn own_edge() -> PathBuf {
    super::own_template().with_file_name("edge").join("template.yaml")
}

impl Edge {
    /// `Authorization` of a shop that may hand in.
    #[must_use]
    pub fn authorization(&self) -> String {
        let apis = self.distribution.origins.values().filter_map(|origin| match &origin.kind {
            OriginKind::HttpApi(api) => api.routes.values().next(),
            OriginKind::FunctionUrl(_) | OriginKind::Bucket(_) => None,
        });
        apis.map(|route| token(&route.authorization)).next().unwrap_or_default()
    }
}

impl Deployed {
    /// The same stack with the edge of the template at `path` in front of it, deployed with these parameters beside those
    /// the world gives.
    ///
    /// # Errors
    /// When the template cannot be honoured, lacks what a run needs, or stands in front of another stack.
    pub fn with_edge(&self, path: &Path, parameters: &BTreeMap<String, String>) -> Result<Self, WorldError> {
        let system = Deployment::default().stack_name;
        let given = [
            ("SystemName", system.as_str()),
            ("HandInAuthorization", "JWT"),
            ("JwtIssuer", TOKEN_ISSUER),
            ("JwtAudience", TOKEN_AUDIENCE),
        ];
        let given = given.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let deployment = Deployment {
            stack_name: format!("{system}-edge"),
            parameters: given.into_iter().chain(parameters.clone()).collect(),
            ..Deployment::default()
        };
        let edge = self.edge(path.display().to_string(), Stack::load(path, &deployment)?)?;
        Ok(Self { edge: Some(edge), ..self.clone() })
    }

    /// The same blueprint with the edge in front of it, and this code for the function behind that; as it is, where there
    /// is no edge.
    pub(crate) fn behind_its_edge(
        &self,
        mut blueprint: Blueprint,
        status: &(dyn Fn() -> Arc<dyn Function> + Sync),
    ) -> Blueprint {
        if let Some(edge) = &self.edge {
            blueprint.functions.push((edge.status.clone(), status()));
            blueprint.edge = Some(edge.distribution.clone());
        }
        blueprint
    }

    fn edge(&self, template: String, stack: Stack) -> Result<Edge, WorldError> {
        let lacks = |what: String, accepted| WorldError::Lacks { template: template.clone(), what, accepted };
        let output = |name: &str| stack.outputs.get(name).cloned().unwrap_or_default();
        let named = |name: &str| lacks(format!("what output {name} names"), OUTPUTS);
        let (id, status) = (output("DistributionId"), output("StatusFunction"));
        let distribution = stack.distributions.values().find(|it| it.id == id);
        let distribution = distribution.ok_or_else(|| named("DistributionId"))?.clone();
        let status = stack.functions.values().find(|it| it.name == status);
        let status = status.ok_or_else(|| named("StatusFunction"))?.clone();
        let store = stack.stores.values().find(|name| names::store_arn(name) == output("ValuesArn"));
        let store = store.ok_or_else(|| named("ValuesArn"))?.clone();
        let trouble = stack.buckets.values().find(|name| **name == output("TroubleBucket"));
        let trouble = trouble.ok_or_else(|| named("TroubleBucket"))?.clone();
        if status.environment.get("LEDGER_TABLE") != Some(&self.names.ledger) {
            return Err(lacks(format!("the ledger {}", self.names.ledger), OF_THE_STACK));
        }
        let foreign = |kind: &OriginKind| match kind {
            OriginKind::HttpApi(api) => api.routes.values().any(|route| route.queue != self.names.source),
            OriginKind::FunctionUrl(_) | OriginKind::Bucket(_) => false,
        };
        if distribution.origins.values().any(|origin| foreign(&origin.kind)) {
            return Err(lacks(format!("the queue {}", self.names.source), OF_THE_STACK));
        }
        Ok(Edge { distribution, status, store, trouble, stack, watch: None })
    }

    /// The same, with the template at `path` watching over the edge: alarms that mail to whom the stack's own do.
    ///
    /// # Errors
    /// When there is no edge, or the template cannot be honoured.
    pub fn with_watch(&self, path: &Path, parameters: &BTreeMap<String, String>) -> Result<Self, WorldError> {
        let template = path.display().to_string();
        let lacks = || WorldError::Lacks { template, what: "the edge".to_owned(), accepted: BESIDE_AN_EDGE };
        let edge = self.edge.clone().ok_or_else(lacks)?;
        let given = [("DistributionId", edge.distribution.id.as_str()), ("AlertEmail", ALERT_EMAIL)];
        let given = given.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let deployment = Deployment {
            stack_name: format!("{}-edge-watch", Deployment::default().stack_name),
            region: Region::UsEast1.code().to_owned(),
            parameters: given.into_iter().chain(parameters.clone()).collect(),
            ..Deployment::default()
        };
        let watch = Some(Stack::load(path, &deployment)?);
        Ok(Self { edge: Some(Edge { watch, ..edge }), ..self.clone() })
    }
}
