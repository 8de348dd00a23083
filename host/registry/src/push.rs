//! Pushing: blobs that are not there yet, then the manifest.
//!
//! Invariant: an upload stays on the server that was asked, wherever that says to go on; what was broken off is begun
//! anew, a bounded number of times.

use reqwest::Url;

use crate::auth::Access;
use crate::digest::Digest;
use crate::error::{Error, ErrorKind};
use crate::fetch::Resolver;
use crate::http::{Deed, Response};
use crate::limits::{ERROR_BYTES_MAX, UPLOADS_MAX};

/// The most that an error shows of a server's address.
const SHOWN_CHARS_MAX: usize = 200;

/// An artifact on its way to a registry.
#[derive(Clone, Copy, Debug)]
pub struct Upload<'a> {
    /// What the manifest refers to, in any order.
    pub blobs: &'a [&'a [u8]],
    /// The media type of the manifest.
    pub media_type: &'a str,
    /// The bytes of the manifest.
    pub manifest: &'a [u8],
}

impl Resolver<'_> {
    /// Puts `upload` under the tag or digest of the reference, and gives the digest of its manifest.
    pub async fn push(&self, upload: &Upload<'_>) -> Result<String, Error> {
        for blob in upload.blobs {
            self.push_blob(blob).await?;
        }
        let digest = Digest::of(upload.manifest).to_string();
        let named = self.reference.digest.as_deref();
        if named.is_some_and(|named| named != digest) {
            return Err(self.wrong(&format!("what is pushed by digest has another one ({digest})")));
        }
        let name = named.or(self.reference.tag.as_deref()).unwrap_or("latest");
        let deed = Deed::Put { media_type: upload.media_type, bytes: upload.manifest };
        let response = self.put(deed, self.path(&format!("manifests/{name}"))).await?;
        match response.header("docker-content-digest") {
            Some(kept) if kept != digest => Err(self.wrong("the registry kept another manifest than it was given")),
            _ => Ok(digest),
        }
    }

    async fn push_blob(&self, bytes: &[u8]) -> Result<(), Error> {
        let digest = Digest::of(bytes);
        let there = self.path(&format!("blobs/{digest}"));
        match self.send(Access::Push, Deed::Head, there, "*/*", ERROR_BYTES_MAX).await {
            Ok(_) => return Ok(()),
            Err(error) if error.kind == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let mut tries = 1;
        loop {
            let begun = self.put(Deed::Begin, self.path("blobs/uploads/")).await?;
            let place = self.place(&begun, &digest)?;
            let deed = Deed::Put { media_type: "application/octet-stream", bytes };
            match self.put(deed, place).await {
                Ok(_) => return Ok(()),
                Err(error) if error.kind == ErrorKind::Network && tries < UPLOADS_MAX => tries += 1,
                Err(error) => return Err(error),
            }
        }
    }

    async fn put(&self, deed: Deed<'_>, path: String) -> Result<Response, Error> {
        self.send(Access::Push, deed, path, "*/*", ERROR_BYTES_MAX).await
    }

    /// Where the content goes: path and query on the same server.
    fn place(&self, begun: &Response, digest: &Digest) -> Result<String, Error> {
        let location =
            begun.header("location").ok_or_else(|| self.wrong("the registry says of no place to upload to"))?;
        place_of(&begun.url, location, digest).ok_or_else(|| {
            let server = server_of(&begun.url, location);
            self.wrong(&format!("the registry sends the upload to another server ({server}), which gets none"))
        })
    }
}

/// Scheme, host and port that an upload is sent to; the rest may be secret.
fn server_of(from: &Url, location: &str) -> String {
    let Ok(place) = from.join(location) else { return "whose address is none".to_owned() };
    let port = place.port().map(|port| format!(":{port}")).unwrap_or_default();
    let server = format!("{}://{}{port}", place.scheme(), place.host_str().unwrap_or_default());
    server.chars().take(SHOWN_CHARS_MAX).collect()
}

/// Path and query of `location`, if that is on the server that named it.
fn place_of(from: &Url, location: &str, digest: &Digest) -> Option<String> {
    let mut place = from.join(location).ok().filter(|place| place.origin() == from.origin())?;
    place.query_pairs_mut().append_pair("digest", &digest.to_string());
    let query = place.query().unwrap_or_default();
    Some(format!("{}?{query}", place.path()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uploads_stay_on_their_server() {
        let from = Url::parse("https://a.example/v2/app/blobs/uploads/").unwrap();
        let digest = Digest::of(b"");
        let hex = digest.to_string().replace("sha256:", "");
        let there = |path: &str| Some(format!("{path}digest=sha256%3A{hex}"));
        for (location, expect) in [
            ("/v2/app/blobs/uploads/1?_state=a%2Fb", there("/v2/app/blobs/uploads/1?_state=a%2Fb&")),
            ("https://a.example/up/1", there("/up/1?")),
            ("https://a.example:443/up/1#x", there("/up/1?")),
            ("http://a.example/up/1", None),
            ("https://b.example/up/1", None),
            ("//b.example/up/1", None),
            ("https://a.example:8443/up/1", None),
            ("file:///up", None),
        ] {
            assert_eq!(place_of(&from, location, &digest), expect, "{location}");
        }
    }

    #[test]
    fn errors_name_the_other_server_and_no_more() {
        let from = Url::parse("https://a.example/v2/app/blobs/uploads/").unwrap();
        for (location, expect) in [
            ("http://a.example/up/1?_state=secret", "http://a.example"),
            ("https://ada:secret@b.example:8443/up/1", "https://b.example:8443"),
            ("file:///up", "file://"),
            ("https://[", "whose address is none"),
        ] {
            assert_eq!(server_of(&from, location), expect);
        }
    }
}
