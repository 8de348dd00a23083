//! `# shellcheck disable=SC2086,SC2046`, `shell=bash` and `enable=…` in comments. Codes that other comments name are
//! the host's to heed.

use std::ops::RangeInclusive;

/// What comments tell ShellCheck.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Directives {
    disabled: Vec<RangeInclusive<u32>>,
    /// The dialect.
    pub(crate) shell: Option<&'static str>,
    /// Optional checks.
    pub(crate) enabled: Vec<String>,
}

/// Dialects by the names that people give them.
const DIALECTS: [(&str, &str); 8] = [
    ("sh", "sh"),
    ("bash", "bash"),
    ("dash", "dash"),
    ("ash", "ash"),
    ("busybox", "ash"),
    ("ksh", "ksh"),
    ("mksh", "ksh"),
    ("oksh", "ksh"),
];

/// Optional checks that comments may ask for in one script.
const ENABLED_MAX: usize = 32;
const NAME_BYTES_MAX: usize = 64;

impl Directives {
    /// Those of some comments, each with or without its `#`.
    pub(crate) fn of<'c>(comments: impl IntoIterator<Item = &'c str>) -> Self {
        let mut directives = Self::default();
        comments.into_iter().for_each(|comment| directives.read(comment));
        directives
    }

    /// Those in front of the first command of a script.
    pub(crate) fn at_top_of(script: &str) -> Self {
        let lines = script.lines().map(str::trim_start);
        Self::of(lines.take_while(|line| line.is_empty() || line.starts_with('#')))
    }

    /// Those of both; where they differ, the other's.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.disabled.extend(other.disabled);
        self.enabled.extend(other.enabled);
        self.shell = other.shell.or(self.shell);
        self
    }

    /// Whether a code is disabled.
    pub(crate) fn disable(&self, code: u32) -> bool {
        self.disabled.iter().any(|codes| codes.contains(&code))
    }

    fn read(&mut self, comment: &str) {
        let text = comment.trim_start().trim_start_matches('#').trim_start();
        let rest = text.strip_prefix("shellcheck").filter(|rest| rest.starts_with([' ', '\t']));
        let Some(rest) = rest else { return };
        for word in rest.split_whitespace().take_while(|word| !word.starts_with('#')) {
            let Some((key, value)) = word.split_once('=') else { return };
            let values = value.split(',');
            match key {
                "disable" => self.disabled.extend(values.filter_map(codes)),
                "enable" => {
                    let names = values.filter(|name| is_check(name)).map(str::to_owned);
                    let room = ENABLED_MAX.saturating_sub(self.enabled.len());
                    self.enabled.extend(names.take(room));
                }
                "shell" => self.shell = dialect(value).or(self.shell),
                _ => {}
            }
        }
    }
}

/// What ShellCheck calls a shell.
pub(crate) fn dialect(shell: &str) -> Option<&'static str> {
    DIALECTS.iter().find(|(name, _)| *name == shell).map(|(_, dialect)| *dialect)
}

/// The codes that a text such as `SC2086`, `SC3000-SC4000` or `all` names.
pub(crate) fn codes(text: &str) -> Option<RangeInclusive<u32>> {
    let code = |text: &str| {
        let digits = text.strip_prefix("SC").or_else(|| text.strip_prefix("sc")).unwrap_or(text);
        let is_code = digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_code.then(|| digits.parse().ok())?
    };
    match text.split_once('-') {
        _ if text == "all" => Some(0..=u32::MAX),
        Some((first, last)) => Some(code(first)?..=code(last)?),
        None => code(text).map(|code| code..=code),
    }
}

fn is_check(name: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_disable_codes() {
        let check = |comment: &str, disabled: &[u32], others: &[u32]| {
            let directives = Directives::of([comment]);
            assert!(disabled.iter().all(|code| directives.disable(*code)), "{comment}");
            assert!(!others.iter().any(|code| directives.disable(*code)), "{comment}");
        };
        check("# shellcheck disable=SC2086,SC2046 # because", &[2086, 2046], &[2047]);
        check("shellcheck disable=2086", &[2086], &[2087]);
        check("#shellcheck\tdisable=SC3000-SC3999 disable=SC1000", &[3000, 3500, 1000], &[4000]);
        check("# shellcheck disable=all", &[1000, 9999], &[]);
        check("# shellcheck is what runs here; disable=SC2086", &[], &[2086]);
        check("# shellcheckdisable=SC2086", &[], &[2086]);
        check("# shellcheck disable=SC2086x,SC20,x", &[], &[2086]);
    }

    #[test]
    fn comments_name_dialects_and_checks() {
        let directives = Directives::of(["# shellcheck shell=busybox enable=a-b,$(x)", "# shellcheck shell=zsh"]);
        assert_eq!((directives.shell, directives.enabled), (Some("ash"), vec!["a-b".to_owned()]));
        let script = "#!/bin/sh\n\n # shellcheck shell=bash\necho\n# shellcheck shell=ksh\n";
        assert_eq!(Directives::at_top_of(script).shell, Some("bash"));
    }
}
