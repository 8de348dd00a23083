//! The parser, as data: a source in, lines about its tree out; and what holds for any bytes.

use crate::tree::{ProblemKind, TokenKind, Tree};
use crate::{Inputs, LineIndex, model, parse};

/// Compares one line for each instruction: lines, keyword, flags, words, heredocs.
fn check(source: &str, expect: &[&str]) {
    let tree = parse(source.as_bytes());
    invariants(source.as_bytes(), &tree);
    assert_eq!(describe(source.as_bytes(), &tree), expect, "{source:?}");
}

/// Compares problems: kind, line, message.
fn check_problems(source: &str, expect: &[&str]) {
    let tree = parse(source.as_bytes());
    invariants(source.as_bytes(), &tree);
    let got: Vec<_> = tree.problems.iter().map(|p| format!("{:?} {} {}", p.kind, p.line, p.message)).collect();
    assert_eq!(got, expect, "{source:?}");
}

fn describe(source: &[u8], tree: &Tree) -> Vec<String> {
    let line = |i: &crate::tree::Instruction| {
        let mut line = format!("{}-{} {:?}", i.lines.0, i.lines.1, i.keyword);
        for flag in tree.flags_of(i) {
            line += &format!(" {}", tree.text(source, flag.text));
        }
        line += if i.json { " json" } else { "" };
        for word in tree.words_of(i) {
            line += &format!(" [{}]", tree.text(source, word.text));
        }
        for h in tree.heredocs_of(i) {
            let marks = [(h.expand, "$"), (h.chomp, "-")].map(|(on, mark)| if on { mark } else { "" }).concat();
            line += &format!(" <{}{}{marks} {:?}>", h.fd, tree.text(source, h.name), tree.heredoc_content(source, h));
        }
        line
    };
    tree.instructions.iter().map(line).collect()
}

/// What holds for every source.
fn invariants(source: &[u8], tree: &Tree) {
    let tokens = tree.tokens(source);
    let joined: Vec<u8> = tokens.iter().flat_map(|token| token.span.of(source)).copied().collect();
    assert_eq!(joined, source, "tokens are lossless");
    assert!(tokens.iter().all(|token| !token.span.is_empty()));
    let inside = |span: crate::Span| span.start <= span.end && span.end as usize <= source.len();
    for instruction in &tree.instructions {
        assert!(inside(instruction.span) && inside(instruction.keyword_span) && inside(instruction.arguments));
        assert!(instruction.lines.0 >= 1 && instruction.lines.0 <= instruction.lines.1);
        let line = LineIndex::new(source).line_of(instruction.keyword_span.start);
        assert!(instruction.lines.0 <= line && line <= instruction.lines.1);
    }
    for word in &tree.words {
        assert!(inside(word.span));
        let text = tree.text(source, word.text);
        for (at, _) in text.char_indices() {
            let span = tree.source_span(word.text, at as u32..at as u32 + 1);
            assert!(inside(span) && word.span.start <= span.start && span.end <= word.span.end, "{text:?} {at}");
        }
    }
    assert!(tree.flags.iter().all(|flag| inside(flag.span)));
    assert!(tree.problems.iter().all(|problem| inside(problem.span) && problem.line >= 1));
}

#[test]
fn instructions() {
    check("FROM a AS b\nRUN x  y", &["1-1 From [a] [AS] [b]", "2-2 Run [x  y]"]);
    check("FROM a\r\nRUN x \\\r\n  y\r\n", &["1-1 From [a]", "2-3 Run [x   y]"]);
    check("\u{FEFF}from a\n\n# c\nrun \\\n# d\n\n x\\\n", &["1-1 From [a]", "4-7 Run [x]"]);
    check("# escape=`\nRUN a `\n b \\\nUSER x", &["2-3 Run [a  b \\]", "4-4 User [x]"]);
    check("RUN a \\\\\nUSER x", &["1-1 Run [a \\\\]", "2-2 User [x]"]);
    check(
        "RUN [\"a\", \"b\\n\\u00e9\"]\nCMD [a]\nCMD []",
        &["1-1 Run json [a] [b\né]", "2-2 Cmd [[a]]", "3-3 Cmd json"],
    );
    check("COPY --from=x --chown=\"a b\" -- c d", &["1-1 Copy --from=x --chown=a b [c] [d]"]);
    check("ENV a=1 b='c d' e=\\\n f=\"x\"", &["1-2 Env [a] [1] [b] ['c d'] [e] [] [f] [\"x\"]"]);
    check("ENV a  b c\nLABEL \"a b\"=c", &["1-1 Env [a] [b c]", "2-2 Label [\"a b\"] [c]"]);
    check("ARG a=1 b \"c d\"", &["1-1 Arg [a=1] [b] [\"c d\"]"]);
    check(
        "HEALTHCHECK --interval=5s CMD [\"a\"]\nHEALTHCHECK NONE",
        &["1-1 Healthcheck --interval=5s json [CMD] [a]", "2-2 Healthcheck [NONE]"],
    );
    check("ONBUILD COPY a b\nFOO bar", &["1-1 Onbuild", "1-1 Copy [a] [b]", "2-2 Unknown"]);
    check("RU\\\nN a\nUSER é\u{A0}x", &["1-2 Run [a]", "3-3 User [é\u{A0}x]"]);
}

