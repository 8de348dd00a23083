//! The resolvers `http`, `git` and `context` against real servers and folders:
//! what is answered, what is refused, and what rules make of it.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use plimsoll::config::Files;
use plimsoll::document::Surroundings;
use plimsoll::lint::{self, Ask, FileReport, Input, Job, Ruleset, SlowChecks, Source};
use plimsoll::plugin::{Host, Plugin};
use plimsoll::question::{
    Algorithm, Answer, BuildContext, ContextFile, Download, FileKind, Matches, Question, SkipReason,
};
use plimsoll::resolve::{Registry, World};
use plimsoll::schedule::{Session, Terms};
use plimsoll_dockerfile::Platform;
use plimsoll_registry::{ClientConfig, Environment};
use plimsoll_test_support::site::{Page, Site, git, git_or_skip, git_site};
use plimsoll_test_support::{Image, Index, Project, files_below, scratch_folder};

/// sha256 of `hello`.
const HELLO: &str = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

fn world(allowed: &[String]) -> Arc<World> {
    let registry = Arc::new(Registry::new(ClientConfig::new(Environment::default())));
    Arc::new(World::new(registry, allowed.iter().cloned()))
}

/// Asks one question, as a run does.
fn ask(allowed: &[String], question: Question, budget: Duration) -> Result<Answer, (SkipReason, String)> {
    let mut session = Session::new(world(allowed), Terms::within(budget));
    session.ask([(&question, None)].into_iter(), &mut ());
    match session.outcome(&question).unwrap() {
        Ok(answer) => Ok(answer.as_ref().clone()),
        Err(failure) => Err((failure.reason, failure.detail.clone())),
    }
}

fn download(site: &Site, path: &str, algorithm: Algorithm) -> Result<Download, (SkipReason, String)> {
    let question = Question::Download { url: site.url(path).parse().unwrap(), algorithm };
    match ask(&[site.host()], question, Duration::from_secs(10))? {
        Answer::Download(download) => Ok(download),
        other => panic!("{other:?}"),
    }
}

#[test]
fn downloads_are_digested_and_redirects_followed() {
    let site = Site::start(|visit| match visit.path.as_str() {
        "/hello" => Page::of("hello"),
        "/moved" => Page::redirect("/again?x=1"),
        "/again" => Page::redirect("hello"),
        _ => Page::status(404),
    });
    let expected = |digest: &str| Download { digest: digest.to_owned(), size: 5, final_url: site.url("/hello") };
    assert_eq!(download(&site, "/hello", Algorithm::Sha256), Ok(expected(HELLO)));
    assert_eq!(download(&site, "/moved", Algorithm::Sha256), Ok(expected(HELLO)));
    let sha384 =
        "sha384:59e1748777448c69de6b800d7a33bbfb9ff1b463e44354c3553bcdb9c666fa90125a3c79f90397bdf5f6a13de828684f";
    assert_eq!(download(&site, "/hello", Algorithm::Sha384), Ok(expected(sha384)));
    let sha512 = "sha512:9b71d224bd62f3785d96d46ad3ea3d73319bfbc2890caadae2dff72519673ca72323c3d99ba5c11d7c7acc6e14b8c5da0c4663475c2e5c3adef46f73bcdec043";
    assert_eq!(download(&site, "/hello", Algorithm::Sha512), Ok(expected(sha512)));
    for visit in site.log() {
        assert!(visit.header("authorization").or(visit.header("cookie")).or(visit.header("referer")).is_none());
        assert_eq!(visit.header("accept-encoding"), Some("identity"));
    }
}

