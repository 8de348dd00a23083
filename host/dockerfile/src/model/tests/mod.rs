//! The model, as data: a Dockerfile in, lines about it out.

mod reach;
mod stops;

use super::*;
use crate::parse;

/// What a case needs besides its Dockerfile.
#[derive(Default)]
struct World {
    build_args: Vec<(String, String)>,
    image: Option<BaseImage>,
    contexts: Vec<(String, String)>,
    target: Option<&'static str>,
    windows: bool,
}

/// Compares the lines that `show` writes about the model.
fn check_in(world: &World, show: fn(&str, &Tree, &Model) -> Vec<String>, source: &str, expect: &[&str]) {
    let tree = parse(source.as_bytes());
    let base_images: Vec<_> = world.image.iter().map(|image| (0, image)).collect();
    let system = if world.windows { "windows" } else { "linux" };
    let platform = Platform::new(system, "amd64", "");
    let inputs = Inputs {
        build_args: &world.build_args,
        target_platform: platform.clone(),
        build_platform: platform,
        target: world.target,
        contexts: &world.contexts,
        base_images: &base_images,
    };
    let model = model(source.as_bytes(), &tree, &inputs);
    assert_eq!(show(source, &tree, &model), expect, "{source}");
}

fn check(show: fn(&str, &Tree, &Model) -> Vec<String>, source: &str, expect: &[&str]) {
    check_in(&World::default(), show, source, expect);
}

/// Variables that are not resolved: line, source text, name, state.
fn unset(source: &str, _: &Tree, model: &Model) -> Vec<String> {
    let variables = model.variables.iter().filter(|v| v.state != VariableState::Resolved);
    variables.map(|v| format!("{} {} {} {:?}", v.line, &source[v.span.range()], model.name(v), v.state)).collect()
}

/// Expanded values of the last step.
fn last(_: &str, _: &Tree, model: &Model) -> Vec<String> {
    let values = model.values_of(model.steps.last().unwrap());
    values.iter().map(|v| format!("{}{}", model.text(v).unwrap_or("-"), if v.exact { "" } else { " ?" })).collect()
}

fn stages(_: &str, _: &Tree, model: &Model) -> Vec<String> {
    let line = |stage: &Stage| {
        let (name, base) = (model.stage_name(stage).unwrap_or("-"), base(model, &stage.base));
        format!("{name} {base} root {} {} {}", stage.root, model.platform(stage.platform), stage.reachable)
    };
    model.stages.iter().map(line).collect()
}

fn images(source: &str, _: &Tree, model: &Model) -> Vec<String> {
    let line = |i: &ImageUse| format!("{:?} {} {}", i.kind, &source[i.span.range()], base(model, &i.source));
    model.images.iter().map(line).collect()
}

fn base(model: &Model, base: &Base) -> String {
    match base {
        Base::Image(_) => model.reference(base).unwrap().familiar(),
        Base::Context(_) => format!("<{}>", model.base_name(base).unwrap()),
        other => format!("{other:?}"),
    }
}

fn problems(_: &str, _: &Tree, model: &Model) -> Vec<String> {
    model.problems.iter().map(|p| format!("{} {}", p.line, p.message)).collect()
}

fn shells(_: &str, tree: &Tree, model: &Model) -> Vec<String> {
    let steps = model.steps.iter().filter(|s| tree.instructions[s.instruction as usize].keyword == Keyword::Cmd);
    steps.map(|s| format!("{:?} {:?} {}", s.shell, model.shell(s.shell), s.workdir_set)).collect()
}

/// The names visible at the last variable.
fn visible(_: &str, _: &Tree, model: &Model) -> Vec<String> {
    model.visible_names(model.variables.len() as u32 - 1).into_iter().map(str::to_owned).collect()
}

use crate::tree::Keyword;

