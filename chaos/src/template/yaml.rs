//! YAML text to nodes: positions kept, short tags and long forms of a function made one.
//!
//! Invariant: a node that is the value of a key carries the key's line, which is where a reader looks.

use super::error::{Place, Problem, TemplateError};
use saphyr::{LoadableYamlNode, MarkedYaml, Scalar as YamlScalar, Tag, YamlData};
use std::sync::Arc;

/// A node of the template before anything is resolved.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) form: Form,
}

/// What a node is.
#[derive(Clone, Debug)]
pub(super) enum Form {
    Scalar(Scalar),
    List(Vec<Node>),
    /// In the order of the file; keys are unique.
    Map(Vec<(String, Node)>),
    Call(Function, Box<Node>),
}

/// A plain value. CloudFormation turns numbers into text and back at will, so nothing finer is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Integer(i64),
    Text(String),
}

/// The intrinsic functions that are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Ref,
    GetAtt,
    Sub,
    Equals,
    Not,
    If,
    Select,
    Split,
}

impl Function {
    const ALL: [(Self, &'static str); 8] = [
        (Self::Ref, "Ref"),
        (Self::GetAtt, "GetAtt"),
        (Self::Sub, "Sub"),
        (Self::Equals, "Equals"),
        (Self::Not, "Not"),
        (Self::If, "If"),
        (Self::Select, "Select"),
        (Self::Split, "Split"),
    ];

    /// Its name as in the short tag, without `!`.
    pub(super) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(function, _)| *function == self).map_or("", |(_, name)| name)
    }

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(function, _)| *function)
    }
}

/// Reads one YAML document. `file` is only named in errors.
pub(super) fn parse(file: &str, text: &str) -> Result<Node, TemplateError> {
    let file: Arc<str> = file.into();
    let documents = MarkedYaml::load_from_str(text).map_err(|error| TemplateError {
        place: Place { file: file.clone(), line: error.marker().line() },
        problem: Problem::NotYaml(error.info().to_owned()),
    })?;
    match documents.as_slice() {
        [document] => Reader { file }.node(document, document.span.start.line()),
        others => Err(TemplateError {
            place: Place { file, line: 0 },
            problem: Problem::NotYaml(format!("{} documents; accepted: one", others.len())),
        }),
    }
}

struct Reader {
    file: Arc<str>,
}

impl Reader {
    fn node(&self, yaml: &MarkedYaml<'_>, line: usize) -> Result<Node, TemplateError> {
        let form = match &yaml.data {
            YamlData::Value(scalar) => Form::Scalar(plain(scalar)),
            YamlData::Sequence(items) => {
                Form::List(items.iter().map(|item| self.node(item, line_of(item))).collect::<Result<_, _>>()?)
            }
            YamlData::Mapping(entries) => {
                let entries = entries
                    .iter()
                    .map(|(key, value)| self.entry(key, value))
                    .collect::<Result<Vec<_>, _>>()?;
                self.call_or_map(entries, line)?
            }
            YamlData::Tagged(tag, inner) => self.tagged(tag, inner, line)?,
            YamlData::Representation(..) | YamlData::Alias(_) | YamlData::BadValue => {
                return Err(self.not_yaml(line, "a value that YAML cannot read"));
            }
        };
        Ok(Node { place: self.place(line), form })
    }

    fn entry(&self, key: &MarkedYaml<'_>, value: &MarkedYaml<'_>) -> Result<(String, Node), TemplateError> {
        let line = line_of(key);
        let name = match &key.data {
            YamlData::Value(YamlScalar::String(name)) => name.clone().into_owned(),
            YamlData::Value(YamlScalar::Integer(number)) => number.to_string(),
            YamlData::Value(YamlScalar::Boolean(value)) => value.to_string(),
            YamlData::Value(YamlScalar::Null | YamlScalar::FloatingPoint(_))
            | YamlData::Sequence(_)
            | YamlData::Mapping(_)
            | YamlData::Tagged(..)
            | YamlData::Representation(..)
            | YamlData::Alias(_)
            | YamlData::BadValue => {
                return Err(self.not_yaml(line, "a key that is not text"));
            }
        };
        Ok((name, self.node(value, line)?))
    }

    fn tagged(&self, tag: &Tag, inner: &MarkedYaml<'_>, line: usize) -> Result<Form, TemplateError> {
        match Function::parse(&tag.suffix) {
            Some(function) if tag.handle == "!" => {
                Ok(Form::Call(function, Box::new(self.node(inner, line)?)))
            }
            Some(_) | None => Err(self.unknown_function(&tag.to_string(), line)),
        }
    }

    /// `{Ref: X}` and `{Fn::GetAtt: X}` are calls.
    fn call_or_map(&self, mut entries: Vec<(String, Node)>, line: usize) -> Result<Form, TemplateError> {
        let function = match entries.as_slice() {
            [(key, _)] if key == "Ref" => Some(Function::Ref),
            [(key, _)] => match key.strip_prefix("Fn::").map(Function::parse) {
                Some(Some(function)) => Some(function),
                Some(None) => return Err(self.unknown_function(key, line)),
                None => None,
            },
            _ => None,
        };
        Ok(match (function, entries.pop()) {
            (Some(function), Some((_, argument))) => Form::Call(function, Box::new(argument)),
            (_, last) => {
                entries.extend(last);
                Form::Map(entries)
            }
        })
    }

    fn unknown_function(&self, name: &str, line: usize) -> TemplateError {
        TemplateError {
            place: self.place(line),
            problem: Problem::Unsupported {
                path: name.to_owned(),
                what: "this function".to_owned(),
                accepted: super::error::listed(Function::ALL.iter().map(|(_, name)| *name)),
            },
        }
    }

    fn not_yaml(&self, line: usize, what: &str) -> TemplateError {
        TemplateError { place: self.place(line), problem: Problem::NotYaml(what.to_owned()) }
    }

    fn place(&self, line: usize) -> Place {
        Place { file: self.file.clone(), line }
    }
}

/// A tagged node may carry no span of its own; then what it wraps does.
fn line_of(yaml: &MarkedYaml<'_>) -> usize {
    match (yaml.span.start.line(), &yaml.data) {
        (0, YamlData::Tagged(_, inner)) => line_of(inner),
        (line, _) => line,
    }
}

fn plain(scalar: &YamlScalar<'_>) -> Scalar {
    match scalar {
        YamlScalar::Null => Scalar::Null,
        YamlScalar::Boolean(value) => Scalar::Bool(*value),
        YamlScalar::Integer(value) => Scalar::Integer(*value),
        YamlScalar::FloatingPoint(value) => Scalar::Text(value.to_string()),
        YamlScalar::String(text) => Scalar::Text(text.clone().into_owned()),
    }
}
