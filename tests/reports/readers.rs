//! The formats, read as those read them who take them.

use percent_encoding::percent_decode_str;
use pulldown_cmark::{Event, Options, Parser, Tag};
use roxmltree::{Document, Node, ParsingOptions};
use serde_json::Value;

/// A finding or a problem, as a format tells it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) path: String,
    pub(crate) name: String,
    pub(crate) message: String,
}

fn told(path: impl Into<String>, name: impl Into<String>, message: impl Into<String>) -> Told {
    Told { path: path.into(), name: name.into(), message: message.into() }
}

/// Words as XML 1.0 can have them.
pub(crate) fn xml_characters(words: &str) -> String {
    let is_character = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..);
    words.chars().map(|c| if is_character(c) { c } else { '\u{FFFD}' }).collect()
}

/// `warning[rule]: message`, and the place in the next line.
pub(crate) fn text(report: &str) -> Vec<Told> {
    let lines: Vec<&str> = report.lines().collect();
    let head = |line: &str| {
        let rest = line.strip_prefix("warning[").or(line.strip_prefix("error["))?;
        rest.split_once("]: ").map(|(name, message)| (name.to_owned(), message.to_owned()))
    };
    let path = |line: &str| {
        let place = line.trim_start().strip_prefix("--> ").unwrap();
        place.trim_end_matches(|c: char| c.is_ascii_digit() || c == ':').to_owned()
    };
    let pairs = lines.windows(2).filter_map(|pair| Some((head(pair[0])?, path(pair[1]))));
    pairs.map(|((name, message), path)| told(path, name, message)).collect()
}

/// `path:line:column: severity[rule] message`; the last lines say how much there is, and what can be fixed.
pub(crate) fn concise(report: &str) -> Vec<Told> {
    let mut lines: Vec<&str> = report.lines().collect();
    assert!(lines.pop().unwrap().contains("can be fixed with --fix"));
    assert!(lines.pop().unwrap().starts_with("2 findings, 1 problem in 1 file"));
    lines.into_iter().map(concise_line).collect()
}

fn concise_line(line: &str) -> Told {
    let (place, rest) =
        [": warning[", ": error["].iter().find_map(|between| line.split_once(between)).expect("it is of that form");
    let (name, message) = rest.split_once("] ").unwrap();
    let path = place.rsplitn(3, ':').last().unwrap();
    told(path.strip_prefix("./").unwrap_or(path), name, message)
}

fn parsed(report: &str) -> Value {
    serde_json::from_str(report).unwrap()
}

fn words(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().unwrap().iter()
}

pub(crate) fn json(report: &str) -> Vec<Told> {
    let report = parsed(report);
    let of_file = |file: &Value| {
        let path = words(&file["path"]).to_owned();
        let problems = items(&file["problems"]).map(|one| told(&path, words(&one["kind"]), words(&one["message"])));
        let findings = items(&file["findings"]).map(|one| {
            let fix = &one["fixes"][0];
            let same = [&one["lock"]["path"], &one["related"][0]["message"], &fix["message"], &fix["edits"][0]["text"]];
            assert!(same.iter().all(|words| *words == &one["message"]), "{one}");
            told(&path, words(&one["rule"]), words(&one["message"]))
        });
        problems.chain(findings).collect::<Vec<_>>()
    };
    items(&report["files"]).flat_map(of_file).collect()
}

pub(crate) fn json_lines(report: &str) -> Vec<Told> {
    let lines: Vec<Value> = report.lines().map(parsed).collect();
    assert_eq!(lines.last().unwrap()["type"], "summary");
    let told = |line: &Value| match words(&line["type"]) {
        "problem" => Some(told(words(&line["path"]), words(&line["kind"]), words(&line["message"]))),
        "finding" => Some(told(words(&line["path"]), words(&line["rule"]), words(&line["message"]))),
        _ => None,
    };
    lines.iter().filter_map(told).collect()
}

pub(crate) fn sarif(report: &str) -> Vec<Told> {
    let report = parsed(report);
    let run = &report["runs"][0];
    let path = |one: &Value| {
        let uri = words(&one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]);
        percent_decode_str(uri).decode_utf8().unwrap().into_owned()
    };
    let results =
        items(&run["results"]).map(|one| told(path(one), words(&one["ruleId"]), words(&one["message"]["text"])));
    let problems = items(&run["invocations"][0]["toolExecutionNotifications"]);
    let problems = problems.filter(|one| one.get("locations").is_some());
    let problems = problems.map(|one| told(path(one), words(&one["descriptor"]["id"]), words(&one["message"]["text"])));
    results.chain(problems).collect()
}

