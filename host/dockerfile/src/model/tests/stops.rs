//! What stops a build, instruction by instruction, and what BuildKit has looked at by then.

use super::*;

/// The problem with the last instruction of a stage on `alpine`, which is not known.
#[track_caller]
fn refused(instruction: &str, expect: &str) {
    let source = format!("FROM scratch\nENV E= D=/ T=cache\n{instruction}");
    let expect = if expect.is_empty() { Vec::new() } else { vec![format!("3 {expect}")] };
    check(problems, &source, &expect.iter().map(String::as_str).collect::<Vec<_>>());
}

#[track_caller]
fn fine(instruction: &str) {
    refused(instruction, "");
}

#[track_caller]
fn on_windows(source: &str, expect: &[&str]) {
    check_in(&World { windows: true, ..World::default() }, problems, source, expect);
}

#[track_caller]
fn given(arguments: &[(&str, &str)], source: &str, expect: &[&str]) {
    let build_args = arguments.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    check_in(&World { build_args: build_args.collect(), ..World::default() }, problems, source, expect);
}

/// Line and text of the step BuildKit comes to last, and the word or flag it stops at.
fn stopped(source: &str, tree: &Tree, model: &Model) -> Vec<String> {
    let line = |problem: &ModelProblem| {
        let step = problem.last_step.map(|step| model.steps[step as usize].lines.0);
        let site = problem.site.map(|site| match site {
            Site::Word(word) => tree.text(source.as_bytes(), tree.words[word as usize].text),
            Site::Flag(flag) => tree.text(source.as_bytes(), tree.flags[flag as usize].text),
            Site::Heredoc(heredoc) => tree.text(source.as_bytes(), tree.heredocs[heredoc as usize].name),
        });
        format!("{} {:?} {}", problem.line, step, site.unwrap_or("-"))
    };
    model.problems.iter().map(line).collect()
}

#[test]
fn modes() {
    for mode in ["755", "07777", "u+x", "a=rX,go-w", "=", "u=g", "+-x", "$E", "${U:-1}"] {
        fine(&format!("COPY --chmod={mode} a b"));
    }
    for mode in ["8", "10000", "0x1", "99999999999"] {
        let message = format!("invalid chmod parameter: '{mode}'. it should be octal string and between 0 and 07777");
        refused(&format!("ADD --chmod={mode} a b"), &message);
    }
    for mode in ["x", "u", "u+a", "u+x,", "-1"] {
        refused(&format!("ADD --chmod={mode} a b"), "invalid syntax");
    }
    check(problems, "FROM alpine\nCOPY --chmod=$M a b", &[]);
}

#[test]
fn checksums() {
    let digest = format!("sha256:{}", "a".repeat(64));
    fine(&format!("ADD --checksum={digest} https://a.b/c d"));
    fine("ADD --checksum=abc https://a.b/c.git d");
    fine("ADD --checksum=$E a b");
    refused("ADD --checksum=x a b", "checksum requires HTTP(S) or Git sources");
    refused("ADD --checksum=x a b c", "checksum can't be specified for multiple sources");
    refused("ADD --checksum=x https://a.b/c d", "invalid checksum digest format");
    refused("ADD --checksum=md5:x https://a.b/c d", "unsupported digest algorithm");
    refused("ADD --checksum=sha256:x https://a.b/c d", "invalid checksum digest length");
    refused(&format!("ADD --checksum={} https://a.b/c d", digest.replace('a', "A")), "invalid checksum digest format");
    refused("ADD --checksum=x https://a.b/c.git?commit=y d", "checksum mismatch \"x\" != \"y\"");
}

#[test]
fn sources() {
    refused("COPY https://a.b/c d", "source can't be a URL for COPY");
    refused("COPY git@a.b:c d", "source can't be a git ref for COPY");
    refused("ADD git@a.b:c?x=1 d", "unexpected query \"x\"");
    fine("COPY github.com/a/b c");
    fine("ADD --keep-git-dir=true git@a.b:c git@a.b:c?keep-git-dir=1 d");
    refused("ADD --keep-git-dir git@a.b:c?keep-git-dir=0 d", "inconsistent keep-git-dir configuration");
    refused("ADD git@a.b:c?keep-git-dir git@a.b:c?keep-git-dir=0 d", "inconsistent keep-git-dir configuration");
    check(stopped, "FROM scratch\nADD a git@a.b:c?x=1 ${y} d", &["2 Some(2) git@a.b:c?x=1"]);
}

