//! The one way of rules to servers that are no registries.
//!
//! Input: a request to a URL. Output: an answer with success, redirects followed.
//! Invariants: nothing but addresses of the internet is connected to, however a
//! server is named and wherever it redirects; a name's addresses are looked up
//! once for a connection, checked, and those are connected to; neither
//! credentials nor cookies are sent. Hosts that the user allowed are free of
//! this. Where the user's proxy stands between, it looks names up and decides;
//! addresses and this machine's own name are still refused here.

mod address;
mod failure;

use std::net::SocketAddr;
use std::sync::OnceLock;

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderMap, HeaderValue, LOCATION};
use reqwest::{Method, Response};
use url::{Host, Position, Url};

use crate::limits::{CONNECT_TIMEOUT, REDIRECTS_MAX};
use crate::question::SkipReason;
use address::is_public;
use failure::NotPublic;
pub(super) use failure::Trouble;

/// The HTTP clients of a run, built when first needed.
pub struct Web {
    /// `host` or `host:port` that may be anywhere.
    allowed: Vec<String>,
    proxies: Matcher,
    /// By [`Way`], then by whether it must speak TLS, whose roots cost time to load.
    clients: [[OnceLock<Result<reqwest::Client, String>>; 2]; 3],
}

/// What is sent. One without a body is a GET and follows redirects.
pub(super) struct Request {
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Vec<u8>>,
}

/// How a host is reached.
#[derive(Clone, Copy)]
enum Way {
    /// Its addresses are checked.
    Guarded,
    /// The user allowed it.
    Allowed,
    /// Through the user's proxy.
    Proxy,
}

impl Web {
    /// A client that has asked nothing yet. The hosts allowed, `host` or
    /// `host:port`, may be this machine or in its network.
    pub fn new(allowed: impl IntoIterator<Item = String>) -> Self {
        let mut allowed: Vec<String> = allowed.into_iter().map(|host| host.to_ascii_lowercase()).collect();
        allowed.sort_unstable();
        Self { allowed, proxies: Matcher::from_system(), clients: Default::default() }
    }

    /// Sends a request once. The answer has success; its URL is the one that gave it.
    pub(super) async fn send(&self, request: &Request) -> Result<Response, Trouble> {
        let mut url = request.url.clone();
        for _ in 0..=REDIRECTS_MAX {
            let response = self.exchange(request, &url).await?;
            let status = response.status();
            if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
                let encoding = response.headers().get(CONTENT_ENCODING).map(HeaderValue::as_bytes);
                return match encoding {
                    _ if !status.is_success() => {
                        Err(Trouble::of_status(host_of(&url), status.as_u16(), response.headers()))
                    }
                    // Nobody asked for that, and what a build would get is unknown.
                    Some(encoding) if encoding != b"identity" => {
                        Err(Trouble::answer(host_of(&url), "sent its content in another encoding than the plain one"))
                    }
                    _ => Ok(response),
                };
            }
            if request.body.is_some() {
                return Err(Trouble::answer(host_of(&url), "redirects a request that is not to be redirected"));
            }
            url = redirected(&url, response.headers())?;
        }
        Err(Trouble::answer(host_of(&request.url), format_args!("redirects more than {REDIRECTS_MAX} times")))
    }

    async fn exchange(&self, request: &Request, url: &Url) -> Result<Response, Trouble> {
        let host = host_of(url);
        let client = self.client(self.way(url)?, url).map_err(|cause| {
            Trouble::lasting(SkipReason::Network, format!("no secure connection to {host} ({cause})"))
        })?;
        let method = if request.body.is_some() { Method::POST } else { Method::GET };
        let mut builder = client.request(method, url.clone()).headers(request.headers.clone());
        builder = builder.header(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if let Some(body) = &request.body {
            builder = builder.body(body.clone());
        }
        builder.send().await.map_err(|error| Trouble::of_transport(host, &error))
    }

    /// What an answer depends on besides the question: the way to the server, and the hosts that redirects may
    /// lead to besides those of the internet. None for a server that may not be asked, as far as that can be told
    /// without looking its name up.
    pub(super) fn circumstances(&self, url: &Url) -> Option<String> {
        let way = match self.way(url).ok()? {
            Way::Guarded => "guarded",
            Way::Allowed => "allowed",
            Way::Proxy => "through a proxy",
        };
        Some(format!("{way} {}", self.allowed.join(" ")))
    }

    fn way(&self, url: &Url) -> Result<Way, Trouble> {
        let host = url.host();
        let is_allowed = self.allows(url);
        let is_foreign = match &host {
            Some(Host::Ipv4(address)) => is_public((*address).into()),
            Some(Host::Ipv6(address)) => is_public((*address).into()),
            Some(Host::Domain(name)) => {
                let name = name.strip_suffix('.').unwrap_or(name);
                name != "localhost" && !name.ends_with(".localhost")
            }
            None => false,
        };
        if !is_allowed && !is_foreign {
            return Err(Trouble::denied(host_of(url)));
        }
        // This machine is never asked through a proxy.
        let has_proxy = is_foreign
            && url[..Position::AfterPath].parse().is_ok_and(|address| self.proxies.intercept(&address).is_some());
        Ok(match (has_proxy, is_allowed) {
            (true, _) => Way::Proxy,
            (false, true) => Way::Allowed,
            (false, false) => Way::Guarded,
        })
    }

    /// Whether the user allowed this host, wherever it is.
    pub fn allows(&self, url: &Url) -> bool {
        let Some(host) = url.host_str() else { return false };
        let port = url.port_or_known_default().unwrap_or_default();
        self.allowed.iter().any(|allowed| allowed == host || *allowed == format!("{host}:{port}"))
    }

    fn client(&self, way: Way, url: &Url) -> Result<&reqwest::Client, String> {
        let is_tls = url.scheme() == "https";
        let built = self.clients[way as usize][usize::from(is_tls)].get_or_init(|| build(way, is_tls));
        built.as_ref().map_err(Clone::clone)
    }
}

