//! The resource types of an edge: how others refer to each, and which of its properties cannot matter.
//!
//! Invariant: as in the other table, whatever is not here is refused.

use super::super::types::{ResourceType, Role};

/// What a resource is to an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::template) enum Part {
    Distribution,
    CachePolicy,
    HeadersPolicy,
    Function,
    Store,
    AccessControl,
    Api,
    Stage,
    Route,
    Integration,
    Authorizer,
    Bucket,
    BucketPolicy,
    Permission,
    /// What SAM makes of `FunctionUrlConfig`.
    Url,
    MoreMetrics,
    Firewall,
}

/// Distribution properties that cannot matter, and why.
pub(super) const DISTRIBUTION_IMMATERIAL: &[(&str, &str)] = &[
    ("Comment", "for readers"),
    ("HttpVersion", "a request is one, however it came"),
    ("IPV6Enabled", "addresses are not looked at"),
    ("PriceClass", "which edges there are is the world's to say"),
];

/// Properties of a behavior that cannot matter, and why.
pub(super) const BEHAVIOR_IMMATERIAL: &[(&str, &str)] =
    &[("CachedMethods", "answers to GET and HEAD are kept, whatever it says")];

/// Properties of an origin that cannot matter, and why.
pub(super) const CUSTOM_ORIGIN_IMMATERIAL: &[(&str, &str)] = &[
    ("HTTPSPort", "whoever answers there has one port"),
    ("OriginSSLProtocols", "every handshake succeeds"),
    ("OriginKeepaliveTimeout", "to connect costs no time, unless something is wrong"),
];

/// Properties of a function that cannot matter, and why.
pub(super) const FUNCTION_IMMATERIAL: &[(&str, &str)] = &[("Comment", "for readers")];

/// Properties of an HTTP API that cannot matter, and why.
pub(super) const API_IMMATERIAL: &[(&str, &str)] =
    &[("Name", "for readers"), ("Description", "for readers"), ("Tags", "for the bill")];

/// Throttling settings that cannot matter, and why.
pub(super) const SETTINGS_IMMATERIAL: &[(&str, &str)] =
    &[("DetailedMetricsEnabled", "no alarm looks at them")];

/// Bucket properties that cannot matter, and why.
pub(super) const BUCKET_IMMATERIAL: &[(&str, &str)] = &[
    ("OwnershipControls", "no object has rights of its own"),
    ("VersioningConfiguration", "no object is written twice"),
    ("Tags", "for the bill"),
];

/// Properties of policies, stores and access controls that cannot matter, and why.
pub(super) const COMMENTED: &[(&str, &str)] = &[("Comment", "for readers")];
pub(super) const DESCRIBED: &[(&str, &str)] = &[("Description", "for readers")];

const fn part(
    name: &'static str,
    part: Part,
    name_property: Option<&'static str>,
    reference: &'static str,
    attributes: &'static [(&'static str, &'static str)],
) -> ResourceType {
    ResourceType { name, role: Role::Edge(part), name_property, reference, attributes }
}

const fn of_the_log(
    name: &'static str,
    name_property: Option<&'static str>,
    reference: &'static str,
    attributes: &'static [(&'static str, &'static str)],
) -> ResourceType {
    let role = Role::Inert("nobody reads the access log");
    ResourceType { name, role, name_property, reference, attributes }
}

const FUNCTION_ARN: &str = "arn:aws:cloudfront::{account}:function/{name}";

/// No template may name this type: the resource stands beside its function.
pub(in crate::template) const FUNCTION_URL: ResourceType = part(
    "AWS::Lambda::Url",
    Part::Url,
    None,
    "arn:aws:lambda:{region}:{account}:function-url/{id}",
    &[("FunctionUrl", "https://{id}.lambda-url.{region}.on.aws/")],
);

/// Every type of an edge.
pub(in crate::template) const EDGE_TYPES: &[ResourceType] = &[
    part(
        "AWS::CloudFront::Distribution",
        Part::Distribution,
        None,
        "E{ID}",
        &[("DomainName", "d{id}.cloudfront.net"), ("Id", "E{ID}")],
    ),
    part("AWS::CloudFront::CachePolicy", Part::CachePolicy, None, "{id}", &[("Id", "{id}")]),
    part("AWS::CloudFront::ResponseHeadersPolicy", Part::HeadersPolicy, None, "{id}", &[("Id", "{id}")]),
    part(
        "AWS::CloudFront::Function",
        Part::Function,
        Some("Name"),
        FUNCTION_ARN,
        &[("FunctionARN", FUNCTION_ARN)],
    ),
    part(
        "AWS::CloudFront::KeyValueStore",
        Part::Store,
        Some("Name"),
        "{name}",
        &[("Arn", "arn:aws:cloudfront::{account}:key-value-store/{id}"), ("Id", "{id}")],
    ),
    part("AWS::CloudFront::OriginAccessControl", Part::AccessControl, None, "{id}", &[("Id", "{id}")]),
    part(
        "AWS::ApiGatewayV2::Api",
        Part::Api,
        None,
        "{id}",
        &[("ApiId", "{id}"), ("ApiEndpoint", "https://{id}.execute-api.{region}.amazonaws.com")],
    ),
    part("AWS::ApiGatewayV2::Stage", Part::Stage, Some("StageName"), "{name}", &[]),
    part("AWS::ApiGatewayV2::Route", Part::Route, None, "{id}", &[("RouteId", "{id}")]),
    part("AWS::ApiGatewayV2::Integration", Part::Integration, None, "{id}", &[("IntegrationId", "{id}")]),
    part("AWS::ApiGatewayV2::Authorizer", Part::Authorizer, None, "{id}", &[("AuthorizerId", "{id}")]),
    part(
        "AWS::S3::Bucket",
        Part::Bucket,
        Some("BucketName"),
        "{name}",
        &[
            ("Arn", "arn:aws:s3:::{name}"),
            ("DomainName", "{name}.s3.amazonaws.com"),
            ("RegionalDomainName", "{name}.s3.{region}.amazonaws.com"),
        ],
    ),
    part("AWS::S3::BucketPolicy", Part::BucketPolicy, None, "{name}", &[]),
    part("AWS::Lambda::Permission", Part::Permission, None, "{name}", &[]),
    part("AWS::CloudFront::MonitoringSubscription", Part::MoreMetrics, None, "{name}", &[]),
    part(
        "AWS::WAFv2::WebACL",
        Part::Firewall,
        Some("Name"),
        "{name}|{id}|CLOUDFRONT",
        &[("Arn", "arn:aws:wafv2:{region}:{account}:global/webacl/{name}/{id}")],
    ),
    of_the_log("AWS::Logs::DeliverySource", Some("Name"), "{name}", &[]),
    of_the_log(
        "AWS::Logs::DeliveryDestination",
        Some("Name"),
        "{name}",
        &[("Arn", "arn:aws:logs:{region}:{account}:delivery-destination:{name}")],
    ),
    of_the_log("AWS::Logs::Delivery", None, "{id}", &[]),
];