/// `::warning title=…,file=…::message`, escaped as GitHub documents it.
pub(crate) fn github(report: &str) -> Vec<Told> {
    let plain = |text: &str| {
        let text = text.replace("%3A", ":").replace("%2C", ",");
        text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
    };
    let command = |line: &str| {
        let (head, message) = line.strip_prefix("::").unwrap().split_once("::").unwrap();
        let (kind, properties) = head.split_once(' ').unwrap();
        assert!(matches!(kind, "error" | "warning" | "notice"), "{line}");
        let file = properties.split(',').find_map(|property| property.strip_prefix("file=")).unwrap();
        let shown = concise_line(&plain(message));
        assert_eq!(properties.split(',').filter(|property| property.starts_with("file=")).count(), 1, "{line}");
        assert_eq!(plimsoll::report::printable(&plain(file)), shown.path);
        shown
    };
    report.lines().map(command).collect()
}

pub(crate) fn gitlab(report: &str) -> Vec<Told> {
    let report = parsed(report);
    let mut prints: Vec<&str> = items(&report).map(|one| words(&one["fingerprint"])).collect();
    prints.dedup();
    assert_eq!(prints.len(), items(&report).count(), "each is another");
    let issue = |one| {
        let one: &Value = one;
        told(words(&one["location"]["path"]), words(&one["check_name"]), words(&one["description"]))
    };
    items(&report).map(issue).collect()
}

pub(crate) fn rdjson(report: &str) -> Vec<Told> {
    let report = parsed(report);
    let one = |one: &Value| told(words(&one["location"]["path"]), words(&one["code"]["value"]), words(&one["message"]));
    items(&report["diagnostics"]).map(one).collect()
}

fn elements<'d>(document: &'d Document, name: &str) -> Vec<Node<'d, 'd>> {
    document.descendants().filter(|node| node.has_tag_name(name)).collect()
}

fn attribute(node: &Node, name: &str) -> String {
    node.attribute(name).unwrap_or_else(|| panic!("{node:?} has no {name}")).to_owned()
}

pub(crate) fn checkstyle(report: &str) -> Vec<Told> {
    let document = Document::parse(report).unwrap();
    let error = |node: Node| {
        let name = attribute(&node, "source").strip_prefix("plimsoll/").unwrap().to_owned();
        told(attribute(&node.parent().unwrap(), "name"), name, attribute(&node, "message"))
    };
    elements(&document, "error").into_iter().map(error).collect()
}

pub(crate) fn junit(report: &str) -> Vec<Told> {
    let document = Document::parse(report).unwrap();
    let case = |node: Node| {
        let end = node.first_element_child().filter(|end| !end.has_tag_name("skipped"))?;
        let name = attribute(&node, "name").rsplit_once(" at ").unwrap().0.to_owned();
        Some(told(attribute(&node, "classname"), name, attribute(&end, "message")))
    };
    elements(&document, "testcase").into_iter().filter_map(case).collect()
}

/// The text of every cell of the only table; what is marked up in it, beside code and the links of rules, is a mistake.
pub(crate) fn markdown(report: &str) -> Vec<Told> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    for event in Parser::new_ext(report, Options::all() - Options::ENABLE_SMART_PUNCTUATION) {
        match event {
            Event::Start(Tag::TableRow) => rows.push(Vec::new()),
            Event::Start(Tag::TableCell) => rows.last_mut().into_iter().for_each(|row| row.push(String::new())),
            Event::Start(Tag::Table(_) | Tag::TableHead | Tag::Heading { .. } | Tag::Paragraph) | Event::End(_) => {}
            Event::Start(Tag::Link { dest_url, .. }) => {
                assert!(dest_url.starts_with("https://example.com/"), "{dest_url}");
            }
            Event::Text(text) | Event::Code(text) => {
                let cell = rows.last_mut().and_then(|row| row.last_mut());
                cell.into_iter().for_each(|cell| cell.push_str(&text));
            }
            Event::InlineHtml(html) => assert_eq!(&*html, "<!-- -->"),
            other => panic!("{other:?} in {report}"),
        }
    }
    let place = |cell: &str| cell.rsplitn(3, ':').last().unwrap().trim().to_owned();
    rows.iter().map(|row| told(place(&row[1]), &row[2], &row[3])).collect()
}

/// The page is XML as well, but for its style and its script.
pub(crate) fn html(report: &str) -> Vec<Told> {
    let mut page = report.strip_prefix("<!doctype html>").unwrap().to_owned();
    for tag in ["style", "script"] {
        let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
        assert_eq!((page.matches(&open).count(), page.matches(&close).count()), (1, 1), "{tag}");
        let range = page.find(&open).unwrap()..page.find(&close).unwrap() + close.len();
        page.replace_range(range, "");
    }
    let document = Document::parse_with_options(&page, ParsingOptions::default()).unwrap();
    assert!(!page.contains("<img") && document.descendants().all(|node| !node.has_tag_name("script")));
    let links = elements(&document, "a").into_iter().map(|node| attribute(&node, "href"));
    links.for_each(|link| assert!(link.starts_with("https://example.com/"), "{link}"));
    let article = |node: Node| {
        let message = node.descendants().find(|node| node.attribute("class") == Some("message")).unwrap();
        let path = attribute(&node.parent().unwrap(), "data-path");
        told(path, attribute(&node, "data-rule"), message.text().unwrap_or_default())
    };
    elements(&document, "article").into_iter().map(article).collect()
}
