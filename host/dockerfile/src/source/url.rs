//! URLs as Go's `net/url` reads them, which decides what BuildKit takes for a repository.
//!
//! A text → its scheme, path, query and fragment without percent signs, or nothing where Go refuses it.

use std::net::Ipv6Addr;

/// What a source's address consists of, as far as it matters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Url {
    /// In lower case; empty where there is none.
    pub scheme: String,
    pub path: String,
    /// Keys and values in order; pairs that cannot be read are left out.
    pub query: Vec<(String, String)>,
    pub fragment: String,
}

impl Url {
    /// Reads a URL, with or without a scheme.
    pub fn parse(text: &str) -> Option<Self> {
        let (text, fragment) = text.split_once('#').unwrap_or((text, ""));
        if text.bytes().any(|b| b < b' ' || b == 0x7F) {
            return None;
        }
        let fragment = unescape(fragment, Part::Other)?;
        let (scheme, rest) = scheme(text)?;
        let scheme = scheme.to_ascii_lowercase();
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let query = pairs(query).into_iter().flatten().collect();
        if !rest.starts_with('/') {
            if !scheme.is_empty() {
                return Some(Self { scheme, path: String::new(), query, fragment });
            }
            if rest.split('/').next().is_some_and(|segment| segment.contains(':')) {
                return None;
            }
        }
        let path = match rest.strip_prefix("//").filter(|_| !scheme.is_empty() || !rest.starts_with("///")) {
            Some(rest) => {
                let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                is_authority(&scheme, authority).then_some(path)?
            }
            None => rest,
        };
        Some(Self { path: unescape(path, Part::Other)?, scheme, query, fragment })
    }

    /// Reads `user@host:path?query#fragment`, which means the scheme `ssh`.
    pub fn parse_secure_copy(text: &str) -> Option<Self> {
        let word = |text: &str, extra: &[u8]| {
            !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || extra.contains(&b))
        };
        let (user, rest) = text.split_once('@')?;
        let (host, rest) = rest.split_once(':')?;
        if !word(user, b"-_") || !word(host, b"-.") || rest.contains('\n') {
            return None;
        }
        let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let query = pairs(query).into_iter().collect::<Option<Vec<_>>>()?;
        Some(Self { scheme: "ssh".to_owned(), path: path.to_owned(), query, fragment: fragment.to_owned() })
    }
}

/// The scheme and what follows its colon; nothing where a colon stands first.
fn scheme(text: &str) -> Option<(&str, &str)> {
    for (at, b) in text.bytes().enumerate() {
        match b {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at > 0 => return Some((&text[..at], &text[at + 1..])),
            b':' => return None,
            _ => break,
        }
    }
    Some(("", text))
}

/// The pairs of a query; nothing for one that cannot be read.
fn pairs(query: &str) -> Vec<Option<(String, String)>> {
    let pair = |pair: &str| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let text = |text: &str| unescape(&text.replace('+', " "), Part::Other);
        if pair.contains(';') { None } else { Some((text(key)?, text(value)?)) }
    };
    query.split('&').filter(|text| !text.is_empty()).map(pair).collect()
}

fn is_authority(scheme: &str, text: &str) -> bool {
    match text.rsplit_once('@') {
        Some((user, host)) => {
            let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&b);
            user.bytes().all(plain) && unescape(user, Part::Other).is_some() && is_host(scheme, host)
        }
        None => is_host(scheme, text),
    }
}

fn is_host(scheme: &str, text: &str) -> bool {
    let Some(open) = text.rfind('[') else {
        let colon = match text.find(':') {
            // Only URLs of the web are strict about colons.
            Some(first) if scheme.starts_with("http") => Some(first),
            _ => text.rfind(':'),
        };
        return colon.is_none_or(|at| is_port(&text[at..])) && unescape(text, Part::Host).is_some();
    };
    let Some(close) = text.rfind(']').filter(|_| open == 0) else { return false };
    let address = &text[1..close.max(1)];
    let (address, zone) = address.split_at(address.find("%25").unwrap_or(address.len()));
    let zone_fits = zone.is_empty() || unescape(zone, Part::Zone).is_some_and(|zone| zone.len() > 1);
    let address = unescape(address, Part::Host).and_then(|address| address.parse::<Ipv6Addr>().ok());
    is_port(&text[close + 1..]) && zone_fits && address.is_some()
}

/// `:` and digits, or nothing.
fn is_port(text: &str) -> bool {
    text.is_empty() || text.strip_prefix(':').is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit()))
}

/// A part of a URL with rules of its own for percent signs.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Host,
    Zone,
    Other,
}

/// Replaces `%41` by `A`; nothing where a percent sign or a character is out of place.
fn unescape(text: &str, part: Part) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&b, tail)) = rest.split_first() {
        rest = tail;
        if b != b'%' {
            if part != Part::Other && b < 0x80 && !is_host_byte(b) {
                return None;
            }
            bytes.push(b);
            continue;
        }
        let digits = rest.get(..2).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
        rest = &rest[2..];
        let byte = digits.iter().fold(0, |byte, digit| byte << 4 | char::from(*digit).to_digit(16).unwrap_or(0)) as u8;
        let fits = match part {
            Part::Host => byte >= 0x80 || byte == b'%',
            Part::Zone => byte == b'%' || byte == b' ' || is_host_byte(byte),
            Part::Other => true,
        };
        if !fits {
            return None;
        }
        bytes.push(byte);
    }
    Some(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

/// What may stand in a host without percent sign.
fn is_host_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"!\"$&'()*+,-.:;<=>[]_~".contains(&b)
}
