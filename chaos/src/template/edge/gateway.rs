//! `AWS::ApiGatewayV2::Api` and its parts: an HTTP API that puts what it is given into queues.
//!
//! Invariant: a route names an integration and, for tokens, an authorizer of its own API, and no route lets everybody in.

use super::super::document::Resource;
use super::super::error::{TemplateError, listed};
use super::super::permissions::role_at;
use super::super::resolve::Scope;
use super::super::value::{Fields, Value};
use super::types::{API_IMMATERIAL, SETTINGS_IMMATERIAL};
use super::{Part, of_part};
use crate::cloud::cloudfront::config::{Authorization, HttpApiConfig, RouteConfig};
use crate::cloud::iam::Policies;
use crate::cloud::names;
use std::collections::BTreeMap;

const INTEGRATION_HONOURED: &[&str] = &[
    "ApiId",
    "IntegrationType",
    "IntegrationSubtype",
    "PayloadFormatVersion",
    "CredentialsArn",
    "RequestParameters",
];
const ROUTE_HONOURED: &[&str] = &["ApiId", "RouteKey", "Target", "AuthorizationType", "AuthorizerId"];
const AUTHORIZER_HONOURED: &[&str] =
    &["ApiId", "Name", "AuthorizerType", "IdentitySource", "JwtConfiguration"];
const METHODS: &[&str] = &["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];
const ROUTE_KEY: &str = "a method and a path without variables, for example POST /payments";
/// What an account has, requests a second and at once, where a stage says nothing.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html>
const RATE_PER_S: u32 = 10_000;
const BURST: u32 = 5_000;

/// Where a route leads to, and the API that it is of.
struct Integration {
    api: String,
    queue: String,
    role: String,
}

/// Whose tokens are taken, and the API that takes them.
struct Authorizer {
    api: String,
    authorization: Authorization,
}

impl Scope<'_> {
    /// Every HTTP API.
    pub(super) fn apis<'r>(
        &mut self,
        resources: &'r [(&Resource, Value)],
        policies: &Policies,
    ) -> Result<Vec<(&'r Resource, HttpApiConfig)>, TemplateError> {
        let (mut integrations, mut authorizers) = (BTreeMap::new(), BTreeMap::new());
        for (resource, properties) in of_part(resources, Part::Integration) {
            integrations.insert(self.id(resource)?, self.integration(properties, policies)?);
        }
        for (resource, properties) in of_part(resources, Part::Authorizer) {
            authorizers.insert(self.id(resource)?, authorizer(properties)?);
        }
        let mut apis = Vec::new();
        for (resource, properties) in of_part(resources, Part::Api) {
            let fields = properties.fields(&["ProtocolType"], API_IMMATERIAL)?;
            fields.require("ProtocolType", "HTTP")?.one_of(&["HTTP"])?;
            let id = self.id(resource)?;
            let (rate_per_s, burst) = stage(properties, &id, resources)?;
            apis.push((resource, HttpApiConfig { id, routes: BTreeMap::new(), rate_per_s, burst }));
        }
        for (_, properties) in of_part(resources, Part::Route) {
            let fields = properties.fields(ROUTE_HONOURED, &[])?;
            let of = api_id(&fields)?;
            let text = of.text()?;
            let Some((_, api)) = apis.iter_mut().find(|(_, api)| api.id == text) else {
                return Err(of.is_not(&listed(apis.iter().map(|(_, api)| api.id.as_str()))));
            };
            let (key, route) = route(&fields, &integrations, &authorizers)?;
            if api.routes.insert(key.clone(), route).is_some() {
                return Err(properties.is(format!("a second route {key}"), "one route for each key"));
            }
        }
        Ok(apis)
    }

    fn integration(&self, properties: &Value, policies: &Policies) -> Result<Integration, TemplateError> {
        let fields = properties.fields(INTEGRATION_HONOURED, &[])?;
        fields.require("IntegrationType", "AWS_PROXY")?.one_of(&["AWS_PROXY"])?;
        fields.require("IntegrationSubtype", "SQS-SendMessage")?.one_of(&["SQS-SendMessage"])?;
        // API Gateway takes no other for its integrations with services.
        fields.require("PayloadFormatVersion", "1.0")?.one_of(&["1.0"])?;
        let parameters = fields.require("RequestParameters", "QueueUrl and MessageBody")?;
        let parameters = parameters.fields(&["QueueUrl", "MessageBody"], &[])?;
        parameters.require("MessageBody", "$request.body")?.one_of(&["$request.body"])?;
        let url = parameters.require("QueueUrl", "the URL of a queue")?;
        let queue = names::queue_in_url(&url.text()?).to_owned();
        let (region, account) = (&self.deployment.region, &self.deployment.account);
        let here = format!("https://sqs.{region}.amazonaws.com/{account}/");
        if url.text()? != format!("{here}{queue}") {
            return Err(url.is_not(&format!("{here} and the name of a queue")));
        }
        let role = role_at(fields.require("CredentialsArn", "the ARN of a role")?, policies)?;
        Ok(Integration { api: api_id(&fields)?.text()?, queue, role })
    }
}

