//! What a plugin may ask for.
//!
//! Input: patterns by capability, as `grants` of a plugin has them. Output: of a
//! question, why it may not be asked. Invariant: a capability without patterns
//! is not granted, and a pattern never reaches into another host.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use url::{Position, Url};

use super::pattern::{covers, fits};
use crate::question::Question;

/// What a plugin may ask for, by capability.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Grants {
    /// Repositories, such as `ghcr.io/acme/*`; a host alone means all of its.
    #[serde(deserialize_with = "registries", skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>")]
    pub registry: Vec<String>,
    /// Paths of the build context, such as `**/package.json`.
    #[serde(deserialize_with = "paths", skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>")]
    pub context: Vec<String>,
    /// Addresses, such as `https://example.com/*`.
    #[serde(deserialize_with = "addresses", skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>")]
    pub http: Vec<String>,
    /// Repositories, in the same terms.
    #[serde(deserialize_with = "addresses", skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>")]
    pub git: Vec<String>,
    /// Tools, by name.
    #[serde(deserialize_with = "tools", skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>")]
    pub console: Vec<String>,
}

/// Whether a pattern is one, else what it should look like.
type Check = fn(&str) -> Result<(), String>;

/// What stands for all there is.
const ALL: &str = "*";

impl Grants {
    /// Every question of these capabilities. Tools are granted by name only, since
    /// their arguments are for the plugin to choose.
    pub fn all_of(capabilities: &[&str]) -> Self {
        let mut grants = Self::default();
        for capability in capabilities.iter().filter(|capability| **capability != "console") {
            grants.add(capability, ALL).expect("a capability of the contract takes it");
        }
        grants
    }

    /// Everything that can be asked at all.
    pub fn everything() -> Self {
        let all = || vec![ALL.to_owned()];
        Self { registry: all(), context: all(), http: all(), git: all(), console: all() }
    }

    /// Adds a pattern, or all there is, to a capability.
    ///
    /// # Errors
    /// When there is no such capability, or the pattern is none of it.
    pub fn add(&mut self, capability: &str, pattern: &str) -> Result<(), String> {
        let (patterns, check) = match capability {
            "registry" => (&mut self.registry, check_registry as Check),
            "context" => (&mut self.context, check_path as Check),
            "http" => (&mut self.http, check_address as Check),
            "git" => (&mut self.git, check_address as Check),
            "console" => (&mut self.console, check_tool as Check),
            _ => return Err(format!("there is no capability {capability:?}: registry, context, http, git or console")),
        };
        check(pattern)?;
        patterns.push(pattern.to_owned());
        Ok(())
    }

    /// Whether every path of the build context is granted, links included.
    pub fn has_whole_context(&self) -> bool {
        self.context.iter().any(|pattern| matches!(pattern.as_str(), ALL | "**"))
    }

    /// Each capability with its patterns, those with none left out.
    pub fn by_capability(&self) -> impl Iterator<Item = (&'static str, &[String])> {
        let all = [
            ("registry", &self.registry),
            ("context", &self.context),
            ("http", &self.http),
            ("git", &self.git),
            ("console", &self.console),
        ];
        all.into_iter().filter(|(_, patterns)| !patterns.is_empty()).map(|(name, patterns)| (name, patterns.as_slice()))
    }

    /// Why a question may not be asked: the grant that would allow it.
    pub fn why_denied(&self, question: &Question) -> Option<String> {
        let missing = self.missing(question)?;
        Some(format!("its grants have no {} = [\"{missing}\"]", question.resolver()))
    }

    /// The narrowest grant that a question lacks.
    fn missing(&self, question: &Question) -> Option<String> {
        match question {
            Question::Image { reference, .. }
            | Question::Index { reference, .. }
            | Question::Tags { repository: reference }
            | Question::Referrers { reference, .. } => {
                let is_granted = |pattern: &String| is_repository(pattern, &reference.domain, &reference.path);
                (!self.registry.iter().any(is_granted)).then(|| format!("{}/{}", reference.domain, reference.path))
            }
            Question::Download { url, .. } => missing_address(&self.http, url),
            Question::Commit { remote, .. } => missing_address(&self.git, remote),
            Question::Ignored { paths, .. } if paths.is_empty() => self.missing_path("**"),
            Question::Ignored { paths, .. } => paths.iter().find_map(|path| self.missing_path(path)),
            Question::Files { patterns, .. } => patterns.iter().find_map(|pattern| self.missing_path(pattern)),
            Question::File { path, .. } | Question::Text { path, .. } => self.missing_path(path),
            Question::Run { tool, .. } | Question::Check { tool, .. } => {
                let is_granted = |name: &String| name == ALL || **name == *tool.name;
                (!self.console.iter().any(is_granted)).then(|| tool.name.to_string())
            }
        }
    }

    /// A path, or a pattern of paths, that no grant covers.
    fn missing_path(&self, path: &str) -> Option<String> {
        let normal = normal_path(path);
        let is_granted = |pattern: &String| pattern == ALL || covers(pattern, &normal);
        (!self.context.iter().any(is_granted)).then(|| normal.into_owned())
    }
}

