//! The text that ShellCheck is given: a few lines of ours, then the script.

use std::collections::BTreeSet;

use plimsoll_sdk::shell::ScriptSource;

use crate::directive::{Directives, dialect};

/// What goes to ShellCheck.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Text {
    pub(crate) text: String,
    /// How many lines of it are ours.
    pub(crate) header_lines: u32,
}

impl Text {
    /// The text of a script; `is_set` says whether the Dockerfile sets a variable.
    pub(crate) fn new(script: &ScriptSource, directives: &Directives, is_set: impl Fn(&str) -> bool) -> Self {
        let shell = directives.shell.or_else(|| dialect(&script.shell)).unwrap_or("sh");
        let mut text = format!("# shellcheck shell={shell}");
        if !directives.enabled.is_empty() {
            text.push_str(&format!(" enable={}", directives.enabled.join(",")));
        }
        text.push('\n');
        let options = options(&script.options);
        if !options.is_empty() {
            text.push_str(&format!("set {}\n", options.join(" ")));
        }
        let names: Vec<_> = names(&script.text).into_iter().filter(|name| is_set(name)).collect();
        if !names.is_empty() {
            // Set, to a value that nobody knows.
            let exports: Vec<_> = names.iter().map(|name| format!("{name}=\"${name}\"")).collect();
            text.push_str(&format!("export {}\n", exports.join(" ")));
        }
        let header_lines = u32::try_from(text.lines().count()).unwrap_or(u32::MAX);
        // Behind our lines `#!` would not be the first.
        match script.text.strip_prefix("#!") {
            Some(rest) => text.extend(["# ", rest]),
            None => text.push_str(&script.text),
        }
        if !text.ends_with('\n') {
            text.push('\n');
        }
        Self { text, header_lines }
    }
}

/// The options of a shell that make a difference to ShellCheck, as `set` takes them.
fn options(words: &[String]) -> Vec<&'static str> {
    let mut options = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.starts_with('-')) else { continue };
        for letter in letters.chars() {
            options.extend(match letter {
                'e' => Some("-e"),
                'u' => Some("-u"),
                'o' => match words.next().map(String::as_str) {
                    Some("errexit") => Some("-e"),
                    Some("nounset") => Some("-u"),
                    Some("pipefail") => Some("-o pipefail"),
                    _ => None,
                },
                _ => None,
            });
        }
    }
    options.dedup();
    options
}

/// All that could be the name of a variable: behind `$`, in arithmetic, in front of `=`, or given to `read`.
fn names(script: &str) -> BTreeSet<&str> {
    let names = script.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    names.filter(|name| name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(shell: &str, options: &[&str], text: &str) -> ScriptSource {
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        ScriptSource { shell: shell.to_owned(), options, text: text.to_owned(), places: Vec::new() }
    }

    fn check(script: &ScriptSource, set: &[&str], expect: &str, header_lines: u32) {
        let text = Text::new(script, &Directives::default(), |name| set.contains(&name));
        assert_eq!((text.text.as_str(), text.header_lines), (expect, header_lines));
    }

    #[test]
    fn what_the_dockerfile_sets_goes_before() {
        check(&script("sh", &["-c"], "echo $a"), &[], "# shellcheck shell=sh\necho $a\n", 1);
        check(
            &script("bash", &["-eo", "pipefail", "-c"], "echo ${a} $b ${#c} $1 $$"),
            &["c", "a", "d"],
            "# shellcheck shell=bash\nset -e -o pipefail\nexport a=\"$a\" c=\"$c\"\necho ${a} $b ${#c} $1 $$\n",
            3,
        );
        check(
            &script("sh", &["-c"], "x=1 make -j$((jobs * 2)); read -r line"),
            &["jobs", "line", "x", "z"],
            "# shellcheck shell=sh\nexport jobs=\"$jobs\" line=\"$line\" x=\"$x\"\nx=1 make -j$((jobs * 2)); read -r line\n",
            2,
        );
        check(&script("mksh", &["-x"], "#!/bin/mksh -x\na"), &[], "# shellcheck shell=ksh\n# /bin/mksh -x\na\n", 1);
    }
}
