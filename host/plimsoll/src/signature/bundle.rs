//! Signatures as bundles of sigstore: an envelope (DSSE) around a statement
//! (in-toto) that names what is signed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::{Key, Wrong, malformed, signature, unreadable};
use crate::config::Digest;
use crate::limits::{BUNDLE_BYTES_MAX, SIGNATURES_MAX};

/// The media type of a bundle.
pub(super) const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
/// What a statement says that signs an image.
pub(super) const SIGN: &str = "https://sigstore.dev/cosign/sign/v1";

const STATEMENT: &str = "https://in-toto.io/Statement/v1";
const PAYLOAD: &str = "application/vnd.in-toto+json";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bundle {
    media_type: String,
    dsse_envelope: Option<Envelope>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    payload: String,
    payload_type: String,
    signatures: Vec<EnvelopeSignature>,
}

#[derive(Deserialize)]
struct EnvelopeSignature {
    sig: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    predicate_type: String,
    subject: Vec<Subject>,
}

#[derive(Deserialize)]
struct Subject {
    digest: SubjectDigest,
}

#[derive(Deserialize)]
struct SubjectDigest {
    sha256: Option<String>,
}

/// Whether a bundle signs the manifest of this digest.
///
/// # Errors
/// Why it does not.
pub fn verify_bundle(key: &Key, bundle: &[u8], digest: &Digest) -> Result<(), Wrong> {
    if bundle.len() > BUNDLE_BYTES_MAX {
        return Err(unreadable(format!("a bundle of more than {BUNDLE_BYTES_MAX} bytes")));
    }
    let bundle: Bundle = serde_json::from_slice(bundle).map_err(|error| malformed("malformed bundle", &error))?;
    if bundle.media_type != BUNDLE {
        return Err(unreadable(format!("a bundle of another version; {BUNDLE} is expected")));
    }
    let envelope = bundle.dsse_envelope.ok_or_else(|| unreadable("a bundle without an envelope (dsseEnvelope)"))?;
    let statement = opened(key, &envelope)?;
    let statement: Statement =
        serde_json::from_slice(&statement).map_err(|error| malformed("malformed statement", &error))?;
    // What else the key says of an image, such as what is in it, is no signature of it.
    if statement.kind != STATEMENT || statement.predicate_type != SIGN {
        return Err(unreadable(format!("the key states something else of it than {SIGN}")));
    }
    let named = |subject: &Subject| subject.digest.sha256.as_ref().and_then(|hex| format!("sha256:{hex}").parse().ok());
    let mut subjects = statement.subject.iter().map(named);
    match subjects.any(|subject| subject.as_ref() == Some(digest)) {
        true => Ok(()),
        false => Err(Wrong::OtherContent(statement.subject.first().and_then(named))),
    }
}

/// What is in an envelope that the key signed.
fn opened(key: &Key, envelope: &Envelope) -> Result<Vec<u8>, Wrong> {
    if envelope.payload_type != PAYLOAD {
        return Err(unreadable(format!("an envelope around something else than {PAYLOAD}")));
    }
    if envelope.signatures.len() > SIGNATURES_MAX {
        return Err(unreadable(format!("an envelope of more than {SIGNATURES_MAX} signatures")));
    }
    let payload = STANDARD.decode(&envelope.payload).map_err(|_| unreadable("its payload is no Base64"))?;
    let signed = encoded(&envelope.payload_type, &payload);
    let mut wrong = unreadable("an envelope without signature");
    for EnvelopeSignature { sig } in &envelope.signatures {
        match signature(sig) {
            Ok(signature) if key.verifies(&signed, &signature) => return Ok(payload),
            Ok(_) => wrong = Wrong::OtherKey,
            Err(error) => wrong = error,
        }
    }
    Err(wrong)
}

/// What envelopes sign: type and payload, each with its length (PAE).
fn encoded(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut text = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    text.extend_from_slice(payload);
    text
}
