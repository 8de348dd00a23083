//! The question for the tags of a repository.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::error::Error;
use crate::fetch::Resolver;
use crate::limits::{TAGS_A_PAGE, TAGS_MAX};

#[derive(Deserialize)]
struct Page {
    tags: Option<Vec<String>>,
}

/// The length that the specification allows.
const TAG_LENGTH_MAX: usize = 128;

impl Resolver<'_> {
    /// All tags, sorted, each once.
    pub async fn tags(&self) -> Result<Vec<String>, Error> {
        let mut tags = BTreeSet::new();
        let query = format!("n={TAGS_A_PAGE}");
        self.pages("tags/list", query, "application/json", |response| {
            let page: Page = serde_json::from_slice(&response.body).map_err(|error| {
                self.wrong(&format!("malformed list of tags (line {}, column {})", error.line(), error.column()))
            })?;
            for tag in page.tags.into_iter().flatten() {
                if !is_tag(&tag) {
                    return Err(self.wrong("malformed list of tags: one is no tag"));
                }
                tags.insert(tag);
            }
            match tags.len() > TAGS_MAX {
                true => Err(self.wrong(&format!("more than {TAGS_MAX} tags"))),
                false => Ok(()),
            }
        })
        .await?;
        Ok(tags.into_iter().collect())
    }
}

fn is_tag(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.len() <= TAG_LENGTH_MAX
        && text.bytes().next().is_some_and(word)
        && text.bytes().all(|byte| word(byte) || byte == b'.' || byte == b'-')
}