#[test]
fn heredocs() {
    check("RUN <<E\n\ta\nE\nUSER x", &["1-3 Run [<<E] <0E$ \"\\ta\\n\">", "4-4 User [x]"]);
    check("RUN 3<<-'E' cat\n\ta\n\tE", &["1-3 Run [3<<-'E' cat] <3E- \"a\\n\">"]);
    check("COPY <<A <<\"B\" /x\na\r\nA\nb\nB\n", &["1-5 Copy [<<A] [<<\"B\"] [/x] <0A$ \"a\\r\\n\"> <0B \"b\\n\">"]);
    check("ONBUILD RUN <<E\nx\nE", &["1-3 Onbuild <0E$ \"x\\n\">", "1-3 Run [<<E] <0E$ \"x\\n\">"]);
    check("CMD <<E\nUSER E", &["1-1 Cmd [<<E]", "2-2 User [E]"]);
    check("RUN [\"<<E\"]\nRUN '<<E'\nRUN x \"<<E", &["1-1 Run json [<<E]", "2-2 Run ['<<E']", "3-3 Run [x \"<<E]"]);
}

#[test]
fn problems() {
    check_problems("", &["Syntax 1 file with no instructions"]);
    check_problems("ARG a", &["Instruction 1 dockerfile contains no stages to build"]);
    check_problems(
        "RUN <<E\nx",
        &["Syntax 1 unterminated heredoc", "Instruction 2 dockerfile contains no stages to build"],
    );
    check_problems("FROM a\nRUN x \\\n\n  y\n", &["EmptyContinuation 4 Empty continuation line"]);
    check_problems(
        "FROM a\nENV x\nENV a=1 b\nRUN [1]",
        &[
            "Syntax 2 ENV must have two arguments",
            "Syntax 3 Syntax error - can't find = in \"b\". Must be of the form: name=value",
            "Syntax 4 when using JSON array syntax, arrays must be comprised of strings only",
        ],
    );
    check_problems(
        "# escape=x\n# escape=`\nFROM a",
        &[
            "Syntax 1 invalid escape token 'x' does not match ` or \\",
            "Syntax 2 only one escape parser directive can be used",
        ],
    );
    check_problems("# escape= \t\nFROM a", &["Syntax 1 invalid escape token '\t' does not match ` or \\"]);
    check_problems("# escape=\nFROM a", &[]);
    check_problems(
        "RUN x\nFORM a\nFROM a b\nFROM a AS 1\nFROM a",
        &[
            "Instruction 1 no build stage in current context",
            "Instruction 2 unknown instruction: FORM (did you mean FROM?)",
            "Instruction 3 FROM requires either one or three arguments",
            "Instruction 4 invalid name for build stage: \"1\", name can't start with a number or contain symbols",
        ],
    );
    check_problems(
        "FROM --platfrom=x a\nCOPY a\nCOPY --link=maybe a b\nCOPY a <<E\nE\nRUN --mount=from=$x y",
        &[
            "Instruction 1 unknown flag: --platfrom (did you mean platform?)",
            "Instruction 2 COPY requires at least two arguments, but only one was provided. Destination could not be determined",
            "Instruction 3 expecting boolean value for flag --link, not: maybe",
            "Instruction 4 COPY cannot accept a heredoc as a destination",
            "Instruction 6 'from' doesn't support variable expansion, define alias stage instead",
        ],
    );
    check_problems(
        "FROM a\nHEALTHCHECK --interval=1us CMD x\nHEALTHCHECK --timeout=1 CMD x\nHEALTHCHECK FOO\nSHELL a\nONBUILD FROM x",
        &[
            "Instruction 2 Interval \"interval\" cannot be less than 1ms",
            "Instruction 3 time: missing unit in duration \"1\"",
            "Instruction 4 Unknown type \"FOO\" in HEALTHCHECK (try CMD)",
            "Instruction 5 SHELL requires the arguments to be in JSON form",
            "Instruction 6 FROM isn't allowed as an ONBUILD trigger",
        ],
    );
    check_problems(
        &format!("FROM a\nRUN {}", "x".repeat(70_000)),
        &["Syntax 2 dockerfile line greater than max allowed size of 65535"],
    );
}

