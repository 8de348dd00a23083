use super::*;
use crate::lock::Lock;
use crate::lock::{Entry, Key, Policy};

use std::fs;

use plimsoll_test_support::repository_root;

const AMD: &str = "linux/amd64";
const ARM: &str = "linux/arm64";

/// A digest that can be told from others.
fn digest(number: u32) -> String {
    format!("sha256:{number:064x}")
}

/// `alpine:3.20` as most locks have it: manifests 1 and 2, of index 9.
fn pins() -> Pins {
    Pins::of(&lock())
}

fn lock() -> Lock {
    let image = |name: &str, platform: &str, manifest: u32, index: Option<u32>| {
        let key = Key::new("oci", "resolve", &[&format!("docker.io/library/{name}"), platform]);
        let entry = Entry::new(digest(manifest), Policy::Pin);
        (key, index.map_or(entry.clone(), |index| entry.with("index", digest(index))))
    };
    [
        image("alpine:3.20", AMD, 1, Some(9)),
        image("alpine:3.20", ARM, 2, Some(9)),
        image("alpine:latest", AMD, 3, Some(8)),
        image("node:8", AMD, 4, None),
        image("ruby:3", AMD, 5, None),
        image("ruby:3", ARM, 6, None),
        image("moved:1", AMD, 1, Some(10)),
        image("moved:1", ARM, 1, Some(11)),
    ]
    .into_iter()
    .collect()
}

fn for_platforms<'a>(platforms: &[&str], contexts: &'a [(String, String)]) -> Vec<Inputs<'a>> {
    let inputs = |platform: &&str| Inputs {
        target_platform: Platform::parse(platform).unwrap(),
        build_platform: Platform::parse(AMD).unwrap(),
        contexts,
        ..Inputs::default()
    };
    platforms.iter().map(inputs).collect()
}

/// `{9}` in what is expected stands for `@` and digest 9; `left` says what was left, with its line.
#[track_caller]
fn check_for(platforms: &[&str], source: &str, expect: &str, left: &[(u32, &str, Reason)]) {
    let builds = for_platforms(platforms, &[]);
    let applied = apply(source.as_bytes(), &pins(), &builds);
    let expect =
        (1..20).fold(expect.to_owned(), |text, n| text.replace(&format!("{{{n}}}"), &format!("@{}", digest(n))));
    assert_eq!(String::from_utf8_lossy(&applied.source), expect);
    let told: Vec<_> = applied.left.iter().map(|left| (left.line, &*left.reference, left.why.clone())).collect();
    assert_eq!(told, left);
    let again = apply(&applied.source, &pins(), &builds);
    assert_eq!((again.source, again.changed), (applied.source.clone(), 0), "twice is once");
    assert_eq!((again.left, source == expect), (applied.left, applied.changed == 0));
    if !source.contains('@') {
        let undone = undo(&applied.source, &pins(), &builds);
        assert_eq!((undone.changed, String::from_utf8(undone.source).unwrap()), (applied.changed, source.to_owned()));
    }
}

#[track_caller]
fn check(source: &str, expect: &str, left: &[(u32, &str, Reason)]) {
    check_for(&[AMD], source, expect, left);
}

#[test]
fn images_get_their_digests() {
    check("FROM alpine:3.20", "FROM alpine:3.20{9}", &[]);
    check("FROM alpine\n", "FROM alpine{8}\n", &[]);
    check("from docker.io/library/alpine:3.20 as a\r\n", "from docker.io/library/alpine:3.20{9} as a\r\n", &[]);
    check("FROM scratch\nCOPY --from=alpine:3.20 /a /b\n", "FROM scratch\nCOPY --from=alpine:3.20{9} /a /b\n", &[]);
    let mount = |name: &str| {
        format!("FROM scratch\nRUN --mount=type=bind,from={name},target=/x --mount=\"from={name},target=/y\" :\n")
    };
    check(&mount("alpine:3.20"), &mount("alpine:3.20{9}"), &[]);
}