fn build(way: Way, is_tls: bool) -> Result<reqwest::Client, String> {
    // Whoever installed a provider first wins; any will do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("plimsoll/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT);
    builder = match way {
        Way::Guarded => builder.no_proxy().dns_resolver(Guard),
        Way::Allowed => builder.no_proxy(),
        Way::Proxy => builder,
    };
    // A proxy may itself be behind TLS.
    if !is_tls && !matches!(way, Way::Proxy) {
        builder = builder.tls_certs_only([]);
    }
    builder.build().map_err(|error| error.to_string())
}

/// Looks names up, and hands on those of their addresses that are public. What
/// it hands on is connected to: no second look-up can say something else.
struct Guard;

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let public: Vec<SocketAddr> = found.iter().copied().filter(|address| is_public(address.ip())).collect();
            if public.is_empty() && !found.is_empty() {
                return Err(NotPublic.into());
            }
            Ok::<Addrs, Box<dyn std::error::Error + Send + Sync>>(Box::new(public.into_iter()))
        })
    }
}

/// Where a redirect leads. From TLS it may not lead to a connection without.
fn redirected(from: &Url, headers: &HeaderMap) -> Result<Url, Trouble> {
    let target = headers.get(LOCATION).and_then(|value| from.join(value.to_str().ok()?).ok());
    let is_fit = |target: &Url| {
        let is_web = matches!(target.scheme(), "http" | "https");
        let is_anonymous = target.username().is_empty() && target.password().is_none();
        is_web && is_anonymous && (from.scheme() == "http" || target.scheme() == "https")
    };
    let mut target =
        target.filter(is_fit).ok_or_else(|| Trouble::answer(host_of(from), "redirects to where it must not"))?;
    target.set_fragment(None);
    Ok(target)
}

/// The part of a URL that says who is asked.
pub(super) fn host_of(url: &Url) -> &str {
    &url[Position::BeforeHost..Position::AfterPort]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(allowed: &[&str], url: &str) -> Option<Way> {
        let web = Web { proxies: Matcher::builder().build(), ..Web::new(allowed.iter().map(ToString::to_string)) };
        web.way(&url.parse().unwrap()).ok()
    }

    #[test]
    fn this_machine_is_refused_in_every_spelling() {
        for url in [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f.0.0.1/",
            "http://0177.0.0.1/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:a9fe:a9fe]/",
            "http://0/",
            "http://localhost/",
            "https://LOCALHOST./",
            "http://a.localhost:80/",
            "http://169.254.169.254/latest",
            "http://１２７.0.0.1/",
        ] {
            assert!(way(&[], url).is_none(), "{url}");
        }
        assert!(matches!(way(&[], "https://example.com/"), Some(Way::Guarded)));
    }

    #[test]
    fn what_the_user_allows_is_that_host_and_port_alone() {
        assert!(matches!(way(&["127.0.0.1:8080"], "http://127.0.0.1:8080/a"), Some(Way::Allowed)));
        assert!(way(&["127.0.0.1:8080"], "http://127.0.0.1:8081/a").is_none());
        assert!(matches!(way(&["LocalHost"], "http://localhost:99/"), Some(Way::Allowed)));
        assert!(matches!(way(&["localhost:80"], "http://localhost/"), Some(Way::Allowed)));
        assert!(way(&["localhost"], "http://x.localhost/").is_none());
    }

    #[test]
    fn this_machine_is_not_asked_through_a_proxy() {
        let proxies = || Matcher::builder().all("http://proxy.example:3128").no("internal.example").build();
        let web = Web { proxies: proxies(), ..Web::new(["127.0.0.1".to_owned()]) };
        let way = |url: &str| web.way(&url.parse().unwrap()).ok();
        assert!(matches!(way("https://example.com/"), Some(Way::Proxy)));
        assert!(matches!(way("https://internal.example/"), Some(Way::Guarded)));
        assert!(matches!(way("http://127.0.0.1/"), Some(Way::Allowed)));
        assert!(way("http://10.0.0.1/").is_none() && way("http://localhost/").is_none());
    }

    #[test]
    fn redirects_keep_tls_and_carry_no_credentials() {
        let to = |from: &str, location: &str| {
            let headers = HeaderMap::from_iter([(LOCATION, HeaderValue::from_str(location).unwrap())]);
            redirected(&from.parse().unwrap(), &headers).ok().map(String::from)
        };
        assert_eq!(to("https://a.example/x/y", "../z#part").as_deref(), Some("https://a.example/z"));
        assert_eq!(to("http://a.example/", "https://b.example/c").as_deref(), Some("https://b.example/c"));
        assert_eq!(to("https://a.example/", "http://a.example/"), None);
        assert_eq!(to("https://a.example/", "https://u:p@b.example/"), None);
        assert_eq!(to("http://a.example/", "file:///etc/passwd"), None);
    }

    /// Names are checked after they were looked up, by the very addresses that are connected to.
    #[test]
    fn a_name_that_leads_here_is_not_connected_to() {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let url: Url = format!("http://localhost:{}/", listener.local_addr().unwrap().port()).parse().unwrap();
        let web = Web::new([]);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let client = web.client(Way::Guarded, &url).unwrap();
        let error = runtime.block_on(client.get(url.clone()).send()).unwrap_err();
        let trouble = Trouble::of_transport(host_of(&url), &error);
        assert_eq!(trouble.failure.reason, SkipReason::Denied, "{}", trouble.failure.detail);
        assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    }
}
