//! `registries.conf`: which files count, what they must not say, and what follows from them.

use plimsoll_dockerfile::Reference;

use crate::config::{Registries, ShortNameMode};
use crate::{Environment, Paths};

/// An environment with `files`, relative to a folder that is root and holds the home `home`.
fn environment(files: &[(&str, &str)]) -> (tempfile::TempDir, Environment) {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let paths = Paths { root: folder.path().to_owned(), ..Paths::default() };
    let home = Some(folder.path().join("home"));
    (folder, Environment { home, paths, ..Environment::default() })
}

const MAIN: &str = "etc/containers/registries.conf";

/// The problem with `text` as main file, without the name of the folder.
fn problem(text: &str) -> String {
    let (folder, environment) = environment(&[(MAIN, text)]);
    let problem = Registries::load(&environment).unwrap_err().to_string();
    problem.replace(&format!("{}/etc/containers/", folder.path().display()), "")
}

#[test]
fn the_users_file_replaces_the_systems() {
    let file = |name: &str| format!("[[registry]]\nlocation = \"{name}.example\"\n");
    let texts = ["system", "dropin", "user", "userdropin", "chosen"].map(file);
    let all = [
        (MAIN, texts[0].as_str()),
        ("etc/containers/registries.conf.d/1.conf", &texts[1]),
        ("home/.config/containers/registries.conf", &texts[2]),
        ("home/.config/containers/registries.conf.d/1.conf", &texts[3]),
        ("chosen.conf", &texts[4]),
        ("home/.config/containers/registries.conf.d/ignored.txt", "nonsense"),
        ("home/.config/containers/registries.conf.d/folder.conf/x", ""),
    ];
    let names = |files: &[(&str, &str)], chosen: Option<&str>| {
        let (folder, mut environment) = environment(files);
        if let Some(chosen) = chosen {
            let path = folder.path().join(chosen).into_os_string();
            environment.variables.insert("CONTAINERS_REGISTRIES_CONF".into(), path);
        }
        let all = Registries::load(&environment).map_err(|problem| problem.what)?;
        Ok(all.registries().map(|registry| registry.prefix.replace(".example", "")).collect::<Vec<_>>().join(" "))
    };
    assert_eq!(names(&all, None), Ok("user userdropin".to_owned()));
    assert_eq!(names(&all[..2], None), Ok("dropin system".to_owned()));
    assert_eq!(names(&[all[0], all[3]], None), Ok("system userdropin".to_owned()));
    assert_eq!(names(&all, Some("chosen.conf")), Ok("chosen dropin userdropin".to_owned()));
    assert_eq!(names(&all, Some("missing.conf")), Err("no such file".to_owned()));
    assert_eq!(names(&[], None), Ok(String::new()));
}

#[test]
fn problems_name_file_and_line() {
    for (text, expect) in [
        ("a = 1\nb", "registries.conf:2: not TOML: "),
        ("[[registry]]\nlocation = 1", "registries.conf:2: `location` must be a string"),
        ("[[registry]]\nlocation = 'a'\ninsecure = 'yes'", "registries.conf:3: `insecure` must be true or false"),
        ("registry = 1", "registries.conf:1: `registry` must be a list of tables"),
        ("\n[[registry]]\nprefix = 'a'", "registries.conf:2: registry `a` needs a `location`"),
        ("[[registry]]", "registries.conf:1: a registry needs a `location`"),
        ("[[registry]]\nlocation = 'https://a'", "registries.conf:1: `https://a` must be a host and perhaps a path"),
        ("[[registry]]\nprefix = '*.a/b'", "registries.conf:1: `*.a/b` must be `*.` and a host"),
        ("unqualified-search-registries = [\n'a',\n'b/c']", "registries.conf:3: `b/c` in `unqualified-search"),
        ("[aliases]\n'a/b:1' = 'c.example/d'", "registries.conf:2: alias `a/b:1` must not have a tag"),
        ("[aliases]\na = 'b'", "registries.conf:2: `b` must have a registry"),
        ("short-name-mode = 'x'", "registries.conf:1: `short-name-mode` is `x`"),
        ("[registries.search]\nregistries = []\n[aliases]", "registries.conf:1: `[registries.…]` is the old format"),
    ] {
        let found = problem(text);
        assert!(found.starts_with(expect), "{text:?}: {found}");
    }
    let (_folder, environment) =
        environment(&[("etc/containers/registries.conf.d/1.conf", "[registries.block]\nregistries = ['a']")]);
    let found = Registries::load(&environment).unwrap_err();
    assert!(found.to_string().contains("1.conf:1: `[registries.…]` is the old format, which drop-ins"), "{found}");
}

#[test]
fn keys_are_read_in_any_case_and_unknown_ones_ignored() {
    let text =
        "Unqualified-Search-Registries = ['a.example/']\nnew = { x = [1] }\n[[Registry]]\nLocation = 'b.example//'";
    let (_folder, environment) = environment(&[(MAIN, text)]);
    let all = Registries::load(&environment).unwrap();
    assert_eq!(all.unqualified_search_registries(), ["a.example"]);
    assert_eq!(all.registries().next().unwrap().prefix, "b.example");
}

