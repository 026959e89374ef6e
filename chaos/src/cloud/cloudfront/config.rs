//! What an edge is configured with: the meaning of `edge/template.yaml`, free of its syntax.
//!
//! The template loader produces these, the simulated CloudFront consumes them. Every unit is in the name, as on AWS.
//! Invariant: every id of one that another names is there; the loader refuses others before a world exists.

use std::collections::{BTreeMap, BTreeSet};

/// One `AWS::CloudFront::Distribution`, and what stands behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DistributionConfig {
    /// Its id.
    pub id: String,
    /// Origins by `Id`.
    pub origins: BTreeMap<String, OriginConfig>,
    /// `CacheBehaviors` in their order, which decides; `DefaultCacheBehavior` last, with the pattern `*`.
    pub behaviors: Vec<BehaviorConfig>,
    /// `CustomErrorResponses` by `ErrorCode`.
    pub errors: BTreeMap<u16, ErrorConfig>,
    /// Every function that a behavior names, by name.
    pub functions: BTreeMap<String, EdgeFunctionConfig>,
}

/// One `Origin`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginConfig {
    /// What answers there.
    pub kind: OriginKind,
    /// `ConnectionAttempts`, 1–3.
    pub attempts: u32,
    /// `ConnectionTimeout`, 1–10 s.
    pub connect_s: u32,
    /// `OriginReadTimeout`, 1–120 s. A bucket's, which cannot be set, is 30.
    pub read_s: u32,
    /// `OriginShieldRegion`, where there is an origin shield.
    pub shield: Option<String>,
    /// Whether requests are signed (`OriginAccessControl` with `SigningBehavior: always`).
    pub signs: bool,
}

/// What answers at an origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OriginKind {
    /// The URL of a function; its logical id.
    FunctionUrl(String),
    /// An `AWS::ApiGatewayV2::Api`.
    HttpApi(HttpApiConfig),
    /// An `AWS::S3::Bucket`; its name.
    Bucket(String),
}

/// One HTTP API, whose routes hand what they are given to a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpApiConfig {
    /// Its id.
    pub id: String,
    /// Routes by `RouteKey`, for example `POST /payments`.
    pub routes: BTreeMap<String, RouteConfig>,
    /// `ThrottlingRateLimit` of the stage, requests a second.
    pub rate_per_s: u32,
    /// `ThrottlingBurstLimit` of the stage.
    pub burst: u32,
}

/// One `AWS::ApiGatewayV2::Route`, with its integration `SQS-SendMessage`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteConfig {
    /// `AuthorizationType`.
    pub authorization: Authorization,
    /// Name of the queue in `QueueUrl`; `MessageBody` is `$request.body`.
    pub queue: String,
    /// Name of the role in `CredentialsArn`.
    pub role: String,
}

/// How whoever calls a route shows that they may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authorization {
    /// A signature.
    Iam,
    /// A JSON Web Token of this issuer, for this audience.
    Jwt {
        /// `Issuer`.
        issuer: String,
        /// `Audience`.
        audience: Vec<String>,
    },
}

/// One cache behavior.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BehaviorConfig {
    /// `PathPattern`.
    pub path_pattern: String,
    /// `TargetOriginId`.
    pub origin: String,
    /// `AllowedMethods`.
    pub methods: BTreeSet<String>,
    /// Its cache policy.
    pub cache: CachePolicyConfig,
    /// Whether the viewer's headers, but for `Host`, go to the origin: the policy `AllViewerExceptHostHeader`. Without one,
    /// none do.
    pub forwards_headers: bool,
    /// Its response headers policy.
    pub headers: HeadersConfig,
    /// Name of the function at `viewer-request`.
    pub on_request: Option<String>,
    /// Name of the function at `viewer-response`.
    pub on_response: Option<String>,
}

/// A cache policy under which the path alone is the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CachePolicyConfig {
    /// `MinTTL`, s.
    pub ttl_s_min: u64,
    /// `DefaultTTL`, s: for an answer that says nothing of how long it may be kept.
    pub ttl_s_default: u64,
    /// `MaxTTL`, s; with 0 nothing is cached.
    pub ttl_s_max: u64,
}

/// A response headers policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeadersConfig {
    /// What every answer gets, by name in lower case; each replaces what the origin said.
    pub set: BTreeMap<String, String>,
    /// What is taken from every answer, in lower case.
    pub remove: BTreeSet<String>,
}

/// One `CustomErrorResponse`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorConfig {
    /// `ErrorCachingMinTTL`, s.
    pub ttl_s_min: u64,
    /// `ResponseCode` and `ResponsePagePath`, where a page stands in its place.
    pub page: Option<(u16, String)>,
}

/// What is kept of an error that nothing is configured for, s.
/// <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/custom-error-pages-expiration.html>
pub const ERROR_TTL_S: u64 = 10;

/// One `AWS::CloudFront::Function`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeFunctionConfig {
    /// `FunctionCode`.
    pub code: String,
    /// Name of the KeyValueStore it reads.
    pub store: Option<String>,
}
