//! The template's sections, told apart but not yet resolved.
//!
//! Invariant: every section, resource type and resource attribute in a `Document` is one the world knows.

use super::edge::FUNCTION_URL;
use super::error::{Problem, TemplateError, listed};
use super::types::{
    IMMATERIAL_ATTRIBUTES, IMMATERIAL_SECTIONS, RESOURCE_ATTRIBUTES, ResourceType, SECTIONS, known_types,
};
use super::value::{Data, Value};
use super::yaml::{Form, Node, Scalar};
use std::collections::BTreeMap;

const TRANSFORM: &str = "AWS::Serverless-2016-10-31";

/// One template file.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) root: Node,
    pub(super) parameters: BTreeMap<String, Node>,
    pub(super) rules: BTreeMap<String, Node>,
    pub(super) conditions: BTreeMap<String, Node>,
    pub(super) resources: BTreeMap<String, Resource>,
    pub(super) outputs: BTreeMap<String, Node>,
}

/// One resource, its properties unresolved; `Globals` are already part of them.
#[derive(Debug)]
pub(super) struct Resource {
    pub(super) logical_id: String,
    pub(super) kind: &'static ResourceType,
    pub(super) condition: Option<Value>,
    pub(super) depends_on: Vec<Value>,
    pub(super) properties: Node,
}

impl Document {
    /// Tells the sections of a parsed template apart.
    pub(super) fn new(root: Node) -> Result<Self, TemplateError> {
        let mut sections = root.known_entries("the template", SECTIONS, IMMATERIAL_SECTIONS)?;
        if let Some(transform) = sections.remove("Transform") {
            transform.literal("Transform")?.one_of(&[TRANSFORM])?;
        }
        let mut section = |name: &str| match sections.remove(name) {
            Some(node) => node.entries(name),
            None => Ok(BTreeMap::new()),
        };
        let globals = section("Globals")?;
        let globals = Globals::new(globals)?;
        let (parameters, conditions) = (section("Parameters")?, section("Conditions")?);
        let (rules, outputs) = (section("Rules")?, section("Outputs")?);
        let mut resources = section("Resources")?
            .into_iter()
            .map(|(id, node)| Ok((id.clone(), Resource::new(id, &node, &globals)?)))
            .collect::<Result<BTreeMap<_, _>, TemplateError>>()?;
        let urls: Vec<Resource> = resources.values().filter_map(Resource::url).collect();
        resources.extend(urls.into_iter().map(|url| (url.logical_id.clone(), url)));
        Ok(Self { root, parameters, rules, conditions, resources, outputs })
    }
}

impl Resource {
    fn new(logical_id: String, node: &Node, globals: &Globals) -> Result<Self, TemplateError> {
        let mut attributes = node.known_entries(&logical_id, RESOURCE_ATTRIBUTES, IMMATERIAL_ATTRIBUTES)?;
        let kind = match attributes.remove("Type") {
            Some(kind) => resource_type(&logical_id, &kind)?,
            None => {
                return Err(node.problem(Problem::Missing {
                    path: format!("{logical_id}.Type"),
                    accepted: listed(known_types()),
                }));
            }
        };
        let condition = attributes
            .remove("Condition")
            .map(|node| node.literal(&format!("{logical_id}.Condition")))
            .transpose()?;
        let depends_on = match attributes.remove("DependsOn") {
            Some(node) => one_or_more(node.literal(&format!("{logical_id}.DependsOn"))?),
            None => Vec::new(),
        };
        let own = attributes
            .remove("Properties")
            .unwrap_or_else(|| Node { place: node.place.clone(), form: Form::Map(Vec::new()) });
        let properties = globals.beneath(kind, own);
        Ok(Self { logical_id, kind, condition, depends_on, properties })
    }

    /// The resource that SAM makes of a function's `FunctionUrlConfig`, called after the function.
    fn url(&self) -> Option<Self> {
        let Node { place, .. } = self.property("FunctionUrlConfig")?;
        let function = Value {
            path: format!("{}.FunctionUrlConfig", self.logical_id),
            place: place.clone(),
            data: Data::Scalar(Scalar::Text(self.logical_id.clone())),
        };
        Some(Self {
            logical_id: format!("{}Url", self.logical_id),
            kind: &FUNCTION_URL,
            condition: self.condition.clone(),
            depends_on: vec![function],
            properties: Node { place: place.clone(), form: Form::Map(Vec::new()) },
        })
    }

