//! What Lambda says of an invocation.
//!
//! Invariant: a trace is known only where X-Ray keeps it. Lambda names one for every invocation, also while tracing is off,
//! and that one leads nowhere.

use payments::UnixMs;

/// One invocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// When Lambda kills the container.
    pub deadline: UnixMs,
    /// The trace that X-Ray keeps of it.
    pub trace: Option<TraceId>,
}

impl Invocation {
    /// Of what the Runtime API says: the deadline in Unix milliseconds, and X-Ray's header if there is one.
    #[must_use]
    pub fn of(deadline_ms: u64, xray_header: Option<&str>) -> Self {
        let deadline = UnixMs(i64::try_from(deadline_ms).unwrap_or(i64::MAX));
        Self { deadline, trace: xray_header.and_then(TraceId::kept) }
    }
}

/// A trace's id, `1-`, eight hexadecimal digits, `-`, twenty-four of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceId(String);

impl TraceId {
    /// The trace that a header such as `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1` names, if it
    /// is kept.
    /// <https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader>
    #[must_use]
    pub fn kept(header: &str) -> Option<Self> {
        let part = |name: &str| {
            let mut parts = header.split(';').filter_map(|part| part.trim().split_once('='));
            parts.find(|(known, _)| *known == name).map(|(_, value)| value)
        };
        let root = part("Root").filter(|_| part("Sampled") == Some("1"))?;
        let is_hex =
            |text: &str, digits: usize| text.len() == digits && text.bytes().all(|it| it.is_ascii_hexdigit());
        match root.split('-').collect::<Vec<_>>().as_slice() {
            ["1", time, unique] if is_hex(time, 8) && is_hex(unique, 24) => Some(Self(root.to_owned())),
            _ => None,
        }
    }

    /// As the console asks for it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_known_where_it_is_kept_and_nowhere_else() {
        let root = "1-5759e988-bd862e3fe1be46a994272793";
        let known = |header: &str| TraceId::kept(header).map(|trace| trace.as_str().to_owned());
        for kept in [
            format!("Root={root};Parent=53995c3f42cd8ad8;Sampled=1"),
            format!("Root={root};Parent=53995c3f42cd8ad8;Sampled=1;Lineage=a87bd80c:0"),
            format!("Sampled=1; Root={root}"),
        ] {
            assert_eq!(known(&kept).as_deref(), Some(root), "{kept}");
        }
        for other in [
            format!("Root={root};Parent=53995c3f42cd8ad8;Sampled=0"),
            format!("Root={root}"),
            "Sampled=1".to_owned(),
            "Root=1-5759e988-bd862e3fe1be46a99427279;Sampled=1".to_owned(),
            "Root=1-5759e988-bd862e3fe1be46a994272793-1;Sampled=1".to_owned(),
            format!("Root={root} or so;Sampled=1"),
            String::new(),
        ] {
            assert_eq!(known(&other), None, "{other}");
        }
    }

    #[test]
    fn an_invocation_has_a_deadline_and_perhaps_a_trace() {
        let untraced = Invocation { deadline: UnixMs(1_767_603_660_000), trace: None };
        assert_eq!(Invocation::of(1_767_603_660_000, None), untraced);
        assert_eq!(Invocation::of(u64::MAX, None).deadline, UnixMs(i64::MAX));
        let traced = Invocation::of(0, Some("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"));
        assert!(traced.trace.is_some());
    }
}
