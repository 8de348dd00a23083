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

    /// What an address holds, `bytes_max` at most.
    ///
    /// # Errors
    /// When that cannot be had, or is more.
    pub async fn content(&self, url: &Url, bytes_max: u64, deadline: Instant) -> Result<Vec<u8>, Failure> {
        let read = self.read(url, bytes_max, deadline, &Vec::new, |content, piece| content.extend_from_slice(piece));
        Ok(read.await?.0)
    }

    async fn download(&self, url: &Url, algorithm: Algorithm, deadline: Instant) -> Result<Download, Failure> {
        let begin = || (Checksum::new(algorithm), 0);
        let read = self.read(url, DOWNLOAD_BYTES_MAX, deadline, &begin, |(checksum, size), piece| {
            checksum.update(piece);
            *size += piece.len() as u64;
        });
        let ((checksum, size), final_url) = read.await?;
        Ok(Download { digest: checksum.digest(), size, final_url: final_url.into() })
    }

    /// Takes content in, piece by piece, again from the beginning after failures that may pass; says which URL it came
    /// from.
    async fn read<T: Send>(
        &self,
        url: &Url,
        bytes_max: u64,
        deadline: Instant,
        begin: &(impl Fn() -> T + Sync),
        take: fn(&mut T, &[u8]),
    ) -> Result<(T, Url), Failure> {
        let mut tries = 0;
        loop {
            let mut taken = begin();
            let trouble = match self.read_once(url, bytes_max, &mut taken, take).await {
                Ok(final_url) => return Ok((taken, final_url)),
                Err(trouble) => trouble,
            };
            let Some(delay) = trouble.delay(tries, deadline) else { return Err(trouble.failure) };
            tokio::time::sleep(delay).await;
            tries += 1;
        }
    }

    async fn read_once<T: Send>(
        &self,
        url: &Url,
        bytes_max: u64,
        taken: &mut T,
        take: fn(&mut T, &[u8]),
    ) -> Result<Url, Trouble> {
        let request = Request { url: url.clone(), headers: HeaderMap::new(), body: None };
        let mut response = self.web.send(&request).await?;
        let mut final_url = response.url().clone();
        let host = host_of(response.url()).to_owned();
        let host = host.as_str();
        let too_large =
            || Trouble::answer(host, format_args!("has more than the {} MiB that are read", bytes_max >> 20));
        if response.content_length().is_some_and(|length| length > bytes_max) {
            return Err(too_large());
        }
        let mut size = 0;
        while let Some(piece) = response.chunk().await.map_err(|error| Trouble::of_transport(host, &error))? {
            size += piece.len() as u64;
            if size > bytes_max {
                return Err(too_large());
            }
            take(taken, &piece);
        }
        // What a redirect adds may be a signature, which is nobody else's to have.
        if final_url != *url {
            final_url.set_query(None);
        }
        Ok(final_url)
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
