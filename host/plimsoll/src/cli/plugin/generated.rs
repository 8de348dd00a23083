//! What the tools of other languages than Rust are given besides the author's
//! files: the contract, the helper that rules see, and the table of rules.
//!
//! Input: a project. Output: paths and bytes for its build folder. Invariant: all
//! of it comes with the program, so that the contract is the one it speaks.

use std::fmt::Write as _;

use super::language::Language;
use super::project::{Project, Rule};

// Tables that the build made: CONTRACT, PAGES, C_BINDINGS, and for each language a template and an SDK.
include!(concat!(env!("OUT_DIR"), "/languages.rs"));

/// The files of a template.
pub(super) fn template(language: Language) -> &'static [(&'static str, &'static str)] {
    match language {
        Language::Rust => &[],
        Language::Js => JS_TEMPLATE,
        Language::Python => PYTHON_TEMPLATE,
        Language::C => C_TEMPLATE,
    }
}

/// The pages of the template's rules.
pub(super) fn pages() -> &'static [(&'static str, &'static str)] {
    PAGES
}

/// What goes into the build folder.
pub(super) fn given(project: &Project) -> Vec<(String, Vec<u8>)> {
    let mut given: Vec<(String, Vec<u8>)> = Vec::new();
    let mut add = |path: String, bytes: &[u8]| given.push((path, bytes.to_vec()));
    let helper = match project.language {
        Language::Rust => &[],
        Language::Js => JS_SDK,
        Language::Python => PYTHON_SDK,
        Language::C => C_SDK,
    };
    helper.iter().for_each(|(path, text)| add((*path).to_owned(), text.as_bytes()));
    CONTRACT.iter().for_each(|(path, text)| add(format!("wit/deps/plimsoll-rules/{path}"), text.as_bytes()));
    add("wit/world.wit".to_owned(), project.world.as_bytes());
    match project.language {
        Language::Rust => {}
        Language::Js => add("plugin.js".to_owned(), javascript(project).as_bytes()),
        Language::Python => {
            add("plugin.py".to_owned(), python(project).as_bytes());
            // The tool takes all that is below the folders that it is given, tools included: so not the author's.
            project.rules.iter().for_each(|rule| add(format!("rules/{}", rule.file), rule.code.as_bytes()));
        }
        Language::C => {
            add("pack.c".to_owned(), c(project).as_bytes());
            C_BINDINGS.iter().for_each(|(path, bytes)| add((*path).to_owned(), bytes));
        }
    }
    given
}

/// The module that exports what the contract asks for.
fn javascript(project: &Project) -> String {
    let mut text = String::from("import { pack } from \"./plimsoll.js\";\n");
    for (index, Rule { file, .. }) in project.rules.iter().enumerate() {
        let _ = writeln!(text, "import * as rule{index} from \"../../rules/{file}\";");
    }
    let slow = if project.is_slow() { ", slow" } else { "" };
    let version = quoted(&project.version);
    let _ = writeln!(text, "export const {{ plugin, fast{slow} }} = pack({version}, [");
    for (index, Rule { name, page, .. }) in project.rules.iter().enumerate() {
        let _ = writeln!(text, "  [{}, rule{index}, {}],", quoted(name), quoted(page));
    }
    text.push_str("]);\n");
    text
}

/// The module whose classes the contract asks for.
fn python(project: &Project) -> String {
    let mut text = String::from("from plimsoll import Pack\nfrom wit_world import exports\n");
    let module = |rule: &Rule| rule.name.replace('-', "_");
    for rule in &project.rules {
        let _ = writeln!(text, "import rules.{}", module(rule));
    }
    let _ = writeln!(text, "\nPACK = Pack({}, [", quoted(&project.version));
    for rule in &project.rules {
        let _ = writeln!(text, "    ({}, rules.{}, {}),", quoted(&rule.name), module(rule), quoted(&rule.page));
    }
    text.push_str(PYTHON_EXPORTS);
    text.push_str(if project.is_slow() { PYTHON_SLOW } else { "" });
    text
}

const PYTHON_EXPORTS: &str = "])


class Plugin(exports.Plugin):
    def describe(self):
        return PACK.description

    def validate_options(self, rule, options):
        return PACK.validate_options(rule, options)


class Fast(exports.Fast):
    def check(self):
        return PACK.check()
";

const PYTHON_SLOW: &str = "

class Slow(exports.Slow):
    def plan(self):
        PACK.plan()

    def on_success(self, request):
        return PACK.on_success(request)
";

/// The file with the table of rules.
fn c(project: &Project) -> String {
    let mut text = String::from("#include \"plimsoll.h\"\n\n");
    let symbol = |rule: &Rule| rule.name.replace('-', "_");
    for rule in &project.rules {
        let _ = writeln!(text, "extern PLIMSOLL_RULE({});", symbol(rule));
    }
    let _ = writeln!(text, "\nconst char plimsoll_pack_version[] = {};", quoted_in_c(&project.version));
    let _ = writeln!(text, "const size_t plimsoll_pack_count = {};", project.rules.len());
    text.push_str("const plimsoll_entry plimsoll_pack[] = {\n");
    for rule in &project.rules {
        let (name, page) = (quoted_in_c(&rule.name), quoted_in_c(&rule.page));
        let _ = writeln!(text, "    {{{name}, &plimsoll_rule_{}, {page}}},", symbol(rule));
    }
    text.push_str("};\n");
    text
}

/// A text as JavaScript and Python write it.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A text as C writes it: three digits to an escape, so that what follows is no part of it.
fn quoted_in_c(text: &str) -> String {
    let escaped = text.bytes().fold(String::new(), |mut escaped, byte| {
        match byte {
            // Two of `?` can begin a trigraph.
            b'"' | b'\\' | b'?' | 0..=0x1f | 0x7f.. => _ = write!(escaped, "\\{byte:03o}"),
            _ => escaped.push(char::from(byte)),
        }
        escaped
    });
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::{quoted, quoted_in_c};

    #[test]
    fn texts_are_quoted_so_that_they_stay_what_they_are() {
        assert_eq!(quoted("a\"b\\\n\u{1}é"), r#""a\"b\\\n\u0001é""#);
        assert_eq!(quoted_in_c("a\"b\\\n1é??/"), r#""a\042b\134\0121\303\251\077\077/""#);
    }
}