#[test]
fn huge_files_are_refused() {
    let found = problem(&"#".repeat(crate::limits::REGISTRIES_FILE_BYTES_MAX + 1));
    assert_eq!(found, "registries.conf: larger than 1048576 bytes");
}

#[test]
fn sources_are_mirrors_and_then_the_registry() {
    let text = "[[registry]]\nprefix = 'a.example/team'\nlocation = 'b.example'\nblocked = true\n\
        [[registry.mirror]]\nlocation = 'm.example:1/x'\ninsecure = true\n\
        [[registry.mirror]]\nlocation = 'd.example'\npull-from-mirror = 'digest-only'";
    let (_folder, environment) = environment(&[(MAIN, text)]);
    let all = Registries::load(&environment).unwrap();
    let sources = |text: &str| {
        let sources = all.pull_sources(&Reference::parse(text).unwrap()).unwrap();
        let shown = |source: crate::config::PullSource| {
            format!("{}{}", source.reference, if source.insecure { "!" } else { "" })
        };
        sources.into_iter().map(shown).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(sources("a.example/team/app"), "m.example:1/x/app:latest! b.example/app:latest");
    let digest = format!("sha256:{}", "0".repeat(64));
    let expect = format!("m.example:1/x/app@{digest}! d.example/app@{digest} b.example/app@{digest}");
    assert_eq!(sources(&format!("a.example/team/app@{digest}")), expect);
    assert_eq!(sources("a.example/other:1"), "a.example/other:1");
    assert!(all.registry_of(&Reference::parse("a.example/team/app").unwrap()).unwrap().blocked);
}

#[test]
fn short_names_mean_their_alias_or_what_the_search_finds() {
    let text = "unqualified-search-registries = ['a.example', 'b.example']\n\
        [aliases]\napp = 'c.example/team/app'\nnoted = 'c.example/old'\n'Team/app' = 'c.example/upper'";
    let noted = "[aliases]\nnoted = 'c.example/new'";
    let (_folder, environment) =
        environment(&[(MAIN, text), ("home/.cache/containers/short-name-aliases.conf", noted)]);
    let all = Registries::load(&environment).unwrap();
    let resolve = |name: &str, mode| match all.resolve(&environment, name, mode) {
        Ok(references) => references.iter().map(Reference::canonical).collect::<Vec<_>>().join(" "),
        Err(problem) => problem.to_string(),
    };
    let digits = "0".repeat(64);
    for (name, expect) in [
        ("app", "c.example/team/app:latest"),
        ("app:1", "c.example/team/app:1"),
        ("noted", "c.example/new:latest"),
        ("Team/app", "c.example/upper:latest"),
        ("x/y:1", "a.example/x/y:1 b.example/x/y:1"),
        ("x_y.z/app", "a.example/x_y.z/app:latest b.example/x_y.z/app:latest"),
        ("docker.io/python", "docker.io/library/python:latest"),
        ("localhost/app", "localhost/app:latest"),
        (digits.as_str(), &format!("a.example/{digits}:latest b.example/{digits}:latest")),
        ("", "``: invalid reference format"),
        ("App", "`App`: invalid reference format: repository name (App) must be lowercase"),
    ] {
        assert_eq!(resolve(name, None), expect, "{name}");
    }
    assert!(resolve("x", Some(ShortNameMode::Enforcing)).contains("write the registry too"));
    assert_eq!(resolve("app", Some(ShortNameMode::Enforcing)), "c.example/team/app:latest");
}

/// Any text is a configuration or a problem with a line of it, never a crash.
#[test]
fn damaged_files_are_problems_with_a_line() {
    let text = "unqualified-search-registries = ['a.example']\nshort-name-mode = 'permissive'\n\
        [[registry]]\nprefix = '*.a.example'\nlocation = 'b.example/x'\ninsecure = true\n\
        [[registry.mirror]]\nlocation = 'm.example:1'\npull-from-mirror = 'tag-only'\n[aliases]\na = 'c.example/d' # ä\n";
    let mut random = 1_u64;
    let mut next = |below: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % below
    };
    let (folder, environment) = environment(&[(MAIN, "")]);
    let reference = Reference::parse("x.a.example/app:1").unwrap();
    let mut loaded = 0;
    for _ in 0..3000 {
        let mut bytes = text.as_bytes().to_vec();
        for _ in 0..=next(3) {
            let place = next(bytes.len());
            match next(3) {
                0 => drop(bytes.remove(place)),
                1 => bytes.insert(place, b"='[]\".*/:@\n\xff"[next(12)]),
                _ => drop(bytes.drain(place..(place + next(20)).min(bytes.len()))),
            }
        }
        std::fs::write(folder.path().join(MAIN), &bytes).unwrap();
        match Registries::load(&environment) {
            Ok(registries) => {
                let _ = registries.pull_sources(&reference);
                let _ = registries.resolve(&environment, "app", None);
                loaded += 1;
            }
            Err(problem) => {
                let lines = bytes.iter().filter(|byte| **byte == b'\n').count() + 1;
                assert!(problem.line.is_none_or(|line| line <= lines), "{problem}");
            }
        }
    }
    assert!(loaded > 100, "{loaded}");
}
