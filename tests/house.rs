//! The house's own rules: order of modules, imports of the packs, and a process
//! that compiles nothing.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use plimsoll::plugin::{Host, Plugin};
use plimsoll_test_support::repository_root;

/// `lib.rs` lists its modules in reading order, and a module uses only those
/// above it.
#[test]
fn modules_use_only_those_above_them() {
    let source = repository_root().join("host/plimsoll/src");
    let text = fs::read_to_string(source.join("lib.rs")).unwrap();
    let modules: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert!(modules.len() > 8, "{modules:?}");
    let mut wrong = Vec::new();
    for (index, module) in modules.iter().enumerate() {
        for file in files_of(&source, module) {
            let text = fs::read_to_string(&file).unwrap();
            let used = text
                .split("crate::")
                .skip(1)
                .filter_map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next());
            let below = used.filter(|used| modules[index + 1..].contains(used));
            wrong.extend(below.map(|used| format!("{} uses {used}, which stands below {module}", file.display())));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn files_of(source: &Path, module: &str) -> Vec<PathBuf> {
    let single = source.join(format!("{module}.rs"));
    if single.is_file() {
        return vec![single];
    }
    let mut files = Vec::new();
    let mut folders = vec![source.join(module)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files
}

/// What a pack imports is the most it can ask for; each new capability is a
/// decision, made here.
#[test]
fn packs_import_what_they_are_known_to_import() {
    let host = Host::new().unwrap();
    let packs = Plugin::bundled(&host).unwrap_or_else(|pack| panic!("{}: {}", pack.name, pack.message));
    let imports: Vec<_> = packs.iter().map(|pack| (pack.name.as_str(), pack.capabilities.as_slice())).collect();
    let sources = ["registry", "context", "http", "git"].as_slice();
    let (buildkit, shellcheck) = (["registry", "context"].as_slice(), ["console"].as_slice());
    assert_eq!(imports, [("buildkit", buildkit), ("shellcheck", shellcheck), ("sources", sources)]);
    assert_eq!(host.compiled(), 0, "the bundle is native code that fits this engine");
}

/// Whoever writes a plugin reads the contract: each function, field, case and
/// type says what it means.
#[test]
fn the_contract_explains_itself() {
    let mut bare = Vec::new();
    let folder = repository_root().join("wit/0.2.0");
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "wit") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let mut is_explained = false;
        for (number, line) in (1..).zip(text.lines().map(str::trim)) {
            let keywords = ["package ", "use ", "import ", "export ", "include ", "}"];
            let speaks = !line.is_empty() && !line.starts_with("///") && !keywords.iter().any(|k| line.starts_with(k));
            if speaks && !is_explained {
                bare.push(format!("{}:{number}: {line}", path.display()));
            }
            is_explained = line.starts_with("///");
        }
    }
    assert!(bare.is_empty(), "{}", bare.join("\n"));
}
