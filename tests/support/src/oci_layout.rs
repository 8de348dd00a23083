//! OCI layouts: images as a folder, and `skopeo` to push them to a registry.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::image::{Content, Tree};
use crate::process::{Running, find};
use crate::{limits, scratch_folder};

/// Writes an image or an index as an OCI layout with one reference of this name.
///
/// `folder` must exist; what it holds is overwritten.
pub fn write<'a, T>(folder: &Path, name: &str, content: &'a T)
where
    Tree: From<&'a T>,
{
    let tree = Tree::from(content);
    fs::create_dir_all(folder.join("blobs/sha256")).expect("the folder is writable");
    let contents = tree.manifests.iter().chain(&tree.blobs).chain([&tree.root]);
    for content in contents {
        write_blob(folder, content);
    }
    let mut root = tree.root.descriptor();
    root["annotations"] = json!({ "org.opencontainers.image.ref.name": name });
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [root],
    });
    write_file(&folder.join("index.json"), index.to_string().as_bytes());
    let version = json!({ "imageLayoutVersion": "1.0.0" });
    write_file(&folder.join("oci-layout"), version.to_string().as_bytes());
}

/// Pushes what [`write()`] wrote to `host/repository:tag` over plain HTTP, with
/// credentials as `user:password`. Digests stay as they are.
///
/// Reads no configuration of the system or the user.
///
/// # Panics
///
/// When `skopeo` is missing, fails, or does not end in time.
pub fn push(folder: &Path, reference: &str, credentials: Option<&str>) {
    let skopeo = find("skopeo").expect("tests ask first what is installed");
    let scratch = scratch_folder();
    let scratch = scratch.path();
    let policy = json!({ "default": [{ "type": "insecureAcceptAnything" }] });
    write_file(&scratch.join("policy.json"), policy.to_string().as_bytes());
    write_file(&scratch.join("auth.json"), b"{}");
    write_file(&scratch.join("registries.conf"), b"");
    let log = scratch.join("skopeo.log");
    let output = File::create(&log).expect("the scratch folder is writable");

    let mut command = Command::new(skopeo);
    command
        .arg("--policy")
        .arg(scratch.join("policy.json"))
        .args(["copy", "--all", "--preserve-digests", "--dest-tls-verify=false"])
        .args(match credentials {
            Some(credentials) => vec!["--dest-creds", credentials],
            None => vec!["--dest-no-creds"],
        })
        // Without a name: by name, only OCI's own media types are found.
        .arg(format!("oci:{}", folder.display()))
        .arg(format!("docker://{reference}"))
        .env("HOME", scratch)
        .env("XDG_RUNTIME_DIR", scratch)
        .env("REGISTRY_AUTH_FILE", scratch.join("auth.json"))
        .env("CONTAINERS_REGISTRIES_CONF", scratch.join("registries.conf"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(output);
    let status = Running::spawn(&mut command).wait(limits::COPY_MAX);
    let said = fs::read_to_string(&log).unwrap_or_default();
    match status {
        Some(status) if status.success() => {}
        Some(status) => panic!("skopeo cannot push {reference}: {status}\n{said}"),
        None => panic!("skopeo did not push {reference} within {:?}\n{said}", limits::COPY_MAX),
    }
}

fn write_blob(folder: &Path, content: &Content) {
    let name = content.digest.replace(':', "/");
    write_file(&folder.join("blobs").join(name), &content.bytes);
}

fn write_file(path: &Path, bytes: &[u8]) {
    if let Err(error) = fs::write(path, bytes) {
        panic!("{} cannot be written: {error}", path.display());
    }
}
