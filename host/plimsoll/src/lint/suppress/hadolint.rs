//! Codes of hadolint that mean what a rule here means, so that `# hadolint ignore=` counts for it.
//!
//! A code stands here only where whoever accepts what it is about accepts the finding too. Codes of ShellCheck are
//! the same everywhere and need no table.

/// Code, rule, and words that tell the findings that are meant from the rule's others.
pub const CODES: &[(&str, &str, &str)] = &[
    ("DL3000", "buildkit/WorkdirRelativePath", ""),
    ("DL3006", "sources/latest-tag", "has no tag"),
    ("DL3007", "sources/latest-tag", "is whatever was pushed last"),
    ("DL3012", "buildkit/MultipleInstructionsDisallowed", "HEALTHCHECK"),
    ("DL3024", "buildkit/DuplicateStageName", ""),
    ("DL3025", "buildkit/JSONArgsRecommended", ""),
    ("DL3026", "sources/foreign-registry", ""),
    ("DL3029", "buildkit/FromPlatformFlagConstDisallowed", ""),
    ("DL4000", "buildkit/MaintainerDeprecated", ""),
    ("DL4003", "buildkit/MultipleInstructionsDisallowed", "CMD"),
    ("DL4004", "buildkit/MultipleInstructionsDisallowed", "ENTRYPOINT"),
];

/// The rule that means what a code does, and what its message then says.
pub(super) fn rule(code: &str) -> Option<(&'static str, &'static str)> {
    CODES.iter().find(|(known, ..)| *known == code).map(|(_, rule, words)| (*rule, *words))
}

#[cfg(test)]
mod tests {
    use super::CODES;
    use crate::plugin::{Host, Plugin};

    #[test]
    fn codes_are_of_rules_that_there_are() {
        let plugins = Plugin::bundled(&Host::new().unwrap()).map_err(|error| error.message).unwrap();
        for (code, rule, _) in CODES {
            assert!(plugins.iter().any(|plugin| plugin.names.iter().any(|name| **name == **rule)), "{code}: {rule}");
        }
        assert!(CODES.is_sorted(), "in order, each once");
    }
}
