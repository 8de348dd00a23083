//! What a folder has that is worth a word in its configuration.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use plimsoll_dockerfile::Platform;

use crate::discover::{self, discover};
use crate::document::{Document, Meaning, Surroundings};
use crate::limits::SOURCE_BYTES_MAX;
use crate::lock::uses::uses;
use crate::question::Question;

/// Dockerfiles that are looked into.
const LOOKED_INTO_MAX: usize = 200;

/// Dockerfiles that are named.
const NAMED_MAX: usize = 3;

const COMPOSE_FILES: [&str; 4] = ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];

const CI_FILES: [(&str, &str); 9] = [
    (".github/workflows", "GitHub Actions"),
    (".gitlab-ci.yml", "GitLab CI"),
    (".circleci/config.yml", "CircleCI"),
    ("Jenkinsfile", "Jenkins"),
    ("azure-pipelines.yml", "Azure Pipelines"),
    ("bitbucket-pipelines.yml", "Bitbucket Pipelines"),
    (".travis.yml", "Travis CI"),
    (".woodpecker.yml", "Woodpecker"),
    (".drone.yml", "Drone"),
];

/// What was found.
pub(super) struct Found {
    /// How many Dockerfiles there are.
    pub(super) dockerfiles: usize,
    named: Vec<String>,
    compose: Option<&'static str>,
    /// Where images come from.
    pub(super) registries: BTreeSet<String>,
    ci: Vec<&'static str>,
}

impl Found {
    /// Looks into a folder and those below.
    pub(super) fn in_folder(folder: &Path) -> Self {
        let files: Vec<discover::Found> = discover(&[folder.to_owned()], None);
        let files: Vec<&Path> =
            files.iter().filter(|file| file.problem.is_none()).map(|file| file.path.as_path()).collect();
        let shown = |path: &&Path| path.strip_prefix(folder).unwrap_or(path).display().to_string();
        Self {
            dockerfiles: files.len(),
            named: files.iter().take(NAMED_MAX).map(shown).collect(),
            compose: COMPOSE_FILES.into_iter().find(|name| folder.join(name).is_file()),
            registries: files.iter().take(LOOKED_INTO_MAX).flat_map(|path| registries(path)).collect(),
            ci: CI_FILES.iter().filter(|(path, _)| folder.join(path).exists()).map(|(_, name)| *name).collect(),
        }
    }

    /// The same in words.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = vec![match (self.dockerfiles, self.named.join(", ")) {
            (0, _) => "no Dockerfile".to_owned(),
            (1, name) => format!("1 Dockerfile: {name}"),
            (count, names) if count > NAMED_MAX => format!("{count} Dockerfiles: {names}, …"),
            (count, names) => format!("{count} Dockerfiles: {names}"),
        }];
        if !self.registries.is_empty() {
            let registries: Vec<&str> = self.registries.iter().map(String::as_str).collect();
            lines.push(format!("images from {}", registries.join(", ")));
        }
        lines.extend(self.compose.map(|name| format!("{name}, whose Dockerfiles are linted as all others")));
        if !self.ci.is_empty() {
            let (ci, why) = (self.ci.join(", "), "slow checks ask nobody there; plimsoll.lock lets them know");
            lines.push(format!("{ci}: {why}"));
        }
        lines
    }
}

/// Where the images of a Dockerfile come from.
fn registries(path: &Path) -> BTreeSet<String> {
    let mut bytes = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(SOURCE_BYTES_MAX + 1).read_to_end(&mut bytes));
    if read.is_err() || bytes.len() as u64 > SOURCE_BYTES_MAX {
        return BTreeSet::new();
    }
    let document = Arc::new(Document::new(0, String::new(), bytes));
    let meaning = Meaning::new(document.clone(), &Surroundings::of_platform(Platform::host()), &[]);
    let images = uses(&document, &meaning).into_iter().filter(|one| !one.may_be_any);
    let domain = |question| match question {
        Question::Image { reference, .. } => Some(reference.domain.into_owned()),
        _ => None,
    };
    images.filter_map(|one| domain(one.question)).collect()
}
