//! Ten times as much text takes about ten times as long: no shape of file has a cliff.
//!
//! Each case is one shape in two sizes. Their times are compared in one run, so that the speed of the
//! machine does not matter; a disturbance can only lengthen a time, so the best of some attempts counts.

#![allow(clippy::unwrap_used)]

use std::any::Any;
use std::hint::black_box;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use plimsoll_dockerfile::ignore::Matcher;
use plimsoll_dockerfile::limits::EXPANSION_DEPTH_MAX;
use plimsoll_dockerfile::{BaseImage, Inputs, LineIndex, model, parse};

/// How much larger the large one is.
const FACTOR: usize = 10;
/// What ten times as many instructions may cost.
const INSTRUCTIONS_RATIO_MAX: f64 = 12.0;
/// What other shapes may cost: between a line (10) and a square (100).
const SHAPE_RATIO_MAX: f64 = 30.0;
/// Attempts before a ratio counts as too large.
const ATTEMPTS: usize = 10;
/// How long one side of an attempt is measured at least.
const MEASURED: Duration = Duration::from_millis(10);

static ALONE: Mutex<()> = Mutex::new(());

#[test]
fn ten_megabytes_of_instructions() {
    let file = |count: usize| {
        let mut file = "FROM scratch AS first\n".to_owned();
        for index in 0..count {
            file += &match index % 8 {
                0 => format!(
                    "FROM registry.example.com/team/image-{index}:1.2.3 AS stage-{index} \n# {:60}\n",
                    "described"
                ),
                1 => format!("ARG NAME_{index}=\"a default value\" OTHER=$NAME_{index} # {:50}\n", ""),
                2 => format!(
                    "ENV PATH=/opt/tool-{index}/bin:$PATH \\\n    LANGUAGE='en_US.UTF-8' QUOTED=\"${{NAME:-x y}}\" \n\n{:20}\n",
                    ""
                ),
                3 => format!(
                    "RUN --mount=type=cache,target=/var/cache/$NAME apt-get update && apt-get install -y package-{index} \n"
                ),
                4 => format!(
                    "COPY --from=first --chown=1000:1000 /source/directory-{index} /another/$TARGET/directory/ \n{:12}\n",
                    ""
                ),
                5 => format!(
                    "LABEL org.example.label-{index}=\"some text of a label\" org.example.other=${{VERSION:+v}}  \n{:14}\n",
                    ""
                ),
                6 => format!(
                    "CMD [\"/usr/bin/program-{index}\", \"--flag\", \"value\", \"caf\\u00e9\", \"and one more argument here\"]\n#{:5}\n",
                    ""
                ),
                _ => format!(
                    "RUN <<EOF cat > /etc/file-{index}\nfirst line of the body\nsecond line with $VARIABLE\nEOF\n# {:30}\n",
                    ""
                ),
            };
        }
        file
    };
    assert!((9 << 20..11 << 20).contains(&file(100_000).len()), "{}", file(100_000).len());
    check("instructions", 10_000, INSTRUCTIONS_RATIO_MAX, |count| {
        let file = file(count);
        Box::new(move || lint(&file, &Inputs::default()))
    });
}

