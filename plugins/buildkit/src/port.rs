//! Ports of EXPOSE: `[[address:]host:]container[/protocol]`.

use plimsoll_sdk::prelude::*;

/// A port as the build reads it.
pub(crate) struct Port {
    /// All of it, after expansion.
    pub(crate) text: String,
}

impl Port {
    /// The ports of all steps that are needed, each with its word.
    pub(crate) fn of_document(document: &Document) -> impl Iterator<Item = (Step<'_>, usize, Self)> {
        let exposes = document.steps().filter(|step| step.keyword() == Keyword::Expose && step.is_needed());
        exposes.flat_map(|step| {
            step.ports().into_iter().map(move |port| (step, port.word as usize, Self { text: port.text }))
        })
    }

    /// Its protocol as written, `tcp` where none is; none if the build stops here
    /// before it looks any closer.
    pub(crate) fn protocol(&self) -> Option<&str> {
        let container = self.text.rsplit(':').next().unwrap_or_default();
        let (port, protocol) = container.split_once('/').unwrap_or((container, ""));
        let protocol = if protocol.is_empty() { "tcp" } else { protocol };
        let is_known = matches!(protocol.to_lowercase().as_str(), "tcp" | "udp" | "sctp");
        (is_known && !port.is_empty()).then_some(protocol)
    }

    /// Whether it names an address or a port of the host.
    pub(crate) fn names_host(&self) -> bool {
        self.text.rsplit_once(':').is_some_and(|(host, _)| !matches!(host, "" | ":"))
    }
}

#[cfg(test)]
mod tests {
    use super::Port;

    #[test]
    fn parts() {
        let check = |text: &str, protocol: Option<&str>, names_host| {
            let port = Port { text: text.to_owned() };
            assert_eq!((port.protocol(), port.names_host()), (protocol, names_host), "{text}");
        };
        check("80", Some("tcp"), false);
        check("80/", Some("tcp"), false);
        check("80/UDP", Some("UDP"), false);
        check("80/quic", None, false);
        check("/udp", None, false);
        check(":80", Some("tcp"), false);
        check("::80", Some("tcp"), false);
        check("8080:80/Tcp", Some("Tcp"), true);
        check("[::1]:8080:80", Some("tcp"), true);
        check("127.0.0.1::80", Some("tcp"), true);
    }
}