#[test]
fn undefined_variables() {
    check(unset, "FROM scratch\nCOPY $foo .\nARG foo=bar\nRUN echo $foo\nCOPY $foo .", &["2 $foo foo Unresolved"]);
    check(unset, "FROM alpine\nENV PATH=$PAHT:$PATH", &["2 $PAHT PAHT Unknown"]);
    check(unset, "ARG a=1\nFROM scratch\nLABEL x=$a\nARG a\nLABEL y=$a", &["3 $a a Unresolved"]);
    check(
        unset,
        "FROM scratch\nARG a\nLABEL y=$a\nENV b=$b b=1 c=$b\nLABEL z=$c",
        &["3 $a a Declared", "4 $b b Unresolved", "4 $b b Unresolved"],
    );
    check(
        unset,
        "FROM scratch\nARG a=1 b=$a$c\nWORKDIR /$b\nRUN --mount=from=x,target=/$t,type=bind y $n",
        &["2 $c c Unresolved", "4 $t t Unresolved"],
    );
    check(unset, "FROM scratch AS a\nARG x=1\nENV y=2\nFROM a\nLABEL l=$x$y$z", &["5 $z z Unresolved"]);
    check(
        unset,
        "FROM scratch\nCOPY <<E <<\"F\" /\n\t$q 'a$r'\nE\n$s\nF\n",
        &["2 $q q Unresolved", "2 $r r Unresolved"],
    );
    check(
        unset,
        "FROM scratch\nLABEL a=${x:-$y} b='$z' \\\n  c=\"$w\"\n",
        &["2 ${x:-$y} x Unresolved", "2 $y y Unresolved", "2 $w w Unresolved"],
    );
    // Places hold where the text that is expanded is not byte by byte the source's.
    check(unset, "FROM scratch\nVOLUME \u{A0}$x", &["2 $x x Unresolved"]);
    check(unset, "FROM scratch\nEXPOSE $p\nCMD echo $p\nENTRYPOINT [\"$p\"]", &[]);
    check(unset, "FROM scratch\nRUN --network=$n x\nLABEL a=$TARGETARCH", &["3 $TARGETARCH TARGETARCH Unresolved"]);
    check(
        unset,
        "ARG v\nFROM --platform=$TARGETPLATFORM busybox:${v}${w}",
        &["2 ${v} v Declared", "2 ${w} w Unresolved"],
    );
}

#[test]
fn triggers_run_in_the_child() {
    let file = "FROM scratch AS a\nONBUILD COPY $x /\nONBUILD ENV o=1\nFROM a\nLABEL l=$o";
    check(unset, file, &["4 $x x Unresolved"]);
    let image = BaseImage {
        environment: vec![("V".into(), "1".into())],
        shell: vec!["bash".into()],
        onbuild: vec!["COPY $V$W /".into()],
        ..BaseImage::default()
    };
    let world = World { image: Some(image), ..World::default() };
    check_in(&world, unset, "FROM alpine\nLABEL a=$V b=$Z", &["1 alpine W Unresolved", "2 $Z Z Unresolved"]);
    check_in(&world, shells, "FROM alpine\nCMD x", &["Set(0) Some([\"bash\"]) false"]);
}

