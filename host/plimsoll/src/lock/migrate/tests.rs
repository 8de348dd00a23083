use super::*;
use crate::lock::Lock;
use crate::lock::export::source_policy;

const AMD: &str = "linux/amd64";
const ARM: &str = "linux/arm64";

fn digest(number: u32) -> String {
    format!("sha256:{number:064x}")
}

fn platforms(names: &[&str]) -> Vec<Platform> {
    names.iter().map(|name| Platform::parse(name).unwrap()).collect()
}

/// `{9}` stands for digest 9, `{#9}` for its digits.
fn filled(text: &str) -> String {
    (1..10).fold(text.to_owned(), |text, number| {
        text.replace(&format!("{{{number}}}"), &digest(number)).replace(&format!("{{#{number}}}"), &digest(number)[7..])
    })
}

/// Entries as references, platforms and numbers of digests.
#[track_caller]
fn check(kind: Kind, text: &str, names: &[&str], expect: &[(&str, &str, u32)], left: &[&str]) {
    let migrated = migrate(kind, &filled(text), &platforms(names)).unwrap();
    let entry = |(reference, platform, number): &(&str, &str, u32)| {
        let name = format!("docker.io/library/{reference}");
        (Key::new("oci", "resolve", &[&name, platform]), Entry::new(digest(*number), Policy::Pin))
    };
    assert_eq!(migrated.entries, expect.iter().map(entry).collect::<Vec<_>>());
    assert_eq!(migrated.left, left.iter().map(|text| filled(text)).collect::<Vec<_>>());
    let lock: Lock = migrated.entries.into_iter().collect();
    assert_eq!(Lock::parse(&lock.text()).unwrap().lock, lock);
}

#[track_caller]
fn refused(kind: Kind, text: &str, expect: &str) {
    let told = migrate(kind, &filled(text), &platforms(&[AMD])).unwrap_err();
    assert!(told.contains(&filled(expect)), "{told}");
}

#[test]
fn files_of_docker_lock() {
    check(
        Kind::DockerLock,
        r##"{
	"composefiles": {
		"docker-compose.yml": [
			{"name": "golang", "tag": "latest", "digest": "{#1}", "dockerfile": "db/Dockerfile", "service": "db"},
			{"name": "python", "tag": "3.12", "digest": "{2}", "service": "scripts"}
		]
	},
	"dockerfiles": {
		"db/Dockerfile": [
			{"name": "golang", "tag": "latest", "digest": "{#1}"},
			{"name": "scratch", "tag": "", "digest": ""},
			{"name": "private", "tag": "1", "digest": ""},
			{"name": "node", "tag": "", "digest": "{#3}"}
		]
	},
	"kubernetesfiles": {"pod.yml": [{"name": "busybox", "tag": "1", "digest": "{#4}", "container": "shell"}]}
}"##,
        &[AMD, ARM],
        &[
            ("busybox:1", AMD, 4),
            ("busybox:1", ARM, 4),
            ("golang:latest", AMD, 1),
            ("golang:latest", ARM, 1),
            ("python:3.12", AMD, 2),
            ("python:3.12", ARM, 2),
        ],
        &[
            "$.dockerfiles[\"db/Dockerfile\"][2]: private:1 has no digest",
            "$.dockerfiles[\"db/Dockerfile\"][3]: node has no tag: nothing says what its digest was the meaning of",
        ],
    );
    check(Kind::DockerLock, "{}", &[AMD], &[], &[]);
}

