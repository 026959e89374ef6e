//! What calls of one kind have in common: which fields, of which types, and the values that are always the same.

use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::{self, Write};

/// All calls that were seen, by what they are.
#[derive(Debug, Default)]
pub(crate) struct Shapes(BTreeMap<String, Shape>);

#[derive(Debug, Default)]
struct Shape {
    calls: usize,
    fields: BTreeMap<String, Field>,
}

#[derive(Debug)]
struct Field {
    kind: &'static str,
    /// Unless several were seen.
    value: Option<String>,
    calls: usize,
    /// The call that had it last.
    last: usize,
}

impl Shapes {
    /// Takes note of one call.
    pub(crate) fn add(&mut self, what: String, body: &Value) {
        let shape = self.0.entry(what).or_default();
        shape.calls += 1;
        shape.add("", body);
    }
}

impl Shape {
    fn add(&mut self, path: &str, value: &Value) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    self.add(&path, value);
                }
            }
            Value::Array(items) if items.iter().any(Value::is_object) => {
                for item in items {
                    self.add(&format!("{path}[]"), item);
                }
            }
            Value::Null => self.note(path, "null", value),
            Value::Bool(_) => self.note(path, "boolean", value),
            Value::Number(_) => self.note(path, "number", value),
            Value::String(_) => self.note(path, "text", value),
            Value::Array(_) => self.note(path, "list", value),
        }
    }

    fn note(&mut self, path: &str, kind: &'static str, value: &Value) {
        let (call, value) = (self.calls, value.to_string());
        match self.fields.get_mut(path) {
            None => {
                let field = Field { kind, value: Some(value), calls: 1, last: call };
                self.fields.insert(path.to_owned(), field);
            }
            Some(field) => {
                if field.kind != kind {
                    field.kind = "of several types";
                }
                if field.value.as_ref() != Some(&value) {
                    field.value = None;
                }
                if field.last != call {
                    (field.calls, field.last) = (field.calls + 1, call);
                }
            }
        }
    }
}

impl fmt::Display for Shapes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, shape) in &self.0 {
            writeln!(f, "{what}")?;
            for (path, field) in &shape.fields {
                let mut line = format!("  {path}: {}", field.kind);
                if field.calls < shape.calls {
                    line += ", not always";
                }
                // Of what was seen once nobody knows whether it is always the same.
                if let Some(value) = field.value.as_ref().filter(|_| field.calls > 1) {
                    write!(line, ", {value}")?;
                }
                writeln!(f, "{line}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(bodies: &[Value]) -> String {
        let mut shapes = Shapes::default();
        for body in bodies {
            shapes.add("Call".to_owned(), body);
        }
        shapes.to_string()
    }

    #[test]
    fn a_field_that_is_dropped_of_another_type_or_of_another_value_is_told() {
        let usual = json!({ "Key": { "id": { "S": "a" } }, "ConsistentRead": true, "Names": ["x", "y"] });
        let again = json!({ "Key": { "id": { "S": "b" } }, "ConsistentRead": true, "Names": ["x", "y"] });
        let expected = told(&[usual.clone(), again.clone()]);
        assert_eq!(
            expected,
            "Call\n  ConsistentRead: boolean, true\n  Key.id.S: text\n  Names: list, [\"x\",\"y\"]\n"
        );
        let changed: [fn(&mut Value); 4] = [
            |call| call["ConsistentRead"] = json!(false),
            |call| call["Names"] = json!(["x"]),
            |call| call["Key"]["id"] = json!({ "N": "1" }),
            |call| drop(call.as_object_mut().expect("it is one").remove("ConsistentRead")),
        ];
        for change in changed {
            let mut other = again.clone();
            change(&mut other);
            assert_ne!(told(&[usual.clone(), other]), expected);
        }
    }
}
