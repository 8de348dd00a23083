//! The conformance adapter: one JSON request per line on standard input, one reply per line on
//! standard output.
//!
//! `{"id", "op", …}` → `{"id", "ok"}` or `{"id", "error"}`. It only translates: every answer is what
//! the library says. An operation that is not known is an error of that request.

mod lint;
mod registries;

use std::collections::BTreeMap;
use std::io::{BufRead, Write};

use plimsoll_dockerfile::tree::{Instruction, ProblemKind, Tree, WordRole};
use plimsoll_dockerfile::{Reference, expand, ignore, parse};
use serde_json::{Value, json};

fn main() -> std::io::Result<()> {
    let mut output = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let reply = match serde_json::from_str::<Value>(&line) {
            Ok(request) => match answer(&request) {
                Ok(value) => json!({ "id": request["id"], "ok": value }),
                Err(error) => json!({ "id": request["id"], "error": error }),
            },
            Err(error) => json!({ "id": null, "error": error.to_string() }),
        };
        writeln!(output, "{reply}")?;
        output.flush()?;
    }
    Ok(())
}

fn answer(request: &Value) -> Result<Value, String> {
    match text(request, "op") {
        "parse" => parsed(text(request, "source")),
        "expand" => expanded(request),
        "words" => {
            let (word, env, escape) = word(request);
            let words = expand::expand_words(word, escape, &env).map_err(|error| error.to_string())?;
            Ok(json!(words))
        }
        "reference" => reference(text(request, "ref")),
        "match" => {
            let matcher = matcher(&strings(&request["patterns"]))?;
            Ok(json!(matcher.is_ignored(text(request, "path"))))
        }
        "read" => Ok(json!(ignore::read(text(request, "content").as_bytes()))),
        "context" => {
            let matcher = matcher(&ignore::read(text(request, "content").as_bytes()))?;
            let files = strings(&request["files"]);
            Ok(json!(files.iter().filter(|file| !matcher.is_ignored(file)).collect::<Vec<_>>()))
        }
        "lint" => lint::lint(request),
        other => registries::answer(other, request).unwrap_or_else(|| Err(format!("unknown operation {other:?}"))),
    }
}

fn parsed(source: &str) -> Result<Value, String> {
    let source = source.as_bytes();
    let tree = parse(source);
    if let Some(problem) = tree.problems.iter().find(|problem| problem.kind == ProblemKind::Syntax) {
        return Err(format!("line {}: {}", problem.line, problem.message));
    }
    let top = tree.instructions.iter().enumerate().filter(|(_, instruction)| instruction.parent.is_none());
    let instructions: Vec<Value> = top.map(|(index, _)| instruction(source, &tree, index)).collect();
    let empty = tree.problems.iter().filter(|problem| problem.kind == ProblemKind::EmptyContinuation);
    let warnings: Vec<Value> =
        empty.map(|problem| json!({ "rule": "NoEmptyContinuation", "line": problem.line })).collect();
    Ok(json!({ "escape": char::from(tree.escape).to_string(), "instructions": instructions, "warnings": warnings }))
}

fn instruction(source: &[u8], tree: &Tree, index: usize) -> Value {
    let this = &tree.instructions[index];
    let flags = tree.flags_of(this).iter().map(|flag| tree.text(source, flag.text));
    let mut value = json!({
        "keyword": String::from_utf8_lossy(&source[this.keyword_span.range()]),
        "args": arguments(source, tree, this),
        "json": this.json,
        "flags": flags.collect::<Vec<_>>(),
        "heredocs": heredocs(source, tree, this),
    });
    if this.parent.is_none() {
        value["lines"] = json!([this.lines.0, this.lines.1]);
    } else {
        // The heredocs of an instruction inside an `ONBUILD` are counted at the `ONBUILD`.
        value["heredocs"] = json!([]);
    }
    if tree.instructions.get(index + 1).is_some_and(|next| next.parent == Some(index as u32)) {
        value["onbuild"] = instruction(source, tree, index + 1);
    }
    value
}

fn arguments(source: &[u8], tree: &Tree, instruction: &Instruction) -> Vec<String> {
    let mut arguments = Vec::new();
    for word in tree.words_of(instruction) {
        arguments.push(tree.text(source, word.text).to_owned());
        match word.role {
            WordRole::Value => arguments.push("=".into()),
            WordRole::LegacyValue => arguments.push(String::new()),
            _ => {}
        }
    }
    arguments
}

fn heredocs(source: &[u8], tree: &Tree, instruction: &Instruction) -> Vec<Value> {
    let heredocs = tree.heredocs_of(instruction).iter();
    heredocs
        .map(|heredoc| {
            json!({
                "name": tree.text(source, heredoc.name),
                "fd": heredoc.fd,
                "expand": heredoc.expand,
                "chomp": heredoc.chomp,
                "content": String::from_utf8_lossy(&source[heredoc.body.range()]),
            })
        })
        .collect()
}

fn expanded(request: &Value) -> Result<Value, String> {
    let (word, env, escape) = word(request);
    let expansion = expand(word, escape, &env);
    let unset = expansion.unset(word);
    let value = expansion.value.map_err(|error| error.to_string())?;
    Ok(json!({ "value": value, "unset": unset }))
}

fn reference(text: &str) -> Result<Value, String> {
    let reference = Reference::parse(text).map_err(|error| error.to_string())?;
    Ok(json!({
        "domain": reference.domain,
        "path": reference.path,
        "tag": reference.tag.clone().unwrap_or_default(),
        "digest": reference.digest.clone().unwrap_or_default(),
        "familiar": reference.familiar(),
        "canonical": reference.canonical(),
        "canonical_with_default_tag": reference.with_default_tag().canonical(),
    }))
}

fn matcher(patterns: &[String]) -> Result<ignore::Matcher, String> {
    ignore::Matcher::new(patterns.iter().map(String::as_str)).map_err(|error| error.to_string())
}

fn word(request: &Value) -> (&str, BTreeMap<String, String>, char) {
    let env = request["env"].as_object().into_iter().flatten();
    let env = env.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned())).collect();
    (text(request, "word"), env, text(request, "escape").chars().next().unwrap_or('\\'))
}

fn text<'a>(request: &'a Value, key: &str) -> &'a str {
    request[key].as_str().unwrap_or_default()
}

fn strings(value: &Value) -> Vec<String> {
    let items = value.as_array().into_iter().flatten();
    items.map(|item| item.as_str().unwrap_or_default().to_owned()).collect()
}
