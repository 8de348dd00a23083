//! Requests as read from a connection, and replies as a handler makes them.

use std::io::{self, BufRead, Read};
use std::time::Duration;

use super::{Delivery, Tunnel};
use crate::limits;

/// A request with its whole body.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// The client asked for the connection to be closed after the answer.
    pub(crate) last: bool,
}

/// An answer, and the manner of giving it.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// How long to wait first.
    pub(crate) latency: Duration,
    pub(crate) delivery: Delivery,
    /// Who has the connection after this answer.
    pub(crate) tunnel: Option<Tunnel>,
}

impl Request {
    /// Reads one request; `None` when the peer closed the connection.
    pub(crate) fn read(reader: &mut impl BufRead) -> io::Result<Option<Self>> {
        let Some(head) = read_head(reader)? else {
            return Ok(None);
        };
        let mut lines = head.lines();
        let mut words = lines.next().unwrap_or_default().split_ascii_whitespace();
        let (Some(method), Some(target), Some(version)) = (words.next(), words.next(), words.next()) else {
            return Err(invalid("not a request line"));
        };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut request = Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: headers(lines),
            body: Vec::new(),
            last: version == "HTTP/1.0",
        };
        if let Some(connection) = request.header("connection") {
            request.last = connection.eq_ignore_ascii_case("close");
        }
        if request.header("transfer-encoding").is_some() {
            return Err(invalid("chunked requests are not served"));
        }
        let length = request.header("content-length").unwrap_or("0");
        let length: usize = length.parse().map_err(|_| invalid("not a length"))?;
        if length > limits::REQUEST_BODY_BYTES_MAX {
            return Err(invalid("the body is too long"));
        }
        request.body.resize(length, 0);
        reader.read_exact(&mut request.body)?;
        Ok(Some(request))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        Some(&found.1)
    }

    /// The values of a parameter in the query, or in a form that was posted.
    pub(crate) fn parameters(&self, name: &str) -> Vec<String> {
        let form = String::from_utf8_lossy(&self.body);
        let pairs = self.query.split('&').chain(form.split('&'));
        pairs
            .filter_map(|pair| pair.split_once('='))
            .filter(|(key, _)| *key == name)
            .map(|(_, value)| percent_decoded(value))
            .collect()
    }
}

impl Reply {
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.into(),
            latency: Duration::ZERO,
            delivery: Delivery::Whole,
            tunnel: None,
        }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// Reads up to the empty line; `None` at a clean end of the stream.
pub(crate) fn read_head(reader: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut head = Vec::new();
    let mut limited = reader.take(limits::HEAD_BYTES_MAX as u64);
    loop {
        let before = head.len();
        if limited.read_until(b'\n', &mut head)? == 0 {
            return match head.is_empty() {
                true => Ok(None),
                false => Err(invalid("the head has no end")),
            };
        }
        let line = &head[before..];
        if line == b"\r\n" || line == b"\n" {
            break;
        }
    }
    String::from_utf8(head).map(Some).map_err(|_| invalid("the head is not text"))
}

/// Reads `Name: value` lines.
pub(crate) fn headers<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<(String, String)> {
    lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
        .collect()
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        let escaped = tail.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let escaped = escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (first, escaped) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            (b'+', _) => bytes.push(b' '),
            _ => bytes.push(*first),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

pub(crate) fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
