//! Named conditions, and the guard against names that need themselves.
//!
//! Invariant: a name is never resolved while it is being resolved.

use super::error::{Problem, TemplateError, listed};
use super::resolve::{At, Scope};
use super::value::Value;
use super::yaml::{Form, Function, Node};

/// Names being resolved, outermost first.
#[derive(Debug, Default)]
pub(super) struct Open(Vec<String>);

impl Open {
    /// Enters `name`; an error if it is already open.
    pub(super) fn enter(&mut self, name: &str, at: At<'_>) -> Result<(), TemplateError> {
        let first = self.0.iter().position(|open| open == name);
        self.0.push(name.to_owned());
        match first {
            None => Ok(()),
            Some(first) => Err(at.problem(Problem::Circular { chain: self.0[first..].join(" → ") })),
        }
    }

    /// Leaves the name entered last.
    pub(super) fn leave(&mut self) {
        self.0.pop();
    }
}

/// What `Ref` gives in the place of a value that is to be left out.
const NO_VALUE: &str = "AWS::NoValue";

impl Scope<'_> {
    /// The node that stands for this one under this deployment's conditions; none where that is no value.
    pub(super) fn chosen<'n>(
        &mut self,
        node: &'n Node,
        path: &str,
    ) -> Result<Option<&'n Node>, TemplateError> {
        let mut chosen = node;
        loop {
            match &chosen.form {
                Form::Call(Function::If, argument) => {
                    let [condition, yes, no] = argument.items().unwrap_or_default() else {
                        let at = At { path, place: &chosen.place };
                        return Err(at.misused(Function::If, "[condition, value, value]"));
                    };
                    chosen = if self.condition(&condition.literal(path)?)? { yes } else { no };
                }
                Form::Call(Function::Ref, name) if name.literal(path)?.text()? == NO_VALUE => {
                    return Ok(None);
                }
                Form::Call(..) | Form::Scalar(_) | Form::List(_) | Form::Map(_) => return Ok(Some(chosen)),
            }
        }
    }

    /// Whether the condition that `name` names holds.
    pub(super) fn condition(&mut self, name: &Value) -> Result<bool, TemplateError> {
        let at = At { path: &name.path, place: &name.place };
        let name = name.text()?;
        let document = self.document;
        let Some(node) = document.conditions.get(&name) else {
            let known = listed(document.conditions.keys().map(String::as_str));
            return Err(at.unknown(format!("condition {name}"), known));
        };
        self.open.enter(&name, at)?;
        let holds = self.holds(node, &format!("Conditions.{name}"));
        self.open.leave();
        holds
    }

    /// Whether what stands here holds.
    pub(super) fn holds(&mut self, node: &Node, path: &str) -> Result<bool, TemplateError> {
        const ACCEPTED: &str = "Equals, Not";
        let at = At { path, place: &node.place };
        match &node.form {
            Form::Call(Function::Equals, argument) => match argument.items() {
                Some([left, right]) => Ok(self.text(left, path)? == self.text(right, path)?),
                _ => Err(at.misused(Function::Equals, "[value, value]")),
            },
            Form::Call(Function::Not, argument) => match argument.items() {
                Some([inner]) => Ok(!self.holds(inner, path)?),
                _ => Err(at.misused(Function::Not, "[condition]")),
            },
            Form::Scalar(_) | Form::List(_) | Form::Map(_) | Form::Call(..) => {
                Err(at.problem(Problem::Value {
                    path: path.to_owned(),
                    found: "not a condition".to_owned(),
                    accepted: ACCEPTED.to_owned(),
                }))
            }
        }
    }
}
