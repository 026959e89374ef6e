//! `AWS::CloudFront::ResponseHeadersPolicy`.
//!
//! Invariant: each header is said once, and is what every viewer gets, whatever the origin said.

use super::super::error::TemplateError;
use super::super::value::{Fields, Value};
use super::types::COMMENTED;
use crate::cloud::cloudfront::config::HeadersConfig;

const HONOURED: &[&str] = &["Name", "CustomHeadersConfig", "RemoveHeadersConfig", "SecurityHeadersConfig"];
const SECURITY_HONOURED: &[&str] = &[
    "ContentSecurityPolicy",
    "ContentTypeOptions",
    "FrameOptions",
    "ReferrerPolicy",
    "StrictTransportSecurity",
];
const REFERRER_POLICIES: &[&str] = &[
    "no-referrer",
    "no-referrer-when-downgrade",
    "origin",
    "origin-when-cross-origin",
    "same-origin",
    "strict-origin",
    "strict-origin-when-cross-origin",
    "unsafe-url",
];
/// Headers that CloudFront lets no policy take away, beside those that begin with the words below.
/// <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/understanding-response-headers-policies.html#remove-headers-disallowed>
const STAYING: &[&str] = &[
    "connection",
    "content-encoding",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "warning",
    "x-accel-buffering",
    "x-accel-charset",
    "x-accel-limit-rate",
    "x-accel-redirect",
    "x-amzn-auth",
    "x-amzn-cf-billing",
    "x-amzn-cf-id",
    "x-amzn-cf-xff",
    "x-amzn-errortype",
    "x-amzn-fle-profile",
    "x-amzn-header-count",
    "x-amzn-header-order",
    "x-amzn-lambda-integration-tag",
    "x-amzn-requestid",
    "x-cache",
    "x-forwarded-proto",
    "x-real-ip",
];
const STAYING_FAMILIES: &[&str] = &["x-amz-cf-", "x-edge-"];
const A_HEADER: &str = "a header's name, said once";

/// Builds the policy.
pub(super) fn headers(properties: &Value) -> Result<HeadersConfig, TemplateError> {
    let config = properties.fields(&["ResponseHeadersPolicyConfig"], &[])?;
    let config = config.require("ResponseHeadersPolicyConfig", "a policy")?.fields(HONOURED, COMMENTED)?;
    config.require("Name", "a name")?.text()?;
    let mut headers = HeadersConfig::default();
    for item in items(&config, "CustomHeadersConfig")? {
        let item = item.fields(&["Header", "Value", "Override"], &[])?;
        overriding(&item)?;
        let header = item.require("Header", A_HEADER)?;
        set(&mut headers, header, &name(header)?, item.require("Value", "text")?.text()?)?;
    }
    for item in items(&config, "RemoveHeadersConfig")? {
        let header = item.fields(&["Header"], &[])?.require("Header", A_HEADER)?;
        let name = name(header)?;
        let stays =
            STAYING.contains(&name.as_str()) || STAYING_FAMILIES.iter().any(|it| name.starts_with(it));
        if stays {
            return Err(header.is_not("a header that CloudFront lets a policy remove"));
        }
        if !headers.remove.insert(name) {
            return Err(header.is_not(A_HEADER));
        }
    }
    if let Some(security) = config.get("SecurityHeadersConfig") {
        let fields = security.fields(SECURITY_HONOURED, &[])?;
        for property in SECURITY_HONOURED {
            if let Some(value) = fields.get(property) {
                let (header, text) = security_header(property, value)?;
                set(&mut headers, value, header, text)?;
            }
        }
    }
    Ok(headers)
}

fn items<'v>(config: &Fields<'v>, property: &str) -> Result<&'v [Value], TemplateError> {
    let Some(list) = config.get(property) else { return Ok(&[]) };
    list.fields(&["Items"], &[])?.require("Items", "a list of headers")?.list()
}

fn set(headers: &mut HeadersConfig, at: &Value, name: &str, value: String) -> Result<(), TemplateError> {
    match headers.set.insert(name.to_owned(), value) {
        None => Ok(()),
        Some(_) => Err(at.is(format!("a second {name}"), A_HEADER)),
    }
}

/// In lower case.
fn name(header: &Value) -> Result<String, TemplateError> {
    let name = header.text()?.to_ascii_lowercase();
    let is_token = |it: char| it.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(it);
    if !name.is_empty() && name.chars().all(is_token) { Ok(name) } else { Err(header.is_not(A_HEADER)) }
}

/// What gives way to the origin would be two things, depending on what the origin said.
fn overriding(fields: &Fields<'_>) -> Result<(), TemplateError> {
    fields.require("Override", "true")?.one_of(&["true"]).map(|_| ())
}

fn security_header(property: &str, value: &Value) -> Result<(&'static str, String), TemplateError> {
    let with = |honoured: &[&str]| {
        let fields = value.fields(honoured, &[])?;
        overriding(&fields)?;
        Ok(fields)
    };
    match property {
        "ContentSecurityPolicy" => {
            let fields = with(&["ContentSecurityPolicy", "Override"])?;
            Ok(("content-security-policy", fields.require("ContentSecurityPolicy", "a policy")?.text()?))
        }
        "ContentTypeOptions" => {
            with(&["Override"])?;
            Ok(("x-content-type-options", "nosniff".to_owned()))
        }
        "FrameOptions" => {
            let fields = with(&["FrameOption", "Override"])?;
            let option =
                fields.require("FrameOption", "DENY, SAMEORIGIN")?.one_of(&["DENY", "SAMEORIGIN"])?;
            Ok(("x-frame-options", option))
        }
        "ReferrerPolicy" => {
            let fields = with(&["ReferrerPolicy", "Override"])?;
            let policy = fields.require("ReferrerPolicy", "a policy")?.one_of(REFERRER_POLICIES)?;
            Ok(("referrer-policy", policy))
        }
        _ => Ok(("strict-transport-security", strict_transport(&with(TRANSPORT_HONOURED)?)?)),
    }
}

const TRANSPORT_HONOURED: &[&str] = &["AccessControlMaxAgeSec", "IncludeSubdomains", "Preload", "Override"];

fn strict_transport(fields: &Fields<'_>) -> Result<String, TemplateError> {
    let age = fields.require("AccessControlMaxAgeSec", "seconds")?.number(0..=u32::MAX)?;
    let says = |property| fields.get(property).map_or(Ok(false), Value::truth);
    let (subdomains, preload) = (says("IncludeSubdomains")?, says("Preload")?);
    let subdomains = if subdomains { "; includeSubDomains" } else { "" };
    let preload = if preload { "; preload" } else { "" };
    Ok(format!("max-age={age}{subdomains}{preload}"))
}