#[test]
fn all_other_bytes_stay() {
    check(
        "\u{feff}# syntax=docker/dockerfile:1\n# é\nFROM \\\n  # why\n  alpine:3.\\\n20 \\\n\n  AS x # y\nRUN <<E\nFROM alpine\nE\n",
        "\u{feff}# syntax=docker/dockerfile:1\n# é\nFROM \\\n  # why\n  alpine:3.\\\n20{9} \\\n\n  AS x # y\nRUN <<E\nFROM alpine\nE\n",
        &[],
    );
    check("# escape=`\nFROM `\r\n alpine:3.20`\r\n\r\n", "# escape=`\nFROM `\r\n alpine:3.20{9}`\r\n\r\n", &[]);
    check("FROM \"alpine:3.20\" AS a\nFROM 'alpine'\n", "FROM \"alpine:3.20{9}\" AS a\nFROM 'alpine{8}'\n", &[]);
    check("FROM al\"pine\"\n", "FROM al\"pine\"\n", &[(1, "al\"pine\"", Reason::Spelling)]);
    let latin = apply(b"FROM alpine\nLABEL x=\"\xff\"\n# \xfe\n", &pins(), &for_platforms(&[AMD], &[]));
    assert_eq!(latin.source, [b"FROM alpine@", digest(8).as_bytes(), b"\nLABEL x=\"\xff\"\n# \xfe\n"].concat());
}

#[test]
fn stages_and_contexts_are_no_images() {
    let stages = "FROM scratch AS alpine\nFROM alpine\nCOPY --from=Alpine / /\nCOPY --from=0 / /\n\
                  RUN --mount=from=alpine,target=/x :\nRUN --mount=type=cache,target=/y :\n";
    check(stages, stages, &[]);
    // A stage may have the name of its own image.
    check("FROM alpine AS alpine\nFROM alpine\n", "FROM alpine{8} AS alpine\nFROM alpine\n", &[]);
    check(
        "FROM alpine:3.20\nCOPY --from=1 / /\n",
        "FROM alpine:3.20{9}\nCOPY --from=1 / /\n",
        &[(2, "1", Reason::Invalid)],
    );
    let numbered = "FROM scratch\nCOPY --from=alpine:3.20 / /\nCOPY --from=1 / /\n";
    check(numbered, &numbered.replace("3.20", "3.20{9}"), &[]);
    let contexts = [("alpine:3.20".to_owned(), "docker-image://alpine:edge".to_owned())];
    let file = b"FROM alpine:3.20\nCOPY --from=alpine:3.20 / /\n";
    let applied = apply(file, &pins(), &for_platforms(&[AMD], &contexts));
    assert_eq!((applied.source.as_slice(), applied.left), (file.as_slice(), vec![]));
}

#[test]
fn what_is_not_literal_is_told() {
    check(
        "ARG V=3.20\nFROM alpine:$V\nFROM ${B}\nFROM alpine:3.20\nCOPY --from=$X / /\n",
        "ARG V=3.20\nFROM alpine:$V\nFROM ${B}\nFROM alpine:3.20{9}\nCOPY --from=$X / /\n",
        &[(2, "alpine:$V", Reason::Variable), (3, "${B}", Reason::Variable), (5, "$X", Reason::Variable)],
    );
    check("FROM Alpine\n", "FROM Alpine\n", &[(1, "Alpine", Reason::Invalid)]);
    // A variable that names a stage is no image.
    check("ARG S=a\nFROM scratch AS a\nFROM $S\n", "ARG S=a\nFROM scratch AS a\nFROM $S\n", &[]);
    let trigger = "FROM scratch AS a\nONBUILD COPY --from=alpine:3.20 / /\nFROM a\n";
    check(trigger, trigger, &[(2, "alpine:3.20", Reason::Trigger)]);
}

#[test]
fn platforms_have_one_digest_together() {
    let both = &[AMD, ARM];
    check_for(both, "FROM alpine:3.20\n", "FROM alpine:3.20{9}\n", &[]);
    check_for(&[AMD], "FROM ruby:3\n", "FROM ruby:3{5}\n", &[]);
    check_for(both, "FROM ruby:3\n", "FROM ruby:3\n", &[(1, "ruby:3", Reason::Several)]);
    check_for(both, "FROM moved:1\n", "FROM moved:1\n", &[(1, "moved:1", Reason::Several)]);
    let builder = "FROM --platform=$BUILDPLATFORM ruby:3\n";
    check_for(both, builder, &builder.replace("ruby:3", "ruby:3{5}"), &[]);
    // An index is good for a platform that the lock does not name.
    check_for(&["linux/s390x"], "FROM alpine:3.20\n", "FROM alpine:3.20{9}\n", &[]);
    check_for(&["linux/s390x"], "FROM moved:1\n", "FROM moved:1\n", &[(1, "moved:1", Reason::Several)]);
    let missing = |platform| Reason::NotFor(Platform::parse(platform).unwrap());
    check_for(both, "FROM node:8\n", "FROM node:8\n", &[(1, "node:8", missing(ARM))]);
    check_for(both, "FROM busybox\n", "FROM busybox\n", &[(1, "busybox", Reason::Unlocked)]);
    let without = apply(b"FROM alpine\n", &pins(), &[]);
    assert_eq!((without.changed, without.source.as_slice()), (0, b"FROM alpine\n".as_slice()));
}

