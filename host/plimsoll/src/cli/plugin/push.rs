//! `plimsoll plugin push`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::UNIX_EPOCH;

use anyhow::{anyhow, bail, ensure};
use clap::Args;
use plimsoll_registry::Upload;

use super::super::{CLEAN, print_lines};
use super::around::Around;
use super::{load, name_of, read};
use crate::age::{self, SOURCE_DATE_EPOCH};
use crate::config::Source;
use crate::distribution::artifact::{self, MANIFEST_TYPE, Packed};
use crate::limits::{ANNOTATION_BYTES_MAX, ARTIFACT_NAMES_MAX};
use crate::plugin::check_name;

/// Put a component into a registry
///
/// As an artifact that other clients of WebAssembly know too. Equal components with equal
/// annotations have equal digests, whenever they are pushed; the digest is printed.
#[derive(Args)]
#[command(after_help = "\
Examples:
  plimsoll plugin push oci://ghcr.io/acme/rules:1.2 acme.wasm
  plimsoll plugin push oci://ghcr.io/acme/rules:1.2 acme.wasm --annotation org.opencontainers.image.licenses=MIT

Log in as for containers, such as with `docker login ghcr.io`.")]
pub(super) struct Arguments {
    /// Where to: oci://HOST/REPOSITORY:TAG
    source: Source,
    /// The component
    file: PathBuf,
    /// What the manifest says of it, besides title, version, source, licences and contract [default: as the component says]
    #[arg(long = "annotation", value_name = "NAME=TEXT", value_parser = annotation)]
    annotations: Vec<(String, String)>,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let Source::Oci(reference) = &arguments.source else {
        bail!("{}: plugins are pushed to registries; write oci://HOST/REPOSITORY:TAG", arguments.source);
    };
    ensure!(reference.digest.is_none(), "{}: say a tag, and no digest", arguments.source);
    let component = read(&arguments.file)?;
    // What does not load here is of no use to anybody.
    let own = Some(name_of(&arguments.file)).filter(|name| check_name(name).is_ok());
    let name = own.unwrap_or_else(|| arguments.source.name());
    let plugin = load(None, &name, &arguments.file.display().to_string(), &component)?;
    let mut annotations: BTreeMap<String, String> = artifact::annotations(&component, &plugin);
    annotations.extend(arguments.annotations.iter().cloned());
    ensure!(annotations.len() <= ARTIFACT_NAMES_MAX, "--annotation: more than {ARTIFACT_NAMES_MAX} of them");

    let around = Around::read(None, false, None)?;
    let epoch = around.variables.get(SOURCE_DATE_EPOCH).map_or("0", String::as_str);
    let created = age::text(age::now(Some(epoch)).unwrap_or(UNIX_EPOCH));
    let Packed { manifest, config } = artifact::pack(&component, &annotations, &created);
    let upload = Upload { blobs: &[component.bytes(), &config], media_type: MANIFEST_TYPE, manifest: &manifest };
    let remote = around.supply.remote().map_err(|message| anyhow!(message))?;
    let pushed = remote.push(reference, &upload);
    let digest = pushed.map_err(|failure| anyhow!("{}: {}", arguments.source, failure.detail))?;
    print_lines(&format!("{}\n  content      {digest}\n  component    {}\n", arguments.source, component.digest()))?;
    Ok(CLEAN)
}

fn annotation(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=TEXT")?;
    let is_name = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic());
    match is_name(name) && text.len() <= ANNOTATION_BYTES_MAX {
        true => Ok((name.to_owned(), value.to_owned())),
        false => Err(format!("a name has no blanks, and both together at most {ANNOTATION_BYTES_MAX} bytes")),
    }
}
