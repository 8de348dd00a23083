//! Where triggers fire, and what named contexts replace.

use super::*;

/// The steps that triggers of `ONBUILD` make: stage and source text.
fn fired(source: &str, tree: &Tree, model: &Model) -> Vec<String> {
    let steps = model.steps.iter().filter(|step| step.origin != Origin::Own);
    let line = |step: &Step| {
        let (source, tree) = model.tree_of(step, source.as_bytes(), tree);
        let text = tree.text(source, tree.instructions[step.instruction as usize].text);
        format!("{} {text}", step.stage.unwrap())
    };
    steps.map(line).collect()
}

fn with_contexts(contexts: &[(&str, &str)]) -> World {
    let contexts = contexts.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    World { contexts: contexts.collect(), ..World::default() }
}

#[test]
fn triggers_fire_in_the_closure() {
    let file = "FROM scratch AS a\nONBUILD USER a\nFROM a AS b\nONBUILD USER b\nFROM b AS c\nFROM a AS d\n";
    check(fired, file, &["3 USER a"]);
    check(fired, &format!("{file}COPY --from=c x y"), &["1 USER a", "2 USER b", "3 USER a"]);
    check(fired, &format!("{file}RUN --mount=target=/x,from=1 y"), &["3 USER a"]);
    check(fired, &format!("{file}RUN --mount=target=/x,from=B y"), &["1 USER a", "3 USER a"]);
    check(fired, &format!("{file}COPY --from=1 x y"), &["1 USER a", "3 USER a"]);
    let world = World { target: Some("c"), ..World::default() };
    check_in(&world, fired, file, &["1 USER a", "2 USER b"]);
    // What a trigger copies from joins.
    let file = "FROM scratch AS a\nONBUILD COPY --from=c x y\nFROM scratch AS p\nONBUILD USER p\nFROM p AS c\nFROM a\n";
    check(fired, file, &["2 USER p", "3 COPY --from=c x y"]);
    let world = World { target: Some("a"), ..World::default() };
    check_in(&world, fired, file, &[]);
}

#[test]
fn triggers_that_stop() {
    let file = "FROM scratch AS a\nONBUILD VOLUME $x\nFROM a AS b\nFROM scratch";
    check(problems, file, &[]);
    check(problems, &format!("{file}\nCOPY --from=b x y"), &["3 VOLUME specified can not be an empty string"]);
    check(
        problems,
        "FROM scratch AS a\nONBUILD FOO\nFROM scratch\nFROM a",
        &["4 unknown instruction: FOO (did you mean FROM?)"],
    );
    check(problems, "FROM scratch AS a\nONBUILD -- RUN x\nFROM a", &["3 unknown instruction: --"]);
    check(problems, "FROM scratch AS a\nONBUILD COPY --from=9 x y\nFROM a", &["3 invalid stage index 9"]);
    // A trigger may copy from its own stage, but not from a later one.
    check(problems, "FROM scratch AS a\nONBUILD COPY --from=b x y\nFROM a AS b", &[]);
    check(
        problems,
        "FROM scratch AS a\nONBUILD COPY --from=c x y\nFROM a AS b\nFROM scratch AS c\nFROM b",
        &["3 cannot copy from stage \"c\", it needs to be defined before current stage \"b\""],
    );
    let trigger = |text: &str| {
        let image = BaseImage { onbuild: vec![text.to_owned()], ..BaseImage::default() };
        World { image: Some(image), ..World::default() }
    };
    check_in(&trigger("FROM x"), problems, "FROM a", &["1 *instructions.Stage is not a command type"]);
    check_in(&trigger("RUN a\nRUN b"), problems, "FROM a", &["1 onbuild trigger should be a single expression"]);
    check_in(&trigger(""), problems, "FROM a", &["1 file with no instructions"]);
    check_in(&trigger("FOO"), problems, "FROM a\nFROM b", &[]);
}