#[test]
fn digests_that_are_there_stay() {
    let file =
        |one: u32, other: u32| format!("FROM alpine:3.20@{} AS a\nFROM legacy:1@{}\n", digest(one), digest(other));
    check(&file(9, 7), &file(9, 7), &[]);
    let reference = format!("alpine:3.20@{}", digest(7));
    check(&file(7, 7), &file(7, 7), &[(1, &reference, Reason::Other(digest(9)))]);
    check_for(&[AMD, ARM], &format!("FROM ruby:3@{}\n", digest(6)), "FROM ruby:3{6}\n", &[]);
}

#[test]
fn undoing_takes_out_what_the_lock_says_only() {
    let text = |name: &str| format!("FROM {name}\nCOPY --from=old:1@{} / /\n", digest(9));
    let undone = |name: &str| {
        let applied = undo(text(name).as_bytes(), &pins(), &for_platforms(&[AMD], &[]));
        (String::from_utf8(applied.source).unwrap(), applied.left)
    };
    assert_eq!(undone(&format!("alpine:3.20@{}", digest(9))), (text("alpine:3.20"), vec![]));
    assert_eq!(undone(&format!("alpine@{}", digest(8))), (text("alpine"), vec![]));
    for name in [format!("alpine:3.20@{}", digest(1)), format!("alpine@{}", digest(9)), "alpine".to_owned()] {
        assert_eq!(undone(&name), (text(&name), vec![]), "the lock does not say so");
    }
    let split = format!("alpine@{}", digest(8)).replace("sha", "s\\\nha");
    let (left, told) = undone(&split);
    assert_eq!((left, told[0].why.clone(), told.len()), (text(&split), Reason::Spelling, 1));
    let others = format!("ARG V=3.20\nFROM $B\nFROM Alpine\nFROM alpine:$V@{}\n", digest(9));
    let undone = undo(others.as_bytes(), &pins(), &for_platforms(&[AMD], &[]));
    assert_eq!((undone.source, undone.changed, undone.left), (others.into_bytes(), 0, vec![]));
}

#[test]
fn what_would_mean_something_else_stays() {
    let pinned = format!("FROM scratch AS alpine\nFROM alpine@{}\nFROM alpine:3.20@{}\n", digest(8), digest(9));
    let undone = undo(pinned.as_bytes(), &pins(), &for_platforms(&[AMD], &[]));
    assert_eq!(String::from_utf8(undone.source).unwrap(), pinned.replace(&format!("3.20@{}", digest(9)), "3.20"));
    let reference = format!("alpine@{}", digest(8));
    assert_eq!(undone.left, [Left { line: 2, reference, why: Reason::Meaning }]);
    // BuildKit reads no line that is longer.
    let long = format!("FROM alpine AS {}\n", "a".repeat(65_500));
    check(&long, &long, &[(1, "alpine", Reason::Meaning)]);
}