impl fmt::Display for Grants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        for (capability, patterns) in self.by_capability() {
            let comma = if text.is_empty() { "" } else { ", " };
            write!(text, "{comma}{capability} = {patterns:?}")?;
        }
        f.write_str(if text.is_empty() { "nothing" } else { &text })
    }
}

fn is_repository(pattern: &str, domain: &str, path: &str) -> bool {
    let (host, repository) = pattern.split_once('/').unwrap_or((pattern, ALL));
    fits(host, domain) && fits(repository, path)
}

fn missing_address(patterns: &[String], url: &Url) -> Option<String> {
    let (host, rest) = (&url[Position::BeforeHost..Position::AfterPort], &url[Position::BeforePath..]);
    let is_granted = |pattern: &String| {
        let Some((scheme, pattern)) = split_address(pattern) else { return true };
        let (of_host, of_rest) = pattern.split_once('/').unwrap_or((pattern, ALL));
        // What a server may take for a way up is below no path.
        let is_below = of_rest == ALL || !has_hidden_way_up(url.path());
        let rest = rest.strip_prefix('/').unwrap_or(rest);
        fits(scheme, url.scheme()) && fits(of_host, host) && is_below && fits(of_rest, rest)
    };
    (!patterns.iter().any(is_granted)).then(|| format!("{}://{host}/*", url.scheme()))
}

/// Whether a path has separators or dots that are only there once it is decoded.
fn has_hidden_way_up(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    ["%2f", "%5c", "%2e"].iter().any(|hidden| path.contains(hidden))
}

/// Scheme and rest; nothing for what stands for all there is.
fn split_address(pattern: &str) -> Option<(&str, &str)> {
    pattern.split_once("://")
}

/// A path as it is looked up in the context: without `.`, `..` and what goes before them.
fn normal_path(path: &str) -> Cow<'_, str> {
    let is_odd = |part: &str| matches!(part, "" | "." | "..");
    if !path.split('/').any(is_odd) {
        return Cow::Borrowed(path);
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            // Above the root there is nothing else.
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    Cow::Owned(parts.join("/"))
}

fn check_registry(pattern: &str) -> Result<(), String> {
    let expected = || Err(format!("{pattern:?} is no grant such as \"ghcr.io/acme/*\""));
    let (host, repository) = pattern.split_once('/').unwrap_or((pattern, ALL));
    if host.is_empty() || repository.is_empty() || repository.contains([':', '@']) || pattern.contains(is_space) {
        return expected();
    }
    if matches!(host, "index.docker.io" | "registry-1.docker.io") {
        return Err(format!(
            "{pattern:?}: references to Docker Hub say docker.io, so write \"docker.io/{repository}\""
        ));
    }
    if host.contains(char::is_uppercase) {
        return Err(format!("{pattern:?}: write the host in lower case"));
    }
    let is_host = host == "localhost" || host.contains(['.', ':', '*']);
    match is_host {
        true => Ok(()),
        false => Err(format!("{pattern:?} names no registry: write \"docker.io/library/{pattern}\", for example")),
    }
}

fn check_address(pattern: &str) -> Result<(), String> {
    let host = match split_address(pattern) {
        Some((_, rest)) => rest.split('/').next().unwrap_or_default(),
        None => "",
    };
    if let Some((scheme, _)) = split_address(pattern).filter(|_| !host.contains('*') && !host.is_empty()) {
        // As questions have it: in lower case, ASCII, without the port that the scheme has anyway.
        let normal = Url::parse(&format!("{scheme}://{host}/")).map_err(|error| format!("{pattern:?}: {error}"))?;
        let normal = &normal[Position::BeforeHost..Position::AfterPort];
        if normal != host && !scheme.contains('*') {
            return Err(format!("{pattern:?}: write the host as {normal}"));
        }
    }
    let is_address = !host.is_empty() && !host.contains(['@', '\\', '?', '#']) && !pattern.contains(is_space);
    match is_address || pattern == ALL {
        true => Ok(()),
        false => Err(format!("{pattern:?} is no grant such as \"https://example.com/*\"")),
    }
}

fn check_path(pattern: &str) -> Result<(), String> {
    if pattern.is_empty() || pattern.contains(['?', '[', ']', '\\', '\0']) || Path::new(pattern).is_absolute() {
        return Err(format!(
            "{pattern:?} is no grant such as \"**/package.json\": only * and ** stand for other paths"
        ));
    }
    match normal_path(pattern) == pattern {
        true => Ok(()),
        false => Err(format!("{pattern:?} is no grant: write it without ., .. and empty parts")),
    }
}

fn check_tool(name: &str) -> Result<(), String> {
    match name == ALL || crate::question::Tool::is_name(name) {
        true => Ok(()),
        false => Err(format!("{name:?} is no name of a tool: letters, digits, `-` and `_`")),
    }
}

fn is_space(c: char) -> bool {
    c.is_whitespace() || c.is_control()
}

