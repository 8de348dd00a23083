//! Resolver `http`: what addresses of the web hold.
//!
//! Input: a URL and how to digest. Output: digest, length and final URL of its
//! content, as a build would download it. Invariant: content is read in pieces
//! and dropped, and never more of it than [`DOWNLOAD_BYTES_MAX`].

use std::sync::Arc;
use std::time::Instant;

use reqwest::header::HeaderMap;
use url::Url;

use super::checksum::Checksum;
use super::web::{Request, Trouble, Web, host_of};
use super::{Resolve, Resolving, misdirected};
use crate::limits::DOWNLOAD_BYTES_MAX;
use crate::question::{Algorithm, Answer, Download, Failure, Question};

/// Asks servers of the web.
pub struct Http {
    web: Arc<Web>,
}

impl Http {
    /// A resolver that has asked nothing yet.
    pub fn new(web: Arc<Web>) -> Self {
        Self { web }
    }

    async fn download(&self, url: &Url, algorithm: Algorithm, deadline: Instant) -> Result<Download, Failure> {
        let mut tries = 0;
        loop {
            let trouble = match self.download_once(url, algorithm).await {
                Ok(download) => return Ok(download),
                Err(trouble) => trouble,
            };
            let Some(delay) = trouble.delay(tries, deadline) else { return Err(trouble.failure) };
            tokio::time::sleep(delay).await;
            tries += 1;
        }
    }

    async fn download_once(&self, url: &Url, algorithm: Algorithm) -> Result<Download, Trouble> {
        let request = Request { url: url.clone(), headers: HeaderMap::new(), body: None };
        let mut response = self.web.send(&request).await?;
        let mut final_url = response.url().clone();
        let host = host_of(response.url()).to_owned();
        let host = host.as_str();
        let too_large =
            || Trouble::answer(host, format_args!("has more than the {} MiB that are read", DOWNLOAD_BYTES_MAX >> 20));
        if response.content_length().is_some_and(|length| length > DOWNLOAD_BYTES_MAX) {
            return Err(too_large());
        }
        let (mut checksum, mut size) = (Checksum::new(algorithm), 0);
        while let Some(piece) = response.chunk().await.map_err(|error| Trouble::of_transport(host, &error))? {
            size += piece.len() as u64;
            if size > DOWNLOAD_BYTES_MAX {
                return Err(too_large());
            }
            checksum.update(&piece);
        }
        // What a redirect adds may be a signature, which is nobody else's to have.
        if final_url != *url {
            final_url.set_query(None);
        }
        Ok(Download { digest: checksum.digest(), size, final_url: final_url.into() })
    }
}

impl Resolve for Http {
    fn resolve<'a>(&'a self, question: &'a Question, deadline: Instant) -> Resolving<'a> {
        Box::pin(async move {
            let Question::Download { url, algorithm } = question else { return Err(misdirected(question)) };
            self.download(url, *algorithm, deadline).await.map(Answer::Download)
        })
    }

    fn circumstances(&self, question: &Question) -> Option<String> {
        let Question::Download { url, .. } = question else { return None };
        self.web.circumstances(url)
    }
}
