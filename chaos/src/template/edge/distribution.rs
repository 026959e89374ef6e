//! `AWS::CloudFront::Distribution`.
//!
//! Invariant: every behavior has an origin of its distribution, and every error a page or none.

use super::super::error::{TemplateError, listed};
use super::super::value::{Fields, Value};
use super::types::DISTRIBUTION_IMMATERIAL;
use super::{Known, behavior, origin};
use crate::cloud::cloudfront::config::{BehaviorConfig, DistributionConfig, ERROR_TTL_S, ErrorConfig};
use std::collections::BTreeMap;

const HONOURED: &[&str] = &[
    "Enabled",
    "Aliases",
    "ViewerCertificate",
    "Origins",
    "DefaultCacheBehavior",
    "CacheBehaviors",
    "CustomErrorResponses",
];
const CERTIFICATE_HONOURED: &[&str] =
    &["AcmCertificateArn", "CloudFrontDefaultCertificate", "SslSupportMethod", "MinimumProtocolVersion"];
const ERROR_HONOURED: &[&str] = &["ErrorCode", "ErrorCachingMinTTL", "ResponseCode", "ResponsePagePath"];
/// Errors that can be configured.
/// <https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_CustomErrorResponse.html>
const ERROR_CODES: &[u16] = &[400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504];

/// Builds the distribution with this id.
pub(super) fn distribution(
    id: String,
    properties: &Value,
    known: &Known,
) -> Result<DistributionConfig, TemplateError> {
    let config = properties.fields(&["DistributionConfig"], &[("Tags", "for the bill")])?;
    let config = config.require("DistributionConfig", "a configuration")?;
    let map = config.map()?;
    if let Some(groups) = map.get("OriginGroups") {
        let accepted = "one origin for each behavior, and CustomErrorResponses";
        return Err(groups.unsupported("a group of origins", accepted));
    }
    let fields = config.fields(HONOURED, DISTRIBUTION_IMMATERIAL)?;
    fields.require("Enabled", "true")?.one_of(&["true"])?;
    check_names(&fields)?;
    let mut origins = BTreeMap::new();
    for value in fields.require("Origins", "a list of origins")?.list()? {
        let (id, origin) = origin::origin(value, known)?;
        if origins.insert(id.clone(), origin).is_some() {
            return Err(value.is(format!("a second origin {id}"), "an id of its own for each origin"));
        }
    }
    let mut behaviors: Vec<BehaviorConfig> = Vec::new();
    for value in fields.get("CacheBehaviors").map_or(Ok(&[][..]), Value::list)? {
        let behavior = behavior::behavior(value, false, &origins, known)?;
        if behaviors.iter().any(|before| before.path_pattern == behavior.path_pattern) {
            let found = format!("a second behavior for {}", behavior.path_pattern);
            return Err(value.is(found, "one behavior for each path pattern"));
        }
        behaviors.push(behavior);
    }
    let by_default = fields.require("DefaultCacheBehavior", "a behavior")?;
    behaviors.push(behavior::behavior(by_default, true, &origins, known)?);
    let errors = fields.get("CustomErrorResponses").map_or(Ok(BTreeMap::new()), errors)?;
    let named = behaviors.iter().flat_map(|it| [&it.on_request, &it.on_response]).flatten();
    let functions = named.filter_map(|name| known.functions.values().find(|(known, _)| known == name));
    let functions = functions.cloned().collect();
    Ok(DistributionConfig { id, origins, behaviors, errors, functions })
}

/// A name of one's own needs a certificate, and one that CloudFront can reach.
fn check_names(fields: &Fields<'_>) -> Result<(), TemplateError> {
    let aliases = fields.get("Aliases").map_or(Ok(&[][..]), Value::list)?;
    let certificate = match fields.get("ViewerCertificate") {
        Some(certificate) => {
            let fields = certificate.fields(CERTIFICATE_HONOURED, &[])?;
            fields
                .get("CloudFrontDefaultCertificate")
                .map_or(Ok(()), |it| it.one_of(&["true"]).map(|_| ()))?;
            fields.get("AcmCertificateArn")
        }
        None => None,
    };
    if let (Some(alias), None) = (aliases.first(), certificate) {
        return Err(alias.is("a name without AcmCertificateArn".to_owned(), "a name with a certificate"));
    }
    let Some(arn) = certificate else { return Ok(()) };
    if !arn.text()?.starts_with("arn:aws:acm:us-east-1:") {
        return Err(arn.is_not("the ARN of a certificate in us-east-1"));
    }
    Ok(())
}

fn errors(list: &Value) -> Result<BTreeMap<u16, ErrorConfig>, TemplateError> {
    let mut errors = BTreeMap::new();
    for value in list.list()? {
        let fields = value.fields(ERROR_HONOURED, &[])?;
        let code = fields.require("ErrorCode", &codes(ERROR_CODES))?;
        let ttl = fields.get("ErrorCachingMinTTL").map(|ttl| ttl.number(0..=u32::MAX)).transpose()?;
        let page = match (fields.get("ResponseCode"), fields.get("ResponsePagePath")) {
            (None, None) => None,
            (Some(answered), Some(path)) => {
                let text = path.text()?;
                if !text.starts_with('/') {
                    return Err(path.is_not("a path that begins with /"));
                }
                Some((code_of(answered, &[&[200], ERROR_CODES].concat())?, text))
            }
            (Some(_), None) | (None, Some(_)) => {
                let found = "half a page".to_owned();
                return Err(value.is(found, "ResponseCode and ResponsePagePath, or neither"));
            }
        };
        let config = ErrorConfig { ttl_s_min: ttl.map_or(ERROR_TTL_S, u64::from), page };
        if errors.insert(code_of(code, ERROR_CODES)?, config).is_some() {
            return Err(code.is("there already".to_owned(), "one response for each code"));
        }
    }
    Ok(errors)
}

fn code_of(value: &Value, known: &[u16]) -> Result<u16, TemplateError> {
    let code = value.text().ok().and_then(|text| text.parse().ok());
    code.filter(|code| known.contains(code)).ok_or_else(|| value.is_not(&codes(known)))
}

fn codes(known: &[u16]) -> String {
    let texts: Vec<String> = known.iter().map(u16::to_string).collect();
    listed(texts.iter().map(String::as_str))
}