#[test]
fn reasons_are_told_apart() {
    let check = |page: Page, reason: SkipReason, requests: usize| {
        let site = Site::start(move |_| page.clone());
        let failed = download(&site, "/x?token=secret", Algorithm::Sha256).unwrap_err();
        assert_eq!((failed.0, site.log().len()), (reason, requests), "{}", failed.1);
        assert!(failed.1.contains("127.0.0.1") && !failed.1.contains("secret"), "{}", failed.1);
    };
    for (status, reason, requests) in [
        (401, SkipReason::Auth, 1),
        (403, SkipReason::Auth, 1),
        (404, SkipReason::NotFound, 1),
        (410, SkipReason::NotFound, 1),
        (418, SkipReason::ResolverError, 1),
        (429, SkipReason::Network, 3),
        (500, SkipReason::Network, 3),
        (503, SkipReason::Network, 3),
    ] {
        check(Page::status(status), reason, requests);
    }
    check(Page::of("hello").reset(), SkipReason::Network, 3);
    check(Page::redirect("/x"), SkipReason::ResolverError, 11);
    check(Page::redirect("file:///etc/passwd"), SkipReason::ResolverError, 1);
    check(Page::of("hello").header("Content-Encoding", "gzip"), SkipReason::ResolverError, 1);
    check(Page::of("").announced((512 << 20) + 1), SkipReason::ResolverError, 1);
    // Half a minute is more than the run has.
    check(Page::status(503).header("Retry-After", "30"), SkipReason::Network, 1);
}

#[test]
fn what_passes_is_asked_again() {
    let site = Site::start(|visit| if visit.before < 2 { Page::status(503) } else { Page::of("hello") });
    assert_eq!(download(&site, "/x", Algorithm::Sha256).unwrap().digest, HELLO);
    assert_eq!(site.log().len(), 3);
}

#[test]
fn silence_and_trickle_end_in_time() {
    for page in [Page::of("hello").never(), Page::of("hello").trickle(Duration::from_millis(100))] {
        let site = Site::start(move |_| page.clone());
        let question = Question::Download { url: site.url("/x").parse().unwrap(), algorithm: Algorithm::Sha256 };
        let start = Instant::now();
        let failed = ask(&[site.host()], question, Duration::from_millis(700)).unwrap_err();
        assert_eq!(failed.0, SkipReason::Timeout, "{}", failed.1);
        assert!(start.elapsed() < Duration::from_millis(1_200), "{:?}", start.elapsed());
    }
}

