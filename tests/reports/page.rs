//! The page, in a browser: readable without its script, filtered with it.

use std::fs;
use std::path::Path;
use std::process::Command;

use plimsoll::config::Format;
use plimsoll_test_support::Project;
use plimsoll_test_support::tools::chromium_or_skip;
use roxmltree::{Document, Node};

use crate::scene::{outcome, written};

const DOCKERFILE: &str = "FROM alpine:3.20 AS Build\nENV OLD one\nENV B=$UNKNOWN\nENV OLD one\n";

/// The page as a browser has it after its scripts ran.
struct Shown(String);

impl Shown {
    fn of(browser: &Path, page: &Path, fragment: &str) -> Self {
        let profile = page.with_extension("profile");
        let mut command = Command::new(browser);
        command.args(["--headless=new", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=5000", "--dump-dom"]);
        command.arg(format!("--user-data-dir={}", profile.display()));
        let output = command.arg(format!("file://{}#{fragment}", page.display())).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let dom = String::from_utf8(output.stdout).unwrap();
        // The body, as XML: void elements closed, attributes with values.
        let body = dom[dom.find("<main>").unwrap()..dom.find("</main>").unwrap()].to_owned() + "</main>";
        Self(body.replace("&nbsp;", "\u{A0}"))
    }

    fn count(&self, element: &str, is_hidden: bool) -> usize {
        let document = Document::parse(&self.0).unwrap();
        let hidden = |node: &Node| node.ancestors().any(|node| node.has_attribute("hidden"));
        let found = document.descendants().filter(|node| node.has_tag_name(element) && hidden(node) == is_hidden);
        found.count()
    }
}

#[test]
fn findings_are_filtered_with_the_script_and_all_there_without() {
    let Some(browser) = chromium_or_skip("page") else { return };
    let project =
        Project::new(env!("CARGO_BIN_EXE_plimsoll")).file("Dockerfile", DOCKERFILE).file("b/Dockerfile", DOCKERFILE);
    let linted = project.run("lint --slow-checks=off --format html=page.html --format concise");
    assert_eq!(linted.stdout.lines().count(), 10, "{}", linted.stdout);
    let page = project.path().join("page.html");
    let shown = |fragment: &str| {
        let shown = Shown::of(&browser, &page, fragment);
        (shown.count("article", false), shown.count("article", true))
    };
    assert_eq!(shown(""), (8, 0));
    assert_eq!(shown("rule=buildkit/StageNameCasing"), (2, 6));
    assert_eq!(shown("rule=buildkit%2FLegacyKeyValueFormat&file=b%2FDockerfile"), (2, 6));
    assert_eq!(shown("text=UNKNOWN"), (2, 6));
    assert_eq!(shown("severity=error"), (0, 8));
    assert_eq!(Shown::of(&browser, &page, "text=nothing").count("p", true), 8 * 2 + 6, "but one that says so");

    // Another script than the page's own does not run: nothing is filtered, and nothing is missing.
    let text = fs::read_to_string(&page).unwrap();
    fs::write(&page, text.replace("\"use strict\";", "\"use strict\"; ")).unwrap();
    let shown = Shown::of(&browser, &page, "rule=buildkit/StageNameCasing");
    assert_eq!((shown.count("article", false), shown.count("section", false)), (8, 2));
}

#[test]
fn words_of_strangers_do_nothing() {
    let Some(browser) = chromium_or_skip("page") else { return };
    let folder = plimsoll_test_support::scratch_folder();
    for (number, words) in [
        "</p></article></section></main><script>document.body.textContent = 'gone'</script>",
        "\"><img src=x onerror=\"document.body.textContent = 'gone'\">",
        "<style>article { display: none }</style><meta http-equiv=refresh content=0;url=data:,gone>",
    ]
    .into_iter()
    .enumerate()
    {
        let page = folder.path().join(format!("{number}.html"));
        fs::write(&page, written(&outcome(words), Format::Html)).unwrap();
        let shown = Shown::of(&browser, &page, "");
        assert_eq!((shown.count("article", false), shown.count("img", false), shown.count("style", false)), (3, 0, 0));
        assert_eq!(shown.count("script", false), 0, "{}", shown.0);
    }
}

/// Both schemes are looks of their own.
#[test]
fn the_page_is_dark_where_that_is_preferred() {
    let Some(browser) = chromium_or_skip("page") else { return };
    let folder = plimsoll_test_support::scratch_folder();
    let page = folder.path().join("page.html");
    fs::write(&page, written(&outcome("words"), Format::Html)).unwrap();
    let picture = |scheme: &str| {
        let picture = folder.path().join(format!("{scheme}.png"));
        let mut command = Command::new(&browser);
        command.args(["--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=600,800"]);
        command.arg(format!("--user-data-dir={}", folder.path().join("profile").display()));
        command.arg(format!("--blink-settings=preferredColorScheme={scheme}"));
        command.arg(format!("--screenshot={}", picture.display())).arg(format!("file://{}", page.display()));
        assert!(command.output().unwrap().status.success());
        fs::read(picture).unwrap()
    };
    let (dark, light) = (picture("0"), picture("1"));
    assert!(dark.starts_with(b"\x89PNG") && light.starts_with(b"\x89PNG") && dark != light);
    assert_eq!(light, picture("1"), "the same page looks the same");
}
