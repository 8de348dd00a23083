//! Short names: images without a registry, what aliases make of them, and where to search for the others.

use std::collections::BTreeMap;
use std::path::PathBuf;

use plimsoll_dockerfile::Reference;

use super::document::{Document, RawAlias};
use super::files::{self, Source};
use super::{Problem, Registries, ShortNameMode};
use crate::environment::Environment;

impl Registries {
    /// The references that `name` may mean, in the order to try, each with a tag or digest.
    ///
    /// A name with a registry means itself. Others mean what their alias says, first the one that another tool noted
    /// for the user; else what the search registries may have. Nobody is asked: there is no terminal.
    pub fn resolve(
        &self,
        environment: &Environment,
        name: &str,
        mode: Option<ShortNameMode>,
    ) -> Result<Vec<Reference>, Problem> {
        let short = match parse(name)? {
            Name::Complete(reference) => return Ok(vec![reference.with_default_tag()]),
            Name::Short(short) => short,
        };
        if let Some(alias) = self.alias(environment, short.name)? {
            let alias = Reference { tag: short.tag, digest: short.digest, ..alias };
            return Ok(vec![alias.with_default_tag()]);
        }
        if self.search.is_empty() {
            return Err(Problem::of_question(format!(
                "`{name}` has no alias, and {} has no `unqualified-search-registries`",
                environment.display(&self.search_origin)
            )));
        }
        let candidate = |registry: &String| match Reference::parse(&format!("{registry}/{name}")) {
            Ok(reference) => Ok(reference.with_default_tag()),
            Err(error) => Err(Problem::of_question(format!("`{registry}/{name}`: {error}"))),
        };
        let candidates: Vec<_> = self.search.iter().map(candidate).collect::<Result<_, _>>()?;
        if candidates.len() > 1 && mode.unwrap_or(self.mode) == ShortNameMode::Enforcing {
            return Err(Problem::of_question(format!(
                "`{name}` may mean several images, and `short-name-mode` is `enforcing`: write the registry too"
            )));
        }
        Ok(candidates)
    }

    fn alias(&self, environment: &Environment, name: &str) -> Result<Option<Reference>, Problem> {
        if let Some(path) = user_file(environment)
            && let Some(source) = files::read(&path, environment)?
        {
            let mut noted = aliases(Document::read_aliases(&source)?, &source)?;
            if let Some(alias) = noted.remove(name) {
                return Ok(alias);
            }
        }
        Ok(self.aliases.get(name).cloned().flatten())
    }
}

/// Judges `[aliases]`; an empty value erases an alias.
pub(super) fn aliases(raw: Vec<RawAlias>, source: &Source) -> Result<BTreeMap<String, Option<Reference>>, Problem> {
    let alias = |(name, value): RawAlias| {
        check_name(&name).map_err(|what| source.problem(value.line, format!("alias `{name}` {what}")))?;
        let target = match value.value.as_str() {
            "" => None,
            text => Some(target(text).map_err(|what| source.problem(value.line, format!("`{text}` {what}")))?),
        };
        Ok((name, target))
    };
    raw.into_iter().map(alias).collect()
}

/// A name that was parsed.
enum Name<'a> {
    /// With a registry.
    Complete(Reference),
    Short(Short<'a>),
}

struct Short<'a> {
    /// Without tag and digest, as written.
    name: &'a str,
    tag: Option<String>,
    digest: Option<String>,
}

fn parse(text: &str) -> Result<Name<'_>, Problem> {
    let problem = |error| Problem::of_question(format!("`{text}`: {error}"));
    if has_registry(text) {
        return Reference::parse(text).map(Name::Complete).map_err(problem);
    }
    // The grammar allows a host where the first part stands, in upper case too.
    let lower = match text.split_once('/') {
        Some((first, rest)) => format!("{}/{rest}", first.to_ascii_lowercase()),
        None => text.to_owned(),
    };
    // Behind a registry, so that nothing in the name is taken for one, and 64 digits for no identifier.
    let reference = Reference::parse(&format!("localhost/{lower}")).map_err(problem)?;
    let name = &text[..reference.path.len()];
    Ok(Name::Short(Short { name, tag: reference.tag, digest: reference.digest }))
}

fn has_registry(text: &str) -> bool {
    let Some((first, _)) = text.split_once('/') else {
        return false;
    };
    (first == "localhost" || first.contains(['.', ':']))
        // `a_b.c/name` is a path: there is no such host.
        && Reference::parse(text).map_or(true, |reference| !reference.domain.is_empty())
}

fn check_name(name: &str) -> Result<(), String> {
    match parse(name).map_err(|problem| format!("is no name: {}", problem.what))? {
        Name::Complete(_) => Err("must not have a registry".to_owned()),
        Name::Short(Short { tag: None, digest: None, .. }) => Ok(()),
        Name::Short(_) => Err("must not have a tag or digest".to_owned()),
    }
}

fn target(text: &str) -> Result<Reference, String> {
    match parse(text).map_err(|problem| format!("is no image: {}", problem.what))? {
        Name::Complete(reference) if reference.tag.is_none() && reference.digest.is_none() => Ok(reference),
        Name::Complete(_) => Err("must not have a tag or digest".to_owned()),
        Name::Short(_) => Err("must have a registry".to_owned()),
    }
}

/// The file that other tools note aliases in.
fn user_file(environment: &Environment) -> Option<PathBuf> {
    const FILE: &str = "containers/short-name-aliases.conf";
    if let Some(path) = &environment.paths.aliases {
        return Some(path.clone());
    }
    if environment.user == Some(0) {
        return Some(environment.system("/var/cache").join(FILE));
    }
    let cache = environment.path("XDG_CACHE_HOME");
    let cache = cache.or_else(|| Some(environment.home.as_ref()?.join(".cache")));
    cache.map(|folder| folder.join(FILE))
}
