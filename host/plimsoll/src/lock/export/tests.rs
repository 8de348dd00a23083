use super::*;
use crate::lock::Policy;

use serde_json::Value;

const AMD: &str = "linux/amd64";
const COMMIT: &str = "5f3c000000000000000000000000000000000000";

fn digest(number: u32) -> String {
    format!("sha256:{number:064x}")
}

fn oci(name: &str, platform: &str, manifest: u32) -> (Key, Entry) {
    (Key::new("oci", "resolve", &[name, platform]), Entry::new(digest(manifest), Policy::Pin))
}

fn with_index((key, entry): (Key, Entry), index: u32) -> (Key, Entry) {
    (key, entry.with("index", digest(index)))
}

fn git(remote: &str, name: &str) -> (Key, Entry) {
    (Key::new("git", "resolve", &[remote, name]), Entry::new(COMMIT, Policy::Float))
}

fn web(address: &str, number: u32) -> (Key, Entry) {
    (Key::new("http", "digest", &[address]), Entry::new(digest(number), Policy::Pin))
}

fn policy(entries: impl IntoIterator<Item = (Key, Entry)>) -> String {
    source_policy(&entries.into_iter().collect()).unwrap()
}

/// A source after BuildKit's engine has seen it, with its checksum; nothing where it is denied. As the engine does:
/// a change starts over, of what allows and denies the last counts, EXACT names what it found, and of selectors with
/// one type and text the first counts for all.
fn judged(policy: &str, identifier: &str, checksum: &str) -> Option<(String, String)> {
    let policy: Value = serde_json::from_str(policy).unwrap();
    let rules = policy["rules"].as_array().unwrap();
    let (mut identifier, mut checksum) = (identifier.to_owned(), checksum.to_owned());
    'round: for _ in 0..20 {
        let mut is_denied = false;
        for rule in rules {
            let is_same = |other: &&Value| {
                let [one, other] = [&rule["selector"], &other["selector"]];
                one["match_type"] == other["match_type"] && one["identifier"] == other["identifier"]
            };
            let selector = &rules.iter().find(is_same).unwrap()["selector"];
            let Some(star) = matched(selector, &identifier, &checksum) else { continue };
            match rule["action"].as_str().unwrap() {
                "ALLOW" => is_denied = false,
                "DENY" => is_denied = true,
                _ => {
                    let before = (identifier.clone(), checksum.clone());
                    if let Some(to) = rule["updates"]["identifier"].as_str() {
                        identifier = match selector["match_type"] == "EXACT" {
                            true => selector["identifier"].as_str().unwrap().to_owned(),
                            false => to.replace("${1}", star).replace("$$", "$"),
                        };
                    }
                    if let Some(to) = rule["updates"]["attrs"]["http.checksum"].as_str() {
                        to.clone_into(&mut checksum);
                    }
                    if before != (identifier.clone(), checksum.clone()) {
                        continue 'round;
                    }
                }
            }
        }
        return (!is_denied).then_some((identifier, checksum));
    }
    panic!("too many operations");
}

/// What `*` stands for.
fn matched<'i>(selector: &Value, identifier: &'i str, checksum: &str) -> Option<&'i str> {
    let constraints = selector["constraints"].as_array().cloned().unwrap_or_default();
    if !constraints.iter().all(|one| one["key"] == "http.checksum" && one["value"] == checksum) {
        return None;
    }
    let pattern = selector["identifier"].as_str().unwrap();
    match selector["match_type"].as_str().unwrap() {
        "EXACT" => (pattern == identifier).then_some(""),
        _ => {
            assert!(!pattern.contains("**"), "an error of the engine's");
            let Some((before, after)) = pattern.split_once('*') else { return (pattern == identifier).then_some("") };
            identifier.strip_prefix(before)?.strip_suffix(after)
        }
    }
}

#[test]
fn the_form_is_the_one_that_buildkit_reads() {
    let text = policy([with_index(oci("docker.io/library/alpine:3.20", AMD, 1), 9), web("https://a.test/x", 3)]);
    let expect = r#"{
  "version": 1,
  "rules": [
    {
      "action": "DENY",
      "selector": {
        "identifier": "docker-image://*",
        "match_type": "WILDCARD"
      }
    },
"#;
    assert!(text.starts_with(expect) && text.ends_with("\n}\n"), "{text}");
    let convert = r#"
    {
      "action": "CONVERT",
      "selector": {
        "identifier": "docker-image://docker.io/library/alpine:3.20",
        "match_type": "WILDCARD"
      },
      "updates": {
        "identifier": "docker-image://docker.io/library/alpine:3.20@{9}"
      }
    },
    {
      "action": "ALLOW",
      "selector": {
        "identifier": "docker-image://docker.io/library/alpine:3.20@{9}",
        "match_type": "EXACT"
      }
    },"#;
    assert!(text.contains(&convert.replace("{9}", &digest(9))), "{text}");
    let checksum = r#"
        "constraints": [
          {
            "key": "http.checksum",
            "value": "",
            "condition": "EQUAL"
          }
        ]
      },
      "updates": {
        "attrs": {
          "http.checksum": "{3}"
        }
      }"#;
    assert!(text.contains(&checksum.replace("{3}", &digest(3))), "{text}");
    let none: Value = serde_json::from_str(&policy([])).unwrap();
    assert!(none["rules"].as_array().unwrap().iter().all(|rule| rule["action"] == "DENY"));
}

