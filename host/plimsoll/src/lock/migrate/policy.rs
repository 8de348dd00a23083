//! Source policies of BuildKit: rules that convert an image to one with a digest.
//!
//! Input: the policy's JSON. Output: a digest for each image that is converted to itself at that digest. Invariant:
//! a rule that does anything else is told, but for those that only allow or deny.

use plimsoll_dockerfile::Reference;
use serde_json::Value;

use super::{Found, at, text_at};
use crate::lock::export::identifier::IMAGE_SCHEME;

pub(super) fn read(policy: &Value, found: &mut Found<'_>) -> Result<(), String> {
    let rules = match policy.get("rules") {
        Some(Value::Array(rules)) => rules,
        None if policy.is_object() => return Err(format!("$: it has no rules: {FORM}")),
        _ => return Err(format!("$: {FORM}")),
    };
    let mut judgements = 0;
    for (number, one) in rules.iter().enumerate() {
        let path = format!("$.rules[{number}]");
        match action(one, &path)? {
            Action::Convert => rule(one, &path, found)?,
            Action::Judge => judgements += 1,
        }
    }
    if judgements > 0 {
        found.leave("$.rules", &format!("{judgements} of them allow or deny, which a lock does not"));
    }
    Ok(())
}

enum Action {
    Convert,
    Judge,
}

/// Names, or their numbers; what is not there is the first of them.
fn action(rule: &Value, path: &str) -> Result<Action, String> {
    let action = rule.get("action");
    match (action.and_then(Value::as_str), action.and_then(Value::as_u64)) {
        (Some("CONVERT"), _) | (_, Some(2)) => Ok(Action::Convert),
        (Some("ALLOW" | "DENY"), _) | (_, Some(0 | 1)) => Ok(Action::Judge),
        _ if rule.is_object() && action.is_none() => Ok(Action::Judge),
        _ => Err(format!("{}: it is neither ALLOW, DENY nor CONVERT: {FORM}", at(path, "action"))),
    }
}

fn rule(rule: &Value, path: &str, found: &mut Found<'_>) -> Result<(), String> {
    let (selector, updates) = (&rule["selector"], &rule["updates"]);
    if !selector.is_object() || !updates.is_object() {
        return Err(format!("{path}: it has no selector or no updates: {FORM}"));
    }
    let [selector_path, updates_path] = ["selector", "updates"].map(|name| at(path, name));
    let from = text_at(selector, &selector_path, "identifier")?;
    let to = text_at(updates, &updates_path, "identifier")?;
    let Some(from) = from.strip_prefix(IMAGE_SCHEME) else {
        found.leave(path, &format!("{from} is no image"));
        return Ok(());
    };
    if is_pattern(selector, from) {
        found.leave(path, &format!("{from} is a pattern, not one image"));
        return Ok(());
    }
    let Some(to) = to.strip_prefix(IMAGE_SCHEME) else {
        found.leave(path, &format!("{from} becomes no image with a digest"));
        return Ok(());
    };
    let read = |text: &str, path: &str| {
        let reference = Reference::parse(text);
        reference.map_err(|error| format!("{}: {text:?}: {error}: correct it", at(path, "identifier")))
    };
    let (from, to) = (read(from, &selector_path)?, read(to, &updates_path)?);
    let Some(digest) = to.digest.clone() else {
        found.leave(path, &format!("{} becomes {}, without a digest", from.familiar(), to.familiar()));
        return Ok(());
    };
    let is_itself = from.name() == to.name() && (to.tag.is_none() || to.tag == from.with_default_tag().tag);
    if from.digest.is_some() || !is_itself {
        found.leave(path, &format!("{} becomes another image, {}", from.familiar(), to.familiar()));
        return Ok(());
    }
    found.add(&at(&updates_path, "identifier"), &from, &digest)
}

/// Whether a selector may match more than its text. What is not said is a wildcard, and BuildKit reads the name with
/// an underscore only.
fn is_pattern(selector: &Value, identifier: &str) -> bool {
    let kind = selector.get("match_type").or_else(|| selector.get("matchType"));
    let constraints = selector.get("constraints").and_then(Value::as_array);
    let is_regular = kind.is_some_and(|kind| *kind == "REGEX" || *kind == 2);
    is_regular || identifier.contains('*') || constraints.is_some_and(|constraints| !constraints.is_empty())
}

const FORM: &str = "a source policy is {\"rules\": [{\"action\": \"CONVERT\", \"selector\": {\"identifier\"}, \
     \"updates\": {\"identifier\"}}]}";