#[test]
fn values() {
    check(last, "FROM scratch\nENV a=1\nENV a=2 b=$a\nLABEL $b=\"$a x\"", &["1", "2 x"]);
    check(
        last,
        "FROM alpine\nLABEL a=$X b=$PATH.",
        &["a", " ?", "b", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin. ?"],
    );
    check(last, "FROM scratch AS a\nENV a=1\nARG a=2\nFROM a\nLABEL x=$a", &["x", "1"]);
    check(last, "ARG a=1\nARG a=${a}2\nFROM scratch\nARG a\nUSER $a$TARGETOS", &["12"]);
    let world = World { build_args: vec![("a".into(), "9".into())], ..World::default() };
    check_in(&world, last, "FROM scratch\nARG a=$q\nUSER $a", &["9"]);
    check_in(&world, unset, "FROM scratch\nARG a=$q\nUSER $a", &[]);
    check(last, "FROM scratch\nARG TARGETARCH\nUSER $TARGETARCH", &["amd64"]);
}

#[test]
fn bases() {
    check(
        stages,
        "FROM a:1 AS Base\nFROM base\nFROM --platform=linux/arm64 base AS c\nFROM 0\nFROM --platform=arm64 x",
        &[
            "base a:1 root 0 linux/amd64 true",
            "- Stage(0) root 0 linux/amd64 true",
            "c Stage(0) root 0 linux/amd64 true",
            "- 0 root 3 linux/amd64 true",
            "- x root 4 linux/arm64 true",
        ],
    );
    check(
        stages,
        "FROM later\nFROM scratch AS later",
        &["- later root 0 linux/amd64 true", "later Scratch root 1 linux/amd64 true"],
    );
    let world = World { target: Some("B"), ..World::default() };
    check_in(
        &world,
        stages,
        "FROM scratch AS a\nFROM a AS b\nFROM scratch AS c\n",
        &[
            "a Scratch root 0 linux/amd64 true",
            "b Stage(0) root 0 linux/amd64 true",
            "c Scratch root 2 linux/amd64 false",
        ],
    );
    check(
        images,
        "FROM scratch AS a\nFROM x\nCOPY --from=A b c\nCOPY --from=0 b c\nRUN --mount=type=bind,from=y,target=/y z",
        &["From scratch Scratch", "From x x", "CopyFrom A Stage(0)", "CopyFrom 0 Stage(0)", "MountFrom y y"],
    );
}

#[test]
fn what_stops_a_build() {
    check(problems, "FROM $x", &["1 base name ($x) should not be blank"]);
    check(
        problems,
        "FROM --platform=$BULIDPLATFORM scratch",
        &["1 empty platform value from expression $BULIDPLATFORM (did you mean BUILDPLATFORM?)"],
    );
    check(
        problems,
        "FROM A",
        &[
            "1 failed to parse stage name \"A\": invalid reference format: repository name (library/A) must be lowercase",
        ],
    );
    check(
        problems,
        "FROM scratch\nCOPY --from=$a b c\nUSER ${x?}\nCOPY --from=7 d e",
        &[
            "2 variable expansion is not supported for --from, \
         define a new stage with FROM using ARG from global scope as a workaround",
            "4 invalid stage index 7",
            "3 failed to process \"${x?}\": x: is not allowed to be unset",
        ],
    );
    check(
        problems,
        "FROM scratch AS a\nCOPY --from=b x y\nFROM scratch AS b\nCOPY --from=a x y",
        &[
            "2 circular dependency detected on stage: a",
            "2 cannot copy from stage \"b\", it needs to be defined before current stage \"a\"",
        ],
    );
    check(
        problems,
        "FROM scratch\nRUN --mount=type=secret x\nSTOPSIGNAL SIGNOPE",
        &["2 invalid secret mount. one of source, target required", "3 invalid signal: SIGNOPE"],
    );
}

#[test]
fn state() {
    check(
        shells,
        "FROM scratch\nCMD a\nSHELL [\"sh\"]\nWORKDIR /\nCMD b",
        &["Default None false", "Set(0) Some([\"sh\"]) true"],
    );
    check(shells, "FROM x AS a\nWORKDIR /x\nFROM a\nCMD b", &["Unknown None true"]);
}

#[test]
fn places_behind_broken_bytes() {
    let source = b"FROM scratch\nCOPY <<E /\n\xFF\xFE $x\nE\n";
    let tree = parse(source);
    let model = model(source, &tree, &Inputs::default());
    assert_eq!(model.variables[0].span.of(source), b"$x");
}

#[test]
fn bounds_are_said() {
    let laughs = (0..20).map(|i| format!("ENV v{}=$v{i}$v{i}\n", i + 1)).collect::<String>();
    check(
        problems,
        &format!("FROM scratch\nENV v0={}\n{laughs}", "ha".repeat(100)),
        &["11 failed to process \"$v8$v8\": the value is too long"],
    );
    let triggers = format!("FROM scratch AS a\n{}FROM a\n", "ONBUILD USER x\n".repeat(70_000));
    check(problems, &triggers, &["70002 there are too many triggers of ONBUILD, or too long ones, to run them"]);
}

#[test]
fn names_in_order() {
    check(visible, "FROM scratch\nENV b=1\nARG a=1\nENV b=2\nLABEL x=$y", &["PATH", "a", "b"]);
    check(visible, "FROM scratch AS s\nENV b=1 c=2\nARG a=1\nENV b=2\nFROM s\nLABEL x=$y", &["a", "PATH", "b", "c"]);
}

#[test]
fn linear_and_bounded() {
    let laughs = (0..60).map(|i| format!("ENV v{}=$v{i}$v{i}\n", i + 1)).collect::<String>();
    let source = format!("FROM scratch\nENV v0=ha\n{laughs}LABEL x=$v60");
    let wide = format!("FROM scratch\n{}", (0..20_000).map(|i| format!("ENV v{i}=$v{}\n", i / 2)).collect::<String>());
    let chain = format!(
        "FROM scratch AS s0\nENV a=1\nARG a=2\n{}",
        (1..20_000).map(|i| format!("FROM s{} AS s{i}\nENV e{i}=$e1\n", i - 1)).collect::<String>()
    );
    let family = format!(
        "FROM scratch AS a\n{}{}{}",
        (0..20_000).map(|i| format!("ENV e{i}=1\nARG e{i}=2\n")).collect::<String>(),
        "ONBUILD USER $x\n".repeat(20_000),
        "FROM a\n".repeat(20_000)
    );
    let bodies = format!("FROM scratch\nCOPY {} /x\n{}", "<<A ".repeat(10_000), "$x\nA\n".repeat(10_000));
    let mounts = format!("FROM scratch\nRUN {} x", "--mount=type=cache \\\n--device=a \\\n".repeat(50_000));
    let triggers = format!("FROM scratch AS a\n{}{}", "ONBUILD USER $x\n".repeat(2_000), "FROM a\n".repeat(2_000));
    for source in [source, wide, chain, family, bodies, mounts, triggers] {
        let tree = parse(source.as_bytes());
        let started = std::time::Instant::now();
        let model = model(source.as_bytes(), &tree, &Inputs::default());
        assert!(!model.steps.is_empty());
        assert!(started.elapsed().as_secs() < 10, "{}…", &source[..60]);
    }
}

/// The value of every variable where it is used.
fn valued(_: &str, _: &Tree, model: &Model) -> Vec<String> {
    model.variables.iter().map(|v| format!("{} {}", model.name(v), model.value(v).unwrap_or("-"))).collect()
}

#[test]
fn values_of_variables() {
    check(
        valued,
        "ARG a=1\nFROM scratch\nARG a b\nENV c=$a d=$c\nUSER $c$b$PATH",
        &["a 1", "c -", "c 1", "b -", "PATH /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
    );
}

/// The ports of the last step: word and text.
fn ports(_: &str, tree: &Tree, model: &Model) -> Vec<String> {
    let step = model.steps.last().unwrap();
    let first = tree.instructions[step.instruction as usize].words.start;
    model.ports_of(step).iter().map(|port| format!("{} {}", port.word - first, model.port(port))).collect()
}

#[test]
fn exposed_ports() {
    check(
        ports,
        "FROM scratch\nENV p=\"80 81/udp\" q='\"5 6\"'\nEXPOSE 9 $p 10-12/TCP",
        &["1 80", "1 81/udp", "2 10-12/TCP", "0 9"],
    );
    check(ports, "FROM scratch\nEXPOSE 3 2/x 1", &["2 1", "1 2/x"]);
    check(ports, "FROM scratch\nEXPOSE 3 ${x?}", &[]);
    check(problems, "FROM scratch\nEXPOSE 3 2/x 1", &["2 invalid port: \"2/x\": invalid proto: x"]);
    check(
        problems,
        "FROM scratch\nEXPOSE 3 \\\n ${x?}",
        &["2 failed to process \"${x?}\": x: is not allowed to be unset"],
    );
    check(problems, "FROM alpine\nEXPOSE $x$y/z", &[]);
}