fn api_id<'v>(fields: &Fields<'v>) -> Result<&'v Value, TemplateError> {
    fields.require("ApiId", "the id of an API")
}

/// Rate and burst of the API's stage. Paths under any other stage than `$default` begin with its name.
fn stage(api: &Value, id: &str, resources: &[(&Resource, Value)]) -> Result<(u32, u32), TemplateError> {
    let honoured = &["ApiId", "StageName", "AutoDeploy", "DefaultRouteSettings"];
    for (_, properties) in of_part(resources, Part::Stage) {
        let fields = properties.fields(honoured, API_IMMATERIAL)?;
        if api_id(&fields)?.text()? != id {
            continue;
        }
        fields.require("StageName", "$default")?.one_of(&["$default"])?;
        // Without it nothing is deployed.
        fields.require("AutoDeploy", "true")?.one_of(&["true"])?;
        let Some(settings) = fields.get("DefaultRouteSettings") else { return Ok((RATE_PER_S, BURST)) };
        let settings =
            settings.fields(&["ThrottlingRateLimit", "ThrottlingBurstLimit"], SETTINGS_IMMATERIAL)?;
        let rate_per_s = settings.number_or("ThrottlingRateLimit", RATE_PER_S, 1..=RATE_PER_S)?;
        return Ok((rate_per_s, settings.number_or("ThrottlingBurstLimit", BURST, 1..=RATE_PER_S)?));
    }
    Err(api.is("an API without a stage".to_owned(), "a stage $default"))
}

fn authorizer(properties: &Value) -> Result<Authorizer, TemplateError> {
    let fields = properties.fields(AUTHORIZER_HONOURED, &[])?;
    fields.require("Name", "a name")?.text()?;
    fields.require("AuthorizerType", "JWT")?.one_of(&["JWT"])?;
    let sources = fields.require("IdentitySource", HEADER)?;
    match sources.list()? {
        [source] => source.one_of(&[HEADER]).map(|_| ())?,
        several => return Err(sources.is(format!("{} sources", several.len()), HEADER)),
    }
    let tokens = fields.require("JwtConfiguration", "Issuer and Audience")?;
    let tokens = tokens.fields(&["Issuer", "Audience"], &[])?;
    let issuer = tokens.require("Issuer", "an https address")?;
    if !issuer.text()?.starts_with("https://") {
        return Err(issuer.is_not("an https address"));
    }
    let audience = tokens.require("Audience", "a list of audiences")?;
    let names: Vec<String> = audience.list()?.iter().map(Value::text).collect::<Result<_, _>>()?;
    if names.is_empty() || names.iter().any(String::is_empty) {
        return Err(audience.is("nobody".to_owned(), "a list of audiences"));
    }
    let authorization = Authorization::Jwt { issuer: issuer.text()?, audience: names };
    Ok(Authorizer { api: api_id(&fields)?.text()?, authorization })
}

const HEADER: &str = "$request.header.Authorization";

fn route(
    fields: &Fields<'_>,
    integrations: &BTreeMap<String, Integration>,
    authorizers: &BTreeMap<String, Authorizer>,
) -> Result<(String, RouteConfig), TemplateError> {
    let api = api_id(fields)?.text()?;
    let of_api = |it: &Integration| it.api == api;
    let target = fields.require("Target", "integrations/ and the id of an integration")?;
    let text = target.text()?;
    let id = text.strip_prefix("integrations/");
    let integration = id.and_then(|id| integrations.get(id)).filter(|it| of_api(it)).ok_or_else(|| {
        let known = integrations.iter().filter(|(_, it)| of_api(it));
        let known: Vec<String> = known.map(|(id, _)| format!("integrations/{id}")).collect();
        target.is_not(&listed(known.iter().map(String::as_str)))
    })?;
    let kind = fields.require("AuthorizationType", "AWS_IAM, JWT")?;
    let authorization = match (kind.one_of(&["AWS_IAM", "JWT"])?.as_str(), fields.get("AuthorizerId")) {
        ("JWT", Some(named)) => {
            let found = authorizers.get(&named.text()?).filter(|it| it.api == api);
            let known = authorizers.iter().filter(|(_, it)| it.api == api).map(|(id, _)| id.as_str());
            found.ok_or_else(|| named.is_not(&listed(known)))?.authorization.clone()
        }
        ("JWT", None) => return Err(kind.is("JWT without AuthorizerId".to_owned(), "JWT with an authorizer")),
        (_, Some(named)) => {
            return Err(named.is("beside AWS_IAM".to_owned(), "an authorizer beside JWT alone"));
        }
        (_, None) => Authorization::Iam,
    };
    let route =
        RouteConfig { authorization, queue: integration.queue.clone(), role: integration.role.clone() };
    Ok((route_key(fields.require("RouteKey", ROUTE_KEY)?)?, route))
}

fn route_key(value: &Value) -> Result<String, TemplateError> {
    let key = value.text()?;
    let is_plain = |(method, path): (&str, &str)| {
        METHODS.contains(&method) && path.starts_with('/') && !path.contains(['{', '}', ' '])
    };
    let is_key = key.split_once(' ').is_some_and(is_plain);
    if is_key { Ok(key) } else { Err(value.is_not(ROUTE_KEY)) }
}