#[test]
fn shapes() {
    let line = 6_000;
    shape("one line, shell", line, |n| format!("FROM a\nRUN {}", "a".repeat(n)));
    shape("one line, words", line / 2, |n| format!("FROM a\nCOPY {} /", "a ".repeat(n)));
    shape("one line, pairs", line / 4, |n| format!("FROM a\nENV {}", "a=b ".repeat(n)));
    shape("one line, quotes", line / 8, |n| format!("FROM a\nLABEL {}", "a='b' \"c\"=d\\  ".repeat(n / 2)));
    shape("one line, variables", line / 4, |n| format!("FROM a\nUSER {}", "$a${".repeat(n / 4) + &"$bc ".repeat(n)));
    shape("one line, defaults", line / 8, |n| format!("FROM a\nUSER {}", "${a:-b} ".repeat(n)));
    shape("one line, flags", line / 8, |n| format!("FROM a\nRUN {}x", "--mount ".repeat(n)));
    shape("one line, mount", line / 4, |n| format!("FROM a\nRUN --mount=type=bind,{}x", "ro,\"\"".repeat(n / 2)));
    shape("one line, markers", line / 4, |n| format!("FROM a\nRUN {}", "<<E ".repeat(n)));
    shape("one line, brackets", line, |n| format!("FROM a\nCMD {}", "[".repeat(n)));
    shape("one line, ONBUILD", line / 8, |n| format!("FROM a\n{}RUN x", "ONBUILD ".repeat(n)));
    shape("one line, wide blanks", line / 3, |n| format!("FROM a\n{}RUN x", "\u{3000}".repeat(n)));

    shape("continuation lines, shell", 1_000, |n| format!("FROM a\nRUN a{}", " && \\\n  command".repeat(n)));
    shape("continuation lines, pairs", 1_000, |n| format!("FROM a\nENV {}", "a=$b \\\n".repeat(n)));
    shape("continuation lines, one word", 1_000, |n| format!("FROM a\nENV a={}", "$b\\\n".repeat(n)));
    shape("continuation lines, empty", 1_000, |n| format!("FROM a\nRUN x \\\n{}y", "\n# c\n".repeat(n)));
    shape("continuation lines, not UTF-8", 1_000, |n| format!("FROM a\nCOPY {} /", "\u{FFFD}é $b \\\n".repeat(n)));
    shape("JSON array", 1_000, |n| format!("FROM a\nCMD [{}\"\"]", "\"\\u00e9a\\n\", \\\n".repeat(n)));
    shape("JSON array on one line", line / 8, |n| format!("FROM a\nVOLUME [{}\"\"]", "\"$a\\t\",".repeat(n)));

    shape("stages in a chain", 100, |n| stages(n, |i| format!("FROM s{} AS s{i}\nENV e{i}=$e1\n", i - 1)));
    shape("stages, copied by name", 100, |n| stages(n, |i| format!("FROM a AS s{i}\nCOPY --from=S{} a b\n", i - 1)));
    shape("stages, copied by number", 100, |n| stages(n, |i| format!("FROM a AS s{i}\nCOPY --from={} a b\n", i - 1)));
    shape("stages, copied images", 100, |n| stages(n, |i| format!("FROM a AS s{i}\nCOPY --from=image-{i} a b\n")));
    shape("stages, mounted", 100, |n| stages(n, |i| format!("FROM a AS s{i}\nRUN --mount=from=s{} a b\n", i - 1)));
    shape("stages, copied from below", 100, |n| stages(n, |i| format!("FROM a AS s{i}\nCOPY --from=s{} a b\n", i + 1)));
    shape("stages with long names", 100, |n| {
        let name = "a".repeat(n * 10);
        format!("FROM a AS {name}\n{}FROM b AS c\n", "COPY --from=c a b\n".repeat(n * 10))
    });
    shape("stages with a long platform", 100, |n| {
        format!("FROM --platform=linux({}) a AS b\n{}", "1".repeat(n * 10), "FROM b\n".repeat(n * 10))
    });
    shape("platforms that are not set", 100, |n| {
        lines(n, |i| format!("ARG name{i}\n")) + &lines(n, |i| format!("FROM --platform=$nome{i} a\n"))
    });

    shape("undefined variables", 1_000, |n| format!("FROM a\n{}", lines(n, |i| format!("COPY $a{i} /\n"))));
    shape("arguments", 1_000, |n| {
        lines(n, |i| format!("ARG a{i}=$a{}\n", i / 2)) + "FROM a\n" + &lines(n, |i| format!("ARG a{i}\n"))
    });
    shape("environment", 1_000, |n| format!("FROM a\n{}", lines(n, |i| format!("ENV a=$b{i}:$c b{i}=$a\n"))));
    shape("comments", 1_000, |n| format!("{}FROM a\n", "# comment\n".repeat(n)));
    shape("directives that are none", 1_000, |n| format!("{}FROM a\n", "# escape = x y\n".repeat(n)));
    shape("heredoc with many lines", 1_000, |n| format!("FROM a\nCOPY <<-E /\n{}\tE\n", "\tline with $a\n".repeat(n)));
    shape("heredocs of one instruction", 100, |n| {
        format!("FROM a\nCOPY {}/\n{}", lines(n, |i| format!("<<E{i} ")), lines(n, |i| format!("$x\nE{i}\n")))
    });
    shape("heredocs without end", 100, |n| format!("FROM a\n{}", "COPY <<A <<B /\n".repeat(n * 10)));
    shape("triggers of many children", 30, |n| {
        format!("FROM scratch AS a\n{}{}", "ONBUILD USER $x\n".repeat(10), children(n * 10))
    });
    shape("long triggers of many children", 30, |n| {
        format!("FROM scratch AS a\nONBUILD LABEL {}\n{}", "a=$b \\\n".repeat(n * 10), children(n * 10))
    });
    shape("directories in each other", 1_000, |n| format!("FROM scratch\n{}", "WORKDIR directory\n".repeat(n)));
    shape("unknown instructions", 1_000, |n| "FORM a\n--\n".repeat(n));
    shape("problems", 1_000, |n| format!("FROM a\n{}", "USER ${a?}\nCOPY --from=9 a b\nSTOPSIGNAL x\n".repeat(n)));
    shape("broken bytes", 1_000, |n| "\u{FEFF}\u{A0}\\\n\r\\ \n`\u{0}".repeat(n));
}

