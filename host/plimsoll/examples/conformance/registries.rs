//! The operations of suite `registries`: what the files of a case say, as the registry client reads them.

use std::path::{Path, PathBuf};

use plimsoll_dockerfile::Reference;
use plimsoll_registry::config::{Registries, ShortNameMode};
use plimsoll_registry::{Environment, Paths, credentials};
use serde_json::{Value, json};

/// The reply to operation `op`; `None` where it is not one of these.
pub fn answer(op: &str, request: &Value) -> Option<Result<Value, String>> {
    let reply: fn(&Value, &Environment) -> Result<Value, String> = match op {
        "load" => load,
        "find_registry" => find_registry,
        "pull_sources" => pull_sources,
        "resolve" => resolve,
        "credentials" => credentials,
        _ => return None,
    };
    Some(reply(&request["input"], &environment(request)))
}

fn environment(request: &Value) -> Environment {
    let path = |key: &str| Some(PathBuf::from(text(request, key))).filter(|path| path != Path::new(""));
    let paths = Paths { root: path("root").unwrap_or_default(), aliases: path("alias_file"), ..Paths::default() };
    let process = Environment::of_process();
    Environment { home: path("home").or(process.home.clone()), paths, ..process }
}

fn registries(environment: &Environment) -> Result<Registries, String> {
    Registries::load(environment).map_err(|problem| problem.to_string())
}

fn load(_: &Value, environment: &Environment) -> Result<Value, String> {
    let all = registries(environment)?;
    let registries = all.registries().map(|registry| {
        let mirrors = registry.mirrors.iter().map(|mirror| {
            let pull = mirror.pull.as_str();
            json!({ "location": mirror.location, "insecure": mirror.insecure, "pull_from_mirror": pull })
        });
        json!({
            "prefix": registry.prefix,
            "location": registry.location,
            "insecure": registry.insecure,
            "blocked": registry.blocked,
            "mirror_by_digest_only": registry.mirror_by_digest_only,
            "mirrors": mirrors.collect::<Vec<_>>(),
        })
    });
    Ok(json!({
        "credential_helpers": all.credential_helpers(),
        "registries": registries.collect::<Vec<_>>(),
        "short_name_mode": all.short_name_mode().as_str(),
        "unqualified_search_registries": all.unqualified_search_registries(),
    }))
}

fn find_registry(input: &Value, environment: &Environment) -> Result<Value, String> {
    Ok(match registries(environment)?.find_registry(text(input, "ref")) {
        Some(found) => json!({
            "prefix": found.prefix,
            "location": found.location,
            "insecure": found.insecure,
            "blocked": found.blocked,
        }),
        None => Value::Null,
    })
}

fn pull_sources(input: &Value, environment: &Environment) -> Result<Value, String> {
    let reference = Reference::parse(text(input, "ref")).map_err(|error| error.to_string())?;
    let sources = registries(environment)?.pull_sources(&reference).map_err(|problem| problem.to_string())?;
    let sources =
        sources.iter().map(|source| json!({ "reference": source.reference.canonical(), "insecure": source.insecure }));
    Ok(sources.collect())
}

fn resolve(input: &Value, environment: &Environment) -> Result<Value, String> {
    let mode = match text(input, "mode") {
        "" => None,
        mode => Some(ShortNameMode::parse(mode).ok_or_else(|| format!("unknown mode {mode:?}"))?),
    };
    let candidates = registries(environment)?.resolve(environment, text(input, "name"), mode);
    let candidates = candidates.map_err(|problem| problem.to_string())?;
    Ok(candidates.iter().map(Reference::canonical).collect())
}

fn credentials(input: &Value, environment: &Environment) -> Result<Value, String> {
    let found = credentials::find(environment, text(input, "key")).map_err(|problem| problem.to_string())?;
    Ok(found.credentials.map_or(Value::Null, |found| {
        json!({
            "username": found.username,
            "password": found.password.expose(),
            "identity_token": found.identity_token.as_ref().map_or("", |token| token.expose()),
        })
    }))
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}