#[test]
fn tokens() {
    let source = "# escape=`\nFROM a `\n # c\n  AS b\nRUN <<E\nx\nE\n";
    let kinds: Vec<_> = parse(source.as_bytes()).tokens(source.as_bytes()).iter().map(|token| token.kind).collect();
    use TokenKind::*;
    assert_eq!(
        kinds,
        [
            Directive,
            Newline,
            Keyword,
            Whitespace,
            Word,
            Whitespace,
            Continuation,
            Newline,
            Whitespace,
            Comment,
            Newline,
            Whitespace,
            Word,
            Whitespace,
            Word,
            Newline,
            Keyword,
            Whitespace,
            Word,
            Newline,
            HeredocBody,
            HeredocEnd,
            Newline,
        ]
    );
}

#[test]
fn comments_belong_to_what_is_below() {
    let source = "# a\n#\n# b\n\n #  c \nFROM x\n# d";
    let tree = parse(source.as_bytes());
    let texts: Vec<_> = tree.comments_of(&tree.instructions[0]).iter().map(|c| &source[c.text.range()]).collect();
    assert_eq!(texts, ["b", "#  c"]);
    assert_eq!(tree.comments.len(), 5);
}

#[test]
fn places_in_the_source() {
    let source = "FROM a\nRUN --mount=\"type=x\" a$B \\\n $C";
    let tree = parse(source.as_bytes());
    let run = &tree.instructions[1];
    let at = |text, part: &str| {
        let from = tree.text(source.as_bytes(), text).find(part).unwrap() as u32;
        source[tree.source_span(text, from..from + part.len() as u32).range()].to_owned()
    };
    assert_eq!(at(tree.words_of(run)[0].text, "$B"), "$B");
    assert_eq!(at(tree.words_of(run)[0].text, "$C"), "$C");
    assert_eq!(at(tree.flags_of(run)[0].text, "type=x"), "type=x");
}

/// What is empty has a place too, also where the text around it was put together.
#[test]
fn places_of_nothing() {
    let check = |source: &[u8], expect: u32| {
        let tree = parse(source);
        let arguments = tree.instructions.last().unwrap().arguments;
        assert_eq!((arguments.start, arguments.end), (expect, expect), "{source:?}");
    };
    check(b"RUN", 3);
    check(b"\\\xFF\xFF", 3);
    check(b"RUN \\\n --mount='a'", 18);
    check(b"USER \\\n a\n\\\n\\\n", 10);
}