#[test]
fn base_images() {
    check("one image of many stages", 100, SHAPE_RATIO_MAX, |count| {
        let file = "FROM a\nUSER $v1\n".repeat(count * 10);
        let image = BaseImage {
            environment: (0..count * 10).map(|index| (format!("v{index}"), "x".repeat(100))).collect(),
            shell: vec!["sh".to_owned(); count],
            onbuild: vec!["USER $v1".to_owned(); 10],
            ..BaseImage::default()
        };
        Box::new(move || {
            let base_images: Vec<_> = (0..count as u32 * 10).map(|stage| (stage, &image)).collect();
            lint(&file, &Inputs { base_images: &base_images, ..Inputs::default() })
        })
    });
}

#[test]
fn ignored_paths() {
    for pattern in ["**/a*/x", "a/**/a/**/x", "**a", "a*", "!**/b"] {
        check(pattern, 1_000, SHAPE_RATIO_MAX, move |count| {
            let (matcher, path) = (Matcher::new([pattern]).unwrap(), "a/".repeat(count) + "b");
            Box::new(move || Box::new(matcher.is_ignored(&path)))
        });
    }
}

/// BuildKit nests without a bound. Here there is one, and whoever meets it is told so.
#[test]
fn nested_substitutions() {
    let nested = |depth: usize| (0..depth).map(|i| format!("${{a{i}:-")).collect::<String>() + "x" + &"}".repeat(depth);
    let problems = |word: &str| {
        let source = format!("FROM scratch\nENV a=1 b={word}\nLABEL c={word}\n");
        let tree = parse(source.as_bytes());
        let model = model(source.as_bytes(), &tree, &Inputs::default());
        let problems = model.problems.iter().map(|problem| format!("{} {}", problem.line, problem.message));
        problems.collect::<Vec<_>>()
    };
    assert!(problems(&nested(EXPANSION_DEPTH_MAX)).is_empty());
    for depth in [EXPANSION_DEPTH_MAX + 1, 1_000] {
        let got = problems(&nested(depth));
        let [problem] = &got[..] else { panic!("{got:?}") };
        assert!(
            problem.starts_with("2 failed to process") && problem.ends_with("nested more than 64 deep"),
            "{problem}"
        );
    }
    shape("nested substitutions", 100, |n| format!("FROM a\n{}", format!("USER {}\n", nested(n)).repeat(10)));
}

/// Stages upon `a`, each of which needs the one before it, so that the triggers of `a` fire in all.
fn children(count: usize) -> String {
    "FROM a AS s0\n".to_owned()
        + &(1..count).map(|i| format!("FROM a AS s{i}\nCOPY --from=s{} x y\n", i - 1)).collect::<String>()
}

fn stages(count: usize, stage: impl Fn(usize) -> String) -> String {
    "FROM scratch AS s0\n".to_owned() + &(1..count).map(stage).collect::<String>()
}

fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(line).collect()
}

/// Checks a shape of file, which has some unit `count` times.
fn shape(name: &str, count: usize, file: impl Fn(usize) -> String) {
    check(name, count, SHAPE_RATIO_MAX, |count| {
        let file = file(count);
        Box::new(move || lint_all(&file))
    });
}

/// What this crate makes of a file, to be kept until the time is taken.
fn lint(file: &str, inputs: &Inputs<'_>) -> Box<dyn Any> {
    let source = file.as_bytes();
    let tree = parse(source);
    let model = model(source, &tree, inputs);
    Box::new((tree, model))
}

/// The same with what else there is to know about a file.
fn lint_all(file: &str) -> Box<dyn Any> {
    let source = file.as_bytes();
    let (tree, lines) = (parse(source), LineIndex::new(source));
    let (model, tokens) = (model(source, &tree, &Inputs::default()), tree.tokens(source));
    Box::new((tree, model, tokens, lines))
}

/// Compares the times of what `prepare` gives for `count` and for ten times as much.
fn check(name: &str, count: usize, ratio_max: f64, prepare: impl Fn(usize) -> Box<dyn Fn() -> Box<dyn Any>>) {
    // One at a time: the tests of this file would disturb each other.
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (small, large) = (prepare(count), prepare(count * FACTOR));
    let mut best = f64::INFINITY;
    for _ in 0..ATTEMPTS {
        best = best.min(FACTOR as f64 * time(&large, 1) / time(&small, FACTOR));
        if best <= ratio_max {
            return;
        }
    }
    panic!("{name}: {FACTOR} times as much takes {best:.1} times as long");
}

/// Seconds that so many runs take whose results are all kept, so that both sizes need as much fresh
/// memory; the best of some, where they are short.
fn time(run: &dyn Fn() -> Box<dyn Any>, runs: usize) -> f64 {
    let (begin, mut best) = (Instant::now(), f64::INFINITY);
    while begin.elapsed() < MEASURED {
        let start = Instant::now();
        let kept: Vec<Box<dyn Any>> = (0..runs).map(|_| run()).collect();
        best = best.min(start.elapsed().as_secs_f64());
        drop(black_box(kept));
    }
    best
}
