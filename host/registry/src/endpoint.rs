//! Where a registry is reached: scheme and address of the server behind a reference's domain.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use reqwest::Url;

use crate::config::Proxy;
use crate::error::Error;

/// One server that speaks the distribution protocol.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Endpoint {
    /// The registry as references and credential files name it.
    pub name: String,
    /// Address of the server, with the port where one is given.
    pub authority: String,
    /// Whether TLS is spoken.
    pub tls: bool,
    /// Whether certificates must be good.
    pub verify: bool,
    /// What it is asked through, and whoever it sends us to; if none, what variables say.
    pub proxy: Option<Proxy>,
}

/// How the operator wants a registry to be spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Manner {
    /// With TLS.
    Secure,
    /// With TLS whatever the certificate, and without where there is none.
    Insecure,
    /// Without TLS.
    Plain,
}

impl Endpoint {
    /// The servers that may be behind `domain`, in the order to try: the first that can be talked to is the one.
    pub fn candidates(domain: &str, manner: Manner, proxy: Option<&Proxy>) -> Vec<Self> {
        let authority = match domain {
            "docker.io" | "index.docker.io" => "registry-1.docker.io",
            other => other,
        };
        let endpoint = |tls, verify| {
            let (name, authority, proxy) = (domain.to_owned(), authority.to_owned(), proxy.cloned());
            Self { name, authority, tls, verify, proxy }
        };
        match manner {
            Manner::Secure => vec![endpoint(true, true)],
            Manner::Insecure => vec![endpoint(true, false), endpoint(false, true)],
            Manner::Plain => vec![endpoint(false, true)],
        }
    }

    /// The URL of `path` (which begins with `/`) on this server.
    pub fn url(&self, path: &str) -> Result<Url, Error> {
        let scheme = if self.tls { "https" } else { "http" };
        Url::parse(&format!("{scheme}://{}{path}", self.authority))
            .map_err(|_| Error::resolver(&self.name, "not a host name that can be asked"))
    }
}

/// Whether `authority` (a host with or without port) means this machine.
pub(crate) fn is_loopback(authority: &str) -> bool {
    if let Some(rest) = authority.strip_prefix('[') {
        let address = rest.split(']').next().unwrap_or_default();
        return address.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback());
    }
    let host = authority.split(':').next().unwrap_or_default();
    host.eq_ignore_ascii_case("localhost") || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

/// Whether `url` points to this machine by a loopback name or address.
pub(crate) fn is_loopback_url(url: &Url) -> bool {
    url.host_str().is_some_and(is_loopback)
}

/// As [`is_loopback_url`], with the addresses that happen to end up here too.
fn reaches_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    is_loopback(host)
        || address.parse::<IpAddr>().is_ok_and(|address| {
            let address = address.to_canonical();
            address.is_loopback() || address.is_unspecified()
        })
}

/// Whether an answer from `from` may send the client on to `to`.
///
/// Never to another scheme than HTTP, never away from TLS, and never from elsewhere to this machine, whose services
/// must not be reachable through a reference in a file that is linted. Within this machine everything goes.
pub(crate) fn may_follow(from: &Url, to: &Url) -> bool {
    let http = matches!(to.scheme(), "http" | "https") && to.host_str().is_some();
    let downgrade = from.scheme() == "https" && to.scheme() == "http";
    match (is_loopback_url(from), reaches_this_machine(to)) {
        (true, true) => http,
        (false, true) => false,
        (_, false) => http && !downgrade,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_recognised_with_and_without_port() {
        for yes in ["localhost", "LOCALHOST:5000", "127.0.0.1", "127.9.8.7:80", "[::1]", "[::1]:5000"] {
            assert!(is_loopback(yes), "{yes}");
        }
        for no in ["localhost.example", "128.0.0.1", "[::2]:5000", "127.0.0.1.example", "docker.io", ""] {
            assert!(!is_loopback(no), "{no}");
        }
    }

    #[test]
    fn endpoints_know_docker_hub_and_manners() {
        let urls = |domain: &str, manner| {
            let candidates = Endpoint::candidates(domain, manner, None);
            let urls = candidates.iter().map(|endpoint| endpoint.url("/v2/").unwrap().to_string());
            urls.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(urls("docker.io", Manner::Secure), "https://registry-1.docker.io/v2/");
        assert_eq!(urls("ghcr.io", Manner::Secure), "https://ghcr.io/v2/");
        assert_eq!(urls("[::1]:5000", Manner::Plain), "http://[::1]:5000/v2/");
        assert_eq!(urls("lab:5000", Manner::Insecure), "https://lab:5000/v2/ http://lab:5000/v2/");
    }

    #[test]
    fn servers_cannot_send_the_client_anywhere() {
        for (from, to, allowed) in [
            ("https://a.example/", "https://b.example/x", true),
            ("https://a.example/", "http://a.example/x", false),
            ("http://a.example/", "http://b.example/x", true),
            ("https://a.example/", "http://127.0.0.1/x", false),
            ("https://a.example/", "https://[::1]/x", false),
            ("https://a.example/", "https://0.0.0.0/x", false),
            ("https://a.example/", "https://[::ffff:127.0.0.1]/x", false),
            ("https://a.example/", "https://2130706433/x", false),
            ("http://localhost:1/", "http://127.0.0.1:2/x", true),
            ("http://localhost:1/", "https://b.example/x", true),
            ("http://localhost:1/", "ftp://localhost/x", false),
        ] {
            let (from, to) = (Url::parse(from).unwrap(), Url::parse(to).unwrap());
            assert_eq!(may_follow(&from, &to), allowed, "{from} -> {to}");
        }
    }
}