#[test]
fn any_bytes() {
    let seeds: [&[u8]; 4] = [
        b"# escape=`\nFROM a AS b\nRUN --mount=type=bind,from=x <<E cat `\n # c\n\n $y\nz\nE\nONBUILD COPY <<-\"F\" /\n\tF\n",
        b"\xEF\xBB\xBFARG v=1\nFROM x:$v\nENV a=\"$b\" c='d'\\\n e=${f:-${g}}\nCMD [\"a\\u00e9\", \"b\"]\nHEALTHCHECK CMD x\n",
        b"FROM --platform=$P s\r\nCOPY --from=0 \xFF\xFE a\\\r\n b\r\nLABEL k v \xC2\xA0\r\nEXPOSE 80 \x85\n",
        b"FROM scratch\nSHELL [\"a\", [{\"b\": 1}]]\nRUN a\\ \\\n\\\n#x\nUSER ${x//a*/$y}${z##?}\n",
    ];
    let alphabet = b"\n\r\t \\`\"'$#<>-={}[],:/AENVFROMCOPY<<E\xC3\xA9\xFF\x00\xE2\x80\x83";
    let mut random = 0x2545_F491_4F6C_DD1Du64;
    let mut next = |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random >> 16) as usize % below.max(1)
    };
    for round in 0..6_000 {
        let mut source = seeds[round % seeds.len()].to_vec();
        for _ in 0..next(12) {
            let at = next(source.len());
            match next(3) {
                0 => source.insert(at, alphabet[next(alphabet.len())]),
                1 if !source.is_empty() => drop(source.remove(at)),
                _ if !source.is_empty() => source[at] = alphabet[next(alphabet.len())],
                _ => {}
            }
        }
        if round % 5 == 0 {
            source = (0..next(200)).map(|_| alphabet[next(alphabet.len())]).collect();
        }
        let tree = parse(&source);
        invariants(&source, &tree);
        let model = model(&source, &tree, &Inputs::default());
        for (index, variable) in model.variables.iter().enumerate() {
            assert!(variable.span.end as usize <= source.len());
            assert!(!model.visible_names(index as u32).is_empty());
        }
    }
}

#[test]
fn linear_time() {
    let cases = [
        "RUN a \\\n".repeat(200_000),
        "\\\n".repeat(400_000),
        "#\n".repeat(400_000),
        format!("RUN {}", "[".repeat(1_000_000)),
        format!("ENV {}", "a=".repeat(500_000)),
        "COPY <<A <<B <<C /\n".repeat(50_000),
        format!("COPY {}", "<<".repeat(500_000)),
        format!("{}RUN x", "ONBUILD ".repeat(100_000)),
        "ENV a=${a:-\"${b}\"} \\\n".repeat(100_000),
        "\u{A0}\u{3000}".repeat(300_000),
        "FROM a AS b\nCOPY --from=b --chown='x' a b\n".repeat(30_000),
        format!("CMD [{}]", "\"\\u00e9\",".repeat(100_000)),
    ];
    for case in cases {
        let started = std::time::Instant::now();
        let tree = parse(case.as_bytes());
        let tokens = tree.tokens(case.as_bytes());
        assert!(tokens.last().is_some_and(|token| token.span.end as usize == case.len()));
        let seconds = started.elapsed().as_secs_f64();
        assert!(seconds < 10.0, "{seconds} s for {:?}…", &case[..20]);
    }
}

#[test]
fn too_large() {
    let source = vec![b'\n'; crate::limits::SOURCE_BYTES_MAX + 1];
    let tree = parse(&source);
    assert!(tree.problems.iter().any(|p| p.kind == ProblemKind::Syntax && p.message.contains("max allowed size")));
}

#[test]
fn health_checks() {
    let check = |arguments: &str, expect: &str| {
        let expect = if expect.is_empty() { Vec::new() } else { vec![format!("Instruction 2 {expect}")] };
        let expect: Vec<&str> = expect.iter().map(String::as_str).collect();
        check_problems(&format!("FROM a\nHEALTHCHECK {arguments}"), &expect);
    };
    for arguments in
        ["NONE", "--any NONE", "CMD [\"x\"]", "--interval=1h2.5m CMD x", "--timeout=0.1ns CMD x", "--retries= CMD x"]
    {
        check(arguments, "");
    }
    check("--interval=0.5ms CMD x", "Interval \"interval\" cannot be less than 1ms");
    check("--timeout=-1s CMD x", "Interval \"timeout\" cannot be less than 1ms");
    check("--timeout=9000µs CMD x", "time: unknown unit \"µs\" in duration \"9000µs\"");
    check("--start-period=1 CMD x", "time: missing unit in duration \"1\"");
    check("--start-interval=.s CMD x", "time: invalid duration \".s\"");
    check("--interval=9999999h CMD x", "time: invalid duration \"9999999h\"");
    check("--retries=99999999999 CMD x", "strconv.ParseInt: parsing \"99999999999\": value out of range");
    check("--retries=x CMD x", "strconv.ParseInt: parsing \"x\": invalid syntax");
    check("CMD []", "Missing command after HEALTHCHECK CMD");
}
