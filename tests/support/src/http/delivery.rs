//! How a reply goes onto the wire: well, or badly on purpose.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use socket2::SockRef;

use super::message::Reply;
use super::server::Stop;
use crate::limits;

/// The manner of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// All of it at once.
    #[default]
    Whole,
    /// Nothing, on a connection that stays open.
    Never,
    /// Half of it, then the connection is reset.
    Reset,
    /// Half of it, then the end of the connection.
    Truncated,
    /// Byte by byte, with a pause after each.
    Trickle(Duration),
    /// The body, then spaces up to `bytes`, with `Content-Length` or chunked.
    Oversize { bytes: u64, announced: bool },
    /// Bytes that are no HTTP at all, then the end of the connection.
    NotHttp,
}

/// What becomes of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    KeepAlive,
    Close,
}

const SPACES: [u8; 8192] = [b' '; 8192];

/// Writes the reply in its manner. `answered` is called before the last write
/// of a proper answer, so that no client sees its answer before the count does.
pub(super) fn deliver(
    stream: &mut TcpStream,
    reply: &Reply,
    head_only: bool,
    stop: &Stop,
    answered: impl FnOnce(),
) -> io::Result<After> {
    let body: &[u8] = if head_only { &[] } else { &reply.body };
    match reply.delivery {
        Delivery::Whole => {
            let message = whole(reply, head_only);
            answered();
            stream.write_all(&message)?;
            Ok(After::KeepAlive)
        }
        Delivery::Never => {
            stream.set_read_timeout(Some(limits::SILENCE_MAX))?;
            // Ends when the peer closes, when the server stops, or at the deadline.
            let _: usize = stream.read(&mut [0])?;
            Ok(After::Close)
        }
        Delivery::Reset => {
            let head = head(reply, Length::Exact(reply.body.len() as u64));
            let half = match body.len() {
                0 => head[..head.len() / 2].to_vec(),
                length => [&head, &body[..length / 2]].concat(),
            };
            stream.write_all(&half)?;
            SockRef::from(&*stream).set_linger(Some(Duration::ZERO))?;
            Ok(After::Close)
        }
        Delivery::Truncated => {
            let head = head(reply, Length::Exact(reply.body.len() as u64));
            stream.write_all(&[&head, &body[..body.len() / 2]].concat())?;
            Ok(After::Close)
        }
        Delivery::Trickle(pause) => {
            let message = whole(reply, head_only);
            for byte in message {
                stream.write_all(&[byte])?;
                if stop.wait(pause) {
                    return Ok(After::Close);
                }
            }
            answered();
            Ok(After::KeepAlive)
        }
        Delivery::Oversize { bytes, announced } => {
            let bytes = bytes.max(reply.body.len() as u64);
            let length = if announced { Length::Exact(bytes) } else { Length::Chunked };
            stream.write_all(&head(reply, length))?;
            if !head_only {
                write_padded(stream, &reply.body, bytes, announced)?;
            }
            answered();
            Ok(After::KeepAlive)
        }
        Delivery::NotHttp => {
            stream.write_all(b"\x15\x03\x01\x00\x02\x02\x46\r\n\r\n")?;
            Ok(After::Close)
        }
    }
}

/// The bytes of a proper answer.
pub(crate) fn whole(reply: &Reply, head_only: bool) -> Vec<u8> {
    let body: &[u8] = if head_only { &[] } else { &reply.body };
    [&head(reply, Length::Exact(reply.body.len() as u64)), body].concat()
}

enum Length {
    Exact(u64),
    Chunked,
}

fn head(reply: &Reply, length: Length) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {} {}\r\n", reply.status, reason(reply.status));
    for (name, value) in &reply.headers {
        head += &format!("{name}: {value}\r\n");
    }
    head += &match length {
        Length::Exact(bytes) => format!("Content-Length: {bytes}\r\n\r\n"),
        Length::Chunked => "Transfer-Encoding: chunked\r\n\r\n".to_owned(),
    };
    head.into_bytes()
}

fn write_padded(stream: &mut TcpStream, body: &[u8], bytes: u64, announced: bool) -> io::Result<()> {
    let mut write = |part: &[u8]| match announced {
        true => stream.write_all(part),
        false => {
            let size = format!("{:x}\r\n", part.len());
            stream.write_all(&[size.as_bytes(), part, b"\r\n"].concat())
        }
    };
    if !body.is_empty() {
        write(body)?;
    }
    let mut left = bytes - body.len() as u64;
    while left > 0 {
        let part = left.min(SPACES.len() as u64);
        let spaces = usize::try_from(part).expect("no more than a buffer");
        write(&SPACES[..spaces])?;
        left -= part;
    }
    if !announced {
        stream.write_all(b"0\r\n\r\n")?;
    }
    Ok(())
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        301 => "Moved Permanently",
        302 => "Found",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Status",
    }
}
