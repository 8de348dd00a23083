//! `docker-lock.json`: `{"dockerfiles": {"PATH": [{"name", "tag", "digest"}]}}`, and the same of Compose files and
//! Kubernetes' manifests.
//!
//! Input: its JSON. Output: a digest for each image that has one. Invariant: an image without a digest is told, but
//! for `scratch`, which has none.

use plimsoll_dockerfile::Reference;
use serde_json::Value;

use super::{Found, at, text_at};

pub(super) fn read(lock: &Value, found: &mut Found<'_>) -> Result<(), String> {
    let Value::Object(kinds) = lock else { return Err(format!("$: {FORM}")) };
    for (kind, files) in kinds {
        let path = at("$", kind);
        if !KINDS.contains(&kind.as_str()) {
            return Err(format!("{path}: docker-lock writes no such field: take it out"));
        }
        let Value::Object(files) = files else { return Err(format!("{path}: {FORM}")) };
        for (file, images) in files {
            let path = at(&path, file);
            let Value::Array(images) = images else { return Err(format!("{path}: {FORM}")) };
            for (number, one) in images.iter().enumerate() {
                image(one, &format!("{path}[{number}]"), found)?;
            }
        }
    }
    Ok(())
}

fn image(image: &Value, path: &str, found: &mut Found<'_>) -> Result<(), String> {
    if !image.is_object() {
        return Err(format!("{path}: {FORM}"));
    }
    let [name, tag, digest] = ["name", "tag", "digest"].map(|field| text_at(image, path, field));
    let (name, tag, digest) = (name?, tag?, digest?);
    if name == "scratch" && digest.is_empty() {
        return Ok(());
    }
    let named = if tag.is_empty() { name.to_owned() } else { format!("{name}:{tag}") };
    let reference = Reference::parse(&named).map_err(|error| format!("{path}: {named:?}: {error}: correct it"))?;
    if digest.is_empty() {
        found.leave(path, &format!("{named} has no digest"));
        return Ok(());
    }
    if tag.is_empty() {
        found.leave(path, &format!("{named} has no tag: nothing says what its digest was the meaning of"));
        return Ok(());
    }
    // It writes the digits only.
    let digest = if digest.contains(':') { digest.to_owned() } else { format!("sha256:{digest}") };
    found.add(&at(path, "digest"), &reference, &digest)
}

const KINDS: [&str; 3] = ["composefiles", "dockerfiles", "kubernetesfiles"];

const FORM: &str = "docker-lock writes {\"dockerfiles\": {\"PATH\": [{\"name\", \"tag\", \"digest\"}]}}: have it write \
     the file again";
