//! The section `Rules`: what CloudFormation asserts of the parameters before it makes anything.
//!
//! Invariant: a rule speaks of parameters alone; resources are not there yet.

use super::error::{Problem, TemplateError, listed};
use super::resolve::{At, Scope};
use super::yaml::Node;

impl Scope<'_> {
    /// Refuses parameters that break a rule.
    pub(super) fn check_rules(&mut self) -> Result<(), TemplateError> {
        let document = self.document;
        document.rules.iter().try_for_each(|(name, rule)| self.check_rule(&format!("Rules.{name}"), rule))
    }

    fn check_rule(&mut self, path: &str, rule: &Node) -> Result<(), TemplateError> {
        let parts = rule.known_entries(path, &["RuleCondition", "Assertions"], &[])?;
        let concerns = match parts.get("RuleCondition") {
            Some(condition) => self.holds_of_parameters(condition, &format!("{path}.RuleCondition"))?,
            None => true,
        };
        let path = format!("{path}.Assertions");
        let Some(assertions) = parts.get("Assertions").and_then(Node::items) else {
            return Err(rule.problem(Problem::Missing { path, accepted: "a list of assertions".to_owned() }));
        };
        for (index, assertion) in assertions.iter().enumerate() {
            self.check_assertion(&format!("{path}[{index}]"), assertion, concerns)?;
        }
        Ok(())
    }

    /// Reads it even where the rule is of no concern, for whoever deploys with other values.
    fn check_assertion(&mut self, path: &str, node: &Node, concerns: bool) -> Result<(), TemplateError> {
        let parts = node.known_entries(path, &["Assert", "AssertDescription"], &[])?;
        let Some(assert) = parts.get("Assert") else {
            let (path, accepted) = (format!("{path}.Assert"), "Equals, Not".to_owned());
            return Err(node.problem(Problem::Missing { path, accepted }));
        };
        let holds = self.holds_of_parameters(assert, &format!("{path}.Assert"))?;
        let description = parts.get("AssertDescription").map(|said| said.literal(path)?.text());
        let said = description.transpose()?.unwrap_or_else(|| "it does not hold".to_owned());
        if holds || !concerns {
            return Ok(());
        }
        Err(assert.problem(Problem::Rule { path: path.to_owned(), said }))
    }

    fn holds_of_parameters(&mut self, node: &Node, path: &str) -> Result<bool, TemplateError> {
        self.uses.clear();
        let holds = self.holds(node, path)?;
        let Some(resource) = self.uses.first() else { return Ok(holds) };
        let known = listed(self.document.parameters.keys().map(String::as_str));
        Err(At { path, place: &node.place }.unknown(format!("parameter {resource}"), known))
    }
}