    /// The unresolved property `name`, if it is there.
    pub(super) fn property(&self, name: &str) -> Option<&Node> {
        match &self.properties.form {
            Form::Map(entries) => entries.iter().find(|(key, _)| key == name).map(|(_, node)| node),
            Form::Scalar(_) | Form::List(_) | Form::Call(..) => None,
        }
    }
}

fn resource_type(logical_id: &str, node: &Node) -> Result<&'static ResourceType, TemplateError> {
    let name = node.literal(&format!("{logical_id}.Type"))?.text()?;
    ResourceType::parse(&name).ok_or_else(|| {
        node.problem(Problem::Unsupported {
            path: logical_id.to_owned(),
            what: format!("the type {name}"),
            accepted: listed(known_types()),
        })
    })
}

fn one_or_more(value: Value) -> Vec<Value> {
    match value.list() {
        Ok(items) => items.to_vec(),
        Err(_) => vec![value],
    }
}

/// What `Globals` says about functions; SAM knows other sections, which no resource here could use.
struct Globals {
    function: Option<Node>,
}

impl Globals {
    fn new(mut sections: BTreeMap<String, Node>) -> Result<Self, TemplateError> {
        let function = sections.remove("Function");
        match sections.first_key_value() {
            None => Ok(Self { function }),
            Some((name, node)) => Err(node.problem(Problem::Unsupported {
                path: "Globals".to_owned(),
                what: format!("the section {name}"),
                accepted: "Function".to_owned(),
            })),
        }
    }

    fn beneath(&self, kind: &ResourceType, own: Node) -> Node {
        match &self.function {
            Some(globals) if kind.name == "AWS::Serverless::Function" => merged(globals.clone(), own),
            Some(_) | None => own,
        }
    }
}

/// SAM's rule: maps are merged, lists joined (globals first), anything else is the resource's own.
fn merged(globals: Node, own: Node) -> Node {
    let form = match (globals.form, own.form) {
        (Form::Map(mut below), Form::Map(above)) => {
            for (key, node) in above {
                match below.iter_mut().find(|(known, _)| *known == key) {
                    Some((_, under)) => *under = merged(under.clone(), node),
                    None => below.push((key, node)),
                }
            }
            Form::Map(below)
        }
        (Form::List(mut below), Form::List(above)) => {
            below.extend(above);
            Form::List(below)
        }
        (_, own) => own,
    };
    Node { place: own.place, form }
}

impl Node {
    /// Its entries by key.
    pub(super) fn entries(&self, path: &str) -> Result<BTreeMap<String, Self>, TemplateError> {
        match &self.form {
            Form::Map(entries) => Ok(entries.iter().cloned().collect()),
            Form::Scalar(Scalar::Null) => Ok(BTreeMap::new()),
            Form::Scalar(_) | Form::List(_) | Form::Call(..) => Err(self.problem(Problem::Value {
                path: path.to_owned(),
                found: "not a map".to_owned(),
                accepted: "a map".to_owned(),
            })),
        }
    }

    /// Its entries by key, without those that cannot matter; any other key is refused.
    pub(super) fn known_entries(
        &self,
        path: &str,
        known: &[&str],
        immaterial: &[(&str, &str)],
    ) -> Result<BTreeMap<String, Self>, TemplateError> {
        let mut entries = self.entries(path)?;
        for (key, _) in immaterial {
            entries.remove(*key);
        }
        match entries.iter().find(|(key, _)| !known.contains(&key.as_str())) {
            None => Ok(entries),
            Some((key, node)) => Err(node.problem(Problem::Unsupported {
                path: path.to_owned(),
                what: key.clone(),
                accepted: listed(known.iter().copied().chain(immaterial.iter().map(|(name, _)| *name))),
            })),
        }
    }

    /// This problem, here.
    pub(super) fn problem(&self, problem: Problem) -> TemplateError {
        TemplateError { place: self.place.clone(), problem }
    }
}