#[test]
fn files_of_docker_lock_that_do_not_hold_up() {
    let refused = |text: &str, expect: &str| refused(Kind::DockerLock, text, expect);
    let image = |fields: &str| format!("{{\"dockerfiles\":{{\"a\":[{{{fields}}}]}}}}");
    refused("{\n\"dockerfiles\": {\n\"a\": [,]}}", "line 3: it is no JSON (expected value): correct it, or have its");
    refused("", "line 1: it is no JSON (EOF while parsing a value): ");
    refused("[]", "$: docker-lock writes {\"dockerfiles\": ");
    refused("{\"images\": 1}", "$.images: docker-lock writes no such field: take it out");
    refused("{\"dockerfiles\": 1}", "$.dockerfiles: docker-lock writes ");
    refused("{\"dockerfiles\": {\"a/b\": 1}}", "$.dockerfiles[\"a/b\"]: docker-lock writes ");
    refused("{\"dockerfiles\": {\"a\": [1]}}", "$.dockerfiles.a[0]: docker-lock writes ");
    refused(&image("\"name\":1"), "$.dockerfiles.a[0].name: it is no text: correct it");
    refused(&image("\"name\":\"A\",\"tag\":\"1\""), "$.dockerfiles.a[0]: \"A:1\": invalid reference format");
    let short = image("\"name\":\"a\",\"tag\":\"1\",\"digest\":\"12\"");
    refused(&short, "$.dockerfiles.a[0].digest: sha256:12 is no digest such as sha256:…, with 64 digits: correct it");
    refused(
        r##"{"dockerfiles":{"a":[{"name":"x","tag":"1","digest":"{#1}"}],"b":[{"name":"x","tag":"1","digest":"{#2}"}]}}"##,
        "$.dockerfiles.b[0].digest: docker.io/library/x:1 is {2}, but {1} at $.dockerfiles.a[0].digest: a lock has one",
    );
    let deep = "[".repeat(100_000);
    assert!(migrate(Kind::DockerLock, &deep, &platforms(&[AMD])).unwrap_err().contains("recursion limit"));
}

#[test]
fn source_policies() {
    check(
        Kind::SourcePolicy,
        r#"{"version": 1, "rules": [
  {"action": "CONVERT", "selector": {"identifier": "docker-image://alpine:3.18", "match_type": "EXACT"},
   "updates": {"identifier": "docker-image://docker.io/library/alpine:3.18@{1}"}},
  {"action": 2, "selector": {"identifier": "docker-image://docker.io/library/node"},
   "updates": {"identifier": "docker-image://docker.io/library/node@{2}"}},
  {"action": "CONVERT", "selector": {"identifier": "https://a.test/x"}, "updates": {"attrs": {"http.checksum": "{3}"}}},
  {"action": "CONVERT", "selector": {"identifier": "docker-image://python:3.12"},
   "updates": {"identifier": "docker-image://dhi.io/python:3.12@{4}"}},
  {"action": "CONVERT", "selector": {"identifier": "docker-image://docker.io/library/go*"},
   "updates": {"identifier": "docker-image://docker.io/library/golang:1@{5}"}},
  {"action": "CONVERT", "selector": {"identifier": "docker-image://ruby.*", "match_type": "REGEX"},
   "updates": {"identifier": "docker-image://ruby:3@{5}"}},
  {"action": "CONVERT", "selector": {"identifier": "docker-image://ruby:2"},
   "updates": {"identifier": "docker-image://ruby:3"}},
  {"action": "CONVERT", "selector": {"identifier": "docker-image://ruby:2"}, "updates": {"attrs": {}}},
  {"action": "DENY", "selector": {"identifier": "docker-image://docker.io/library/old:1"}}
]}"#,
        &[AMD],
        &[("alpine:3.18", AMD, 1), ("node:latest", AMD, 2)],
        &[
            "$.rules[2]: https://a.test/x is no image",
            "$.rules[3]: python:3.12 becomes another image, dhi.io/python:3.12@{4}",
            "$.rules[4]: docker.io/library/go* is a pattern, not one image",
            "$.rules[5]: ruby.* is a pattern, not one image",
            "$.rules[6]: ruby:2 becomes ruby:3, without a digest",
            "$.rules[7]: ruby:2 becomes no image with a digest",
            "$.rules: 1 of them allow or deny, which a lock does not",
        ],
    );
}

