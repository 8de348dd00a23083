//! Rules that misbehave. Each does so where a comment of the Dockerfile asks
//! for it, such as `# hostile: panic`; only `good` always has something to say.

use plimsoll_sdk::Document;

plimsoll_sdk::pack!();

fn is_asked_for(document: &Document, name: &str) -> bool {
    document.comments().any(|comment| comment.text().strip_prefix("hostile: ") == Some(name))
}
