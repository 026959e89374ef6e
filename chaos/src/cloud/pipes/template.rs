//! `InputTemplate`: JSON with places for what a change holds.
//!
//! Only places inside a text in quotes are understood, as AWS recommends for whatever is not an object: it does not say
//! what becomes of text elsewhere. A value is put in as it is, unescaped; one that is not there is empty.
//! <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-input-transformation.html>
//! Invariant: what is rendered is a JSON object, or the event is refused.

use serde_json::Value;

/// A template, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    /// Names of fields, from the outermost on.
    Path(Vec<String>),
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// What is in it that is not understood.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (mut parts, mut rest, mut quotes) = (Vec::new(), text, 0);
        while let Some((before, after)) = rest.split_once('<') {
            let (place, after) = after.split_once('>').ok_or("a < without its >")?;
            quotes += before.matches('"').count();
            if quotes % 2 == 0 {
                return Err(format!("<{place}> outside of quotes"));
            }
            parts.push(Part::Text(before.to_owned()));
            parts.push(Part::Path(path(place)?));
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        let template = Self(parts);
        match template.render(&Value::Null) {
            Some(_) => Ok(template),
            None => Err("something other than a JSON object".to_owned()),
        }
    }

    /// The template filled in from `record`; nothing where that makes no JSON object.
    #[must_use]
    pub fn render(&self, record: &Value) -> Option<Value> {
        let text: String = self.0.iter().map(|part| part.render(record)).collect();
        serde_json::from_str(&text).ok().filter(Value::is_object)
    }
}

impl Part {
    fn render(&self, record: &Value) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Path(path) => match path.iter().try_fold(record, |value, field| value.get(field)) {
                None | Some(Value::Null) => String::new(),
                Some(Value::String(text)) => text.clone(),
                Some(other) => other.to_string(),
            },
        }
    }
}

/// `$.a.b` as names of fields.
fn path(place: &str) -> Result<Vec<String>, String> {
    let fields = place.strip_prefix("$.").ok_or_else(|| format!("<{place}>, which is no <$.field.field>"))?;
    let fields: Vec<String> = fields.split('.').map(str::to_owned).collect();
    let is_name = |name: &String| {
        !name.is_empty() && name.chars().all(|it| it.is_ascii_alphanumeric() || matches!(it, '_' | '-'))
    };
    if fields.iter().all(is_name) {
        Ok(fields)
    } else {
        Err(format!("<{place}>, of which letters, digits, _ and - are understood"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_put_where_their_paths_stand_and_what_is_missing_is_empty() {
        let template = Template::parse(r#"{"id":"<$.a.id.S>/<$.a.n.N>","none":"<$.a.b.c>","plain":1}"#);
        let record = json!({ "a": { "id": { "S": "order-1" }, "n": { "N": "3" }, "b": { "c": null } } });
        let rendered = template.unwrap().render(&record);
        assert_eq!(rendered, Some(json!({ "id": "order-1/3", "none": "", "plain": 1 })));
    }

    #[test]
    fn a_value_that_breaks_the_json_makes_no_event() {
        let template = Template::parse(r#"{"a":"<$.a>"}"#).unwrap();
        assert_eq!(template.render(&json!({ "a": "\"quoted\"" })), None);
        assert_eq!(template.render(&json!({ "a": "plain" })), Some(json!({ "a": "plain" })));
    }

    #[test]
    fn what_is_not_understood_is_refused_by_name() {
        let refused = |text: &str| Template::parse(text).unwrap_err();
        assert_eq!(refused(r#"{"a":<$.a>}"#), "<$.a> outside of quotes");
        assert_eq!(
            refused(r#"{"a":"<aws.pipes.pipe-name>"}"#),
            "<aws.pipes.pipe-name>, which is no <$.field.field>"
        );
        assert_eq!(
            refused(r#"{"a":"<$.a[0]>"}"#),
            "<$.a[0]>, of which letters, digits, _ and - are understood"
        );
        assert_eq!(refused(r#"{"a":"<$.a"}"#), "a < without its >");
        assert_eq!(refused(r#"{"a":"#), "something other than a JSON object");
        assert_eq!(refused(r#""<$.a>""#), "something other than a JSON object");
    }
}
