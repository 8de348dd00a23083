//! Facts of images.

use std::collections::BTreeMap;

use plimsoll_dockerfile::Platform;
use plimsoll_registry::{Answer as RegistryAnswer, Image};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Outcome, failure, form, reference, some_digest};
use crate::question::{Answer, Question};

/// What is told of an image. All that is not told is as in an image without it.
#[derive(Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct ImageFact {
    /// Where it is another than the one asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    environment: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    onbuild: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    shell: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    working_directory: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    user: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<String, String>,
    /// The platforms there are, where the one asked for is none of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    no_match: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    index_digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<String>,
    #[serde(skip_serializing)]
    skipped: Option<String>,
}

/// What a reference means on a platform.
pub(super) fn image(reference_text: &str, platform: &str, fact: Value) -> Result<(Question, Outcome), String> {
    let parse = |platform: &str| Platform::parse(platform).map_err(|error| error.to_string());
    let fact: ImageFact = form(fact)?;
    let platform = parse(platform)?;
    let question =
        Question::Image { reference: reference(reference_text)?.with_default_tag(), platform: platform.clone() };
    if let Some(failure) = failure(fact.skipped.as_deref())? {
        return Ok((question, Err(failure)));
    }
    let digest = fact.digest.unwrap_or_else(|| some_digest(0));
    let answer = if let Some(available) = fact.no_match {
        let available = available.iter().map(|platform| parse(platform)).collect::<Result<_, _>>()?;
        RegistryAnswer::PlatformMismatch { requested: platform, available, index_digest: digest }
    } else {
        RegistryAnswer::Image(Box::new(Image {
            digest,
            index_digest: fact.index_digest,
            platform: fact.platform.map_or(Ok(platform), |platform| parse(&platform))?,
            environment: fact.environment.into_iter().collect(),
            working_dir: fact.working_directory,
            user: fact.user,
            shell: fact.shell,
            labels: fact.labels,
            onbuild: fact.onbuild,
            entrypoint: Vec::new(),
            cmd: Vec::new(),
            created: fact.created,
        }))
    };
    Ok((question, Ok(Answer::Image(answer))))
}

/// What is told of an image for the platform asked for. What no rule can read, such as its entry point, is not.
pub(super) fn fact(platform: &Platform, answer: &RegistryAnswer) -> Value {
    let fact = match answer {
        RegistryAnswer::PlatformMismatch { available, index_digest, .. } => ImageFact {
            no_match: Some(available.iter().map(ToString::to_string).collect()),
            digest: Some(index_digest.clone()),
            ..ImageFact::default()
        },
        RegistryAnswer::Image(image) => ImageFact {
            platform: (image.platform != *platform).then(|| image.platform.to_string()),
            environment: image.environment.iter().cloned().collect(),
            onbuild: image.onbuild.clone(),
            shell: image.shell.clone(),
            working_directory: image.working_dir.clone(),
            user: image.user.clone(),
            labels: image.labels.clone(),
            no_match: None,
            digest: Some(image.digest.clone()),
            index_digest: image.index_digest.clone(),
            created: image.created.clone(),
            skipped: None,
        },
    };
    serde_json::to_value(fact).expect("text in maps and lists is JSON")
}
