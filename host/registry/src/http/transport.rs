//! What broke a connection, in words for people that name neither URL nor header.

use std::error::Error as StdError;

/// Most characters of a cause that are shown.
const CAUSE_CHARS_MAX: usize = 200;

/// The innermost reason; in our words where the kind says it all.
pub fn cause(error: &reqwest::Error) -> String {
    let kinds = sources(error).filter_map(|source| source.downcast_ref::<std::io::Error>());
    if let Some(words) = kinds.filter_map(|error| in_words(error.kind())).last() {
        return words.to_owned();
    }
    let text = sources(error).last().map_or_else(|| "no reason given".to_owned(), ToString::to_string);
    let printable = text.chars().map(|char| if char.is_control() { ' ' } else { char });
    printable.take(CAUSE_CHARS_MAX).collect()
}

/// Whether TLS itself failed: another try would end the same way.
pub fn is_tls(error: &reqwest::Error) -> bool {
    sources(error).any(|source| {
        let mut inner = source;
        // Errors of I/O hide what they wrap from the chain of sources.
        while let Some(wrapped) = inner.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            inner = wrapped;
        }
        inner.is::<rustls::Error>()
    })
}

/// What the error wraps, the outermost first.
pub fn sources(error: &reqwest::Error) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    std::iter::successors(error.source(), |source| (*source).source())
}

fn in_words(kind: std::io::ErrorKind) -> Option<&'static str> {
    use std::io::ErrorKind as Kind;
    match kind {
        Kind::ConnectionRefused => Some("connection refused"),
        Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe => Some("connection reset"),
        Kind::UnexpectedEof => Some("connection ended early"),
        Kind::TimedOut => Some("no reaction"),
        Kind::HostUnreachable | Kind::NetworkUnreachable => Some("network unreachable"),
        _ => None,
    }
}