#[test]
fn source_policies_that_do_not_hold_up() {
    let refused = |text: &str, expect: &str| refused(Kind::SourcePolicy, text, expect);
    let rules = |rules: &str| format!("{{\"rules\":[{{\"action\":\"ALLOW\",\"selector\":{{}}}},{rules}]}}");
    let convert = |from: &str, to: &str| {
        format!(
            "{{\"action\":\"CONVERT\",\"selector\":{{\"identifier\":\"docker-image://{from}\"}},\
             \"updates\":{{\"identifier\":\"docker-image://{to}\"}}}}"
        )
    };
    refused("[]", "$: a source policy is {\"rules\": ");
    refused("{}", "$: it has no rules: a source policy is ");
    refused(&rules("{\"action\":\"BAN\"}"), "$.rules[1].action: it is neither ALLOW, DENY nor CONVERT: ");
    refused(&rules("7"), "$.rules[1].action: it is neither");
    refused(&rules("{\"action\":\"CONVERT\"}"), "$.rules[1]: it has no selector or no updates: ");
    refused(&rules(&convert("A", "a@{1}")), "$.rules[1].selector.identifier: \"A\": invalid reference format");
    refused(
        &rules(&convert("a", "a@sha256:1")),
        "$.rules[1].updates.identifier: \"a@sha256:1\": invalid reference format",
    );
    let twice = rules(&format!("{},{}", convert("a", "a@{1}"), convert("a", "a@{2}")));
    refused(&twice, "$.rules[2].updates.identifier: docker.io/library/a:latest is {2}, but {1} at $.rules[1].updates");
}

#[test]
fn an_exported_policy_comes_back() {
    let image =
        |name: &str, number: u32| (Key::new("oci", "resolve", &[name, AMD]), Entry::new(digest(number), Policy::Pin));
    let lock: Lock = [image("docker.io/library/alpine:3.20", 1), image("ghcr.io/a/b:latest", 2)].into_iter().collect();
    let policy = source_policy(&lock).unwrap();
    let migrated = migrate(Kind::SourcePolicy, &policy, &platforms(&[AMD])).unwrap();
    assert_eq!(migrated.entries.into_iter().collect::<Lock>(), lock);
    assert_eq!(migrated.left, ["$.rules: 8 of them allow or deny, which a lock does not"]);
}

#[test]
fn dockerfiles() {
    check(
        Kind::Dockerfile,
        "ARG V=3.20\nFROM alpine:$V@{1} AS a\nFROM --platform=linux/arm64 node:8@{2}\nFROM ruby@{3}\nFROM a\n\
         FROM debian:12\nCOPY --from=busybox:1@{4} / /\nRUN --mount=from=go:1@{5},target=/x :\nFROM x:$Y@{6}\n",
        &[AMD],
        &[("alpine:3.20", AMD, 1), ("busybox:1", AMD, 4), ("go:1", AMD, 5), ("node:8", ARM, 2)],
        &[
            "line 4: ruby@{3} has no tag: nothing says what its digest was the meaning of",
            "line 9: x:$Y@{6} is no image without build arguments",
        ],
    );
    let builder = "FROM --platform=$BUILDPLATFORM alpine:3.20@{1}\n";
    check(Kind::Dockerfile, builder, &[AMD, ARM], &[("alpine:3.20", AMD, 1), ("alpine:3.20", ARM, 1)], &[]);
    check(Kind::Dockerfile, "FROM alpine:3.20\n", &[AMD], &[], &[]);
    let refused = |text: &str, expect: &str| refused(Kind::Dockerfile, text, expect);
    refused("FROM alpine\nFORM x\n", "line 2: unknown instruction: FORM");
    let twice = "FROM a:1@{1}\nFROM a:1@{2}\n";
    refused(twice, "line 2: docker.io/library/a:1 is {2}, but {1} at line 1: a lock has one digest for an image, so");
    refused(&format!("# {}\n", "a".repeat(5 << 20)), "it is larger than 4194304 bytes: split it");
}
