//! The languages that plugins are written in.
//!
//! Input: a plugin's folder. Output: its language, told by the manifest that such
//! a folder has.

use std::path::Path;

use clap::ValueEnum;

/// A language, and the tool that makes components of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub(super) enum Language {
    /// Through Cargo
    #[default]
    Rust,
    /// Through componentize-qjs
    Js,
    /// Through componentize-py
    Python,
    /// Through zig, and bindings that come with the program
    C,
}

impl Language {
    /// That of the plugin in a folder; Rust where there is none.
    pub(super) fn of(folder: &Path) -> Self {
        Self::known_in(folder).unwrap_or_default()
    }

    /// Whether a folder is a plugin's.
    pub(super) fn is_in(folder: &Path) -> bool {
        Self::known_in(folder).is_some()
    }

    fn known_in(folder: &Path) -> Option<Self> {
        let languages = Self::value_variants().iter().copied();
        languages.into_iter().find(|language| folder.join(language.manifest()).is_file())
    }

    /// The file that says what a plugin is called.
    pub(super) fn manifest(self) -> &'static str {
        match self {
            Self::Rust => "Cargo.toml",
            Self::Js => "package.json",
            Self::Python => "pyproject.toml",
            Self::C => "plugin.toml",
        }
    }

    /// What it is called.
    pub(super) fn shown(self) -> &'static str {
        match self {
            Self::Rust => "Rust",
            Self::Js => "JavaScript",
            Self::Python => "Python",
            Self::C => "C",
        }
    }

    /// What the name of a rule's file ends in.
    pub(super) fn extension(self) -> &'static str {
        match self {
            Self::Rust => "rs",
            Self::Js => "js",
            Self::Python => "py",
            Self::C => "c",
        }
    }

    /// What joins the words of a file's name: Python imports no file with another.
    pub(super) fn joint(self) -> char {
        if self == Self::Python { '_' } else { '-' }
    }
}