#[test]
fn stages_that_the_target_does_not_need() {
    let file = "FROM scratch AS a\nVOLUME $x\nFROM scratch AS b\nFROM A\n";
    check(
        problems,
        file,
        &[
            "4 failed to parse stage name \"A\": invalid reference format: repository name (library/A) must be lowercase",
            "2 VOLUME specified can not be an empty string",
        ],
    );
    let world = World { target: Some("b"), ..World::default() };
    check_in(&world, problems, "FROM scratch AS a\nVOLUME $x\nFROM scratch AS b", &[]);
}

#[test]
fn contexts_replace_images() {
    let world =
        with_contexts(&[("Nope", "x"), ("docker.io/library/alpine:latest", "dir"), ("x:1", "docker-image://y")]);
    check_in(
        &world,
        stages,
        "FROM alpine AS a\nFROM a\nFROM alpine:3\nFROM x:1\nFROM scratch",
        &[
            "a <docker.io/library/alpine:latest> root 0 linux/amd64 true",
            "- Stage(0) root 0 linux/amd64 true",
            "- alpine:3 root 2 linux/amd64 true",
            "- <x:1> root 3 linux/amd64 true",
            "- Scratch root 4 linux/amd64 true",
        ],
    );
    check_in(
        &world,
        images,
        "FROM scratch\nCOPY --from=alpine a b\nRUN --mount=from=x:1,target=/y z",
        &["From scratch Scratch", "CopyFrom alpine <docker.io/library/alpine:latest>", "MountFrom x:1 <x:1>"],
    );
    check_in(&world, unset, "FROM alpine\nUSER $a$PATH", &["2 $a a Unresolved"]);
    check_in(&world, unset, "FROM x:1\nUSER $a", &["2 $a a Unknown"]);
    check_in(&world, shells, "FROM x:1\nCMD a", &["Unknown None false"]);
    let empty = with_contexts(&[("x", "docker-image://scratch"), ("y", "target:z"), ("y", "https://z")]);
    check_in(&empty, unset, "FROM x\nUSER $a\nFROM y\nUSER $b", &["2 $a a Unresolved", "4 $b b Unresolved"]);
}

#[test]
fn contexts_of_a_platform() {
    let world = with_contexts(&[("x::linux/arm64/v8", "1"), ("x", "2")]);
    check_in(
        &world,
        stages,
        "FROM x\nFROM --platform=linux/arm64 x\nFROM --platform=arm64 y AS x",
        &[
            "- <x> root 0 linux/amd64 true",
            "- <x::linux/arm64/v8> root 1 linux/arm64 true",
            "x <x::linux/arm64/v8> root 2 linux/arm64 true",
        ],
    );
}

#[test]
fn contexts_replace_stages() {
    let file = "FROM scratch AS a\nENV x=1\nFROM a AS b\nUSER $x\nFROM b\nCOPY --from=c . .\nFROM scratch AS c";
    let mut world = with_contexts(&[("b", "dir"), ("c", "dir"), ("scratch", "dir")]);
    let stage = ["a Scratch root 0 linux/amd64 true", "b <b> root 1 linux/amd64 true"];
    let more = ["- Stage(1) root 1 linux/amd64 true", "c <c> root 3 linux/amd64 true"];
    check_in(&world, stages, file, &[stage[0], stage[1], more[0], more[1]]);
    // Where all stages are looked at, what stands in a replaced stage is too.
    check_in(&world, unset, file, &["4 $x x Unresolved"]);
    // A context is there from the beginning.
    check_in(&world, problems, file, &[]);
    world.target = Some("b");
    check_in(&world, unset, file, &[]);
    check_in(&world, stages, "FROM scratch AS scratch", &["scratch Scratch root 0 linux/amd64 true"]);
    let invalid =
        "1 failed to parse stage name \"A\": invalid reference format: repository name (library/A) must be lowercase";
    check_in(&world, problems, "FROM A AS b", &[invalid]);
}