#[test]
fn paths_on_windows() {
    let drive = "The specified path is not on the system drive (C:)";
    on_windows("FROM scratch\nCOPY c:\\a C:\\b\\\nWORKDIR C:\\x\nWORKDIR y", &[]);
    on_windows("FROM scratch\nCOPY D:\\a b", &[&format!("2 removing drive letter: {drive}")]);
    on_windows("FROM scratch\nADD a D:\\b", &[&format!("2 removing drive letter: {drive}")]);
    let workdir = "normalizing workdir: normalizing working directory: removing drive letter:";
    on_windows("FROM alpine\nWORKDIR d:x", &[&format!("2 {workdir} {drive}")]);
    on_windows("FROM scratch\nWORKDIR c:", &[&format!("2 {workdir} No relative path specified in \"c:\"")]);
    fine("WORKDIR D:\\x");
    let image = BaseImage { working_dir: "D:\\".into(), ..BaseImage::default() };
    let world = World { image: Some(image), windows: true, ..World::default() };
    check_in(&world, problems, "FROM a", &[&format!("1 {workdir} {drive}")]);
}

#[test]
fn mounts() {
    for mount in ["target=/a", "target=//", "type=secret,id=a", "type=ssh", "type=tmpfs,target=/x,size=1.5GiB"] {
        fine(&format!("RUN --mount={mount} x"));
    }
    let root = "invalid mount target \"/\"";
    for mount in ["target=/", "type=cache", "target=$D", "type=$T,target=.", "target=a/.."] {
        refused(&format!("RUN --mount={mount} x"), root);
    }
    fine("RUN --mount=type=cache,target=/a/.. x");
    check(problems, "FROM scratch\nWORKDIR /w\nRUN --mount=type=cache x", &[]);
    check(problems, "FROM alpine\nRUN --mount=type=cache x", &[]);
    check(problems, "FROM alpine\nRUN --mount=target=$X x", &[]);
    let image = BaseImage { working_dir: "/w".into(), ..BaseImage::default() };
    let world = World { image: Some(image), ..World::default() };
    check_in(
        &world,
        problems,
        "FROM a\nRUN --mount=target=. x\nFROM b\nRUN --mount=target=/ x",
        &["4 invalid mount target \"/\""],
    );
    refused("RUN --mount=type=ssh,source=a x", "ssh does not support source");
    refused("RUN --mount=type=secret,id=a,uid=+1 x", "invalid value +1 for uid");
    refused("RUN --mount=type=tmpfs,target=/x,size=1KBi x", "invalid value for size: 1KBi");
    refused("RUN --mount=type=bind,target=/x,mode=1 x", "mode not allowed for \"bind\" type mounts");
    // All are read before the first is looked at.
    refused("RUN --mount=target=/ --mount=type=secret x", "invalid secret mount. one of source, target required");
    check(
        problems,
        "FROM scratch\nRUN --mount=from=b,target=/x y\nFROM scratch AS b",
        &["2 cannot mount from stage \"b\" to \"/x\", stage needs to be defined before current command"],
    );
    let device = "device feature is only supported in Dockerfile frontend 1.14.0-labs or later";
    refused("RUN --device=a x", device);
    check(problems, "# syntax=docker/dockerfile:1-labs\nFROM scratch\nRUN --device=a x", &[]);
}

#[test]
fn other_instructions() {
    refused("VOLUME /a $E", "VOLUME specified can not be an empty string");
    check(problems, "FROM alpine\nVOLUME $X\nSTOPSIGNAL $Y", &[]);
    for signal in ["SIGTERM", "term", "9", "-1", "RTMIN+15", "sigrtmax-14"] {
        fine(&format!("STOPSIGNAL {signal}"));
    }
    for signal in ["0", "SIGFOO", "RTMIN+0", "RTMIN+01", "RTMIN+16", "RTMAX-15", "SIG"] {
        refused(&format!("STOPSIGNAL {signal}"), &format!("invalid signal: {signal}"));
    }
    check(problems, "FROM scratch AS a-", &["1 invalid context name a-: invalid reference format"]);
}

