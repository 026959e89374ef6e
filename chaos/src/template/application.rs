//! `AWS::Serverless::Application`: a template inside a template.
//!
//! Invariant: a nested template is assembled once, with the parameters its parent gives and no others.

use super::document::Resource;
use super::error::{Problem, TemplateError};
use super::resolve::{At, Scope};
use super::types::{APPLICATION_IMMATERIAL, Role};
use super::value::Value;
use super::{Deployment, Stack, assemble};
use std::path::{Path, PathBuf};

impl Scope<'_> {
    /// The stack of a nested application. Assembled when it is first asked for: its parent may read its outputs.
    pub(super) fn application(&mut self, resource: &Resource, at: At<'_>) -> Result<&Stack, TemplateError> {
        let id = &resource.logical_id;
        if !self.nested.contains_key(id) {
            self.open.enter(id, at)?;
            let properties = self.value(&resource.properties, id)?;
            let stack = self.assemble_nested(resource, &properties)?;
            self.open.leave();
            self.nested.insert(id.clone(), stack);
        }
        Ok(&self.nested[id])
    }

    fn assemble_nested(&self, resource: &Resource, properties: &Value) -> Result<Stack, TemplateError> {
        debug_assert_eq!(resource.kind.role, Role::Application);
        let fields = properties.fields(&["Location", "Parameters"], APPLICATION_IMMATERIAL)?;
        let location = fields.require("Location", "the path of a template")?;
        let path = self.beside_this_template(location)?;
        let mut parameters = std::collections::BTreeMap::new();
        if let Some(given) = fields.get("Parameters") {
            for (name, value) in given.map()? {
                parameters.insert(name.clone(), value.text()?);
            }
        }
        let deployment = Deployment {
            stack_name: format!("{}-{}", self.deployment.stack_name, resource.logical_id),
            parameters,
            ..self.deployment.clone()
        };
        let files: Vec<PathBuf> = self.files.iter().cloned().chain([path]).collect();
        assemble(&files, &deployment, self.read)
    }

    fn beside_this_template(&self, location: &Value) -> Result<PathBuf, TemplateError> {
        let text = location
            .text()
            .ok()
            .filter(|text| !text.contains("://"))
            .ok_or_else(|| location.is_not("the path of a template on this machine"))?;
        let here = self.files.last().and_then(|file| file.parent()).unwrap_or(Path::new(""));
        let path = here.join(text.trim_start_matches("./"));
        if self.files.contains(&path) {
            return Err(location
                .at()
                .problem(Problem::Circular { chain: format!("{} → {}", location.path, path.display()) }));
        }
        Ok(path)
    }
}
