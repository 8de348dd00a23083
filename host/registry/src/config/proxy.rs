//! `proxy`: what stands between this machine and a registry or mirror.

use std::fmt;

use reqwest::Url;

/// The URL of a proxy. It may hold a password, so what is shown of it leaves that out.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Proxy(Url);

impl Proxy {
    /// Reads the value of `proxy`; the error says what is wrong with it, without its text.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let url = Url::parse(text).map_err(|_| "is no URL, such as `http://proxy.example:3128`")?;
        match url.scheme() {
            _ if url.host_str().is_none_or(str::is_empty) => Err("names no host"),
            "http" | "https" | "socks5" | "socks5h" => {
                let proxy = Self(url);
                proxy.made().map(|_| proxy).map_err(|_| "cannot be used")
            }
            _ => Err("has another scheme than `http`, `https`, `socks5` and `socks5h`"),
        }
    }

    /// As the HTTP client takes it, for whatever is asked.
    pub(crate) fn for_all(&self) -> reqwest::Proxy {
        self.made().expect("it was tried when it was read")
    }

    /// Whether TLS is spoken with the proxy itself.
    pub(crate) fn is_behind_tls(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Names are always looked up by the proxy.
    fn made(&self) -> reqwest::Result<reqwest::Proxy> {
        match self.0.as_str().strip_prefix("socks5://") {
            Some(rest) => reqwest::Proxy::all(format!("socks5h://{rest}")),
            None => reqwest::Proxy::all(self.0.clone()),
        }
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.0.scheme(), self.0.host_str().unwrap_or_default())?;
        self.0.port().map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}