/// A lock that has every image that a file names.
fn whole_lock(source: &[u8], builds: &[Inputs<'_>]) -> Lock {
    let places = images(source, &parse(source), builds);
    let named = places.iter().filter_map(|place| Some((place.reference.clone()?, &place.platforms)));
    let entries = named.zip(100..).flat_map(|((reference, platforms), number)| {
        platforms.iter().map(move |platform| {
            let name = without_digest(&reference).canonical();
            let key = Key::new("oci", "resolve", &[&name, &platform.to_string()]);
            let entry = Entry::new(digest(number), Policy::Pin).with("index", digest(name.len() as u32));
            (key, entry)
        })
    });
    entries.collect()
}

/// Without all `@sha256:…`, and how many there were.
fn stripped(source: &[u8]) -> (Vec<u8>, usize) {
    let text: String = source.iter().map(|byte| char::from(*byte)).collect();
    let mut parts = text.split("@sha256:");
    let first = parts.next().unwrap_or_default().to_owned();
    let (mut text, mut count) = (first, 0);
    for part in parts {
        assert!(part.as_bytes()[..64].iter().all(u8::is_ascii_hexdigit));
        text.push_str(&part[64..]);
        count += 1;
    }
    (text.chars().map(|c| c as u8).collect(), count)
}

#[test]
fn every_file_comes_back_as_it_was() {
    let mut changed = 0;
    for folder in fs::read_dir(repository_root().join("tests/dockerfiles")).unwrap() {
        let Ok(source) = fs::read(folder.unwrap().path().join("Dockerfile")) else { continue };
        for platforms in [&[AMD][..], &[AMD, ARM]] {
            let builds = for_platforms(platforms, &[]);
            let lock = whole_lock(&source, &builds);
            let applied = apply(&source, &Pins::of(&lock), &builds);
            let (before, count) = stripped(&source);
            assert_eq!(stripped(&applied.source), (before, count + applied.changed), "nothing but digests");
            assert_eq!(apply(&applied.source, &Pins::of(&lock), &builds).source, applied.source);
            assert!(undo(&applied.source, &Pins::of(&lock), &builds).source == source);
            check_meaning(&source, &applied.source, &builds[0]);
            let bare = |place: &&Place| place.reference.as_ref().is_some_and(|named| named.digest.is_none());
            let literal = |place: &&Place| matches!(place.spelling, Spelling::Literal { .. });
            let literal = images(&source, &parse(&source), &builds).iter().filter(bare).filter(literal).count();
            assert_eq!(applied.changed, literal, "{:?}", applied.left);
            changed += applied.changed;
        }
    }
    assert!(changed > 100, "{changed}");
}

/// A file with digests has the same instructions, stages and problems.
fn check_meaning(before: &[u8], after: &[u8], inputs: &Inputs<'_>) {
    let trees = [before, after].map(parse);
    let models = [model(before, &trees[0], inputs), model(after, &trees[1], inputs)];
    let shape = |tree: &Tree| {
        let instructions = tree.instructions.iter();
        instructions.map(|one| (one.keyword, one.lines, one.words.clone(), one.flags.clone())).collect::<Vec<_>>()
    };
    assert_eq!(shape(&trees[0]), shape(&trees[1]));
    let images = |model: &plimsoll_dockerfile::Model| {
        let bases = model.images.iter().map(|used| {
            let name = model.reference(&used.source).map(|reference| without_digest(&reference));
            let stage = if let Base::Stage(stage) = used.source { Some(stage) } else { None };
            (used.kind, used.step, used.stage, name, stage, model.platform(used.platform).clone())
        });
        bases.collect::<Vec<_>>()
    };
    assert_eq!(images(&models[0]), images(&models[1]));
    assert_eq!(models[0].problems.len(), models[1].problems.len());
}

/// Lines of any kind, in any order, with anything between them.
#[test]
fn any_file_gains_digests_only() {
    const PARTS: [&str; 26] = [
        "FROM ",
        "alpine",
        "alpine:3.20",
        "ruby:3",
        " AS a",
        " AS alpine",
        "\n",
        "\n",
        "\r\n",
        "\\\n",
        "`",
        "\"",
        "'",
        "$V",
        "COPY --from=",
        "RUN --mount=from=",
        ",target=/x",
        " / /",
        "# c\n",
        "ONBUILD ",
        "<<E\n",
        "E\n",
        "a",
        "0",
        "=",
        "@",
    ];
    let mut state = 1_u64;
    let mut roll = |sides: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % sides
    };
    let builds = for_platforms(&[AMD, ARM], &[]);
    let mut changed = 0;
    for _ in 0..20_000 {
        let source: String = (0..roll(40)).map(|_| PARTS[roll(PARTS.len())]).collect();
        let source = format!("FROM alpine AS b\n{source}");
        let applied = apply(source.as_bytes(), &pins(), &builds);
        assert_eq!(stripped(&applied.source), (source.clone().into_bytes(), applied.changed), "{source}");
        assert_eq!(apply(&applied.source, &pins(), &builds).source, applied.source, "{source}");
        let undone = undo(&applied.source, &pins(), &builds);
        assert_eq!(String::from_utf8_lossy(&undone.source), source);
        changed += applied.changed;
    }
    assert!(changed > 20_000, "{changed}");
}
