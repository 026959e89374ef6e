//! CloudFormation, as far as the outputs and parameters of the stack that is up.
//!
//! Invariant: it tells what the template says, resolved.

use super::{Outside, escaped, xml_error};
use crate::cloud::names;
use crate::cloud::reply::Reply;
use crate::template::Deployment;
use std::collections::BTreeMap;

/// The API version that its forms carry.
pub(super) const VERSION: &str = "2010-05-15";

impl Outside {
    pub(super) fn cloudformation(&self, operation: &str, body: &[u8]) -> Reply {
        let asked = form_urlencoded::parse(body).find(|(key, _)| key == "StackName").map(|(_, name)| name);
        let own = Deployment::default().stack_name;
        match operation {
            "DescribeStacks" if asked.as_ref().is_none_or(|name| *name == own) => self.described(&own),
            "DescribeStacks" => {
                let text = format!("Stack with id {} does not exist", asked.unwrap_or_default());
                xml_error(VERSION, "ValidationError", &text)
            }
            _ => {
                let text = format!(
                    "The embedded CloudFormation does not support {operation}; it supports DescribeStacks."
                );
                xml_error(VERSION, "InvalidAction", &text)
            }
        }
    }

    fn described(&self, stack: &str) -> Reply {
        let outputs = members("Output", &self.deployed.stack.outputs);
        let parameters = members("Parameter", &self.deployed.stack.parameters);
        let created = jiff::Timestamp::from_millisecond(self.services.clock().start().0).unwrap_or_default();
        let arn = format!("arn:aws:cloudformation:{}:{}:stack/{stack}/up", names::REGION, names::ACCOUNT);
        Reply::xml(
            200,
            format!(
                "<DescribeStacksResponse xmlns=\"http://cloudformation.amazonaws.com/doc/{VERSION}/\">\
                 <DescribeStacksResult><Stacks><member><StackName>{stack}</StackName><StackId>{arn}</StackId>\
                 <CreationTime>{created:.3}</CreationTime><StackStatus>CREATE_COMPLETE</StackStatus>\
                 <Parameters>{parameters}</Parameters><Outputs>{outputs}</Outputs></member></Stacks>\
                 </DescribeStacksResult><ResponseMetadata><RequestId>outside</RequestId></ResponseMetadata>\
                 </DescribeStacksResponse>"
            ),
        )
    }
}

fn members(what: &str, values: &BTreeMap<String, String>) -> String {
    let member = |(name, value): (&String, &String)| {
        let value = escaped(value);
        format!("<member><{what}Key>{name}</{what}Key><{what}Value>{value}</{what}Value></member>")
    };
    values.iter().map(member).collect()
}
