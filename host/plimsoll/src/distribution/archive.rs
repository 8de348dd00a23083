//! Plugins in one file, for machines without network: an OCI image layout in a tar.
//!
//! `oci-layout`, `index.json` with one manifest for each plugin, annotated with the
//! source that it came from and the digests of its signatures, and `blobs/sha256/…`;
//! other tools read and write the same.
//! Invariants: what is written is whole and equal for equal plugins. What is read is a
//! stranger's: nothing is unpacked by the names in it, and only what was verified from
//! the manifest to the component goes to the shelf. Signatures go there as they are, and
//! take no other's place: whoever relies on one verifies it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Write};

use serde::Deserialize;
use serde_json::{Value, json};

use super::artifact::{Artifact, Blob, MANIFEST_TYPE, check_size, descriptor};
use super::{Shelf, tar};
use crate::config::{Digest, Source};
use crate::limits::{
    ARCHIVE_BYTES_MAX, ARCHIVE_PLUGINS_MAX, ARCHIVE_PROOFS_MAX, ARTIFACT_DOCUMENT_BYTES_MAX, COMPONENT_BYTES_MAX,
};
use crate::plugin::Component;
use crate::signature::Proof;

/// The annotation with the source.
const NAME: &str = "org.opencontainers.image.ref.name";
/// The annotation with the digests of signatures, blanks between them.
const SIGNATURES: &str = "io.github.plimsoll.signatures";
const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";
const LAYOUT: (&str, &str) = ("oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}");
const INDEX: &str = "index.json";
const BLOBS: &str = "blobs/sha256/";

/// A plugin of an archive: all that a registry keeps of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// Where it came from.
    pub source: String,
    /// The bytes of its manifest.
    pub manifest: Vec<u8>,
    /// The bytes of its configuration.
    pub config: Vec<u8>,
    /// The bytes of the component.
    pub component: Vec<u8>,
    /// Signatures of the manifest.
    pub proofs: Vec<Proof>,
}

/// A plugin of an archive that is on the shelf now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// Where the archive says that it came from; a stranger's text.
    pub source: Option<Source>,
    /// The digest of its manifest.
    pub content: Digest,
    /// The component's digest.
    pub component: Digest,
}

#[derive(Deserialize)]
struct Index {
    manifests: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    digest: String,
    #[serde(default)]
    annotations: Option<BTreeMap<String, Value>>,
}

/// Writes an archive.
///
/// # Errors
/// When it cannot be written.
pub fn save(out: &mut impl Write, plugins: &[Saved]) -> io::Result<()> {
    let mut listed = Vec::new();
    let mut blobs: BTreeMap<Digest, Cow<[u8]>> = BTreeMap::new();
    for Saved { source, manifest, config, component, proofs } in plugins {
        let mut entry = descriptor(MANIFEST_TYPE, manifest);
        entry["annotations"] = json!({ NAME: source });
        blobs.extend([manifest, config, component].map(|bytes| (Digest::of(bytes), bytes.into())));
        let proofs: Vec<_> = proofs.iter().map(Proof::bytes).map(|bytes| (Digest::of(&bytes), bytes)).collect();
        if !proofs.is_empty() {
            let digests: Vec<&str> = proofs.iter().map(|(digest, _)| digest.as_str()).collect();
            entry["annotations"][SIGNATURES] = json!(digests.join(" "));
        }
        blobs.extend(proofs.into_iter().map(|(digest, bytes)| (digest, bytes.into())));
        listed.push(entry);
    }
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": listed }).to_string();
    tar::append(out, LAYOUT.0, LAYOUT.1.as_bytes())?;
    tar::append(out, INDEX, index.as_bytes())?;
    for (digest, bytes) in blobs {
        tar::append(out, &format!("{BLOBS}{}", digest.digits()), &bytes)?;
    }
    tar::finish(out)
}

