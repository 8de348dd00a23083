//! Statements about images, told apart by what names them: the predicate types of
//! in-toto, and the artifact types of what is attached in a registry.

use plimsoll_sdk::registry::Referrer;
use serde::Deserialize;

/// What is stated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// How it was built, from what, by whom.
    Provenance,
    /// What it consists of.
    Sbom,
    /// Which vulnerabilities concern it.
    Vex,
}

/// What somebody attached to an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attached {
    /// A statement of this kind.
    Statement(Kind),
    /// A statement of a kind that only its content tells.
    Untold,
    /// Something else, such as a signature.
    Other,
}

impl Kind {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Provenance, Self::Sbom, Self::Vex];

    /// What people call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Provenance => "provenance",
            Self::Sbom => "SBOM",
            Self::Vex => "VEX",
        }
    }

    /// The kind of a predicate type of in-toto, in any version.
    pub(crate) fn of_predicate(predicate_type: &str) -> Option<Self> {
        let known = [
            ("https://slsa.dev/provenance", Self::Provenance),
            ("https://spdx.dev/Document", Self::Sbom),
            ("https://cyclonedx.org/bom", Self::Sbom),
            ("https://cyclonedx.org/schema", Self::Sbom),
            ("https://openvex.dev/ns", Self::Vex),
        ];
        let is = |name: &str| {
            predicate_type.strip_prefix(name).is_some_and(|rest| matches!(rest.chars().next(), None | Some('/' | '@')))
        };
        known.into_iter().find(|(name, _)| is(name)).map(|(_, kind)| kind)
    }
}

impl Attached {
    pub(crate) fn of(referrer: &Referrer) -> Self {
        let annotation = |wanted: &str| {
            let found = referrer.annotations.iter().find(|(name, _)| name == wanted);
            found.map(|(_, value)| value.as_str())
        };
        let predicate = annotation("in-toto.io/predicate-type").or(annotation("dev.sigstore.bundle.predicateType"));
        if let Some(predicate) = predicate {
            return Kind::of_predicate(predicate).map_or(Self::Other, Self::Statement);
        }
        let artifact_type = referrer.artifact_type.as_deref().unwrap_or_default().to_ascii_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| artifact_type.contains(word));
        if says(&["sigstore.bundle"]) {
            let is_signature = annotation("dev.sigstore.bundle.content") == Some("message-signature");
            return if is_signature { Self::Other } else { Self::Untold };
        }
        if says(&["vex"]) {
            Self::Statement(Kind::Vex)
        } else if says(&["spdx", "cyclonedx", "sbom"]) {
            Self::Statement(Kind::Sbom)
        } else if says(&["provenance"]) {
            Self::Statement(Kind::Provenance)
        } else if says(&["in-toto", "dsse", "docker.attestation"]) {
            Self::Untold
        } else {
            Self::Other
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn predicate_types_are_known_in_any_version() {
        let check = |text, expect| assert_eq!(Kind::of_predicate(text), expect, "{text}");
        for text in
            ["https://slsa.dev/provenance/v0.2", "https://slsa.dev/provenance/v1", "https://slsa.dev/provenance"]
        {
            check(text, Some(Kind::Provenance));
        }
        check("https://spdx.dev/Document", Some(Kind::Sbom));
        check("https://spdx.dev/Document/v2.3", Some(Kind::Sbom));
        check("https://cyclonedx.org/bom/v1.6", Some(Kind::Sbom));
        check("https://openvex.dev/ns/v0.2.0", Some(Kind::Vex));
        for text in [
            "",
            "https://slsa.dev/provenances",
            "https://slsa.dev/verification_summary/v1",
            "http://slsa.dev/provenance",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn attached_things_are_told_apart() {
        let check = |kind: &str, annotations: &[(&str, &str)], expect| {
            let annotations =
                annotations.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let (digest, artifact_type) = ("sha256:a".to_owned(), Some(kind.to_owned()));
            let referrer = Referrer { digest, size: 1, media_type: None, artifact_type, annotations };
            assert_eq!(Attached::of(&referrer), expect, "{kind} {:?}", referrer.annotations);
        };
        let bundle = "application/vnd.dev.sigstore.bundle.v0.3+json";
        let (content, predicate) = ("dev.sigstore.bundle.content", "dev.sigstore.bundle.predicateType");
        check(bundle, &[(predicate, "https://slsa.dev/provenance/v1")], Attached::Statement(Kind::Provenance));
        check(bundle, &[(predicate, "https://sigstore.dev/cosign/sign/v1")], Attached::Other);
        check(bundle, &[(content, "message-signature")], Attached::Other);
        check(bundle, &[(content, "dsse-envelope")], Attached::Untold);
        check(bundle, &[], Attached::Untold);
        let in_toto = "application/vnd.in-toto+json";
        check(in_toto, &[("in-toto.io/predicate-type", "https://spdx.dev/Document")], Attached::Statement(Kind::Sbom));
        check(in_toto, &[], Attached::Untold);
        check("application/spdx+json", &[], Attached::Statement(Kind::Sbom));
        check("application/vnd.cyclonedx+json", &[], Attached::Statement(Kind::Sbom));
        check("application/vnd.dev.cosign.artifact.sbom.v1+json", &[], Attached::Statement(Kind::Sbom));
        check("application/vnd.openvex+json", &[], Attached::Statement(Kind::Vex));
        check("application/vnd.cncf.notary.signature", &[], Attached::Other);
        check("application/vnd.dev.cosign.artifact.sig.v1+json", &[], Attached::Other);
        check("", &[], Attached::Other);
    }
}
