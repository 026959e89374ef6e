//! Cache behaviors, and the policies that say what a cache tells apart and how long it keeps it.
//!
//! Invariant: the path alone is the key of every cache.

use super::super::error::{TemplateError, listed};
use super::super::value::Value;
use super::types::{BEHAVIOR_IMMATERIAL, COMMENTED};
use super::{Known, named};
use crate::cloud::cloudfront::config::{BehaviorConfig, CachePolicyConfig, HeadersConfig, OriginConfig};
use std::collections::{BTreeMap, BTreeSet};

const HONOURED: &[&str] = &[
    "PathPattern",
    "TargetOriginId",
    "ViewerProtocolPolicy",
    "AllowedMethods",
    "CachePolicyId",
    "OriginRequestPolicyId",
    "ResponseHeadersPolicyId",
    "FunctionAssociations",
    "Compress",
];
/// Methods come in three sets, and CloudFront takes no other.
/// <https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_AllowedMethods.html>
const METHODS: &[&[&str]] = &[
    &["GET", "HEAD"],
    &["GET", "HEAD", "OPTIONS"],
    &["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"],
];
const METHODS_ACCEPTED: &str =
    "[GET, HEAD], [GET, HEAD, OPTIONS] or [GET, HEAD, OPTIONS, PUT, PATCH, POST, DELETE]";
const PATTERN_CHARS_MAX: usize = 255;
const REQUEST: &str = "viewer-request";
const RESPONSE: &str = "viewer-response";
/// <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html>
const CACHING_DISABLED: &str = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad";
/// <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-origin-request-policies.html>
const ALL_VIEWER_EXCEPT_HOST_HEADER: &str = "b689b0a8-53d0-40ab-baf2-68738e2966ac";

/// Cache policies of AWS's own, by id.
pub(super) fn managed_policies() -> BTreeMap<String, CachePolicyConfig> {
    let nothing = CachePolicyConfig { ttl_s_min: 0, ttl_s_default: 0, ttl_s_max: 0 };
    BTreeMap::from([(CACHING_DISABLED.to_owned(), nothing)])
}

/// `AWS::CloudFront::CachePolicy`.
pub(super) fn cache_policy(properties: &Value) -> Result<CachePolicyConfig, TemplateError> {
    let config = properties.fields(&["CachePolicyConfig"], &[])?.require("CachePolicyConfig", "a policy")?;
    let key = "ParametersInCacheKeyAndForwardedToOrigin";
    let fields = config.fields(&["Name", "MinTTL", "DefaultTTL", "MaxTTL", key], COMMENTED)?;
    fields.require("Name", "a name")?.text()?;
    check_key(fields.require(key, "what the key is made of")?)?;
    let ttl = |name| Ok(u64::from(fields.require(name, "seconds")?.number(0..=u32::MAX)?));
    let policy = CachePolicyConfig {
        ttl_s_min: ttl("MinTTL")?,
        ttl_s_default: ttl("DefaultTTL")?,
        ttl_s_max: ttl("MaxTTL")?,
    };
    let CachePolicyConfig { ttl_s_min, ttl_s_default, ttl_s_max } = policy;
    if ttl_s_min <= ttl_s_default && ttl_s_default <= ttl_s_max {
        return Ok(policy);
    }
    let found = format!("MinTTL {ttl_s_min}, DefaultTTL {ttl_s_default}, MaxTTL {ttl_s_max}");
    Err(config.is(found, "MinTTL up to DefaultTTL up to MaxTTL"))
}

fn check_key(parts: &Value) -> Result<(), TemplateError> {
    let encodings = ["EnableAcceptEncodingBrotli", "EnableAcceptEncodingGzip"];
    let behaviors = [
        ("HeadersConfig", "HeaderBehavior"),
        ("CookiesConfig", "CookieBehavior"),
        ("QueryStringsConfig", "QueryStringBehavior"),
    ];
    let honoured: Vec<&str> = encodings.into_iter().chain(behaviors.map(|(config, _)| config)).collect();
    let fields = parts.fields(&honoured, &[])?;
    for encoding in encodings.into_iter().filter_map(|name| fields.get(name)) {
        if encoding.truth()? {
            return Err(encoding.unsupported("an encoding in the key", "false"));
        }
    }
    for (config, behavior) in behaviors {
        let config = fields.require(config, "none")?;
        let said = config.require(behavior, "none")?;
        if said.text()? != "none" {
            return Err(said.unsupported(format!("the {behavior} {:?} in the key", said.text()?), "none"));
        }
        config.fields(&[behavior], &[])?;
    }
    Ok(())
}