#[test]
fn images_become_what_they_mean() {
    let policy = policy([
        with_index(oci("docker.io/library/alpine:3.20", AMD, 1), 9),
        with_index(oci("docker.io/library/alpine:3.20", "linux/arm64", 2), 9),
        oci("ghcr.io/a/b:latest", AMD, 4),
        oci(&format!("docker.io/library/node:8@{}", digest(6)), AMD, 5),
    ]);
    let becomes = |name: &str, expect: Option<&str>| {
        let judged = judged(&policy, &image(name), "").map(|(identifier, _)| identifier);
        assert_eq!(judged, expect.map(image), "{name}");
    };
    let pinned = |name: &str, number: u32| format!("{name}@{}", digest(number));
    becomes("docker.io/library/alpine:3.20", Some(&pinned("docker.io/library/alpine:3.20", 9)));
    becomes("ghcr.io/a/b:latest", Some(&pinned("ghcr.io/a/b:latest", 4)));
    for name in [
        pinned("docker.io/library/alpine:3.20", 9),
        pinned("docker.io/library/alpine", 9),
        pinned("docker.io/library/node:8", 6),
    ] {
        becomes(&name, Some(&name));
    }
    for name in [
        "docker.io/library/alpine:3.21",
        "docker.io/library/node:8",
        &pinned("docker.io/library/alpine:3.20", 1),
        &pinned("docker.io/library/node", 5),
        "docker.io/library/alpine:3.20.1",
    ] {
        becomes(name, None);
    }
}

#[test]
fn the_web_is_held_to_its_checksums() {
    let policy = policy([web("https://a.test/x*$1", 3)]);
    let address = "https://a.test/x*$1";
    assert_eq!(judged(&policy, address, ""), Some((address.to_owned(), digest(3))));
    assert_eq!(judged(&policy, address, &digest(3)), Some((address.to_owned(), digest(3))));
    assert_eq!(judged(&policy, address, &digest(4)), None, "the file says something else");
    for other in ["https://a.test/xyz$1", "http://a.test/x*$1", "https://b.test/"] {
        assert_eq!(judged(&policy, other, ""), None, "{other}");
    }
    assert!(judged(&policy, "local://context", "").is_some());
    let starred = self::policy([web("https://a.test/**", 3)]);
    assert_eq!(judged(&starred, "https://a.test/**", "").unwrap().1, digest(3));
    assert_eq!(judged(&starred, "https://a.test/other", ""), None);
}

#[test]
fn repositories_are_held_to_commits() {
    let policy = policy([
        git("https://a.test:81/b/$1.git", "main"),
        git("git@c.test:d/e.git", "HEAD"),
        git("ssh://git@c.test/d//e.git", "HEAD"),
    ]);
    let becomes = |source: &str, expect: Option<String>| {
        assert_eq!(judged(&policy, source, "").map(|(identifier, _)| identifier), expect, "{source}");
    };
    let base = "git://a.test:81/b/$1.git";
    becomes(&format!("{base}#main"), Some(format!("{base}#{COMMIT}")));
    becomes(&format!("{base}#main:x/y"), Some(format!("{base}#{COMMIT}:x/y")));
    becomes(&format!("{base}#{COMMIT}:x"), Some(format!("{base}#{COMMIT}:x")));
    becomes(&format!("{base}#dev"), None);
    becomes(base, None);
    let base = "git://c.test/d/e.git";
    for (source, folder) in [("", ""), ("#HEAD", ""), ("#:x", ":x"), ("#HEAD:x", ":x")] {
        becomes(&format!("{base}{source}"), Some(format!("{base}#{COMMIT}{folder}")));
    }
}

#[test]
fn what_no_policy_can_hold_is_refused() {
    let refused = |entries: &[(Key, Entry)]| source_policy(&entries.iter().cloned().collect()).unwrap_err().to_string();
    let (one, other) = (oci("docker.io/library/a:1", AMD, 1), oci("docker.io/library/a:1", "linux/arm64", 2));
    let told = refused(&[one.clone(), other.clone()]);
    assert!(told.starts_with("oci.resolve docker.io/library/a:1 linux/arm64: it means sha256:"), "{told}");
    assert!(told.contains("but by oci.resolve docker.io/library/a:1 linux/amd64 it is sha256:"), "{told}");
    assert!(refused(&[with_index(one.clone(), 9), other.clone()]).contains("a policy knows no platforms"));
    assert!(refused(&[with_index(one, 9), with_index(other, 8)]).contains("a policy knows no platforms"));
    for (module, function, arguments, value, expect) in [
        ("oci", "resolve", &["docker.io/library/a:1", AMD][..], "sha256:1", "sha256:1 is no digest such as"),
        ("oci", "resolve", &["A", AMD], "x", "A is no image: "),
        ("http", "digest", &["https://a.test/"], "x", "http.digest https://a.test/: x is no digest"),
        ("git", "resolve", &["https://a.test/b.git", "main"], "5f3c", "5f3c is no commit of 40 or 64 digits"),
        ("git", "resolve", &["https://a.test/b%20.git", "main"], COMMIT, "is no address of a git repository"),
        ("git", "resolve", &["a.git", "main"], COMMIT, "a.git is no address of a git repository"),
        ("git", "resolve", &[], COMMIT, "it has no arguments"),
    ] {
        let told = refused(&[(Key::new(module, function, arguments), Entry::new(value, Policy::Pin))]);
        assert!(told.contains(expect), "{told}");
    }
    // What builds do not read is no matter.
    let tags = (Key::new("oci", "tags", &["docker.io/library/a"]), Entry::new("x", Policy::Pin));
    assert_eq!(policy([tags]), policy([]));
}
