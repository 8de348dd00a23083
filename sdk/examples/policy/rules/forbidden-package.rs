//! Some packages should not be installed.

use std::collections::BTreeMap;

use plimsoll_sdk::prelude::*;
use plimsoll_sdk::shell::{Command, Word};
use serde::Deserialize;

use crate::pattern::matches;

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ForbiddenPackage {
    /// Reasons, by pattern.
    packages: BTreeMap<String, String>,
}

/// Programs that install packages, and the word that has them do it.
const MANAGERS: [(&str, &str); 8] = [
    ("apt", "install"),
    ("apt-get", "install"),
    ("aptitude", "install"),
    ("apk", "add"),
    ("dnf", "install"),
    ("microdnf", "install"),
    ("yum", "install"),
    ("zypper", "install"),
];
/// Their options whose value is a word of its own.
const OPTIONS_WITH_VALUE: [&str; 7] = ["-t", "--virtual", "-X", "--repository", "-o", "--target-release", "--repo"];

impl Rule for ForbiddenPackage {
    const NAME: &'static str = "forbidden-package";
    const SUMMARY: &'static str = "Packages that option packages names should not be installed";
    const OPTIONS_SCHEMA: &'static str = r#"{
  "type": "object",
  "properties": {
    "packages": {
      "description": "Names of packages, in which * stands for any text, each with the reason why it is not wanted",
      "type": "object",
      "additionalProperties": {"type": "string"},
      "examples": [{"telnet*": "use the mesh"}]
    }
  },
  "additionalProperties": false
}"#;

    fn configure(options: &str) -> Result<Self, String> {
        from_json(options)
    }

    fn check(&self, document: &Document, report: &mut Report) {
        if self.packages.is_empty() {
            return;
        }
        let scripts = document.steps().filter_map(|step| step.script().ok());
        for (word, text) in scripts.flat_map(|script| script.simple_commands()).flat_map(|c| installed(&c)) {
            // Behind the name may be a version, an architecture or a repository.
            let name = text.split(['=', ':', '@', '<', '>', '~']).next().unwrap_or_default();
            if let Some((_, reason)) = self.packages.iter().find(|(pattern, _)| matches(pattern, name)) {
                report.add(word.span(), format!("Package {name} is not wanted here: {reason}"));
            }
        }
    }
}

/// The packages that a command installs, as far as their names are known.
fn installed<'d>(command: &Command<'d>) -> Vec<(Word<'d>, &'d str)> {
    let mut words = command.words().skip_while(|word| word.text() == Some("sudo"));
    let program = words.next().and_then(|word| word.text()).and_then(|path| path.rsplit('/').next());
    let Some((_, verb)) = MANAGERS.iter().find(|(manager, _)| Some(*manager) == program) else { return Vec::new() };
    let mut packages = Vec::new();
    let mut is_value = false;
    let mut installs = false;
    for word in words {
        let text = word.text().unwrap_or_default();
        if std::mem::take(&mut is_value) || text.is_empty() {
            continue;
        }
        if text.starts_with('-') {
            is_value = OPTIONS_WITH_VALUE.contains(&text);
        } else if !installs {
            installs = text == *verb;
            if !installs {
                return Vec::new();
            }
        } else {
            packages.push((word, text));
        }
    }
    packages
}