#[test]
fn this_machine_is_out_of_reach_unless_the_user_allows_it() {
    let inner = Site::start(|_| Page::of("secret"));
    let target = inner.url("/");
    let outer = Site::start(move |_| Page::redirect(&target));
    let question = |url: &str| Question::Download { url: url.parse().unwrap(), algorithm: Algorithm::Sha256 };
    let port = inner.host().split_once(':').unwrap().1.to_owned();
    let direct = [
        inner.url("/"),
        format!("http://localhost:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        format!("http://0x7f000001:{port}/"),
        format!("http://0.0.0.0:{port}/"),
    ];
    for url in direct {
        let failed = ask(&[], question(&url), Duration::from_secs(5)).unwrap_err();
        assert_eq!(failed.0, SkipReason::Denied, "{url} {}", failed.1);
    }
    // What is allowed may not lead on to what is not.
    let failed = ask(&[outer.host()], question(&outer.url("/")), Duration::from_secs(5)).unwrap_err();
    assert_eq!((failed.0, outer.log().len()), (SkipReason::Denied, 1), "{}", failed.1);
    let remote = Question::Commit { remote: outer.url("/x.git").parse().unwrap(), reference: "HEAD".to_owned() };
    assert_eq!(ask(&[outer.host()], remote, Duration::from_secs(5)).unwrap_err().0, SkipReason::Denied);
    assert!(inner.log().is_empty(), "{:?}", inner.log());
}

/// A repository with a branch, an annotated and a plain tag; its commits by message.
fn repository(folder: &Path) -> [String; 2] {
    git(folder, &["init", "-q", "-b", "main", "app.git"]);
    let work = folder.join("app.git");
    git(&work, &["commit", "-q", "--allow-empty", "-m", "one"]);
    git(&work, &["tag", "-a", "-m", "first", "v1"]);
    git(&work, &["tag", "light"]);
    git(&work, &["branch", "old"]);
    git(&work, &["tag", "old"]);
    git(&work, &["commit", "-q", "--allow-empty", "-m", "two"]);
    git(&work, &["tag", "-f", "old"]);
    [git(&work, &["rev-parse", "HEAD~"]), git(&work, &["rev-parse", "HEAD"])]
}

#[test]
fn commits_are_those_that_a_build_checks_out() {
    if !git_or_skip("commits_are_those_that_a_build_checks_out") {
        return;
    }
    let folder = scratch_folder();
    let [one, two] = repository(folder.path());
    for old in [false, true] {
        let site = git_site(folder.path(), old);
        let commit = |path: &str, name: &str| {
            let remote = site.url(path).parse().unwrap();
            let question = Question::Commit { remote, reference: name.to_owned() };
            match ask(&[site.host()], question, Duration::from_secs(10)) {
                Ok(Answer::Commit(commit)) => Ok(commit),
                Ok(other) => panic!("{other:?}"),
                Err((reason, _)) => Err(reason),
            }
        };
        let expected = [("HEAD", &two), ("main", &two), ("refs/heads/main", &two), ("v1", &one), ("light", &one)];
        for (name, expected) in expected {
            assert_eq!(commit("/app.git", name).as_ref(), Ok(expected), "{name}, old {old}");
        }
        // A branch goes before a tag of the same name.
        assert_eq!(commit("/app.git/", "old"), Ok(one.clone()));
        assert_eq!(commit("/app.git", "refs/tags/old"), Ok(two.clone()));
        assert_eq!(commit("/app.git", "nothing"), Err(SkipReason::NotFound));
        assert_eq!(commit("/other.git", "main"), Err(SkipReason::NotFound));
        let is_post = |visit: &&plimsoll_test_support::site::Visit| visit.method == "POST";
        assert_eq!(site.log().iter().filter(is_post).count(), if old { 0 } else { 8 });
    }
}

#[test]
fn what_is_no_git_server_is_said_to_be_none() {
    let site = Site::start(|visit| match visit.path.as_str() {
        "/html/info/refs" => Page::of("<html>").header("Content-Type", "text/html"),
        "/odd/info/refs" => Page::of("0009odd").header("Content-Type", "application/x-git-upload-pack-advertisement"),
        _ => Page::status(401),
    });
    for (path, reason) in
        [("/html", SkipReason::ResolverError), ("/odd", SkipReason::ResolverError), ("/private", SkipReason::Auth)]
    {
        let question = Question::Commit { remote: site.url(path).parse().unwrap(), reference: "main".to_owned() };
        assert_eq!(ask(&[site.host()], question, Duration::from_secs(5)).unwrap_err().0, reason, "{path}");
    }
}

fn context(root: &Path) -> Arc<BuildContext> {
    Arc::new(BuildContext { root: root.to_owned(), ..BuildContext::default() })
}

fn answer(question: Question) -> Answer {
    ask(&[], question, Duration::from_secs(10)).unwrap()
}

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
#[cfg(unix)]
fn nothing_leads_out_of_the_context() {
    use std::os::unix::fs::symlink;
    let folder = scratch_folder();
    let root = folder.path().join("context");
    write(folder.path(), "secret", "secret");
    write(&root, "hello", "hello");
    write(&root, "etc/hostname", "inner");
    for (target, link) in [
        ("../secret", "up"),
        ("/etc/hostname", "absolute"),
        ("../../../../hello", "high"),
        ("etc", "folder"),
        ("loop", "loop"),
        ("nothing", "dangling"),
    ] {
        symlink(target, root.join(link)).unwrap();
    }
    symlink(folder.path().join("secret"), root.join("away")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap();

    let text = |path: &str| match answer(Question::Text { context: context(&root), path: path.to_owned() }) {
        Answer::Text(text) => text,
        other => panic!("{other:?}"),
    };
    assert_eq!(text("hello").as_deref(), Some("hello"));
    assert_eq!(text("../../hello").as_deref(), Some("hello"));
    assert_eq!(text("high").as_deref(), Some("hello"));
    // As in the build, a link reads as if the context were the whole machine.
    assert_eq!(text("absolute").as_deref(), Some("inner"));
    assert_eq!(text("folder/hostname").as_deref(), Some("inner"));
    for path in ["up", "away", "../secret", "loop", "dangling", "hello/x", "folder", "socket", ""] {
        assert_eq!(text(path), None, "{path}");
    }

    // Who may ask for some paths only gets nowhere by a link.
    let narrow = || Arc::new(BuildContext { bars_links: true, ..(*context(&root)).clone() });
    let of_narrow = |path: &str| match answer(Question::Text { context: narrow(), path: path.to_owned() }) {
        Answer::Text(text) => text,
        other => panic!("{other:?}"),
    };
    assert_eq!(of_narrow("hello").as_deref(), Some("hello"));
    for path in ["high", "absolute", "folder/hostname", "up", "away", "loop"] {
        assert_eq!(of_narrow(path), None, "{path}");
    }

    let file = |path: &str| match answer(Question::File { context: context(&root), path: path.to_owned() }) {
        Answer::File(file) => file,
        other => panic!("{other:?}"),
    };
    let hello = ContextFile { kind: FileKind::File, size: 5, checksum: Some(HELLO.to_owned()) };
    assert_eq!(file("./hello"), Some(hello));
    assert_eq!(file("folder"), Some(ContextFile { kind: FileKind::Folder, size: 0, checksum: None }));
    assert_eq!(file("socket"), Some(ContextFile { kind: FileKind::Other, size: 0, checksum: None }));
    assert_eq!(file("up"), None);
}

#[test]
fn files_are_those_that_the_build_sees() {
    let folder = scratch_folder();
    for path in ["a.txt", "b.txt", "src/x.rs", "src/deep/y.rs", "dist/app.js", "dist/notes.md", "tmp/z", "[id].js"] {
        write(folder.path(), path, "");
    }
    write(folder.path(), ".dockerignore", "b.txt\ntmp\ndist\n!dist/app.js\n");
    let patterns = [
        "*.txt",
        "src/*",
        "*/*.rs",
        "/src/../a.txt",
        "dist",
        "dist/*",
        "tmp",
        "t*",
        "b.txt",
        ".",
        "[id].js",
        "\\[id].js",
        "\\[*",
        "src/x.rs/y",
        "[",
    ];
    let patterns: Vec<String> = patterns.into_iter().map(str::to_owned).collect();
    let Answer::Files(found) = answer(Question::Files { context: context(folder.path()), patterns }) else { panic!() };
    let found: Vec<Vec<&str>> = found
        .iter()
        .map(|Matches { paths, is_complete }| {
            assert!(is_complete);
            paths.iter().map(String::as_str).collect()
        })
        .collect();
    let expected: Vec<Vec<&str>> = vec![
        vec!["a.txt"],
        vec!["src/deep", "src/x.rs"],
        vec!["src/x.rs"],
        vec!["a.txt"],
        vec!["dist"],
        vec!["dist/app.js"],
        vec![],
        vec![],
        vec![],
        vec!["."],
        vec![],
        vec![],
        vec!["[id].js"],
        vec![],
        vec![],
    ];
    assert_eq!(found, expected);
}

#[test]
fn the_context_costs_no_more_than_its_limits() {
    let folder = scratch_folder();
    fs::File::create(folder.path().join("huge")).unwrap().set_len(513 << 20).unwrap();
    fs::File::create(folder.path().join("long")).unwrap().set_len((1 << 20) + 1).unwrap();
    for number in 0..10_001 {
        fs::File::create(folder.path().join(format!("{number}.x"))).unwrap();
    }
    let ask = |question: Question| ask(&[], question, Duration::from_secs(20));
    let (huge, long) = ("huge".to_owned(), "long".to_owned());
    let failed = ask(Question::File { context: context(folder.path()), path: huge }).unwrap_err();
    assert!(failed.0 == SkipReason::ResolverError && failed.1.contains("512 MiB"), "{failed:?}");
    let failed = ask(Question::Text { context: context(folder.path()), path: long }).unwrap_err();
    assert!(failed.0 == SkipReason::ResolverError && failed.1.contains("1 MiB"), "{failed:?}");
    let patterns = vec!["*.x".to_owned(), "huge".to_owned()];
    let Ok(Answer::Files(found)) = ask(Question::Files { context: context(folder.path()), patterns }) else { panic!() };
    assert_eq!((found[0].paths.len(), found[0].is_complete, found[1].is_complete), (10_000, false, false));
    let patterns = vec!["*.y".to_owned(); 20];
    let failed = ask(Question::Files { context: context(folder.path()), patterns }).unwrap_err();
    assert!(failed.1.contains("100000 entries"), "{failed:?}");
    let nowhere = context(&folder.path().join("nowhere"));
    let failed = ask(Question::Files { context: nowhere, patterns: vec!["a".to_owned()] }).unwrap_err();
    assert!(failed.1.contains("nowhere cannot be read"), "{failed:?}");
}

/// Lints a file with pack `sources` alone, all rules on, its build context being `root`.
fn lint(root: &Path, allowed: &[String], dockerfile: &str) -> FileReport {
    let host = Host::new().unwrap();
    let packs = Plugin::bundled(&host).unwrap_or_else(|pack| panic!("{}", pack.message));
    let plugins: Arc<[Plugin]> = packs.into_iter().filter(|pack| pack.name == "sources").collect();
    let file = r#"
        [rules."sources/unpinned-image"]
        severity = "info"
        [rules."sources/unverified-download"]
        options = { download = true }
    "#;
    let file = toml::from_str(file).unwrap();
    let source = Source::Bytes(dockerfile.as_bytes().to_vec());
    let job = Job {
        inputs: vec![Input { shown: "Dockerfile".to_owned(), source, ruleset: 0, context: context(root) }],
        rulesets: vec![Ruleset::new(&plugins, Files { tree: Some(&file), ..Files::default() }).unwrap()],
        plugins,
        unusable: Vec::new(),
        surroundings: vec![Surroundings::of_platform(Platform::new("linux", "amd64", ""))],
        slow_checks: SlowChecks {
            ask: Ask::Everything,
            fail_fast: true,
            terms: Terms::within(Duration::from_secs(20)),
        },
        lock: None,
        resolver: world(allowed),
        now: std::time::SystemTime::UNIX_EPOCH,
        threads: 1,
    };
    lint::run(&job).files.remove(0)
}

#[test]
fn rules_learn_from_servers_and_mend_the_file() {
    if !git_or_skip("rules_learn_from_servers_and_mend_the_file") {
        return;
    }
    let folder = scratch_folder();
    let [_, commit] = repository(folder.path());
    let (repositories, site) = (git_site(folder.path(), false), Site::start(|_| Page::of("hello")));
    let registry = plimsoll_test_support::Registry::start();
    let images = [Image::new("linux/amd64"), Image::new("linux/arm64")];
    let digest = registry.push_index("team/app:1", Index::from(&images));
    write(folder.path(), "here.txt", "");
    let (base, url, remote) = (registry.reference("team/app:1"), site.url("/x"), repositories.url("/app.git"));
    let wrong = format!("sha256:{}", "0".repeat(64));
    let file = format!(
        "FROM {base}\nADD {url} /a\nADD --checksum={wrong} {url} /b\nADD {remote}#main /c\nCOPY here.txt gone.txt /d/\n"
    );
    let report = lint(folder.path(), &[site.host(), repositories.host()], &file);
    assert!(report.skipped.is_empty() && report.problems.is_empty(), "{:?} {:?}", report.skipped, report.problems);
    let found: Vec<&str> = report.findings.iter().map(|finding| finding.message.as_str()).collect();
    let expected = [
        format!("Image '{base}' is not pinned by a digest"),
        format!("'{url}' is downloaded without a checksum"),
        format!("'{url}' holds something else than --checksum says: {HELLO}"),
        format!("Repository '{remote}' is taken at 'main', which can move"),
        "'gone.txt' is not in the build context".to_owned(),
    ];
    assert_eq!(found, expected);
    // Two rules' questions for one download are one.
    assert_eq!(site.log().len(), 1);

    let mut mended = file.clone();
    for fix in report.findings.iter().rev().filter_map(|finding| finding.fixes.first()) {
        fix.edits.iter().for_each(|(span, text)| mended.replace_range(span.range(), text));
    }
    let sum = format!("--checksum={HELLO}");
    let expected = format!(
        "FROM {base}@{digest}\nADD {sum} {url} /a\nADD {sum} {url} /b\nADD {remote}#{commit} /c\nCOPY here.txt gone.txt /d/\n"
    );
    assert_eq!(mended, expected);
    let again = lint(folder.path(), &[site.host(), repositories.host()], &mended);
    let found: Vec<&str> = again.findings.iter().map(|finding| finding.message.as_str()).collect();
    assert_eq!(found, ["'gone.txt' is not in the build context"]);
}

/// What the user allows on the command line, a file in the tree cannot.
#[test]
fn hosts_of_this_machine_are_for_the_user_to_allow() {
    let site = Site::start(|_| Page::of("hello"));
    let file = format!("FROM scratch\nADD {} /a\n", site.url("/x"));
    let rule = "[rules.\"sources/unverified-download\"]\noptions = { download = true }\n";
    let project = Project::new(env!("CARGO_BIN_EXE_plimsoll"))
        .file("plimsoll.toml", format!("{rule}[slow-checks.network]\nallow-hosts = [\"{}\"]\n", site.host()))
        .file("Dockerfile", file);
    let linted = project.lint("--slow-checks=on");
    assert_eq!(linted.skipped(), ["sources/unverified-download denied"], "{linted:#?}");
    assert!(linted.stderr.contains("counts in the user's own file only"), "{linted:#?}");
    assert!(site.log().is_empty());
    // Nor one that a checkout holds where the user's own is looked for.
    project.write(".git/HEAD", "");
    project.write("svc/Dockerfile", fs::read(project.path().join("Dockerfile")).unwrap());
    let own = format!("[slow-checks.network]\nallow-hosts = [\"{}\"]\n", site.host());
    project.write(".config/plimsoll/plimsoll.toml", own);
    for path in ["svc", "svc/Dockerfile", "."] {
        let linted = project.lint(&format!("--slow-checks=on {path}"));
        assert!(linted.skipped().iter().all(|skipped| skipped.ends_with(" denied")), "{linted:#?}");
        assert!(linted.stderr.contains("not read, since it lies in what is linted"), "{linted:#?}");
    }
    assert!(site.log().is_empty());
    let linted = project.lint(&format!("--slow-checks=on --slow-checks-allow-host {} svc", site.host()));
    assert_eq!((linted.skipped(), site.log().len()), (Vec::new(), 1), "{linted:#?}");
}

/// Later runs know what servers of the web and of git said, as long as they may be asked.
#[test]
fn later_runs_know_what_servers_said() {
    if !git_or_skip("later_runs_know_what_servers_said") {
        return;
    }
    let folder = scratch_folder();
    repository(folder.path());
    let (repositories, site) = (git_site(folder.path(), false), Site::start(|_| Page::of("hello")));
    let (url, remote) = (site.url("/x?token=secret1"), repositories.url("/app.git"));
    let project = Project::new(env!("CARGO_BIN_EXE_plimsoll"))
        .file("plimsoll.toml", "[rules.\"sources/unverified-download\"]\noptions = { download = true }\n")
        .file("Dockerfile", format!("FROM scratch\nADD --checksum={HELLO} {url} /a\nADD {remote}#main /b\n"));
    let allowed = format!("--slow-checks-allow-host {} --slow-checks-allow-host {}", site.host(), repositories.host());
    let cold = project.lint(&format!("--slow-checks=on {allowed}"));
    assert_eq!(cold.skipped(), [""; 0], "{cold:#?}");
    let asked = (site.log().len(), repositories.log().len());
    for mode in ["--slow-checks=on", "--slow-checks=off", "--offline"] {
        let warm = project.lint(&format!("{mode} {allowed}"));
        assert_eq!((warm.findings(), warm.skipped()), (cold.findings(), vec![]), "{mode}: {warm:#?}");
    }
    assert_eq!((site.log().len(), repositories.log().len()), asked, "they are known");
    let denied = project.lint("--slow-checks=on");
    let skipped = ["sources/unverified-download denied", "sources/unpinned-repository denied"];
    assert_eq!(denied.skipped().len(), 2, "{denied:#?}");
    assert!(skipped.iter().all(|skipped| denied.skipped().contains(&(*skipped).to_owned())), "{denied:#?}");
    let kept = files_below(&project.path().join(".cache"));
    let kept: Vec<_> = kept.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    assert!(kept.len() > 2 && !kept.concat().contains("secret1"), "{kept:?}");
}