/// Reads an archive, and puts its plugins on the shelf: all of them, or none.
///
/// # Errors
/// What is wrong with it.
pub fn load(archive: &mut impl Read, shelf: &Shelf) -> Result<Vec<Loaded>, String> {
    let (index, blobs) = read(archive)?;
    let index: Index = serde_json::from_slice(&index.ok_or_else(|| format!("it has no {INDEX}"))?)
        .map_err(|error| format!("its {INDEX} is none (line {}, column {})", error.line(), error.column()))?;
    if index.manifests.len() > ARCHIVE_PLUGINS_MAX {
        return Err(format!("it has more than {ARCHIVE_PLUGINS_MAX} plugins"));
    }
    let blob = |digest: &Digest| blobs.get(digest).ok_or_else(|| format!("it lacks {digest}"));
    let (mut loaded, mut needed, mut proofs) = (Vec::new(), BTreeSet::new(), Vec::new());
    let mut components = BTreeSet::new();
    for Listed { digest, annotations } in index.manifests {
        let content: Digest =
            digest.parse().map_err(|_| format!("its {INDEX} names {digest:?}, which is no digest"))?;
        let manifest = blob(&content)?;
        let artifact = Artifact::read(manifest).map_err(|message| format!("{content}: {message}"))?;
        let told = |message: String| format!("{content}: {message}");
        let sized = |named: &Blob| {
            let bytes = blob(&named.digest)?;
            check_size(&named.digest, named.size, bytes).map_err(told).map(|()| bytes)
        };
        sized(&artifact.config)?;
        let bytes = sized(&artifact.layer)?;
        let component = artifact.layer.digest;
        // Many plugins may name one large component.
        if components.insert(component.clone()) {
            Component::new(bytes.clone()).map_err(told)?;
        }
        needed.extend([content.clone(), artifact.config.digest, component.clone()]);
        let said = |name: &str| annotations.as_ref()?.get(name)?.as_str();
        for digest in said(SIGNATURES).into_iter().flat_map(|digests| digests.split(' ')).take(ARCHIVE_PROOFS_MAX) {
            let digest = digest.parse().map_err(|_| format!("its {INDEX} names {digest:?}, which is no digest"))?;
            let proof = Proof::read(blob(&digest)?).ok_or_else(|| format!("{digest} in it is no signature"))?;
            proofs.push((content.clone(), proof));
        }
        let source = said(NAME).and_then(|name| name.parse().ok());
        loaded.push(Loaded { source, content, component });
    }
    let contents: Vec<&[u8]> = needed.iter().filter_map(|digest| blobs.get(digest)).map(Vec::as_slice).collect();
    let put = proofs.iter().try_for_each(|(content, proof)| shelf.offer_proof(content, proof));
    put.and_then(|()| shelf.put(&contents)).map_err(|error| format!("it cannot be kept: {error}"))?;
    Ok(loaded)
}

/// Its index, and its content by digest.
type Files = (Option<Vec<u8>>, BTreeMap<Digest, Vec<u8>>);

