//! Origins: what answers there, how long CloudFront waits for it, and how it shows who asks.
//!
//! Invariant: an origin is something of the template, and lets nobody in but whom its policy names.

use super::super::document::Resource;
use super::super::error::{TemplateError, listed};
use super::super::resolve::Scope;
use super::super::types::{Role, with_role};
use super::super::value::{Fields, Value};
use super::types::{CUSTOM_ORIGIN_IMMATERIAL, DESCRIBED};
use super::{Known, Part, named, of_part};
use crate::cloud::cloudfront::config::{OriginConfig, OriginKind};
use crate::cloud::iam::Policies;
use std::collections::BTreeMap;

const HONOURED: &[&str] = &[
    "Id",
    "DomainName",
    "OriginAccessControlId",
    "ConnectionAttempts",
    "ConnectionTimeout",
    "CustomOriginConfig",
    "S3OriginConfig",
    "OriginShield",
];
const CUSTOM_HONOURED: &[&str] = &["OriginProtocolPolicy", "OriginReadTimeout"];
const CONTROL_HONOURED: &[&str] =
    &["Name", "OriginAccessControlOriginType", "SigningBehavior", "SigningProtocol"];
/// What CloudFront waits for where nothing is said, s.
const READ_S: u32 = 30;
const CONNECT_S: u32 = 10;
const ATTEMPTS: u32 = 3;
/// Regions with an origin shield.
/// <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/origin-shield.html#choose-origin-shield-region>
const SHIELD_REGIONS: &[&str] = &[
    "us-east-2",
    "us-east-1",
    "us-west-2",
    "ap-south-1",
    "ap-northeast-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-northeast-1",
    "eu-central-1",
    "eu-west-1",
    "eu-west-2",
    "sa-east-1",
    "me-central-1",
];

impl Scope<'_> {
    /// What an origin may be, by host.
    pub(super) fn origins(
        &mut self,
        resources: &[(&Resource, Value)],
        policies: &Policies,
    ) -> Result<BTreeMap<String, OriginKind>, TemplateError> {
        let mut origins = BTreeMap::new();
        for (resource, _) in of_part(resources, Part::Url) {
            let url = self.attribute_of(resource, "FunctionUrl")?;
            let function = with_role(resources, Role::Function)
                .map(|(function, _)| function.logical_id.clone())
                .find(|function| format!("{function}Url") == resource.logical_id);
            origins.extend(function.map(|function| (host(&url), OriginKind::FunctionUrl(function))));
        }
        for (resource, _) in of_part(resources, Part::Bucket) {
            let host = self.attribute_of(resource, "RegionalDomainName")?;
            origins.insert(host, OriginKind::Bucket(self.physical_name(resource)?));
        }
        for (resource, api) in self.apis(resources, policies)? {
            let endpoint = self.attribute_of(resource, "ApiEndpoint")?;
            origins.insert(host(&endpoint), OriginKind::HttpApi(api));
        }
        Ok(origins)
    }
}

fn host(url: &str) -> String {
    url.trim_start_matches("https://").trim_end_matches('/').to_owned()
}

/// What kind of origin an access control is for. It always signs: a viewer's own signature would be in the way.
pub(super) fn access_control(properties: &Value) -> Result<String, TemplateError> {
    let config = properties.fields(&["OriginAccessControlConfig"], &[])?;
    let config = config.require("OriginAccessControlConfig", "a configuration")?;
    let fields = config.fields(CONTROL_HONOURED, DESCRIBED)?;
    fields.require("Name", "a name")?.text()?;
    fields.require("SigningBehavior", "always")?.one_of(&["always"])?;
    fields.require("SigningProtocol", "sigv4")?.one_of(&["sigv4"])?;
    fields.require("OriginAccessControlOriginType", "lambda, s3")?.one_of(&["lambda", "s3"])
}

/// The id of an origin, and what it is.
pub(super) fn origin(value: &Value, known: &Known) -> Result<(String, OriginConfig), TemplateError> {
    let fields = value.fields(HONOURED, &[])?;
    let kind = named(fields.require("DomainName", "a host")?, &known.origins)?.clone();
    let read_s = match (&kind, fields.get("CustomOriginConfig"), fields.get("S3OriginConfig")) {
        (OriginKind::FunctionUrl(_) | OriginKind::HttpApi(_), Some(custom), None) => read_s(custom)?,
        (OriginKind::Bucket(_), None, Some(bucket)) => {
            let identity = bucket.fields(&["OriginAccessIdentity"], &[])?;
            identity.get("OriginAccessIdentity").map_or(Ok(()), |none| none.one_of(&[""]).map(|_| ()))?;
            READ_S
        }
        (OriginKind::FunctionUrl(_) | OriginKind::HttpApi(_), _, _) => {
            return Err(value.is("no custom origin".to_owned(), "CustomOriginConfig, and no S3OriginConfig"));
        }
        (OriginKind::Bucket(_), _, _) => {
            return Err(value.is("no bucket".to_owned(), "S3OriginConfig, and no CustomOriginConfig"));
        }
    };
    let config = OriginConfig {
        signs: signs(value, &fields, &kind, known)?,
        kind,
        attempts: fields.number_or("ConnectionAttempts", ATTEMPTS, 1..=3)?,
        connect_s: fields.number_or("ConnectionTimeout", CONNECT_S, 1..=10)?,
        read_s,
        shield: fields.get("OriginShield").map_or(Ok(None), shield)?,
    };
    Ok((fields.require("Id", "a name")?.text()?, config))
}

fn read_s(custom: &Value) -> Result<u32, TemplateError> {
    let fields = custom.fields(CUSTOM_HONOURED, CUSTOM_ORIGIN_IMMATERIAL)?;
    fields.require("OriginProtocolPolicy", "https-only")?.one_of(&["https-only"])?;
    fields.number_or("OriginReadTimeout", READ_S, 1..=120)
}

/// Whether requests are signed. A function and a bucket let nobody in who is not known to them.
fn signs(
    origin: &Value,
    fields: &Fields<'_>,
    kind: &OriginKind,
    known: &Known,
) -> Result<bool, TemplateError> {
    let wanted = match kind {
        OriginKind::FunctionUrl(_) => Some("lambda"),
        OriginKind::Bucket(_) => Some("s3"),
        OriginKind::HttpApi(_) => None,
    };
    let Some(control) = fields.get("OriginAccessControlId") else {
        return match wanted {
            None => Ok(false),
            Some(wanted) => Err(origin.is(
                "without OriginAccessControlId".to_owned(),
                &format!("one with an access control for {wanted}: the origin lets in nobody else"),
            )),
        };
    };
    let for_kind = named(control, &known.access)?;
    match wanted {
        Some(wanted) if wanted == for_kind => Ok(true),
        Some(wanted) => {
            Err(control.is(format!("for {for_kind}"), &format!("an access control for {wanted}")))
        }
        None => Err(control.is(format!("for {for_kind}"), "none: an HTTP API has no access control")),
    }
}

fn shield(value: &Value) -> Result<Option<String>, TemplateError> {
    let fields = value.fields(&["Enabled", "OriginShieldRegion"], &[])?;
    if !fields.require("Enabled", "true, false")?.truth()? {
        return Ok(None);
    }
    let region = fields.require("OriginShieldRegion", &listed(SHIELD_REGIONS.iter().copied()))?;
    region.one_of(SHIELD_REGIONS).map(Some)
}
