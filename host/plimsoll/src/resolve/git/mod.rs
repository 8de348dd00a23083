//! Resolver `git`: what the names in repositories mean.
//!
//! Input: the address of a repository and a name in it. Output: the commit, as a
//! build would check it out. One question for the server's version of the smart
//! protocol, a second for the name where the server speaks version 2. Invariant:
//! nothing but names is fetched, and no more than [`GIT_BYTES_MAX`] of them.

mod packet;
mod refs;

use std::sync::Arc;
use std::time::Instant;

use reqwest::Response;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::web::{Request, Trouble, Web, host_of};
use super::{Resolve, Resolving, misdirected};
use crate::limits::GIT_BYTES_MAX;
use crate::question::{Answer, Failure, Question, SkipReason};
pub use refs::candidates;
use refs::{Greeting, Names};

const SERVICE: &str = "/info/refs";
const ADVERTISEMENT: HeaderValue = HeaderValue::from_static("application/x-git-upload-pack-advertisement");
const REQUEST: HeaderValue = HeaderValue::from_static("application/x-git-upload-pack-request");
const RESULT: HeaderValue = HeaderValue::from_static("application/x-git-upload-pack-result");
const PROTOCOL: (HeaderName, HeaderValue) =
    (HeaderName::from_static("git-protocol"), HeaderValue::from_static("version=2"));

/// Asks git servers over HTTP.
pub struct Git {
    web: Arc<Web>,
}

impl Git {
    /// A resolver that has asked nothing yet.
    pub fn new(web: Arc<Web>) -> Self {
        Self { web }
    }

    async fn commit(&self, remote: &Url, reference: &str, deadline: Instant) -> Result<String, Failure> {
        let mut tries = 0;
        let names = loop {
            let trouble = match self.names(remote, reference).await {
                Ok(names) => break names,
                Err(trouble) => trouble,
            };
            let Some(delay) = trouble.delay(tries, deadline) else { return Err(trouble.failure) };
            tokio::time::sleep(delay).await;
            tries += 1;
        };
        names.commit(reference).map(str::to_owned).ok_or_else(|| {
            let detail = format!("the repository at {} has no {reference}", host_of(remote));
            Failure { reason: SkipReason::NotFound, detail }
        })
    }

    async fn names(&self, remote: &Url, reference: &str) -> Result<Names, Trouble> {
        let mut url = remote.clone();
        url.set_path(&format!("{}{SERVICE}", remote.path().trim_end_matches('/')));
        url.set_query(Some("service=git-upload-pack"));
        let headers = HeaderMap::from_iter([PROTOCOL]);
        let response = self.web.send(&Request { url, headers, body: None }).await?;
        let mut found = response.url().clone();
        let host = host_of(response.url()).to_owned();
        if response.headers().get(CONTENT_TYPE) != Some(&ADVERTISEMENT) {
            return Err(Trouble::answer(&host, "does not speak git's smart protocol there"));
        }
        let malformed = |_| Trouble::answer(&host, "answered what git does not understand");
        let object_format = match refs::greeting(&read(&host, response).await?, reference).map_err(malformed)? {
            Greeting::Listed(names) => return Ok(names),
            Greeting::Ask { object_format } => object_format,
        };
        // Where the first question was redirected to, the second goes at once.
        let Some(base) = found.path().strip_suffix(SERVICE).map(str::to_owned) else {
            return Err(Trouble::answer(&host, "redirects to what is no repository"));
        };
        found.set_path(&format!("{base}/git-upload-pack"));
        found.set_query(None);
        let headers = HeaderMap::from_iter([PROTOCOL, (CONTENT_TYPE, REQUEST), (ACCEPT, RESULT)]);
        let body = refs::question(reference, object_format.as_deref()).into_bytes();
        let response = self.web.send(&Request { url: found, headers, body: Some(body) }).await?;
        refs::answer(&read(&host, response).await?, reference).map_err(malformed)
    }
}

async fn read(host: &str, mut response: Response) -> Result<Vec<u8>, Trouble> {
    let mut bytes = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| Trouble::of_transport(host, &error))? {
        if bytes.len() + piece.len() > GIT_BYTES_MAX {
            let limit = GIT_BYTES_MAX >> 20;
            return Err(Trouble::answer(host, format_args!("lists more than the {limit} MiB of names that are read")));
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

impl Resolve for Git {
    fn resolve<'a>(&'a self, question: &'a Question, deadline: Instant) -> Resolving<'a> {
        Box::pin(async move {
            let Question::Commit { remote, reference } = question else { return Err(misdirected(question)) };
            self.commit(remote, reference, deadline).await.map(Answer::Commit)
        })
    }

    fn circumstances(&self, question: &Question) -> Option<String> {
        let Question::Commit { remote, .. } = question else { return None };
        self.web.circumstances(remote)
    }
}
