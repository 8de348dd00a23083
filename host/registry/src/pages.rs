//! Lists in pages: tags and referrers, followed by their `Link` headers up to a bound.
//!
//! Invariant: what follows is asked of the same list of the same repository, whatever the server links to, and no page
//! twice. A list that goes past a bound is an error, because a part of it would be another answer every time.

use std::collections::HashSet;

use reqwest::Url;

use crate::error::Error;
use crate::fetch::Resolver;
use crate::http::Response;
use crate::limits::{LIST_BYTES_MAX, MANIFEST_BYTES_MAX, PAGES_MAX};

impl Resolver<'_> {
    /// Asks for `path` with `query`, and for all pages that follow; `read` takes each.
    pub async fn pages(
        &self,
        path: &str,
        query: String,
        accept: &'static str,
        mut read: impl FnMut(&Response) -> Result<(), Error> + Send,
    ) -> Result<(), Error> {
        let mut next = Some(query);
        let (mut seen, mut bytes) = (HashSet::new(), 0);
        while let Some(query) = next {
            if seen.len() == PAGES_MAX {
                return Err(self.wrong(&format!("a list of more than {PAGES_MAX} pages")));
            }
            let whole = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
            if !seen.insert(query) {
                return Err(self.wrong("the pages of a list lead in a circle"));
            }
            let response = self.get(whole, accept, MANIFEST_BYTES_MAX).await?;
            bytes += response.body.len();
            if bytes > LIST_BYTES_MAX {
                return Err(self.wrong(&format!("a list of more than {LIST_BYTES_MAX} bytes")));
            }
            read(&response)?;
            next = following(&response);
        }
        Ok(())
    }
}

/// The query of the page after this one: of `Link: </v2/…?QUERY>; rel="next"`.
fn following(response: &Response) -> Option<String> {
    let links = response.headers.get_all("link").into_iter().filter_map(|value| value.to_str().ok());
    links.flat_map(|links| links.split(',')).find_map(|link| query_of(link, &response.url))
}

fn query_of(link: &str, base: &Url) -> Option<String> {
    let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
    let next = parameters.split(';').filter_map(|parameter| parameter.split_once('=')).any(|(name, value)| {
        name.trim().eq_ignore_ascii_case("rel") && value.trim().trim_matches('"').eq_ignore_ascii_case("next")
    });
    let url = base.join(target).ok()?;
    next.then(|| url.query().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_to_the_next_page_are_read() {
        let base = Url::parse("https://a.example/v2/app/tags/list?n=1").unwrap();
        for (link, expect) in [
            ("</v2/app/tags/list?last=b&n=1>; rel=\"next\"", Some("last=b&n=1")),
            ("<list?last=b>; title=x; rel=next", Some("last=b")),
            ("<https://b.example/x?last=b>; rel=next", Some("last=b")),
            ("</v2/app/tags/list?last=b>; rel=\"prev\"", None),
            ("</v2/app/tags/list?last=b>", None),
            ("nonsense", None),
            ("<>; rel=next", Some("n=1")),
        ] {
            assert_eq!(query_of(link, &base).as_deref(), expect, "{link}");
        }
    }
}
