use payments::UnixMs;
use serde_json::Value;
use std::collections::BTreeMap;
pub struct EdgeFunction;
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FunctionError {
    #[error("there is no such function")]
    Missing,
}
impl EdgeFunction {
    pub fn new(_: &str) -> Result<Self, FunctionError> {
        Ok(Self)
    }
    pub fn run(
        &self,
        event: &Value,
        _: Option<&BTreeMap<String, String>>,
        _: UnixMs,
    ) -> Result<Value, FunctionError> {
        Ok(event["request"].clone())
    }
}
