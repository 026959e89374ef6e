//! What stands in front of a stack: distributions, and all that they name.
//!
//! Invariant: what CloudFront, API Gateway or Lambda refuses at deployment is refused here, whether a linter finds it or
//! not; and what would be deployed but mean something that the world does not do is refused as well.

mod behavior;
mod distribution;
mod function;
mod gateway;
mod headers;
mod origin;
mod permission;
mod types;
mod watch;

pub(super) use types::{EDGE_TYPES, FUNCTION_URL, Part};

use super::document::Resource;
use super::error::{TemplateError, listed};
use super::resolve::Scope;
use super::types::{Role, with_role};
use super::value::Value;
use crate::cloud::cloudfront::config::{
    CachePolicyConfig, DistributionConfig, EdgeFunctionConfig, HeadersConfig, OriginKind,
};
use crate::cloud::iam::Policies;
use std::collections::BTreeMap;

/// What a template says of an edge, by logical id.
pub(super) struct Edge {
    pub(super) distributions: BTreeMap<String, DistributionConfig>,
    pub(super) stores: BTreeMap<String, String>,
    pub(super) buckets: BTreeMap<String, String>,
}

/// Everything that a distribution may name, by what it is named by.
struct Known {
    /// By host.
    origins: BTreeMap<String, OriginKind>,
    /// What access controls are for, by id.
    access: BTreeMap<String, String>,
    cache: BTreeMap<String, CachePolicyConfig>,
    headers: BTreeMap<String, HeadersConfig>,
    /// Name and code, by ARN.
    functions: BTreeMap<String, (String, EdgeFunctionConfig)>,
}

impl Scope<'_> {
    /// Builds every distribution among `resources`.
    pub(super) fn edge(
        &mut self,
        resources: &[(&Resource, Value)],
        policies: &Policies,
    ) -> Result<Edge, TemplateError> {
        let (stores, buckets) = (self.stores(resources)?, self.buckets(resources)?);
        let mut known = Known {
            origins: self.origins(resources, policies)?,
            access: BTreeMap::new(),
            cache: behavior::managed_policies(),
            headers: BTreeMap::new(),
            functions: self.edge_functions(resources)?,
        };
        for (resource, properties) in of_part(resources, Part::AccessControl) {
            known.access.insert(self.id(resource)?, origin::access_control(properties)?);
        }
        for (resource, properties) in of_part(resources, Part::CachePolicy) {
            known.cache.insert(self.id(resource)?, behavior::cache_policy(properties)?);
        }
        for (resource, properties) in of_part(resources, Part::HeadersPolicy) {
            known.headers.insert(self.id(resource)?, headers::headers(properties)?);
        }
        let mut distributions = BTreeMap::new();
        for (resource, properties) in of_part(resources, Part::Distribution) {
            let config = distribution::distribution(self.id(resource)?, properties, &known)?;
            distributions.insert(resource.logical_id.clone(), config);
        }
        Ok(Edge { distributions, stores, buckets })
    }

    /// What `Ref` gives.
    fn id(&mut self, resource: &Resource) -> Result<String, TemplateError> {
        let at = super::resolve::At { path: &resource.logical_id, place: &resource.properties.place };
        self.reference(&resource.logical_id, at)?.text()
    }

    /// What `GetAtt` gives.
    fn attribute_of(&mut self, resource: &Resource, attribute: &str) -> Result<String, TemplateError> {
        let at = super::resolve::At { path: &resource.logical_id, place: &resource.properties.place };
        self.attribute(&resource.logical_id, attribute, at)?.text()
    }
}

fn of_part<'r>(
    resources: &'r [(&Resource, Value)],
    part: Part,
) -> impl Iterator<Item = (&'r Resource, &'r Value)> {
    with_role(resources, Role::Edge(part))
}

/// What `value` names.
fn named<'k, T>(value: &Value, known: &'k BTreeMap<String, T>) -> Result<&'k T, TemplateError> {
    let name = value.text()?;
    known.get(&name).ok_or_else(|| value.is_not(&listed(known.keys().map(String::as_str))))
}

/// A name as CloudFront takes it: 1 to 64 letters, digits, `-` and `_`.
fn check_name(value: &Value, name: &str, most: usize) -> Result<(), TemplateError> {
    let is_word = |it: char| it.is_ascii_alphanumeric() || it == '-' || it == '_';
    let is_name = (1..=most).contains(&name.len()) && name.chars().all(is_word);
    let accepted = format!("at most {most} letters, digits, - and _");
    if is_name { Ok(()) } else { Err(value.is(format!("{name:?}"), &accepted)) }
}