fn checked<'de, D: Deserializer<'de>>(deserializer: D, check: Check) -> Result<Vec<String>, D::Error> {
    let patterns = Vec::<String>::deserialize(deserializer)?;
    patterns.iter().try_for_each(|pattern| check(pattern)).map_err(serde::de::Error::custom)?;
    Ok(patterns)
}

fn registries<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    checked(deserializer, check_registry)
}

fn addresses<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    checked(deserializer, check_address)
}

fn paths<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    checked(deserializer, check_path)
}

fn tools<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    checked(deserializer, check_tool)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use plimsoll_dockerfile::Reference;

    use super::*;
    use crate::question::{Algorithm, BuildContext, Tool};

    fn check(capability: &str, pattern: &str, question: &Question, expect: bool) {
        let mut grants = Grants::default();
        grants.add(capability, pattern).unwrap();
        assert_eq!(grants.why_denied(question).is_none(), expect, "{capability} {pattern}: {question}");
        assert!(Grants::default().why_denied(question).is_some(), "{question}");
        assert_eq!(Grants::everything().why_denied(question), None, "{question}");
    }

    #[test]
    fn repositories_are_of_their_host() {
        let tags = |text: &str| Question::Tags { repository: Reference::parse(text).unwrap() };
        let check = |pattern: &str, reference: &str, expect| check("registry", pattern, &tags(reference), expect);
        check("ghcr.io/acme/*", "ghcr.io/acme/app", true);
        check("ghcr.io/acme/*", "ghcr.io/acme/deep/app", true);
        check("ghcr.io/acme/*", "ghcr.io/acmed/app", false);
        check("ghcr.io/acme/*", "evil.example/ghcr.io/acme/app", false);
        check("ghcr.io", "ghcr.io/any/app", true);
        check("ghcr.io", "ghcr.io:5000/any/app", false);
        check("*.acme.dev/*", "registry.acme.dev/app", true);
        check("*.acme.dev/*", "evil.example/x.acme.dev/app", false);
        check("docker.io/library/*", "alpine", true);
        check("docker.io/library/*", "acme/alpine", false);
        check("*", "alpine", true);
    }

    #[test]
    fn addresses_are_of_their_host() {
        let download = |text: &str| Question::Download { url: text.parse().unwrap(), algorithm: Algorithm::Sha256 };
        let check = |pattern: &str, url: &str, expect| check("http", pattern, &download(url), expect);
        check("https://example.com/*", "https://example.com/a/b?c=d", true);
        check("https://example.com", "https://example.com/a", true);
        check("https://example.com/*", "http://example.com/a", false);
        check("https://example.com/*", "https://example.com:8443/a", false);
        check("https://example.com/*", "https://example.com@evil.example/a", false);
        check("https://example.com/*", "https://evil.example/example.com/a", false);
        check("https://*.example.com/*", "https://evil.example/.example.com/a", false);
        check("https://*.example.com/*", "https://a.example.com/a", true);
        check("https://example.com/list", "https://example.com/list?of=secrets", false);
        check("https://example.com/a/*", "https://example.com/a/../b", false);
        check("https://example.com/a/*", "https://example.com/a/..%2fb", false);
        check("https://example.com/a/*", "https://example.com//a/b", false);
        check("*", "https://example.com/a", true);
    }

    #[test]
    fn paths_stay_below_their_grant() {
        let text = |path: &str| Question::Text { context: Arc::new(BuildContext::default()), path: path.to_owned() };
        let check = |pattern: &str, path: &str, expect| check("context", pattern, &text(path), expect);
        check("**/package.json", "package.json", true);
        check("**/package.json", "/a/b/package.json", true);
        check("**/package.json", "a/package.json/../../.env", false);
        check("src/*", "src/a", true);
        check("src/*", "src/a/b", false);
        check("src/*", "src/../.env", false);
        check("*", ".env", true);
    }

    #[test]
    fn tools_are_named() {
        let tool = Tool { name: "shellcheck".into(), arguments: Arc::default() };
        let run = Question::Run { tool, input: String::new() };
        check("console", "shellcheck", &run, true);
        check("console", "shell", &run, false);
        check("console", "*", &run, true);
        assert!(Grants::all_of(&["console", "registry"]).why_denied(&run).is_some());
    }

    #[test]
    fn grants_that_mean_nothing_are_refused() {
        let odd = [
            ("registry", "alpine"),
            ("registry", "ghcr.io/acme/app:1"),
            ("http", "example.com/*"),
            ("http", "https://user@example.com/*"),
            ("http", "https://Example.com/*"),
            ("http", "https://example.com:443/*"),
            ("registry", "index.docker.io/*"),
            ("registry", "Docker.io/*"),
            ("context", "/etc/passwd"),
            ("context", "a/../b"),
            ("console", "/bin/sh"),
            ("containers", "*"),
        ];
        for (capability, pattern) in odd {
            assert!(Grants::default().add(capability, pattern).is_err(), "{capability} {pattern}");
        }
    }
}
