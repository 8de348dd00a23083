//! Wrong answers, on request.

use std::time::Duration;

use serde_json::{Value, json};

use crate::digest;
use crate::http::{Delivery, Reply, Request};

/// What goes wrong with an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection stays open and silent.
    NeverAnswer,
    /// This status with these headers, and an error body.
    Status(u16, Vec<(String, String)>),
    /// The connection is reset in the middle of the answer.
    Reset,
    /// The connection ends in the middle of the body.
    Truncated,
    /// The answer comes byte by byte, with a pause after each.
    Trickle(Duration),
    /// The body is sound but differs from what the digest says.
    WrongDigest,
    /// The body is padded with spaces to this size.
    Oversize {
        /// The size in bytes.
        bytes: u64,
        /// `Content-Length` says so; otherwise the body is chunked.
        announced: bool,
    },
    /// The body is half a JSON document, under its own digest.
    Malformed,
    /// The answer is not HTTP.
    NotHttp,
    /// `Content-Type` says this, and so does the document where it has a `mediaType`.
    MediaType(String),
    /// The body is compressed, said to be, and a thousand times as large once it is not.
    GzipBomb,
    /// A list of tags, of which every page leads to another one.
    EndlessTags,
    /// Every request is sent on to this URL with the path of the request behind it.
    RedirectTo(String),
    /// Every request is sent on to itself.
    RedirectLoop,
}

/// Four mebibytes of zeros, compressed.
const BOMB: &[u8] = include_bytes!("bomb.gz");

#[derive(Default)]
pub(super) struct Faults(Vec<Entry>);

struct Entry {
    path: String,
    fault: Fault,
    times_left: Option<usize>,
}

impl Fault {
    /// A status without headers of its own.
    #[must_use]
    pub fn status(code: u16) -> Self {
        Self::Status(code, Vec::new())
    }

    /// A status with one header, such as `429` with `Retry-After`.
    #[must_use]
    pub fn status_with(code: u16, name: &str, value: &str) -> Self {
        Self::Status(code, vec![(name.to_owned(), value.to_owned())])
    }

    pub(super) fn spoil(&self, request: &Request, reply: &mut Reply) {
        let mut set = |name: &str, value: &str| {
            reply.headers.retain(|(key, _)| !key.eq_ignore_ascii_case(name));
            reply.headers.push((name.to_owned(), value.to_owned()));
        };
        match self {
            Self::Status(..) => {}
            Self::MediaType(media_type) => {
                set("Content-Type", media_type);
                if let Ok(mut document) = serde_json::from_slice::<Value>(&reply.body)
                    && document.get("mediaType").is_some()
                {
                    document["mediaType"] = json!(media_type);
                    reply.body = document.to_string().into_bytes();
                    redigest(reply);
                }
            }
            Self::GzipBomb => {
                set("Content-Encoding", "gzip");
                reply.body = BOMB.to_vec();
                redigest(reply);
            }
            Self::EndlessTags => {
                let page = request.parameters("last").first().and_then(|last| last.strip_prefix("tag-")?.parse().ok());
                let page: u64 = page.map_or(0, |page: u64| page + 1);
                let path = &request.path;
                set("Link", &format!("<{path}?last=tag-{page}>; rel=\"next\""));
                reply.status = 200;
                reply.body = json!({ "name": "endless", "tags": [format!("tag-{page}")] }).to_string().into_bytes();
            }
            Self::RedirectTo(base) => {
                set("Location", &format!("{base}{}", request.path));
                reply.status = 307;
            }
            Self::RedirectLoop => {
                set("Location", &request.path);
                reply.status = 307;
            }
            Self::Truncated => reply.delivery = Delivery::Truncated,
            Self::NeverAnswer => reply.delivery = Delivery::Never,
            Self::Reset => reply.delivery = Delivery::Reset,
            Self::Trickle(pause) => reply.delivery = Delivery::Trickle(*pause),
            Self::NotHttp => reply.delivery = Delivery::NotHttp,
            Self::WrongDigest => reply.body.push(b'\n'),
            Self::Oversize { bytes, announced } => {
                reply.delivery = Delivery::Oversize { bytes: *bytes, announced: *announced };
            }
            Self::Malformed => {
                reply.body = b"{\"schemaVersion\": 2, \"manifests\": [".to_vec();
                redigest(reply);
            }
        }
    }
}

/// Makes the header with the digest fit the body.
fn redigest(reply: &mut Reply) {
    let digest = digest::of(&reply.body);
    for (name, value) in &mut reply.headers {
        if name == "Docker-Content-Digest" {
            value.clone_from(&digest);
        }
    }
}

impl Faults {
    pub(super) fn add(&mut self, path: &str, fault: Fault, times_left: Option<usize>) {
        self.0.push(Entry { path: path.to_owned(), fault, times_left });
    }

    /// The fault for this request, used up by one.
    pub(super) fn take(&mut self, path: &str) -> Option<Fault> {
        let mut matching = self.0.iter_mut().rev().filter(|entry| path.contains(&entry.path));
        let entry = matching.find(|entry| entry.times_left != Some(0))?;
        if let Some(times) = &mut entry.times_left {
            *times -= 1;
        }
        Some(entry.fault.clone())
    }
}

/// The answer of [`Fault::Status`].
pub(super) fn status(code: u16, headers: &[(String, String)]) -> Reply {
    let error = match code {
        401 => "UNAUTHORIZED",
        403 => "DENIED",
        404 => "MANIFEST_UNKNOWN",
        429 => "TOOMANYREQUESTS",
        _ => "UNKNOWN",
    };
    let mut reply = super::error(code, error, "as the test asked");
    reply.headers.extend_from_slice(headers);
    reply
}