fn read(archive: &mut impl Read) -> Result<Files, String> {
    let mut archive = archive.take(ARCHIVE_BYTES_MAX);
    let (mut index, mut blobs) = (None, BTreeMap::new());
    while let Some((name, size)) = tar::next(&mut archive)? {
        let name = name.strip_prefix("./").unwrap_or(&name);
        let digits = name.strip_prefix(BLOBS);
        let most = if digits.is_some() { COMPONENT_BYTES_MAX } else { ARTIFACT_DOCUMENT_BYTES_MAX as u64 };
        if size > most {
            return Err(format!("{name:?} in it has {size} bytes; {most} are allowed"));
        }
        let bytes = tar::content(&mut archive, size)?;
        match (name, digits) {
            (INDEX, _) => index = Some(bytes),
            ("oci-layout" | "manifest.json", _) => {}
            (_, Some(digits)) => {
                let digest: Digest = format!("sha256:{digits}").parse()?;
                if Digest::of(&bytes) != digest {
                    return Err(format!("{name} in it has not the digest that it is called by"));
                }
                blobs.insert(digest, bytes);
                if blobs.len() > (3 + ARCHIVE_PROOFS_MAX) * ARCHIVE_PLUGINS_MAX {
                    return Err(format!("it has more files than {ARCHIVE_PLUGINS_MAX} plugins need"));
                }
            }
            _ => return Err(format!("{name:?} in it belongs to no archive of plugins")),
        }
    }
    Ok((index, blobs))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distribution::artifact::{CONFIG_TYPE, LAYER_TYPE};

    const WASM: &[u8] = b"\0asm\x0d\0\x01\0";

    fn saved(source: &str, component: &[u8]) -> Saved {
        let config = b"{}".to_vec();
        let manifest = json!({
            "schemaVersion": 2,
            "config": descriptor(CONFIG_TYPE, &config),
            "layers": [descriptor(LAYER_TYPE, component)],
        });
        let manifest = manifest.to_string().into_bytes();
        Saved { source: source.to_owned(), manifest, config, component: component.to_vec(), proofs: Vec::new() }
    }

    fn archive(plugins: &[Saved]) -> Vec<u8> {
        let mut bytes = Vec::new();
        save(&mut bytes, plugins).unwrap();
        bytes
    }

    #[test]
    fn what_is_saved_is_loaded() {
        let scratch = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(scratch.path());
        let bytes = archive(&[saved("oci://ghcr.io/acme/rules:1", WASM), saved("\u{1b}", WASM)]);
        let loaded = load(&mut bytes.as_slice(), &shelf).unwrap();
        assert_eq!(loaded[0].source, "oci://ghcr.io/acme/rules:1".parse().ok());
        assert_eq!((loaded[1].source.clone(), &loaded[1].component), (None, &Digest::of(WASM)));
        assert!(shelf.component(&loaded[0].component).is_some() && shelf.get(&loaded[0].content).is_some());
        assert_eq!(shelf.stock().files, 3);
        assert_eq!(bytes, archive(&[saved("oci://ghcr.io/acme/rules:1", WASM), saved("\u{1b}", WASM)]));
    }

    #[test]
    fn what_is_wrong_leaves_the_shelf_as_it_was() {
        let scratch = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(scratch.path());
        let check = |bytes: &[u8], words: &str| {
            let error = load(&mut &*bytes, &shelf).unwrap_err();
            assert!(error.contains(words), "no `{words}`: {error}");
            assert_eq!(shelf.stock().files, 0);
        };
        let of = |files: &[(&str, &[u8])]| {
            let mut bytes = Vec::new();
            files.iter().for_each(|(name, content)| tar::append(&mut bytes, name, content).unwrap());
            tar::finish(&mut bytes).unwrap();
            bytes
        };
        let mut lying = saved("a", WASM);
        lying.manifest = String::from_utf8(lying.manifest).unwrap().replace("\"size\":8", "\"size\":5").into_bytes();
        check(&archive(&[lying]), "has 5 bytes, and it has 8");
        let whole = archive(&[saved("a", WASM), saved("b", b"no component")]);
        check(&whole, "it is no WebAssembly component");
        check(&whole[..whole.len() / 2], "ends early");
        check(b"PK\x03\x04", "ends early");
        check(&[b'x'; 1024], "it is no archive of plugins");
        check(&of(&[]), "it has no index.json");
        check(&of(&[("index.json", b"[")]), "its index.json is none");
        check(&of(&[("../../etc/passwd", b"x")]), "belongs to no archive of plugins");
        check(&of(&[("blobs/sha256/../../x", b"x")]), "is no digest");
        let digits = Digest::of(b"y").digits().to_owned();
        check(&of(&[(&format!("blobs/sha256/{digits}"), b"x")]), "has not the digest that it is called by");
        let index = format!("{{\"manifests\":[{{\"digest\":\"sha256:{digits}\"}}]}}");
        check(&of(&[("index.json", index.as_bytes())]), "it lacks sha256:");
        check(&of(&[("index.json", &vec![b' '; ARTIFACT_DOCUMENT_BYTES_MAX + 1])]), "bytes;");
        let mut huge = of(&[("index.json", b"")]);
        huge[124..136].copy_from_slice(b"77777777777\0");
        let sum: u64 = huge[..512]
            .iter()
            .enumerate()
            .map(|(at, byte)| u64::from(if (148..156).contains(&at) { b' ' } else { *byte }))
            .sum();
        huge[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        check(&huge, "bytes;");
    }
}