/// One behavior. The default one is for every path.
pub(super) fn behavior(
    value: &Value,
    is_default: bool,
    origins: &BTreeMap<String, OriginConfig>,
    known: &Known,
) -> Result<BehaviorConfig, TemplateError> {
    let fields = value.fields(if is_default { &HONOURED[1..] } else { HONOURED }, BEHAVIOR_IMMATERIAL)?;
    let path_pattern = match is_default {
        true => "*".to_owned(),
        false => path_pattern(fields.require("PathPattern", PATTERN)?)?,
    };
    let target = fields.require("TargetOriginId", "the id of an origin")?;
    named(target, origins)?;
    let viewers = fields.require("ViewerProtocolPolicy", "https-only, redirect-to-https")?;
    // Everybody here comes by TLS; what would be told to others must not be in clear.
    viewers.one_of(&["https-only", "redirect-to-https"])?;
    if let Some(compress) = fields.get("Compress") {
        compress.one_of(&["false"])?;
    }
    let cache = fields.require("CachePolicyId", "the id of a cache policy")?;
    let forwards_headers = match fields.get("OriginRequestPolicyId") {
        Some(policy) => policy.one_of(&[ALL_VIEWER_EXCEPT_HOST_HEADER]).map(|_| true)?,
        None => false,
    };
    let headers = fields.get("ResponseHeadersPolicyId").map(|policy| named(policy, &known.headers));
    let mut functions = match fields.get("FunctionAssociations") {
        Some(associations) => functions(associations, known)?,
        None => BTreeMap::new(),
    };
    Ok(BehaviorConfig {
        path_pattern,
        origin: target.text()?,
        methods: fields.get("AllowedMethods").map_or_else(|| Ok(set(METHODS[0])), methods)?,
        cache: *named(cache, &known.cache)?,
        forwards_headers,
        headers: headers.transpose()?.cloned().unwrap_or_else(HeadersConfig::default),
        on_request: functions.remove(REQUEST),
        on_response: functions.remove(RESPONSE),
    })
}

const PATTERN: &str = "a path of at most 255 letters, digits, _-.$/~\"'@:+& and the wildcards * and ?";

fn path_pattern(value: &Value) -> Result<String, TemplateError> {
    let pattern = value.text()?;
    let may_stand = |it: char| it.is_ascii_alphanumeric() || "_-.$/~\"'@:+&*?".contains(it);
    let length = pattern.chars().count();
    let is_pattern = (1..=PATTERN_CHARS_MAX).contains(&length) && pattern.chars().all(may_stand);
    if is_pattern { Ok(pattern) } else { Err(value.is_not(PATTERN)) }
}

fn set(methods: &[&str]) -> BTreeSet<String> {
    methods.iter().map(|method| (*method).to_owned()).collect()
}

fn methods(value: &Value) -> Result<BTreeSet<String>, TemplateError> {
    let written: Vec<String> = value.list()?.iter().map(Value::text).collect::<Result<_, _>>()?;
    let methods: BTreeSet<String> = written.iter().cloned().collect();
    let is_known = METHODS.iter().any(|known| set(known) == methods) && methods.len() == written.len();
    let found = || format!("[{}]", listed(written.iter().map(String::as_str)));
    if is_known { Ok(methods) } else { Err(value.is(found(), METHODS_ACCEPTED)) }
}

/// The name of the function at each event.
fn functions(associations: &Value, known: &Known) -> Result<BTreeMap<String, String>, TemplateError> {
    let mut functions = BTreeMap::new();
    for association in associations.list()? {
        let fields = association.fields(&["EventType", "FunctionARN"], &[])?;
        let event = fields.require("EventType", "viewer-request, viewer-response")?;
        let name = event.one_of(&[REQUEST, RESPONSE])?;
        let (function, _) = named(fields.require("FunctionARN", "the ARN of a function")?, &known.functions)?;
        if functions.insert(name, function.clone()).is_some() {
            return Err(event.is("there already".to_owned(), "one function at each event"));
        }
    }
    Ok(functions)
}
