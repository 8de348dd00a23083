//! Routes: the servers that a question goes to, mirrors first, and what they said when all have failed.

use std::sync::Arc;
use std::time::Instant;

use plimsoll_dockerfile::Reference;

use crate::error::Error;
use crate::host::Host;
use crate::limits::MIRRORS_SHOWN_MAX;

/// One server, and how the reference is called there.
pub(crate) struct Route {
    pub host: Arc<Host>,
    pub reference: Reference,
}

/// When the answer of a route is due where `left` routes are left, itself included: the time is shared, so that a
/// mirror that is silent does not take that of the registry.
pub(crate) fn due(deadline: Option<Instant>, left: usize) -> Option<Instant> {
    let now = Instant::now();
    let share = |deadline: Instant| deadline.saturating_duration_since(now) / u32::try_from(left.max(1)).unwrap_or(1);
    deadline.map(|deadline| if left <= 1 { deadline } else { now + share(deadline) })
}

/// The error when nobody answered: the registry's own, with what the mirrors said.
pub(crate) fn failed(mut registry: Error, mirrors: &[Error]) -> Error {
    if mirrors.is_empty() {
        return registry;
    }
    let shown: Vec<&str> = mirrors.iter().take(MIRRORS_SHOWN_MAX).map(|error| error.detail.as_str()).collect();
    let more = mirrors.len() - shown.len();
    registry.detail = format!("{}; its mirrors: {}", registry.detail, shown.join("; "));
    if more > 0 {
        registry.detail.push_str(&format!("; and {more} more"));
    }
    registry
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn time_is_shared_among_those_who_are_left() {
        let deadline = Instant::now() + Duration::from_secs(12);
        let left = |routes| (due(Some(deadline), routes).unwrap() - Instant::now()).as_secs_f64().round();
        assert_eq!((left(3), left(2), left(1), left(0)), (4.0, 6.0, 12.0, 12.0));
        assert_eq!(due(None, 3), None);
    }

    #[test]
    fn mirrors_are_told_of_up_to_a_number() {
        let error = |what: &str| Error::resolver("h", what);
        assert_eq!(failed(error("own"), &[]).detail, "h: own");
        let mirrors: Vec<Error> = ["a", "b", "c", "d", "e", "f"].map(error).into();
        assert_eq!(failed(error("own"), &mirrors[..1]).detail, "h: own; its mirrors: h: a");
        let detail = failed(error("own"), &mirrors).detail;
        assert_eq!(detail, "h: own; its mirrors: h: a; h: b; h: c; h: d; and 2 more");
    }
}