#[test]
fn where_it_stops() {
    check(stopped, "ARG a=${b?} c=$d\nFROM $e", &["1 Some(1) a=${b?}", "2 Some(2) $e"]);
    check(unset, "ARG a=${b?} c=$d\nFROM x", &["1 ${b?} b Unresolved"]);
    check(stopped, "FROM $e\nFROM --platform=$f x", &["1 Some(1) $e", "2 Some(2) --platform=$f"]);
    check(unset, "FROM --platform=$f $e", &["1 $e e Unresolved"]);
    check(
        unset,
        "FROM scratch\nCOPY --chown=$a $b ${c?} $d",
        &["2 $a a Unresolved", "2 $b b Unresolved", "2 ${c?} c Unresolved"],
    );
    check(stopped, "FROM scratch\nCOPY --from=7 ${c?} d\nFROM x", &["2 Some(3) -", "2 Some(2) ${c?}"]);
    check(last, "FROM scratch\nENV a=${b?} c=1\nUSER $a$c", &[" ?"]);
    check(stopped, "FROM scratch\nRUN --mount=target=/a --mount=target=/ x", &["2 Some(2) --mount=target=/"]);
}

#[test]
fn flags_are_read_byte_by_byte() {
    check(unset, "FROM scratch\nCOPY --chown=ä$bü$c a b", &["2 $bü bÃ Unresolved", "2 $c c Unresolved"]);
    let stage = "FROM scratch AS a\nFROM scratch\nCOPY --from=ä x y";
    let invalid =
        "3 failed to parse stage name \"Ã¤\": invalid reference format: repository name (library/Ã¤) must be lowercase";
    check(problems, stage, &[invalid]);
}

#[test]
fn build_arguments_that_stop() {
    given(&[("BUILDKIT_MULTI_PLATFORM", "x")], "FROM x", &["1 invalid boolean value for multi-platform: x"]);
    given(&[("BUILDKIT_MULTI_PLATFORM", "1"), ("BUILDKIT_DISABLE_FILEOP", "0")], "FROM x", &[]);
    let removed = "1 support for \"BUILDKIT_DISABLE_FILEOP\" build-arg was removed in BuildKit 0.11";
    given(&[("BUILDKIT_DISABLE_FILEOP", "true")], "FROM x", &[removed]);
}

#[test]
fn times() {
    let time = |value| [("SOURCE_DATE_EPOCH", value)];
    for value in ["", "0", "-5", "context"] {
        given(&time(value), "FROM scratch", &[]);
    }
    given(&time("x"), "FROM scratch", &["1 invalid SOURCE_DATE_EPOCH: x"]);
    check(problems, "ARG SOURCE_DATE_EPOCH=x\nFROM scratch", &["1 invalid SOURCE_DATE_EPOCH: x"]);
    given(
        &time("X"),
        "FROM scratch AS x",
        &["1 invalid context name X: invalid reference format: repository name (library/X) must be lowercase"],
    );
    let stage = |body: &str, expect: &[&str]| given(&time("t"), &format!("FROM a\nFROM scratch AS t\n{body}"), expect);
    stage("ARG b=https://a.b/c\nADD $b d", &[]);
    let one = "2 SOURCE_DATE_EPOCH stage must contain exactly one remote ADD";
    stage("", &[one]);
    stage("ADD https://a.b/c d\nADD https://a.b/c d", &[one]);
    stage("ADD a https://a.b/c d", &[&format!("{one} source")]);
    stage("ADD a b", &["2 SOURCE_DATE_EPOCH stage source must be a single HTTP(S) or Git ADD"]);
    stage("ADD --checksum=x:y https://a.b/c d", &["2 unsupported digest algorithm", "3 unsupported digest algorithm"]);
    let other = "2 SOURCE_DATE_EPOCH stage does not meet source-only requirements: unsupported COPY instruction";
    stage("COPY a b", &[other]);
    given(&time("t"), "FROM a AS t", &["1 SOURCE_DATE_EPOCH stage must use FROM scratch"]);
    let world =
        |value: &str| World { build_args: vec![("SOURCE_DATE_EPOCH".into(), value.into())], ..World::default() };
    let file = "ARG SOURCE_DATE_EPOCH=7\nFROM scratch\nARG SOURCE_DATE_EPOCH\nUSER $SOURCE_DATE_EPOCH";
    check_in(&world("+007"), last, file, &["7"]);
    check_in(&world(""), unset, file, &["4 $SOURCE_DATE_EPOCH SOURCE_DATE_EPOCH Declared"]);
    check(stopped, "ARG SOURCE_DATE_EPOCH=x\nFROM scratch", &["1 Some(1) -"]);
    check_in(&world("x"), stopped, "FROM scratch", &["1 None -"]);
}
