//! A user of plugins, who lets some run.

use std::fs;
use std::path::PathBuf;

use serde_json::json;
use tempfile::TempDir;

use crate::image::{Content, Tree};
use crate::{Linted, Project, scratch_folder};

/// A user with a home folder of his own, beside a tree that he lints.
pub struct User {
    /// The tree.
    pub tree: Project,
    /// The home folder.
    pub home: TempDir,
}

impl User {
    /// A user with nothing, and a tree with one Dockerfile. `program` is the path of the binary.
    ///
    /// # Panics
    ///
    /// When there is no room for temporary files.
    #[must_use]
    pub fn new(program: &str) -> Self {
        let home = scratch_folder();
        let tree = Project::new(program)
            .variable("HOME", &home.path().to_string_lossy())
            .file("Dockerfile", "FROM alpine:latest\n");
        Self { tree, home }
    }

    /// His own `plimsoll.toml`.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.home.path().join(".config/plimsoll/plimsoll.toml")
    }

    /// What the lock beside that says.
    #[must_use]
    pub fn own_lock(&self) -> String {
        fs::read_to_string(self.config().with_file_name("plimsoll.lock")).unwrap_or_default()
    }

    /// Lints the tree, and asks nobody about images.
    #[must_use]
    pub fn lint(&self, arguments: &str) -> Linted {
        self.tree.lint(&format!("--slow-checks=off {arguments}"))
    }

    /// Runs `plimsoll plugin` with these words, which must go well.
    ///
    /// # Panics
    ///
    /// When it does not.
    pub fn plugin(&self, arguments: &str) -> Linted {
        let run = self.tree.run(&format!("plugin {arguments}"));
        assert_eq!(run.status, 0, "{arguments}: {run:#?}");
        run
    }

    /// The same, which must not; the complaint has these words.
    ///
    /// # Panics
    ///
    /// When it does, or complains otherwise.
    pub fn refused(&self, arguments: &str, words: &str) -> Linted {
        let run = self.tree.run(&format!("plugin {arguments}"));
        assert_eq!(run.status, 2, "{arguments}: {run:#?}");
        assert!(run.stderr.contains(words), "no `{words}`: {run:#?}");
        run
    }

    /// The files of plugins that are kept.
    #[must_use]
    pub fn kept(&self) -> Vec<PathBuf> {
        let listed = fs::read_dir(self.home.path().join(".cache/plimsoll/plugins-1")).into_iter().flatten();
        listed.flatten().map(|entry| entry.path()).collect()
    }
}

/// A component in a manifest of these types.
#[must_use]
pub fn artifact(config: &str, layer: &str, component: &[u8]) -> Tree {
    const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
    let config = Content::new(config, b"{}".to_vec());
    let layer = Content::new(layer, component.to_vec());
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": config.descriptor(),
        "layers": [layer.descriptor()],
        "annotations": { "org.opencontainers.image.licenses": "MIT\u{1b}[2J" },
    });
    Tree { root: Content::json(MANIFEST, &manifest), manifests: Vec::new(), blobs: vec![config, layer] }
}
