//! A hand-written HTTP client, so that tests of servers trust no other.
//!
//! One connection per request, closed by the server after its answer.

use std::io::{self, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::http::message::{headers, invalid, read_head};
use crate::limits;

/// An answer with its whole body.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers, names as sent.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// Sends `GET path` to `127.0.0.1:PORT` with these headers.
///
/// # Errors
///
/// When the server cannot be reached or does not give a whole answer in time.
pub fn get(host: &str, path: &str, headers: &[(&str, &str)]) -> io::Result<Answer> {
    request("GET", host, path, headers, &[])
}

/// Sends any request.
///
/// # Errors
///
/// When the server cannot be reached or does not give a whole answer in time.
pub fn request(method: &str, host: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<Answer> {
    let until = Instant::now() + limits::CLIENT_MAX;
    let address: SocketAddr = host.parse().map_err(|_| invalid("not an address with a port"))?;
    let mut stream = TcpStream::connect_timeout(&address, limits::CLIENT_MAX)?;
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    if !body.is_empty() {
        head += &format!("Content-Length: {}\r\n", body.len());
    }
    head += "\r\n";
    stream.set_write_timeout(Some(limits::CLIENT_MAX))?;
    stream.write_all(&[head.as_bytes(), body].concat())?;
    read_answer(Deadline { stream, until }, method == "HEAD")
}

impl Answer {
    /// A header's value, by its name in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        Some(&found.1)
    }

    /// The body as JSON, or `null`.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// A stream that may be read until a moment.
struct Deadline {
    stream: TcpStream,
    until: Instant,
}

impl Read for Deadline {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.until.saturating_duration_since(Instant::now());
        self.stream.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
        self.stream.read(buffer)
    }
}

fn read_answer(stream: Deadline, head_only: bool) -> io::Result<Answer> {
    let mut reader = BufReader::new(stream);
    let head = read_head(&mut reader)?.ok_or_else(|| invalid("no answer"))?;
    let mut lines = head.lines();
    let status = lines.next().unwrap_or_default();
    let status = status.split(' ').nth(1).and_then(|code| code.parse().ok());
    let mut answer = Answer {
        status: status.ok_or_else(|| invalid("not a status line"))?,
        headers: headers(lines),
        body: Vec::new(),
    };
    if head_only {
        return Ok(answer);
    }
    let limit = limits::CLIENT_BODY_BYTES_MAX as u64;
    let length: Option<u64> = answer.header("content-length").and_then(|text| text.parse().ok());
    reader.take(length.unwrap_or(limit).min(limit)).read_to_end(&mut answer.body)?;
    if length.is_some_and(|length| length != answer.body.len() as u64) {
        return Err(invalid("the body is cut short"));
    }
    Ok(answer)
}
